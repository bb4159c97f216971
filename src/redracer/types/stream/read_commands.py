"""XREAD and XREADGROUP: entries after an ID, of several streams at once, now or as soon as there are some.

A client that waits is called again with the same arguments when one of its keys has changed, so `$` is turned into the
ID that it stood for. XREADGROUP also wakes when its key is gone or of another type: then its group is no more, and the
client is told so.

What XREADGROUP changes is propagated as what it came to: an XCLAIM for each pending entry, the group's new place,
and with NOACK, which leaves no pending entries, the new consumer.
"""

from __future__ import annotations

from typing import Any

from redracer.core import errors
from redracer.core.entry import STREAM as STREAM_TYPE
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import NULL_ARRAY, Map, Reply
from redracer.engine.arguments import LONG_MAX, integer
from redracer.engine.blocking import ANY_TYPE
from redracer.engine.context import Context
from redracer.engine.flags import BLOCKING, READONLY, STREAM, WRITE
from redracer.engine.grammar import block, key, string, token
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, RO, KeyKeyword
from redracer.engine.registry import command
from redracer.types.stream.group import Group
from redracer.types.stream.group_changes import claimed, consumer_created, group_moved, seen_consumer
from redracer.types.stream.stream_id import MAXIMUM, MINIMUM, StreamId, parse_id
from redracer.types.stream.value import Stream

STREAMS_ARGUMENT = block("streams", key(multiple=True), string("id", multiple=True), token="STREAMS")
BLOCK_ARGUMENT = integer_argument("milliseconds", token="BLOCK", optional=True)
COUNT_ARGUMENT = integer_argument("count", token="COUNT", optional=True)


class ReadOptions:
    """The arguments of XREAD, or with `groups` of XREADGROUP, but for what the streams hold.

    The keys are args[first_key:first_id], and the IDs follow. `timeout` is in ms, None without BLOCK. Raises
    CommandError.
    """

    def __init__(self, ctx: Context, args: list[bytes], groups: bool) -> None:
        self.timeout: int | None = None
        self.count = 0
        self.group = b""
        self.consumer = b""
        self.acknowledged = False
        self.first_key = 0
        self.first_id = 0
        self._read(ctx, args, groups)
        if not self.first_key:
            raise CommandError(errors.SYNTAX)
        if groups and not self._grouped:
            raise CommandError(errors.MISSING_GROUP_OPTION)

    def _read(self, ctx: Context, args: list[bytes], groups: bool) -> None:
        self._grouped = False
        at = 1
        while at < len(args):
            word = args[at].lower()
            more = len(args) - at - 1
            if word == b"block" and more:
                self.timeout = milliseconds(ctx, args[at + 1])
                at += 1
            elif word == b"count" and more:
                self.count = max(integer(args[at + 1]), 0)
                at += 1
            elif word == b"streams" and more:
                self._read_streams(args, at + 1, groups)
                return
            elif word == b"group" and more >= 2:
                if not groups:
                    raise CommandError(errors.GROUP_OPTION_OF_XREADGROUP)
                self._grouped = True
                self.group, self.consumer = args[at + 1], args[at + 2]
                at += 2
            elif word == b"noack":
                if not groups:
                    raise CommandError(errors.NOACK_OPTION_OF_XREADGROUP)
                self.acknowledged = True
            else:
                raise CommandError(errors.SYNTAX)
            at += 1

    def _read_streams(self, args: list[bytes], first_key: int, groups: bool) -> None:
        if (len(args) - first_key) % 2:
            if groups:
                raise CommandError(errors.unbalanced_streams(b"xreadgroup", b"ID or '>'"))
            raise CommandError(errors.unbalanced_streams(b"xread", b"ID, '+', or '$'"))
        self.first_key = first_key
        self.first_id = first_key + (len(args) - first_key) // 2


def milliseconds(ctx: Context, text: bytes) -> int:
    """BLOCK's time in ms. Raises CommandError."""
    time = parse_integer(text)
    if time is None:
        raise CommandError(errors.INVALID_MILLISECONDS_TIMEOUT)
    if time < 0:
        raise CommandError(errors.NEGATIVE_TIMEOUT)
    if time > LONG_MAX - ctx.now:
        raise CommandError(errors.TIMEOUT_OUT_OF_RANGE)
    return time


def by_stream(ctx: Context, found: list[Any]) -> Reply:
    """The reply of keys and entries (flat): RESP2 has pairs, RESP3 a map."""
    if not found:
        return NULL_ARRAY
    if ctx.client.resp == 3:
        return Map(found)
    return [found[at : at + 2] for at in range(0, len(found), 2)]


