# cython: annotation_typing=False
"""Sorted set commands on single members: adding, scoring, ranking, counting, removing.

Ranges are in range_commands.py, unions and their kin in combine_commands.py, pops in pop_commands.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import NULL_ARRAY, Reply
from redracer.engine.flags import DENYOOM, FAST, READONLY, SORTED_SET, WRITE
from redracer.engine.grammar import block, double, integer, key, one_of, string, token
from redracer.engine.key_specs import ACCESS, DELETE, RO, RW, UPDATE, Key
from redracer.engine.registry import command
from redracer.types.sorted_set.additions import Additions
from redracer.types.sorted_set.storing import delete_if_empty, keep, sorted_set, sorted_set_to_change
from redracer.types.sorted_set.value import (
    PUT_INCREMENT,
    PUT_KNOWN_ONLY,
    LexBounds,
    ScoreBounds,
    SortedSet,
)

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.sorted_set.value import Bounds


@command(
    "ZADD",
    arity=-4,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | UPDATE),
    group=SORTED_SET,
    since="1.2.0",
    complexity="O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    args=[
        key(),
        one_of("condition", token("NX"), token("XX"), since="3.0.2", optional=True),
        one_of("comparison", token("GT"), token("LT"), since="6.2.0", optional=True),
        token("CH", "change", since="3.0.2", optional=True),
        token("INCR", "increment", since="3.0.2", optional=True),
        block("data", double("score"), string("member"), multiple=True),
    ],
    history=[
        ("2.4.0", "Accepts multiple elements."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ],
)
def zadd(ctx: Context, args: list[bytes]) -> Reply:
    """Adds one or more members to a sorted set, or updates their scores. Creates the key if it doesn't
    exist."""
    return add(ctx, args[1], Additions(args, 2, 0))


@command(
    "ZINCRBY",
    arity=4,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=SORTED_SET,
    since="1.2.0",
    complexity="O(log(N)) where N is the number of elements in the sorted set.",
    args=[key(), integer("increment"), string("member")],
)
def zincrby(ctx: Context, args: list[bytes]) -> Reply:
    """Increments the score of a member in a sorted set."""
    return add(ctx, args[1], Additions(args, 2, PUT_INCREMENT))


def add(ctx: Context, name: bytes, additions: Additions) -> Reply:
    """Puts the additions into the set at a key, which is created where they may be new."""
    members = sorted_set_to_change(ctx, name)
    if members is not None:
        additions.put_into(members, ctx.engine)
    elif not additions.options & PUT_KNOWN_ONLY:
        members = SortedSet()
        additions.put_into(members, ctx.engine)
        keep(ctx, name, members)
    changes = additions.added + additions.changed
    if changes:
        ctx.changed(name, "zincr" if additions.options & PUT_INCREMENT else "zadd", changes)
    return additions.reply(members)


@command(
    "ZREM",
    arity=-3,
    flags=WRITE | FAST,
    keys=Key(1, RW | DELETE),
    group=SORTED_SET,
    since="1.2.0",
    complexity="O(M*log(N)) with N being the number of elements in the sorted set and M the number of "
    "elements to be removed.",
    args=[key(), string("member", multiple=True)],
    history=[("2.4.0", "Accepts multiple elements.")],
)
def zrem(ctx: Context, args: list[bytes]) -> Reply:
    """Removes one or more members from a sorted set. Deletes the sorted set if all members were removed."""
    return remove(ctx, args)


def remove(ctx: Context, args: list[bytes]) -> Reply:
    """ZREM: how many of the members were there."""
    members = sorted_set_to_change(ctx, args[1])
    if members is None:
        return 0
    removed = 0
    for at in range(2, len(args)):
        if members.discard(args[at]):
            removed += 1
    if removed:
        ctx.changed(args[1], "zrem", removed)
        delete_if_empty(ctx, args[1], members)
    return removed


@command(
    "ZCARD",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO),
    group=SORTED_SET,
    since="1.2.0",
    complexity="O(1)",
    args=[key()],
)
def zcard(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of members in a sorted set."""
    members = sorted_set(ctx, args[1])
    return 0 if members is None else members.length()


@command(
    "ZSCORE",
    arity=3,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="1.2.0",
    complexity="O(1)",
    args=[key(), string("member")],
)
def zscore(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the score of a member in a sorted set."""
    members = sorted_set(ctx, args[1])
    return None if members is None else members.score_of(args[2])


@command(
    "ZMSCORE",
    arity=-3,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="6.2.0",
    complexity="O(N) where N is the number of members being requested.",
    args=[key(), string("member", multiple=True)],
)
def zmscore(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the score of one or more members in a sorted set."""
    members = sorted_set(ctx, args[1])
    if members is None:
        return [None] * (len(args) - 2)
    scores: list[float | None] = []
    for at in range(2, len(args)):
        scores.append(members.score_of(args[at]))
    return scores


@command(
    "ZRANK",
    arity=-3,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="2.0.0",
    complexity="O(log(N))",
    args=[key(), string("member"), token("WITHSCORE", since="7.2.0", optional=True)],
    history=[("7.2.0", "Added the optional `WITHSCORE` argument.")],
)
def zrank(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the index of a member in a sorted set ordered by ascending scores."""
    return rank(ctx, args, False)


@command(
    "ZREVRANK",
    arity=-3,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="2.0.0",
    complexity="O(log(N))",
    args=[key(), string("member"), token("WITHSCORE", since="7.2.0", optional=True)],
    history=[("7.2.0", "Added the optional `WITHSCORE` argument.")],
)
def zrevrank(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the index of a member in a sorted set ordered by descending scores."""
    return rank(ctx, args, True)


def rank(ctx: Context, args: list[bytes], reverse: bool) -> Reply:
    """ZRANK and ZREVRANK."""
    if len(args) > 4:
        raise CommandError(errors.wrong_arity(b"zrevrank" if reverse else b"zrank"))
    with_score = len(args) == 4
    if with_score and args[3].lower() != b"withscore":
        raise CommandError(errors.SYNTAX)
    missing = NULL_ARRAY if with_score else None
    members = sorted_set(ctx, args[1])
    if members is None:
        return missing
    found = members.rank_of(args[2], reverse)
    if found < 0:
        return missing
    return [found, members.score_of(args[2])] if with_score else found


@command(
    "ZCOUNT",
    arity=4,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="2.0.0",
    complexity="O(log(N)) with N being the number of elements in the sorted set.",
    args=[key(), double("min"), double("max")],
)
def zcount(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the count of members in a sorted set that have scores within a range."""
    return count(ctx, args[1], ScoreBounds(args[2], args[3]))


@command(
    "ZLEXCOUNT",
    arity=4,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="2.8.9",
    complexity="O(log(N)) with N being the number of elements in the sorted set.",
    args=[key(), string("min"), string("max")],
)
def zlexcount(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of members in a sorted set within a lexicographical range."""
    return count(ctx, args[1], LexBounds(args[2], args[3]))


def count(ctx: Context, name: bytes, bounds: Bounds) -> Reply:
    """How many members of the set at a key are within the bounds."""
    members = sorted_set(ctx, name)
    if members is None:
        return 0
    bounds.locate(members, False)
    return bounds.count
