"""What a termbase holds: concepts, their terms in two languages, and the conditions under which they apply.

Rows and entries of any file format come in, checked `Concept` objects go out.  Everything that can be wrong
with a row is found here, so that every format reports it in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from typing import Literal

from bitext._termmatch import fold
from bitext.data import Severity, Span, Term, TermStatus
from bitext.errors import TermbaseError

PartOfSpeech = Literal["name", "noun", "phrase"]
Kind = Literal["known-wrong", "deprecated", "missing", "name", "inconsistent", "latin", "entity", "doubtful"]

_STATUSES: dict[str, TermStatus] = {
    **dict.fromkeys(("", "preferred", "approved", "main", "recommended", "standard", "valid"), "preferred"),
    **dict.fromkeys(("admitted", "accepted", "allowed", "alternative", "variant", "synonym"), "admitted"),
    **dict.fromkeys(("deprecated", "superseded", "obsolete", "discouraged", "notrecommended"), "deprecated"),
    **dict.fromkeys(("knownwrong", "wrong", "forbidden", "prohibited", "banned", "donotuse"), "known-wrong"),
}
_CONFIDENCES = {"high": 0.95, "medium": 0.8, "low": 0.6, "": 1.0}
_NAMES = {
    "name",
    "propernoun",
    "propernoun(s)",
    "proper",
    "propn",
    "product",
    "organization",
    "person",
    "place",
}
_CONDITION = re.compile(r"\s*(only|not)-if-(followed|preceded)-by\s*[:：]\s*(.+)", re.I)


@dataclass(frozen=True, slots=True)
class Concept:
    """One idea and what it is called in Chinese and in English.

    Parameters
    ----------
    id : str
        Unique within a termbase.
    source_terms, target_terms : tuple of Term
        The Chinese and the English designations; the first preferred one is suggested to the editor.
    domain : str
        Subject field, free text.
    pos : {"name", "noun", "phrase"}
        ``name`` is a proper name; it must be rendered, nouns and phrases may be paraphrased.
    note : str
        For people.
    provenance : str
        Where the rendering was found.
    confidence : float
        How sure the entry is, in [0, 1].
    condition : str
        Machine-readable context of the Chinese term, see `Condition`, or a free note on its sense.
    required : bool
        A house rule: a rendering that is missing is an error, whatever stands there instead.
    """

    id: str
    source_terms: tuple[Term, ...]
    target_terms: tuple[Term, ...]
    domain: str = ""
    pos: PartOfSpeech = "noun"
    note: str = ""
    provenance: str = ""
    confidence: float = 1.0
    condition: str = ""
    required: bool = False

    def __post_init__(self) -> None:
        if not self.source_terms or not self.target_terms:
            side = "Chinese" if not self.source_terms else "English"
            raise TermbaseError(
                f"concept {self.id!r} has no {side} term; expected at least one on each side."
            )
        if not 0.0 <= self.confidence <= 1.0:
            raise TermbaseError(
                f"concept {self.id!r} has confidence {self.confidence}; expected a number in [0, 1]."
            )

    def terms(self, lang: str) -> tuple[Term, ...]:
        """Terms in the language `lang`, by its primary subtag."""
        return self.source_terms if lang.lower().startswith("zh") else self.target_terms

    def preferred(self, lang: str) -> Term | None:
        """Term to suggest in `lang`: the first preferred one, else the first admitted one."""
        terms = self.terms(lang)
        for status in ("preferred", "admitted"):
            for term in terms:
                if term.status == status:
                    return term
        return None


@dataclass(frozen=True, slots=True)
class TermFinding:
    """Something about a term that an editor should look at, in one bead.

    Attributes
    ----------
    kind : {"known-wrong", "deprecated", "missing", "name", "inconsistent", "latin", "entity", "doubtful"}
        ``missing``: no accepted rendering; ``name``: a proper name rendered word for word; ``latin``: a Latin
        string of the source that does not come back; ``entity``: a named entity nothing in the source names;
        ``doubtful``: a rendering that other passages or translations speak against.
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


@dataclass(frozen=True, slots=True)
class Condition:
    """A context in which a Chinese term means its concept.

    Written ``only-if-followed-by:X,Y``, ``only-if-preceded-by:X``, ``not-if-followed-by:X`` or
    ``not-if-preceded-by:X``; several are joined by semicolons and must all hold.  Anything else in the column
    is a note for people and always holds.
    """

    wanted: bool
    after: bool
    words: tuple[str, ...]

    def holds(self, before: str, after: str) -> bool:
        """Whether the folded text `before` and `after` the term satisfies this condition."""
        found = any(after.startswith(w) if self.after else before.endswith(w) for w in self.words)
        return found == self.wanted


@lru_cache(maxsize=4096)
def conditions(text: str) -> tuple[Condition, ...]:
    """Conditions written in the condition column `text`; free notes give none."""
    found = []
    for part in re.split("[;；]", text):
        if m := _CONDITION.fullmatch(part.strip()):
            words = tuple(fold(w) for w in re.split(r"[,，、|]\s*", m[3].strip()) if w)
            found.append(Condition(m[1].lower() == "only", m[2].lower() == "followed", words))
    return tuple(found)


