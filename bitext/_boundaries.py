"""Where segments end: in comes a text with its paragraphs, out come boundaries, in one linear scan.

An expression finds every run of marks that can end a segment, with the closing quotation marks,
footnotes and white space that go with it.  Each is judged by its neighbors: by Chinese rules where one
of them is Chinese, by English rules elsewhere, so mixed text needs no switch.  Then boundaries within
titles, within brackets that do not start a segment, and within quotations that are part of a clause are
dropped.

The decisions follow what gold corpora do (GCDT, MAC, Universal Dependencies): ``。”`` ends a segment
after the quotation mark, never before it; ``……``, ``——``, ``；`` and ``：`` in mid text do not; ``……”``
and ``——”`` do; a footnote stays with the sentence it follows; an abbreviation ends a segment if a word
that starts sentences follows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import category

import numpy as np

Boundary = tuple[int, int]
"""Where the marks of a segment end, and where the next one starts (after white space)."""

CLOSERS = "”’」』﹂﹄〞〟》〉）)\\]】〕］〗｝}\"＂'»›"
"""Marks that close a quotation, title or bracket."""


def words(text: str) -> frozenset[str]:
    """Words of a list written with spaces between them."""
    return frozenset(text.split())


def sentence_boundaries(text: str, paragraphs: Sequence[int]) -> list[Boundary]:
    """Boundaries within paragraphs, in order.

    Parameters
    ----------
    text : str
    paragraphs : sequence of int
        Ascending offsets where paragraphs start; the first is 0.
    """
    items = list(_items(text, paragraphs))
    context = _Context(
        text, paragraphs, frozenset(start for _, start in items), _opening_quotes(text, paragraphs)
    )
    found = []
    for match in _CANDIDATE.finditer(text):
        mark = _Mark(match.start(), match[1], match[2], match[3], match[4], match.end(3), match.end())
        if mark.note or (mark.closers and not _PARITY.isdisjoint(mark.closers)):
            mark = _trimmed(context, mark)
        following = text[mark.after : mark.after + 1]
        if not following or (following in _CONTINUES and not _BULLET.match(text, mark.after)):
            continue
        if following > "\u02ff" and category(following)[0] == "M":  # an accent on the white space
            continue
        before = text[mark.start - 1 : mark.start]
        if before >= _WIDE or following >= _WIDE or mark.run[0] >= _WIDE:
            ends = _ends_chinese(text, mark, before, following)
        else:
            ends = _ends_english(context, mark, before)
        if ends:
            found.append((mark.end, mark.after))
    return _unprotected(text, sorted([*found, *items]), paragraphs)


def without_quoted(text: str, found: list[Boundary]) -> list[Boundary]:
    """Drop the boundaries within quotations, and those between a quotation and its attribution."""
    spans = []
    for match in _QUOTATION.finditer(text):
        attributed = _VERB_OF_SAYING.match(text, match.end()) is not None
        spans.append((match.start(), match.end() if attributed else match.end() - 1))
    return _outside(found, spans)


@dataclass(frozen=True, slots=True)
class _Context:
    text: str
    paragraphs: Sequence[int]
    items: frozenset[int]  # where numbered items start within a paragraph
    opening: frozenset[int]  # ASCII quotation marks that open

    def paragraph(self, at: int) -> int:
        return self.paragraphs[bisect_right(self.paragraphs, at) - 1]


@dataclass(slots=True)
class _Mark:
    start: int
    run: str
    closers: str
    note: str
    gap: str
    end: int
    after: int


# --- candidates ---------------------------------------------------------------------------------------------

_WIDE = "\u2e80"  # from here on, characters and marks are Chinese, Japanese or Korean
_EMOJI = "☀-☄☹☺☻♡♥❣❤✨\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\ufe0f\u200d"
_STOPS = f"。！？｡!?…⋯‥．.～~—{_EMOJI}"
_CITED = (
    "《|出自|引自|摘自|选自|選自|节选|節選|来自|來自|源自|语出|語出|转引|轉引|参见|參見|[见見][第上下]|[图圖表附笑掌注註完]"
    "|https?:|[A-Z]"
)
_NOTE = (
    r"[ \xa0]?\[(?:(?:注|註|note )?\s?\d{1,3}(?:\s?[-–,，、]\s?\d{1,3})*|…+|\.{3})\]|\[[一-鿿]{2,6}\]"
    r"|［\d{1,3}］|〔\d{1,3}〕|[①-⑳㉑-㉟¹²³⁰-⁹†‡]+|[ \xa0][:;]-?[()DPp](?!\w)"
    rf"|[ \xa0]?[{_EMOJI}]+"
    rf"|(?:(?<=[”」]) ?[（(]|(?<=[。！？]) ?[（(](?=[^（）()]{{0,8}}(?:{_CITED})))"
    r"(?:[^（）()。！？!?\n]|\([^()\n]*\)){1,60}[）)](?![，、；：。！？,;:.!?])"
)
_CANDIDATE = re.compile(
    rf"([{_STOPS}][{_STOPS}]*(?:[ \xa0]\.+(?!\w))*)"
    rf"((?:[{CLOSERS}]|[ \xa0\u3000][”」』）)])*(?:[ \xa0][\"'’](?!\S))?)"
    rf"((?:{_NOTE})*)(\s*)"
)
_STRONG = re.compile("[。！？｡!?]")
_OPENERS = frozenset("“‘「『〝（([{«\"＂'")
_QUOTE_END = frozenset("”’」』﹂﹄〞〟\"＂'»")
_CONTINUES = frozenset("，、；：,;:。！？｡.?!…⋯—–～·）)》〉」』”’】〕］]}%％=/\\&-")
_BULLET = re.compile(r"[-–·]\s+(?=[A-Z0-9“「㐀-鿿])")
_ASCII_QUOTATION = re.compile(r'"[^"]*"|＂[^＂]*＂')
_PARITY = frozenset('"＂')
_CIRCLED = frozenset(map(chr, range(0x2460, 0x2474)))
_QUOTATION = re.compile(
    '“[^“”]*”|「[^「」]*」|『[^『』]*』|‘(?:[^‘’]|’(?=[a-z]))*’(?![a-z])|"[^"\\n]*"|＂[^＂\\n]*＂|〝[^〝〞〟]*[〞〟]'
)
_VERB_OF_SAYING = re.compile(
    r"[^，。！？：；…“”\n]{0,8}?[说說道问問喊叫答嚷骂罵讲講吼](?:道|着|著|完|罢|起来|起來){0,2}(?:[，。：！？,:]|\Z)"
)


def _opening_quotes(text: str, paragraphs: Sequence[int]) -> frozenset[int]:
    """ASCII quotation marks that open, by parity within their paragraph."""
    if '"' not in text and "＂" not in text:
        return frozenset()
    ranges = zip(paragraphs, [*paragraphs[1:], len(text)], strict=False)
    return frozenset(m.start() for start, end in ranges for m in _ASCII_QUOTATION.finditer(text, start, end))


def _trimmed(context: _Context, mark: _Mark) -> _Mark:
    """Leave to the next segment what belongs to it: a quotation mark that opens, the number of an item."""
    text, first = context.text, mark.start + len(mark.run)
    for at in range(first, first + len(mark.closers)):
        # a mark that follows directly and has white space after it closes, whatever the parity says
        if at in context.opening and (not mark.gap or text[at - 1].isspace()):
            cut = at - 1 if text[at - 1].isspace() else at
            return _Mark(mark.start, mark.run, text[first:cut], "", text[cut:at], cut, at)
    if mark.note and mark.note[0] in _CIRCLED:
        number = first + len(mark.closers)
        lead = text[max(context.paragraph(mark.start), mark.start - 500) : mark.start]
        if re.search(r"(?:\A|[：:；;，,]\s?)[①-⑳]", lead):
            return _Mark(mark.start, mark.run, mark.closers, "", "", number, number)
    return mark


# --- Chinese ------------------------------------------------------------------------------------------------

_CLAUSE_GOES_ON = re.compile(  # after a quotation, for example “……！”的喊声
    "的(?![确確])|之(?![后後前])|等(?![他她我你到了待不])|[与與和及或](?![者其])|是(?![的啊呀])|[时時](?![间間候而常])"
    "|地(?![上下面方])|[就便则則即吗嗎呢吧么麼]"
)
_PARTICLES = frozenset("啊哦呢吧啦呀嘛哈耶哟喔咯噢喽呵嘻嗯了哒嘞咧")
_ENGLISH_TITLE = re.compile(r"(?:[A-Z][\w'’]*\s+(?:[\w'’]+\s+)*[A-Z][\w'’]*|Yahoo)\Z")
_NUMERALS = frozenset("一二三四五六七八九十0123456789０１２３４５６７８９")
_TRANSLITERATING = frozenset(
    "阿埃艾安奥巴贝本比彼波伯博布查达戴丹德蒂迪杜多恩尔菲费弗夫福盖戈格哈海汉赫亨霍基吉加杰金卡凯康科克肯孔库夸拉莱"
    "兰劳勒雷利里莉丽列林琳隆卢鲁路伦罗洛马玛麦曼梅门蒙米密摩莫姆穆纳奈内尼涅宁诺欧帕佩彭皮蓬普齐奇乔切琼丘茹瑞萨塞"
    "桑瑟莎舍什史舒斯苏索塔泰坦汤特滕提图托瓦威韦维魏温沃乌西希谢辛休许雅亚扬耶伊因英尤约赞泽扎詹珍佐笛培兹祖朱哥登顿翰逊"
)


def _ends_chinese(text: str, mark: _Mark, before: str, following: str) -> bool:
    """Judge a mark with a Chinese neighbor."""
    run, closers = mark.run, mark.closers
    if "》" in closers or "〉" in closers:
        return False
    if not _QUOTE_END.isdisjoint(closers):
        return not _CLAUSE_GOES_ON.match(text, mark.after)
    if run[-1] == "—" or before in "（([":
        return False
    if run in ".．":
        return _full_stop_ends(text, mark, before, following)
    if not _STRONG.search(run):
        if run[-1] in "…⋯.":
            return following in "“「"
        return before in _PARTICLES or (run[0] >= _WIDE and bool(mark.gap))
    if run[0] in "!?" and not mark.gap and not closers and before < _WIDE:
        at = mark.start
        return following >= _WIDE and not _ENGLISH_TITLE.search(text, max(0, at - 40), at)
    return True


def _full_stop_ends(text: str, mark: _Mark, before: str, following: str) -> bool:
    """Judge a ``.`` next to Chinese: full stop, list number, decimal, or dot within a foreign name."""
    if before in _NUMERALS:
        start = mark.start - 1
        while start and mark.start - start < 5 and text[start - 1] in _NUMERALS:
            start -= 1
        if not text[start - 1 : start].isalnum() or following in _NUMERALS:
            return False
    if before >= _WIDE:
        if _within_name(text, mark.start):
            return False
        return bool(mark.gap) or following >= _WIDE or following.isdigit() or following.isupper()
    if not before.isalnum() and following >= _WIDE:
        return True
    return (bool(mark.gap) or before.islower()) and not _is_abbreviation(_word_before(text, mark.start))


def _within_name(text: str, at: int) -> bool:
    """Whether the characters around `at` spell a foreign name: those next to it do, and one further out."""
    around = [text[i : i + 1] in _TRANSLITERATING for i in (at - 2, at - 1, at + 1, at + 2)]
    return around[1] and around[2] and sum(around) > 2


# --- English ------------------------------------------------------------------------------------------------


_NEVER_END = words(
    "Mr Mrs Ms Messrs Mmes Mme Mlle Dr Drs Prof Profs Rev Hon Ste Gen Lt Col Capt Cpt Cmdr Maj Sgt Cpl "
    "Pvt Adm Gov Sen Sens Rep Reps Pres Supt Insp Det Fr Sr Sra Mt Ft Brig Atty Ald Amb Esq Msgr Assoc "
    "Asst Dept Univ Assn Bros viz cf Cf e.g i.e E.g I.e eg ie ca approx resp esp trans incl Pty P.S N.B "
    "PS NB"
)
_BEFORE_NUMBER = words(
    "No no Nos nos N° p pp P Pp Fig fig Figs figs Vol vol Vols vols Eq eq Eqs Sec sec Ch ch Chap chap Art "
    "art Pt pt Ref ref Refs Tab n c ext Ext tel Tel para Para Thm Lem Prop Def Ex"
)
_MAY_END = words(
    "Inc Co Corp Ltd LTD Jr Ph.D PhD etc Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues "
    "Wed Thu Thurs Fri Sat Sun Ave Blvd Rd Hwy Calif Mass Conn Ala Ariz Ark Colo Fla Ill Ind Kan Ky Md "
    "Mich Minn Miss Mont Neb Nev Okla Ore Pa Penn Tenn Tex Va Vt Wash Wis hr hrs min max est dept tel ext "
    "Cie Bldg Mfg Intl Natl Govt vs v al ed eds St"
)
_STARTERS = words(
    "The This That These Those It Its He She We They I You His Her Their Our My Your A An In On At By For "
    "From With As If When While After Before Since But And Or So Yet However There Here What Who Where "
    "Why How Is Are Was Were Do Does Did Can Could Would Not No Yes Then Thus All Some Many Most One To "
    "Although Though Because Now Once Both Each Even Every Such It's I'm I'd I've I'll He's She's We're "
    "They're That's There's Don't During Under Also Nobody Nothing Someone Something Everyone Everybody "
    "Others Another Please Let Today Yesterday Tomorrow"
)
_LOWER_STARTERS = words(
    "i i'm i've i'll i'd it it's the we they you he she there this that what why how if please"
)
_EXCLAMATORY_NAMES = words("Yahoo Jeopardy")
_ACRONYM = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]{1,2}")
_LAST_WORD = re.compile(r"[^\s—\u2e80-\U0010ffff]+\Z")
_NUMBER = re.compile(
    r"(?:\A|\n|[.!?。！？][\"”’)]?\s)\s*[•⁃*·-]?\s?(?:(?:Figure|Table|Box|Part|Chapter|Section|Step|Example|Case)\s)?"
    r"[(（]?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[IVXivx]{1,4})\Z|[:;]\s[(（]?[1aAiI]\Z"
)
_SPEAKER = re.compile(
    r"(?:[A-Z][\w'’-]*\s){1,3}(?:said|asked|replied|cried|shouted|answered|added|exclaimed|demanded|whispered|"
    r"muttered|murmured|called|continued|inquired|remarked|repeated|yelled|wondered|thought)\b"
)


def _ends_english(context: _Context, mark: _Mark, before: str) -> bool:
    """Judge a mark without a Chinese neighbor."""
    text, run, first = context.text, mark.run, mark.after
    if run[-1] not in ".!?…。！？—" or before in "([" or not (mark.gap or before.islower()):
        return False
    bullet = _BULLET.match(text, first)
    first = bullet.end() if bullet else first
    while text[first] in _OPENERS and first + 1 < len(text):
        first += 1
    if not mark.gap:
        following = _word_at(text, first)
        return len(run) == 1 and len(following) > 1 and following in _STARTERS
    quoted = bool(mark.closers) and not _QUOTE_END.isdisjoint(mark.closers)
    if text[first].islower() and text[mark.after] not in "([":
        return not quoted and _starts_lower(context, mark, _word_at(text, first))
    if run == ".":
        return _stop_ends(context, mark, first)
    if before in ":;":
        return False
    if run[-1] == "—" or quoted:
        return quoted and not _SPEAKER.match(text, mark.after)
    word = _word_before(text, mark.start)
    if run[0] in ".…":
        return word != _word_at(text, first)
    return word not in _EXCLAMATORY_NAMES or _word_at(text, first) in _STARTERS


def _stop_ends(context: _Context, mark: _Mark, first: int) -> bool:
    """Judge a ``.`` followed by white space and, at `first`, something other than a lower-case letter."""
    text, at = context.text, mark.start
    word = _word_before(text, at)
    if len(word) < 5 or word[-1].isdigit():
        number = _NUMBER.search(text, max(0, at - 20), at)
        if at - len(word) in context.items or (number and not _numbered(_word_before(text, number.start()))):
            return False
    if text[first].isdigit() and _numbered(word):
        return False
    if mark.closers or text[mark.after] in '"“‘':
        return word not in _NEVER_END
    return not _is_abbreviation(word) or (word not in _NEVER_END and _word_at(text, first) in _STARTERS)


def _numbered(word: str) -> bool:
    """Whether a number belongs to ``word.`` before it."""
    return word in _BEFORE_NUMBER or word in _MAY_END


def _word_before(text: str, at: int) -> str:
    at -= text[at - 1 : at].isspace()  # before a spaced ellipsis
    match = _LAST_WORD.search(text, max(0, at - 16), at)
    return match[0].lstrip("\"'“‘([{:/-") if match else ""


def _word_at(text: str, at: int) -> str:
    pieces = text[at : at + 12].split(None, 1)
    return pieces[0].rstrip(".,;:!?\"'”’)").replace("’", "'") if pieces and not text[at].isspace() else ""


def _is_abbreviation(word: str) -> bool:
    """Whether a full stop after `word` may be part of it."""
    if len(word) == 1 and word.isupper():
        return True
    if word in _NEVER_END or word in _MAY_END or (word.isupper() and word.capitalize() in _NEVER_END):
        return True
    return "." in word and _ACRONYM.fullmatch(word) is not None


def _starts_lower(context: _Context, mark: _Mark, following: str) -> bool:
    """Whether a sentence starts in lower case: its paragraph does too, or its first word says so."""
    if mark.run == ".":
        word = _word_before(context.text, mark.start)
        if not word[-1:].isalnum() or _is_abbreviation(word):
            return False
        if following in _LOWER_STARTERS:
            return True
    elif not _STRONG.search(mark.run):
        return False
    return context.text[context.paragraph(mark.after)].islower() or following == "i"


# --- lists, rules, and what is protected --------------------------------------------------------------------

_FIRST_ITEM = re.compile(
    r"((?:[•⁃]\s?)?[(（]?)(\d{1,2}|[a-y](?=[.)）])|[①-⑲])([.．、)）]{0,2})(?!\d|\s?\d{1,2}[.．])"
)
_RULE = re.compile(r"[*=_~•●▪‣⁃-](?:(?<=([*=_~]))\1{2,}\s+|(?<=-)(-){4,}\s+|(?<=[•●▪‣⁃])\s*(?=\S))")


def _items(text: str, paragraphs: Sequence[int]) -> Iterator[Boundary]:
    """Boundaries before the later items of a list on one line, before bullets, and around rules."""
    for start, end in zip(paragraphs, [*paragraphs[1:], len(text)], strict=False):
        item = _FIRST_ITEM.match(text, start)
        while item and (item[3] or item[2] in _CIRCLED):
            number = str(int(item[2]) + 1) if item[2].isdecimal() else chr(ord(item[2]) + 1)
            lead, tail = re.escape(item[1]), re.escape(item[3])
            item = re.compile(rf"(?<=[\s；;。.!?！？])({lead})({number})({tail})(?!\d)").search(
                text, item.end(), end
            )
            if item:
                yield item.start(), item.start()
    for rule in _RULE.finditer(text):
        if rule.start() and text[rule.start() - 1].isspace():
            yield rule.start(), rule.start()
            if rule.lastindex and rule.end() < len(text):
                yield rule.end(), rule.end()


_PROTECTED = re.compile(  # one class first: it is what makes the search fast
    "[《〈（(“‘「『](?:(?<=《)[^《》]{1,80}》|(?<=〈)[^〈〉]{1,80}〉|(?<=[（(])(?<![:;=-].)[^（()）]{1,300}[）)]"
    "|(?<=[一-鿿][“‘「『])(?<![说說道问問喊叫答曰云写寫吼嚷骂罵唱念想].)[^“”‘’「」『』]{1,80}[”’」』])"
)


def _unprotected(text: str, found: list[Boundary], paragraphs: Sequence[int]) -> list[Boundary]:
    """Drop what lies in titles, in brackets within a segment, and in quotations within a clause."""
    starts = {after for _, after in found}
    starts.update(paragraphs)
    spans = []
    for match in _PROTECTED.finditer(text):
        start, end = match.span()
        if text[start] not in "（(" or start not in starts:
            # what ends with a full stop can end the segment; with a question or exclamation it is an aside
            aside = text[end - 2] in "！？…" or end - start == 3
            spans.append((start, end if aside else end - 1))
    return _outside(found, spans)


def _outside(found: list[Boundary], spans: list[tuple[int, int]]) -> list[Boundary]:
    """Keep the boundaries whose marks end in none of the `spans` (in order)."""
    if not spans or not found:
        return found
    starts, reach = np.array(spans).T
    reach = np.maximum.accumulate(reach)
    ends = np.array([end for end, _ in found])
    at = np.searchsorted(starts, ends, side="left") - 1
    inside = (at >= 0) & (reach[np.maximum(at, 0)] >= ends)
    return [boundary for boundary, drop in zip(found, inside, strict=True) if not drop]
