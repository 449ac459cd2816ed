"""ESConv, on hand-made conversations in its published form."""

import json

import pytest

from dataset_builder.records import Rejection
from dataset_builder.sources import READERS
from dataset_builder.topics import topic_id


def conversation(situation="My team was let go last week.", roles=("seeker", "supporter"), **more):
    return {
        "experience_type": "Current Experience",
        "emotion_type": "anxiety",
        "problem_type": "job crisis",
        "situation": situation,
        "survey_score": {"seeker": {"empathy": "5"}, "supporter": {}},
        "dialog": [
            {"speaker": roles[0], "annotation": {}, "content": "Hello\n"},
            {"speaker": roles[1], "annotation": {"strategy": "Question"}, "content": "Hi, what brings you here?"},
            {"speaker": roles[0], "annotation": {"feedback": "4"}, "content": "I lost my job."},
            {"speaker": roles[1], "annotation": {"strategy": "Reflection of feelings"}, "content": "That is hard."},
        ],
    } | more


def rows(tmp_path, *conversations, name="ESConv.json"):
    path = tmp_path / name
    path.write_text(json.dumps(conversations, indent=1), encoding="utf-8")
    return list(READERS["esconv"](path))


def test_a_conversation_keeps_its_speakers_words_and_problem(tmp_path):
    (row,) = rows(tmp_path, conversation())
    assert row["id"] == "ESConv:1"
    assert row["messages"][0] == {"role": "seeker", "content": "Hello\n"}
    assert topic_id(row["topic"]) == "career"


def test_only_conversations_about_one_situation_share_a_question(tmp_path):
    ids = [
        r["question_id"]
        for r in rows(
            tmp_path,
            conversation(),
            conversation(" My team was let go last week.\n"),
            conversation("A"),
            conversation(None),
            conversation(""),
        )
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_conversations_that_failed_are_no_example(tmp_path):
    (failed,) = rows(tmp_path, conversation(roles=("speaker", "listener")), name="FailedESConv.json")
    assert failed == Rejection("FailedESConv:1", "failed_support")


@pytest.mark.parametrize(
    "dialog", [None, "Hello", [None], [{"speaker": "seeker"}], [{"speaker": 1, "content": "Hello"}]]
)
def test_a_conversation_without_turns_costs_no_other(tmp_path, dialog):
    bad, good = rows(tmp_path, conversation(dialog=dialog), conversation())
    assert bad == Rejection("ESConv:1", "no_messages")
    assert good["id"] == "ESConv:2"


def test_a_problem_that_is_no_topic_stays_in_its_own_words(tmp_path):
    (row,) = rows(tmp_path, conversation(problem_type="Sleep Problems"))
    assert row["topic"] == "Sleep Problems"
    assert topic_id(row["topic"]) is None
