"""A provider's Batch API: files within its limits, results that the next run pays nothing for, and no line lost."""

import json

import pytest

from dataset_builder.records import Rejection
from dataset_builder.rewriting import batch_files
from dataset_builder.rewriting.answers import Answers
from dataset_builder.rewriting.batch import Imported, export_batch, import_batch
from dataset_builder.rewriting.batch_files import BatchError
from dataset_builder.rewriting.config import load_config
from dataset_builder.rewriting.prompts import prompt
from dataset_builder.rewriting.questions import Question, Shard, chosen, numbered, survey
from dataset_builder.rewriting.rewrite import rewrite
from tests.dataset_builder.rewriting.scripted import Script, Scripted, transcript

PARAMETERS = {"temperature": 1.0, "max_tokens": 4000}
MODELS = {"tiny": 0.7, "org/large": 0.3}
PROMPT = prompt("paper-zh")


def asked(count: int) -> list[Question]:
    return [
        Question(f"q{number}", f"第{number}次失眠了，我该怎么办？", "先说说是从什么时候开始的。")
        for number in range(count)
    ]


def exported(out, count: int = 40, models=MODELS, **options):
    return export_batch(asked(count), PROMPT, models, PARAMETERS, out, **options)


def requests_in(folder) -> list[dict]:
    return [
        json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]


