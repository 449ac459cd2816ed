"""The local Hub's speed and memory, with unmodified clients; downloads beside the read-only mirror olah, in one run.

    python tests/benchmarks/local_hub.py                       # 1 GB, into results/benchmarks/local_hub.json
    python tests/benchmarks/local_hub.py --size-mb 64 --out /tmp/try.json

The limits are in CPU seconds of the server against those of copying the file and hashing it in Python, in the same
run, because wall clocks of shared machines are not to be trusted; and in resident memory above the idle server's.
"""

import argparse
import hashlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import psutil
import pygit2
from report import finish, machine, python_with, write

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("huggingface-hub", "hf-xet", "uvicorn", "starlette", "pygit2", "lz4")
PEER = "olah==0.5.4"
LIMITS = {"memory_mb": 200, "cpu_ratio": 3.5}
SMALL_FILES, CLIENTS, CLIENT_MB, PEER_FILES, RUNS = 1500, 16, 20, 200, 3

# What the clients do, each in a process of its own with an empty cache.
UPLOAD = """
import sys; from huggingface_hub import HfApi
api = HfApi(); api.create_repo(sys.argv[1], exist_ok=True)
api.upload_file(repo_id=sys.argv[1], path_or_fileobj=sys.argv[2], path_in_repo="data.bin")
"""
DOWNLOAD = """
import sys; from huggingface_hub import hf_hub_download
hf_hub_download(sys.argv[1], "data.bin", local_dir=sys.argv[2])
"""
SNAPSHOT = """
import sys; from huggingface_hub import snapshot_download
snapshot_download(sys.argv[1], local_dir=sys.argv[2])
"""
COMMIT = """
import sys; from pathlib import Path; from huggingface_hub import CommitOperationAdd, HfApi
api = HfApi(); api.create_repo(sys.argv[1], exist_ok=True)
files = [CommitOperationAdd(path.name, path) for path in sorted(Path(sys.argv[2]).iterdir())]
api.create_commit(sys.argv[1], files, commit_message="all of them")
"""


@dataclass(frozen=True)
class Server:
    """A server in a process of its own, and what it costs."""

    url: str
    process: psutil.Process

    def cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        return float(self.process.memory_info().rss) / 1e6

    def measured(self, work: Path, *clients: tuple[str, ...]) -> dict[str, float]:
        """What these clients cost, all at once: seconds of wall clock and of CPU, and MB above what it held before."""
        status = Path(f"/proc/{self.process.pid}/status")
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # the high-water mark starts anew
        cpu, memory, start = self.cpu(), self.memory(), time.perf_counter()
        with ThreadPoolExecutor(len(clients)) as pool:
            list(pool.map(lambda client: _client(self.url, work, *client), clients))
        wall = time.perf_counter() - start
        peak = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return {"wall_s": wall, "cpu_s": self.cpu() - cpu, "memory_mb": max(0.0, peak * 1024 / 1e6 - memory)}


