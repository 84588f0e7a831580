"""Translations of one source, side by side: joined through the source, paired, fair to all of them."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bitext
from bitext import cli, pipeline
from bitext._comparison_terms import _dissenting, _key, _usual, with_consensus
from bitext._comparison_views import text as as_text
from bitext.comparison import Comparison, compare, compare_reports, joined_rows
from bitext.data import Alignment, Bead, Document, Issue
from bitext.errors import BitextError, LanguageError
from bitext.report import Report
from bitext.scoring import Drift, Scores
from bitext.terminology import Termbase

ZH = "公司去年营收增长。员工在工厂。天气很好。数据中心投资3亿元。机器人发布。谢谢大家。"
GOOD = (
    "The company revenue grew last year. The staff are in the factory. The weather is fine. "
    "It invested 300 million yuan in the data center. Robots were released. Thank you everyone."
)
HALF = "The company revenue grew last year. The staff are in the factory. Thank you everyone."
WRONG = GOOD.replace("300 million", "3 billion").replace("grew", "fell")

# ---- building blocks ---------------------------------------------------------------------------------------


def document(n: int, lang: str, path: str | None = None) -> Document:
    word = "天气很好。" if lang == "zh" else "Fine. "
    ends = np.arange(1, n + 1) * len(word)
    return Document(word * n, lang, np.column_stack((ends - len(word), ends)), path=path)


def reported(source: Document, beads: list[Bead], fidelities: list[float | None], **rest: Any) -> Report:
    n_target = sum(len(b.target) for b in beads)
    lang = "zh" if source.lang == "en" else "en"
    alignment = Alignment(source, document(n_target, lang, rest.pop("path", None)), tuple(beads), **rest)
    known = [(f, len(b.source)) for f, b in zip(fidelities, beads, strict=True) if f is not None]
    fidelity = sum(f * n for f, n in known) / max(1, sum(n for _, n in known))
    drift = Drift(0.0, 0.0, 0.0, 0.0, tuple(None for _ in beads))
    return Report(alignment, Scores(fidelity, tuple(fidelities), drift, "s"), (), "s")


def sized(sizes: str, order: Any = "monotone") -> tuple[list[Bead], list[float | None]]:
    """Beads from ``"1-2 0-1"``, with a fidelity that depends on their place."""
    beads, fidelities, i, j = [], [], 0, 0
    for k, size in enumerate(sizes.split()):
        n, m = map(int, size.split("-"))
        beads.append(Bead(range(i, i + n), range(j, j + m)))
        fidelities.append(None if not n else 0.0 if not m else 1 / (k + 1))
        i, j = i + n, j + m
    return beads, fidelities


@st.composite
def alignments(draw: st.DrawFn) -> list[Report]:
    """Draw two to four translations of one source, with splits, merges, omissions and additions."""
    n = draw(st.integers(0, 7))
    source = document(n, "en")  # for which no terms are compared
    reports = []
    for _ in range(draw(st.integers(2, 4))):
        sizes, left = [], n
        while left:
            k = draw(st.integers(0, min(3, left)))
            sizes.append(f"{k}-{draw(st.integers(0 if k else 1, 2))}")
            left -= k
        sizes += ["0-1"] * draw(st.integers(0, 1))
        reports.append(reported(source, *sized(" ".join(sizes))))
    return reports


@pytest.fixture(scope="module")
def comparison(embedder: Any) -> Comparison:
    return compare(ZH, [GOOD, HALF, WRONG], names=["good", "half", "wrong"], embedder=embedder)


# ---- rows --------------------------------------------------------------------------------------------------


def test_rows_are_the_finest_runs_that_no_bead_cuts_through() -> None:
    """Where one translation merges two sentences, the row of all holds both."""
    source = document(4, "zh")
    rows = joined_rows([reported(source, *sized("1-1 1-1 2-1")), reported(source, *sized("1-1 2-1 1-2"))])
    assert [(row.source, row.beads) for row in rows] == [
        (range(0, 1), ((0,), (0,))),
        (range(1, 4), ((1, 2), (1, 2))),
    ]


def test_additions_stand_where_they_are_in_the_text() -> None:
    """At a common boundary they have a row of their own; within another translation's bead they join its row."""
    source = document(3, "zh")
    one = reported(source, *sized("0-1 1-1 0-1 1-1 1-0"))
    other = reported(source, *sized("2-1 1-1 0-2"))
    assert [(row.source, row.beads) for row in joined_rows([one, other])] == [
        (range(0, 0), ((0,), ())),
        (range(0, 2), ((1, 2, 3), (0,))),
        (range(2, 3), ((4,), (1,))),
        (range(3, 3), ((), (2,))),
    ]


