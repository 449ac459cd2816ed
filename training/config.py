"""What a training run is made of: one recipe, one YAML, unknown keys refused."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

RECIPES = Path(__file__).parent / "recipes"


class ConfigError(ValueError):
    """A recipe that cannot be run; the message names the field, its value and the fix."""


@dataclass(frozen=True)
class Recipe:
    """A Qwen3-shaped model trained from scratch on one corpus."""

    vocab_size: int  # the most entries of the byte-level BPE; a small corpus yields fewer
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    window: int  # tokens of a packed row, and the most that the model attends to
    rows_per_step: int  # packed rows of one optimizer step, over all processes
    max_steps: int  # training ends at this many steps or max_epochs, whichever comes first
    max_epochs: float
    learning_rate: float  # the peak, reached after warmup_steps; then it falls linearly to 0
    warmup_steps: int  # linear; at most a tenth of all steps are used
    weight_decay: float
    clip_norm: float
    validation_rows: int  # packed rows of the validation split that are measured at each checkpoint
    checkpoint_every: int  # steps; a killed run loses at most these
    seed: int

    def __post_init__(self) -> None:
        for name in (
            "window",
            "rows_per_step",
            "max_steps",
            "max_epochs",
            "learning_rate",
            "validation_rows",
            "checkpoint_every",
        ):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name}={getattr(self, name)} is not above 0")
        if self.heads % self.kv_heads:
            raise ConfigError(f"heads={self.heads} is no multiple of kv_heads={self.kv_heads}")


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe `training/recipes/<name>.yaml`, or the one at a path, with `key=value` overrides.

    Raises:
        ConfigError: on an unknown recipe or key, a missing key, or a value of the wrong type.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else RECIPES / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(recipe.stem for recipe in RECIPES.glob("*.yaml")))
        raise ConfigError(f"no recipe {name!r}; there is {known}, or give the path of a .yaml file")
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no key: value lines")
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise ConfigError(f"the override {override!r} is not key=value")
        values[key] = yaml.safe_load(value)
    return _recipe(values, path)


def _recipe(values: Mapping[str, Any], path: Path) -> Recipe:
    fields = {field.name: field.type for field in dataclasses.fields(Recipe)}
    if unknown := sorted(set(values) - set(fields)):
        raise ConfigError(f"{path}: unknown key {unknown[0]!r}; a recipe has {', '.join(fields)}")
    if missing := sorted(set(fields) - set(values)):
        raise ConfigError(f"{path}: the key {missing[0]!r} is missing")
    typed: dict[str, Any] = {}
    for name, kind in fields.items():
        value = values[name]
        if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
            raise ConfigError(f"{path}: {name}={value!r} is no {kind.__name__}")  # type: ignore[union-attr]
        typed[name] = value if kind is int else float(value)
    return Recipe(**typed)
