"""The termbase: concepts from any file format, found in running text of either language.

Files come in, `Termbase` objects go out; a text in, the places of its terms out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path

from bitext._concepts import Concept, concepts_from_rows, conditions
from bitext._termmatch import HAN, Compact, TermIndex, compact, crossings, straddle, term_key
from bitext.data import Span, Term
from bitext.errors import TermbaseError


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

    @staticmethod
    def default() -> Termbase:
        """Return the termbase that ships with the library, read and indexed once."""
        return _default()

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

    @cached_property
    def digest(self) -> str:
        """Eight hexadecimal digits that change with any concept; part of the signature."""
        return hashlib.sha256("\n".join(sorted(map(repr, self))).encode()).hexdigest()[:8]

    def matches(self, text: str, lang: str, *, overlapping: bool = False) -> list[TermMatch]:
        """Find the terms in `text`: the longest at each place, none overlapping, in text order.

        English terms match at word boundaries in any number, spelling, hyphenation and (unless the term is
        case sensitive or a short acronym) case; Chinese terms match in either script where they do not cut
        through words.  Two concepts that share a term both match.

        Parameters
        ----------
        text : str
        lang : str
            BCP 47; the primary subtag decides.
        overlapping : bool, default False
            Return the terms inside and across other terms too.
        """
        index, entries = self._index(lang)
        body = compact(text, lang)
        is_valid = _chinese_validity(body) if lang.lower().startswith("zh") else _english_validity(text, body)
        taken = bytearray(len(body.text))
        matches: list[TermMatch] = []
        for start, end, payloads in sorted(index.find(body), key=lambda p: (p[0] - p[1], p[0])):
            if taken.find(1, start, end) >= 0:
                continue
            valid = [entries[i] for i in payloads if is_valid(start, end, *entries[i])]
            if valid and not overlapping:
                taken[start:end] = b"\1" * (end - start)
            matches += (TermMatch(body.span(start, end), *entry) for entry in valid)
        return sorted(matches, key=lambda m: m.span)

    def _index(self, lang: str) -> tuple[TermIndex, list[tuple[Concept, Term]]]:
        key = "zh" if lang.lower().startswith("zh") else "en"
        if key not in self._indexes:
            entries = [(concept, term) for concept in self for term in concept.terms(key)]
            items = ((k, i) for i, (_, term) in enumerate(entries) for k in _keys(term.text, key))
            self._indexes[key] = TermIndex(items, width=2 if key == "zh" else 5), entries
        return self._indexes[key]


@lru_cache(maxsize=1)
def _default() -> Termbase:
    path = Path(str(resources.files("bitext").joinpath("_corpora", "termbase", "zh-en.tsv")))
    if not path.exists():  # a checkout, not an installed wheel
        path = Path(__file__).parent.parent / "corpora" / "termbase" / "zh-en.tsv"
    return Termbase(_read(path, None, True, required=False), name="zh-en")


@lru_cache(maxsize=2)
def with_default(termbase: Termbase | None) -> Termbase:
    """Return the project's terms on top of those that ship with the library, merged and indexed once."""
    return _default() if termbase is None else termbase.merge(_default())


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
    if key := term_key(text, lang):
        yield key
    head = text.rstrip()
    if head.endswith((")", "）")):
        cut = max(head.rfind("("), head.rfind("（"))
        if cut > 0 and (key := term_key(head[:cut], lang)):
            yield key


def _chinese_validity(body: Compact) -> Callable[[int, int, Concept, Term], bool]:
    """Return the test whether a place is a term: no cut through words, and under its conditions."""
    crossed = crossings(body.text)

    def is_valid(start: int, end: int, concept: Concept, _: Term) -> bool:
        if end - start <= 3 and (crossed[start] or crossed[end]) and HAN.search(body.text, start, end):
            # a short name is easily there by chance: 美的 is no company in 南美的
            tolerance = 0.0 if concept.pos == "name" and end - start == 2 else 1.0
            if straddle(body.text, start, end) > tolerance:
                return False
        if not concept.condition:
            return True
        before, after = body.text[max(0, start - 20) : start], body.text[end : end + 20]
        return all(c.holds(before, after) for c in conditions(concept.condition))

    return is_valid


def _english_validity(text: str, body: Compact) -> Callable[[int, int, Concept, Term], bool]:
    """Return the test whether a place is a term: in the case it asks for, as short acronyms do."""

    def is_valid(start: int, end: int, _: Concept, term: Term) -> bool:
        wanted = term.text
        if not (term.case_sensitive or (wanted.isupper() and wanted.isalpha() and len(wanted) <= 5)):
            return True
        low, high = body.span(start, end)
        there, wanted = (("".join(c for c in s if c.isalnum())) for s in (text[low:high], wanted))
        stable = min(len(there), len(wanted), max(3, len(wanted) - 3))  # the ending may be inflected
        return there[:stable] == wanted[:stable] or (
            term.case_sensitive and there.isupper() and len(there) > 1
        )

    return is_valid
