import pytest

from training.config import ConfigError, load_recipe


def test_an_override_replaces_a_field():
    assert load_recipe("nano", ["max_steps=7"]).max_steps == 7


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["max_step=7"], "unknown key 'max_step'"),
        (["max_steps=many"], "max_steps='many' is no int"),
        (["max_steps=0"], "max_steps=0 is not above 0"),
        (["max_steps"], "'max_steps' is not key=value"),
        (["kv_heads=3"], "heads=4 is no multiple of kv_heads=3"),
    ],
)
def test_a_wrong_override_is_named(overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe("nano", overrides)


def test_a_missing_recipe_is_named_beside_those_that_exist():
    with pytest.raises(ConfigError, match="no recipe 'mini'; there is nano"):
        load_recipe("mini")