@command(
    "XREAD",
    arity=-4,
    flags=BLOCKING | READONLY,
    keys=KeyKeyword("STREAMS", 1, RO | ACCESS, last=-1, limit=2),
    group=STREAM,
    since="5.0.0",
    complexity="For each stream mentioned: O(N) with N being the number of elements being returned, it means that "
    "XREAD-ing with a fixed COUNT is O(1). Note that when the BLOCK option is used, XADD will pay O(M) time in order "
    "to serve the M clients blocked on the stream getting new data.",
    args=[COUNT_ARGUMENT, BLOCK_ARGUMENT, STREAMS_ARGUMENT],
)
def xread(ctx: Context, args: list[bytes]) -> Reply:
    """Returns messages from multiple streams with IDs greater than the ones requested. Blocks until a message is
    available otherwise."""
    options = ReadOptions(ctx, args, False)
    keys = args[options.first_key : options.first_id]
    texts = args[options.first_id :]
    streams = []
    ids = []
    for at in range(len(keys)):
        streams.append(ctx.db.get_object(keys[at], STREAM_TYPE, True))
        ids.append(last_seen(streams[at], texts[at]))
    found: list[Any] = []
    for at in range(len(keys)):
        entries = entries_after(streams[at], ids[at], options.count)
        if entries:
            found += [keys[at], entries]
    if found or options.timeout is None:
        return by_stream(ctx, found)
    waiting = list(args)
    for at in range(len(keys)):
        if texts[at] == b"$":
            waiting[options.first_id + at] = ids[at].text
    return ctx.block(waiting, keys, STREAM_TYPE, options.timeout, NULL_ARRAY)


def last_seen(stream: Stream | None, text: bytes) -> StreamId:
    """The ID that XREAD is to return what comes after. Raises CommandError."""
    if text == b"$":
        return MINIMUM if stream is None else stream.last_id
    if text == b"+":
        last = stream.last_entry_id() if stream is not None else None
        before = last.previous() if last is not None else None
        return MINIMUM if before is None else before
    if text == b">":
        raise CommandError(errors.NEW_ID_OF_XREADGROUP)
    return parse_id(text)


def entries_after(stream: Stream | None, id: StreamId, count: int) -> Reply:
    """The entries after `id`; None if there are none."""
    if stream is None or not stream.has_after(id):
        return None
    return stream.entries_after(id, count)


@command(
    "XREADGROUP",
    arity=-7,
    flags=BLOCKING | WRITE,
    keys=KeyKeyword("STREAMS", 4, RO | ACCESS, last=-1, limit=2),
    group=STREAM,
    since="5.0.0",
    complexity="For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. "
    "always asking for the first 10 elements with COUNT), you can consider it O(1). On the other side when "
    "XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N clients blocked on the stream getting "
    "new data.",
    args=[
        block("group-block", string("group"), string("consumer"), token="GROUP"),
        COUNT_ARGUMENT,
        BLOCK_ARGUMENT,
        token("NOACK", optional=True),
        STREAMS_ARGUMENT,
    ],
)
def xreadgroup(ctx: Context, args: list[bytes]) -> Reply:
    """Returns new or historical messages from a stream for a consumer in a group. Blocks until a message is
    available otherwise."""
    options = ReadOptions(ctx, args, True)
    keys = args[options.first_key : options.first_id]
    texts = args[options.first_id :]
    streams = []
    groups = []
    ids = []
    for at in range(len(keys)):
        stream: Stream = ctx.db.get_object(keys[at], STREAM_TYPE, True)
        group = stream.group(options.group) if stream is not None else None
        if group is None:
            raise CommandError(errors.no_group_to_read(keys[at], options.group))
        streams.append(stream)
        groups.append(group)
        ids.append(history_start(texts[at]))
    found: list[Any] = []
    reading = Reading(ctx, options)
    for at in range(len(keys)):
        entries = reading.read(keys[at], streams[at], groups[at], ids[at])
        if entries is not None:
            found += [keys[at], entries]
    ctx.rewrite_as(reading.propagated)
    if found or options.timeout is None:
        return by_stream(ctx, found)
    return ctx.block(list(args), keys, ANY_TYPE, options.timeout, NULL_ARRAY)


def history_start(text: bytes) -> StreamId | None:
    """The ID after which XREADGROUP is to return what is pending; None for `>`, new entries. Raises CommandError."""
    if text == b">":
        return None
    if text in (b"$", b"+"):
        raise CommandError(errors.meaningless_id(text))
    id = parse_id(text)
    return None if id == MAXIMUM else id  # nothing is after it, and Redis takes it for `>`


class Reading:
    """One XREADGROUP call: reads stream by stream, and collects what is to be propagated in its place."""

    def __init__(self, ctx: Context, options: ReadOptions) -> None:
        self.ctx = ctx
        self.options = options
        self.propagated: list[list[bytes]] = []

    def read(self, name: bytes, stream: Stream, group: Group, after: StreamId | None) -> Reply:
        """The entries of one stream for the consumer; None if there is nothing new."""
        ctx, options = self.ctx, self.options
        consumer, is_new = seen_consumer(ctx, name, group, options.consumer)
        if is_new and options.acknowledged:
            self.propagated.append(consumer_created(name, group, options.consumer))
        if after is not None:
            return stream.history(consumer, after, options.count, ctx.now)
        if not stream.has_after(group.last_id):
            return None
        entries = stream.deliver(group, consumer, group.last_id, options.count, options.acknowledged, ctx.now)
        ctx.count_changes(1)
        if ctx.effects.feeds:
            if not options.acknowledged:
                for entry in entries:
                    self.propagated.append(
                        claimed(name, group, consumer.name, entry[0], ctx.now, 1, entry[0])
                    )
            self.propagated.append(group_moved(name, group))
        return entries
