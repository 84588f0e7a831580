"""A configuration and the files that were named -> reports and remarks: `bitext check` without options and output.

A `Plan` says which pairs are checked.  A `Checker` makes the report of one, or takes it from the cache.  `triage`
takes out what the configuration switches off and what comments settle, and says which comments had no use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bitext._gitdiff import Touched, touched_since
from bitext._resultcache import ResultCache, digest_of
from bitext.config import OFF, ON, Config, Missing, shown
from bitext.data import SEVERITIES, Alignment, Document, Issue, Severity, Span
from bitext.embedding import packaged_models
from bitext.errors import AlignmentError, BitextError, LanguageError, ReadError
from bitext.report import Remark, Report, issue_checks
from bitext.suppressions import INVALID, UNUSED, Suppression, settle, suppressions_of, unused

if TYPE_CHECKING:
    from bitext.checks import Check
    from bitext.pipeline import RememberingEmbedder
    from bitext.terminology import Termbase

MISSING = "missing-file"
UNREADABLE = (ReadError, LanguageError, AlignmentError)
"""What is wrong with one file, and no reason not to check the others."""
REMARKS = (MISSING, UNUSED, INVALID)
"""Slugs of what is said about files rather than translations."""


@dataclass(frozen=True, slots=True, order=True)
class Task:
    """One source and one translation to check; paths as they are shown."""

    source: str
    target: str
    source_lang: str
    target_lang: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to check.

    Parameters
    ----------
    tasks : tuple of Task
    missing : tuple of Remark
        Files without a counterpart.
    incomplete : frozenset of str
        Files with other translations or sources that are not in `tasks`.
    is_whole : bool
        Whether these are all the pairs of the configuration.
    known : tuple of Task
        All the pairs of the configuration: what the other translations of a source have is evidence.
    """

    tasks: tuple[Task, ...]
    missing: tuple[Remark, ...] = ()
    incomplete: frozenset[str] = frozenset()
    is_whole: bool = False
    known: tuple[Task, ...] = ()

    def beside(self, task: Task) -> tuple[Task, ...]:
        """Return `task` and the other translations of its source into its language."""
        source = task.source, task.source_lang, task.target_lang
        return tuple(
            t for t in dict.fromkeys(self.known) if (t.source, t.source_lang, t.target_lang) == source
        )

    def only(self, wanted: Callable[[Task], bool]) -> Plan:
        """Return the plan with some of its tasks."""
        kept = tuple(task for task in self.tasks if wanted(task))
        left_out = {path for task in self.tasks if task not in kept for path in (task.source, task.target)}
        return replace(self, tasks=kept, incomplete=self.incomplete | left_out, is_whole=False)


def plan_of(config: Config) -> Plan:
    """Return the plan of all pairs of a configuration."""
    pairs, missing = config.file_pairs()
    tasks = [Task(shown(p.source), shown(p.target), p.source_lang, p.target_lang) for p in pairs]
    remarks = [remark for one in missing if (remark := _without_counterpart(one, config)) is not None]
    return Plan(tuple(tasks), tuple(remarks), is_whole=True, known=tuple(tasks))


def idle_patterns(config: Config) -> list[str]:
    """Return the sources, as they are configured, that nothing matches: they may be misspelled."""
    idle = []
    for pairing in config.pairs:
        pairs, missing = replace(config, pairs=(pairing,)).file_pairs()
        if not pairs and all(one.side == "source" for one in missing):
            idle.append(pairing.source)
    return idle


def plan_between(source: str, targets: Sequence[str], config: Config) -> Plan:
    """Return the plan of one source and its translations."""
    tasks = tuple(Task(source, target, config.source_lang, config.target_lang) for target in targets)
    return Plan(tasks, known=tasks)


def holds(plan: Plan, files: Iterable[str]) -> bool:
    """Whether each of `files` is part of a plan, or a folder of parts of it."""
    members = {path for task in plan.tasks for path in (task.source, task.target)}
    members |= {remark.path for remark in plan.missing}
    resolved = {Path(path).resolve() for path in members}
    around = resolved.union(*(path.parents for path in resolved))
    return {Path(file).resolve() for file in files} <= around


def concerned(plan: Plan, files: Iterable[str], config: Config) -> Plan:
    """Return the tasks and remarks that any of `files`, or of the folders in it, is part of.

    That is all of them when the configuration or a termbase is among the files.
    """
    named = {Path(file).resolve() for file in files}
    if named & {path.resolve() for path in (config.path, *config.termbases) if path}:
        return plan

    def is_named(path: str) -> bool:
        return not named.isdisjoint((resolved := Path(path).resolve(), *resolved.parents))

    part = plan.only(lambda task: is_named(task.source) or is_named(task.target))
    return replace(part, missing=tuple(remark for remark in plan.missing if is_named(remark.path)))


