"""Every kind of personal data in the forms people write, what only looks like it, and texts made to be slow."""

import itertools
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from safety.found import PLACEHOLDERS
from safety.personal_data import find_personal_data, redact

# Made up for this test; 5105 1051 0510 5100 is the test number that Mastercard publishes.
FOUND = [
    ("拨1 3 8 0 0 1 3 8 0 0 0", "拨[手机号]"),
    ("138-0013-8000或+86 138 0013 8000", "[手机号]或[手机号]"),
    ("138零零一三8000", "[手机号]"),
    ("幺三八 零零一三 八零零零", "[手机号]"),
    ("①③⑧⓪⓪①③⑧⓪⓪⓪", "[手机号]"),
    ("13800138000一直打不通", "[手机号]一直打不通"),
    ("一三八零零一三八零零零一直打不通", "[手机号]一直打不通"),
    ("家里电话8762 5566", "家里电话[手机号]"),
    ("（010）62345678", "[手机号]"),
    ("证件110105 19491231 002X", "证件[身份证号]"),
    ("１１０１０５１９４９１２３１００２Ｘ", "[身份证号]"),
    ("zhang AT qq 点 com", "[邮箱]"),
    ("zhang(at)163.com", "[邮箱]"),
    ("zhang@qq点com", "[邮箱]"),
    ("卡号5105 1051 0510 5100", "卡号[银行卡号]"),
    ("5105-1051-0510-5100", "[银行卡号]"),
    ("银行卡号6222021234567890123", "银行卡号[银行卡号]"),  # mistyped, and named as one
    ("护照E12345678", "护照[护照号]"),
    ("京A·12345和沪AD12345", "[车牌号]和[车牌号]"),
    ("粤b 8d72k", "[车牌号]"),
    ("我生日是1990年3月5日", "我生日是[出生日期]"),
    ("一九九零年三月五日出生", "[出生日期]出生"),
    ("1990.3.5生的", "[出生日期]生的"),
    ("我叫张伟，今年大二", "我叫[姓名]，今年大二"),
    ("我是王小明。", "我是[姓名]。"),
    ("我叫张伟。张伟这个名字太多人有了", "我叫[姓名]。[姓名]这个名字太多人有了"),
    ("同事李强说我", "同事[姓名]说我"),
    ("室友欧阳晓峰打呼噜", "室友[姓名]打呼噜"),
    ("李秀英老师，您好", "[姓名]老师，您好"),
    ("你好，王芳。", "你好，[姓名]。"),
    ("你好，李琼小姐", "你好，[姓名]小姐"),
    ("导师是吴静教授", "导师是[姓名]教授"),
    ("赵丽，你好", "[姓名]，你好"),
    ("名叫阿依古丽·买买提的女生", "名叫[姓名]的女生"),
    ("我住在北京市海淀区学院路20号", "我住在[地址]"),
    ("家在中山路十八号", "家在[地址]"),
    ("阳光花园3栋2单元501室", "[地址]"),
    ("5号楼302室", "[地址]"),
    ("静安区长寿路１８８弄３号６０１室，邮编200060", "[地址]"),
    ("清水县红山镇李家村三组", "[地址]"),
    ("我在清华大学读研", "我在[学校]读研"),
    ("孩子在杭州市第二中学", "孩子在[学校]"),
    ("考进了北京四中", "考进了[学校]"),
    ("毕业于春晖中学", "毕业于[学校]"),
    ("入职彩虹网络有限公司", "入职[单位]"),
    ("在上海市第六人民医院住院", "在[单位]住院"),
    ("在工商银行朝阳支行上班", "在[单位]上班"),
]
NOT_FOUND = [
    "我在北京工作，家里三楼",
    "我的大学在外地，他上了一所中学，是市重点中学",
    "张老师、王医生、小李和老王都劝我",
    "我是高中生，我是程序员，我是单亲家庭",
    "我叫他别走，他叫我滚，我叫了救护车",
    "任何方法都试过了，马上就好，于是何必",
    "同学关系，同事高兴，老师安排，朋友安慰",
    "谢谢老师，谢谢医生，谢谢阿姨",
    "我明白心理咨询师的作用，也信任心理老师",
    "从失败中学会成长，在过程中学到很多",
    "一家保险公司，一家上市公司，去当地的医院",
    "走路3号线，10月3号开学，大街上没有人",
    "弟弟出生以后，2019年9月1日上了小学",
    "小区里一栋楼都是老人，我住十五楼",
    "订单号2023110512345678901还没发货",
    "流水号4000123456789012",
    "京A是车牌的开头，新B的车少见",
    "look at example.com",
    "刘女士您好，我丈夫欧阳先生也在，她名叫柳姐姐",
    "张小（化名）今年十五岁",
    "自贡市的公司，武汉的大学",
]


