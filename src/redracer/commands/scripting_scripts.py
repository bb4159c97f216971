"""SCRIPT: the cache of scripts that EVAL and EVALSHA run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Reply
from redracer.engine.flags import ALLOW_BUSY, NOSCRIPT, SCRIPTING, STALE
from redracer.engine.grammar import one_of, string, token
from redracer.engine.registry import command, container, help_subcommand

if TYPE_CHECKING:
    from redracer.engine.context import Context

EVERYWHERE = ["request_policy:all_nodes", "response_policy:all_succeeded"]
NO_DEBUGGER = b"ERR redracer has no debugger for Lua scripts"
FLUSH_WORDS = (b"async", b"sync")

container(
    "SCRIPT", group=SCRIPTING, since="2.6.0", summary="A container for Lua scripts management commands."
)
help_subcommand("SCRIPT", group=SCRIPTING, since="5.0.0")


def scripts(ctx: Context) -> Any:
    """The cache."""
    return ctx.engine.ports["scripting"].scripts


@command(
    "SCRIPT|LOAD",
    arity=3,
    flags=NOSCRIPT | STALE,
    group=SCRIPTING,
    since="2.6.0",
    complexity="O(N) with N being the length in bytes of the script body.",
    args=[string("script")],
    hints=EVERYWHERE,
)
def load(ctx: Context, args: list[bytes]) -> Reply:
    """Loads a server-side Lua script to the script cache."""
    return scripts(ctx).load(args[2]).sha1


@command(
    "SCRIPT|EXISTS",
    arity=-3,
    flags=NOSCRIPT,
    group=SCRIPTING,
    since="2.6.0",
    complexity="O(N) with N being the number of scripts to check (so checking a single script is an O(1) "
    "operation).",
    args=[string("sha1", multiple=True)],
    hints=["request_policy:all_shards", "response_policy:agg_logical_and"],
)
def exists(ctx: Context, args: list[bytes]) -> Reply:
    """Determines whether server-side Lua scripts exist in the script cache."""
    known = scripts(ctx).by_sha1
    return [int(sha1.lower() in known) for sha1 in args[2:]]


@command(
    "SCRIPT|FLUSH",
    arity=-2,
    flags=NOSCRIPT,
    group=SCRIPTING,
    since="2.6.0",
    complexity="O(N) with N being the number of scripts in cache",
    args=[one_of("flush-type", token("ASYNC"), token("SYNC"), optional=True, since="6.2.0")],
    history=[("6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers.")],
    hints=EVERYWHERE,
)
def flush(ctx: Context, args: list[bytes]) -> Reply:
    """Removes all server-side Lua scripts from the script cache."""
    if len(args) > 3 or (len(args) == 3 and args[2].lower() not in FLUSH_WORDS):
        raise CommandError(b"ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    scripts(ctx).flush()
    return OK


@command(
    "SCRIPT|KILL",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    group=SCRIPTING,
    since="2.6.0",
    complexity="O(1)",
    hints=["request_policy:all_shards", "response_policy:one_succeeded"],
)
def kill(ctx: Context, args: list[bytes]) -> Reply:
    """Terminates a server-side Lua script during execution."""
    refusal = ctx.engine.ports["scripting"].invocation.kill(True)
    if refusal is not None:
        raise CommandError(refusal)
    return OK


@command(
    "SCRIPT|DEBUG",
    arity=3,
    flags=NOSCRIPT,
    group=SCRIPTING,
    since="3.2.0",
    complexity="O(1)",
    args=[one_of("mode", token("YES"), token("SYNC"), token("NO"))],
)
def debug(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the debug mode of server-side Lua scripts."""
    mode = args[2].lower()
    if mode == b"no":
        return OK
    if mode in (b"yes", b"sync"):
        raise CommandError(NO_DEBUGGER)
    raise CommandError(errors.SCRIPT_DEBUG_MODE)
