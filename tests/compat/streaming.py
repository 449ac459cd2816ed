"""What a stream of the corpus fetches before its first row, by row-group size: why `shards.ROW_GROUP` is what it is.

    python tests/compat/streaming.py ROWS.jsonl     # records, as `dataset_builder read` prints them; a JSON object

The file is uploaded to a local Hub; `load_dataset(…, streaming=True)` reads it through a proxy that counts bytes.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SIZES = (100, 1_000, 10_000, 1_000_000)
UPLOAD = """
import sys; from huggingface_hub import HfApi
api = HfApi(); api.create_repo(sys.argv[1], repo_type="dataset")
api.upload_file(repo_id=sys.argv[1], repo_type="dataset", path_or_fileobj=sys.argv[2], path_in_repo="train.parquet")
"""
READ = """
import json, os, sys, time; from datasets import load_dataset
rows, start = iter(load_dataset(sys.argv[1], split="train", streaming=True)), time.monotonic()
next(rows); first = time.monotonic() - start
seen = 1 + (sum(1 for _ in rows) if sys.argv[2] == "all" else 0)
found = {"first_row_s": round(first, 3), "rows": seen, "all_s": round(time.monotonic() - start, 2)}
print(json.dumps(found), flush=True)
os._exit(0)  # pyarrow's readers, left in the middle, can keep a process from ending
"""


class Proxy:
    """Passes connections on to a port and counts the bytes that come back."""

    def __init__(self, target: int) -> None:
        self.target, self.received, self.port = target, 0, 0

    async def pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: bool) -> None:
        try:
            while data := await reader.read(1 << 16):
                self.received += len(data) if counted else 0
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # a client that has its row hangs up
        finally:
            writer.close()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self.pipe(reader, there[1], False), self.pipe(there[0], writer, True))

    @contextmanager
    def running(self) -> Iterator[str]:
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self.connect, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        Thread(target=loop.run_forever, daemon=True).start()
        yield f"http://127.0.0.1:{self.port}"
        loop.call_soon_threadsafe(loop.stop)


def output(code: str, *arguments: str, python: str = sys.executable, **environment: str) -> str:
    """What `code` prints in a process of `python`, with an empty HF_HOME."""
    with tempfile.TemporaryDirectory() as home:
        result = subprocess.run(
            [python, "-c", code, *arguments],
            env=os.environ | {"HF_HOME": home, "HF_HUB_DISABLE_PROGRESS_BARS": "1"} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    if result.returncode:
        sys.exit(result.stderr[-2000:])
    return result.stdout


def measure(file: Path, repo: str, python: str) -> dict[str, Any]:
    """Bytes fetched and seconds until the first row and for all rows, of a file on the Hub of HF_ENDPOINT."""
    output(UPLOAD, repo, str(file))
    found: dict[str, Any] = {"file_mb": round(file.stat().st_size / 1e6, 2)}
    for what in ("first", "all"):
        proxy = Proxy(int(os.environ["HF_ENDPOINT"].rsplit(":", 1)[1]))
        with proxy.running() as endpoint:
            times = json.loads(output(READ, repo, what, python=python, HF_ENDPOINT=endpoint))
        found |= {f"{what}_mb": round(proxy.received / 1e6, 2)} | times
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=Path, help="records, JSON Lines")
    parser.add_argument("--python", default=sys.executable, help="whose `datasets` reads")
    arguments = parser.parse_args()
    if "HF_ENDPOINT" not in os.environ:  # a local Hub around the same command
        with tempfile.TemporaryDirectory() as root:
            hub = [sys.executable, "-m", "local_hub", "run", "--root", root, "--"]
            sys.exit(subprocess.run([*hub, sys.executable, __file__, *sys.argv[1:]], cwd=ROOT).returncode)
    import pyarrow
    from pyarrow import parquet

    sys.path.insert(0, str(ROOT))
    from dataset_builder.corpus import FEATURES
    from dataset_builder.shards import LAYOUT

    with arguments.rows.open(encoding="utf-8") as lines:
        table = pyarrow.Table.from_pylist([json.loads(line) for line in lines], FEATURES.arrow_schema)
    report = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            file = Path(folder) / f"{size}.parquet"
            parquet.write_table(table.replace_schema_metadata(None), file, row_group_size=size, **LAYOUT)
            report[str(size)] = measure(file, f"local/rows-{size}", arguments.python)
            print(size, report[str(size)], file=sys.stderr)
    print(json.dumps({"rows": table.num_rows, "arrow_mb": round(table.nbytes / 1e6, 1), "by_row_group": report}))


if __name__ == "__main__":
    main()
