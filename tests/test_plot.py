"""A figure shows what the numbers say, in letters that can be read, and opens no window."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings

import numpy as np
import pytest

from bitext import _plot
from bitext.data import Alignment, Bead, Document, Issue
from bitext.errors import MissingExtraError
from bitext.report import Report
from bitext.scoring import Drift, Scores

pytest.importorskip("matplotlib", reason="the extra [plot]")


def document(n, lang, path=None):
    text = "句。\n" if lang == "zh" else "Line.\n"
    spans = [[i * len(text), (i + 1) * len(text)] for i in range(n)]
    return Document(text * n, lang, np.array(spans, dtype=np.int32).reshape(-1, 2), path=path)


@pytest.fixture
def report():
    """Return four beads: an addition, two 1-1, an omission; one issue."""
    source, target = document(3, "zh", "文稿/讲话.txt"), document(3, "en", "talk.txt")
    beads = (
        Bead(range(0), range(0, 1)),
        Bead(range(0, 1), range(1, 2), score=0.9),
        Bead(range(1, 2), range(2, 3), score=0.9),
        Bead(range(2, 3), range(3, 3)),
    )
    profile = (None, 0.0, 2.5, None)
    scores = Scores(0.55, (None, 0.9, 0.4, 0.0), Drift(0.3, 0.3, 0.0, 0.0, profile), "s")
    found = Issue("number-mismatch", "accuracy", "major", 0.9, "m", 2)
    return Report(Alignment(source, target, beads), scores, (found,), "s")


def texts(figure):
    from matplotlib.text import Text

    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def drawn(figure):
    """Draw it, with every warning an error: matplotlib warns of each character it has no glyph for."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=50)
    return out.getvalue()


def test_the_axes_show_the_numbers(report):
    """Bars are the profile, the histogram counts the beads, the path ends where the texts end."""
    figure = report.plot()
    profile, fidelity, path = figure.axes
    assert [bar.get_height() for bar in profile.patches[:4]] == [0.0, 0.0, 2.5, 0.0]
    assert sum(bar.get_height() for bar in fidelity.patches) == 3  # additions have none
    aligned, omitted, added = (c.get_segments() for c in path.collections)
    assert [s.tolist() for s in aligned] == [[[0, 1], [1, 2]], [[1, 2], [2, 3]]]
    assert [s.tolist() for s in omitted] == [[[2, 3], [3, 3]]]
    assert [s.tolist() for s in added] == [[[0, 0], [0, 1]]]
    assert {"major", "omitted", "added", "0.55"} <= set(texts(figure))
    assert drawn(figure).startswith(b"\x89PNG")


def test_chinese_is_drawn_in_a_font_that_has_it(report):
    """Empty boxes tell an editor nothing."""
    if _plot._chinese_font({"译"}) is None:
        pytest.skip("no Chinese font on this machine")
    figure = report.plot(lang="zh")
    assert {"忠实度", "偏移曲线", "讲话.txt", "漏译"} <= set(texts(figure))
    assert drawn(figure)


def test_without_a_chinese_font_the_words_are_english(report, monkeypatch):
    monkeypatch.setattr(_plot, "_chinese_font", lambda characters: None)
    figure = report.plot(lang="zh")
    assert not [t for t in texts(figure) if _plot._CHINESE.search(t)]
    assert {"Source", "talk.txt"} <= set(texts(figure))
    assert drawn(figure)


def test_no_font_is_found_for_what_no_font_has():
    """A font that lacks one of the characters would draw a box for it."""
    assert _plot._chinese_font({"\U0003fffd"}) is None


def test_an_empty_profile_still_makes_a_figure():
    alignment = Alignment(document(0, "zh"), document(0, "en"), ())
    empty = Report(alignment, Scores(0.0, (), Drift(0.0, 0.0, 0.0, 0.0, ()), "s"), (), "s")
    assert drawn(empty.plot())


def test_a_notebook_shows_the_figure_by_itself(report):
    """IPython asks an object for a PNG."""
    assert report.plot()._repr_png_().startswith(b"\x89PNG")


def test_a_missing_matplotlib_is_named_with_its_extra(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"bitext\[plot\]") as caught:
        report.plot()
    assert "\n" not in str(caught.value)


def test_plotting_leaves_pyplot_alone(report):
    """Its figures stay in memory and pop up; ours belong to whoever asked."""
    code = "import sys, bitext.report, bitext._plot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    report.plot()
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
