"""Fine-tune `zh-en` on translation pairs, so that it tells a window of segments from one a bit too long.

Comes in: the packaged base model, and a folder of ``<source>.tsv.gz`` files (Chinese, tab, English; rows in
the order of their documents).  Goes out: a packaged model with the layers trained and stored in 6 bits; the
word embeddings keep the 4-bit blocks of the base.

A step takes runs of consecutive rows from different sources, so that the neighbors of a row are its
negatives.

* *whole*: rows, and windows of 2 to 4 rows, embedded; each must find its translation among all of them.  A
  window with one row more or less than another is its negative, and so are rows with a clause cut off or a
  number changed.
* *composed*: the same for windows composed of row vectors weighted by their characters, which costs nothing
  and is what an aligner that does not embed every window relies on.

Both ways round, with an additive margin.  The same command again goes on from the last checkpoint::

    python models/build_zh_en.py --output BASE
    python models/train_zh_en.py --base BASE --data FOLDER --scratch FOLDER --output models/zh-en

What the parts are worth after 100 steps on the CPU (Tatoeba zh-en / en-zh %; MAC-Dev strict F1 with composed
windows, fixed program; base 95.3 / 94.2, .803): rows alone, 28 of one source a step: 96.0 / 95.4, .8245; the
above: 96.2 / 95.2, .8246 at 1.6 times the cost of a step; rows alone in 9 of the 12 layers (0-5, 7, 9, 11):
94.3 / 93.5, .780.  Corrections of rank 24 instead of whole matrices, peak rate 5e-4, 560 steps: 95.6 / 94.8, .814.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import load_file
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from packing import quantize, write_model

from bitext.embedding import Layer, PackagedEmbedder, _Encoder

# restricted or copyleft, or a published test set
EXCLUDED = {"news_commentary", "spd_game", "scratch", "osm_website", "frappe_hrms", "mastodon_docs", "xquad"}
NAMES = {  # of a layer: names in the encoder, names in the file
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "out": ("attention.output.dense",),
    "norm1": ("attention.output.LayerNorm",),
    "up": ("intermediate.dense",),
    "down": ("output.dense",),
    "norm2": ("output.LayerNorm",),
}
MARGIN, TEMPERATURE = 0.05, 0.03
MAX_WINDOW = 4
LAYERS = tuple(range(12))
UNORDERED = {"3am", "tatoeba"}  # neighbors are no document there, but often say nearly the same
PROSE = {"3am", "hf_subtitles", "howtobeaprogrammer", "opensource_guide", "ospo_book", "quran", "tatoeba"}
MAX_CHARACTERS = {"zh": 180, "en": 540}  # of a row
WARM_UP = 0.06  # share of the steps
Row = tuple[str, str]


@dataclass(frozen=True)
class Run:
    """Consecutive rows, which windows of them are embedded whole, and spoiled rows as further negatives."""

    rows: list[Row]
    windows: list[range]
    spoiled: tuple[list[str], list[str]]

    def texts(self, side: int) -> list[str]:
        """Rows, windows and spoiled rows of one side, in this order."""
        texts = [row[side] for row in self.rows]
        glue = "" if side == 0 else " "
        return texts + [glue.join(texts[i] for i in window) for window in self.windows] + self.spoiled[side]


class Trainable(_Encoder):
    """The packaged encoder with its layers trainable; the word and position embeddings stay as they are."""

    def __init__(self, folder: Path, device: torch.device, kept: Sequence[int]) -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        super().__init__(folder / "model.safetensors", config, device)
        self.layers = trainable(self.layers[i] for i in kept)
        self.dtype = torch.float32  # half precision, as for embedding on CUDA, would lose small gradients
        self.position = self.position.float()
        self.norm = (self.norm[0].float(), self.norm[1].float())

    @property
    def parameters(self) -> list[Tensor]:
        """What is trained."""
        return parameters_of(self.layers)


def trainable(layers: Iterable[Layer]) -> list[Layer]:
    """Return layers of the encoder in single precision, with gradients."""
    return [
        {name: (w.float().requires_grad_(), b.float().requires_grad_()) for name, (w, b) in layer.items()}
        for layer in layers
    ]


def parameters_of(layers: Sequence[Layer]) -> list[Tensor]:
    """Return all weights of some layers."""
    return [tensor for layer in layers for pair in layer.values() for tensor in pair]


def packed(layers: Sequence[Layer], first: int = 0) -> dict[str, Any]:
    """Return layers, numbered from `first`, under the names of the file: see `store`."""
    named: dict[str, Any] = {}
    for i, layer in enumerate(layers, first):
        for name, pair in layer.items():
            for kind, tensor in zip(("weight", "bias"), pair, strict=True):
                parts = tensor.detach().float().cpu().chunk(len(NAMES[name]))
                for file_name, part in zip(NAMES[name], parts, strict=True):
                    named[f"encoder.layer.{i}.{file_name}.{kind}"] = part.numpy()
    return store(named)


def store(weights: dict[str, Any]) -> dict[str, Any]:
    """Quantize the matrices of `weights`; the vectors take half precision."""
    stored: dict[str, Any] = {}
    for name, weight in weights.items():
        if weight.ndim == 1:
            stored[name] = weight.astype("float16")
        else:
            stored[f"{name}.packed"], stored[f"{name}.high"], stored[f"{name}.scale"] = quantize(weight)
    return stored


def main() -> None:
    """Train, and write the model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of <source>.tsv.gz")
    parser.add_argument("--base", type=Path, required=True, help="what build_zh_en.py wrote")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--output", type=Path, help="where to write the model; without it, only checkpoints")
    parser.add_argument(
        "--layers", type=int, nargs="+", default=LAYERS, help="the layers of the base that stay"
    )
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end the schedule by then")
    parser.add_argument("--rate", type=float, default=4e-5, help="peak learning rate")
    parser.add_argument("--runs", type=int, default=2, help="runs of rows a step, from different sources")
    parser.add_argument("--rows", type=int, default=14, help="rows a run")
    parser.add_argument("--windows", type=int, default=3, help="windows of a run embedded whole")
    parser.add_argument("--spoiled", type=int, default=1, help="rows of a run that are spoiled")
    parser.add_argument("--composed", type=float, default=0.5, help="weight of the composed windows")
    parser.add_argument(
        "--continue-from", type=Path, metavar="CHECKPOINT", help="of an earlier leg of training"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--checkpoint-every", type=int, default=100, metavar="STEPS")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")  # TF32 on CUDA: less would lose small gradients
    model = Trainable(options.base, torch.device(options.device), options.layers)
    tokenize = PackagedEmbedder(options.base, device=options.device).token_rows
    sources = read_sources(options.data)
    print(f"{sum(map(len, sources.values())):,} rows from {len(sources)} sources", flush=True)
    train(model, tokenize, sources, options)
    if options.output:
        write(model, options, sources)


