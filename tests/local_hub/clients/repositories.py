"""huggingface_hub against the Hub in HF_ENDPOINT: everything but datasets and transformers, in one process."""

import hashlib
import json
import os
import sys
from pathlib import Path

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    HfFileSystem,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

work = Path(sys.argv[1])
api = HfApi()
seen: dict[str, object] = {}


def refused(error: type[Exception], call, *arguments, **options) -> str | None:
    """The status of the expected refusal."""
    try:
        call(*arguments, **options)
    except error as caught:
        return f"{type(caught).__name__} {caught.response.status_code}"
    return None


def sha256(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


folder = work / "folder"
(folder / "nested").mkdir(parents=True)
(folder / "README.md").write_text("---\nlicense: mit\ntags: [counselling]\n---\n# 心理咨询\n", encoding="utf-8")
(folder / "nested" / "note.txt").write_text("hello")
(folder / "empty.txt").write_bytes(b"")
(folder / "weights.bin").write_bytes(os.urandom(3_000_000) + bytes(3_000_000))
(folder / "中文 name.txt").write_text("ok")

seen["user"] = api.whoami()["name"]
seen["url"] = str(api.create_repo("local/all"))
seen["created again"] = (
    str(api.create_repo("local/all", exist_ok=True)),
    refused(HfHubHTTPError, api.create_repo, "local/all"),
)
first = api.upload_folder(repo_id="local/all", folder_path=folder)
again = api.upload_folder(repo_id="local/all", folder_path=folder)
seen["no-op"] = first.oid == again.oid
info = api.model_info("local/all", files_metadata=True)
seen["siblings"] = {file.rfilename: file.size for file in info.siblings}
seen["card"] = [info.card_data["license"], "license:mit" in info.tags, "counselling" in info.tags]
seen["large"] = {file.rfilename for file in info.siblings if file.lfs} == {"weights.bin"}
seen["round trip"] = sha256(hf_hub_download("local/all", "weights.bin")) == sha256(folder / "weights.bin")
snapshot = Path(snapshot_download("local/all"))
seen["snapshot"] = all(sha256(snapshot / name) == sha256(folder / name) for name in os.listdir(folder) if "." in name)

with HfFileSystem().open("local/all/weights.bin", block_size=1024) as stream:
    stream.seek(2_999_990)
    seen["range"] = stream.read(100) == (folder / "weights.bin").read_bytes()[2_999_990:3_000_090]
seen["glob"] = HfFileSystem().glob("local/all/**/*.txt")
seen["tree"] = [entry.path for entry in api.list_repo_tree("local/all", recursive=True, expand=True)]
seen["last commit"] = next(iter(api.get_paths_info("local/all", ["nested"], expand=True))).last_commit.title
seen["paths"] = [entry.path for entry in api.get_paths_info("local/all", ["README.md", "absent", "nested"])]

api.create_branch("local/all", branch="dev/step-100")
api.upload_file(
    repo_id="local/all", path_or_fileobj=b"on a branch", path_in_repo="branch.txt", revision="dev/step-100"
)
seen["branch only"] = [
    api.file_exists("local/all", "branch.txt", revision="dev/step-100"),
    api.file_exists("local/all", "branch.txt"),
    Path(hf_hub_download("local/all", "branch.txt", revision="dev/step-100")).read_text(),
]
api.create_tag("local/all", tag="v1", tag_message="first")
refs = api.list_repo_refs("local/all")
seen["refs"] = [
    sorted(ref.name for ref in refs.branches),
    [(ref.name, ref.target_commit == first.oid) for ref in refs.tags],
]
seen["taken names"] = [
    refused(HfHubHTTPError, api.create_branch, "local/all", branch="dev/step-100"),
    refused(HfHubHTTPError, api.create_tag, "local/all", tag="v1"),
    refused(HfHubHTTPError, api.create_branch, "local/all", branch="dev"),
]
operations = [
    CommitOperationAdd("added.txt", b"added"),
    CommitOperationCopy("weights.bin", "copies/weights.bin"),
    CommitOperationCopy("empty.txt", "copies/empty.txt"),
    CommitOperationDelete("nested/"),
    CommitOperationDelete("empty.txt"),
]
mixed = api.create_commit("local/all", operations, commit_message="Mixed", parent_commit=first.oid)
seen["mixed"] = sorted(api.list_repo_files("local/all"))
stale = [CommitOperationAdd("late.txt", b"late")]
seen["stale parent"] = refused(
    HfHubHTTPError, api.create_commit, "local/all", stale, commit_message="Late", parent_commit=first.oid
)
broken = [CommitOperationAdd("half.txt", b"half"), CommitOperationDelete("absent.txt")]
seen["broken commit"] = refused(HfHubHTTPError, api.create_commit, "local/all", broken, commit_message="Broken")
seen["after refusals"] = [api.model_info("local/all").sha == mixed.oid, api.file_exists("local/all", "half.txt")]
seen["history"] = [commit.title for commit in api.list_repo_commits("local/all")]
seen["at tag"] = sorted(api.list_repo_files("local/all", revision="v1")) == sorted(seen["siblings"])
api.delete_tag("local/all", tag="v1")
api.delete_branch("local/all", branch="dev/step-100")
seen["gone"] = [
    refused(RevisionNotFoundError, api.list_repo_files, "local/all", revision="v1"),
    refused(RemoteEntryNotFoundError, hf_hub_download, "local/all", "absent.txt"),
    refused(RepositoryNotFoundError, api.model_info, "local/absent"),
]

pull = api.create_pull_request("local/all", title="An idea", description="Please look")
api.upload_file(repo_id="local/all", path_or_fileobj=b"idea", path_in_repo="idea.txt", revision=pull.git_reference)
api.comment_discussion("local/all", pull.num, comment="Looks good")
before = api.file_exists("local/all", "idea.txt")
api.merge_pull_request("local/all", pull.num)
merged = api.get_discussion_details("local/all", pull.num)
seen["pull request"] = [before, api.file_exists("local/all", "idea.txt"), merged.status, len(merged.events)]
direct = api.upload_file(repo_id="local/all", path_or_fileobj=b"x", path_in_repo="pr.txt", create_pr=True)
seen["direct pull request"] = [
    direct.pr_num,
    Path(hf_hub_download("local/all", "pr.txt", revision="refs/pr/2")).read_text(),
]
seen["discussions"] = [discussion.num for discussion in api.get_repo_discussions("local/all")]

api.create_repo("org/data", repo_type="dataset", private=True)
anonymous = HfApi(token=False)
seen["private"] = [
    refused(RepositoryNotFoundError, anonymous.dataset_info, "org/data"),
    [repo.id for repo in api.list_datasets(author="org")],
    [repo.id for repo in anonymous.list_datasets(author="org")],
]
api.update_repo_settings("org/data", repo_type="dataset", visibility="public", gated="auto")
seen["gated"] = [
    anonymous.dataset_info("org/data").gated,
    refused(HfHubHTTPError, anonymous.auth_check, "org/data", repo_type="dataset"),
    api.auth_check("org/data", repo_type="dataset"),
]
seen["anonymous"] = [anonymous.model_info("local/all").id, refused(HfHubHTTPError, anonymous.create_repo, "local/no")]
seen["bad token"] = [
    refused(HfHubHTTPError, HfApi(token="hf_real").whoami),
    refused(HfHubHTTPError, HfApi(token="hf_real").model_info, "local/all"),
]
api.move_repo("org/data", "org/moved", repo_type="dataset")
seen["moved"] = [api.repo_exists("org/data", repo_type="dataset"), api.repo_exists("org/moved", repo_type="dataset")]
api.delete_repo("org/moved", repo_type="dataset")
seen["deleted"] = [repo.id for repo in api.list_datasets(author="org")]

api.create_repo("local/demo", repo_type="space", space_sdk="gradio")
api.add_space_secret("local/demo", "KEY", "do-not-keep")
api.add_space_variable("local/demo", "MODEL", "local/all")
seen["space"] = [
    api.space_info("local/demo").sdk,
    api.get_space_variables("local/demo")["MODEL"].value,
    api.get_space_runtime("local/demo").stage,
]

print(json.dumps(seen))
