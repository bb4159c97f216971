"""XINFO: what is known of a stream, its groups and their consumers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.entry import STREAM as STREAM_TYPE
from redracer.core.errors import CommandError
from redracer.core.replies import Map, Reply
from redracer.engine.arguments import LONG_MAX, integer
from redracer.engine.flags import READONLY, STREAM
from redracer.engine.grammar import block, key, string
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, RO, Key
from redracer.engine.registry import command, container
from redracer.types.stream.stream_id import MAXIMUM, MINIMUM

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.stream.group import Consumer, Group
    from redracer.types.stream.value import Stream

UNKNOWN = -1  # entries read
NEVER = -1  # active at
FULL_COUNT = 10  # entries, and pending entries of each group and consumer, that FULL shows without COUNT

container(
    "XINFO",
    group=STREAM,
    since="5.0.0",
    summary="A container for stream introspection commands.",
    help_since="5.0.0",
)


def existing_stream(ctx: Context, name: bytes) -> Stream:
    """The stream at a key. Raises CommandError where there is none."""
    stream: Stream | None = ctx.db.get_object(name, STREAM_TYPE, True)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    return stream


def known(count: int) -> int | None:
    """A count, or null where it is not known."""
    return None if count == UNKNOWN else count


@command(
    "XINFO CONSUMERS",
    arity=4,
    flags=READONLY,
    keys=Key(2, RO | ACCESS),
    group=STREAM,
    since="5.0.0",
    complexity="O(1)",
    args=[key(), string("group")],
    history=[("7.2.0", "Added the `inactive` field, and changed the meaning of `idle`.")],
    hints=["nondeterministic_output"],
)
def xinfo_consumers(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a list of the consumers in a consumer group."""
    group = existing_stream(ctx, args[2]).group(args[3])
    if group is None:
        raise CommandError(errors.no_group(args[2], args[3]))
    return [
        Map(
            [
                b"name", consumer.name,
                b"pending", consumer.pending_count,
                b"idle", max(ctx.now - consumer.seen_at, 0),
                b"inactive", NEVER if consumer.active_at == NEVER else ctx.now - consumer.active_at,
            ]
        )
        for consumer in group.sorted_consumers()
    ]  # fmt: skip


@command(
    "XINFO GROUPS",
    arity=3,
    flags=READONLY,
    keys=Key(2, RO | ACCESS),
    group=STREAM,
    since="5.0.0",
    complexity="O(1)",
    args=[key()],
    history=[("7.0.0", "Added the `entries-read` and `lag` fields")],
)
def xinfo_groups(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a list of the consumer groups of a stream."""
    stream = existing_stream(ctx, args[2])
    return [
        Map(
            [
                b"name", group.name,
                b"consumers", len(group.consumers),
                b"pending", group.pending_count,
                b"last-delivered-id", group.last_id.text,
                b"entries-read", known(group.entries_read),
                b"lag", stream.lag(group),
            ]
        )
        for group in stream.sorted_groups()
    ]  # fmt: skip


@command(
    "XINFO STREAM",
    arity=-3,
    flags=READONLY,
    keys=Key(2, RO | ACCESS),
    group=STREAM,
    since="5.0.0",
    complexity="O(1)",
    args=[
        key(),
        block(
            "full-block",
            integer_argument("count", token="COUNT", optional=True),
            token="FULL",
            optional=True,
        ),
    ],
    history=[
        ("6.0.0", "Added the `FULL` modifier."),
        (
            "7.0.0",
            "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and "
            "`lag` fields",
        ),
        ("7.2.0", "Added the `active-time` field, and changed the meaning of `seen-time`."),
    ],
)
def xinfo_stream(ctx: Context, args: list[bytes]) -> Reply:
    """Returns information about a stream."""
    stream = existing_stream(ctx, args[2])
    if len(args) == 3:
        return Map(description(stream) + summary(stream))
    words = [argument.lower() for argument in args[3:5]]
    if len(args) not in (4, 6) or words != [b"full", b"count"][: len(words)]:
        raise CommandError(errors.unknown_subcommand_or_arity(args[1], args[0]))
    count = integer(args[5]) if len(args) == 6 else FULL_COUNT
    return Map(description(stream) + contents(stream, FULL_COUNT if count < 0 else count))


def description(stream: Stream) -> list[Any]:
    """What XINFO STREAM tells in every form. The nodes' index is no radix tree: its blocks stand for that's nodes."""
    return [
        b"length", stream.length,
        b"radix-tree-keys", stream.node_count,
        b"radix-tree-nodes", stream.chunk_count + 1,
        b"last-generated-id", stream.last_id.text,
        b"max-deleted-entry-id", stream.highest_deleted_id.text,
        b"entries-added", stream.entries_added,
        b"recorded-first-entry-id", stream.first_id.text,
    ]  # fmt: skip


def summary(stream: Stream) -> list[Any]:
    """What follows without FULL."""
    first = stream.range(MINIMUM, MAXIMUM, 1)
    last = stream.range(MINIMUM, MAXIMUM, 1, True)
    return [
        b"groups", len(stream.groups or ()),
        b"first-entry", first[0] if first else None,
        b"last-entry", last[0] if last else None,
    ]  # fmt: skip


def contents(stream: Stream, count: int) -> list[Any]:
    """What follows with FULL: up to `count` (0: all) entries, and the groups."""
    return [
        b"entries", stream.range(MINIMUM, MAXIMUM, count),
        b"groups", [full_group(stream, group, count) for group in stream.sorted_groups()],
    ]  # fmt: skip


def full_group(stream: Stream, group: Group, count: int) -> Map:
    """A group with up to `count` (0: all) of its pending entries, and its consumers."""
    pending = group.pending_range(MINIMUM, MAXIMUM, count or LONG_MAX, None, LONG_MAX)
    return Map(
        [
            b"name", group.name,
            b"last-delivered-id", group.last_id.text,
            b"entries-read", known(group.entries_read),
            b"lag", stream.lag(group),
            b"pel-count", group.pending_count,
            b"pending", [[id.text, name, at, deliveries] for id, name, at, deliveries in pending],
            b"consumers", [full_consumer(group, consumer, count) for consumer in group.sorted_consumers()],
        ]
    )  # fmt: skip


def full_consumer(group: Group, consumer: Consumer, count: int) -> Map:
    """A consumer with up to `count` (0: all) of its pending entries."""
    pending = group.pending_range(MINIMUM, MAXIMUM, count or LONG_MAX, consumer, LONG_MAX)
    return Map(
        [
            b"name", consumer.name,
            b"seen-time", consumer.seen_at,
            b"active-time", consumer.active_at,
            b"pel-count", consumer.pending_count,
            b"pending", [[id.text, at, deliveries] for id, _, at, deliveries in pending],
        ]
    )  # fmt: skip
