r"""Train the quality model on professional judgements and spoiled translations.

Comes in: the packaged encoder before fine-tuning (`build_zh_en.py`), whose first layers the model takes over, and the
folder of data (`quality/` with the WMT20, WMT21 and TED judgements, `train/` with translation pairs).  Goes out:
`models/quality`.  WMT22 is not read.

1. The lower of its layers stay as they are, and the states that they give are kept in memory.
2. The upper layers and the network learn at once: which tokens professionals marked, how seriously and as what;
   which of two translations of the same source they preferred, and by how much (differences inside a segment only,
   so that length and difficulty of the source teach nothing); and to put good translations before spoiled ones.
3. On documents left out of training: the weights of what stands beside the network, the curve from raw score to
   penalty, thresholds and confidences of spans.

One command, seeded, on the CPU or CUDA; the same again goes on from the last checkpoint::

    python models/build_zh_en.py --output BASE
    python models/alternatives.py --data DATA --output SCRATCH/alternatives.jsonl
    python models/train_quality.py --base BASE --data DATA --scratch SCRATCH --output models/quality \
        --alternatives SCRATCH/alternatives.jsonl

The trained layers are stored in 6 bits; more than three of them would not fit into 8 MiB.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    dropout,
    log_softmax,
    smooth_l1_loss,
    softplus,
)
from torch.nn.utils.rnn import pad_sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spoiling import MAJOR, Spoiler
from train_zh_en import packed, parameters_of, trainable

from bitext import _quality_net as net
from bitext._agreement import agreement
from bitext._quality_features import explicit_features
from bitext.embedding import _expand, _load_tokenizer, through_layers
from bitext.quality import _USUAL_TOKENS as USUAL_TOKENS
from bitext.quality import BESIDE, _States, unrelatedness, vocabulary_digest

N_LAYERS, N_STATES = 6, 384
JUDGED = ("wmt20_zhen_mqm", "wmt21news_zhen_mqm", "wmt21ted_zhen_mqm")
GOOD_PAIRS = {  # translation pairs to spoil besides human references: how many of each, longer than so many characters
    "tatoeba": (2500, 30),
    "3am": (2500, 40),
    "hf_subtitles": (1200, 40),
    "opensource_guide": (1000, 40),
    "mozilla_www": (1000, 40),
    "ospo_book": (400, 40),
    "howtobeaprogrammer": (600, 40),
    "taiwan_laws": (1000, 40),
    "bitcoin_org": (600, 40),
    "adobe_deliverability-learn": (600, 40),
    "hf_course": (600, 60),
    "helm_docs": (500, 60),
    "karmada_docs": (600, 60),
    "streampark": (500, 60),
    "react_docs": (600, 60),
    "trpl": (600, 60),
}
N_REFERENCES = 1100
LOSSES = {
    "points": 0.3,
    "marked": 3.0,
    "category": 0.3,
    "omitted": 4.0,
    "order": 2.0,
    "difference": 0.5,
    "penalty": 0.05,
}
WITHOUT_RANKING = {"order": 0.0, "difference": 0.0, "penalty": 2.5}
# machine translation hardly ever stutters, copies or garbles, and the documents left out have few wrong names, so
# judgements cannot say what that costs; a wrong name is a major error, by definition 5 points
LEAST_WEIGHTS = {"names": 5.0, "untranslated": 25.0, "repeated": 25.0, "disordered": 20.0, "unrelated": 25.0}
REAL_SHARE = 0.995  # of real translations have more in common with their source than what counts as unrelated
INGREDIENTS = ("coverage", "ranking", "faults", "references")
"""What `--without` leaves out, to see what it adds."""
PAIRS_PER_STEP = 40
DROPOUT = 0.1  # of the states: three epochs without it learned the preferences of professionals by heart
CAP = 25.0
KNEE = 0.8  # share of the judged translations below the knee of the calibration curve
SPOILED_SHARE = 0.3  # of the weight of judged pairs: how far spoiled ones count where `BESIDE` is weighed


@dataclass(frozen=True)
class Row:
    """One translation with what is known about it."""

    source: str
    target: str
    penalty: float
    # over target tokens: shares of raters (major, minor, each category); penalty of each span shared out
    marked: NDArray[np.float32]
    points: NDArray[np.float32]
    # over source tokens; None where omissions were not marked on the source
    omitted: NDArray[np.float32] | None
    omitted_points: NDArray[np.float32] | None
    system: str = ""
    human: bool = False


@dataclass(frozen=True)
class Segment:
    """Translations of the same source: only they are compared."""

    key: tuple[str, str, str]  # set, document, segment
    rows: list[Row]


class Encoder:
    """States of texts: the lower layers as they came, their states kept; the upper layers trained.

    Parameters
    ----------
    base : Path
        The packaged encoder before fine-tuning.
    tensors : dict
        `own_layers` or those of an earlier model.
    n_trained : int
        Of the `N_LAYERS` layers, counted from the top.
    """

    def __init__(self, base: Path, tensors: dict[str, Tensor], n_trained: int, device: torch.device) -> None:
        config = json.loads((base / "config.json").read_text(encoding="utf-8"))
        self.card = {
            "head": config["bos_token_id"],
            "tail": config["eos_token_id"],
            "window": config["max_position_embeddings"],
            "n_heads": config["num_attention_heads"],
            "eps": config["layer_norm_eps"],
            "n_layers": N_LAYERS,
        }
        self.device = device
        self.lower = _States(base, _expand(tensors), self.card, device)
        self.lower.layers, upper = (
            self.lower.layers[: N_LAYERS - n_trained],
            self.lower.layers[N_LAYERS - n_trained :],
        )
        self.upper = trainable(upper)
        self.tokenizer = _load_tokenizer(base / "tokenizer.json")
        self.tokens: dict[str, tuple[list[int], NDArray[np.int32]]] = {}
        self.kept: dict[str, Tensor] = {}

    @property
    def parameters(self) -> list[Tensor]:
        """What is trained."""
        return parameters_of(self.upper)

    def __call__(self, texts: Sequence[str]) -> list[Tensor]:
        """States of each text, of shape (n_tokens, N_STATES)."""
        self.keep(texts)
        if not self.upper:
            return [self.kept[t].float() for t in texts]
        parts = [(i, part) for i, t in enumerate(texts) for part in self.kept[t].split(self.card["window"])]
        parts.sort(key=lambda part: len(part[1]))
        groups = [(length, len(list(same))) for length, same in groupby(len(part) for _, part in parts)]
        x = torch.cat([part for _, part in parts]).float()
        x = through_layers(x, groups, self.upper, n_heads=self.card["n_heads"], eps=self.card["eps"])
        pieces: list[list[Tensor]] = [[] for _ in texts]
        for (i, _), part in zip(parts, x.split([len(part) for _, part in parts]), strict=True):
            pieces[i].append(part)
        return [torch.cat(some) for some in pieces]

    def keep(self, texts: Iterable[str]) -> None:
        """Compute what the lower layers say of `texts`, so that it is there when it is needed."""
        missing = [t for t in dict.fromkeys(texts) if t not in self.kept]
        states = self.lower([self._tokens(t)[0] for t in missing])
        # cloned, because what was made in inference mode cannot enter a product that needs gradients
        self.kept |= zip(missing, (x.clone() for x in states), strict=True)

    def where(self, text: str) -> NDArray[np.int32]:
        """Code points of the tokens of `text`, of shape (n_tokens, 2); empty for the marks of its ends."""
        return self._tokens(text)[1]

    def size(self, text: str) -> int:
        """Count the tokens of `text`."""
        return len(self._tokens(text)[0])

    def tensors(self) -> dict[str, Tensor]:
        """Return the trained layers as the file has them."""
        arrays = packed(self.upper, N_LAYERS - len(self.upper))
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _tokens(self, text: str) -> tuple[list[int], NDArray[np.int32]]:
        if text not in self.tokens:
            encoding = self.tokenizer.encode(text, add_special_tokens=False)
            ids = [self.card["head"], *encoding.ids, self.card["tail"]]
            self.tokens[text] = ids, np.array([(0, 0), *encoding.offsets, (0, 0)], dtype=np.int32)
        return self.tokens[text]


def say(message: str) -> None:
    """Print with the time."""
    print(time.strftime("%H:%M:%S"), message, flush=True)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Read judged translations."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        yield from (row for row in map(json.loads, stream) if row.get("mqm") is not None)


def touched(offsets: NDArray[np.int32], start: int, end: int) -> NDArray[np.bool_]:
    """Tokens that overlap a span."""
    return (offsets[:, 0] < end) & (offsets[:, 1] > start) & (offsets[:, 1] > offsets[:, 0])


def judged(data: Path, encoder: Encoder) -> list[Segment]:
    """Read the judged translations."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for name in JUDGED:
        for row in read(data / f"{name}.jsonl.gz"):
            source, target = row["src"].strip(), row["tgt"].strip()
            key = (str(row["set"]), str(row["doc"]), f"{row['seg']} {source}")
            found.setdefault(key, []).append(_judged_row(row, source, target, encoder))
    return [Segment(key, rows) for key, rows in found.items() if len(rows) > 1]