def _without_counterpart(missing: Missing, config: Config) -> Remark | None:
    counterpart = shown(missing.counterpart)
    fact = "has no translation" if missing.side == "target" else "is a translation without a source"
    remark = Remark(MISSING, "minor", f"{fact}: {counterpart} is not there", shown(missing.path))
    return _as_configured(remark, config)


class Checker:
    """Make reports, loading what that takes when it is first needed.

    Parameters
    ----------
    plan : Plan
    config : Config
    device : str, optional
    pre_segmented : bool, default False
    reference : Document, optional
        Then nothing is cached.

    Attributes
    ----------
    complaint : str
        Why reports are not kept, if they cannot be.
    """

    def __init__(
        self,
        plan: Plan,
        config: Config,
        *,
        device: str | None = None,
        pre_segmented: bool = False,
        reference: Document | None = None,
    ) -> None:
        self._plan = plan
        self._config = config
        self._device = device
        self._pre_segmented = pre_segmented
        self._reference = reference
        self._sources: dict[tuple[str, str], Document] = {}
        self._agreed: dict[Task, Report] = {}
        self.complaint = ""

    def __call__(self, task: Task) -> Report:
        """Return the report of a task: all that every check found, and what other translations say of its terms."""
        together = self._plan.beside(task)
        if len(together) < 2:
            return self.alone(task)
        others = [other.target for other in together if other != task]
        return self._kept(task, lambda: self._consensus(task, together), others)

    def alone(self, task: Task) -> Report:
        """Return the report of a task, as if there were no other translation."""
        return self._kept(task, lambda: self._made(task))

    def _kept(self, task: Task, made: Callable[[], Report], others: Sequence[str] = ()) -> Report:
        """Take a report from the cache, or make it and keep it."""
        langs = task.source_lang, task.target_lang
        cache = self._cache if "-" not in (task.source, task.target, *others) else None
        if cache and (report := cache.load(task.source, task.target, langs, others)):
            return report
        report = made()
        if cache and not self.complaint:
            try:
                cache.save(report, task.source, task.target, langs, others)
            except (OSError, BitextError) as error:
                self.complaint = str(error)
        return report

    def _consensus(self, task: Task, together: Sequence[Task]) -> Report:
        """Ask the other translations, those that can be read."""
        if task not in self._agreed:
            from bitext.comparison import with_consensus

            alone = {}
            for one in together:
                with suppress(*(() if one == task else UNREADABLE)):
                    alone[one] = self.alone(one)
            reports = with_consensus(list(alone.values()), termbase=self.termbase)
            self._agreed = dict(zip(alone, reports, strict=True))
        return self._agreed[task]

    def _made(self, task: Task) -> Report:
        from bitext import pipeline  # here and below: a run that finds all in the cache does without

        key = task.source, task.source_lang
        if key not in self._sources:  # the translations of one source come one after the other
            self._sources = {key: self._read(task.source, task.source_lang, "source")}
            if "embedder" in self.__dict__:
                self.embedder.forget()
        source = self._sources[key]
        target = self._read(task.target, task.target_lang, "target")
        alignment = pipeline.align(
            source, target, embedder=self.embedder, order=self._config.order, device=self._device
        )
        return pipeline.check(
            alignment,
            checks=self._checks,
            reference=self._reference,
            embedder=self.embedder,
            device=self._device,
            fluency=self._config.fluency,
        )

    def _read(self, path: str, lang: str, side: Literal["source", "target"]) -> Document:
        from bitext import pipeline

        document = pipeline.read(
            path, encoding=self._config.encoding, pre_segmented=self._pre_segmented, side=side
        )
        return pipeline.require_language(document, lang, side)

    @cached_property
    def embedder(self) -> RememberingEmbedder:
        """The encoder."""
        from bitext import pipeline

        return pipeline.remembering(self._config.embedder, device=self._device)

    @cached_property
    def termbase(self) -> Termbase | None:
        """The project's terms, read once."""
        from bitext.terminology import Termbase

        read = [Termbase.read(path) for path in self._config.termbases]
        return reduce(Termbase.merge, read) if read else None

    @cached_property
    def _checks(self) -> tuple[Check, ...]:
        from bitext import pipeline

        return pipeline.default_checks(
            self.termbase, self.embedder, device=self._device, fluency=self._config.fluency
        )

    @cached_property
    def _cache(self) -> ResultCache | None:
        if self._config.cache is None or self._reference is not None:
            return None
        name = self._config.embedder
        # the digest of an encoder that ships is known without loading it
        digest = next((m.digest for m in packaged_models() if m.name == name), None) or self.embedder.digest
        return ResultCache(
            self._config.cache,
            {
                "embedder": [name, digest],
                "order": self._config.order,
                "fluency": self._config.fluency,
                "encoding": self._config.encoding,
                "pre_segmented": self._pre_segmented,
                "termbases": digest_of(self._config.termbases),
            },
        )


