"""How each term of a document is rendered, in each translation of it, with no termbase needed.

Beads of one or several English translations of a Chinese source come in.  Terms are runs of nouns and what modifies
them; the words of all passages are linked, and the stretch of the target that a term's words link to is its
rendering.  How surely it is wrong is for `_doubts`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bitext._names import FUNCTION_WORDS
from bitext._termmatch import HAN, lemma, parts_of_speech, root
from bitext._wordalign import Token, link_words, tokens
from bitext.data import Span

Beads = Sequence[tuple[str, str]]
Key = tuple[str, ...]

FUNCTION_KEYS = frozenset(map(lemma, FUNCTION_WORDS))
_LINKED = 0.3
"""A word of the target belongs to a rendering from this link probability on."""
_MAX_TOKENS, _MAX_CHARACTERS = 6, 14
_HEADS = ("n", "vn", "j", "l", "i", "an", "x")
"""Tags a term ends on; by their first letters."""
_INNER = ("n", "v", "j", "l", "i", "a", "b", "x", "s", "t", "r", "zg", "q")
"""Tags inside a term."""
_JOINING = frozenset("的及与和")
_FUNCTION = frozenset(
    "了是在或也就都而又还把被让使向从对于为以到说要会能可有无上下中里内外前后这那我你他她它们不没很更最将已曾正着过之"
    "其该此每各某等至由因但若则且并即只仅才再均亦令经按较逾约共同"
)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A term at a place of the source, and its rendering in one translation, if one was found."""

    bead: int
    source_span: Span
    target_span: Span | None
    key: Key


class Passages:
    """The linked words of all translations of a document."""

    def __init__(self, translations: Sequence[Beads]) -> None:
        self.translations = translations
        self.source = [[tokens(zh, "zh") for zh, _ in beads] for beads in translations]
        self.target = [[tokens(en, "en") for _, en in beads] for beads in translations]
        sides = zip(self.source, self.target, strict=True)
        links = iter(link_words([pair for zh, en in sides for pair in zip(zh, en, strict=True)]))
        self._links = [[next(links) for _ in beads] for beads in translations]
        self.words = [[{root(w.key) for w in words} for words in side] for side in self.target]

    @cached_property
    def _positions(self) -> list[dict[str, list[tuple[int, int]]]]:
        """Per translation: source word -> where it stands, as bead and number."""
        found = []
        for side in self.source:
            places: dict[str, list[tuple[int, int]]] = defaultdict(list)
            for bead, words in enumerate(side):
                for i, word in enumerate(words):
                    places[word.key].append((bead, i))
            found.append(places)
        return found

    def occurrences(self, term: Sequence[str], translation: int) -> list[Occurrence]:
        """Find the places of a term, given as its words, in source order."""
        found = []
        for bead, i in self._positions[translation].get(term[0], ()):
            words = self.source[translation][bead][i : i + len(term)]
            if [w.key for w in words] == list(term):
                found.append(self._rendered(translation, bead, i, i + len(term)))
        return found

    def _rendered(self, translation: int, bead: int, start: int, end: int) -> Occurrence:
        words, target = self.source[translation][bead], self.target[translation][bead]
        mass = self._links[translation][bead][start:end].sum(axis=0)
        window = _window(mass, [w.key for w in target])
        source_span = words[start].start, words[end - 1].end
        if window is None:
            return Occurrence(bead, source_span, None, ())
        first, last = window
        key = tuple(root(w.key) for w in target[first : last + 1] if w.key not in FUNCTION_KEYS)
        return Occurrence(bead, source_span, (target[first].start, target[last].end), key)


def _window(mass: NDArray[np.float32], words: Sequence[str]) -> tuple[int, int] | None:
    """Find the stretch of words that together are linked most; function words stand only inside it."""
    best, best_at, run, start = 0.0, None, 0.0, 0
    for i, (share, word) in enumerate(zip(mass.tolist(), words, strict=True)):
        gain = share - _LINKED
        if word in FUNCTION_KEYS and gain < 0:
            gain = min(0.0, share - 0.08)
        if run <= 0:
            run, start = 0.0, i
        run += gain
        if run > best:
            best, best_at = run, (start, i)
    if best_at is None:
        return None
    inside = [i for i in range(best_at[0], best_at[1] + 1) if words[i] not in FUNCTION_KEYS]
    return (inside[0], inside[-1]) if inside else None


# -------------------------------------------------------------------------------- candidate terms


def term_counts(beads: Sequence[Sequence[Token]], min_count: int, *, nested: bool = True) -> dict[Key, int]:
    """Count runs of nouns and their modifiers.

    Parameters
    ----------
    beads : sequence of sequence of Token
        The Chinese side of a document.
    min_count : int
    nested : bool, default True
        Also count what stands only as a part of one longer term.
    """
    counts: Counter[Key] = Counter()
    for words in beads:
        for run in _runs(words):
            for i in range(len(run)):
                for j in range(i + 1, min(len(run), i + _MAX_TOKENS) + 1):
                    counts[tuple(run[i:j])] += 1
    frequent = {key: n for key, n in counts.items() if n >= min_count and _is_term(key)}
    if nested:
        return frequent
    inner: Counter[Key] = Counter()
    for key, n in frequent.items():
        for i in range(len(key)):
            for j in range(i + 1, len(key) + (i > 0)):
                inner[key[i:j]] = max(inner[key[i:j]], n)
    return {key: n for key, n in frequent.items() if n > inner[key]}


def _runs(words: Sequence[Token]) -> Iterator[list[str]]:
    """Yield stretches of neighboring words that may all be inside a term."""
    run: list[str] = []
    end = -1
    for word in words:
        inner = word.key in _JOINING or (word.key not in _FUNCTION and _tag(word.key).startswith(_INNER))
        if run and not (inner and word.start == end):
            yield run
            run = []
        if inner:
            run.append(word.key)
        end = word.end
    if run:
        yield run


def _is_term(key: Key) -> bool:
    """Whether a run begins and ends as terms do."""
    text = "".join(key)
    if not HAN.search(text) or not 2 <= len(text) <= _MAX_CHARACTERS:
        return False
    if key[0] in _JOINING or key[-1] in _JOINING or sum(word in _JOINING for word in key) > 1:
        return False
    first, last = _tag(key[0]), _tag(key[-1])
    begins_with_verb = first.startswith("v") and first != "vn"
    if last.startswith("v") and last != "vn":
        return len(key) > 1 and not begins_with_verb  # 金融创新
    return last.startswith(_HEADS) and not (begins_with_verb and len(key) > 3)


def _tag(word: str) -> str:
    return parts_of_speech().get(word, "x")
