"""The page itself, driven by Chromium: every panel shows what it should, in light, dark and at a phone's width.

It needs Playwright (the extra `browser-test`) and Debian's chromium; screenshots go to `REDRACER_SCREENSHOTS`, if set.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect, sync_playwright

CHROMIUM = shutil.which("chromium")
LIMIT = 20_000  # ms that anything may take to appear
PHONE = {"width": 380, "height": 760}


@pytest.fixture(scope="module")
def chromium():
    """A browser."""
    if CHROMIUM is None:
        pytest.skip("no chromium is installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, dashboard, server):
    """The dashboard after logging in; fails if the page meets an error or breaks its own policy."""
    redis = server.redis()
    redis.flushall()
    redis.mset({f"user:{number}:name": "n" for number in range(20)})
    redis.hset("user:1", mapping={"name": "Ada", "born": "1815"})
    redis.zadd("scores", {"ada": 1.5})
    redis.xadd("events", {"kind": "login"})
    page = chromium.new_page()
    page.set_default_timeout(LIMIT)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security" in message.text else None,
    )
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"http://127.0.0.1:{dashboard}/")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("tab", name="Overview").wait_for()
    yield page
    assert complaints == []
    page.close()


def keep(page, name):
    directory = os.environ.get("REDRACER_SCREENSHOTS")
    if directory:
        page.screenshot(path=str(Path(directory) / f"{name}.png"))


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()


def test_charts_move(page):
    expect(page.locator(".chart canvas")).to_have_count(7)
    # A rate needs two samples.
    expect(page.locator("#figures div", has_text="Commands/s")).to_contain_text(re.compile(r"\d"))
    page.get_by_label("Light or dark").click()
    keep(page, "overview")
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(1500)  # the charts follow the width
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    keep(page, "overview-phone")


def test_keys_by_prefix_and_their_values(page, server):
    open_tab(page, "Keys")
    page.get_by_role("button", name="Scan").click()
    expect(page.locator("#scanned")).to_have_text("23 keys")
    page.get_by_role("treeitem", name="scores").click()
    page.get_by_role("cell", name="1.5").wait_for()
    keep(page, "keys")
    page.locator("summary", has_text="user:").first.click()
    page.get_by_role("treeitem", name="user:1 hash", exact=True).click()
    page.get_by_role("cell", name="Ada").wait_for()
    page.get_by_label("Time to live in seconds").fill("100")
    page.get_by_role("button", name="Set expiry").click()
    expect(page.locator("#value .facts")).to_contain_text(" s")
    assert 0 < server.redis().ttl("user:1") <= 100
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("Deleted.").wait_for()
    assert not server.redis().exists("user:1")


def test_console_clients_options_and_slow_log(page, server):
    open_tab(page, "Console")
    page.get_by_label("Command").fill("GET user:2:name")
    page.keyboard.press("Enter")
    expect(page.locator("#transcript")).to_have_text("> GET user:2:name\nn\n")
    page.keyboard.press("ArrowUp")
    assert page.get_by_label("Command").input_value() == "GET user:2:name"
    open_tab(page, "Clients")
    page.get_by_role("cell", name="dashboard").first.wait_for()
    keep(page, "clients")
    open_tab(page, "Config")
    page.get_by_label("Part of a name").fill("maxmemory-samples")
    page.get_by_label("maxmemory-samples").fill("9")
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_text("maxmemory-samples is set.").wait_for()
    assert server.redis().config_get("maxmemory-samples") == {"maxmemory-samples": "9"}
    server.redis().config_set("slowlog-log-slower-than", 0)
    open_tab(page, "Slow log")
    page.get_by_role("cell", name="CONFIG SET slowlog-log-slower-than").first.wait_for()
    server.redis().config_set("slowlog-log-slower-than", 10_000)


def test_tabs_by_keyboard(page):
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Keys").get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("tab", name="Pub/sub").get_attribute("aria-selected") == "true"


def test_what_is_published(page, server):
    open_tab(page, "Pub/sub")
    page.get_by_role("button", name="Listen").click()
    redis = server.redis()
    expect(page.locator("#deafen")).to_be_enabled()
    while not redis.publish("news", "hello"):
        page.wait_for_timeout(50)
    page.get_by_text("hello").first.wait_for()


def test_logging_out(page):
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Log in").wait_for()
