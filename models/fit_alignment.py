"""Fit the learned scores of beads (`bitext/_beadscore.json`) to alignments that people made.

    python models/fit_alignment.py DATA [--cache FILE] [--leave-one-out] [--no-write]    # DATA/NAME/{src,tgt,gold}

The weights maximize the probability of the gold beads among all paths through the likely beads (a conditional random
field whose sums are those of the aligner), pulled towards the plain program by a quadratic penalty.  Deterministic.
With `--leave-one-out` each document of the first set is also aligned by weights fitted without it, which is the
figure to quote.  With an empty cache most of the time goes into embedding.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bitext import _beadscore as beadscore
from bitext import _kernels as kernels
from bitext import alignment as aligner
from bitext import evaluation, pipeline
from bitext._beadscore import Candidates
from bitext._kernels import NEVER, Band, BeadScores, Costs, Posteriors
from bitext.alignment import Options, Side
from bitext.embedding import Embedder, load_embedder
from bitext.evaluation import GoldBead
from bitext.segmentation import detect_language, segment_lines

OUTPUT = Path(beadscore.__file__).with_name("_beadscore.json")
SETS = "mac-dev:1,paramed:0.3@zh-en-fast,aca:0.5@zh-en-fast,mag:0.5@zh-en-fast,mac-dev:0.3@zh-en-fast"
PENALTY = 30.0
GAP_PENALTY = 0.2
SEED = 1
LEFT_OUT, TWIN_WEIGHT = 0.08, 0.5
"""Share of the beads that lose a side in the twin of a document, and what it counts."""
CHUNK = 40
"""Source segments between two cells that a path is made to pass; only for speed."""
ROUNDS = 40
REWARD = 60.0
"""Added to gold beads to keep a path on them."""
Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Example:
    """One document: the likely beads, what they are like, and which are right."""

    name: str
    n_source: int
    n_target: int
    candidates: Candidates
    features: Float
    is_gold: NDArray[np.bool_]
    gold: list[GoldBead]
    plain: list[GoldBead]
    weight: float
    is_twin: bool


def main() -> None:
    """Read, embed, fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", default=SETS, help="NAME:WEIGHT[@ENCODER],…")
    parser.add_argument("--embedder", default="zh-en")
    parser.add_argument("--cache", type=Path, help="file to keep vectors in")
    parser.add_argument("--penalty", type=float, default=PENALTY)
    parser.add_argument("--leave-one-out", action="store_true")
    parser.add_argument("--no-write", action="store_true")
    args = parser.parse_args()
    embedder = load_embedder(args.embedder, device="cpu", cache=args.cache)
    examples, names = read_all(args.data, args.sets, embedder)
    if args.leave_one_out:
        leave_one_out(examples, names, args.penalty)
    if not args.no_write:
        weights = fit(examples, names, args.penalty)
        second = load_embedder(pipeline.SECOND_ENCODER, device="cpu")
        card = {
            "fitted by": f"models/fit_alignment.py --sets {args.sets} --penalty {args.penalty:g}",
            "encoders": [f"{e.name}@{e.digest[:8]}" for e in (embedder, second)],
            "gap_open": round(weights.gap_open, 4),
            "features": {name: round(weight, 5) for name, weight in weights.features.items()},
        }
        OUTPUT.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def cross_validate(data: Path, embedder: Embedder) -> None:
    """Print what `--leave-one-out` does."""
    leave_one_out(*read_all(data, SETS, embedder), PENALTY)


def read_all(data: Path, sets: str, embedder: Embedder) -> tuple[list[Example], list[str]]:
    """Read the documents of all sets; the second part are the names of the features."""
    names: list[str] = []
    examples = []
    for name, _, rest in (part.partition(":") for part in sets.split(",")):
        weight, _, other = rest.partition("@")
        encoder = load_embedder(other, device="cpu") if other else embedder
        examples += read(data / name, encoder, float(weight), names)
    return examples, names


