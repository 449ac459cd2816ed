"""What can be done about a run without asking anything: its cost told, its requests and results carried by files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dataset_builder.records import Rejection
from dataset_builder.rewriting.answers import Answers
from dataset_builder.rewriting.batch import Exported, Imported, export_batch, import_batch
from dataset_builder.rewriting.batch_files import BatchError
from dataset_builder.rewriting.config import RewriteConfig
from dataset_builder.rewriting.cost import Estimate, estimate, prices_given
from dataset_builder.rewriting.prompts import prompt
from dataset_builder.rewriting.questions import Question, Shard, numbered, survey
from dataset_builder.rewriting.requests import request_of
from dataset_builder.rewriting.rewrite import ANSWERS, locked

LEFTOVERS = "leftovers.jsonl"


def estimated(config: RewriteConfig, questions: Path) -> Estimate:
    """What a run on these questions would take."""
    return estimate(_items(config, questions), prompt(config.prompt), config.models, given=prices_given(config.prices))


def exported(config: RewriteConfig, questions: Path, out: Path, folder: Path) -> Exported:
    """The first requests of those questions that `out` has no answer to, as files for a Batch API in `folder`.

    Raises:
        BatchError: where `folder` holds an earlier export.
        OutputsError: where a run writes to `out`.
    """
    with locked(out), Answers(out / ANSWERS) as answers:
        items = _items(config, questions)
        return export_batch(items, prompt(config.prompt), config.models, config.parameters, folder, answers=answers)


def imported(
    config: RewriteConfig, questions: Path, results: Sequence[Path], out: Path, folder: Path
) -> tuple[Imported, int]:
    """Keep the results of requests in `folder` as answers in `out`; and how many questions have none yet.

    Lines of no use go to leftovers.jsonl in `out`.

    Raises:
        BatchError: where `folder` has no requests, a file cannot be read, or no line of them is a result.
        OutputsError: where a run writes to `out`.
    """
    template = prompt(config.prompt)
    with locked(out), Answers(out / ANSWERS) as answers:
        found = import_batch(results, answers, folder, out / LEFTOVERS)
        if not (found.answers or found.there_before or found.failed):
            raise BatchError(
                f"{', '.join(map(str, results))} holds no result of the requests in {folder} ({found.line()}); "
                f"what it holds is in {out / LEFTOVERS}"
            )
        missing = 0
        for item in _items(config, questions):
            if isinstance(item, Question):
                request = request_of(item, template, config.models, config.parameters)
                missing += answers.offset(request.key) is None
        return found, missing


def _items(config: RewriteConfig, questions: Path) -> Iterator[Question | Rejection]:
    shard = Shard.parse(config.shard)
    for line in numbered(questions, shard, survey(questions, shard).repeated):
        yield line.item
