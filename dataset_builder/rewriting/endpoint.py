"""One request to an OpenAI-compatible endpoint, until it is answered, refused, or the endpoint is given up."""

import asyncio
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dataset_builder.rewriting.answers import Answer
from dataset_builder.rewriting.config import RewriteConfig
from dataset_builder.rewriting.limits import Bucket

SLOWEST = 60.0  # seconds between two tries of one request, and between two looks at an endpoint that is down
REFUSED_IN_A_ROW = 20
"""Requests refused one after the other, from the start, from which it is the endpoint that is asked wrongly."""


class EndpointStopped(RuntimeError):
    """No further request makes sense; what was answered is kept, and the same command goes on from there."""


@dataclass(frozen=True, slots=True)
class Request:
    key: str  # what its answer is kept by
    model: str
    messages: list[dict[str, str]]
    parameters: Mapping[str, Any]

    @property
    def tokens(self) -> int:
        """About how many it will take, for the limits: a Chinese character is a token at most, and all may be used."""
        return sum(len(message["content"]) for message in self.messages) + int(self.parameters["max_tokens"])


class Endpoint:
    """Asks, waits and asks again; all workers share one, and with it the limits and what is known of its health."""

    def __init__(self, config: RewriteConfig, clock: Callable[[], float] = time.monotonic) -> None:
        from openai import AsyncOpenAI, DefaultAioHttpClient

        # aiohttp serves 1.5 to 1.8 times the requests of the client's default transport.
        self._client = AsyncOpenAI(
            base_url=config.base_url,
            api_key=os.environ.get("OPENAI_API_KEY") or "none",  # local servers ask for any key
            timeout=config.timeout,
            max_retries=0,
            http_client=DefaultAioHttpClient(timeout=config.timeout),
        )
        self._config, self._clock = config, clock
        self._requests = Bucket(config.requests_per_minute, clock)
        self._tokens = Bucket(config.tokens_per_minute, clock)
        self._health = _Health(config, clock)
        self.retried = 0

    async def close(self) -> None:
        await self._client.close()

    async def ask(self, request: Request) -> Answer:
        """The answer to `request`. Where the endpoint will not take it, or fails it again and again while it serves
        others, the finish reason begins with `refused` or `failed` and there is no text.

        Raises:
            EndpointStopped: where the key, the address or the model is wrong, or the endpoint stays down.
        """
        failures = 0
        while True:
            await self._health.up()
            await self._requests.take(1)
            await self._tokens.take(request.tokens)
            try:
                answer = await self._once(request)
            except _Again as error:
                self.retried += 1
                self._tokens.give(request.tokens)
                self._health.failed(error)
                failures += not error.throttled and not self._health.down
                if failures > self._config.retries:
                    return Answer(request.key, 0, 0, request.model, f"failed: {error}", "")
                await self._wait(failures, error.after)
                continue
            self._tokens.give(request.tokens - answer.prompt_tokens - answer.completion_tokens)
            self._health.answered(answer)
            return answer

    async def _once(self, request: Request) -> Answer:
        from openai import APIConnectionError, APIError, APIStatusError

        try:
            completion = await self._client.chat.completions.create(
                model=request.model,
                messages=request.messages,
                **request.parameters,
            )
        except APIStatusError as error:
            return self._refused(request, error)
        except APIConnectionError as error:  # timeouts too
            raise _Again(f"{type(error).__name__}: {error.__cause__ or error}"[:200], down=True) from None
        except (APIError, ValueError) as error:  # an answer that is cut off or no JSON
            raise _Again(f"{type(error).__name__}: {error}"[:200]) from None
        if not completion.choices:
            raise _Again("an answer without choices")
        usage, choice = completion.usage, completion.choices[0]
        return Answer(
            key=request.key,
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else 0,
            model=request.model,
            finish_reason=choice.finish_reason or "unknown",
            text=choice.message.content or "",
        )

    def _refused(self, request: Request, error: Any) -> Answer:
        """What becomes of an HTTP error: again, never again for this request, or never again at all."""
        status, said = error.status_code, " ".join(str(error.message).split())[:300]
        if "insufficient_quota" in str(error.body):
            raise self._stop(status, said, "its quota is used up")
        if status in (408, 409, 429) or status >= 500:
            after = _seconds(error.response.headers.get("retry-after"))
            raise _Again(f"{status} {said}", after, down=status >= 500, throttled=status == 429)
        if status in (401, 403):
            raise self._stop(status, said, "set OPENAI_API_KEY to a key that it accepts")
        if status in (404, 405):
            raise self._stop(status, said, "check --base-url, which ends in /v1 on most servers, and --model")
        if self._health.refused() >= REFUSED_IN_A_ROW:
            raise self._stop(status, said, "it takes none of these requests; check --model and its parameters")
        return Answer(request.key, 0, 0, request.model, f"refused: {status}", "")

    def _stop(self, status: int, said: str, fix: str) -> EndpointStopped:
        return EndpointStopped(
            f"{self._config.base_url} answered {status} ({said}): {fix}. What was answered is kept: run the same "
            "command again to go on"
        )

    async def _wait(self, failures: int, after: float | None) -> None:
        """As long as the endpoint says, or twice as long as the last time, give or take, so that workers spread."""
        pause = after if after is not None else min(SLOWEST, 0.25 * 2**failures) * random.uniform(0.5, 1.5)
        await asyncio.sleep(pause)


class _Again(Exception):
    """A failure that may pass; `after` is what the endpoint asked to wait."""

    def __init__(self, what: str, after: float | None = None, *, down: bool = False, throttled: bool = False) -> None:
        super().__init__(what)
        self.after, self.down, self.throttled = after, down, throttled


class _Health:
    """A circuit breaker: once as many requests in a row fail as are in flight, one at a time looks again."""

    def __init__(self, config: RewriteConfig, clock: Callable[[], float]) -> None:
        self._config, self._clock = config, clock
        self._failures = 0
        self._last_answer = clock()
        self._probe = asyncio.Lock()
        self._pause = 1.0
        self._any_answer = False
        self._refusals = 0

    @property
    def down(self) -> bool:
        return self._failures >= max(10, self._config.concurrency)

    async def up(self) -> None:
        """Wait until the endpoint is believed to answer; while it is down, one caller in turn goes to see."""
        while self.down:
            async with self._probe:
                if self.down:
                    await asyncio.sleep(self._pause)
                    self._pause = min(SLOWEST, 2 * self._pause)
                    return

    def failed(self, error: _Again) -> None:
        self._failures += error.down
        if (silent := self._clock() - self._last_answer) > self._config.give_up_after:
            raise EndpointStopped(
                f"{self._config.base_url} has answered nothing for {silent:.0f} s, last: {error}. What was answered "
                "is kept: run the same command again once it is up"
            )

    def answered(self, answer: Answer) -> None:
        self._failures, self._pause, self._last_answer = 0, 1.0, self._clock()
        if not answer.finish_reason.startswith("refused"):
            self._any_answer, self._refusals = True, 0

    def refused(self) -> int:
        """How many were refused one after the other; 0 once anything was answered."""
        self._refusals += 1
        return 0 if self._any_answer else self._refusals


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds; None where there is none, or it is a date."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
