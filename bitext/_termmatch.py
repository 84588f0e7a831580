"""Terms in running text: a text and an index of terms in, the places where terms stand out, in one pass.

Both languages become a *compact* string in which what may vary is gone: case, width and script variants,
spaces and hyphens, for English also number and spelling.  A term is then a plain substring between two
anchors, whatever the number of terms: the index maps the first characters of every term to the lengths that
can follow, so a position costs a few dictionary look-ups and no loop over terms.  Offsets lead back to the
code points of the original.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from math import log
from pathlib import Path
from typing import Any

from bitext.data import Span
from bitext.errors import TermbaseError

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_DROPPED = frozenset(" \t\u00a0\u3000\u200b\ufeff-\u2010\u2011\u2012·•・‧∙")
_DROP = dict.fromkeys(map(ord, _DROPPED))
_LATIN = re.compile(r"[A-Za-z0-9\u00c0-\u024f]+")
TOKEN = re.compile(r"([^\W\d_]+)(?:['’](?:s|S)\b)?|\d+(?:[.,]\d+)*|&|[+#]")
_IRREGULAR = {
    "men": "man", "children": "child", "people": "person", "feet": "foot", "teeth": "tooth",
    "mice": "mouse", "criteria": "criterion", "phenomena": "phenomenon", "indices": "index",
    "matrices": "matrix", "appendices": "appendix", "programme": "program", "programmes": "program",
    "grey": "gray", "cheque": "check", "cheques": "check",
}  # fmt: skip


# -------------------------------------------------------------------------------- folding


class _Fold(dict[int, str]):
    """Code point -> what it counts as: Simplified, half-width, lower case; always one character."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        wide = unicodedata.normalize("NFKC", char)
        folded = wide if len(wide) == 1 else char
        if HAN.match(folded):
            folded = _simplified(folded)
        lower = folded.lower()
        self[code] = result = lower if len(lower) == 1 else folded
        return result


_FOLD = _Fold({ord("’"): "'", ord("‘"): "'", ord("–"): "-", ord("—"): "-"})


def masked(text: str, spans: Iterable[Span]) -> str:
    """Put line breaks, one for each character, where `spans` stand in `text`."""
    for start, end in spans:
        text = text[:start] + "\n" * (end - start) + text[end:]
    return text


def fold(text: str) -> str:
    """Map to Simplified, half-width and lower-case characters, one by one.

    The result has the length of `text`, so offsets stay what they are.
    """
    return text.lower() if text.isascii() else text.translate(_FOLD)


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc_purepy import OpenCC  # 0.1 s, and English texts do not need it

    return OpenCC("hk2s")  # folds Hong Kong variants as well as plain Traditional characters


def _simplified(char: str) -> str:
    simple: str = _converter().convert(char)
    return simple if len(simple) == 1 else char


# -------------------------------------------------------------------------------- compact strings


@dataclass(frozen=True, slots=True)
class Compact:
    """A text reduced to what terms are compared by.

    A term may start at any position of `first` and end at any of `last`; ``starts[i]`` and ``ends[j]`` are
    the code points of the original where ``text[i:j]`` starts and ends.
    """

    text: str
    starts: Mapping[int, int] | Sequence[int]
    ends: Mapping[int, int] | Sequence[int]
    first: Iterable[int]
    last: Container[int]

    def span(self, start: int, end: int) -> Span:
        """Code points of the original for ``text[start:end]``."""
        return self.starts[start], self.ends[end]


def compact(text: str, lang: str) -> Compact:
    """Reduce `text` in language `lang` for comparison."""
    return _compact_chinese(text) if lang.lower().startswith("zh") else _compact_english(text)


def term_key(text: str, lang: str) -> str:
    """Return the compact form under which a term is indexed; empty if nothing but punctuation is left."""
    if lang.lower().startswith("zh"):
        return fold(text.strip(" 《》「」『』“”\"'〈〉")).translate(_DROP)
    words = [lemma(m[1] or m[0]) for m in TOKEN.finditer(text)]
    if len(words) > 1 and words[0] in ("the", "a", "an"):
        del words[0]
    return "".join(words)


def _compact_chinese(text: str) -> Compact:
    folded = fold(text)
    offsets = [i for i, char in enumerate(folded) if char not in _DROPPED]
    kept = folded.translate(_DROP)
    ends = [0, *(i + 1 for i in offsets)]
    inner = {i for run in _LATIN.finditer(text) for i in range(run.start() + 1, run.end())}
    if not inner:
        return Compact(kept, offsets, ends, range(len(kept)), range(1, len(kept) + 1))
    first = [k for k, i in enumerate(offsets) if i not in inner]  # not inside a Latin word or a number
    return Compact(kept, offsets, ends, first, frozenset([*first[1:], len(kept)]))


