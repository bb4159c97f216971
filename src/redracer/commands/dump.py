"""DUMP and RESTORE: a value in Redis's own format, out of one key and into another, perhaps of another server."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redracer.core import dump_payload, errors
from redracer.core.errors import CommandError
from redracer.core.rdb_reader import CorruptRdb
from redracer.core.replies import OK, Reply
from redracer.core.type_spec import TypeSpec, store, type_spec
from redracer.engine import log
from redracer.engine.arguments import integer
from redracer.engine.debug_table import flag_of, subcommand
from redracer.engine.flags import (
    ACL_DANGEROUS,
    ACL_KEYSPACE,
    ASKING,
    DENYOOM,
    GENERIC,
    READONLY,
    SERVER,
    SYSCMD,
    WRITE,
)
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.grammar import key, string, token
from redracer.engine.key_specs import ACCESS, OW, RO, UPDATE, Key
from redracer.engine.registry import command

if TYPE_CHECKING:
    from typing import Any

    from redracer.engine.context import Context

MISSING = -1  # what Keyspace.type_of answers for a key that is not there
NO_KEY = -2  # and what Keyspace.expiry_of does
NO_EXPIRY = -1
NOT_GIVEN = -1
FREQUENCY_MAX = 255
LONG_MAX = 2**63 - 1

RESTORE_ARGS = [
    key(),
    integer_argument("ttl"),
    string("serialized-value"),
    token("REPLACE", optional=True, since="3.0.0"),
    token("ABSTTL", optional=True, since="5.0.0"),
    integer_argument("seconds", token="IDLETIME", optional=True, since="5.0.0"),
    integer_argument("frequency", token="FREQ", optional=True, since="5.0.0"),
]
RESTORE_HISTORY = [
    ("3.0.0", "Added the `REPLACE` modifier."),
    ("5.0.0", "Added the `ABSTTL` modifier."),
    ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
]
RESTORE_COMPLEXITY = (
    "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of "
    "Redis objects composing the value and M their average size. For small string values the time complexity is "
    "thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) "
    "because inserting values into sorted sets is O(log(N))."
)


@command(
    "DUMP",
    arity=2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=GENERIC,
    since="2.6.0",
    complexity="O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects "
    "composing the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) "
    "where M is small, so simply O(1).",
    args=[key()],
    hints=["nondeterministic_output"],
)
def dump(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a serialized representation of the value stored at a key."""
    return payload_of(ctx, args[1])


def payload_of(ctx: Context, name: bytes) -> bytes | None:
    """The value at a key as RESTORE takes it, or None. O(bytes)."""
    kind = ctx.db.type_of(name)
    if kind == MISSING:
        return None
    spec = type_spec(kind)
    return dump_payload.dump(spec, spec.value(ctx.db, name), ctx.config["rdbcompression"])


@command(
    "RESTORE",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=Key(1, OW | UPDATE),
    group=GENERIC,
    acl=ACL_DANGEROUS,
    since="2.6.0",
    complexity=RESTORE_COMPLEXITY,
    args=RESTORE_ARGS,
    history=RESTORE_HISTORY,
)
def restore(ctx: Context, args: list[bytes]) -> Reply:
    """Creates a key from the serialized representation of a value."""
    options = _restore_options(args)
    db, name = ctx.db, args[1]
    old_type = db.type_of(name) if db.expiry_of(name) != NO_KEY else MISSING
    if old_type != MISSING and not options.replace:
        raise CommandError(errors.BUSY_KEY)
    ttl = integer(args[2])
    if ttl < 0:
        raise CommandError(errors.NEGATIVE_TTL)
    spec, value = _restored(ctx, args[3])
    expire_at = min(ttl if options.absolute else ttl + ctx.now, LONG_MAX) if ttl else NO_EXPIRY
    if ttl and expire_at <= ctx.expiry_now:
        if old_type != MISSING:
            _delete(ctx, name)
        return OK
    store(spec, db, name, value, expire_at)
    _follow_up(ctx, name, spec, value, options)
    if ttl and not options.absolute:
        ctx.rewrite_as([[args[0], name, b"%d" % expire_at, *args[3:], b"ABSTTL"]])
    ctx.changed(name, "restore")
    if old_type != MISSING:
        ctx.notify(name, "overwritten")
        if old_type != spec.type:
            ctx.notify(name, "type_changed")
    return OK


