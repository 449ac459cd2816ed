"""The prompts that a conversation can be rewritten with, as data; each row says which one by id and hash."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).with_name("prompts")
SLOT = "{single_turn}"


class PromptError(ValueError):
    """A prompt that is not there, or that is none; the message names those that there are."""


@dataclass(frozen=True)
class Prompt:
    """One user message, in which `SLOT` stands for the question and its answer."""

    id: str
    language: str
    source: str  # where the wording comes from
    text: str

    @property
    def key(self) -> str:
        """`id@hash`, which changes with every character of the wording."""
        return f"{self.id}@{hashlib.sha256(self.text.encode()).hexdigest()[:8]}"

    def render(self, question: str, answer: str | None) -> str:
        """The message for a question and, where there is one, its answer, laid out as in appendix C of the paper."""
        single_turn = f"用户：{question}" + (f"\n心理咨询师：{answer}" if answer else "")
        return self.text.replace(SLOT, single_turn)


@cache
def prompts() -> Mapping[str, Prompt]:
    """All prompts, by id."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.yaml"))}


def prompt(name: str) -> Prompt:
    """The prompt with this id.

    Raises:
        PromptError: where there is none.
    """
    if name not in prompts():
        raise PromptError(f"no prompt {name!r}; there are {', '.join(prompts())}")
    return prompts()[name]


def correction(reason: str) -> str:
    """What a model is told, once, when its conversation was refused for `reason`."""
    return f"这段对话不符合要求：{ADVICE.get(reason, reason)}。请重新写出完整的对话，只写对话。"


ADVICE = {
    "no_transcript": "没有按“用户：”和“心理咨询师：”逐行书写",
    "too_few_rounds": "不足 8 轮",
    "too_many_rounds": "超过 20 轮",
    "starts_with_counsellor": "应当由用户先开口",
    "ends_with_user": "应当以心理咨询师的话结束",
    "not_alternating": "两人应当一人一句，轮流说话",
    "turn_too_long": "有一句话太长，每句不超过 300 字",
    "role_label": "一句话里混入了另一个人的话",
    "ai_self_reference": "心理咨询师不应提到自己是人工智能",
    "refusal": "拒绝了改写；原文是公开的求助文字，请改写成对话",
    "copied_answer": "照抄了原来的回答",
    "list_style": "心理咨询师列了清单",
    "facts_lost": "没有保留用户原文中的事实",
    "cut_off": "最后一句没有写完",
    "placeholder": "含有占位符",
    "repeated_turns": "同样的话说了多次",
    "one_sided": "有一方几乎没有说话",
    "leaked_prompt": "重复了要求里的文字",
}
"""Reasons in the words of the prompts' readers."""


def _read(path: Path) -> Prompt:
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict) or set(values) != {"language", "source", "text"}:
        raise PromptError(f"{path} must hold exactly language, source and text")
    if str(values["text"]).count(SLOT) != 1:
        raise PromptError(f"{path}: the text must hold {SLOT} once")
    return Prompt(path.stem, **values)
