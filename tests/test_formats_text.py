"""The law of the readers: the text is what the file says, and every code point knows its place."""

from __future__ import annotations

import codecs
import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext.errors import BitextError, ReadError
from bitext.formats import Origin, decode, read_text
from bitext.formats.text import open_text

SIMPLIFIED = "去年公司的营业收入增长了三成，超出了大家的预期。我们今年还要开设两家新工厂。"
TRADITIONAL = "去年公司的營業收入增長了三成，超出了大家的預期。我們今年還要開設兩家新工廠。"
MOSTLY_ASCII = "Release notes 4.2\n- new model: 通义千问 (see the docs)\n- fixed a crash on startup\n" * 3


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize(
    "text", [SIMPLIFIED, MOSTLY_ASCII, "营收增长三成", "“Well,” she said — “that’s new.”\n"]
)
def test_the_encoding_of_chinese_and_english_is_detected(text, encoding):
    """Chinese files rarely say which encoding they are in; short titles and release notes are hard."""
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "text", [TRADITIONAL, MOSTLY_ASCII.replace("通义千问", "語言模型"), "營收成長三成", "董事長的話"]
)
def test_big5_is_told_from_gb18030(text):
    """Nearly every Big5 file is also valid GB18030, as nonsense."""
    assert decode(text.encode("big5")) == text
    assert decode(text.encode("gb18030")) == text


def test_a_gb2312_word_that_is_also_valid_gibberish_stays_chinese():
    """Two bytes per character leave several readings open: only the one that looks like text may win."""
    for word in ("人工智能", "大模型", "北京", "销售额", "董事会"):
        assert decode(word.encode("gb18030")) == word


def test_windows_quotes_in_an_english_file_are_read():
    """Word still saves “plain text” in Windows-1252; GB18030 would eat the letters after the quotes."""
    text = "It’s a “new” café — don’t miss it. The prices didn’t change at all this year, said the owner.\n"
    assert decode(text.encode("cp1252")) == text


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))))
@settings(max_examples=60, deadline=None)
def test_utf8_text_comes_back_unchanged(text):
    """Offsets are into the decoded file: one character lost or normalized would move every finding."""
    expected = text.removeprefix("\ufeff")
    assert decode(text.encode("utf-8"), encoding="utf-8") == expected
    assert decode(codecs.BOM_UTF8 + expected.encode("utf-8")) == expected.removeprefix("\ufeff")


def test_line_ends_are_kept_as_they_are(tmp_path):
    """Universal newlines would shift every offset in a file from Windows."""
    path = tmp_path / "dos.txt"
    path.write_bytes("第一行。\r\n第二行。\rlast\n".encode())
    extracted = read_text(path)
    assert extracted.text == "第一行。\r\n第二行。\rlast\n"
    assert [extracted.origin.locate(i)[:2] for i in (0, 4, 6, 11, 15)] == [
        (1, 1),
        (1, 5),
        (2, 1),
        (3, 1),
        (3, 5),
    ]


@given(st.text(st.sampled_from("ab字𠮷😀 \r\n"), max_size=40))
@settings(max_examples=100, deadline=None)
def test_the_place_of_an_offset_agrees_with_counting_by_hand(text):
    """Editors show code points or UTF-16; we promise code points, 1-based, with CR LF as one line end."""
    origin = Origin.of_text(text)
    for offset in range(len(text)):
        before = text[:offset]
        # a CR whose LF is still to come has not ended the line yet
        ended = before[:-1] if before.endswith("\r") and text[offset] == "\n" else before
        lines = ended.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        column = len(lines[-1]) + 1 + (len(before) - len(ended))
        assert origin.locate(offset) == (len(lines), column, "", offset)


@pytest.mark.parametrize("text", [SIMPLIFIED, MOSTLY_ASCII])
@pytest.mark.parametrize("encoding", [None, "utf-8", "gb18030", "utf-16"])
def test_standard_input_is_read_under_the_name_minus(monkeypatch, text, encoding):
    """`-` is standard input everywhere in the contract."""
    data = text.encode(encoding or "utf-8")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    extracted = read_text("-", encoding=encoding)
    assert (extracted.text, extracted.path, extracted.lang) == (text, "<stdin>", None)


BROKEN = {
    "missing": (None, {}, "no such file"),
    "empty": (b"", {}, "is empty"),
    "white space": (" \r\n\t\n　".encode(), {}, "white space"),
    "png": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", {}, "PNG"),
    "zip": (b"PK\x03\x04\x14\x00", {}, "ZIP"),
    "pdf": (b"%PDF-1.7\n1 0 obj", {}, "PDF"),
    "NULs": (b"\x00\x01\x02\xff" * 50, {}, "not a text file"),
    "NULs under a named encoding": (b"abc\x00def", {"encoding": "utf-8"}, "NUL"),
    "control characters": (b"\x01\x02\x03\x04abc" * 20, {}, "control characters"),
    "unknown codec": (b"abc", {"encoding": "klingon"}, "klingon"),
    "codec that is not for text": (b"abc", {"encoding": "base64"}, "base64"),
    "codec name with a NUL": (b"abc", {"encoding": "a\0b"}, "encoding"),
    "not of the named encoding": (
        SIMPLIFIED.encode("gb18030"),
        {"encoding": "utf-8"},
        "It looks like gb18030",
    ),
    "Big5 said to be UTF-8": (
        TRADITIONAL.encode("big5"),
        {"encoding": "utf-8"},
        "byte offset 0 .*It looks like big5",
    ),
    "no encoding fits": (bytes(range(128, 256)) * 4, {}, "--encoding"),
    "UTF-8 cut off in the middle": (b"\xef\xbb\xbf" + SIMPLIFIED.encode()[:-1], {}, "byte offset"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line_that_names_it(tmp_path, name):
    """Every message is read by an editor: the file, the fact, what was expected, what to do."""
    data, options, message = BROKEN[name]
    path = tmp_path / "speech.zh.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ReadError, match=message) as caught:
        read_text(path, **options)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, BitextError)


def test_a_directory_is_said_to_be_one(tmp_path):
    """`bitext check chapters/ en.txt` is the commonest slip."""
    with pytest.raises(ReadError, match="is a directory"):
        read_text(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"])
def test_a_stream_reads_what_the_whole_file_holds(tmp_path, encoding):
    """Large files are streamed: the encoding is told from the head, and no character is cut at its end."""
    text = ("a" + SIMPLIFIED + "\r\n") * 12_000
    path = tmp_path / "large.txt"
    path.write_bytes(text.encode(encoding))
    with open_text(path) as stream:
        assert stream.read() == text


def test_a_stream_that_turns_foreign_says_at_which_byte(tmp_path):
    """Files pasted together from two encodings exist; the first 256 KiB look fine."""
    head = (SIMPLIFIED + "\n").encode() * 4_000
    path = tmp_path / "mixed.txt"
    path.write_bytes(head + "中".encode("gb18030"))
    with (
        pytest.raises(ReadError, match=rf"byte offset {len(head)} does not fit utf-8"),
        open_text(path) as stream,
    ):
        for _ in stream:
            pass


def test_the_map_is_compact():
    """A map with an object per character would be forty times the text."""
    origin = Origin.of_text("字" * 100_000)
    stored = [origin.starts, origin.sources, origin.lines, origin.unit_starts]
    assert sum(array.nbytes for array in stored) < 100
    assert not any(array.flags.writeable for array in stored)
    assert all(array.dtype == np.int64 for array in stored)
