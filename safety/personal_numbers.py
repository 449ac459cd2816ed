"""Numbers that identify: identity card, passport, bank card, telephone, number plate, date of birth."""

import re
from collections.abc import Iterator

from safety.found import HIDDEN, Found
from safety.helplines import hotlines

_DIGIT = re.compile("[0-9]")
_NUMERAL = "零〇一二两三四五六七八九十"

# No \b and no \w: Chinese characters are word characters, and numbers stand next to them. Separators are spaces, a
# hyphen or a dot; the number of them between two digits is bounded, so a search takes linear time.
_ID_CARD = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]{0,2}[0-9]){13,16}[ -]{0,2}[0-9Xx](?![0-9A-Za-z])")
# The first two digits of its number: the province of issue.
_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
        "91",
    ]
)
_ID_CARD_NAMED = re.compile(rf"身份证[^0-9{HIDDEN}\n]{{0,8}}$")

_CARD = re.compile(r"(?<![0-9A-Za-z.+])(?!(?:00)?86[ -]?1[3-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])(?!\.[0-9])")
_CARD_NAMED = re.compile(rf"(?:[卡帐账][号户]|银行卡|储蓄卡|信用卡|借记卡|工资卡)[^0-9{HIDDEN}\n]{{0,8}}$")
_CARD_NEAR = re.compile(
    r"卡|账户|帐户|账号|帐号|银行|[工农建交招商中]行|农信|信用社|邮储|浦发|民生|兴业|平安|转账|转[到给入]|汇[款到给入]|存[到进入]|打款|打钱|打到|打给|收款|还款|支付宝"
)
_CARD_AFTER = re.compile(
    r"[^0-9。！？\n]{0,6}(?:这张|那张|的)?[^0-9。！？\n]{0,4}(?:卡|账户|帐户|银行|开户|[存转打汇][了过入进])"
)
# By the issuer's first digits: UnionPay (62), Visa in fours, Mastercard in fours. Luhn lets one number in ten pass.
_CARD_KNOWN = re.compile(r"62[0-9]{14,17}")
_CARD_IN_FOURS = re.compile(r"(?:4[0-9]{3}|5[1-5][0-9]{2}|62[0-9]{2})(?:[ -][0-9]{4}){3}(?:[ -]?[0-9]{1,3})?")

_PASSPORT = re.compile(
    rf"(?:护照|通行证)[^0-9A-Za-z{HIDDEN}。！？\n]{{0,8}}((?:[A-Za-z] ?[0-9]{{8}}|"
    rf"[A-Za-z]{{2}} ?[0-9]{{7}}))(?![0-9A-Za-z])"
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼] ?[A-HJ-NP-Za-hj-np-z][ ·•・‧.-]{0,2}"
    r"((?:[A-HJ-NP-Za-hj-np-z0-9][ ]?){4}(?:[A-HJ-NP-Za-hj-np-z0-9][ ]?)?"
    r"[A-HJ-NP-Za-hj-np-z0-9挂学警港澳])(?![0-9A-Za-z])"
)

# Eleven digits of a mobile number in groups as people write them; three or more in one group, or each by itself.
_MOBILE = re.compile(
    r"(?<![0-9A-Za-z.])(?:\+?(?:00)?86[ -]{0,2})?(1(?:[ .·_-]{0,3}[0-9]){10})(?![0-9A-Za-z])(?!\.[0-9])"
)
_MOBILE_GROUPS = re.compile(r"[0-9]+")
# Numbers of things: 学号016103396217 would do as a landline's.
_COUNTED = re.compile(r"(?:[学考单编工票序]号|考证号|订单|流水号?|编码|账号|卡号)[是为：: ]{0,3}$")
_LANDLINE_NAMED = re.compile(
    rf"(?:座机|电话|固话|固定电话|家里电话|单位电话|"
    rf"打)[^0-9{HIDDEN}。！？\n]{{0,6}}([2-8][0-9]{{2,3}}[ -]?[0-9]{{4}})(?![0-9A-Za-z])"
    r"(?!\.[0-9])(?! ?[元块万亿年月])"
)

