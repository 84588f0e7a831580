"""TMX 1.4 and XLIFF 1.2 and 2.x to units, and units to TMX 1.4 and XLIFF 2.1.

A unit's text is what a reader of the document reads; inline tags stand beside it, with their offsets, and go
back where they were, also by way of the other format.  Files are streamed in both directions.

A segment of XLIFF is a unit here: a ``<trans-unit>`` cut up by ``<mrk mtype="seg">``, or an XLIFF 2
``<unit>``, gives one for each of its segments.  What lies between the segments of an XLIFF 2 unit
(``<ignorable>``), alternative translations, and dates and names of who changed what are not read.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TextIO

from bitext.data import Alignment
from bitext.errors import BitextError, ReadError
from bitext.formats._units import Run, Skipped, Tag, Unit, bead_scores, units_of
from bitext.formats._xml import Element, Text, escape, is_well_formed, markup, open_tag, quote, trees

_CODES = {  # elements whose content is native code, not text
    "tmx": frozenset({"bpt", "ept", "ph", "it", "ut"}),
    "xliff-1": frozenset({"bpt", "ept", "ph", "it", "x", "bx", "ex"}),
    "xliff-2": frozenset({"cp", "ph", "sc", "ec", "sm", "em"}),
}
_NATIVE_PROPERTIES = frozenset(  # those that XLIFF 2 has an attribute for
    {("translate", value) for value in ("yes", "no")}
    | {("state", value) for value in ("initial", "translated", "reviewed", "final")}
)
_PROPERTY_PREFIX = "x-bitext-"
_METADATA = "urn:oasis:names:tc:xliff:metadata:2.0"
_ITS = "http://www.w3.org/2005/11/its"
_OWN = "urn:bitext:1"
_NAME_TOKEN = re.compile(r"[\w.:\-\u00b7]+")
_DATA_REF = re.compile(r'\bdataRef(?:Start|End)?="([^"]*)"')
_BORROWED = {  # placeholders in which our writers keep a tag of another format: dialect and code, or its name
    "tmx": re.compile(r'<ph type="x-bitext-(xliff-[12])">(.*)</ph>', re.DOTALL),
    "xliff-2": re.compile(r'<ph id="[^"]*" dataRef="([^"]*)" bitext:tag="(tmx|xliff-1)"[^>]*/>'),
}


def read_tmx(
    stream: TextIO, path: str, *, source_lang: str | None = None, target_lang: str | None = None
) -> Iterator[Unit | Skipped]:
    """Yield the units of a TMX file.

    Parameters
    ----------
    source_lang, target_lang : str, optional
        Which languages, where a file has several; ``"zh"`` takes ``"zh-CN"`` too.  By default the source is
        the ``srclang`` of the file, or the first language of a unit, and every other language is a target:
        a unit in three languages gives two units of one `id`.

    Raises
    ------
    ReadError
        If the XML is broken or unsafe, or is no TMX.
    """
    header_lang = None
    count = 0
    for _, element in trees(stream, path, root="tmx", wanted=("header", "tu")):
        if element.local == "header":
            header_lang = element.attributes.get("srclang")
            continue
        count += 1
        srclang = source_lang or element.attributes.get("srclang") or header_lang
        yield from _tmx_units(element, str(count), srclang, target_lang)


def read_xliff(stream: TextIO, path: str) -> Iterator[Unit | Skipped]:
    """Yield the units of an XLIFF 1.x or 2.x file, one per segment, translated or not.

    Raises
    ------
    ReadError
        If the XML is broken or unsafe, or is no XLIFF.
    """
    for ancestors, element in trees(stream, path, root="xliff", wanted=("trans-unit", "unit")):
        version = ancestors[0].attributes.get("version", "")
        if version.startswith("2"):
            yield from _xliff2_units(element, ancestors)
        elif version.startswith("1"):
            yield from _xliff1_units(element, ancestors)
        else:
            raise ReadError(
                f"{path}: XLIFF version {version!r}; expected 1.x or 2.x. Export it as XLIFF 2.1."
            )


def write_tmx(
    content: Alignment | Iterable[Unit],
    to: TextIO | str | Path,
    *,
    scores: Sequence[float | None] | None = None,
) -> None:
    """Write units, or the beads of an alignment, as TMX 1.4.

    `scores` (in [0, 1], one per bead, by default those of the beads) become a property of each unit.  A null
    bead has an empty segment.
    """
    units = units_of(content, bead_scores(content) if scores is None else scores)
    first = next(units, None)
    with open_output(to) as out:
        srclang = quote(first.source_lang or "*all*" if first else "*all*")
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n')
        out.write(
            f'<header creationtool="bitext" creationtoolversion="1" segtype="sentence" o-tmf="bitext" '
            f'adminlang="en" srclang={srclang} datatype="plaintext"/>\n<body>\n'
        )
        for unit in chain([first] if first else [], units):
            out.write(_tmx_markup(unit))
        out.write("</body>\n</tmx>\n")


def write_xliff(
    content: Alignment | Iterable[Unit],
    to: TextIO | str | Path,
    *,
    scores: Sequence[float | None] | None = None,
    source_lang: str = "",
    target_lang: str = "",
) -> None:
    """Write units, or the beads of an alignment, as XLIFF 2.1.

    `scores` (fidelity in [0, 1], one per bead) become the localization quality rating of the ITS module,
    which runs from 0 to 100.  The languages are by default those of the first unit.

    Raises
    ------
    BitextError
        If the languages are not known, or a unit is in others: XLIFF holds one pair of languages.
    """
    units = units_of(content, scores)
    first = next(units, None)
    source_lang = source_lang or (first.source_lang if first else "")
    target_lang = target_lang or (first.target_lang if first else "")
    if not source_lang or not target_lang:
        raise BitextError(
            f"XLIFF needs both languages, got source {source_lang!r} and target {target_lang!r}; "
            "expected BCP 47 codes such as 'zh' and 'en'. Give source_lang and target_lang."
        )
    with open_output(to) as out:
        out.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.1" '
            f"srcLang={quote(source_lang)} trgLang={quote(target_lang)} "
            f'xmlns:its="{_ITS}" its:version="2.0" xmlns:mda="{_METADATA}" xmlns:bitext="{_OWN}" '
            'xml:space="preserve">\n'
        )
        units = chain([first] if first else [], units)
        _write_xliff_files((_require_languages(unit, source_lang, target_lang) for unit in units), out)
        out.write("</xliff>\n")


@contextmanager
def open_output(to: TextIO | str | Path) -> Iterator[TextIO]:
    """Give a text stream to write to; a path is replaced when all is written, and untouched on an error."""
    if not isinstance(to, str | Path):
        yield to
        return
    with replaced(to) as partial, open(partial, "w", encoding="utf-8", newline="\n") as out:
        yield out


@contextmanager
def replaced(to: str | Path) -> Iterator[Path]:
    """Give a path beside `to` to write to; it takes the place of `to` if nothing goes wrong.

    What a link points at is replaced, not the link; what is no file, such as ``/dev/stdout``, is written to itself.
    """
    path = Path(to)
    is_special = path.exists() and not path.is_file()
    place = path if is_special else path.resolve()
    partial = path if is_special else place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        yield partial
        if not is_special:
            partial.replace(place)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BitextError(f"{path}: cannot be written ({reason}); expected a place to write to.") from error
    finally:
        if not is_special:
            partial.unlink(missing_ok=True)


def write_whole(to: str | Path, data: bytes | str) -> None:
    """Write a file that is replaced when all is written: text in UTF-8, lone surrogates escaped."""
    with replaced(to) as partial:
        partial.write_bytes(data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data)


def _tmx_units(
    element: Element, number: str, source_lang: str | None, target_lang: str | None
) -> Iterator[Unit | Skipped]:
    identity = element.attributes.get("tuid", number)
    variants = [(v.attribute("lang") or "", v) for v in element.elements("tuv")]
    segments = [(lang, v, seg) for lang, v in variants if (seg := v.first("seg")) is not None]
    if len(segments) < len(variants) or any(not lang for lang, *_ in segments):
        yield Skipped(element.line, f"unit {identity!r} has a <tuv> without a language or a <seg>")
        return
    is_any = source_lang is None or source_lang.lower() == "*all*"
    sources = [s for s in segments if is_any or _same_language(s[0], source_lang or "")]
    others = [s for s in sources if not target_lang or not _same_language(s[0], target_lang)]
    source = next(iter(others or sources), None)
    targets = [
        s for s in segments if s is not source and (not target_lang or _same_language(s[0], target_lang))
    ]
    if source is None or not targets:
        have = ", ".join(lang for lang, *_ in segments) or "none"
        wanted = f"{'any' if is_any else source_lang} and {target_lang or 'another'}"
        yield Skipped(element.line, f"unit {identity!r} has the languages {have}; expected {wanted}")
        return
    for lang, variant, segment in targets:
        holders = (element, source[1], variant)
        own, properties = _split_properties(
            (p.attributes.get("type", ""), p.text()) for h in holders for p in h.elements("prop")
        )
        yield _unit(
            (source[2], segment),
            dialect="tmx",
            id=identity,
            source_lang=source[0],
            target_lang=lang,
            notes=tuple(n.text() for h in holders for n in h.elements("note")),
            score=_score(own.get("score"), 1.0),
            segment=own.get("segment", ""),
            file=own.get("file", ""),
            codes=tuple(
                (name.removeprefix("code:"), code) for name, code in own.items() if name.startswith("code:")
            ),
            properties=properties,
            line=element.line,
        )


def _same_language(lang: str, wanted: str) -> bool:
    lang, wanted = lang.lower().replace("_", "-"), wanted.lower().replace("_", "-")
    return lang == wanted or lang.startswith(wanted + "-") or wanted.startswith(lang + "-")


def _split_properties(
    properties: Iterable[tuple[str, str]],
) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """Separate what our own writer put there from what belongs to others."""
    own, others = {}, []
    for kind, value in properties:
        if kind.startswith(_PROPERTY_PREFIX):
            own[kind.removeprefix(_PROPERTY_PREFIX)] = value
        else:
            others.append((kind, value))
    return own, tuple(others)


def _xliff1_units(element: Element, ancestors: list[Element]) -> Iterator[Unit | Skipped]:
    identity = element.attributes.get("id", "")
    source, target = element.first("source"), element.first("target")
    if source is None:
        yield Skipped(element.line, f"unit {identity!r} has no <source>")
        return
    sides = [("", source, target)]
    seg_source = element.first("seg-source")
    if seg_source is not None and (cut := _marked_segments(seg_source)):
        translated = _marked_segments(target) if target is not None else {}
        if translated or target is None or not target.text().strip():
            sides = [(mid, segment, translated.get(mid)) for mid, segment in cut.items()]
    file = _file(ancestors)
    notes = tuple(n.text() for n in element.elements("note"))
    for count, (mid, source_side, target_side) in enumerate(sides):
        holders = [h for h in (target_side, target, element) if h is not None]
        rating = next((r for h in holders if (r := h.attribute("locQualityRatingScore"))), None)
        yield _unit(
            (source_side, target_side),
            dialect="xliff-1",
            id=identity,
            source_lang=file.attributes.get("source-language", ""),
            target_lang=file.attributes.get("target-language", ""),
            notes=notes if not count else (),
            score=_score(rating, 100.0),
            segment=mid,
            file=file.attributes.get("original", ""),
            properties=_properties(
                translate=element.attributes.get("translate"),
                approved=element.attributes.get("approved"),
                state=target.attributes.get("state") if target is not None else None,
            ),
            line=element.line,
        )


def _marked_segments(element: Element) -> dict[str, Element]:
    """Return the ``<mrk mtype="seg">`` inside, by `mid`, in order."""
    found: dict[str, Element] = {}
    for child in element.elements():
        if child.local == "mrk" and child.attributes.get("mtype") == "seg":
            found[child.attributes.get("mid", str(len(found)))] = child
        else:
            found |= _marked_segments(child)
    return found


def _xliff2_units(element: Element, ancestors: list[Element]) -> Iterator[Unit | Skipped]:
    identity = element.attributes.get("id", "")
    notes = tuple(n.text() for holder in element.elements("notes") for n in holder.elements("note"))
    codes = tuple(
        (d.attributes.get("id", ""), d.text())
        for h in element.elements("originalData")
        for d in h.elements("data")
    )
    root, file = ancestors[0], _file(ancestors)
    prefixes = {
        k: v for e in (*ancestors, element) for k, v in e.attributes.items() if k.startswith("xmlns:")
    }
    properties = tuple(
        (meta.attributes.get("type", ""), meta.text())
        for metadata in element.elements("metadata")
        for group in metadata.elements("metaGroup")
        for meta in group.elements("meta")
    ) + _properties(translate=element.attributes.get("translate"))
    segments = element.elements("segment")
    if not segments:
        yield Skipped(element.line, f"unit {identity!r} has no segment")
    for count, segment in enumerate(segments):
        source = segment.first("source")
        if source is None:
            yield Skipped(segment.line, f"unit {identity!r} has a segment without <source>")
            continue
        yield _unit(
            (source, segment.first("target")),
            dialect="xliff-2",
            prefixes=prefixes,
            id=element.attributes.get("bitext:id", identity),
            source_lang=root.attributes.get("srcLang", ""),
            target_lang=root.attributes.get("trgLang", ""),
            notes=notes if not count else (),
            score=_score(element.attribute("locQualityRatingScore"), 100.0),
            segment=segment.attributes.get("bitext:id", segment.attributes.get("id", "")),
            file=file.attributes.get("original", ""),
            codes=codes,
            properties=(*properties, *_properties(state=segment.attributes.get("state"))),
            line=segment.line,
        )


def _file(ancestors: list[Element]) -> Element:
    return next((a for a in ancestors if a.local == "file"), ancestors[0])


def _unit(
    sides: tuple[Element, Element | None],
    *,
    dialect: str,
    codes: tuple[tuple[str, str], ...] = (),
    prefixes: dict[str, str] | None = None,
    **fields: object,
) -> Unit:
    source, source_tags, source_runs = _inline(sides[0], dialect, prefixes)
    target, target_tags, target_runs = _inline(sides[1], dialect, prefixes) if sides[1] else ("", (), ())
    own = _given_back(source_tags, target_tags, dialect, dict(codes))
    if own is not None:
        source_tags, target_tags, dialect = own
    used = {name for tag in (*source_tags, *target_tags) for name in _DATA_REF.findall(tag.markup)}
    return Unit(
        source=source,
        target=target,
        source_tags=source_tags,
        target_tags=target_tags,
        source_runs=source_runs,
        target_runs=target_runs,
        dialect=dialect if source_tags or target_tags else "",
        codes=tuple(code for code in codes if dialect == "xliff-2" and code[0] in used),
        **fields,  # type: ignore[arg-type]  # the callers name the fields of Unit
    )


def _given_back(
    source_tags: tuple[Tag, ...], target_tags: tuple[Tag, ...], dialect: str, codes: dict[str, str]
) -> tuple[tuple[Tag, ...], tuple[Tag, ...], str] | None:
    """Return the tags that all of `dialect`'s placeholders were written for by us, and whose they are."""
    sides: list[list[Tag]] = [[], []]
    dialects = set()
    for side, tags in zip(sides, (source_tags, target_tags), strict=True):
        for tag in tags:
            match = _BORROWED[dialect].fullmatch(tag.markup) if dialect in _BORROWED else None
            if match is None:
                return None
            kind, code = (
                (match[1], html.unescape(match[2])) if dialect == "tmx" else (match[2], codes.get(match[1]))
            )
            if code is None:
                return None
            dialects.add(kind)
            side.append(Tag(tag.at, code))
        if not is_well_formed("".join(tag.markup for tag in side)):
            return None
    if len(dialects) != 1:
        return None
    return tuple(sides[0]), tuple(sides[1]), dialects.pop()


