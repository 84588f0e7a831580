"""Names that no termbase lists: the Chinese texts of a document in, what may be names there out.

A new name is either set in quotation marks, or a run of characters that is no word of the dictionary and yet
recurs. Most of what this finds are no names; that is for the translation to show, which writes names with
capitals.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bitext._termmatch import HAN, fold, is_word, masked, segment
from bitext.data import Span

_QUOTED = re.compile(r"[“「『‘]([\u3400-\u9fff]{2,5})[”」』’]")
_RUN = re.compile(r"[\u3400-\u9fff]+")
_FUNCTION = frozenset(
    "的了是在和与及或也就都而又还把被让使向从对于为以到说要会能可上下中里内外前后个这那我你他她它们不没有很更最"
    "将已曾正着过之其该此每各某等至由因但若则且并即只仅才再一二三四五六七八九十两几多年月日时分秒点"
)
"""Characters that are words of their own more often than parts of an unknown one."""


@dataclass(frozen=True, slots=True)
class NewName:
    """A possible name: folded, its places as bead and code points, and whether it is no common phrase.

    `opaque` holds for what is set in quotation marks and for what has no word of the dictionary in it.
    """

    name: str
    places: tuple[tuple[int, Span], ...]
    opaque: bool


def new_names(sources: Sequence[str], known: Sequence[Sequence[Span]]) -> list[NewName]:
    """Find what may be names that are in no termbase.

    Parameters
    ----------
    sources : sequence of str
        Chinese texts of the beads.
    known : sequence of sequence of span
        Per bead, what the termbase explains.
    """
    folded = [masked(fold(source), spans) for source, spans in zip(sources, known, strict=True)]
    recurring: dict[str, set[int]] = defaultdict(set)
    for n, text in enumerate(folded):
        for run in _RUN.finditer(text):
            for candidate in _unknown(segment(run[0])):
                recurring[candidate].add(n)
    quoted = {m[1] for text in folded for m in _QUOTED.finditer(text)}
    names = {name for name, beads in recurring.items() if len(beads) > 1} | quoted
    places = _maximal(_places({name for name in names if not is_word(name)}, folded))
    return [
        NewName(name, tuple(found), name in quoted or all(len(word) == 1 for word in segment(name)))
        for name, found in places.items()
        if found
    ]


def _maximal(places: dict[str, list[tuple[int, Span]]]) -> dict[str, list[tuple[int, Span]]]:
    """Leave out what only ever stands as a part of one longer name."""
    whole = {
        name: any(
            name in longer and len(found) == len(places[longer])
            for longer in places
            if len(longer) > len(name)
        )
        for name, found in places.items()
    }
    return {name: found for name, found in places.items() if not whole[name]}


def _unknown(words: list[str]) -> set[str]:
    """Return runs of two to four characters that are not all words, and hold no function words."""
    found = set()
    for i, word in enumerate(words):
        if len(word) > 2 or word in _FUNCTION or not HAN.match(word):
            continue
        name = word
        for following in words[i + 1 : i + 4]:
            if len(following) > 2 or following in _FUNCTION:
                break
            singles = len(word) == 1 or len(following) == 1
            name += following
            if singles and 2 <= len(name) <= 4:
                found.add(name)
    return found


def _places(names: set[str], texts: Sequence[str]) -> dict[str, list[tuple[int, Span]]]:
    """Find all `names` in all `texts`, in one pass over each."""
    lengths = sorted({len(name) for name in names})
    places: dict[str, list[tuple[int, Span]]] = {name: [] for name in sorted(names)}
    for n, text in enumerate(texts):
        for start in range(len(text)):
            for length in lengths:
                if (found := places.get(text[start : start + length])) is not None:
                    found.append((n, (start, start + length)))
    return places
