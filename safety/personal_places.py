"""Where somebody lives: addresses down to a house. A city, a district or a street alone is none, nor is a floor."""

import re
from collections.abc import Iterator

from safety.found import Found
from safety.personal_words import words

HAN = "\u3400-\u9fff"
# Characters that end a name on its left: none of them is common inside the name of a street, a school or a company.
NAME = (
    rf"(?:(?![的了我你您他她它们是在住址到去往寄这那就也还没说找很请及或跟被把让给叫想要能着吗呢吧啊哪么怎])[{HAN}])"
)
_RUN = re.compile(rf"(?:{NAME}|(?<=[省市区县镇乡道村]) )+$")
LONGEST = 32  # characters of a name, with the regions before it

_NUMERAL = "一二三四五六七八九十百零〇两"
_N = rf"(?:[0-9]{{1,5}}(?:[-—之][0-9]{{1,4}})?[甲乙丙丁A-Za-z]?|[{_NUMERAL}]{{1,5}}|[A-Za-z][0-9]{{0,3}}|[甲乙丙丁])"
_PART = rf"(?: ?[-—,，]? ?{_N} ?(?:号楼|号院|支弄|单元|号|弄|栋|幢|座|楼|层|室|户|房|院|巷))"
_ROOM = r"(?: ?[-—]? ?[0-9]{3,4}(?![0-9元块年米天个]))"
_POSTCODE = r"(?:[ ，,]{0,2}(?:邮编|邮政编码)?[:： ]{0,2}[0-9]{6}(?![0-9]))"
_ESTATE = "(?:小区|花园|公寓|新村|家园|嘉园|庄园|社区|大厦|广场|宿舍|家属院|苑|城|庭|府|湾|园|里|院|村)"
_TAIL = rf"{_PART}{{0,5}}{_ROOM}?{_POSTCODE}?"
_STREET = re.compile(
    rf"(?:路|街|大道|道|巷|胡同|弄)(?:[东西南北中]{{1,2}}[段路街巷]?|[{_NUMERAL}]{{1,2}}[段巷弄路街])?"
    rf" ?{_N} ?(?:号楼|号院|号|弄|座|栋|幢|巷|院)(?:{NAME}{{1,8}}{_ESTATE}(?={_PART}))?{_TAIL}"
)
_BUILDING = re.compile(rf"{_ESTATE} ?[,，]? ?{_N} ?(?:(?:号楼|栋|幢|座|单元|号院|弄){_TAIL}|[号期]{_PART}{_TAIL})")
_INSIDE = re.compile(
    rf"(?<![0-9{_NUMERAL}]){_N} ?(?:栋|幢|号楼|座) ?"
    rf"(?:{_N} ?单元 ?(?:{_N} ?(?:室|房|号|户|楼|层)|[0-9]{{3,4}})?|[0-9]{{3,4}} ?(?:室|房|号|户)?)(?![0-9])"
)
_VILLAGE = re.compile(rf"[镇乡道]({NAME}{{1,6}})村(?:{_N} ?(?:组|队|社|号|屯))?")
_COUNTY = re.compile("[县区市旗]")
_HOUSE = re.compile("[路街道巷弄同区园寓村厦场舍苑城庭府湾里院] ?[0-9]|号[楼院]|[弄栋幢座室单]")
_LEVEL = re.compile(rf"{NAME}{{1,3}}?[省市县区镇乡]")
# 走路, 逛街, 半路 …: no streets, whatever number comes after.
_NO_STREET = frozenset("走逛上赶半马公铁思出退活生绝死歧弯网线带领一顺迷修认过两沿满扫对探夜铺条知味难心小")
_NO_ESTATE = frozenset(
    {"小区", "学校", "公司", "单位", "学生", "员工", "男生", "女生", "一个", "整个", "同一个", "隔壁", "附近", "老家"}
)


def addresses(text: str) -> Iterator[Found]:
    """Addresses from the region before the street to the room and the postcode, as one finding each."""
    spans: list[tuple[int, int]] = []
    if any(sign in text for sign in "号栋幢座弄村元"):
        spans += _streets(text)
        spans += _buildings(text)
        spans += (match.span() for match in _INSIDE.finditer(text))
        spans += _villages(text)
    last: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if last and (start <= last[1] or text[last[1] : start] in (" ", "，", ",", "、")):
            last = last[0], max(end, last[1])
            continue
        if last:
            yield Found("address", *last)
        last = start, end
    if last:
        yield Found("address", *last)


def name_run(text: str, end: int) -> int:
    """Where the characters before `end` begin that could all be of one name."""
    window = max(0, end - LONGEST)
    run = _RUN.search(text[window:end])
    return window + run.start() if run else end


def first_region(run: str) -> int | None:
    """Where the first province, city or district that is known begins in `run`; 长江西路 is not in 江西."""
    regions = words().regions
    for start in range(len(run) - 1):
        for length in (2, 3, 4, 5):
            if run[start : start + length] in regions and (start == 0 or start + length < len(run)):
                return start
    return None


def _begin(run: str, longest: int) -> int:
    """Where in `run` the address begins: its first region, its first 市 or 县, or `longest` characters of a name."""
    region = first_region(run)
    if region is not None:
        return region
    level = _LEVEL.search(run)
    return level.start() if level else max(0, len(run) - longest)


def _streets(text: str) -> Iterator[tuple[int, int]]:
    for match in _STREET.finditer(text):
        first = name_run(text, match.start())
        run = text[first : match.start()]
        if not run:
            continue
        if first_region(run) is None and (len(run) < 2 or run[-1] in _NO_STREET or run == "一大"):
            continue
        yield first + _begin(run, 4), match.end()


def _buildings(text: str) -> Iterator[tuple[int, int]]:
    for match in _BUILDING.finditer(text):
        first = name_run(text, match.start())
        run = text[first : match.start()]
        if len(run) >= 2 and run[-2:] not in _NO_ESTATE and not match.group().endswith(("一栋", "一幢", "一座")):
            yield first + _begin(run, 6), match.end()


def _villages(text: str) -> Iterator[tuple[int, int]]:
    for match in _VILLAGE.finditer(text):
        first = name_run(text, match.start())
        run = text[first : match.start()]
        if _COUNTY.search(run):
            yield first + _begin(run, 6), match.end()
