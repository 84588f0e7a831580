"""The files editors work in come back with the findings in them, and with everything else as it was."""

# ruff: noqa: E501 - XML by hand

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bitext import cli, formats, pipeline
from bitext._report_files import where_in_target
from bitext.data import Alignment, Bead, Document, Issue
from bitext.errors import BitextError, MissingExtraError
from bitext.report import Report
from bitext.scoring import Drift, Scores

docx = pytest.importorskip("docx", reason="the extra [docx]")
openpyxl = pytest.importorskip("openpyxl", reason="the extra [xlsx]")

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SOURCE = "去年我们收了三万五千公斤蓝莓。\n\n感谢镇里的支持。\n\n它们卖到了十一个省。\n"


def text_document(text, lang, path=None):
    ends = [i + 1 for i, c in enumerate(text) if c == "\n" and text[i + 1 : i + 2] != "\n"] or [len(text)]
    ends = [*(e for e in ends if e < len(text)), len(text)]
    return Document(text, lang, np.column_stack(([0, *ends[:-1]], ends)), path=path)


def report_on(target, *spans, source=None, **rest):
    """One bead of everything, and an issue at each of the `spans` of the target."""
    source = source or text_document(SOURCE, "zh")
    bead = Bead(range(len(source)), range(len(target)), score=0.9)
    alignment = Alignment(source, target, (bead,))
    values = {
        "check": "number-mismatch",
        "category": "accuracy/mistranslation",
        "severity": "major",
        "confidence": 0.9,
    }
    values |= rest
    issues = tuple(
        Issue(
            message=f"finding {n}",
            bead=0,
            source_span=(6, 10),
            target_span=span,
            suggestion="35,000",
            **values,
        )
        for n, span in enumerate(spans)
    )
    scores = Scores(0.9, (0.9,), Drift(0.0, 0.0, 0.0, 0.0, (0.0,)), "s")
    return Report(alignment, scores, issues, "s")


def span_of(document, text, nth=0):
    start = -1
    for _ in range(nth + 1):
        start = document.text.index(text, start + 1)
    return start, start + len(text)


def written(report, path):
    report.write(path)
    return docx.Document(str(path))


def commented_texts(word):
    """Return the text each comment is on, by comment id: what stands between its marks."""
    inside: dict[str, str] = {}
    active: list[str] = []
    for node in word.element.body.iter():
        if node.tag == f"{W}commentRangeStart":
            active.append(node.get(f"{W}id"))
            inside[active[-1]] = ""
        elif node.tag == f"{W}commentRangeEnd":
            active.remove(node.get(f"{W}id"))
        elif node.tag == f"{W}t":
            for one in active:
                inside[one] += node.text or ""
    assert not active
    return list(inside.values())


def runs_as_shown(word):
    """Every character with its format, so that split runs look the same as whole ones."""
    return [
        (character, bool(run.bold), bool(run.italic), run.font.size)
        for paragraph in word.paragraphs
        for run in paragraph.runs
        for character in run.text
    ]


@pytest.fixture
def letter(tmp_path):
    """Make a document with formats, a table, a hyperlink, a footnote-like tab and a line break."""
    word = docx.Document()
    word.add_heading("Farm news", level=1)
    p = word.add_paragraph("Last year we ")
    p.add_run("picked 3,5").bold = True
    p.add_run("00 kg of ").italic = True
    p.add_run("blueberries\tand\nmore. ")
    p.add_run("𠮷 is a rare character 🎉.")
    cell = word.add_table(rows=1, cols=2).rows[0].cells
    cell[0].text, cell[1].text = "Provinces", "eleven"
    word.add_paragraph("Thank you, everyone, for your patience.")
    path = tmp_path / "letter.docx"
    word.save(str(path))
    return path


# ---- Word --------------------------------------------------------------------------------------------------


def test_comments_stand_on_the_words_and_say_what_to_write(letter, tmp_path):
    """The editor reads the comment beside the words it is about; they lie in two runs of two formats."""
    target = pipeline.read(letter)
    word = written(report_on(target, span_of(target, "3,500 kg")), tmp_path / "out.docx")
    assert commented_texts(word) == ["3,500 kg"]
    (comment,) = word.comments
    assert comment.author == "bitext"
    said = ["Number differs (major)", "finding 0", "Write: 35,000", "Source: 三万五千"]
    assert [p.text for p in comment.paragraphs] == said
    assert comment.timestamp is None


