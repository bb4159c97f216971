"""SLOWLOG: the calls that took long."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import OK, Reply
from redracer.engine.flags import ADMIN, LOADING, SERVER, STALE
from redracer.engine.grammar import integer
from redracer.engine.registry import command, container

if TYPE_CHECKING:
    from redracer.engine.context import Context

FLAGS = ADMIN | LOADING | STALE
ENTRIES = 10  # told unless a count is given

container(
    "SLOWLOG",
    group=SERVER,
    since="2.2.12",
    summary="A container for slow log commands.",
    help_since="6.2.0",
)


@command(
    "SLOWLOG|GET",
    arity=-2,
    flags=FLAGS,
    group=SERVER,
    since="2.2.12",
    complexity="O(N) where N is the number of entries returned",
    args=[integer("count", optional=True)],
    history=[("4.0.0", "Added client IP address, port and name to the reply.")],
    hints=["request_policy:all_nodes", "nondeterministic_output"],
)
def slowlog_get(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the slow log's entries."""
    entries = ctx.engine.slowlog.entries
    if len(args) > 3:
        raise CommandError(errors.unknown_subcommand(args[0], args[1]))
    count = parse_integer(args[2]) if len(args) == 3 else ENTRIES
    if count is None or count < -1:
        raise CommandError(b"ERR count should be greater than or equal to -1")
    told = len(entries) if count == -1 else min(count, len(entries))
    return [list(entry) for entry in islice(entries, told)]


@command(
    "SLOWLOG|LEN",
    arity=2,
    flags=FLAGS,
    group=SERVER,
    since="2.2.12",
    complexity="O(1)",
    hints=["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
)
def slowlog_len(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of entries in the slow log."""
    return len(ctx.engine.slowlog.entries)


@command(
    "SLOWLOG|RESET",
    arity=2,
    flags=FLAGS,
    group=SERVER,
    since="2.2.12",
    complexity="O(N) where N is the number of entries in the slowlog",
    hints=["request_policy:all_nodes", "response_policy:all_succeeded"],
)
def slowlog_reset(ctx: Context, args: list[bytes]) -> Reply:
    """Clears all entries from the slow log."""
    ctx.engine.slowlog.reset()
    return OK