def read(folder: Path, embedder: Embedder, weight: float, names: list[str]) -> list[Example]:
    """Describe the documents of a set, and twins of them with some segments left out on one side."""
    examples = []
    rng = np.random.default_rng(SEED)
    for path in sorted(folder.glob("gold/*.align")):
        texts = [(folder / side / path.stem).read_text(encoding="utf-8") for side in ("src", "tgt")]
        documents = [segment_lines(text, lang=detect_language(text)) for text in texts]
        rows = [np.arange(len(document)) for document in documents]
        sides = pipeline._sides(tuple(documents), tuple(rows), embedder, Options())
        gold = evaluation.read_beads(path)
        name = f"{folder.name}/{path.stem}"
        examples.append(describe(name, *sides, gold, weight, names))
        twin = describe(name, *leave_out(*sides, gold, rng), TWIN_WEIGHT * weight, names)
        examples.append(replace(twin, is_twin=True))
    return examples


def leave_out(
    source: Side, target: Side, gold: list[GoldBead], rng: np.random.Generator
) -> tuple[Side, Side, list[GoldBead]]:
    """Remove one side of some beads, so that what people translated becomes an omission or an addition."""
    kept = [np.ones(len(side), dtype=bool) for side in (source, target)]
    for bead in gold:
        if all(bead) and rng.random() < LEFT_OUT:
            side = int(rng.integers(2))
            kept[side][list(bead[side])] = False
    numbers = [np.cumsum(k) - 1 for k in kept]
    beads = [
        tuple(tuple(int(numbers[k][i]) for i in side if kept[k][i]) for k, side in enumerate(bead))
        for bead in gold
    ]
    nulls = [((i,), ()) for s, t in beads if not t for i in s] + [
        ((), (j,)) for s, t in beads if not s for j in t
    ]
    return (
        aligner._part(source, np.flatnonzero(kept[0])),
        aligner._part(target, np.flatnonzero(kept[1])),
        [bead for bead in beads if all(bead)] + nulls,
    )


def describe(
    name: str, source: Side, target: Side, gold: list[GoldBead], weight: float, names: list[str]
) -> Example:
    """Align a document by the plain program, and describe what it leaves in play."""
    options = Options()
    beads, scores, ratio = aligner._plain_beads(source, target, options, "cpu")
    candidates = aligner.likely_candidates(scores, options)
    passages = [(b.source, b.target) for b in beads if not b.is_null]
    blocks = list(
        beadscore.features((source, source.evidence), (target, target.evidence), candidates, ratio, passages)
    )
    names[:] = list(blocks[0][1])
    features = np.zeros((len(candidates), len(names)))
    for chosen, columns in blocks:
        features[chosen] = np.stack(list(columns.values()), axis=1)
    known = set(gold)
    is_gold = np.array([bead in known for bead in as_beads(candidates)])
    plain = [(tuple(b.source), tuple(b.target)) for b in beads]
    print(f"{name}: {len(candidates)} likely beads, {is_gold.sum()} of {len(gold)} gold", file=sys.stderr)
    return Example(
        name, len(source), len(target), candidates, features, is_gold, gold, plain, weight, is_twin=False
    )


def as_beads(candidates: Candidates) -> list[GoldBead]:
    """Beads the way gold has them."""
    rows = zip(
        candidates.i.tolist(),
        candidates.j.tolist(),
        candidates.a.tolist(),
        candidates.b.tolist(),
        strict=True,
    )
    return [(tuple(range(i, i + a)), tuple(range(j, j + b))) for i, j, a, b in rows]


