"""Texts come in, unit vectors go out, by table look-up: an encoder whose windows are sums of their segments.

The features of a text are its words and numbers, Han characters and sequences of two to four of them, pairs
of words, and marks; words it does not know count as a known word that begins alike, or by their letters in
threes.  Each feature has a vector in a
table, found by a 32-bit hash.  The vectors of a text add up to its *sum*, and a small network, the *head*,
turns a sum into a unit vector.  Sums of neighboring segments add up to the sum of a window.

Everything is done on arrays of code points, for many texts at once; torch is not needed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Codes = NDArray[np.uint64]
Numbers = NDArray[np.int64]

SPACE, LETTER, DIGIT, HAN, MARK = range(5)
"""What a code point is."""
WORD, NUMBER, HAN_SEQUENCE, SYMBOL, WORD_PAIR, PART = range(1, 7)
"""Kinds of features; the same characters as another kind are another feature."""
MAX_SEQUENCE = 4  # Han characters
MIN_STEM = 4  # letters

_N_CODES = 0x110000
_BOUNDARY = 0xFFFF  # between texts: no character, and no text can lack it by chance
_LETTERS = (
    (0x61, 0x7B),
    (0xAA, 0xAB),
    (0xB5, 0xB6),
    (0xBA, 0xBB),
    (0xC0, 0xD7),
    (0xD8, 0xF7),
    (0xF8, 0x2C2),
    (0x300, 0x2000),
    (0x2C00, 0x2E00),
    (0x3040, 0x3200),
    (0xA000, 0xD800),
    (0xFB00, 0xFE00),
)
_HAN = ((0x3005, 0x3008), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x40000))
_SPACES = ((0, 0x21), (0x7F, 0xA1), (0x2000, 0x2010), (0x2028, 0x2030), (0x3000, 0x3001), (0xD800, 0xE000))
_POWERS = np.cumprod(np.full(64, 0x9E3779B97F4A7C15, dtype=np.uint64), dtype=np.uint64)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_SALTS = np.arange(8, dtype=np.uint64) * np.uint64(0xD6E8FEB86659FD93)


def kinds_of_codes() -> NDArray[np.uint8]:
    """Return what each code point is, as an array to look it up in."""
    kinds = np.full(_N_CODES, MARK, dtype=np.uint8)
    for kind, ranges in ((LETTER, _LETTERS), (HAN, _HAN), (SPACE, _SPACES)):
        for low, high in ranges:
            kinds[low:high] = kind
    kinds[0x30:0x3A] = DIGIT
    kinds[_BOUNDARY] = SPACE
    return kinds


_KINDS = kinds_of_codes()


class AdditiveModel:
    """The table and the head of an additive encoder.

    The table is stored in 4 bits: a row is a scale times entries of sixteen *levels*, two of them in a byte,
    the one with the even column in the low half.  The matrices of the head are stored in 8 bits, with a scale
    for each column.

    Parameters
    ----------
    path : Path
        A safetensors file with ``keys`` (ascending uint32), ``table.codes`` and ``table.scale`` (a row for
        each key, then for each bucket of parts of words), ``table.levels``, ``fold.from`` and ``fold.to``,
        ``offset``, and of each layer of the head ``<name>.codes``, ``<name>.scale`` or ``<name>.bias``.

    Attributes
    ----------
    dim : int
        Length of a vector.
    dim_sum : int
        Length of a sum: of the rows of the table, and one for the number of words and characters.

    Raises
    ------
    OSError or ValueError
        If the file cannot be read or is another one.
    """

    def __init__(self, path: Path) -> None:
        from safetensors.numpy import load_file

        tensors: dict[str, NDArray[Any]] = load_file(path)
        self._keys: NDArray[np.uint32] = tensors["keys"]
        self._table = _unpack_table(tensors)
        self._fold = np.arange(_N_CODES, dtype=np.uint32)
        self._fold[tensors["fold.from"]] = tensors["fold.to"]
        self._offset: Vectors = tensors["offset"].astype(np.float32)
        names = [
            name.removesuffix(".codes") for name in tensors if name.endswith(".codes") and "table" not in name
        ]
        self._matrices = {
            n: tensors[f"{n}.codes"].astype(np.float32) * tensors[f"{n}.scale"].astype(np.float32)
            for n in names
        }
        self._biases = {
            n.removesuffix(".bias"): t.astype(np.float32) for n, t in tensors.items() if n.endswith(".bias")
        }
        self.dim = len(self._biases["out"])
        self.dim_sum = self._table.shape[1] + 1

    def sums(self, texts: Sequence[str]) -> Vectors:
        """Return the sums of texts, float32 of shape (len(texts), dim_sum)."""
        sums = np.zeros((len(texts), self.dim_sum), dtype=np.float32)
        for start, stop in _portions(texts):
            matrix, units = self.features(texts[start:stop])
            sums[start:stop, :-1] = matrix @ self._table
            sums[start:stop, -1] = units
        return sums

    def features(self, texts: Sequence[str]) -> tuple[Any, Vectors]:
        """Return how often texts have which row of the table, as a SciPy CSR matrix, and their units."""
        return count_features(texts, self._fold, self._keys, len(self._table))

    def head(self, sums: Vectors) -> Vectors:
        """Turn sums into unit vectors, float32 of shape (len(sums), dim)."""
        return np.concatenate(
            [
                np.empty((0, self.dim), np.float32),
                *(self._head(sums[i : i + 4096]) for i in range(0, len(sums), 4096)),
            ]
        )

    def _head(self, sums: Vectors) -> Vectors:
        w, b = self._matrices, self._biases
        x = (sums[:, :-1] + self._offset) / np.sqrt(sums[:, -1:] + 2)
        first = np.maximum(x @ w["first"] + b["first"], 0)
        second = np.maximum(x @ w["second.skip"] + first @ w["second"] + b["second"], 0)
        third = np.maximum(second @ w["third"] + b["third"], 0)
        out = np.tanh(second @ w["out.skip"] + third @ w["out"] + b["out"])
        unit: Vectors = out / np.linalg.norm(out, axis=1, keepdims=True)
        return unit


def _unpack_table(tensors: dict[str, NDArray[Any]]) -> Vectors:
    codes = tensors["table.codes"]
    levels = tensors["table.levels"].astype(np.float32)
    # two levels at a time: a byte is looked up as a whole
    both = np.stack([np.tile(levels, 16), np.repeat(levels, 16)], axis=1)
    table: Vectors = both[codes].reshape(len(codes), -1)
    table *= tensors["table.scale"].astype(np.float32)[:, None]
    return table


def _portions(texts: Sequence[str], n_characters: int = 500_000) -> list[tuple[int, int]]:
    """Cut texts into stretches that are scanned at once, of bounded size."""
    portions, start, size = [], 0, 0
    for i, text in enumerate(texts):
        size += len(text) + 1
        if size >= n_characters:
            portions.append((start, i + 1))
            start, size = i + 1, 0
    return [*portions, (start, len(texts))] if start < len(texts) else portions


def count_features(
    texts: Sequence[str], fold: NDArray[np.uint32], keys: NDArray[np.uint32], n_rows: int
) -> tuple[Any, Vectors]:
    """Count the features of texts that have a row.

    Parameters
    ----------
    texts : sequence of str
    fold : uint32 ndarray
        As in `scan`.
    keys : uint32 ndarray
        Of the first rows, ascending; what remains up to `n_rows` is shared by parts of words.
    n_rows : int

    Returns
    -------
    scipy.sparse.csr_matrix of shape (len(texts), n_rows)
    float32 ndarray of shape (len(texts),)
        Number of words, numbers, Han characters and marks.
    """
    from scipy.sparse import csr_matrix

    found, units = scan(texts, fold, keys)
    place = np.minimum(np.searchsorted(keys, found.key), len(keys) - 1)
    known = keys[place] == found.key
    row = np.where(known, place, len(keys) + found.key % np.uint32(n_rows - len(keys)))
    has_row = known | (found.kind == PART)
    entries = (found.weight[has_row], (found.text[has_row], row[has_row]))
    return csr_matrix(entries, shape=(len(texts), n_rows)), units


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Features found in texts: parallel arrays.

    Parameters
    ----------
    text : int64 ndarray
        Number of the text.
    key : uint32 ndarray
        Hash of the feature.
    kind : uint8 ndarray
        WORD to PART.
    weight : float32 ndarray
        What it counts; less than 1 for parts of a word, which stand in for one word together.
    """

    text: Numbers
    key: NDArray[np.uint32]
    kind: NDArray[np.uint8]
    weight: Vectors


