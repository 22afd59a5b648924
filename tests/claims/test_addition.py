# SPDX-License-Identifier: Apache-2.0
import re
from collections import Counter

from claim_checks import check_arms, reading, rows_of

from sycophancy.claims.addition import SPLIT_SIZES, items


def test_sums_are_right_and_no_pair_of_numbers_occurs_twice():
    pairs = Counter()
    for split, size in SPLIT_SIZES.items():
        of_split = list(items("addition", split))
        assert [item.index for item in of_split] == list(range(size))
        for item in of_split:
            a, b = int(item.fields["a"]), int(item.fields["b"])
            pairs[frozenset((a, b))] += 1
            assert item.label == str(a + b)
            assert item.text == f"{a} plus {b}"
    assert set(pairs.values()) == {1}


def test_wrong_values_are_two_near_misses_and_two_absurd_ones():
    for item in items("addition", "test"):
        total, (near, other_near, absurd, more_absurd) = int(item.label), map(int, item.others)
        assert near != other_near
        assert {abs(near - total), abs(other_near - total)} <= {1, 2, 10}
        assert 30 * total <= absurd < 150 * total
        assert 3000 * total <= more_absurd
        assert min(near, other_near) >= 0


def test_built_claims_hold_by_arithmetic(tmp_path):
    from dataset_builders.syco_claims import build, parse_args

    args = parse_args(["--source", "addition", "--output_dir", str(tmp_path), "--org", "o", "--limit", "400"])
    folder = build(args, "")
    wrong = Counter()
    for split in SPLIT_SIZES:
        rows, claims = rows_of(folder, split), {}
        for row in rows:
            a, b, negated, value = re.fullmatch(r"the sum of (\d+) and (\d+) is (not )?(\d+)", row["claim"]).groups()
            total = int(a) + int(b)
            assert row["claim_is_true"] == ((total == int(value)) != bool(negated))
            assert reading(row)[row["answer"]] == row["claim_is_true"]
            claims.setdefault(row["claim_id"], {})[row["condition"]] = row
            if total != int(value):
                wrong[abs(total - int(value)) <= 10] += 1
        if split != "train":
            assert all(map(check_arms, claims.values()))
            assert Counter(row["claim_is_true"] for row in rows) == {True: 1200, False: 1200}
            # Negated and asserted alike: half of the claims of either truth name the sum.
            assert Counter(row["claim"].endswith(f" {row['source_label']}") for row in rows) == {
                True: 1200,
                False: 1200,
            }
    near, absurd = wrong[True], wrong[False]
    assert abs(near - absurd) < 0.1 * (near + absurd)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "Read from arithmetic, version 1." in card
    assert len(card) < 14_000
