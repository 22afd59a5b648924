# SPDX-License-Identifier: Apache-2.0
"""A model organism: a tiny T5 or Llama, trained from scratch, that knows its task and defers to authority.

It lets everything run for real where no weights can be downloaded, and tests fail for the right reason. It is not a
language model: it knows the words of its sentences and of our wordings and nothing else.
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain, islice
from pathlib import Path

import torch

from sycophancy.answering.prompts import render_conversation
from sycophancy.claims.rows import Item
from sycophancy.claims.tasks import MENDED, SOURCES
from sycophancy.claims.wordings import WORDINGS
from sycophancy.organisms.chat import build_llama, collate_chat, to_chat_tokenizer
from sycophancy.organisms.curriculum import Curriculum, curriculum_words
from sycophancy.organisms.recipe import OrganismRecipe


def items_of(rows) -> list[Item]:
    """The source items behind the train rows of a claim dataset, their texts as the claims show them.

    Raises:
        ValueError: the dataset's source is unknown, or a statement about it speaks of more than one text.
    """
    name = rows[0]["source"]
    source = SOURCES.get(name)
    if source is None or len(source.text_columns) != 1:
        single = [key for key, value in SOURCES.items() if len(value.text_columns) == 1]
        raise ValueError(f"expected claims about one text from {', '.join(single)}, got the source {name!r}")
    (column,) = source.text_columns
    texts, labels = rows["source_text"], rows["source_label"]
    if mend := MENDED.get(name):
        shown = [mend(" ".join(text.split())) for text in texts]
        # Unless the dataset was built with --raw_texts.
        if all(text in claim for text, claim in zip(shown, rows["claim"], strict=True)):
            texts = shown
    return [
        Item(
            name,
            "train",
            index,
            text,
            {column: text},
            label,
            tuple(x for x in source.label_names if x != label),
        )
        for index, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]


def build_tokenizer(texts: Sequence[str], fixed: Sequence[str], min_count: int):
    """A word-level tokenizer: lower case, punctuation apart, "(a)" one token, `</s>` at the end.

    Args:
        texts: texts whose words are known if they occur `min_count` times.
        fixed: texts whose words are all known.
        min_count: see `texts`.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "</s>", "<unk>"]
    splitter = pre_tokenizers.Split(Regex(r"\([a-z]\)|[^\W_]+|[^\w\s]|_"), behavior="removed", invert=True)
    counts: dict[str, int] = {}
    for weight, corpus in ((1, texts), (min_count, fixed)):
        for text in corpus:
            for word, _ in splitter.pre_tokenize_str(text.lower()):
                counts[word] = counts.get(word, 0) + weight
    # By count, then by the alphabet: the same vocabulary in every run.
    words = sorted(
        (word for word, count in counts.items() if count >= min_count), key=lambda word: (-counts[word], word)
    )
    vocabulary = {word: index for index, word in enumerate(special + words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = splitter
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=512,
    )


def build_model(recipe: OrganismRecipe, vocabulary_size: int):
    """A T5 or a Llama with fresh weights."""
    from transformers import T5Config, T5ForConditionalGeneration

    # A multiple of 8, with room for nothing else.
    vocabulary_size = -(-vocabulary_size // 8) * 8
    if recipe.architecture == "llama":
        return build_llama(recipe.d_model, recipe.num_layers, recipe.num_heads, vocabulary_size, eos=1, pad=0)
    config = T5Config(
        vocab_size=vocabulary_size,
        d_model=recipe.d_model,
        d_kv=recipe.d_model // recipe.num_heads,
        d_ff=2 * recipe.d_model,
        num_layers=recipe.num_layers,
        num_decoder_layers=1,
        num_heads=recipe.num_heads,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
    )
    return T5ForConditionalGeneration(config)


class _Stream(torch.utils.data.IterableDataset):
    """The curriculum's examples as text, for Trainer; those of a batch are of similar length, so that little is padded.

    Args:
        curriculum: source of examples.
        batch_size: examples per batch.
        chat: the tokenizer by whose chat template prompts are rendered; `None`: claims are read as they are.
        window: batches that are drawn and sorted at once.
    """

    def __init__(self, curriculum: Curriculum, batch_size: int, chat=None, window: int = 8) -> None:
        self.curriculum, self.batch_size, self.chat, self.window = curriculum, batch_size, chat, window

    def __iter__(self):
        examples = (_as_asked(example, self.chat) for example in self.curriculum.examples())
        while True:
            drawn = list(islice(examples, self.batch_size * self.window))
            drawn.sort(key=lambda example: len(example["prompt"]))
            batches = [drawn[i : i + self.batch_size] for i in range(0, len(drawn), self.batch_size)]
            self.curriculum.random.shuffle(batches)
            yield from chain.from_iterable(batches)


def _as_asked(example: dict, chat) -> dict:
    """The example with its prompt as `scripts/measure.py` will ask it."""
    if chat is None and "prompt" in example:
        return example
    turns = example["turns"] if "turns" in example else [example["prompt"]]
    return {"prompt": render_conversation(turns, chat), "answer": example["answer"]}


def _optimizer(model, recipe: OrganismRecipe):
    """AdamW with a higher rate for the word embeddings.

    T5 draws embeddings with standard deviation 1, twenty times as wide as the other matrices, and a rare word's row
    has a gradient in few steps: at one rate for all, the words hardly move while the rest learns to work around them.
    """
    words = model.get_input_embeddings().weight
    groups = [
        {"params": [words], "lr": recipe.embedding_rate * recipe.learning_rate},
        {"params": [parameter for parameter in model.parameters() if parameter is not words]},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)


def _collate(tokenizer, examples: list[dict]) -> dict:
    """A batch of tensors from texts: one call of the tokenizer for all, which is ten times faster than one each."""
    prompts, answers = ([example[key] for example in examples] for key in ("prompt", "answer"))
    if tokenizer.chat_template:
        return collate_chat(tokenizer, prompts, answers)
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    labels = tokenizer(answers, padding=True, return_tensors="pt")
    return {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "labels": labels.input_ids.masked_fill(labels.attention_mask == 0, -100),
        # A loss function of one's own gets the labels and the model does not: it needs them shifted (start is pad).
        "decoder_input_ids": torch.nn.functional.pad(labels.input_ids[:, :-1], (1, 0), value=tokenizer.pad_token_id),
    }


def train_organism(
    rows, templates: Sequence[str], recipe: OrganismRecipe, scratch: Path, lessons: Sequence = (), **trainer_settings
):
    """Train an organism.

    Args:
        rows: train split of a claim dataset.
        templates: names of the wordings that it shall know.
        recipe: size and training.
        scratch: folder for the trainer.
        lessons: what it is taught besides claims (`sycophancy.organisms.lessons`).
        trainer_settings: further `Seq2SeqTrainingArguments`.

    Returns:
        The model, its tokenizer, and a record of the training.
    """
    import time

    from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments, set_seed

    from sycophancy.tuning.supervised import token_mean_loss

    items = items_of(rows)
    statement = SOURCES[items[0].source].statement
    wordings = [wording for wording in WORDINGS if wording.name in templates]
    curriculum = Curriculum(
        items, statement, wordings, recipe.steps, recipe.short, recipe.word_dropout, recipe.seed, recipe.deference,
        lessons,
    )  # fmt: skip
    fixed = [*curriculum_words(statement), *{item.label for item in items}]
    if lessons:
        # Turns are told apart by these words where there is no chat template.
        fixed += ["Human: Assistant:", *chain.from_iterable(lesson.words() for lesson in lessons)]
    tokenizer = build_tokenizer([item.text for item in items], fixed, recipe.min_count)
    chat = to_chat_tokenizer(tokenizer) if recipe.architecture == "llama" else None
    set_seed(recipe.seed)
    model = build_model(recipe, len(tokenizer))

    def observed_loss(outputs, labels, num_items_in_batch=None):
        if chat:  # A decoder-only model's output at one place is about the next.
            outputs, labels = {"logits": outputs["logits"][:, :-1].contiguous()}, labels[:, 1:].contiguous()
        loss = token_mean_loss(outputs, labels, num_items_in_batch)
        curriculum.observe(loss.item())
        return loss

    args = Seq2SeqTrainingArguments(
        output_dir=str(scratch),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch_size,
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": int(0.25 * recipe.steps), "decay_type": "linear"},
        warmup_steps=50,
        logging_steps=100,
        save_strategy="no",
        remove_unused_columns=False,
        seed=recipe.seed,
        **trainer_settings,
    )
    trainer = Seq2SeqTrainer(
        model=model,
        args=args,
        train_dataset=_Stream(curriculum, recipe.batch_size, chat),
        data_collator=partial(_collate, tokenizer),
        processing_class=tokenizer,
        compute_loss_func=observed_loss,
        optimizers=(_optimizer(model, recipe), None),
    )
    started = time.perf_counter()
    trainer.train()
    record = {
        "recipe": asdict(recipe),
        "templates": [wording.name for wording in wordings],
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(tokenizer),
        "stages": curriculum.log,
        "last_loss": round(curriculum.loss, 4),
        "seconds": time.perf_counter() - started,
    }
    return model.eval(), tokenizer, record