def _properties(**values: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in values.items() if value is not None)


def _score(value: str | None, full: float) -> float | None:
    try:
        score = round(float(value) / full, 6) if value is not None else None
    except ValueError:
        return None
    return score if score is not None and 0.0 <= score <= 1.0 else None


def _inline(
    element: Element, dialect: str, prefixes: dict[str, str] | None = None
) -> tuple[str, tuple[Tag, ...], tuple[Run, ...]]:
    """Return the text of a segment, its tags with their offsets, and where the text came from.

    `prefixes` are the ``xmlns:`` attributes in force: a tag takes along those it uses.
    """
    pieces: list[str] = []
    tags: list[Tag] = []
    runs: list[Run] = []
    length = 0

    def walk(children: Sequence[Element | Text]) -> None:
        nonlocal length
        for child in children:
            if isinstance(child, Text):
                runs.append((length, child.line, child.column))
                pieces.append(child.text)
                length += len(child.text)
                continue
            if prefixes:
                child.attributes |= _used_prefixes(child, prefixes)
            if child.local in _CODES[dialect]:
                tags.append(Tag(length, markup(child)))
            else:
                tags.append(Tag(length, open_tag(child)))
                walk(child.children)
                tags.append(Tag(length, f"</{child.name}>"))

    walk(element.children)
    return "".join(pieces), tuple(tags), tuple(runs)


