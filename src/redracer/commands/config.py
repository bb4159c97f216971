"""CONFIG: the server's options at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Map, Reply
from redracer.engine.config import Config
from redracer.engine.flags import ADMIN, LOADING, NOSCRIPT, SERVER, STALE
from redracer.engine.gates import GATE_LOADING
from redracer.engine.grammar import block, string
from redracer.engine.registry import command, container

if TYPE_CHECKING:
    from redracer.engine.context import Context

FLAGS = ADMIN | NOSCRIPT | LOADING | STALE
ALL_NODES = ("request_policy:all_nodes", "response_policy:all_succeeded")

container(
    "CONFIG",
    group=SERVER,
    since="2.0.0",
    summary="A container for server configuration commands.",
    help_since="5.0.0",
)


@command(
    "CONFIG|GET",
    arity=-3,
    flags=FLAGS,
    group=SERVER,
    since="2.0.0",
    complexity="O(N) when N is the number of configuration parameters provided",
    args=[block("parameter", string("parameter"), multiple=True)],
    history=[("7.0.0", "Added the ability to pass multiple pattern parameters in one call")],
)
def config_get(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the effective values of configuration parameters."""
    return Map([part for pair in ctx.config.get_matching(args[2:]) for part in pair])


def secrets_of_set(args: list[bytes]) -> list[int]:
    """The values of options that hold passwords."""
    return [position for position in range(3, len(args), 2) if Config.is_sensitive(args[position - 1])]


@command(
    "CONFIG|SET",
    arity=-4,
    flags=FLAGS,
    group=SERVER,
    since="2.0.0",
    complexity="O(N) when N is the number of configuration parameters provided",
    args=[block("data", string("parameter"), string("value"), multiple=True)],
    history=[("7.0.0", "Added the ability to set multiple parameters in one call.")],
    hints=ALL_NODES,
    secrets=secrets_of_set,
)
def config_set(ctx: Context, args: list[bytes]) -> Reply:
    """Sets configuration parameters in-flight."""
    if len(args) % 2:
        raise CommandError(errors.SYNTAX)
    pairs = list(zip(args[2::2], args[3::2], strict=True))
    loading = bool(ctx.engine.dispatcher.gates & GATE_LOADING)
    ctx.config.set_many(pairs, loading=loading, local_client=ctx.client.is_local())
    return OK


@command(
    "CONFIG|RESETSTAT",
    arity=2,
    flags=FLAGS,
    group=SERVER,
    since="2.0.0",
    complexity="O(1)",
    hints=ALL_NODES,
)
def config_resetstat(ctx: Context, args: list[bytes]) -> Reply:
    """Resets the server's statistics."""
    ctx.engine.statistics.reset()
    return OK


@command(
    "CONFIG|REWRITE",
    arity=2,
    flags=FLAGS,
    group=SERVER,
    since="2.8.0",
    complexity="O(1)",
    hints=ALL_NODES,
)
def config_rewrite(ctx: Context, args: list[bytes]) -> Reply:
    """Persists the effective configuration to file."""
    ctx.config.rewrite()
    return OK