def read_sources(folder: Path) -> dict[str, list[Row]]:
    """Read the rows of every source that may be used, dropping overlong ones."""
    sources: dict[str, list[Row]] = {}
    for path in sorted(folder.glob("*.tsv.gz")):
        name = path.name.removesuffix(".tsv.gz")
        if name in EXCLUDED:
            continue
        with gzip.open(path, "rt", encoding="utf-8") as file:
            pairs = [line.rstrip("\n").split("\t") for line in file]
        rows = [(p[0], p[1]) for p in pairs if len(p) == 2]
        short = [(z, e) for z, e in rows if len(z) <= MAX_CHARACTERS["zh"] and len(e) <= MAX_CHARACTERS["en"]]
        sources[name] = short
    return sources


def train(
    model: Trainable, tokenize: Any, sources: dict[str, list[Row]], options: argparse.Namespace
) -> None:
    """Train for ``options.steps`` steps, going on from the last checkpoint in ``options.scratch``."""
    optimizer = torch.optim.AdamW(model.parameters, lr=options.rate, weight_decay=0.01)
    checkpoint = options.scratch / "checkpoint.pt"
    first = 0
    start = checkpoint if checkpoint.exists() else options.continue_from
    if start:
        state = torch.load(start, map_location=options.device)
        for tensor, saved in zip(model.parameters, state["parameters"], strict=True):
            tensor.data.copy_(saved)
    if start == checkpoint:
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    options.scratch.mkdir(parents=True, exist_ok=True)
    began, losses = time.monotonic(), []
    for step in range(first, options.steps):
        elapsed = (time.monotonic() - began) / 60 / options.minutes
        if elapsed >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = options.rate * _rate(max(step / options.steps, elapsed))
        # a generator of its own for each step: a resumed run sees the same batches
        runs = sample(sources, random.Random(f"{options.seed}/{step}"), options)
        loss = compute_loss(model, tokenize, runs, options.composed)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters, 1.0)
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % 20 == 0:
            seconds = (time.monotonic() - began) / (step + 1 - first)
            print(
                f"step {step + 1}: loss {sum(losses) / len(losses):.4f}, {seconds:.2f} s a step", flush=True
            )
            losses = []
        if (step + 1) % options.checkpoint_every == 0 or step + 1 == options.steps:
            state = {
                "parameters": [p.detach() for p in model.parameters],
                "optimizer": optimizer.state_dict(),
                "step": step + 1,
            }
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)


