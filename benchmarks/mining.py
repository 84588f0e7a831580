"""Measure mining on bags of which it is known what translates what, or fit its weights on them.

    python benchmarks/mining.py DATA [--embedder zh-en] [--cache FILE] [--fit]

DATA holds align/NAME (gold alignments) and train/*.tsv.gz.  A bag is made like those of BUCC: of the one-to-one
beads of two sets a quarter goes in whole, three eighths with one side and three eighths with the other, so that much
in the bag is from the same texts as the pairs and translates nothing; a thousand segments a side of other
parallel corpora are added, never both sides of a pair.  From each bag three more are made: with a fifth of the
translations, with nothing but translations, and with a quarter of everything.

With --fit the weights for `bitext/mining.py` are printed, fitted on bag A; bag B is for testing.
"""

from __future__ import annotations

import argparse
import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitext import evaluation, mining
from bitext.embedding import Embedder, load_embedder
from bitext.mining import Mined, mine

BAGS = {"A": ("tatoeba-zh-en", "aca"), "B": ("mag", "paramed")}
PRECISIONS = (0.8, 0.9, 0.95, 0.99)
N_OTHERS = 1000


class Bag(NamedTuple):
    """Two bags of segments and the pairs in them."""

    source: list[str]
    target: list[str]
    gold: set[tuple[str, str]]


def main() -> None:
    """Print the figures or the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--embedder", default="zh-en")
    parser.add_argument("--cache", type=Path, help="file to keep vectors in")
    parser.add_argument("--fit", action="store_true", help="print weights instead")
    args = parser.parse_args()
    embedder = load_embedder(args.embedder, cache=args.cache)
    if args.fit:
        fit(make_bag(args.data, "A"), embedder)
        return
    print("| bag | taken | setting | pairs | precision | recall | F1 | precision by estimate |")
    print("|---|---|---|--:|--:|--:|--:|--:|")
    for letter in BAGS:
        for name, bag in variants(make_bag(args.data, letter)):
            for retrieval in mining.RETRIEVALS if name == "whole" else ("mutual",):
                found = mine(bag.source, bag.target, embedder=embedder, retrieval=retrieval)
                report(f"{letter}, {name}", retrieval, "", bag, found)
            for precision in PRECISIONS:
                found = mine(bag.source, bag.target, embedder=embedder, precision=precision)
                report(f"{letter}, {name}", "mutual", f"precision {precision}", bag, found)
            best_threshold(f"{letter}, {name}", bag, embedder)


def make_bag(data: Path, letter: str, *, seed: int = 4) -> Bag:
    """Put segments into bags; the same for the same data."""
    generator = random.Random(seed)
    pairs = list(dict.fromkeys(pair for name in BAGS[letter] for pair in one_to_one(data / "align" / name)))
    generator.shuffle(pairs)
    quarter = len(pairs) // 4
    gold, left, right = pairs[:quarter], pairs[quarter : 5 * quarter // 2], pairs[5 * quarter // 2 :]
    others = other_pairs(data / "train", generator)
    source = [s for s, _ in gold + left + others[:N_OTHERS]]
    target = [t for _, t in gold + right + others[N_OTHERS:]]
    generator.shuffle(source)
    generator.shuffle(target)
    return Bag(source, target, set(gold))


def variants(bag: Bag, *, seed: int = 5) -> Iterator[tuple[str, Bag]]:
    """Yield the bag and what becomes of it with more or fewer translations in it."""
    generator = random.Random(seed)
    gold = sorted(bag.gold)
    yield "whole", bag
    kept = set(generator.sample(gold, len(gold) // 5))
    gone = {t for _, t in bag.gold - kept}
    yield "a fifth of the translations", Bag(bag.source, [t for t in bag.target if t not in gone], kept)
    sides = [set(side) for side in zip(*gold, strict=True)]
    yield (
        "only translations",
        Bag([s for s in bag.source if s in sides[0]], [t for t in bag.target if t in sides[1]], bag.gold),
    )
    kept = set(generator.sample(gold, len(gold) // 4))
    some = [set(generator.sample(side, len(side) // 4)) for side in (bag.source, bag.target)]
    source = [s for s in bag.source if s in {s for s, _ in kept} | (some[0] - sides[0])]
    target = [t for t in bag.target if t in {t for _, t in kept} | (some[1] - sides[1])]
    yield "a quarter of everything", Bag(source, target, kept)


def one_to_one(folder: Path) -> list[tuple[str, str]]:
    """Chinese and English of the beads of one segment a side."""
    if folder.name == "tatoeba-zh-en":
        sides = [
            (folder / f"tatoeba.cmn-eng.{lang}").read_text(encoding="utf-8").splitlines()
            for lang in ("cmn", "eng")
        ]
        return list(zip(*sides, strict=True))
    pairs = []
    for path in sorted(folder.glob("gold/*.align")):
        source, target = (
            (folder / side / path.stem).read_text(encoding="utf-8").splitlines() for side in ("src", "tgt")
        )
        for i, j in evaluation.read_beads(path):
            if len(i) == len(j) == 1:
                pair = " ".join(source[i[0]].split()), " ".join(target[j[0]].split())
                pairs.append(pair if n_han(pair[0]) > n_han(pair[1]) else pair[::-1])
    return pairs


def n_han(text: str) -> int:
    """Count the Chinese characters."""
    return sum("\u4e00" <= c <= "\u9fff" for c in text)


def other_pairs(folder: Path, generator: random.Random) -> list[tuple[str, str]]:
    """Rows of other corpora, two thousand in all."""
    rows = []
    for path in sorted(folder.glob("*.tsv.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows += [tuple(line.rstrip("\n").split("\t")) for line in lines]
    return generator.sample([row for row in rows if len(row) == 2], 2 * N_OTHERS)


def report(name: str, retrieval: str, setting: str, bag: Bag, found: Mined) -> None:
    """Print a row of the table."""
    right = right_ones(bag, found)
    precision, recall = right.mean() if len(right) else 1.0, right.sum() / len(bag.gold)
    f1 = 2 * right.sum() / (len(right) + len(bag.gold))
    print(
        f"| {name} | {retrieval} | {setting} | {len(right)} | {precision:.3f} | {recall:.3f} | {f1:.3f} | "
        f"{found.precision:.3f} |"
    )


def best_threshold(name: str, bag: Bag, embedder: Embedder) -> None:
    """Print the row of the fixed margin that gives the best F1 in hindsight: what LASER's miner could reach."""
    found = mine(bag.source, bag.target, embedder=embedder, threshold=0.0)
    order = np.argsort([-p.margin for p in found], kind="stable")
    right = np.cumsum(right_ones(bag, found)[order])
    f1 = 2 * right / (np.arange(1, len(right) + 1) + len(bag.gold))
    margin = found[int(order[f1.argmax()])].margin
    found = mine(bag.source, bag.target, embedder=embedder, threshold=margin)
    report(name, "mutual", f"margin {margin:.3f}, best in hindsight", bag, found)