def test_nothing_but_comments_is_added(letter, tmp_path):
    """Formats, tables, tabs and breaks must survive: the file goes back to the author."""
    target = pipeline.read(letter)
    words = ("3,500 kg", "blueberries\tand\nmore", "𠮷", "eleven", "patience", "Last", "news", ".")
    report = report_on(target, *(span_of(target, w) for w in words))
    word = written(report, tmp_path / "out.docx")
    before = docx.Document(str(letter))
    assert formats.read_text(tmp_path / "out.docx").text == target.text
    assert runs_as_shown(word) == runs_as_shown(before)
    assert sorted(commented_texts(word)) == sorted(w.replace("\t", "").replace("\n", "") for w in words)
    assert len(list(word.comments)) == len(words)
    old, new = zipfile.ZipFile(letter), zipfile.ZipFile(tmp_path / "out.docx")
    unchanged = {"word/styles.xml", "word/settings.xml", "word/fontTable.xml", "docProps/core.xml"}
    for name in unchanged & set(old.namelist()):
        assert ElementTree.canonicalize(old.read(name).decode()) == ElementTree.canonicalize(
            new.read(name).decode()
        )


def test_overlapping_and_nested_findings_each_get_their_comment(letter, tmp_path):
    target = pipeline.read(letter)
    spans = [span_of(target, w) for w in ("picked 3,500 kg of", "3,500", "500 kg of blue", "3,500")]
    word = written(report_on(target, *spans), tmp_path / "out.docx")
    assert sorted(commented_texts(word)) == sorted(["picked 3,500 kg of", "3,500", "3,500", "500 kg of blue"])
    assert formats.read_text(tmp_path / "out.docx").text == target.text


@pytest.mark.parametrize("seed", range(6))
def test_any_spans_leave_the_text_alone_and_cover_what_they_should(letter, tmp_path, seed):
    """Run boundaries, span boundaries and paragraph boundaries in every order."""
    rng = np.random.default_rng(seed)
    target = pipeline.read(letter)
    spans = [tuple(sorted(rng.integers(0, len(target.text) + 1, 2).tolist())) for _ in range(8)]
    spans = [s for s in spans if target.text[slice(*s)].strip()]
    word = written(report_on(target, *spans), tmp_path / "out.docx")
    assert formats.read_text(tmp_path / "out.docx").text == target.text
    found = [t.replace("\t", "") for t in commented_texts(word)]
    expected = [target.text[slice(*s)].replace("\n", "").replace("\t", "") for s in spans]
    assert sorted(found) == sorted(expected)


def test_a_document_of_libreoffice_takes_a_comment_on_every_pair_of_characters(tmp_path):
    """Its runs, notes and tables are not those that python-docx would write."""
    path = tmp_path / "a.docx"
    path.write_bytes((Path(__file__).parent / "data" / "formats" / "report.docx").read_bytes())
    target = pipeline.read(path, lang="en")
    words = [match.span() for match in re.finditer(r"\S\S?", target.text)]
    word = written(report_on(target, *words), tmp_path / "out.docx")
    assert formats.read_text(tmp_path / "out.docx").text == target.text
    assert len(list(word.comments)) == len(words) > 20
    in_body = [span for span in words if span[1] <= target.text.index("旁注")]
    exact = Counter(commented_texts(word)) & Counter(target.text[slice(*span)] for span in words)
    assert exact.total() == len(in_body)  # a text box and a note are commented as a whole


def test_comments_that_are_there_stay(letter, tmp_path):
    """A second reviewer's remarks must not be lost, nor taken for ours."""
    word = docx.Document(str(letter))
    word.add_comment(word.paragraphs[1].runs[0], text="Nice opening.", author="Mei")
    word.save(str(letter))
    target = pipeline.read(letter)
    word = written(report_on(target, span_of(target, "eleven")), tmp_path / "out.docx")
    assert [c.author for c in word.comments] == ["Mei", "bitext"]
    assert "Nice opening." in next(iter(word.comments)).text


