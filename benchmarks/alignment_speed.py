"""Time and memory of the aligner beside `sentalign` (Vecalign's program), and how both grow with the document.

    python benchmarks/alignment_speed.py DATA/align/bible [--embedder zh-en] [--cache FILE] [--plot FILE.svg]

Needs ``pip install 'bitext[bench]'``.  Both programs get the same window vectors, composed from segment vectors
before the clock starts, run on one core in a process of their own, and may use beads of up to 7 segments.  First
the 30,000 × 42,687 segments of the Bible, with strict F1 after merging beads of one verse, then made documents of
1,000 to 100,000 segments: a stream of units of meaning that the two sides cut at different places, 1 in 50 of them
left out on either side, with noise on the vectors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitext import _kernels as kernels
from bitext import evaluation
from bitext.alignment import Options, Side, align_windows, center
from bitext.embedding import load_embedder
from bitext.pipeline import _length

Float = NDArray[np.floating]
Beads = list[tuple[list[int], list[int]]]
PEER_UP_TO = 30_000
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)


def main() -> None:
    """Print the tables and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bible", type=Path, nargs="?")
    parser.add_argument("--embedder", default="zh-en")
    parser.add_argument("--cache", type=Path, help="file to keep vectors in")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--run", nargs=2, metavar=("PROGRAM", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        print(json.dumps(run(PROGRAMS[args.run[0]], Path(args.run[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "document.npz"
        if args.bible:
            compare_on_bible(args.bible, args.embedder, args.cache, file)
        points = growth(file)
    if args.plot:
        draw(points, args.plot)


def compare_on_bible(folder: Path, embedder: str, cache: Path | None, file: Path) -> None:
    """Print time, memory and F1 of both programs."""
    encoder = load_embedder(embedder, cache=cache)
    texts = [(folder / side / "006").read_text(encoding="utf-8").splitlines() for side in ("src", "tgt")]
    verses = [(folder / f"{side}.verse").read_text(encoding="utf-8").splitlines() for side in ("src", "tgt")]
    vectors = [center(encoder.embed(side)).astype(np.float32) for side in texts]
    lengths = [np.array([_length(t) for t in side], dtype=np.float64) for side in texts]
    np.savez(file, source=vectors[0], target=vectors[1], source_lengths=lengths[0], target_lengths=lengths[1])
    gold = evaluation.read_beads(folder / "gold" / "006.align")
    print(
        f"Bible, {len(texts[0])} × {len(texts[1])} segments, vectors of {encoder.name} ({encoder.dim} dimensions)\n"
    )
    print("| program | CPU s | wall s | peak memory, MB | beads | strict F1 |\n|---|--:|--:|--:|--:|--:|")
    for name in PROGRAMS:
        result = started(name, file)
        found = by_verse(result["path"], verses)
        figures = evaluation.bead_figures([gold], [found])
        print(row(name, result) + f" {figures['strict']['f1']:.3f} |")