def _compact_english(text: str) -> Compact:
    words: list[str] = []
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    length = 0
    for match in TOKEN.finditer(text):
        word = lemma(match[1] or match[0])
        words.append(word)
        starts[length] = match.start()
        length += len(word)
        ends[length] = match.end(1) if match[1] else match.end()
    return Compact("".join(words), starts, ends, starts, ends)


@lru_cache(maxsize=65536)
def lemma(word: str) -> str:
    """Reduce an English word to what all its inflections and spellings share.  A stem, not always a word."""
    if word == "&":
        return "and"
    if len(word) > 2 and word[-1] == "s" and word[:-1].isupper():
        word = word[:-1]  # SMEs, AIs
    stem = fold(word)
    if (regular := _IRREGULAR.get(stem)) is not None:
        return regular
    return _spelling(_singular(stem)) if stem.isascii() else stem


def is_inflected(term: str, text: str) -> bool:
    """Whether the words of an English `term` stand in `text`, some of them with a verb's ending.

    So does stress test in stress-tested.  Slower than an index; for the few terms that one did not find.
    """
    wanted = [lemma(m[1] or m[0]) for m in TOKEN.finditer(term)]
    there = [lemma(m[1] or m[0]) for m in TOKEN.finditer(text)]
    forms = [{word, root(word)} for word in there]
    return any(
        all(w in form or w.removesuffix("e") in form for w, form in zip(wanted, forms[i:], strict=False))
        for i in range(len(forms) - len(wanted) + 1)
    )


def root(word: str) -> str:
    """Remove a verb's ending from an English word already reduced by `lemma`."""
    endings = (e for e in ("ing", "ed", "e") if word.endswith(e) and len(word) - len(e) >= 3)
    return word.removesuffix(next(endings, ""))


def _singular(word: str) -> str:
    if len(word) <= 3:
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("men"):
        return word[:-2] + "an"  # chairmen
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    elif word.endswith("is"):
        word = word[:-2]  # analysis, analyses
    if len(word) >= 4:
        if word.endswith(("se", "xe", "ze", "che", "she", "oe")):
            word = word[:-1]  # box, boxes; house, houses
        elif word.endswith("ie"):
            word = word[:-2] + "y"
    if len(word) >= 4 and word.endswith(("ve", "fe", "f")):
        word = word.rstrip("e")[:-1] + "v"  # leaf, leaves
    return word


def _spelling(word: str) -> str:
    """Fold British and American spelling together."""
    if len(word) < 5 or not word.endswith(_BRITISH):
        return word
    for british, american in _SPELLINGS:
        if word.endswith(british):
            return word[: -len(british)] + american
    return word


_SPELLINGS = (
    ("isation", "ization"), ("isational", "izational"), ("ising", "izing"), ("ised", "ized"), ("nis", "niz"),
    ("lis", "liz"), ("mis", "miz"), ("ris", "riz"), ("tis", "tiz"), ("our", "or"), ("oured", "ored"),
    ("tre", "ter"), ("bre", "ber"), ("ence", "ens"),
)  # fmt: skip
_BRITISH = tuple(british for british, _ in _SPELLINGS)


# -------------------------------------------------------------------------------- index


class TermIndex:
    """Keys -> payload numbers, found in compact strings without looping over the keys."""

    __slots__ = ("_lengths", "_payloads", "_widths")

    def __init__(self, items: Iterable[tuple[str, int]], *, width: int) -> None:
        self._payloads: dict[str, tuple[int, ...]] = {}
        for key, payload in items:
            known = self._payloads.get(key)
            self._payloads[key] = (payload,) if known is None else (*known, payload)
        lengths: dict[str, set[int]] = {}
        for key in self._payloads:
            lengths.setdefault(key[:width], set()).add(len(key))
        self._lengths = {prefix: tuple(found) for prefix, found in lengths.items()}
        self._widths = sorted({len(prefix) for prefix in lengths})

    def __len__(self) -> int:
        return len(self._payloads)

    def find(self, compact: Compact) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Yield every ``(start, end, payloads)`` between two anchors of `compact`, overlapping ones too."""
        text, last, payloads, lengths = compact.text, compact.last, self._payloads, self._lengths
        widths = self._widths
        for start in compact.first:
            for width in widths:
                for length in lengths.get(text[start : start + width], ()):
                    end = start + length
                    if end in last and (found := payloads.get(text[start:end])) is not None:
                        yield start, end, found


# -------------------------------------------------------------------------------- word boundaries


_TERM_FREQUENCY = 50  # a middling word of jieba's dictionary
_LONGEST = 5  # characters; longer words of the dictionary are phrases, and a term inside one is no accident


@lru_cache(maxsize=1)
def _words() -> tuple[dict[str, int], float]:
    """Word frequencies of jieba's dictionary and the logarithm of their sum."""
    fields = _dictionary()
    frequencies = dict(zip(fields[::3], map(int, fields[1::3]), strict=True))
    return frequencies, log(sum(frequencies.values()))