class Lattice:
    """All examples side by side, as parts of one band."""

    def __init__(self, examples: Sequence[Example], *, chunk: int = CHUNK) -> None:
        options = Options()
        offsets = np.cumsum([(0, 0)] + [(e.n_source, e.n_target) for e in examples], axis=0)
        cuts = [
            (offset + cell)
            for example, offset in zip(examples, offsets, strict=False)
            for cell in cut_cells(example, chunk)
        ][1:]
        n, m = offsets[-1]
        band = Band.around(
            np.zeros(n + 1, dtype=np.int64), np.full(n + 1, m), np.array(cuts, dtype=np.int64).reshape(-1, 2)
        )
        fields = [np.concatenate([getattr(e.candidates, f) for e in examples]) for f in Candidates.__slots__]
        owner = np.repeat(np.arange(len(examples)), [len(e.candidates) for e in examples])
        fields[0] = fields[0] + offsets[owner, 0]
        fields[1] = fields[1] + offsets[owner, 1]
        everything = Candidates(*fields)
        rows = band.starting(everything.i)
        stop = np.append(band.first[1:], len(band.rows))[band.part[rows]] - 1
        ends = everything.j + everything.b
        inside = (rows + everything.a <= stop) & (everything.j >= band.low[rows]) & (ends <= band.high[rows])
        self.chosen = np.flatnonzero(inside)
        self.candidates = everything.part(self.chosen)
        self.features = np.concatenate([e.features for e in examples])[self.chosen]
        self.is_gold = np.concatenate([e.is_gold for e in examples])[self.chosen]
        self.weights = np.array([e.weight for e in examples])[owner][self.chosen]
        self.scores = aligner.sparse_scores(self.candidates, np.zeros(len(self.candidates)), band, options)
        self.options = options
        narrow = self.scores.band
        rows = narrow.starting(self.candidates.i)
        self.starts = narrow.cells(rows, self.candidates.j)
        self.ends = narrow.cells(rows + self.candidates.a, self.candidates.j + self.candidates.b)
        self.part = narrow.part[rows]
        part_owner = np.searchsorted(offsets[1:, 0], narrow.rows[narrow.first], side="right")
        self.part_weights = np.array([e.weight for e in examples])[np.minimum(part_owner, len(examples) - 1)]
        numbers = {shape: k for k, shape in enumerate(options.shapes)}
        self.shapes = np.array(
            [numbers[s] for s in zip(self.candidates.a.tolist(), self.candidates.b.tolist(), strict=True)]
        )

    def sums(self, gains: Float, gap_open: float) -> tuple[float, Float, float]:
        """Weighted log of the sum over all paths, its derivatives by the gains, and by the price of a gap."""
        table = np.full_like(self.scores.gains, NEVER)
        table[self.shapes, self.starts] = gains
        scores = BeadScores(self.options.shapes, self.scores.band, table)
        posteriors = Posteriors.of(scores, Costs(self.options.shapes, gap_open, 0.0), temperature=1.0)
        log = posteriors.reach[self.starts] + gains + posteriors.leave[self.ends]
        probabilities = np.exp(np.minimum(log - posteriors.totals[self.part], 0.0)) * self.weights
        step = 1e-3
        costs = Costs(self.options.shapes, gap_open + step, 0.0)
        moved = kernels.backward(scores, costs)[scores.band.entries]
        total = float(posteriors.totals @ self.part_weights)
        return total, probabilities, float((moved - posteriors.totals) @ self.part_weights) / step


def cut_cells(example: Example, chunk: int) -> list[NDArray[np.int64]]:
    """Return the first cell, and starts of gold beads that no gold bead reaches across."""
    cells = [np.array([0, 0])]
    beads = [(s, t) for s, t in example.gold if s and t]
    for source, target in beads:
        i, j = source[0], target[0]
        if i - cells[-1][0] < chunk or i + chunk / 2 > example.n_source or j <= cells[-1][1]:
            continue
        if all((max(s) < i and max(t) < j) or (min(s) >= i and min(t) >= j) for s, t in beads):
            cells.append(np.array([i, j]))
    return cells


