"""RATELIMIT key limit milliseconds: 1 if one more is allowed in a sliding window, else 0."""

from redracer import extension as ex


def positive(text: bytes) -> int:
    value = ex.parse_integer(text)
    if value is None or value <= 0:
        raise ex.CommandError(b"ERR limit and window must be positive integers")
    return value


@ex.command(
    "RATELIMIT",
    arity=4,
    flags=ex.WRITE | ex.DENYOOM | ex.FAST,
    keys=ex.Key(1, ex.RW | ex.UPDATE),
    group=ex.MODULE,
    since="1.0.0",
    args=[ex.key(), ex.integer("limit"), ex.integer("milliseconds")],
)
def rate_limit(ctx: ex.Context, args: list[bytes]) -> int:
    """Tells whether one more is allowed within a sliding window of time."""
    name, limit, window = args[1], positive(args[2]), positive(args[3])
    with ex.one_unit(ctx):
        ex.call(ctx, "ZREMRANGEBYSCORE", name, "-inf", ctx.now - window)
        if ex.call(ctx, "ZCARD", name) >= limit:
            return 0
        ex.call(ctx, "ZADD", name, ctx.now, f"{ctx.now}-{ctx.engine.dispatcher.calls}")
        ex.call(ctx, "PEXPIRE", name, window)
    return 1
