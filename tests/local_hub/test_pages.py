"""The web pages as a person meets them, in Chromium, and as somebody hostile would fill them."""

import base64
import io
import json
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from local_hub.errors import HubError
from local_hub.pages import error_page
from local_hub.pages.changes import parse
from local_hub.pages.markdown import Place, render
from local_hub.pages.sources import configs

BROWSER = {"Accept": "text/html"}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HOSTILE = """---
license: "<script>window.ran = 1</script>"
tags: ["<img src=x onerror='window.ran = 1'>"]
---
# Title

<script>window.ran = 1</script>
<img src=x onerror="window.ran = 1"> <svg onload="window.ran = 1"><script>window.ran = 1</script></svg>
<iframe src="https://evil.example/frame"></iframe> <iframe srcdoc="<script>parent.ran = 1</script>"></iframe>
<style>body { display: none; background: url(https://evil.example/style.png) }</style>
<meta http-equiv="refresh" content="0; url=https://evil.example/"> <base href="https://evil.example/">
<link rel="stylesheet" href="https://evil.example/x.css"> <object data="https://evil.example/o"></object>
<form action="https://evil.example/form"><input name="token"><button id="content">go</button></form>
<p style="position: fixed; inset: 0" class="top" id="content" onclick="window.ran = 1">over it all</p>
<video src="https://evil.example/v" autoplay></video> <img srcset="https://evil.example/s.png 1x" alt="set">

![remote](https://evil.example/a.png) ![relative](//evil.example/b.png) ![back](/\\\\evil.example/c.png)
![data](data:image/svg+xml,<svg/onload=window.ran=1>) [a link](javascript:window.ran=1)
[tab](java&#9;script:window.ran=1) [data](data:text/html,<script>window.ran=1</script>) <javascript:window.ran=1>
<a href=" &#14;javascript:window.ran=1">raw</a> <a href="JaVaScRiPt:window.ran=1">case</a>
[![badge](https://evil.example/badge.svg)](https://evil.example/)

<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.ran=1&gt;">
"""
MARKUP = "< > \" ' = / ! -- a b p img svg math style script onload href src javascript: ( ) [ ] # ` * & ; table x"
EVIL = "<img src=x onerror=window.ran=1>"  # as a name


class Maker:
    """Makes repositories over the API, as the clients do."""

    def __init__(self, user: httpx2.Client) -> None:
        self.user = user

    def repo(self, name: str, kind: str = "model", files: dict[str, str | bytes] | None = None, **more: object) -> str:
        """The address of its page."""
        body = {"name": name, "organization": "local", "type": kind, **more}
        self.user.post("/api/repos/create", json=body).raise_for_status()
        if files:
            self.commit(name, kind, files)
        return f"/local/{name}" if kind == "model" else f"/{kind}s/local/{name}"

    def commit(self, name: str, kind: str, files: dict[str, str | bytes], summary: str = "files", pr: int = 0) -> str:
        lines: list[dict[str, object]] = [{"key": "header", "value": {"summary": summary}}]
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            value = {"path": path, "content": base64.b64encode(data).decode(), "encoding": "base64"}
            lines.append({"key": "file", "value": value})
        answer = self.user.post(
            f"/api/{kind}s/local/{name}/commit/main?create_pr={pr}",
            content="\n".join(json.dumps(line) for line in lines),
        )
        answer.raise_for_status()
        return str(answer.json()["commitOid"])


@pytest.fixture(scope="module")
def make(user: httpx2.Client) -> Maker:
    return Maker(user)


@pytest.fixture
def page(browser: Browser, hub: str) -> Iterator[Page]:
    context = browser.new_context(base_url=hub)
    yield context.new_page()
    context.close()