def scan(
    texts: Sequence[str], fold: NDArray[np.uint32], known: NDArray[np.uint32] | None = None
) -> tuple[Occurrences, Vectors]:
    """Find the features of texts.

    Parameters
    ----------
    texts : sequence of str
    fold : uint32 ndarray of shape (0x110000,)
        What each code point is replaced by: Traditional characters by Simplified ones.
    known : uint32 ndarray, optional
        Keys of known features, ascending.  Parts are found of unknown words and numbers only.

    Returns
    -------
    Occurrences
        Sorted by nothing in particular.
    float32 ndarray of shape (len(texts),)
        Number of words, numbers, Han characters and marks.
    """
    codes, owner = _codes(texts, fold)
    kinds = _KINDS[codes]
    codes, owner, kinds = _join_numbers(codes, owner, kinds)
    found: list[tuple[Numbers, NDArray[np.uint32], int, Vectors | float]] = []
    starts, ends = _runs(kinds, owner)
    lengths = ends - starts
    run_kind, run_owner = kinds[starts], owner[starts]
    # codes times powers, summed over a run: every sequence of characters has one polynomial hash
    steps = np.arange(len(codes)) - np.repeat(starts, lengths)
    terms = codes * _POWERS[np.minimum(steps, 63)]
    hashes = np.add.reduceat(terms, starts) if len(starts) else np.empty(0, np.uint64)
    is_unknown = np.zeros(len(starts), dtype=bool)
    for kind, feature in ((LETTER, WORD), (DIGIT, NUMBER)):
        of_kind = np.flatnonzero(run_kind == kind)
        keys = _keys(hashes[of_kind], feature)
        is_unknown[of_kind] = True if known is None else ~is_among(keys, known)
        if known is not None and feature == WORD:
            odd = np.flatnonzero(is_unknown[of_kind])
            runs = of_kind[odd]
            keys[odd], is_unknown[runs] = _stems(
                keys[odd], hashes[runs], terms, ends[runs], lengths[runs], known
            )
        found.append((run_owner[of_kind], keys, feature, 1.0))
    found.append(_word_pairs(run_kind, run_owner, hashes))
    found.append(_parts(codes, owner, np.repeat(np.where(is_unknown, lengths, 0), lengths)))
    marks = kinds == MARK
    found.append((owner[marks], _keys(codes[marks] * _POWERS[0], SYMBOL), SYMBOL, 1.0))
    found += _han_sequences(codes, kinds, np.repeat(ends, lengths), owner)
    units = np.bincount(owner[marks | (kinds == HAN)], minlength=len(texts))
    units += np.bincount(run_owner[(run_kind == LETTER) | (run_kind == DIGIT)], minlength=len(texts))
    return _occurrences(found), units.astype(np.float32)


