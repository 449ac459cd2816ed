"""Prices with a date and a source, an unknown one that is not zero, and an estimate that asks for nothing."""

import datetime
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.records import Rejection
from dataset_builder.rewriting import cost
from dataset_builder.rewriting.answers import Spent
from dataset_builder.rewriting.cost import Price, PriceError, estimate, price_of, prices, prices_given, tokens
from dataset_builder.rewriting.progress import cost_of
from dataset_builder.rewriting.prompts import prompt
from dataset_builder.rewriting.questions import Question, chosen

SAMPLE = Path(cost.__file__).parents[1] / "sample"
MIXTURE = {"gpt-3.5-turbo": 0.99, "gpt-4": 0.01}


def asked(count: int) -> list[Question]:
    return [Question(f"q{number}", "这几天夜里总醒，白天没精神。", "先别急着责怪自己。") for number in range(count)]


def test_every_listed_price_says_when_and_where_it_was_read():
    listed = yaml.safe_load(cost.FILE.read_text(encoding="utf-8"))
    assert len(listed) > 10
    for model, entry in listed.items():
        assert entry["read"] > datetime.date(2026, 1, 1), model
        assert "." in entry["source"], model
        assert 0 < entry["prompt"] < entry["completion"], model
        assert ("tokenizer" in entry) == ("tokens_per_character" in entry), model


def test_dated_name_costs_what_its_model_costs():
    assert price_of("gpt-4-0613") is price_of("gpt-4")
    assert price_of("gpt-4-0613").source


def test_model_that_nobody_priced_has_no_price_rather_than_none_to_pay():
    assert price_of("my-own-model") is None
    assert price_of("gpt-4-of-somebody") is None
    assert cost_of({"my-own-model": Spent(1, 10, 10)}) is None


def test_price_given_by_hand_comes_before_the_list():
    by_hand = prices_given({"gpt-4": {"prompt": 1, "completion": 2}, "mine": {"prompt": 0, "completion": 0}})
    assert price_of("gpt-4", by_hand).cost(1_000_000, 1_000_000) == 3
    assert price_of("mine", by_hand) == Price(0, 0)
    assert cost_of({"mine": Spent(5, 100, 100)}, by_hand) == 0
    assert price_of("gpt-3.5-turbo", by_hand) == prices()["gpt-3.5-turbo"]


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (3, "mine is 3"),
        ({"prompt": 1}, "completion: 1.5"),
        ({"prompt": -1, "completion": 1}, "prompt=-1"),
        ({"prompt": True, "completion": 1}, "prompt=True"),
        ({"prompt": float("nan"), "completion": 1}, "prompt=nan"),
        ({"prompt": 1, "completion": "2"}, "completion='2'"),
        ({"prompt": 1, "completion": 1, "promt": 1}, "'promt'"),
    ],
)
def test_price_that_cannot_be_one_is_named(value, named):
    with pytest.raises(PriceError, match=r"mine") as error:
        prices_given({"mine": value})
    assert named in str(error.value)


def test_cost_is_dollars_a_million_tokens():
    assert Price(0.5, 1.5).cost(2_000_000, 1_000_000) == pytest.approx(2.5)


@given(st.text(alphabet="我很累，。ab c"), st.text(alphabet="我很累，。ab c"))
def test_tokens_of_two_texts_are_those_of_each(one, other):
    assert tokens(one + other) == pytest.approx(tokens(one) + tokens(other))


def test_default_is_the_dearest_of_the_measured_tokenizers():
    assert max(price.tokens_per_character for price in prices().values()) <= cost.TOKENS_PER_CHARACTER
    assert tokens("睡不着，怎么办？") == pytest.approx(8 * cost.TOKENS_PER_CHARACTER)


def test_stated_length_of_a_conversation_is_that_of_the_sample():
    lengths, rounds = [], []
    for path in sorted(SAMPLE.glob("*.jsonl")):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if messages := row.get("messages"):
                lengths.append(sum(len(turn["content"]) + len("用户：") + 2 for turn in messages))
                rounds.append(len(messages) // 2)
    assert len(lengths) == 144
    assert sum(lengths) / len(lengths) == pytest.approx(cost.CONVERSATION, rel=0.02)
    assert sum(rounds) / len(rounds) == pytest.approx(11.6, abs=0.1)


def test_estimate_adds_up_over_the_models_that_the_run_would_ask():
    questions = asked(2_000)
    made = estimate([*questions, Rejection("x", "not_json")], prompt("paper-zh"), MIXTURE)
    assert made.questions == 2_000 and made.rejected == {"not_json": 1}
    for model, each in made.models.items():
        assert each.questions == sum(chosen(item.question_id, MIXTURE) == model for item in questions)
        assert each.cost == pytest.approx(price_of(model).cost(each.prompt_tokens, each.completion_tokens))
    assert made.cost == pytest.approx(sum(each.cost for each in made.models.values()))
    assert made.batch == pytest.approx(made.cost / 2)
    assert 2 * made.cost < made.most < 4 * made.cost
    assert f"${made.cost:,.2f} expected" in made.line()
    assert json.loads(json.dumps(made.as_dict()))["models"]["gpt-4"]["questions"] == made.models["gpt-4"].questions


def test_estimate_streams_and_needs_no_list():
    made = estimate((question for question in asked(3)), prompt("paper-zh"), {"gpt-4o-mini": 1})
    assert made.questions == 3


def test_estimate_without_a_price_names_the_model_and_the_fix():
    made = estimate(asked(3), prompt("paper-zh"), {"mine": 1, "gpt-4": 0})
    assert made.cost is None and made.most is None and made.unpriced == ("mine",)
    assert made.completion_tokens > 0
    assert "mine: {prompt: 0" in made.line()
    free = estimate(
        asked(3), prompt("paper-zh"), {"mine": 1}, given=prices_given({"mine": {"prompt": 0, "completion": 0}})
    )
    assert free.cost == 0


def test_model_of_no_weight_needs_no_price():
    assert estimate(asked(3), prompt("paper-zh"), {"gpt-4": 1, "mine": 0}).cost > 0
