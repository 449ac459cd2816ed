"""How questions are rewritten: one YAML, one frozen dataclass, unknown keys refused."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dataset_builder.config import ConfigError
from dataset_builder.rewriting.prompts import prompt

FILE = Path(__file__).with_name("rewrite.yaml")


@dataclass(frozen=True)
class RewriteConfig:
    base_url: str  # of an OpenAI-compatible endpoint, ending in /v1 on most; its key comes from OPENAI_API_KEY
    models: Mapping[str, float]  # a model's name to its weight: which one a question gets follows from its id
    prompt: str  # an id in rewriting/prompts
    temperature: float
    top_p: float
    max_tokens: int
    min_rounds: int
    max_rounds: int
    attempts: int  # 2: a refused conversation goes back once, with the reason
    concurrency: int  # requests in flight; memory grows with this, not with the data
    requests_per_minute: int  # 0: no limit
    tokens_per_minute: int  # 0: no limit
    timeout: float  # seconds an answer may take
    retries: int  # of 429, 5xx, timeouts and cut connections, for one request
    give_up_after: float  # seconds for which the endpoint may be down
    max_cost: float  # dollars; 0: no limit
    prices: Mapping[str, Sequence[float]]  # a model's dollars for a million tokens, [in, out], over prices.yaml

    def __post_init__(self) -> None:
        prompt(self.prompt)
        if not self.base_url.startswith(("http://", "https://")):
            raise ConfigError(f"base_url={self.base_url!r} is no http(s) address; give --base-url")
        if not self.models or not all(weight > 0 for weight in self.models.values()):
            raise ConfigError(f"models={dict(self.models)!r} must name one, each with a weight above 0; give --model")
        for name in ("concurrency", "attempts", "max_tokens", "timeout", "min_rounds", "give_up_after"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name}={getattr(self, name)} is not above 0")
        if self.max_rounds < self.min_rounds:
            raise ConfigError(f"max_rounds={self.max_rounds} is below min_rounds={self.min_rounds}")

    def model_of(self, share: float) -> str:
        """The model for a question whose hash is at `share` of all hashes, 0 to 1."""
        total, passed = sum(self.models.values()), 0.0
        for model, weight in self.models.items():
            passed += weight / total
            if share < passed:
                return model
        return model

    @property
    def key(self) -> str:
        """Of all that an answer depends on; what a folder of answers was made with."""
        of = (self.models, prompt(self.prompt).key, self.parameters, self.min_rounds, self.max_rounds, self.attempts)
        return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def parameters(self) -> dict[str, Any]:
        return {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}


def load_config(path: Path = FILE, **overrides: Any) -> RewriteConfig:
    """The settings of `path`, with those overrides that are not None.

    Raises:
        ConfigError: on an unknown or missing key, or a value that cannot be.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as YAML: {error}") from None
    fields = [field.name for field in dataclasses.fields(RewriteConfig)]
    values = (values or {}) | {name: value for name, value in overrides.items() if value is not None}
    if unknown := sorted(set(values) - set(fields)):
        raise ConfigError(f"{path}: unknown key {unknown[0]!r}; there are {', '.join(fields)}")
    if missing := sorted(set(fields) - set(values)):
        raise ConfigError(f"{path}: the key {missing[0]!r} is missing")
    try:
        return RewriteConfig(**values)
    except TypeError as error:
        raise ConfigError(f"{path}: {error}") from None


def models_from(text: str) -> dict[str, float]:
    """`NAME`, or several with weights: `gpt-3.5-turbo=0.99,gpt-4=0.01`.

    Raises:
        ConfigError: where a weight is no number.
    """
    models = {}
    for part in text.split(","):
        name, separator, weight = part.strip().rpartition("=")
        try:
            models[name if separator else part.strip()] = float(weight) if separator else 1.0
        except ValueError:
            raise ConfigError(f"--model {text!r}: {weight!r} is no weight; write NAME=0.99,OTHER=0.01") from None
    return models
