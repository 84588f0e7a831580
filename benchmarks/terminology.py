"""Figures for terminology: matching with a dictionary, false alarms of the default termbase, speed.

In: a folder like `shared/data/terms`, of which ``hkma`` is read (annual reports, human and machine
translations, a dictionary per document).  Out, as lines of JSON:

* ``dictionary``: per translation, how well missing renderings are told from those that are there, with the
  document's own dictionary as a house termbase.  What is right is decided here by brute force and without
  `bitext`: a rendering counts as there if its words stand in the paragraph in any regular inflection.  British and
  American spelling count as different words here and not for `bitext`; what it therefore does not report is counted.
* ``default``: findings per document with the default termbase, by kind, on translations by people; and, if the
  folder ``quality`` stands next to DATA_DIR, per 1,000 segments of the references of WMT test sets.
* ``planted names``: in each segment of these references with a name of the termbase, or with one spelled in
  pinyin, one is replaced by another of its kind, or one syllable of it by another; how many are then reported.
* ``without termbase``: wrong terms found by `compare_terms`, all systems given and each one alone.  A term of
  the dictionary is wrong in a paragraph if none of its renderings stands there; it is found if a doubtful term
  covers it and little else.  Precision is over the terms that could be judged, recall over all wrong ones.
* ``speed``: seconds for a text of 100,000 Chinese characters and its translation against 50,000 concepts, all
  invented, and for building the index.

    python benchmarks/terminology.py DATA_DIR
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from bitext._doubts import Doubt, doubts
from bitext._renderings import Occurrence, Passages, term_counts
from bitext._wordalign import Token
from bitext.terminology import Concept, Term, Termbase, check_terms

Document = tuple[list[str], list[str], dict[str, list[str]]]


def documents(folder: Path, name: str, year: str = "*") -> Iterator[Document]:
    """Yield paragraphs of source and target, and the dictionary; `name` is a system or ``ref``."""
    for path in sorted((folder / "ref").glob(f"full_data_{year}.jsonl")):
        year = path.stem.rsplit("_", 1)[1]
        target_path = path if name == "ref" else folder / "mt" / f"{name}.{year}.jsonl"
        if not target_path.exists():
            continue
        terms = read_jsonl(folder / "ref" / f"filtered_terms_{year}.jsonl")
        for record, entry in zip(read_jsonl(target_path), terms, strict=True):
            source, target = record["zh"].split("\n\n"), record["en"].split("\n\n")
            if len(source) == len(target):  # some systems merge paragraphs; those documents are left out
                kept = {zh: [e for e in en if e.strip()] for zh, en in entry["terms"].items()}
                yield source, target, {zh: en for zh, en in kept.items() if en}


def read_jsonl(path: Path) -> list[dict]:
    """Read one JSON object a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def house(dictionary: dict[str, list[str]]) -> Termbase:
    """Make a dictionary a termbase of house rules."""
    return Termbase(
        Concept(zh, (Term(zh, "zh"),), tuple(Term(e, "en") for e in dict.fromkeys(en)), required=True)
        for zh, en in dictionary.items()
    )


def score_dictionary(folder: Path, name: str) -> dict[str, object]:
    """Compare what is flagged as missing with what brute force does not find."""
    counts: Counter[str] = Counter()
    spelled = 0
    for source, target, dictionary in documents(folder, name):
        flagged: set[tuple[int, str]] = set()
        for n, finding in check_terms(list(zip(source, target, strict=True)), house(dictionary)):
            if finding.kind == "missing" and finding.concept:
                flagged.add((n, finding.concept.id))
        for n, (zh, en) in enumerate(zip(source, target, strict=True)):
            for term in naive_matches(zh, dictionary) if en.strip() else ():
                is_wrong = not any(stands_in(rendering, en) for rendering in dictionary[term])
                counts[{True: "t", False: "f"}[is_wrong] + ("+" if (n, term) in flagged else "-")] += 1
                if is_wrong and (n, term) not in flagged:
                    spelled += any(stands_in(respelled(r), respelled(en)) for r in dictionary[term])
    found, false, missed = counts["t+"], counts["f+"], counts["t-"]
    return {
        "translation": name,
        "terms": sum(counts.values()),
        "missing": found + missed,
        "precision": round(found / max(1, found + false), 4),
        "recall": round(found / max(1, found + missed), 4),
        "right renderings flagged": false,
        "missed, but for spelling": spelled,
    }


def naive_matches(text: str, dictionary: dict[str, list[str]]) -> set[str]:
    """Longest terms first, each character once, by plain search."""
    found, taken = set(), bytearray(len(text))
    for term in sorted(dictionary, key=len, reverse=True):
        for match in re.finditer(re.escape(term), text):
            if not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = b"\1" * len(term)
                found.add(term)
    return found


