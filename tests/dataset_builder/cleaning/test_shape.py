"""Shape: any JSON value becomes alternating messages, mended by name, or a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.cleaning.shape import (
    RULES,
    Shaped,
    degenerate_turn,
    empty_turn,
    letters,
    one_sided,
    repeated_turns,
    rounds,
    shape,
    turn_lengths,
)

ROLE = {"u": "user", "a": "assistant", "s": "system"}


def turns(pattern, *contents):
    """Turns by initial; a dash takes the place of a content: `ua-` ends with an empty counsellor turn."""
    built = []
    for initial in pattern:
        if initial == "-":
            built[-1]["content"] = " \u200b\n"
        else:
            built.append({"role": ROLE[initial], "content": f"第{len(built)}句"})
    for turn, content in zip(built, contents, strict=False):
        turn["content"] = content
    return built


def initials(shaped):
    return "".join(message["role"][0] for message in shaped.messages)


def conversation(*contents):
    return turns("ua" * (len(contents) // 2), *contents)


@pytest.mark.parametrize(
    ("user", "counsellor"),
    [
        ("client", "counselor"),
        ("seeker", "supporter"),
        ("求助者", "支持者"),
        ("来访者", "心理咨询师"),
        ("human", "gpt"),
        ("speaker", "listener"),
        ("病人", "医生"),
        ("patient", "doctor"),
        ("孩子", "智能助手"),
        (" User ", "BOT"),
    ],
)
def test_the_words_of_known_corpora_are_understood(user, counsellor):
    shaped = shape([{"role": user, "content": " 在吗 "}, {"role": counsellor, "content": "在。"}])
    assert shaped == Shaped([{"role": "user", "content": "在吗"}, {"role": "assistant", "content": "在。"}])


@pytest.mark.parametrize(
    ("pattern", "kept", "repairs"),
    [
        ("ua", "ua", ()),
        ("sua", "ua", ("dropped_system",)),
        ("usua", "ua", ("dropped_system", "merged_turns")),
        ("aua", "ua", ("trimmed_start",)),
        ("uau", "ua", ("trimmed_end",)),
        ("uuaa", "ua", ("merged_turns",)),
        ("uauu", "ua", ("merged_turns", "trimmed_end")),
        ("uu-a", "ua", ("dropped_empty",)),
        ("u-aua", "ua", ("dropped_empty", "trimmed_start")),
        ("uaua-", "ua", ("dropped_empty", "trimmed_end")),
        ("uau-a-ua", "uaua", ("dropped_empty",)),
        ("saauuaau", "ua", ("dropped_system", "trimmed_start", "merged_turns", "trimmed_end")),
    ],
)
def test_each_mend_is_named(pattern, kept, repairs):
    shaped = shape(turns(pattern))
    assert (initials(shaped), shaped.repairs) == (kept, repairs)


def test_merged_turns_keep_every_word_in_order():
    shaped = shape(turns("uuaa", "我很累。", "睡不着。", "嗯。", "多久了？"))
    assert [message["content"] for message in shaped.messages] == ["我很累。\n睡不着。", "嗯。\n多久了？"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "no_messages"),
        ("用户：你好", "no_messages"),
        (["用户：你好"], "no_messages"),
        ({}, "no_messages"),
        ([], "no_counsellor_turn"),
        (turns("u"), "no_counsellor_turn"),
        (turns("s"), "no_counsellor_turn"),
        (turns("a"), "no_user_turn"),
        (turns("au"), "no_counsellor_turn"),
        (turns("ua-ua"), "empty_turn"),
        (turns("uau-a"), "empty_turn"),
        (turns("u-a-"), "empty_turn"),
        ([*turns("ua"), {"role": "旁白", "content": "雨停了。"}], "unknown_role"),
        ([{"role": ["user"], "content": "在吗"}], "unknown_role"),
        ([*turns("u"), {"role": "assistant"}, *turns("ua")], "empty_turn"),
        ([*turns("u"), {"role": "assistant", "content": 3}, *turns("ua")], "empty_turn"),
    ],
)
def test_what_is_no_conversation_has_a_reason(raw, reason):
    assert shape(raw) == reason


@pytest.mark.parametrize(
    ("pattern", "switches", "reason"),
    [
        ("aua", {"trim": False}, "starts_with_counsellor"),
        ("uau", {"trim": False}, "ends_with_user"),
        ("uua", {"merge": False}, "not_alternating"),
    ],
)
def test_a_mend_that_is_switched_off_is_a_reason(pattern, switches, reason):
    assert shape(turns(pattern), **switches) == reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda value: (
        st.lists(value, max_size=4) | st.dictionaries(st.sampled_from(["role", "content"]), value, max_size=2)
    ),
    max_leaves=8,
)
any_turns = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "医生", "system"]), "content": st.sampled_from(["好", "", " ", "累\u200b"])}
    ),
    max_size=8,
)


@given(json_values | any_turns, st.booleans(), st.booleans())
def test_any_value_is_shaped_or_has_a_reason(raw, merge, trim):
    before = repr(raw)
    shaped = shape(raw, merge=merge, trim=trim)
    assert repr(raw) == before
    if isinstance(shaped, str):
        assert shaped
    else:
        roles = [message["role"] for message in shaped.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2) != []
        assert empty_turn(shaped.messages) is None
        assert shape(shaped.messages) == Shaped(shaped.messages)


def test_rounds_are_counted_in_questions_and_answers():
    rule = rounds(2, 3)
    assert [rule(turns("ua" * count)) for count in (1, 2, 3, 4)] == ["too_few_rounds", None, None, "too_many_rounds"]
    assert rounds(2)(turns("ua" * 90)) is None


def test_the_opening_turn_may_be_long_and_no_other():
    rule = turn_lengths(10)
    assert rule(conversation("长" * 99, "短" * 10)) is None
    assert rule(conversation("长", "短" * 11)) == "turn_too_long"


def test_a_turn_that_the_repairs_emptied_is_found():
    assert empty_turn(conversation("我很累。", "\ufe0f\n")) == "empty_turn"


LISTENS = ["我和室友吵架了，很难受。", "嗯。", "她把我的东西扔了。", "哦。", "我不想回宿舍。", "好。"]


def test_a_counsellor_who_says_nothing_is_one_sided():
    assert one_sided(conversation(*LISTENS)) == "one_sided"
    assert one_sided(conversation(*LISTENS[:4])) is None
    assert one_sided(conversation(*LISTENS[:5], "今晚有地方可去吗？")) is None


def test_a_user_who_says_one_thing_only_is_one_sided():
    said = ["不知道怎么办才好。", "慢慢来。", "不知道，怎么办才好", "先说说今天。", "不知道怎么办才好！", "我在听。"]
    assert one_sided(conversation(*said)) == "one_sided"


@pytest.mark.parametrize("text", ["我" * 40, "我很难过我" + "很累" * 12, "我理解你的感受。" * 4, "好的，好的，" * 10])
def test_a_loop_within_a_turn_is_found(text):
    assert degenerate_turn(conversation("我很累。", text)) == "degenerate_turn"


@pytest.mark.parametrize(
    "text",
    ["哈" * 12, "呜" * 20, "真的真的真的很累", "我好累。我好累。我好累。我好累。", "-" * 60 + "下面是经过", ""],
)
def test_what_people_repeat_is_no_loop(text):
    assert degenerate_turn(conversation("我很累。", text)) is None


def test_a_conversation_that_goes_round_in_circles_is_found():
    said = ["我睡不着，想了很多。", "我们可以先从作息开始，一点一点来。"]
    assert repeated_turns(conversation(*said * 3)) == "repeated_turns"
    assert repeated_turns(conversation(*said * 2, "谢谢你。", "不客气。")) is None
    pasted_twice = conversation(*[*said, "昨晚三点才睡。", "三点之前，你在想些什么呢？"] * 2)
    assert repeated_turns(pasted_twice) == "repeated_turns"


def test_short_answers_come_back_in_any_conversation():
    said = ["我睡不着。", "嗯，我在听。", "想很多。", "嗯，我在听。", "想明天。", "嗯，我在听。"]
    assert repeated_turns(conversation(*said)) is None


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_no_rule_fails_on_any_text(contents):
    messages = turns("ua" * len(contents), *contents)
    assert all(rule(messages) in (None, name) for name, rule in RULES.items())


def test_letters_leave_out_what_is_no_letter():
    assert letters("我，很 累_…！a1") == "我很累a1"
