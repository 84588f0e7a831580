"""The review page belongs to one editor on one machine, and what is decided on it is on the disk."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
from dataclasses import replace

import numpy as np
import pytest

from bitext import cli
from bitext._review_server import serving
from bitext.baseline import Baseline
from bitext.data import Alignment, Bead, Document, Issue
from bitext.errors import BitextError
from bitext.report import Report
from bitext.review import Review
from bitext.scoring import Drift, Scores
from bitext.terminology import Termbase

ZH = ["通义千问发布了。", "去年收了三万斤。", "去年收了三万斤。", "谢谢大家。"]
EN = ["Thousand Questions was released.", "Last year: 3,000 jin.", "Last year: 3,000 jin.", "Thanks, all."]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Only this machine, for this file: the page is served here."""
    connect = socket.socket.connect

    def local(self, address):
        assert not isinstance(address, tuple) or address[0] in ("127.0.0.1", "localhost"), address
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local)


def document(segments, lang, path):
    ends = np.cumsum([len(segment) + 1 for segment in segments])
    starts = np.concatenate(([0], ends[:-1]))
    return Document("".join(s + "\n" for s in segments), lang, np.column_stack((starts, ends)), path=path)


def issue(bead, check, source, target, suggestion, message="something is wrong"):
    offsets = [sum(len(s) + 1 for s in side[:bead]) for side in (ZH, EN)]
    spans = [
        (offset + side[bead].index(text), offset + side[bead].index(text) + len(text)) if text else None
        for offset, side, text in zip(offsets, (ZH, EN), (source, target), strict=True)
    ]
    return Issue(check, "accuracy", "major", 0.9 - bead / 100, message, bead, *spans, suggestion=suggestion)


@pytest.fixture
def reports(tmp_path):
    """Return one report: a name, a number twice alike, and an omission."""
    source = document(ZH, "zh", str(tmp_path / "a.zh.txt"))
    target = document(EN, "en", str(tmp_path / "a.en.txt"))
    beads = tuple(Bead(range(i, i + 1), range(i, i + 1), score=0.9) for i in range(4))
    scores = Scores(0.9, (0.9,) * 4, Drift(0.0, 0.0, 0.0, 0.0, (0.0,) * 4), "s")
    issues = (
        issue(0, "name-mismatch", "通义千问", "Thousand Questions", "Tongyi Qianwen"),
        issue(1, "number-mismatch", "三万", "3,000", "30,000"),
        issue(2, "number-mismatch", "三万", "3,000", "30,000"),
        issue(3, "mistranslation", "谢谢", "Thanks", None, message="<script>alert(1)</script>"),
    )
    return [Report(Alignment(source, target, beads), scores, issues, "s")]


@pytest.fixture
def files(tmp_path):
    return {
        "baseline": tmp_path / "b.json",
        "termbase": tmp_path / "t.tsv",
        "decisions": tmp_path / "d.jsonl",
    }


# ---- decisions ---------------------------------------------------------------------------------------------


def test_what_is_rejected_is_said_no_more_and_can_be_taken_back(reports, files):
    """The baseline that `bitext check` reads is the one the page writes."""
    review = Review(reports, **files)
    review.decide("i0-3", "rejected", reason="house style")
    ((after,), _) = Baseline.read(files["baseline"]).apply(reports)
    assert [i.check for i in after.issues] == ["name-mismatch", "number-mismatch", "number-mismatch"]
    assert after.suppressed[0].reason == "house style"
    review.decide("i0-3", "open")
    assert not Baseline.read(files["baseline"]).entries


def test_findings_that_look_alike_are_counted_not_merged(reports, files):
    """The same slip twice: rejecting one must leave the other."""
    review = Review(reports, **files)
    review.decide("i0-1", "rejected")
    ((after,), _) = Baseline.read(files["baseline"]).apply(reports)
    assert sum(i.check == "number-mismatch" for i in after.issues) == 1
    review.decide("i0-2", "rejected")
    assert Baseline.read(files["baseline"]).entries[0].count == 2
    review.decide("i0-1", "accepted")
    assert Baseline.read(files["baseline"]).entries[0].count == 1


def test_entries_of_others_stay_in_the_baseline(reports, files):
    """A baseline is shared; a colleague may write to it while the page is open."""
    review = Review(reports, **files)
    other = Baseline.read(_baseline_of(files["baseline"], "other.en.txt"))
    review.decide("i0-0", "rejected")
    assert set(other.entries) < set(Baseline.read(files["baseline"]).entries)


def _baseline_of(path, target):
    row = {"target": target, "check": "omission", "fingerprint": "0" * 32}
    path.write_text(json.dumps({"version": 1, "findings": [row, None]}), encoding="utf-8")
    return path