@lru_cache(maxsize=1)
def parts_of_speech() -> dict[str, str]:
    """Return the words of jieba's dictionary with their tags, as in the corpus of the People's Daily."""
    fields = _dictionary()
    return dict(zip(fields[::3], fields[2::3], strict=True))


def _dictionary() -> list[str]:
    """Words, frequencies and tags by turns.

    Only the data file is used: importing jieba warns and logs, and its own loader takes a second and writes a
    cache into the system's temporary folder.
    """
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        raise TermbaseError("the package 'jieba' is not installed. Install it with: pip install jieba")
    return Path(spec.origin).with_name("dict.txt").read_text(encoding="utf-8").split()


def crossings(text: str) -> bytearray:
    """Mark the positions of folded Chinese `text` that some word of the dictionary stands across."""
    frequencies, _ = _words()
    crossed = bytearray(len(text) + 1)
    for i in range(len(text)):
        for length in range(2, _LONGEST + 1):
            if text[i : i + length] in frequencies:
                crossed[i + 1 : i + length] = b"\1" * (length - 1)
    return crossed


def straddle(text: str, start: int, end: int, *, window: int = 8) -> float:
    """Judge how surely ``text[start:end]`` cuts through words around it, as 国会 in 中国会议.

    Compares the best segmentation of the neighborhood with the best one that keeps the term whole: as a word
    or words of its own or, if it is a word of the dictionary, inside a longer one (银行 in 商业银行).

    Parameters
    ----------
    text : str
        Folded Chinese.
    start, end : int
        The place to judge.
    window : int
        Characters looked at on each side; cut at punctuation.

    Returns
    -------
    float
        Difference of their log-probabilities; 0 or less when the term is whole in the best segmentation.
    """
    low = start
    while low > max(0, start - window) and HAN.match(text[low - 1]):
        low -= 1
    high = end
    while high < min(len(text), end + window) and HAN.match(text[high]):
        high += 1
    return _loss(text[low:high], start - low, end - low)


@lru_cache(maxsize=65536)
def _loss(text: str, start: int, end: int) -> float:
    """How much less probable `text` is when ``text[start:end]`` is kept whole."""
    return _paths(text, None)[0] - _paths(text, (start, end))[0]


def segment(text: str) -> list[str]:
    """Split folded Chinese into the most probable words of jieba's dictionary, else into characters."""
    _, ends = _paths(text, None)
    words, i = [], 0
    while i < len(text):
        words.append(text[i : ends[i]])
        i = ends[i]
    return words


def is_word(text: str) -> bool:
    """Whether folded Chinese `text` is a word of jieba's dictionary."""
    return text in _words()[0]


def _paths(text: str, whole: Span | None) -> tuple[float, list[int]]:
    """Return the best log-probability and, for each position, where the best word from there ends.

    No word crosses only one end of `whole`, and none contains it unless it is a word itself, which counts as
    one of middling frequency.
    """
    frequencies, total = _words()
    start, end = whole or (0, len(text))
    nested = whole is None or is_word(text[start:end])
    n = len(text)
    score, ends = [0.0] * (n + 1), list(range(1, n + 1))
    for i in range(n - 1, -1, -1):
        best = log(frequencies.get(text[i]) or 1) - total + score[i + 1]
        for j in range(i + 2, min(n, i + _LONGEST) + 1):
            frequency = frequencies.get(text[i:j], 0)
            if (i, j) == whole:
                frequency = max(frequency, _TERM_FREQUENCY)
            if not frequency or (found := log(frequency) - total + score[j]) <= best:
                continue
            crosses = i < start < j or i < end < j
            if not crosses or (nested and i <= start and end <= j):
                best, ends[i] = found, j
        score[i] = best
    return score[0], ends
