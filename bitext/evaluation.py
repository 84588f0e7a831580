"""Figures the way the field computes them: in come gold data and a stage, out comes a dictionary."""

from __future__ import annotations

import gzip
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bitext
from bitext import formats, pipeline
from bitext._agreement import agreement
from bitext.errors import QualityDataError, ReadError
from bitext.pipeline import align
from bitext.segmentation import Segmenter, detect_language, segment, segment_lines

GoldBead = tuple[tuple[int, ...], tuple[int, ...]]


def segmentation_figures(
    path: str, *, segmenter: Segmenter | Callable[[str], Any] | None = None
) -> dict[str, Any]:
    """Score a segmenter on the inner boundaries of documents with gold segments.

    A boundary is where a segment ends within its document, counted in characters that are not white space, so
    that spaces and line ends between segments do not matter; the end of the document is no boundary.

    Parameters
    ----------
    path : str
        JSONL, UTF-8: ``{"id": …, "text": …, "sents": […]}``; the sentences joined are the text, up to white
        space.
    segmenter : Segmenter or callable, optional
        As in `segment`; by default the built-in rules.

    Returns
    -------
    dict
        ``precision``, ``recall`` and ``f1`` in percent over all documents, ``exact`` (percent of documents
        without a wrong boundary), ``n_documents``, ``n_gold`` and ``n_found`` (boundaries).

    Raises
    ------
    ReadError
        If the file cannot be read.
    QualityDataError
        If a line is not such an object, or its sentences are not its text.
    """
    n_documents = n_exact = n_gold = n_found = n_right = 0
    for text, sentences in _gold_documents(path):
        gold = _inner_boundaries(sentences)
        found = _inner_boundaries(segment(text, segmenter=segmenter).segments)
        n_documents += 1
        n_exact += gold == found
        n_gold, n_found, n_right = n_gold + len(gold), n_found + len(found), n_right + len(gold & found)
    if not n_documents:
        raise QualityDataError(f"{path} has no documents; expected one JSON object a line.")
    return {
        "precision": _percent(n_right, n_found),
        "recall": _percent(n_right, n_gold),
        "f1": _percent(2 * n_right, n_gold + n_found),
        "exact": _percent(n_exact, n_documents),
        "n_documents": n_documents,
        "n_gold": n_gold,
        "n_found": n_found,
    }


def _gold_documents(path: str) -> Iterator[tuple[str, list[str]]]:
    try:
        content = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"{path} cannot be read: {error}; expected JSONL in UTF-8.") from error
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            text, sentences = record["text"], record["sents"]
        except (ValueError, TypeError, KeyError) as error:
            raise QualityDataError(
                f'{path}:{number}: {error}; expected a JSON object with "text" and "sents".'
            ) from error
        if "".join("".join(sentences).split()) != "".join(text.split()):
            raise QualityDataError(
                f"{path}:{number}: the sentences are not the text; expected them to differ in white space only."
            )
        yield text, sentences


def _inner_boundaries(segments: list[str]) -> set[int]:
    lengths = list(accumulate(len("".join(s.split())) for s in segments))
    return set(lengths[:-1]) - {0, lengths[-1]} if lengths else set()


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 100.0


def alignment_figures(
    folder: str | Path, *, embedder: Any = "zh-en", device: str | None = None, order: str = "monotone"
) -> dict[str, Any]:
    """Align the documents of a folder and score the beads against gold with both scorers of the field.

    Parameters
    ----------
    folder : str or Path
        With ``src/NAME`` and ``tgt/NAME`` (a segment a line) and ``gold/NAME.align`` (``[0]:[0, 1]`` a line).
    embedder : str or Embedder
    device : str, optional
    order : {"monotone", "free", "auto"}

    Returns
    -------
    dict
        ``strict`` counts nulls on both sides (aligner-eval); ``vecalign_strict`` and ``vecalign_lax`` leave nulls
        out of recall (Vecalign's score.py); ``types`` per gold bead type; ``null`` and ``boundary`` F1.  Precision,
        recall and F1 in [0, 1], micro-averaged over documents.

    Raises
    ------
    QualityDataError
        If the folder has no gold, or a gold file has no texts.
    """
    gold, found = [], []
    for path in _gold_files(Path(folder)):
        gold.append(read_beads(path))
        found.append(_aligned(Path(folder), path.stem, embedder, device, order))
    return {"n_documents": len(gold), **bead_figures(gold, found)}


