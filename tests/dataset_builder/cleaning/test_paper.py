"""The paper's literal filter takes its words literally."""

import pytest

from dataset_builder.cleaning.paper import paper_filter


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("我是独生女。", "paper:我是"),
        ("不是自我是什么的问题", "paper:我是"),
        ("我没有自杀的念头。", "paper:自杀"),
        ("新闻里有人跳楼，我是记者", "paper:我是"),
        ("新闻里有人跳楼", "paper:跳楼"),
        ("我很累。", None),
    ],
)
def test_a_word_anywhere_is_enough(text, reason):
    assert paper_filter([{"role": "user", "content": "嗯"}, {"role": "assistant", "content": text}]) == reason
