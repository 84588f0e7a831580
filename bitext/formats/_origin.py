"""Where extracted text stands in its file: what every reader hands out beside the text itself.

A reader copies *runs* of the decoded file (or, for DOCX and XLSX, of a list of paragraphs) and inserts a few
characters of its own, such as the line breaks between blocks.  `Assembly` records that while it happens;
`Origin` answers afterwards, by binary search, and stores a few integers per run and nothing per character.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LINE_END = re.compile(r"\r\n|\n|\r")


class Place(NamedTuple):
    """A position in a file, for people and for programs.

    Attributes
    ----------
    line, column : int
        1-based, in code points.  Lines end at LF, CR LF or CR.  A DOCX or XLSX file has no lines: there
        `line` counts its paragraphs or cells in reading order, and `column` the code points within.
    unit : str
        The paragraph, cue, row or translation unit, in the words of the format; empty in running text.
    offset : int, optional
        0-based code points into the decoded file as given (a BOM not counted); ``None`` in DOCX and XLSX.
    """

    line: int
    column: int
    unit: str = ""
    offset: int | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Origin:
    """A map from code points of an extracted text to places in its file.

    Parameters
    ----------
    starts : array-like of shape (n_runs,)
        Ascending offsets into the extracted text at which a run begins; the first is 0.
    sources : array-like of shape (n_runs,)
        Offset in the decoded file of the first character of each run.
    lines : array-like of shape (n_lines,)
        Ascending offsets in the decoded file at which a line begins; the first is 0.
    unit_starts : array-like of shape (n_units,), optional
        Ascending offsets into the extracted text at which a named unit begins.
    unit_names : tuple of str, optional
        Their names.
    has_offsets : bool, default True
        False where the file is not text, so that offsets into it would mean nothing.
    """

    starts: NDArray[np.int64]
    sources: NDArray[np.int64]
    lines: NDArray[np.int64]
    unit_starts: NDArray[np.int64] = field(default=())  # type: ignore[arg-type]
    unit_names: tuple[str, ...] = ()
    has_offsets: bool = True

    def __post_init__(self) -> None:
        for name in ("starts", "sources", "lines", "unit_starts"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))

    @classmethod
    def of_text(cls, text: str) -> Origin:
        """Map of a text that is its file, character by character."""
        return cls(np.zeros(1, np.int64), np.zeros(1, np.int64), line_starts(text))

    def locate(self, offset: int) -> Place:
        """Return the place in the file of the code point at `offset` of the extracted text.

        An offset that is the end of a span belongs to the character after it: ask for ``end - 1``.
        """
        run = max(0, int(np.searchsorted(self.starts, offset, side="right")) - 1)
        at = int(self.sources[run]) + offset - int(self.starts[run])
        line = max(0, int(np.searchsorted(self.lines, at, side="right")) - 1)
        unit = int(np.searchsorted(self.unit_starts, offset, side="right")) - 1
        name = self.unit_names[unit] if unit >= 0 else ""
        return Place(line + 1, at - int(self.lines[line]) + 1, name, at if self.has_offsets else None)

    def __repr__(self) -> str:
        return f"<Origin: {len(self.starts)} runs, {len(self.lines)} lines, {len(self.unit_names)} units>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Extracted:
    """The text of a file as bitext sees it, and where each of its code points came from.

    Parameters
    ----------
    text : str
        Running text; the readers of marked-up formats put an empty line between blocks.
    path : str, optional
        Where it came from, for messages.
    format : str
        Name of the reader, for example ``"markdown"``.
    lang : str, optional
        BCP 47, where the file says so.
    origin : Origin
        Map from offsets in `text` to the file.
    """

    text: str
    path: str | None
    format: str
    lang: str | None
    origin: Origin

    def __repr__(self) -> str:
        place = f" {self.path!r}" if self.path else ""
        return f"<Extracted{place} {self.format}: {len(self.text)} characters>"


class Assembly:
    """Collect text piece by piece and remember where each piece stands in `raw`."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self._pieces: list[str] = []
        self._length = 0
        self._starts: list[int] = []
        self._sources: list[int] = []
        self._unit_starts: list[int] = []
        self._unit_names: list[str] = []

    def __len__(self) -> int:
        return self._length

    def append(self, text: str, at: int) -> None:
        """Append `text`, whose code points stand one after the other from offset `at` of `raw`."""
        if not text:
            return
        continues = self._starts and self._sources[-1] + self._length - self._starts[-1] == at
        if not continues:
            self._starts.append(self._length)
            self._sources.append(at)
        self._pieces.append(text)
        self._length += len(text)

    def copy(self, start: int, end: int) -> None:
        """Append ``raw[start:end]`` as it is."""
        self.append(self.raw[start:end], start)

    def put(self, text: str, at: int) -> None:
        """Append characters that are not in the file as such; all of them stand at offset `at` of `raw`."""
        for character in text:
            self.append(character, at)

    def unit(self, name: str) -> None:
        """Name what is appended from here on."""
        if self._unit_starts and self._unit_starts[-1] == self._length:
            self._unit_names[-1] = name
        else:
            self._unit_starts.append(self._length)
            self._unit_names.append(name)

    def text(self) -> str:
        """Everything appended so far."""
        return "".join(self._pieces)

    def origin(self, *, lines: ArrayLike | None = None, has_offsets: bool = True) -> Origin:
        """Return the map of everything appended so far; `lines` are by default those of `raw`."""
        return Origin(
            np.array(self._starts or [0]),
            np.array(self._sources or [0]),
            np.asarray(line_starts(self.raw) if lines is None else lines),
            np.array(self._unit_starts, dtype=np.int64),
            tuple(self._unit_names),
            has_offsets,
        )


def line_starts(text: str) -> NDArray[np.int64]:
    """Return the offsets at which lines begin; the first is 0."""
    return np.array([0, *(match.end() for match in _LINE_END.finditer(text))], dtype=np.int64)


def _frozen(values: ArrayLike) -> NDArray[np.int64]:
    array = np.array(values, dtype=np.int64)
    array.flags.writeable = False
    return array
