"""The second stage: a raw shard, cleaned; what was kept, with the keys and signatures that later stages group by."""

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from dataset_builder import minhash
from dataset_builder.clean import Cleaned, clean, read_record
from dataset_builder.cleaning import shape
from dataset_builder.cleaning.residue import template_keys
from dataset_builder.config import CorpusConfig
from dataset_builder.inputs import NAMED_BY_FILE, Input
from dataset_builder.pipeline.ingest import raw_rows
from dataset_builder.records import Messages, Record, Rejection, opening
from dataset_builder.review.apply import Outcome, apply, audit
from dataset_builder.sources import Row

CHECK = 1_000_003
"""Added to the seed of the signatures that the leakage check uses: what one set misses, the other finds."""
MESSAGE_SAMPLE = 400
"""Characters of each turn that a rejected dialogue is written out with: enough to judge it by."""


@dataclass(frozen=True)
class Clean:
    """Task n cleans raw shard n into records.jsonl, crisis.jsonl, rejected.jsonl, keys.npz and two signature files."""

    shards: tuple[tuple[int, Path], ...]
    inputs: tuple[Input, ...]
    config: CorpusConfig
    taken_down: frozenset[str]
    test_set: bool = False  # of others: a question that nobody answered is a row too
    decisions: Mapping[str, Outcome] = field(default_factory=dict)  # of reviewers, by the id of what they read

    def __call__(self, task: int, folder: Path) -> dict[str, Any]:
        number, shard = self.shards[task]
        counts = Counts(self.inputs[number].name)
        kept: list[Record] = []
        with (
            (folder / "records.jsonl").open("w", encoding="utf-8") as records,
            (folder / "crisis.jsonl").open("w", encoding="utf-8") as crises,
            (folder / "rejected.jsonl").open("w", encoding="utf-8") as rejects,
            (folder / "reviewed.jsonl").open("w", encoding="utf-8") as log,
        ):
            for row in raw_rows(shard):
                result = self._clean(row, counts.source, log)
                counts.add(result)
                if isinstance(result, Rejection):
                    rejects.write(_line(rejected(result, counts.source, row)))
                elif result.crisis:
                    crises.write(_line(_with_about(result)))
                else:
                    records.write(_line(_with_about(result)))
                    kept.append(result.record)
        write_keys(folder, kept, self.config)
        return counts.as_dict()

    def needs(self, task: int) -> list[Path]:
        return [self.shards[task][1]]

    def _clean(self, row: Row | Rejection, source: str, log: TextIO) -> Cleaned | Rejection:
        if isinstance(row, Rejection):
            return row
        if self.test_set:
            row = _answered(row)
        if not self.decisions:
            return self._by_rules(row, source)
        read = read_record(row, source=source, config=self.config.clean)
        if isinstance(read, Record) and (decided := self._reviewed(row, read, log)) is not row:
            if isinstance(decided, Rejection):
                return decided
            row = decided
        result = self._by_rules(row, source)
        if isinstance(result, Rejection):
            return result
        if isinstance(read, Record) and result.record.id == read.id:
            return result  # the text that was asked about above: again, it would be logged twice and edited twice
        if (decided := self._reviewed(row, result.record, log)) is row:
            return result
        return decided if isinstance(decided, Rejection) else self._by_rules(decided, source)

    def _by_rules(self, row: Row, source: str) -> Cleaned | Rejection:
        listed = self._listed(source)
        return clean(row, source=source, config=self.config.clean, taken_down=self.taken_down, listed=listed)

    def _reviewed(self, row: Row, record: Record, log: TextIO) -> Row | Rejection:
        """`row` as those who read it want it, raw or cleaned; and who they are, in the log."""
        outcome = self.decisions.get(record.id)
        if outcome is None:
            return row
        log.write(_line(audit(record, outcome)))
        after = apply(record, outcome)
        if isinstance(after, Rejection):
            return Rejection(str(row["id"]), after.reason)
        if after is record:
            return row
        edited = row.copy()
        edited["messages"], edited["question_id"] = after.messages, record.question_id
        return edited

    def _listed(self, source: str) -> bool:
        """Whether the ledger knows the source by its reader; a file that is called like a source is none."""
        return all(each.reader not in NAMED_BY_FILE for each in self.inputs if each.name == source)


