"""The primary's side: who replicates from us, and what they are sent.

A replica introduces itself (REPLCONF), asks to go on from a place in the stream or for a snapshot (PSYNC,
SYNC), and is then fed. What commands change is encoded once (`buffer`), becomes part of the stream before any
reply of the round leaves (`commit`), and is moved to the replicas' buffers as far as they keep up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import NO_REPLY, OK, Reply
from redracer.engine import log
from redracer.engine.client import MONITOR, MULTI, REPLICA, REPLY_OFF, Client
from redracer.engine.effects import TO_REPLICAS
from redracer.engine.feed_buffer import FeedBuffer
from redracer.engine.flags import WRITE
from redracer.engine.gates import GATE_FEW_REPLICAS, GATE_REPLICA, GATE_REPLY
from redracer.engine.transactions import effective_flags
from redracer.replication.replica import (
    ONLINE,
    RECEIVING_PIPE,
    SNAPSHOT_ONLY,
    UNCONFIRMED,
    WAITING,
    WAITING_FILE,
    Replica,
)
from redracer.replication.snapshots import Transfer, waiting
from redracer.replication.stream import Reader, new_id

if TYPE_CHECKING:
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command
    from redracer.replication.stream import Stream

MILLISECONDS = 1000


class Primary:
    """Everyone who replicates from one engine."""

    def __init__(self, engine: Engine, stream: Stream, loop: Any) -> None:
        self.engine = engine
        self.stream = stream
        self.loop = loop
        self.replicas: dict[int, Replica] = {}  # by client id, those that asked for the stream
        self.buffer = FeedBuffer(TO_REPLICAS, self.wake_all)
        self.transfer: Transfer | None = None
        self.waiting_since = 0
        self.alone_since = 0  # Unix time in ms since when there has been no replica
        self.pinged = engine.clock.now
        self.acknowledgement_wanted = False
        self.on_acknowledged: Any = lambda: None
        engine.dispatcher.guard(GATE_FEW_REPLICAS, self.refusal)

    # --- the stream

    def start_feeding(self) -> None:
        """From now on what commands change is part of the stream."""
        self.stream.open()
        if self.buffer not in self.engine.effects.feeds and not self.engine.is_replica:
            self.engine.effects.add_feed(self.buffer)
            self.engine.dispatcher.before_sending_steps.append(self.commit)

    def stop_feeding(self) -> None:
        """Nothing more is: there is no backlog, or the stream is another server's."""
        self.acknowledgement_wanted = False
        self.gather()
        self.buffer.database = -1
        if self.buffer in self.engine.effects.feeds:
            self.engine.effects.remove_feed(self.buffer)
            self.engine.dispatcher.before_sending_steps.remove(self.commit)

    def feed_command(self, argv: list[bytes]) -> None:
        """Sends replicas a command that concerns no database."""
        if self.stream.active and not self.engine.is_replica:
            self.buffer.command(argv)

    def wake_all(self) -> None:
        """Has a round come, at the end of which the stream is sent."""
        for replica in self.replicas.values():
            if replica.state == ONLINE:
                replica.wake()

    def commit(self) -> None:
        """Makes what was fed part of the stream, and moves it on to the replicas. A step before sending."""
        if self.acknowledgement_wanted:
            self.acknowledgement_wanted = False
            self.feed_command([b"REPLCONF", b"GETACK", b"*"])
        self.gather()

    def ask_for_places(self) -> None:
        """Has the replicas tell how far they are, now: the question is part of what they must have."""
        self.acknowledgement_wanted = True
        self.commit()

    def gather(self) -> None:
        """Makes what was fed part of the stream."""
        if len(self.buffer):
            self.publish(self.buffer.take())

    def publish(self, data: bytes) -> None:
        """Adds bytes to the stream, and moves them on to the replicas."""
        stream = self.stream
        stream.append(data)
        for replica in list(self.replicas.values()):
            if replica.state == ONLINE:
                replica.wake()
            reader = replica.reader
            if reader is not None and (reader.behind > stream.limit or replica.client.soft_limit_since):
                self.check_limit(replica)

    def check_limit(self, replica: Replica) -> None:
        """Closes a replica that is too far behind (client-output-buffer-limit), though it has a snapshot to load.

        Nobody is too far behind for less than the backlog: a replica that could catch up from it would be closed.
        """
        reader = replica.reader
        if reader is None:
            return
        hard, soft, seconds = self.engine.output_limits.limits(replica.client)
        hard, soft = (max(limit, self.stream.limit + 1) if limit else 0 for limit in (hard, soft))
        self.engine.output_limits.judge(replica.client, reader.behind, hard, soft, seconds)

    # --- how replicas introduce themselves

    def configure(self, client: Client, argv: list[bytes]) -> Reply:
        """REPLCONF of a replica: pairs of options and values."""
        if len(argv) % 2 == 0:
            raise CommandError(errors.SYNTAX)
        replica = self._known(client)
        reply: Reply = OK
        for option, value in zip(argv[1::2], argv[2::2], strict=True):
            handler = _OPTIONS.get(option.lower())
            if handler is None:
                raise CommandError(b"ERR Unrecognized REPLCONF option: " + option)
            reply = handler(self, replica, value)
        return reply

    def acknowledge(self, replica: Replica, value: bytes, on_disk: bool = False) -> Reply:
        """REPLCONF ACK: how far a replica is; there is no reply."""
        if not replica.client.flags & REPLICA:
            return NO_REPLY
        try:
            place = int(value)
        except ValueError:
            return NO_REPLY
        if on_disk:
            replica.acknowledged_on_disk = max(place, replica.acknowledged_on_disk)
        else:
            replica.acknowledged = max(place, replica.acknowledged)
        replica.heard = self.engine.clock.now
        if replica.state == UNCONFIRMED:
            replica.go_on()
            log.notice(f"Synchronization with replica {replica.describe()} succeeded")
        self.update_guard()
        self.on_acknowledged()
        return NO_REPLY

    def _known(self, client: Client) -> Replica:
        """What is known of a client that is, or may become, a replica."""
        replica: Replica = client.extra.setdefault("replica", Replica(client, self.engine.statistics))
        return replica

    # --- how they ask

    def synchronize(self, client: Client, argv: list[bytes]) -> Reply:
        """PSYNC id offset, or SYNC."""
        engine = self.engine
        if client.flags & REPLICA:
            return NO_REPLY
        if engine.is_replica and not engine.ports["replication"].linked:
            raise CommandError(errors.NO_MASTER_LINK)
        if client.flags & (MULTI | MONITOR) or len(client.out):
            raise CommandError(errors.PENDING_OUTPUT)
        replica = self._known(client)
        replica.by_psync = len(argv) > 1
        if replica.by_psync and parse_integer(argv[2]) is None:
            log.warning(f"Replica {replica.describe()} asks for synchronization but with a wrong offset")
            raise CommandError(errors.NOT_INTEGER)
        log.notice(f"Replica {replica.describe()} asks for synchronization")
        self.commit()
        self._enrol(replica)
        if len(argv) > 1 and self._resume(replica, argv[1], argv[2]):
            engine.statistics.partial_syncs += 1
        else:
            self._ask_for_snapshot(replica)
        return NO_REPLY

    def _enrol(self, replica: Replica) -> None:
        client = replica.client
        client.flags |= REPLICA | REPLY_OFF
        client.gates |= GATE_REPLICA | GATE_REPLY
        self.engine.output_limits.apply_to(client)
        client.source = replica.pump
        client.extra["replica"] = replica
        self.replicas[client.id] = replica
        replica.heard = self.engine.clock.now
        if not self.stream.active:
            # Nobody can have followed what was not kept.
            if not self.engine.is_replica:
                self.stream.id = new_id()
                self.stream.forget_second()
            log.notice(
                f"Replication backlog created, my new replication IDs are '{self.stream.id.decode()}' "
                f"and '{self.stream.second_id.decode()}'"
            )
        self.start_feeding()

    def _resume(self, replica: Replica, replication_id: bytes, offset: bytes) -> bool:
        """Lets a replica go on from where it was, if the bytes in between are there."""
        stream = self.stream
        place = int(offset) - 1
        if replication_id == b"?":
            log.notice(f"Full resync requested by replica {replica.describe()}")
            return False
        if not stream.can_resume(replication_id, place):
            if replication_id not in (stream.id, stream.second_id):
                log.notice(
                    "Partial resynchronization not accepted: Replication ID mismatch (Replica asked for "
                    f"'{replication_id.decode('latin-1')}', my replication IDs are '{stream.id.decode()}' "
                    f"and '{stream.second_id.decode()}')"
                )
            else:
                log.notice(
                    f"Unable to partial resync with replica {replica.describe()} for lack of backlog "
                    f"(Replica request was: {place + 1})."
                )
            self.engine.statistics.refused_partial_syncs += 1
            return False
        name = b" " + stream.id if replica.takes_new_names else b""
        replica.client.out.write_encoded(b"+CONTINUE%s\r\n" % name)
        replica.reader = Reader(stream, place)
        replica.acknowledged = place
        log.notice(
            f"Partial resynchronization request from {replica.describe()} accepted. Sending "
            f"{replica.reader.behind} bytes of backlog starting from offset {place + 1}."
        )
        replica.go_on()
        self.update_guard()
        return True

    def _ask_for_snapshot(self, replica: Replica) -> None:
        self.engine.statistics.full_syncs += 1
        replica.state = WAITING
        transfer = self.transfer
        if (
            transfer is not None
            and not transfer.diskless
            and transfer.succeeded is None
            and transfer.needs == replica.needs
        ):
            transfer.attach(replica)
            log.notice("Waiting for end of BGSAVE for SYNC")
            return
        if not self.waiting_since:
            self.waiting_since = self.engine.clock.now
        self.begin_transfer()

    def begin_transfer(self) -> None:
        """Starts a snapshot for those who wait for one, if it is time and there can be a child."""
        found = waiting(list(self.replicas.values()))
        if not found or self.transfer is not None or self.engine.ports["transfers"].busy:
            return
        config = self.engine.config
        diskless = config["repl-diskless-sync"] and all(replica.takes_marked_end for replica in found)
        if diskless and not self._waited_enough(len(found)):
            return
        self.waiting_since = 0
        log.notice(f"Starting BGSAVE for SYNC with target: {'replicas sockets' if diskless else 'disk'}")
        self.commit()
        self.buffer.database = -1  # the stream behind the snapshot says what database it is in
        transfer = Transfer(self, found, diskless)
        try:
            transfer.start()
        except Exception as error:
            log.warning(f"BGSAVE for replication failed: {error}")
            for replica in found:
                replica.client.close()
            return
        self.transfer = transfer

    def _waited_enough(self, count: int) -> bool:
        """Whether others who may want the same snapshot have had their time."""
        config = self.engine.config
        most: int = config["repl-diskless-sync-max-replicas"]
        delay: int = config["repl-diskless-sync-delay"] * MILLISECONDS
        return bool((most and count >= most) or self.engine.clock.now - self.waiting_since >= delay)

    # --- time

    def tick(self) -> None:
        """Once a second: keeps links alive, ends those that are dead, starts what was put off."""
        now = self.engine.clock.now
        config = self.engine.config
        is_ping_due = now - self.pinged >= config["repl-ping-replica-period"] * MILLISECONDS
        if is_ping_due:  # also without replicas, so that one that has just come does not get it at once
            self.pinged = now
        if self.replicas:
            self.alone_since = 0
            if is_ping_due and not self.engine.ports["replication"].failover.active:
                self.feed_command([b"PING"])
            for replica in list(self.replicas.values()):
                self._look_after(replica, now)
            self.begin_transfer()
        elif self.stream.active and not self.engine.is_replica:
            self._look_after_backlog(now)
        self.update_guard()
        self.commit()

    def _look_after(self, replica: Replica, now: int) -> None:
        if replica.state in (WAITING, WAITING_FILE):
            replica.client.out.write_encoded(b"\n")
            replica.wake()
            replica.heard = now
        elif replica.state == RECEIVING_PIPE:
            replica.note_progress(now)
        if replica.is_to_answer and now - replica.heard > self.engine.config["repl-timeout"] * MILLISECONDS:
            kind = "full" if replica.state == RECEIVING_PIPE else "streaming"
            log.warning(f"Disconnecting timedout replica ({kind} sync): {replica.describe()}")
            replica.client.close()
            return
        self.check_limit(replica)

    def _look_after_backlog(self, now: int) -> None:
        """Without replicas for long, the backlog is given up, and with it the name of the history."""
        seconds: int = self.engine.config["repl-backlog-ttl"]
        if not self.alone_since:
            self.alone_since = now
        if seconds and now - self.alone_since > seconds * MILLISECONDS:
            self.stop_feeding()
            self.stream.drop()
            self.stream.id = new_id()
            self.stream.forget_second()
            log.notice(f"Replication backlog freed after {seconds} seconds without connected replicas.")

    # --- who is good

    def good_replicas(self) -> int:
        """How many are online, and have said so not longer ago than min-replicas-max-lag."""
        lag: int = self.engine.config["min-replicas-max-lag"] * MILLISECONDS
        now = self.engine.clock.now
        return sum(
            1
            for replica in self.replicas.values()
            if replica.state == ONLINE and replica.by_psync and now - replica.heard <= lag
        )

    def update_guard(self) -> None:
        """Sets the gate at which writes are refused for want of replicas."""
        config = self.engine.config
        wanted: int = config["min-replicas-to-write"] if config["min-replicas-max-lag"] else 0
        dispatcher = self.engine.dispatcher
        dispatcher.gates &= ~GATE_FEW_REPLICAS
        if wanted and not self.engine.is_replica and self.good_replicas() < wanted:
            dispatcher.gates |= GATE_FEW_REPLICAS

    def refusal(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """What a client is told whose write would not be kept by enough replicas."""
        return errors.NO_REPLICAS if effective_flags(client, command, argv) & WRITE else None

    def all_caught_up(self) -> bool:
        """Whether every online replica has told that it has all of the stream."""
        self.gather()
        return all(
            replica.acknowledged >= self.stream.end
            for replica in self.replicas.values()
            if replica.state == ONLINE and replica.by_psync
        )

    def acknowledged_by(self, place: int, on_disk: bool = False) -> int:
        """How many online replicas have told that they are at this place, or that it is on their disk."""
        return sum(
            1
            for replica in self.replicas.values()
            if replica.state == ONLINE
            and (replica.acknowledged_on_disk if on_disk else replica.acknowledged) >= place
        )

    # --- the end

    def gone(self, client: Client) -> None:
        """A client is gone; if it was a replica, what was kept for it is not needed any more."""
        replica: Replica | None = client.extra.pop("replica", None)
        if replica is None or self.replicas.pop(client.id, None) is None:
            return
        replica.forget()
        if self.transfer is not None:
            self.transfer.forget(replica)
        if replica.state != SNAPSHOT_ONLY:
            log.notice(f"Connection with replica {replica.describe()} lost.")
        self.update_guard()

    def disconnect_all(self) -> None:
        """Closes every replica, so that it asks again."""
        for replica in list(self.replicas.values()):
            replica.client.close()


def _set_port(_primary: Primary, replica: Replica, value: bytes) -> Reply:
    try:
        replica.port = int(value)
    except ValueError:
        raise CommandError(errors.NOT_INTEGER) from None
    return OK


def _set_address(_primary: Primary, replica: Replica, value: bytes) -> Reply:
    replica.address = value.decode("latin-1")
    return OK


def _set_capability(_primary: Primary, replica: Replica, value: bytes) -> Reply:
    if value.lower() == b"eof":
        replica.takes_marked_end = True
    elif value.lower() == b"psync2":
        replica.takes_new_names = True
    return OK  # others are from a future that we do not know


def _set_version(_primary: Primary, replica: Replica, value: bytes) -> Reply:
    try:
        major, minor, patch = (int(part) for part in value.split(b"."))
    except ValueError:
        raise CommandError(b"ERR Unrecognized version format: " + value) from None
    replica.version = major << 16 | minor << 8 | patch
    return OK


def _set_snapshot_only(_primary: Primary, replica: Replica, value: bytes) -> Reply:
    if value not in (b"0", b"1"):
        raise CommandError(errors.NOT_INTEGER)
    replica.snapshot_only = value == b"1"
    return OK


def _set_filter(_primary: Primary, replica: Replica, value: bytes) -> Reply:
    parts = value.split()
    unknown = [part for part in parts if part.lower() != b"functions"]
    if unknown:
        raise CommandError(b"ERR Unsupported rdb-filter-only option: " + unknown[0])
    replica.without_data = True
    replica.without_functions = not parts
    return OK


_OPTIONS: dict[bytes, Any] = {
    b"listening-port": _set_port,
    b"ip-address": _set_address,
    b"capa": _set_capability,
    b"version": _set_version,
    b"rdb-only": _set_snapshot_only,
    b"rdb-filter-only": _set_filter,
    b"ack": lambda primary, replica, value: primary.acknowledge(replica, value),
    b"fack": lambda primary, replica, value: primary.acknowledge(replica, value, True),
}
