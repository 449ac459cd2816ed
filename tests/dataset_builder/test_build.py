"""The built corpus, as `load_dataset` reads it: from the project's root, word for word."""

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dataset_builder.build import NothingKept, PlaceError
from dataset_builder.corpus import corpus_files
from dataset_builder.pipeline.executors import KEY
from dataset_builder.topics import TOPICS
from tests.dataset_builder import synthetic
from tests.dataset_builder.building import build_into

ROOT = Path(__file__).resolve().parents[2]


def dialogues(count, topic=None, prefix="", rounds=2):
    for i in range(count):
        messages = [
            turn
            for number in range(rounds)
            for turn in (
                {"role": "user", "content": f"{prefix}第{i}件事，第{number}回"},
                {"role": "assistant", "content": f"说说看，{i}的第{number}回"},
            )
        ]
        yield {"id": i, "messages": messages} | ({"topic": topic} if topic else {})


def built(folder, rows):
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return build_into(folder, f"messages:{source}")


def loaded(folder, call, home):
    """What `call` prints in a fresh process, in a folder that holds the corpus as ./soulchat."""
    code = f"from datasets import load_dataset; print({call})"
    environment = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return result.stdout.strip() or result.stderr.strip().splitlines()[-1]


def test_each_topic_is_a_config_and_default_is_all_of_them(tmp_path):
    build_into(tmp_path, "sample")
    sizes = '{s: d.num_rows for s, d in load_dataset("soulchat"%s).items()}'
    home = tmp_path / "home"
    assert loaded(tmp_path, sizes % "", home) == str({"train": 120, "validation": 12, "test": 12})
    assert loaded(tmp_path, sizes % ', "family"', home) == str({"train": 10, "validation": 1, "test": 1})
    assert loaded(tmp_path, sizes % ', "single-turn"', home) == str({"train": 120, "validation": 12, "test": 12})
    names = "__import__('datasets').get_dataset_config_names('soulchat')"
    assert loaded(tmp_path, names, home) == str(["default", *TOPICS, "single-turn"])
    first = loaded(tmp_path, 'load_dataset("soulchat", "sex", split="test")[0]["messages"][0]', home)
    assert first.startswith("{'role': 'user', 'content': '")


def test_a_rebuilt_corpus_is_never_served_stale(tmp_path):
    rows = 'load_dataset("soulchat", split="train")["messages"][0][0]["content"]'
    built(tmp_path, dialogues(2, prefix="旧"))
    assert "旧" in loaded(tmp_path, rows, tmp_path / "home")
    built(tmp_path, dialogues(2, prefix="新"))
    assert "新" in loaded(tmp_path, rows, tmp_path / "home")


def test_a_corpus_without_topics_has_the_default_config_only(tmp_path):
    report = built(tmp_path, dialogues(40))
    assert set(report.sizes) == {"unlabelled"}
    names = "__import__('datasets').get_dataset_config_names('soulchat')"
    assert loaded(tmp_path, names, tmp_path / "home") == "['default']"


def notes(report):
    return [note for note in report.notes(Path("soulchat"), Path("work")) if "split" in note or "topics" in note]


@pytest.mark.parametrize(
    ("count", "questions", "settings", "said"),
    [
        (
            9,
            1,
            [],
            "the 9 rows are 1 group (alike, or of one question), and a topic needs 3; see soulchat/report/rows",
        ),
        (
            9,
            2,
            [],
            "the 9 rows are 2 groups (alike, or of one question), and a topic needs 3; see soulchat/report/rows",
        ),
        (9, 9, ["splits.held_out=0"], "no test split: splits.held_out is 0"),
        (2, 2, [], "too few questions for a test split"),
    ],
)
def test_a_split_that_is_missing_says_why(tmp_path, count, questions, settings, said):
    rows = [row | {"question_id": f"q{i % questions}"} for i, row in enumerate(dialogues(count, "家庭"))]
    report = build_into(tmp_path, rows, settings=settings)
    validation, test = notes(report)
    assert said in test and validation == test.replace("test split", "validation split")


def test_a_corpus_with_all_splits_and_topics_has_nothing_said_of_them(tmp_path):
    assert notes(built(tmp_path, dialogues(9, "家庭"))) == []


def test_a_corpus_without_topics_says_how_rows_get_them(tmp_path):
    [note] = notes(built(tmp_path, dialogues(9)))
    assert "name `topic` in the rows, or use --set topics.labeller=endpoint --set topics.base_url=…" in note


def test_a_topic_with_too_few_questions_declares_only_the_splits_that_have_rows(tmp_path):
    built(tmp_path, [*dialogues(2, "家庭", "a"), *dialogues(9, "情绪", "b")])
    splits = 'sorted(load_dataset("soulchat", "%s"))'
    assert loaded(tmp_path, splits % "family", tmp_path / "home") == "['train']"
    assert loaded(tmp_path, splits % "emotion", tmp_path / "home") == "['test', 'train', 'validation']"


