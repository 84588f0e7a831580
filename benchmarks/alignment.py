"""Measure alignment on the gold of the field, and where aligners break.

    python benchmarks/alignment.py DATA [--sets mac-dev,paramed,aca+mag,bible] [--leave-one-out] [--plain]
    python benchmarks/alignment.py DATA --shuffled --sets mac-dev,paramed,aca,mag

DATA holds NAME/{src,tgt,gold} in Vecalign's format.  For each set: strict F1 (nulls counted on both sides), null and
boundary F1, precision and recall by bead type, and how far confidence can be trusted.  ``bible`` is its first 5,000
verses' worth of segments; its gold is by verse, so neighboring beads of one verse are merged first.  Then MAC-Dev's
chapters concatenated with some of them missing, swapped or foreign (F1 without nulls), and documents that are hardly
any.  The shipped weights have seen MAC-Dev, ParaMed, aca and mag: with `--leave-one-out` each chapter of MAC-Dev is
aligned by weights fitted without it (`models/fit_alignment.py`), with `--plain` no learned weights are used at all.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import bitext
from bitext import evaluation, pipeline
from bitext.alignment import Options
from bitext.data import Alignment, Document
from bitext.embedding import load_embedder
from bitext.evaluation import GoldBead
from bitext.segmentation import detect_language, segment_lines

BIBLE = "001"


class Chapter(NamedTuple):
    """One document of a set."""

    source: str
    target: str
    gold: list[GoldBead]


class Aligner(NamedTuple):
    """The settings of a run."""

    embedder: pipeline.RememberingEmbedder
    options: Options

    def __call__(self, source: str, target: str, order: str = "monotone") -> Alignment:
        """Align two texts of a segment a line."""
        return bitext.align(
            document(source),
            document(target),
            embedder=self.embedder,
            order=order,  # type: ignore[arg-type]
            options=self.options,
        )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", default="mac-dev,paramed,aca+mag,bible")
    parser.add_argument("--embedder", default="zh-en")
    parser.add_argument("--cache", type=Path, help="file to keep vectors in")
    parser.add_argument("--plain", action="store_true", help="without learned weights")
    parser.add_argument(
        "--leave-one-out", action="store_true", help="MAC-Dev by weights fitted without the chapter"
    )
    parser.add_argument("--shuffled", action="store_true", help="only with targets in random order")
    args = parser.parse_args()
    loaded = load_embedder(args.embedder, cache=args.cache)
    aligner = Aligner(pipeline.remembering(loaded), Options(learned=not args.plain))
    for name in args.sets.split(","):
        if args.shuffled:
            shuffled(name, args.data, aligner)
        else:
            measure(name, args.data, aligner)
    if args.leave_one_out:
        leave_one_out(args.data, loaded)


def measure(name: str, data: Path, aligner: Aligner) -> None:
    """Print the figures of a set, or of several together (``aca+mag``)."""
    chapters = [chapter for part in name.split("+") for chapter in read(data / part)]
    start = time.perf_counter()
    aligned = [aligner(c.source, c.target) for c in chapters]
    seconds = time.perf_counter() - start
    found = [[(tuple(b.source), tuple(b.target)) for b in a] for a in aligned]
    if name == "bible":
        verses = [
            (data / name / f"{side}.verse").read_text(encoding="utf-8").splitlines()
            for side in ("src", "tgt")
        ]
        found = [by_verse(beads, verses) for beads in found]
    figures = evaluation.bead_figures([c.gold for c in chapters], found)
    print(
        f"{name}: strict F1 {figures['strict']['f1']:.4f}, null F1 {figures['null']['f1']:.3f}, "
        f"boundary F1 {figures['boundary']['f1']:.4f}, {seconds:.0f} s"
    )
    for kind, n in list(figures["types"].items())[:10]:
        precision, recall = n["right"] / max(1, n["found"]), n["right"] / max(1, n["gold"])
        print(f"  {kind}: P {precision:.3f}, R {recall:.3f} ({n['gold']} in gold)")
    if name != "bible":
        trust = confidence(aligned, chapters)
        sure = trust[trust[:, 0] > 0.9, 1]
        print(
            f"  confidence: ECE {calibration_error(trust):.3f}; {len(sure) / len(trust):.0%} of beads above .9, "
            f"{sure.mean():.1%} of them right"
        )
    if name == "mac-dev":
        robustness(chapters, data, aligner)


def shuffled(name: str, data: Path, aligner: Aligner, n_chapters: int = 6) -> None:
    """Print F1 without nulls in free order, with the targets of a few documents put together in two random orders."""
    chapters = read(data / name)
    found = []
    for seed in (1, 2):
        rng = random.Random(seed)
        chosen = rng.sample(chapters, min(n_chapters, len(chapters)))
        order = rng.sample(range(len(chosen)), len(chosen))
        source, target = "".join(c.source for c in chosen), "".join(chosen[i].target for i in order)
        found.append(
            f1(aligner(source, target, "free"), concatenated_gold(chosen, range(len(chosen)), order))
        )
    print(f"{name}, targets shuffled, free order: F1 {', '.join(f'{one:.3f}' for one in found)}")


def leave_one_out(data: Path, embedder: pipeline.Embedder) -> None:
    """Print what `models/fit_alignment.py --leave-one-out` does."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models"))
    import fit_alignment

    fit_alignment.cross_validate(data, embedder)


def read(folder: Path) -> list[Chapter]:
    """Read the documents of a set."""
    return [
        Chapter(
            (folder / "src" / path.stem).read_text(encoding="utf-8"),
            (folder / "tgt" / path.stem).read_text(encoding="utf-8"),
            evaluation.read_beads(path),
        )
        for path in sorted(folder.glob("gold/*.align"))
        if folder.name != "bible" or path.stem == BIBLE
    ]


