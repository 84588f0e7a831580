"""The demo corpus is what its master says, and the benchmark counts right."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bitext.data import Alignment, Bead, Document, Issue

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "corpora" / "demo"
NAMES = ("good", "flawed-a", "flawed-b")


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


build = _load("demo_corpus_build", CORPUS / "build.py")
benchmark = _load("demo_benchmark", ROOT / "benchmarks" / "demo.py")
MASTER = (CORPUS / "master.txt").read_text(encoding="utf-8")


def _read(name: str) -> str:
    return (CORPUS / name).read_text(encoding="utf-8")


def _gold(name: str) -> dict[str, Any]:
    return json.loads(_read(f"{name}.gold.json"))


def _documents(name: str) -> tuple[Document, Document]:
    """Both texts segmented as the gold says."""
    return _document(name, "zh"), _document(name, "en")


def _document(name: str, lang: str) -> Document:
    side, file = ("source", "speech.zh.txt") if lang == "zh" else ("target", f"{name}.en.txt")
    text = _read(file)
    starts = [start for bead in _gold(name)["beads"] for start, _ in bead[side]]
    return Document(text, lang, list(zip(starts, [*starts[1:], len(text)], strict=True)))


def _gold_alignment(name: str) -> Alignment:
    beads, s, t = [], 0, 0
    for bead in _gold(name)["beads"]:
        n, m = len(bead["source"]), len(bead["target"])
        beads.append(Bead(range(s, s + n), range(t, t + m)))
        s, t = s + n, t + m
    return Alignment(*_documents(name), tuple(beads))


def _issue(check: str, source: Any, target: Any, severity: Any = "major") -> Issue:
    return Issue(check, "accuracy", severity, 1.0, "…", 0, source, target)


def test_the_files_are_what_the_master_says() -> None:
    """Gold edited by hand would be lost at the next build; texts edited by hand would move every offset."""
    for name, text in build.build(MASTER).items():
        assert _read(name) == text, f"{name} is not current; run: python corpora/demo/build.py"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", ["source", "target"])
def test_gold_beads_hold_every_character_once(name: str, side: str) -> None:
    """A sentence outside the gold, or in two beads, would make perfect F1 impossible."""
    text = _read("speech.zh.txt" if side == "source" else f"{name}.en.txt")
    at = 0
    for start, end in (span for bead in _gold(name)["beads"] for span in bead[side]):
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip() != ""
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize("key", ["a", "b"])
def test_gold_spans_quote_the_words_marked_in_the_master(key: str) -> None:
    """The spans are what recall is measured with; a shifted one would count finds as misses."""
    name = build.TRANSLATIONS[key]
    source, target, issues = _read("speech.zh.txt"), _read(f"{name}.en.txt"), _gold(name)["issues"]
    rows = re.findall(rf"^{key} [\d+].*\n(?:^ +! .*\n)*", MASTER, re.MULTILINE)
    braced = [words.replace(" | ", " ") for row in rows for words in re.findall(r"\{(.*?)\}", row)]
    assert [target[slice(*i["target"])] for i in issues if i["target"]] == braced
    quoted = re.findall(r"! [a-z-]+ (?:#\S+ )?(.+?) (?:=>|//)", "".join(rows))
    assert len(quoted) == len(issues) > 20
    for quote, issue in zip(quoted, issues, strict=True):
        if quote == "-":
            assert issue["source"] is None
        elif quote != "*":
            assert source[slice(*issue["source"])] == quote


@pytest.mark.parametrize("name", ["flawed-a", "flawed-b"])
def test_every_kind_of_error_is_planted(name: str) -> None:
    """The demo must show each check at work."""
    kinds = {issue["check"] for issue in _gold(name)["issues"]}
    assert kinds == {
        "number-mismatch", "number-style", "term-mismatch", "name-mismatch", "mistranslation",
        "omission", "addition", "untranslated", "term-inconsistent",
    }  # fmt: skip


def test_nothing_is_planted_in_the_good_translation() -> None:
    """Whatever a check says of it is a false alarm."""
    assert _gold("good")["issues"] == []
    assert not re.search(r"[\u4e00-\u9fff]", _read("good.en.txt"))


@pytest.mark.parametrize(
    ("damage", "replacement"),
    [
        ("zh 2  ", "zh 3  "),
        ("b 30       ∅\n", ""),
        ("=> 2019 // wrong year", "=> 2019"),
        ("! omission * // dropped sentence\n", "! addition - // dropped sentence\n"),
        ("! number-style 42万", "! number-style 43万"),
        ("{2009}", "{2009"),
    ],
)
def test_a_slip_in_the_master_stops_the_build(damage: str, replacement: str) -> None:
    """Gold must not be wrong silently."""
    assert damage in MASTER
    with pytest.raises(build.MasterError, match=r"line \d+|ends at"):
        build.build(MASTER.replace(damage, replacement, 1))


@pytest.mark.parametrize("name", NAMES)
def test_gold_scored_against_itself_is_perfect(name: str) -> None:
    """The scorer must be able to say 1.0 on every document."""
    assert benchmark.score_beads(_gold_alignment(name), _gold(name))["f1"] == 1.0


def test_grouping_of_nulls_does_not_change_the_score() -> None:
    """Whether a dropped paragraph is one bead or five is the aligner's business."""
    alignment = _gold_alignment("flawed-a")
    grouped: list[Bead] = []
    for bead in alignment.beads:
        previous = grouped[-1] if grouped else None
        if previous and bead.is_omission and previous.is_omission:
            grouped[-1] = Bead(range(previous.source.start, bead.source.stop), bead.target)
        else:
            grouped.append(bead)
    assert len(grouped) < len(alignment.beads)
    regrouped = Alignment(alignment.source, alignment.target, tuple(grouped))
    assert benchmark.score_beads(regrouped, _gold("flawed-a"))["f1"] == 1.0


