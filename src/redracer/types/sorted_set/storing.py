# cython: annotation_typing=False
"""How commands come by a sorted set, store one, and report that one was emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.types.sorted_set.value import SortedSet, sorted_set_of

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.sorted_set.value import Flat

ZSET_TYPE = 3
NO_EXPIRY = -1


def sorted_set(ctx: Context, key: bytes) -> SortedSet | None:
    """The sorted set at a key, for a command that reads. Raises CommandError(WRONG_TYPE). O(1)."""
    found: SortedSet | None = ctx.db.get_object(key, ZSET_TYPE)
    return found


def sorted_set_to_change(ctx: Context, key: bytes) -> SortedSet | None:
    """The same for a command that writes: no hit or miss is counted."""
    found: SortedSet | None = ctx.db.get_object(key, ZSET_TYPE, False)
    return found


def keep(ctx: Context, key: bytes, members: SortedSet) -> None:
    """Makes a new set the value of a key. O(1)."""
    ctx.db.set_object(key, ZSET_TYPE, members)


def store(ctx: Context, key: bytes, members_and_scores: Flat, event: str, changes: int = 1) -> int:
    """Stores a new set in place of whatever the key held; an empty one deletes the key.

    Returns the set's length. O(n log n), O(n) if the members are in order.
    """
    if not members_and_scores:
        if ctx.db.delete(key):
            ctx.changed(key, "del")
        return 0
    members = sorted_set_of(members_and_scores, ctx.config.values)
    ctx.db.set_object(key, ZSET_TYPE, members, NO_EXPIRY)
    ctx.changed(key, event, changes)
    return members.length()


def delete_if_empty(ctx: Context, key: bytes, members: SortedSet) -> None:
    """Deletes the key of a set that lost its last member, and says so. O(1)."""
    if members.length() == 0:
        ctx.db.delete(key)
        ctx.notify(key, "del")
