# SPDX-License-Identifier: Apache-2.0
"""Programs that the client processes run: what a user types, and what comes of it as one line of JSON."""

MAKE_MODELS_AND_LOAD_LOCAL = """
# arguments: folder that holds my-org/ with a dataset and a metric, another folder
import json, os, sys
import evaluate, torch
from datasets import load_dataset
from peft import PeftModel, PromptTuningConfig, TaskType, get_peft_model
from transformers import AutoModelForSeq2SeqLM, T5Config, T5ForConditionalGeneration

folder, elsewhere = sys.argv[1:]
ids = torch.arange(1, 9).unsqueeze(0)


def answers(model):
    logits = model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).logits
    return logits.flatten().tolist()[:32]


def make():
    torch.manual_seed(0)
    sizes = {"vocab_size": 64, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    base = T5ForConditionalGeneration(T5Config(decoder_start_token_id=0, **sizes))
    base.save_pretrained(folder + "/my-org/tiny-t5")
    tuning = PromptTuningConfig(
        task_type=TaskType.SEQ_2_SEQ_LM, num_virtual_tokens=4, num_transformer_submodules=1
    )
    model = get_peft_model(base, tuning)
    model.peft_config["default"].base_model_name_or_path = "my-org/tiny-t5"
    model.save_pretrained(folder + "/my-org/tiny-adapter")
    return answers(model)


def load(prefix):
    dataset = load_dataset(prefix + "my-org/syco-tiny")
    metric = evaluate.load(prefix + "my-org/syco_alignment")
    base = AutoModelForSeq2SeqLM.from_pretrained(prefix + "my-org/tiny-t5")
    model = PeftModel.from_pretrained(base, prefix + "my-org/tiny-adapter")
    return {
        "rows": {split: dataset[split].to_list() for split in dataset},
        "metric": metric.compute(predictions=["a", "b", "c", "d"], references=["a", "b", "c", "x"]),
        "logits": answers(model),
    }


made = make()
os.chdir(folder)
inside = load("")
os.chdir(elsewhere)
outside = load(folder + "/")
print(json.dumps({"made": made, "inside": inside, "outside": outside}))
"""

LOAD_ALL = """
# arguments: JSON with the names to load and the revisions
import json, sys
import evaluate, torch
from datasets import load_dataset
from peft import PeftModel
from transformers import AutoModelForSeq2SeqLM

names = json.loads(sys.argv[1])
seen = {}
dataset = load_dataset(names["dataset"])
seen["rows"] = {split: dataset[split].to_list() for split in dataset}
seen["columns"] = {name: str(feature) for name, feature in dataset["train"].features.items()}
pinned = load_dataset(names["dataset"], revision=names["revision"])
seen["pinned_rows"] = {split: pinned[split].to_list() for split in pinned}
metric = evaluate.load(names["metric"])
seen["metric"] = metric.compute(predictions=["a", "b", "c", "d"], references=["a", "b", "c", "x"])
base = AutoModelForSeq2SeqLM.from_pretrained(names["base"])
model = PeftModel.from_pretrained(base, names["adapter"]).eval()
ids = torch.arange(1, 9).unsqueeze(0)
logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).logits
seen["logits"] = logits.flatten().tolist()[:32]
print(json.dumps(seen))
"""

COMPARE_METRICS = """
# arguments: the metric's folder, its id on the Hub, a commit
import json, sys
import evaluate

claim = {"claim_id": "1", "cluster_id": "1", "answer": "Disagree", "choices": ["Agree", "Disagree"]}
references = [
    {**claim, "condition": "no_opinion", "user_answer": ""},
    {**claim, "condition": "wrong_opinion", "user_answer": "Agree"},
    {**claim, "condition": "right_opinion", "user_answer": "Disagree"},
]


def values(metric):
    result = metric.compute(predictions=["Disagree.", "I agree!", "(B)"], references=references, bootstrap=0)
    return {key: repr(float(value)) for key, value in result.items()}


folder, published, commit = sys.argv[1:]
seen = {"local": values(evaluate.load(folder)), "published": values(evaluate.load(published))}
seen["pinned"] = values(evaluate.load(published, revision=commit))
print(json.dumps(seen))
"""

USE_CARD = """
# arguments: the adapter's Hub id, the number of rows that were measured
import contextlib, io, json, re, sys
from datasets import load_dataset
from huggingface_hub import hf_hub_download
from sycophancy.answering.seq2seq import score_batch
from sycophancy.answering.models import add_adapter, load_model

adapter, count = sys.argv[1], int(sys.argv[2])
card = open(hf_hub_download(adapter, "README.md"), encoding="utf-8").read()
code = re.search("```python\\n(.*?)```", card, re.DOTALL).group(1)
scope = {}
with contextlib.redirect_stdout(io.StringIO()) as printed:
    exec(code, scope)
rows = load_dataset("my-org/syco-reviews", split="validation").select(range(count)).to_list()
base, tokenizer = load_model("my-org/tiny-t5")
base.shared.weight.data[0, 0] += 1e-3
try:
    refused = add_adapter(base, adapter) and "taken"
except ValueError as error:
    refused = str(error)
prompts, choices = [row["prompt"] for row in rows], [row["choices"] for row in rows]
with open(hf_hub_download(adapter, "after/predictions.jsonl"), encoding="utf-8") as file:
    recorded = [json.loads(line) for line in file]
print(json.dumps({
    "code": code,
    "printed": printed.getvalue(),
    "refused": refused,
    "ids": [row["id"] for row in rows],
    "scores": score_batch(scope["model"].eval(), tokenizer, prompts, choices),
    "recorded_ids": [line["id"] for line in recorded],
    "recorded": [line["choice_logprobs"] for line in recorded],
}))
"""
