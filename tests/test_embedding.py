"""Laws of `bitext.embedding`: what aligners rely on, for the packaged model and any SentenceTransformer."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from bitext import embedding
from bitext.embedding import CachedEmbedder, PackagedEmbedder, load_embedder, packaged_models
from bitext.errors import EmbeddingError
from bitext.testing import HashEmbedder, verify_embedder

PAIRS = [
    ("今年的降雨比往年都多。", "There was more rain this year than in any other."),
    ("请在月底之前把合同寄回来。", "Please send the contract back before the end of the month."),
    ("他把钥匙忘在办公室里了。", "He left his keys at the office."),
    ("這座橋建於十九世紀。", "This bridge was built in the nineteenth century."),
    ("服务器昨晚宕机了三个小时。", "The server was down for three hours last night."),
    ("孩子们在院子里放风筝。", "The children were flying kites in the yard."),
]


@pytest.fixture(scope="module")
def packaged() -> PackagedEmbedder:
    embedder = load_embedder("zh-en", device="cpu")
    assert isinstance(embedder, PackagedEmbedder)
    return embedder


def test_the_packaged_model_keeps_the_contract(packaged):
    """Aligners take unit float32 rows for granted, whatever the text is."""
    verify_embedder(packaged)


def test_a_sentence_finds_its_translation(packaged):
    """Wrong weights or a wrong tokenizer still give unit vectors; this they do not survive."""
    zh, en = (packaged.embed(side) for side in zip(*PAIRS, strict=True))
    assert (zh @ en.T).argmax(axis=1).tolist() == list(range(len(PAIRS)))
    assert (zh @ en.T).argmax(axis=0).tolist() == list(range(len(PAIRS)))


def test_batches_do_not_change_vectors(packaged, monkeypatch):
    """A document must score the same alone and among a million others."""
    texts = [text * n for pair in PAIRS for text in pair for n in (1, 5)]
    together = packaged.embed(texts)
    monkeypatch.setattr(packaged, "_tokens_per_batch", 1)
    assert (packaged.embed(texts) * together).sum(axis=1).min() > 1 - 1e-3
    monkeypatch.setattr(embedding, "_TEXTS_PER_ROUND", 5)
    assert (packaged.embed(texts) * together).sum(axis=1).min() > 1 - 1e-3


# rounding to 8 bits moved the vectors of the first four by up to .014: early layers tip over there
EASILY_MOVED = ["nly u", "When you s", "消息过滤", "他参加辩论", "B", ""]


def test_half_precision_does_not_change_vectors(packaged, monkeypatch):
    """CUDA computes in it; what is aligned there must not depend on the machine."""
    import torch

    texts = [*EASILY_MOVED, *(text for pair in PAIRS for text in pair)]
    expected = packaged.embed(texts)
    encoder = packaged._encoder
    halves = [{n: (w.half(), b.half()) for n, (w, b) in layer.items()} for layer in encoder.layers]
    monkeypatch.setattr(encoder, "dtype", torch.float16)
    monkeypatch.setattr(encoder, "layers", halves)
    monkeypatch.setattr(encoder, "position", encoder.position.half())
    monkeypatch.setattr(encoder, "norm", tuple(tensor.half() for tensor in encoder.norm))
    vectors = packaged.embed(texts)
    assert not np.array_equal(vectors, expected)
    assert (vectors * expected).sum(axis=1).min() > 1 - 1e-3


@pytest.mark.cuda
def test_cuda_does_not_change_vectors(packaged):
    """The same on the device itself, where one is at hand."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    texts = [*EASILY_MOVED, *(text * n for pair in PAIRS for text in pair for n in (1, 5, 40))]
    on_cuda = load_embedder("zh-en", device="cuda")
    assert (on_cuda.embed(texts) * packaged.embed(texts)).sum(axis=1).min() > 1 - 1e-3


def test_threads_do_not_change_vectors(packaged, monkeypatch):
    """Batches are shared out to as many threads as torch may use, which differs from machine to machine."""
    texts = [*EASILY_MOVED, *(text * n for pair in PAIRS for text in pair for n in (1, 5))]
    found = []
    for n_workers in (1, 3):
        monkeypatch.setattr(packaged, "_n_workers", n_workers)
        monkeypatch.setattr(embedding, "_n_cores", lambda n=n_workers: n)
        found.append(packaged.embed(texts))
    assert (found[0] * found[1]).sum(axis=1).min() > 1 - 1e-3


