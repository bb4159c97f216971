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
from redracer.core.replies import NULL_ARRAY, Map, Reply
from redracer.engine.blocking import ANY_TYPE
from redracer.engine.context import Context
from redracer.engine.flags import BLOCKING, READONLY, STREAM, WRITE
from redracer.engine.grammar import block, key, string, token
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, RO, KeyKeyword
from redracer.engine.registry import command
from redracer.types.stream.group import Group
from redracer.types.stream.group_changes import claimed, consumer_created, group_moved, seen_consumer
from redracer.types.stream.read_options import ReadOptions
from redracer.types.stream.stream_id import MAXIMUM, MINIMUM, StreamId, parse_id
from redracer.types.stream.value import Stream

STREAMS_ARGUMENT = block("streams", key(multiple=True), string("id", multiple=True), token="STREAMS")
BLOCK_ARGUMENT = integer_argument("milliseconds", token="BLOCK", optional=True)
COUNT_ARGUMENT = integer_argument("count", token="COUNT", optional=True)


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
        stream: Stream = streams[at]
        entries = stream.entries_after(ids[at], options.count) if stream is not None else None
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
    assert options.group is not None
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
    propagated: list[list[bytes]] = []
    for at in range(len(keys)):
        entries = group_entries(ctx, options, keys[at], streams[at], groups[at], ids[at], propagated)
        if entries is not None:
            found += [keys[at], entries]
    ctx.rewrite_as(propagated)
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


def group_entries(
    ctx: Context,
    options: ReadOptions,
    name: bytes,
    stream: Stream,
    group: Group,
    after: StreamId | None,
    propagated: list[list[bytes]],
) -> Reply:
    """The entries of one stream for the consumer; None if there is nothing new. Adds what is to be propagated."""
    consumer, is_new = seen_consumer(ctx, name, group, options.consumer)
    if is_new and options.acknowledged:
        propagated.append(consumer_created(name, group, options.consumer))
    if after is not None:
        return stream.history(consumer, after, options.count, ctx.now)
    entries = stream.deliver(group, consumer, options.count, options.acknowledged, ctx.now)
    if not entries:
        return None
    ctx.count_changes(1)
    if ctx.effects.feeds:
        if not options.acknowledged:
            for entry in entries:
                propagated.append(claimed(name, group, options.consumer, entry[0], ctx.now, 1, entry[0]))
        propagated.append(group_moved(name, group))
    return entries
