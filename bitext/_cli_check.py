"""`bitext check`: the linter of translations.

Two ways in: ``bitext check SOURCE TARGET…``, and ``bitext check [FILE…]`` for the pairs that the configuration of
the project names.  `_lint` does the work; here are the options, and what goes where.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bitext._cli import (
    FILE_FORMATS,
    Commands,
    add_color,
    add_command,
    add_config,
    add_configurable,
    add_output,
    checker_of,
    configured,
    log,
    put,
    put_file,
    terminal,
)
from bitext.data import SEVERITIES
from bitext.errors import BitextError

if TYPE_CHECKING:
    from bitext._lint import Plan
    from bitext.config import Config
    from bitext.data import Issue
    from bitext.report import Remark, Report

_REMARKS = {
    "missing-file": "A configured source has no translation, or a translation no source.",
    "unused-suppression": "A comment suppresses nothing; what it was for is gone.",
    "invalid-suppression": "A comment names no check that there is, or lacks the reason that the project asks for.",
}


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "check",
        _check,
        "Flag wrong terms, names and numbers, omissions and additions.",
        formats=("text", "json", "sarif", "github", "junit", "html", *FILE_FORMATS),
    )
    command.usage = (
        "bitext check [options] SOURCE TARGET [TARGET ...]\n       bitext check [options] [FILE ...]"
    )
    command.epilog = (
        "Without SOURCE and TARGET the pairs are those of bitext.toml or [tool.bitext] in pyproject.toml, found "
        "upwards from here; FILEs limit them to the pairs they are part of. See docs/workflow.md."
    )
    command.add_argument("files", metavar="FILE", nargs="*", help="- is standard input")
    add_output(command)
    add_color(command)
    add_configurable(command)
    _add_findings(command)
    _add_project(command)
    about = command.add_argument_group("about the checks")
    about.add_argument("--list-checks", action="store_true", help="name them and say what they find")
    about.add_argument("--explain", metavar="CHECK", help="say what a check means and how to silence it")


def _add_findings(command: Any) -> None:
    findings = command.add_argument_group("what is shown")
    findings.add_argument(
        "--termbase",
        metavar="FILE",
        action="append",
        help="the project's terms: TSV, CSV, JSONL, TBX, XLSX; repeatable",
    )
    findings.add_argument(
        "--min-confidence", type=_share, metavar="P", help="leave out what is less sure; 0 to 1"
    )
    findings.add_argument(
        "--fail-on",
        choices=(*SEVERITIES, "never"),
        metavar="SEVERITY",
        help="exit with 1 on a finding of this severity or worse: neutral, minor, major (default), critical, never",
    )
    known = findings.add_mutually_exclusive_group()
    known.add_argument("--baseline", metavar="FILE", help="leave out the findings accepted in FILE")
    known.add_argument("--no-baseline", action="store_true", help="show them too")
    findings.add_argument(
        "--write-baseline", action="store_true", help="accept all findings: write them to the baseline"
    )
    findings.add_argument("--diff-base", metavar="REV", help="only what was touched since a git revision")


def _add_project(command: Any) -> None:
    project = command.add_argument_group("project")
    add_config(project)
    project.add_argument(
        "--changed",
        action="store_true",
        help="FILEs are any files: check the configured pairs they are part of, pass over the others (pre-commit)",
    )
    project.add_argument("--no-cache", action="store_true", help="make every report anew")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return value


def _check(args: argparse.Namespace) -> int:
    if args.list_checks or args.explain:
        return _about(args.explain)
    from bitext import _lint

    config = _config(args)
    plan, is_project = _plan(args, config)
    touched = None
    if args.diff_base:
        if args.write_baseline:
            raise BitextError("--write-baseline takes every finding; expected it without --diff-base.")
        touched = _lint.touched(plan, args.diff_base)
        plan = plan.only(lambda task: bool(touched[task.source]) or bool(touched[task.target]))
    reports, n_failed = _reports(args, config, plan, is_project=is_project)
    reports, remarks = _lint.triage(reports, plan, config)
    path = _baseline_path(args, config)
    is_whole = plan.is_whole and not n_failed
    if args.write_baseline:
        from bitext.config import DEFAULT_BASELINE

        _write_baseline(path or config.root / DEFAULT_BASELINE, reports, is_whole=is_whole)
        return 2 if n_failed else 0
    if path is not None:
        reports = _without_known(path, reports, is_whole=is_whole)
    if touched is not None:
        reports, remarks = _lint.since(reports, remarks, touched)
    _put(args, config, reports, remarks, is_project=is_project, baseline=path is not None)
    return 2 if n_failed else _exit_code([*remarks, *(i for r in reports for i in r.issues)], config.fail_on)


# ---- what to check -----------------------------------------------------------------------------------------


def _config(args: argparse.Namespace) -> Config:
    """Return the configuration of the project with the options that were given."""
    config = configured(args, checks=_slugs(), termbases=args.termbase)
    return replace(config, cache=None) if args.no_cache else config


def _plan(args: argparse.Namespace, config: Config) -> tuple[Plan, bool]:
    """Return what to check, and whether it is pairs of the configuration."""
    from bitext import _lint
    from bitext.config import shown

    files: list[str] = args.files
    whole = _lint.plan_of(config)
    if not files or args.changed:
        _require_pairs(config)
    elif not _lint.holds(whole, files):
        if len(files) > 1:
            return _lint.plan_between(files[0], files[1:], config), False
        fact = "check got one file"
        if files != ["-"] and not Path(files[0]).exists():
            fact = f"{files[0]}: no such file"
        elif config.pairs and config.path:
            fact = f"{files[0]} is in no pair of {shown(config.path)}"
        raise BitextError(f"{fact}; expected SOURCE and at least one TARGET.")
    if args.reference:
        raise BitextError("--reference goes with SOURCE and TARGET, not with the pairs of a configuration.")
    if "-" in files:
        raise BitextError(
            "standard input is no file of a configured pair; expected SOURCE and TARGET with -."
        )
    if files or args.changed:
        whole = _lint.concerned(whole, files, config)
        if not whole.tasks and not whole.missing:
            log("no configured pair holds any of these files")
    return whole, True


def _require_pairs(config: Config) -> None:
    """Refuse a configuration without pairs of files; a misspelled pattern must not switch the linter off."""
    from bitext import _lint
    from bitext.config import shown

    where = shown(config.path) if config.path else "no configuration from here upwards"
    if not config.pairs:
        fact = f"no [[pairs]] in {where}" if config.path else where
        raise BitextError(f"check has {fact}; expected SOURCE and TARGET, or a bitext.toml with pairs.")
    if idle := _lint.idle_patterns(config):
        fact = f"{where}: no file below {config.root.resolve()} matches {', '.join(idle)}"
        if len(idle) == len(config.pairs):
            raise BitextError(f"{fact}; expected sources. Correct [[pairs]].")
        log(fact)


def _reports(
    args: argparse.Namespace, config: Config, plan: Plan, *, is_project: bool
) -> tuple[list[Report], int]:
    """Return the reports, and how many pairs could not be read; of a project the others are checked all the same."""
    from bitext import _lint

    checker = checker_of(args, plan, config)
    reports, n_failed = [], 0
    for number, task in enumerate(plan.tasks, start=1):
        _progress(f"{number}/{len(plan.tasks)} {task.target}" if len(plan.tasks) > 1 else "")
        try:
            reports.append(checker(task))
        except _lint.UNREADABLE as error:
            if not is_project:
                raise
            _progress("")
            log(f"error: {' '.join(str(error).split())}")
            n_failed += 1
    _progress("")
    if checker.complaint:
        log(f"results are not kept: {checker.complaint}")
    return reports, n_failed


def _progress(what: str) -> None:
    """Show what is being done, on a terminal only; nothing clears it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{what}")
        sys.stderr.flush()


