"""Alignment -> issues: the built-in checks.

A check is anything that takes an `Alignment` and yields `Issue` objects; pass your own beside or instead of
these.  A check stays silent unless it can say what is wrong and where: an editor stops reading a tool that cries
wolf.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bitext._negation import compare_negation
from bitext._numerals_en import MONTHS
from bitext._numerals_zh import CHARS
from bitext._termbase import with_default
from bitext.data import Alignment, Bead, Issue, Severity, Span
from bitext.quality import Fault, Judge, Judgement
from bitext.quantities import QuantityFinding, compare_quantities, find_quantities
from bitext.scoring import content_size
from bitext.terminology import Termbase, TermFinding, check_terms

Similarity = Callable[[list[str], list[str]], NDArray[np.float32]]

_HAN_RUN = re.compile(
    r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff][\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef]*"
)
_LATIN_RUN = re.compile(r"[A-Za-z][A-Za-z'’.,;:\- ]+[A-Za-z]")


class Check(Protocol):
    """What the pipeline needs of a check."""

    @property
    def slug(self) -> str:
        """Stable kebab-case name; enters the signature."""

    def __call__(self, alignment: Alignment) -> Iterable[Issue]:
        """Yield the issues of one translation."""


def built_in(
    *, termbase: Termbase | None = None, similarity: Similarity | None = None, judge: Judge | None = None
) -> tuple[Check, ...]:
    """All built-in checks.

    Parameters
    ----------
    termbase : Termbase, optional
        The project's terms, which win over those of the termbase that comes with bitext and whose renderings are
        required.
    similarity : callable, optional
        Cosines of two lists of short texts, for locating renderings that no list knows.
    judge : callable, optional
        The quality model; without one, nothing inside a bead is called mistranslated, omitted or added.
    """
    terms = with_default(termbase)
    return (
        NumberCheck(terms),
        TermCheck(terms, similarity=similarity),
        NegationCheck(),
        OmissionCheck(judge),
        AdditionCheck(judge),
        *([MistranslationCheck(judge)] if judge is not None else ()),
        UntranslatedCheck(),
        ReorderedCheck(),
    )


def _is_translation(alignment: Alignment, bead: Bead) -> bool:
    """Whether the two sides resemble each other enough for their numbers and terms to be compared."""
    enough = _COMPARABLE[alignment.order]
    return not bead.is_null and (bead.similarity is None or bead.similarity >= enough)


# on the scale of `Bead.similarity`; a text that quotes out of order often rephrases
_COMPARABLE = {"monotone": 0.3, "free": 0.5}


@dataclass(frozen=True, slots=True)
class NumberCheck:
    """Numbers compared by value across 万/亿 and English scales; numerals inside names of `termbase` are no numbers."""

    termbase: Termbase | None = None
    slug: str = "number-mismatch"

    def __call__(self, alignment: Alignment) -> Iterator[Issue]:
        """Yield number-mismatch and number-style issues."""
        yuan = _yuan(alignment)
        for index, bead in enumerate(alignment):
            if not _is_translation(alignment, bead):
                continue
            source, target = alignment.source_text(bead), alignment.target_text(bead)
            findings = compare_quantities(
                source,
                target,
                source_lang=alignment.source.lang,
                target_lang=alignment.target.lang,
                source_masked=self._names(source, alignment.source.lang),
                target_masked=self._names(target, alignment.target.lang),
                yuan=yuan,
            )
            for finding in findings:
                yield _number_issue(alignment, index, bead, finding)

    def _names(self, text: str, lang: str) -> list[Span]:
        if self.termbase is None:
            return []
        names = (m.span for m in self.termbase.matches(text, lang) if m.concept.pos == "name")
        return [span for span in names if _hides_numeral(text[slice(*span)], lang)]


def _hides_numeral(name: str, lang: str) -> bool:
    """Whether a name holds what would be read as a number: 三星, Apollo 11.

    "58" is short for a company, and far more often a number; the US of US$5 billion and the March of March 31 belong to
    what they stand at.
    """
    if not any(c.isalpha() for c in name) or name.lower() in MONTHS:
        return False
    return _NUMERAL.search(name) is not None or bool(find_quantities(name, lang))


_NUMERAL = re.compile(rf"[\d{CHARS}兩萬億半几幾数數]")


def _yuan(alignment: Alignment) -> str:
    """Which currency a bare 元 is in this document, if nearly all of its translations agree."""
    units: Counter[str] = Counter()
    chinese_source = alignment.source.lang.startswith("zh")
    for bead in alignment:
        texts = alignment.source_text(bead), alignment.target_text(bead)
        chinese, english = texts if chinese_source else texts[::-1]
        if "元" in chinese and english:
            units.update(q.unit for q in find_quantities(english, "en") if q.kind == "money")
    currency, count = max(units.items(), key=lambda item: item[1], default=("元", 0))
    return currency if count >= 3 and count >= 0.7 * units.total() and currency != "$" else "元"


def _number_issue(alignment: Alignment, index: int, bead: Bead, finding: QuantityFinding) -> Issue:
    style = finding.kind == "style"
    return Issue(
        check="number-style" if style else "number-mismatch",
        category="locale-conventions/number-format" if style else "accuracy/mistranslation",
        severity=finding.severity,
        confidence=finding.confidence,
        message=finding.message,
        bead=index,
        source_span=_shift(
            finding.source.span if finding.source else None, alignment.source.span(bead.source)[0]
        ),
        target_span=_shift(
            finding.target.span if finding.target else None, alignment.target.span(bead.target)[0]
        ),
        suggestion=finding.suggestion,
        evidence=(f"number {finding.kind}",) + ((f"factor {finding.factor:g}",) if finding.factor else ()),
    )


@dataclass(frozen=True, slots=True)
class TermCheck:
    """Terms and names against a termbase and the document's own evidence."""

    termbase: Termbase
    similarity: Similarity | None = None
    slug: str = field(default="term-mismatch")

    def __call__(self, alignment: Alignment) -> Iterator[Issue]:
        """Yield term-mismatch, name-mismatch and term-inconsistent issues."""
        indices = [i for i, b in enumerate(alignment) if _is_translation(alignment, b)]
        pairs = [(alignment.source_text(alignment[i]), alignment.target_text(alignment[i])) for i in indices]
        findings = check_terms(
            pairs,
            self.termbase,
            source_lang=alignment.source.lang,
            target_lang=alignment.target.lang,
            similarity=self.similarity,
        )
        for at, finding in findings:
            yield term_issue(alignment, indices[at], finding)


