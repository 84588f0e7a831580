"""Align Chinese originals with their English translations, score them, and flag what is wrong.

Start with `bitext.pipeline`: it composes the stages.  Importing this package is silent and light; a name is loaded
when it is first used, and torch when the first text is embedded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bitext._progress import progress as progress
    from bitext.comparison import Comparison as Comparison
    from bitext.comparison import compare as compare
    from bitext.data import Alignment as Alignment
    from bitext.data import Document as Document
    from bitext.data import Issue as Issue
    from bitext.embedding import load_embedder as load_embedder
    from bitext.engine import batch as batch
    from bitext.errors import BitextError as BitextError
    from bitext.mining import mine as mine
    from bitext.pipeline import align as align
    from bitext.pipeline import check as check
    from bitext.pipeline import read as read
    from bitext.pipeline import score as score
    from bitext.report import Report as Report
    from bitext.segmentation import segment as segment
    from bitext.terminology import Termbase as Termbase

_HOMES = {
    "Alignment": "data",
    "BitextError": "errors",
    "Comparison": "comparison",
    "Document": "data",
    "Issue": "data",
    "Report": "report",
    "Termbase": "terminology",
    "align": "pipeline",
    "batch": "engine",
    "check": "pipeline",
    "compare": "comparison",
    "load_embedder": "embedding",
    "progress": "_progress",
    "mine": "mining",
    "read": "pipeline",
    "score": "pipeline",
    "segment": "segmentation",
}

__all__ = [  # noqa: RUF022 - verbs, then nouns
    "align",
    "batch",
    "check",
    "compare",
    "load_embedder",
    "progress",
    "mine",
    "read",
    "score",
    "segment",
    "Alignment",
    "BitextError",
    "Comparison",
    "Document",
    "Issue",
    "Report",
    "Termbase",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bitext' has no attribute {name!r}; it has {', '.join(__all__)}")
    from importlib import import_module

    value = getattr(import_module(f"bitext.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