def document_xml(body, extra=()):
    """Make a Word document by hand, for what python-docx does not write."""
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>'
    links = ""
    parts = {}
    for n, (name, content) in enumerate(extra):
        types += f'<Override PartName="/word/{name}.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.{name}+xml"/>'
        links += f'<Relationship Id="x{n}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{name}" Target="{name}.xml"/>'
        parts[f"word/{name}.xml"] = content
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    parts |= {
        "[Content_Types].xml": types + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{office}" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{relations}">{links}</Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{W[1:-1]}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:v="urn:schemas-microsoft-com:vml"><w:body>{body}</w:body></w:document>',
    }
    return parts


def save_parts(path, parts):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_footnotes_text_boxes_and_revisions_get_their_comments_where_word_allows_them(tmp_path):
    """Word knows no comment inside a footnote or a text box; such a file would be called damaged."""
    t = "<w:t xml:space='preserve'>"
    body = (
        f"<w:p><w:r>{t}We grew </w:t></w:r><w:ins w:id='1'><w:r>{t}very </w:t></w:r></w:ins>"
        f"<w:del w:id='2'><w:r><w:delText>not</w:delText></w:r></w:del>"
        "<w:r><w:t>  berries</w:t></w:r><w:r><w:footnoteReference w:id='4'/></w:r></w:p>"
        f"<w:p><w:r><w:pict><v:textbox><w:txbxContent><w:p><w:r><w:t>Boxed words</w:t></w:r></w:p></w:txbxContent></v:textbox></w:pict></w:r>"
        "<w:hyperlink><w:r><w:t>a linked phrase</w:t></w:r></w:hyperlink></w:p>"
    )
    note = f"<w:footnotes xmlns:w='{W[1:-1]}'><w:footnote w:type='separator' w:id='0'><w:p/></w:footnote><w:footnote w:id='4'><w:p><w:r><w:t>Blue ones.</w:t></w:r></w:p></w:footnote></w:footnotes>"
    path = save_parts(tmp_path / "a.docx", document_xml(body, [("footnotes", note)]))
    target = pipeline.read(path)
    assert target.text == "We grew very berries\n\na linked phrase\n\nBoxed words\n\nBlue ones."
    words = ("very berr", "linked", "Boxed", "Blue")
    word = written(report_on(target, *(span_of(target, w) for w in words)), tmp_path / "out.docx")
    assert formats.read_text(tmp_path / "out.docx").text == target.text
    assert [t for t in commented_texts(word) if t] == ["very berr", "Boxed words", "linked"]
    starts = [n for n in word.element.body.iter(f"{W}commentRangeStart")]
    assert len(starts) == 4
    assert not [n for n in starts if any(a.tag == f"{W}txbxContent" for a in n.iterancestors())]
    on_note = next(n for n in starts if n.getnext().find(f"{W}footnoteReference") is not None)
    assert on_note is not None


def test_a_text_that_was_no_word_document_becomes_a_plain_one(tmp_path):
    """CRLF, tabs and blank lines of a text file; the comments stand on the same words."""
    text = "Last year we picked 3,500 kg\r\nof 𠮷 berries.\r\n\r\n\r\nThank\tyou.\x07\r\n"
    target = text_document(text, "en", path="t.txt")
    spans = [span_of(target, w) for w in ("3,500", "kg\r\nof", "Thank\tyou")]
    word = written(report_on(target, *spans), tmp_path / "out.docx")
    assert [p.text for p in word.paragraphs] == [
        "Last year we picked 3,500 kg\nof 𠮷 berries.",
        "Thank\tyou.\ufffd",
    ]
    assert sorted(commented_texts(word)) == ["3,500", "Thankyou", "kgof"]


