"""Command line of the corpus: `build` it, `read` a source, `rewrite` questions, `validate`, find `duplicates`, …"""

import contextlib
import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

SOURCES = (
    "soulchat, smilechat-v1, smilechat-v2, smile-plain, cpsycound, cpsycoune, emollm, psyqa, efaqa, esconv, "
    "empathetic-dialogues, mindchat, sharegpt, alpaca, messages, csv, parquet"
)
CORPORA = "'sample', a file or folder in a known format, FORMAT:PATH, hf:NAMESPACE/NAME[@REVISION]; any number of them"

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
    except BrokenPipeError:  # whoever read has read enough, as `head` does
        sys.stderr.close()
        raise typer.Exit(0) from None
    except (ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


@app.command()
def build(
    corpora: Annotated[list[str], typer.Argument(help=CORPORA, metavar="CORPUS...")],
    out: Annotated[Path, typer.Option(help="the corpus folder; replaced once the new one is whole")] = Path(
        "soulchat"
    ),
    work: Annotated[Path, typer.Option(help="scratch, where a killed build goes on; keeps rejected.jsonl")] = Path(
        "build/corpus"
    ),
    config: Annotated[Path | None, typer.Option(help="YAML of all settings", show_default="corpus.yaml")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="stage.key=value, over the YAML")] = None,
    takedown: Annotated[Path | None, typer.Option(help="ids to leave out", show_default="takedown.txt")] = None,
    test_set: Annotated[
        list[str] | None, typer.Option(help="a corpus that this one must not contain, such as another's test set")
    ] = None,
    decisions: Annotated[Path | None, typer.Option(help="of `review`: its folder `decisions`")] = None,
    executor: Annotated[str, typer.Option(help="pool, or datatrove's local, slurm, ray, jobs")] = "pool",
    workers: Annotated[int, typer.Option(help="processes or tasks at once; 0: as many as cores", min=0)] = 0,
    executor_options: Annotated[
        Path | None, typer.Option(help="YAML of arguments for datatrove's executor, such as partition and time")
    ] = None,
) -> None:
    """Build the corpus: Parquet shards by topic and split, a report with plots, and the dataset card.

    Killed and started again, it goes on where it was. Conversations in a crisis go to a set of their own beside it.

    \b
    Examples:
      python -m dataset_builder build sample
      python -m dataset_builder build dialogues.jsonl.gz cpsycound:CPsyCounD.tar.gz --set clean.paper_filter=true
    """
    from dataset_builder.build import Build
    from dataset_builder.build import build as build_corpus
    from dataset_builder.config import FILE, load_config
    from dataset_builder.inputs import inputs
    from dataset_builder.licences import TAKEDOWN
    from dataset_builder.licences import takedown as taken_down
    from dataset_builder.pipeline.executors import executor_from
    from dataset_builder.progress import progress_bars

    with clear_errors(), progress_bars() as progress:
        what = Build(
            inputs=tuple(inputs(corpora)),
            config=load_config(config or FILE, settings or ()),
            out=out.absolute(),
            work=work.absolute(),
            taken_down=taken_down(takedown or TAKEDOWN),
            external=tuple(inputs(test_set)) if test_set else (),
            executor=executor_from(executor, workers, executor_options),
            decisions=decisions,
        )
        report = build_corpus(what, progress)
        print(f"{report.line()} -> {out}: {report.splits_line()}")
        for note in report.notes(out, work, decisions):
            print(f"note: {note}", file=sys.stderr)


