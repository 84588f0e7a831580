"""Grow the decision trees by which `bitext._doubts` judges a rendering without a termbase.

Comes in: a folder like ``shared/data/terms``, of which ``hkma`` is read: machine translations of annual reports, and
the dictionaries that say which of their terms are wrong.  Goes out: ``bitext/_doubts.tsv``, and, printed, for each
year the precision of trees grown on the other years.  The trees for several translations see every document in all
its translations and in two halves of them, so that they know what two or three can say::

    python models/fit_doubts.py DATA_DIR [--measure-only]

A line of the table is a node: forest, kind (``tree`` starts one), feature, threshold, number of the node to the left
and to the right (a leaf names itself), value; and a line ``bias`` for each forest.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from terminology import Judged, judge_all, precision_at

from bitext import _doubts

OUTPUT = Path(__file__).resolve().parent.parent / "bitext" / "_doubts.tsv"
# a rendering cannot become less doubtful when one of these grows (1) or falls (-1)
MONOTONE = {
    "usual absent": 1, "usual share absent": 1, "words unsupported": 1, "rendering unknown": 1,
    "own others present": -1,
    "passage coverage": -1, "translation coverage": -1, "consensus absent": 1, "agreement on absent": 1,
    "unlike others": 1, "others absent": 1, "agreement on others absent": 1, "votes present": -1, "votes absent": 1,
    "supported absent": 1, "rare supported absent": 1, "unlike any": 1, "own votes": -1, "passage likeness": -1,
    "translation likeness": -1,
}  # fmt: skip


def grow(judged: list[Judged], *, several: bool) -> tuple[_doubts.Forest, list[str]]:
    """Return a forest and its lines in the table, without the name of the forest."""
    names = [*_doubts.OWN, *[""] * len(_doubts.OWN_MEANS)]
    if several:
        names += [*_doubts.CROSS, *[""] * len(_doubts.CROSS_MEANS)]
    features, wrong = np.array([d.features for _, _, d in judged]), np.array([w for _, w, _ in judged])
    model = HistGradientBoostingClassifier(
        max_iter=120,
        max_leaf_nodes=10,
        learning_rate=0.08,
        l2_regularization=5.0,
        min_samples_leaf=80,
        monotonic_cst=[MONOTONE.get(name, 0) for name in names],
        random_state=0,
    ).fit(features, wrong)
    lines, start = [f"bias\t{float(model._baseline_prediction.item()):.6g}"], 0
    for (tree,) in model._predictors:
        for i, node in enumerate(tree.nodes):
            kind = "tree" if i == 0 else "node"
            here = start + i
            if node["is_leaf"]:
                lines.append(f"{kind}\t0\t0\t{here}\t{here}\t{node['value']:.4g}")
            else:
                left, right = start + node["left"], start + node["right"]
                lines.append(
                    f"{kind}\t{node['feature_idx']}\t{node['num_threshold']:.6g}\t{left}\t{right}\t0"
                )
        start += len(tree.nodes)
    rows = [line.split("\t") for line in lines[1:]]
    numbers = [np.array([float(row[i]) for row in rows]) for i in range(1, 6)]
    forest = _doubts.Forest(
        float(lines[0].split("\t")[1]),
        np.flatnonzero([row[0] == "tree" for row in rows]),
        numbers[0].astype(int),
        numbers[1],
        numbers[2].astype(int),
        numbers[3].astype(int),
        numbers[4],
    )
    return forest, lines


def judged_by(forest: _doubts.Forest, judged: list[Judged]) -> list[Judged]:
    """Give the doubts the probabilities of `forest`."""
    probabilities = forest.probabilities(np.array([d.features for _, _, d in judged]))
    return [
        (identifier, wrong, replace(doubt, probability=float(p)))
        for (identifier, wrong, doubt), p in zip(judged, probabilities, strict=True)
    ]


def main() -> None:
    """Measure on each year with trees grown on the others, then grow them on all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--measure-only", action="store_true", help="write no trees")
    options = parser.parse_args()
    folder = options.data_dir / "hkma"
    systems = sorted({path.stem.rsplit(".", 1)[0] for path in (folder / "mt").glob("*.jsonl")})
    years = sorted(path.stem.rsplit("_", 1)[1] for path in (folder / "ref").glob("full_data_*.jsonl"))
    table: list[str] = []
    for several in (True, False):
        name = "several" if several else "one"
        by_year = {year: judge_all(folder, systems, several=several, year=year) for year in years}
        more: dict[str, list[Judged]] = {year: [] for year in years}
        for half in (systems[::2], systems[1::2]) if several else ():
            for year in years:
                more[year] += judge_all(folder, half, several=True, year=year)[0]
        held_out: list[Judged] = []
        for year, (judged, n_wrong) in by_year.items():
            others = [j for y in years if y != year for j in (*by_year[y][0], *more[y])]
            judged = judged_by(grow(others, several=several)[0], judged)
            held_out += [(f"{year}/{identifier}", wrong, doubt) for identifier, wrong, doubt in judged]
            print(f"{name}, {year} held out:", precisions(judged, n_wrong), flush=True)
        print(f"{name}, pooled:", precisions(held_out, sum(n for _, n in by_year.values())), flush=True)
        every = [j for y in years for j in (*by_year[y][0], *more[y])]
        table += [f"{name}\t{line}" for line in grow(every, several=several)[1]]
    if not options.measure_only:
        OUTPUT.write_text("\n".join(table) + "\n", encoding="utf-8")


def precisions(judged: list[Judged], n_wrong: int) -> str:
    """Say the precision at some recalls."""
    return ", ".join(f"{precision_at(judged, n_wrong, r)} at recall {r}" for r in (0.2, 0.35, 0.5))


if __name__ == "__main__":
    main()
