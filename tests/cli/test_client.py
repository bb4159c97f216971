"""What the table of invocations does not tell of `redracer cli`: programs, help, streams of replies, 8.2's own ways."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Bench
from tests.cli.fake_server import Answering
from tests.wire.conftest import ServerProcess

PROGRAM = Path(sys.prefix) / "bin" / "redracer-cli"
PATIENCE = 30  # s that a test waits for something before it fails
HEAVY = {
    "argparse",
    "asyncio",
    "dataclasses",
    "enum",
    "inspect",
    "prompt_toolkit",
    "re",
    "rich",
    "signal",
    "socket",
}


def wait_for(condition: Callable[[], Any]) -> Any:
    """Polls until the condition holds; what it returned then."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def kill(bench: Bench, mark: bytes) -> None:
    """Waits for a client whose line in CLIENT LIST has this, and kills it."""

    def found() -> list[bytes]:
        return [line for line in bench.execute("CLIENT", "LIST").split(b"\n") if mark in line]

    (line,) = wait_for(found)
    address = dict(field.split(b"=", 1) for field in line.split())[b"addr"]
    assert bench.execute("CLIENT", "KILL", "ADDR", address.decode()) == b":1\r\n"


class Running:
    """A client that goes on, and what it has printed so far."""

    def __init__(self, bench: Bench, *words: str, **environment: str) -> None:
        command = [sys.executable, "-m", "redracer.cli.client.main", "-p", str(bench.server.port), *words]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=bench.environment(environment),
        )
        assert self.process.stdout is not None
        self.printed = b""
        self.thread = threading.Thread(target=self._collect)
        self.thread.start()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        while piece := os.read(self.process.stdout.fileno(), 65536):
            self.printed += piece

    def expect(self, text: bytes) -> None:
        """Waits until it has printed this."""
        wait_for(lambda: text in self.printed)

    def type(self, text: bytes) -> None:
        """Sends a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self, signal_number: int = signal.SIGINT) -> tuple[int, bytes]:
        """Interrupts it; its exit code and its standard error."""
        self.process.send_signal(signal_number)
        return self.wait()

    def wait(self) -> tuple[int, bytes]:
        assert self.process.stderr is not None and self.process.stdin is not None
        code = self.process.wait(PATIENCE)
        self.thread.join(PATIENCE)
        errors = self.process.stderr.read()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code, errors

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.wait()


@pytest.fixture
def start(bench: Bench) -> Iterator[Callable[..., Running]]:
    """Starts a client; it ends with the test."""
    bench.reset([])
    clients: list[Running] = []

    def begin(*words: str, **environment: str) -> Running:
        clients.append(Running(bench, *words, **environment))
        return clients[-1]

    yield begin
    for client in clients:
        client.close()


class TestPrograms:
    @pytest.mark.parametrize("name", ["redracer-cli", "redis-cli"])
    def test_the_programs_of_this_name(self, bench: Bench, tmp_path: Path, name: str) -> None:
        link = tmp_path / name
        link.symlink_to(PROGRAM if name == "redracer-cli" else PROGRAM.with_name("redracer"))
        done = subprocess.run([link, "-p", str(bench.server.port), "ping"], capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"PONG\n", b"")

    def test_a_command_imports_nothing_heavy(self, bench: Bench) -> None:
        code = (
            "import sys; from redracer.cli.main import main; main(sys.argv[1:]); print(*sorted(sys.modules))"
        )
        command = [
            sys.executable,
            "-I",
            "-c",
            code,
            "cli",
            "-p",
            str(bench.server.port),
            "--no-raw",
            "get",
            "s",
        ]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        before = subprocess.run(
            [sys.executable, "-I", "-c", "import sys; print(*sorted(sys.modules))"],
            capture_output=True,
            check=True,
            text=True,
        )
        loaded = set(done.stdout.split()) - set(before.stdout.split())
        assert not loaded & HEAVY
        assert len(loaded) < 30

    def test_help_and_version(self, bench: Bench) -> None:
        for words in (["--help"], ["-h"]):
            shown = bench.ours(words, b"", {})
            assert shown.code == 0
            assert shown.stdout.startswith(b"Usage: redracer cli [OPTIONS]")
        shown = bench.ours(["--version"], b"", {})
        assert shown.code == 0
        assert shown.stdout.startswith(b"redis-cli 8.2.0 (redracer ")

    @pytest.mark.parametrize(
        "words", [["--ldb", "--eval", "x"], ["--cluster", "info", "x:1"], ["--cluster-yes"]]
    )
    def test_what_is_not_there_is_refused(self, bench: Bench, words: list[str]) -> None:
        shown = bench.ours(words, b"", {})
        assert shown.code == 1
        assert b"use redis-cli" in shown.stderr

    def test_the_help_is_in_the_documentation(self) -> None:
        from redracer.cli.client.usage import USAGE

        assert USAGE in (Path(__file__).parents[2] / "docs" / "cli.md").read_text()

    def test_every_mode_has_a_module(self) -> None:
        from redracer.cli.client.main import MODULES
        from redracer.cli.client.options import MODES

        assert set(MODULES) == set(MODES)
        for module, function in MODULES.values():
            assert callable(getattr(import_module(f"redracer.cli.client.{module}"), function))

    @pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
    def test_closed_streams(self, bench: Bench, closed: str) -> None:
        command = f"{PROGRAM} -p {bench.server.port} set s hello {closed}"
        done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == (b"" if "1>" in closed else b"OK\n")

    def test_a_server_that_is_shut_down(self, bench: Bench, tmp_path: Path) -> None:
        for words in ([], ["--no-raw"]):
            server = ServerProcess(tmp_path)
            shown = bench.ours(["-p", str(server.port), *words, "shutdown", "nosave"], b"", {})
            assert (shown.code, shown.stdout, shown.stderr) == (0, b"", b"")
            assert server.process.wait(PATIENCE) == 0

    def test_every_option_is_in_the_help(self) -> None:
        from redracer.cli.client.options import FLAGS, VALUES
        from redracer.cli.client.usage import USAGE

        known = USAGE.replace(",", " ").split()
        assert not [name for name in (*FLAGS, *VALUES) if name not in known and name != "--slave"]


class TestMessages:
    """Texts on the standard error, which are redis-cli's."""

    @pytest.mark.parametrize(
        ("words", "text"),
        [
            (["-p", "1", "ping"], b"Could not connect to Redis at 127.0.0.1:1: Connection refused\n"),
            (
                ["-s", "nothing", "ping"],
                b"Could not connect to Redis at nothing: No such file or directory\n",
            ),
            (["-p", "65536", "ping"], b"Invalid server port.\n"),
            (["-t", "soon", "ping"], b"Invalid connection timeout for -t.\n"),
            (["-p"], b"Unrecognized option or bad number of args for: '-p'\n"),
            (["-x", "-X", "t"], b"Options -x and -X are mutually exclusive.\n"),
            (["--cursor", "x"], b"--cursor conversion error.\n"),
            (["--top", "-3"], b"--top should be followed by a positive integer.\n"),
            (["--memkeys-samples", "-3"], b"--memkeys-samples value should be positive.\n"),
        ],
    )
    def test_of_a_wrong_invocation(self, bench: Bench, words: list[str], text: bytes) -> None:
        shown = bench.ours(words, b"", {})
        assert (shown.code, shown.stderr) == (1, text)

    def test_of_a_host_that_does_not_answer(self, bench: Bench) -> None:
        with socket.socket() as full, ExitStack() as stack:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(3):  # one waits to be accepted, what comes after it gets no answer
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            shown = bench.ours(["-p", str(full.getsockname()[1]), "-t", "0.2", "ping"], b"", {})
        assert shown.code == 1
        assert shown.stderr.endswith(b": Connection timed out\n")

    @pytest.mark.parametrize(
        "text",
        [
            "-a nothing ping",
            "-n 99 ping",
            "--user bob -a wrong ping",
            "-X tag get s",
            "-e incr s",
            "--user guest -a guest -3 ping",
            "--eval missing.lua",
            "--rdb {folder}/missing/dump.rdb",
            "-u http:x ping",
        ],
    )
    def test_are_those_of_redis_cli(self, bench: Bench, redis_cli: str, text: str) -> None:
        bench.reset([])
        words = bench.words(text)
        theirs = bench.redis_cli(words, b"", {})
        bench.reset([])
        assert bench.ours(words, b"", {}).stderr == theirs.stderr


