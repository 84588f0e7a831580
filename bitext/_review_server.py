"""A `Review` -> a page in the browser of this machine, while a block runs.

The server listens on 127.0.0.1 only.  A request is answered when it names that address as its host, comes from
the page itself, and carries the random token of the page's address; all others are told no and nothing else.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, get_args

from bitext.errors import BitextError
from bitext.review import Choice, Review

_LONGEST = 2000  # characters of a suggestion or reason
_LONGEST_REQUEST = 1 << 16  # bytes


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
