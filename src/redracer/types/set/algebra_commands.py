"""Set commands that combine several sets, and tell the result or store it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.entry import SET as SET_TYPE
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import Reply, Set
from redracer.engine.flags import DENYOOM, READONLY, SET, WRITE
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.grammar import key
from redracer.engine.key_specs import ACCESS, OW, RO, RW, UPDATE, Key, KeyNum, Keys
from redracer.engine.registry import command
from redracer.types.set.algebra import (
    difference,
    intersection,
    intersection_count,
    stored_difference,
    stored_intersection,
    stored_union,
    union,
)
from redracer.types.set.limits import limits_of
from redracer.types.set.value import count_members

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.set.value import SetValue

NO_EXPIRY = -1
LONG_MAX = 2**63 - 1
UNORDERED = ["nondeterministic_output_order"]
PER_SMALLEST = "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets."
PER_MEMBER = "O(N) where N is the total number of elements in all given sets."
STORE_ARGS = [key("destination"), key("key", 1, multiple=True)]


def sets_at(ctx: Context, names: list[bytes], read: bool = True) -> list[SetValue | None]:
    """The sets at the keys; CommandError if one holds another type."""
    return [ctx.db.get_object(name, SET_TYPE, read) for name in names]


@command(
    "SINTER",
    arity=-2,
    flags=READONLY,
    keys=Keys(1, RO | ACCESS),
    group=SET,
    since="1.0.0",
    complexity=PER_SMALLEST,
    args=[key(multiple=True)],
    hints=UNORDERED,
)
def sinter(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the intersect of multiple sets."""
    return Set(intersection(sets_at(ctx, args[1:])))


@command(
    "SINTERCARD",
    arity=-3,
    flags=READONLY,
    keys=KeyNum(1, RO | ACCESS),
    group=SET,
    since="7.0.0",
    complexity=PER_SMALLEST,
    args=[
        integer_argument("numkeys"),
        key(multiple=True),
        integer_argument("limit", token="LIMIT", optional=True),
    ],
)
def sintercard(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of members of the intersect of multiple sets."""
    count = parse_integer(args[1])
    if count is None or count < 1:
        raise CommandError(errors.KEY_COUNT_NOT_POSITIVE)
    if count > len(args) - 2:
        raise CommandError(errors.KEY_COUNT_OVER_ARGUMENTS)
    limit = 0
    for position in range(2 + count, len(args), 2):
        if args[position].lower() != b"limit" or position + 1 == len(args):
            raise CommandError(errors.SYNTAX)
        given = parse_integer(args[position + 1])
        if given is None or given < 0:
            raise CommandError(errors.NEGATIVE_LIMIT)
        limit = given
    return intersection_count(sets_at(ctx, args[2 : 2 + count]), limit)


@command(
    "SINTERSTORE",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(Key(1, RW | UPDATE), Keys(2, RO | ACCESS)),
    group=SET,
    since="1.0.0",
    complexity=PER_SMALLEST,
    args=STORE_ARGS,
)
def sinterstore(ctx: Context, args: list[bytes]) -> Reply:
    """Stores the intersect of multiple sets in a key."""
    result = stored_intersection(sets_at(ctx, args[2:], False), limits_of(ctx))
    return _store(ctx, args[1], result, "sinterstore")


@command(
    "SUNION",
    arity=-2,
    flags=READONLY,
    keys=Keys(1, RO | ACCESS),
    group=SET,
    since="1.0.0",
    complexity=PER_MEMBER,
    args=[key(multiple=True)],
    hints=UNORDERED,
)
def sunion(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the union of multiple sets."""
    return Set(union(sets_at(ctx, args[1:])))


@command(
    "SUNIONSTORE",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(Key(1, OW | UPDATE), Keys(2, RO | ACCESS)),
    group=SET,
    since="1.0.0",
    complexity=PER_MEMBER,
    args=STORE_ARGS,
)
def sunionstore(ctx: Context, args: list[bytes]) -> Reply:
    """Stores the union of multiple sets in a key."""
    result = stored_union(sets_at(ctx, args[2:], False), limits_of(ctx))
    return _store(ctx, args[1], result, "sunionstore")


@command(
    "SDIFF",
    arity=-2,
    flags=READONLY,
    keys=Keys(1, RO | ACCESS),
    group=SET,
    since="1.0.0",
    complexity=PER_MEMBER,
    args=[key(multiple=True)],
    hints=UNORDERED,
)
def sdiff(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the difference of multiple sets."""
    return Set(difference(sets_at(ctx, args[1:])))


@command(
    "SDIFFSTORE",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(Key(1, OW | UPDATE), Keys(2, RO | ACCESS)),
    group=SET,
    since="1.0.0",
    complexity=PER_MEMBER,
    args=STORE_ARGS,
)
def sdiffstore(ctx: Context, args: list[bytes]) -> Reply:
    """Stores the difference of multiple sets in a key."""
    result = stored_difference(sets_at(ctx, args[2:], False), limits_of(ctx))
    return _store(ctx, args[1], result, "sdiffstore")


def _store(ctx: Context, name: bytes, result: SetValue | None, event: str) -> int:
    """Puts the result in place of what the key held; an empty one deletes the key. The number of members."""
    kind = ctx.db.type_of(name) if ctx.effects.observed else SET_TYPE
    old = ctx.db.take(name)
    if old is not None and not isinstance(old, bytes):  # a string is freed at once, whatever its length
        ctx.engine.lazy_free.add(old)
    if result is None:
        if old is not None:
            ctx.changed(name, "del")
        return 0
    ctx.db.set_object(name, SET_TYPE, result, NO_EXPIRY)
    if old is not None:
        ctx.notify(name, "overwritten")
        if kind != SET_TYPE:
            ctx.notify(name, "type_changed")
    ctx.changed(name, event)
    return count_members(result)