def bead_figures(gold: Sequence[Sequence[GoldBead]], found: Sequence[Sequence[GoldBead]]) -> dict[str, Any]:
    """Score beads, document by document; see `alignment_figures`.

    Parameters
    ----------
    gold, found : sequence of sequence of (source indices, target indices)
        One inner sequence a document, in the same order.
    """
    pairs = [(list(g), list(f)) for g, f in zip(gold, found, strict=True)]
    types: dict[str, Counter[str]] = defaultdict(Counter)
    for g, f in pairs:
        known = set(g)
        for bead in g:
            types[_type(bead)]["gold"] += 1
        for bead in f:
            types[_type(bead)]["found"] += 1
            types[_type(bead)]["right"] += bead in known
    return {
        "strict": _prf(*_sums((sum(b in set(g) for b in f), len(f), len(g)) for g, f in pairs)),
        "vecalign_strict": _vecalign(pairs, lax=False),
        "vecalign_lax": _vecalign(pairs, lax=True),
        "null": _prf(*_sums(_hits(filter(_is_null, f), filter(_is_null, g)) for g, f in pairs)),
        "boundary": _prf(*_sums(_hits(_corners(f), _corners(g)) for g, f in pairs)),
        "types": {
            k: {what: types[k][what] for what in ("gold", "found", "right")}
            for k in sorted(types, key=lambda k: (-types[k]["gold"], k))
        },
    }


def read_beads(path: str | Path) -> list[GoldBead]:
    """Read beads in Vecalign's format, ``[0]:[0, 1]`` with an optional ``:score`` a line.

    Raises
    ------
    QualityDataError
        If a line is something else.
    """
    beads = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        match = re.fullmatch(r"\s*\[([\d,\s]*)\]\s*:\s*\[([\d,\s]*)\]\s*(?::.*)?", line)
        if not match:
            raise QualityDataError(f"{path}:{number}: {line.strip()!r:.60}; expected beads like [0]:[0, 1].")
        source, target = (tuple(int(i) for i in side.split(",") if i.strip()) for side in match.groups())
        beads.append((source, target))
    return beads


def _gold_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("gold/*.align"))
    if not files:
        raise QualityDataError(
            f"{folder} has no gold/*.align; expected src, tgt and gold as Vecalign has them."
        )
    return files


def _aligned(folder: Path, name: str, embedder: Any, device: str | None, order: str) -> list[GoldBead]:
    documents = []
    for side in ("src", "tgt"):
        path = folder / side / name
        if not path.is_file():
            raise QualityDataError(f"{path} is missing; expected a text for gold/{name}.align.")
        text = path.read_text(encoding="utf-8")
        documents.append(segment_lines(text, lang=detect_language(text), path=str(path)))
    alignment = align(*documents, embedder=embedder, device=device, order=order)  # type: ignore[arg-type]
    return [(tuple(bead.source), tuple(bead.target)) for bead in alignment]


def quality_figures(
    path: str | Path,
    *,
    gold: str | None = None,
    score: str | None = None,
    embedder: Any = "zh-en",
    device: str | None = None,
    fluency: bool = False,
) -> dict[str, Any]:
    """Compare scores of translations with those of people.

    Parameters
    ----------
    path : str or Path
        JSONL, also gzipped, ``"-"`` for standard input; a row a translation.  ``source`` or ``src`` and ``target``,
        ``translation`` or ``tgt`` are the texts; ``system`` or ``sys`` says who translated; ``doc`` and ``segment``
        or ``seg``, or else the source text, say what; the human score, higher is better, is in ``gold`` or ``mqm``.
        Rows with ``"human": true`` are references scored like systems and are left out, as the field does.
        Or a row a minimal pair: ``source`` or ``src`` with a ``good`` and a ``bad`` translation and what is wrong with
        it in ``phenomenon``.
    gold : str, optional
        Field of the human score.
    score : str, optional
        Field of the score to judge; by default ``score`` if any row has it.  Otherwise bitext scores the texts.
    embedder, device, fluency
        Used if bitext scores the texts: see `bitext.score`.

    Returns
    -------
    dict
        The figures of `bitext._agreement.agreement`; ``minus_length`` has them for minus the length of the source,
        a control that never looks at a translation; ``skipped`` counts the rows left out, by reason.  For minimal
        pairs: ``accuracy``, the share in which the good translation scores higher (a tie is wrong), as a whole and
        by phenomenon; ``longer`` is the accuracy of preferring the longer one.

    Raises
    ------
    ReadError
        If the file cannot be read.
    QualityDataError
        If a line is not a JSON object, or no row is left.
    """
    rows = list(_json_rows(path))
    if any("good" in row and "bad" in row for row in rows):
        return _contrastive_figures(path, rows, embedder, device, fluency)
    judged = _judged_rows(rows, gold)
    field = score or ("score" if any("score" in row for row in rows) else None)
    if field is None:
        judged, signature = _scored(judged, embedder, device, fluency)
    else:
        judged = [
            r if r.skipped else replace(r, score=_number(row.get(field)), skipped=_unscored(row, field))
            for r, row in zip(judged, rows, strict=True)
        ]
        signature = f"bitext:{bitext.__version__}|score:{field}"
    kept = _unrepeated(judged)
    used = [r for r in kept if not r.skipped]
    skipped = dict(Counter(r.skipped for r in kept if r.skipped).most_common())
    if not used:
        why = ", ".join(f"{n} {reason}" for reason, n in skipped.items()) or "it is empty"
        raise QualityDataError(f"{path} has no row to judge: {why}. Expected rows with a human score.")
    people = _matrix(used, [r.gold for r in used])
    length = _matrix(used, [-float(len(r.source)) if r.source else math.nan for r in used])
    return {
        "n_rows": len(used),
        "n_systems": people.shape[0],
        "n_items": people.shape[1],
        "skipped": skipped,
        "score": field or "bitext",
        **_rounded(agreement(people, _matrix(used, [r.score for r in used]))),
        "minus_length": _rounded(agreement(people, length)) if not np.isnan(length).all() else None,
        "signature": signature,
    }


