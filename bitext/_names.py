"""How a Chinese name was carried over: by sound, or word for word.

A Chinese name and an English phrase come in.  `is_romanization` says whether the phrase spells the sound of
the name (pinyin, Wade-Giles, Cantonese); `literal` says how much of the phrase are glosses of the name's
characters, as "Cloud Perch" is of 云栖.  `capitalized` finds phrases of an English text that look like names.
The glosses are our own, one line a character or word in ``_gloss.tsv``; ``_cantonese.tsv`` has the spellings
usual in Hong Kong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from bitext._termmatch import HAN, fold, lemma
from bitext.data import Span

_WORD = re.compile(r"[^\W_]+(?:[&'’.][^\W_]+)*")
_CAPITAL = r"(?:[A-Z][\w&'’]*(?:[.-]\w+)*|\d+(?:\.\d+)*)"
_PHRASE = re.compile(rf"{_CAPITAL}(?:[ \u00a0]+(?:(?:of|the|for|and|&|in|on)[ \u00a0]+){{0,2}}{_CAPITAL})*")
_QUOTED = re.compile(r"[“\"'‘]([^“”\"‘’\n]{2,60})[”\"'’]")
_FUNCTION = frozenset({
    "a", "an", "the", "this", "that", "these", "those", "its", "it", "he", "she", "they", "we", "i",
    "you", "our", "their", "his", "her", "my", "your", "there", "here", "in", "on", "at", "by", "for",
    "from", "to", "of", "with", "as", "after", "before", "since", "while", "when", "if", "but", "and",
    "or", "so", "yet", "not", "no", "all", "some", "many", "most", "each", "every", "such", "what",
    "which", "who", "how", "why", "where", "because", "although", "though", "also", "then", "thus",
    "however", "meanwhile", "today", "now", "during", "under", "over", "into", "through", "about",
    "between", "among", "against", "without", "within", "is", "are", "was", "were", "be", "been", "has",
    "have", "had", "do", "does", "did", "will", "would", "can", "could", "may", "might", "should",
    "must", "more", "other", "another", "both", "only", "just", "even", "still", "very", "than",
})  # fmt: skip
"""Words that carry no part of a name, and that are capitalized only because a sentence starts."""
_NUMERALS = {"1": "one", "2": "two", "3": "three", "10": "ten", "100": "hundred", "1000": "thousand"}


# -------------------------------------------------------------------------------- word for word


@dataclass(frozen=True, slots=True)
class Literal:
    """How far an English phrase is a word-for-word rendering of a Chinese name.

    Attributes
    ----------
    pairs : tuple of (str, str)
        Chinese piece and the English word that glosses it.
    words : float
        Share of the phrase's content words that gloss a piece of the name, in [0, 1].
    characters : float
        Share of the name's characters that are glossed, in [0, 1].
    """

    pairs: tuple[tuple[str, str], ...]
    words: float
    characters: float


def words(phrase: str) -> list[str]:
    """Lower-case words of `phrase` without function words."""
    found = (m[0].lower().replace("’", "'").removesuffix("'s") for m in _WORD.finditer(phrase))
    return [w for w in found if w not in _FUNCTION]


def literal(name: str, phrase: str) -> Literal:
    """Match the words of `phrase` to glosses of pieces of `name`, longer ones first, each character once."""
    name = "".join(c for c in fold(name) if HAN.match(c))
    content = words(phrase)
    left = {i: _stem(w) for i, w in enumerate(content)}
    covered = [False] * len(name)
    pairs: list[tuple[str, str]] = []
    pieces = sorted(
        ((i, j) for i in range(len(name)) for j in range(i + 1, len(name) + 1)), key=lambda p: p[0] - p[1]
    )
    for i, j in pieces:
        if any(covered[i:j]) or not (glosses := _glosses().get(name[i:j])):
            continue
        hits = [k for k, stem in left.items() if stem in glosses]
        if hits:
            covered[i:j] = [True] * (j - i)
            pairs += ((name[i:j], content[k]) for k in hits)
            for k in hits:
                del left[k]
    explained = len(content) - len(left)
    share = explained / len(content) if content else 0.0
    return Literal(tuple(pairs), share, sum(covered) / max(1, len(name)))


@lru_cache(maxsize=1)
def _glosses() -> dict[str, frozenset[str]]:
    text = resources.files("bitext").joinpath("_gloss.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return {piece: frozenset(map(_stem, glosses.split())) for piece, glosses in rows}


def _stem(word: str) -> str:
    word = _NUMERALS.get(word, word)
    return lemma(word, word)


# -------------------------------------------------------------------------------- by sound


def is_romanization(name: str, phrase: str) -> bool:
    """Whether every content word of `phrase` spells consecutive characters of `name`."""
    name = "".join(c for c in fold(name) if HAN.match(c))
    content = [re.sub(r"[^a-z]", "", w) for w in words(phrase)]
    return bool(name) and bool(content) and all(w and _spells(w, name) for w in content)


def _spells(word: str, name: str) -> bool:
    syllables = [_syllables(c) for c in name]

    def ends(position: int, at: int) -> bool:
        if position == len(word):
            return True
        return at < len(name) and any(
            word.startswith(s, position) and ends(position + len(s), at + 1) for s in syllables[at]
        )

    return any(ends(0, at) for at in range(len(name)))


@lru_cache(maxsize=8192)
def _syllables(char: str) -> frozenset[str]:
    from pypinyin import Style, pinyin

    readings = {r.replace("ü", "v") for r in pinyin(char, style=Style.NORMAL, heteronym=True)[0]}
    spellings = {s for r in readings for s in (r.replace("v", "u"), r.replace("v", "yu"), _wade_giles(r))}
    return frozenset(s for s in spellings | set(_cantonese().get(char, "").split()) if s.isascii() and s)


_INITIALS = (
    ("zh", "ch"), ("ch", "ch"), ("sh", "sh"), ("b", "p"), ("d", "t"), ("g", "k"), ("j", "ch"), ("q", "ch"),
    ("x", "hs"), ("z", "ts"), ("c", "ts"), ("r", "j"),
)  # fmt: skip
_WHOLE = {
    "zi": "tzu", "ci": "tzu", "si": "szu", "zhi": "chih", "chi": "chih", "shi": "shih", "ri": "jih",
    "yan": "yen", "ye": "yeh", "you": "yu", "yong": "yung", "yi": "i", "yue": "yueh", "er": "erh", "ge": "ko",
    "ke": "ko", "he": "ho", "qing": "tsing",
}  # fmt: skip


def _wade_giles(syllable: str) -> str:
    """Wade-Giles spelling of a toneless pinyin syllable, without apostrophes, as newspapers print it."""
    if syllable in _WHOLE:
        return _WHOLE[syllable]
    pinyin, older = next((pair for pair in _INITIALS if syllable.startswith(pair[0])), ("", ""))
    final = syllable[len(pinyin) :]
    final = re.sub("ong$", "ung", final)
    final = re.sub("ian$", "ien", final)
    final = re.sub("(i|u|v)e$", r"\1eh", final)
    if older == "k" and final == "ui":
        final = "uei"
    if older not in ("k", "h", "sh") and final == "uo":
        final = "o"
    return (older + final).replace("v", "u")


@lru_cache(maxsize=1)
def _cantonese() -> dict[str, str]:
    """Return the spellings of frequent characters of Hong Kong names."""
    text = resources.files("bitext").joinpath("_cantonese.tsv").read_text(encoding="utf-8")
    return dict(line.split("\t") for line in text.splitlines())


# -------------------------------------------------------------------------------- names in a text


def capitalized(text: str, explained: Iterable[Span] = ()) -> list[Span]:
    """Find the capitalized or quoted phrases of an English `text`, without the `explained` spans in them."""
    taken = bytearray(len(text))
    for start, end in explained:
        taken[start:end] = b"\1" * (end - start)
    spans: set[Span] = set()
    for start, end in [m.span() for m in _PHRASE.finditer(text)] + [
        m.span(1) for m in _QUOTED.finditer(text)
    ]:
        for free in _free(taken, start, end):
            span = _trimmed(text, *free)
            if span[0] < span[1]:
                spans.add(span)
    return sorted(spans)


def _free(taken: bytearray, start: int, end: int) -> Iterable[Span]:
    for run in re.finditer(rb"\0+", taken[start:end]):
        yield start + run.start(), start + run.end()


def _trimmed(text: str, start: int, end: int) -> Span:
    """Cut function words and punctuation off both ends."""
    tokens = [m.span() for m in _WORD.finditer(text, start, end)]
    while tokens and text[slice(*tokens[0])].lower() in _FUNCTION:
        tokens.pop(0)
    while tokens and text[slice(*tokens[-1])].lower() in _FUNCTION:
        tokens.pop()
    return (tokens[0][0], tokens[-1][1]) if tokens else (start, start)


def windows(text: str, sizes: Sequence[int]) -> list[Span]:
    """Spans of `sizes` consecutive words of `text` that neither start nor end with a function word."""
    tokens = [m.span() for m in _WORD.finditer(text)]
    bare = [text[start:end].lower() in _FUNCTION for start, end in tokens]
    return [
        (tokens[i][0], tokens[i + n - 1][1])
        for n in sizes
        for i in range(len(tokens) - n + 1)
        if not bare[i] and not bare[i + n - 1]
    ]