def test_one_bead_joined_too_many_costs_what_strict_f1_says() -> None:
    """Strict means that a bead holding two gold beads is wrong, not half right."""
    alignment = _gold_alignment("good")
    first, second, *rest = alignment.beads
    joined = Bead(
        range(first.source.start, second.source.stop), range(first.target.start, second.target.stop)
    )
    score = benchmark.score_beads(
        Alignment(alignment.source, alignment.target, (joined, *rest)), _gold("good")
    )
    n = len(alignment.beads)
    assert score["precision"] == pytest.approx((n - 2) / (n - 1))
    assert score["recall"] == pytest.approx((n - 2) / n)
    assert len(score["missed"]) == 2


def test_reporting_exactly_the_gold_finds_all_without_false_alarms() -> None:
    """The scorer must be able to say that a report is right."""
    gold = _gold("flawed-b")
    result = benchmark.score_issues(
        [
            _issue(p["check"], p["source"] and tuple(p["source"]), p["target"] and tuple(p["target"]))
            for p in gold["issues"]
        ],
        gold,
    )
    assert not result["missed"]
    assert not result["false_alarms"]
    assert all(found == planted for found, planted in result["kinds"].values())


def test_silence_misses_every_error_and_raises_no_alarm() -> None:
    """An error made at several places is still one error."""
    gold = _gold("flawed-b")
    result = benchmark.score_issues([], gold)
    assert len(result["missed"]) == len({i.get("error", n) for n, i in enumerate(gold["issues"])})
    assert result["false_alarms"] == []


def test_an_issue_counts_by_kind_place_and_severity() -> None:
    """Right place for the wrong reason is no find; right reason at the wrong place is a false alarm."""
    gold = {"issues": [{"check": "term-mismatch", "source": [10, 14], "target": [50, 60], "note": ""}]}

    def scored(*arguments: Any) -> tuple[int, int]:
        result = benchmark.score_issues([_issue(*arguments)], gold)
        return len(result["missed"]), len(result["false_alarms"])

    assert scored("name-mismatch", (12, 13), (59, 70)) == (0, 0)
    assert scored("name-mismatch", (12, 13), None) == (0, 0)
    assert scored("omission", (12, 13), None) == (1, 0)
    assert scored("term-mismatch", (12, 13), (60, 70)) == (1, 1)
    assert scored("term-mismatch", None, None) == (1, 1)
    assert scored("term-mismatch", (12, 13), (50, 60), "neutral") == (1, 0)
