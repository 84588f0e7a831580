"""What an encoder is worth for alignment: Tatoeba retrieval (`tatoeba`).

::

    python models/evaluate.py zh-en --tatoeba FOLDER
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bitext.embedding import Embedder, load_embedder

Array = NDArray[Any]


def tatoeba(embedder: Embedder, folder: Path) -> dict[str, float]:
    """Share of sentences that find their translation, in percent, by the margin criterion in both directions.

    Parameters
    ----------
    embedder : Embedder
    folder : Path
        LASER's ``tatoeba.cmn-eng.{cmn,eng}``, one sentence a line.
    """
    zh, en = (
        embedder.embed((folder / f"tatoeba.cmn-eng.{side}").read_text(encoding="utf-8").splitlines())
        for side in ("cmn", "eng")
    )
    margin = margin_ratio(zh @ en.T)
    truth = np.arange(len(zh))
    return {
        "zh-en": round(100 * float((margin.argmax(axis=1) == truth).mean()), 2),
        "en-zh": round(100 * float((margin.argmax(axis=0) == truth).mean()), 2),
    }


def margin_ratio(cosine: Array, n_neighbors: int = 4) -> Array:
    """Cosine over the mean cosine of the nearest neighbors of both sides (Artetxe & Schwenk 2019, "ratio")."""
    forward = np.sort(cosine, axis=1)[:, -n_neighbors:].mean(axis=1, keepdims=True)
    backward = np.sort(cosine, axis=0)[-n_neighbors:, :].mean(axis=0, keepdims=True)
    return 2 * cosine / (forward + backward)


def main() -> None:
    """Print one JSON object of figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="packaged name, folder, or SentenceTransformer")
    parser.add_argument("--tatoeba", type=Path, metavar="FOLDER")
    parser.add_argument("--device")
    options = parser.parse_args()
    embedder = load_embedder(options.model, device=options.device)
    figures: dict[str, Any] = {"model": embedder.name, "digest": embedder.digest}
    if options.tatoeba:
        figures["tatoeba"] = tatoeba(embedder, options.tatoeba)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
