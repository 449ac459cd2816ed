"""Judging transcripts: the sample in every style is accepted as it is, and no mutant of it is."""

import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.cleaning.shape import ROLES
from dataset_builder.inputs import SAMPLE, inputs
from dataset_builder.records import Rejection
from dataset_builder.rewriting import facts
from dataset_builder.rewriting.transcripts import render
from dataset_builder.rewriting.validate import Verdict, validate
from dataset_builder.topics import TOPICS
from tests.conftest import PROOF_SEED
from tests.dataset_builder.rewriting.mutations import MUTATIONS
from tests.dataset_builder.rewriting.styles import FLAT, PLAIN, STYLES, flat

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
CORPORA = {
    "smilechat-v2": "smilechat-v2/dialogues.jsonl.gz",
    "smile-plain": "smile-plain/raw-files.tar.gz",
    "cpsycound": "cpsycoun/CPsyCounD-0-1999.tar.gz",
    "cpsycoune": "cpsycoun/CPsyCounE.tar.gz",
    "emollm": "emollm/data-1200.json.gz",
}
DRAWS = 5  # of each mutation on each conversation

SAMPLES = [
    json.loads(line)
    for topic in TOPICS
    for line in (SAMPLE / f"{topic}.jsonl").read_text(encoding="utf-8").splitlines()
]
GOOD = SAMPLES[0]["messages"]


def judged(transcript, sample):
    return validate(transcript, question=sample["question"], answer=sample["answer"])


def some(samples, share):
    return samples[:: round(1 / share)]


def with_turn(at, content):
    return [turn | {"content": content} if number == at else turn for number, turn in enumerate(GOOD)]


@pytest.fixture(scope="module")
def clean(share):
    """How many transcripts of the sample there were, in all styles, and those that were not given back as they are."""
    made, wrong = 0, []
    for name, style in STYLES.items():
        for sample in some(SAMPLES, share):
            messages = sample["messages"]
            wanted = [turn | {"content": flat(turn["content"])} for turn in messages] if name in FLAT else messages
            verdict = judged(style(messages), sample)
            made += 1
            if verdict != Verdict(True, None, wanted):
                wrong.append((name, sample["question_id"], verdict.reason))
    return made, wrong


@pytest.fixture(scope="module")
def mutants(share):
    """By mutation: how many mutants were made, and the reasons that were given."""
    found = {}
    for mutation in MUTATIONS:
        draw = random.Random(f"{PROOF_SEED} {mutation.name}")
        reasons = Counter()
        for sample in some(SAMPLES, share):
            others = [other for other in SAMPLES if other is not sample]
            for _ in range(DRAWS):
                if (transcript := mutation.mutate(draw, sample, others)) is not None:
                    reasons[judged(transcript, sample).reason] += 1
        found[mutation.name] = reasons
    return found


@pytest.fixture(scope="module")
def milliseconds():
    texts = [(PLAIN(sample["messages"]), sample) for sample in SAMPLES]
    judged(*texts[0])  # compiles, and learns what is common
    runs = []
    for _ in range(3):
        start = time.process_time()
        for text, sample in texts:
            judged(text, sample)
        runs.append((time.process_time() - start) * 1000 / len(texts))
    return min(runs)


@pytest.mark.proof
def test_a_clean_transcript_is_accepted_in_every_style_and_gives_its_messages(clean):
    made, wrong = clean
    assert made >= len(STYLES)
    assert wrong == []


@pytest.mark.proof
def test_mutants_are_caught_mostly_for_the_right_reason(mutants):
    assert len(mutants) >= 20
    made = sum(reasons.total() for reasons in mutants.values())
    missed = sum(reasons[None] for reasons in mutants.values())
    right = sum(mutants[mutation.name][reason] for mutation in MUTATIONS for reason in mutation.reasons)
    assert missed <= 0.01 * made
    assert right >= 0.98 * made
    for name, reasons in mutants.items():
        assert reasons.total() > 0, name
        assert reasons[None] <= 0.04 * reasons.total(), name


def test_a_transcript_takes_about_a_millisecond(milliseconds):
    assert milliseconds < 4  # 0.75 on a busy machine


@pytest.mark.proof
def test_what_is_found_is_kept(clean, mutants, milliseconds, share, record):
    made, wrong = clean
    expected = {mutation.name: sorted(mutation.reasons) for mutation in MUTATIONS}
    caught = {name: reasons.total() - reasons[None] for name, reasons in mutants.items()}
    record(
        "transcript_validation",
        ["pyyaml"],
        sample=len(SAMPLES),
        milliseconds=round(milliseconds, 2),
        clean={"styles": len(STYLES), "transcripts": made, "given_back": made - len(wrong)},
        mutants={
            "made": (total := sum(reasons.total() for reasons in mutants.values())),
            "caught": sum(caught.values()),
            "share": int(10_000 * sum(caught.values()) / total) / 10_000,  # rounded up, one that is missed were none
            "for_an_expected_reason": sum(mutants[name][reason] for name in expected for reason in expected[name]),
        },
        mutations={
            name: {
                "made": reasons.total(),
                "caught": caught[name],
                "expected": expected[name],
                "reasons": told(reasons),
            }
            for name, reasons in mutants.items()
        },
        corpora={name: of_corpus(SHARED / path, share) for name, path in CORPORA.items() if (SHARED / path).exists()},
    )


