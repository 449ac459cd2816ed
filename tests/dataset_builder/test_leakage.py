"""The leakage report finds what is planted across splits; comparing all pairs exactly finds no more than it does."""

from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from dataset_builder import minhash
from dataset_builder.grams import grams
from dataset_builder.leakage import EXACT, measure, near_across
from dataset_builder.pipeline.cleaning import key_of, text_of
from dataset_builder.splits import TEST, TRAIN, VALIDATION
from tests.dataset_builder.building import build_into
from tests.dataset_builder.synthetic import dialogues
from tests.dataset_builder.test_whole_corpus import edited, rows_of

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
THRESHOLD = 0.7


def measured(rows, splits, kept=None):
    texts = [text_of(row["messages"]) for row in rows]
    keys = {
        "content": [key_of(text) for text in texts],
        "opening": [key_of(row["messages"][0]["content"]) for row in rows],
        "question": [key_of(row["id"].split("-edited")[0]) for row in rows],
    }
    return measure(
        {name: np.array(values, dtype=np.uint64) for name, values in keys.items()},
        minhash.signatures(texts, seed=3),
        np.array(splits, dtype=np.uint8),
        np.ones(len(rows), dtype=bool) if kept is None else np.array(kept),
        threshold=THRESHOLD,
        text_of=texts.__getitem__,
        removed={},
    )


def test_splits_that_share_nothing_leak_nothing():
    rows = list(dialogues(12))
    found = measured(rows, [TRAIN, VALIDATION, TEST] * 4)
    assert found.none and set(found.exact["train/test"]) == set(EXACT)


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (lambda row: row, set(EXACT)),
        (lambda row: edited(row, 0.02), {"question"}),
        (lambda row: row | {"id": "other", "messages": [row["messages"][0], *next(dialogues(1, 9))["messages"][1:]]},
         {"opening"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("split", [TRAIN, VALIDATION])
def test_what_is_planted_in_a_split_and_in_test_is_counted_by_what_is_shared(plant, kinds, split):
    rows = list(dialogues(6))
    found = measured([*rows, plant(rows[0])], [TEST, TRAIN, TRAIN, TRAIN, VALIDATION, VALIDATION, split])
    pair = {TRAIN: "train/test", VALIDATION: "validation/test"}[split]
    assert {kind for kind, count in found.exact[pair].items() if count} == kinds
    near = found.near[{TRAIN: "train", VALIDATION: "validation"}[split]]
    assert near == (0 if kinds == {"opening"} else 1)
    assert not found.none


def test_a_row_that_was_taken_out_leaks_no_more():
    rows = list(dialogues(3))
    twice = [*rows, rows[0]]
    assert not measured(twice, [TEST, TRAIN, TRAIN, TRAIN]).none
    assert measured(twice, [TEST, TRAIN, TRAIN, TRAIN], kept=[True, True, True, False]).none


def test_of_two_splits_the_earlier_one_loses_the_row():
    rows = list(dialogues(4))
    texts = [text_of(row["messages"]) for row in (*rows, edited(rows[0], 0.02), edited(rows[1], 0.02))]
    splits = np.array([TEST, VALIDATION, TRAIN, TRAIN, VALIDATION, TRAIN], dtype=np.uint8)
    close = near_across(
        minhash.signatures(texts, seed=3),
        splits,
        np.ones(6, dtype=bool),
        threshold=THRESHOLD,
        text_of=texts.__getitem__,
    )
    assert list(np.flatnonzero(close)) == [4, 5]


def nearest_across(held, train):
    """The highest exact Jaccard index of a text of `held` and one of `train`: all pairs are compared."""
    known, owners = [], []
    for index, text in enumerate(train):
        mine = grams(text)
        known.append(mine)
        owners.append(np.full(len(mine), index, dtype=np.int32))
    keys, holders = np.concatenate(known), np.concatenate(owners)
    order = np.argsort(keys, kind="stable")
    keys, holders = keys[order], holders[order]
    sizes = np.array([len(each) for each in known])
    highest = 0.0
    for text in held:
        mine = grams(text)
        starts, ends = np.searchsorted(keys, mine), np.searchsorted(keys, mine, side="right")
        shared = np.bincount(
            np.concatenate([holders[a:b] for a, b in zip(starts, ends, strict=True)]), minlength=len(train)
        )
        highest = max(highest, float((shared / (sizes + len(mine) - shared)).max()))
    return highest


def test_exact_comparison_sees_a_near_copy():
    rows = [text_of(row["messages"]) for row in dialogues(20)]
    copy = text_of(edited(next(dialogues(1)), 0.02)["messages"])
    assert nearest_across([copy], rows) > THRESHOLD > nearest_across(rows[:5], rows[5:])


@pytest.mark.skipif(not DATA.exists(), reason="the real corpora are not beside this checkout")
@pytest.mark.proof
def test_no_real_row_is_near_one_of_another_split_when_all_pairs_are_compared(tmp_path, share, record):
    whole = DATA if share == 1 else DATA / "cpsycoun"
    report = build_into(tmp_path, str(whole), settings=["read.rows_per_shard=5000"])
    rows = [row for row in rows_of(tmp_path / "soulchat") if len(row["messages"]) > 2]
    texts = {split: [text_of(r["messages"]) for r in rows if r["split"] == split] for split in ("train", "test")}
    openings = {split: {r["messages"][0]["content"] for r in rows if r["split"] == split} for split in texts}
    assert not openings["train"] & openings["test"]
    held = texts["test"][: max(50, round(share * len(texts["test"])))]
    highest = nearest_across(held, texts["train"])
    assert report.leakage["none"] and highest < THRESHOLD
    index = parquet.read_table(tmp_path / "soulchat" / "report" / "rows.parquet").to_pylist()
    groups = {}
    for row in index:
        groups.setdefault(row["group"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in groups.values())
    record(
        "corpus_leakage",
        ["numpy"],
        train=len(texts["train"]),
        test=len(texts["test"]),
        openings_of_test_in_train=len(openings["train"] & openings["test"]),
        nearest=round(highest, 3),
        removed=report.leakage["removed"],
    )
