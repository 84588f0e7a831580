"""Measure the quality model on judgements it was never trained on.

    python benchmarks/quality.py DATA --plot benchmarks/quality.svg > benchmarks/quality.md

DATA has wmt22_zhen_mqm.jsonl.gz and the like.  A page of tables: WMT22 Chinese-English beside the published metrics,
what each part adds, calibration of documents, spans on what was left out of training, garbage, minimal pairs, speed
and memory.  `--segments N` takes a sample.  With a language model asked too (the extra ``fluency``)::

    python benchmarks/quality.py DATA --fluency --segments 1000 > benchmarks/quality-fluency.md
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import resource
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitext import pipeline, quality
from bitext._agreement import agreement
from bitext._quality_features import FEATURES, content_size
from bitext.embedding import load_embedder

Row = dict[str, Any]
Matrix = NDArray[np.float64]
DOCUMENT_PEERS = ("COMETKiwi-src", "UniTE-src-src", "HWTSC-Teacher-Sim-src", "metricx_xl_MQM_2020-refA")
FIGURES = ("system accuracy", "SPA", "item-grouped Kendall", "acc_eq", "Kendall, ungrouped")


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--segments", type=int, help="of WMT22; by default all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="SVG file to draw reliability into")
    parser.add_argument("--fluency", action="store_true", help="ask a language model too")
    args = parser.parse_args()
    model = quality.load_quality(load_embedder("zh-en"), fluency=args.fluency)
    if model is None:
        raise SystemExit("the quality model is not installed; see models/train_quality.py")
    print(f"# The quality model, {model.name}@{model.digest[:8]}\n")
    given = [f" --segments {args.segments}" if args.segments else "", " --fluency" if args.fluency else ""]
    print(f"Made by `python benchmarks/quality.py DATA{''.join(given)}`; not edited.\n")
    wmt22 = read(args.data / "wmt22_zhen_mqm.jsonl.gz", args.segments, args.seed)
    start = time.perf_counter()
    measured = measure(model, wmt22)
    seconds = time.perf_counter() - start
    points = np.array([m.points for m in measured])
    beside = np.array([m.beside for m in measured]) * [model.combiner[name] for name in quality.BESIDE]
    raw = np.array([model.raw(m) for m in measured])
    penalty = model.calibrated(raw)
    penalty[[not content_size(r["tgt"]) for r in wmt22]] = quality.MAX_PENALTY
    print_agreement(args.data, wmt22, penalty)
    print_parts(wmt22, points, *np.split(beside, [len(FEATURES)], axis=1), raw)
    print_documents(args.data, wmt22, penalty)
    if args.plot:
        draw(wmt22, penalty, args.plot)
        print(f"![What professionals found over what was predicted]({args.plot.name})\n")
    print_spans(model, args.data / "wmt21news_zhen_mqm.jsonl.gz")
    print_garbage(model, wmt22, penalty, random.Random(args.seed))
    print_minimal_pairs(model, args.data / "demetr_dev_contrastive.jsonl.gz")
    print_speed(model, len(wmt22), seconds)


def measure(model: quality.QualityEstimator, rows: Sequence[Row]) -> list[quality.Measured]:
    """Return what the model says of rows before calibration; it takes no empty texts."""
    sources, targets = ([r[side].strip() or "." for r in rows] for side in ("src", "tgt"))
    return model.measure(sources, targets)


def read(path: Path, n_segments: int | None = None, seed: int = 0) -> list[Row]:
    """Read judged rows; with `n_segments`, of whole documents with about so many segments."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = [row for row in map(json.loads, stream) if row.get("mqm") is not None]
    if n_segments is None:
        return rows
    documents: dict[str, set[int]] = defaultdict(set)
    for r in rows:
        documents[r["doc"]].add(r["seg"])
    kept: set[int] = set()
    for name in random.Random(seed).sample(sorted(documents), len(documents)):
        if len(kept) < n_segments:
            kept |= documents[name]
    return [r for r in rows if r["seg"] in kept]


