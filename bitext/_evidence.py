"""What the texts of segments tell an aligner besides their vectors: texts in, arrays out.

Punctuation that a translator keeps (questions, exclamations, quotation marks, where a sentence ends), the words
and numbers, where paragraphs end, and what an additive encoder makes of it all.  `translation_tables` learns from
passages that are likely to translate each other which words do, starting from the lexicon that ships: that is how
names get known.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bitext._clauses import Clauses
from bitext._termmatch import HAN, fold, lemma, root
from bitext._wordalign import ZH_RUN, lexicon, tokens
from bitext.embedding import Composing

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Float = NDArray[np.floating]
Ints = NDArray[np.int64]

MARKS = ("question", "exclamation", "quotation", "clause", "pause", "stop")
"""Columns of `Evidence.marks`."""
FLAGS = (
    "ends_sentence",
    "ends_question",
    "ends_exclamation",
    "ends_open",
    "starts_small",
    "starts_quote",
    "ends_quote",
)
"""Columns of `Evidence.flags`."""

_PATTERNS = (
    r"[?？]",
    r"[!！]",
    "",
    r"[,，、;；]",
    r"…+|\.\.\.+|(?:\. ){2,}|[—–]+|--+|[:：]",
    r"[.。](?![.\d])",
)
_OPENING = re.compile(r"[“「『‘]|(?:(?<=^)|(?<=[\s(—–-]))[\"'](?=\S)")
_CLOSING = re.compile(r"[”」』]|(?<=[.,!?…;:—–。！？，])[\"'’]|(?<=\S)\"(?=\s|$)")
_TAIL = re.compile(r"[\s\"'“”‘’「」『』()（）\[\]*]+$")
_HEAD = re.compile(r"^[\s\"'“”‘’「」『』()（）\[\]*—–-]+")
_LONGEST_WORD = 4


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One document's segments.

    Attributes
    ----------
    marks : ndarray of shape (n_segments, len(MARKS))
        How many of each there are.
    flags : ndarray of bool of shape (n_segments, len(FLAGS))
    quoted : ndarray of bool of shape (n_segments,)
        Whether a quotation is open where the segment starts.
    breaks : ndarray of bool of shape (n_segments,)
        Whether the segment is the first of a paragraph.
    words : tuple of ndarray of int
        Numbers of the words of each segment, in `vocabulary`.
    vocabulary : tuple of str
        Every word once.
    is_chinese : bool
    sums : ndarray of shape (n_segments, dim_sum)
        Of an additive encoder.
    head : callable
        What turns the sum of a window into its vector.
    clauses : Clauses
    """

    marks: Float
    flags: NDArray[np.bool_]
    quoted: NDArray[np.bool_]
    breaks: NDArray[np.bool_]
    words: tuple[Ints, ...]
    vocabulary: tuple[str, ...]
    is_chinese: bool
    sums: Float
    head: Callable[[Float], Float]
    clauses: Clauses

    def part(self, rows: Ints) -> Evidence:
        """Only some segments."""
        return Evidence(
            self.marks[rows],
            self.flags[rows],
            self.quoted[rows],
            self.breaks[rows],
            tuple(self.words[i] for i in rows.tolist()),
            self.vocabulary,
            self.is_chinese,
            self.sums[rows],
            self.head,
            self.clauses.part(rows),
        )


