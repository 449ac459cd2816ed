"""Somebody who says who they are, in a way that identifies: in place of the paper's literal 我是, which hits one in 5.

A full name after 我叫 or 我的名字是; a full name after 我是 where a greeting, an age or an occupation shows that it is
one; a person with a title at a named organisation. 我是一个学生, 我是独生女, 我叫小雨 and 我是李女士 identify nobody.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from dataset_builder.cleaning.shape import Messages, Rule

_WORDS = Path(__file__).with_name("identity.yaml")

_GIVEN = r"[\u4e00-\u9fff]{1,2}(?<![人员的生者了亲身子女男狼])"
_END = r"(?=[，。！？、；,.!?（(\s]|$)"
_GREETED = r"(?:[你您]好|大家好|老师|医生|咨询师|在吗)[，。！：,!\s]{0,2}"
_AGE_FOLLOWS = (
    r"(?=[，,]{0,1}(?:今年|现年)?\d{1,2}岁|[，,](?:男|女|今年|来自|最近|现年)|[。](?:最近|我最近|今年|我今年))"
)


def discloses_identity(messages: Messages) -> str | None:
    """`identity` where a turn names its speaker."""
    return "identity" if any(found(turn["content"]) for turn in messages) else None


def found(text: str) -> str | None:
    """The words with which the speaker of `text` identifies themselves."""
    if "我" not in text and "本人" not in text:
        return None
    match = _disclosure().search(text)
    return match.group() if match else None


@cache
def _disclosure() -> re.Pattern[str]:
    import yaml  # 40 ms: on first use

    words = yaml.safe_load(_WORDS.read_text(encoding="utf-8"))
    surname = f"(?:{'|'.join(words['compound'])}|[{words['surnames'].replace(' ', '')}])"
    named = "|".join(words["no_given"])
    name = (
        rf"(?!(?:{'|'.join([*words['compound'], *words['not_names']])}){_END}){surname}(?!(?:{named}){_END})" + _GIVEN
    )
    place = rf"(?!一[家所个名]|某|很|重点|这|那|我)[\u4e00-\u9fffA-Za-z]{{2,12}}(?:{'|'.join(words['organisations'])})"
    title = "|".join(words["titles"])
    occupation = "|".join(words["occupations"])
    return re.compile(
        rf"(?:我叫|我的(?:真名|全名|本名|名字|姓名)(?:是|叫|就是|就叫)|本人姓名[是：]?){name}{_END}"
        rf"|{_GREETED}我是{name}{_END}{_AGE_FOLLOWS}"
        rf"|我是(?:一[名位个])?(?:国家)?[一二三]?级?(?:著名|知名)?(?:{occupation})[，：: ]?{name}{_END}"
        rf"|我是(?:在)?{place}的?{surname}(?:{title}){_END}"
        rf"|{_GREETED}我是(?:在)?{place}的?{name}{_END}"
    )


RULES: Mapping[str, Rule] = {"identity": discloses_identity}
