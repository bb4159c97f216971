"""Hash commands that read or set fields and at once change their expiry, or remove them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redracer.core import errors
from redracer.core.entry import HASH as HASH_TYPE
from redracer.core.errors import CommandError
from redracer.core.numbers import format_integer, parse_integer
from redracer.core.replies import Reply
from redracer.engine.flags import DENYOOM, FAST, HASH, WRITE
from redracer.engine.grammar import Arg, block, key, one_of, string, token, unix_time
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, DELETE, RW, UPDATE, Key
from redracer.engine.registry import command
from redracer.types.hash.expired import delete_if_empty, expire_named
from redracer.types.hash.field_arguments import FIELDS, UNITS, field_expiry_time, named_fields
from redracer.types.hash.field_expiries import DELETED, SET, FieldExpiries
from redracer.types.hash.limits import limits_of
from redracer.types.hash.value import get_field, has_field, next_expiry, persist, remove_field, set_fields

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.hash.value import HashValue

INT_MAX = 2**31 - 1
PER_FIELD = "O(N) where N is the number of specified fields"


def expiration_argument(other: Arg) -> Arg:
    """The grammar of the times, and of the one other thing that may happen to an expiry."""
    return one_of(
        "expiration",
        integer_argument("seconds", token="EX"),
        integer_argument("milliseconds", token="PX"),
        unix_time("unix-time-seconds", token="EXAT"),
        unix_time("unix-time-milliseconds", token="PXAT"),
        other,
        optional=True,
    )


@command(
    "HGETDEL",
    arity=-5,
    flags=WRITE | FAST,
    keys=Key(1, RW | ACCESS | DELETE),
    group=HASH,
    since="8.0.0",
    complexity=PER_FIELD,
    args=[key(), FIELDS],
)
def hgetdel(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the value of a field and deletes it from the hash."""
    value = ctx.db.get_object(args[1], HASH_TYPE, False)
    fields = named_fields(args, 2)
    if value is None:
        return [None] * len(fields)
    expired = expire_named(ctx, args[1], value, fields)
    found = []
    for field in fields:
        found.append(get_field(value, field, ctx.expiry_now))
        if found[-1] is not None:
            remove_field(value, field)
    removed = len(found) - found.count(None)
    if removed:
        ctx.changed(args[1], "hdel", removed)
        ctx.rewrite_as([[b"HDEL", args[1], *fields]])
        ctx.engine.expiry.fields.watch(ctx.db, args[1], next_expiry(value))
    if removed or expired:
        delete_if_empty(ctx, args[1], value)
    return found


@command(
    "HGETEX",
    arity=-5,
    flags=WRITE | FAST,
    keys=Key(1, RW | ACCESS | UPDATE, "RW and UPDATE because it changes the TTL"),
    group=HASH,
    since="8.0.0",
    complexity=PER_FIELD,
    args=[key(), expiration_argument(token("PERSIST")), FIELDS],
)
def hgetex(ctx: Context, args: list[bytes]) -> Reply:
    """Get the value of one or more fields of a given hash key, and optionally set their expiration."""
    value = ctx.db.get_object(args[1], HASH_TYPE, False)
    option = args[2].lower()
    when, position = -1, 2
    if option in UNITS:
        unit, relative = UNITS[option]
        when = field_expiry_time(args[3], unit, ctx.now if relative else 0, b"hgetex")
        position = 4
    elif option == b"persist":
        position = 3
    fields = named_fields(args, position)
    if value is None:
        return [None] * len(fields)
    expired = expire_named(ctx, args[1], value, fields)
    found = [get_field(value, field, ctx.expiry_now) for field in fields]
    present = [field for field, content in zip(fields, found, strict=True) if content is not None]
    if when >= 0:
        value = _expire_read(ctx, args[1], value, present, when)
    elif option == b"persist":
        _persist_read(ctx, args[1], value, present)
    if expired or when >= 0:
        delete_if_empty(ctx, args[1], value)
    return found


def _expire_read(ctx: Context, name: bytes, value: HashValue, fields: list[bytes], when: int) -> HashValue:
    """Sets the expiry of fields that HGETEX has read; the hash as it is then."""
    expiries = FieldExpiries(ctx, name, value)
    codes = [expiries.set(field, when) for field in fields]
    expiries.finish()
    updated = [field for field, code in zip(fields, codes, strict=True) if code == SET]
    changes = len(updated) + codes.count(DELETED)
    if changes:
        ctx.changed(name, "hexpire" if updated else "hdel", changes)
        count = format_integer(len(updated))
        rewritten = [b"HPEXPIREAT", name, format_integer(when), b"FIELDS", count, *updated]
        ctx.rewrite_as([rewritten] if updated else [])
    return expiries.value


