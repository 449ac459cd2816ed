"""efaqa, on hand-made threads in the published form of the labelled corpus, and of the raw one, which has names."""

import gzip
import json

import pytest

from dataset_builder.records import Rejection
from dataset_builder.sources import READERS
from dataset_builder.topics import topic_id


def owner(value, **more):
    return {"sender": "owner", "type": "textMessage", "time": "09:00:00", "value": value} | more


def audience(value, name=None, **more):
    label = {"question": False, "knowledge": False, "negative": False}
    chat = {"sender": "audience", "type": "textMessage", "time": "09:00:00", "value": value, "label": label}
    return chat | ({"name": name} if name else {}) | more


def thread(*chats, **more):
    label = {"s1": "1.3", "s2": "2.7", "s3": "3.6"}
    return {"md5": "f00d", "owner": "匿名", "title": "和爸妈吵架了", "label": label, "chats": list(chats)} | more


def rows(tmp_path, *threads):
    path = tmp_path / "efaqa-corpus-zh.utf8.gz"
    lines = (json.dumps(item, ensure_ascii=False) + "\n" for item in threads)
    path.write_bytes(gzip.compress("".join(lines).encode()))
    return list(READERS["efaqa"](path))


def said(row):
    """A row's messages in short: who, and what."""
    return [("U" if m["role"] == "user" else "A") + m["content"] for m in row["messages"]]


REST = Rejection("f00d:rest", "addressee_unclear")


def test_each_message_without_a_name_is_an_answer_of_its_own_to_the_opening(tmp_path):
    first, second = rows(tmp_path, thread(audience("为了什么？"), audience("过两天就好")))
    assert said(first) == ["U和爸妈吵架了", "A为了什么？"]
    assert said(second) == ["U和爸妈吵架了", "A过两天就好"]
    assert [first["id"], second["id"]] == ["f00d:1", "f00d:2"]
    assert first["question_id"] == second["question_id"] == "efaqa:f00d"


def test_nameless_people_are_never_taken_for_one(tmp_path):
    row, rest = rows(tmp_path, thread(audience("为了什么？"), owner("工作"), audience("我也是")))
    assert said(row) == ["U和爸妈吵架了", "A为了什么？"]
    assert rest == REST


def test_the_owner_and_one_named_responder_are_a_dialogue_of_many_rounds(tmp_path):
    chats = [
        audience("为了什么？", "甲"),
        owner("工作"),
        audience("他们想你回家？", "甲"),
        owner("嗯"),
        audience("抱抱", "甲"),
    ]
    (row,) = rows(tmp_path, thread(*chats))
    assert said(row) == ["U和爸妈吵架了", "A为了什么？", "U工作", "A他们想你回家？", "U嗯", "A抱抱"]
    assert row["id"] == "f00d:甲"


def test_what_the_owner_says_after_two_have_spoken_is_said_to_nobody(tmp_path):
    chats = [audience("为了什么？", "甲"), audience("别往心里去", "乙"), owner("工作"), audience("换一份？", "甲")]
    first, second, rest = rows(tmp_path, thread(*chats))
    assert said(first) == ["U和爸妈吵架了", "A为了什么？"]
    assert said(second) == ["U和爸妈吵架了", "A别往心里去"]
    assert rest == REST


def test_a_dialogue_ends_when_the_owner_speaks_after_an_interruption(tmp_path):
    chats = [
        audience("为了什么？", "甲"),
        owner("工作"),
        audience("我也是", "乙"),
        audience("他们想你回家？", "甲"),
        owner("是啊"),
        audience("哦", "甲"),
    ]
    row, rest = rows(tmp_path, thread(*chats))
    assert said(row) == ["U和爸妈吵架了", "A为了什么？", "U工作", "A他们想你回家？"]
    assert rest == REST


def test_who_comes_in_after_the_owner_answered_another_has_no_dialogue(tmp_path):
    row, rest = rows(
        tmp_path, thread(audience("嗯？", "甲"), owner("工作"), audience("辞了吧", "乙"), audience("在吗", "丙"))
    )
    assert row["id"] == "f00d:甲"
    assert rest == REST


def test_what_the_owner_adds_before_anybody_answers_belongs_to_the_opening(tmp_path):
    (row,) = rows(tmp_path, thread(owner("在线等"), audience("我在", "甲"), description="昨天的事"))
    assert said(row) == ["U和爸妈吵架了\n昨天的事", "U在线等", "A我在"]


def test_two_messages_of_one_owner_go_to_the_same_responder(tmp_path):
    (row,) = rows(tmp_path, thread(audience("嗯？", "甲"), owner("工作"), owner("和钱"), audience("懂", "甲")))
    assert said(row)[2:] == ["U工作", "U和钱", "A懂"]


def test_a_picture_ends_the_dialogue_that_it_would_leave_a_hole_in(tmp_path):
    picture = {"type": "imageMessage"}
    chats = [audience("嗯？", "甲"), owner("看", **picture), audience("这是你？", "甲")]
    row, rest = rows(tmp_path, thread(*chats))
    assert said(row) == ["U和爸妈吵架了", "A嗯？"]
    assert rest == REST
    only, rest = rows(
        tmp_path, thread(audience("图", "甲", **picture), audience("看到了吗", "甲"), audience("没有", "乙"))
    )
    assert said(only) == ["U和爸妈吵架了", "A没有"]
    assert rest == REST


def test_a_reply_that_annotators_called_harmful_costs_its_dialogue_and_no_other(tmp_path):
    harmful = {"label": {"question": False, "knowledge": False, "negative": True}}
    bad, good = rows(tmp_path, thread(audience("矫情", **harmful), audience("辛苦了")))
    assert bad == Rejection("f00d:1", "negative_reply")
    assert said(good) == ["U和爸妈吵架了", "A辛苦了"]
    (whole,) = rows(tmp_path, thread(audience("嗯？", "甲"), owner("工作"), audience("活该", "甲", **harmful)))
    assert whole == Rejection("f00d:甲", "negative_reply")


@pytest.mark.parametrize(
    ("label", "topic"),
    [
        ({"s1": "1.3", "s2": "2.7", "s3": "3.6"}, "family"),
        ({"s1": "3.6", "s2": "2.7", "s3": "1.2"}, "career"),  # the other reading of upstream's readme
        ({"s1": "1.16"}, None),
        ({"s1": 1.3}, None),
        (None, None),
    ],
)
def test_the_kind_of_trouble_names_the_topic(tmp_path, label, topic):
    (row,) = rows(tmp_path, thread(audience("嗯"), label=label))
    assert topic_id(row["topic"]) == topic


@pytest.mark.parametrize(
    ("bad", "rejection"),
    [
        (thread(title=None), Rejection("f00d", "no_question")),
        (thread(), Rejection("f00d", "no_answer")),
        (thread(owner("在吗")), Rejection("f00d", "no_answer")),
        (thread(audience("嗯"), "?"), Rejection("f00d", "unknown_sender")),
        (thread(audience("嗯", sender="admin")), Rejection("f00d", "unknown_sender")),
        ([], Rejection("efaqa-corpus-zh:1", "not_an_object")),
    ],
)
def test_a_bad_thread_costs_no_other(tmp_path, bad, rejection):
    first, second = rows(tmp_path, bad, thread(audience("嗯"), md5=None))
    assert first == rejection
    assert second["id"] == "efaqa-corpus-zh:2:1"
