"""Fit the weights by which `bitext._renderings` judges a rendering without a termbase.

Comes in: a folder like ``shared/data/terms``, of which ``hkma`` is read: machine translations of annual
reports, and the dictionaries that say which of their terms are wrong.  Goes out, printed: two logistic
regressions, to be copied into the module, and for each year the precision of one fitted on the other years::

    python models/fit_doubts.py DATA_DIR
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from terminology import Judged, judge_all, precision_at

from bitext import _renderings


def fit(judged: list[Judged]) -> tuple[tuple[float, ...], float]:
    """Return weights and bias."""
    features, wrong = np.array([d.features for _, _, d in judged]), np.array([w for _, w, _ in judged])
    model = LogisticRegression(max_iter=5000).fit(features, wrong)
    return tuple(round(float(w), 3) for w in model.coef_[0]), round(float(model.intercept_[0]), 3)


def main() -> None:
    """Fit on each year but one, then on all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data_dir", type=Path)
    folder = parser.parse_args().data_dir / "hkma"
    systems = sorted({path.stem.rsplit(".", 1)[0] for path in (folder / "mt").glob("*.jsonl")})
    years = sorted(path.stem.rsplit("_", 1)[1] for path in (folder / "ref").glob("full_data_*.jsonl"))
    for several, recall, name in ((True, 0.5, "_WEIGHTS_OF_SEVERAL"), (False, 0.35, "_WEIGHTS_OF_ONE")):
        by_year = {year: judge_all(folder, systems, several=several, year=year) for year in years}
        for year, (judged, n_wrong) in by_year.items():
            setattr(_renderings, name, fit([j for y, (js, _) in by_year.items() if y != year for j in js]))
            print(f"{year} held out: precision {precision_at(judged, n_wrong, recall)} at recall {recall}")
        print(name, "=", fit([j for judged, _ in by_year.values() for j in judged]))


if __name__ == "__main__":
    main()
