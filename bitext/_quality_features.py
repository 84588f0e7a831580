"""What can be told about a pair without a network: numbers, names and terms, script, length, repetition."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bitext._termbase import with_default
from bitext.quantities import compare_quantities
from bitext.terminology import check_terms

FEATURES = ("numbers", "names", "untranslated", "short", "long", "repeated", "disordered")

# English needs about this many characters for one Chinese character; spread of the log ratio among human translations
_LOG_RATIO = math.log(3.6)
_LOG_RATIO_SPREAD = 0.35

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_WORD = re.compile(r"\w")
_TOKEN = re.compile(r"\w+")

# what cannot follow what in English, whatever the words between them mean
_PLAIN = re.compile(r"[\w'’%+-]+|[.!?]+(?=\s|$)")
_AFTER_ARTICLE = frozenset(
    ("a", "an", "the", "of", "in", "to", "and", "or", "but", "is", "are", "was", "were", "has", "had", "by")
)
_AFTER_OF = frozenset(
    ("of", "to", "is", "are", "was", "were", "has", "had", "and", "or", "but", "for", "by", "from")
)
_NEVER_LAST = frozenset(("a", "an", "the", "of", "and", "or"))


def explicit_features(sources: Sequence[str], targets: Sequence[str]) -> NDArray[np.float64]:
    """Compute the features of pairs of Chinese and English text; 0 where nothing is wrong, rising with trouble.

    Parameters
    ----------
    sources, targets : sequence of str

    Returns
    -------
    ndarray of shape (n_pairs, len(FEATURES))
        In the order of `FEATURES`; each in [0, 1] but for `names`, `short` and `long`, which are at most 3.
    """
    rows = []
    for source, target in zip(sources, targets, strict=True):
        deviation = length_deviation(source, target)
        rows.append(
            (
                number_trouble(source, target),
                name_trouble(source, target),
                wrong_script(target),
                min(3.0, max(0.0, -deviation - 1.0)),
                min(3.0, max(0.0, deviation - 1.0)),
                repeated_share(target),
                disorder(target),
            )
        )
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(FEATURES))


def content_size(text: str) -> int:
    """Count the characters that carry content: letters, ideographs and digits."""
    return len(_WORD.findall(text))


def length_deviation(source: str, target: str, source_lang: str = "zh", target_lang: str = "en") -> float:
    """How many spreads the log length ratio is away from the usual one; negative if the target is short."""
    usual = _LOG_RATIO * (target_lang.startswith("en") - source_lang.startswith("en"))
    # a few characters on both sides keep very short segments from looking extreme
    ratio = math.log((content_size(target) + 4.0) / (content_size(source) + 4.0 * math.exp(-usual)))
    return (ratio - usual) / _LOG_RATIO_SPREAD


def number_trouble(source: str, target: str, source_lang: str = "zh", target_lang: str = "en") -> float:
    """1 - product of (1 - confidence) over number findings that matter."""
    clean = 1.0
    for finding in compare_quantities(source, target, source_lang=source_lang, target_lang=target_lang):
        if finding.severity in ("major", "critical"):
            clean *= 1.0 - finding.confidence
    return 1.0 - clean


def name_trouble(source: str, target: str, source_lang: str = "zh", target_lang: str = "en") -> float:
    """How many names and terms are expected to be wrong, at most 3: the sum of the confidences of the findings.

    Against the termbase that comes with bitext only: how good a translation is does not depend on the house it is for.
    """
    findings = check_terms(
        [(source, target)], with_default(None), source_lang=source_lang, target_lang=target_lang
    )
    wrong = (f.confidence for _, f in findings if f.severity in ("major", "critical"))
    return min(3.0, sum(wrong, 0.0))


def wrong_script(target: str, target_lang: str = "en") -> float:
    """Share of the target that is still Chinese (or, into Chinese, that is not Chinese at all)."""
    size = content_size(target)
    if not size:
        return 1.0
    han = len(_HAN.findall(target)) / size
    return han if target_lang.startswith("en") else float(han == 0.0)


def is_copied(source: str, target: str) -> bool:
    """Whether the target is the source as it stands, in Chinese."""
    return bool(_HAN.search(source)) and _squeezed(source) == _squeezed(target)


def repeated_share(target: str) -> float:
    """Share of the words that say again what the words right before them said: "the end the end the end"."""
    words = _TOKEN.findall(target.lower())
    n = len(words)
    if n < 2:
        return 0.0
    repeated = 0
    for size in range(1, min(12, n // 2) + 1):
        same = sum(words[i : i + size] == words[i - size : i] for i in range(size, n - size + 1))
        # one word twice is often right ("had had", "very very"), a longer phrase never
        repeated = max(repeated, same * size if size > 1 or same > 1 else 0)
    return min(1.0, repeated / n)


def disorder(target: str) -> float:
    """How often an English word is followed by one that cannot follow it ("the of", "a is", "and" at the end).

    Returns
    -------
    float
        In [0, 1]; 1 from one such place in ten words.  Sentences as people write them have none.
    """
    words = _PLAIN.findall(target)  # capitals stay: "vitamin A and" is no article
    wrong = sum(
        (a in ("a", "an", "the") and b in _AFTER_ARTICLE)
        or (a == "of" and b in _AFTER_OF)
        or (a in _NEVER_LAST and b[0] in ".!?")
        for a, b in itertools.pairwise([*words, "."])
    )
    return min(1.0, 10.0 * wrong / len(words)) if words else 0.0


def _squeezed(text: str) -> str:
    return "".join(text.split())
