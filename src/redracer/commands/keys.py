"""Commands on keys of whatever type: there or not, deleted, renamed, copied, moved, listed.

Expiry has its own file (expire.py), and so have OBJECT (object.py) and the commands on whole
databases (databases.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.entry import HASH, LIST, SET, STREAM, STRING, ZSET
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Reply, Status
from redracer.engine.arguments import database, database_number
from redracer.engine.flags import (
    ACL_DANGEROUS,
    DENYOOM,
    FAST,
    GENERIC,
    READONLY,
    TOUCHES_ARBITRARY_KEYS,
    WRITE,
)
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.grammar import key, pattern, string, token
from redracer.engine.key_specs import ACCESS, DELETE, INSERT, OW, RM, RO, RW, UPDATE, Key, Keys
from redracer.engine.registry import command
from redracer.engine.scan_arguments import scan_cursor, scan_options

if TYPE_CHECKING:
    from redracer.core.keyspace import Keyspace
    from redracer.engine.context import Context

MISSING = -1  # what Keyspace.type_of answers for a key that is not there
NO_KEY = -2  # and what Keyspace.expiry_of does
TYPE_NAMES = {STRING: b"string", LIST: b"list", SET: b"set", ZSET: b"zset", HASH: b"hash", STREAM: b"stream"}
TYPES = {name: type for type, name in TYPE_NAMES.items()}
ANY_TYPE = -1
NO_TYPE = 127  # no value is of this type: SCAN with an unknown TYPE finds nothing

SUMMED = ["request_policy:multi_shard", "response_policy:agg_sum"]


@command(
    "EXISTS",
    arity=-2,
    flags=READONLY | FAST,
    keys=Keys(1, RO),
    group=GENERIC,
    since="1.0.0",
    complexity="O(N) where N is the number of keys to check.",
    args=[key(multiple=True)],
    history=[("3.0.3", "Accepts multiple `key` arguments.")],
    hints=SUMMED,
)
def exists(ctx: Context, args: list[bytes]) -> Reply:
    """Determines whether one or more keys exist."""
    return sum(map(ctx.db.exists, args[1:]))


@command(
    "TOUCH",
    arity=-2,
    flags=READONLY | FAST,
    keys=Keys(1, RO),
    group=GENERIC,
    since="3.2.1",
    complexity="O(N) where N is the number of keys that will be touched.",
    args=[key(multiple=True)],
    hints=SUMMED,
)
def touch(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of existing keys out of those specified after updating the time they were last
    accessed.
    """
    return sum(map(ctx.db.touch, args[1:]))


@command(
    "DEL",
    arity=-2,
    flags=WRITE,
    keys=Keys(1, RM | DELETE),
    group=GENERIC,
    since="1.0.0",
    complexity="O(N) where N is the number of keys that will be removed. When a key to remove holds a value "
    "other than a string, the individual complexity for this key is O(M) where M is the number of elements "
    "in the list, set, sorted set or hash. Removing a single key that holds a string value is O(1).",
    args=[key(multiple=True)],
    hints=SUMMED,
)
def delete(ctx: Context, args: list[bytes]) -> Reply:
    """Deletes one or more keys."""
    if ctx.config["lazyfree-lazy-user-del"]:
        return unlink(ctx, args)
    deleted = 0
    for name in args[1:]:
        if ctx.db.delete(name):
            ctx.changed(name, "del")
            deleted += 1
    return deleted


@command(
    "UNLINK",
    arity=-2,
    flags=WRITE | FAST,
    keys=Keys(1, RM | DELETE),
    group=GENERIC,
    since="4.0.0",
    complexity="O(1) for each key removed regardless of its size. Then the server does O(N) work in slices "
    "in order to reclaim memory, where N is the number of allocations the deleted objects were composed of.",
    args=[key(multiple=True)],
    hints=SUMMED,
)
def unlink(ctx: Context, args: list[bytes]) -> Reply:
    """Asynchronously deletes one or more keys."""
    deleted = 0
    for name in args[1:]:
        value = ctx.db.take(name)
        if value is None:
            continue
        if not isinstance(value, bytes):  # a string is freed at once, whatever its length
            ctx.engine.lazy_free.add(value)
        ctx.changed(name, "del")
        deleted += 1
    return deleted


