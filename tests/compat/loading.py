"""What a client's `datasets` reads of a corpus folder: run by each client's own Python, so it imports nothing of ours.

python tests/compat/loading.py FOLDER CONFIG…     # one JSON object: versions, and rows and their hash by reading
"""

import hashlib
import json
import sys
from importlib.metadata import version

from datasets import load_dataset


def digest(rows):
    """How many rows there are, and a hash of all that they hold, in their order."""
    sha, count = hashlib.sha256(), 0
    for row in rows:
        sha.update(json.dumps(row, ensure_ascii=False, sort_keys=True).encode())
        count += 1
    return [count, sha.hexdigest()[:16]]


def main(folder, *configs):
    found = {}
    for config in configs:
        for streaming in (False, True):
            splits = load_dataset(folder, config, streaming=streaming)
            how = "streamed" if streaming else "whole"
            found[f"{config} {how}"] = {split: digest(rows) for split, rows in splits.items()}
    packages = ("datasets", "huggingface_hub", "pyarrow")
    print(json.dumps({"versions": {package: version(package) for package in packages}, "found": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
