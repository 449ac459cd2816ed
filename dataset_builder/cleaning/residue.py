"""What a model leaves behind in a conversation that it wrote: repairs where nothing but form is lost, else rules."""

import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path

from dataset_builder.cleaning.shape import Messages, Repair, Rule, letters
from dataset_builder.cleaning.text import each_turn

_PATTERNS = Path(__file__).with_name("residue.yaml")

# Words for a speaker that no prose puts before a colon, and words that quoted speech does (医生：你要多休息).
_LABELS = {
    "user": (r"求助者|来访者|Human|User", r"用户|患者|病人|咨询者"),
    "assistant": (r"支持者|心理咨询师|咨询师|Assistant", r"医生|心理医生|助手|AI助手|Counselor"),
}
_OTHER = {"user": "assistant", "assistant": "user"}
# In brackets a counsellor's label is quoted by the user, a user's is the model's.
_SENTENCE_START = {"user": "[。！？…”）（)(]", "assistant": "[。！？…”）)]"}


def _label(role: str) -> re.Pattern[str]:
    """One label or several, with the white space after them; possessive, so that long runs cost their length."""
    sure, quoted = _LABELS[role]
    any_label = rf"[ 【\[]*+(?:{sure}|{quoted})[】\]]?+ ?+[：:]\s*+"
    return re.compile(
        rf"(?:(?:^|(?<=\n))(?={any_label})|(?<={_SENTENCE_START[role]})(?=[ 【\[]*+(?:{sure})))(?:{any_label})++"
    )


_LABEL = {role: _label(role) for role in _LABELS}

_THINKING = re.compile(r"(?:\s*+<think>(?:(?!</think>).)*+</think>\s*+)++", re.DOTALL)
_BOLD = re.compile(r"(?<![*\w])(\*\*|__)(?=[^\s*_，。！？、：；])([^*_\n]{1,100})(?<=\S)\1(?![*_])")
_BOLD_INSIDE = re.compile(r"\*\*(?=[\w“《「])([^*\n]{1,60}?[\w”》」：])\*\*(?!\*)")
_HEADING = re.compile(r"^ *+(?:#{1,6} +)++(?=\S)", re.MULTILINE)
_RULE = re.compile(r"^ *+(?:-{3,}+|\*{3,}+|_{3,}+) *+$\n?", re.MULTILINE)
_CODE = re.compile(r"`{1,3}([^`\n]{1,200})`{1,3}")

# A whole line in brackets that speaks of the conversation from outside it, or lets time pass.
_STAGE = re.compile(
    r"^[ ]{0,3}[（(](?=[^（）()\n]{0,120}(?:来访者|求助者|咨询|医生|病人|对话|轮|过程|一段时间|省略|结束|示例|"
    r"仅供参考|[之以此]后|后[，。）)]))[^（）()\n]{2,200}[）)][。.]?[ ]{0,3}$",
    re.MULTILINE,
)
_BLANK_LINES = re.compile(r"\n{3,}")

_ITEM = re.compile(
    r"(?:^|[\n。：；！？])\s{0,3}(?:\d{1,2} ?[.、．)）]|[（(]\d{1,2}[)）]|[①-⑩]|[-•*·▪] |"
    r"第?[一二三四五六](?:[、，：]|[步点条][：，、]))"
)
_ORDINALS = re.compile(r"首先.{1,400}?(?:其次|然后|接着|再次|第二).{1,400}?最后", re.DOTALL)
_ITEMS = 3

_SENTENCE_END = re.compile(r"[。！？!?…]")
_MID_SENTENCE = re.compile(r"[\u4e00-\u9fff，、：；“（(]$")
_CUT_LENGTH = 20  # characters; shorter ones (不客气，加油) often go without a full stop

_COPIED = 8  # characters of an n-gram
_COPIED_SHARE = 0.8
_COPIED_LETTERS = 60  # of a turn that copies a part; a whole answer of 30 counts too
_TEMPLATE_LETTERS = 30


def thinking(messages: Messages) -> Messages:
    """Without the <think> parts that open a reasoning model's turn."""
    return [
        turn | {"content": _answer(turn["content"])} if "<think>" in turn["content"] else turn for turn in messages
    ]


def markdown(text: str) -> str:
    """Without emphasis, headings, rules and code marks; lists stay."""
    if not any(mark in text for mark in "*_#`-"):
        return text
    plain = _BOLD_INSIDE.sub(r"\1", _BOLD.sub(r"\2", text))
    plain = _RULE.sub("", _HEADING.sub("", _CODE.sub(r"\1", plain)))
    return text if plain == text else plain.strip()


def stripped_label(messages: Messages) -> Messages:
    """Without the speaker's own label (user: 求助者：, counsellor: 医生：) before a turn, a line or a sentence."""
    return [
        turn | {"content": _LABEL[turn["role"]].sub("", turn["content"])}
        if "：" in turn["content"] or ":" in turn["content"]
        else turn
        for turn in messages
    ]


