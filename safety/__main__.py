"""`python -m safety`: the screens as filters over JSON Lines, and the numbers to call."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from safety.helplines import hotlines as all_hotlines
from safety.helplines import stale
from safety.personal_data import redact as redact_text
from safety.screening import screen as screen_conversation

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def main() -> None:
    """Crisis language, personal data and hotlines."""


@app.command(
    epilog="Examples:\n\npython -m safety screen turns.jsonl\n\npython -m safety screen dialogues.jsonl | jq .tier"
)
def screen(file: Annotated[Path, typer.Argument(help='A JSON string, or {"messages": […]}, a line.')]) -> None:
    """Print {tier, reasons} for every line: a text, or a conversation's user turns."""
    for value, where in _values(file):
        screening = screen_conversation(_text_or_messages(value, where))
        print(json.dumps({"tier": screening.tier, "reasons": screening.reasons}))


@app.command(
    epilog="Examples:\n\npython -m safety redact turns.jsonl\n\npython -m safety redact turns.jsonl | jq -r .text"
)
def redact(file: Annotated[Path, typer.Argument(help="A JSON string a line.")]) -> None:
    """Print {text, found: [{kind, start, end}]} for every line: placeholders in the place of personal data."""
    for value, where in _values(file):
        if not isinstance(value, str):
            _fail(f"{where}: a JSON {type(value).__name__} and no string; each line is a text as a JSON string")
        text, found = redact_text(value)
        print(json.dumps({"text": text, "found": [asdict(piece) for piece in found]}, ensure_ascii=False))


@app.command(epilog="Examples:\n\npython -m safety hotlines\n\npython -m safety hotlines | jq .number")
def hotlines() -> None:
    """Print every number as a JSON object; warn of those that nobody has verified for a year."""
    for entry in all_hotlines():
        print(json.dumps(vars(entry) | {"last_verified": str(entry.last_verified)}, ensure_ascii=False))
    for entry in stale(date.today()):
        typer.echo(f"warning: {entry.number} was last verified on {entry.last_verified}; check it again", err=True)


def _values(file: Path) -> Iterator[tuple[Any, str]]:
    """The JSON value of every line, and where it stands."""
    try:
        lines = file.open(encoding="utf-8")
    except OSError as error:
        _fail(f"{file} cannot be read: {error.strerror}")
    with lines:
        try:
            for number, line in enumerate(lines, start=1):
                where = f"{file}, line {number}"
                try:
                    yield json.loads(line), where
                except ValueError as error:
                    _fail(f"{where}: no JSON ({error}); each line is a JSON string or an object with 'messages'")
        except UnicodeDecodeError as error:
            _fail(f"{file} is not UTF-8: {error.reason} at byte {error.start}; convert it first")


def _text_or_messages(value: Any, where: str) -> str | list[dict[str, Any]]:
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
