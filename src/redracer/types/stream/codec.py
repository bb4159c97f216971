"""Streams outside the keyspace: their digest, and their size in an RDB file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import digest as digests
from redracer.core.entry import STREAM
from redracer.core.rdb_size import length_size, string_size
from redracer.core.type_spec import TypeSpec, register
from redracer.types.stream.rdb import CODEC
from redracer.types.stream.stream_id import MAXIMUM, MINIMUM, parse_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redracer.core.keyspace import Keyspace
    from redracer.types.stream.group import Group
    from redracer.types.stream.stream_id import StreamId
    from redracer.types.stream.value import Stream

ID_SIZE = 16  # bytes of an ID, as it is in pending entries
TIME_SIZE = 8  # bytes of a time
ENTRIES_PER_STEP = 1000  # that are read out of a stream at once


def value_of(keyspace: Keyspace, key: bytes) -> Stream:
    """The stream at a key that holds one."""
    stream: Stream | None = keyspace.get_object(key, STREAM, False)
    if stream is None:
        raise KeyError(key)
    return stream


def encoding_of(keyspace: Keyspace, key: bytes) -> bytes:
    """The encoding of the stream at a key that holds one."""
    return value_of(keyspace, key).encoding


def digest(before: bytes, stream: Stream) -> bytes:
    """The digest with the stream added: its entries in order, no groups. O(entries)."""
    result = before
    for id, parts in stream.range(MINIMUM, MAXIMUM):
        result = digests.mix(result, id.replace(b"-", b"."))
        for part in parts:
            result = digests.mix(result, part)
    return result


def serialized_length(stream: Stream) -> int:
    """The bytes that a stream takes in an RDB file, its type not counted. O(bytes)."""
    nodes = stream.nodes_as_bytes()
    size = length_size(len(nodes))
    size += sum(length_size(ID_SIZE) + ID_SIZE + string_size(node) for _, node in nodes)
    size += length_size(stream.length) + length_size(stream.entries_added)
    for id in (stream.last_id, stream.first_id, stream.highest_deleted_id):
        size += length_size(id.ms) + length_size(id.sequence)
    groups = stream.sorted_groups()
    return size + length_size(len(groups)) + sum(map(group_size, groups))


def group_size(group: Group) -> int:
    """The bytes that a group takes."""
    size = string_size(group.name) + length_size(group.last_id.ms) + length_size(group.last_id.sequence)
    size += length_size(group.entries_read % 2**64) + length_size(group.pending_count)
    for _, _, _, deliveries in group.pending_range(MINIMUM, MAXIMUM, group.pending_count, None, 2**63 - 1):
        size += ID_SIZE + TIME_SIZE + length_size(deliveries)
    size += length_size(len(group.consumers))
    for consumer in group.consumers.values():
        pending = consumer.pending_count
        size += string_size(consumer.name) + 2 * TIME_SIZE + length_size(pending) + pending * ID_SIZE
    return size


def commands(key: bytes, stream: Stream) -> Iterator[list[bytes]]:
    """The commands that make a stream with its groups. O(entries)."""
    start: StreamId | None = MINIMUM
    while start is not None and (entries := stream.range(start, MAXIMUM, ENTRIES_PER_STEP)):
        for id, parts in entries:
            yield [b"XADD", key, id, *parts]
        start = parse_id(entries[-1][0]).next()
    if not stream.length:  # adding an entry makes a stream, trimming it away leaves the stream
        yield [b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"]
    yield [
        b"XSETID", key, stream.last_id.text, b"ENTRIESADDED", b"%d" % stream.entries_added,
        b"MAXDELETEDID", stream.highest_deleted_id.text,
    ]  # fmt: skip
    for group in stream.sorted_groups():
        yield from group_commands(key, group)


def group_commands(key: bytes, group: Group) -> Iterator[list[bytes]]:
    """The commands that make a group with its consumers and their pending entries."""
    read = b"%d" % group.entries_read
    yield [b"XGROUP", b"CREATE", key, group.name, group.last_id.text, b"ENTRIESREAD", read]
    for consumer in group.sorted_consumers():
        yield [b"XGROUP", b"CREATECONSUMER", key, group.name, consumer.name]
        for id, _, at, deliveries in group.pending_range(MINIMUM, MAXIMUM, 2**63 - 1, consumer, 2**63 - 1):
            yield [
                b"XCLAIM", key, group.name, consumer.name, b"0", id.text, b"TIME", b"%d" % at,
                b"RETRYCOUNT", b"%d" % deliveries, b"JUSTID", b"FORCE",
            ]  # fmt: skip


register(
    TypeSpec(
        type=STREAM,
        name=b"stream",
        number=6,
        value=value_of,
        encoding=encoding_of,
        digest=digest,
        serialized_length=serialized_length,
        rdb=CODEC,
        commands=commands,
    )
)