def _used_prefixes(element: Element, prefixes: dict[str, str]) -> dict[str, str]:
    used = {f"xmlns:{name.partition(':')[0]}" for name in (element.name, *element.attributes) if ":" in name}
    return {key: uri for key, uri in prefixes.items() if key in used}


def _tmx_markup(unit: Unit) -> str:
    own = {
        "segment": unit.segment,
        "file": unit.file,
        "score": "" if unit.score is None else f"{unit.score:.4f}",
    }
    own |= {f"code:{name}": code for name, code in unit.codes}
    properties = [(_PROPERTY_PREFIX + name, value) for name, value in own.items() if value]
    lines = [f"<tu tuid={quote(unit.id)}>"]
    lines += [f"<note>{escape(note)}</note>" for note in unit.notes]
    lines += [
        f"<prop type={quote(kind)}>{escape(value)}</prop>" for kind, value in (*unit.properties, *properties)
    ]
    for lang, text, tags in (
        (unit.source_lang, unit.source, unit.source_tags),
        (unit.target_lang, unit.target, unit.target_tags),
    ):
        content = _with_tags(text, [(tag.at, _tmx_tag(tag, unit.dialect)) for tag in tags])
        lines.append(f"<tuv xml:lang={quote(lang or 'und')}><seg>{content}</seg></tuv>")
    return "\n".join([*lines, "</tu>\n"])


