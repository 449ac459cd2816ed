"""What all benchmarks do alike: environments of peers, the machine, the result file and whether its bars held."""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn


def python_with(packages: tuple[str, ...], build: Path) -> str:
    """The Python of an environment with these packages, made where it is not there yet; this one where there are none.

    Raises:
        OSError: where they cannot be installed.
    """
    if not packages:
        return sys.executable
    folder = build / re.sub(r"\[.*\]", "", packages[0]).replace("==", "-")
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"{' '.join(packages)} cannot be installed: {done.stderr[-300:]}")
        (folder / "installed").touch()
    return str(python)


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {"cores": os.cpu_count(), "cpu": cpu, "python": platform.python_version()}


def write(found: Mapping[str, Any], out: Path, digits: int = 4) -> None:
    """Keep what was found, its fractions rounded, as JSON."""
    out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_rounded(found, digits), indent=1, ensure_ascii=False) + "\n"
    out.write_text(text, encoding="utf-8")


def finish(limits: Mapping[str, bool]) -> NoReturn:
    """Print which bars held, and exit with 1 where one did not."""
    for limit, held in limits.items():
        print(f"{'held' if held else 'MISSED'}: {limit}")
    raise SystemExit(0 if all(limits.values()) else 1)


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item, digits) for item in value]
    return round(value, digits) if isinstance(value, float) else value
