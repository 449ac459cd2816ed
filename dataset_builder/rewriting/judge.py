"""Checks transcripts beside the event loop: a run of more than a few has a process of its own for it.

To check a transcript takes as long as to ask for one, 0.5 ms each. On two cores, with answers that take 50 ms, that is
700 rows a second in one process and 1,000 in two; a run on a distant endpoint notices neither.
"""

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Any

from dataset_builder.rewriting.validate import Verdict, validate

HERE = 200
"""Transcripts that are checked in this process before another one is started, which takes it a second."""
BATCH = 16
"""Transcripts that go to it at a time, at most: as many as came while the last were checked, and 8 ms of its work."""

Asked = tuple[str, str | None, str | None]
"""A transcript, and the question and answer that it was made from."""


class Judge:
    """`validate` with these bounds on rounds; the same verdicts, wherever they are made."""

    def __init__(self, rounds: tuple[int, int]) -> None:
        self._rounds, self._count = rounds, 0
        self._waiting: list[tuple[Asked, asyncio.Future[Verdict]]] = []
        self._asked = asyncio.Event()
        self._ready = False  # whether the other process takes transcripts
        self._task: asyncio.Task[None] | None = None
        self.process: asyncio.subprocess.Process | None = None

    async def verdict(self, transcript: str, question: str | None, answer: str | None) -> Verdict:
        self._count += 1
        if not self._ready:
            if (
                self._count == HERE
                and (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) > 1
            ):
                self._task = asyncio.create_task(self._elsewhere())
            return _judged((transcript, question, answer), self._rounds)
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append(((transcript, question, answer), future))
        self._asked.set()
        return await future

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _elsewhere(self) -> None:
        """Have another process check what waits. Should it end, all is checked here again."""
        process = self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "dataset_builder.rewriting.judge",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
            start_new_session=True,  # an interrupt from the keyboard is for this process to handle
        )
        assert process.stdin and process.stdout
        try:
            await _read(process.stdout)  # that it has started
            self._ready = True
            while True:
                await self._asked.wait()
                self._asked.clear()
                while batch := self._waiting[:BATCH]:
                    process.stdin.write(_framed([self._rounds, [asked for asked, _ in batch]]))
                    for (_, future), found in zip(batch, await _read(process.stdout), strict=True):
                        if not future.done():
                            future.set_result(Verdict(*found))
                    del self._waiting[: len(batch)]
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._ready = False
            self._here()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _here(self) -> None:
        for asked, future in self._waiting:
            if not future.done():
                try:
                    future.set_result(_judged(asked, self._rounds))
                except Exception as error:
                    future.set_exception(error)
        self._waiting.clear()


def _judged(asked: Asked, rounds: tuple[int, int]) -> Verdict:
    transcript, question, answer = asked
    return validate(transcript, question=question, answer=answer, rounds=rounds)


def _framed(value: Any) -> bytes:
    data = json.dumps(value, ensure_ascii=False).encode()
    return len(data).to_bytes(4, "big") + data


async def _read(stream: asyncio.StreamReader) -> Any:
    return json.loads(await stream.readexactly(int.from_bytes(await stream.readexactly(4), "big")))


def main() -> None:
    """Answer batches of transcripts on stdin with verdicts on stdout, until either ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    found: list[Any] = []
    while True:
        with suppress(BrokenPipeError):
            sink.write(_framed(found))
            sink.flush()
        header = source.read(4)
        if len(header) < 4:
            os._exit(0)  # the other end is gone; there is nothing to flush to
        (least, most), batch = json.loads(source.read(int.from_bytes(header, "big")))
        verdicts = [_judged(tuple(asked), (least, most)) for asked in batch]
        found = [(each.accepted, each.reason, each.messages) for each in verdicts]


if __name__ == "__main__":
    main()


def _cores() -> int:
    """Those that this process may use; macOS does not say, so there all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
