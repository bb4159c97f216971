"""Setting the expiry of several fields of one hash, with what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core.entry import HASH as HASH_TYPE
from redracer.types.hash.value import (
    count_fields,
    expiry_of,
    next_expiry,
    remove_field,
    set_expiry,
    with_expiries,
)

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.hash.value import HashValue

NO_FIELD = -2
CONDITION_NOT_MET = 0
SET = 1
DELETED = 2


class FieldExpiries:
    """The expiries of the fields of the hash `value` at `key`. The object lives as long as one command.

    `value` is the hash from then on: it may be in another encoding than the one given. `finish` ends the work.
    """

    def __init__(self, ctx: Context, key: bytes, value: HashValue) -> None:
        self.ctx = ctx
        self.key = key
        self.value = with_expiries(value)
        if self.value is not value:
            ctx.db.set_object(key, HASH_TYPE, self.value)

    def set(self, field: bytes, when: int, condition: bytes = b"") -> int:
        """Sets the field's expiry (Unix time, ms) if the condition (nx, xx, gt, lt or nothing) allows it.

        A time that has passed removes the field. Returns NO_FIELD, CONDITION_NOT_MET, SET or DELETED.
        """
        current = expiry_of(self.value, field)
        if current == NO_FIELD:
            return NO_FIELD
        if not _allows(condition, current, when):
            return CONDITION_NOT_MET
        if when > self.ctx.expiry_now:
            set_expiry(self.value, field, when)
            return SET
        remove_field(self.value, field)
        self.ctx.engine.statistics.expired_fields += 1
        self.ctx.effects.propagate(self.ctx.db.index, [b"HDEL", self.key, field])
        return DELETED

    def finish(self) -> None:
        """Tells the expiry cycle when to look at the hash."""
        when = next_expiry(self.value) if count_fields(self.value) else -1
        self.ctx.engine.expiry.fields.watch(self.ctx.db, self.key, when)


def _allows(condition: bytes, current: int, when: int) -> bool:
    """Whether a field that expires at `current` (-1: never, which is after any time) may expire at `when`."""
    if current < 0:
        return condition not in (b"xx", b"gt")
    if condition == b"gt":
        return when > current
    if condition == b"lt":
        return when < current
    return condition != b"nx"