def test_a_translation_in_another_order_is_joined_like_the_others() -> None:
    """Rows follow the source; where its words stand in the target does not matter."""
    source = document(3, "zh")
    moved = [Bead(range(0, 1), range(2, 3)), Bead(range(1, 2), range(0, 1)), Bead(range(2, 3), range(1, 2))]
    rows = joined_rows(
        [reported(source, moved, [0.9, 0.8, 0.7], order="free"), reported(source, *sized("1-1 1-1 1-1"))]
    )
    assert [row.beads for row in rows] == [((0,), (0,)), ((1,), (1,)), ((2,), (2,))]


@given(alignments())
@settings(deadline=None, max_examples=60)
def test_every_segment_and_every_bead_is_in_exactly_one_row(reports: list[Report]) -> None:
    """Nothing of any translation may be shown twice or get lost between the rows."""
    rows = joined_rows(reports)
    source = reports[0].alignment.source
    assert [q for row in rows for q in row.source] == list(range(len(source)))
    for t, report in enumerate(reports):
        assert sorted(i for row in rows for i in row.beads[t]) == list(range(len(report.alignment)))
        for row in rows:
            inside = [q for i in row.beads[t] for q in report.alignment[i].source]
            assert inside == list(row.source)


@given(alignments())
@settings(deadline=None, max_examples=40)
def test_the_order_of_the_translations_only_permutes_the_result(reports: list[Report]) -> None:
    """Whoever is named first must have no advantage."""
    forward, backward = compare_reports(reports), compare_reports(reports[::-1])
    last = len(reports) - 1
    assert [(r.source, r.beads, r.fidelity) for r in forward.rows] == [
        (r.source, r.beads[::-1], r.fidelity[::-1]) for r in backward.rows
    ]
    there = {frozenset((last - p.first, last - p.second)): p for p in backward.pairings}
    for p in forward.pairings:
        q = there[frozenset((p.first, p.second))]
        assert p.difference == pytest.approx(q.difference)
        assert p.probability == pytest.approx(
            q.probability if p.difference > 1e-9 else 1 - q.probability, abs=1e-9
        )


@given(alignments())
@settings(deadline=None, max_examples=40)
def test_rows_carry_the_fidelity_of_the_document(reports: list[Report]) -> None:
    """The mean of the rows over source characters is the score that is printed."""
    for t, report in enumerate(reports):
        known = [(row.fidelity[t], len(row.source)) for row in joined_rows(reports) if row.source]
        total = sum(n for _, n in known)
        mean = sum((f or 0.0) * n for f, n in known) / total if total else 0.0
        assert mean == pytest.approx(report.scores.fidelity)


# ---- who is better -----------------------------------------------------------------------------------------


def test_a_translation_compared_with_itself_is_neither_better_nor_worse(embedder: Any) -> None:
    """Difference 0, even odds, and nothing to show."""
    same = compare(ZH, [WRONG, WRONG], embedder=embedder)
    (pairing,) = same.pairings
    assert (pairing.difference, pairing.interval, pairing.probability) == (0.0, (0.0, 0.0), 0.5)
    assert same.differences() == []
    assert all(not row.dissenting for row in same.terms)
    assert "A is as good as B" in as_text(same)


def test_the_better_translation_of_each_pair_comes_first(comparison: Comparison) -> None:
    """All pairs, by how far apart they are."""
    assert {frozenset((p.first, p.second)) for p in comparison.pairings} == {
        frozenset(pair) for pair in itertools.combinations(range(3), 2)
    }
    assert comparison.ranking[0] == 0
    for p in comparison.pairings:
        scores = [comparison.reports[t].scores.fidelity for t in (p.first, p.second)]
        assert p.difference == pytest.approx(scores[0] - scores[1])
        assert p.difference >= 0
        assert p.probability >= 0.5


