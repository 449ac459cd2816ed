"""One run at work: what becomes of each line, by the answers that are kept and those that are asked for."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dataset_builder.records import Record, Rejection, record_of
from dataset_builder.rewriting.answers import Answer, Answers, AnswersError
from dataset_builder.rewriting.config import RewriteConfig, as_dict
from dataset_builder.rewriting.cost import Price, price_of
from dataset_builder.rewriting.endpoint import Endpoint, EndpointStopped, RequestFailed
from dataset_builder.rewriting.engine import run_pool
from dataset_builder.rewriting.judge import Judge
from dataset_builder.rewriting.limits import Budget, CostReached, Halted
from dataset_builder.rewriting.outputs import Outcome, Outputs
from dataset_builder.rewriting.progress import Progress
from dataset_builder.rewriting.prompts import Prompt
from dataset_builder.rewriting.questions import Line, Question
from dataset_builder.rewriting.requests import Request, corrected, request_of
from dataset_builder.rewriting.validate import Verdict

ATTEMPTS = 2
"""Transcripts a question may cost: a first, and one corrected for the reason that the first was rejected for."""
WORKERS = 2
"""For each request in flight: rows that are checked, or wait before another try, keep no request from being sent."""
LINE_EVERY = 1.0
"""Seconds between two lines for a person."""
UNFINISHED = {"length": "cut_off", "content_filter": "endpoint_content_filter"}
"""Finish reasons of an answer that is not whole, whatever it looks like."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run left in its folder. `stopped` is None, max_cost, interrupted, endpoint or error."""

    rows: int  # of the shard
    done: int  # of those, in accepted.jsonl and rejected.jsonl
    ahead: int  # of those, done too, but to be written behind one that is not: the next run does so
    failed: int  # of those, rejected for want of an answer: the next run asks again
    stopped: str | None
    figures: dict[str, Any]  # what report.json holds

    @property
    def complete(self) -> bool:
        """Whether there is nothing that another start would do."""
        return self.done == self.rows and not self.failed

    def line(self) -> str:
        """The run in one line for a person, and what is to be done where it is not complete."""
        rows = self.figures["rows"]
        parts = [f"{rows['accepted']:,} accepted and {rows['rejected']:,} rejected of {self.rows:,} questions"]
        if self.failed:
            parts.append(f"{self.failed:,} of them for want of an answer")
        if self.stopped:
            parts.append("stopped before max_cost" if self.stopped == "max_cost" else self.stopped)
        if self.ahead:
            parts.append(f"what {self.ahead:,} more were answered is kept")
        if not self.complete:
            parts.append("start again to go on" + (" with a higher one" if self.stopped == "max_cost" else ""))
        return "; ".join(parts)


