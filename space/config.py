"""The demo's settings: one frozen dataclass, one YAML file."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

import yaml

from safety.cards import Language
from safety.screening import Tier

FILE = Path(__file__).with_name("config.yaml")


ANSWERABLE: tuple[Tier, ...] = ("none", "distress", "ideation")


class ConfigError(ValueError):
    """A setting that cannot be used; the message names it, its value and the fix."""


@dataclass(frozen=True)
class SpaceConfig:
    model: str
    language: Language = "zh"
    max_new_tokens: int = 256
    temperature: float = 0.95
    top_p: float = 0.75
    max_message_chars: int = 2000
    max_rounds: int = 40
    model_answers_up_to: Tier = "distress"
    concurrency: int = 1
    max_waiting: int = 32

    def __post_init__(self) -> None:
        for field in fields(self):
            value: Any = getattr(self, field.name)
            fitting = (int, float) if field.type is float else field.type if isinstance(field.type, type) else str
            if not isinstance(value, fitting) or isinstance(value, bool):
                raise ConfigError(f"{field.name}: {value!r} is not a {getattr(field.type, '__name__', 'string')}")
            if field.type is int and cast(int, value) < 1:
                raise ConfigError(f"{field.name}: {value} is below 1")
        if self.language not in ("zh", "en"):
            raise ConfigError(f"language: {self.language!r} is neither zh nor en")
        if self.model_answers_up_to not in ANSWERABLE:
            raise ConfigError(
                f"model_answers_up_to: {self.model_answers_up_to!r} is not one of {', '.join(ANSWERABLE)}; "
                "where a life may be in danger the model is never asked"
            )
        if self.temperature < 0:
            raise ConfigError(f"temperature: {self.temperature} is below 0 (0 decodes greedily)")
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p: {self.top_p} is not above 0 and up to 1")


def load_config(path: Path = FILE, **overrides: Any) -> SpaceConfig:
    """The settings in the YAML file at `path`, with `overrides` that are not None put over them.

    Raises:
        ConfigError: where the file cannot be read, holds a key that is no setting, or a value that cannot be used.
    """
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{path} is no mapping of settings; start from {FILE.name}")
    known = [field.name for field in fields(SpaceConfig)]
    for key in settings:
        if key not in known:
            raise ConfigError(f"{path}: unknown key {key!r}; the settings are {', '.join(known)}")
    settings |= {key: value for key, value in overrides.items() if value is not None}
    if "model" not in settings:
        raise ConfigError(f"{path}: the key 'model' is missing; name a checkpoint folder, a Hub repo or an endpoint")
    return SpaceConfig(**settings)


def check_model(name: str) -> None:
    """Refuse at once, before anything heavy is imported, a checkpoint folder that is none.

    Raises:
        ConfigError: where `name` is no endpoint, cannot be a Hub repo id, and no folder with a checkpoint.
    """
    endpoint = name.startswith(("http://", "https://"))
    # build/ is where this project writes its models, and so no namespace of the Hub.
    on_hub = re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name) and not name.startswith("build/")
    if not endpoint and not on_hub and not Path(name, "config.json").is_file():
        raise ConfigError(f"model {name!r} is no checkpoint folder (it has no config.json); `make train` writes one")
