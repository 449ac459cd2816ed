"""HfFileSystem: a repository as a folder."""

import random

from huggingface_hub import HfFileSystem
from place import Place


def a_folder_is_listed(at: Place) -> None:
    root = _filled(at)
    assert HfFileSystem().ls(root, detail=False) == [f"{root}/.gitattributes", f"{root}/a", f"{root}/top.txt"]
    entries = {entry["name"]: entry for entry in HfFileSystem().ls(f"{root}/a")}
    assert (entries[f"{root}/a/b"]["type"], entries[f"{root}/a/mid.txt"]["size"]) == ("directory", 3)


def everything_is_found(at: Place) -> None:
    root = _filled(at)
    assert HfFileSystem().find(f"{root}/a") == [f"{root}/a/b/deep.bin", f"{root}/a/mid.txt"]
    sizes = {name: entry["size"] for name, entry in HfFileSystem().find(root, detail=True).items()}
    assert sizes[f"{root}/a/b/deep.bin"] == 90_000


def globs_match(at: Place) -> None:
    root = _filled(at)
    system = HfFileSystem()
    assert system.glob(f"{root}/*.txt") == [f"{root}/top.txt"]
    assert system.glob(f"{root}/**/*.txt") == [f"{root}/a/mid.txt", f"{root}/top.txt"]
    assert system.glob(f"hf://{root}/a/*/*.bin") == [f"{root}/a/b/deep.bin"]


def a_tree_is_walked(at: Place) -> None:
    root = _filled(at)
    walked = {folder: (sorted(folders), sorted(files)) for folder, folders, files in HfFileSystem().walk(root)}
    assert walked[f"{root}/a"] == (["b"], ["mid.txt"])
    assert walked[f"{root}/a/b"] == ([], ["deep.bin"])


def info_and_existence(at: Place) -> None:
    root = _filled(at)
    system = HfFileSystem()
    info = system.info(f"{root}/a/b/deep.bin")
    assert (info["type"], info["size"], info["lfs"]["size"]) == ("file", 90_000, 90_000)
    assert system.isdir(f"{root}/a") and system.isfile(f"{root}/top.txt") and system.isdir(root)
    assert system.exists(f"{root}/top.txt")
    assert not system.exists(f"{root}/absent") and not system.exists(f"{root}-absent")


def a_file_is_read_whole_and_as_text(at: Place) -> None:
    root = _filled(at)
    assert HfFileSystem().cat(f"{root}/a/b/deep.bin") == at.noise(90_000)
    with HfFileSystem().open(f"{root}/top.txt", "r", encoding="utf-8") as stream:
        assert stream.read() == "顶\n"


def ranges_are_read_at_any_place(at: Place) -> None:
    root = _filled(at)
    data, dice = at.noise(90_000), random.Random(5)
    with HfFileSystem().open(f"{root}/a/b/deep.bin", block_size=1024) as stream:
        for _ in range(10):
            start = dice.randrange(90_000)
            stream.seek(start)
            assert stream.read(500) == data[start : start + 500]
        stream.seek(-10, 2)
        assert stream.read() == data[-10:]


def a_file_is_read_as_a_stream(at: Place) -> None:
    root = _filled(at)
    with HfFileSystem().open(f"{root}/a/b/deep.bin", block_size=0) as stream:
        assert b"".join(iter(lambda: stream.read(7_000), b"")) == at.noise(90_000)


def a_file_is_written_and_overwritten(at: Place) -> None:
    root = at.new()
    system = HfFileSystem()
    for text in ("第一\n", "第二\n"):
        with system.open(f"{root}/new/a.txt", "w", encoding="utf-8") as stream:
            stream.write(text)
        assert system.read_text(f"{root}/new/a.txt", encoding="utf-8") == text


def a_large_file_is_written(at: Place) -> None:
    root = at.new()
    with HfFileSystem().open(f"{root}/a.bin", "wb") as stream:
        for part in range(12):
            stream.write(at.noise(1_000_000, str(part)))
    assert at.api.get_paths_info(root, ["a.bin"])[0].lfs.size == 12_000_000
    assert HfFileSystem().read_block(f"{root}/a.bin", 11_000_000, 1_000_000) == at.noise(1_000_000, "11")


