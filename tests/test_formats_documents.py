"""The law of the document readers: what a person reads in the file, in order, and where it stands there.

`tests/data/formats` holds a sample of each format and, under its name with ``.txt``, the text a reader must
give.  `report.docx` was saved by LibreOffice 7.4 from `report.fodt`.
"""

from __future__ import annotations

import builtins
import io
import re
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext.errors import MissingExtraError, ReadError
from bitext.formats import Origin, decode, read_text

DATA = Path(__file__).parent / "data" / "formats"
SAMPLES = ["article.md", "page.html", "film.srt", "talk.vtt", "report.docx"]
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


@pytest.fixture(autouse=True)
def _markdown_parser(request):
    """Skip where markdown-it-py is not installed and a test reads Markdown."""
    asked = [
        str(value) for value in getattr(request.node, "callspec", SimpleNamespace(params={})).params.values()
    ]
    if any(".md" in value for value in asked) and "missing_package" not in request.node.name:
        pytest.importorskip("markdown_it")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_gives_the_text_beside_it(name):
    """Code, navigation, deletions and hidden text out; blocks apart; what is inside a sentence joined."""
    expected = (DATA / f"{name}.txt").read_text("utf-8")
    assert read_text(DATA / name).text + "\n" == expected


@pytest.mark.parametrize("name", ["article.md", "page.html", "film.srt", "talk.vtt"])
def test_every_character_stands_where_the_map_says(name):
    """A finding points into the user's file; only separators and characters written as codes may differ."""
    raw = decode((DATA / name).read_bytes())
    extracted = read_text(DATA / name)
    lines = raw.split("\n")
    for offset, character in enumerate(extracted.text):
        place = extracted.origin.locate(offset)
        assert lines[place.line - 1][place.column - 1 :][:1] == raw[place.offset].rstrip("\n")
        if raw[place.offset] != character:
            is_separator = character in " \n"
            is_code = raw[place.offset] in "&\\"
            assert is_separator or is_code, (offset, character, place)


@pytest.mark.parametrize("name", SAMPLES)
def test_offsets_into_the_file_never_run_backwards(name):
    """Reading order is file order; only text boxes and notes of DOCX move, and those have no offsets."""
    extracted = read_text(DATA / name)
    places = [extracted.origin.locate(i) for i in range(len(extracted.text))]
    keys = [
        (place.offset, place.line, place.column) if place.offset is not None else place.line
        for place in places
    ]
    assert keys == sorted(keys)


def test_places_name_paragraph_table_and_note():
    """DOCX has no lines: the editor finds a place by what Word shows."""
    report = read_text(DATA / "report.docx")
    places = {
        word: report.origin.locate(report.text.index(word)) for word in ("将近", "一百", "旁注", "汇率")
    }
    assert {word: place.unit for word, place in places.items()} == {
        "将近": "paragraph 2",
        "一百": "table 1 row 2 cell 2",
        "旁注": "text box 1",
        "汇率": "footnote 1",
    }
    assert places["将近"][:2] == (2, 11)
    assert places["将近"].offset is None


def test_places_name_the_cue():
    """Subtitle editors jump to a cue by its number or name."""
    film, talk = read_text(DATA / "film.srt"), read_text(DATA / "talk.vtt")
    assert [film.origin.locate(film.text.index(w)).unit for w in ("He told", "that", "Yes", "不去")] == [
        "cue 1",
        "cue 2",
        "cue 3",
        "cue 5",
    ]
    assert [talk.origin.locate(talk.text.index(w)).unit for w in ("欢迎", "模型")] == ["cue opening", "cue 2"]


def test_the_language_a_file_states_is_reported():
    """The user should not have to say what the file says."""
    pytest.importorskip("markdown_it")
    assert [read_text(DATA / name).lang for name in SAMPLES] == ["zh", "zh-CN", None, None, None]


def test_subtitles_without_punctuation_stay_apart(tmp_path):
    """Most Chinese subtitles have no marks: joining them would make the film one sentence."""
    path = tmp_path / "a.srt"
    cues = ["你来了", "我等了很久", "外面下雨吗", "一直没停"]
    path.write_text(
        "".join(f"{i}\n00:00:0{i},000 --> 00:00:0{i},900\n{cue}\n\n" for i, cue in enumerate(cues, start=1)),
        "utf-8",
    )
    assert read_text(path).text.split("\n") == cues


@pytest.mark.parametrize("suffix", [".md", ".html", ".srt", ".vtt"])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_marked_up_files_come_in_every_encoding(tmp_path, suffix, encoding):
    """The encoding is told before the markup is looked at."""
    sample = {"md": "article.md", "html": "page.html", "srt": "film.srt", "vtt": "talk.vtt"}[suffix[1:]]
    path = tmp_path / f"a{suffix}"
    path.write_bytes((DATA / sample).read_text("utf-8").encode(encoding))
    assert read_text(path).text == read_text(DATA / sample).text


