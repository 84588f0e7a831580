"""What flows through bitext: documents, beads, alignments, terms and issues.

Everything here is frozen and does three things: hold values, refuse inconsistent ones, and show itself.
Offsets are code points, 0-based, half-open ``[start, end)``, always into `Document.text`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitext.errors import AlignmentError, BitextError, SpanError

Span = tuple[int, int]
Severity = Literal["neutral", "minor", "major", "critical"]
Order = Literal["monotone", "free"]
TermStatus = Literal["preferred", "admitted", "deprecated", "known-wrong"]

SEVERITIES: tuple[Severity, ...] = ("neutral", "minor", "major", "critical")
"""MQM severities, ascending."""

TERM_STATUSES: tuple[TermStatus, ...] = ("preferred", "admitted", "deprecated", "known-wrong")


class Place(Protocol):
    """A position in a file, 1-based and in code points; `offset` is 0-based, None in a file that is not text."""

    @property
    def line(self) -> int:
        """Line, or paragraph of a file without lines."""

    @property
    def column(self) -> int:
        """Column in that line."""

    @property
    def offset(self) -> int | None:
        """Code points before it in the decoded file."""


class Origin(Protocol):
    """Where the characters of a text stand in the file it was extracted from (`bitext.formats.Origin`)."""

    def locate(self, offset: int) -> Place:
        """Place of the code point at `offset` of the text."""


def _frozen_int_array(values: ArrayLike, shape_hint: str) -> NDArray[np.int32]:
    try:
        array = np.array(values, dtype=np.int32)
    except (TypeError, ValueError) as error:
        raise SpanError(f"expected integers of shape {shape_hint}, got {values!r:.80}") from error
    array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Document:
    """A text and where its segments are.  `text` is never altered.

    Parameters
    ----------
    text : str
        The decoded text.
    lang : str
        BCP 47, for example ``"zh"``, ``"zh-Hant"``, ``"en"``.
    spans : array-like of shape (n_segments, 2)
        Code-point offsets ``[start, end)`` that tile `text`: the first starts at 0, each starts where the
        one before ended, the last ends at ``len(text)``.  White space belongs to the segment it follows.
    paragraphs : array-like of shape (n_segments,), optional
        Non-decreasing paragraph number of each segment; by default all 0.
    path : str, optional
        Where the text came from, for messages.
    segmenter : str
        What found the segments; enters the signature.
    origin : Origin, optional
        Map from `text` into the file at `path`; without one the text is taken for the file.

    Raises
    ------
    SpanError
        If the spans do not tile the text or `paragraphs` does not match them.
    """

    text: str
    lang: str
    spans: NDArray[np.int32]
    paragraphs: NDArray[np.int32] = field(default=None)  # type: ignore[arg-type]
    path: str | None = None
    segmenter: str = "given"
    origin: Origin | None = None

    def __post_init__(self) -> None:
        spans = _frozen_int_array(self.spans, "(n_segments, 2)").reshape(-1, 2)
        spans.flags.writeable = False
        _require_tiling(self.text, spans)
        object.__setattr__(self, "spans", spans)
        paragraphs = np.zeros(len(spans), dtype=np.int32) if self.paragraphs is None else self.paragraphs
        paragraphs = _frozen_int_array(paragraphs, "(n_segments,)")
        if paragraphs.shape != (len(spans),) or np.any(np.diff(paragraphs) < 0):
            raise SpanError(
                f"paragraphs has shape {paragraphs.shape} for {len(spans)} segments; "
                "expected one non-decreasing number per segment."
            )
        object.__setattr__(self, "paragraphs", paragraphs)

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, index: int) -> str:
        """Text of segment `index` without the white space around it."""
        start, end = self.spans[index]
        return self.text[start:end].strip()

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))

    @property
    def segments(self) -> list[str]:
        """Texts of all segments, without the white space around them."""
        return list(self)

    def span(self, segments: range) -> Span:
        """Code-point span of consecutive `segments`, without the white space around it.

        An empty range gives the empty span where those segments would stand.
        """
        if not len(segments):
            at = int(self.spans[segments.start][0]) if segments.start < len(self) else len(self.text)
            return at, at
        start, end = int(self.spans[segments.start][0]), int(self.spans[segments.stop - 1][1])
        text = self.text[start:end]
        lead = len(text) - len(text.lstrip())
        return (start + lead, start + max(lead, len(text.rstrip())))

    def joined(self, segments: range) -> str:
        """Text of consecutive `segments` as it stands in the document, stripped at both ends."""
        start, end = self.span(segments)
        return self.text[start:end]

    def place(self, span: Span) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return where `span` starts and ends in the file: 1-based lines and columns in code points."""
        if self.origin is None:
            return self._line_column(span[0]), self._line_column(span[1])
        first, last = self.origin.locate(span[0]), self.origin.locate(max(span[0], span[1] - 1))
        return (first.line, first.column), (last.line, last.column + (span[1] > span[0]))

    def file_span(self, span: Span) -> Span:
        """Return `span` as code points into the decoded file; as it is where the file is not text."""
        if self.origin is None:
            return span
        first, last = self.origin.locate(span[0]).offset, self.origin.locate(max(span[0], span[1] - 1)).offset
        if first is None or last is None:
            return span
        return first, max(first, last + (span[1] > span[0]))

    def _line_column(self, offset: int) -> tuple[int, int]:
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1

    def __repr__(self) -> str:
        place = f" {self.path!r}" if self.path else ""
        return f"<Document{place} {self.lang}: {len(self)} segments, {len(self.text)} characters>"

    def __reduce__(self) -> tuple[Any, ...]:
        # pickling makes arrays writeable again; going through the constructor freezes them
        spans, paragraphs = np.array(self.spans), np.array(self.paragraphs)
        return Document, (self.text, self.lang, spans, paragraphs, self.path, self.segmenter, self.origin)


