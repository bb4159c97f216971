"""ZUNION, ZINTER, ZDIFF, their STORE forms and ZINTERCARD: over sorted sets, and over plain sets as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redracer.core import errors
from redracer.core.entry import SET, ZSET
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_double, parse_integer
from redracer.core.replies import Reply
from redracer.core.type_spec import type_spec
from redracer.engine.arguments import integer
from redracer.engine.flags import DENYOOM, READONLY, SORTED_SET, WRITE
from redracer.engine.grammar import Arg, key, one_of, token
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, OW, RO, UPDATE, Key, KeyNum
from redracer.engine.registry import command
from redracer.types.sorted_set.combine import (
    MAXIMUM,
    MINIMUM,
    SUM,
    difference,
    intersection,
    intersection_size,
    union,
)
from redracer.types.sorted_set.storing import store
from redracer.types.sorted_set.value import SortedSet, paired

if TYPE_CHECKING:
    from redracer.core.member_collection import MemberCollection
    from redracer.engine.context import Context
    from redracer.types.sorted_set.value import Flat

MISSING = -1
AGGREGATES = {b"sum": SUM, b"min": MINIMUM, b"max": MAXIMUM}
# The options that a command may take.
WEIGHTS, AGGREGATE, WITHSCORES, LIMIT = b"weights", b"aggregate", b"withscores", b"limit"

UNION_COST = (
    "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of "
    "elements in the resulting sorted set."
)
INTER_COST = (
    "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input "
    "sorted sets and M being the number of elements in the resulting sorted set."
)
DIFF_COST = (
    "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of "
    "the first set, and K is the size of the result set."
)
INPUTS = [integer_argument("numkeys"), key(multiple=True)]
STORED_INPUTS = [key("destination"), integer_argument("numkeys"), key("key", 1, multiple=True)]
SCORING: list[Arg] = [
    integer_argument("weight", token="WEIGHTS", optional=True, multiple=True),
    one_of("aggregate", token("SUM"), token("MIN"), token("MAX"), token="AGGREGATE", optional=True),
]
SCORES = token("WITHSCORES", optional=True)
STORE_KEYS = [Key(1, OW | UPDATE), KeyNum(2, RO | ACCESS)]


class Inputs(NamedTuple):
    """What is to be combined, and how. A missing key is an empty set."""

    collections: list[MemberCollection]
    weights: list[float]
    aggregate: int
    with_scores: bool
    limit: int


def inputs(ctx: Context, args: list[bytes], at: int, *options: bytes) -> Inputs:
    """Reads the number of keys at `args[at]`, the keys, and those `options` that the command takes.

    Raises CommandError in Redis's order: the number, the keys' types, the options.
    """
    number = integer(args[at])
    if number < 1:
        raise CommandError(errors.no_input_key(args[0].lower()))
    if number > len(args) - at - 1:
        raise CommandError(errors.SYNTAX)
    collections = [collection(ctx, name) for name in args[at + 1 : at + 1 + number]]
    weights, aggregate, with_scores, limit = [1.0] * number, SUM, False, 0
    position = at + 1 + number
    while position < len(args):
        option, left = args[position].lower(), len(args) - position - 1
        if option not in options:
            raise CommandError(errors.SYNTAX)
        if option == WEIGHTS and left >= number:
            weights = [weight(text) for text in args[position + 1 : position + 1 + number]]
            position += number
        elif option == AGGREGATE and left and args[position + 1].lower() in AGGREGATES:
            position += 1
            aggregate = AGGREGATES[args[position].lower()]
        elif option == WITHSCORES:
            with_scores = True
        elif option == LIMIT and left:
            position += 1
            limit = limit_of(args[position])
        else:
            raise CommandError(errors.SYNTAX)
        position += 1
    return Inputs(collections, weights, aggregate, with_scores, limit)


def collection(ctx: Context, name: bytes) -> MemberCollection:
    """The set or sorted set at a key; an empty one if there is none. Raises CommandError(WRONG_TYPE)."""
    type = ctx.db.type_of(name)
    if type == MISSING:
        return SortedSet()
    view = type_spec(type).collection if type in (SET, ZSET) else None
    if view is None:
        raise CommandError(errors.WRONG_TYPE)
    found: MemberCollection = view(ctx.db.get_object(name, type, False))
    return found


def weight(text: bytes) -> float:
    """A factor of WEIGHTS; CommandError if it is no number."""
    value = parse_double(text)
    if value is None:
        raise CommandError(errors.WEIGHT_NOT_FLOAT)
    return value


def limit_of(text: bytes) -> int:
    """ZINTERCARD's LIMIT; CommandError if it is negative or no integer."""
    value = parse_integer(text)
    if value is None or value < 0:
        raise CommandError(errors.NEGATIVE_LIMIT)
    return value


