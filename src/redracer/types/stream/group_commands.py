"""Consumer groups: making, moving and destroying them and their consumers; acknowledging what they have read."""

from __future__ import annotations

from redracer.core import errors
from redracer.core.entry import STREAM as STREAM_TYPE
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Reply
from redracer.engine.arguments import integer
from redracer.engine.context import Context
from redracer.engine.flags import DENYOOM, FAST, STREAM, WRITE
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.grammar import key, one_of, string, token
from redracer.engine.key_specs import DELETE, INSERT, RW, UPDATE, Key
from redracer.engine.registry import command, container
from redracer.types.stream.arguments import (
    IDS_ARGUMENT,
    POLICY_ARGUMENT,
    deletion_arguments,
    find_group,
)
from redracer.types.stream.commands import finish_deletion
from redracer.types.stream.group import Group
from redracer.types.stream.stream_id import MINIMUM, parse_id, parse_range_id
from redracer.types.stream.value import Stream

UNKNOWN = -1  # entries read
NO_CONSUMER = -1
NOT_PENDING, DELETED, STILL_REFERENCED = -1, 1, 2  # what XACKDEL answers of an ID

container(
    "XGROUP",
    group=STREAM,
    since="5.0.0",
    summary="A container for consumer groups commands.",
    help_since="5.0.0",
)


def group_options(args: list[bytes], creates: bool) -> tuple[bool, int]:
    """The options of CREATE and SETID: (MKSTREAM, ENTRIESREAD, which the caller cuts to the entries ever added, since
    a lag is not negative). Raises CommandError."""
    makes_stream = False
    entries_read = UNKNOWN
    at = 5
    while at < len(args):
        word = args[at].lower()
        if creates and word == b"mkstream":
            makes_stream = True
        elif word == b"entriesread" and at + 1 < len(args):
            at += 1
            entries_read = integer(args[at])
            if entries_read < UNKNOWN:
                raise CommandError(errors.NEGATIVE_ENTRIES_READ)
        else:
            raise CommandError(errors.unknown_subcommand_or_arity(args[1], args[0]))
        at += 1
    return makes_stream, entries_read


def existing_group(ctx: Context, args: list[bytes]) -> tuple[Stream, Group]:
    """The stream of args[2] and its group args[3]. Raises CommandError without the one or the other."""
    stream: Stream = ctx.db.get_object(args[2], STREAM_TYPE, False)
    if stream is None:
        raise CommandError(errors.GROUP_NEEDS_KEY)
    group = stream.group(args[3])
    if group is None:
        raise CommandError(errors.no_group(args[2], args[3]))
    return stream, group


@command(
    "XGROUP CREATE",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=Key(2, RW | INSERT),
    group=STREAM,
    since="5.0.0",
    complexity="O(1)",
    args=[
        key(),
        string("group"),
        one_of("id-selector", string("id"), token("$", "new-id")),
        token("MKSTREAM", optional=True),
        integer_argument("entries-read", token="ENTRIESREAD", optional=True, display="entries-read"),
    ],
    history=[("7.0.0", "Added the `entries_read` named argument.")],
)
def xgroup_create(ctx: Context, args: list[bytes]) -> Reply:
    """Creates a consumer group."""
    makes_stream, entries_read = group_options(args, True)
    stream: Stream = ctx.db.get_object(args[2], STREAM_TYPE, False)
    if stream is None and not makes_stream:
        raise CommandError(errors.GROUP_NEEDS_KEY)
    if args[4] != b"$":
        last_id = parse_id(args[4])
    else:
        last_id = MINIMUM if stream is None else stream.last_id
    if stream is not None and stream.group(args[3]) is not None:
        raise CommandError(errors.GROUP_EXISTS)
    if stream is None:
        stream = Stream()
        ctx.db.set_object(args[2], STREAM_TYPE, stream)
        stream.add_group(args[3], last_id, min(entries_read, 0))
        ctx.changed(args[2], "xgroup-create")
        return OK
    stream.add_group(args[3], last_id, min(entries_read, stream.entries_added))
    ctx.count_changes(1)
    ctx.notify(args[2], "xgroup-create")
    return OK


