"""The dashboard's API over HTTP: what it tells, what it changes, and whom it refuses."""

import http.client
import json
import signal
import time

import pytest

from tests.dashboard.conftest import PAUSE, Browser
from tests.wire.conftest import ATTEMPTS, PATIENCE, ServerProcess, free_port

BINARY = b"\xff\x00 name"


class TestPanels:
    def test_a_sample_for_the_charts(self, browser, server):
        server.redis().set("a", 1)
        status, sample = browser.get("sample")
        assert status == 200
        assert int(sample["info"]["used_memory"]) > 0 and "keys=" in sample["info"]["db0"]
        assert all(len(pair) == 2 and pair[1] > 0 for pair in sample["latency"])

    def test_all_keys_are_found_a_part_at_a_time(self, browser, server):
        redis = server.redis()
        names = {f"many:{number}" for number in range(1000)}
        redis.mset(dict.fromkeys(names, "v"))
        redis.expire("many:1", 100)
        found, cursor = {}, "0"
        while True:
            _, part = browser.get("keys", cursor=cursor, match="many:*", memory=1)
            found.update({key["name"]: key for key in part["keys"]})
            cursor = part["cursor"]
            if cursor == "0":
                break
        assert set(found) == names
        assert found["many:1"]["ttl"] > 0 and found["many:2"]["ttl"] is None
        assert found["many:2"]["type"] == "string" and found["many:2"]["bytes"] > 0

    def test_a_value_of_every_type(self, browser, server):
        redis = server.redis()
        redis.set("string", "x" * 100_000)
        redis.rpush("list", *range(150))
        redis.sadd("set", "a", "b")
        redis.zadd("zset", {"a": 1.5, "b": float("inf")})
        redis.hset("hash", mapping={"f": "v", "g": "w"})
        redis.hexpire("hash", 100, "f")
        redis.xadd("stream", {"f": "v"}, id="1-1")
        _, string = browser.get("key", name="string")
        assert (string["length"], len(string["value"]), string["next"]) == (100_000, 65536, "65536")
        assert len(browser.get("key", name="string", cursor="65536")[1]["value"]) == 100_000 - 65536
        _, first = browser.get("key", name="list")
        _, second = browser.get("key", name="list", cursor=first["next"])
        assert [row[1] for row in first["rows"] + second["rows"]] == [str(n) for n in range(150)]
        assert sorted(browser.get("key", name="set")[1]["rows"]) == [["a"], ["b"]]
        assert browser.get("key", name="zset")[1]["rows"] == [[0, "a", 1.5], [1, "b", "inf"]]
        rows = {row[0]: row for row in browser.get("key", name="hash")[1]["rows"]}
        assert rows["f"][1] == "v" and rows["f"][2] > 0 and rows["g"][2] is None
        assert browser.get("key", name="stream")[1]["rows"] == [["1-1", [["f", "v"]]]]
        assert browser.get("key", name="nothing")[1]["type"] == "none"

    def test_keys_are_changed(self, browser, server):
        redis = server.redis()
        redis.set("changed", 1)
        assert browser.post("key/ttl", name="changed", seconds="100") == (200, {"changed": 1})
        assert 0 < redis.ttl("changed") <= 100
        assert browser.post("key/ttl", name="changed", seconds="") == (200, {"changed": 1})
        assert redis.ttl("changed") == -1
        assert browser.post("key/ttl", name="changed", seconds="soon")[0] == 400
        assert browser.post("key/delete", name="changed") == (200, {"deleted": 1})
        assert not redis.exists("changed")

    def test_names_may_be_any_bytes(self, browser, server):
        server.redis().set(BINARY, BINARY)
        name = BINARY.decode("utf-8", "surrogateescape")
        _, key = browser.get("key", name=name)
        assert (key["name"], key["value"]) == (name, name)
        assert browser.post("key/delete", name=name) == (200, {"deleted": 1})

    def test_slow_log(self, browser, server):
        server.redis().config_set("slowlog-log-slower-than", 0)
        server.redis().echo("slow")
        server.redis().config_set("slowlog-log-slower-than", 10_000)
        entries = browser.get("slowlog")[1]
        assert ["ECHO", "slow"] in [entry["arguments"] for entry in entries]
        assert browser.post("slowlog/reset") == (200, "OK")
        assert ["ECHO", "slow"] not in [entry["arguments"] for entry in browser.get("slowlog")[1]]

    def test_clients_are_listed_and_killed(self, browser, server):
        victim = server.connect()
        assert victim.request("CLIENT", "SETNAME", "victim") == b"+OK\r\n"
        (found,) = [client for client in browser.get("clients")[1] if client["name"] == "victim"]
        assert browser.post("clients/kill", id=found["id"]) == (200, {"killed": 1})
        assert victim.is_closed()

    def test_options(self, browser, server):
        assert ["maxmemory-samples", "5"] in browser.get("config")[1]
        assert browser.post("config/set", name="maxmemory-samples", value="7") == (200, "OK")
        assert server.redis().config_get("maxmemory-samples") == {"maxmemory-samples": "7"}
        status, answer = browser.post("config/set", name="maxmemory-samples", value="x")
        assert status == 400 and "CONFIG SET failed" in answer["error"]

    def test_console(self, browser):
        run = lambda line: browser.post("console", line=line)[1]["reply"]  # noqa: E731
        assert run('SET console "two words"') == "OK"
        assert run("GET console") == "two words"
        assert run("LRANGE console 0 1")["error"].startswith("WRONGTYPE")
        assert run("SELECT 1") == "OK" and run("GET console") is None and run("SELECT 0") == "OK"
        assert run("CONFIG GET maxmemory") == [["maxmemory", "0"]]
        assert browser.post("console", line="MONITOR")[0] == 400
        assert browser.post("console", line='GET "a')[0] == 400

    def test_commands_for_completion(self, browser):
        found = dict(browser.get("commands")[1])
        assert found["GET"] == "Returns the string value of a key." and "CONFIG GET" in found

    def test_nothing_else(self, browser):
        assert browser.get("other")[0] == 404 and browser.post("other")[0] == 404


