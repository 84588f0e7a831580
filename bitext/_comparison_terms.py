"""How several translations of one source render its terms, and what they say about each other's renderings.

Alignments of a Chinese source with English translations come in; rows of terms with the renderings of each, and
who has something else than most, come out.  Other languages get none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bitext._names import words
from bitext._renderings import Beads, Passages
from bitext._termbase import with_default
from bitext._termmatch import fold, lemma, parts_of_speech, root, segment
from bitext._wordalign import tokens
from bitext.checks import term_issue
from bitext.data import Alignment, Issue, Span
from bitext.report import Report
from bitext.terminology import Concept, Termbase, TermCandidate, TermFinding, compare_terms, extract_terms

_ALIKE, _ACCEPTABLE = 0.6, 0.8
"""Share of their words that renderings have in common to count as the same, or as the accepted one."""
_DOUBTED, _WRONG = 0.5, 0.75
"""Probability of being wrong from which others' renderings are evidence, or an issue of their own."""
_ASKED = "|consensus"
"""What a signature has when the other translations were asked."""
_ACCEPTED = ("preferred", "admitted")
_NO_TERMS = ("v", "d", "a")
"""Tags of words that are rendered freely."""


@dataclass(frozen=True, slots=True)
class TermRow:
    """A term of the source and how each translation renders it.

    Attributes
    ----------
    text : str
        As the source first has it.
    count : int
        Number of places.
    known : tuple of str
        Renderings that the termbase accepts; empty if it does not know the term.
    renderings : tuple of tuple of (str, int)
        Per translation: renderings and how often, most frequent first.
    dissenting : tuple of int
        Translations that do not have what most have; all that differ where there is no majority.
    """

    text: str
    count: int
    known: tuple[str, ...]
    renderings: tuple[tuple[tuple[str, int], ...], ...]
    dissenting: tuple[int, ...]


def linked_passages(alignments: Sequence[Alignment]) -> Passages | None:
    """Link the words of translations of a Chinese source into English; ``None`` for other languages."""
    if not all(a.source.lang.startswith("zh") and a.target.lang.startswith("en") for a in alignments):
        return None
    return Passages([[(a.source_text(b), a.target_text(b)) for b in a if b.source] for a in alignments])


def term_rows(
    reports: Sequence[Report], passages: Passages, *, termbase: Termbase | None = None
) -> tuple[TermRow, ...]:
    """Set the renderings of each term side by side.

    Parameters
    ----------
    reports : sequence of Report
        A translation whose rendering no termbase accepts dissents only if a check has found that too: what its
        words link to may be wrong.
    passages : Passages
        From `linked_passages`.
    termbase : Termbase, optional
        The project's terms, on top of the termbase that comes with bitext.

    Returns
    -------
    tuple of TermRow
        Terms that stand twice or that a termbase knows; those rendered differently first.
    """
    rows = [
        *_known_rows(passages.translations, with_default(termbase), _flagged(reports)),
        *_extracted_rows(passages, with_default(termbase)),
    ]
    return tuple(sorted(rows, key=lambda row: (not row.dissenting, -row.count)))


def with_consensus(
    reports: Sequence[Report], *, termbase: Termbase | None = None, passages: Passages | None = None
) -> list[Report]:
    """Add what translations of one source say about each other's terms.

    What the others have becomes evidence of an issue that a check has found in the same words.  By itself it
    makes an issue only of a name that all others agree on: translators differ in words for good reasons, but
    hardly in names.

    Parameters
    ----------
    reports : sequence of Report
        On a Chinese text translated into English; others are returned as they are.
    termbase : Termbase, optional
        What it accepts is not doubted; the termbase that comes with bitext is asked too.
    passages : Passages, optional
        From `linked_passages`, if it is at hand.

    Returns
    -------
    list of Report
    """
    if len(reports) < 2:
        return list(reports)
    passages = passages or linked_passages([report.alignment for report in reports])
    if passages is None:
        return list(reports)
    found = compare_terms(passages, termbase=with_default(termbase), threshold=_DOUBTED)
    enriched = []
    for report, findings in zip(reports, found, strict=True):
        beads = [i for i, bead in enumerate(report.alignment) if bead.source]
        issues = list(report.issues)
        for at, finding in findings:
            if finding.evidence[0].partition(" ")[0].isdigit():  # "2 of 2 others have ..."
                _add(issues, term_issue(report.alignment, beads[at], finding), finding)
        signature = f"{report.signature.removesuffix(_ASKED)}{_ASKED}"
        enriched.append(replace(report, issues=tuple(issues), signature=signature))
    return enriched


