"""Agreement with human judgements: the figures of the field, on cases small enough to do by hand."""

from __future__ import annotations

import gzip
import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bitext import cli, pipeline
from bitext._agreement import agreement
from bitext.errors import QualityDataError, ReadError
from bitext.evaluation import quality_figures

NAN = math.nan
SHARED = Path(__file__).parents[2] / "shared" / "tools" / "quality_statistics.py"


def figures(gold: list[list[float]], scores: list[list[float]]) -> dict[str, Any]:
    return agreement(np.array(gold, dtype=float), np.array(scores, dtype=float))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(gold: list[list[float]], scores: list[list[float]]) -> list[dict[str, Any]]:
    return [
        {"sys": f"s{i}", "doc": "d", "seg": j, "src": "甲" * (j + 1), "tgt": "a", "mqm": g, "score": m}
        for i, (gs, ms) in enumerate(zip(gold, scores, strict=True))
        for j, (g, m) in enumerate(zip(gs, ms, strict=True))
    ]


# three systems, four items
GOLD = [[0.0, -5.0, -1.0, 0.0], [-1.0, -5.0, 0.0, -2.0], [-6.0, -10.0, -1.0, -3.0]]
SCORES = [[0.9, 0.5, 0.5, 0.8], [0.8, 0.6, 0.7, 0.4], [0.1, 0.2, 0.6, 0.6]]


def test_system_accuracy_counts_pairs_in_the_human_order() -> None:
    """Means of people -1.5, -2, -5; ours .675, .625, .375: all three pairs agree."""
    assert figures(GOLD, SCORES)["system_accuracy"] == 1.0
    assert figures(GOLD, SCORES[::-1])["system_accuracy"] == 0.0
    # ours .675, .375, .625: one of three pairs is wrong
    assert figures(GOLD, [SCORES[0], SCORES[2], SCORES[1]])["system_accuracy"] == pytest.approx(2 / 3)


def test_item_kendall_is_the_mean_of_tau_b_over_items() -> None:
    """Items: 3 pairs right; twice one human tie and 2 pairs right; 2 right and 1 wrong."""
    taus = [3 / 3, 2 / math.sqrt(2 * 3), 2 / math.sqrt(2 * 3), (2 - 1) / 3]
    found = figures(GOLD, SCORES)
    assert found["item_kendall"] == pytest.approx(sum(taus) / 4)
    assert found["n_items_correlated"] == 4


def test_items_in_which_one_side_is_constant_are_left_out_of_correlations() -> None:
    """They have no order to agree with."""
    found = figures([[0, -1], [0, -2]], [[0.3, 0.9], [0.4, 0.2]])
    assert (found["item_kendall"], found["item_pearson"], found["n_items_correlated"]) == (1.0, 1.0, 1)


def test_acc_eq_wins_human_ties_at_the_price_of_small_differences() -> None:
    """People: one tie, one difference of each item; differences of ours .1 (tie) and .4 (right): epsilon .1."""
    found = figures([[0, 0], [0, -5]], [[0.5, 0.9], [0.6, 0.5]])
    assert found["acc_eq"] == 1.0
    assert found["epsilon"] == pytest.approx(0.1)
    assert found["acc_eq_all_ties"] == 0.5


def test_acc_eq_without_ties_keeps_every_difference() -> None:
    """Nothing is gained by calling a pair a tie when people see none."""
    found = figures([[0, 0], [-1, -5]], [[0.5, 0.9], [0.4, 0.95]])
    assert (found["acc_eq"], found["epsilon"], found["acc_eq_all_ties"]) == (0.5, 0.0, 0.0)


def test_a_constant_score_gets_exactly_the_baseline() -> None:
    """The figure that a metric has to beat to say anything."""
    found = figures(GOLD, [[0.5] * 4] * 3)
    assert (
        found["acc_eq"]
        == pytest.approx(found["acc_eq_all_ties"])
        == pytest.approx((0 + 1 / 3 + 1 / 3 + 0) / 4)
    )
    assert found["item_kendall"] is None
    assert found["kendall"] is None


def test_the_human_scores_themselves_agree_perfectly() -> None:
    """Every figure at its best."""
    found = figures(GOLD, GOLD)
    for name in ("system_accuracy", "spa", "item_kendall", "item_pearson", "acc_eq", "kendall", "pearson"):
        assert found[name] == pytest.approx(1.0), name


def test_spa_rewards_being_as_sure_as_people_are() -> None:
    """A difference people see in every segment has p near 0; a score that sees it too, and one that does not."""
    people = [[-1.0] * 12, [-2.0] * 12]
    assert figures(people, [[0.9] * 12, [0.8] * 12])["spa"] > 0.99
    coin = [[0.5 + 0.1 * (-1) ** j for j in range(12)], [0.5] * 12]
    assert 0.2 < figures(people, coin)["spa"] < 0.8
    assert figures(people, [[0.8] * 12, [0.9] * 12])["spa"] < 0.01


