"""One visitor's conversation: screened, then asked, then screened again. Knows nothing of Gradio."""

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, cast

from safety import TIERS, Screening, Tier, crisis_card, safe_reply, screen, screen_reply
from safety.cards import Language, with_numbers
from space import texts
from space.config import SpaceConfig
from training.generate import Model, Sampling
from training.prompt import Message

# Never given a word of what anybody said or was told: only the kinds of errors.
_log = logging.getLogger(__name__)

_SENTENCE_END = re.compile(r"[。！？!?…\n]+[”’」』）)\"']*|\.(?=\s)")
_HAN = re.compile("[\u3400-\u9fff]")

SCREENED_CHARS = 20_000
"""Of an over-long message, what is screened from each end; 20,000 characters take well under a second."""


@dataclass(frozen=True)
class Round:
    """What the visitor said, and what stands below it: a card, the model's reply, a note, each may be empty."""

    user: str
    card: str = ""
    reply: str = ""
    note: str = ""


@dataclass(frozen=True)
class Conversation:
    """The transcript. It lives on the server: nothing that a browser sends back is taken for history."""

    rounds: tuple[Round, ...] = ()
    tier: Tier = "none"  # the highest so far; stays when old rounds are forgotten

    def messages(self) -> list[Message]:
        """What the model reads. Words that it has not answered join the visitor's next ones; cards stay out."""
        result: list[Message] = []
        unanswered: list[str] = []
        for turn in self.rounds:
            unanswered += [turn.user] if turn.user else []
            if turn.reply and unanswered:
                result.append({"role": "user", "content": "\n".join(unanswered)})
                result.append({"role": "assistant", "content": turn.reply})
                unanswered = []
        if unanswered:
            result.append({"role": "user", "content": "\n".join(unanswered)})
        return result

    def shown(self) -> list[dict[str, str]]:
        """The transcript as Gradio's Chatbot shows it."""
        result = []
        for turn in self.rounds:
            if turn.user:
                result.append({"role": "user", "content": harmless_markdown(turn.user)})
            for text in (turn.card, harmless_markdown(turn.reply), turn.note):
                if text:
                    result.append({"role": "assistant", "content": text})
        return result


class Chat:
    """Replies to conversations with a model, and without it where a life may be in danger."""

    def __init__(self, config: SpaceConfig, model: Model) -> None:
        self.config = config
        self.model = model
        screen_reply("你好")  # compiles the lexicon and loads OpenCC now, so that no visitor waits for it

    def respond(self, said: str, conversation: Conversation) -> Iterator[Conversation]:
        """`conversation` with `said` and its answer, as the answer grows; the first item already holds the card.

        The model sees `said` only after the screen, and the visitor sees of the reply only whole, screened sentences.
        """
        language = language_of(said, self.config.language)
        if len(said) > self.config.max_message_chars:
            yield self._too_long(said, conversation, language)
            return
        now = screen(said)
        kept = conversation.rounds[-self.config.max_rounds + 1 :] if self.config.max_rounds > 1 else ()
        whole = screen([{"role": "user", "content": turn.user} for turn in kept] + [{"role": "user", "content": said}])
        tier = higher(conversation.tier, whole.tier)
        asked = TIERS.index(tier) <= TIERS.index(self.config.model_answers_up_to)
        card = _card(now, tier, conversation.tier, language, asked=asked)
        current = Conversation((*kept, Round(said, card=card)), tier)
        yield current
        if asked:
            yield from self._replied(current, language)

    def _replied(self, conversation: Conversation, language: Language) -> Iterator[Conversation]:
        *before, last = conversation.rounds
        sampling = Sampling(
            self.config.max_new_tokens, self.config.temperature, self.config.top_p, seed=secrets.randbelow(2**31)
        )
        raw = ""
        try:
            with closing(cast(Any, self.model.stream(conversation.messages(), sampling))) as growing:
                for raw in growing:
                    if screen_reply(raw):
                        yield replace(
                            conversation, rounds=(*before, replace(last, reply="", note=safe_reply(language)))
                        )
                        return
                    if (sentences := whole_sentences(raw)) != last.reply:
                        last = replace(last, reply=sentences)
                        yield replace(conversation, rounds=(*before, last))
            last = replace(last, reply=raw) if raw else replace(last, note=texts.NO_WORDS[language])
        except Exception as error:  # whatever it is, the visitor is not left alone with it
            _log.warning("no reply: %s", type(error).__name__)
            last = replace(last, note=with_numbers(texts.MODEL_FAILED[language], language))
        yield replace(conversation, rounds=(*before, last))

    def _too_long(self, said: str, conversation: Conversation, language: Language) -> Conversation:
        """The screen still reads it: what is too long for the model may be the most urgent thing ever said here."""
        now = screen([{"role": "user", "content": part} for part in (said[:SCREENED_CHARS], said[-SCREENED_CHARS:])])
        tier = higher(conversation.tier, now.tier)
        note = texts.TOO_LONG[language].format(length=len(said), limit=self.config.max_message_chars)
        card = crisis_card(now.tier, language) if now.at_least("ideation") else ""
        return Conversation((*conversation.rounds, Round("", card=card, note=note))[-self.config.max_rounds :], tier)


def _card(now: Screening, tier: Tier, before: Tier, language: Language, *, asked: bool) -> str:
    """What code says above the reply: the full card when there is a new sign, a reminder once there has been one."""
    if now.at_least("ideation") or TIERS.index(tier) > max(TIERS.index(before), TIERS.index("distress")):
        return crisis_card(higher(now.tier, tier if tier != before else "none"), language)
    if not asked:
        return with_numbers(texts.STILL_HERE[language], language)
    return crisis_card("distress", language) if tier == "ideation" else ""


def higher(one: Tier, other: Tier) -> Tier:
    return max(one, other, key=TIERS.index)


def whole_sentences(text: str) -> str:
    """`text` up to the end of its last finished sentence: what no further word can turn into something harmful."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]].rstrip() if ends else ""


def language_of(text: str, default: Language) -> Language:
    if _HAN.search(text):
        return "zh"
    return "en" if re.search("[A-Za-z]", text) else default


def harmless_markdown(text: str) -> str:
    """`text` without the Markdown that would make a browser call another host, or look like part of the page."""
    return text.replace("<", "＜").replace("![", "！[").replace("](", "] (").replace("]:", "] :")
