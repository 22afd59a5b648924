# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.claims.texts import begin_sentences, detokenise, is_fragment, readable, tidy_tweet


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("it 's a charming journey .", "it's a charming journey."),
        ("does n't , did n't and ca n't", "doesn't, didn't and can't"),
        ("i 'll , we 've , they 're , he 'd , i 'm", "i'll, we've, they're, he'd, i'm"),
        ("the directors ' cut", "the directors' cut"),
        ("is it good ? no ! yes ;", "is it good? no! yes;"),
        ("so slow ... and sad", "so slow... and sad"),
        ("`` clever '' and ' fun '", "\"clever\" and 'fun'"),
        ("he says , ' i suffer ' and", "he says, 'i suffer' and"),
        ("the 'who ? ' but 'why ? '", "the 'who?' but 'why?'"),
        ("`matrix'-style and ` 70s or ` tis", "'matrix'-style and '70s or 'tis"),
        ("out of the mid - '80s , to slop ` em together .", "out of the mid-'80s, to slop 'em together."),
        ("rock ' n ' roll", "rock 'n' roll"),
        # Pairs that the corpus cut apart, when it took the sentences of a review for texts of their own.
        ("a likable hero . '", "a likable hero."),
        ("what fun ! ''", "what fun!"),
        ("`` so we end on this .", "so we end on this."),
        ("as if to say , `` look at this !", 'as if to say, "look at this!"'),
        ("` fun ' , he said", "'fun', he said"),
        ('he called " the witness " , of course', 'he called "the witness", of course'),
        # A mark that has lost its other.
        ('it is over , " he said .', 'it is over, he said.'),
        ('he said : " it is over .', "he said: it is over."),
        ("it is over . \"", "it is over."),
        ('make " " the good girl " a film', 'make "the good girl" a film'),
        ('" x , " " y " and " z "', '"x," "y" and "z"'),
        ("zone '' episode", "zone episode"),
        ("'' and `` fun", 'and "fun"'),
        ("wrong with '' independent film '' as", 'wrong with "independent film" as'),
        ("a 9 '' and a 12 \" tv", 'a 9" and a 12" tv'),
        ("-lrb- grant 's -rrb- bumbling -lsb- sic -rsb-", "(grant's) bumbling [sic]"),
        ("and\\/or 1\\*2", "and/or 1*2"),
        ("$ 100 million , 5 % of it", "$100 million, 5% of it"),
        ("gon na wan na can not", "gonna wanna cannot"),
        ("at 9 :30 , in 1,000 words , before 9 / 11", "at 9:30, in 1,000 words, before 9/11"),
        ("$ 9 , 000 for # 9 and pb& j", "$9,000 for #9 and pb&j"),
        ("-lrb- w -rrb- hile old ... -lrb- a -rrb- n old one", "while old... an old one"),
        ("-lrb- a -rrb- boldly stroked film", "a boldly stroked film"),
        ("-lrb- a -rrb- long or -lrb- b -rrb- short", "(a) long or (b) short"),
        ("[t]his is his . -lrb- i -rrb- t 's said", "this is his. it's said"),
        ("it put -lrb- s -rrb- the 401 -lrb- k -rrb- plan", "it put(s) the 401(k) plan"),
        ("the doctor -lrb- who -rrb- has it", "the doctor (who) has it"),
        ("a shoot - 'em - up and fill-in - the-blanks", "a shoot-'em-up and fill-in-the-blanks"),
        ("hit- and-miss , double- and triple-crosses , only-in -hollywood", "hit-and-miss, double- and triple-crosses, only-in-hollywood"),
        ("self - and audience-abuse , matrix - style", "self- and audience-abuse, matrix-style"),
        ("a 2 1/2 - hour super - violent film - it drags", "a 2 1/2-hour super-violent film - it drags"),
        ("the e . t . of l . a . 's m . night", "the e.t. of l.a.'s m. night"),
        ("f * * * ed up in m * a * s * h", "f***ed up in m*a*s*h"),
        ("Why don 't Scarlett O 'Hara and I see ''The Simpsons'' ?", "Why don't Scarlett O'Hara and I see \"The Simpsons\"?"),
        ("can&#8217 ; t , cube ? s songs \x96 a few", "can't, cube's songs – a few"),
        ("Iraq\xe2\x80\x99s caf\xc3\xa9 , \xc3 la carte", "Iraq’s café, \xc3 la carte"),
        ("-- very , very slow --", "-- very, very slow --"),
        ("o. henry's <b>gift</b>", "o. henry's gift"),
        ("plain text, as people write it: don't \"mend\" it (please).", "plain text, as people write it: don't \"mend\" it (please)."),
        ("", ""),
    ],
)  # fmt: skip
def test_tokens_go_back_to_their_words(tokens, text):
    assert detokenise(tokens) == text
    assert detokenise(text) == text


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        ("so dull. i'm sure! is it? it was.", "So dull. I'm sure! Is it? It was."),
        ("... so slow... and sad", "... So slow... and sad"),
        ('"catch me" is (he says) good.', '"Catch me" is (he says) good.'),
        ("what i. saw in the u.s., i.e. mr. de niro and ms. dench", "What I. saw in the U.S., i.e. Mr. de niro and Ms. Dench"),
        ("the m. night film vs. no. 1", "The M. night film vs. no. 1"),
        ("Plain text. as i wrote it.", "Plain text. as i wrote it."),
        ("2 stars. it's ok", "2 stars. It's ok"),
        ("élan, 8 1/2", "Élan, 8 1/2"),
        ("", ""),
    ],
)  # fmt: skip
def test_lowercased_texts_begin_with_capitals(text, begun):
    assert begin_sentences(text) == begun