def right_ones(bag: Bag, found: Mined) -> NDArray[np.bool_]:
    """Which pairs are right."""
    return np.array(
        [any((bag.source[i], bag.target[j]) in bag.gold for i in p.source for j in p.target) for p in found],
        dtype=bool,
    )


def fit(bag: Bag, embedder: Embedder) -> None:
    """Print weights of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    source, target = (list(dict.fromkeys(side)) for side in (bag.source, bag.target))
    vectors = embedder.embed(source), embedder.embed(target)
    links = mining.link(*vectors)
    found = links.retrieved("mutual")
    evidence = links.evidence(found, mining.mean_cosine(*vectors))
    right = [(source[i], target[j]) in bag.gold for i, j in links.ends[found].tolist()]
    model = LogisticRegression(C=100.0).fit(evidence, right)
    logs = np.log(np.maximum(np.delete(links.margins, found), 1e-3))
    middle = float(np.median(logs))
    print(f"_WEIGHTS = ({', '.join(f'{w:.4f}' for w in model.coef_[0])})")
    print(f"_BIAS = {model.intercept_[0]:.4f}")
    print(f"_SHARE = {np.mean(right):.4f}")
    print(f"_USUAL, _SPREAD = {middle:.3f}, {1.4826 * float(np.median(np.abs(logs - middle))):.3f}")


if __name__ == "__main__":
    main()