def _persist_read(ctx: Context, name: bytes, value: HashValue, fields: list[bytes]) -> None:
    """Takes the expiry from fields that HGETEX has read."""
    persisted = [field for field in fields if persist(value, field)]
    if persisted:
        ctx.engine.expiry.fields.watch(ctx.db, name, next_expiry(value))
        ctx.changed(name, "hpersist", len(persisted))
        ctx.rewrite_as([[b"HPERSIST", name, b"FIELDS", format_integer(len(persisted)), *persisted]])


class SetOptions(NamedTuple):
    """What HSETEX's arguments say."""

    condition: bytes  # fnx, fxx or nothing
    expiration: bytes  # ex, px, exat, pxat, keepttl or nothing
    when: int  # Unix time in ms, -1 without one
    first: int  # the position of the first field


@command(
    "HSETEX",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | UPDATE),
    group=HASH,
    since="8.0.0",
    complexity="O(N) where N is the number of fields being set.",
    args=[
        key(),
        one_of("condition", token("FNX"), token("FXX"), optional=True),
        expiration_argument(token("KEEPTTL")),
        block(
            "fields",
            integer_argument("numfields"),
            block("data", string("field"), string("value"), multiple=True),
            token="FIELDS",
        ),
    ],
)
def hsetex(ctx: Context, args: list[bytes]) -> Reply:
    """Set the value of one or more fields of a given hash key, and optionally set their expiration."""
    options = _set_options(ctx, args)
    name, fields = args[1], args[options.first :: 2]
    if options.condition and not _condition_holds(ctx, name, fields, options.condition):
        return 0
    keep_expiry = options.expiration != b""
    set_fields(ctx.db, name, args, options.first, limits_of(ctx), keep_expiry)
    ctx.changed(name, "hset", len(fields))
    if options.when >= 0:
        _expire_set(ctx, args, fields, options)
    return 1


def _set_options(ctx: Context, args: list[bytes]) -> SetOptions:
    condition = expiration = b""
    when, position = -1, 2
    while position < len(args):
        word = args[position].lower()
        if word == b"fields":
            _check_count(args, position)
            return SetOptions(condition, expiration, when, position + 2)
        if word in UNITS or word == b"keepttl":
            if expiration:
                raise CommandError(errors.HSETEX_EXPIRATION_CONFLICT)
            expiration = word
            if word in UNITS:
                position += 1
                when = _time(ctx, args, position, word)
        elif word in (b"fnx", b"fxx"):
            if condition:
                raise CommandError(errors.FXX_FNX_CONFLICT)
            condition = word
        else:
            raise CommandError(errors.unknown_argument(args[position]))
        position += 1
    raise CommandError(errors.wrong_arity(b"hsetex"))


def _check_count(args: list[bytes], position: int) -> None:
    """Refuses where `FIELDS numfields` at a position is not followed by so many fields with their values."""
    if position >= len(args) - 3:
        raise CommandError(errors.wrong_arity(b"hsetex"))
    count = parse_integer(args[position + 1])
    if count is None or not 1 <= count <= INT_MAX:
        raise CommandError(errors.INVALID_FIELD_COUNT)
    if 2 * count != len(args) - position - 2:
        raise CommandError(errors.wrong_arity(b"hsetex"))


def _time(ctx: Context, args: list[bytes], position: int, option: bytes) -> int:
    if position >= len(args):
        raise CommandError(errors.MISSING_EXPIRE_TIME)
    unit, relative = UNITS[option]
    return field_expiry_time(args[position], unit, ctx.now if relative else 0, b"hsetex")


def _condition_holds(ctx: Context, name: bytes, fields: list[bytes], condition: bytes) -> bool:
    """Whether none of the fields exists (fnx), or all do (fxx). Expired ones are removed."""
    value = ctx.db.get_object(name, HASH_TYPE, False)
    if value is None:
        return condition == b"fnx"
    expired = expire_named(ctx, name, value, fields)
    exist = [has_field(value, field, ctx.expiry_now) for field in fields]
    holds = all(exist) if condition == b"fxx" else not any(exist)
    if expired and not holds:
        delete_if_empty(ctx, name, value)
    return holds


def _expire_set(ctx: Context, args: list[bytes], fields: list[bytes], options: SetOptions) -> None:
    """Sets the expiry of the fields that HSETEX has set."""
    name = args[1]
    expiries = FieldExpiries(ctx, name, ctx.db.get_object(name, HASH_TYPE, False))
    codes = [expiries.set(field, options.when) for field in fields]
    expiries.finish()
    if DELETED in codes:
        ctx.notify(name, "hdel")
        ctx.rewrite_as([])  # replicas get HDEL
        delete_if_empty(ctx, name, expiries.value)
        return
    ctx.notify(name, "hexpire")
    condition = [options.condition.upper()] if options.condition else []
    time = format_integer(options.when)
    ctx.rewrite_as([[b"HSETEX", name, *condition, b"PXAT", time, *args[options.first - 2 :]]])
