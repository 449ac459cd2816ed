"""Cleaning on real dialogues: most pass, what is repaired stays repaired, and 350,000 of them take minutes."""

import gzip
import json
import time
from itertools import islice
from pathlib import Path

import pytest

from dataset_builder.cleaning import identity, residue, text
from dataset_builder.cleaning import shape as shapes

SMILECHAT = Path(__file__).resolve().parents[4] / "shared" / "data" / "smilechat-v2" / "dialogues.jsonl.gz"
REPAIRS = {**text.REPAIRS, **residue.REPAIRS}
RULES = {**shapes.RULES, **text.RULES, **residue.RULES, **identity.RULES}


@pytest.fixture(scope="module")
def dialogues():
    with gzip.open(SMILECHAT, "rt", encoding="utf-8") as lines:
        shaped = [shapes.shape(json.loads(line)["messages"]) for line in islice(lines, 1000)]
    return [dialogue.messages for dialogue in shaped if isinstance(dialogue, shapes.Shaped)]


def repaired(messages):
    for repair in REPAIRS.values():
        messages = repair(messages)
    return messages


@pytest.mark.skipif(not SMILECHAT.exists(), reason="the real corpus is not beside this checkout")
def test_real_dialogues_are_repaired_once_and_mostly_kept(dialogues):
    kept = 0
    for messages in dialogues:
        once = repaired(messages)
        assert repaired(once) == once
        kept += not any(rule(once) for rule in RULES.values())
    assert 0.97 * len(dialogues) < kept < len(dialogues)


@pytest.mark.skipif(not SMILECHAT.exists(), reason="the real corpus is not beside this checkout")
def test_a_dialogue_costs_about_a_millisecond(dialogues):
    repaired(dialogues[0])  # compiles and loads
    start = time.process_time()
    for messages in dialogues[:300]:
        once = repaired(messages)
        for rule in RULES.values():
            rule(once)
    assert (time.process_time() - start) / 300 < 0.004  # 0.0005 s on an idle machine
