"""Fit the weights of `bitext.scoring` on professional judgements.

    python models/fit_fidelity.py DATA      # the folder with wmt20_zhen_mqm.jsonl.gz and wmt21news_zhen_mqm.jsonl.gz

Prints the weights to put into `bitext/scoring.py`, and how well they do: mean absolute error of segment fidelity
against the constant, on documents left out, and how often garbage (the source copied, another segment's
translation, half a translation) scores below the real translation of the same source.  Seeded; some minutes of CPU.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from bitext import pipeline, scoring

FILES = ("wmt20_zhen_mqm.jsonl.gz", "wmt21news_zhen_mqm.jsonl.gz")
Pair = tuple[str, str, float, str]  # source, target, fidelity, document


def main() -> None:
    """Read, embed, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--segments", type=int, default=400, help="source segments from each set")
    parser.add_argument("--embedder", default="zh-en")
    args = parser.parse_args()
    rng = random.Random(1)
    judged = [pair for name in FILES for pair in read(args.data / name, args.segments, rng)]
    garbage = spoil(judged, rng)
    features, fidelity = measure(judged + garbage, args.embedder), np.array([p[2] for p in judged + garbage])
    held_out = np.array([hash_of(p[3]) % 5 == 0 for p in judged + garbage])
    real = np.arange(len(judged) + len(garbage)) < len(judged)

    model = fit(features[~held_out], fidelity[~held_out])
    print(report(model, features, fidelity, held_out & real, judged, garbage, real))
    model = fit(features, fidelity)
    print(f"_BIAS = {-model.intercept_[0]:.3f}")
    print(f"_WEIGHTS = ({', '.join(f'{-w:.3f}' for w in model.coef_[0])})  # {', '.join(scoring.FEATURES)}")


def read(path: Path, n_segments: int, rng: random.Random) -> list[Pair]:
    """Three outputs each of some source segments, with their MQM penalty as fidelity."""
    by_segment: dict[int, list[dict]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for row in map(json.loads, stream):
            if row["mqm"] is not None and row["seg"] is not None:
                by_segment.setdefault(row["seg"], []).append(row)
    chosen = rng.sample(sorted(by_segment), min(n_segments, len(by_segment)))
    rows = [row for seg in chosen for row in rng.sample(by_segment[seg], 3)]
    return [(r["src"], r["tgt"], 1 - min(25.0, -r["mqm"]) / 25, r["doc"]) for r in rows]


def spoil(pairs: list[Pair], rng: random.Random) -> list[Pair]:
    """Make a quarter as many pairs that are worth nothing, or half a translation."""
    spoiled: list[Pair] = []
    for source, target, fidelity, doc in rng.sample(pairs, len(pairs) // 4):
        words = target.split()
        kinds = (
            (source, 0.0),
            (rng.choice(pairs)[1], 0.0),
            (" ".join(words[: len(words) // 2]), fidelity / 2),
        )
        text, value = rng.choice(kinds)
        if text and text != target:
            spoiled.append((source, text, value, doc))
    return spoiled


def measure(pairs: list[Pair], embedder: str) -> np.ndarray:
    """Features of all pairs."""
    encoder = pipeline.remembering(embedder)
    sources, targets = [p[0] for p in pairs], [p[1] for p in pairs]
    return scoring.pair_features(sources, targets, pipeline.similarities(encoder, sources, targets).tolist())


def fit(features: np.ndarray, fidelity: np.ndarray) -> LogisticRegression:
    """Logistic regression on shares: each pair counts as both classes, weighted by its fidelity."""
    labels = np.repeat([1, 0], len(fidelity))
    weights = np.concatenate([fidelity, 1 - fidelity])
    return LogisticRegression(C=10.0, max_iter=1000).fit(
        np.tile(features, (2, 1)), labels, sample_weight=weights
    )


def report(model, features, fidelity, test, judged, garbage, real) -> str:
    """Errors on left-out documents."""
    predicted = model.predict_proba(features)[:, 1]
    error = np.abs(predicted - fidelity)[test].mean()
    constant = np.abs(fidelity[test] - np.median(fidelity[test])).mean()
    best = {}
    for pair, value in zip(judged, predicted[real], strict=True):
        best[pair[0]] = min(best.get(pair[0], 1.0), value)
    worthless = [(p, v) for p, v in zip(garbage, predicted[~real], strict=True) if p[2] == 0.0]
    below = np.mean([v < best[p[0]] for p, v in worthless])
    return (
        f"left-out segments: mean absolute error {error:.3f} (constant {constant:.3f}), n={int(test.sum())}; "
        f"worthless translations below every real one of their source: {below:.1%} of {len(worthless)}"
    )


def hash_of(text: str) -> int:
    """Small stable hash."""
    return sum(ord(c) * (i + 1) for i, c in enumerate(text))


if __name__ == "__main__":
    main()
