"""Markdown and HTML to text: blocks apart, inline markup joined, code and navigation left out.

HTML is read by a tokenizer of our own, one pass over the decoded file, because the parsers at hand do not say
at which character a text stands.  Markdown is parsed by markdown-it-py (an extra); it says at which line a
block stands, and a rule that watches its inline parser gives the characters.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bitext.errors import MissingExtraError
from bitext.formats._flow import BLOCK, LINE, SOFT, Flow
from bitext.formats._origin import Extracted, line_starts
from bitext.formats.text import decode, read_bytes, shown

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# an unclosed comment or tag runs to the end, as in browsers; possessive, so that no input is scanned twice
_HTML_TOKEN = re.compile(
    r"(?P<comment><!--(?:.*?-->|.*\Z)|<[!?][^>]*+(?:>|\Z))"
    r"|<(?P<close>/?)(?P<name>[A-Za-z][^\s/>]*+)"
    r"(?P<attributes>(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+)(?:>|\Z)"
    r"|(?P<entity>&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);?)"
    r"|(?P<text>[^<&]++|[<&])",
    re.DOTALL,
)
# fmt: off
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "col", "dd", "details",
    "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frameset",
    "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hgroup", "hr", "html", "legend", "li", "main",
    "menu", "ol", "option", "p", "pre", "search", "section", "summary", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr", "ul",
})
_LEFT_OUT = frozenset({
    "button", "canvas", "datalist", "iframe", "nav", "noembed", "noframes", "noscript", "object", "rp",
    "rt", "script", "select", "style", "svg", "template", "textarea", "title",
})
# fmt: on
_LANG = re.compile(r"\blang\s*=\s*[\"']?([A-Za-z0-9-]+)", re.IGNORECASE)
_FRONT_MATTER = re.compile(
    r"(---|\+\+\+)[ \t]*(?:\r\n|\n|\r)(?P<inside>(?:.*(?:\r\n|\n|\r))*?)\1[ \t]*(?=\r|\n|\Z)"
)
_FRONT_LANG = re.compile(r"^lang(?:uage)?\s*[:=]\s*[\"']?([A-Za-z0-9-]+)", re.MULTILINE | re.IGNORECASE)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\](:?)")
_BREAK = re.compile(r"<br\b", re.IGNORECASE)


def read_html(path: str | Path, *, encoding: str | None = None) -> Extracted:
    """Read the text of an HTML file: block after block, without scripts, styles and navigation."""
    raw = decode(read_bytes(path), encoding=encoding, path=shown(path))
    flow = Flow(raw)
    lang = _walk_html(flow, 0, len(raw))
    return Extracted(flow.assembly.text(), shown(path), "html", lang, flow.assembly.origin())


def read_markdown(path: str | Path, *, encoding: str | None = None) -> Extracted:
    """Read the text of a Markdown file (CommonMark and tables) without code blocks and front matter.

    The text of inline code is part of its sentence and stays; image descriptions and raw tags do not.

    Raises
    ------
    MissingExtraError
        If markdown-it-py is not installed.
    """
    raw = decode(read_bytes(path), encoding=encoding, path=shown(path))
    flow = Flow(raw)
    front = _FRONT_MATTER.match(raw)
    lang = _FRONT_LANG.search(front["inside"]) if front else None
    _walk_markdown(flow, front.end() if front else 0)
    return Extracted(flow.assembly.text(), shown(path), "markdown", lang and lang[1], flow.assembly.origin())


def _walk_html(flow: Flow, start: int, end: int) -> str | None:
    """Append the text of the HTML in ``raw[start:end]``; return the language it says it is in."""
    raw = flow.assembly.raw
    lang: str | None = None
    last_close: dict[str, int] = {}
    pre = 0
    while start < end:
        token = _HTML_TOKEN.match(raw, start, end)
        assert token is not None  # the last alternative takes any character
        start = token.end()
        if token.lastgroup == "text":
            flow.copy(*token.span()) if pre else flow.words(*token.span())
        elif token.lastgroup == "entity":
            character = html.unescape(token[0])
            if character == token[0]:  # the & of AT&T
                flow.copy(*token.span())
            else:
                flow.put(character, token.start())
        elif token["name"]:
            name, closes = token["name"].lower(), bool(token["close"])
            if name == "html" and not closes and (found := _LANG.search(token["attributes"])):
                lang = found[1]
            if name == "br":
                flow.gap(LINE, token.start())
            elif name in _BLOCKS:
                flow.gap(BLOCK, token.start())
            if name == "pre":
                pre = max(0, pre - 1) if closes else pre + 1
            if not closes and (name in _LEFT_OUT or (name == "code" and pre)):
                start = _after_element(raw, name, start, end, last_close)
    return lang


def _after_element(raw: str, name: str, start: int, end: int, last_close: dict[str, int]) -> int:
    """Return where the element that was opened before `start` ends; `start` itself if it is never closed."""
    if name in ("rt", "rp"):  # their end tags may be left out
        following = re.compile(r"</r[tp]\s*>|(?=<r[tpb]\b|</ruby\b|\Z)", re.IGNORECASE).search(
            raw, start, end
        )
        return following.end() if following else start
    tag = re.compile(rf"<(/?){name}(?=[\s/>])", re.IGNORECASE)
    if name not in last_close:
        last_close[name] = max((m.end() for m in tag.finditer(raw, start, end) if m[1]), default=-1)
    if last_close[name] < start:
        return end if name in ("script", "style") else start
    depth = 1
    for match in tag.finditer(raw, start, end):
        depth += -1 if match[1] else name not in ("script", "style", "textarea", "title")
        if not depth:
            return match.start()
    return last_close[name] - len(name) - 2


def _walk_markdown(flow: Flow, start: int) -> None:
    raw = flow.assembly.raw
    lines = [int(at) for at in line_starts(raw)] + [len(raw)]
    n_front = min(bisect_right(lines, start), len(lines) - 1) if start else 0
    md, env = _parser(), dict[str, Any]()
    tokens = md.parse("\n" * n_front + raw[lines[n_front] :], env)  # so that line numbers stay
    cursors: dict[int, int] = {}  # per line, how far its table cells have been found
    for token in tokens:
        if token.type == "inline" and token.map:
            places = _content_places(raw, token, lines, cursors)
            flow.gap(BLOCK, places[0][1])
            _walk_inline(flow, md, token.content, env, places)
        elif token.type == "html_block" and token.map:
            flow.gap(BLOCK, lines[token.map[0]])
            _walk_html(flow, lines[token.map[0]], lines[min(token.map[1], len(lines) - 1)])


def _parser() -> MarkdownIt:
    """Return a parser that leaves inline content to us and keeps tokens apart that it would merge."""
    try:
        from markdown_it import MarkdownIt
        from markdown_it.rules_block.reference import reference
    except ImportError as error:
        raise MissingExtraError("markdown_it", "markdown", "reading Markdown") from error

    def reference_but_no_footnote(state: Any, line: int, last: int, silent: bool) -> bool:
        at = state.bMarks[line] + state.tShift[line]
        return not state.src.startswith("[^", at) and reference(state, line, last, silent)

    def watch(state: Any, silent: bool) -> bool:
        if not silent and state.tokens is state.env.get("watched"):
            state.env["events"].append((len(state.tokens), len(state.pending), state.pos))
        return False

    md = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    md.core.ruler.disable(["inline", "text_join"])
    md.inline.ruler2.disable("fragments_join")
    md.inline.ruler.before("text", "watch", watch)
    md.block.ruler.at("reference", reference_but_no_footnote)
    return md


def _content_places(
    raw: str, token: Token, lines: Sequence[int], cursors: dict[int, int]
) -> list[tuple[int, int]]:
    """Return pairs of offsets, into the content of a block and into the file, at which runs of it begin."""
    assert token.map is not None
    first = token.map[0]
    places: list[tuple[int, int]] = []
    length = 0
    for count, content in enumerate(token.content.split("\n")):
        start, end = lines[first + count], lines[first + count + 1]
        line = raw[start:end].rstrip()
        stripped = content.rstrip()
        if line.endswith(stripped) and first not in cursors and "|" not in line[: len(line) - len(stripped)]:
            at = len(line) - len(stripped)
            places.append((length, start + at))
        else:  # a heading with closing marks, or a cell of a table
            begin = cursors.get(first, len(line) - len(line.lstrip(" \t>#")))
            at, pieces = _find_cell(line, stripped, begin)
            cursors[first] = at + len(stripped)
            places += [(length + piece, start + where) for piece, where in pieces]
        length += len(content) + 1
    return places


def _find_cell(line: str, content: str, begin: int) -> tuple[int, list[tuple[int, int]]]:
    """Find a cell, whose escaped pipes have lost their backslash, in its line."""
    at = line.find(content, begin)
    if at >= 0:
        return at, [(0, at)]
    at = line.find(content.replace("|", "\\|"), begin)
    if at < 0:
        return begin, [(0, begin)]
    pieces, where = [(0, at)], at
    for i, character in enumerate(content):
        if character == "|":
            where += 1
            pieces.append((i, where))
        where += 1
    return at, pieces


def _walk_inline(
    flow: Flow, md: MarkdownIt, content: str, env: dict[str, Any], places: Sequence[tuple[int, int]]
) -> None:
    """Append the text of inline content."""
    tokens: list[Token] = []
    env["watched"], env["events"] = tokens, []
    md.inline.parse(content, md, env, tokens)
    events: list[tuple[int, int, int]] = env["events"]
    keys = [event[:2] for event in events]
    starts = [start for start, _ in places]

    def in_file(at: int) -> tuple[int, int]:
        """Return where `at` stands in the file, and up to where the file goes on as the content does."""
        run = max(0, bisect_right(starts, at) - 1)
        return places[run][1] + at - places[run][0], starts[run + 1] if run + 1 < len(starts) else len(
            content
        )

    for index, token in enumerate(tokens):
        if token.type in ("text", "code_inline", "text_special"):
            for start, end, at in _token_pieces(token, index, content, events, keys):
                while start < end:
                    where, limit = in_file(at)
                    n = min(end - start, max(1, limit - at))
                    _append(flow, token.content[start : start + n], where)
                    start, at = start + n, at + n
        elif token.type in ("softbreak", "hardbreak") or _is_break(token):
            at = events[max(0, bisect_right(keys, (index, 0)) - 1)][2]
            flow.gap(SOFT if token.type == "softbreak" else LINE, in_file(at)[0])


def _is_break(token: Token) -> bool:
    return token.type == "html_inline" and bool(_BREAK.match(token.content))


def _token_pieces(
    token: Token,
    index: int,
    content: str,
    events: Sequence[tuple[int, int, int]],
    keys: Sequence[tuple[int, int]],
) -> Iterator[tuple[int, int, int]]:
    """Yield start and end of the runs of a token, and where each begins in the block's content.

    An event says how many tokens there were, how long the text was that was gathered for the next one, and at
    which offset the parser stood: what was gathered or made from there on came from there.
    """
    first = bisect_right(keys, (index, -1))
    last = bisect_right(keys, (index, len(token.content)))
    own = [event for event in events[first:last] if event[1] < max(1, len(token.content))]
    if token.type == "text" and own and own[0][1] == 0:
        start, at = 0, own[0][2]
        for event in own:
            if event[2] - at != event[1] - start:  # not where the run would go on
                yield start, event[1], at
                start, at = event[1], event[2]
        yield start, len(token.content), at
        return
    at = events[max(0, bisect_right(keys, (index, 0)) - 1)][2]
    if token.type == "text_special":
        yield 0, len(token.content), at
    else:
        yield 0, len(token.content), max(at, content.find(token.content, at))


def _append(flow: Flow, text: str, at: int) -> None:
    """Append text as it stands in the file at `at`; footnote marks are left out."""
    if not flow.assembly.raw.startswith(text, at):
        flow.put(text, at)
        return
    done = 0
    for mark in _FOOTNOTE.finditer(text):
        flow.words(at + done, at + mark.start())
        is_label = mark[1] and flow.at_line_start
        if is_label:
            flow.gap(BLOCK, at + mark.start())
        done = mark.end() if is_label else mark.end() - len(mark[1])
    flow.words(at + done, at + len(text))