@command(
    "TYPE",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO),
    group=GENERIC,
    since="1.0.0",
    complexity="O(1)",
    args=[key()],
)
def type_(ctx: Context, args: list[bytes]) -> Reply:
    """Determines the type of value stored at a key."""
    return Status(TYPE_NAMES.get(ctx.db.type_of(args[1]), b"none"))


@command(
    "RENAME",
    arity=3,
    flags=WRITE,
    keys=(Key(1, RW | ACCESS | DELETE), Key(2, OW | UPDATE)),
    group=GENERIC,
    since="1.0.0",
    complexity="O(1)",
    args=[key(), key("newkey", 1)],
)
def rename(ctx: Context, args: list[bytes]) -> Reply:
    """Renames a key and overwrites the destination."""
    _rename(ctx, args[1], args[2], True)
    return OK


@command(
    "RENAMENX",
    arity=3,
    flags=WRITE | FAST,
    keys=(Key(1, RW | ACCESS | DELETE), Key(2, OW | INSERT)),
    group=GENERIC,
    since="1.0.0",
    complexity="O(1)",
    args=[key(), key("newkey", 1)],
    history=[
        ("3.2.0", "The command no longer returns an error when source and destination names are the same.")
    ],
)
def renamenx(ctx: Context, args: list[bytes]) -> Reply:
    """Renames a key only when the target key name doesn't exist."""
    return int(_rename(ctx, args[1], args[2], False))


def _rename(ctx: Context, source: bytes, destination: bytes, overwrite: bool) -> bool:
    """Renames, with the expiry; False if nothing was to be done or the destination was in the way."""
    db = ctx.db
    if not _is_there(db, source):
        raise CommandError(errors.NO_SUCH_KEY)
    if source == destination or (not overwrite and _is_there(db, destination)):
        return False
    types = _types_for_events(ctx, db, source, db, destination)
    db.move(source, db, destination)
    ctx.engine.expiry.fields.follow(db, source, db, destination)
    ctx.changed(source, "rename_from")
    ctx.changed(destination, "rename_to", 0)  # one change: the key has another name
    _notify_overwritten(ctx, db, destination, types)
    return True


def _is_there(db: Keyspace, name: bytes) -> bool:
    """Whether a key exists, asked by a command that writes: no hit or miss is counted."""
    return db.expiry_of(name) != NO_KEY


def _types_for_events(
    ctx: Context, db: Keyspace, source: bytes, target: Keyspace, destination: bytes
) -> tuple[int, int]:
    """The types of what will be written and of what it replaces; found out only if anyone is to be told."""
    if not ctx.effects.observed or not _is_there(target, destination):
        return MISSING, MISSING
    return db.type_of(source), target.type_of(destination)


def _notify_overwritten(ctx: Context, db: Keyspace, name: bytes, types: tuple[int, int]) -> None:
    """Tells that the value of a key was replaced, perhaps by one of another type."""
    new, old = types
    if old == MISSING:
        return
    ctx.effects.key_event(db.index, name, "overwritten")
    if old != new:
        ctx.effects.key_event(db.index, name, "type_changed")


