"""Segmentation loses no character, takes linear time, and divides where a linguist would."""

from __future__ import annotations

import io
import json
import re
import time
import unicodedata
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext.errors import BitextError, QualityDataError, ReadError, SpanError
from bitext.evaluation import segmentation_figures
from bitext.segmentation import Rules, detect_language, segment, segment_lines
from bitext.testing import verify_segmenter

GOLDEN = Path(__file__).parent / "golden"
MARKS = (
    "。！？.!?…—“”‘’\"'（）()《》「」『』[]1①a AZé，;；：\n\r\t\u3000\u2028\u200d😀\U00020000\ud800中了说*•-"
)

texts = st.one_of(st.text(max_size=120), st.text(alphabet=MARKS, max_size=120))
options = st.fixed_dictionaries(
    {
        "quotes": st.sampled_from(["fine", "keep"]),
        "newline": st.sampled_from(["hard", "soft", "auto"]),
        "max_chars": st.sampled_from([None, 1, 7, 40]),
    }
)


# --- laws ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(texts, options)
def test_spans_tile_any_text(text, options):
    """A lost character is an omission nobody made; a blank segment is an addition nobody made."""
    document = segment(text, **options)
    assert "".join(text[a:b] for a, b in document.spans) == text
    assert all(document.segments) or not text.strip()


@settings(deadline=None, max_examples=100)
@given(texts, st.sampled_from(["hard", "soft", "auto"]))
def test_keeping_quotations_only_joins(text, newline):
    """The two policies must differ in where quotations end, not in anything else."""
    fine = segment(text, newline=newline).spans[:, 0]
    keep = segment(text, newline=newline, quotes="keep").spans[:, 0]
    assert set(keep.tolist()) <= set(fine.tolist())


@settings(deadline=None, max_examples=100)
@given(texts, options)
def test_no_accent_is_cut_off_its_letter(text, options):
    """A combining character at the start of a segment would be shown on its own."""
    line_starts = {0, *accumulate(map(len, text.splitlines(keepends=True)))}
    for at in segment(text, **options).spans[:, 0].tolist():
        starts_line = any(not text[i:at].strip() for i in line_starts if i <= at)
        assert starts_line or not unicodedata.combining(text[at])


@settings(deadline=None, max_examples=100)
@given(texts, st.integers(1, 30))
def test_a_limit_only_divides_and_never_within_a_word(text, max_chars):
    free = set(segment(text).spans[:, 0].tolist())
    limited = segment(text, max_chars=max_chars).spans[:, 0].tolist()
    assert free <= set(limited)
    for at in set(limited) - free:
        assert text[at - 1].isspace() or not (text[at - 1].isalnum() and text[at].isalnum())


def test_a_limit_is_kept_where_marks_allow():
    text = "我们走过田野，走过村庄，走过桥，" * 40 + "到了。"
    assert max(map(len, segment(text, max_chars=25).segments)) <= 25
    english = "we walked over the fields, past the mill, " * 40 + "and came home."
    assert max(map(len, segment(english, max_chars=50).segments)) <= 50


@settings(deadline=None, max_examples=100)
@given(texts)
def test_lines_are_segments_one_to_one(text):
    """Pre-segmented input promises one segment a line, blank lines too."""
    document = segment_lines(text, lang="zh")
    assert [text[a:b] for a, b in document.spans] == io.StringIO(text, newline="").readlines()


def test_blank_lines_separate_the_paragraphs_of_prepared_lines():
    document = segment_lines("一\n二\n\n三\r\n \n四", lang="zh")
    assert document.segments == ["一", "二", "", "三", "", "四"]
    assert document.paragraphs.tolist() == [0, 0, 0, 1, 1, 2]


# --- what a linguist expects --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    text: str
    segments: list[str]
    options: dict[str, object]
    known: bool

    def is_right(self) -> bool:
        found = segment(self.text, **self.options).segments
        return ["".join(s.split()) for s in found] == ["".join(s.split()) for s in self.segments]


def read_cases(lang: str) -> list[Case]:
    cases = []
    for block in (GOLDEN / f"segmentation.{lang}.txt").read_text(encoding="utf-8").split("\n===\n"):
        head, rule, tail = block.partition("\n---\n")
        if not rule:
            continue
        remarks, lines = [], head.split("\n")
        while lines[0].startswith("# "):
            remarks.append(lines.pop(0))
        expected = [line for line in tail.split("\n") if line]
        known = any(line.startswith("# known") for line in (*remarks, *expected))
        found = re.findall(r"^# (newline|quotes|max_chars)=(\w+)$", "\n".join(remarks), re.MULTILINE)
        chosen = {key: int(value) if value.isdigit() else value for key, value in found}
        expected = [line for line in expected if not line.startswith("# ")]
        cases.append(Case("\n".join(lines), expected, chosen, known))
    return cases


