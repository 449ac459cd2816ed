"""Rewrites questions into conversations: asks, checks, asks once more with the reason, and keeps all of it."""

import asyncio
import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from dataset_builder.processes import end_with_parent
from dataset_builder.records import Record, Rejection, record_of
from dataset_builder.rewriting.answers import Answer, Answers
from dataset_builder.rewriting.config import RewriteConfig
from dataset_builder.rewriting.cost import CostReached, Meter
from dataset_builder.rewriting.endpoint import Endpoint, EndpointStopped, Request
from dataset_builder.rewriting.engine import in_order
from dataset_builder.rewriting.progress import Tally
from dataset_builder.rewriting.prompts import correction, prompt
from dataset_builder.rewriting.questions import Question, Shard, questions
from dataset_builder.rewriting.requests import request_for
from dataset_builder.rewriting.validate import Verdict, validate

ACCEPTED, REJECTED, ANSWERS, REPORT, MADE_WITH = (
    "accepted.jsonl",
    "rejected.jsonl",
    "answers.jsonl",
    "report.json",
    "made_with.json",
)


SHORT_RUN = 500
"""Requests up to which a process of its own for the checks takes longer to start than it saves."""


class OutputError(ValueError):
    """A folder that holds another run's output, or that another run writes to."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question: a record, or a rejection with the transcript that was refused."""

    result: Record | Rejection
    transcript: str | None
    attempts: int


