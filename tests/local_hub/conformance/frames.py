"""pandas by `hf://`, and polars through HfFileSystem: its own `hf://` knows huggingface.co alone."""

import pandas
import polars
import pyarrow.parquet
from huggingface_hub import HfFileSystem
from place import Place

ROWS = {"id": ["一", "二", "三"], "n": [1, 2, 3]}


def pandas_writes_and_reads_parquet(at: Place) -> None:
    at.new(repo_type="dataset")
    address = f"hf://datasets/{at.repo}/data/rows.parquet"
    pandas.DataFrame(ROWS).to_parquet(address)
    assert pandas.read_parquet(address).to_dict("list") == ROWS
    assert pandas.read_parquet(address, columns=["n"]).to_dict("list") == {"n": [1, 2, 3]}


def pandas_writes_and_reads_csv(at: Place) -> None:
    at.new(repo_type="dataset")
    address = f"hf://datasets/{at.repo}/rows 1.csv"
    pandas.DataFrame(ROWS).to_csv(address, index=False)
    assert pandas.read_csv(address).to_dict("list") == ROWS


def pandas_writes_and_reads_json_lines(at: Place) -> None:
    at.new(repo_type="dataset")
    address = f"hf://datasets/{at.repo}/rows.jsonl"
    pandas.DataFrame(ROWS).to_json(address, orient="records", lines=True, force_ascii=False)
    assert pandas.read_json(address, lines=True).to_dict("list") == ROWS


def pandas_reads_a_model_repository_and_a_revision(at: Place) -> None:
    at.new()
    old = at.put("metrics.csv", "step,loss\n1,2.5\n")
    at.put("metrics.csv", "step,loss\n1,2.5\n2,1.5\n")
    assert len(pandas.read_csv(f"hf://{at.repo}/metrics.csv")) == 2
    assert len(pandas.read_csv(f"hf://{at.repo}@{old}/metrics.csv")) == 1


def pandas_reads_private_with_the_token_alone(at: Place) -> None:
    at.new(repo_type="dataset", private=True)
    at.put("rows.csv", "n\n1\n", repo_type="dataset")
    address = f"hf://datasets/{at.repo}/rows.csv"
    assert pandas.read_csv(address)["n"].tolist() == [1]
    try:
        pandas.read_csv(address, storage_options={"token": False})
    except FileNotFoundError:
        return
    raise AssertionError


def polars_reads_and_writes_parquet(at: Place) -> None:
    at.new(repo_type="dataset")
    path = f"datasets/{at.repo}/data/rows.parquet"
    with HfFileSystem().open(path, "wb") as stream:
        polars.DataFrame(ROWS).write_parquet(stream)
    with HfFileSystem().open(path, "rb") as stream:
        assert polars.read_parquet(stream).to_dict(as_series=False) == ROWS


def polars_reads_csv_and_json_lines(at: Place) -> None:
    at.new(repo_type="dataset")
    at.put("rows.csv", "id,n\n一,1\n", repo_type="dataset")
    at.put("rows.jsonl", '{"id": "一", "n": 1}\n', repo_type="dataset")
    system, expected = HfFileSystem(), {"id": ["一"], "n": [1]}
    with system.open(f"datasets/{at.repo}/rows.csv", "rb") as stream:
        assert polars.read_csv(stream).to_dict(as_series=False) == expected
    with system.open(f"datasets/{at.repo}/rows.jsonl", "rb") as stream:
        assert polars.read_ndjson(stream).to_dict(as_series=False) == expected


def polars_scans_many_files_by_pyarrow(at: Place) -> None:
    at.new(repo_type="dataset")
    for number in range(3):
        pandas.DataFrame({"n": [number]}).to_parquet(f"hf://datasets/{at.repo}/part-{number}.parquet")
    paths = HfFileSystem().glob(f"datasets/{at.repo}/*.parquet")
    table = pyarrow.parquet.read_table(paths, filesystem=HfFileSystem())
    assert sorted(polars.from_arrow(table)["n"].to_list()) == [0, 1, 2]


def a_large_column_is_read_by_range(at: Place) -> None:
    at.new(repo_type="dataset")
    address = f"hf://datasets/{at.repo}/wide.parquet"
    pandas.DataFrame({"small": range(200), "large": [at.noise(10_000, str(n)) for n in range(200)]}).to_parquet(
        address
    )
    assert pandas.read_parquet(address, columns=["small"])["small"].tolist() == list(range(200))
    assert pandas.read_parquet(address)["large"][199] == at.noise(10_000, "199")
