"""One visitor's conversation against a loopback endpoint: what the model is asked, and what the visitor sees."""

import logging
from pathlib import Path

import pytest

from space.chat import Chat, Conversation, Round, harmless_markdown, whole_sentences
from space.config import ConfigError, SpaceConfig, load_config
from training.generate import load


def chat_on(endpoint, **settings) -> Chat:
    return Chat(SpaceConfig(endpoint.model, max_message_chars=300, max_rounds=3, **settings), load(endpoint.model))


@pytest.fixture
def chat(endpoint) -> Chat:
    """As an operator sets it for a model whose replies to people in crisis were measured."""
    return chat_on(endpoint, model_answers_up_to="ideation")


def say(chat: Chat, text: str, conversation: Conversation | None = None) -> list[Conversation]:
    return list(chat.respond(text, conversation or Conversation()))


def test_an_imminent_first_message_never_reaches_the_model(chat, endpoint) -> None:
    states = say(chat, "今晚就跳下去")
    assert endpoint.requests == []
    assert all("12356" in state.rounds[-1].card and "110" in state.rounds[-1].card for state in states)
    later = say(chat, "我妈妈在旁边", states[-1])[-1]  # the chat goes on, with words that people wrote
    assert endpoint.requests == []
    assert "120" in later.rounds[-1].card


@pytest.mark.parametrize("text", ["自\u200b杀", "我想4", "我不想活了"])
def test_at_ideation_the_card_comes_before_the_model_is_asked(chat, endpoint, text: str) -> None:
    growing = chat.respond(text, Conversation())
    first = next(growing)
    assert "12356" in first.rounds[-1].card and endpoint.requests == []
    *_, last = growing
    assert last.rounds[-1].reply == "你好。你愿意多说一点吗？"
    assert len(endpoint.requests) == 1


def test_by_default_a_model_of_unknown_quality_is_not_asked_once_there_was_ideation(endpoint) -> None:
    chat = chat_on(endpoint)
    state = say(chat, "我不想活了")[-1]
    assert "12356" in state.rounds[-1].card
    later = say(chat, "今天好一点", state)[-1]
    assert "12356" in later.rounds[-1].card and later.rounds[-1].card != state.rounds[-1].card
    assert endpoint.requests == []
    assert say(chat, "最近压力好大，很难受")[-1].rounds[-1].reply


def test_no_setting_lets_the_model_answer_where_a_life_may_be_in_danger() -> None:
    with pytest.raises(ConfigError, match="model_answers_up_to: 'imminent'"):
        SpaceConfig("build/model", model_answers_up_to="imminent")


def test_a_reply_grows_by_whole_sentences(chat, endpoint) -> None:
    endpoint.pieces = ["你好", "。你愿意", "多说", "一点吗？", "我在听"]
    replies = [state.rounds[-1].reply for state in say(chat, "最近很忙")]
    assert replies == ["", "你好。", "你好。你愿意多说一点吗？", "你好。你愿意多说一点吗？我在听"]


@pytest.mark.parametrize("harm", ["你可以去跳楼。", "我是真人，我保证治好你", "打 400-123-4567 吧"])
def test_a_harmful_reply_is_replaced_and_no_part_of_it_flashes_by(chat, endpoint, harm: str) -> None:
    endpoint.pieces = [*"我在听。", *harm, "好吗？"]
    states = say(chat, "最近很忙")
    shown = "".join(message["content"] for state in states for message in state.shown())
    assert harm[:4] not in shown
    assert states[-1].rounds[-1].reply == "" and "12356" in states[-1].rounds[-1].note


@pytest.mark.parametrize("status", [500, 404])
def test_a_failing_model_gives_kind_words_with_numbers_and_the_chat_goes_on(chat, endpoint, status, caplog) -> None:
    endpoint.status = status
    with caplog.at_level(logging.DEBUG, logger="space"):
        failed = say(chat, "我的名字是秘密", Conversation())[-1]
    assert "12356" in failed.rounds[-1].note and "110" in failed.rounds[-1].note
    assert "秘密" not in caplog.text and "no reply" in caplog.text
    endpoint.status = 200
    assert say(chat, "还在吗", failed)[-1].rounds[-1].reply
    assert endpoint.requests[-1]["messages"] == [{"role": "user", "content": "我的名字是秘密\n还在吗"}]


def test_a_model_that_says_nothing_is_explained(chat, endpoint) -> None:
    endpoint.pieces = []
    assert say(chat, "你好")[-1].rounds[-1].note


def test_an_over_long_message_is_not_sent_but_still_screened(chat, endpoint) -> None:
    harmless = say(chat, "好" * 301)[-1]
    assert endpoint.requests == [] and "301" in harmless.rounds[-1].note and not harmless.rounds[-1].card
    urgent = say(chat, "好" * 3000 + "我不想活了")[-1]
    assert endpoint.requests == [] and "12356" in urgent.rounds[-1].card and urgent.tier == "ideation"


def test_old_rounds_are_forgotten_but_not_how_urgent_they_were(chat, endpoint) -> None:
    state = say(chat, "我不想活了")[-1]
    for number in range(4):
        state = say(chat, f"第{number}天", state)[-1]
    assert len(state.rounds) == 3 and "不想活" not in str(endpoint.requests[-1])
    assert state.tier == "ideation" and "12356" in state.rounds[-1].card


def test_the_model_reads_the_whole_talk_without_the_cards(chat, endpoint) -> None:
    state = say(chat, "还好", say(chat, "我不想活了")[-1])[-1]
    messages = endpoint.requests[-1]["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant", "user"]
    assert "12356" not in str(messages) and messages[1]["content"] == state.rounds[0].reply


def test_english_is_answered_in_english(chat) -> None:
    assert "Thank you" in say(chat, "I want to die")[-1].rounds[-1].card


def test_nothing_shown_makes_a_browser_call_another_host() -> None:
    shown = harmless_markdown("![x](http://e.vil/a.png) <img src=//e.vil> [a]: http://e.vil ![x][a]")
    assert "![" not in shown and "](" not in shown and "<" not in shown and "]:" not in shown
    assert Conversation((Round("<b>", reply="<i>"),)).shown()[0]["content"] == "＜b>"


def test_a_sentence_ends_where_it_ends() -> None:
    assert whole_sentences("他说：“好。”我") == "他说：“好。”"
    assert whole_sentences("3.5 is a number") == ""
    assert whole_sentences("Fine. And") == "Fine."


def test_the_shipped_settings_load() -> None:
    assert load_config(model=None).top_p == 0.75
    assert load_config(model="x").model == "x"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("model: x\ntemprature: 1", "temprature"),
        ("language: zh", "model"),
        ("model: x\nmax_rounds: 0", "max_rounds"),
        ("model: x\nmax_rounds: many", "max_rounds"),
        ("model: x\nlanguage: fr", "language"),
        ("model: x\ntop_p: 0", "top_p"),
        ("model: x\ntemperature: -1", "temperature"),
        ("[]", "mapping"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_bad_setting_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=named):
        load_config(file)
