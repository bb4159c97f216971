"""LATENCY: the monitor of slow events, and each command's histogram of durations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.commands.latency_doctor import report
from redracer.commands.latency_graph import graph
from redracer.core.errors import CommandError
from redracer.core.replies import Map, Reply, Verbatim
from redracer.engine.flags import ADMIN, LOADING, NOSCRIPT, SERVER, STALE
from redracer.engine.grammar import string
from redracer.engine.registry import command, container, lookup_name

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.engine.registry import Command

FLAGS = ADMIN | NOSCRIPT | LOADING | STALE
SPECIAL = ("nondeterministic_output", "request_policy:all_nodes", "response_policy:special")

container(
    "LATENCY",
    group=SERVER,
    since="2.8.13",
    summary="A container for latency diagnostics commands.",
    help_since="2.8.13",
)


@command(
    "LATENCY|LATEST",
    arity=2,
    flags=FLAGS,
    group=SERVER,
    since="2.8.13",
    complexity="O(1)",
    hints=SPECIAL,
)
def latency_latest(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the latest latency samples for all events."""
    return [
        [name.encode(), *history.samples[-1], history.worst]
        for name, history in ctx.engine.latency.events.items()
    ]


@command(
    "LATENCY|HISTORY",
    arity=3,
    flags=FLAGS,
    group=SERVER,
    since="2.8.13",
    complexity="O(1)",
    args=[string("event")],
    hints=SPECIAL,
)
def latency_history(ctx: Context, args: list[bytes]) -> Reply:
    """Returns timestamp-latency samples for an event."""
    history = ctx.engine.latency.events.get(_event(args[2]))
    return [] if history is None else [list(sample) for sample in history.samples]


def _event(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


@command(
    "LATENCY|RESET",
    arity=-2,
    flags=FLAGS,
    group=SERVER,
    since="2.8.13",
    complexity="O(1)",
    args=[string("event", optional=True, multiple=True)],
    hints=["request_policy:all_nodes", "response_policy:agg_sum"],
)
def latency_reset(ctx: Context, args: list[bytes]) -> Reply:
    """Resets the latency data for one or more events."""
    return ctx.engine.latency.reset([_event(name) for name in args[2:]] or None)


@command(
    "LATENCY|GRAPH",
    arity=3,
    flags=FLAGS,
    group=SERVER,
    since="2.8.13",
    complexity="O(1)",
    args=[string("event")],
    hints=SPECIAL,
)
def latency_graph(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a latency graph for an event."""
    name = _event(args[2])
    history = ctx.engine.latency.events.get(name)
    if history is None:
        raise CommandError(b"ERR No samples available for event '%s'" % args[2])
    return Verbatim(b"txt", graph(name, history, ctx.now // 1000).encode("utf-8", "surrogateescape"))


@command(
    "LATENCY|DOCTOR",
    arity=2,
    flags=FLAGS,
    group=SERVER,
    since="2.8.13",
    complexity="O(1)",
    hints=SPECIAL,
)
def latency_doctor(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a human-readable latency analysis report."""
    return Verbatim(b"txt", report(ctx.engine, ctx.now // 1000).encode())


@command(
    "LATENCY|HISTOGRAM",
    arity=-2,
    flags=FLAGS,
    group=SERVER,
    since="7.0.0",
    complexity="O(N) where N is the number of commands with latency information being retrieved.",
    args=[string("command", optional=True, multiple=True)],
    hints=SPECIAL,
)
def latency_histogram(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the cumulative distribution of latencies of a subset or all commands."""
    wanted = list(ctx.engine.every_command()) if len(args) == 2 else _named(ctx, args[2:])
    reply: list[Reply] = []
    for entry in wanted:
        histogram = entry.latency_histogram
        if histogram is not None:
            buckets = Map([number for bucket in histogram.buckets() for number in bucket])
            reply += [entry.name, Map([b"calls", histogram.count, b"histogram_usec", buckets])]
    return Map(reply)


def _named(ctx: Context, names: list[bytes]) -> list[Command]:
    """The commands of these names, each with its subcommands; unknown names are left out."""
    found: list[Command] = []
    for name in names:
        entry = lookup_name(ctx.engine.commands, name)
        if entry is not None:
            found += [entry, *(entry.subcommands or {}).values()]
    return found
