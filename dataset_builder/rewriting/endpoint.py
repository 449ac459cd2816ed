"""An OpenAI-compatible endpoint: one request at a time goes in, an answer comes out, whatever happens between."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Awaitable, Callable, Collection
from types import TracebackType
from typing import Any

import httpx2
from openai import APIError, AsyncOpenAI, DefaultAioHttpClient

from dataset_builder.rewriting.answers import Answer
from dataset_builder.rewriting.faults import Fault, fault_of, stop_message
from dataset_builder.rewriting.limits import Breaker, Bucket, Halted, Refusals, backoff
from dataset_builder.rewriting.requests import Request

TRIES = 10
"""Failures of one request after which it is given up, counting those only between which others were answered."""
REFUSALS = 20
"""Refusals of a model in a row, with no answer between them, that are not about so many texts."""
CONNECT_TIMEOUT = 10.0
KEEP_ALIVE = 60.0
"""Seconds; the client's default of 5 reopens TLS for every answer that takes longer."""
FIRST_GUESS = 1_500
"""Tokens that an answer is taken to have before the first one came."""


class EndpointStopped(ValueError):
    """The endpoint refuses, or stays away; the message names it, what it said and the fix."""


class RequestFailed(Exception):
    """One request got no answer while others did. `lasting` says whether another run would fare the same."""

    def __init__(self, reason: str, *, lasting: bool) -> None:
        super().__init__(reason)
        self.reason, self.lasting = reason, lasting


