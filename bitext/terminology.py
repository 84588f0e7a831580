"""Terms and names: a termbase and the texts of aligned beads in, findings with spans and suggestions out.

`Termbase` reads and writes the usual formats and finds its terms in running text.  `check_terms` looks at all
beads of a document at once: a term whose accepted rendering stands in the target is fine; otherwise it says
what stands there instead, from several kinds of evidence, and keeps silent on a weak signal.  `compare_terms`
sets several translations against each other, and `extract_terms` lists the terms of a document with their
renderings, for a new termbase.

Termbase rows may carry a condition on the Chinese context, honored by the matcher:
``only-if-followed-by:X,Y``, ``only-if-preceded-by:X``, ``not-if-followed-by:X``, ``not-if-preceded-by:X``,
joined by semicolons.  Any other text in that column is a note for people.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from bitext import _names
from bitext._concepts import Concept, TermFinding
from bitext._locate import Located, Similarity, Sought, locate
from bitext._newnames import NewName, new_names
from bitext._othernames import other_name
from bitext._spelled import MisspelledName, misspelled_names
from bitext._termbase import Termbase, TermMatch
from bitext._termcompare import TermCandidate, compare_terms, extract_terms, termbase_of
from bitext._termdocument import ACCEPTED, LATIN_RUN, TermDocument, TermView, is_ambiguous, is_inside
from bitext._termmatch import fold, is_inflected, segment, term_key
from bitext.data import Span, Term

__all__ = [
    "Concept",
    "Term",
    "TermCandidate",
    "TermFinding",
    "TermMatch",
    "Termbase",
    "check_terms",
    "compare_terms",
    "extract_terms",
    "termbase_of",
]


_SHOWN = 0.4
"""From this confidence a missing house term points at what stands there instead."""
_VARIANTS = 5
"""A term with more accepted renderings is a matter of style; using two of them is no inconsistency."""
_REPORTED = 0.6
"""From this confidence a name that is not in the termbase's form is reported; no single clue reaches it."""


def check_terms(
    beads: Sequence[tuple[str, str]],
    termbase: Termbase,
    *,
    source_lang: str = "zh",
    target_lang: str = "en",
    strict: bool | None = None,
    similarity: Similarity | None = None,
) -> list[tuple[int, TermFinding]]:
    """Check how the terms of a document are rendered.

    Parameters
    ----------
    beads : sequence of (source text, target text)
        The whole document, in order; either text may be empty.
    termbase : Termbase
    source_lang, target_lang : str
        One Chinese, one English, by their primary subtags.
    strict : bool, optional
        Whether a rendering that is missing is always an error.  By default only for concepts that are
        `Concept.required`, as those read from a file are; for the others only what is confidently wrong is
        reported.
    similarity : callable, optional
        Cosine similarity of two lists of strings, shape (n, m), for example from the bilingual encoder.

    Returns
    -------
    list of (int, TermFinding)
        Index into `beads` and finding, in text order.
    """
    document = TermDocument.of(beads, termbase, (source_lang, target_lang), strict, similarity)
    missing = list(_missing_renderings(document))
    replaced = {(n, f.target_span) for n, f in missing}
    findings = [
        *_wrong_renderings(document),
        *missing,
        *((n, f) for n, f in _misspelled_names(document) if (n, f.target_span) not in replaced),
        *_unlisted_names(document),
        *_inconsistent_renderings(document),
        *_missing_latin(document),
        *_unfounded_entities(document),
    ]
    return sorted(findings, key=lambda f: (f[0], f[1].source_span or (-1, -1), f[1].target_span or (-1, -1)))


# -------------------------------------------------------------------------------- renderings listed as wrong


def _wrong_renderings(document: TermDocument) -> Iterator[tuple[int, TermFinding]]:
    """Find renderings the termbase says are wrong, where their concept is in the source nearby."""
    for n, view in enumerate(document.views):
        near = view.concepts.union(*(v.concepts for v in document.neighbors(n)))
        right = [r.span for r in view.of(near, *ACCEPTED)]
        wrong = [
            r
            for r in view.of(near, "known-wrong", "deprecated")
            if not any(is_inside(r.span, span) for span in right)
        ]
        for r in wrong:
            if _is_common_word(view, r):
                continue
            if not any(is_inside(r.span, other.span) and r.span != other.span for other in wrong):
                yield n, _wrong_finding(document, view, r)


