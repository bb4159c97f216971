"""The replica's side: the link to our primary.

One task does everything in the order in which it happens: connect, introduce ourselves, ask to go on from our
place in the history, load a snapshot if that cannot be, then execute what the primary sends for as long as the
link holds; then all over again, at once if it had held, so that the backlog still reaches back to our place, or a
second later. The place is the stream's (stream.pyx): the bytes that were executed become part of our own stream as
they came, so that replicas of ours see the same history.

A transaction that was received in part is not part of the stream yet: after a break it is sent again whole.
"""

from __future__ import annotations

import asyncio
import select
import socket
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redracer.core.errors import ProtocolError
from redracer.core.numbers import parse_integer
from redracer.core.resp_parse import RequestParser, requests_with_ends
from redracer.core.session import Transport
from redracer.engine import log
from redracer.engine.client import MULTI, PRIMARY, REPLY_OFF
from redracer.engine.gates import GATE_REPLY
from redracer.engine.version import REDIS_VERSION
from redracer.replication.full_sync import FullSync, LinkError
from redracer.replication.stream import NO_ID, database_of

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.replication.replication import Replication

RETRY_AFTER = 1.0  # s
LOOK_AT_PAUSE = 0.02  # s
PIECE = 1 << 18  # bytes read at a time
LARGEST_BULK = 1 << 62  # a primary's arguments have no limit of ours
HUNG_UP = getattr(select, "POLLRDHUP", 0)  # the other end sends no more; errors are always told (Linux)

# states, as INFO and ROLE name them
CONNECT = "connect"  # to be connected
CONNECTING = "connecting"
HANDSHAKE = "handshake"
SYNC = "sync"  # receiving or loading a snapshot
CONNECTED = "connected"


_WHEN_SILENT = {
    SYNC: "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' "
    "parameter in redis.conf to a larger value.",
    CONNECTED: "MASTER timeout: no data nor PING received...",
}


class LinkTransport(Transport):
    """The primary's client has no connection of its own: what is sent to it goes nowhere."""

    def __init__(self, link: Link) -> None:
        self.link = link

    def wake(self) -> None:
        """Nothing is pending for a primary."""

    def resume(self) -> None:
        """A primary's commands never wait."""

    def flush_now(self) -> None:
        """Nothing is pending for a primary."""

    def close(self) -> None:
        """CLIENT KILL and the like: the link breaks, and is made anew."""
        self.link.break_off()


