"""Terms and names: a termbase and the texts of aligned beads in, findings with spans and suggestions out.

`Termbase` reads and writes the usual formats and finds its terms in running text.  `check_terms` looks at all
beads of a document at once: a term whose accepted rendering stands in the target is fine; otherwise it says
what stands there instead, from several kinds of evidence, and keeps silent on a weak signal.

Termbase rows may carry a condition on the Chinese context, honored by the matcher:
``only-if-followed-by:X,Y``, ``only-if-preceded-by:X``, ``not-if-followed-by:X``, ``not-if-preceded-by:X``,
joined by semicolons.  Any other text in that column is a note for people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bitext._concepts import Concept, concepts_from_rows, conditions
from bitext._termmatch import HAN, Compact, TermIndex, compact, fold, straddles, term_key
from bitext.data import Severity, Span, Term
from bitext.errors import TermbaseError

Kind = Literal["known-wrong", "deprecated", "missing", "name", "inconsistent", "latin", "entity"]
_Place = tuple[int, int, tuple[int, ...]]
Similarity = Callable[[list[str], list[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class TermMatch:
    """A term of a termbase at a place in a text: ``text[span[0]:span[1]]`` is a form of ``term``."""

    span: Span
    concept: Concept
    term: Term


class Termbase:
    """Concepts with their terms in Chinese and English.

    Examples
    --------
    >>> from bitext.data import Term
    >>> model = Concept("m1", (Term("大模型", "zh"),), (Term("large model", "en"),))
    >>> [m.span for m in Termbase([model]).matches("Two large models", "en")]
    [(4, 16)]
    """

    def __init__(self, concepts: Iterable[Concept], *, name: str = "termbase") -> None:
        self.name = name
        self._concepts = tuple(concepts)
        self._indexes: dict[str, tuple[TermIndex, list[tuple[Concept, Term]]]] = {}

    @classmethod
    def read(cls, path: str | Path, *, encoding: str | None = None, require_both: bool = True) -> Termbase:
        """Read a termbase; the suffix names the format: ``.csv .tsv .jsonl .tbx .xlsx``.

        Every concept read this way is `Concept.required`: a house rule.

        Parameters
        ----------
        path : str or Path
        encoding : str, optional
            Of a text format; by default UTF-8, or UTF-16 by its byte order mark.
        require_both : bool, default True
            Raise on a TBX concept that lacks one of the languages; otherwise skip it.

        Raises
        ------
        TermbaseError
            If the file is not there, is empty, or has a row that is incomplete or contradicts another.
        """
        path = Path(path)
        concepts = _read(path, encoding, require_both, required=True)
        return cls(concepts, name=path.name)

    @classmethod
    def default(cls) -> Termbase:
        """Return the termbase that ships with the library."""
        traversable = resources.files("bitext").joinpath("_corpora", "termbase", "zh-en.tsv")
        path = Path(str(traversable))
        if not path.exists():  # a checkout, not an installed wheel
            path = Path(__file__).parent.parent / "corpora" / "termbase" / "zh-en.tsv"
        return cls(_read(path, None, True, required=False), name="zh-en")

    def write(self, path: str | Path) -> None:
        """Write all concepts; the suffix names the format, as in `read`."""
        path = Path(path)
        match path.suffix.lower():
            case ".csv" | ".tsv" | ".xlsx":
                from bitext._termtables import write_table

                write_table(self, path)
            case ".jsonl":
                from bitext._termtables import write_jsonl

                write_jsonl(self, path)
            case ".tbx":
                from bitext._tbx import write_tbx

                write_tbx(self, path)
            case suffix:
                raise _unknown_format(path, suffix)

    def merge(self, other: Termbase) -> Termbase:
        """Return the concepts of this termbase and those of `other` that share no Chinese term with them.

        So entries of `self` win: ``Termbase.read("house.tbx").merge(Termbase.default())``.
        """
        own = {term_key(term.text, "zh") for concept in self for term in concept.source_terms}
        added = []
        for concept in other:
            left = tuple(t for t in concept.source_terms if term_key(t.text, "zh") not in own)
            if left:
                added.append(concept if left == concept.source_terms else replace(concept, source_terms=left))
        return Termbase([*self, *added], name=f"{self.name}+{other.name}")

    def __len__(self) -> int:
        return len(self._concepts)

    def __iter__(self) -> Iterator[Concept]:
        return iter(self._concepts)

    def __repr__(self) -> str:
        return f"<Termbase {self.name}: {len(self)} concepts, {self.digest}>"

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that change with any concept; part of the signature."""
        return hashlib.sha256("\n".join(sorted(map(repr, self))).encode()).hexdigest()[:8]

    def matches(self, text: str, lang: str) -> list[TermMatch]:
        """Find the terms in `text`: the longest at each place, none overlapping, in text order.

        English terms match at word boundaries in any number, spelling, hyphenation and (unless the term is
        case sensitive or a short acronym) case; Chinese terms match in either script where they do not cut
        through words. Two concepts that share a term both match.
        """
        body, places = self._places(text, lang)
        taken = bytearray(len(body.text))
        matches: list[TermMatch] = []
        for place in sorted(places, key=lambda p: (p[0] - p[1], p[0])):
            start, end, _ = place
            if taken.find(1, start, end) < 0 and (pairs := self._valid(text, lang, body, place)):
                taken[start:end] = b"\1" * (end - start)
                matches += (TermMatch(body.span(start, end), *pair) for pair in pairs)
        return sorted(matches, key=lambda m: m.span)

    def _overlapping(self, text: str, lang: str) -> list[TermMatch]:
        """Find every valid place of every term, overlapping ones too."""
        body, places = self._places(text, lang)
        return [
            TermMatch(body.span(place[0], place[1]), *pair)
            for place in places
            for pair in self._valid(text, lang, body, place)
        ]

    def _places(self, text: str, lang: str) -> tuple[Compact, list[_Place]]:
        body = compact(text, lang)
        return body, list(self._index(lang)[0].find(body))

    def _valid(self, text: str, lang: str, body: Compact, place: _Place) -> list[tuple[Concept, Term]]:
        entries = self._index(lang)[1]
        is_valid = _is_valid_chinese if lang.lower().startswith("zh") else _is_valid_english
        start, end, payloads = place
        return [entries[i] for i in payloads if is_valid(text, body, start, end, *entries[i])]

    def _index(self, lang: str) -> tuple[TermIndex, list[tuple[Concept, Term]]]:
        key = "zh" if lang.lower().startswith("zh") else "en"
        if key not in self._indexes:
            entries = [(concept, term) for concept in self for term in concept.terms(key)]
            items = ((k, i) for i, (_, term) in enumerate(entries) for k in _keys(term.text, key))
            self._indexes[key] = TermIndex(items, width=2 if key == "zh" else 5), entries
        return self._indexes[key]