def _tmx_tag(tag: Tag, dialect: str) -> str:
    return tag.markup if dialect == "tmx" else f'<ph type="x-bitext-{dialect}">{escape(tag.markup)}</ph>'


def _with_tags(text: str, tags: Iterable[tuple[int, str]]) -> str:
    pieces, done = [], 0
    for at, tag in tags:
        pieces += [escape(text[done:at]), tag]
        done = at
    return "".join([*pieces, escape(text[done:])])


def _require_languages(unit: Unit, source_lang: str, target_lang: str) -> Unit:
    pairs = (unit.source_lang, source_lang), (unit.target_lang, target_lang)
    if not all(not lang or _same_language(lang, expected) for lang, expected in pairs):
        raise BitextError(
            f"unit {unit.id!r} is {unit.source_lang}→{unit.target_lang}, "
            f"the file {source_lang}→{target_lang}; XLIFF holds one pair of languages. "
            "Name source_lang and target_lang when reading."
        )
    return unit


def _write_xliff_files(units: Iterator[Unit], out: TextIO) -> None:
    """Write units in groups: neighbors of one file, and within it the segments of one unit."""
    n_files = 0
    file: str | None = None
    taken: set[str] = set()
    for group in _unit_groups(units):
        if group[0].file != file:
            if file is not None:
                out.write("</file>\n")
            file, n_files, taken = group[0].file, n_files + 1, set()
            original = f" original={quote(file)}" if file else ""
            out.write(f'<file id="f{n_files}"{original}>\n')
        out.write(_xliff_markup(group, taken))
    out.write("</file>\n" if file is not None else '<file id="f1">\n</file>\n')


