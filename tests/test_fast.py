"""Laws of the additive encoder: sums that compose, features that are found, and no torch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext import _additive as additive
from bitext import pipeline
from bitext.embedding import AdditiveEmbedder, CachedEmbedder, Composing, composer, load_embedder
from bitext.errors import EmbeddingError
from bitext.testing import HashEmbedder, verify_embedder

NO_FOLD = np.arange(0x110000, dtype=np.uint32)
PAIRS = [
    ("码头上的工人要求提高工资。", "The dock workers demanded higher wages."),
    ("奶奶每天早上都去菜市场。", "Grandma goes to the vegetable market every morning."),
    ("火车因为大雪晚点了两个小时。", "The train was two hours late because of heavy snow."),
    ("這本小說講的是一個漁夫的故事。", "This novel tells the story of a fisherman."),
    ("他们还没有决定要不要卖掉房子。", "They have not decided yet whether to sell the house."),
    ("医生建议他少喝酒，多运动。", "The doctor advised him to drink less and exercise more."),
]


@pytest.fixture(scope="module")
def fast() -> AdditiveEmbedder:
    embedder = load_embedder("zh-en-fast")
    assert isinstance(embedder, AdditiveEmbedder)
    return embedder


def test_it_keeps_the_contract(fast):
    """Aligners take unit float32 rows for granted, whatever the text is."""
    verify_embedder(fast)


def test_a_sentence_finds_its_translation(fast):
    """Wrong keys or a wrong table still give unit vectors; this they do not survive."""
    zh, en = (fast.embed(side) for side in zip(*PAIRS, strict=True))
    assert (zh @ en.T).argmax(axis=1).tolist() == list(range(len(PAIRS)))
    assert (zh @ en.T).argmax(axis=0).tolist() == list(range(len(PAIRS)))


def test_vectors_are_heads_of_sums(fast):
    """Or windows composed of sums would be compared with segments that were not."""
    texts = [text for pair in PAIRS for text in pair]
    sums = fast.sums(texts)
    assert sums.dtype == np.float32
    assert np.array_equal(fast.embed(texts), fast.head(sums))


def test_the_sum_of_two_texts_is_the_sum_of_their_sums(fast):
    """What composing windows relies on; a mark between two texts keeps words from meeting."""
    first, second = fast.sums(["天气很好。", "Fine weather."])
    (together,) = fast.sums(["天气很好。Fine weather."])
    assert np.allclose(together, first + second, atol=1e-4)


def test_a_window_is_the_head_of_its_segments_sums(fast):
    """Alignment composes windows instead of embedding them; segment boundaries are all that may differ."""
    texts = [zh for zh, _ in PAIRS]
    windows = pipeline._composed(fast, texts, [range(0, 2), range(1, 4), range(5, 6)])
    sums = fast.sums(texts)
    expected = fast.head(np.stack([sums[0:2].sum(axis=0), sums[1:4].sum(axis=0), sums[5]]))
    assert np.allclose(windows, expected, atol=1e-5)
    assert np.allclose(windows[2], fast.embed(texts[5:])[0], atol=1e-5)


def test_caches_pass_on_what_composes(fast, tmp_path):
    """The pipeline sees the encoder through a memory of vectors."""
    cached = CachedEmbedder(fast, tmp_path / "vectors.sqlite")
    assert composer(cached) is fast
    assert isinstance(fast, Composing)
    assert composer(HashEmbedder()) is None


def test_torch_is_not_imported():
    """Importing it takes longer than embedding ten thousand sentences."""
    code = (
        "import sys; from bitext.embedding import load_embedder; "
        "load_embedder('zh-en-fast').embed(['雪', 'snow']); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def test_the_folder_is_small(fast):
    """It is meant for places where the default is too large."""
    assert sum(file.stat().st_size for file in fast.folder.iterdir()) <= 7 * 2**20


def test_forms_of_the_same_text_have_one_vector(fast):
    """Traditional characters, full width, capitals and grouped thousands say nothing else."""
    texts = [
        "漢語詞典賣了1,200本，Python也是。",
        "汉语词典卖了1200本,PYTHON也是。",
        "汉语词典卖了１２００本，ｐｙｔｈｏｎ也是。",
    ]
    vectors = fast.embed(texts)
    assert (vectors @ vectors[0]).min() > 1 - 1e-5


def test_a_changed_number_is_seen(fast):
    """Numbers no table lists are known by their digits."""
    texts = ["去年卖出了48217台。", "48,217 were sold last year.", "93,604 were sold last year."]
    source, right, wrong = fast.embed(texts)
    assert source @ right > source @ wrong


def test_the_end_of_a_long_text_counts(fast):
    """Nothing is cut, and nothing is averaged away."""
    head = "The committee met again and discussed the budget. " * 60
    one, other = fast.embed([head + "Nobody voted." * 20, head + "海水淹没了整座城市。" * 20])
    assert one @ other < 0.995


def test_portions_do_not_change_vectors(fast, monkeypatch):
    """A document must score the same alone and among a million others."""
    texts = [text * n for pair in PAIRS for text in pair for n in (1, 7)]
    together = fast.embed(texts)
    whole = additive._portions
    monkeypatch.setattr(additive, "_portions", lambda texts: whole(texts, 20))
    assert np.allclose(fast.embed(texts), together, atol=1e-5)


def test_a_damaged_file_is_named(fast, tmp_path):
    """A table with wrong numbers in it would give wrong vectors without a word."""
    folder = tmp_path / "model"
    shutil.copytree(fast.folder, folder)
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-100] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(EmbeddingError, match=r"model\.safetensors is damaged"):
        load_embedder(folder)


@pytest.mark.slow
def test_sentence_transformers_gives_the_same_vectors(fast):
    """Whoever has code around SentenceTransformer need not rewrite it."""
    texts = [text for pair in PAIRS for text in pair] + [""]
    assert np.allclose(fast.sentence_transformer().encode(texts), fast.embed(texts), atol=1e-6)


def found_keys(text: str, kind: int) -> list[int]:
    occurrences, _ = additive.scan([text], NO_FOLD)
    return sorted(occurrences.key[occurrences.kind == kind].tolist())


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text("abcxyzéß", min_size=1, max_size=70), max_size=6))
def test_words_are_found_by_their_keys(words):
    """A vector whose key the scan never produces would be dead weight."""
    keys = additive.sequence_keys(words, additive.WORD)
    assert found_keys(" ".join(words), additive.WORD) == sorted(keys.tolist())
    pairs = [f"{a} {b}" for a, b in pairwise(words)]
    assert found_keys(" ".join(words), additive.WORD_PAIR) == sorted(
        additive.sequence_keys(pairs, additive.WORD_PAIR).tolist()
    )


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text("山水人家𠮷", min_size=1, max_size=6), max_size=4))
def test_han_sequences_are_found_by_their_keys(runs):
    """One to four characters, never across a mark."""
    parts = [run[i : i + k] for run in runs for k in range(1, 5) for i in range(len(run) - k + 1)]
    keys = additive.sequence_keys(parts, additive.HAN_SEQUENCE)
    assert found_keys("，".join(runs), additive.HAN_SEQUENCE) == sorted(keys.tolist())


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(max_size=30), max_size=5))
def test_texts_do_not_touch_each_other(texts):
    """Texts are scanned in one array; what is found in one must not depend on the others."""
    together, units = additive.scan(texts, NO_FOLD)
    for i, text in enumerate(texts):
        alone, unit = additive.scan([text], NO_FOLD)
        assert sorted(together.key[together.text == i].tolist()) == sorted(alone.key.tolist())
        assert units[i] == unit[0]