def sequence_keys(strings: Sequence[str], feature: int) -> NDArray[np.uint32]:
    """Return the hashes `scan` gives to these features; normalized strings, a word pair as ``"a b"``."""
    return np.array([_sequence_key(string, feature) for string in strings], dtype=np.uint32)


def _sequence_key(string: str, feature: int) -> int:
    parts = string.split(" ") if feature == WORD_PAIR else [string]
    hashes = []
    for part in parts:
        codes = np.array([ord(c) for c in part], dtype=np.uint64)
        hashes.append(np.sum(codes * _POWERS[np.minimum(np.arange(len(codes)), 63)], dtype=np.uint64))
    combined = hashes[0] if len(hashes) == 1 else _pair(np.array(hashes[:1]), np.array(hashes[1:]))[0]
    return int(_keys(np.array([combined]), feature)[0])


def is_among(keys: NDArray[np.uint32], known: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether each key is one of `known`, which ascends and is not empty."""
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.asarray(known[place] == keys)


def normalize(text: str) -> str:
    """Compatibility forms (full width, ligatures, circled figures) as ordinary characters, in lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def _codes(texts: Sequence[str], fold: NDArray[np.uint32]) -> tuple[Codes, Numbers]:
    joined = normalize(chr(_BOUNDARY).join(text.replace(chr(_BOUNDARY), " ") for text in texts))
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    owner = np.cumsum(codes == _BOUNDARY)
    return fold[codes].astype(np.uint64), owner


def _join_numbers(
    codes: Codes, owner: Numbers, kinds: NDArray[np.uint8]
) -> tuple[Codes, Numbers, NDArray[np.uint8]]:
    """Drop commas between digits that group thousands; a point between digits becomes one of them."""
    digit = np.zeros(len(codes) + 6, dtype=bool)
    digit[1 : len(codes) + 1] = kinds == DIGIT
    n = len(codes)
    before, after = digit[:n], digit[2 : n + 2]
    thousands = after & digit[3 : n + 3] & digit[4 : n + 4] & ~digit[5 : n + 5]
    kept = ~((codes == ord(",")) & before & thousands)
    kinds = np.where((codes == ord(".")) & before & after, DIGIT, kinds).astype(np.uint8)
    return codes[kept], owner[kept], kinds[kept]


def _runs(kinds: NDArray[np.uint8], owner: Numbers) -> tuple[Numbers, Numbers]:
    """Where stretches of one kind begin and end."""
    if not len(kinds):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    changes = np.flatnonzero((kinds[1:] != kinds[:-1]) | (owner[1:] != owner[:-1])) + 1
    return np.concatenate([[0], changes]), np.concatenate([changes, [len(kinds)]])


def stems(word: str) -> list[str]:
    """Return what an unknown word may be a form of, in the order in which it is tried."""
    shorter = [word[:-n] for n in range(1, 5)]
    return [s for s in [*shorter[:3], shorter[2] + "e", shorter[3]] if len(s) >= MIN_STEM]


def _stems(
    keys: NDArray[np.uint32],
    hashes: Codes,
    terms: Codes,
    ends: Numbers,
    lengths: Numbers,
    known: NDArray[np.uint32],
) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Replace the keys of words by those of known words that they may be forms of, as `stems` does."""
    keys, unknown = keys.copy(), np.ones(len(keys), dtype=bool)
    rest = hashes.copy()
    candidates = []
    for n in range(1, 5):
        rest = rest - terms[np.maximum(ends - n, 0)]
        candidates.append((rest, lengths - n))
        if n == 3:
            with_e = rest + np.uint64(ord("e")) * _POWERS[np.clip(lengths - 3, 0, 63)]
            candidates.append((with_e, lengths - 2))
    for stem, length in candidates:
        key = _keys(stem, WORD)
        hit = unknown & (length >= MIN_STEM) & is_among(key, known)
        keys[hit] = key[hit]
        unknown &= ~hit
    return keys, unknown


def _word_pairs(
    run_kind: NDArray[np.uint8], run_owner: Numbers, hashes: Codes
) -> tuple[Numbers, NDArray[np.uint32], int, float]:
    """Words with nothing but space between them."""
    words = np.flatnonzero(run_kind == LETTER)
    first, second = words[:-1], words[1:]
    spaced = (second - first == 2) & (run_kind[np.minimum(first + 1, len(run_kind) - 1)] == SPACE)
    spaced &= run_owner[first] == run_owner[second]
    first, second = first[spaced], second[spaced]
    return run_owner[first], _keys(_pair(hashes[first], hashes[second]), WORD_PAIR), WORD_PAIR, 1.0


def _pair(first: Codes, second: Codes) -> Codes:
    return first * _MIX + second


def _parts(
    codes: Codes, owner: Numbers, run_length: Numbers
) -> tuple[Numbers, NDArray[np.uint32], int, Vectors]:
    """Letters and digits of unknown words and numbers, each with its neighbors; other lengths are zero."""
    padded = np.concatenate([[0], np.where(run_length > 0, codes, 0), [0]]).astype(np.uint64)
    threes = padded[1:-1] * _POWERS[1] + padded[:-2] * _POWERS[0] + padded[2:] * _POWERS[2]
    chosen = run_length > 0
    weight = 1 / np.sqrt(run_length[chosen])
    return owner[chosen], _keys(threes[chosen], PART), PART, weight.astype(np.float32)


def _han_sequences(
    codes: Codes, kinds: NDArray[np.uint8], run_end: Numbers, owner: Numbers
) -> list[tuple[Numbers, NDArray[np.uint32], int, float]]:
    han = np.flatnonzero(kinds == HAN)
    room = run_end[han] - han
    hashes = np.zeros(len(han), dtype=np.uint64)
    found = []
    for length in range(1, MAX_SEQUENCE + 1):
        fits = room >= length
        han, room, hashes = han[fits], room[fits], hashes[fits]
        hashes = hashes + codes[han + length - 1] * _POWERS[length - 1]
        found.append((owner[han], _keys(hashes, HAN_SEQUENCE), HAN_SEQUENCE, 1.0))
    return found


def _keys(hashes: Codes, feature: int) -> NDArray[np.uint32]:
    mixed = hashes + _SALTS[feature]
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX
    return np.asarray(mixed >> np.uint64(32), dtype=np.uint32)


def _occurrences(found: Sequence[tuple[Numbers, NDArray[np.uint32], int, Vectors | float]]) -> Occurrences:
    sizes = [len(owner) for owner, _, _, _ in found]
    return Occurrences(
        np.concatenate([owner for owner, _, _, _ in found]),
        np.concatenate([key for _, key, _, _ in found]),
        np.repeat(np.array([kind for _, _, kind, _ in found], dtype=np.uint8), sizes),
        np.concatenate(
            [np.broadcast_to(np.float32(w), n) for (_, _, _, w), n in zip(found, sizes, strict=True)]
        ),
    )