def of_corpus(path, share):
    """What is said of a public corpus rendered as transcripts: by the rules, and with any number of rounds."""
    strict, any_rounds = Counter(), Counter()
    for each in inputs([str(path)]):
        for number, row in enumerate(each.rows()):
            if isinstance(row, Rejection) or number % round(1 / share):
                continue
            labels = {"user": "用户：", "assistant": "心理咨询师："}
            roles = [(ROLES.get(turn["role"].strip().lower(), ""), turn["content"]) for turn in row["messages"]]
            text = "\n".join(labels.get(role, "") + content for role, content in roles if role != "system")
            strict[validate(text).reason] += 1
            any_rounds[validate(text, rounds=(1, 1000)).reason] += 1
    return {"dialogues": strict.total(), **rate(strict), "with_any_number_of_rounds": rate(any_rounds)}


def rate(reasons):
    return {"accepted": reasons[None], "share": round(reasons[None] / reasons.total(), 4), "reasons": told(reasons)}


def told(reasons):
    return {reason: count for reason, count in reasons.most_common() if reason}


@pytest.mark.skipif(not SHARED.exists(), reason="the real corpora are not beside this checkout")
def test_real_dialogues_are_mostly_rejected_for_their_rounds_and_length():
    smile, plain = (of_corpus(SHARED / CORPORA[name], 0.02) for name in ("smilechat-v2", "smile-plain"))
    assert smile["share"] < 0.15 and plain["share"] < 0.25
    assert max(smile["reasons"], key=smile["reasons"].get) == "too_few_rounds"
    assert plain["with_any_number_of_rounds"]["share"] > 0.95


@given(
    st.one_of(
        st.text(),
        st.lists(st.sampled_from(["用户：", "心理咨询师：", "\n", "万", "1.", "|", "我今年", "十", "年"])).map(
            "".join
        ),
    )
)
def test_any_text_gets_a_verdict(text):
    verdict = validate(text, question=text, answer=text)
    assert verdict.accepted == (verdict.reason is None) == (verdict.messages is not None)


@given(st.integers(0, len(GOOD) - 1), st.text())
def test_any_text_in_a_turn_gets_a_verdict(at, text):
    verdict = judged(PLAIN(with_turn(at, text)), SAMPLES[0])
    assert verdict.accepted == (verdict.reason is None) == (verdict.messages is not None)


def test_bounds_of_the_rounds_are_the_callers():
    rounds = len(GOOD) // 2
    assert validate(PLAIN(GOOD), rounds=(rounds, rounds)).accepted
    assert validate(PLAIN(GOOD), rounds=(rounds + 1, 99)).reason == "too_few_rounds"
    assert validate(PLAIN(GOOD), rounds=(1, rounds - 1)).reason == "too_many_rounds"


def test_without_the_single_turn_nothing_is_looked_for_in_it():
    assert validate(PLAIN(SAMPLES[1]["messages"])).accepted
    assert validate(PLAIN(SAMPLES[1]["messages"]), question=SAMPLES[0]["question"]).reason == "facts_lost"
    copied = PLAIN(with_turn(3, SAMPLES[0]["answer"][:250] + "。"))
    assert validate(copied).accepted
    assert validate(copied, answer=SAMPLES[0]["answer"]).reason == "copied_answer"


def test_a_short_question_may_open_the_conversation_whole():
    short = "我最近总是睡不着，怎么办？"
    assert validate(PLAIN(with_turn(0, short)), question=short).accepted


def test_markdown_and_stage_directions_are_left_out():
    verdict = validate(PLAIN(with_turn(1, "**嗯**，你说。\n（沉默了一会，等来访者开口）")))
    assert verdict.messages[1]["content"] == "嗯，你说。"


def test_the_writing_of_a_turn_is_kept():
    odd = "我,真的。。。不知道 怎么说!!"
    assert validate(PLAIN(with_turn(2, odd))).messages[2]["content"] == odd


@pytest.mark.parametrize(
    "content",
    [
        "首先得谢谢你，最后一句我没听清。",
        "用户协议我没看。",
        "她是做AI的，我是做人工智能专业的。",
        "OK，OK，no problem。",
        "(๑இдஇ๑)",
        "他说：“我无法原谅你。”",
        "第一次我忍了，第二次我走了。",
        "1. 吵架\n2. 冷战",
        "我跟咨询师说：算了。",
        "3月5号那天",
        "😂😂😂",
        "医生开了Escitalopram和Quetiapine，说先吃两周。",
        "Escitalopram 10mg，Quetiapine 25mg，Lorazepam 0.5mg",
        "老板发邮件写 you are not good enough for this position，我看了就哭。",
        "那句“You are not good enough for this position. Please leave.”，我记到现在。",
        "他回了一句【以后别联系了】。",
    ],
)
def test_what_people_say_is_no_fault(content):
    for at in (3, 4):
        assert validate(PLAIN(with_turn(at, content))).reason is None