def stands_in(rendering: str, text: str) -> bool:
    """Whether `rendering` is in `text`, in any regular inflection."""
    return bool(pattern(rendering).search(text.lower().replace("’", "'")))


def respelled(text: str) -> str:
    """Bring British and American spelling, hyphens and the dots of U.S. to one form."""
    text = re.sub(r"\b([A-Z])\.([A-Z])\.", r"\1\2", text).replace("-", "").lower()
    text = re.sub(r"is(?=e|ing|ation)", "iz", text)
    text = re.sub(r"our\b|our(?=s\b|ed|ing)", "or", text)
    text = re.sub(r"tre(?=s?\b)", "ter", text)
    return re.sub(r"enc(?=e)", "ens", text).replace("programme", "program")


@lru_cache(maxsize=100_000)
def pattern(rendering: str) -> re.Pattern[str]:
    """Return the words of `rendering` with anything but letters between them."""
    words = re.findall(r"[^\W_]+", rendering.lower())
    return re.compile(r"\b" + r"[\W_]*".join(f"(?:{'|'.join(sorted(forms(w)))})" for w in words) + r"\b")


def forms(word: str) -> set[str]:
    """Regular inflections of an English word, in both directions."""
    found = {word, *(word + ending for ending in ("s", "es", "'s", "ed", "d", "ing"))}
    if word.endswith("y"):
        found |= {word[:-1] + "ies", word[:-1] + "ied"}
    if word.endswith("e"):
        found.add(word[:-1] + "ing")
    if word.endswith("ies"):
        found.add(word[:-3] + "y")
    elif word.endswith("es"):
        found.add(word[:-2])
    if word.endswith("s") and not word.endswith("ss"):
        found.add(word[:-1])
    return found


Judged = tuple[str, bool, Doubt]
"""A term of the dictionary in a paragraph, as an identifier; whether it is wrong; what `bitext` says of it."""


def judge(
    dictionary: dict[str, list[str]], source: list[str], targets: list[list[str]], label: str
) -> tuple[list[Judged], int]:
    """Match what `bitext` takes for terms with the dictionary; count all its wrong terms too."""
    passages = Passages([list(zip(source, target, strict=True)) for target in targets])
    places = [locate(dictionary, source, target) for target in targets]
    near = {
        key for side, found in zip(passages.source, places, strict=True) for key in runs_over(side, found)
    }
    terms = [key for key in term_counts(passages.source[0], 1) if key in near]  # others could not be judged
    judged = []
    for j, doubted in enumerate(doubts(passages, terms)):
        for doubt in doubted:
            at = doubt.occurrence
            found = max(places[j].get(at.bead, ()), key=lambda place: overlap(place, at), default=None)
            if found and overlap(found, at) >= 0.6:
                judged.append((f"{label}/{j}/{at.bead}/{found[2]}", found[3], doubt))
    wrong = {(j, n, p[2]) for j, beads in enumerate(places) for n, ps in beads.items() for p in ps if p[3]}
    return judged, len(wrong)


def runs_over(
    beads: list[list[Token]], places: dict[int, list[tuple[int, int, str, bool]]]
) -> Iterator[tuple[str, ...]]:
    """Yield the runs of words that cover a place and little else."""
    for n, found in places.items():
        words = beads[n]
        for start, end, *_ in found:
            inside = [i for i, w in enumerate(words) if w.start < end and start < w.end]
            for i in range(max(0, inside[0] - 3), inside[-1] + 1) if inside else ():
                for j in range(i, min(len(words), inside[-1] + 4)):
                    a, b = words[i].start, words[j].end
                    if max(0, min(b, end) - max(a, start)) >= 0.6 * (max(b, end) - min(a, start)):
                        yield tuple(w.key for w in words[i : j + 1])


def overlap(place: tuple[int, int, str, bool], occurrence: Occurrence) -> float:
    """Return what two spans have in common over what they cover."""
    (a, b), (c, d) = place[:2], occurrence.source_span
    return max(0, min(b, d) - max(a, c)) / (max(b, d) - min(a, c))


def locate(
    dictionary: dict[str, list[str]], source: list[str], target: list[str]
) -> dict[int, list[tuple[int, int, str, bool]]]:
    """Per paragraph: start, end, term, and whether no rendering of it stands in the target."""
    found: dict[int, list[tuple[int, int, str, bool]]] = {}
    for n, (zh, en) in enumerate(zip(source, target, strict=True)):
        taken = bytearray(len(zh))
        for term in sorted(dictionary, key=len, reverse=True) if en.strip() else ():
            for match in re.finditer(re.escape(term), zh):
                if not any(taken[match.start() : match.end()]):
                    taken[match.start() : match.end()] = b"\1" * len(term)
                    is_wrong = not any(stands_in(rendering, en) for rendering in dictionary[term])
                    found.setdefault(n, []).append((*match.span(), term, is_wrong))
    return found


