"""The prompts that ask a model for a conversation: data, each with an id, an origin and a hash that its rows carry."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from dataset_builder.rewriting.transcripts import parse

_FOLDER = Path(__file__).with_name("prompts")
_CORRECTIONS = Path(__file__).with_name("corrections.yaml")
_PLACE = "{single_turn}"

# Figure 2 and appendix C of the paper: how a single turn stands in the prompt.
_SINGLE_TURN = {"zh": ("用户：", "心理咨询师："), "en": ("User: ", "Psychologist: ")}


class PromptError(ValueError):
    """A prompt that there is not, or a file of one that cannot be used; the message names it and the fix."""


@dataclass(frozen=True)
class Prompt:
    """What is asked of a model, in `language` (zh, en); `text` holds {single_turn} once, `source` says whose it is."""

    id: str
    language: str
    text: str
    source: str

    def __post_init__(self) -> None:
        if self.text.count(_PLACE) != 1:
            raise PromptError(f"prompt {self.id!r} holds {_PLACE} {self.text.count(_PLACE)} times; write it once")
        if self.language not in _SINGLE_TURN:
            raise PromptError(
                f"prompt {self.id!r} has language={self.language!r}; it is one of {', '.join(_SINGLE_TURN)}"
            )

    @property
    def key(self) -> str:
        """The id and the first 8 hex digits of the text's SHA-256: what the rows that it made carry."""
        return f"{self.id}@{hashlib.sha256(self.text.encode()).hexdigest()[:8]}"

    def render(self, question: str, answer: str | None) -> str:
        """The one user message; a question without an answer stands alone."""
        user, counsellor = _SINGLE_TURN[self.language]
        single_turn = user + question + (f"\n{counsellor}{answer}" if answer else "")
        return self.text.replace(_PLACE, single_turn)

    def retry(self, transcript: str, reason: str, bounds: tuple[int, int] = (8, 20)) -> str:
        """The second user message, after a `transcript` that was rejected for `reason`; `bounds` are of its rounds."""
        said = _corrections().get(reason, _corrections()["unknown"])[self.language]
        rounds = sum(turn["role"] == "user" for turn in parse(transcript))
        least, most = bounds
        return said.format(rounds=rounds, least=least, most=most) + _corrections()["again"][self.language]


@cache
def prompts() -> Mapping[str, Prompt]:
    """All prompts by id, in the order of their ids."""
    found = [_read(path) for path in sorted(_FOLDER.glob("*.yaml"))]
    return {each.id: each for each in found}


def prompt(id: str) -> Prompt:
    """The prompt of that id.

    Raises:
        PromptError: where there is none.
    """
    if id not in prompts():
        raise PromptError(f"prompt={id!r} is none of {', '.join(prompts())}")
    return prompts()[id]


def _read(path: Path) -> Prompt:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict) or set(raw) != {"id", "language", "source", "text"} or raw["id"] != path.stem:
        raise PromptError(f"{path.name}: a prompt has id (the file's name), language, source and text, and no more")
    return Prompt(**raw)


@cache
def _corrections() -> Mapping[str, Mapping[str, str]]:
    raw: Mapping[str, Mapping[str, str]] = yaml.safe_load(_CORRECTIONS.read_text(encoding="utf-8"))
    return raw