def test_the_bootstrap_is_paired() -> None:
    """A small advantage in every row is sure, though the rows themselves differ a lot."""
    source = document(30, "zh")
    beads = [Bead(range(i, i + 1), range(i, i + 1)) for i in range(30)]
    uneven = [0.9 if i % 2 else 0.2 for i in range(30)]
    better = [f + 0.02 for f in uneven]
    found = compare_reports([reported(source, beads, uneven), reported(source, beads, better)])
    (pairing,) = found.pairings
    assert (pairing.first, pairing.probability) == (1, 1.0)
    assert pairing.interval == pytest.approx((0.02, 0.02))
    fidelity = found.reports[0].scores.interval
    assert fidelity is None  # made by hand here; the spread of one text alone is far wider than .02


def test_what_one_leaves_out_does_not_count_where_both_translate() -> None:
    """An excerpt may be the better translation of what it holds."""
    source = document(4, "zh")
    whole = reported(source, *sized("1-1 1-1 1-1 1-1"))  # fidelities 1, 1/2, 1/3, 1/4
    excerpt = reported(source, sized("1-0 1-1 1-1 1-0")[0], [0.0, 0.9, 0.5, 0.0])
    (pairing,) = compare_reports([whole, excerpt]).pairings
    assert (pairing.first, pairing.second) == (0, 1)
    assert pairing.where_both == pytest.approx((1 / 2 + 1 / 3 - 0.9 - 0.5) / 2)
    nothing = reported(source, sized("4-0")[0], [0.0])
    assert compare_reports([whole, nothing]).pairings[0].where_both is None


def test_the_rows_where_they_differ_most_come_first(comparison: Comparison) -> None:
    """What half of them leaves out, then the changed number."""
    rows = comparison.differences()
    assert [row.spread for row in rows] == sorted((row.spread for row in rows), reverse=True)
    assert comparison.target_text(rows[0], 1) == ""
    assert comparison.differences(1) == rows[:1]
    wrong = next(row for row in rows if "数据中心" in comparison.source_text(row))
    assert wrong.fidelity[0] > wrong.fidelity[2]  # type: ignore[operator]


# ---- terms -------------------------------------------------------------------------------------------------


def keys(*renderings: str) -> list[frozenset[str]]:
    return [_key(r) for r in renderings]


@pytest.mark.parametrize(
    ("renderings", "known", "dissenting"),
    [
        (["Baigongfang", "Hundred Workers Workshop", "Baigongfang"], [], (1,)),
        (["shop floor", "workshop"], [], (0, 1)),
        (["production line", "production lines", "line"], [], ()),
        (["Qwen", "General Meaning", "General Meaning"], ["Qwen", "Tongyi"], (1, 2)),
        (["agent", "", "agents"], [], ()),
        (["", "", ""], [], ()),
        (["trained", "train", "training"], [], ()),
    ],
)
def test_who_disagrees(renderings: list[str], known: list[str], dissenting: tuple[int, ...]) -> None:
    """Inflection and longer stretches are no disagreement; a termbase outvotes the majority; silence is no vote."""
    assert _dissenting(keys(*renderings), keys(*known), frozenset(range(3))) == dissenting


def test_a_rendering_that_no_check_finds_wrong_is_no_dissent() -> None:
    """The words of a term that was left out may link to anything."""
    assert _dissenting(keys("server", "three"), keys("server"), frozenset()) == ()
    assert _dissenting(keys("Qwen", "General Meaning"), keys("Qwen"), frozenset({1})) == (1,)


def test_a_translation_without_a_usual_rendering_has_no_vote() -> None:
    """Words like 大家 are rendered anew each time; that says nothing about terms."""
    assert _usual((("give", 1), ("everyone", 1), ("us", 1)), 3) == frozenset()
    assert _usual((("Workshop", 2), ("called the Workshop", 1), ("shop", 1)), 4) == _key("workshop")


