# cython: annotation_typing=False
"""The options of XADD and XTRIM. Compiled, because few streams are added to without trimming them."""

from __future__ import annotations

import sys

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import format_integer
from redracer.engine.arguments import integer
from redracer.engine.client import PRIMARY
from redracer.engine.context import Context
from redracer.types.stream.arguments import POLICIES
from redracer.types.stream.entry_log import KEEP_REFERENCES
from redracer.types.stream.limits import limits_of
from redracer.types.stream.stream_id import StreamId, parse_added_id, parse_id
from redracer.types.stream.value import Stream

NODES_PER_TRIM = 100  # approximate trimming deletes at most the entries of so many full nodes ...
ENTRIES_PER_TRIM = 10_000  # ... or so many where nodes have no limit of entries, ...
MOST_PER_TRIM = 1_000_000  # ... and never more than that
NO_LENGTH = -1  # in place of a length to trim to


class AddOptions:
    """What XADD and XTRIM are told before the ID: trimming, references, NOMKSTREAM; and XADD's ID itself.

    `threshold_at` is the position of the trimming's threshold, `id_at` that of the ID. Raises CommandError.
    """

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        max_length: int
        minimum: StreamId | None
        approximate: bool
        limit: int
        policy: int
        creates: bool
        trims: bool
        threshold_at: int
        id: StreamId | None
        sequence_given: bool
        id_at: int
        limits_at: list[int] | None  # of LIMIT, from the last to the first

    def __init__(self, ctx: Context, args: list[bytes], adds: bool) -> None:
        self.max_length = NO_LENGTH
        self.minimum = None
        self.approximate = False
        self.limit = -1
        self.policy = 0
        self.creates = True
        self.threshold_at = 0
        self.id = None
        self.trims = False
        self.sequence_given = False
        self.id_at = len(args)
        self.limits_at = None
        self._read(args, adds)
        # What a primary sends is obeyed: Redis leaves LIMIT in what it propagates as exact.
        obeys = ctx.client.flags & PRIMARY != 0
        self._check(adds, obeys)
        if self.limit < 0 or obeys:
            self._set_limit(ctx, obeys)
        if not self.policy:
            self.policy = KEEP_REFERENCES

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
                self.limits_at = [at, *(self.limits_at or [])]
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
        self.trims = True
        return at

    def _check(self, adds: bool, obeys: bool) -> None:
        if self.limit > 0 and not self.trims:
            raise CommandError(errors.LIMIT_WITHOUT_STRATEGY)
        if not adds and not self.trims:
            raise CommandError(errors.NO_TRIMMING_STRATEGY)
        if self.limit >= 0 and not self.approximate and not obeys:
            raise CommandError(errors.LIMIT_WITHOUT_APPROXIMATION)

    def _set_limit(self, ctx: Context, obeys: bool) -> None:
        """Without LIMIT, approximate trimming does a bounded amount of work, and exact trimming all of it."""
        self.limit = 0
        if self.approximate and not obeys:
            limit = NODES_PER_TRIM * limits_of(ctx).max_entries
            self.limit = min(limit, MOST_PER_TRIM) if limit > 0 else ENTRIES_PER_TRIM

    def trim(self, stream: Stream) -> int:
        """Trims the stream as told. Returns how many entries that deleted."""
        return stream.trim(self.max_length, self.minimum, self.approximate, self.limit, self.policy)

    def exact(self, args: list[bytes], stream: Stream, added: bytes | None) -> list[bytes]:
        """The arguments in the form that has the same result on a replica: XADD's ID as it became (`added`), and
        approximate trimming as the exact one that it amounted to, without its LIMIT."""
        exact = args[:]
        if added is not None:
            exact[self.id_at] = added
        if self.trims and self.approximate:
            exact[self.threshold_at - 1] = b"="
            if self.minimum is not None:
                exact[self.threshold_at] = stream.oldest_id().text
            else:
                exact[self.threshold_at] = format_integer(stream.length)
            for at in self.limits_at or ():
                del exact[at : at + 2]
        return exact