@pytest.mark.parametrize(("text", "redacted"), FOUND)
def test_each_kind_is_found_as_people_write_it(text: str, redacted: str) -> None:
    assert redact(text)[0] == redacted
    assert find_personal_data(redacted) == []


@pytest.mark.parametrize("text", NOT_FOUND)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == (text, [])


def test_every_kind_is_in_a_test_and_has_a_placeholder_of_its_own() -> None:
    kinds = {piece.kind for text, _ in FOUND for piece in find_personal_data(text)}
    assert kinds | {"qq", "wechat"} == set(PLACEHOLDERS)
    assert len(set(PLACEHOLDERS.values())) == len(PLACEHOLDERS)


# What patterns are made of, so that chance brings them together: much more of it than in random text.
_SCRAPS = [text for text, _ in FOUND] + list(PLACEHOLDERS.values())
_WORDS = "我叫 张伟 同事 QQ 微信 身份证 卡号 生日 出生 住 路 街 3号 2栋 大学 中学 北京 市 区 有限公司 医院 老师 你好"
_SCRAPS += _WORDS.split()
_SCRAPS += [
    "12345",
    "13800138000",
    "a@b.com",
    "一",
    "零",
    " ",
    "，",
    "。",
    "\u200b",
    "1\ufe0f\u20e3",
    "\ue000",
    "[",
    "]",
]
_SCRAPS += ["\u0301", "👍🏽", "\ud83d\ude00", "\ud83d", "\ude00"]
_PIECED = st.lists(st.sampled_from(_SCRAPS), max_size=8).map("".join)


@given(_PIECED)
@example("身份证110105194912310021 110105194912310021")
@example("QQ13800138000 12345678")
def test_a_second_pass_finds_nothing_and_findings_stand_apart(text: str) -> None:
    redacted, found = redact(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(piece.start < piece.end <= len(text) for piece in found)
    assert redact(redacted) == (redacted, [])


@given(_PIECED, st.text("\u0301\u200b\ufe0f\u20e3\u200d", min_size=1, max_size=3))
def test_no_mark_is_left_without_the_character_it_belongs_to(text: str, marks: str) -> None:
    text += "13800138000" + marks + "好"
    for piece in find_personal_data(text):
        after = text[piece.end : piece.end + 1]
        assert not after or (unicodedata.combining(after) == 0 and after not in marks)
        assert not "\udc00" <= after <= "\udfff"


@given(_PIECED, st.integers(0, 3))
def test_invisible_characters_hide_nothing(around: str, kind: int) -> None:
    hidden = "\u200b".join("13800138000") if kind % 2 else "\ufeff".join("13800138000")
    text = f"。{hidden}。"
    assert [piece.kind for piece in find_personal_data(text)] == ["phone"]
    assert find_personal_data(text)[0].end == len(text) - 1


SLOW = [
    "1",
    "1 ",
    "1-",
    "a",
    "a@",
    "a.",
    "@a.",
    "a at ",
    "中",
    "街",
    "路1号",
    "张",
    "我叫张",
    "老师",
    "张伟老师",
    "大学",
    "北京大学",
]
SLOW += [
    "区大学",
    "有限公司",
    "栋1",
    "一",
    "一 ",
    "QQ ",
    "微信a",
    "出生1990年1月",
    "京A1",
    "1\u200b",
    "１",
    "[手机号]",
    "6222 ",
    "(1",
]
SLOW += [
    "苑1期",
    "+86 1",
    "1-1栋",
    "a点",
    "vx a_",
    "我是中·",
    "13800138000 ",
    "a@b.com ",
    "在中学",
    "从中小学",
    "镇村",
    "[",
    "生日",
]


@pytest.mark.parametrize("unit", SLOW)
def test_time_grows_with_the_length_of_a_text_made_to_be_slow(unit: str) -> None:
    """The worst of them takes 25 microseconds a character; a search that tried each start anew would take minutes."""
    text = (unit * 20_000)[:20_000]
    began = time.process_time()
    find_personal_data(text)
    assert time.process_time() - began < 4
