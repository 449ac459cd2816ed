"""Single-turn questions to conversations: the one verb of this package."""

import asyncio
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dataset_builder.config import ConfigError
from dataset_builder.rewriting.answers import Answers
from dataset_builder.rewriting.config import RewriteConfig
from dataset_builder.rewriting.cost import Price, how_to_price, price_of, prices_given
from dataset_builder.rewriting.outputs import AHEAD, Outputs, OutputsError, load_checkpoint, made_of, write_whole
from dataset_builder.rewriting.progress import Progress
from dataset_builder.rewriting.prompts import Prompt, prompt
from dataset_builder.rewriting.questions import Shard, numbered, survey
from dataset_builder.rewriting.rules import rules_key
from dataset_builder.rewriting.run import Report, Run

ANSWERS, REPORT, LOCK = "answers.jsonl", "report.json", ".lock"


def rewrite(
    config: RewriteConfig,
    questions: Path,
    out: Path,
    progress: Callable[[str], None] = lambda line: None,
    *,
    anew: bool = False,
) -> Report:
    """Rewrite a file of questions into the folder `out`: accepted.jsonl, rejected.jsonl, report.json, answers.jsonl.

    Each line of `questions` is a row of one of the first two, in the order of its lines. To start is to resume: what
    is there stays, and what is in answers.jsonl is never asked for again. Rows of other questions or settings are
    refused unless they are to be made `anew`; questions may be added at the end. `progress` gets a line for a person
    about once a second.

    Raises:
        ConfigError: where there is a ceiling but no price for a model, or no longest answer.
        PromptError: where there is no such prompt.
        EndpointStopped: where the endpoint refuses, or stays away; what came before is in `out`.
        OutputsError, AnswersError: where another process writes to `out`, it holds other rows, or the disk is full.
        QuestionsError: where `questions` holds none.
        SourceError: where it cannot be read to its end.
    """
    template, prices, shard = prompt(config.prompt), _prices(config), Shard.parse(config.shard)
    with locked(out), ExitStack() as stack:
        checkpoint = load_checkpoint(out, _settings(config, template), anew=anew)
        found = survey(questions, shard, checkpoint.number)
        if found.chain is None or found.chain.hex() != checkpoint.chain:
            others = f"of other questions than {str(questions)!r} begins with"
            raise OutputsError(made_of(out, checkpoint.place, others))
        kept, counted = checkpoint.answers_from, checkpoint.counted
        answers = stack.enter_context(Answers(out / ANSWERS, start=kept, counted=counted, spent=checkpoint.spent))
        counts = Progress(found.rows, checkpoint.counts or None, prices=prices)
        ahead = AHEAD * config.concurrency
        outputs = Outputs(out, checkpoint, answers, counts, ahead=ahead, every=config.checkpoint_seconds)
        stack.callback(outputs.close)
        lines = numbered(questions, shard, found.repeated, after=checkpoint.number, place=checkpoint.place)
        run = Run(config, template, prices, answers, outputs, counts, progress)
        try:
            try:
                asyncio.run(run.all(lines))
            finally:
                outputs.save(now=True)
                report = run.report(found.rows)
                write_whole(out / REPORT, json.dumps(report.figures, ensure_ascii=False, indent=1) + "\n")
        except OSError as error:
            raise OutputsError(f"{out} cannot be written to ({error}); mend that and start again") from None
    return report


def _settings(config: RewriteConfig, template: Prompt) -> dict[str, Any]:
    """What decides what a question becomes: rows of different settings do not go into one file."""
    return {
        "shard": config.shard,
        "prompt": template.key,
        "models": dict(config.models),
        "parameters": dict(config.parameters),
        "rounds": [config.min_rounds, config.max_rounds],
        "rules": rules_key(),
    }


def _prices(config: RewriteConfig) -> dict[str, Price]:
    """The prices of the models that have one; all do, and answers have a longest, where there is a ceiling."""
    given = prices_given(config.prices)
    known = {model: price for model in config.models if (price := price_of(model, given))}
    if config.max_cost:
        if unknown := sorted(model for model, weight in config.models.items() if weight and model not in known):
            raise ConfigError(
                f"max_cost={config.max_cost} cannot be kept: no price is known for {unknown[0]!r}; "
                f"give it, {how_to_price(unknown[:1])}"
            )
        if not {"max_tokens", "max_completion_tokens"} & config.parameters.keys():
            raise ConfigError(
                f"max_cost={config.max_cost} cannot be kept: nothing says how long an answer may be; "
                "give parameters.max_tokens"
            )
    return {**given, **known}  # those of models that earlier runs asked too


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Make a folder, and keep every other process out of it; the system lets go of it whatever ends this one.

    Raises:
        OutputsError: where another process is in there.
    """
    out.mkdir(parents=True, exist_ok=True)
    file = os.open(out / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OutputsError(
                f"another process is writing to {str(out)!r}; wait until it is done, or give another folder"
            ) from None
        yield
    finally:
        os.close(file)
