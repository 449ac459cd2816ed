"""Files going up: from paths, bytes and streams, in folders, large and small, with any name."""

import io
import os

from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError
from place import Place, sha256


def upload_file_from_a_path(at: Place) -> None:
    at.new()
    path = at.folder({"a.txt": "from disk"}) / "a.txt"
    at.api.upload_file(repo_id=at.repo, path_or_fileobj=path, path_in_repo="docs/a.txt")
    assert (at.files(), _read(at, "docs/a.txt")) == (["docs/a.txt"], b"from disk")


def upload_file_from_bytes(at: Place) -> None:
    at.new()
    at.put("a.txt", "from memory")
    assert _read(at, "a.txt") == b"from memory"


def upload_file_from_a_stream(at: Place) -> None:
    at.new()
    data = at.noise(300_000)
    at.api.upload_file(repo_id=at.repo, path_or_fileobj=io.BytesIO(data), path_in_repo="a.bin")
    assert _read(at, "a.bin") == data


def upload_file_from_an_open_file(at: Place) -> None:
    at.new()
    data = at.noise(300_000)
    with (at.folder({"a.bin": data}) / "a.bin").open("rb") as stream:
        at.api.upload_file(repo_id=at.repo, path_or_fileobj=stream, path_in_repo="a.bin")
    assert _read(at, "a.bin") == data


def an_empty_file_stays_empty(at: Place) -> None:
    at.new()
    at.put("empty.txt", b"")
    at.put("empty.bin", b"")
    assert (_read(at, "empty.txt"), _read(at, "empty.bin")) == (b"", b"")


def names_may_be_unicode_spaced_and_nested(at: Place) -> None:
    names = ["心理 咨询/第 1 章.txt", "a b/c d.txt", "%41+&#?.txt", "deep/er/est/x.txt", "ünï.txt", "emoji 🙂.txt"]
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({name: name for name in names}))
    assert at.files() == sorted(names)
    for name in names:
        assert _read(at, name) == name.encode()


def large_files_may_have_such_names_too(at: Place) -> None:
    at.new()
    name, data = "权重 v1/模型 #1%20.safetensors", at.noise(200_000)
    at.put(name, data)
    assert _read(at, name) == data


def thirty_megabytes_come_back(at: Place) -> None:
    at.new()
    path = at.folder({"big.bin": at.noise(20_000_000) + bytes(10_000_000)}) / "big.bin"
    at.api.upload_file(repo_id=at.repo, path_or_fileobj=path, path_in_repo="big.bin")
    (info,) = at.api.get_paths_info(at.repo, ["big.bin"])
    assert (info.size, info.lfs.sha256) == (30_000_000, sha256(path))
    assert sha256(_read(at, "big.bin")) == sha256(path)


def eleven_megabytes_of_text_are_a_large_file(at: Place) -> None:
    at.new()
    text = ("一句话。" * 1000 + "\n") * 1000
    at.put("big.jsonl", text)
    (info,) = at.api.get_paths_info(at.repo, ["big.jsonl"])
    assert info.lfs.size == len(text.encode())
    assert _read(at, "big.jsonl") == text.encode()


def small_text_is_kept_in_git(at: Place) -> None:
    at.new()
    at.put("small.json", "{}")
    assert at.api.get_paths_info(at.repo, ["small.json"])[0].lfs is None


def small_binaries_are_large_files(at: Place) -> None:
    at.new()
    at.put("small", b"\x00\x01binary")
    assert at.api.get_paths_info(at.repo, ["small"])[0].lfs.size == 8


def files_of_the_same_bytes_are_kept_once_and_read_everywhere(at: Place) -> None:
    data = at.noise(500_000)
    for suffix in ("-a", "-b"):
        at.new(suffix)
        at.put("one.bin", data, at.repo + suffix)
    at.put("two.bin", data, at.repo + "-b")
    assert {sha256(_read(at, name, at.repo + "-b")) for name in ("one.bin", "two.bin")} == {sha256(data)}


def a_file_with_a_changed_middle_is_right(at: Place) -> None:
    at.new()
    data = bytearray(at.noise(3_000_000))
    at.put("a.bin", bytes(data))
    data[1_500_000:1_500_010] = b"0123456789"
    at.put("a.bin", bytes(data))
    assert _read(at, "a.bin") == data


def an_overwritten_file_is_new_at_main_and_old_at_its_commit(at: Place) -> None:
    at.new()
    old = at.put("a.bin", at.noise(100_000, "old"))
    at.put("a.bin", at.noise(100_000, "new"))
    assert _read(at, "a.bin") == at.noise(100_000, "new")
    assert _read(at, "a.bin", revision=old) == at.noise(100_000, "old")