def test_an_omission_is_marked_at_the_word_before_the_gap(tmp_path):
    """There is nothing to mark in the translation; the editor is sent to where the words are missing."""
    source = text_document(SOURCE, "zh")
    target = text_document("We picked berries.\n\nThey sold well.\n", "en")
    beads = (
        Bead(range(0, 1), range(0, 1), score=0.9),
        Bead(range(1, 2), range(1, 1)),
        Bead(range(2, 3), range(1, 2), score=0.9),
    )
    alignment = Alignment(source, target, beads)
    start = source.text.index("感谢")
    omission = Issue(
        "omission", "accuracy/omission", "critical", 0.9, "not translated", 1, source_span=(start, start + 8)
    )
    scores = Scores(0.9, (0.9, 0.0, 0.9), Drift(0.2, 0.0, 0.0, 0.0, (0.0, None, 0.0)), "s")
    word = written(Report(alignment, scores, (omission,), "s"), tmp_path / "out.docx")
    assert commented_texts(word) == ["berries."]
    assert "Source: 感谢镇里的支持。" in next(iter(word.comments)).text
    first = Alignment(
        source,
        text_document("A b.\n", "en"),
        (Bead(range(0, 2), range(0, 0)), Bead(range(2, 3), range(0, 1))),
    )
    assert where_in_target(first, Issue("omission", "a", "major", 0.5, "m", 0, (0, 2))) == (0, 1)


def test_a_document_that_was_changed_after_the_check_is_refused(letter, tmp_path):
    """Comments at the old places would stand on other words."""
    target = pipeline.read(letter)
    report = report_on(target, span_of(target, "eleven"))
    word = docx.Document(str(letter))
    word.add_paragraph("A late addition.")
    word.save(str(letter))
    with pytest.raises(BitextError, match="Check it again"):
        report.write(tmp_path / "out.docx")
    assert not (tmp_path / "out.docx").exists()


def test_the_strict_variant_is_refused_in_one_line(tmp_path):
    """We read it; python-docx, which writes the comments, does not."""
    purl = "http://purl.oclc.org/ooxml"
    parts = document_xml("<w:p><w:r><w:t>Hello there</w:t></w:r></w:p>")
    for name, content in parts.items():
        content = content.replace(W[1:-1], f"{purl}/wordprocessingml/main")
        old = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        parts[name] = content.replace(old, f"{purl}/officeDocument/relationships")
    target = pipeline.read(save_parts(tmp_path / "a.docx", parts))
    with pytest.raises(BitextError, match="transitional variant") as caught:
        report_on(target, (0, 5)).write(tmp_path / "out.docx")
    assert "\n" not in str(caught.value)