def judge_all(folder: Path, names: list[str], *, several: bool, year: str = "*") -> tuple[list[Judged], int]:
    """Judge the terms of all documents, the systems together or each alone."""
    judged: list[Judged] = []
    n_wrong = 0
    by_source: dict[str, tuple[list[str], dict[str, list[str]], list[list[str]]]] = {}
    for name in names:
        for source, target, dictionary in documents(folder, name, year):
            key = "\n\n".join(source).strip()  # some systems end the source with a line break, some do not
            by_source.setdefault(key, (source, dictionary, []))[2].append(target)
    for n, (source, dictionary, targets) in enumerate(by_source.values()):
        for i, group in enumerate([targets] if several else [[target] for target in targets]):
            more, wrong = judge(dictionary, source, group, f"{n}/{i}")
            judged += more
            n_wrong += wrong
    return judged, n_wrong


def precision_at(judged: list[Judged], n_wrong: int, recall: float) -> float | None:
    """Return the precision where `recall` is reached; a term of a paragraph counts once, at its surest."""
    surest: dict[str, tuple[float, bool]] = {}
    for identifier, is_wrong, doubt in judged:
        before = surest.get(identifier, (0.0, is_wrong))
        surest[identifier] = max(before, (doubt.probability, is_wrong))
    found = 0
    for n, (_, is_wrong) in enumerate(sorted(surest.values(), reverse=True), 1):
        found += is_wrong
        if found >= recall * n_wrong:
            return round(found / n, 3)
    return None


def score_doubts(folder: Path, systems: list[str]) -> dict[str, object]:
    """Measure what is found without a termbase."""
    figures: dict[str, object] = {}
    for label, several in (("several translations", True), ("one translation", False)):
        judged, n_wrong = judge_all(folder, systems, several=several)
        figures[label] = {
            f"precision at recall {r}": precision_at(judged, n_wrong, r) for r in (0.2, 0.35, 0.5)
        }
    return figures


def count_alarms(folder: Path) -> dict[str, object]:
    """Count the findings of the default termbase on translations by people."""
    base, kinds, n_documents = Termbase.default(), Counter[str](), 0
    for source, target, _ in documents(folder, "ref"):
        n_documents += 1
        kinds.update(f.kind for _, f in check_terms(list(zip(source, target, strict=True)), base))
    return {
        "termbase": repr(base),
        "documents": n_documents,
        "findings per document": round(kinds.total() / max(1, n_documents), 3),
        **kinds,
    }


