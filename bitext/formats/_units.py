"""Aligned text outside a document: the units of a bilingual file, and what could not be read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from bitext.data import Alignment
from bitext.errors import ReadError
from bitext.formats._origin import Assembly, Extracted, line_starts

_MAX_LISTED = 1000

Run = tuple[int, int, int]
"""Where a piece of a unit's text came from: its start in the text, and its line and column in the file."""


@dataclass(frozen=True, slots=True)
class Tag:
    """An inline tag that stands in the text before the code point `at`, verbatim.

    Parameters
    ----------
    at : int
        Offset into the text of its side.
    markup : str
        The tag as XML; a pair is two tags, ``<g id="1">`` and ``</g>``.
    """

    at: int
    markup: str


@dataclass(frozen=True, slots=True)
class Unit:
    """One translation unit: a source segment and its translation.

    Parameters
    ----------
    id : str
        As the file has it; rows of a table count from ``"1"``.
    source, target : str
        Text without its inline tags; an empty target is a unit not translated.
    source_lang, target_lang : str
        BCP 47; empty where the file does not say.
    notes : tuple of str
        In file order.
    score : float, optional
        In [0, 1].
    segment : str
        Identity of the segment within the unit, where the format has one (XLIFF).
    file : str
        The original document the unit belongs to (XLIFF ``original``).
    source_tags, target_tags : tuple of Tag
        In order.
    dialect : {"", "tmx", "xliff-1", "xliff-2"}
        Whose inline tags they are.
    codes : tuple of (str, str)
        Identity and content of the native codes the tags refer to (XLIFF 2 ``originalData``).
    properties : tuple of (str, str)
        Type and value of further properties (TMX ``prop``; ``state`` and ``translate`` of XLIFF).
    source_runs, target_runs : tuple of Run
        Where the text came from.
    line : int
        1-based line at which the unit begins; 0 where the file has no lines.
    """

    id: str
    source: str
    target: str
    source_lang: str = ""
    target_lang: str = ""
    notes: tuple[str, ...] = ()
    score: float | None = None
    segment: str = ""
    file: str = ""
    source_tags: tuple[Tag, ...] = ()
    target_tags: tuple[Tag, ...] = ()
    dialect: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    source_runs: tuple[Run, ...] = field(default=(), compare=False)
    target_runs: tuple[Run, ...] = field(default=(), compare=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row or unit that could not be read: its line and what was wrong with it."""

    line: int
    reason: str


@dataclass(slots=True)
class Pairs:
    """The units of a bilingual file, read from it each time they are iterated.

    Attributes
    ----------
    path, format : str
    skipped : list of Skipped
        What the last iteration could not read, so far: the first thousand.
    n_skipped : int
        How many there were in all.
    """

    path: str
    format: str
    read: Callable[[], Iterator[Unit | Skipped]]
    skipped: list[Skipped] = field(default_factory=list)
    n_skipped: int = 0

    def __iter__(self) -> Iterator[Unit]:
        self.skipped.clear()
        self.n_skipped = n_units = 0
        for item in self.read():
            if isinstance(item, Unit):
                n_units += 1
                yield item
                continue
            self.n_skipped += 1
            if len(self.skipped) < _MAX_LISTED:
                self.skipped.append(item)
        if not n_units:
            raise self._nothing_read()

    def _nothing_read(self) -> ReadError:
        remedy = "Check that it was saved."
        if self.skipped:
            first = self.skipped[0]
            remedy = f"The first of {self.n_skipped} faults is on line {first.line}: {first.reason}."
        return ReadError(f"{self.path}: holds no pair of source and target; expected at least one. {remedy}")

    def __repr__(self) -> str:
        return f"<Pairs {self.path!r} {self.format}>"


def units_of(
    content: Alignment | Iterable[Unit], scores: Sequence[float | None] | None = None
) -> Iterator[Unit]:
    """Return the units to write: those given, or one per bead of an alignment in its order.

    `scores`, in [0, 1], one per bead, are those to write.
    """
    if not isinstance(content, Alignment):
        yield from content
        return
    if scores is None:
        scores = [None] * len(content)
    for index, (bead, score) in enumerate(zip(content.beads, scores, strict=True)):
        yield Unit(
            id=str(index + 1),
            source=content.source_text(bead),
            target=content.target_text(bead),
            source_lang=content.source.lang,
            target_lang=content.target.lang,
            score=None if score is None or np.isnan(score) else float(score),
        )


def bead_scores(content: Alignment | Iterable[Unit]) -> list[float | None] | None:
    """Scores of the beads of an alignment; ``None`` for units, which carry their own."""
    return [bead.score for bead in content] if isinstance(content, Alignment) else None


def extract_side(units: Iterable[Unit], raw: str, path: str, name: str, *, side: str) -> Extracted:
    """Return one side of `units` as running text, a unit a line, mapped to its place in the text `raw`.

    Line ends inside a unit become spaces, so that line `n` is unit `n`, also where a side is empty.
    """
    assembly = Assembly(raw)
    lines = line_starts(raw)
    lang = ""
    end = 0
    for index, unit in enumerate(units):
        text, runs, its_lang = (
            (unit.source, unit.source_runs, unit.source_lang)
            if side == "source"
            else (unit.target, unit.target_runs, unit.target_lang)
        )
        lang = lang or its_lang
        if index:
            assembly.put("\n", end)
        assembly.unit(unit.id + (f"/{unit.segment}" if unit.segment else ""))
        text = text.replace("\n", " ").replace("\r", " ")
        for (start, line, column), following in zip(runs, [*runs[1:], None], strict=False):
            at = int(lines[line - 1]) + column - 1
            piece = text[start : following[0] if following else None]
            assembly.append(piece, at)
            end = at + len(piece)
    return Extracted(assembly.text(), path, name, lang or None, assembly.origin(lines=lines))
