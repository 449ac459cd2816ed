"""Names of people, by what stands before or after them and by how Chinese names are built.

A surname with a title or a prefix (张老师, 小李, 老王) is how people are referred to: it names too many to identify
anybody, and counts only as part of a full name.
"""

import re
from collections.abc import Iterator

from safety.found import Found
from safety.personal_words import Words, words

_HAN = "\u3400-\u9fff"
_IS_HAN = re.compile(f"[{_HAN}]{{1,2}}")
_NEVER = frozenset("的了是我你您他她它们在不也都就吗呢吧啊这那个几么怎哪来去说着过给对很要会能被把跟老某氏")
_MOST_AFTER = 2  # characters of the longest word in `after_names`
# Surnames that are words of their own: the name must be followed by a sign or by one of `after_names`.
_WORDS_TOO = frozenset("曾高方于任白许何余尤毛万辛")

_QUOTE = "[“\"「『‘' ]?"
_SAID = re.compile(
    rf"(?:(?:我的?|本人|[名本真全大原]|名字|小孩|孩子|宝宝)(?:名字)?叫(?:做|作)?|姓名(?:是|为|叫|[:：])?|"
    rf"名字(?:是|为|[:：])|真名是?|本名是?|署名|名为) ?{_QUOTE}"
)
_CALLED = re.compile(rf"(?:叫(?:做|作)?|自称是?|化名|我是|[:：]) ?{_QUOTE}")
_IS = re.compile(f"是{_QUOTE}")
_RELATION = re.compile(
    "(?:同事|同学|同桌|朋友|网友|战友|老公|丈夫|妻子|老婆|爱人|[男女]友|室友|舍友|闺蜜|班主任|辅导员|领导|上司|老板|经理|客户|邻居|妹妹|妹|弟弟|弟"
    "|姐姐|哥哥|爸爸?|妈妈?|父亲|母亲|儿子|女儿|孩子|前任|对象|导师|教授|医生|大夫|老师|咨询师|校长|主任|书记|班长|组长|学生|患者|病人|学姐|学长|学妹|学弟"
    "|师兄|师姐|家长|房东|司机|伙伴|发小|初恋|未婚[夫妻]|公公|婆婆|岳[父母]|嫂子?|姑姑|叔叔|舅舅|姨妈|[表堂][哥姐弟妹])(?:名?叫|就?是|[:：，])?"
)
_TITLE = re.compile(
    "老师|医生|大夫|教授|主任|先生|女士|小姐|同学|经理|校长|院长|律师|博士|师傅|护士|警官|书记|总监|科长|处长|局长|同志|咨询师|阿姨|叔叔|哥|姐"
)
_GREETED = re.compile(r"(?:[你您]好|早上好|晚上好|谢谢[你您]?|感谢[你您]?|亲爱的|尊敬的|再见|加油|辛苦了)[，,、 ]?")
_GREETING = re.compile("[，,、 ](?:[你您]好|早上好|晚上好|谢谢[你您]|感谢[你您])")
_PART = rf"(?:(?![{''.join(sorted(_NEVER - set('那阿买')))}和与跟叫今])[{_HAN}])"
_FOREIGN = re.compile(
    rf"(?:我是|我叫|名叫|姓名[:：是]?|名字叫|名字是)({_PART}{{2,6}}(?:[·•・‧]{_PART}{{1,6}}){{1,3}})"
)


def names(text: str) -> Iterator[Found]:
    """Full names, and wherever in `text` a name stands again that was found in it."""
    known: dict[str, None] = {}
    for start, end in _named(text, words()):
        known[text[start:end]] = None
        yield Found("name", start, end)
    for name in sorted(known, key=len, reverse=True):
        start = text.find(name)
        while start >= 0:
            yield Found("name", start, start + len(name))
            start = text.find(name, start + len(name))


def _named(text: str, known: Words) -> Iterator[tuple[int, int]]:
    if "叫" in text or "名" in text:
        for match in _SAID.finditer(text):
            yield from _name_at(text, match.end(), known, said=True)
    for match in _IS.finditer(text):
        if text[match.end() : match.end() + 1] in known.surnames:
            yield from _name_at(text, match.end(), known)
    for pattern in (_CALLED, _GREETED):
        for match in pattern.finditer(text):
            yield from _name_at(text, match.end(), known)
    for match in _RELATION.finditer(text):
        yield from _name_at(text, match.end(), known, related=match.group()[-1] not in "，:：是")
    for match in _TITLE.finditer(text):
        yield from _name_before(text, match.start(), known)
    for match in _GREETING.finditer(text):
        yield from _name_before(text, match.start(), known, alone=True)
    if "·" in text or "•" in text or "・" in text or "‧" in text:
        yield from (match.span(1) for match in _FOREIGN.finditer(text))


def _name_at(
    text: str, start: int, known: Words, said: bool = False, related: bool = False
) -> Iterator[tuple[int, int]]:
    """The name that begins at `start`.

    After 叫 or 姓名 (`said`) its characters may be any; after 同事 (`related`) any character may follow it.
    """
    surname = 2 if text[start : start + 2] in known.compound_surnames else 1
    first = text[start : start + 1]
    common = surname == 2 or first in known.surnames
    if not common and first not in known.rare_surnames:
        return
    for given in (2, 1) if common or said else (2,):
        end = start + surname + given
        characters = text[start + surname : end]
        if len(characters) < given or not _IS_HAN.fullmatch(characters) or _is_ordinary(text, start, end, known):
            continue
        if characters in known.not_given:
            continue
        usual = all(character in known.given for character in characters)
        loose = (said and given == 2) or (related and common and first not in _WORDS_TOO)
        bounded = _is_bounded(text, end, known)
        if (usual and (bounded or loose)) or (said and common and bounded):
            yield start, end
            return


def _name_before(text: str, end: int, known: Words, alone: bool = False) -> Iterator[tuple[int, int]]:
    """The full name that a title follows: three characters, or two (`alone`: of whatever length) after a sign."""
    for length in (4, 3, 2):
        start = end - length
        if start < 0:
            continue
        surname = 2 if text[start : start + 2] in known.compound_surnames else 1
        given = text[start + surname : end]
        if not 1 <= len(given) <= 2 or (surname == 1 and text[start] not in known.surnames):
            continue
        if not all(character in known.given for character in given) or _is_ordinary(text, start, end, known):
            continue
        if given in known.not_given or text[max(0, start - 1) : start + 1] == "谢谢":
            return
        if (len(given) == 2 and not alone) or start == 0 or not _IS_HAN.match(text, start - 1):
            yield start, end
            return


def _is_ordinary(text: str, start: int, end: int, known: Words) -> bool:
    if any(text[start : start + length] in known.not_names for length in (2, 3, 4)):
        return True
    title = _TITLE.match(text, end - 1)  # 李琼小姐 is no 李琼小
    return bool(title and len(title.group()) > 1) or any(character in _NEVER for character in text[start:end])


def _is_bounded(text: str, end: int, known: Words) -> bool:
    if end == len(text) or not _IS_HAN.match(text, end):
        return True
    title = _TITLE.match(text, end)
    if title and len(title.group()) > 1:  # 柳姐姐 is no 柳姐 with a title 姐
        return True
    return text[end] in known.after_names or text[end : end + _MOST_AFTER] in known.after_names
