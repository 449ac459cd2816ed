"""PsyQA, on hand-made questions in the form of its published examples."""

import json

import pytest

from dataset_builder.records import Rejection
from dataset_builder.sources import READERS, SourceError

ANSWER = "先歇一歇。你已经很努力了。明天再想。"
LABELS = [{"start": 0, "end": 5, "type": "Direct Guidance"}, {"start": 5, "end": 13, "type": "Approval"}]


def question(number=12, **more):
    return {
        "question": "总是睡不好怎么办？",
        "description": "一躺下就想明天的事。",
        "keywords": "睡眠,情绪,成长",
        "answers": [{"answer_text": ANSWER, "has_label": True, "labels_sequence": LABELS}, {"answer_text": "抱抱。"}],
        "questionID": number,
    } | more


def rows(tmp_path, *questions):
    path = tmp_path / "PsyQA_full.json"
    path.write_text(json.dumps(questions, ensure_ascii=False), encoding="utf-8")
    return list(READERS["psyqa"](path))


def test_every_answer_is_a_row_and_all_answers_to_a_question_share_it(tmp_path):
    first, second, third = rows(
        tmp_path, question(answers=question()["answers"]), question(13, answers=[{"answer_text": "好。"}])
    )
    assert [row["id"] for row in (first, second, third)] == ["12:1", "12:2", "13:1"]
    assert [row["question_id"] for row in (first, second, third)] == ["psyqa:12", "psyqa:12", "psyqa:13"]
    assert "answer" not in first


def test_the_user_asks_question_and_description_and_the_answer_bears_no_strategies(tmp_path):
    asked, answered = rows(tmp_path, question())[0]["messages"]
    assert asked == {"role": "user", "content": "总是睡不好怎么办？\n一躺下就想明天的事。"}
    assert answered == {"role": "assistant", "content": ANSWER}


@pytest.mark.parametrize("description", ["", None, "  "])
def test_a_question_without_description_is_the_question(tmp_path, description):
    assert rows(tmp_path, question(description=description))[0]["messages"][0]["content"] == "总是睡不好怎么办？"


@pytest.mark.parametrize(
    ("keywords", "topic"),
    [
        ("睡眠,情绪,成长", "情绪"),
        ("恋爱,恋爱经营", "恋爱"),
        ("睡眠，职业", "职业"),
        ("睡眠", None),
        ("", None),
        (None, None),
    ],
)
def test_the_topic_is_the_first_keyword_that_names_one(tmp_path, keywords, topic):
    assert rows(tmp_path, question(keywords=keywords))[0]["topic"] == topic


def test_a_bad_answer_or_question_costs_no_other(tmp_path):
    bad_answer = question(1, answers=[{"answer_text": 7}, "好", {"answer_text": "好"}])
    no_words = question(2, question=None, description=None)
    results = rows(tmp_path, bad_answer, no_words, question(3, answers=[]), "?", question(4))
    assert results[:2] == [Rejection("1:1", "no_answer"), Rejection("1:2", "no_answer")]
    assert results[2]["id"] == "1:3"
    assert results[3:6] == [
        Rejection("2", "no_question"),
        Rejection("3", "no_answer"),
        Rejection("PsyQA_full:4", "not_an_object"),
    ]
    assert [row["id"] for row in results[6:]] == ["4:1", "4:2"]


def test_a_question_without_a_number_is_named_by_its_place(tmp_path):
    first, second = rows(tmp_path, question(None))
    assert first["question_id"] == second["question_id"] == "psyqa:PsyQA_full:1"


def test_a_file_that_is_cut_gives_what_came_before_and_then_an_error(tmp_path):
    path = tmp_path / "PsyQA_full.json"
    path.write_text(json.dumps([question(1), question(2)])[:-8], encoding="utf-8")
    reader = READERS["psyqa"](path)
    assert [next(reader)["id"], next(reader)["id"]] == ["1:1", "1:2"]
    with pytest.raises(SourceError, match="PsyQA_full"):
        [item for item in reader if not isinstance(item, Rejection)]
