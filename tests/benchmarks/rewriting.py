"""Rewriting beside distilabel and a bare loop over the same client: same endpoint, same machine, a process each.

    python tests/benchmarks/rewriting.py                    # into results/benchmarks/rewriting.json
    python tests/benchmarks/rewriting.py --rows 20000 --out /tmp/try.json

The endpoint (tests/dataset_builder/rewriting/scripted.py) is a process of its own on loopback. Ours is
`python -m dataset_builder rewrite` as a user starts it: it reads, asks, keeps every answer on disk, checks every
conversation and writes them in order. The bare loop asks with the same client and keeps and checks nothing; distilabel
1.5.3 generates text with its own OpenAI client, in a virtual environment of its own under build/bench, and checks
nothing. Requests per second are of the time after the first answer.
"""

import argparse
import heapq
import json
import os
import platform
import random
import resource
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.dataset_builder.rewriting.scripted import Script  # noqa: E402  (the project's root is no package)

DISTILABEL = "1.5.3"
SEED = 5

BARE = """
import asyncio, sys; from openai import AsyncOpenAI, DefaultAioHttpClient
url, count, concurrency = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
async def main():
    client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0, http_client=DefaultAioHttpClient())
    numbers = iter(range(count))
    async def worker():
        for n in numbers:
            await client.chat.completions.create(model="m", max_tokens=4096,
                messages=[{"role": "user", "content": f"bare {n} " + "长" * 700}])
    await asyncio.gather(*(worker() for _ in range(concurrency)))
asyncio.run(main())
"""
PEER = """
import sys; from distilabel.models import OpenAILLM; from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts; from distilabel.steps.tasks import TextGeneration
url, count, concurrency = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rows = [{"instruction": f"peer {n} " + "长" * 700} for n in range(count)]
with Pipeline(name="peer") as pipeline:
    load = LoadDataFromDicts(data=rows, batch_size=concurrency)
    llm = OpenAILLM(model="m", base_url=url, api_key="none", generation_kwargs={"max_new_tokens": 4096})
    load >> TextGeneration(llm=llm, input_batch_size=concurrency)
if __name__ == "__main__":
    found = pipeline.run(use_cache=False)["default"]["train"]
    assert sum(bool(row["generation"]) for row in found) == count
"""


