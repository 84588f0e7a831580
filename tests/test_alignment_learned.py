"""The learned scores: what is measured about a bead, and that choosing again loses nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext import _beadscore as beadscore
from bitext import _evidence, _kernels
from bitext import alignment as aligner
from bitext._beadscore import Weights
from bitext._clauses import Clauses, Runs, _divided
from bitext._evidence import FLAGS, MARKS, Evidence
from bitext.alignment import Options, Side, align_windows, center
from bitext.data import Alignment, Bead, Document

OPTIONS = Options(max_overlap=3, max_size=4)
ZH = (
    "你好！",
    "“走吧，”他说。",
    "雨停了吗？",
    "我们回家；",
    "王小明来了。",
    "门开着……",
    "天黑了。",
    "灯亮了。",
)
EN = (
    "Hello!",
    "'Let's go,' he said.",
    "Has the rain stopped?",
    "We went home;",
    "Xiaoming came.",
    "The door",
)


class Letters:
    """An additive encoder of few dimensions: how often some code points occur."""

    dim_sum = 16

    def sums(self, texts: list[str]) -> np.ndarray:
        sums = np.zeros((len(texts), self.dim_sum), dtype=np.float32)
        for i, text in enumerate(texts):
            np.add.at(sums[i], [ord(c) % self.dim_sum for c in text], 1.0)
        return sums

    def head(self, sums: np.ndarray) -> np.ndarray:
        return _kernels.unit_rows(sums + 0.1)


def evidence(texts: list[str], lang: str) -> Evidence:
    return _evidence.read(texts, lang, Letters())


def side(seed: int, n: int, lang: str) -> Side:
    """Make a document of random vectors and of sentences taken in turn."""
    rng = np.random.default_rng(seed)
    vectors = _kernels.unit_rows(rng.standard_normal((n, 8)).astype(np.float32))
    lengths = rng.integers(5, 60, n).astype(np.float64)
    texts = [str(t) for t in rng.choice(ZH if lang == "zh" else EN, n)]
    windows = _kernels.compose_windows(center(vectors), lengths, OPTIONS.max_overlap)
    return Side(windows, lengths, evidence(texts, lang))


def candidates(
    source: Side, target: Side
) -> tuple[beadscore.Candidates, _kernels.BeadScores, list[Bead], float]:
    beads, scores, ratio = aligner._plain_beads(source, target, OPTIONS, "cpu")
    return aligner.likely_candidates(scores, OPTIONS), scores, beads, ratio


def all_features(source: Side, target: Side) -> dict[str, np.ndarray]:
    found, _, beads, ratio = candidates(source, target)
    passages = [(b.source, b.target) for b in beads if not b.is_null]
    blocks = list(
        beadscore.features((source, source.evidence), (target, target.evidence), found, ratio, passages)
    )
    order = np.argsort(np.concatenate([chosen for chosen, _ in blocks]))
    return {name: np.concatenate([columns[name] for _, columns in blocks])[order] for name in blocks[0][1]}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 10_000), st.sampled_from(["monotone", "free"]))
def test_every_segment_is_in_exactly_one_bead(n: int, m: int, seed: int, order: str) -> None:
    """Choosing again among likely beads must not lose a segment either; `Alignment` refuses anything else."""
    beads = align_windows(side(seed, n, "zh"), side(seed + 1, m, "en"), order=order, options=OPTIONS)
    documents = (
        Document("x" * k, lang, [(i, i + 1) for i in range(k)]) for k, lang in ((n, "zh"), (m, "en"))
    )
    alignment = Alignment(*documents, tuple(beads), order=order)
    assert all(b.score is None if b.is_null else 0.0 <= b.score <= 1.0 for b in alignment)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 10_000))
def test_the_narrow_band_holds_the_best_path_of_the_wide_one(n: int, m: int, seed: int) -> None:
    """With the scores of the plain program, choosing again changes nothing."""
    found, scores, beads, _ = candidates(side(seed, n, "zh"), side(seed + 1, m, "en"))
    again = aligner.sparse_scores(found, found.base * OPTIONS.temperature, scores.band, OPTIONS)
    path = _kernels.best_path(again, OPTIONS.costs)
    assert {(s, t) for s, t in path if s and t} == {(b.source, b.target) for b in beads if not b.is_null}


def test_candidates_bring_their_probability_along() -> None:
    """It is a feature, and the sum over beads that hold a segment cannot pass one."""
    source, target = side(3, 12, "zh"), side(4, 14, "en")
    found, *_ = candidates(source, target)
    covered = np.zeros(13)
    np.add.at(covered, found.i, found.posterior)
    np.subtract.at(covered, found.i + found.a, found.posterior)
    assert np.cumsum(covered)[:-1].max() <= 1.0 + 1e-6
    assert found.posterior.max() > 0.3


def test_features_do_not_depend_on_which_side_is_the_source() -> None:
    """Weights learned from Chinese originals serve English ones too."""
    source, target = side(5, 15, "zh"), side(6, 15, "en")
    found, _, beads, ratio = candidates(source, target)
    passages = [(b.source, b.target) for b in beads if not b.is_null]
    sides = (source, source.evidence), (target, target.evidence)
    [(_, forth)] = beadscore.features(*sides, found, ratio, passages)
    turned = [(t, s) for s, t in passages]
    [(_, back)] = beadscore.features(*sides[::-1], found.turned(), 1 / ratio, turned)
    for name, values in forth.items():
        np.testing.assert_allclose(np.sort(values), np.sort(back[name]), atol=1e-4, err_msg=name)


def test_features_do_not_depend_on_the_blocks_they_are_computed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks bound the memory of long documents and nothing else."""
    source, target = side(7, 30, "zh"), side(8, 30, "en")
    whole = all_features(source, target)
    monkeypatch.setattr(beadscore, "_BEADS_PER_BLOCK", 7)
    for name, values in all_features(source, target).items():
        np.testing.assert_allclose(values, whole[name], atol=1e-4, err_msg=name)


