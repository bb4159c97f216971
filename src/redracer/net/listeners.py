"""Listening sockets: the addresses of `bind` and the Unix socket, and what happens when someone connects.

A `bind` address that starts with `-` may be missing on this machine; any other one that cannot be bound
stops the start. IPv6 sockets are IPv6 only, so that `*` and `::*` can be bound together.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from redracer.engine import log

if TYPE_CHECKING:
    from redracer.net.reactor import Reactor
    from redracer.net.streams import LoopExchange

    Rounds = Reactor | LoopExchange

ACCEPTS_PER_CALL = 1000  # connections taken before other clients get their turn
# Errors of an optional address that only mean that this machine does not have it.
MISSING_ADDRESS = (
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.EPROTONOSUPPORT,
    errno.ESOCKTNOSUPPORT,
    errno.ENOPROTOOPT,
)


class ListenError(Exception):
    """A socket cannot be opened; the text says which and why."""


def open_tcp(addresses: list[str], port: int, backlog: int) -> list[socket.socket]:
    """Listening sockets for every address. Raises ListenError if a mandatory one, or all, cannot be had."""
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            _open_address(address, port, backlog, sockets)
    except ListenError:
        for opened in sockets:
            opened.close()
        raise
    return sockets


def _open_address(address: str, port: int, backlog: int, sockets: list[socket.socket]) -> None:
    optional = address.startswith("-")
    host = address.removeprefix("-")
    wildcards = {"*": (socket.AF_INET, "0.0.0.0"), "::*": (socket.AF_INET6, "::")}
    try:
        if host in wildcards:
            found = [wildcards[host]]
        else:
            info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            found = [(family, str(place[0])) for family, _, _, _, place in info[:1]]
        for family, place in found:
            sockets.append(_listen(family, place, port, backlog))
    except OSError as error:
        if optional and error.errno in MISSING_ADDRESS:
            return
        log.warning(f"Warning: Could not create server TCP listening socket {host}:{port}: {reason(error)}")
        if optional and isinstance(error, socket.gaierror):
            return
        raise ListenError(f"Failed listening on port {port} (tcp), aborting.") from error


def reason(error: OSError) -> str:
    """What went wrong, in the words that Redis uses."""
    words = {
        errno.EADDRINUSE: "bind: Address already in use",
        errno.EADDRNOTAVAIL: "bind: Cannot assign requested address",
    }
    return words.get(error.errno or 0, error.strerror or str(error))


def _listen(family: socket.AddressFamily, host: str, port: int, backlog: int) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
        opened.listen(backlog)
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return opened


def open_unix(path: str, permissions: int, backlog: int) -> socket.socket:
    """A listening Unix socket at `path`, replacing one left behind; `permissions` 0 leaves the umask's."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if os.path.exists(path):
            os.unlink(path)
        opened.bind(path)
        if permissions:
            os.chmod(path, permissions)
        opened.listen(backlog)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        raise ListenError(f"Failed opening Unix socket: bind: {error.strerror}") from error
    return opened


class Listener:
    """Accepts the connections of one listening socket and hands each, configured, to `welcome`.

    `welcome(accepted, address, local_address, is_unix)` takes over the accepted socket. `limit` says how many
    are taken before other clients get their turn.
    """

    def __init__(
        self,
        rounds: Rounds,
        listening: socket.socket,
        welcome: Callable[[socket.socket, str, str, bool], None],
        keepalive: Callable[[], int],
        limit: Callable[[], int] = lambda: ACCEPTS_PER_CALL,
    ) -> None:
        self.rounds = rounds
        self.socket = listening
        self.welcome = welcome
        self.keepalive = keepalive
        self.limit = limit
        self.is_unix = listening.family == socket.AF_UNIX
        rounds.add_callback(listening.fileno(), self.accept)

    def accept(self) -> None:
        """Takes every connection that waits."""
        for _ in range(self.limit()):
            try:
                accepted, peer = self.socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                log.warning(f"Accepting client connection: {error.strerror}")
                return
            self._welcome(accepted, peer)

    def _welcome(self, accepted: socket.socket, peer: Any) -> None:
        try:
            accepted.setblocking(False)
            if not self.is_unix:
                configure_tcp(accepted, self.keepalive())
            address = self.address_of(peer)
            local = self.address_of(accepted.getsockname())
        except OSError as error:  # gone before it was welcomed
            log.verbose(f"Error accepting a client connection: {error.strerror}")
            accepted.close()
            return
        self.welcome(accepted, address, local, self.is_unix)

    def address_of(self, name: Any) -> str:
        """A socket name as CLIENT LIST prints it."""
        if self.is_unix:
            return f"{self.socket.getsockname()}:0"
        host, port = name[0], name[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def close(self) -> None:
        """Stops listening."""
        self.rounds.remove_callback(self.socket.fileno())
        self.socket.close()


def configure_tcp(connected: socket.socket, keepalive: int) -> None:
    """No delay; probes after `keepalive` seconds of silence (0: none), as Redis sets them."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if keepalive:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, keepalive)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(keepalive // 3, 1))
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
