"""Many pairs: stream a manifest through the pipeline, a row of results for a row of input.

One unit of work is one document pair.  Rows are written in the order of the manifest, each as soon as it and all
before it are done; a pair that fails gives an error row and the run goes on.  The bytes written do not depend on
the number of workers.
"""

from __future__ import annotations

import json
import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal, TextIO

from bitext import pipeline
from bitext._progress import tracked
from bitext.data import Document
from bitext.errors import BitextError, ReadError
from bitext.report import issue_dict
from bitext.terminology import Termbase

Row = dict[str, Any]

_PAIRS_PER_CHUNK = 32
"""Pairs whose segments are embedded together: enough to fill batches, few enough to see progress."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one run of `batch` does with each pair; small enough to send to a worker.

    Attributes
    ----------
    embedder : str
        Name or folder.
    device : str or None
    order : {"monotone", "free", "auto"}
    source_lang, target_lang : str
    termbase : str or None
        Path of the project's termbase.
    fluency : bool
        See `bitext.score`.
    """

    embedder: str = "zh-en"
    device: str | None = None
    order: Literal["monotone", "free", "auto"] = "auto"
    source_lang: str = "zh"
    target_lang: str = "en"
    termbase: str | None = None
    fluency: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes
    ----------
    n_done, n_failed, n_skipped : int
        Pairs scored, pairs with an error row, and pairs that were in the results already.
    n_dropped : int
        Rows of earlier runs that a resumed one did not keep: errors, and results made with other settings.
    """

    n_done: int
    n_failed: int
    n_skipped: int
    n_dropped: int = 0


def batch(
    pairs: Iterable[Mapping[str, Any] | str],
    *,
    out: str | Path,
    settings: Settings | None = None,
    jobs: int = 1,
    resume: bool = False,
    base: str | Path = ".",
) -> Summary:
    """Score and check many pairs.

    Parameters
    ----------
    pairs : iterable of dict or str
        Each with ``id`` (text or a number), and ``source`` and ``target`` as text or ``source_path`` and
        ``target_path``; or the same as a line of JSON.  Read as the run goes on.
    out : str or Path
        JSONL: a row a pair with ``id``, ``fidelity`` and its ``interval``, ``drift``, ``order``, ``n_beads``,
        ``issues`` and ``signature``, or with ``id`` and ``error``.
    settings : Settings, optional
    jobs : int
        Worker processes; 1 works in this process.
    resume : bool
        Go on with an existing `out`: pairs that have a result made with the same settings are skipped, other
        results are dropped and made again.
    base : str or Path
        Folder that relative paths in the rows start from.

    Returns
    -------
    Summary

    Raises
    ------
    BitextError
        If `out` exists and `resume` is not set or it holds something else than results, if there is no folder for
        it, or if the encoder or termbase does not load.
    """
    settings = settings or Settings()
    out = Path(out)
    if out.exists() and not resume:
        raise BitextError(
            f"{out} exists; expected a new file. Pass resume (--resume) to go on with it, or delete it."
        )
    if not out.parent.is_dir():
        raise BitextError(f"{out} cannot be written: {out.parent} is no folder; expected one. Make it first.")
    earlier = _results(out) if out.exists() else []
    worker = _Worker(settings, str(base))
    done = _keep_finished(out, earlier, worker.signature)
    counts = {"done": 0, "failed": 0, "skipped": 0}
    todo = _without(done, _numbered(pairs), counts)
    with out.open("a", encoding="utf-8", newline="\n") as stream:
        for row in tracked(chain.from_iterable(_map_in_order(worker, todo, jobs)), "pairs"):
            counts["failed" if "error" in row else "done"] += 1
            _write_row(stream, row)
    return Summary(counts["done"], counts["failed"], counts["skipped"], len(earlier) - len(done))


def _write_row(stream: TextIO, row: Row) -> None:
    line = json.dumps(row, ensure_ascii=False, allow_nan=False)
    try:
        stream.write(line + "\n")
    except UnicodeEncodeError:  # lone surrogates, as badly decoded files have them
        stream.write(json.dumps(row, allow_nan=False) + "\n")
    stream.flush()


def _numbered(pairs: Iterable[Mapping[str, Any] | str]) -> Iterator[Row]:
    """Rows with an id and nothing unreadable; a bad one becomes a row that only says what is wrong."""
    seen: set[str] = set()
    for number, pair in enumerate(pairs, start=1):
        if isinstance(pair, str) and not pair.strip():
            continue
        row = _parsed(pair, number)
        identifier = str(row["id"])
        if identifier in seen:
            row = {
                "id": row["id"],
                "error": f"id {identifier!r} occurs again in row {number}; expected it once.",
            }
        seen.add(identifier)
        yield row


def _parsed(pair: Mapping[str, Any] | str, number: int) -> Row:
    name = f"row {number}"
    try:
        row = json.loads(pair) if isinstance(pair, str) else pair
    except json.JSONDecodeError as error:
        return {"id": name, "error": f"{name} is no JSON ({error.msg}, column {error.colno})."}
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets in brackets
        return {"id": name, "error": f"{name} cannot be read ({error})."}
    if not isinstance(row, Mapping):
        return {"id": name, "error": f"{name} is {type(row).__name__}; expected an object."}
    identifier = row.get("id", name)
    if not isinstance(identifier, str | int) and not (
        isinstance(identifier, float) and math.isfinite(identifier)
    ):
        return {"id": name, "error": f"{name} has the id {identifier!r:.60}; expected text or a number."}
    read: Row = {"id": identifier}
    for side in ("source", "target"):
        given = [key for key in (side, f"{side}_path") if row.get(key) is not None]
        if len(given) != 1:
            fact = "both" if given else "neither"
            return read | {"error": f"{name} has {fact} of {side!r} and '{side}_path'; expected one."}
        value = row[given[0]]
        if given[0] != side and isinstance(value, os.PathLike):
            value = os.fspath(value)
        if not isinstance(value, str):
            return read | {"error": f"{name} has {type(value).__name__} as {given[0]!r}; expected text."}
        read[given[0]] = value
    return read


def _without(done: set[str], rows: Iterable[Row], counts: dict[str, int]) -> Iterator[Row]:
    for row in rows:
        if str(row["id"]) in done and "error" not in row:
            counts["skipped"] += 1
        else:
            yield row


def _results(out: Path) -> list[tuple[str, Row]]:
    """Lines of an earlier run with what they say; a last line that was cut off is left out."""
    found: list[tuple[str, Row]] = []
    with out.open(
        encoding="utf-8", newline="\n"
    ) as stream:  # a row may quote text with other line separators in it
        for number, line in enumerate(stream, start=1):
            if not line.endswith("\n"):
                break
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict) or "id" not in row or not row.keys() & {"run", "error"}:
                raise BitextError(
                    f"{out}:{number} is no result of bitext batch; expected a file to go on with. Name another one."
                )
            found.append((line, row))
    return found


def _keep_finished(out: Path, earlier: Sequence[tuple[str, Row]], signature: str) -> set[str]:
    """Drop from `out` what was not made with the same settings; return the ids of the rest."""
    kept = [(line, row) for line, row in earlier if "error" not in row and row.get("run") == signature]
    if out.exists():
        draft = out.with_suffix(out.suffix + ".part")
        draft.write_text("".join(line for line, _ in kept), encoding="utf-8", newline="\n")
        draft.replace(out)
    return {str(row["id"]) for _, row in kept}


def _map_in_order(worker: _Worker, rows: Iterable[Row], jobs: int) -> Iterator[list[Row]]:
    iterator = iter(rows)
    chunks = iter(lambda: list(islice(iterator, _PAIRS_PER_CHUNK)), [])
    if jobs == 1:
        yield from map(worker, chunks)
        return
    # spawn: torch does not survive a fork once its threads run
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        pending: deque[Future[list[Row]]] = deque()
        for chunk in chunks:
            pending.append(pool.submit(_work, worker.settings, worker.base, chunk))
            if len(pending) > 2 * jobs:  # so that a manifest of millions is not read ahead
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


_workers: dict[tuple[Settings, str], _Worker] = {}


def _work(settings: Settings, base: str, chunk: list[Row]) -> list[Row]:
    """Run in a worker process, which loads its encoder once."""
    key = settings, base
    if key not in _workers:
        _workers[key] = _Worker(settings, base)
    return _workers[key](chunk)


class _Worker:
    """One loaded encoder and termbase; turns rows of input into rows of results."""

    def __init__(self, settings: Settings, base: str) -> None:
        self.settings = settings
        self.base = base
        self._embedder = pipeline.remembering(settings.embedder, device=settings.device)
        self._termbase = Termbase.read(settings.termbase) if settings.termbase else None
        self._judging: dict[str, Any] = {"device": settings.device, "fluency": settings.fluency}
        self._checks = pipeline.default_checks(self._termbase, self._embedder, **self._judging)
        self.signature = pipeline.settings_signature(
            self._embedder, settings.order, self._termbase, fluency=settings.fluency
        )

    def __call__(self, rows: Sequence[Row]) -> list[Row]:
        loaded = [self._load(row) for row in rows]
        texts = [
            text for pair in loaded if not isinstance(pair, dict) for side in pair for text in side.segments
        ]
        self._embedder.forget()
        self._embedder.embed(texts)
        return [
            pair if isinstance(pair, dict) else self._result(row, *pair)
            for row, pair in zip(rows, loaded, strict=True)
        ]

    def _load(self, row: Row) -> tuple[Document, Document] | Row:
        if "error" in row:
            return row
        try:
            source = self._document(row, "source", self.settings.source_lang)
            return source, self._document(row, "target", self.settings.target_lang)
        except BitextError as error:
            return {"id": row["id"], "error": str(error), "kind": type(error).__name__}

    def _document(self, row: Row, side: str, lang: str) -> Document:
        if isinstance(row.get(f"{side}_path"), str):
            document = pipeline.read(Path(self.base, row[f"{side}_path"]))
        elif row[side].strip():
            document = pipeline.segment(row[side])
        else:
            raise ReadError(f"the {side} of {row['id']!r} is empty; expected text.")
        return pipeline.require_language(document, lang, side)

    def _result(self, row: Row, source: Document, target: Document) -> Row:
        try:
            alignment = pipeline.align(source, target, embedder=self._embedder, order=self.settings.order)
            report = pipeline.check(alignment, checks=self._checks, embedder=self._embedder, **self._judging)
        except BitextError as error:
            return {"id": row["id"], "error": str(error), "kind": type(error).__name__}
        drift, interval = report.scores.drift, report.scores.interval
        return {
            "id": row["id"],
            "fidelity": round(report.scores.fidelity, 6),
            "interval": None if interval is None else [round(bound, 6) for bound in interval],
            "drift": {
                name: round(getattr(drift, name), 6) for name in ("omitted", "added", "reordered", "shifted")
            },
            "order": alignment.order,
            "n_beads": len(alignment),
            "issues": [issue_dict(alignment, issue) for issue in report.issues],
            "signature": report.signature,
            "run": self.signature,
        }
