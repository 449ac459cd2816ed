"""Identity: who names themselves is found, who says what they are is not."""

import pytest

from dataset_builder.cleaning.identity import RULES, discloses_identity, found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我叫李建国。", "我叫李建国"),
        ("你好，我的名字是欧阳晓雯，今年大二。", "我的名字是欧阳晓雯"),
        ("老师您好，我是赵立，今年高二。", "您好，我是赵立"),
        ("医生，我是周晓梅，最近总失眠。", "医生，我是周晓梅"),
        ("我是心理咨询师陈晓东，很高兴见到你。", "我是心理咨询师陈晓东"),
        ("我是东湖医院的王医生。", "我是东湖医院的王医生"),
    ],
)
def test_a_name_that_identifies_is_found(text, words):
    assert found(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "我是一个学生，我是独生女，我是说，我是谁？",
        "我叫小雨，今年30岁。",
        "我叫她别走，我叫高兴。",
        "老师您好，我是李女士，今年35岁。",
        "老师您好，我是王某，最近失眠。",
        "你好，我是江苏人，今年20岁。",
        "你好，我是程序员，最近失眠。",
        "你好，我是单身，最近失眠。",
        "我是高三生，我是白领，我是金牛座。",
        "我是一家大公司的项目经理。",
        "我是重点高中毕业的，我是一名大学老师。",
        "我是很羡慕同学考上好大学的成绩。",
        "我是医院的护士，我是中学老师。",
        "他叫张伟，我是他朋友。",
        "",
    ],
)
def test_what_somebody_is_identifies_nobody(text):
    assert found(text) is None


def test_either_speaker_can_disclose():
    said = [{"role": "user", "content": "你是谁？"}, {"role": "assistant", "content": "我叫何文静。"}]
    assert discloses_identity(said) == RULES["identity"](said) == "identity"
    assert discloses_identity(said[:1]) is None