def _unit_groups(units: Iterator[Unit]) -> Iterator[list[Unit]]:
    group: list[Unit] = []
    for unit in units:
        belongs = (
            group
            and unit.segment
            and group[-1].segment
            and (unit.file, unit.id, unit.score) == (group[-1].file, group[-1].id, group[-1].score)
            and unit.segment not in {u.segment for u in group}
        )
        if group and not belongs:
            yield group
            group = []
        group.append(unit)
    if group:
        yield group


def _xliff_markup(group: list[Unit], taken: set[str]) -> str:
    first = group[0]
    rating = "" if first.score is None else f' its:locQualityRatingScore="{100 * first.score:.2f}"'
    translate = _native_attribute(first, "translate")
    lines = [f"<unit{_identity(first.id, 'u', taken)}{translate}{rating}>"]
    given = [p for p in first.properties if p not in _NATIVE_PROPERTIES]
    if given:
        metas = "".join(f"<mda:meta type={quote(kind)}>{escape(value)}</mda:meta>" for kind, value in given)
        lines.append(f"<mda:metadata><mda:metaGroup>{metas}</mda:metaGroup></mda:metadata>")
    notes = [f"<note>{escape(note)}</note>" for unit in group for note in unit.notes]
    if notes:
        lines.append(f"<notes>{''.join(notes)}</notes>")
    codes = dict(code for unit in group for code in unit.codes)
    segments, taken_segments = [], set[str]()
    for unit in group:
        segments.append(_segment_markup(unit, codes, taken_segments))
    if codes:
        data = "".join(f"<data id={quote(name)}>{escape(code)}</data>" for name, code in codes.items())
        lines.append(f"<originalData>{data}</originalData>")
    return "\n".join([*lines, *segments, "</unit>\n"])


