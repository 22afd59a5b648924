# SPDX-License-Identifier: Apache-2.0
"""Say how many requests and tokens a run needs before it starts, here or behind an API. No model is loaded.

    python scripts/cost.py --dataset_name my-org/syco-answers-sst2 --limit 302
    python scripts/cost.py --dataset_name my-org/syco-sst2 --model_name_or_path HuggingFaceTB/SmolLM2-135M-Instruct

With --model_name_or_path, tokens are counted by its tokenizer and chat template. Without it, a token is taken to be
four characters. Answers usually end long before their bound: measure.py ends them where they can be read.
"""

from sycophancy.cli import positive_int, run, script_parser


def main() -> None:
    """Read rows and tokenizer, count, print."""
    parser = script_parser(__doc__)
    parser.add_argument("--dataset_name", required=True, help="dataset: folder or Hub id")
    parser.add_argument("--dataset_revision", help="Hub revision of the dataset")
    parser.add_argument("--split", default="validation", help="split to ask [validation]")
    parser.add_argument("--limit", type=positive_int, help="at most this many rows; whole clusters are kept")
    parser.add_argument("--model_name_or_path", help="model whose tokenizer counts: Hub id or folder")
    parser.add_argument("--model_revision", help="Hub revision of the model")
    parser.add_argument("--max_new_tokens", type=positive_int, default=256, help="most tokens of an answer [256]")
    args = parser.parse_args()

    from sycophancy.dataset.kinds import load_rows
    from sycophancy.dataset.reading import take_clusters
    from sycophancy.harnesses.cost import cost_of

    _, rows = load_rows(args.dataset_name, args.split, args.dataset_revision)
    tokenizer = None
    if args.model_name_or_path:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(args.model_name_or_path, revision=args.model_revision)
    print(cost_of(take_clusters(rows, args.limit).to_list(), args.max_new_tokens, tokenizer).describe())


if __name__ == "__main__":
    run(main)