@pytest.mark.parametrize("name", ["article.md", "page.html", "film.srt", "talk.vtt"])
def test_line_ends_of_windows_change_no_text(tmp_path, name):
    """Only the places may differ between two systems."""
    path = tmp_path / name
    path.write_bytes((DATA / name).read_bytes().replace(b"\n", b"\r\n"))
    ours, theirs = read_text(DATA / name), read_text(path)
    assert theirs.text.replace("\r\n", "\n") == ours.text
    assert theirs.origin.locate(10)[:2] == ours.origin.locate(10)[:2]


PIECES = """<p> </p> <b > </nav> <nav> <!-- --> &amp; & < 字 <br> <script> </script> <rt> ` " =' * ** [ ](x)
| \\|"""
MARKUP = st.lists(st.sampled_from([*PIECES.split(), "a b\n", "\n\n", "    ", "> ", "- "]), max_size=30)


@given(MARKUP)
@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_no_markup_breaks_a_reader(tmp_path_factory, suffix, pieces):
    """Pages are broken in every way there is; a reader may find no text, but nothing else may go wrong."""
    path = tmp_path_factory.mktemp("markup") / f"a{suffix}"
    source = "".join(pieces)
    path.write_text("字" + source, "utf-8", newline="")
    try:
        extracted = read_text(path)
    except ReadError as error:
        assert "no text" in str(error) or "white space" in str(error)  # noqa: PT017
        return
    for offset in range(len(extracted.text)):
        place = extracted.origin.locate(offset)
        assert 0 <= place.offset <= len(source) + 1


