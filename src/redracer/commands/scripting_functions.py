"""FUNCTION: the libraries of functions that FCALL runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.glob import match
from redracer.core.replies import OK, Map, Reply, Set, Status
from redracer.engine.flags import ALLOW_BUSY, DENYOOM, NOSCRIPT, SCRIPTING, WRITE
from redracer.engine.grammar import one_of, string, token
from redracer.engine.registry import command, container, help_subcommand
from redracer.engine.timing import monotonic_nanoseconds

if TYPE_CHECKING:
    from redracer.engine.context import Context

EVERY_SHARD = ["request_policy:all_shards", "response_policy:all_succeeded"]
FLUSH_WORDS = (b"async", b"sync")
POLICIES = (b"flush", b"append", b"replace")
NANOSECONDS = 1_000_000  # per ms

container("FUNCTION", group=SCRIPTING, since="7.0.0", summary="A container for function commands.")
help_subcommand("FUNCTION", group=SCRIPTING, since="7.0.0")


def functions(ctx: Context) -> Any:
    """The libraries."""
    return ctx.engine.ports["scripting"].functions


@command(
    "FUNCTION|LOAD",
    arity=-3,
    flags=NOSCRIPT | WRITE | DENYOOM,
    group=SCRIPTING,
    since="7.0.0",
    complexity="O(1) (considering compilation time is redundant)",
    args=[token("REPLACE", optional=True), string("function-code")],
    hints=EVERY_SHARD,
)
def load(ctx: Context, args: list[bytes]) -> Reply:
    """Creates a library."""
    for option in args[2:-1]:
        if option.lower() != b"replace":
            raise CommandError(b"ERR Unknown option given: %s" % option)
    name = functions(ctx).load(args[-1], replace=len(args) > 3)
    ctx.count_changes(1)
    return name


@command(
    "FUNCTION|DELETE",
    arity=3,
    flags=NOSCRIPT | WRITE,
    group=SCRIPTING,
    since="7.0.0",
    complexity="O(1)",
    args=[string("library-name")],
    hints=EVERY_SHARD,
)
def delete(ctx: Context, args: list[bytes]) -> Reply:
    """Deletes a library and its functions."""
    functions(ctx).delete(args[2])
    ctx.count_changes(1)
    return OK


@command(
    "FUNCTION|FLUSH",
    arity=-2,
    flags=NOSCRIPT | WRITE,
    group=SCRIPTING,
    since="7.0.0",
    complexity="O(N) where N is the number of functions deleted",
    args=[one_of("flush-type", token("ASYNC"), token("SYNC"), optional=True)],
    hints=EVERY_SHARD,
)
def flush(ctx: Context, args: list[bytes]) -> Reply:
    """Deletes all libraries and functions."""
    if len(args) > 3:
        raise CommandError(errors.unknown_subcommand_or_arity(args[1], args[0]))
    if len(args) == 3 and args[2].lower() not in FLUSH_WORDS:
        raise CommandError(b"ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    functions(ctx).flush()
    ctx.count_changes(1)
    return OK


@command(
    "FUNCTION|LIST",
    arity=-2,
    flags=NOSCRIPT,
    group=SCRIPTING,
    since="7.0.0",
    complexity="O(N) where N is the number of functions",
    args=[
        string("library-name-pattern", token="LIBRARYNAME", optional=True),
        token("WITHCODE", optional=True),
    ],
    hints=["nondeterministic_output_order"],
)
def list_libraries(ctx: Context, args: list[bytes]) -> Reply:
    """Returns information about all libraries."""
    pattern: bytes | None = None
    with_code = False
    position = 2
    while position < len(args):
        word = args[position].lower()
        if word == b"withcode" and not with_code:
            with_code = True
        elif word == b"libraryname" and pattern is None:
            position += 1
            if position == len(args):
                raise CommandError(b"ERR library name argument was not given")
            pattern = args[position]
        else:
            raise CommandError(b"ERR Unknown argument %s" % args[position])
        position += 1
    return [
        describe(library, with_code)
        for library in functions(ctx).by_name.values()
        if pattern is None or match(pattern, library.name, True)
    ]


def describe(library: Any, with_code: bool) -> Map:
    """A library as FUNCTION LIST tells it."""
    told = [
        Map(
            [
                *(b"name", function.name),
                *(b"description", function.description),
                *(b"flags", Set([Status(name) for name in function.flag_names])),
            ]
        )
        for function in library.functions.values()
    ]
    items = [b"library_name", library.name, b"engine", b"LUA", b"functions", told]
    if with_code:
        items += [b"library_code", library.code]
    return Map(items)


@command(
    "FUNCTION|DUMP",
    arity=2,
    flags=NOSCRIPT,
    group=SCRIPTING,
    since="7.0.0",
    complexity="O(N) where N is the number of functions",
)
def dump(ctx: Context, args: list[bytes]) -> Reply:
    """Dumps all libraries into a serialized binary payload."""
    return functions(ctx).dump()


@command(
    "FUNCTION|RESTORE",
    arity=-3,
    flags=NOSCRIPT | WRITE | DENYOOM,
    group=SCRIPTING,
    since="7.0.0",
    complexity="O(N) where N is the number of functions on the payload",
    args=[
        string("serialized-value"),
        one_of("policy", token("FLUSH"), token("APPEND"), token("REPLACE"), optional=True),
    ],
    hints=EVERY_SHARD,
)
def restore(ctx: Context, args: list[bytes]) -> Reply:
    """Restores all libraries from a payload."""
    if len(args) > 4:
        raise CommandError(errors.unknown_subcommand_or_arity(args[1], args[0]))
    policy = args[3].lower() if len(args) == 4 else b"append"
    if policy not in POLICIES:
        raise CommandError(errors.RESTORE_POLICY)
    functions(ctx).restore(args[2], policy)
    ctx.count_changes(1)
    return OK


@command(
    "FUNCTION|KILL",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    group=SCRIPTING,
    since="7.0.0",
    complexity="O(1)",
    hints=["request_policy:all_shards", "response_policy:one_succeeded"],
)
def kill(ctx: Context, args: list[bytes]) -> Reply:
    """Terminates a function during execution."""
    refusal = ctx.engine.ports["scripting"].invocation.kill(False)
    if refusal is not None:
        raise CommandError(refusal)
    return OK


@command(
    "FUNCTION|STATS",
    arity=2,
    flags=NOSCRIPT | ALLOW_BUSY,
    group=SCRIPTING,
    since="7.0.0",
    complexity="O(1)",
    hints=["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
)
def stats(ctx: Context, args: list[bytes]) -> Reply:
    """Returns information about a function during execution."""
    invocation = ctx.engine.ports["scripting"].invocation
    running = None
    if invocation.running:
        if invocation.is_eval:
            raise CommandError(errors.BUSY_SCRIPT)
        elapsed = (monotonic_nanoseconds() - invocation.started) // NANOSECONDS
        running = Map(
            [b"name", invocation.name, b"command", list(invocation.request), b"duration_ms", elapsed]
        )
    libraries = functions(ctx)
    counts = Map([b"libraries_count", len(libraries.by_name), b"functions_count", len(libraries.functions)])
    return Map([b"running_script", running, b"engines", Map([b"LUA", counts])])
