"""What the commands of the command line share: options, reading, output.  Not for use from Python."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bitext.data import Document
    from bitext.report import Report

Commands = Any  # argparse keeps the type of add_subparsers() private


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    help: str,
    *,
    formats: Sequence[str] = (),
) -> Any:
    """Add a command; the first of `formats` is the default."""
    added = commands.add_parser(name, help=help, description=help)
    added.set_defaults(run=run)
    if formats:
        added.add_argument("--format", choices=formats, default=formats[0], help="default: %(default)s")
    return added


def add_pair(command: Any, *, targets: int | str) -> None:
    """Add SOURCE, TARGET and how to read and align them."""
    command.add_argument("source", metavar="SOURCE", help="the original; - is standard input")
    command.add_argument("targets", metavar="TARGET", nargs=targets, help="its translation")
    add_reading(command)
    add_encoder(command)
    command.add_argument(
        "--order", choices=("monotone", "free", "auto"), default="auto", help="default: auto"
    )


def add_reading(command: Any) -> None:
    """Add languages, encoding and segmentation of the files."""
    command.add_argument("--source-lang", default="zh", metavar="LANG", help="zh or en; default: zh")
    command.add_argument("--target-lang", default="en", metavar="LANG", help="zh or en; default: en")
    command.add_argument("--encoding", help="of the files; default: detected")
    command.add_argument("--pre-segmented", action="store_true", help="the files hold one segment a line")


def add_encoder(command: Any) -> None:
    """Add the encoder and where it runs."""
    command.add_argument("--embedder", default="zh-en", metavar="NAME", help="packaged model, folder or name")
    command.add_argument("--device", help="cpu, cuda, cuda:1; default: cuda where there is one")


def add_output(command: Any) -> None:
    """Add -o."""
    command.add_argument("-o", "--output", metavar="FILE", help="write here instead of to standard output")


def read_document(args: argparse.Namespace, path: str, lang: str, side: str) -> Document:
    """Read a file that must be in `lang`."""
    from bitext import pipeline

    document = pipeline.read(
        path,
        encoding=args.encoding,
        pre_segmented=args.pre_segmented,
        side="source" if side == "source" else "target",
    )
    return pipeline.require_language(document, lang, side)


def reports_of(args: argparse.Namespace, *, checks: tuple[Any, ...] | None) -> list[Report]:
    """Align, score and check every target against the source, which is read and embedded once."""
    from bitext import pipeline
    from bitext.terminology import Termbase

    termbase = Termbase.read(args.termbase) if getattr(args, "termbase", None) else None
    source = read_document(args, args.source, args.source_lang, "source")
    targets = [read_document(args, path, args.target_lang, "target") for path in args.targets]
    reference = read_document(args, args.reference, args.target_lang, "reference") if args.reference else None
    embedder = pipeline.remembering(args.embedder, device=args.device)
    reports = []
    for target in targets:
        alignment = pipeline.align(source, target, embedder=embedder, order=args.order, device=args.device)
        reports.append(
            pipeline.check(
                alignment, termbase=termbase, checks=checks, reference=reference, embedder=embedder
            )
        )
    return reports


def put(text: str, path: str | None) -> None:
    """Write to `path`, or to standard output."""
    if path is None:
        sys.stdout.write(text)
    else:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
        log(f"written to {path}")


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def log(message: str) -> None:
    """Tell the user something that is no output."""
    print(f"bitext: {message}", file=sys.stderr)
