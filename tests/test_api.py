"""The shape of the library: its public names, and imports that go downwards only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bitext

LAYERS = [
    {"data", "errors", "_kernels"},
    {"config", "formats", "segmentation", "embedding", "quantities"},
    {"terminology", "alignment", "mining", "scoring", "fluency", "quality"},
    {"checks"},
    {"report"},
    {"baseline", "suppressions"},
    {"pipeline"},
    {"comparison", "engine", "evaluation", "review"},
    {"cli"},
]
# private modules live in the layer of the module they help
HELPERS = {
    "_additive": "embedding",
    "_additive_module": "embedding",
    "_anchors": "alignment",
    "_agreement": "data",
    "_beadscore": "alignment",
    "_clauses": "alignment",
    "_bootstrap": "data",
    "_boundaries": "data",
    "_comparison_terms": "comparison",
    "_comparison_views": "comparison",
    "_concepts": "terminology",
    "_evidence": "alignment",
    "_locate": "terminology",
    "_gitdiff": "baseline",
    "_lint": "engine",
    "_names": "terminology",
    "_negation": "checks",
    "_newnames": "terminology",
    "_othernames": "terminology",
    "_spelled": "terminology",
    "_termdocument": "terminology",
    "_quality_features": "scoring",
    "_quality_net": "quality",
    "_renderings": "terminology",
    "_doubts": "terminology",
    "_termcompare": "terminology",
    "_wordalign": "terminology",
    "_report_html": "report",
    "_report_junit": "report",
    "_report_files": "report",
    "_review_server": "review",
    "_progress": "data",
    "_plot": "report",
    "_resultcache": "baseline",
    "_docx_comments": "report",
    "_tbx": "terminology",
    "_termbase": "terminology",
    "_termmatch": "terminology",
    "_termtables": "terminology",
}
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
ROOT = Path(bitext.__file__).parent


def module_level(path: Path) -> int | None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return level_of(parts[0])


def level_of(name: str) -> int | None:
    if name.startswith(("_quantit", "_numera")):
        name = "quantities"
    elif name.startswith("_cli"):
        name = "cli"
    return LEVEL.get(HELPERS.get(name, name))


def test_imports_go_downwards_only() -> None:
    """A stage that reached up could not be used, tested or replaced by itself."""
    wrong = []
    for path in ROOT.rglob("*.py"):
        own = module_level(path)
        if own is None:
            continue
        for node in ast.parse(
            path.read_text(encoding="utf-8")
        ).body:  # module level; views are loaded where needed
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bitext."):
                other = level_of(node.module.split(".")[1])
                if other is not None and other > own:
                    wrong.append(f"{path.name} imports {node.module}")
    assert not wrong


def test_every_module_has_a_layer() -> None:
    """A new module must be given its place."""
    free = {"__init__", "__main__", "testing"}
    assert not [p.name for p in ROOT.glob("*.py") if module_level(p) is None and p.stem not in free]


@pytest.mark.parametrize("name", bitext.__all__)
def test_public_names_resolve_and_say_what_they_do(name: str) -> None:
    """Help in a notebook is the first documentation people read."""
    assert getattr(bitext, name).__doc__
    assert name in dir(bitext)


def test_a_misspelled_name_is_an_attribute_error_that_lists_the_names() -> None:
    """Lazy loading must not make typos harder to find."""
    with pytest.raises(AttributeError, match="segment"):
        bitext.allign  # noqa: B018


def test_the_library_never_prints_or_exits() -> None:
    """Only the command line does."""
    for path in ROOT.rglob("*.py"):
        if path.name == "__main__.py" or path.stem.lstrip("_").startswith("cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            assert not (isinstance(called, ast.Name) and called.id in ("print", "exit", "quit")), path.name