def term_issue(alignment: Alignment, index: int, finding: TermFinding) -> Issue:
    """Return a finding about bead `index` as an issue."""
    bead = alignment[index]
    is_name = finding.concept is not None and finding.concept.pos == "name"
    if finding.kind == "inconsistent":
        check, category = "term-inconsistent", "terminology/inconsistent"
    elif is_name or finding.kind in ("name", "latin"):
        check, category = "name-mismatch", "terminology/wrong-term"
    else:
        check, category = "term-mismatch", "terminology/wrong-term"
    return Issue(
        check=check,
        category=category,
        severity=finding.severity,
        confidence=finding.confidence,
        message=finding.message,
        bead=index,
        source_span=_shift(finding.source_span, alignment.source.span(bead.source)[0]),
        target_span=_shift(finding.target_span, alignment.target.span(bead.target)[0]),
        suggestion=finding.suggestion,
        evidence=finding.evidence,
    )


def _shift(span: Span | None, offset: int) -> Span | None:
    return (span[0] + offset, span[1] + offset) if span else None


# false in about 1 of 1,000 translations by people (benchmarks/negation.md): a good guess, not a measured probability
NEGATION_CONFIDENCE = 0.8


@dataclass(frozen=True, slots=True)
class NegationCheck:
    """A "not" of one side that nothing on the other side answers."""

    slug: str = "negation"

    def __call__(self, alignment: Alignment) -> Iterator[Issue]:
        """Yield at most one issue for each bead."""
        from_chinese = alignment.source.lang.startswith("zh")
        for index, bead in enumerate(alignment):
            if not _is_translation(alignment, bead):
                continue
            source, target = alignment.source_text(bead), alignment.target_text(bead)
            finding = compare_negation(*((source, target) if from_chinese else (target, source)))
            if finding is None:
                continue
            is_lost = (finding.side == "zh") == from_chinese
            text, side, units = (
                (source, alignment.source, bead.source)
                if is_lost
                else (target, alignment.target, bead.target)
            )
            span = _shift(finding.span, side.span(units)[0])
            says = (
                "has no counterpart in the translation, which denies nothing"
                if is_lost
                else "has no counterpart in the source, which denies nothing"
            )
            yield Issue(
                check="negation",
                category="accuracy/mistranslation",
                severity="major",
                confidence=NEGATION_CONFIDENCE,
                message=f"{text[slice(*finding.span)]} {says}",
                bead=index,
                source_span=span if is_lost else None,
                target_span=None if is_lost else span,
                evidence=("negation lost" if is_lost else "negation added",),
            )


