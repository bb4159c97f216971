"""Snapshots on demand: SAVE, BGSAVE, LASTSAVE, DEBUG RELOAD. What takes them is the port "snapshots"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Reply, Status
from redracer.engine.client import MULTI
from redracer.engine.debug_table import subcommand
from redracer.engine.flags import (
    ACL_ADMIN,
    ACL_DANGEROUS,
    ADMIN,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    SERVER,
    STALE,
)
from redracer.engine.grammar import token
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.engine.context import Context


def snapshots(ctx: Context) -> Any:
    """Who takes them."""
    return ctx.engine.ports["snapshots"]


@command(
    "SAVE",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    group=SERVER,
    since="1.0.0",
    complexity="O(N) where N is the total number of keys in all databases",
)
def save(ctx: Context, args: list[bytes]) -> Reply:
    """Synchronously saves the database(s) to disk."""
    if snapshots(ctx).in_progress:
        raise CommandError(errors.SAVE_IN_PROGRESS)
    if not snapshots(ctx).save():
        raise CommandError(errors.SAVE_FAILED)
    return OK


@command(
    "BGSAVE",
    arity=-1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    group=SERVER,
    since="1.0.0",
    complexity="O(1)",
    args=[token("SCHEDULE", optional=True, since="3.2.2")],
    history=[("3.2.2", "Added the `SCHEDULE` option.")],
)
def bgsave(ctx: Context, args: list[bytes]) -> Reply:
    """Asynchronously saves the database(s) to disk."""
    if len(args) > 2 or (len(args) == 2 and args[1].lower() != b"schedule"):
        raise CommandError(errors.SYNTAX)
    port = snapshots(ctx)
    in_transaction = bool(ctx.client.flags & MULTI)
    if port.in_progress:
        raise CommandError(errors.SAVE_IN_PROGRESS)
    if port.child.active or in_transaction:
        if len(args) == 1 and not in_transaction:
            raise CommandError(errors.OTHER_CHILD)
        port.schedule()
        return Status(b"Background saving scheduled")
    if not port.save_in_background():
        raise CommandError(errors.SAVE_FAILED)
    return Status(b"Background saving started")


@command(
    "LASTSAVE",
    arity=1,
    flags=LOADING | STALE | FAST,
    group=SERVER,
    acl=ACL_ADMIN | ACL_DANGEROUS,
    since="1.0.0",
    complexity="O(1)",
    hints=["nondeterministic_output"],
)
def lastsave(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the Unix timestamp of the last successful save to disk."""
    last: int = snapshots(ctx).last_save
    return last


@subcommand("RELOAD", "[MERGE|NOFLUSH|NOSAVE ...]", 0, 3)
def reload(ctx: Context, args: list[bytes]) -> Reply:
    """Save the data set and load it again. NOSAVE: load what was saved before. NOFLUSH: into what is there; with
    MERGE, keys that are there already are replaced."""
    words = {word.lower() for word in args[2:]}
    if not words <= {b"merge", b"noflush", b"nosave"}:
        raise CommandError(errors.RELOAD_OPTIONS)
    problem = snapshots(ctx).reload(b"nosave" not in words, b"noflush" not in words, b"merge" in words)
    if problem is not None:
        raise CommandError(problem)
    return OK
