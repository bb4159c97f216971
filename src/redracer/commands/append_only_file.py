"""The append-only file on demand: BGREWRITEAOF, DEBUG LOADAOF. What keeps it is the port "aof"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Reply, Status
from redracer.engine.arguments import integer
from redracer.engine.debug_table import subcommand
from redracer.engine.flags import ADMIN, NO_ASYNC_LOADING, NOSCRIPT, SERVER
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.engine.context import Context


def append_only_file(ctx: Context) -> Any:
    """Who keeps it."""
    return ctx.engine.ports["aof"]


@command(
    "BGREWRITEAOF",
    arity=1,
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
    group=SERVER,
    since="1.0.0",
    complexity="O(1)",
)
def bgrewriteaof(ctx: Context, args: list[bytes]) -> Reply:
    """Asynchronously rewrites the append-only file to disk."""
    rewrites = append_only_file(ctx).rewrites
    if rewrites.in_progress:
        raise CommandError(errors.REWRITE_IN_PROGRESS)
    if rewrites.child.active or ctx.effects.held:
        rewrites.schedule()
        return Status(b"Background append only file rewriting scheduled")
    if not rewrites.start():
        raise CommandError(errors.REWRITE_FAILED)
    return Status(b"Background append only file rewriting started")


@subcommand("LOADAOF")
def loadaof(ctx: Context, args: list[bytes]) -> Reply:
    """Write what is to be written to the append-only file, empty the databases, and load them from it."""
    append_only_file(ctx).reload()
    return OK


@subcommand("AOF-FLUSH-SLEEP", "<microsec>", 1)
def aof_flush_sleep(ctx: Context, args: list[bytes]) -> Reply:
    """Sleep so long before each write to the append-only file."""
    append_only_file(ctx).writer.delay = max(integer(args[2]), 0) / 1_000_000
    return OK