def _judged_row(row: dict[str, Any], source: str, target: str, encoder: Encoder) -> Row:
    on_target, on_source = encoder.where(target), encoder.where(source)
    shift = [len(text) - len(text.lstrip()) for text in (row["src"], row["tgt"])]
    marked = np.zeros((len(on_target), 2 + len(net.CATEGORIES)), dtype=np.float32)
    points, omitted, omitted_points = (
        np.zeros(len(o), dtype=np.float32) for o in (on_target, on_source, on_source)
    )
    n_raters = max(1, len(row.get("ratings") or ()))
    by_rater: dict[str, NDArray[np.float32]] = {}
    for span in row.get("spans", ()):
        if span["w"] <= 0 or span["b"] is None:
            continue
        if span["side"] == "src":
            inside = touched(on_source, span["b"] - shift[0], span["e"] - shift[0])
            omitted[inside] = 1
            omitted_points[inside] += span["w"] / max(1, inside.sum()) / n_raters
            continue
        mine = by_rater.setdefault(span["r"], np.zeros_like(marked))
        inside = touched(on_target, span["b"] - shift[1], span["e"] - shift[1])
        mine[inside, 0 if span["w"] >= MAJOR else 1] = 1
        mine[inside, 2 + _category(span["cat"])] = 1
        points[inside] += span["w"] / max(1, inside.sum()) / n_raters
    for mine in by_rater.values():
        marked += mine / n_raters
    on_target_only = row["set"] == "wmt20"  # omissions, too, were marked on the target then
    return Row(
        source,
        target,
        min(CAP, -row["mqm"]),
        marked,
        points,
        None if on_target_only else omitted,
        None if on_target_only else omitted_points,
        row["sys"],
        bool(row.get("human")),
    )