class Endpoint:
    """The one client of a run, which all its workers share; at most `concurrency` requests are in flight.

    `known` are models that have answered before. `retried` hears the kind of each failure that may pass, `lost` each
    request whose answer may have been made, and be paid for, without arriving, `down` why everybody waits.

    Raises:
        EndpointStopped: where the key cannot be one.

    Raises from `ask`:
        EndpointStopped: on a 4xx that is about the endpoint, or after `give_up_after` seconds without any answer.
        RequestFailed: on an error that is about this one request.
        Halted: after `stop`, where the request was not answered yet and is not in flight.
    """

    def __init__(
        self,
        base_url: str,
        *,
        concurrency: int = 64,
        requests_per_minute: float = 0,
        tokens_per_minute: float = 0,
        timeout: float = 300,
        give_up_after: float = 600,
        first_wait: float = 0.5,
        api_key: str | None = None,
        known: Collection[str] = (),
        retried: Callable[[str], None] = lambda name: None,
        lost: Callable[[Request], Awaitable[None]] | None = None,
        down: Callable[[str], None] = lambda why: None,
    ) -> None:
        self.base_url, self.sent, self._known = base_url, 0, known
        self._retried, self._lost, self._down = retried, lost, down
        self._give_up_after, self._first_wait, self._timeout = give_up_after, first_wait, timeout
        self._requests, self._tokens = Bucket(requests_per_minute), Bucket(tokens_per_minute)
        self._breaker, self._refusals = Breaker(max(5, concurrency // 4), first_wait), Refusals(REFUSALS)
        self._paused_until, self._mean = 0.0, float(FIRST_GUESS)
        self._stopped: Exception | None = None
        self._stopping, self._free = asyncio.Event(), asyncio.Semaphore(concurrency)
        # More connections than requests in flight are never needed, fewer would hold some up.
        limits = httpx2.Limits(
            max_connections=concurrency, max_keepalive_connections=concurrency, keepalive_expiry=KEEP_ALIVE
        )
        self._key = _key(api_key or os.environ.get("OPENAI_API_KEY", ""))
        self._client = AsyncOpenAI(
            base_url=base_url,
            api_key=self._key or "none",  # local servers ask for any key
            max_retries=0,
            timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
            http_client=DefaultAioHttpClient(limits=limits),  # 0.8 ms a request; the default client takes 1.2
        )

    async def __aenter__(self) -> "Endpoint":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    def stop(self, error: Exception | None = None) -> None:
        """Send nothing more: whoever waits to send gets `error`, who is in flight still gets the answer."""
        self._stopped = self._stopped or error or Halted()
        self._stopping.set()
        self._refusals.changed()

    async def ask(self, request: Request) -> Answer:
        with self._refusals.asking():
            return await self._asked(request)

    async def _asked(self, request: Request) -> Answer:
        tries = failures = 0
        answers = -1  # of others, when this request last failed
        while True:
            async with self._breaker.turn(self._wait) as probe, self._free:
                if self._breaker.down and not probe:  # since then
                    continue
                outcome = await self._once(request)
            if isinstance(outcome, Answer):
                return outcome
            if outcome.kind == "doubtful":
                await self._doubt(request, outcome)
            if outcome.lost and self._lost:
                with self._refusals.aside():  # for money, perhaps, that one who was refused gives back
                    await self._lost(request)
            if outcome.kind == "limited":  # for all: nobody sends before the time that it names
                self._paused_until = max(self._paused_until, time.monotonic() + (outcome.wait or 0))
            elif self._breaker.answers != answers:
                tries, answers = tries + 1, self._breaker.answers
            if tries >= TRIES:
                raise RequestFailed("request_failed", lasting=False)
            self._give_up(outcome)
            self._retried(outcome.name)
            await self._wait(outcome.wait or backoff(failures, self._first_wait))
            failures += 1

    async def _once(self, request: Request) -> Answer | Fault:
        """One try: the answer, or what went wrong where that may pass; raises where it will not."""
        guess = request.prompt_tokens // 2 + int(self._mean)
        await self._wait(max(self._requests.take(1), self._tokens.take(guess)))
        while (pause := self._paused_until - time.monotonic()) > 0:  # again, as it may have grown meanwhile
            await self._wait(pause)
        self.sent += 1
        try:
            answer = await self._send(request)
        except (APIError, TimeoutError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            fault = fault_of(error)
        else:
            self._breaker.answered()
            self._refusals.answered(request.model)
            self._mean += (answer.completion_tokens - self._mean) / 20
            self._tokens.correct(guess - answer.prompt_tokens - answer.completion_tokens)
            return answer
        self._tokens.correct(guess)
        if fault.kind == "refused":
            raise RequestFailed(fault.reason, lasting=True)
        if fault.kind == "stop":
            self._refuse(request, fault)
        if fault.kind != "doubtful":
            was_down = self._breaker.down
            self._breaker.failed(request.key, counts=fault.kind != "limited")
            if self._breaker.down and not was_down:
                why = f"{self.base_url} does not answer ({self._plain(fault.text)})"
                self._down(f"{why}; trying on, for {self._give_up_after:.0f} s at most (give_up_after)")
        return fault

    async def _doubt(self, request: Request, fault: Fault) -> None:
        """Tell a refusal of one text, which is raised, from one of every request, which stops the run."""
        about = await self._refusals.about(request.model, self._stopping.is_set)
        known = self._refusals.has_answered(request.model) or request.model in self._known
        if about == "one" or (about == "unknown" and known and not self._stopped):
            raise RequestFailed(fault.reason, lasting=True)
        self._refuse(request, fault)

    def _refuse(self, request: Request, fault: Fault) -> None:
        self.stop(EndpointStopped(self._plain(stop_message(self.base_url, request.model, fault))))
        raise self._stopped or Halted()

    def _plain(self, text: str) -> str:
        """`text` without the key, which some endpoints repeat."""
        return text.replace(self._key, "<key>") if self._key else text

    async def _send(self, request: Request) -> Answer:
        body = {"model": request.model, "messages": request.messages, **request.parameters}
        async with asyncio.timeout(self._timeout):
            # The same client without its models of request and response: 0.5 ms a request, not 0.8.
            response = await self._client.post("/chat/completions", cast_to=httpx2.Response, body=body)
        return answer_of(request, response.content)

    async def _wait(self, seconds: float) -> None:
        if seconds > 0 and not self._stopped:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)
        if self._stopped:
            raise self._stopped

    def _give_up(self, fault: Fault) -> None:
        """Where there was no answer for too long, or the endpoint asks to wait for longer than that."""
        if max(self._breaker.silent, fault.wait or 0) <= self._give_up_after:
            return
        if len(self._breaker.failing) == 1 and fault.kind != "limited":
            raise RequestFailed("request_failed", lasting=False)  # perhaps only this one: the next will tell
        message = stop_message(self.base_url, "", fault, silent=self._breaker.silent)
        self.stop(EndpointStopped(self._plain(message)))


def answer_of(request: Request, body: bytes) -> Answer:
    """The answer in a response.

    Raises:
        ValueError, KeyError, IndexError or TypeError: where there is none.
    """
    value = json.loads(body)
    choice = value["choices"][0]
    text = (choice["message"] or {}).get("content") or ""
    if not isinstance(text, str):
        raise TypeError(f"the content is a {type(text).__name__}")
    usage = value.get("usage") or {}
    return Answer(
        key=request.key,
        text=text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"),  # half a pair cannot be written
        prompt_tokens=_count(usage.get("prompt_tokens"), request.prompt_tokens // 2),
        completion_tokens=_count(usage.get("completion_tokens"), len(text)),
        model=request.model,
        finish_reason=str(choice.get("finish_reason") or "stop"),
    )


def _key(given: str) -> str:
    """The key without the white space that copying leaves around it.

    Raises:
        EndpointStopped: where no header can hold it, and every request would fail as if there were no endpoint.
    """
    key = given.strip()
    for place, letter in enumerate(key, 1):
        if not "!" <= letter <= "~":
            raise EndpointStopped(f"OPENAI_API_KEY has {letter!r} in place {place}, as no key has; copy it again")
    return key


def _count(given: Any, otherwise: int) -> int:
    return given if isinstance(given, int) and given >= 0 else otherwise
