"""The files of a provider's Batch API: requests within its limits, and which of them were written."""

import json
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from dataset_builder.rewriting.requests import Request

URL = "/v1/chat/completions"
MOST_REQUESTS = 50_000
MOST_BYTES = 200_000_000

_HEAD = re.compile(
    rb'\{"custom_id": "([0-9a-f]{64})", "method": "POST", "url": "[^"]*", "body": \{"model": ("(?:[^"\\]|\\.)*")'
)


class BatchError(ValueError):
    """A batch that cannot be written or read; the message names the file or request and the fix."""


class RequestFiles:
    """Batch input files, one open for each model; each gets its name when it is whole."""

    def __init__(self, out: Path, most_requests: int, most_bytes: int) -> None:
        self._out, self._most_requests, self._most_bytes = out, most_requests, most_bytes
        self._open: dict[str, tuple[BinaryIO, Path]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._numbers = Counter[str]()
        self.written: list[Path] = []
        self.requests = 0

    def __enter__(self) -> "RequestFiles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for model in list(self._open):
            self._close(model, whole=kind is None)

    def add(self, request: Request) -> None:
        body = {"model": request.model, "messages": request.messages, **request.parameters}
        row = {"custom_id": request.key, "method": "POST", "url": URL, "body": body}
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
        if len(line) > self._most_bytes:
            raise BatchError(
                f"request {request.key} takes {len(line):,} bytes, a file {self._most_bytes:,}; shorten it"
            )
        model = request.model
        lines, size = self._sizes.get(model, (0, 0))
        if model in self._open and (lines >= self._most_requests or size + len(line) > self._most_bytes):
            self._close(model, whole=True)
        if model not in self._open:
            self._begin(model)
        self._open[model][0].write(line)
        lines, size = self._sizes[model]
        self._sizes[model] = lines + 1, size + len(line)
        self.requests += 1

    def _begin(self, model: str) -> None:
        self._numbers[model] += 1
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", model)
        path = self._out / f"{name}-{self._numbers[model]:05}.jsonl"
        taken = {open_path for _, open_path in self._open.values()}
        while path.exists() or path in taken:  # models that differ in what a file's name cannot have
            path = path.with_name(f"{path.stem}-.jsonl")
        self._open[model] = (path.with_name(f".{path.name}.unfinished").open("wb"), path)
        self._sizes[model] = 0, 0

    def _close(self, model: str, *, whole: bool) -> None:
        file, path = self._open.pop(model)
        file.close()
        unfinished = path.with_name(f".{path.name}.unfinished")
        if whole:
            unfinished.rename(path)
            self.written.append(path)
        else:
            unfinished.unlink()


class KnownRequests:
    """Which requests were exported, and for which model."""

    def __init__(self, folder: Path) -> None:
        numbers: dict[str, array[int]] = {}
        for _, _, line in lines_of(sorted(folder.glob("*.jsonl"))):
            if head := _HEAD.match(line):
                numbers.setdefault(json.loads(head[2]), array("Q")).append(int(head[1][:16], 16))
        if not numbers:
            raise BatchError(f"{folder} has no requests; give the folder that the batch was exported to")
        self._numbers = {model: np.sort(np.array(each, np.uint64)) for model, each in numbers.items()}

    def model(self, key: Any) -> str | None:
        """The model that this request was for; None where it is none of ours."""
        if not isinstance(key, str) or not re.fullmatch("[0-9a-f]{64}", key):
            return None
        number = np.uint64(int(key[:16], 16))
        for model, numbers in self._numbers.items():
            place = int(np.searchsorted(numbers, number))
            if place < len(numbers) and numbers[place] == number:
                return model
        return None


def lines_of(paths: Iterable[Path]) -> Iterator[tuple[Path, int, bytes]]:
    """The lines of these files that are not empty, with their numbers."""
    for path in paths:
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield path, number, line.rstrip(b"\r\n")
        except OSError as error:
            raise BatchError(
                f"{path} cannot be read ({error.strerror}); give the files that the provider sent"
            ) from None
