"""What reviewers decide together, and what becomes of the record."""

import itertools
import json
from pathlib import Path

import pytest

from dataset_builder.records import Record, Rejection, record_of
from dataset_builder.review.apply import apply, audit, decide, outcomes, write_audit
from dataset_builder.review.edits import as_text, edited
from dataset_builder.review.store import Choice, Decision, Decisions, ReviewError

SAID = [
    {"role": role, "content": f"{role} 说的第{number}句话，{'长' * (20 + number)}"}
    for number in range(8)
    for role in ("user", "assistant")
]
MENDED = [{**turn, "content": turn["content"] + "。"} for turn in SAID]


def by(reviewer: str, choice: Choice, reason: str | None = None, time: str = "1", mended=MENDED) -> Decision:
    return Decision("c-1", reviewer, choice, reason, mended if choice == "edit" else None, time)


@pytest.mark.parametrize(
    ("choices", "outcome"),
    [
        (["accept"], "accept"),
        (["reject"], "reject"),
        (["accept", "reject"], "reject"),
        (["edit", "reject"], "reject"),
        (["accept", "edit", "reject"], "edit"),
        (["accept", "accept", "reject"], "accept"),
        (["accept", "accept", "edit"], "accept"),
        (["accept", "edit"], "edit"),
        (["accept", "accept", "reject", "reject"], "reject"),
    ],
)
def test_the_majority_decides_and_a_tie_rejects(choices: list[Choice], outcome: str) -> None:
    for order in itertools.permutations(choices):
        assert decide([by(f"r{n}", choice) for n, choice in enumerate(order)]).decision == outcome


def test_of_several_edits_the_most_common_then_the_newest_is_taken() -> None:
    other = [{**turn, "content": turn["content"] + "！"} for turn in SAID]
    alone = by("a", "edit", time="9", mended=other)
    assert decide([alone, by("b", "edit"), by("c", "edit")]).messages == MENDED
    assert decide([alone, by("b", "edit")]).messages == other


def test_nothing_decided_is_an_error() -> None:
    with pytest.raises(ReviewError):
        decide([])


def test_an_edited_record_keeps_its_question_source_and_licence() -> None:
    record = record_of({"id": "1", "messages": SAID, "question_id": "q", "topic": "family"}, SAID, source="x")
    changed = apply(record, decide([by("a", "edit")]))
    assert isinstance(changed, Record) and changed.messages == MENDED and changed.id != record.id
    assert (changed.question_id, changed.topic, changed.source) == ("q", "family", "x")
    assert changed.id == record_of({"id": "1", "messages": MENDED}, MENDED, source="x").id
    assert apply(record, None) is record and apply(record, decide([by("a", "accept")])) is record
    assert apply(record, decide([by("a", "reject", "unsafe")])) == Rejection(record.id, "reviewed")


def test_the_audit_log_says_who_why_and_what_changed(tmp_path: Path) -> None:
    record = record_of({"id": "1", "messages": SAID}, SAID, source="x")
    rejection = audit(record, decide([by("bo", "reject", "unsafe"), by("ann", "reject", "broken: 第三轮")]))
    edit = audit(record, decide([by("ann", "edit")]))
    write_audit(tmp_path / "audit.jsonl", [rejection])
    [line] = (tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "id": record.id,
        "decision": "reject",
        "reviewers": ["ann", "bo"],
        "reason": "unsafe; broken: 第三轮",
        "before": record.id[2:],
        "after": None,
    }
    assert edit["after"] not in (None, edit["before"])


def test_outcomes_are_read_from_the_folder_that_reviewers_wrote(tmp_path: Path) -> None:
    Decisions(tmp_path / "ann.jsonl", "ann").add("c-1", "accept")
    Decisions(tmp_path / "bo.jsonl", "bo").add("c-1", "reject", "unsafe")
    assert outcomes(tmp_path)["c-1"].decision == "reject"


def test_an_edit_comes_back_from_text_as_it_went_in() -> None:
    text = as_text(SAID).replace("第3句话", "第三句话")
    back = edited(text, SAID)
    assert isinstance(back, list) and [t["role"] for t in back] == [t["role"] for t in SAID]
    assert sum(a != b for a, b in zip(back, SAID, strict=True)) == 2
    assert edited(text.replace("\n", "\r\n"), SAID) == back


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text, "unchanged"),
        (lambda text: "一句话\n" + text, "text_before_first_turn"),
        (lambda text: "", "text_before_first_turn"),
        (lambda text: "【咨询师】\n你好\n" + text, "starts_with_counsellor"),
        (lambda text: text + "\n【用户】\n好的", "ends_with_user"),
        (lambda text: text.replace("【咨询师】", "【用户】", 1), "not_alternating"),
        (lambda text: text + "\n【用户】\n\n【咨询师】\n好", "empty_turn"),
        (lambda text: "【用户】\n在吗，我想说点事\n【咨询师】\n在的，请慢慢说", "too_few_rounds"),
        (lambda text: text + "嗯" * 40, "degenerate_turn"),
        (lambda text: text + "".join(map(chr, range(0x4E00, 0x4E00 + 5000))), "turn_too_long"),
    ],
)
def test_a_bad_edit_is_refused_by_name(change, reason: str) -> None:
    from dataset_builder.review.texts import BAD_EDIT

    assert edited(change(as_text(SAID)), SAID) == reason
    assert reason in BAD_EDIT
