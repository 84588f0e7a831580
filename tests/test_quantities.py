"""Numbers: read right in both languages, matched right between them, silent where nothing is wrong."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext.data import SEVERITIES
from bitext.errors import LanguageError
from bitext.quantities import Quantity, compare_quantities, find_quantities, format_quantity

GOLDEN = Path(__file__).parent / "golden" / "quantities.tsv"
HEDGES = ("about", "nearly", "under", "most", "over", "least")
SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}


def golden(*kinds):
    rows = [line.split("\t") for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    return [pytest.param(*row, id=f"{i}-{row[1]}") for i, row in enumerate(rows, 1) if row[0] in kinds]


def value_of(text):
    if ":" in text:
        hour, minute = text.split(":")
        return 60.0 * int(hour) + int(minute)
    number, _, scale = text.strip().partition(" ")
    return float(number) * SCALES.get(scale, 1.0)


VALUE = r"\d+(?:[.:]\d+)?(?: (?:thousand|million|billion|trillion))?"


def read_meaning(text):
    """'20 billion..99.9 billion USD vague' → (low, high, unit, hedge, vague)."""
    low, high, rest = re.fullmatch(rf"({VALUE})(?:\.\.({VALUE}))?(.*)", text).groups()
    words = rest.split()
    hedge = next((w for w in words if w in HEDGES), "")
    unit = " ".join(w for w in words if w not in (*HEDGES, "vague"))
    return value_of(low), value_of(high or low), unit, hedge, "vague" in words


@pytest.mark.parametrize(("lang", "text", "expected"), golden("zh", "en"))
def test_every_number_is_read_as_what_it_means(lang, text, expected):
    """A translator wrote down what each number means; the reader must agree, in place and value."""
    found = find_quantities(text, lang)
    stated = [] if expected == "-" else [case.split(" = ") for case in expected.split(" ; ")]
    assert [q.text for q in found] == [words for words, _ in stated]
    for q, (_, meaning) in zip(found, stated, strict=True):
        low, high, unit, hedge, vague = read_meaning(meaning)
        assert (q.low, q.high) == pytest.approx((low, high), rel=1e-9)
        assert q.unit == ("clock" if ":" in meaning else unit)
        assert (q.hedge, q.vague) == (hedge, vague)


@pytest.mark.parametrize(("_", "chinese", "english"), golden("right"))
def test_a_right_translation_is_never_flagged(_, chinese, english):
    """An editor stops reading a check that cries wolf; both directions count."""
    assert compare_quantities(chinese, english) == []
    assert compare_quantities(english, chinese, source_lang="en", target_lang="zh") == []


@pytest.mark.parametrize(("kind", "source", "target", "expected"), golden("wrong", "wrong-en"))
def test_a_wrong_number_is_found_named_and_put_right(kind, source, target, expected):
    """The kind says what is wrong, the factor how much, the suggestion what to write instead."""
    langs = ("zh", "en") if kind == "wrong" else ("en", "zh")
    findings = compare_quantities(source, target, source_lang=langs[0], target_lang=langs[1])
    name, _, suggestion = expected.partition(" → ")
    name, _, factor = name.partition(" ×")
    assert [f.kind for f in findings] == [name]
    assert findings[0].suggestion == (suggestion or None)
    if factor:
        assert findings[0].factor == pytest.approx(float(factor), rel=0.01)


def test_the_golden_file_holds_what_was_promised():
    """At least 400 cases; none twice, or one of them is a typing mistake."""
    rows = [line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(rows) >= 400
    assert len(set(rows)) == len(rows)


def test_a_finding_explains_itself():
    """The message alone tells an editor what both sides say."""
    [finding] = compare_quantities("耗资数百亿美元", "It cost hundreds of billions of dollars.")
    expected = '数百亿美元 = US$20–90 billion; the text says "hundreds of billions of dollars", ×10'
    assert finding.message == expected
    assert finding.severity == "critical"
    assert finding.source.span == (2, 7)
    assert finding.target.span == (8, 39)


def test_what_the_caller_masks_is_no_number():
    """A product name the termbase knows must not be read as a count."""
    text = "万家科技拥有300名员工"
    assert [q.text for q in find_quantities(text, "zh", masked=[(0, 4)])] == ["300"]
    assert compare_quantities("三元里有40人", "There are 40 people.", source_masked=[(0, 3)]) == []
    english = "Seventy Hills has 300 staff"
    assert [q.text for q in find_quantities(english, "en", masked=[(0, 13)])] == ["300"]


def test_spans_point_at_the_text():
    """A report highlights what the span covers, so it has to be the number and nothing else."""
    text = "今年投资了人民币３．５亿元，增长两成。"
    for q in find_quantities(text, "zh"):
        assert text[slice(*q.span)] == q.text
    assert [q.text for q in find_quantities(text, "zh")] == ["人民币３．５亿元", "两成"]


def test_numbers_are_paired_by_value_before_place():
    """Translations reorder clauses; a reordered list is no list of errors."""
    source = "甲公司盈利30亿元，乙公司亏损4.5亿元，丙公司持平于1200万元。"
    target = "Company C held at 12 million yuan, B lost 450 million yuan, and A earned 3 billion yuan."
    assert compare_quantities(source, target) == []


def test_one_wrong_number_among_many_is_the_only_finding():
    """A mistake must not spill over to its neighbors."""
    source = "2019年收入528亿元，增长7.5%；2018年收入491亿元。"
    target = "Revenue was 528 billion yuan in 2019, up 7.5%; in 2018 it was 49.1 billion yuan."
    [finding] = compare_quantities(source, target)
    assert (finding.kind, finding.factor, finding.source.text) == ("magnitude", 10.0, "528亿元")


def test_a_repeated_number_may_be_said_once():
    """「今年3月……3月底」 is often one "March" in English; that is no omission."""
    assert (
        compare_quantities(
            "2016年初启动，2016年底完成，共花8亿元。", "Begun and completed in 2016 for 800 million yuan."
        )
        == []
    )


def test_findings_below_the_threshold_can_be_asked_for():
    """The default is silence on weak evidence; a careful editor may lower the bar."""
    assert compare_quantities("一共有四种颜色", "There are colors.", min_confidence=0.5) == []
    assert [
        f.kind for f in compare_quantities("一共有四种颜色", "There are colors.", min_confidence=0.3)
    ] == ["missing"]


def test_an_unknown_language_is_refused():
    """Reading French numbers by English rules would be worse than not reading them."""
    with pytest.raises(LanguageError, match="'fr'"):
        find_quantities("trois", "fr")


def test_an_empty_side_has_no_numbers_to_compare():
    """Null beads reach the check too."""
    assert compare_quantities("", "") == []
    assert [f.kind for f in compare_quantities("投资80亿元", "")] == ["missing"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_long_text_is_read_in_linear_time(lang):
    """Ten times the text must not take a hundred times as long; a search anchored only at its end did."""
    import time

    sentence = {
        "zh": "产量由2至3亿吨增至4.5亿吨，近30%。",
        "en": "Output grew from 2 to 3 million tons, nearly 30%. ",
    }[lang]
    times = []
    for n in (300, 3000):
        start = time.process_time()
        found = find_quantities(sentence * n, lang)
        times.append(time.process_time() - start)
        assert len(found) == n * len(find_quantities(sentence, lang))
    assert times[1] < 40 * times[0] + 0.05


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.integers(1, 10**13))
def test_a_whole_number_survives_both_languages(value):
    """What `format_quantity` writes, `find_quantities` reads back: digits, 万, 亿, million, billion."""
    quantity = Quantity((0, 1), "", float(value), float(value))
    for lang in ("en", "zh", "zh-Hant"):
        written = format_quantity(quantity, lang)
        [read] = find_quantities(f"{'计' if lang != 'en' else 'in all'} {written} ", lang)
        assert read.low == read.high == pytest.approx(value, rel=1e-9)


DIGITS = "零一二三四五六七八九"


def in_characters(value):
    """Write an integer below 10^12 the textbook way, by its own slow path."""
    if value >= 10**8:
        high, low = divmod(value, 10**8)
        return in_characters(high) + "亿" + ("零" * (0 < low < 10**7) + in_characters(low) if low else "")
    if value >= 10**4:
        high, low = divmod(value, 10**4)
        return in_characters(high) + "万" + ("零" * (0 < low < 1000) + in_characters(low) if low else "")
    text, zero = "", False
    for place, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, place)
        if digit:
            text += "零" * zero + DIGITS[digit] + name
            zero = False
        else:
            zero = bool(text)
    return text


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.integers(11, 10**12 - 1))
def test_numerals_in_characters_are_read_back(value):
    """Every integer, not only those that a person thought of."""
    [read] = find_quantities(f"共计{in_characters(value)}个", "zh")
    assert read.low == read.high == value


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.text(alphabet="一二两三十百千万亿几数半多余第年月日点分%％0123456789.,，。 ABk$元成倍个", max_size=30)
)
def test_no_chinese_text_breaks_the_reader(text):
    """Any string may come in; spans stay inside it, in order, and intervals are intervals."""
    check_invariants(text, "zh")


ENGLISH_PIECES = """
    a half one two twenty hundred thousand million billions of and in third quarter percent 3 4.5 1,000 - to $
    years May first 9:30 p.m. 2016 dozens couple per 5G century the v2 x
