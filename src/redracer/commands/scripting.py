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


def arguments_of(first: str) -> list[Any]:
    """The grammar of these commands, whose first argument is a script, its SHA1 or a function."""
    return [
        string(first),
        integer("numkeys"),
        key(optional=True, multiple=True),
        string("arg", optional=True, multiple=True),
    ]


def end_of_keys(args: list[bytes], refusal: bytes) -> int:
    """The position behind the last key. Raises CommandError, with `refusal` if the number of keys is none."""
    count = parse_integer(args[2])
    if count is None:
        raise CommandError(refusal)
    if count > len(args) - 3:
        raise CommandError(errors.KEY_COUNT_OVER_ARGUMENTS)
    if count < 0:
        raise CommandError(errors.NEGATIVE_KEY_COUNT)
    return 3 + count


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
    return ctx.engine.ports["scripting"].evaluate(args, end_of_keys(args, errors.NOT_INTEGER), EVALUATED)


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
    end = end_of_keys(args, errors.NOT_INTEGER)
    return ctx.engine.ports["scripting"].evaluate(args, end, EVALUATED | READ_ONLY_COMMAND)


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
    return ctx.engine.ports["scripting"].evaluate_sha(args, end_of_keys(args, errors.NOT_INTEGER), EVALUATED)


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
    end = end_of_keys(args, errors.NOT_INTEGER)
    return ctx.engine.ports["scripting"].evaluate_sha(args, end, EVALUATED | READ_ONLY_COMMAND)


def call_function(ctx: Context, args: list[bytes], flags: int) -> Reply:
    """Runs a function of a library."""
    scripting = ctx.engine.ports["scripting"]
    function = scripting.functions.find(args[1])
    return scripting.call(function, args, end_of_keys(args, errors.BAD_KEY_COUNT), flags)


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
