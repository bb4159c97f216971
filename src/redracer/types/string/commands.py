"""String commands: reading, writing and counting whole values.

The usual forms (GET, plain SET, INCR, MGET, MSET) are single calls into the keyspace; options take a
slower line. Commands that work on a part of a value are in `part_commands.py`.
"""

from __future__ import annotations

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import format_integer, parse_integer
from redracer.core.replies import OK, Reply
from redracer.engine.context import Context
from redracer.engine.flags import DENYOOM, FAST, READONLY, STRING, WRITE
from redracer.engine.grammar import block, double, integer, key, one_of, string, token
from redracer.engine.key_specs import (
    ACCESS,
    DELETE,
    INSERT,
    OW,
    RO,
    RW,
    UPDATE,
    VARIABLE_FLAGS,
    Key,
    KeyReference,
    Keys,
)
from redracer.engine.registry import command
from redracer.types.string.expiration import KEEPTTL, PERSIST, UNITS, expiration_argument, expire_at
from redracer.types.string.float_counter import incremented
from redracer.types.string.value import get_many, increment, set_many

NO_EXPIRY = -1
KEEP_EXPIRY = -2
STRING_TYPE = 0
LONG_MIN = -(2**63)


@command(
    "GET",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=STRING,
    since="1.0.0",
    complexity="O(1)",
    args=[key()],
)
def get(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the string value of a key."""
    return ctx.db.get_string(args[1])


def keys_of_set(args: list[bytes]) -> list[KeyReference]:
    """SET's one key: overwritten, but with GET also read."""
    gets = b"get" in [argument.lower() for argument in args[3:]]
    return [(1, RW | ACCESS | UPDATE if gets else OW | UPDATE)]


@command(
    "SET",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=Key(
        1,
        RW | ACCESS | UPDATE | VARIABLE_FLAGS,
        "RW and ACCESS due to the optional `GET` argument",
    ),
    find_keys=keys_of_set,
    group=STRING,
    since="1.0.0",
    complexity="O(1)",
    args=[
        key(),
        string("value"),
        one_of("condition", token("NX"), token("XX"), since="2.6.12", optional=True),
        token("GET", since="6.2.0", optional=True),
        expiration_argument(KEEPTTL, since=True),
    ],
    history=[
        ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
        ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
    ],
)
def set_(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the string value of a key, ignoring its type. The key is created if it doesn't exist."""
    if len(args) == 3:
        ctx.db.set_string(args[1], args[2], NO_EXPIRY)
        ctx.changed(args[1], "set")
        return OK
    return set_with_options(ctx, args)


def set_with_options(ctx: Context, args: list[bytes]) -> Reply:
    """SET with any option."""
    condition, wants_old, option, time = _set_options(args)
    expiry = KEEP_EXPIRY if option == b"keepttl" else NO_EXPIRY
    if option in UNITS:
        expiry = expire_at(ctx, option, time, b"set")
    old = ctx.db.get_string(args[1]) if wants_old else None
    if condition:
        exists = ctx.db.exists(args[1])
        if exists == (condition == b"nx"):
            return old
    ctx.db.set_string(args[1], args[2], expiry)
    ctx.changed(args[1], "set")
    if expiry >= 0:
        ctx.notify(args[1], "expire")
        ctx.rewrite_as([[b"SET", args[1], args[2], b"PXAT", format_integer(expiry)]])
    elif wants_old or condition:
        rest = [b"KEEPTTL"] if expiry == KEEP_EXPIRY else []
        ctx.rewrite_as([[b"SET", args[1], args[2], *rest]])
    return old if wants_old else OK


def _set_options(args: list[bytes]) -> tuple[bytes, bool, bytes, bytes]:
    """SET's options: (nx, xx or nothing; GET; expiration option or nothing; its time)."""
    condition = option = time = b""
    wants_old = False
    at = 3
    while at < len(args):
        word = args[at].lower()
        if word in (b"nx", b"xx") and condition in (b"", word):
            condition = word
        elif word == b"get":
            wants_old = True
        elif word == b"keepttl" and option in (b"", word):
            option = word
        elif word in UNITS and not option and at + 1 < len(args):
            option = word
            at += 1
            time = args[at]
        else:
            raise CommandError(errors.SYNTAX)
        at += 1
    return condition, wants_old, option, time


@command(
    "SETNX",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, OW | INSERT),
    group=STRING,
    since="1.0.0",
    complexity="O(1)",
    args=[key(), string("value")],
    deprecated_since="2.6.12",
    replaced_by="`SET` with the `NX` argument",
)
def setnx(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the string value of a key only when the key doesn't exist."""
    if ctx.db.exists(args[1]):
        return 0
    ctx.db.set_string(args[1], args[2], NO_EXPIRY)
    ctx.changed(args[1], "set")
    return 1


@command(
    "SETEX",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=Key(1, OW | UPDATE),
    group=STRING,
    since="2.0.0",
    complexity="O(1)",
    args=[key(), integer("seconds"), string("value")],
    deprecated_since="2.6.12",
    replaced_by="`SET` with the `EX` argument",
)
def setex(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the string value and expiration time of a key. Creates the key if it doesn't exist."""
    return _set_expiring(ctx, args[1], args[3], expire_at(ctx, b"ex", args[2], b"setex"))


@command(
    "PSETEX",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=Key(1, OW | UPDATE),
    group=STRING,
    since="2.6.0",
    complexity="O(1)",
    args=[key(), integer("milliseconds"), string("value")],
    deprecated_since="2.6.12",
    replaced_by="`SET` with the `PX` argument",
)
def psetex(ctx: Context, args: list[bytes]) -> Reply:
    """Sets both string value and expiration time in milliseconds of a key. The key is created if it doesn't exist."""
    return _set_expiring(ctx, args[1], args[3], expire_at(ctx, b"px", args[2], b"psetex"))


def _set_expiring(ctx: Context, name: bytes, value: bytes, expiry: int) -> Reply:
    ctx.db.set_string(name, value, expiry)
    ctx.changed(name, "set")
    ctx.notify(name, "expire")
    ctx.rewrite_as([[b"SET", name, value, b"PXAT", format_integer(expiry)]])
    return OK


@command(
    "GETSET",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=STRING,
    since="1.0.0",
    complexity="O(1)",
    args=[key(), string("value")],
    deprecated_since="6.2.0",
    replaced_by="`SET` with the `GET` argument",
)
def getset(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the previous string value of a key after setting it to a new value."""
    old = ctx.db.get_string(args[1])
    ctx.db.set_string(args[1], args[2], NO_EXPIRY)
    ctx.changed(args[1], "set")
    ctx.rewrite_as([[b"SET", args[1], args[2]]])
    return old


@command(
    "GETDEL",
    arity=2,
    flags=WRITE | FAST,
    keys=Key(1, RW | ACCESS | DELETE),
    group=STRING,
    since="6.2.0",
    complexity="O(1)",
    args=[key()],
)
def getdel(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the string value of a key after deleting the key."""
    value = ctx.db.get_string(args[1])
    if value is not None:
        _delete(ctx, args[1])
    return value


def _delete(ctx: Context, name: bytes) -> None:
    ctx.db.delete(name)
    ctx.changed(name, "del")
    ctx.rewrite_as([[b"UNLINK" if ctx.config["lazyfree-lazy-user-del"] else b"DEL", name]])


@command(
    "GETEX",
    arity=-2,
    flags=WRITE | FAST,
    keys=Key(1, RW | ACCESS | UPDATE, "RW and UPDATE because it changes the TTL"),
    group=STRING,
    since="6.2.0",
    complexity="O(1)",
    args=[key(), expiration_argument(PERSIST)],
)
def getex(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the string value of a key after setting its expiration time."""
    option = args[2].lower() if len(args) > 2 else b""
    if len(args) > 2 and len(args) != (3 if option == b"persist" else 4):
        raise CommandError(errors.SYNTAX)
    if option and option != b"persist" and option not in UNITS:
        raise CommandError(errors.SYNTAX)
    value = ctx.db.get_string(args[1])
    if value is None:
        return None
    if option == b"persist":
        if ctx.db.persist(args[1]):
            ctx.changed(args[1], "persist")
            ctx.rewrite_as([[b"PERSIST", args[1]]])
    elif option:
        expiry = expire_at(ctx, option, args[3], b"getex")
        if expiry <= ctx.expiry_now:
            _delete(ctx, args[1])
        else:
            ctx.db.set_expiry(args[1], expiry)
            ctx.changed(args[1], "expire")
            ctx.rewrite_as([[b"PEXPIREAT", args[1], format_integer(expiry)]])
    return value


@command(
    "MGET",
    arity=-2,
    flags=READONLY | FAST,
    keys=Keys(1, RO | ACCESS),
    group=STRING,
    since="1.0.0",
    complexity="O(N) where N is the number of keys to retrieve.",
    args=[key(multiple=True)],
    hints=["request_policy:multi_shard"],
)
def mget(ctx: Context, args: list[bytes]) -> Reply:
    """Atomically returns the string values of one or more keys."""
    return get_many(ctx.db, args)


@command(
    "MSET",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=Keys(1, OW | UPDATE, step=2),
    group=STRING,
    since="1.0.1",
    complexity="O(N) where N is the number of keys to set.",
    args=[block("data", key(), string("value"), multiple=True)],
    hints=["request_policy:multi_shard", "response_policy:all_succeeded"],
)
def mset(ctx: Context, args: list[bytes]) -> Reply:
    """Atomically creates or modifies the string values of one or more keys."""
    if len(args) % 2 == 0:
        raise CommandError(errors.wrong_arity(b"mset"))
    set_pairs(ctx, args)
    return OK


def set_pairs(ctx: Context, args: list[bytes]) -> None:
    """Sets the keys args[1], args[3]... to the values behind them."""
    set_many(ctx.db, args)
    for name in args[1::2]:
        ctx.changed(name, "set")


@command(
    "MSETNX",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=Keys(1, OW | INSERT, step=2),
    group=STRING,
    since="1.0.1",
    complexity="O(N) where N is the number of keys to set.",
    args=[block("data", key(), string("value"), multiple=True)],
)
def msetnx(ctx: Context, args: list[bytes]) -> Reply:
    """Atomically modifies the string values of one or more keys only when all keys don't exist."""
    if len(args) % 2 == 0:
        raise CommandError(errors.wrong_arity(b"msetnx"))
    for i in range(1, len(args), 2):
        if ctx.db.exists(args[i]):
            return 0
    set_pairs(ctx, args)
    return 1


@command(
    "INCR",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=STRING,
    since="1.0.0",
    complexity="O(1)",
    args=[key()],
)
def incr(ctx: Context, args: list[bytes]) -> Reply:
    """Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't exist."""
    result = increment(ctx.db, args[1], 1)
    ctx.changed(args[1], "incrby")
    return result


@command(
    "DECR",
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=STRING,
    since="1.0.0",
    complexity="O(1)",
    args=[key()],
)
def decr(ctx: Context, args: list[bytes]) -> Reply:
    """Decrements the integer value of a key by one. Uses 0 as initial value if the key doesn't exist."""
    result = increment(ctx.db, args[1], -1)
    ctx.changed(args[1], "incrby")
    return result


@command(
    "INCRBY",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=STRING,
    since="1.0.0",
    complexity="O(1)",
    args=[key(), integer("increment")],
)
def incrby(ctx: Context, args: list[bytes]) -> Reply:
    """Increments the integer value of a key by a number. Uses 0 as initial value if the key doesn't exist."""
    delta = parse_integer(args[2])
    if delta is None:
        raise CommandError(errors.NOT_INTEGER)
    result = increment(ctx.db, args[1], delta)
    ctx.changed(args[1], "incrby")
    return result


@command(
    "DECRBY",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=STRING,
    since="1.0.0",
    complexity="O(1)",
    args=[key(), integer("decrement")],
)
def decrby(ctx: Context, args: list[bytes]) -> Reply:
    """Decrements a number from the integer value of a key. Uses 0 as initial value if the key doesn't exist."""
    delta = parse_integer(args[2])
    if delta is None:
        raise CommandError(errors.NOT_INTEGER)
    if delta == LONG_MIN:
        raise CommandError(errors.DECREMENT_OVERFLOW)
    result = increment(ctx.db, args[1], -delta)
    ctx.changed(args[1], "incrby")
    return result


@command(
    "INCRBYFLOAT",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=STRING,
    since="2.6.0",
    complexity="O(1)",
    args=[key(), double("increment")],
)
def incrbyfloat(ctx: Context, args: list[bytes]) -> Reply:
    """Increments the floating point value of a key by a number. Uses 0 as initial value if the key doesn't exist."""
    result = incremented(ctx.db.peek_string(args[1]), args[2])
    ctx.db.set_string(args[1], result, KEEP_EXPIRY)
    ctx.changed(args[1], "incrbyfloat")
    # The sum as text: another machine's floating point may differ.
    ctx.rewrite_as([[b"SET", args[1], result, b"KEEPTTL"]])
    return result
