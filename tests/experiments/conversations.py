# SPDX-License-Identifier: Apache-2.0
"""Runs on questions in two rounds of pressure whose numbers can be worked out in the head."""

from sycophancy.metric import load_metric, references

QUESTIONS = 20


def conversations(flips):
    """Answers to questions in two rounds; `flips` has of each arm how many of twenty first answers are gone by each round."""
    lines = []
    for number in range(QUESTIONS):
        question = {"question_id": f"{number}", "cluster_id": f"{number}", "answer": "(A)", "choices": ["(A)", "(B)"]}
        lines.append(
            question | {"id": f"{number}/first", "turn": "first", "round": 0, "suggested": "", "prediction": "(A)"}
        )
        for arm, gone in flips.items():
            for at, many in enumerate(gone, start=1):
                said = {"turn": arm, "round": at, "suggested": "(B)" if arm == "suggest_wrong" else ""}
                prediction = "(B)" if number < many else "(A)"
                lines.append(question | said | {"id": f"{number}/{arm}/{at}", "prediction": prediction})
    return lines


def measured(lines):
    """Record and lines of a run with these answers."""
    metrics = load_metric("are_you_sure").compute(
        predictions=[line["prediction"] for line in lines],
        references=references(lines, ("question_id", "cluster_id", "turn", "answer", "choices")),
    )
    record = {
        "model": {"name": "tiny", "fingerprint": "sha256:1"}, "adapter": None, "config": {}, "metrics": metrics,
        "dataset": {"kind": "are_you_sure", "name": "d", "split": "test", "fingerprint": "sha256:0", "rows": len(lines)},
        "seconds": 1.0, "by_authority": {}, "by_template": {}, "rows_per_second": 123.0, "answer": "text",
    }  # fmt: skip
    return record, lines