def _add(issues: list[Issue], new: Issue, finding: TermFinding) -> None:
    """Add evidence to the issues about the same words, or else the issue, if it is about a name."""
    same = [
        k
        for k, issue in enumerate(issues)
        if issue.check.startswith(("term-", "name-")) and _overlap(issue.source_span, new.source_span)
    ]
    for k in same:
        issues[k] = replace(issues[k], evidence=tuple(dict.fromkeys((*issues[k].evidence, *new.evidence))))
    if not same and finding.confidence >= _WRONG and _is_name(finding.suggestion):
        issues.append(replace(new, check="name-mismatch"))


def _overlap(one: Span | None, other: Span | None) -> bool:
    return one is not None and other is not None and one[0] < other[1] and other[0] < one[1]


def _is_name(rendering: str | None) -> bool:
    content = words(rendering or "")
    return bool(content) and all(
        w[0].isupper() for w in (rendering or "").split() if w.lower().strip("“”\"'.,") in content
    )


# -------------------------------------------------------------------------------- rows


Key = frozenset[str]
Renderings = tuple[tuple[tuple[str, int], ...], ...]


Flagged = list[list[list[Span]]]
"""Per translation and bead with a source: where in its text a check has found a term or name wrong."""


def _flagged(reports: Sequence[Report]) -> Flagged:
    flagged = []
    for report in reports:
        alignment = report.alignment
        spans: dict[int, list[Span]] = {i: [] for i, bead in enumerate(alignment) if bead.source}
        for issue in report.issues:
            if (
                issue.source_span
                and issue.check in ("term-mismatch", "name-mismatch")
                and issue.bead in spans
            ):
                start = alignment.source.span(alignment[issue.bead].source)[0]
                spans[issue.bead].append((issue.source_span[0] - start, issue.source_span[1] - start))
        flagged.append(list(spans.values()))
    return flagged


def _known_rows(beads: Sequence[Beads], termbase: Termbase, flagged: Flagged) -> list[TermRow]:
    """Look the source up in the termbase; a rendering it does not accept is what the term's words link to."""
    concepts: dict[str, Concept] = {}
    texts: dict[str, str] = {}
    counts: Counter[str] = Counter()
    found: dict[str, list[Counter[str]]] = {}
    missing: list[tuple[str, int, int]] = []
    wrong: set[tuple[str, int]] = set()
    for t, of_one in enumerate(beads):
        for i, (source, target) in enumerate(of_one):
            matches = termbase.matches(source, "zh")
            there = termbase.matches(target, "en", overlapping=True) if matches else []
            for match in matches:
                id = match.concept.id
                concepts[id] = match.concept
                texts.setdefault(id, source[slice(*match.span)])
                counts[id] += t == 0
                votes = found.setdefault(id, [Counter() for _ in beads])[t]
                accepted = [m.span for m in there if m.concept.id == id and m.term.status in _ACCEPTED]
                if accepted:
                    start, end = max(accepted, key=lambda span: span[1] - span[0])
                    votes[target[start:end]] += 1
                else:
                    missing.append((id, t, i))
                    if any(_overlap(match.span, span) for span in flagged[t][i]):
                        wrong.add((id, t))
    _link(missing, found, texts, beads)
    return [
        _row(
            texts[id],
            counts[id],
            tuple(tuple(votes.most_common()) for votes in found[id]),
            concept,
            wrong=frozenset(t for other, t in wrong if other == id),
        )
        for id, concept in concepts.items()
    ]


