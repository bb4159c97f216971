"""Hash commands that count: the value of a field as an integer or as a decimal number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.entry import HASH as HASH_TYPE
from redracer.core.errors import CommandError
from redracer.core.numbers import (
    INCREMENT_NOT_A_FLOAT,
    INCREMENT_NOT_FINITE,
    NOT_A_FLOAT,
    format_integer,
    increment_by_float,
    parse_integer,
)
from redracer.core.replies import Reply
from redracer.engine.arguments import integer
from redracer.engine.flags import DENYOOM, FAST, HASH, WRITE
from redracer.engine.grammar import double, key, string
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, RW, UPDATE, Key
from redracer.engine.registry import command
from redracer.types.hash.expired import delete_if_empty, expire_named
from redracer.types.hash.limits import limits_of
from redracer.types.hash.value import get_field, next_expiry, set_fields

if TYPE_CHECKING:
    from redracer.engine.context import Context

LONG_MAX = 2**63 - 1
LONG_MIN = -(2**63)
REFUSALS = {
    INCREMENT_NOT_A_FLOAT: errors.NOT_FLOAT,
    INCREMENT_NOT_FINITE: errors.VALUE_NAN_OR_INFINITY,
    NOT_A_FLOAT: errors.HASH_VALUE_NOT_FLOAT,
}


@command(
    "HINCRBY",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=HASH,
    since="2.0.0",
    complexity="O(1)",
    args=[key(), string("field"), integer_argument("increment")],
)
def hincrby(ctx: Context, args: list[bytes]) -> Reply:
    """Increments the integer value of a field in a hash by a number. Uses 0 as initial value if the field
    doesn't exist.
    """
    increment = integer(args[3])
    old = _current(ctx, args[1], args[2])
    number = parse_integer(old) if old is not None else 0
    if number is None:
        raise CommandError(errors.HASH_VALUE_NOT_INTEGER)
    total = number + increment
    if not LONG_MIN <= total <= LONG_MAX:
        raise CommandError(errors.OVERFLOW)
    set_fields(ctx.db, args[1], [args[2], format_integer(total)], 0, limits_of(ctx), True)
    ctx.changed(args[1], "hincrby")
    return total


@command(
    "HINCRBYFLOAT",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=HASH,
    since="2.6.0",
    complexity="O(1)",
    args=[key(), string("field"), double("increment")],
)
def hincrbyfloat(ctx: Context, args: list[bytes]) -> Reply:
    """Increments the floating point value of a field by a number. Uses 0 as initial value if the field
    doesn't exist.
    """
    _check_increment(args[3])
    total = increment_by_float(_current(ctx, args[1], args[2]), args[3])
    if not isinstance(total, bytes):
        raise CommandError(REFUSALS.get(total, errors.NAN_OR_INFINITY))
    set_fields(ctx.db, args[1], [args[2], total], 0, limits_of(ctx), True)
    ctx.changed(args[1], "hincrbyfloat")
    # The sum as text: another machine's floating point may differ. HSET, which every Redis knows, ends expiries.
    value = ctx.db.get_object(args[1], HASH_TYPE, False)
    if next_expiry(value) < 0:
        ctx.rewrite_as([[b"HSET", args[1], args[2], total]])
    else:
        ctx.rewrite_as([[b"HSETEX", args[1], b"KEEPTTL", b"FIELDS", b"1", args[2], total]])
    return total


def _check_increment(increment: bytes) -> None:
    """Redis looks at the increment before the key, which may be of another type."""
    checked = increment_by_float(None, increment)
    if checked in (INCREMENT_NOT_A_FLOAT, INCREMENT_NOT_FINITE):
        raise CommandError(REFUSALS[checked])


def _current(ctx: Context, name: bytes, field: bytes) -> bytes | None:
    """The field's value, if the field is there and has not expired; if it has, it is removed."""
    value = ctx.db.get_object(name, HASH_TYPE, False)
    if value is None:
        return None
    found = get_field(value, field, ctx.expiry_now)
    if found is None and expire_named(ctx, name, value, [field]):
        delete_if_empty(ctx, name, value)
    return found
