"""What an encoder is worth for alignment: retrieval of sentences, and beads under one fixed simple program.

::

    python models/evaluate.py zh-en --tatoeba FOLDER --align FOLDER [--align FOLDER ...] [--composed] [--card]

The alignment folders are in Vecalign's format (``src/ tgt/ gold/``); `align` says what the program is.  It
judges encoders against each other and is not the aligner of the library.
"""

from __future__ import annotations

import argparse
import json
import sys
from ast import literal_eval
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from packing import write_card

from bitext.embedding import AdditiveEmbedder, Embedder, PackagedEmbedder, composer, load_embedder

Array = NDArray[Any]
Gold = tuple[tuple[int, ...], tuple[int, ...]]

MAX_BEAD = 5  # source plus target segments
SKIP = -0.1  # score of a segment left alone


def tatoeba(embedder: Embedder, folder: Path) -> dict[str, float]:
    """Share of sentences that find their translation, in percent, by the margin criterion in both directions.

    Parameters
    ----------
    embedder : Embedder
    folder : Path
        LASER's ``tatoeba.cmn-eng.{cmn,eng}``, one sentence a line.
    """
    zh, en = (embedder.embed(_lines(folder / f"tatoeba.cmn-eng.{side}")) for side in ("cmn", "eng"))
    margin = margin_ratio(zh @ en.T)
    truth = np.arange(len(zh))
    return {
        "zh-en": round(100 * float((margin.argmax(axis=1) == truth).mean()), 2),
        "en-zh": round(100 * float((margin.argmax(axis=0) == truth).mean()), 2),
    }


def margin_ratio(cosine: Array, n_neighbors: int = 4) -> Array:
    """Cosine over the mean cosine of the nearest neighbors of both sides (Artetxe & Schwenk 2019)."""
    forward = np.sort(cosine, axis=1)[:, -n_neighbors:].mean(axis=1, keepdims=True)
    backward = np.sort(cosine, axis=0)[-n_neighbors:, :].mean(axis=0, keepdims=True)
    return 2 * cosine / (forward + backward)


def beads_f1(embedder: Embedder, folder: Path, *, composed: bool = False) -> dict[str, float]:
    """Align the documents of `folder` and compare with their gold.

    Strict: a bead counts if both its sides are exactly those of a gold bead; beads with an empty side count
    like any other; counts are summed over documents (the scorer of aligner-eval).
    """
    n_right = n_found = n_gold = 0
    for gold_path in sorted((folder / "gold").glob("*.align")):
        sides = [_lines(folder / side / gold_path.stem) for side in ("src", "tgt")]
        windows = [window_vectors(embedder, side, composed=composed) for side in sides]
        sizes = [window_sizes(side) for side in sides]
        found = align(windows[0], windows[1], sizes[0], sizes[1])
        gold = _read_gold(gold_path)
        n_right += sum(bead in gold for bead in found)
        n_found += len(found)
        n_gold += len(gold)
    precision, recall = n_right / n_found, n_right / n_gold
    f1 = 2 * precision * recall / (precision + recall) if n_right else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def window_vectors(embedder: Embedder, segments: Sequence[str], *, composed: bool = False) -> list[Array]:
    """Vectors of all windows of 1 to MAX_BEAD - 1 segments.

    Returns
    -------
    list of ndarray of shape (n_segments, dim)
        Row ``i`` of entry ``k`` is the window of ``k + 1`` segments that ends at segment ``i``; zeros where
        it would begin before the text.  With `composed`, sums of segment vectors weighted by characters
        instead of windows embedded whole, or exactly what the embedder composes where it can.
    """
    n = len(segments)
    if not composed:
        glue = "" if _is_chinese(segments) else " "
        texts = [glue.join(segments[max(0, i - k) : i + 1]) for k in range(MAX_BEAD - 1) for i in range(n)]
        vectors = embedder.embed(texts).reshape(MAX_BEAD - 1, n, -1)
        return [np.where(np.arange(n)[:, None] >= k, vectors[k], 0) for k in range(MAX_BEAD - 1)]
    by_sums = composer(embedder)
    if by_sums is not None:
        weighted = by_sums.sums(segments).astype(np.float64)
    else:
        weighted = embedder.embed(segments) * np.array([max(1, len(s)) for s in segments])[:, None]
    sums = np.concatenate([np.zeros((1, weighted.shape[1])), np.cumsum(weighted, axis=0)])
    windows = []
    for k in range(MAX_BEAD - 1):
        window = np.zeros((n, embedder.dim))
        parts = sums[k + 1 :] - sums[: n - k]
        window[k:] = by_sums.head(parts.astype(np.float32)) if by_sums is not None else _unit_rows(parts)
        windows.append(window)
    return windows


def _unit_rows(vectors: Array) -> Array:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def window_sizes(segments: Sequence[str]) -> list[Array]:
    """UTF-8 bytes of the windows of `window_vectors`."""
    sums = np.concatenate([[0], np.cumsum([len(s.encode()) for s in segments])])
    ends = np.arange(1, len(segments) + 1)
    return [sums[ends] - sums[np.maximum(ends - k - 1, 0)] for k in range(MAX_BEAD - 1)]


