"""Proofreading as reviewers meet it: Chromium on a served page, and a server that is killed under them."""

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from dataset_builder.review.store import Decision, load_decisions, read

ROOT = Path(__file__).resolve().parents[3]
SERVE = """
import sys
from pathlib import Path
from dataset_builder.review.serve import serve
serve("sample", Path(sys.argv[1]), sys.argv[3:], int(sys.argv[2]), size=16, overlap=0.5)
"""
PAIRS = 20
"""More than there are tests: each has two reviewers of its own, so that the server need not start anew for it."""


@dataclass
class Review:
    """A review served by a process of its own, which can be killed; `ann` and `bo` are other people in each test."""

    out: Path
    port: int
    pair: int = 0
    every_link: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def name(self, who: str) -> str:
        return f"{who}-{self.pair}"

    @property
    def links(self) -> dict[str, str]:
        return {who: self.every_link[self.name(who)] for who in ("ann", "bo")}

    def file(self, who: str) -> Path:
        return self.out / "decisions" / f"{self.name(who)}.jsonl"

    def start(self) -> None:
        names = [f"{who}-{pair}" for pair in range(PAIRS) for who in ("ann", "bo")]
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", SERVE, str(self.out), str(self.port), *names],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self.process.stdout
        for _ in names:
            name, _, link = self.process.stdout.readline().strip().split("\t")
            self.every_link[name] = link
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5).close()
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError("the review was not served within 60 s")

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()

    def made(self, who: str) -> list[Decision]:
        return list(read(self.file(who)))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Review]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    review = Review(tmp_path_factory.mktemp("review"), port)
    review.start()
    yield review
    review.kill()


NUMBERS = itertools.count()


@pytest.fixture
def review(served: Review) -> Review:
    served.pair = next(NUMBERS)
    return served


def new_page(browser: Browser, width: int = 1280) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 860}, locale="zh-CN").new_page()
    page.set_default_timeout(20_000)
    return page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = new_page(browser)
    yield page
    page.context.close()


def begin(page: Page, link: str) -> None:
    """Open a link and press Enter on what has the focus."""
    page.goto(link)
    expect(page.locator("#begin")).to_be_focused()
    assert page.locator("#conversation .turn").count() == 0  # nothing is shown before the warning was read
    expect(page.locator("#top")).to_contain_text("12356")
    page.keyboard.press("Enter")
    expect(page.locator("#accept")).to_be_visible()


def read_so_far(page: Page, count: int) -> None:
    expect(page.locator("#status")).to_contain_text(f"已读 {count} /")
    settled(page)


def settled(page: Page) -> None:
    """Wait until the page takes the next press."""
    expect(page.locator("html[data-busy]")).to_have_count(0)


def press(page: Page, key: str) -> None:
    settled(page)
    page.keyboard.press(key)


def click(page: Page, what: str) -> None:
    settled(page)
    page.click(what)


def test_everything_can_be_done_with_the_keyboard_alone(review: Review, page: Page) -> None:
    begin(page, review.links["ann"])
    read_so_far(page, 0)
    press(page, "a")
    read_so_far(page, 1)
    expect(page.locator("#status")).to_contain_text("已保存")
    press(page, "r")
    expect(page.locator("#reason input").first).to_be_focused()
    press(page, "Control+Enter")
    expect(page.locator(".problem")).to_contain_text("请选一个理由")
    press(page, "3")
    expect(page.locator("#reason input").nth(2)).to_be_checked()
    press(page, "Control+Enter")
    read_so_far(page, 2)
    press(page, "e")
    expect(page.locator("#editor textarea")).to_be_focused()
    press(page, "Control+End")
    page.keyboard.type("a e r u x ? 我一直在。")  # keys of the page are letters here
    press(page, "Control+Enter")
    read_so_far(page, 3)
    press(page, "u")
    read_so_far(page, 2)
    assert [(each.decision, each.reason) for each in review.made("ann")] == [
        ("accept", None),
        ("reject", "advice_too_early"),
    ]
    press(page, "ArrowLeft")
    expect(page.locator(".made")).to_contain_text("你已拒绝")
    press(page, "ArrowRight")
    expect(page.locator(".made")).to_have_count(0)
    press(page, "?")
    expect(page.locator("#keys")).to_be_visible()
    press(page, "x")
    expect(page.locator("#top")).to_contain_text("所有决定都已保存")
    expect(page.locator(".turn")).to_have_count(0)


