"""Writes what the proofs and the benchmark found into local_hub/README.md: `python -m tests.local_hub.readme`."""

import json
from pathlib import Path
from typing import Any

from dataset_builder.readme import replace_block

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "local_hub" / "README.md"
BEGIN = "<!-- measured: written by `python -m tests.local_hub.readme` from results/; do not edit -->"
END = "<!-- /measured -->"


def _read(*parts: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(ROOT.joinpath("results", *parts).read_text(encoding="utf-8"))
    return loaded


def body() -> str:
    return "\n".join(["## What was measured", "", *_proofs(), "", *_costs()])


def _proofs() -> list[str]:
    """What `make prove` found; each is an assertion first, so a figure is here only if it held."""
    conformance = _read("proofs", "local_hub_conformance.json")
    kills, fuzz = _read("proofs", "local_hub_kills.json"), _read("proofs", "local_hub_fuzz.json")
    named = ("huggingface-hub", "datasets", "transformers", "gradio")
    clients = ", ".join(f"{name} {conformance['versions'][name]}" for name in named)
    older = " and ".join(f"{count} runs with huggingface_hub {name}" for name, count in conformance["older"].items())
    commits = kills["commits"]
    return [
        f"- **Clients**: {conformance['checks']} checks by unmodified {clients}, each in a process and cache of its "
        f"own, pass with Xet and without; so do {older}, of those that need nothing else.",
        f"- **Kills**: after {kills['kills']} SIGKILLs under six concurrent pushers, {kills['cutting']} of which cut "
        f"a request, none of {commits['acknowledged']:,} acknowledged commits was lost and none of "
        f"{commits['on_branch']:,} on the branch was torn; `git fsck --strict` is silent.",
        f"- **Fuzz**: {fuzz['cases']:,} malformed requests each got an answer, never a 500, read and wrote nothing "
        f"outside the root, and made the server grow by {fuzz['peak_memory_grown_mb']} MB at most.",
        "",
        "`make prove` does all of it again; `make test` does a tenth.",
    ]


def _costs() -> list[str]:
    bench = _read("benchmarks", "local_hub.json")
    large, many, machine = bench["large_file"], bench["many"], bench["machine"]
    names = {"upload_xet": "upload over Xet", "upload_lfs": "upload over LFS", "download": "download"}
    rows = [
        f"| {name} | {large[key]['memory_mb']:.0f} MB | {large[key]['cpu_s']:.1f} s | {large[key]['cpu_ratio']:.2f} |"
        for key, name in names.items()
    ]
    small = many["small_files_one_commit"]
    up, down = many["clients_at_once_upload"], many["clients_at_once_download"]
    return [
        f"Of {bench['size_mb']:,} MB, on {machine['cores']} cores ({machine['cpu']}), the server alone: memory above "
        f"its {bench['idle_memory_mb']:.0f} MB when idle, CPU seconds, and those over the CPU seconds of copying the "
        "file and hashing it in Python.",
        "",
        "| | memory | CPU | ratio |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"1,500 small files in one commit: {small['wall_s']:.1f} s with the client, {small['cpu_s']:.1f} s of the "
        f"server's CPU. Sixteen clients at once, 20 MB each: {up['wall_s']:.0f} s up, {down['wall_s']:.0f} s down, "
        f"{max(up['memory_mb'], down['memory_mb']):.0f} MB more memory. {_peer(bench['peer'])}",
        "",
        "`make bench` measures it again.",
    ]


def _peer(peer: dict[str, Any]) -> str:
    found = peer["downloads"]
    if found is None:
        return ""
    large, small = found["large_file"], found["small_files"]
    return (
        f"Downloads beside {peer['name'].replace('==', ' ')}, a read-only mirror, in the same run: it takes "
        f"{large['ratio']['cpu_s']:.0f} times our CPU and {large['memory_mb']['peer']:,.0f} MB for the large file, "
        f"{small['ratio']['cpu_s']:.1f} times our CPU for 200 small ones ({large['ratio']['wall_s']:.1f} and "
        f"{small['ratio']['wall_s']:.1f} times our time)."
    )


if __name__ == "__main__":
    replace_block(README, BEGIN, END, body())