def _is_common_word(view: TermView, rendering: TermMatch) -> bool:
    """Whether a name that also is an ordinary word is put as the word: a shadowless lamp is not the cloud desktop."""
    concept = rendering.concept
    return concept.pos == "name" and is_ambiguous(concept) and view.target[slice(*rendering.span)].islower()


def _wrong_finding(document: TermDocument, view: TermView, rendering: TermMatch) -> TermFinding:
    concept, is_wrong = rendering.concept, rendering.term.status == "known-wrong"
    spans = [span for span, concepts in view.occurrences.items() if concept in concepts]
    span = spans[0] if spans else None
    right = concept.preferred(document.target_lang)
    there = view.target[slice(*rendering.span)]
    prefers = (
        f'; {"the name is" if concept.pos == "name" else "the termbase has"} "{right.text}"' if right else ""
    )
    return TermFinding(
        kind="known-wrong" if is_wrong else "deprecated",
        concept=concept,
        source_span=span,
        target_span=rendering.span,
        severity="major" if is_wrong else "minor",
        confidence=round(min(0.97, concept.confidence) * (1.0 if spans else 0.8), 2),
        message=f'{document.source_term(concept, view, span)} is "{there}"{prefers}',
        suggestion=right.text if right else None,
        evidence=(f'"{rendering.term.text}" is listed as {rendering.term.status}',),
    )


# -------------------------------------------------------------------------------- renderings that are missing


def _missing_renderings(document: TermDocument) -> Iterator[tuple[int, TermFinding]]:
    """Find terms none of whose renderings stands in the target, and what stands there instead."""
    for n, view in enumerate(document.views):
        claimed: list[Span] = []
        for span, concepts, borrowed in _unrendered(document, n):
            concept = concepts[0]
            required = document.is_required(concept) and not borrowed
            other = None if borrowed else other_name(document, n, span, concepts)
            slipped = not other and _has_slipped(document, n, concepts)
            if not required and (slipped or not _is_expected(document, concept)):
                continue
            located = other or _locate(document, n, span, concept)
            if not required and (_in_title(view.source, span) or _is_reworded(view, concept, located)):
                continue
            if located and any(is_inside(located.span, c) or is_inside(c, located.span) for c in claimed):
                located = None
            if required and document.target_lang.startswith("en") and _is_inflected(view, concept):
                continue
            if required or (located and (located is other or _is_convincing(concept, located))):
                claimed += [located.span] if located else []
                yield n, _missing_finding(document, view, span, concept, located)


def _is_expected(document: TermDocument, concept: Concept) -> bool:
    """Whether a term has to be rendered: a name always, a noun that has been rendered as expected before."""
    return concept.pos == "name" or document.usual[concept.id] >= 2


def _is_convincing(concept: Concept, located: Located) -> bool:
    """Whether what was located is surely meant as the term: nouns, and names of places, are paraphrased freely."""
    word_for_word = located.literal.words == 1.0 and len(located.literal.pairs) >= 2
    strict = concept.pos == "name" and concept.domain != "place"
    return located.confidence >= _REPORTED and (strict or word_for_word)


def _in_title(source: str, span: Span) -> bool:
    """Whether a term is a part of the title of a work, which may be rendered in any way."""
    opened = source.rfind("《", 0, span[0])
    return (
        opened >= 0 and "》" not in source[opened : span[0]] and "》" in source[span[1] : span[1] + 40]
    ) and source[opened + 1 : source.find("》", opened)] != source[slice(*span)]


def _is_reworded(view: TermView, concept: Concept, located: Located | None) -> bool:
    """Whether what was located has all words of a right rendering in other forms: the minister of a ministry."""
    if located is None:
        return False
    there = {word[:5] for word in _names.words(view.target[slice(*located.span)])}
    right = ([word[:5] for word in _names.words(t.text)] for t in concept.terms("en") if t.status in ACCEPTED)
    return any(len(words) > 1 and there.issuperset(words) for words in right)


