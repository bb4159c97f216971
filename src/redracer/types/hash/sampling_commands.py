"""Hash commands that draw fields by chance, or walk over them step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.entry import HASH as HASH_TYPE
from redracer.core.errors import CommandError
from redracer.core.replies import NO_REPLY, Reply
from redracer.engine.arguments import integer
from redracer.engine.flags import HASH, READONLY
from redracer.engine.grammar import block, key, pattern, token
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, RO, Key
from redracer.engine.registry import command
from redracer.engine.scan_arguments import scan_cursor, scan_options
from redracer.types.hash.expired import live_hash
from redracer.types.hash.value import draw_fields, scan_fields

if TYPE_CHECKING:
    from redracer.engine.context import Context

LONG_MAX = 2**63 - 1
RESP3 = 3


@command(
    "HRANDFIELD",
    arity=-2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="6.2.0",
    complexity="O(N) where N is the number of fields returned",
    args=[
        key(),
        block("options", integer_argument("count"), token("WITHVALUES", optional=True), optional=True),
    ],
    hints=["nondeterministic_output"],
)
def hrandfield(ctx: Context, args: list[bytes]) -> Reply:
    """Returns one or more random fields from a hash."""
    if len(args) > 2:
        return _many_random_fields(ctx, args)
    value = live_hash(ctx, args[1])
    if value is None:
        return None
    return draw_fields(value, 1, False, False)[0]


def _many_random_fields(ctx: Context, args: list[bytes]) -> Reply:
    count = integer(args[2])
    if count < -LONG_MAX:
        raise CommandError(errors.out_of_range(-LONG_MAX, LONG_MAX))
    with_values = len(args) == 4 and args[3].lower() == b"withvalues"
    if len(args) > 3 and not with_values:
        raise CommandError(errors.SYNTAX)
    if with_values and abs(count) > LONG_MAX // 2:
        raise CommandError(errors.OUT_OF_RANGE)
    value = live_hash(ctx, args[1])
    if value is None:
        return []
    if count < 0 and ctx.engine.output_limits.refuses(ctx.client, -count):
        return NO_REPLY
    drawn = draw_fields(value, abs(count), with_values, count > 0)
    if with_values and ctx.client.resp == RESP3:
        return [drawn[i : i + 2] for i in range(0, len(drawn), 2)]
    return drawn


@command(
    "HSCAN",
    arity=-3,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=HASH,
    since="2.8.0",
    complexity="O(1) for every call. O(N) for a complete iteration, including enough command calls for the "
    "cursor to return back to 0. N is the number of elements inside the collection.",
    args=[
        key(),
        integer_argument("cursor"),
        pattern(token="MATCH", optional=True),
        integer_argument("count", token="COUNT", optional=True),
        token("NOVALUES", optional=True),
    ],
    hints=["nondeterministic_output"],
)
def hscan(ctx: Context, args: list[bytes]) -> Reply:
    """Iterates over fields and values of a hash."""
    cursor = scan_cursor(args[2])
    value = ctx.db.get_object(args[1], HASH_TYPE)
    if value is None:
        return [b"0", []]
    options = scan_options(args, 3, plain=b"novalues")
    with_values = b"novalues" not in options.others
    cursor, found = scan_fields(value, cursor, options.elements, options.pattern, with_values, ctx.expiry_now)
    return [b"%d" % cursor, found]
