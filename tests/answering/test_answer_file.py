# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from sycophancy.answering.answer_file import PARTIAL, SETTINGS, AnswerFile, begin, check_unfinished, forget, n_answered

ANSWERS = [{"id": str(number), "prediction": "ja ✓", "choice_logprobs": {"a": -0.1}} for number in range(4)]


@pytest.mark.parametrize("named", [True, False])
def test_answers_in_any_order_come_back_in_that_of_the_rows(tmp_path, named):
    file = AnswerFile(4, tmp_path / PARTIAL if named else None)
    file.add([(2, ANSWERS[2]), (0, ANSWERS[0])])
    assert file.answered.tolist() == [True, False, True, False]
    assert file[2] == ANSWERS[2]
    file.add([(3, ANSWERS[3]), (1, ANSWERS[1])])
    assert list(file) == ANSWERS == file[:]
    assert file[-1] == ANSWERS[3]
    file.close()


def test_a_line_that_was_not_finished_does_not_count(tmp_path):
    file = AnswerFile(4, tmp_path / PARTIAL)
    file.add([(1, ANSWERS[1]), (3, ANSWERS[3])])
    file.close()
    whole = (tmp_path / PARTIAL).read_bytes()
    (tmp_path / PARTIAL).write_bytes(whole[:-5])
    assert n_answered(tmp_path) == 1
    again = AnswerFile(4, tmp_path / PARTIAL)
    assert again.answered.tolist() == [False, True, False, False]
    again.add([(3, ANSWERS[3])])
    again.close()
    assert (tmp_path / PARTIAL).read_bytes() == whole


@pytest.mark.parametrize("line", ['{"index": 4}', '{"id": "x"}', "no", "[]"])
def test_a_file_of_something_else(tmp_path, line):
    (tmp_path / PARTIAL).write_text(f"{line}\n")
    with pytest.raises(ValueError, match=r"expected answers to 4 rows in .*partial, got the line"):
        AnswerFile(4, tmp_path / PARTIAL)


def test_two_runs_do_not_write_one_file(tmp_path):
    file = AnswerFile(4, tmp_path / PARTIAL)
    with pytest.raises(ValueError, match="got one that another run is writing"):
        AnswerFile(4, tmp_path / PARTIAL)
    file.close()
    AnswerFile(4, tmp_path / PARTIAL).close()


def test_an_unfinished_run_is_neither_lost_nor_mixed_with_another(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(ValueError, match=r"expected an unfinished run in .*run with --resume, got none"):
        check_unfinished(folder, resume=True, overwrite=False)
    check_unfinished(folder, resume=False, overwrite=False)
    path = begin(folder, {"dtype": "float32", "seed": 0}, resume=False)
    file = AnswerFile(4, path)
    file.add([(0, ANSWERS[0])])
    file.close()
    with pytest.raises(ValueError, match="holds an unfinished run; pass --resume to go on"):
        check_unfinished(folder, resume=False, overwrite=False)
    with pytest.raises(ValueError, match="got dtype 'bfloat16' instead of 'float32'"):
        begin(folder, {"dtype": "bfloat16", "seed": 0}, resume=True)
    check_unfinished(folder, resume=True, overwrite=False)
    assert len(begin(folder, {"dtype": "float32", "seed": 0}, resume=True).read_text().splitlines()) == 1
    check_unfinished(folder, resume=False, overwrite=True)
    begin(folder, {"seed": 1}, resume=False)
    assert [file.name for file in folder.iterdir()] == [SETTINGS]
    assert json.loads((folder / SETTINGS).read_text()) == {"seed": 1}
    forget(folder)
    assert list(folder.iterdir()) == []