def _unrendered(document: TermDocument, n: int) -> Iterator[tuple[Span, tuple[Concept, ...], bool]]:
    """Yield the source terms of bead `n` with nothing of theirs in the target, each once.

    The third value says that there is a rendering, but inside a Latin string that the source has as well:
    Qwen in Qwen2 need not be there for 通义千问.
    """
    view = document.views[n]
    seen: set[frozenset[str]] = set()
    if not view.target.strip():
        return
    latin = view.latin()
    for span, concepts in view.occurrences.items():
        ids = frozenset(c.id for c in concepts)
        there = view.of(ids, *ACCEPTED, "deprecated", "known-wrong")
        if ids not in seen and all(any(is_inside(r.span, s) and r.span != s for s in latin) for r in there):
            yield span, concepts, bool(there)
        seen.add(ids)


def _has_slipped(document: TermDocument, n: int, concepts: Iterable[Concept]) -> bool:
    """Whether the rendering is in the next bead: they may be cut a segment too early or too late."""
    ids = {c.id for c in concepts}
    return any(v.of(ids, *ACCEPTED) and not ids & v.concepts for v in document.neighbors(n))


def _is_inflected(view: TermView, concept: Concept) -> bool:
    """Whether a rendering stands in the target as a verb form: stress-tested for stress test."""
    accepted = (t for t in concept.terms("en") if t.status in ACCEPTED and not t.case_sensitive)
    return any(is_inflected(t.text, view.target) for t in accepted if not t.text.isupper())


def _missing_finding(
    document: TermDocument, view: TermView, span: Span, concept: Concept, located: Located | None
) -> TermFinding:
    right = concept.preferred(document.target_lang)
    wanted = f'"{right.text}"' if right else "as in the termbase"
    term = view.source[slice(*span)]
    required = document.is_required(concept)
    is_name = concept.pos == "name"
    if located and located.confidence >= _REPORTED:
        message = f'{term} is "{view.target[slice(*located.span)]}"; expected {wanted}'
    else:
        message = f"{term} is not rendered as {wanted}"
    return TermFinding(
        kind="missing" if required else "name" if is_name else "inconsistent",
        concept=concept,
        source_span=span,
        target_span=located.span if located and located.confidence >= _SHOWN else None,
        severity="major" if required or is_name else "minor",
        confidence=round(0.9 * concept.confidence if required else located.confidence if located else 0.0, 2),
        message=message,
        suggestion=right.text if right else None,
        evidence=(*(located.evidence if located else ()), "no accepted rendering in the passage"),
    )


def _locate(document: TermDocument, n: int, span: Span, concept: Concept) -> Located | None:
    """Find what stands for `concept` in the target of bead `n`."""
    if not document.target_lang.lower().startswith("en"):
        return None
    view = document.views[n]
    right = (term.text for term in concept.terms("en") if term.status in ACCEPTED)
    sought = Sought(
        view.source,
        view.target,
        span,
        frozenset(i for i, v in enumerate(document.views) if concept.id in v.concepts),
        frozenset(word for text in right for word in _names.words(text)),
    )
    # the Huawei of Huawei Ascend explains nothing of what stands for the whole
    whole = view.source[slice(*span)]
    names = [
        r.span
        for r in view.renderings
        if r.concept.pos == "name"
        and r.term.status in ACCEPTED
        and not r.term.text.islower()  # the word that an ambiguous name also is
        and not any(term.text in whole for term in r.concept.terms("zh"))
    ]
    explained = [*view.explained(), *names]
    best = locate(sought, explained, document.targets, similarity=document.similarity)
    return best if best and best.confidence >= _REPORTED else _partial(view, concept) or best


def _partial(view: TermView, concept: Concept) -> Located | None:
    """Find the stretch of the target that shares its last word, and the most, with an accepted rendering."""
    found: list[tuple[int, int, Span]] = []
    for term in concept.terms("en"):
        right = [term_key(word, "en") for word in _names.words(term.text)]
        if term.status not in ACCEPTED or len(right) < 2:
            continue
        for window in _names.windows(view.target, len(right)):
            there = [term_key(word, "en") for word in _names.words(view.target[slice(*window)])]
            # its first word is the right one, or stands in its place
            if there and there[-1] == right[-1] and (there[0] == right[0] or right[0] not in there):
                found.append((len(set(right).intersection(there)), len(there), window))
    if not found:
        return None
    *_, span = max(found)
    evidence = f'"{view.target[slice(*span)]}" shares words with the accepted rendering'
    return Located(span, 0.4, (evidence,), _names.literal("", ""))