def test_the_shipped_weights_are_of_features_that_exist() -> None:
    """A renamed feature would silently be missing otherwise, or stop every alignment."""
    weights = beadscore.shipped_weights()
    assert set(weights.features) <= set(all_features(side(1, 6, "zh"), side(2, 6, "en")))
    assert weights.features["base"] > 0
    assert weights.gap_open < 0


MEANINGS = (("屋子", "room"), ("帽子", "hat"), ("大雨", "rain"))


class Meanings:
    """An additive encoder that knows three words in two languages."""

    def sums(self, texts: list[str]) -> np.ndarray:
        counts = [[sum(word in text for word in words) for words in MEANINGS] for text in texts]
        return np.array(counts, dtype=np.float32).reshape(-1, len(MEANINGS))

    def head(self, sums: np.ndarray) -> np.ndarray:
        return _kernels.unit_rows(sums + 1e-3)


def test_a_clause_moved_into_the_next_sentence_leaks_unless_the_bead_has_both() -> None:
    """That tells a bead of two and two from two beads of one and one."""
    texts = (
        ["他慢慢走进那间屋子，把帽子挂好。", "外面还在下大雨。", "他在屋子里。"],
        [
            "He walked into the room.",
            "He hung up his hat, and heavy rain was falling.",
            "He was in the room.",
        ],
    )
    told = [_evidence.read(t, lang, Meanings()) for t, lang in zip(texts, ("zh", "en"), strict=True)]
    sides = [Side(np.ones((3, 3, 4), np.float32) / 2, np.full(3, 9.0), t) for t in told]
    shape = np.array([1, 2])
    zero = np.zeros(2, dtype=np.int64)
    beads = beadscore.Candidates(zero, zero, shape, shape, np.zeros(2), np.full(2, 0.5))
    [(_, columns)] = beadscore.features((sides[0], told[0]), (sides[1], told[1]), beads, 1.0, [])
    one, both = columns["zh right leak"].tolist()
    assert one > 0.1
    assert both == 0.0
    assert columns["zh right edge leak"][0] > 0.3 > columns["zh right edge leak"][1]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='雨停了ab ,，.。;?！”" and but', max_size=80))
