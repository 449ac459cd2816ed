"""Made-up personal data as people write it: spaced, in full width, in Chinese numerals."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from faker import Faker

from safety.found import Kind

WRITTEN: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
NUMERALS = "零一二三四五六七八九"
WIDE = {ord(character): ord(character) + 0xFEE0 for character in map(chr, range(0x21, 0x7F))}
Piece = Callable[[random.Random, Faker, str], str]


def _one(rng: random.Random, words: str, part: str = "anywhere") -> str:
    return str(rng.choice(WRITTEN[part][words].split()))


def _grouped(digits: str, sizes: list[int], separator: str) -> str:
    parts, start = [], 0
    for size in sizes:
        parts.append(digits[start : start + size])
        start += size
    return separator.join(part for part in [*parts, digits[start:]] if part)


def _in_numerals(digits: str) -> str:
    return "".join(NUMERALS[int(digit)] for digit in digits)


def phone(rng: random.Random, fake: Faker, part: str) -> str:
    if rng.random() < 0.15:
        area, rest = rng.choice(["010", "021", "0571", "028", "0731", "0755"]), str(rng.randrange(30000000, 89999999))
        return rng.choice(["{}-{}", "({}){}", "{} {}", "{}{}", "（{}）{}"]).format(area, rest)
    number = fake.phone_number()
    match rng.randrange(8):
        case 0:
            return _grouped(number, [3, 4, 4], rng.choice(" -."))
        case 1:
            return number.translate(WIDE)
        case 2:
            return _in_numerals(number).replace("一", rng.choice("一幺"))
        case 3:
            return number[:3] + _in_numerals(number[3:7]) + number[7:]
        case 4:
            return f"+86 {number}"
        case 5:
            return _grouped(number, [1] * 11, " ")
        case _:
            return number


def id_card(rng: random.Random, fake: Faker, part: str) -> str:
    number = fake.ssn()
    match rng.randrange(5):
        case 0:
            return _grouped(number, [6, 8, 4], rng.choice(" -"))
        case 1:
            return number.translate(WIDE)
        case 2:
            return number.lower()
        case 3:
            return _grouped(number, [6, 4, 4, 4], " ")
        case _:
            return number


def email(rng: random.Random, fake: Faker, part: str) -> str:
    domain = rng.choice(
        ["qq.com", "163.com", "126.com", "gmail.com", "outlook.com", "sina.cn", "stu.edu.cn", "foxmail.com"]
    )
    user = rng.choice([fake.user_name(), str(rng.randrange(10**7, 10**10)), f"{fake.user_name()}_{rng.randrange(99)}"])
    match rng.randrange(7):
        case 0:
            return f"{user}＠{domain}"
        case 1:
            return f"{user} AT {domain.replace('.', ' 点 ')}"
        case 2:
            return f"{user}@{domain.replace('.', '点')}"
        case 3:
            return f"{user} @ {domain}"
        case 4:
            return f"{user}(at){domain}"
        case _:
            return f"{user}@{domain}"


def qq(rng: random.Random, fake: Faker, part: str) -> str:
    number = str(rng.randrange(10**5, 10**10))
    return rng.choice([number, number, number.translate(WIDE), _in_numerals(number) if len(number) > 6 else number])


def wechat(rng: random.Random, fake: Faker, part: str) -> str:
    name = "".join(character for character in fake.user_name() if character.isalnum())[:10]
    return rng.choice([f"{name}{rng.randrange(100, 9999)}", f"{name}_{rng.randrange(100, 999)}", f"wxid_{name}88"])


def bank_card(rng: random.Random, fake: Faker, part: str) -> str:
    if rng.random() < 0.3:
        number = fake.credit_card_number()
    else:
        number = "62" + "".join(rng.choice("0123456789") for _ in range(rng.choice([13, 16, 16])))
        number += next(digit for digit in "0123456789" if _luhn(number + digit))
    match rng.randrange(4):
        case 0:
            return _grouped(number, [4, 4, 4, 4], " ")
        case 1:
            return _grouped(number, [4, 4, 4, 4], "-")
        case 2:
            return number.translate(WIDE)
        case _:
            return number


def _luhn(number: str) -> bool:
    total = sum(int(digit) for digit in number[-1::-2])
    return (total + sum(int(digit) * 2 - 9 * (digit > "4") for digit in number[-2::-2])) % 10 == 0


def passport(rng: random.Random, fake: Faker, part: str) -> str:
    number = rng.choice(["E", "G", "e"]) + str(rng.randrange(10**7, 10**8))
    return rng.choice([number, number, number.translate(WIDE), f"E{rng.choice('ABCDH')}{rng.randrange(10**6, 10**7)}"])


def plate(rng: random.Random, fake: Faker, part: str) -> str:
    area, digits = fake.license_plate().split("-")
    area = area.replace("I", "A").replace("O", "B")
    if rng.random() < 0.3:
        digits = rng.choice("DF") + digits
    elif rng.random() < 0.5:
        digits = rng.choice("ABCKLPQXY") + digits[1:]
    whole = area + rng.choice(["", "·", " ", "-"]) + digits
    return rng.choice([whole, whole, whole.lower(), whole.translate(WIDE).replace("　", " ")])


def birth_date(rng: random.Random, fake: Faker, part: str) -> str:
    born = fake.date_of_birth(minimum_age=8, maximum_age=80)
    year, month, day = born.year, born.month, born.day
    numerals = f"{_in_numerals(str(year))}年{_counted(month)}月{_counted(day)}日"
    forms = [f"{year}年{month}月{day}日", f"{born}", f"{year}.{month}.{day}", f"{born:%Y%m%d}", numerals]
    return rng.choice([*forms, f"{year % 100:02}年{month}月{day}号", f"{year}/{month}/{day}"])


def _counted(number: int) -> str:
    tens, ones = divmod(number, 10)
    return ("", "十", "二十", "三十", "四十", "五十")[tens] + (NUMERALS[ones] if ones else "")


def name(rng: random.Random, fake: Faker, part: str) -> str:
    return str(fake.name())


def address(rng: random.Random, fake: Faker, part: str) -> str:
    number = rng.randrange(1, 400)
    street = f"{_one(rng, 'roads')}{rng.choice([str(number), _counted(rng.randrange(1, 40))])}号"
    rooms = f"{rng.randrange(1, 40)}栋{rng.randrange(1, 7)}单元{rng.randrange(101, 3300)}室"
    city = f"{_one(rng, 'cities')}市{_one(rng, 'districts')}"
    match rng.randrange(8):
        case 0:
            return str(fake.address())
        case 1:
            return str(fake.address()).rpartition(" ")[0]
        case 2:
            return f"{city}{street}"
        case 3:
            return f"{city}{street}{_one(rng, 'estates')}{rooms}"
        case 4:
            return f"{_one(rng, 'estates')}{rooms}"
        case 5:
            return f"{city}{street}".translate(WIDE)
        case 6:
            return f"{street}{rng.randrange(1, 30)}号楼{rng.randrange(101, 3000)}"
        case _:
            lane = f"{_one(rng, 'cities')}{_one(rng, 'roads')}{number}弄"
            return f"{lane}{rng.randrange(1, 99)}号{rng.randrange(101, 900)}室"


def school(rng: random.Random, fake: Faker, part: str) -> str:
    city, district = _one(rng, "cities"), _one(rng, "districts")
    forms = [
        _one(rng, "universities", part),
        _one(rng, "universities", part),
        f"{city}{rng.choice(['', '市'])}第{_counted(rng.randrange(1, 60))}中学",
        f"{city}{_one(rng, 'patrons', part)}{rng.choice(['中学', '小学', '幼儿园'])}",
        f"{district}{rng.choice(['实验小学', '中心小学', '第二幼儿园', '外国语学校'])}",
        f"{city}{_counted(rng.randrange(1, 20))}中",
        f"{_one(rng, 'patrons', part)}{rng.choice(['中学', '小学'])}",
    ]
    return rng.choice(forms)


def employer(rng: random.Random, fake: Faker, part: str) -> str:
    city = _one(rng, "cities")
    forms = [
        fake.company(),
        fake.company(),
        f"{city}{_one(rng, 'firms', part)}{rng.choice(['贸易', '科技', '物流'])}{rng.choice(['有限公司', '公司'])}",
        f"{city}{rng.choice(['', '市'])}{_one(rng, 'hospitals', part)}",
        f"{rng.choice(['工商', '建设', '招商'])}银行{city}{_one(rng, 'roads')[:2]}支行",
    ]
    return str(rng.choice(forms))


PIECES: dict[Kind, Piece] = {
    "phone": phone,
    "id_card": id_card,
    "email": email,
    "qq": qq,
    "wechat": wechat,
    "bank_card": bank_card,
    "passport": passport,
    "plate": plate,
    "birth_date": birth_date,
    "name": name,
    "address": address,
    "school": school,
    "employer": employer,
}