def _category(name: str) -> int:
    """Return the number that a category of the data has in the network."""
    for start, number in (
        ("accuracy/omission", 1),
        ("accuracy/addition", 2),
        ("terminology", 3),
        ("locale/name", 3),
        ("fluency/punctuation", 5),
        ("fluency", 4),
        ("style", 6),
        ("other", 6),
    ):
        if name.startswith(start):
            return number
    return 0


def good_pairs(data: Path, rng: random.Random) -> list[tuple[str, str]]:
    """Good translations: references that professionals found nearly flawless, and pairs of the training set."""
    pairs: list[tuple[str, str]] = []
    for name in JUDGED[:2]:
        rows = [r for r in read(data / "quality" / f"{name}.jsonl.gz") if r["human"] and -r["mqm"] <= 2]
        rows = [r for r in rows if 10 < len(r["tgt"]) < 330]
        by_source: dict[str, tuple[str, str]] = {}
        for row in rng.sample(rows, len(rows)):
            by_source.setdefault(row["src"], (row["src"].strip(), row["tgt"].strip()))
        pairs += by_source.values()
    pairs = pairs[:N_REFERENCES]
    for name, (n, shortest) in GOOD_PAIRS.items():
        with gzip.open(data / "train" / f"{name}.tsv.gz", "rt", encoding="utf-8") as stream:
            split = [line.rstrip("\n").split("\t") for line in stream]
        kept = [r for r in split if len(r) == 2 and shortest < len(r[1]) < 260]
        pairs += [(s.strip(), t.strip()) for s, t in rng.sample(kept, min(n, len(kept)))]
    return pairs


def faults(
    goods: Sequence[tuple[str, str]], rng: random.Random, n: int, alternatives: Path | None
) -> list[tuple[str, str, list[Any]]]:
    """Spoil every good translation a few times."""
    lines = alternatives.read_text(encoding="utf-8").splitlines() if alternatives else []
    words = {one["target"]: one["places"] for one in map(json.loads, lines)}
    spoiler = Spoiler(goods, rng, words)
    return [(s, t, spoiler.spoil(s, t, n)) for s, t in goods]


def spoiled(
    made: Sequence[tuple[str, str, list[Any]]], encoder: Encoder, center: NDArray[np.float32]
) -> list[Segment]:
    """Good and spoiled translations, as segments in which the good one has penalty 0."""
    found = []
    for number, (source, target, versions) in enumerate(made):
        clean = np.zeros((encoder.size(target), 2 + len(net.CATEGORIES)), dtype=np.float32)
        nothing = np.zeros(encoder.size(source), dtype=np.float32)
        rows = [Row(source, target, 0.0, clean, clean[:, 0], nothing, nothing, "good")]
        rows += [_spoiled_row(fault, target, encoder, center) for fault in versions]
        if len(rows) > 1:
            found.append(Segment(("spoiled", str(number), source), rows))
    return found


def _spoiled_row(fault: Any, good: str, encoder: Encoder, center: NDArray[np.float32]) -> Row:
    on_target, on_source = encoder.where(fault.target), encoder.where(fault.source)
    marked = np.zeros((len(on_target), 2 + len(net.CATEGORIES)), dtype=np.float32)
    for start, end, category in fault.wrong:
        inside = touched(on_target, start, end)
        marked[inside, 0 if fault.penalty >= MAJOR else 1] = 1
        marked[inside, 2 + net.CATEGORIES.index(category)] = 1
    omitted = np.zeros(len(on_source), dtype=np.float32)
    for start, end in fault.omitted:
        omitted[touched(on_source, start, end)] = 1
    if fault.missing and fault.penalty >= MAJOR:
        omitted[_rendered(fault.source, good, fault.missing, encoder, center)] = 1
    costly = [marked[:, :2].any(axis=1), omitted > 0]
    share = fault.penalty / max(1, sum(side.any() for side in costly))
    points, omitted_points = (side * np.float32(share / max(1, side.sum())) for side in costly)
    return Row(fault.source, fault.target, fault.penalty, marked, points, omitted, omitted_points, fault.kind)


def _rendered(
    source: str, good: str, spans: Sequence[tuple[int, int]], encoder: Encoder, center: NDArray[np.float32]
) -> NDArray[np.intp]:
    """Source tokens that the given spans of a good translation render: mutually nearest states."""
    with torch.no_grad():
        sides = [states.cpu().numpy() - center for states in encoder((source, good))]
    left, right = (x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-6) for x in sides)
    cosine = left @ right.T
    cosine[[0, -1]] = cosine[:, [0, -1]] = -1
    gone = np.logical_or.reduce([touched(encoder.where(good), *span) for span in spans])
    nearest = cosine.argmax(axis=1)
    mutual = cosine.argmax(axis=0)[nearest] == np.arange(len(left))
    return np.flatnonzero(gone[nearest] & (mutual | (gone.sum() > 3)) & (cosine.max(axis=1) > -1))


