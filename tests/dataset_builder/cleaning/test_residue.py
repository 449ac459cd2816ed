"""Residue: what models leave behind is stripped or rejected, what people say is neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.cleaning.residue import REPAIRS, RULES, copied_answer, list_style, template_keys

OPENING = "我最近睡不好。"


def conversation(*contents):
    """Messages from contents in turn; a single one is the counsellor's answer to a plain opening."""
    if len(contents) == 1:
        contents = (OPENING, *contents)
    return [
        {"role": "assistant" if place % 2 else "user", "content": content} for place, content in enumerate(contents)
    ]


def reasons(*contents):
    messages = conversation(*contents)
    return {reason for rule in RULES.values() if (reason := rule(messages))}


def answer_repaired(name, text):
    return REPAIRS[name](conversation(text))[1]["content"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("好的，以下是改写后的多轮对话：", "analysis_preamble"),
        ("根据您提供的单轮咨询，我改写如下。", "analysis_preamble"),
        ("分析：来访者在诉说失眠。", "analysis_preamble"),
        ("用户的需求是被理解。你好。", "analysis_preamble"),
        ("Sure! Here is the rewritten dialogue.", "analysis_preamble"),
        ("【单轮长文本中文心理咨询对话】：你好", "leaked_prompt"),
        ("你的改写结果为：你好。", "leaked_prompt"),
        ("你好。<|im_end|>", "leaked_prompt"),
        ("抱歉，我无法提供这方面的帮助。", "refusal"),
        ("很抱歉，我不能继续讨论这个话题。", "refusal"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("我无法回答这个问题。", "refusal"),
        ("作为一个AI，我没有感受，但我在听。", "ai_self_reference"),
        ("作为人工智能助手，我会尽力。", "ai_self_reference"),
        ("我只是一个语言模型。", "ai_self_reference"),
        ("我是由某公司训练的。", "ai_self_reference"),
        ("As an AI language model, I have no feelings.", "ai_self_reference"),
        ("你好，[来访者姓名]，请坐。", "placeholder"),
        ("{{name}}，你好。", "placeholder"),
        ("我是XX咨询师，你好。", "placeholder"),
        ("我是[姓名]，你好。", "placeholder"),
        ("【时间】再见。", "placeholder"),
        ("慢慢说。求助者：我睡不着。", "role_label"),
        ("慢慢说。\n病人：我睡不着。", "role_label"),
        ("【来访者】：我睡不着。", "role_label"),
        ("慢慢说。（求助者：谢谢你。）", "role_label"),
        ("失眠有许多原因。你可以先看看自己是不是在睡前", "cut_off"),
    ],
)
def test_residue_is_rejected_with_its_reason(answer, reason):
    assert reason in reasons(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "好的，以下是我的想法，我们一起看看。",
        "根据你的描述，我可以和你一起分析原因。",
        "对不起，我没有听清，你能再说一次吗？",
        "抱歉，我不能替你做决定，但我可以陪你想一想。",
        "对不起，我不会离开你。",
        "作为一名人工智能专业的学生，你的压力很大。",
        "你是说，有时候宁愿和AI聊天，也不想见人？",
        "他说违反规定就要罚钱，你怎么看？",
        "你可以说：“XXX，我想睡了。”",
        "你在XX方面做得很好。",
        "请别在这里留下[手机号]和[微信号]。",
        "[姓名]，你好。",  # a name that was replaced
        "医生说得对：你需要休息。",
        "我们加油",
        "慢慢来，愿你今晚能睡个好觉，明天会更好的，加油！",
    ],
)
def test_what_a_counsellor_says_is_no_residue(answer):
    assert reasons(answer) == set()


@pytest.mark.parametrize(
    "says", ["我叫{name}。", "我叫【姓名】。", "我叫[你的名字]。", "在{{城市}}上班。", "[插入经历]"]
)
def test_what_a_model_did_not_fill_in_for_a_user_is_rejected(says):
    assert reasons(says, "嗯，我在听。") == {"placeholder"}


@pytest.mark.parametrize(
    "question",
    [
        "你是AI吗？我是一个机器人工程师。",
        "我问ChatGPT，它说作为一个AI，我没有感情。",
        "医生：你要多休息。我听了很难过。",
        "（咨询师：这是你自己的事。）我听了很难过。",
        "抱歉，我无法回答你。",
        "我在XX公司上班，叫我XX吧。",
        "我是XX医院的，叫[姓名]，[学校]毕业，电话[手机号]。",
        "【姓名】保密【问题】睡不着",
    ],
)
def test_what_a_user_says_about_machines_and_others_is_no_residue(question):
    assert reasons(question, "嗯，我在听。") <= ({"role_label"} if question.startswith("医生") else set())


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("thinking", "<think>\n用户很累。\n</think>\n\n多久了？", "多久了？"),
        ("markdown", "### 建议\n**放松**，先`深呼吸`。\n---", "建议\n放松，先深呼吸。"),
        ("markdown", "我**非常**理解", "我非常理解"),
        ("markdown", "他骂我**，还说**。", "他骂我**，还说**。"),
        ("markdown", "2*3*4，(*^_^*)，T__T，snake_case", "2*3*4，(*^_^*)，T__T，snake_case"),
        ("markdown", "#抱抱# 你", "#抱抱# 你"),
        ("stage_direction", "我们开始。\n（一段时间后）\n现在呢？", "我们开始。\n\n现在呢？"),
        ("stage_direction", "再见。\n（以上对话仅为示例，实际会有所不同。）", "再见。"),
        ("stage_direction", "我很累。\n（我是女生）", "我很累。\n（我是女生）"),
        ("stage_direction", "（深呼吸过程中）", "（深呼吸过程中）"),
        ("stripped_label", "心理咨询师：多久了？", "多久了？"),
        ("stripped_label", "多久了？\n\n医生: 说说看。", "多久了？\n\n说说看。"),
        ("stripped_label", "你的医生：他怎么说？", "你的医生：他怎么说？"),
    ],
)
def test_form_is_mended_where_nothing_else_is_lost(name, before, after):
    assert answer_repaired(name, before) == after
    assert answer_repaired(name, after) == after