def _rate(done: float) -> float:
    if done < WARM_UP:
        return (done + 1e-3) / WARM_UP
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))


def sample(sources: dict[str, list[Row]], rng: random.Random, options: argparse.Namespace) -> list[Run]:
    """Draw runs from different sources, large ones more often but not in proportion."""
    names = [name for name, rows in sources.items() if len(rows) >= options.rows]
    weights = [math.sqrt(len(sources[name])) * (2 if name in PROSE else 1) for name in names]
    chosen: list[str] = []
    while len(chosen) < options.runs:
        (name,) = rng.choices(names, weights)
        if name not in chosen:
            chosen.append(name)
    return [_draw_run(name, sources[name], rng, options) for name in chosen]


def _draw_run(name: str, rows: list[Row], rng: random.Random, options: argparse.Namespace) -> Run:
    start = rng.randrange(len(rows) - options.rows + 1)
    run = rng.sample(rows, options.rows) if name in UNORDERED else rows[start : start + options.rows]
    windows = []
    for _ in range(options.windows):
        size = rng.randint(2, MAX_WINDOW)
        first = rng.randrange(options.rows - size + 1)
        windows.append(range(first, first + size))
    spoiled: tuple[list[str], list[str]] = ([], [])
    for side in (0, 1):
        for row in rng.sample(run, options.spoiled):
            text = _spoil(row[side], rng)
            if text:
                spoiled[side].append(text)
    return Run(run, list(dict.fromkeys(windows)), spoiled)


def _spoil(text: str, rng: random.Random) -> str | None:
    """Change a number, or cut off what precedes or follows a mark inside the text; None if it has neither."""
    numbers = list(re.finditer(r"\d+", text))
    if numbers and rng.random() < 0.7:
        number = rng.choice(numbers)
        other = number[0]
        while other == number[0]:
            other = "".join(
                rng.choice("123456789") for _ in range(max(1, len(number[0]) + rng.choice((-1, 0, 0, 1))))
            )
        return text[: number.start()] + other + text[number.end() :]
    marks = [m.end() for m in re.finditer(r"[，。；：！？]|[,.;:!?](?=\s)", text[:-1])]
    cuts = [m for m in marks if len(text) * 0.2 < m < len(text) * 0.8]
    if not cuts:
        return None
    cut = rng.choice(cuts)
    return text[:cut].strip() if rng.random() < 0.5 else text[cut:].strip()


def compute_loss(model: Trainable, tokenize: Any, runs: Sequence[Run], composed_weight: float) -> Tensor:
    """Sum of the *whole* loss and, at its weight, the *composed* one."""
    sides = [_embed(model, tokenize, [text for run in runs for text in run.texts(side)]) for side in (0, 1)]
    n_texts = [[len(run.texts(side)) for run in runs] for side in (0, 1)]
    vectors = [side.split(sizes) for side, sizes in zip(sides, n_texts, strict=True)]
    paired, unpaired, paired_texts = [], [], []
    for side in (0, 1):
        n_paired = [len(run.rows) + len(run.windows) for run in runs]
        paired.append(torch.cat([v[:n] for v, n in zip(vectors[side], n_paired, strict=True)]))
        unpaired.append(torch.cat([v[n:] for v, n in zip(vectors[side], n_paired, strict=True)]))
        texts = [run.texts(side)[:n] for run, n in zip(runs, n_paired, strict=True)]
        paired_texts.append([text for part in texts for text in part])
    whole = contrast(paired[0], paired[1], paired_texts[0], paired_texts[1], unpaired[0], unpaired[1])
    if not composed_weight:
        return whole
    composed, composed_texts = [], []
    for side in (0, 1):
        parts = [_compose(v[: len(run.rows)], run, side) for v, run in zip(vectors[side], runs, strict=True)]
        composed.append(torch.cat([vector for vector, _ in parts]))
        composed_texts.append([text for _, texts in parts for text in texts])
    none = paired[0][:0]
    return whole + composed_weight * contrast(composed[0], composed[1], *composed_texts, none, none)