def document(text: str) -> Document:
    """Take a segment a line."""
    return segment_lines(text, lang=detect_language(text))


def by_verse(beads: Sequence[GoldBead], verses: Sequence[Sequence[str]]) -> list[GoldBead]:
    """Merge neighboring beads that lie in one verse: the gold tells no more."""
    merged: list[GoldBead] = []
    last: set[str] = set()
    for source, target in beads:
        verse = {verses[0][i] for i in source} | {verses[1][j] for j in target}
        if len(verse) == 1 and verse == last:
            merged[-1] = (merged[-1][0] + source, merged[-1][1] + target)
        else:
            merged.append((source, target))
        last = verse
    return merged


def confidence(aligned: Sequence[Alignment], chapters: Sequence[Chapter]) -> np.ndarray:
    """Score of each bead, and whether it is right."""
    return np.array(
        [
            (b.score, (tuple(b.source), tuple(b.target)) in gold)
            for a, c in zip(aligned, chapters, strict=True)
            for gold in [set(c.gold)]
            for b in a
            if b.score is not None
        ],
        dtype=float,
    )


def calibration_error(trust: np.ndarray) -> float:
    """Mean gap between confidence and share of right beads, over ten bins of confidence."""
    bins = np.minimum((trust[:, 0] * 10).astype(int), 9)
    gaps = [abs(trust[bins == k].mean(axis=0) @ (1, -1)) * (bins == k).mean() for k in set(bins.tolist())]
    return float(sum(gaps))


def robustness(chapters: Sequence[Chapter], data: Path, aligner: Aligner) -> None:
    """Print F1 without nulls when chapters are missing or swapped, and how odd documents come out."""
    everything = list(range(len(chapters)))
    cases = {
        "all parallel": (everything, everything, "monotone"),
        "target lacks two in the middle": (everything, [0, 1, 4, 5], "monotone"),
        "target lacks the first three": (everything, [3, 4, 5], "monotone"),
        "source lacks two": ([0, 1, 4, 5], everything, "monotone"),
        "two swapped, free order": (everything, [0, 2, 1, 3, 4, 5], "free"),
        "two swapped, order found by itself": (everything, [0, 2, 1, 3, 4, 5], "auto"),
    }
    for name, (sources, targets, order) in cases.items():
        source = "".join(chapters[i].source for i in sources)
        target = "".join(chapters[i].target for i in targets)
        gold = concatenated_gold(chapters, sources, targets)
        print(f"  {name}: F1 {f1(aligner(source, target, order), gold):.3f}")
    foreign_block(chapters[0], data, aligner)
    blank_lines(chapters[0], aligner)
    for name, source, target in (
        ("one giant paragraph", chapters[0].source.replace("\n", ""), chapters[0].target),
        ("one by one", "雨停了。\n", "The rain has stopped.\n"),
        ("one by none", "雨停了。\n", ""),
        ("none by none", "", ""),
        ("200 identical", "雨停了。\n" * 200, "The rain has stopped.\n" * 200),
        ("nothing in common", chapters[0].source, chapters[3].target),
    ):
        found = aligner(source, target)
        kinds = [b.kind for b in found]
        common = {k: kinds.count(k) for k in dict.fromkeys(kinds)}
        share = ", ".join(f"{s:.0%}" for s in found.aligned_share)
        print(f"  {name}: {dict(sorted(common.items(), key=lambda x: -x[1])[:4])}, aligned {share}")


def foreign_block(chapter: Chapter, data: Path, aligner: Aligner) -> None:
    """Put 60 lines of another text into the middle of the translation."""
    foreign = read(data / "paramed")[0].target.splitlines()[:60]
    lines = chapter.target.splitlines()
    at = next(t[0] for s, t in chapter.gold if s and t and s[0] >= len(chapter.source.splitlines()) // 2)
    target = "\n".join([*lines[:at], *foreign, *lines[at:]]) + "\n"
    gold = {(s, tuple(j + len(foreign) * (j >= at) for j in t)) for s, t in chapter.gold if s and t}
    print(f"  foreign block of {len(foreign)} inserted: F1 {f1(aligner(chapter.source, target), gold):.3f}")


def blank_lines(chapter: Chapter, aligner: Aligner) -> None:
    """Put a blank line behind every fifth segment of the source and every seventh of the target."""
    sides, maps = [], []
    for text, every in ((chapter.source, 5), (chapter.target, 7)):
        lines = text.splitlines()
        spaced = [(k, line) for k, line in enumerate(lines)]
        spaced = [x for k, line in spaced for x in ([(k, line), (-1, "")] if k % every == 0 else [(k, line)])]
        sides.append("\n".join(line for _, line in spaced) + "\n")
        maps.append({k: place for place, (k, _) in enumerate(spaced) if k >= 0})
    found = {(tuple(b.source), tuple(b.target)) for b in aligner(*sides) if not b.is_null}
    dense = {
        (tuple(maps[0][i] for i in b.source), tuple(maps[1][j] for j in b.target))
        for b in aligner(chapter.source, chapter.target)
        if not b.is_null
    }

    def filled(beads: set[GoldBead]) -> set[GoldBead]:
        keep = [set(m.values()) for m in maps]
        return {(tuple(i for i in s if i in keep[0]), tuple(j for j in t if j in keep[1])) for s, t in beads}

    print(
        f"  blank lines: {len(filled(found) & dense) / max(1, len(dense)):.1%} of the beads are those without them"
    )


def f1(found: Alignment, gold: set[GoldBead]) -> float:
    """Strict F1, nulls on neither side."""
    beads = {(tuple(b.source), tuple(b.target)) for b in found if not b.is_null}
    return 2 * len(beads & gold) / (len(beads) + len(gold))


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
