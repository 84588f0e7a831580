"""`bitext compare`: translations of one source, side by side."""

from __future__ import annotations

import argparse

from bitext._cli import (
    Commands,
    add_color,
    add_command,
    add_output,
    add_pair,
    add_reference,
    put,
    reports_of,
    terminal,
)


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "compare",
        _compare,
        "Compare translations of one source: which is better, and where they differ.",
        formats=("text", "json", "html", "csv"),
    )
    add_pair(command, targets="+")
    add_output(command)
    add_color(command)
    command.add_argument("--termbase", metavar="FILE", help="the project's terms: TSV, CSV, JSONL, TBX")
    add_reference(command)
    command.add_argument(
        "--top", type=int, default=10, metavar="N", help="rows and terms to show as text; default: 10"
    )


def _compare(args: argparse.Namespace) -> int:
    from bitext import _comparison_views as views
    from bitext.comparison import compare_reports, require_several
    from bitext.errors import BitextError
    from bitext.terminology import Termbase

    if args.top < 0:
        raise BitextError(f"--top {args.top}; expected 0 or more.")
    require_several(args.targets)
    termbase = Termbase.read(args.termbase) if args.termbase else None
    comparison = compare_reports(reports_of(args, checks=None, termbase=termbase), termbase=termbase)
    if args.format == "text":
        color, _ = terminal(args.color, args.output)
        put(views.text(comparison, color=color, shown=args.top), args.output)
    else:
        write = {"json": views.to_json, "html": views.page, "csv": views.table}[args.format]
        put(write(comparison), args.output)
    return 0
