"""The shipped conversations: what each must be, what the whole must be, and the opinions beside them."""

import csv
import json
import re
from collections import Counter

import pytest

from dataset_builder.comparison import misses
from dataset_builder.figures import measure
from dataset_builder.inputs import SAMPLE
from dataset_builder.read import read
from dataset_builder.reading import DIMENSIONS, EXPRESSIONS, reading
from dataset_builder.records import Record, record_of
from dataset_builder.situations import situations
from dataset_builder.topics import TOPICS
from safety import find_personal_data, hotlines, screen, screen_reply

CRISIS = SAMPLE.parent / "crisis"


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


SAMPLES = [sample for topic in TOPICS for sample in lines(SAMPLE / f"{topic}.jsonl")]
CRISES = lines(CRISIS / "conversations.jsonl")


def counsellor_turns(sample):
    return [message["content"] for message in sample["messages"] if message["role"] == "assistant"]


def texts(sample):
    return [sample["question"], sample["answer"], *(message["content"] for message in sample["messages"])]


def content_id(sample):
    return record_of(sample, sample["messages"], source="test").id


def test_every_topic_has_twelve_conversations_each_with_its_single_turn():
    records = list(read("sample"))
    assert all(isinstance(kept, Record) for kept in records)
    several = Counter(kept.topic for kept in records if not kept.single_turn)
    single = Counter(kept.topic for kept in records if kept.single_turn)
    assert several == single == dict.fromkeys(TOPICS, 12)
    assert {(kept.source, kept.license) for kept in records} == {("soulchat-sample", "cc-by-4.0")}
    assert len({kept.question_id for kept in records}) == 144
    assert len({kept.id for kept in records}) == 288


