"""Measure `bitext.quantities`: false alarms on human translations, errors found, speed.

    python benchmarks/quantities.py DATA_DIR [--list hkma|errors|demetr]

DATA_DIR holds the folders `hkma`, `number_errors` and `demetr_zh` (WMT25 terminology task, track 2, with the
number errors found in its submissions; DEMETR minimal pairs).  If the folders `train` (parallel sentences) and
`quality` (WMT test sets, of which the human references are read) stand next to it, false alarms are counted on them
too.  Prints one JSON object.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bitext.quantities import compare_quantities, find_quantities


def main() -> None:
    """Print the figures for the data in the folder given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument(
        "--list", choices=["hkma", "errors", "demetr", "elsewhere"], help="print the cases that went wrong"
    )
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for name, measure in (("hkma", false_alarms), ("errors", errors_found), ("demetr", pairs_separated)):
        figures[name] = measure(options.data, options.list == name)
    figures["alarms_elsewhere"] = alarms_elsewhere(options.data.parent, options.list == "elsewhere")
    figures["numbered"] = numbered_found(options.data.parent)
    figures["megabytes_per_second"] = speed(options.data)
    print(json.dumps(figures, indent=2, ensure_ascii=False))


def false_alarms(data: Path, show: bool) -> dict[str, dict[str, float]]:
    """Share of the numbers of professional translations that are flagged, by direction.

    A number is a quantity of the source that has a digit or weighs at least 0.5; every finding is an alarm.
    """
    figures = {}
    for direction in ("zh-en", "en-zh"):
        source_lang, target_lang = direction.split("-")
        numbers = alarms = paragraphs = paragraphs_flagged = 0
        for name, (source, target) in _paragraphs(data, source_lang, target_lang):
            quantities = find_quantities(source, source_lang)
            numbers += sum(bool(re.search(r"\d", q.text)) or q.weight >= 0.5 for q in quantities)
            found = compare_quantities(source, target, source_lang=source_lang, target_lang=target_lang)
            alarms += len(found)
            paragraphs += 1
            paragraphs_flagged += bool(found)
            if show and found and direction == "zh-en":
                print(f"{name}\n  {source}\n  {target}")
                for f in found:
                    print(f"    {f.kind} {f.confidence:.2f}: {f.message} → {f.suggestion}")
        figures[direction] = {
            "numbers": numbers,
            "alarms": alarms,
            "alarms_per_number": round(alarms / numbers, 4),
            "paragraphs": paragraphs,
            "paragraphs_flagged": round(paragraphs_flagged / paragraphs, 4),
        }
    return figures


SETS = {
    "wmt20": "wmt20_zhen_mqm",
    "wmt21": "wmt21news_zhen_mqm",
    "ted": "wmt21ted_zhen_mqm",
    "wmt22": "wmt22_zhen_mqm",
}