def _contrastive_figures(
    path: str | Path, rows: Sequence[dict[str, Any]], embedder: Any, device: str | None, fluency: bool
) -> dict[str, Any]:
    """Count how often bitext prefers the good translation of a minimal pair."""
    texts = [tuple(_first(row, names) for names in (_SOURCE, ("good",), ("bad",))) for row in rows]
    whole = [k for k, three in enumerate(texts) if all(isinstance(text, str) for text in three)]
    if not whole:
        raise QualityDataError(f"{path} has no minimal pair; expected rows with source, good and bad.")
    judged = [_Judged(texts[k][0], texts[k][side], "", (), 0.0) for k in whole for side in (1, 2)]
    scored, signature = _scored(judged, embedder, device, fluency)
    better = [scored[2 * n].score > scored[2 * n + 1].score for n in range(len(whole))]
    kinds: dict[str, list[bool]] = defaultdict(list)
    for k, is_right in zip(whole, better, strict=True):
        kinds[str(rows[k].get("phenomenon", ""))].append(is_right)
    return {
        "n_rows": len(whole),
        "skipped": {"lacks a text": len(rows) - len(whole)} if len(rows) > len(whole) else {},
        "score": "bitext",
        "accuracy": round(sum(better) / len(better), 4),
        "longer": round(sum(len(texts[k][1]) > len(texts[k][2]) for k in whole) / len(whole), 4),
        "phenomena": {
            kind: {"accuracy": round(sum(found) / len(found), 4), "n_rows": len(found)}
            for kind, found in sorted(kinds.items())
        },
        "signature": signature,
    }


_SOURCE, _TARGET = ("source", "src"), ("target", "translation", "tgt")
_SYSTEM, _SEGMENT, _GOLD = ("system", "sys"), ("segment", "seg"), ("gold", "mqm")


@dataclass(frozen=True, slots=True)
class _Judged:
    """A translation and what people think of it; `skipped` says why it is left out."""

    source: str
    target: str
    system: str
    item: tuple[str, ...]
    gold: float
    score: float = math.nan
    skipped: str = ""