def align(
    source: list[Array], target: list[Array], source_sizes: list[Array], target_sizes: list[Array]
) -> list[Gold]:
    """Find the best beads of at most MAX_BEAD segments by an exact dynamic program over the whole table.

    A bead scores the cosine of its sides, less the mean cosine of each side with the segments next to the
    other (Bertalign's margin), times ``log2(1 + shorter / longer)`` in bytes, those of the target scaled to
    those of the source; a segment left alone scores SKIP.
    """
    scale = source_sizes[0].sum() / max(1, target_sizes[0].sum())
    n, m = len(source[0]), len(target[0])
    kinds = [(a, b) for a in range(1, MAX_BEAD) for b in range(1, MAX_BEAD) if a + b <= MAX_BEAD]
    scores = {}
    for a, b in kinds:
        margin = source[a - 1] @ target[b - 1].T - _neighbors(source, target, a, b) / 2
        margin -= _neighbors(target, source, b, a).T / 2
        x, y = source_sizes[a - 1][:, None], scale * target_sizes[b - 1][None, :]
        scores[a, b] = margin * np.log2(1 + np.minimum(x, y) / np.maximum(np.maximum(x, y), 1))
    best = np.full((n + 1, m + 1), -np.inf)
    move = np.zeros((n + 1, m + 1), dtype=np.int32)
    steps = np.arange(m + 1)
    for i in range(n + 1):
        row, choice = np.full(m + 1, -np.inf), np.zeros(m + 1, dtype=np.int32)
        if i == 0:
            row[0] = 0
        else:
            row, choice = best[i - 1] + SKIP, np.full(m + 1, 1, dtype=np.int32)
        for number, (a, b) in enumerate(kinds, start=2):
            if a <= i:
                candidate = best[i - a, : m + 1 - b] + scores[a, b][i - 1, b - 1 :]
                better = candidate > row[b:]
                row[b:] = np.where(better, candidate, row[b:])
                choice[b:] = np.where(better, number, choice[b:])
        # leaving target segments alone: from the best cell to the left, one SKIP a step
        reach = np.maximum.accumulate(row - steps * SKIP) + steps * SKIP
        move[i] = np.where(reach > row + 1e-12, 0, choice)
        best[i] = np.maximum(reach, row)
    beads: list[Gold] = []
    i, j = n, m
    while i or j:
        number = int(move[i, j])
        a, b = (0, 1) if number == 0 else (1, 0) if number == 1 else kinds[number - 2]
        beads.append((tuple(range(i - a, i)), tuple(range(j - b, j))))
        i, j = i - a, j - b
    return beads[::-1]


def _neighbors(source: list[Array], target: list[Array], a: int, b: int) -> Array:
    """Mean cosine of each source window with the segments just before and after each target window."""
    cosine = source[a - 1] @ target[0].T
    m = cosine.shape[1]
    before, after = np.zeros_like(cosine), np.zeros_like(cosine)
    before[:, b:] = cosine[:, : m - b]
    after[:, : m - 1] = cosine[:, 1:]
    ends = np.arange(m)
    count = (ends >= b).astype(float) + (ends < m - 1)
    return np.asarray((before + after) / np.maximum(count, 1))


def _read_gold(path: Path) -> list[Gold]:
    beads = [line.split(":")[:2] for line in _lines(path) if ":" in line]
    return [(tuple(literal_eval(s.strip())), tuple(literal_eval(t.strip()))) for s, t in beads]


def _is_chinese(segments: Sequence[str]) -> bool:
    text = "".join(segments)
    return sum("\u3400" <= c <= "\u9fff" for c in text) > len(text) / 4


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def main() -> None:
    """Print one JSON object of figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="packaged name, folder, or SentenceTransformer")
    parser.add_argument("--tatoeba", type=Path, metavar="FOLDER")
    parser.add_argument("--align", type=Path, metavar="FOLDER", action="append", default=[])
    parser.add_argument(
        "--composed", action="store_true", help="windows as sums of segments only: ten times faster"
    )
    parser.add_argument("--device")
    parser.add_argument(
        "--card", action="store_true", help="write the figures into the card of a packaged model"
    )
    options = parser.parse_args()
    embedder = load_embedder(options.model, device=options.device)
    figures: dict[str, Any] = {}
    if options.tatoeba:
        figures["Tatoeba %"] = tatoeba(embedder, options.tatoeba)
    for folder in options.align:
        ways = {"composed": True} if options.composed else {"composed": True, "whole": False}
        beads = {way: beads_f1(embedder, folder, composed=composed) for way, composed in ways.items()}
        figures[f"{folder.name} strict F1, windows"] = {way: found["f1"] for way, found in beads.items()}
    print(json.dumps({"model": embedder.name, "digest": embedder.digest, **figures}))
    if options.card:
        if not isinstance(embedder, PackagedEmbedder | AdditiveEmbedder):
            parser.error(f"{options.model} is not a packaged model and has no card")
        card = json.loads((embedder.folder / "model.json").read_text(encoding="utf-8"))
        card["measurements"] |= figures
        write_card(embedder.folder, card)


if __name__ == "__main__":
    main()
