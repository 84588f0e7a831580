"""Estimate the word translations that `bitext._wordalign` starts from.

Comes in: a folder of ``<source>.tsv.gz`` files (Chinese, tab, English).  Goes out:
``bitext/_lexicon.tsv.gz``, one Chinese word a line with its English words and their probabilities, as IBM
model 1 gives them after a few rounds of expectation maximization on a random part of the pairs::

    python models/train_lexicon.py --data FOLDER
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bitext._wordalign import tokens

# restricted or copyleft, a published test set, or in no prose of today
EXCLUDED = {
    "news_commentary",
    "spd_game",
    "scratch",
    "osm_website",
    "frappe_hrms",
    "mastodon_docs",
    "xquad",
    "quran",
}
OUTPUT = Path(__file__).resolve().parent.parent / "bitext" / "_lexicon.tsv.gz"
MAX_WORDS = 45  # of a side; pairs of longer sentences say little and cost much
MIN_COUNT = 3  # of a word in the data
MIN_PAIR, MIN_SHARE, MIN_REVERSE = 1.5, 0.01, 0.003  # of a word pair: expected count, p(en | zh), p(zh | en)


class Vocabulary(dict[str, int]):
    """Word -> number, in order of appearance."""

    def __missing__(self, word: str) -> int:
        self[word] = len(self)
        return self[word]


def read_pairs(
    folder: Path, n_pairs: int, seed: int
) -> tuple[list[tuple[list[int], list[int]]], list[str], list[str]]:
    """Read, split and number the words of `n_pairs` random pairs."""
    lines = [
        line
        for path in sorted(folder.glob("*.tsv.gz"))
        if path.name.removesuffix(".tsv.gz") not in EXCLUDED
        for line in gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()
    ]
    chosen = np.random.default_rng(seed).permutation(len(lines))[:n_pairs]
    zh, en = Vocabulary(), Vocabulary()
    pairs = []
    for i in chosen:
        source, _, target = lines[i].partition("\t")
        pair = [zh[t.key] for t in tokens(source, "zh")], [en[t.key] for t in tokens(target, "en")]
        if 0 < len(pair[0]) <= MAX_WORDS and 0 < len(pair[1]) <= MAX_WORDS:
            pairs.append(pair)
    return pairs, list(zh), list(en)


def cooccurrences(
    pairs: list[tuple[list[int], list[int]]], n_zh: int, n_en: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return every pair of words of every pair of sentences: zh, en, and the number of the English token.

    Number `n_zh` stands for no origin.  Rare words are left out.
    """
    frequent_zh = np.bincount(np.concatenate([z for z, _ in pairs]), minlength=n_zh) >= MIN_COUNT
    frequent_en = np.bincount(np.concatenate([e for _, e in pairs]), minlength=n_en) >= MIN_COUNT
    zh, en, position, n_positions = [], [], [], 0
    for source, target in pairs:
        z = np.append(np.array(source)[frequent_zh[source]], n_zh).astype(np.int32)
        e = np.array(target)[frequent_en[target]].astype(np.int32)
        zh.append(np.tile(z, len(e)))
        en.append(np.repeat(e, len(z)))
        position.append(np.repeat(np.arange(n_positions, n_positions + len(e), dtype=np.int32), len(z)))
        n_positions += len(e)
    return np.concatenate(zh), np.concatenate(en), np.concatenate(position)


def estimate(
    zh: NDArray[np.int32], en: NDArray[np.int32], position: NDArray[np.int32], n_en: int, n_rounds: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Run expectation maximization; return the distinct word pairs and their expected counts."""
    distinct, index = np.unique(zh.astype(np.int64) * n_en + en, return_inverse=True)
    rows = distinct // n_en
    table = np.ones(len(distinct), dtype=np.float32)
    counts = np.ones(len(distinct))
    for _ in range(n_rounds):
        weights = table[index]
        weights /= np.bincount(position, weights=weights).astype(np.float32)[position]
        counts = np.bincount(index, weights=weights, minlength=len(distinct))
        table = (counts / (np.bincount(rows, weights=counts)[rows] + 1e-9)).astype(np.float32)
    return rows, distinct % n_en, counts


def write(
    zh: NDArray[np.int64],
    en: NDArray[np.int64],
    counts: NDArray[np.float64],
    words: tuple[list[str], list[str]],
) -> int:
    """Keep the pairs that are likely in both directions and write them, the likeliest first."""
    share = counts / (np.bincount(zh, weights=counts)[zh] + 1)
    reverse = counts / (np.bincount(en, weights=counts)[en] + 1)
    kept = (zh < len(words[0])) & (counts >= MIN_PAIR) & (share >= MIN_SHARE) & (reverse >= MIN_REVERSE)
    lines: dict[str, list[tuple[float, str]]] = {}
    for z, e, p in zip(zh[kept], en[kept], share[kept], strict=True):
        lines.setdefault(words[0][z], []).append((float(p), words[1][e]))
    text = "".join(
        f"{word}\t{' '.join(f'{e}:{p:.2g}' for p, e in sorted(lines[word], reverse=True))}\n"
        for word in sorted(lines)
    )
    with OUTPUT.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        out.write(text.encode("utf-8"))
    return int(kept.sum())


def main() -> None:
    """Estimate, write, and say what was written."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=260_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pairs, zh, en = read_pairs(arguments.data, arguments.pairs, arguments.seed)
    rows = cooccurrences(pairs, len(zh), len(en))
    n_entries = write(*estimate(*rows, len(en), arguments.rounds), (zh, en))
    digest = hashlib.sha256(OUTPUT.read_bytes()).hexdigest()
    print(f"{len(pairs)} pairs, {n_entries} entries, {OUTPUT.stat().st_size} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
