"""Mining: the same pairs whatever the order, the side or the tiles, and nothing lost without being counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bitext
from bitext import _kernels as kernels
from bitext import mining
from bitext.cli import main
from bitext.errors import AlignmentError, MissingExtraError
from bitext.mining import RETRIEVALS, Mined, link, mine


class Meanings:
    """An encoder for made texts: ``zh 12`` and ``en 12`` mean the same, ``zh x5`` has no translation."""

    name, digest, dim = "meanings", "0", 64

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            lang, meaning = text.split()
            seed = int(meaning.lstrip("x")) + 10_000 * meaning.startswith("x") * (1 + (lang == "zh"))
            row[:] = np.random.default_rng(seed).standard_normal(self.dim)
            own = np.random.default_rng([seed, lang == "zh"]).standard_normal(self.dim)
            row += 0.5 * own
        return np.asarray(kernels.unit_rows(vectors))


def bags(seed: int, *, n_right: int = 30, n_other: int = 40) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    right = rng.choice(500, n_right, replace=False)
    source, target = (
        [f"{lang} {i}" for i in right] + [f"{lang} x{i}" for i in rng.choice(500, n_other, replace=False)]
        for lang in ("zh", "en")
    )
    return [source[i] for i in rng.permutation(len(source))], [
        target[i] for i in rng.permutation(len(target))
    ]


def texts(mined: Mined, source: list[str], target: list[str]) -> dict[tuple[str, str], float]:
    return {(source[p.source[0]], target[p.target[0]]): p.probability for p in mined}


def test_translations_are_found_and_the_rest_is_left_alone() -> None:
    """The one promise."""
    source, target = bags(1)
    mined = bitext.mine(source, target, embedder=Meanings())
    right = [s.split()[1] == t.split()[1] for s, t in texts(mined, source, target)]
    assert sum(right) >= 28
    assert np.mean(right) > 0.9
    assert mined.precision > 0.9
    assert [p.probability for p in mined] == sorted((p.probability for p in mined), reverse=True)


@pytest.mark.parametrize("retrieval", ["mutual", "max"])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_swapping_the_sides_swaps_the_pairs(retrieval: str, seed: int) -> None:
    """Neither language is the one that is looked up."""
    source, target = bags(seed, n_right=10, n_other=15)
    forth = texts(mine(source, target, embedder=Meanings(), retrieval=retrieval), source, target)
    back = texts(mine(target, source, embedder=Meanings(), retrieval=retrieval), target, source)
    assert {(s, t) for t, s in back} == set(forth)
    assert all(back[t, s] == pytest.approx(p, abs=1e-4) for (s, t), p in forth.items())


@pytest.mark.parametrize("retrieval", RETRIEVALS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_the_bags_does_not_matter(retrieval: str, seed: int) -> None:
    """They are bags."""
    source, target = bags(seed, n_right=10, n_other=15)
    rng = np.random.default_rng(seed)
    mixed = (
        [source[i] for i in rng.permutation(len(source))],
        [target[i] for i in rng.permutation(len(target))],
    )
    first = texts(mine(source, target, embedder=Meanings(), retrieval=retrieval), source, target)
    assert set(texts(mine(*mixed, embedder=Meanings(), retrieval=retrieval), *mixed)) == set(first)


def test_searching_in_tiles_finds_what_one_product_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, the result is the same."""
    source, target = bags(3)
    whole = mine(source, target, embedder=Meanings())
    monkeypatch.setattr(mining, "nearest_neighbors", partial(kernels.nearest_neighbors, tile=7))
    tiled = mine(source, target, embedder=Meanings())
    assert [(p.source, p.target) for p in tiled] == [(p.source, p.target) for p in whole]


def test_margins_are_those_of_the_formula() -> None:
    """The slow twin: a cosine over the mean of both sides' nearest cosines."""
    rng = np.random.default_rng(5)
    source, target = (kernels.unit_rows(rng.standard_normal((n, 6)).astype(np.float32)) for n in (9, 12))
    links = link(source, target, n_neighbors=3)
    cosines = source @ target.T
    for (i, j), margin in zip(links.ends.tolist(), links.margins.tolist(), strict=True):
        near = [np.sort(side)[::-1][:3].mean() for side in (cosines[i], cosines[:, j])]
        assert margin == pytest.approx(cosines[i, j] / max(np.mean(near), 1e-3), rel=1e-4)
    linked = set(map(tuple, links.ends.tolist()))
    assert {(i, int(cosines[i].argmax())) for i in range(9)} <= linked
    assert {(int(cosines[:, j].argmax()), j) for j in range(12)} <= linked


