"""Pending entries: who has them (XPENDING), and giving them to somebody else (XCLAIM, XAUTOCLAIM).

A claim is propagated entry by entry, as what it came to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import NULL_ARRAY, Reply
from redracer.engine.arguments import LONG_MAX, integer
from redracer.engine.flags import FAST, READONLY, STREAM, WRITE
from redracer.engine.grammar import block, key, string, token, unix_time
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, DELETE, RO, RW, UPDATE, Key
from redracer.engine.registry import command
from redracer.types.stream.arguments import find_group, range_end, range_start
from redracer.types.stream.group_changes import claimed, group_moved, seen_consumer
from redracer.types.stream.stream_id import MINIMUM, StreamId, parse_id

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.stream.group import Group
    from redracer.types.stream.value import Stream

UNCHANGED = -1  # RETRYCOUNT, IDLE and TIME where they are not given
DEFAULT_CLAIMS = 100  # entries that XAUTOCLAIM returns at most, without COUNT
LOOKED_AT_PER_CLAIM = 10  # entries that it looks at for each of them
MOST_CLAIMS = LONG_MAX // 16


def group_or_refusal(ctx: Context, args: list[bytes]) -> tuple[Stream, Group]:
    """The stream args[1] and its group args[2]. Raises CommandError without the one or the other."""
    found = find_group(ctx, args[1], args[2])
    if found is None:
        raise CommandError(errors.no_key_or_group(args[1], args[2]))
    return found


@command(
    "XPENDING",
    arity=-3,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=STREAM,
    since="5.0.0",
    complexity="O(N) with N being the number of elements returned, so asking for a small fixed number of entries per "
    "call is O(1). O(M), where M is the total number of entries scanned when used with the IDLE filter. When the "
    "command returns just the summary and the list of consumers is small, it runs in O(1) time; otherwise, an "
    "additional O(N) time for iterating every consumer.",
    args=[
        key(),
        string("group"),
        block(
            "filters",
            integer_argument("min-idle-time", token="IDLE", optional=True, since="6.2.0"),
            string("start"),
            string("end"),
            integer_argument("count"),
            string("consumer", optional=True),
            optional=True,
        ),
    ],
    history=[("6.2.0", "Added the `IDLE` option and exclusive range intervals.")],
    hints=["nondeterministic_output"],
)
def xpending(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the information and entries from a stream consumer group's pending entries list."""
    if len(args) == 3:
        return pending_summary(group_or_refusal(ctx, args)[1])
    if not 6 <= len(args) <= 9:
        raise CommandError(errors.SYNTAX)
    at = 3
    idle = 0
    if args[3].lower() == b"idle":
        idle = integer(args[4])
        if len(args) < 8:
            raise CommandError(errors.SYNTAX)
        at = 5
    count = max(integer(args[at + 2]), 0)
    start, end = range_start(args[at]), range_end(args[at + 1])
    _, group = group_or_refusal(ctx, args)
    consumer = None
    if at + 3 < len(args):
        consumer = group.consumers.get(args[at + 3])
        if consumer is None:
            return []
    delivered_until = min(ctx.now - idle, LONG_MAX) if idle else LONG_MAX
    return [
        [id.text, name, max(ctx.now - delivered_at, 0), deliveries]
        for id, name, delivered_at, deliveries in group.pending_range(
            start, end, count, consumer, delivered_until
        )
    ]


def pending_summary(group: Group) -> Reply:
    """How many entries are pending, from which to which, and how many of each consumer."""
    edges = group.pending_edges()
    if edges is None:
        return [0, None, None, NULL_ARRAY]
    consumers = [
        [consumer.name, b"%d" % consumer.pending_count]
        for consumer in group.sorted_consumers()
        if consumer.pending_count
    ]
    return [group.pending_count, edges[0].text, edges[1].text, consumers]


