"""The beads of a document, and what a termbase finds in them: texts in, terms and renderings by bead out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bitext._concepts import Concept
from bitext._locate import Similarity
from bitext._spelled import unheard_names
from bitext._termbase import Termbase, TermMatch
from bitext._termmatch import compact
from bitext.data import Span

ACCEPTED = ("preferred", "admitted")
"""Statuses of renderings that are right."""
LATIN_RUN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z][A-Za-z0-9]*(?:[ .&+/-]?[A-Za-z0-9]+)*\+*")


@dataclass(frozen=True, slots=True)
class TermView:
    """What the termbase finds in one bead: source terms, longest first and exclusive; all target terms."""

    source: str
    target: str
    occurrences: dict[Span, tuple[Concept, ...]]
    renderings: tuple[TermMatch, ...]

    @property
    def concepts(self) -> set[str]:
        return {concept.id for concepts in self.occurrences.values() for concept in concepts}

    def explained(self) -> list[Span]:
        """Return the places of the target that render another term, or a Latin string, of the source."""
        return [r.span for r in self.of(self.concepts, *ACCEPTED)] + self.latin()

    def latin(self) -> list[Span]:
        """Return where Latin strings of the source stand in the target."""
        words = {m[0] for m in LATIN_RUN.finditer(self.source)}
        return [m.span() for word in words for m in re.finditer(re.escape(word), self.target, re.I)]

    def whole_names(self) -> list[Span]:
        """Return the places of the target where the termbase, or a Latin string, has all of a name."""
        return [r.span for r in self.renderings if r.term.status in ACCEPTED] + self.latin()

    def of(self, ids: Iterable[str], *statuses: str) -> list[TermMatch]:
        """Return the renderings of the concepts `ids` that have one of `statuses`."""
        wanted = set(ids)
        return [r for r in self.renderings if r.concept.id in wanted and r.term.status in statuses]


@dataclass(frozen=True, slots=True)
class TermDocument:
    """All beads, and what every check needs to know about them."""

    views: tuple[TermView, ...]
    targets: tuple[str, ...]
    """Compact target texts, to count phrases in."""
    usual: Counter[str]
    """Concept to the number of beads in which it is rendered as expected."""
    source_lang: str
    target_lang: str
    strict: bool | None
    similarity: Similarity | None

    @classmethod
    def of(
        cls,
        beads: Sequence[tuple[str, str]],
        termbase: Termbase,
        languages: tuple[str, str],
        strict: bool | None,
        similarity: Similarity | None,
    ) -> TermDocument:
        views = []
        for source, target in beads:
            occurrences: dict[Span, tuple[Concept, ...]] = {}
            for match in termbase.matches(source, languages[0]):
                if match.term.status in (*ACCEPTED, "deprecated"):
                    occurrences[match.span] = (*occurrences.get(match.span, ()), match.concept)
            renderings = termbase.matches(target, languages[1], overlapping=True)
            views.append(TermView(source, target, occurrences, tuple(renderings)))
        targets = tuple(compact(target, languages[1]).text for _, target in beads)
        usual = Counter(id for v in views for id in v.concepts if v.of({id}, *ACCEPTED))
        return cls(tuple(views), targets, usual, *languages, strict, similarity)

    def neighbors(self, n: int) -> list[TermView]:
        return [self.views[i] for i in (n - 1, n + 1) if 0 <= i < len(self.views)]

    def unheard(self, n: int) -> list[Span]:
        """Return the names in pinyin in the target of bead `n` that sound like nothing in the source nearby."""
        view, sources = self.views[n], [v.source for v in (self.views[n], *self.neighbors(n))]
        return unheard_names(sources, view.target, view.whole_names())

    def is_required(self, concept: Concept) -> bool:
        return concept.required if self.strict is None else self.strict

    def source_term(self, concept: Concept, view: TermView, span: Span | None) -> str:
        return view.source[slice(*span)] if span else concept.terms(self.source_lang)[0].text


def is_inside(inner: Span, outer: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def is_ambiguous(concept: Concept) -> bool:
    """Whether the Chinese may be an ordinary word."""
    return concept.condition.startswith("ambiguous")
