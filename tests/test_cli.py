"""The contract of the command line: what is printed where, and with which exit code."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bitext
from bitext import cli, pipeline

ZH = "公司去年营收增长。\n\n员工在工厂。天气很好。\n\n数据中心投资3亿元。\n\n谢谢大家。\n"
EN = (
    "The company revenue grew last year.\n\nThe staff are in the factory. The weather is fine.\n\n"
    "It invested 300 million yuan in the data center.\n\nThank you everyone.\n"
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "a.zh.txt").write_text(ZH, encoding="utf-8")
    (tmp_path / "a.en.txt").write_text(EN, encoding="utf-8")
    (tmp_path / "bad.en.txt").write_text(EN.replace("300 million", "3 billion"), encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def _toy_encoder(monkeypatch: pytest.MonkeyPatch, embedder) -> Iterator[None]:
    loaded = pipeline.load_embedder
    monkeypatch.setattr(
        pipeline,
        "load_embedder",
        lambda name, device=None: embedder if name == "zh-en" else loaded(name, device=device),
    )
    pipeline._loaded.cache_clear()
    yield
    pipeline._loaded.cache_clear()


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    try:
        code = cli.main([str(a) for a in args])
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_segment_gives_offsets_that_tile_the_file(capsys, files: Path) -> None:
    code, out, _ = run(capsys, "segment", files / "a.zh.txt", "--lang", "zh", "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert "".join(row["text"] for row in rows) == ZH
    assert all(ZH[row["start"] : row["end"]] == row["text"] for row in rows)


def test_segment_text_is_a_segment_a_line(capsys, files: Path) -> None:
    assert run(capsys, "segment", files / "a.zh.txt")[1].splitlines()[1:3] == ["员工在工厂。", "天气很好。"]


def test_align_prints_beads_in_the_contracts_form(capsys, files: Path) -> None:
    code, out, _ = run(capsys, "align", files / "a.zh.txt", files / "a.en.txt")
    assert code == 0
    assert out.splitlines()[0].startswith("[0]:[0]:0.") or out.splitlines()[0].startswith("[0]:[0]:1.")
    assert len(out.splitlines()) == 5


def test_align_takes_prepared_files_in_both_directions(capsys, tmp_path: Path) -> None:
    (tmp_path / "en").write_text("The company revenue grew.\n\nThank you everyone.\n", encoding="utf-8")
    (tmp_path / "zh").write_text("公司营收增长。\n谢谢大家。\n", encoding="utf-8")
    code, out, _ = run(capsys, "align", tmp_path / "en", tmp_path / "zh", "--pre-segmented")
    assert code == 0
    assert [line.rsplit(":", 1)[0] for line in out.splitlines()] == ["[0]:[0]", "[1]:[]", "[2]:[1]"]


@pytest.mark.parametrize("form", ["tsv", "jsonl", "tmx"])
def test_align_writes_the_exchange_formats(capsys, files: Path, form: str) -> None:
    code, out, _ = run(capsys, "align", files / "a.zh.txt", files / "a.en.txt", "--format", form)
    assert code == 0
    assert "谢谢大家" in out
    assert "Thank you everyone" in out


def test_score_prints_json_with_a_signature(capsys, files: Path) -> None:
    code, out, _ = run(
        capsys, "score", files / "a.zh.txt", files / "a.en.txt", files / "bad.en.txt", "--format", "json"
    )
    data = json.loads(out)
    good, bad = (target["scores"]["fidelity"] for target in data["targets"])
    assert code == 0
    assert "bitext:" in data["signature"]
    assert good > bad
    assert len(data["targets"][0]["scores"]["beads"]) == 5


def test_score_csv_has_a_row_for_each_target(capsys, files: Path) -> None:
    _, out, _ = run(
        capsys,
        "score",
        files / "a.zh.txt",
        files / "a.en.txt",
        "--format",
        "csv",
        "--reference",
        files / "bad.en.txt",
    )
    header, row = (line.split(",") for line in out.splitlines()[:2])
    assert header[:2] == ["target", "fidelity"]
    assert {"BLEU", "chrF2", "TER"} <= set(header)
    assert float(row[1]) > 0


def test_score_csv_has_a_row_for_each_bead_where_asked(capsys, files: Path) -> None:
    """A spreadsheet of the passages, for those who read them there."""
    paths = files / "a.zh.txt", files / "a.en.txt", files / "bad.en.txt"
    code, out, _ = run(capsys, "score", *paths, "--format", "csv", "--beads")
    rows = list(csv.DictReader(out.splitlines()))
    assert code == 0
    assert [(row["file"], row["bead"]) for row in rows][4:6] == [(str(paths[1]), "4"), (str(paths[2]), "0")]
    assert {"kind", "source", "target", "fidelity", "profile", "signature"} <= set(rows[0])
    assert run(capsys, "score", *paths, "--beads")[0] == 2


def test_score_pairs_keeps_the_order_and_the_number_of_lines(capsys, tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text(
        "公司营收增长。\tThe company revenue grew.\n谢谢大家。\t\n", encoding="utf-8"
    )
    code, out, err = run(capsys, "score", "--pairs", tmp_path / "p.tsv")
    assert code == 0
    assert float(out.splitlines()[0]) > float(out.splitlines()[1]) == 0.0
    assert "|emb:" in err  # no score without its signature


def test_score_pairs_gives_one_number_for_a_line_with_other_separators_in_it(capsys, tmp_path: Path) -> None:
    """A line separator pasted from a word processor is text, not a new row."""
    (tmp_path / "p.tsv").write_text("谢谢\u2028大家。\tThank you,\u2028everyone.\n", encoding="utf-8")
    code, out, _ = run(capsys, "score", "--pairs", tmp_path / "p.tsv")
    assert code == 0
    assert len(out.splitlines()) == 1


def test_score_pairs_says_that_the_columns_are_swapped(capsys, tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("Thank you everyone.\t谢谢大家。\n", encoding="utf-8")
    assert "1 of 1 pairs" in run(capsys, "score", "--pairs", tmp_path / "p.tsv")[2]
    turned = ["--source-lang", "en", "--target-lang", "zh"]
    assert "of 1 pairs" not in run(capsys, "score", "--pairs", tmp_path / "p.tsv", *turned)[2]


@pytest.mark.parametrize("extra", [["--format", "json"], ["--beads"], ["a.zh.txt", "a.en.txt"]])
def test_score_pairs_refuses_what_it_would_not_do(capsys, files: Path, extra: list[str]) -> None:
    (files / "p.tsv").write_text("谢谢大家。\tThank you everyone.\n", encoding="utf-8")
    code, out, err = run(capsys, "score", "--pairs", files / "p.tsv", *extra)
    assert (code, out) == (2, "")
    assert "--pairs" in err


@pytest.mark.parametrize("given", [["-", "bad.en.txt"], ["a.zh.txt", "-"]])
def test_check_reads_standard_input(capsys, files: Path, monkeypatch, given: list[str]) -> None:
    piped = files / ("a.zh.txt" if given[0] == "-" else "bad.en.txt")
    with piped.open("rb") as stream:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
        code, out, _ = run(capsys, "check", *(name if name == "-" else files / name for name in given))
    assert code == 1
    assert "number-mismatch" in out


def test_check_is_clean_on_a_right_translation_and_1_on_a_wrong_number(capsys, files: Path) -> None:
    assert run(capsys, "check", files / "a.zh.txt", files / "a.en.txt")[0] == 0
    code, out, _ = run(capsys, "check", files / "a.zh.txt", files / "bad.en.txt")
    assert code == 1
    assert "number-mismatch" in out
    assert run(capsys, "check", files / "a.zh.txt", files / "bad.en.txt", "--fail-on", "never")[0] == 0


def test_check_json_points_into_the_decoded_file(capsys, files: Path) -> None:
    data = json.loads(run(capsys, "check", files / "a.zh.txt", files / "bad.en.txt", "--format", "json")[1])
    text = (files / "bad.en.txt").read_text(encoding="utf-8")
    issues = data["targets"][0]["issues"]
    assert issues
    for issue in issues:
        if issue["target"]:
            assert text[issue["target"]["start"] : issue["target"]["end"]] == issue["target"]["text"]


@pytest.mark.parametrize("form", ["sarif", "github", "html"])
def test_check_writes_the_other_formats(capsys, files: Path, form: str) -> None:
    path = files / f"out.{form}"
    assert (
        run(capsys, "check", files / "a.zh.txt", files / "bad.en.txt", "--format", form, "-o", path)[0] == 1
    )
    assert path.stat().st_size > 100


def test_the_termbase_of_the_user_is_binding(capsys, files: Path) -> None:
    (files / "house.tsv").write_text("zh\ten\n数据中心\tdata hub\n", encoding="utf-8")
    code, out, _ = run(
        capsys, "check", files / "a.zh.txt", files / "a.en.txt", "--termbase", files / "house.tsv"
    )
    assert code == 1
    assert "data hub" in out


def _bad_inputs(folder: Path) -> dict[str, list[object]]:
    (folder / "empty.txt").write_text("")
    (folder / "binary.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)))
    (folder / "gb.txt").write_bytes(ZH.encode("gb18030"))
    (folder / "house.tsv").write_text("zh\ten\n数据中心\t\n", encoding="utf-8")
    zh, en = folder / "a.zh.txt", folder / "a.en.txt"
    return {
        "missing": ["check", zh, folder / "nowhere.txt"],
        "empty": ["check", zh, folder / "empty.txt"],
        "binary": ["check", folder / "binary.txt", en],
        "encoding": ["check", folder / "gb.txt", en, "--encoding", "utf-8"],
        "language": ["check", en, en],
        "swapped": ["check", en, zh],
        "termbase": ["check", zh, en, "--termbase", folder / "house.tsv"],
        "model": ["check", zh, en, "--embedder", "no-such-model"],
        "usage": ["check", zh],
        "format": ["align", zh, en, "--format", "docx"],
    }


@pytest.mark.parametrize(
    "kind",
    ["missing", "empty", "binary", "encoding", "language", "swapped", "termbase", "model", "usage", "format"],
)
def test_bad_input_is_one_line_on_stderr_exit_2_and_nothing_written(capsys, files: Path, kind: str) -> None:
    out_path = files / "out.txt"
    code, out, err = run(capsys, *_bad_inputs(files)[kind], "-o", out_path)
    assert (code, out) == (2, "")
    assert err.startswith("bitext: error: ")
    assert err.count("\n") == 1
    assert not out_path.exists()


def test_a_cuda_device_that_is_not_there_is_named(
    capsys, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from bitext.embedding import load_embedder

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    monkeypatch.setattr(pipeline, "load_embedder", load_embedder)
    pipeline._loaded.cache_clear()
    code, _, err = run(capsys, "check", files / "a.zh.txt", files / "a.en.txt", "--device", "cuda")
    assert code == 2
    assert "cuda" in err.lower()


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16", "utf-8-sig"])
def test_chinese_encodings_are_detected(capsys, files: Path, encoding: str) -> None:
    text = "公司去年增加收入三成。" * 3
    (files / "x.txt").write_bytes(text.encode(encoding))
    code, out, _ = run(capsys, "segment", files / "x.txt")
    assert code == 0
    assert "公司去年" in out


def test_batch_writes_a_row_for_each_pair_an_error_row_for_a_bad_one_and_resumes(capsys, files: Path) -> None:
    rows = [
        {"id": "good", "source_path": "a.zh.txt", "target_path": "a.en.txt"},
        {"id": "text", "source": "谢谢大家。", "target": "Thank you everyone."},
        {"id": "gone", "source_path": "a.zh.txt", "target_path": "nowhere.txt"},
        {"id": "half", "source": "谢谢大家。"},
    ]
    manifest, out = files / "m.jsonl", files / "o.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n", encoding="utf-8")
    code, text, _ = run(capsys, "batch", manifest, "-o", out)
    first = out.read_text(encoding="utf-8")
    results = [json.loads(line) for line in first.splitlines()]
    assert code == 0
    assert "2 done, 3 failed" in text
    assert [r["id"] for r in results] == ["good", "text", "gone", "half", "row 5"]
    assert ["error" in r for r in results] == [False, False, True, True, True]
    assert results[0]["interval"][0] <= results[0]["fidelity"] <= results[0]["interval"][1]
    assert results[1]["interval"] is None  # one sentence says nothing about others
    assert run(capsys, "batch", manifest, "-o", out)[0] == 2  # never overwrites
    out.write_text(first.splitlines()[0] + '\n{"id": "cut of', encoding="utf-8")
    assert "1 skipped" in run(capsys, "batch", manifest, "-o", out, "--resume")[1]
    assert out.read_text(encoding="utf-8") == first


@pytest.mark.parametrize(
    "bad",
    [
        '{"id": 1e999, "source": "谢谢。", "target": "Thanks."}',
        '{"id": [1], "source": "谢谢。", "target": "Thanks."}',
        '{"id": ' + "1" * 5000 + ', "source": "谢谢。", "target": "Thanks."}',
        "[" * 100_000,
        '{"id": "typed", "source": 5, "target": "Thanks."}',
        '{"id": "\\ud800", "source": "谢谢。"}',
        "7",
    ],
)
def test_no_row_of_a_manifest_ends_a_batch(capsys, tmp_path: Path, bad: str) -> None:
    """A row of results for a row of input: the good one after a bad one too."""
    good = '{"id": "good", "source": "谢谢大家。", "target": "Thank you everyone.", "error": null}'
    (tmp_path / "m.jsonl").write_text(f"{bad}\n{good}\n", encoding="utf-8")
    code, text, _ = run(capsys, "batch", tmp_path / "m.jsonl", "-o", tmp_path / "o.jsonl")
    assert (code, "1 done, 1 failed" in text) == (0, True)
    first, second = map(json.loads, (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines())
    assert "error" in first
    assert "fidelity" in second


def test_a_resumed_batch_keeps_a_row_for_each_row(capsys, tmp_path: Path) -> None:
    """Also where an id occurs twice; and it goes on with nothing but results."""
    row = '{"id": "a", "source": "谢谢大家。", "target": "Thank you everyone."}\n'
    manifest, out = tmp_path / "m.jsonl", tmp_path / "o.jsonl"
    manifest.write_text(row + row, encoding="utf-8")
    run(capsys, "batch", manifest, "-o", out)
    first = out.read_text(encoding="utf-8")
    assert "0 done, 1 failed, 1 skipped" in run(capsys, "batch", manifest, "-o", out, "--resume")[1]
    assert out.read_text(encoding="utf-8") == first
    assert "dropped" in run(capsys, "batch", manifest, "-o", out, "--resume", "--order", "free")[1]
    code, _, err = run(capsys, "batch", manifest, "-o", manifest, "--resume")
    assert (code, "no result" in err) == (2, True)
    assert manifest.read_text(encoding="utf-8") == row + row
    assert run(capsys, "batch", manifest, "-o", tmp_path / "gone" / "o.jsonl")[0] == 2


def test_batch_takes_paths(files: Path) -> None:
    row = {"id": 1, "source_path": files / "a.zh.txt", "target_path": files / "a.en.txt"}
    assert bitext.batch([row], out=files / "o.jsonl").n_done == 1


def test_convert_keeps_every_unit_and_reports_what_it_cannot_read(capsys, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(
        "谢谢大家。\tThank you all.\n只有一列\n天气很好。\tFine weather.\n", encoding="utf-8"
    )
    code, _, err = run(capsys, "convert", tmp_path / "a.tsv", tmp_path / "a.tmx")
    assert code == 0
    assert "a.tsv:2" in err
    assert "1 rows" in err
    assert run(capsys, "convert", tmp_path / "a.tmx", tmp_path / "b.tsv")[0] == 0
    text = (tmp_path / "b.tsv").read_text(encoding="utf-8")
    assert all(part in text for part in ("谢谢大家。", "Thank you all.", "天气很好。", "Fine weather."))


def test_findings_in_markup_point_into_the_users_file(capsys, files: Path) -> None:
    """The offsets of JSON and the columns of text are those of the file, not of the text inside its markup."""
    body = EN.replace("300 million", "<b>3 billion</b>").replace("\n\n", "</p>\n<p>").strip()
    html = f"<html><body>\n<p>{body}</p>\n</body></html>\n"
    (files / "bad.html").write_text(html, encoding="utf-8")
    data = json.loads(run(capsys, "check", files / "a.zh.txt", files / "bad.html", "--format", "json")[1])
    issue = next(i for i in data["targets"][0]["issues"] if i["check"] == "number-mismatch")
    assert "3 billion" in html[issue["target"]["start"] : issue["target"]["end"]]
    line = next(k for k, row in enumerate(html.splitlines(), start=1) if "3 billion" in row)
    out = run(capsys, "check", files / "a.zh.txt", files / "bad.html")[1]
    assert f"bad.html:{line}:{html.splitlines()[line - 1].index('3 billion') + 1}:" in out


def test_terms_lists_renderings_and_writes_a_termbase(capsys, tmp_path: Path) -> None:
    """What is listed can be corrected and used as the project's termbase."""
    zh = "数据中心投资3亿元。\n数据中心的员工在工厂。\n数据中心的客户在海外。\n"
    en = "It invested 300 million yuan in the data center.\nThe data center staff are in the factory.\n"
    (tmp_path / "t.zh.txt").write_text(zh, encoding="utf-8")
    (tmp_path / "t.en.txt").write_text(en + "The data center customers are overseas.\n", encoding="utf-8")
    house = tmp_path / "house.tsv"
    code, out, _ = run(capsys, "terms", tmp_path / "t.zh.txt", tmp_path / "t.en.txt", "-o", house)
    assert code == 0
    row = next(line.split("\t") for line in out.splitlines() if line.startswith("数据中心\t"))
    assert row[1] == "3"
    assert run(capsys, "check", tmp_path / "t.zh.txt", tmp_path / "t.en.txt", "--termbase", house)[0] == 0