def matrices(rows: Sequence[Row], values: NDArray[np.float64]) -> tuple[Matrix, Matrix]:
    """Systems by segments, human translations left out as in WMT: gold and scores, higher is better."""
    kept = [i for i, r in enumerate(rows) if not r.get("human")]
    systems = {s: i for i, s in enumerate(sorted({rows[i]["sys"] for i in kept}))}
    segments = {s: i for i, s in enumerate(sorted({rows[i]["seg"] for i in kept}))}
    gold, found = (np.full((len(systems), len(segments)), np.nan) for _ in range(2))
    for i in kept:
        at = systems[rows[i]["sys"]], segments[rows[i]["seg"]]
        gold[at], found[at] = rows[i]["mqm"], -values[i]
    return gold, found


def figures(rows: Sequence[Row], values: NDArray[np.float64]) -> list[float]:
    """System accuracy, SPA, item-grouped Kendall, acc_eq, ungrouped Kendall."""
    found = agreement(*matrices(rows, values))
    return [found[name] for name in ("system_accuracy", "spa", "item_kendall", "acc_eq", "kendall")]


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table."""
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{c:.3f}" if isinstance(c, float) else str(c) for c in row) + " |")
    print()


def print_agreement(data: Path, rows: Sequence[Row], penalty: NDArray[np.float64]) -> None:
    """WMT22: ours among the published metrics."""
    print("## WMT22 Chinese-English, 14 systems\n")
    published = json.loads((data / "wmt22_zhen_published_metrics_eval.json").read_text(encoding="utf-8"))
    shown = [
        (
            name,
            "no" if name.endswith("-src") else "yes",
            *(float(v[key]) for key in ("sys_acc", "spa", "item_tau", "acc_eq", "seg_tau")),
        )
        for name, v in published.items()
    ]
    shown.append(("**bitext**", "no", *figures(rows, penalty)))
    shown.sort(key=lambda row: -row[5])
    n = len({r["seg"] for r in rows})
    print(f"Ours on {n} segments; the others are the published scores of the same outputs, computed alike.\n")
    table(("metric", "sees a reference", *FIGURES), shown)
    lengths = np.array([float(len(r["tgt"])) for r in rows])
    controls = [
        ("minus target length", *figures(rows, lengths)),
        ("all alike", *figures(rows, np.zeros(len(rows)))),
    ]
    table(("control", *FIGURES), [[c if c is not None else "-" for c in row] for row in controls])
    by_domain = []
    for domain in sorted({r["domain"] for r in rows}):
        chosen = [i for i, r in enumerate(rows) if r["domain"] == domain]
        by_domain.append((domain, *figures([rows[i] for i in chosen], penalty[chosen])))
    table(("domain", *FIGURES), by_domain)


def print_parts(
    rows: Sequence[Row],
    points: NDArray[np.float64],
    explicit: NDArray[np.float64],
    unrelated: NDArray[np.float64],
    raw: NDArray[np.float64],
) -> None:
    """WMT22: with parts of the model only, before calibration."""
    print("## What each part adds, WMT22\n")
    pairs = [(r["src"], r["tgt"]) for r in rows]
    encoder = pipeline.remembering("zh-en")
    cosine = pipeline.similarities(encoder, [s for s, _ in pairs], [t for _, t in pairs])
    shipped = points + explicit.sum(axis=1) + unrelated.sum(axis=1)
    shown = [
        ("cosine of the two sides", *figures(rows, -cosine)),
        ("explicit features", *figures(rows, explicit.sum(axis=1))),
        ("points of the network", *figures(rows, points)),
        ("points and explicit features", *figures(rows, points + explicit.sum(axis=1))),
        ("all that ships", *figures(rows, shipped)),
    ]
    unexpected = raw - shipped
    if not np.allclose(unexpected, 0):
        shown.append(("what a language model did not expect", *figures(rows, unexpected)))
        shown.append(("all that ships, and that", *figures(rows, raw)))
    table(("scores", *FIGURES), shown)


def print_documents(data: Path, rows: Sequence[Row], penalty: NDArray[np.float64]) -> None:
    """WMT22: document fidelity against the human one, and reliability."""
    print("## Calibration, WMT22\n")
    documents: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, r in enumerate(rows):
        if not r.get("human"):
            documents[r["sys"], r["doc"]].append(i)
    human = np.array([np.mean([min(25.0, -rows[i]["mqm"]) for i in d]) for d in documents.values()]) / 25
    ours = np.array([penalty[d].mean() for d in documents.values()]) / 25
    error = np.abs(human - np.median(human)).mean()
    print(
        f"Fidelity of {len(documents)} documents of one system each: mean absolute error "
        f"**{np.abs(ours - human).mean():.3f}** (the best constant: {error:.3f}).\n"
    )
    print("What the ranking itself allows: the error with a monotone curve fitted to these very documents.\n")
    shown = [("bitext", _error_if_fitted(ours, human))]
    for name, scores in published_scores(data, rows).items():
        shown.append(
            (name, _error_if_fitted(-np.array([np.nanmean(scores[d]) for d in documents.values()]), human))
        )
    table(("metric", "mean absolute error"), shown)
    table(
        ("segments by predicted fidelity", "n", "predicted", "professionals"),
        [(f"{k + 1}. tenth", *tenth) for k, tenth in enumerate(reliability(rows, penalty))],
    )


def _error_if_fitted(scores: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    from sklearn.isotonic import IsotonicRegression

    return float(np.abs(IsotonicRegression().fit_transform(scores, wanted) - wanted).mean())


def published_scores(data: Path, rows: Sequence[Row]) -> dict[str, NDArray[np.float64]]:
    """Scores of a few published metrics, in the order of `rows`; higher is better."""
    with gzip.open(data / "wmt22_zhen_metric_scores.tsv.gz", "rt", encoding="utf-8", newline="") as stream:
        scored = {(r["sys"], int(r["seg"])): r for r in csv.DictReader(stream, delimiter="\t")}
    return {
        name: np.array(
            [float(scored[r["sys"], r["seg"]][name] or "nan") if not r["human"] else np.nan for r in rows]
        )
        for name in DOCUMENT_PEERS
    }


def reliability(rows: Sequence[Row], penalty: NDArray[np.float64]) -> list[tuple[int, float, float]]:
    """Tenths of the segments by predicted fidelity: how many, mean prediction, mean of the professionals."""
    gold = 1 - np.array([min(25.0, -r["mqm"]) / 25 for r in rows])
    order = np.argsort(penalty, kind="stable")
    return [
        (len(tenth), float(1 - penalty[tenth].mean() / 25), float(gold[tenth].mean()))
        for tenth in np.array_split(order, 10)
    ]


def draw(rows: Sequence[Row], penalty: NDArray[np.float64], file: Path) -> None:
    """Draw what professionals found over what was predicted."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "bitext"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4, 4), layout="constrained")
    tenths = np.array(reliability(rows, penalty))[:, 1:]
    axes.plot(*tenths.T, marker="o", label="tenths of the segments")
    axes.axline((0.5, 0.5), slope=1, linestyle=":", color="gray", label="as predicted")
    axes.set(xlabel="predicted fidelity", ylabel="fidelity by professionals", title="WMT22 Chinese-English")
    axes.set(xlim=(0.5, 1), ylim=(0.5, 1))
    axes.legend()
    figure.savefig(file, metadata={"Date": None})


