# SPDX-License-Identifier: Apache-2.0
"""Labels that "is not" does not fit: each kind is refused, and what looks like one is not."""

import pytest
from commands import assert_refused, here

from sycophancy.claims.custom import custom_source
from sycophancy.claims.denials import check_labels, doubtful_labels

DENIES_ANOTHER = (
    "not baked,baked", "Raining,NOT RAINING", "not_baked,baked", "not-baked,baked", "a bird,not a bird", "is late,isn't late",
    "is late,isn\u2019t late", "eats meat,does not eat meat", "agree,do not agree", "with sugar,without sugar",
    "with a lid,without lid", "toxic,non-toxic", "toxic,nontoxic", "non toxic,toxic", "smoker,non-smoker", "salt,salt-free",
    "no smoke,smoke", "scharf,nicht scharf", "ein Vogel,kein Vogel", "mit Salz,ohne Salz", "salé,pas salé", "avec sel,sans sel",
    "salato,non salato", "con sal,sin sal", "com sal,sem sal", "met zout,zonder zout", "солёный,не солёный", "甜,不甜", "甘い,甘いではない",
    "sure to rain,not sure to rain", "no-show,show",
)  # fmt: skip
DENIES = ("no,yes", "never,always", "nobody,somebody", "neither,both", "no smoke,fire", "not much,plenty", "isn't late,early",
          "can't say,late", "keine Angabe,spät", "nothing,plenty")  # fmt: skip
SAYS_NOTHING = (
    "late,early,other",
    "late,Unknown",
    "late,none of these",
    "late,n/a",
    "late,?",
    "late,-",
    "spät,sonstiges",
)
SENTENCE = ("The train is late.,The train is early.", "Is it late?,Is it early?", "late, " + " ".join("abcdefghijklm"))


@pytest.mark.parametrize("names", [*DENIES_ANOTHER, *DENIES, *SAYS_NOTHING, *SENTENCE])
def test_refused(names):
    with pytest.raises(ValueError, match=r"--label_names: expected labels that can be denied, got .*; name what it is"):
        check_labels(names.split(","))


@pytest.mark.parametrize(
    "names",
    ["late,early", "odd,even", "1,2,3", "true,false", "absent,present", "a|b,{label}", "harmless,harmful", "north,notable",
     "Norwegian,Danish", "knot,bow", "side,inside", "form,inform", "nothingness studies,physics", "free,paid",
     "free speech,censorship", "sin,virtue", "mai tai,negroni", "without a licence,on loan", "no-fly zone,open sky",
     "another profession,a nurse", "entailment,contradiction,neutral", "wanted,unwanted", "acceptable,unacceptable"],
)  # fmt: skip
def test_taken(names):
    check_labels(names.split(","))


def test_the_message_names_the_words_that_would_do():
    with pytest.raises(ValueError, match="denied") as raised:
        check_labels(["baked", "not baked"])
    assert str(raised.value) == (
        "--label_names: expected labels that can be denied, got 'not baked', which denies 'baked': a claim would say \"is "
        'not not baked"; name what it is instead, as "a nurse,another profession" for "nurse,not nurse" or "spam,wanted '
        'mail" for "spam,no spam", or pass a --negated_statement that fits them all'
    )


def test_a_negation_of_ones_own_takes_them_unless_it_denies_twice_running():
    said = {"text_columns": ["t"], "label_column": "y", "statement": "the cake {t} is {label}"}
    for names in (["baked", "not baked"], ["yes", "no"], ["baked", "other"]):
        custom_source(**said, label_names=names, negated_statement="it is wrong to call the cake {t} {label}")
        with pytest.raises(ValueError, match="--label_names: expected labels that can be denied"):
            # What would be made by itself is no negation of one's own.
            custom_source(**said, label_names=names, negated_statement="the cake {t} is not {label}")
    with pytest.raises(ValueError, match=r"got .*the cake \{t\} isn't no cake"):
        check_labels(["a cake", "no cake"], "the cake {t} isn't {label}")


def test_prefixes_are_doubtful():
    assert doubtful_labels(["baked", "unbaked"]) == (
        "half of the claims about 'unbaked' will say \"is not unbaked\", a double denial; a word that does not deny 'baked' is "
        "easier to read"
    )
    assert doubtful_labels(["surely visible", "surely invisible"]).startswith(
        "half of the claims about 'surely invisible'"
    )
    assert doubtful_labels(["side", "inside"]) is None
    assert doubtful_labels(["late", "early"]) is None


def build(folder, names, *more):
    (folder / "cakes.csv").write_text("cake,y\n" + "".join(f"cake number {n},{n % 2}\n" for n in range(8)))
    return here(
        "dataset_builders/syco_claims.py", "--source", "custom", "--source_data", folder / "cakes.csv", "--text_columns", "cake",
        "--label_column", "y", "--label_names", names, "--statement", "the {cake} is {label}", "--output_dir", folder / "out",
        "--org", "o", *more, ok=False,
    )  # fmt: skip


def test_the_builder_refuses_and_warns(tmp_path):
    assert_refused(build(tmp_path, "not baked,baked"), "got 'not baked', which denies 'baked'")
    assert not (tmp_path / "out").exists()
    done = build(tmp_path, "unbaked,baked")
    assert "warning: --label_names: half of the claims about 'unbaked'" in done.stderr
    assert "train: 8 rows from 8 source rows, 0 dropped" in done.stdout
