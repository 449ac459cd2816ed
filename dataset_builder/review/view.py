"""What a reviewer sees, as HTML: everything of a corpus is escaped."""

from collections.abc import Sequence
from html import escape

from dataset_builder.records import Messages
from dataset_builder.review import texts
from dataset_builder.review.sampling import Item
from dataset_builder.review.store import Decision
from dataset_builder.topics import TOPICS
from safety.helplines import hotlines


def paragraphs(pair: tuple[str, str], **values: str) -> str:
    """A text in both languages, as two paragraphs; `values` are HTML."""
    return "".join(
        f'<p lang="{language}">{escape(text).format(**values)}</p>'
        for language, text in zip(("zh", "en"), pair, strict=True)
    )


def welcome() -> str:
    return (
        f'<h1>{escape(texts.TITLE)}</h1><div class="warning" role="note">{paragraphs(texts.WARNING)}{support()}</div>'
    )


def support() -> str:
    """Whom reviewers can call."""
    numbers = " / ".join(f'<a href="tel:{h.number}">{h.number}</a>' for h in hotlines() if h.line == "first")
    return paragraphs(texts.SUPPORT, numbers=numbers)


def message(pair: tuple[str, str]) -> str:
    return f'<div class="message">{paragraphs(pair)}</div>'


def source(item: Item) -> str:
    """The question and the long answer that the conversation was made from."""
    parts = [
        f"<h3>{escape(title)}</h3><p>{_lines(text)}</p>"
        for title, text in ((texts.QUESTION, item.question), (texts.ANSWER, item.answer))
        if text
    ]
    return f"<h2>{escape(texts.SOURCE)}</h2>" + ("".join(parts) or f"<p>{escape(texts.NO_SOURCE)}</p>")


def conversation(item: Item, made: Decision | None) -> str:
    """The turns as the reviewer left them, below what is known of them."""
    shown = made.messages if made and made.messages else item.messages
    return f"<h2>{escape(texts.CONVERSATION)}</h2>{_facts(item)}{_made(made)}{_turns(shown)}"


def status(place: int, total: int, done: int, note: str) -> str:
    """Where the reviewer is, how much is done, and what was just saved."""
    said = escape(note or texts.SAVED)
    return (
        f'<div class="status"><strong>{escape(texts.PLACE.format(place=place))}</strong>'
        f"<span>{escape(texts.PROGRESS.format(done=done, total=total))}</span>"
        f'<progress max="{total}" value="{done}" aria-label="{escape(texts.PROGRESS.format(done=done, total=total))}">'
        f'</progress><span class="saved" role="status">{said}</span></div>'
    )


def problem(text: str) -> str:
    return f'<div class="problem" role="alert">{escape(text)}</div>' if text else ""


def keys() -> str:
    rows = "".join(f"<tr><th scope='row'><kbd>{escape(k)}</kbd></th><td>{escape(v)}</td></tr>" for k, v in texts.KEYS)
    return f'<table class="keys"><tbody>{rows}</tbody></table>'


def rest() -> str:
    """The reminder, which keys.html shows when it is time."""
    return (
        f'<div id="rest-note" role="alert" hidden>{paragraphs(texts.REST)}'
        f'<button type="button" id="rest-ok">{escape(texts.REST_OK)}</button></div>'
    )


def _facts(item: Item) -> str:
    topic = f"{TOPICS[item.topic]} · {item.topic}" if item.topic in TOPICS else texts.NO_TOPIC
    facts: Sequence[tuple[str, str]] = (
        ("topic", topic),
        (f"tier {item.tier}", texts.TIERS[item.tier]),
        ("rounds", texts.ROUNDS.format(count=len(item.messages) // 2)),
        *(("flag", texts.FLAGS[flag]) for flag in item.flags),
    )
    return '<ul class="facts">' + "".join(f'<li class="{kind}">{escape(text)}</li>' for kind, text in facts) + "</ul>"


def _made(made: Decision | None) -> str:
    if made is None:
        return ""
    reason = made.reason or ""
    return f'<p class="made">{escape(texts.MADE[made.decision].format(reason=reason))}</p>'


def _turns(messages: Messages) -> str:
    turns = "".join(
        f'<li class="turn {turn["role"]}"><span class="who">{escape(texts.SPEAKERS[turn["role"]])}</span>'
        f"<span class='said'>{_lines(turn['content'])}</span></li>"
        for turn in messages
    )
    return f'<ol class="turns">{turns}</ol>'


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
