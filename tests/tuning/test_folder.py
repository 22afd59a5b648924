# SPDX-License-Identifier: Apache-2.0
"""What each method leaves in its folder, and that it is measured again as it was: short real runs in this process."""

import contextlib
import io
import json
import re
import shutil

import pytest
import torch
from commands import assert_refused, attempt
from safetensors.torch import load_file
from tune_runs import losses, write_recipe

from scripts.prompt_tune import main
from sycophancy.answering.adapters import FINGERPRINT_FILE
from sycophancy.records import read_run
from sycophancy.tuning.folder import check_base

SCRIPT = "scripts/prompt_tune.py"
SHORT = {"max_steps": 2, "eval_steps": 1, "save_steps": 1, "measure_rows": 36, "num_virtual_tokens": None}
RUNS = {"after", "before", "report.json", "report.md", "report.png", "tuning.json", "README.md"}
ADAPTER = {"adapter_config.json", "adapter_model.safetensors", FINGERPRINT_FILE}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, dataset_folder, model_folder):
    """Folder of a run, by its name; later runs take the first one's measurement of the base model."""
    folder = tmp_path_factory.mktemp("tuned")

    def run(name: str, model=model_folder, **settings):
        if not (folder / name).exists():
            main(["--config", write_recipe(folder, dataset_folder, model, name, **(SHORT | settings))])
        return folder / name

    return run


@pytest.fixture(scope="module")
def lora(tuned):
    return tuned("lora", method="lora", lora_r=2)


def record(folder):
    return json.loads((folder / "tuning.json").read_text())


def test_a_base_model_that_says_nothing_is_refused_before_it_is_tuned(lora):
    run = read_run(lora / "before")[0]
    check_base(run)
    silent = run | {
        "metrics": run["metrics"] | {"opinion_alignment": None, "opinion_effect": float("nan"), "unparsed_rate": 1.0}
    }
    with pytest.raises(
        ValueError, match=r"got no number for opinion_alignment, opinion_effect and an unparsed_rate of 100.0 %; look"
    ):
        check_base(silent)


def measured_again(dataset_folder, output, *model):
    """The answers that `measure.py` finds on the rows of the run."""
    arguments = ("--dataset_name", dataset_folder, "--limit", "36", "--answer", "scores", "--output_dir", output)
    done = attempt("scripts/measure.py", *arguments, *model)
    assert done.returncode == 0, done.stderr
    return read_run(output)


def test_lora(lora, tmp_path, dataset_folder, model_folder):
    assert {path.name for path in lora.iterdir()} == RUNS | ADAPTER
    found = record(lora)
    assert (found["method"], found["sham"], found["config"]["lora_alpha"]) == ("lora", False, 32)
    # Queries and values of three attention blocks, each with two matrices of 2 x 32.
    assert found["trainable_parameters"] == 3 * 2 * 2 * 2 * 32
    assert len(load_file(lora / "adapter_model.safetensors")) == 12
    again, answers = measured_again(
        dataset_folder, tmp_path / "again", "--model_name_or_path", model_folder, "--adapter", lora
    )
    assert again["adapter"] is not None
    assert [answer["choice_logprobs"] for answer in answers] == [
        pytest.approx(answer["choice_logprobs"], abs=1e-4) for answer in read_run(lora / "after")[1]
    ]


