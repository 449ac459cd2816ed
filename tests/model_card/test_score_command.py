import json
from pathlib import Path

import pytest

from model_card.__main__ import main
from model_card.metrics import METRICS


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["model_card", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines), encoding="utf-8")
    return path


def test_a_file_of_replies_gives_one_object_on_stdout(monkeypatch, capsys, tmp_path):
    file = write(
        tmp_path / "replies.jsonl",
        {"id": "1", "reply": "你愿意多说说吗？", "reference": "能多说说吗？"},
        {"id": "2", "reply": "", "references": ["我在听。", "嗯。"]},
        "",
    )
    assert run(monkeypatch, "score", str(file), "--profile", "standard") == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert set(result) == {*METRICS, "signature", "n", "empty", "interval"}
    assert (result["n"], result["empty"], err) == (2, 1, "")
    assert "agg:corpus" in result["signature"]
    assert set(result["interval"]) == set(METRICS)
    assert result["interval"]["rouge-1"][0] <= result["rouge-1"] <= result["interval"]["rouge-1"][1]


GOOD = {"id": "1", "reply": "好", "reference": "好"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id": "2", "reply": ', "not JSON"),
        ("[1]", "a list, not an object"),
        ({"reply": "好", "reference": "好"}, "'id' is missing"),
        ({"id": "2", "reference": "好"}, "'reply' is missing"),
        ({"id": "2", "reply": "好"}, "'reference' (or 'references') is missing"),
        ({"id": "2", "reply": None, "reference": "好"}, "'reply' is null; write a string"),
        ({"id": "2", "reply": "好", "reference": 3}, "'reference' is 3; write a string"),
        ({"id": "2", "reply": "好", "references": []}, "'references' is []; write a list"),
        ({"id": "2", "reply": "好", "references": "好"}, "write a list of at least one string"),
        ({"id": "2", "reply": "好", "reference": "好", "references": ["好"]}, "keep one of them"),
    ],
)
def test_a_broken_line_is_named_with_its_fix(monkeypatch, capsys, tmp_path, line, says):
    file = write(tmp_path / "replies.jsonl", GOOD, line)
    assert run(monkeypatch, "score", str(file)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{file}:2: " in err
    assert says in err
    assert err.count("\n") == 1


def test_bytes_that_are_not_utf8_are_named(monkeypatch, capsys, tmp_path):
    file = tmp_path / "replies.jsonl"
    file.write_bytes(b'{"id": "\xff"}\n')
    assert run(monkeypatch, "score", str(file)) == 1
    assert f"{file}:1: not JSON" in capsys.readouterr().err


def test_an_unknown_profile_an_empty_and_a_missing_file_are_one_line(monkeypatch, capsys, tmp_path):
    empty = write(tmp_path / "empty.jsonl")
    for arguments, says in (
        ((str(write(tmp_path / "a.jsonl", GOOD)), "--profile", "bleurt"), "use one of: paper, standard"),
        ((str(empty),), f"{empty}: there is no reply to score"),
        ((str(tmp_path / "none.jsonl"),), "none.jsonl is not a file"),
    ):
        assert run(monkeypatch, "score", *arguments) == 1
        err = capsys.readouterr().err
        assert says in err
        assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["score", "evaluate", "card"])
def test_help_shows_two_examples(monkeypatch, capsys, command):
    assert run(monkeypatch, command, "--help") == 0
    examples = capsys.readouterr().out.partition("Examples:")[2]
    assert examples.count(f"python -m model_card {command}") == 2
