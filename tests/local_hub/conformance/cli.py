"""The `hf` command."""

import json

from place import Place, hf


def auth_whoami(at: Place) -> None:
    assert json.loads(hf("auth", "whoami", "--format", "json"))["user"] == "local"


def auth_login_and_logout(at: Place) -> None:
    hf("auth", "login", "--token", "local", HF_TOKEN="")
    assert "local" in hf("auth", "whoami", HF_TOKEN="")
    hf("auth", "logout", HF_TOKEN="")


def repos_create_and_delete(at: Place) -> None:
    hf("repos", "create", at.repo, "--type", "dataset", "--private")
    assert at.api.dataset_info(at.repo).private
    hf("repos", "create", at.repo, "--type", "dataset", "--exist-ok")
    hf("repos", "delete", at.repo, "--type", "dataset", "--yes")
    assert not at.api.repo_exists(at.repo, repo_type="dataset")


def repos_create_of_a_space(at: Place) -> None:
    hf("repos", "create", at.repo, "--type", "space", "--sdk", "gradio")
    assert at.api.space_info(at.repo).sdk == "gradio"


def repos_settings_and_move(at: Place) -> None:
    at.new()
    hf("repos", "settings", at.repo, "--private", "--gated", "auto")
    info = at.api.model_info(at.repo)
    assert (info.private, info.gated) == (True, "auto")
    hf("repos", "move", at.repo, f"{at.repo}-moved")
    assert at.api.repo_exists(f"{at.repo}-moved") and not at.api.repo_exists(at.repo)


def repos_branches(at: Place) -> None:
    at.new()
    hf("repos", "branch", "create", at.repo, "dev/one")
    assert at.api.revision_exists(at.repo, "dev/one")
    hf("repos", "branch", "delete", at.repo, "dev/one")
    assert not at.api.revision_exists(at.repo, "dev/one")


def repos_tags(at: Place) -> None:
    at.new()
    hf("repos", "tag", "create", at.repo, "v1", "-m", "First")
    assert "v1" in hf("repos", "tag", "list", at.repo)
    hf("repos", "tag", "delete", at.repo, "v1", "--yes")
    assert at.api.list_repo_refs(at.repo).tags == []


def repos_delete_files(at: Place) -> None:
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({"a.txt": "a", "b.md": "b"}))
    hf("repos", "delete-files", at.repo, "*.txt")
    assert at.files() == ["b.md"]


def repos_duplicate(at: Place) -> None:
    at.new(repo_type="dataset")
    at.put("a.bin", at.noise(20_000), repo_type="dataset")
    hf("repos", "duplicate", at.repo, f"{at.repo}-copy", "--type", "dataset")
    assert at.api.file_exists(f"{at.repo}-copy", "a.bin", repo_type="dataset")


def upload_of_a_folder_creates_the_repository(at: Place) -> None:
    folder = at.folder({"a.txt": "a", "b/c.bin": at.noise(50_000), "d.log": "d"})
    hf("upload", at.repo, str(folder), ".", "--exclude", "*.log", "--commit-message", "By hand")
    assert at.files() == ["a.txt", "b/c.bin"]
    assert at.api.list_repo_commits(at.repo)[0].title == "By hand"


def upload_of_a_file_to_a_branch(at: Place) -> None:
    at.new(repo_type="dataset")
    at.api.create_branch(at.repo, repo_type="dataset", branch="dev/one")
    path = at.folder({"a.bin": at.noise(50_000)}) / "a.bin"
    hf("upload", at.repo, str(path), "data/b.bin", "--type", "dataset", "--revision", "dev/one")
    assert at.files(repo_type="dataset", revision="dev/one") == ["data/b.bin"]


def upload_as_a_pull_request(at: Place) -> None:
    at.new()
    hf("upload", at.repo, str(at.folder({"a.txt": "a"})), ".", "--create-pr")
    assert (at.files(), at.files(revision="refs/pr/1")) == ([], ["a.txt"])


def download_of_everything(at: Place) -> None:
    at.new(repo_type="dataset")
    folder = at.folder({"a.txt": "a", "b/c.bin": at.noise(50_000)})
    at.api.upload_folder(repo_id=at.repo, repo_type="dataset", folder_path=folder)
    hf("download", at.repo, "--type", "dataset", "--local-dir", str(at.work / "here"))
    assert (at.work / "here" / "b" / "c.bin").read_bytes() == at.noise(50_000)


