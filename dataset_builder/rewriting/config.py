"""How questions are rewritten: one YAML, one frozen dataclass, unknown keys refused."""

import math
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from dataset_builder.config import ConfigError
from dataset_builder.rewriting.questions import Shard

FILE = Path(__file__).with_name("rewrite.yaml")

_RESERVED = {"model", "messages", "stream", "n"}
"""What requests hold besides parameters; one answer a request, in one piece."""


@dataclass(frozen=True)
class RewriteConfig:
    """rewrite.yaml says what each is for, and has the defaults."""

    base_url: str  # its key comes from OPENAI_API_KEY
    models: Mapping[str, float]  # name to weight; which one a question gets is told by a hash of its id
    prompt: str  # id
    parameters: Mapping[str, Any]  # sent as they are
    min_rounds: int
    max_rounds: int
    concurrency: int  # requests in flight; memory grows with this, not with the data
    requests_per_minute: float  # 0: no limit
    tokens_per_minute: float  # 0: no limit
    max_cost: float  # dollars over all runs in one folder; 0: no limit
    prices: Mapping[str, Any]  # by model, before the list: {prompt, completion}, dollars a million tokens
    timeout: float  # seconds that an answer may take
    give_up_after: float  # seconds without any answer after which a run stops
    first_wait: float  # seconds before the first retry; doubling to 30, jittered
    checkpoint_seconds: float
    shard: str  # i/n

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float, float]] = {
            "min_rounds": (self.min_rounds, 1, self.max_rounds),
            "concurrency": (self.concurrency, 1, 10_000),
            "requests_per_minute": (self.requests_per_minute, 0, math.inf),
            "tokens_per_minute": (self.tokens_per_minute, 0, math.inf),
            "max_cost": (self.max_cost, 0, math.inf),
            "timeout": (self.timeout, 0.01, 86_400),
            "give_up_after": (self.give_up_after, 0, math.inf),
            "first_wait": (self.first_wait, 0.001, 30),
            "checkpoint_seconds": (self.checkpoint_seconds, 0, 3_600),
        }
        for name, (value, low, high) in bounds.items():
            if not low <= value <= high:
                raise ConfigError(f"{name}={value} is not between {low} and {high}")
        if not self.base_url.startswith(("http://", "https://")):
            raise ConfigError(f"base_url={self.base_url!r} is no URL; give that of the endpoint, most end in /v1")
        if "@" in self.base_url.split("/")[2]:  # which would stand in reports, and is not sent
            raise ConfigError("base_url names a user; take that out, and give a key as OPENAI_API_KEY")
        weights = list(self.models.values())
        if not weights or any(not _is_number(weight) or weight < 0 for weight in weights) or not sum(weights):
            raise ConfigError(f"models={dict(self.models)!r} does not map names to weights, as in {{gpt-4o-mini: 1}}")
        if reserved := sorted(_RESERVED & set(self.parameters)):
            raise ConfigError(f"parameters.{reserved[0]} is not yours to set; take it out")
        Shard.parse(self.shard)


def load_config(path: Path = FILE, overrides: Sequence[str] = (), **values: Any) -> RewriteConfig:
    """The settings of `path`, with `key=value` overrides and then those `values` that are not None.

    Raises:
        ConfigError: on an unknown or missing key, a value of the wrong type or out of its bounds.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path} does not map keys to values; see {FILE.name}")
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise ConfigError(f"the override {override!r} is not key=value, as in concurrency=128")
        if key not in RewriteConfig.__dataclass_fields__:
            known = ", ".join(RewriteConfig.__dataclass_fields__)
            raise ConfigError(f"--set {override}: the key {key!r} is unknown; there are {known}")
        found[key] = yaml.safe_load(value)
    found |= {key: value for key, value in values.items() if value is not None}
    hints = typing.get_type_hints(RewriteConfig)
    if unknown := sorted(map(str, set(found) - set(hints))):
        raise ConfigError(f"{path}: the key {unknown[0]!r} is unknown; there are {', '.join(hints)}")
    if missing := sorted(set(hints) - set(found)):
        raise ConfigError(f"{path}: the key {missing[0]!r} is missing")
    for name, hint in hints.items():
        kind = typing.get_origin(hint) or hint
        if not (
            _is_number(found[name]) if kind is float else isinstance(found[name], kind) and found[name] is not True
        ):
            raise ConfigError(f"{path}: {name}={found[name]!r} is no {kind.__name__.lower()}")
    return RewriteConfig(**found)


def models_from(text: str) -> dict[str, float]:
    """`NAME`, or several by weight: `gpt-3.5-turbo=0.99,gpt-4=0.01`.

    Raises:
        ConfigError: where a name is missing, or a weight is no number.
    """
    models = {}
    for part in map(str.strip, text.split(",")):
        name, separator, weight = part.rpartition("=")
        if not (name if separator else part):
            raise ConfigError(f"model {text!r} names none; write NAME, or NAME=0.99,OTHER=0.01")
        try:
            models[name if separator else part] = float(weight) if separator else 1.0
        except ValueError:
            raise ConfigError(f"model {text!r}: {weight!r} is no weight; write NAME=0.99,OTHER=0.01") from None
    return models


def as_dict(config: RewriteConfig) -> dict[str, Any]:
    """The settings as they are written to reports."""
    return {each.name: getattr(config, each.name) for each in fields(config)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
