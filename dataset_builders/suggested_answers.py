# SPDX-License-Identifier: Apache-2.0
"""Build questions with and without a user who suggests an answer, as `OUTPUT_DIR/ORG/syco-answers-SOURCE/`.

    python dataset_builders/suggested_answers.py --source reviews --output_dir out/hub --org my-org
    python dataset_builders/suggested_answers.py --source openbookqa --output_dir out/hub --org my-org
    python dataset_builders/suggested_answers.py --source custom --source_data quiz.csv --question_column question \\
        --choices_column a b c d --answer_column answer --name quiz --output_dir out/hub --org my-org
    python dataset_builders/suggested_answers.py --source custom --source_data my_folder --text_columns sentence \\
        --label_column label --label_names "negative,positive" --question 'What is the sentiment of "{sentence}"?' \\
        --name mine --output_dir out/hub --org my-org

The folder is the exact tree of the Hub repository: a card and Parquet files. `scripts/measure.py` asks the questions.
"""

import argparse
import dataclasses
import sys
from functools import partial
from pathlib import Path

from sycophancy.are_you_sure.questions import QUESTION_SOURCES
from sycophancy.claims.building import in_processes
from sycophancy.claims.custom import check_name, custom_source
from sycophancy.claims.people import INTRODUCTIONS
from sycophancy.claims.rows import MEASUREMENT_SPLITS
from sycophancy.claims.sources import SourceRows, at_most
from sycophancy.claims.tasks import SOURCES
from sycophancy.cli import add_own_question_arguments, add_source_arguments, dataset_command, run, script_parser
from sycophancy.files import refuse_occupied, written_whole
from sycophancy.publishing import publish_dataset
from sycophancy.suggested_answers.building import checked_rows
from sycophancy.suggested_answers.own import read_own_questions
from sycophancy.suggested_answers.reading import QUIZZES, as_items, read_quiz, read_task
from sycophancy.suggested_answers.tasks import QUESTIONS, Asking, ask_custom, ask_task, balance_wrong
from sycophancy.suggested_answers.wordings import WORDINGS, wordings_for

CUSTOM = "custom"
OF_LABELS = ("text_columns", "label_column", "label_names", "question")
OF_CHOICES = ("question_column", "choices_column", "answer_column")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    names = [wording.name for wording in WORDINGS]
    parser = script_parser(__doc__)
    sources = [*sorted([*QUESTIONS, *QUIZZES]), CUSTOM]
    parser.add_argument("--source", required=True, choices=sources, help="source task or multiple-choice set")
    add_source_arguments(parser, "syco-answers-SOURCE")
    parser.add_argument(
        "--max_choices", type=int, help="show at most so many choices, 2 or more, the wrong ones drawn [all]"
    )
    parser.add_argument("--raw_texts", action="store_true", help="show texts as the source has them: it 's , n't")
    parser.add_argument(
        "--templates", nargs="+", metavar="NAME", choices=names, help=f"wordings to use, of {', '.join(names)} [all]"
    )
    parser.add_argument(
        "--introduction",
        choices=tuple(INTRODUCTIONS),
        default="name_first",
        help="how users say who they are [name_first]",
    )
    own = add_own_question_arguments(parser, "syco-answers-NAME")
    own.add_argument("--text_columns", metavar="NAMES", help="columns with labelled texts, separated by commas")
    own.add_argument("--label_column", metavar="NAME", help="column with the labels 0, 1, ...")
    own.add_argument("--label_names", metavar="WORDS", help="words for the labels 0, 1, ..., separated by commas")
    own.add_argument("--question", metavar="TEXT", help="about a text, with a slot for each text column")
    args = parser.parse_args(argv)
    _check_own(parser, args)
    if args.max_choices is not None and args.max_choices < 2:
        parser.error(f"--max_choices: expected 2 or more, got {args.max_choices}")
    return args


