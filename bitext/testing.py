"""For those who write plug-ins and tests: conformance kits, and stand-ins that need no model.

A kit takes the plug-in, tries what the rest of the library relies on, and raises with every difference.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bitext.data import Document
from bitext.embedding import Embedder
from bitext.errors import EmbeddingError, SpanError
from bitext.segmentation import Segmenter


class HashEmbedder:
    """An encoder without a model: texts that share words, figures or Han characters get similar vectors.

    It knows no translations.  Same text, same vector, on every machine.

    Parameters
    ----------
    dim : int, default 256
    """

    name = "hash"

    def __init__(self, dim: int = 256) -> None:
        self.dim = dim
        self.digest = hashlib.sha256(f"hash {dim}".encode()).hexdigest()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed `texts` into float32 of shape (len(texts), dim), rows of unit length."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            # an empty text has one feature too, so that its vector has a length
            for feature in re.findall(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+", text.lower()) or [""]:
                seed = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "little")
                row += np.random.default_rng(seed).standard_normal(self.dim, dtype=np.float32)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def verify_embedder(embedder: Embedder) -> None:
    """Check that `embedder` keeps to the `bitext.embedding.Embedder` contract.

    Raises
    ------
    EmbeddingError
        With every difference found, one a line.
    """
    texts = [
        "价格上涨了三成。",
        "Prices rose by thirty percent.",
        "",
        "  \n",
        "好" * 1200,
        "ok",
        "ok",
        "𠮷野 🎉",
    ]
    problems = [
        f"{attribute} is {getattr(embedder, attribute, None)!r}; expected {wanted.__name__}"
        for attribute, wanted in (("name", str), ("digest", str), ("dim", int))
        if not isinstance(getattr(embedder, attribute, None), wanted)
    ]
    vectors = embedder.embed(texts)
    shape = (len(texts), getattr(embedder, "dim", -1))
    if not isinstance(vectors, np.ndarray) or vectors.shape != shape or vectors.dtype != np.float32:
        found = f"{type(vectors).__name__} {getattr(vectors, 'dtype', '')} {getattr(vectors, 'shape', '')}"
        problems.append(f"embed() returned {found}; expected ndarray float32 {shape}")
    else:
        problems += _vector_problems(embedder, texts, vectors)
    if problems:
        raise EmbeddingError("\n".join(problems))


def _vector_problems(embedder: Embedder, texts: list[str], vectors: NDArray[np.float32]) -> list[str]:
    problems = []
    for text, length in zip(texts, np.linalg.norm(vectors, axis=1), strict=True):
        if not abs(length - 1) < 1e-3:  # also when it is not a number
            problems.append(f"the vector of {text[:20]!r} has length {length:.4f}; expected 1")
    none = embedder.embed([])
    if none.shape != (0, vectors.shape[1]):
        problems.append(f"embed([]) has shape {none.shape}; expected (0, {vectors.shape[1]})")
    for text, together in zip(texts, vectors, strict=True):
        cosine = float(embedder.embed([text])[0] @ together)
        if not cosine > 1 - 1e-3:
            problems.append(
                f"{text[:20]!r} alone and among others has cosine {cosine:.4f}; expected 1 within 1e-3"
            )
    cosines = (embedder.embed(texts[::-1])[::-1] * vectors).sum(axis=1)
    if not cosines.min() > 1 - 1e-3:
        problems.append(
            f"the order of the texts changes vectors (cosine {cosines.min():.4f}); expected none to"
        )
    return problems


def verify_segmenter(segmenter: Segmenter) -> None:
    """Check that `segmenter` keeps to the `bitext.segmentation.Segmenter` contract.

    Raises
    ------
    SpanError
        With every difference found, one a line.
    """
    texts = [
        "",
        "   \n",
        "他来了。她走了！“真的？”我问。",
        'He came. She left!  "Really?" I asked.\r\nYes.',
        "\n\n  一行\n\n另一行  \n",
        "𠮷野🎉。e\u0301te\u0301. \ud83d",
        "没有句号" * 500,
        "\u2028\x85\x0c\u200b。",
    ]
    name = getattr(segmenter, "name", None)
    problems = []
    if not (isinstance(name, str) and name):
        problems.append(f"name is {name!r}; expected a text that is not empty")
    for text in texts:
        spans = segmenter.spans(text)
        if not isinstance(spans, np.ndarray) or spans.dtype != np.int32 or spans.shape != (len(spans), 2):
            found = f"{type(spans).__name__} {getattr(spans, 'dtype', '')} {getattr(spans, 'shape', '')}"
            problems.append(f"spans({text[:20]!r}) is {found}; expected ndarray int32 (n_segments, 2)")
            continue
        try:
            Document(text, "und", spans)
        except SpanError as error:
            problems.append(f"spans({text[:20]!r}): {error}")
        if not np.array_equal(segmenter.spans(text), spans):
            problems.append(f"spans({text[:20]!r}) differs from call to call; expected the same spans")
    if problems:
        raise SpanError("\n".join(problems))
