"""Servers that tests take turns with: starting one takes longer than most tests.

A server is given to one test at a time, with nothing in it. One in which a test has changed more than the data (its
options, users, functions...) is ended instead of given to another.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from typing import TYPE_CHECKING, Any

from redracer.embedded.server import Server
from redracer.embedded.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 30.0  # s for an answer
STATE = ("CONFIG GET *\r\n", "ACL LIST\r\n", "FUNCTION LIST\r\n", "INFO replication\r\n")
CLEARING = (
    "CLIENT KILL TYPE normal SKIPME yes\r\n",
    "CLIENT KILL TYPE pubsub SKIPME yes\r\n",
    "FLUSHALL SYNC\r\n",
    "SCRIPT FLUSH SYNC\r\n",
    "CLIENT UNPAUSE\r\n",
    "SLOWLOG RESET\r\n",
    "CONFIG RESETSTAT\r\n",
)
END = b"end of the state of a server"


class Servers:
    """The servers of one test process: under xdist each worker has its own."""

    def __init__(self) -> None:
        self.idle: dict[str, list[Server]] = {}
        self.states: dict[Server, bytes] = {}
        self.keys: dict[Server, str] = {}

    def take(self, options: Mapping[str, Any]) -> Server:
        """A server with these options and no data. Raises ServerError."""
        key = repr(sorted(options.items()))
        while idle := self.idle.get(key):
            server = idle.pop()
            if server.process.poll() is None:
                return server
            self._end(server)
        server = Server(**options)
        self.states[server] = asked(server, STATE)
        self.keys[server] = key
        return server

    def give_back(self, server: Server) -> None:
        """The test that had it is over."""
        try:
            asked(server, CLEARING)
            unchanged = asked(server, STATE) == self.states[server]
        except OSError:  # a test has ended it, or closed it for others
            unchanged = False
        if unchanged:
            self.idle.setdefault(self.keys[server], []).append(server)
        else:
            self._end(server)

    def _end(self, server: Server) -> None:
        del self.states[server], self.keys[server]
        server.close()

    def close(self) -> None:
        """Ends all."""
        for server in list(self.states):
            self._end(server)


def asked(server: Server, lines: tuple[str, ...]) -> bytes:
    """What a server answers to some commands, as it comes. Raises OSError."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall("".join(lines).encode() + b"ECHO " + b'"' + END + b'"\r\n')
        answer = b""
        while not answer.endswith(END + b"\r\n"):
            part = connection.recv(1 << 16)
            if not part:
                raise ConnectionError("the server has closed the connection")
            answer += part
    return answer


class LoadedServer:
    """A server of one test that starts with data, in what form `Store.load` takes it. Raises what that does, and
    ServerError."""

    def __init__(self, data: Any, options: Mapping[str, Any]) -> None:
        self.directory = tempfile.mkdtemp(prefix="redracer-")
        try:
            with Store(self.directory) as store:
                store.load(data)  # saved by the end of the block
            at_start = {name: value for name, value in options.items() if name != "appendonly"}
            self.server = Server(directory=self.directory, **{"save": "", **at_start})
            if options.get(
                "appendonly"
            ):  # at the start it would have the server look for a log, not a snapshot
                asked(self.server, ("CONFIG SET appendonly yes\r\n",))
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def close(self) -> None:
        """Ends it, and removes its files."""
        self.server.close()
        shutil.rmtree(self.directory, ignore_errors=True)
