"""Running text from marked-up text: what is between two blocks, two lines, two words.

Readers say what they meet; `Flow` puts at most one separator between two pieces of text, the strongest of
those met, and none at either end.
"""

from __future__ import annotations

import re
from typing import Final

from bitext.formats._origin import Assembly

SPACE: Final = 1
SOFT: Final = 2
"""A line end that is only white space: a space, but nothing between two Chinese characters."""
LINE: Final = 3
BLOCK: Final = 4

_SEPARATORS = {SPACE: " ", SOFT: " ", LINE: "\n", BLOCK: "\n\n"}
_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]")
_EITHER = re.compile("[‘’“”…—·]")  # marks that both scripts use


class Flow:
    """Collect the text of `raw`, block after block."""

    def __init__(self, raw: str) -> None:
        self.assembly = Assembly(raw)
        self._gap = 0
        self._gap_at = 0
        self._last = ""

    @property
    def at_line_start(self) -> bool:
        """Whether what comes is the first of its line."""
        return self._gap >= SOFT or not len(self.assembly)

    def gap(self, strength: int, at: int) -> None:
        """Say that something separates what was appended from what comes, at offset `at` of the file."""
        if strength > self._gap:
            self._gap, self._gap_at = strength, at

    def copy(self, start: int, end: int) -> None:
        """Append ``raw[start:end]`` as it is."""
        if end > start:
            self._close_gap(self.assembly.raw[start])
            self.assembly.copy(start, end)
            self._last = self.assembly.raw[end - 1]

    def put(self, text: str, at: int) -> None:
        """Append characters that stand at offset `at` of the file in another form."""
        if text:
            self._close_gap(text[0])
            self.assembly.put(text, at)
            self._last = text[-1]

    def words(self, start: int, end: int) -> None:
        """Append ``raw[start:end]`` with its white space collapsed."""
        for match in _WORDS.finditer(self.assembly.raw, start, end):
            if match.lastgroup == "space":
                self.gap(SOFT if "\n" in match[0] or "\r" in match[0] else SPACE, match.start())
            else:
                self.copy(*match.span())

    def _close_gap(self, following: str) -> None:
        is_first = not len(self.assembly)
        if self._gap and not is_first and not (self._gap == SOFT and _is_seamless(self._last, following)):
            self.assembly.put(_SEPARATORS[self._gap], self._gap_at)
        self._gap = 0


_WORDS = re.compile(r"(?P<space>[ \t\n\f\r]+)|[^ \t\n\f\r]+")


def _is_seamless(before: str, after: str) -> bool:
    """Whether a line broken between these characters is joined without a space, as Chinese is."""
    wide = bool(_WIDE.match(before)), bool(_WIDE.match(after))
    return any(wide) and all(w or _EITHER.match(c) for w, c in zip(wide, (before, after), strict=True))