def _require_tiling(text: str, spans: NDArray[np.int32]) -> None:
    if not len(spans):
        if text:
            raise SpanError(f"no spans for a text of {len(text)} characters; {text[:30]!r} would be lost.")
        return
    starts, ends = spans[:, 0], spans[:, 1]
    expected = np.concatenate(([0], ends[:-1]))
    wrong = np.flatnonzero((starts != expected) | (ends <= starts))
    if len(wrong):
        i = int(wrong[0])
        raise SpanError(
            f"segment {i} is [{starts[i]}, {ends[i]}) but the previous one ends at {expected[i]}; "
            "spans must follow each other without gaps and hold at least one character."
        )
    if ends[-1] != len(text):
        raise SpanError(
            f"the last segment ends at {ends[-1]} but the text has {len(text)} characters; "
            f"{text[ends[-1] : ends[-1] + 30]!r} would be lost."
        )


@dataclass(frozen=True, slots=True)
class Bead:
    """Segments that translate each other: contiguous on both sides.

    Parameters
    ----------
    source, target : range
        Segment indices.  An empty range is a null side: empty target = omission (``n-0``), empty source =
        addition (``0-n``); its `start` says where the missing side would stand.
    score : float, optional
        How sure the aligner is of this bead, in [0, 1]; ``None`` on nulls.
    similarity : float, optional
        Cosine of the two sides embedded whole, in [-1, 1]; ``None`` on nulls or when no encoder was used.
    """

    source: range
    target: range
    score: float | None = None
    similarity: float | None = None

    def __post_init__(self) -> None:
        if self.source.step != 1 or self.target.step != 1:
            raise AlignmentError(
                f"bead {self.source}-{self.target} skips segments; expected ranges of step 1."
            )
        if not len(self.source) and not len(self.target):
            raise AlignmentError("a bead is empty on both sides; expected at least one segment.")

    @property
    def kind(self) -> str:
        """Sizes of the two sides, for example ``"1-2"``."""
        return f"{len(self.source)}-{len(self.target)}"

    @property
    def is_omission(self) -> bool:
        """Source segments without a translation."""
        return not len(self.target)

    @property
    def is_addition(self) -> bool:
        """Target segments without a source."""
        return not len(self.source)

    @property
    def is_null(self) -> bool:
        """One side is empty."""
        return self.is_omission or self.is_addition


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Alignment:
    """Beads that hold every segment of both documents exactly once.

    Beads are in source order; additions stand where they are in the target.  With ``order="monotone"`` the
    target ranges ascend too; with ``order="free"`` they may cross.

    Raises
    ------
    AlignmentError
        If a segment is in no bead or in two, or the order is not what `order` says.
    """

    source: Document
    target: Document
    beads: tuple[Bead, ...]
    order: Order = "monotone"
    signature: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "beads", tuple(self.beads))
        _require_cover("source", [b.source for b in self.beads if b.source], len(self.source), ordered=True)
        targets = [b.target for b in self.beads if b.target]
        _require_cover("target", targets, len(self.target), ordered=self.order == "monotone")

    def __len__(self) -> int:
        return len(self.beads)

    def __iter__(self) -> Iterator[Bead]:
        return iter(self.beads)

    def __getitem__(self, index: int) -> Bead:
        return self.beads[index]

    def source_text(self, bead: Bead) -> str:
        """Source side of `bead` as it stands in the document; empty for an addition."""
        return self.source.joined(bead.source)

    def target_text(self, bead: Bead) -> str:
        """Target side of `bead` as it stands in the document; empty for an omission."""
        return self.target.joined(bead.target)

    @property
    def aligned_share(self) -> tuple[float, float]:
        """How much of the source and of the target is aligned at all, in [0, 1].

        Characters in beads that are not null, each bead counted by its score, over all characters; white space
        does not count.  A translation of the whole has about 1 twice; another text has little.
        """
        shares = []
        for document, sides in (
            (self.source, [b.source for b in self.beads]),
            (self.target, [b.target for b in self.beads]),
        ):
            sizes = [sum(len("".join(document[i].split())) for i in side) for side in sides]
            aligned = sum(
                n * (1.0 if b.score is None else b.score)
                for n, b in zip(sizes, self.beads, strict=True)
                if not b.is_null
            )
            shares.append(aligned / sum(sizes) if sum(sizes) else 0.0)
        return shares[0], shares[1]

    def __repr__(self) -> str:
        n_omissions = sum(b.is_omission for b in self.beads)
        n_additions = sum(b.is_addition for b in self.beads)
        return (
            f"<Alignment {self.source.lang}→{self.target.lang}: {len(self.beads)} beads "
            f"({n_omissions} omissions, {n_additions} additions), {self.order} order>"
        )

    def _repr_html_(self) -> str:
        from bitext.report import alignment_html  # a view, needed only where something renders it

        return alignment_html(self)


