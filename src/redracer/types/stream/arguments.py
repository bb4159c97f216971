"""Arguments that several stream commands take: ranges of IDs, trimming, what to do about references, lists of IDs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.entry import STREAM as STREAM_TYPE
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.engine.arguments import integer
from redracer.engine.client import PRIMARY
from redracer.engine.grammar import Arg, block, one_of, string, token
from redracer.engine.grammar import integer as integer_argument
from redracer.types.stream.entry_log import ACKNOWLEDGED, DELETE_REFERENCES, KEEP_REFERENCES
from redracer.types.stream.stream_id import (
    LAST_SEQUENCE,
    StreamId,
    parse_added_id,
    parse_id,
    parse_range_id,
)

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.stream.group import Group
    from redracer.types.stream.value import Stream

POLICIES = {b"keepref": KEEP_REFERENCES, b"delref": DELETE_REFERENCES, b"acked": ACKNOWLEDGED}
NODES_PER_TRIM = 100  # approximate trimming deletes at most the entries of so many full nodes ...
ENTRIES_PER_TRIM = 10_000  # ... or so many where nodes have no limit of entries, ...
MOST_PER_TRIM = 1_000_000  # ... and never more than that
NO_LENGTH = -1  # in place of a length to trim to
COUNT_MAX = 2**63 - 1

POLICY_ARGUMENT = one_of(
    "condition", token("KEEPREF"), token("DELREF"), token("ACKED"), optional=True, since="8.2.0"
)
IDS_ARGUMENT = block("ids", integer_argument("numids"), string("id", multiple=True), token="IDS")


def trimming_argument(*, optional: bool = False) -> Arg:
    """XADD's and XTRIM's block of trimming options."""
    return block(
        "trim",
        one_of("strategy", token("MAXLEN"), token("MINID", since="6.2.0")),
        one_of("operator", token("=", "equal"), token("~", "approximately"), optional=True),
        string("threshold"),
        integer_argument("count", token="LIMIT", optional=True, since="6.2.0"),
        optional=optional,
    )


def find_group(ctx: Context, key: bytes, name: bytes, read: bool = True) -> tuple[Stream, Group] | None:
    """The stream and one of its groups; None without the key or the group. Raises CommandError(WRONG_TYPE)."""
    stream: Stream | None = ctx.db.get_object(key, STREAM_TYPE, read)
    group = stream.group(name) if stream is not None else None
    return (stream, group) if stream is not None and group is not None else None


def range_start(text: bytes) -> StreamId:
    """The first ID of a range; `(` before it leaves it out. Raises CommandError."""
    if text[:1] != b"(" or len(text) == 1:
        return parse_range_id(text, 0)
    after = parse_id(text[1:], 0).next()
    if after is None:
        raise CommandError(errors.INVALID_START_ID)
    return after


def range_end(text: bytes) -> StreamId:
    """The last ID of a range; `(` before it leaves it out. Raises CommandError."""
    if text[:1] != b"(" or len(text) == 1:
        return parse_range_id(text, LAST_SEQUENCE)
    before = parse_id(text[1:], LAST_SEQUENCE).previous()
    if before is None:
        raise CommandError(errors.INVALID_END_ID)
    return before


class AddOptions:
    """What XADD and XTRIM are told before the ID: trimming, references, NOMKSTREAM; and XADD's ID itself.

    `threshold_at` is the position of the trimming's threshold, `id_at` that of the ID. Raises CommandError.
    """

    def __init__(self, ctx: Context, args: list[bytes], adds: bool) -> None:
        self.max_length = NO_LENGTH
        self.minimum: StreamId | None = None
        self.approximate = False
        self.limit = -1
        self.policy = 0
        self.creates = True
        self.threshold_at = 0
        self.id: StreamId | None = None
        self.sequence_given = False
        self.id_at = len(args)
        self.limits_at: list[int] = []  # of LIMIT, from the last to the first
        self._read(args, adds)
        obeys = bool(
            ctx.client.flags & PRIMARY
        )  # a primary's word is law: Redis leaves LIMIT in what it propagates
        self._check(adds, obeys)
        if obeys:
            self.limit = 0
        self._set_limit(ctx)
        self.policy = self.policy or KEEP_REFERENCES

    @property
    def trims(self) -> bool:
        """Whether anything is to be trimmed."""
        return self.threshold_at > 0

    def _read(self, args: list[bytes], adds: bool) -> None:
        at = 2
        while at < len(args):
            word = args[at].lower()
            has_value = at + 1 < len(args)
            if adds and word == b"*":
                self.id_at = at
                return
            if word in (b"maxlen", b"minid") and has_value:
                at = self._read_threshold(args, at, word)
            elif word == b"limit" and has_value:
                self.limits_at.insert(0, at)
                at += 1
                self.limit = integer(args[at])
                if self.limit < 0:
                    raise CommandError(errors.NEGATIVE_TRIM_LIMIT)
            elif word in POLICIES and not self.policy:
                self.policy = POLICIES[word]
            elif adds and word == b"nomkstream":
                self.creates = False
            elif adds:
                self.id, self.sequence_given = parse_added_id(args[at])
                self.id_at = at
                return
            else:
                raise CommandError(errors.SYNTAX)
            at += 1

    def _read_threshold(self, args: list[bytes], at: int, word: bytes) -> int:
        """Reads MAXLEN or MINID at `at`; returns where its threshold is."""
        if self.trims:
            raise CommandError(errors.TWO_TRIMMING_STRATEGIES)
        at += 1
        if args[at] in (b"~", b"=") and at + 1 < len(args):
            self.approximate = args[at] == b"~"
            at += 1
        if word == b"minid":
            self.minimum = parse_id(args[at])
        else:
            self.max_length = integer(args[at])
            if self.max_length < 0:
                raise CommandError(errors.NEGATIVE_TRIM_LENGTH)
        self.threshold_at = at
        return at

    def _check(self, adds: bool, obeys: bool) -> None:
        if self.limit > 0 and not self.trims:
            raise CommandError(errors.LIMIT_WITHOUT_STRATEGY)
        if not adds and not self.trims:
            raise CommandError(errors.NO_TRIMMING_STRATEGY)
        if self.limit >= 0 and not self.approximate and not obeys:
            raise CommandError(errors.LIMIT_WITHOUT_APPROXIMATION)

    def _set_limit(self, ctx: Context) -> None:
        """Without LIMIT, approximate trimming does a bounded amount of work, and exact trimming all of it."""
        if self.limit >= 0:
            return
        self.limit = 0
        if self.approximate:
            limit = NODES_PER_TRIM * ctx.config["stream-node-max-entries"]
            self.limit = min(limit, MOST_PER_TRIM) if limit > 0 else ENTRIES_PER_TRIM

    def trim(self, stream: Stream) -> int:
        """Trims the stream as told. Returns how many entries that deleted."""
        return stream.trim(self.max_length, self.minimum, self.approximate, self.limit, self.policy)

    def exact(self, args: list[bytes], stream: Stream, added: bytes | None = None) -> list[bytes]:
        """The arguments in the form that has the same result on a replica: XADD's ID as it became (`added`), and
        approximate trimming as the exact one that it amounted to, without its LIMIT."""
        exact = list(args)
        if added is not None:
            exact[self.id_at] = added
        if self.trims and self.approximate:
            exact[self.threshold_at - 1] = b"="
            oldest = stream.oldest_id().text
            exact[self.threshold_at] = oldest if self.minimum is not None else b"%d" % stream.length
            for at in self.limits_at:
                del exact[at : at + 2]
        return exact


def deletion_arguments(args: list[bytes], start: int) -> tuple[int, list[bytes]]:
    """XDELEX's and XACKDEL's policy about references and their IDs, as text, from `start` on. Raises CommandError."""
    policy = 0
    texts: list[bytes] | None = None
    at = start
    while at < len(args):
        word = args[at].lower()
        if word in POLICIES and not policy:
            policy = POLICIES[word]
            at += 1
        elif word == b"ids" and at + 1 < len(args):
            count = parse_integer(args[at + 1])
            if count is None or count < 1:
                raise CommandError(errors.ID_COUNT_NOT_POSITIVE)
            if count > len(args) - at - 2:
                raise CommandError(errors.ID_COUNT_MISMATCH)
            texts = args[at + 2 : at + 2 + count]
            at += 2 + count
        else:
            raise CommandError(errors.SYNTAX)
    if texts is None:
        raise CommandError(errors.IDS_REQUIRED)
    return policy or KEEP_REFERENCES, texts
