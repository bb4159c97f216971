"""The subcommands of DEBUG that look at the data: digests, encodings, hash tables, keys made for a test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from redracer.core import digest, errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import OK, Reply, Status, Verbatim
from redracer.core.type_spec import type_spec
from redracer.engine.arguments import integer
from redracer.engine.debug_table import subcommand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redracer.core.keyspace import Keyspace
    from redracer.engine.context import Context

MISSING = -1  # what Keyspace.type_of answers for a key that is not there
NO_EXPIRY = -1
EXPIRES = b"!!expire!!"  # what stands for an expiry in a digest: when is not part of it
LONG_MAX = 2**63 - 1


@contextmanager
def unseen(database: Keyspace, expired_too: bool = False) -> Iterator[None]:
    """Within it, looking at keys is no use of them: neither a hit, nor a miss, nor a touch.

    `expired_too`: keys whose time has passed are still there.
    """
    clock = database.clock
    before = clock.no_touch, clock.nothing_expires, database.hits, database.misses
    clock.no_touch = True
    clock.nothing_expires = clock.nothing_expires or expired_too
    try:
        yield
    finally:
        clock.no_touch, clock.nothing_expires, database.hits, database.misses = before


def value_digest(database: Keyspace, key: bytes, start: bytes = digest.EMPTY) -> bytes:
    """The digest of a key's value, added to `start`; `start` itself if there is no such key."""
    type = database.type_of(key)
    if type == MISSING:
        return start
    spec = type_spec(type)
    result = digest.mix(start, spec.number.to_bytes(4, "big"))
    result = spec.digest(result, spec.value(database, key))
    if database.expiry_of(key) != NO_EXPIRY:
        result = digest.combine(result, EXPIRES)
    return result


@subcommand("DIGEST")
def digest_(ctx: Context, args: list[bytes]) -> Reply:
    """Tell the digest of the whole data set: equal data, equal digest."""
    result = digest.EMPTY
    for database in ctx.databases:
        if not database.size:
            continue
        result = digest.mix(result, database.index.to_bytes(4, "big"))
        with unseen(database):
            for key in database.keys(b"*"):
                result = digest.combine(result, value_digest(database, key, digest.mix(digest.EMPTY, key)))
    return Status(result.hex().encode())


@subcommand("DIGEST-VALUE", "<key> [<key> ...]", 0, LONG_MAX)
def digest_value(ctx: Context, args: list[bytes]) -> Reply:
    """Tell the digest of the value of each key."""
    with unseen(ctx.db):
        return [Status(value_digest(ctx.db, key).hex().encode()) for key in args[2:]]


@subcommand("OBJECT", "<key>", 1)
def object_(ctx: Context, args: list[bytes]) -> Reply:
    """Tell how the value of <key> is held."""
    database, key = ctx.db, args[2]
    with unseen(database, expired_too=True):
        type = database.type_of(key)
        if type == MISSING:
            raise CommandError(errors.NO_SUCH_KEY)
        spec = type_spec(type)
        value = spec.value(database, key)
        idle = database.idle_seconds(key)
        text = b"Value at:0x%x refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d" % (
            database.address_of(key),
            spec.encoding(database, key),
            spec.serialized_length(value),
            (database.clock.lru_clock - idle) & 0xFFFFFF,
            idle,
        )
    return Status(text)


def table_text(title: str, stats: dict[str, Any]) -> str:
    """What is known of a hash table, in lines."""
    lines = [f"[{title}]", *(f" {name.replace('_', ' ')}: {_shown(value)}" for name, value in stats.items())]
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


@subcommand("HTSTATS", "<dbid>", 1)
def htstats(ctx: Context, args: list[bytes]) -> Reply:
    """Tell the state of the hash tables of a database."""
    index = integer(args[2])
    if not 0 <= index < len(ctx.databases):
        raise CommandError(errors.OUT_OF_RANGE_DATABASE)
    database = ctx.databases[index]
    expires = {"keys": database.expires}
    text = table_text("Dictionary HT", database.table_stats()) + table_text("Expires HT", expires)
    return Verbatim(b"txt", text.encode())


@subcommand("HTSTATS-KEY", "<key>", 1)
def htstats_key(ctx: Context, args: list[bytes]) -> Reply:
    """Tell the state of the hash table that <key> holds."""
    database, key = ctx.db, args[2]
    with unseen(database):
        type = database.type_of(key)
        if type == MISSING:
            raise CommandError(errors.NO_SUCH_KEY)
        table_stats = getattr(type_spec(type).value(database, key), "table_stats", None)
    if table_stats is None:
        raise CommandError(errors.NOT_A_HASH_TABLE)
    return Verbatim(b"txt", table_text("Value HT", table_stats()).encode())


@subcommand("POPULATE", "<count> [<prefix>] [<size>]", 1, 3)
def populate(ctx: Context, args: list[bytes]) -> Reply:
    """Make <count> keys named <prefix>:0, <prefix>:1 and so on, of value:0, value:1 and so on, cut or padded
    with zeros to <size> bytes; `key` is the default prefix. Existing keys stay. Replicas are not told."""
    count = positive(args[2])
    prefix = args[3] if len(args) > 3 else b"key"
    size = positive(args[4]) if len(args) > 4 else 0
    database = ctx.db
    with unseen(database):
        for number in range(count):
            key = b"%s:%d" % (prefix, number)
            if not database.exists(key):
                value = b"value:%d" % number
                database.set_string(key, value[:size].ljust(size, b"\0") if size else value)
    return OK


def positive(text: bytes) -> int:
    """A number that is not negative; CommandError if it is none."""
    value = parse_integer(text)
    if value is None or value < 0:
        raise CommandError(errors.NOT_POSITIVE)
    return value
