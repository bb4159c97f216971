"""Arguments that several stream commands take: ranges of IDs, trimming, what to do about references, lists of IDs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.entry import STREAM as STREAM_TYPE
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.engine.grammar import Arg, block, one_of, string, token
from redracer.engine.grammar import integer as integer_argument
from redracer.types.stream.entry_log import ACKNOWLEDGED, DELETE_REFERENCES, KEEP_REFERENCES
from redracer.types.stream.stream_id import (
    LAST_SEQUENCE,
    StreamId,
    parse_id,
    parse_range_id,
)

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.types.stream.group import Group
    from redracer.types.stream.value import Stream

POLICIES = {b"keepref": KEEP_REFERENCES, b"delref": DELETE_REFERENCES, b"acked": ACKNOWLEDGED}

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
