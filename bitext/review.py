"""A report -> a page on this machine on which an editor decides on each finding.

In: reports on translations of one source, a baseline and perhaps a termbase.  Out: what was rejected goes into the
baseline, so that `bitext check` does not say it again; terms that were confirmed go into the termbase; every
decision can be kept in a file of its own.  Files are replaced whole, after each decision.

Nothing here knows of networks; `bitext._review_server` shows the page to a browser.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bitext._concepts import Concept
from bitext._report_html import ReviewView, issue_id, page
from bitext._termbase import Termbase
from bitext._termmatch import term_key
from bitext.baseline import Baseline, entry_of
from bitext.data import Issue, Term
from bitext.errors import BitextError
from bitext.formats.exchange import write_whole
from bitext.report import Report, _in_reading_order, _spanned, fingerprint, issue_dict

Choice = Literal["accepted", "rejected", "open"]

_TERM_CHECKS = frozenset({"term-mismatch", "name-mismatch", "term-inconsistent"})


@dataclass(frozen=True, slots=True)
class Decision:
    """What an editor said about a finding.

    Parameters
    ----------
    choice : {"accepted", "rejected"}
        "accepted" is an error to correct, "rejected" a false alarm.
    suggestion : str
        What to write, in the editor's words.
    reason : str
    term : bool
        Whether `suggestion` is now the preferred rendering of the term the finding is about.
    """

    choice: Literal["accepted", "rejected"]
    suggestion: str = ""
    reason: str = ""
    term: bool = False


class Review:
    """The decisions on the findings of some reports, and the files they are written to.

    Parameters
    ----------
    reports : sequence of Report
        On translations of one source, as `bitext.check` returns them.
    baseline : str or Path
        Read if it is there; what is in it counts as rejected.
    termbase : str or Path, optional
        Where confirmed terms go; without one no term can be confirmed.
    decisions : str or Path, optional
        JSONL of all decisions, read again when the review goes on another day.

    Raises
    ------
    BitextError
        If a file is there but is not what it should be.
    """

    def __init__(
        self,
        reports: Sequence[Report],
        *,
        baseline: str | Path,
        termbase: str | Path | None = None,
        decisions: str | Path | None = None,
    ) -> None:
        self._paths = (
            Path(baseline),
            Path(termbase) if termbase else None,
            Path(decisions) if decisions else None,
        )
        applied, _ = self._baseline().apply(reports)
        rejected = {id(s.issue): s.reason for r in applied for s in r.suppressed if s.by == "baseline"}
        self.reports = [_reopened(report) for report in applied]
        self._issues = {
            issue_id(t, rank): (report, issue)
            for t, report in enumerate(self.reports)
            for rank, issue in enumerate(report.issues)
        }
        self._keys = _keys(self.reports, self._issues)
        self._made = self._kept()
        told = Counter(self._digest(id_) for id_, made in self._made.items() if made.choice == "rejected")
        for id_, (_, issue) in self._issues.items():
            if id(issue) in rejected and id_ not in self._made:
                digest = self._digest(id_)
                if told[digest]:  # of findings that look alike, the baseline knows how many but not which
                    told[digest] -= 1
                else:
                    self._made[id_] = Decision("rejected", reason=rejected[id(issue)])
        self._replaced: dict[str, Concept | None] = {}  # by term: what a confirmed one took the place of
        self._lock = threading.Lock()

    def page(self) -> str:
        """Return the page as it stands now."""
        with self._lock:
            made = {id_: _as_dict(decision) for id_, decision in self._made.items()}
        terms = {id_: term for id_ in self._issues if (term := self._term(id_))} if self._paths[1] else {}
        return page(self.reports, review=ReviewView(made, terms))

    def decide(
        self, id_: str, choice: Choice, *, suggestion: str = "", reason: str = "", term: bool = False
    ) -> None:
        """Take a decision and write it; ``"open"`` takes the last one back.

        Parameters
        ----------
        id_ : str
            Of the issue, as on the page: ``"i0-3"`` is the fourth worst of the first report.
        choice : {"accepted", "rejected", "open"}
        suggestion, reason : str
            One line each.
        term : bool
            Whether to make `suggestion` the preferred rendering of the term, if the finding is accepted.

        Raises
        ------
        BitextError
            If there is no such issue, the term cannot be confirmed, or a file cannot be written.
        """
        if id_ not in self._issues:
            raise BitextError(
                f"no finding {id_!r} in this review; expected one of {len(self._issues)}. Reload the page."
            )
        suggestion, reason = (" ".join(text.split()) for text in (suggestion, reason))
        with self._lock:
            confirmed = term and choice == "accepted"
            before = self._made.get(id_)
            if confirmed or (before and before.term):
                self._settle_term(id_, suggestion if confirmed else None)
            try:
                if choice == "open":
                    self._made.pop(id_, None)
                else:
                    self._made[id_] = Decision(choice, suggestion, reason, confirmed)
                self._write_baseline(id_)
                self._write_decisions()
            except BaseException:  # what is on the page must be what is on the disk
                self._made.pop(id_, None)
                if before:
                    self._made[id_] = before
                with suppress(BitextError, OSError):
                    self._write_baseline(id_)
                    if confirmed:
                        self._settle_term(id_, before.suggestion if before and before.term else None)
                raise

    def decided(self) -> list[tuple[str, Issue, Decision]]:
        """Return place, issue and decision of all that was decided, in reading order."""
        ids = {id(issue): id_ for id_, (_, issue) in self._issues.items()}
        return [
            (str(place), issue, self._made[ids[id(issue)]])
            for report in self.reports
            for issue, place, _ in _in_reading_order(report)
            if ids[id(issue)] in self._made
        ]

    def _digest(self, id_: str) -> str:
        report, issue = self._issues[id_]
        return fingerprint(report.alignment, issue)

    def _term(self, id_: str) -> str:
        """Return the term of the source that the finding is about, or nothing if it is about none."""
        report, issue = self._issues[id_]
        text = _spanned(report.alignment.source, issue.source_span).strip()
        return text if issue.check in _TERM_CHECKS and "\n" not in text else ""

    def _baseline(self) -> Baseline:
        path = self._paths[0]
        return Baseline.read(path) if path.exists() else Baseline()

    def _write_baseline(self, id_: str) -> None:
        """Write what is rejected of the findings that cannot be told from this one."""
        report, issue = self._issues[id_]
        root = self._paths[0].parent
        entry = entry_of(report, issue, root=root)
        alike = [
            self._made[other]
            for other, (its, _) in self._issues.items()
            if its is report and other in self._made and self._digest(other) == entry.fingerprint
        ]
        rejected = [decision for decision in alike if decision.choice == "rejected"]
        baseline = self._baseline()
        kept = [e for e in baseline.entries if (e.target, e.fingerprint) != (entry.target, entry.fingerprint)]
        if rejected:
            reason = next((d.reason for d in reversed(rejected) if d.reason), "")
            kept.append(replace(entry, count=len(rejected), reason=reason))
        if Baseline(tuple(kept)) != baseline:
            Baseline(tuple(kept)).write(self._paths[0])

    def _settle_term(self, id_: str, rendering: str | None) -> None:
        """Make `rendering` the preferred one of the finding's term; ``None`` brings back what was there."""
        path, term = self._paths[1], self._term(id_)
        if path is None or not term or rendering == "":
            lacking = "termbase" if path is None else "rendering" if term else "term"
            raise BitextError(
                f"finding {id_!r} confirms nothing, for want of a {lacking}; "
                "expected a termbase, a term and a rendering."
            )
        lang = self._issues[id_][0].alignment.source.lang
        key = term_key(term, lang)
        if rendering is None:  # another finding may have confirmed the same term
            others = [
                made.suggestion
                for other, made in self._made.items()
                if made.term and other != id_ and term_key(self._term(other), lang) == key
            ]
            rendering = others[-1] if others else None
            if rendering is None and key not in self._replaced:
                return  # confirmed on another day, and what was there before is not known
        concepts = list(_read_termbase(path))
        at = next(
            (n for n, c in enumerate(concepts) if key in {term_key(t.text, lang) for t in c.terms(lang)}),
            None,
        )
        here = [] if at is None else [concepts[at]]
        if rendering is None:
            before = self._replaced.pop(key)
            new = [before] if before else []
        else:
            self._replaced.setdefault(key, here[0] if here else None)
            new = [_confirmed(here[0] if here else None, term, rendering, lang)]
        at = len(concepts) if at is None else at
        concepts[at : at + len(here)] = new
        _write_termbase(Termbase(concepts), path)

    def _write_decisions(self) -> None:
        path = self._paths[2]
        if path is None:
            return
        rows = [
            {"key": self._keys[id_], "target": report.alignment.target.path, **_as_dict(self._made[id_])}
            | {"issue": issue_dict(report.alignment, issue)}
            for id_, (report, issue) in self._issues.items()
            if id_ in self._made
        ]
        write_whole(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))

    def _kept(self) -> dict[str, Decision]:
        """Read the decisions of another day, as far as their findings are still here."""
        path = self._paths[2]
        if path is None or not path.exists():
            return {}
        ids = {key: id_ for id_, key in self._keys.items()}
        made = {}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                row = json.loads(line)
                decision = Decision(row["decision"], row["suggestion"], row["reason"], row["term"])
                key = row["key"]
            except (ValueError, KeyError, TypeError) as error:
                raise BitextError(
                    f"{path}:{number}: no decision ({error!r}); expected the JSONL of a review. Name another file."
                ) from error
            if key in ids:
                made[ids[key]] = decision
        return made


