"""Pack what training needs into a folder of a few mebibytes, and unpack it on the machine that trains.

In: the folder of data (``train/``, ``quality/``) and the packaged base.  Out, in a folder that travels with the
repository (`models/gpu.md` has the limits and the commands): ``data.tar.xz``, the judged translations and as many
rows of every permitted source as asked for, in blocks of consecutive rows so that neighbors stay neighbors; and
``layers.safetensors``, the layers of the base, whose embeddings are those of `models/zh-en`::

    python models/pack_for_gpu.py pack --data DATA --base BASE .gpu
    python models/pack_for_gpu.py unpack .gpu FOLDER       # there: FOLDER/data and FOLDER/base
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from safetensors.numpy import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from packing import write_model
from train_zh_en import EXCLUDED

ROOT = Path(__file__).resolve().parent.parent
JUDGED = ("wmt20_zhen_mqm", "wmt21news_zhen_mqm", "wmt21ted_zhen_mqm")
BLOCK = 200  # consecutive rows
LIMIT = 64 * 2**20  # of the repository with what it carries


def main() -> None:
    """Pack or unpack."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True, dest="command")
    packing = commands.add_parser("pack")
    packing.add_argument("folder", type=Path)
    packing.add_argument("--data", type=Path, required=True)
    packing.add_argument(
        "--base", type=Path, help="what build_zh_en.py wrote; without it, train on from zh-en"
    )
    packing.add_argument("--base-layers", type=int, default=6, help="6 are what the quality model needs")
    packing.add_argument("--rows", type=int, default=2000, help="of each source, at most")
    packing.add_argument(
        "--beside", type=Path, nargs="+", default=[], help="other files, as alternatives.py writes"
    )
    unpacking = commands.add_parser("unpack")
    unpacking.add_argument("folder", type=Path)
    unpacking.add_argument("output", type=Path)
    options = parser.parse_args()
    if options.command == "unpack":
        unpack(options.folder, options.output)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    n_rows = pack_data(options.data, options.folder / "data.tar.xz", options.rows, options.beside)
    if options.base:
        pack_layers(options.base, options.folder / "layers.safetensors", options.base_layers)
    carried = sum(path.stat().st_size for path in options.folder.iterdir())
    total = carried + tracked_size()
    print(f"{n_rows:,} rows; {carried / 2**20:.1f} MiB, with the repository {total / 2**20:.1f} of 64 MiB")
    if total > LIMIT:
        parser.exit(1, "too large: take fewer --rows or --base-layers\n")


def pack_data(data: Path, path: Path, most: int, beside: Sequence[Path] = ()) -> int:
    """Write the archive of rows, judgements and other files; return the number of rows."""
    n_rows = 0
    with tarfile.open(path, "w:xz", preset=4) as archive:
        for source in sorted((data / "train").glob("*.tsv.gz")):
            name = source.name.removesuffix(".tsv.gz")
            if name not in EXCLUDED:
                rows = list(blocks(gzip.decompress(source.read_bytes()).splitlines(keepends=True), most))
                n_rows += len(rows)
                _add(archive, f"train/{name}.tsv", b"".join(rows))
        for name in JUDGED:
            _add(
                archive,
                f"quality/{name}.jsonl",
                gzip.decompress((data / "quality" / f"{name}.jsonl.gz").read_bytes()),
            )
        for file in beside:
            _add(archive, file.name, file.read_bytes())
    return n_rows


def blocks(rows: list[bytes], most: int) -> Iterator[bytes]:
    """Take blocks of consecutive rows at even distances, `most` rows together."""
    n_blocks = -(-len(rows) // BLOCK)
    n_taken = min(n_blocks, max(1, most // BLOCK))
    for i in range(n_taken):
        start = i * n_blocks // n_taken * BLOCK
        yield from rows[start : start + BLOCK]


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def pack_layers(base: Path, path: Path, n_layers: int) -> None:
    """Write the first layers of the base, having made sure that the rest is that of `models/zh-en`."""
    tensors, ours = (
        load_file(base / "model.safetensors"),
        load_file(ROOT / "models" / "zh-en" / "model.safetensors"),
    )
    for name in tensors:
        if not name.startswith("encoder.") and (tensors[name] != ours[name]).any():
            raise SystemExit(
                f"{name} of {base} is not that of models/zh-en; expected the base it was trained from."
            )
    first = tuple(f"encoder.layer.{i}." for i in range(n_layers))
    save_file({name: tensor for name, tensor in tensors.items() if name.startswith(first)}, path)


def tracked_size() -> int:
    """Bytes of the files of the repository that travel."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return sum(
        (ROOT / name).stat().st_size for name in listed.split("\0") if name and (ROOT / name).is_file()
    )


def unpack(folder: Path, output: Path) -> None:
    """Write the folders that the recipes take as ``--data`` and ``--base``."""
    with tarfile.open(folder / "data.tar.xz") as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            assert content is not None
            if "/" not in entry.name:
                (output / entry.name).write_bytes(content.read())
                continue
            path = output / "data" / f"{entry.name}.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(content.read(), 1))
    zh_en = ROOT / "models" / "zh-en"
    config, tokenizer, card = (
        json.loads((zh_en / name).read_text(encoding="utf-8"))
        for name in ("config.json", "tokenizer.json", "model.json")
    )
    tensors = load_file(zh_en / "model.safetensors")
    if (folder / "layers.safetensors").is_file():
        layers = load_file(folder / "layers.safetensors")
        tensors = {n: t for n, t in tensors.items() if not n.startswith("encoder.")} | layers
        config["num_hidden_layers"] = len({name.split(".")[2] for name in layers})
        card["command"] = "python models/build_zh_en.py --output BASE"
        card.pop("training", None)
    print("base", write_model(output / "base", tensors, config, tokenizer, card))


if __name__ == "__main__":
    main()