def upload_folder_keeps_the_tree(at: Place) -> None:
    at.new(repo_type="dataset")
    folder = at.folder({"README.md": "# r", "a/b.txt": "b", "a/c/d.bin": at.noise(50_000), "e.parquet": b"PAR1"})
    at.api.upload_folder(repo_id=at.repo, repo_type="dataset", folder_path=folder)
    assert at.files(repo_type="dataset") == ["README.md", "a/b.txt", "a/c/d.bin", "e.parquet"]


def upload_folder_into_a_folder(at: Place) -> None:
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({"a.txt": "a"}), path_in_repo="in/here")
    assert at.files() == ["in/here/a.txt"]


def upload_folder_with_patterns(at: Place) -> None:
    at.new()
    folder = at.folder({"a.txt": "a", "b.md": "b", "logs/c.txt": "c"})
    at.api.upload_folder(repo_id=at.repo, folder_path=folder, allow_patterns="*.txt", ignore_patterns=["logs/*"])
    assert at.files() == ["a.txt"]


def upload_folder_deletes_by_pattern(at: Place) -> None:
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({"old-1.txt": "1", "old-2.txt": "2", "keep.md": "k"}))
    at.api.upload_folder(
        repo_id=at.repo, folder_path=at.folder({"new.txt": "n"}, "second"), delete_patterns=["old-*.txt"]
    )
    assert at.files() == ["keep.md", "new.txt"]


def a_gitignore_is_obeyed(at: Place) -> None:
    at.new()
    folder = at.folder({".gitignore": "*.log\nbuild/\n!keep.log\n", "a.log": "", "keep.log": "k", "build/x": "x"})
    at.api.upload_folder(repo_id=at.repo, folder_path=folder)
    assert at.files() == [".gitignore", "keep.log"]


def a_gitignore_on_the_server_is_obeyed(at: Place) -> None:
    at.new()
    at.put(".gitignore", "*.tmp\n")
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({"a.tmp": "t", "a.txt": "a"}))
    assert at.files() == [".gitignore", "a.txt"]


def a_git_folder_is_never_uploaded(at: Place) -> None:
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({".git/config": "x", "a.txt": "a"}))
    assert at.files() == ["a.txt"]


def fifteen_hundred_files(at: Place) -> None:
    at.new(repo_type="dataset")
    names = [f"part-{number // 100:02}/{number:04}.txt" for number in range(1_500)]
    folder = at.folder({name: name for name in names})
    at.api.upload_folder(repo_id=at.repo, repo_type="dataset", folder_path=folder)
    assert at.files(repo_type="dataset") == names
    copy = at.api.snapshot_download(
        at.repo, repo_type="dataset", local_dir=at.work / "copy", allow_patterns="part-07/*"
    )
    assert len(os.listdir(os.path.join(copy, "part-07"))) == 100


def the_same_folder_again_makes_no_commit(at: Place) -> None:
    at.new()
    folder = at.folder({"a.txt": "a", "b.bin": at.noise(100_000)})
    first = at.api.upload_folder(repo_id=at.repo, folder_path=folder)
    assert at.api.upload_folder(repo_id=at.repo, folder_path=folder).oid == first.oid
    assert len(at.api.list_repo_commits(at.repo)) == 2


def preuploaded_files_wait_for_their_commit(at: Place) -> None:
    at.new()
    additions = [CommitOperationAdd(f"{n}.bin", at.noise(200_000, str(n))) for n in range(3)]
    for addition in additions:
        at.api.preupload_lfs_files(at.repo, [addition])
        assert addition.path_or_fileobj == b""  # freed, so that a process can upload more than it can hold
    assert at.files() == []
    at.api.create_commit(at.repo, additions, commit_message="All at once")
    assert at.files() == ["0.bin", "1.bin", "2.bin"]
    assert _read(at, "2.bin") == at.noise(200_000, "2")


def paths_that_leave_the_repository_are_refused(at: Place) -> None:
    at.new()
    for path in ("../up.txt", "a/../../up.txt", ".git/hooks/x"):
        try:
            at.put(path, "x")
        except (ValueError, HfHubHTTPError):
            continue
        raise AssertionError(path)
    assert at.files() == []


def uploads_may_run_as_futures_in_order(at: Place) -> None:
    at.new()
    futures = [
        at.api.upload_file(
            repo_id=at.repo, path_or_fileobj=str(n).encode(), path_in_repo="last.txt", run_as_future=True
        )
        for n in range(4)
    ]
    assert [future.result(timeout=60).repo_url.repo_id for future in futures] == [at.repo] * 4
    assert _read(at, "last.txt") == b"3"


def _read(at: Place, path: str, repo: str = "", **options: str) -> bytes:
    with open(at.api.hf_hub_download(repo or at.repo, path, **options), "rb") as stream:
        return stream.read()