class TestOneReplyAfterAnother:
    @pytest.mark.parametrize("words", [["subscribe", "a", "b"], ["-3", "--no-raw", "subscribe", "a", "b"]])
    def test_subscribing(self, bench: Bench, start: Callable[..., Running], words: list[str]) -> None:
        client = start(*words)
        client.expect(b"b")
        wait_for(lambda: bench.execute("PUBSUB", "NUMSUB", "b").endswith(b":1\r\n"))
        assert bench.execute("PUBLISH", "a", "news") == b":1\r\n"
        client.expect(b"news")
        code, errors = client.end()
        assert (code, errors) == (130, b"")
        shown = client.printed
        if words[0] == "subscribe":
            assert shown == b"subscribe\na\n1\nsubscribe\nb\n2\nmessage\na\nnews\n"
        else:
            head = b'1) "subscribe"\n2) "a"\n3) (integer) 1\n'
            assert shown.startswith(head)
            assert shown.endswith(b'1) "message"\n2) "a"\n3) "news"\n')

    def test_monitoring(self, bench: Bench, start: Callable[..., Running]) -> None:
        client = start("monitor")
        client.expect(b"OK\n")
        bench.execute("SET", "seen", "1")
        client.expect(b'"SET" "seen" "1"\n')
        assert client.end()[0] == 130

    def test_a_server_that_goes_away(self, bench: Bench, start: Callable[..., Running]) -> None:
        client = start("blpop", "nothing", "0")
        kill(bench, b"cmd=blpop")
        assert client.wait() == (1, b"Error: Server closed the connection\n")

    def test_a_script_goes_on_after_the_connection_was_lost(
        self, bench: Bench, start: Callable[..., Running]
    ) -> None:
        client = start()
        client.type(b"client setname victim\n")
        client.expect(b"OK\n")
        kill(bench, b"name=victim")
        client.type(b"echo 1\necho 2\necho back\n")
        client.expect(b"back\n")
        assert client.process.stdin is not None
        client.process.stdin.close()
        client.process.stdin = open(os.devnull, "wb")  # noqa: SIM115 - closed with the client
        assert client.wait()[0] == 0

    def test_closing_the_output_ends_it_without_a_word(self, bench: Bench) -> None:
        bench.execute("DEBUG", "POPULATE", "5000")
        command = [sys.executable, "-m", "redracer.cli.client.main", "-p", str(bench.server.port), "--scan"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
            assert client.stdout is not None and client.stderr is not None
            client.stdout.close()
            assert client.wait(PATIENCE) == 141
            assert client.stderr.read() == b""

    @pytest.mark.parametrize("command", [b"sync\n", b"psync ? -1\n"])
    def test_becoming_a_replica(self, bench: Bench, start: Callable[..., Running], command: bytes) -> None:
        client = start()
        client.type(command)
        client.expect(b"Entering replica output mode...  (press Ctrl-C to quit)\n")

        def seen() -> bool:
            bench.execute("SET", "replicated", "1")
            return b'"SET","replicated","1"' in client.printed

        wait_for(seen)
        assert client.end()[0] == 130

    def test_replica(self, bench: Bench, start: Callable[..., Running]) -> None:
        client = start("--replica")
        wait_for(lambda: b"slave0:" in bench.execute("INFO", "replication"))

        def seen() -> bool:
            bench.execute("SET", "replicated", "1")
            return b'"SET","replicated","1"' in client.printed

        wait_for(seen)
        bench.execute("CLIENT", "KILL", "TYPE", "slave")
        code, errors = client.wait()
        assert code == 1
        assert errors.endswith(b"Error: Server closed the connection\n")


class TestFigures:
    @pytest.mark.parametrize(
        ("words", "parts"),
        [
            (["--latency", "-i", "0.05"], 4),
            (["--latency", "-i", "0.05", "--csv"], 1),
            (["--latency", "-i", "0.05", "--json"], 8),
        ],
    )
    def test_latency_ends_by_itself_without_a_terminal(
        self, bench: Bench, words: list[str], parts: int
    ) -> None:
        shown = bench.ours(bench.words(" ".join(words)), b"", {})
        assert shown.code == 0
        assert len(shown.stdout.split()) == parts

    def test_intrinsic_latency(self, bench: Bench) -> None:
        shown = bench.ours(["--intrinsic-latency", "0"], b"", {})
        assert shown.code == 0
        assert b"total runs (avg latency: " in shown.stdout

    def test_stat(self, bench: Bench, start: Callable[..., Running]) -> None:
        client = start("--stat", "-i", "0.02")
        wait_for(lambda: client.printed.count(b"\n") >= 23)
        assert client.end()[0] == 130
        lines = client.printed.decode().splitlines()
        assert lines[0] == "------- data ------ --------------------- load -------------------- - child -"
        assert lines[1].split() == ["keys", "mem", "clients", "blocked", "requests", "connections"]
        keys, memory, clients, blocked, requests, since, _ = lines[3].split()
        assert int(keys) > 10 and memory[-1] in "KM" and int(clients) >= 1 and blocked == "0"
        assert int(requests) > 0 and since == "(+1)"
        assert lines[22] == lines[0]  # after 20 lines

    @pytest.mark.parametrize(
        "words", [["--latency-dist", "-i", "0.05"], ["--latency-dist", "--mono", "-i", "0.05"]]
    )
    def test_latency_dist(self, start: Callable[..., Running], words: list[str]) -> None:
        client = start(*words)
        client.expect(b"?\x1b[0m\n")
        client.end()

    def test_keystats(self, bench: Bench) -> None:
        bench.reset([])
        shown = bench.ours(bench.words("--keystats --top 2"), b"", {})
        assert shown.code == 0
        text = shown.stdout.decode("latin-1")
        keys = bench.execute("DBSIZE").decode().strip(":\r\n")
        assert f"100.00% keys scanned\nKeys sampled: {keys}\n" in text
        assert "--- Top 2 key sizes ---\n  1 " in text
        assert "list       long has 12 items\n" in text
        assert "100.0000%" in text

    @pytest.mark.parametrize("mode", ["--bigkeys", "--memkeys", "--keystats", "--scan"])
    def test_an_interrupted_mode_shows_what_it_has(
        self, bench: Bench, start: Callable[..., Running], mode: str
    ) -> None:
        bench.execute("DEBUG", "POPULATE", "3000")
        client = start(mode, "-i", "1000")
        client.expect(b"key:" if mode == "--scan" else b"# ")
        assert client.end() == (0, b"")
        if mode == "--keystats":
            assert b"Scan interrupted:\nUse 'redracer cli --keystats --cursor " in client.printed
        elif mode != "--scan":
            assert re.search(rb"\n\[\d\d\.\d\d%\] Sampled \d+ keys in the keyspace!\n", client.printed)

    def test_lru_test(self, bench: Bench, start: Callable[..., Running]) -> None:
        client = start("--lru-test", "10")
        client.expect(b"Gets/sec | Hits: ")
        client.end()


class TestTransfers:
    def test_a_dump_is_the_server_s_data(self, bench: Bench, tmp_path: Path) -> None:
        bench.reset(
            ["FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function() return 1 end)\""]
        )
        for option, name, keys in (("--rdb", "all.rdb", True), ("--functions-rdb", "functions.rdb", False)):
            path = tmp_path / name
            path.write_bytes(b"older" * 100_000)
            shown = bench.ours(bench.words(f"{option} {path}"), b"", {})
            assert shown.code == 0
            data = path.read_bytes()
            assert data.startswith(b"REDIS") and b"redis.register_function" in data
            assert (b"utf8" in data) == keys
            assert list(tmp_path.glob("*.part")) == []
        shown = bench.ours(bench.words("--rdb -"), b"", {})
        assert shown.stdout.startswith(b"REDIS")

    def test_piping_more_than_fits_into_buffers(self, bench: Bench) -> None:
        bench.reset([])
        values = b"".join(b"SET big:%d %s\r\n" % (number, b"x" * 20_000) for number in range(300))
        asked = b"".join(b"GET big:%d\r\n" % number for number in range(300))
        shown = bench.ours(bench.words("--pipe"), values + asked, {})
        assert shown.code == 0
        assert shown.stdout.endswith(b"errors: 0, replies: 600\n")

    def test_piping_to_a_server_that_does_not_answer(self, bench: Bench) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            shown = bench.ours(["-p", str(port), "--pipe", "--pipe-timeout", "1"], b"PING\r\n", {})
        assert shown.code == 1
        assert shown.stderr == b"No replies for 1 seconds: exiting.\n"


class TestRedirections:
    def test_moved_and_ask_are_followed(self, bench: Bench) -> None:
        other = Answering({b"SET": [b"-MOVED 1 127.0.0.1:%d\r\n" % bench.server.port]})
        asking = Answering({b"SET": [b"-ASK 1 127.0.0.1:%d\r\n" % other.port]})
        with other, asking:
            shown = bench.ours(["-p", str(asking.port), "-c", "set", "k", "v"], b"", {})
        assert shown.stdout == b"OK\n"
        assert other.heard[0] == b"ASKING"

    def test_without_the_option_they_are_errors(self, bench: Bench) -> None:
        with Answering({b"GET": [b"-MOVED 1 127.0.0.1:9\r\n"]}) as moved:
            shown = bench.ours(["-p", str(moved.port), "get", "k"], b"", {})
        assert shown.stdout == b"MOVED 1 127.0.0.1:9\n\n"


class TestRepliesOfEveryType:
    """What 7.0's redis-cli does not know."""

    @pytest.mark.parametrize(
        ("options", "shown"),
        [("--no-raw", b"(big number) 123\n"), ("", b"123\n"), ("--csv", b"123\n"), ("--json", b"123\n")],
    )
    def test_big_numbers(self, bench: Bench, options: str, shown: bytes) -> None:
        with Answering({b"GET": [b"(123\r\n"]}) as server:
            assert bench.ours(["-p", str(server.port), *options.split(), "get", "k"], b"", {}).stdout == shown

    def test_attributes_are_left_out(self, bench: Bench) -> None:
        with Answering({b"GET": [b"|1\r\n+key\r\n*2\r\n:1\r\n:2\r\n$1\r\nv\r\n"]}) as server:
            assert bench.ours(["-p", str(server.port), "get", "k"], b"", {}).stdout == b"v\n"

    def test_bulk_errors(self, bench: Bench) -> None:
        with Answering({b"GET": [b"!5\r\nE x\ny\r\n"]}) as server:
            shown = bench.ours(["-p", str(server.port), "--no-raw", "get", "k"], b"", {})
        assert shown.stdout == b"(error) E x\ny\n"

    @pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n", b"\r\n", b"*x\r\n", b"\xff\r\n"])
    def test_what_is_no_reply(self, bench: Bench, reply: bytes) -> None:
        with Answering({b"GET": [reply]}) as server:
            shown = bench.ours(["-p", str(server.port), "get", "k"], b"", {})
        assert shown.code == 1
        assert shown.stderr.startswith(b"Error: Protocol error, ")

    def test_replies_nested_too_deep(self, bench: Bench) -> None:
        with Answering({b"GET": [b"*1\r\n" * 100_000]}) as server:
            shown = bench.ours(["-p", str(server.port), "get", "k"], b"", {})
        assert (shown.code, shown.stderr) == (1, b"Error: Protocol error, too deep a nesting of replies\n")
