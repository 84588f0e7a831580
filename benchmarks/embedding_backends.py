"""The forward pass of ``zh-en`` in engines and precisions that the library does not use, for `embedding.py`.

In: the packaged encoder.  Out: functions that embed texts as it does.  `benchmarks/embedding.md` has what they are
worth, which is why none of them is in the library.

* ``onnxruntime``, ``openvino``: the float32 graph of the exported model.
* ``onnxruntime-int8``: `quantize_dynamic`, a scale for each row of weights and one for all activations of a batch.
* ``openvino-int8-row``, ``openvino-int8-32``: a scale for each row of weights; activations rounded by token, in one
  group (at most 384 long) or in groups of 32.
* ``torch-int8``: `Int8Linear` below in all layers; ``torch-int8-upper``: in layers 4 to 11.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitext.embedding import PackagedEmbedder, _load_sentence_transformer

Vectors = NDArray[np.float32]
Forward = Callable[[NDArray[np.int64], NDArray[np.int64]], Vectors]

_TOKENS_PER_BATCH = 1024
_N_APART = 16
_LEAST_GELU = -0.17


def backend(
    name: str, embedder: PackagedEmbedder, folder: Path, threads: int
) -> Callable[[list[str]], Vectors]:
    """Return what embeds; graphs are written to `folder`."""
    engine, _, precision = name.partition("-")
    if engine == "torch":
        layers = embedder._encoder.layers
        first = 4 if precision == "int8-upper" else 0
        embedder._encoder.layers = [*layers[:first], *quantized(layers)[first:]]
        embedder._tokens_per_batch = 512  # fastest of 256, 512 and 1024
        _let_linear_take_codes()
        return embedder.embed
    forward = (_onnxruntime if engine == "onnxruntime" else _openvino)(embedder, folder, precision, threads)
    return lambda texts: _embed(embedder, forward, texts)


def _embed(embedder: PackagedEmbedder, forward: Forward, texts: Sequence[str]) -> Vectors:
    """Embed `texts`, each within the window, in batches of similar length with padding."""
    ids = [rows[0] for rows in embedder.token_rows(texts)]
    order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
    vectors = np.empty((len(ids), embedder.dim), np.float32)
    start = 0
    while start < len(order):
        batch = order[start : start + max(1, _TOKENS_PER_BATCH // len(ids[order[start]]))]
        width = len(ids[batch[0]])
        padded = np.array([ids[i] + [1] * (width - len(ids[i])) for i in batch])
        mask = np.array([[1] * len(ids[i]) + [0] * (width - len(ids[i])) for i in batch])
        sums = (forward(padded, mask) * mask[:, :, None]).sum(axis=1)
        vectors[batch] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        start += len(batch)
    return vectors


def _bert(embedder: PackagedEmbedder, folder: Path) -> Any:
    embedder.export(folder)
    return _load_sentence_transformer(folder, torch.device("cpu"))[0].auto_model.eval()


class _LastStates(torch.nn.Module):
    def __init__(self, bert: Any) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states


_EXAMPLE = torch.tensor([[0, 5, 6, 2], [0, 7, 2, 1]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
_INPUTS = ["input_ids", "attention_mask"]


def _onnxruntime(embedder: PackagedEmbedder, folder: Path, precision: str, threads: int) -> Forward:
    import onnxruntime

    path = folder / "model.onnx"
    axes = {name: {0: "n", 1: "length"} for name in _INPUTS}
    model = _LastStates(_bert(embedder, folder))
    torch.onnx.export(
        model, _EXAMPLE, path, input_names=_INPUTS, output_names=["states"], dynamic_axes=axes, dynamo=False
    )
    if precision:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        path, whole = folder / "int8.onnx", path
        quantize_dynamic(
            whole, path, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"]
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, dict(zip(_INPUTS, (ids, mask), strict=True)))[0]


def _openvino(embedder: PackagedEmbedder, folder: Path, precision: str, threads: int) -> Forward:
    import openvino

    model = openvino.convert_model(_LastStates(_bert(embedder, folder)), example_input=_EXAMPLE)
    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    if precision:
        _round_weights(model)
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = 32 if precision == "int8-32" else embedder.dim
    compiled = openvino.compile_model(model, "CPU", settings)
    return lambda ids, mask: compiled([ids, mask])[0]


def _round_weights(model: Any) -> None:
    """Replace the matrices of the layers by 8-bit codes and a scale for each row."""
    from openvino import opset13 as op

    for product in [node for node in model.get_ops() if node.get_type_name() == "MatMul"]:
        weight = product.input_value(1).get_node()
        if weight.get_type_name() != "Constant":
            continue
        scale = np.abs(weight.data).max(axis=1, keepdims=True) / 127
        codes = op.convert(op.constant((np.rint(weight.data / scale) + 128).astype(np.uint8)), "f32")
        centered = op.subtract(codes, op.convert(op.constant(np.array([[128]], np.uint8)), "f32"))
        product.input(1).replace_source_output(op.multiply(centered, op.constant(scale)).output(0))


def quantized(layers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return layers, as `bitext.embedding.through_layers` takes them, with their products in 8 bits."""
    # the channels that the layer norms raise most would use up the scale of every token
    gains = torch.stack([layer["norm1"][0].abs() for layer in layers])
    apart = (gains / gains.median(dim=1, keepdim=True).values).sum(0).topk(_N_APART).indices
    return [
        layer
        | {
            "qkv": (Int8Linear(*layer["qkv"], apart=apart),),
            "out": (Int8Linear(*layer["out"]),),
            "up": (Int8Linear(*layer["up"], apart=apart),),
            "down": (Int8Linear(*layer["down"], least=_LEAST_GELU),),
        }
        for layer in layers
    ]