def print_spans(model: quality.QualityEstimator, path: Path) -> None:
    """WMT21 news, documents left out of training: spans of the target, omissions of the source."""
    rows = left_out(model, path)
    print(f"## Spans, WMT21 news, {len({r['doc'] for r in rows})} documents left out of training\n")
    found, gold = error_spans(model, rows), marked_spans(rows)
    everything = [[(0, len(r["tgt"]), "major", 0.0)] for r in rows]
    table(
        ("target spans", "precision", "recall", "character F1 with severity credit"),
        [
            (name, *character_f1(spans, gold, [len(r["tgt"]) for r in rows]))
            for name, spans in (("bitext", found), ("everything is a major error", everything))
        ],
    )
    shown = []
    for least in (0.0, 0.5, 0.6, 0.7, 0.8, 0.9):
        sure = [[f for f in one if f[3] >= least] for one in found]
        hits = [
            any(f[0] < g[1] and g[0] < f[1] for g in mine)
            for one, mine in zip(sure, gold, strict=True)
            for f in one
        ]
        shown.append((f"{least:.1f}", len(hits), float(np.mean(hits)) if hits else "-"))
    print(
        f"{len(rows)} translations, one rater each; what other raters would have marked counts as wrong here.\n"
    )
    table(("confidence at least", "spans", "overlap a marked span"), shown)
    print_omissions(model, rows)


