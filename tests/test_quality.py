"""The quality model: garbage is worthless, spans are words of the text, padding and batches change nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import bitext
from bitext import _quality_net as net
from bitext import checks, engine, pipeline, quality, scoring
from bitext._quality_features import (
    FEATURES,
    disorder,
    explicit_features,
    is_copied,
    length_deviation,
    repeated_share,
)
from bitext.cli import main
from bitext.data import Alignment, Bead
from bitext.embedding import load_embedder
from bitext.errors import EmbeddingError

ROOT = Path(__file__).parent.parent
PAIRS = (
    (
        "市政府计划在三年内新建十二所小学。",
        "The city government plans to build twelve new primary schools within three years.",
    ),
    (
        "她昨天没有参加会议，因为孩子病了。",
        "She did not attend the meeting yesterday because her child was ill.",
    ),
    ("这家公司去年的出口额增长了百分之八。", "The company's exports grew by eight percent last year."),
    ("老人每天早上都在河边钓鱼。", "The old man fishes by the river every morning."),
)


@pytest.fixture(scope="module")
def model() -> quality.QualityEstimator:
    found = quality.load_quality(load_embedder("zh-en", device="cpu"), device="cpu")
    assert found is not None
    return found


def fidelity(model: quality.QualityEstimator, source: str, target: str) -> float:
    return model.judge([source], [target])[0].fidelity


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_garbage_scores_below_a_translation(
    model: quality.QualityEstimator, source: str, target: str
) -> None:
    """A score that can be gamed by copying, stuttering or swapping files protects nobody."""
    words = target.rstrip(".").split()
    others = [t for s, t in PAIRS if s != source]
    garbage = [source, "", "...", " ".join(words[::-1]) + ".", f"{target} " * 4, *others]
    worst = max(j.fidelity for j in model.judge([source] * len(garbage), garbage))
    assert worst < fidelity(model, source, target) - 0.02


def test_an_empty_side_or_a_copied_source_is_worthless(model: quality.QualityEstimator) -> None:
    """What carries nothing over has fidelity 0, whatever the network would say."""
    judged = model.judge(["你好，世界。", "", "你好，世界。"], ["", "Hello", "你好，世界。"])
    assert [j.fidelity for j in judged] == [0.0, 0.0, 0.0]


def test_a_pair_is_judged_alike_alone_and_among_others(model: quality.QualityEstimator) -> None:
    """Scores that depend on the neighbors in a batch cannot be compared between files."""
    sources, targets = zip(*PAIRS, strict=True)
    long_source, long_target = "".join(sources) * 3, " ".join(targets) * 3
    together = model.measure([*sources, long_source], [*targets, long_target])
    for (source, target), one in zip(PAIRS, together, strict=False):
        alone = model.measure([source], [target])[0]
        assert alone.points == pytest.approx(one.points, abs=0.02)
        np.testing.assert_allclose(alone.major, one.major, atol=0.02)
        np.testing.assert_allclose(alone.beside, one.beside, atol=0.2)
        assert len(alone.omitted) == len(alone.source_offsets)


def test_only_unrelated_texts_are_unrelated(model: quality.QualityEstimator) -> None:
    """A translation of another sentence has hardly a word in common with the source, a free one has."""
    sources, targets = zip(*PAIRS, strict=True)
    own, other = (
        np.array([one.beside[quality.BESIDE.index("unrelated")] for one in model.measure(sources, some)])
        for some in (targets, [*targets[1:], targets[0]])
    )
    assert (own == 0).all()
    assert (other > 0).mean() > 0.7


def test_nothing_of_a_long_segment_is_cut(model: quality.QualityEstimator) -> None:
    """An error after the encoder's window must count as much as one before it."""
    source, target = "".join(s for s, _ in PAIRS) * 30, " ".join(t for _, t in PAIRS) * 30
    clean, spoiled = model.measure([source] * 2, [target, target + " 市政府计划在三年内新建十二所小学。" * 4])
    assert clean.source_offsets[-2][1] == len(source)
    assert clean.target_offsets[-2][1] == len(target)
    assert len(clean.target_offsets) > 600
    tail = len(clean.major)
    assert spoiled.major[tail:].max() > clean.major.max() - 0.05
    judged = model.judge([source, source], [target, target.replace("twelve", "twenty")])
    assert judged[0].penalty < quality.MAX_PENALTY


