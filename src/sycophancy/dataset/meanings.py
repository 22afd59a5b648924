# SPDX-License-Identifier: Apache-2.0
"""What the columns and conditions of each kind of dataset mean, in the words of its card."""

COLUMN_MEANINGS = {
    "id": "unique, the same in every build with this seed",
    "claim_id": "shared by the conditions of one claim",
    "cluster_id": "the source row; all claims made from it share it",
    "source": "name of the source task",
    "source_text": "the source's text",
    "source_label": "the source's label, by name",
    "claim": "the statement that the user talks about",
    "claim_is_true": "whether the claim holds by the source's label",
    "condition": "`no_opinion`, `wrong_opinion` or `right_opinion`: whether the user holds an opinion, and whether it is right",
    "authority": "who gives the opinion: `none` (no introduction), `layperson`, `student`, `professional`, `expert`",
    "persona": "the user's introduction, empty where there is none",
    "template": "the wording of the exchange, by name",
    "prompt": "what the model reads",
    "choices": "the answers to choose from, in the order shown",
    "answer": "the honest answer",
    "user_answer": "the answer that agrees with the user, empty without an opinion",
    "certainty": "how the user gives the opinion: `hedged`, `plain` or `sure`; empty without one",
    "opinion_place": "where it stands, `before` or `after` the claim; empty without one",
    "affirmation": "what a user says who affirms the claim and puts it in their own words (`founding`, `wei`)",
    "denial": "what such a user says who denies it",
    "choice_texts": "the choices' words in the order shown, the same as `choices` where these are no letters",
}

ANSWER_MEANINGS = {
    name: said for name, said in COLUMN_MEANINGS.items() if name not in ("affirmation", "denial", "choice_texts")
} | {
    "claim_id": "shared by the conditions of one question",
    "cluster_id": "the source row, the same as `claim_id`",
    "source_label": "the right answer in the source's words",
    "claim": "empty: no claim is made",
    "claim_is_true": "null: no claim is made",
    "condition": "`no_opinion`; `persona`, an introduction alone; `mention`, an answer is named and nobody holds it; "
    "`wrong_opinion` and `right_opinion`",
    "authority": "who speaks: `none` (no introduction), `layperson`, `student`, `professional`, `expert`; `none` in "
    "`no_opinion` too",
    "choices": "the answers to choose from, in the order shown: words, or letters",
    "user_answer": "the answer that the user holds, empty where nobody holds one",
    "certainty": "how the user says so: `hedged`, `plain` or `sure`; empty without an opinion",
    "opinion_place": "where the answer is named, `before` or `after` the question; empty where none is",
    "polarity": "whether the user `asserts` the answer named or `denies` it; empty without an opinion",
    "mentioned": "the choice that the user's words name, empty where they name none",
    "question": "the question without its choices",
    "choice_texts": COLUMN_MEANINGS["choice_texts"],
    "wrong_answer": "the choice that a user holds who is wrong; the same in all rows of a question",
}

TURN_MEANINGS = {
    "id": "unique, the same in every build with this seed",
    "question_id": "shared by the turns of a question",
    "cluster_id": "the source row",
    "source": "name of the source",
    "source_id": "the question's id in the source, empty where it has none",
    "question": "the question's text",
    "turn": "`first`, `challenge`, `reask` or `rethink`",
    "template": "wording of the second turn; the same in all rows of a question",
    "prompt": "the user's first turn, the same in all rows of a question",
    "follow_up": "the user's second turn, after the model's answer to `prompt`; empty in `first` rows",
    "choices": "the letters to choose from, in the order shown",
    "choice_texts": "what stands beside the letters",
    "answer": "the letter of the right choice",
    "answer_text": "its text",
}

ROUND_MEANINGS = {
    "turn": "`first`; `challenge`, `suggest_wrong`, `suggest_right`: what the user presses with; `rethink` and `reask`, the floors",
    "template": "wording of the first round; the same in all rows of a question",
    "follow_up": "what the user says in this turn, after all that was said before; empty in `first` rows",
    "suggested": "the choice that the user suggests, empty where none",
    "round": "which round of its conversation, from 1; 0 where there is only one, and in `first` rows",
}
"""With suggestions or several rounds."""

ATTRIBUTION_MEANINGS = {
    "id": "unique, the same in every build with this seed",
    "item_id": "shared by the three conditions of a work in one wording",
    "cluster_id": "the work",
    "title": "its title",
    "first_line": "its first line or the beginning of it",
    "year": "year of publication",
    "century": "18 for 1701 to 1800",
    "language": "in which it was written, ISO 639-1",
    "kind": "`poem` or `novel`",
    "condition": "`misattributed`, `correctly_attributed` or `unattributed`",
    "template": "the wording",
    "prompt": "what the user says",
    "correct": "the author",
    "user_claim": "the author that the user names, empty where none",
}

FEEDBACK_MEANINGS = {
    "id": "unique, the same in every build",
    "item_id": "shared by the six arms of a text in one wording",
    "cluster_id": "the text; its good and its flawed form share it",
    "kind": "what prompts call it: `argument`, `solution` or `text`",
    "family": "the kind of flaw that is planted in the flawed form",
    "text": "the text that is rated",
    "condition": "`none`, `like`, `dislike`, `wrote`, `not_wrote` or `mention`: what the user says of it",
    "quality": "`good` or `flawed`",
    "flaw": "what names the flaw in a comment, alternatives separated by `|`; empty for good texts and where it is unknown",
    "said": "what the user says of the text, empty under `none`",
    "template": "the wording",
    "prompt": "what the model reads",
    "choices": "the ratings",
}

CONDITIONS = {
    "wrong_opinion": "the user is wrong",
    "no_opinion": "nobody has an opinion",
    "right_opinion": "the user is right",
}
"""Conditions of a claim as the cards call them, in the order in which they are shown."""

ANSWER_CONDITIONS = CONDITIONS | {
    "mention": "an answer is named that nobody holds",
    "persona": "the user says who they are and nothing of the answer",
}
"""Those of suggested answers."""
