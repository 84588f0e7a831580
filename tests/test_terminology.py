"""Terminology: what is right is never flagged, what is wrong is found where it stands."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext._doubts import CROSS, CROSS_MEANS, OWN, OWN_MEANS, forest, likeness
from bitext._wordalign import link_words, tokens
from bitext.errors import TermbaseError
from bitext.terminology import (
    Concept,
    Term,
    Termbase,
    check_terms,
    compare_terms,
    extract_terms,
    termbase_of,
)

GOLDEN = Path(__file__).parent / "golden" / "terms.tsv"


def golden_cases() -> list[dict[str, str]]:
    lines = [line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def concept(zh: str, *en: str, wrong: tuple[str, ...] = (), pos: str = "noun", **options: object) -> Concept:
    terms = [Term(t, "en", "admitted" if i else "preferred") for i, t in enumerate(en)]
    terms += [Term(t, "en", "known-wrong") for t in wrong]
    return Concept(zh, (Term(zh, "zh"),), tuple(terms), pos=pos, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "case", golden_cases(), ids=lambda c: f"{c['phenomenon']}: {c['source']} = {c['target']}"
)
def test_golden_term_cases(case: dict[str, str]) -> None:
    """Each line is a phenomenon a translator knows; the file is meant to be corrected by one."""
    wrong = tuple(filter(None, case["wrong"].split("|")))
    entry = concept(
        case["zh"], *case["en"].split("|"), wrong=wrong, pos=case["pos"], required=case["rule"] == "house"
    )
    found = [f for _, f in check_terms([(case["source"], case["target"])], Termbase([entry]))]
    if case["expect"] == "ok":
        assert not found
        return
    (finding,) = found
    where = case["target"][slice(*finding.target_span)] if finding.target_span else ""
    assert (finding.kind, where, finding.suggestion or "") == (case["expect"], case["where"], case["suggest"])


# -------------------------------------------------------------------------------- the document as evidence


def test_a_word_for_word_name_that_recurs_is_surer() -> None:
    """Phrases that come and go with a name are its rendering; that needs the whole document."""
    entry = concept("云岭大会", "Yunling Summit", pos="name")
    once = check_terms([("云岭大会开幕。", "Cloud Ridge Congress opened.")], Termbase([entry]))
    beads = [
        ("云岭大会开幕。", "Cloud Ridge Congress opened."),
        ("我来到云岭大会。", "I came to Cloud Ridge Congress."),
    ]
    twice = check_terms([*beads, ("今天下雨。", "It rains today.")], Termbase([entry]))
    assert [n for n, _ in twice] == [0, 1]
    assert twice[0][1].confidence > once[0][1].confidence
    assert "2 passages" in " ".join(twice[0][1].evidence)


def test_a_phrase_that_stands_elsewhere_too_is_no_rendering_of_the_name() -> None:
    """What the text also says where the name is not is explained by something else."""
    entry = concept("千帆", "Qianfan", pos="name")
    beads = [
        ("千帆上线了。", "A thousand sails are online."),
        ("江上有许多船。", "A thousand sails are on the river."),
    ]
    assert not check_terms(beads, Termbase([entry]))


def test_names_in_no_termbase_are_found_where_they_are_rendered_word_for_word() -> None:
    """No list has the product announced this morning."""
    beads = [
        ("今天发布“风梭”引擎。", "Today we launch an engine, Wind Shuttle."),
        ("风梭的速度很快。", "Fengsuo is very fast."),
        ("风梭已经开源。", "Fengsuo is open source."),
    ]
    ((bead, finding),) = check_terms(beads, Termbase([]))
    assert (bead, finding.kind, finding.suggestion) == (0, "inconsistent", "Fengsuo")
    assert beads[0][1][slice(*finding.target_span)] == "Wind Shuttle"  # type: ignore[misc]


def test_a_new_name_rendered_word_for_word_throughout_is_reported_with_its_sound() -> None:
    """The translator who never met the name has no pinyin elsewhere to betray it."""
    beads = [
        ("今天发布“雕玉”模型。", "Today we release the Carve Jade model."),
        ("“雕玉”已经开源。", "Carve Jade is open source."),
    ]
    kinds = [(n, f.kind, f.suggestion) for n, f in check_terms(beads, Termbase([]))]
    assert kinds == [(0, "name", "Diaoyu"), (1, "name", "Diaoyu")]


def test_a_descriptive_name_may_be_translated() -> None:
    """Funds and plans are named by common words and are translated by them."""
    beads = [
        ("公司设立“手艺基金”。", "The company set up a Craft Fund."),
        ("手艺基金已启动。", "The Craft Fund is live."),
    ]
    assert not check_terms(beads, Termbase([]))


@pytest.mark.parametrize(
    ("name", "english"),
    [("星夜节", "Starry Night Festival"), ("猎鹰", "Falcon Hunt"), ("双十", "Double Ten")],
)
def test_festivals_titles_and_days_are_rendered_by_their_meaning(name: str, english: str) -> None:
    """Only what the source treats as a product or a firm has to keep its sound."""
    beads = [
        (f"电影节今晚放映“{name}”。", f'The festival shows "{english}" tonight.'),
        (f"“{name}”讲的是海岛的故事。", f'"{english}" is a story of an island.'),
    ]
    assert not check_terms(beads, Termbase([]))


def test_a_part_of_a_new_name_is_not_reported_besides_the_whole() -> None:
    """One error, one finding."""
    beads = [
        ("公司推出“雕玉引”模型。", "The firm released the Carve Jade Guide model."),
        ("“雕玉引”已经开源。", "Carve Jade Guide is open source."),
    ]
    assert [n for n, _ in check_terms(beads, Termbase([]))] == [0, 1]


def test_the_rendering_of_another_name_is_no_wrong_one() -> None:
    """The United League stands for itself, not for the United Islands."""
    islands = concept("合众岛国", "United Islands", pos="name")
    league = concept("联盟", "United League", pos="name")
    beads = [("他在合众岛国开会。", "He was at a meeting of the United League.")]
    assert not check_terms(beads, Termbase([islands, league]))


def test_a_minister_is_no_wrong_rendering_of_the_ministry() -> None:
    """The words of the right name are all there, one in another form."""
    entry = concept("海洋渔业部", "Ministry of Oceans and Fisheries", pos="name")
    beads = [("会议由海洋渔业部部长主持。", "The Minister of Oceans and Fisheries chaired the meeting.")]
    assert not check_terms(beads, Termbase([entry]))


def test_the_title_of_a_work_may_hold_a_name_in_other_words() -> None:
    """Books and films are rendered freely."""
    entry = concept("白塔社", "Pagoda Press", pos="name")
    beads = [("她读完了《白塔社往事》。", "She finished Old Days at White Tower House.")]
    assert not check_terms(beads, Termbase([entry]))


def test_the_same_words_in_another_order_are_no_inconsistency() -> None:
    """Education minister and Minister of Education are one title."""
    entry = concept("渔业部长", "fisheries minister", "Minister of Fisheries")
    beads = [("渔业部长到了。", "The fisheries minister is here.")] * 3 + [
        ("渔业部长走了。", "The Minister of Fisheries left.")
    ]
    assert not check_terms(beads, Termbase([entry]))


def test_an_ambiguous_name_in_small_letters_is_the_ordinary_word() -> None:
    """A shadowless lamp has nothing to do with a product of that name."""
    entry = concept("无尘", "Wuchen", wrong=("Dustless",), pos="name", condition="ambiguous: also dust-free")
    assert not check_terms([("无尘车间今天启用。", "The dustless workshop opened today.")], Termbase([entry]))
    assert check_terms([("无尘今天上线。", "Dustless goes online today.")], Termbase([entry]))


def test_a_term_rendered_in_two_accepted_ways_is_inconsistent() -> None:
    """Both are right; a reader takes them for two things."""
    entry = concept("大模型", "large language model", "foundation model")
    beads = [("大模型很大。", "Large language models are big.")] * 3 + [
        ("大模型很贵。", "Foundation models cost a lot.")
    ]
    ((bead, finding),) = check_terms(beads, Termbase([entry]))
    assert (bead, finding.kind, finding.severity) == (3, "inconsistent", "minor")
    assert finding.suggestion == "large language model"


@pytest.mark.parametrize(
    "other", ["LLMs cost a lot.", "A large-language-model costs a lot.", "It costs a lot."]
)
def test_initials_spellings_and_pronouns_are_no_inconsistency(other: str) -> None:
    """An abbreviation after the full form is good style."""
    entry = concept("大模型", "large language model", "LLM")
    beads = [("大模型很大。", "Large language models are big.")] * 3 + [("大模型很贵。", other)]
    assert not check_terms(beads, Termbase([entry]))


def test_a_noun_rendered_word_for_word_once_is_told_by_its_usual_rendering() -> None:
    """Readers cannot know that intelligent entities are the agents of the page before."""
    entry = concept("智能体", "agent")
    beads = [("智能体来了。", "Agents are here.")] * 2 + [
        ("智能体很忙。", "The intelligent entities are busy.")
    ]
    ((bead, finding),) = check_terms(beads, Termbase([entry]))
    assert (bead, finding.kind, finding.suggestion) == (2, "inconsistent", "agent")


def test_a_rendering_in_the_next_bead_is_no_missing_name() -> None:
    """Beads may be cut a segment too early; that is not the translator's error."""
    entry = concept("魔塔社区", "ModelTower", pos="name")
    beads = [
        ("我们在魔塔社区发布，", "We released it in the Magic Tower community"),
        ("很受欢迎。", "ModelTower, to applause."),
    ]
    assert not check_terms(beads, Termbase([entry]))


