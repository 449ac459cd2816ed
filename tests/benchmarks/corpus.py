"""The whole pipeline: dialogues per CPU second on real rows, and whether ten times the rows take ten times the time.

    python tests/benchmarks/corpus.py                    # into results/benchmarks/corpus.json
    python tests/benchmarks/corpus.py --rows 2000 20000 --out /tmp/try.json

Every figure is of `python -m dataset_builder build` as a user starts it, with all that it starts: wall seconds, CPU
seconds, and the highest sum of the resident memory of its processes, looked at ten times a second. The rows are 8,000
real dialogues where ../shared/data is present, and dialogues grown from the sample, one in a hundred of them a near
copy of the one before (tests/dataset_builder/synthetic.py).
"""

import argparse
import json
import os
import platform
import random
import resource
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.dataset_builder.synthetic import dialogues  # noqa: E402  (the project's root is no package)

REAL = ROOT.parent / "shared" / "data" / "smilechat-v2" / "dialogues.jsonl.gz"
SEED, COPIES, CHANGED = 5, 100, 0.02
MEMORY_MB, GROWTH = 2000, 1.3


def build(corpus: str, folder: Path) -> dict[str, Any]:
    """What a build of `corpus` took."""
    command = [sys.executable, "-m", "dataset_builder", "build", corpus]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began, peak = time.monotonic(), 0
    with (folder / "log").open("w") as log:
        process = psutil.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)
        while process.poll() is None:
            peak = max(peak, _memory(process))
            time.sleep(0.1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"the build of {corpus} failed:\n{(folder / 'log').read_text()[-3000:]}")
    report = json.loads((folder / "soulchat" / "report" / "report.json").read_text(encoding="utf-8"))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "rows": report["read"],
        "kept": report["kept"],
        "leakage": 0 if report["leakage"]["none"] else 1,
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(cpu, 1),
        "cpu_ms_a_row": round(1000 * cpu / report["read"], 3),
        "rows_a_cpu_s": round(report["read"] / cpu, 1),
        "peak_mb": round(peak / 1e6),
    }


def _memory(process: psutil.Process) -> int:
    total = 0
    for each in [process, *_children(process)]:
        try:
            total += each.memory_info().rss
        except psutil.Error:
            continue
    return total


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def grow(count: int, path: Path) -> None:
    """`count` dialogues; every hundredth is the one before with 2 % of its characters changed."""
    draw = random.Random(SEED)
    last: dict[str, Any] = {}
    with path.open("w", encoding="utf-8") as file:
        for number, row in enumerate(dialogues(count, seed=SEED)):
            if number % COPIES == COPIES - 1:
                messages = [turn | {"content": _changed(turn["content"], draw)} for turn in last["messages"]]
                row = row | {"messages": messages}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            last = row


def _changed(text: str, draw: random.Random) -> str:
    return "".join(draw.choice("天地玄黄宇宙洪荒") if draw.random() < CHANGED else letter for letter in text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs=2, default=[35_000, 350_000], help="the two sizes that are compared")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks" / "corpus.json")
    options = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        jobs = [(f"grown-{rows}", rows) for rows in options.rows]
        if REAL.exists():
            results["real"] = _fresh(f"smilechat-v2:{REAL}", Path(scratch) / "real")
            print(json.dumps(results["real"]), flush=True)
        for name, rows in jobs:
            path = Path(scratch) / f"{name}.jsonl"
            grow(rows, path)
            results[name] = _fresh(f"messages:{path}", Path(scratch) / name)
            print(json.dumps(results[name]), flush=True)
    small, large = (results[name] for name, _ in jobs)
    growth = large["cpu_ms_a_row"] / small["cpu_ms_a_row"]
    bars = {
        f"memory below {MEMORY_MB} MB": max(each["peak_mb"] for each in results.values()) < MEMORY_MB,
        f"time a row within {GROWTH} times": growth <= GROWTH,
        "no leakage": not any(each["leakage"] for each in results.values()),
    }
    about = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": {"cores": os.cpu_count(), "cpu": platform.processor() or platform.machine()},
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "pyarrow", "datasets")},
        "seed": SEED,
    }
    text = json.dumps(about | {"results": results, "growth": round(growth, 3), "bars": bars}, indent=1) + "\n"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")
    print(text, end="")
    if not all(bars.values()):
        raise SystemExit(f"missed: {', '.join(bar for bar, held in bars.items() if not held)}")


def _fresh(corpus: str, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    return build(corpus, folder)


if __name__ == "__main__":
    main()
