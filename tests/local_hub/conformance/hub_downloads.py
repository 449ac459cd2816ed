"""Downloads: the cache and its etags, folders, revisions, ranges, and what is cut off on the way."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from huggingface_hub import constants, get_session, hf_hub_url, scan_cache_dir, try_to_load_from_cache
from huggingface_hub.errors import LocalEntryNotFoundError
from huggingface_hub.file_download import _CACHED_NO_EXIST
from place import Place, hf, refused, sha256


def a_download_lands_in_the_cache_under_its_commit(at: Place) -> None:
    at.new()
    oid = at.put("sub/a.txt", "a")
    path = Path(at.api.hf_hub_download(at.repo, "a.txt", subfolder="sub"))
    assert path.parts[-4:] == ("snapshots", oid, "sub", "a.txt")
    assert path.read_text() == "a"


def a_second_download_is_the_same_file(at: Place) -> None:
    at.new()
    at.put("a.bin", at.noise(50_000))
    first = Path(at.api.hf_hub_download(at.repo, "a.bin")).resolve()
    written = first.stat().st_mtime_ns
    assert Path(at.api.hf_hub_download(at.repo, "a.bin")).resolve() == first
    assert first.stat().st_mtime_ns == written
    at.api.hf_hub_download(at.repo, "a.bin", force_download=True)
    assert first.stat().st_mtime_ns > written


def a_new_commit_with_the_old_file_downloads_nothing(at: Place) -> None:
    at.new()
    at.put("a.bin", at.noise(50_000))
    first = Path(at.api.hf_hub_download(at.repo, "a.bin"))
    at.put("b.txt", "b")
    second = Path(at.api.hf_hub_download(at.repo, "a.bin"))
    assert first != second and first.resolve() == second.resolve()


def the_etag_is_the_hash_of_the_file(at: Place) -> None:
    at.new()
    at.put("a.bin", at.noise(50_000))
    at.put("a.txt", "a")
    large = at.api.get_hf_file_metadata(url=hf_hub_url(at.repo, "a.bin"))
    small = at.api.get_hf_file_metadata(url=hf_hub_url(at.repo, "a.txt"))
    assert (large.etag, large.size) == (sha256(at.noise(50_000)), 50_000)
    assert (small.etag, small.size) == (at.api.get_paths_info(at.repo, ["a.txt"])[0].blob_id, 1)
    assert large.commit_hash == small.commit_hash == at.api.model_info(at.repo).sha


def what_is_missing_is_404_and_remembered(at: Place) -> None:
    at.new()
    assert refused(404, at.api.hf_hub_download, at.repo, "absent.txt") == "RemoteEntryNotFoundError"
    assert try_to_load_from_cache(at.repo, "absent.txt") is _CACHED_NO_EXIST
    assert refused(404, at.api.hf_hub_download, at.repo, "a", revision="absent") == "RevisionNotFoundError"
    assert refused(404, at.api.hf_hub_download, at.repo + "-no", "a") == "RepositoryNotFoundError"


def the_cache_answers_without_the_server(at: Place) -> None:
    at.new()
    at.put("a.txt", "a")
    path = at.api.hf_hub_download(at.repo, "a.txt")
    assert try_to_load_from_cache(at.repo, "a.txt") == path
    assert at.api.hf_hub_download(at.repo, "a.txt", local_files_only=True) == path
    try:
        at.api.hf_hub_download(at.repo, "b.txt", local_files_only=True)
    except LocalEntryNotFoundError:
        return
    raise AssertionError


def a_local_folder_is_updated_in_place(at: Place) -> None:
    at.new()
    at.put("sub/a.txt", "old")
    path = Path(at.api.hf_hub_download(at.repo, "sub/a.txt", local_dir=at.work / "here"))
    assert (path, path.read_text(), path.is_symlink()) == (at.work / "here/sub/a.txt", "old", False)
    at.put("sub/a.txt", "new")
    at.api.hf_hub_download(at.repo, "sub/a.txt", local_dir=at.work / "here")
    assert path.read_text() == "new"


def a_snapshot_has_everything(at: Place) -> None:
    files = {"a.txt": "a", "b/c.bin": at.noise(50_000), "数据/d e.txt": "d", "empty.txt": b""}
    at.new(repo_type="dataset")
    folder = at.folder(files)
    at.api.upload_folder(repo_id=at.repo, repo_type="dataset", folder_path=folder)
    root = Path(at.api.snapshot_download(at.repo, repo_type="dataset"))
    assert {path: sha256(root / path) for path in files} == {path: sha256(folder / path) for path in files}
    assert at.api.snapshot_download(at.repo, repo_type="dataset", local_files_only=True) == str(root)


def a_snapshot_by_pattern(at: Place) -> None:
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({"a.txt": "a", "b.md": "b", "logs/c.txt": "c"}))
    root = at.api.snapshot_download(at.repo, allow_patterns=["*.txt"], ignore_patterns="logs/*")
    assert os.listdir(root) == ["a.txt"]


def a_snapshot_of_a_revision_into_a_folder(at: Place) -> None:
    at.new()
    old = at.put("a.txt", "old")
    at.put("a.txt", "new")
    at.api.create_tag(at.repo, tag="v1", revision=old)
    for revision in (old, "v1"):
        root = at.api.snapshot_download(at.repo, revision=revision, local_dir=at.work / revision)
        assert (Path(root) / "a.txt").read_text() == "old"


def a_dry_run_downloads_nothing(at: Place) -> None:
    at.new()
    at.put("a.bin", at.noise(50_000))
    plan = at.api.hf_hub_download(at.repo, "a.bin", dry_run=True)
    assert (plan.filename, plan.file_size, plan.is_cached, plan.will_download) == ("a.bin", 50_000, False, True)
    plans = at.api.snapshot_download(at.repo, dry_run=True)
    assert {plan.filename for plan in plans} == {".gitattributes", "a.bin"}
    assert try_to_load_from_cache(at.repo, "a.bin") is None


def a_cut_download_goes_on_where_it_stopped(at: Place) -> None:
    at.new()
    data = at.noise(13_000_000)
    at.put("a.bin", data)
    with _cutting_proxy(at.endpoint, after=12_000_000) as (url, ranges):
        hf("download", at.repo, "a.bin", "--local-dir", str(at.work / "here"), HF_ENDPOINT=url)
    assert (at.work / "here" / "a.bin").read_bytes() == data
    assert any(ranges), ranges  # the client writes down 10 MB at a time, and asks for the rest


def ranges_are_served(at: Place) -> None:
    at.new()
    for path, data in (("a.bin", at.noise(300_000)), ("a.txt", b"0123456789" * 100)):
        at.put(path, data)
        for header, part in (("bytes=10-19", data[10:20]), ("bytes=500-", data[500:]), ("bytes=-7", data[-7:])):
            answer = get_session().get(hf_hub_url(at.repo, path), headers={"range": header}, follow_redirects=True)
            assert (answer.status_code, answer.content) == (206, part)
    answer = get_session().get(hf_hub_url(at.repo, "a.txt"), headers={"range": "bytes=5000-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */1000")


def a_known_etag_is_304(at: Place) -> None:
    at.new()
    at.put("a.bin", at.noise(50_000))
    known = {"if-none-match": f'"{sha256(at.noise(50_000))}"'}
    assert get_session().get(hf_hub_url(at.repo, "a.bin"), headers=known).status_code == 304


def a_kept_connection_answers_at_once(at: Place) -> None:
    url, session = f"{at.endpoint}/api/agent-harnesses", get_session()
    took = []
    for _ in range(20):
        start = time.perf_counter()
        session.get(url).raise_for_status()
        took.append(time.perf_counter() - start)
    assert sorted(took)[10] < 0.03  # 0.044 where TCP waits for the acknowledgement of the header


def the_cache_is_listed_and_cleaned(at: Place) -> None:
    at.new()
    for number in range(2):
        at.put("a.txt", str(number))
        at.api.hf_hub_download(at.repo, "a.txt")
    (found,) = [repo for repo in scan_cache_dir().repos if repo.repo_id == at.repo]
    assert len(found.revisions) == 2
    old = next(revision.commit_hash for revision in found.revisions if not revision.refs)
    scan_cache_dir().delete_revisions(old).execute()
    assert [len(repo.revisions) for repo in scan_cache_dir().repos if repo.repo_id == at.repo] == [1]


def checksums_of_a_snapshot_are_verified(at: Place) -> None:
    at.new()
    at.api.upload_folder(repo_id=at.repo, folder_path=at.folder({"a.txt": "a", "b.bin": at.noise(50_000)}))
    at.api.snapshot_download(at.repo, local_dir=at.work / "here")
    assert at.api.verify_repo_checksums(at.repo, local_dir=at.work / "here").mismatches == []
    (at.work / "here" / "b.bin").write_bytes(b"changed")
    found = at.api.verify_repo_checksums(at.repo, local_dir=at.work / "here").mismatches
    assert [mismatch["path"] for mismatch in found] == ["b.bin"]


def safetensors_headers_are_read_by_range(at: Place) -> None:
    at.new()
    header = b'{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
    at.put("model.safetensors", len(header).to_bytes(8, "little") + header + bytes(24))
    metadata = at.api.get_safetensors_metadata(at.repo)
    assert (metadata.sharded, metadata.parameter_count) == (False, {"F32": 6})


def the_cache_lives_in_hf_home(at: Place) -> None:
    at.new()
    assert at.api.hf_hub_download(at.repo, ".gitattributes").startswith(constants.HF_HUB_CACHE)
    assert os.environ["HF_HOME"] in constants.HF_HUB_CACHE


@contextmanager
def _cutting_proxy(endpoint: str, after: int) -> Iterator[tuple[str, list[int]]]:
    """The Hub by another address, which hangs up once in the middle of a file; and the starts of ranges asked for."""
    ranges: list[int] = []
    cuts = iter([after])

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "range" in self.headers:
                ranges.append(int(self.headers["range"].removeprefix("bytes=").partition("-")[0]))
            kept = {key: value for key, value in self.headers.items() if key.lower() != "host"}
            request = Request(endpoint + self.path, headers=kept, method=self.command)
            try:
                answer = build_opener(ProxyHandler({})).open(request)
            except HTTPError as error:
                answer = error
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.end_headers()
            body = answer.read()
            if len(body) > after and (cut := next(cuts, None)):
                body = body[:cut]
            self.wfile.write(body)
            self.close_connection = True

        do_HEAD = do_GET

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_port}", ranges
        proxy.shutdown()