def test_an_edit_is_kept_as_edited_and_shown_so(review: Review, page: Page) -> None:
    begin(page, review.links["ann"])
    press(page, "e")
    expect(page.locator("#editor textarea")).to_be_focused()
    text = page.input_value("#editor textarea")
    page.fill("#editor textarea", text + "我会一直在这里听你说。")
    click(page, "#save-edit")
    read_so_far(page, 1)
    [made] = review.made("ann")
    assert made.messages and made.messages[-1]["content"].endswith("我会一直在这里听你说。")
    assert made.messages[0]["role"] == "user" and len(made.messages) == text.count("【")
    press(page, "ArrowLeft")
    expect(page.locator(".turn").last).to_contain_text("我会一直在这里听你说。")
    expect(page.locator(".made")).to_contain_text("你已修改")


def test_a_bad_edit_is_refused_with_a_message_and_nothing_typed_is_lost(review: Review, page: Page) -> None:
    begin(page, review.links["ann"])
    press(page, "e")
    expect(page.locator("#editor textarea")).to_be_focused()
    bad = page.input_value("#editor textarea") + "\n\n【用户】\n最后一句没人回答"
    page.fill("#editor textarea", bad)
    press(page, "Control+Enter")
    expect(page.locator(".problem")).to_contain_text("必须以咨询师结束")
    expect(page.locator(".problem")).to_be_in_viewport()
    assert page.input_value("#editor textarea") == bad
    assert not review.file("ann").exists()
    press(page, "Escape")
    expect(page.locator("#accept")).to_be_visible()
    expect(page.locator(".problem")).to_have_count(0)


def test_two_reviewers_at_once_neither_collide_nor_see_each_other(review: Review, browser: Browser) -> None:
    ann, bo = new_page(browser), new_page(browser)
    for page, name in ((ann, "ann"), (bo, "bo")):
        begin(page, review.links[name])
    for count in range(1, 4):
        for page in (ann, bo):
            press(page, "a")
        for page in (ann, bo):
            read_so_far(page, count)
    assert [each.reviewer for each in review.made("ann")] == [review.name("ann")] * 3
    assert [each.reviewer for each in review.made("bo")] == [review.name("bo")] * 3
    ours = {review.name(who) for who in ("ann", "bo")}
    decided = [{each.reviewer for each in of_one} for of_one in load_decisions(review.out / "decisions").values()]
    both = [each for each in decided if ours <= each]
    for page, name in ((ann, "ann"), (bo, "bo")):
        page.reload()
        begin(page, review.links[name])
        read_so_far(page, 3)
    shown = ann.content()
    token = review.links["bo"].split("token=")[1]
    assert token not in shown and review.name("bo") not in shown
    assert len(both) <= 3
    for page in (ann, bo):
        page.context.close()


def test_presses_before_the_next_conversation_is_there_decide_nothing(review: Review, page: Page) -> None:
    begin(page, review.links["ann"])
    settled(page)
    keys = ["a", "a", "u", "a", "ArrowRight"]
    page.evaluate("keys => keys.forEach(key => document.dispatchEvent(new KeyboardEvent('keydown', {key})))", keys)
    read_so_far(page, 1)
    assert len(review.made("ann")) == 1
    press(page, "a")
    read_so_far(page, 2)


def test_an_act_that_fails_gives_the_page_back(review: Review, page: Page) -> None:
    begin(page, review.links["ann"])
    settled(page)
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        route.fulfill(status=500, body="{}")

    page.route("**/run/predict*", refuse)
    press(page, "a")
    settled(page)
    page.unroute("**/run/predict*")
    assert len(refused) == 1 and not review.made("ann")
    press(page, "a")
    read_so_far(page, 1)


def test_a_link_with_a_wrong_token_opens_nothing(review: Review, page: Page) -> None:
    for link in (review.links["ann"][:-1] + "!", review.links["ann"].split("?")[0]):
        page.goto(link)
        expect(page.locator("#top")).to_contain_text("这个链接无效")
        expect(page.locator("#begin")).to_have_count(0)
        expect(page.locator(".turn")).to_have_count(0)


