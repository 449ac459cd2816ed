"""Command line of the corpus: `build` the folder that `load_dataset` reads, `read` a source, measure its `figures`."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

FORMATS = "the upstream format: messages ({id, messages} JSON Lines) or cpsycound"

app = typer.Typer(
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """User errors as one line on stderr and exit code 1."""
    try:
        yield
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


@app.command()
def build(
    source: Annotated[str, typer.Argument(help="'sample', or a .jsonl or .jsonl.gz file of {id, messages} rows")],
    out: Annotated[Path, typer.Option(help="the corpus folder; replaced once the new one is whole")] = Path(
        "soulchat"
    ),
    work: Annotated[Path, typer.Option(help="scratch; keeps rejected.jsonl")] = Path("build/corpus"),
) -> None:
    """Build the corpus: Parquet shards by topic and split, a report with plots, and the dataset card.

    \b
    Examples:
      python -m dataset_builder build sample
      python -m dataset_builder build dialogues.jsonl.gz --out soulchat
    """
    import datasets
    from tqdm import tqdm

    from dataset_builder.build import build as build_corpus
    from dataset_builder.corpus import UNLABELLED
    from dataset_builder.read import read
    from dataset_builder.splits import SPLITS

    datasets.disable_progress_bars()
    with clear_errors():
        progress = tqdm(read(source), desc=f"reading {source}", unit=" dialogues", mininterval=1)
        report = build_corpus(progress, source=source, out=out, work=work)
        splits = report.totals
        print(f"{report.line()} -> {out}: " + ", ".join(f"{split} {rows}" for split, rows in splits.items()))
        print(f"note: how it reads, beside two public corpora: {out / 'README.md'}, {out / 'report'}", file=sys.stderr)
        if rejected := report.rejected.total():
            print(f"note: the {rejected} rejected dialogues and why: {work / 'rejected.jsonl'}", file=sys.stderr)
        if set(report.sizes) == {UNLABELLED}:
            print(
                "note: no row names one of the 12 topics, so the corpus has the 'default' config only", file=sys.stderr
            )
        for split in set(SPLITS) - set(splits):
            print(f"note: too few questions for a {split} split", file=sys.stderr)


@app.command()
def read(
    source: Annotated[str, typer.Argument(help=FORMATS)],
    path: Annotated[Path, typer.Argument(help="a .jsonl or .jsonl.gz file, or cpsycound's folder or .tar.gz")],
    rejects: Annotated[Path | None, typer.Option(help="where rejected dialogues go, as {id, reason}")] = None,
) -> None:
    """Print the records of an upstream file, one JSON object a line; the count of rejects goes to stderr.

    \b
    Examples:
      python -m dataset_builder read messages dialogues.jsonl.gz > records.jsonl
      python -m dataset_builder read cpsycound CPsyCounD.tar.gz --rejects rejects.jsonl
    """
    from dataset_builder.read import read as read_dialogues
    from dataset_builder.records import Record

    kept, rejected = 0, 0
    with clear_errors(), contextlib.ExitStack() as files:
        rejects_file = files.enter_context(rejects.open("w", encoding="utf-8")) if rejects else None
        for result in read_dialogues(path, source):
            if isinstance(result, Record):
                kept += 1
                print(json.dumps(result.as_dict(), ensure_ascii=False))
            else:
                rejected += 1
                if rejects_file:
                    print(json.dumps({"id": result.id, "reason": result.reason}), file=rejects_file)
        print(f"kept {kept}, rejected {rejected}", file=sys.stderr)


@app.command()
def figures(
    source: Annotated[str, typer.Argument(help=f"'sample', or {FORMATS}")],
    path: Annotated[Path | None, typer.Argument(help="what to read, unless it is the sample")] = None,
    name: Annotated[str, typer.Option(help="what the corpus is called beside others")] = "",
    revision: Annotated[str, typer.Option(help="which state of it this is: a commit, and what part")] = "",
) -> None:
    """Print how a corpus reads, as one JSON object; dataset_builder/peers holds such files of public corpora.

    \b
    Examples:
      python -m dataset_builder figures sample
      python -m dataset_builder figures cpsycound CPsyCounD.tar.gz --name CPsyCounD --revision 1954f2e
    """
    from dataset_builder.comparison import Measured, misses
    from dataset_builder.figures import measure
    from dataset_builder.read import read as read_dialogues
    from dataset_builder.records import Record

    with clear_errors():
        if source != "sample" and path is None:
            raise ValueError(f"figures {source} needs a path: the file or folder to read")
        results = list(read_dialogues("sample") if path is None else read_dialogues(path, source))
        kept = [result for result in results if isinstance(result, Record)]
        measured = measure(kept)
        if measured is None:
            raise ValueError(f"no conversation of two rounds or more in {path or source}: nothing to measure")
        print(Measured(name or source, revision, len(results), len(kept), measured).as_json(), end="")
        if source == "sample" and (missed := misses(measured)):
            raise ValueError("the sample misses what it must be: " + "; ".join(missed))


@app.command()
def readme(
    path: Annotated[Path, typer.Argument(help="the document with the two marks")] = Path("README.md"),
) -> None:
    """Write the sample's figures, beside those of public corpora, between the marks of the README.

    \b
    Examples:
      python -m dataset_builder readme
      python -m dataset_builder readme docs/README.md
    """
    from dataset_builder.readme import write_readme

    with clear_errors():
        write_readme(path)


if __name__ == "__main__":
    app()
