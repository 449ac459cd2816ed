"""EmpatheticDialogues as published: a line per utterance, its fields between commas, commas in them as `_comma_`."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dataset_builder.records import Rejection
from dataset_builder.sources.archives import is_archive
from dataset_builder.sources.files import lines, stem, unit_stem, units
from dataset_builder.sources.row import Row, SourceError

_CONVERSATION = re.compile(r"hit:[0-9]{1,12}_conv:[0-9]{1,12}")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class _Utterance:
    index: int  # in its conversation, from 1
    prompt: str  # what the first speaker was to talk about, in their own words
    speaker: str
    text: str


@dataclass(slots=True)
class _Conversation:
    name: str
    utterances: list[_Utterance]
    broken: bool  # whether a line that says it belongs here could not be read


def rows(path: Path) -> Iterator[Row | Rejection]:
    """Every conversation of a .csv file, or of train, valid and test.csv in a folder or the published archive.

    Whoever speaks first is the user: they tell of something that happened to them, and the other listens. There is no
    quoting: upstream splits at every comma, and a quotation mark is one that somebody typed. A conversation is a run
    of lines with one `conv_id` and indices from 1; the emotion in `context` is no topic. Conversations about the same
    `prompt` share a `question_id`.

    A line that cannot be read (issue 40 of the upstream repository has some) costs the conversation that it names; a
    line that names none is a rejection of its own, and the gap in the indices then gives away where it was missing.
    So no two conversations are ever glued together, and none is continued across a hole.

    Rejections: broken_line, missing_utterance, third_speaker; no_utterance, a whole file of an archive; and those of
    files.units.

    Raises:
        SourceError: as files.lines and files.units; where no line of a single file is an utterance.
    """
    if not path.is_dir() and not is_archive(path):
        yield from _file(lines(path), stem(path), path)
        return
    for unit in units(path, r"(train|valid|test)\.csv"):
        if isinstance(unit, Rejection):
            yield unit
        else:
            name, content = unit
            try:
                yield from _file(enumerate(content.split(b"\n"), 1), unit_stem(name), path / name)
            except SourceError:
                yield Rejection(name, "no_utterance")  # the other files may still be read


def _file(numbered: Iterable[tuple[int, bytes | None]], name: str, path: Path) -> Iterator[Row | Rejection]:
    current: _Conversation | None = None
    read = False
    for number, line in numbered:
        if line is not None and (not line.strip() or (number == 1 and b"utterance_idx" in line)):
            continue
        conversation, utterance = _parsed(line)
        read = read or utterance is not None
        if conversation is None:
            yield Rejection(f"{name}:{number}", "broken_line")
            continue
        if current is None or current.name != conversation or (utterance and utterance.index == 1):
            yield from _finished(current)
            current = _Conversation(conversation, [], False)
        if utterance is None:
            current.broken = True
        else:
            current.utterances.append(utterance)
    yield from _finished(current)
    if not read:
        raise SourceError(f"no line of {path} is an utterance of EmpatheticDialogues; give its train.csv, for example")


def _parsed(line: bytes | None) -> tuple[str | None, _Utterance | None]:
    """The conversation that a line names, and its utterance; None for what cannot be read."""
    raw = (line or b"").removeprefix(b"\xef\xbb\xbf").strip()
    name = raw.split(b",", 1)[0].decode("utf-8", "replace")
    conversation = name if _CONVERSATION.fullmatch(name) else None
    try:
        fields = raw.decode("utf-8").split(",")
    except UnicodeDecodeError:
        return conversation, None
    if not conversation or len(fields) not in (8, 9):  # the ninth: candidate replies
        return conversation, None
    if not _NUMBER.fullmatch(fields[1]) or not _NUMBER.fullmatch(fields[4]):
        return conversation, None
    return conversation, _Utterance(int(fields[1]), _commas(fields[3]), fields[4], _commas(fields[5]))


def _commas(text: str) -> str:
    return text.replace("_comma_", ",")


def _finished(conversation: _Conversation | None) -> Iterator[Row | Rejection]:
    if conversation is None:
        return
    name, utterances = conversation.name, conversation.utterances
    if conversation.broken:
        yield Rejection(name, "broken_line")
    elif [utterance.index for utterance in utterances] != list(range(1, len(utterances) + 1)):
        yield Rejection(name, "missing_utterance")
    elif len({utterance.speaker for utterance in utterances}) > 2:
        yield Rejection(name, "third_speaker")
    else:
        first = utterances[0]
        about = hashlib.sha256(first.prompt.encode()).hexdigest()[:16]
        yield Row(
            id=name,
            messages=[
                {"role": "user" if spoken.speaker == first.speaker else "assistant", "content": spoken.text}
                for spoken in utterances
            ],
            question_id=f"empathetic-dialogues:{about}",
            rewriter="human",
        )
