"""Term tables: CSV, TSV, JSON Lines and XLSX on disk to rows, and concepts back to the same files.

Headers are recognized by name, in English or Chinese, in any order; a table of two columns needs none.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bitext._concepts import Concept, Row
from bitext.data import TermStatus
from bitext.errors import MissingExtraError, TermbaseError

COLUMNS = (
    "id", "domain", "pos", "zh", "zh_variants", "en", "en_admitted", "en_deprecated", "en_known_wrong",
    "case", "condition", "source", "confidence", "note",
)  # fmt: skip
"""Columns of a table as bitext writes it; several values in a cell are separated by ``|``."""

_ALIASES = {
    "zh": "zh chinese 中文 chinesesimplified simplifiedchinese zhhans zhcn zhhant zhtw zhhk chs cht 原文",
    "zh_variants": "zhvariants zhadmitted zhsynonyms",
    "en": "en english 英文 enus engb 译文 target targetterm translation 目标语言",
    "en_admitted": "enadmitted envariants ensynonyms",
    "en_deprecated": "endeprecated",
    "en_known_wrong": "enknownwrong enforbidden",
    "status": "status 状态",
    "id": "id conceptid entry",
    "domain": "domain subject subjectfield 领域",
    "pos": "pos partofspeech type 词性",
    "case": "case casesensitive",
    "condition": "condition sense",
    "source": "provenance reference 来源",
    "confidence": "confidence",
    "note": "note notes comment comments definition 备注",
}
_FIELD = {alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()}
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_EN_STATUS: tuple[tuple[str, TermStatus], ...] = (
    ("en", "preferred"),
    ("en_admitted", "admitted"),
    ("en_deprecated", "deprecated"),
    ("en_known_wrong", "known-wrong"),
)


def read_table(data: bytes, path: Path, encoding: str | None) -> Iterator[Row]:
    """Yield the rows of a CSV, TSV or XLSX file.

    Raises
    ------
    TermbaseError
        If the file is empty, is in another encoding, or has no column for one of the languages.
    """
    lines = (
        _sheet(data, path) if path.suffix.lower() == ".xlsx" else _lines(decode(data, path, encoding), path)
    )
    stripped = ((n, [cell.strip() for cell in cells]) for n, cells in lines)
    numbered = [(n, cells) for n, cells in stripped if any(cells)]
    if not numbered:
        raise TermbaseError(
            f"{path.name}: the file holds no rows. Expected at least one term and its translation."
        )
    header = _header(numbered[0][1], path)
    body = numbered[1:]
    if header is None:
        header, body = _headerless([cells for _, cells in numbered], path), numbered
    for n, cells in body:
        yield _row(f"{path.name}:{n}", dict(zip(header, cells, strict=False)))


def read_jsonl(data: bytes, path: Path, encoding: str | None) -> Iterator[Row]:
    """Yield the rows of a JSON Lines file: objects with the table's column names, values strings or lists."""
    empty = True
    for n, line in enumerate(decode(data, path, encoding).splitlines(), 1):
        if not line.strip():
            continue
        empty = False
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise TermbaseError(
                f"{path.name}:{n}: not a JSON object ({error.msg}). Expected one a line."
            ) from error
        if not isinstance(record, dict):
            raise TermbaseError(
                f"{path.name}:{n}: {line.strip()[:40]!r} is no JSON object. Expected one a line."
            )
        names = _fields(list(record))
        yield _row(
            f"{path.name}:{n}", {f: _cell(v) for f, v in zip(names, record.values(), strict=True) if f}
        )
    if empty:
        raise TermbaseError(f"{path.name}: the file holds no entries. Expected one JSON object a line.")


def write_table(concepts: Iterable[Concept], path: Path) -> None:
    """Write CSV, TSV or XLSX, by suffix."""
    rows = [COLUMNS, *(tuple(_record(c)[name] for name in COLUMNS) for c in concepts)]
    if path.suffix.lower() == ".xlsx":
        workbook = _openpyxl().Workbook()
        for row in rows:
            workbook.active.append(row)
        workbook.save(path)
        return
    buffer = io.StringIO()
    if path.suffix.lower() == ".csv":
        csv.writer(buffer, lineterminator="\n").writerows(rows)
    else:
        for row in rows:
            buffer.write("\t".join(re.sub(r"[\t\r\n]+", " ", cell) for cell in row) + "\n")
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")