def test_single_turns_are_a_config_of_their_own_in_the_split_of_their_question(tmp_path):
    several = [row | {"question_id": f"q{i}"} for i, row in enumerate(dialogues(30, "家庭"))]
    single = [row | {"question_id": f"q{i}"} for i, row in enumerate(dialogues(30, "家庭", rounds=1))]
    built(tmp_path, several + single)
    rows = '{s: sorted(d["question_id"]) for s, d in load_dataset("soulchat", "%s").items()}'
    home = tmp_path / "home"
    assert loaded(tmp_path, rows % "single-turn", home) == loaded(tmp_path, rows % "family", home)
    lengths = 'sorted({len(m) for d in load_dataset("soulchat", "%s").values() for m in d["messages"]})'
    assert loaded(tmp_path, lengths % "default", home) == "[4]"
    assert loaded(tmp_path, lengths % "single-turn", home) == "[2]"


def test_a_source_of_single_turns_only_is_what_the_default_config_holds(tmp_path):
    report = built(tmp_path, dialogues(40, rounds=1))
    assert report.totals == report.sizes["single-turn"] and report.figures is None
    rows = '{s: d.num_rows for s, d in load_dataset("soulchat"%s).items()}'
    whole = loaded(tmp_path, rows % "", tmp_path / "home")
    assert whole == loaded(tmp_path, rows % ', "single-turn"', tmp_path / "home") == str(report.totals)


def test_the_report_holds_counts_and_figures_and_the_card_shows_them(tmp_path):
    report = built(tmp_path, [*dialogues(40, "家庭", rounds=3), {"id": "bad", "messages": []}])
    folder = tmp_path / "soulchat" / "report"
    written = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert (written["read"], written["kept"], written["rejected"]) == (41, 40, {"no_counsellor_turn": 1})
    assert list(written["sources"]) == ["rows"]
    assert str(tmp_path) not in json.dumps(written), "a path of this machine is nobody's business"
    assert written["figures"]["rounds"] == {"3": 40}
    card = (tmp_path / "soulchat" / "README.md").read_text(encoding="utf-8")
    assert "| rounds, most | 3 |" in card and "must be" not in card
    for name in ("rounds", "turn_lengths", "habits"):
        assert f"(report/{name}.png)" in card
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert {"README.md", "report/report.json", "report/habits.png"} <= set(corpus_files(tmp_path / "soulchat"))
    assert report.figures is not None


def test_the_same_source_builds_the_same_bytes(tmp_path):
    contents = []
    for _ in range(2):
        built(tmp_path, dialogues(30, "家庭"))
        contents.append({p.name: p.read_bytes() for p in sorted((tmp_path / "soulchat").rglob("*")) if p.is_file()})
    assert contents[0] == contents[1]


def test_a_source_without_a_valid_dialogue_leaves_the_old_corpus_alone(tmp_path):
    built(tmp_path, dialogues(5))
    before = (tmp_path / "soulchat" / "README.md").read_bytes()
    with pytest.raises(NothingKept, match=r"read 1, kept 0, rejected 1 \(no_counsellor_turn 1\)"):
        built(tmp_path, [{"id": 1, "messages": [{"role": "user", "content": "在吗"}]}])
    assert (tmp_path / "soulchat" / "README.md").read_bytes() == before


def run(*arguments):
    command = [sys.executable, "-m", "dataset_builder", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_says_what_it_kept_and_why_it_rejected(tmp_path):
    source = tmp_path / "rows.jsonl"
    lines = [*dialogues(4), {"id": "bad", "messages": [{"role": "user", "content": "在吗"}]}]
    source.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    result = run("build", f"messages:{source}", "--out", tmp_path / "soulchat", "--work", tmp_path / "work")
    assert result.returncode == 0
    assert "read 5, kept 4, rejected 1 (no_counsellor_turn 1)" in result.stdout
    assert "the 'default' config only" in result.stderr
    rejected = json.loads((tmp_path / "work" / "rejected.jsonl").read_text())
    assert (rejected["id"], rejected["reason"]) == ("bad", "no_counsellor_turn")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no corpus at"),
        ("{broken\n", "kept 0, rejected 1 (not_json 1)"),
        ('{"id": 1, "messages": [{"role": "user", "content": "在吗"}]}\n', "no valid dialogue"),
    ],
)
def test_a_bad_source_is_one_clear_line_and_publishes_nothing(tmp_path, content, message):
    source = tmp_path / "rows.jsonl"
    if content is not None:
        source.write_text(content, encoding="utf-8")
    result = run("build", f"messages:{source}", "--out", tmp_path / "soulchat", "--work", tmp_path / "work")
    assert result.returncode == 1
    assert [line for line in result.stderr.splitlines() if line.startswith("error: ") and message in line]
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "soulchat").exists()


