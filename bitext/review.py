"""A report -> a page on this machine on which an editor decides on each finding.

In: reports on translations of one source, a baseline and perhaps a termbase.  Out: what was rejected goes into the
baseline, so that `bitext check` does not say it again; terms that were confirmed go into the termbase; every
decision can be kept in a file of its own.  Files are replaced whole, after each decision.

`Review` holds the decisions and knows nothing of networks.  `serving` opens a socket on 127.0.0.1 only, for as
long as its block runs: a request must name that address as its host, come from the page itself and carry the
random token of the page's address.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, get_args

from bitext._concepts import Concept
from bitext._report_html import ReviewView, issue_id, page
from bitext._termbase import Termbase
from bitext._termmatch import term_key
from bitext.baseline import Baseline, entry_of
from bitext.data import Issue, Term
from bitext.errors import BitextError
from bitext.formats.exchange import replaced
from bitext.report import Report, _in_reading_order, _spanned, fingerprint, issue_dict

Choice = Literal["accepted", "rejected", "open"]

_TERM_CHECKS = frozenset({"term-mismatch", "name-mismatch", "term-inconsistent"})
_LONGEST = 2000  # characters of a suggestion or reason
_LONGEST_REQUEST = 1 << 16  # bytes


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
        with replaced(path) as draft:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            draft.write_bytes(text.encode("utf-8", "backslashreplace"))

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


# ---- the server --------------------------------------------------------------------------------------------


@contextmanager
def serving(review: Review, *, port: int = 0) -> Iterator[str]:
    """Serve the page on 127.0.0.1 while the block runs; yield its address, which holds a random token.

    Parameters
    ----------
    review : Review
    port : int, default 0
        0 takes a free one.

    Raises
    ------
    BitextError
        If the port is taken.
    """
    token = secrets.token_urlsafe(32)
    try:
        server = _Server(("127.0.0.1", port), _handler(review, token))
    except OSError as error:
        raise BitextError(
            f"port {port} of 127.0.0.1 cannot be used ({error.strerror}); expected a free one. Leave --port out."
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/{token}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    """A server that asks no name service for its own name, and shares its port with nobody."""

    allow_reuse_address = False
    daemon_threads = True

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a browser closes a connection."""


def _handler(review: Review, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # a connection a request: none outlives the server
        timeout = 60
        server_version, sys_version = "bitext", ""

        def do_GET(self) -> None:
            if self._is_allowed():
                if self._route() == "":
                    self._answer(HTTPStatus.OK, review.page(), "text/html")
                else:
                    self._refuse(HTTPStatus.NOT_FOUND, "there is only one page")

        def do_POST(self) -> None:
            if not self._is_allowed():
                return
            if self.headers.get("Origin") != self._own():
                self._refuse(HTTPStatus.FORBIDDEN, "the request comes from another page")
            elif self._route() != "decisions":
                self._refuse(HTTPStatus.NOT_FOUND, "decisions are the only thing to send")
            elif self.headers.get_content_type() != "application/json":
                self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a decision is JSON")
            elif not 0 < _number(self.headers.get("Content-Length")) <= _LONGEST_REQUEST:
                self._refuse(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {_LONGEST_REQUEST} bytes, or none"
                )
            else:
                self._take(self.rfile.read(_number(self.headers.get("Content-Length"))))

        def _take(self, body: bytes) -> None:
            try:
                request = _checked(json.loads(body))
                review.decide(**request)
            except (ValueError, RecursionError) as error:  # BitextError is a ValueError
                self._refuse(HTTPStatus.BAD_REQUEST, " ".join(str(error).split()))
            except OSError as error:
                self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, error.strerror or "a file cannot be written")
            else:
                self._answer(HTTPStatus.OK, "{}", "application/json")

        def _own(self) -> str:
            return f"http://127.0.0.1:{self.connection.getsockname()[1]}"

        def _is_allowed(self) -> bool:
            """Check host, origin and token; without the right ones nothing is said but no."""
            host, origin = self.headers.get_all("Host", []), self.headers.get("Origin")
            fetched_by = self.headers.get("Sec-Fetch-Site", "none")
            given = self.path.split("/")[1] if self.path.startswith("/") else ""
            allowed = (
                host == [self._own().removeprefix("http://")]
                and origin in (None, self._own())
                and fetched_by in ("none", "same-origin")
            )
            known = hmac.compare_digest(given.encode(), token.encode())
            if not (allowed and known):
                self._refuse(
                    HTTPStatus.FORBIDDEN, "the address is incomplete; open the one that bitext review printed"
                )
            return allowed and known

        def _route(self) -> str:
            return self.path.partition("?")[0].removeprefix(f"/{token}/")

        def _refuse(self, status: HTTPStatus, fact: str) -> None:
            self._answer(status, json.dumps({"error": fact}), "application/json")

        def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
            data = text.encode("utf-8", "xmlcharrefreplace")
            self.send_response(status)
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the token is in every address."""

    return Handler


_HEADERS = {
    # the page itself says what it may load and run; only this cannot be said from within a page
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


def _checked(request: Any) -> dict[str, Any]:
    """Return the arguments of `Review.decide` that a request holds."""
    if not isinstance(request, dict) or request.keys() != {
        "issue",
        "decision",
        "suggestion",
        "reason",
        "term",
    }:
        raise BitextError("a decision has issue, decision, suggestion, reason and term. Reload the page.")
    texts = [request["issue"], request["decision"], request["suggestion"], request["reason"]]
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts):
        raise BitextError(f"a part of the decision is no text of at most {_LONGEST} characters. Shorten it.")
    if request["decision"] not in get_args(Choice) or not isinstance(request["term"], bool):
        raise BitextError(f"decision {request['decision']!r}; expected one of {', '.join(get_args(Choice))}.")
    return {
        "id_": request["issue"],
        "choice": request["decision"],
        "suggestion": request["suggestion"],
        "reason": request["reason"],
        "term": request["term"],
    }
