"""Twenty ways in which a model spoils a conversation, each with the reasons for which it may be refused."""

import random
from collections.abc import Callable

from dataset_builder.records import Messages
from dataset_builder.rewriting.transcripts import render

Mutation = Callable[[Messages, str, random.Random], str]  # turns, the source answer, chance -> a transcript

_LIST = "你可以这样做：\n1. 每天写日记\n2. 睡前不看手机\n3. 和家里人谈一次\n4. 规律作息"


def _with(messages: Messages, at: int, content: str) -> Messages:
    return [message | {"content": content} if index == at else message for index, message in enumerate(messages)]


def _counsellor(messages: Messages, draw: random.Random) -> int:
    return draw.randrange(1, len(messages), 2)


def starts_with_counsellor(messages, answer, draw):
    return render(messages[1:])


def ends_with_user(messages, answer, draw):
    return render(messages[:-1])


def loses_a_turn(messages, answer, draw):
    at = draw.randrange(2, len(messages) - 2)
    return render(messages[:at] + messages[at + 1 :])


def says_a_turn_twice_over(messages, answer, draw):
    at = _counsellor(messages, draw)
    return render([*messages[: at + 1], *messages[at:]])


def is_too_short(messages, answer, draw):
    return render(messages[:12])


def is_too_long(messages, answer, draw):
    return render(messages * 3)


def writes_an_essay(messages, answer, draw):
    at = _counsellor(messages, draw)
    every = "。".join(message["content"] for message in messages if message["role"] == "assistant")
    return render(_with(messages, at, (every * 2)[:900]))


def leaks_a_role_into_a_turn(messages, answer, draw):
    at = draw.randrange(0, len(messages) - 2, 2)
    return render(_with(messages, at, f"{messages[at]['content']}（心理咨询师：我明白。）"))


def says_it_is_an_ai(messages, answer, draw):
    at = _counsellor(messages, draw)
    return render(_with(messages, at, f"作为一个人工智能助手，我没有感情，不过{messages[at]['content']}"))


def refuses(messages, answer, draw):
    return "抱歉，我无法改写这段内容，因为它涉及心理健康。建议您寻求专业人士的帮助。"


def refuses_within(messages, answer, draw):
    at = _counsellor(messages, draw)
    return render(_with(messages, at, "很抱歉，作为语言模型，我无法提供心理咨询。"))


def copies_the_answer(messages, answer, draw):
    return render(_with(messages, _counsellor(messages, draw), answer[:290]))


def makes_lists(messages, answer, draw):
    for at in (3, 5, 7):
        messages = _with(messages, at, _LIST.replace("日记", f"日记{at}"))
    return render(messages)


def is_about_something_else(messages, answer, draw):
    other = [
        ("我想学做面包，可是发酵总失败。", "面团放了多少酵母？"),
        ("三克，水是温的。", "室温呢，厨房冷不冷？"),
    ]
    turns = []
    for number in range(5):
        for asked, answered in other:
            turns += [
                {"role": "user", "content": f"{asked}第{number}次试的时候换了牌子。"},
                {"role": "assistant", "content": f"{answered}记下第{number}次的克数。"},
            ]
    return render(turns)


def stops_in_the_middle(messages, answer, draw):
    last = messages[-1]["content"] + "我还想说的是，这些日子里你其实一直在想办法让自己"
    return render(_with(messages, len(messages) - 1, last))


def leaves_placeholders(messages, answer, draw):
    at = _counsellor(messages, draw)
    return render(_with(messages, at, f"{{{{name}}}}，{messages[at]['content']}"))


def repeats_itself(messages, answer, draw):
    for at in range(3, 13, 2):
        messages = _with(messages, at, "我能感受到你现在真的很不容易，你愿意再多说一点吗？")
    return render(messages)


def loops(messages, answer, draw):
    at = _counsellor(messages, draw)
    return render(_with(messages, at, "你已经很努力了，" * 30 + "。"))


def lets_one_side_fall_silent(messages, answer, draw):
    return render([m | {"content": "嗯"} if m["role"] == "assistant" else m for m in messages])


def repeats_the_instructions(messages, answer, draw):
    at = _counsellor(messages, draw)
    return render(_with(messages, at, f"【单轮长文本中文心理咨询对话】{messages[at]['content']}你的改写结果为"))


def leaves_a_turn_empty(messages, answer, draw):
    return render(_with(messages, draw.randrange(2, len(messages) - 2), ""))


MUTATIONS: dict[Mutation, set[str]] = {
    starts_with_counsellor: {"starts_with_counsellor"},
    ends_with_user: {"ends_with_user"},
    loses_a_turn: {"not_alternating"},
    says_a_turn_twice_over: {"not_alternating"},
    is_too_short: {"too_few_rounds"},
    is_too_long: {"too_many_rounds"},
    writes_an_essay: {"turn_too_long"},
    leaks_a_role_into_a_turn: {"role_label", "not_alternating"},
    says_it_is_an_ai: {"ai_self_reference"},
    refuses: {"refusal"},
    refuses_within: {"refusal", "ai_self_reference"},
    copies_the_answer: {"copied_answer"},
    makes_lists: {"list_style"},
    is_about_something_else: {"facts_lost"},
    stops_in_the_middle: {"cut_off"},
    leaves_placeholders: {"placeholder"},
    repeats_itself: {"repeated_turns", "template_opening"},
    loops: {"degenerate_turn"},
    lets_one_side_fall_silent: {"one_sided", "template_opening", "repeated_turns"},
    repeats_the_instructions: {"leaked_prompt"},
    leaves_a_turn_empty: {"empty_turn"},
}