# -------------------------------------------------------------------------------- names spelled wrongly


def _misspelled_names(document: TermDocument) -> Iterator[tuple[int, TermFinding]]:
    """Find Chinese names spelled as no name of the source sounds."""
    if document.source_lang.lower().startswith("zh") and document.target_lang.lower().startswith("en"):
        for n, view in enumerate(document.views):
            unheard = document.unheard(n)
            known = _rendered_elsewhere(view, unheard) if unheard else []
            for found in misspelled_names(view.source, view.target, unheard, known):
                yield n, _misspelled_finding(view, found)


def _rendered_elsewhere(view: TermView, unheard: Sequence[Span]) -> list[Span]:
    """Return the terms of the source whose rendering has no part in an `unheard` name, as "President Xi" may have."""
    return [
        span
        for span, concepts in view.occurrences.items()
        if any(
            not any(r.span[0] < name[1] and name[0] < r.span[1] for name in unheard)
            for r in view.of((c.id for c in concepts), *ACCEPTED)
        )
    ]


def _misspelled_finding(view: TermView, found: MisspelledName) -> TermFinding:
    name, there = view.source[slice(*found.source_span)], view.target[slice(*found.target_span)]
    return TermFinding(
        kind="name",
        concept=None,
        source_span=found.source_span,
        target_span=found.target_span,
        severity="major",
        confidence=found.confidence,
        message=f'{name} is "{there}"; its sound is "{found.suggestion}"',
        suggestion=found.suggestion,
        evidence=(f'nothing in the source sounds like "{there}"',),
    )


# -------------------------------------------------------------------------------- names in no termbase


def _unlisted_names(document: TermDocument) -> Iterator[tuple[int, TermFinding]]:
    """Find names that are in no termbase and are rendered word for word, not by their sound."""
    if not document.source_lang.lower().startswith("zh"):
        return
    views = document.views
    for new in new_names([v.source for v in views], [list(v.occurrences) for v in views]):
        beads = frozenset(n for n, _ in new.places)
        first = {n: span for n, span in reversed(new.places) if views[n].target.strip()}
        sought = {n: Sought(views[n].source, views[n].target, span, beads) for n, span in first.items()}
        located = {
            n: there
            for n, name in sought.items()
            if (there := locate(name, views[n].explained(), document.targets, similarity=document.similarity))
        }
        if not located:
            continue
        spelled = {n: where for n in sorted(beads) if (where := _names.romanized(new.name, views[n].target))}
        if not spelled and not (new.opaque and _is_named_thing(document, new)):
            continue
        for n in located.keys() - spelled.keys():
            if finding := _unlisted_finding(document, sought[n], located[n], spelled, quoted=new.opaque):
                yield n, finding


def _unlisted_finding(
    document: TermDocument, sought: Sought, located: Located, spelled: dict[int, Span], *, quoted: bool
) -> TermFinding | None:
    """Judge a word-for-word rendering: wrong if the name is spelled out elsewhere, or is no common words."""
    confidence = located.confidence
    if spelled:
        n, where = next(iter(spelled.items()))
        suggestion = document.views[n].target[slice(*where)]
        confidence, reason = min(0.95, confidence + 0.2), f'"{suggestion}" in {len(spelled)} other passages'
    else:
        phrase = sought.target[slice(*located.span)]
        named = all(_names.is_always_capitalized(phrase, view.target) for view in document.views)
        if located.literal.words < 1.0 or not named or _is_descriptive(sought.name, quoted):
            return None
        suggestion = _names.spelling(sought.name)
        confidence, reason = min(0.8, confidence), "in no termbase, and made of no common words"
    if confidence < _REPORTED:
        return None
    there = sought.target[slice(*located.span)]
    return TermFinding(
        kind="inconsistent" if spelled else "name",
        concept=None,
        source_span=sought.span,
        target_span=located.span,
        severity="minor" if spelled else "major",
        confidence=round(confidence, 2),
        message=f'{sought.name} is "{there}", word for word; its sound is "{suggestion}"',
        suggestion=suggestion,
        evidence=(*located.evidence, reason),
    )


