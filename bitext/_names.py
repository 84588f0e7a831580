"""How a Chinese name was carried over: by sound, or word for word.

A Chinese name and an English phrase come in.  `is_romanization` says whether the phrase spells the sound of
the name (pinyin, Wade-Giles, Cantonese); `literal` says how much of the phrase are glosses of the name's
characters, as "Cloud Perch" is of 云栖.  `capitalized` finds phrases of an English text that look like names.
The glosses are our own, one line a character or word in ``_gloss.tsv``; ``_cantonese.tsv`` has the spellings
usual in Hong Kong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from bitext._termmatch import HAN, fold, lemma
from bitext.data import Span

_WORD = re.compile(r"[^\W_]+(?:[&'’.][^\W_]+)*")
_CAPITAL = r"(?:[A-Z][\w&'’]*(?:[.-]\w+)*|\d+(?:\.\d+)*)"
_PHRASE = re.compile(rf"{_CAPITAL}(?:[ \u00a0]+(?:(?:of|the|for|and|&|in|on)[ \u00a0]+){{0,2}}{_CAPITAL})*")
_QUOTED = re.compile(r"[“\"'‘]([^“”\"‘’\n]{2,60})[”\"'’]")
FUNCTION_WORDS = frozenset({
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


def glosses(piece: str) -> frozenset[str]:
    """Return the glosses of a Chinese character or word, reduced as words are compared."""
    return _glosses().get(piece, frozenset())


def words(phrase: str) -> list[str]:
    """Lower-case words of `phrase` without function words."""
    found = (m[0].lower().replace("’", "'").removesuffix("'s") for m in _WORD.finditer(phrase))
    return [w for w in found if w not in FUNCTION_WORDS]


def literal(name: str, phrase: str) -> Literal:
    """Match the words of `phrase` to glosses of pieces of `name`, longer ones first."""
    name = _han(name)
    pieces, content = _pieces(name), words(phrase)
    pairs: list[tuple[str, str]] = []
    covered: set[int] = set()
    for word in content:
        if found := _piece(_stem(word), pieces):
            piece, at = found
            pairs.append((piece, word))
            covered.update(range(at, at + len(piece)))
    share = len(pairs) / len(content) if content else 0.0
    return Literal(
        tuple(sorted(pairs, key=lambda p: name.find(p[0]))), share, len(covered) / max(1, len(name))
    )


def literal_runs(name: str, text: str) -> list[Span]:
    """Find stretches of two words or more of an English `text` that all gloss pieces of `name`."""
    pieces = _pieces(_han(name))
    runs: list[list[Span]] = [[]]
    for match in _WORD.finditer(text):
        word = match[0].lower().replace("’", "'").removesuffix("'s")
        broken = runs[-1] and not text[runs[-1][-1][1] : match.start()].isspace()
        if broken or (word not in FUNCTION_WORDS and not _piece(_stem(word), pieces)):
            runs.append([])
        if word not in FUNCTION_WORDS and _piece(_stem(word), pieces):
            runs[-1].append(match.span())
    return [(run[0][0], run[-1][1]) for run in runs if len(run) > 1]


@lru_cache(maxsize=4096)
def _pieces(name: str) -> dict[str, tuple[str, int]]:
    """Gloss stem -> the longest piece of `name` it glosses, and where that is."""
    found: dict[str, tuple[str, int]] = {}
    for length in range(min(len(name), 5), 0, -1):
        for i in range(len(name) - length + 1):
            for stem in _glosses().get(name[i : i + length], ()):
                found.setdefault(stem, (name[i : i + length], i))
    return found


def _piece(stem: str, pieces: dict[str, tuple[str, int]]) -> tuple[str, int] | None:
    """Return the piece glossed by `stem`, or by what it is derived from, as listener is from listen."""
    if (found := pieces.get(stem)) is not None:
        return found
    bases = (stem.removesuffix(suffix) for suffix in _SUFFIXES if stem.endswith(suffix))
    return next((pieces[base] for base in bases if len(base) > 3 and base in pieces), None)


_SUFFIXES = ("er", "ed", "ing", "or", "ly", "y", "al", "ic", "ion", "n", "en", "d", "r")


def _han(text: str) -> str:
    return "".join(c for c in fold(text) if HAN.match(c))


@lru_cache(maxsize=1)
def _glosses() -> dict[str, frozenset[str]]:
    text = resources.files("bitext").joinpath("_gloss.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return {piece: frozenset(map(_stem, glosses.split())) for piece, glosses in rows}


def _stem(word: str) -> str:
    word = _NUMERALS.get(word, word)
    return lemma(word)


# -------------------------------------------------------------------------------- by sound


def is_romanization(name: str, phrase: str) -> bool:
    """Whether every content word of `phrase` spells consecutive characters of `name`."""
    name = _han(name)
    content = [re.sub(r"[^a-z]", "", w) for w in words(phrase)]
    return bool(name) and bool(content) and all(w and _spells(w, name) for w in content)


def romanized(name: str, text: str) -> Span | None:
    """Find the whole of `name` spelled in consecutive words of an English `text`."""
    match = _sound(_han(name)).search(text)
    return match.span() if match else None


@lru_cache(maxsize=1024)
def _sound(name: str) -> re.Pattern[str]:
    """Spellings of the whole of `name`, its syllables joined or apart."""
    sounds = ("|".join(sorted(syllables(c), key=len, reverse=True)) or "(?!)" for c in name)
    return re.compile(r"\b" + r"[\s'’-]?".join(f"(?:{s})" for s in sounds) + r"\b", re.IGNORECASE)


def spelling(name: str) -> str:
    """Write `name` in pinyin as one capitalized word."""
    from pypinyin import lazy_pinyin

    return "".join(lazy_pinyin(name)).capitalize()


def _spells(word: str, name: str) -> bool:
    sounds = [syllables(c) for c in name]

    def ends(position: int, at: int) -> bool:
        if position == len(word):
            return True
        return at < len(name) and any(
            word.startswith(s, position) and ends(position + len(s), at + 1) for s in sounds[at]
        )

    return any(ends(0, at) for at in range(len(name)))


@lru_cache(maxsize=8192)
def syllables(char: str) -> frozenset[str]:
    """Return how a Chinese character may be spelled: pinyin, Wade-Giles, Hong Kong."""
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
            if span[0] < span[1] and not _starts_sentence(text, *span):
                spans.add(span)
    return sorted(spans)


def _starts_sentence(text: str, start: int, end: int) -> bool:
    """Whether a single plain word has its capital only from its place at the start of a sentence."""
    first = not text[:start].strip() or text[:start].rstrip()[-1] in '.!?:;"“\n'
    return first and bool(re.fullmatch("[A-Z][a-z]+", text[start:end]))


def _free(taken: bytearray, start: int, end: int) -> Iterable[Span]:
    for run in re.finditer(rb"\0+", taken[start:end]):
        yield start + run.start(), start + run.end()


def _trimmed(text: str, start: int, end: int) -> Span:
    """Cut function words and punctuation off both ends."""
    tokens = [m.span() for m in _WORD.finditer(text, start, end)]
    while tokens and text[slice(*tokens[0])].lower() in FUNCTION_WORDS:
        tokens.pop(0)
    while tokens and text[slice(*tokens[-1])].lower() in FUNCTION_WORDS:
        tokens.pop()
    return (tokens[0][0], tokens[-1][1]) if tokens else (start, start)


def is_always_capitalized(phrase: str, text: str) -> bool:
    """Whether every content word of `phrase` has a capital wherever the phrase stands in `text`."""
    found = re.findall(re.escape(phrase), text, re.IGNORECASE)
    return all(w[0].isupper() for p in found for w in _WORD.findall(p) if w.lower() not in FUNCTION_WORDS)


def windows(text: str, longest: int) -> list[Span]:
    """Spans of up to `longest` consecutive words of `text`, no function word at either end."""
    tokens = [m.span() for m in _WORD.finditer(text)]
    bare = [text[start:end].lower() in FUNCTION_WORDS for start, end in tokens]
    return [
        (tokens[i][0], tokens[j][1])
        for i in range(len(tokens))
        for j in range(i, min(len(tokens), i + longest))
        if not bare[i] and not bare[j]
    ]
