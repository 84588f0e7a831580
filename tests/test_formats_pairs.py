"""The law of the exchange formats: written and read again is the same; what cannot be read is counted."""

from __future__ import annotations

import io
import json
import re
import sys
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext.data import Alignment, Bead, Document
from bitext.errors import BitextError, ReadError
from bitext.formats import (
    Tag,
    Unit,
    decode,
    read_pairs,
    read_text,
    write_beads,
    write_jsonl,
    write_pairs,
    write_tmx,
    write_tsv,
    write_xliff,
)
from bitext.formats._xml import trees

DATA = Path(__file__).parent / "data" / "formats"
FILES = ["memory.tmx", "job12.xlf", "job21.xlf", "app.po", "pairs.tsv", "pairs.csv", "pairs.jsonl"]


def needed(name):
    """Skip where the package that reads a file is not installed."""
    for suffix, module in ((".xlsx", "openpyxl"), (".parquet", "pyarrow")):
        if name.endswith(suffix):
            pytest.importorskip(module)


def written(write, *args, **options):
    out = io.StringIO()
    write(*args, out, **options)
    return out.getvalue()


def again(units, write, suffix, tmp_path):
    path = tmp_path / f"again{suffix}"
    write(units, path)
    return list(read_pairs(path))


@pytest.fixture
def alignment():
    source = Document("第一句。\n第二\t句。第三句。", "zh", [(0, 5), (5, 10), (10, 14)])
    target = Document("One.  Two,\nstill two. Extra.", "en", [(0, 6), (6, 22), (22, 28)])
    beads = (
        Bead(range(0, 1), range(0, 1), score=0.87312),
        Bead(range(1, 2), range(1, 2), score=0.5),
        Bead(range(2, 2), range(2, 3)),
        Bead(range(2, 3), range(3, 3)),
    )
    return Alignment(source, target, beads)


# --- what is read ---


def test_tmx_gives_text_without_its_tags():
    """A `<b>` merged into the sentence would be scored as a word; the tag keeps its place beside the text."""
    pairs = read_pairs(DATA / "memory.tmx")
    first, second = pairs
    assert (first.id, first.source) == ("a.1", "去年营业收入增长了三成。")
    assert first.target == "Last year revenue grew by 30% & more."
    assert [(tag.at, tag.markup) for tag in first.source_tags] == [
        (2, '<bpt i="1">&lt;b&gt;</bpt>'),
        (6, '<ept i="1">&lt;/b&gt;</ept>'),
        (12, '<ph x="2"/>'),
    ]
    assert first.notes == ("first & foremost", "of the target")
    assert first.properties == (("domain", "finance"),)
    assert (second.source_lang, second.source, second.target) == ("zh", "谢谢𠮷先生。", "Thank you all.")
    assert [(item.line, item.reason) for item in pairs.skipped] == [
        (14, "unit 'a.2' has the languages zh-CN; expected zh-CN and another")
    ]


def test_a_tmx_in_three_languages_gives_every_pair(tmp_path):
    """Nothing of a memory is left out silently, and the user can name the pair."""
    path = tmp_path / "a.tmx"
    variants = "".join(f'<tuv xml:lang="{lang}"><seg>{lang}</seg></tuv>' for lang in ("de", "zh-CN", "en-US"))
    path.write_text(
        f'<tmx version="1.4"><header srclang="*all*"/><body><tu tuid="x">{variants}</tu></body></tmx>',
        "utf-8",
    )
    assert [(u.source, u.target) for u in read_pairs(path)] == [("de", "zh-CN"), ("de", "en-US")]
    chosen = read_pairs(path, source_lang="zh", target_lang="en")
    assert [(u.id, u.source, u.target) for u in chosen] == [("x", "zh-CN", "en-US")]
    assert [u.source for u in read_pairs(path, target_lang="de")] == ["zh-CN"]


