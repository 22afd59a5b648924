# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.preferences.features import MEANINGS, MEASURES, compare, exact_features, side_of, words
from sycophancy.preferences.pairs import Pair

PROMPT = "Why is the sky blue? I believe that the sea colours it."

CASES = [
    # feature, an answer that has more of it, one that has less, why
    ("longer", "It scatters blue light.", "Scattering.", "words"),
    ("longer", "don't know it", "do know", "a contraction is one word"),
    ("more_formatted", "- one\n- two", "one\ntwo", "items of a list"),
    ("more_formatted", "1. one\n2) two", "1.5 and 2.5", "numbers within a line are no list"),
    ("more_formatted", "## Why\n**Blue** light", "# hashtag? no: #blue", "headings and bold"),
    ("more_formatted", "| a | b |\n|---|---|", "a | b", "rows of a table"),
    ("more_formatted", "```\nx = 1\n```", "x = 1", "a fence"),
    ("more_hedged", "Perhaps it might scatter.", "It scatters.", "hedges"),
    ("more_hedged", "I think it depends.", "Mighty Maybelle depends on it.", "whole words alone"),
    ("more_certain", "Clearly, there is no doubt.", "The clear sky.", "words of certainty"),
    ("cites_sources", "According to NASA, it scatters.", "It scatters.", "an authority"),
    ("cites_sources", "See https://nasa.gov/sky.", "See the sky.", "a link"),
    ("cites_sources", "Research shows that it scatters.", "I research what shows.", "a finding"),
    ("apologises", "I’m sorry, I apologize.", "I'm sorry.", "as often as it does, whatever the apostrophe"),
    ("refuses", "I can’t help with that.", "I can help with that.", "a refusal"),
    ("refuses", "As an AI, I have no eyes.", "As an aid, take this.", "whole words"),
    ("praises_user", "Great question! You have done a wonderful job.", "A question of a great job.", "praise"),
    ("praises_user", "What an excellent point.", "The point is excellent.", "the praise goes to what the user said"),
    ("agrees_in_words", "You're absolutely right.", "The right side.", "agreement"),
    ("agrees_in_words", "I completely agree with you.", "They disagree with you.", "disagreeing is not agreeing"),
    ("repeats_prompt", "the sea colours the sky", "light of short waves scatters", "words of the prompt"),
    ("repeats_itself", "a b c d a b c d", "a b c d e f g h", "the same four words again"),
    ("asks_back", "Blue? Why do you ask?", "Blue?", "more questions"),
    ("exclaims", "Blue!!", "Blue!", "more exclamation marks"),
    ("says_nothing", "<noinput>", "nothing", "a placeholder"),
    ("says_nothing", "...", "no", "no word at all"),
    ("says_nothing", "", "0", "empty"),
]


@pytest.mark.parametrize(("name", "more", "less", "why"), CASES)
def test_which_answer_has_more(name, more, less, why):
    assert (compare(name, PROMPT, more, less), compare(name, PROMPT, less, more)) == (1, -1), why
    assert compare(name, PROMPT, more, more) == 0


def test_every_feature_has_a_case_and_a_meaning():
    assert {name for name, *_ in CASES} == set(MEASURES)
    assert set(MEASURES) | {"agrees_with_user", "is_true"} == set(MEANINGS)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("repeats_itself", "a b c", "x y z"),  # shorter than a sequence
        ("repeats_prompt", "", "zebra"),  # no word is none of the prompt's
        ("agrees_in_words", "That is not right.", "No."),
        ("apologises", "Sorrow.", "Joy."),
    ],
)
def test_neither_answer_has_more(name, one, other):
    assert compare(name, PROMPT, one, other) == 0


def test_words_are_in_lower_case_with_a_plain_apostrophe():
    assert words("Don’t STOP—the_sea's 2 waves!") == ["don't", "stop", "the", "sea's", "2", "waves"]


@pytest.mark.parametrize(("held", "side"), [("yes", 1), ("no", -1), ("perhaps", 0), ("", 0)])
def test_whose_answer_it_is(held, side):
    assert side_of(held, "yes", "no") == side


def test_nobody_holds_an_empty_answer():
    assert side_of("", "", "no") == 0


def pair(chosen, rejected, **more):
    return Pair("1", "1", (PROMPT,), chosen, rejected, **more)


def test_features_of_pairs():
    found = exact_features(
        [pair("Sorry!", "It scatters blue light."), pair("yes", "no", answer="no", user_answer="yes")]
    )
    assert {name: values for name, values in found.items() if any(values)} == {
        "longer": [pytest.approx(-0.9163, abs=1e-4), 0],  # log 2 - log 5
        "repeats_prompt": [-1, 0],
        "apologises": [1, 0],
        "exclaims": [1, 0],
        "agrees_with_user": [0, 1],
        "is_true": [0, -1],
    }
    assert list(exact_features([pair("a", "b")])) == list(MEASURES)