def test_a_server_killed_after_a_click_loses_nothing(review: Review, page: Page) -> None:
    begin(page, review.links["ann"])
    for count in range(1, 4):
        click(page, "#accept")
        read_so_far(page, count)
    review.kill()
    with review.file("ann").open("ab") as file:
        file.write(b'{"id": "c-torn", "reviewer": "an')
    before = dict(review.links)
    review.start()
    assert review.links == before
    page.goto("about:blank")
    begin(page, review.links["ann"])
    read_so_far(page, 3)
    press(page, "a")
    read_so_far(page, 4)
    assert len({each.id for each in review.made("ann")}) == 4


def test_a_page_left_open_over_a_restart_saves_nothing_silently(review: Review, page: Page) -> None:
    begin(page, review.links["ann"])
    review.kill()
    review.start()
    click(page, "#accept")
    page.wait_for_timeout(1500)
    saved = len(review.made("ann"))
    assert saved == len(re.findall("已读 1 /", page.inner_text("body")))
    page.goto("about:blank")
    begin(page, review.links["ann"])
    read_so_far(page, saved)


def test_after_45_minutes_the_page_asks_to_rest(review: Review, page: Page) -> None:
    page.clock.install()
    begin(page, review.links["ann"])
    expect(page.locator("#rest-note")).to_be_hidden()
    page.clock.fast_forward("45:05")
    expect(page.locator("#rest-note")).to_be_visible()
    click(page, "#rest-ok")
    expect(page.locator("#rest-note")).to_be_hidden()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_state_is_accessible_and_fits(review: Review, browser: Browser, width: int, scheme: str) -> None:
    page = new_page(browser, width)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # parametrised
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2].split(":")[0]))
    page.goto(review.links["bo"])
    expect(page.locator("#begin")).to_be_focused()
    fine(page, width)
    click(page, "#begin")
    expect(page.locator("#accept")).to_be_visible()
    fine(page, width)
    for key, what, close in (("e", "#editor", "Escape"), ("r", "#reason", "Escape"), ("?", "#keys", "?")):
        press(page, key)
        expect(page.locator(what)).to_be_visible()
        page.wait_for_timeout(200)
        fine(page, width)
        press(page, close)
        expect(page.locator("#accept")).to_be_visible()
    assert hosts == {"127.0.0.1"}
    page.context.close()


def test_nothing_is_offered_to_strangers_and_nothing_kept_in_the_browser(review: Review, page: Page) -> None:
    begin(page, review.links["ann"])
    press(page, "a")
    read_so_far(page, 1)
    info = urllib.request.urlopen(f"http://127.0.0.1:{review.port}/gradio_api/info").read().decode()
    assert info.replace(" ", "") == '{"named_endpoints":{},"unnamed_endpoints":{}}'
    stored = page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert "c-" not in stored and "咨询" not in stored


def test_a_forged_seat_decides_nothing(review: Review) -> None:
    token = review.links["bo"].split("token=")[1]
    config = json.load(urllib.request.urlopen(f"http://127.0.0.1:{review.port}/config"))
    seat = {"token": token, "place": 0, "mode": "read", "note": "", "problem": ""}
    acts = [each["id"] for each in config["dependencies"] if len(each["inputs"]) == 4]
    assert len(acts) == 12
    for act in acts:
        body = json.dumps({"data": [seat, "", "unsafe", ""], "fn_index": act, "session_hash": "stranger"}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{review.port}/gradio_api/run/predict", body, {"Content-Type": "application/json"}
        )
        answer = json.load(urllib.request.urlopen(request))
        assert "这一页已过期" in str(answer) and 'class="turn' not in str(answer)
    assert not review.file("ann").exists() and not review.file("bo").exists()


def fine(page: Page, width: int) -> None:
    """No serious finding of axe-core, and nothing beyond the window's width."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    violations = Axe().run(page).response["violations"]
    serious = [
        (v["id"], [node["html"][:200] for node in v["nodes"]])
        for v in violations
        if v["impact"] in ("serious", "critical")
    ]
    assert serious == []
