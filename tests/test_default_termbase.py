"""Laws of the default termbase: what makes a row usable, and what would make the checker lie."""

import csv
import re
import unicodedata
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

PATH = Path(__file__).parents[1] / "corpora" / "termbase" / "zh-en.tsv"
COLUMNS = [
    *("id", "domain", "pos", "zh", "zh_variants", "en", "en_admitted", "en_deprecated", "en_known_wrong"),
    *("case", "condition", "source", "confidence", "note"),
]
MULTIPLE = ("zh_variants", "en_admitted", "en_deprecated", "en_known_wrong", "source")
HAN = re.compile(r"[\u3400-\u9fff]")


@pytest.fixture(scope="module")
def rows():
    with PATH.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def values(row, *columns):
    """Every value of the named cells."""
    return [value for column in columns for value in row[column].split("|") if row[column]]


def accepted(row):
    return values(row, "en", "en_admitted", "en_deprecated")


def sources(row):
    return values(row, "zh", "zh_variants")


def offenders(rows, is_wrong):
    """Ids of the rows that break a law, so that a failure names them."""
    return [row["id"] for row in rows if is_wrong(row)]


def test_it_is_utf8_with_bare_newlines_and_the_agreed_columns():
    """Readers in other languages split on tab and newline and on nothing else."""
    text = PATH.read_bytes().decode("utf-8")
    assert text.split("\n", 1)[0].split("\t") == COLUMNS
    assert text.endswith("\n")
    assert not re.search(r"[\r\x00-\x08\x0b\x0c\ufeff\u200b\u00a0]", text)
    assert {line.count("\t") for line in text.splitlines()} == {len(COLUMNS) - 1}


def test_it_covers_at_least_1500_concepts(rows):
    """The README and the issue promise that many."""
    assert len(rows) >= 1500


def test_ids_are_unique_and_speakable(rows):
    """Issues cite the id; two rows of one id could not be told apart."""
    ids = [row["id"] for row in rows]
    assert sorted({i for i in ids if ids.count(i) > 1}) == []
    assert [i for i in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", i)] == []


def test_rows_are_sorted_by_domain_then_id(rows):
    """A sorted file gives readable diffs and no duplicate additions."""
    keys = [(row["domain"], row["id"]) for row in rows]
    assert [b for a, b in pairwise(keys) if a >= b] == []


def test_every_concept_has_both_languages(rows):
    """A concept with one side checks nothing."""
    assert offenders(rows, lambda row: not row["zh"] or not row["en"]) == []
    assert offenders(rows, lambda row: not all(HAN.search(term) for term in sources(row))) == []
    assert offenders(rows, lambda row: any(HAN.search(term) for term in accepted(row))) == []


def test_cells_use_the_closed_vocabularies(rows):
    """The reader branches on these words; a typo would silently change what is checked."""
    assert {row["pos"] for row in rows} == {"name", "noun", "phrase"}
    assert {row["case"] for row in rows} <= {"", "sensitive"}
    assert {row["confidence"] for row in rows} <= {"1.0", "0.9", "0.8"}
    assert offenders(rows, lambda row: not row["source"]) == []
    readme = PATH.with_name("README.md").read_text(encoding="utf-8")
    listed = re.search(r"^Domains: (.+?)\.$", readme, re.MULTILINE | re.DOTALL)
    assert {row["domain"] for row in rows} == set(re.findall(r"`([a-z]+)`", listed[1]))


def test_text_is_nfc_and_free_of_stray_white_space(rows):
    """Two encodings of one letter, or a space at the end, make equal terms differ."""

    def is_untidy(row):
        cells = [cell for column in COLUMNS for cell in row[column].split("|")]
        return any(
            unicodedata.normalize("NFC", cell) != cell or " ".join(cell.split()) != cell for cell in cells
        )

    assert offenders(rows, is_untidy) == []


def test_no_cell_repeats_or_drops_a_value(rows):
    """An empty value between two bars would match everywhere."""
    for column in MULTIPLE:
        assert offenders(rows, lambda row, column=column: row[column] and "" in row[column].split("|")) == []
    assert offenders(rows, lambda row: len(set(sources(row))) != len(sources(row))) == []
    assert offenders(rows, lambda row: len(set(accepted(row))) != len(accepted(row))) == []


def test_no_rendering_is_both_accepted_and_known_wrong(rows):
    """Otherwise the right translation would be flagged, here or in a sentence that names two concepts."""
    right = {form.casefold() for row in rows for form in accepted(row)}
    clashes = [(row["id"], wrong) for row in rows for wrong in values(row, "en_known_wrong")]
    assert [clash for clash in clashes if clash[1].casefold() in right] == []


def test_known_wrong_forms_differ_by_more_than_inflection(rows):
    """Matching folds plurals and possessives, so such a form would flag the right one."""

    def folded(form):
        words = re.findall(r"[\w&+]+", form.casefold().replace("'s", ""))
        return [word[:-1] if word.endswith("s") else word for word in words]

    clashes = [
        (row["id"], wrong)
        for row in rows
        for wrong in values(row, "en_known_wrong")
        if folded(wrong) in [folded(form) for form in accepted(row)]
    ]
    assert clashes == []


def test_a_source_term_in_two_concepts_carries_a_distinguishing_condition(rows):
    """Without a condition nobody can say which of the two concepts a text means."""
    conditions = defaultdict(list)
    for row in rows:
        for term in sources(row):
            conditions[term].append(row["condition"])
    shared = {term: found for term, found in conditions.items() if len(found) > 1}
    assert {term for term, found in shared.items() if "" in found or len(set(found)) < len(found)} == set()
