"""Decisions on disk."""

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.review.store import Decisions, ReviewError, load_decisions, read

EDIT = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "你好，我在。"}]


def test_the_latest_decision_of_a_reviewer_stands(tmp_path: Path) -> None:
    mine = Decisions(tmp_path / "ann.jsonl", "ann")
    mine.add("c-1", "accept")
    mine.add("c-1", "reject", "unsafe")
    mine.add("c-2", "edit", messages=EDIT)
    again = Decisions(tmp_path / "ann.jsonl", "ann")
    assert again.latest() == mine.latest()
    assert again.latest()["c-1"].reason == "unsafe" and again.latest()["c-2"].messages == EDIT
    assert len((tmp_path / "ann.jsonl").read_text().splitlines()) == 3


def test_undo_brings_back_what_stood_before_and_outlives_a_restart(tmp_path: Path) -> None:
    mine = Decisions(tmp_path / "ann.jsonl", "ann")
    mine.add("c-1", "accept")
    mine.add("c-1", "reject", "unsafe")
    undone = mine.undo()
    assert undone and undone.decision == "reject"
    assert Decisions(tmp_path / "ann.jsonl", "ann").latest()["c-1"].decision == "accept"
    mine.undo()
    assert mine.undo() is None
    assert Decisions(tmp_path / "ann.jsonl", "ann").latest() == {}


@given(keep=st.integers(0, 400))
def test_a_file_cut_anywhere_opens_with_its_whole_lines_and_grows_on(tmp_path_factory, keep: int) -> None:
    path = tmp_path_factory.mktemp("torn") / "ann.jsonl"
    mine = Decisions(path, "ann")
    for number in range(4):
        mine.add(f"c-{number}", "reject", "不自然")
    whole = path.read_bytes()
    cut = whole[: min(keep, len(whole))]
    path.write_bytes(cut)
    again = Decisions(path, "ann")
    assert list(again.latest()) == [f"c-{n}" for n in range(cut.count(b"\n"))]
    again.add("c-9", "accept")
    assert [each.id for each in read(path)] == [f"c-{n}" for n in range(cut.count(b"\n"))] + ["c-9"]


def test_two_tabs_of_one_reviewer_do_not_tear_each_others_lines(tmp_path: Path) -> None:
    mine = Decisions(tmp_path / "ann.jsonl", "ann")
    threads = [
        threading.Thread(target=lambda n=n: [mine.add(f"c-{n}-{k}", "accept") for k in range(25)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(read(tmp_path / "ann.jsonl"))) == 100


def test_decisions_of_all_reviewers_come_by_item(tmp_path: Path) -> None:
    Decisions(tmp_path / "bo.jsonl", "bo").add("c-1", "accept")
    ann = Decisions(tmp_path / "ann.jsonl", "ann")
    ann.add("c-1", "reject", "broken")
    ann.add("c-2", "accept")
    found = load_decisions(tmp_path)
    assert [each.reviewer for each in found["c-1"]] == ["ann", "bo"]
    assert set(found) == {"c-1", "c-2"}


@pytest.mark.parametrize(
    "line", ["{", "[]", json.dumps({"id": "c", "reviewer": "a", "decision": "perhaps"}), '{"decision": "undo"}']
)
def test_a_line_that_is_no_decision_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "ann.jsonl").write_text(line + "\n")
    with pytest.raises(ReviewError, match=r"ann\.jsonl, line 1"):
        load_decisions(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match="nothing-here"):
        load_decisions(tmp_path / "nothing-here")
