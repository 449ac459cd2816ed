"""Topics from a language model behind an OpenAI-compatible endpoint: one short question per conversation.

Answers are kept as they came in a file that only grows, so that none is paid for twice, whenever the run was killed.
"""

import asyncio
import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_builder.labeller import Label
from dataset_builder.topics import TOPICS, topic_id

REQUEST_TIMEOUT = 120.0  # seconds an endpoint may stay silent
RETRIES = 10  # of 408, 409, 429, 5xx, timeouts and cut connections; 0.5 s doubling to 8 s, or what Retry-After says
READ = 1_500  # characters of a conversation that are sent
AHEAD = 4  # conversations read ahead, as a multiple of the concurrency, so that a slow answer holds up no other
UNSTATED = 0.5  # the confidence of a topic that came without one
UNDECIDED = "无法判断"

PROMPT = f"""你要给一段心理咨询对话归类。主题只有以下十二个：
家庭：与父母、子女、公婆等家人的关系，养育和照料
婚恋：恋爱、分手、婚姻、离婚
性心理：性、性取向、性别、身体的亲密
成长发展：学业、升学、前途、长大
人际关系：朋友、同学、室友、邻里、社交
职场：工作、求职、同事、失业
自我认知：自卑、自我价值、我是谁
行为：习惯、拖延、成瘾、强迫的举动
情绪：找不到别的主题，情绪本身就是问题
治疗：精神疾病、就医、用药、做心理咨询
社会事件：灾难、政策、新闻、网络暴力、诈骗
心理学知识：询问心理学的概念、测试、理论
选来访者最主要的困扰，不看咨询师的建议。看不出来就写“{UNDECIDED}”。
只回答一行 JSON，confidence 是你有多大把握，0 到 1：{{"topic": "主题", "confidence": 0.8}}"""

_OBJECT = re.compile(r"\{[^{}]*\}")
_NAMES = {UNDECIDED: ""} | {topic: topic for topic in TOPICS} | {label: topic for topic, label in TOPICS.items()}


class EndpointError(ValueError):
    """The endpoint refuses, or keeps failing; the message names it, its answer and the fix."""


@dataclass
class Tally:
    """What became of the conversations so far."""

    asked: int = 0  # answers that this run paid for
    kept: int = 0  # labels from answers that were there already
    unparsable: int = 0  # labels without a topic because the answer names none


def label_with_endpoint(
    conversations: Iterable[Sequence[Mapping[str, str]]],
    *,
    base_url: str,
    model: str,
    cache: Path,
    api_key: str | None = None,
    concurrency: int = 8,
    tally: Tally | None = None,
) -> Iterator[Label]:
    """A label for each conversation, in order, as the answers come.

    At most `concurrency` requests are in flight and `AHEAD` times as many conversations in memory, beside the answers
    in `cache`, which one run at a time may use. An answer that names no topic gives a label without one, with
    confidence 0. `api_key` is OPENAI_API_KEY where it is None.

    Raises:
        EndpointError: on a 4xx that no retry mends, after `RETRIES` retries, or where `cache` is no such file.
    """
    tally = tally if tally is not None else Tally()
    with Answers(cache) as answers, asyncio.Runner() as runner:
        asker = _Asker(base_url, model, api_key, concurrency, answers, tally)
        waiting: deque[asyncio.Task[str]] = deque()
        try:
            for messages in conversations:
                waiting.append(runner.get_loop().create_task(asker.answer(prompt_for(messages))))
                if len(waiting) >= AHEAD * concurrency:
                    yield _label(runner.run(_of(waiting.popleft())), tally)
            while waiting:
                yield _label(runner.run(_of(waiting.popleft())), tally)
        finally:
            runner.run(asker.close(waiting))


def prompt_for(messages: Sequence[Mapping[str, str]]) -> str:
    """The conversation as it is sent: a line a turn, the first `READ` characters."""
    speaker = {"user": "来访者", "assistant": "咨询师"}
    return "\n".join(f"{speaker[turn['role']]}：{turn['content']}" for turn in messages)[:READ]


def parse_answer(answer: str) -> Label | None:
    """The label in an answer: JSON, or a topic's name or id with text around it; None where it names no one topic."""
    for written in _OBJECT.findall(answer):
        try:
            value = json.loads(written)
        except (json.JSONDecodeError, RecursionError):
            continue
        found = _named(str(value.get("topic")))
        if found is not None:
            return Label(found or None, _confidence(value.get("confidence")), "endpoint")
    found = _named(answer)
    return None if found is None else Label(found or None, UNSTATED, "endpoint")