def test_a_confirmed_term_is_the_preferred_one_and_can_be_taken_back(reports, files):
    """The next check holds every text to what the editor said."""
    files["termbase"].write_text("zh\ten\n通义千问\tTongyi\n魔搭\tModelScope\n", encoding="utf-8")
    before = files["termbase"].read_text(encoding="utf-8")
    review = Review(reports, **files)
    review.decide("i0-0", "accepted", suggestion="Tongyi  Qianwen", term=True)
    (concept,) = [c for c in Termbase.read(files["termbase"]) if c.source_terms[0].text == "通义千问"]
    assert [(t.text, t.status) for t in concept.target_terms] == [
        ("Tongyi Qianwen", "preferred"),
        ("Tongyi", "admitted"),
    ]
    review.decide("i0-0", "accepted", suggestion="Qwen", term=True)
    review.decide("i0-0", "rejected")
    renderings = {
        c.source_terms[0].text: [t.text for t in c.target_terms] for c in Termbase.read(files["termbase"])
    }
    assert renderings == {"通义千问": ["Tongyi"], "魔搭": ["ModelScope"]}
    assert before.count("\n") == 3


def test_two_senses_of_a_term_are_not_made_one(reports, files):
    """苹果 is a fruit and a company; confirming one must not lose the other."""
    files["termbase"].write_text(
        "zh\ten\tdomain\n魔搭\tModelScope\t\n通义千问\tTongyi\ta\n通义千问\tA Thousand Questions\tb\n",
        encoding="utf-8",
    )
    before = [[t.text for t in c.target_terms] for c in Termbase.read(files["termbase"])]
    review = Review(reports, **files)
    review.decide("i0-0", "accepted", suggestion="Qwen", term=True)
    after = [[t.text for t in c.target_terms] for c in Termbase.read(files["termbase"])]
    assert len(after) == len(before)
    assert after[0] == ["ModelScope"]
    assert after[1] == ["Qwen", *before[1]]
    review.decide("i0-0", "open")
    assert [[t.text for t in c.target_terms] for c in Termbase.read(files["termbase"])] == before


def test_a_term_confirmed_twice_stays_until_both_are_taken_back(reports, files):
    """A name stands in many places; one click back must not undo another."""
    (report,) = reports
    again = issue(0, "term-mismatch", "通义千问", "Questions", "Qwen")
    review = Review([replace(report, issues=(*report.issues, again))], **files)
    one, other = (i for i, (_, found) in review._issues.items() if found.bead == 0)
    review.decide(one, "accepted", suggestion="Qwen", term=True)
    review.decide(other, "accepted", suggestion="Qwen LM", term=True)
    review.decide(other, "rejected")
    assert [c.preferred("en").text for c in Termbase.read(files["termbase"])] == ["Qwen"]
    review.decide(one, "open")
    assert not files["termbase"].exists()


def test_a_termbase_that_is_not_there_is_made(reports, files):
    review = Review(reports, **files)
    review.decide("i0-0", "accepted", suggestion="Qwen", term=True)
    assert [c.target_terms[0].text for c in Termbase.read(files["termbase"])] == ["Qwen"]
    review.decide("i0-0", "open")
    assert not files["termbase"].exists()


@pytest.mark.parametrize(
    ("id_", "suggestion", "fact"),
    [
        ("i0-1", "30,000", "want of a term"),
        ("i0-0", " ", "want of a rendering"),
        ("i0-9", "x", "no finding 'i0-9'"),
    ],
)
def test_a_term_that_cannot_be_confirmed_is_refused_and_nothing_is_written(
    reports, files, id_, suggestion, fact
):
    review = Review(reports, **files)
    with pytest.raises(BitextError, match=fact):
        review.decide(id_, "accepted", suggestion=suggestion, term=True)
    assert not review.decided()
    assert not any(path.exists() for path in files.values())


def test_a_decision_that_cannot_be_written_is_not_taken(reports, files, tmp_path):
    """The page shows what is on the disk."""
    review = Review(reports, **files | {"decisions": tmp_path / "no" / "d.jsonl"})
    with pytest.raises(BitextError, match="cannot be written"):
        review.decide("i0-3", "accepted")
    assert not review.decided()


