"""MEMORY: what keys and the server take, and whether anything about it is odd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.commands.memory_doctor import diagnosis
from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Double, Map, Reply, Verbatim
from redracer.engine.arguments import integer
from redracer.engine.client import REPLICA
from redracer.engine.flags import READONLY, SERVER
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.grammar import key
from redracer.engine.key_specs import RO, Key
from redracer.engine.registry import command, container

if TYPE_CHECKING:
    from redracer.engine.context import Context

ALL_SHARDS = ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]

container(
    "MEMORY",
    group=SERVER,
    since="4.0.0",
    summary="A container for memory diagnostics commands.",
    help_since="4.0.0",
)


@command(
    "MEMORY|USAGE",
    arity=-3,
    flags=READONLY,
    keys=Key(2, RO),
    group=SERVER,
    since="4.0.0",
    complexity="O(N) where N is the number of samples.",
    args=[key(), integer_argument("count", token="SAMPLES", optional=True)],
)
def memory_usage(ctx: Context, args: list[bytes]) -> Reply:
    """Estimates the memory usage of a key."""
    for option, count in zip(args[3::2], [*args[4::2], None], strict=False):
        # Values know their size: however many samples are asked for, the answer is exact.
        if option.lower() != b"samples" or count is None or integer(count) < 0:
            raise CommandError(errors.SYNTAX)
    size = ctx.db.memory_of(args[2])
    return None if size < 0 else size


@command(
    "MEMORY|STATS",
    arity=2,
    group=SERVER,
    since="4.0.0",
    complexity="O(1)",
    hints=ALL_SHARDS,
)
def memory_stats(ctx: Context, args: list[bytes]) -> Reply:
    """Returns details about memory usage."""
    report = ctx.engine.memory.report()
    used, held = report.used, report.held
    tables = sum(database.entries + database.expiries for database in report.databases)
    fields: list[Reply] = [
        *(b"peak.allocated", report.peak),
        *(b"total.allocated", used),
        *(b"startup.allocated", report.startup),
        *(b"replication.backlog", held.get("replication.backlog", 0)),
        *(b"replica.fullsyncbuf", held.get("replica.fullsyncbuf", 0)),
        *(b"clients.slaves", report.clients.replicas),
        *(b"clients.normal", report.clients.normal),
        *(b"cluster.links", 0),
        *(b"aof.buffer", held.get("aof.buffer", 0)),
        *(b"lua.caches", held.get("lua.caches", 0)),
        *(b"functions.caches", held.get("functions.caches", 0)),
        *(b"script.VMs", held.get("script.VMs", 0)),
    ]
    for database in report.databases:
        fields += [
            b"db.%d" % database.database,
            Map(
                [
                    b"overhead.hashtable.main",
                    database.entries,
                    b"overhead.hashtable.expires",
                    database.expiries,
                ]
            ),
        ]
    fields += [
        *(b"overhead.db.hashtable.lut", tables),
        *(b"overhead.db.hashtable.rehashing", 0),
        *(b"db.dict.rehashing.count", 0),
        *(b"overhead.total", report.overhead),
        *(b"keys.count", report.keys),
        *(b"keys.bytes-per-key", report.bytes_per_key),
        *(b"dataset.bytes", report.dataset),
        *(b"dataset.percentage", Double(report.dataset_percent)),
        *(b"peak.percentage", Double(report.peak_percent)),
        *(b"allocator.allocated", used),
        *(b"allocator.active", report.heap),
        *(b"allocator.resident", report.heap),
        *(b"allocator.muzzy", 0),
        *(b"allocator-fragmentation.ratio", Double(report.heap_fragmentation)),
        *(b"allocator-fragmentation.bytes", report.heap - used),
        *(b"allocator-rss.ratio", Double(1.0)),
        *(b"allocator-rss.bytes", 0),
        *(b"rss-overhead.ratio", Double(report.program_ratio)),
        *(b"rss-overhead.bytes", report.resident - report.heap),
        *(b"fragmentation", Double(report.fragmentation)),
        *(b"fragmentation.bytes", report.fragmentation_bytes),
    ]
    return Map(fields)


@command(
    "MEMORY|DOCTOR",
    arity=2,
    group=SERVER,
    since="4.0.0",
    complexity="O(1)",
    hints=ALL_SHARDS,
)
def memory_doctor(ctx: Context, args: list[bytes]) -> Reply:
    """Outputs a memory problems report."""
    report = ctx.engine.memory.report()
    replicas = ctx.engine.census.count(REPLICA)
    clients = len(ctx.engine.clients) - replicas
    return Verbatim(b"txt", diagnosis(report, clients, replicas).encode())


@command(
    "MEMORY|PURGE",
    arity=2,
    group=SERVER,
    since="4.0.0",
    complexity="Depends on how much memory is allocated, could be slow",
    hints=["request_policy:all_shards", "response_policy:all_succeeded"],
)
def memory_purge(ctx: Context, args: list[bytes]) -> Reply:
    """Asks the allocator to release memory."""
    ctx.engine.memory.give_back()
    return OK


@command(
    "MEMORY|MALLOC-STATS",
    arity=2,
    group=SERVER,
    since="4.0.0",
    complexity="Depends on how much memory is allocated, could be slow",
    hints=ALL_SHARDS,
)
def memory_malloc_stats(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the allocator statistics."""
    return b"Stats not supported for the current allocator"
