"""What INFO tells about replication, in Redis's fields."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from redracer.engine.info import constants
from redracer.replication.link import CONNECTED, SYNC
from redracer.replication.replica import STATE_NAMES

if TYPE_CHECKING:
    from redracer.engine.info import Fields
    from redracer.replication.link import Link
    from redracer.replication.replication import Replication

MILLISECONDS = 1000


def fields(replication: Replication) -> Fields:
    """The section `replication`."""
    stream, config = replication.stream, replication.engine.config
    end = replication.place
    link = replication.link
    yield "role", "master" if link is None else "slave"
    if link is not None:
        yield from _of_link(replication, link)
    replicas = list(replication.primary.replicas.values())
    yield "connected_slaves", len(replicas)
    if config["min-replicas-to-write"] and config["min-replicas-max-lag"]:
        yield "min_slaves_good_slaves", replication.primary.good_replicas()
    now = replication.engine.clock.now
    for number, replica in enumerate(replicas):
        lag = (now - replica.heard) // MILLISECONDS if replica.heard and replica.acknowledged else 0
        yield (
            f"slave{number}",
            f"ip={replica.host},port={replica.port},state={STATE_NAMES.get(replica.state, 'wait_bgsave')},"
            f"offset={replica.acknowledged},lag={lag}",
        )
    yield "master_failover_state", replication.failover.state
    yield "master_replid", stream.id.decode()
    yield "master_replid2", stream.second_id.decode()
    yield "master_repl_offset", end
    yield "second_repl_offset", stream.second_end + 1 if stream.second_end >= 0 else -1
    yield "repl_backlog_active", int(stream.active)
    yield "repl_backlog_size", stream.limit
    yield "repl_backlog_first_byte_offset", stream.first + 1 if stream.active else 0
    yield "repl_backlog_histlen", end - stream.first


def _of_link(replication: Replication, link: Link) -> Fields:
    """The fields of a replica."""
    config, end = replication.engine.config, replication.stream.end
    connected = link.state_told == CONNECTED
    silence = int(time.monotonic() - link.heard)
    yield "master_host", link.host
    yield "master_port", link.port
    yield "master_link_status", "up" if connected else "down"
    yield "master_last_io_seconds_ago", silence if connected else -1
    yield "master_sync_in_progress", int(link.state == SYNC)
    yield "slave_read_repl_offset", end + len(link.received)
    yield "slave_repl_offset", end
    if link.state == SYNC:
        total, read = (link.full_sync.size, link.full_sync.received) if link.full_sync is not None else (0, 0)
        yield "master_sync_total_bytes", total
        yield "master_sync_read_bytes", read
        yield "master_sync_left_bytes", total - read
        yield "master_sync_perc", f"{100 * read / total if total else 0.0:.2f}"
        yield "master_sync_last_io_seconds_ago", silence
    if not connected:
        yield "master_link_down_since_seconds", link.seconds_down
    yield "slave_priority", config["replica-priority"]
    yield from constants(slave_read_only=int(config["replica-read-only"]))
    yield "replica_announced", int(config["replica-announced"])
