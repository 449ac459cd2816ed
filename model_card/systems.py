"""What is compared: the trained model, the same model untrained, and no model at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from model_card import checkpoint
from model_card.errors import ModelCardError
from model_card.nearest import Nearest, sample_turns
from model_card.questions import Corpus
from training.generate import LocalModel, Sampling
from training.prompt import Message


class Replier(Protocol):
    def replies(self, conversations: Sequence[Sequence[Message]], sampling: Sampling) -> list[str]: ...


@dataclass(frozen=True)
class System:
    name: str
    description: str
    fingerprint: str
    """Of everything that decides its replies but the questions and the sampling."""
    open: Callable[[], Replier]
    """Loads it; called only where replies are still missing."""


def systems(model: Path, corpus: Corpus, *, seed: int, nearest_turns: int) -> list[System]:
    """The three that every results table shows.

    Raises:
        ModelCardError: where `model` holds no checkpoint.
    """
    return [
        System(
            "trained", "the checkpoint", checkpoint.fingerprint(model), lambda: LocalModel.from_pretrained(str(model))
        ),
        _untrained(model, seed),
        System(
            "nearest",
            f"the reply to the most similar of up to {nearest_turns:,} user messages of the train split; no model",
            f"nearest-{corpus.hash}-{seed}-{nearest_turns}",
            lambda: _nearest(corpus, seed, nearest_turns),
        ),
    ]


def _untrained(model: Path, seed: int) -> System:
    base = checkpoint.base_model(model)
    if base is not None:
        shown = checkpoint.public_name(base)
        mark = checkpoint.fingerprint(Path(base)) if Path(base).is_dir() else base
        return System("untrained", f"the base model {shown}", f"base-{mark}", lambda: LocalModel.from_pretrained(base))
    return System(
        "untrained",
        f"the same architecture and tokenizer, random weights (seed {seed})",
        f"random-{checkpoint.architecture_fingerprint(model)}-{seed}",
        lambda: _randomly_initialised(model, seed),
    )


def _randomly_initialised(model: Path, seed: int) -> LocalModel:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(seed)
    fresh = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model), dtype=torch.float32)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return LocalModel(fresh.to(device), AutoTokenizer.from_pretrained(model))


def _nearest(corpus: Corpus, seed: int, limit: int) -> Nearest:
    turns = sample_turns(corpus.train, limit, seed)
    if not turns:
        raise ModelCardError(f"the train split of {corpus.name!r} has no reply to be the nearest; run: make data")
    return Nearest(turns)
