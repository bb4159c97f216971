"""CONFIG, SLOWLOG, LATENCY, TIME, LOLWUT and SHUTDOWN."""

import pytest

from redracer.commands.latency_graph import age, graph
from redracer.commands.lolwut import picture
from redracer.engine.latency import EventHistory
from redracer.engine.shutdown import SAVE, Request, ShutdownRefused


class TestConfig:
    def test_get_and_set(self, served):
        assert (
            served.run(b"CONFIG GET hz port*")
            == b"*4\r\n$2\r\nhz\r\n$2\r\n10\r\n$4\r\nport\r\n$4\r\n6379\r\n"
        )
        assert served.run(b"CONFIG SET hz 20 timeout 7") == b"+OK\r\n"
        assert (served.engine.config["hz"], served.engine.config["timeout"]) == (20, 7)
        assert served.error(b"CONFIG SET hz 20 timeout") == "ERR syntax error"
        assert served.error(b"CONFIG SET hz 30 timeout x").startswith("ERR CONFIG SET failed")
        assert served.engine.config["hz"] == 20
        assert served.error(b"CONFIG REWRITE") == "ERR The server is running without a config file"

    def test_reaches_the_clients_there_are(self, served):
        client = served.client()
        served.run([b"CONFIG", b"SET", b"proto-max-bulk-len", b"2mb"])
        assert client.parser.maximum_bulk == 2 << 20
        served.run([b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 5mb 4mb 10"])
        assert client.output_limit == 4 << 20

    def test_timeout_closes_the_idle(self, served):
        served.run(b"PING", "idle")
        served.run(b"CONFIG SET timeout 10")
        served.client("idle").last_interaction -= 11_000
        served.client().last_interaction -= 9_000
        served.engine.tick()
        assert served.is_open() and not served.is_open("idle")

    def test_resetstat(self, served):
        served.run(b"NOTHING")
        served.run(b"PING")
        assert served.engine.statistics.error_replies == 1
        assert served.run(b"CONFIG RESETSTAT") == b"+OK\r\n"
        assert served.engine.statistics.error_replies == 0
        assert served.engine.commands[b"ping"].calls == 0


class TestSlowlog:
    def fill(self, served, count):
        served.run(b"CONFIG SET slowlog-log-slower-than 0")
        served.run(b"SLOWLOG RESET")
        for number in range(count):
            served.run(b"ECHO %d" % number)
        served.run(b"CONFIG SET slowlog-log-slower-than -1")
        return len(served.engine.slowlog.entries)

    def test_entries(self, served):
        served.run(b"CLIENT SETNAME me")
        kept = self.fill(served, 20)
        assert served.run(b"SLOWLOG LEN") == b":%d\r\n" % kept
        assert served.run(b"SLOWLOG GET").startswith(b"*10\r\n")
        assert served.run(b"SLOWLOG GET 3").startswith(b"*3\r\n")
        assert served.run(b"SLOWLOG GET 0") == b"*0\r\n"
        assert served.run(b"SLOWLOG GET -1").startswith(b"*%d\r\n" % kept)
        entry = served.engine.slowlog.entries[1]
        assert entry.arguments == [b"ECHO", b"18"]
        assert (entry.address, entry.client_name) == (b"127.0.0.1:1", b"me")
        assert served.run(b"SLOWLOG RESET") == b"+OK\r\n"
        assert served.run(b"SLOWLOG LEN") == b":0\r\n"

    @pytest.mark.parametrize("count", [b"-2", b"x"])
    def test_refusals(self, served, count):
        refused = "ERR count should be greater than or equal to -1"
        assert served.error(b"SLOWLOG GET " + count) == refused

    def test_length_limit(self, served):
        self.fill(served, 20)
        served.run(b"CONFIG SET slowlog-max-len 4")
        assert served.run(b"SLOWLOG LEN") == b":4\r\n"


class TestLatency:
    def record(self, served):
        served.run(b"CONFIG SET latency-monitor-threshold 10")
        latency = served.engine.latency
        now = served.engine.clock.now // 1000
        for ago, milliseconds in ((3, 12), (2, 80), (1, 9), (1, 40)):
            latency.consider("command", milliseconds, now - ago)
        return now

    def test_events(self, served):
        now = self.record(served)
        assert served.run(b"LATENCY LATEST") == b"*1\r\n*4\r\n$7\r\ncommand\r\n:%d\r\n:40\r\n:80\r\n" % (
            now - 1
        )
        pairs = b"".join(
            b"*2\r\n:%d\r\n:%d\r\n" % pair for pair in ((now - 3, 12), (now - 2, 80), (now - 1, 40))
        )
        assert served.run(b"LATENCY HISTORY command") == b"*3\r\n" + pairs
        assert served.run(b"LATENCY HISTORY nothing") == b"*0\r\n"
        assert served.run(b"LATENCY RESET nothing") == b":0\r\n"
        assert served.run(b"LATENCY RESET") == b":1\r\n"
        assert served.run(b"LATENCY LATEST") == b"*0\r\n"

    def test_graph(self, served):
        self.record(served)
        text = served.text(b"LATENCY GRAPH command")
        assert text.startswith("command - high 80 ms, low 12 ms (all time high 80 ms)\n" + "-" * 80 + "\n")
        assert served.error(b"LATENCY GRAPH x") == "ERR No samples available for event 'x'"

    def test_graph_of_a_slope(self):
        history = EventHistory()
        for second in range(12):
            history.add(1000 + second, 10 + second)
        rows = graph("x", history, 1012).splitlines()[2:]
        assert rows[:4] == ["         _o#", "      _o#|||", "   _o#||||||", "_o#|||||||||"]
        assert rows[5:] == ["111987654321", "210sssssssss", "sss"]
        assert [age(seconds) for seconds in (0, 59, 60, 7200, 200_000)] == ["0s", "59s", "1m", "2h", "2d"]

    def test_doctor(self, served):
        assert "latency-monitor-threshold" in served.text(b"LATENCY DOCTOR")
        served.run(b"CONFIG SET latency-monitor-threshold 10")
        assert "No latency spike" in served.text(b"LATENCY DOCTOR")
        self.record(served)
        text = served.text(b"LATENCY DOCTOR")
        assert "1. command: 3 latency spikes (average 44 ms" in text and "SLOWLOG GET" in text

    def test_histogram(self, served):
        served.run(b"PING")
        served.run(b"CONFIG GET hz")
        served.run(b"HELLO 3")
        assert served.run(b"LATENCY HISTOGRAM ping nothing").startswith(
            b"%1\r\n$4\r\nping\r\n%2\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n%1\r\n:"
        )
        assert b"config|get" in served.run(b"LATENCY HISTOGRAM config")
        assert b"config|get" in served.run(b"LATENCY HISTOGRAM")
        assert served.run(b"LATENCY HISTOGRAM get") == b"%0\r\n"


def test_time(served):
    reply = served.run(b"TIME").split(b"\r\n")
    now = int(reply[2]) * 1_000_000 + int(reply[4])
    assert abs(now // 1000 - served.engine.clock.now) < 60_000


class TestLolwut:
    def test_names_the_version(self, served):
        assert served.text(b"LOLWUT").endswith("\nRedis ver. 8.2.0\n")
        assert served.text(b"LOLWUT VERSION 5 20 5").count("\n") == 7
        assert served.error(b"LOLWUT VERSION x") == "ERR value is not an integer or out of range"

    def test_the_snake_goes_from_edge_to_edge(self):
        for seed in range(50):
            rows = picture(seed, 40, 9).split("\n")
            assert len(rows) == 10 and max(map(len, rows)) == 40
            assert sum(row.count("●") for row in rows) == 1
            assert all(any(row[x : x + 1].strip() for row in rows) for x in range(40))


class TestShutdown:
    def test_words(self, served):
        asked, ended = [], []
        served.engine.shutdown.add_step(SAVE, asked.append)
        served.engine.ports["exit"] = lambda: ended.append(True)
        for line in (b"SHUTDOWN", b"shutdown nosave now", b"SHUTDOWN SAVE FORCE"):
            assert served.run(line) == b""
        assert asked == [Request(), Request(save=False, now=True), Request(save=True, force=True)]
        assert len(ended) == 3

    def test_a_step_can_refuse(self, served):
        def refuse(request):
            raise ShutdownRefused

        served.engine.shutdown.add_step(SAVE, refuse)
        assert served.error(b"SHUTDOWN") == "ERR Errors trying to SHUTDOWN. Check logs."
        assert served.run(b"PING") == b"+PONG\r\n"

    def test_it_waits_for_what_is_not_ready(self, served):
        ended, ready = [], []
        served.engine.ports["exit"] = lambda: ended.append(True)
        served.engine.shutdown.waits.append(lambda: bool(ready))
        assert served.run(b"SHUTDOWN", "other") == b""
        served.engine.tick()
        assert not ended
        assert served.run(b"SHUTDOWN ABORT") == b"+OK\r\n"
        assert served.client("other").out.take() == b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"
        assert served.run(b"SHUTDOWN", "third") == b""
        ready.append(True)
        served.engine.tick()
        assert ended

    def test_a_signal_waits_while_the_periodic_work_stands_still(self, served):
        ended = []
        served.engine.ports["exit"] = lambda: ended.append(True)
        served.engine.cron_paused = True
        served.engine.shutdown.schedule(Request.of(("nosave", "now")))
        assert not ended
        assert served.run(b"SHUTDOWN ABORT") == b"+OK\r\n"
        served.engine.shutdown.schedule(Request())
        served.engine.cron_paused = False
        served.engine.tick()
        assert ended

    @pytest.mark.parametrize("words", [b"what", b"SAVE NOSAVE", b"ABORT NOW"])
    def test_refusals(self, served, words):
        assert served.error(b"SHUTDOWN " + words) == "ERR syntax error"

    def test_abort(self, served):
        assert served.error(b"SHUTDOWN ABORT") == "ERR No shutdown in progress."
