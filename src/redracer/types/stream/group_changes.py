"""Changes of consumer groups: consumers that come up by themselves, and the commands that changes are propagated as.

Those commands come to the same whenever they are executed.
"""

from __future__ import annotations

from redracer.engine.context import Context
from redracer.types.stream.group import Consumer, Group


def claimed(
    key: bytes, group: Group, consumer: bytes, id: bytes, delivered_at: int, deliveries: int, last_id: bytes
) -> list[bytes]:
    """A pending entry as it is: whose, delivered when (Unix time in ms) and how often; and the group's place."""
    return [
        b"XCLAIM", key, group.name, consumer, b"0", id, b"TIME", b"%d" % delivered_at, b"RETRYCOUNT",
        b"%d" % deliveries, b"FORCE", b"JUSTID", b"LASTID", last_id,
    ]  # fmt: skip


def group_moved(key: bytes, group: Group) -> list[bytes]:
    """How far the group has come."""
    return [
        b"XGROUP", b"SETID", key, group.name, group.last_id.text, b"ENTRIESREAD", b"%d" % group.entries_read,
    ]  # fmt: skip


def consumer_created(key: bytes, group: Group, consumer: bytes) -> list[bytes]:
    """A consumer without pending entries, which no XCLAIM would make."""
    return [b"XGROUP", b"CREATECONSUMER", key, group.name, consumer]


def seen_consumer(ctx: Context, key: bytes, group: Group, name: bytes) -> tuple[Consumer, bool]:
    """A consumer that reads or claims now, made where there is none; and whether it was made."""
    consumer = group.consumers.get(name)
    if consumer is not None:
        consumer.seen_at = ctx.now
        return consumer, False
    consumer = group.add_consumer(name, ctx.now)
    assert consumer is not None
    ctx.count_changes(1)
    ctx.notify(key, "xgroup-createconsumer")
    return consumer, True