def test_retrievals_keep_what_they_promise() -> None:
    """Mutual pairs are in all others; max uses each segment once; forward has one pair for each source."""
    source, target = bags(7)
    links = link(Meanings().embed(source), Meanings().embed(target))
    found = {r: [tuple(e) for e in links.ends[links.retrieved(r)].tolist()] for r in RETRIEVALS}
    assert all(set(found["mutual"]) <= set(found[r]) for r in RETRIEVALS)
    assert len({i for i, _ in found["max"]}) == len({j for _, j in found["max"]}) == len(found["max"])
    assert sorted(i for i, _ in found["forward"]) == list(range(len(source)))
    assert sorted(j for _, j in found["backward"]) == list(range(len(target)))


def test_repeated_blank_and_copied_segments_are_counted_and_placed() -> None:
    """Nothing is lost silently."""
    source, target = bags(9)
    copied = "zh x7777"
    many = [source[0], "", *source, f" {source[0]}  ", copied]
    mined = mine(many, [*target, "\t", copied], embedder=Meanings(), threshold=0.0)
    assert mined.n_segments == (len(source) + 4, len(target) + 2)
    assert mined.n_blank == (1, 1)
    assert mined.n_repeated == (2, 0)
    assert mined.n_copied == 1
    assert all(many[p.source[0]] != [*target, "\t", copied][p.target[0]] for p in mined)
    places = [p.source for p in mine(many, target, embedder=Meanings(), retrieval="forward", threshold=-9.0)]
    assert (0, 2, len(source) + 2) in places


def test_more_precision_takes_fewer_pairs() -> None:
    """And those it takes are among the others."""
    source, target = bags(11, n_right=60, n_other=300)
    taken = [
        {(p.source, p.target) for p in mine(source, target, embedder=Meanings(), precision=precision)}
        for precision in (0.999, 0.95, 0.6)
    ]
    assert taken[0] <= taken[1] <= taken[2]
    assert len(taken[0]) < len(taken[2])


@pytest.mark.parametrize(("n", "m"), [(0, 0), (1, 0), (0, 1), (1, 1), (1, 5)])
def test_tiny_bags_do_not_crash(n: int, m: int) -> None:
    """An empty bag has no pairs."""
    mined = mine([f"zh {i}" for i in range(n)], [f"en {i}" for i in range(m)], embedder=Meanings())
    assert len(mined) <= min(n, m)
    assert mined.n_segments == (n, m)


def test_settings_that_contradict_each_other_are_refused() -> None:
    """In one line."""
    with pytest.raises(AlignmentError, match="expected one of them"):
        mine(["zh 1"], ["en 1"], embedder=Meanings(), threshold=1.1, precision=0.9)
    with pytest.raises(AlignmentError, match="between 0 and 1"):
        mine(["zh 1"], ["en 1"], embedder=Meanings(), precision=1.5)
    with pytest.raises(AlignmentError, match="got one string, 'abc'"):
        mine("abc", ["def"], embedder=Meanings())
    with pytest.raises(AlignmentError, match="expected one of mutual"):
        mine(["zh 1"], ["en 1"], embedder=Meanings(), retrieval="both")  # type: ignore[arg-type]


def test_faiss_finds_what_the_exact_search_finds() -> None:
    """FAISS is another engine, not another method."""
    pytest.importorskip("faiss")
    source, target = bags(13)
    vectors = Meanings().embed(source), Meanings().embed(target)
    exact, other = link(*vectors), link(*vectors, search="faiss")
    np.testing.assert_array_equal(exact.ends, other.ends)
    np.testing.assert_allclose(exact.margins, other.margins, rtol=1e-4)


def test_faiss_that_is_not_there_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is the installation command."""
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(MissingExtraError, match=r"bitext\[faiss\]"):
        link(Meanings().embed(["zh 1"]), Meanings().embed(["en 1"]), search="faiss")


def test_the_command_writes_pairs_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """TSV has probability, source and target; JSONL also says in which lines they are."""
    monkeypatch.setattr(mining, "load_embedder", lambda name, device=None: Meanings())
    source, target = bags(15)
    paths = [tmp_path / "zh.txt", tmp_path / "en.txt"]
    for path, lines in zip(paths, (source, [*target, ""]), strict=True):
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["mine", *map(str, paths)]) == 0
    rows, told = capsys.readouterr()
    probability, zh, en = rows.splitlines()[0].split("\t")
    assert float(probability) > 0.9
    assert zh.split()[1] == en.split()[1]
    assert "right by estimate" in told
    assert "1 blank" in told
    assert main(["mine", *map(str, paths), "--format", "jsonl", "--precision", "0.9"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[0])
    assert source[row["source_lines"][0] - 1] == row["source"]
    assert target[row["target_lines"][0] - 1] == row["target"]
    assert row["margin"] > 1
