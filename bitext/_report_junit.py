"""Reports -> JUnit XML, which every continuous-integration server shows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from bitext.data import SEVERITIES
from bitext.report import (
    Remark,
    Report,
    Suppressed,
    _in_reading_order,
    _message,
    _path,
    _place_of,
    _signatures,
)

# what XML 1.0 cannot hold, not even as a character reference
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Case:
    """One finding: `outcome` is failure, skipped or passed."""

    outcome: str
    check: str
    severity: str
    place: str
    message: str
    line: int | None


def junit(reports: Sequence[Report], remarks: Sequence[Remark], fail_on: str) -> str:
    """Return the document; see `bitext.report.to_junit`."""
    failing = () if fail_on == "never" else SEVERITIES[SEVERITIES.index(fail_on) :]
    suites: dict[str, list[_Case]] = defaultdict(list)
    for report in reports:
        suites[_path(report.alignment.target, "target")] += _cases(report, failing)
    for remark in remarks:
        outcome = "failure" if remark.severity in failing else "passed"
        place = _place_of(remark)
        suites[remark.path].append(
            _Case(outcome, remark.check, remark.severity, place, remark.message, remark.line)
        )
    root = ET.Element("testsuites", _counts("bitext", [case for cases in suites.values() for case in cases]))
    for path, cases in suites.items():
        suite = ET.SubElement(root, "testsuite", _counts(path, cases))
        if signature := " ".join(_signatures(reports)):
            properties = ET.SubElement(suite, "properties")
            ET.SubElement(properties, "property", name="signature", value=_writable(signature))
        for case in cases:
            _add_case(suite, path, case)
        if not cases:
            ET.SubElement(suite, "testcase", classname=_writable(path), name="no issues")
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _cases(report: Report, failing: Sequence[str]) -> list[_Case]:
    cases = []
    settled = {id(s.issue): s for s in report.suppressed}
    every = [*report.issues, *(s.issue for s in report.suppressed)]
    for issue, place, _ in _in_reading_order(report, every):
        message, outcome = _message(issue), "failure" if issue.severity in failing else "passed"
        if id(issue) in settled:
            outcome, message = "skipped", f"{_why(settled[id(issue)])}: {message}"
        cases.append(_Case(outcome, issue.check, issue.severity, str(place), message, place.line))
    return cases


def _why(settled: Suppressed) -> str:
    where = "suppressed by a comment" if settled.by == "comment" else "in the baseline"
    return f"{where} ({settled.reason})" if settled.reason else where


def _counts(name: str, cases: Sequence[_Case]) -> dict[str, str]:
    return {
        "name": _writable(name),
        "tests": str(max(1, len(cases))),
        "failures": str(sum(case.outcome == "failure" for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.outcome == "skipped" for case in cases)),
    }


def _add_case(suite: Any, path: str, case: _Case) -> None:
    name = f"{case.check} {case.place.removeprefix(path).lstrip(':')}".strip()
    element = ET.SubElement(
        suite, "testcase", classname=_writable(path), name=_writable(name), file=_writable(path)
    )
    if case.line:
        element.set("line", str(case.line))
    line = _writable(f"{case.place}: {case.severity} {case.check}: {case.message}")
    if case.outcome == "passed":
        ET.SubElement(element, "system-out").text = line
    else:
        inner = ET.SubElement(element, case.outcome, message=_writable(case.message))
        if case.outcome == "failure":
            inner.set("type", case.severity)
            inner.text = line


def _writable(text: str) -> str:
    return _UNWRITABLE.sub(lambda match: match.group().encode("unicode_escape").decode(), text)
