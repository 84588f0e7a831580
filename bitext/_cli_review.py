"""`bitext review`: a page on this machine on which an editor decides on each finding."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from typing import TYPE_CHECKING

from bitext._cli import Commands, add_command, add_pair, log, reports_of

if TYPE_CHECKING:
    from bitext.review import Review


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands, "review", _review, "Decide on each finding in the browser; nothing leaves this machine."
    )
    add_pair(command, targets="+")
    command.add_argument(
        "--termbase", metavar="FILE", help="the project's terms; those that are confirmed are added"
    )
    command.add_argument(
        "--reference", metavar="REF", help="a translation taken as right: adds BLEU, chrF and TER"
    )
    command.add_argument(
        "--baseline",
        metavar="FILE",
        default="bitext-baseline.json",
        help="where false alarms go, so that check says them no more; default: %(default)s",
    )
    command.add_argument("-o", "--output", metavar="FILE", help="also keep every decision here, as JSONL")
    command.add_argument("--port", type=int, default=0, metavar="N", help="default: a free one")
    command.add_argument("--no-browser", action="store_true", help="only print the address")


def _review(args: argparse.Namespace) -> int:
    from bitext.review import Review, serving

    reports = reports_of(args, checks=None)
    review = Review(reports, baseline=args.baseline, termbase=args.termbase, decisions=args.output)
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
        pass
    _print_decisions(review, args)
    return 0


def _print_decisions(review: Review, args: argparse.Namespace) -> None:
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
        log(f"rejected findings are in {args.baseline}; pass it to bitext check as --baseline")