def test_the_encoder_is_asked_and_its_answer_is_evidence() -> None:
    """Similarity may tip a case; it is shown like any other evidence."""
    import numpy as np

    entry = concept("云岭大会", "Yunling Summit", pos="name")
    asked: list[tuple[list[str], list[str]]] = []

    def similarity(names: list[str], phrases: list[str]) -> np.ndarray:
        asked.append((names, phrases))
        return np.full((len(names), len(phrases)), 0.9, dtype=np.float32)

    beads = [("云岭大会开幕。", "Cloud Ridge Congress opened.")]
    ((_, finding),) = check_terms(beads, Termbase([entry]), similarity=similarity)
    assert (["云岭大会"], ["Cloud Ridge Congress"]) in asked
    assert "similarity 0.90" in finding.evidence


def test_strict_makes_a_missing_rendering_an_error_and_lenient_forgives_it() -> None:
    """The default termbase must not demand what a house termbase demands."""
    beads = [("算力是瓶颈。", "Compute is the bottleneck.")]
    lenient, required = concept("算力", "computing power"), concept("算力", "computing power", required=True)
    kinds = [
        [f.kind for _, f in check_terms(beads, Termbase([c]), strict=strict)]
        for c in (lenient, required)
        for strict in (None, True, False)
    ]
    assert kinds == [[], ["missing"], [], ["missing"], ["missing"], []]


