"""Commands about the server as a whole: the time, its end, and its art."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.commands.lolwut import picture
from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import NO_REPLY, OK, Reply, Verbatim
from redracer.engine import arguments
from redracer.engine.client import MONITOR as MONITORING
from redracer.engine.client import NO_BLOCKING, REPLICA
from redracer.engine.flags import (
    ADMIN,
    ALLOW_BUSY,
    FAST,
    LOADING,
    NO_MULTI,
    NOSCRIPT,
    READONLY,
    SERVER,
    STALE,
)
from redracer.engine.grammar import integer, one_of, token
from redracer.engine.registry import command
from redracer.engine.shutdown import Request
from redracer.engine.version import REDIS_VERSION

if TYPE_CHECKING:
    from redracer.engine.context import Context

MICROSECONDS = 1_000_000  # per second
SHUTDOWN_WORDS = frozenset((b"save", b"nosave", b"now", b"force", b"abort"))


@command(
    "TIME",
    arity=1,
    flags=LOADING | STALE | FAST,
    group=SERVER,
    since="2.6.0",
    complexity="O(1)",
    hints=["nondeterministic_output"],
)
def time(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the server time."""
    seconds, microseconds = divmod(ctx.engine.unix_microseconds(), MICROSECONDS)
    return [b"%d" % seconds, b"%d" % microseconds]


@command(
    "MONITOR",
    arity=1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group=SERVER,
    since="1.0.0",
)
def monitor(ctx: Context, args: list[bytes]) -> Reply:
    """Listens for all requests received by the server in real-time."""
    if ctx.client.flags & NO_BLOCKING:
        raise CommandError(errors.MONITOR_REFUSED)
    if ctx.client.flags & (MONITORING | REPLICA):
        return NO_REPLY
    ctx.engine.monitors.add(ctx.client)
    return OK


@command(
    "LOLWUT",
    arity=-1,
    flags=READONLY | FAST,
    group=SERVER,
    since="5.0.0",
    args=[integer("version", token="VERSION", optional=True)],
)
def lolwut(ctx: Context, args: list[bytes]) -> Reply:
    """Displays computer art and the Redis version."""
    numbers = args[1:]
    if len(args) > 2 and args[1].lower() == b"version":
        arguments.integer(args[2])  # there is one picture for every version
        numbers = args[3:]
    sizes = [arguments.integer(number) for number in numbers[:2]]
    drawn = picture(ctx.engine.unix_microseconds(), *sizes)
    return Verbatim(b"txt", f"{drawn}\nRedis ver. {REDIS_VERSION}\n".encode())


@command(
    "SHUTDOWN",
    arity=-1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY,
    group=SERVER,
    since="1.0.0",
    complexity="O(N) when saving, where N is the total number of keys in all databases when saving data, "
    "otherwise O(1)",
    args=[
        one_of("save-selector", token("NOSAVE"), token("SAVE"), optional=True),
        token("NOW", optional=True, since="7.0.0"),
        token("FORCE", optional=True, since="7.0.0"),
        token("ABORT", optional=True, since="7.0.0"),
    ],
    history=[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")],
)
def shutdown_(ctx: Context, args: list[bytes]) -> Reply:
    """Synchronously saves the database(s) to disk and shuts down the Redis server."""
    words = {word.lower() for word in args[1:]}
    if not words <= SHUTDOWN_WORDS or words >= {b"save", b"nosave"} or (b"abort" in words and len(words) > 1):
        raise CommandError(errors.SYNTAX)
    shutdown = ctx.engine.shutdown
    if b"abort" in words:
        if not shutdown.abort():
            raise CommandError(errors.NO_SHUTDOWN)
        return OK
    if ctx.client.flags & NO_BLOCKING and b"now" not in words:
        raise CommandError(errors.SHUTDOWN_BLOCKS)
    save = True if b"save" in words else False if b"nosave" in words else None
    shutdown.ask(Request(save, b"now" in words, b"force" in words), ctx.client)
    return NO_REPLY
