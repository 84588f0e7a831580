"""`bitext check`: the linter of translations."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys

from bitext._cli import Commands, add_command, add_output, add_pair, put, reports_of
from bitext.data import SEVERITIES


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "check",
        _check,
        "Flag wrong terms, names and numbers, omissions and additions.",
        formats=("text", "json", "sarif", "github", "html"),
    )
    add_pair(command, targets="+")
    add_output(command)
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
    if args.format == "text":
        color = args.output is None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        width = shutil.get_terminal_size().columns if args.output is None and sys.stdout.isatty() else None
        text = reporting.to_text(reports, color=color, width=width)
    elif args.format in ("json", "sarif"):
        data = reporting.to_json(reports) if args.format == "json" else reporting.to_sarif(reports)
        text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    else:
        text = {"github": reporting.to_github, "html": reporting.to_html}[args.format](reports)
    put(text, args.output)
    if args.fail_on == "never":
        return 0
    failing = SEVERITIES[SEVERITIES.index(args.fail_on) :]
    return int(any(issue.severity in failing for report in reports for issue in report.issues))
