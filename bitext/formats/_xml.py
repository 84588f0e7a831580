"""XML read safely, in a stream, with the place of every piece of text.

Expat does the reading.  A DTD with declarations of its own, and any entity but the five of XML, is refused
before anything is expanded; nothing is ever fetched.  Chosen elements come out as small trees, one at a time,
so that a file of any size needs the memory of its largest unit.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn, TextIO
from xml.parsers import expat

from bitext.errors import ReadError

_CHUNK = 1 << 15  # characters fed at a time
_MAX_DEPTH = 200  # real documents stay under 60; recursion over a tree must not run out of stack
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PLAIN = re.compile("[^&<>\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]*")
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_QUOTED = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


class Text(NamedTuple):
    """Character data, and where it begins in the file (1-based)."""

    text: str
    line: int
    column: int


@dataclass(slots=True)
class Element:
    """An element, its name also without prefix or namespace, and where it begins in the file (1-based)."""

    name: str
    local: str
    attributes: dict[str, str]
    line: int
    column: int
    children: list[Element | Text] = field(default_factory=list)

    def elements(self, *names: str) -> list[Element]:
        """Child elements, of the local `names` if any are given."""
        return [c for c in self.children if isinstance(c, Element) and (not names or c.local in names)]

    def first(self, name: str) -> Element | None:
        """First child element of a local name."""
        return next(iter(self.elements(name)), None)

    def attribute(self, name: str) -> str | None:
        """Value of an attribute by its local name."""
        return next((value for key, value in self.attributes.items() if local_name(key) == name), None)

    def text(self) -> str:
        """All character data inside, in order."""
        return "".join(c.text if isinstance(c, Text) else c.text() for c in self.children)


def local_name(name: str) -> str:
    """Return a name without its prefix (``its:x``) or namespace (``urn:… x``)."""
    return name.rpartition(" ")[2].rpartition(":")[2]


def trees(
    stream: TextIO, path: str, *, root: str, wanted: Container[str], namespaces: bool = False
) -> Iterator[tuple[list[Element], Element]]:
    """Yield each outermost element whose local name is in `wanted`, whole, with its ancestors.

    The ancestors come outermost first and without children.  With `namespaces`, names are ``"URI local"``.

    Raises
    ------
    ReadError
        If the XML is broken (with line and column), has another root element, declares entities, or nests
        too deeply.
    """
    builder = _Builder(path, root, wanted, namespaces)
    n_characters = 0
    while chunk := stream.read(_CHUNK):
        n_characters += len(chunk)
        builder.feed(chunk, final=False)
        yield from builder.ready
        builder.ready.clear()
    if not n_characters:
        raise ReadError(f"{path}: is empty; expected XML. Check that it was saved.")
    builder.feed("", final=True)
    yield from builder.ready


def open_tag(element: Element, *, empty: bool = False) -> str:
    """Return the start tag of `element` as XML."""
    attributes = "".join(f" {name}={quote(value)}" for name, value in element.attributes.items())
    return f"<{element.name}{attributes}{'/' if empty else ''}>"


def markup(element: Element) -> str:
    """Return `element` with everything in it as XML."""
    if not element.children:
        return open_tag(element, empty=True)
    inside = "".join(escape(c.text) if isinstance(c, Text) else markup(c) for c in element.children)
    return f"{open_tag(element)}{inside}</{element.name}>"


def is_well_formed(content: str) -> bool:
    """Whether `content` can stand inside an element: no tag is open or broken."""
    builder = _Builder("", "content", (), namespaces=False)
    try:
        builder.feed(f"<content>{content}</content>", final=True)
    except ReadError:
        return False
    return True


def escape(text: str) -> str:
    """Return `text` as XML character data; what XML cannot hold becomes U+FFFD."""
    return text if _PLAIN.fullmatch(text) else _ILLEGAL.sub("\ufffd", text.translate(_ESCAPED))


def quote(text: str) -> str:
    """Return `text` as a quoted XML attribute value."""
    quoted = _ILLEGAL.sub("\ufffd", text.translate(_QUOTED))
    return f'"{quoted}"'


class _Builder:
    """Turns the events of expat into the trees asked for."""

    def __init__(self, path: str, root: str, wanted: Container[str], namespaces: bool) -> None:
        self.ready: list[tuple[list[Element], Element]] = []
        self._path = path
        self._root = root
        self._wanted = wanted
        self._open: list[Element] = []
        self._n_outside = 0  # how many of the open elements are ancestors only
        self._parser = expat.ParserCreate(namespace_separator=" " if namespaces else None)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.EntityDeclHandler = self._entity
        self._parser.SkippedEntityHandler = self._entity
        self._inside = False

    def feed(self, chunk: str, *, final: bool) -> None:
        try:
            self._parser.Parse(chunk, final)
        except expat.ExpatError as error:
            place, fact = f"{error.lineno}:{error.offset + 1}", expat.ErrorString(error.code)
            raise ReadError(
                f"{self._path}:{place}: broken XML ({fact}); expected well-formed XML. "
                "Repair it there, or export the file again."
            ) from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        element = Element(name, local_name(name), attributes, *self._place())
        if not self._open and element.local != self._root:
            self._refuse(
                f"the root element is <{element.local}>; expected <{self._root}>", "Check the suffix"
            )
        if len(self._open) >= _MAX_DEPTH:
            self._refuse(f"elements are nested {_MAX_DEPTH} deep; expected a few dozen at most")
        if self._inside:
            self._open[-1].children.append(element)
        elif element.local in self._wanted:
            self._inside, self._n_outside = True, len(self._open)
        self._open.append(element)

    def _end(self, name: str) -> None:
        element = self._open.pop()
        if self._inside and len(self._open) == self._n_outside:
            self.ready.append((list(self._open), element))
            self._inside = False

    def _characters(self, text: str) -> None:
        if self._inside:
            self._open[-1].children.append(Text(text, *self._place()))

    def _doctype(self, name: str, system_id: str | None, public_id: str | None, has_subset: int) -> None:
        # a bare <!DOCTYPE tmx SYSTEM "tmx14.dtd"> is in most TMX files; it is not fetched and does no harm
        if has_subset:
            self._refuse("has a DTD with declarations; expected none, because they can expand without end")

    def _entity(self, name: str, *rest: object) -> None:
        self._refuse(f"has the entity &{name};, which is not one of XML's five; expected plain characters")

    def _place(self) -> tuple[int, int]:
        return self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1

    def _refuse(self, fact: str, remedy: str = "Export the file again without it") -> NoReturn:
        line, column = self._place()
        raise ReadError(f"{self._path}:{line}:{column}: {fact}. {remedy}.")
