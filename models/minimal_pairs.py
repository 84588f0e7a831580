"""Minimal pairs: how often an encoder puts a translation above the same translation with one thing wrong.

Comes in: rows of text with their translation, in the order of their documents (``zh<TAB>en`` lines, also
gzipped), none of which the encoder was trained on.  Goes out: for each kind of error, how often the right
text is nearer than the wrong one, in percent; with ``--write``, the pairs themselves as JSON lines.

* *longer*, *shorter*: a window of one to four rows against the same with a row more or less at either end.
* *number*: one number of the translation changed, *name*: a capitalized word inside a sentence exchanged for
  one of another row, *negation*: a "not" lost or added.

One seed, one set::

    python models/minimal_pairs.py zh-en zh-en-fast --rows FILE [--rows FILE ...] [--each 400] [--card]
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from packing import write_card

from bitext.embedding import AdditiveEmbedder, Embedder, PackagedEmbedder, load_embedder

MAX_WINDOW = 4
NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])")
NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}(?= [a-z]|[,.;])")
NOT = re.compile(r"\b(is|are|was|were|will|can|could|should|would|must|may|do|does|did)( not|n't)\b")
AFFIRMED = re.compile(r"\b(is|are|was|were|will|could|should|would|must|may) (?!not\b)")
Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class MinimalPair:
    """A text, its translation, and the translation with one thing wrong.

    Parameters
    ----------
    kind : str
        longer, shorter, number, name or negation.
    source, right, wrong : str
        `right` translates `source`; `wrong` is in the language of `right`.
    """

    kind: str
    source: str
    right: str
    wrong: str


def generate(rows: Sequence[Row], *, each: int, seed: int = 1) -> list[MinimalPair]:
    """Make minimal pairs of rows in document order.

    Parameters
    ----------
    rows : sequence of (zh, en)
    each : int
        At most so many pairs of a kind.
    seed : int

    Returns
    -------
    list of MinimalPair
        Of every kind that the rows allow; windows in both directions, the others into English.
    """
    rng = random.Random(seed)
    found: list[MinimalPair] = []
    for kind, pairs in (("window", _windows(rows, rng)), ("swap", _swaps(rows, rng))):
        quota = dict.fromkeys(
            ("longer", "shorter") if kind == "window" else ("number", "name", "negation"), each
        )
        for pair in pairs:
            if quota[pair.kind]:
                quota[pair.kind] -= 1
                found.append(pair)
            if not any(quota.values()):
                break
    return found


def _windows(rows: Sequence[Row], rng: random.Random) -> Iterator[MinimalPair]:
    for first in rng.sample(range(len(rows)), len(rows)):
        size = rng.randint(1, MAX_WINDOW)
        window = range(first, first + size)
        if window.stop > len(rows):
            continue
        into = rng.randrange(2)
        others = [("longer", range(first - 1, window.stop)), ("longer", range(first, window.stop + 1))]
        others += [("shorter", window[1:]), ("shorter", window[:-1])]
        kind, other = rng.choice(
            [o for o in others if len(o[1]) and o[1].start >= 0 and o[1].stop <= len(rows)]
        )
        yield MinimalPair(
            kind, _joined(rows, window, 1 - into), _joined(rows, window, into), _joined(rows, other, into)
        )


def _joined(rows: Sequence[Row], window: range, side: int) -> str:
    return ("", " ")[side].join(rows[i][side] for i in window)


def _swaps(rows: Sequence[Row], rng: random.Random) -> Iterator[MinimalPair]:
    names = sorted({name for _, en in rows for name in NAME.findall(en)})
    for i in rng.sample(range(len(rows)), len(rows)):
        zh, en = rows[i]
        number = _chosen(NUMBER, en, rng)
        if number:
            yield MinimalPair("number", zh, en, _replaced(en, number, other_number(number[0], rng)))
        name = _chosen(NAME, en, rng)
        if name and len(names) > 1:
            yield MinimalPair("name", zh, en, _replaced(en, name, _other(name[0], names, rng)))
        negation = _chosen(NOT, en, rng)
        if negation:
            yield MinimalPair("negation", zh, en, _replaced(en, negation, negation[1]))
            continue
        affirmed = _chosen(AFFIRMED, en, rng)
        if affirmed:
            yield MinimalPair("negation", zh, en, _replaced(en, affirmed, f"{affirmed[1]} not "))


def other_number(number: str, rng: random.Random) -> str:
    """Change one digit of a number, never into a leading zero."""
    digits = [i for i, c in enumerate(number) if c.isdigit()]
    at = rng.choice(digits)
    other = rng.choice([d for d in "123456789" if d != number[at]])
    return number[:at] + other + number[at + 1 :]


def _chosen(pattern: re.Pattern[str], text: str, rng: random.Random) -> re.Match[str] | None:
    matches = list(pattern.finditer(text))
    return rng.choice(matches) if matches else None


def _replaced(text: str, match: re.Match[str], by: str) -> str:
    return text[: match.start()] + by + text[match.end() :]


def _other(name: str, names: Sequence[str], rng: random.Random) -> str:
    other = name
    while other == name:
        other = rng.choice(names)
    return other


def ranked_right(embedder: Embedder, pairs: Sequence[MinimalPair]) -> dict[str, float]:
    """Return in percent how often the right text is nearer than the wrong one, by kind."""
    source, right, wrong = (
        embedder.embed([getattr(pair, side) for pair in pairs]) for side in ("source", "right", "wrong")
    )
    better = ((right - wrong) * source).sum(axis=1) > 0
    kinds = [pair.kind for pair in pairs]
    return {
        kind: round(100 * float(better[[k == kind for k in kinds]].mean()), 1) for kind in sorted(set(kinds))
    }


def read_rows(path: Path) -> list[Row]:
    """Read ``zh<TAB>en`` lines."""
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8")
    fields = [line.split("\t") for line in text.split("\n")]
    return [(f[0], f[1]) for f in fields if len(f) == 2]


def main() -> None:
    """Print one JSON object for each model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", help="packaged names, folders, or SentenceTransformers")
    parser.add_argument("--rows", type=Path, action="append", required=True, metavar="FILE")
    parser.add_argument("--each", type=int, default=400, help="pairs of a kind from each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the pairs as JSON lines")
    parser.add_argument("--card", action="store_true", help="write the figures into the models' cards")
    options = parser.parse_args()
    by_file = {
        path.name.partition(".")[0]: generate(read_rows(path), each=options.each, seed=options.seed)
        for path in options.rows
    }
    if options.write:
        lines = (json.dumps(asdict(pair), ensure_ascii=False) for pairs in by_file.values() for pair in pairs)
        options.write.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for model in options.models:
        embedder = load_embedder(model)
        figures = {name: ranked_right(embedder, pairs) for name, pairs in by_file.items()}
        print(json.dumps({"model": embedder.name, "digest": embedder.digest, **figures}))
        if options.card:
            if not isinstance(embedder, PackagedEmbedder | AdditiveEmbedder):
                parser.error(f"{model} is not a packaged model and has no card")
            card = json.loads((embedder.folder / "model.json").read_text(encoding="utf-8"))
            card["measurements"] |= {"Minimal pairs ranked right, %": figures}
            write_card(embedder.folder, card)


if __name__ == "__main__":
    main()