def _json_rows(path: str | Path) -> Iterator[dict[str, Any]]:
    with _lines(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise QualityDataError(f"{path}:{number}: {error}; expected a JSON object a line.") from error
            if not isinstance(row, dict):
                raise QualityDataError(f"{path}:{number}: {line.strip():.40}; expected a JSON object a line.")
            yield row


@contextmanager
def _lines(path: str | Path) -> Iterator[Iterator[str]]:
    if not str(path).endswith(".gz"):
        with formats.text.open_text(path) as stream:
            yield iter(stream)
        return
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") as stream:
            yield iter(stream)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ReadError(f"{path} cannot be read: {error}; expected gzipped JSONL in UTF-8.") from error


def _judged_rows(rows: list[dict[str, Any]], gold: str | None) -> list[_Judged]:
    fields = _GOLD if gold is None else (gold,)
    several = any(_first(row, _SYSTEM) is not None for row in rows)
    return [_judged_row(row, fields, several) for row in rows]


def _judged_row(row: dict[str, Any], gold: tuple[str, ...], several: bool) -> _Judged:
    source, target, system = (_first(row, names) for names in (_SOURCE, _TARGET, _SYSTEM))
    segment = _first(row, _SEGMENT)
    item = ("", str(source)) if segment is None else (str(row.get("doc")), str(segment))
    human = _number(_first(row, gold))
    reason = (
        "is a human translation"
        if row.get("human") is True
        else "has no human score"
        if math.isnan(human)
        else "names no system"
        if several and system is None
        else "has neither source nor segment"
        if segment is None and source is None
        else ""
    )
    source, target = (text if isinstance(text, str) else "" for text in (source, target))
    return _Judged(source, target, str(system), item, human, skipped=reason)


def _first(row: dict[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _number(value: Any) -> float:
    """NaN for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return math.nan
    return float(value)


def _unscored(row: dict[str, Any], field: str) -> str:
    return f"has no number in {field!r}" if math.isnan(_number(row.get(field))) else ""


def _scored(
    judged: list[_Judged], embedder: Any, device: str | None, fluency: bool
) -> tuple[list[_Judged], str]:
    """Let bitext score the rows, each language pair in one call."""
    encoder = pipeline.remembering(embedder, device=device)
    checked = [r if r.skipped or r.source else replace(r, skipped="has no source text") for r in judged]
    index = [i for i, r in enumerate(checked) if not r.skipped]
    chinese = [detect_language(checked[i].source).startswith("zh") for i in index]
    signatures = []
    for zh in sorted(set(chinese), reverse=True):
        part = [i for i, is_zh in zip(index, chinese, strict=True) if is_zh == zh]
        pairs = [(checked[i].source, checked[i].target) for i in part]
        source_lang, target_lang = ("zh", "en") if zh else ("en", "zh")
        options: Any = {
            "source_lang": source_lang,
            "target_lang": target_lang,
            "device": device,
            "fluency": fluency,
        }
        found = pipeline.score_pairs(pairs, embedder=encoder, **options)
        signatures.append(pipeline.pairs_signature(encoder, **options))
        for i, value in zip(part, found.tolist(), strict=True):
            checked[i] = replace(checked[i], score=value)
    return checked, " ".join(dict.fromkeys(signatures))


def _unrepeated(judged: list[_Judged]) -> list[_Judged]:
    """Leave out second rows of the same system and item."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    kept = []
    for r in judged:
        repeated = not r.skipped and (r.system, r.item) in seen
        if not r.skipped:
            seen.add((r.system, r.item))
        kept.append(replace(r, skipped="repeats a system and a segment") if repeated else r)
    return kept


def _matrix(rows: Sequence[_Judged], values: Sequence[float]) -> NDArray[np.float64]:
    systems = {name: i for i, name in enumerate(sorted({r.system for r in rows}))}
    items = {item: i for i, item in enumerate(sorted({r.item for r in rows}))}
    matrix = np.full((len(systems), len(items)), np.nan)
    matrix[[systems[r.system] for r in rows], [items[r.item] for r in rows]] = values
    return matrix


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    rounded = {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items()}
    if rounded["epsilon"] is not None:  # on the scale of the scores, whatever that is
        rounded["epsilon"] = float(f"{figures['epsilon']:.6g}")
    return rounded


def _type(bead: GoldBead) -> str:
    return f"{len(bead[0])}-{len(bead[1])}"


def _is_null(bead: GoldBead) -> bool:
    return not bead[0] or not bead[1]


def _corners(beads: Sequence[GoldBead]) -> set[tuple[int, int]]:
    """Where beads end: pairs of the last source and last target segment so far."""
    corners = set()
    i = j = -1
    for source, target in beads:
        i, j = max([i, *source]), max([j, *target])
        corners.add((i, j))
    return corners


def _hits(found: Any, gold: Any) -> tuple[int, int, int]:
    found, gold = set(found), set(gold)
    return len(found & gold), len(found), len(gold)


def _sums(rows: Any) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)]


def _prf(right: int, n_found: int, n_gold: int, right_gold: int | None = None) -> dict[str, float]:
    precision = right / n_found if n_found else 0.0
    recall = (right if right_gold is None else right_gold) / n_gold if n_gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def _vecalign(pairs: Sequence[tuple[list[GoldBead], list[GoldBead]]], *, lax: bool) -> dict[str, float]:
    """Precision over all beads found; recall over gold beads without nulls, nulls ignored on both sides."""
    right, n_found = _sums(_vecalign_hits(f, g, lax) for g, f in pairs)
    inner = [([b for b in g if not _is_null(b)], [b for b in f if not _is_null(b)]) for g, f in pairs]
    right_gold, n_gold = _sums(_vecalign_hits(g, f, lax) for g, f in inner)
    return _prf(right, n_found, n_gold, right_gold)


def _vecalign_hits(beads: Sequence[GoldBead], other: Sequence[GoldBead], lax: bool) -> tuple[int, int]:
    ours, theirs = set(beads), set(other)
    if not lax:
        return len(ours & theirs), len(ours)
    opposite: dict[int, set[int]] = defaultdict(set)
    for source, target in theirs:
        for i in source:
            opposite[i] |= set(target)
    touching = sum(
        bead in theirs or any(opposite[i] & set(bead[1]) for i in bead[0] if i in opposite) for bead in ours
    )
    return touching, len(ours)
