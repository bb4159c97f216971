"""The page itself, driven by Chromium while redis-benchmark loads the server: every panel shows what it should and
changes what it says, in light and dark, at a phone's width, by mouse and by keyboard.

It needs Playwright (the extra `browser-test`) and Debian's chromium; `make browser` installs the former. Screenshots go
to the directory `REDRACER_SCREENSHOTS`, if set.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect, sync_playwright

from tests.wire.conftest import ATTEMPTS

pytestmark = pytest.mark.long  # what `make browser` runs

CHROMIUM = shutil.which("chromium")
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LIMIT = 30_000  # ms that anything may take to appear
PHONE = {"width": 380, "height": 760}
PANELS = ("Overview", "Keys", "Slow log", "Clients", "Config", "Console", "Pub/sub")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser with a profile of its own."""
    if CHROMIUM is None:
        pytest.skip("no chromium is installed")
    with sync_playwright() as driver:
        profile = tmp_path_factory.mktemp("profile")
        context = driver.chromium.launch_persistent_context(
            str(profile), executable_path=CHROMIUM, args=OPTIONS, headless=True
        )
        context.set_default_timeout(LIMIT)
        expect.set_options(timeout=LIMIT)
        yield context
        context.close()


@pytest.fixture(scope="module")
def load(server):
    """Requests that come all the time, to keys `key:*` (redis-benchmark's); skips where it is missing."""
    program = shutil.which("redis-benchmark")
    if program is None:
        pytest.skip("no redis-benchmark is installed")
    command = [
        program,
        "-p",
        str(server.port),
        "-c",
        "2",
        "-r",
        "500",
        "-t",
        "set,get,lpush,hset",
        "-l",
        "-q",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield
        process.terminate()


@pytest.fixture
def data(server):
    """A few keys of every type."""
    redis = server.redis()
    redis.flushall()
    redis.mset({f"user:{number}:name": "n" for number in range(20)})
    redis.hset("user:1", mapping={"name": "Ada", "born": "1815"})
    redis.hexpire("user:1", 5000, "born")
    redis.set("page", "<b>bold</b>\n" * 4)
    redis.set(b"\xff\x00odd", b"\x01\xfe")
    redis.rpush("queue", *(f"job {number}" for number in range(250)))
    redis.sadd("tags", "red", "racer")
    redis.zadd("scores", {"ada": 1.5, "top": float("inf")})
    redis.xadd("events", {"kind": "login", "user": "ada"}, id="5-1")
    redis.set("big:one", "x" * 500_000)
    redis.set("big:two", "x" * 100_000)
    return redis


@pytest.fixture
def page(chromium, dashboard, data, load):
    """The dashboard after logging in; fails if the page meets an error or breaks its own policy."""
    page = chromium.new_page()
    page.set_viewport_size({"width": 1280, "height": 800})
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security" in message.text else None,
    )
    page.goto(f"http://127.0.0.1:{dashboard}/")
    log_in(page)
    yield page
    assert complaints == []
    page.close()
    chromium.clear_cookies()


def log_in(page, user="default", password=""):
    page.get_by_label("User").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("tab", name="Overview").wait_for()


def keep(page, name):
    directory = os.environ.get("REDRACER_SCREENSHOTS")
    if directory:
        Path(directory).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(directory) / f"{name}.png"))


def open_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def answer_dialogs(page, accept):
    """Answers the next question that the page asks; returns a list that will hold its text."""
    asked = []

    def answer(dialog):
        asked.append(dialog.message)
        (dialog.accept if accept else dialog.dismiss)()

    page.once("dialog", answer)
    return asked


def scan(page, pattern):
    """Looks for the keys that match, for as long as there may be more."""
    open_tab(page, "Keys")
    page.get_by_label("Pattern", exact=True).fill(pattern)
    page.get_by_role("button", name="Scan").click()
    for _ in range(ATTEMPTS):
        found = page.locator("#scanned").inner_text()
        if "key" in found and "so far" not in found:
            return
        if page.locator("#more:enabled").is_visible():
            page.locator("#more").click()
        page.wait_for_timeout(50)
    pytest.fail("the scan does not end")


def choose_key(page, pattern, name):
    """Looks for a pattern and shows one of the keys found."""
    scan(page, pattern)
    page.get_by_role("treeitem", name=name).first.click()
    expect(page.locator("#value h2")).to_be_visible()


def figure(page, name):
    return page.locator("#figures div", has_text=name).locator("dd")


