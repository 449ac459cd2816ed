"""What a run costs: prices by model, what was spent, and what the next request could cost at the most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from dataset_builder.config import ConfigError
from dataset_builder.rewriting.answers import Answer, Answers
from dataset_builder.rewriting.config import RewriteConfig
from dataset_builder.rewriting.endpoint import Request

FILE = Path(__file__).with_name("prices.yaml")
TYPICAL_TOKENS = 1_800
"""Of a conversation of 8 to 20 rounds in Chinese; the sample's have 600 to 1,900 characters, a token each at most."""


class CostReached(RuntimeError):
    """The next request could cost more than is allowed; what was answered is kept."""


@dataclass(frozen=True)
class Price:
    """Dollars for a token."""

    prompt: float
    completion: float


@cache
def _listed() -> Mapping[str, Sequence[float]]:
    values: dict[str, list[float]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return values


def price_of(model: str, config: RewriteConfig) -> Price | None:
    """The price of a model: the config's own, or the listed one; None where neither knows it."""
    found = config.prices.get(model) or _listed().get(model)
    return Price(found[0] / 1e6, found[1] / 1e6) if found else None


class Meter:
    """Keeps what a run spends below `max_cost`, what is in flight included.

    Raises:
        ConfigError: where a limit is set and a model has no price.
    """

    def __init__(self, config: RewriteConfig, answers: Answers) -> None:
        self._prices = {model: price_of(model, config) for model in config.models}
        unpriced = [model for model, price in self._prices.items() if price is None]
        if unpriced and config.max_cost:
            raise ConfigError(f"--max-cost needs a price for {unpriced[0]!r}: give it under `prices` in the config")
        self._limit = config.max_cost
        self._reserved = 0.0
        self.spent = sum(
            self._dollars(model, spent.prompt_tokens, spent.completion_tokens)
            for model, spent in answers.spent.items()
        )

    def reserve(self, request: Request) -> float:
        """Set aside what `request` could cost at the most.

        Raises:
            CostReached: where that is more than is left.
        """
        prompt = sum(len(message["content"]) for message in request.messages)
        most = self._dollars(request.model, prompt, int(request.parameters["max_tokens"]))
        if self._limit and self.spent + self._reserved + most > self._limit:
            raise CostReached(
                f"stopped at ${self.spent:.2f}: with what is in flight the next request could pass --max-cost "
                f"{self._limit}. What was answered is kept: give a higher limit to go on"
            )
        self._reserved += most
        return most

    def settle(self, reserved: float, answer: Answer | None) -> None:
        """Take what was set aside back, and count what the answer did cost."""
        self._reserved -= reserved
        if answer:
            self.spent += self._dollars(answer.model, answer.prompt_tokens, answer.completion_tokens)

    def _dollars(self, model: str, prompt: int, completion: int) -> float:
        price = self._prices.get(model)
        return prompt * price.prompt + completion * price.completion if price else 0.0


def estimate(config: RewriteConfig, requests: int, prompt_characters: int) -> float | None:
    """Dollars for so many requests with so many characters of prompts; None where a model has no price."""
    prices = [(price_of(model, config), weight) for model, weight in config.models.items()]
    total = sum(config.models.values())
    if any(price is None for price, _ in prices):
        return None
    return sum(
        weight / total * (prompt_characters * price.prompt + requests * TYPICAL_TOKENS * price.completion)
        for price, weight in prices
        if price
    )
