"""The crisis screen on sentences of our own: plain, disguised in every way we know, and harmless look-alikes."""

import json
import subprocess
import sys
import time

import pytest
from opencc import OpenCC

from safety import TIERS, screen
from safety.lexicon import FILE, LexiconError, expand, lexicon

IMMINENT = [
    "我已经吃了药，现在头很晕",
    "我刚才吞了一整瓶安眠药",
    "我喝了百草枯",
    "我现在站在楼顶",
    "我坐在天台边上，风很大",
    "我爬上了窗台",
    "我在桥上，想跳下去",
    "今晚就结束这一切",
    "今晚就走了，谢谢你",
    "等会儿就去跳楼",
    "我把药都攒够了",
    "我手里拿着刀片",
    "绳子已经系好了",
    "我刚刚割了腕，血止不住",
    "遗书写好了，就放在桌上",
    "这是我最后的话了，永别了",
    "别了，这个世界",
    "已经决定去死了",
    "I just took a whole bottle of pills",
    "I'm standing on the ledge of the roof",
    "I have a gun and I am going to use it on myself",
    "I'm going to kill myself tonight",
    "By the time you read this I will be gone",
]
IDEATION = [
    "我不想活了",
    "真的活不下去了",
    "我想死",
    "有时候想割腕",
    "好想跳楼",
    "从这里跳下去会怎么样",
    "我想吞药",
    "最近在攒药",
    "我开始写遗书",
    "一了百了多好",
    "有人约死吗",
    "想结束自己的生命",
    "还不如死了",
    "没有我你们会更好",
    "活着没意思",
    "活着没有意义",
    "我又自残了",
    "我用刀划手臂",
    "想消失在这个世界上",
    "希望睡着以后再也不醒来",
    "淹死算了",
    "一起死吧",
    "我不敢死",
    "要是我死了，会有人难过吗",
    "想弄死自己",
    "多少片会死",
    "我是家里的累赘，死了就好了",
    "想自杀，可是怕疼",
    "I want to die",
    "I don't want to be alive anymore",
    "They would be better off without me",
    "I have been cutting myself again",
    "I wish I was dead",
    "There is no reason to live",
    "thinking about suicide a lot",
]
DISTRESS = ["我真的撑不住了", "看不到希望", "没有人在乎我", "我好绝望", "I feel hopeless", "I can't take it anymore"]
BENIGN = [
    "今天的综艺笑死我了",
    "加班累死了，想喝奶茶",
    "饿死了，我们去约饭吧",
    "想死你了，什么时候回来",
    "热死了，空调坏了",
    "新闻里说那里发生了自杀式袭击",
    "我们在课上讨论安乐死合法化",
    "下周给奶奶庆生",
    "手机死机了怎么办",
    "他是我的死党",
    "商场跳楼价大甩卖",
    "在游乐园坐了跳楼机",
    "敦煌遗书的展览很好看",
    "紫砂壶怎么保养",
    "感冒吃了药，好多了",
    "周末一起烧炭烤肉",
    "我不想活动，只想躺着",
    "有什么护肤品去死皮比较好",
    "这个死胡同走不通，换条路",
    "我在规划自己的人生",
    "想4月份去旅行",
    "他的情商很高",
    "在天台上看星星",
    "拿着刀切菜，切到一半停电了",
    "I'm dying of laughter",
    "We watched Suicide Squad last night",
    "my phone is dead",
    "the deadline is killing me",
    "I ran 5 kms today",
]
PLAIN = ["我想自杀", "我想死", "我不想活了", "我想割腕", "我想跳楼", "我想轻生", "我又自残了", "真的活不下去"]


def spread(mark: str):
    return lambda text: mark.join(text)


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


TO_TRADITIONAL = OpenCC("s2t")


def traditional(text: str) -> str:
    return TO_TRADITIONAL.convert(text)


def replaced(**words: str):
    def apply(text: str) -> str:
        for word, other in words.items():
            text = text.replace(word, other)
        return text

    return apply


DISGUISES = {
    "traditional": traditional,
    "space": spread(" "),
    "wide space": spread("\u3000"),
    "dot": spread("."),
    "middle dot": spread("·"),
    "hyphen": spread("-"),
    "star": spread("*"),
    "bar": spread("|"),
    "underscore": spread("_"),
    "emoji": spread("\U0001f642"),
    "comma": spread("，"),
    "full stop": spread("。"),
    "ellipsis": spread("……"),
    "line break": spread("\n"),
    "zero width": spread("\u200b"),
    "joiner": spread("\u2060"),
    "direction mark": spread("\u202e"),
    "bell": spread("\x07"),
    "strike through": spread("\u0336"),
    "homophone": replaced(
        自杀="紫砂", 想死="想4", 割腕="割wan", 跳楼="跳lou", 自残="自can", 轻生="轻sheng", 不想活="不想huo"
    ),
    "pinyin": replaced(自杀="zisha", 想死="xiang si", 割腕="gewan", 跳楼="tiaolou", 自残="zican", 轻生="qingsheng"),
    "toned pinyin": replaced(自杀="zì shā", 想死="xiǎng sǐ", 割腕="gē wàn", 跳楼="tiào lóu", 不想活="bù xiǎng huó"),
    "capitals": replaced(自杀="ZiSha", 跳楼="TIAO楼", 割腕="GE腕"),
    "full-width letters": lambda text: full_width(replaced(自杀="zisha", 跳楼="tiaolou")(text)),
}