def _embed(model: Trainable, tokenize: Any, texts: list[str]) -> Tensor:
    ids = [parts[0] for parts in tokenize(texts)]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    means = model.means([ids[i] for i in order])
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return normalize(means[back.to(means.device)], dim=1)


def _compose(rows: Tensor, run: Run, side: int) -> tuple[Tensor, list[str]]:
    """Vectors of all windows of up to MAX_WINDOW rows, as sums weighted by characters."""
    texts = [row[side] for row in run.rows]
    lengths = torch.tensor([float(len(t)) for t in texts], device=rows.device)
    windows = [range(i, i + k) for k in range(1, MAX_WINDOW + 1) for i in range(len(texts) - k + 1)]
    selection = torch.zeros(len(windows), len(texts), device=rows.device)
    for number, window in enumerate(windows):
        selection[number, window.start : window.stop] = 1
    return normalize((selection * lengths) @ rows, dim=1), ["\n".join(texts[i] for i in w) for w in windows]


def contrast(
    source: Tensor,
    target: Tensor,
    source_texts: list[str],
    target_texts: list[str],
    spoiled_source: Tensor,
    spoiled_target: Tensor,
) -> Tensor:
    """Cross-entropy of finding row ``i`` of the other side among all its rows and spoiled ones, both ways.

    Rows with equal text on either side are not held against each other.
    """
    n = len(source)
    diagonal = torch.eye(n, dtype=torch.bool, device=source.device)
    same = _equal(source_texts, source.device) | _equal(target_texts, source.device)
    cosine = (source @ target.T - MARGIN * diagonal).masked_fill(same & ~diagonal, -1e4)
    truth = torch.arange(n, device=source.device)
    forward = torch.cat([cosine, source @ spoiled_target.T], dim=1) / TEMPERATURE
    backward = torch.cat([cosine.T, target @ spoiled_source.T], dim=1) / TEMPERATURE
    return (cross_entropy(forward, truth) + cross_entropy(backward, truth)) / 2


def _equal(texts: list[str], device: torch.device) -> Tensor:
    number = {text: i for i, text in enumerate(texts)}
    numbers = torch.tensor([number[text] for text in texts], device=device)
    return numbers[:, None] == numbers[None, :]


def write(model: Trainable, options: argparse.Namespace, sources: dict[str, list[Row]]) -> None:
    """Write the packaged model: the files of the base with the corrections added."""
    card = json.loads((options.base / "model.json").read_text(encoding="utf-8"))
    config = json.loads((options.base / "config.json").read_text(encoding="utf-8"))
    tokenizer = json.loads((options.base / "tokenizer.json").read_text(encoding="utf-8"))
    settings = (
        f"{name}={getattr(options, name)}"
        for name in ("steps", "minutes", "rate", "seed", "runs", "rows", "windows", "spoiled", "composed")
    )
    card["training"] = (
        f"{' '.join(settings)}, on {sum(map(len, sources.values())):,} rows of {', '.join(sources)}"
    )
    card["command"] += (
        " && python models/train_zh_en.py --base BASE --data DATA --scratch SCRATCH --output OUTPUT"
    )
    config["num_hidden_layers"] = len(options.layers)
    kept = load_file(options.base / "model.safetensors")
    tensors = {name: t for name, t in kept.items() if not name.startswith("encoder.layer.")} | packed(
        model.layers
    )
    print("digest", write_model(options.output, tensors, config, tokenizer, card))


if __name__ == "__main__":
    main()
