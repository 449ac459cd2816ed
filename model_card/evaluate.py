"""Replies to the test split, from the model and from two floors, and how close they come to the real ones.

Every reply is to the gold history, never to the model's own earlier replies. Starting is resuming: replies are kept
line by line, and a batch is always made of the same questions and drawn with the same seed, so that a run that was
killed ends with the very replies of one that was not.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from model_card import replies
from model_card.checkpoint import fingerprint
from model_card.errors import ModelCardError
from model_card.metrics import PROFILES, VERSION, Pair, describe, score
from model_card.questions import Corpus, Question, choose, load_corpus, questions
from model_card.systems import Replier, System, systems
from training.generate import Sampling
from training.prompt import PromptError


@dataclass(frozen=True)
class EvaluateConfig:
    model: Path
    corpus: str = "soulchat"  # a folder, or a Hub repo id
    out: Path = Path("build/results")
    max_replies: int = 120  # of each system; 0 is all. 120 keep nano on two cores at about a minute
    batch_size: int = 16
    max_new_tokens: int = 96
    temperature: float = 0.95  # the paper's, as is top_p
    top_p: float = 0.75
    seed: int = 0
    nearest_turns: int = 20_000  # user messages that `nearest` may choose from; memory grows with this

    def __post_init__(self) -> None:
        for name, least in (("max_replies", 0), ("batch_size", 1), ("max_new_tokens", 1), ("nearest_turns", 1)):
            if getattr(self, name) < least:
                raise ModelCardError(f"{name}={getattr(self, name)} is below {least}; raise it")
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ModelCardError(f"temperature={self.temperature} must be >= 0, top_p={self.top_p} in (0, 1]")

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.max_new_tokens, self.temperature, self.top_p, self.seed)


def evaluate(config: EvaluateConfig) -> dict[str, Any]:
    """Everything in `results.json`, which this writes to `config.out` beside a file of replies for each system.

    Raises:
        ModelCardError: where the model or the corpus is missing or unusable.
    """
    trained = fingerprint(config.model)  # before the corpus: a missing model is the commoner mistake, and cheaper
    corpus = load_corpus(config.corpus)
    chosen = choose(list(questions(corpus.test)), config.max_replies, config.seed)
    if not chosen:
        raise ModelCardError(f"the test split of {config.corpus!r} has no counsellor's turn; run: make data")
    config.out.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {}
    for system in systems(config.model, corpus, seed=config.seed, nearest_turns=config.nearest_turns):
        path = _reply_to_all(system, chosen, config)
        results[system.name] = {"description": system.description, **_measure(replies.read(path))}
    record = {
        "systems": results,
        "n": len(chosen),
        "seed": config.seed,
        "corpus": _describe_corpus(corpus),
        "sampling": asdict(config.sampling) | {"batch_size": config.batch_size},
        "versions": _versions(),
        "model_fingerprint": trained,
    }
    _write(config.out / "results.json", record)
    return record


def batches(chosen: Sequence[Question], size: int) -> list[list[Question]]:
    """Of similar length, so that little is padded; the longest first, so that what does not fit fails at once."""
    longest_first = sorted(chosen, key=lambda q: (-sum(len(turn["content"]) for turn in q.history), q.id))
    return [longest_first[start : start + size] for start in range(0, len(longest_first), size)]


def _reply_to_all(system: System, chosen: list[Question], config: EvaluateConfig) -> Path:
    from huggingface_hub.utils import tqdm

    path = config.out / f"replies-{system.name}.jsonl"
    mark = _fingerprint(system, chosen, config)
    done = replies.resume(path, mark)
    # The position of a batch in the whole run, not among those still missing, decides its seed.
    missing = [(i, b) for i, b in enumerate(batches(chosen, config.batch_size)) if any(q.id not in done for q in b)]
    with tqdm(desc=f"{system.name} replies", total=len(chosen), initial=len(done), unit="reply") as progress:
        replier = _opened(system) if missing else None
        for index, batch in missing:
            assert replier is not None
            drawn = replace(config.sampling, seed=config.seed + index)
            try:
                texts = replier.replies([question.history for question in batch], drawn)
            except PromptError as error:
                raise ModelCardError(f"max_new_tokens={config.max_new_tokens}: {error}, or lower this") from None
            new = [(q, text) for q, text in zip(batch, texts, strict=True) if q.id not in done]
            replies.append(path, (_record(question, text, mark) for question, text in new))
            progress.update(len(new))
    return path


def _opened(system: System) -> Replier:
    try:
        # transformers imports DeepSpeed, whose logger announces itself on stdout, where our results go.
        with redirect_stdout(sys.stderr):
            return system.open()
    except ModelCardError:
        raise
    except Exception as error:  # transformers, safetensors and tokenizers each raise their own
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ModelCardError(
            f"{system.name} ({system.description}) does not load ({reason}); run: make train"
        ) from error


def _record(question: Question, reply: str, mark: str) -> replies.Record:
    return {
        "id": question.id,
        "conversation": question.conversation,
        "topic": question.topic,
        "message": question.history[-1]["content"],
        "reply": reply,
        "reference": question.reference,
        "fingerprint": mark,
    }


def _fingerprint(system: System, chosen: list[Question], config: EvaluateConfig) -> str:
    """Of all that decides the replies: a line that carries another one is not reused."""
    asked = [(question.id, question.history, question.reference) for question in chosen]
    parts = [system.fingerprint, asdict(config.sampling), config.batch_size, asked]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:16]


def _measure(records: list[replies.Record]) -> dict[str, Any]:
    pairs = [Pair(record["reply"], (record["reference"],), record["conversation"]) for record in records]
    scores = {name: score(pairs, profile).as_json() for name, profile in PROFILES.items()}
    character = describe([record["reply"] for record in records])
    return {**scores, **{name: round(value, 2) for name, value in character.items()}}


def _describe_corpus(corpus: Corpus) -> dict[str, Any]:
    return {
        "name": corpus.name,
        "description": corpus.description,
        "hash": corpus.hash,
        "splits": {"train": len(corpus.train), "test": len(corpus.test)},
    }


def _versions() -> dict[str, str]:
    packages = ("datasets", "rjieba", "torch", "transformers")
    return {"python": platform.python_version(), "metrics": VERSION} | {name: version(name) for name in packages}


def _write(path: Path, record: dict[str, Any]) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    beside.replace(path)