HOSTILE = ["<!--", "<a '", '<a b="', "<nav>", "<nav></nav", "<", "&", "<script", "</", "<p<"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_html_is_read_in_linear_time(tmp_path, piece):
    """A hostile page must not hang the batch: four times the page takes four times as long, not sixteen."""
    seconds = []
    for length in (40_000, 160_000):
        path = tmp_path / "a.html"
        path.write_text("<p>字</p>" + piece * (length // len(piece)), "utf-8")
        start = time.process_time()
        assert read_text(path).text.startswith("字")
        seconds.append(max(0.02, time.process_time() - start))
    assert seconds[1] / seconds[0] < 9


def _docx(path, document, *, extra=()):
    """Write a DOCX of a body, as little as one may hold."""
    types = "".join(
        f'<Override PartName="/word/{part}.xml" '
        f'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}+xml"/>'
        for part, kind in (("document", "document.main"), *((name, name) for name, _ in extra))
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f"<Types>{types}</Types>")
        archive.writestr("word/document.xml", document)
        for name, content in extra:
            archive.writestr(f"word/{name}.xml", content)
    return path


def _body(*blocks):
    return f"<w:document {WORD}><w:body>{''.join(blocks)}</w:body></w:document>"


def test_tracked_changes_read_as_accepted(tmp_path):
    """What is inserted will be printed and what is deleted will not, paragraph marks and rows included."""
    document = _body(
        "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>前半</w:t></w:r>"
        "<w:del><w:r><w:delText>删去</w:delText></w:r></w:del></w:p>",
        "<w:p><w:ins><w:r><w:t>后半。</w:t></w:r></w:ins>"
        "<w:moveFrom><w:r><w:t>搬走</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>搬来。</w:t></w:r></w:moveTo></w:p>",
        "<w:p><w:del><w:r><w:delText>整段删去</w:delText></w:r></w:del></w:p>",
        "<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p><w:r><w:t>删去的行</w:t></w:r></w:p></w:tc></w:tr>"
        "<w:tr><w:tc><w:p><w:r><w:t>留下的行</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
    )
    assert read_text(_docx(tmp_path / "a.docx", document)).text == "前半后半。搬来。\n\n留下的行"


def test_fields_ruby_and_fallbacks_are_read_once(tmp_path):
    """A field has a code and a result, a shape two descriptions, ruby a gloss: only one of each is text."""
    compatibility = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    box = "<w:txbxContent><w:p><w:r><w:t>框</w:t></w:r></w:p></w:txbxContent>"
    document = _body(
        "<w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>"
        "<w:r><w:t>第</w:t></w:r><w:sdt><w:sdtContent><w:r><w:t xml:space='preserve"
        "'>3 </w:t></w:r></w:sdtContent></w:sdt>"
        "<w:r><w:ruby><w:rt><w:r><w:t>hàn</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase>"
        "</w:ruby></w:r><w:r><w:noBreakHyphen/></w:r><w:r><w:br w:type='page'/></w:r>"
        f"<w:r><mc:AlternateContent {compatibility}><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>",
    )
    assert read_text(_docx(tmp_path / "a.docx", document)).text == "第3 漢-\n\n框"


def test_endnotes_come_last(tmp_path):
    """They are translated too, and stand at the end of the book."""
    notes = (
        f"<w:endnotes {WORD}><w:endnote w:id='0' w:type='separator'><w:p/></w:endnote><w:endnote w:id='1'>"
    )
    notes += "<w:p><w:r><w:t>尾注。</w:t></w:r></w:p></w:endnote></w:endnotes>"
    document = _body("<w:p><w:r><w:t>正文。</w:t></w:r></w:p>")
    extracted = read_text(_docx(tmp_path / "a.docx", document, extra=[("endnotes", notes)]))
    assert extracted.text == "正文。\n\n尾注。"
    assert extracted.origin.locate(5).unit == "endnote 1"


def test_a_workbook_gives_its_text_cells(tmp_path):
    """Editors keep source texts in Excel; the address of the cell is the place."""
    openpyxl = pytest.importorskip("openpyxl")
    workbook = openpyxl.Workbook()
    workbook.active.title = "稿"
    workbook.active["A1"], workbook.active["B2"], workbook.active["C2"] = "标题", "第一句。", 42
    workbook.save(tmp_path / "a.xlsx")
    extracted = read_text(tmp_path / "a.xlsx")
    assert extracted.text == "标题\n\n第一句。"
    assert extracted.origin.locate(4).unit == "稿!B2"


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
PARAGRAPH = "<w:p><w:r><w:t>字</w:t></w:r></w:p>"


def _zip(entries, *, truncate=0):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()[: -truncate or None]


def _document(content):
    path = io.BytesIO()
    _docx(path, content)
    return path.getvalue()


BROKEN_DOCX = {
    "empty": (b"", "archive"),
    "no archive": (b"just text", "archive"),
    "old Word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old or encrypted"),
    "cut off": (_zip([("[Content_Types].xml", "<Types/>")], truncate=30), "archive"),
    "no contents": (_zip([("a.txt", "a")]), r"Content_Types\].xml: not in the archive"),
    "a workbook": (_zip([("[Content_Types].xml", "<Types/>")]), "no Word document"),
    "broken XML": (_document(_body("<w:p><w:r></w:p>")), r"document.xml:1:\d+: broken XML"),
    "entity bomb": (_document(BOMB + _body(PARAGRAPH)), "DTD"),
    "external entity": (_document(EXTERNAL + _body("<w:p><w:r><w:t>&x;</w:t></w:r></w:p>")), "DTD"),
    "zip bomb": (_document(_body(PARAGRAPH) + " " * 20_000_000), "zip bomb"),
    "deep nesting": (_document(_body("<w:p>" * 5000)), "nested"),
    "no text": (_document(_body("<w:p/>")), "no text"),
}


@pytest.mark.parametrize("name", BROKEN_DOCX)
def test_a_broken_docx_is_one_line_that_names_it(tmp_path, name):
    """Documents come by mail; what is in them is not to be trusted."""
    data, message = BROKEN_DOCX[name]
    path = tmp_path / "a.docx"
    path.write_bytes(data)
    with pytest.raises(ReadError, match=message) as caught:
        read_text(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_workbook_with_a_dtd_is_refused_before_it_is_opened(tmp_path):
    """The library that reads workbooks would expand the entities."""
    pytest.importorskip("openpyxl")
    path = tmp_path / "a.xlsx"
    path.write_bytes(_zip([("xl/workbook.xml", BOMB + "<workbook>&b;</workbook>")]))
    with pytest.raises(ReadError, match="DTD"):
        read_text(path)


BROKEN = {
    "cue.srt": ("1\n00:00:01 -> 00:00:02\nhello\n", "holds no cue"),
    "arrow.srt": (
        "1\n00:00:01,000 --> soon\nhello\n",
        r"arrow.srt:2: '00:00:01,000 --> soon' is no cue timing",
    ),
    "minutes.vtt": ("WEBVTT\n\n00:01.000 --> 00:02.000\na\n\n0:02 --> 0:03\nb\n", "minutes.vtt:6"),
    "prose.vtt": ("WEBVTT\n\nno cues at all\n", "holds no cue"),
    "silent.srt": ("1\n00:00:01,000 --> 00:00:02,000\n<i></i>\n", "no text"),
    "code.md": ("```\ncode only\n```\n", "no text"),
    "front.md": ("---\ntitle: x\n---\n", "no text"),
    "scripts.html": ("<script>var a</script><nav>首页</nav>", "no text"),
    "empty.html": ("", "empty"),
    "blank.md": (" \n\n", "empty"),
    "image.html": ("\x89PNG\r\n\x1a\n", "PNG"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_document_is_one_line_that_names_it(tmp_path, name):
    """The same promise as for plain text: the file, the fact, what was expected."""
    content, message = BROKEN[name]
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1" if "PNG" in content else "utf-8"))
    with pytest.raises(ReadError, match=message) as caught:
        read_text(path)
    assert re.match(re.escape(str(path)), str(caught.value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "module", "extra"), [("a.md", "markdown_it", "markdown"), ("a.xlsx", "openpyxl", "xlsx")]
)
def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch, name, module, extra):
    """The message is the command that mends it."""
    real = builtins.__import__

    def fail(asked, *args, **kwargs):
        if asked.partition(".")[0] == module:
            raise ImportError(asked)
        return real(asked, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fail)
    (tmp_path / name).write_text("字", "utf-8")
    with pytest.raises(MissingExtraError, match=rf"bitext\[{extra}\]"):
        read_text(tmp_path / name)


def test_a_map_stays_small():
    """A whole book must not need an object for each of its characters."""
    extracted = read_text(DATA / "page.html")
    assert isinstance(extracted.origin, Origin)
    assert len(extracted.origin.starts) < len(extracted.text) / 2