def test_read_prints_records_and_writes_rejects(tmp_path):
    source = tmp_path / "rows.jsonl"
    lines = [*dialogues(3), {"id": "bad", "messages": []}]
    source.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    result = run("read", "messages", source, "--rejects", tmp_path / "rejects.jsonl")
    assert [json.loads(line)["messages"][1]["content"] for line in result.stdout.splitlines()] == [
        "说说看，0的第0回",
        "说说看，1的第0回",
        "说说看，2的第0回",
    ]
    assert json.loads((tmp_path / "rejects.jsonl").read_text())["id"] == "bad"
    assert "kept 3, rejected 1" in result.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"question_id": "1", "reason": "refusal", "transcript": None}, """jq -c '.["transcript"] | strings' """),
        ({"id": "a", "对话": "用户：在吗\n咨询师：在的"}, """jq -c '.["对话"] | strings' """),
        ({"messages": []}, "`build` reads such rows"),
        (["用户：在吗"], "holds a JSON list; each line is a JSON string, the transcript"),
    ],
)
def test_validate_tells_who_gives_it_rows_how_to_get_at_transcripts(tmp_path, line, said):
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps("用户：在吗") + "\n" + json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
    result = run("validate", file)
    assert result.returncode == 1 and len(result.stdout.splitlines()) == 1
    assert f"error: {file}:2 holds a " in result.stderr and said in result.stderr


def test_a_folder_that_no_build_has_made_is_neither_replaced_nor_emptied(tmp_path):
    for name in ("soulchat", "work"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").write_text("mine")
        with pytest.raises(PlaceError, match=rf"{name}' is no .* and would be replaced"):
            built(tmp_path, dialogues(3))
        assert (tmp_path / name / "thesis.txt").read_text() == "mine"
        (tmp_path / name / "thesis.txt").unlink()
    assert built(tmp_path, dialogues(3)).kept == 3


@pytest.mark.parametrize(("out", "work"), [("a", "a"), ("a/b", "a"), ("a", "a/b")])
def test_a_corpus_inside_its_scratch_folder_is_refused(tmp_path, out, work):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in dialogues(3)), encoding="utf-8")
    result = run("build", f"messages:{rows}", "--out", tmp_path / out, "--work", tmp_path / work)
    assert result.returncode == 1 and "lie in one another" in result.stderr
    assert not (tmp_path / "a").exists()


def test_two_builds_in_one_scratch_folder_are_refused(tmp_path):
    lock = (tmp_path / ".work.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(PlaceError, match="another build works in"):
        built(tmp_path, dialogues(3))
    lock.close()
    assert built(tmp_path, dialogues(3)).kept == 3


def test_a_scratch_folder_whose_emptying_was_killed_is_emptied_again(tmp_path):
    built(tmp_path, dialogues(3))
    (tmp_path / "work" / KEY).write_text("")  # what a kill leaves in the midst of it
    (tmp_path / "work" / "clean" / "00000" / "records.jsonl").unlink()
    assert built(tmp_path, dialogues(3)).kept == 3


@pytest.mark.parametrize("name", ["soulchat", "soulchat-crisis"])
def test_a_folder_with_a_readme_of_its_own_is_no_corpus(tmp_path, name):
    (tmp_path / name).mkdir()
    for file in ("README.md", "thesis.tex"):
        (tmp_path / name / file).write_text("mine")
    with pytest.raises(PlaceError, match=f"{name}' is no"):
        built(tmp_path, dialogues(3))
    assert (tmp_path / name / "thesis.tex").exists()


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "soulchat").symlink_to(tmp_path / "real")
    for count in (3, 4):
        assert built(tmp_path, dialogues(count)).kept == count
    assert (tmp_path / "soulchat").is_symlink() and (tmp_path / "real" / "data").is_dir()


def test_workers_end_with_the_build_that_is_killed(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in synthetic.dialogues(4000)), "utf-8")
    arguments = ["build", f"messages:{rows}", "--workers", "2", "--set", "read.rows_per_shard=500"]
    command = [sys.executable, "-m", "dataset_builder", *arguments]
    log = (tmp_path / "log").open("w")
    process = psutil.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)
    try:
        while not list((tmp_path / "build" / "corpus").glob("clean/.[0-9]*")):
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        children = process.children(recursive=True)
    finally:
        process.kill()
        process.wait()
    assert len(children) >= 2
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_what_is_read_into_a_pipe_that_closes_ends_quietly(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in synthetic.dialogues(2000)), "utf-8")
    line = f"{sys.executable} -m dataset_builder read messages {rows} | head -1"
    result = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(result.stdout.splitlines()) == 1 and "error" not in result.stderr


def test_make_lists_its_targets():
    result = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "CORPUS='sample | [FORMAT:]PATH | hf:REPO …'" in result.stdout and "\n  train " in result.stdout