def test_spans_are_whole_words_of_the_text_as_given(model: quality.QualityEstimator) -> None:
    """A tool that underlines half a word looks broken, and white space must not shift the underlining."""
    source, target = PAIRS[0]
    wrong = target.replace("primary schools", "nuclear submarines")
    plain, shifted = model.judge([source, f"  {source}"], [wrong, f"\n {wrong} "])
    assert plain.errors
    for fault in plain.errors:
        start, end = fault.span
        assert wrong[start:end].strip()
        assert not (wrong[:start][-1:].isalnum() and wrong[start].isalnum())
        assert not (wrong[end - 1].isalnum() and wrong[end : end + 1].isalnum())
        assert 0.0 <= fault.confidence <= 1.0
    assert [(a + 2, b + 2) for a, b in (f.span for f in plain.errors)] == [f.span for f in shifted.errors]
    assert any("submarines" in wrong[slice(*f.span)] for f in plain.errors)


def test_the_same_pair_is_computed_once(model: quality.QualityEstimator, monkeypatch) -> None:
    """Scoring and checking a document must not cost two passes."""
    first = model.judge(*zip(*PAIRS, strict=True))
    monkeypatch.setattr(model, "_measure", lambda *_: pytest.fail("computed again"))
    assert model.judge(*zip(*PAIRS, strict=True)) == first


def test_the_model_is_small() -> None:
    """It comes on top of the encoder in every installation."""
    assert sum(f.stat().st_size for f in (ROOT / "models" / "quality").iterdir()) <= 8 * 2**20


def test_other_encoders_and_directions_fall_back_and_say_so() -> None:
    """The signature is how a reader knows which numbers can be compared."""

    class Other:
        name, digest, dim = "other", "0" * 64, 2

        def embed(self, texts):
            return np.tile(np.array([1.0, 0.0], dtype=np.float32), (len(texts), 1))

    assert quality.load_quality(Other()) is None
    alignment = pipeline.align(*PAIRS[0], embedder="zh-en", device="cpu")
    scored = pipeline.score(alignment, device="cpu")
    assert "|fid:quality@" in scored.signature
    reversed_alignment = pipeline.align(*PAIRS[0][::-1], embedder="zh-en", device="cpu")
    assert f"|fid:{scoring.CALIBRATION}" in pipeline.score(reversed_alignment, device="cpu").signature


def test_everything_is_judged_on_the_device_that_was_asked_for(monkeypatch, tmp_path: Path) -> None:
    """Otherwise `--device cpu` would take the GPU, and load the model twice."""
    asked = []
    load = quality.load_quality

    def recorded(*args, **options):
        asked.append(options.get("device"))
        return load(*args, **options)

    monkeypatch.setattr(quality, "load_quality", recorded)
    bitext.check(pipeline.align(*PAIRS[0], device="cpu"), device="cpu")
    pair = {"id": "1", "source": PAIRS[0][0], "target": PAIRS[0][1]}
    engine.batch([pair], out=tmp_path / "out.jsonl", settings=engine.Settings(device="cpu"))
    files = [tmp_path / "source.txt", tmp_path / "target.txt"]
    for file, text in zip(files, PAIRS[0], strict=True):
        file.write_text(text, encoding="utf-8")
    for command in ("score", "check"):
        main([command, *map(str, files), "--device", "cpu"])
    assert len(asked) >= 7
    assert set(asked) == {"cpu"}


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    """A truncated download must not produce scores."""
    folder = tmp_path / "quality"
    shutil.copytree(ROOT / "models" / "quality", folder)
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(EmbeddingError, match="damaged"):
        quality.QualityEstimator(folder, ROOT / "models" / "zh-en", device="cpu")


def test_a_model_for_another_vocabulary_is_refused(tmp_path: Path) -> None:
    """Token numbers of another vocabulary would be nonsense."""
    folder = tmp_path / "quality"
    shutil.copytree(ROOT / "models" / "quality", folder)
    card = json.loads((folder / "quality.json").read_text(encoding="utf-8"))
    (folder / "quality.json").write_text(json.dumps({**card, "vocabulary": "0" * 64}), encoding="utf-8")
    with pytest.raises(EmbeddingError, match="tokenizer"):
        quality.QualityEstimator(folder, ROOT / "models" / "zh-en", device="cpu")


