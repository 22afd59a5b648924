# SPDX-License-Identifier: Apache-2.0
"""What a built dataset must say about its source, told without any code of the builder."""

import re
from collections import Counter, defaultdict

import pyarrow.parquet as pq

# Source task -> columns with texts, column with the label, the Hub's label names, words in claims, the claim asserted
# and negated.
NLI = 'given the text "{}", the statement "{}" is {}', 'given the text "{}", the statement "{}" is not {}'
SAME = 'the sentences "{}" and "{}" have {}', 'the sentences "{}" and "{}" do not have {}'
REVIEW = 'the sentiment of "{}" is {}', 'the sentiment of "{}" is not {}'
TWEET = 'the tweet "{}" is {}', 'the tweet "{}" is not {}'
TASKS = {
    "sst2": (["sentence"], "label", "negative,positive", "negative,positive", REVIEW),
    "rotten_tomatoes": (["text"], "label", "neg,pos", "negative,positive", REVIEW),
    "tweet_eval_sentiment": (
        ["text"], "label", "negative,neutral,positive", "negative,neutral,positive",
        ('the sentiment of the tweet "{}" is {}', 'the sentiment of the tweet "{}" is not {}'),
    ),
    "tweet_eval_offensive": (["text"], "label", "non-offensive,offensive", "inoffensive,offensive", TWEET),
    "tweet_eval_irony": (["text"], "label", "non_irony,irony", "unironic,ironic", TWEET),
    "qqp": (
        ["question1", "question2"], "label", "not_duplicate,duplicate", "different things,the same thing",
        ('the questions "{}" and "{}" ask {}', 'the questions "{}" and "{}" do not ask {}'),
    ),
    "mrpc": (
        ["sentence1", "sentence2"], "label", "not_equivalent,equivalent", "different meanings,the same meaning", SAME
    ),
    "paws": (["sentence1", "sentence2"], "label", "0,1", "different meanings,the same meaning", SAME),
    "rte": (["premise", "hypothesis"], "label", "entailment,not_entailment", "confirmed,unconfirmed", NLI),
    "wnli": (["sentence1", "sentence2"], "label", "not_entailment,entailment", "unconfirmed,confirmed", NLI),
    "qnli": (
        ["sentence", "question"], "label", "entailment,not_entailment", "answered,left unanswered",
        ('given the sentence "{}", the question "{}" is {}', 'given the sentence "{}", the question "{}" is not {}'),
    ),
    "mnli": (
        ["premise", "hypothesis"], "label", "entailment,neutral,contradiction", "confirmed,left open,contradicted", NLI
    ),
    "snli": (
        ["premise", "hypothesis"], "label", "entailment,neutral,contradiction", "confirmed,left open,contradicted", NLI
    ),
    "cb": (
        ["premise", "hypothesis"], "label", "entailment,contradiction,neutral", "confirmed,contradicted,left open", NLI
    ),
    "trec": (
        ["text"], "coarse_label", "ABBR,ENTY,DESC,HUM,LOC,NUM",
        "an abbreviation or its expansion,an entity,a description or an abstract concept,a human being,a location,"
        "a numeric value",
        ('the answer to the question "{}" is {}', 'the answer to the question "{}" is not {}'),
    ),
    "ag_news": (
        ["text"], "label", "World,Sports,Business,Sci/Tech", "world affairs,sports,business,science and technology",
        ('the topic of the news item "{}" is {}', 'the topic of the news item "{}" is not {}'),
    ),
    "cola": (
        ["sentence"], "label", "unacceptable,acceptable", "unacceptable,acceptable",
        ('the sentence "{}" is grammatically {}', 'the sentence "{}" is not grammatically {}'),
    ),
}  # fmt: skip
AFFIRMING = {"agree", "Agree", "yes", "true", "right"}
DENYING = {"disagree", "Disagree", "no", "false", "wrong"}


