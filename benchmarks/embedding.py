"""Speed of the packaged encoder beside `SentenceTransformer.encode` on the same weights and texts.

In: `corpora/demo`, segments and windows of up to four of them, zh and en.  Out, per contender, each in a
process of its own: seconds to load (imports included), texts per second, peak memory; and the lowest cosine
between the two.

    python benchmarks/embedding.py [--threads N] [--device cpu]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

CORPUS = Path(__file__).resolve().parent.parent / "corpora" / "demo"


def texts() -> list[str]:
    """Windows of one to four lines or sentences of the demo corpus."""
    from bitext.segmentation import segment

    files = ("speech.zh.txt", "zh"), ("good.en.txt", "en")
    documents = [segment((CORPUS / name).read_text(encoding="utf-8"), lang=lang) for name, lang in files]
    windows = [
        document.joined(range(i, i + size))
        for document in documents
        for size in range(1, 5)
        for i in range(len(document) - size + 1)
    ]
    return list(dict.fromkeys(windows))


def measure(contender: str, folder: Path, device: str, threads: int) -> dict[str, Any]:
    """Load, embed, and save the vectors into `folder`."""
    job = texts()
    start = time.perf_counter()
    import torch

    torch.set_num_threads(threads)
    if contender == "bitext":
        from bitext.embedding import load_embedder

        embed = load_embedder("zh-en", device=device).embed
    else:
        from sentence_transformers import SentenceTransformer

        embed = SentenceTransformer(str(folder / "model"), device=device).encode
    loaded = time.perf_counter()
    embed(job[:8])
    warm = time.perf_counter()
    vectors = embed(job)
    seconds = time.perf_counter() - warm
    np.save(folder / f"{contender}.npy", vectors)
    return {
        "load s": round(loaded - start, 2),
        "texts/s": round(len(job) / seconds, 1),
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Print a line per contender."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--measure", nargs=2, metavar=("CONTENDER", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        contender, folder = options.measure
        print(json.dumps(measure(contender, Path(folder), options.device, options.threads)))
        return
    from bitext.embedding import PackagedEmbedder, packaged_models

    (model,) = (m for m in packaged_models() if m.name == "zh-en")
    embedder = PackagedEmbedder(model.path, device="cpu")
    n_tokens = [sum(len(row) for row in rows) for rows in embedder.token_rows(texts())]
    print(
        f"{len(n_tokens)} texts, {sum(n_tokens) / len(n_tokens):.0f} tokens each, {options.threads} threads"
    )
    with tempfile.TemporaryDirectory() as scratch:
        embedder.export(Path(scratch) / "model")
        for contender in ("sentence-transformers", "bitext"):
            command = [sys.executable, __file__, "--measure", contender, scratch]
            command += ["--device", options.device, "--threads", str(options.threads)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            print(contender, done.stdout.strip())
        a, b = (np.load(Path(scratch) / f"{c}.npy") for c in ("bitext", "sentence-transformers"))
        print(f"lowest cosine between them {(a * b).sum(axis=1).min():.6f}")


if __name__ == "__main__":
    main()