def references(path: Path) -> list[list[tuple[str, str]]]:
    """Return the documents of a WMT test set with each of their human translations, as beads."""
    beads: dict[tuple[str, str], dict[int, tuple[str, str]]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            for key in ("ref", "refB"):
                if row.get(key):
                    beads.setdefault((row["doc"], key), {})[row["dpos"]] = (row["src"], row[key])
    return [[document[n] for n in sorted(document)] for document in beads.values()]


def count_alarms_on_references(folder: Path) -> dict[str, object]:
    """Count the findings of the default termbase on the human references of WMT test sets."""
    base, figures = Termbase.default(), {}
    for path in sorted(folder.glob("wmt*_zhen_mqm.jsonl.gz")):
        kinds: Counter[str] = Counter()
        documents = references(path)
        for document in documents:
            kinds.update(f.kind for _, f in check_terms(document, base))
        segments = sum(map(len, documents))
        per_1000 = round(1000 * kinds.total() / max(1, segments), 2)
        figures[path.name.split("_")[0]] = {"segments": segments, "findings per 1,000": per_1000, **kinds}
    return figures


def score_planted_names(folder: Path) -> dict[str, object]:
    """Count the replaced and the misspelled names that are reported, in the references of WMT test sets."""
    base, figures = Termbase.default(), {}
    for path in sorted(folder.glob("wmt*_zhen_mqm.jsonl.gz")):
        rng, planted, found = random.Random(0), Counter[str](), Counter[str]()
        for document in references(path):
            for n, (source, target) in enumerate(document):
                spoilt = {
                    "replaced": replaced_name(source, target, base, rng),
                    "misspelled": misspelled_name(source, target, rng),
                }
                for kind, spoiled in spoilt.items():
                    if spoiled:
                        beads = [*document[max(0, n - 2) : n], (source, spoiled[0]), *document[n + 1 : n + 3]]
                        planted[kind] += 1
                        findings = (f.source_span for i, f in check_terms(beads, base) if i == min(n, 2))
                        found[kind] += any(spoiled[1] in source[slice(*span)] for span in findings if span)
        figures[path.name.split("_")[0]] = {k: f"{found[k]} of {planted[k]}" for k in planted}
    return figures


def replaced_name(source: str, target: str, base: Termbase, rng: random.Random) -> tuple[str, str] | None:
    """Replace a name of the termbase, wherever it stands in `target`, by another of its domain."""
    in_source = {m.concept.id: m for m in base.matches(source, "zh")}
    renderings = [
        m
        for m in base.matches(target, "en")
        if m.concept.id in in_source
        and m.concept.pos == "name"
        and m.term.status in ("preferred", "admitted")
    ]
    if not renderings:
        return None
    concept = rng.choice(renderings).concept
    others = [c for c in base if c.pos == "name" and c.domain == concept.domain and c.id not in in_source]
    other = rng.choice(others).preferred("en")
    if other is None:
        return None
    for start, end in sorted({m.span for m in renderings if m.concept.id == concept.id}, reverse=True):
        target = target[:start] + other.text + target[end:]
    return target, source[slice(*in_source[concept.id].span)]


def misspelled_name(source: str, target: str, rng: random.Random) -> tuple[str, str] | None:
    """Replace one syllable of a name of three syllables, as jieba and pypinyin see it, wherever it stands."""
    import jieba.posseg
    from pypinyin import lazy_pinyin

    places, start = [], 0
    for word in jieba.posseg.cut(source):
        if word.flag == "nr" and len(word.word) == 3:
            places.append((start, start + 3))
        start += len(word.word)
    for span in places:
        sounds = lazy_pinyin(source[slice(*span)])
        surname, given = sounds[0].capitalize(), (sounds[1] + sounds[2]).capitalize()
        if f"{surname} {given}" in target:
            wrong = rng.choice([s for s in ("xin", "hao", "mei", "long", "qing", "bo") if s not in sounds])
            spoiled = (wrong + sounds[2] if rng.random() < 0.5 else sounds[1] + wrong).capitalize()
            return target.replace(f"{surname} {given}", f"{surname} {spoiled}"), source[slice(*span)]
    return None


def measure_speed(n_concepts: int = 50_000, n_characters: int = 100_000) -> dict[str, object]:
    """Time matching on an invented termbase and text."""
    rng = random.Random(1)
    han = [chr(code) for code in range(0x4E00, 0x6200)]
    syllables = [a + b for a in [*"bcdfghlmnprst", "tr", "st"] for b in [*"aeiou", "ai", "ea", "an"]]
    chinese = ["".join(rng.choices(han, k=rng.choice([2, 2, 3, 4]))) for _ in range(20_000)]
    english = ["".join(rng.choices(syllables, k=rng.choice([2, 3, 4]))) for _ in range(20_000)]
    concepts = [
        Concept(
            str(i),
            (Term("".join(rng.choices(chinese, k=rng.choice([1, 2]))), "zh"),),
            (Term(" ".join(rng.choices(english, k=rng.choice([1, 2, 3]))), "en"),),
        )
        for i in range(n_concepts)
    ]
    zh, en = [], []
    while sum(map(len, zh)) < n_characters:
        concept = rng.choice(concepts) if rng.random() < 0.2 else None
        zh.append(concept.source_terms[0].text if concept else rng.choice(chinese))
        en.append(concept.target_terms[0].text if concept else rng.choice(english))
    base, source, target = Termbase(concepts), "，".join(zh), " ".join(en)
    seconds = {}
    for label, text, lang in (("build and match zh", source, "zh"), ("build and match en", target, "en")):
        for name in (label, label.removeprefix("build and ")):
            start = time.process_time()
            base.matches(text, lang)
            seconds[name] = round(time.process_time() - start, 3)
    return {"concepts": n_concepts, "characters": len(source), "CPU seconds": seconds}


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data_dir", type=Path)
    folder = parser.parse_args().data_dir / "hkma"
    systems = sorted({path.stem.rsplit(".", 1)[0] for path in (folder / "mt").glob("*.jsonl")})
    for name in ("ref", *systems):
        print(json.dumps({"dictionary": score_dictionary(folder, name)}))
    print(json.dumps({"default": count_alarms(folder)}))
    print(
        json.dumps({"default, WMT references": count_alarms_on_references(folder.parent.parent / "quality")})
    )
    print(json.dumps({"planted names": score_planted_names(folder.parent.parent / "quality")}))
    print(json.dumps({"without termbase": score_doubts(folder, systems)}))
    print(json.dumps({"speed": measure_speed()}))


if __name__ == "__main__":
    main()
