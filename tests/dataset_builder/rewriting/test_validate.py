"""The validator: a good conversation is accepted however it is laid out, a spoilt one refused for what spoils it."""

import json
import random
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.inputs import SAMPLE, inputs
from dataset_builder.records import Rejection
from dataset_builder.rewriting.transcripts import parse, render
from dataset_builder.rewriting.validate import validate
from dataset_builder.topics import TOPICS
from tests.conftest import PROOF_SEED
from tests.dataset_builder.rewriting.mutations import MUTATIONS

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
ROWS = [json.loads(line) for t in TOPICS for line in (SAMPLE / f"{t}.jsonl").read_text("utf-8").splitlines()]
TURNS = [
    {"role": "user", "content": "睡不着。"},
    {"role": "assistant", "content": "多久了？"},
    {"role": "user", "content": "半年，从换工作开始。"},
    {"role": "assistant", "content": "换工作的时候发生了什么？"},
]


def laid_out(messages, user="用户", counsellor="心理咨询师", line="{label}：{content}", between="\n"):
    labels = {"user": user, "assistant": counsellor}
    return between.join(line.format(label=labels[m["role"]], content=m["content"]) for m in messages)


STYLES = {
    "plain": lambda m: laid_out(m),
    "half-width colons and spaces": lambda m: laid_out(m, line="{label}: {content}", between="\n\n"),
    "bold labels": lambda m: laid_out(m, line="**{label}**：{content}"),
    "bold with the colon": lambda m: laid_out(m, line="**{label}：** {content}", between="\n\n"),
    "numbered": lambda m: "\n".join(f"{i // 2 + 1}. {laid_out([t])}" for i, t in enumerate(m)),
    "rounds with headings": lambda m: "\n".join(
        f"### 第{i // 2 + 1}轮\n{laid_out(m[i : i + 2])}" for i in range(0, len(m), 2)
    ),
    "english labels": lambda m: laid_out(m, "User", "Psychologist", "{label}: {content}"),
    "client and counselor": lambda m: laid_out(m, "Client", "Counselor", "{label}: {content}"),
    "求助者 and 支持者": lambda m: laid_out(m, "求助者", "支持者"),
    "来访者 and 咨询师": lambda m: laid_out(m, "来访者", "咨询师"),
    "in brackets": lambda m: laid_out(m, line="【{label}】：{content}"),
    "as a list": lambda m: laid_out(m, line="- {label}：{content}"),
    "in a fence": lambda m: f"```text\n{laid_out(m)}\n```",
    "after an analysis": lambda m: (
        "用户的需求：希望被理解。\n咨询师的共情技巧：倾听、认可。\n\n改写结果：\n\n" + laid_out(m)
    ),
    "after thinking": lambda m: (
        f"<think>\n用户：怎么改？\n心理咨询师：先想想。\n</think>\n好的，以下是对话：\n{laid_out(m)}"
    ),
    "before notes": lambda m: laid_out(m) + "\n\n以上对话体现了倾听与共情，希望对您有帮助。",
    "before a rule and a note": lambda m: laid_out(m) + "\n\n---\n\n**注：**对话为改写。",
}


@pytest.mark.parametrize("style", STYLES)
def test_a_conversation_is_found_however_it_is_laid_out(style):
    assert parse(STYLES[style](TURNS)) == TURNS


words = st.text("天地玄黄，。！？ abc", min_size=1, max_size=20).map(str.strip).filter(lambda t: t.strip(' "*_'))


@given(st.lists(words, min_size=1, max_size=12))
def test_what_is_rendered_is_parsed_again(contents):
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]
    assert parse(render(messages)) == messages


@given(st.text(max_size=300))
def test_no_text_breaks_the_validator(text):
    verdict = validate(text, question=text, answer=text)
    assert verdict.accepted == (verdict.reason is None)


def test_a_line_without_a_label_goes_on_with_its_turn():
    assert parse("用户：睡不着。\n真的。\n心理咨询师：多久了？") == [
        {"role": "user", "content": "睡不着。\n真的。"},
        {"role": "assistant", "content": "多久了？"},
    ]


@pytest.mark.proof
def test_good_conversations_are_accepted_and_spoilt_ones_refused(share, record):
    draw = random.Random(PROOF_SEED)
    rows = draw.sample(ROWS, max(20, round(share * len(ROWS))))
    refused = {name: Counter() for name in STYLES}
    for row in rows:
        for name, style in STYLES.items():
            verdict = validate(style(row["messages"]), question=row["question"], answer=row["answer"])
            refused[name][verdict.reason or "accepted"] += 1
    assert all(found == {"accepted": len(rows)} for found in refused.values()), refused
    caught, named, missed = defaultdict(int), defaultdict(int), []
    for row in rows:
        for mutation, reasons in MUTATIONS.items():
            spoilt = mutation(row["messages"], row["answer"], draw)
            verdict = validate(spoilt, question=row["question"], answer=row["answer"])
            caught[mutation.__name__] += not verdict.accepted
            named[mutation.__name__] += verdict.reason in reasons
            if verdict.reason not in reasons:
                missed.append((row["question_id"], mutation.__name__, verdict.reason))
    total = len(rows) * len(MUTATIONS)
    assert sum(caught.values()) >= 0.99 * total, missed[:20]
    assert sum(named.values()) >= 0.95 * total, missed[:20]
    record(
        "transcript_validation",
        ["rjieba"],
        conversations=len(rows),
        clean_in_each_of_styles=len(STYLES),
        clean_refused=0,
        mutants=total,
        caught={name: round(count / len(rows), 4) for name, count in caught.items()},
        for_the_expected_reason=round(sum(named.values()) / total, 4),
        public_corpora=_public() if DATA.exists() else None,
    )


def _public():
    """What the rules for our own rewriting make of the field's corpora."""
    found = {}
    for each in inputs([str(DATA)]):
        reasons = Counter()
        for row in each.rows():
            if isinstance(row, Rejection):
                continue
            labels = {"client": "用户", "counselor": "心理咨询师", "user": "用户", "assistant": "心理咨询师"}
            turns = [turn for turn in row["messages"] if turn["role"] != "system"]
            text = "\n".join(f"{labels.get(turn['role'], turn['role'])}：{turn['content']}" for turn in turns)
            reasons[validate(text).reason or "accepted"] += 1
        name = f"{each.name} {each.path.name}"
        found[name] = {reason: round(n / reasons.total(), 4) for reason, n in reasons.most_common(8)}
    return found
