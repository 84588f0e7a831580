"""Long work says how far it is where somebody asked, and nothing anywhere else."""

from __future__ import annotations

import numpy as np
import pytest

from bitext._progress import embedded, progress, tracked
from bitext.engine import batch
from bitext.testing import HashEmbedder


class Recorder:
    """Draws nothing and remembers everything."""

    def __init__(self):
        self.bars = []

    def __call__(self, what, total):
        self.bars.append([what, total, 0, False])
        bar = self.bars[-1]

        class Bar:
            def update(self, n):
                bar[2] += n

            def close(self):
                bar[3] = True

        return Bar()


def test_nothing_is_drawn_unless_asked_for(capfd):
    """A library that writes to a user's screen or log is removed from it."""
    assert list(tracked([1, 2], "x")) == [1, 2]
    embedded(HashEmbedder(), ["a"] * 600)
    assert capfd.readouterr() == ("", "")


def test_many_texts_are_embedded_in_steps_and_to_the_same_vectors():
    texts = [f"text {i}" for i in range(700)]
    recorder = Recorder()
    with progress(recorder):
        vectors = embedded(HashEmbedder(), texts)
        embedded(HashEmbedder(), texts[:5])  # over before anybody looks
    assert recorder.bars == [["embedding", 700, 700, True]]
    np.testing.assert_array_equal(vectors, HashEmbedder().embed(texts))
    assert list(tracked([1], "x")) == [1]
    assert len(recorder.bars) == 1  # after the block all is silent again


def test_a_bar_is_closed_when_the_work_fails():
    """An open bar would garble the error below it."""
    recorder = Recorder()

    def failing():
        yield 1
        raise ValueError("no")

    with progress(recorder), pytest.raises(ValueError, match="no"):
        list(tracked(failing(), "x"))
    assert recorder.bars == [["x", None, 1, True]]


def test_a_batch_counts_its_pairs(tmp_path, monkeypatch, embedder):
    from bitext import pipeline

    monkeypatch.setattr(pipeline, "load_embedder", lambda name, device=None: embedder)
    pipeline._loaded.cache_clear()
    recorder = Recorder()
    rows = [{"id": n, "source": "公司营收增长。", "target": "The company revenue grew."} for n in range(3)]
    with progress(recorder):
        batch(rows, out=tmp_path / "out.jsonl")
    pipeline._loaded.cache_clear()
    assert ["pairs", None, 3, True] in recorder.bars


def test_the_bar_goes_to_standard_error(capfd, monkeypatch):
    """Standard output belongs to the findings."""
    import tqdm.auto

    plain = tqdm.auto.tqdm
    monkeypatch.setattr(
        tqdm.auto, "tqdm", lambda **options: plain(**options | {"delay": 0, "mininterval": 0})
    )
    with progress():
        list(tracked(range(3), "pairs", total=3))
    out, err = capfd.readouterr()
    assert out == ""
    assert "pairs" in err
