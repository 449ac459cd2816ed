"""A provider's Batch API, at half the price and within a day: requests out as its files, results in as kept answers.

The formats are OpenAI's (`BatchRequestInput`, `BatchRequestOutput` in its API reference), which other providers take
too: a line a request, `{custom_id, method, url, body}`, and a line a result, `{id, custom_id, response, error}`, in
any order, over an output file and an error file. A file holds one model, 50,000 requests and 200 MB at most.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset_builder.records import Rejection
from dataset_builder.rewriting.answers import Answer, Answers
from dataset_builder.rewriting.batch_files import (
    MOST_BYTES,
    MOST_REQUESTS,
    BatchError,
    KnownRequests,
    RequestFiles,
    lines_of,
)
from dataset_builder.rewriting.endpoint import answer_of
from dataset_builder.rewriting.prompts import Prompt
from dataset_builder.rewriting.questions import Question
from dataset_builder.rewriting.requests import Request, request_of


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: `files` to upload with purpose "batch", each for a batch of its own."""

    files: tuple[Path, ...]
    requests: int
    answered: int  # questions that need no request, as their answer is there
    rejected: int  # lines that are no question


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of each line of the results; their sum is the number of lines that are not empty.

    `failed` is by what the provider said (batch_expired, http_500, content_filter …): those are asked for again by the
    next run or export. `unknown`, `duplicates` and `malformed` stand whole in the file of leftovers.
    """

    answers: int = 0
    there_before: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0
    duplicates: int = 0
    malformed: int = 0

    def line(self) -> str:
        """The counts for a person."""
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.failed.items())
        failed = f"{sum(self.failed.values()):,} failed" + (f" ({reasons})" if reasons else "")
        odd = f"{self.unknown:,} unknown, {self.duplicates:,} duplicate, {self.malformed:,} malformed"
        return f"{self.answers:,} answers kept, {self.there_before:,} there before, {failed}, {odd}"


def export_batch(
    questions: Iterable[Question | Rejection],
    prompt: Prompt,
    models: Mapping[str, float],
    parameters: Mapping[str, Any],
    out: Path,
    *,
    answers: Answers | None = None,
    most_requests: int = MOST_REQUESTS,
    most_bytes: int = MOST_BYTES,
) -> Exported:
    """Write the first request of every question that has no answer in `answers` as batch input files in `out`.

    `questions` are the items of `numbered`, so that an id that comes again is a Rejection, as it is to `rewrite`; a
    question's model is the one that `rewrite` would ask. A file that stands under its name is whole. Memory does not
    grow with the questions. What fails a check afterwards is corrected by `rewrite`, one request each.

    Raises:
        BatchError: where `out` has files of an earlier export, or one request is larger than a file may be.
    """
    out.mkdir(parents=True, exist_ok=True)
    if found := next(iter(sorted(out.glob("*.jsonl"))), None):
        raise BatchError(f"{found} is of an earlier export; give each export a folder of its own")
    answered = rejected = 0
    with RequestFiles(out, most_requests, most_bytes) as files:
        for item in questions:
            if isinstance(item, Rejection):
                rejected += 1
                continue
            request = request_of(item, prompt, models, parameters)
            if answers is not None and answers.offset(request.key) is not None:
                answered += 1
            else:
                files.add(request)
    return Exported(tuple(files.written), files.requests, answered, rejected)


def import_batch(results: Iterable[Path], answers: Answers, exported: Path, leftovers: Path) -> Imported:
    """Keep the results of a batch, output and error files alike, in `answers`: the next run pays for none of them.

    `exported` is the folder of the requests: a result of anything else is unknown. What cannot be used is added to
    `leftovers`, a line each, `{file, line, why, text}`, so that nothing that was paid for is lost. Importing the same
    file again changes nothing. In memory are 8 bytes for each request and 150 for each answer that is new. A run
    counts what was imported at the full price, so that its ceiling holds.

    Raises:
        BatchError: where `exported` has no request, or a file cannot be read.
    """
    known, begun, counts, failed = KnownRequests(exported), answers.size, Counter[str](), Counter[str]()
    leftovers.parent.mkdir(parents=True, exist_ok=True)
    there = set(leftovers.read_bytes().splitlines(keepends=True)) if leftovers.exists() else set()
    with leftovers.open("ab") as kept:
        for path, number, line in lines_of(results):
            outcome = _read(line, known)
            if isinstance(outcome, Answer):
                offset = answers.offset(outcome.key)
                if offset is None:
                    answers.add(outcome)
                    counts["answers"] += 1
                    continue
                if offset < begun:
                    counts["there_before"] += 1
                    continue
                outcome = "duplicates"
            if outcome in ("unknown", "duplicates", "malformed"):
                counts[outcome] += 1
                text = line.decode("utf-8", "replace")
                row = {"file": path.name, "line": number, "why": outcome, "text": text}
                left = (json.dumps(row, ensure_ascii=False) + "\n").encode()
                if left not in there:
                    kept.write(left)
            else:
                failed[outcome] += 1
    answers.sync()
    return Imported(failed=dict(failed.most_common()), **counts)


def _read(line: bytes, known: KnownRequests) -> Answer | str:
    """The answer in a line of results; else unknown, malformed, or how the request failed."""
    try:
        row = json.loads(line)
        key, response, error = row["custom_id"], row.get("response"), row.get("error")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "malformed"
    model = known.model(key)
    if model is None:
        return "unknown"
    if not isinstance(response, dict):
        return _code(error) or "no_response"
    status, body = response.get("status_code"), response.get("body")
    if status != 200:
        inner = body.get("error") if isinstance(body, dict) else None
        return _code(inner) or _code(error) or f"http_{status}"
    try:
        return answer_of(Request(key, model, [], {}), json.dumps(body).encode())
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "malformed"


def _code(error: Any) -> str | None:
    code = (error.get("code") or error.get("type")) if isinstance(error, dict) else None
    return str(code) if code else None
