"""Write the demo corpus from its master.

In: `master.txt`, a Chinese speech with three English translations, sentence by sentence, and the planted
errors marked where they stand (the notation is explained at its top).  Out, in the same folder:
`speech.zh.txt`, and for each translation `NAME.en.txt` and `NAME.gold.json`.  The same master gives the
same bytes.

    python corpora/demo/build.py
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
TRANSLATIONS = {"good": "good", "a": "flawed-a", "b": "flawed-b"}
"""Keys used in the master and the names of the files they become."""

Span = tuple[int, int]

_ROW = re.compile(r"(?P<key>\w+)\s+(?P<first>\d+|\+)(?:-(?P<last>\d+))?\s+(?P<text>\S.*)")
_MARK = re.compile(
    r"! (?P<check>[a-z-]+)(?: #(?P<error>[a-z-]+))? (?P<quote>.+?)(?: => (?P<suggestion>.+))? // (?P<note>.+)"
)


class MasterError(ValueError):
    """A line of the master that does not follow its notation."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One planted error: the source words (``-`` none, ``*`` the whole bead) and what is wrong with them."""

    check: str
    quote: str
    note: str
    suggestion: str | None = None
    error: str | None = None

    @property
    def has_words(self) -> bool:
        """Whether words of the translation are wrong, rather than missing."""
        return self.check != "omission"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the master: a source sentence, or one bead of a translation."""

    line: int
    source: range
    sentences: tuple[str, ...]
    opens_paragraph: bool
    marked: tuple[Span, ...] = ()
    marks: list[Mark] = field(default_factory=list)


def parse(master: str) -> dict[str, list[Row]]:
    """Read the master: rows by key (``zh`` and the translations), in reading order.

    Raises
    ------
    MasterError
        If a line is not in the notation, or a translation skips, repeats or reorders a source sentence.
    """
    rows: dict[str, list[Row]] = {key: [] for key in ("zh", *TRANSLATIONS)}
    latest: Row | None = None
    for number, line in enumerate(master.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if mark := _MARK.fullmatch(text):
            if latest is None:
                raise MasterError(
                    f"line {number}: a mark before the first row; expected a translation above it."
                )
            latest.marks.append(Mark(**mark.groupdict()))
        elif (match := _ROW.fullmatch(text)) and match["key"] in rows:
            latest = _row(number, **match.groupdict())
            rows[match["key"]].append(latest)
        else:
            raise MasterError(
                f"line {number}: {text[:60]!r} is neither a row nor a mark; see the top of the master."
            )
    for key, sequence in rows.items():
        _require_order(key, sequence, len(rows["zh"]))
    return rows


def build(master: str) -> dict[str, str]:
    """Return the text of every file of the corpus by file name."""
    rows = parse(master)
    source, places = _lay_out(rows["zh"], paragraph="\n", space="")
    files = {"speech.zh.txt": source}
    sentences = [span for spans in places for span in spans]
    for key, name in TRANSLATIONS.items():
        target, targets = _lay_out(rows[key], paragraph="\n\n", space=" ")
        files[f"{name}.en.txt"] = target
        files[f"{name}.gold.json"] = _dump(_gold(rows[key], source, sentences, targets))
    return files


def _row(line: int, key: str, first: str, last: str | None, text: str) -> Row:
    source = range(0) if first == "+" else range(int(first) - 1, int(last or first))
    opens, text = text.startswith("¶ "), text.removeprefix("¶ ")
    if text == "∅":
        return Row(line, source, (), opens)
    plain, marked, start = "", [], None
    for piece in re.split(r"([{}])", text.replace(" | ", "\n")):
        if piece == "{":
            start = len(plain)
        elif piece == "}":
            if start is None:
                raise MasterError(f"line {line}: a closing brace without an opening one.")
            marked.append((start, len(plain)))
            start = None
        else:
            plain += piece
    if start is not None:
        raise MasterError(f"line {line}: a brace is not closed.")
    # sentences of one bead stay in one paragraph, so a space stands where "|" did and offsets hold
    return Row(line, source, tuple(plain.split("\n")), opens, tuple(marked))


def _require_order(key: str, rows: list[Row], n_sentences: int) -> None:
    expected = 0
    for row in rows:
        if row.source and row.source.start != expected:
            raise MasterError(
                f"line {row.line}: {key} has sentence {row.source.start + 1}; expected {expected + 1}."
            )
        expected = row.source.stop if row.source else expected
        n_words = sum(mark.has_words for mark in row.marks)
        if n_words != len(row.marked):
            raise MasterError(
                f"line {row.line}: {len(row.marked)} braces but {n_words} marks for them below."
            )
    if expected != n_sentences:
        raise MasterError(f"{key} ends at sentence {expected}; expected {n_sentences}.")


def _lay_out(rows: list[Row], *, paragraph: str, space: str) -> tuple[str, list[list[Span]]]:
    """Join the sentences into a text; return it with the spans of the sentences of each row."""
    text, places = "", []
    for row in rows:
        spans = []
        for i, sentence in enumerate(row.sentences):
            if text:
                text += paragraph if row.opens_paragraph and i == 0 else space
            spans.append((len(text), len(text) + len(sentence)))
            text += sentence
        places.append(spans)
    return text + "\n", places


def _gold(rows: list[Row], source: str, sentences: list[Span], targets: list[list[Span]]) -> dict[str, Any]:
    beads, issues = [], []
    for row, target in zip(rows, targets, strict=True):
        spans = [sentences[i] for i in row.source]
        if spans and target:
            beads.append({"source": spans, "target": target})
        else:  # nulls: one bead per sentence, the finest grouping
            beads += [{"source": [span], "target": []} for span in spans]
            beads += [{"source": [], "target": [span]} for span in target]
        marked = iter(row.marked)
        for mark in row.marks:
            words = next(marked) if mark.has_words else None
            issues.append(
                {
                    "check": mark.check,
                    "error": mark.error,
                    "source": _source_span(row, mark, source, spans),
                    "target": words and (target[0][0] + words[0], target[0][0] + words[1]),
                    "suggestion": mark.suggestion,
                    "note": mark.note,
                }
            )
    return {"beads": beads, "issues": issues}


def _source_span(row: Row, mark: Mark, source: str, spans: list[Span]) -> Span | None:
    if mark.quote == "-":
        return None
    start, end = spans[0][0], spans[-1][1]
    if mark.quote == "*":
        return start, end
    found = source[start:end].count(mark.quote)
    if found != 1:
        raise MasterError(f"line {row.line}: {mark.quote!r} is {found} times in its source; expected once.")
    at = source.index(mark.quote, start)
    return at, at + len(mark.quote)


def _dump(gold: dict[str, Any]) -> str:
    """Write gold as JSON with one bead or issue a line; keys without a value are left out."""
    parts = []
    for name, items in gold.items():
        rows = (
            {k: v for k, v in item.items() if v is not None or k in ("source", "target")} for item in items
        )
        lines = ",\n".join("    " + json.dumps(row, ensure_ascii=False) for row in rows)
        parts.append(f'  "{name}": [\n{lines}\n  ]' if items else f'  "{name}": []')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Write all files of the corpus next to this one."""
    for name, text in build((FOLDER / "master.txt").read_text(encoding="utf-8")).items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"{name}: {len(text)} characters")


if __name__ == "__main__":
    main()