@pytest.mark.parametrize(("lang", "least"), [("zh", 150), ("en", 80)])
def test_hard_cases_are_divided_as_a_linguist_would(lang, least):
    """The golden files are the specification; what is known to fail is marked there, and is under 5 %."""
    cases = read_cases(lang)
    assert len(cases) >= least
    assert [c.text for c in cases if not c.known and not c.is_right()] == []
    assert [c.text for c in cases if c.known and c.is_right()] == [], (
        "no longer known to fail: remove the mark"
    )
    assert sum(c.known for c in cases) <= 0.05 * len(cases)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_hard_cases_do_not_depend_on_what_stands_around_them(lang):
    """Each case as a paragraph among others gives the same segments: rules look no further."""
    plain = [c for c in read_cases(lang) if not c.options and "\n" not in c.text]
    text = "\n".join(c.text for c in plain)
    expected = [s for c in plain for s in segment(c.text).segments]
    assert segment(text, newline="hard").segments == expected


def test_script_is_told_where_each_mark_stands():
    """Mixed documents need no option: each sentence follows the rules of its own script."""
    text = "会议由Mr. Smith主持。He spoke for 3.5 hours. 大家都累了！Nobody left."
    assert segment(text).segments == [
        "会议由Mr. Smith主持。",
        "He spoke for 3.5 hours.",
        "大家都累了！",
        "Nobody left.",
    ]


# --- paragraphs ---------------------------------------------------------------------------------------------


def test_each_line_is_a_paragraph_unless_it_is_wrapped():
    """Aligners take paragraphs as anchors; a wrapped line must not become one."""
    hard = segment("标题\n第一句。第二句。\n\n第三句。")
    assert hard.paragraphs.tolist() == [0, 1, 1, 2]
    wrapped = (
        "The old mill stood where the stream turned south, and in\n"
        "summer the children came to swim there. Nobody had ground\n"
        "any corn since the flood.\n\n"
        "The owner watched them from his window, and now and then\n"
        "he shouted at them. They never answered him.\n"
    )
    auto = segment(wrapped)
    assert auto.paragraphs.tolist() == [0, 0, 1, 1]
    assert len(segment(wrapped, newline="hard")) == 7


def test_verse_lists_and_dialog_are_not_taken_for_wrapping():
    for text in (
        "春眠不觉晓\n处处闻啼鸟\n夜来风雨声\n花落知多少",
        "- a lid of tin\n- a spoon of wood\n- a jug of milk",
        "“你去哪儿，这么晚了还要出门？”\n“去车站，我妹妹今晚回来。”\n“我陪你去，路上太黑。”",
        "Introduction\nMethods and materials\nResults\nDiscussion",
    ):
        assert len(segment(text)) == text.count("\n") + 1


def test_white_space_belongs_to_the_segment_before_it():
    document = segment("  一。\n\n　　二。 三。\n")
    assert [document.text[a:b] for a, b in document.spans] == ["  一。\n\n　　", "二。 ", "三。\n"]


# --- language -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("我们明天去公园。", "zh"),
        ("我們明天去公園。", "zh-Hant"),
        ("We go to the park tomorrow.", "en"),
        ("用 PyTorch 训练 Transformer 模型时，learning rate 很重要。", "zh"),
        ("The word 你好 means hello, and everybody knows it.", "en"),
        ("Nous allons au parc et les enfants jouent dans le jardin.", "und"),
        ("Wir gehen in den Park und die Kinder spielen mit dem Ball.", "und"),
        ("私たちは明日公園へ行きます。", "und"),
        ("우리는 내일 공원에 간다.", "und"),
        ("Завтра мы пойдём в парк.", "und"),
        ("12:30 — 3.5%", "und"),
        ("", "und"),
    ],
)
def test_language_is_detected(text, lang):
    assert detect_language(text) == lang


# --- other segmenters ---------------------------------------------------------------------------------------


