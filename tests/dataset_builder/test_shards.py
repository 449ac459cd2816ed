"""The published Parquet: the loading script's rows, in a layout that old and new readers stream."""

import json
import random
import re

import polars
import pytest
from pyarrow import parquet

from dataset_builder import shards
from dataset_builder.shards import ROW_GROUP, measure_shards, write_shards


def rows(count, topic="family", prefix="c"):
    for i in range(count):
        messages = [
            {"role": "user", "content": f"第{i}次说起这件事，还是睡不好"},
            {"role": "assistant", "content": f"这是第{i}次，愿意说说是什么让你睡不着吗？"},
        ]
        yield {
            "id": f"{prefix}-{i}",
            "topic": topic,
            "messages": messages,
            "question_id": f"q-{i}",
            "source": "made",
            "license": "cc-by-4.0",
            "rewriter": "human",
        }


@pytest.fixture
def partitions(tmp_path):
    folder = tmp_path / "partitions"

    def put(name, records, partition="family"):
        (folder / partition).mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (folder / partition / name).write_text(lines, encoding="utf-8")
        return folder

    return put


def write(folder, out, partition="family"):
    return write_shards(partition, folder, out, out.parent / f"{out.name}-cache")


def test_every_split_is_written_with_its_rows_in_their_order(partitions, tmp_path):
    partitions("train.jsonl", rows(5))
    found = write(partitions("test.jsonl", rows(2, prefix="t")), tmp_path / "out")
    assert list(found) == ["train", "test"]
    assert [file.name for file in found["train"].files] == ["train-00000-of-00001.parquet"]
    assert parquet.read_table(tmp_path / "out" / "train-00000-of-00001.parquet").to_pylist() == list(rows(5))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "test-00000-of-00001.parquet",
        "train-00000-of-00001.parquet",
    ]


def test_several_input_files_are_one_split_in_the_order_of_their_names(partitions, tmp_path):
    partitions("train-00001.jsonl", rows(2, prefix="b"))
    folder = partitions("train-00000.jsonl", rows(2, prefix="a"))
    write(folder, tmp_path / "out")
    table = parquet.read_table(tmp_path / "out" / "train-00000-of-00001.parquet")
    assert table["id"].to_pylist() == ["a-0", "a-1", "b-0", "b-1"]


def test_the_schema_names_no_library_and_the_pages_have_an_index(partitions, tmp_path):
    found = write(partitions("train.jsonl", rows(3)), tmp_path / "out")
    footer = parquet.read_metadata(found["train"].files[0])
    assert b"huggingface" not in (footer.metadata or {})
    assert parquet.read_schema(found["train"].files[0]).metadata is None
    columns = [footer.row_group(0).column(i) for i in range(footer.num_columns)]
    assert all(column.has_offset_index for column in columns)
    with_statistics = {column.path_in_schema for column in columns if column.is_stats_set}
    assert {"id", "topic", "source"} <= with_statistics
    assert not any(path.startswith("messages") for path in with_statistics), "what people said is in no footer"


def test_row_groups_are_of_one_size_but_the_last(partitions, tmp_path):
    found = write(partitions("train.jsonl", rows(2 * ROW_GROUP + 7)), tmp_path / "out")
    footer = parquet.read_metadata(found["train"].files[0])
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [ROW_GROUP, ROW_GROUP, 7]


def test_a_large_split_is_cut_into_numbered_shards_without_losing_a_row(partitions, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD_BYTES", 1_000)
    found = write(partitions("train.jsonl", rows(3 * ROW_GROUP)), tmp_path / "out")["train"]
    assert [file.name for file in found.files] == [f"train-0000{i}-of-00003.parquet" for i in range(3)]
    assert [row for file in found.files for row in parquet.read_table(file)["id"].to_pylist()] == [
        row["id"] for row in rows(3 * ROW_GROUP)
    ]
    assert found.rows == 3 * ROW_GROUP
    assert found.disk_bytes == sum(file.stat().st_size for file in found.files)


def test_equal_rows_give_equal_bytes(partitions, tmp_path):
    folder = partitions("train.jsonl", rows(1_200))
    first, second = (write(folder, tmp_path / name)["train"].files[0].read_bytes() for name in ("one", "two"))
    assert first == second


def test_a_killed_write_leaves_nothing_that_the_next_one_believes(partitions, tmp_path, monkeypatch):
    folder, out = partitions("train.jsonl", rows(1_500)), tmp_path / "out"
    real, calls = shards._rewrite, []

    def killed(source, unfinished, split):
        calls.append(split)
        real(source, unfinished, split)
        raise KeyboardInterrupt

    monkeypatch.setattr(shards, "_rewrite", killed)
    with pytest.raises(KeyboardInterrupt):
        write(folder, out)
    assert calls == ["train"] and not out.exists()
    monkeypatch.setattr(shards, "_rewrite", real)
    partitions("train.jsonl", rows(3))  # what was prepared before the kill is of other rows
    assert write(folder, out)["train"].rows == 3


def test_what_is_whole_is_not_written_again(partitions, tmp_path):
    folder, out = partitions("train.jsonl", rows(3)), tmp_path / "out"
    first = write(folder, out)
    stamp = first["train"].files[0].stat().st_mtime_ns
    assert write(folder, out) == first == measure_shards(out)
    assert first["train"].files[0].stat().st_mtime_ns == stamp


def test_after_a_deletion_most_bytes_are_as_they_were(partitions, tmp_path, monkeypatch):
    """Pages are cut where the content says so: Xet stores again what changed, not all that has moved."""
    draw = random.Random(7)
    many = list(rows(3_000))
    for row in many:
        text = "".join(chr(0x4E00 + draw.randrange(4_000)) for _ in range(1_000))
        row["messages"] = [{"role": "user", "content": text}]

    def stored_again(name):
        before = write(partitions("train.jsonl", many), tmp_path / f"{name}-before")["train"].files[0].read_bytes()
        after = (
            write(partitions("train.jsonl", many[:10] + many[11:]), tmp_path / f"{name}-after")["train"]
            .files[0]
            .read_bytes()
        )
        known = set(pieces(before))
        return sum(len(piece) for piece in pieces(after) if piece not in known) / len(after)

    by_content = stored_again("by-content")
    monkeypatch.setitem(shards.LAYOUT, "use_content_defined_chunking", False)
    assert by_content < 0.5 < 0.7 < stored_again("by-size")


def pieces(data):
    """Bytes cut as Xet cuts them, where they themselves say so: after two bytes that stand every 64 KB."""
    return re.split(rb"(?<=\xa7\x5c)", data)


def test_polars_reads_it(partitions, tmp_path):
    file = write(partitions("train.jsonl", rows(4)), tmp_path / "out")["train"].files[0]
    assert polars.read_parquet(file)["messages"].to_list() == [row["messages"] for row in rows(4)]
