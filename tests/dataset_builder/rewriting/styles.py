"""How models write a transcript though asked for a plain one: each style must be read as the plain one is."""

import re
from collections.abc import Callable

Messages = list[dict[str, str]]
Style = Callable[[Messages], str]


def labelled(user: str, counsellor: str, between: str = "\n") -> Style:
    def write(messages: Messages) -> str:
        return between.join((user if turn["role"] == "user" else counsellor) + turn["content"] for turn in messages)

    return write


def around(style: Style, before: str = "", after: str = "") -> Style:
    return lambda messages: before + style(messages) + after


def by_round(heading: str, style: Style, between: str = "\n") -> Style:
    """A line before each round; `heading` holds {n}."""

    def write(messages: Messages) -> str:
        rounds = [messages[at : at + 2] for at in range(0, len(messages), 2)]
        return between.join(heading.format(n=n) + "\n" + style(each) for n, each in enumerate(rounds, 1))

    return write


def in_turn(lead: Callable[[int], str], user: str = "用户：", counsellor: str = "心理咨询师：") -> Style:
    """Something before the label of the n-th turn, from 1."""

    def write(messages: Messages) -> str:
        return "\n".join(
            lead(n) + (user if turn["role"] == "user" else counsellor) + turn["content"]
            for n, turn in enumerate(messages, 1)
        )

    return write


def flat(content: str) -> str:
    """A turn for styles that have no lines: without breaks, and with a mark at its end, which a label can follow."""
    content = " ".join(content.split("\n"))
    return content if re.search(r"[。！？…”）!?～]$", content) else content + "。"


def one_line(messages: Messages) -> str:
    return "".join(
        ("用户：" if turn["role"] == "user" else "心理咨询师：") + flat(turn["content"]) for turn in messages
    )


def round_a_line(messages: Messages) -> str:
    """A user turn and its answer share a line."""
    return "\n".join(
        f"用户：{flat(user['content'])} 心理咨询师：{flat(reply['content'])}"
        for user, reply in zip(messages[::2], messages[1::2], strict=True)
    )


def table(messages: Messages) -> str:
    rows = [
        f"| {n} | {flat(user['content'])} | {flat(reply['content'])} |"
        for n, (user, reply) in enumerate(zip(messages[::2], messages[1::2], strict=True), 1)
    ]
    return "\n".join(["| 轮次 | 用户 | 心理咨询师 |", "|---|---|---|", *rows])


def speaker_table(messages: Messages) -> str:
    rows = [f"| {'用户' if turn['role'] == 'user' else '心理咨询师'} | {flat(turn['content'])} |" for turn in messages]
    return "\n".join(["| 角色 | 内容 |", "| :-- | :-- |", *rows])


PLAIN = labelled("用户：", "心理咨询师：")
ANALYSIS = """一、用户的需求分析：
1. 希望有人听她把话说完。
2. 希望弄清楚自己为什么难过。

二、心理咨询师的共情技巧：
- 倾听：先让用户说。
- 理解：复述用户的话。

三、改写结果：
"""
LABELLED_ANALYSIS = """**单轮对话分析**
用户：需要倾诉，也需要被认可。
心理咨询师：用了倾听、安慰两种技巧。

**改写后的多轮对话如下：**
"""
ENGLISH = "Sure! Here is the rewritten multi-turn conversation:\n\n"