class Claim:
    """One call of XCLAIM or XAUTOCLAIM: gives entries to a consumer, and collects what is to be propagated."""

    def __init__(self, ctx: Context, args: list[bytes], stream: Stream, group: Group, just_id: bool) -> None:
        self.ctx = ctx
        self.key = args[1]
        self.stream = stream
        self.group = group
        self.just_id = just_id
        self.deliveries = UNCHANGED
        self.delivered_at = ctx.now
        self.propagated: list[list[bytes]] = []
        self.consumer = seen_consumer(ctx, args[1], group, args[3])[0]

    def take(self, id: StreamId) -> Any:
        """Gives a pending entry, or one that is not pending yet, to the consumer. Returns the reply for it."""
        increment = 0 if self.just_id else 1
        self.group.claim(id, self.consumer, self.delivered_at, self.deliveries, increment)
        self.consumer.active_at = self.ctx.now
        self._propagate(id)
        return id.text if self.just_id else self.stream.entry(id)

    def drop(self, id: StreamId) -> None:
        """Removes a pending entry whose entry is deleted. A replica finds out in the same way."""
        self._propagate(id)
        self.group.acknowledge(id)

    def _propagate(self, id: StreamId) -> None:
        self.ctx.count_changes(1)
        if self.ctx.effects.feeds:
            name, delivered_at, deliveries = self.group.describe(id)
            last_id = self.group.last_id.text
            self.propagated.append(
                claimed(self.key, self.group, name, id.text, delivered_at, deliveries, last_id)
            )


@command(
    "XCLAIM",
    arity=-6,
    flags=WRITE | FAST,
    keys=Key(1, RW | UPDATE),
    group=STREAM,
    since="5.0.0",
    complexity="O(log N) with N being the number of messages in the PEL of the consumer group.",
    args=[
        key(),
        string("group"),
        string("consumer"),
        string("min-idle-time"),
        string("id", multiple=True),
        integer_argument("ms", token="IDLE", optional=True),
        unix_time("unix-time-milliseconds", token="TIME", optional=True),
        integer_argument("count", token="RETRYCOUNT", optional=True),
        token("FORCE", optional=True),
        token("JUSTID", optional=True),
        string("lastid", token="LASTID", optional=True),
    ],
    hints=["nondeterministic_output"],
)
def xclaim(ctx: Context, args: list[bytes]) -> Reply:
    """Changes, or acquires, ownership of a message in a consumer group, as if the message was delivered a consumer
    group member."""
    stream, group = group_or_refusal(ctx, args)
    idle = claim_number(args[4], b"min-idle-time", b"XCLAIM")
    ids, at = leading_ids(args, 5)
    options = ClaimOptions(ctx, args, at)
    moved = options.last_id > group.last_id
    if moved:
        group.last_id = options.last_id
    claim = Claim(ctx, args, stream, group, options.just_id)
    claim.deliveries = options.deliveries
    claim.delivered_at = options.delivered_at
    replies = []
    for id in ids:
        delivered_at = group.delivered_at(id)
        if not stream.contains(id):
            if delivered_at is not None:
                claim.drop(id)
                moved = False
        elif delivered_at is None:
            if options.force:
                replies.append(claim.take(id))
                moved = False
        elif idle <= 0 or ctx.now - delivered_at >= idle:
            replies.append(claim.take(id))
            moved = False
    if moved:
        claim.propagated.append(group_moved(args[1], group))
        ctx.count_changes(1)
    ctx.rewrite_as(claim.propagated)
    return replies


def claim_number(text: bytes, name: bytes, command: bytes) -> int:
    """A number that XCLAIM or XAUTOCLAIM takes. Raises CommandError."""
    number = parse_integer(text)
    if number is None:
        raise CommandError(errors.invalid_claim_argument(name, command))
    return number


def leading_ids(args: list[bytes], at: int) -> tuple[list[StreamId], int]:
    """The IDs from `at` on, up to the first argument that is none, and the position of that."""
    ids = []
    while at < len(args):
        try:
            ids.append(parse_id(args[at]))
        except CommandError:
            break
        at += 1
    return ids, at