def test_clauses_are_all_of_a_segment_in_order(text: str) -> None:
    """A clause lost would be a word nobody looks for."""
    assert "".join(_divided(text)) == text


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=40), st.lists(st.integers(1, 5), min_size=1, max_size=9)
)
def test_likeness_is_that_of_the_best_run(left: list[int], right: list[int]) -> None:
    """The slow twin: each clause with every run of each segment."""
    rng = np.random.default_rng(sum(left) + sum(right))
    sides = []
    for sizes in (left, right):
        starts = np.concatenate([[0], np.cumsum(sizes)])
        sums = rng.standard_normal((sum(sizes), 6)).astype(np.float32)
        sides.append(Clauses(starts, np.ones(len(sums)), (), sums))
    runs = [Runs(side, _kernels.unit_rows, np.zeros(6)) for side in sides]
    clause, segment = (grid.ravel() for grid in np.mgrid[: sum(left), : len(right)])
    found = runs[0].likeness(runs[1], clause, segment)
    for c, y, value in zip(clause.tolist(), segment.tolist(), found.tolist(), strict=True):
        own = sides[1].sums[sides[1].starts[y] : sides[1].starts[y + 1]]
        spans = [own[k : k + size].sum(axis=0) for size in (1, 2) for k in range(len(own) - size + 1)]
        cosines = _kernels.unit_rows(np.array([*spans, own.sum(axis=0)])) @ runs[0].clauses[c]
        assert value == pytest.approx(cosines.max(), abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 10_000))
def test_no_likelier_path_lets_expect_more_right_beads(n: int, m: int, seed: int) -> None:
    """Beads and nulls count alike, as they do in F1; the likeliest path is one of the paths to beat."""
    found, scores, *_ = candidates(side(seed, n, "zh"), side(seed + 1, m, "en"))
    gains, price = found.base / 2, -2.0
    chosen = aligner.expected_beads(found, gains, price, scores.band, OPTIONS)
    learned = aligner.sparse_scores(found, gains, scores.band, OPTIONS)
    costs = _kernels.Costs(OPTIONS.shapes, price, 0.0)
    likeliest = aligner._best_beads(learned, costs, 1.0)
    places = {
        (range(i, i + a), range(j, j + b)): k
        for k, (i, j, a, b) in enumerate(
            zip(found.i.tolist(), found.j.tolist(), found.a.tolist(), found.b.tolist(), strict=True)
        )
    }
    shapes = aligner._shape_numbers(found, OPTIONS)
    posteriors = _kernels.Posteriors.of(learned, costs, temperature=1.0)
    probability = posteriors.of_beads(found.i, found.j, shapes)
    lone = [
        beadscore.lone(start, size, k, probability)
        for start, size, k in ((found.i, found.a, n), (found.j, found.b, m))
    ]

    def worth(beads: list[Bead]) -> float:
        total = 0.0
        for b in beads:
            null = lone[0][b.source.start] if b.source else lone[1][b.target.start] if b.target else 0.0
            total += (null if b.is_null else probability[places[b.source, b.target]]) - aligner._WORTH
        return total

    assert worth(chosen) >= worth(likeliest) - 1e-4
    assert all(b.is_null or b.score == pytest.approx(probability[places[b.source, b.target]]) for b in chosen)


def test_scores_follow_the_weights() -> None:
    """The score is the weighted sum, block by block."""
    source, target = side(9, 10, "zh"), side(10, 10, "en")
    found, _, beads, ratio = candidates(source, target)
    passages = [(b.source, b.target) for b in beads if not b.is_null]
    scores = beadscore.scores(
        (source, source.evidence),
        (target, target.evidence),
        found,
        ratio,
        passages,
        weights=Weights({"base": 2.0, "zh more": -1.0}, -3.0),
    )
    np.testing.assert_allclose(scores, 2 * found.base - (found.a - 1), atol=1e-5)


