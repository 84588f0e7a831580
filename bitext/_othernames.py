"""Names put for others: a name that is missing in, what stands there and nothing in the source accounts for out.

No rendering has to be known as wrong.  Another name of the termbase, of the same kind, that the source nearby
does not have was put for the missing one (首尔 as Tokyo); for a person, anything in pinyin that nobody there is
called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bitext import _names
from bitext._concepts import Concept
from bitext._locate import Located
from bitext._spelled import misspelled_names
from bitext._termbase import TermMatch
from bitext._termdocument import ACCEPTED, TermDocument, TermView, is_ambiguous, is_inside
from bitext._termmatch import fold, masked
from bitext.data import Span

_OF_A_KIND = {"technology": "business", "internet": "business"}
"""Domains whose names may be put for each other: a firm for its product."""
_PLACE_WORDS = frozenset("国省市州县区岛海山江河湖洋大")
"""Characters that say nothing of which place is meant."""
_EPITHET = re.compile(r"[ \u00a0](?:capital|city|port|province|region|state)\b")
"""After an adjective, as in the Korean capital: said in place of a name, not put for another."""
_CAPITALS = {
    "中国": "北京", "美国": "华盛顿", "俄罗斯": "莫斯科", "英国": "伦敦", "日本": "东京", "法国": "巴黎",
    "德国": "柏林", "韩国": "首尔", "朝鲜": "平壤", "印度": "新德里", "伊朗": "德黑兰", "欧盟": "布鲁塞尔",
    "乌克兰": "基辅", "加拿大": "渥太华", "澳大利亚": "堪培拉", "土耳其": "安卡拉", "越南": "河内",
    "意大利": "罗马", "西班牙": "马德里", "埃及": "开罗", "巴基斯坦": "伊斯兰堡", "菲律宾": "马尼拉",
}  # fmt: skip
"""Which stand for their countries: Moscow said, for 俄罗斯."""
_CAPITAL_BEFORE = re.compile(r"(?P<word>[A-Z][\w’']*)(?:[ \u00a0/-]|[’']s )$")
_CAPITAL_AFTER = re.compile(r"[ \u00a0/-](?P<word>[A-Z]\w*)")
_REPLACED = 0.8
"""How sure a name put for another is."""


def other_name(document: TermDocument, n: int, span: Span, concepts: Sequence[Concept]) -> Located | None:
    """Find another name of the termbase, of the same kind, that nothing nearby in the source accounts for.

    Of several, the one that stands most nearly where the missing name does.
    """
    concept, view = concepts[0], document.views[n]
    if concept.pos != "name" or any(map(is_ambiguous, concepts)):
        return None
    near = view.concepts.union(*(v.concepts for v in document.neighbors(n)))
    explained = [r.span for r in view.of(near, *ACCEPTED)] + view.latin()
    strangers = [
        r
        for r in view.renderings
        if r.term.status in ACCEPTED
        and r.concept.id not in near
        and _is_replacement(concept, r.concept, document.source_lang)
        and not any(is_inside(r.span, other) for other in explained)
        and not any(is_inside(r.span, o.span) and r.span != o.span for o in view.renderings)
        and _stands_alone(view, r)
        and not _is_hinted_at(document, n, r.concept)
    ]
    place = span[0] / len(view.source)
    if not strangers:
        return _unheard_name(document, n, span) if concept.domain == "person" else None
    best = min(strangers, key=lambda r: abs(r.span[0] / len(view.target) - place))
    there, name = view.target[slice(*best.span)], best.concept.terms(document.source_lang)[0].text
    right = {w for term in concept.terms(document.target_lang) for w in _names.words(term.text)}
    if right.issuperset(_names.words(there)):
        return None
    evidence = f'"{there}" is the name {name}, which the source does not have'
    return Located(best.span, _REPLACED, (evidence,), _names.literal("", ""))


def _unheard_name(document: TermDocument, n: int, span: Span) -> Located | None:
    """Find a name in pinyin that sounds like nothing in the source, and not in part like another name of it."""
    view, unheard = document.views[n], document.unheard(n)
    misspelled = {m.target_span: m.source_span for m in misspelled_names(view.source, view.target, unheard)}
    places = [there for there in unheard if there not in misspelled or is_inside(misspelled[there], span)]
    if not places:
        return None
    evidence = f'nothing in the source sounds like "{view.target[slice(*places[0])]}"'
    return Located(places[0], _REPLACED, (evidence,), _names.literal("", ""))


def _is_replacement(concept: Concept, other: Concept, lang: str) -> bool:
    """Whether both are names of one kind, and neither is a part or the capital of the other."""
    kind, kind_of_other = (_OF_A_KIND.get(c.domain, c.domain) for c in (concept, other))
    if not kind or kind != kind_of_other or other.pos != "name" or is_ambiguous(other):
        return False
    names = [[fold(term.text) for term in c.terms(lang)] for c in (concept, other)]
    return not any(
        a in b or b in a or b == _CAPITALS.get(a) or a == _CAPITALS.get(b) for a in names[0] for b in names[1]
    )


def _stands_alone(view: TermView, rendering: TermMatch) -> bool:
    """Whether a rendering is written as a whole name: no initials, no part of a longer one, as in Golmud City."""
    target, (start, end) = view.target, rendering.span
    if not target[start].isupper():
        return False
    before = _CAPITAL_BEFORE.search(target, 0, start)
    longer = before and before["word"].lower() not in _names.FUNCTION_WORDS
    after = _CAPITAL_AFTER.match(target, end)
    if rendering.concept.domain == "place":
        if target[start:end].isupper() or _EPITHET.match(target, end):
            return False
        if after and _names.literal(view.source, after["word"]).pairs:
            after = None  # a common noun, as in Hunan Hospital
    return (" " in target[start:end] or not longer) and not after


def _is_hinted_at(document: TermDocument, n: int, concept: Concept) -> bool:
    """Whether the source nearby, but for its known terms, has two characters of a name; of a place, one."""
    view, lang = document.views[n], document.source_lang
    here = masked(fold(view.source), view.occurrences)
    names = [fold(term.text) for term in concept.terms(lang)]
    if concept.domain == "place" and set("".join(names)).difference(_PLACE_WORDS).intersection(here):
        return True
    nearby = "\n".join([here, *(fold(v.source) for v in document.neighbors(n))])
    return any(name[i : i + 2] in nearby for name in names for i in range(max(1, len(name) - 1)))