class Run:
    """What the workers of one process share."""

    def __init__(
        self,
        config: RewriteConfig,
        template: Prompt,
        prices: Mapping[str, Price],
        answers: Answers,
        outputs: Outputs,
        counts: Progress,
        progress: Callable[[str], None],
    ) -> None:
        self._config, self._prompt, self._prices = config, template, prices
        self._answers, self._outputs, self._counts, self._progress = answers, outputs, counts, progress
        self._failed = self._sent = 0
        self._stopped: str | None = None
        self._shown = 0.0

    async def all(self, lines: Iterable[Line]) -> None:
        """Work on every line, until the end or a reason to stop; what was in flight then is kept."""
        config = self._config
        self._budget = Budget(config.max_cost, self._spent() + self._counts.lost_cost)
        endpoint = Endpoint(
            config.base_url,
            concurrency=config.concurrency,
            requests_per_minute=config.requests_per_minute,
            tokens_per_minute=config.tokens_per_minute,
            timeout=config.timeout,
            give_up_after=config.give_up_after,
            first_wait=config.first_wait,
            known=self._answers.spent,
            retried=self._counts.retried,
            lost=self._lost,
            down=self._progress,
        )
        self._judge = Judge((config.min_rounds, config.max_rounds))
        async with endpoint as self._endpoint:
            try:
                with self._interruptible():
                    async for outcome in run_pool(lines, self._finished, WORKERS * config.concurrency):
                        self._keep(outcome)
            except CostReached:
                self._stopped = "max_cost"
            except Halted:
                self._stopped = "interrupted"
            except BaseException as error:
                by_hand = isinstance(error, KeyboardInterrupt | asyncio.CancelledError)
                refused = isinstance(error, EndpointStopped)
                self._stopped = "interrupted" if by_hand else "endpoint" if refused else "error"
                raise
            finally:
                self._sent = endpoint.sent
                await self._judge.close()

    def report(self, rows: int) -> Report:
        """What there is to say at the end."""
        about = {
            "stopped": self._stopped,
            "failed": self._failed,
            "requests": self._sent,
            "damaged_answers": self._answers.damaged,
            "prompt": self._prompt.key,
            "config": {
                key: dict(value) if isinstance(value, Mapping) else value
                for key, value in as_dict(self._config).items()
            },
        }
        figures = {**about, **self._counts.report(self._answers.spent)}
        ahead = self._counts.known - self._counts.done
        return Report(rows, self._outputs.place, ahead, self._failed, self._stopped, figures)

    async def _finished(self, line: Line) -> Outcome:
        try:
            await self._outputs.room(line.place)
            if isinstance(line.item, Rejection):
                return Outcome(line, reason=line.item.reason)
            self._outputs.begin(line.place, self._answers.size)
            return await self._rewritten(line, line.item)
        except BaseException as error:
            if isinstance(error, AnswersError | OSError):
                self._endpoint.stop()  # what it would answer could not be kept
            self._outputs.halt()  # whoever waits for this row's turn would wait for ever
            raise

    async def _rewritten(self, line: Line, question: Question) -> Outcome:
        request = request_of(question, self._prompt, self._config.models, self._config.parameters)
        keys, transcript = list[str](), None
        first = reason = None
        for _ in range(ATTEMPTS):
            keys.append(request.key)
            try:
                answer = await self._answer(line.place, request)
            except RequestFailed as error:
                return Outcome(line, None, error.reason, transcript, tuple(keys), reason, error.lasting)
            verdict, transcript = await self._verdict(answer, question), answer.text
            if verdict.accepted and verdict.messages:
                record = self._record(question, request.model, verdict.messages)
                return Outcome(line, record, keys=tuple(keys), sent_back=reason)
            first, reason = reason, verdict.reason or "rejected"
            bounds = (self._config.min_rounds, self._config.max_rounds)
            request = corrected(request, question, self._prompt, transcript, reason, bounds)
        return Outcome(line, None, reason, transcript, tuple(keys), first)

    async def _answer(self, place: int, request: Request) -> Answer:
        """The answer that is kept, or a new one, which is kept before it is returned."""
        offset = self._answers.offset(request.key)
        if offset is not None and (kept := self._answers.get(request.key)):
            self._outputs.begin(place, offset)
            return kept
        price, most = self._prices.get(request.model), self._most(request)
        await self._budget.hold(most)
        cost, begun = 0.0, time.monotonic()
        try:
            answer = await self._endpoint.ask(request)
            self._answers.add(answer)
            cost = price.cost(answer.prompt_tokens, answer.completion_tokens) if price else 0.0
            self._counts.answered(answer.prompt_tokens, answer.completion_tokens, time.monotonic() - begun)
        finally:
            self._budget.settle(most, cost)
        return answer

    def _most(self, request: Request) -> float:
        """Dollars that an answer may cost."""
        price = self._prices.get(request.model)
        return price.cost(request.prompt_tokens, request.most_tokens or 0) if price else 0.0

    async def _lost(self, request: Request) -> None:
        """An answer did not arrive that a provider may bill all the same: the ceiling holds with it too."""
        most = self._most(request)
        self._counts.lost(most)
        await self._budget.again(most)

    async def _verdict(self, answer: Answer, question: Question) -> Verdict:
        if reason := UNFINISHED.get(answer.finish_reason):
            return Verdict(False, reason, None)
        return await self._judge.verdict(answer.text, question.question, question.answer)

    def _record(self, question: Question, model: str, messages: list[dict[str, str]]) -> Record:
        rewriter = f"{model} {self._prompt.key}"
        row: Any = {
            "id": question.question_id,
            "messages": messages,
            "topic": question.topic,
            "question_id": question.question_id,
            "license": question.license,
            "rewriter": rewriter,
        }
        return record_of(row, messages, source=question.source)

    def _keep(self, outcome: Outcome) -> None:
        self._counts.ready()
        for written in self._outputs.add(outcome):
            self._counts.finished(written.reason, written.record.messages if written.record else None)
            if written.sent_back:
                self._counts.sent_back(written.sent_back)
            self._failed += not written.lasting
        self._outputs.save()
        if time.monotonic() - self._shown >= LINE_EVERY:
            self._shown = time.monotonic()
            self._progress(self._counts.line(self._answers.spent))

    def _spent(self) -> float:
        return sum(
            price.cost(spent.prompt_tokens, spent.completion_tokens)
            for model, spent in self._answers.spent.items()
            if (price := price_of(model, self._prices))
        )

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """The first SIGINT or SIGTERM stops asking and waits for what is in flight, which is paid; the second ends."""
        loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)

        def stop() -> None:
            self._endpoint.stop()
            self._progress("stopping after the requests in flight; once more to stop at once")
            for each in signals:
                loop.remove_signal_handler(each)

        try:
            for each in signals:
                loop.add_signal_handler(each, stop)
        except (RuntimeError, ValueError):  # not in the main thread, where nobody can be interrupted
            yield
            return
        try:
            yield
        finally:
            for each in signals:
                loop.remove_signal_handler(each)
