"""Our own prose: what training reads must be pairs in two languages, each once."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

import bitext
from bitext.segmentation import segment_lines

PIECES = sorted((Path(__file__).parents[1] / "corpora" / "prose").glob("*.tsv"))
HAN, LATIN = re.compile("[\u4e00-\u9fff]"), re.compile("[A-Za-z]")


def rows(path: Path) -> list[list[str]]:
    """Return the fields of every line."""
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def test_there_are_pieces() -> None:
    """An empty folder would pass what follows."""
    assert len(PIECES) > 20


@pytest.mark.parametrize("path", PIECES, ids=lambda path: path.stem)
def test_a_line_is_chinese_a_tab_and_its_english(path: Path) -> None:
    """Nothing else, and no language on the other's side."""
    for fields in rows(path):
        assert len(fields) == 2, fields
        source, target = fields
        assert HAN.search(source), source
        assert LATIN.search(target), target
        assert not HAN.search(target), target
        assert fields == [" ".join(field.split()) for field in fields]


def test_long_lines_are_not_repeated() -> None:
    """A sentence that stands twice would be its own negative."""
    long = [source for path in PIECES for source, _ in rows(path) if len(source) > 12]
    assert len(set(long)) == len(long)


@pytest.mark.parametrize("path", PIECES[::9], ids=lambda path: path.stem)
def test_a_moved_half_has_beads_of_several_segments_too(path: Path) -> None:
    """Windows were once embedded only where the text had not moved: elsewhere every bead was one to one."""
    lines = rows(path)
    half = len(lines) // 2
    chinese, english = ([list(bitext.segment(row[k]).segments) for row in lines] for k in (0, 1))
    source, target = (
        segment_lines("".join(f"{s.strip()}\n" for s in chain.from_iterable(side)), lang=lang)
        for side, lang in ((chinese, "zh"), (english[half:] + english[:half], "en"))
    )
    found = bitext.align(source, target, order="free", embedder="zh-en-fast")
    moved = sum(map(len, chinese[:half]))
    for beads in (
        [b for b in found if b.source and b.source.stop <= moved],
        [b for b in found if b.source and b.source.start >= moved],
    ):
        assert any(len(b.target) > 1 for b in beads if not b.is_null)
        assert sum(b.is_null for b in beads) < 0.2 * len(beads)
