# cython: annotation_typing=False
"""Sorted set commands that remove and return the members of the lowest or highest scores, at once or when
there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import format_integer, parse_integer
from redracer.core.replies import NULL_ARRAY, Reply
from redracer.engine.arguments import blocking_timeout
from redracer.engine.flags import BLOCKING, FAST, NOSCRIPT, SORTED_SET, WRITE
from redracer.engine.grammar import double, integer, key, one_of, token
from redracer.engine.key_specs import ACCESS, DELETE, RW, Key, KeyNum, Keys
from redracer.engine.registry import command
from redracer.types.sorted_set.storing import delete_if_empty, sorted_set_to_change
from redracer.types.sorted_set.value import paired

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.sorted_set.value import SortedSet

ZSET = 3
POPPED = RW | ACCESS | DELETE
POP_COST = (
    "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements "
    "popped."
)
ONE_COST = "O(log(N)) with N being the number of elements in the sorted set."
MANY_COST = (
    "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted "
    "set, and M being the number of elements popped."
)
WHERE = one_of("where", token("MIN"), token("MAX"))
COUNT = integer("count", token="COUNT", optional=True)
TIMEOUT_HISTORY = [("6.0.0", "`timeout` is interpreted as a double instead of an integer.")]


@command(
    "ZPOPMIN",
    arity=-2,
    flags=WRITE | FAST,
    keys=Key(1, POPPED),
    group=SORTED_SET,
    since="5.0.0",
    complexity=POP_COST,
    args=[key(), integer("count", optional=True)],
)
def zpopmin(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the lowest-scoring members from a sorted set after removing them. Deletes the sorted set if
    the last member was popped."""
    return pop(ctx, args, False)