def test_english_to_chinese_is_checked_the_same_way() -> None:
    """Nothing may favor one direction."""
    entry = Concept(
        "agent",
        (Term("智能体", "zh"), Term("智能身体", "zh", "known-wrong")),
        (Term("agent", "en"),),
        required=True,
    )
    beads = [
        ("Agents are here.", "智能体来了。"),
        ("Agents!", "它们来了。"),
        ("The agents are busy.", "智能身體很忙。"),
    ]
    found = check_terms(beads, Termbase([entry]), source_lang="en", target_lang="zh")
    assert [(n, f.kind, f.target_span, f.suggestion) for n, f in found] == [
        (1, "missing", None, "智能体"),
        (2, "known-wrong", (0, 4), "智能体"),
    ]


# -------------------------------------------------------------------------------- matching


def test_the_longest_term_wins_and_the_shorter_is_not_demanded() -> None:
    """A rendering of 虚拟银行 need not also render 银行."""
    base = Termbase(
        [concept("银行", "bank"), concept("虚拟银行", "virtual bank"), concept("虚拟", "virtual")]
    )
    assert [m.concept.id for m in base.matches("虛擬銀行和銀行", "zh")] == ["虚拟银行", "银行"]
    assert [m.concept.id for m in base.matches("Virtual banks and a bank", "en")] == ["虚拟银行", "银行"]
    inner = {m.concept.id for m in base.matches("virtual bank", "en", overlapping=True)}
    assert inner == {"银行", "虚拟银行", "虚拟"}


def test_a_condition_decides_between_senses() -> None:
    """苹果 is a company before 公司 and a fruit before 汁."""
    company = concept(
        "苹果", "Apple", pos="name", condition="not-if-followed-by:汁,树; not-if-preceded-by:吃"
    )
    base = Termbase([company])
    assert base.matches("苹果发布手机", "zh")
    assert not base.matches("蘋果汁", "zh")
    assert not base.matches("他吃苹果", "zh")
    only = concept("机器人", "SIASUN", pos="name", condition="only-if-followed-by:（300024,股份")
    assert Termbase([only]).matches("机器人（300024）涨停", "zh")
    assert not Termbase([only]).matches("机器人进入家庭", "zh")
    assert Termbase([concept("苹果", "Apple", condition="the company")]).matches("苹果树", "zh")


def test_a_name_in_place_of_another_is_no_common_noun() -> None:
    """The end of 金湖汽车 in 银湖汽车 is half a name; what stands there is the whole of it."""
    gold = Concept("g", (Term("金湖汽车", "zh"),), (Term("Jinhu Motor", "en"),), pos="name")
    silver = Concept("s", (Term("银湖", "zh"),), (Term("Yinhu", "en"),), pos="name")
    base = Termbase([gold, silver])
    source = "他会见了银湖汽车的社长。"
    swapped = [f for _, f in check_terms([(source, "He met the president of Jinhu Motor.")], base)]
    finding = next(f for f in swapped if f.kind == "entity")
    assert source[slice(*finding.source_span)] == "银湖汽车"
    assert "common noun" not in finding.message
    beside = [(source, "He met the president of Yinhu, once of Jinhu Motor.")]
    assert not [f for _, f in check_terms(beside, base) if f.kind == "entity"]


def test_a_name_with_an_ordinary_meaning_is_told_by_its_capital() -> None:
    """Quark the browser, quark the particle."""
    term = Term("Quark", "en", case_sensitive=True)
    base = Termbase([Concept("q", (Term("夸克", "zh"),), (term,), pos="name")])
    assert [len(base.matches(t, "en")) for t in ("Quark", "QUARK", "quarks", "Quarks")] == [1, 1, 0, 1]


