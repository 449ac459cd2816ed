"""Text: each repair mends what it is for, leaves clean text alone, and has nothing to do the second time."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.cleaning.text import REPAIRS, RULES, is_traditional, simplified

CLEAN = [
    "我最近总是睡不着，怎么办？",
    "你先别急。能说说“睡不着”是从什么时候开始的吗？",
    "从3:30开始，一直到6:00；体温37.5℃，血压110/70。",
    "见 https://example.org/a?b=1,2&c=3 第2节，T恤也行……",
    "I can't sleep. What should I do? It's 1,000 times worse!",
    "他说：“再说吧。”——我就走了。",
    "真的吗？！太好了～",
    "谢谢你(^_^) :) (T_T) ╰(*´︶`*)╯ (｡･ω･｡) ＞﹏＜",
    "一家人👨‍👩‍👧 跑步🏃🏽‍♀️ 心❤️",
    "①先睡；②再说。½杯水，10²米，™，Ⅳ。",
    "著名的乾隆，慰藉，宫商角徵羽。",
    "我很难过 不想说话 也不想出门",
    "玛丽.居里的传记",
    "读了 GPT 的论文，用 Python 3 写的",
    "第一行\n\n第二行\n第三行",
    "caf\u00e9——咖啡馆，\u00e8”—",
    "考不好就会······",
]


def turn(text):
    return [{"role": "user", "content": text}, {"role": "assistant", "content": "嗯。"}]


def repaired(name, text):
    return REPAIRS[name](turn(text))[0]["content"]


def through_all(messages):
    for repair in REPAIRS.values():
        messages = repair(messages)
    return messages


@pytest.mark.parametrize("name", REPAIRS)
@pytest.mark.parametrize("text", CLEAN)
def test_clean_text_is_left_alone(name, text):
    assert repaired(name, text) == text


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("html", "我很累&nbsp;&amp;难过<br>睡不着<br/>", "我很累\xa0&难过\n睡不着"),
        ("html", "<p class='a'>你好</p><p>在吗</p>", "你好\n在吗"),
        ("html", "&amp;lt;br&amp;gt;好&#8230;", "好…"),
        ("html", "他说<开心>就好，3<5 & 7>2", "他说<开心>就好，3<5 & 7>2"),
        ("control_characters", "我\u200b很\ufeff累\x00，\u202e真\u00ad的\ue40a", "我很累，真的"),
        ("control_characters", "我\u200d累👨\u200d", "我累👨"),
        ("normalised", "我是Ａ班的，１８岁，８０％", "我是A班的，18岁，80%"),
        ("normalised", "⼀⼆\uf900 ﬁne cafe\u0301 𝓗𝓲", "一二豈 fine caf\u00e9 Hi"),
        ("white_space", "我很累\t真的很累，\u3000睡不着  也吃不下 。 ", "我很累 真的很累，睡不着 也吃不下。"),
        ("white_space", "不想\xa0OK \r\n\r\n\r\n 真的", "不想 OK\n\n真的"),
        ("white_space", "我 最近 总是 睡 不 着", "我最近总是睡不着"),
        ("white_space", "怎么办？ 我很累", "怎么办？我很累"),
        ("half_width_punctuation", "我很累,怎么办?真的!比如:睡不着;早醒", "我很累，怎么办？真的！比如：睡不着；早醒"),
        ("half_width_punctuation", "你好, 我18岁", "你好，我18岁"),
        ("half_width_punctuation", "看https://a.org/x,y?z=1好吗?", "看https://a.org/x,y?z=1好吗？"),
        ("half_width_punctuation", "谢谢:)再见;)好?)", "谢谢:)再见;)好?)"),
        ("repeated_punctuation", "真的！！！！！怎么办？？？好～～～～，，", "真的！！！怎么办？？？好～～～，"),
        ("repeated_punctuation", "我不知道。。。。也许...就这样………………——————", "我不知道……也许……就这样……——"),
        ("repeated_punctuation", "什么？！？！？！啊！！？？对！！。。", "什么？！啊！？对！！。。"),
        ("repeated_punctuation", "Really??!! 3...5", "Really?! 3...5"),
    ],
)
def test_each_repair_mends_what_it_is_for(name, before, after):
    assert repaired(name, before) == after
    assert repaired(name, after) == after


SENTENCE = "我很累，睡不着。你觉得怎么办呢？"


@pytest.mark.parametrize(
    ("written", "read"), [("utf-8", "latin-1"), ("utf-8", "cp1252"), ("gb2312", "latin-1"), ("utf-8", "gb18030")]
)
def test_text_read_in_the_wrong_encoding_is_read_in_the_right_one(written, read):
    text = "好的信，那么"  # none of its bytes is one that Windows-1252 lacks
    assert repaired("broken_encoding", f"A: {text.encode(written).decode(read)}!") == f"A: {text}!"


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE.encode().decode("gb18030", "replace"),
        SENTENCE.encode()[1:].decode("utf-8", "replace"),
        "锟斤拷锟斤拷",
        "我说烫烫烫",
        SENTENCE.encode().decode("latin-1")[:-1].replace("\xa0", " "),
    ],
)
def test_text_whose_bytes_were_lost_is_rejected(text):
    assert RULES["broken_encoding"](through_all(turn(text))) == "broken_encoding"


@pytest.mark.parametrize("text", [*CLEAN, "浣熊在涓涓细流边，咖啡很烫，烫烫的"])
def test_clean_text_is_not_called_broken(text):
    assert RULES["broken_encoding"](turn(text)) is None


def test_traditional_text_becomes_simplified_in_every_turn():
    messages = [{"role": "user", "content": "我會試著說出來。"}, {"role": "assistant", "content": "嗯，對。"}]
    assert is_traditional(messages)
    assert [message["content"] for message in simplified(messages)] == ["我会试着说出来。", "嗯，对。"]
    assert not is_traditional(simplified(messages))


@pytest.mark.parametrize("text", ["他很著名，也很乾净，後来呢", "一个龍字而已", "我很累"])
def test_a_variant_or_a_single_character_is_not_traditional_text(text):
    assert not is_traditional(turn(text))
    assert simplified(turn(text)) == turn(text)


# What the repairs look for, close together.
pieces = st.sampled_from(
    [
        *"我很累，。！？：；、（）“”…—～,.!?:;()~<>&*#^_-=\n\t\r\x00\xa0\u200b\u200d\u3000\ufe0f\ufffd１Ａ％．會說ä½·",
        *("<br>", "</p>", "&nbsp;", "&amp;", "&lt;", "&#8203;", "lt;", "https://a.b/", "😀", "12", "ab", "锛"),
        *(" ", "e\u0301"),
    ]
)
texts = st.lists(pieces, max_size=12).map("".join) | st.text(max_size=20)


@pytest.mark.parametrize("name", REPAIRS)
@given(text=texts)
def test_a_repair_has_nothing_to_do_the_second_time(name, text):
    messages = turn(text)
    before = [dict(message) for message in messages]
    once = REPAIRS[name](messages)
    assert messages == before
    assert [message["role"] for message in once] == ["user", "assistant"]
    assert REPAIRS[name](once) == once


@given(texts)
def test_any_text_goes_through_all_repairs_and_rules(text):
    assert all(rule(through_all(turn(text))) in (None, name) for name, rule in RULES.items())


@pytest.mark.parametrize(
    "unit", ["<", "&", "，", "。", " ", "我 ", "\n ", "ä½", "锛", "。 ", "\u200d", "https://", "!?", "<p ", "&amp;"]
)
def test_a_long_turn_costs_no_more_than_its_length(unit):
    """Quadratic matching of 60,000 characters would take minutes; the suite's limit is what this test is about."""
    text = unit * (60_000 // len(unit))
    through_all(turn(text))
    assert all(rule(turn(text)) in (None, name) for name, rule in RULES.items())


def test_pairs_of_marks_that_belong_together_survive():
    for first, second in itertools.permutations("？！", 2):
        assert repaired("repeated_punctuation", f"真的{first}{second}") == f"真的{first}{second}"
