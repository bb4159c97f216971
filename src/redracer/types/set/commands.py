"""Set commands: adding, removing, drawing and telling members.

What combines several sets is in `algebra_commands.py`.
"""

from __future__ import annotations

from redracer.core import errors
from redracer.core.entry import SET as SET_TYPE
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import NO_REPLY, Reply, Set
from redracer.engine.arguments import integer
from redracer.engine.context import Context
from redracer.engine.flags import DENYOOM, FAST, READONLY, SET, WRITE
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.grammar import key, pattern, string
from redracer.engine.key_specs import ACCESS, DELETE, INSERT, RO, RW, Key
from redracer.engine.registry import command
from redracer.engine.scan_arguments import scan_cursor, scan_options
from redracer.types.set.limits import limits_of
from redracer.types.set.value import (
    add_members,
    count_members,
    draw_members,
    has_member,
    members_of,
    pop_member,
    pop_members,
    random_member,
    remove_member,
    scan_members,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.types.set.value import SetValue

LONG_MAX = 2**63 - 1
MEMBERS_PER_SREM = 1024  # that SPOP propagates
UNSTABLE = ["nondeterministic_output"]


def delete_if_empty(ctx: Context, name: bytes, value: SetValue) -> bool:
    """Deletes the set that has lost its last member; whether it did."""
    if count_members(value):
        return False
    ctx.db.delete(name)
    ctx.notify(name, "del")
    return True


@command(
    "SADD",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | INSERT),
    group=SET,
    since="1.0.0",
    complexity="O(1) for each element added, so O(N) to add N elements when the command is called with "
    "multiple arguments.",
    args=[key(), string("member", multiple=True)],
    history=[("2.4.0", "Accepts multiple `member` arguments.")],
)
def sadd(ctx: Context, args: list[bytes]) -> Reply:
    """Adds one or more members to a set. Creates the key if it doesn't exist."""
    added = add_members(ctx.db, args[1], args, 2, limits_of(ctx))
    if added:
        ctx.changed(args[1], "sadd", added)
    return added


@command(
    "SREM",
    arity=-3,
    flags=WRITE | FAST,
    keys=Key(1, RW | DELETE),
    group=SET,
    since="1.0.0",
    complexity="O(N) where N is the number of members to be removed.",
    args=[key(), string("member", multiple=True)],
    history=[("2.4.0", "Accepts multiple `member` arguments.")],
)
def srem(ctx: Context, args: list[bytes]) -> Reply:
    """Removes one or more members from a set. Deletes the set if the last member was removed."""
    value = ctx.db.get_object(args[1], SET_TYPE, False)
    if value is None:
        return 0
    removed = 0
    for i in range(2, len(args)):
        removed += remove_member(value, args[i])
    if removed:
        ctx.changed(args[1], "srem", removed)
        delete_if_empty(ctx, args[1], value)
    return removed


@command(
    "SMOVE",
    arity=4,
    flags=WRITE | FAST,
    keys=(Key(1, RW | ACCESS | DELETE), Key(2, RW | INSERT)),
    group=SET,
    since="1.0.0",
    complexity="O(1)",
    args=[key("source"), key("destination", 1), string("member")],
)
def smove(ctx: Context, args: list[bytes]) -> Reply:
    """Moves a member from one set to another."""
    source, destination, member = args[1], args[2], args[3]
    value = ctx.db.get_object(source, SET_TYPE, False)
    if value is None:
        return 0
    ctx.db.get_object(destination, SET_TYPE, False)  # refuses another type
    if source == destination:
        return int(has_member(value, member))
    if not remove_member(value, member):
        return 0
    ctx.changed(source, "srem")
    delete_if_empty(ctx, source, value)
    if add_members(ctx.db, destination, args, 3, limits_of(ctx)):
        ctx.changed(destination, "sadd")
    return 1


@command(
    "SISMEMBER",
    arity=3,
    flags=READONLY | FAST,
    keys=Key(1, RO),
    group=SET,
    since="1.0.0",
    complexity="O(1)",
    args=[key(), string("member")],
)
def sismember(ctx: Context, args: list[bytes]) -> Reply:
    """Determines whether a member belongs to a set."""
    value = ctx.db.get_object(args[1], SET_TYPE)
    return 1 if value is not None and has_member(value, args[2]) else 0


@command(
    "SMISMEMBER",
    arity=-3,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=SET,
    since="6.2.0",
    complexity="O(N) where N is the number of elements being checked for membership",
    args=[key(), string("member", multiple=True)],
)
def smismember(ctx: Context, args: list[bytes]) -> Reply:
    """Determines whether multiple members belong to a set."""
    value = ctx.db.get_object(args[1], SET_TYPE)
    found = []
    for i in range(2, len(args)):
        found.append(1 if value is not None and has_member(value, args[i]) else 0)
    return found