@dataclass(frozen=True, slots=True)
class OmissionCheck:
    """Source passages without a translation: runs of consecutive omissions, and words that `judge` finds left out."""

    judge: Judge | None = None
    slug: str = "omission"

    def __call__(self, alignment: Alignment) -> Iterator[Issue]:
        """Yield an issue for each omitted passage."""
        excerpt = _is_excerpt(alignment)
        for first, source, _ in _null_runs(alignment, omissions=True):
            span = alignment.source.span(source)
            size = content_size(alignment.source.text[slice(*span)])
            if not size:
                continue
            yield Issue(
                check="omission",
                category="accuracy/omission",
                severity="neutral" if excerpt else _severity_of_size(size, of=1.0),
                confidence=0.9 if size > 4 else 0.6,
                message=f"{_count(len(source), 'segment')} ({size} characters) of the source "
                + (
                    "not translated here; the text translates only parts of its source"
                    if excerpt
                    else "not translated"
                ),
                bead=first,
                source_span=span,
                evidence=("no target segment aligns with this passage",),
            )
        if excerpt:  # what a text that translates only parts leaves out of a sentence is no news
            return
        for index, fault in _judged_faults(alignment, self.judge, SURE_OF_OMISSION, omissions=True):
            where = _shift(fault.span, alignment.source.span(alignment[index].source)[0])
            left_out = content_size(alignment.source_text(alignment[index])[slice(*fault.span)])
            fault = replace(fault, severity=_severity_of_size(left_out, of=1.0))
            yield _judged_issue(alignment, index, fault, "omission", source_span=where)


@dataclass(frozen=True, slots=True)
class AdditionCheck:
    """Target passages without a source: runs of consecutive additions, and words that `judge` finds added."""

    judge: Judge | None = None
    slug: str = "addition"

    def __call__(self, alignment: Alignment) -> Iterator[Issue]:
        """Yield an issue for each added passage."""
        for first, _, target in _null_runs(alignment, omissions=False):
            span = alignment.target.span(target)
            size = content_size(alignment.target.text[slice(*span)])
            if not size:
                continue
            yield Issue(
                check="addition",
                category="accuracy/addition",
                severity=_severity_of_size(size, of=3.0),
                confidence=0.9 if size > 12 else 0.6,
                message=f"{_count(len(target), 'segment')} ({size} characters) without a source",
                bead=first,
                target_span=span,
                evidence=("no source segment aligns with this passage",),
            )
        for index, fault in _judged_faults(alignment, self.judge, SURE_OF_ERROR):
            if fault.category == "accuracy/addition":
                where = _shift(fault.span, alignment.target.span(alignment[index].target)[0])
                yield _judged_issue(alignment, index, fault, "addition", target_span=where)


