"""TSV, CSV, JSONL, XLSX and Parquet to units, and units and alignments to TSV, JSONL and beads.

A table may have a header.  Columns are known by the names of `_ROLES`, or by two language codes, the first of
which is then the source; columns with other names become properties.  Without a header the source comes
first, then the target, then perhaps a score.  A row that does not fit is reported with its line.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from bitext.data import Alignment, Bead
from bitext.errors import MissingExtraError, ReadError
from bitext.formats._units import Run, Skipped, Unit, bead_scores, units_of
from bitext.formats.exchange import open_output, replaced
from bitext.formats.text import shown

_ROLES = {
    "id": ("id", "tuid", "key"),
    "source": ("source", "src", "source_text"),
    "target": ("target", "tgt", "target_text", "translation", "mt"),
    "source_lang": ("source_lang", "src_lang"),
    "target_lang": ("target_lang", "tgt_lang"),
    "notes": ("notes", "note", "comment"),
    "score": ("score", "fidelity"),
}
_ROLE_OF = {name: role for role, names in _ROLES.items() for name in names}
_LANGUAGE = re.compile(r"(zh|en)([-_][A-Za-z0-9]+)*", re.IGNORECASE)
_CSV_ESCAPE = re.compile(r'""|\r\n|\n|\r')
_JSON_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.")
_SPACES = re.compile(r"[ \t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_PARQUET_BATCH = 10_000

Row = tuple[int, list[str], list[tuple[Run, ...]]]  # line, cells, and where the cells came from


def read_tsv(stream: TextIO, path: str) -> Iterator[Unit | Skipped]:
    """Yield the units of a tab-separated file: a row a line, no quoting."""
    return _units(_tsv_rows(stream))


def read_csv(stream: TextIO, path: str) -> Iterator[Unit | Skipped]:
    """Yield the units of a CSV file, quoted as RFC 4180 says.

    Whether a comma, semicolon or tab separates is told from its first line.
    """
    return _units(_csv_rows(stream))


def read_jsonl(stream: TextIO, path: str) -> Iterator[Unit | Skipped]:
    """Yield the units of a file with a JSON object a line; its keys are the column names of a table."""
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            yield _json_unit(json.loads(line), line, number)
        except (ValueError, RecursionError) as error:
            yield Skipped(number, f"no JSON object with source and target ({error})")


def read_rows(rows: Iterable[tuple[int, list[str]]]) -> Iterator[Unit | Skipped]:
    """Yield the units of numbered rows of cells, for example those of a sheet."""
    return _units((number, cells, [()] * len(cells)) for number, cells in rows)


def parquet_rows(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells, as text, of the rows of a Parquet file, the column names first as row 0."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "reading Parquet files") from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield 0, list(file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches():
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield number, ["" if value is None else str(value) for value in values]
    except (OSError, pyarrow.ArrowException) as error:
        fact = _one_line(str(error))
        raise ReadError(f"{shown(path)}: no readable Parquet file ({fact}). Write it again.") from error


def write_tsv(
    content: Alignment | Iterable[Unit],
    to: TextIO | str | Path,
    *,
    scores: Sequence[float | None] | None = None,
) -> None:
    """Write ``source⇥target⇥score`` a row, without a header; tabs and line ends inside become one space.

    The score has four decimals and is empty where there is none; a null bead has an empty side.
    """
    with open_output(to) as out:
        for unit in units_of(content, bead_scores(content) if scores is None else scores):
            out.write(f"{_one_line(unit.source)}\t{_one_line(unit.target)}\t{_shown_score(unit.score)}\n")


def write_jsonl(
    content: Alignment | Iterable[Unit],
    to: TextIO | str | Path,
    *,
    scores: Sequence[float | None] | None = None,
) -> None:
    """Write a JSON object a line.

    For the beads of an alignment: the segment numbers ``source`` and ``target``, their texts ``source_text``
    and ``target_text``, ``score`` and ``kind``.  For units: ``id``, ``source``, ``target`` and what else is
    known of ``source_lang``, ``target_lang``, ``notes`` and ``score``.
    """
    with open_output(to) as out:
        rows = _bead_rows(content, scores) if isinstance(content, Alignment) else map(_unit_row, content)
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_parquet(
    content: Alignment | Iterable[Unit],
    to: str | Path,
    *,
    scores: Sequence[float | None] | None = None,
) -> None:
    """Write a Parquet file of the columns id, source, target, source_lang, target_lang, notes and score."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "writing Parquet files") from error
    names = ("id", "source", "target", "source_lang", "target_lang", "notes")
    schema = pyarrow.schema([*((name, pyarrow.string()) for name in names), ("score", pyarrow.float64())])
    units = units_of(content, bead_scores(content) if scores is None else scores)
    with replaced(to) as partial, pyarrow.parquet.ParquetWriter(partial, schema) as writer:
        while batch := list(islice(units, _PARQUET_BATCH)):
            rows = [
                {name: getattr(unit, name) for name in schema.names} | {"notes": "\n".join(unit.notes)}
                for unit in batch
            ]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def write_beads(alignment: Alignment, to: TextIO | str | Path) -> None:
    """Write ``[0]:[0, 1]:0.8731`` a bead, in the order of the alignment; null beads have no score.

    This is the format of Vecalign: 0-based segment numbers of both sides.
    """
    with open_output(to) as out:
        for bead in alignment:
            score = "" if bead.is_null else _shown_score(bead.score)
            out.write(f"{list(bead.source)}:{list(bead.target)}:{score}\n")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which cell is what."""

    names: tuple[str, ...]
    roles: dict[str, int]
    langs: tuple[str, str] = ("", "")


def _units(rows: Iterable[Row | Skipped]) -> Iterator[Unit | Skipped]:
    columns: _Columns | None = None
    number = 0
    for row in rows:
        if isinstance(row, Skipped):
            yield row
            continue
        line, cells, places = row
        if columns is None:
            columns = _header(cells)
            if columns is not None:
                continue
            roles = {role: i for i, role in enumerate(("source", "target", "score")[: len(cells)])}
            columns = _Columns(tuple(f"column {i + 1}" for i in range(len(cells))), roles)
        number += 1
        if len(cells) != len(columns.names) or len(cells) < 2:
            expected = max(2, len(columns.names))
            yield Skipped(line, f"row has {len(cells)} columns, expected {expected}")
            continue
        yield _row_unit(line, cells, places, columns, str(number))


def _header(cells: list[str]) -> _Columns | None:
    """Return the columns if `cells` name them."""
    names = tuple(cell.strip().lower() for cell in cells)
    roles = {_ROLE_OF[name]: i for i, name in reversed(list(enumerate(names))) if name in _ROLE_OF}
    if "source" in roles and "target" in roles:
        return _Columns(names, roles)
    langs = [i for i, name in enumerate(names) if _LANGUAGE.fullmatch(name)]
    if len(langs) == 2:
        roles |= {"source": langs[0], "target": langs[1]}
        return _Columns(names, roles, (cells[langs[0]].strip(), cells[langs[1]].strip()))
    return None


def _row_unit(
    line: int, cells: list[str], places: list[tuple[Run, ...]], columns: _Columns, number: str
) -> Unit | Skipped:
    roles = columns.roles
    values = {role: cells[i] for role, i in roles.items()}
    if not values["source"].strip() and not values["target"].strip():
        return Skipped(line, "row is empty on both sides")
    score = _number(values.get("score", ""))
    used = {i for role, i in roles.items() if role != "score" or score is not None or not cells[i]}
    return Unit(
        id=values.get("id") or number,
        source=values["source"],
        target=values["target"],
        source_lang=values.get("source_lang") or columns.langs[0],
        target_lang=values.get("target_lang") or columns.langs[1],
        notes=(values["notes"],) if values.get("notes") else (),
        score=score,
        properties=tuple((columns.names[i], cell) for i, cell in enumerate(cells) if i not in used),
        source_runs=places[roles["source"]],
        target_runs=places[roles["target"]],
        line=line,
    )


def _tsv_rows(stream: TextIO) -> Iterator[Row | Skipped]:
    for number, line in enumerate(stream, start=1):
        cells = line.rstrip("\r\n").split("\t")
        places: list[tuple[Run, ...]] = []
        column = 1
        for cell in cells:
            places.append(((0, number, column),))
            column += len(cell) + 1
        yield (number, cells, places) if any(cells) else Skipped(number, "row is empty")


def _csv_rows(stream: TextIO) -> Iterator[Row | Skipped]:
    lines: list[str] = []  # those of the row being read

    def tapped() -> Iterator[str]:
        for line in stream:
            lines.append(line)
            yield line

    first = stream.readline()
    delimiter = max(",;\t", key=first.count)
    source = tapped()

    def all_lines() -> Iterator[str]:
        lines.append(first)
        yield first
        yield from source

    reader = csv.reader(all_lines(), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        lines.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Skipped(number, f"broken quoting ({error}); {len(lines)} lines were left out")
            continue
        raw = "".join(lines)
        yield (number, cells, _csv_places(cells, raw, number)) if cells else Skipped(number, "row is empty")


def _csv_places(cells: list[str], raw: str, line: int) -> list[tuple[Run, ...]]:
    places: list[tuple[Run, ...]] = []
    cursor = 0
    for cell in cells:
        literal = cell.replace('"', '""')
        at = raw.find(literal, cursor)
        if at < 0:  # quotes inside an unquoted cell are not doubled
            literal = cell
            at = max(cursor, raw.find(literal, cursor))
        cursor = at + len(literal) + 1
        places.append(_literal_runs(raw, at, at + len(literal), line, _CSV_ESCAPE))
    return places


def _literal_runs(raw: str, start: int, end: int, line: int, escapes: re.Pattern[str]) -> tuple[Run, ...]:
    """Return where the characters of a literal ``raw[start:end]`` stand, whose escapes stand for one each.

    `line` is that of the beginning of `raw`.
    """
    line_at = 0  # where the current line begins in `raw`
    for match in re.finditer(r"\r\n|\n|\r", raw[:start]):
        line, line_at = line + 1, match.end()
    runs: list[Run] = []
    length, done = 0, start
    for match in escapes.finditer(raw, start, end):
        if match.start() > done:
            runs.append((length, line, done - line_at + 1))
            length += match.start() - done
        runs.append((length, line, match.start() - line_at + 1))
        done = match.end()
        if match[0] in ("\r\n", "\n", "\r"):
            length += len(match[0])
            line, line_at = line + 1, done
        else:
            length += 1
    if done < end or not runs:
        runs.append((length, line, done - line_at + 1))
    return tuple(runs)


def _json_unit(row: Any, line: str, number: int) -> Unit:
    if not isinstance(row, dict):
        raise ValueError(f"it is {type(row).__name__}")
    keys = [key for key in row if isinstance(row[key], str)]
    columns = _header(keys)
    if columns is None:
        raise ValueError("its keys are " + (", ".join(map(repr, list(row)[:8])) or "none"))
    keyed = {role: keys[i] for role, i in columns.roles.items()}
    source, target = row[keyed["source"]], row[keyed["target"]]
    (source + target).encode("utf-8")  # a lone surrogate cannot be written anywhere: UnicodeEncodeError
    notes = row.get("notes", ())
    score = row.get("score")
    return Unit(
        id=str(row.get(keyed.get("id", "id"), number)),
        source=source,
        target=target,
        source_lang=row[keyed["source_lang"]] if "source_lang" in keyed else columns.langs[0],
        target_lang=row[keyed["target_lang"]] if "target_lang" in keyed else columns.langs[1],
        notes=(notes,) if isinstance(notes, str) else tuple(map(str, notes)),
        score=float(score) if isinstance(score, int | float) and 0 <= score <= 1 else None,
        source_runs=_json_place(keyed["source"], source, line, number),
        target_runs=_json_place(keyed["target"], target, line, number),
        line=number,
    )


def _json_place(key: str, value: str, line: str, number: int) -> tuple[Run, ...]:
    """Find the literal of a value in its line; the beginning of the line if it is not there as such."""
    literal = re.escape(json.dumps(key, ensure_ascii=False)) + r'\s*:\s*"((?:[^"\\]|\\.)*+)"'
    for match in re.finditer(literal, line):
        if json.loads(f'"{match[1]}"') == value:
            return _literal_runs(line, match.start(1), match.end(1), number, _JSON_ESCAPE)
    return ((0, number, 1),)


def _bead_rows(alignment: Alignment, scores: Sequence[float | None] | None) -> Iterator[dict[str, object]]:
    for bead, unit in zip(alignment, units_of(alignment, scores or bead_scores(alignment)), strict=True):
        yield _bead_row(bead, unit)


def _bead_row(bead: Bead, unit: Unit) -> dict[str, object]:
    return {
        "source": list(bead.source),
        "target": list(bead.target),
        "source_text": unit.source,
        "target_text": unit.target,
        "score": None if unit.score is None else round(unit.score, 4),
        "kind": bead.kind,
    }


def _unit_row(unit: Unit) -> dict[str, object]:
    row: dict[str, object] = {"id": unit.id, "source": unit.source, "target": unit.target}
    known = {"source_lang": unit.source_lang, "target_lang": unit.target_lang, "notes": list(unit.notes)}
    row |= {key: value for key, value in known.items() if value}
    if unit.score is not None:
        row["score"] = round(unit.score, 4)
    return row


def _one_line(text: str) -> str:
    return _SPACES.sub(lambda match: " " if match[0].strip(" ") else match[0], text)


def _shown_score(score: float | None) -> str:
    return "" if score is None else f"{score:.4f}"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value <= 1.0 else None
