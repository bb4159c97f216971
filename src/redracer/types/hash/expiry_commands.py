"""Hash commands on the expiry of fields: to set it, tell it, end it (HEXPIRE, HTTL, HPERSIST and their kin).

As with keys, a time is turned into Unix time in ms at once, which is also what the append-only file and
replicas get (HPEXPIREAT, with the fields that it changed); a time that has passed removes the field, and they
get HDEL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.entry import HASH as HASH_TYPE
from redracer.core.numbers import format_integer
from redracer.core.replies import Reply
from redracer.engine.flags import DENYOOM, FAST, HASH, READONLY, WRITE
from redracer.engine.grammar import Arg, key, one_of, token, unix_time
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, RO, RW, UPDATE, Key
from redracer.engine.registry import command
from redracer.types.hash.expired import delete_if_empty
from redracer.types.hash.field_arguments import FIELDS, field_expiry_time, named_fields
from redracer.types.hash.field_expiries import DELETED, NO_FIELD, SET, FieldExpiries
from redracer.types.hash.value import expiry_of, next_expiry, persist

if TYPE_CHECKING:
    from redracer.engine.context import Context

NO_EXPIRY = -1
PERSISTED = 1
CONDITIONS = (b"nx", b"xx", b"gt", b"lt")
PER_FIELD = "O(N) where N is the number of specified fields"
UNSTABLE = ["nondeterministic_output"]


def expiry_args(time: Arg) -> list[Arg]:
    """The arguments of HEXPIRE and its kin, around the time that each takes in its own way."""
    conditions = one_of("condition", token("NX"), token("XX"), token("GT"), token("LT"), optional=True)
    return [key(), time, conditions, FIELDS]


@command(
    "HEXPIRE",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | UPDATE),
    group=HASH,
    since="7.4.0",
    complexity=PER_FIELD,
    args=expiry_args(integer_argument("seconds")),
)
def hexpire(ctx: Context, args: list[bytes]) -> Reply:
    """Set expiry for hash field using relative time to expire (seconds)"""
    return _expire(ctx, args, b"hexpire", 1000, ctx.now)


@command(
    "HPEXPIRE",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | UPDATE),
    group=HASH,
    since="7.4.0",
    complexity=PER_FIELD,
    args=expiry_args(integer_argument("milliseconds")),
)
def hpexpire(ctx: Context, args: list[bytes]) -> Reply:
    """Set expiry for hash field using relative time to expire (milliseconds)"""
    return _expire(ctx, args, b"hpexpire", 1, ctx.now)


@command(
    "HEXPIREAT",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | UPDATE),
    group=HASH,
    since="7.4.0",
    complexity=PER_FIELD,
    args=expiry_args(unix_time("unix-time-seconds")),
)
def hexpireat(ctx: Context, args: list[bytes]) -> Reply:
    """Set expiry for hash field using an absolute Unix timestamp (seconds)"""
    return _expire(ctx, args, b"hexpireat", 1000, 0)


@command(
    "HPEXPIREAT",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | UPDATE),
    group=HASH,
    since="7.4.0",
    complexity=PER_FIELD,
    args=expiry_args(unix_time("unix-time-milliseconds")),
)
def hpexpireat(ctx: Context, args: list[bytes]) -> Reply:
    """Set expiry for hash field using an absolute Unix timestamp (milliseconds)"""
    return _expire(ctx, args, b"hpexpireat", 1, 0)


def _expire(ctx: Context, args: list[bytes], name: bytes, unit: int, base: int) -> Reply:
    """Sets the expiry of fields to args[2] times `unit` ms after `base`; a code for each field."""
    value = ctx.db.get_object(args[1], HASH_TYPE, False)
    when = field_expiry_time(args[2], unit, base, name)
    condition = args[3].lower() if args[3].lower() in CONDITIONS else b""
    position = 4 if condition else 3
    fields = named_fields(args, position, errors.EXPIRE_FIELD_COUNT_NOT_POSITIVE)
    if value is None:
        return [NO_FIELD] * len(fields)
    expiries = FieldExpiries(ctx, args[1], value)
    codes = [expiries.set(field, when, condition) for field in fields]
    expiries.finish()
    updated = [field for field, code in zip(fields, codes, strict=True) if code == SET]
    changes = len(updated) + codes.count(DELETED)
    if changes:
        ctx.changed(args[1], "hdel" if DELETED in codes else "hexpire", changes)
        delete_if_empty(ctx, args[1], expiries.value)
    count = format_integer(len(updated))
    rewritten = [b"HPEXPIREAT", args[1], format_integer(when), *args[3:position], b"FIELDS", count, *updated]
    ctx.rewrite_as([rewritten] if updated else [])
    return codes


@command(
    "HPERSIST",
    arity=-5,
    flags=WRITE | FAST,
    keys=Key(1, RW | UPDATE),
    group=HASH,
    since="7.4.0",
    complexity=PER_FIELD,
    args=[key(), FIELDS],
)
def hpersist(ctx: Context, args: list[bytes]) -> Reply:
    """Removes the expiration time for each specified field"""
    value = ctx.db.get_object(args[1], HASH_TYPE, False)
    fields = named_fields(args, 2)
    if value is None:
        return [NO_FIELD] * len(fields)
    codes = []
    for field in fields:
        when = expiry_of(value, field)
        if when == NO_FIELD or 0 <= when <= ctx.expiry_now:
            codes.append(NO_FIELD)
        else:
            codes.append(PERSISTED if persist(value, field) else NO_EXPIRY)
    if PERSISTED in codes:
        ctx.engine.expiry.fields.watch(ctx.db, args[1], next_expiry(value))
        ctx.changed(args[1], "hpersist")
    return codes


@command(
    "HTTL",
    arity=-5,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="7.4.0",
    complexity=PER_FIELD,
    args=[key(), FIELDS],
    hints=UNSTABLE,
)
def httl(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the TTL in seconds of a hash field."""
    return [when if when < 0 else (when - ctx.now + 999) // 1000 for when in _expiries(ctx, args)]


@command(
    "HPTTL",
    arity=-5,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="7.4.0",
    complexity=PER_FIELD,
    args=[key(), FIELDS],
    hints=UNSTABLE,
)
def hpttl(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the TTL in milliseconds of a hash field."""
    return [when if when < 0 else when - ctx.now for when in _expiries(ctx, args)]


@command(
    "HEXPIRETIME",
    arity=-5,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="7.4.0",
    complexity=PER_FIELD,
    args=[key(), FIELDS],
)
def hexpiretime(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the expiration time of a hash field as a Unix timestamp, in seconds."""
    return [when if when < 0 else (when + 999) // 1000 for when in _expiries(ctx, args)]


@command(
    "HPEXPIRETIME",
    arity=-5,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="7.4.0",
    complexity=PER_FIELD,
    args=[key(), FIELDS],
)
def hpexpiretime(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the expiration time of a hash field as a Unix timestamp, in msec."""
    return _expiries(ctx, args)


def _expiries(ctx: Context, args: list[bytes]) -> list[int]:
    """For each field its expiry (Unix time, ms), -1 if it has none, -2 if it is missing or has expired."""
    value = ctx.db.get_object(args[1], HASH_TYPE)
    fields = named_fields(args, 2)
    if value is None:
        return [NO_FIELD] * len(fields)
    expiries = [expiry_of(value, field) for field in fields]
    return [NO_FIELD if 0 <= when <= ctx.expiry_now else when for when in expiries]