def test_only_the_own_label_is_stripped():
    messages = conversation("求助者：我很累。支持者：多久了？", "支持者：嗯。求助者：半年。")
    assert [turn["content"] for turn in REPAIRS["stripped_label"](messages)] == [
        "我很累。支持者：多久了？",
        "嗯。求助者：半年。",
    ]
    assert "role_label" in reasons(*[turn["content"] for turn in REPAIRS["stripped_label"](messages)])


LISTS = [
    "1. 早睡。\n2. 早起。\n3. 多走路。",
    "首先，放下手机。其次，关灯。最后，数呼吸。",
    "（1）喝水；（2）散步；（3）写日记。",
]


@pytest.mark.parametrize("text", LISTS)
def test_a_counsellor_who_lectures_twice_is_list_style(text):
    assert list_style()(conversation(OPENING, text, "还有呢？", text)) == "list_style"
    assert list_style()(conversation(OPENING, text, "还有呢？", "慢慢来。")) is None
    assert list_style()(conversation(OPENING, text)) is None


def test_the_share_of_lists_can_be_set():
    messages = conversation(OPENING, LISTS[0], "嗯。", LISTS[1], "嗯。", "好。", "嗯。", "好。", "嗯。", "好。")
    assert list_style(0.5)(messages) is None
    assert list_style(0.4)(messages) == "list_style"


@pytest.mark.parametrize("text", ["3.5小时，6.8小时，7.2小时都有过。", "2021-03-04、12:30和13:40", "一、二、三，走！"])
def test_numbers_are_no_list(text):
    assert list_style()(conversation(OPENING, text, "嗯。", text)) is None


ANSWER = (
    "睡不着的时候，身体往往比我们更早知道累。你可以把白天的担心写在纸上，告诉自己明天再看；睡前一个小时把灯调暗，"
    "听一点安静的声音。若两周以后仍然难以入睡，就去睡眠门诊看看，那里的医生见过许多像你这样的人。"
)


@pytest.mark.parametrize(
    "turn", [ANSWER, ANSWER.replace("，", ", ") + "祝好。", ANSWER[10:-9], "你好。" + ANSWER[:-15]]
)
def test_a_turn_that_is_the_answer_is_a_copy(turn):
    assert copied_answer(ANSWER)(conversation(OPENING, "多久了？", "半年。", turn)) == "copied_answer"


@pytest.mark.parametrize("turn", [ANSWER[:40], ANSWER[:30] + "你愿意说说，最近一次睡好是在什么时候吗？" * 3, "嗯。"])
def test_a_turn_that_uses_some_of_the_answer_is_none(turn):
    assert copied_answer(ANSWER)(conversation(OPENING, "多久了？", "半年。", turn)) is None


def test_an_answer_is_no_copy_of_itself_and_an_empty_answer_is_copied_by_nobody():
    assert copied_answer(ANSWER)(conversation(OPENING, ANSWER)) is None
    assert copied_answer("")(conversation(OPENING, "多久了？", "半年。", ANSWER)) is None


def test_templates_are_keyed_by_their_letters():
    one, other = (
        template_keys(conversation(OPENING, ANSWER, "谢谢。", "不客气。"))[:],
        template_keys(conversation(OPENING, ANSWER.replace("，", "！ "))),
    )
    assert one == other
    assert len(one) == 1
    assert 0 <= one[0] < 2**64


pieces = st.sampled_from(
    [
        *"我，。：:（）()*_#`- \n1.XＸ[]{}<>",
        "求助者：",
        "支持者：",
        "**",
        "（一段时间后）",
        "<think>",
        "</think>",
        "---",
        "# ",
    ]
)
texts = st.lists(pieces, max_size=14).map("".join)


@pytest.mark.parametrize("name", REPAIRS)
@given(first=texts, second=texts)
def test_a_repair_has_nothing_to_do_the_second_time(name, first, second):
    messages = conversation(first, second)
    before = [dict(message) for message in messages]
    once = REPAIRS[name](messages)
    assert messages == before
    assert REPAIRS[name](once) == once


@given(first=texts, second=texts)
def test_no_rule_fails_on_any_text(first, second):
    assert all(rule(conversation(first, second)) in (None, name) for name, rule in RULES.items())


@pytest.mark.parametrize(
    "unit", ["**", "（", "1. ", "首先其次", "抱歉，我", "作为一个", "求助者", "<think>", "我是", "`", "# ", "\n"]
)
def test_a_long_turn_costs_no_more_than_its_length(unit):
    """Quadratic matching of 60,000 characters would take minutes; the suite's limit is what this test is about."""
    messages = conversation(unit * (60_000 // len(unit)))
    for repair in REPAIRS.values():
        messages = repair(messages)
    assert all(rule(messages) in (None, name) for name, rule in RULES.items())