def left_out(model: quality.QualityEstimator, path: Path) -> list[Row]:
    """Machine translations of the documents that the model was not trained on."""
    documents = {tuple(d) for d in model.held_out}
    return [r for r in read(path) if (r["set"], str(r["doc"])) in documents and not r["human"]]


def error_spans(model: quality.QualityEstimator, rows: Sequence[Row]) -> list[list[tuple[Any, ...]]]:
    """Start, end, severity and confidence of what the model marks in each target."""
    judged = model.judge([r["src"] for r in rows], [r["tgt"] for r in rows])
    return [[(*f.span, f.severity, f.confidence) for f in j.errors] for j in judged]


def marked_spans(rows: Sequence[Row]) -> list[list[tuple[Any, ...]]]:
    """Start, end and severity of what a professional marked in each target."""
    return [
        [(s["b"], s["e"], "major" if s["w"] >= 5 else "minor") for s in r["spans"] if _counts(s, "tgt")]
        for r in rows
    ]


def print_omissions(model: quality.QualityEstimator, rows: Sequence[Row]) -> None:
    """Source passages: recall at a precision that an editor accepts."""
    measured = model.measure([r["src"].strip() for r in rows], [r["tgt"].strip() for r in rows])
    gold = [
        [(s["b"], s["e"]) for s in r["spans"] if _counts(s, "src") and "omission" in s["cat"]] for r in rows
    ]
    n_gold = sum(map(len, gold))
    shown = []
    for threshold in np.linspace(0.05, 0.95, 19):
        hits, reached = [], 0
        for one, mine in zip(measured, gold, strict=True):
            spans = [tuple(one.source_offsets[i].tolist()) for i in np.flatnonzero(one.omitted >= threshold)]
            spans = joined([s for s in spans if s[1] > s[0]])
            hits += [any(a < d and c < b for c, d in mine) for a, b in spans]
            reached += sum(any(a < d and c < b for a, b in spans) for c, d in mine)
        if hits:
            shown.append((f"{threshold:.2f}", len(hits), float(np.mean(hits)), reached / max(1, n_gold)))
    best = max((row[3] for row in shown if row[2] >= 0.8), default=0.0)
    trivial = float(np.mean([bool(g) for g in gold]))
    print(f"{n_gold} omissions marked on the source. Recall at 80 % precision: **{best:.3f}**.")
    print(f"Calling every source left out in part is right in {trivial:.1%} of the translations.\n")
    table(("threshold", "passages", "precision", "recall"), shown[::3])


def joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighboring spans as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _counts(span: Row, side: str) -> bool:
    return span["side"] == side and span["w"] > 0 and span["b"] is not None