@command(
    "XGROUP SETID",
    arity=-5,
    flags=WRITE,
    keys=Key(2, RW | UPDATE),
    group=STREAM,
    since="5.0.0",
    complexity="O(1)",
    args=[
        key(),
        string("group"),
        one_of("id-selector", string("id"), token("$", "new-id")),
        integer_argument("entriesread", token="ENTRIESREAD", optional=True, display="entries-read"),
    ],
    history=[("7.0.0", "Added the optional `entries_read` argument.")],
)
def xgroup_setid(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the last-delivered ID of a consumer group."""
    entries_read = group_options(args, False)[1]
    stream, group = existing_group(ctx, args)
    last_id = stream.last_id if args[4] == b"$" else parse_range_id(args[4], 0)
    group.last_id = last_id
    group.entries_read = min(entries_read, stream.entries_added)
    ctx.count_changes(1)
    ctx.notify(args[2], "xgroup-setid")
    return OK


@command(
    "XGROUP DESTROY",
    arity=4,
    flags=WRITE,
    keys=Key(2, RW | DELETE),
    group=STREAM,
    since="5.0.0",
    complexity="O(N) where N is the number of entries in the group's pending entries list (PEL).",
    args=[key(), string("group")],
)
def xgroup_destroy(ctx: Context, args: list[bytes]) -> Reply:
    """Destroys a consumer group."""
    stream: Stream = ctx.db.get_object(args[2], STREAM_TYPE, False)
    if stream is None:
        raise CommandError(errors.GROUP_NEEDS_KEY)
    group = stream.remove_group(args[3])
    if group is None:
        return 0
    ctx.engine.lazy_free.add(group)
    ctx.count_changes(1)
    ctx.notify(args[2], "xgroup-destroy")
    ctx.wake(args[2])
    return 1


@command(
    "XGROUP CREATECONSUMER",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=Key(2, RW | INSERT),
    group=STREAM,
    since="6.2.0",
    complexity="O(1)",
    args=[key(), string("group"), string("consumer")],
)
def xgroup_createconsumer(ctx: Context, args: list[bytes]) -> Reply:
    """Creates a consumer in a consumer group."""
    _, group = existing_group(ctx, args)
    if group.add_consumer(args[4], ctx.now) is None:
        return 0
    ctx.count_changes(1)
    ctx.notify(args[2], "xgroup-createconsumer")
    return 1


@command(
    "XGROUP DELCONSUMER",
    arity=5,
    flags=WRITE,
    keys=Key(2, RW | DELETE),
    group=STREAM,
    since="5.0.0",
    complexity="O(1)",
    args=[key(), string("group"), string("consumer")],
)
def xgroup_delconsumer(ctx: Context, args: list[bytes]) -> Reply:
    """Deletes a consumer from a consumer group."""
    _, group = existing_group(ctx, args)
    pending = group.remove_consumer(args[4])
    if pending == NO_CONSUMER:
        return 0
    ctx.count_changes(1)
    ctx.notify(args[2], "xgroup-delconsumer")
    return pending


@command(
    "XACK",
    arity=-4,
    flags=WRITE | FAST,
    keys=Key(1, RW | UPDATE),
    group=STREAM,
    since="5.0.0",
    complexity="O(1) for each message ID processed.",
    args=[key(), string("group"), string("id", multiple=True)],
)
def xack(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the number of messages that were successfully acknowledged by the consumer group member of a
    stream."""
    stream: Stream = ctx.db.get_object(args[1], STREAM_TYPE, True)
    group = stream.group(args[2]) if stream is not None else None
    if group is None:
        return 0
    ids = [parse_id(text) for text in args[3:]]
    acknowledged = 0
    for id in ids:
        if group.acknowledge(id):
            acknowledged += 1
    ctx.count_changes(acknowledged)
    return acknowledged


@command(
    "XACKDEL",
    arity=-6,
    flags=WRITE | FAST,
    keys=Key(1, RW | UPDATE | DELETE),
    group=STREAM,
    since="8.2.0",
    complexity="O(1) for each message ID processed.",
    args=[key(), string("group"), POLICY_ARGUMENT, IDS_ARGUMENT],
)
def xackdel(ctx: Context, args: list[bytes]) -> Reply:
    """Acknowledges and deletes one or multiple messages for a stream consumer group."""
    found = find_group(ctx, args[1], args[2])
    policy, texts = deletion_arguments(args, 3)
    if found is None:
        return [NOT_PENDING] * len(texts)
    stream, group = found
    ids = [parse_id(text) for text in texts]
    deleted = 0
    results = []
    for id in ids:
        if not group.acknowledge(id):
            results.append(NOT_PENDING)
            continue
        ctx.count_changes(1)
        may_delete = stream.release(id, policy)
        if may_delete and stream.delete(id):
            deleted += 1
        results.append(DELETED if may_delete else STILL_REFERENCED)
    finish_deletion(ctx, args[1], stream, deleted, 0)
    return results