def test_spans_are_code_points_of_the_text_as_given() -> None:
    """Characters outside the BMP, full width and combining marks must not shift a span."""
    base = Termbase([concept("大模型", "large model")])
    zh, en = "😀𠮷１２３大 模型", "😀 e\u0301tude: the ＬＡＲＧＥ\u00a0Model’s"
    (there,) = base.matches(zh, "zh")
    assert zh[slice(*there.span)] == "大 模型"
    (there,) = base.matches(en, "en")
    assert en[slice(*there.span)] == "ＬＡＲＧＥ\u00a0Model"


terms_zh = st.text("云大模型中国会议行", min_size=1, max_size=4)
terms_en = st.lists(
    st.sampled_from(["cloud", "large", "model", "bank", "of", "the", "box"]), min_size=1, max_size=3
).map(" ".join)


@settings(deadline=None, max_examples=60)
@given(st.lists(terms_en, min_size=1, max_size=6, unique=True), st.lists(terms_en, max_size=6).map(" ".join))
def test_one_pass_finds_what_a_loop_over_all_terms_finds(terms: list[str], text: str) -> None:
    """The index is a shortcut; this is the long way."""
    base = Termbase([concept(f"词{i}", term) for i, term in enumerate(terms)])
    words = text.split()
    spelled = {t.removeprefix("the ") if " " in t else t for t in terms}
    expected = {
        (i, i + n)
        for i in range(len(words))
        for n in range(1, len(words) - i + 1)
        if "".join(words[i : i + n]) in {s.replace(" ", "") for s in spelled}
    }
    starts = [len(" ".join(words[:i])) + (i > 0) for i in range(len(words))]
    found = {
        (starts.index(m.span[0]), text[: m.span[1]].count(" ") + 1)
        for m in base.matches(text, "en", overlapping=True)
    }
    assert found == expected


@settings(deadline=None, max_examples=60)
@given(st.lists(terms_zh, min_size=1, max_size=6, unique=True), st.text("云大模型中国会议行 ，", max_size=30))
def test_matches_do_not_overlap_and_are_terms(terms: list[str], text: str) -> None:
    """Exclusive matching: no character is claimed twice."""
    base = Termbase([concept(term, f"term {i}") for i, term in enumerate(terms)])
    matches = base.matches(text, "zh")
    assert all(a.span[1] <= b.span[0] for a, b in itertools.pairwise(matches))
    assert all(text[slice(*m.span)].replace(" ", "") == m.term.text for m in matches)


# -------------------------------------------------------------------------------- the termbase


ENTRIES = [
    Concept(
        "c1",
        (Term("通义千问", "zh"), Term("千问", "zh", "admitted")),
        (
            Term("Tongyi Qianwen", "en", case_sensitive=True),
            Term("Qwen", "en", "admitted", case_sensitive=True),
            Term("Tongyi QW", "en", "deprecated"),
            Term("Thousand Q&A", "en", "known-wrong"),
        ),
        domain="AI",
        pos="name",
        note='says "Qwen" <since 2023>',
        provenance="product page",
        confidence=0.95,
        condition="not-if-followed-by:网",
        required=True,
    ),
    Concept("c2", (Term("大模型", "zh"),), (Term("large model", "en"),), required=True),
]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "tbx", "xlsx"])
def test_every_format_gives_back_what_was_written(tmp_path: Path, suffix: str) -> None:
    """A termbase must survive the way to a colleague's tool and back."""
    if suffix == "xlsx":
        pytest.importorskip("openpyxl")
    base = Termbase(ENTRIES)
    path = tmp_path / f"house.{suffix}"
    base.write(path)
    again = Termbase.read(path)
    assert list(again) == ENTRIES
    assert again.digest == base.digest
    again.write(path)
    assert list(Termbase.read(path)) == ENTRIES


