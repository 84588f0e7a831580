"""An additive encoder as the one module of a SentenceTransformer: texts come in, sums pass, vectors go out.

Apart from `bitext.embedding` because a class of torch's can only be defined where torch is imported.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bitext.embedding import AdditiveEmbedder


class AdditiveModule(torch.nn.Module):
    """What `AdditiveEmbedder.sentence_transformer` puts into the SentenceTransformer.

    Parameters
    ----------
    embedder : AdditiveEmbedder
    """

    def __init__(self, embedder: AdditiveEmbedder) -> None:
        super().__init__()
        self.embedder = embedder

    def tokenize(self, texts: list[str], **_: Any) -> dict[str, torch.Tensor]:
        """Return the sums of texts, of which the forward pass makes vectors."""
        return {"sums": torch.from_numpy(self.embedder.sums(texts))}

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Add the vectors to the features."""
        vectors = self.embedder.head(features["sums"].cpu().numpy().astype(np.float32))
        return {**features, "sentence_embedding": torch.from_numpy(vectors)}

    def get_embedding_dimension(self) -> int:
        """Return the length of a vector."""
        return self.embedder.dim

    def save(self, path: str, *_: Any, **__: Any) -> None:
        """Copy the files of the model."""
        for file in self.embedder.folder.iterdir():
            shutil.copy(file, path)

    @staticmethod
    def load(path: str, subfolder: str = "", **_: Any) -> AdditiveModule:
        """Load what `save` wrote."""
        return AdditiveModule(AdditiveEmbedder(Path(path) / subfolder))
