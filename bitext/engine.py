"""Many pairs: stream a manifest through the pipeline, a row of results for a row of input.

One unit of work is one document pair.  Rows are written in the order of the manifest, each as soon as it and all
before it are done; a pair that fails gives an error row and the run goes on.  The bytes written do not depend on
the number of workers.
"""

from __future__ import annotations

import json
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
    """

    n_done: int
    n_failed: int
    n_skipped: int


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
        Each with ``id``, and ``source`` and ``target`` as text or ``source_path`` and ``target_path``; or the
        same as a line of JSON.  Read as the run goes on.
    out : str or Path
        JSONL: a row a pair with ``id``, ``fidelity`` and its ``interval``, ``drift``, ``order``, ``n_beads``,
        ``issues`` and ``signature``, or with ``id`` and ``error``.
    settings : Settings, optional
    jobs : int
        Worker processes; 1 works in this process.
    resume : bool
        Go on with an existing `out`: pairs that have a result made with the same settings are skipped.
    base : str or Path
        Folder that relative paths in the rows start from.

    Returns
    -------
    Summary

    Raises
    ------
    BitextError
        If `out` exists and `resume` is not set, or the encoder or termbase does not load.
    """
    settings = settings or Settings()
    worker = _Worker(settings, str(base))
    out = Path(out)
    if out.exists() and not resume:
        raise BitextError(
            f"{out} exists; expected a new file. Pass resume (--resume) to go on with it, or delete it."
        )
    done = _finished(out, worker.signature) if resume else set()
    counts = {"done": 0, "failed": 0, "skipped": 0}
    todo = _without(done, _numbered(pairs), counts)
    with out.open("a", encoding="utf-8", newline="\n") as stream:
        for row in tracked(chain.from_iterable(_map_in_order(worker, todo, jobs)), "pairs"):
            counts["failed" if "error" in row else "done"] += 1
            _write_row(stream, row)
    return Summary(counts["done"], counts["failed"], counts["skipped"])


def _write_row(stream: TextIO, row: Row) -> None:
    stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
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
    try:
        row = json.loads(pair) if isinstance(pair, str) else dict(pair)
    except json.JSONDecodeError as error:
        return {
            "id": f"row {number}",
            "error": f"row {number} is no JSON ({error.msg}, column {error.colno}).",
        }
    if not isinstance(row, dict):
        return {"id": f"row {number}", "error": f"row {number} is {type(row).__name__}; expected an object."}
    row.setdefault("id", f"row {number}")
    for side in ("source", "target"):
        given = [key for key in (side, f"{side}_path") if isinstance(row.get(key), str)]
        if len(given) != 1:
            fact = "both" if given else "neither"
            return {
                "id": row["id"],
                "error": f"row {number} has {fact} of {side!r} and '{side}_path'; expected one.",
            }
    return row


def _without(done: set[str], rows: Iterable[Row], counts: dict[str, int]) -> Iterator[Row]:
    for row in rows:
        if str(row["id"]) in done:
            counts["skipped"] += 1
        else:
            yield row


def _finished(out: Path, signature: str) -> set[str]:
    """Ids with a result of the same settings.  Other rows, and a last line that was cut off, are dropped."""
    if not out.exists():
        return set()
    kept: list[str] = []
    done: set[str] = set()
    with out.open(
        encoding="utf-8", newline="\n"
    ) as stream:  # a row may quote text with other line separators in it
        for line in stream:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if line.endswith("\n") and "error" not in row and row.get("run") == signature:
                kept.append(line)
                done.add(str(row["id"]))
    draft = out.with_suffix(out.suffix + ".part")
    draft.write_text("".join(kept), encoding="utf-8", newline="\n")
    draft.replace(out)
    return done


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
