"""The paper's literal filter, as a switch: what it removes, and how little of that is what it means to remove."""

from dataset_builder.cleaning.shape import Messages

WORDS = ("我是", "自杀", "跳楼")
"""Chen et al. 2023, Ethics Statement, Data Collection: "We filtered all samples with special strings such as
"我是 (I am)", "自杀 (suicide)", "跳楼 (jumping off a building)", etc." Its list goes on; the paper names these."""


def paper_filter(messages: Messages) -> str | None:
    """`paper:<word>` for the first of the paper's words that some turn holds, wherever and in whatever sense."""
    for word in WORDS:
        if any(word in turn["content"] for turn in messages):
            return f"paper:{word}"
    return None