@command(
    "SCARD",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO),
    group=SET,
    since="1.0.0",
    complexity="O(1)",
    args=[key()],
)
def scard(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of members in a set."""
    value = ctx.db.get_object(args[1], SET_TYPE)
    return 0 if value is None else count_members(value)


@command(
    "SMEMBERS",
    arity=2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SET,
    since="1.0.0",
    complexity="O(N) where N is the set cardinality.",
    args=[key()],
    hints=["nondeterministic_output_order"],
)
def smembers(ctx: Context, args: list[bytes]) -> Reply:
    """Returns all members of a set."""
    value = ctx.db.get_object(args[1], SET_TYPE)
    return Set([] if value is None else members_of(value))


@command(
    "SPOP",
    arity=-2,
    flags=WRITE | FAST,
    keys=Key(1, RW | ACCESS | DELETE),
    group=SET,
    since="1.0.0",
    complexity="Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
    args=[key(), integer_argument("count", optional=True, since="3.2.0")],
    history=[("3.2.0", "Added the `count` argument.")],
    hints=UNSTABLE,
)
def spop(ctx: Context, args: list[bytes]) -> Reply:
    """Returns one or more random members from a set after removing them. Deletes the set if the last member
    was popped.
    """
    if len(args) > 2:
        return spop_count(ctx, args)
    value = ctx.db.get_object(args[1], SET_TYPE, False)
    if value is None:
        return None
    member = pop_member(value)
    ctx.changed(args[1], "spop")
    ctx.rewrite_as([[b"SREM", args[1], member]])
    delete_if_empty(ctx, args[1], value)
    return member


def spop_count(ctx: Context, args: list[bytes]) -> Reply:
    """SPOP of a number of members."""
    if len(args) > 3:
        raise CommandError(errors.SYNTAX)
    count = parse_integer(args[2])
    if count is None or count < 0:
        raise CommandError(errors.NOT_POSITIVE)
    name = args[1]
    value = ctx.db.get_object(name, SET_TYPE, False)
    if value is None or count == 0:
        return Set([])
    if count >= count_members(value):
        return pop_all(ctx, name, value)
    left, members = pop_members(value, count, limits_of(ctx))
    if left is not value:
        ctx.db.set_object(name, SET_TYPE, left)
        ctx.engine.lazy_free.add(value)
    ctx.changed(name, "spop", count)
    parts = range(0, count, MEMBERS_PER_SREM)
    ctx.rewrite_as([[b"SREM", name, *members[i : i + MEMBERS_PER_SREM]] for i in parts])
    return Set(members)


def pop_all(ctx: Context, name: bytes, value: SetValue) -> Reply:
    """SPOP of every member."""
    members = members_of(value)
    ctx.changed(name, "spop", len(members))
    ctx.engine.lazy_free.add(ctx.db.take(name))
    ctx.notify(name, "del")
    ctx.rewrite_as([[b"UNLINK" if ctx.config["lazyfree-lazy-server-del"] else b"DEL", name]])
    return Set(members)


@command(
    "SRANDMEMBER",
    arity=-2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SET,
    since="1.0.0",
    complexity="Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed "
    "count.",
    args=[key(), integer_argument("count", optional=True, since="2.6.0")],
    history=[("2.6.0", "Added the optional `count` argument.")],
    hints=UNSTABLE,
)
def srandmember(ctx: Context, args: list[bytes]) -> Reply:
    """Get one or multiple random members from a set"""
    if len(args) > 3:
        raise CommandError(errors.SYNTAX)
    count = integer(args[2]) if len(args) == 3 else 1
    if count < -LONG_MAX:
        raise CommandError(errors.out_of_range(-LONG_MAX, LONG_MAX))
    value = ctx.db.get_object(args[1], SET_TYPE)
    if len(args) == 2:
        return None if value is None else random_member(value)
    if value is None:
        return []
    if count < 0 and ctx.engine.output_limits.refuses(ctx.client, -count):
        return NO_REPLY
    return draw_members(value, abs(count), count > 0)


@command(
    "SSCAN",
    arity=-3,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SET,
    since="2.8.0",
    complexity="O(1) for every call. O(N) for a complete iteration, including enough command calls for the "
    "cursor to return back to 0. N is the number of elements inside the collection.",
    args=[
        key(),
        integer_argument("cursor"),
        pattern(token="MATCH", optional=True),
        integer_argument("count", token="COUNT", optional=True),
    ],
    hints=UNSTABLE,
)
def sscan(ctx: Context, args: list[bytes]) -> Reply:
    """Iterates over members of a set."""
    cursor = scan_cursor(args[2])
    value = ctx.db.get_object(args[1], SET_TYPE)
    if value is None:
        return [b"0", []]
    options = scan_options(args, 3)
    cursor, found = scan_members(value, cursor, options.elements, options.pattern)
    return [b"%d" % cursor, found]
