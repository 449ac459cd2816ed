"""What goes wrong in transcripts: each mutation takes a good conversation and its single turn, and says what is found.

A mutation gives the damaged transcript, or None where the conversation has nothing that it could damage.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dataset_builder.rewriting.transcripts import render

Messages = list[dict[str, str]]
Sample = dict[str, Any]
Mutate = Callable[[random.Random, Sample, list[Sample]], str | None]

LABELS = {"user": "用户：", "assistant": "心理咨询师："}


@dataclass(frozen=True)
class Mutation:
    name: str
    reasons: frozenset[str]  # any of which is right; another one is a catch all the same
    mutate: Mutate


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _with(messages: Messages, at: int, content: str) -> Messages:
    return [*messages[:at], _turn(messages[at]["role"], content), *messages[at + 1 :]]


def _counsellor(draw: random.Random, messages: Messages) -> int:
    return draw.randrange(1, len(messages), 2)


def _user(draw: random.Random, messages: Messages) -> int:
    return draw.randrange(0, len(messages), 2)


def first_turn_lost(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    return render(sample["messages"][1:])


def last_turn_lost(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    return render(sample["messages"][:-1])


def turn_lost(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    at = draw.randrange(1, len(sample["messages"]) - 1)
    return render(sample["messages"][:at] + sample["messages"][at + 1 :])


def neighbours_swapped(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    messages = list(sample["messages"])
    at = draw.randrange(1, len(messages) - 2)
    messages[at : at + 2] = messages[at + 1], messages[at]
    return render(messages)


def labels_swapped(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    return render(sample["messages"], (LABELS["assistant"], LABELS["user"]))


def one_speaker(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    label = draw.choice(list(LABELS.values()))
    return render(sample["messages"], (label, label))


def labels_lost(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    return render(sample["messages"], ("", ""))


def label_missed_out(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    """One label is lost, so that two turns are one."""
    lines = [LABELS[turn["role"]] + turn["content"] for turn in sample["messages"]]
    at = draw.randrange(1, len(lines))
    lines[at] = sample["messages"][at]["content"]
    return "\n".join(lines)


def turn_emptied(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    return render(_with(sample["messages"], draw.randrange(len(sample["messages"])), ""))


def too_short(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    return render(sample["messages"][-2 * draw.randrange(2, 8) :])


def too_long(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    messages = list(sample["messages"])
    while len(messages) <= 40:
        messages += draw.choice(others)["messages"]
    return render(messages)


def turn_too_long(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    lecture = "".join(turn["content"] for other in draw.sample(others, 3) for turn in other["messages"][1:-1:2])[:600]
    return render(_with(sample["messages"], _counsellor(draw, sample["messages"]), lecture + "。"))


def role_leaked(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    """A turn in which the other speaker answers at once, and the answer comes again."""
    messages = sample["messages"]
    at = draw.randrange(len(messages) - 1)
    other = LABELS[messages[at + 1]["role"]]
    glue = "" if re.search(r"[。！？…]$", messages[at]["content"]) else "。"
    return render(_with(messages, at, messages[at]["content"] + glue + other + "我在听。"))


def role_leaked_in_a_sentence(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    """A label where no sentence has ended."""
    at = draw.randrange(len(sample["messages"]) - 1)
    content = sample["messages"][at]["content"]
    inside = draw.randrange(1, len(content)) if len(content) > 1 else 1
    while inside < len(content) and not (content[inside - 1].isalnum() and content[inside].isalnum()):
        inside += 1
    label = draw.choice([*LABELS.values(), "咨询师：", "来访者: "])
    return render(_with(sample["messages"], at, content[:inside].rstrip("。！？…”） \n") + label + content[inside:]))


def speaks_as_ai(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    at = _counsellor(draw, sample["messages"])
    says = draw.choice(
        (
            "作为一个人工智能助手，我没有自己的感受，不过我愿意听。",
            "我只是一个AI语言模型，没办法真正体会你的难过。",
            "作为AI，我能做的只有陪你聊聊。",
            "我是由一家公司开发的智能助手，我会尽力帮你。",
        )
    )
    return render(_with(sample["messages"], at, says + sample["messages"][at]["content"]))


def refuses(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    says = draw.choice(
        ("抱歉，我无法继续这个话题。", "对不起，我不能提供这方面的帮助。", "I'm sorry, but I can't assist with that.")
    )
    return render(_with(sample["messages"], _counsellor(draw, sample["messages"]), says))


def refuses_whole(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    return draw.choice(
        ("抱歉，我无法完成这个请求。", "很抱歉，我不能改写涉及这些内容的对话。", "I can't help with that.")
    )


def lectures(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    says = draw.choice(
        (
            "可以试试这些：\n1. 早点睡\n2. 多走动\n3. 找人说说",
            "有几个办法：\n- 写下来\n- 说出来\n- 放一放",
            "首先，把事情写下来；其次，找个信得过的人说；最后，给自己一点时间。",
            "建议如下：1、先停下来。2、再想一想。3、慢慢来。",
            "**第一步**：停下来\n**第二步**：想一想\n**第三步**：说出来",
        )
    )
    return render(_with(sample["messages"], _counsellor(draw, sample["messages"]), says))


def answer_copied(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    return render(_with(sample["messages"], _counsellor(draw, sample["messages"]), sample["answer"]))


def question_copied(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    return render(_with(sample["messages"], 0, sample["question"]))


def cut_in_last_turn(draw: random.Random, sample: Sample, others: list[Sample]) -> str | None:
    """Tokens ran out within a sentence; at the end of one nobody could tell."""
    last = sample["messages"][-1]["content"]
    places = [at for at in range(2, len(last)) if re.search(r"[\w，、：；]$", last[:at])]
    return (
        render(_with(sample["messages"], len(sample["messages"]) - 1, last[: draw.choice(places)])) if places else None
    )


def cut_in_user_turn(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    at = draw.randrange(len(sample["messages"]) // 2, len(sample["messages"])) // 2 * 2
    content = sample["messages"][at]["content"]
    return render([*sample["messages"][:at], _turn("user", content[: draw.randrange(1, len(content) + 1)])])


def loops_in_turn(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    at = draw.randrange(len(sample["messages"]))
    phrase = draw.choice(("慢慢来，", "我在听。", "没关系没关系，", "你已经很努力了，真的很努力了。"))
    return render(_with(sample["messages"], at, phrase * draw.randrange(12, 16)))


def loops_in_turns(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    messages = sample["messages"]
    says = max((turn["content"] for turn in messages[1::2]), key=len)
    for at in draw.sample(range(1, len(messages), 2), 4):
        messages = _with(messages, at, says)
    return render(messages)


def one_sided(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    """The complaint about SMILECHAT: one of the two only nods."""
    first, nods = draw.choice(((0, "嗯。"), (1, "嗯。"), (1, "好。")))
    messages = sample["messages"]
    for at in range(first, len(messages), 2):
        messages = _with(messages, at, nods)
    return render(messages)


def echoes(draw: random.Random, sample: Sample, others: list[Sample]) -> str | None:
    messages = sample["messages"]
    places = [at for at in range(0, len(messages), 2) if len(re.sub(r"\W", "", messages[at]["content"])) >= 12]
    if not places:
        return None
    at = draw.choice(places)
    return render(_with(messages, at + 1, "你刚才说，" + messages[at]["content"] + "。我听见了。"))


def placeholder(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    at = _counsellor(draw, sample["messages"])
    says = draw.choice(("[姓名]，", "【您的名字】，", "{{name}}，", "我是XX心理咨询师，", "[插入具体问题]，"))
    return render(_with(sample["messages"], at, says + sample["messages"][at]["content"]))


def users_placeholder(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    at = _user(draw, sample["messages"])
    says = draw.choice(
        ("我叫[姓名]，", "我是{name}，", "【您的名字】来了，", "我在[学校]，", "[插入具体经历]，", "我叫【姓名】，")
    )
    return render(_with(sample["messages"], at, says + sample["messages"][at]["content"]))


def prompt_leaked(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    at = draw.randrange(len(sample["messages"]))
    says = draw.choice(
        (
            "请逐步分析以上单轮对话中用户的需求。",
            "【单轮长文本中文心理咨询对话】",
            "<|im_end|>",
            "我会把它改写成多轮的共情的对话。",
            "你的改写结果为：",
        )
    )
    return render(_with(sample["messages"], at, says + sample["messages"][at]["content"]))


def analysis_in_turn(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    says = draw.choice(
        (
            "用户的需求是被理解。",
            "需求分析：用户想倾诉。",
            "心理咨询师的共情技巧有倾听和认可。",
            "好的，以下是改写的对话：",
        )
    )
    return render(_with(sample["messages"], 1, says + sample["messages"][1]["content"]))


def other_language(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    says = draw.choice(
        (
            "That sounds really hard. Would you like to tell me a little more about it?",
            "それはつらかったですね。もう少し話してくれますか。",
            "많이 힘드셨겠어요. 조금 더 이야기해 주실래요?",
            "Это, наверное, очень тяжело. Расскажите, пожалуйста, ещё.",
        )
    )
    return render(_with(sample["messages"], draw.randrange(len(sample["messages"])), says))


def language_forgotten(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    """A counsellor who goes on in English, as models do."""
    at = _counsellor(draw, sample["messages"])
    says = draw.choice(
        (
            "If you have any further questions, feel free to ask me.",
            "Remember that you are not alone in this, and take your time.",
            "I am here to listen whenever you need someone to talk to.",
        )
    )
    return render(_with(sample["messages"], at, f"{sample['messages'][at]['content']} {says}"))


def encoding_broken(draw: random.Random, sample: Sample, others: list[Sample]) -> str | None:
    at = draw.randrange(len(sample["messages"]))
    broken = sample["messages"][at]["content"].encode()[:-1].decode("utf-8", "replace")
    wrecked = "".join(letter if draw.random() < 0.6 else "\ufffd" for letter in broken)
    return render(_with(sample["messages"], at, wrecked + "\ufffd\ufffd\ufffd"))


def facts_dropped(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    """A user who complains and tells nothing."""
    vague = [
        "我最近心情不太好，不知道怎么办。",
        "就是觉得很累，什么都不想做。",
        "可能是我想太多了吧。",
        "其实也说不清楚为什么。",
        "每天都这样，晚上也睡不好。",
        "我不知道该跟谁说这些。",
        "嗯，听你这么说好像好一点。",
        "但是我还是有点担心以后。",
        "你觉得我是不是太敏感了？",
        "家里人也不太理解我。",
        "我试过让自己别去想，没有用。",
        "有时候就想一个人待着。",
        "可能过一阵子就好了。",
        "我也想改变，就是做不到。",
        "谢谢你愿意听我说。",
        "我再想想吧。",
    ]
    draw.shuffle(vague)
    messages = sample["messages"]
    for at in range(0, len(messages), 2):
        messages = _with(messages, at, vague[at // 2 % len(vague)] if at < 32 else f"嗯，{vague[at // 2 % 16]}")
    return render(messages)


def another_question(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    return render(draw.choice(others)["messages"])


def another_users_turns(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    """The user of another question, the counsellor of this one."""
    theirs = draw.choice(others)["messages"]
    count = min(len(theirs), len(sample["messages"])) // 2 * 2
    mixed = [(theirs if at % 2 == 0 else sample["messages"])[at] for at in range(count)]
    return render(mixed)


def age_changed(draw: random.Random, sample: Sample, others: list[Sample]) -> str | None:
    years = "(?:[2-6]\\d|[二三四五六]十[一二三四五六七八九]?)"
    asked = re.search(rf"(?:^|[，。！？])我?(?:今年)?{years}岁?[了的]?[，。]", sample["question"])
    if not asked:
        return None
    number = draw.choice(_TWO_DIGITS)
    while number in sample["question"] or _chinese(number) in sample["question"]:
        number = draw.choice(_TWO_DIGITS)
    age = draw.choice((number, _chinese(number)))
    says = draw.choice(
        ("我今年{}岁。", "我今年{}，", "我{}岁了，", "我都{}了，", "我现在已经{}岁了，", "我{}了。", "我{}岁，")
    )
    return render(_with(sample["messages"], 2, says.format(age) + sample["messages"][2]["content"]))


_TWO_DIGITS = tuple(map(str, range(20, 70)))


def _chinese(number: str) -> str:
    tens, ones = ("零一二三四五六七八九"[int(digit)] for digit in number)
    return f"{tens}十{ones.rstrip('零')}"


def numbers_changed(draw: random.Random, sample: Sample, others: list[Sample]) -> str | None:
    """Other numbers in all that the question counts, three things at least, and none of its own."""
    units = dict.fromkeys(unit for number, unit in _QUANTITY.findall(sample["question"]) if number not in ("一", "1"))
    if len(units) < 3:
        return None
    messages = [
        turn | {"content": _QUANTITY.sub("好些", turn["content"])} if turn["role"] == "user" else turn
        for turn in sample["messages"]
    ]
    told = "，".join(f"{draw.randrange(61, 99)}{unit}" for unit in units)
    return render(_with(messages, 4, f"{messages[4]['content']}算起来{told}。"))


_QUANTITY = re.compile(r"(\d+|[零一二两三四五六七八九十百千万]+)(岁|年|天|小时|分钟|次|斤|公里|度)")


def stage_play(draw: random.Random, sample: Sample, others: list[Sample]) -> str:
    """Prose that tells of a conversation, with nobody speaking."""
    return "\n\n".join(
        ("来访者说，" if turn["role"] == "user" else "咨询师答道，") + turn["content"] for turn in sample["messages"]
    )


def _mutation(mutate: Mutate, *reasons: str) -> Mutation:
    return Mutation(mutate.__name__, frozenset(reasons), mutate)


MUTATIONS = (
    _mutation(first_turn_lost, "starts_with_counsellor"),
    _mutation(last_turn_lost, "ends_with_user"),
    _mutation(turn_lost, "not_alternating"),
    _mutation(neighbours_swapped, "not_alternating"),
    _mutation(labels_swapped, "starts_with_counsellor"),
    _mutation(one_speaker, "no_counsellor_turn", "no_user_turn"),
    _mutation(labels_lost, "no_transcript"),
    _mutation(stage_play, "no_transcript"),
    _mutation(label_missed_out, "not_alternating", "ends_with_user"),
    _mutation(turn_emptied, "empty_turn"),
    _mutation(too_short, "too_few_rounds"),
    _mutation(too_long, "too_many_rounds"),
    _mutation(turn_too_long, "turn_too_long"),
    _mutation(role_leaked, "not_alternating", "role_label"),
    _mutation(role_leaked_in_a_sentence, "role_label", "not_alternating"),
    _mutation(speaks_as_ai, "ai_self_reference"),
    _mutation(refuses, "refusal"),
    _mutation(refuses_whole, "refusal"),
    _mutation(lectures, "list_style"),
    _mutation(answer_copied, "copied_answer"),
    _mutation(question_copied, "copied_question"),
    _mutation(cut_in_last_turn, "cut_off"),
    _mutation(cut_in_user_turn, "ends_with_user"),
    _mutation(loops_in_turn, "degenerate_turn"),
    _mutation(loops_in_turns, "repeated_turns"),
    _mutation(one_sided, "one_sided"),
    _mutation(echoes, "echoed_turn"),
    _mutation(placeholder, "placeholder"),
    _mutation(users_placeholder, "placeholder"),
    _mutation(prompt_leaked, "leaked_prompt"),
    _mutation(analysis_in_turn, "analysis_preamble"),
    _mutation(other_language, "wrong_language"),
    _mutation(language_forgotten, "wrong_language"),
    _mutation(encoding_broken, "broken_encoding"),
    _mutation(facts_dropped, "facts_lost"),
    _mutation(another_question, "facts_lost"),
    _mutation(another_users_turns, "facts_lost"),
    _mutation(age_changed, "facts_changed"),
    _mutation(numbers_changed, "facts_changed"),
)
