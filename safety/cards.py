"""What is said in a crisis: fixed words, rendered by code, never by a model."""

from typing import Literal

from safety.helplines import hotlines
from safety.screening import Tier

Language = Literal["zh", "en"]

_OPENING: dict[tuple[Tier, Language], str] = {
    ("imminent", "zh"): (
        "**我听到了，你现在可能正处在危险中。你的安全最重要，请先不要一个人扛。**\n\n"
        "我想直接问你：你现在是不是想结束自己的生命？你已经做了什么吗？"
    ),
    ("imminent", "en"): (
        "**I hear you, and you may be in danger right now. Your safety comes first; please do not carry this alone.**"
        "\n\nI want to ask you directly: are you thinking of ending your life now? Have you already done something?"
    ),
    ("ideation", "zh"): (
        "**谢谢你愿意说出来。听起来你正承受着很大的痛苦。**\n\n"
        "我想直接问你：你有想要结束生命，或者伤害自己的想法吗？说出来没有关系，你不会因此被责怪。"
    ),
    ("ideation", "en"): (
        "**Thank you for saying this. It sounds as if you are in a lot of pain.**\n\n"
        "I want to ask you directly: are you having thoughts of ending your life, or of hurting yourself? "
        "It is all right to say so; nobody will blame you for it."
    ),
    ("distress", "zh"): "**听起来你现在很不好受。**",
    ("distress", "en"): "**It sounds as if things are very hard for you right now.**",
}

_STEPS: dict[tuple[Tier, Language], str] = {
    ("imminent", "zh"): (
        "请现在就做这几件事：\n\n"
        "1. **打电话：** {emergency}。如果已经受伤或吃了药，先打 120。\n"
        "2. **离开危险：** 离开高处、水边或马路，把药、刀、绳子放到你拿不到的地方，或者交给别人。\n"
        "3. **不要独处：** 现在有人在你身边吗？请把这句话给他看，或者去敲邻居的门、给家人朋友打电话：“我现在不安全，"
        "请来陪我。”\n\n"
        "想找人说说，也可以打 {support}。"
    ),
    ("imminent", "en"): (
        "Please do these things now:\n\n"
        "1. **Call:** {emergency}. If you are hurt or have taken something, 120 first.\n"
        "2. **Move away from danger:** away from heights, water or traffic; put pills, blades or rope out of your "
        "reach, or hand them to somebody.\n"
        "3. **Do not stay alone:** is anyone with you now? Show them this, knock on a neighbour's door, or call "
        'family or a friend: "I am not safe right now, please come and stay with me."\n\n'
        "To talk to someone, you can also call {support}."
    ),
    ("ideation", "zh"): (
        "- **现在就可以打电话：** {support}。不是每个地方都 24 小时有人接，打不通或有危险时请打 {emergency}。\n"
        "- **现在有人在你身边吗？** 可以的话，请告诉一个你信任的人，请他陪着你。\n"
        "- **离危险远一点：** 请把可能用来伤害自己的东西（药、刀等）放远，或者交给别人保管。\n\n"
        "如果你是在为身边的人担心，这些电话也可以替他打。"
    ),
    ("ideation", "en"): (
        "- **You can call now:** {support}. It is not staffed around the clock everywhere; if nobody answers or "
        "there is danger, call {emergency}.\n"
        "- **Is anyone with you now?** If you can, tell somebody you trust and ask them to stay with you.\n"
        "- **Put distance between you and danger:** move anything you could hurt yourself with (pills, blades) far "
        "away, or give it to somebody to keep.\n\n"
        "If you are worried about somebody else, you can call these numbers for them too."
    ),
    ("distress", "zh"): "如果你觉得撑不住，可以打 {support}；有危险时请打 {emergency}。",
    ("distress", "en"): "If it gets too much, you can call {support}; in danger, call {emergency}.",
}

_CLOSING: dict[Language, str] = {
    "zh": "我是一个 AI 程序，不能代替真正的人来帮助你，但这里不会关上。你可以继续跟我说：你现在在哪里，身边有谁？",
    "en": (
        "I am an AI program and cannot take the place of a person who can help you, but this chat stays open. "
        "You can go on talking: where are you now, and who is near you?"
    ),
}

_SAFE_REPLY: dict[Language, str] = {
    "zh": (
        "刚才那段自动生成的回复不合适，所以没有给你看。我是一个 AI 研究演示，不是真人，"
        "不能诊断，也不能给用药建议。\n\n"
        "你愿意再多说一点你现在的感受吗？如果你有想伤害自己的念头，请打 {support}，有危险时请打 {emergency}。"
    ),
    "en": (
        "The reply that was generated was not fit to show, so it was held back. I am an AI research demo, not a "
        "person; I cannot diagnose or advise on medication.\n\n"
        "Would you like to say more about how you feel? If you have thoughts of hurting yourself, please call "
        "{support}; in danger, call {emergency}."
    ),
}


def crisis_card(tier: Tier, language: Language) -> str:
    """Markdown that asks directly, says whom to call and what to do first, and keeps the talk open; "" for none."""
    if tier == "none":
        return ""
    parts = [_OPENING[tier, language], _STEPS[tier, language]]
    if tier != "distress":
        parts.append(_CLOSING[language])
    return with_numbers("\n\n".join(parts), language)


def safe_reply(language: Language) -> str:
    """What stands in for a reply that `screen_reply` objects to."""
    return with_numbers(_SAFE_REPLY[language], language)


def with_numbers(text: str, language: Language) -> str:
    """`text` with {support} and {emergency} filled in from the hotlines file, as links that a phone can dial."""
    lines = {"first": "", "emergency": ""}
    for entry in hotlines():
        if entry.line in lines:
            name = entry.name_zh if language == "zh" else entry.name_en
            shown = f"[**{entry.number}**](tel:{entry.number})" + (f"（{name}）" if language == "zh" else f" ({name})")
            joint = "" if not lines[entry.line] else "或 " if language == "zh" else " or "
            lines[entry.line] += joint + shown
    return text.format(support=lines["first"], emergency=lines["emergency"])
