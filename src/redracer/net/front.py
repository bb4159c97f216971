"""The front of a server: its listeners, and who may come in.

A new connection gets a client of the engine, unless there are too many already or protected mode keeps
strangers out; then it gets the reason and is closed.
"""

from __future__ import annotations

import ipaddress
import resource
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.resp_parse import RequestParser
from redracer.core.session import CLOSE_AFTER_REPLY
from redracer.engine import log
from redracer.engine.client import UNIX_SOCKET, Client
from redracer.engine.config import ConfigError
from redracer.net.listeners import ACCEPTS_PER_CALL, Listener, ListenError, open_tcp, open_unix
from redracer.net.tls import TlsError

if TYPE_CHECKING:
    from redracer.engine.engine import Engine
    from redracer.net.exchange import Connection
    from redracer.net.listeners import Rounds
    from redracer.net.streams import Streams
    from redracer.net.tls import Tls

BIND_REFUSED = "Failed to bind to specified addresses."
PORT_REFUSED = "Unable to listen on this port. Check server logs."
NO_CLIENT = 0  # the id of a connection that the engine never knew
OWN_DESCRIPTORS = 32  # besides clients: listeners, files, pipes


def is_loopback(address: str) -> bool:
    """Whether a peer ("host:port", "[host]:port") is on this machine."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        parsed = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def allow_clients(wanted: int) -> int:
    """Raises the limit of open files if need be; returns how many clients, up to `wanted`, it then allows."""
    files = wanted + OWN_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= files:
        return wanted
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(hard, files) if hard >= 0 else hard))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return min(hard - OWN_DESCRIPTORS, wanted)
    return wanted


def move(
    old: list[Listener],
    listen: Callable[[list[str], int], list[Listener]],
    addresses: list[str],
    port: int,
    refusal: str,
) -> list[Listener]:
    """Listens at other addresses or another port (0: nowhere) in the place of `old`; if they cannot be had, at the
    old ones again, and it raises ConfigError(refusal)."""
    here = [listener.socket.getsockname()[:2] for listener in old]
    for listener in old:  # the same address cannot be bound twice
        listener.close()
    try:
        return listen(addresses, port) if port else []
    except ListenError as error:
        # In place: whoever holds the list still has what is listening.
        old[:] = listen([host for host, _ in here], here[0][1]) if here else []
        raise ConfigError(refusal) from error


class Front:
    """The listeners of one server over its reactor, or over an asyncio loop alone."""

    def __init__(self, engine: Engine, rounds: Rounds, streams: Streams, tls: Tls) -> None:
        self.engine = engine
        self.rounds = rounds
        self.streams = streams
        self.tls = tls
        self.tcp: list[Listener] = []
        self.encrypted: list[Listener] = []
        self.unix: list[Listener] = []
        self.raise_descriptor_limit()

    def raise_descriptor_limit(self) -> None:
        """Asks for enough descriptors for `maxclients`, or lowers it to what can be had, and says so."""
        wanted: int = self.engine.config["maxclients"]
        allowed = allow_clients(wanted)
        if allowed < wanted:
            log.warning(
                f"You requested maxclients of {wanted} requiring at least {wanted + OWN_DESCRIPTORS} max "
                f"file descriptors. Current maximum open files is {allowed + OWN_DESCRIPTORS}. maxclients "
                f"has been reduced to {allowed} to compensate for low ulimit."
            )
            self.engine.config.values["maxclients"] = allowed

    def maxclients_changed(self, wanted: int) -> None:
        """Asks for descriptors for so many clients; ConfigError if they cannot be had."""
        allowed = allow_clients(wanted)
        if allowed < wanted:
            raise ConfigError(
                "The operating system is not able to handle the specified number of clients, "
                f"try with {allowed}"
            )

    def open(self) -> None:
        """Starts listening as configured. Raises ListenError."""
        config = self.engine.config
        try:
            self.tls.open()
        except TlsError as error:
            raise ListenError("Failed to configure TLS. Check logs for more info.") from error
        if config["port"]:
            self.tcp = self._listen_tcp(list(config["bind"]), config["port"])
        if config["tls-port"]:
            self.encrypted = self._listen_tls(list(config["bind"]), config["tls-port"])
        if config["unixsocket"]:
            listening = open_unix(config["unixsocket"], config["unixsocketperm"], config["tcp-backlog"])
            self.unix = [self._listener(listening, self.welcome)]
        if not self.tcp and not self.unix and not self.encrypted and (config["port"] or config["tls-port"]):
            raise ListenError("Configured to not listen anywhere, exiting.")
        config.on_change("maxclients", self.maxclients_changed)
        config.on_change("bind", self.bind_changed)
        config.on_change("port", self.port_changed)
        config.on_change("tls-port", self.tls_port_changed)

    def _listener(
        self,
        listening: socket.socket,
        welcome: Callable[[socket.socket, str, str, bool], None],
        limit: Callable[[], int] = lambda: ACCEPTS_PER_CALL,
    ) -> Listener:
        return Listener(self.rounds, listening, welcome, lambda: self.engine.config["tcp-keepalive"], limit)

    def _listen_tcp(self, addresses: list[str], port: int) -> list[Listener]:
        backlog = self.engine.config["tcp-backlog"]
        return [self._listener(listening, self.welcome) for listening in open_tcp(addresses, port, backlog)]

    def _listen_tls(self, addresses: list[str], port: int) -> list[Listener]:
        config = self.engine.config
        return [
            self._listener(
                listening, self.welcome_encrypted, lambda: config["max-new-tls-connections-per-cycle"]
            )
            for listening in open_tcp(addresses, port, config["tcp-backlog"])
        ]

    # --- changes

    def bind_changed(self, addresses: tuple[str, ...]) -> None:
        """Moves to other addresses. Raises ConfigError."""
        config = self.engine.config
        self.tcp = move(self.tcp, self._listen_tcp, list(addresses), config["port"], BIND_REFUSED)
        self.encrypted = move(
            self.encrypted, self._listen_tls, list(addresses), config["tls-port"], BIND_REFUSED
        )

    def port_changed(self, port: int) -> None:
        """Moves to another port. Raises ConfigError."""
        self.tcp = move(self.tcp, self._listen_tcp, list(self.engine.config["bind"]), port, PORT_REFUSED)

    def tls_port_changed(self, port: int) -> None:
        """Moves encrypted clients to another port, or starts or ends listening for them. Raises ConfigError."""
        self.tls.changed(port)
        addresses = list(self.engine.config["bind"])
        self.encrypted = move(self.encrypted, self._listen_tls, addresses, port, PORT_REFUSED)

    def addresses(self) -> list[str]:
        """Where it listens: "host:port", "[host]:port", and paths of Unix sockets."""
        names = [listener.socket.getsockname()[:2] for listener in self.tcp + self.encrypted]
        shown = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in names]
        return shown + [str(listener.socket.getsockname()) for listener in self.unix]

    # --- who comes

    def welcome(self, accepted: socket.socket, address: str, local: str, is_unix: bool) -> None:
        """Takes over a socket that somebody has connected to."""
        add_connection: Any = getattr(self.rounds, "add_connection", None)
        if add_connection is not None:
            self.connected(add_connection(accepted.detach()), address, local, is_unix)
        else:
            self.streams.accept(accepted, address, lambda c: self.connected(c, address, local, is_unix))

    def welcome_encrypted(self, accepted: socket.socket, address: str, local: str, is_unix: bool) -> None:
        """The same for a client that is to encrypt what it says."""
        self.streams.accept(
            accepted, address, lambda c: self.connected(c, address, local, is_unix), self.tls.server
        )

    def connected(self, connection: Connection, address: str, local_address: str, is_unix: bool) -> None:
        """Takes a new connection in, or tells it why not."""
        engine = self.engine
        engine.statistics.connections_received += 1
        if self.rounds.connection_count > engine.config["maxclients"]:
            engine.statistics.connections_rejected += 1
            self.turn_away(connection, errors.MAX_CLIENTS)
        elif self.keeps_out(address, is_unix):
            engine.statistics.connections_rejected += 1
            self.turn_away(connection, errors.PROTECTED_MODE)
        else:
            client = engine.connect(connection, address, local_address)
            client.descriptor = connection.descriptor
            if is_unix:
                client.flags |= UNIX_SOCKET
            connection.session = client
            log.verbose(f"Accepted {address}")

    def keeps_out(self, address: str, is_unix: bool) -> bool:
        """Whether protected mode keeps this peer out: no password is set and it is on another machine."""
        config = self.engine.config
        if is_unix or not config["protected-mode"] or not self.engine.acl.default.no_password:
            return False
        return not is_loopback(address)

    def turn_away(self, connection: Connection, text: bytes) -> None:
        """Sends an error and closes."""
        session = Client(NO_CLIENT, self.engine.databases[0], RequestParser(), connection)
        session.state = CLOSE_AFTER_REPLY
        session.out.write_encoded(b"-" + text + b"\r\n")
        connection.session = session
        connection.flush_now()

    def close(self) -> None:
        """Stops listening and removes the Unix socket's file."""
        import contextlib
        import os

        for listener in self.tcp + self.encrypted + self.unix:
            listener.close()
        if self.unix:
            with contextlib.suppress(OSError):
                os.unlink(self.engine.config["unixsocket"])
                log.notice("Removing the unix socket file.")
        self.tcp = []
        self.encrypted = []
        self.unix = []
