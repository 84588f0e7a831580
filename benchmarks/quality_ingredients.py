"""Measure what each ingredient of the quality model adds, on models trained without one of them.

    python models/train_quality.py … --share 0.25 --held-out 0.3 --epochs 2 --faults 2 --output RUNS/nothing
    python models/train_quality.py … --share 0.25 --held-out 0.3 --epochs 2 --faults 2 --without WHAT --output RUNS/WHAT
    python benchmarks/quality_ingredients.py DATA RUNS/nothing RUNS/WHAT … > benchmarks/quality-ingredients.md

DATA is as for `quality.py`.  The runs see a quarter of what the model that ships was trained on, so that all of
them take an hour on one core; they show differences and not what can be reached.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from quality import FIGURES, figures, measure, minimal_pairs, read, table

from bitext.quality import ENCODER, QualityEstimator

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "runs", type=Path, nargs="+", help="models, each in a folder named after what it lacks"
    )
    parser.add_argument("--segments", type=int, default=1000, help="of WMT22")
    args = parser.parse_args()
    rows = read(args.data / "wmt22_zhen_mqm.jsonl.gz", args.segments, seed=1)
    rows = [r for r in rows if not r["human"]]
    pairs = args.data / "demetr_dev_contrastive.jsonl.gz"
    shown = []
    for folder in args.runs:
        model = QualityEstimator(folder, ROOT / "models" / ENCODER)
        raw = np.array([model.raw(m) for m in measure(model, rows)])
        hits = minimal_pairs(model, pairs)
        critical = [hit for (severity, _), values in hits.items() if severity == "critical" for hit in values]
        shown.append((folder.name, *figures(rows, raw), float(np.mean(critical))))
    print("# What each ingredient of the quality model adds\n")
    print(
        "Made by `python benchmarks/quality_ingredients.py`, whose text says how; not edited. Models trained alike, but"
    )
    print("for what they lack. WMT22 Chinese-English, before calibration; DEMETR, critical kinds.\n")
    n_segments = len({r["seg"] for r in rows})
    print(f"{n_segments} segments of WMT22.\n")
    table(("without", *FIGURES, "DEMETR"), shown)


if __name__ == "__main__":
    main()