def test_an_omission_weighs_what_it_leaves_out_and_an_excerpt_may_leave_out() -> None:
    """A missing word must not stop a build like a missing clause; a summary leaves words out by its nature."""
    source, target = "水泵明天运到。\n请在工厂门口签收。", "Pumps arrive.\nSign for them at the gate."
    sides = bitext.segment(source, lang="zh"), bitext.segment(target, lang="en")

    def judge(sources, targets):
        word = quality.Fault((2, 4), "accuracy/omission", "major", 0.3)
        clause = quality.Fault((0, 8), "accuracy/omission", "major", 0.3)
        return [quality.Judgement(5.0, (), (word if "明天" in s else clause,)) for s in sources]

    first, second = Bead(range(1), range(1), 0.9, 0.8), Bead(range(1, 2), range(1, 2), 0.9, 0.8)
    whole = Alignment(*sides, (first, second))
    assert [i.severity for i in checks.OmissionCheck(judge)(whole)] == ["minor", "major"]
    part = Alignment(*sides, (first, Bead(range(1, 2), range(1, 1)), Bead(range(2, 2), range(1, 2))))
    assert [i.severity for i in checks.OmissionCheck(judge)(part)] == ["neutral"]
    nothing = Alignment(*sides, (Bead(range(2), range(2, 2)), Bead(range(2, 2), range(2))))
    assert [i.severity for i in checks.OmissionCheck(judge)(nothing)] == ["major"]


def test_only_faults_that_are_sure_enough_become_issues() -> None:
    """An editor stops reading a tool that cries wolf."""
    source, target = PAIRS[0]
    sure = quality.Fault((0, 3), "accuracy/mistranslation", "major", 0.95)
    faults = (sure, replace(sure, span=(4, 8), confidence=0.2), replace(sure, category="style/awkward"))
    judgement = quality.Judgement(3.0, faults, (replace(sure, span=(0, 2), category="accuracy/omission"),))
    alignment = pipeline.align(*PAIRS[0], embedder="zh-en", device="cpu")

    def judge(sources, targets):
        assert (sources, targets) == ([source], [target])
        return [judgement]

    (issue,) = checks.MistranslationCheck(judge)(alignment)
    assert (issue.check, issue.target_span, issue.confidence) == ("mistranslation", (0, 3), 0.95)
    (omission,) = checks.OmissionCheck(judge)(alignment)
    assert omission.source_span == (0, 2)
    assert omission.category == "accuracy/omission"
    assert not list(checks.AdditionCheck(judge)(alignment))
    assert not list(checks.OmissionCheck()(alignment))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 5), st.integers(0, 1000))
def test_padding_changes_nothing(n_source: int, n_target: int, n_padding: int, seed: int) -> None:
    """The network sees tokens only; what stands under padding may be anything."""
    generator = torch.Generator().manual_seed(seed)
    weights = {n: torch.randn(s, generator=generator) / 8 for n, s in net.shapes(12).items()}
    source, target = (torch.randn(1, n, 12, generator=generator) for n in (n_source, n_target))
    masks = [torch.ones(1, n, dtype=torch.bool) for n in (n_source, n_target)]
    plain = net.estimate(weights, source, target, *masks)
    junk = torch.full((1, n_padding, 12), 7.0)
    blank = torch.zeros(1, n_padding, dtype=torch.bool)
    longer = net.estimate(
        weights,
        torch.cat([source, junk], 1),
        torch.cat([target, junk], 1),
        *(torch.cat([mask, blank], 1) for mask in masks),
    )
    torch.testing.assert_close(plain.penalty, longer.penalty, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(plain.major, longer.major[:, :n_target], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(plain.omitted, longer.omitted[:, :n_source], atol=1e-4, rtol=1e-4)


def test_explicit_features_are_zero_for_good_pairs_and_see_gross_faults() -> None:
    """They are what makes a score drop even where the network hesitates."""
    sources, targets = zip(*PAIRS, strict=True)
    assert not explicit_features(sources, targets).any()
    wrong = explicit_features(
        ["全长25公里。", PAIRS[1][0], PAIRS[1][0], PAIRS[1][0]],
        ["It is 52 kilometers long.", PAIRS[1][0], "She.", " ".join(["She did not come."] * 6)],
    )
    for row, name in enumerate(("numbers", "untranslated", "short", "repeated")):
        assert wrong[row, FEATURES.index(name)] > 0.3, name


def test_garbled_order_is_seen_and_plain_english_is_not_garbled() -> None:
    """Shuffled words keep every word of a translation, and a bag of words would praise them."""
    assert (
        disorder("The committee of three met in May of 2018, after which vitamin A and zinc were discussed.")
        == 0.0
    )
    assert disorder("met of committee in the of were a and by three after discussed the.") > 0.9
    assert (
        0.0 < disorder("He walked to the of old house at the end of the road, and she stayed at home.") < 1.0
    )
    assert disorder("") == disorder("你好") == 0.0


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_features_of_any_text_are_in_their_range(source: str, target: str) -> None:
    """No file, however broken, may produce a number outside the scale."""
    features = explicit_features([source], [target])[0]
    assert features.min() >= 0.0
    assert features.max() <= 3.0
    assert np.isfinite(length_deviation(source, target))
    assert 0.0 <= repeated_share(target) <= 1.0
    assert isinstance(is_copied(source, target), bool)
