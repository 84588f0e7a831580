"""Segmentation loses no character, in linear time, and splits where a linguist would."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext.segmentation import segment, segment_lines

MARKS = "。！？.!?…—“”‘’\"'（）()《》「」『』[]1①a AZé，;；：\n\r\t\u3000\u2028\u200d😀\U00020000\ud800中了说"
texts = st.one_of(st.text(max_size=120), st.text(alphabet=MARKS, max_size=120))


@settings(deadline=None, max_examples=300)
@given(
    texts,
    st.sampled_from(["fine", "keep"]),
    st.sampled_from(["hard", "soft", "auto"]),
    st.sampled_from([None, 1, 7]),
)
def test_spans_tile_any_text(text, quotes, newline, max_chars):
    """A lost character is an omission nobody made; `Document` refuses spans that do not tile."""
    document = segment(text, quotes=quotes, newline=newline, max_chars=max_chars)
    assert "".join(text[a:b] for a, b in document.spans) == text
    assert all(document.segments) or not text.strip()


@settings(deadline=None, max_examples=100)
@given(texts)
def test_lines_are_segments_one_to_one(text):
    """Pre-segmented input promises one segment a line, blank lines too."""
    document = segment_lines(text, lang="zh")
    assert [text[a:b] for a, b in document.spans] == [line for line in _lines(text)]
    assert np.all(np.diff(document.paragraphs) >= 0)


def _lines(text):
    import io

    return io.StringIO(text, newline="").readlines()