# ---- baseline ----------------------------------------------------------------------------------------------


def _baseline_path(args: argparse.Namespace, config: Config) -> Path | None:
    """Return the baseline that is asked for, or else the one that lies beside the configuration."""
    if args.no_baseline:
        return None
    return Path(args.baseline) if args.baseline else config.known_findings()


def _write_baseline(path: Path, reports: Sequence[Report], *, is_whole: bool) -> None:
    from bitext.baseline import Baseline

    old = Baseline.read(path) if path.exists() else Baseline()
    new = old.accept(reports, root=path.parent, keep_others=not is_whole)
    new.write(path)
    before, after = ({(e.target, e.fingerprint) for e in one.entries} for one in (old, new))
    log(f"{path}: {len(new)} accepted, {len(after - before)} of them new; {len(before - after)} removed")


def _without_known(path: Path, reports: Sequence[Report], *, is_whole: bool) -> list[Report]:
    from bitext.baseline import Baseline, target_name

    baseline = Baseline.read(path)
    targets = [target_name(report.alignment.target.path, path.parent) for report in reports]
    open_reports, met = baseline.apply(reports)
    if n := baseline.unmet(met, None if is_whole else targets):
        log(f"{path}: {n} accepted before and no longer found; --write-baseline removes them")
    return open_reports