@pytest.mark.parametrize("text", IMMINENT)
def test_time_means_place_or_act_is_imminent(text: str) -> None:
    assert screen(text).tier == "imminent", screen(text)


@pytest.mark.parametrize("text", IDEATION)
def test_a_wish_to_die_or_to_hurt_oneself_is_at_least_ideation(text: str) -> None:
    assert screen(text).at_least("ideation"), screen(text)


@pytest.mark.parametrize("text", DISTRESS)
def test_pain_without_a_word_of_dying_is_distress(text: str) -> None:
    assert screen(text).tier == "distress", screen(text)


@pytest.mark.parametrize("text", BENIGN)
def test_a_look_alike_is_not_flagged(text: str) -> None:
    assert not screen(text).at_least("distress"), screen(text)


@pytest.mark.parametrize("name", DISGUISES)
def test_a_disguise_hides_nothing(name: str) -> None:
    disguised = [DISGUISES[name](text) for text in PLAIN]
    missed = [text for text in disguised if not screen(text).at_least("ideation")]
    assert not missed, missed


def test_recall_over_all_sentences_and_disguises_is_above_nine_tenths() -> None:
    chinese = [text for text in IMMINENT + IDEATION if not text.isascii()]
    pack = [disguise(text) for disguise in DISGUISES.values() for text in chinese]
    found = sum(screen(text).at_least("ideation") for text in pack)
    print(f"recall {found / len(pack):.3f} of {len(pack)}")
    assert found / len(pack) > 0.90


def test_a_look_alike_does_not_shield_what_stands_beside_it() -> None:
    assert screen("笑死，我不想活了").at_least("ideation")
    assert screen("想死你了，也想自杀").at_least("ideation")


def test_a_denial_is_distress_and_no_ideation() -> None:
    assert screen("我没有想过自杀，只是很累").tier == "distress"
    assert screen("我没有勇气自杀").at_least("ideation")
    assert screen("不是不想死，是不敢").at_least("ideation")


def test_the_whole_conversation_counts_and_nothing_decays() -> None:
    first = {"role": "user", "content": "我不想活了"}
    rest = [{"role": "assistant", "content": "嗯"}, {"role": "user", "content": "今天天气不错"}] * 20
    assert screen([first, *rest]).tier == "ideation"


def test_a_word_spread_over_turns_is_put_together() -> None:
    turns = [
        {"role": "user", "content": "我想自"},
        {"role": "assistant", "content": "嗯"},
        {"role": "user", "content": "杀"},
    ]
    assert screen(turns).at_least("ideation")


def test_what_others_than_the_user_say_is_not_read() -> None:
    assert screen([{"role": "assistant", "content": "你想自杀吗"}, {"role": "user", "content": "没有"}]).tier == "none"


def test_reasons_are_most_urgent_first_and_do_not_repeat_the_text() -> None:
    screening = screen("我好绝望，今晚就跳下去")
    tiers = [next(t for t, p in lexicon().tiers.items() if r in p.groupindex) for r in screening.reasons]
    assert tiers == sorted(tiers, key=TIERS.index, reverse=True)
    assert "跳" not in "".join(screening.reasons)


def test_nothing_and_odd_characters_are_screened_without_an_error() -> None:
    for text in ("", "\x00", "\ud800", "\u200b" * 100, "🙂" * 50, "ﷺ" * 20):
        assert screen(text).tier == "none"


def test_a_hostile_text_takes_time_in_proportion_to_its_length() -> None:
    for part in ("想", "站在", "吃了好多", "我" + "." * 50, "i took ", "不想", "现在就" + "啊" * 7):

        def seconds(length: int, part: str = part) -> float:
            text = (part * length)[:length]
            start = time.process_time()
            screen(text)
            return time.process_time() - start

        seconds(100)
        assert seconds(16_000) < 12 * max(seconds(4_000), 0.01)


def test_a_lexicon_pattern_cannot_repeat_without_bound_or_capture() -> None:
    for bad in ("a+b", "a*", "a{2,}", "(a)", "a("):
        with pytest.raises(LexiconError, match="pattern"):
            expand(bad)
    assert FILE.exists() and expand("a<3>b") == r"a[^。!?;\n]{0,3}?b"


def test_import_is_light() -> None:
    code = (
        "import sys, time; start = time.process_time(); import safety; spent = time.process_time() - start; "
        "import json; print(json.dumps([spent, [m for m in ('numpy','torch','transformers','gradio','opencc') "
        "if m in sys.modules]]))"
    )
    spent, heavy = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert heavy == []
    assert spent < 0.15
