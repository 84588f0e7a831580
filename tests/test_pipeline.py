"""The stages composed, on a toy bilingual encoder: what goes in comes out, scored and flagged, in both directions."""

from __future__ import annotations

import math

import numpy as np
import pytest

import bitext
from bitext import pipeline, scoring
from bitext.checks import NumberCheck
from bitext.data import Alignment, Bead
from bitext.errors import BitextError, LanguageError
from bitext.terminology import Termbase
from bitext.testing import verify_embedder

ZH = "公司去年营收增长。\n\n员工在工厂。天气很好。\n\n海外市场的客户。\n\n数据中心投资3亿元。\n\n谢谢大家。"
EN = (
    "The company revenue grew last year.\n\nThe staff are in the factory. The weather is fine.\n\n"
    "Customers of the overseas market.\n\nIt invested 300 million yuan in the data center.\n\nThank you everyone."
)


def aligned(source: str, target: str, embedder: object, **options: object) -> Alignment:
    return bitext.align(bitext.segment(source), bitext.segment(target), embedder=embedder, **options)  # type: ignore[arg-type]


def one_bead(source: str, target: str) -> Alignment:
    documents = bitext.segment(source, lang="zh"), bitext.segment(target, lang="en")
    return Alignment(*documents, [Bead(range(1), range(1), similarity=0.9)], order="monotone")


def test_a_faithful_translation_aligns_one_to_one(embedder) -> None:
    """The plainest case: six sentences, six beads."""
    alignment = aligned(ZH, EN, embedder)
    assert [(b.kind, b.source.start, b.target.start) for b in alignment] == [("1-1", i, i) for i in range(6)]
    assert alignment.order == "monotone"
    assert all(b.similarity is not None and -1 <= b.similarity <= 1 for b in alignment)


def test_both_directions_give_mirrored_beads(embedder) -> None:
    """The library aligns en→zh as well as zh→en."""
    forward, backward = aligned(ZH, EN, embedder), aligned(EN, ZH, embedder)
    assert [(b.target, b.source) for b in backward] == [(b.source, b.target) for b in forward]


def test_the_text_of_all_beads_is_the_text(embedder) -> None:
    """Nothing is lost between file and bead."""
    alignment = aligned(ZH, EN, embedder)
    joined = "".join(alignment.source_text(b) for b in alignment)
    assert "".join(joined.split()) == "".join(ZH.split())


def test_two_texts_of_one_language_are_refused(embedder) -> None:
    """It is always a mix-up of files."""
    with pytest.raises(LanguageError, match="both English"):
        aligned(EN, EN, embedder)


def test_a_wrong_number_and_a_dropped_paragraph_lower_the_scores_and_are_flagged(embedder) -> None:
    """The report says what an editor would say."""
    flawed = EN.replace("300 million", "3 billion").replace("Customers of the overseas market.\n\n", "")
    good = bitext.check(aligned(ZH, EN, embedder), embedder=embedder)
    bad = bitext.check(aligned(ZH, flawed, embedder), embedder=embedder)
    found = {i.check for i in bad.issues}
    assert {"number-mismatch", "omission"} <= found
    assert not {"number-mismatch", "omission", "addition"} & {i.check for i in good.issues}
    assert bad.scores.fidelity < good.scores.fidelity
    assert bad.scores.drift.omitted > 0 == good.scores.drift.omitted
    number = next(i for i in bad.issues if i.check == "number-mismatch")
    assert "3 billion" in bad.alignment.target.text[slice(*number.target_span)]


def test_a_reference_adds_the_metrics_of_sacrebleu_with_their_signatures(embedder) -> None:
    """A translation that is its own reference gets 100 BLEU and 0 TER."""
    scores = bitext.score(aligned(ZH, EN, embedder), reference=EN, embedder=embedder)
    values = {name: value for name, value, _ in scores.reference}
    assert values["BLEU"] == pytest.approx(100)
    assert values["TER"] == pytest.approx(0)
    assert all("version:" in signature for _, _, signature in scores.reference)


def test_pairs_are_scored_in_order_and_an_empty_translation_gets_nothing(embedder) -> None:
    """One number a line, also for a bad line."""
    pairs = [
        ("公司营收增长。", "The company revenue grew."),
        ("公司营收增长。", ""),
        ("公司营收增长。", "Penguins huddle at night."),
    ]
    good, empty, wrong = pipeline.score_pairs(pairs, embedder=embedder).tolist()
    assert good > wrong > empty == 0.0
    assert len(pipeline.score_pairs([], embedder=embedder)) == 0


def test_a_figure_that_is_also_the_name_of_a_company_is_still_a_number() -> None:
    """58 is in the termbase, for 58同城; kilometers are more frequent."""
    alignment = one_bead("全程58公里。", "It is 58 kilometers long.")
    assert not list(NumberCheck(Termbase.default())(alignment))


@pytest.mark.parametrize(
    ("source", "target", "text"),
    [
        ("全年溢利为93.5亿港元。", "Profit for the year was US$9.35 billion.", "US$9.35 billion"),
        ("成本是4,700万美元。", "The cost is US$470 million.", "US$470 million"),
        ("财年于3月31日结束。", "The financial year ends on March 30.", "30"),
        ("会议于5月12日举行。", "The meeting takes place on May 21.", "21"),
    ],
)
def test_names_that_hold_no_numeral_hide_none(source: str, target: str, text: str) -> None:
    """US, Hong Kong, May and March are names too; a currency or a day that stands at one is still compared."""
    [issue] = NumberCheck(Termbase.default())(one_bead(source, target))
    assert target[slice(*issue.target_span)] == text


