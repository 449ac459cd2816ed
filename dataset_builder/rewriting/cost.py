"""What rewriting costs: a dated price list, prices given by hand, and an estimate before the first request."""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from dataset_builder.records import Rejection
from dataset_builder.rewriting.prompts import Prompt
from dataset_builder.rewriting.questions import Question, chosen

FILE = Path(__file__).with_name("prices.yaml")

TOKENS_PER_CHARACTER = 1.26
"""Of Chinese text, where a model's tokenizer was not measured: the dearest of those that were.

Measured on the 144 conversations, 144 questions and 144 answers of dataset_builder/sample, as tokens by characters,
punctuation included: cl100k_base (GPT-3.5, GPT-4) 1.24, 1.26, 1.25; o200k_base (GPT-4o and later) 0.84, 0.86, 0.85;
Qwen's 0.72, 0.73, 0.72. The first two with bpe-openai 0.1.4, the last with tiktoken on dashscope 1.24.6's ranks.
"""
LATIN_TOKENS_PER_CHARACTER = 0.3
"""Of everything below U+2E80: a word of English is about 1.3 tokens and 5 characters."""
CONVERSATION = 925
"""Characters of a rewritten conversation with its labels: the mean of the sample's, which have 11.6 rounds."""
AROUND_A_MESSAGE = 8
"""Tokens that a request's roles and separators take."""
BATCH = 0.5
"""What a provider's Batch API takes of the price."""


class PriceError(ValueError):
    """A price that cannot be one; the message names the model, the value and the fix."""


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars a million tokens; where they come from, and what a Chinese character takes."""

    prompt: float
    completion: float
    tokens_per_character: float = TOKENS_PER_CHARACTER
    read: datetime.date | None = None
    source: str = "given by hand"

    def cost(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Dollars for that many tokens."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


@cache
def prices() -> Mapping[str, Price]:
    """The price list that comes with the project, by every name that a model goes by."""
    listed = {}
    for model, entry in yaml.safe_load(FILE.read_text(encoding="utf-8")).items():
        kept = {name: value for name, value in entry.items() if name not in ("also", "tokenizer")}
        price = _price(model, kept)
        for name in (model, *entry["also"]):
            if name in listed:
                raise PriceError(f"{FILE.name} has {name} twice; keep one of them")
            listed[name] = price
    return MappingProxyType(listed)


def price_of(model: str, given: Mapping[str, Price] | None = None) -> Price | None:
    """The price of a model, first of those `given`; None where nobody said, which is not the same as free."""
    return (given or {}).get(model) or prices().get(model)


def how_to_price(models: Iterable[str]) -> str:
    """How the prices of models are given on the command line."""
    example = ", ".join(f"{model}: {{prompt: 0.5, completion: 1.5}}" for model in models)
    return f"in dollars a million tokens, as --set 'prices={{{example}}}'"


def prices_given(values: Mapping[str, Any]) -> Mapping[str, Price]:
    """The prices in a configuration: `{model: {prompt: dollars a million, completion: …}}`.

    Raises:
        PriceError: for a missing, unknown or negative value.
    """
    return {str(model): _price(str(model), value) for model, value in values.items()}


def _price(model: str, value: Any) -> Price:
    if not isinstance(value, dict) or not {"prompt", "completion"} <= set(value):
        raise PriceError(
            f"the price of {model} is {value!r}; write {{prompt: 0.5, completion: 1.5}}, dollars a million"
        )
    if unknown := sorted(map(str, set(value) - set(Price.__dataclass_fields__))):
        raise PriceError(
            f"the price of {model} has {unknown[0]!r}, which is unknown; prompt and completion are enough"
        )
    for name in ("prompt", "completion", "tokens_per_character"):
        number = value.get(name, 0)
        if not isinstance(number, int | float) or isinstance(number, bool) or not 0 <= number < 1e6:
            raise PriceError(f"the price of {model} has {name}={number!r}; it is a number from 0 on")
    return Price(**value)


def tokens(text: str, per_character: float = TOKENS_PER_CHARACTER) -> float:
    """About how many tokens `text` takes, of which a Chinese character takes `per_character`."""
    wide = sum(letter >= "\u2e80" for letter in text)
    return wide * per_character + (len(text) - wide) * LATIN_TOKENS_PER_CHARACTER


@dataclass(frozen=True, slots=True)
class ModelEstimate:
    """What one model of a run takes; the costs are None where it has no price."""

    questions: int
    prompt_tokens: int  # if every first transcript is good, as are the next two
    completion_tokens: int
    cost: float | None
    most: float | None  # if every transcript goes back once


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run is expected to take: dollars if every first transcript is good, and if every one goes back once.

    The costs are None as soon as one model has no price; `batch` is `cost` at a provider's Batch API.
    """

    questions: int
    rejected: Mapping[str, int]  # lines that are no question, by reason
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    most: float | None
    batch: float | None
    unpriced: tuple[str, ...]
    models: Mapping[str, ModelEstimate]

    def as_dict(self) -> dict[str, Any]:
        """As it is printed and written to reports."""
        return asdict(self)

    def line(self) -> str:
        """The estimate for a person."""
        odd = sum(self.rejected.values())
        why = ", ".join(f"{reason} {count:,}" for reason, count in self.rejected.items())
        none = f", {odd:,} lines that are none ({why})" if odd else ""
        taken = f"{self.questions:,} questions{none}, {self.prompt_tokens:,} + {self.completion_tokens:,} tokens"
        if self.cost is None or self.most is None or self.batch is None:
            unpriced = ", ".join(self.unpriced)
            return f"{taken}; no price is known for {unpriced}: give it, {how_to_price(self.unpriced)}"
        again = f"${self.most:,.2f} if every one goes back once"
        return f"{taken}: ${self.cost:,.2f} expected, {again}, ${self.batch:,.2f} as a batch"


