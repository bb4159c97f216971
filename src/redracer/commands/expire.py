"""Expiry: when a key stops to exist, as EXPIRE and its kin set it and TTL and its kin tell it.

Every way to give a time is turned into Unix time in ms at once, which is also what the
append-only file and replicas get (PEXPIREAT): a relative time would mean another moment there.
A time that has already passed deletes the key, and is propagated as a deletion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import format_integer
from redracer.core.replies import Reply
from redracer.engine.arguments import integer
from redracer.engine.flags import FAST, GENERIC, READONLY, WRITE
from redracer.engine.grammar import Arg, key, one_of, token, unix_time
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, RO, RW, UPDATE, Key
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.engine.context import Context

LONG_MAX = 2**63 - 1
MISSING = -2  # what TTL answers for a key that is not there
NO_EXPIRY = -1  # ... and for one that does not expire
NX, XX, GT, LT = 1, 2, 4, 8
CONDITIONS = {b"nx": NX, b"xx": XX, b"gt": GT, b"lt": LT}
OPTIONS_SINCE_7 = [("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")]
MINUS_TWO = [("2.8.0", "Added the -2 reply.")]


def expiry_args(time: Arg) -> list[Arg]:
    """The arguments of EXPIRE and its kin, around the time that each takes in its own way."""
    conditions = one_of(
        "condition", token("NX"), token("XX"), token("GT"), token("LT"), since="7.0.0", optional=True
    )
    return [key(), time, conditions]


@command(
    "EXPIRE",
    arity=-3,
    flags=WRITE | FAST,
    keys=Key(1, RW | UPDATE),
    group=GENERIC,
    since="1.0.0",
    complexity="O(1)",
    args=expiry_args(integer_argument("seconds")),
    history=OPTIONS_SINCE_7,
)
def expire(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the expiration time of a key in seconds."""
    return _expire(ctx, args, b"expire", 1000, ctx.now)


@command(
    "PEXPIRE",
    arity=-3,
    flags=WRITE | FAST,
    keys=Key(1, RW | UPDATE),
    group=GENERIC,
    since="2.6.0",
    complexity="O(1)",
    args=expiry_args(integer_argument("milliseconds")),
    history=OPTIONS_SINCE_7,
)
def pexpire(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the expiration time of a key in milliseconds."""
    return _expire(ctx, args, b"pexpire", 1, ctx.now)


@command(
    "EXPIREAT",
    arity=-3,
    flags=WRITE | FAST,
    keys=Key(1, RW | UPDATE),
    group=GENERIC,
    since="1.2.0",
    complexity="O(1)",
    args=expiry_args(unix_time("unix-time-seconds")),
    history=OPTIONS_SINCE_7,
)
def expireat(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the expiration time of a key to a Unix timestamp."""
    return _expire(ctx, args, b"expireat", 1000, 0)


@command(
    "PEXPIREAT",
    arity=-3,
    flags=WRITE | FAST,
    keys=Key(1, RW | UPDATE),
    group=GENERIC,
    since="2.6.0",
    complexity="O(1)",
    args=expiry_args(unix_time("unix-time-milliseconds")),
    history=OPTIONS_SINCE_7,
)
def pexpireat(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the expiration time of a key to a Unix milliseconds timestamp."""
    return _expire(ctx, args, b"pexpireat", 1, 0)


def _expire(ctx: Context, args: list[bytes], name: bytes, unit: int, base: int) -> int:
    """Sets the expiry of args[1] to args[2] times `unit` ms after `base`; 1 if it did, 0 if not."""
    conditions = _conditions(args)
    time = integer(args[2])
    # Redis's limits: the conversion to ms, and the addition, must each fit 64 bits.
    if (abs(time) > LONG_MAX // unit and unit != 1) or time * unit > LONG_MAX - base:
        raise CommandError(errors.invalid_expiry(name))
    when = time * unit + base
    name_of_key = args[1]
    current = ctx.db.expiry_of(name_of_key)
    if current == MISSING or not _allows(conditions, current, when):
        return 0
    if when <= ctx.expiry_now:
        ctx.engine.delete_expired(ctx.db, name_of_key)
        ctx.changed(name_of_key, "del")
        ctx.rewrite_as([[b"UNLINK" if ctx.config["lazyfree-lazy-expire"] else b"DEL", name_of_key]])
        return 1
    ctx.db.set_expiry(name_of_key, when)
    ctx.changed(name_of_key, "expire")
    ctx.rewrite_as([[b"PEXPIREAT", name_of_key, format_integer(when), *args[3:]]])
    return 1


def _conditions(args: list[bytes]) -> int:
    conditions = 0
    for option in args[3:]:
        condition = CONDITIONS.get(option.lower())
        if condition is None:
            raise CommandError(errors.unsupported_option(option))
        conditions |= condition
    if conditions & NX and conditions != NX:
        raise CommandError(errors.EXPIRE_NX_CONFLICT)
    if conditions & GT and conditions & LT:
        raise CommandError(errors.EXPIRE_GT_LT_CONFLICT)
    return conditions


def _allows(conditions: int, current: int, when: int) -> bool:
    """Whether a key that expires at `current` may now expire at `when`; never is later than any time."""
    endless = current == NO_EXPIRY
    if (conditions & NX and not endless) or (conditions & XX and endless):
        return False
    if conditions & GT and (endless or when <= current):
        return False
    return not conditions & LT or endless or when < current


@command(
    "TTL",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=GENERIC,
    since="1.0.0",
    complexity="O(1)",
    args=[key()],
    history=MINUS_TWO,
    hints=["nondeterministic_output"],
)
def ttl(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the expiration time in seconds of a key."""
    when = ctx.db.expiry_of(args[1], True)
    return when if when < 0 else (max(when - ctx.now, 0) + 500) // 1000


@command(
    "PTTL",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=GENERIC,
    since="2.6.0",
    complexity="O(1)",
    args=[key()],
    history=MINUS_TWO,
    hints=["nondeterministic_output"],
)
def pttl(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the expiration time in milliseconds of a key."""
    when = ctx.db.expiry_of(args[1], True)
    return when if when < 0 else max(when - ctx.now, 0)


@command(
    "EXPIRETIME",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=GENERIC,
    since="7.0.0",
    complexity="O(1)",
    args=[key()],
)
def expiretime(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the expiration time of a key as a Unix timestamp."""
    when = ctx.db.expiry_of(args[1], True)
    return when if when < 0 else (when + 500) // 1000


@command(
    "PEXPIRETIME",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=GENERIC,
    since="7.0.0",
    complexity="O(1)",
    args=[key()],
)
def pexpiretime(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the expiration time of a key as a Unix milliseconds timestamp."""
    return ctx.db.expiry_of(args[1], True)


@command(
    "PERSIST",
    arity=2,
    flags=WRITE | FAST,
    keys=Key(1, RW | UPDATE),
    group=GENERIC,
    since="2.2.0",
    complexity="O(1)",
    args=[key()],
)
def persist(ctx: Context, args: list[bytes]) -> Reply:
    """Removes the expiration time of a key."""
    if not ctx.db.persist(args[1]):
        return 0
    ctx.changed(args[1], "persist")
    return 1