def read(
    texts: Sequence[str], lang: str, encoder: Composing, *, paragraphs: NDArray[np.int32] | None = None
) -> Evidence:
    """Collect the evidence in `texts`.

    Parameters
    ----------
    texts : sequence of str
        One for each segment.
    lang : str
        BCP 47.
    encoder : Composing
        A second opinion on what means the same, cheap enough for every window.
    paragraphs : ndarray of int of shape (n_segments,), optional
        Paragraph number of each segment.
    """
    is_chinese = lang.lower().startswith("zh")
    numbers: dict[str, int] = {}

    def numbered(text: str) -> Ints:
        words = _words(text, is_chinese)
        return np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int64)

    clauses = Clauses.of(texts, numbered, encoder)
    words = tuple(
        np.concatenate(clauses.words[start:stop])
        for start, stop in itertools.pairwise(clauses.starts.tolist())
    )
    breaks = np.zeros(len(texts), dtype=bool)
    if paragraphs is not None and len(texts):
        breaks[1:] = np.diff(np.asarray(paragraphs)) > 0
    return Evidence(
        np.array([_marks(t) for t in texts], dtype=np.float32).reshape(-1, len(MARKS)),
        np.array([_flags(t) for t in texts], dtype=bool).reshape(-1, len(FLAGS)),
        _quoted(texts),
        breaks,
        words,
        tuple(numbers),
        is_chinese,
        encoder.sums(texts),
        encoder.head,
        clauses,
    )


def _marks(text: str) -> list[int]:
    counts = [len(re.findall(pattern, text)) if pattern else 0 for pattern in _PATTERNS]
    counts[MARKS.index("quotation")] = len(_OPENING.findall(text)) + len(_CLOSING.findall(text))
    return counts


def _flags(text: str) -> list[bool]:
    body = _HEAD.sub("", _TAIL.sub("", text))
    last, first = body[-1:], body[:1]
    return [
        last in tuple("。.!！?？…"),
        last in tuple("?？"),
        last in tuple("!！"),
        last in tuple("，,、；;：:—–-"),
        first.islower(),
        bool(_OPENING.match(text)),
        bool(text) and text[-1] in "\"'”’」』",
    ]


def _quoted(texts: Sequence[str]) -> NDArray[np.bool_]:
    is_open, states = False, []
    for text in texts:
        states.append(is_open)
        signs = sorted(
            [(m.start(), True) for m in _OPENING.finditer(text)]
            + [(m.start(), False) for m in _CLOSING.finditer(text)]
        )
        if signs:
            is_open = signs[-1][1]
    return np.array(states, dtype=bool)


def _words(text: str, is_chinese: bool) -> list[str]:
    if not is_chinese:
        return [root(token.key) for token in tokens(text, "en")]
    return [word for run in ZH_RUN.findall(fold(text)) for word in _split(run)]


def _split(run: str) -> list[str]:
    """Longest words of the lexicon first, from the left; characters in no word stand alone."""
    if not HAN.match(run):
        return [root(lemma(run))]
    known = lexicon()
    words, at = [], 0
    while at < len(run):
        size = next((k for k in range(_LONGEST_WORD, 1, -1) if run[at : at + k] in known), 1)
        words.append(run[at : at + size])
        at += len(words[-1])
    return words


def _translations(word: str) -> dict[str, float]:
    """Look up translations of `word` in the lexicon, reduced to their roots."""
    shares: dict[str, float] = {}
    for english, share in lexicon().get(word, {}).items():
        key = root(english)
        shares[key] = shares.get(key, 0.0) + share
    return shares


def translation_tables(
    zh: Evidence, en: Evidence, passages: Sequence[tuple[range, range]], *, n_iterations: int = 5
) -> tuple[csr_array, csr_array]:
    """Learn how the words of `passages` translate each other (IBM model 1 from the lexicon).

    Parameters
    ----------
    zh, en : Evidence
    passages : sequence of (range, range)
        Segments that are likely to say the same.
    n_iterations : int
        Of expectation maximization.

    Returns
    -------
    to_en : sparse array of shape (n_zh_words, n_en_words)
        Probability of the English word given the Chinese one.
    to_zh : sparse array of shape (n_en_words, n_zh_words)
        And the other way round.
    """
    known = _known(zh, en)
    rows, columns = [], []
    for source, target in passages:
        rows.append(np.concatenate([zh.words[i] for i in source]))
        columns.append(np.concatenate([en.words[j] for j in target]))
    return (
        _estimate(rows, columns, known, n_iterations),
        _estimate(columns, rows, known.T.tocsr(), n_iterations),
    )


