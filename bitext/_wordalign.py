"""Which words of a passage translate which: tokens of aligned passages in, link probabilities out.

IBM model 1 with a preference for the diagonal.  It starts from a small lexicon of word translations that
ships with the library and is adapted to the document by expectation maximization over all its passages, in
all its translations: so the words of a name in no dictionary find theirs.  Links are asymmetric: every
English word has one origin among the Chinese words, or none.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from bitext._termmatch import HAN, TOKEN, fold, lemma, segment

ZH_RUN = re.compile(r"[\u3400-\u9fff]+|[A-Za-z]+|\d+(?:[.,]\d+)*")
_DIAGONAL = 4.0
"""How steeply a link loses probability with its distance from the diagonal, per length of the passage."""
_TRUST, _DISTRUST = 20.0, 2.0
"""Imagined occurrences behind the lexicon: of a word it knows, and of one it does not."""
_NULL = 0.25
"""Weight of having no origin, relative to a source word."""
_FERTILITY = 2.5
"""Target words that a source word is rendered by, at most, without being doubted."""
_COMPANY = 0.3
"""Probability shared out among the words that a word in no dictionary comes and goes with."""
_CLOSE = 0.65
"""Such words come and go with it at least this closely, relative to the closest."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word as it is compared, and its code points in the text."""

    key: str
    start: int
    end: int


def tokens(text: str, lang: str) -> list[Token]:
    """Split `text` into words, reduced to what their forms share."""
    if not lang.lower().startswith("zh"):
        return [
            Token(lemma(m[1] or m[0]), m.start(), m.end(1) if m[1] else m.end()) for m in TOKEN.finditer(text)
        ]
    found = []
    for match in ZH_RUN.finditer(fold(text)):
        start = match.start()
        for word in segment(match[0]) if HAN.match(match[0]) else [match[0]]:
            found.append(Token(word if HAN.match(word) else lemma(word), start, start + len(word)))
            start += len(word)
    return found


@lru_cache(maxsize=1)
def lexicon() -> dict[str, dict[str, float]]:
    """Return Chinese word -> English word -> probability of the English word given the Chinese one."""
    data = resources.files("bitext").joinpath("_lexicon.tsv.gz").read_bytes()
    found: dict[str, dict[str, float]] = {}
    for line in gzip.decompress(data).decode("utf-8").splitlines():
        word, _, translations = line.partition("\t")
        pairs = (entry.rpartition(":") for entry in translations.split(" "))
        found[word] = {english: float(share) for english, _, share in pairs}
    return found


def link_words(
    passages: Sequence[tuple[Sequence[Token], Sequence[Token]]], *, n_iterations: int = 4
) -> list[NDArray[np.float32]]:
    """Link the words of passages that translate each other.

    Parameters
    ----------
    passages : sequence of (Chinese tokens, English tokens)
        All passages of a document, of all its translations.
    n_iterations : int
        Of expectation maximization.

    Returns
    -------
    list of ndarray of shape (n_chinese, n_english)
        Probability that the English word comes from the Chinese one; columns sum to 1 at most.
    """
    zh, en = _Vocabulary(), _Vocabulary()
    pairs = [(zh.numbers(source), en.numbers(target)) for source, target in passages]
    prior, trust = _prior(zh, en, pairs)
    table = prior
    for _ in range(n_iterations):
        counts = np.zeros_like(table)
        for source, target in pairs:
            np.add.at(counts, (source[:, None], target[None, :]), _origins(table, source, target))
        table = (trust * prior + counts) / (trust + counts.sum(axis=1, keepdims=True))
    return [_agreed(table, source, target) for source, target in pairs]


def _origins(
    table: NDArray[np.float64], source: NDArray[np.int64], target: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return for each target word the probabilities of its origins."""
    weights = table[source][:, target] * _diagonal(len(source), len(target))
    found: NDArray[np.float64] = weights / (weights.sum(axis=0) + _NULL * table[-1, target])
    return found


def _agreed(
    table: NDArray[np.float64], source: NDArray[np.int64], target: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Hold back links in which a source word claims many more target words than it can have rendered.

    A rare word fits everything a little and would else collect what no other word wants.
    """
    links = _origins(table, source, target)
    shares = links / np.maximum(links.sum(axis=1, keepdims=True), _FERTILITY)
    agreed: NDArray[np.float32] = np.sqrt(links * np.minimum(1.0, shares * _FERTILITY)).astype(np.float32)
    return agreed


class _Vocabulary:
    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def numbers(self, words: Sequence[Token]) -> NDArray[np.int64]:
        return np.array([self.index.setdefault(w.key, len(self.index)) for w in words], dtype=np.int64)


def _prior(
    zh: _Vocabulary, en: _Vocabulary, pairs: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probabilities to start from, last row for words without origin, and the trust in each."""
    prior = np.full((len(zh.index) + 1, len(en.index)), 1e-6)
    for word, row in zh.index.items():
        for english, share in lexicon().get(word, {}).items():
            if (column := en.index.get(english)) is not None:
                prior[row, column] += share
        if word in en.index:
            prior[row, en.index[word]] += 0.9  # Latin strings and numbers
    known = prior.sum(axis=1) > 0.3
    trust = np.where(known, _TRUST, _DISTRUST)[:, None]
    _add_company(prior, np.flatnonzero(~known[:-1]), pairs)
    every = np.concatenate([np.zeros(0, dtype=np.int64), *(target for _, target in pairs)])
    frequencies = np.bincount(every, minlength=len(en.index))
    prior[-1] = frequencies / max(1, frequencies.sum())
    trust[-1] = 1e9
    return prior, trust


def _add_company(
    prior: NDArray[np.float64],
    unknown: NDArray[np.int64],
    pairs: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> None:
    """Give the `unknown` Chinese words the English ones that are there when they are, and only then (Dice)."""
    row_of = {int(z): i for i, z in enumerate(unknown)}
    zh = np.zeros((len(unknown), len(pairs)), dtype=np.float32)
    en = np.zeros((len(pairs), prior.shape[1]), dtype=np.float32)
    for n, (source, target) in enumerate(pairs):
        zh[[row_of[z] for z in source.tolist() if z in row_of], n] = 1
        en[n, target] = 1
    both = zh @ en
    dice = 2 * both / (zh.sum(axis=1)[:, None] + en.sum(axis=0)[None, :] + 1)
    dice[dice < _CLOSE * dice.max(axis=1, initial=0.0, keepdims=True)] = 0.0
    dice **= 3
    prior[unknown] += _COMPANY * dice / np.maximum(dice.sum(axis=1, keepdims=True), 1e-9)


@lru_cache(maxsize=4096)
def _diagonal(n_source: int, n_target: int) -> NDArray[np.float64]:
    source, target = ((np.arange(n) + 0.5) / max(1, n) for n in (n_source, n_target))
    return np.exp(-_DIAGONAL * np.abs(source[:, None] - target[None, :]))