def test_xliff_1_2_gives_a_unit_per_segment():
    """CAT tools keep several segments in a trans-unit; each is a pair, and alternatives are not."""
    pairs = read_pairs(DATA / "job12.xlf")
    units = list(pairs)
    assert [(u.file, u.id, u.segment, u.source, u.target) for u in units] == [
        ("speech.docx", "1", "", "我们去年开设了两家工厂。", "We opened two plants last year."),
        ("speech.docx", "2 b", "0", "第一句。", "First sentence."),
        ("speech.docx", "2 b", "1", "第二句。", "Second one."),
        ("speech.docx", "3", "", "还没有译。", ""),
        ("notes.txt", "1", "", "完。", "The end."),
    ]
    assert units[0].score == 0.875
    assert units[0].notes == ("keep it short",)
    assert dict(units[0].properties) == {"approved": "yes", "state": "translated"}
    assert {(u.source_lang, u.target_lang) for u in units} == {("zh-CN", "en-GB")}
    assert [item.reason for item in pairs.skipped] == ["unit '2' has no <source>"]


def test_xliff_2_gives_a_unit_per_segment():
    """Matches and notes of a unit carry `<source>` elements of their own."""
    units = list(read_pairs(DATA / "job21.xlf"))
    assert [(u.id, u.segment, u.source, u.target) for u in units] == [
        ("u1", "s1", "我们去年开设了工厂。", "We opened plants last year."),
        ("u1", "s2", "第二句。", "The second."),
        ("u2", "", "没有译。", ""),
    ]
    assert units[0].notes == ("first note", "second note")
    assert units[0].score == 0.9125
    assert [u.codes for u in units] == [(("d2", "**"),), (("d1", "<br/>"),), ()]
    assert units[2].source_tags == (Tag(4, '<cp hex="0007"/>'),)
    assert units[2].properties == (("translate", "no"),)


def test_po_gives_plural_forms_and_counts_what_is_broken():
    """A string outside an entry would shift every msgstr after it."""
    pairs = read_pairs(DATA / "app.po")
    units = list(pairs)
    assert [(u.id, u.segment, u.source, u.target) for u in units] == [
        ("button", "", 'Save "all"\nfiles', "保存“所有”\n文件"),
        ("2", "", "Open", "打开"),
        ("3", "0", "%d files", "%d 个文件"),
    ]
    assert units[0].notes == ("keep it short", "shown on the button")
    assert units[1].properties == (("fuzzy", "yes"),)
    assert {u.target_lang for u in units} == {"zh-CN"}
    assert [item.line for item in pairs.skipped] == [24]


def test_a_table_is_read_by_its_header():
    """Language codes name the columns, further ones become properties, rows that do not fit are counted."""
    pairs = read_pairs(DATA / "pairs.tsv")
    first, second, third = pairs
    assert (first.id, first.source, first.target, first.score) == ("7", "你好。", "Hello.", 0.9)
    assert (first.source_lang, first.target_lang, first.properties) == ("zh", "en", (("reviewer", "li"),))
    assert second.source == '"引号"'
    assert third.properties == (("score", "n/a"), ("reviewer", ""))
    assert [(item.line, item.reason) for item in pairs.skipped] == [
        (3, "row has 2 columns, expected 5"),
        (5, "row is empty"),
    ]


def test_csv_keeps_quotes_separators_and_line_ends_inside_cells():
    """What Excel writes in Europe: semicolons, doubled quotes, cells of two lines."""
    pairs = read_pairs(DATA / "pairs.csv")
    assert [(u.source, u.target, u.line) for u in pairs] == [
        ('他说："好；走。"', 'He said: "Fine; go."', 2),
        ("两\r\n行", "two lines", 3),
        ("完。", "Done.", 7),
    ]
    assert [item.line for item in pairs.skipped] == [5, 6]