def rewrite(
    config: RewriteConfig,
    path: Path,
    out: Path,
    *,
    shard: Shard = Shard(),
    total: int = 0,
    progress: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """Rewrite the questions of `path` into `out`: accepted.jsonl, rejected.jsonl, report.json, and all answers.

    `total` is how many questions there are, where that was counted, for the time that is left.

    Rows come in the order of the questions, each once, in one of the two files; the files of shards concatenate.
    Killed at any moment and started again, it goes on: an answer that is on disk is not asked for again, and the files
    end up the same as without the kill.

    Raises:
        OutputError: where `out` was made with another model, prompt or question file, or is being written to.
        EndpointStopped: where the endpoint refuses all requests, or stays down.
        CostReached: before `max_cost` is passed.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _alone(out):
        _same_run(out, config, path, shard)
        answers = Answers(out / ANSWERS)
        try:
            tally = Tally(total)
            asyncio.run(_Run(config, answers, tally, progress).run(path, out, shard))
        finally:
            answers.close()
    (out / REPORT).write_text(json.dumps(tally.report(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return tally


class _Run:
    def __init__(
        self, config: RewriteConfig, answers: Answers, tally: Tally, progress: Callable[[Tally], None]
    ) -> None:
        self._config, self._answers, self._tally, self._progress = config, answers, tally, progress
        self._meter = Meter(config, answers)
        self._prompt = prompt(config.prompt)
        self._judge: ProcessPoolExecutor | None = None

    async def run(self, path: Path, out: Path, shard: Shard) -> None:
        self._endpoint = Endpoint(self._config)
        with _Outputs(out) as outputs:
            self._tally.started(outputs.written, self._meter.spent)
            rest = _skipped(questions(path, shard), outputs.written)
            ticking = asyncio.create_task(self._tick())
            try:
                async with contextlib.aclosing(in_order(rest, self._outcome, self._config.concurrency)) as outcomes:
                    async for outcome in outcomes:
                        outputs.write(outcome)
                        self._tally.finished(outcome.result, outcome.attempts)
            finally:
                ticking.cancel()
                self._tally.spent, self._tally.retried = self._meter.spent, self._endpoint.retried
                await self._endpoint.close()
                if self._judge:
                    self._judge.shutdown(cancel_futures=True)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._tally.spent, self._tally.retried = self._meter.spent, self._endpoint.retried
            self._progress(self._tally)

    async def _outcome(self, question: Question | Rejection) -> Outcome:
        """Ask, and once more with what was wrong; pure but for the answers."""
        if isinstance(question, Rejection):
            return Outcome(question, None, 0)
        messages: list[dict[str, str]] | None = None
        reason, text = "", ""
        for attempt in range(1, self._config.attempts + 1):
            request = request_for(question, self._config, attempt, messages)
            answer = await self._answer(request)
            text = answer.text
            if answer.finish_reason.startswith(("refused", "failed")):
                reason = f"endpoint_{answer.finish_reason.split(':')[0]}"
                break
            verdict = await self._judged(text, question)
            if verdict.accepted and verdict.messages:
                return Outcome(self._record(question, request.model, verdict.messages), None, attempt)
            reason = verdict.reason or "no_transcript"
            messages = [
                *request.messages,
                {"role": "assistant", "content": text},
                {"role": "user", "content": correction(reason)},
            ]
        return Outcome(Rejection(question.question_id, reason), text, attempt)

    async def _judged(self, text: str, question: Question) -> Verdict:
        """The verdict on a transcript; 0.7 ms of it, beside 1 ms of a request, so a long run gives it a process."""
        rounds = (self._config.min_rounds, self._config.max_rounds)
        if self._tally.requests < SHORT_RUN:
            return validate(text, question=question.question, answer=question.answer, rounds=rounds)
        self._judge = self._judge or ProcessPoolExecutor(1, get_context("spawn"), end_with_parent)
        judging = partial(validate, text, question=question.question, answer=question.answer, rounds=rounds)
        return await asyncio.get_running_loop().run_in_executor(self._judge, judging)

    async def _answer(self, request: Request) -> Answer:
        if kept := self._answers.get(request.key):
            return kept
        reserved, answer = self._meter.reserve(request), None
        self._tally.asking += 1
        try:
            answer = await self._endpoint.ask(request)
            if not answer.finish_reason.startswith("failed"):  # a failure may pass; a later start asks again
                self._answers.add(answer)  # before anything is made of it
        finally:
            self._tally.asking -= 1
            self._meter.settle(reserved, answer)
        self._tally.answered(answer)
        return answer

    def _record(self, question: Question, model: str, messages: list[dict[str, str]]) -> Record:
        row: Any = {
            "id": question.question_id,
            "messages": messages,
            "topic": question.topic,
            "question_id": question.question_id,
            "license": question.license,
            "rewriter": f"{model} {self._prompt.key}",
        }
        return record_of(row, messages, source=question.source)


class _Outputs:
    """The two files of a run, whose lines together are as many as the questions that are done, in their order."""

    def __init__(self, out: Path) -> None:
        self._accepted, accepted = _whole(out / ACCEPTED)
        self._rejected, rejected = _whole(out / REJECTED)
        self.written = accepted + rejected

    def __enter__(self) -> "_Outputs":
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._accepted, self._rejected):
            os.close(file)

    def write(self, outcome: Outcome) -> None:
        if isinstance(outcome.result, Record):
            value: dict[str, Any] = outcome.result.as_dict()
        else:
            value = {"question_id": outcome.result.id, "reason": outcome.result.reason}
            value |= {"attempts": outcome.attempts, "transcript": outcome.transcript}
        line = (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "replace")
        os.write(self._accepted if isinstance(outcome.result, Record) else self._rejected, line)


def _whole(path: Path) -> tuple[int, int]:
    """A file to append to, without a last line that a kill tore, and how many lines it has."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    lines, end = 0, 0
    with open(file, "rb", closefd=False) as reading:
        for line in reading:
            if not line.endswith(b"\n"):
                break
            lines, end = lines + 1, end + len(line)
    os.ftruncate(file, end)
    os.lseek(file, end, os.SEEK_SET)
    return file, lines


def _skipped(items: Iterator[Question | Rejection], count: int) -> Iterator[Question | Rejection]:
    for number, item in enumerate(items):
        if number >= count:
            yield item


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    with (out / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(f"another run writes to {str(out)!r}; wait for it, or give another --out") from None
        yield


def _same_run(out: Path, config: RewriteConfig, path: Path, shard: Shard) -> None:
    """Rows of two prompts in one file could not be told apart, so a folder is of one run."""
    made = {
        "settings": config.key,
        "questions": path.name,
        "size": path.stat().st_size,
        "shard": [shard.number, shard.of],
    }
    file = out / MADE_WITH
    if file.is_file() and file.read_text(encoding="utf-8") != json.dumps(made):
        raise OutputError(
            f"{str(out)!r} was made with other questions, models, prompt, parameters or shard; give another --out"
        )
    file.write_text(json.dumps(made), encoding="utf-8")


__all__ = ["CostReached", "EndpointStopped", "OutputError", "rewrite"]
