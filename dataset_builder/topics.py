"""The paper's 12 counselling topics (appendix B), and the labels that released corpora use for them."""

TOPICS = {
    "family": "家庭",
    "marriage": "婚恋",
    "sex": "性心理",
    "growth": "成长发展",
    "relationship": "人际关系",
    "career": "职场",
    "self-awareness": "自我认知",
    "behavior": "行为",
    "emotion": "情绪",
    "treatment": "治疗",
    "social-events": "社会事件",
    "psychological-knowledge": "心理学知识",
}
"""Topic id (a config of the corpus) to the paper's label."""

_ALIASES = {
    "成长": "growth",
    "恋爱": "marriage",
    "婚姻": "marriage",
    "恋爱婚姻": "marriage",
    "人际": "relationship",
    "职业": "career",
    "热点": "social-events",
    "心理知识": "psychological-knowledge",
}
_BY_LABEL = {label: topic for topic, label in TOPICS.items()} | _ALIASES | {topic: topic for topic in TOPICS}


def topic_id(label: str | None) -> str | None:
    """The topic that `label` names, as an id or in any corpus's wording; None where it names none of the 12."""
    return _BY_LABEL.get(label.strip().lower()) if label else None
