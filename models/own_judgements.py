"""Translations judged by us, in the form of the judgements by professionals.

`own_judgements.tsv.gz` has the verdicts alone: the segment, the system, a digest of the translation, and each error as
severity, category and code points (in the source for an omission, else in the translation).  The texts are those
of the WMT21 news systems that professionals did not judge; they are read from the folder of data, none is kept here.

Language models wrote the verdicts, as the guidelines of the WMT metrics task have it, reading up to six translations
of a source side by side, drawn at random from all systems.  They are for training only: nothing is calibrated or
measured on them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("own_judgements.tsv.gz")
TEXTS = "da_zhen_wmt17_20_21.jsonl.gz"
SET = "wmt21own"
WEIGHTS = {"M": 5.0, "m": 1.0, "p": 0.1}
CATEGORIES = {
    "mis": "accuracy/mistranslation",
    "omi": "accuracy/omission",
    "add": "accuracy/addition",
    "unt": "accuracy/untranslated",
    "ter": "terminology",
    "gra": "fluency/grammar",
    "pun": "fluency/punctuation",
    "awk": "style/awkward",
    "oth": "other",
}
ARTICLE = 25  # consecutive segments that count as a document, since the data do not name any


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """Join the verdicts with the texts in `folder`; rows like those of the professional judgements.

    Raises
    ------
    ValueError
        Where a text is not the one that was judged.
    """
    texts: dict[tuple[int, str], dict[str, Any]] = {}
    with gzip.open(folder / TEXTS, "rt", encoding="utf-8") as stream:
        for row in map(json.loads, stream):
            if row["set"] == "wmt21da":
                texts[row["seg"], row["sys"]] = row
    with gzip.open(FILE, "rt", encoding="utf-8") as stream:
        for line in stream:
            segment, system, digest, *errors = line.rstrip("\n").split("\t")
            row = texts[int(segment), system]
            if _digest(row["tgt"]) != digest:
                raise ValueError(
                    f"{segment} by {system}: the text in {folder / TEXTS} is not the one that was judged; "
                    "get the data again, or judge anew"
                )
            yield _judged(row, [_span(error) for error in errors])


def _judged(row: dict[str, Any], spans: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "set": SET,
        "doc": f"{row['seg'] // ARTICLE}",
        "seg": row["seg"],
        "sys": row["sys"],
        "human": False,
        "src": row["src"],
        "tgt": row["tgt"],
        "mqm": -sum(span["w"] for span in spans),
        "ratings": {"us": None},
        "spans": spans,
    }


def _span(error: str) -> dict[str, Any]:
    severity, category, start, end = error.split(" ")
    side = "src" if category == "omi" else "tgt"
    span = {"r": "us", "cat": CATEGORIES[category], "w": WEIGHTS[severity], "side": side}
    return span | {"b": int(start), "e": int(end)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
