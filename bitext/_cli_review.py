"""`bitext review`: a page on this machine on which an editor decides on each finding."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bitext._cli import Commands, add_command, add_config, add_configurable, checker_of, configured, log

if TYPE_CHECKING:
    from bitext.config import Config
    from bitext.report import Report
    from bitext.review import Review


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands, "review", _review, "Decide on each finding in the browser; nothing leaves this machine."
    )
    command.add_argument("source", metavar="SOURCE", help="the original; - is standard input")
    command.add_argument("targets", metavar="TARGET", nargs="+", help="its translation")
    command.add_argument(
        "--termbase", metavar="FILE", help="the project's terms; those that are confirmed are added"
    )
    command.add_argument(
        "--baseline",
        metavar="FILE",
        help="where false alarms go, so that check says them no more; default: bitext-baseline.json",
    )
    command.add_argument("-o", "--output", metavar="FILE", help="also keep every decision here, as JSONL")
    command.add_argument("--port", type=int, default=0, metavar="N", help="default: a free one")
    command.add_argument("--no-browser", action="store_true", help="only print the address")
    add_config(command)
    add_configurable(command)


def _review(args: argparse.Namespace) -> int:
    from bitext._review_server import serving
    from bitext.config import DEFAULT_BASELINE
    from bitext.review import Review

    config = _config(args)
    baseline = Path(args.baseline) if args.baseline else config.baseline or config.root / DEFAULT_BASELINE
    termbase = args.termbase or next(iter(config.termbases), None)
    review = Review(_reports(args, config), baseline=baseline, termbase=termbase, decisions=args.output)
    try:
        with serving(review, port=args.port) as address:
            log(f"review at {address}")
            log("Ctrl-C ends it")
            if not args.no_browser:
                import webbrowser

                webbrowser.open(address)
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        _print_decisions(review, baseline)
    return 0


def _config(args: argparse.Namespace) -> Config:
    """Return the configuration of the project with the options that were given."""
    config = configured(args)
    if args.termbase:
        there = Path(args.termbase).exists()  # it may be this review that makes it
        config = replace(config, termbases=(Path(args.termbase),) if there else ())
    return config


def _reports(args: argparse.Namespace, config: Config) -> list[Report]:
    """Check as `bitext check` does, the severities of the project and the comments in the files included."""
    from bitext import _lint

    plan = _lint.plan_between(args.source, args.targets, config)
    checker = checker_of(args, plan, config)
    reports, _ = _lint.triage([checker(task) for task in plan.tasks], plan, config)
    return reports


def _print_decisions(review: Review, baseline: Path) -> None:
    decided = review.decided()
    for place, issue, decision in decided:
        wanted = decision.suggestion or issue.suggestion
        written = f" → {wanted}" if wanted and decision.choice == "accepted" else ""
        reason = f" ({decision.reason})" if decision.reason else ""
        print(f"{place}: {decision.choice} {issue.check}: {' '.join(issue.message.split())}{written}{reason}")
    counts = Counter(decision.choice for _, _, decision in decided)
    n_issues = sum(len(report.issues) for report in review.reports)
    n_terms = sum(decision.term for _, _, decision in decided)
    print(
        f"{len(decided)} of {n_issues} findings decided: {counts['accepted']} accepted, "
        f"{counts['rejected']} rejected, {n_terms} terms confirmed"
    )
    if counts["rejected"]:
        log(f"rejected findings are in {baseline}; bitext check --baseline {baseline} leaves them out")