def initial(
    center: NDArray[np.float32], seed: int, starts: Sequence[dict[str, Tensor]], device: torch.device
) -> dict[str, Tensor]:
    """Mean weights of earlier models; else attention that follows the cosines, few errors expected."""
    if starts:
        names = [n for n in starts[0] if n.startswith("network.")]
        means = {
            n.removeprefix("network."): torch.stack([s[n].float() for s in starts]).mean(0) for n in names
        }
        return {n: t.to(device).requires_grad_(n != "center") for n, t in means.items()}
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in net.shapes(N_STATES).items():
        value = torch.zeros(shape)
        if name == "center":
            weights[name] = torch.from_numpy(center).to(device)
            continue
        if name.endswith("weight"):
            value = torch.randn(shape, generator=generator) / math.sqrt(shape[-1])
            value *= 0.3 if name.startswith(("target", "source", "whole")) else 1.0
        elif name == "side":
            value = torch.randn(shape, generator=generator) * 0.2
        elif name.endswith("gain"):
            value = torch.tensor([3.0, 10.0, 20.0, 3.0])
        elif name.endswith("none"):
            value = torch.tensor([2.0, 2.0, 4.0, 0.0])
        elif name == "target.bias":
            value[:3] = torch.tensor([-3.5, -2.5, -2.0])
        elif name == "source.bias":
            value[:2] = torch.tensor([-4.5, -3.5])
        weights[name] = value.to(device).requires_grad_()
    return weights


def blind(weights: dict[str, Tensor]) -> None:
    """Hide from the network how alike the tokens of the two sides are, for good."""
    for i in range(net.N_BLOCKS):
        weights[f"{i}.gain"] = torch.zeros_like(weights[f"{i}.gain"])
        up = weights[f"{i}.up.weight"]
        seen = torch.ones_like(up)
        seen[:, -1 - net.N_HEADS :] = 0
        up.data *= seen
        up.register_hook(seen.mul)


def padded(arrays: Sequence[NDArray[Any]], device: torch.device) -> Tensor:
    """Stack arrays of different lengths, with zeros after the shorter ones."""
    return pad_sequence([torch.from_numpy(a) for a in arrays], batch_first=True).to(device)


def run(
    weights: dict[str, Tensor], rows: Sequence[Row], encoder: Encoder
) -> tuple[net.Estimate, Tensor, Tensor]:
    """Estimate a batch; also the masks of both sides."""
    texts = list(dict.fromkeys([r.source for r in rows] + [r.target for r in rows]))
    states = dict(zip(texts, encoder(texts), strict=True))
    sides, masks = [], []
    for side in ([states[r.source] for r in rows], [states[r.target] for r in rows]):
        sides.append(dropout(pad_sequence(side, batch_first=True), DROPOUT, torch.is_grad_enabled()))
        lengths = torch.tensor([[len(x)] for x in side], device=encoder.device)
        masks.append(torch.arange(sides[-1].shape[1], device=encoder.device) < lengths)
    return net.estimate(weights, *sides, *masks), masks[0], masks[1]


def losses(weights: dict[str, Tensor], batch: Sequence[Segment], encoder: Encoder) -> dict[str, Tensor]:
    """Compute every loss of a batch of segments."""
    rows = [row for segment in batch for row in segment.rows]
    group = torch.tensor([i for i, segment in enumerate(batch) for _ in segment.rows], device=encoder.device)
    penalty = torch.tensor([r.penalty for r in rows], device=encoder.device)
    found, source_mask, target_mask = run(weights, rows, encoder)
    marked = padded([r.marked for r in rows], encoder.device)
    categories = marked[:, :, 2:]
    inside = (categories.sum(2) > 0) & target_mask
    shares = categories[inside] / categories[inside].sum(1, keepdim=True)
    known = [i for i, r in enumerate(rows) if r.omitted is not None]
    points = padded([r.points for r in rows], encoder.device)
    total = {
        "points": _poisson(found.on_target, points) / len(rows),
        "marked": binary_cross_entropy_with_logits(found.major[target_mask], marked[:, :, 0][target_mask])
        + binary_cross_entropy_with_logits(found.minor[target_mask], marked[:, :, 1][target_mask]),
        "category": -(log_softmax(found.categories[inside], 1) * shares).sum() / max(1, len(shares)),
        "omitted": torch.zeros((), device=encoder.device),
        **_differences(found.penalty, penalty, group),
    }
    if known:
        omitted = padded([r.omitted for r in rows if r.omitted is not None], encoder.device)
        kept = source_mask[known][:, : omitted.shape[1]]
        costs = padded([r.omitted_points for r in rows if r.omitted_points is not None], encoder.device)
        total["points"] = total["points"] + _poisson(
            found.on_source[known][:, : costs.shape[1]], costs
        ) / len(rows)
        total["omitted"] = binary_cross_entropy_with_logits(
            found.omitted[known][:, : omitted.shape[1]][kept], omitted[kept]
        )
    return total


def _poisson(found: Tensor, wanted: Tensor) -> Tensor:
    """Loss whose best answer is the expected cost; 0 under padding."""
    return (found - wanted * (found + 1e-6).log()).sum()


