"""Negation of one side that nothing on the other side answers.

Only the clear cases: a firm negation on one side and no word on the other that could render it.  So neither an
affirmative rendering (不错, good; 不断, constantly) nor a negative word without "not" (unable, lack, keep from) is a
finding.  Any other negative word in the text hides a lost negation, which is the price of few false alarms
(`benchmarks/negation.md`).
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from bitext.data import Span


class NegationFinding(NamedTuple):
    """A negation that stands on one side only.

    `side` is where it stands, and `span` its place there, in code points.
    """

    side: Literal["zh", "en"]
    span: Span


# what is nearly always rendered by a negative word; traditional forms follow the simplified ones
_FIRM_ZH = re.compile(
    "[没沒]有|不[会會能是要想再必用需该該应應敢愿願肯知准许許易宜得太]|[无無][法需须須]|[并並][非不未]|尚未"
    "|[从從][不未没沒]|[绝絕决決]不|不可[能以]|不相信|不[认認][为為]|不同意|不支持|不接受|不允[许許]|未[能曾必]"
    "|[没沒][能法]|不存在|不喜[欢歡]|不[属屬]于|不包括|不具[备備]|不足以|毫[不无無]|不一定|切勿|[请請]勿"
    "|不建[议議]|不打算|不希望|不[准準][备備]|不影[响響]"
)
# questions, double negations, set phrases and comparisons: negative in form, or rendered without a negation
_IDLE_ZH = re.compile(
    r"(?P<verb>[\u4e00-\u9fff])[不没沒](?P=verb)"
    "|(?:[没沒]有|不)[^，。！；？?]{0,20}[吗嗎吧呢么麼？?]"
    "|不是[^。！？]{0,30}(?:就是|而是|吗|嗎|吧|才)|而不是|不得不|不能不|不[会會]不|不可不|[无無]不|[没沒]有不"
    "|非[^，。]{0,15}不可|如果[没沒]|要不是|[要若]是?[没沒]有|若不是|不[但仅僅只光单單]|[难難]道|何[尝嘗]"
    "|不能[再更]|不要[紧緊]|差[点點][没沒]|(?:[没沒]有|不能)比|不得[了已而]|不知不[觉覺]|不由得|恨不得|[舍捨巴怪顾顧]不得"
    "|不知道?[是为為何所]|毫[无無]疑[问問]|[从從]未有[过過]|[无無][处處]不在|不[要用][说說]|不能[说說]不|不[会會]太"
)
_NEGATIVE_ZH = re.compile(
    "[不没沒无無未非别別莫勿否甭毋弗亡难難免防止禁拒缺少失除反避绝絕忘误誤错錯差欠空才只仅僅刚剛罢罷休停岂豈何哪怎吗嗎"
    "谁誰却卻但尽盡待仍尚还還竟够夠么麽负負违違逃脱脫断斷弃棄戒弱低短稀罕异異抗毫坏壞聋聾哑啞盲瞎障碍礙减減阻拦攔缓緩"
    "挡擋穷窮贫貧废廢假伪偽独獨唯残殘冷乏闲閒鲜鮮疑漏丢丟破败敗输輸消撤辞辭迟遲隔孤单單讨討厌厭]"
)
_FIRM_EN = re.compile(r"\b(?:not|never|cannot)\b|n['’]\s?t\b", re.IGNORECASE)
_IDLE_EN = re.compile(
    r"""\bnot\ (?:only|to\ mention|least|just|merely|simply|until|yet|long|far|even|forget|all|every\w*|necessarily|less
        |more|fewer|later|earlier|exceed\w*|otherwise|surpris\w*|un\w+)\b
    |\b(?:if|or|why|as|but|and|though)\ not\b|,\ not\b|\bnever\ (?:mind|before|been\ (?:a\ )?better|cease\w*)\b
    |\bcan(?:no|['’])t\ help\b|\bcannot\ but\b|\bnothing\ (?:but\b|(?:other|more|less)\ than\b)
    |n['’]t\ (?:you|we|they|it|he|she|I|just|only|merely|simply|forget|even|yet|all|every\w*|necessarily)\b
    |(?:\bnot|n['’]t)\b[^.?!;]{0,80}\b(?:until|unless|before|but|just|only|except|without|beyond|than|too
        |because|let\ alone)\b
    |\b\w+n['’]t\ [^.!;]{0,80}\?""",
    re.IGNORECASE | re.VERBOSE,
)
_NEGATIVE_EN = re.compile(
    r"""n['’´`]\s?t\b|\bnon-|\b(?:no|not|non|nor|none|never|neither|nobody|nothing|nowhere|no-?one|cannot|cant|dont|without
    |lack\w*|fail\w*|refus\w*|reject\w*|declin\w*|hardly|scarcely|barely|rarely|seldom|few|little|den(?:y|ie[sd]|ying|ial)
    |avoid\w*|prevent\w*|stop\w*|ceas\w*|quit\w*|miss(?:ed|ing)|absen\w*|instead|rather|only|until|unless|except|less|least
    |too|beyond|free|ban(?:ned|s)?|forb\w*|prohibit\w*|against|doubt\w*|wrong\w*|hard|difficult\w*|ignor\w*|despite|ain|nay
    |nope|other|otherwise|anything|pending|yet|still|ever|exclu\w*|far|empty|withh\w*|halt\w*|los\w+|reluctan\w*|resist\w*
    |oppos\w*|keep\w*|kept|hate\w*|abandon\w*|before|blind\w*|zero|nude|naked|nonsense|wonder\w*|than|out|off
    |give\w*\ up|gave\ up|shy|away|forg[eo]t\w*|minimal\w*|vain|void|neglect\w*|spare[ds]?|short
    |worry|but|low\w*|differ\w*
    |remain\w*|need|replac\w*|restrain\w*|restrict\w*|block\w*|shut\w*|clos\w+|blank|entirely|break\w*|broken?|new
    |distract\w*|defect\w*
    |dis(?!c[oui]|h|k\b|ks\b|p[ltue]|t|ease)\w{3,}|un(?!der|it|i[oqvf]|cle|ti|less|to\b)\w{3,}
    |in(?:abil|accur|adeq|capab|compl|consis|correc|defin|depend|direct|effec|effic|elig|evit|exper|explic|famous|finite
    |formal|hum|just|numer|oper|sec|sens|signif|suffic|suppor|toler|val|vis|convinc|conven|appropr|frequ|access|vuln
    |divis|separ)\w*|im(?:poss|perf|pol|prob|prac|mat|mob|mora|mor|mut|pat)\w*|ir(?:reg|rel|resp|rev|rep)\w*
    |il(?:leg|lic|log)\w*|mis(?!s|t\b|ts|tr[eu]s|sion)\w{3,}|\w+less|non\w+)\b""",
    re.IGNORECASE | re.VERBOSE,
)


def compare_negation(chinese: str, english: str) -> NegationFinding | None:
    """Find a negation that stands on one side only.

    Parameters
    ----------
    chinese, english : str
        Translations of each other, a sentence or a few.

    Returns
    -------
    NegationFinding or None
        The first firm negation of a side, if the other one has nothing that could be its rendering.
    """
    if chinese.strip() and not _NEGATIVE_ZH.search(chinese):
        found = _FIRM_EN.search(_IDLE_EN.sub(_blank, english))
        return NegationFinding("en", found.span()) if found else None
    if english.strip() and not _NEGATIVE_EN.search(english):
        found = _FIRM_ZH.search(_IDLE_ZH.sub(_blank, chinese))
        return NegationFinding("zh", found.span()) if found else None
    return None


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
