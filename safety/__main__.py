"""`python -m safety`: the screen as a filter over JSON Lines, and the numbers to call."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from safety.helplines import hotlines as all_hotlines
from safety.helplines import stale
from safety.screening import screen as screen_conversation

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def main() -> None:
    """Crisis language and hotlines."""


@app.command(
    epilog="Examples:\n\npython -m safety screen turns.jsonl\n\npython -m safety screen dialogues.jsonl | jq .tier"
)
def screen(file: Annotated[Path, typer.Argument(help='A JSON string, or {"messages": […]}, a line.')]) -> None:
    """Print {tier, reasons} for every line: a text, or a conversation's user turns."""
    try:
        lines = file.open(encoding="utf-8")
    except OSError as error:
        _fail(f"{file} cannot be read: {error.strerror}")
    with lines:
        try:
            for number, line in enumerate(lines, start=1):
                screening = screen_conversation(_parse(line, f"{file}, line {number}"))
                print(json.dumps({"tier": screening.tier, "reasons": screening.reasons}))
        except UnicodeDecodeError as error:
            _fail(f"{file} is not UTF-8: {error.reason} at byte {error.start}; convert it first")


@app.command(epilog="Examples:\n\npython -m safety hotlines\n\npython -m safety hotlines | jq .number")
def hotlines() -> None:
    """Print every number as a JSON object; warn of those that nobody has verified for a year."""
    for entry in all_hotlines():
        print(json.dumps(vars(entry) | {"last_verified": str(entry.last_verified)}, ensure_ascii=False))
    for entry in stale(date.today()):
        typer.echo(f"warning: {entry.number} was last verified on {entry.last_verified}; check it again", err=True)


def _parse(line: str, where: str) -> str | list[dict[str, Any]]:
    try:
        value = json.loads(line)
    except ValueError as error:
        _fail(f"{where}: no JSON ({error}); each line is a JSON string or an object with 'messages'")
    if isinstance(value, str):
        return value
    messages = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(messages, list):
        _fail(f"{where}: neither a JSON string nor an object with a list 'messages'")
    for index, message in enumerate(messages):
        if not (
            isinstance(message, dict)
            and isinstance(message.get("role"), str)
            and isinstance(message.get("content"), str)
        ):
            _fail(f"{where}: message {index} has no string 'role' and 'content'")
    return messages


def _fail(message: str) -> NoReturn:
    sys.stdout.flush()  # what was screened before is not lost
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
