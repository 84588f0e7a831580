"""Every view of a report says the same thing, escapes everything, and points at the right characters."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext import _report_html
from bitext.data import SEVERITIES, Alignment, Bead, Document, Issue
from bitext.errors import BitextError, MissingExtraError
from bitext.report import (
    Report,
    _cells,
    alignment_html,
    fingerprint,
    issue_dict,
    to_github,
    to_html,
    to_json,
    to_sarif,
    to_text,
)
from bitext.scoring import Drift, Scores

CHECKS = (
    "term-mismatch",
    "name-mismatch",
    "term-inconsistent",
    "number-mismatch",
    "number-style",
    "omission",
)
CHECKS += ("addition", "untranslated", "mistranslation", "reordered")

# ---- building blocks ---------------------------------------------------------------------------------------


def document(segments, lang, *, path=None, line_end="\n"):
    ends = np.cumsum([len(segment + line_end) for segment in segments])
    text = "".join(segment + line_end for segment in segments)
    return Document(text, lang, np.column_stack((ends - np.diff(ends, prepend=0), ends)), path=path)


def aligned(source, target, *sizes, order="monotone"):
    """Align by bead sizes, ``"1-2"`` and so on, in order."""
    beads, i, j = [], 0, 0
    for n, m in (map(int, size.split("-")) for size in sizes):
        beads.append(Bead(range(i, i + n), range(j, j + m), score=0.9 if n and m else None))
        i, j = i + n, j + m
    return Alignment(source, target, tuple(beads), order=order, signature="bitext:0|emb:none")


def scored(alignment, *, fidelity=0.9, profile=None, **drift):
    beads = tuple(None if b.is_addition else 0.0 if b.is_omission else 0.9 for b in alignment)
    profile = profile or tuple(None if b.is_null else 0.0 for b in alignment)
    parts = {"omitted": 0.0, "added": 0.0, "reordered": 0.0, "shifted": 0.0} | drift
    return Scores(fidelity, beads, Drift(**parts, profile=profile), alignment.signature)


def issue(bead, source=None, target=None, *, severity="major", check="number-mismatch", **rest):
    values = {"category": "accuracy/mistranslation", "confidence": 0.9, "message": "the values differ"} | rest
    return Issue(check, severity=severity, bead=bead, source_span=source, target_span=target, **values)


def span_of(document, text):
    start = document.text.index(text)
    return start, start + len(text)


SOURCE = document(
    [
        "欢迎来到青禾农场。",
        "感谢镇里的支持。",
        "去年我们收了三万五千公斤蓝莓。",
        "它们卖到了十一个省。",
        "谢谢！",
    ],
    "zh",
    path="文稿/talk.zh.txt",
)
TARGET = document(
    [
        "Editor's note.",
        "Welcome to Qinghe Farm.",
        "Last year we picked 3,500 kg of blueberries;",
        "they sold in eleven provinces.",
        "Thank you!",
    ],
    "en",
    path="out/talk.en.txt",
)


@pytest.fixture
def report():
    alignment = aligned(SOURCE, TARGET, "0-1", "1-1", "1-0", "2-2", "1-1")
    issues = (
        issue(
            0,
            None,
            span_of(TARGET, "Editor's note."),
            severity="minor",
            check="addition",
            category="accuracy/addition",
            confidence=0.6,
            message="a sentence has no source",
        ),
        issue(
            3,
            span_of(SOURCE, "三万五千"),
            span_of(TARGET, "3,500"),
            confidence=0.97,
            message='三万五千 is 35,000, the text says "3,500"',
            suggestion="35,000 kg",
            evidence=("三万五千 = 35,000", "off by exactly 10"),
        ),
        issue(
            2,
            span_of(SOURCE, "感谢镇里的支持。"),
            None,
            severity="critical",
            check="omission",
            category="accuracy/omission",
            message="nothing stands for this segment",
        ),
    )
    scores = scored(
        alignment, fidelity=0.8678, omitted=0.16, added=0.004, profile=(None, -0.2, None, 1.44, 0.1)
    )
    return Report(alignment, scores, issues, "bitext:0|emb:none|checks:3")


class Page(HTMLParser):
    """Tags, attributes and texts of a page, and whether every tag is closed."""

    VOID = frozenset({"meta", "input", "br", "link", "img"})

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.texts, self._open = [], [], [], []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open[-1][0] == tag, f"</{tag}> closes {self._open[-1]}"
        self._open.pop()

    def handle_data(self, data):
        if data.strip():
            self.texts.append(([(tag, attrs.get("class") or "") for tag, attrs in self._open], data))

    def within(self, tag, css_class=""):
        """Texts below a tag of a class, joined."""
        return [
            text
            for path, text in self.texts
            if any(t == tag and css_class in [*c.split(), ""] for t, c in path)
        ]

    def all(self, tag):
        return [attrs for name, attrs in self.attributes if name == tag]


# ---- the report --------------------------------------------------------------------------------------------


def test_the_repr_is_one_honest_line(report):
    """The REPL is where most people meet a report first."""
    assert repr(report) == (
        "<Report zh→en: 5 beads, fidelity 0.87, 3 issues (1 critical), drift: 16 % omitted, 0.4 % added>"
    )
    clean = Report(report.alignment, scored(report.alignment), (), "s")
    assert repr(clean) == "<Report zh→en: 5 beads, fidelity 0.90, no issues, drift: none>"


def test_issues_are_kept_worst_first(report):
    """Severity decides, then confidence, then position; the order of the checks does not."""
    assert [i.severity for i in report.issues] == ["critical", "major", "minor"]
    pool = [issue(b, confidence=c) for b, c in ((4, 0.5), (1, 0.5), (3, 0.8))]
    ranked = Report(report.alignment, report.scores, tuple(pool), "s").issues
    assert [(i.confidence, i.bead) for i in ranked] == [(0.8, 3), (0.5, 1), (0.5, 4)]


@pytest.mark.parametrize(
    ("wrong", "fact"),
    [
        (issue(5), "bead 5, but there are 5"),
        (issue(0, None, (0, 9999)), "target span (0, 9999)"),
        (issue(0, (4, 2)), "source span (4, 2)"),
    ],
)
def test_an_issue_of_another_text_is_refused(report, wrong, fact):
    """A span outside the text would underline the wrong words."""
    with pytest.raises(BitextError, match=re.escape(fact)):
        Report(report.alignment, report.scores, (wrong,), "s")


def test_scores_of_another_alignment_are_refused(report):
    shorter = aligned(SOURCE, TARGET, "5-5")
    with pytest.raises(BitextError, match="5 fidelities for 1 beads"):
        Report(shorter, report.scores, (), "s")


# ---- JSON and rows -----------------------------------------------------------------------------------------


def test_json_follows_the_contract(report):
    """Scripts rely on these names."""
    value = json.loads(json.dumps(to_json([report]), allow_nan=False))
    assert set(value) == {"signature", "source", "targets", "remarks"}
    assert value["source"] == "文稿/talk.zh.txt"
    (target,) = value["targets"]
    assert {"path", "lang", "scores", "issues"} <= set(target)
    scores = target["scores"]
    assert scores["fidelity"] == 0.8678
    assert scores["drift"] == {"omitted": 0.16, "added": 0.004, "reordered": 0.0, "shifted": 0.0}
    assert set(scores["aligned"]) == {"source", "target"}
    assert tuple(scores["aligned"].values()) == pytest.approx(report.alignment.aligned_share, abs=1e-5)
    assert scores["beads"][3] == {
        "source": [2, 3],
        "target": [2, 3],
        "fidelity": 0.9,
        "profile": 1.44,
        "score": 0.9,
    }
    assert scores["beads"][2]["profile"] is None
    assert scores["beads"][2]["fidelity"] == 0.0
    found = target["issues"][1]
    start, end = span_of(SOURCE, "三万五千")
    assert found["source"] == {"start": start, "end": end, "text": "三万五千"}
    assert found["target"]["text"] == "3,500"
    assert found["bead"] == 3
    assert set(found) == {
        "check",
        "category",
        "severity",
        "confidence",
        "message",
        "source",
        "target",
        "suggestion",
        "evidence",
        "bead",
    }
    assert target["issues"][0]["target"] is None
    assert found == issue_dict(report.alignment, report.issues[1])


def test_json_has_no_nan_whatever_the_scores_are(report):
    """``json.loads`` in other languages refuses NaN and Infinity."""
    a = report.alignment
    drift = Drift(math.nan, math.inf, 0.0, np.float64(0.5), (None, math.nan, None, -math.inf, 0.0))
    scores = Scores(math.nan, (None, math.nan, 0.0, math.inf, 0.5), drift, "s", (("BLEU", math.nan, "n"),))
    broken = Report(a, scores, (), "s")
    value = json.loads(json.dumps(to_json([broken]), allow_nan=False))["targets"][0]["scores"]
    assert value["fidelity"] is None
    assert value["drift"] == {"omitted": None, "added": None, "reordered": 0.0, "shifted": 0.5}
    assert value["reference"]["BLEU"]["score"] is None
    for view in (
        repr(broken),
        to_text([broken]),
        to_html([broken]),
        json.dumps(broken.rows(), allow_nan=False),
    ):
        assert not re.search(r"\bnan\b|\binf\b", view)


def test_reports_about_different_sources_do_not_mix(report):
    """One JSON object and one page have one source column."""
    other = document(["别的文章。"], "zh")
    stranger = aligned(other, document(["Another text."], "en"), "1-1")
    with pytest.raises(BitextError, match="different sources"):
        to_json([report, Report(stranger, scored(stranger), (), "s")])
    with pytest.raises(BitextError, match="at least one"):
        to_html([])


def test_rows_hold_one_flat_dict_per_bead(report):
    rows = report.rows()
    assert [row["kind"] for row in rows] == ["0-1", "1-1", "1-0", "2-2", "1-1"]
    assert rows[3]["source"] == "去年我们收了三万五千公斤蓝莓。\n它们卖到了十一个省。"
    assert rows[3]["severity"] == "major"
    assert rows[3]["issues"] == [
        'major number-mismatch: 三万五千 is 35,000, the text says "3,500" → 35,000 kg',
    ]
    assert rows[1]["issues"] == []
    assert rows[1]["severity"] is None
    assert rows[0]["fidelity"] is None


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_missing_data_frame_library_is_named(report, monkeypatch, library):
    """The message is the command to type."""
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=re.escape(f"bitext[{library}]")):
        getattr(report, f"to_{library}")()


def test_data_frames_get_every_row_and_typed_columns(report, monkeypatch):
    """Stand-ins with the two constructors' signatures: the test machine need not have either library."""
    kinds = {name: name for name in ("Int64", "Float64", "String")}
    polars = SimpleNamespace(
        DataFrame=lambda rows, schema: (rows, schema), List=lambda of: f"List({of})", **kinds
    )
    monkeypatch.setitem(
        sys.modules, "pandas", SimpleNamespace(DataFrame=lambda rows, columns: (rows, columns))
    )
    monkeypatch.setitem(sys.modules, "polars", polars)
    assert report.to_pandas() == (report.rows(), list(report.rows()[0]))
    rows, schema = report.to_polars()
    assert rows == report.rows()
    assert list(schema) == list(rows[0])
    assert (schema["bead"], schema["profile"], schema["issues"]) == ("Int64", "Float64", "List(String)")