def _reopened(report: Report) -> Report:
    """Take what is in the baseline among the findings again: it can be reconsidered."""
    again = [settled.issue for settled in report.suppressed if settled.by == "baseline"]
    rest = tuple(settled for settled in report.suppressed if settled.by != "baseline")
    return replace(report, issues=(*report.issues, *again), suppressed=rest)


def _keys(reports: Sequence[Report], issues: Mapping[str, tuple[Report, Issue]]) -> dict[str, str]:
    """Give each finding a name that outlives moved lines: its digest, and which of those alike it is."""
    ids = {id(issue): id_ for id_, (_, issue) in issues.items()}
    keys = {}
    for t, report in enumerate(reports):
        seen: Counter[str] = Counter()
        name = report.alignment.target.path or t
        for issue, _, _ in _in_reading_order(report):
            digest = fingerprint(report.alignment, issue)
            seen[digest] += 1
            keys[ids[id(issue)]] = f"{name}:{digest}:{seen[digest]}"
    return keys


def _as_dict(decision: Decision) -> dict[str, Any]:
    return {
        "decision": decision.choice,
        "suggestion": decision.suggestion,
        "reason": decision.reason,
        "term": decision.term,
    }


def _confirmed(concept: Concept | None, term: str, rendering: str, lang: str) -> Concept:
    """Return the concept with `rendering` as the one preferred; those before it stay as admitted ones."""
    of_source = lang.lower().startswith("zh")
    new = Term(rendering, "en" if of_source else "zh")
    if concept is None:
        pair = (Term(term, "zh"),), (new,)
        return Concept(f"review:{term}", *(pair if of_source else ((new,), (Term(term, "en"),))), pos="name")
    key = term_key(rendering, new.lang)
    others = tuple(
        replace(t, status="admitted") if t.status == "preferred" else t
        for t in concept.terms(new.lang)
        if term_key(t.text, new.lang) != key
    )
    terms = (new, *others)
    return replace(concept, target_terms=terms) if of_source else replace(concept, source_terms=terms)


def _read_termbase(path: Path) -> Termbase:
    is_there = path.exists() and path.stat().st_size > 0
    return Termbase.read(path, require_both=False) if is_there else Termbase(())


def _write_termbase(termbase: Termbase, path: Path) -> None:
    """Write beside `path` first; the suffix must stay, it names the format."""
    if not len(termbase):
        path.unlink(missing_ok=True)  # the one term that was confirmed was taken back
        return
    draft = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        termbase.write(draft)
        draft.replace(path)
    except OSError as error:
        raise BitextError(
            f"{path}: cannot be written ({error.strerror}); expected a place to write to."
        ) from error
    finally:
        draft.unlink(missing_ok=True)