"""


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.sampled_from(ENGLISH_PIECES.split()), max_size=12).map(" ".join))
def test_no_english_text_breaks_the_reader(text):
    """As above, with words that begin numerals."""
    check_invariants(text, "en")


def check_invariants(text, lang):
    position = 0
    for q in find_quantities(text, lang):
        assert position <= q.span[0] < q.span[1] <= len(text)
        assert text[slice(*q.span)] == q.text
        assert q.low <= q.high
        assert 0 <= q.weight <= 1
        position = q.span[1]
    assert compare_quantities(text, text, source_lang=lang, target_lang=lang) == []


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(st.integers(2, 10**6), min_size=1, max_size=8, unique=True), st.randoms(use_true_random=False)
)
def test_the_order_of_numbers_does_not_matter(values, shuffler: random.Random):
    """Maximum matching, not first come first served."""
    others = values.copy()
    shuffler.shuffle(others)
    source = "、".join(f"甲{v}吨" for v in values)
    target = ", ".join(f"x {v:,} tons" for v in others)
    assert compare_quantities(source, target) == []


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(12, 9999), st.sampled_from([10, 100, 1000]))
def test_findings_are_well_formed(value, factor):
    """Checks pass these fields on to issues, which refuse anything else."""
    [finding] = compare_quantities(f"耗资{value}万元", f"It cost {value * factor * 10_000:,} yuan.")
    assert finding.kind == "magnitude"
    assert finding.factor == pytest.approx(factor)
    assert finding.severity in SEVERITIES
    assert 0 < finding.confidence <= 1
    assert finding.suggestion in (format_quantity(finding.source, "en"),)


def test_copied_scale_words_are_wrong_twice_though_one_pair_seems_to_agree():
    """数十亿、数百亿 kept word for word: "hundreds of billions" must not be laid at 数十亿's door."""
    findings = compare_quantities(
        "从数十亿美元涨到数百亿美元", "from tens of billions of dollars to hundreds of billions of dollars"
    )
    assert [(f.kind, f.factor, f.suggestion) for f in findings] == [
        ("magnitude", 10.0, "billions of US dollars"),
        ("magnitude", 10.0, "tens of billions of US dollars"),
    ]
    assert [f.target.text for f in findings] == [
        "tens of billions of dollars",
        "hundreds of billions of dollars",
    ]