def character_f1(
    found: Sequence[Sequence[tuple[Any, ...]]],
    gold: Sequence[Sequence[tuple[Any, ...]]],
    sizes: Sequence[int],
) -> tuple[float, float, float]:
    """Precision, recall and F1 over characters; the right place with the wrong severity counts half."""
    credit = n_found = n_gold = 0.0
    for one, mine, size in zip(found, gold, sizes, strict=True):
        marks = np.zeros((2, size), dtype=np.int8)  # 0 nothing, 1 minor, 2 major
        for row, spans in zip(marks, (one, mine), strict=True):
            for span in sorted(spans, key=lambda s: s[2], reverse=True):  # major over minor
                row[span[0] : span[1]] = 2 if span[2] == "major" else 1
        both = (marks > 0).all(axis=0)
        credit += float(np.where(marks[0] == marks[1], 1.0, 0.5)[both].sum())
        n_found, n_gold = n_found + float((marks[0] > 0).sum()), n_gold + float((marks[1] > 0).sum())
    precision, recall = credit / max(1.0, n_found), credit / max(1.0, n_gold)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def print_garbage(
    model: quality.QualityEstimator, rows: Sequence[Row], penalty: NDArray[np.float64], rng: random.Random
) -> None:
    """Whether worthless translations score below every real one of their source."""
    print("## Garbage\n")
    worst: dict[int, float] = defaultdict(float)
    first: dict[int, Row] = {}
    for r, p in zip(rows, penalty, strict=True):
        worst[r["seg"]] = max(worst[r["seg"]], float(p))
        first.setdefault(r["seg"], r)
    chosen = rng.sample(sorted(first), min(300, len(first)))
    made: list[tuple[str, int, str]] = []
    for seg in chosen:
        words = first[seg]["tgt"].split()
        made += [
            ("copied source", seg, first[seg]["src"]),
            ("empty", seg, ""),
            ("another segment's target", seg, first[rng.choice([s for s in chosen if s != seg])]["tgt"]),
            ("shuffled words", seg, " ".join(rng.sample(words, len(words)))),
            ("repeated phrase", seg, " ".join([*words, *(words[-4:] * 5)])),
        ]
    found = model.judge([first[seg]["src"] for _, seg, _ in made], [text for _, _, text in made])
    hits: dict[str, list[bool]] = defaultdict(list)
    for (kind, seg, text), judgement in zip(made, found, strict=True):
        if text != first[seg]["tgt"] and len(first[seg]["tgt"].split()) > 3:
            hits[kind].append(judgement.penalty > worst[seg])
    every = [hit for v in hits.values() for hit in v]
    table(
        ("worthless text", "n", "below every real translation"),
        [(kind, len(v), f"{np.mean(v):.1%}") for kind, v in hits.items()]
        + [("all", len(every), f"{np.mean(every):.1%}")],
    )


def minimal_pairs(model: quality.QualityEstimator, path: Path) -> dict[tuple[str, str], list[bool]]:
    """DEMETR: by severity and kind, whether the faulty translation has the higher penalty."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    good = model.judge([r["src"] for r in rows], [r["good"] for r in rows])
    bad = model.judge([r["src"] for r in rows], [r["bad"] for r in rows])
    hits: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for r, a, b in zip(rows, good, bad, strict=True):
        if "reference" not in r["phenomenon"]:
            hits[r["severity"], r["phenomenon"].split("_", 2)[-1]].append(b.penalty > a.penalty)
    return hits


def print_minimal_pairs(model: quality.QualityEstimator, path: Path) -> None:
    """DEMETR: how often the good translation beats the one with a single fault."""
    print("## Minimal pairs, DEMETR\n")
    hits = minimal_pairs(model, path)
    for severity in ("critical", "major", "minor", "base"):
        mine = [v for (s, _), values in hits.items() if s == severity for v in values]
        print(f"* {severity}: **{np.mean(mine):.1%}** of {len(mine)}")
    print()
    table(
        ("severity", "kind", "n", "right"),
        [(*k, len(v), f"{np.mean(v):.0%}") for k, v in sorted(hits.items())],
    )


def print_speed(model: quality.QualityEstimator, n_pairs: int, seconds: float) -> None:
    """Pairs a second, memory."""
    import torch

    print("## Speed and memory\n")
    source = (
        "这家公司去年在海外市场的销售额增长了百分之十二，其中欧洲市场的增长最快，超过了公司原来的预期目标。"
    )
    target = (
        "The company's sales in overseas markets rose by twelve percent last year, and the European market grew "
        "fastest of all, well beyond what the company had expected."
    )
    pairs = [(f"{i}号：{source}", f"No. {i}: {target}") for i in range(240)]
    start = time.perf_counter()
    measured = model.measure([s for s, _ in pairs], [t for _, t in pairs])
    rate = len(pairs) / (time.perf_counter() - start)
    sizes = [
        np.mean([len(m.source_offsets) for m in measured]),
        np.mean([len(m.target_offsets) for m in measured]),
    ]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"On {torch.get_num_threads()} core(s), {rate:.0f} pairs a second at {sizes[0]:.0f} and {sizes[1]:.0f} tokens, "
        f"different sources; WMT22's "
        f"{n_pairs} pairs, whose sources come up again, took {seconds:.0f} s ({n_pairs / seconds:.0f} a second). "
        f"Peak memory of this benchmark {memory:.0f} MB.\n"
    )


if __name__ == "__main__":
    main()