def test_charts_follow_the_load(page):
    expect(page.locator(".chart canvas")).to_have_count(7)
    expect(figure(page, "Commands/s")).to_have_text(re.compile(r"[1-9][\d,]*"))
    drawn = page.locator(".chart canvas").first.evaluate("canvas => canvas.toDataURL()")
    for _ in range(ATTEMPTS):
        if page.locator(".chart canvas").first.evaluate("canvas => canvas.toDataURL()") != drawn:
            break
        page.wait_for_timeout(50)
    else:
        pytest.fail("the first chart stays as it was")
    page.wait_for_timeout(8000 if "REDRACER_SCREENSHOTS" in os.environ else 0)
    keep(page, "overview-light")
    page.get_by_label("Light or dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.wait_for_timeout(1200)
    keep(page, "overview-dark")
    page.reload()
    page.get_by_role("tab", name="Overview").wait_for()
    assert page.locator("html").get_attribute("data-theme") == "dark"  # it is remembered
    page.get_by_label("Light or dark").click()


class TestKeys:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("page", ["string", "<b>bold</b>"]),
            ("user:1", ["hash", "Ada", "born", "83 min"]),
            ("queue", ["list", "job 0", "job 99"]),
            ("tags", ["set", "racer"]),
            ("scores", ["zset", "ada", "1.5", "inf"]),
            ("events", ["stream", "5-1", "kind", "login"]),
            ("\\xff\\x00odd", ["string", "\\x01\\xfe"]),
        ],
    )
    def test_a_view_for_every_type(self, page, name, shown):
        pattern = {"\\xff\\x00odd": "*odd"}.get(name, name)
        choose_key(page, pattern, name)
        for text in shown:
            expect(page.locator("#value")).to_contain_text(text)
        keep(page, f"key-{shown[0]}")

    def test_long_values_come_in_parts(self, page):
        choose_key(page, "queue", "queue")
        rows = page.locator("#value tbody tr")
        expect(rows).to_have_count(100)
        page.get_by_role("button", name="Show more").click()
        page.get_by_role("button", name="Show more").click()
        expect(rows).to_have_count(250)
        expect(page.get_by_role("button", name="Show more")).to_have_count(0)

    def test_expiry_is_set_and_taken_away(self, page, data):
        choose_key(page, "page", "page")
        page.get_by_label("Time to live in seconds").fill("100")
        page.get_by_role("button", name="Set expiry").click()
        expect(page.locator("#value .facts")).to_contain_text(" s")
        assert 0 < data.ttl("page") <= 100
        page.get_by_label("Time to live in seconds").fill("")
        page.get_by_role("button", name="Set expiry").click()
        expect(page.locator("#value .facts")).to_contain_text("no expiry")
        assert data.ttl("page") == -1

    def test_a_key_is_deleted_only_after_a_question(self, page, data):
        choose_key(page, "tags", "tags")
        asked = answer_dialogs(page, accept=False)
        page.get_by_role("button", name="Delete").click()
        assert asked == ["Delete tags?"] and data.exists("tags")
        answer_dialogs(page, accept=True)
        page.get_by_role("button", name="Delete").click()
        page.get_by_text("Deleted.").wait_for()
        assert not data.exists("tags")
        expect(page.get_by_role("treeitem", name="tags")).to_have_count(0)

    def test_prefixes_and_big_keys_first(self, page):
        open_tab(page, "Keys")
        page.get_by_label("memory").check()
        scan(page, "[bu]*")
        expect(page.locator("#scanned")).to_have_text("23 keys")
        first = page.locator("#tree summary").first
        expect(first).to_contain_text("big: 2")
        expect(first).to_contain_text("KiB")
        first.click()
        expect(page.locator("#tree details").first.get_by_role("treeitem").first).to_contain_text("one")
        keep(page, "keys-by-memory")

    def test_many_keys_come_in_parts(self, page, data):
        data.mset({f"many:{number}": "v" for number in range(30_000)})
        open_tab(page, "Keys")
        page.get_by_role("button", name="Scan").click()
        expect(page.locator("#scanned")).to_have_text(re.compile(r"^\d+ keys so far$"))
        first = page.locator("#scanned").inner_text()
        page.get_by_role("button", name="More").click()
        expect(page.locator("#scanned")).not_to_have_text(first)
        expect(page.locator("#tree summary", has_text="many:")).to_be_visible()