def _differences(score: Tensor, penalty: Tensor, group: Tensor) -> dict[str, Tensor]:
    """Order and size of the differences inside segments; the level, hardly."""
    same = group[:, None] == group[None, :]
    found, wanted = score[:, None] - score[None, :], penalty[:, None] - penalty[None, :]
    worse = same & (wanted > 0)
    return {
        "order": (softplus(-found[worse]) * wanted[worse].clamp(max=MAJOR)).sum() / (4 * len(score)),
        "difference": smooth_l1_loss(found[same], wanted[same]),
        "penalty": smooth_l1_loss(score, penalty),
    }


def batches(segments: Sequence[Segment], encoder: Encoder, rng: random.Random) -> list[list[Segment]]:
    """Batches of segments of about the same length."""
    jitter = {s.key: encoder.size(s.rows[0].source) + 12 * rng.random() for s in segments}
    found: list[list[Segment]] = [[]]
    for segment in sorted(segments, key=lambda s: jitter[s.key]):
        if sum(len(s.rows) for s in found[-1]) >= PAIRS_PER_STEP:
            found.append([])
        found[-1].append(segment)
    return found


def train(
    segments: Sequence[Segment], encoder: Encoder, weights: dict[str, Tensor], options: argparse.Namespace
) -> None:
    """Train the network and the upper layers, going on from the last checkpoint in ``options.scratch``."""
    network = [w for w in weights.values() if w.requires_grad]
    groups = [
        {"params": network, "lr": options.rate},
        {"params": encoder.parameters, "lr": options.layer_rate},
    ]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], weight_decay=0.02, betas=(0.9, 0.98))
    rng = random.Random(options.seed)
    plan = [batch for _ in range(options.epochs) for batch in _shuffled(batches(segments, encoder, rng), rng)]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, len(plan)))
    checkpoint = options.scratch / "checkpoint.pt"
    trained = [*network, *encoder.parameters]
    losses_of = LOSSES | WITHOUT_RANKING if options.without == "ranking" else LOSSES
    first = _resume(checkpoint, trained, optimizer, schedule)
    seen: dict[str, list[float]] = {name: [] for name in LOSSES}
    for step in range(first, len(plan)):
        parts = losses(weights, plan[step], encoder)
        optimizer.zero_grad()
        sum(losses_of[name] * value for name, value in parts.items()).backward()
        torch.nn.utils.clip_grad_norm_(network, 2.0)
        torch.nn.utils.clip_grad_norm_(encoder.parameters, 1.0)
        optimizer.step()
        schedule.step()
        for name, value in parts.items():
            seen[name].append(value.item())
        if step % 100 == 99:
            shown = " ".join(f"{name} {np.mean(values[-100:]):.3f}" for name, values in seen.items())
            say(f"step {step + 1}/{len(plan)} {shown}")
        if step % 250 == 249 or step + 1 == len(plan):
            state = {"trained": [p.detach() for p in trained], "optimizer": optimizer.state_dict()}
            torch.save(
                state | {"schedule": schedule.state_dict(), "step": step + 1}, checkpoint.with_suffix(".new")
            )
            checkpoint.with_suffix(".new").replace(checkpoint)


def _rate(step: int, n_steps: int) -> float:
    return min(1.0, (step + 1) / 60) * max(0.03, 0.5 + 0.5 * math.cos(math.pi * step / max(1, n_steps)))


def _resume(checkpoint: Path, trained: list[Tensor], optimizer: Any, schedule: Any) -> int:
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, map_location=trained[0].device)
    for tensor, saved in zip(trained, state["trained"], strict=True):
        tensor.data.copy_(saved)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return int(state["step"])


def _shuffled(items: list[Any], rng: random.Random) -> list[Any]:
    rng.shuffle(items)
    return items


def predict(
    weights: dict[str, Tensor], rows: Sequence[Row], encoder: Encoder
) -> list[dict[str, NDArray[Any]]]:
    """Return what the network says of each row, without padding."""
    order = sorted(range(len(rows)), key=lambda i: encoder.size(rows[i].target))
    found: dict[int, dict[str, NDArray[Any]]] = {}
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            one, _, _ = run(weights, [rows[i] for i in chosen], encoder)
            for k, i in enumerate(chosen):
                n, m = encoder.size(rows[i].source), encoder.size(rows[i].target)
                found[i] = {
                    "points": one.penalty[k].cpu().numpy(),
                    "major": torch.sigmoid(one.major[k, :m]).cpu().numpy(),
                    "minor": torch.sigmoid(one.minor[k, :m]).cpu().numpy(),
                    "omitted": torch.sigmoid(one.omitted[k, :n]).cpu().numpy(),
                    "covered": one.covered[k].cpu().numpy(),
                }
    return [found[i] for i in range(len(rows))]


def fit_combiner(
    segments: Sequence[Segment],
    points: Sequence[NDArray[np.float64]],
    beside: Sequence[NDArray[np.float64]],
) -> dict[str, float]:
    """Weights of `BESIDE`, in points."""
    found = rank(segments, [np.column_stack(pair) for pair in zip(points, beside, strict=True)])
    weights = zip(BESIDE, found.tolist(), strict=True)
    return {name: round(max(w, LEAST_WEIGHTS.get(name, 0.0)), 3) for name, w in weights}


