"""Proof: whatever befalls an upstream file, a reader gives rows and counted rejections, or one clear error.

5,000 damaged files per reader. No exception but SourceError; all that is yielded can be written as JSON and UTF-8; no
lost neighbour: where the damage touched one dialogue, or the file was cut, all others come out as they were; and what
is left of a damaged dialogue is cleaned into a valid record or rejected.
"""

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dataset_builder.clean import clean
from dataset_builder.config import CleanConfig, load_config
from dataset_builder.records import Rejection
from dataset_builder.sources import READERS, SourceError
from tests.conftest import PROOF_SEED
from tests.dataset_builder.sources.form import Form
from tests.dataset_builder.sources.mutations import mutated
from tests.dataset_builder.sources.upstream import FORMS, unit_id

CASES = 5_000  # of each reader
UNITS = 5
REASON = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+){0,4}")
TEXT_OR_NONE = ("topic", "question_id", "answer", "source", "license", "rewriter")


def read(reader: str, path: Path) -> tuple[list[Any], SourceError | None]:
    """What a reader yields, and the error that ended it."""
    found: list[Any] = []
    try:
        for item in READERS[reader](path):
            found.append(item)
    except SourceError as error:
        return found, error
    return found, None


def rows(items: Iterable[Any]) -> list[Any]:
    return [item for item in items if not isinstance(item, Rejection)]


def comparable(row: Any) -> str:
    """A row as text, without what depends on how many dialogues stand before it."""
    return json.dumps({key: value for key, value in row.items() if key not in ("id", "question_id")}, sort_keys=True)


def unit_of(row: Any) -> int:
    """Which unit an undamaged row is of: each bears the id of its own in all that is said."""
    text = json.dumps(row, ensure_ascii=False)
    (unit,) = [n for n in range(UNITS) if unit_id(n) in text]
    return unit


def check(items: Iterable[Any], error: SourceError | None, path: Path) -> None:
    """That all is well-formed: rows, rejections, and the one line of an error."""
    for item in items:
        if isinstance(item, Rejection):
            assert REASON.fullmatch(item.reason), item
            assert item.id
            item.id.encode()
            continue
        json.dumps(item, ensure_ascii=False, allow_nan=False).encode()
        assert isinstance(item["id"], str) and item["id"], item
        assert {"id", "messages"} <= set(item) <= {"id", "messages", *TEXT_OR_NONE}, item
        assert all(item.get(key) is None or isinstance(item[key], str) for key in TEXT_OR_NONE), item
    if error:
        text = str(error)
        assert path.name in text, text
        assert text.isprintable() and len(text) < 600, text


def lost(expected: Sequence[str], items: Iterable[Any]) -> list[str]:
    """Those of the expected rows that do not come, in their order."""
    found = map(comparable, rows(items))
    return [row for row in expected if row not in found]  # `in` goes on from where it was


class Fuzz:
    """One form of one reader: its undamaged rows, by unit, and one damaged file after another."""

    def __init__(self, reader: str, form: Form, folder: Path) -> None:
        self.reader, self.form, self.folder = reader, form, folder
        self.units = [form.unit(n) for n in range(UNITS)]
        folder.mkdir(exist_ok=True)
        items, error = read(reader, form.write(folder, self.units))
        assert error is None
        self.rows = [(comparable(row), unit_of(row)) for row in rows(items)]
        assert {unit for _, unit in self.rows} == set(range(UNITS))
        self.known = {row for row, _ in self.rows}

    def expected(self, units: Iterable[int]) -> list[str]:
        """The rows of these units, in the order in which they are read."""
        wanted = set(units)
        return [row for row, unit in self.rows if unit in wanted]

    def case(self, draw: random.Random, outcomes: Counter[str]) -> list[Any]:
        """One damaged file; returns the rows that no undamaged file gives."""
        if draw.random() < 0.6:
            path, expected = self._one_unit(draw)
        elif self.form.pack == "" and draw.random() < 0.3:
            path, expected = self._cut(draw)
        else:
            path, expected = self._any_bytes(draw)
        items, error = read(self.reader, path)
        check(items, error, path)
        missing = lost(expected, items)
        assert not missing, f"lost {missing} ({error})"
        read_rows = rows(items)
        outcomes.update(files=1, errors=error is not None, rows=len(read_rows), rejections=len(items) - len(read_rows))
        return [row for row in read_rows if comparable(row) not in self.known]

    def _one_unit(self, draw: random.Random) -> tuple[Path, list[str]]:
        at = draw.randrange(UNITS)
        units = [*self.units]
        units[at] = mutated(draw, units[at])
        return self.form.write(self.folder, units), self.expected(n for n in range(UNITS) if n != at)

    def _cut(self, draw: random.Random) -> tuple[Path, list[str]]:
        whole = self.form.bytes_of(self.units)
        at = draw.randrange(len(whole))
        path = self.form.write(self.folder, self.units)
        path.write_bytes(whole[:at])
        ends = [len(self.form.bytes_of(self.units[: n + 1])) - len(self.form.tail) for n in range(UNITS)]
        return path, self.expected(n for n in range(UNITS) if ends[n] + 1 <= at)

    def _any_bytes(self, draw: random.Random) -> tuple[Path, list[str]]:
        path = self.form.write(self.folder, self.units)
        file = draw.choice(sorted(f for f in path.rglob("*") if f.is_file())) if path.is_dir() else path
        file.write_bytes(mutated(draw, file.read_bytes()))
        return path, []


