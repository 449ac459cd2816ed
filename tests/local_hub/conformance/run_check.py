"""Run one check: python run_check.py MODULE CHECK xet|lfs. It must be a process of its own, with a fresh HF_HOME."""

import importlib
import sys
import tempfile
from pathlib import Path

from huggingface_hub import HfApi, constants
from place import Place

module, check, road = sys.argv[1:]
assert (road == "lfs") == constants.HF_HUB_DISABLE_XET
name = f"{module}.{check}-{road}".replace("__", "_").replace("_.", ".")
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
    getattr(importlib.import_module(module), check)(Place(name[-90:].lstrip("-_."), Path(work), HfApi()))
