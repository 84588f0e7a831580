"""Run the main job on the project's own demo corpus, and score it.

In: `corpora/demo`, a Chinese speech, a good and two flawed translations, and their gold.  Out: what an editor
wants to see, the findings; then, per translation, strict F1 of the beads, how many planted errors of each kind
were found, and the false alarms.  Exit status 1 when a figure is below its floor.

    python benchmarks/demo.py [--json] [--html FILE]

Mistranslations of meaning (a lost negation) are planted and counted, but not required: no built-in check sees
them yet.

Beads: a predicted bead is right when it holds exactly the same non-white-space characters, on both sides, as
a gold bead.  Nulls count, one per segment, however they were grouped.  Precision, recall and F1 are over
those beads, in the strict sense of the alignment literature.

Issues of severity minor and above count, the others are not shown to an editor as findings.  A planted error
is found when an issue of a compatible check overlaps its span on the source side, on the target side, or on
both where both name both.  A false alarm is an issue that overlaps no planted error of any kind.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import bitext
from bitext.data import SEVERITIES, Alignment, Document, Issue
from bitext.embedding import Embedder
from bitext.pipeline import remembering
from bitext.report import Report, to_html, to_text

CORPUS = Path(__file__).resolve().parent.parent / "corpora" / "demo"
TRANSLATIONS = ("good", "flawed-a", "flawed-b")
MIN_F1 = 0.95
MAX_FALSE_ALARMS = 2
NOT_REQUIRED = {"mistranslation"}

COMPATIBLE = (
    {"number-mismatch", "number-style"},
    {"term-mismatch", "name-mismatch", "mistranslation"},
    {"omission"},
    {"addition"},
    {"untranslated"},
    {"term-inconsistent"},
)
"""Checks that stand for each other: the editor is sent to the right place for the right reason."""

Gold = dict[str, Any]
Spans = Sequence[tuple[int, int]]
Key = tuple[tuple[int, int] | None, tuple[int, int] | None]


def score_beads(alignment: Alignment, gold: Gold) -> dict[str, Any]:
    """Compare beads with gold: precision, recall, F1 in [0, 1], and the text of the gold beads not found."""
    source, target = alignment.source, alignment.target
    inks = _ink(source.text), _ink(target.text)
    predicted = {
        key
        for bead in alignment.beads
        for key in _keys(
            [source.span(range(i, i + 1)) for i in bead.source],
            [target.span(range(i, i + 1)) for i in bead.target],
            *inks,
        )
    }
    expected = {key: bead for bead in gold["beads"] for key in _keys(bead["source"], bead["target"], *inks)}
    n_right = len(predicted & expected.keys())
    precision, recall = n_right / max(1, len(predicted)), n_right / max(1, len(expected))
    missed = [
        {
            "source": " ".join(source.text[start:end] for start, end in bead["source"]),
            "target": " ".join(target.text[start:end] for start, end in bead["target"]),
        }
        for key, bead in expected.items()
        if key not in predicted
    ]
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {"precision": precision, "recall": recall, "f1": f1, "missed": missed}


def score_issues(issues: Iterable[Issue], gold: Gold) -> dict[str, Any]:
    """Compare issues with the planted errors.

    Returns
    -------
    dict
        ``kinds``: found and planted errors by check; ``missed``: the gold entries not found (an error made
        several times is one error, found when one of its places is); ``false_alarms``: issues off the mark.
    """
    shown = [i for i in issues if SEVERITIES.index(i.severity) >= SEVERITIES.index("minor")]
    errors: dict[str, list[dict[str, Any]]] = {}
    for number, planted in enumerate(gold["issues"]):
        errors.setdefault(planted.get("error", f"{number}"), []).append(planted)
    kinds: dict[str, list[int]] = {}
    missed = []
    for places in errors.values():
        found = any(_compatible(i.check, p["check"]) and _overlaps(i, p) for i in shown for p in places)
        count = kinds.setdefault(places[0]["check"], [0, 0])
        count[0] += found
        count[1] += 1
        if not found:
            missed.append(places[0])
    false_alarms = [i for i in shown if not any(_overlaps(i, p) for p in gold["issues"])]
    return {"kinds": kinds, "missed": missed, "false_alarms": false_alarms}


def evaluate(name: str, source: Document, embedder: Embedder) -> tuple[Report, dict[str, Any]]:
    """Run bitext on one translation of the corpus and score what it says."""
    target = bitext.read(CORPUS / f"{name}.en.txt")
    gold = json.loads((CORPUS / f"{name}.gold.json").read_text(encoding="utf-8"))
    alignment = bitext.align(source, target, embedder=embedder)
    report = bitext.check(alignment, embedder=embedder)
    beads, found = score_beads(alignment, gold), score_issues(report.issues, gold)
    required = [p for p in found["missed"] if p["check"] not in NOT_REQUIRED]
    passed = beads["f1"] >= MIN_F1 and not required and len(found["false_alarms"]) <= MAX_FALSE_ALARMS
    return report, {
        "document": name,
        "passed": passed,
        "beads": beads,
        "kinds": found["kinds"],
        "missed": [_with_text(p, source.text, target.text) for p in found["missed"]],
        "false_alarms": [_described(i, source.text, target.text) for i in found["false_alarms"]],
        "signature": str(report.signature),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures of all translations; 1 if any is below its floor."""
    parser = argparse.ArgumentParser(description="Score bitext on the demo corpus.")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the report of all translations")
    options = parser.parse_args(arguments)
    source, embedder = bitext.read(CORPUS / "speech.zh.txt"), remembering("zh-en")
    evaluated = [evaluate(name, source, embedder) for name in TRANSLATIONS]
    reports, results = [report for report, _ in evaluated], [result for _, result in evaluated]
    if options.html:
        options.html.parent.mkdir(parents=True, exist_ok=True)
        options.html.write_text(to_html(reports), encoding="utf-8")
    if options.json:
        print(
            json.dumps(
                {"passed": all(r["passed"] for r in results), "documents": results}, ensure_ascii=False
            )
        )
    else:
        print(to_text(reports).replace(f"{CORPUS}/", ""))
        print("Compared with the gold:")
        for result in results:
            _print(result)
        if options.html:
            print(f"side by side: {options.html}")
    return 0 if all(r["passed"] for r in results) else 1