def test_any_callable_segments():
    """Spans, or texts in order, as pySBD, blingfire and wtpsplit return them."""
    text = "  one two\nthree "
    by_texts = segment(text, segmenter=str.split)
    by_spans = segment(text, segmenter=lambda t: [m.span() for m in re.finditer(r"\S+", t)])
    assert by_texts.segments == by_spans.segments == ["one", "two", "three"]
    assert by_texts.paragraphs.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    "divide",
    [
        lambda t: [t.replace("b", "B")],
        lambda t: ["a"],
        lambda t: [(0, 1), (0, 3)],
        lambda t: [(0, 99)],
        lambda t: [None],
    ],
)
def test_a_segmenter_that_loses_or_changes_text_is_refused(divide):
    with pytest.raises(SpanError, match="expected"):
        segment("a b", segmenter=divide)


def test_the_kit_passes_the_rules_and_names_what_others_break():
    for rules in (Rules(), Rules(quotes="keep", newline="hard", max_chars=10)):
        verify_segmenter(rules)

    class Greedy:
        name = ""

        def spans(self, text):
            return np.array([[0, len(text) + 1]], dtype=np.int32)

    with pytest.raises(SpanError, match=r"(?s)name is ''.*the last segment ends at"):
        verify_segmenter(Greedy())


def test_the_name_tells_every_option_apart():
    """The name enters the signature: two ways of dividing must not share one."""
    all_rules = [
        Rules(quotes=q, newline=n, max_chars=m)
        for q in ("fine", "keep")
        for n in ("hard", "soft", "auto")
        for m in (None, 9)
    ]
    assert len({r.name for r in all_rules}) == len(all_rules)


@pytest.mark.parametrize("wrong", [{"quotes": "none"}, {"newline": "lf"}, {"max_chars": 0}])
def test_unknown_options_are_refused(wrong):
    with pytest.raises(BitextError, match="expected"):
        segment("a", **wrong)


# --- speed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit",
    [
        "这是一句话，“他说。”然后走了。",
        '"a. ',
        "（",
        "“",
        "《",
        "：①好。②",
        "1. x 2. x ",
        "。[1]",
        "A. ",
        ". ",
        "‘a’b",
        "*** ",
        "\n",
        "好，",
    ],
)
def test_time_is_linear(unit):
    """A chapter pasted as one line is normal input; eight times the text may not take 64 times as long."""

    def seconds(n_chars):
        text = unit * (n_chars // len(unit))
        best = 1e9
        for _ in range(2):
            start = time.process_time()
            segment(text, max_chars=60)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(48_000) < 24 * max(seconds(6_000), 1e-3)


# --- figures ------------------------------------------------------------------------------------------------


def write_jsonl(path, *records):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return str(path)


def test_figures_count_inner_boundaries_without_white_space(tmp_path):
    path = write_jsonl(
        tmp_path / "gold.jsonl",
        {"id": "1", "text": "一。 二。三，四。", "sents": ["一。", "二。", "三，", "四。"]},
        {"id": "2", "text": "五。", "sents": ["五。"]},
    )
    assert segmentation_figures(path) == {
        "precision": 100.0,
        "recall": 66.67,
        "f1": 80.0,
        "exact": 50.0,
        "n_documents": 2,
        "n_gold": 3,
        "n_found": 2,
    }
    assert segmentation_figures(path, segmenter=lambda text: [text])["recall"] == 0.0


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ('{"text": "a", "sents": ["b"]}', QualityDataError),
        ('{"text": "a"}', QualityDataError),
        ("[1]", QualityDataError),
        ("{", QualityDataError),
        ("", QualityDataError),
    ],
)
def test_broken_gold_is_refused_with_its_place(tmp_path, content, error):
    path = tmp_path / "gold.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(error, match=r"gold\.jsonl"):
        segmentation_figures(str(path))
    with pytest.raises(ReadError, match="cannot be read"):
        segmentation_figures(str(tmp_path / "missing.jsonl"))


def test_segmenters_of_other_libraries_plug_in(monkeypatch):
    """Those who know pySBD or spaCy keep it; what is not installed is named with its extra."""
    import sys
    from types import SimpleNamespace

    from bitext.errors import MissingExtraError
    from bitext.segmentation import load_segmenter

    halves = SimpleNamespace(segment=lambda text: [text[:3], text[3:]])
    monkeypatch.setitem(sys.modules, "pysbd", SimpleNamespace(Segmenter=lambda language, clean: halves))
    assert segment("你好。再见。", segmenter=load_segmenter("pysbd", lang="zh")).segments == [
        "你好。",
        "再见。",
    ]
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(MissingExtraError, match=r"bitext\[spacy\]"):
        load_segmenter("spacy", lang="zh")
    with pytest.raises(BitextError, match="expected pysbd"):
        load_segmenter("nltk", lang="en")
