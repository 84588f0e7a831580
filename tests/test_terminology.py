"""Terminology: what is right is never flagged, what is wrong is found where it stands."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bitext.terminology import Concept, Term, Termbase, check_terms

GOLDEN = Path(__file__).parent / "golden" / "terms.tsv"


def golden_cases() -> list[dict[str, str]]:
    lines = [line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def concept(zh: str, *en: str, wrong: tuple[str, ...] = (), pos: str = "noun", **options: object) -> Concept:
    terms = [Term(t, "en", "admitted" if i else "preferred") for i, t in enumerate(en)]
    terms += [Term(t, "en", "known-wrong") for t in wrong]
    return Concept(zh, (Term(zh, "zh"),), tuple(terms), pos=pos, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "case", golden_cases(), ids=lambda c: f"{c['phenomenon']}: {c['source']} = {c['target']}"
)
def test_golden_term_cases(case: dict[str, str]) -> None:
    """Each line is a phenomenon a translator knows; the file is meant to be corrected by one."""
    wrong = tuple(filter(None, case["wrong"].split("|")))
    entry = concept(
        case["zh"], *case["en"].split("|"), wrong=wrong, pos=case["pos"], required=case["rule"] == "house"
    )
    found = [f for _, f in check_terms([(case["source"], case["target"])], Termbase([entry]))]
    if case["expect"] == "ok":
        assert not found
        return
    (finding,) = found
    where = case["target"][slice(*finding.target_span)] if finding.target_span else ""
    assert (finding.kind, where, finding.suggestion or "") == (case["expect"], case["where"], case["suggest"])
