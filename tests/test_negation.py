"""Negations that stand on one side only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitext._negation import compare_negation
from bitext.checks import NegationCheck
from bitext.data import Alignment, Bead, Document


def _alignment(source: str, target: str, langs: tuple[str, str] = ("zh", "en")) -> Alignment:
    sides = (
        Document(text, lang, np.array([[0, len(text)]]))
        for text, lang in zip((source, target), langs, strict=True)
    )
    return Alignment(*sides, (Bead(range(1), range(1)),))


@pytest.mark.parametrize(
    ("chinese", "english", "side", "word"),
    [
        ("委员会没有批准这项预算。", "The committee approved this budget.", "zh", "没有"),
        ("他們不會參加明天的會議。", "They will attend tomorrow's meeting.", "zh", "不會"),
        ("我们不敢保证按期交货。", "We can guarantee delivery on schedule.", "zh", "不敢"),
        ("工厂将于五月开工。", "The plant will not open in May.", "en", "not"),
        ("她喜欢这座城市。", "She doesn’t like this city.", "en", "n’t"),
    ],
)
def test_negation_on_one_side_is_found(chinese: str, english: str, side: str, word: str) -> None:
    found = compare_negation(chinese, english)
    assert found is not None
    assert found.side == side
    assert (chinese if side == "zh" else english)[slice(*found.span)] == word


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("委员会没有批准这项预算。", "The committee did not approve this budget."),
        ("委员会没有批准这项预算。", "The committee rejected this budget."),
        ("你能不能把窗户打开？", "Could you open the window?"),
        ("他不是在开会，就是在路上。", "He is either in a meeting or on his way."),
        ("我们不得不重新计算。", "We had to calculate it again."),
        ("这家餐馆真不错。", "This restaurant is really good."),
        ("请记得带伞。", "Why don't you take an umbrella?"),
        ("工厂五月才开工。", "The plant will not open until May."),
        ("", "It is not here."),
        ("他没有来。", ""),
    ],
)
def test_rendered_or_idle_negations_are_left_alone(chinese: str, english: str) -> None:
    assert compare_negation(chinese, english) is None


@given(st.text(), st.text())
def test_span_lies_inside_and_is_not_empty(chinese: str, english: str) -> None:
    found = compare_negation(chinese, english)
    if found is not None:
        text = chinese if found.side == "zh" else english
        assert 0 <= found.span[0] < found.span[1] <= len(text)


def test_check_points_at_the_side_with_the_negation_in_both_directions() -> None:
    chinese, english = "委员会没有批准这项预算。", "The committee approved this budget."
    (lost,) = NegationCheck()(_alignment(chinese, english))
    (added,) = NegationCheck()(_alignment(english, chinese, ("en", "zh")))
    assert (lost.source_span, lost.target_span) == ((3, 5), None)
    assert (added.source_span, added.target_span) == (None, (3, 5))
    assert lost.severity == added.severity == "major"
    assert (lost.evidence, added.evidence) == (("negation lost",), ("negation added",))
