"""What the tests of the terminal client share: a server with known data, and both clients."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire.conftest import ServerProcess, encoded

TABLE = tomllib.loads(Path(__file__).with_name("invocations.toml").read_text())
SERVER_OPTIONS = (
    "--enable-debug-command",
    "yes",
    "--enable-protected-configs",
    "yes",
    "--repl-diskless-sync-delay",
    "0",
)
EMPTY = (
    "FLUSHALL",
    "FUNCTION FLUSH",
    "SCRIPT FLUSH",
    "CONFIG SET maxmemory-policy noeviction",
    "LATENCY RESET",
)
TIME_LIMIT = 60  # s of one run


class Outcome:
    """What one run of a client showed."""

    def __init__(self, code: int, stdout: bytes, stderr: bytes) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr

    def __repr__(self) -> str:
        return f"exit code {self.code}\n{self.stdout!r}\nstandard error: {self.stderr!r}"


class Bench:
    """A server, and the two clients that run against it in turn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "socket"
        self.server = ServerProcess(folder, "--unixsocket", str(self.socket), *SERVER_OPTIONS)
        self.client = self.server.connect()
        for name, text in TABLE["files"].items():
            (folder / name).write_text(text)
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.cli.runner", str(theirs.fileno())]
        self.runner = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()
        self.channel = ours
        self.lines = ours.makefile("rw")

    def close(self) -> None:
        self.lines.close()
        self.channel.close()
        self.runner.wait(TIME_LIMIT)
        self.server.stop()

    def reset(self, setup: list[str]) -> None:
        """Makes the data what the table says."""
        lines = [*EMPTY, *TABLE["data"], *setup]
        self.client.send(b"".join(line.encode() + b"\r\n" for line in lines))
        for line in lines:
            reply = self.client.reply()
            assert not reply.startswith(b"-"), (line, reply)

    def words(self, text: str, bare: bool = False) -> list[str]:
        """The words of an invocation, with what stands for this server filled in."""
        filled = text.replace("{port}", str(self.server.port)).replace("{socket}", str(self.socket))
        words = shlex.split(filled.replace("{folder}", str(self.folder)))
        return words if bare else ["-p", str(self.server.port), *words]

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        known = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
        return {**known, "LC_ALL": "C.UTF-8", "TERM": "dumb", **more}

    def redis_cli(self, words: list[str], stdin: bytes, more: dict[str, str]) -> Outcome:
        """Runs redis-cli."""
        done = subprocess.run(
            ["redis-cli", *words],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environment(more),
            timeout=TIME_LIMIT,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def ours(self, words: list[str], stdin: bytes, more: dict[str, str]) -> Outcome:
        """Runs our client."""
        paths = {name: self.folder / f"ours.{name}" for name in ("stdin", "stdout", "stderr")}
        paths["stdin"].write_bytes(stdin)
        request = {name: str(path) for name, path in paths.items()}
        request |= {"folder": str(self.folder), "arguments": words, "environment": self.environment(more)}  # type: ignore[dict-item]
        self.lines.write(json.dumps(request) + "\n")
        self.lines.flush()
        code = json.loads(self.lines.readline())
        return Outcome(code, paths["stdout"].read_bytes(), paths["stderr"].read_bytes())

    def execute(self, *words: str) -> bytes:
        """A command of the test's own."""
        reply = self.client.request(*words)
        assert isinstance(reply, bytes)
        return reply


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    opened = Bench(tmp_path_factory.mktemp("cli"))
    yield opened
    opened.close()


@pytest.fixture
def redis_cli() -> str:
    """The program to compare with; skips the test where there is none."""
    program = shutil.which("redis-cli")
    if program is None:
        pytest.skip("no redis-cli is installed to compare with")
    return program


def invocations() -> list[tuple[str, dict[str, Any]]]:
    """The invocations of the table: words and group."""
    return [
        (f"{options} {command}".strip(), group)
        for group in TABLE["group"]
        for options in group["options"]
        for command in group["commands"]
    ]


def masked(outcome: Outcome, pattern: str) -> tuple[int, bytes]:
    """What is compared: the exit code and the standard output without what the pattern finds."""
    shown = re.sub(pattern.encode(), b"", outcome.stdout) if pattern else outcome.stdout
    return outcome.code, shown


__all__ = ["Bench", "Outcome", "bench", "encoded", "invocations", "masked", "redis_cli"]
