"""Long work -> a progress bar, where somebody asked for one.

The library is silent.  Inside ``with bitext.progress():`` its loops say how far they are, in a terminal on standard
error or as a bar in a notebook; anything that takes under a second shows nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

_CHUNK = 256
"""Texts embedded between two steps of a bar: seconds on a CPU, and still full batches."""

T = TypeVar("T")


class Bar(Protocol):
    """What draws: `tqdm` is one."""

    def update(self, n: int) -> object:
        """Go `n` steps on."""

    def close(self) -> object:
        """Draw no more."""


Draw = Callable[[str, int | None], Bar]
_draw: ContextVar[Draw | None] = ContextVar("bitext.progress", default=None)


class _Encoder(Protocol):
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


@contextmanager
def progress(draw: Draw | None = None) -> Iterator[None]:
    """Show how far long work is, while the block runs.

    Parameters
    ----------
    draw : callable, optional
        Takes what is done ("embedding") and how many steps there are, or ``None`` where that is not known; returns
        an object with ``update(n)`` and ``close()``.  By default tqdm, which knows terminals and notebooks.

    Examples
    --------
    >>> with bitext.progress():  # doctest: +SKIP
    ...     alignment = bitext.align(source, target)
    """
    token = _draw.set(draw or _tqdm)
    try:
        yield
    finally:
        _draw.reset(token)


def tracked(items: Iterable[T], what: str, *, total: int | None = None) -> Iterator[T]:
    """Yield `items`; a bar counts them if one was asked for."""
    draw = _draw.get()
    if draw is None:
        yield from items
        return
    bar = draw(what, total)
    try:
        for item in items:
            yield item
            bar.update(1)
    finally:
        bar.close()


def embedded(encoder: _Encoder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return ``encoder.embed(texts)``; a bar counts the texts if one was asked for and there are many."""
    draw = _draw.get()
    if draw is None or len(texts) <= _CHUNK:
        return encoder.embed(texts)
    bar = draw("embedding", len(texts))
    try:
        parts = []
        for start in range(0, len(texts), _CHUNK):
            parts.append(encoder.embed(texts[start : start + _CHUNK]))
            bar.update(len(parts[-1]))
    finally:
        bar.close()
    return np.concatenate(parts)


def _tqdm(what: str, total: int | None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns in a notebook without widgets, and draws text there
        from tqdm.auto import tqdm
    return tqdm(total=total, desc=what, delay=1.0, leave=False)
