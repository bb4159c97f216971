# cython: annotation_typing=False
"""The options of XREAD and XREADGROUP. Compiled, because they are most of what a read of one entry takes."""

from __future__ import annotations

import sys

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.engine.arguments import integer, timeout_in_milliseconds
from redracer.engine.context import Context


class ReadOptions:
    """The arguments of XREAD, or with `groups` of XREADGROUP, but for what the streams hold.

    The keys are args[first_key:first_id], and the IDs follow. `timeout` is in ms, None without BLOCK. Raises
    CommandError.
    """

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        timeout: int | None
        count: int
        group: bytes | None
        consumer: bytes
        acknowledged: bool
        first_key: int
        first_id: int

    def __init__(self, ctx: Context, args: list[bytes], groups: bool) -> None:
        self.timeout = None
        self.count = 0
        self.group = None
        self.consumer = b""
        self.acknowledged = False
        self.first_key = 0
        self.first_id = 0
        self._read(ctx, args, groups)
        if not self.first_key:
            raise CommandError(errors.SYNTAX)
        if groups and self.group is None:
            raise CommandError(errors.MISSING_GROUP_OPTION)

    def _read(self, ctx: Context, args: list[bytes], groups: bool) -> None:
        at = 1
        while at < len(args):
            word = args[at].lower()
            more = len(args) - at - 1
            if word == b"block" and more:
                self.timeout = timeout_in_milliseconds(ctx, args[at + 1])
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
