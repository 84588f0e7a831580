"""Terms without a termbase: translations of a document in, its terms, their renderings and doubts out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bitext._concepts import Concept, TermFinding
from bitext._doubts import OWN, Doubt, Place, doubts
from bitext._renderings import Beads, Key, Occurrence, Passages, term_counts
from bitext._termbase import Termbase
from bitext.data import Span, Term

_ACCEPTED = ("preferred", "admitted")
_RECURS = OWN.index("log occurrences")
_MIN_AGREEMENT = 0.5
"""Share of the other translations that must agree on a rendering for it to be suggested."""


@dataclass(frozen=True, slots=True)
class TermCandidate:
    """A term of a document and what became of it.

    Attributes
    ----------
    text : str
        As the source first has it.
    places : tuple of (int, span)
        Bead of the first translation, and code points in its source text.
    renderings : tuple of tuple of (str, int)
        Per translation: renderings as they stand there and how often, most frequent first.
    concept : Concept or None
        Of the termbase, if it knows the term.
    """

    text: str
    places: tuple[tuple[int, Span], ...]
    renderings: tuple[tuple[tuple[str, int], ...], ...]
    concept: Concept | None = None

    @property
    def count(self) -> int:
        """Number of places."""
        return len(self.places)


def extract_terms(
    translations: Sequence[Beads] | Passages,
    *,
    termbase: Termbase | None = None,
    min_count: int = 2,
    limit: int = 200,
) -> list[TermCandidate]:
    """List the terms of a Chinese document with their renderings in each English translation.

    Parameters
    ----------
    translations : sequence of beads, or Passages
        Of the same source; each a sequence of (source text, target text) in order.
    termbase : Termbase, optional
        Terms it knows are listed with their concept.
    min_count : int
        Terms that stand less often are left out.
    limit : int
        Length of the list; the most frequent and longest come first.
    """
    passages = _linked(translations)
    translations = passages.translations
    counts = term_counts(passages.source[0], min_count, nested=False)
    ranked = sorted(counts, key=lambda key: (-counts[key] * len(key) ** 0.5, "".join(key)))
    found = []
    for key in ranked[:limit]:
        everywhere = [passages.occurrences(key, j) for j in range(len(translations))]
        places = tuple((o.bead, o.source_span) for o in everywhere[0])
        text = translations[0][places[0][0]][0][slice(*places[0][1])]
        renderings = tuple(_surfaces(b, o) for b, o in zip(translations, everywhere, strict=True))
        found.append(TermCandidate(text, places, renderings, _known(termbase, text)))
    return found


def termbase_of(candidates: Iterable[TermCandidate], *, name: str = "extracted") -> Termbase:
    """Make a termbase for a person to correct: the most frequent rendering is preferred, others admitted."""
    concepts = []
    for candidate in candidates:
        if candidate.concept is not None:
            concepts.append(candidate.concept)
            continue
        votes: Counter[str] = Counter()
        for renderings in candidate.renderings:
            for text, count in renderings:
                votes[text] += count
        terms = [
            Term(text, "en", "admitted" if i else "preferred")
            for i, (text, _) in enumerate(votes.most_common(4))
        ]
        if terms:
            share = votes[terms[0].text] / votes.total()
            source = (Term(candidate.text, "zh"),)
            concepts.append(
                Concept(
                    candidate.text, source, tuple(terms), provenance="extracted", confidence=round(share, 2)
                )
            )
    return Termbase(concepts, name=name)


def compare_terms(
    translations: Sequence[Beads] | Passages,
    *,
    termbase: Termbase | None = None,
    threshold: float | None = None,
) -> list[list[tuple[int, TermFinding]]]:
    """Find renderings of Chinese terms that other translations, or the rest of the same one, speak against.

    Parameters
    ----------
    translations : sequence of beads, or Passages
        Of the same source; each a sequence of (source text, target text) in order.  One is enough; several
        know more.
    termbase : Termbase, optional
        What it accepts is not doubted.
    threshold : float, optional
        Probability of being wrong from which a rendering is reported; by default 0.75 where others speak
        against it, 0.9 for a translation alone.

    Returns
    -------
    list of list of (int, TermFinding)
        Per translation: index into its beads and finding of kind ``doubtful``, in text order.
    """
    passages = _linked(translations)
    translations = passages.translations
    if threshold is None:
        threshold = 0.75 if len(translations) > 1 else 0.9
    findings = []
    for j, doubted in enumerate(doubts(passages, term_counts(passages.source[0], 1))):
        sure = [d for d in doubted if d.probability >= threshold and d.occurrence.key]
        findings.append(
            [
                (d.occurrence.bead, _finding(translations, j, d))
                for d in _exclusive(sure)
                if _has_grounds(d)
                and not _is_accepted(termbase, translations[j][d.occurrence.bead], d.occurrence)
            ]
        )
    return findings


def _linked(translations: Sequence[Beads] | Passages) -> Passages:
    return translations if isinstance(translations, Passages) else Passages(translations)


def _surfaces(beads: Beads, occurrences: Sequence[Occurrence]) -> tuple[tuple[str, int], ...]:
    """Count renderings by what their forms share, and name each by its most frequent form."""
    forms: dict[Key, Counter[str]] = defaultdict(Counter)
    for o in occurrences:
        if o.target_span is not None:
            forms[o.key][beads[o.bead][1][slice(*o.target_span)]] += 1
    ranked = sorted(forms.values(), key=lambda counts: -counts.total())
    return tuple((counts.most_common(1)[0][0], counts.total()) for counts in ranked)


def _known(termbase: Termbase | None, text: str) -> Concept | None:
    matches = termbase.matches(text, "zh") if termbase else []
    return matches[0].concept if len(matches) == 1 and matches[0].span == (0, len(text)) else None


def _exclusive(doubted: list[Doubt]) -> list[Doubt]:
    """Keep of those that overlap the one most surely a term: it recurs, is long, is doubtful; in text order."""

    def rank(doubt: Doubt) -> tuple[float, int, float]:
        recurs = doubt.features[_RECURS]
        start, end = doubt.occurrence.source_span
        return -recurs, (start - end) * (recurs > 0), -doubt.probability

    kept: list[Doubt] = []
    for doubt in sorted(doubted, key=lambda d: (*rank(d), d.occurrence.source_span)):
        if not any(_overlap(doubt.occurrence, other.occurrence) for other in kept):
            kept.append(doubt)
    return sorted(kept, key=lambda d: (d.occurrence.bead, d.occurrence.source_span))


def _has_grounds(doubt: Doubt) -> bool:
    """Whether there is something to say: what most others have, or what this translation has elsewhere."""
    places = [doubt.usual, doubt.consensus if doubt.agreement > _MIN_AGREEMENT else None]
    return any(place is not None and place[1].key != doubt.occurrence.key for place in places)


def _overlap(one: Occurrence, other: Occurrence) -> bool:
    (a, b), (c, d) = one.source_span, other.source_span
    return one.bead == other.bead and a < d and c < b


def _is_accepted(termbase: Termbase | None, bead: tuple[str, str], occurrence: Occurrence) -> bool:
    """Whether the termbase knows the term, or one around or inside it, and the target has its rendering."""
    if termbase is None:
        return False
    start, end = occurrence.source_span
    known = {m.concept.id for m in termbase.matches(bead[0], "zh") if m.span[0] < end and start < m.span[1]}
    there = termbase.matches(bead[1], "en", overlapping=True)
    return any(m.concept.id in known and m.term.status in _ACCEPTED for m in there)


def _finding(translations: Sequence[Beads], j: int, doubt: Doubt) -> TermFinding:
    occurrence = doubt.occurrence
    term, there = _texts(translations, (j, occurrence))
    _, usual = _texts(translations, doubt.usual)
    _, consensus = _texts(translations, doubt.consensus)
    n_others = len(translations) - 1
    if consensus and doubt.agreement > _MIN_AGREEMENT and consensus != there:
        suggestion, reason = consensus, f"{round(doubt.agreement * n_others)} of {n_others} others have"
    elif usual and usual != there:
        suggestion, reason = usual, "elsewhere it is"
    else:
        suggestion, reason = None, "other passages speak against it"
    return TermFinding(
        kind="doubtful",
        concept=None,
        source_span=occurrence.source_span,
        target_span=occurrence.target_span,
        severity="minor",
        confidence=round(doubt.probability, 2),
        message=f'{term} is "{there}"; {reason}' + (f' "{suggestion}"' if suggestion else ""),
        suggestion=suggestion,
        evidence=(reason + (f' "{suggestion}"' if suggestion else ""),),
    )


def _texts(translations: Sequence[Beads], place: Place | None) -> tuple[str, str]:
    """Return the term and its rendering at `place`; empty where there is none."""
    if place is None:
        return "", ""
    j, occurrence = place
    source, target = translations[j][occurrence.bead]
    rendering = target[slice(*occurrence.target_span)] if occurrence.target_span else ""
    return source[slice(*occurrence.source_span)], rendering