def _link(
    missing: Sequence[tuple[str, int, int]],
    found: dict[str, list[Counter[str]]],
    texts: dict[str, str],
    beads: Sequence[Beads],
) -> None:
    """Count what stands for a term in passages without an accepted rendering."""
    passages = Passages([[of_one[i] for _, t, i in missing if t == u] for u, of_one in enumerate(beads)])
    at: Counter[int] = Counter()
    for id, t, i in missing:
        term = [token.key for token in tokens(texts[id], "zh")]
        for occurrence in passages.occurrences(term, t) if term else ():
            if occurrence.bead == at[t] and occurrence.target_span:
                found[id][t][beads[t][i][1][slice(*occurrence.target_span)]] += 1
        at[t] += 1


def _extracted_rows(passages: Passages, termbase: Termbase) -> list[TermRow]:
    """Find terms that no termbase knows but that come back."""
    candidates = extract_terms(passages, termbase=termbase)
    return [
        _row(c.text, c.count, c.renderings, None) for c in candidates if c.concept is None and _is_term(c)
    ]


def _is_term(candidate: TermCandidate) -> bool:
    """Whether it comes back often enough for what kind of word it is."""
    tags = [parts_of_speech().get(word, "x") for word in segment(fold(candidate.text))]
    is_plain_word = len(tags) == 1
    return (
        "r" not in tags
        and candidate.count > 1 + is_plain_word
        and not (is_plain_word and tags[0] in _NO_TERMS)
    )


def _row(
    text: str,
    count: int,
    renderings: Renderings,
    concept: Concept | None,
    wrong: frozenset[int] = frozenset(),
) -> TermRow:
    accepted = concept.target_terms if concept else ()
    known = tuple(term.text for term in accepted if term.status in _ACCEPTED)
    usual = [_usual(side, count) for side in renderings]
    return TermRow(text, count, known, renderings, _dissenting(usual, list(map(_key, known)), wrong))


def _usual(renderings: Sequence[tuple[str, int]], count: int) -> Key:
    """Return the words of the rendering that a translation has most of the time; none if there is none."""
    votes: Counter[Key] = Counter()
    for text, n in renderings:
        votes[_key(text)] += n
    for key in sorted(votes, key=lambda k: (-votes[k], len(k))):
        # a stretch found longer than the rendering still has its words
        if key and 2 * sum(n for other, n in votes.items() if key <= other) > count:
            return key
    return frozenset()


def _dissenting(
    usual: Sequence[Key], known: Sequence[Key] = (), wrong: frozenset[int] = frozenset()
) -> tuple[int, ...]:
    """Find who is `wrong` where others have what is known, or else who has something else than most.

    Who has nothing has no say.
    """
    voters = [t for t, key in enumerate(usual) if key]
    right = [t for t in voters if any(_alike(usual[t], key, _ACCEPTABLE) for key in known)]
    if right:
        return tuple(t for t in voters if t not in right and t in wrong)
    camps = {frozenset(u for u in voters if _alike(usual[t], usual[u])) for t in voters}
    largest = sorted(map(len, camps), reverse=True)
    if not camps or largest[0] == len(voters):
        return ()
    if largest[1:2] == largest[:1]:
        return tuple(voters)
    majority = max(camps, key=len)
    return tuple(t for t in voters if t not in majority)


def _key(rendering: str) -> Key:
    return frozenset(root(lemma(word)) for word in words(rendering))


def _alike(one: Key, other: Key, share: float = _ALIKE) -> bool:
    """Whether renderings share most of their words, or one is a part of the other."""
    return one <= other or other <= one or len(one & other) >= share * len(one | other)