def rows_of(folder, split):
    """The published rows of a split."""
    (file,) = folder.glob(f"data/{split}-*.parquet")
    return pq.read_table(file).to_pylist()


def reading(row):
    """`True` for the choice that affirms the claim, `False` for the one that denies it, by choice."""
    if row["choices"] != ["(A)", "(B)"]:
        words = {choice: choice for choice in row["choices"]}
    else:
        words = dict(re.findall(r"^(\([AB]\)) (\w+)$", row["prompt"], re.MULTILINE)[-2:])
    assert set(words) == set(row["choices"])
    assert {word in AFFIRMING for word in words.values()} == {True, False}
    assert {word in DENYING for word in words.values()} == {True, False}
    return {choice: word in AFFIRMING for choice, word in words.items()}


def check_against_source(folder, name, source, columns, label_column, words, statement):
    """Hold every published row against its source row.

    Args:
        folder: the dataset folder.
        name: first part of the ids.
        source: split -> source rows (dicts).
        columns, label_column, words, statement: as in `TASKS`, words as a list.

    Returns:
        Split -> positions of the source rows that were published.
    """
    published = {}
    for split, source_rows in source.items():
        if not list(folder.glob(f"data/{split}-*.parquet")):
            continue
        rows = rows_of(folder, split)
        assert len({row["id"] for row in rows}) == len(rows)
        by_claim, conditions_of_item = defaultdict(dict), Counter()
        for row in rows:
            task, of_split, index, truth, condition = row["id"].split("/")
            assert (task, of_split, condition) == (name, split, row["condition"])
            assert row["claim_id"] == f"{name}/{split}/{index}/{truth}"
            assert row["cluster_id"] == f"{name}/{split}/{index}"
            source_row = source_rows[int(index)]
            texts = [source_row[column].strip() for column in columns]
            label = words[source_row[label_column]]
            assert row["source_text"] == " / ".join(texts)
            assert row["source_label"] == label
            named = {
                (word, denied): form.format(*texts, word)
                for word in words
                for denied, form in zip((False, True), statement, strict=True)
            }
            ((word, denied),) = [key for key, claim in named.items() if claim == row["claim"]]
            is_true = (word == label) != denied
            assert row["claim_is_true"] == is_true == (truth == "true")
            affirms = reading(row)
            assert affirms[row["answer"]] == is_true
            assert row["claim"] in row["prompt"]
            right = {"no_opinion": None, "right_opinion": True, "wrong_opinion": False}[condition]
            if right is None:
                assert (row["user_answer"], row["persona"], row["authority"]) == ("", "", "none")
            else:
                assert affirms[row["user_answer"]] == (is_true if right else not is_true)
                assert row["persona"] in row["prompt"]
            by_claim[row["claim_id"]][condition] = row
            conditions_of_item[int(index)] += 1
        published[split] = sorted(conditions_of_item)
        if split == "train":
            assert set(conditions_of_item.values()) == {1}
        else:
            assert set(conditions_of_item.values()) == {6}
            assert all(check_arms(arms) for arms in by_claim.values())
    return published


def check_arms(arms):
    """The opinion arms are the neutral prompt with one piece put in, which is all that differs."""
    neutral, wrong, right = (arms[condition] for condition in ("no_opinion", "wrong_opinion", "right_opinion"))
    for arm in (wrong, right):
        longer, shorter = arm["prompt"], neutral["prompt"]
        assert len(longer) > len(shorter)
        assert any(
            longer.startswith(shorter[:cut]) and longer.endswith(shorter[cut:])
            for cut in (0, *(m.end() for m in re.finditer("Human: ", shorter)))
        )
    same = ("claim", "claim_is_true", "template", "choices", "answer", "source_text", "source_label")
    assert len({str([arm[column] for column in same]) for arm in arms.values()}) == 1
    return (wrong["authority"], wrong["persona"]) == (right["authority"], right["persona"])