def download_of_one_file_at_a_revision(at: Place) -> None:
    at.new()
    old = at.put("a.txt", "old")
    at.put("a.txt", "new")
    hf("download", at.repo, "a.txt", "--revision", old, "--local-dir", str(at.work / "here"))
    assert (at.work / "here" / "a.txt").read_text() == "old"


def download_by_pattern_and_dry(at: Place) -> None:
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({"a.txt": "a", "b.md": "b"}))
    assert "a.txt" in hf("download", at.repo, "--include", "*.txt", "--dry-run")
    hf("download", at.repo, "--include", "*.txt", "--local-dir", str(at.work / "here"))
    assert [path.name for path in (at.work / "here").glob("*.*") if path.is_file()] == ["a.txt"]


def models_list_and_info(at: Place) -> None:
    at.new()
    at.put("README.md", "---\nlicense: mit\n---\n")
    assert [model["id"] for model in _json("models", "ls", "--search", at.name)] == [at.repo]
    assert _json("models", "info", at.repo)["id"] == at.repo
    assert "license: mit" in hf("models", "card", at.repo)


def datasets_list_info_and_files(at: Place) -> None:
    at.new(repo_type="dataset")
    at.put("a/b.txt", "b", repo_type="dataset")
    assert [found["id"] for found in _json("datasets", "ls", "--search", at.name)] == [at.repo]
    assert _json("datasets", "info", at.repo)["id"] == at.repo
    assert "a/b.txt" in hf("datasets", "ls", at.repo, "--recursive")


def spaces_list_and_info(at: Place) -> None:
    at.new(repo_type="space", space_sdk="static")
    assert [found["id"] for found in _json("spaces", "ls", "--search", at.name)] == [at.repo]
    assert _json("spaces", "info", at.repo)["sdk"] == "static"


def spaces_variables_and_secrets(at: Place) -> None:
    at.new(repo_type="space", space_sdk="gradio")
    hf("spaces", "variables", "add", at.repo, "-e", "MODEL=a/b")
    hf("spaces", "secrets", "add", at.repo, "-s", "KEY=hidden")
    assert at.api.get_space_variables(at.repo)["MODEL"].value == "a/b"
    assert "KEY" in hf("spaces", "secrets", "ls", at.repo)


def discussions_from_question_to_merge(at: Place) -> None:
    at.new()
    hf("discussions", "create", at.repo, "--title", "An idea", "--body", "Look", "--pull-request")
    at.put("a.txt", "new line\n", revision="refs/pr/1")
    assert "An idea" in hf("discussions", "list", at.repo, "--status", "all")
    hf("discussions", "comment", at.repo, "1", "--body", "Good")
    assert "+new line" in hf("discussions", "diff", at.repo, "1")
    hf("discussions", "merge", at.repo, "1", "--yes")
    assert at.files() == ["a.txt"]


def cp_up_and_down(at: Place) -> None:
    at.new()
    source = at.folder({"a.bin": at.noise(50_000)}) / "a.bin"
    hf("cp", str(source), f"hf://{at.repo}/b.bin")
    hf("cp", f"hf://{at.repo}/b.bin", str(at.work / "c.bin"))
    assert (at.work / "c.bin").read_bytes() == at.noise(50_000)


def cache_is_listed_verified_and_removed(at: Place) -> None:
    at.new()
    at.put("a.bin", at.noise(50_000))
    hf("download", at.repo, "a.bin")
    assert at.repo in hf("cache", "ls", "--quiet")
    hf("cache", "verify", at.repo)
    hf("cache", "rm", f"model/{at.repo}", "--yes")
    assert at.repo not in hf("cache", "ls", "--quiet")


def a_mistake_exits_1_and_says_why(at: Place) -> None:
    for arguments in (("download", f"{at.repo}-absent"), ("models", "info", f"{at.repo}-absent")):
        try:
            hf(*arguments)
        except AssertionError as error:
            assert "exited 1" in str(error) and "not found" in str(error).lower(), error
        else:
            raise AssertionError(arguments)


def env_names_the_endpoint(at: Place) -> None:
    assert at.endpoint in hf("env")


def _json(*arguments: str) -> list | dict:
    return json.loads(hf(*arguments, "--format", "json"))