@app.command()
def read(
    source: Annotated[str, typer.Argument(help=f"the upstream format: {SOURCES}")],
    path: Annotated[Path, typer.Argument(help="the upstream file, folder or archive")],
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
    reasons: Counter[str] = Counter()
    with clear_errors(), contextlib.ExitStack() as files:
        rejects_file = files.enter_context(rejects.open("w", encoding="utf-8")) if rejects else None
        for result in read_dialogues(path, source):
            if isinstance(result, Record):
                kept += 1
                print(json.dumps(result.as_dict(), ensure_ascii=False))
            else:
                rejected += 1
                reasons[result.reason] += 1
                if rejects_file:
                    print(json.dumps({"id": result.id, "reason": result.reason}), file=rejects_file)
        why = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        print(f"kept {kept}, rejected {rejected}" + (f" ({why})" if why else ""), file=sys.stderr)


@app.command()
def duplicates(
    file: Annotated[Path, typer.Argument(help="records, one JSON object a line, with an id and messages or text")],
) -> None:
    """Print {id, cluster} for every record; rows of one cluster are near-duplicates.

    \b
    Examples:
      python -m dataset_builder duplicates records.jsonl > clusters.jsonl
      python -m dataset_builder duplicates records.jsonl | jq -r .cluster | sort | uniq -c | sort -rn | head
    """
    from dataset_builder.duplicates import find

    with clear_errors():
        for identifier, cluster in find(file):
            print(json.dumps({"id": identifier, "cluster": cluster}, ensure_ascii=False))


@app.command()
def rewrite(
    path: Annotated[
        Path,
        typer.Argument(
            help="{question_id, question, answer?, topic?, source?, license?} a line, or a .csv of these; .gz too"
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="accepted.jsonl, rejected.jsonl, report.json and all answers, of these questions only")
    ],
    base_url: Annotated[
        str | None, typer.Option(help="an OpenAI-compatible endpoint; its key is OPENAI_API_KEY")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="a model, or several by weight: NAME=0.99,OTHER=0.01",
            show_default="the paper's: gpt-3.5-turbo=0.99,gpt-4=0.01",
        ),
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="paper-zh, paper-en, smile or soulchat-hub")] = None,
    concurrency: Annotated[int | None, typer.Option(help="requests in flight")] = None,
    max_cost: Annotated[float | None, typer.Option(help="dollars before which it stops; 0: no limit")] = None,
    shard: Annotated[str | None, typer.Option(help="i/n: this machine's part of n; outputs concatenate")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML of all settings", show_default="rewrite.yaml")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, over the YAML")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print what it would cost, ask nothing")] = False,
    batch: Annotated[
        Path | None, typer.Option(help="a folder for a Batch API's requests: write them there, ask nothing")
    ] = None,
    results: Annotated[
        list[Path] | None, typer.Option(help="what came back for --batch: keep it, ask nothing")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="make rows of other questions or settings again, from the answers kept")
    ] = False,
) -> None:
    """Turn single-turn questions into conversations with a language model; check each, and ask once more if refused.

    Killed and started again it goes on, and asks for nothing that it has an answer to.

    \b
    Examples:
      python -m dataset_builder rewrite q.jsonl --base-url http://127.0.0.1:8000/v1 --model qwen --out build/rewritten
      python -m dataset_builder rewrite q.jsonl --base-url $URL --model small=0.99,large=0.01 --out out --max-cost 50
    """
    from dataset_builder.progress import status_line
    from dataset_builder.rewriting import offline
    from dataset_builder.rewriting.config import FILE, load_config, models_from
    from dataset_builder.rewriting.rewrite import rewrite as rewrite_questions

    complete = True
    with clear_errors():
        chosen = load_config(
            config or FILE,
            settings or (),
            base_url=base_url,
            models=None if model is None else models_from(model),
            prompt=prompt,
            concurrency=concurrency,
            max_cost=max_cost,
            shard=shard,
        )
        if dry_run:
            estimated = offline.estimated(chosen, path)
            print(f"note: {estimated.line()}", file=sys.stderr)
            print(json.dumps(estimated.as_dict()))
        elif results:
            if batch is None:
                raise ValueError("--results needs --batch FOLDER, that the requests were written to")
            found, missing = offline.imported(chosen, path, results, out, batch)
            print(f"note: {found.line()}", file=sys.stderr)
            then = f"{missing:,} questions have none: a new --batch, or" if missing else "every question has one:"
            print(f"note: {then} the command without --batch goes on", file=sys.stderr)
        elif batch:
            if max_cost is not None:
                raise ValueError("--max-cost does not hold for a --batch; see what it will cost with --dry-run")
            written = offline.exported(chosen, path, out, batch)
            for file in written.files:
                print(file)
            if not written.files:
                print("note: every question has an answer: the command without --batch goes on", file=sys.stderr)
        else:
            report = rewrite_questions(chosen, path, out, status_line(), anew=anew)
            print(f"{report.line()} -> {out}")
            complete = report.complete
    if not complete:
        raise typer.Exit(1)


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(help="a JSON string a line: what a model wrote, all of it, as one text")],
) -> None:
    """Print {accepted, reason, messages} for every transcript, by the rules that rewritten conversations must pass.

    A line holds a transcript and nothing else, as in "用户：……\\n咨询师：……"; of rows, jq takes it out.

    \b
    Examples:
      jq -c .text rows.jsonl > transcripts.jsonl
      python -m dataset_builder validate transcripts.jsonl > verdicts.jsonl
      python -m dataset_builder validate transcripts.jsonl | jq -r .reason | sort | uniq -c
    """
    from dataclasses import asdict

    from dataset_builder.rewriting.validate import validate as validate_transcript

    with clear_errors(), file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                transcript = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{file}:{number} is no JSON ({error}); each line is a JSON string") from None
            if not isinstance(transcript, str):
                raise ValueError(f"{file}:{number} {_no_transcript(transcript, file)}")
            print(json.dumps(asdict(validate_transcript(transcript)), ensure_ascii=False))


