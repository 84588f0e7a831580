"""Texts come in, unit vectors go out: the encoders that ship, and any SentenceTransformer in their place.

A packaged model is a folder of the files its vectors depend on and ``model.json``, the card that names their
hashes.  There are two kinds.

* `PackagedEmbedder`: a BERT with mean pooling (``config.json``, ``tokenizer.json``, ``model.safetensors`` with
  weights in 4 or 6 bits), run here by fifty lines of torch: texts are deduplicated, sorted by length and packed
  into batches of tokens without any padding, and neither transformers nor sentence-transformers is imported,
  which would take longer than most documents do.
* `AdditiveEmbedder`: a table of word vectors and a small network over their sum (``model.safetensors`` alone),
  run by `bitext._additive` without torch.

Their method ``sentence_transformer`` hands the same weights over as a `SentenceTransformer`.

Nothing is ever downloaded.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bitext.errors import EmbeddingError

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]
Layer = dict[str, tuple["torch.Tensor", "torch.Tensor"]]
Batch = TypeVar("Batch")
Done = TypeVar("Done")

_HASHED = ("config.json", "model.safetensors", "tokenizer.json")
_MODEL_FILES = {".json", ".safetensors", ".bin", ".txt", ".model"}
_PARTS = (".packed", ".high", ".scale")  # of a matrix that is stored in 4 or 6 bits
_ROOTS = (Path(__file__).parent / "_models", Path(__file__).parent.parent / "models")
# on CPU few enough to stay in the cache (measured: 512 and 2048 are 6 % slower), on CUDA enough to fill it
_TOKENS_PER_BATCH = {"cpu": 1024, "cuda": 65536}
_TOKENS_WORTH_A_THREAD = 128
_TEXTS_PER_ROUND = 16384  # texts tokenized at a time, so that a million of them do not all wait in memory


@runtime_checkable
class Embedder(Protocol):
    """What aligners and scorers ask of an encoder; `bitext.testing.verify_embedder` checks all of it."""

    @property
    def name(self) -> str:
        """How people call it."""

    @property
    def digest(self) -> str:
        """Hexadecimal digits that change whenever a vector can change."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 of shape (len(texts), dim), rows of unit length, also for empty texts."""


@runtime_checkable
class Composing(Protocol):
    """An embedder whose windows are composed exactly: ``embed(texts)`` is ``head(sums(texts))``."""

    def sums(self, texts: Sequence[str]) -> Vectors:
        """Return float32 of shape (len(texts), dim_sum); the sum of a window is that of its segments' sums."""

    def head(self, sums: Vectors) -> Vectors:
        """Return float32 of shape (len(sums), dim), rows of unit length."""