def _read(path: Path, encoding: str | None, require_both: bool, *, required: bool) -> list[Concept]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TermbaseError(
            f"{path}: the termbase cannot be read ({error.strerror}). Name a file that is there."
        ) from None
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".jsonl", ".tbx", ".xlsx") and not data.strip():
        raise TermbaseError(
            f"{path.name}: the file is empty. Expected at least one term and its translation."
        )
    match suffix:
        case ".csv" | ".tsv" | ".xlsx":
            from bitext._termtables import read_table

            return concepts_from_rows(read_table(data, path, encoding), required=required)
        case ".jsonl":
            from bitext._termtables import read_jsonl

            return concepts_from_rows(read_jsonl(data, path, encoding), required=required)
        case ".tbx":
            from bitext._tbx import read_tbx

            return concepts_from_rows(read_tbx(data, path, require_both=require_both), required=required)
    raise _unknown_format(path, suffix)


def _unknown_format(path: Path, suffix: str) -> TermbaseError:
    return TermbaseError(
        f"{path.name}: {suffix or 'no suffix'} is no termbase format. Use .csv .tsv .jsonl .tbx .xlsx."
    )


def _keys(text: str, lang: str) -> Iterator[str]:
    """Compact forms of a term: as it is, and without an explanation in parentheses at its end."""
    yield from filter(None, (term_key(text, lang),))
    head = text.rstrip()
    if head.endswith((")", "）")):
        cut = max(head.rfind("("), head.rfind("（"))
        if cut > 0 and (key := term_key(head[:cut], lang)):
            yield key


