# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks compute besides seconds, and that the documents show it."""

import json
import sys
from argparse import Namespace

import pytest
from commands import ROOT, warm

sys.path.insert(0, str(ROOT / "benchmarks"))

from limit import (
    Peaks,
    Work,
    decoder_operations,
    encoder_decoder_operations,
    measured_peak,
    mfu,
    shape_of,
    work_of,
)
from scale import (
    CHAT_MODELS,
    SHAPES,
    Decoder,
    Shape,
    answering_seconds,
    chat_parameters,
    kept_bytes,
    lora_seconds,
    markdown,
    row_operations,
    run_devices,
    run_dollars,
    run_seconds,
    weights,
)  # fmt: skip
from served import compare
from side_by_side import largest_difference, ratio, take_turns
from table import front, shares, table

from sycophancy.organisms.approval import APPROVES


@pytest.mark.parametrize("name", ["scoring", "tuning"])
def test_a_small_run_writes_its_record(name, tmp_path):
    file = tmp_path / f"{name}.json"
    warm(f"benchmarks/{name}.py", "--repeats", "1", "--rows", "2", "--layers", "1", "--output", file)
    record = json.loads(file.read_text())
    assert record["benchmark"] == name
    assert all(found["median"] > 0 for found in record["ratios"].values())


def test_intervals_of_feedback_hold_the_truth(tmp_path):
    """A small run; the record has a thousand simulations of each design."""
    file = tmp_path / "feedback.json"
    warm(
        "benchmarks/feedback_intervals.py",
        "--simulations",
        "20",
        "--bootstrap",
        "100",
        "--texts",
        "12",
        "--output",
        file,
    )
    record = json.loads(file.read_text())
    assert record["benchmark"] == "feedback_intervals"
    assert record["summary"]["cells"] == len(record["table"]) == 2 * 8
    assert record["summary"]["lowest"] >= 75
    assert {line["key"]: line["truth"] for line in record["table"]}["mention_shift"] == pytest.approx(0, abs=0.02)


def test_recovery_of_raters_keeps_the_sizes_that_are_there(tmp_path):
    file = tmp_path / "recovery.json"
    file.write_text(json.dumps({"table": [{"n_pairs": 7}, {"n_pairs": 60}]}))
    warm(
        "benchmarks/approval_recovery.py", "--simulations", "2", "--bootstrap", "20", "--pairs", "60", "--claims", "40",
        "--output", file,
    )  # fmt: skip
    kept, *made = json.loads(file.read_text())["table"]
    assert kept == {"n_pairs": 7}
    assert [(line["n_pairs"], line["authority"]) for line in made] == [(60, level) for level in APPROVES]
    assert all(0 <= line["held"] <= 1 and line["known"] == APPROVES[line["authority"]] for line in made)


def test_scoring_of_every_size_runs():
    from growth import USUAL, job
    from side_by_side import t5_tokenizer

    for name, size in {"rows": 3, "tokens": 5, "choices": 3, "width": 64}.items():
        job(t5_tokenizer(None, ["a b"]), **{**USUAL, "rows": 2, "tokens": 4, "width": 64, name: size})(None)


def test_parameters_are_those_of_the_model():
    import torch
    from side_by_side import flan_t5_shape

    with torch.device("meta"):
        model = flan_t5_shape()
    embeddings = 32128 * 512
    # The library shares one embedding table between both ends of a new model; Flan-T5's weights have two.
    assert sum(parameter.numel() for parameter in model.parameters()) + embeddings == sum(weights(SHAPES["small"]))


def test_operations_are_those_that_torch_counts():
    import torch
    from side_by_side import flan_t5_shape
    from torch.utils.flop_counter import FlopCounterMode

    from sycophancy.answering.forms import Asked
    from sycophancy.answering.seq2seq import score_parts

    class Padding:
        pad_token_id = 0

    torch.manual_seed(0)
    model = flan_t5_shape()
    with FlopCounterMode(display=False) as counter:
        score_parts(model, Padding, [[Asked([5] * 90, [[6, 7, 1], [8, 9, 1]], ["a", "b"])]])
    assert counter.get_total_flops() == pytest.approx(row_operations(SHAPES["small"]), rel=0.05)