def test_the_end_of_a_long_text_counts(packaged):
    """Encoders commonly cut at 512 tokens; an omission after that would never be seen."""
    head = "The committee met again and discussed the budget. " * 60
    one, other = packaged.embed([head + "Nobody voted." * 20, head + "海水淹没了整座城市。" * 20])
    assert one @ other < 0.995


def test_a_long_text_is_the_mean_of_its_parts_by_tokens(packaged):
    """Or a short tail would weigh like a full part."""
    text = ("Every harbor on the northern coast was closed because of the storm. " * 60).strip()
    (rows,) = packaged.token_rows([text])
    assert len(rows) == 2
    means = packaged._encoder(rows)
    expected = (means * np.array([[len(r)] for r in rows])).sum(axis=0)
    assert packaged.embed([text])[0] @ (expected / np.linalg.norm(expected)) > 1 - 1e-5


def test_white_space_around_a_text_is_not_seen(packaged):
    """Segments carry the white space that follows them; translations of them carry another."""
    vectors = packaged.embed(
        ["Snow fell all night.", "  Snow fell all night.\r\n", "\u3000Snow fell all night."]
    )
    assert np.array_equal(vectors[0], vectors[1])
    assert np.array_equal(vectors[0], vectors[2])


def test_no_ordinary_character_is_unknown(packaged):
    """Trimming the vocabulary must not turn names, amounts or Traditional characters into nothing."""
    texts = [
        "臺灣的證券交易所與銀行業務，憂鬱的龜壽。",
        "“赵、钱、孙、李”——《百家姓》；①②㈠【】〔〕…～￥％℃㎡",
        "naïve café Zürich Ångström façade Dvořák Lǐ Xiǎolóng Nguyễn",
        "£3.5bn €20 $1,234.56 ½ ± × ÷ ≤ ≥ ≈ § © ® ™ • – — ‘’ “” → ★ ☑",
        "ＡＢＣ１２３　ｆｕｌｌ－ｗｉｄｔｈ",
        "α β γ Ω π Привет カタカナ ひらがな 😀 🎉",
        "ChatGPT DeepSeek-R1 iPhone15 C++ F# .NET user@example.com https://example.com/a?b=c_d&e=%20",
    ]
    unknown = json.loads((packaged.folder / "config.json").read_text())["unk_token_id"]
    tokens = {
        text: [i for row in rows for i in row]
        for text, rows in zip(texts, packaged.token_rows(texts), strict=True)
    }
    assert [text for text, ids in tokens.items() if unknown in ids] == []


def test_badly_decoded_text_does_not_stop_a_run(packaged):
    """Lone surrogates come out of files read with surrogateescape."""
    assert packaged.embed(["bad \ud800 byte"]).shape == (1, packaged.dim)


def test_out_of_memory_halves_the_batch(packaged, monkeypatch):
    """A long document next to others on one GPU must finish, with the same vectors."""
    import torch

    texts = [text * n for pair in PAIRS for text in pair for n in (1, 3)]
    expected = packaged.embed(texts)
    encode, batches = packaged._encoder, []

    def encode_within_60_tokens(batch):
        batches.append(sum(map(len, batch)))
        if batches[-1] > 60 and len(batch) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return encode(batch)

    monkeypatch.setattr(packaged, "_encoder", encode_within_60_tokens)
    monkeypatch.setattr(packaged, "_tokens_per_batch", 1024)
    assert (packaged.embed(texts) * expected).sum(axis=1).min() > 1 - 1e-3
    assert max(batches) > 60


def test_one_string_is_refused(packaged):
    """A string is a sequence of strings; embedding its characters would go unnoticed."""
    with pytest.raises(EmbeddingError, match="one string"):
        packaged.embed("Snow fell all night.")


def test_packaged_models_are_listed_with_what_people_ask_about():
    """`bitext models` prints it; together they must leave room for the rest of the project."""
    (model,) = [m for m in packaged_models() if m.name == "zh-en"]
    assert (model.dim, model.license) == (384, "MIT")
    assert len(model.digest) == 64
    assert sum(m.size for m in packaged_models()) < 40 * 2**20