def test_jsonl_counts_lines_that_hold_no_pair():
    """One bad line must not end a run over a million, nor vanish."""
    pairs = read_pairs(DATA / "pairs.jsonl")
    assert [(u.id, u.source, u.target, u.score, u.notes) for u in pairs] == [
        ("a", '你好，"世界"你😀。', 'Hello, "world".', 0.5, ("n",)),
        ("5", "谢谢。", "Thanks.", None, ()),
    ]
    assert [item.line for item in pairs.skipped] == [2, 3, 4, 6]


def test_headerless_rows_are_source_target_and_perhaps_a_score(tmp_path):
    """The interchange format of machine translation has no header."""
    path = tmp_path / "a.tsv"
    path.write_text("你好。\tHello.\t0.25\n再见。\tBye.\t\n", "utf-8")
    assert [(u.id, u.source, u.target, u.score) for u in read_pairs(path)] == [
        ("1", "你好。", "Hello.", 0.25),
        ("2", "再见。", "Bye.", None),
    ]


def test_sheets_and_parquet_files_are_tables_too(tmp_path):
    """Editors send Excel, engineers Parquet; both mean the same rows."""
    openpyxl, pyarrow = pytest.importorskip("openpyxl"), pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    workbook = openpyxl.Workbook()
    for row in (["id", "source", "target"], [1, "你好。", "Hello."], [2, "再见。", None]):
        workbook.active.append(row)
    workbook.save(tmp_path / "a.xlsx")
    table = {"id": [1, 2], "source": ["你好。", "再见。"], "target": ["Hello.", None]}
    parquet.write_table(pyarrow.table(table), tmp_path / "a.parquet")
    sheet, rows = (list(read_pairs(tmp_path / name)) for name in ("a.xlsx", "a.parquet"))
    assert sheet == rows == [Unit("1", "你好。", "Hello."), Unit("2", "再见。", "")]
    assert read_text(tmp_path / "a.parquet", side="target").text == "Hello.\n"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("side", ["source", "target"])
def test_every_character_of_a_unit_stands_where_the_map_says(name, side):
    """A finding in a unit points into the file, past its tags and escapes."""
    raw = decode((DATA / name).read_bytes())
    extracted = read_text(DATA / name, side=side)
    assert extracted.text.split("\n") == [
        re.sub(r"[\r\n]", " ", getattr(unit, side)) for unit in read_pairs(DATA / name)
    ]
    n_escapes = 0
    for offset, character in enumerate(extracted.text):
        place = extracted.origin.locate(offset)
        there = raw[place.offset]
        is_escape = there in '&\\"'
        assert there == character or is_escape or character in " \n", (offset, character, place)
        n_escapes += is_escape and there != character
    assert n_escapes < 0.4 * len(extracted.text)


def test_a_place_in_a_unit_names_the_unit():
    """The identity of the unit is what the editor searches for in the CAT tool."""
    text = read_text(DATA / "job12.xlf", side="target")
    place = text.origin.locate(text.text.index("one."))
    assert place[:3] == (14, 119, "2 b/1")


# --- what is written ---


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("write", [write_tmx, write_xliff])
def test_units_survive_tmx_and_xliff(name, write, tmp_path):
    """Ids, order, text, inline tags, notes, properties and scores come back, whatever the units came from."""
    units = list(read_pairs(DATA / name))
    langs = {
        "source_lang": "en" if name == "app.po" else "zh",
        "target_lang": "zh" if name == "app.po" else "en",
    }
    units = [replace(u, **{key: getattr(u, key) or value for key, value in langs.items()}) for u in units]
    suffix = ".tmx" if write is write_tmx else ".xlf"
    back = again(units, write, suffix, tmp_path)
    if write is write_xliff:  # XLIFF holds one pair of languages, written once
        back = [
            replace(b, source_lang=u.source_lang, target_lang=u.target_lang)
            for b, u in zip(back, units, strict=True)
        ]
    assert [_comparable(unit) for unit in back] == [_comparable(unit) for unit in units]


