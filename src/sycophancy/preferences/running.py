# SPDX-License-Identifier: Apache-2.0
"""One study from its command line to its record: pairs, features, judges, rewards, fits."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sycophancy.drawing import Draws
from sycophancy.preferences.card import TARGETS
from sycophancy.preferences.features import LENGTH, MEASURES, exact_features
from sycophancy.preferences.fitting import has_sampler
from sycophancy.preferences.judging import (
    PREFIX,
    QUESTIONS,
    Judged,
    check_readable,
    judge_of,
    judge_pairs,
    kappa,
    readings,
)
from sycophancy.preferences.pairs import Pair, Pairs, read_pairs
from sycophancy.preferences.pictures import forest
from sycophancy.preferences.rewards import log_ratios
from sycophancy.preferences.study import Settings, Study, analyse, compare_targets
from sycophancy.records import git_state, hardware, relative, versions

SECOND_JUDGE_PAIRS = 300
"""Pairs on which two judges are compared."""


def check_flags(args: argparse.Namespace) -> None:
    """Raise `ValueError` for flags that mean nothing together."""
    tuned = [flag for flag in ("adapter", "tuned_model_name_or_path") if getattr(args, flag)]
    if len(tuned) > 1:
        raise ValueError("expected --adapter or --tuned_model_name_or_path, got both; name one")
    if tuned and not args.reward_model_name_or_path:
        raise ValueError(
            f"expected --reward_model_name_or_path beside --{tuned[0]}, got none; name the model before tuning"
        )
    if args.second_judge_model_name_or_path and not args.judge_model_name_or_path:
        raise ValueError("expected --judge_model_name_or_path beside the second judge, got none; name it")
    if args.questions and not args.judge_model_name_or_path:
        raise ValueError("expected --judge_model_name_or_path beside --questions, got none; name a judge")
    for flag, given, known in (("--features", args.features, MEASURES), ("--questions", args.questions, QUESTIONS)):
        if unknown := [name for name in given or () if name not in known]:
            raise ValueError(f"{flag}: expected some of {', '.join(known)}, got {unknown[0]!r}; correct the name")
    if args.sham and args.reward_model_name_or_path:
        raise ValueError("expected --sham without --reward_model_name_or_path, got both; the sham's labels are drawn")
    if args.method == "nuts" and not has_sampler():
        raise ValueError(
            "expected numpyro and arviz-stats for --method nuts, got not both; install them: pip install 'sycophancy[approval]', "
            "or pass --method mode"
        )


def run_study(args: argparse.Namespace, command: str) -> tuple[dict, list[dict], str]:
    """The record, a line per pair, and the picture of a study.

    Args:
        args: of `scripts/preference_features.py`, checked by `check_flags`.
        command: as the record shows it.

    Raises:
        ValueError: bad input; see `read_pairs`, `log_ratios` and `analyse`.
    """
    found = read_pairs(
        args.dataset_name, args.source_data, config=args.dataset_config, split=args.split, revision=args.dataset_revision,
        encoding=args.encoding, limit=args.limit, seed=args.seed,
    )  # fmt: skip
    if not found.judged and not (args.reward_model_name_or_path or args.sham):
        raise ValueError(
            f"expected pairs of which somebody chose one answer in {found.read_from}, got claims; ask for a model's own choice with "
            "--reward_model_name_or_path, or read --dataset_config preference"
        )
    if args.reward_model_name_or_path:
        _drop_empty(found)
    rewards, reward = _rewards(args, found.pairs)
    n_ties = 0
    if rewards:
        differing = [np.asarray(ratios) != 0 for ratios in rewards.values()]
        if "after" in rewards:
            differing.append(np.asarray(rewards["after"]) != np.asarray(rewards["before"]))
        kept = np.all(differing, axis=0)
        n_ties = int((~kept).sum())
        found.pairs = [pair for pair, keep in zip(found.pairs, kept, strict=True) if keep]
        rewards = {
            name: [ratio for ratio, keep in zip(ratios, kept, strict=True) if keep] for name, ratios in rewards.items()
        }
        # Votes and places are those of the people who chose.
        found.pairs = [replace(pair, votes=(), chosen_first=None) for pair in found.pairs]
        if not found.pairs:
            raise ValueError("expected answers of different log-probability, got none; give other pairs")
    exact = exact_features(found.pairs)
    if args.features:
        exact = {name: values for name, values in exact.items() if name in args.features or name not in MEASURES}
    judged, judge = _judged(args, found.pairs, exact, reward)
    values: dict[str, Sequence[float]] = exact | {f"{PREFIX}{name}": said for name, said in judged.items()}
    settings = Settings(
        args.method or ("nuts" if has_sampler() else "mode"), args.seed, 0.95, args.bootstrap, args.draws
    )
    study = Study.of(found.pairs, values, args.seed)
    signs = _signs(args, found, rewards)
    targets = {name: study.preferred(each) for name, each in signs.items()}
    results = {name: analyse(study, y, settings) for name, y in targets.items()}
    record = {
        "command": command,
        "method": settings.method,
        "sham": args.sham,
        "data": _data(found) | {"n_ties": n_ties, "dropped": dict(found.dropped)},
        "reward": reward,
        "judge": judge,
        "targets": results,
        "difference": compare_targets(study, targets["before"], targets["after"], settings)
        if "before" in targets
        else None,
        "seed": args.seed,
        "bootstrap": args.bootstrap,
        "versions": versions() | _more_versions(),
        "git": git_state(),
        "hardware": hardware(),
    }
    lines = [
        {"id": pair.id, "cluster": int(number), "features": {name: float(each[at]) for name, each in values.items()},
         "preferred": {name: float(each[at]) for name, each in signs.items()}, "authority": pair.authority}
        for at, (pair, number) in enumerate(zip(found.pairs, study.design(next(iter(targets.values()))).clusters, strict=True))
    ]  # fmt: skip
    return record, lines, picture_of(record)


def _drop_empty(found: Pairs) -> None:
    """Leave out pairs with an empty answer: a model gives it no log-probability."""
    kept = [pair for pair in found.pairs if pair.chosen and pair.rejected]
    if len(kept) < len(found.pairs):
        found.dropped["an empty answer, which a model's reward does not know"] += len(found.pairs) - len(kept)
        found.pairs = kept


def _data(found: Pairs) -> dict:
    return {
        "read_from": found.read_from,
        "fingerprint": found.fingerprint,
        "n_pairs": len(found.pairs),
        "n_prompts": len({pair.cluster for pair in found.pairs}),
    }


def _more_versions() -> dict[str, str]:
    """Of what the posterior depends on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in ("scipy", "numpyro", "jax", "arviz-stats"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _signs(
    args: argparse.Namespace, found: Pairs, rewards: Mapping[str, Sequence[float]]
) -> dict[str, Sequence[float]]:
    """Target -> for each pair a number that is positive where the chosen answer is preferred."""
    if rewards:
        signs = dict(rewards)
        if "after" in rewards:
            learned = np.asarray(rewards["after"]) - np.asarray(rewards["before"])
            signs["learned"] = learned.tolist()
        return signs
    if args.sham:
        return {"sham": [1 if Draws(args.seed, pair.id, "sham").below(2) else -1 for pair in found.pairs]}
    return {"chosen": [1] * len(found.pairs)}


def _load(name: str, dtype: str):
    """A model on the GPU where there is one, else on the CPU; see `sycophancy.answering.models.load_model`."""
    import torch

    from sycophancy.answering.models import load_model

    loaded = load_model(name, dtype=dtype)
    loaded.model.to("cuda" if torch.cuda.is_available() else "cpu")
    return loaded


def _rewards(args: argparse.Namespace, pairs: Sequence[Pair]) -> tuple[dict[str, list[float]], dict | None]:
    """Target -> log-ratio of each pair, and what the record says of the models; nothing without a reward model."""
    if not args.reward_model_name_or_path:
        return {}, None
    tuned = args.adapter or args.tuned_model_name_or_path
    loaded = _load(args.reward_model_name_or_path, args.dtype)
    record = {
        "name": relative(args.reward_model_name_or_path),
        "fingerprint": loaded.record["fingerprint"],
        "tuned": None,
    }
    rewards = {"before" if tuned else "model": log_ratios(*loaded, pairs, args.batch_size)}
    if tuned:
        after = loaded.with_adapter(args.adapter) if args.adapter else _load(tuned, args.dtype)
        rewards["after"] = log_ratios(*after, pairs, args.batch_size)
        record["tuned"] = relative(tuned)
        record["tuned_fingerprint"] = (after.adapter or after.record)["fingerprint"]
        if rewards["before"] == rewards["after"]:
            raise ValueError(
                f"expected a model that tuning changed, got {tuned} with the same log-probabilities; name another one"
            )
    return rewards, record


def _judged(
    args: argparse.Namespace, pairs: Sequence[Pair], exact: Mapping[str, Sequence[float]], reward: Mapping | None
) -> tuple[dict[str, list[int]], dict | None]:
    """Judged feature -> its value for each pair, and what the record says of the judges."""
    if not args.judge_model_name_or_path:
        return {}, None
    questions = {name: QUESTIONS[name] for name in args.questions or QUESTIONS}

    def judge(name: str, some: Sequence[Pair]) -> tuple[Judged, str]:
        loaded = _load(name, args.dtype)
        fingerprint = loaded.record["fingerprint"]
        if reward and fingerprint in (reward["fingerprint"], reward.get("tuned_fingerprint")):
            raise ValueError(
                f"expected another judge than the model whose reward is asked for, got {name} as both; name another one"
            )
        check_readable(*loaded, some, questions)
        return judge_pairs(judge_of(*loaded), some, questions), fingerprint

    judged, fingerprint = judge(args.judge_model_name_or_path, pairs)
    record = {
        "name": relative(args.judge_model_name_or_path),
        "fingerprint": fingerprint,
        "order_flips": judged.order_flips,
        "readings": readings(judged, dict(exact)),
    }
    if args.second_judge_model_name_or_path:
        order = sorted(range(len(pairs)), key=lambda at: Draws(args.seed, pairs[at].id, "judges").below(2**64))
        some = sorted(order[:SECOND_JUDGE_PAIRS])
        other, fingerprint = judge(args.second_judge_model_name_or_path, [pairs[at] for at in some])
        if fingerprint == record["fingerprint"]:
            raise ValueError("expected two different judges, got the same weights twice; name another second judge")
        record |= {
            "second": {
                "name": relative(args.second_judge_model_name_or_path),
                "fingerprint": fingerprint,
                "pairs": len(some),
            },
            "kappa": {name: kappa([judged.values[name][at] for at in some], other.values[name]) for name in questions},
        }
    return judged.values, record


def picture_of(record: Mapping) -> str:
    """The forest plot of a record: features, then cells of agreement, with a point for each target."""
    targets = record["targets"]
    names = list(dict.fromkeys(f"feature_effect/{name}" for found in targets.values() for name in found["features"]))
    first = next(iter(targets.values()))["keys"]
    names.sort(key=lambda name: -abs(first.get(name, 0.0)))
    names += list(dict.fromkeys(f"agreement/{name}" for found in targets.values() for name in found["cells"]))
    rows = []
    for name in names:
        shown = (
            name.partition("/")[2].replace(LENGTH, f"{LENGTH} (per sd)")
            if name == f"feature_effect/{LENGTH}"
            else name.partition("/")[2]
        )
        keys = [found["keys"] for found in targets.values()]
        rows.append(
            (shown if name.startswith("feature") else f"agrees, {shown}",
             [{"value": each[name], "ci_low": each[f"{name}_ci_low"], "ci_high": each[f"{name}_ci_high"]} if name in each else None
              for each in keys])
        )  # fmt: skip
    return forest(rows, [TARGETS[name] for name in targets])