@pytest.mark.parametrize("wrong", [{"order": "foo"}, {"source": None}, {"target": ["Hello."]}])
def test_wrong_arguments_are_named(embedder, wrong: dict[str, object]) -> None:
    given = {"source": "你好。", "target": "Hello."} | wrong
    with pytest.raises(BitextError, match="expected"):
        bitext.align(**given, embedder=embedder)


def test_a_path_is_no_termbase(embedder) -> None:
    with pytest.raises(BitextError, match=r"Termbase\.read"):
        bitext.check(one_bead("你好。", "Hello."), termbase="house.tsv", embedder=embedder)


def test_the_signature_names_what_made_the_numbers(embedder) -> None:
    """No score without its passport."""
    report = bitext.check(aligned(ZH, EN, embedder), embedder=embedder)
    assert f"bitext:{bitext.__version__}|" in report.signature
    assert f"emb:{embedder.name}@{embedder.digest[:8]}" in report.signature
    assert "tb:" in report.signature


def test_scores_are_finite_and_in_range(embedder) -> None:
    """No NaN in a score, whatever the text."""
    for target in (EN, "???", "A.\n\nB.\n\nC.", "The company. " * 200):
        scores = bitext.score(aligned(ZH, target, embedder), embedder=embedder)
        drift = scores.drift
        values = [
            scores.fidelity,
            drift.omitted,
            drift.added,
            drift.reordered,
            drift.shifted,
            *(f for f in scores.beads if f is not None),
        ]
        assert all(math.isfinite(v) and 0 <= v <= 1 for v in values)
        assert all(p is None or math.isfinite(p) for p in drift.profile)


def test_garbage_scores_below_a_translation(embedder) -> None:
    """Copied source, nothing, or another sentence must never look good."""
    source = "公司去年营收增长。"
    texts = ["The company revenue grew last year.", source, "Penguins huddle at night.", "grew " * 60]
    fidelity = pipeline.score_pairs([(source, t) for t in texts], embedder=embedder)
    assert int(np.argmax(fidelity)) == 0


def test_kendall_counts_inversions() -> None:
    """0 for the order of the source, 1 for its reverse."""
    assert scoring._reordered([0, 1, 2, 3]) == 0.0
    assert scoring._reordered([3, 2, 1, 0]) == 1.0
    assert scoring._reordered([1, 0, 2]) == pytest.approx(1 / 3)


def test_moved_passages_are_aligned_and_said_to_have_moved(embedder) -> None:
    """A text that quotes out of order is neither forced nor given up."""
    parts = EN.split("\n\n")
    alignment = aligned(ZH, "\n\n".join(parts[3:] + parts[:3]), embedder)
    assert alignment.order == "free"
    report = bitext.check(alignment, embedder=embedder)
    assert any(i.check == "reordered" for i in report.issues)
    assert report.scores.drift.reordered > 0


def test_blank_lines_of_prepared_files_stay_segments(embedder) -> None:
    """Line numbers of the user's file must not shift."""
    from bitext.segmentation import segment_lines

    source = segment_lines("公司营收增长。\n\n谢谢大家。\n", lang="zh")
    target = segment_lines("The company revenue grew.\nThank you everyone.\n", lang="en")
    beads = bitext.align(source, target, embedder=embedder).beads
    assert [(tuple(b.source), tuple(b.target)) for b in beads] == [((0,), (0,)), ((1,), ()), ((2,), (1,))]


def test_own_checks_replace_the_built_in_ones(embedder) -> None:
    """A check is any callable; the pipeline passes it the alignment."""

    class Shouting:
        slug = "shouting"

        def __call__(self, alignment):
            from bitext.data import Issue

            for i, bead in enumerate(alignment):
                if alignment.target_text(bead).isupper():
                    yield Issue("shouting", "style/register", "minor", 1.0, "all capitals", i)

    report = bitext.check(
        aligned("谢谢大家。", "THANK YOU EVERYONE.", embedder), checks=[Shouting()], embedder=embedder
    )
    assert [i.check for i in report.issues] == ["shouting"]


def test_the_remembering_embedder_keeps_the_contract_of_what_it_wraps(embedder) -> None:
    """A cache that changed a vector would change a score."""
    verify_embedder(pipeline.RememberingEmbedder(embedder))


def test_an_alignment_renders_in_a_notebook_with_its_text_escaped(embedder) -> None:
    """A script in a text must be inert."""
    alignment = aligned(
        "公司<script>alert(1)</script>营收增长。",
        "The company <script>alert(1)</script> revenue grew.",
        embedder,
    )
    html = alignment._repr_html_()
    assert "<script" not in html
    assert "&lt;script" in html


def test_an_additions_place_is_kept() -> None:
    """Two additions in a row stay where the target has them."""
    source, target = (
        bitext.segment("公司。\n\n谢谢。"),
        bitext.segment("Company.\n\nNew one.\n\nNew two.\n\nThanks."),
    )
    beads = (
        Bead(range(1), range(1)),
        Bead(range(1, 1), range(1, 2)),
        Bead(range(1, 1), range(2, 3)),
        Bead(range(1, 2), range(3, 4)),
    )
    assert len(Alignment(source, target, beads)) == 4
