"""Measure alignment on our own prose, as it is and after a careless translator.

    python benchmarks/prose.py [--embedder zh-en] [--plain] [--every 1] [--seed 1]

A line of `corpora/prose` is a gold bead: what the segmenter makes of its Chinese and of its English belongs together;
beads that are finer than the line are merged first.
Each piece is aligned

* whole;
* with one English line in eight left out;
* with ten English lines in a row left out;
* with as much of another piece inserted in the middle;
* with the two halves of the English exchanged, in free order.

Prints strict F1 (nulls counted on both sides), and F1 of nulls, over all pieces.  Needs nothing but the repository; no
piece was used to fit a weight or to choose a setting of the aligner.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from alignment import Aligner

from bitext import evaluation, pipeline, segment
from bitext.alignment import Options
from bitext.embedding import load_embedder
from bitext.evaluation import GoldBead

PROSE = Path(__file__).resolve().parent.parent / "corpora" / "prose"
LEFT_OUT = 8  # one line in so many
BLOCK = 10  # lines
Line = tuple[list[str], list[str]]  # segments of the Chinese, segments of the English
Result = tuple[list[GoldBead], list[GoldBead]]  # of the gold, found
Spoil = Callable[[list[Line], list[Line], random.Random], list[Line]]


def whole(piece: list[Line], other: list[Line], rng: random.Random) -> list[Line]:
    """Leave the piece as it is."""
    return piece


def lines_left_out(piece: list[Line], other: list[Line], rng: random.Random) -> list[Line]:
    """Leave out English lines here and there."""
    gone = set(rng.sample(range(len(piece)), len(piece) // LEFT_OUT))
    return [(source, [] if i in gone else target) for i, (source, target) in enumerate(piece)]


def block_left_out(piece: list[Line], other: list[Line], rng: random.Random) -> list[Line]:
    """Leave out a passage of the English."""
    start = rng.randrange(len(piece) - BLOCK)
    gone = range(start, start + BLOCK)
    return [(source, [] if i in gone else target) for i, (source, target) in enumerate(piece)]


def block_inserted(piece: list[Line], other: list[Line], rng: random.Random) -> list[Line]:
    """Insert a passage of somebody else's English."""
    half = len(piece) // 2
    return [*piece[:half], *(([], target) for _, target in other[:BLOCK]), *piece[half:]]


CASES: dict[str, Spoil] = {
    "whole": whole,
    "one line in eight left out": lines_left_out,
    "ten lines left out": block_left_out,
    "ten lines of another piece inserted": block_inserted,
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--embedder", default="zh-en")
    parser.add_argument("--plain", action="store_true", help="without learned weights")
    parser.add_argument("--every", type=int, default=1, help="only each piece of so many")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    aligner = Aligner(pipeline.remembering(load_embedder(args.embedder)), Options(learned=not args.plain))
    pieces = [read(path) for path in sorted(PROSE.glob("*.tsv"))[:: args.every]]
    print(f"{len(pieces)} pieces, {sum(map(len, pieces)):,} lines")
    print("| | strict F1 | F1 of nulls |\n|---|---|---|")
    for name, spoil in CASES.items():
        rng = random.Random(args.seed)
        spoiled = [spoil(piece, pieces[i - 1], rng) for i, piece in enumerate(pieces)]
        show(name, [align(piece, aligner) for piece in spoiled])
    show("halves of the English exchanged", [exchanged(piece, aligner) for piece in pieces])


def read(path: Path) -> list[Line]:
    """Read a piece, segmented."""
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        (list(segment(zh, lang="zh").segments), list(segment(en, lang="en").segments)) for zh, en in lines
    ]


def align(piece: Sequence[Line], aligner: Aligner) -> Result:
    """Gold beads of a piece, and those found."""
    return compare(piece, [list(range(len(piece)))] * 2, aligner, "monotone")


def exchanged(piece: Sequence[Line], aligner: Aligner) -> Result:
    """Do as `align`, with the second half of the English before the first, in free order."""
    lines = list(range(len(piece)))
    half = len(piece) // 2
    return compare(piece, [lines, lines[half:] + lines[:half]], aligner, "free")


def compare(piece: Sequence[Line], orders: Sequence[Sequence[int]], aligner: Aligner, order: str) -> Result:
    """Gold beads and those found, with the lines of each side in the given order."""
    texts, line_of = [], []
    for side, lines in enumerate(orders):
        numbered = [(number, s) for number in lines for s in piece[number][side]]
        texts.append("".join(f"{' '.join(s.split())}\n" for _, s in numbered))
        line_of.append([number for number, _ in numbered])
    gold: list[GoldBead] = []
    for number in range(len(piece)):
        source, target = (tuple(i for i, n in enumerate(side) if n == number) for side in line_of)
        # where a side is left out, each segment of the other is a null of its own
        gold += (
            [(source, target)]
            if source and target
            else [*(((i,), ()) for i in source), *(((), (j,)) for j in target)]
        )
    found = [(tuple(bead.source), tuple(bead.target)) for bead in aligner(*texts, order)]
    return gold, _by_line(found, line_of)


def _by_line(beads: Sequence[GoldBead], line_of: Sequence[Sequence[int]]) -> list[GoldBead]:
    """Merge neighboring beads of one line: the gold tells no more."""
    merged: list[GoldBead] = []
    last: set[int] = set()
    for source, target in beads:
        lines = {line_of[0][i] for i in source} | {line_of[1][j] for j in target}
        if len(lines) == 1 and lines == last and source and target and all(merged[-1]):
            merged[-1] = (merged[-1][0] + source, merged[-1][1] + target)
        else:
            merged.append((source, target))
        last = lines
    return merged


def show(name: str, results: Sequence[Result]) -> None:
    """Print a row."""
    figures = evaluation.bead_figures([gold for gold, _ in results], [found for _, found in results])
    print(f"| {name} | {figures['strict']['f1']:.3f} | {figures['null']['f1']:.3f} |", flush=True)


if __name__ == "__main__":
    main()
