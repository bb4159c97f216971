"""Fields that have expired: removed when a command meets them, and by the expiry cycle.

Either way the append-only file and replicas get HDEL, and whoever observes keys the event `hexpired`; a hash
that becomes empty is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core.entry import HASH
from redracer.core.errors import CommandError
from redracer.core.keyspace import Keyspace
from redracer.engine import field_expiry
from redracer.types.hash.limits import limits_of
from redracer.types.hash.value import (
    count_fields,
    expiry_of,
    items_of,
    next_expiry,
    remove_field,
    set_fields,
    take_expired,
)

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.engine.engine import Engine
    from redracer.types.hash.value import HashValue


def expire_named(ctx: Context, key: bytes, value: HashValue, fields: list[bytes]) -> bool:
    """Removes those of the named fields that have expired; whether there were any.

    The caller deletes the hash if it is empty now, unless it adds to it. O(1) while nothing has expired.
    """
    if not 0 <= next_expiry(value) <= ctx.expiry_now or ctx.engine.keeps_expired:
        return False
    expired = [
        field
        for field in fields
        if 0 <= expiry_of(value, field) <= ctx.expiry_now and remove_field(value, field)
    ]
    if not expired:
        return False
    _report(ctx.engine, ctx.db, key, expired)
    return True


def expire_all(ctx: Context, key: bytes, value: HashValue) -> bool:
    """Removes every field that has expired, and the hash if it is empty then; whether it is still there.

    O(expired fields).
    """
    if not 0 <= next_expiry(value) <= ctx.expiry_now or ctx.engine.keeps_expired:
        return True
    _report(ctx.engine, ctx.db, key, take_expired(value, ctx.expiry_now, count_fields(value)))
    return not delete_if_empty(ctx, key, value)


def live_hash(ctx: Context, key: bytes) -> HashValue | None:
    """The hash at a key with nothing in it that has expired, or None. Raises CommandError(WRONG_TYPE).

    What has expired is removed; where that is not ours to do, it is left out of a copy. O(expired), or O(fields).
    """
    value: HashValue | None = ctx.db.get_object(key, HASH)
    if value is None or not expire_all(ctx, key, value):
        return None
    if not 0 <= next_expiry(value) <= ctx.expiry_now:
        return value
    live = items_of(value, ctx.expiry_now)
    if not live:
        return None
    aside = Keyspace(0, ctx.db.clock)
    set_fields(aside, key, live, 0, limits_of(ctx))
    copy: HashValue = aside.get_object(key, HASH)
    return copy


def delete_if_empty(ctx: Context, key: bytes, value: HashValue) -> bool:
    """Deletes the hash that has lost its last field; whether it did."""
    if count_fields(value):
        return False
    ctx.db.delete(key)
    ctx.notify(key, "del")
    return True


def expire_fields(engine: Engine, database: Keyspace, key: bytes, limit: int) -> int:
    """The expiry cycle's call: removes up to `limit` expired fields (see field_expiry.Expirer)."""
    value = _untouched_hash(database, key)
    if value is None:
        return -1
    expired = take_expired(value, engine.clock.now, limit)
    if expired:
        _report(engine, database, key, expired)
    if count_fields(value):
        return next_expiry(value)
    database.delete(key)
    if engine.effects.observed:
        engine.effects.key_event(database.index, key, "del")
    return -1


def _untouched_hash(database: Keyspace, key: bytes) -> HashValue | None:
    """The hash at a key, if there is one. This is no use of it."""
    before = database.clock.no_touch
    database.clock.no_touch = True
    try:
        value: HashValue | None = database.get_object(key, HASH, False)
        return value
    except CommandError:  # another type is there by now
        return None
    finally:
        database.clock.no_touch = before


def _report(engine: Engine, database: Keyspace, key: bytes, fields: list[bytes]) -> None:
    """What follows from the end of these fields."""
    engine.statistics.expired_fields += len(fields)
    for field in fields:
        engine.effects.propagate(database.index, [b"HDEL", key, field])
    if engine.effects.observed:
        engine.effects.key_changed(database.index, key, "hexpired")


field_expiry.register(expire_fields)
