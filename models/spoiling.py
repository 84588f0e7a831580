"""Good translations in, spoiled ones out: what `train_quality.py` learns from besides judged translations.

Each fault knows where it is: the code points of the target that are wrong now, the code points of the good target
that are missing now, or the code points of the source that have no translation now.  Seeded by the caller.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Span = tuple[int, int]
MAJOR, MINOR = 5.0, 1.0
WORTHLESS = 25.0


def _words(text: str) -> list[str]:
    return text.split()


_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*")
_HAN = re.compile(r"[\u4e00-\u9fff]{2,4}")
_BE = re.compile(r"\b(is|are|was|were|can|will|would|should|could|must|has been|have been)\b(?! not|n't)")
_NOT = re.compile(r"\b(is|are|was|were|do|does|did|can|could|will|would|should|has|have|had)(n't| not)\b")
_CLAUSE = re.compile(r"[^,;:.!?]+[,;:]")
_PHRASE = re.compile(
    r" (?:in|on|at|of|for|with|from|by|to|during|after|before|under|over|about|through) (?:[\w'’-]+ ?){1,5}"
)
FUNCTION_WORDS = _words(
    "a an the of in on at to for from by with about into over under after before between during and or but "
    "that which who this these those its their his her our your my it he she they we you i is are was were be been "
    "has have had do does did not no as if than then so such will would can could should may might must"
)
_SWAPS = (
    "in on,at in,of for,to from,with without,before after,above below,into from,a the,and but,this that,by of,"
    "he she,his her,him her,is was,are were,has had,will would,have had,can could,who which,their its"
)
_OPPOSITES = (
    "increase decrease,increased decreased,rise fall,rose fell,more less,most least,high low,"
    "higher lower,large small,larger smaller,big small,good bad,better worse,best worst,new old,"
    "early late,earlier later,first last,long short,strong weak,stronger weaker,open close,"
    "opened closed,start end,started ended,begin finish,began finished,win lose,won lost,"
    "positive negative,success failure,successful unsuccessful,possible impossible,legal illegal,"
    "north south,east west,northern southern,eastern western,up down,left right,inside outside,"
    "always never,often rarely,many few,all none,everyone nobody,same different,easy difficult,"
    "hot cold,hard easy,fast slow,quickly slowly,public private,domestic foreign,import export,"
    "imports exports,buy sell,bought sold,accept reject,accepted rejected,allow forbid,"
    "allowed forbidden,support oppose,supported opposed,agree disagree,agreed disagreed,love hate,"
    "loved hated,male female,man woman,men women,boy girl,father mother,husband wife,brother sister,"
    "son daughter,day night,morning evening,summer winter,top bottom,front back,full empty,rich poor,"
    "young old,safe dangerous,near far,true false,right wrong,happy sad,peace war,alive dead,born died,"
    "internal external,maximum minimum,minimum maximum,major minor,improve worsen,improved worsened,"
    "gain loss,profit loss,arrive leave,arrived left,enter leave,entered left,push pull,before after,"
    "include exclude,including excluding,revealed hid,show hide,showed hid,found lost,found missed,"
    "continue stop,continued stopped,able unable,common rare,simple complex,clear unclear,"
    "likely unlikely,important unimportant,known unknown"
)
_NUMBER_WORDS = _words(
    "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty"
)
_ORDINALS = _words("first second third fourth fifth sixth seventh eighth ninth tenth")
_MONTHS = _words("January February March April June July August September October November December")
_DAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_SCALES = _words("hundred thousand million billion trillion")
_UNITS = _words(
    "percent kilometers meters miles tons kilograms dollars yuan euros hours minutes days weeks months years"
)


def _pairs(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in text.split(","):
        one, other = pair.split()
        found.setdefault(one, other)
        found.setdefault(other, one)
    return found


_OPPOSITE, _SWAP = _pairs(_OPPOSITES), _pairs(_SWAPS)
_CLASSES = [_NUMBER_WORDS, _ORDINALS, _MONTHS, _DAYS, _SCALES, _UNITS]


@dataclass(frozen=True)
class Spoiled:
    """A spoiled translation.

    Attributes
    ----------
    kind : str
    penalty : float
        MQM points that the fault adds.
    wrong : list of (start, end, category)
        In `target`.
    missing : list of span
        In the good target.
    omitted : list of span
        In `source`, known exactly.
    """

    kind: str
    source: str
    target: str
    penalty: float
    wrong: list[tuple[int, int, str]] = field(default_factory=list)
    missing: list[Span] = field(default_factory=list)
    omitted: list[Span] = field(default_factory=list)


class Spoiler:
    """Makes faults with the words of the translations it was given.

    Parameters
    ----------
    goods : sequence of (source, target)
    rng : random.Random
    alternatives : dict of str to list of (start, end, words), optional
        Places of a translation and words that would do there, as `alternatives.py` finds them.
    """

    def __init__(
        self,
        goods: Sequence[tuple[str, str]],
        rng: random.Random,
        alternatives: dict[str, list[tuple[int, int, list[str]]]] | None = None,
    ) -> None:
        self.goods, self.rng = goods, rng
        self.alternatives = alternatives or {}
        self.words: dict[str, list[str]] = {}
        self.names: list[str] = []
        for _, target in goods:
            for i, word in enumerate(_WORD.findall(target)):
                if len(word) > 3 and word.islower():
                    self.words.setdefault(_form(word), []).append(word)
                elif i and word[0].isupper() and len(word) > 2:
                    self.names.append(word)

    def spoil(self, source: str, target: str, n: int) -> list[Spoiled]:
        """Return `n` faults of different kinds, fewer if the text does not allow that many."""
        kinds = list(_KINDS)
        self.rng.shuffle(kinds)
        kinds.sort(key=lambda kind: self.rng.random() / _KINDS[kind])
        found = []
        for kind in kinds:
            if len(found) < n and (fault := getattr(self, f"_{kind}")(source, target)) is not None:
                found.append(fault)
        return found

    def _pick(self, text: str, wanted: Callable[[str], bool], *, inner: bool = False) -> re.Match[str] | None:
        matches = [m for m in _WORD.finditer(text) if wanted(m[0]) and (m.start() or not inner)]
        return self.rng.choice(matches) if matches else None

    def _replace(
        self, kind: str, source: str, target: str, span: Span, by: str, penalty: float, category: str
    ) -> Spoiled | None:
        start, end = span
        if target[start:end] == by:
            return None
        if start == 0 and by:
            by = by[0].upper() + by[1:]
        text = target[:start] + by + target[end:]
        return Spoiled(kind, source, text, penalty, [(start, start + len(by), category)])

    def _remove(self, kind: str, source: str, target: str, span: Span, penalty: float) -> Spoiled | None:
        start, end = span
        text = (target[:start].rstrip() + " " + target[end:].lstrip()).strip()
        text = re.sub(r" ([,.;:!?])", r"\1", text)
        if len(text) < 8 or text == target:
            return None
        around = [m.span() for m in _WORD.finditer(text) if m.start() <= start + 1 <= m.end() + 1][-1:]
        return Spoiled(
            kind, source, text, penalty, [(*s, "accuracy/omission") for s in around], missing=[span]
        )

    def _word_removed(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: w.lower() not in FUNCTION_WORDS and len(w) > 2)
        return m and self._remove("word_removed", source, target, m.span(), MAJOR)

    def _name_removed(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: w[0].isupper() and len(w) > 2, inner=True)
        return m and self._remove("name_removed", source, target, m.span(), MAJOR)

    def _function_removed(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: w.lower() in FUNCTION_WORDS, inner=True)
        return m and self._remove("function_removed", source, target, m.span(), MINOR)

    def _phrase_removed(self, source: str, target: str) -> Spoiled | None:
        matches = [m for m in _PHRASE.finditer(target) if len(m[0]) > 8]
        m = self.rng.choice(matches) if matches else None
        return m and self._remove("phrase_removed", source, target, m.span(), MAJOR)

    def _clause_removed(self, source: str, target: str) -> Spoiled | None:
        matches = [m for m in _CLAUSE.finditer(target) if 12 < len(m[0]) < 0.7 * len(target)]
        m = self.rng.choice(matches) if matches else None
        return m and self._remove("clause_removed", source, target, m.span(), 2 * MAJOR)

    def _cut_short(self, source: str, target: str) -> Spoiled | None:
        words = list(_WORD.finditer(target))
        if len(words) < 8:
            return None
        cut = words[int(len(words) * self.rng.uniform(0.3, 0.7))].end()
        return Spoiled("cut_short", source, target[:cut], 3 * MAJOR, missing=[(cut, len(target))])

    def _word_added(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: w.islower() and w not in FUNCTION_WORDS and len(w) > 3)
        if m is None:
            return None
        word = self.rng.choice(self.words[self.rng.choice(["", "ly", "ed", ""])])
        return Spoiled(
            "word_added",
            source,
            f"{target[: m.start()]}{word} {target[m.start() :]}",
            MAJOR,
            [(m.start(), m.start() + len(word), "accuracy/addition")],
        )

    def _sentence_added(self, source: str, target: str) -> Spoiled | None:
        other = self.rng.choice(self.goods)[1]
        if len(other) > 2 * len(target) or other == target:
            return None
        if self.rng.random() < 0.5:
            return Spoiled(
                "sentence_added",
                source,
                f"{target} {other}",
                2 * MAJOR,
                [(len(target) + 1, len(target) + 1 + len(other), "accuracy/addition")],
            )
        return Spoiled(
            "sentence_added",
            source,
            f"{other} {target}",
            2 * MAJOR,
            [(0, len(other), "accuracy/addition")],
        )

    def _sentence_omitted(self, source: str, target: str) -> Spoiled | None:
        other = self.rng.choice(self.goods)[0]
        if len(other) > 2 * len(source) or other == source:
            return None
        if self.rng.random() < 0.5:
            span = (len(source), len(source) + len(other))
            return Spoiled("sentence_omitted", source + other, target, 2 * MAJOR, omitted=[span])
        return Spoiled("sentence_omitted", other + source, target, 2 * MAJOR, omitted=[(0, len(other))])

    def _word_replaced(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: w.islower() and w not in FUNCTION_WORDS and len(w) > 3)
        if m is None:
            return None
        word = self.rng.choice(self.words.get(_form(m[0]), self.words[""]))
        return self._replace(
            "word_replaced", source, target, m.span(), word, MAJOR, "accuracy/mistranslation"
        )

    def _other_word(self, source: str, target: str) -> Spoiled | None:
        fitting = [
            (start, end, word)
            for start, end, words in self.alternatives.get(target, ())
            for word in words
            # after a word or two anything may come
            if start > 12 and _form(word) == _form(target[start:end])
        ]
        if not fitting:
            return None
        start, end, word = self.rng.choice(fitting)
        return self._replace(
            "other_word", source, target, (start, end), word, MAJOR, "accuracy/mistranslation"
        )

    def _opposite(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: w.lower() in _OPPOSITE)
        return m and self._replace(
            "opposite",
            source,
            target,
            m.span(),
            _OPPOSITE[m[0].lower()],
            MAJOR,
            "accuracy/mistranslation",
        )

    def _negated(self, source: str, target: str) -> Spoiled | None:
        matches = [*_BE.finditer(target), *_NOT.finditer(target)]
        if not matches:
            return None
        m = self.rng.choice(matches)
        if m.re is _NOT:
            return self._replace("negated", source, target, m.span(), m[1], MAJOR, "accuracy/mistranslation")
        words = m[0].split(" ", 1)
        negated = " ".join([words[0], "not", *words[1:]])
        return self._replace("negated", source, target, m.span(), negated, MAJOR, "accuracy/mistranslation")

    def _number(self, source: str, target: str) -> Spoiled | None:
        matches = list(_NUMBER.finditer(target))
        if not matches:
            return None
        m = self.rng.choice(matches)
        digits = [i for i, c in enumerate(m[0]) if c.isdigit()]
        at = self.rng.choice(digits)
        digit = self.rng.choice([d for d in "123456789" if d != m[0][at]])
        number = m[0][:at] + digit + m[0][at + 1 :]
        return self._replace("number", source, target, m.span(), number, MAJOR, "accuracy/mistranslation")

    def _number_word(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: any(w in c for c in _CLASSES))
        if m is None:
            return None
        one_class = next(c for c in _CLASSES if m[0] in c)
        word = self.rng.choice([w for w in one_class if w != m[0]])
        return self._replace("number_word", source, target, m.span(), word, MAJOR, "accuracy/mistranslation")

    def _name(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: w[0].isupper() and len(w) > 2, inner=True)
        if m is None or not self.names:
            return None
        return self._replace(
            "name", source, target, m.span(), self.rng.choice(self.names), MAJOR, "terminology/wrong-term"
        )

    def _function(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: w.lower() in _SWAP)
        return m and self._replace(
            "function", source, target, m.span(), _SWAP[m[0].lower()], MINOR, "fluency/grammar"
        )

    def _form(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: w.islower() and len(w) > 4 and w not in FUNCTION_WORDS)
        if m is None:
            return None
        ending = self.rng.choice(["s", "ly", "ed", "ing", "ness", "ance"])
        stem = re.sub(r"(s|ed|ing|ly|ance|ant|ent|ence|al|y|e)$", "", m[0])
        return self._replace("form", source, target, m.span(), stem + ending, MINOR, "fluency/grammar")

    def _misspelled(self, source: str, target: str) -> Spoiled | None:
        m = self._pick(target, lambda w: len(w) > 4)
        if m is None:
            return None
        at = self.rng.randrange(1, len(m[0]) - 1)
        word = m[0]
        bad = (
            word[:at] + word[at + 1 :]
            if self.rng.random() < 0.6
            else word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        )
        return self._replace("misspelled", source, target, m.span(), bad, MINOR, "fluency/grammar")

    def _swapped(self, source: str, target: str) -> Spoiled | None:
        words = list(_WORD.finditer(target))
        if len(words) < 5:
            return None
        i = self.rng.randrange(len(words) - 1)
        a, b = words[i], words[i + 1]
        text = f"{b[0]}{target[a.end() : b.start()]}{a[0]}"
        return self._replace("swapped", source, target, (a.start(), b.end()), text, MINOR, "fluency/grammar")

    def _shuffled(self, source: str, target: str) -> Spoiled | None:
        words = target.split()
        if len(words) < 5:
            return None
        if self.rng.random() < 0.5:
            self.rng.shuffle(words)
        else:
            start = self.rng.randrange(len(words) - 4)
            stop = min(len(words), start + self.rng.randrange(4, 10))
            part = words[start:stop]
            self.rng.shuffle(part)
            words[start:stop] = part
        text = " ".join(words)
        wrong = [(0, len(text), "fluency/grammar")]
        return Spoiled("shuffled", source, text, 3 * MAJOR, wrong) if text != target else None

    def _repeated(self, source: str, target: str) -> Spoiled | None:
        words = target.split()
        if len(words) < 4:
            return None
        end = self.rng.choice([len(words), self.rng.randrange(2, len(words))])
        part = words[max(0, end - self.rng.randrange(1, 7)) : end]
        part[-1] = part[-1].rstrip(".,;!?")
        head = " ".join(words[:end]).rstrip(".,;!?")
        added = " ".join(part * self.rng.randrange(1, 4))
        text = " ".join([head, added, *words[end:]])
        wrong = [(len(head) + 1, len(head) + 1 + len(added), "accuracy/addition")]
        return Spoiled("repeated", source, text, MAJOR, wrong)

    def _untranslated(self, source: str, target: str) -> Spoiled | None:
        han = _HAN.search(source, self.rng.randrange(max(1, len(source) - 4)))
        m = self._pick(target, lambda w: w.lower() not in FUNCTION_WORDS and len(w) > 2)
        if m is None or han is None:
            return None
        return self._replace(
            "untranslated", source, target, m.span(), han[0], MAJOR, "accuracy/mistranslation"
        )

    def _lower(self, source: str, target: str) -> Spoiled | None:
        first = self.rng.random() < 0.6
        text = target[:1].lower() + target[1:] if first else target.lower()
        wrong = [
            (m.start(), m.end(), "fluency/grammar")
            for m in _WORD.finditer(target)
            if m[0] != text[m.start() : m.end()]
        ]
        return Spoiled("lower", source, text, MINOR, wrong) if wrong else None

    def _punctuation(self, source: str, target: str) -> Spoiled | None:
        if self.rng.random() < 0.5 and target[-1:] in ".!?":
            return Spoiled("punctuation", source, target[:-1], 0.3, missing=[])
        words = list(_WORD.finditer(target))
        if len(words) < 4:
            return None
        at = self.rng.choice(words[:-1]).end()
        text = target[:at] + self.rng.choice(",;:.!?") + target[at:]
        return Spoiled("punctuation", source, text, 0.5, [(at, at + 1, "fluency/punctuation")])

    def _copied(self, source: str, target: str) -> Spoiled | None:
        return Spoiled("copied", source, source, WORTHLESS, [(0, len(source), "accuracy/mistranslation")])

    def _unrelated(self, source: str, target: str) -> Spoiled | None:
        other = self.rng.choice(self.goods)[1]
        if other == target:
            return None
        return Spoiled("unrelated", source, other, WORTHLESS, [(0, len(other), "accuracy/mistranslation")])


_KINDS = {
    "word_removed": 3,
    "name_removed": 2,
    "function_removed": 1,
    "phrase_removed": 2,
    "clause_removed": 1,
    "cut_short": 1,
    "word_added": 2,
    "sentence_added": 0.7,
    "sentence_omitted": 1.2,
    "word_replaced": 2,
    "other_word": 6,
    "opposite": 2.5,
    "negated": 2.5,
    "number": 2.5,
    "number_word": 2,
    "name": 2,
    "function": 1,
    "form": 1,
    "misspelled": 0.7,
    "swapped": 0.8,
    "shuffled": 1,
    "repeated": 1,
    "untranslated": 0.8,
    "lower": 0.4,
    "punctuation": 0.4,
    "copied": 0.5,
    "unrelated": 1,
}
"""How often each kind of fault is chosen, relatively."""


def _form(word: str) -> str:
    """Return the ending, which says what a word can stand for."""
    return next((e for e in ("ing", "ed", "ly", "s") if word.endswith(e)), "")
