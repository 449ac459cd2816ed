"""What the words of CORPUS name: the sample, paths in a known format, whole folders, datasets of a Hub."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_builder.inputs import inputs
from dataset_builder.records import Rejection
from dataset_builder.sources import SourceError
from local_hub import serving
from tests.dataset_builder.building import build_into, written
from tests.dataset_builder.synthetic import dialogues

ROOT = Path(__file__).resolve().parents[2]


def jsonl(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def named(*words):
    return [(each.reader, each.name) for each in inputs(words)]


def test_a_format_before_a_path_is_believed_and_without_one_it_is_recognised(tmp_path):
    path = jsonl(tmp_path / "talks.jsonl", dialogues(2))
    assert named(f"messages:{path}") == named(str(path)) == [("messages", "talks")]
    assert named(f"smilechat-v2:{path}") == [("smilechat-v2", "smilechat-v2")]


def test_a_folder_of_corpora_is_everything_in_it_that_is_recognised(tmp_path):
    jsonl(tmp_path / "a" / "talks.jsonl", dialogues(2))
    smile = [{"id": 1, "messages": [{"role": "client", "content": "在吗"}, {"role": "counselor", "content": "在。"}]}]
    jsonl(tmp_path / "b" / "dialogues.jsonl", smile)
    (tmp_path / "notes.md").write_text("nothing")
    (tmp_path / "questions.json").write_text('["一", "二"]')
    assert sorted(named(str(tmp_path))) == [("messages", "talks"), ("smilechat-v2", "smilechat-v2")]


def test_several_words_are_read_in_their_order_and_the_same_one_once(tmp_path):
    path = jsonl(tmp_path / "talks.jsonl", dialogues(2))
    assert named("sample", str(path), "sample") == [("sample", "soulchat-sample"), ("messages", "talks")]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("absent.jsonl", "no corpus at 'absent.jsonl'"),
        ("messages:absent.jsonl", "no corpus at 'absent.jsonl'"),
        ("smile:absent", "no reader for the source 'smile'; there is one for: soulchat,"),
        ("hf:soulchat", "'hf:soulchat' is not hf:NAMESPACE/NAME"),
    ],
)
def test_a_word_that_names_nothing_is_an_error_that_says_what_would(word, message):
    with pytest.raises(SourceError, match=message):
        inputs([word])


def test_a_file_that_is_not_recognised_says_how_to_name_its_format(tmp_path):
    path = tmp_path / "questions.json"
    path.write_text('["一", "二"]')
    with pytest.raises(
        SourceError, match=r"questions.json' is in no format that is recognised; name it, as in messages:"
    ):
        inputs([str(path)])
    with pytest.raises(SourceError, match="no corpus is named"):
        inputs([])


def test_a_fingerprint_changes_with_the_file_and_the_reader(tmp_path):
    path = jsonl(tmp_path / "talks.jsonl", dialogues(2))
    before = inputs([str(path)])[0].fingerprint()
    assert inputs([str(path)])[0].fingerprint() == before
    assert inputs([f"smilechat-v2:{path}"])[0].fingerprint() != before
    jsonl(path, dialogues(3))
    assert inputs([str(path)])[0].fingerprint() != before


def test_the_sample_is_each_conversation_and_its_question_with_one_answer():
    rows = list(inputs(["sample"])[0].rows())
    assert len(rows) == 288 and not any(isinstance(row, Rejection) for row in rows)
    assert {len(row["messages"]) == 2 for row in rows[1::2]} == {True}
    assert rows[0]["question_id"] == rows[1]["question_id"] != rows[2]["question_id"]


# Each in a process of its own, since HF_ENDPOINT is read at import: the corpus is pushed, then read from the Hub.
PUSH = """
import sys
from pathlib import Path
from dataset_builder.corpus import corpus_files
from dataset_builder.publish import publish
publish("local/talks", "dataset", corpus_files(Path(sys.argv[1])), message="Release")
publish("local/lines", "dataset", {"talks.jsonl": Path(sys.argv[2])}, message="Release")
"""


def test_a_dataset_of_a_hub_is_read_as_a_source_with_what_its_rows_say(tmp_path):
    rows = list(dialogues(20))
    lines = written(tmp_path, rows)
    build_into(tmp_path, f"messages:{lines}")
    with serving(tmp_path / "hub") as url:
        environment = os.environ | {"HF_ENDPOINT": url, "HF_TOKEN": "local", "HF_HOME": str(tmp_path / "home")}
        environment |= {"PYTHONPATH": str(ROOT), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

        def run(*arguments):
            command = [sys.executable, *map(str, arguments)]
            return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

        pushed = run("-c", PUSH, tmp_path / "soulchat", lines)
        assert pushed.returncode == 0, pushed.stderr
        for repo in ("hf:local/talks", "hf:local/lines@main"):
            built = run("-m", "dataset_builder", "build", repo, "--out", "again", "--work", "again-work")
            assert built.returncode == 0, built.stderr
            assert "read 20, kept 20" in built.stdout
        absent = run("-m", "dataset_builder", "build", "hf:local/absent", "--out", "none", "--work", "none-work")
    assert absent.returncode == 1 and "error: hf:local/absent cannot be fetched" in absent.stderr
    assert "Traceback" not in absent.stderr
