"""One of several that push at once: ten commits to one branch, each a file of its own."""

import json
import sys

from huggingface_hub import HfApi

api, who = HfApi(), sys.argv[1]
for number in range(10):
    api.upload_file(repo_id="local/busy", path_or_fileobj=who.encode(), path_in_repo=f"{who}/{number}.txt")
print(json.dumps({}))
