# SPDX-License-Identifier: Apache-2.0
"""Any user's own data, from the command line alone."""

import json

import pytest
from claim_checks import check_against_source
from commands import ROOT, assert_refused, here

BUILDER = "dataset_builders/syco_claims.py"
SENTIMENT = ("--text_columns", "sentence", "--label_column", "label", "--label_names", "negative,positive")
STATEMENT = ("--statement", 'the sentiment of "{sentence}" is {label}')


def write_csv_and_jsonl(folder, columns, label_column, n_labels):
    """A folder with other formats than the table's sources have."""
    folder.mkdir()
    source = {
        split: [
            {column: f"{column} {split} {index}" for column in columns} | {label_column: index % n_labels}
            for index in range(size)
        ]
        for split, size in (("train", 24), ("test", 12))
    }
    lines = [",".join((*columns, label_column)), *(",".join(map(str, row.values())) for row in source["train"])]
    (folder / "train.csv").write_text("\n".join(lines) + "\n")
    return source


def test_two_classes(tmp_path):
    source = write_csv_and_jsonl(tmp_path / "data", ["sentence"], "label", 2)
    (tmp_path / "data" / "test.csv").write_text(
        "sentence,label\n" + "".join(f"{row['sentence']},{row['label']}\n" for row in source["test"])
    )
    done = here(
        BUILDER, "--source", "custom", "--source_data", tmp_path / "data", *SENTIMENT, *STATEMENT,
        "--output_dir", tmp_path, "--org", "my-org",
    )  # fmt: skip
    folder = tmp_path / "my-org" / "syco-custom"
    assert f"wrote {folder}" in done.stdout
    forms = ('the sentiment of "{}" is {}', 'the sentiment of "{}" is not {}')
    published = check_against_source(folder, "custom", source, ["sentence"], "label", ["negative", "positive"], forms)
    assert published == {"train": list(range(24)), "test": list(range(12))}
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert (
        "python dataset_builders/syco_claims.py --source custom --source_data data --org my-org --seed 0 "
        "--text_columns sentence --label_column label --label_names negative,positive --statement "
        "'the sentiment of \"{sentence}\" is {label}'\n"
    ) in card
    assert "\nlicense: unknown\n" in card


def test_six_classes_about_two_texts(tmp_path):
    source = write_csv_and_jsonl(tmp_path / "mine", ["head", "body"], "kind", 6)
    (tmp_path / "mine" / "train.csv").unlink()
    for split, rows in source.items():
        (tmp_path / "mine" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    names = ["praise", "faint praise", "blame", "a plea", "news", "an advert"]
    here(
        BUILDER, "--source", "custom", "--source_data", tmp_path / "mine", "--text_columns", "head,body",
        "--label_column", "kind", "--label_names", ",".join(names), "--name", "letters", "--license", "cc0-1.0",
        "--statement", 'the letter "{body}" headed "{head}" conveys {label}',
        "--negated_statement", 'the letter "{body}" headed "{head}" does not convey {label}',
        "--output_dir", tmp_path, "--org", "my-org",
    )  # fmt: skip
    folder = tmp_path / "my-org" / "syco-letters"
    # The texts in the order of the columns; the statement names them the other way round.
    forms = (
        'the letter "{1}" headed "{0}" conveys {2}', 'the letter "{1}" headed "{0}" does not convey {2}'
    )  # fmt: skip
    published = check_against_source(folder, "letters", source, ["head", "body"], "kind", names, forms)
    assert published == {"train": list(range(24)), "test": list(range(12))}
    assert "\nlicense: cc0-1.0\n" in (folder / "README.md").read_text(encoding="utf-8")


def test_label_names_of_the_data_do_not_matter_but_their_number_does(tmp_path):
    from datasets import ClassLabel, Dataset, Features, Value

    from sycophancy.claims.custom import custom_source
    from sycophancy.claims.sources import read_source

    features = Features({"sentence": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    rows = [{"sentence": "good", "label": 1}, {"sentence": "bad", "label": 0}]
    Dataset.from_list(rows, features=features).to_parquet(tmp_path / "train.parquet")
    two, three = (custom_source(["sentence"], "label", names, STATEMENT[1]) for names in ("ab", "abc"))
    assert [item.label for item in read_source("mine", two, str(tmp_path)).items["train"]] == ["b", "a"]
    with pytest.raises(ValueError, match=r"expected the labels 0, 1, 2 in this order .* got neg, pos"):
        read_source("mine", three, str(tmp_path))


def test_braces_and_labels_within_labels(tmp_path):
    """A label name that contains another, and braces that are no slots."""
    from sycophancy.claims.custom import custom_source
    from sycophancy.claims.rows import Item, to_claim

    statement = custom_source(["t"], "label", ["toxic", "mildly toxic"], "{{in short}} {t} is {label}").statement
    item = Item("mine", "test", 0, "{label}", {"t": "{label}"}, "toxic", ("mildly toxic",))
    assert to_claim(item, statement, True, False, "mildly toxic").text == "{in short} {label} is toxic"
    assert to_claim(item, statement, True, True, "mildly toxic").text == "{in short} {label} is not mildly toxic"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--source", "custom", *STATEMENT), "expected also --label_column, --label_names, --source_data, --text_columns"),
        (("--source", "sst2", *STATEMENT), "--statement: expected with --source custom only, got --source sst2"),
        (("--source", "custom", "--source_data", ".", *SENTIMENT, *STATEMENT, "--name", "sst2"), "expected another name"),
        (("--source", "custom", "--source_data", ".", *SENTIMENT, *STATEMENT, "--name", "a/b"), "--name: expected letters"),
        (("--source", "addition", "--source_data", "."), "expected no --source_data for addition"),
    ],
)  # fmt: skip
def test_bad_flags(tmp_path, monkeypatch, capsys, flags, message):
    from dataset_builders.syco_claims import main
    from sycophancy.cli import run

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", ["syco_claims.py", *flags, "--output_dir", str(tmp_path), "--org", "o"])
    with pytest.raises(SystemExit) as ended:
        run(main)
    assert ended.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert message in line
    assert not list(tmp_path.iterdir())


def test_a_folder_that_does_not_exist(tmp_path):
    done = here(
        BUILDER, "--source", "custom", "--source_data", tmp_path / "nowhere", *SENTIMENT, *STATEMENT,
        "--output_dir", tmp_path, "--org", "o", ok=False,
    )  # fmt: skip
    assert_refused(done, "expected a local file or folder or a Hub id as source data", "nowhere, which is neither")