def test_data_frames_of_the_real_libraries_hold_the_rows(report):
    """Stand-ins cannot tell whether a schema is one that the library takes."""
    pandas = pytest.importorskip("pandas", reason="the extra [pandas]")
    polars = pytest.importorskip("polars", reason="the extra [polars]")
    frame, fast = report.to_pandas(), report.to_polars()
    assert frame["target"].tolist() == fast["target"].to_list() == [row["target"] for row in report.rows()]
    assert fast.schema["fidelity"] == polars.Float64
    assert fast["issues"].to_list()[3] == report.rows()[3]["issues"]
    assert pandas.isna(frame["fidelity"][0])
    assert len(Report(report.alignment, report.scores, (), "s").to_polars()) == len(frame)


# ---- offsets -----------------------------------------------------------------------------------------------

TRICKY = st.text(alphabet=st.sampled_from("a，中𠮷😀é\u0301\u200d\n\r\t %:"), min_size=1, max_size=40)


def offset_at(text, line, column):
    """Where an editor that breaks lines at newlines and counts code points puts the cursor."""
    return sum(len(before) + 1 for before in text.split("\n")[: line - 1]) + column - 1


@settings(deadline=None, max_examples=60)
@given(TRICKY, st.data())
def test_lines_and_columns_lead_back_to_the_span(text, data):
    """Astral characters, combining marks and CRLF must not shift a squiggle, in any format."""
    text = "x" + text + "x"
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    one = Document(text, "en", [[0, len(text)]], path="t.txt")
    source = Document("原文。", "zh", [[0, 3]], path="s.txt")
    report = single(aligned(source, one, "1-1"), issue(0, (0, 2), (start, end)))
    region = sarif_results(report)[0]["locations"][0]["physicalLocation"]["region"]
    assert offset_at(text, region["startLine"], region["startColumn"]) == start
    assert offset_at(text, region["endLine"], region["endColumn"]) == end
    assert region.get("snippet", {"text": ""})["text"] == text[start:end]
    assert (region["startLine"], region["startColumn"]) == one.place((start, end))[0]
    assert to_text([report]).startswith(f"t.txt:{region['startLine']}:{region['startColumn']}: ")
    assert f"line={region['startLine']},endLine={region['endLine']}" in to_github([report])


