"""What a build does, stage by stage: one YAML, one frozen dataclass per stage, unknown keys refused."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

FILE = Path(__file__).with_name("corpus.yaml")


class ConfigError(ValueError):
    """A setting that cannot be; the message names it, its value and the fix."""


@dataclass(frozen=True)
class ReadConfig:
    rows_per_shard: int  # rows of a raw shard, the unit of work that is done once: a killed build loses at most these


@dataclass(frozen=True)
class CleanConfig:
    """Which repairs and rules a conversation goes through; a repair is counted, a rule rejects with its reason."""

    text: bool  # repair encodings, invisible characters, punctuation, white space; traditional to simplified
    merge_turns: bool  # join consecutive turns of one speaker; else they are `not_alternating`
    trim_ends: bool  # cut what comes before the first user turn and after the last counsellor turn; else a rejection
    min_rounds: int  # of a conversation; a question with one answer is its own kind of row and always allowed
    max_rounds: int
    longest_turn: int  # characters
    residue: bool  # reject what a rewriting model leaves behind: refusals, analysis, role labels, a copied answer
    identity: bool  # reject conversations in which somebody says who they are
    paper_filter: bool  # the paper's literal filter (Ethics Statement) too; reported either way
    personal_data: Literal["redact", "reject", "keep"]  # typed placeholders by default
    crisis: bool  # conversations at ideation and above go to a set of their own


@dataclass(frozen=True)
class DuplicateConfig:
    threshold: float  # Jaccard index of character 5-grams from which two conversations are near-duplicates
    near: Literal["keep", "drop"]  # near-duplicates: all in one split, or only the first of each cluster
    template_rows: (
        int  # rows from which a long counsellor turn that they all share is a template; 0: any number is fine
    )
    seed: int


@dataclass(frozen=True)
class TopicConfig:
    """How rows get a topic whose source names none."""

    labeller: Literal["classifier", "endpoint", "none"]
    threshold: float  # confidence below which a topic stays null
    base_url: str  # of the endpoint, OpenAI-compatible; its key comes from OPENAI_API_KEY
    model: str
    concurrency: int  # requests in flight


@dataclass(frozen=True)
class SplitConfig:
    held_out: float  # share of a topic's rows in validation, and again in test
    seed: int


@dataclass(frozen=True)
class CorpusConfig:
    read: ReadConfig
    clean: CleanConfig
    duplicates: DuplicateConfig
    topics: TopicConfig
    splits: SplitConfig

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float, float]] = {
            "read.rows_per_shard": (self.read.rows_per_shard, 1, 1_000_000),
            "clean.max_rounds": (self.clean.max_rounds, 1, float("inf")),
            "clean.min_rounds": (self.clean.min_rounds, 1, self.clean.max_rounds),
            "clean.longest_turn": (self.clean.longest_turn, 1, float("inf")),
            "duplicates.seed": (self.duplicates.seed, 0, 2**62),
            "splits.seed": (self.splits.seed, 0, 2**62),
            "duplicates.threshold": (self.duplicates.threshold, 0.5, 1),
            "duplicates.template_rows": (self.duplicates.template_rows, 0, float("inf")),
            "topics.threshold": (self.topics.threshold, 0, 1),
            "topics.concurrency": (self.topics.concurrency, 1, 10_000),
            "splits.held_out": (self.splits.held_out, 0, 0.4),
        }
        for name, (value, low, high) in bounds.items():
            if not low <= value <= high:
                raise ConfigError(f"{name}={value} is not between {low} and {high}")
        if self.duplicates.template_rows == 1:
            raise ConfigError("duplicates.template_rows=1 would reject every row; give 2 or more, or 0 for no limit")
        if self.topics.labeller == "endpoint" and not (self.topics.base_url and self.topics.model):
            raise ConfigError("topics.labeller=endpoint needs topics.base_url and topics.model")


def load_config(path: Path = FILE, overrides: Sequence[str] = ()) -> CorpusConfig:
    """The settings of `path`, with `stage.key=value` overrides.

    Raises:
        ConfigError: on an unknown or missing key, a value of the wrong type or out of its bounds.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(values, dict) or not all(isinstance(stage, dict) for stage in values.values()):
        raise ConfigError(f"{path} does not hold a mapping of keys per stage; see {FILE.name}")
    for override in overrides:
        key, separator, value = override.partition("=")
        stage, dot, name = key.partition(".")
        if not separator or not dot:
            raise ConfigError(f"the override {override!r} is not stage.key=value, as in clean.paper_filter=true")
        try:
            values.setdefault(stage, {})[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"the value in the override {override!r} cannot be read as YAML; quote it") from None
    stages = typing.get_type_hints(CorpusConfig)
    _same_keys(values, stages, f"{path}: stage")
    return CorpusConfig(**{name: _stage(kind, values[name], f"{path}: {name}.") for name, kind in stages.items()})


def _stage(kind: type[Any], values: Mapping[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    _same_keys(values, hints, where + "key")
    for name, hint in hints.items():
        if not _fits(values[name], hint):
            raise ConfigError(f"{where}{name}={values[name]!r} is no {_words(hint)}")
    return kind(**values)


def _same_keys(values: Mapping[str, Any], known: Mapping[str, Any], what: str) -> None:
    if unknown := sorted(map(str, set(values) - set(known))):
        raise ConfigError(f"{what} {unknown[0]!r} is unknown; there are {', '.join(known)}")
    if missing := sorted(set(known) - set(values)):
        raise ConfigError(f"{what} {missing[0]!r} is missing")


def _fits(value: Any, hint: Any) -> bool:
    if options := typing.get_args(hint):
        return value in options and isinstance(value, str)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


def _words(hint: Any) -> str:
    return " or ".join(typing.get_args(hint)) or hint.__name__


def as_dict(config: CorpusConfig) -> dict[str, Any]:
    """The settings as they are written to reports."""
    return dataclasses.asdict(config)