def test_a_review_goes_on_another_day(reports, files):
    """Decisions come back by what they are about, not by where it stood."""
    first = Review(reports, **files)
    first.decide("i0-0", "accepted", suggestion="Qwen", reason="as on their page")
    first.decide("i0-2", "rejected")
    second = Review(reports, **files)
    assert [(i.bead, d.choice, d.suggestion, d.reason) for _, i, d in second.decided()] == [
        (0, "accepted", "Qwen", "as on their page"),
        (2, "rejected", "", ""),
    ]
    rows = [json.loads(line) for line in files["decisions"].read_text(encoding="utf-8").splitlines()]
    assert rows[0]["issue"]["source"]["text"] == "通义千问"


def test_a_file_of_something_else_is_refused(reports, files):
    files["decisions"].write_text('{"key": 1}\n', encoding="utf-8")
    with pytest.raises(BitextError, match=r"d\.jsonl:1: no decision"):
        Review(reports, **files)


# ---- the server --------------------------------------------------------------------------------------------


def ask(address, path="", *, method="GET", body=None, **headers):
    """Send one request, with the headers a browser would send unless told otherwise."""
    url = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
    origin = f"http://{url.netloc}"
    given = {"Host": url.netloc} | ({"Origin": origin, "Content-Type": "application/json"} if body else {})
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    connection.request(method, url.path + path, data, {k: v for k, v in given.items() if v is not None})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, dict(answer.getheaders())


def decision(**values):
    return {
        "issue": "i0-0",
        "decision": "accepted",
        "suggestion": "Qwen",
        "reason": "",
        "term": False,
    } | values


@pytest.fixture
def address(reports, files):
    review = Review(reports, **files)
    with serving(review) as at:
        yield at


def test_the_page_is_the_report_with_buttons_and_everything_escaped(address):
    status, text, headers = ask(address)
    assert status == 200
    assert text.count('class="decide"') == 4
    assert "<script>alert" not in text
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "connect-src 'self'" in text
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers


def test_only_this_machine_is_listened_to(address):
    """A socket on all interfaces would show an unpublished translation to the whole network."""
    url = urllib.parse.urlsplit(address)
    assert url.hostname == "127.0.0.1"
    assert len(url.path) > 40
    with pytest.raises(OSError), socket.socket() as probe:  # noqa: PT011 - the reason differs by system
        probe.bind(("127.0.0.1", url.port))


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Host": "evil.example"}, "DNS rebinding"),
        ({"Host": "localhost:1"}, "another port"),
        ({"Origin": "https://evil.example"}, "another site"),
        ({"Origin": "null"}, "a sandboxed frame"),
        ({"Sec_Fetch_Site": "cross-site"}, "a link from elsewhere"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_from_elsewhere_are_refused(address, files, headers, why, method):
    """A web page in the same browser can reach 127.0.0.1 too."""
    body = decision(decision="rejected") if method == "POST" else None
    path = "decisions" if body else ""
    status, text, _ = ask(address, path, method=method, body=body, **headers)
    assert status == 403, why
    assert "Thousand" not in text
    assert not files["baseline"].exists()


def test_a_post_must_name_its_origin(address, files):
    status, _, _ = ask(address, "decisions", method="POST", body=decision(decision="rejected"), Origin=None)
    assert status == 403
    assert not files["baseline"].exists()


@pytest.mark.parametrize("path", ["/", "/x/", "/favicon.ico", "//", "/%00/"])
def test_without_the_token_nothing_is_said(address, path):
    url = urllib.parse.urlsplit(address)
    status, text, _ = ask(f"http://{url.netloc}{path}")
    assert status == 403
    assert "bitext review printed" in text
    almost = address[:-2] + ("A" if address[-2] != "A" else "B") + "/"
    assert ask(almost)[0] == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (decision(), 200),
        (decision(issue="i7-7"), 400),
        (decision(decision="deleted"), 400),
        (decision(term="yes"), 400),
        (decision(reason="x" * 3000), 400),
        ({"issue": "i0-0"}, 400),
        (b"[" * 5000, 400),
        (b"not json", 400),
        (b"x" * (1 << 17), 413),
    ],
)
def test_a_request_that_is_no_decision_is_one_line_of_error(address, body, status):
    got, text, _ = ask(address, "decisions", method="POST", body=body)
    assert got == status
    assert (status == 200) or json.loads(text)["error"]


def test_a_form_of_another_page_cannot_decide(address, files):
    """Forms send no JSON; a page elsewhere may send one without asking."""
    body = json.dumps(decision(decision="rejected")).encode()
    assert ask(address, "decisions", method="POST", body=body, Content_Type="text/plain")[0] == 415
    assert ask(address, "elsewhere", method="POST", body=body)[0] == 404
    assert ask(address, "elsewhere")[0] == 404
    assert ask(address, method="DELETE")[0] == 501
    assert not files["baseline"].exists()