def estimate(
    questions: Iterable[Question | Rejection],
    prompt: Prompt,
    models: Mapping[str, float],
    *,
    given: Mapping[str, Price] | None = None,
    characters: float = CONVERSATION,
) -> Estimate:
    """What rewriting `questions` with a mixture of `models` (by weight) will cost, without a request.

    A transcript is taken to have `characters`; nothing is known before the first answer, and Progress corrects it
    from then on. Memory does not grow with the questions.
    """
    priced = {model: price_of(model, given) for model, weight in models.items() if weight > 0}
    rates = {model: price.tokens_per_character if price else TOKENS_PER_CHARACTER for model, price in priced.items()}
    rows, sent, rejected = Counter[str](), Counter[str](), Counter[str]()
    for item in questions:
        if isinstance(item, Rejection):
            rejected[item.reason] += 1
            continue
        model = chosen(item.question_id, models)
        rows[model] += 1
        sent[model] += round(tokens(prompt.render(item.question, item.answer), rates[model])) + AROUND_A_MESSAGE
    correction = prompt.retry("", "")
    made = {
        model: _for_model(price, rows[model], sent[model], characters * rate, tokens(correction, rate))
        for (model, price), rate in zip(priced.items(), rates.values(), strict=True)
    }
    cost = _sum(each.cost for each in made.values())
    return Estimate(
        questions=rows.total(),
        rejected=dict(rejected.most_common()),
        prompt_tokens=sent.total(),
        completion_tokens=sum(each.completion_tokens for each in made.values()),
        cost=cost,
        most=_sum(each.most for each in made.values()),
        batch=None if cost is None else cost * BATCH,
        unpriced=tuple(model for model, price in priced.items() if price is None),
        models=made,
    )


def _for_model(price: Price | None, rows: int, sent: int, each: float, correction: float) -> ModelEstimate:
    """`sent` tokens of prompts for so many `rows`, `each` of which gets a transcript of that many tokens."""
    written = round(rows * each)
    if price is None:
        return ModelEstimate(rows, sent, written, None, None)
    cost = price.cost(sent, written)
    again = price.cost(sent + written + rows * (correction + AROUND_A_MESSAGE), written)
    return ModelEstimate(rows, sent, written, cost, cost + again)


def _sum(costs: Iterable[float | None]) -> float | None:
    known = list(costs)
    return None if None in known else sum(cost for cost in known if cost is not None)