def smallest_first(given: Inputs) -> Inputs:
    """The inputs by size, as Redis combines them: the order of a sum shows where infinities are in it."""
    order = sorted(range(len(given.collections)), key=lambda at: len(given.collections[at]))
    return given._replace(
        collections=[given.collections[at] for at in order], weights=[given.weights[at] for at in order]
    )


def united(given: Inputs) -> Flat:
    """ZUNION's members and scores in turn."""
    given = smallest_first(given)
    return union(given.collections, given.weights, given.aggregate)


def intersected(given: Inputs) -> Flat:
    """ZINTER's members and scores in turn."""
    given = smallest_first(given)
    return intersection(given.collections, given.weights, given.aggregate)


def reply(ctx: Context, found: Flat, with_scores: bool) -> Reply:
    """Members as the client wants them: alone, or with scores, which RESP3 has in pairs."""
    if not with_scores:
        return found[::2]
    return paired(found) if ctx.client.resp == 3 else found


@command(
    "ZUNION",
    arity=-3,
    flags=READONLY,
    keys=KeyNum(1, RO | ACCESS),
    group=SORTED_SET,
    since="6.2.0",
    complexity=UNION_COST,
    args=[*INPUTS, *SCORING, SCORES],
)
def zunion(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the union of multiple sorted sets."""
    given = inputs(ctx, args, 1, WEIGHTS, AGGREGATE, WITHSCORES)
    return reply(ctx, united(given), given.with_scores)


@command(
    "ZINTER",
    arity=-3,
    flags=READONLY,
    keys=KeyNum(1, RO | ACCESS),
    group=SORTED_SET,
    since="6.2.0",
    complexity=INTER_COST,
    args=[*INPUTS, *SCORING, SCORES],
)
def zinter(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the intersect of multiple sorted sets."""
    given = inputs(ctx, args, 1, WEIGHTS, AGGREGATE, WITHSCORES)
    return reply(ctx, intersected(given), given.with_scores)


@command(
    "ZDIFF",
    arity=-3,
    flags=READONLY,
    keys=KeyNum(1, RO | ACCESS),
    group=SORTED_SET,
    since="6.2.0",
    complexity=DIFF_COST,
    args=[*INPUTS, SCORES],
)
def zdiff(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the difference between multiple sorted sets."""
    given = inputs(ctx, args, 1, WITHSCORES)
    return reply(ctx, difference(given.collections), given.with_scores)


@command(
    "ZUNIONSTORE",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=STORE_KEYS,
    group=SORTED_SET,
    since="2.0.0",
    complexity=UNION_COST,
    args=[*STORED_INPUTS, *SCORING],
)
def zunionstore(ctx: Context, args: list[bytes]) -> Reply:
    """Stores the union of multiple sorted sets in a key."""
    return store(ctx, args[1], united(inputs(ctx, args, 2, WEIGHTS, AGGREGATE)), "zunionstore")


@command(
    "ZINTERSTORE",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=STORE_KEYS,
    group=SORTED_SET,
    since="2.0.0",
    complexity=INTER_COST,
    args=[*STORED_INPUTS, *SCORING],
)
def zinterstore(ctx: Context, args: list[bytes]) -> Reply:
    """Stores the intersect of multiple sorted sets in a key."""
    return store(ctx, args[1], intersected(inputs(ctx, args, 2, WEIGHTS, AGGREGATE)), "zinterstore")


@command(
    "ZDIFFSTORE",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=STORE_KEYS,
    group=SORTED_SET,
    since="6.2.0",
    complexity=DIFF_COST,
    args=STORED_INPUTS,
)
def zdiffstore(ctx: Context, args: list[bytes]) -> Reply:
    """Stores the difference of multiple sorted sets in a key."""
    return store(ctx, args[1], difference(inputs(ctx, args, 2).collections), "zdiffstore")


@command(
    "ZINTERCARD",
    arity=-3,
    flags=READONLY,
    keys=KeyNum(1, RO | ACCESS),
    group=SORTED_SET,
    since="7.0.0",
    complexity="O(N*K) worst case with N being the smallest input sorted set, K being the number of input "
    "sorted sets.",
    args=[*INPUTS, integer_argument("limit", token="LIMIT", optional=True)],
)
def zintercard(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of members of the intersect of multiple sorted sets."""
    given = smallest_first(inputs(ctx, args, 1, LIMIT))
    return intersection_size(given.collections, given.limit)