def write_jsonl(concepts: Iterable[Concept], path: Path) -> None:
    """Write one JSON object a line, with lists where a cell holds several values."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for concept in concepts:
            record: dict[str, Any] = {k: v for k, v in _record(concept).items() if v}
            for name in ("zh_variants", "en_admitted", "en_deprecated", "en_known_wrong"):
                if name in record:
                    record[name] = record[name].split("|")
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


def decode(data: bytes, path: Path, encoding: str | None) -> str:
    """Decode `data`: `encoding` if named, else UTF-8, or UTF-16 by its byte order mark."""
    if encoding is None:
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except LookupError:
        raise TermbaseError(
            f"{path.name}: encoding {encoding!r} is unknown. Use a name such as 'gb18030'."
        ) from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TermbaseError(
            f"{path.name}:{line}: byte 0x{data[error.start]:02x} is not {encoding.removesuffix('-sig')}. "
            "Save the file as UTF-8, or name its encoding, for example encoding='gb18030'."
        ) from None


def _lines(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    if path.suffix.lower() == ".csv":
        first = text.split("\n", 1)[0]
        delimiter = max(",;\t", key=first.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        n = 1
        for cells in reader:
            yield n, cells
            n = reader.line_num + 1
        return
    for n, line in enumerate(text.splitlines(), 1):
        cells = line.split("\t")
        yield n, [_unquoted(cell) for cell in cells] if '"' in line else cells


def _unquoted(cell: str) -> str:
    # spreadsheets quote TSV cells that hold quotes; a lone quote is just a character
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _sheet(data: bytes, path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        workbook = _openpyxl().load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except MissingExtraError:
        raise
    except Exception as error:  # openpyxl raises whatever zipfile or its XML parser raised
        raise TermbaseError(
            f"{path.name}: not an XLSX workbook ({error}). Save it as .xlsx or .csv."
        ) from error
    for n, row in enumerate(workbook.worksheets[0].iter_rows(values_only=True), 1):
        yield n, ["" if value is None else str(value) for value in row]


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError("openpyxl", "xlsx", "A termbase in XLSX") from error
    return openpyxl


def _fields(names: Sequence[str]) -> list[str]:
    keys = [re.sub(r"[\s_()\[\]-]", "", name.lower()) for name in names]
    fields = [_FIELD.get(key, "") for key in keys]
    # "source" is the Chinese in a source/target table and the provenance in one with a zh column
    meaning = "source" if "zh" in fields else "zh"
    return [meaning if key in ("source", "sourceterm") else f for key, f in zip(keys, fields, strict=True)]


def _header(cells: list[str], path: Path) -> list[str] | None:
    fields = _fields(cells)
    if "zh" in fields and "en" in fields:
        return fields
    if fields.count("") > len(fields) / 2 or len(cells) == 1 or any(_HAN.search(c) for c in cells):
        return None
    side, names = ("Chinese", "'zh' or 'source'") if "zh" not in fields else ("English", "'en' or 'target'")
    raise TermbaseError(f"{path.name}:1: no column for {side} among {', '.join(cells)}. Name one {names}.")


def _headerless(rows: list[list[str]], path: Path) -> list[str]:
    if min(len(cells) for cells in rows) == max(len(cells) for cells in rows) == 1:
        raise TermbaseError(
            f"{path.name}: the rows have one column. Expected a term and its translation in each."
        )
    han = [sum(bool(_HAN.search(cells[i])) for cells in rows if len(cells) > i) for i in (0, 1)]
    return ["zh", "en"] if han[0] >= han[1] else ["en", "zh"]


def _row(place: str, cells: dict[str, str]) -> Row:
    status = cells.get("status", "")
    zh = [(t, "preferred" if i == 0 else "admitted") for i, t in enumerate(_split(cells.get("zh", "")))]
    zh += [(t, "admitted") for t in _split(cells.get("zh_variants", ""))]
    en: list[tuple[str, str]] = []
    for name, default in _EN_STATUS:
        for i, text in enumerate(_split(cells.get(name, ""))):
            own = status if name == "en" and status else default
            en.append((text, "admitted" if i and own == "preferred" else own))
    return Row(
        place=place,
        zh=zh,
        en=en,
        provenance=cells.get("source", ""),
        **{k: cells.get(k, "") for k in ("id", "domain", "pos", "case", "note", "confidence", "condition")},
    )


def _split(cell: str) -> list[str]:
    return [text for part in cell.split("|") if (text := part.strip())] if cell else []


def _cell(value: object) -> str:
    return "|".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _record(concept: Concept) -> dict[str, str]:
    zh = [t.text for t in concept.source_terms]
    en = {name: "|".join(t.text for t in concept.target_terms if t.status == s) for name, s in _EN_STATUS}
    return {
        "id": concept.id,
        "domain": concept.domain,
        "pos": concept.pos,
        "zh": zh[0],
        "zh_variants": "|".join(zh[1:]),
        **en,
        "case": "sensitive" if any(t.case_sensitive for t in concept.target_terms) else "",
        "condition": concept.condition,
        "source": concept.provenance,
        "confidence": f"{concept.confidence:g}",
        "note": concept.note,
    }
