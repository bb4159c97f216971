"""FAILOVER: the primary hands its role to a replica that has everything, and becomes its replica.

Writes are paused until the replica has acknowledged all of the stream. Then we ask it, by PSYNC with the word
FAILOVER, to become a primary and to let us go on from where we are.
https://redis.io/docs/latest/commands/failover/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core.errors import CommandError
from redracer.engine import log
from redracer.replication.replica import ONLINE, Replica

if TYPE_CHECKING:
    from redracer.replication.replication import Replication

NONE = "no-failover"
WAITING_FOR_SYNC = "waiting-for-sync"
IN_PROGRESS = "failover-in-progress"
PURPOSE = "failover"  # for which writes are held

NO_FAILOVER = b"ERR No failover in progress."
UNDER_WAY = b"ERR FAILOVER already in progress."
ON_REPLICA = b"ERR FAILOVER is not valid when server is a replica."
NO_REPLICAS = b"ERR FAILOVER requires connected replicas."
FORCE_NEEDS_MORE = b"ERR FAILOVER with force option requires both a timeout and target HOST and IP."
NOT_A_REPLICA = b"ERR FAILOVER target HOST and PORT is not a replica."
NOT_ONLINE = b"ERR FAILOVER target replica is not online."
WHEN_ABORTED = "Failover manually aborted"


class Failover:
    """At most one at a time. `state` is what INFO calls master_failover_state."""

    def __init__(self, replication: Replication) -> None:
        self.replication = replication
        self.engine = replication.engine
        self.state = NONE
        self.target: tuple[str, int] | None = None
        self.force = False
        self.deadline = 0  # Unix time, ms; 0: none

    @property
    def active(self) -> bool:
        """Whether there is one."""
        return self.state != NONE

    def start(self, target: tuple[str, int] | None, timeout: int, force: bool) -> None:
        """Begins; `timeout` is in ms, 0 for none. Raises CommandError."""
        if self.active:
            raise CommandError(UNDER_WAY)
        if self.engine.is_replica:
            raise CommandError(ON_REPLICA)
        replicas = self.replication.primary.replicas.values()
        if not replicas:
            raise CommandError(NO_REPLICAS)
        if force and (not timeout or target is None):
            raise CommandError(FORCE_NEEDS_MORE)
        if target is not None:
            found = [replica for replica in replicas if (replica.host, replica.port) == target]
            if not found:
                raise CommandError(NOT_A_REPLICA)
            if found[0].state != ONLINE:
                raise CommandError(NOT_ONLINE)
        log.notice(f"FAILOVER requested to {target[0]}:{target[1]}." if target else "FAILOVER requested.")
        self.state, self.target, self.force = WAITING_FOR_SYNC, target, force
        self.deadline = self.engine.clock.now + timeout if timeout else 0
        self.engine.pause.hold_writes(PURPOSE)
        self.replication.primary.ask_for_places()
        self.check()

    def abort(self, why: str = WHEN_ABORTED) -> None:
        """Ends without having changed anything. Raises CommandError if there is none."""
        if not self.active:
            raise CommandError(NO_FAILOVER)
        if self.state == IN_PROGRESS:
            self.replication.promote()
        log.notice(f"Failover aborted: {why}" if why != WHEN_ABORTED else why)
        self._end()

    def _end(self) -> None:
        self.state, self.target, self.force, self.deadline = NONE, None, False, 0
        self.engine.pause.release(PURPOSE)

    def check(self) -> None:
        """Goes on if a replica has everything, or the time is over."""
        if not self.active:
            return
        late = self.deadline and self.engine.clock.now >= self.deadline
        if self.state == WAITING_FOR_SYNC:
            ready = self._ready()
            if ready is not None:
                self._hand_over(ready.host, ready.port)
            elif late and self.force and self.target is not None:
                log.notice("Replica {}:{} time out exceeded, failing over.".format(*self.target))
                self._hand_over(*self.target)
            elif late:
                self.abort("Replica never caught up before timeout")
        elif late and not self.force:
            self.abort("the target did not answer before the timeout")

    def _ready(self) -> Replica | None:
        """A replica that may be the next primary, and has everything."""
        end = self.replication.place
        for replica in self.replication.primary.replicas.values():
            wanted = self.target is None or (replica.host, replica.port) == self.target
            if wanted and replica.state == ONLINE and replica.acknowledged == end:
                return replica
        return None

    def _hand_over(self, host: str, port: int) -> None:
        log.notice(f"Failover target {host}:{port} is synced, failing over.")
        self.state, self.target = IN_PROGRESS, (host, port)
        self.replication.follow(host, port, failover=True)

    def accepted(self) -> None:
        """The target is a primary now, and we are its replica."""
        if self.state == IN_PROGRESS:
            self._end()

    def rejected(self, reply: str) -> None:
        """The target did not want to."""
        if self.state == IN_PROGRESS:
            self.abort(f"Failover target rejected psync request: {reply}")
