"""What a model has answered, on disk before it is used: a JSON Lines file that only grows."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

# The fields that a start reads of each line come first, so that the text need not be parsed.
_HEAD = re.compile(
    rb'\{"key": "(?P<key>[0-9a-f]{32})", "prompt_tokens": (?P<prompt>\d+), "completion_tokens": (?P<completion>\d+), '
    rb'"model": (?P<model>"(?:[^"\\]|\\.)*"), '
)


class AnswersError(ValueError):
    """A file that holds no answers; the message names the line and the fix."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One completion. Of a request that the endpoint refused, `refused` says why and the text is empty."""

    key: str  # 32 hex digits, of the request
    prompt_tokens: int
    completion_tokens: int
    model: str
    finish_reason: str
    text: str


@dataclass
class Spent:
    """Tokens of one model."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Answers:
    """Answers by key. Of those of earlier runs 16 bytes each are in memory, of this run's nothing.

    Raises:
        AnswersError: where a whole line is no answer. A last line that a kill tore is cut off.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.spent: dict[str, Spent] = {}
        self.count = 0
        self._path = path
        keys, offsets = self._scan()
        order = np.argsort(keys, kind="stable")
        self._keys, self._offsets = keys[order], offsets[order]
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._earlier = path.open("rb")

    def close(self) -> None:
        os.close(self._file)
        self._earlier.close()

    def get(self, key: str) -> Answer | None:
        """The answer of an earlier run, if there is one."""
        wanted = np.uint64(int(key[:16], 16))
        at = int(np.searchsorted(self._keys, wanted))
        while at < len(self._keys) and self._keys[at] == wanted:
            self._earlier.seek(int(self._offsets[at]))
            answer = Answer(**json.loads(self._earlier.readline()))
            if answer.key == key:
                return answer
            at += 1
        return None

    def add(self, answer: Answer) -> None:
        """Write an answer; when this returns, no kill of the process takes it away."""
        fields = asdict(answer)
        line = (json.dumps(fields, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
        os.write(self._file, line)  # one write of a whole line
        self._count(answer.model, answer.prompt_tokens, answer.completion_tokens)

    def _scan(
        self,
    ) -> tuple["np.ndarray[tuple[int], np.dtype[np.uint64]]", "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
        if not self._path.exists():
            return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
        found = np.fromiter(self._heads(), dtype=[("key", np.uint64), ("offset", np.int64)])
        return found["key"], found["offset"]

    def _heads(self) -> Iterator[tuple[int, int]]:
        with self._path.open("r+b") as file:
            offset = 0
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    file.truncate(offset)
                    return
                head = _HEAD.match(line)
                if not head:
                    raise AnswersError(
                        f"line {number} of {str(self._path)!r} is no answer; delete the line to ask anew"
                    )
                self._count(json.loads(head["model"]), int(head["prompt"]), int(head["completion"]))
                yield int(head["key"][:16], 16), offset
                offset += len(line)

    def _count(self, model: str, prompt: int, completion: int) -> None:
        spent = self.spent.setdefault(model, Spent())
        spent.prompt_tokens += prompt
        spent.completion_tokens += completion
        self.count += 1