def single(alignment, *issues):
    return Report(alignment, scored(alignment), issues, "s")


def sarif_results(*reports):
    return to_sarif(reports)["runs"][0]["results"]


# ---- SARIF -------------------------------------------------------------------------------------------------


def test_sarif_says_what_its_readers_need(report):
    """The required properties of SARIF 2.1.0, and those that GitHub and GitLab insist on."""
    log = to_sarif([report])
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["addition", "number-mismatch", "omission"]
    assert all(rule["shortDescription"]["text"] and rule["fullDescription"]["text"] for rule in rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert len(result["locations"]) == 1
    assert [result["level"] for result in run["results"]] == ["warning", "error", "error"]
    json.dumps(log, allow_nan=False)


def test_an_omission_is_located_in_the_source_file(report):
    """There is nothing to point at in the target."""
    omission = sarif_results(report)[1]
    place = omission["locations"][0]["physicalLocation"]
    assert unquote(place["artifactLocation"]["uri"]) == "文稿/talk.zh.txt"
    assert place["artifactLocation"]["uri"].isascii()
    assert (place["region"]["startLine"], place["region"]["startColumn"]) == (2, 1)
    assert "8 characters" in omission["message"]["text"]


def test_a_finding_in_the_target_points_back_at_the_source(report):
    number = sarif_results(report)[2]
    assert number["locations"][0]["physicalLocation"]["region"]["snippet"]["text"] == "3,500"
    assert number["relatedLocations"][0]["physicalLocation"]["region"]["snippet"]["text"] == "三万五千"


def test_an_unknown_check_has_a_rule_too(report):
    """Checks may come from elsewhere."""
    own = single(report.alignment, issue(1, check="house-style", category="style"))
    (rule,) = to_sarif([own])["runs"][0]["tool"]["driver"]["rules"]
    assert (rule["id"], rule["name"]) == ("house-style", "HouseStyle")


def test_fingerprints_survive_moved_lines_and_change_with_the_text():
    """A suppressed finding stays suppressed when lines move, not when its sentence changes."""

    def result(zh, en, sizes, bead):
        source, target = document(zh, "zh", path="s"), document(en, "en", path="t")
        found = issue(bead, span_of(source, "两成"), span_of(target, "2%"))
        alignment = aligned(source, target, *sizes)
        return sarif_results(single(alignment, found))[0]["partialFingerprints"]["bitext/v1"]

    before = result(["产量涨了两成。"], ["Output rose 2%."], ["1-1"], 0)
    moved = result(["前言。", "产量涨了两成。"], ["Preface.", "Output rose  2%."], ["1-1", "1-1"], 1)
    edited = result(["产量涨了两成。"], ["The output rose 2%."], ["1-1"], 0)
    assert before == moved
    assert before != edited


def test_the_same_slip_twice_in_one_bead_is_two_findings():
    source, target = document(["甲，甲。"], "zh"), document(["B, B."], "en")
    pair = [issue(0, (0, 1), (0, 1)), issue(0, (2, 3), (3, 4))]
    report = single(aligned(source, target, "1-1"), *pair)
    assert len({fingerprint(report.alignment, i) for i in report.issues}) == 1
    assert len({r["partialFingerprints"]["bitext/v1"] for r in sarif_results(report)}) == 2


# ---- GitHub and text ---------------------------------------------------------------------------------------


def test_github_commands_cannot_be_broken_out_of():
    """A message with a line break or a path with a comma would end the command early."""
    source, target = document(["一。"], "zh"), document(["One."], "en", path="a,b:c\nd.txt")
    found = issue(0, None, (0, 3), message="50 % of\r\n::error::this")
    (line,) = to_github([single(aligned(source, target, "1-1"), found)]).splitlines()
    assert line == (
        "::error file=a%2Cb%3Ac%0Ad.txt,line=1,endLine=1,col=1,endColumn=4,title=major number-mismatch"
        "::50 %25 of ::error::this"
    )


def test_text_is_findings_in_reading_order_then_summary_then_signature(report):
    """What an editor sees in a pipe; an editor's window makes the places clickable."""
    assert to_text([report]).splitlines() == [
        "out/talk.en.txt:1:1: minor addition: a sentence has no source",
        "文稿/talk.zh.txt:2:1: critical omission: nothing stands for this segment (8 characters)",
        'out/talk.en.txt:3:21: major number-mismatch: 三万五千 is 35,000, the text says "3,500" → 35,000 kg',
        "3 issues (1 critical, 1 major, 1 minor) in 5 beads; "
        "aligned: 74 % of the source, 79 % of the target; fidelity 0.87; "
        "drift: 16 % omitted, 0.4 % added, peaks at bead 3 (1.4 MAD)",
        "bitext:0|emb:none|checks:3",
    ]


def test_every_view_shows_the_interval_of_the_fidelity(report):
    """A difference within the interval is no difference; whoever reads the score must see that."""
    scores = replace(report.scores, interval=(0.7912, 0.9249))
    sure = Report(report.alignment, scores, report.issues, report.signature)
    assert "fidelity 0.87 (0.79–0.92); drift" in to_text([sure])
    assert to_json([sure])["targets"][0]["scores"]["interval"] == [0.7912, 0.9249]
    assert '<span class="interval">0.79–0.92</span>' in to_html([sure])
    assert to_json([report])["targets"][0]["scores"]["interval"] is None
    assert 'class="interval"' not in to_html([report])


def test_each_target_has_a_summary_and_the_signature_comes_once(report):
    lines = to_text([report, report]).splitlines()
    assert [line.split(":")[0] for line in lines[-3:]] == ["out/talk.en.txt", "out/talk.en.txt", "bitext"]


def test_a_suggestion_is_shown_unless_the_message_has_it(report):
    told = issue(1, message='expected "Qinghe"', suggestion="Qinghe")
    untold = issue(1, message="the name is glossed", suggestion="Qinghe")
    lines = to_text([single(report.alignment, told, untold)]).splitlines()
    assert sorted(line.split("number-mismatch: ")[1] for line in lines[:2]) == [
        'expected "Qinghe"',
        "the name is glossed → Qinghe",
    ]


def test_a_document_cannot_steer_the_terminal():
    """Escape sequences and line breaks in a text come out as text, with and without color."""
    source, target = document(["一。"], "zh"), document(["One."], "en", path="a\x1b[2J.txt")
    found = issue(0, None, (0, 3), message="bad \x1b[31mred\nline \u202eevil \x9b0m", suggestion="\x07")
    report = single(aligned(source, target, "1-1"), found)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", to_text([report]))
    assert len(to_text([report]).splitlines()) == 3
    colored = to_text([report], color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == to_text([report])
    assert "\x1b[31mmajor\x1b[0m" in colored


@settings(deadline=None, max_examples=40)
@given(st.text(alphabet="word 一二三，。𠮷e\u0301 ", max_size=200), st.integers(70, 140))
def test_wrapping_keeps_every_word_and_the_width(message, width):
    """A Chinese character takes two cells; counting it as one breaks every table that has Chinese in it."""
    source, target = document(["一。"], "zh", path="源.txt"), document(["One."], "en", path="t.txt")
    alignment = aligned(source, target, "1-1")
    wrapped = to_text(
        [single(alignment, issue(0, None, (0, 1), message=message), issue(0, (0, 1)))], width=width
    )
    findings = wrapped.rpartition("2 issues")[0]
    assert all(_cells(line) <= width for line in findings.splitlines() if max(map(len, line.split())) < 30)
    assert "".join(message.split()) in "".join(findings.split())


def test_aligned_columns_count_cells_not_characters(report):
    lines = to_text([report], width=120).splitlines()[:3]
    columns = {_cells(re.split(r" (?=(?:critical|major|minor) )", line)[0]) for line in lines}
    assert len(columns) == 1
    assert _cells("中e\u0301😀a") == 6


# ---- HTML --------------------------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script></style></title>\"'><img src=x onerror=alert(1)>&lt;{{7*7}}{% x %}-->"


def everywhere(text):
    """Put `text` into every string that reaches the page."""
    source, target = (
        document([f"一{text}二。"], "zh", path=text),
        document([f"one {text} two"], "en", path=text),
    )
    found = Issue(text, text, "major", 0.5, text, 0, (1, 9), (4, 12), text, (text, text))
    alignment = aligned(source, target, "1-1")
    scores = Scores(0.5, (0.5,), Drift(0.0, 0.0, 0.0, 0.0, (1.0,)), text, ((text, 30.0, text),))
    return Report(alignment, scores, (found,), text)


@pytest.mark.parametrize(
    "view", [lambda r: to_html([r]), lambda r: r._repr_html_()], ids=["page", "notebook"]
)
def test_markup_in_the_input_is_inert(view):
    """A hostile text yields exactly the tags and attributes that a harmless one yields."""
    harmless, hostile = Page(view(everywhere("abcdefghijkl"))), Page(view(everywhere(HOSTILE)))
    assert Counter(hostile.tags) == Counter(harmless.tags)
    assert [set(attrs) for _, attrs in hostile.attributes] == [set(attrs) for _, attrs in harmless.attributes]
    assert any(HOSTILE in text for _, text in hostile.texts)


def test_the_page_loads_nothing_and_allows_only_its_own_script_and_style(report):
    """It opens from a disk without network, and the policy holds even if an escape were missed."""
    html = to_html([report, report])
    page = Page(html)
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    for name in ("style", "script"):
        block = re.search(rf"<{name}>(.*?)</{name}>", html, re.S)[1]
        digest = b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
        assert "url(" not in block
        assert "@import" not in block
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(page.tags)
    for tag, attributes in page.attributes:
        assert not {"src", "style", "srcset", "action"} & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes), tag
        assert attributes.get("href", "#").startswith("#"), attributes
    assert "http://" not in html
    assert "https://" not in html


def test_every_segment_and_every_issue_is_on_the_page(report):
    """Nothing is lost between the report and the editor."""
    page = Page(to_html([report]))
    text = "".join(page.within("li"))
    for segment in [*SOURCE.segments, *TARGET.segments]:
        assert text.count(segment) == 1, segment
    cards = [a for a in page.all("details") if "issue" in a.get("class", "").split()]
    assert sorted(a["data-check"] for a in cards) == ["addition", "number-mismatch", "omission"]
    for found in report.issues:
        assert any(found.message in t for t in page.within("details", "issue"))
    assert any("off by exactly 10" in t for t in page.within("details", "issue"))
    assert page.within("footer")[-1] == report.signature


def test_every_link_on_the_page_leads_somewhere(report):
    """Cards, underlines and the drift profile jump to beads; ids are unique."""
    page = Page(to_html([report, report]))
    ids = [attrs["id"] for _, attrs in page.attributes if "id" in attrs]
    assert len(ids) == len(set(ids))
    anchors = [attrs["href"][1:] for attrs in page.all("a")]
    assert len(anchors) > 10
    assert set(anchors) <= set(ids)
    for _, attrs in page.attributes:
        assert set(attrs.get("data-i", "").split()) <= set(ids)
        assert attrs.get("aria-labelledby", ids[0]) in ids


def test_underlines_hold_exactly_the_spans(report):
    page = Page(to_html([report]))
    marked = Counter(page.within("a", "m"))
    assert marked == {"三万五千": 1, "3,500": 1, "感谢镇里的支持。": 1, "Editor's note.": 1}


def test_overlapping_underlines_keep_the_text_and_show_the_worst():
    """Two checks may object to overlapping words."""
    source, target = document(["甲乙丙丁戊。"], "zh"), document(["abcdef"], "en")
    overlapping = [
        issue(0, (1, 4), severity="minor"),
        issue(0, (2, 5), severity="critical"),
        issue(0, (0, 0)),
        issue(0, (5, 7)),
    ]
    report = single(aligned(source, target, "1-1"), *overlapping)
    page = Page(to_html([report]))
    pieces = [(path[-1], text) for path, text in page.texts if ("li", "r") in path and path[-1][0] == "a"]
    assert [(c.split()[1], t) for (_, c), t in pieces] == [
        ("minor", "乙"),
        ("critical", "丙丁"),
        ("critical", "戊"),
        ("major", "。"),
    ]
    assert "甲乙丙丁戊。" in "".join(page.within("div", "cs"))


def test_every_label_exists_in_both_languages(report):
    """A missing translation would show its key to the editor."""
    labels = _report_html._labels()
    assert all(set(label) == {"en", "zh"} and all(label.values()) for label in labels.values())
    assert {f"check.{slug}" for slug in CHECKS} | {f"about.{slug}" for slug in CHECKS} <= set(labels)
    assert set(SEVERITIES) <= set(labels)
    html = to_html([report])
    used = {
        v for _, attrs in Page(html).attributes for k, v in attrs.items() if k in ("data-t", "data-label")
    }
    used |= set(re.findall(r'label\("([^"]+)"\)', _report_html._static("report.js")))
    assert len(used) > 40
    assert used <= set(labels)


def test_ids_the_script_asks_for_are_on_the_page(report):
    """The script and the template are edited apart."""
    script = _report_html._static("report.js")
    ids = {attrs["id"] for _, attrs in Page(to_html([report])).attributes if "id" in attrs}
    asked = set(re.findall(r'\$\("#([\w-]+)"\)', script))
    assert len(asked) > 8
    assert asked <= ids


def test_the_page_is_the_same_every_time(report):
    assert to_html([report]) == to_html([report])


def test_two_thousand_beads_fit_in_three_megabytes():
    """The bound the page promises; a book chapter is smaller."""
    zh = [f"第{i}句讲的是第{i * 7}号货架上的蓝莓酱，以及送货的那辆小卡车。" for i in range(2000)]
    en = [
        f"Sentence {i} is about the blueberry jam on shelf {i * 7} of the depot, and the little truck that "
        "delivers it through the hills every other Friday."
        for i in range(2000)
    ]
    source, target = document(zh, "zh"), document(en, "en")
    alignment = aligned(source, target, *["1-1"] * 2000)
    found = [
        issue(i, tuple(source.span(range(i, i + 1))), tuple(target.span(range(i, i + 1))))
        for i in range(0, 2000, 9)
    ]
    html = to_html([Report(alignment, scored(alignment), tuple(found), "s")])
    assert len(html.encode()) < 3_000_000
    assert html.count('<li class="r') == 2000
    assert 'class="beads lazy"' in html


# ---- joint rows --------------------------------------------------------------------------------------------


def laid_out(source, sizes):
    """Use up the source with `sizes` (source, target), whatever is left becoming one omission."""
    left, kept = len(source), []
    for n, m in sizes:
        kept.append((min(n, left), m))
        left -= kept[-1][0]
    kept = [size for size in [*kept, (left, 0)] if any(size)] + [(0, 1)]
    target = document([f"seg {j}" for j in range(sum(m for _, m in kept))], "en")
    return aligned(source, target, *(f"{n}-{m}" for n, m in kept))


SIZES = st.lists(st.sampled_from([(1, 1), (0, 1), (1, 0), (1, 2), (2, 1), (3, 2)]), max_size=7)


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 8), st.lists(SIZES, min_size=1, max_size=3))
def test_joint_rows_show_every_bead_once_beside_its_source(n_segments, sizes):
    """Side by side must not repeat, drop or displace a bead of any translation."""
    source = document([f"句{i}。" for i in range(n_segments)], "zh")
    alignments = [laid_out(source, of_target) for of_target in sizes]
    rows = _report_html._joint_rows(alignments)
    assert [q for row in rows for q in row.segments if q is not None] == list(
        range(len(alignments[0].source))
    )
    for t, alignment in enumerate(alignments):
        cells = [(row, cell) for row in rows for cell in row.cells[t]]
        assert [cell.bead for _, cell in cells] == list(range(len(alignment)))
        for row in rows:  # cells of one column do not overlap
            taken = [s for c in row.cells[t] for s in range(c.slot, c.slot + c.n_slots)]
            assert len(taken) == len(set(taken))
        for row, cell in cells:
            beside = [q for q in row.segments[cell.slot : cell.slot + cell.n_slots] if q is not None]
            assert beside == list(alignment[cell.bead].source)


