"""Upload argv[2] to the model argv[1] as xet/data.bin, once per line of input, whose text is the commit's title.

Each answer is a line too: the commit's id, or why there is none. The Hub is being killed meanwhile, so there may be
no connection to it; but it has no reason to refuse anything.
"""

import json
import sys
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

api, source = HfApi(), Path(sys.argv[2])
for line in sys.stdin:
    try:
        commit = api.upload_file(
            repo_id=sys.argv[1], path_or_fileobj=source, path_in_repo="xet/data.bin", commit_message=line.strip()
        )
        answer = {"commit": commit.oid}
    except HfHubHTTPError as error:
        answer = {"refused": str(error)}
    except Exception as error:  # hf_xet has its own for a lost connection, httpx others
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