class Link:
    """The link to one primary, for as long as we are its replica."""

    def __init__(self, replication: Replication, host: str, port: int) -> None:
        self.replication = replication
        self.engine = replication.engine
        self.stream = replication.stream
        self.host = host
        self.port = port
        self.state = CONNECT
        self.reader: Any = None
        self.writer: Any = None
        self.client: Client | None = None
        self.parser = RequestParser(LARGEST_BULK)
        self.received = bytearray()  # from the stream's end on: what is not part of it yet
        self.parsed = 0  # bytes of `received` that the parser has taken
        self.heard = time.monotonic()
        self.down_since = time.time()  # Unix time, s
        self.full_sync: FullSync | None = None  # of this connection
        self.ask_for_failover = False  # the next PSYNC tells the primary that it is to be one
        self.acknowledgement_wanted = False
        self.task = replication.loop.create_task(self.run())

    # --- the life of the link

    async def run(self) -> None:
        """Connects, follows, and does so again."""
        while True:
            pause = RETRY_AFTER
            try:
                await self.follow()
            except (TimeoutError, OSError, LinkError, EOFError, ProtocolError) as problem:
                log.warning(self._describe(problem))
                if self.state == CONNECTED and not isinstance(problem, ProtocolError):
                    pause = 0.0  # what we cannot read would come again at once
            except Exception:
                log.warning("Internal error in the link to the primary:\n" + traceback.format_exc())
            self._disconnected()
            await asyncio.sleep(pause)

    def _describe(self, problem: BaseException) -> str:
        if isinstance(problem, TimeoutError):
            return _WHEN_SILENT.get(self.state, "Timeout connecting to the MASTER...")
        if isinstance(problem, (EOFError, ConnectionResetError)):
            return "Connection with master lost."
        if isinstance(problem, OSError):
            return f"Error condition on socket for SYNC: {problem.strerror or problem}"
        return str(problem)

    def _disconnected(self) -> None:
        self.full_sync = None
        if self.state == CONNECTED:
            self.down_since = time.time()
            log.notice("Caching the disconnected master state.")
        self.state = CONNECT
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None
        self._forget_unfinished()
        self.replication.link_changed()

    @property
    def state_told(self) -> str:
        """The state, for others: the end of a connection counts once it is there, before our task comes to it."""
        if self.state == CONNECTED:
            poll = select.poll()
            poll.register(self.writer.get_extra_info("socket"), HUNG_UP)
            if poll.poll(0):
                return CONNECT
        return self.state

    @property
    def seconds_down(self) -> int:
        """For how long it has not worked."""
        return 0 if self.state == CONNECTED else int(time.time() - self.down_since)

    def _forget_unfinished(self) -> None:
        """Half a request, or half a transaction, will be sent again."""
        self.received.clear()
        self.parsed = 0
        self.parser = RequestParser(LARGEST_BULK)
        if self.client is not None:
            self.replication.discard_transaction(self.client)

    def break_off(self) -> None:
        """Ends the connection, at once and not only at the next turn of the event loop; a new one is made."""
        if self.writer is not None:
            with suppress(OSError):
                self.writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            self.writer.transport.abort()

    def stop(self) -> None:
        """We are no replica of this primary any more."""
        self.task.cancel()
        if self.writer is not None:
            self.writer.close()
        if self.client is not None:
            self._forget_unfinished()
            self.client.transport = None
            self.engine.client_gone(self.client)
            self.client = None

    @property
    def timeout(self) -> float:
        """Seconds of silence after which the primary counts as gone."""
        seconds: int = self.engine.config["repl-timeout"]
        return float(seconds)

    async def follow(self) -> None:
        """One connection, from its beginning to its end. Raises OSError, LinkError, EOFError, TimeoutError."""
        self.state = CONNECTING
        log.notice(f"Connecting to MASTER {self.host}:{self.port}")
        log.notice("MASTER <-> REPLICA sync started")
        source: str | None = self.engine.config["bind-source-addr"] or None
        # Not wait_for: that of Python 3.11 can swallow a cancellation, and the link would live on beside its successor.
        async with asyncio.timeout(self.timeout):
            self.reader, self.writer = await asyncio.open_connection(
                self.host,
                self.port,
                ssl=self.replication.tls_context(),
                local_addr=(source, 0) if source else None,
                limit=PIECE,
            )
        log.notice("Non blocking connect for SYNC fired the event.")
        self.heard = time.monotonic()
        self.state = HANDSHAKE
        await self._introduce()
        await self._synchronize()
        await self._stream()

    # --- the handshake

    async def line(self) -> bytes:
        """The next line that is not empty: an empty one only says that the primary is alive."""
        while True:
            async with asyncio.timeout(self.timeout):
                line: bytes = await self.reader.readline()
            self._count(len(line))
            if not line.endswith(b"\n"):
                raise EOFError
            if line := line.strip(b"\r\n"):
                return line

    async def some(self, most: int) -> bytes:
        """The next bytes, at most so many. Raises LinkError where there are none any more, and TimeoutError."""
        async with asyncio.timeout(self.timeout):
            data: bytes = await self.reader.read(most)
        if not data:
            raise LinkError("I/O error trying to sync with MASTER: connection lost")
        self._count(len(data))
        return data

    def say_alive(self) -> None:
        """Tells the primary, which hears nothing else from us meanwhile, that we are there."""
        self.writer.write(b"\n")

    def _count(self, received: int) -> None:
        """Bytes have come."""
        self.heard = time.monotonic()
        self.engine.statistics.replication_received += received

    async def _ask(self, *argv: bytes) -> bytes:
        self._send(*argv)
        return await self.line()

    def _send(self, *argv: bytes) -> None:
        words = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in argv)
        self.writer.write(b"*%d\r\n%b" % (len(argv), words))

    async def _introduce(self) -> None:
        config = self.engine.config
        reply = await self._ask(b"PING")
        if not reply.startswith((b"+", b"-NOAUTH", b"-NOPERM", b"-ERR operation not permitted")):
            raise LinkError(f"Error reply to PING from master: '{reply.decode('latin-1')}'")
        log.notice("Master replied to PING, replication can continue...")
        password: bytes | None = config["masterauth"]
        if password:
            user: bytes | None = config["masteruser"]
            reply = await self._ask(b"AUTH", *((user,) if user else ()), password)
            if reply.startswith(b"-"):
                raise LinkError(f"Unable to AUTH to MASTER: {reply.decode('latin-1')}")
        announcements = [
            (b"listening-port", b"%d" % self.replication.announced_port()),
            (b"capa", b"eof", b"capa", b"psync2"),
            (b"version", REDIS_VERSION.encode()),
        ]
        if address := config["replica-announce-ip"]:
            announcements.insert(1, (b"ip-address", str(address).encode()))
        for announcement in announcements:
            reply = await self._ask(b"REPLCONF", *announcement)
            if reply.startswith(b"-"):
                log.notice(
                    f"(Non critical) Master does not understand REPLCONF {announcement[0].decode()}: "
                    f"{reply.decode('latin-1')}"
                )

    async def _synchronize(self) -> None:
        """Asks to go on from where we are; takes a snapshot if that cannot be."""
        stream = self.stream
        asking_failover = self.ask_for_failover
        if self.replication.has_history:
            request = (stream.id, b"%d" % (stream.end + 1))
            log.notice(f"Trying a partial resynchronization (request {stream.id.decode()}:{stream.end + 1}).")
        else:
            request = (b"?", b"-1")
            log.notice("Partial resynchronization not possible (no cached master)")
        if self.ask_for_failover:
            self.ask_for_failover = False
            reply = await self._ask(b"PSYNC", *request, b"FAILOVER")
        else:
            reply = await self._ask(b"PSYNC", *request)
        word, _, rest = reply.partition(b" ")
        if asking_failover and word in (b"+CONTINUE", b"+FULLRESYNC"):
            self.replication.failover.accepted()
        if word == b"+CONTINUE":
            self._continue(rest.split(b" ")[0])
        elif word == b"+FULLRESYNC":
            replication_id, place = self._parse_full_resync(rest)
            log.notice(f"Full resync from master: {replication_id.decode()}:{place}")
            await self._take_snapshot(replication_id, place)
        elif reply.startswith((b"-NOMASTERLINK", b"-LOADING")):
            raise LinkError(
                f"Master is currently unable to PSYNC but should be in the future: {_text(reply)}"
            )
        elif asking_failover:
            self.replication.loop.call_soon(self.replication.failover.rejected, _text(reply))
            raise LinkError("The failover target does not take the role of a primary.")
        else:
            log.notice(f"Master does not support PSYNC or is in error state (reply: {_text(reply)})")
            log.notice("Retrying with SYNC...")
            self._send(b"SYNC")
            await self._take_snapshot(b"", -1)

    def _parse_full_resync(self, text: bytes) -> tuple[bytes, int]:
        replication_id, _, offset = text.partition(b" ")
        place = parse_integer(offset)
        if len(replication_id) != 40 or place is None or place < 0:
            raise LinkError("Master replied with wrong +FULLRESYNC syntax.")
        return replication_id, place

    def _continue(self, replication_id: bytes) -> None:
        stream = self.stream
        log.notice("Successful partial resynchronization with master.")
        if len(replication_id) == 40 and replication_id != stream.id:
            stream.follow(replication_id)
            log.notice(f"Master replication ID changed to {replication_id.decode()}")
            self.replication.primary.disconnect_all()
        stream.open()
        log.notice("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.")
        self._connected()

    # --- a snapshot

    async def _take_snapshot(self, replication_id: bytes, place: int) -> None:
        """Has a snapshot take the place of what we have."""
        self.state = SYNC
        self.replication.link_changed()
        header = await self.line()
        if not header.startswith(b"$"):
            raise LinkError(f"MASTER aborted replication with an error: {_text(header)}")
        self.full_sync = FullSync(self, header[1:])
        await self.full_sync.run(same_history=replication_id == self.stream.id)
        if place < 0:  # SYNC tells no history: nobody can go on from here
            replication_id, place = NO_ID, 0
        self.stream.restart(replication_id, place)
        self.replication.stream_database = database_of(self.engine.ports["transfers"].loaded.fields)
        self.replication.has_history = replication_id != NO_ID
        log.notice("MASTER <-> REPLICA sync: Finished with success")
        self._forget_client()
        self._connected()

    # --- the stream

    def _forget_client(self) -> None:
        if self.client is not None:
            self.client.transport = None
            self.engine.client_gone(self.client)
            self.client = None

    def _connected(self) -> None:
        """From here on the primary sends the stream."""
        self.state = CONNECTED
        self.heard = time.monotonic()
        if self.client is None:
            client = self.engine.connect(LinkTransport(self), f"{self.host}:{self.port}")
            self.engine.acl.trust(client)
            client.flags |= PRIMARY | REPLY_OFF
            client.gates = GATE_REPLY
            client.output_limit = LARGEST_BULK
            client.db = self.engine.databases[self.replication.stream_database]
            self.client = client
        self.replication.link_changed()
        self.acknowledge()

    async def _stream(self) -> None:
        """Executes what comes until the link breaks."""
        while data := await self.reader.read(PIECE):
            self._count(len(data))
            self.apply(data)
            while self.engine.pause.active:  # CLIENT PAUSE holds a primary's commands too
                await asyncio.sleep(LOOK_AT_PAUSE)
                self.heard = time.monotonic()
                self.apply(b"")
        raise EOFError

    def tick(self) -> None:
        """Once a second: says how far we are, and ends a link on which nothing comes any more."""
        if self.state != CONNECTED:
            return
        if time.monotonic() - self.heard > self.timeout:
            log.warning(_WHEN_SILENT[CONNECTED])
            self.break_off()
        else:
            self.acknowledge()

    def apply(self, data: bytes) -> None:
        """Executes the requests in these bytes, and makes them part of our stream. Raises ProtocolError.

        While clients are paused they are only kept.
        """
        client, engine = self.client, self.engine
        assert client is not None
        self.received += data
        if engine.pause.active:
            return
        finished = 0
        dispatcher, clock = engine.dispatcher, engine.clock
        dispatcher.begin()
        clock.nothing_expires = True
        client.last_interaction = clock.now
        try:
            unread = bytes(self.received[self.parsed :])
            found, used = requests_with_ends(self.parser, unread)
            for argv, end in found:
                dispatcher.execute(client, dispatcher.resolve(argv), argv)
                if not client.flags & MULTI:
                    finished = self.parsed + end
            self.parsed += used
        finally:
            clock.nothing_expires = False
        if finished:
            self.replication.primary.publish(bytes(self.received[:finished]))
            del self.received[:finished]
            self.parsed -= finished
        dispatcher.before_sending()
        if self.acknowledgement_wanted:
            self.acknowledgement_wanted = False
            self.acknowledge()

    def acknowledge(self) -> None:
        """Tells the primary how far we are."""
        if self.writer is None or self.state != CONNECTED:
            return
        words = [b"REPLCONF", b"ACK", b"%d" % self.stream.end]
        on_disk = self.replication.place_on_disk()
        if on_disk is not None:
            words += [b"FACK", b"%d" % on_disk]
        self._send(*words)


def _text(reply: bytes) -> str:
    return reply.decode("latin-1")