def parquet(rows: list[dict[str, object]]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def text(client: httpx2.Client, address: str, status: int = 200) -> str:
    answer = client.get(address, headers=BROWSER)
    assert answer.status_code == status, answer.text[:500]
    return str(answer.text)


def hosts(page: Page) -> set[str]:
    called: set[str] = set()
    page.on("request", lambda request: called.add(request.url.split("/")[2].split(":")[0]))
    return called


def is_inert(page: Page, address: str) -> None:
    called = hosts(page)
    page.on("dialog", lambda dialog: pytest.fail("a dialog opened"))
    page.goto(address)
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
    assert called == {"127.0.0.1"} and "127.0.0.1" in page.url
    expect(page.locator("main#content")).to_have_count(1)
    assert page.locator("main :is(script, iframe, style, svg, object, meta, base, link, video, form)").count() == 0


def test_a_hostile_card_stays_inert(page: Page, make: Maker) -> None:
    address = make.repo("hostile", files={"README.md": HOSTILE})
    is_inert(page, address)
    expect(page.locator("h1")).to_have_count(1)
    expect(page.get_by_role("link", name="remote")).to_have_attribute("href", "https://evil.example/a.png")
    assert page.locator(".card :is([style], [class], [onclick], [srcset])").count() == 0
    links = page.eval_on_selector_all(".card a[href]", "all => all.map(a => a.protocol)")
    assert set(links) <= {"http:", "https:"}


def test_the_sources_of_the_pages_forbid_scripts_and_other_hosts(user: httpx2.Client, make: Maker) -> None:
    headers = user.get(make.repo("policy"), headers=BROWSER).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


def test_hostile_names_and_words_are_only_text(page: Page, make: Maker, user: httpx2.Client) -> None:
    address = make.repo("names", files={f"{EVIL}.txt": EVIL, "b": EVIL})
    sha = make.commit("names", "model", {"a.md": EVIL}, summary=EVIL)
    branch = "<b>onerror='x'"
    user.post(f"/api/models/local/names/branch/{quote(branch, safe='')}", json={}).raise_for_status()
    talk = {"title": EVIL, "description": HOSTILE, "pullRequest": False}
    user.post("/api/models/local/names/discussions", json=talk).raise_for_status()
    make.commit("names", "model", {EVIL: EVIL}, summary=EVIL, pr=1)
    for path in (
        "/tree/main",
        f"/tree/{quote(branch, safe='')}",
        f"/blob/main/{quote(EVIL)}.txt",
        "/blob/main/a.md",
        "/commits/main",
        f"/commit/{sha}",
        "/discussions",
        "/discussions/1",
        "/discussions/2",
    ):
        is_inert(page, address + path)
    page.goto(f"{address}/discussions/2")
    expect(page.locator(".diff")).to_contain_text(f"+{EVIL}")


def test_hostile_rows_and_configs_are_only_text(page: Page, make: Maker) -> None:
    row = json.dumps({EVIL: EVIL, "messages": [{"role": EVIL, "content": EVIL}], "n": {"a": [EVIL]}})
    card = f'---\nconfigs:\n- config_name: "{EVIL}"\n  data_files: [{{split: "{EVIL}", path: a.jsonl}}]\n---\n'
    address = make.repo("rows-evil", "dataset", {"a.jsonl": row, "README.md": card})
    is_inert(page, address)
    is_inert(page, f"{address}/viewer/{quote(EVIL, safe='')}")
    expect(page.locator(".turns")).to_contain_text(EVIL)


@given(st.text(), st.sampled_from(["{}", "<a href='{}'>", "<p {}>", "[x]({})", "<{}", "# {}", "![{}](x)", "`{}"]))
def test_any_card_gives_html_without_scripts(words: str, around: str) -> None:
    check_inert(render(around.replace("{}", words), Place("local/x", "main")))


@given(st.lists(st.sampled_from([*MARKUP.split(), "\n", "&#106;"]), max_size=30))
def test_any_pieces_of_markup_give_html_without_scripts(pieces: list[str]) -> None:
    check_inert(render("".join(pieces)))
    check_inert(render(" ".join(pieces)))


class Checker(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "style", "iframe", "svg", "math", "form", "meta", "base", "link", "object", "h1")
        for name, value in attrs:
            assert not name.startswith("on") and name not in ("style", "class", "srcset", "srcdoc"), name
            if name in ("href", "src"):
                scheme = re.match(r"[\s\0]*([a-zA-Z+.-]+):", value or "")
                assert scheme is None or scheme[1].lower() in ("http", "https", "mailto"), value
            assert name != "src" or ((value or "").startswith("/") and not (value or "").startswith("//"))


def check_inert(html: str) -> None:
    assert "<script" not in html.lower()
    Checker().feed(html)


def test_relative_links_and_images_of_a_card_lead_into_the_repository(page: Page, make: Maker) -> None:
    card = "![a plot](figures/a%20图.png) [next](docs/二#x) [home](#title) [out](../../../api/whoami-v2)\n\n# Title\n"
    address = make.repo("links", files={"README.md": card, "figures/a 图.png": PIXEL, "docs/二": "text"})
    page.goto(address)
    assert page.eval_on_selector("img", "image => image.naturalWidth") == 1
    expect(page.locator(".card h2")).to_have_id("user-content-title")
    expect(page.get_by_text("home")).to_have_attribute("href", "#user-content-title")
    expect(page.get_by_text("out", exact=True)).not_to_have_attribute("href", re.compile("."))
    page.get_by_text("next").click()
    expect(page.locator(".source")).to_contain_text("text")


def test_paths_with_any_characters_work_as_links(page: Page, make: Maker) -> None:
    names = ["a b.txt", "中文 文件.txt", "100%.txt", "#1?.txt", "a+b&c;d.txt", "%41.txt"]
    address = make.repo("paths", files={f"夹 #%/{name}": f"this is {name}" for name in names})
    for name in names:
        page.goto(f"{address}/tree/main")
        page.get_by_role("link", name="夹 #%/").click()
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator(".source")).to_contain_text(f"this is {name}")
        link = page.get_by_role("link", name="Download", exact=True).get_attribute("href")
        assert page.request.get(str(link)).text() == f"this is {name}"