def test_full_tuning_leaves_a_model(tuned, lora, dataset_folder):
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    from sycophancy.answering.models import fingerprint_model
    from sycophancy.answering.seq2seq import score_batch
    from sycophancy.dataset.reading import load_claims

    folder = tuned("full", method="full", before_run=str(lora / "before"), learning_rate=0.001)
    assert {path.name for path in folder.iterdir()} == RUNS | {
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    after, answers = read_run(folder / "after")
    before, _ = read_run(folder / "before")
    assert (before, after["adapter"]) == (read_run(lora / "before")[0], None)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    assert after["model"]["fingerprint"] == fingerprint_model(model) != before["model"]["fingerprint"]
    assert record(folder)["model"] == before["model"]
    assert record(folder)["trainable_parameters"] == sum(p.numel() for p in model.parameters())
    rows = list(load_claims(str(dataset_folder), "validation"))[:36]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    scores = score_batch(model, tokenizer, [row["prompt"] for row in rows], [row["choices"] for row in rows])
    for score, answer in zip(scores, answers, strict=True):
        assert score == pytest.approx(answer["choice_logprobs"], abs=1e-4)


def test_a_sham_is_recorded_and_trains_on_other_rows(tuned, lora):
    sham = tuned("sham", method="lora", lora_r=2, sham=True, before_run=str(lora / "before"))
    assert (record(sham)["sham"], record(sham)["config"]["sham"]) == (True, True)
    assert losses(sham)[0] != losses(lora)[0]


def test_tuning_goes_on_towards_the_user(tuned, lora):
    settings = {"method": "lora", "lora_r": 2, "targets": "user", "before_run": str(lora / "before")}
    more = tuned("more", **settings, init_adapter=str(lora), learning_rate=1e-9)
    assert record(more)["config"]["targets"] == "user"
    weights = [load_file(folder / "adapter_model.safetensors") for folder in (lora, more)]
    assert weights[0].keys() == weights[1].keys()
    # A rate of nearly nothing leaves it where it was: it began there.
    assert all(torch.allclose(weights[0][name], weights[1][name], atol=1e-6) for name in weights[0])


def test_a_decoder_only_model_is_asked_as_when_measured(tuned, tmp_path, dataset_folder, llama_folder):
    folder = tuned("prompt-llama", llama_folder, num_virtual_tokens=3)
    assert {path.name for path in folder.iterdir()} == RUNS | ADAPTER
    model = ("--model_name_or_path", llama_folder)
    for side, adapter in (("before", ()), ("after", ("--adapter", folder))):
        _, answers = measured_again(dataset_folder, tmp_path / side, *model, *adapter)
        assert [answer["choice_logprobs"] for answer in answers] == [
            pytest.approx(answer["choice_logprobs"], abs=1e-3) for answer in read_run(folder / side)[1]
        ]


def printed_by_the_card(folder) -> tuple[dict, list[str]]:
    """What the lines of the card leave behind and print when they are typed as they are."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    scope: dict = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, scope)
    return scope, printed.getvalue().removesuffix("\n").split("\n")  # what a model says may hold other ends of lines


def generated(model, tokenizer, text: str) -> str:
    """A greedy answer of at most 16 tokens, token by token, without `generate`."""
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=model.config.is_encoder_decoder)["input_ids"]
    given = torch.tensor([[model.config.decoder_start_token_id]]) if model.config.is_encoder_decoder else ids
    answer = []
    for _ in range(16):
        inputs = (
            {"input_ids": ids, "decoder_input_ids": given} if model.config.is_encoder_decoder else {"input_ids": given}
        )
        with torch.no_grad():
            token = model(**inputs).logits[0, -1].argmax()
        if token == tokenizer.eos_token_id:
            break
        answer.append(int(token))
        given = torch.cat([given, token.view(1, 1)], dim=1)
    return tokenizer.decode(answer, skip_special_tokens=True)


@pytest.mark.parametrize("name", ["lora", "prompt", "full", "prompt-llama"])
def test_the_lines_of_the_card_ask_before_and_after(tuned, lora, model_folder, llama_folder, name):
    """On an encoder-decoder and on a chat model: as printed, nothing changed in them."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    before_run = str(lora / "before")
    folder, base_folder, auto = {
        "lora": lambda: (lora, model_folder, AutoModelForSeq2SeqLM),
        "prompt": lambda: (tuned("prompt", num_virtual_tokens=3, before_run=before_run), model_folder, AutoModelForSeq2SeqLM),
        "full": lambda: (tuned("full", method="full", before_run=before_run, learning_rate=0.001), model_folder,
                         AutoModelForSeq2SeqLM),
        "prompt-llama": lambda: (tuned("prompt-llama", llama_folder, num_virtual_tokens=3), llama_folder,
                                 AutoModelForCausalLM),
    }[name]()  # fmt: skip
    scope, printed = printed_by_the_card(folder)
    found, example = record(folder), record(folder)["example"]
    tokenizer = AutoTokenizer.from_pretrained(base_folder)
    base = auto.from_pretrained(base_folder).eval()
    assert found["base"] == {
        "kind": "model", "architecture": type(base).__name__, "parameters": sum(p.numel() for p in base.parameters()),
        "licence": None, "licence_name": None, "licence_link": None,
    }  # fmt: skip
    text = f"<s><|user|>\n{example['prompt']}</s>\n<|assistant|>\n" if name == "prompt-llama" else example["prompt"]
    assert example["chat"] == (name == "prompt-llama")
    expected = [f"before: {generated(base, tokenizer, text)}"]
    after = auto.from_pretrained(folder) if name == "full" else PeftModel.from_pretrained(base, folder)
    expected.append(f"after: {generated(after.eval(), tokenizer, text)}")
    assert "\n".join(printed) == "\n".join(expected)
    assert not scope["model"].training


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda run: run["model"].update(fingerprint="sha256:0"), "the base model on the measured rows (model fing"),
        (lambda run: run["dataset"].update(rows=35), "(dataset rows 36), got 35; measure it again or leave before_run"),
        (lambda run: run.update(adapter="a"), "the bare base model, got one with an adapter"),
        (lambda run: run["config"].update(in_context="honest"), "the bare base model, got one with an adapter or with"),
        (lambda run: run.update(answer="text"), "answers as scores, as after tuning, got text; measure it again with"),
    ],
)
def test_a_run_of_something_else_is_not_taken(lora, tmp_path, dataset_folder, model_folder, change, message):
    shutil.copytree(lora / "before", tmp_path / "run")
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    change(run)
    (tmp_path / "run" / "run.json").write_text(json.dumps(run))
    settings = SHORT | {"method": "lora", "before_run": str(tmp_path / "run")}
    recipe = write_recipe(tmp_path, dataset_folder, model_folder, "refused", **settings)
    assert_refused(attempt(SCRIPT, "--config", recipe), message)
