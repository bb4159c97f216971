# cython: annotation_typing=False
"""Sorted set commands on ranges: of ranks, of scores, of members. ZRANGE and its older kin, ZRANGESTORE,
ZREMRANGEBY*.

The older commands are ZRANGE with the kind of range and the direction fixed by their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import Reply
from redracer.engine.arguments import integer
from redracer.engine.flags import DENYOOM, READONLY, SORTED_SET, WRITE
from redracer.engine.grammar import Arg, block, double, key, one_of, string, token
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, DELETE, OW, RO, RW, UPDATE, Key
from redracer.engine.registry import command
from redracer.types.sorted_set.storing import delete_if_empty, sorted_set, sorted_set_to_change, store
from redracer.types.sorted_set.value import LexBounds, RankBounds, ScoreBounds, paired

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.sorted_set.value import Bounds, SortedSet

BY_RANK, BY_SCORE, BY_LEX = b"byrank", b"byscore", b"bylex"
ANY = b""  # the arguments say by what
NO_LIMIT = -1
COST = "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements "
LIMITED = (
    "being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can "
    "consider it O(log(N))."
)
BY_SCORE_OR_LEX = (token("BYSCORE"), token("BYLEX"))


def limit(since: str = "") -> Arg:
    """LIMIT's argument."""
    numbers = (integer_argument("offset"), integer_argument("count"))
    return block("limit", *numbers, token="LIMIT", since=since, optional=True)


class Request:
    """What ZRANGE and its kin ask for: the members in the bounds, the highest first where `reverse`, and of them
    `limit` (NO_LIMIT: all) after the first `offset`."""

    def __init__(self, bounds: Bounds, reverse: bool, with_scores: bool, offset: int, limit: int) -> None:
        self.bounds = bounds
        self.reverse = reverse
        self.with_scores = with_scores
        self.offset = offset
        self.limit = limit

    def read(self, members: SortedSet, with_scores: bool) -> list[Any]:
        """The members, each with its score after it if asked for. O(log n + count)."""
        self.bounds.locate(members, self.reverse)
        if self.limit != NO_LIMIT or self.offset:
            self.bounds.narrow(self.offset, self.limit)
        return members.range(self.bounds.start, self.bounds.count, self.reverse, with_scores)


def requested(args: list[bytes], at: int, by: bytes, reverse: bool, storing: bool = False) -> Request:
    """Reads the two bounds from `args[at]` on, and the options after them. Raises CommandError.

    `by` is what the command's name fixes, or ANY; a command that is `storing` takes no WITHSCORES.
    """
    given, position = by, at + 2
    with_scores, offset, limit = False, 0, NO_LIMIT
    while position < len(args):
        option = args[position].lower()
        if option == b"withscores" and not storing:
            with_scores = True
        elif option == b"limit" and position + 2 < len(args):
            offset, limit = integer(args[position + 1]), integer(args[position + 2])
            position += 2
        elif option == b"rev" and by == ANY and not reverse:
            reverse = True
        elif given == ANY and option in (BY_LEX, BY_SCORE):
            given = option
        else:
            raise CommandError(errors.SYNTAX)
        position += 1
    given = given or BY_RANK
    if given == BY_RANK and limit != NO_LIMIT:
        raise CommandError(errors.LIMIT_WITHOUT_BY)
    if given == BY_LEX and with_scores:
        raise CommandError(errors.SCORES_OF_LEX_RANGE)
    bounds = bounds_of(given, args[at], args[at + 1], reverse)
    return Request(bounds, reverse, with_scores, 0 if given == BY_RANK else offset, limit)


def bounds_of(by: bytes, first: bytes, second: bytes, reverse: bool) -> Bounds:
    """The bounds that two arguments are; backwards, scores and members have the higher one first."""
    if by == BY_RANK:
        return RankBounds(first, second)
    if reverse:
        first, second = second, first
    return ScoreBounds(first, second) if by == BY_SCORE else LexBounds(first, second)


def reply_with(ctx: Context, args: list[bytes], by: bytes, reverse: bool) -> Reply:
    """What ZRANGE and its kin return."""
    if len(args) == 4:
        return reply_without_options(ctx, args, by or BY_RANK, reverse)
    request = requested(args, 2, by, reverse)
    members = sorted_set(ctx, args[1])
    if members is None:
        return []
    found = request.read(members, request.with_scores)
    return paired(found) if request.with_scores and ctx.client.resp == 3 else found


def reply_without_options(ctx: Context, args: list[bytes], by: bytes, reverse: bool) -> Reply:
    """The usual form: all members in the range, and nothing but them."""
    bounds = bounds_of(by, args[2], args[3], reverse)
    members = sorted_set(ctx, args[1])
    if members is None:
        return []
    bounds.locate(members, reverse)
    return members.range(bounds.start, bounds.count, reverse)


@command(
    "ZRANGE",
    arity=-4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="1.2.0",
    complexity=COST + "returned.",
    args=[
        key(),
        string("start"),
        string("stop"),
        one_of("sortby", *BY_SCORE_OR_LEX, since="6.2.0", optional=True),
        token("REV", since="6.2.0", optional=True),
        limit("6.2.0"),
        token("WITHSCORES", optional=True),
    ],
    history=[("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.")],
)
def zrange(ctx: Context, args: list[bytes]) -> Reply:
    """Returns members in a sorted set within a range of indexes."""
    return reply_with(ctx, args, ANY, False)