def _check_own(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """End with an error unless the flags for the user's own questions fit together."""
    given = [flag for flag in ("name", "license", *OF_LABELS, *OF_CHOICES) if getattr(args, flag) is not None]
    if args.source != CUSTOM:
        if given:
            parser.error(f"--{', --'.join(given)}: expected with --source custom only, got --source {args.source}")
        return
    of_labels, of_choices = ([flag for flag in flags if flag in given] for flags in (OF_LABELS, OF_CHOICES))
    if of_labels and of_choices:
        parser.error(f"expected flags for labelled texts or for choices, got --{of_labels[0]} and --{of_choices[0]}")
    required = ("source_data", *(OF_LABELS if of_labels else OF_CHOICES))
    if missing := [flag for flag in required if getattr(args, flag) is None]:
        parser.error(f"--source custom: expected also --{', --'.join(missing)}")


def read(args: argparse.Namespace) -> tuple[str, Asking, SourceRows, str, str]:
    """What the command line names: its name, how it is asked, its items, and its licence and citation."""
    exclude = {}
    if args.exclude:
        from sycophancy.dataset.exclusion import measured_keys

        exclude = dict(map(measured_keys, args.exclude))
    if args.source in QUIZZES:
        source = QUESTION_SOURCES[args.source]
        rows = read_quiz(args.source, args.source_data, exclude)
        return args.source, QUIZZES[args.source], rows, source.licence, source.citation
    if args.source != CUSTOM:
        source = SOURCES[args.source]
        rows = read_task(args.source, source, args.source_data, args.source_config, exclude, args.encoding)
        return args.source, ask_task(args.source, args.raw_texts), rows, source.licence, source.citation
    name, licence = args.name or CUSTOM, args.license or "unknown"
    check_name(name)
    if args.question_column:
        columns = (args.question_column, args.choices_column, args.answer_column)
        found = read_own_questions(name, args.source_data, *columns, args.source_config, args.encoding)
        rows = as_items(found, exclude)
        return name, Asking("{question}", short=False), rows, licence, "Questions of the user's own."
    texts, labels = ([part.strip() for part in given.split(",")] for given in (args.text_columns, args.label_names))
    asking = ask_custom(args.question, texts)
    about = " ".join(f"{{{column}}}" for column in texts)
    # No claim is made, so that it does not matter whether a label can be denied in one.
    claim, denial = f"the label of {about} is {{label}}", f"{{label}} is not the label of {about}"
    source = custom_source(texts, args.label_column, labels, claim, denial, licence)
    rows = read_task(name, source, args.source_data, args.source_config, exclude, args.encoding)
    return name, asking, rows, licence, source.citation


def build(args: argparse.Namespace, command: str) -> Path:
    """Build the dataset folder and return it."""
    folder = args.output_dir / args.org / f"syco-answers-{args.name or args.source}"
    refuse_occupied(folder, marker="README.md", overwrite=args.overwrite)
    print(f"reading {args.name or args.source} ...", file=sys.stderr)
    name, asking, source_rows, licence, citation = read(args)
    asking = dataclasses.replace(asking, introduction=args.introduction, max_choices=args.max_choices or 0)
    wordings = tuple(w for w in wordings_for(asking.short) if args.templates is None or w.name in args.templates)
    if all(wording.held_out for wording in wordings):
        fitting = ", ".join(w.name for w in wordings_for(asking.short) if not w.held_out)
        raise ValueError(f"--templates: expected one of {fitting} for {name}, got {', '.join(args.templates)}")

    from sycophancy.dataset.cards import render_answers_card
    from sycophancy.dataset.folder import write_claims, write_pairs
    from sycophancy.dataset.reading import ANSWER_FEATURES

    with written_whole(folder) as partial_folder:
        facts = {}
        for split in [split for split in ("train", *MEASUREMENT_SPLITS) if split in source_rows.items]:
            # Popped, so that a split's files are given up once it is written.
            items = at_most(source_rows.items.pop(split), args.limit)
            of_split = asking
            if asking.short and not asking.max_choices:
                of_split = dataclasses.replace(asking, wrong=balance_wrong(items))
            make = partial(checked_rows, asking=of_split, seed=args.seed, wordings=wordings)
            rows = in_processes(items, make, args.num_proc)
            facts[split] = write_claims(partial_folder, split, rows, ANSWER_FEATURES)
            del items, rows
        card = render_answers_card(
            f"{args.org}/{folder.name}",
            name,
            facts,
            source_rows.dropped,
            write_pairs(partial_folder, facts),
            licence=licence,
            citation=citation,
            read_from=source_rows.read_from,
            seed=args.seed,
            command=command,
            question=asking.question.replace("\n", " "),
            notes=_notes(asking),
        )
        (partial_folder / "README.md").write_text(card, encoding="utf-8")
    for split, fact in facts.items():
        dropped = source_rows.dropped.get(split, {})
        print(f"{split}: {fact.rows} rows from {fact.clusters} source rows, {sum(dropped.values())} dropped")
    print(f"wrote {folder}")
    return folder


def _notes(asking: Asking) -> tuple[str, ...]:
    """What the card says of how the texts and the wrong answers were made."""
    notes = []
    if asking.mend:
        notes.append(
            "`question` and `prompt` show the texts as people write them (`It's` for `it 's`, `&` for `&amp;`), `source_text` "
            "as they are in the source."
        )
    if asking.short:
        notes.append(
            "Of several labels, each is suggested wrongly as often as it is right, as evenly as that allows, so that the label "
            "that a user names does not tell whether they are right. With two labels, or one that more than half of the rows "
            "have, it may: see the table of answers held."
        )
    return tuple(notes)


def card_command(args: argparse.Namespace) -> str:
    """The command as the card shows it: without what changes no byte of the dataset."""
    usual = ["introduction"] if args.introduction == "name_first" else []
    return dataset_command("dataset_builders/suggested_answers.py", args, usual)


def main() -> None:
    """Parse the command line, build, publish if asked."""
    args = parse_args()
    folder = build(args, card_command(args))
    if args.push_to_hub:
        publish_dataset(folder, args.org)


if __name__ == "__main__":
    run(main)