def _require_cover(side: str, ranges: Sequence[range], n_segments: int, *, ordered: bool) -> None:
    sequence = ranges if ordered else sorted(ranges, key=lambda r: r.start)
    expected = 0
    for r in sequence:
        if r.start != expected:
            fact = "is in two beads or out of order" if r.start < expected else "is in no bead"
            raise AlignmentError(
                f"{side} segment {min(r.start, expected)} {fact} (a bead has {r}, {expected} was next); "
                "expected every segment in exactly one bead."
            )
        expected = r.stop
    if expected != n_segments:
        raise AlignmentError(
            f"the beads end at {side} segment {expected} of {n_segments}; expected every segment in exactly one bead."
        )


@dataclass(frozen=True, slots=True)
class Term:
    """One designation of a concept in one language.

    Parameters
    ----------
    text : str
        The term, in its dictionary form.
    lang : str
        BCP 47.
    status : {"preferred", "admitted", "deprecated", "known-wrong"}
        "known-wrong" is a rendering that must never appear, such as a literal gloss of a name.
    case_sensitive : bool
        Whether upper and lower case must match.
    note : str
        Sense, source or usage, for people.
    """

    text: str
    lang: str
    status: TermStatus = "preferred"
    case_sensitive: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise BitextError("a term has no text; expected at least one character.")
        if self.status not in TERM_STATUSES:
            raise BitextError(
                f"term {self.text!r} has status {self.status!r}; expected one of {TERM_STATUSES}."
            )


@dataclass(frozen=True, slots=True)
class Issue:
    """A possible error: found by a check, not yet judged by a person.

    Parameters
    ----------
    check : str
        Slug of the check, for example ``"number-mismatch"``.
    category : str
        MQM path, for example ``"accuracy/mistranslation"``.
    severity : {"neutral", "minor", "major", "critical"}
    confidence : float
        In [0, 1].
    message : str
        One sentence with the values in it.
    bead : int
        Index into `Alignment.beads`.
    source_span, target_span : tuple of int, optional
        Code points ``[start, end)`` into the source and target text.
    suggestion : str, optional
        What to write instead.
    evidence : tuple of str
        What made the check fire, strongest first.
    """

    check: str
    category: str
    severity: Severity
    confidence: float
    message: str
    bead: int
    source_span: Span | None = None
    target_span: Span | None = None
    suggestion: str | None = None
    evidence: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise BitextError(
                f"issue {self.check!r} has severity {self.severity!r}; expected one of {SEVERITIES}."
            )
        if not 0.0 <= self.confidence <= 1.0:
            raise BitextError(
                f"issue {self.check!r} has confidence {self.confidence!r}; expected a number in [0, 1]."
            )
