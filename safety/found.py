"""What a finding of personal data is: its kind, its place, and what is written instead."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "phone",
    "id_card",
    "email",
    "qq",
    "wechat",
    "bank_card",
    "passport",
    "plate",
    "birth_date",
    "name",
    "address",
    "school",
    "employer",
]
PLACEHOLDERS: dict[Kind, str] = {
    "phone": "[手机号]",
    "id_card": "[身份证号]",
    "email": "[邮箱]",
    "qq": "[QQ号]",
    "wechat": "[微信号]",
    "bank_card": "[银行卡号]",
    "passport": "[护照号]",
    "plate": "[车牌号]",
    "birth_date": "[出生日期]",
    "name": "[姓名]",
    "address": "[地址]",
    "school": "[学校]",
    "employer": "[单位]",  # a company, hospital or bank's branch
}
HIDDEN = "\ue000"
"""What stands in the place of a placeholder while a text is searched: a private character, part of no pattern."""


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of personal data; `start` and `end` are positions in the text as it was given."""

    kind: Kind
    start: int
    end: int
