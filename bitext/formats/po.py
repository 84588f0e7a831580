"""Gettext PO catalogs to units: msgid to msgstr, plural forms one by one, each character with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

from bitext.formats._units import Run, Skipped, Unit

_STRING = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?)\s+)?"((?:[^"\\]|\\.)*+)"\s*')
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_LANGUAGE = re.compile(r"^Language:\s*([\w@.-]+)", re.MULTILINE)


def read_po(stream: TextIO, path: str) -> Iterator[Unit | Skipped]:
    """Yield the units of a PO file; obsolete entries are left out, fuzzy ones have the property ``fuzzy``.

    The identity of a unit is its ``msgctxt``, or its number in the file.
    """
    lang = ""
    for number, entry in enumerate(_entries(stream)):
        if entry.fault is not None:
            yield entry.fault
        elif not entry.text("msgid"):
            header = _LANGUAGE.search(entry.text("msgstr"))
            lang = header[1].replace("_", "-") if header else lang
        else:
            yield from _units(entry, str(number), lang)


@dataclass(slots=True)
class _Entry:
    line: int
    strings: dict[str, tuple[list[str], list[Run]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    properties: list[tuple[str, str]] = field(default_factory=list)
    fault: Skipped | None = None
    last: str = ""

    def text(self, key: str) -> str:
        return "".join(self.strings[key][0]) if key in self.strings else ""

    def runs(self, key: str) -> tuple[Run, ...]:
        return tuple(self.strings[key][1]) if key in self.strings else ()

    def add(self, content: str, line: int, column: int) -> None:
        """Append one quoted line to the string begun last."""
        pieces, runs = self.strings.setdefault(self.last, ([], []))
        start, done = sum(map(len, pieces)), 0
        for escape in (*_ESCAPE.finditer(content), None):
            plain = content[done : escape.start() if escape else None]
            if plain:
                runs.append((start, line, column + done))
                pieces.append(plain)
                start += len(plain)
            if escape:
                runs.append((start, line, column + escape.start()))
                pieces.append(_unescaped(escape[1]))
                start += 1
                done = escape.end()


def _entries(stream: TextIO) -> Iterator[_Entry]:
    entry: _Entry | None = None
    for number, raw in enumerate(stream, start=1):
        line = raw.strip()
        if not line or line.startswith("#~"):
            if entry and (entry.strings or entry.fault):
                yield entry
                entry = None
            continue
        ended = entry is not None and entry.last.startswith("msgstr")
        if ended and entry and (line.startswith(("#", "msgctxt")) or line.startswith("msgid ")):
            yield entry
            entry = None
        entry = entry or _Entry(number)
        _take(entry, line, number, raw.find(line))
    if entry and (entry.strings or entry.fault):
        yield entry


def _take(entry: _Entry, line: str, number: int, indent: int) -> None:
    """Add one line of the file to `entry`."""
    if line.startswith("#"):
        kind, text = line[1:2], line[2:].strip()
        if kind == ",":
            entry.properties += [(flag.strip(), "yes") for flag in text.split(",") if flag.strip()]
        elif kind == ":":
            entry.properties.append(("reference", text))
        elif kind != "|" and text:
            entry.notes.append(text)
        return
    match = _STRING.fullmatch(line)
    if match is None or not (match[1] or entry.last) or (match[1] and match[1] in entry.strings):
        fact = "is no string of an entry" if match is None else "does not belong where it stands"
        entry.fault = entry.fault or Skipped(number, f"line {line[:40]!r} {fact}; its entry was left out")
        return
    entry.last = match[1] or entry.last
    entry.add(match[2], number, indent + match.start(2) + 1)


def _units(entry: _Entry, number: str, lang: str) -> Iterator[Unit | Skipped]:
    forms = [key for key in entry.strings if key.startswith("msgstr")]
    if not forms:
        yield Skipped(entry.line, f"entry {entry.text('msgid')[:40]!r} has no msgstr")
    for count, form in enumerate(forms):
        is_singular = "msgid_plural" not in entry.strings or (count == 0 and len(forms) > 1)
        source = "msgid" if is_singular else "msgid_plural"
        yield Unit(
            id=entry.text("msgctxt") or number,
            source=entry.text(source),
            target=entry.text(form),
            target_lang=lang,
            notes=tuple(entry.notes),
            segment=form.removeprefix("msgstr").strip("[]"),
            properties=tuple(entry.properties),
            source_runs=entry.runs(source),
            target_runs=entry.runs(form),
            line=entry.line,
        )


def _unescaped(code: str) -> str:
    if code[0] in "01234567":
        return chr(int(code, 8))
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)