@contextmanager
def serving(folder: Path, script: Script) -> Any:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module = "tests.dataset_builder.rewriting.scripted"
    command = [sys.executable, "-m", module, str(port), str(folder / "paid.log"), script.as_json()]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert process.stdout
    try:
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def timed(command: list[str], log: Path) -> dict[str, Any]:
    """Seconds from the first answer in `log` to the end, CPU seconds and the most memory of all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    log.unlink(missing_ok=True)
    log.touch()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    process = psutil.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    began, peak, early = None, 0, 0
    started = time.monotonic()
    while process.poll() is None:
        if began is None and log.stat().st_size:
            began = time.monotonic()
        try:
            each = [process, *process.children(recursive=True)]
            peak = max(peak, sum(one.memory_info().rss for one in each))
        except psutil.Error:
            pass
        time.sleep(0.02)
    took = time.monotonic() - (began or started)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{command[:4]} failed:\n{process.stderr.read().decode()[-3000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(took, 2), "cpu_s": round(cpu, 2), "peak_mb": round(max(peak, early) / 1e6)}


def questions(folder: Path, count: int) -> Path:
    path = folder / f"questions-{count}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for n in range(count):
            row = {
                "question_id": f"q{n}",
                "question": f"第{n}件事。" + "长" * 300,
                "answer": f"第{n}个回答。" + "答" * 400,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def ours(url: str, path: Path, out: Path, concurrency: int) -> list[str]:
    arguments = ["rewrite", path, "--base-url", url, "--model", "m", "--out", out, "--concurrency", concurrency]
    return [sys.executable, "-m", "dataset_builder", *map(str, arguments)]


def perfect(count: int, concurrency: int, script: Script) -> float:
    """Seconds that a pool takes which wastes nothing, on answers drawn as the endpoint draws them."""
    draw = random.Random(SEED)
    free = [0.0] * concurrency
    for _ in range(count):
        heapq.heappush(free, heapq.heappop(free) + (script.slow_s if draw.random() < script.slow else script.seconds))
    return max(free)


def peer_python() -> Path:
    """An interpreter that has distilabel."""
    folder = ROOT / "build" / "bench" / f"distilabel-{DISTILABEL}"
    if not (folder / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            f"distilabel[openai]=={DISTILABEL}",
        ]
        subprocess.run(install, check=True)
    return folder / "bin" / "python"


def compared(folder: Path, script: Script, count: int, concurrency: int, contenders: dict[str, int]) -> dict[str, Any]:
    """Requests per second of each contender, of as many requests as it is given."""
    found = {}
    for name, asked in contenders.items():
        with serving(folder, script) as url:
            if name == "ours":
                command = ours(url, questions(folder, asked), folder / f"out-{time.monotonic_ns()}", concurrency)
            elif name == "bare loop":
                command = [sys.executable, "-c", BARE, url, str(asked), str(concurrency)]
            else:
                (folder / "peer.py").write_text(PEER, encoding="utf-8")
                command = [str(peer_python()), str(folder / "peer.py"), url, str(asked), str(concurrency)]
            each = timed(command, folder / "paid.log")
        found[name] = each | {"requests": asked, "requests_a_second": round(asked / each["seconds"], 1)}
        print(json.dumps({name: found[name]}), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="questions of the run whose memory is watched")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks" / "rewriting.json")
    options = parser.parse_args()
    fast, tail = Script(seconds=0.05), Script(seconds=0.05, slow=0.02, slow_s=2.0)
    long = Script(seconds=1.0, slow=0.02, slow_s=20.0)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        contenders = {"ours": 6_000, "bare loop": 6_000, f"distilabel {DISTILABEL}": 2_000}
        results["64 in flight, 50 ms"] = compared(folder, fast, 6_000, 64, contenders)
        contenders[f"distilabel {DISTILABEL}"] = 640
        results["64 in flight, 50 ms, 2 % take 2 s"] = compared(folder, tail, 6_000, 64, contenders)
        results["64 in flight, 1 s, 2 % take 20 s"] = compared(folder, long, 1_500, 64, {"ours": 1_500})
        best = perfect(1_500, 64, long)
        results["64 in flight, 1 s, 2 % take 20 s"]["a perfect pool"] = {"seconds": round(best, 2)}
        results["memory"] = memory(folder, options.rows)
    about = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": {"cores": os.cpu_count(), "cpu": platform.processor() or platform.machine()},
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("openai", "aiohttp")} | {"distilabel": DISTILABEL},
        "seed": SEED,
    }
    text = json.dumps(about | {"results": results, "ratios": ratios(results)}, indent=1, ensure_ascii=False) + "\n"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")
    print(text, end="")


def memory(folder: Path, rows: int) -> dict[str, Any]:
    """The most memory at a tenth of the rows and at all of them, and how long a start over all of them takes."""
    found: dict[str, Any] = {}
    for count in (rows // 10, rows):
        path, out = questions(folder, count), folder / f"many-{count}"
        with serving(folder, Script()) as url:
            found[f"{count} rows"] = timed(ours(url, path, out, 64), folder / "paid.log")
            print(json.dumps(found), flush=True)
            if count == rows:
                again = timed(ours(url, path, out, 64), folder / "paid.log")
                found["started again, all done"] = again | {"requests": (folder / "paid.log").stat().st_size}
    return found


def ratios(results: dict[str, Any]) -> dict[str, float]:
    found = {}
    for name, each in results.items():
        if "bare loop" in each:
            rate = {who: one["requests_a_second"] for who, one in each.items()}
            found[f"ours to distilabel, {name}"] = round(rate["ours"] / rate[f"distilabel {DISTILABEL}"], 2)
            found[f"ours to a bare loop, {name}"] = round(rate["ours"] / rate["bare loop"], 2)
    long = results["64 in flight, 1 s, 2 % take 20 s"]
    found["of a perfect pool"] = round(long["a perfect pool"]["seconds"] / long["ours"]["seconds"], 3)
    return found


if __name__ == "__main__":
    main()