@command(
    "COPY",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(Key(1, RO | ACCESS), Key(2, OW | UPDATE)),
    group=GENERIC,
    since="6.2.0",
    complexity="O(N) worst case for collections, where N is the number of nested items. O(1) for string "
    "values.",
    args=[
        key("source"),
        key("destination", 1),
        integer_argument("destination-db", token="DB", optional=True),
        token("REPLACE", optional=True),
    ],
)
def copy(ctx: Context, args: list[bytes]) -> Reply:
    """Copies the value of a key to a new key."""
    target, replace = _copy_options(ctx, args)
    source, destination = args[1], args[2]
    if target is ctx.db and source == destination:
        raise CommandError(errors.SAME_OBJECT)
    if not ctx.db.exists(source) or (not replace and _is_there(target, destination)):
        return 0
    types = _types_for_events(ctx, ctx.db, source, target, destination)
    ctx.db.copy(source, target, destination)
    ctx.engine.expiry.fields.follow(ctx.db, source, target, destination)
    ctx.changed_in(target, destination, "copy_to")
    _notify_overwritten(ctx, target, destination, types)
    return 1


def _copy_options(ctx: Context, args: list[bytes]) -> tuple[Keyspace, bool]:
    """The database to copy to, and whether to replace what is there."""
    target, replace = ctx.db, False
    position = 3
    while position < len(args):
        option = args[position].lower()
        if option == b"replace":
            replace = True
        elif option == b"db" and position + 1 < len(args):
            position += 1
            target = database(ctx, database_number(args[position]))
        else:
            raise CommandError(errors.SYNTAX)
        position += 1
    return target, replace


@command(
    "MOVE",
    arity=3,
    flags=WRITE | FAST,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=GENERIC,
    since="1.0.0",
    complexity="O(1)",
    args=[key(), integer_argument("db")],
)
def move(ctx: Context, args: list[bytes]) -> Reply:
    """Moves a key to another database."""
    name = args[1]
    target = database(ctx, database_number(args[2]))
    if target is ctx.db:
        raise CommandError(errors.SAME_OBJECT)
    if not _is_there(ctx.db, name) or _is_there(target, name):
        return 0
    ctx.db.move(name, target, name)
    ctx.engine.expiry.fields.follow(ctx.db, name, target, name)
    ctx.changed(name, "move_from")
    ctx.changed_in(target, name, "move_to", 0)  # one change: the key is elsewhere
    return 1


@command(
    "RANDOMKEY",
    arity=1,
    flags=READONLY | TOUCHES_ARBITRARY_KEYS,
    group=GENERIC,
    since="1.0.0",
    complexity="O(1)",
    hints=["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
)
def randomkey(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a random key name from the database."""
    return ctx.db.random_key()


@command(
    "KEYS",
    arity=2,
    flags=READONLY,
    group=GENERIC,
    acl=ACL_DANGEROUS,
    since="1.0.0",
    complexity="O(N) with N being the number of keys in the database, under the assumption that the key "
    "names in the database and the given pattern have limited length.",
    args=[pattern()],
    hints=["request_policy:all_shards", "nondeterministic_output_order"],
)
def keys(ctx: Context, args: list[bytes]) -> Reply:
    """Returns all key names that match a pattern."""
    return ctx.db.keys(args[1])


@command(
    "SCAN",
    arity=-2,
    flags=READONLY | TOUCHES_ARBITRARY_KEYS,
    group=GENERIC,
    since="2.8.0",
    complexity="O(1) for every call. O(N) for a complete iteration, including enough command calls for the "
    "cursor to return back to 0. N is the number of elements inside the collection.",
    args=[
        integer_argument("cursor"),
        pattern(token="MATCH", optional=True),
        integer_argument("count", token="COUNT", optional=True),
        string("type", token="TYPE", optional=True, since="6.0.0"),
    ],
    history=[("6.0.0", "Added the `TYPE` subcommand.")],
    hints=["nondeterministic_output", "request_policy:special", "response_policy:special"],
)
def scan(ctx: Context, args: list[bytes]) -> Reply:
    """Iterates over the key names in the database."""
    cursor = scan_cursor(args[1])
    options = scan_options(args, 2, valued=b"type")
    wanted = options.others.get(b"type")
    kind = ANY_TYPE if wanted is None else TYPES.get(wanted.lower(), NO_TYPE)
    cursor, found = ctx.db.scan(cursor, options.elements, kind, options.pattern)
    return [b"%d" % cursor, found]
