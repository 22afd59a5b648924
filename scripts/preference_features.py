# SPDX-License-Identifier: Apache-2.0
"""Say which features of an answer go with its being preferred: by people, by raters, or by a model's own reward.

    python scripts/preference_features.py --source_data votes.jsonl --output_dir out/approval
    python scripts/preference_features.py --dataset_name Anthropic/hh-rlhf --limit 5000 --output_dir out/approval-hh
    python scripts/preference_features.py --dataset_name out/hub/my-org/syco-reviews --dataset_config default \\
        --reward_model_name_or_path MODEL --adapter out/tuned --output_dir out/approval-tuned

Data are pairs of answers in one of these forms:

- the columns prompt, chosen and rejected, as text or as messages;
- the columns prompt, response_1, response_2 and votes, of several people;
- a dataset of this project, whose configuration preference has such pairs. Its configuration default serves for a
  model's reward: each row with a user's opinion is a pair of the right answer and the one that a wrong user holds.

With --reward_model_name_or_path the preferred answer is the one that the model finds more probable. Add --adapter or
--tuned_model_name_or_path to see it before and after tuning, and what the tuning itself rewards. With
--judge_model_name_or_path a local model judges further features, in both orders of the answers.

Effects are those of a posterior, for which numpyro and arviz-stats are needed (pip install 'sycophancy[approval]').
Without them, or with --method mode, they are modes, with a bootstrap over prompts.

Writes OUTPUT_DIR/preference_features.json (every number), README.md (tables and limits), effects.svg (a forest plot)
and pairs.jsonl (the features of each pair, without its texts).
"""

import argparse
from pathlib import Path

from sycophancy.cli import command_line, positive_int, run, script_parser
from sycophancy.files import refuse_occupied, write_json, write_text, written_whole

RECORD = "preference_features.json"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--dataset_name", help="dataset with pairs: folder of a builder, or Hub id")
    parser.add_argument("--dataset_config", help="its configuration [preference where a folder has it, else default]")
    parser.add_argument("--dataset_revision", help="Hub revision of the dataset")
    parser.add_argument(
        "--source_data", help="instead: local file or folder with pairs (CSV, JSON lines, JSON, Parquet)"
    )
    parser.add_argument("--encoding", metavar="NAME", help="of local files with text, such as latin-1 [UTF-8]")
    parser.add_argument("--split", help="split to read [train; validation of the configuration default]")
    parser.add_argument("--limit", type=positive_int, help="at most this many pairs, drawn by the seed")
    parser.add_argument("--features", nargs="+", metavar="NAME", help="exact features to use [all]")
    parser.add_argument("--reward_model_name_or_path", help="model whose reward takes the place of the choices")
    parser.add_argument("--adapter", help="PEFT adapter: the same model after tuning")
    parser.add_argument("--tuned_model_name_or_path", help="instead of an adapter: the model after tuning")
    parser.add_argument("--judge_model_name_or_path", help="local model that judges further features")
    parser.add_argument("--second_judge_model_name_or_path", help="another judge, for their agreement on 300 pairs")
    parser.add_argument("--questions", nargs="+", metavar="NAME", help="judged features to ask for [all]")
    parser.add_argument("--batch_size", type=positive_int, default=8, help="prompts per forward pass [8]")
    parser.add_argument(
        "--dtype", default="float32", choices=("float32", "bfloat16", "float16"), help="of the weights [float32]"
    )
    parser.add_argument(
        "--method", choices=("nuts", "mode"), help="posterior or mode [nuts where numpyro is installed, else mode]"
    )
    parser.add_argument(
        "--draws", type=positive_int, default=1000, help="of each of 4 chains, after as many to warm up [1000]"
    )
    parser.add_argument("--bootstrap", type=positive_int, default=1000, help="replicates over prompts [1000]")
    parser.add_argument("--sham", action="store_true", help="assign the labels at random, to see what chance gives")
    parser.add_argument("--seed", type=int, default=0, help="of all draws [0]")
    parser.add_argument("--output_dir", required=True, type=Path, help="folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier result in OUTPUT_DIR")
    return parser.parse_args(argv)


def main() -> None:
    """Read pairs; count, judge and score them; fit; write."""
    args = parse_args()
    refuse_occupied(args.output_dir, marker=RECORD, overwrite=args.overwrite)

    from sycophancy.preferences.running import check_flags, run_study

    check_flags(args)
    record, lines, picture = run_study(args, command_line())

    import json

    from sycophancy.preferences.card import render_card

    with written_whole(args.output_dir) as partial:
        write_text(partial / "pairs.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        write_text(partial / "effects.svg", picture)
        card = render_card(record)
        write_text(partial / "README.md", card)
        write_json(partial / RECORD, record)
    print(card)
    print(f"wrote {args.output_dir}")


if __name__ == "__main__":
    run(main)