def _comparable(unit):
    """Return a unit without what a format may say in other words, such as a prefix declared on a tag."""
    tags = [
        [(t.at, re.sub(r' xmlns:\w+="[^"]*"', "", t.markup)) for t in side]
        for side in (unit.source_tags, unit.target_tags)
    ]
    properties = sorted(p for p in unit.properties if p[1])
    return replace(unit, source_tags=tags[0], target_tags=tags[1], properties=properties)


@pytest.mark.parametrize("name", ["memory.tmx", "job12.xlf", "job21.xlf"])
def test_units_survive_the_detour_through_the_other_format(name, tmp_path):
    """There and back must give the translator's tags back, not placeholders of placeholders."""
    units = list(read_pairs(DATA / name))
    via_tmx = again(again(units, write_tmx, ".tmx", tmp_path), write_xliff, ".xlf", tmp_path)
    via_xliff = again(again(units, write_xliff, ".xlf", tmp_path), write_tmx, ".tmx", tmp_path)
    for back in (via_tmx, via_xliff):
        assert [(u.id, u.notes, _comparable(u).source_tags, _comparable(u).target_tags) for u in back] == [
            (u.id, u.notes, _comparable(u).source_tags, _comparable(u).target_tags) for u in units
        ]


TEXT = st.text(
    st.one_of(
        st.sampled_from("中文，。a <>&\"'\t\n\r𠮷\u3000"),
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")),
    ),
    max_size=12,
).filter(lambda text: "\ufffe" not in text and "\uffff" not in text)
UNITS = st.lists(
    st.builds(
        Unit,
        id=TEXT.filter(bool),
        source=TEXT,
        target=TEXT,
        source_lang=st.just("zh"),
        target_lang=st.just("en"),
        notes=st.lists(TEXT, max_size=2).map(tuple),
        score=st.none() | st.integers(0, 10_000).map(lambda n: n / 10_000),
    ),
    min_size=1,
    max_size=4,
)


@given(UNITS)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize(
    ("write", "suffix"), [(write_tmx, ".tmx"), (write_xliff, ".xlf"), (write_jsonl, ".jsonl")]
)
def test_any_text_survives(write, suffix, tmp_path_factory, units):
    """Quotes, line ends, rare characters and double ids are all in real memories."""
    back = again(units, write, suffix, tmp_path_factory.mktemp("units"))
    kept = [unit for unit in units if unit.source.strip() or unit.target.strip() or suffix != ".jsonl"]
    assert back == kept or (suffix == ".jsonl" and back == units)


def test_characters_that_xml_cannot_hold_do_not_break_the_file(tmp_path):
    """A form feed from a PDF made files no tool could open."""
    back = again([Unit("1", "页\x0c尾", "a\x00b", "zh", "en")], write_tmx, ".tmx", tmp_path)
    assert (back[0].source, back[0].target) == ("页\ufffd尾", "a\ufffdb")


def test_an_alignment_becomes_a_unit_per_bead(alignment, tmp_path):
    """Null beads stay, so that unit n is bead n in every tool."""
    for write, suffix in ((write_tmx, ".tmx"), (write_xliff, ".xlf")):
        units = again(alignment, write, suffix, tmp_path)
        assert [(u.id, u.source, u.target) for u in units] == [
            ("1", "第一句。", "One."),
            ("2", "第二\t句。", "Two,\nstill two."),
            ("3", "", "Extra."),
            ("4", "第三句。", ""),
        ]


def test_scores_go_to_the_its_module_of_xliff(alignment, tmp_path):
    """The standard place: a localization quality rating from 0 to 100, declared, on the unit."""
    text = written(write_xliff, alignment, scores=[0.9137, 0.25, None, float("nan")])
    units = {
        element.attributes["id"]: element.attributes.get("its:locQualityRatingScore")
        for _, element in trees(io.StringIO(text), "a.xlf", root="xliff", wanted={"unit"})
    }
    assert units == {"1": "91.37", "2": "25.00", "3": None, "4": None}
    assert 'xmlns:its="http://www.w3.org/2005/11/its"' in text
    assert 'version="2.1" srcLang="zh" trgLang="en"' in text


