"""What is printed suits where it is printed: colors and columns on a terminal, plain lines in a pipe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bitext import _cli
from bitext.report import _cells

ROOT = Path(__file__).resolve().parent.parent

# a report made by hand, printed as `bitext check` prints it: no encoder is loaded
SCRIPT = """
import sys
from bitext import _cli
from bitext.data import Alignment, Bead, Document, Issue
from bitext.report import Report, to_text
from bitext.scoring import Drift, Scores
source = Document("一二三。", "zh", [[0, 4]], path="s.txt")
message = "三百二十万台 is 3.2 million units; 两种说法 differ " * 2
def report(path):
    target = Document("one two three four", "en", [[0, 18]], path=path)
    a = Alignment(source, target, (Bead(range(1), range(1), score=0.9),))
    issues = tuple(
        Issue("number-mismatch", "accuracy", s, 0.9, message, 0, (0, 1), (n, n + 3))
        for n, s in ((0, "critical"), (8, "minor"))
    )
    return Report(a, Scores(0.9, (0.9,), Drift(0.0, 0.0, 0.0, 0.0, (0.0,)), "s"), issues, "s")
color, width = _cli.terminal(sys.argv[1], None)
print(to_text([report("译文/终稿.txt"), report("b.txt")], color=color, width=width), end="")
"""


def run(choice="auto", *, columns=None, **environment):
    """Run the script, on a terminal of `columns` if given, and return what it printed."""
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES", "TERM")}
    env |= {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT), "TERM": "xterm"} | environment
    command = [sys.executable, "-c", SCRIPT, choice]
    if columns is None:
        return subprocess.run(command, env=env, check=True, capture_output=True).stdout.decode()
    pty = pytest.importorskip("pty", reason="no pseudo-terminals here")
    import fcntl
    import struct
    import termios

    inside, outside = pty.openpty()
    fcntl.ioctl(outside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(command, env=env, stdout=outside, stderr=outside, stdin=outside)
    os.close(outside)
    printed = b""
    while True:
        try:
            piece = os.read(inside, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if not piece:
            break
        printed += piece
    os.close(inside)
    assert process.wait() == 0, printed.decode()
    return printed.decode().replace("\r\n", "\n")


def uncolored(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_a_pipe_gets_one_plain_line_a_finding():
    """`grep` and `cut` read these lines."""
    lines = run().splitlines()
    assert "\x1b" not in "".join(lines)
    assert [line.split(" ")[0] for line in lines[:4]] == [
        "译文/终稿.txt:1:1:",
        "译文/终稿.txt:1:9:",
        "b.txt:1:1:",
        "b.txt:1:9:",
    ]


def test_a_terminal_gets_colors_and_columns_that_stand_under_each_other():
    """A Chinese character takes two cells: padding by characters would leave the columns ragged."""
    printed = run(columns=100)
    assert "\x1b[1;31mcritical\x1b[0m" in printed
    lines = uncolored(printed).splitlines()
    heads = [line for line in lines if re.match(r"\S+:\d+:\d+: ", line)]
    assert len(heads) == 4
    assert len({_cells(line[: re.search(r"critical|minor", line).start()]) for line in heads}) == 1
    assert len({_cells(line[: line.index("三百")]) for line in heads}) == 1
    findings = lines[: next(i for i, line in enumerate(lines) if "2 issues" in line)]
    assert max(map(_cells, findings)) <= 100
    assert len(findings) > 4  # they wrap


@pytest.mark.parametrize(
    ("choice", "columns", "environment", "colored"),
    [
        ("auto", 80, {"NO_COLOR": "1"}, False),
        ("auto", 80, {"NO_COLOR": ""}, True),
        ("auto", 80, {"TERM": "dumb"}, False),
        ("never", 80, {}, False),
        ("always", None, {}, True),
        ("always", None, {"NO_COLOR": "1"}, True),
    ],
)
def test_colors_are_as_the_user_says(choice, columns, environment, colored):
    """An option wins over NO_COLOR, and NO_COLOR counts when it is not empty (no-color.org)."""
    assert ("\x1b[" in run(choice, columns=columns, **environment)) == colored


def test_a_file_is_never_colored_by_itself(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert _cli.terminal("auto", "out.txt") == (False, None)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("abc", 3),
        ("三百", 4),
        ("ｱ", 1),
        ("Ａ", 2),
        ("「」，。", 8),
        ("𠮷", 2),
        ("é", 1),
        ("e\u0301", 1),
        ("🎉", 2),
        ("\u200b", 0),
        ("“”…", 3),
    ],
)
def test_cells_are_those_a_terminal_takes(text, cells):
    """Wide and full-width are two, marks that combine are none, ambiguous ones are one."""
    assert _cells(text) == cells
