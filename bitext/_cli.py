"""What the commands of the command line share: options, reading, output.  Not for use from Python."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bitext.errors import BitextError

if TYPE_CHECKING:
    from bitext._lint import Checker, Plan
    from bitext.config import Config
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


def add_fluency(command: Any, **options: Any) -> None:
    """Add whether a language model is asked."""
    command.add_argument(
        "--fluency",
        action="store_true",
        help="ask a language model too how the English reads (extra: fluency); slow",
        **options,
    )


def add_configurable(command: Any) -> None:
    """Add what `add_pair` has besides the files, but without defaults: those are the configuration's."""
    reading = command.add_argument_group("reading and aligning")
    reading.add_argument("--source-lang", metavar="LANG", help="zh or en; default: zh")
    reading.add_argument("--target-lang", metavar="LANG", help="zh or en; default: en")
    reading.add_argument("--encoding", help="of the files; default: detected")
    reading.add_argument("--pre-segmented", action="store_true", help="the files hold one segment a line")
    reading.add_argument("--embedder", metavar="NAME", help="packaged model, folder or name; default: zh-en")
    reading.add_argument("--device", help="cpu, cuda, cuda:1; default: cuda where there is one")
    reading.add_argument("--order", choices=("monotone", "free", "auto"), help="default: auto")
    add_fluency(reading, default=None)
    add_reference(reading)


def add_config(command: Any) -> None:
    """Add where the configuration is, to a group or command."""
    config = command.add_mutually_exclusive_group()
    config.add_argument(
        "--config", metavar="FILE", help="by default the nearest bitext.toml or pyproject.toml"
    )
    config.add_argument("--no-config", action="store_true", help="take no notice of any")


def configured(
    args: argparse.Namespace, *, checks: Sequence[str] = (), termbases: Sequence[str] | None = None
) -> Config:
    """Return the configuration of the project with the options that were given.

    `checks` are the slugs that it may name, by default any; `termbases`, if any, are used instead of its own.
    """
    from bitext.config import Config

    found = None
    if args.config:
        found = Config.read(args.config, checks=checks)
    elif not args.no_config:
        found = Config.find(checks=checks)
    names = (
        "source_lang",
        "target_lang",
        "encoding",
        "embedder",
        "order",
        "fluency",
        "min_confidence",
        "fail_on",
    )
    given = {name: value for name in names if (value := getattr(args, name, None)) is not None}
    if termbases:
        given["termbases"] = tuple(map(Path, termbases))
    return replace(found or Config(), **given)


def add_reference(command: Any) -> None:
    """Add --reference."""
    command.add_argument(
        "--reference", metavar="REF", help="a translation taken as right: adds BLEU, chrF and TER"
    )


def add_output(command: Any) -> None:
    """Add -o."""
    command.add_argument("-o", "--output", metavar="FILE", help="write here instead of to standard output")


def add_color(command: Any) -> None:
    """Add --color."""
    command.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto colors a terminal, unless NO_COLOR is set; default: auto",
    )


def terminal(choice: str, output: str | None) -> tuple[bool, int | None]:
    """Return whether to color what is printed, and how wide the terminal is; None where there is none."""
    is_terminal = output is None and sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else None
    if choice == "auto":
        return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb", width
    return choice == "always", width


FILE_FORMATS = ("docx", "xliff", "xlsx")
"""Formats that are written to a file and hold one translation."""


def put_file(reports: Sequence[Report], format: str, path: str | None) -> None:
    """Write the one report to `path` in one of `FILE_FORMATS`, whatever its suffix."""
    from bitext import _report_files
    from bitext.formats.exchange import write_whole

    if path is None:
        raise BitextError(f"--format {format} needs a file to write to; expected -o FILE.")
    if len(reports) != 1:
        raise BitextError(
            f"--format {format} holds one translation, got {len(reports)}; expected one TARGET. "
            "Check them one by one."
        )
    data: bytes = getattr(_report_files, f"{format}_bytes")(reports[0])
    write_whole(path, data)
    log(f"written to {path}")


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


def checker_of(args: argparse.Namespace, plan: Plan, config: Config) -> Checker:
    """Return what makes the reports of `plan`, with the options of `add_configurable`."""
    from bitext._lint import Checker

    reference = None
    if args.reference:
        reference = read_document(args, args.reference, config.target_lang, "reference")
    return Checker(plan, config, device=args.device, pre_segmented=args.pre_segmented, reference=reference)


def reports_of(args: argparse.Namespace) -> list[Report]:
    """Align and score every target with the source, which is read and embedded once."""
    from bitext import pipeline

    source = read_document(args, args.source, args.source_lang, "source")
    targets = [read_document(args, path, args.target_lang, "target") for path in args.targets]
    reference = read_document(args, args.reference, args.target_lang, "reference") if args.reference else None
    embedder = pipeline.remembering(args.embedder, device=args.device)
    reports = []
    for target in targets:
        alignment = pipeline.align(source, target, embedder=embedder, order=args.order, device=args.device)
        reports.append(
            pipeline.check(
                alignment,
                checks=(),
                reference=reference,
                embedder=embedder,
                device=args.device,
                fluency=args.fluency,
            )
        )
    return reports


def put(text: str, path: str | None) -> None:
    """Write to `path`, or to standard output."""
    if path is None:
        sys.stdout.write(text)
    else:
        from bitext.formats.exchange import write_whole

        write_whole(path, text)
        log(f"written to {path}")


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def log(message: str) -> None:
    """Tell the user something that is no output."""
    print(f"bitext: {message}", file=sys.stderr)