class TestWhoMayComeIn:
    def test_nobody_without_a_session(self, dashboard):
        stranger = Browser(dashboard)
        for path in ("sample", "keys", "clients", "config", "session", "published"):
            assert stranger.get(path)[0] == 401, path
        assert stranger.post("key/delete", name="a")[0] == 401
        stranger.cookie = "redracer-session=guess"
        assert stranger.get("sample")[0] == 401

    def test_users_of_the_server_with_their_permissions(self, dashboard, server):
        rules = ("on", ">password", "+@read", "~own:*")
        server.redis().execute_command("ACL", "SETUSER", "bob", *rules)
        server.redis().set("other", 1)
        bob = Browser(dashboard)
        status, _, answer = bob.log_in("bob", "wrong")
        assert status == 401 and answer["error"].startswith("WRONGPASS")
        assert bob.log_in("bob", "password")[0] == 200
        assert bob.get("key", name="own:a")[1]["type"] == "none"
        assert bob.get("key", name="other")[0] == 403
        assert bob.post("key/delete", name="own:a")[0] == 403
        assert bob.get("config")[0] == 403

    def test_after_logging_out_nobody(self, dashboard):
        browser = Browser(dashboard)
        browser.log_in()
        assert browser.post("logout")[0] == 200
        assert browser.get("sample")[0] == 401

    def test_the_cookie_is_for_this_site_alone(self, dashboard):
        cookie = Browser(dashboard).log_in()[1]["Set-Cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie

    @pytest.mark.parametrize(
        "headers",
        [
            {"X_CSRF_Token": "guess"},
            {"X_CSRF_Token": None},
            {"Origin": "http://evil.example"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Content_Type": "text/plain"},  # what a form of another site could send
            {"Host": "evil.example"},  # DNS rebinding: a name of theirs that resolves to us
        ],
    )
    def test_no_forged_change(self, browser, server, headers):
        server.redis().set("precious", 1)
        status, _, _ = browser.request("POST", "/api/key/delete", json.dumps({"name": "precious"}), **headers)
        assert status == 403
        assert server.redis().exists("precious")

    def test_nothing_is_told_under_a_foreign_name(self, browser):
        for path in ("/", "/api/sample", "/static/main.js"):
            assert browser.request("GET", path, Host="evil.example")[0] == 403
        assert browser.request("GET", "/api/sample", Sec_Fetch_Site="cross-site")[0] == 403

    def test_pages_load_nothing_from_outside(self, browser):
        for path in ("/", "/static/main.js", "/api/session"):
            _, headers, _ = browser.request("GET", path)
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy and "http" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"

    def test_bodies_are_short_objects_of_text(self, browser):
        for body in ("[]", "{", '{"name": 1}', '{"name": "' + "x" * (1 << 20) + '"}'):
            assert browser.request("POST", "/api/key/delete", body)[0] == 400

    def test_only_files_of_the_page_are_served(self, browser):
        for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/vendor/../../app.py"):
            assert browser.request("GET", path)[0] in (403, 404)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_comes_and_goes_with_the_server(tmp_path, libraries, end):
    port = free_port()
    server = ServerProcess(tmp_path, "--dashboard-port", str(port))
    browser = Browser(port)
    for _ in range(ATTEMPTS):
        try:
            assert browser.log_in()[0] == 200
            break
        except ConnectionRefusedError:
            time.sleep(PAUSE)
    assert browser.get("sample")[1]["info"]["tcp_port"] == str(server.port)
    server.process.send_signal(end)
    server.process.wait(PATIENCE)
    for _ in range(ATTEMPTS):
        try:
            browser.request("GET", "/")
            time.sleep(PAUSE)
        except ConnectionError:
            break
    with pytest.raises(ConnectionRefusedError):
        browser.request("GET", "/")


def test_published_messages_are_told(browser, server):
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=PATIENCE)
    connection.request("GET", "/api/published?pattern=news*", headers={"Cookie": browser.cookie})
    events = connection.getresponse()
    assert events.headers["Content-Type"].startswith("text/event-stream")
    assert events.readline() == b": here we are\n"
    redis = server.redis()
    for _ in range(ATTEMPTS):  # the dashboard's own subscription takes a moment
        if redis.publish("newspaper", BINARY):
            break
        time.sleep(PAUSE)
    line = b""
    while not line.startswith(b"data: "):
        line = events.readline()
    assert json.loads(line[6:]) == ["newspaper", BINARY.decode("utf-8", "surrogateescape")]
    connection.close()
