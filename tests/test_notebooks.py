"""The example notebooks run, say what they say they do, and stay small enough to read on the web."""

from __future__ import annotations

import importlib.util
import json
import sys
from itertools import groupby
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the extra [dev]")
pytest.importorskip("nbclient", reason="the extra [dev]")
pytest.importorskip("ipykernel", reason="the extra [dev]")
for library in ("matplotlib", "pandas", "docx", "openpyxl"):
    pytest.importorskip(library, reason="the notebooks use it")

FOLDER = Path(__file__).resolve().parent.parent / "examples"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
TITLES = {"align_a_chapter", "build_a_termbase", "compare_translations"}


@pytest.fixture(scope="module")
def fresh():
    """Run all notebooks in one kernel with the encoder that ships; return them by name."""
    spec = importlib.util.spec_from_file_location("refresh", FOLDER / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    refresh = importlib.util.module_from_spec(spec)
    sys.modules["refresh"] = refresh
    spec.loader.exec_module(refresh)
    return {path.stem: book for path, book in zip(refresh.NOTEBOOKS, refresh.executed(), strict=True)}


def code(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def printed(book):
    return "".join(o.text for cell in code(book) for o in cell.outputs if o.output_type == "stream")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # jupyter's own
def test_every_notebook_runs_and_has_something_to_show(fresh):
    """A reader who copies the first cell must get what the page shows."""
    assert set(fresh) == TITLES
    assert "critical number-mismatch: " in printed(fresh["align_a_chapter"])
    assert '智能体 is not rendered as "AI agent"' in printed(fresh["build_a_termbase"])
    assert "P = " in printed(fresh["compare_translations"])
    for book in fresh.values():
        assert not [o for cell in code(book) for o in cell.outputs if o.output_type == "error"]
        streams = [o.name for cell in code(book) for o in cell.outputs if o.output_type == "stream"]
        assert set(streams) == {"stdout"}  # the library says nothing by itself


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_stored_outputs_are_those_of_these_cells(fresh):
    """Outputs of an older notebook would show what the code no longer does; refresh.py renews them."""
    for path in NOTEBOOKS:
        stored = nbformat.read(path, as_version=4)
        for old, new in zip(code(stored), code(fresh[path.stem]), strict=True):
            assert _kinds(old.outputs) == _kinds(new.outputs), old.source


def _kinds(outputs):
    """Say what kinds of output a cell has; what it prints arrives in as many pieces as the machine is busy."""
    kinds = [(o.output_type, o.get("name"), sorted(o.get("data", {}))) for o in outputs]
    return [kind for kind, _ in groupby(kinds)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_small_valid_and_without_traces_of_a_run(path):
    """GitHub shows no large notebook, and a diff of times tells nobody anything."""
    assert path.stat().st_size < 200_000
    book = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(book)
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [cell for cell in cells if "execution" in cell["metadata"]]
    text = "".join("".join(o.get("text", "")) for cell in cells for o in cell["outputs"])
    assert "/work/" not in text
    assert "/home/" not in text