def test_translations_that_agree_share_rows_of_one_bead():
    a = aligned(SOURCE, TARGET, "0-1", "1-1", "1-0", "2-2", "1-1")
    rows = _report_html._joint_rows([a, a])
    assert [row.segments for row in rows] == [(None,), (0,), (1,), (2, 3), (4,)]


def test_only_the_passage_that_moved_is_marked_as_moved():
    """One paragraph quoted early must not make the rest of the text look displaced."""
    source, target = document(list("一二三四"), "zh"), document(list("dabc"), "en")
    order = [(0, 1), (1, 2), (2, 3), (3, 0)]
    beads = tuple(Bead(range(i, i + 1), range(j, j + 1)) for i, j in order)
    crossing = Alignment(source, target, beads, order="free")
    assert _report_html._moved(crossing) == {3}
    page = Page(to_html([single(crossing)]))
    assert page.within("span", "k") == ["moved"]


# ---- notebook ----------------------------------------------------------------------------------------------


def test_the_notebook_table_needs_no_script_and_no_style_sheet(report):
    """Notebooks strip both from output they do not trust."""
    page = Page(report._repr_html_())
    assert not {"script", "style", "link", "img"} & set(page.tags)
    tooltips = [a["title"] for a in page.all("span") if "title" in a]
    assert 'major number-mismatch: 三万五千 is 35,000, the text says "3,500" → 35,000 kg' in tooltips
    assert "fidelity" in page.within("th")


