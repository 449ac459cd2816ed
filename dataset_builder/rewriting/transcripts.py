"""A conversation in a model's answer, however it was laid out: labels, markdown, numbers, words before and after."""

import re

from dataset_builder.records import Messages

_USER = "用户|求助者|来访者|咨询者|倾诉者|当事人|User|Client|Patient|Seeker|Help-?seeker"
_COUNSELLOR = (
    "心理咨询师|心理咨询员|咨询师|心理医生|心理师|支持者|倾听者|Psychological Counsell?or|Psychologist|Counsell?or|"
    "Therapist|Supporter|Assistant"
)
_LABEL = rf"(?P<user>{_USER})|(?P<counsellor>{_COUNSELLOR})"
_NUMBER = r"(?:第?\s*[0-9一二三四五六七八九十]{1,3}\s*[轮回]?\s*[.、:：)）]\s*|Round\s*\d{1,2}\s*[.:：]?\s*)?"
_DRESS = r"[*_#>\-•【\[“\"'\s]*"
# A label opens a line, or stands after the end of a sentence; the colon may be dressed too: **用户**： and **用户：**.
_TURN = re.compile(
    rf"(?:^|(?<=[。！？!?”…\n])[ \t]*){_DRESS}{_NUMBER}{_DRESS}(?:{_LABEL})\s*"
    rf"(?:[（(][^）)\n]{{1,12}}[）)])?\s*\d{{0,2}}"
    rf"[*_】\]”\"'\s]*?[:：][ \t]*[*_]*[ \t]*",
    re.MULTILINE | re.IGNORECASE,
)
_ROUND_LINE = re.compile(
    rf"^{_DRESS}(?:第\s*[0-9一二三四五六七八九十]{{1,3}}\s*[轮回](?:对话)?|Round\s*\d{{1,2}}|\d{{1,2}}[.、)）]?)"
    r"[*_】\]\s]*[:：]?[*_\s]*$",
    re.MULTILINE | re.IGNORECASE,
)
_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"^\s*```[a-zA-Z]*\s*$", re.MULTILINE)
_RULE = re.compile(r"^\s*(?:-{3,}|\*{3,}|={3,}|_{3,})\s*$", re.MULTILINE)
# What announces the conversation after an analysis; the last one counts.
_ANNOUNCED = re.compile(
    r"^.*(?:改写结果|改写后|对话如下|多轮(?:的)?(?:共情)?(?:的)?对话|rewritten (?:result|conversation|dialogue))"
    r".*[:：]\s*[*_]*\s*$",
    re.MULTILINE | re.IGNORECASE,
)
_NOTE = re.compile(
    r"\n\s*[*_（(\[【]*(?:以上|注[:：]|说明[:：]|备注|【?注|希望(?:这|以上|对)|这段对话|本对话|在这(?:段|次|个)(?:改写|对话)|"
    r"通过(?:以上|这)|Note[:：]|This (?:conversation|rewrit)|The above).*\Z",
    re.DOTALL | re.IGNORECASE,
)
_EMPHASIS = re.compile(r"\*\*([^*\n]+)\*\*")


def parse(text: str) -> Messages:
    """The turns in `text`, in order, as they are labelled; none where nothing is labelled.

    What stands before the first turn is left out, and notes after the last one. A line without a label goes on with
    the turn before it. Whether the turns are a conversation is for `validate` to say.
    """
    text = _FENCE.sub("", _THINKING.sub("", text.replace("\r\n", "\n")))
    announced = list(_ANNOUNCED.finditer(text))
    if announced and _TURN.search(text, announced[-1].end()):
        text = text[announced[-1].end() :]
    text = _RULE.sub("", _ROUND_LINE.sub("", text))
    marks = list(_TURN.finditer(text))
    turns = []
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(text)
        content = text[mark.end() : end]
        if index + 1 == len(marks):
            content = _NOTE.sub("", content)
        turns.append({"role": "user" if mark["user"] else "assistant", "content": _plain(content)})
    return turns


def _plain(content: str) -> str:
    lines = (line.strip() for line in _EMPHASIS.sub(r"\1", content).split("\n"))
    return "\n".join(line for line in lines if line).strip(' "*_')


def render(messages: Messages) -> str:
    """`messages` as the prompts ask for them: a labelled line a turn."""
    labels = {"user": "用户", "assistant": "心理咨询师"}
    return "\n".join(f"{labels[message['role']]}：{message['content']}" for message in messages)
