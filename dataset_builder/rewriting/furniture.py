"""What stands around the turns of a transcript: thoughts, tables, numbers, rules, remarks."""

import re
from collections.abc import Callable

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT_END = re.compile(r"</think(?:ing)?>", re.IGNORECASE)

_NUMBER = r"[\d一二三四五六七八九十]{1,3}"
_ROUND = rf"(?:第 ?{_NUMBER} ?(?:轮|回合)|(?:Round|Turn) ?\d{{1,2}}|(?:轮次|回合|对话|轮) ?\d{{1,2}})(?:对话)?"
_FURNITURE = re.compile(
    r"\n[ \t>]*(?:"
    r"[`~]{3,}[a-zA-Z]{0,10}|(?:[-*_=—─][ ]?){3,}"  # fences and rules
    rf"|[*【\[（(]{{0,4}} ?{_ROUND} ?[：:*】\]）)]{{0,4}}|(?:\*\*|【|\[){_ROUND}[^\n]{{0,20}}[*】\]]{{1,2}}"
    r"|#{1,6} [^\n]{1,40}|[#*>]{1,6}|\d{1,2}[.、)）]|[（(]\d{1,2}[)）]"
    r")[ \t]*$"
)
_RULE = re.compile(r"\n[ \t]*(?:(?:[-*_=—─][ ]?){3,}|[`~]{3,})[ \t]*(?:\n|$)")

# A line behind the conversation that is a heading, says that it is over, or speaks of it.
_HEADING = (
    "注|备注|说明|改写说明|注意|解析|点评|分析|总结|小结|改写思路|共情技巧|技巧说明|"
    "Notes?|Explanation|Analysis|Summary"
)
_OVER = r"(?:改写|对话|全文|本次对话|咨询|END|End of|The end)[^\n]{0,12}(?:完毕|结束|完成|dialogue|conversation)"
_SPEAKS = (
    "以上|上述|上面|这段|这个|本段|本次|该|在这|在上|在以上|通过|希望|如需|如果|若|需要我|请注意|此|整个|"
    "I hope|Hope|This|The above|In this|Let me know|Throughout|Above"
)
_OF_IT = "改写|对话|多轮|轮数|共情技巧|版本|rewrit|conversation|dialogue"
_NOTE = re.compile(
    rf"\n[ \t>]*[#*_【\[（(「-]{{0,4}}[ ]?(?:(?:{_HEADING})[*_】\])）]{{0,3}}(?:[：:]|$|\n)|{_OVER}"
    rf"|[（(\[]?(?:完|END|end|结束)[）)\]]?[ ]*(?:\n|$)|(?:{_SPEAKS})[^\n]{{0,60}}(?:{_OF_IT}))"
)
_LAST_WORDS = re.compile(
    r"[（(\[【]?(?:以上|对话|改写|全文|咨询)[^（）()\n]{0,20}(?:结束|完毕|完|对话|改写|示例|参考)[）)\]】]\s*$"
)

_LABELS = {"user": "用户：", "assistant": "心理咨询师："}


def without_thinking(text: str) -> str:
    """Without the <think> parts; where only their end is there, what follows it."""
    if "<think" not in text.lower():
        ends = list(_THOUGHT_END.finditer(text))
        return text[ends[-1].end() :] if ends else text
    return _THOUGHT.sub("", text)


def without_furniture(turn: str) -> str:
    """A turn without what stands between it and the next: rules, fences, headings, the number of a round."""
    turn = turn.rstrip()
    while found := _FURNITURE.search(turn):
        turn = turn[: found.start()].rstrip()
    return turn.lstrip()


def without_notes(turn: str) -> str:
    """The last turn without what follows it: anything behind a rule, and remarks on the conversation."""
    ends = [found.start() for pattern in (_RULE, _NOTE) if (found := pattern.search(turn))]
    turn = turn[: min(ends)] if ends else turn
    return _LAST_WORDS.sub("", without_furniture(turn)).rstrip()


def tables_as_lines(text: str, role_of: Callable[[str], str | None]) -> str:
    """Markdown tables as labelled lines: a column each for user and counsellor, or one for who speaks."""
    if "|" not in text or not re.search(r"^\s*\|.*\|", text, re.MULTILINE):
        return text
    columns: list[str | None] = []
    lines = []
    for line in text.split("\n"):
        if not line.strip().startswith("|"):
            columns = []
            lines.append(line)
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        roles = [role_of(cell) for cell in cells]
        if {"user", "assistant"} <= set(roles):
            columns = roles
        elif columns:
            lines += [
                f"{_LABELS[role]}{cell}"
                for role, cell in zip(columns, cells, strict=False)
                if role and cell.strip("-: ")
            ]
        elif speaker := next((role for role in roles if role), None):
            at = roles.index(speaker)
            lines.append(_LABELS[speaker] + " ".join(cells[at + 1 :]))
    return "\n".join(lines)