def by_verse(path: Beads, verses: Sequence[Sequence[str]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Merge neighboring beads that lie in one verse: the gold tells no more."""
    merged: list[tuple[list[int], list[int]]] = []
    last: set[str] = set()
    for source, target in path:
        verse = {verses[0][i] for i in source} | {verses[1][j] for j in target}
        if len(verse) == 1 and verse == last:
            merged[-1] = (merged[-1][0] + source, merged[-1][1] + target)
        else:
            merged.append((list(source), list(target)))
        last = verse
    return [(tuple(s), tuple(t)) for s, t in merged]


def growth(file: Path) -> dict[str, list[tuple[int, float]]]:
    """Print time and memory for documents of growing size."""
    points: dict[str, list[tuple[int, float]]] = {name: [] for name in PROGRAMS}
    print("\nMade documents, 128 dimensions\n")
    print("| program | CPU s | wall s | peak memory, MB | beads | segments | µs / (n log₂ n) |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for size in SIZES:
        save_document(size, file)
        for name in PROGRAMS:
            if name == "sentalign" and size > PEER_UP_TO:
                continue
            result = started(name, file)
            points[name].append((size, result["cpu"]))
            print(
                row(name, result) + f" {size} | {1e6 * result['cpu'] / (size * np.log2(size)):.1f} |",
                flush=True,
            )
    return points


def save_document(n_source: int, file: Path, *, dim: int = 128, seed: int = 7) -> None:
    """Make a document of `n_source` segments and its translation."""
    rng = np.random.default_rng(seed)
    units = rng.standard_normal((2 * n_source, dim), dtype=np.float32)

    def cut(mean: float) -> tuple[Float, Float]:
        kept = units[rng.random(len(units)) >= 0.02]
        sizes = rng.geometric(1 / mean, len(kept))
        starts = np.cumsum(sizes) - sizes
        starts = starts[starts < len(kept)]
        sums = np.add.reduceat(kept, starts, axis=0)
        sizes = np.diff([*starts, len(kept)])
        noise = 0.7 * rng.standard_normal(sums.shape, dtype=np.float32) / np.sqrt(dim)
        return kernels.unit_rows(kernels.unit_rows(sums) + noise), sizes * rng.uniform(20, 40, len(sizes))

    (source, source_lengths), (target, target_lengths) = cut(2.0), cut(1.5)
    np.savez(file, source=source, target=target, source_lengths=source_lengths, target_lengths=target_lengths)


def started(program: str, file: Path) -> dict[str, Any]:
    """Run a program in a process of its own, on one core."""
    single = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(
        [sys.executable, __file__, "--run", program, str(file)],
        env={**os.environ, **single},
        stdout=subprocess.PIPE,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def run(program: Callable[..., Callable[[], Beads]], file: Path) -> dict[str, Any]:
    """Measure one program on a stored document; memory is that of the whole process."""
    with np.load(file) as document:
        call = program(**document)
    wall, cpu = time.perf_counter(), time.process_time()
    path = call()
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": peak_memory(),
        "path": path,
    }


def peak_memory() -> float:
    """Most memory that this process has held, in MB; getrusage would count what its parent held when it forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def bitext_program(
    source: Float, target: Float, source_lengths: Float, target_lengths: Float
) -> Callable[[], Beads]:
    """Prepare `align_windows`."""
    options = Options()
    sides = [
        Side(kernels.compose_windows(vectors, lengths, options.max_overlap), lengths)
        for vectors, lengths in ((source, source_lengths), (target, target_lengths))
    ]
    return lambda: [(list(b.source), list(b.target)) for b in align_windows(sides[0], sides[1])]


def sentalign_program(
    source: Float, target: Float, source_lengths: Float, target_lengths: Float
) -> Callable[[], Beads]:
    """Prepare `sentalign` with an encoder that hands it the stored windows, which for it end at their segment."""
    from sentalign import sentalign

    largest = 7
    windows = []
    for vectors, lengths in ((source, source_lengths), (target, target_lengths)):
        composed = kernels.compose_windows(vectors, lengths, largest)
        windows += [np.roll(composed[k], k, axis=0) for k in range(largest)]
    waiting = iter(windows)

    class Stored:
        def encode(self, texts: Sequence[str]) -> Float:
            vectors = next(waiting)
            assert len(vectors) == len(texts)
            return vectors

    def call() -> Beads:
        numbers = [[str(i) for i in range(len(side))] for side in (source, target)]
        found = sentalign(*numbers, Stored(), alignment_max_size=largest)
        return [([int(i) for i in a.src_indices], [int(j) for j in a.tgt_indices]) for a in found.alignments]

    return call


PROGRAMS = {"bitext": bitext_program, "sentalign": sentalign_program}


def row(name: str, result: dict[str, Any]) -> str:
    """Start a row of a table."""
    return f"| {name} | {result['cpu']:.1f} | {result['wall']:.1f} | {result['peak']:.0f} | {len(result['path'])} |"


def draw(points: dict[str, list[tuple[int, float]]], file: Path) -> None:
    """Draw time over size, both logarithmic, and what n log n would be."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "bitext"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for (name, line), marker in zip(points.items(), "os", strict=True):
        axes.loglog(*zip(*line, strict=True), marker=marker, label=name)
    sizes = np.array(SIZES, dtype=float)
    start = points["bitext"][0][1]
    axes.loglog(
        sizes,
        start * sizes * np.log(sizes) / (sizes[0] * np.log(sizes[0])),
        linestyle=":",
        color="gray",
        label="n log n from the first",
    )
    axes.set(xlabel="source segments", ylabel="seconds of one core")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
