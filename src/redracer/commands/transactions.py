"""MULTI, EXEC, DISCARD, WATCH, UNWATCH: several commands as one, if nobody has interfered."""

from __future__ import annotations

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Reply
from redracer.engine.context import Context
from redracer.engine.flags import (
    ALLOW_BUSY,
    FAST,
    IMMEDIATE,
    LOADING,
    NOSCRIPT,
    SKIP_SLOWLOG,
    STALE,
    TRANSACTIONS,
)
from redracer.engine.grammar import key
from redracer.engine.key_specs import RO, Keys
from redracer.engine.registry import command

OWN = NOSCRIPT | LOADING | STALE
QUICK = OWN | FAST | ALLOW_BUSY


@command("MULTI", arity=1, flags=QUICK | IMMEDIATE, group=TRANSACTIONS, since="1.2.0", complexity="O(1)")
def multi(ctx: Context, args: list[bytes]) -> Reply:
    """Starts a transaction."""
    ctx.engine.transactions.begin(ctx.client)
    return OK


@command(
    "EXEC",
    arity=1,
    flags=OWN | SKIP_SLOWLOG | IMMEDIATE,
    group=TRANSACTIONS,
    since="1.2.0",
    complexity="Depends on commands in the transaction",
)
def exec_(ctx: Context, args: list[bytes]) -> Reply:
    """Executes all commands in a transaction."""
    replies = ctx.engine.transactions.execute(ctx.client)
    ctx.rewrite_as([])  # what its commands changed has been propagated
    return replies


@command(
    "DISCARD",
    arity=1,
    flags=QUICK | IMMEDIATE,
    group=TRANSACTIONS,
    since="2.0.0",
    complexity="O(N), when N is the number of queued commands",
)
def discard(ctx: Context, args: list[bytes]) -> Reply:
    """Discards a transaction."""
    if ctx.client.transaction is None:
        raise CommandError(errors.DISCARD_WITHOUT_MULTI)
    ctx.engine.transactions.end(ctx.client)
    return OK


@command(
    "WATCH",
    arity=-2,
    flags=QUICK | IMMEDIATE,
    keys=Keys(1, RO),
    group=TRANSACTIONS,
    since="2.2.0",
    complexity="O(1) for every key.",
    args=[key("key", multiple=True)],
)
def watch(ctx: Context, args: list[bytes]) -> Reply:
    """Monitors changes to keys to determine the execution of a transaction."""
    if ctx.client.transaction is not None:
        raise CommandError(errors.WATCH_INSIDE_MULTI)
    ctx.engine.watches.watch(ctx.client, args[1:])
    return OK


@command("UNWATCH", arity=1, flags=QUICK, group=TRANSACTIONS, since="2.2.0", complexity="O(1)")
def unwatch(ctx: Context, args: list[bytes]) -> Reply:
    """Forgets about watched keys of a transaction."""
    ctx.engine.watches.unwatch(ctx.client)
    return OK