def test_a_missing_library_is_named_with_its_extra(letter, tmp_path, monkeypatch):
    report = report_on(pipeline.read(letter), (0, 4))
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(MissingExtraError, match=r"bitext\[docx\]"):
        report.write(tmp_path / "out.docx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"bitext\[xlsx\]"):
        report.write(tmp_path / "out.xlsx")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_opens_the_commented_document_and_keeps_the_comments(letter, tmp_path):
    """A program that is not python-docx agrees that the file is whole."""
    target = pipeline.read(letter)
    report_on(target, span_of(target, "3,500 kg"), span_of(target, "eleven")).write(tmp_path / "out.docx")
    home = (tmp_path / "profile").as_uri()
    command = ["soffice", f"-env:UserInstallation={home}", "--headless", "--convert-to", "fodt"]
    subprocess.run(
        [*command, "--outdir", tmp_path, tmp_path / "out.docx"], check=True, capture_output=True, timeout=120
    )
    content = (tmp_path / "out.fodt").read_text(encoding="utf-8")
    assert content.count("<office:annotation ") == 2
    assert content.count("<office:annotation-end") == 2
    assert "Write: 35,000" in content


# ---- XLIFF -------------------------------------------------------------------------------------------------

XLIFF1 = """<?xml version="1.0" encoding="utf-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2" xmlns:x="urn:other">
<file original="a.docx" source-language="zh" target-language="en" datatype="plaintext"><body>
  <trans-unit id="1">
    <source>去年收了三万五千公斤。</source>
    <target>Last year 3,500 kg &amp; <g id="1">more</g>.</target>
    <x:own/>
  </trans-unit>
  <trans-unit id="2"><source>谢谢。</source><target>Thanks.</target><note>ours</note></trans-unit>
</body></file>
</xliff>
"""
XLIFF2 = """<?xml version="1.0" encoding="utf-8"?>
<xliff version="2.1" xmlns="urn:oasis:names:tc:xliff:document:2.0" srcLang="zh" trgLang="en">
<file id="f1">
  <unit id="1">
    <originalData><data id="d1">&lt;b/&gt;</data></originalData>
    <segment><source>去年收了三万五千公斤。</source><target>Last year 3,500 kg<ph id="p" dataRef="d1"/>.</target></segment>
  </unit>
  <unit id="2">
    <notes><note>ours</note></notes>
    <segment><source>谢谢。</source><target>Thanks.</target></segment>
  </unit>
</file>
</xliff>
"""


def xliff_report(path, *words):
    target = pipeline.read(path, side="target", pre_segmented=True)
    return report_on(
        target,
        *(span_of(target, word) for word in words),
        source=pipeline.read(path, pre_segmented=True),
    )


@pytest.mark.parametrize("content", [XLIFF1, XLIFF2])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_xliff_file_comes_back_with_notes_at_the_units_and_nothing_else(tmp_path, content, newline):
    """Translation tools show notes beside the unit; everything else must be byte for byte theirs."""
    path = tmp_path / "a.xlf"
    path.write_bytes(b"\xef\xbb\xbf" + content.replace("\n", newline).encode())
    xliff_report(path, "3,500", "Thanks").write(tmp_path / "b.xlf")
    before, after = list(formats.read_pairs(path)), list(formats.read_pairs(tmp_path / "b.xlf"))
    assert [u.notes for u in after] == [
        ("major number-mismatch: finding 0 → 35,000",),
        ("ours", "major number-mismatch: finding 1 → 35,000"),
    ]
    assert [(u.id, u.source, u.target, u.target_tags) for u in after] == [
        (u.id, u.source, u.target, u.target_tags) for u in before
    ]
    data = (tmp_path / "b.xlf").read_bytes()
    for unit in after:
        for note in unit.notes:
            if note != "ours":
                start = data.rindex(b"<note", 0, data.index(note.encode()))
                end = data.index(b"</note>", start) + len(b"</note>")
                data = data[:start] + data[end:]
    data = data.replace(b"<notes></notes>", b"")
    assert b"".join(data.split()) == b"".join(path.read_bytes().split())


@pytest.mark.parametrize("content", [XLIFF1, XLIFF2])
def test_notes_stand_where_the_schema_wants_them(tmp_path, content):
    """Before foreign elements in XLIFF 1, before codes and segments in XLIFF 2."""
    path = tmp_path / "a.xlf"
    path.write_text(content, encoding="utf-8")
    xliff_report(path, "3,500", "Thanks").write(tmp_path / "b.xlf")
    root = ElementTree.parse(tmp_path / "b.xlf").getroot()
    units = [e for e in root.iter() if e.tag.endswith("unit")]
    names = [[child.tag.rpartition("}")[2] for child in unit] for unit in units]
    if content == XLIFF1:
        assert names == [["source", "target", "note", "own"], ["source", "target", "note", "note"]]
    else:
        assert names == [["notes", "originalData", "segment"], ["notes", "segment"]]


def test_the_same_notes_are_not_written_twice(tmp_path):
    """A file is checked again after every round of editing."""
    path = tmp_path / "a.xlf"
    path.write_text(XLIFF1, encoding="utf-8")
    xliff_report(path, "3,500").write(path)
    once = path.read_bytes()
    xliff_report(path, "3,500").write(path)
    assert path.read_bytes() == once


def test_a_text_becomes_xliff_with_a_unit_for_each_bead(tmp_path):
    target = text_document("We <b>picked</b> 3,500 kg.\n", "en")
    report_on(target, span_of(target, "3,500")).write(tmp_path / "b.xliff")
    (unit,) = formats.read_pairs(tmp_path / "b.xliff")
    assert unit.target == "We <b>picked</b> 3,500 kg."
    assert unit.notes == ("major number-mismatch: finding 0 → 35,000",)
    assert unit.score == 0.9


def test_utf_16_comes_back_as_utf_8_that_says_so(tmp_path):
    """Notes are inserted into the text; the declaration must not lie about it."""
    path = tmp_path / "a.xlf"
    path.write_bytes(XLIFF1.replace("utf-8", "utf-16").encode("utf-16"))
    xliff_report(path, "3,500").write(tmp_path / "b.xlf")
    assert b'encoding="UTF-8"' in (tmp_path / "b.xlf").read_bytes()
    assert next(iter(formats.read_pairs(tmp_path / "b.xlf"))).notes


# ---- Excel -------------------------------------------------------------------------------------------------


def test_the_workbook_reads_back_as_pairs_and_runs_no_formula(tmp_path):
    """A translation may begin with an equals sign; opened in Excel it must stay text."""
    target = text_document('=HYPERLINK("http://x","y")\x07 costs 3,500.\n', "en")
    report = report_on(target, span_of(target, "3,500"))
    report.write(tmp_path / "r.xlsx")
    (pair,) = formats.read_pairs(tmp_path / "r.xlsx")
    assert pair.target == '=HYPERLINK("http://x","y")\ufffd costs 3,500.'
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "r.xlsx").read_bytes()))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    assert book.sheetnames == ["beads", "issues"]
    header, row = book["issues"].iter_rows(values_only=True)
    assert dict(zip(header, row, strict=True)) == {
        "bead": 0,
        "severity": "major",
        "check": "number-mismatch",
        "message": "finding 0",
        "suggestion": "35,000",
        "source": "三万五千",
        "target": "3,500",
        "confidence": 0.9,
        "place": f"<target>:1:{target.text.index('3,500') + 1}",
    }