def _ink(text: str) -> list[int]:
    """How many non-white-space characters stand before each offset."""
    return [0, *accumulate(not c.isspace() for c in text)]


def _keys(sources: Spans, targets: Spans, source_ink: list[int], target_ink: list[int]) -> list[Key]:
    """Name a bead by the non-white-space characters it holds; a null by one name per segment."""
    if sources and targets:
        return [(_inked(sources, source_ink), _inked(targets, target_ink))]
    return [(_inked([s], source_ink), None) for s in sources] + [
        (None, _inked([t], target_ink)) for t in targets
    ]


def _inked(spans: Spans, ink: list[int]) -> tuple[int, int]:
    return ink[spans[0][0]], ink[spans[-1][1]]


def _compatible(reported: str, planted: str) -> bool:
    return any(reported in group and planted in group for group in COMPATIBLE)


def _overlaps(issue: Issue, planted: dict[str, Any]) -> bool:
    sides = [
        reported[0] < span[1] and span[0] < reported[1]
        for reported, span in ((issue.source_span, planted["source"]), (issue.target_span, planted["target"]))
        if reported is not None and span is not None
    ]
    return bool(sides) and all(sides)


def _with_text(planted: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    return {
        **planted,
        "source_text": _quote(planted["source"], source),
        "target_text": _quote(planted["target"], target),
    }


def _described(issue: Issue, source: str, target: str) -> dict[str, Any]:
    return {
        "check": issue.check,
        "severity": issue.severity,
        "message": issue.message,
        "source_text": _quote(issue.source_span, source),
        "target_text": _quote(issue.target_span, target),
    }


def _quote(span: Sequence[int] | None, text: str) -> str | None:
    return None if span is None else text[span[0] : span[1]]


def _print(result: dict[str, Any]) -> None:
    beads, kinds = result["beads"], result["kinds"]
    found, planted = (sum(k[i] for k in kinds.values()) for i in (0, 1))
    print(
        f"{result['document']}: {'passed' if result['passed'] else 'FAILED'}; "
        f"beads F1 {beads['f1']:.3f} (P {beads['precision']:.3f}, R {beads['recall']:.3f}); "
        f"planted errors found {found}/{planted}; false alarms {len(result['false_alarms'])}"
    )
    for kind, (n_found, n_planted) in sorted(kinds.items()):
        print(f"  {kind}: {n_found}/{n_planted}")
    for bead in beads["missed"]:
        print(f"  bead not found: {bead['source'] or '∅'} | {bead['target'] or '∅'}")
    for error in result["missed"]:
        print(f"  not found: {error['check']}: {error['source_text']} | {error['target_text']}")
    for alarm in result["false_alarms"]:
        print(f"  false alarm: {alarm['severity']} {alarm['check']}: {alarm['message']}")


if __name__ == "__main__":
    sys.exit(main())
