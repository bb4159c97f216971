"""Stream commands: adding, ranges, deleting, trimming.

What waits for entries is in `read_commands.py`, consumer groups in `group_commands.py` and `claim_commands.py`,
XINFO in `info_commands.py`.
"""

from __future__ import annotations

from redracer.core import errors
from redracer.core.entry import STREAM as STREAM_TYPE
from redracer.core.errors import CommandError
from redracer.core.replies import NULL_ARRAY, OK, Reply
from redracer.engine.arguments import integer
from redracer.engine.context import Context
from redracer.engine.flags import DENYOOM, FAST, READONLY, STREAM, WRITE
from redracer.engine.grammar import block, key, one_of, string, token
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, DELETE, RO, RW, UPDATE, Key
from redracer.engine.registry import command
from redracer.types.stream.add_options import AddOptions
from redracer.types.stream.arguments import (
    IDS_ARGUMENT,
    POLICY_ARGUMENT,
    deletion_arguments,
    range_end,
    range_start,
    trimming_argument,
)
from redracer.types.stream.entry_log import DELETE_REFERENCES
from redracer.types.stream.limits import limits_of
from redracer.types.stream.stream_id import MINIMUM, StreamId, parse_id
from redracer.types.stream.value import Stream

NO_LIMIT = -1  # COUNT is not given
MISSING, DELETED, STILL_REFERENCED = -1, 1, 2  # what XDELEX answers of an ID


@command(
    "XADD",
    arity=-5,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | UPDATE, "UPDATE instead of INSERT because of the optional trimming feature"),
    group=STREAM,
    since="5.0.0",
    complexity="O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.",
    args=[
        key(),
        token("NOMKSTREAM", optional=True, since="6.2.0"),
        POLICY_ARGUMENT,
        trimming_argument(optional=True),
        one_of("id-selector", token("*", "auto-id"), string("id")),
        block("data", string("field"), string("value"), multiple=True),
    ],
    history=[
        ("6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option."),
        ("7.0.0", "Added support for the `<ms>-*` explicit ID form."),
        ("8.2.0", "Added the `KEEPREF`, `DELREF` and `ACKED` options."),
    ],
    hints=["nondeterministic_output"],
)
def xadd(ctx: Context, args: list[bytes]) -> Reply:
    """Appends a new message to a stream. Creates the key if it doesn't exist."""
    if args[2] != b"*":
        return add_with_options(ctx, args)
    if len(args) % 2 == 0:
        raise CommandError(errors.wrong_arity(b"xadd"))
    stream: Stream = ctx.db.get_object(args[1], STREAM_TYPE, False)
    is_new = stream is None
    if is_new:
        stream = Stream()
    added = stream.append(args, 3, None, False, ctx.now, limits_of(ctx))
    if is_new:
        ctx.db.set_object(args[1], STREAM_TYPE, stream)
    ctx.changed(args[1], "xadd")
    if ctx.effects.feeds:
        exact = args[:]
        exact[2] = added
        ctx.rewrite_as([exact])
    return added


def add_with_options(ctx: Context, args: list[bytes]) -> Reply:
    """XADD with an ID or options."""
    options = AddOptions(ctx, args, True)
    first_field = options.id_at + 1
    if len(args) - first_field < 2 or (len(args) - first_field) % 2:
        raise CommandError(errors.wrong_arity(b"xadd"))
    if options.id is not None and options.sequence_given and options.id == MINIMUM:
        raise CommandError(errors.STREAM_ID_ZERO)
    stream: Stream = ctx.db.get_object(args[1], STREAM_TYPE, False)
    is_new = stream is None
    if is_new:
        if not options.creates:
            return None
        stream = Stream()
    added = stream.append(args, first_field, options.id, options.sequence_given, ctx.now, limits_of(ctx))
    if is_new:
        ctx.db.set_object(args[1], STREAM_TYPE, stream)
    ctx.changed(args[1], "xadd")
    if options.trims and options.trim(stream):
        ctx.notify(args[1], "xtrim")
    if ctx.effects.feeds:
        ctx.rewrite_as([options.exact(args, stream, added)])
    return added