def test_a_branch_with_a_slash_is_one_choice_away(page: Page, make: Maker, user: httpx2.Client) -> None:
    address = make.repo("branches", files={"a.txt": "x"})
    user.post("/api/models/local/branches/branch/try%2Fthis", json={}).raise_for_status()
    page.goto(f"{address}/tree/main")
    page.locator(".refs summary").click()
    page.get_by_role("link", name="try/this").click()
    expect(page.locator(".refs summary")).to_have_text("try/this")
    page.get_by_role("link", name="a.txt", exact=True).click()
    expect(page.locator(".source")).to_contain_text("x")


CARD_OF_CONFIGS = """---
configs:
- config_name: talks
  data_files:
  - {split: train, path: "data/*/train-*.parquet"}
  - {split: test, path: [data/broken.parquet]}
- config_name: lines
  data_files: "*.jsonl"
- config_name: none
  data_files: nothing/*.csv
---
"""


def test_the_viewer_shows_the_first_rows(user: httpx2.Client, make: Maker) -> None:
    talk = [{"role": "user", "content": "最近压力很大"}, {"role": "assistant", "content": "愿意多说一点吗？"}]
    rows: list[dict[str, object]] = [{"id": f"row-{n}", "messages": talk, "more": {"n": n}} for n in range(80)]
    files: dict[str, str | bytes] = {
        "README.md": CARD_OF_CONFIGS,
        "data/x/train-0.parquet": parquet(rows),
        "data/broken.parquet": b"PAR1 this is none PAR1",
        "a.jsonl": '{"question": "睡不好", "long": "' + "长" * 600 + '"}\n',
    }
    address = make.repo("viewed", "dataset", files)
    assert f"{address}/viewer/talks" in text(user, address)
    shown = text(user, f"{address}/viewer/talks")
    assert "row-49" in shown and "row-50" not in shown and "of 80" in shown
    assert "<b>user</b> 最近压力很大" in shown and "{&#34;n&#34;:7}" in shown
    assert "not readable as Parquet" in text(user, f"{address}/viewer/talks?split=test")
    lines = text(user, f"{address}/viewer/lines?split=train")
    assert "睡不好" in lines and "长" * 500 + "…" in lines and "长" * 501 not in lines
    assert "no file matches nothing/*.csv" in text(user, f"{address}/viewer/none")
    assert "no config" in text(user, f"{address}/viewer/other", 404)
    assert "no split" in text(user, f"{address}/viewer/talks?split=other", 404)


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [
        ("a.jsonl", b"[" * 100_000, "not readable as JSON"),
        ("a.jsonl", b'{"a": 1}\n{"a": ', "not readable as JSON"),
        ("a.csv", b'a,b\n1,"' + b"x" * 200_000, "not readable as CSV"),
        ("a.parquet", b"", "not readable as Parquet"),
        ("a.parquet", parquet([{"a": 1}])[:-9] + b"\xff\xff\xff\x7fPAR1x", "not readable as Parquet"),
    ],
)
def test_a_broken_data_file_is_a_line_on_the_page(
    user: httpx2.Client, make: Maker, name: str, data: bytes, line: str
) -> None:
    unique = f"broken-{abs(hash((name, data))) % 10**9}"
    shown = text(user, f"{make.repo(unique, 'dataset', {name: data})}/viewer/default")
    assert line in shown and name in shown