@dataclass(slots=True)
class Row:
    """One row or entry as read: texts in, nothing judged yet."""

    place: str
    zh: Sequence[tuple[str, str]] = ()
    en: Sequence[tuple[str, str]] = ()
    id: str = ""
    domain: str = ""
    pos: str = ""
    case: str = ""
    note: str = ""
    provenance: str = ""
    confidence: str = ""
    condition: str = ""


def concepts_from_rows(rows: Iterable[Row], *, required: bool) -> list[Concept]:
    """Turn rows into concepts: rows with the same id, or the same Chinese term and sense, are one concept.

    Raises
    ------
    TermbaseError
        If a row lacks one side, has an unknown status or confidence, or contradicts an earlier one.
    """
    found: dict[tuple[str, ...], list[tuple[str, Concept]]] = {}
    for row in rows:
        concept = _concept(row, required)
        key = ("id", row.id) if row.id else ("zh", concept.source_terms[0].text, row.domain, row.condition)
        earlier = found.setdefault(key, [])
        for place, other in earlier:
            _require_agreement((row.place, concept), (place, other))
        earlier.append((row.place, concept))
    return _with_unique_ids(reduce(_joined, (concept for _, concept in same)) for same in found.values())


def _require_agreement(new: tuple[str, Concept], earlier: tuple[str, Concept]) -> None:
    known = {term.text: term.status for term in earlier[1].target_terms}
    for term in new[1].target_terms:
        status = known.get(term.text, term.status)
        if _accepted(status) != _accepted(term.status):
            raise TermbaseError(
                f"{new[0]}: {term.text!r} is {term.status} for {new[1].source_terms[0].text}, "
                f"but {earlier[0]} says it is {status}. Keep one of the two."
            )


def _concept(row: Row, required: bool) -> Concept:
    zh, en = _terms(row, row.zh, "zh"), _terms(row, row.en, "en")
    if not zh or not en:
        known, missing, column = (zh, "translation", "en") if zh else (en, "Chinese term", "zh")
        name = known[0].text if known else "the row"
        raise TermbaseError(
            f'{row.place}: {name} has no {missing}. Add one in column "{column}", or delete the row.'
        )
    return Concept(
        id=row.id or zh[0].text,
        source_terms=zh,
        target_terms=en,
        domain=row.domain,
        pos=_part_of_speech(row.pos),
        note=row.note,
        provenance=row.provenance,
        confidence=_confidence(row),
        condition=row.condition,
        required=required,
    )


def _terms(row: Row, texts: Iterable[tuple[str, str]], lang: str) -> tuple[Term, ...]:
    sensitive = (
        row.case.strip().lower() in {"sensitive", "yes", "true", "1", "case-sensitive"} and lang == "en"
    )
    found: dict[str, Term] = {}
    for text, status in texts:
        if not (text := text.strip()):
            continue
        known = _status(row, status)
        if (earlier := found.get(text)) is None:
            found[text] = Term(text, lang, known, sensitive and _accepted(known))
        elif _accepted(earlier.status) != _accepted(known):
            raise TermbaseError(
                f"{row.place}: {text!r} is both {earlier.status} and {known}. Keep it in one column."
            )
    return tuple(found.values())


def _status(row: Row, status: str) -> TermStatus:
    known = _known_status(status)
    if known is None:
        raise TermbaseError(
            f"{row.place}: status {status!r} is unknown. Use preferred, admitted, deprecated or known-wrong."
        )
    return known


@lru_cache(maxsize=64)
def _known_status(status: str) -> TermStatus | None:
    return _STATUSES.get(re.sub(r"[\s_-]|term-admn-sts", "", status.strip().lower()))


def _accepted(status: TermStatus) -> bool:
    return status in ("preferred", "admitted")


@lru_cache(maxsize=64)
def _part_of_speech(text: str) -> PartOfSpeech:
    key = re.sub(r"[\s_-]", "", text.lower())
    return "name" if key in _NAMES else "phrase" if key == "phrase" else "noun"


def _confidence(row: Row) -> float:
    text = row.confidence.strip().lower()
    if text in _CONFIDENCES:
        return _CONFIDENCES[text]
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise TermbaseError(
            f"{row.place}: confidence {text!r} is no number in [0, 1], nor high, medium or low."
        )
    return value


def _joined(first: Concept, second: Concept) -> Concept:
    def union(left: tuple[Term, ...], right: tuple[Term, ...]) -> tuple[Term, ...]:
        known = {t.text for t in left}
        new = (
            replace(t, status="admitted") if t.status == "preferred" else t
            for t in right
            if t.text not in known
        )
        return left + tuple(new)

    return replace(
        first,
        source_terms=union(first.source_terms, second.source_terms),
        target_terms=union(first.target_terms, second.target_terms),
        note="; ".join(dict.fromkeys(n for n in (first.note, second.note) if n)),
    )


def _with_unique_ids(concepts: Iterable[Concept]) -> list[Concept]:
    seen: dict[str, int] = {}
    unique = []
    for concept in concepts:
        n = seen[concept.id] = seen.get(concept.id, 0) + 1
        unique.append(concept if n == 1 else replace(concept, id=f"{concept.id}#{n}"))
    return unique