SURE_OF_ERROR, SURE_OF_OMISSION = 0.86, 0.22
"""Confidence from which a fault that the quality model sees becomes an issue: editors stop reading what cries wolf.

Confidence says how often professionals mark such a passage, and they mark few omissions of those there are: from .22 on
the model names 2 in 600 good translations of people, but 193 of 200 whose source has a sentence more.
"""


@dataclass(frozen=True, slots=True)
class MistranslationCheck:
    """Passages of the target that the quality model finds mistranslated: hints, so minor at most.

    The model was trained on machine translations and distrusts free, idiomatic English of people.
    """

    judge: Judge
    slug: str = "mistranslation"

    def __call__(self, alignment: Alignment) -> Iterator[Issue]:
        """Yield an issue for each passage."""
        for index, fault in _judged_faults(alignment, self.judge, SURE_OF_ERROR):
            if fault.category in ("accuracy/mistranslation", "terminology/wrong-term"):
                span = _shift(fault.span, alignment.target.span(alignment[index].target)[0])
                hint = replace(fault, severity="minor")
                yield _judged_issue(alignment, index, hint, "mistranslation", target_span=span)


def _judged_faults(
    alignment: Alignment, judge: Judge | None, at_least: float, *, omissions: bool = False
) -> Iterator[tuple[int, Fault]]:
    """Faults of the beads that translate, sure enough to tell an editor."""
    if judge is None or not alignment.source.lang.startswith("zh"):
        return
    indices = [i for i, bead in enumerate(alignment) if _is_translation(alignment, bead)]
    judgements: Sequence[Judgement] = judge(
        [alignment.source_text(alignment[i]) for i in indices],
        [alignment.target_text(alignment[i]) for i in indices],
    )
    for index, judgement in zip(indices, judgements, strict=True):
        for fault in judgement.omissions if omissions else judgement.errors:
            if fault.confidence >= at_least:
                yield index, fault


def _judged_issue(
    alignment: Alignment,
    index: int,
    fault: Fault,
    check: str,
    *,
    source_span: Span | None = None,
    target_span: Span | None = None,
) -> Issue:
    text = (
        alignment.source.text[slice(*source_span)]
        if source_span
        else alignment.target.text[slice(*target_span or (0, 0))]
    )
    says = {"omission": "seems not to be translated", "addition": "seems to have no source"}
    return Issue(
        check=check,
        category=fault.category,
        severity=fault.severity,
        confidence=round(fault.confidence, 2),
        message=f"{_excerpt(text)} {says.get(check, 'seems to be mistranslated')}",
        bead=index,
        source_span=source_span,
        target_span=target_span,
        evidence=("quality model",),
    )


def _null_runs(alignment: Alignment, *, omissions: bool) -> Iterator[tuple[int, range, range]]:
    """Yield runs of nulls of one kind that nothing interrupts: first bead, segments of both sides."""
    start: int | None = None
    for index in range(len(alignment) + 1):
        wanted = index < len(alignment) and (
            alignment[index].is_omission if omissions else alignment[index].is_addition
        )
        if wanted and start is None:
            start = index
        elif not wanted and start is not None:
            first, last = alignment[start], alignment[index - 1]
            yield (
                start,
                range(first.source.start, last.source.stop),
                range(first.target.start, last.target.stop),
            )
            start = None


def _is_excerpt(alignment: Alignment) -> bool:
    """Whether the target renders some of the source, but less than half: leaving out is its nature then, no fault."""
    sizes = [(content_size(alignment.source_text(b)), b.is_omission) for b in alignment]
    total = sum(size for size, _ in sizes)
    return total > sum(size for size, omitted in sizes if omitted) > total / 2


def _severity_of_size(size: int, *, of: float) -> Severity:
    """Severity of a missing or extra passage of `size` characters; `of` characters carry as much as one Chinese one."""
    weight = size / of
    return "minor" if weight < 6 else "major" if weight < 120 else "critical"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("s" if n != 1 else "")