def test_models_lists_what_ships(capsys) -> None:
    code, out, _ = run(capsys, "models", "--format", "json")
    assert code == 0
    assert {"name", "digest", "size", "license"} <= set(json.loads(out)[0])


def test_eval_alignment_prints_the_figures_of_the_field(capsys, tmp_path: Path) -> None:
    for folder, text in (
        ("src", "公司营收增长。\n天气很好。\n谢谢大家。\n"),
        ("tgt", "The company revenue grew.\nThe weather is fine.\nThank you everyone.\n"),
        ("gold", "[0]:[0]\n[1]:[1]\n[2]:[2]\n"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / ("1.align" if folder == "gold" else "1")).write_text(text, encoding="utf-8")
    figures = json.loads(run(capsys, "eval", "alignment", tmp_path)[1])
    assert figures["strict"]["f1"] == 1.0
    assert figures["types"]["1-1"] == {"gold": 3, "found": 3, "right": 3}


def test_every_command_has_help_and_is_in_the_readme() -> None:
    """Documentation that drifts is worse than none."""
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    help_text = subprocess.run(
        [sys.executable, "-m", "bitext", "--help"], capture_output=True, text=True, check=True
    ).stdout
    commands = re.findall(r"^    (\w+) ", help_text, re.MULTILINE)
    assert {"segment", "align", "check", "review", "models"} <= set(commands)
    assert [command for command in commands if f"bitext {command}" not in readme] == []


def test_importing_bitext_is_light() -> None:
    """`import bitext` loads neither torch nor NumPy, and is silent."""
    code = "import sys, bitext as b; print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_python_m_bitext_is_the_console_script() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bitext", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("bitext ")


def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """People paste it first; what is documented must work."""
    root = Path(__file__).parent.parent
    readme = (root / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block.replace('"corpora/', f'"{root.as_posix()}/corpora/'), "README.md", "exec"), {})
    assert (tmp_path / "report.html").stat().st_size > 1000
