"""EVAL, FCALL and their kin: running scripts and functions.

Compiled, because some clients send nothing else. The interpreter is behind the port `scripting`; without lupa the
commands say what to install.
"""

from __future__ import annotations

from typing import Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import Reply
from redracer.engine.context import Context
from redracer.engine.flags import (
    MAY_REPLICATE,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READONLY,
    SCRIPTING,
    SKIP_MONITOR,
    STALE,
)
from redracer.engine.grammar import integer, key, string
from redracer.engine.key_specs import ACCESS, RO, RW, UPDATE, KeyNum
from redracer.engine.registry import command

RUNS = NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS
DEPENDS_ON_SCRIPT = "Depends on the script that is executed."
DEPENDS_ON_FUNCTION = "Depends on the function that is executed."
WORST = "We cannot tell how the keys will be used so we assume the worst, %s"
WRITTEN_KEYS = KeyNum(2, RW | ACCESS | UPDATE, notes=WORST % "RW and UPDATE")
READ_KEYS = KeyNum(2, RO | ACCESS, notes=WORST % "RO and ACCESS")

# what Invocation.run is told
READ_ONLY_COMMAND = 1 << 9
EVALUATED = 1 << 10
SHA1_LENGTH = 40


def arguments_of(first: str) -> list[Any]:
    """The grammar of these commands, whose first argument is a script, its SHA1 or a function."""
    return [
        string(first),
        integer("numkeys"),
        key(optional=True, multiple=True),
        string("arg", optional=True, multiple=True),
    ]


def key_count(args: list[bytes], refusal: bytes) -> int:
    """The number of keys that the arguments say. Raises CommandError."""
    count = parse_integer(args[2])
    if count is None:
        raise CommandError(refusal)
    if count > len(args) - 3:
        raise CommandError(errors.KEY_COUNT_OVER_ARGUMENTS)
    if count < 0:
        raise CommandError(errors.NEGATIVE_KEY_COUNT)
    return count


def run_script(ctx: Context, args: list[bytes], script: Any, flags: int) -> Reply:
    """Runs a compiled script."""
    end = 3 + key_count(args, errors.NOT_INTEGER)
    return ctx.engine.ports["scripting"].invocation.run(
        ctx.engine.ports["scripting"].scripts.lua,
        script.function,
        script.sha1,
        args,
        args[3:end],
        args[end:],
        script.flags | flags,
    )


@command(
    "EVAL",
    arity=-3,
    flags=RUNS | MAY_REPLICATE,
    keys=WRITTEN_KEYS,
    group=SCRIPTING,
    since="2.6.0",
    complexity=DEPENDS_ON_SCRIPT,
    args=arguments_of("script"),
)
def evaluate(ctx: Context, args: list[bytes]) -> Reply:
    """Executes a server-side Lua script."""
    key_count(args, errors.NOT_INTEGER)
    return run_script(ctx, args, ctx.engine.ports["scripting"].scripts.evaluate(args[1]), EVALUATED)


@command(
    "EVAL_RO",
    arity=-3,
    flags=RUNS | READONLY,
    keys=READ_KEYS,
    group=SCRIPTING,
    since="7.0.0",
    complexity=DEPENDS_ON_SCRIPT,
    args=arguments_of("script"),
)
def evaluate_read_only(ctx: Context, args: list[bytes]) -> Reply:
    """Executes a read-only server-side Lua script."""
    key_count(args, errors.NOT_INTEGER)
    script = ctx.engine.ports["scripting"].scripts.evaluate(args[1])
    return run_script(ctx, args, script, EVALUATED | READ_ONLY_COMMAND)


@command(
    "EVALSHA",
    arity=-3,
    flags=RUNS | MAY_REPLICATE,
    keys=KeyNum(2, RW | ACCESS | UPDATE),
    group=SCRIPTING,
    since="2.6.0",
    complexity=DEPENDS_ON_SCRIPT,
    args=arguments_of("sha1"),
)
def evaluate_sha(ctx: Context, args: list[bytes]) -> Reply:
    """Executes a server-side Lua script by SHA1 digest."""
    return run_script(ctx, args, ctx.engine.ports["scripting"].scripts.find(args[1]), EVALUATED)


@command(
    "EVALSHA_RO",
    arity=-3,
    flags=RUNS | READONLY,
    keys=KeyNum(2, RO | ACCESS),
    group=SCRIPTING,
    since="7.0.0",
    complexity=DEPENDS_ON_SCRIPT,
    args=arguments_of("sha1"),
)
def evaluate_sha_read_only(ctx: Context, args: list[bytes]) -> Reply:
    """Executes a read-only server-side Lua script by SHA1 digest."""
    script = ctx.engine.ports["scripting"].scripts.find(args[1])
    return run_script(ctx, args, script, EVALUATED | READ_ONLY_COMMAND)


def call_function(ctx: Context, args: list[bytes], flags: int) -> Reply:
    """Runs a function of a library."""
    functions = ctx.engine.ports["scripting"].functions
    function = functions.find(args[1])
    end = 3 + key_count(args, errors.BAD_KEY_COUNT)
    return ctx.engine.ports["scripting"].invocation.run(
        functions.lua, function.function, function.name, args, args[3:end], args[end:], function.flags | flags
    )


@command(
    "FCALL",
    arity=-3,
    flags=RUNS | MAY_REPLICATE,
    keys=WRITTEN_KEYS,
    group=SCRIPTING,
    since="7.0.0",
    complexity=DEPENDS_ON_FUNCTION,
    args=arguments_of("function"),
)
def function_call(ctx: Context, args: list[bytes]) -> Reply:
    """Invokes a function."""
    return call_function(ctx, args, 0)


@command(
    "FCALL_RO",
    arity=-3,
    flags=RUNS | READONLY,
    keys=READ_KEYS,
    group=SCRIPTING,
    since="7.0.0",
    complexity=DEPENDS_ON_FUNCTION,
    args=arguments_of("function"),
)
def function_call_read_only(ctx: Context, args: list[bytes]) -> Reply:
    """Invokes a read-only function."""
    return call_function(ctx, args, READ_ONLY_COMMAND)
