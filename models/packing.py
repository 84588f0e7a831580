"""Weights in 4 or 6 bits, and the folder a packaged model lives in.

Float matrices come in; blocks of 32 weights with one half-precision scale go out.  The low four bits are laid
out as in ggml's Q4_0: byte ``j`` of a block holds weight ``j`` in its low and weight ``j + 16`` in its high
nibble.  What is copied from a Q4_0 file has nothing else (a code is the nibble minus 8); what was trained
here has two more bits a weight (`quantize`; a code is minus 32).  `bitext.embedding` reads both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

BLOCK = 32
HASHED = ("config.json", "model.safetensors", "tokenizer.json")
"""The files that decide the vectors; the digest of a model is over these."""

Array = NDArray[Any]


def quantize(weight: Array) -> tuple[Array, Array, Array]:
    """Quantize a matrix to 6 bits, choosing the scale of each block with the least squared error.

    Parameters
    ----------
    weight : ndarray of shape (n_rows, n_columns)
        `n_columns` a multiple of 32.

    Returns
    -------
    packed : uint8 ndarray of shape (n_rows, n_columns / 2)
        The low four bits of the codes, laid out as above.
    high : uint8 ndarray of shape (n_rows, n_columns / 4)
        Their two high bits: byte ``j`` of the eight of a block holds weights ``j``, ``j + 8``, ``j + 16``
        and ``j + 24``, lowest bits first.
    scale : float16 ndarray of shape (n_rows, n_columns / 32)
    """
    n_rows = len(weight)
    blocks = weight.astype(np.float32).reshape(-1, BLOCK)
    peak = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1, keepdims=True), axis=1)
    best_error = np.full((len(blocks), 1), np.inf, dtype=np.float32)
    best_scale = np.zeros_like(best_error)
    # the peak at -32 wastes no code; a slightly smaller step often fits the other 31 weights better
    for divisor in np.linspace(-34, -29, 11):
        scale = (peak / divisor).astype(np.float16).astype(np.float32)
        error = ((_codes(blocks, scale) * scale - blocks) ** 2).sum(axis=1, keepdims=True)
        better = error < best_error
        best_error = np.where(better, error, best_error)
        best_scale = np.where(better, scale, best_scale)
    codes = (_codes(blocks, best_scale) + 32).astype(np.uint8)
    low, high = codes & 15, codes >> 4
    packed = low[:, :16] | (low[:, 16:] << 4)
    quarters = high.reshape(-1, 4, BLOCK // 4)
    planes = quarters[:, 0] | (quarters[:, 1] << 2) | (quarters[:, 2] << 4) | (quarters[:, 3] << 6)
    shape = (n_rows, -1)
    return packed.reshape(shape), planes.reshape(shape), best_scale.astype(np.float16).reshape(shape)


def _codes(blocks: Array, scale: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        codes = np.where(scale == 0, 0, np.rint(blocks / scale))
    return np.clip(codes, -32, 31)


def write_model(
    folder: Path,
    tensors: dict[str, Array],
    config: dict[str, Any],
    tokenizer: dict[str, Any],
    card: dict[str, Any],
) -> str:
    """Write a packaged model and return its digest.

    Parameters
    ----------
    folder : Path
        Created if missing; files of the same names are replaced.
    tensors : dict
        Weights under the names of `transformers.BertModel`; a quantized matrix is ``<name>.packed``,
        ``<name>.scale`` and, in 6 bits, ``<name>.high``.
    config : dict
        Sizes, under the names of `transformers.BertConfig`.
    tokenizer : dict
        A ``tokenizer.json``.
    card : dict
        What people need: origin, licence, measurements.  Goes to ``model.json`` with the hashes of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "config.json", config, indent=1)
    _write_json(folder / "tokenizer.json", tokenizer)
    return write_tensors(folder, tensors, card)


def write_tensors(folder: Path, tensors: dict[str, Array], card: dict[str, Any]) -> str:
    """Write ``model.safetensors``, all that an additive model has, and the card; return the digest."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = save({name: np.ascontiguousarray(t) for name, t in sorted(tensors.items())})
    (folder / "model.safetensors").write_bytes(weights)
    return write_card(folder, card)


def write_card(folder: Path, card: dict[str, Any]) -> str:
    """Write ``model.json`` and ``README.md`` for the files now in `folder`; return the model's digest."""
    names = [name for name in HASHED if (folder / name).is_file()]
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    # the card itself is not hashed: a corrected sentence or figure does not change a vector
    digest = hashlib.sha256("".join(f"{hashes[n]}  {n}\n" for n in names).encode()).hexdigest()
    _write_json(folder / "model.json", {**card, "files": hashes, "digest": digest}, indent=1)
    (folder / "README.md").write_text(_readme(folder, card, hashes, digest), encoding="utf-8")
    return digest


def _readme(folder: Path, card: dict[str, Any], hashes: dict[str, str], digest: str) -> str:
    sizes = {name: (folder / name).stat().st_size for name in hashes}
    files = [f"| `{name}` | {sizes[name]:,} | `{hashes[name]}` |" for name in hashes]
    figures = [f"| {what} | {value} |" for what, value in _flat(card["measurements"])]
    return "\n".join(
        [
            f"# {card['name']}",
            "",
            card["description"],
            "",
            f"* Origin: {card['origin']}",
            f"* Licence: {card['license']}",
            f"* Built on {card['date']} by `{card['command']}`",
            *([f"* Training: {card['training']}"] if "training" in card else []),
            f"* Digest: `{digest}`",
            "",
            f"| file | bytes (together {sum(sizes.values()) / 2**20:.1f} MiB) | sha256 |",
            "|---|---|---|",
            *files,
            "",
            "| measured | |",
            "|---|---|",
            *figures,
            "",
        ]
    )


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield name, value
        return
    for key, inner in value.items():
        yield from _flat(inner, f"{name}, {key}" if name else key)


def _write_json(path: Path, value: Any, indent: int | None = None) -> None:
    separators = None if indent else (",", ":")
    path.write_text(
        json.dumps(value, ensure_ascii=False, indent=indent, separators=separators) + "\n", encoding="utf-8"
    )
