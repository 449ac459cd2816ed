"""datasets against the Hub in HF_ENDPOINT: an uploaded corpus and a pushed one, loaded and streamed."""

import json
import sys
from pathlib import Path

from datasets import Dataset, get_dataset_config_names, load_dataset
from huggingface_hub import HfApi

work = Path(sys.argv[1])
seen: dict[str, object] = {}

corpus = work / "corpus"
for topic in ("family", "career"):
    (corpus / topic).mkdir(parents=True)
    rows = {"id": [f"{topic}-{i}" for i in range(50)], "text": ["你好"] * 50}
    Dataset.from_dict(rows).to_parquet(corpus / topic / "train-00000.parquet")
configs = "\n".join(f"- config_name: {t}\n  data_files: {t}/*.parquet" for t in ("family", "career"))
(corpus / "README.md").write_text(f"---\nconfigs:\n{configs}\n---\n# corpus\n")

api = HfApi()
api.create_repo("local/corpus", repo_type="dataset")
api.upload_folder(repo_id="local/corpus", repo_type="dataset", folder_path=corpus)
seen["configs"] = sorted(get_dataset_config_names("local/corpus"))
seen["loaded"] = load_dataset("local/corpus", "family", split="train")[49]
seen["streamed"] = next(iter(load_dataset("local/corpus", "career", split="train", streaming=True)))

for topic in ("family", "career"):
    Dataset.from_dict({"id": [topic]}).push_to_hub("local/pushed", config_name=topic, private=True)
seen["pushed"] = [load_dataset("local/pushed", topic)["train"][0]["id"] for topic in ("family", "career")]
Dataset.from_dict({"id": ["new"]}).push_to_hub("local/pushed", config_name="family", revision="next", create_pr=False)
seen["revision"] = load_dataset("local/pushed", "family", revision="next", split="train")["id"][0]
print(json.dumps(seen))