def test_xliff_ids_are_tokens_and_unique():
    """XLIFF 2 allows no blanks in an id and no id twice in a file; ours would be refused by validators."""
    units = [Unit(id, "甲", "a", "zh", "en") for id in ("x", "x", "two words", "u2", "第一")]
    text = written(write_xliff, units)
    ids = re.findall(r'<unit id="([^"]*)"', text)
    assert len(set(ids)) == len(units)
    assert all(re.fullmatch(r"[\w.:-]+", id) for id in ids)


def test_xliff_refuses_a_second_language_pair():
    """A file has one target language; the French would be read as English."""
    units = [Unit("1", "甲", "a", "zh", "en"), Unit("2", "乙", "b", "zh", "fr")]
    with pytest.raises(BitextError, match="zh→fr"):
        written(write_xliff, units)
    with pytest.raises(BitextError, match="both languages"):
        written(write_xliff, [])


def test_beads_are_written_as_the_contract_says(alignment):
    """Scripts of others read this line by line."""
    assert written(write_beads, alignment) == "[0]:[0]:0.8731\n[1]:[1]:0.5000\n[]:[2]:\n[2]:[]:\n"


def test_tsv_of_an_alignment_is_one_row_a_bead(alignment):
    """A tab inside a segment would make a third column, a line end a second row."""
    assert written(write_tsv, alignment) == (
        "第一句。\tOne.\t0.8731\n第二 句。\tTwo, still two.\t0.5000\n\tExtra.\t\n第三句。\t\t\n"
    )
    assert written(write_tsv, [Unit("1", "甲\u3000 乙 \n\r\n 丙", "a  b")]) == "甲\u3000 乙 丙\ta  b\t\n"


def test_jsonl_of_an_alignment_has_numbers_and_texts(alignment):
    """The fields are those of the contract."""
    rows = [json.loads(line) for line in written(write_jsonl, alignment).splitlines()]
    assert rows[1] == {
        "source": [1],
        "target": [1],
        "source_text": "第二\t句。",
        "target_text": "Two,\nstill two.",
        "score": 0.5,
        "kind": "1-1",
    }
    assert (rows[2]["source"], rows[2]["score"], rows[2]["kind"]) == ([], None, "0-1")


def test_tables_read_back_what_they_wrote(alignment, tmp_path):
    """The rows of `align` are the input of `score --pairs`."""
    for write, suffix in ((write_tsv, ".tsv"), (write_jsonl, ".jsonl")):
        units = again(alignment, write, suffix, tmp_path)
        assert [u.score for u in units] == [pytest.approx(0.8731), 0.5, None, None]
        assert [(u.source == "", u.target == "") for u in units[2:]] == [(True, False), (False, True)]


@pytest.mark.parametrize("suffix", [".tmx", ".xliff", ".tsv", ".jsonl", ".parquet"])
def test_any_format_converts_to_any_other(tmp_path, suffix):
    """`bitext convert` is this line; languages that a table does not state are given."""
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    for name in FILES:
        units = list(read_pairs(DATA / name))
        path = tmp_path / f"{name}{suffix}"
        write_pairs(
            read_pairs(DATA / name), path, source_lang="zh", target_lang="zh" if name == "app.po" else "en"
        )
        flat = [(re.sub(r"\s+", " ", u.source), re.sub(r"\s+", " ", u.target)) for u in units]
        back = [(re.sub(r"\s+", " ", u.source), re.sub(r"\s+", " ", u.target)) for u in read_pairs(path)]
        assert back == flat
        if suffix != ".tsv":
            assert [(u.id, u.notes, u.score) for u in read_pairs(path)] == [
                (u.id, ("\n".join(u.notes),) if suffix == ".parquet" and u.notes else u.notes, u.score)
                for u in units
            ]


def test_a_format_that_is_only_read_says_what_is_written(tmp_path):
    """PO and CSV need more than units to be written back."""
    with pytest.raises(BitextError, match="expected the suffix of one of jsonl, parquet, tmx, tsv, xliff"):
        write_pairs([Unit("1", "甲", "a")], tmp_path / "a.po")


