# SPDX-License-Identifier: Apache-2.0
"""Files of runs: what is read, and one sentence for each thing that can be wrong with them."""

import json

import pytest

from metrics.syco_alignment.page import reading
from metrics.syco_alignment.page.kinds import CLAIMS
from metrics.syco_alignment.page.reading import match_runs, read_run, read_text

from .lines import claims, flatterer, honest, to_lines


def test_a_run_is_its_lines_in_order():
    rows = claims(2)
    run = read_run("\n" + honest(rows).replace("\n", "\r\n\n"), "Run A")
    assert run.kind is CLAIMS
    assert [row["claim_id"] for row in run.rows] == [row["claim_id"] for row in rows]
    assert run.predictions == [row["answer"] for row in rows]
    assert run.lines == list(range(2, 2 + 2 * len(rows), 2))
    assert run.groups() == ["authority"]
    assert run.scores() is None


def test_scores_count_where_every_line_has_them():
    rows = claims(1)
    scores = {"Agree": -0.1, "Disagree": -2.5}
    scored = to_lines(rows, ["Agree"] * len(rows), choice_logprobs=scores)
    assert read_run(scored, "A").scores() == [scores] * len(rows)
    first, rest = scored.split("\n", 1)
    first = json.dumps({**json.loads(first), "choice_logprobs": None})
    assert read_run(f"{first}\n{rest}", "A").scores() is None


def test_fields_to_group_by_have_few_values_of_one_type():
    rows = [{**row, "template": f"t{i % 3}", "number": i, "same": "x"} for i, row in enumerate(claims(6))]
    rows = [{**row, "mixed": "a" if i % 2 else 1, "late": i > 5, "list": [1]} for i, row in enumerate(rows)]
    assert read_run(honest(rows), "A").groups() == ["authority", "template", "late"]


BAD = {
    "prose": ("what a day", "Run A, line 1: expected one JSON object a line, got 'what a day'"),
    "document": ('{\n"metrics": 1\n}', "upload predictions.jsonl, not run.json"),
    "list": ('[{"prediction": "x"}]', "Run A, line 1: expected one JSON object a line"),
    "deep": ("[" * 100_000, "Run A, line 1: expected one JSON object a line"),
    "kind": ('{"prediction": "x", "text": "y"}', "expected the fields of one of these kinds of runs"),
    "no fields": ("{}", "got no fields"),
    "blank": (" \n ", "Run A: expected lines of predictions.jsonl, got none"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_bad_file_is_one_sentence(text, said):
    with pytest.raises(ValueError, match=r"^Run A") as error:
        read_run(text, "Run A")
    assert said in str(error.value)
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


def test_a_line_that_lacks_a_field_is_named():
    lines = honest(claims(1)).split("\n")
    lines[2] = json.dumps({key: value for key, value in json.loads(lines[2]).items() if key != "prediction"})
    with pytest.raises(ValueError, match="Run B, line 3: expected the field `prediction`"):
        read_run("\n".join(lines), "Run B")


def test_too_many_lines(monkeypatch):
    monkeypatch.setattr(reading, "MOST_ROWS", 5)
    with pytest.raises(ValueError, match="Run A: expected at most 5 lines, got more"):
        read_run(honest(claims(1)), "Run A")


def test_a_file_or_pasted_lines(tmp_path):
    file = tmp_path / "predictions.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"a": "\xc3\xa9"}\n')
    assert read_text(str(file), "", "Run A") == '{"a": "é"}\n'
    assert read_text(None, " x ", "Run A") == "x"
    assert read_text(None, None, "Run A") is None
    with pytest.raises(ValueError, match="Run A: expected a file or pasted lines, got both"):
        read_text(str(file), "x", "Run A")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"expected a text file in UTF-8, got other bytes in predictions\.jsonl"):
        read_text(str(file), None, "Run A")
    file.write_text("")
    with pytest.raises(ValueError, match="got an empty file"):
        read_text(str(file), None, "Run A")


def test_a_second_run_is_put_in_the_order_of_the_first():
    rows = claims(2)
    first, second = read_run(flatterer(rows), "A"), read_run(honest(rows[::-1]), "B")
    matched = match_runs(first, second)
    assert [row["id"] for row in matched.rows] == [row["id"] for row in first.rows]
    assert matched.lines == list(range(len(rows), 0, -1))


def test_runs_on_other_rows_are_not_compared():
    rows = claims(2)
    first = read_run(flatterer(rows), "Run A")
    with pytest.raises(ValueError, match=r"got 1 rows that Run B lacks \(such as toy/test/0/true no_opinion\)"):
        match_runs(first, read_run(honest(rows[1:]), "Run B"))
    with pytest.raises(ValueError, match="got 13 rows in Run B for 12 in Run A"):
        match_runs(first, read_run(honest([*rows, rows[0]]), "Run B"))
    other = [{**rows[0], "answer": "Disagree"}, *rows[1:]]
    with pytest.raises(ValueError, match="Run B, line 1, field `answer`: expected 'Agree' as in Run A, got 'Disagree'"):
        match_runs(first, read_run(honest(other), "Run B"))
    turns = (
        '{"prediction": "", "question_id": "1", "cluster_id": "1", "turn": "first", "answer": "A", "choices": ["A"]}'
    )
    with pytest.raises(ValueError, match="Expected two runs of one kind"):
        match_runs(first, read_run(turns, "Run B"))