_TRUST, _DISTRUST = 10.0, 1.0
"""Imagined occurrences behind the lexicon: of a word it knows, and of one it does not."""
_FLOOR = 1e-4


def _known(zh: Evidence, en: Evidence) -> csr_array:
    from scipy.sparse import csr_array

    column_of = {word: k for k, word in enumerate(en.vocabulary)}
    entries: dict[tuple[int, int], float] = {}
    for row, word in enumerate(zh.vocabulary):
        for english, share in _translations(word).items():
            if (column := column_of.get(english)) is not None:
                entries[row, column] = share
        if (column := column_of.get(word)) is not None:
            entries[row, column] = 1.0  # a number or a Latin string
    shape = (len(zh.vocabulary), len(en.vocabulary))
    keys = np.array(list(entries), dtype=np.int64).reshape(-1, 2)
    return csr_array((np.array(list(entries.values()), dtype=float), (keys[:, 0], keys[:, 1])), shape=shape)


def _estimate(given: Sequence[Ints], made: Sequence[Ints], known: csr_array, n_iterations: int) -> csr_array:
    """Maximize expectation over all pairs of words that meet in a passage, as flat arrays."""
    from scipy.sparse import csr_array

    n_given, n_made = known.shape
    pairs, owners, n_slots = [], [], 0
    for left, right in _pieces(given, made):
        pairs.append((left[:, None] * n_made + right[None, :]).ravel())
        owners.append(np.tile(np.arange(len(right)) + n_slots, len(left)))
        n_slots += len(right)
    if not n_slots:
        return known
    kinds, kind = np.unique(np.concatenate(pairs), return_inverse=True)
    owner = np.concatenate(owners)
    rows, columns = kinds // n_made, kinds % n_made
    sums = np.asarray(known.sum(axis=1)).ravel()
    prior = _entries(known, kinds) / np.maximum(sums[rows], 1.0) + _FLOOR
    trust = np.where(sums > 0.1, _TRUST, _DISTRUST)
    frequency = np.bincount(np.concatenate(list(made)), minlength=n_made)
    nothing = (_NULL * frequency / max(1, frequency.sum()))[np.concatenate(list(made))]
    table = prior
    for _ in range(n_iterations):
        weights = table[kind]
        total = np.bincount(owner, weights, minlength=n_slots) + nothing
        counts = np.bincount(kind, weights / total[owner], minlength=len(kinds))
        used = np.bincount(rows, counts, minlength=n_given)
        table = (trust[rows] * prior + counts) / (trust + used)[rows]
    learned = csr_array((table, (rows, columns)), shape=known.shape)
    learned.data[learned.data < _FLOOR * 10] = 0.0
    learned.eliminate_zeros()
    return learned.maximum(0.5 * known)  # what met in no passage yet is what another passage may need


def _pieces(given: Sequence[Ints], made: Sequence[Ints]) -> Iterator[tuple[Ints, Ints]]:
    """Cut passages of very many words where they are as far through on both sides: their pairs grow as the square."""
    for left, right in zip(given, made, strict=True):
        n = math.ceil(max(len(left), len(right), 1) / _MOST_WORDS)
        yield from zip(np.array_split(left, n), np.array_split(right, n), strict=True)


_MOST_WORDS = 1000


def _entries(table: csr_array, places: Ints) -> NDArray[np.float64]:
    """Look up entries of a table at ascending places, counted row by row."""
    stored = table.tocoo()
    keys = stored.row.astype(np.int64) * table.shape[1] + stored.col
    at = np.minimum(np.searchsorted(places, keys), len(places) - 1)
    found = places[at] == keys
    entries = np.zeros(len(places))
    entries[at[found]] = stored.data[found]
    return entries


_NULL = 2.0
"""Weight of a word that comes from nothing, relative to its frequency."""
