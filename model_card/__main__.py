"""`python -m model_card`: score replies, evaluate a model, write its card."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from model_card.errors import ModelCardError

app = typer.Typer(
    help="Checkpoint to measured results, and from those to the model card.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command("score")
def score_command(
    replies: Annotated[Path, typer.Argument(metavar="REPLIES.jsonl", help="Lines {id, reply, reference}.")],
    profile: Annotated[str, typer.Option(help="paper or standard: which definition of BLEU and ROUGE.")] = "paper",
) -> None:
    """BLEU and ROUGE of a file of replies, as one JSON object on stdout.

    A line may have references: [...] instead of reference, and a conversation, by which intervals are resampled.

    \b
    Examples:
      python -m model_card score build/results/replies-trained.jsonl
      python -m model_card score mine.jsonl --profile standard > mine.json
    """
    from model_card.metrics import profile_named, score
    from model_card.pairs import read_pairs

    chosen = profile_named(profile)
    try:
        result = score(read_pairs(replies), chosen)
    except ModelCardError as error:
        raise ModelCardError(str(error) if str(replies) in str(error) else f"{replies}: {error}") from None
    typer.echo(json.dumps(result.as_json(digits=4), ensure_ascii=False))


@app.command("evaluate")
def evaluate_command(
    model: Annotated[Path, typer.Option(help="Checkpoint folder.")] = Path("build/model"),
    corpus: Annotated[str, typer.Option(help="Corpus folder, or hub repo id.")] = "soulchat",
    out: Annotated[Path, typer.Option(help="Folder for replies and results.json.")] = Path("build/results"),
    max_replies: Annotated[int, typer.Option(help="Replies of each system; 0 is the whole test split.")] = 120,
    batch_size: Annotated[int, typer.Option(help="Conversations answered at once.")] = 16,
    max_new_tokens: Annotated[int, typer.Option(help="Longest reply, in tokens.")] = 96,
    seed: Annotated[int, typer.Option(help="Of the choice of turns and of the sampling.")] = 0,
) -> None:
    """Reply to the test split with the model and with two floors, and score it; starting again resumes.

    \b
    Examples:
      python -m model_card evaluate --model build/model --corpus soulchat --out build/results
      python -m model_card evaluate --model build/model --corpus you/soulchat --max-replies 0
    """
    from model_card.evaluate import EvaluateConfig, evaluate

    config = EvaluateConfig(model, corpus, out, max_replies, batch_size, max_new_tokens, seed=seed)
    amount = f"up to {max_replies}" if max_replies else "all"
    typer.echo(f"{amount} counsellor turns of {corpus} (test), from trained, untrained, nearest -> {out}", err=True)
    for name, result in evaluate(config)["systems"].items():
        typer.echo(_line(name, result))


@app.command("readme")
def readme_command(
    readme: Annotated[Path, typer.Option(help="The file whose results block is rewritten.")] = Path("README.md"),
    results: Annotated[Path, typer.Option(help="A folder a run, each with run.json and results.json.")] = Path(
        "results"
    ),
) -> None:
    """Write the README's tables from the committed result files.

    \b
    Examples:
      python -m model_card readme
      python -m model_card readme --readme docs/results.md --results results
    """
    from model_card.readme import write_readme

    write_readme(readme, results)


@app.command("card")
def card_command(
    model: Annotated[Path, typer.Option(help="Checkpoint folder, with its run.json.")] = Path("build/model"),
    results: Annotated[Path, typer.Option(help="Folder that evaluate wrote.")] = Path("build/results"),
    out: Annotated[Path | None, typer.Option(help="The card; README.md in the model folder unless given.")] = None,
    model_id: Annotated[str | None, typer.Option(help="Hub id that the card's example loads.")] = None,
    dataset_id: Annotated[str | None, typer.Option(help="Hub id of the corpus.")] = None,
    name: Annotated[str | None, typer.Option(help="The model's name; from its id or recipe unless given.")] = None,
) -> None:
    """Write the model card from results.json and run.json.

    \b
    Examples:
      python -m model_card card --model build/model --results build/results
      python -m model_card card --model-id you/soulchat --dataset-id you/soulchat
    """
    from model_card.card import write_card

    path = out or model / "README.md"
    typer.echo(
        str(write_card(model, results, path, model_id=model_id, dataset_id=dataset_id, name=name)),
    )


def _line(name: str, result: dict[str, Any]) -> str:
    score = result["paper"]
    values = []
    for metric in ("bleu-4", "rouge-l"):
        bounds = score["interval"][metric]
        values.append(f"{metric.upper()} {score[metric]:.2f}" + (f" {bounds}" if bounds else ""))
    return f"{name:<9}  {'  '.join(values)}  [{score['signature']}]"


def main() -> None:
    """Run the command; what a user can put right is one line on stderr and exit code 1, never a traceback."""
    try:
        app(prog_name="python -m model_card")
    except ModelCardError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