def _is_descriptive(name: str, quoted: bool) -> bool:
    """Whether a name is made of words, as 手艺基金, craft fund: it is translated, not spelled.

    One character that is no word may be a slip of segmentation, but not in what the source sets off as a name.
    """
    words = segment(fold(name))
    singles = sum(len(word) == 1 for word in words)
    return singles < len(words) and singles <= (0 if quoted else 1)


_NUMERALS = frozenset("零一二两三四五六七八九十百千万亿双半")
_KIND_AFTER = re.compile(
    "[”」』》]?(?:大?模型|平台|社区|大会|系统|应用|app|集团|公司|科技|品牌|实验室|框架|引擎|芯片|云|浏览器|助手"
    "|机器人|汽车|手机)",
    re.IGNORECASE,
)
_MAKER_BEFORE = re.compile(
    "(?:旗下|推出|发布|上线|名为|叫做?|更名为|品牌|开源)(?:了|的)?[“「『《]?$|[A-Za-z][“「『《]?$"
    "|(?:模型|平台|社区|大会|系统|应用|公司|实验室|框架|引擎|芯片|浏览器|助手|机器人)[，,：:—]{0,2}[“「『]?$"
)


def _is_named_thing(document: TermDocument, new: NewName) -> bool:
    """Whether the source speaks of a new name as of a product or a firm somewhere, and in more than one bead.

    A title, a nickname or a slogan is made of the same rare characters, and is rightly put word for word.
    """
    if sum(c in _NUMERALS for c in new.name) > len(new.name) / 2 or len({n for n, _ in new.places}) < 2:
        return False
    for n, (start, end) in new.places:
        source = fold(document.views[n].source)
        made = any(
            span[1] in (start, start - 1)
            and any(c.domain in ("business", "technology", "internet") for c in found)
            for span, found in document.views[n].occurrences.items()
        )
        if made or _KIND_AFTER.match(source, end) or _MAKER_BEFORE.search(source[max(0, start - 6) : start]):
            return True
    return False


# -------------------------------------------------------------------------------- consistency


def _inconsistent_renderings(document: TermDocument) -> Iterator[tuple[int, TermFinding]]:
    """Find terms rendered in two accepted ways, where it is clear which word renders which."""
    seen: dict[str, list[tuple[int, Span, TermMatch]]] = defaultdict(list)
    for n, view in enumerate(document.views):
        for span, concepts in view.occurrences.items():
            ids = {c.id for c in concepts}
            there = [r for r in view.of(ids, *ACCEPTED) if not _belongs_elsewhere(view, r, ids)]
            outer = [
                r for r in there if not any(is_inside(r.span, o.span) and r.span != o.span for o in there)
            ]
            alone = sum(bool(ids & {c.id for c in other}) for other in view.occurrences.values()) == 1
            if alone and len({term_key(r.term.text, document.target_lang) for r in outer}) == 1:
                seen[outer[0].concept.id].append((n, span, outer[0]))
    for places in seen.values():
        yield from _inconsistencies(document, places)


def _belongs_elsewhere(view: TermView, rendering: TermMatch, ids: set[str]) -> bool:
    """Whether a rendering is, or is a part of, the rendering of another term: the chip of Taiwan Semiconductor."""
    return any(
        is_inside(rendering.span, other.span)
        and other.concept.id not in ids
        and (other.concept.id in view.concepts or other.span != rendering.span)
        for other in view.renderings
    )


def _inconsistencies(
    document: TermDocument, places: list[tuple[int, Span, TermMatch]]
) -> Iterator[tuple[int, TermFinding]]:
    forms = Counter(r.term.text for _, _, r in places)
    usual, count = forms.most_common(1)[0]
    concept = places[0][2].concept
    accepted = sum(term.status in ACCEPTED for term in concept.terms(document.target_lang))
    free = accepted > _VARIANTS or count < 2 or concept.domain == "place"  # Moscow or Russia: metonymy
    if free and not document.is_required(concept):
        return
    for form in forms:
        if form == usual or _is_short_form(form, usual, concept):
            continue
        n, span, rendering = next(p for p in places if p[2].term.text == form)
        view = document.views[n]
        term = view.source[slice(*span)]
        yield (
            n,
            TermFinding(
                kind="inconsistent",
                concept=concept,
                source_span=span,
                target_span=rendering.span,
                severity="minor",
                confidence=round(0.5 + 0.4 * (1 - forms[form] / (forms[form] + count)), 2),
                message=f'{term} is "{view.target[slice(*rendering.span)]}" here and "{usual}" {count} times',
                suggestion=usual,
                evidence=tuple(f'"{f}": {c}' for f, c in forms.most_common()),
            ),
        )