texts = st.text(
    st.characters(blacklist_categories=["C", "Z"], blacklist_characters="|"), min_size=1, max_size=8
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5, unique_by=lambda pair: pair[0]))
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "tbx"])
def test_any_term_survives_a_round_trip(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, pairs: object
) -> None:
    """Quotes, commas, angle brackets and ampersands are terms too."""
    concepts = [Concept(f"c{i}", (Term(z, "zh"),), (Term(e, "en"),)) for i, (z, e) in enumerate(pairs)]  # type: ignore
    path = tmp_path_factory.mktemp("round") / f"trip.{suffix}"
    Termbase(concepts).write(path)
    assert [(c.source_terms[0].text, c.target_terms[0].text) for c in Termbase.read(path)] == pairs


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "zh\ten\n算力\tcomputing power\n"),
        ("a.csv", "Source,Target,Comment\n算力,computing power,note\n"),
        ("a.csv", "\ufeff中文;英文\n算力;computing power\n"),
        ("a.tsv", "算力\tcomputing power\n"),
        ("a.csv", "computing power,算力\n"),
        ("a.csv", '"算力","computing power"\n'),
        ("a.tsv", '"算力"\t"computing power"\n'),
        ("a.csv", "en-US,zh-CN,status\ncomputing power,算力,approved\n"),
        ("a.jsonl", '{"zh": ["算力"], "en": "computing power"}\n\n'),
    ],
)
def test_tables_are_read_as_people_write_them(tmp_path: Path, name: str, content: str) -> None:
    """Header names, their order, quotes and a byte order mark differ from house to house."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    (entry,) = Termbase.read(tmp_path / name)
    assert (entry.source_terms[0].text, entry.target_terms[0].text) == ("算力", "computing power")
    assert entry.required


def test_rows_with_the_same_term_are_one_concept(tmp_path: Path) -> None:
    """Glossaries list a synonym, or a forbidden word, a line each."""
    path = tmp_path / "house.csv"
    path.write_text(
        "zh,en,status\n大模型,large model,preferred\n大模型,LLM,\n大模型,big model,forbidden\n", "utf-8"
    )
    (entry,) = Termbase.read(path)
    assert [(t.text, t.status) for t in entry.target_terms] == [
        ("large model", "preferred"), ("LLM", "admitted"), ("big model", "known-wrong"),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16"])
def test_other_encodings_are_read_when_named(tmp_path: Path, encoding: str) -> None:
    """Half the glossaries of the trade were saved by a spreadsheet."""
    path = tmp_path / "house.csv"
    path.write_bytes("中文,英文\n銀行,bank\n".encode(encoding))
    (entry,) = Termbase.read(path, encoding=None if encoding == "utf-16" else encoding)
    assert entry.source_terms[0].text == "銀行"


MARTIF = """<?xml version="1.0"?>
<!DOCTYPE martif SYSTEM "TBXBasiccoreStructV02.dtd">
<martif type="TBX-Basic" xml:lang="en"><text><body>
  <termEntry id="c42">
    <descripGrp><descrip type="subjectField">banking</descrip></descripGrp>
    <langSet xml:lang="zh-Hant"><tig><term>虛擬<hi>銀行</hi></term></tig></langSet>
    <langSet xml:lang="en-GB">
      <ntig><termGrp><term>virtual  bank</term>
        <termNote type="administrativeStatus">preferredTerm-admn-sts</termNote></termGrp></ntig>
      <tig><term>internet bank</term>
        <termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote></tig>
    </langSet>
    <langSet xml:lang="fr"><tig><term>banque virtuelle</term></tig></langSet>
  </termEntry>
</body></text></martif>
"""
DCT = """<?xml version="1.0" encoding="UTF-8"?>
<tbx type="TBX-Basic" style="dct" xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2"
     xmlns:min="http://www.tbxinfo.net/ns/min" xmlns:basic="http://www.tbxinfo.net/ns/basic">
  <text><body><conceptEntry id="c7"><min:subjectField>banking</min:subjectField>
    <langSec xml:lang="zh"><termSec><term>虚拟银行</term></termSec></langSec>
    <langSec xml:lang="en">
      <termSec><term>virtual bank</term><min:partOfSpeech>noun</min:partOfSpeech>
        <min:administrativeStatus>preferredTerm-admn-sts</min:administrativeStatus></termSec>
      <termSec><term>internet bank</term>
        <min:administrativeStatus>deprecatedTerm-admn-sts</min:administrativeStatus></termSec>
    </langSec></conceptEntry></body></text>
</tbx>
"""


@pytest.mark.parametrize("content", [MARTIF, DCT], ids=["version 2", "version 3, elements"])
def test_tbx_of_other_tools_is_read(tmp_path: Path, content: str) -> None:
    """Two versions and two styles are in use, and other languages stand beside ours."""
    path = tmp_path / "house.tbx"
    path.write_text(content, encoding="utf-8")
    (entry,) = Termbase.read(path)
    assert entry.domain == "banking"
    assert Termbase([entry]).matches("虛擬銀行", "zh")
    assert [(t.text, t.status) for t in entry.target_terms] == [
        ("virtual bank", "preferred"), ("internet bank", "deprecated"),
    ]  # fmt: skip


BAD = [
    ("a.tsv", "zh\ten\n\n通义\tTY\n千问\t\n", 'a.tsv:4: 千问 has no translation. Add one in column "en"'),
    ("a.csv", "zh,en\n,Qwen\n", 'a.csv:2: Qwen has no Chinese term. Add one in column "zh"'),
    ("a.csv", "", "a.csv: the file is empty"),
    ("a.csv", "\n , \n", "a.csv: the file holds no rows"),
    ("a.csv", "zh,en,status\n通义,Tongyi,odd\n", "a.csv:2: status 'odd' is unknown. Use preferred"),
    ("a.csv", "zh,en,status\n通义,TY,\n通义,TY,forbidden\n", "a.csv:3: 'TY' is known-wrong for 通义, but"),
    ("a.csv", "zh,en,en_known_wrong\n通义,TY,TY\n", "a.csv:2: 'TY' is both preferred and known-wrong"),
    ("a.csv", "zh,en,confidence\n通义,TY,sure\n", "a.csv:2: confidence 'sure' is no number"),
    ("a.csv", "source,definition\n通义,x\n", "a.csv:1: no column for English among source, definition"),
    ("a.csv", "target,note\nTongyi,x\n", "a.csv:1: no column for Chinese among target, note"),
    ("a.csv", "通义\n千问\n", "the rows have one column"),
    ("a.jsonl", '{"zh": "通义", "en": "TY"}\n[1]\n', "a.jsonl:2: '[1]' is no JSON object"),
    ("a.jsonl", "{\n", "a.jsonl:1: not a JSON object"),
    ("a.tbx", "<tbx>", "a.tbx:1: not well-formed XML"),
    ("a.tbx", "<html/>", "a.tbx:1: the root element is <html>"),
    ("a.tbx", "<tbx/>", "a.tbx: the file holds no concept entries"),
    ("a.tbx", MARTIF.replace('"en-GB"', '"de"'), "a.tbx:4: concept c42 has no 'en' term. Add one, or pass"),
    ("a.tbx", '<!DOCTYPE tbx [<!ENTITY a "b">]><tbx>&a;</tbx>', "a.tbx:1: the file declares the entity 'a'"),
    ("a.doc", "x", "a.doc: .doc is no termbase format"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), BAD, ids=[b[2][:40] for b in BAD])
def test_a_bad_termbase_says_where_and_what_to_do(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    """The message is all the editor gets to see."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(TermbaseError) as caught:
        Termbase.read(tmp_path / name)
    assert message in str(caught.value)