def _is_valid_chinese(text: str, body: Compact, start: int, end: int, concept: Concept, term: Term) -> bool:
    if end - start <= 3 and HAN.search(body.text[start:end]) and straddles(body.text, start, end):
        return False
    required = conditions(concept.condition)
    if not required:
        return True
    before, after = body.text[max(0, start - 20) : start], body.text[end : end + 20]
    return all(c.holds(fold(before), fold(after)) for c in required)


def _is_valid_english(text: str, body: Compact, start: int, end: int, concept: Concept, term: Term) -> bool:
    wanted = term.text
    if not (term.case_sensitive or (wanted.isupper() and wanted.isalpha() and len(wanted) <= 5)):
        return True
    low, high = body.span(start, end)
    there, wanted = (("".join(c for c in s if c.isalnum())) for s in (text[low:high], wanted))
    stable = min(len(there), len(wanted), max(3, len(wanted) - 3))  # the ending may be inflected
    return there[:stable] == wanted[:stable] or (term.case_sensitive and there.isupper() and len(there) > 1)


@dataclass(frozen=True, slots=True)
class TermFinding:
    """Something about a term that an editor should look at, in one bead.

    Attributes
    ----------
    kind : {"known-wrong", "deprecated", "missing", "name", "inconsistent", "latin", "entity"}
        ``missing``: no accepted rendering; ``name``: a proper name rendered word for word; ``latin``: a Latin
        string of the source that does not come back; ``entity``: a named entity nothing in the source names.
    concept : Concept or None
    source_span, target_span : tuple of int or None
        Code points into the texts of the bead; None where there is nothing to point at.
    severity : {"minor", "major"}
    confidence : float
        In [0, 1].
    message : str
    suggestion : str or None
        What to write instead.
    evidence : tuple of str
        Strongest first.
    """

    kind: Kind
    concept: Concept | None
    source_span: Span | None
    target_span: Span | None
    severity: Severity
    confidence: float
    message: str
    suggestion: str | None = None
    evidence: tuple[str, ...] = ()


def check_terms(
    beads: Sequence[tuple[str, str]],
    termbase: Termbase,
    *,
    source_lang: str = "zh",
    target_lang: str = "en",
    strict: bool | None = None,
    similarity: Similarity | None = None,
) -> list[tuple[int, TermFinding]]:
    """Check how the terms of a document are rendered.

    Parameters
    ----------
    beads : sequence of (source text, target text)
        The whole document, in order; either text may be empty.
    termbase : Termbase
    source_lang, target_lang : str
        One Chinese, one English, by their primary subtags.
    strict : bool, optional
        Whether a rendering that is missing is always an error.  By default only for concepts that are
        `Concept.required`, as those read from a file are; for the others only what is confidently wrong is
        reported.
    similarity : callable, optional
        Cosine similarity of two lists of strings, shape (n, m), for example from the bilingual encoder.

    Returns
    -------
    list of (int, TermFinding)
        Index into `beads` and finding, in text order.
    """
    languages = (source_lang, target_lang)
    views = [_View.of(source, target, termbase, languages) for source, target in beads]
    findings = [
        *_wrong_renderings(views, languages),
        *_missing_renderings(views, languages, strict, similarity),
        *_inconsistent_renderings(views),
        *_missing_latin(views, languages),
    ]
    return sorted(findings, key=lambda f: (f[0], f[1].source_span or (-1, -1), f[1].target_span or (-1, -1)))