@command(
    "XLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO),
    group=STREAM,
    since="5.0.0",
    complexity="O(1)",
    args=[key()],
)
def xlen(ctx: Context, args: list[bytes]) -> Reply:
    """Return the number of messages in a stream."""
    stream: Stream = ctx.db.get_object(args[1], STREAM_TYPE, True)
    return 0 if stream is None else stream.length


def count_option(args: list[bytes]) -> int:
    """COUNT of XRANGE and XREVRANGE, NO_LIMIT without it. Raises CommandError."""
    count = NO_LIMIT
    at = 4
    while at < len(args):
        if args[at].lower() != b"count" or at + 1 == len(args):
            raise CommandError(errors.SYNTAX)
        count = max(integer(args[at + 1]), 0)
        at += 2
    return count


def entries_between(ctx: Context, args: list[bytes], first: bytes, last: bytes, reverse: bool) -> Reply:
    """The entries of args[1] in a range of IDs, in either direction."""
    start = range_start(first)
    end = range_end(last)
    count = count_option(args)
    stream: Stream = ctx.db.get_object(args[1], STREAM_TYPE, True)
    if stream is None:
        return []
    if count == 0:
        return NULL_ARRAY
    return stream.range(start, end, max(count, 0), reverse)


@command(
    "XRANGE",
    arity=-4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=STREAM,
    since="5.0.0",
    complexity="O(N) with N being the number of elements being returned. If N is constant (e.g. always asking "
    "for the first 10 elements with COUNT), you can consider it O(1).",
    args=[key(), string("start"), string("end"), integer_argument("count", token="COUNT", optional=True)],
    history=[("6.2.0", "Added exclusive ranges.")],
)
def xrange(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the messages from a stream within a range of IDs."""
    return entries_between(ctx, args, args[2], args[3], False)


@command(
    "XREVRANGE",
    arity=-4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=STREAM,
    since="5.0.0",
    complexity="O(N) with N being the number of elements returned. If N is constant (e.g. always asking for the "
    "first 10 elements with COUNT), you can consider it O(1).",
    args=[key(), string("end"), string("start"), integer_argument("count", token="COUNT", optional=True)],
    history=[("6.2.0", "Added exclusive ranges.")],
)
def xrevrange(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the messages from a stream within a range of IDs in reverse order."""
    return entries_between(ctx, args, args[3], args[2], True)


@command(
    "XDEL",
    arity=-3,
    flags=WRITE | FAST,
    keys=Key(1, RW | DELETE),
    group=STREAM,
    since="5.0.0",
    complexity="O(1) for each single item to delete in the stream, regardless of the stream size.",
    args=[key(), string("id", multiple=True)],
)
def xdel(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of messages after removing them from a stream."""
    stream: Stream = ctx.db.get_object(args[1], STREAM_TYPE, False)
    if stream is None:
        return 0
    ids = [parse_id(text) for text in args[2:]]
    deleted = sum([stream.delete(id) for id in ids])
    finish_deletion(ctx, args[1], stream, deleted, deleted)
    return deleted


def finish_deletion(ctx: Context, key: bytes, stream: Stream, deleted: int, changes: int) -> None:
    """Tells that entries were deleted, one after the other, which counts as so many changes."""
    if deleted:
        stream.refresh_first()
        ctx.changed(key, "xdel", changes)


@command(
    "XDELEX",
    arity=-5,
    flags=WRITE | FAST,
    keys=Key(1, RW | DELETE),
    group=STREAM,
    since="8.2.0",
    complexity="O(1) for each single item to delete in the stream, regardless of the stream size.",
    args=[key(), POLICY_ARGUMENT, IDS_ARGUMENT],
)
def xdelex(ctx: Context, args: list[bytes]) -> Reply:
    """Deletes one or multiple entries from the stream."""
    stream: Stream = ctx.db.get_object(args[1], STREAM_TYPE, False)
    policy, texts = deletion_arguments(args, 2)
    if stream is None:
        return [MISSING] * len(texts)
    ids = [parse_id(text) for text in texts]
    results = []
    for id in ids:
        if not stream.release(id, policy):
            results.append(STILL_REFERENCED)
        else:
            results.append(DELETED if stream.delete(id) else MISSING)
    deleted = results.count(DELETED)
    finish_deletion(ctx, args[1], stream, deleted, deleted)
    if policy == DELETE_REFERENCES:
        ctx.propagate_unchanged()  # pending entries may have gone without an entry
    return results


@command(
    "XTRIM",
    arity=-4,
    flags=WRITE,
    keys=Key(1, RW | DELETE),
    group=STREAM,
    since="5.0.0",
    complexity="O(N), with N being the number of evicted entries. Constant times are very small however, since "
    "entries are organized in macro nodes containing multiple entries that can be released with a single "
    "deallocation.",
    args=[key(), trimming_argument(), POLICY_ARGUMENT],
    history=[
        ("6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option."),
        ("8.2.0", "Added the `KEEPREF`, `DELREF` and `ACKED` options."),
    ],
    hints=["nondeterministic_output"],
)
def xtrim(ctx: Context, args: list[bytes]) -> Reply:
    """Deletes messages from the beginning of a stream."""
    options = AddOptions(ctx, args, False)
    stream: Stream = ctx.db.get_object(args[1], STREAM_TYPE, False)
    if stream is None:
        return 0
    deleted = options.trim(stream)
    if deleted:
        ctx.changed(args[1], "xtrim", deleted)
        ctx.rewrite_as([options.exact(args, stream, None)])
    return deleted


@command(
    "XSETID",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | UPDATE),
    group=STREAM,
    since="5.0.0",
    complexity="O(1)",
    args=[
        key(),
        string("last-id"),
        integer_argument("entries-added", token="ENTRIESADDED", optional=True, since="7.0.0"),
        string("max-deleted-id", token="MAXDELETEDID", optional=True, since="7.0.0"),
    ],
    history=[("7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments.")],
)
def xsetid(ctx: Context, args: list[bytes]) -> Reply:
    """An internal command for replicating stream values."""
    last_id = parse_id(args[2])
    added = NO_LIMIT
    highest_deleted = MINIMUM
    at = 3
    while at < len(args):
        word = args[at].lower()
        if word == b"entriesadded" and at + 1 < len(args):
            added = integer(args[at + 1])
            if added < 0:
                raise CommandError(errors.NEGATIVE_ENTRIES_ADDED)
        elif word == b"maxdeletedid" and at + 1 < len(args):
            highest_deleted = parse_id(args[at + 1])
            if last_id < highest_deleted:
                raise CommandError(errors.SETID_BELOW_MAX_DELETED)
        else:
            raise CommandError(errors.SYNTAX)
        at += 2
    stream: Stream = ctx.db.get_object(args[1], STREAM_TYPE, False)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    check_last_id(stream, last_id, added)
    stream.last_id = last_id
    if added != NO_LIMIT:
        stream.entries_added = added
    if highest_deleted != MINIMUM:
        stream.highest_deleted_id = highest_deleted
    ctx.count_changes(1)
    ctx.notify(args[1], "xsetid")
    return OK


def check_last_id(stream: Stream, last_id: StreamId, added: int) -> None:
    """Refuses what would contradict the entries that are there."""
    if last_id < stream.highest_deleted_id:
        raise CommandError(errors.SETID_BELOW_HIGHEST_DELETED)
    top = stream.last_entry_id()
    if top is None:
        return
    if last_id < top:
        raise CommandError(errors.SETID_BELOW_TOP_ITEM)
    if added != NO_LIMIT and stream.length > added:
        raise CommandError(errors.SETID_ENTRIES_ADDED)