def test_the_learned_scores_can_be_switched_off() -> None:
    """Whoever distrusts them gets the plain program, evidence or not."""
    source, target = side(11, 20, "zh"), side(12, 20, "en")
    plain = Options(max_overlap=3, max_size=4, learned=False)
    without = [Side(s.windows, s.lengths) for s in (source, target)]
    assert align_windows(source, target, options=plain) == align_windows(*without, options=OPTIONS)


def test_names_in_no_dictionary_are_learned_from_the_document() -> None:
    """韦小宝 is called Trinket in one translation and in no lexicon."""
    zh = ["韦小宝笑了。", "他看着韦小宝。", "韦小宝走进门。", "太后不说话。", "太后站起来。"]
    en = [
        "Trinket laughed.",
        "He looked at Trinket.",
        "Trinket went in.",
        "The Empress said nothing.",
        "The Empress rose.",
    ]
    source, target = evidence(zh, "zh"), evidence(en, "en")
    passages = [(range(i, i + 1), range(i, i + 1)) for i in range(5)]
    to_en, to_zh = _evidence.translation_tables(source, target, passages)
    name = target.vocabulary.index("trinket")
    likeliest = to_en[:, [name]].toarray().ravel()
    assert source.vocabulary[int(likeliest.argmax())] in {"韦", "小", "宝", "小宝", "韦小宝"}
    assert to_en.toarray().sum(axis=1).max() < 1.6
    assert to_zh.shape == to_en.shape[::-1]


def test_marks_and_flags_mean_the_same_in_both_languages() -> None:
    """They are compared across languages."""
    zh, en = (
        evidence(["“雨停了吗？”他问，", "好！"], "zh"),
        evidence(['"Has it stopped?" he asked,', "Yes!"], "en"),
    )
    for name in ("question", "exclamation", "quotation", "clause"):
        assert zh.marks[:, MARKS.index(name)].tolist() == en.marks[:, MARKS.index(name)].tolist(), name
    for name in ("ends_open", "ends_exclamation", "starts_quote"):
        assert zh.flags[:, FLAGS.index(name)].tolist() == en.flags[:, FLAGS.index(name)].tolist(), name


def test_quotations_stay_open_across_segments() -> None:
    """What is said in one breath is often cut into sentences."""
    zh = evidence(["他说：“走吧。", "天黑了。", "快点！”", "大家走了。"], "zh")
    en = evidence(["'Go on,' he said, 'go.", "It's getting dark.", "Hurry!'", "They all went."], "en")
    assert zh.quoted.tolist() == [False, True, True, False]
    assert en.quoted.tolist() == [False, True, True, False]


@pytest.mark.parametrize(("zh", "en"), [("……", "..."), ("雨。", "?"), ("2024", "2024"), ("韦", "Qx")])
def test_texts_with_hardly_a_word_are_aligned(zh: str, en: str) -> None:
    """A line of dots has no words to learn from, and a new name none that the lexicon knows."""
    vectors = np.ones((1, 1, 4), dtype=np.float32) / 2
    windows = np.concatenate([vectors, np.zeros((2, 1, 4), np.float32)])
    sides = [Side(windows, np.ones(1), evidence([text], lang)) for text, lang in ((zh, "zh"), (en, "en"))]
    assert [b.kind for b in align_windows(*sides, options=OPTIONS)] in (
        ["1-1"],
        ["1-0", "0-1"],
        ["0-1", "1-0"],
    )


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 4000)), min_size=1, max_size=4))
def test_long_passages_are_cut_without_losing_a_word(sizes: list[tuple[int, int]]) -> None:
    """A line of 20,000 words must not make a table of 400 million pairs, and every word stays in it."""
    given, made = ([np.arange(size) for size in side] for side in zip(*sizes, strict=True))
    pieces = list(_evidence._pieces(given, made))
    assert max(max(map(len, piece)) for piece in pieces) <= _evidence._MOST_WORDS
    for passages, side in ((given, 0), (made, 1)):
        assert np.array_equal(np.concatenate(passages), np.concatenate([piece[side] for piece in pieces]))