def composer(embedder: Embedder) -> Composing | None:
    """Return what composes the windows of `embedder`, also through a cache around it; None if nothing does."""
    return embedder if isinstance(embedder, Composing) else getattr(embedder, "composer", None)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A packaged model, without loading it.

    Parameters
    ----------
    name : str
    dim : int
        Length of its vectors.
    digest : str
        Over the files that decide the vectors.
    size : int
        Bytes on disk.
    license : str
        SPDX identifier.
    path : Path
        Its folder.
    """

    name: str
    dim: int
    digest: str
    size: int
    license: str
    path: Path


def packaged_models() -> list[ModelInfo]:
    """List the encoders that ship with this installation, by name."""
    found: dict[str, ModelInfo] = {}
    for root in _ROOTS:
        for card_path in sorted(root.glob("*/model.json")):
            card = _read_json(card_path)
            if "dim" not in card:  # the quality model stands beside them and is none
                continue
            folder = card_path.parent
            size = sum(f.stat().st_size for f in folder.iterdir() if f.is_file())
            info = ModelInfo(card["name"], card["dim"], card["digest"], size, card["license"], folder)
            found.setdefault(info.name, info)
    return [found[name] for name in sorted(found)]


def load_embedder(
    name: str | Path = "zh-en", *, device: str | None = None, cache: str | Path | None = None
) -> Embedder:
    """Load an encoder.

    Parameters
    ----------
    name : str or Path, default "zh-en"
        A packaged model, a folder (packaged or SentenceTransformer), or the name of a SentenceTransformer
        that is already in the local Hugging Face cache.
    device : str, optional
        As in torch: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.  By default CUDA if there is any.
    cache : str or Path, optional
        A file to keep vectors in from run to run (`CachedEmbedder`).  By default none is kept.

    Returns
    -------
    Embedder

    Raises
    ------
    EmbeddingError
        If there is no such model here, its files are damaged, or the device is not there.

    Examples
    --------
    >>> embedder = load_embedder("zh-en", device="cpu")
    >>> vectors = embedder.embed(["你好，世界", "Hello, world", "The price of steel fell"])
    >>> bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
    True
    """
    embedder = _load(name, device)
    return embedder if cache is None else CachedEmbedder(embedder, Path(cache))


def _load(name: str | Path, device: str | None) -> Embedder:
    packaged = {info.name: info.path for info in packaged_models()}
    folder = packaged.get(str(name), Path(name))
    if (folder / "model.json").is_file():
        additive = _read_json(folder / "model.json").get("kind") == "additive"
        return (AdditiveEmbedder if additive else PackagedEmbedder)(folder, device=device)
    if not folder.is_dir():
        cached = _hub_folder(str(name))
        if cached is None:
            raise EmbeddingError(
                f"unknown model {str(name)!r}; packaged are {', '.join(packaged) or 'none'}. The folder of a "
                "SentenceTransformer works too, or the name of one fetched before (hf download NAME)."
            )
        folder = cached
    if not any((folder / file).is_file() for file in ("modules.json", "config.json")):
        raise EmbeddingError(
            f"folder {str(folder)!r} holds no model; expected a model.json (packaged) or modules.json "
            "(SentenceTransformer) in it."
        )
    return SentenceTransformerEmbedder(folder, name=str(name), device=device)


class PackagedEmbedder:
    """A packaged encoder.

    Parameters
    ----------
    folder : Path
        Where its files are.
    device : str, optional
        By default CUDA if there is any; there it computes in half precision.

    Attributes
    ----------
    name, digest, dim, device
    """

    def __init__(self, folder: Path, *, device: str | None = None) -> None:
        card = _read_json(folder / "model.json")
        _require_intact(folder, card["files"], _HASHED)
        self.folder = folder
        self.name: str = card["name"]
        self.digest: str = card["digest"]
        self.device = _device(device)
        config = _read_json(folder / "config.json")
        self.dim: int = config["hidden_size"]
        self._encoder = _Encoder(folder / "model.safetensors", config, self.device)
        self._tokenizer = _load_tokenizer(folder / "tokenizer.json")
        self._head = [config["bos_token_id"]]
        self._tail = [config["eos_token_id"]]
        self._window = config["max_position_embeddings"] - len(self._head) - len(self._tail)
        self._tokens_per_batch = _TOKENS_PER_BATCH.get(self.device.type, _TOKENS_PER_BATCH["cpu"])
        self._n_workers = _n_cores() if self.device.type == "cpu" else 1

    def __repr__(self) -> str:
        return f"<PackagedEmbedder {self.name!r} {self.digest[:8]}, {self.dim} dimensions, {self.device}>"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed `texts`.

        White space around a text is not seen.  Texts longer than the window (512 tokens) are embedded in
        parts, which count by their number of tokens.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        float32 ndarray of shape (len(texts), dim)
            Rows of unit length.
        """
        unique, inverse = _deduplicate(texts)
        rounds = [unique[i : i + _TEXTS_PER_ROUND] for i in range(0, len(unique), _TEXTS_PER_ROUND)]
        vectors = [self._embed_round(part) for part in rounds]
        return np.concatenate([np.empty((0, self.dim), np.float32), *vectors])[inverse]

    def sentence_transformer(self) -> Any:
        """Return the same encoder as a `sentence_transformers.SentenceTransformer` on the same device."""
        import tempfile

        with tempfile.TemporaryDirectory(prefix="bitext-") as folder:
            self.export(Path(folder))
            return _load_sentence_transformer(Path(folder), self.device)

    def export(self, folder: Path) -> None:
        """Write the encoder to `folder` in the layout of sentence-transformers, with float32 weights."""
        import torch
        from safetensors.torch import save_file

        files = _sentence_transformer_files(_read_json(self.folder / "config.json"))
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
        (folder / "tokenizer.json").write_bytes((self.folder / "tokenizer.json").read_bytes())
        tensors = _read_tensors(self.folder / "model.safetensors", expand=True)
        # mean pooling does not use it, but transformers complains about a BERT without
        tensors["pooler.dense.weight"] = torch.zeros(self.dim, self.dim)
        tensors["pooler.dense.bias"] = torch.zeros(self.dim)
        save_file(
            {n: t.contiguous() for n, t in tensors.items()}, folder / "model.safetensors", {"format": "pt"}
        )

    def _embed_round(self, texts: Sequence[str]) -> Vectors:
        parts: list[list[int]] = []
        owner: list[int] = []
        for i, rows in enumerate(self.token_rows(texts)):
            parts.extend(rows)
            owner.extend([i] * len(rows))
        lengths = np.array([len(p) for p in parts])
        order = np.argsort(
            -lengths, kind="stable"
        )  # longest first: what does not fit in memory shows at once
        sums = np.zeros((len(texts), self.dim), dtype=np.float32)
        start = 0
        while start < len(order):
            batches = self._next_batches(order, lengths, start)
            try:
                means = self._run([[parts[i] for i in batch] for batch in batches])
            except Exception as error:
                if not _is_out_of_memory(error) or len(batches[0]) == 1:
                    raise
                self._tokens_per_batch = max(1, int(lengths[batches[0]].sum()) // 2)
                _release_memory()
                continue
            for batch, mean in zip(batches, means, strict=True):
                np.add.at(sums, np.array(owner)[batch], mean * lengths[batch, None].astype(np.float32))
                start += len(batch)
        return _unit_rows(sums, self.name)

    def _next_batches(
        self, order: NDArray[np.intp], lengths: NDArray[np.int64], start: int
    ) -> list[NDArray[np.intp]]:
        """Take one batch for each worker, within the budget of tokens; little work is shared out evenly."""
        share = -(-int(lengths[order[start:]].sum()) // self._n_workers)
        budget = min(self._tokens_per_batch, max(share, _TOKENS_WORTH_A_THREAD))
        batches: list[NDArray[np.intp]] = []
        while start < len(order) and len(batches) < self._n_workers:
            stop = start + max(1, budget // int(lengths[order[start]]))
            batches.append(order[start:stop])
            start = stop
        return batches

    def _run(self, batches: list[list[list[int]]]) -> list[Vectors]:
        return side_by_side(self._encoder, batches, self.device)

    def token_rows(self, texts: Sequence[str]) -> list[list[list[int]]]:
        """Return the token ids of each text: one row, or several if it is longer than the window."""
        step = self._window
        return [
            [[*self._head, *ids[i : i + step], *self._tail] for i in range(0, max(len(ids), 1), step)]
            for ids in token_numbers(self._tokenizer, texts)
        ]


class AdditiveEmbedder:
    """A packaged encoder that adds up vectors of words: fast, without torch, with windows composed exactly.

    Parameters
    ----------
    folder : Path
        Where its files are.
    device : str, optional
        Must be there, but is not used: looking up rows of a table is no work for a GPU.

    Attributes
    ----------
    name, digest, dim
    """

    def __init__(self, folder: Path, *, device: str | None = None) -> None:
        from bitext._additive import AdditiveModel

        if device not in (None, "cpu"):
            _device(device)
        card = _read_json(folder / "model.json")
        _require_intact(folder, card["files"], ("model.safetensors",))
        self.folder = folder
        self.name: str = card["name"]
        self.digest: str = card["digest"]
        self._model = AdditiveModel(folder / "model.safetensors")
        self.dim: int = self._model.dim

    def __repr__(self) -> str:
        return f"<AdditiveEmbedder {self.name!r} {self.digest[:8]}, {self.dim} dimensions>"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed `texts`, whole however long they are.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        float32 ndarray of shape (len(texts), dim)
            Rows of unit length.
        """
        unique, inverse = _deduplicate(texts)
        return self.head(self._model.sums(unique))[inverse]

    def sums(self, texts: Sequence[str]) -> Vectors:
        """Return the sums of `texts`; see `Composing`."""
        unique, inverse = _deduplicate(texts)
        return self._model.sums(unique)[inverse]

    def head(self, sums: Vectors) -> Vectors:
        """Return the vectors that belong to `sums`; see `Composing`."""
        return self._model.head(sums)

    def sentence_transformer(self) -> Any:
        """Return the same encoder as a `sentence_transformers.SentenceTransformer` on the CPU."""
        with _quiet():
            from sentence_transformers import SentenceTransformer

            from bitext._additive_module import AdditiveModule

            return SentenceTransformer(modules=[AdditiveModule(self)], device="cpu")


def side_by_side(work: Callable[[Batch], Done], batches: Sequence[Batch], device: torch.device) -> list[Done]:
    """Do `work` for each batch; on the CPU one thread each, as many at a time as torch may use.

    Splitting every small matrix product over the cores instead makes them wait for each other a thousand
    times a second, and for their time slice whenever another program wants a core.
    """
    if device.type != "cpu" or not batches:
        return [work(batch) for batch in batches]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(batches), _n_cores()), initializer=_use_one_core) as pool:
        return list(pool.map(work, batches))


def _n_cores() -> int:
    """As many as torch may use."""
    import torch

    return torch.get_num_threads()


def _use_one_core() -> None:
    """Keep torch on this thread; the number of threads is a setting of each thread."""
    import torch

    torch.set_num_threads(1)


class SentenceTransformerEmbedder:
    """Any SentenceTransformer that is on this machine.

    Parameters
    ----------
    folder : Path
        Where its files are.
    name : str
        How people call it.
    device : str, optional
        By default CUDA if there is any; there it computes in half precision.

    Attributes
    ----------
    name, digest, dim, device, model
    """

    def __init__(self, folder: Path, *, name: str, device: str | None = None) -> None:
        self.name = name
        self.device = _device(device)
        self.model = _load_sentence_transformer(folder, self.device)
        self.digest = _folder_digest(folder)
        if self.device.type == "cuda":
            self.model.half()
        self.dim: int = self._encode([""], 1).shape[1]
        self._batch_size = 256 if self.device.type == "cuda" else 32

    def __repr__(self) -> str:
        name = f"{self.name!r} {self.digest[:8]}"
        return f"<SentenceTransformerEmbedder {name}, {self.dim} dimensions, {self.device}>"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed `texts`.

        White space around a text is not seen.  Texts longer than the model's window are embedded in parts,
        which count by their number of tokens.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        float32 ndarray of shape (len(texts), dim)
            Rows of unit length.
        """
        unique, inverse = _deduplicate(texts)
        if not unique:
            return np.empty((0, self.dim), dtype=np.float32)
        pieces = [self._pieces(text) for text in unique]
        owner = np.repeat(np.arange(len(unique)), [len(p) for p in pieces])
        weights = np.array([weight for p in pieces for _, weight in p], dtype=np.float32)
        vectors = self._encode([text for p in pieces for text, _ in p], self._batch_size)
        sums = np.zeros((len(unique), self.dim), dtype=np.float32)
        np.add.at(sums, owner, vectors * weights[:, None])
        return _unit_rows(sums, self.name)[inverse]

    def _encode(self, texts: list[str], batch_size: int) -> Vectors:
        while True:
            try:
                vectors = self.model.encode(texts, batch_size=batch_size, show_progress_bar=False)
            except Exception as error:
                if not _is_out_of_memory(error) or batch_size == 1:
                    raise
                batch_size = self._batch_size = batch_size // 2
                _release_memory()
                continue
            return np.asarray(vectors, dtype=np.float32)

    def _pieces(self, text: str) -> list[tuple[str, int]]:
        """Cut a text longer than the window at token boundaries; each piece with its number of tokens."""
        window = getattr(self.model, "max_seq_length", None)
        tokenizer: Any = getattr(self.model, "tokenizer", None)
        # a token is at least one character, so short texts need not be tokenized to know
        if not window or len(text) < window // 2 or not getattr(tokenizer, "is_fast", False):
            return [(text, 1)]
        room = max(1, window - 8 - max((len(p) for p in self.model.prompts.values()), default=0))
        offsets = tokenizer(
            text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False
        )["offset_mapping"]
        if len(offsets) <= room:
            return [(text, max(1, len(offsets)))]
        starts = [0, *(offsets[i][0] for i in range(room, len(offsets), room)), len(text)]
        counts = [min(room, len(offsets) - i) for i in range(0, len(offsets), room)]
        return [(text[a:b], n) for a, b, n in zip(starts, starts[1:], counts, strict=False)]


class CachedEmbedder:
    """An encoder that keeps vectors in an SQLite file and does not compute them twice.

    Processes may share the file.  Vectors are kept by a hash of the encoder's digest and the text; the text
    itself is not kept.

    Parameters
    ----------
    embedder : Embedder
        What computes vectors that are not there yet.
    path : Path
        Created if missing.
    max_entries : int, default 1_000_000
        Beyond it the oldest vectors go.  A vector of 384 dimensions takes about 1.6 kB.

    Raises
    ------
    EmbeddingError
        If the file cannot be opened or is something else.
    """

    def __init__(self, embedder: Embedder, path: Path, *, max_entries: int = 1_000_000) -> None:
        self.embedder = embedder
        self.name, self.digest, self.dim = embedder.name, embedder.digest, embedder.dim
        self.composer = composer(embedder)
        self.path = path
        self.max_entries = max_entries
        with self._connect() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors"
                " (number INTEGER PRIMARY KEY, key BLOB UNIQUE, vector BLOB)"
            )

    def __repr__(self) -> str:
        return f"<CachedEmbedder {self.embedder!r} in {str(self.path)!r}>"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed `texts`, those that are not in the file with `embedder`.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        float32 ndarray of shape (len(texts), dim)
            Rows of unit length.
        """
        unique, inverse = _deduplicate(texts)
        keys = [self._key(text) for text in unique]
        with self._connect() as connection:
            found = self._find(connection, keys)
        missing = [i for i, key in enumerate(keys) if key not in found]
        computed = self.embedder.embed([unique[i] for i in missing])
        new = {keys[i]: vector for i, vector in zip(missing, computed, strict=True)}
        if new:
            with self._connect() as connection:
                self._keep(connection, new)
        vectors = np.empty((len(unique), self.dim), dtype=np.float32)
        for i, key in enumerate(keys):
            vectors[i] = new[key] if key in new else np.frombuffer(found[key], dtype="<f4")
        return vectors[inverse]

    def _key(self, text: str) -> bytes:
        return hashlib.blake2b(
            f"{self.digest}\n{text}".encode("utf-8", "surrogatepass"), digest_size=16
        ).digest()

    @staticmethod
    def _find(connection: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), 500):  # SQLite takes a limited number of parameters
            part = keys[start : start + 500]
            marks = ",".join("?" * len(part))
            found.update(connection.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part))
        return found

    def _keep(self, connection: sqlite3.Connection, vectors: dict[bytes, Vectors]) -> None:
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        connection.executemany("INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)", rows)
        connection.execute(
            "DELETE FROM vectors WHERE number <= (SELECT max(number) FROM vectors) - ?", (self.max_entries,)
        )

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """One transaction on a connection of its own, so that an encoder can be sent to other processes."""
        connection = None
        try:
            connection = sqlite3.connect(self.path, timeout=60)
            with connection:
                yield connection
        except sqlite3.Error as error:
            raise EmbeddingError(
                f"embedding cache {str(self.path)!r}: {error}; expected a file written by bitext or a new "
                "path. Delete it or name another."
            ) from error
        finally:
            if connection is not None:
                connection.close()


class _Encoder:
    """A BERT with mean pooling, for batches without padding: all tokens in a row, texts sorted by length."""

    def __init__(self, path: Path, config: dict[str, Any], device: torch.device) -> None:
        import torch

        self.device = device
        self.dtype = torch.float16 if device.type == "cuda" else torch.float32
        self.n_heads: int = config["num_attention_heads"]
        self.eps: float = config["layer_norm_eps"]
        tensors = _read_tensors(path, expand=False)
        word = "embeddings.word_embeddings.weight"
        # the word embeddings stay packed: a batch needs a few of their rows
        self.word_packed = tensors.pop(f"{word}.packed").to(device)
        self.word_scale = tensors.pop(f"{word}.scale").to(device)
        weights = {n: t.to(device, self.dtype) for n, t in _expand(tensors).items()}
        self.position = (
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self.norm = (weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"])
        self.layers = side_by_side(partial(_layer, weights), range(config["num_hidden_layers"]), device)

    def __call__(self, batch: Sequence[Sequence[int]]) -> Vectors:
        """Return the mean of the last states of each row of token ids; rows must be sorted by length."""
        import torch

        with torch.inference_mode():
            return cast(Vectors, self.means(batch).cpu().numpy())

    def means(self, batch: Sequence[Sequence[int]]) -> torch.Tensor:
        """Compute what `__call__` returns, differentiably."""
        import torch
        from torch.nn.functional import layer_norm

        groups = [(length, len(list(rows))) for length, rows in groupby(len(ids) for ids in batch)]
        ids = torch.tensor([i for row in batch for i in row], device=self.device)
        steps = torch.arange(len(self.position), device=self.device)
        positions = torch.cat([steps[:length].repeat(n) for length, n in groups])
        x = self._word_rows(ids) + self.position[positions]
        x = layer_norm(x, (x.shape[1],), *self.norm, self.eps)
        x = through_layers(x, groups, self.layers, n_heads=self.n_heads, eps=self.eps)
        rows = torch.split(x.float(), [length * n for length, n in groups])
        return torch.cat([r.view(n, length, -1).mean(1) for r, (length, n) in zip(rows, groups, strict=True)])

    def _word_rows(self, ids: torch.Tensor) -> torch.Tensor:
        return _unpack(self.word_packed[ids], self.word_scale[ids]).to(self.dtype)


def through_layers(
    x: torch.Tensor,
    groups: Sequence[tuple[int, int]],
    layers: Sequence[Layer],
    *,
    n_heads: int,
    eps: float,
) -> torch.Tensor:
    """Pass states through the layers of a BERT, differentiably.

    Parameters
    ----------
    x : tensor of shape (n_tokens, dim)
        The tokens of all texts in a row, without padding.
    groups : sequence of (length, n)
        `n` texts of `length` tokens stand next to each other.
    layers : sequence of dict
        As `_layer` makes them.
    """
    import torch
    from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

    shape = (x.shape[1],)
    sizes = [length * n for length, n in groups]
    for layer in layers:
        attended = []
        for part, (length, n) in zip(torch.split(linear(x, *layer["qkv"]), sizes), groups, strict=True):
            q, k, v = part.view(n, length, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
            heads = scaled_dot_product_attention(q, k, v)
            attended.append(heads.transpose(1, 2).reshape(length * n, -1))
        x = x + linear(torch.cat(attended), *layer["out"])
        x = layer_norm(x, shape, *layer["norm1"], eps)
        x = x + linear(gelu(linear(x, *layer["up"])), *layer["down"])
        x = layer_norm(x, shape, *layer["norm2"], eps)
    return x


def _layer(weights: dict[str, torch.Tensor], i: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    import torch

    def pair(name: str) -> tuple[torch.Tensor, torch.Tensor]:
        return weights[f"encoder.layer.{i}.{name}.weight"], weights[f"encoder.layer.{i}.{name}.bias"]

    query, key, value = (pair(f"attention.self.{n}") for n in ("query", "key", "value"))
    return {
        "qkv": (torch.cat([query[0], key[0], value[0]]), torch.cat([query[1], key[1], value[1]])),
        "out": pair("attention.output.dense"),
        "norm1": pair("attention.output.LayerNorm"),
        "up": pair("intermediate.dense"),
        "down": pair("output.dense"),
        "norm2": pair("output.LayerNorm"),
    }


def _read_tensors(path: Path, *, expand: bool) -> dict[str, torch.Tensor]:
    """Read weights; with `expand`, 4-bit ones as float32."""
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except Exception as error:
        raise EmbeddingError(
            f"{path} is not a safetensors file ({error}); reinstall or rebuild the model."
        ) from error
    return _expand(tensors) if expand else tensors


def _expand(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    import torch

    def unpacked(stem: str) -> torch.Tensor:
        return _unpack(tensors[f"{stem}.packed"], tensors[f"{stem}.scale"], tensors.get(f"{stem}.high"))

    stems = [name.removesuffix(".packed") for name in tensors if name.endswith(".packed")]
    expanded = {n: t.float() for n, t in tensors.items() if not n.endswith(_PARTS)}
    return expanded | dict(zip(stems, side_by_side(unpacked, stems, torch.device("cpu")), strict=True))


def _unpack(packed: torch.Tensor, scale: torch.Tensor, high: torch.Tensor | None = None) -> torch.Tensor:
    """Turn blocks of 32 weights in 4 bits (6 with `high`) into float32; models/packing.py has the layout."""
    import torch

    nibbles = packed.view(len(packed), -1, 16)
    codes = torch.cat([nibbles & 15, nibbles >> 4], dim=2)
    if high is None:
        centered = codes.float() - 8
    else:
        planes = high.view(len(high), -1, 8)
        pairs = torch.cat([(planes >> shift) & 3 for shift in (0, 2, 4, 6)], dim=2)
        centered = (codes + pairs * 16).float() - 32
    return (centered * scale.float().unsqueeze(2)).view(len(packed), -1)


@lru_cache(maxsize=2)
def _load_tokenizer(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer: Tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def token_numbers(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Return the numbers of the tokens of each text, without those that mark its ends."""
    try:
        encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    except (UnicodeEncodeError, TypeError):  # lone surrogates, as badly decoded files have them
        clean = [t.encode("utf-8", "replace").decode() for t in texts]
        encodings = tokenizer.encode_batch_fast(clean, add_special_tokens=False)
    return [encoding.ids for encoding in encodings]


def _deduplicate(texts: Sequence[str]) -> tuple[list[str], NDArray[np.intp]]:
    if isinstance(texts, str):
        raise EmbeddingError(
            f"embed() got one string, {texts[:20]!r}; expected a sequence of strings. Wrap it in a list."
        )
    place: dict[str, int] = {}
    inverse = np.empty(len(texts), dtype=np.intp)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise EmbeddingError(f"embed() got {type(text).__name__} at position {i}; expected strings.")
        inverse[i] = place.setdefault(text.strip(), len(place))
    return list(place), inverse


def _unit_rows(vectors: Vectors, name: str) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(norms)) or np.any(norms == 0):
        raise EmbeddingError(
            f"{name!r} returned vectors that are zero or not finite; expected ones of unit length."
        )
    return cast(Vectors, vectors / norms)


def _device(device: str | None) -> torch.device:
    import torch

    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise EmbeddingError(f"unknown device {device!r}; expected 'cpu', 'cuda' or 'cuda:N'.") from error
    if wanted.type == "cuda" and (wanted.index or 0) >= torch.cuda.device_count():
        raise EmbeddingError(
            f"no CUDA device for {device!r}: torch {torch.__version__} sees {torch.cuda.device_count()}. "
            "Use device='cpu'."
        )
    return wanted


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError)