@command(
    "RESTORE-ASKING",
    arity=-4,
    flags=WRITE | DENYOOM | ASKING,
    keys=Key(1, OW | UPDATE),
    group=SERVER,
    acl=ACL_KEYSPACE | ACL_DANGEROUS,
    since="3.0.0",
    complexity=RESTORE_COMPLEXITY,
    args=RESTORE_ARGS,
    history=RESTORE_HISTORY,
    doc_flags=SYSCMD,
)
def restore_asking(ctx: Context, args: list[bytes]) -> Reply:
    """An internal command for migrating keys in a cluster."""
    return restore(ctx, args)


class RestoreOptions(NamedTuple):
    """What stands behind RESTORE's payload."""

    replace: bool
    absolute: bool  # the time to live is a Unix time
    idle_seconds: int  # NOT_GIVEN, or since the last use
    frequency: int  # NOT_GIVEN, or of use: 0 to 255


def _restore_options(args: list[bytes]) -> RestoreOptions:
    """Reads the options; raises CommandError."""
    replace = absolute = False
    idle = frequency = NOT_GIVEN
    position = 4
    while position < len(args):
        option = args[position].lower()
        has_value = position + 1 < len(args)
        if option == b"replace":
            replace = True
        elif option == b"absttl":
            absolute = True
        elif option == b"idletime" and has_value and frequency == NOT_GIVEN:
            position += 1
            idle = integer(args[position])
            if idle < 0:
                raise CommandError(errors.NEGATIVE_IDLE_TIME)
        elif option == b"freq" and has_value and idle == NOT_GIVEN:
            position += 1
            frequency = integer(args[position])
            if not 0 <= frequency <= FREQUENCY_MAX:
                raise CommandError(errors.FREQUENCY_OUT_OF_RANGE)
        else:
            raise CommandError(errors.SYNTAX)
        position += 1
    return RestoreOptions(replace, absolute, idle, frequency)


def _restored(ctx: Context, payload: bytes) -> tuple[TypeSpec, Any]:
    """The value of a payload; raises CommandError, and says in the log what is wrong with the value."""
    if not dump_payload.is_readable(payload, not ctx.engine.skip_checksums):
        raise CommandError(errors.WRONG_PAYLOAD)
    try:
        return dump_payload.restore(payload, ctx.config.values)
    except CorruptRdb as problem:
        log.warning(f"Bad data format in a payload of {len(payload)} bytes: {problem}")
        raise CommandError(errors.BAD_DATA_FORMAT) from None


def _delete(ctx: Context, name: bytes) -> None:
    """Deletes the key that a value that has already expired replaces."""
    ctx.db.delete(name)
    ctx.rewrite_as([[b"UNLINK" if ctx.config["lazyfree-lazy-server-del"] else b"DEL", name]])
    ctx.changed(name, "del")


def _follow_up(ctx: Context, name: bytes, spec: TypeSpec, value: Any, options: RestoreOptions) -> None:
    """Sets what else is known of the new key: when parts of its value expire, and its last use."""
    if spec.next_expiry is not None:
        ctx.engine.expiry.fields.watch(ctx.db, name, spec.next_expiry(value))
    if ctx.db.clock.lfu:
        if options.frequency != NOT_GIVEN:
            ctx.db.set_frequency(name, options.frequency)
    elif options.idle_seconds != NOT_GIVEN:
        ctx.db.set_idle_seconds(name, options.idle_seconds)


@subcommand("SET-SKIP-CHECKSUM-VALIDATION", "<0|1>", 1)
def set_skip_checksum_validation(ctx: Context, args: list[bytes]) -> Reply:
    """Take payloads and files whatever their checksum (1), or only with the right one (0, the default)."""
    ctx.engine.skip_checksums = flag_of(args[2])
    return OK
