"""Comments in a text that settle findings: ``<!-- bitext-disable-next-line number-mismatch -- agreed -->``.

In: the decoded file as given.  Out: what its comments suppress and on which lines, remarks about comments that
are wrong or without use, and, for plain text, the text without them.  Four verbs: ``disable-line`` (the line the
comment is on), ``disable-next-line`` (the next that is not empty), ``disable`` and ``enable`` (all between, or to
the end).  After the verb the checks, by default all; after ``--`` the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from bitext.data import Alignment, Document, Issue, Span
from bitext.errors import ReadError
from bitext.formats import PAIR_FORMATS, TEXT_FORMATS, Extracted, Origin, decode
from bitext.formats._origin import Assembly
from bitext.formats.text import read_bytes, shown
from bitext.report import Remark, Report, Suppressed

INVALID, UNUSED = "invalid-suppression", "unused-suppression"
VERBS = ("disable-line", "disable-next-line", "disable", "enable")

_IN_MARKUP = re.compile(
    r"<!--\s*+bitext-(?P<verb>(?:dis|en)able[\w-]*)(?P<rest>.*?)(?P<end>-->|\Z)", re.DOTALL
)
_IN_LINES = re.compile(
    r"(?<!\S)(?:#[.,:]?|//|;|%|NOTE)[ \t]*+bitext-(?P<verb>(?:dis|en)able[\w-]*)(?P<rest>[^\r\n]*)(?P<end>)"
)
_REASON = re.compile(r"(?:--+|—+)\s*(.*)", re.DOTALL)
_FENCE = re.compile(
    r"^ {0,3}(`{3,}|~{3,})[^\r\n]*+(?:.*?^ {0,3}\1[`~]*[ \t]*$|.*\Z)", re.DOTALL | re.MULTILINE
)
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^\r\n]*?(?<!`)\1(?!`)")
_MARKUP = {"markdown", "html", "tmx", "xliff"}
_LINES = {"text", "subtitles", "po"}
_TO_THE_END = 1 << 40


@dataclass(frozen=True, slots=True)
class Suppression:
    """One check, or every one (None), switched off on the lines `first` to `last` of a file.

    `line`, `column` and `end_column` are those of the comment, 1-based and in code points; `verb` is how it begins.
    """

    path: str
    check: str | None
    first: int
    last: int
    reason: str
    verb: str
    line: int
    column: int
    end_column: int

    def covers(self, check: str, lines: Span) -> bool:
        """Whether a finding of `check` on `lines`, both ends inclusive, is settled."""
        return self.check in (None, check) and self.first <= lines[1] and lines[0] <= self.last


def suppressions_of(
    path: str | Path,
    *,
    checks: Sequence[str],
    encoding: str | None = None,
    require_reason: bool = False,
) -> tuple[list[Suppression], list[Remark]]:
    """Read the comments of a file.

    Parameters
    ----------
    path : str or Path
        A DOCX, a table or standard input has none.
    checks : sequence of str
        The slugs that there are.
    encoding : str, optional
    require_reason : bool, default False
        Whether a comment without a reason is wrong, and then suppresses nothing.

    Returns
    -------
    suppressions : list of Suppression
    remarks : list of Remark
        About comments that are wrong.
    """
    suffix = Path(path).suffix.lower()
    format = TEXT_FORMATS.get(suffix) or PAIR_FORMATS.get(suffix, "text")
    if str(path) in ("-", shown("-")) or format not in _MARKUP | _LINES:
        return [], []
    raw = decode(read_bytes(path), encoding=encoding, path=shown(path))
    return parse(raw, path=str(path), format=format, checks=checks, require_reason=require_reason)


def parse(
    raw: str, *, path: str, format: str, checks: Sequence[str], require_reason: bool = False
) -> tuple[list[Suppression], list[Remark]]:
    """Find the comments of a text; see `suppressions_of`."""
    found: list[Suppression] = []
    remarks: list[Remark] = []
    open_blocks: list[Suppression] = []
    origin = Origin.of_text(raw)
    for match in _comments(raw, format):
        verb, (listed, reason) = match["verb"], _checks_and_reason(match["rest"])
        begin, end = origin.locate(match.start()), origin.locate(match.end() - 1)
        end_column = end.column + 1 if end.line == begin.line else begin.column
        fault, holds = _fault(match, listed, reason, checks, require_reason=require_reason)
        if fault:
            remarks.append(Remark(INVALID, "minor", fault, path, begin.line, begin.column, end_column))
        if not holds:
            continue
        each = [
            Suppression(path, check, 0, 0, reason, verb, begin.line, begin.column, end_column)
            for check in (tuple(check for check in listed if check in checks) or (None,))
        ]
        if verb == "disable-line":
            found += [replace(s, first=begin.line, last=end.line) for s in each]
        elif verb == "disable-next-line":
            line = _next_line(raw, origin, match.end(), format)
            found += [replace(s, first=line, last=line) for s in each]
        elif verb == "disable":
            open_blocks += [replace(s, first=begin.line, last=_TO_THE_END) for s in each]
        else:
            ended = [s for s in open_blocks if not listed or s.check in listed]
            found += [replace(s, last=end.line) for s in ended]
            open_blocks = [s for s in open_blocks if s not in ended]
    return sorted([*found, *open_blocks], key=lambda s: (s.line, s.column)), remarks


def settle(report: Report, suppressions: Iterable[Suppression]) -> tuple[Report, set[Suppression]]:
    """Move the issues that comments in either file settle to `Report.suppressed`.

    Returns
    -------
    report : Report
    used : set of Suppression
        Those that settled something.
    """
    alignment = report.alignment
    of_side = {"source": list[Suppression](), "target": list[Suppression]()}
    for suppression in suppressions:
        for side, document in (("source", alignment.source), ("target", alignment.target)):
            if suppression.path == document.path:
                of_side[side].append(suppression)
    if not any(of_side.values()):
        return report, set()
    kept: list[Issue] = []
    settled = list(report.suppressed)
    used: set[Suppression] = set()
    for issue in report.issues:
        by = [
            s
            for side, lines in _lines(alignment, issue)
            for s in of_side[side]
            if s.covers(issue.check, lines)
        ]
        if by:
            used.update(by)
            settled.append(Suppressed(issue, "comment", by[0].reason))
        else:
            kept.append(issue)
    return replace(report, issues=tuple(kept), suppressed=tuple(settled)), used


def unused(suppression: Suppression) -> Remark:
    """Say that a comment settles nothing."""
    what = suppression.check or "any check"
    return Remark(
        UNUSED,
        "minor",
        f"bitext-{suppression.verb} suppresses no finding of {what}; remove it",
        suppression.path,
        suppression.line,
        suppression.column,
        suppression.end_column,
    )


def without_comments(extracted: Extracted) -> Extracted:
    """Return plain text without its comments for bitext, every character still at its place in the file.

    In marked-up formats the reader leaves them out already.

    Raises
    ------
    ReadError
        If the file holds nothing else.
    """
    raw = extracted.text
    if extracted.format != "text" or not (matches := list(_comments(raw, "text"))):
        return extracted
    rest = Assembly(raw)
    start = 0
    for match in matches:
        begin = len(raw[: match.start()].rstrip(" \t"))
        whole_line = begin == 0 or raw[begin - 1] in "\r\n"
        rest.copy(start, begin)
        start = match.end()
        if whole_line and (line_end := re.compile(r"[ \t]*(\r\n|\r|\n|\Z)").match(raw, start)):
            start = line_end.end()
    rest.copy(start, len(raw))
    text = rest.text()
    if not text.strip():
        raise ReadError(f"{extracted.path}: holds only comments for bitext; expected text.")
    return replace(extracted, text=text, origin=rest.origin())


def _comments(raw: str, format: str) -> Iterator[re.Match[str]]:
    """Yield the comments in text order; in Markdown, code is only about them."""
    if "bitext-" not in raw:
        return
    if format == "markdown":
        for code in (_FENCE, _CODE_SPAN):
            raw = code.sub(lambda m: re.sub(r"[^\r\n]", " ", m.group()), raw)
    found = list(_IN_MARKUP.finditer(raw))
    if format in _LINES:
        inside = [m.span() for m in found]
        lines = _IN_LINES.finditer(raw)
        found += [m for m in lines if not any(a <= m.start() < b for a, b in inside)]
    yield from sorted(found, key=re.Match[str].start)


def _checks_and_reason(rest: str) -> tuple[list[str], str]:
    reason = _REASON.search(rest)
    listed = rest[: reason.start()] if reason else rest
    return [word for word in re.split(r"[\s,，、]+", listed) if word], " ".join(
        reason[1].split()
    ) if reason else ""


def _fault(
    comment: re.Match[str], listed: Sequence[str], reason: str, checks: Sequence[str], *, require_reason: bool
) -> tuple[str, bool]:
    """Say what is wrong with a comment, if anything is, and whether it holds all the same."""
    verb = comment["verb"]
    if comment["end"] == "" and comment.group().startswith("<!--"):
        return f"the comment with bitext-{verb} takes in the rest of the file; close it with -->", False
    if verb not in VERBS:
        return f"bitext-{verb} is unknown; {_meant(verb, VERBS)}", False
    if require_reason and not reason and verb != "enable":
        return f"bitext-{verb} gives no reason, so it suppresses nothing; write one after --", False
    for check in listed:
        if check not in checks:
            return f"{check!r} is no check; {_meant(check, checks)}", not set(listed).isdisjoint(checks)
    return "", True


def _meant(word: str, choices: Sequence[str]) -> str:
    close = get_close_matches(word, choices, n=1)
    return f"expected {close[0]}" if close else f"expected one of {', '.join(choices)}"


def _next_line(raw: str, origin: Origin, end: int, format: str) -> int:
    """Return the line after `end` that has more on it than white space and comments."""
    comments = [m.span() for m in _comments(raw, format)]
    for start, stop in zip(origin.lines.tolist(), [*origin.lines.tolist()[1:], len(raw)], strict=True):
        if start < end:
            continue
        line = "".join(
            c for i, c in enumerate(raw[start:stop], start) if not any(a <= i < b for a, b in comments)
        )
        if line.strip():
            return origin.locate(start).line
    return 0


def _lines(alignment: Alignment, issue: Issue) -> Iterator[tuple[str, Span]]:
    """Yield the lines of an issue on each side: where its span begins, or else those of its bead."""
    bead = alignment[issue.bead]
    sides: tuple[tuple[str, Document, Span | None, range], ...] = (
        ("source", alignment.source, issue.source_span, bead.source),
        ("target", alignment.target, issue.target_span, bead.target),
    )
    for side, document, span, segments in sides:
        if span is not None:
            line = document.place(span)[0][0]
            yield side, (line, line)
        elif segments:
            (first, _), (last, _) = document.place(document.span(segments))
            yield side, (first, last)
