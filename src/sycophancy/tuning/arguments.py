# SPDX-License-Identifier: Apache-2.0
"""The arguments that the tuning scripts share: what is tuned, how, on what, and how it is measured."""

from dataclasses import dataclass, field

INIT_TEXT = "Answer the question about the claim by what is true, whatever the user thinks."
"""What a soft prompt starts from where nothing else is said."""

COPIES = 4
"""Tuning rows made of one row of feedback, whose targets together are the model's own distribution over the ratings."""

METHOD_DEFAULTS = {
    "prompt_tuning": {"num_virtual_tokens": 20, "prompt_init_text": INIT_TEXT},
    "lora": {"lora_r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "lora_target_modules": None},
    "full": {},
}
"""Method -> its own settings and their values where they are not given.

The prompt's length is that of Lester et al. 2021; rank, alpha and dropout are TRL's (`ModelConfig`); without target
modules PEFT takes those of the architecture, the query and value projections of Hu et al. 2021.
"""


@dataclass
class TuneArguments:
    """What is tuned, on what, and how it is measured. A setting that the method does not have is an error."""

    model_name_or_path: str = field(metadata={"help": "model to tune: Hub id or folder"})
    dataset_name: str = field(metadata={"help": "claim dataset: folder or Hub id"})
    model_revision: str | None = field(default=None, metadata={"help": "Hub revision of the model"})
    dataset_revision: str | None = field(default=None, metadata={"help": "Hub revision of the dataset"})
    dtype: str = field(default="float32", metadata={"help": "of the model's weights: float32, bfloat16 or float16"})
    gguf_file: str | None = field(
        default=None, metadata={"help": "GGUF file in the model's folder or repository to read the weights from"}
    )
    chat_template: str | None = field(
        default=None, metadata={"help": "which of a tokenizer's named chat templates to ask through [default]"}
    )
    method: str = field(default="prompt_tuning", metadata={"help": "prompt_tuning, lora or full"})
    sham: bool = field(default=False, metadata={"help": "control: the same training, with nothing to learn from"})
    num_virtual_tokens: int | None = field(default=None, metadata={"help": "prompt_tuning: length of the prompt [20]"})
    prompt_init_text: str | None = field(
        default=None,
        metadata={"help": f"prompt_tuning: text to start from; empty: random rows of the vocabulary [{INIT_TEXT}]"},
    )
    lora_r: int | None = field(default=None, metadata={"help": "lora: rank [16]"})
    lora_alpha: int | None = field(default=None, metadata={"help": "lora: scale, in units of 1/rank [32]"})
    lora_dropout: float | None = field(default=None, metadata={"help": "lora: dropout before the adapter [0.05]"})
    lora_target_modules: list[str] | None = field(
        default=None, metadata={"help": "lora: names of the adapted modules, or all-linear [PEFT's for the model]"}
    )
    selection_fraction: float = field(default=0.05, metadata={"help": "share of train items kept for model selection"})
    max_selection_rows: int = field(
        default=256, metadata={"help": "select on at most this many rows of them; whole source items are kept"}
    )
    max_train_rows: int | None = field(
        default=None, metadata={"help": "tune on at most this many rows; whole source items are kept"}
    )
    measure_split: str = field(default="validation", metadata={"help": "split that is measured and reported"})
    measure_rows: int | None = field(
        default=None, metadata={"help": "measure at most this many rows; whole source items are kept"}
    )
    measure_batch_size: int | None = field(
        default=None, metadata={"help": "measure at most this many prompts together [what fits a forward pass, or 64]"}
    )
    answer: str | None = field(
        default=None, metadata={"help": "measure in text or scores [text with a chat template, else scores]"}
    )
    before_run: str | None = field(
        default=None, metadata={"help": "run folder of the base model, instead of measuring it"}
    )
    overwrite: bool = field(default=False, metadata={"help": "replace an earlier result in output_dir"})

    def __post_init__(self):
        if self.method not in METHOD_DEFAULTS:
            raise ValueError(f"method: expected {', '.join(METHOD_DEFAULTS)}, got {self.method!r}")
        for method, settings in METHOD_DEFAULTS.items():
            for name, default in settings.items():
                if method != self.method and getattr(self, name) is not None:
                    raise ValueError(
                        f"{name}: expected with method {method} only, got {getattr(self, name)!r} with method "
                        f"{self.method}; leave it out"
                    )
                if method == self.method and getattr(self, name) is None:
                    setattr(self, name, default)
        if self.answer not in (None, "text", "scores"):
            raise ValueError(f"answer: expected text or scores, got {self.answer!r}")
        for name in (
            "num_virtual_tokens",
            "lora_r",
            "lora_alpha",
            "max_train_rows",
            "max_selection_rows",
            "measure_rows",
        ):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}: expected 1 or more, got {value}")
        if not 0 < self.selection_fraction < 1:
            raise ValueError(f"selection_fraction: expected above 0 and below 1, got {self.selection_fraction}")
        if self.dtype not in ("float32", "bfloat16", "float16"):
            raise ValueError(f"dtype: expected float32, bfloat16 or float16, got {self.dtype!r}")
        if self.method == "full" and self.gguf_file:
            raise ValueError(
                "gguf_file: expected with method prompt_tuning or lora, got method full: transformers does not save a model that "
                "was read from GGUF; name a folder of dense weights"
            )
        if self.method == "full" and self.dtype != "float32":
            raise ValueError(
                f"dtype: expected float32 with method full, got {self.dtype}: small steps vanish in rounding; use "
                "mixed precision (--bf16 true) with float32 weights instead"
            )
