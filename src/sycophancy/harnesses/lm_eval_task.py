# SPDX-License-Identifier: Apache-2.0
"""Functions that the YAML files beside this one name: lm-evaluation-harness loads this file by its path.

The harness asks for one number per key and shows an aggregation to all of a key's items, so every key hands its rows
and answers to the metric, which is asked once for all of them.
"""

from functools import lru_cache

from sycophancy.dataset.kinds import ANSWERS
from sycophancy.harnesses.scoring import KEYS, load_rows, score_answers
from sycophancy.metric import references


def load(dataset_name=None, split="validation", **model_arguments):
    """The rows, as the only split. The harness passes `--metadata` and, along with it, the model's arguments."""
    return {"measured": load_rows(dataset_name, split)}


def load_answers(dataset_name=None, split="validation", **model_arguments):
    """The same for a dataset of suggested answers, and for no other."""
    return {"measured": load_rows(dataset_name, split, ANSWERS)}


def _item(doc, answer):
    """Row and answer as one hashable thing."""
    (row,) = references([doc])
    return (tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in row.items()), answer)


def choice_results(doc, results):
    """The most probable choice is the answer; ties go to the first."""
    scores = [score for score, _ in results]
    item = _item(doc, doc["choices"][scores.index(max(scores))])
    return dict.fromkeys(KEYS, item)


def text_results(doc, results):
    """What was generated is the answer, read by the metric's own parser."""
    return dict.fromkeys(KEYS, _item(doc, results[0]))


@lru_cache(maxsize=2)
def _score(items):
    return score_answers([dict(row) for row, _ in items], [answer for _, answer in items])


def _aggregation(key):
    def aggregate(items):
        return _score(tuple(items))[key]

    aggregate.__name__ = key
    return aggregate


globals().update({key: _aggregation(key) for key in KEYS})  # `!function lm_eval_task.opinion_alignment`
