"""Personal data: found however it is typed, where it stands; and nothing that only looks like it."""

import gzip
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.personal_data import PLACEHOLDERS, find_personal_data, redact

SMILECHAT = Path(__file__).resolve().parents[3] / "shared" / "data" / "smilechat-v2" / "dialogues.jsonl.gz"


# Numbers made up for this test; the identity cards are the standard's own example (GB 11643-1999) and its old form.
@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("我的电话是13800138000你加我", "我的电话是[手机号]你加我"),
        ("打 138 0013 8000 找我", "打 [手机号] 找我"),
        ("１３８００１３８０００", "[手机号]"),
        ("一三八零零一三八零零零，晚上打", "[手机号]，晚上打"),
        ("座机0571-87654321", "座机[手机号]"),
        ("身份证110105194912310 02X丢了", "身份证[身份证号]丢了"),
        ("11010519491231002x", "[身份证号]"),
        ("老证110105491231002", "老证[身份证号]"),
        ("身份证号码是110105194912310021", "身份证号码是[身份证号]"),  # mistyped, and named as one
        ("写到san.zhang@example.com就行", "写到[邮箱]就行"),
        ("san＠example．com", "[邮箱]"),
        ("QQ：12345678", "QQ：[QQ号]"),
        ("加我扣扣 987654321", "加我扣扣 [QQ号]"),
        ("微信号：wxid_abc123", "微信号：[微信号]"),
        ("微信zhangsan88", "微信[微信号]"),
        ("我的微信是Ｚhang_San，", "我的微信是[微信号]，"),
        ("加v：abc12345", "加v：[微信号]"),
        ("vx 13800138000", "vx [微信号]"),
        ("QQ 12345678，手机13800138000", "QQ [QQ号]，手机[手机号]"),
    ],
)
def test_personal_data_is_replaced_by_its_kind(text, redacted):
    assert redact(text)[0] == redacted


@pytest.mark.parametrize(
    "text",
    [
        "打12356或者400-161-9995，有危险打110、120",
        "我2003年9月1日入职，一共20000000块的单子",
        "用微信发email给他，微信群里有iphone用户",
        "他QQ头像换了，三年没说话",
        "学号是2023110101001",
        "110105194912310021",  # no checksum, and nothing says that it is one
        "一二三四五六七",
        "我的号码是[手机号]，微信：[微信号]",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text):
    assert redact(text) == (text, [])


@given(
    st.text("我的号 ，。ab０", max_size=12),
    st.sampled_from(
        [
            "13800138000",
            "１３８００１３８０００",
            "11010519491231002X",
            "a.b@example.com",
            "QQ12345678",
            "微信号abc_123",
        ]
    ),
    st.text("的呢 ，。？", max_size=12),
)
def test_positions_are_those_of_the_given_text_and_nothing_else_changes(before, data, after):
    if before.endswith(("a", "b", "０", " ")):
        before += "，"
    text = before + data + after
    redacted, found = redact(text)
    assert len(found) == 1
    assert redacted == text[: found[0].start] + PLACEHOLDERS[found[0].kind] + text[found[0].end :]
    assert text[found[0].start : found[0].end] in data
    assert not find_personal_data(redacted)


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error_and_once_is_enough(text):
    redacted, found = redact(text)
    assert bool(found) == (redacted != text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))


def command(path):
    return subprocess.run(
        [sys.executable, "-m", "safety", "redact", str(path)],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
    )


def test_the_command_redacts_a_line_at_a_time(tmp_path):
    path = tmp_path / "turns.jsonl"
    path.write_text('"电话13800138000"\n"没事"\n', encoding="utf-8")
    result = command(path)
    assert result.returncode == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"text": "电话[手机号]", "found": [{"kind": "phone", "start": 2, "end": 13}]},
        {"text": "没事", "found": []},
    ]


def test_a_line_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "turns.jsonl"
    path.write_text('"好"\n{"text": "13800138000"}\n', encoding="utf-8")
    result = command(path)
    assert result.returncode == 1
    assert len(result.stdout.splitlines()) == 1
    assert "turns.jsonl, line 2: a JSON dict and no string" in result.stderr


def test_a_number_with_a_county_that_does_not_exist_is_no_identity_card_and_no_error():
    number = "110999" + "800101" + "123"
    assert [piece.kind for piece in find_personal_data(f"单号{number}，还没发货")] == []


@pytest.mark.skipif(not SMILECHAT.exists(), reason="the real corpus is not beside this checkout")
def test_real_turns_without_personal_data_are_left_alone():
    """Everything in them that looks like a number, an account or an address was read: none is one."""
    turns = 0
    with gzip.open(SMILECHAT, "rt", encoding="utf-8") as lines:
        for _, line in zip(range(1000), lines, strict=False):
            for message in json.loads(line)["messages"]:
                turns += 1
                found = {piece.kind for piece in find_personal_data(message["content"])}
                assert found <= {"name", "school", "employer"}, (
                    "these stand in them: people who are quoted, universities"
                )
    assert turns > 10_000