def test_a_few_bytes_that_stand_for_gigabytes_are_a_line_on_the_page(user: httpx2.Client, make: Maker) -> None:
    stream = io.BytesIO()
    one = pa.ListArray.from_arrays(pa.array([0, 30_000_000]), pa.repeat(pa.scalar(7), 30_000_000))
    pq.write_table(pa.table({"a": one}), stream)
    assert len(stream.getvalue()) < 100_000
    shown = text(user, f"{make.repo('bomb', 'dataset', {'a.parquet': stream.getvalue()})}/viewer/default")
    assert "take too much memory" in shown


def test_configs_are_inferred_from_names() -> None:
    paths = ["README.md", "data/train-00000-of-00001.parquet", "data/test-0.parquet", "data/dev/x.parquet", "n.csv"]
    (config,) = configs({}, paths)
    assert list(config.splits) == ["train", "validation", "test"]
    assert config.files("validation", paths) == ["data/dev/x.parquet"]
    (config,) = configs({}, ["b.jsonl", "sub/a.jsonl", ".hidden/c.jsonl"])
    assert config.splits == {"train": ["b.jsonl", "sub/a.jsonl"]}
    assert configs({}, ["README.md", "model.bin"]) == []


def test_patterns_match_as_in_datasets() -> None:
    paths = ["data/a/train-1.csv", "data/train-2.csv", "train-3.csv", "data/a/b/train-4.csv"]
    for pattern, found in {
        "data/*/train-*.csv": paths[:1],
        "data/**/train-*.csv": [paths[0], paths[1], paths[3]],
        "*.csv": paths[2:3],
        "./data/train-2.csv": paths[1:2],
    }.items():
        (config,) = configs({"configs": [{"data_files": pattern}]}, paths)
        assert config.files("train", paths) == found, pattern
    (config,) = configs({"configs": [{"data_dir": "data", "data_files": {"dev": ["a/*"]}}]}, paths)
    assert config.files("dev", paths) == paths[:1]
    many = {"configs": [{"data_files": "a*" * 100 + "b"}]}
    start = time.monotonic()
    assert configs(many, [])[0].files("train", ["a" * 1000]) == [] and time.monotonic() - start < 5