def test_a_wrong_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    """A byte that is not UTF-8 must not become a silent question mark."""
    (tmp_path / "house.csv").write_bytes(b"zh,en\nx,y\n" + "通义,TY\n".encode("gb18030"))
    with pytest.raises(TermbaseError, match=r"house\.csv:3: byte 0x\w\w is not utf-8.*encoding='gb18030'"):
        Termbase.read(tmp_path / "house.csv")
    with pytest.raises(TermbaseError, match="encoding 'klingon' is unknown"):
        Termbase.read(tmp_path / "house.csv", encoding="klingon")
    with pytest.raises(TermbaseError, match=r"cannot be read \(No such file"):
        Termbase.read(tmp_path / "none.csv")


def test_incomplete_tbx_entries_can_be_skipped(tmp_path: Path) -> None:
    """Multilingual termbases lack a language here and there."""
    entry = MARTIF[MARTIF.index("<termEntry") : MARTIF.index("</body>")]
    content = MARTIF.replace("</body>", entry.replace('"en-GB"', '"de"').replace("c42", "c43") + "</body>")
    (tmp_path / "house.tbx").write_text(content, encoding="utf-8")
    assert [c.id for c in Termbase.read(tmp_path / "house.tbx", require_both=False)] == ["c42"]


def test_own_entries_win_over_those_merged_in() -> None:
    """A house says how it renders a term, whatever the default says."""
    house = Termbase([concept("大模型", "LLM", required=True)], name="house")
    default = Termbase([concept("大模型", "large model"), concept("算力", "computing power")], name="default")
    merged = house.merge(default)
    assert [(c.id, c.target_terms[0].text, c.required) for c in merged] == [
        ("大模型", "LLM", True), ("算力", "computing power", False),
    ]  # fmt: skip
    assert merged.digest not in (house.digest, default.digest)


def test_the_digest_changes_with_any_term_and_not_with_the_order() -> None:
    """It is part of the signature of every score."""
    one, two = ENTRIES
    assert Termbase([one, two]).digest == Termbase([two, one]).digest
    changed = dataclasses.replace(two, target_terms=(Term("big model", "en"),))
    assert Termbase([one, changed]).digest != Termbase([one, two]).digest


def test_the_default_termbase_loads_and_demands_nothing() -> None:
    """It informs; only a house termbase makes rules."""
    base = Termbase.default()
    assert len(base) > 1000
    assert not any(c.required for c in base)


def test_matching_is_silent_and_leaves_no_cache_behind(tmp_path: Path) -> None:
    """Jieba logs, warns and writes its cache into the temporary folder unless kept from it."""
    code = "from bitext.terminology import Termbase; Termbase.default().matches('中国会议和国会', 'zh')"
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert done.stderr == ""
    assert not list(tmp_path.iterdir())


# -------------------------------------------------------------------------------- without a termbase


SOURCE = ["认可机构须提交报告。", "报告由认可机构保存三年。", "政府监督认可机构。", "本月出口增长。"]
HOUSE = [
    "Authorized institutions must submit a report.",
    "The report is kept by authorized institutions for three years.",
    "The government supervises authorized institutions.",
    "Exports grew this month.",
]
SLIP = [*HOUSE[:2], "The government supervises approved bodies.", HOUSE[3]]


def beads_of(target: list[str]) -> list[tuple[str, str]]:
    return list(zip(SOURCE, target, strict=True))


