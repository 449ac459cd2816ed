"""efaqa as published: JSON Lines of public threads, in which anybody answers the owner of the first post."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from dataset_builder.records import Rejection
from dataset_builder.sources.files import stem
from dataset_builder.sources.json_array import json_lines
from dataset_builder.sources.row import Row, row_id

TROUBLES = {
    "1.1": "学业烦恼、对未来规划的迷茫",
    "1.2": "事业和工作烦恼",
    "1.3": "家庭问题和矛盾",
    "1.4": "物质滥用",
    "1.5": "悲恸",
    "1.6": "失眠",
    "1.7": "压力",
    "1.8": "人际关系",
    "1.9": "情感关系问题",
    "1.10": "离婚",
    "1.11": "分手",
    "1.12": "自我探索",
    "1.13": "低自尊",
    "1.14": "青春期问题",
    "1.15": "强迫症",
    "1.16": "其它",
    "1.17": "男同性恋、女同性恋、双性恋与跨性别",
    "1.18": "性问题",
    "1.19": "亲子关系",
}
"""The kinds of trouble (烦恼类型) in `label`, as the readme names them. It puts them under s1 in its example and under
s3 in its table of fields, so they are known by their number. s2 (illness) and s3 (emergency) are no topics."""


@dataclass
class _Thread:
    """One thread while its messages are passed, in the order in which they were written.

    A responder is a name, or the place of a message that bears none: a stranger, who speaks once.
    """

    opening: list[str]  # what the owner wrote before anybody answered
    dialogues: dict[str | int, list[dict[str, str]]] = field(default_factory=dict)
    heard: set[str | int] = field(default_factory=set)  # all responders so far
    closed: set[str | int] = field(default_factory=set)  # those who sent what is no text: the rest would have a hole
    harmful: set[str | int] = field(default_factory=set)
    answered: bool = False  # the owner has spoken to somebody
    partner: str | int | None = None  # the only one whom the owner can have spoken to
    interrupted: bool = False  # somebody else has spoken since the owner last did
    left_out: int = 0

    def owner(self, text: str | None) -> None:
        if not self.heard:
            self.opening += [text] if text else []
            return
        if not self.answered:
            named = [who for who in self.heard if isinstance(who, str)]
            self.partner = named[0] if len(self.heard) == 1 and named else None
        self.answered = True
        if self.interrupted or not text or self.partner not in self.dialogues or self.partner in self.closed:
            self.partner = None
        if self.partner is None or not text:
            self.left_out += 1
        else:
            self.dialogues[self.partner].append({"role": "user", "content": text})

    def audience(self, who: str | int, text: str | None) -> None:
        self.heard.add(who)
        if not text:
            self.closed.add(who)
        if self.answered and who != self.partner:
            self.interrupted = True
        if who in self.closed or (self.answered and who != self.partner) or not text:
            self.left_out += 1
            return
        opening = [{"role": "user", "content": said} for said in self.opening]
        self.dialogues.setdefault(who, opening).append({"role": "assistant", "content": text})


def rows(path: Path) -> Iterator[Row | Rejection]:
    """The dialogues of a thread's owner with each responder, `<md5>:<responder>`, as far as it is certain who speaks.

    The owner, whose title and description open the thread, is the user. The audience is many people (issue 7 of the
    upstream repository), and a message does not say whom it answers. Messages come in the order of time; those of the
    labelled corpus bear no name, those of the raw one do. So:

    - Until the owner answers, all who write answer the opening: each responder is a dialogue. A message without a name
      is one of its own, for nothing says that the next is by the same person.
    - When the owner answers, it is certain to whom only where one responder, with a name, has written so far. That
      dialogue goes on with the two of them, until the owner speaks after somebody else has.
    - All else is left out and counted, one `addressee_unclear` a thread: who comes in later may answer what the owner
      told another. Nobody's words are given to another, and no reply stands under a question that it may not answer.

    A dialogue with a reply that the annotators marked as harmful (`negative`) is a rejection. All of a thread shares a
    `question_id`; `topic` is the kind of trouble in its label.

    Rejections: no_question, no_answer, unknown_sender, negative_reply, addressee_unclear, and those of
    json_array.json_lines.

    Raises:
        SourceError: as json_array.json_lines.
    """
    for item in json_lines(path):
        if isinstance(item, Rejection):
            yield item
            continue
        place, thread = item
        name = f"{stem(path)}:{place}"
        if isinstance(thread, dict):
            yield from _dialogues(thread, row_id(thread.get("md5", thread.get("id")), name))
        else:
            yield Rejection(name, "not_an_object")


def _dialogues(raw: dict[str, Any], name: str) -> Iterator[Row | Rejection]:
    chats = raw.get("chats")
    opening = "\n".join(text for text in (raw.get("title"), raw.get("description")) if _is_text(text))
    if not opening:
        yield Rejection(name, "no_question")
        return
    if not isinstance(chats, list) or not chats:
        yield Rejection(name, "no_answer")
        return
    thread = _Thread([opening])
    for place, chat in enumerate(chats, 1):
        sender = chat.get("sender") if isinstance(chat, dict) else None
        if sender not in ("owner", "audience"):  # whoever it is, what follows may answer them
            yield Rejection(name, "unknown_sender")
            return
        text = chat.get("value") if chat.get("type", "textMessage") == "textMessage" else None
        text = text if _is_text(text) else None
        if sender == "owner":
            thread.owner(text)
            continue
        who = chat["name"] if _is_text(chat.get("name")) else place
        thread.audience(who, text)
        if isinstance(chat.get("label"), dict) and chat["label"].get("negative") is True:
            thread.harmful.add(who)
    yield from _results(thread, name, _trouble(raw.get("label")))


def _results(thread: _Thread, name: str, topic: str | None) -> Iterator[Row | Rejection]:
    for who, messages in thread.dialogues.items():
        if who in thread.harmful:
            yield Rejection(f"{name}:{who}", "negative_reply")
        else:
            about = f"efaqa:{name}"
            yield Row(id=f"{name}:{who}", messages=messages, topic=topic, question_id=about, rewriter="human")
    if thread.left_out:
        yield Rejection(f"{name}:rest", "addressee_unclear")
    elif not thread.dialogues:
        yield Rejection(name, "no_answer")


def _trouble(label: Any) -> str | None:
    values = label.values() if isinstance(label, dict) else ()
    return next((TROUBLES[value] for value in values if isinstance(value, str) and value in TROUBLES), None)


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip())
