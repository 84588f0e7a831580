"""`bitext check`: the linter of translations."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bitext._cli import (
    FILE_FORMATS,
    Commands,
    add_color,
    add_command,
    add_output,
    add_pair,
    put,
    put_file,
    reports_of,
    terminal,
)
from bitext.data import SEVERITIES

if TYPE_CHECKING:
    from bitext.report import Report


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "check",
        _check,
        "Flag wrong terms, names and numbers, omissions and additions.",
        formats=("text", "json", "sarif", "github", "html", *FILE_FORMATS),
    )
    add_pair(command, targets="+")
    add_output(command)
    add_color(command)
    command.add_argument("--termbase", metavar="FILE", help="the project's terms: TSV, CSV, JSONL, TBX")
    command.add_argument(
        "--reference", metavar="REF", help="a translation taken as right: adds BLEU, chrF and TER"
    )
    command.add_argument(
        "--fail-on",
        choices=(*SEVERITIES, "never"),
        default="major",
        metavar="SEVERITY",
        help="exit with 1 on a finding of this severity or worse: neutral, minor, major (default), critical, never",
    )


def _check(args: argparse.Namespace) -> int:
    from bitext import report as reporting

    reports = reports_of(args, checks=None)
    if args.format in FILE_FORMATS:
        put_file(reports, args.format, args.output)
        return _exit_code(reports, args.fail_on)
    if args.format == "text":
        color, width = terminal(args.color, args.output)
        text = reporting.to_text(reports, color=color, width=width)
    elif args.format in ("json", "sarif"):
        data = reporting.to_json(reports) if args.format == "json" else reporting.to_sarif(reports)
        text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    else:
        text = {"github": reporting.to_github, "html": reporting.to_html}[args.format](reports)
    put(text, args.output)
    return _exit_code(reports, args.fail_on)


def _exit_code(reports: Sequence[Report], fail_on: str) -> int:
    if fail_on == "never":
        return 0
    failing = SEVERITIES[SEVERITIES.index(fail_on) :]
    return int(any(issue.severity in failing for report in reports for issue in report.issues))