def test_the_notebook_table_stops_after_fifty_beads_and_says_how_many_are_left():
    source, target = document(["句。"] * 53, "zh"), document(["Line."] * 53, "en")
    alignment = aligned(source, target, *["1-1"] * 53)
    html = alignment._repr_html_()
    assert html == alignment_html(alignment)
    assert Page(html).tags.count("tr") == 1 + 50
    assert "and 3 more beads" in html


# ---- files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".html", ".json", ".sarif", ".csv", ".tsv", ".JSON"])
def test_the_suffix_says_the_format(report, tmp_path, suffix):
    path = tmp_path / f"report{suffix}"
    report.write(path)
    data = path.read_bytes()
    assert "三万五千" in data.decode()
    if suffix == ".html":
        assert data.decode() == to_html([report])
    elif suffix.lower() == ".json":
        assert json.loads(data) == to_json([report])
    elif suffix == ".sarif":
        assert json.loads(data) == to_sarif([report])


@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t")])
def test_tables_read_back_as_the_rows(report, tmp_path, suffix, delimiter):
    """Line breaks inside a bead are quoted; the byte order mark that Excel needs is only in .csv."""
    path = tmp_path / f"r{suffix}"
    report.write(str(path))
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") == (suffix == ".csv")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    assert [row["source"] for row in rows] == [row["source"] for row in report.rows()]
    assert [row["fidelity"] for row in rows] == ["", "0.9", "0.0", "0.9", "0.9"]


def test_an_unknown_suffix_is_refused_with_the_known_ones(report, tmp_path):
    with pytest.raises(BitextError, match=r"'\.pdf'; expected one of \.html, \.json, \.sarif, \.csv, \.tsv"):
        report.write(tmp_path / "report.pdf")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".html", ".json", ".sarif", ".csv"])
def test_half_a_surrogate_pair_does_not_stop_a_report(tmp_path, suffix):
    """Bytes read with ``surrogateescape`` reach us as lone surrogates, which UTF-8 cannot hold."""
    source, target = document(["一\ud83d二。"], "zh"), document(["one \udcff two"], "en")
    report = single(aligned(source, target, "1-1"), issue(0, (1, 2), (4, 5)))
    report.write(tmp_path / f"r{suffix}")
    text = (tmp_path / f"r{suffix}").read_text("utf-8-sig")
    if suffix == ".json":
        assert json.loads(text) == to_json([report])


def test_importing_the_report_loads_no_template_engine():
    """`import bitext` has a budget; Jinja2 is for the page only."""
    code = "import sys, bitext.report; sys.exit(bool({'jinja2', 'pandas', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
