"""Commands on whole databases: their size, emptying them, swapping two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Reply
from redracer.engine.arguments import database, database_number
from redracer.engine.flags import ACL_DANGEROUS, ACL_KEYSPACE, FAST, READONLY, SERVER, WRITE
from redracer.engine.grammar import integer, one_of, token
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.core.keyspace import Keyspace
    from redracer.engine.context import Context

FLUSH_ARGS = [
    one_of("flush-type", token("ASYNC", since="4.0.0"), token("SYNC", since="6.2.0"), optional=True)
]
FLUSH_HISTORY = [
    ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
    ("6.2.0", "Added the `SYNC` flushing mode modifier."),
]
FLUSH_HINTS = ["request_policy:all_shards", "response_policy:all_succeeded"]


@command(
    "DBSIZE",
    arity=1,
    flags=READONLY | FAST,
    group=SERVER,
    acl=ACL_KEYSPACE,
    since="1.0.0",
    complexity="O(1)",
    hints=["request_policy:all_shards", "response_policy:agg_sum"],
)
def dbsize(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of keys in the database."""
    return len(ctx.db)


@command(
    "FLUSHDB",
    arity=-1,
    flags=WRITE,
    group=SERVER,
    acl=ACL_KEYSPACE | ACL_DANGEROUS,
    since="1.0.0",
    complexity="O(N) where N is the number of keys in the selected database",
    args=FLUSH_ARGS,
    history=FLUSH_HISTORY,
    hints=FLUSH_HINTS,
)
def flushdb(ctx: Context, args: list[bytes]) -> Reply:
    """Removes all keys from the current database."""
    return _flush(ctx, args, [ctx.db])


@command(
    "FLUSHALL",
    arity=-1,
    flags=WRITE,
    group=SERVER,
    acl=ACL_KEYSPACE | ACL_DANGEROUS,
    since="1.0.0",
    complexity="O(N) where N is the total number of keys in all databases",
    args=FLUSH_ARGS,
    history=FLUSH_HISTORY,
    hints=FLUSH_HINTS,
)
def flushall(ctx: Context, args: list[bytes]) -> Reply:
    """Removes all keys from all databases."""
    reply = _flush(ctx, args, ctx.databases)
    snapshots = ctx.engine.ports.get("snapshots")
    if snapshots is not None:
        snapshots.emptied()
    return reply


def _flush(ctx: Context, args: list[bytes], databases: list[Keyspace]) -> Reply:
    ctx.engine.empty(databases, _flushes_lazily(ctx, args))
    ctx.propagate_unchanged()  # replicas may hold keys that have expired here
    return OK


def _flushes_lazily(ctx: Context, args: list[bytes]) -> bool:
    if len(args) == 1:
        lazily: bool = ctx.config["lazyfree-lazy-user-flush"]
        return lazily
    mode = args[1].lower()
    if len(args) > 2 or mode not in (b"async", b"sync"):
        raise CommandError(errors.SYNTAX)
    return mode == b"async"


@command(
    "SWAPDB",
    arity=3,
    flags=WRITE | FAST,
    group=SERVER,
    acl=ACL_KEYSPACE | ACL_DANGEROUS,
    since="4.0.0",
    complexity="O(N) where N is the count of clients watching or blocking on keys from both databases.",
    args=[integer("index1"), integer("index2")],
)
def swapdb(ctx: Context, args: list[bytes]) -> Reply:
    """Swaps two databases."""
    first = database_number(args[1], errors.INVALID_FIRST_DB_INDEX)
    second = database_number(args[2], errors.INVALID_SECOND_DB_INDEX)
    one, other = database(ctx, first), database(ctx, second)
    if one is not other:
        one.swap_with(other)
        ctx.effects.databases_swapped(first, second)
        ctx.engine.expiry.fields.swap(one, other)
    ctx.effects.dirty += 1
    return OK
