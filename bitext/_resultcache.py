"""Reports kept from run to run: a folder with one JSON file for each pair, valid for the very files it was made of.

Plain JSON and no pickle, because the folder lies in the project: whoever can write there must not be able to run
code.  What does not read back is as good as not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import bitext
from bitext.data import Alignment, Bead, Document, Issue
from bitext.formats import Origin
from bitext.formats.exchange import write_whole
from bitext.report import Report
from bitext.scoring import Drift, Scores


class ResultCache:
    """A folder of reports.

    Parameters
    ----------
    folder : Path
        Made when the first report is saved, with a ``.gitignore`` in it.
    settings : mapping
        All that a report depends on besides the two files; JSON values.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder = folder
        self._settings = json.dumps([bitext.__version__, _installation(), settings], sort_keys=True)

    def load(
        self, source: str, target: str, langs: tuple[str, str], others: Sequence[str] = ()
    ) -> Report | None:
        """Return the report of two files as they are now, or None; `others` are translations it depends on too."""
        try:
            data = json.loads(self._path(source, target, others).read_text(encoding="utf-8"))
            if data["key"] != self._key([source, target, *others], langs):
                return None
            return _report(data["report"], source, target)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None

    def save(
        self, report: Report, source: str, target: str, langs: tuple[str, str], others: Sequence[str] = ()
    ) -> None:
        """Keep a report."""
        path = self._path(source, target, others)
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / ".gitignore").write_text("*\n", encoding="utf-8")
        data = {"key": self._key([source, target, *others], langs), "report": _plain(report)}
        write_whole(path, json.dumps(data))

    def _path(self, source: str, target: str, others: Sequence[str]) -> Path:
        pair = f"{Path(source).resolve()}\0{Path(target).resolve()}{chr(0) * bool(others)}"
        return (
            self._folder / f"{hashlib.sha256(pair.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json"
        )

    def _key(self, files: Sequence[str], langs: tuple[str, str]) -> str:
        digests = [digest_of([file]) if Path(file).exists() else "" for file in files]
        return hashlib.sha256(json.dumps([self._settings, langs, digests]).encode()).hexdigest()


def digest_of(paths: Iterable[str | Path]) -> str:
    """Return a digest of what files hold, in this order."""
    return "+".join(hashlib.sha256(Path(path).read_bytes()).hexdigest()[:32] for path in paths)


@lru_cache(maxsize=1)
def _installation() -> str:
    """Return what changes when bitext itself does, its version apart: names, sizes and times of its files."""
    package = Path(bitext.__file__).parent
    folders = [package]
    if (package.parent / "pyproject.toml").exists():  # a checkout, where weights and terms lie beside it
        folders += [package.parent / "corpora" / "termbase", package.parent / "models"]
    files = sorted(
        f for folder in folders for f in folder.rglob("*") if f.suffix not in (".pyc", "") and f.is_file()
    )
    stamps = [f"{f}:{f.stat().st_size}:{f.stat().st_mtime_ns}" for f in files]
    return hashlib.sha256("\n".join(stamps).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _plain(report: Report) -> dict[str, Any]:
    a = report.alignment
    return {
        "source": _plain_document(a.source),
        "target": _plain_document(a.target),
        "beads": [
            [b.source.start, b.source.stop, b.target.start, b.target.stop, b.score, b.similarity]
            for b in a.beads
        ],
        "order": a.order,
        "signature": a.signature,
        "scores": asdict(report.scores),
        "issues": [asdict(issue) for issue in report.issues],
        "report_signature": report.signature,
    }


def _report(data: dict[str, Any], source: str, target: str) -> Report:
    scores = {name: _tuples(value) for name, value in data["scores"].items()}
    scores["drift"] = Drift(**{name: _tuples(value) for name, value in data["scores"]["drift"].items()})
    alignment = Alignment(
        _document(data["source"], source),
        _document(data["target"], target),
        tuple(
            Bead(range(i, j), range(k, n), score=score, similarity=similarity)
            for i, j, k, n, score, similarity in data["beads"]
        ),
        order=data["order"],
        signature=data["signature"],
    )
    issues = (Issue(**{name: _tuples(value) for name, value in issue.items()}) for issue in data["issues"])
    return Report(alignment, Scores(**scores), tuple(issues), data["report_signature"])


def _plain_document(document: Document) -> dict[str, Any]:
    origin = document.origin
    assert origin is None or isinstance(origin, Origin)
    return {
        "text": document.text,
        "lang": document.lang,
        "spans": document.spans.tolist(),
        "paragraphs": document.paragraphs.tolist(),
        "segmenter": document.segmenter,
        "origin": origin
        and {
            "starts": origin.starts.tolist(),
            "sources": origin.sources.tolist(),
            "lines": origin.lines.tolist(),
            "unit_starts": origin.unit_starts.tolist(),
            "unit_names": origin.unit_names,
            "has_offsets": origin.has_offsets,
        },
    }


def _document(data: dict[str, Any], path: str) -> Document:
    origin = data["origin"]
    if origin is not None:
        origin = Origin(**origin | {"unit_names": tuple(origin["unit_names"])})
    return Document(
        data["text"],
        data["lang"],
        data["spans"],
        data["paragraphs"],
        path,
        data["segmenter"],
        origin,
    )


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