def _is_short_form(one: str, other: str, concept: Concept) -> bool:
    """Whether one rendering inflects or contains the other, or is its initials; of a name, words left out."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    if short in long or (concept.pos == "name" and set(_names.words(short)) <= set(_names.words(long))):
        return True
    pairs = list(zip(short.split(), long.split(), strict=False))
    words = [sorted(word[:5] for word in _names.words(text)) for text in (short, long)]
    if words[0] == words[1]:
        return True  # education minister, Minister of Education
    inflected = len(short.split()) == len(long.split()) and all(a[:4] == b[:4] for a, b in pairs)
    return inflected or (len(short) <= 6 and " " not in short and _abbreviates(short, long))


def _abbreviates(short: str, long: str) -> bool:
    """Whether the letters of `short` come in this order in `long`, first on first, as of DB in database."""
    letters = iter(long)
    return short[0] == long[0] and all(c in letters for c in short if c.isalnum())


# -------------------------------------------------------------------------------- Latin strings


_NOT_NAMES = frozenset({
    "vs", "app", "ppt", "pk", "ok", "no", "ceo", "cfo", "cto", "coo", "it", "kg", "km", "cm", "mm",
    "mb", "gb", "tb", "kw", "mw", "gw", "ai", "ip", "kpi", "pc", "www", "com", "cn",
})  # fmt: skip


def _missing_latin(document: TermDocument) -> Iterator[tuple[int, TermFinding]]:
    """Find Latin names and versions of a Chinese source that do not come back; each once a document."""
    if not document.source_lang.lower().startswith("zh"):
        return
    reported: set[str] = set()
    for n, view in enumerate(document.views):
        if not view.target.strip():
            continue
        nearby = "".join(document.targets[max(0, n - 1) : n + 2])
        for match in LATIN_RUN.finditer(view.source):
            if match[0] in reported or any(is_inside(match.span(), span) for span in view.occurrences):
                continue
            confidence = _latin_confidence(match[0], nearby, view.target, document.target_lang)
            if confidence >= _REPORTED:
                reported.add(match[0])
                yield n, _latin_finding(match, confidence)


def _latin_confidence(word: str, nearby: str, target: str, lang: str) -> float:
    """How surely `word` had to come back: product names and versions do, units and initials need not."""
    if len(word) < 2 or word.lower() in _NOT_NAMES or term_key(word, lang) in nearby:
        return 0.0
    parts = re.findall(r"[A-Za-z]{2,}|\d+(?:\.\d+)*", word)
    if all(term_key(p, lang) in nearby for p in parts) or _spelled_out(word, target):
        return 0.0
    if (
        word.count(" ") >= 2
        or len(word) < 3
        or (" " in word and any(term_key(p, lang) in nearby for p in parts))
    ):
        return 0.3  # an English gloss, which the translation may put in other words
    if re.search(r"\d", word) or re.search(r"[a-z][A-Z]", word):
        return 0.85
    return 0.65 if re.search(r"[A-Z][a-z]{2}", word) else 0.4


def _spelled_out(word: str, target: str) -> bool:
    """Whether words of `target` have initials that spell `word`, as gross domestic product does GDP."""
    initials = "".join(w[0].lower() for w in re.findall(r"[A-Za-z]+", target))
    content = "".join(w[0].lower() for w in _names.words(target))
    letters = re.sub("[^a-z]", "", word.lower())
    return word.isupper() and (letters in initials or letters in content)


def _latin_finding(match: re.Match[str], confidence: float) -> TermFinding:
    return TermFinding(
        kind="latin",
        concept=None,
        source_span=match.span(),
        target_span=None,
        severity="major" if confidence >= 0.8 else "minor",
        confidence=confidence,
        message=f'"{match[0]}" of the source is not in the translation',
        suggestion=match[0],
        evidence=("a Latin string of the source does not come back",),
    )


# -------------------------------------------------------------------------------- entities nobody named


def _unfounded_entities(document: TermDocument) -> Iterator[tuple[int, TermFinding]]:
    """Find names in the target whose Chinese is, in this document, only ever part of a common noun.

    A company name put in place of an ordinary word: the source says 机器人, robots, and the target has a firm
    whose Chinese name contains 机器人.
    """
    named = set().union(*(view.concepts for view in document.views)) if document.views else set()
    for n, view in enumerate(document.views):
        explained = [r.span for r in view.of(view.concepts, *ACCEPTED)]
        names = [r for r in view.renderings if r.concept.pos == "name" and r.term.status in ACCEPTED]
        for r in names:
            outer = [*explained, *(o.span for o in names if o.span != r.span)]
            common = _names.literal(r.concept.terms("zh")[0].text, r.term.text).words == 1.0
            if r.concept.id in named or common or any(is_inside(r.span, span) for span in outer):
                continue
            noun = _shared_noun(view, r.concept, document.source_lang)
            if noun:
                yield n, _entity_finding(document, view, r, noun)


def _shared_noun(view: TermView, concept: Concept, lang: str) -> Span | None:
    """Find the longest end of a name of `concept` in the source, if it is no mere word for an institution."""
    source = fold(view.source)
    for term in concept.terms(lang):
        name = fold(term.text)
        for length in range(len(name) - 1, 2, -1):
            noun = name[-length:]
            at = source.find(noun)
            if at >= 0 and noun[-1] not in _INSTITUTIONS and _means(concept, noun):
                rest = name[:-length]
                # another piece of the name nearby: the source has the name in another form
                pieces = {rest[i : i + 2] for i in range(max(1, len(rest) - 1))}
                pieces |= {rest[0]} & _COUNTRIES  # 美方的贸易代表
                return (
                    None if any(piece in source for piece in pieces) else _whole_name(view, (at, at + length))
                )
    return None


def _whole_name(view: TermView, noun: Span) -> Span | None:
    """Widen a noun to the name that it cuts: 田汽车 to 丰田汽车; ``None`` if that name has a rendering of its own."""
    for span, concepts in view.occurrences.items():
        names = {c.id for c in concepts if c.pos == "name"}
        if names and span[0] < noun[1] and noun[0] < span[1] and not is_inside(span, noun):
            rendered = any(r.concept.id in names and r.term.status in ACCEPTED for r in view.renderings)
            return None if rendered else (span[0], max(span[1], noun[1]))
    return noun


def _means(concept: Concept, noun: str) -> bool:
    """Whether an English name of `concept` has the noun as one word of several, as SIASUN Robot does."""
    literals = (_names.literal(noun, term.text) for term in concept.terms("en"))
    return any(gloss.pairs and gloss.words < 1.0 for gloss in literals)


_COUNTRIES = frozenset("中美英法德俄日韩印欧澳加")
_INSTITUTIONS = frozenset("院会局部司行社团校所馆室厅署处委网站区市省县国州法厂店盟报台长统")
"""Last characters of words that stand for a name mentioned before: 委员会, the commission."""


def _entity_finding(document: TermDocument, view: TermView, rendering: TermMatch, noun: Span) -> TermFinding:
    word, there = view.source[slice(*noun)], view.target[slice(*rendering.span)]
    full = rendering.concept.terms("zh")[0].text
    concepts = next((found for span, found in view.occurrences.items() if is_inside(span, noun)), ())
    right = concepts[0].preferred(document.target_lang) if concepts else None
    is_name = concepts and concepts[0].pos == "name"
    fact = f"the source has {word}" if is_name else f"the source only has the common noun {word}"
    return TermFinding(
        kind="entity",
        concept=rendering.concept,
        source_span=noun,
        target_span=rendering.span,
        severity="major",
        confidence=0.8,
        message=f'"{there}" is the name {full}, but {fact}',
        suggestion=right.text if right else None,
        evidence=(f"{full} is nowhere in the source",),
    )