@dataclass(frozen=True, slots=True)
class _View:
    """What the termbase finds in one bead."""

    source: str
    target: str
    occurrences: dict[Span, tuple[Concept, ...]]
    renderings: tuple[TermMatch, ...]

    @classmethod
    def of(cls, source: str, target: str, termbase: Termbase, languages: tuple[str, str]) -> _View:
        occurrences: dict[Span, tuple[Concept, ...]] = {}
        for match in termbase.matches(source, languages[0]):
            if match.term.status != "known-wrong":
                occurrences[match.span] = (*occurrences.get(match.span, ()), match.concept)
        return cls(source, target, occurrences, tuple(termbase._overlapping(target, languages[1])))

    def concepts(self) -> set[str]:
        return {concept.id for concepts in self.occurrences.values() for concept in concepts}

    def accepted(self, concepts: Iterable[Concept]) -> list[TermMatch]:
        """Return the accepted renderings of any of `concepts` in the target."""
        ids = {concept.id for concept in concepts}
        return [
            r for r in self.renderings if r.concept.id in ids and r.term.status in ("preferred", "admitted")
        ]


def _wrong_renderings(
    views: Sequence[_View], languages: tuple[str, str]
) -> Iterator[tuple[int, TermFinding]]:
    """Find renderings the termbase says are wrong, where their concept is in the source nearby."""
    for n, view in enumerate(views):
        near = view.concepts().union(*(views[i].concepts() for i in (n - 1, n + 1) if 0 <= i < len(views)))
        right = [
            r.span
            for r in view.renderings
            if r.concept.id in near and r.term.status in ("preferred", "admitted")
        ]
        wrong = [
            r
            for r in view.renderings
            if r.concept.id in near and r.term.status in ("known-wrong", "deprecated")
        ]
        outermost = [r for r in wrong if not any(_inside(r.span, s) for s in right)]
        for r in outermost:
            if any(_inside(r.span, o.span) and r.span != o.span for o in outermost):
                continue
            yield n, _wrong_finding(view, r, languages)


def _wrong_finding(view: _View, rendering: TermMatch, languages: tuple[str, str]) -> TermFinding:
    concept, (start, end) = rendering.concept, rendering.span
    spans = [span for span, concepts in view.occurrences.items() if any(c.id == concept.id for c in concepts)]
    right = concept.preferred(languages[1])
    is_wrong = rendering.term.status == "known-wrong"
    source = view.source[slice(*spans[0])] if spans else concept.terms(languages[0])[0].text
    prefers = f'; the termbase has "{right.text}"' if right else ""
    return TermFinding(
        kind="known-wrong" if is_wrong else "deprecated",
        concept=concept,
        source_span=spans[0] if spans else None,
        target_span=rendering.span,
        severity="major" if is_wrong else "minor",
        confidence=round(min(0.97, concept.confidence) * (1.0 if spans else 0.8), 2),
        message=f'{source} is "{view.target[start:end]}"{prefers}',
        suggestion=right.text if right else None,
        evidence=(f'"{rendering.term.text}" is listed as {rendering.term.status}',),
    )


def _missing_renderings(
    views: Sequence[_View], languages: tuple[str, str], strict: bool | None, similarity: Similarity | None
) -> Iterator[tuple[int, TermFinding]]:
    """Find terms none of whose renderings stands in the target, and what stands there instead."""
    for n, view in enumerate(views):
        if not view.target.strip():
            continue
        seen: set[frozenset[str]] = set()
        for span, concepts in view.occurrences.items():
            ids = frozenset(c.id for c in concepts)
            if ids in seen or any(r.concept.id in ids for r in view.renderings):
                continue
            seen.add(ids)
            concept = concepts[0]
            if concept.required if strict is None else strict:
                yield n, _missing_finding(view, span, concept, languages)


def _missing_finding(view: _View, span: Span, concept: Concept, languages: tuple[str, str]) -> TermFinding:
    right = concept.preferred(languages[1])
    return TermFinding(
        kind="missing",
        concept=concept,
        source_span=span,
        target_span=None,
        severity="major",
        confidence=round(0.9 * concept.confidence, 2),
        message=f'{view.source[slice(*span)]} is not rendered as "{right.text if right else ""}"',
        suggestion=right.text if right else None,
        evidence=("no accepted rendering in the passage",),
    )


def _inconsistent_renderings(views: Sequence[_View]) -> Iterator[tuple[int, TermFinding]]:
    yield from ()


def _missing_latin(views: Sequence[_View], languages: tuple[str, str]) -> Iterator[tuple[int, TermFinding]]:
    yield from ()


def _inside(inner: Span, outer: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