STYLES: dict[str, Style] = {
    "plain": PLAIN,
    "blank_lines": labelled("用户：", "心理咨询师：", "\n\n"),
    "half_width_colons": labelled("用户: ", "心理咨询师: "),
    "space_before_colon": labelled("用户 ：", "心理咨询师 ："),
    "content_on_next_line": labelled("用户：\n", "心理咨询师：\n", "\n\n"),
    "seeker_and_supporter": labelled("求助者：", "支持者："),
    "visitor_and_counsellor": labelled("来访者：", "咨询师："),
    "patient_and_doctor": labelled("病人：", "医生："),
    "user_and_psychologist": labelled("User: ", "Psychologist: "),
    "client_and_counselor": labelled("Client: ", "Counselor: "),
    "client_and_therapist": labelled("CLIENT: ", "THERAPIST: "),
    "user_and_assistant": labelled("user: ", "assistant: "),
    "bold_label_and_colon": labelled("**用户：** ", "**心理咨询师：** "),
    "bold_label": labelled("**用户**：", "**心理咨询师**：", "\n\n"),
    "bold_without_colon": labelled("**用户**\n", "**心理咨询师**\n", "\n\n"),
    "underlined": labelled("__用户__: ", "__心理咨询师__: "),
    "headings": labelled("### 用户\n", "### 心理咨询师\n", "\n\n"),
    "headings_with_colon": labelled("#### 用户：\n", "#### 心理咨询师：\n", "\n\n"),
    "bullets": labelled("- 用户：", "- 心理咨询师："),
    "bold_bullets": labelled("- **用户**：", "- **心理咨询师**："),
    "stars": labelled("* 用户：", "* 心理咨询师："),
    "round_brackets": labelled("（用户）：", "（心理咨询师）："),
    "traditional": labelled("用戶：", "心理諮詢師："),
    "quoted": labelled("> 用户：", "> 心理咨询师：", "\n>\n"),
    "square_brackets": labelled("【用户】", "【心理咨询师】"),
    "square_brackets_and_colon": labelled("[用户]：", "[心理咨询师]："),
    "names_in_brackets": labelled("用户（小雨）：", "心理咨询师（林老师）："),
    "names_before_brackets": labelled("小雨（用户）：", "林老师（心理咨询师）："),
    "feelings_in_brackets": labelled("来访者（低声）：", "咨询师（点头）："),
    "lettered": labelled("用户A：", "心理咨询师B："),
    "emoji": labelled("👤 用户：", "🧑‍⚕️ 心理咨询师："),
    "numbered_turns": in_turn(lambda n: f"{n}. "),
    "numbered_rounds": in_turn(lambda n: f"{(n + 1) // 2}、" if n % 2 else ""),
    "bracketed_numbers": in_turn(lambda n: f"（{n}）"),
    "round_before_label": in_turn(lambda n: f"第{(n + 1) // 2}轮：" if n % 2 else ""),
    "bracketed_round_before_label": in_turn(lambda n: f"【第{(n + 1) // 2}轮】" if n % 2 else ""),
    "bold_numbered_turns": in_turn(lambda n: f"**{n}. ", "用户：** ", "心理咨询师：** "),
    "rounds": by_round("第{n}轮", PLAIN),
    "rounds_with_colon": by_round("第{n}轮：", PLAIN),
    "bold_rounds": by_round("**第{n}轮**", labelled("用户：", "心理咨询师："), "\n\n"),
    "bracketed_rounds": by_round("【第{n}轮对话】", PLAIN, "\n\n"),
    "heading_rounds": by_round("### 第 {n} 轮", labelled("**用户**：", "**心理咨询师**：", "\n\n"), "\n\n"),
    "english_rounds": by_round("Round {n}:", labelled("User: ", "Counselor: "), "\n\n"),
    "rules_between_rounds": by_round("---", PLAIN, "\n\n"),
    "numbers_alone": by_round("{n}.", PLAIN),
    "code_fence": around(PLAIN, "```\n", "\n```"),
    "text_fence": around(PLAIN, "好的，改写如下：\n\n```text\n", "\n```\n希望这个改写符合您的要求。"),
    "one_line": one_line,
    "round_a_line": round_a_line,
    "preamble": around(PLAIN, "好的，以下是改写后的多轮共情对话：\n\n"),
    "preamble_in_the_line": around(PLAIN, "改写结果："),
    "analysis": around(PLAIN, ANALYSIS),
    "labelled_analysis": around(PLAIN, LABELLED_ANALYSIS),
    "english_preamble": around(labelled("User: ", "Psychologist: "), ENGLISH, "\n\nI hope this conversation helps!"),
    "single_turn_repeated": around(
        PLAIN, "【单轮对话】\n用户：我很难过。\n心理咨询师：抱抱你。\n\n【改写后的多轮对话】\n"
    ),
    "thinking": around(PLAIN, "<think>\n用户：想要被听见。\n先写用户，再写心理咨询师。\n</think>\n\n"),
    "thinking_without_its_start": around(PLAIN, "先想一想。\n用户：\n</think>\n"),
    "closing_note": around(PLAIN, "", "\n\n以上就是根据您提供的内容改写的多轮对话，共情的部分已经加强。"),
    "closing_remark": around(PLAIN, "", "\n\n（对话结束）"),
    "closing_rule": around(PLAIN, "", "\n\n---\n这段对话用了倾听和认可。"),
    "closing_explanation": around(PLAIN, "", "\n\n**改写说明**：\n1. 保留了事实。\n2. 加入了倾听。"),
    "closing_wish": around(PLAIN, "", "\n希望这段对话对您有帮助，如需修改轮数请告诉我。"),
    "closing_heading": around(PLAIN, "", "\n\n### 共情技巧\n- 倾听"),
    "windows_line_ends": lambda messages: PLAIN(messages).replace("\n", "\r\n"),
    "table": table,
    "speaker_table": speaker_table,
}
FLAT = {"one_line", "round_a_line", "table", "speaker_table"}
"""Styles that cannot hold a line break within a turn: they give it back as `flat` has it."""