def _client(url: str, work: Path, script: str, *arguments: str, **more: str) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    with tempfile.TemporaryDirectory(dir=work) as home:
        ours = {"HF_ENDPOINT": url, "HF_TOKEN": "local", "HF_HOME": home, "NO_PROXY": "127.0.0.1,localhost"}
        quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        if arguments[-1] == "lfs":
            arguments, more = arguments[:-1], {"HF_HUB_DISABLE_XET": "1"}
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, env={**kept, **ours, **quiet, **more}, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"a client failed: {done.stderr[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _serving(command: list[str], port: int, health: str) -> Iterator[Server]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                build_opener(ProxyHandler({})).open(url + health, timeout=5).read()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{command[0]} ended with {process.returncode}") from None
                time.sleep(0.1)
        yield Server(url, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(20)


def _ours(root: Path) -> Any:
    port = _free_port()
    command = [sys.executable, "-m", "local_hub", "serve", "--root", str(root), "--port", str(port)]
    return _serving(command, port, "/api/local-hub")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _random_file(path: Path, megabytes: int) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as stream:
        for _ in range(megabytes):
            block = os.urandom(1_000_000)
            stream.write(block)
            digest.update(block)
    return digest.hexdigest()


def _copied_and_hashed(source: Path, target: Path) -> float:
    """CPU seconds of what no store can do without: read, hash, write."""
    start, digest = time.process_time(), hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(1 << 20):
            digest.update(block)
            writer.write(block)
    target.unlink()
    return time.process_time() - start


def _large_files(hub: Server, work: Path, source: Path, sha256: str) -> dict[str, dict[str, float]]:
    # A file of its own for LFS, as one that is there already would be sent for less.
    _random_file(work / "lfs.bin", source.stat().st_size // 1_000_000)
    steps: dict[str, tuple[str, ...]] = {
        "upload_xet": (UPLOAD, "bench/xet", str(source)),
        "upload_lfs": (UPLOAD, "bench/lfs", str(work / "lfs.bin"), "lfs"),
        "download": (DOWNLOAD, "bench/xet", str(work / "down")),
    }
    found: dict[str, dict[str, float]] = {}
    for name, client in steps.items():
        # The baseline beside each step: the machine is not the same from one minute to the next.
        baseline = _copied_and_hashed(source, work / "copy")
        costs = hub.measured(work, client)
        found[name] = {**costs, "baseline_cpu_s": baseline, "cpu_ratio": costs["cpu_s"] / baseline}
        _say(f"{name}: {found[name]}")
    with (work / "down" / "data.bin").open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest() == sha256, "downloaded bytes differ"
    return found


def _many(hub: Server, work: Path) -> dict[str, dict[str, float]]:
    """Small files in one commit, and many clients at once."""
    folder = work / "small"
    folder.mkdir()
    for number in range(SMALL_FILES):
        (folder / f"{number:04}.txt").write_text(f"{number} 你好\n" * 60, encoding="utf-8")
    found = {"small_files_one_commit": hub.measured(work, (COMMIT, "bench/small", str(folder)))}
    sources = [work / f"client-{number}.bin" for number in range(CLIENTS)]
    for source in sources:
        _random_file(source, CLIENT_MB)
    names = [f"bench/client-{number}" for number in range(CLIENTS)]
    ups = [(UPLOAD, name, str(source)) for name, source in zip(names, sources, strict=True)]
    downs = [(DOWNLOAD, name, str(source) + ".down") for name, source in zip(names, sources, strict=True)]
    found["clients_at_once_upload"] = hub.measured(work, *ups)
    found["clients_at_once_download"] = hub.measured(work, *downs)
    for source in sources:
        assert Path(f"{source}.down", "data.bin").read_bytes() == source.read_bytes(), "downloaded bytes differ"
    for name, costs in found.items():
        _say(f"{name}: {costs}")
    return found


def _peer_python(build: Path) -> str | None:
    """The Python of a virtual environment that has the peer; None where it cannot be installed."""
    try:
        return python_with((PEER,), build)
    except OSError as error:
        _say(f"nothing is compared: {error}")
        return None


def _peer_repository(mirrors: Path, name: str, files: list[Path]) -> None:
    """Plain git, which is all that the peer serves without a network."""
    git = pygit2.init_repository(str(mirrors / "models" / "bench" / name), initial_head="main")
    git.config["core.compression"] = 0
    builder = git.TreeBuilder()
    for file in files:
        builder.insert(file.name, git.create_blob_fromdisk(str(file)), pygit2.enums.FileMode.BLOB)
    who = pygit2.Signature("bench", "bench@localhost")
    git.create_commit("refs/heads/main", who, who, "files", builder.write(), [])


def _against_peer(hub: Server, work: Path, source: Path, build: Path) -> dict[str, Any] | None:
    """The same downloads from both servers, in turn; ratios are the peer's cost over ours."""
    python = _peer_python(build)
    if python is None:
        return None
    small = sorted((work / "small").iterdir())[:PEER_FILES]
    _peer_repository(work / "mirrors", "large", [source])
    _peer_repository(work / "mirrors", "few", small)
    (work / "few").mkdir()
    for file in small:
        shutil.copy(file, work / "few")
    hub.measured(work, (COMMIT, "bench/few", str(work / "few")))
    hub.measured(work, (UPLOAD, "bench/large", str(source)))
    config = work / "olah.toml"
    config.write_text(
        f'[basic]\nrepos-path = "{work}/olah"\nmirrors-path = ["{work}/mirrors"]\n[accessibility]\noffline = true\n'
    )
    port = _free_port()
    command = [str(python), "-m", "olah.server", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--log-path", str(work / "olah-logs")]
    found: dict[str, Any] = {}
    with _serving(command, port, "/repos") as peer:
        for name, script, repo in (
            ("large_file", DOWNLOAD, "bench/large"),
            ("small_files", SNAPSHOT, "bench/few"),
        ):
            runs: dict[str, list[dict[str, float]]] = {"ours": [], "peer": []}
            for number in range(RUNS):
                for who, server in (("ours", hub), ("peer", peer)):
                    target = work / f"{who}-{name}-{number}"
                    runs[who].append(server.measured(work, (script, repo, str(target))))
                    shutil.rmtree(target)
            found[name] = _ratios(runs)
            _say(f"against {PEER}, {name}: {found[name]['ratio']}")
    return found


def _ratios(runs: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    pairs = list(zip(runs["peer"], runs["ours"], strict=True))
    ratio = {key: statistics.median(p[key] / max(o[key], 0.01) for p, o in pairs) for key in ("wall_s", "cpu_s")}
    memory = {who: max(run["memory_mb"] for run in runs[who]) for who in runs}
    return {"runs": runs, "ratio": ratio, "memory_mb": memory}


def _within(large: dict[str, dict[str, float]]) -> dict[str, bool]:
    return {
        f"{step} {what} below {limit}": large[step][what] < limit
        for step in ("upload_xet", "upload_lfs", "download")
        for what, limit in LIMITS.items()
    }


def benchmark(megabytes: int, build: Path) -> dict[str, Any]:
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as name:
        work = Path(name)
        source = work / "data.bin"
        sha256 = _random_file(source, megabytes)
        with _ours(work / "hub") as hub:
            hub.measured(work, (UPLOAD, "bench/warm", __file__))  # lazy imports are not a cost of any one step
            idle = hub.memory()
            large = _large_files(hub, work, source, sha256)
            many = _many(hub, work)
            peer = _against_peer(hub, work, source, build)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "size_mb": megabytes,
        "idle_memory_mb": idle,
        "large_file": large,
        "many": many,
        "peer": {"name": PEER, "downloads": peer},
        "limits": _within(large),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mb", type=int, default=1000, help="of the large file (1000)")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks" / "local_hub.json")
    options = parser.parse_args()
    found = benchmark(options.size_mb, ROOT / "build" / "bench")
    write(found, options.out, digits=3)
    finish(found["limits"])


if __name__ == "__main__":
    main()