class TestOtherPanels:
    def test_slow_log(self, page, data):
        data.config_set("slowlog-log-slower-than", 0)
        data.echo("something slow")
        data.config_set("slowlog-log-slower-than", 10_000)
        open_tab(page, "Slow log")
        page.get_by_role("cell", name="CONFIG SET slowlog-log-slower-than").first.wait_for()
        keep(page, "slow-log")
        page.get_by_role("button", name="Empty it").click()
        expect(page.get_by_role("cell", name="CONFIG SET slowlog-log-slower-than 0")).to_have_count(0)

    def test_a_client_is_killed_after_a_question(self, page, server):
        victim = server.connect()
        victim.request("CLIENT", "SETNAME", "victim")
        open_tab(page, "Clients")
        row = page.get_by_role("row").filter(has=page.get_by_role("cell", name="victim", exact=True))
        row.wait_for()
        keep(page, "clients")
        asked = answer_dialogs(page, accept=True)
        row.get_by_role("button", name="Kill").click()
        expect(row).to_have_count(0)
        assert "Close the connection of client" in asked[0] and victim.is_closed()

    def test_an_option_is_set_or_refused(self, page, data):
        open_tab(page, "Config")
        page.get_by_role("cell", name="maxmemory-policy").wait_for()
        keep(page, "config")
        page.get_by_label("Part of a name").fill("maxmemory-samples")
        page.get_by_label("maxmemory-samples").fill("9")
        page.get_by_role("button", name="Set", exact=True).click()
        page.get_by_text("maxmemory-samples is set.").wait_for()
        assert data.config_get("maxmemory-samples") == {"maxmemory-samples": "9"}
        page.get_by_label("maxmemory-samples").fill("many")
        page.get_by_role("button", name="Set", exact=True).click()
        page.get_by_text("CONFIG SET failed").wait_for()
        assert data.config_get("maxmemory-samples") == {"maxmemory-samples": "9"}

    def test_console_with_completion_and_history(self, page):
        open_tab(page, "Console")
        line = page.get_by_label("Command")
        expect(line).to_be_focused()
        expect(page.locator('#commands option[value="ZADD"]')).to_have_attribute(
            "label", re.compile("sorted set")
        )
        line.fill("GET user:2:name")
        page.keyboard.press("Enter")
        expect(page.locator("#transcript")).to_have_text("> GET user:2:name\nn\n")
        page.keyboard.press("ArrowUp")
        expect(line).to_have_value("GET user:2:name")
        for command in ("HGETALL user:1", "ZRANGE scores 0 -1 WITHSCORES", "LPUSH scores 1", "NOTHING"):
            line.fill(command)
            page.keyboard.press("Enter")
            expect(page.locator("#transcript")).to_contain_text(command)
        expect(page.locator("#transcript")).to_contain_text("(error) WRONGTYPE")
        expect(page.locator("#transcript")).to_contain_text("unknown command")
        keep(page, "console")

    def test_what_is_published(self, page, data):
        open_tab(page, "Pub/sub")
        page.get_by_label("Pattern of channels").fill("news*")
        page.get_by_role("button", name="Listen").click()
        expect(page.locator("#deafen")).to_be_enabled()
        for _ in range(ATTEMPTS):
            if data.publish("news:today", "hello <i>all</i>"):
                break
            time.sleep(0.05)
        page.get_by_text("hello <i>all</i>").first.wait_for()
        keep(page, "pubsub")
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#deafen")).to_be_disabled()
        for _ in range(ATTEMPTS):
            if not data.publish("news:today", "nobody hears this"):
                return
            time.sleep(0.05)
        pytest.fail("it still listens")


class TestUsers:
    def test_who_may_only_read_his_own(self, page, data):
        data.execute_command(
            "ACL", "SETUSER", "bob", "reset", "on", ">secret", "+@read", "+@connection", "~user:*"
        )
        data.config_set("maxmemory-samples", 5)
        page.get_by_role("button", name="Log out").click()
        page.get_by_label("User").fill("bob")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("WRONGPASS").wait_for()
        keep(page, "login")
        log_in(page, "bob", "secret")
        expect(page.locator("#user")).to_have_text("bob")
        expect(page.locator("#figures")).to_contain_text("NOPERM")
        choose_key(page, "user:1", "user:1")
        page.get_by_role("cell", name="Ada").wait_for()
        answer_dialogs(page, accept=True)
        page.get_by_role("button", name="Delete").click()
        expect(page.locator("#notice")).to_contain_text("unlink")
        assert data.exists("user:1")
        keep(page, "refused")
        open_tab(page, "Config")
        expect(page.locator("#notice")).to_contain_text("config|get")
        open_tab(page, "Console")
        page.get_by_label("Command").fill("GET page")
        page.keyboard.press("Enter")
        expect(page.locator("#transcript")).to_contain_text("NOPERM")

    def test_logging_out(self, page):
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("button", name="Log in").wait_for()


def test_panels_at_a_phone_s_width(page):
    page.set_viewport_size(PHONE)
    choose_key(page, "queue", "queue")
    for name in PANELS:
        open_tab(page, name)
        # The charts follow the width with the next sample.
        page.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth")
        keep(page, f"phone-{name.lower().replace(' ', '-').replace('/', '-')}")


def test_by_keyboard_alone(page):
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Keys").get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("tab", name="Pub/sub").get_attribute("aria-selected") == "true"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.get_by_label("Pattern", exact=True).focus()
    page.keyboard.type("scores")
    page.keyboard.press("Enter")
    found = page.get_by_role("treeitem", name="scores")
    found.wait_for()
    found.focus()
    keep(page, "keyboard")
    page.keyboard.press("Enter")
    page.get_by_role("cell", name="1.5").wait_for()