def test_cells_without_a_judgement_count_for_nothing() -> None:
    """Not every translation is annotated."""
    gold = [[0.0, -5.0, NAN], [-1.0, -5.0, 0.0], [-6.0, NAN, -1.0]]
    scores = [[0.9, 0.5, 0.1], [0.8, NAN, 0.7], [0.1, 0.2, 0.6]]
    found = figures(gold, scores)
    assert found["item_kendall"] == 1.0
    assert found["n_items_correlated"] == 2
    assert found["system_accuracy"] == 1.0


def test_one_system_has_no_grouped_figures_but_correlations() -> None:
    """The data of the quality estimation tasks: one translation per source."""
    found = figures([[0.0, -1.0, -5.0]], [[0.9, 0.8, 0.2]])
    assert found["kendall"] == found["spearman"] == pytest.approx(1.0)
    assert found["acc_eq"] is None
    assert found["spa"] is None
    assert found["system_accuracy"] is None


@pytest.fixture(scope="module")
def field_tool() -> ModuleType:
    if not SHARED.exists():
        pytest.skip("the shared tool is not here")
    spec = importlib.util.spec_from_file_location("quality_statistics", SHARED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


NAMES = {
    "sys_acc": "system_accuracy", "sys_pearson": "system_pearson", "spa": "spa", "seg_tau": "kendall",
    "seg_r": "pearson", "seg_rho": "spearman", "item_tau": "item_kendall", "item_n": "n_items_correlated",
    "item_r": "item_pearson", "acc_eq": "acc_eq", "eps": "epsilon",
}  # fmt: skip


@given(seed=st.integers(0, 2**32 - 1), coarse=st.booleans(), missing=st.sampled_from([0.0, 0.15]))
@settings(deadline=None, max_examples=25)
def test_figures_agree_with_the_shared_tool(
    field_tool: ModuleType, seed: int, coarse: bool, missing: float
) -> None:
    """An independent implementation, checked against the official one; ties and gaps are where they differ."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(5, 1)) + rng.normal(size=(5, 30))
    gold = -np.abs(np.rint(truth * 2))
    scores = truth + rng.normal(size=truth.shape)
    scores = np.rint(scores * 3) if coarse else scores
    gold[rng.random(gold.shape) < missing] = NAN
    expected, found = field_tool.report(gold, scores), agreement(gold, scores)
    for theirs, ours in NAMES.items():
        if theirs != "spa" or not missing:
            assert found[ours] == pytest.approx(expected[theirs], abs=1e-9), ours
        else:  # a handful of complete items: rounding in single precision may tip a permutation
            assert found[ours] == pytest.approx(expected[theirs], abs=2e-3), ours


@given(arrays.arrays(float, (3, 4), elements=st.floats(-25, 0) | st.just(NAN)))
@settings(deadline=None, max_examples=40)
def test_every_figure_is_a_number_in_its_range_or_none(gold: np.ndarray) -> None:
    """JSON has no NaN, and a script must not get one."""
    if np.isnan(gold).all():
        return
    for name, value in agreement(gold, np.arange(12.0).reshape(3, 4) % 5).items():
        assert value is None or isinstance(value, int) or math.isfinite(value), name
        assert value is None or name in ("epsilon", "n_items_correlated") or -1 - 1e-9 <= value <= 1 + 1e-9, (
            name
        )


# ---- the file ----------------------------------------------------------------------------------------------


def test_rows_of_the_shared_data_are_read_as_they_are(tmp_path: Path) -> None:
    """Names of fields as WMT data have them, and as ours are."""
    found = quality_figures(write(tmp_path / "q.jsonl", rows_of(GOLD, SCORES)))
    assert (found["n_rows"], found["n_systems"], found["n_items"]) == (12, 3, 4)
    assert found["item_kendall"] == round(figures(GOLD, SCORES)["item_kendall"], 4)
    renamed = [
        {"system": r["sys"], "source": r["src"], "translation": "a", "gold": r["mqm"], "score": r["score"]}
        for r in rows_of(GOLD, SCORES)
    ]
    again = quality_figures(write(tmp_path / "r.jsonl", renamed))
    assert again == found


def test_minus_length_sees_no_translation(tmp_path: Path) -> None:
    """The control: it correlates over all cells, says nothing within an item, and gets the constant baseline."""
    found = quality_figures(write(tmp_path / "q.jsonl", rows_of(GOLD, SCORES)))
    control = found["minus_length"]
    assert control["item_kendall"] is None
    assert control["acc_eq"] == control["acc_eq_all_ties"] == found["acc_eq_all_ties"]
    assert control["kendall"] is not None


def test_gzip_is_read_and_fields_can_be_named(tmp_path: Path) -> None:
    """Judgements are large and have several scores a row."""
    rows = [r | {"da": -r["mqm"], "bleu": r["score"]} for r in rows_of(GOLD, SCORES)]
    with gzip.open(tmp_path / "q.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    found = quality_figures(tmp_path / "q.jsonl.gz", gold="da", score="bleu")
    assert found["item_kendall"] == round(figures((-np.array(GOLD)).tolist(), SCORES)["item_kendall"], 4)
    assert "score:bleu" in found["signature"]


def test_rows_that_cannot_count_are_counted(tmp_path: Path) -> None:
    """A figure on half the data must not look like a figure on all of it."""
    rows = rows_of(GOLD, SCORES)
    rows += [rows[0], rows[0] | {"mqm": None}, rows[0] | {"mqm": "bad"}, rows[0] | {"score": NAN}]
    rows += [rows[0] | {"human": True}, rows[0] | {"sys": None}]
    found = quality_figures(write(tmp_path / "q.jsonl", rows))
    assert found["n_rows"] == 12
    assert found["skipped"] == {
        "has no human score": 2,
        "repeats a system and a segment": 1,
        "has no number in 'score'": 1,
        "is a human translation": 1,
        "names no system": 1,
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no row to judge: it is empty"),
        ('{"sys": "a", "src": "甲"}\n', "1 has no human score"),
        ('{"mqm": 1}\n{"mqm": \n', ":2:"),
        ("[1, 2]\n", "JSON object a line"),
    ],
)
def test_what_is_no_judgement_is_said_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    """With the place, so that it can be mended."""
    (tmp_path / "q.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises((QualityDataError, ReadError), match=says) as caught:
        quality_figures(tmp_path / "q.jsonl")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_gzip_is_a_read_error(tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(ReadError, match="nowhere"):
        quality_figures(tmp_path / "nowhere.jsonl")
    (tmp_path / "q.jsonl.gz").write_text("plain")
    with pytest.raises(ReadError, match="gzip"):
        quality_figures(tmp_path / "q.jsonl.gz")


def test_bitext_scores_what_has_no_score(tmp_path: Path, embedder: Any) -> None:
    """Both directions in one file, better translations first."""
    pairs = [
        ("公司营收增长。", ("The company revenue grew.", "公司营收增长。")),
        ("谢谢大家。", ("Thank you everyone.", "")),
        ("The staff are in the factory.", ("员工在工厂。", "天气很好。")),
    ]
    rows = [
        {"sys": f"s{i}", "src": source, "tgt": target, "mqm": -10.0 * i}
        for source, targets in pairs
        for i, target in enumerate(targets)
    ]
    found = quality_figures(write(tmp_path / "q.jsonl", rows), embedder=embedder)
    assert found["item_kendall"] == found["system_accuracy"] == 1.0
    assert found["score"] == "bitext"
    assert "emb:dictionary" in found["signature"]


def test_minimal_pairs_are_counted_by_what_is_wrong(tmp_path: Path, embedder: Any) -> None:
    """Equal scores are no preference, and rows that lack a text are counted."""
    pairs = [
        ("公司营收增长。", "The company revenue grew.", "The weather is fine.", "another"),
        ("数据中心投资3亿元。", "It invested 300 million yuan in the data center.", "", "empty"),
        ("谢谢大家。", "Thank you everyone.", "Thank you everyone.", "same"),
    ]
    rows = [{"src": s, "good": g, "bad": b, "phenomenon": kind} for s, g, b, kind in pairs]
    found = quality_figures(
        write(tmp_path / "q.jsonl", [*rows, {"src": "甲", "good": "a", "bad": None}]), embedder=embedder
    )
    assert found["accuracy"] == round(2 / 3, 4)
    assert {kind: one["accuracy"] for kind, one in found["phenomena"].items()} == {
        "another": 1.0,
        "empty": 1.0,
        "same": 0.0,
    }
    assert found["skipped"] == {"lacks a text": 1}
    assert "emb:dictionary" in found["signature"]
    with pytest.raises(QualityDataError, match="no minimal pair"):
        quality_figures(write(tmp_path / "r.jsonl", [{"good": 1, "bad": 2}]), embedder=embedder)


def test_eval_quality_prints_one_json_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract; and nothing is loaded when the file has scores."""
    monkeypatch.setattr(pipeline, "load_embedder", lambda *_, **__: pytest.fail("loaded an encoder"))
    path = write(tmp_path / "q.jsonl", rows_of(GOLD, SCORES))
    assert cli.main(["eval", "quality", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["system_accuracy"] == 1.0
    path.write_text("{", encoding="utf-8")
    assert cli.main(["eval", "quality", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