def body_of(request: dict, text: str | None = "一段对话") -> dict:
    """A completion as an endpoint gives it, under the dated name that it goes by there."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 700, "completion_tokens": 900, "total_tokens": 1600}
    return {
        "id": "c",
        "object": "chat.completion",
        "model": request["body"]["model"] + "-0125",
        "choices": [choice],
        "usage": usage,
    }


def good(request: dict, text: str | None = "一段对话") -> dict:
    response = {"status_code": 200, "request_id": "r", "body": body_of(request, text)}
    return {"id": "batch_req_1", "custom_id": request["custom_id"], "response": response, "error": None}


def bad(request: dict, code: str) -> dict:
    error = {"code": code, "message": "This request could not be executed before the completion window expired."}
    return {"id": "batch_req_2", "custom_id": request["custom_id"], "response": None, "error": error}


def refused(request: dict, status: int, error) -> dict:
    response = {"status_code": status, "request_id": "r", "body": {"error": error}}
    return {"id": "batch_req_3", "custom_id": request["custom_id"], "response": response, "error": None}


def results(path, rows) -> list:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return [path]


@pytest.fixture
def answers(tmp_path):
    with Answers(tmp_path / "answers.jsonl") as store:
        yield store


def test_each_file_holds_one_model_and_a_request_for_each_of_its_questions(tmp_path):
    made = exported(tmp_path / "out")
    assert sorted(path.name for path in made.files) == ["org-large-00001.jsonl", "tiny-00001.jsonl"]
    assert made.requests == 40 and made.answered == made.rejected == 0
    for path in made.files:
        assert len({json.loads(line)["body"]["model"] for line in path.read_text("utf-8").splitlines()}) == 1
    rows = requests_in(tmp_path / "out")
    assert len({row["custom_id"] for row in rows}) == 40
    for row in rows:
        assert list(row) == ["custom_id", "method", "url", "body"]
        assert (row["method"], row["url"]) == ("POST", "/v1/chat/completions")
        assert len(row["custom_id"]) == 64
        assert row["body"].keys() == {"model", "messages", "temperature", "max_tokens"}
    by_text = {row["body"]["messages"][0]["content"]: row["body"]["model"] for row in rows}
    for question in asked(40):
        assert by_text[PROMPT.render(question.question, question.answer)] == chosen(question.question_id, MODELS)


def test_files_stay_within_the_limits_and_hold_every_request_once(tmp_path):
    whole = requests_in_one(tmp_path)
    by_number = exported(tmp_path / "number", models={"tiny": 1}, most_requests=7)
    assert [len(path.read_bytes().splitlines()) for path in by_number.files] == [7, 7, 7, 7, 7, 5]
    longest = max(len(json.dumps(row, ensure_ascii=False).encode()) for row in whole) + 1
    by_size = exported(tmp_path / "size", models={"tiny": 1}, most_bytes=3 * longest)
    assert all(path.stat().st_size <= 3 * longest for path in by_size.files)
    assert len(by_size.files) == 14
    for folder in ("number", "size"):
        assert requests_in(tmp_path / folder) == whole


def requests_in_one(tmp_path) -> list[dict]:
    exported(tmp_path / "one", models={"tiny": 1})
    return requests_in(tmp_path / "one")


def test_limits_are_those_of_the_provider():
    assert (batch_files.MOST_REQUESTS, batch_files.MOST_BYTES) == (50_000, 200_000_000)


def test_request_that_no_file_can_hold_is_named(tmp_path):
    with pytest.raises(BatchError, match=r"takes [\d,]+ bytes, a file 100; shorten"):
        exported(tmp_path / "out", most_bytes=100)
    assert not list((tmp_path / "out").iterdir()), "no half file is left under any name"


def test_models_whose_names_look_alike_get_files_of_their_own(tmp_path):
    exported(tmp_path / "out", models={"a/b": 1, "a:b": 1})
    assert len(list((tmp_path / "out").glob("*.jsonl"))) == 2
    assert len(requests_in(tmp_path / "out")) == 40


def test_second_export_does_not_mix_with_the_first(tmp_path):
    exported(tmp_path / "out")
    with pytest.raises(BatchError, match="folder of its own"):
        exported(tmp_path / "out")


def test_lines_that_are_no_question_are_counted(tmp_path):
    made = export_batch([*asked(2), Rejection("x", "not_json")], PROMPT, MODELS, PARAMETERS, tmp_path / "out")
    assert (made.requests, made.rejected) == (2, 1)


def test_result_is_kept_under_its_key_and_for_the_model_that_was_asked(tmp_path, answers):
    exported(tmp_path / "out")
    request = requests_in(tmp_path / "out")[0]
    made = import_batch(
        results(tmp_path / "r.jsonl", [good(request)]), answers, tmp_path / "out", tmp_path / "left.jsonl"
    )
    assert made == Imported(answers=1)
    kept = answers.get(request["custom_id"])
    assert (kept.text, kept.prompt_tokens, kept.completion_tokens) == ("一段对话", 700, 900)
    assert kept.model == request["body"]["model"]


def test_every_line_is_counted_and_what_cannot_be_used_is_kept_whole(tmp_path, answers):
    exported(tmp_path / "out")
    rows = requests_in(tmp_path / "out")
    stranger = {**rows[0], "custom_id": "f" * 64}
    lines = [
        good(rows[0]),
        good(rows[1]),
        "",
        good(rows[0], "另一段"),  # paid for twice
        good(stranger),
        good({**rows[0], "custom_id": "request-1"}),
        bad(rows[2], "batch_expired"),
        bad(rows[3], "batch_expired"),
        bad(rows[4], "batch_cancelled"),
        refused(rows[5], 400, {"code": "content_filter", "message": "…"}),
        refused(rows[6], 500, None),
        {"custom_id": rows[7]["custom_id"]},
        {**good(rows[8]), "response": {"status_code": 200, "body": {"choices": []}}},
        json.dumps(good(rows[9]))[:-20],
        "[1]",
        '{"custom_id": 7}',
        "\x00",
    ]
    made = import_batch(results(tmp_path / "r.jsonl", lines), answers, tmp_path / "out", tmp_path / "left.jsonl")
    failed = {"batch_expired": 2, "batch_cancelled": 1, "content_filter": 1, "http_500": 1, "no_response": 1}
    assert made == Imported(2, 0, failed, unknown=3, duplicates=1, malformed=4)
    assert made.answers + sum(made.failed.values()) + made.unknown + made.duplicates + made.malformed == len(lines) - 1
    left = [json.loads(line) for line in (tmp_path / "left.jsonl").read_text("utf-8").splitlines()]
    assert [(row["line"], row["why"]) for row in left] == [
        (4, "duplicates"),
        (5, "unknown"),
        (6, "unknown"),
        (13, "malformed"),
        (14, "malformed"),
        (15, "malformed"),
        (16, "unknown"),
        (17, "malformed"),
    ]
    assert json.loads(left[0]["text"])["response"]["body"]["choices"][0]["message"]["content"] == "另一段"
    assert answers.get(rows[0]["custom_id"]).text == "一段对话", "the first answer stays"
    assert "2 answers kept" in made.line() and "batch_expired 2" in made.line()


def test_importing_again_changes_nothing(tmp_path, answers):
    exported(tmp_path / "out")
    files = results(tmp_path / "r.jsonl", [good(row) for row in requests_in(tmp_path / "out")])
    assert import_batch(files, answers, tmp_path / "out", tmp_path / "left.jsonl").answers == 40
    before = answers.path.read_bytes()
    assert import_batch(files, answers, tmp_path / "out", tmp_path / "left.jsonl") == Imported(there_before=40)
    assert answers.path.read_bytes() == before


def test_answered_questions_are_not_exported_again(tmp_path, answers):
    exported(tmp_path / "first")
    rows = requests_in(tmp_path / "first")
    import_batch(
        results(tmp_path / "r.jsonl", [good(row) for row in rows[:25]]), answers, tmp_path / "first", tmp_path / "l"
    )
    made = exported(tmp_path / "second", answers=answers)
    assert (made.requests, made.answered) == (15, 25)
    assert {row["custom_id"] for row in requests_in(tmp_path / "second")} == {row["custom_id"] for row in rows[25:]}


@pytest.mark.parametrize("name", ["nothing", "absent"])
def test_folder_without_requests_is_named(tmp_path, answers, name):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(BatchError, match=f"{name} has no requests"):
        import_batch([], answers, tmp_path / name, tmp_path / "left.jsonl")


def test_missing_results_are_named(tmp_path, answers):
    exported(tmp_path / "out")
    with pytest.raises(BatchError, match=r"gone\.jsonl cannot be read"):
        import_batch([tmp_path / "gone.jsonl"], answers, tmp_path / "out", tmp_path / "left.jsonl")


def test_rewriting_after_an_import_pays_only_for_what_the_batch_did_not_answer(tmp_path):
    source, out, folder = tmp_path / "questions.jsonl", tmp_path / "run", tmp_path / "batch"
    rows = [{"question_id": each.question_id, "question": each.question, "answer": each.answer} for each in asked(30)]
    rows.append(rows[3])  # asked for once, and rejected the second time
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    repeated = survey(source, Shard()).repeated
    items = [line.item for line in numbered(source, Shard(), repeated)]
    assert export_batch(items, PROMPT, MODELS, PARAMETERS, folder).rejected == 1
    said = {PROMPT.render(each.question, each.answer): transcript(each.question) for each in asked(30)}
    found = [good(row, said[row["body"]["messages"][0]["content"]]) for row in requests_in(folder)]
    out.mkdir()
    with Answers(out / "answers.jsonl") as store:
        assert import_batch(results(tmp_path / "r.jsonl", found[:27]), store, folder, tmp_path / "l").answers == 27
    with Scripted(Script()) as endpoint:
        config = load_config(base_url=endpoint.url, prompt=PROMPT.id, models=MODELS, parameters=PARAMETERS)
        report = rewrite(config, source, out)
        assert endpoint.sent.total() == 3
    assert (report.done, report.figures["reasons"]) == (31, {"duplicate_question_id": 1})
    assert len((out / "accepted.jsonl").read_text("utf-8").splitlines()) == 30
