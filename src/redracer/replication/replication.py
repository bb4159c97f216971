"""Replication as a whole: which role this server has, how it changes, and what is told about it.

A primary becomes a replica (`follow`) and a replica a primary (`promote`) while it runs; the stream stays, so
that others, and we ourselves later, can go on from where they were. `Primary` feeds those below us in either
role: a replica hands the bytes of its own primary on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.engine import log, process
from redracer.engine.client import PRIMARY, Client
from redracer.engine.flags import STALE, WRITE
from redracer.engine.gates import GATE_READ_ONLY, GATE_STALE
from redracer.engine.info import Section
from redracer.engine.transactions import effective_flags, every_command_has
from redracer.replication import parting
from redracer.replication.failover import Failover
from redracer.replication.info import fields
from redracer.replication.link import CONNECTED, Link
from redracer.replication.local_keys import LocalKeys
from redracer.replication.primary import Primary
from redracer.replication.replica import ONLINE
from redracer.replication.stream import Stream, database_of
from redracer.replication.waits import Waits

if TYPE_CHECKING:
    from redracer.core.replies import Reply
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

TICK = 1000  # ms between two of ours


class Replication:
    """The role of one engine. `loop` is the event loop that links run in."""

    def __init__(self, engine: Engine, loop: Any) -> None:
        self.engine = engine
        self.loop = loop
        self.stream = Stream(engine.config["repl-backlog-size"])
        self.primary = Primary(engine, self.stream, loop)
        self.link: Link | None = None
        self.waits = Waits(self)
        self.failover = Failover(self)
        self.local_keys = LocalKeys(engine)
        self.has_history = (
            False  # our data are those of the stream's place: a primary may let us go on from there
        )
        self.stream_database = 0  # in which our primary's stream is at our place
        self.next_tick = 0
        engine.dispatcher.guard(GATE_READ_ONLY, self.refuse_write)
        engine.dispatcher.guard(GATE_STALE, self.refuse_stale)
        engine.is_replica = engine.config["replicaof"] is not None  # what is loaded is not ours to let expire
        parting.attend(engine, self.primary)
        self.primary.on_acknowledged = self.acknowledged
        engine.at_tick.append(self.tick)
        engine.at_client_end.append(self.client_gone)
        engine.info.register(Section("replication", "Replication", lambda _: fields(self)))
        engine.info.provide("slave_expires_tracked_keys", lambda: len(self.local_keys.keys))
        engine.memory.hold("replication.backlog", lambda: self.stream.kept - self._kept_for_replicas())
        engine.memory.hold("replication.buffers", self._kept_for_replicas, limited=False)
        engine.config.on_change("repl-backlog-size", self._backlog_size_changed)
        for name in ("replica-read-only", "replica-serve-stale-data"):
            engine.config.on_change(name, lambda _: self.update_gates())
        for name in ("min-replicas-to-write", "min-replicas-max-lag"):
            engine.config.on_change(name, lambda _: self.primary.update_guard())

    def _kept_for_replicas(self) -> int:
        """Bytes of the stream that are more than the backlog, because a replica has not been sent them yet."""
        return max(self.stream.kept - self.stream.limit, 0) if self.primary.replicas else 0

    def _backlog_size_changed(self, size: int) -> None:
        self.stream.limit = size
        self.stream.trim()

    # --- the role

    @property
    def linked(self) -> bool:
        """Whether we are a replica whose link to the primary works."""
        return self.link is not None and self.link.state == CONNECTED

    def start(self, fields: dict[bytes, bytes], expired: list[tuple[int, bytes]]) -> None:
        """Takes the role that the configuration asks for. `fields`: of the header of the RDB file that was loaded;
        `expired`: the keys of that file, with the numbers of their databases, that were not loaded any more."""
        self._restore(fields)
        if self.stream.active and not self.engine.is_replica:
            for database, key in expired:  # whoever goes on from the file's place in our history has them
                self.engine.effects.propagate(database, self.engine.deletion(key))
                self.engine.effects.flush()
        if primary := self.engine.config["replicaof"]:
            self.follow(*primary)

    def follow(self, host: str, port: int, failover: bool = False) -> None:
        """Becomes a replica of this primary; with `failover`, of one that is to become it because we say so."""
        self.primary.stop_feeding()
        if self.link is not None:
            self._end_link()
        elif self.stream.active and not self.has_history:
            # Whoever shares our history up to here can let us go on: after a failover, our replica of yesterday.
            self.has_history = True
            log.notice(
                "Before turning into a replica, using my own master parameters to synthesize a cached master: "
                "I may be able to synchronize with the new master with just a partial transfer."
            )
        self.engine.blocking.end_all()
        self.engine.is_replica = True
        self.engine.config.values["replicaof"] = (host, port)
        log.set_role("S")
        self._follow_role(process.REPLICA)
        self.link = Link(self, host, port)
        self.link.ask_for_failover = failover
        self.update_gates()

    def promote(self) -> None:
        """Becomes a primary: the history goes on under a name of our own."""
        if self.link is None:
            return
        self._end_link()
        self.link = None
        self.engine.is_replica = False
        self.engine.config.values["replicaof"] = None
        self.stream.rename()
        self.has_history = False
        log.set_role("M")
        self._follow_role(process.PRIMARY)
        log.notice(
            f"Setting secondary replication ID to {self.stream.second_id.decode()}, valid up to offset: "
            f"{self.stream.second_end + 1}. New replication ID is {self.stream.id.decode()}"
        )
        self.primary.disconnect_all()
        if self.stream.active:
            self.primary.start_feeding()
        self.update_gates()
        self.engine.ports["aof"].resume()  # it rests since a primary's data set was not to be had

    def _follow_role(self, role: int) -> None:
        """The kernel's score of a process depends on its role."""
        score = self.engine.ports.get("oom_score")
        if score is not None:
            score.follow_role(role)

    def _end_link(self) -> None:
        assert self.link is not None
        if self.link.client is not None:
            self.stream_database = self.link.client.db.index
        self.link.stop()

    def link_changed(self) -> None:
        """The link to our primary works now, or does not any more."""
        self.update_gates()

    def leave_history(self) -> None:
        """Our data are about to be, or are now, those of another history: nobody can go on from here."""
        self.has_history = False
        self.primary.disconnect_all()
        self.stream.drop()

    def discard_transaction(self, client: Client) -> None:
        """Forgets what the primary had queued."""
        if client.transaction is not None:
            self.engine.transactions.end(client)

    # --- gates

    def update_gates(self) -> None:
        """Sets the gates at which a replica refuses."""
        config, dispatcher = self.engine.config, self.engine.dispatcher
        dispatcher.gates &= ~(GATE_READ_ONLY | GATE_STALE)
        if self.link is not None:
            if config["replica-read-only"]:
                dispatcher.gates |= GATE_READ_ONLY
            if self.link.state != CONNECTED and not config["replica-serve-stale-data"]:
                dispatcher.gates |= GATE_STALE
        self.local_keys.watch(self.link is not None and not config["replica-read-only"])
        self.primary.update_guard()

    def refuse_write(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """What a client is told that wants to write to a replica."""
        return (
            errors.READ_ONLY
            if effective_flags(client, command, argv) & WRITE and not client.flags & PRIMARY
            else None
        )

    def refuse_stale(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """What a client is told while the data may be old."""
        return (
            None
            if every_command_has(client, command, argv, STALE) or client.flags & PRIMARY
            else errors.MASTER_DOWN
        )

    # --- time

    def tick(self) -> None:
        """Called with the engine's tick; all but the ends of local keys is done once a second."""
        self.local_keys.tick()
        now = self.engine.clock.now
        if now < self.next_tick:
            return
        self.next_tick = now + TICK
        if self.link is not None:
            self.link.tick()
        self.primary.tick()
        self.failover.check()

    def acknowledged(self) -> None:
        """A replica has told its place."""
        self.waits.check()
        self.failover.check()

    # --- what is asked of us

    def announced_port(self) -> int:
        """The port that we tell our primary."""
        config = self.engine.config
        if config["replica-announce-port"]:
            return int(config["replica-announce-port"])
        return int(config["tls-port"] if config["tls-replication"] and config["tls-port"] else config["port"])

    def tls_context(self) -> Any:
        """What a link is encrypted with, or None."""
        if not self.engine.config["tls-replication"]:
            return None
        return self.engine.ports["tls"].client_context()

    def place_on_disk(self) -> int | None:
        """The place up to which our append-only file has reached the disk, or None where it does not matter."""
        log_file = self.engine.ports.get("aof")
        return log_file.place_on_disk() if log_file is not None else None

    # --- the snapshot on our own disk

    def snapshot_fields(self) -> list[tuple[bytes, bytes]]:
        """The fields of an RDB file's header that say what place in which history it is of."""
        self.primary.commit()
        if not self.stream.active:
            return []
        database = self.primary.buffer.database
        if self.link is not None and self.link.client is not None:
            database = self.link.client.db.index
        return [
            (b"repl-stream-db", b"%d" % database),
            (b"repl-id", self.stream.id),
            (b"repl-offset", b"%d" % self.stream.end),
        ]

    def _restore(self, fields: dict[bytes, bytes]) -> None:
        """At start: the data set that was loaded is of this place in this history."""
        replication_id, place = fields.get(b"repl-id", b""), parse_integer(fields.get(b"repl-offset", b""))
        if len(replication_id) != 40 or place is None or place < 0:
            return
        if self.engine.config["replicaof"]:
            self.stream.restart(replication_id, place)
            self.has_history = True
            self.stream_database = database_of(fields)
        else:
            # A primary that starts again: its history goes on under a new name, and is known by the old one.
            self.stream.id, self.stream.end = replication_id, place
            self.stream.open()
            self.stream.rename()
            self.primary.start_feeding()

    # --- commands

    @property
    def place(self) -> int:
        """Our place in the history, with all that has been executed."""
        self.primary.gather()
        return self.stream.end

    def synchronize(self, client: Client, argv: list[bytes]) -> Reply:
        """PSYNC, SYNC: a replica asks; with FAILOVER it is our primary, and wants us to take its place."""
        if len(argv) > 3 and argv[3].lower() == b"failover":
            if self.link is None:
                raise CommandError(b"ERR PSYNC FAILOVER can't be sent to a master.")
            if argv[1] != self.stream.id:
                raise CommandError(b"ERR PSYNC FAILOVER replid must match my replid.")
            log.notice(f"Failover request received for replid {argv[1].decode()}.")
            self.promote()
        return self.primary.synchronize(client, argv)

    def acknowledge_soon(self) -> None:
        """Our primary wants to know our place once what it has sent is executed."""
        if self.link is not None:
            self.link.acknowledgement_wanted = True

    def role(self) -> Reply:
        """ROLE."""
        if self.link is None:
            replicas = [
                [replica.host.encode(), b"%d" % replica.port, b"%d" % replica.acknowledged]
                for replica in self.primary.replicas.values()
                if replica.state == ONLINE
            ]
            return [b"master", self.place, replicas]
        link, state = self.link, self.link.state_told
        place = self.stream.end if state == CONNECTED else -1
        return [b"slave", link.host.encode(), link.port, state.encode(), place]

    def client_gone(self, client: Client) -> None:
        """A connection is closed."""
        self.primary.gone(client)
        self.waits.end(client)