def test_an_english_conversation_is_judged_by_an_english_question():
    asked = "I can't sleep since I changed my job last month, what should I do?"
    talk = [
        {
            "role": "user" if n % 2 == 0 else "assistant",
            "content": f"This is what I say in turn number {n}, in plain words.",
        }
        for n in range(18)
    ]
    assert validate(render(talk, ("User: ", "Psychologist: ")), question=asked).accepted
    talk[5]["content"] = "听起来你很累。"
    assert validate(render(talk, ("User: ", "Psychologist: ")), question=asked).reason == "wrong_language"


def english(at, content):
    talk = [
        {"role": "user" if n % 2 == 0 else "assistant", "content": f"These are my words, and they are the {n}th ones."}
        for n in range(18)
    ]
    talk[at]["content"] = content
    return validate(render(talk, ("User: ", "Psychologist: ")), question="I can't sleep, what should I do?").reason


def test_an_english_turn_may_be_three_times_as_long_as_a_chinese_one():
    words = " ".join(f"w{n:03}" for n in range(200)) + "."
    assert english(5, words[-400:]) is None
    assert english(5, words[-900:]) is None
    assert english(5, words[-902:]) == "turn_too_long"
    assert validate(PLAIN(with_turn(3, "".join(map(chr, range(0x4E00, 0x4E00 + 301)))))).reason == "turn_too_long"


def test_an_english_turn_may_quote_chinese():
    assert english(4, "My mother asks me 你怎么还不结婚 every time that I call her.") is None
    assert english(4, "听起来你很累，愿意说说吗？") == "wrong_language"


@pytest.mark.parametrize(
    "content",
    [
        "I do not know what to do any more.",
        "“I do not know what to do any more.”",
        "嗯，I do not know what to do any more, and nobody listens to me.",
        "それはつらかったですね。",
    ],
)
def test_a_turn_in_another_language_is_found_whoever_says_it(content):
    for at in (3, 4):
        assert validate(PLAIN(with_turn(at, content))).reason == "wrong_language"


def test_placeholders_of_the_single_turn_may_be_said_and_others_not():
    sample = SAMPLES[0]
    talk = PLAIN(with_turn(2, "我叫[姓名]，" + GOOD[2]["content"]))
    assert judged(talk, sample).reason == "placeholder"
    assert judged(talk, sample | {"question": sample["question"] + "我叫[姓名]。"}).accepted
    assert validate(talk).accepted  # it may come from a corpus whose names were replaced
    for says in ("我叫{name}，", "我叫【姓名】，", "我在[公司名称]，"):
        assert validate(PLAIN(with_turn(2, says + GOOD[2]["content"]))).reason == "placeholder"


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("24", 24), ("3.5万", 35_000), ("二十四", 24), ("十", 10), ("一百二十", 120), ("两万三千", 23_000),
        ("二〇二三", 2023), ("万", 10_000),
    ],
)  # fmt: skip
def test_numbers_are_read_in_digits_and_in_chinese(number, value):
    assert facts._value(number) == value


def test_quantities_are_compared_by_what_they_count():
    asked = "我今年34岁，跑车二十四年，借出去8万，睡不好3个月了。"
    same = [{"role": "user", "content": "跑了24年车，借了三万，睡不好半年"}]
    other = [{"role": "user", "content": "跑了15年车，借了三万，睡不好9个月"}]
    older = [{"role": "user", "content": "我今年45岁"}]
    assert facts.facts_changed(asked, same) is None
    assert facts.facts_changed(asked, other) == "facts_changed"
    assert facts.facts_changed(asked, older) == "facts_changed"
    assert facts.facts_changed(asked, [{"role": "user", "content": "我今年三十四"}]) is None


@pytest.mark.parametrize(
    "told", ["我34岁了，", "我今年34，", "我都34了。", "我三十四岁，", "累。我已经三十四岁了", "我34了"]
)
def test_an_age_that_is_told_must_be_the_questions(told):
    user = [{"role": "user", "content": told}]
    assert facts.facts_changed("我24岁，在银行做柜员。", user) == "facts_changed"
    assert facts.facts_changed("我已经24岁了，在银行做柜员。", user) == "facts_changed"
    assert facts.facts_changed("我三十四，在银行做柜员。", user) is None
    assert facts.facts_changed("在银行做柜员。", user) is None


@pytest.mark.parametrize(
    "told",
    [
        "等我34岁了再说",
        "那时候，我18岁，什么都不懂。",
        "她小我10岁，",
        "我妈说我都三十了",
        "我十分难过",
        "我10点了才睡",
        "我三十万都给他了",
    ],
)
def test_an_age_of_another_time_or_person_is_none_that_is_told(told):
    assert facts.facts_changed("我24岁，在银行做柜员。", [{"role": "user", "content": told}]) is None
