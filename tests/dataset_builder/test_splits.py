"""Splits: no group is in two of them, whatever the order of rows; every topic that can has a test."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dataset_builder.splits import SPLITS, TEST, TRAIN, VALIDATION, assign_splits

KINDS = (np.int64, np.int64, np.uint64)
# Rows as (group, topic, rank); topics of a group may differ.
rows = st.lists(st.tuples(st.integers(0, 12), st.integers(-1, 2), st.integers(0, 2**64 - 1)), min_size=1, max_size=80)


def assigned(rows, held_out=0.05):
    groups, topics, ranks = (
        np.array(list(column), kind) for column, kind in zip(zip(*rows, strict=True), KINDS, strict=True)
    )
    return assign_splits(groups, topics, ranks, held_out=held_out)


@given(rows)
def test_no_group_is_in_two_splits_and_train_is_never_empty(rows):
    splits = assigned(rows)
    by_group = {}
    for (group, _, _), split in zip(rows, splits, strict=True):
        by_group.setdefault(group, set()).add(int(split))
    assert all(len(its) == 1 for its in by_group.values())
    assert TRAIN in splits


@given(rows, st.randoms())
def test_splits_do_not_depend_on_the_order_of_rows(rows, random):
    distinct = [(group, topic, rank + index) for index, (group, topic, rank) in enumerate(rows) if rank < 2**63]
    if not distinct:
        return
    order = random.sample(range(len(distinct)), len(distinct))
    splits = assigned(distinct)
    assert [splits[index] for index in order] == list(assigned([distinct[index] for index in order]))


@given(st.integers(3, 60), st.integers(1, 3))
def test_a_topic_of_three_groups_or_more_reaches_all_splits(groups, size):
    rows = [(group, 0, group * 7919) for group in range(groups) for _ in range(size)]
    assert set(assigned(rows)) == set(range(len(SPLITS)))


def test_a_topic_of_two_groups_is_all_train():
    assert set(assigned([(0, 0, 5), (1, 0, 6)])) == {TRAIN}


def test_each_held_out_split_holds_about_its_share_of_a_topic():
    rows = [(group, group % 2, (group * 0x9E3779B97F4A7C15) % 2**64) for group in range(4000)]
    splits = assigned(rows)
    for topic in (0, 1):
        own = [split for (_, its, _), split in zip(rows, splits, strict=True) if its == topic]
        assert own.count(TEST) == own.count(VALIDATION) == 100


def test_what_many_rows_have_in_common_is_never_held_out():
    rows = [(0, 0, 0)] * 500 + [(group, 0, group * 7919) for group in range(1, 600)]
    assert set(assigned(rows)[:500]) == {TRAIN}


def test_a_corpus_that_grows_keeps_nearly_all_of_its_assignments():
    rows = [(group, 0, (group * 0x9E3779B97F4A7C15) % 2**64) for group in range(4200)]
    before, after = assigned(rows[:4000]), assigned(rows)[:4000]
    assert (before != after).mean() < 0.03
