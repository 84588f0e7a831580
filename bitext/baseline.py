"""Findings taken as they are, so that only new ones are shown.

A baseline is a JSON file with an entry a line, keyed on what a finding is about (`report.fingerprint`: its check
and the two texts) and not on where it stands, so that text may move.  The lines are sorted and each ends alike, so
that git merges two branches' baselines line by line, also with ``merge=union``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from os.path import relpath
from pathlib import Path

from bitext.data import Issue
from bitext.errors import ConfigError
from bitext.formats.exchange import write_whole
from bitext.report import Report, Suppressed, fingerprint

_VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A finding that was accepted.

    Parameters
    ----------
    target : str
        The translation, from the folder of the baseline; for people, and to know which entries a run can judge.
    check : str
    fingerprint : str
        Of `bitext.report.fingerprint`.
    source_text, target_text : str
        What the finding marks, for people.
    count : int
        How many such findings there are: the same sentence may occur twice.
    reason : str
    """

    target: str
    check: str
    fingerprint: str
    source_text: str = ""
    target_text: str = ""
    count: int = 1
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Accepted findings, one entry a fingerprint and target."""

    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        merged: dict[tuple[str, str], Entry] = {}
        for entry in self.entries:
            key = entry.target, entry.fingerprint
            known = merged.get(key)
            # a union merge may leave two lines of one finding
            merged[key] = (
                entry
                if known is None
                else replace(known, count=max(known.count, entry.count), reason=known.reason or entry.reason)
            )
        object.__setattr__(self, "entries", tuple(sorted(merged.values())))

    def __len__(self) -> int:
        return len(self.entries)

    @classmethod
    def read(cls, path: str | Path) -> Baseline:
        """Read a baseline.

        Raises
        ------
        ConfigError
            If the file is missing or is no baseline.
        """
        path = Path(path)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ConfigError(
                f"{path}: no such file; expected a baseline. Make it with bitext check --write-baseline."
            ) from error
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; expected a baseline.") from error
        except ValueError as error:
            raise ConfigError(
                f"{path}: {error}; expected the JSON of a baseline. Was a merge conflict left in it?"
            ) from error
        if not isinstance(data, dict) or not isinstance(data.get("findings"), list):
            raise ConfigError(f'{path}: no list "findings"; expected a baseline. Write it anew.')
        if data.get("version") != _VERSION:
            raise ConfigError(
                f"{path}: version {data.get('version')!r}; this bitext reads version {_VERSION}. Write it anew."
            )
        return cls(
            tuple(_entry(item, path, n) for n, item in enumerate(data["findings"]) if item is not None)
        )

    def write(self, path: str | Path) -> None:
        """Write the baseline; the file is replaced when all is written."""
        # the null at the end lets every entry end with a comma, whichever comes last
        body = "".join(f"{json.dumps(_spare(entry), ensure_ascii=False)},\n" for entry in self.entries)
        write_whole(path, f'{{"version": {_VERSION}, "findings": [\n{body}null]}}\n')

    def accept(
        self,
        reports: Iterable[Report],
        *,
        root: str | Path = ".",
        reason: str = "",
        keep_others: bool = True,
    ) -> Baseline:
        """Return this baseline with the open issues of `reports` in place of all that it had for their targets.

        What was accepted before and still is found keeps its reason.

        Parameters
        ----------
        reports : iterable of Report
            As they were before `apply`.
        root : str or Path
            The folder of the baseline.
        reason : str
            Of the new entries.
        keep_others : bool, default True
            Whether entries of other translations stay.
        """
        reports = list(reports)
        targets = {_target(report, root) for report in reports}
        reasons = {entry.fingerprint: entry.reason for entry in self.entries}
        kept = [entry for entry in self.entries if keep_others and entry.target not in targets]
        new: dict[tuple[str, str], Entry] = {}
        for report in reports:
            for issue in report.issues:
                entry = entry_of(report, issue, root=root, reason=reason)
                key = entry.target, entry.fingerprint
                new[key] = replace(
                    entry,
                    count=new[key].count + 1 if key in new else 1,
                    reason=reasons.get(entry.fingerprint, "") or reason,
                )
        return Baseline((*kept, *new.values()))

    def apply(self, reports: Sequence[Report]) -> tuple[list[Report], Counter[str]]:
        """Move the issues that were accepted to `Report.suppressed`.

        Returns
        -------
        reports : list of Report
        met : Counter of str
            How often each fingerprint was found.
        """
        known: dict[str, Entry] = {}
        left: Counter[str] = Counter()
        for entry in self.entries:
            known[entry.fingerprint] = entry
            left[entry.fingerprint] += entry.count
        met: Counter[str] = Counter()
        after = []
        for report in reports:
            kept: list[Issue] = []
            settled = list(report.suppressed)
            for issue in report.issues:
                digest = fingerprint(report.alignment, issue)
                if met[digest] < left[digest]:
                    met[digest] += 1
                    settled.append(Suppressed(issue, "baseline", known[digest].reason))
                else:
                    kept.append(issue)
            after.append(replace(report, issues=tuple(kept), suppressed=tuple(settled)))
        return after, met

    def unmet(self, met: Counter[str], targets: Iterable[str] | None = None) -> int:
        """Count the entries that no finding met; with `targets`, of these translations only."""
        wanted = None if targets is None else set(targets)
        left = Counter(met)
        n = 0
        for entry in self.entries:
            here = min(left[entry.fingerprint], entry.count)
            left[entry.fingerprint] -= here
            n += here == 0 and (wanted is None or entry.target in wanted)
        return n


def entry_of(report: Report, issue: Issue, *, root: str | Path = ".", reason: str = "") -> Entry:
    """Return the entry that accepts an issue."""
    a = report.alignment
    source, target = (
        " ".join(document.text[slice(*span)].split()) if span else ""
        for document, span in ((a.source, issue.source_span), (a.target, issue.target_span))
    )
    return Entry(_target(report, root), issue.check, fingerprint(a, issue), source, target, reason=reason)


def target_name(path: str | Path | None, root: str | Path) -> str:
    """Return the name a baseline in `root` has for the translation at `path`."""
    return Path(relpath(path, root)).as_posix() if path else ""


def _target(report: Report, root: str | Path) -> str:
    return target_name(report.alignment.target.path, root)


def _spare(entry: Entry) -> dict[str, object]:
    defaults = {"source_text": "", "target_text": "", "count": 1, "reason": ""}
    return {key: value for key, value in asdict(entry).items() if defaults.get(key) != value}


def _entry(item: object, path: Path, number: int) -> Entry:
    names = [f.name for f in fields(Entry)]
    if not isinstance(item, dict) or not {"target", "check", "fingerprint"} <= set(item) <= set(names):
        raise ConfigError(
            f"{path}: finding {number} has other keys than a finding has ({', '.join(names)}). Write the baseline anew."
        )
    for key, value in item.items():
        if key == "count":
            right = isinstance(value, int) and not isinstance(value, bool) and value > 0
        else:
            right = isinstance(value, str)
        if not right:
            raise ConfigError(
                f"{path}: finding {number} has {key} {value!r}; expected {'a count' if key == 'count' else 'text'}. "
                "Write the baseline anew."
            )
    return Entry(**item)