def test_what_others_have_is_evidence_of_what_a_check_found() -> None:
    """An editor believes "2 of 2 others" sooner than a similarity."""
    source = "听云发布了青禾。青禾很好。"
    others = "Tingyun released Qinghe. Qinghe is fine."
    literal = "Tingyun released Green Grain. Green Grain is fine."
    reports = []
    for text in (others, literal, others):
        documents = bitext.segment(source, lang="zh"), bitext.segment(text, lang="en")
        beads = tuple(Bead(range(i, i + 1), range(i, i + 1), similarity=0.9) for i in range(2))
        alignment = Alignment(*documents, beads)
        issue = Issue(
            "name-mismatch", "terminology/wrong-term", "major", 0.8, "word for word", 1, (8, 10), (31, 42)
        )
        drift = Drift(0.0, 0.0, 0.0, 0.0, (0.0, 0.0))
        scores = Scores(0.9, (0.9, 0.9), drift, "s")
        reports.append(Report(alignment, scores, (issue,) if text == literal else (), "s"))
    enriched = with_consensus(reports)
    (found,) = [i for i in enriched[1].issues if i.bead == 1]
    assert any("2 of 2 others have" in line and "Qinghe" in line for line in found.evidence)
    assert enriched[0].issues == enriched[2].issues == ()
    assert with_consensus(reports[:1]) == reports[:1]
    again = with_consensus(enriched)
    assert [r.issues for r in again] == [r.issues for r in enriched]
    assert [r.signature for r in again] == [r.signature for r in enriched] == ["s|consensus"] * 3


def test_terms_of_other_languages_are_not_compared(embedder: Any) -> None:
    """English into Chinese is compared in all else."""
    found = compare(GOOD, [ZH, ZH.replace("增长", "")], embedder=embedder)
    assert found.terms == ()
    assert found.ranking == (0, 1)


# ---- views -------------------------------------------------------------------------------------------------


def test_the_repr_is_one_line_with_the_ranking(comparison: Comparison) -> None:
    """The REPL is where most people meet a comparison first."""
    assert repr(comparison).startswith("<Comparison zh: 3 translations, 6 rows; good 0.")
    assert "\n" not in repr(comparison)


def test_every_view_carries_the_signature(comparison: Comparison, tmp_path: Path) -> None:
    """No score is printed without what made it."""
    for suffix in ("txt", "json", "html", "csv"):
        comparison.write(tmp_path / f"c.{suffix}")
        content = (tmp_path / f"c.{suffix}").read_text(encoding="utf-8")
        assert "emb:dictionary" in content, suffix
        assert "boot:1000" in content, suffix
    assert "boot:1000" in comparison._repr_html_()


def test_text_says_who_is_better_where_and_in_which_words(comparison: Comparison) -> None:
    """What a person asks, in that order."""
    shown = as_text(comparison)
    assert shown.index("good is") < shown.index("Not in every translation") < shown.index("differ most")
    assert "missing in half" in shown
    assert "\x1b[" not in shown
    assert "\x1b[1m" in as_text(comparison, color=True)
    assert "(0 of 1)" in as_text(comparison, shown=0)


def test_json_has_every_row_and_the_scores_of_check(comparison: Comparison) -> None:
    """Programs get all of it, as plain values."""
    data = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert [t["name"] for t in data["translations"]] == ["good", "half", "wrong"]
    assert data["translations"][0]["rank"] == 1
    assert {"fidelity", "interval", "drift", "beads"} <= set(data["translations"][0]["scores"])
    assert [q for row in data["rows"] for q in row["source"]] == list(range(6))
    assert data["rows"][0]["target_texts"][0].startswith("The company")
    assert {"first", "second", "difference", "interval", "probability", "where_both"} == set(
        data["pairings"][0]
    )