def rank(segments: Sequence[Segment], values: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Weights of all columns but the first: a pairwise logistic ranking inside segments, none negative.

    `values` has an array of shape (n_rows, n_columns) for each segment.  How much the first column counts in the
    ranking is fitted with the others, and divided out.
    """
    from scipy.optimize import minimize

    rows, wanted = [], []
    for segment, some in zip(segments, values, strict=True):
        h = np.array([r.penalty for r in segment.rows])
        i, j = np.nonzero(h[:, None] - h[None, :] > 0)
        rows.append(some[i] - some[j])
        wanted.append(
            np.minimum(h[i] - h[j], MAJOR) * (SPOILED_SHARE if segment.key[0] == "spoiled" else 1.0)
        )
    x, weight = np.concatenate(rows), np.concatenate(wanted)
    scale = x.std(axis=0) + 1e-9

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = x @ (w / scale)
        wrong = 1.0 / (1.0 + np.exp(margin))
        value = float((weight * np.logaddexp(0.0, -margin)).sum() + 0.5 * (w**2).sum())
        return value, -(x * (weight * wrong)[:, None]).sum(axis=0) / scale + w

    bounds = [(1e-3, None), *[(0.0, None)] * (len(scale) - 1)]
    fitted = minimize(loss, np.full(len(scale), 0.3), jac=True, bounds=bounds).x / scale
    return np.asarray(fitted[1:] / fitted[0])


def fit_curve(raw: NDArray[np.float64], penalty: NDArray[np.float64]) -> list[list[float]]:
    """Curve from raw score to expected penalty, as the corners of a line that rises everywhere.

    The network learns differences in points, so differences among most translations keep their proportions: one slope
    up to the `KNEE` of the scores, another one above.  An isotonic regression, which follows every bump of the
    calibration set, has as small an error and loses agreement inside segments.
    """
    knee = float(np.quantile(raw, KNEE))
    basis = np.column_stack([np.ones_like(raw), raw, np.maximum(0.0, raw - knee)])
    level, slope, bend = (float(w) for w in np.linalg.lstsq(basis, penalty, rcond=None)[0])
    at_knee = level + slope * knee
    # the last point is left to what is worthless without being looked at: empty or copied
    almost = knee + (CAP - 1.0 - at_knee) / max(0.1, slope + bend)
    x, y = [knee - at_knee / slope, knee, almost, almost + 100.0], [0.0, at_knee, CAP - 1.0, CAP]
    return [[round(v, 4) for v in x], [round(v, 4) for v in y]]


def fit_spans(
    probability: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.bool_]], *, beta: float
) -> dict[str, Any]:
    """Threshold with the best F score over tokens, and how often a passage with a given peak was marked.

    `beta` below 1 weighs precision.
    """
    from sklearn.isotonic import IsotonicRegression

    p, y = np.concatenate(probability), np.concatenate(truth)
    best = (-1.0, 0.5)
    for threshold in np.quantile(p[p > 0.02], np.linspace(0.2, 0.999, 100)):
        hit = float((y & (p >= threshold)).sum())
        precision, recall = hit / max(1, (p >= threshold).sum()), hit / max(1, y.sum())
        score = (1 + beta**2) * precision * recall / max(1e-9, beta**2 * precision + recall)
        best = max(best, (score, float(threshold)))
    peaks, marked = [], []
    for one, wanted in zip(probability, truth, strict=True):
        above = np.flatnonzero(one >= best[1])
        for passage in np.split(above, np.flatnonzero(np.diff(above) > 1) + 1):
            if len(passage):
                peaks.append(float(one[passage].max()))
                marked.append(bool(wanted[passage].any()))
    curve = IsotonicRegression(y_min=0.0, y_max=1.0).fit(peaks, marked)
    grid = np.quantile(peaks, np.linspace(0, 1, 12))
    say(
        f"threshold {best[1]:.3f}, token F {best[0]:.3f}, {len(peaks)} passages, {np.mean(marked):.1%} marked"
    )
    return {
        "threshold": round(best[1], 4),
        "confidence": [[round(float(v), 4) for v in grid], [round(float(v), 4) for v in curve.predict(grid)]],
    }


def fit_severity(found: Sequence[dict[str, NDArray[Any]]], rows: Sequence[Row]) -> float:
    """From which ratio of its probability to that of a minor error a marked token is rather a major one."""
    marked = np.concatenate([r.marked[:, :2] for r in rows])
    inside = marked.sum(axis=1) > 0
    is_major = (marked[:, 0] >= marked[:, 1])[inside]
    ratio = np.concatenate([one["major"] / one["minor"] for one in found])[inside]
    grid = np.linspace(0.2, 3.0, 57)
    right = [float(((ratio >= r) == is_major).mean()) for r in grid]
    say(f"severity of marked tokens right: {max(right):.1%} (always major: {is_major.mean():.1%})")
    return round(float(grid[int(np.argmax(right))]), 3)


def raw_parts(
    found: Sequence[dict[str, NDArray[Any]]], rows: Sequence[Row], related: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of the network, long segments as `bitext.quality` has them, and what stands `BESIDE` them."""
    shares = np.array([min(1.0, USUAL_TOKENS / len(one["major"])) for one in found])
    points = np.array([float(one["points"]) for one in found]) * shares
    explicit = explicit_features([r.source for r in rows], [r.target for r in rows])
    unrelated = unrelatedness(np.array([one["covered"] for one in found]), related)
    return points, np.column_stack([explicit, unrelated])


def calibrate(
    weights: dict[str, Tensor], held_out: Sequence[Segment], faulty: Sequence[Segment], encoder: Encoder
) -> dict[str, Any]:
    """Fit everything that comes after the network, on documents and spoiled translations it was not trained on."""
    rows = [row for segment in held_out for row in segment.rows]
    found = predict(weights, rows, encoder)
    related = float(np.quantile([one["covered"] for one in found], 1 - REAL_SHARE))
    points, beside = raw_parts(found, rows, related)
    cuts = np.cumsum([len(s.rows) for s in held_out])[:-1]
    faulty_rows = [row for segment in faulty for row in segment.rows]
    faulty_cuts = np.cumsum([len(s.rows) for s in faulty])[:-1]
    faulty_parts = raw_parts(predict(weights, faulty_rows, encoder), faulty_rows, related)
    combiner = fit_combiner(
        [*held_out, *faulty],
        [*np.split(points, cuts), *np.split(faulty_parts[0], faulty_cuts)],
        [*np.split(beside, cuts), *np.split(faulty_parts[1], faulty_cuts)],
    )
    raw = points + beside @ np.array(list(combiner.values()))
    say(f"weights {combiner}")
    say_kinds(faulty_rows, faulty_parts[0] + faulty_parts[1] @ np.array(list(combiner.values())))
    for name in sorted({s.key[0] for s in held_out}):
        for part, values in (("network", points), ("all", raw)):
            say(f"left-out documents of {name}, {part}: {measure(held_out, np.split(values, cuts), name)}")
    real = [i for i, r in enumerate(rows) if not r.human]
    either = [np.maximum(one["major"], one["minor"]) for one in found]
    on_source = [i for i, r in enumerate(rows) if r.omitted is not None]
    return {
        "combiner": combiner,
        "related": round(related, 4),
        "curve": fit_curve(raw[real], np.array([rows[i].penalty for i in real])),
        "spans": {
            "error": fit_spans(either, [r.marked[:, :2].sum(axis=1) > 0 for r in rows], beta=1.0),
            "omission": fit_spans(
                [found[i]["omitted"] for i in on_source],
                [rows[i].omitted > 0 for i in on_source],  # type: ignore[operator]
                beta=0.5,
            ),
            "major": fit_severity(found, rows),
        },
    }


def say_kinds(rows: Sequence[Row], scores: NDArray[np.float64]) -> None:
    """Say how often a spoiled translation scores worse than the good one, by kind."""
    hits: dict[str, list[bool]] = {}
    good = 0.0
    for row, score in zip(rows, scores, strict=True):
        if row.system == "good":
            good = float(score)
        else:
            hits.setdefault(row.system, []).append(float(score) > good)
    every = [hit for values in hits.values() for hit in values]
    shown = " ".join(f"{kind} {np.mean(values):.0%}" for kind, values in sorted(hits.items()))
    say(f"spoiled below good {np.mean(every):.1%}: {shown}")


def measure(segments: Sequence[Segment], scores: Sequence[NDArray[np.float64]], name: str) -> str:
    """Compare scores with professionals on the machine translations of one set."""
    chosen = [(s, p) for s, p in zip(segments, scores, strict=True) if s.key[0] == name]
    systems = sorted({r.system for s, _ in chosen for r in s.rows if not r.human})
    gold, found = (np.full((len(systems), len(chosen)), np.nan) for _ in range(2))
    for j, (segment, values) in enumerate(chosen):
        for row, value in zip(segment.rows, values, strict=True):
            if not row.human:
                gold[systems.index(row.system), j], found[systems.index(row.system), j] = -row.penalty, -value
    figures = agreement(gold, found)
    names = ("item_kendall", "acc_eq", "acc_eq_all_ties", "system_accuracy", "kendall")
    return ", ".join(f"{n} {figures[n]:.3f}" for n in names) + f", {len(chosen)} segments"


def write(
    output: Path, base: Path, weights: dict[str, Tensor], card: dict[str, Any], layers: dict[str, Tensor]
) -> None:
    """Write the packaged model: layers as they are packed in the base, weights of the network in half precision."""
    output.mkdir(parents=True, exist_ok=True)
    tensors = {**layers, **{f"network.{n}": w.half().cpu().contiguous() for n, w in weights.items()}}
    save_file(tensors, output / "model.safetensors", {"format": "pt"})
    digest = hashlib.sha256((output / "model.safetensors").read_bytes()).hexdigest()
    card["sha256"] = digest
    card["vocabulary"] = vocabulary_digest(base)
    card["digest"] = hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()
    (output / "quality.json").write_text(
        json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    size = sum(f.stat().st_size for f in output.iterdir())
    say(f"{output}: {size:,} bytes, digest {card['digest'][:12]}")


def own_layers(base: Path) -> dict[str, Tensor]:
    """First layers of the base, packed, and what its embeddings add to the words."""
    tensors = load_file(base / "model.safetensors")
    kept = {
        n: t
        for n, t in tensors.items()
        if n.startswith(tuple(f"encoder.layer.{i}." for i in range(N_LAYERS)))
    }
    name = "embeddings.position_embeddings.weight"
    kept["embeddings.position"] = tensors[name] + tensors["embeddings.token_type_embeddings.weight"][0]
    for part in ("weight", "bias"):
        kept[f"embeddings.norm.{part}"] = tensors[f"embeddings.LayerNorm.{part}"]
    return {n: t.contiguous() for n, t in kept.items()}


def main() -> None:
    """Train, calibrate, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument(
        "--alternatives", type=Path, help="what alternatives.py wrote, for faults that read well"
    )
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--trained-layers", type=int, default=3, help="of the encoder, from the top")
    parser.add_argument("--rate", type=float, help="of the network; by default 3e-3, with --start 1e-3")
    parser.add_argument("--layer-rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", type=float, default=0.15, help="share of documents, for calibration")
    parser.add_argument(
        "--start",
        type=Path,
        nargs="+",
        default=[],
        help="model of this recipe to go on from, or the mean of several",
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the segments to train on, for trials")
    parser.add_argument("--faults", type=int, default=4, help="of each good translation")
    parser.add_argument("--without-system", help="leave this system out, to measure on it")
    parser.add_argument("--without", choices=INGREDIENTS, help="leave this out, to see what it adds")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    options.rate = options.rate or (1e-3 if options.start else 3e-3)
    options.scratch.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    starts = [load_file(folder / "model.safetensors") for folder in options.start]
    encoder, layers = load_encoder(starts, options)
    made, training, held_out = read_all(encoder, options)
    say("lower layers done")
    with torch.no_grad():
        some = encoder([text for s in training[:200] for text in (s.rows[0].source, s.rows[-1].target)])
    center = torch.cat(some).mean(0).cpu().numpy()
    extra = spoiled(made, encoder, center)
    say(f"{len(training)} segments, {sum(len(s.rows) for s in training)} translations, {len(extra)} spoiled")
    faulty, extra = extra[::10], [segment for i, segment in enumerate(extra) if i % 10]
    weights = initial(center, options.seed, starts, encoder.device)
    if options.without == "coverage":
        blind(weights)
    train(training if options.without == "faults" else [*training, *extra], encoder, weights, options)
    layers |= encoder.tensors()
    # what comes after the network is fitted to the layers as they are stored
    stored = Encoder(options.base, layers, 0, encoder.device)
    weights = {name: w.detach().half().float() for name, w in weights.items()}
    names = ("epochs", "trained_layers", "rate", "layer_rate", "share", "seed")
    settings = " ".join(f"{name}={getattr(options, name)}" for name in names)
    if starts:
        cards = [
            json.loads((folder / "quality.json").read_text(encoding="utf-8")) for folder in options.start
        ]
        settings += " from " + " and ".join(f"{one['digest'][:12]} ({one['training']})" for one in cards)
    card = {
        "name": "quality",
        "license": "MIT",
        "command": "python models/train_quality.py --base BASE --data DATA --scratch SCRATCH --output models/quality",
        "training": f"{settings}, {len(training)} segments of {', '.join(JUDGED)} and {len(extra)} spoiled; "
        f"{len({s.key[:2] for s in held_out})} documents for calibration",
        "held_out": sorted({s.key[:2] for s in held_out}),
        "encoder": encoder.card,
        **calibrate(weights, held_out, faulty, stored),
    }
    write(options.output, options.base, weights, card, layers)


def load_encoder(
    starts: Sequence[dict[str, Tensor]], options: argparse.Namespace
) -> tuple[Encoder, dict[str, Tensor]]:
    """Load the layers to begin with, the trained ones as the mean of several models; also as they are packed."""
    own = own_layers(options.base)
    given = [{n: t for n, t in one.items() if not n.startswith("network.")} for one in starts] or [own]
    device = torch.device(options.device)
    encoders = [Encoder(options.base, one, options.trained_layers, device) for one in given]
    for same in zip(*(one.parameters for one in encoders), strict=True):
        same[0].data = torch.stack([tensor.data for tensor in same]).mean(0)
    return encoders[0], given[0]


def read_all(
    encoder: Encoder, options: argparse.Namespace
) -> tuple[list[tuple[str, str, list[Any]]], list[Segment], list[Segment]]:
    """Read and spoil good translations, and read judged ones to train on and to calibrate with."""
    rng = random.Random(7)
    made = faults(good_pairs(options.data, rng), rng, options.faults, options.alternatives)
    made = made[: round(options.share * len(made))]
    segments = judged(options.data / "quality", encoder)
    documents = _documents(segments, options.held_out, random.Random(5))
    held_out = [s for s in segments if s.key[:2] in documents]
    training = [
        replace(s, rows=[r for r in s.rows if _wanted(r, options)])
        for s in segments
        if s.key[:2] not in documents
    ]
    training = random.Random(options.seed).sample(training, round(options.share * len(training)))
    if options.epochs:
        versions = [(v.source, v.target) for _, _, found in made for v in found]
        encoder.keep(t for pair in (*((s, t) for s, t, _ in made), *versions) for t in pair)
        encoder.keep(t for s in training for r in s.rows for t in (r.source, r.target))
    return made, training, held_out


def _wanted(row: Row, options: argparse.Namespace) -> bool:
    return row.system != options.without_system and not (options.without == "references" and row.human)


def _documents(segments: Sequence[Segment], share: float, rng: random.Random) -> set[tuple[str, str]]:
    """Choose documents of each set."""
    chosen: set[tuple[str, str]] = set()
    for name in sorted({s.key[0] for s in segments}):
        documents = sorted({s.key[:2] for s in segments if s.key[0] == name})
        chosen |= {d[:2] for d in rng.sample(documents, max(1, round(share * len(documents))))}
    return chosen


if __name__ == "__main__":
    main()
