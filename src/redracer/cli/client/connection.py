"""The socket to the server, plain or with TLS.

Plain connections use `_socket` itself: `socket`, which is a wrapper around it, takes as long to import as a whole
command takes otherwise. TLS needs the wrapper, and pays for it.
"""

from __future__ import annotations

import _socket
import errno
import os

from redracer.cli.client.protocol import Reader, Reply, encoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from redracer.cli.client.options import Options

CHUNK = 1 << 16  # bytes to receive at once
KEEPALIVE = 15  # s without traffic before the first probe; probes follow one another in a third of that
KEEPALIVE_PROBES = 3
LOST = "Server closed the connection"


class ConnectError(Exception):
    """There is no connection; the text is the reason."""


class TlsError(ConnectError):
    """There is a connection, but no TLS on it."""


class ConnectionLost(Exception):
    """The connection has ended."""


class Connection:
    """An open connection: requests and their replies."""

    def __init__(self, sock: _socket.socket | ssl.SSLSocket) -> None:
        self.socket = sock
        self.reader = Reader(self._receive)

    def fileno(self) -> int:
        """For select."""
        return self.socket.fileno()

    def send(self, data: bytes) -> None:
        """Sends all of it. Raises ConnectionLost."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise ConnectionLost(_reason(error)) from None

    def request(self, *words: bytes, pushed: Callable[[Reply], None] | None = None) -> Reply:
        """The reply to one command; `pushed` gets what arrives before it. Raises ConnectionLost, ProtocolError."""
        self.send(encoded(words))
        return self.reply(pushed)

    def reply(self, pushed: Callable[[Reply], None] | None = None) -> Reply:
        """The next reply that the server was asked for."""
        reply = self.reader.read()
        while reply.kind == ">":
            if pushed is not None:
                pushed(reply)
            reply = self.reader.read()
        return reply

    @property
    def has_pending(self) -> bool:
        """Whether there is something to read that select does not know of."""
        pending = getattr(self.socket, "pending", None)
        return self.reader.has_data or (pending is not None and pending() > 0)

    def _receive(self) -> bytes:
        try:
            data = self.socket.recv(CHUNK)
        except OSError as error:
            raise ConnectionLost(_reason(error)) from None
        if not data:
            raise ConnectionLost(LOST)
        return data

    def close(self) -> None:
        """Closes at once."""
        self.socket.close()


def _reason(error: OSError) -> str:
    number = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno
    return os.strerror(number) if number and number > 0 else str(error)


def connect(options: Options) -> Connection:
    """A connection to the server of the options. Raises ConnectError, TlsError."""
    try:
        if options.socket is not None:
            plain = _open(_socket.AF_UNIX, options.socket, options.connect_timeout)
        else:
            plain = _connect_tcp(options)
    except _socket.gaierror as error:
        raise ConnectError(str(error.args[-1])) from None
    except OSError as error:
        raise ConnectError(_reason(error)) from None
    except ValueError as error:  # a name with a NUL in it
        raise ConnectError(str(error)) from None
    if not options.tls:
        return Connection(plain)
    from redracer.cli.client.tls import secured

    try:
        return Connection(secured(plain, options))
    except ConnectError:
        plain.close()
        raise


def _connect_tcp(options: Options) -> _socket.socket:
    """Tries the addresses of the host in turn, IPv4 first where nothing else is preferred."""
    host = os.fsencode(options.host)  # of text it would make IDNA, for which it imports a lot
    found = _socket.getaddrinfo(host, options.port, 0, _socket.SOCK_STREAM)
    first = _socket.AF_INET6 if options.prefer_family == 6 else _socket.AF_INET
    found.sort(key=lambda entry: entry[0] != first)
    failure: OSError | None = None
    for family, _, _, _, address in found:
        try:
            sock = _open(family, address, options.connect_timeout)
        except OSError as error:
            failure = error
            continue
        _keep_alive(sock)
        return sock
    raise failure or OSError(0, "no address")


def _open(family: int, address: object, seconds: float) -> _socket.socket:
    sock = _socket.socket(family, _socket.SOCK_STREAM)
    try:
        if seconds:
            sock.settimeout(seconds)
        sock.connect(address)  # type: ignore[arg-type]
        sock.settimeout(None)
    except OSError:
        sock.close()
        raise
    return sock


def _keep_alive(sock: _socket.socket) -> None:
    """Notices a server that is gone without a word, also during a long command."""
    sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE),
        ("TCP_KEEPINTVL", KEEPALIVE // 3),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        if hasattr(_socket, name):  # not on every system
            sock.setsockopt(_socket.IPPROTO_TCP, getattr(_socket, name), value)
