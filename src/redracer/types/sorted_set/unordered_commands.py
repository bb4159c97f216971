"""Sorted set commands for which the order does not matter: ZRANDMEMBER and ZSCAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import format_double
from redracer.core.replies import NO_REPLY, Reply
from redracer.engine.arguments import LONG_MAX, integer
from redracer.engine.flags import READONLY, SORTED_SET
from redracer.engine.grammar import block, key, pattern, token
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, RO, Key
from redracer.engine.registry import command
from redracer.engine.scan_arguments import scan_cursor, scan_options
from redracer.types.sorted_set.storing import sorted_set
from redracer.types.sorted_set.value import paired

if TYPE_CHECKING:
    from redracer.engine.context import Context


@command(
    "ZRANDMEMBER",
    arity=-2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="6.2.0",
    complexity="O(N) where N is the number of members returned",
    args=[
        key(),
        block("options", integer_argument("count"), token("WITHSCORES", optional=True), optional=True),
    ],
    hints=["nondeterministic_output"],
)
def zrandmember(ctx: Context, args: list[bytes]) -> Reply:
    """Returns one or more random members from a sorted set."""
    if len(args) > 2:
        return draw(ctx, args)
    members = sorted_set(ctx, args[1])
    return None if members is None else members.draw_members(1, False, False)[0]


def draw(ctx: Context, args: list[bytes]) -> Reply:
    """ZRANDMEMBER with a count: different members, or where it is negative, members that may repeat."""
    count = integer(args[2])
    if count < -LONG_MAX:
        raise CommandError(errors.value_not_between(-LONG_MAX, LONG_MAX))
    if len(args) > 4 or (len(args) == 4 and args[3].lower() != b"withscores"):
        raise CommandError(errors.SYNTAX)
    with_scores = len(args) == 4
    if with_scores and not -(LONG_MAX // 2) <= count <= LONG_MAX // 2:
        raise CommandError(errors.OUT_OF_RANGE)
    members = sorted_set(ctx, args[1])
    if members is None or count == 0:
        return []
    if count < 0 and ctx.engine.output_limits.refuses(ctx.client, -count):
        return NO_REPLY
    drawn = members.draw_members(abs(count), count > 0, with_scores)
    return paired(drawn) if with_scores and ctx.client.resp == 3 else drawn


@command(
    "ZSCAN",
    arity=-3,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=SORTED_SET,
    since="2.8.0",
    complexity="O(1) for every call. O(N) for a complete iteration, including enough command calls for the "
    "cursor to return back to 0. N is the number of elements inside the collection.",
    args=[
        key(),
        integer_argument("cursor"),
        pattern(token="MATCH", optional=True),
        integer_argument("count", token="COUNT", optional=True),
    ],
    hints=["nondeterministic_output"],
)
def zscan(ctx: Context, args: list[bytes]) -> Reply:
    """Iterates over members and scores of a sorted set."""
    cursor = scan_cursor(args[2])
    members = sorted_set(ctx, args[1])
    if members is None:
        return [b"0", []]
    options = scan_options(args, 3)
    cursor, found = members.scan(cursor, options.elements, options.pattern)
    # Redis writes the scores of its two encodings in two ways, both of which read back as the same number.
    scores = [format_double(score) if members.large is None else b"%.17g" % score for score in found[1::2]]
    reply: list[Reply] = list(found)
    reply[1::2] = scores
    return [b"%d" % cursor, reply]