class ClaimOptions:
    """XCLAIM's options, from a position on. Raises CommandError."""

    def __init__(self, ctx: Context, args: list[bytes], at: int) -> None:
        self.force = False
        self.just_id = False
        self.deliveries = UNCHANGED
        self.last_id = MINIMUM
        self.delivered_at = UNCHANGED
        while at < len(args):
            at += self._read(ctx, args, at)
        # A time that cannot be is now: clients may compute it by a clock that differs from ours.
        if not 0 <= self.delivered_at <= ctx.now:
            self.delivered_at = ctx.now

    def _read(self, ctx: Context, args: list[bytes], at: int) -> int:
        """Reads the option at `at`; returns how many arguments it took."""
        word = args[at].lower()
        if word == b"force":
            self.force = True
            return 1
        if word == b"justid":
            self.just_id = True
            return 1
        if at + 1 == len(args):
            raise CommandError(errors.unrecognized_claim_option(args[at]))
        value = args[at + 1]
        if word == b"idle":
            self.delivered_at = ctx.now - claim_number(value, b"IDLE option", b"XCLAIM")
        elif word == b"time":
            self.delivered_at = claim_number(value, b"TIME option", b"XCLAIM")
        elif word == b"retrycount":
            self.deliveries = claim_number(value, b"RETRYCOUNT option", b"XCLAIM")
        elif word == b"lastid":
            self.last_id = parse_id(value)
        else:
            raise CommandError(errors.unrecognized_claim_option(args[at]))
        return 2


@command(
    "XAUTOCLAIM",
    arity=-6,
    flags=WRITE | FAST,
    keys=Key(1, RW | DELETE),
    group=STREAM,
    since="6.2.0",
    complexity="O(1) if COUNT is small.",
    args=[
        key(),
        string("group"),
        string("consumer"),
        string("min-idle-time"),
        string("start"),
        integer_argument("count", token="COUNT", optional=True),
        token("JUSTID", optional=True),
    ],
    history=[
        (
            "7.0.0",
            "Added an element to the reply array, containing deleted entries the command cleared from the PEL",
        )
    ],
    hints=["nondeterministic_output"],
)
def xautoclaim(ctx: Context, args: list[bytes]) -> Reply:
    """Changes, or acquires, ownership of messages in a consumer group, as if the messages were delivered to as
    consumer group member."""
    idle = claim_number(args[4], b"min-idle-time", b"XAUTOCLAIM")
    start = range_start(args[5])
    count, just_id = automatic_options(args)
    stream, group = group_or_refusal(ctx, args)
    claim = Claim(ctx, args, stream, group, just_id)
    replies: list[Any] = []
    deleted: list[bytes] = []
    attempts = count * LOOKED_AT_PER_CLAIM
    id = group.next_pending(start)
    while id is not None and attempts and len(replies) + len(deleted) < count:
        attempts -= 1
        delivered_at = group.delivered_at(id)
        assert delivered_at is not None
        if not stream.contains(id):
            claim.drop(id)
            deleted.append(id.text)
        elif idle <= 0 or ctx.now - delivered_at >= idle:
            replies.append(claim.take(id))
        after = id.next()
        id = group.next_pending(after) if after is not None else None
    following = MINIMUM if id is None else id
    ctx.rewrite_as(claim.propagated)
    return [following.text, replies, deleted]


def automatic_options(args: list[bytes]) -> tuple[int, bool]:
    """XAUTOCLAIM's options: (COUNT, JUSTID). Raises CommandError."""
    count = DEFAULT_CLAIMS
    just_id = False
    at = 6
    while at < len(args):
        word = args[at].lower()
        if word == b"count" and at + 1 < len(args):
            number = parse_integer(args[at + 1])
            if number is None or not 0 < number <= MOST_CLAIMS:
                raise CommandError(errors.COUNT_NOT_POSITIVE)
            count = number
            at += 1
        elif word == b"justid":
            just_id = True
        else:
            raise CommandError(errors.SYNTAX)
        at += 1
    return count, just_id