def _answered(row: Row) -> Row:
    """`row`, with a reply that says nothing where there is none: prompts alone are a test set as well."""
    turns = row.get("messages")
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
        return row
    if any(shape.ROLES.get(str(turn.get("role")).strip().lower()) == "assistant" for turn in turns):
        return row
    answered = row.copy()
    answered["messages"] = [*turns, {"role": "assistant", "content": "（无）"}]
    return answered


class Counts:
    """What happened to the rows of one source; those of several shards add up."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.numbers: dict[str, Counter[str]] = {
            name: Counter() for name in ("rows", "rejected", "repaired", "personal_data")
        }

    def add(self, result: Cleaned | Rejection) -> None:
        numbers = self.numbers
        numbers["rows"]["read"] += 1
        if isinstance(result, Rejection):
            numbers["rows"]["rejected"] += 1
            numbers["rejected"][result.reason] += 1
            return
        numbers["rows"]["crisis" if result.crisis else "kept"] += 1
        numbers["rows"]["traditional"] += result.traditional
        numbers["repaired"].update(result.repairs)
        numbers["personal_data"].update(result.personal_data)

    def as_dict(self) -> dict[str, Any]:
        return {"source": self.source, **self.numbers}


def write_keys(folder: Path, records: list[Record], config: CorpusConfig) -> None:
    """What the grouping needs of `records`, as arrays: hashes of 64 bits, byte offsets, MinHash signatures."""
    with (folder / "records.jsonl").open("rb") as lines:
        offsets = [0, *itertools.accumulate(map(len, lines))]
    templates = [(key, index) for index, record in enumerate(records) for key in set(template_keys(record.messages))]
    np.savez(
        folder / "keys.npz",
        content=_keys(text_of(record.messages) for record in records),
        question=_keys(f"{record.source}\0{record.question_id}" for record in records),
        opening=_keys(opening(record.messages) for record in records),
        rank=_keys(_ranked(record.question_id, config.splits.seed) for record in records),
        offsets=np.array(offsets, dtype=np.int64),
        template_keys=np.array([key for key, _ in templates], dtype=np.uint64),
        template_rows=np.array([index for _, index in templates], dtype=np.int64),
    )
    texts = [text_of(record.messages) for record in records]
    seed = config.duplicates.seed
    np.save(folder / "signatures.npy", minhash.signatures(texts, seed=seed))
    np.save(folder / "check.npy", minhash.signatures(texts, seed=seed + CHECK))


def text_of(messages: Messages) -> str:
    """What near-duplicates are looked for in: all turns."""
    return "\n".join(message["content"] for message in messages)


def key_of(text: str) -> int:
    """A hash of 64 bits: that two of 350,000 texts share one by chance is 1 in 300 million."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def rejected(result: Rejection, source: str, row: Any) -> dict[str, Any]:
    """A rejection as it is written out: with the start of each turn, so that it can be read."""
    messages = row.get("messages") if isinstance(row, dict) else None
    return {"id": result.id, "reason": result.reason, "source": source, "messages": _shortened(messages)}


def _shortened(messages: Any) -> Any:
    if not isinstance(messages, list):
        return None
    return [
        {key: str(value)[:MESSAGE_SAMPLE] for key, value in turn.items() if key in ("role", "content")}
        if isinstance(turn, dict)
        else str(turn)[:MESSAGE_SAMPLE]
        for turn in messages
    ]


def _with_about(result: Cleaned) -> dict[str, Any]:
    return {
        "record": result.record.as_dict(),
        "source_id": result.source_id,
        "repairs": result.repairs,
        "traditional": result.traditional,
        "tier": result.tier,
        "paper": result.paper,
    }


def _ranked(question_id: str, seed: int) -> str:
    return question_id if not seed else f"{seed}\0{question_id}"


def _keys(texts: Iterable[str]) -> Any:
    return np.array([key_of(text) for text in texts], dtype=np.uint64)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
