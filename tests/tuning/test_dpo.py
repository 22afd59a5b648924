# SPDX-License-Identifier: Apache-2.0
import pytest
from datasets import Dataset
from tiny_llama import CHAT, tiny_llama

from sycophancy.dataset.kinds import load_rows
from sycophancy.tuning.dpo import build_dpo_trainer, load_preferences, tokenize_pairs

PAIR = {"prompt": "Is the plot dull?\nAnswer:", "chosen": " no", "rejected": " yes", "id": "a/0/true/right_opinion"}


@pytest.mark.parametrize("family", ["dataset_folder", "answers_folder"])
def test_pairs_know_their_source_item(request, family):
    folder = str(request.getfixturevalue(family))
    pairs = load_preferences(folder)
    items = {row["claim_id"]: row["cluster_id"] for row in load_rows(folder, "train")[1]}
    assert [pair["cluster_id"] for pair in pairs] == [items[pair["claim_id"]] for pair in pairs]
    assert {pair["condition"] for pair in pairs} == {"wrong_opinion", "right_opinion"}


def test_a_folder_without_pairs(tmp_path):
    with pytest.raises(ValueError, match=r"expected pairs of answers in .*preference, got no Parquet file; build"):
        load_preferences(str(tmp_path))


@pytest.mark.parametrize(
    ("template", "prompt", "answers"),
    [(None, "<s>Is the plot dull?\nAnswer:", (" no", " yes")),
     (CHAT, "<s><|user|>\nIs the plot dull?\nAnswer:</s>\n<|assistant|>\n", ("no</s>", "yes</s>"))],
    ids=["plain", "chat"],
)  # fmt: skip
def test_pairs_are_the_tokens_that_are_scored(template, prompt, answers):
    _, tokenizer = tiny_llama(["Is the plot dull?"], template)
    (pair,) = tokenize_pairs(Dataset.from_list([PAIR]), tokenizer)
    assert tokenizer.decode(pair["prompt_ids"]) == prompt
    assert (tokenizer.decode(pair["chosen_ids"]), tokenizer.decode(pair["rejected_ids"])) == answers
    # One beginning of sequence, and nothing after the end of the turn.
    assert (pair["prompt_ids"] + pair["chosen_ids"]).count(0) == 1
    assert set(pair) == {"prompt_ids", "chosen_ids", "rejected_ids"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    from trl import DPOConfig

    return {
        "output_dir": str(tmp_path_factory.mktemp("dpo")), "use_cpu": True, "bf16": False, "max_steps": 2,
        "per_device_train_batch_size": 4, "learning_rate": 0.01, "logging_steps": 1, "report_to": "none",
        "gradient_checkpointing": False, "save_strategy": "no", "seed": 0,
    }, DPOConfig  # fmt: skip


def train(settings, **changed):
    """Losses of a LoRA run on eight pairs, and what the trainer was given."""
    from sycophancy.tuning.adapters import lora_config

    values, config = settings
    model, tokenizer = tiny_llama(["Is the plot dull?"], CHAT)
    pairs = Dataset.from_list([PAIR | {"prompt": f"Is the plot {word}?"} for word in "abcdefgh"])
    tokens = tokenize_pairs(pairs, tokenizer)
    args = config(**(values | changed))
    trainer = build_dpo_trainer(model, tokenizer, args, tokens, tokens, lora_config(model, 2, 4, 0.0, None))
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry], trainer, tokens


def test_the_trainer_reads_the_tokens_as_they_are(settings):
    losses, trainer, tokens = train(settings)
    assert trainer.train_dataset.to_list() == trainer.eval_dataset.to_list() == tokens.to_list()
    # Before the first step the model is its own reference: log 2. Then the chosen answer gains.
    assert losses[0] == pytest.approx(0.693147, abs=1e-4)
    assert losses[1] < losses[0] - 1e-3


def test_accumulation_changes_nothing(settings):
    whole, *_ = train(settings)
    parts, *_ = train(settings, per_device_train_batch_size=2, gradient_accumulation_steps=2)
    assert parts == pytest.approx(whole, abs=1e-4)


def test_a_pair_that_would_be_cut(settings):
    with pytest.raises(
        ValueError, match=r"max_length: expected room for every prompt .*, got 9 and a pair of \d+ tokens"
    ):
        train(settings, max_length=9)