def test_a_report_without_findings_still_makes_every_file(letter, tmp_path):
    report = report_on(pipeline.read(letter))
    for suffix in ("docx", "xlsx", "xliff"):
        report.write(tmp_path / f"r.{suffix}")
        assert (tmp_path / f"r.{suffix}").stat().st_size > 500
    assert formats.read_text(Path(tmp_path / "r.docx")).text == report.alignment.target.text


# ---- the command -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["docx", "xliff", "xlsx"])
def test_check_writes_the_file_and_still_fails_on_findings(pair, capsys, kind):
    """In a build the exit code counts, whatever is written; standard output stays empty."""
    assert cli.main(["check", *pair, "--format", kind, "-o", f"out.{kind}"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"written to out.{kind}" in err
    text = {
        "docx": lambda: " ".join(c.text for c in docx.Document("out.docx").comments),
        "xliff": lambda: " ".join(note for unit in formats.read_pairs("out.xliff") for note in unit.notes),
        "xlsx": lambda: " ".join(
            str(c.value) for row in openpyxl.load_workbook("out.xlsx")["issues"] for c in row
        ),
    }[kind]()
    assert "3亿元" in text


@pytest.mark.parametrize(
    ("extra", "fact"),
    [([], "expected -o FILE"), (["a.en.txt", "-o", "x.docx"], "holds one translation, got 2")],
)
def test_a_file_that_cannot_be_written_is_one_line_of_error(pair, capsys, extra, fact):
    assert cli.main(["check", *pair, *extra, "--format", "docx"]) == 2
    assert fact in capsys.readouterr().err
    assert not Path("x.docx").exists()


@pytest.mark.skipif(os.name != "posix", reason="links and devices as POSIX has them")
def test_what_a_link_points_at_is_replaced_and_a_device_is_written_to(letter, tmp_path):
    """People keep reports behind links, and pipe with /dev/stdout; neither may turn into a plain file."""
    report = report_on(pipeline.read(letter))
    (tmp_path / "kept").mkdir()
    (tmp_path / "r.json").symlink_to(tmp_path / "kept" / "r.json")
    report.write(tmp_path / "r.json")
    report.write(tmp_path / "r.json")
    assert (tmp_path / "r.json").is_symlink()
    assert (tmp_path / "kept" / "r.json").stat().st_size > 100
    (tmp_path / "null.json").symlink_to("/dev/null")
    report.write(tmp_path / "null.json")
    assert Path("/dev/null").is_char_device()
    assert sorted(p.name for p in tmp_path.rglob("*.json")) == ["null.json", "r.json", "r.json"]