@command(
    "ZREVRANGE",
    arity=-4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="1.2.0",
    complexity=COST + "returned.",
    args=[
        key(),
        integer_argument("start"),
        integer_argument("stop"),
        token("WITHSCORES", optional=True),
    ],
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `REV` argument",
)
def zrevrange(ctx: Context, args: list[bytes]) -> Reply:
    """Returns members in a sorted set within a range of indexes in reverse order."""
    return reply_with(ctx, args, BY_RANK, True)


@command(
    "ZRANGEBYSCORE",
    arity=-4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="1.0.5",
    complexity=COST + LIMITED,
    args=[
        key(),
        double("min"),
        double("max"),
        token("WITHSCORES", since="2.0.0", optional=True),
        limit(),
    ],
    history=[("2.0.0", "Added the `WITHSCORES` modifier.")],
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `BYSCORE` argument",
)
def zrangebyscore(ctx: Context, args: list[bytes]) -> Reply:
    """Returns members in a sorted set within a range of scores."""
    return reply_with(ctx, args, BY_SCORE, False)


@command(
    "ZREVRANGEBYSCORE",
    arity=-4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="2.2.0",
    complexity=COST + LIMITED,
    args=[key(), double("max"), double("min"), token("WITHSCORES", optional=True), limit()],
    history=[("2.1.6", "`min` and `max` can be exclusive.")],
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `REV` and `BYSCORE` arguments",
)
def zrevrangebyscore(ctx: Context, args: list[bytes]) -> Reply:
    """Returns members in a sorted set within a range of scores in reverse order."""
    return reply_with(ctx, args, BY_SCORE, True)


@command(
    "ZRANGEBYLEX",
    arity=-4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="2.8.9",
    complexity=COST + LIMITED,
    args=[key(), string("min"), string("max"), limit()],
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `BYLEX` argument",
)
def zrangebylex(ctx: Context, args: list[bytes]) -> Reply:
    """Returns members in a sorted set within a lexicographical range."""
    return reply_with(ctx, args, BY_LEX, False)


@command(
    "ZREVRANGEBYLEX",
    arity=-4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="2.8.9",
    complexity=COST + LIMITED,
    args=[key(), string("max"), string("min"), limit()],
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `REV` and `BYLEX` arguments",
)
def zrevrangebylex(ctx: Context, args: list[bytes]) -> Reply:
    """Returns members in a sorted set within a lexicographical range in reverse order."""
    return reply_with(ctx, args, BY_LEX, True)


@command(
    "ZRANGESTORE",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=[Key(1, OW | UPDATE), Key(2, RO | ACCESS)],
    group=SORTED_SET,
    since="6.2.0",
    complexity=COST + "stored into the destination key.",
    args=[
        key("dst"),
        key("src", 1),
        string("min"),
        string("max"),
        one_of("sortby", *BY_SCORE_OR_LEX, optional=True),
        token("REV", optional=True),
        limit(),
    ],
)
def zrangestore(ctx: Context, args: list[bytes]) -> Reply:
    """Stores a range of members from sorted set in a key."""
    request = requested(args, 3, ANY, False, True)
    members = sorted_set(ctx, args[2])
    return store(ctx, args[1], [] if members is None else request.read(members, True), "zrangestore")


@command(
    "ZREMRANGEBYRANK",
    arity=4,
    flags=WRITE,
    keys=Key(1, RW | DELETE),
    group=SORTED_SET,
    since="2.0.0",
    complexity=COST + "removed by the operation.",
    args=[key(), integer_argument("start"), integer_argument("stop")],
)
def zremrangebyrank(ctx: Context, args: list[bytes]) -> Reply:
    """Removes members in a sorted set within a range of indexes. Deletes the sorted set if all members
    were removed."""
    return remove(ctx, args, BY_RANK, "zremrangebyrank")


@command(
    "ZREMRANGEBYSCORE",
    arity=4,
    flags=WRITE,
    keys=Key(1, RW | DELETE),
    group=SORTED_SET,
    since="1.2.0",
    complexity=COST + "removed by the operation.",
    args=[key(), double("min"), double("max")],
)
def zremrangebyscore(ctx: Context, args: list[bytes]) -> Reply:
    """Removes members in a sorted set within a range of scores. Deletes the sorted set if all members were
    removed."""
    return remove(ctx, args, BY_SCORE, "zremrangebyscore")


@command(
    "ZREMRANGEBYLEX",
    arity=4,
    flags=WRITE,
    keys=Key(1, RW | DELETE),
    group=SORTED_SET,
    since="2.8.9",
    complexity=COST + "removed by the operation.",
    args=[key(), string("min"), string("max")],
)
def zremrangebylex(ctx: Context, args: list[bytes]) -> Reply:
    """Removes members in a sorted set within a lexicographical range. Deletes the sorted set if all
    members were removed."""
    return remove(ctx, args, BY_LEX, "zremrangebylex")


def remove(ctx: Context, args: list[bytes], by: bytes, event: str) -> Reply:
    """ZREMRANGEBY*: how many members were removed."""
    bounds = bounds_of(by, args[2], args[3], False)
    members = sorted_set_to_change(ctx, args[1])
    if members is None:
        return 0
    bounds.locate(members, False)
    removed = members.delete_range(bounds.start, bounds.count)
    if removed:
        ctx.changed(args[1], event, removed)
        delete_if_empty(ctx, args[1], members)
    return removed
