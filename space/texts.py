"""Every fixed sentence of the demo, Chinese first, then English. Crisis cards are safety's."""

from html import escape

from safety.cards import Language
from safety.helplines import hotlines

TITLE = "SoulChat"
WATERMARK = "（由 AI 生成，仅供参考 · AI-generated, for reference only）"
BOX_LABEL = "你想说的话 · Your message"
BOX_PLACEHOLDER = "想说什么都可以… · Say what is on your mind…"
CHAT_LABEL = "对话 · Conversation"
SEND = "发送 · Send"
STOP = "停止 · Stop"
CLEAR = "新对话 · New conversation"
EMPTY_CHAT = "这里还没有对话。在下面写下你想说的话。\n\nNothing here yet. Write below what is on your mind."

EXAMPLES = (
    "最近压力很大，晚上总是睡不好。",
    "和父母吵架了，心里很难受。",
    "I feel nervous whenever I have to speak in class.",
)

MODEL_FAILED: dict[Language, str] = {
    "zh": (
        "抱歉，刚才没能生成回复，这不是你的问题。你写的内容没有丢，可以再发一句试试。\n\n"
        "如果你现在很难受，请打 {support}；有危险时请打 {emergency}。"
    ),
    "en": (
        "Sorry, no reply could be generated just now; this is not your fault. What you wrote is not lost; please "
        "send another message to try again.\n\nIf things are hard right now, call {support}; in danger, {emergency}."
    ),
}
NO_WORDS: dict[Language, str] = {
    "zh": "模型这次没有写出内容。可以换个说法，或者再多说一点吗？",
    "en": "The model wrote nothing this time. Could you put it another way, or say a little more?",
}
TOO_LONG: dict[Language, str] = {
    "zh": "这段话有 {length} 个字，超过了一次 {limit} 个字的上限，还没有发出去。请分成几段再发，原文还在输入框里。",
    "en": (
        "This message has {length} characters, above the limit of {limit}, and was not sent. Please send it in "
        "parts; your text is still in the box."
    ),
}
STILL_HERE: dict[Language, str] = {
    "zh": (
        "谢谢你还在这里说话。你前面说的话让我担心你的安全，所以接下来我不会用自动生成的内容回答你。\n\n"
        "你现在安全吗？有人在你身边吗？请打 {emergency}，或者 {support}。把危险的东西放远，"
        "请一个你信任的人来陪你。\n\n"
        "如果已经有人陪着你，或者你已经打通了电话，那很好，请继续跟他们在一起。"
    ),
    "en": (
        "Thank you for still talking. What you said earlier makes me worried for your safety, so from here on I do "
        "not answer with generated text.\n\nAre you safe now? Is anyone with you? Please call {emergency}, or "
        "{support}. Put dangerous things far away, and ask somebody you trust to come and stay with you.\n\n"
        "If somebody is with you already, or you have got through to someone, good; please stay with them."
    ),
}


def notice() -> str:
    """What the visitor is talking to, as HTML; always on the page."""
    return (
        f'<header class="notice"><h1>{escape(TITLE)}</h1>'
        '<p lang="zh"><strong>你在和一个 AI 程序对话，不是真人。</strong>这是研究演示，仅供 18 岁及以上的人试用；'
        "它不是心理咨询，不能诊断，也不能代替专业帮助。它会说错话。对话不会被保存。</p>"
        '<p lang="en"><strong>You are talking to an AI program, not a person.</strong> A research demo for people '
        "aged 18 or over; not counselling, no diagnosis, no substitute for professional help. It makes mistakes. "
        "Conversations are not stored. Outside mainland China, call your local emergency number.</p></header>"
    )


def crisis_bar() -> str:
    """The numbers to call, and what this is, as HTML that stays at the top of the window."""
    by_line = {line: [h for h in hotlines() if h.line == line] for line in ("first", "emergency", "youth")}

    def link(number: str) -> str:
        return f'<a href="tel:{number}">{number}</a>'

    support, youth = (" / ".join(link(h.number) for h in by_line[line]) for line in ("first", "youth"))
    emergency = " / ".join(link(h.number) for h in by_line["emergency"])
    return (
        '<div class="crisis" role="region" aria-label="紧急求助电话 Crisis numbers">'
        f'<span lang="zh">心理援助 {support}</span><span lang="zh">危险时 {emergency}</span>'
        f'<span lang="zh">青少年 {youth}</span>'
        f'<span lang="en">Crisis lines: {support}, in danger {emergency}</span>'
        '<span class="what"><span lang="zh">AI 程序，不是真人 · 研究演示 · 18 岁以上 · 不是心理咨询</span> '
        '<span lang="en">· An AI, not a person or a counsellor · research demo · 18+</span></span></div>'
    )
