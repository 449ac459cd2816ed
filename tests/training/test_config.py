import subprocess
import sys
from pathlib import Path

import pytest

from training.config import ConfigError, load_recipe

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "mini"], "error: no recipe 'mini'; there is nano"),
        (["--corpus", "absent"], "error: no corpus at 'absent'; build one with `make data`"),
        (["--set", "max_steps=0"], "error: max_steps=0 is not above 0"),
    ],
)
def test_a_check_before_the_launch_is_one_clear_line(arguments, message):
    command = [sys.executable, "-m", "training", "--check", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
