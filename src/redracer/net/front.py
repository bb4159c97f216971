"""The front of a server: its listeners, and who may come in.

A new connection gets a client of the engine, unless there are too many already or protected mode keeps
strangers out; then it gets the reason and is closed.
"""

from __future__ import annotations

import ipaddress
import resource
from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.resp_parse import RequestParser
from redracer.core.session import CLOSE_AFTER_REPLY
from redracer.engine import log
from redracer.engine.client import UNIX_SOCKET, Client
from redracer.engine.config import ConfigError
from redracer.net.listeners import Listener, ListenError, open_tcp, open_unix

if TYPE_CHECKING:
    from redracer.engine.engine import Engine
    from redracer.net.reactor import Connection, Reactor

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


class Front:
    """The listeners of one server over one reactor."""

    def __init__(self, engine: Engine, reactor: Reactor) -> None:
        self.engine = engine
        self.reactor = reactor
        self.tcp: list[Listener] = []
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
        if config["port"]:
            self.tcp = self._listen_tcp(list(config["bind"]), config["port"])
        if config["unixsocket"]:
            listening = open_unix(config["unixsocket"], config["unixsocketperm"], config["tcp-backlog"])
            self.unix = [self._listener(listening)]
        if not self.tcp and not self.unix and config["port"]:
            raise ListenError("Configured to not listen anywhere, exiting.")
        config.on_change("maxclients", self.maxclients_changed)
        config.on_change("bind", lambda addresses: self.rebind(list(addresses), config["port"], BIND_REFUSED))
        config.on_change("port", lambda port: self.rebind(list(config["bind"]), port, PORT_REFUSED))

    def _listener(self, listening: Any) -> Listener:
        return Listener(self.reactor, listening, self.connected, lambda: self.engine.config["tcp-keepalive"])

    def _listen_tcp(self, addresses: list[str], port: int) -> list[Listener]:
        backlog = self.engine.config["tcp-backlog"]
        return [self._listener(listening) for listening in open_tcp(addresses, port, backlog)]

    def rebind(self, addresses: list[str], port: int, refusal: str) -> None:
        """Moves to other addresses or another port; if they cannot be had, the old ones stay and it raises
        ConfigError(refusal)."""
        here = [(listener.socket.getsockname()[:2]) for listener in self.tcp]
        old = self.tcp
        for listener in old:  # the same address cannot be bound twice
            listener.close()
        try:
            self.tcp = self._listen_tcp(addresses, port) if port else []
        except ListenError as error:
            self.tcp = self._listen_tcp([host for host, _ in here], here[0][1]) if here else []
            raise ConfigError(refusal) from error

    def addresses(self) -> list[str]:
        """Where it listens: "host:port", "[host]:port", and paths of Unix sockets."""
        names = [listener.socket.getsockname()[:2] for listener in self.tcp]
        shown = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in names]
        return shown + [str(listener.socket.getsockname()) for listener in self.unix]

    def connected(self, connection: Connection, address: str, local_address: str, is_unix: bool) -> None:
        """Takes a new connection in, or tells it why not."""
        engine = self.engine
        engine.statistics.connections_received += 1
        if self.reactor.connection_count > engine.config["maxclients"]:
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

        for listener in self.tcp + self.unix:
            listener.close()
        if self.unix:
            with contextlib.suppress(OSError):
                os.unlink(self.engine.config["unixsocket"])
                log.notice("Removing the unix socket file.")
        self.tcp = []
        self.unix = []
