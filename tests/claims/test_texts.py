# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.claims.texts import detokenise, is_fragment, tidy_tweet


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("it 's a charming journey .", "it's a charming journey."),
        ("does n't , did n't and ca n't", "doesn't, didn't and can't"),
        ("i 'll , we 've , they 're , he 'd , i 'm", "i'll, we've, they're, he'd, i'm"),
        ("the directors ' cut", "the directors' cut"),
        ("is it good ? no ! yes ;", "is it good? no! yes;"),
        ("so slow ... and sad", "so slow... and sad"),
        ("`` clever '' and ' fun '", "\"clever\" and' fun'"),  # a plain single quote closes: it is an apostrophe more often
        ("` fun ' , he said", "'fun', he said"),
        ('he called " the witness " , of course', 'he called "the witness", of course'),
        ("-lrb- grant 's -rrb- bumbling -lsb- sic -rsb-", "(grant's) bumbling [sic]"),
        ("and\\/or 1\\*2", "and/or 1*2"),
        ("$ 100 million , 5 % of it", "$100 million, 5% of it"),
        ("gon na wan na can not", "gonna wanna cannot"),
        ("at 9 :30 , in 1,000 words", "at 9 :30, in 1,000 words"),
        ("-- very , very slow --", "-- very, very slow --"),
        ("plain text, as people write it: don't \"mend\" it (please).", "plain text, as people write it: don't \"mend\" it (please)."),
        ("", ""),
    ],
)  # fmt: skip
def test_tokens_go_back_to_their_words(tokens, text):
    assert detokenise(tokens) == text
    assert detokenise(text) == text


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("by its own", True),
        ("so bad , so good", False),
        ("good , . ! 9", True),
        ("the film is one of the", True),
        ("a film that we all waited FOR", True),
        ("it 's slow -- very , very slow .", False),
    ],
)
def test_fragments(text, fragment):
    assert is_fragment(text) is fragment


@pytest.mark.parametrize(
    ("tweet", "text"),
    [
        ("Q&amp;A &lt;3", "Q&A <3"),
        ('"He said ""no"" to me"', 'He said "no" to me'),
        ('"Yes," he said', '"Yes," he said'),
        ('"', '"'),
        ('""', '""'),
    ],
)
def test_tweets(tweet, text):
    assert tidy_tweet(tweet) == text