@command(
    "ZPOPMAX",
    arity=-2,
    flags=WRITE | FAST,
    keys=Key(1, POPPED),
    group=SORTED_SET,
    since="5.0.0",
    complexity=POP_COST,
    args=[key(), integer("count", optional=True)],
)
def zpopmax(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the highest-scoring members from a sorted set after removing them. Deletes the sorted set if
    the last member was popped."""
    return pop(ctx, args, True)


def pop(ctx: Context, args: list[bytes], highest: bool) -> Reply:
    """ZPOPMIN and ZPOPMAX. RESP3 has members and scores in pairs, but not without a count."""
    if len(args) > 3:
        raise CommandError(errors.SYNTAX)
    count = pop_count(args[2]) if len(args) == 3 else 1
    members = sorted_set_to_change(ctx, args[1])
    if members is None or count == 0:
        return []
    popped = take(ctx, args[1], members, count, highest)
    return paired(popped) if len(args) == 3 and ctx.client.resp == 3 else popped


def pop_count(text: bytes) -> int:
    """The count of ZPOPMIN and ZPOPMAX; CommandError if it is negative or no integer."""
    count = parse_integer(text)
    if count is None or count < 0:
        raise CommandError(errors.NOT_POSITIVE)
    return count


def take(ctx: Context, name: bytes, members: SortedSet, count: int, highest: bool) -> list[Any]:
    """Pops `count` members, 1 or more, of a key's set; returns members and scores in turn."""
    popped = members.pop(count, highest)
    ctx.changed(name, "zpopmax" if highest else "zpopmin", len(popped) // 2)
    delete_if_empty(ctx, name, members)
    return popped


@command(
    "ZMPOP",
    arity=-4,
    flags=WRITE,
    keys=KeyNum(1, POPPED),
    group=SORTED_SET,
    since="7.0.0",
    complexity=MANY_COST,
    args=[integer("numkeys"), key(multiple=True), WHERE, COUNT],
)
def zmpop(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the highest- or lowest-scoring members from one or more sorted sets after removing them.
    Deletes a sorted set if the last member was popped."""
    keys, highest, count = keys_and_count(args, 1)
    popped = pop_first_of(ctx, keys, count, highest)
    return NULL_ARRAY if popped is None else popped


@command(
    "BZMPOP",
    arity=-5,
    flags=WRITE | BLOCKING,
    keys=KeyNum(2, POPPED),
    group=SORTED_SET,
    since="7.0.0",
    complexity=MANY_COST,
    args=[double("timeout"), integer("numkeys"), key(multiple=True), WHERE, COUNT],
)
def bzmpop(ctx: Context, args: list[bytes]) -> Reply:
    """Removes and returns a member by score from one or more sorted sets. Blocks until a member is
    available otherwise. Deletes the sorted set if the last element was popped."""
    keys, highest, count = keys_and_count(args, 2)
    timeout = blocking_timeout(ctx, args[1])
    popped = pop_first_of(ctx, keys, count, highest)
    return ctx.block(args, keys, ZSET, timeout, NULL_ARRAY) if popped is None else popped


def keys_and_count(args: list[bytes], at: int) -> tuple[list[bytes], bool, int]:
    """What ZMPOP and BZMPOP are given from the number of keys at `args[at]` on: (keys, whether MAX,
    count)."""
    number = parse_integer(args[at])
    if number is None or number < 1:
        raise CommandError(errors.NO_KEY_COUNT)
    where = at + 1 + number
    if where >= len(args) or args[where].lower() not in (b"min", b"max"):
        raise CommandError(errors.SYNTAX)
    count: int | None = 1
    if len(args) > where + 1:
        if len(args) < where + 3 or args[where + 1].lower() != b"count":
            raise CommandError(errors.SYNTAX)
        count = parse_integer(args[where + 2])
        if count is None or count < 1:
            raise CommandError(errors.NO_COUNT)
        if len(args) > where + 3:
            raise CommandError(errors.SYNTAX)
    return args[at + 1 : where], args[where].lower() == b"max", count or 1


def first_of(ctx: Context, keys: list[bytes]) -> tuple[bytes, SortedSet] | None:
    """The first of the keys that exists, and its set. Raises CommandError(WRONG_TYPE)."""
    for name in keys:
        members = sorted_set_to_change(ctx, name)
        if members is not None:
            return name, members
    return None


def pop_first_of(ctx: Context, keys: list[bytes], count: int, highest: bool) -> Reply:
    """Pops up to `count` members of the first key that exists: [key, pairs]. None if none does."""
    found = first_of(ctx, keys)
    if found is None:
        return None
    name, members = found
    popped = take(ctx, name, members, count, highest)
    plain_form = b"ZPOPMAX" if highest else b"ZPOPMIN"
    ctx.rewrite_as([[plain_form, name, format_integer(len(popped) // 2)]])
    return [name, paired(popped)]


@command(
    "BZPOPMIN",
    arity=-3,
    flags=WRITE | NOSCRIPT | BLOCKING | FAST,
    keys=Keys(1, POPPED, last=-2),
    group=SORTED_SET,
    since="5.0.0",
    complexity=ONE_COST,
    args=[key(multiple=True), double("timeout")],
    history=TIMEOUT_HISTORY,
)
def bzpopmin(ctx: Context, args: list[bytes]) -> Reply:
    """Removes and returns the member with the lowest score from one or more sorted sets. Blocks until a
    member is available otherwise. Deletes the sorted set if the last element was popped."""
    return pop_or_block(ctx, args, False)


@command(
    "BZPOPMAX",
    arity=-3,
    flags=WRITE | NOSCRIPT | BLOCKING | FAST,
    keys=Keys(1, POPPED, last=-2),
    group=SORTED_SET,
    since="5.0.0",
    complexity=ONE_COST,
    args=[key(multiple=True), double("timeout")],
    history=TIMEOUT_HISTORY,
)
def bzpopmax(ctx: Context, args: list[bytes]) -> Reply:
    """Removes and returns the member with the highest score from one or more sorted sets. Blocks until a
    member available otherwise.  Deletes the sorted set if the last element was popped."""
    return pop_or_block(ctx, args, True)


def pop_or_block(ctx: Context, args: list[bytes], highest: bool) -> Reply:
    """BZPOPMIN and BZPOPMAX: [key, member, score], flat in both protocols."""
    keys = args[1 : len(args) - 1]
    timeout = blocking_timeout(ctx, args[len(args) - 1])
    found = first_of(ctx, keys)
    if found is None:
        return ctx.block(args, keys, ZSET, timeout, NULL_ARRAY)
    name, members = found
    popped = take(ctx, name, members, 1, highest)
    ctx.rewrite_as([[b"ZPOPMAX" if highest else b"ZPOPMIN", name]])
    return [name, *popped]
