"""WAIT and WAITAOF: clients that wait until replicas have what was written.

A client that waits is blocked as one that waits for a key is; whenever a replica acknowledges, those whose
number is reached are called again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.replication.replication import Replication


class Wanted(NamedTuple):
    """What a client waits for: the places in the stream and in our own log, how many replicas, how many disks of ours
    (0 or 1). Without replicas there may be a log and no stream."""

    place: int
    log_place: int
    replicas: int
    local: int
    on_disk: bool


class Waits:
    """Those who wait, by client id."""

    def __init__(self, replication: Replication) -> None:
        self.replication = replication
        self.engine = replication.engine
        self.waiting: dict[int, tuple[Client, Wanted]] = {}

    def wanted(self, client: Client, replicas: int, local: int, on_disk: bool) -> Wanted:
        """What this client waits for: all that has been written when it began to."""
        known = self.waiting.get(client.id)
        if known is not None and client.blocked is not None:
            return known[1]
        log = self.engine.ports.get("aof")
        return Wanted(self.replication.place, log.place if log is not None else 0, replicas, local, on_disk)

    def begin(self, client: Client, wanted: Wanted) -> None:
        """The client is about to be blocked."""
        self.waiting[client.id] = (client, wanted)
        self.replication.primary.acknowledgement_wanted = True
        self.replication.primary.wake_all()

    def end(self, client: Client) -> None:
        """It has its reply."""
        self.waiting.pop(client.id, None)

    def count(self, wanted: Wanted) -> tuple[int, int]:
        """(our own disk, replicas): how many have it."""
        log = self.engine.ports.get("aof")
        local = int(log is not None and log.is_on_disk(wanted.log_place))
        return local, self.replication.primary.acknowledged_by(wanted.place, wanted.on_disk)

    def reached(self, wanted: Wanted) -> bool:
        """Whether enough have it."""
        local, replicas = self.count(wanted)
        return local >= wanted.local and replicas >= wanted.replicas

    def check(self) -> None:
        """Calls those again whose number is reached."""
        for client, wanted in list(self.waiting.values()):
            if client.blocked is None:
                self.end(client)
            elif self.reached(wanted):
                self.engine.blocking.retry(client)