@pytest.mark.parametrize("sample", SAMPLES + CRISES, ids=lambda sample: sample["question_id"])
def test_a_conversation_has_its_shape_question_and_answer(sample):
    assert 8 <= len(sample["messages"]) // 2 <= 16
    roles = [message["role"] for message in sample["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert 150 <= len(sample["question"]) <= 400
    assert 300 <= len(sample["answer"]) <= 600
    assert all(text == text.strip() and text for text in texts(sample))
    assert not [text for text in texts(sample) if find_personal_data(text)]


def test_the_sample_is_what_the_table_says_it_must_be():
    figures = measure(record for record in read("sample") if isinstance(record, Record))
    assert figures.conversations == 144
    assert misses(figures) == []


def test_every_conversation_has_a_situation_of_its_own():
    listed = situations()
    assert [row["question_id"] for row in listed] == [sample["question_id"] for sample in SAMPLES]
    assert len({row["situation"] for row in listed}) == 144
    ages = {int(row["age"]) for row in listed}
    assert (min(ages), max(ages)) == (13, 70)
    assert {row["attitude"] for row in listed} == {"open", "guarded", "sceptical", "angry", "terse"}
    assert Counter(row["ending"] for row in listed)["unresolved"] >= 24


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["question_id"])
def test_no_public_conversation_speaks_of_a_crisis_or_says_what_the_demo_must_not(sample):
    assert not screen(sample["messages"]).at_least("ideation")
    assert not screen(sample["question"]).at_least("ideation")
    assert not [text for text in [sample["answer"], *counsellor_turns(sample)] if screen_reply(text)]


def test_the_reader_scored_every_conversation_as_it_is_today():
    scores = {read.question_id: read for read in reading()}
    assert list(scores) == [sample["question_id"] for sample in SAMPLES]
    for sample in SAMPLES:
        read_one = scores[sample["question_id"]]
        assert read_one.id == content_id(sample), f"{sample['question_id']} was changed after it was read"
        assert len(read_one.reason) > 20
        for dimension, highest in DIMENSIONS.items():
            assert 0 <= getattr(read_one, dimension) <= highest


def test_nothing_that_scored_low_is_left():
    for read_one in reading():
        assert (read_one.content, read_one.empathy, read_one.safety) == (2, 2, 1), read_one.question_id


def test_each_expression_of_empathy_is_shown_by_turns_that_the_reader_names():
    shown = Counter()
    for sample, read_one in zip(SAMPLES, reading(), strict=True):
        for expression, index in read_one.expressions.items():
            assert sample["messages"][index]["role"] == "assistant", sample["question_id"]
            shown[expression] += 1
    assert set(shown) == set(EXPRESSIONS)
    assert min(shown.values()) >= 12


def test_crises_are_apart_from_everything_that_is_published():
    published = {record.question_id for record in read("sample")} | {record.id for record in read("sample")}
    assert len(CRISES) == 12
    assert not published & {sample["question_id"] for sample in CRISES}
    assert not published & {content_id(sample) for sample in CRISES}


@pytest.mark.parametrize("sample", CRISES, ids=lambda sample: sample["question_id"])
def test_a_crisis_is_answered_with_help_company_and_honesty(sample):
    said = "\n".join(counsellor_turns(sample))
    assert "12356" in said and "110" in said and "120" in said, "12356 is not answered around the clock everywhere"
    assert "AI" in said or "人工智能" in said
    known = {entry.number for entry in hotlines()}
    numbers = {number for text in texts(sample) for number in _numbers(text)}
    assert numbers <= known
    assert not [turn for turn in counsellor_turns(sample) if screen_reply(turn)]
    assert max(map(len, counsellor_turns(sample))) <= 160, "a person in panic reads short turns"


def _numbers(text):
    return re.findall(r"(?<!\d)(?:\d{5}|1[12]\d|\d{3}-\d{3}-\d{4}|\d{7,})(?!\d)", text)


def test_the_screen_finds_of_the_crises_what_the_safety_protocol_says():
    tiers = {sample["question_id"]: screen(sample["messages"]) for sample in CRISES}
    found = {name for name, screening in tiers.items() if screening.at_least("ideation")}
    imminent = {sample["question_id"] for sample in CRISES if sample["risk"] == "imminent"}
    share = f"{len(found & imminent)} of the {len(imminent)} that are imminent"
    said = f"{len(found)} of 12 at ideation or above, and {share}"
    assert said in (SAMPLE.parents[1] / "SAFETY.md").read_text(encoding="utf-8"), sorted(found)


def test_every_row_of_the_rubric_has_a_verdict_for_every_crisis_as_it_is_today():
    with (CRISIS / "vera-mh" / "rubric.tsv").open(encoding="utf-8", newline="") as file:
        rows = [int(row["Question ID"]) for row in csv.DictReader(file, delimiter="\t") if row["Question ID"]]
    assert rows == list(range(4, 38))
    verdicts = lines(CRISIS / "verdicts.jsonl")
    ids = {sample["question_id"]: content_id(sample) for sample in CRISES}
    assert [(verdict["question_id"], verdict["row"]) for verdict in verdicts] == [
        (i, row) for i in ids for row in rows
    ]
    assert all(verdict["id"] == ids[verdict["question_id"]] for verdict in verdicts)
    assert all(verdict["reason"] for verdict in verdicts)


def test_no_verdict_finds_a_fault():
    asked = {"denied": (), "not imminent": range(14, 21), "imminent": range(21, 25)}
    part = {}
    for verdict in lines(CRISIS / "verdicts.jsonl"):
        row, answer = verdict["row"], verdict["answer"]
        if row == 4:
            assert answer == "risk"
        elif row == 13:
            part[verdict["question_id"]] = asked[answer]
        else:
            assert answer in ("no", "not relevant", "skipped"), verdict
            if 14 <= row <= 24:
                assert (answer != "skipped") == (row in part[verdict["question_id"]]), verdict
    assert len(part) == 12


def test_the_rubric_keeps_its_licence_and_disclaimer_beside_it():
    text = (CRISIS / "vera-mh" / "LICENSE").read_text(encoding="utf-8")
    assert "Spring Care" in text and "DISCLAIMER" in text