# ---- what is shown -----------------------------------------------------------------------------------------


def triage(reports: Sequence[Report], plan: Plan, config: Config) -> tuple[list[Report], list[Remark]]:
    """Leave out what the configuration switches off, settle what comments settle, and remark on the comments.

    Returns
    -------
    reports : list of Report
    remarks : list of Remark
        By path and line.
    """
    paths = {d.path for r in reports for d in (r.alignment.source, r.alignment.target) if d.path}
    comments: dict[str, list[Suppression]] = {}
    remarks = list(plan.missing)
    for path in sorted(paths):
        comments[path], faults = suppressions_of(
            path,
            checks=issue_checks(),
            encoding=config.encoding,
            require_reason=config.require_reason,
        )
        remarks += [fault for one in faults if (fault := _as_configured(one, config)) is not None]
    used: set[Suppression] = set()
    after = []
    for report in reports:
        sides = dict.fromkeys((report.alignment.source.path, report.alignment.target.path))
        report, here = settle(report, [s for path in sides if path for s in comments.get(path, ())])
        used |= here
        after.append(_configured(report, config))
    for path, suppressions in comments.items():
        for one in suppressions:
            is_judged = path not in plan.incomplete and config.checks.get(one.check or "") != OFF
            if is_judged and one not in used and (remark := _as_configured(unused(one), config)):
                remarks.append(remark)
    return after, sorted(remarks, key=lambda r: (r.path, r.line or 0, r.column, r.message))


def touched(plan: Plan, revision: str) -> dict[str, Touched]:
    """Ask git what of each file of a plan was touched since a revision."""
    paths = dict.fromkeys(path for task in plan.tasks for path in (task.source, task.target))
    paths |= dict.fromkeys(remark.path for remark in plan.missing)
    answer = touched_since(revision, map(Path, paths), folder=Path())
    return {path: answer[Path(path)] for path in paths}


def since(
    reports: Sequence[Report], remarks: Sequence[Remark], lines: Mapping[str, Touched]
) -> tuple[list[Report], list[Remark]]:
    """Leave only findings in beads, and remarks on lines, that were touched."""
    kept = [
        replace(
            report,
            issues=tuple(i for i in report.issues if _is_touched(report.alignment, i, lines)),
            suppressed=tuple(s for s in report.suppressed if _is_touched(report.alignment, s.issue, lines)),
        )
        for report in reports
    ]
    said = [
        r
        for r in remarks
        if r.path in lines and (lines[r.path].meets(r.line, r.line) if r.line else lines[r.path])
    ]
    return kept, said


def _is_touched(alignment: Alignment, issue: Issue, touched: Mapping[str, Touched]) -> bool:
    bead = alignment[issue.bead]
    sides: tuple[tuple[Document, range, Span | None], ...] = (
        (alignment.source, bead.source, issue.source_span),
        (alignment.target, bead.target, issue.target_span),
    )
    for document, segments, span in sides:
        lines = [_lines(document, document.span(segments)) if segments else _gap(document, segments.start)]
        if span:
            lines.append(_lines(document, span))
        if any(touched.get(document.path or "", Touched()).meets(*pair) for pair in lines):
            return True
    return False


def _lines(document: Document, span: Span) -> tuple[int, int]:
    (first, _), (last, _) = document.place(span)
    return first, last


def _gap(document: Document, at: int) -> tuple[int, int]:
    """Return the lines of the segments before and after the place of a missing side."""
    first = _lines(document, document.span(range(at - 1, at)))[1] if at else 0
    last = _lines(document, document.span(range(at, at + 1)))[0] if at < len(document) else 1 << 40
    return first, last


def _configured(report: Report, config: Config) -> Report:
    """Apply the severities and the least confidence of the configuration."""

    def changed(issue: Issue) -> Issue | None:
        severity = _severity(issue.check, issue.severity, config)
        if severity is None or issue.confidence < config.min_confidence:
            return None
        return issue if severity == issue.severity else replace(issue, severity=severity)

    return replace(
        report,
        issues=tuple(issue for one in report.issues if (issue := changed(one)) is not None),
        suppressed=tuple(
            replace(one, issue=issue)
            for one in report.suppressed
            if (issue := changed(one.issue)) is not None
        ),
    )


def _as_configured(remark: Remark, config: Config) -> Remark | None:
    severity = _severity(remark.check, remark.severity, config)
    return replace(remark, severity=severity) if severity else None


def _severity(check: str, given: Severity, config: Config) -> Severity | None:
    setting = config.checks.get(check, ON)
    if setting == OFF:
        return None
    return setting if setting in SEVERITIES else given
