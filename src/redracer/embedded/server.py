"""A server of its own process, started and ended by a Python program."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

READY = 30.0  # s within which a server must answer
PAUSE = 0.005  # s between two tries to reach it
END = 30.0  # s that it is given to end by itself
ASK_AGAIN = 0.5  # s after which it is asked once more
PORT_TRIES = 5  # somebody else may take a port between our asking for it and its use


class ServerError(Exception):
    """The server did not start; the text has what it said."""


class Server:
    """A server on 127.0.0.1, ready when the constructor returns; a context manager that ends it.

    `port`: 0 for a free one. `directory`: where it keeps its files; without one, a temporary directory that goes
    with it. Other arguments are options of redis.conf: `appendonly=True`, `maxmemory="100mb"`.
    Raises ServerError.
    """

    def __init__(
        self, port: int = 0, directory: str | os.PathLike[str] | None = None, **options: Any
    ) -> None:
        self._temporary = tempfile.mkdtemp(prefix="redracer-") if directory is None else None
        self.directory = self._temporary or os.fspath(directory)  # type: ignore[arg-type]
        self.log_path = os.path.join(self.directory, "redracer.log")
        if directory is None:
            options.setdefault("save", "")
        for tries_left in reversed(range(PORT_TRIES)):
            self.port = port or free_port()
            self.process = self._start(options)
            try:
                self._wait()
                return
            except ServerError:
                self.stop()
                if port or not tries_left or "Failed listening" not in self._said():
                    raise

    def _start(self, options: dict[str, Any]) -> subprocess.Popen[bytes]:
        os.makedirs(self.directory, exist_ok=True)
        command = [sys.executable, "-m", "redracer", "serve", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", self.directory]
        for name, value in options.items():
            text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
            command += ["--" + name.replace("_", "-"), text]
        with open(self.log_path, "wb") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def _said(self) -> str:
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def _wait(self) -> None:
        deadline = time.monotonic() + READY
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerError(f"the server ended at once:\n{self._said()}")
            if self._answers():
                return
            time.sleep(PAUSE)
        raise ServerError(f"the server does not answer:\n{self._said()}")

    def _answers(self) -> bool:
        """Whether it takes commands: everything but LOADING counts, for a password may be asked for."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=READY) as connection:
                connection.sendall(b"PING\r\n")
                reply = connection.recv(64)
        except OSError:
            return False
        return bool(reply) and not reply.startswith(b"-LOADING")

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        """Ends the server, and waits for its end; a second call changes nothing."""
        deadline = time.monotonic() + END
        while self.process.poll() is None:
            if time.monotonic() < deadline:
                self.process.terminate()  # once more, if it could not when it was asked (it was writing its first log)
            else:
                self.process.kill()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(ASK_AGAIN)

    def close(self) -> None:
        """Ends the server and removes its temporary directory."""
        self.stop()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<redracer.Server {self.url}>"


def free_port() -> int:
    """A TCP port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
