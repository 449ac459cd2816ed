"""Reading dialogues: every one is kept or rejected with a reason, whatever words its source uses."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.clean import read_record
from dataset_builder.config import load_config
from dataset_builder.read import SourceError, read
from dataset_builder.records import Record, Rejection
from dataset_builder.topics import topic_id

SMILECHAT = Path(__file__).resolve().parents[3] / "shared" / "data" / "smilechat-v2" / "dialogues.jsonl.gz"
GOOD = [{"role": "client", "content": " 我很累。 "}, {"role": "counselor", "content": "多久了？"}]


CLEAN = load_config().clean


def record(messages, **row):
    return read_record({"id": 7, "messages": messages, **row}, source="s", config=CLEAN)


def written(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def row(messages, **more):
    return json.dumps({"id": 1, "messages": messages, **more}, ensure_ascii=False)


def test_upstream_roles_become_ours_and_contents_are_stripped():
    assert record(GOOD).messages == [
        {"role": "user", "content": "我很累。"},
        {"role": "assistant", "content": "多久了？"},
    ]


@pytest.mark.parametrize(
    ("user", "counsellor"),
    [("user", "assistant"), ("client", "counselor"), ("求助者", "支持者"), ("来访者", "心理咨询师"), ("human", "gpt")],
)
def test_the_words_of_known_corpora_are_understood(user, counsellor):
    kept = record([{"role": user, "content": "在吗"}, {"role": counsellor, "content": "在。"}])
    assert [m["role"] for m in kept.messages] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (None, "no_messages"),
        ("用户：你好", "no_messages"),
        (["用户：你好"], "no_messages"),
        ([], "no_counsellor_turn"),
        ([GOOD[0]], "no_counsellor_turn"),
        ([GOOD[1]], "no_user_turn"),
        ([GOOD[1], GOOD[0]], "no_counsellor_turn"),
        ([{"role": "narrator", "content": "x"}, *GOOD], "unknown_role"),
        ([GOOD[0], {"role": "counselor", "content": " \n"}], "no_counsellor_turn"),
        ([GOOD[0], {"role": "counselor"}, *GOOD], "empty_turn"),
        ([GOOD[0], {"role": "counselor", "content": 3}, *GOOD], "empty_turn"),
    ],
)
def test_an_invalid_dialogue_is_rejected_with_its_reason(messages, reason):
    assert record(messages) == Rejection("7", reason)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.sampled_from(["role", "content", "id"]), v),
)


@given(st.dictionaries(st.sampled_from(["id", "messages", "question_id"]), json_values))
def test_any_json_row_is_kept_valid_or_rejected(value):
    result = read_record({"id": "7"} | value, source="s", config=CLEAN)
    if isinstance(result, Record):
        roles = [message["role"] for message in result.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert all(message["content"] == message["content"].strip() != "" for message in result.messages)
    else:
        assert result.reason


def test_the_id_follows_the_content_alone():
    assert record(GOOD).id == read_record({"id": 9, "messages": GOOD}, source="other", config=CLEAN).id
    assert record(GOOD).id != record([GOOD[0], {"role": "counselor", "content": "嗯。"}]).id


def test_conversations_that_open_with_the_same_words_share_a_question():
    louder = [{"role": "client", "content": "我很累！！"}, GOOD[1]]
    assert record(GOOD).question_id == record(louder).question_id
    assert record(GOOD, question_id="q7").question_id == "q7"


def test_the_same_dialogue_twice_is_a_duplicate(tmp_path):
    path = written(tmp_path / "d.jsonl", row(GOOD), row(GOOD))
    kept, rejected = read(path)
    assert isinstance(kept, Record)
    assert rejected.reason == "duplicate"


def test_gzip_and_plain_give_the_same_records(tmp_path):
    plain = written(tmp_path / "d.jsonl", row(GOOD))
    packed = tmp_path / "d.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read(plain)) == list(read(packed))


def test_a_broken_line_is_counted_and_its_neighbours_are_read(tmp_path):
    path = written(tmp_path / "d.jsonl", row(GOOD), "", '{"id": 2, "messages": [', "[]", row([*GOOD, *GOOD]))
    kept, *rejected, last = read(path, "messages")
    assert isinstance(kept, Record) and isinstance(last, Record)
    assert [each.reason for each in rejected] == ["not_json", "not_an_object"]


def test_a_truncated_gzip_file_is_an_error_not_a_short_corpus(tmp_path):
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(gzip.compress((row(GOOD) + "\n").encode() * 500)[:-20])
    with pytest.raises(SourceError, match="cannot be read to its end"):
        list(read(path))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"no corpus at .*absent"):
        list(read(tmp_path / "absent.jsonl"))


@pytest.mark.parametrize(
    ("label", "topic"),
    [
        ("家庭", "family"),
        ("恋爱", "marriage"),
        ("热点", "social-events"),
        ("Family", "family"),
        ("天气", None),
        (None, None),
    ],
)
def test_a_label_of_any_corpus_names_its_topic(label, topic):
    assert topic_id(label) == topic


def test_an_unknown_reader_is_named_with_those_that_there_are(tmp_path):
    with pytest.raises(
        SourceError, match="no reader for the source 'smile'; there is one for: soulchat, smilechat-v1"
    ):
        list(read(tmp_path, "smile"))


@pytest.mark.skipif(not SMILECHAT.exists(), reason="the real corpus is not beside this checkout")
def test_real_cases_are_all_kept_or_counted():
    results = list(read(SMILECHAT.parents[1] / "cpsycoun" / "CPsyCounD-0-1999.tar.gz", "cpsycound"))
    reasons = {result.reason for result in results if isinstance(result, Rejection)}
    assert len(results) == 1950
    assert reasons <= {"no_user_turn", "empty_turn"}
    assert sum(isinstance(result, Record) for result in results) == 1950


@pytest.mark.skipif(not SMILECHAT.exists(), reason="the real corpus is not beside this checkout")
def test_real_dialogues_are_all_kept_or_counted():
    results = list(read(SMILECHAT))
    reasons = {result.reason for result in results if isinstance(result, Rejection)}
    assert len(results) == 8000
    assert reasons == {"no_counsellor_turn"}
    assert sum(isinstance(result, Record) for result in results) == 7993


def test_a_greeting_does_not_make_two_conversations_one_question():
    hello = {"role": "client", "content": "你好！"}
    first = record([hello, GOOD[1], {"role": "client", "content": "我考试没过，不敢回家。"}, GOOD[1]])
    second = record([hello, GOOD[1], {"role": "client", "content": "我妈不让我养猫，可我已经买了。"}, GOOD[1]])
    again = record([hello, GOOD[1], {"role": "client", "content": "我考试没过，不敢回家。"}, hello | {"role": "gpt"}])
    assert first.question_id != second.question_id
    assert first.question_id == again.question_id
