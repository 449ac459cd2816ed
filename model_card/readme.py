"""Fills the results block of a README from committed result files, so that no number in it is typed."""

from pathlib import Path
from typing import Any

from dataset_builder.readme import BlockError, replace_block
from model_card.card import SYSTEMS, read_results
from model_card.checkpoint import read_run
from model_card.errors import ModelCardError
from model_card.metrics import METRICS

BEGIN = "<!-- results: written by `python -m model_card readme` from results/; do not edit -->"
END = "<!-- /results -->"


def write_readme(readme: Path, results: Path) -> None:
    """Replace what stands between the two marks of `readme` by the tables of each run in the folder `results`.

    A run is a folder with the `run.json` of training and the `results.json` of evaluation.

    Raises:
        ModelCardError: where the marks or the files are missing.
    """
    runs = sorted(path.parent for path in results.glob("*/results.json"))
    if not runs:
        raise ModelCardError(f"no results in {results}; put a run's run.json and results.json in a folder there")
    try:
        replace_block(readme, BEGIN, END, "\n\n".join(_block(run) for run in runs))
    except BlockError as error:
        raise ModelCardError(str(error)) from None


def _block(folder: Path) -> str:
    run, results = read_run(folder), read_results(folder)
    corpus, losses = run["corpus"], run["losses"]
    rows = [f"| {name} | {_scores(results['systems'][name]['paper'])} |" for name in SYSTEMS]
    signature = results["systems"]["trained"]["paper"]["signature"]
    return "\n".join(
        [
            f"**{run['recipe']} on {folder.name.removeprefix(run['recipe'] + '-')}**: "
            f"{run['parameters'] / 1e6:.1f}M parameters, {corpus['conversations']['train']:,} training conversations, "
            f"{run['steps']:,} steps over {run['tokens']:,} tokens in {run['seconds'] / 60:.0f} minutes "
            f"({run['tokens_per_second']:,.0f} tokens/s, {run['deepspeed']} on {run['world_size']} CPU processes); "
            f"loss {losses['first']:.2f} → {losses['last']:.2f}, validation {losses['validation']:.2f}. "
            f"{results['n']} replies.",
            "",
            "| system | " + " | ".join(metric.upper() for metric in METRICS) + " |",
            "| --- |" + " --- |" * len(METRICS),
            *rows,
            "",
            f"`{signature}`; 95 % intervals in the [result file](results/{folder.name}/results.json).",
        ]
    )


def _scores(score: dict[str, Any]) -> str:
    return " | ".join(f"{score[metric]:.2f}" for metric in METRICS)