def test_many_decisions_at_once_are_all_kept(address, files):
    """Two tabs, or an impatient editor."""
    ids = [f"i0-{n}" for n in range(4)]
    threads = [
        threading.Thread(
            target=ask, args=(address, "decisions"), kwargs={"method": "POST", "body": decision(issue=id_)}
        )
        for id_ in ids
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files["decisions"].read_text(encoding="utf-8").splitlines()) == 4


def test_the_server_is_gone_after_its_block(reports, files):
    with serving(Review(reports, **files)) as at:
        assert ask(at)[0] == 200
    with pytest.raises(ConnectionRefusedError):
        ask(at)


def test_a_port_that_is_taken_is_one_line_of_error(reports, files):
    """Two reviews at once must not answer for each other."""
    review = Review(reports, **files)
    with serving(review) as at:
        port = urllib.parse.urlsplit(at).port
        with pytest.raises(BitextError, match=f"port {port} of 127.0.0.1"), serving(review, port=port):
            pass


def test_a_translation_without_findings_is_a_page_too(reports, files):
    (report,) = reports
    review = Review([replace(report, issues=())], **files)
    assert 'class="decide"' not in review.page()
    assert review.decided() == []


def test_importing_the_review_opens_nothing():
    """The library itself has no server; `http.server` is not even loaded by `import bitext`."""
    code = "import sys, bitext, bitext.pipeline, bitext.report, bitext.review; sys.exit('http.server' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- the command -------------------------------------------------------------------------------------------


def test_the_command_ends_with_control_c_and_says_what_was_decided(pair, monkeypatch, capsys):
    """The address goes to standard error, the decisions to standard output."""

    def interrupted(seconds):
        address = next(w for w in capsys.readouterr().err.split() if w.startswith("http://127.0.0.1"))
        status, text, _ = ask(
            address, "decisions", method="POST", body=decision(decision="rejected", reason="yes")
        )
        assert status == 200, text
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    assert cli.main(["review", *pair, "--no-browser"]) == 0
    out = capsys.readouterr().out
    assert "rejected number-mismatch" in out
    assert "(yes)" in out
    assert "1 rejected" in out
    assert Baseline.read("bitext-baseline.json").entries[0].reason == "yes"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are sent differently")
def test_an_interrupt_from_outside_ends_a_served_review(tmp_path):
    """Control-C reaches the process as a signal, while threads serve."""
    code = (
        "import time\nfrom bitext._review_server import serving\n"
        "class R:\n    def page(self): return 'x'\n"
        "try:\n    with serving(R()) as a:\n        print(a, flush=True)\n        time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('ended')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert out == "ended\n"


# ---- the page in a browser ---------------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield launched
        launched.close()


@pytest.mark.slow
def test_an_editor_decides_with_the_keyboard(browser, address, files):
    """J to a finding, x against it, e and Enter to correct the next; the files say the same."""
    from playwright.sync_api import expect

    faults = []
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: request.url.startswith(address) or faults.append(request.url))
    page.goto(address)
    assert page.text_content("#decided") == "0 / 4 decided"
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type("Qwen")
    page.check("#i0-0 input[name=term]")
    page.focus("#i0-0 input[name=suggestion]")
    page.keyboard.press("Enter")
    expect(page.locator("#decided")).to_have_text("1 / 4 decided")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#decided")).to_have_text("2 / 4 decided")
    assert page.locator("#i0-1").get_attribute("data-decision") == "rejected"
    assert page.locator("#i0-2").get_attribute("open") is not None  # on to the next
    page.keyboard.press("u")
    assert page.text_content("#status").startswith("2 / 4")
    page.reload()
    assert page.text_content("#decided") == "2 / 4 decided"
    page.click("#language")
    assert "已处理" in page.text_content("#decided")
    page.click("#language")
    page.click('.card[data-of="i0-1"] [data-decide="rejected"]')  # pressed again: taken back
    expect(page.locator("#decided")).to_have_text("1 / 4 decided")
    context.close()
    assert not faults
    assert [c.target_terms[0].text for c in Termbase.read(files["termbase"])] == ["Qwen"]
    assert not Baseline.read(files["baseline"]).entries


@pytest.mark.slow
def test_the_page_says_when_the_server_is_gone(browser, reports, files):
    """An editor must not go on deciding into the void."""
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    with serving(Review(reports, **files)) as at:
        page.goto(at)
    page.click('.card[data-of="i0-0"] [data-decide="accepted"]')
    page.wait_for_selector("#saved.failed")
    assert page.text_content("#saved").startswith("Not saved")
    assert page.text_content("#decided") == "0 / 4 decided"
    context.close()