def _no_transcript(value: object, file: Path) -> str:
    """What a line of `validate` is instead of a transcript, and how to get at one."""
    if not isinstance(value, dict):
        return f"holds a JSON {type(value).__name__}; each line is a JSON string, the transcript"
    if isinstance(value.get("messages"), list):
        return "holds a row with messages, not a transcript; `build` reads such rows and applies its own rules"
    longest = sorted((key for key in value if isinstance(value[key], str)), key=lambda key: -len(value[key]))
    key = next(key for key in ("transcript", *longest, "text") if key in value or key == "text")
    jq = f"jq -c '.[{json.dumps(key, ensure_ascii=False)}] | strings' {shlex.quote(str(file))}"
    return f"holds a row, not a transcript; each line is a JSON string, which this would print: {jq}"


@app.command()
def review(
    corpus: Annotated[str, typer.Argument(help="what to read: anything that `build` reads, as accepted.jsonl")],
    reviewer: Annotated[
        list[str],
        typer.Option(help="a reviewer's name; once for each, all from the start: another needs another --out"),
    ],
    out: Annotated[Path, typer.Option(help="links, the sample, and decisions as they are made")] = Path(
        "build/review"
    ),
    size: Annotated[int, typer.Option(help="conversations of the sample", min=1)] = 200,
    overlap: Annotated[float, typer.Option(help="share that everybody reads, for their agreement")] = 0.2,
    questions: Annotated[
        Path | None, typer.Option(help="the file that was given to `rewrite`, to show beside")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 7861,
    agreement: Annotated[bool, typer.Option("--agreement", help="print how far reviewers agree, and end")] = False,
) -> None:
    """Serve a page on which people accept, edit or reject a sample; `build --decisions` applies what they decide.

    \b
    Examples:
      python -m dataset_builder review build/rewritten/accepted.jsonl --questions q.jsonl --reviewer 林 --reviewer 周
      python -m dataset_builder review sample --reviewer 林 --agreement
    """
    from dataclasses import asdict

    from dataset_builder.review.agreement import agreement as agree
    from dataset_builder.review.serve import serve
    from dataset_builder.review.store import load_decisions

    with clear_errors():
        if agreement:
            print(json.dumps(asdict(agree(load_decisions(out / "decisions"))), ensure_ascii=False))
            return
        serve(corpus, out, reviewer, port, size=size, overlap=overlap, questions=str(questions or ""))


@app.command()
def figures(
    source: Annotated[str, typer.Argument(help=f"'sample', or the upstream format: {SOURCES}")],
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
        results = list(read_dialogues("sample" if path is None else path, None if path is None else source))
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
