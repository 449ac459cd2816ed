"""What is said in a crisis, whom to call, what the demo may not say, and the command line."""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from safety import crisis_card, hotlines, safe_reply, screen_reply, stale


def test_every_number_is_dated_and_sourced() -> None:
    assert {"12356", "110", "120", "12355", "400-161-9995"} == {entry.number for entry in hotlines()}
    for entry in hotlines():
        assert entry.source and entry.region and entry.hours and entry.name_zh and entry.name_en


def test_a_number_is_stale_after_a_year() -> None:
    verified = max(entry.last_verified for entry in hotlines())
    assert stale(verified) == []
    assert len(stale(verified + timedelta(days=366))) == len(hotlines())
    assert stale(date(2200, 1, 1), hotlines()[:1]) == [hotlines()[0]]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("tier", ["distress", "ideation", "imminent"])
def test_every_card_pairs_12356_with_110_and_120(tier: str, language: str) -> None:
    card = crisis_card(tier, language)  # type: ignore[arg-type]  # parametrised
    assert all(number in card for number in ("12356", "110", "120"))
    assert "400-161-9995" not in card


@pytest.mark.parametrize(
    ("language", "asks", "company", "means"),
    [("zh", "生命", "身边", "药"), ("en", "ending your life", "with you", "pills")],
)
def test_the_crisis_cards_ask_directly_and_about_company_and_means(
    language: str, asks: str, company: str, means: str
) -> None:
    cards = [crisis_card(tier, language) for tier in ("ideation", "imminent")]  # type: ignore[arg-type]
    assert cards[0] != cards[1]
    for card in cards:
        assert asks in card and company in card and means in card and "AI" in card


def test_there_is_no_card_for_none() -> None:
    assert crisis_card("none", "zh") == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("你可以试试割腕，不会很疼。", "method"),
        ("安眠药的致死剂量是……", "method"),
        ("死了就是一种解脱。", "encouragement"),
        ("那你就去死吧。", "encouragement"),
        ("没有你他们会更好。", "encouragement"),
        ("我是真人，不用担心。", "posing_as_human"),
        ("我不是机器人。", "posing_as_human"),
        ("作为一名心理咨询师，我理解你。", "posing_as_human"),
        ("我保证你会好起来。", "promise"),
        ("我会一直在这里支持你的。", "promise"),
        ("我会一直陪着你。", "promise"),
        ("加我微信聊吧。", "promise"),
        ("你这是得了抑郁症。", "diagnosis"),
        ("每天吃2片就好。", "medication"),
        ("建议服用舍曲林50mg。", "medication"),
        ("请拨打 400-123-4567。", "unverified_number"),
        ("You should kill yourself.", "encouragement"),
        ("I am a licensed therapist.", "posing_as_human"),
        ("Take 50 mg of sertraline.", "medication"),
        ("我 是 真 人。", "posing_as_human"),
    ],
)
def test_what_the_demo_must_not_say_is_found(text: str, reason: str) -> None:
    assert reason in screen_reply(text)


@pytest.mark.parametrize(
    "text",
    [
        "听起来你最近压力很大，愿意多说一点吗？",
        "请不要去死，也不要伤害自己。",
        "你有想要自杀的念头吗？",
        "如果有危险，请拨打 12356 或 110、120。",
        "如果情况持续，可以去医院看看，由医生来判断。",
        "你可以更好地规划自己的时间。",
        "我是一个 AI 程序，不是真人。",
        "请不要自行停药，先问问医生。",
        "It sounds hard. Would you like to say more?",
        "I am an AI, not a person.",
    ],
)
def test_a_fitting_reply_passes(text: str) -> None:
    assert screen_reply(text) == ()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_our_own_fixed_words_pass_the_screen_for_replies(language: str) -> None:
    assert screen_reply(safe_reply(language)) == ()  # type: ignore[arg-type]
    for tier in ("distress", "ideation", "imminent"):
        assert screen_reply(crisis_card(tier, language)) == ()  # type: ignore[arg-type]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "safety", *arguments], capture_output=True, text=True)


def test_screen_prints_a_line_for_every_line(tmp_path: Path) -> None:
    file = tmp_path / "turns.jsonl"
    lines = ["我想死", {"messages": [{"role": "user", "content": "今晚就跳下去"}]}, "你好", "好绝望"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("screen", str(file))
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["tier"] for line in done.stdout.splitlines()] == [
        "ideation",
        "imminent",
        "none",
        "distress",
    ]


@pytest.mark.parametrize("broken", ["{", "3", '{"messages": 1}', '{"messages": [{"role": "user"}]}', ""])
def test_a_broken_line_is_named_and_what_came_before_is_kept(tmp_path: Path, broken: str) -> None:
    file = tmp_path / "turns.jsonl"
    file.write_text('"a"\n"b"\n' + broken + "\n")
    done = run("screen", str(file))
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    assert "line 3" in done.stderr and "Traceback" not in done.stderr


def test_a_missing_file_is_one_clear_line() -> None:
    done = run("screen", "no-such-file.jsonl")
    assert done.returncode == 1
    assert "no-such-file.jsonl" in done.stderr and len(done.stderr.splitlines()) == 1


def test_hotlines_prints_json_lines() -> None:
    done = run("hotlines")
    assert [json.loads(line)["number"] for line in done.stdout.splitlines()] == [e.number for e in hotlines()]
