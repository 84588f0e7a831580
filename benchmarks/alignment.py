"""Measure alignment on the gold of the field, and where aligners break.

    python benchmarks/alignment.py DATA [--sets mac-dev,paramed]     # DATA/NAME/{src,tgt,gold}, Vecalign format

One line per set with strict F1 (nulls counted on both sides), null F1 and the expected calibration error of bead
confidence; then MAC-Dev's chapters concatenated with some of them missing or swapped, F1 without nulls.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import bitext
from bitext import evaluation, pipeline
from bitext.data import Alignment, Document
from bitext.evaluation import GoldBead
from bitext.segmentation import detect_language, segment_lines


class Chapter(NamedTuple):
    """One document of a set."""

    source: str
    target: str
    gold: list[GoldBead]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", default="mac-dev,aca,mag,paramed")
    parser.add_argument("--embedder", default="zh-en")
    args = parser.parse_args()
    embedder = pipeline.remembering(args.embedder)
    for name in args.sets.split(","):
        chapters = read(args.data / name)
        start = time.perf_counter()
        aligned = [align(c.source, c.target, embedder) for c in chapters]
        seconds = time.perf_counter() - start
        found = [[(tuple(b.source), tuple(b.target)) for b in a] for a in aligned]
        figures = evaluation.bead_figures([c.gold for c in chapters], found)
        print(
            f"{name}: strict F1 {figures['strict']['f1']:.4f}, null F1 {figures['null']['f1']:.3f}, "
            f"boundary F1 {figures['boundary']['f1']:.4f}, ECE {calibration_error(aligned, chapters):.3f}, "
            f"{seconds:.0f} s"
        )
        if name == "mac-dev":
            robustness(chapters, embedder)


def read(folder: Path) -> list[Chapter]:
    """Read the documents of a set."""
    return [
        Chapter(
            (folder / "src" / path.stem).read_text(encoding="utf-8"),
            (folder / "tgt" / path.stem).read_text(encoding="utf-8"),
            evaluation.read_beads(path),
        )
        for path in sorted(folder.glob("gold/*.align"))
    ]


def align(
    source: str, target: str, embedder: pipeline.RememberingEmbedder, order: str = "monotone"
) -> Alignment:
    """Align two texts of a segment a line."""
    return bitext.align(document(source), document(target), embedder=embedder, order=order)  # type: ignore[arg-type]


def document(text: str) -> Document:
    """Take a segment a line."""
    return segment_lines(text, lang=detect_language(text))


def calibration_error(aligned: Sequence[Alignment], chapters: Sequence[Chapter]) -> float:
    """Mean gap between confidence and share of right beads, over ten bins of confidence."""
    rows = np.array(
        [
            (b.score, (tuple(b.source), tuple(b.target)) in set(c.gold))
            for a, c in zip(aligned, chapters, strict=True)
            for b in a
            if b.score is not None
        ],
        dtype=float,
    )
    bins = np.minimum((rows[:, 0] * 10).astype(int), 9)
    gaps = [abs(rows[bins == k].mean(axis=0) @ (1, -1)) * (bins == k).mean() for k in set(bins.tolist())]
    return float(sum(gaps))


def robustness(chapters: Sequence[Chapter], embedder: pipeline.RememberingEmbedder) -> None:
    """Print F1 without nulls when chapters are missing or swapped."""
    everything = list(range(len(chapters)))
    cases = {
        "all parallel": (everything, everything, "monotone"),
        "target lacks two in the middle": (everything, [0, 1, 4, 5], "monotone"),
        "target lacks the first three": (everything, [3, 4, 5], "monotone"),
        "source lacks two": ([0, 1, 4, 5], everything, "monotone"),
        "two swapped, free order": (everything, [0, 2, 1, 3, 4, 5], "free"),
    }
    for name, (sources, targets, order) in cases.items():
        source, target = (
            "".join(chapters[i].source for i in sources),
            "".join(chapters[i].target for i in targets),
        )
        found = {
            (tuple(b.source), tuple(b.target))
            for b in align(source, target, embedder, order)
            if not b.is_null
        }
        gold = concatenated_gold(chapters, sources, targets)
        print(f"  {name}: F1 {2 * len(found & gold) / (len(found) + len(gold)):.3f}")


def concatenated_gold(
    chapters: Sequence[Chapter], sources: Sequence[int], targets: Sequence[int]
) -> set[GoldBead]:
    """Gold beads of the chapters on both sides, renumbered."""
    starts = [
        dict(zip(side, offsets(chapters, side, k), strict=True)) for k, side in enumerate((sources, targets))
    ]
    return {
        (tuple(i + starts[0][c] for i in s), tuple(j + starts[1][c] for j in t))
        for c in sources
        if c in starts[1]
        for s, t in chapters[c].gold
        if s and t
    }


def offsets(chapters: Sequence[Chapter], order: Sequence[int], side: int) -> list[int]:
    """Count the segments before each chapter."""
    sizes = [len(document(chapters[c][side])) for c in order]
    return [sum(sizes[:k]) for k in range(len(sizes))]


if __name__ == "__main__":
    main()
