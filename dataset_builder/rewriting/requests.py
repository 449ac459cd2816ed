"""What is asked for a question, and the key that its answer is kept by: the same in a run and in a batch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataset_builder.rewriting.prompts import Prompt
from dataset_builder.rewriting.questions import Question, chosen


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `key` tells the question, prompt, model, parameters and attempt from all others."""

    key: str
    model: str
    messages: list[dict[str, str]]
    parameters: Mapping[str, Any]

    @property
    def prompt_tokens(self) -> int:
        """What the messages take, at most: tokenizers need 0.6 to 2 a Chinese character, 0.25 to 0.5 a Latin one."""
        texts = "".join(message["content"] for message in self.messages)
        wide = len(texts.encode()) - len(texts)  # 2 for each Chinese character
        return 16 + wide + (len(texts) - wide // 2 + 1) // 2

    @property
    def most_tokens(self) -> int | None:
        """The longest answer that the parameters allow; None where they do not say."""
        given = self.parameters.get("max_completion_tokens") or self.parameters.get("max_tokens")
        return int(given) if given else None


def request_of(
    question: Question, prompt: Prompt, models: Mapping[str, float], parameters: Mapping[str, Any]
) -> Request:
    """The first request for a question, to the one of `models` that is chosen; its key follows from no answer."""
    model = chosen(question.question_id, models)
    key = _key(question, prompt, model, parameters, 0)
    messages = [{"role": "user", "content": prompt.render(question.question, question.answer)}]
    return Request(key, model, messages, parameters)


def corrected(
    request: Request, question: Question, prompt: Prompt, transcript: str, reason: str, bounds: tuple[int, int]
) -> Request:
    """The second request, after a `transcript` was rejected for `reason`; it may have rounds within `bounds`."""
    again, attempt = prompt.retry(transcript, reason, bounds), (1, *bounds)
    messages = [*request.messages, {"role": "assistant", "content": transcript}, {"role": "user", "content": again}]
    if not transcript.strip():  # servers refuse an empty message, and templates two of one role in a row
        messages = [{"role": "user", "content": f"{request.messages[0]['content']}\n\n{again}"}]
    key = _key(question, prompt, request.model, request.parameters, attempt)
    return Request(key, request.model, messages, request.parameters)


def request_key(*parts: Any) -> str:
    """The key of a request that is told by `parts`, which must be JSON."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _key(question: Question, prompt: Prompt, model: str, parameters: Mapping[str, Any], attempt: Any) -> str:
    asked = (question.question_id, question.question, question.answer)
    return request_key(*asked, prompt.key, model, dict(parameters), attempt)
