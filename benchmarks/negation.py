"""How often the negation check is wrong about good translations, and what it finds when a negation is planted.

    python benchmarks/negation.py DATA > benchmarks/negation.md

DATA has `quality/` with translations by people that professionals judged, and `train/` with translation pairs.  In
every English sentence the first "not" is taken out, if the Chinese has a firm negation, or one is put after the first
auxiliary verb; what comes out is not always an error, so the shares found are lower bounds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

from bitext._negation import _FIRM_ZH, compare_negation

JUDGED = ("wmt20_zhen_mqm", "wmt21news_zhen_mqm", "wmt21ted_zhen_mqm")
TRAIN = ("tatoeba", "3am", "trpl", "react_docs", "taiwan_laws")
N_PAIRS = 12_000
REMOVALS = (
    (re.compile(r"\b(?:do|does|did)(?: not|n['’]t) ", re.IGNORECASE), ""),
    (re.compile(r"\bcan(?:not|['’]t)\b", re.IGNORECASE), "can"),
    (re.compile(r"\bwon['’]t\b", re.IGNORECASE), "will"),
    (
        re.compile(
            r"\b(will|would|could|should|is|are|was|were|has|have|had|must|may)(?: not|n['’]t)\b",
            re.IGNORECASE,
        ),
        r"\1",
    ),
    (re.compile(r"\bnever ", re.IGNORECASE), ""),
)
INSERTION = re.compile(r" (will|would|could|should|is|are|was|were|has|have|had|must|may|can) (?!not)")


def without_not(english: str) -> str | None:
    """Take out the first negation."""
    for pattern, instead in REMOVALS:
        if pattern.search(english):
            return pattern.sub(instead, english, count=1)
    return None


def with_not(english: str) -> str | None:
    """Negate the first auxiliary verb."""
    return INSERTION.sub(r" \1 not ", english, count=1) if INSERTION.search(english) else None


def people(data: Path, name: str) -> list[tuple[str, str]]:
    """Read translations by people."""
    with gzip.open(data / "quality" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    return sorted({(r["src"], r["tgt"]) for r in rows if r["human"]})


def pairs(data: Path, name: str) -> list[tuple[str, str]]:
    """Read translation pairs, a sample."""
    with gzip.open(data / "train" / f"{name}.tsv.gz", "rt", encoding="utf-8") as stream:
        rows = [tuple(line.rstrip("\n").split("\t")) for line in stream]
    rows = sorted({r for r in rows if len(r) == 2})
    return random.Random(0).sample(rows, min(N_PAIRS, len(rows)))  # type: ignore[arg-type]


def found(rows: list[tuple[str, str]], spoil: Callable[[str], str | None]) -> str:
    """Count spoiled translations and the ones with a finding."""
    spoiled = [(zh, bad) for zh, en in rows if (bad := spoil(en)) is not None]
    hits = sum(compare_negation(*pair) is not None for pair in spoiled)
    return f"{hits / max(1, len(spoiled)):.0%} of {len(spoiled):,}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    print(f"# Negation\n\n`python benchmarks/negation.py DATA`, {date.today()}.\n")
    print("| translations | pairs | flagged as they are | a negation taken out: found | one put in: found |")
    print("|---|--:|--:|--:|--:|")
    sets = {f"{n}, by people": people(data, n) for n in JUDGED} | {n: pairs(data, n) for n in TRAIN}
    for name, rows in sets.items():
        flagged = sum(compare_negation(*pair) is not None for pair in rows)
        firm = [pair for pair in rows if _FIRM_ZH.search(pair[0])]
        print(
            f"| {name} | {len(rows):,} | {flagged} | {found(firm, without_not)} | {found(rows, with_not)} |"
        )
    print(
        "\nWhat is flagged as it is includes wrong pairs, which these collections have. A sentence with\n"
        "another negative word hides a lost negation, and a source with a word that may be one hides an added one."
    )


if __name__ == "__main__":
    main()