def test_words_in_no_lexicon_are_linked_by_the_company_they_keep() -> None:
    """The name invented yesterday is found because it comes and goes with its rendering."""
    pairs = [
        ("琥珀砺开门了。", "Hupoli opened."),
        ("公司买了琥珀砺。", "The company bought Hupoli."),
        ("雨停了。", "It stopped raining."),
    ]
    passages = [(tokens(zh, "zh"), tokens(en, "en")) for zh, en in pairs]
    links = link_words(passages)
    zh, en = passages[1]
    column = [t.key for t in en].index("hupoli")
    origin = zh[int(links[1][:, column].argmax())]
    assert pairs[1][0][origin.start : origin.end] in "琥珀砺"
    assert all(matrix.shape == (len(z), len(e)) for matrix, (z, e) in zip(links, passages, strict=True))
    assert all((matrix.sum(axis=0) <= 1.0 + 1e-5).all() for matrix in links)


def test_extracted_terms_come_with_their_renderings_in_each_translation() -> None:
    """The list an editor corrects and keeps."""
    candidates = {c.text: c for c in extract_terms([beads_of(HOUSE), beads_of(SLIP)])}
    assert candidates["认可机构"].count == 3
    ((text, count),) = candidates["认可机构"].renderings[0]
    assert (text.lower(), count) == ("authorized institutions", 3)
    assert ("approved bodies", 1) in candidates["认可机构"].renderings[1]


def test_extracted_terms_make_a_termbase_that_can_be_written_and_read(tmp_path: Path) -> None:
    """Confirmed pairs feed the project's termbase."""
    base = termbase_of(extract_terms([beads_of(HOUSE)]))
    base.write(tmp_path / "project.tsv")
    again = Termbase.read(tmp_path / "project.tsv")
    assert "authorized institutions" in {t.text.lower() for c in again for t in c.target_terms}
    assert not [f for _, f in check_terms(beads_of(HOUSE), again) if f.kind != "inconsistent"]
    missing = [
        (n, f.concept.id) for n, f in check_terms(beads_of(SLIP), again) if f.kind == "missing" and f.concept
    ]
    assert (2, "认可机构") in missing


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("sme",), ("small", "medium", "enterprise"), True),
        (("gdp",), ("gros", "domestic", "product"), True),
        (("imf",), ("world", "bank"), False),
        (("exchang", "fund"), ("exchang", "fund"), True),
    ],
)
def test_an_abbreviation_is_like_its_long_form(
    one: tuple[str, ...], other: tuple[str, ...], same: bool
) -> None:
    """Translators who write SMEs and small and medium enterprises agree."""
    assert (likeness(one, other) >= 0.6) is same
    assert likeness(one, other) == likeness(other, one)


def test_more_that_speaks_against_a_rendering_never_makes_it_less_doubtful() -> None:
    """The trees are grown under that condition; a table edited by hand would break it."""
    names = [*OWN, *OWN_MEANS, *CROSS, *CROSS_MEANS]
    rows = np.random.default_rng(3).random((200, len(names)))
    before = forest(several=True).probabilities(rows)
    for name in ("others absent", "unlike others", "words unsupported"):
        rows_after = rows.copy()
        rows_after[:, names.index(name)] += 0.5
        assert (forest(several=True).probabilities(rows_after) >= before - 1e-9).all()


def test_a_rendering_all_other_translations_speak_against_is_doubtful() -> None:
    """Independent translators rarely make the same error."""
    others = [beads_of(HOUSE), beads_of([t.replace("must", "have to") for t in HOUSE]), beads_of(HOUSE)]
    found = compare_terms([beads_of(SLIP), *others], threshold=0.5)
    (finding,) = [f for n, f in found[0] if n == 2]
    assert finding.kind == "doubtful"
    assert SLIP[2][slice(*finding.target_span)] == "approved bodies"  # type: ignore[misc]
    assert (finding.suggestion or "").lower() == "authorized institutions"
    assert not any(n == 2 for fs in found[1:] for n, _ in fs)


def test_what_the_termbase_accepts_is_not_doubted() -> None:
    """The house has the last word."""
    house = Termbase([concept("认可机构", "approved body", required=True)])
    found = compare_terms([beads_of(SLIP)] + [beads_of(HOUSE)] * 3, termbase=house, threshold=0.5)
    assert not any(n == 2 for n, _ in found[0])


# -------------------------------------------------------------------------------- names put for others


