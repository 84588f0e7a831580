"""What stands in a translation in place of a name: a name and its passage in, a span and evidence out.

No dictionary of wrong renderings is needed.  Candidates are the phrases written as names, and those whose
every word glosses a piece of the name; they are weighed by how literal they are, by whether they come and go
with the name over the document, and by whether an encoder finds them similar.  What spells the sound of the
name is never returned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitext import _names
from bitext._termmatch import term_key
from bitext.data import Span

Similarity = Callable[[list[str], list[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Sought:
    """A name whose rendering is sought in one bead.

    `span` is its place in `source`; `beads` are all beads of the document with the name in the source;
    `right` holds the words of its accepted renderings.
    """

    source: str
    target: str
    span: Span
    beads: frozenset[int]
    right: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The name as the source has it."""
        return self.source[slice(*self.span)]


@dataclass(frozen=True, slots=True)
class Located:
    """A place in the target, how surely it renders the name wrongly, and why."""

    span: Span
    confidence: float
    evidence: tuple[str, ...]
    literal: _names.Literal


def locate(
    sought: Sought,
    explained: Sequence[Span],
    targets: Sequence[str],
    *,
    similarity: Similarity | None = None,
) -> Located | None:
    """Find the most probable wrong rendering of a name.

    Parameters
    ----------
    sought : Sought
    explained : sequence of span
        Places of the target that render something else.
    targets : sequence of str
        Compact English texts of all beads, to count phrases in.
    similarity : callable, optional
        Cosine similarity of two lists of strings.
    """
    phrases = _names.capitalized(sought.target, explained)
    written = {cut for phrase in phrases for cut in _cuts(sought, phrase)}
    plain: set[Span] = set()
    for run in _names.literal_runs(sought.name, sought.target):
        inside = any(p[0] <= run[0] and run[1] <= p[1] for p in phrases)
        (written if inside else plain).add(run)
    found = [_judge(sought, c, targets, similarity, capital=c in written) for c in sorted(written | plain)]
    return max((f for f in found if f), key=lambda f: (f.confidence, f.span[1] - f.span[0]), default=None)


def _cuts(sought: Sought, phrase: Span) -> Iterator[Span]:
    """Yield `phrase`, and `phrase` without the words at its ends that the text around the name explains."""
    yield phrase
    start, end = sought.span
    around = sought.source[max(0, start - 12) : start] + " " + sought.source[end : end + 12]
    tokens = [m.span() for m in re.compile(r"[^\s-]+").finditer(sought.target, *phrase)]

    def foreign(token: Span) -> bool:
        word = sought.target[slice(*token)]
        return not _names.literal(sought.name, word).pairs and bool(_names.literal(around, word).pairs)

    while tokens and foreign(tokens[-1]):
        tokens.pop()
    while tokens and foreign(tokens[0]):
        tokens.pop(0)
    if tokens:
        yield tokens[0][0], tokens[-1][1]


def _judge(
    sought: Sought, candidate: Span, targets: Sequence[str], similarity: Similarity | None, *, capital: bool
) -> Located | None:
    """Weigh the evidence that `candidate` is a wrong rendering of the name."""
    name, phrase = sought.name, sought.target[slice(*candidate)]
    gloss, words = _names.literal(name, phrase), _names.words(phrase)
    rest = set(words) - {word for _, word in gloss.pairs}
    others = {w for w in words if not any(w[:4] == r[:4] for r in sought.right)}
    if not gloss.pairs or not others or any(_names.is_romanization(name, w) for w in rest - sought.right):
        return None  # nothing in common, a form of the right name, or its sound
    evidence = ["word for word: " + ", ".join(f"{zh} = {en}" for zh, en in gloss.pairs)]
    confidence = 0.0
    if gloss.words == 1.0 and (len(gloss.pairs) >= 2 or (gloss.characters >= 0.75 and len(name) > 1)):
        confidence += 0.5
    elif (gloss.words >= 0.5 and len(gloss.pairs) >= 2) or (rest and rest <= sought.right):
        confidence += 0.35
    if shared := sought.right.intersection(words):
        confidence += 0.15
        evidence.append(f"in part the right name: {', '.join(sorted(shared))}")
    key = term_key(phrase, "en")
    there = [n in sought.beads for n, text in enumerate(targets) if key in text]
    if all(there):
        confidence += 0.25 if len(there) > 1 else 0.1
        with_it = f"in {len(there)} passages with {name} and " if len(there) > 1 else ""
        evidence.append(f'"{phrase}" stands {with_it}nowhere else')
    if capital:
        confidence += 0.1
        evidence.append("written as a name")
    if similarity is not None:
        cosine = float(similarity([name], [phrase])[0, 0])
        confidence += 0.1 * max(0.0, min(1.0, (cosine - 0.5) * 4))
        evidence.append(f"similarity {cosine:.2f}")
    if not capital and gloss.characters < 0.75:
        return None
    return Located(candidate, round(min(confidence, 0.95), 2), tuple(evidence), gloss)