# ---- what to show ------------------------------------------------------------------------------------------


def _put(
    args: argparse.Namespace,
    config: Config,
    reports: Sequence[Report],
    remarks: Sequence[Remark],
    *,
    is_project: bool,
    baseline: bool,
) -> None:
    from bitext import report as reporting

    if args.format in ("html", *FILE_FORMATS):
        _put_pages(args, reports, is_project=is_project)
        return
    if args.format == "text":
        color, width = terminal(args.color, args.output)
        text = reporting.to_text(reports, remarks=remarks, color=color, width=width)
    elif args.format == "github":
        text = reporting.to_github(reports, remarks=remarks)
    elif args.format == "junit":
        text = reporting.to_junit(reports, remarks=remarks, fail_on=config.fail_on)
    else:
        if args.format == "sarif":
            data = reporting.to_sarif(reports, remarks=remarks, baseline=baseline)
        else:
            as_json = reporting.project_json if is_project else reporting.to_json
            data = as_json(reports, remarks=remarks)
        text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    put(text, args.output)


def _put_pages(args: argparse.Namespace, reports: Sequence[Report], *, is_project: bool) -> None:
    """Write one page or file; of the pairs of a project one each, into a folder, named after the translation."""
    from bitext import report as reporting

    if not is_project:
        if args.format == "html":
            put(reporting.to_html(reports), args.output)
        else:
            put_file(reports, args.format, args.output)
        return
    if args.output is None:
        raise BitextError(f"--format {args.format} of configured pairs is many files; expected -o FOLDER.")
    for report in reports:
        path = Path(report.alignment.target.path or "target")
        inside = Path(*path.parts[1:]) if path.is_absolute() else path
        page = Path(args.output, inside.with_name(f"{inside.name}.{args.format}"))
        page.parent.mkdir(parents=True, exist_ok=True)
        if args.format == "html":
            put(reporting.to_html([report]), str(page))
        else:
            put_file([report], args.format, str(page))


def _exit_code(findings: Sequence[Issue | Remark], fail_on: str) -> int:
    if fail_on == "never":
        return 0
    failing = SEVERITIES[SEVERITIES.index(fail_on) :]
    return int(any(finding.severity in failing for finding in findings))


# ---- about the checks --------------------------------------------------------------------------------------


def _slugs() -> list[str]:
    from bitext.report import issue_checks

    return [*issue_checks(), *_REMARKS]


def _about(check: str | None) -> int:
    """Print what the checks find, or one of them at length."""
    from bitext.report import describe_check

    slugs = _slugs()
    if check is None:
        width = max(map(len, slugs))
        for slug in slugs:
            print(f"{slug:{width}}  {_REMARKS.get(slug) or describe_check(slug)}")
        return 0
    if check not in slugs:
        close = get_close_matches(check, slugs, n=1)
        meant = close[0] if close else f"one of {', '.join(slugs)}"
        raise BitextError(f"{check!r} is no check; expected {meant}.")
    print(f"{check}: {_REMARKS.get(check) or describe_check(check)}\n")
    if check not in _REMARKS:
        print(_SILENCE_HERE.format(check=check))
    print(_SILENCE_EVERYWHERE.format(check=check))
    return 0


_SILENCE_HERE = """\
To settle one finding, put a comment into the source or the translation:

  <!-- bitext-disable-next-line {check} -- why -->     Markdown, HTML
  # bitext-disable-next-line {check} -- why            plain text; // does too

bitext-disable-line does so for its own line, bitext-disable … bitext-enable for all between.
To accept all that there is today: bitext check --write-baseline"""

_SILENCE_EVERYWHERE = """\
To change it everywhere, in bitext.toml (in pyproject.toml: [tool.bitext.checks]):

  [checks]
  {check} = "off"     # or a severity: neutral, minor, major, critical"""
