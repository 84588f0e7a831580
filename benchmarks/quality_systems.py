"""Measure how well errors are found in the translations of a system that the quality model never saw.

    python models/train_quality.py … --share 0.25 --held-out 0.3 --epochs 2 --faults 2 --output RUNS/nothing
    python models/train_quality.py … --share 0.25 --held-out 0.3 --epochs 2 --faults 2 --without-system SYSTEM \
        --output RUNS/SYSTEM
    python benchmarks/quality_systems.py DATA RUNS/nothing RUNS/SYSTEM … > benchmarks/quality-systems.md

DATA is as for `quality.py`.  The runs see a quarter of what the model that ships was trained on, as in
`quality_ingredients.py`; they show what it costs not to know a system, and not what can be reached.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quality import character_f1, error_spans, left_out, marked_spans, table

from bitext.quality import ENCODER, QualityEstimator

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("knows_all", type=Path, help="model trained with all systems")
    parser.add_argument(
        "runs", type=Path, nargs="+", help="models, each in a folder named after the system left out"
    )
    args = parser.parse_args()
    judged = args.data / "wmt21news_zhen_mqm.jsonl.gz"
    knows_all = QualityEstimator(args.knows_all, ROOT / "models" / ENCODER)
    rows = left_out(knows_all, judged)
    shown, n_rows = [], 0
    for folder in args.runs:
        model = QualityEstimator(folder, ROOT / "models" / ENCODER)
        if model.held_out != knows_all.held_out:
            parser.error(f"{folder} and {args.knows_all} leave different documents out; train them alike")
        mine = [r for r in rows if r["sys"] == folder.name]
        if not mine:
            parser.error(f"no system {folder.name!r} in {judged}; name the folder after the system left out")
        gold, sizes = marked_spans(mine), [len(r["tgt"]) for r in mine]
        everything = [[(0, size, "major", 0.0)] for size in sizes]
        found = [error_spans(knows_all, mine), error_spans(model, mine), everything]
        shown.append((folder.name, len(mine), *(character_f1(spans, gold, sizes)[2] for spans in found)))
        n_rows += len(mine)
    print("# Errors in the translations of a system never seen\n")
    print(
        "Made by `python benchmarks/quality_systems.py`, whose text says how; not edited. Documents of WMT21 news left"
    )
    print("out of training; character F1 with severity credit.\n")
    means = [sum(row[1] * row[k] for row in shown) / n_rows for k in (2, 3, 4)]
    table(
        ("system", "translations", "trained with it", "trained without it", "everything is a major error"),
        [*shown, ("all", n_rows, *means)],
    )


if __name__ == "__main__":
    main()