def test_a_damaged_file_is_named(packaged, tmp_path):
    """A half-copied model gives vectors that are wrong without being absurd."""
    folder = Path(shutil.copytree(packaged.folder, tmp_path / "model"))
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(EmbeddingError, match=r"model\.safetensors is damaged"):
        load_embedder(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(EmbeddingError, match=r"model\.safetensors is missing"):
        load_embedder(folder)


@pytest.mark.parametrize(
    ("name", "device", "message"),
    [
        ("no-such-model", None, "packaged are .*zh-en"),
        ("not a name", None, "unknown model 'not a name'"),
        ("zh-en", "cuda:99", "Use device='cpu'"),
        ("zh-en", "warp", "unknown device 'warp'"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(name, device, message):
    """The command line prints it and exits with 2."""
    with pytest.raises(EmbeddingError, match=message) as caught:
        load_embedder(name, device=device)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_named(tmp_path):
    """A mistyped folder must not be looked up as a name."""
    with pytest.raises(EmbeddingError, match="holds no model"):
        load_embedder(tmp_path)


class Counting(HashEmbedder):
    """Remembers what it was asked to embed."""

    def __init__(self):
        super().__init__(16)
        self.asked: list[str] = []

    def embed(self, texts):
        self.asked += texts
        return super().embed(texts)


def test_the_cache_returns_the_same_vectors_and_asks_once(tmp_path):
    """Turning the cache on may change how long a run takes and nothing else."""
    texts = [text for pair in PAIRS for text in pair] + ["", "bad \ud800 byte"]
    first = Counting()
    vectors = CachedEmbedder(first, tmp_path / "cache").embed(texts)
    second = Counting()
    cached = CachedEmbedder(second, tmp_path / "cache")
    assert np.array_equal(cached.embed(texts[::-1]), vectors[::-1])
    assert second.asked == []
    second.digest = "another"
    other = CachedEmbedder(second, tmp_path / "cache")
    other.embed(texts[:1])
    assert second.asked == texts[:1]


def test_the_cache_stays_within_its_bound(tmp_path):
    """A cache that only grows fills the disk of whoever scores a million pairs."""
    embedder = Counting()
    cached = CachedEmbedder(embedder, tmp_path / "cache", max_entries=10)
    for i in range(30):
        cached.embed([f"text {i}"])
    with cached._connect() as connection:
        assert connection.execute("SELECT count(*) FROM vectors").fetchone() == (10,)
    embedder.asked.clear()
    cached.embed(["text 29", "text 0"])
    assert embedder.asked == ["text 0"]


def test_a_cache_that_is_something_else_is_named(tmp_path):
    """The file is the user's; it must not be overwritten."""
    path = tmp_path / "notes.txt"
    path.write_text("do not lose this " * 200)
    with pytest.raises(EmbeddingError, match=r"notes\.txt"):
        CachedEmbedder(HashEmbedder(), path)
    assert path.read_text() == "do not lose this " * 200


def test_verify_embedder_reports_every_difference():
    """An author of a plug-in wants the whole list."""

    class Wrong(HashEmbedder):
        digest = 7

        def __init__(self):
            self.dim = 256

        def embed(self, texts):
            return super().embed(texts) * 2

    verify_embedder(HashEmbedder())
    with pytest.raises(EmbeddingError, match=r"(?s)digest is 7.*has length 2\.0000"):
        verify_embedder(Wrong())


@pytest.mark.slow
def test_a_sentence_transformer_gives_the_same_vectors(packaged, tmp_path, monkeypatch, capfd):
    """The same weights in someone else's code: our forward pass, pooling and tokenizer are right."""
    texts = [text for pair in PAIRS for text in pair]
    model = packaged.sentence_transformer()
    assert type(model).__name__ == "SentenceTransformer"
    assert (model.encode(texts, show_progress_bar=False) * packaged.embed(texts)).sum(axis=1).min() > 1 - 1e-5
    packaged.export(tmp_path)
    # loaded once: the folder holds what `model` was loaded from
    monkeypatch.setattr(embedding, "_load_sentence_transformer", lambda folder, device: model)
    embedder = load_embedder(tmp_path, device="cpu")
    verify_embedder(embedder)
    long = "Every harbor on the northern coast was closed because of the storm. " * 60
    # cut at nearly the same places: to a SentenceTransformer each part is a text of its own
    assert embedder.embed([long])[0] @ packaged.embed([long])[0] > 0.98
    assert (embedder.embed(texts) * packaged.embed(texts)).sum(axis=1).min() > 1 - 1e-5
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_loading_the_packaged_model_imports_neither_transformers_nor_sentence_transformers():
    """They take seconds to import, which is more than a document takes to align."""
    import subprocess

    code = (
        "import sys; from bitext.embedding import load_embedder;"
        "load_embedder('zh-en', device='cpu').embed(['a']);"
        "print([m for m in ('transformers', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""
