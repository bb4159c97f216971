"""A server process of the run, ours or a real redis-server, that can be killed and started again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import redis

REAL = shutil.which("redis-server")
OURS = [str(Path(sys.prefix) / "bin" / "redracer-server")]
PATIENCE = 120.0  # s until something is given up that takes milliseconds on a quiet machine


def eventually(condition: object, what: str) -> None:
    """Waits until the condition holds. Raises TimeoutError."""
    assert callable(condition)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if condition():
                return
        except redis.RedisError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)


class Node:
    """One server. `kind`: ours or redis. `primary`: the port that it replicates from, or 0."""

    def __init__(self, kind: str, port: int, directory: Path, primary: int, options: list[str]) -> None:
        self.kind = kind
        self.port = port
        self.directory = directory
        self.primary = primary
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.client = redis.Redis(port=port, socket_timeout=60)

    def start(self) -> None:
        """Starts the process, and waits until it answers."""
        program = OURS if self.kind == "ours" else [str(REAL)]
        follow = ["--replicaof", f"127.0.0.1 {self.primary}"] if self.primary else []
        command = [*program, "--port", str(self.port), "--dir", str(self.directory), *self.options, *follow]
        command += ["--save", "3600 1", "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes"]
        command += ["--repl-backlog-size", "300kb", "--repl-timeout", "20", "--bind", "127.0.0.1"]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(self.client.ping, f"{self.kind} {self.port} does not start")

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """A shutdown that saves, so that it may go on from where it was."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def place(self) -> int:
        """Its place in the stream."""
        return int(self.client.info("replication")["master_repl_offset"])

    def digest(self) -> bytes:
        """Of all its data."""
        digest: bytes = self.client.execute_command("DEBUG", "DIGEST")
        return digest

    def described(self) -> dict[bytes, bytes]:
        """Every key of every database with its digest, for a look at a difference."""
        found: dict[bytes, bytes] = {}
        for number in range(3):
            self.client.execute_command("SELECT", number)
            for key in self.client.execute_command("KEYS", "*"):
                value = self.client.execute_command("DEBUG", "DIGEST-VALUE", key)[0]
                found[b"%d:%b" % (number, key)] = value
        self.client.execute_command("SELECT", 0)
        return found