def fit(examples: Sequence[Example], names: Sequence[str], penalty: float) -> beadscore.Weights:
    """Maximize the penalized likelihood.

    Twins have a price of gaps of their own: they have more gaps than people's translations.
    """
    lattices = [Lattice([e for e in examples if e.is_twin is twin]) for twin in (False, True)]
    scale = np.concatenate([lattice.features for lattice in lattices]).std(axis=0) + 1e-6
    features = [lattice.features / scale for lattice in lattices]
    start = np.zeros(len(names) + 2)
    start[names.index("base")] = scale[names.index("base")]
    start[-2:] = Options().gap_open / Options().temperature
    strength = np.append(np.full(len(names), penalty), [GAP_PENALTY * penalty] * 2)

    def loss(weights: Float) -> tuple[float, Float]:
        moved = weights - start
        value, slope = float(strength @ moved**2), 2 * strength * moved
        for k, (lattice, columns) in enumerate(zip(lattices, features, strict=True)):
            gains, gap_open = columns @ weights[:-2], weights[len(names) + k]
            total, expected, gaps = lattice.sums(gains, gap_open)
            wanted, found, gold_gaps = lattice.sums(gains + REWARD * lattice.is_gold, gap_open)
            value += total - wanted + REWARD * float(lattice.weights @ lattice.is_gold)
            slope[:-2] += columns.T @ (expected - found)
            slope[len(names) + k] += gaps - gold_gaps
        return value, slope

    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS})
    weights = best.x[:-2] / scale
    return beadscore.Weights(dict(zip(names, weights.tolist(), strict=True)), float(best.x[-2]))


def leave_one_out(examples: Sequence[Example], names: Sequence[str], penalty: float) -> None:
    """Print the figures of each document of the first set under weights fitted without it."""
    first = examples[0].name.partition("/")[0]
    tested = [e for e in examples if e.name.partition("/")[0] == first and not e.is_twin]
    tested = list({e.name: e for e in reversed(tested)}.values())[::-1]  # by the first encoder only
    found, confidence = [], []
    for example in tested:
        weights = fit([e for e in examples if e.name != example.name], names, penalty)
        beads, scores = best_beads(example, names, weights)
        found.append(beads)
        confidence += [
            (s, b in set(example.gold)) for b, s in zip(beads, scores, strict=True) if s is not None
        ]
        figures = evaluation.bead_figures([example.gold], [beads])
        plain = evaluation.bead_figures([example.gold], [example.plain])
        print(
            f"{example.name}: strict F1 {figures['strict']['f1']:.4f}, plain {plain['strict']['f1']:.4f}",
            flush=True,
        )
    gold = [e.gold for e in tested]
    figures = evaluation.bead_figures(gold, found)
    plain = evaluation.bead_figures(gold, [e.plain for e in tested])
    sure = [right for score, right in confidence if score > 0.9]
    pairs = figures["types"].get("2-2", {"gold": 0, "found": 0, "right": 0})
    print(
        f"left out: strict F1 {figures['strict']['f1']:.4f} (plain {plain['strict']['f1']:.4f}), "
        f"null F1 {figures['null']['f1']:.3f} (plain {plain['null']['f1']:.3f}), "
        f"boundary F1 {figures['boundary']['f1']:.4f}, 2-2 {pairs['right']} of {pairs['gold']}, "
        f"ECE {calibration_error(confidence):.3f}, above .9 right {np.mean(sure):.3f} ({len(sure)})"
    )


def best_beads(
    example: Example, names: Sequence[str], weights: beadscore.Weights
) -> tuple[list[GoldBead], list[float | None]]:
    """Align one example by some weights."""
    gains = example.features @ np.array([weights.features[name] for name in names])
    band = Band.full(example.n_source, example.n_target)
    beads = aligner.expected_beads(example.candidates, gains, weights.gap_open, band, Options())
    return [(tuple(b.source), tuple(b.target)) for b in beads], [b.score for b in beads]


def calibration_error(confidence: Sequence[tuple[float, bool]]) -> float:
    """Mean gap between confidence and share of right beads, over ten bins."""
    rows = np.array(confidence, dtype=float)
    bins = np.minimum((rows[:, 0] * 10).astype(int), 9)
    return float(
        sum(abs(rows[bins == k].mean(axis=0) @ (1, -1)) * (bins == k).mean() for k in set(bins.tolist()))
    )


if __name__ == "__main__":
    main()
