"""Fixtures shared by all tests: no network, and a tiny bilingual encoder so that the pipeline runs in a second."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bitext import pipeline
from bitext.testing import HashEmbedder

# a toy dictionary: enough for an encoder that really is bilingual on the texts of the tests
_WORDS = {
    "公司": "company", "去年": "last year", "营收": "revenue", "增长": "grew", "员工": "staff", "城市": "cities",
    "工厂": "factory", "天气": "weather", "很好": "fine", "谢谢": "thank", "大家": "everyone", "产品": "product",
    "发布": "released", "亿元": "yuan", "机器人": "robots", "模型": "model", "数据": "data", "中心": "center",
    "投资": "invested", "客户": "customers", "海外": "overseas", "市场": "market", "医院": "hospital", "学校": "school",
}  # fmt: skip


class DictionaryEmbedder(HashEmbedder):
    """A `HashEmbedder` that sees Chinese words of a toy dictionary as their English."""

    name = "dictionary"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        translated = []
        for text in texts:
            for zh, en in _WORDS.items():
                text = text.replace(zh, f" {en} ")
            translated.append(text)
        return super().embed(translated)


@pytest.fixture(scope="session")
def embedder() -> DictionaryEmbedder:
    return DictionaryEmbedder()


@pytest.fixture
def pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: DictionaryEmbedder
) -> Iterator[tuple[str, str]]:
    """Write a source and a translation with a wrong number, and take the toy encoder."""
    monkeypatch.chdir(tmp_path)
    Path("a.zh.txt").write_text("公司去年营收增长。\n\n数据中心投资3亿元。\n", encoding="utf-8")
    Path("a.en.txt").write_text(
        "The company revenue grew last year.\n\nIt invested 3 billion yuan in the data center.\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(pipeline, "load_embedder", lambda name, device=None: embedder)
    pipeline._loaded.cache_clear()
    yield "a.zh.txt", "a.en.txt"
    pipeline._loaded.cache_clear()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a test tried to open a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
