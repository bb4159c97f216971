"""Hash commands: setting, reading and removing fields.

What counts is in `counter_commands.py`, what draws or walks in `sampling_commands.py`, what is about the
expiry of fields in `expiry_commands.py` and `expiring_value_commands.py`.

A command that names an expired field removes it (expired.py); one that tells the whole hash passes it over.
"""

from __future__ import annotations

from redracer.core import errors
from redracer.core.entry import HASH as HASH_TYPE
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Map, Reply
from redracer.engine.context import Context
from redracer.engine.flags import DENYOOM, FAST, HASH, READONLY, WRITE
from redracer.engine.grammar import block, key, string
from redracer.engine.key_specs import ACCESS, DELETE, INSERT, RO, RW, UPDATE, Key
from redracer.engine.registry import command
from redracer.types.hash.expired import delete_if_empty, expire_named
from redracer.types.hash.limits import limits_of
from redracer.types.hash.value import (
    count_fields,
    field_length,
    fields_of,
    get_field,
    has_field,
    items_of,
    next_expiry,
    remove_field,
    set_fields,
    values_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.types.hash.value import HashValue

UNORDERED = ["nondeterministic_output_order"]
FIELD_VALUES = block("data", string("field"), string("value"), multiple=True)


def expire_read(ctx: Context, name: bytes, value: HashValue, fields: list[bytes]) -> None:
    """Removes those of the fields, which a read has found missing, that have expired."""
    if expire_named(ctx, name, value, fields):
        delete_if_empty(ctx, name, value)


@command(
    "HSET",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | UPDATE),
    group=HASH,
    since="2.0.0",
    complexity="O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is "
    "called with multiple field/value pairs.",
    args=[key(), FIELD_VALUES],
    history=[("4.0.0", "Accepts multiple `field` and `value` arguments.")],
)
def hset(ctx: Context, args: list[bytes]) -> Reply:
    """Creates or modifies the value of a field in a hash."""
    count = len(args)
    if count & 1:
        raise CommandError(errors.wrong_arity(b"hset"))
    created = set_fields(ctx.db, args[1], args, 2, limits_of(ctx))
    ctx.changed(args[1], "hset", (count - 2) // 2)
    return created


@command(
    "HMSET",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | UPDATE),
    group=HASH,
    since="2.0.0",
    complexity="O(N) where N is the number of fields being set.",
    args=[key(), FIELD_VALUES],
    deprecated_since="4.0.0",
    replaced_by="`HSET` with multiple field-value pairs",
)
def hmset(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the values of multiple fields."""
    count = len(args)
    if count & 1:
        raise CommandError(errors.wrong_arity(b"hmset"))
    set_fields(ctx.db, args[1], args, 2, limits_of(ctx))
    ctx.changed(args[1], "hset", (count - 2) // 2)
    return OK


@command(
    "HSETNX",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | INSERT),
    group=HASH,
    since="2.0.0",
    complexity="O(1)",
    args=[key(), string("field"), string("value")],
)
def hsetnx(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the value of a field in a hash only when the field doesn't exist."""
    value = ctx.db.get_object(args[1], HASH_TYPE, False)
    if value is not None:
        if has_field(value, args[2], ctx.expiry_now):
            return 0
        expire_read(ctx, args[1], value, args[2:3])
    set_fields(ctx.db, args[1], args, 2, limits_of(ctx))
    ctx.changed(args[1], "hset")
    return 1


@command(
    "HGET",
    arity=3,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="2.0.0",
    complexity="O(1)",
    args=[key(), string("field")],
)
def hget(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the value of a field in a hash."""
    value = ctx.db.get_object(args[1], HASH_TYPE)
    if value is None:
        return None
    found = get_field(value, args[2], ctx.expiry_now)
    if found is None:
        expire_read(ctx, args[1], value, args[2:])
    return found


@command(
    "HMGET",
    arity=-3,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="2.0.0",
    complexity="O(N) where N is the number of fields being requested.",
    args=[key(), string("field", multiple=True)],
)
def hmget(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the values of all fields in a hash."""
    value = ctx.db.get_object(args[1], HASH_TYPE)
    if value is None:
        return [None] * (len(args) - 2)
    found = []
    for i in range(2, len(args)):
        found.append(get_field(value, args[i], ctx.expiry_now))
    if next_expiry(value) >= 0:
        expire_read(ctx, args[1], value, args[2:])
    return found


@command(
    "HSTRLEN",
    arity=3,
    flags=READONLY | FAST,
    keys=Key(1, RO),
    group=HASH,
    since="3.2.0",
    complexity="O(1)",
    args=[key(), string("field")],
)
def hstrlen(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the length of the value of a field."""
    value = ctx.db.get_object(args[1], HASH_TYPE)
    if value is None:
        return 0
    length = field_length(value, args[2], ctx.expiry_now)
    if length == 0:
        expire_read(ctx, args[1], value, args[2:])
    return length


@command(
    "HEXISTS",
    arity=3,
    flags=READONLY | FAST,
    keys=Key(1, RO),
    group=HASH,
    since="2.0.0",
    complexity="O(1)",
    args=[key(), string("field")],
)
def hexists(ctx: Context, args: list[bytes]) -> Reply:
    """Determines whether a field exists in a hash."""
    value = ctx.db.get_object(args[1], HASH_TYPE)
    if value is None:
        return 0
    if has_field(value, args[2], ctx.expiry_now):
        return 1
    expire_read(ctx, args[1], value, args[2:])
    return 0


@command(
    "HLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO),
    group=HASH,
    since="2.0.0",
    complexity="O(1)",
    args=[key()],
)
def hlen(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of fields in a hash."""
    value = ctx.db.get_object(args[1], HASH_TYPE)
    return 0 if value is None else count_fields(value)


@command(
    "HKEYS",
    arity=2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="2.0.0",
    complexity="O(N) where N is the size of the hash.",
    args=[key()],
    hints=UNORDERED,
)
def hkeys(ctx: Context, args: list[bytes]) -> Reply:
    """Returns all fields in a hash."""
    value = ctx.db.get_object(args[1], HASH_TYPE)
    return [] if value is None else fields_of(value, ctx.expiry_now)


@command(
    "HVALS",
    arity=2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="2.0.0",
    complexity="O(N) where N is the size of the hash.",
    args=[key()],
    hints=UNORDERED,
)
def hvals(ctx: Context, args: list[bytes]) -> Reply:
    """Returns all values in a hash."""
    value = ctx.db.get_object(args[1], HASH_TYPE)
    return [] if value is None else values_of(value, ctx.expiry_now)


@command(
    "HGETALL",
    arity=2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="2.0.0",
    complexity="O(N) where N is the size of the hash.",
    args=[key()],
    hints=UNORDERED,
)
def hgetall(ctx: Context, args: list[bytes]) -> Reply:
    """Returns all fields and values in a hash."""
    value = ctx.db.get_object(args[1], HASH_TYPE)
    return Map([] if value is None else items_of(value, ctx.expiry_now))


@command(
    "HDEL",
    arity=-3,
    flags=WRITE | FAST,
    keys=Key(1, RW | DELETE),
    group=HASH,
    since="2.0.0",
    complexity="O(N) where N is the number of fields to be removed.",
    args=[key(), string("field", multiple=True)],
    history=[("2.4.0", "Accepts multiple `field` arguments.")],
)
def hdel(ctx: Context, args: list[bytes]) -> Reply:
    """Deletes one or more fields and their values from a hash. Deletes the hash if no fields remain."""
    value = ctx.db.get_object(args[1], HASH_TYPE, False)
    if value is None:
        return 0
    removed = 0
    for i in range(2, len(args)):
        removed += remove_field(value, args[i])
    if removed:
        ctx.changed(args[1], "hdel", removed)
        delete_if_empty(ctx, args[1], value)
    return removed
