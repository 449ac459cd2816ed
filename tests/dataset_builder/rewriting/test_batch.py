"""A provider's Batch API: requests as its files, and results that the next run does not pay for."""

import json

import pytest

from dataset_builder.rewriting.batch import BatchError, export_batch, import_batch
from dataset_builder.rewriting.questions import Shard
from dataset_builder.rewriting.rewrite import rewrite
from dataset_builder.rewriting.transcripts import render
from tests.dataset_builder.rewriting.test_rewrite import asked, config, lines, paid, serving
from tests.dataset_builder.rewriting.test_validate import ROWS


def result(request, **more):
    """What a provider answers to a line of a batch."""
    message = {"role": "assistant", "content": render(ROWS[int(request["custom_id"][:4], 16) % len(ROWS)]["messages"])}
    body = {"model": request["body"]["model"], "choices": [{"message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 700, "completion_tokens": 900}}  # fmt: skip
    return {"custom_id": request["custom_id"], "response": {"status_code": 200, "body": body}, "error": None} | more


def test_results_of_a_batch_are_answers_that_nobody_pays_for_again(tmp_path):
    path, out = asked(tmp_path, 30), tmp_path / "out"
    with serving(tmp_path) as (url, log):
        settings = config(url, models={"small": 0.5, "large": 0.5})
        files = export_batch(settings, path, out, tmp_path / "batch", Shard())
        requests = [json.loads(line) for file in files for line in lines(file)]
        assert len(requests) == 30 and [len({json.loads(x)["body"]["model"] for x in lines(f)}) for f in files] == [
            1,
            1,
        ]
        assert all(r["url"] == "/v1/chat/completions" and r["body"]["max_tokens"] == 4096 for r in requests)
        done = [result(request) for request in requests[:20]]
        failed = [result(requests[20], error={"code": "batch_expired"}), result(requests[21]) | {"response": None}]
        (tmp_path / "results.jsonl").write_text(
            "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in [*done, *failed, done[0]]) + "no json\n"
        )
        for times in (1, 2):
            counts = import_batch([tmp_path / "results.jsonl"], out)
            assert counts["failed"] == 2 and counts["malformed"] == 1
            assert counts["answers"] == (20 if times == 1 else 0)
        tally = rewrite(settings, path, out)
        assert sum(paid(log).values()) == 10 and tally.accepted == 30
        assert export_batch(settings, path, out, tmp_path / "second", Shard()) == []


def test_an_export_into_the_folder_of_another_is_refused(tmp_path):
    path = asked(tmp_path, 3)
    settings = config("http://127.0.0.1:1/v1")
    export_batch(settings, path, tmp_path / "out", tmp_path / "batch", Shard())
    with pytest.raises(BatchError, match="holds an earlier export"):
        export_batch(settings, path, tmp_path / "out", tmp_path / "batch", Shard())