def clean_or_rejected(row: Any, reader: str, config: CleanConfig) -> None:
    """That any row comes out of cleaning as a conversation, or with a reason."""
    result = clean(row, source=reader, config=config)
    if isinstance(result, Rejection):
        assert REASON.fullmatch(result.reason), result
        return
    kept = result.record.as_dict()
    json.dumps(kept, ensure_ascii=False, allow_nan=False).encode()
    roles = [message["role"] for message in kept["messages"]]
    assert roles and roles == ["user", "assistant"] * (len(roles) // 2)
    assert all(message["content"] == message["content"].strip() != "" for message in kept["messages"])
    assert all(isinstance(kept[key], str) and kept[key] for key in ("id", "question_id", "source", "license"))


@pytest.mark.proof
@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_file_gives_rows_and_rejections_or_one_clear_error(
    reader: str, tmp_path: Path, share: float, outcomes: dict[str, Counter[str]]
) -> None:
    forms = [Fuzz(reader, form, tmp_path / str(at)) for at, form in enumerate(FORMS[reader])]
    config = load_config().clean
    for number in range(round(CASES * share)):
        draw = random.Random(f"{PROOF_SEED} {reader} {number}")
        try:
            for row in forms[number % len(forms)].case(draw, outcomes[reader]):
                clean_or_rejected(row, reader, config)
        except Exception as error:
            error.add_note(f"{reader}, form {number % len(forms)}, case {number}")
            raise
    assert outcomes[reader]["files"] == round(CASES * share)


@pytest.fixture(scope="module")
def outcomes(share: float, record: Callable[..., None]) -> Iterator[dict[str, Counter[str]]]:
    """What came of the damaged files of each reader; kept once all have been through it."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    yield found
    if all(found[reader]["files"] == round(CASES * share) for reader in READERS):
        record(
            "upstream_fuzz",
            ["pyarrow"],
            files=sum(counts["files"] for counts in found.values()),
            per_reader={reader: dict(counts) for reader, counts in found.items()},
            tracebacks=0,
            lost_neighbours=0,
        )


ARRAYS = [(reader, at) for reader, forms in FORMS.items() for at, form in enumerate(forms) if form.head == b"["]


@pytest.mark.parametrize(
    "damage", ['"', "[", '{"', "null", '[{"a": [[]', '{"role": "x"}, {"role": "y"}, {"role": "z"}]}']
)
@pytest.mark.parametrize(("reader", "at"), ARRAYS)
def test_what_is_left_of_an_element_of_an_array_takes_no_other_with_it(
    reader: str, at: int, damage: str, tmp_path: Path
) -> None:
    fuzz = Fuzz(reader, FORMS[reader][at], tmp_path)
    for place in range(UNITS):
        units = [*fuzz.units[:place], damage.encode(), *fuzz.units[place + 1 :]]
        items, _ = read(reader, fuzz.form.write(tmp_path, units))
        assert not lost(fuzz.expected(n for n in range(UNITS) if n != place), items), place


def test_every_reader_has_a_form_that_it_reads_whole(tmp_path: Path) -> None:
    assert set(FORMS) == set(READERS)
    for reader, forms in FORMS.items():
        for at, form in enumerate(forms):
            path = form.write(tmp_path, [form.unit(n) for n in range(40)])
            items, error = read(reader, path)
            assert error is None
            # All that cannot be attributed in a thread of efaqa is one rejection.
            assert {item.reason for item in items if isinstance(item, Rejection)} <= {"addressee_unclear"}
            assert all(any(unit_id(n) in str(row) for row in rows(items)) for n in range(40)), (reader, at)