def _release_memory() -> None:
    import torch

    torch.cuda.empty_cache()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EmbeddingError(f"{path} cannot be read ({error}); reinstall or rebuild the model.") from error
    return cast(dict[str, Any], content)


def _require_intact(folder: Path, hashes: dict[str, str], names: Sequence[str]) -> None:
    for name in names:
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            raise EmbeddingError(f"{folder / name} is missing; reinstall or rebuild the model.") from error
        if found != hashes.get(name):
            raise EmbeddingError(
                f"{folder / name} is damaged: its sha256 is {found[:12]}…, model.json says "
                f"{hashes.get(name, 'nothing')[:12]}…. Reinstall or rebuild the model."
            )


def _hub_folder(name: str) -> Path | None:
    """Where the Hugging Face cache keeps the model `name`; None if it does not."""
    from huggingface_hub import try_to_load_from_cache

    for candidate in [name] if "/" in name else [name, f"sentence-transformers/{name}"]:
        try:
            path = try_to_load_from_cache(candidate, "config.json")
        except ValueError:  # not the form of a repository name
            return None
        if isinstance(path, str):
            return Path(path).parent
    return None


def _load_sentence_transformer(folder: Path, device: torch.device) -> Any:
    with _quiet():
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(str(folder), device=str(device), local_files_only=True)
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
            raise EmbeddingError(
                f"{str(folder)!r} does not load as a SentenceTransformer ({reason}); expected a "
                "complete model."
            ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep loading silent: transformers logs and draws progress bars unless told otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers.utils import logging as transformers_logging

        logging = cast(Any, transformers_logging)
        verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()


def _folder_digest(folder: Path) -> str:
    """Digest of names, sizes and first, middle and last mebibyte of a model's files: all takes long."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in _MODEL_FILES):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
        with path.open("rb") as file:
            for start in sorted({0, max(0, size // 2), max(0, size - 2**20)}):
                file.seek(start)
                digest.update(file.read(2**20))
    return digest.hexdigest()


def _sentence_transformer_files(config: dict[str, Any]) -> dict[str, Any]:
    names = ("Transformer", "Pooling", "Normalize")
    paths = ("", "1_Pooling", "2_Normalize")
    return {
        "config.json": {**config, "architectures": ["BertModel"], "model_type": "bert"},
        "modules.json": [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
            for i, (name, path) in enumerate(zip(names, paths, strict=True))
        ],
        "sentence_bert_config.json": {
            "max_seq_length": config["max_position_embeddings"],
            "do_lower_case": False,
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": config["hidden_size"],
            "pooling_mode_mean_tokens": True,
            "pooling_mode_cls_token": False,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": config["max_position_embeddings"],
            "bos_token": "<s>",
            "eos_token": "</s>",
            "cls_token": "<s>",
            "sep_token": "</s>",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
        },
    }
