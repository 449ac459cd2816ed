"""Every fixed sentence of the proofreading page, Chinese first, then English."""

from collections.abc import Mapping

TITLE = "对话校对 · Proofreading"
WARNING = (
    "下面的对话出自心理求助，有的谈到自杀、自伤、暴力或虐待。请只在状态允许时阅读；你随时可以停下，"
    "已做的决定都已保存，以后从同一个链接继续。每 45 分钟会提醒你休息。",
    "The conversations come from people in distress; some speak of suicide, self-harm, violence or abuse. Read them "
    "only while you feel up to it. You can stop at any moment: every decision is saved, and the same link goes on. "
    "Every 45 minutes you are reminded to rest.",
)
SUPPORT = ("如果读到的内容让你难受，可以拨打 {numbers}。", "If what you read weighs on you, call {numbers}.")
BEGIN = "开始 · Begin"
LEAVE = "离开 X · Leave"
LEFT = (
    "你已离开，内容已收起。所有决定都已保存。谢谢你。",
    "You have left, and nothing is shown any more. All decisions are saved. Thank you.",
)
BACK = "继续 · Go on"
DONE = ("全部读完了，谢谢你。", "You have read them all. Thank you.")
NO_LINK = (
    "这个链接无效。请用发给你的完整链接打开。",
    "This link is not valid. Please open the whole link that you were given.",
)
STALE = "这一页已过期，请刷新；已做的决定都在。· This page has expired. Please reload it; all decisions are kept."
NOT_SAVED = "没有保存：{error}。请再试一次。· Not saved: {error}. Please try again."

SOURCE = "来源 · Source"
QUESTION = "提问 · Question"
ANSWER = "长回答 · Long answer"
NO_SOURCE = "语料中没有这段对话的来源。· The corpus has no source of this conversation."
CONVERSATION = "对话 · Conversation"
SPEAKERS: Mapping[str, str] = {"user": "用户 · User", "assistant": "咨询师 · Counsellor"}
NO_TOPIC = "无主题 · no topic"
ROUNDS = "{count} 轮 · {count} rounds"
TIERS: Mapping[str, str] = {
    "none": "无风险词 · no risk found",
    "distress": "痛苦 · distress",
    "ideation": "自杀意念 · suicidal ideation",
    "imminent": "紧急危险 · imminent danger",
}
FLAGS: Mapping[str, str] = {"shortest": "轮数最少 · fewest rounds", "longest_turn": "有很长的一轮 · a very long turn"}

ACCEPT = "接受 A · Accept"
EDIT = "修改 E · Edit"
REJECT = "拒绝 R · Reject"
UNDO = "撤销 U · Undo"
PREVIOUS = "← 上一段 · Back"
NEXT = "下一段 · Next →"
HELP = "帮助 ? · Help"
EDITOR = "修改对话 · Edit the conversation"
EDITOR_HELP = (
    "每一轮以单独一行的【用户】或【咨询师】开头；从用户开始，以咨询师结束，两者交替。"
    "· Each turn starts with 【用户】 (user) or 【咨询师】 (counsellor) on a line of its own; the user opens, the "
    "counsellor closes, and they alternate."
)
SAVE_EDIT = "保存修改 Ctrl+Enter · Save"
CANCEL = "取消 Esc · Cancel"
REASON = "拒绝的理由（按数字选择）· Reason (press its number)"
REASON_TEXT = "补充说明（选“其他”时必填）· In your own words (needed with “other”)"
SAVE_REJECT = "确认拒绝 Ctrl+Enter · Reject"
OTHER = "other"
REASONS: Mapping[str, str] = {
    "unsafe": "1 有害或危机处理不当 · harmful, or a crisis handled badly",
    "no_empathy": "2 缺乏共情 · no empathy",
    "advice_too_early": "3 过早给建议或说教 · advice too early, preaching",
    "untrue_to_source": "4 与来源不符 · untrue to the source",
    "unnatural": "5 不自然、重复 · unnatural, repetitive",
    "identity": "6 泄露身份信息 · reveals who somebody is",
    "broken": "7 残缺、角色混乱 · broken, speakers mixed up",
    OTHER: "8 其他 · other",
}
NO_REASON = "请选一个理由；选“其他”时请写明。· Choose a reason; with “other”, say which."

PROGRESS = "已读 {done} / {total} · {done} of {total} read"
PLACE = "第 {place} 段 · No. {place}"
SAVED = "每次点击都会立即保存 · Every decision is saved at once"
MADE: Mapping[str, str] = {
    "accept": "你已接受 · You accepted this",
    "edit": "你已修改 · You edited this",
    "reject": "你已拒绝：{reason} · You rejected this: {reason}",
}
JUST_SAVED = "已保存 · Saved"
UNDONE = "已撤销上一个决定 · The last decision is undone"
NOTHING_TO_UNDO = "没有可撤销的决定 · There is nothing to undo"
REST = (
    "你已经读了 45 分钟，休息一下吧：喝口水，看看远处。",
    "You have been reading for 45 minutes. Take a break: drink something, look into the distance.",
)
REST_OK = "知道了 · All right"
KEYS: tuple[tuple[str, str], ...] = (
    ("A", "接受 · accept"),
    ("E", "修改 · edit"),
    ("R", "拒绝 · reject"),
    ("1–8", "选理由 · choose a reason"),
    ("Ctrl+Enter", "保存修改或拒绝 · save an edit or a rejection"),
    ("Esc", "取消 · cancel"),
    ("← →", "上一段、下一段 · previous, next"),
    ("U", "撤销上一个决定 · undo the last decision"),
    ("X", "离开 · leave"),
    ("?", "这个帮助 · this help"),
)
BAD_EDIT: Mapping[str, str] = {
    "unchanged": "没有改动；如果没问题，请按“接受”。· Nothing has changed; if all is well, accept it.",
    "text_before_first_turn": "第一行必须是【用户】。· The first line must be 【用户】.",
    "empty_turn": "有一轮是空的；请填写，或连同它的标题一起删掉。· A turn is empty; fill it, or delete its heading.",
    "not_alternating": "同一方连说了两轮；请合并或补上另一方。· One speaker has two turns in a row; join them.",
    "starts_with_counsellor": "对话必须从用户开始。· The user must open the conversation.",
    "ends_with_user": "对话必须以咨询师结束。· The counsellor must close the conversation.",
    "no_counsellor_turn": "没有咨询师的话。· There is no turn of the counsellor.",
    "no_user_turn": "没有用户的话。· There is no turn of the user.",
    "turn_too_long": "有一轮太长；请拆开或缩短。· A turn is too long; split or shorten it.",
    "too_few_rounds": "轮数太少。· There are too few rounds.",
    "too_many_rounds": "轮数太多。· There are too many rounds.",
    "one_sided": "有一方几乎没说话，或只重复一句。· One speaker says next to nothing, or one thing again and again.",
    "degenerate_turn": "有一轮在不断重复。· A turn repeats itself in a loop.",
    "repeated_turns": "同样的话说了多次。· The same turn comes several times.",
}


def bad_edit(reason: str) -> str:
    """Why an edit was refused, for its writer."""
    return "没有保存 · Not saved. " + BAD_EDIT.get(reason, reason)