class Answers:
    """Answers by what was asked, in a JSON Lines file that only grows; a line that a kill tore is cut off."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.kept = dict(_whole_lines(path))
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, key: str, answer: str) -> None:
        self.kept[key] = answer
        self._file.write((json.dumps({"key": key, "answer": answer}, ensure_ascii=False) + "\n").encode())


class _Asker:
    """Asks each question once, however many conversations it stands for and whenever they come."""

    def __init__(
        self, base_url: str, model: str, api_key: str | None, concurrency: int, answers: Answers, tally: Tally
    ) -> None:
        from openai import AsyncOpenAI

        key = api_key or os.environ.get("OPENAI_API_KEY") or "none"  # local servers ask for any key
        self._client = AsyncOpenAI(base_url=base_url, api_key=key, timeout=REQUEST_TIMEOUT, max_retries=RETRIES)
        self._base_url, self._model = base_url, model
        self._free = asyncio.Semaphore(concurrency)
        self._answers, self._tally = answers, tally
        self._in_flight: dict[str, asyncio.Task[str]] = {}

    async def answer(self, conversation: str) -> str:
        key = hashlib.sha256("\0".join((PROMPT, self._model, conversation)).encode()).hexdigest()
        kept = self._answers.kept.get(key)
        if kept is None and key not in self._in_flight:
            self._in_flight[key] = asyncio.create_task(self._ask(key, conversation))
        else:
            self._tally.kept += 1
        return await self._in_flight[key] if kept is None else kept

    async def close(self, waiting: Iterable[asyncio.Task[str]]) -> None:
        unfinished = [*waiting, *self._in_flight.values()]
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        await self._client.close()

    async def _ask(self, key: str, conversation: str) -> str:
        async with self._free:
            answer = await self._request(conversation)
        self._answers.add(key, answer)
        self._tally.asked += 1
        del self._in_flight[key]
        return answer

    async def _request(self, conversation: str) -> str:
        from openai import APIConnectionError, APIStatusError

        messages: list[Any] = [{"role": "system", "content": PROMPT}, {"role": "user", "content": conversation}]
        try:
            completion = await self._client.chat.completions.create(
                model=self._model, messages=messages, temperature=0, max_tokens=100
            )
        except APIStatusError as error:
            raise EndpointError(
                f"the endpoint {self._base_url!r} answered {error.status_code} for model {self._model!r}: "
                f"{error.message[:300]}; {_fix(error.status_code)}. What was answered is kept: start again to go on"
            ) from error
        except APIConnectionError as error:
            raise EndpointError(
                f"the endpoint {self._base_url!r} cannot be reached ({error}); check base_url, and that it is up. "
                f"What was answered is kept: start again to go on"
            ) from error
        return (completion.choices[0].message.content or "") if completion.choices else ""


def _fix(status: int) -> str:
    fixes = dict.fromkeys((401, 403), "set OPENAI_API_KEY to a key that it accepts") | {
        404: "check base_url, which ends in /v1 on most servers, and the model's name",
        429: "lower the concurrency, or wait until its quota is renewed",
    }
    return fixes.get(
        status, "look at its log" if status >= 500 else "it takes no such request; check the model's name"
    )


def _named(text: str) -> str | None:
    """The topic that `text` names, "" where it says that none can be told, None where it names none or several."""
    named = {topic for name, topic in _NAMES.items() if name in text.lower()}
    return topic_id(text) or (named.pop() if len(named) == 1 else None)


def _confidence(stated: Any) -> float:
    """A number from 0 to 1, as such, as text or in per cent; `UNSTATED` for anything else."""
    try:
        value = float(str(stated).strip().removesuffix("%"))
    except ValueError:
        return UNSTATED
    if 1 < value <= 100:
        value /= 100
    return value if 0 <= value <= 1 else UNSTATED


def _label(answer: str, tally: Tally) -> Label:
    label = parse_answer(answer)
    if label is None:
        tally.unparsable += 1
        return Label(None, 0.0, "endpoint")
    return label


async def _of(task: asyncio.Task[str]) -> str:
    return await task


def _whole_lines(path: Path) -> Iterator[tuple[str, str]]:
    """The answers in the file, of which the last line is cut off where it has no end."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        whole = 0
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                file.truncate(whole)
                return
            whole += len(line)
            try:
                row = json.loads(line)
                yield row["key"], row["answer"]
            except (ValueError, KeyError, TypeError) as error:
                raise EndpointError(
                    f"line {number} of {str(path)!r} is no kept answer; delete the line, or the file to ask anew"
                ) from error
