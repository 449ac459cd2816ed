"""A provider's Batch API, at half the price and within a day: requests out as its files, results in as kept answers.

The formats are OpenAI's, which other providers take too: a line a request, `{custom_id, method, url, body}`, and
a line a result, `{custom_id, response: {status_code, body}, error}`, in any order. A file is of one model.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from dataset_builder.records import Rejection
from dataset_builder.rewriting.answers import Answer, Answers
from dataset_builder.rewriting.config import RewriteConfig
from dataset_builder.rewriting.questions import Shard, questions
from dataset_builder.rewriting.requests import request_for
from dataset_builder.rewriting.rewrite import ANSWERS

MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
"""Of one file, by OpenAI's rules."""


class BatchError(ValueError):
    """A batch that cannot be written or read."""


def export_batch(config: RewriteConfig, path: Path, out: Path, folder: Path, shard: Shard) -> list[Path]:
    """Write the first request of each question that `out` has no answer to into files in `folder`, and name them.

    Raises:
        BatchError: where `folder` holds an earlier export, whose results could be taken for those of this one.
    """
    if any(folder.glob("*.jsonl")):
        raise BatchError(f"{str(folder)!r} holds an earlier export; give each a folder of its own")
    folder.mkdir(parents=True, exist_ok=True)
    answers = Answers(out / ANSWERS)
    files: dict[str, tuple[Path, BinaryIO, int]] = {}
    written: list[Path] = []
    try:
        for item in questions(path, shard):
            if isinstance(item, Rejection):
                continue
            request = request_for(item, config)
            if answers.get(request.key):
                continue
            body = {"model": request.model, "messages": request.messages, **request.parameters}
            row = {"custom_id": request.key, "method": "POST", "url": "/v1/chat/completions", "body": body}
            line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
            place, file, count = files.get(request.model, (None, None, 0))
            if file is None or count == MOST_REQUESTS or file.tell() + len(line) > MOST_BYTES:
                if file:
                    file.close()
                place, count = folder / f"batch-{len(written):04d}.jsonl", 0
                file = place.open("wb")
                written.append(place)
            file.write(line)
            files[request.model] = (place, file, count + 1)  # type: ignore[assignment]
    finally:
        answers.close()
        for _, file, _ in files.values():
            file.close()
    return written


def import_batch(results: Iterable[Path], out: Path) -> Counter[str]:
    """Keep the results of a batch, output and error files alike, as answers in `out`; counts what the lines were.

    `answers` are new, `there_before` were kept already, `failed` are for the next run to ask for, and `malformed`
    lines are left where they are. Importing a file again changes nothing.
    """
    answers, counts, new = Answers(out / ANSWERS), Counter[str](), set[str]()
    try:
        for path in results:
            with path.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    found = _read(line)
                    if isinstance(found, str):
                        counts[found] += 1
                    elif found.key in new or answers.get(found.key):
                        counts["there_before"] += 1
                    else:
                        answers.add(found)
                        new.add(found.key)
                        counts["answers"] += 1
    finally:
        answers.close()
    return counts


def _read(line: str) -> Answer | str:
    """The answer in a line of results, or what the line is instead."""
    try:
        row: Any = json.loads(line)
        key, response = row["custom_id"], row.get("response") or {}
        if row.get("error") or response.get("status_code") != 200:
            return "failed"
        body = response["body"]
        choice, usage = body["choices"][0], body.get("usage") or {}
        int(key, 16)
        return Answer(
            key=key,
            prompt_tokens=int(usage.get("prompt_tokens", 0)),
            completion_tokens=int(usage.get("completion_tokens", 0)),
            model=str(body.get("model", "unknown")),
            finish_reason=str(choice.get("finish_reason") or "unknown"),
            text=str(choice["message"].get("content") or ""),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return "malformed"