_YEAR = rf"(?:(?:19|20)[0-9]{{2}}|[0-9]{{2}}|[{_NUMERAL}]{{2,4}})"
_DATE = (
    rf"(?:{_YEAR} ?[年./-] ?)(?:农历|阴历|阳历)?(?:[0-9]{{1,2}}|"
    rf"[{_NUMERAL}]{{1,2}}) ?[月./-] ?(?:[0-9]{{1,2}}|初?[{_NUMERAL}]{{1,3}})[日号]?"
)
_DAY = rf"(?:[0-9]{{1,2}}|[{_NUMERAL}]{{1,2}})月(?:[0-9]{{1,2}}|初?[{_NUMERAL}]{{1,3}})[日号]?"
_BORN_BEFORE = re.compile(
    r"(?:出生日期|出生年月日?|出生时间|出生[于在]|生于|生日|生辰|出生)"
    rf"[^0-9{_NUMERAL}{HIDDEN}，；。！？\n后]{{0,6}}({_DATE}|(?:19|20)[0-9]{{6}}|(?<=生日[是:：为在]){_DAY})(?![0-9])"
)
_BORN_AFTER = re.compile(
    rf"(?<![0-9{_NUMERAL}])({_DATE}|(?:19|20)[0-9]{{6}})(?=[^0-9{HIDDEN}，。！？\n]{{0,4}}(?:出生|生的|生日|生人|降生|来到这个世界))"
)


def numbers(text: str) -> Iterator[Found]:
    """Most specific first: the check digit of an identity card decides before that of a bank card."""
    digits = len(_DIGIT.findall(text))
    if digits >= 13:
        yield from (Found("id_card", *match.span()) for match in _ID_CARD.finditer(text) if _is_id_card(match))
        yield from (Found("bank_card", *match.span()) for match in _CARD.finditer(text) if _is_card(match))
    if digits >= 7:
        yield from (Found("passport", *match.span(1)) for match in _PASSPORT.finditer(text))
    if digits >= 3:
        yield from (Found("plate", *match.span()) for match in _PLATE.finditer(text) if _is_plate(match))
    if "生" in text:
        for pattern in (_BORN_BEFORE, _BORN_AFTER):
            yield from (Found("birth_date", *match.span(1)) for match in pattern.finditer(text))


def phones(text: str) -> Iterator[Found]:
    """Telephone numbers; after the accounts, which may be telephone numbers too. The package's hotlines are none."""
    if len(_DIGIT.findall(text)) < 7:
        return
    public = {re.sub(r"\D", "", entry.number) for entry in hotlines()}
    yield from (Found("phone", *match.span()) for match in _MOBILE.finditer(text) if _is_mobile(match.group(1)))
    for start, end in _called_phones(text):
        counted = _COUNTED.search(text, max(0, start - 8), start)
        if not counted and re.sub("[^0-9]", "", text[start:end]) not in public:
            yield Found("phone", start, end)
    for match in _LANDLINE_NAMED.finditer(text):
        if re.sub("[^0-9]", "", match.group(1)) not in public:
            yield Found("phone", *match.span(1))


def _called_phones(text: str) -> Iterator[tuple[int, int]]:
    import phonenumbers  # 60 ms: on first use

    for match in phonenumbers.PhoneNumberMatcher(text, "CN"):
        yield match.start, match.end


def _is_mobile(number: str) -> bool:
    groups = [len(group) for group in _MOBILE_GROUPS.findall(number)]
    second = re.sub("[^0-9]", "", number)[1]
    return second in "3456789" and (max(groups) >= 3 or max(groups) == 1)


def _is_plate(match: re.Match[str]) -> bool:
    """At least three of the places after the letter are digits, and spaces do not take it apart."""
    places = match.group(1)
    return len(_DIGIT.findall(places)) >= 3 and places.count(" ") <= 1


def _is_id_card(match: re.Match[str]) -> bool:
    """A right check digit and a date; the county is not looked up, for cards name counties renamed long ago."""
    from stdnum.cn import ric  # 20 ms: on first use
    from stdnum.exceptions import ValidationError

    number = re.sub("[ -]", "", match.group()).upper()
    if _ID_CARD_NAMED.search(match.string[max(0, match.start() - 12) : match.start()]):
        return len(number) in (15, 18)
    if len(number) == 15:  # those issued before 1999: no century, no checksum
        number = number[:6] + "19" + number[6:]
        number += ric.calc_check_digit(number + "?")  # it leaves the last place out
        try:
            return bool(ric.is_valid(number))
        except KeyError:  # of stdnum 2.2: a county that is not in its table, in a province that is
            return False
    if len(number) != 18 or number[:2] not in _PROVINCES or number[-1] != ric.calc_check_digit(number):
        return False
    try:
        return bool(ric.get_birth_date(number))
    except ValidationError:
        return False


def _is_card(match: re.Match[str]) -> bool:
    number = re.sub("[ -]", "", match.group())
    before = match.string[max(0, match.start() - 16) : match.start()].rpartition(HIDDEN)[2]
    if _CARD_NAMED.search(before):
        return len(number) >= 16 or _luhn(number)
    if not _luhn(number):
        return False
    known = _CARD_KNOWN.fullmatch(number) or _CARD_IN_FOURS.fullmatch(match.group())
    return bool(known or _CARD_NEAR.search(before) or _CARD_AFTER.match(match.string, match.end()))


def _luhn(number: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(doubled) + sum(map(int, number[-1::-2]))) % 10 == 0
