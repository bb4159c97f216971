"""The dialogue on a terminal, driven through one: prompt, history, completion, colours, paging, messages."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from tests.cli.conftest import Bench

PATIENCE = 60  # s that a test waits for something to appear before it fails
CODES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()][0-9A-B]|\r|\x08")
WITHOUT_TOOLKIT = (
    "import sys; sys.modules['prompt_toolkit'] = None; from redracer.cli.client.main import main; main()"
)


class Terminal:
    """A client on a terminal of 24 rows and 100 columns."""

    def __init__(
        self, bench: Bench, folder: Path, words: list[str], environment: dict[str, str], plain: bool
    ) -> None:
        self.history = folder / "history"
        known = bench.environment(
            {
                "TERM": "xterm-256color",
                "PROMPT_TOOLKIT_NO_CPR": "1",  # nobody answers where the cursor is
                "REDISCLI_HISTFILE": str(self.history),
                "REDISCLI_RCFILE": str(folder / "rc"),
                "PAGER": "sed s/^/PAGED:/",
                **environment,
            }
        )
        program = ["-c", WITHOUT_TOOLKIT] if plain else ["-m", "redracer.cli.client.main"]
        self.child = pexpect.spawn(
            sys.executable, [*program, *words], env=known, dimensions=(24, 100), timeout=PATIENCE
        )
        self.read = b""  # all that was printed, without the codes for the terminal
        self.seen = 0  # of it

    def expect(self, text: str) -> str:
        """Waits until this appears behind what was seen before; what was printed up to its end."""
        deadline = time.monotonic() + PATIENCE
        wanted = text.encode()
        while wanted not in self.read[self.seen :]:
            assert time.monotonic() < deadline, f"no {text!r} in {self.read[self.seen :]!r}"
            try:
                self.raw = getattr(self, "raw", b"") + self.child.read_nonblocking(65536, timeout=1)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                assert wanted in self.read[self.seen :], f"it ended: {self.read[self.seen :]!r}"
            self.read = CODES.sub(b"", self.raw)
        start = self.seen
        self.seen = self.read.index(wanted, start) + len(wanted)
        return self.read[start : self.seen].decode("utf-8", "replace")

    def type(self, keys: str) -> None:
        """Presses keys."""
        self.child.send(keys.encode())

    def run(self, line: str, then: str) -> str:
        """Types a line; what is printed up to `then`."""
        self.type(f"{line}\r")
        self.expect(f"{line}\n")  # as it is drawn when it is accepted
        return self.expect(then)

    def ends(self) -> int | None:
        """Waits for the end; the exit code."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        code: int | None = self.child.exitstatus
        return code