def test_csv_has_a_line_for_each_row_and_opens_in_excel(comparison: Comparison, tmp_path: Path) -> None:
    """One column of text and one of fidelity for each translation."""
    comparison.write(tmp_path / "c.csv")
    raw = (tmp_path / "c.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert len(rows) == len(comparison.rows)
    assert {"source", "good text", "good fidelity", "half text", "wrong fidelity", "spread"} <= set(rows[0])


def test_the_page_escapes_names_and_texts_and_links_to_the_rows(embedder: Any, tmp_path: Path) -> None:
    """A file name may hold anything."""
    found = compare(ZH, [GOOD, WRONG + " <script>x</script>"], names=["<b>a</b>", "b"], embedder=embedder)
    found.write(tmp_path / "c.html")
    html = (tmp_path / "c.html").read_text(encoding="utf-8")
    for shown in (html, found._repr_html_()):
        assert "<b>a</b>" not in shown
        assert "<script>x" not in shown
        assert "&lt;b&gt;a&lt;/b&gt;" in shown
    assert 'href="#b0-' in html
    assert 'id="b0-2"' in html
    assert 'data-t="differ-most"' in html


@pytest.mark.parametrize("name", ["out.html", "out.json", "out.csv", "out.txt"])
def test_a_file_is_replaced_whole_or_not_at_all(
    comparison: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A disk that is full must not take the old comparison, or report, with it."""
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        real(path, data[:20])
        raise OSError(28, "No space left on device")

    (tmp_path / name).write_text("old")
    monkeypatch.setattr(Path, "write_bytes", full)
    for one in (comparison, comparison.reports[0]):
        if name != "out.txt" or one is comparison:
            with pytest.raises(BitextError, match="No space left"):
                one.write(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "old"


def test_an_unknown_suffix_is_refused_with_those_that_are_known(
    comparison: Comparison, tmp_path: Path
) -> None:
    """Nothing is written."""
    with pytest.raises(BitextError, match=r"\.html, \.json, \.csv, \.txt"):
        comparison.write(tmp_path / "c.pdf")
    assert not list(tmp_path.iterdir())


# ---- input -------------------------------------------------------------------------------------------------


def test_names_come_from_the_files_with_as_many_folders_as_tell_them_apart() -> None:
    """Two systems often write the same file name."""
    source = document(1, "zh")
    paths = ["a/out.en.txt", "b/out.en.txt", None]
    reports = [reported(source, *sized("1-1"), path=p) for p in paths]
    assert compare_reports(reports).names == ("a/out.en.txt", "b/out.en.txt", "C")


def test_what_cannot_be_compared_is_said(embedder: Any) -> None:
    """Each with the fact and what was expected."""
    with pytest.raises(BitextError, match="at least two translations of the source, got 1"):
        compare(ZH, [GOOD], embedder=embedder)
    with pytest.raises(BitextError, match="one text; expected a sequence"):
        compare(ZH, GOOD, embedder=embedder)
    with pytest.raises(LanguageError, match="both Chinese"):
        compare(ZH, [GOOD, ZH], embedder=embedder)
    with pytest.raises(BitextError, match="expected a different one for each"):
        compare(ZH, [GOOD, HALF], names=["a", "a"], embedder=embedder)
    with pytest.raises(BitextError, match="different sources"):
        compare_reports(
            [reported(document(2, "zh"), *sized("1-1 1-1")), reported(document(1, "zh"), *sized("1-1"))]
        )


def test_texts_without_a_word_are_compared_without_an_interval() -> None:
    """Nothing to resample is no reason to fail."""
    empty = Document("", "zh", np.empty((0, 2), dtype=np.int32))
    found = compare_reports([reported(empty, *sized("0-1")), reported(empty, *sized("0-1"))])
    (pairing,) = found.pairings
    assert (pairing.difference, pairing.interval, pairing.probability) == (0.0, None, 0.5)
    assert len(found.rows) == 1


# ---- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: Any) -> Iterator[Path]:
    monkeypatch.setattr(pipeline, "load_embedder", lambda *_, **__: embedder)
    pipeline._loaded.cache_clear()
    for name, content in {"zh": ZH, "good": GOOD, "half": HALF, "wrong": WRONG, "empty": ""}.items():
        (tmp_path / f"{name}.txt").write_text(content, encoding="utf-8")
    yield tmp_path
    pipeline._loaded.cache_clear()


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = cli.main(["compare", *map(str, args)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("form", ["text", "json", "html", "csv"])
def test_the_command_prints_each_format(capsys: pytest.CaptureFixture[str], files: Path, form: str) -> None:
    """Exit code 0 whatever the translations are like: it is `check` that judges."""
    paths = [files / f"{n}.txt" for n in ("zh", "good", "half", "wrong")]
    code, out, err = run(capsys, *paths, "--format", form)
    assert (code, err) == (0, "")
    assert "boot:1000" in out
    assert "good.txt" in out
    code, out, err = run(capsys, *paths, "--format", form, "-o", files / "out")
    assert (code, out) == (0, "")
    assert (files / "out").stat().st_size > 100


def test_the_termbase_of_the_user_decides_who_is_right(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    """Not the majority."""
    (files / "house.tsv").write_text("zh\ten\n数据中心\tdata hub\n", encoding="utf-8")
    (files / "hub.txt").write_text(GOOD.replace("data center", "data hub"), encoding="utf-8")
    paths = [files / f"{n}.txt" for n in ("zh", "good", "wrong", "hub")]
    _, out, _ = run(capsys, *paths, "--termbase", files / "house.tsv", "--format", "json")
    (row,) = [term for term in json.loads(out)["terms"] if term["text"] == "数据中心"]
    assert row["dissenting"] == ["good.txt", "wrong.txt"]
    assert "data hub" in row["known"]


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (["good"], "at least two"),
        (["good", "good"], "given twice"),
        (["good", "empty"], "empty"),
        (["good", "zh"], "Chinese"),
        (["good", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], files: Path, targets: list[str], says: str
) -> None:
    """And nothing is written."""
    paths = [files / f"{n}.txt" for n in ("zh", *targets)]
    if "zh" in targets:
        (files / "other.txt").write_text(ZH + "再见。", encoding="utf-8")
        paths[-1] = files / "other.txt"
    code, out, err = run(capsys, *paths, "-o", files / "out")
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert not (files / "out").exists()


def test_the_configuration_of_the_project_holds_for_compare(
    capsys: pytest.CaptureFixture[str], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its termbases, its severities, and what it has settled; options win, and --no-config takes none of it."""
    monkeypatch.chdir(files)
    (files / "house.tsv").write_text("zh\ten\n数据中心\tdata hub\n", encoding="utf-8")
    (files / "bitext.toml").write_text('termbases = ["house.tsv"]\n', encoding="utf-8")
    command = ["zh.txt", "good.txt", "wrong.txt", "--format", "json"]

    def found(*options: str) -> set[str]:
        code, out, err = run(capsys, *command, *options)
        assert (code, err) == (0, "")
        wrong = json.loads(out)["translations"][1]
        return {issue["check"] for issue in wrong["issues"]}

    assert found() == {"term-mismatch", "number-mismatch"}
    assert found("--no-config") == {"number-mismatch"}
    (files / "none.tsv").write_text("zh\ten\n雪花\tsnowflake\n", encoding="utf-8")
    assert found("--termbase", "none.tsv") == {"number-mismatch"}
    assert cli.main(["check", "zh.txt", "good.txt", "wrong.txt", "--write-baseline"]) == 0
    capsys.readouterr()
    assert found() == set()
    (files / "bitext-baseline.json").unlink()
    with (files / "bitext.toml").open("a", encoding="utf-8") as config:
        config.write('[checks]\nterm-mismatch = "off"\n')
    assert found() == {"number-mismatch"}


def test_check_asks_the_other_translations_when_it_has_some(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    """And says so in the signature, because evidence may differ."""
    for targets, asked in ((["good"], False), (["good", "half"], True)):
        cli.main(["check", *(str(files / f"{n}.txt") for n in ("zh", *targets)), "--format", "json"])
        assert ("|consensus" in json.loads(capsys.readouterr().out)["signature"]) is asked


def test_an_empty_termbase_of_the_user_changes_nothing() -> None:
    """Those that ship are asked all the same."""
    source = document(1, "zh")
    reports = [reported(source, *sized("1-1")) for _ in range(2)]
    assert (
        compare_reports(reports, termbase=Termbase([], name="house")).terms == compare_reports(reports).terms
    )
