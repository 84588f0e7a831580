"""Bytes on disk to text, and aligned text from and to its exchange formats.

`read_text` gives the running text of a file, with a map from each of its code points back into the file.
`read_pairs` gives the units of a bilingual file, streamed.  The writers take an `Alignment` or units, and a
text stream or a path.  Formats are told by suffix; one module per family holds their readers and writers.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TextIO

from bitext.data import Alignment
from bitext.errors import BitextError, ReadError
from bitext.formats._origin import Extracted, Origin, Place
from bitext.formats._units import Pairs, Skipped, Tag, Unit, extract_side
from bitext.formats.exchange import read_tmx, read_xliff, write_tmx, write_xliff
from bitext.formats.markup import read_html, read_markdown
from bitext.formats.office import read_docx, read_xlsx, xlsx_rows
from bitext.formats.po import read_po
from bitext.formats.subtitles import read_subtitles
from bitext.formats.tables import (
    parquet_rows,
    read_csv,
    read_jsonl,
    read_rows,
    read_tsv,
    write_beads,
    write_jsonl,
    write_parquet,
    write_tsv,
)
from bitext.formats.text import decode, open_text, read_bytes, read_plain, shown

__all__ = [
    "PAIR_FORMATS",
    "TEXT_FORMATS",
    "Extracted",
    "Origin",
    "Pairs",
    "Place",
    "Skipped",
    "Tag",
    "Unit",
    "decode",
    "read_pairs",
    "read_text",
    "write_beads",
    "write_jsonl",
    "write_pairs",
    "write_parquet",
    "write_tmx",
    "write_tsv",
    "write_xliff",
]

TEXT_FORMATS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".srt": "subtitles",
    ".vtt": "subtitles",
    ".docx": "docx",
    ".docm": "docx",
    ".xlsx": "xlsx",
}
"""Suffixes of the formats with running text; any other suffix is plain text."""

PAIR_FORMATS = {
    ".tmx": "tmx",
    ".xlf": "xliff",
    ".xliff": "xliff",
    ".sdlxliff": "xliff",
    ".mqxliff": "xliff",
    ".mxliff": "xliff",
    ".po": "po",
    ".pot": "po",
    ".tsv": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
}
"""Suffixes of the formats with source and target side by side."""

_MARKED_UP: dict[str, Callable[..., Extracted]] = {
    "markdown": read_markdown,
    "html": read_html,
    "subtitles": read_subtitles,
}
_BINARY: dict[str, Callable[[str | Path], Extracted]] = {"docx": read_docx, "xlsx": read_xlsx}
_STREAMED: dict[str, Callable[[TextIO, str], Iterator[Unit | Skipped]]] = {
    "xliff": read_xliff,
    "po": read_po,
    "tsv": read_tsv,
    "csv": read_csv,
    "jsonl": read_jsonl,
}
_WRITERS: dict[str, Callable[..., None]] = {
    "tmx": write_tmx,
    "xliff": write_xliff,
    "tsv": write_tsv,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
}
_ROWS: dict[str, Callable[[str | Path], Iterator[tuple[int, list[str]]]]] = {
    "xlsx": xlsx_rows,
    "parquet": parquet_rows,
}


def read_text(
    path: str | Path, *, encoding: str | None = None, side: Literal["source", "target"] = "source"
) -> Extracted:
    """Read the running text of a file, and where each of its code points stands.

    Parameters
    ----------
    path : str or Path
        The suffix tells the format (`TEXT_FORMATS`, `PAIR_FORMATS`); any other is plain text, which is handed
        out unchanged.  ``"-"`` reads plain text from standard input.
    encoding : str, optional
        Name of a Python text codec; ``None`` detects it.  Of no effect on DOCX and XLSX.
    side : {"source", "target"}, default "source"
        Which text of a bilingual file; there every unit is a line, also an empty one.

    Raises
    ------
    ReadError
        If the file is missing, empty, not what its suffix says, or not in `encoding`.
    MissingExtraError
        If the format needs a package that is not installed.
    """
    suffix = Path(path).suffix.lower()
    format = TEXT_FORMATS.get(suffix) or PAIR_FORMATS.get(suffix, "text")
    if format in _BINARY:
        extracted = _BINARY[format](path)
    elif format in _MARKED_UP:
        extracted = _MARKED_UP[format](path, encoding=encoding)
    elif format == "text":
        extracted = read_plain(path, encoding=encoding)
    else:
        extracted = _read_side(path, format, encoding, side)
    if not extracted.text.strip():
        n = len(extracted.text)
        fact = f"holds no text but white space ({n} characters)" if n else "is empty or holds no text"
        raise ReadError(f"{shown(path)}: {fact}; expected text. Check that it was saved.")
    return extracted


def read_pairs(
    path: str | Path,
    *,
    format: str | None = None,
    encoding: str | None = None,
    source_lang: str | None = None,
    target_lang: str | None = None,
) -> Pairs:
    """Return the units of a bilingual file, to be iterated; they are read as they are asked for.

    Parameters
    ----------
    path : str or Path
        ``"-"`` reads standard input, once.
    format : str, optional
        A value of `PAIR_FORMATS`; by default the suffix tells it, and standard input is ``"tsv"``.
    encoding : str, optional
        Name of a Python text codec; ``None`` detects it.  Of no effect on XLSX and Parquet.
    source_lang, target_lang : str, optional
        Which languages of a TMX file with several.

    Raises
    ------
    BitextError
        If the format is not known.
    ReadError
        While iterating: if the file is missing, empty, broken, or not in `encoding`.

    Examples
    --------
    >>> pairs = read_pairs("memory.tmx")  # doctest: +SKIP
    >>> [unit.target for unit in pairs], pairs.skipped  # doctest: +SKIP
    """
    format = format or ("tsv" if str(path) == "-" else PAIR_FORMATS.get(Path(path).suffix.lower(), ""))
    if format not in PAIR_FORMATS.values():
        raise BitextError(
            f"{shown(path)}: no format of aligned text ({format or Path(path).suffix or 'no suffix'!r}); "
            f"expected one of {', '.join(sorted(set(PAIR_FORMATS.values())))}. Name it with format=."
        )

    def read() -> Iterator[Unit | Skipped]:
        if format in _ROWS:
            yield from read_rows(_ROWS[format](path))
            return
        with open_text(path, encoding=encoding) as stream:
            if format == "tmx":
                yield from read_tmx(stream, shown(path), source_lang=source_lang, target_lang=target_lang)
            else:
                yield from _STREAMED[format](stream, shown(path))

    return Pairs(shown(path), format, read)


def write_pairs(
    content: Alignment | Iterable[Unit],
    to: str | Path,
    *,
    scores: Sequence[float | None] | None = None,
    source_lang: str = "",
    target_lang: str = "",
) -> None:
    """Write units, or the beads of an alignment, to a file in the format its suffix tells.

    Parameters
    ----------
    content : Alignment, Pairs or iterable of Unit
    to : str or Path
        TMX, XLIFF 2.1, TSV, JSONL or Parquet.  It is replaced when all is written, and untouched on an error.
    scores : sequence of float or None, optional
        In [0, 1], one per bead of an alignment.
    source_lang, target_lang : str, optional
        BCP 47, for units whose file did not say.

    Raises
    ------
    BitextError
        If the suffix tells no format that can be written, or the file cannot be written.
    """
    format = PAIR_FORMATS.get(Path(to).suffix.lower(), "")
    if format not in _WRITERS:
        raise BitextError(
            f"{to}: no format that bitext writes ({format or Path(to).suffix or 'no suffix'!r}); "
            f"expected the suffix of one of {', '.join(sorted(_WRITERS))}."
        )
    if not isinstance(content, Alignment) and (source_lang or target_lang):
        content = (
            replace(u, source_lang=u.source_lang or source_lang, target_lang=u.target_lang or target_lang)
            for u in content
        )
    _WRITERS[format](content, to, scores=scores)


def _read_side(path: str | Path, format: str, encoding: str | None, side: str) -> Extracted:
    if format in _ROWS:  # rows of cells have no places in a text: their map is of the text itself
        pairs = read_pairs(path, format=format)
        text = "\n".join(getattr(unit, side).replace("\n", " ") for unit in pairs)
        return Extracted(text, shown(path), format, None, Origin.of_text(text))
    raw = decode(read_bytes(path), encoding=encoding, path=shown(path))
    read = read_tmx if format == "tmx" else _STREAMED[format]
    pairs = Pairs(shown(path), format, lambda: read(io.StringIO(raw, newline=""), shown(path)))
    return extract_side(pairs, raw, shown(path), format, side=side)
