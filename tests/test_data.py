"""The law of the data types: inconsistent values cannot exist."""

from __future__ import annotations

import pickle

import pytest

from bitext.data import Alignment, Bead, Document, Issue, Term
from bitext.errors import AlignmentError, BitextError, SpanError

TEXT = "公司去年增长。\n员工很多。"
SPANS = [(0, 8), (8, 13)]


def document(n: int = 2) -> Document:
    return Document("ab" * n, "zh", [(2 * i, 2 * i + 2) for i in range(n)])


@pytest.mark.parametrize(
    "spans",
    [
        [],
        [(0, 8)],
        [(1, 8), (8, 13)],
        [(0, 8), (9, 13)],
        [(0, 8), (7, 13)],
        [(0, 8), (8, 8), (8, 13)],
        [(0, 14)],
    ],
)
def test_spans_that_lose_or_repeat_characters_are_refused(spans: list[tuple[int, int]]) -> None:
    """The segmenter pySBD drops text silently; a Document cannot."""
    with pytest.raises(SpanError):
        Document(TEXT, "zh", spans)


def test_segments_and_spans_leave_out_white_space_around() -> None:
    """People and encoders see the words; the tiles keep every character."""
    doc = Document(TEXT, "zh", SPANS)
    assert doc.segments == ["公司去年增长。", "员工很多。"]
    assert doc.span(range(0, 1)) == (0, 7)
    assert doc.joined(range(0, 2)) == TEXT
    assert doc.span(range(2, 2)) == (13, 13)
    assert doc.place((8, 10)) == ((2, 1), (2, 3))
    assert doc.file_span((8, 10)) == (8, 10)


def test_a_document_survives_pickling_frozen() -> None:
    """Workers receive documents; NumPy would make the arrays writeable again."""
    copy = pickle.loads(pickle.dumps(Document(TEXT, "zh", SPANS, [0, 1], "a.txt")))
    assert (copy.text, copy.path, copy.spans.tolist(), copy.paragraphs.tolist()) == (
        TEXT,
        "a.txt",
        [[0, 8], [8, 13]],
        [0, 1],
    )
    with pytest.raises(ValueError, match="read-only"):
        copy.spans[0, 0] = 5


@pytest.mark.parametrize(
    "beads",
    [
        [Bead(range(0, 1), range(0, 2))],
        [Bead(range(0, 2), range(0, 1))],
        [Bead(range(0, 2), range(0, 2)), Bead(range(1, 2), range(2, 2))],
        [Bead(range(0, 1), range(1, 2)), Bead(range(1, 2), range(0, 1))],
    ],
)
def test_beads_that_do_not_cover_the_documents_in_order_are_refused(beads: list[Bead]) -> None:
    """A segment in no bead would silently not be checked."""
    with pytest.raises(AlignmentError):
        Alignment(document(), document(), tuple(beads))


def test_crossing_beads_are_allowed_in_free_order_only() -> None:
    """A document that quotes has crossing beads, and says so."""
    beads = (Bead(range(0, 1), range(1, 2)), Bead(range(1, 2), range(0, 1)))
    assert len(Alignment(document(), document(), beads, order="free")) == 2


def test_a_bead_of_nothing_is_refused() -> None:
    """It would count as a match of nothing with nothing."""
    with pytest.raises(AlignmentError):
        Bead(range(0, 0), range(0, 0))


def test_terms_and_issues_say_what_they_accept() -> None:
    """Typos fail where they are made."""
    with pytest.raises(BitextError, match="expected one of"):
        Term("x", "en", status="forbidden")  # type: ignore[arg-type]
    with pytest.raises(BitextError, match="expected one of"):
        Issue("c", "x", "fatal", 0.5, "m", 0)  # type: ignore[arg-type]
    with pytest.raises(BitextError, match=r"\[0, 1\]"):
        Issue("c", "x", "minor", 1.5, "m", 0)


def test_the_share_aligned_tells_a_translation_from_another_text() -> None:
    """A text that was not translated at all must not look like one."""
    whole = Alignment(document(), document(), (Bead(range(0, 2), range(0, 2), 0.9),))
    assert whole.aligned_share == pytest.approx((0.9, 0.9))
    nothing = (
        Bead(range(0, 1), range(0, 0)),
        Bead(range(1, 2), range(0, 0)),
        Bead(range(2, 2), range(0, 1)),
        Bead(range(2, 2), range(1, 2)),
    )
    assert Alignment(document(), document(), nothing).aligned_share == (0.0, 0.0)
    empty = Document("", "zh", [])
    assert Alignment(empty, empty, ()).aligned_share == (0.0, 0.0)