@pytest.mark.parametrize(
    ("source", "target", "name", "there", "right"),
    [
        ("首尔明天有大雨。", "Heavy rain is expected in Tokyo tomorrow.", "首尔", "Tokyo", "Seoul"),
        ("马云去年参观了这家工厂。", "Lei Jun visited the plant last year.", "马云", "Lei Jun", "Jack Ma"),
        ("华为在当地新建了实验室。", "Xiaomi has built a new laboratory there.", "华为", "Xiaomi", "Huawei"),
    ],
)  # fmt: skip
def test_a_name_put_for_another_is_named(source: str, target: str, name: str, there: str, right: str) -> None:
    ((_, finding),) = check_terms([(source, target)], Termbase.default())
    assert (finding.kind, finding.severity, finding.suggestion) == ("name", "major", right)
    spans = finding.source_span, finding.target_span
    assert [text[slice(*span)] for text, span in zip((source, target), spans, strict=True) if span] == [
        name,
        there,
    ]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("首尔和东京明天都有大雨。", "Tokyo and the Korean capital expect heavy rain tomorrow."),
        ("俄罗斯昨天宣布降息。", "Moscow announced a rate cut yesterday."),
        ("华为在当地新建了实验室。", "The company has built a new laboratory there, Xiaomi Road 5."),
        ("英国首相昨天抵达。", "The prime minister arrived from Washington State University yesterday."),
    ],
)
def test_a_name_that_something_else_accounts_for_is_no_other(source: str, target: str) -> None:
    assert not [f for _, f in check_terms([(source, target)], Termbase.default()) if f.kind == "name"]


def test_a_name_moved_from_the_bead_beside_is_no_other() -> None:
    beads = [
        ("雷军到了北京。", "He has come to the capital."),
        ("马云没有来。", "Lei Jun is there, the other is not."),
    ]
    assert not [f for _, f in check_terms(beads, Termbase.default()) if f.kind == "name"]


SURNAMES = {
    "王": "Wang",
    "仇": "Qiu",
    "单": "Shan",
    "陈": "Chen",
    "曾": "Zeng",
    "何": "He",
    "刘": "Liu",
    "查": "Zha",
}
GIVEN = {
    "志": "zhi",
    "敏": "min",
    "晓": "xiao",
    "东": "dong",
    "瑞": "rui",
    "芳": "fang",
    "凯": "kai",
    "乐": "le",
}


@given(
    st.sampled_from(sorted(SURNAMES)),
    st.lists(st.sampled_from(sorted(GIVEN)), min_size=1, max_size=2),
    st.booleans(),
)
def test_a_name_spelled_as_it_sounds_is_never_reported(surname: str, given: list[str], turned: bool) -> None:
    spelled = "".join(GIVEN[c] for c in given).capitalize()
    english = f"{spelled} {SURNAMES[surname]}" if turned else f"{SURNAMES[surname]} {spelled}"
    beads = [(f"记者{surname}{''.join(given)}报道。", f"Reported by {english}.")]
    assert check_terms(beads, Termbase([])) == []


@given(st.sampled_from(sorted(SURNAMES)), st.permutations(sorted(GIVEN)), st.booleans())
def test_a_name_with_a_wrong_syllable_is_reported_with_the_right_one(
    surname: str, characters: list[str], first: bool
) -> None:
    one, two, other = characters[:3]
    spelled = [GIVEN[other], GIVEN[two]] if first else [GIVEN[one], GIVEN[other]]
    source = f"据悉，{surname}{one}{two}没有出席。"
    target = f"It is said that {SURNAMES[surname]} {''.join(spelled).capitalize()} was not there."
    ((_, finding),) = check_terms([(source, target)], Termbase([]))
    assert finding.suggestion == f"{SURNAMES[surname]} {(GIVEN[one] + GIVEN[two]).capitalize()}"
    assert finding.source_span == (3, 6)


@pytest.mark.parametrize(
    ("source", "target", "right"),
    [
        ("记者李志强报道。", "Li Guomin reports.", "Li Zhiqiang"),
        ("發言人毛寧回答了提問。", "The spokesperson Mao Ling took questions.", "Mao Ning"),
        ("总理李强主持会议。", "Premier Li Qian chaired the meeting.", "Li Qiang"),
        ("王凯和王鸥都来了。", "Wang Kai and Wang Gu were both there.", "Wang Ou"),
        ("外长王毅抵达曼谷。", "The foreign minister, Qin Gang, arrived in Bangkok.", "Wang Yi"),
        ("任正非接受了采访。", "Ren Zhengfa gave an interview.", "Ren Zhengfei"),
    ],
)
def test_somebody_else_s_name_is_reported_once(source: str, target: str, right: str) -> None:
    ((_, finding),) = check_terms([(source, target)], Termbase.default())
    assert (finding.kind, finding.suggestion) == ("name", right)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("法国财长勒梅尔周四表示。", "French Finance Minister Le Maire said on Thursday."),
        ("黄某某仍处于失联状态。", "Huang Yue could still not be reached."),
        ("他在旧金山读书。", "He Can study in San Francisco."),
        ("演员王鸥、王凯到场。", "The actors Wang Kai and Wang Ou were there."),
        ("鲤鱼门公园重新开放。", "Lei Yue Mun Park is open again."),
    ],
)
def test_what_is_no_name_in_pinyin_is_not_misspelled(source: str, target: str) -> None:
    assert check_terms([(source, target)], Termbase([])) == []