def test_standard_input_is_a_table_and_stays_open(monkeypatch):
    """`cat pairs.tsv | bitext score --pairs -`."""
    data = io.BytesIO("甲。\tA.\n".encode())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=data))
    assert [(u.source, u.target) for u in read_pairs("-")] == [("甲。", "A.")]
    assert not data.closed


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path):
    """A memory half overwritten is lost."""
    path = tmp_path / "a.tmx"
    path.write_text("precious", "utf-8")
    broken = tmp_path / "broken.tmx"
    broken.write_text((DATA / "memory.tmx").read_text("utf-8")[:-30], "utf-8")
    with pytest.raises(ReadError):
        write_tmx(read_pairs(broken), path)
    assert path.read_text("utf-8") == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tmx", "broken.tmx"]
    with pytest.raises(BitextError, match="cannot be written"):
        write_tmx(read_pairs(DATA / "memory.tmx"), tmp_path / "no folder" / "a.tmx")


# --- what is refused ---

TMX, XLF = (DATA / "memory.tmx").read_text("utf-8"), (DATA / "job21.xlf").read_text("utf-8")
ENTITIES = '<!DOCTYPE tmx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
DOCTYPE = '<!DOCTYPE tmx SYSTEM "tmx14.dtd">'
BROKEN = {
    "missing.tmx": (None, "no such file"),
    "empty.tmx": ("", "is empty"),
    "prose.tmx": ("just text", r"prose.tmx:1:1: broken XML"),
    "cut.tmx": (TMX[:900], r"cut.tmx:19:\d+: broken XML"),
    "mismatch.tmx": (TMX.replace("</seg>", "", 1), r"mismatch.tmx:11:\d+: broken XML \(mismatched tag\)"),
    "bomb.tmx": (TMX.replace(DOCTYPE, ENTITIES), r"bomb.tmx:2:\d+: has a DTD"),
    "external.tmx": (TMX.replace(DOCTYPE, '<!DOCTYPE tmx [<!ENTITY x SYSTEM "/etc/passwd">]>'), "has a DTD"),
    "undeclared.tmx": (TMX.replace("没有译文", "&x;"), r"undeclared.tmx:15:\d+: has the entity &x;"),
    "no doctype.tmx": (TMX.replace(DOCTYPE, "").replace("没有译文", "&x;"), "undefined entity"),
    "html.tmx": ("<html><body/></html>", r"the root element is <html>; expected <tmx>"),
    "deep.tmx": ("<tmx>" + "<a>" * 5000, "nested"),
    "no units.tmx": ("<tmx version='1.4'><header/><body/></tmx>", "holds no pair"),
    "one language.tmx": (
        "<tmx><header/><body><tu><tuv xml:lang='zh'><seg>甲</seg></tuv></tu></body></tmx>",
        "The first of 1 faults is on line 1: unit '1' has the languages zh",
    ),
    "binary.tmx": ("\x00\x01\x02" * 100, "not a text file"),
    "cut.xlf": (XLF[:1200], r"cut.xlf:\d+:\d+: broken XML"),
    "bomb.xlf": (XLF.replace("<xliff ", '<!DOCTYPE x [<!ENTITY a "a">]><xliff ', 1), "has a DTD"),
    "tmx.xlf": (TMX, r"the root element is <tmx>; expected <xliff>"),
    "version.xlf": (XLF.replace('version="2.1"', 'version="3.0"'), "XLIFF version '3.0'"),
    "deep.xlf": (XLF.replace("第二句。", "<pc id='1'>" * 300), "nested"),
    "no units.xlf": ("<xliff version='2.1'><file id='f'/></xliff>", "holds no pair"),
    "empty.tsv": ("", "holds no pair"),
    "one column.tsv": ("只有一列\n又一行\n", "row has 1 columns, expected 2"),
    "header only.tsv": ("source\ttarget\n", "holds no pair"),
    "quote.csv": ('source,target\n"never closed,b\nc,d\n', "broken quoting .* 2 lines were left out"),
    "prose.jsonl": ("not json\n", "no JSON object"),
    "nested.jsonl": ("[" * 100_000, "no JSON object"),
    "numbers.jsonl": ('{"source": 1, "target": 2}\n', "its keys are 'source', 'target'"),
    "broken.po": ("msgid unquoted\nmsgstr x\n", "is no string of an entry"),
    "no archive.xlsx": ("text", "archive"),
    "no parquet.parquet": ("text", "no readable Parquet file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line_that_names_it(tmp_path, name):
    """Broken XML says line and column; nothing is expanded, fetched or guessed."""
    content, message = BROKEN[name]
    needed(name)
    path = tmp_path / name
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(ReadError, match=message) as caught:
        list(read_pairs(path))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


SAMPLES = sorted(path.name for path in DATA.iterdir() if path.suffix not in (".md", ".txt", ".fodt"))


@given(st.sampled_from(SAMPLES), st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, name, data):
    """Bytes flip, files are cut: nothing but our own one-line error may come of it."""
    content = bytearray((DATA / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, min(40, len(content) - at - 1)))
        content[at : at + length] = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(content)
    for read in (read_text, lambda path: list(read_pairs(path))):
        try:
            read(path)
        except BitextError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_an_unknown_format_lists_the_known_ones(tmp_path):
    """The suffix is what people get wrong."""
    with pytest.raises(BitextError, match="expected one of csv, jsonl, parquet, po, tmx, tsv, xliff, xlsx"):
        read_pairs(tmp_path / "a.doc")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_xml_is_read_in_the_encoding_it_declares(tmp_path, encoding):
    """Expat alone reads neither GB18030 nor Big5, which Chinese tools write."""
    path = tmp_path / "a.tmx"
    path.write_bytes(TMX.replace("UTF-8", encoding).replace("𠮷", "吉").encode(encoding))
    assert [u.source for u in read_pairs(path)] == ["去年营业收入增长了三成。", "谢谢吉先生。"]


def test_a_large_memory_is_streamed(tmp_path):
    """A memory of gigabytes must not need gigabytes: what is held is one unit."""
    body = TMX[TMX.index("<tu ") : TMX.index("</body>")]
    path = tmp_path / "large.tmx"
    peaks = []
    for n in (100, 300):
        path.write_text(TMX.replace(body, body * n), "utf-8")
        tracemalloc.start()
        assert sum(1 for _ in read_pairs(path)) == 2 * n
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_skipped_rows_are_counted_beyond_those_listed(tmp_path):
    """A million bad rows are a number, not a million messages."""
    path = tmp_path / "a.tsv"
    path.write_text("源\t译\n" + "bad\n" * 1500, "utf-8")
    pairs = read_pairs(path)
    assert len(list(pairs)) == 1
    assert (pairs.n_skipped, len(pairs.skipped)) == (1500, 1000)
    assert len(list(pairs)) == 1  # iterating again counts anew
    assert pairs.n_skipped == 1500


def test_pairs_are_read_in_linear_time(tmp_path):
    """One long line of escapes is what a JSON dump of a book looks like."""
    seconds = []
    for n in (5_000, 20_000):
        path = tmp_path / "a.jsonl"
        path.write_text(json.dumps({"source": "\n甲" * n, "target": '"b' * n}) + "\n", "utf-8")
        start = time.process_time()
        assert len(list(read_pairs(path))) == 1
        seconds.append(max(0.02, time.process_time() - start))
    assert seconds[1] / seconds[0] < 9


def test_places_of_units_are_no_part_of_what_they_say():
    """Equality is about content: the same unit on another line is the same unit."""
    unit = Unit("1", "甲", "a")
    assert replace(unit, line=9, source_runs=((0, 9, 1),)) == unit
    assert np.array_equal(np.array(unit.source_runs), np.array(()))