def pairs_of(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield 3,000 random pairs of a training source, or all references of a test set."""
    if name in SETS:
        seen = set()
        with gzip.open(folder / "quality" / f"{SETS[name]}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                pairs = {(row["src"], row[key]) for key in ("ref", "refB") if row.get(key)}
                yield from sorted(pairs - seen)
                seen |= pairs
        return
    text = gzip.decompress((folder / "train" / f"{name}.tsv.gz").read_bytes()).decode("utf-8")
    rows = [line.split("\t") for line in text.splitlines()]
    random.Random(7).shuffle(rows)
    yield from ((row[0], row[1]) for row in rows[:3000])


def alarms_elsewhere(folder: Path, show: bool) -> dict[str, dict[str, float]]:
    """Count the findings on translations by people of many kinds, per number as in `false_alarms`."""
    names = [name for name, file in SETS.items() if (folder / "quality" / f"{file}.jsonl.gz").exists()]
    names += sorted(path.name.removesuffix(".tsv.gz") for path in (folder / "train").glob("*.tsv.gz"))
    figures = {}
    for name in names:
        numbers = alarms = 0
        for source, target in pairs_of(folder, name):
            quantities = find_quantities(source, "zh")
            numbers += sum(bool(re.search(r"\d", q.text)) or q.weight >= 0.5 for q in quantities)
            found = compare_quantities(source, target)
            alarms += len(found)
            if show and found:
                print(
                    f"{name}\n  {source}\n  {target}",
                    *(f"    {f.kind}: {f.message}" for f in found),
                    sep="\n",
                )
        rate = round(alarms / max(1, numbers), 4)
        figures[name] = {"numbers": numbers, "alarms": alarms, "alarms_per_number": rate}
    return figures


def errors_found(data: Path, show: bool) -> dict[str, float]:
    """Natural magnitude errors: share found at the place, and with the right factor."""
    rows = _rows(data / "number_errors" / "number_errors.jsonl")
    found = right = 0
    for row in rows:
        findings = [
            f
            for f in compare_quantities(row["zh"], row["en"])
            if f.target and row["en_span"] in f.target.text
        ]
        found += bool(findings)
        good = any(f.factor and abs(f.factor / row["ratio"] - 1) < 0.02 for f in findings)
        right += good
        if show and not good:
            print(
                row["id"],
                row["zh_span"],
                row["en_span"],
                row["ratio"],
                [(f.kind, f.factor, f.message) for f in findings],
            )
            print("   ", row["zh"], "\n   ", row["en"])
    return {
        "errors": len(rows),
        "found": round(found / len(rows), 4),
        "right_factor": round(right / len(rows), 4),
    }


def numbered_found(folder: Path) -> dict[str, str]:
    """Articles of Taiwan statutes and quarters of HKMA reports: the share found when one more is written."""
    reports = (pair for _, pair in _paragraphs(folder / "terms", "zh", "en"))
    quarter = re.compile(r"(?i)(?:first|second|third|fourth)(?= quarter)")
    next_one = {"first": "second", "second": "third", "third": "fourth", "fourth": "first"}
    figures = {}
    for name, pairs, pattern, change in (
        (
            "articles",
            pairs_of(folder, "taiwan_laws"),
            re.compile(r"(?<=\bArticle )\d+"),
            lambda n: str(int(n) + 1),
        ),
        ("quarters", reports, quarter, lambda n: next_one[n.lower()]),
    ):
        planted = found = 0
        for source, target in pairs:
            if match := pattern.search(target):
                wrong = target[: match.start()] + change(match[0]) + target[match.end() :]
                planted += 1
                found += any(
                    f.target and f.target.span[0] == match.start() for f in compare_quantities(source, wrong)
                )
        figures[name] = f"{found} of {planted}"
    return figures


def pairs_separated(data: Path, show: bool) -> dict[str, int]:
    """Minimal pairs: the good translation is clean and the one with a changed number is flagged."""
    rows = [
        r
        for r in _rows(data / "demetr_zh" / "critical_id10_numbers_replaced.jsonl")
        if r["mt_sent"] != r["pert_sent"]
    ]
    separated = good_flagged = 0
    for row in rows:
        good = compare_quantities(row["src_sent"], row["mt_sent"])
        bad = compare_quantities(row["src_sent"], row["pert_sent"])
        separated += bool(bad) and not good
        good_flagged += bool(good)
        if show and (good or not bad):
            print(row["id"], row["src_sent"], "\n   ", row["mt_sent"], "\n   ", row["pert_sent"])
            print(
                "    good:",
                [(f.kind, f.message) for f in good],
                "\n    bad:",
                [(f.kind, f.message) for f in bad],
            )
    return {"pairs": len(rows), "separated": separated, "good_flagged": good_flagged}


def speed(data: Path) -> dict[str, float]:
    """UTF-8 megabytes that `find_quantities` reads in a second, best of five runs."""
    speeds = {}
    rows = [row for path in sorted((data / "hkma" / "ref").glob("full_data_*.jsonl")) for row in _rows(path)]
    for lang in ("zh", "en"):
        text = "\n".join(row[lang] for row in rows)
        megabytes = len(text.encode()) / 1e6
        best = min(_seconds(text, lang) for _ in range(5))
        speeds[lang] = round(megabytes / best, 2)
    return speeds


def _seconds(text: str, lang: str) -> float:
    start = time.process_time()
    find_quantities(text, lang)
    return time.process_time() - start


def _paragraphs(data: Path, source_lang: str, target_lang: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the paragraphs of HKMA reports and their translations by people, with the name of the report."""
    for path in sorted((data / "hkma" / "ref").glob("full_data_*.jsonl")):
        for row in _rows(path):
            sides = (row[lang].split("\n\n") for lang in (source_lang, target_lang))
            yield from ((path.stem, pair) for pair in zip(*sides, strict=True))


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


if __name__ == "__main__":
    main()
