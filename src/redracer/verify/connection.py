"""A blocking connection that speaks RESP2: what a verification needs, and nothing that could hide what it sees."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from typing import Any, Self

Word = bytes | str | int | float


class ServerError(Exception):
    """An error reply; the text is its line."""


class Unreachable(Exception):
    """No connection, or one that broke or fell silent; the text says with what."""


@dataclass(frozen=True)
class Target:
    """Where a server is and how to get in.

    `address` is `HOST:PORT` or the path of a Unix socket; `timeout` is in seconds, for connecting and for each reply.
    """

    address: str = "127.0.0.1:6379"
    user: str = ""
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    server_name: str = ""  # that the certificate must have; the host if empty
    timeout: float = 10.0

    def endpoint(self) -> tuple[str, int] | str:
        """The host and port, or the path. Raises ValueError if it is neither."""
        if "/" in self.address:
            return self.address
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"{self.address!r} is neither HOST:PORT nor the path of a socket")
        return host.strip("[]"), int(port)


class Connection:
    """One connection that is not logged in yet. Close it, or use it in a `with`."""

    def __init__(self, target: Target) -> None:
        """Raises Unreachable, and ValueError if the address is none."""
        self.target = target
        endpoint = target.endpoint()
        try:
            self._socket = self._open(endpoint)
        except OSError as error:
            raise Unreachable(f"cannot connect to {target.address}: {error.strerror or error}") from error
        self._reader = self._socket.makefile("rb")

    def _open(self, endpoint: tuple[str, int] | str) -> socket.socket:
        target = self.target
        if isinstance(endpoint, str):
            local = socket.socket(socket.AF_UNIX)
            try:
                local.settimeout(target.timeout)
                local.connect(endpoint)
            except OSError:
                local.close()
                raise
            return local
        plain = socket.create_connection(endpoint, target.timeout)
        if target.tls is None:
            return plain
        try:
            return target.tls.wrap_socket(plain, server_hostname=target.server_name or endpoint[0])
        except OSError:
            plain.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; may be called again."""
        self._reader.close()
        self._socket.close()

    def login(self) -> None:
        """Authenticate as the target says, if it has a password. Raises ServerError and Unreachable."""
        target = self.target
        if target.password is not None:
            self.ask("AUTH", *([target.user] if target.user else []), target.password)

    def ask(self, *words: Word) -> Any:
        """Send a command and return its reply: bytes, int, None or a list. Raises ServerError and Unreachable."""
        self.send(*words)
        return self.reply()

    def send(self, *words: Word) -> None:
        """Send a command. Raises Unreachable."""
        parts = [
            word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogateescape")
            for word in words
        ]
        data = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Unreachable(f"the connection broke: {error.strerror or error}") from error

    def reply(self) -> Any:
        """Read one reply. Raises ServerError for an error reply, and Unreachable."""
        try:
            value = self._read()
        except TimeoutError as error:
            raise Unreachable(f"no reply within {self.target.timeout:g} s") from error
        except OSError as error:
            raise Unreachable(f"the connection broke: {error.strerror or error}") from error
        except (ValueError, RecursionError) as error:
            raise Unreachable("what came is no reply of the protocol") from error
        if isinstance(value, ServerError):
            raise value
        return value

    def _read(self) -> Any:
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise Unreachable("the server has closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            return ServerError(rest.decode("utf-8", "replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self._read() for _ in range(int(rest))]
        raise Unreachable(f"this is no reply of the protocol: {line[:40]!r}")

    def _bulk(self, size: int) -> bytes | None:
        if size < 0:
            return None
        data = self._reader.read(size + 2)
        if len(data) != size + 2:
            raise Unreachable("the server has closed the connection")
        return data[:-2]
