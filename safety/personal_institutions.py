"""Where somebody studies or works: schools, companies, hospitals and branches of banks by their proper names.

A name is proper with a place in it (杭州第二中学), with a known name at its head (复旦大学), or in the full form of a
firm (…有限公司). 我的大学, 一所重点中学 and 北京的公司 name nothing.
"""

import re
from collections.abc import Iterator

from safety.found import Found, Kind
from safety.personal_places import NAME, first_region, name_run
from safety.personal_words import words

_SCHOOL = re.compile("(?:大学|学院|中学|小学|幼儿园|学校|附中|附小)(?!生(?!活))(?:附属(?:中学|小学|幼儿园|医院))?")
_NUMBERED = re.compile("第?[一二三四五六七八九十]{1,3}中(?=[^午心间国文学秋医毒]|$)")
_FIRM = re.compile("(?:股份有限公司|有限责任公司|有限公司)")
_EMPLOYER = re.compile("(?:公司|集团|医院|保健院|卫生中心|支行|分行|事务所|研究院|研究所)")
_FIRM_RUN = re.compile(rf"(?:{NAME}|[A-Za-z0-9（）()&·]){{2,24}}$")
_LEADS = re.compile(
    ".*(?:离开|离职|辞职|辞去|裁员|就职于|任职于|供职于|入职|加入|进入|跳槽|面试|签约|名称|单位|公司叫|公司是|应聘|就读于?|毕业于?|考[上入进取]|转学|转校|报考|录取|本科|硕士|博士|高中|初中|以前|现在|曾经|从|因为|公司[和与、])"
)
_PLACE = re.compile(
    rf"(?:(?![本全外同各某个])(?!省会){NAME}){{2,4}}?(?:(?<!城)市|[镇乡县]|(?<![校地社小城市郊])(?<![困远农]山)区)"
    rf"|(?![本全外同各某]){NAME}县"
)
# A name of which nothing is known counts where a sentence says that somebody goes there: 就读于春晖中学.
_ATTENDED = re.compile(
    rf"(?:(?:就读于?|毕业于|毕业自|考[上入进取]了?|转学?到了?)({NAME}{{2,5}}?)(?:大学|学院|中学|小学|幼儿园)"
    rf"|[在是到上从]({NAME}{{2,4}}?)(?:中学|小学|幼儿园)(?=[读念当]|上学|上班|的学生|的老师|学生|老师|教书|任教|毕业|退学|休学|转学|转到|上[高初一二三四五六]|住校|寄宿|被同学))(?!生(?!活)|会)"
)
_NO_SCHOOL = re.compile("[一上读课对和从自于因个名位所高初中大小老好更各]")
_LEVELS = re.compile("[省市区县州]|自治区")


def institutions(text: str) -> Iterator[Found]:
    """Schools first, then employers."""
    if "学" in text or "园" in text or "附" in text or "中" in text:
        yield from _proper(text, _SCHOOL, "school")
        yield from _proper(text, _NUMBERED, "school")
        yield from _attended(text)
    if "有限" in text:
        yield from _firms(text)
    if any(sign in text for sign in ("公司", "院", "行", "集团", "中心", "所")):
        yield from _proper(text, _EMPLOYER, "employer")


def _proper(text: str, suffix: re.Pattern[str], kind: Kind) -> Iterator[Found]:
    for match in suffix.finditer(text):
        first = name_run(text, match.start())
        run = text[first : match.start()].replace(" ", "·")
        lead = _LEADS.match(run)
        if lead and first_region(run[: lead.end()]) != 0:
            first, run = first + lead.end(), run[lead.end() :]
        begin = _proper_start(run, kind, suffix is _NUMBERED)
        if begin is not None:
            yield Found(kind, first + begin, match.end())


def _attended(text: str) -> Iterator[Found]:
    for match in _ATTENDED.finditer(text):
        group = 1 if match.group(1) else 2
        name = match.group(group)
        if not _NO_SCHOOL.search(name) and not _is_generic(name) and name not in words().kinds:
            yield Found("school", match.start(group), match.end())


def _proper_start(run: str, kind: Kind, numbered: bool) -> int | None:
    """Where in `run`, what stands before 大学 or 公司, a proper name begins; None where nothing is named."""
    known = words()
    heads = known.schools if kind == "school" else known.employers
    for start in range(len(run)):
        if any(run[start : start + length] in heads for length in range(2, 7)):
            return start if not _is_generic(run[start + 2 :]) else None
        for length in (5, 4, 3, 2):
            if run[start : start + length] in known.regions:
                rest = _LEVELS.sub("", run[start + length :], count=1)
                enough = rest == "中" or len(rest) >= 2 or kind == "school"
                named = enough and not _is_generic(rest, known.kinds) and not (numbered and len(rest) > 4)
                return start if named else None
    place = _PLACE.search(run)
    if place and not _is_generic(run[place.end() :]) and (numbered or len(run) > place.end()):
        return place.start()
    return None


def _is_generic(middle: str, but: frozenset[str] = frozenset()) -> bool:
    """Whether a word in `middle` says that nothing is named; `but` are words that say so only without a place."""
    generic = words().generic - but
    return middle in generic or any(
        middle[start : start + length] in generic for length in (2, 3, 4) for start in range(len(middle) - length + 1)
    )


def _firms(text: str) -> Iterator[Found]:
    for match in _FIRM.finditer(text):
        window = max(0, match.start() - 28)
        run = _FIRM_RUN.search(text[window : match.start()])
        if not run:
            continue
        lead = _LEADS.match(run.group())
        begin = lead.end() if lead and lead.end() < len(run.group()) - 1 else 0
        if not _is_generic(run.group()[begin:][:2]):
            yield Found("employer", window + run.start() + begin, match.end())