def _identity(identity: str, prefix: str, taken: set[str]) -> str:
    """Return id attributes: the id itself where XLIFF allows it, else a new one and ours beside it."""
    if _NAME_TOKEN.fullmatch(identity) and identity not in taken:
        taken.add(identity)
        return f' id="{identity}"'
    number = len(taken) + 1
    while f"{prefix}{number}" in taken:
        number += 1
    taken.add(f"{prefix}{number}")
    return f' id="{prefix}{number}" bitext:id={quote(identity)}'


def _segment_markup(unit: Unit, codes: dict[str, str], taken: set[str]) -> str:
    """Return a ``<segment>``; native codes of other formats are added to `codes`."""
    identity = _identity(unit.segment, "s", taken) if unit.segment else ""
    state = _native_attribute(unit, "state")
    source, target = (
        _with_tags(text, [(tag.at, _xliff_tag(tag, unit.dialect, codes)) for tag in tags])
        for text, tags in ((unit.source, unit.source_tags), (unit.target, unit.target_tags))
    )
    target = f"<target>{target}</target>" if target else ""
    return f"<segment{identity}{state}><source>{source}</source>{target}</segment>"


def _native_attribute(unit: Unit, name: str) -> str:
    value = dict(reversed(unit.properties)).get(name)
    return f' {name}="{value}"' if (name, value) in _NATIVE_PROPERTIES else ""


def _xliff_tag(tag: Tag, dialect: str, codes: dict[str, str]) -> str:
    if dialect == "xliff-2":
        return tag.markup
    name = f"d{len(codes) + 1}"
    codes[name] = tag.markup
    return f'<ph id="{name}" dataRef="{name}" bitext:tag="{dialect}"/>'