def files_go_up_and_down(at: Place) -> None:
    root = at.new()
    system = HfFileSystem()
    source = at.folder({"a.bin": at.noise(50_000), "b/c.txt": "c"})
    system.put(str(source / "a.bin"), f"{root}/up/a.bin")
    system.put(str(source / "b"), f"{root}/up", recursive=True)
    assert at.files() == ["up/a.bin", "up/b/c.txt"]
    system.get(f"{root}/up", str(at.work / "down"), recursive=True)
    assert (at.work / "down" / "a.bin").read_bytes() == at.noise(50_000)
    assert (at.work / "down" / "b" / "c.txt").read_text() == "c"


def a_file_is_copied_and_moved(at: Place) -> None:
    root = _filled(at)
    system = HfFileSystem()
    system.cp_file(f"{root}/a/b/deep.bin", f"{root}/copy.bin")
    system.mv(f"{root}/top.txt", f"{root}/moved.txt")
    assert at.files() == ["a/b/deep.bin", "a/mid.txt", "copy.bin", "moved.txt"]
    assert system.cat(f"{root}/copy.bin") == at.noise(90_000)


def a_text_is_copied_to_another_repository(at: Place) -> None:
    root = _filled(at)
    other = at.new("-other")
    HfFileSystem().cp_file(f"{root}/top.txt", f"{other}/top.txt")
    assert HfFileSystem().cat(f"{other}/top.txt") == "顶\n".encode()


def files_and_folders_are_removed(at: Place) -> None:
    root = _filled(at)
    system = HfFileSystem()
    system.rm_file(f"{root}/top.txt")
    assert not system.exists(f"{root}/top.txt")
    system.rm(f"{root}/a", recursive=True)
    assert at.files() == []


def revisions_are_named_after_an_at(at: Place) -> None:
    root = _filled(at)
    at.api.create_branch(root, branch="dev/one")
    system = HfFileSystem()
    with system.open(f"{root}@dev%2Fone/only.txt", "w") as stream:
        stream.write("only")
    assert system.exists(f"{root}/only.txt", revision="dev/one") and not system.exists(f"{root}/only.txt")
    assert system.read_text(f"{root}@dev%2Fone/only.txt") == "only"


def a_pull_request_is_read(at: Place) -> None:
    root = _filled(at)
    at.put("idea.txt", "idea", create_pr=True)
    assert HfFileSystem().read_text(f"{root}@refs/pr/1/idea.txt") == "idea"


def datasets_have_their_prefix(at: Place) -> None:
    at.new(repo_type="dataset")
    with HfFileSystem().open(f"datasets/{at.repo}/数据 1.csv", "wb") as stream:
        stream.write(b"a,b\n1,2\n")
    assert HfFileSystem().glob(f"hf://datasets/{at.repo}/*.csv") == [f"datasets/{at.repo}/数据 1.csv"]
    assert HfFileSystem().cat(f"datasets/{at.repo}/数据 1.csv") == b"a,b\n1,2\n"


def what_is_missing_is_not_found(at: Place) -> None:
    root = _filled(at)
    for path in (f"{root}/absent.txt", f"{root}-absent/a.txt", f"{root}@absent/top.txt"):
        try:
            HfFileSystem().open(path, "rb").read()
        except FileNotFoundError:
            continue
        raise AssertionError(path)


def a_stranger_sees_public_and_not_private(at: Place) -> None:
    root = _filled(at)
    private = at.new("-private", private=True)
    stranger = HfFileSystem(token=False)
    assert stranger.exists(f"{root}/top.txt") and not stranger.exists(f"{private}/.gitattributes")


def last_commits_and_urls_are_known(at: Place) -> None:
    root = _filled(at)
    info = HfFileSystem().info(f"{root}/top.txt", expand_info=True)
    assert info["last_commit"].title == "Filled"
    assert HfFileSystem().url(f"{root}/top.txt") == f"{at.endpoint}/{root}/resolve/main/top.txt"


def _filled(at: Place) -> str:
    at.new()
    folder = at.folder({"top.txt": "顶\n", "a/mid.txt": "mid", "a/b/deep.bin": at.noise(90_000)})
    at.api.upload_folder(repo_id=at.repo, folder_path=folder, commit_message="Filled")
    return at.repo