@pytest.fixture
def open_terminal(bench: Bench, tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    bench.reset([])
    opened: list[Terminal] = []

    def begin(*words: str, plain: bool = False, **environment: str) -> Terminal:
        chosen = list(words) or ["-p", str(bench.server.port)]
        opened.append(Terminal(bench, tmp_path, chosen, environment, plain))
        return opened[-1]

    yield begin
    for terminal in opened:
        terminal.child.close(force=True)


EDITORS = pytest.mark.parametrize("plain", [False, True], ids=["prompt_toolkit", "readline"])


@EDITORS
def test_the_prompt_tells_where_one_is(
    bench: Bench, open_terminal: Callable[..., Terminal], plain: bool
) -> None:
    terminal = open_terminal(plain=plain)
    prompt = f"127.0.0.1:{bench.server.port}"
    terminal.expect(f"{prompt}>")
    assert '"hello"' in terminal.run("get s", f"{prompt}>")
    terminal.run("select 3", f"{prompt}[3]>")
    terminal.run("multi", f"{prompt}[3](TX)>")
    terminal.run("set k v", "QUEUED")
    terminal.run("exec", f"{prompt}[3]>")
    assert "1) OK" in terminal.read.decode()
    assert terminal.run("2 echo twice", f"{prompt}[3]>").count('"twice"') == 2
    terminal.run("connect 127.0.0.1 1", "not connected>")
    assert "Could not connect to Redis at 127.0.0.1:1: Connection refused" in terminal.read.decode()
    terminal.run(f"connect 127.0.0.1 {bench.server.port}", f"{prompt}")
    terminal.run("quit", "")
    assert terminal.ends() == 0


@EDITORS
def test_the_history_has_no_passwords(
    bench: Bench, open_terminal: Callable[..., Terminal], plain: bool
) -> None:
    terminal = open_terminal(plain=plain)
    terminal.history.write_text("get utf8\n")
    terminal.child.close(force=True)
    terminal = open_terminal(plain=plain)
    terminal.expect(">")
    terminal.type("\x1b[A\r")  # up
    terminal.expect("Gr\\xc3\\xbc")
    terminal.run("auth bob secret", "OK")
    terminal.run("config set requirepass ''", "OK")
    terminal.run("get s", '"hello"')
    terminal.type("\x04")
    assert terminal.ends() == 0
    assert terminal.history.read_text() == "get utf8\nget s\n"


def test_completion_hints_and_colours(bench: Bench, open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal()
    terminal.expect(">")
    terminal.type("getra\t")
    terminal.expect("getrange")
    terminal.expect("key start end")
    terminal.type("\x03")  # drops the line
    terminal.type("get utf\t")
    terminal.expect("get utf")
    terminal.expect("8")
    terminal.type("\r")
    terminal.expect("Gr\\xc3\\xbc")
    terminal.run(":set nohints", ">")
    terminal.type("lrange l 0 -1\r")
    terminal.expect('5) "5"')
    assert b'\x1b[32m"a"\x1b[0m' in terminal.raw
    terminal.run("nosuch", "(error) ERR unknown command")
    assert b"\x1b[31m(error) ERR" in terminal.raw
    terminal.type("\x03")
    assert terminal.ends() == 0


def test_no_colours_where_they_are_not_wanted(bench: Bench, open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(NO_COLOR="1")
    terminal.expect(">")
    terminal.run("lrange l 0 -1", '5) "5"')
    assert b'\x1b[32m"a"' not in terminal.raw


@EDITORS
def test_long_replies_are_paged(bench: Bench, open_terminal: Callable[..., Terminal], plain: bool) -> None:
    terminal = open_terminal(plain=plain)
    terminal.expect(">")
    assert "PAGED:# Server" in terminal.run("info", "PAGED:# Keyspace")
    assert "PAGED" not in terminal.run("lrange long 0 -1", '12) "12"')
    terminal.run(":set nopager", ">")
    assert "PAGED" not in terminal.run("info", "# Keyspace")


def test_a_pager_that_is_not_there(bench: Bench, open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(PAGER="no-such-pager")
    terminal.expect(">")
    terminal.run("info", "# Keyspace")


@EDITORS
def test_messages_between_the_lines(
    bench: Bench, open_terminal: Callable[..., Terminal], plain: bool
) -> None:
    terminal = open_terminal("-p", str(bench.server.port), "-3", plain=plain)
    terminal.expect(">")
    terminal.run("subscribe news", "any key to type command")
    bench.execute("PUBLISH", "news", "flash")
    terminal.expect('3) "flash"')
    terminal.expect("any key to type command")
    terminal.type("ping\r")
    terminal.expect("(subscribed mode)>")
    terminal.expect("PONG")
    terminal.expect("any key to type command")
    terminal.type("\x03")
    terminal.expect(f"{bench.server.port}>")
    assert bench.execute("PUBSUB", "NUMSUB", "news").endswith(b":0\r\n")
    terminal.run("get s", '"hello"')


def test_interrupting_monitor_goes_back_to_the_prompt(
    bench: Bench, open_terminal: Callable[..., Terminal]
) -> None:
    terminal = open_terminal()
    terminal.expect(">")
    terminal.run("monitor", "OK")
    bench.execute("SET", "watched", "1")
    terminal.expect('"SET" "watched" "1"')
    terminal.type("\x03")
    terminal.expect(f"{bench.server.port}>")
    terminal.run("get s", '"hello"')


def test_interrupting_a_command_that_waits(bench: Bench, open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal()
    terminal.expect(">")
    terminal.run("blpop nothing 0", "")
    deadline = time.monotonic() + PATIENCE
    while b"blocked_clients:1" not in bench.execute("INFO", "clients"):
        assert time.monotonic() < deadline
    terminal.type("\x03")
    terminal.expect(f"{bench.server.port}>")
    assert '"hello"' in terminal.run("get s", f"{bench.server.port}>")


def test_reconnecting(bench: Bench, open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal()
    terminal.expect(">")
    terminal.run("client setname typist", "OK")
    lines = bench.execute("CLIENT", "LIST").split(b"\n")
    (line,) = [line for line in lines if b"name=typist" in line]
    bench.execute("CLIENT", "KILL", "ID", line.split()[0][3:].decode().removeprefix("id="))
    terminal.run("get s", "not connected>")
    assert "Error: " in terminal.read.decode()
    terminal.run("get s", '"hello"')


def test_preferences_and_other_words(
    bench: Bench, open_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    (tmp_path / "rc").write_text(":set nohints\n:set nosuch\n:other\n")
    terminal = open_terminal()
    terminal.expect(".redisclirc: unknown redis-cli preference 'nosuch'")
    terminal.expect(".redisclirc: unknown redis-cli internal command ':other'")
    terminal.expect(">")
    terminal.run("help get", "summary: ")
    terminal.run(":nosuch", "unknown redis-cli internal command ':nosuch'")
    terminal.run("clear", ">")
    assert b"\x1b[H\x1b[2J" in terminal.raw
    terminal.run("exit", "")
    assert terminal.ends() == 0
    assert terminal.history.stat().st_mode & 0o777 == 0o600


def test_a_dumb_terminal(bench: Bench, open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(TERM="dumb")
    terminal.expect(f"127.0.0.1:{bench.server.port}> ")
    terminal.run("get s", '"hello"')
    assert b"\x1b[3" not in terminal.raw


def test_asking_for_the_password(bench: Bench, open_terminal: Callable[..., Terminal]) -> None:
    words = ["-p", str(bench.server.port), "--user", "bob", "--askpass", "acl", "whoami"]
    terminal = open_terminal(*words)
    terminal.expect("Please input password: ")
    terminal.type("secret\r")
    shown = terminal.expect('"bob"')
    assert "secret" not in shown
    assert terminal.ends() == 0


def test_a_progress_bar(bench: Bench, open_terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    bench.execute("DEBUG", "POPULATE", "3000")
    for words in (["--bigkeys"], ["--memkeys"], ["--rdb", str(tmp_path / "dump.rdb")]):
        terminal = open_terminal("-p", str(bench.server.port), *words)
        terminal.expect("━")
        assert terminal.ends() == 0
    assert (tmp_path / "dump.rdb").stat().st_size > os.path.getsize(__file__)


def test_a_progress_bar_of_what_is_piped(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "commands"
    file.write_bytes(b"".join(b"SET piped:%d %s\r\n" % (number, b"x" * 1000) for number in range(2000)))
    client = [sys.executable, "-m", "redracer.cli.client.main", "-p", str(bench.server.port), "--pipe"]
    child = pexpect.spawn(
        "sh",
        ["-c", f'exec "$@" < {file}', "sh", *client],
        env=bench.environment({"TERM": "xterm"}),
        timeout=PATIENCE,
    )
    child.expect("━".encode())
    child.expect("All data transferred")
    child.expect("errors: 0, replies: 2000")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
