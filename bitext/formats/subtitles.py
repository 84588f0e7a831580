"""SubRip and WebVTT subtitles to text, sentences joined across cues.

A sentence is cut where the eye needs a rest, not where it ends.  In a file that ends its sentences with
marks, a cue without one runs on into the next; in a file without marks, as most Chinese subtitles are, every
cue is a line of its own, for nothing says where its sentences end.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

from bitext.errors import ReadError
from bitext.formats._flow import LINE, SOFT, Flow
from bitext.formats._origin import Extracted
from bitext.formats.text import decode, read_bytes, shown

_PAUSE = 3.0  # seconds without a cue, after which a sentence does not go on
_PUNCTUATED = 0.2  # share of cues that end a sentence, from which on marks are trusted
_LINE = re.compile(r"(?P<text>[^\r\n]*)(?:\r\n|\n|\r|\Z)")
_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_PIECE = re.compile(
    r"(?P<tag></?[A-Za-z][^<>]*>|<\d[\d:.]*>|\{\\[^}]*\})|(?P<entity>&[A-Za-z#][A-Za-z0-9]*;)|(?P<text>[^<{&]+|[<{&])"
)
_END = re.compile(r"[。！？!?.…｡~～♪][”’\"'」』）)\]】]*\s*$")
_DASH = re.compile(r"[-‐–—－]\s*\S")


def read_subtitles(path: str | Path, *, encoding: str | None = None) -> Extracted:
    """Read the text of an SRT or VTT file; the units of its map are the cues.

    Raises
    ------
    ReadError
        If there is no cue, or the timing of one is malformed (with its line).
    """
    name = shown(path)
    raw = decode(read_bytes(path), encoding=encoding, path=name)
    is_vtt = raw.startswith("WEBVTT")
    cues = _cues(raw, name, is_vtt=is_vtt)
    flow = Flow(raw)
    n_ended = sum(_ends_sentence(raw, cue) for cue in cues)
    is_punctuated = n_ended >= _PUNCTUATED * len(cues)
    before: _Cue | None = None
    for cue in cues:
        if before is not None:
            runs_on = is_punctuated and not _ends_sentence(raw, before) and cue.begin - before.end < _PAUSE
            flow.gap(SOFT if runs_on else LINE, before.lines[-1][1])
        _append_cue(flow, cue)
        before = cue
    return Extracted(flow.assembly.text(), name, "vtt" if is_vtt else "srt", None, flow.assembly.origin())


@dataclass(slots=True)
class _Cue:
    name: str
    begin: float
    end: float
    lines: list[tuple[int, int]]  # spans in the file


def _cues(raw: str, path: str, *, is_vtt: bool) -> list[_Cue]:
    cues: list[_Cue] = []
    current: _Cue | None = None
    above = ""  # the line above, which may be the number or name of the cue
    for number, match in enumerate(_LINE.finditer(raw), start=1):
        text = match["text"].strip()
        timing = _TIMING.fullmatch(text)
        if timing:
            is_name = above.isdigit() or (is_vtt and current is None)
            if is_name and above and current is not None:
                current.lines.pop()
            times = timing.groups()
            name = f"cue {above if is_name and above else len(cues) + 1}"
            current = _Cue(name, _seconds(*times[:4]), _seconds(*times[4:]), [])
            cues.append(current)
        elif "-->" in text:
            raise ReadError(
                f"{path}:{number}: {text[:60]!r} is no cue timing; expected 00:00:01,000 --> 00:00:02,500. "
                "Correct it there."
            )
        elif text and current is not None:
            current.lines.append(match.span("text"))
        elif is_vtt:
            current = None
        above = text
    cues = [cue for cue in cues if cue.lines]
    if not cues:
        raise ReadError(f"{path}: holds no cue; expected timings such as 00:00:01,000 --> 00:00:02,500.")
    return cues


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _ends_sentence(raw: str, cue: _Cue) -> bool:
    start, end = cue.lines[-1]
    return bool(_END.search(re.sub(r"<[^<>]*>|\{\\[^}]*\}", "", raw[start:end])))


def _append_cue(flow: Flow, cue: _Cue) -> None:
    raw = flow.assembly.raw
    flow.assembly.unit(cue.name)
    for start, end in cue.lines:
        # a dash is another speaker
        flow.gap(LINE if _DASH.match(raw, start) else SOFT, start)
        for piece in _PIECE.finditer(raw, start, end):
            if piece.lastgroup == "entity":
                flow.put(html.unescape(piece[0]), piece.start())
            elif piece.lastgroup == "text":
                flow.words(*piece.span())
