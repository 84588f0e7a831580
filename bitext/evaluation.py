"""Figures the way the field computes them: in come a file with gold and a stage, out comes a dictionary of numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from bitext.errors import QualityDataError
from bitext.segmentation import Segmenter, segment


def segmentation_figures(
    path: str, *, segmenter: Segmenter | Callable[[str], Any] | None = None
) -> dict[str, Any]:
    """Score a segmenter on the inner boundaries of documents with gold segments.

    A boundary is where a segment ends within its document, counted in characters that are not white space, so
    that spaces and line ends between segments do not matter; the end of the document is no boundary.

    Parameters
    ----------
    path : str
        JSONL, UTF-8: ``{"id": …, "text": …, "sents": […]}``; the sentences joined are the text, up to white space.
    segmenter : Segmenter or callable, optional
        As in `segment`; by default the built-in rules.

    Returns
    -------
    dict
        ``precision``, ``recall`` and ``f1`` in percent over all documents, ``exact`` (percent of documents without
        a wrong boundary), ``n_documents``, ``n_gold`` and ``n_found`` (boundaries).

    Raises
    ------
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
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), 1):
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
                f"{path}:{number}: the sentences joined are not the text; expected them to differ in white space only."
            )
        yield text, sentences


def _inner_boundaries(segments: list[str]) -> set[int]:
    lengths = list(accumulate(len("".join(s.split())) for s in segments))
    return set(lengths[:-1]) - {0, lengths[-1]} if lengths else set()


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 100.0
