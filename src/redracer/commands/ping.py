"""PING and ECHO: compiled, because load balancers and pools send nothing else all day."""

from __future__ import annotations

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import Reply, Status
from redracer.engine import grammar
from redracer.engine.client import SUBSCRIBED
from redracer.engine.context import Context
from redracer.engine.flags import CONNECTION, FAST, LOADING, STALE
from redracer.engine.registry import command

PONG = Status(b"PONG")


@command(
    "PING",
    arity=-1,
    flags=FAST,
    group=CONNECTION,
    since="1.0.0",
    complexity="O(1)",
    args=[grammar.string("message", optional=True)],
    hints=["request_policy:all_shards", "response_policy:all_succeeded"],
)
def ping(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the server's liveliness response."""
    if len(args) > 2:
        raise CommandError(errors.wrong_arity(b"ping"))
    # A subscribed client always has a gate, which is cheaper to ask for.
    if ctx.client.gates and ctx.client.flags & SUBSCRIBED and ctx.client.resp == 2:
        return [b"pong", args[1] if len(args) == 2 else b""]
    return args[1] if len(args) == 2 else PONG


@command(
    "ECHO",
    arity=2,
    flags=LOADING | STALE | FAST,
    group=CONNECTION,
    since="1.0.0",
    complexity="O(1)",
    args=[grammar.string("message")],
)
def echo(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the given string."""
    return args[1]
