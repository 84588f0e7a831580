"""The command line: thin over `pipeline` and `engine`, and the only place that prints or exits.

Data and findings go to standard output, everything else to standard error.  Exit codes: 0 clean, 1 findings at
or above ``--fail-on`` (only `check`), 2 could not run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import bitext
from bitext import _cli_check, _cli_compare, _cli_mine, _cli_review
from bitext._cli import (
    Commands,
    add_command,
    add_encoder,
    add_fluency,
    add_output,
    add_pair,
    add_reading,
    add_reference,
    log,
    print_json,
    read_document,
    reports_of,
)
from bitext._progress import progress
from bitext.errors import BitextError

if TYPE_CHECKING:
    from bitext.data import Document
    from bitext.report import Report


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        By default the arguments of the process.

    Returns
    -------
    int
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        with progress() if sys.stderr.isatty() else nullcontext():
            return int(args.run(args))
    except BitextError as error:
        return _fail(str(error))
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(f"{error.filename or 'input or output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 130


def _fail(message: str) -> int:
    print(f"bitext: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    """argparse with our one-line errors."""

    def error(self, message: str) -> NoReturn:
        print(f"bitext: error: {message}. See {self.prog} --help.", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bitext",
        description="Align Chinese originals with their English translations, score them, flag what is wrong.",
    )
    parser.add_argument("--version", action="version", version=f"bitext {bitext.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Parser)
    _add_segment(commands)
    _add_align(commands)
    _add_score(commands)
    _cli_check.add(commands)
    _cli_compare.add(commands)
    _cli_mine.add(commands)
    _cli_review.add(commands)
    _add_terms(commands)
    _add_batch(commands)
    _add_convert(commands)
    _add_eval(commands)
    _add_models(commands)
    return parser


def _add_segment(commands: Commands) -> None:
    command = add_command(
        commands, "segment", _segment, "Cut a text into sentence-like segments.", formats=("text", "jsonl")
    )
    command.add_argument("file", metavar="FILE", help="- is standard input")
    command.add_argument("--lang", choices=("zh", "en"), help="default: detected")
    command.add_argument("--encoding", help="default: detected")
    command.add_argument(
        "--quotes", choices=("fine", "keep"), default="fine", help="split inside quotations or not"
    )
    command.add_argument(
        "--newline", choices=("hard", "soft", "auto"), default="auto", help="what a line end means"
    )
    command.add_argument("--max-chars", type=int, metavar="N", help="divide longer segments at weaker marks")


def _segment(args: argparse.Namespace) -> int:
    from bitext import formats, segmentation

    extracted = formats.read_text(args.file, encoding=args.encoding)
    document = segmentation.segment(
        extracted.text,
        lang=args.lang,
        quotes=args.quotes,
        newline=args.newline,
        max_chars=args.max_chars,
        path=extracted.path,
    )
    for (start, end), text in zip(document.spans.tolist(), document, strict=True):
        if args.format == "jsonl":
            row = {"start": start, "end": end, "text": document.text[start:end]}
            print(json.dumps(row, ensure_ascii=False))
        else:
            print(" ".join(text.split()))
    return 0


def _add_align(commands: Commands) -> None:
    command = add_command(
        commands,
        "align",
        _align,
        "Align a source with its translation.",
        formats=("beads", "tsv", "jsonl", "tmx"),
    )
    add_pair(command, targets=1)
    add_output(command)


def _align(args: argparse.Namespace) -> int:
    from bitext import formats, pipeline

    source, target = _read_pair(args)
    alignment = pipeline.align(source, target, embedder=args.embedder, order=args.order, device=args.device)
    writers: dict[str, Callable[..., None]] = {
        "beads": formats.write_beads,
        "tsv": formats.write_tsv,
        "jsonl": formats.write_jsonl,
        "tmx": formats.write_tmx,
    }
    writers[args.format](alignment, args.output or sys.stdout)
    aligned = sum(not bead.is_null for bead in alignment)
    n_omissions = sum(bead.is_omission for bead in alignment)
    n_additions = sum(bead.is_addition for bead in alignment)
    log(f"{aligned} beads aligned, {n_omissions} omissions, {n_additions} additions, {alignment.order} order")
    return 0


def _read_pair(args: argparse.Namespace) -> tuple[Document, Document]:
    from bitext import pipeline

    paths = (args.source, args.targets[0])
    source, target = (
        pipeline.read(path, encoding=args.encoding, pre_segmented=args.pre_segmented) for path in paths
    )
    if args.pre_segmented:  # prepared data come in both directions; align() still refuses two of one language
        return source, target
    return (
        pipeline.require_language(source, args.source_lang, "source"),
        pipeline.require_language(target, args.target_lang, "target"),
    )


def _add_score(commands: Commands) -> None:
    command = add_command(
        commands,
        "score",
        _score,
        "Score translations: fidelity and drift.",
        formats=("text", "json", "csv", "tsv", "jsonl"),
    )
    command.add_argument("source", metavar="SOURCE", nargs="?", help="the original; - is standard input")
    command.add_argument("targets", metavar="TARGET", nargs="*", help="translations of it")
    add_reading(command)
    add_encoder(command)
    add_fluency(command)
    command.add_argument(
        "--order", choices=("monotone", "free", "auto"), default="auto", help="default: auto"
    )
    add_reference(command)
    command.add_argument("--beads", action="store_true", help="with --format csv: a row a bead, not a file")
    command.add_argument(
        "--pairs", metavar="FILE", help="score source⇥target lines instead; - is standard input"
    )


def _score(args: argparse.Namespace) -> int:
    if args.pairs:
        if args.source or args.reference or args.beads or args.pre_segmented:
            raise BitextError(
                "--pairs FILE is all that is scored; leave out SOURCE, TARGET, --reference, --beads, --pre-segmented."
            )
        if args.format in ("json", "csv"):
            raise BitextError(
                f"--format {args.format} goes with documents; --pairs are scored as tsv or jsonl."
            )
        return _score_pairs(args)
    if not args.source or not args.targets:
        raise BitextError("score needs a SOURCE and at least one TARGET, or --pairs FILE.")
    if args.format in ("tsv", "jsonl"):
        raise BitextError(
            f"--format {args.format} goes with --pairs; documents are scored as text, json or csv."
        )
    if args.beads and args.format != "csv":
        raise BitextError(f"--beads goes with --format csv, not {args.format}; json has the beads anyway.")
    reports = reports_of(args)
    if args.format == "json":
        from bitext.report import to_json

        data = to_json(reports)
        del data["remarks"]
        for target in data["targets"]:
            del target["issues"], target["suppressed"]
        print_json(data)
    elif args.format == "csv" and args.beads:
        _print_beads(reports)
    else:
        _print_scores(reports, comma=args.format == "csv")
    return 0


def _print_beads(reports: Sequence[Report]) -> None:
    import csv

    names = ("bead", "kind", "source", "target", "fidelity", "profile", "score")
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["file", *names, "signature"])
    for report in reports:
        for row in report.rows():
            cells = [row[name] for name in names]
            table.writerow([report.alignment.target.path, *cells, report.scores.signature])


def _print_scores(reports: Sequence[Report], *, comma: bool) -> None:
    names = ("omitted", "added", "reordered", "shifted")
    if comma:
        import csv

        table = csv.writer(sys.stdout, lineterminator="\n")
        references = [name for name, _, _ in reports[0].scores.reference]
        bounds = ("fidelity_low", "fidelity_high")
        table.writerow(["target", "fidelity", *names, *references, *bounds, "signature"])
        for report in reports:
            values = [report.scores.fidelity, *(getattr(report.scores.drift, n) for n in names)]
            values += [value for _, value, _ in report.scores.reference]
            cells = [f"{v:.4f}" for v in values]
            cells += [f"{v:.4f}" for v in report.scores.interval or ()] or ["", ""]
            table.writerow([report.alignment.target.path, *cells, report.scores.signature])
        return
    for report in reports:
        drift = ", ".join(f"{getattr(report.scores.drift, n):.1%} {n}" for n in names)
        low_high = (
            "" if report.scores.interval is None else " ({:.3f}–{:.3f})".format(*report.scores.interval)
        )
        print(
            f"{report.alignment.target.path}: fidelity {report.scores.fidelity:.3f}{low_high}; drift: {drift}"
        )
        for name, value, signature in report.scores.reference:
            print(f"  {name} {value:.1f}  {signature}")
    for signature in dict.fromkeys(report.scores.signature for report in reports):
        print(signature)


def _score_pairs(args: argparse.Namespace) -> int:
    from bitext import formats, pipeline
    from bitext._termmatch import HAN

    pairs = []
    with formats.text.open_text(args.pairs, encoding=args.encoding) as stream:
        for number, line in enumerate(stream, start=1):
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) != 2:
                raise BitextError(
                    f"{args.pairs}:{number}: {len(cells)} columns; expected two, source and target, a tab between them."
                )
            pairs.append((cells[0], cells[1]))
    chinese = 0 if args.source_lang.startswith("zh") else 1
    n_swapped = sum(not HAN.search(pair[chinese]) and bool(HAN.search(pair[1 - chinese])) for pair in pairs)
    if n_swapped > len(pairs) / 2:
        log(
            f"{n_swapped} of {len(pairs)} pairs have Chinese in the other column; see --source-lang and --target-lang"
        )
    options = {
        "source_lang": args.source_lang,
        "target_lang": args.target_lang,
        "device": args.device,
        "fluency": args.fluency,
    }
    fidelity = pipeline.score_pairs(pairs, embedder=args.embedder, **options)
    for value in fidelity.tolist():
        print(json.dumps({"fidelity": round(value, 4)}) if args.format == "jsonl" else f"{value:.4f}")
    log(pipeline.pairs_signature(args.embedder, **options))  # not a line of the answer: those are numbers
    return 0


def _add_terms(commands: Commands) -> None:
    command = add_command(commands, "terms", _terms, "List the terms of a text with their renderings.")
    add_pair(command, targets="+")
    command.add_argument(
        "-o", "--output", metavar="FILE", help="also write them as a termbase to correct and reuse"
    )
    command.add_argument("--termbase", metavar="FILE", help="the project's terms")
    command.add_argument(
        "--min-count", type=int, default=2, metavar="N", help="leave out rarer terms; default: 2"
    )


def _terms(args: argparse.Namespace) -> int:
    from bitext import pipeline
    from bitext.terminology import Termbase, extract_terms, termbase_of

    termbase = Termbase.read(args.termbase).merge(Termbase.default()) if args.termbase else Termbase.default()
    embedder = pipeline.remembering(args.embedder, device=args.device)
    source = read_document(args, args.source, args.source_lang, "source")
    translations = []
    for path in args.targets:
        target = read_document(args, path, args.target_lang, "target")
        alignment = pipeline.align(source, target, embedder=embedder, order=args.order, device=args.device)
        translations.append(
            [(alignment.source_text(b), alignment.target_text(b)) for b in alignment if b.source]
        )
    candidates = extract_terms(translations, termbase=termbase, min_count=args.min_count)
    print("\t".join(["term", "count", "known as", *args.targets]))
    for candidate in candidates:
        known = candidate.concept.target_terms[0].text if candidate.concept else ""
        renderings = ("; ".join(f"{text} ×{n}" for text, n in side) for side in candidate.renderings)
        print("\t".join([candidate.text, str(candidate.count), known, *renderings]))
    if args.output:
        termbase_of(candidates).write(args.output)
        log(f"{len(candidates)} terms written to {args.output}")
    return 0


def _add_batch(commands: Commands) -> None:
    command = add_command(commands, "batch", _batch, "Score and check many pairs from a manifest.")
    command.add_argument(
        "manifest",
        metavar="MANIFEST",
        help="JSONL with id, and source and target (text) or source_path and target_path; - is standard input",
    )
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="JSONL, a row for each pair")
    command.add_argument("--engine", choices=("local",), default="local", help="where the work is done")
    command.add_argument("--jobs", type=int, default=1, metavar="N", help="worker processes; default: 1")
    command.add_argument("--resume", action="store_true", help="go on with OUT and skip what is done")
    command.add_argument("--source-lang", default="zh", metavar="LANG", help="zh or en; default: zh")
    command.add_argument("--target-lang", default="en", metavar="LANG", help="zh or en; default: en")
    command.add_argument(
        "--order", choices=("monotone", "free", "auto"), default="auto", help="default: auto"
    )
    command.add_argument("--termbase", metavar="FILE", help="the project's terms")
    add_encoder(command)
    add_fluency(command)


def _batch(args: argparse.Namespace) -> int:
    from bitext import engine, formats

    if args.jobs < 1:
        raise BitextError(f"--jobs {args.jobs}; expected at least 1.")
    settings = engine.Settings(
        args.embedder,
        args.device,
        args.order,
        args.source_lang,
        args.target_lang,
        args.termbase,
        args.fluency,
    )
    base = Path(".") if args.manifest == "-" else Path(args.manifest).parent
    with formats.text.open_text(args.manifest) as manifest:
        summary = engine.batch(
            manifest, out=args.output, settings=settings, jobs=args.jobs, resume=args.resume, base=base
        )
    dropped = f"; {summary.n_dropped} rows of earlier runs dropped" if summary.n_dropped else ""
    print(
        f"{args.output}: {summary.n_done} done, {summary.n_failed} failed, {summary.n_skipped} skipped (done before)"
        + dropped
    )
    return 2 if summary.n_failed and not summary.n_done and not summary.n_skipped else 0


def _add_convert(commands: Commands) -> None:
    command = add_command(commands, "convert", _convert, "Convert aligned text between its exchange formats.")
    command.add_argument("input", metavar="INPUT", help="TMX, XLIFF, PO, TSV, CSV, JSONL, XLSX or Parquet")
    command.add_argument(
        "output", metavar="OUTPUT", help="TMX, XLIFF, TSV, JSONL or Parquet, told by its suffix"
    )
    command.add_argument("--encoding", help="of INPUT; default: detected")
    command.add_argument(
        "--source-lang", default="zh", metavar="LANG", help="where INPUT does not say; default: zh"
    )
    command.add_argument(
        "--target-lang", default="en", metavar="LANG", help="where INPUT does not say; default: en"
    )


def _convert(args: argparse.Namespace) -> int:
    from bitext import formats

    pairs = formats.read_pairs(args.input, encoding=args.encoding)
    formats.write_pairs(pairs, args.output, source_lang=args.source_lang, target_lang=args.target_lang)
    for skipped in pairs.skipped:
        log(f"{args.input}:{skipped.line}: {skipped.reason}")
    if pairs.n_skipped:
        log(f"{pairs.n_skipped} rows of {args.input} were not converted")
    return 0


def _add_eval(commands: Commands) -> None:
    command = add_command(
        commands, "eval", _eval, "Measure a stage on data with gold; prints one JSON object."
    )
    command.add_argument("stage", choices=("alignment", "quality", "segmentation"))
    command.add_argument(
        "data",
        metavar="DATA",
        help="alignment: a folder with src, tgt and gold; quality: JSONL of judged translations; "
        "segmentation: JSONL of documents",
    )
    command.add_argument(
        "--gold", metavar="FIELD", help="quality: field of the human score; default: gold or mqm"
    )
    command.add_argument(
        "--score", metavar="FIELD", help="quality: field of the score to judge; default: score, or ask bitext"
    )
    add_encoder(command)
    add_fluency(command)


def _eval(args: argparse.Namespace) -> int:
    from bitext import evaluation

    if args.stage == "segmentation":
        print_json(evaluation.segmentation_figures(args.data))
    elif args.stage == "quality":
        options = {"gold": args.gold, "score": args.score, "embedder": args.embedder, "device": args.device}
        print_json(evaluation.quality_figures(args.data, fluency=args.fluency, **options))
    else:
        print_json(evaluation.alignment_figures(args.data, embedder=args.embedder, device=args.device))
    return 0


def _add_models(commands: Commands) -> None:
    add_command(commands, "models", _models, "List the encoders at hand.", formats=("text", "json"))


def _models(args: argparse.Namespace) -> int:
    from bitext.embedding import packaged_models

    models = packaged_models()
    if args.format == "json":
        rows = [
            {
                "name": m.name,
                "dim": m.dim,
                "digest": m.digest,
                "size": m.size,
                "license": m.license,
                "path": str(m.path),
            }
            for m in models
        ]
        print_json(rows)
        return 0
    for m in models:
        print(f"{m.name}\t{m.digest[:12]}\t{m.size / 2**20:.1f} MiB\t{m.license}\t{m.dim} dimensions")
    return 0
