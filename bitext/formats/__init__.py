"""Bytes on disk to text, and aligned text to and from its exchange formats.

`read_text` picks a reader by suffix and hands out the text with a map back into the file.
"""

from __future__ import annotations

from pathlib import Path

from bitext.errors import ReadError
from bitext.formats._origin import Extracted, Origin, Place
from bitext.formats.text import decode, read_plain, shown

__all__ = ["Extracted", "Origin", "Place", "decode", "read_text"]


def read_text(path: str | Path, *, encoding: str | None = None) -> Extracted:
    """Read the running text of a file.

    Parameters
    ----------
    path : str or Path
        ``"-"`` reads standard input.
    encoding : str, optional
        Name of a Python text codec; ``None`` detects it.

    Raises
    ------
    ReadError
        If the file is missing, empty, not text, or not in `encoding`.
    """
    extracted = read_plain(path, encoding=encoding)
    if not extracted.text.strip():
        n = len(extracted.text)
        fact = f"holds nothing but white space ({n} characters)" if n else "is empty"
        raise ReadError(f"{shown(path)}: {fact}; expected text. Check that it was saved.")
    return extracted
