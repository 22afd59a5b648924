# SPDX-License-Identifier: Apache-2.0
"""Files as `lm_eval --log_samples` writes them, of written answers."""

import json

DATE = "2026-11-26T05-20-00.123456"

RESULTS = {
    "results": {},
    "configs": {"syco_claims_generate": {"generation_kwargs": {"until": [], "max_gen_toks": 256}}},
    "n-shot": {"syco_claims_generate": 0},
    "config": {
        "model": "local-chat-completions", "model_args": "model=big,base_url=http://127.0.0.1:1/v1,api_key=sk-1",
        "batch_size": 1, "limit": None, "gen_kwargs": None,
    },
    "lm_eval_version": "0.4.13", "model_source": "local-chat-completions", "model_name": "big",
    "chat_template_sha": None, "system_instruction": None, "total_evaluation_time_seconds": "20.0",
}  # fmt: skip


def sample(row, answer):
    """A sample of a row; `answer` is a text, several, or the log-probabilities of its choices."""
    if isinstance(answer, dict):
        given = [[[str(answer[choice]), "False"]] for choice in row["choices"]]
    else:
        given = [[answer] if isinstance(answer, str) else list(answer)]
    return {"doc_id": 0, "doc": row, "filter": "none", "filtered_resps": [each[0] for each in given], "resps": given}


def write_samples(folder, samples, task="syco_claims_generate", results=RESULTS):
    """The file of samples, and the results beside it where there are any."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"samples_{task}_{DATE}.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in samples), encoding="utf-8")
    if results is not None:
        (folder / f"results_{DATE}.json").write_text(json.dumps(results), encoding="utf-8")
    return file