def test_a_models_evaluation_is_a_table(page: Page, make: Maker) -> None:
    card = """---
model-index:
- name: m
  results:
  - task: {type: text-generation, name: Dialogue}
    dataset: {type: local/soulchat, name: SoulChatCorpus, split: test}
    metrics: [{type: bleu, name: BLEU-4, value: 8.52}, {type: x, value: {a: 1}}]
    source: {name: paper, url: "javascript:alert(1)"}
  - not a mapping
---
"""
    entry = "- dataset:\n    id: cais/hle\n    task_id: default\n  value: 20.9\n"
    address = make.repo("evaluated", files={"README.md": card, ".eval_results/hle.yaml": entry})
    page.goto(address)
    rows = page.locator("#results tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("Dialogue")
    expect(rows.first.locator("td.number")).to_have_text("8.52")
    expect(rows.nth(2)).to_contain_text("cais/hle")
    assert page.locator("#results a").count() == 0


def test_a_space_shows_the_command_that_runs_it(user: httpx2.Client, make: Maker, hub: str) -> None:
    card = "---\nsdk: gradio\nsdk_version: 6.31.0\napp_file: 'app.py; rm -rf ~'\n---\n"
    address = make.repo("shown-demo", "space", {"README.md": card, "requirements.txt": "x"}, sdk="gradio")
    user.post("/api/spaces/local/shown-demo/variables", json={"key": "MODEL", "value": "unseen"}).raise_for_status()
    shown = text(user, address)
    assert f"HF_ENDPOINT={hub} hf download local/shown-demo --type space --local-dir shown-demo" in shown
    assert "pip install gradio==6.31.0 -r requirements.txt" in shown
    assert "python &#39;app.py; rm -rf ~&#39;" in shown  # quoted, as the card is somebody's input
    assert "MODEL" in shown and "unseen" not in shown


def test_strangers_see_public_repositories_only(user: httpx2.Client, stranger: httpx2.Client, make: Maker) -> None:
    address = make.repo("hidden", "dataset", {"README.md": "unseen"}, private=True)
    assert "hidden" in text(user, "/") and "local/</span><wbr>hidden" not in text(stranger, "/")
    for path in ("", "/tree/main", "/blob/main/README.md", "/commits/main", "/viewer/default", "/discussions"):
        assert "unseen" not in text(stranger, address + path, 401)
    assert "unseen" in text(user, address) and "private" in text(user, address)


def test_a_gated_repository_shows_its_card_and_keeps_its_files(
    user: httpx2.Client, stranger: httpx2.Client, make: Maker
) -> None:
    address = make.repo("gated", files={"README.md": "what it is", "a.txt": "unseen"})
    sha = make.commit("gated", "model", {"b.txt": "unseen"}, pr=1)
    user.put("/api/models/local/gated/settings", json={"gated": "manual"}).raise_for_status()
    assert "what it is" in text(stranger, address) and "a.txt" in text(stranger, f"{address}/tree/main")
    for path in ("/blob/main/a.txt", f"/commit/{sha}"):
        assert "unseen" not in text(stranger, address + path, 401)
    assert "unseen" not in text(stranger, f"{address}/discussions/1")
    assert "unseen" in text(user, f"{address}/discussions/1")


def test_a_refusal_is_a_page_for_people() -> None:
    answer = error_page(HubError(404, f"Entry not found: {EVIL}"), "/x/<y>")
    assert answer.status_code == 404 and EVIL.encode() not in answer.body and b"&lt;img" in answer.body
    assert b"/login" in error_page(HubError(401, "Repository a/b not found")).body


def test_a_huge_folder_comes_in_pages(user: httpx2.Client, make: Maker) -> None:
    address = make.repo("many", "dataset", {f"f{n:04}.txt": f"{n}" for n in range(1500)})
    first, last = text(user, f"{address}/tree/main"), text(user, f"{address}/tree/main?p=3")
    assert first.count("<tr>") == 501 and "Page 1 of 4" in first and "f1499.txt" in last
    shown = text(user, f"{address}/commit/main")
    assert len(shown) < 1_000_000 and "too long for a page" in shown


def test_history_comes_fifty_to_a_page_and_a_commit_shows_its_difference(user: httpx2.Client, make: Maker) -> None:
    address = make.repo("history")
    for n in range(52):
        make.commit("history", "model", {"a.txt": f"line {n}\n"}, summary=f"commit number {n}")
    first, second = text(user, f"{address}/commits/main"), text(user, f"{address}/commits/main?p=1")
    assert "commit number 51" in first and "commit number 2<" in first and "commit number 1<" not in first
    assert "commit number 1<" in second
    sha = re.findall(r"/commit/([0-9a-f]{40})", first)[0]
    shown = text(user, f"{address}/commit/{sha}")
    assert '<span class="del">-line 50' in shown and '<span class="add">+line 51' in shown


def test_differences_name_files_with_any_characters() -> None:
    diff = (
        'diff --git "a/\\344\\270\\255 \\"x\\".txt" "b/\\344\\270\\255 \\"x\\".txt"\n'
        "new file mode 100644\n--- /dev/null\n"
        '+++ "b/\\344\\270\\255 \\"x\\".txt"\n@@ -0,0 +1 @@\n+diff --git a/fake b/fake\n'
        "diff --git a/b.bin b/b.bin\ndeleted file mode 100644\nBinary files a/b.bin and /dev/null differ\n"
    )
    first, second = parse(diff).files
    assert (first.path, first.what, first.lines[1]) == ('中 "x".txt', "added", ("add", "+diff --git a/fake b/fake"))
    assert (second.path, second.what, second.binary) == ("b.bin", "deleted", True)


def test_a_long_or_costly_card_is_shown_as_it_is() -> None:
    start = time.monotonic()
    assert "&lt;b&gt;" in render("<b>" * 6_000)
    bomb = "".join(f"<b title={n}>" for n in range(900)) + "\n\nx" * 30_000
    assert "&lt;b title=1&gt;" in render(bomb)
    assert render("# x\n" * 100_000).startswith("<pre")
    assert time.monotonic() - start < 10


def test_search_narrows_the_front_page(user: httpx2.Client, make: Maker) -> None:
    make.repo("needle-in", "dataset")
    shown = text(user, "/?q=NEEDLE")
    assert "needle-in" in shown and "local/hostile" not in shown and 'value="NEEDLE"' in shown
    assert EVIL not in text(user, f"/?q={quote(EVIL)}")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_kind_of_page_is_accessible_and_fits(
    page: Page, make: Maker, user: httpx2.Client, width: int, scheme: str
) -> None:
    card = CARD_OF_CONFIGS + "# 标题\n\n|a|b|\n|-|-|\n|" + "宽" * 90 + "|`code`|\n\n```\n" + "long " * 90 + "\n```\n"
    card = card.replace("---\n", "---\nlicense: mit\ntags: [a, b]\n", 1)
    name = f"fits-{width}"
    dataset = make.repo(name, "dataset", {"README.md": card, "a.jsonl": '{"a": "' + "b" * 900 + '"}\n' * 60})
    model = make.repo(name, files={"README.md": card, "a.py": "x = 1\n" * 30, "config.json": "{}", "i.png": PIXEL})
    make.commit(name, "model", {"a.py": "y = 2  # " + "long " * 90}, summary="change " * 30, pr=1)
    user.post(f"/api/models/local/{name}/discussions/1/comment", json={"comment": card}).raise_for_status()
    space = make.repo(name, "space", {"README.md": "---\nsdk: gradio\n---\n# x\n"}, sdk="gradio")
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # parametrised
    serious = {}
    for address in (
        "/?q=fits",
        dataset,
        model,
        space,
        f"{dataset}/viewer/lines",
        f"{dataset}/viewer/none",
        f"{model}/tree/main",
        f"{model}/blob/main/a.py",
        f"{model}/blob/main/i.png",
        f"{model}/blob/main/README.md",
        f"{model}/commits/main",
        f"{model}/commit/refs%2Fpr%2F1",
        f"{model}/discussions",
        f"{model}/discussions/1",
        f"{model}/blob/main/missing",
    ):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        expect(page.locator("h1")).to_have_count(1)
        for found in Axe().run(page).response["violations"]:
            if found["impact"] in ("serious", "critical"):
                serious[address, found["id"]] = [node["html"][:200] for node in found["nodes"]]
    assert serious == {}
