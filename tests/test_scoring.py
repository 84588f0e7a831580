"""Fidelity and drift of documents, whoever scored the beads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext import scoring
from bitext.data import Alignment, Bead, Document
from bitext.quality import Fault, Judgement

ZH = ("今天下雨。", "我们留在家里看书。", "晚上雨停了。")
EN = ("It rained today. ", "In the evening the rain stopped. ", "Somebody knocked.")


def document(segments: tuple[str, ...], lang: str) -> Document:
    ends = np.cumsum([len(s) for s in segments])
    return Document("".join(segments), lang, np.column_stack([ends - [len(s) for s in segments], ends]))


def alignment() -> Alignment:
    """One bead, an omission, one bead, an addition."""
    beads = (
        Bead(range(0, 1), range(0, 1), similarity=0.9),
        Bead(range(1, 2), range(1, 1)),
        Bead(range(2, 3), range(1, 2), similarity=0.8),
        Bead(range(3, 3), range(2, 3)),
    )
    return Alignment(document(ZH, "zh"), document(EN, "en"), beads, signature="test")


def test_given_fidelities_go_to_the_beads_that_translate() -> None:
    """An omission costs everything and an addition has no source to be faithful to."""
    scores = scoring.score(alignment(), fidelities=[0.75, 0.5], scheme="mine@1")
    assert scores.beads == (0.75, 0.0, 0.5, None)
    sizes = [scoring.content_size(text) for text in ZH]
    assert scores.fidelity == pytest.approx((0.75 * sizes[0] + 0.5 * sizes[2]) / sum(sizes))
    assert scores.signature == "test|fid:mine@1"


def test_without_fidelities_the_features_decide_and_the_signature_says_so() -> None:
    """Numbers of the two kinds must not be compared."""
    scores = scoring.score(alignment())
    assert scores.signature.endswith(f"|fid:{scoring.CALIBRATION}")
    assert scores.beads[0] is not None
    assert scores.beads[0] > scores.beads[2] > 0.0  # type: ignore[operator]


def test_the_profile_marks_the_bead_that_falls_below_the_others() -> None:
    """Drift is what departs from the document's own level, not from other people's."""
    segments = tuple(f"第{i}句话。" for i in range(6))
    beads = tuple(Bead(range(i, i + 1), range(i, i + 1), similarity=0.9) for i in range(6))
    same = Alignment(
        document(segments, "zh"), document(tuple(f"Sentence {i}. " for i in range(6)), "en"), beads
    )
    scores = scoring.score(same, fidelities=[0.9, 0.9, 0.3, 0.9, 0.9, 0.9], scheme="mine@1")
    profile = [p for p in scores.drift.profile if p is not None]
    assert int(np.argmax(profile)) == 2
    assert profile[2] > 5


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_fidelity_lies_between_the_beads(fidelities: list[float]) -> None:
    """A document cannot be better than its best passage."""
    scores = scoring.score(alignment(), fidelities=fidelities, scheme="mine@1")
    assert 0.0 <= scores.fidelity <= max(fidelities) + 1e-12


def test_what_a_bead_leaves_out_or_adds_counts_as_omitted_and_added() -> None:
    """A clause lost within a sentence is as lost as a whole one."""
    plain = scoring.score(alignment(), fidelities=[0.75, 0.5])
    found = scoring.score(alignment(), fidelities=[0.75, 0.5], uncovered=[(0.0, 4.5), (2.0, 0.0)])
    n_source = sum(scoring.content_size(text) for text in ZH)
    n_target = sum(scoring.content_size(text) for text in EN)
    assert found.drift.omitted == pytest.approx(plain.drift.omitted + 2.0 / n_source)
    assert found.drift.added == pytest.approx(plain.drift.added + 4.5 / n_target)


def test_uncovered_characters_are_expected_ones() -> None:
    """A passage that is lost with confidence one half counts half."""
    judgement = Judgement(
        5.0,
        errors=(
            Fault((0, 6), "accuracy/addition", "minor", 0.5),
            Fault((7, 12), "accuracy/mistranslation", "major", 0.9),
        ),
        omissions=(Fault((0, 3), "accuracy/omission", "major", 0.8),),
    )
    assert judgement.uncovered("春天，下雨。", "Indeed spring") == pytest.approx((1.6, 3.0))


@given(st.permutations(list(range(6))))
@settings(deadline=None, max_examples=40)
def test_reordered_is_the_share_of_pairs_in_the_opposite_order(order: list[int]) -> None:
    """(1 - Kendall tau) / 2, by its definition: 0 for the order of the source, 1 for the reverse."""
    pairs = [(a, b) for k, a in enumerate(order) for b in order[k + 1 :]]
    beads = tuple(Bead(range(i, i + 1), range(t, t + 1), similarity=0.9) for i, t in enumerate(order))
    texts = tuple(f"{i}。" for i in range(6)), tuple(f"{i}. " for i in range(6))
    moved = Alignment(document(texts[0], "zh"), document(texts[1], "en"), beads, order="free")
    drift = scoring.score(moved, fidelities=[0.9] * 6).drift
    assert drift.reordered == pytest.approx(sum(a > b for a, b in pairs) / len(pairs))