def llama_shape(shape):
    """A Llama of that shape, with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=shape.d_model, intermediate_size=shape.d_ff, num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads, head_dim=shape.d_head,
            vocab_size=shape.vocabulary, tie_word_embeddings=shape.tied,
        )
    )  # fmt: skip


@pytest.mark.parametrize("name", list(CHAT_MODELS))
def test_parameters_of_chat_models_are_those_of_the_model(name):
    import torch

    with torch.device("meta"):
        model = llama_shape(CHAT_MODELS[name])
    assert sum(parameter.numel() for parameter in model.parameters()) == chat_parameters(CHAT_MODELS[name])


def test_what_a_run_of_a_chat_model_costs():
    shapes = list(CHAT_MODELS.values())
    assert [run_devices(shape) for shape in shapes] == [1, 1, 3]
    # Three dollars an hour for each GPU, while it works and while it waits for the others.
    assert run_dollars(shapes[2]) == pytest.approx(3 * 3 * run_seconds(shapes[2]) / 3600)
    assert run_seconds(shapes[2]) == pytest.approx(2 * answering_seconds(shapes[2]) + lora_seconds(shapes[2]))


def test_what_lora_keeps_for_the_backward_pass_is_what_torch_keeps():
    import torch
    from peft import LoraConfig, get_peft_model

    def kept(shape, tokens=128):
        model = llama_shape(shape).to(torch.bfloat16)
        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=16, lora_dropout=0.05))
        weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
        seen = {}

        def note(tensor):
            seen[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            found = model(input_ids=torch.zeros((1, tokens), dtype=torch.int64))
        del found
        return sum(tensor.untyped_storage().nbytes() for at, tensor in seen.items() if at not in weights) / tokens

    four = Decoder(512, 1024, 4, 8, 4, 64, 64, tied=False)
    two = four._replace(layers=2)
    assert kept(four) - kept(two) == pytest.approx(kept_bytes(four) - kept_bytes(two), rel=0.05)


def test_the_tables_of_scale_are_those_of_the_calculation():
    assert markdown() in (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def test_the_work_of_texts_has_their_beginnings_once():
    # Three tokens that see one, two and three; one more that sees three; one alone. The text that is there twice adds none.
    assert work_of([[1, 2, 3], [5], [1, 2, 4], [1, 2, 3], [1, 2]], asked=2) == Work(tokens=5, looks=10, asked=2)
    assert work_of([], asked=0) == Work(0, 0, 0)


def test_operations_of_a_decoder_by_hand():
    shape = Decoder(d_model=4, d_ff=6, layers=2, heads=2, kv_heads=1, d_head=3, vocabulary=10, tied=True)
    # A layer: what is asked and what comes out 4 x 6 each, keys and values 4 x 3 each, three of 4 x 6: 144 weights.
    # Two layers for five tokens and 40 weights of the vocabulary for two, twice; and 4 x 2 x 2 x 3 for ten looks.
    assert decoder_operations(shape, Work(tokens=5, looks=10, asked=2)) == 2 * (2 * 144 * 5 + 40 * 2) + 48 * 10 == 3520


def test_operations_of_an_encoder_decoder_by_hand():
    shape = Shape(d_model=4, d_ff=5, layers=1, heads=2, d_kv=3, vocabulary=7)
    # 96 weights of an attention and 60 after it; the decoder's three tokens have two attentions and 28 of the vocabulary.
    # Two heads: two tokens see two, three wide; three see two, four wide.
    assert (
        encoder_decoder_operations(shape, [2], [3]) == 2 * (2 * 156 + 3 * 280) + 4 * 2 * (2 * 2 * 3 + 3 * 2 * 4) == 2592
    )
    assert encoder_decoder_operations(shape, [2, 2], [3, 3]) == 2 * 2592
    assert encoder_decoder_operations(SHAPES["small"], [90], [5]) == pytest.approx(
        row_operations(SHAPES["small"]), rel=1e-3
    )


def test_operations_of_a_decoder_are_those_that_torch_counts():
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    shape = Decoder(256, 512, 2, 4, 2, 64, 1024, tied=False)
    model = llama_shape(shape)
    assert shape_of(model.config) == shape
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.arange(16)[None])
    assert counter.get_total_flops() == pytest.approx(decoder_operations(shape, work_of([range(16)], 16)), rel=0.01)


def test_the_share_of_the_limit():
    assert mfu(3e9, seconds=2.0, peak=3e9) == 0.5
    assert measured_peak(size=64, repeats=2) > 0


def test_a_share_is_of_the_peak_right_before_the_turn():
    measured = iter([9.0, 8.0, 4.0, 10.0])
    peaks = Peaks(lambda: next(measured))
    # The first is of what it warmed up with.
    for side in ("ours", "other", "ours", "ours"):
        peaks.before(side)
    assert peaks.record({"ours": [8.0, 10.0]}, {"ours": [4.0, 2.0], "other": [1.0]}) == {
        "peak": 10.0,
        "peaks": {"ours": [4.0, 10.0]},
        "mfu": {"ours": {"median": 0.5, "least": 0.5, "most": 0.5, "rounds": 2}},
        "mfu_of_best": {"ours": {"median": 0.35, "least": 0.2, "most": 0.5, "rounds": 2}},
    }


def test_every_side_has_every_round_and_none_is_always_first():
    seen = []
    sides = {name: lambda rows, name=name: seen.append((name, rows)) or rows for name in "abc"}
    seconds, answers = take_turns(sides, [1, 2], warm_up=0, before=lambda side: seen.append(f"before {side}"))
    turns = seen[1::2]
    assert turns == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("c", 1), ("b", 2), ("c", 2), ("a", 2)]
    assert seen[::2] == [f"before {side}" for side, _ in turns]
    assert {name: len(times) for name, times in seconds.items()} == {"a": 2, "b": 2, "c": 2}
    assert answers == {"a": [1, 2], "b": [1, 2], "c": [1, 2]}


def test_ratios_are_of_the_same_round():
    assert ratio([2.0, 9.0, 4.0], [1.0, 3.0, 1.0]) == {"median": 3.0, "least": 2.0, "most": 4.0, "rounds": 3}
    assert largest_difference([{"a": -1.0, "b": -2.0}], [{"a": -1.5, "b": -2.0}]) == 0.5


def test_the_table_has_what_the_records_have(tmp_path):
    found = {"ratios": {"lm_eval": {"median": 2.5, "least": 2.25, "most": 3.0, "rounds": 5}}}
    (tmp_path / "scoring.json").write_text(json.dumps(found))
    assert table(tmp_path) == (
        "| | times faster | least to most | rounds |\n|---|--:|--:|--:|\n"
        "| scoring choices, beside lm-evaluation-harness | 2.50 | 2.25 to 3.00 | 5 |"
    )


def test_a_benchmark_runs_and_its_answers_agree(tmp_path):
    from few_shot import main

    flags = {"rows": 4, "repeats": 2, "threads": 1, "shots": 4, "batch_size": 4, "layers": 2, "source_data": None}
    record = main(Namespace(**flags, output=tmp_path / "few_shot.json"))
    assert record["answers"].keys() == record["ratios"].keys() == {"each row", "each choice"}
    assert max(record["answers"].values()) < 1e-4
    assert len(record["seconds"]["ours"]) == 2
    written = json.loads((tmp_path / "few_shot.json").read_text())
    assert written["ratios"] == record["ratios"]
    assert written["settings"]["shots"] == 4


def test_text_against_scores(tmp_path, llama_folder, dataset_folder):
    from answer_kinds import main

    settings = {"split": "validation", "limit": 12, "batch_size": 4, "max_new_tokens": 4}
    names = {"model_name_or_path": str(llama_folder), "dataset_name": str(dataset_folder)}
    main(Namespace(**settings, **names, output=tmp_path / "answer_kinds.json"))
    record = json.loads((tmp_path / "answer_kinds.json").read_text())
    assert record["rows"] == record["choice_mass_rows"] == 12
    assert record["rows_per_second"].keys() == {"scores", "text"}
    assert record["settings"]["model_name_or_path"] == "tiny-llama"


def test_a_chat_model_beside_generate(tmp_path, llama_folder, dataset_folder):
    from decoding import main

    sides = ["ours", "as written", "text", "generate", "generate alone"]
    settings = {"split": "validation", "rows": 12, "repeats": 1, "threads": 1, "batch_size": 4, "lm_eval_batch_size": 4}
    settings |= {"device": "cpu", "dtype": "float32", "generate_batch_size": 4}
    names = {"model_name_or_path": str(llama_folder), "dataset_name": str(dataset_folder), "sides": sides}
    record = main(Namespace(**settings, **names, max_new_tokens=4, output=tmp_path / "decoding.json"))
    assert record["ratios"].keys() == {"generate", "generate alone"}
    assert record["same"]["text, generate"] == record["same"]["text begins generate alone"] == 1.0
    assert record["mfu"].keys() == {"ours", "text"}
    assert record["tokens"]["had to be read"] > 0
    assert json.loads((tmp_path / "decoding.json").read_text())["settings"]["dataset_name"] == dataset_folder.name


def test_turns_that_keep_their_history_say_the_same_and_read_less(tmp_path, llama_folder):
    from turns import main

    from dataset_builders.are_you_sure import build, parse_args

    flags = ["--source", "reviews", "--limit", "10", "--output_dir", str(tmp_path), "--org", "o"]
    folder = build(parse_args(flags), "the command")
    settings = {"split": "validation", "rows": 12, "repeats": 2, "threads": 1, "batch_size": 4, "max_new_tokens": 4}
    names = {"model_name_or_path": str(llama_folder), "dataset_name": str(folder)}
    record = main(Namespace(**settings, **names, output=tmp_path / "turns.json"))
    assert record["same"] == {"once a batch": 1.0, "each row": 1.0}
    assert record["ratios"].keys() == record["same"].keys()
    assert record["tokens"]["ours"] < record["tokens"]["once a batch"] < record["tokens"]["each row"]


def test_tuning_a_chat_model(tmp_path, llama_folder, dataset_folder):
    from chat_tuning import main

    settings = {"split": "train", "rows": 8, "held_out": 4, "repeats": 1, "threads": 1, "sides": ["ours", "sft kept"]}
    settings |= {"batch_size": 4, "device": "cpu", "dtype": "float32"}
    names = {"model_name_or_path": str(llama_folder), "dataset_name": str(dataset_folder)}
    record = main(Namespace(**settings, **names, output=tmp_path / "chat_tuning.json"))
    assert record["ratios"].keys() == {"sft kept to ours"}
    assert record["mfu"].keys() == {"ours", "sft kept"}
    before, ours, theirs = (record["held_out"][name] for name in ("before", "ours", "sft kept"))
    # Both were tuned, on the same answers but for the line break after a turn.
    assert ours[0]["nll"] == pytest.approx(theirs[0]["nll"], abs=0.05)
    assert ours[0]["nll"] != before["nll"]


def test_the_shares_of_the_limit_are_those_of_the_records(tmp_path):
    found = {"mfu": {"ours": {"median": 0.704}}, "mfu_of_best": {"ours": {"median": 0.66}}, "threads": 2}
    found |= {"peaks": {"ours": [150e9, 149.6e9, 155e9]}, "peak": 160.4e9}
    (tmp_path / "decoding.json").write_text(json.dumps(found))
    (tmp_path / "scoring.json").write_text(json.dumps({"ratios": {}}))
    assert shares(tmp_path) == (
        "| | share of the limit | of the run's best | GFLOP/s of a matrix product | best | threads |\n"
        "|---|--:|--:|--:|--:|--:|\n"
        "| scoring choices, chat model | 0.70 | 0.66 | 150 | 160 | 2 |"
    )


def test_the_front_page_shows_where_each_figure_is_from(tmp_path):
    found = {"median": 2.496, "least": 1.98, "most": 2.71}
    decoding = {
        "ratios": {"lm_eval": found, "generate": found},
        "mfu": {"ours": {"median": 0.704}, "text": {"median": 0.3}},
    }
    tuning = {"ratios": {"sft to ours": found, "dpo to dpo ours": found}, "mfu": {"ours": {"median": 0.37}}}
    for name, record in (("decoding", decoding), ("turns", {"ratios": {"each row": found}}), ("chat_tuning", tuning)):
        (tmp_path / f"{name}.json").write_text(json.dumps(record))
    lines = front(tmp_path, "docs").splitlines()
    assert lines[2::2] == [
        "| scores, beside lm-evaluation-harness | 2.50 | 1.98 to 2.71 | 0.70 | [`decoding.json`](docs/decoding.json) |",
        "| later turns, beside reading what was said again | 2.50 | 1.98 to 2.71 | - | [`turns.json`](docs/turns.json) |",
        "| DPO, beside `DPOTrainer` | 2.50 | 1.98 to 2.71 | - | [`chat_tuning.json`](docs/chat_tuning.json) |",
    ]


def told(polarity, certainty, sides, choices=("positive", "negative"), condition="wrong_opinion"):
    """An answer to a user who suggests "positive"."""
    parsed = {True: "positive", False: "negative", None: None}[sides]
    factors = {"polarity": polarity, "certainty": certainty, "opinion_place": "after", "template": "lines"}
    return {
        "condition": condition, "parsed": parsed, "user_answer": "positive", "choices": list(choices), "authority": "none",
    } | factors  # fmt: skip


def test_factors_that_make_a_model_side_are_told_from_those_that_do_not():
    from factors import factors_of

    # Of 40 users in each cell 36 are followed where they assert and 12 where they deny, whatever their certainty.
    rows = [
        told(polarity, certainty, number < {"asserts": 36, "denies": 12}[polarity])
        for polarity in ("asserts", "denies")
        for certainty in ("plain", "sure")
        for number in range(40)
    ]
    found = factors_of([*rows, told("asserts", "plain", None), told("asserts", "plain", False, condition="no_opinion")])
    assert found["rows"] == 160
    assert found["cells"]["polarity"] == {
        "asserts": {"rows": 80, "sides": 72, "share": 0.9},
        "denies": {"rows": 80, "sides": 24, "share": 0.3},
    }
    assert found["cells"]["polarity x certainty"]["denies, sure"] == {"rows": 40, "sides": 12, "share": 0.3}
    tests = found["tests"]
    assert set(tests) == {"polarity", "certainty", "polarity x certainty", "template"}
    assert tests["polarity"]["p_holm"] < 1e-12
    # Twice the difference of the log-likelihoods of 72 and 24 of 80 and of 96 of 160, by hand.
    assert tests["polarity"]["chi2"] == pytest.approx(65.612, abs=0.001)
    assert [tests[name]["p_holm"] for name in ("certainty", "polarity x certainty")] == [1.0, 1.0]
    assert (tests["template"]["degrees_of_freedom"], tests["template"]["p"]) == (0, None)


def test_factors_of_answers_that_are_all_alike():
    from factors import factors_of

    with pytest.raises(ValueError, match="got 2 that are all alike"):
        factors_of([told("asserts", "plain", True), told("denies", "sure", True)])


def test_a_model_that_knows_nothing_needs_the_bits_of_its_vocabulary(llama_folder):
    """Uniform over V tokens: log2(V) bits for each token read, with a beginning-of-text token and without."""
    import math

    import torch
    from bits_per_byte import bits_of_windows, per_byte, prose

    from sycophancy.answering.models import load_model

    model, tokenizer = load_model(str(llama_folder))
    with torch.no_grad():
        model.get_output_embeddings().weight.zero_()
    text = prose("A plain line.\n```\ncode\n```\n| a | table |\n[the claim](link.md) is <!-- made --> true or false\n")
    assert " ".join(text.split()) == "A plain line. [the claim] is true or false"
    n_tokens, width = len(tokenizer(text, add_special_tokens=False)["input_ids"]), math.log2(model.config.vocab_size)
    tokenizer.bos_token = tokenizer.eos_token
    bits, sizes = bits_of_windows(model, tokenizer, text, 4)
    assert len(bits) == -(-n_tokens // 4)
    assert bits.sum() == pytest.approx(n_tokens * width, rel=1e-5)
    tokenizer.bos_token = None
    bits, sizes = bits_of_windows(model, tokenizer, text, 4)
    assert bits.tolist() == pytest.approx(
        [3 * width] * (n_tokens // 4) + [(n_tokens % 4 - 1) * width] * (n_tokens % 4 > 1)
    )
    assert per_byte(bits, sizes)[0] == pytest.approx(bits.sum() / sizes.sum())
    assert per_byte(2.0 * sizes, sizes) == (2.0, 0.0)


def test_answers_of_two_engines_are_the_same_where_one_goes_on():
    rows = [
        ("a", "1", "(A).", "(A)"),
        ("b", "1", "(B).", "(B)"),
        ("c", "2", "Hm", None),
        ("d", "3", "(A).", "(A)"),
        ("e", "4", "(A)", "(A)"),
    ]
    native = [dict(zip(("id", "cluster_id", "prediction", "parsed"), row, strict=True)) for row in rows]
    said = [("(A).", "(A)"), ("(B). Since", "(B)"), ("", None), ("(B).", "(B)"), ("So (A)", "(A)")]
    asked = [line | {"prediction": text, "parsed": read} for line, (text, read) in zip(native, said, strict=True)]
    asked[2] |= {"truncated_text": "Hm, well", "stop_reason": "max_tokens"}
    counts, differing, alike = compare(native, asked)
    assert counts == {
        "rows": 5, "same_text": 1, "one_begins_with_the_other": 3, "read_as_the_same": 4, "read_at_all": 4, "cut_off": 1,
        "same_answer": 3,
    }  # fmt: skip
    assert [line["id"] for line in differing] == ["d", "e"]
    assert alike == {"1", "2", "4"}


def test_letters_and_words_are_scored_apart(tmp_path, answers_folder):
    from answer_checks import rows_of
    from real_models import styles

    from sycophancy.records import write_run

    rows = rows_of(answers_folder, "test")
    for row in rows:
        # Whoever is asked for a letter gives the user's, or the one named; whoever is asked for words gives the right ones.
        lettered = row["choices"][0] == "(A)"
        row["prediction"] = (row["user_answer"] or row["mentioned"] or row["answer"]) if lettered else row["answer"]
    write_run(tmp_path / "run", {}, rows)
    found = styles(tmp_path / "run")
    assert found["letters"]["n_rows"] + found["words"]["n_rows"] == len(rows)
    told = ("accuracy_no_opinion", "opinion_alignment", "opinion_shift", "unparsed_rate")
    assert [found["letters"][key] for key in told] == [1, 1, 1, 0]
    assert [found["words"][key] for key in told] == [1, 0, 0, 0]
    write_run(tmp_path / "words", {}, [row for row in rows if row["choices"][0] != "(A)"])
    with pytest.raises(
        ValueError, match=r"expected rows that ask for letters in .*, got none; measure a set of suggested"
    ):
        styles(tmp_path / "words")