@dataclass(frozen=True, slots=True)
class UntranslatedCheck:
    """Chinese left standing in an English translation, or a run of English copied into a Chinese one."""

    slug: str = "untranslated"

    def __call__(self, alignment: Alignment) -> Iterator[Issue]:
        """Yield an issue for each run of untranslated text."""
        into_english = not alignment.target.lang.startswith("zh")
        for index, bead in enumerate(alignment):
            text = alignment.target_text(bead)
            offset = alignment.target.span(bead.target)[0]
            spans = (
                _left_in_chinese(text) if into_english else _copied_latin(text, alignment.source_text(bead))
            )
            for start, end in spans:
                yield self._issue(alignment, index, (start + offset, end + offset))

    def _issue(self, alignment: Alignment, index: int, span: Span) -> Issue:
        text = alignment.target.text[slice(*span)]
        at = alignment.source.text.find(text, alignment.source.span(alignment[index].source)[0])
        return Issue(
            check="untranslated",
            category="accuracy/untranslated",
            severity="critical" if content_size(text) > 12 else "major",
            confidence=0.95,
            message=f"{_excerpt(text)} is left untranslated",
            bead=index,
            source_span=(at, at + len(text)) if at >= 0 and alignment[index].source else None,
            target_span=span,
            evidence=("the script of the source in the target",),
        )


def _left_in_chinese(text: str) -> list[Span]:
    """Find runs of Chinese, but for a gloss in brackets or quotes: "Tongyi Qianwen (通义千问)"."""
    spans = []
    for match in _HAN_RUN.finditer(text):
        before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
        glossed = before.endswith(("(", "（", "[", "“", '"', "‘", "《", "「")) and after.startswith(
            (")", "）", "]", "”", '"', "’", "》", "」", ",", ";")
        )
        if not glossed:
            end = match.end() - (len(match.group()) - len(match.group().rstrip("，。、；：！？　")))
            spans.append((match.start(), end))
    return _joined_when_close(spans, text)


def _joined_when_close(spans: list[Span], text: str) -> list[Span]:
    """Spans with nothing but punctuation and digits between them become one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and not re.search(r"[A-Za-z]{3,}", text[joined[-1][1] : start]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _copied_latin(text: str, source: str) -> list[Span]:
    """English runs of at least five words that stand in the source as they are."""
    return [
        match.span()
        for match in _LATIN_RUN.finditer(text)
        if len(match.group().split()) >= 5 and match.group() in source
    ]


def _excerpt(text: str, width: int = 24) -> str:
    text = " ".join(text.split())
    return f"“{text}”" if len(text) <= width else f"“{text[:width]}…”"


@dataclass(frozen=True, slots=True)
class ReorderedCheck:
    """Passages that stand in another place than in the source; only in free order."""

    slug: str = "reordered"

    def __call__(self, alignment: Alignment) -> Iterator[Issue]:
        """Yield a neutral issue for each block of beads that moved."""
        aligned = [(i, b) for i, b in enumerate(alignment) if not b.is_null]
        if alignment.order == "monotone" or len(aligned) < 2:
            return
        for block in _moved_blocks([b.target.start for _, b in aligned]):
            index, first = aligned[block[0]]
            last = aligned[block[-1]][1]
            yield Issue(
                check="reordered",
                category="custom/reordered",
                severity="neutral",
                confidence=0.8,
                message=f"{_count(len(block), 'bead')} stand elsewhere than in the source",
                bead=index,
                source_span=alignment.source.span(range(first.source.start, last.source.stop)),
                target_span=alignment.target.span(first.target),
                evidence=("the order of source and target differ here",),
            )


def _moved_blocks(targets: Sequence[int]) -> list[list[int]]:
    """List runs of consecutive beads that are not part of the longest chain in source order."""
    from bitext._kernels import longest_chain

    kept = set(longest_chain(np.arange(len(targets)), np.array(targets)).tolist())
    blocks: list[list[int]] = []
    for k in range(len(targets)):
        if k in kept:
            continue
        if blocks and blocks[-1][-1] == k - 1 and targets[k] > targets[k - 1]:
            blocks[-1].append(k)
        else:
            blocks.append([k])
    return blocks