def stage_direction(text: str) -> str:
    """Without lines such as （一段时间后） or （以上对话仅为示例）; a turn that is nothing else stays.

    16 % of CPsyCounD's conversations have one.
    """
    if "（" not in text and "(" not in text:
        return text
    kept = _STAGE.sub("", text)
    return text if kept == text else _BLANK_LINES.sub("\n\n", kept).strip() or text


def role_label(messages: Messages) -> str | None:
    """A turn that the other speaker's label goes on in."""
    for turn in messages:
        if ("：" in turn["content"] or ":" in turn["content"]) and _LABEL[_OTHER[turn["role"]]].search(
            turn["content"]
        ):
            return "role_label"
    return None


def list_style(share: float = 0.5, least: int = 2) -> Rule:
    """A rule on conversations whose counsellor lectures: `least` turns, and `share` of them, are lists.

    A list has three numbered or bulleted items, or 首先 … 其次 … 最后.
    """

    def lectures(messages: Messages) -> str | None:
        turns = [turn["content"] for turn in messages[1::2]]
        lists = sum(len(_ITEM.findall(text)) >= _ITEMS or _is_ordered(text) for text in turns)
        return "list_style" if lists >= least and lists >= share * len(turns) else None

    return lectures


def copied_answer(answer: str) -> Rule:
    """A rule on conversations in which one turn is the single-turn answer that they were rewritten from.

    Compared on letters: the whole of an answer of 30 letters, or a turn of 60 with more than 80 % of its 8-grams from
    it. A question with its answer (two messages) copies nothing.
    """
    source = letters(answer)
    grams = set(_grams(source))

    def copies(messages: Messages) -> str | None:
        if len(messages) <= 2:
            return None
        for turn in messages[1::2]:
            said = letters(turn["content"])
            if len(source) >= _TEMPLATE_LETTERS and source in said:
                return "copied_answer"
            if len(said) >= _COPIED_LETTERS:
                shared = sum(gram in grams for gram in _grams(said))
                if shared > _COPIED_SHARE * (len(said) - _COPIED + 1):
                    return "copied_answer"
        return None

    return copies


def cut_off(messages: Messages) -> str | None:
    """A last turn that ends mid-sentence, though its other sentences end: the writer's tokens ran out.

    0.9 % of SMILECHAT.
    """
    last = messages[-1]["content"]
    if len(last) > _CUT_LENGTH and _MID_SENTENCE.search(last) and _SENTENCE_END.search(last):
        return "cut_off"
    return None


def template_keys(messages: Messages) -> list[int]:
    """A 64-bit hash of each counsellor turn of 30 letters and more, by its letters; for counting over all rows."""
    keys = []
    for turn in messages[1::2]:
        if len(turn["content"]) >= _TEMPLATE_LETTERS and len(said := letters(turn["content"])) >= _TEMPLATE_LETTERS:
            keys.append(int.from_bytes(blake2b(said.encode(), digest_size=8).digest(), "big"))
    return keys


_TURNS = {"any": slice(None), "counsellor": slice(1, None, 2), "opening": slice(2)}


@cache
def _residues() -> dict[str, list[tuple[slice, re.Pattern[str]]]]:
    import yaml  # 40 ms: on first use

    raw = yaml.safe_load(_PATTERNS.read_text(encoding="utf-8"))
    return {
        name: [(_TURNS[whose], re.compile("|".join(patterns))) for whose, patterns in of.items()]
        for name, of in raw.items()
    }


def _listed(name: str, messages: Messages) -> str | None:
    found = any(pattern.search(turn["content"]) for whose, pattern in _residues()[name] for turn in messages[whose])
    return name if found else None


def _answer(text: str) -> str:
    thought = _THINKING.match(text)
    return text[thought.end() :] if thought else text


def _is_ordered(text: str) -> bool:
    return "最后" in text and "首先" in text and _ORDINALS.search(text) is not None


def _grams(text: str) -> Iterator[str]:
    return (text[start : start + _COPIED] for start in range(len(text) - _COPIED + 1))


REPAIRS: Mapping[str, Repair] = {
    "thinking": thinking,
    "markdown": each_turn(markdown),
    "stage_direction": each_turn(stage_direction),
    "stripped_label": stripped_label,
}
RULES: Mapping[str, Rule] = {
    **{
        name: partial(_listed, name)
        for name in ("analysis_preamble", "leaked_prompt", "refusal", "ai_self_reference", "placeholder")
    },
    "role_label": role_label,
    "list_style": list_style(),
    "cut_off": cut_off,
}
"""`copied_answer` needs the answer, and templates shared by many rows need all rows: both are the driver's."""