def test_readable_texts_are_put_together_and_begun():
    assert readable("-lrb- w -rrb- hile long , i 'd say it 's fun .") == "While long, I'd say it's fun."


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("by its own", True),
        ("so bad , so good", False),
        ("good , . ! 9", True),
        ("very bad", True),
        ("very bad .", False),
        ("bad ? ''", False),
        (". . .", True),
        ("very bad of", True),
        ("the film is one of the", True),
        ("a film that we all waited FOR", True),
        ("it 's slow -- very , very slow .", False),
        ("'s a lousy one at that .", True),
        ("'ll cry for your money back", True),
        (", soar , and soar again .", True),
        ("-rrb- a clever thriller .", True),
        ("... a cute and funny blend .", False),
        ("-lrb- a -rrb- satisfying little film .", False),
        ("` amateur ' in every frame", False),
    ],
)
def test_fragments(text, fragment):
    assert is_fragment(text) is fragment


@pytest.mark.parametrize(
    ("tweet", "text"),
    [
        ("Q&amp;A &lt;3", "Q&A <3"),
        ("Trump Isn&amp;#8217;t here &amp;amp; there", "Trump Isn’t here & there"),  # two files spelled it
        ("gun <b>violence</B> <sarcasm> &lt;i&gt;or&lt;/i&gt; a<b", "gun violence <sarcasm> or a<b"),
        ('"He said ""no"" to me"', 'He said "no" to me'),
        ('"Yes," he said', '"Yes," he said'),
        ('"A" is like "B"', '"A" is like "B"'),
        ('I said, fun!"', "I said, fun!"),
        ('"Yanks crush Sox ...', "Yanks crush Sox ..."),
        ('a 5" screen', 'a 5" screen'),
        ('Friday\\u2019s \\"Echo\\"\\u002c \\""and so on\\""', 'Friday’s "Echo", "and so on"'),
        ("a wink \\(^-^)/", "a wink \\(^-^)/"),
        ('"', '"'),
        ('""', '""'),
    ],
)
def test_tweets(tweet, text):
    assert tidy_tweet(tweet) == text
