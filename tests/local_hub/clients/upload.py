"""Upload argv[2] to the model argv[1] as data.bin, download it again into a fresh folder, and compare."""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download

repo, source = sys.argv[1], Path(sys.argv[2])
api = HfApi()
api.create_repo(repo, exist_ok=True)
if "--as-stream" in sys.argv:
    with source.open("rb") as stream:
        api.upload_file(repo_id=repo, path_or_fileobj=stream, path_in_repo="data.bin")
else:
    api.upload_file(repo_id=repo, path_or_fileobj=source, path_in_repo="data.bin")
with tempfile.TemporaryDirectory() as folder:
    fetched = Path(hf_hub_download(repo, "data.bin", local_dir=folder)).read_bytes()
same = hashlib.sha256(fetched).digest() == hashlib.sha256(source.read_bytes()).digest()
print(json.dumps({"same": same, "lfs": next(iter(api.get_paths_info(repo, ["data.bin"]))).lfs is not None}))
