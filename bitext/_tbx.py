"""TBX on disk to rows, and concepts back: version 2 (``martif``) and version 3 (``tbx``, DCA or DCT).

Only elements that are needed are read; the rest is skipped.  Entity declarations are refused and external
files are never fetched, so a termbase from a stranger cannot make the parser grow or reach out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from bitext._concepts import Concept, Row
from bitext.data import Term
from bitext.errors import TermbaseError

_ENTRY, _LANGUAGE, _TERM = {"conceptEntry", "termEntry"}, {"langSec", "langSet"}, {"termSec", "tig", "ntig"}
_STATUS_OUT = {
    "preferred": "preferredTerm-admn-sts",
    "admitted": "admittedTerm-admn-sts",
    "deprecated": "deprecatedTerm-admn-sts",
    "known-wrong": "deprecatedTerm-admn-sts",
}
_STATUS_IN = {
    "preferredterm": "preferred",
    "admittedterm": "admitted",
    "supersededterm": "deprecated",
    "deprecatedterm": "deprecated",
}
_POS_OUT = {"name": "properNoun", "noun": "noun", "phrase": "other"}
_POS_IN = {"other": "phrase"}
_NAMESPACE = "urn:iso:std:iso:30042:ed-2"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(slots=True)
class _Node:
    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[_Node] = field(default_factory=list)

    def walk(self) -> Iterator[_Node]:
        yield self
        for child in self.children:
            yield from child.walk()


def read_tbx(data: bytes, path: Path, *, require_both: bool) -> Iterator[Row]:
    """Yield the entries of a TBX file.

    Raises
    ------
    TermbaseError
        If the file is not TBX, declares entities, or an entry lacks one of the languages and `require_both`.
    """
    root = _parse(data, path)
    if root.tag not in ("tbx", "martif"):
        raise TermbaseError(
            f"{path.name}:{root.line}: the root element is <{root.tag}>. Expected <tbx> or <martif>."
        )
    entries = [node for node in root.walk() if node.tag in _ENTRY]
    if not entries:
        raise TermbaseError(f"{path.name}: the file holds no concept entries. Expected at least one.")
    for entry in entries:
        row = _row(entry, path)
        if row.zh and row.en:
            yield row
        elif require_both:
            side = "en" if row.zh else "zh"
            raise TermbaseError(
                f"{row.place}: concept {row.id or '(no id)'} has no {side!r} term. "
                "Add one, or pass require_both=False to skip it."
            )


def write_tbx(concepts: Iterable[Concept], path: Path) -> None:
    """Write TBX-Basic, version 3, DCA style."""
    root = ElementTree.Element(
        "tbx", {"type": "TBX-Basic", "style": "dca", _XML_LANG: "zh", "xmlns": _NAMESPACE}
    )
    header = ElementTree.SubElement(ElementTree.SubElement(root, "tbxHeader"), "fileDesc")
    ElementTree.SubElement(
        ElementTree.SubElement(header, "sourceDesc"), "p"
    ).text = "Termbase written by bitext"
    body = ElementTree.SubElement(ElementTree.SubElement(root, "text"), "body")
    for concept in concepts:
        entry = ElementTree.SubElement(body, "conceptEntry", {"id": concept.id})
        _add(entry, "descrip", "subjectField", concept.domain)
        _add(entry, "admin", "source", concept.provenance)
        _add(entry, "admin", "x-condition", concept.condition)
        _add(entry, "admin", "x-confidence", f"{concept.confidence:g}")
        if concept.note:
            ElementTree.SubElement(entry, "note").text = concept.note
        _add_language(entry, "zh", concept, concept.source_terms)
        _add_language(entry, "en", concept, concept.target_terms)
    ElementTree.indent(root)
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _parse(data: bytes, path: Path) -> _Node:
    parser = expat.ParserCreate()
    root = _Node("", {}, 0)
    stack = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        node = _Node(name.rsplit(":", 1)[-1], attributes, parser.CurrentLineNumber)
        stack[-1].children.append(node)
        stack.append(node)

    def end(_: str) -> None:
        node = stack.pop()
        stack[-1].text += node.text if node.tag in ("hi", "foreign", "ph") else ""

    def text(data: str) -> None:
        stack[-1].text += data

    def refuse(name: str, *_: object) -> None:
        raise TermbaseError(
            f"{path.name}:{parser.CurrentLineNumber}: the file declares the entity {name!r}, "
            "which TBX does not need. Remove the declaration."
        )

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise TermbaseError(
            f"{path.name}:{error.lineno}: not well-formed XML ({error}). Expected TBX."
        ) from error
    return root.children[0]


def _row(entry: _Node, path: Path) -> Row:
    row = Row(place=f"{path.name}:{entry.line}", id=entry.attributes.get("id", ""))
    for node in entry.children:
        if node.tag in _LANGUAGE:
            _read_language(node, row)
        else:
            _read_property(node, row)
    return row


def _read_language(section: _Node, row: Row) -> None:
    lang = section.attributes.get("xml:lang", section.attributes.get("lang", "")).lower()
    if lang[:2] not in ("zh", "en"):
        return
    terms: list[tuple[str, str]] = []
    for group in (node for node in section.children if node.tag in _TERM):
        text, status = "", "preferred" if not terms else "admitted"
        for node in group.walk():
            value = node.text.strip()
            kind = node.attributes.get("type", node.tag)
            if node.tag == "term":
                text = " ".join(value.split())
            elif kind == "administrativeStatus":
                status = _STATUS_IN.get(value.removesuffix("-admn-sts").lower(), value)
            elif kind == "partOfSpeech":
                row.pos = _POS_IN.get(value, value)
            elif kind == "x-status":
                status = value
            elif kind == "usageNote" and value == "case-sensitive":
                row.case = "sensitive"
        if text:
            terms.append((text, status))
    if lang.startswith("zh"):
        row.zh = [*row.zh, *terms]
    else:
        row.en = [*row.en, *terms]


def _read_property(entry: _Node, row: Row) -> None:
    for node in entry.walk():
        value = " ".join(node.text.split())
        match node.attributes.get("type", node.tag):
            case "subjectField":
                row.domain = value
            case "source":
                row.provenance = value
            case "x-condition":
                row.condition = value
            case "x-confidence":
                row.confidence = value
            case "note" | "definition":
                row.note = "; ".join(filter(None, (row.note, value)))


def _add(parent: ElementTree.Element, tag: str, kind: str, text: str) -> None:
    if text:
        ElementTree.SubElement(parent, tag, {"type": kind}).text = text


def _add_language(entry: ElementTree.Element, lang: str, concept: Concept, terms: tuple[Term, ...]) -> None:
    section = ElementTree.SubElement(entry, "langSec", {_XML_LANG: lang})
    for term in terms:
        group = ElementTree.SubElement(section, "termSec")
        ElementTree.SubElement(group, "term").text = term.text
        _add(group, "termNote", "partOfSpeech", _POS_OUT[concept.pos])
        _add(group, "termNote", "administrativeStatus", _STATUS_OUT[term.status])
        _add(group, "termNote", "x-status", "known-wrong" if term.status == "known-wrong" else "")
        _add(group, "termNote", "usageNote", "case-sensitive" if term.case_sensitive else "")
