"""JSON and YAML from strangers: what passes can be written again, and no bomb goes off."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_hub import card
from local_hub.errors import HubError
from local_hub.payload import parse_object

REFUSED = {
    "nested deeply": b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "half a pair": b'{"a":"\\ud800"}',
    "half a pair as key": b'{"\\udfff":1}',
    "no number": b'{"a":NaN}',
    "no number either": b'{"a":-Infinity}',
    "too long a number": b'{"a":' + b"9" * 5000 + b"}",
    "a list": b"[]",
    "not UTF-8": b'{"a":"\xff"}',
    "cut off": b'{"a":',
    "two objects": b"{}{}",
}


@pytest.mark.parametrize("name", REFUSED)
def test_json_that_could_not_be_written_again_is_refused(name: str) -> None:
    with pytest.raises(HubError) as refused:
        parse_object(REFUSED[name], "the request body")
    assert refused.value.status == 400 and refused.value.message.startswith("the request body")


def test_a_short_text_of_many_values_is_refused_and_a_large_file_is_not() -> None:
    bomb = b'{"a":[' + b"[]," * 400_000 + b"[]]}"
    with pytest.raises(HubError, match="JSON values"):
        parse_object(bomb, "the request body")
    file = b'{"content":"' + b"QUJD" * 3_000_000 + b'"}'
    assert len(parse_object(file, "a line")["content"]) == 12_000_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON), st.booleans())
def test_any_json_object_comes_back_as_it_was(value: dict[str, object], escaped: bool) -> None:
    assert parse_object(json.dumps(value, ensure_ascii=escaped).encode(), "x") == value


@given(st.text())
def test_any_text_is_a_card_or_a_card_error(text: str) -> None:
    json.dumps(card.data(text), allow_nan=False).encode()
    assert isinstance(card.errors(text), list)


@given(st.text(alphabet="[]{}:,-&*!?|>%@`#\n \t\"'abc01.~"))
def test_any_yaml_header_is_data_or_a_card_error(header: str) -> None:
    json.dumps(card.data(f"---\n{header}\n---\n"), allow_nan=False).encode()


@pytest.mark.parametrize("value", ["!!timestamp x", "!!bool x", '!!int ""', "!!float x", "!!binary é", "!!set [a]"])
def test_a_tag_on_text_that_does_not_fit_it_is_one_error(value: str) -> None:
    assert len(card.errors(f"---\na: {value}\n---\n")) == 1


def test_a_billion_laughs_are_one_error() -> None:
    lines = ["a0: &a0 [ha, ha]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "alias" in card.errors("---\n" + "\n".join(lines) + "\n---\n")[0]


@pytest.mark.parametrize("header", ["[" * 50_000, "- " * 50_000, "{a: " * 50_000])
def test_deep_nesting_is_one_error(header: str) -> None:
    assert len(card.errors(f"---\n{header}\n---\n")) == 1
