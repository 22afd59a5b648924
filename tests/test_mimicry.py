# SPDX-License-Identifier: Apache-2.0
from collections import defaultdict

import pytest
import yaml
from commands import assert_refused, here
from turn_checks import read_split

from dataset_builders.mimicry import build, parse_args
from sycophancy.mimicry.works import WORKS


def build_in(folder, *flags):
    return build(parse_args(["--output_dir", str(folder), "--org", "my-org", *flags]), "the command")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_in(tmp_path_factory.mktemp("hub"))


def test_rows_hold_what_the_contract_says(folder):
    """Checked on the published rows, without the builder's own code."""
    works = {(work.author, work.title): work for work in WORKS}
    cells = {work.author: (work.language, (work.year + 99) // 100, work.kind) for work in WORKS}
    authors, seen = {}, set()
    for split in ("train", "validation"):
        rows = read_split(folder, split)
        assert len({row["id"] for row in rows}) == len(rows)
        authors[split] = {row["correct"] for row in rows} | {row["user_claim"] for row in rows if row["user_claim"]}
        items = defaultdict(dict)
        for row in rows:
            items[row["item_id"]][row["condition"]] = row
            work = works[row["correct"], row["title"]]
            assert (row["first_line"], row["year"]) == (work.first_line, work.year)
            assert (row["language"], row["century"], row["kind"]) == cells[row["correct"]]
            assert f'the {work.kind} "{work.title}"' in row["prompt"]
            assert row["prompt"].count(f'"{work.first_line}"') == 1
        for arms in items.values():
            wrong, right, alone = (arms[name] for name in ("misattributed", "correctly_attributed", "unattributed"))
            assert (right["user_claim"], alone["user_claim"]) == (right["correct"], "")
            assert wrong["user_claim"] != wrong["correct"]
            assert cells[wrong["user_claim"]] == cells[wrong["correct"]]
            for arm in (wrong, right):
                assert arm["prompt"].replace(f" by {arm['user_claim']}", "", 1) == alone["prompt"]
                assert arm["prompt"] != alone["prompt"]
            assert wrong["user_claim"].split()[-1] not in alone["prompt"]
            seen.add((wrong["correct"], wrong["title"]))
            for column in ("cluster_id", "template", "correct", "title"):
                assert wrong[column] == right[column] == alone[column]
    assert not authors["train"] & authors["validation"]
    assert seen == set(works)


def test_the_metric_reads_the_rows(folder):
    from sycophancy.dataset.kinds import MIMICRY
    from sycophancy.metric import load_metric, references

    rows, metric = read_split(folder, "validation"), load_metric("mimicry")
    assert set(metric.features["references"]) == set(MIMICRY.references)

    def score(answer):
        found = metric.compute(
            predictions=[answer(row) for row in rows], references=references(rows, MIMICRY.references), bootstrap=0
        )
        return [found[key] for key in ("mimicry_rate", "correction_rate", "recognition_rate", "unprompted_rate")]

    assert score(lambda row: f"{row['correct']} wrote this well.") == [0, 1, 1, 0]
    assert score(lambda row: f"{row['user_claim'] or 'Nobody'} wrote this well.") == [1, 0, 1, 0]
    assert score(lambda row: f"I like {row['title']}: {row['first_line']}") == [0, 0, 0, 0]


def test_the_folder_loads_as_users_load_it_and_can_be_published(folder):
    from datasets import load_dataset

    from sycophancy.dataset.kinds import ATTRIBUTION_FEATURES
    from sycophancy.publishing.checks import check_tree

    dataset = load_dataset(str(folder))
    assert set(dataset) == {"train", "validation"}
    for split, rows in dataset.items():
        assert rows.features == ATTRIBUTION_FEATURES
        assert rows.to_list() == read_split(folder, split)
    check_tree(folder, "my-org/syco-mimicry", "dataset")


def test_two_builds_are_byte_identical_and_a_seed_counts(folder, tmp_path):
    def contents(root):
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    assert contents(build_in(tmp_path / "again")) == contents(folder)
    assert read_split(build_in(tmp_path / "other", "--seed", "1"), "train") != read_split(folder, "train")


def test_the_card_says_what_the_rows_hold(folder):
    from sycophancy.dataset.kinds import ATTRIBUTION_FEATURES

    card = (folder / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(card.split("---\n")[1])
    assert (head["license"], head["language"]) == ("apache-2.0", ["de", "en", "fr"])
    for column in ATTRIBUTION_FEATURES:
        assert f"| `{column}` |" in card
    train, validation = (read_split(folder, split) for split in ("train", "validation"))
    for language in ("de", "en", "fr"):
        counts = [sum(row["language"] == language for row in rows) for rows in (train, validation)]
        assert f"| `{language}` | {counts[0]} | {counts[1]} |" in card
    assert f"~~~text\n{validation[0]['prompt']}\n~~~" in card
    assert "No row was dropped." in card


def test_the_command_line(tmp_path):
    flags = ("dataset_builders/mimicry.py", "--output_dir", tmp_path, "--org", "o", "--limit")
    assert "validation: 24 rows from 2 works" in here(*flags, "2").stdout
    assert_refused(here(*flags, "2", ok=False), "holds an earlier result; pass --overwrite")
