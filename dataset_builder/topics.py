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
    # SoulChatCorpus, PsyDTCorpus, and the first keyword of a PsyQA question.
    "成长": "growth",
    "自我成长": "growth",
    "个人成长": "growth",
    "恋爱": "marriage",
    "婚姻": "marriage",
    "恋爱婚姻": "marriage",
    "婚恋情感": "marriage",
    "人际": "relationship",
    "职业": "career",
    "职业发展": "career",
    "热点": "social-events",
    "心理知识": "psychological-knowledge",
    "性": "sex",
    "自我": "self-awareness",
    # CPsyCoun, as folders of CPsyCounE and in the paper's Chinese. Education has no counterpart: part of it is growth,
    # part family (parents who ask about their child).
    "self-growth": "growth",
    "emotion&stress": "emotion",
    "情绪压力": "emotion",
    "情绪与压力": "emotion",
    "love&marriage": "marriage",
    "恋爱与婚姻": "marriage",
    "family relationship": "family",
    "家庭关系": "family",
    "social relationship": "relationship",
    "社会关系": "relationship",
    "社交关系": "relationship",
    "mental disease": "treatment",
    "心理疾病": "treatment",
    # efaqa, S1. Not 悲恸, 失眠, 青春期问题, LGBT and 其它, which lie across topics.
    "学业烦恼、对未来规划的迷茫": "growth",
    "事业和工作烦恼": "career",
    "家庭问题和矛盾": "family",
    "物质滥用": "behavior",
    "压力": "emotion",
    "情感关系问题": "marriage",
    "离婚": "marriage",
    "分手": "marriage",
    "自我探索": "self-awareness",
    "低自尊": "self-awareness",
    "强迫症": "behavior",
    "性问题": "sex",
    "亲子关系": "family",
    # ESConv, problem_type.
    "ongoing depression": "emotion",
    "breakup with partner": "marriage",
    "job crisis": "career",
    "problems with friends": "relationship",
    "academic pressure": "growth",
    "procrastination": "behavior",
    "alcohol abuse": "behavior",
    "issues with parent": "family",
    "issues with parents": "family",
    "conflict with parents": "family",
    "issues with children": "family",
    "appearance anxiety": "self-awareness",
    "school bullying": "relationship",
    # EmoLLM, areas of life. Not 生活, 身体, 责任, 爱好, 环境, 隐私, 安全, 梦想 and 自由.
    "工作": "career",
    "就业": "career",
    "学业": "growth",
    "家人": "family",
    "朋友": "relationship",
    "社交": "relationship",
}
_BY_LABEL = {label: topic for topic, label in TOPICS.items()} | _ALIASES | {topic: topic for topic in TOPICS}


def topic_id(label: str | None) -> str | None:
    """The topic that `label` names, as an id or in any corpus's wording; None where it names none of the 12."""
    return _BY_LABEL.get(label.strip().lower()) if label else None
