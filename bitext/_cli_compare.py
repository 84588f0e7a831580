"""`bitext compare`: translations of one source, side by side."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from bitext._cli import (
    Commands,
    add_color,
    add_command,
    add_config,
    add_configurable,
    add_output,
    checker_of,
    configured,
    put,
    terminal,
)

if TYPE_CHECKING:
    from bitext.comparison import Comparison
    from bitext.config import Config


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "compare",
        _compare,
        "Compare translations of one source: which is better, and where they differ.",
        formats=("text", "json", "html", "csv"),
    )
    command.add_argument("source", metavar="SOURCE", help="the original; - is standard input")
    command.add_argument("targets", metavar="TARGET", nargs="+", help="its translation")
    add_output(command)
    add_color(command)
    command.add_argument(
        "--termbase",
        metavar="FILE",
        action="append",
        help="the project's terms: TSV, CSV, JSONL, TBX, XLSX; repeatable",
    )
    command.add_argument(
        "--top", type=int, default=10, metavar="N", help="rows and terms to show as text; default: 10"
    )
    add_config(command)
    add_configurable(command)


def _compare(args: argparse.Namespace) -> int:
    from bitext import _comparison_views as views
    from bitext.comparison import require_several
    from bitext.errors import BitextError

    if args.top < 0:
        raise BitextError(f"--top {args.top}; expected 0 or more.")
    require_several(args.targets)
    comparison = _comparison(args, configured(args, termbases=args.termbase))
    if args.format == "text":
        color, _ = terminal(args.color, args.output)
        put(views.text(comparison, color=color, shown=args.top), args.output)
    else:
        write = {"json": views.to_json, "html": views.page, "csv": views.table}[args.format]
        put(write(comparison), args.output)
    return 0


def _comparison(args: argparse.Namespace, config: Config) -> Comparison:
    """Compare; what the project has settled is settled here too."""
    from bitext import _lint
    from bitext.baseline import Baseline
    from bitext.comparison import compare_reports

    plan = _lint.plan_between(args.source, args.targets, config)
    checker = checker_of(args, plan, config)
    comparison = compare_reports([checker.alone(task) for task in plan.tasks], termbase=checker.termbase)
    reports, _ = _lint.triage(comparison.reports, plan, config)
    if path := config.known_findings():
        reports, _ = Baseline.read(path).apply(reports)
    return replace(comparison, reports=tuple(reports))