def _let_linear_take_codes() -> None:
    linear = torch.nn.functional.linear

    def either(x: Tensor, weight: Any, bias: Tensor | None = None) -> Tensor:
        return weight(x) if isinstance(weight, Int8Linear) else linear(x, weight, bias)

    torch.nn.functional.linear = either  # type: ignore[assignment]


class Int8Linear:
    """A linear layer whose weights and inputs are rounded to 8 bits, by output and by token.

    Parameters
    ----------
    weight : float32 tensor of shape (n_out, n_in)
    bias : float32 tensor of shape (n_out,)
    apart : integer tensor, optional
        Input channels that are multiplied in float32.
    least : float, optional
        No input is less; by default they lie around zero.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        *,
        apart: Tensor | None = None,
        least: float | None = None,
    ) -> None:
        self.apart, self.least, self.bias = apart, least, bias
        if apart is not None:
            self.coded = torch.ones(weight.shape[1]).index_fill_(0, apart, 0)
            self.kept = weight[:, apart].t().contiguous()
            weight = weight * self.coded
        scale = weight.abs().amax(1).clamp_min(1e-12) / 127
        codes = (weight / scale[:, None]).round_()
        if least is not None:
            self.bias = bias + least * scale * codes.sum(1)
        self.scale, self.zeros = scale, torch.zeros(len(weight), dtype=torch.int64)
        self.packed = torch.ops.onednn.qlinear_prepack(codes.to(torch.int8), None)

    def __call__(self, x: Tensor) -> Tensor:
        """Return what ``linear(x, weight, bias)`` does, for `x` of shape (n_tokens, n_in), less exactly."""
        codes, zero, step = self._codes(x)
        product = torch.ops.onednn.qlinear_pointwise(
            codes, 1.0, zero, self.packed, self.scale, self.zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        if self.apart is None:
            return torch.addcmul(self.bias, product, step)
        return torch.addmm(self.bias, x[:, self.apart], self.kept).addcmul_(product, step)

    def _codes(self, x: Tensor) -> tuple[Tensor, int, Tensor]:
        """Round each row to 0…255; what stands for zero (or for `least`), and what one code is worth."""
        if self.least is not None:
            step = (x.amax(1, keepdim=True) - self.least).div_(255)
            per_code = step.reciprocal()
            scaled = (x * per_code).add_(per_code.mul_(-self.least).add_(0.5))
            return scaled.to(torch.uint8), 0, step
        coded = x if self.apart is None else x * self.coded
        step = coded.abs().amax(1, keepdim=True).div_(127)
        scaled = (coded * step.reciprocal()).add_(128.5)  # the conversion cuts off, so it rounds
        return scaled.to(torch.uint8), 128, step
