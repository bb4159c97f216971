"""What tests of lists need of DEBUG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Reply
from redracer.engine.config_text import memory_size
from redracer.engine.debug_table import subcommand
from redracer.types.list.quicklist import set_packed_threshold

if TYPE_CHECKING:
    from redracer.engine.context import Context


@subcommand("QUICKLIST-PACKED-THRESHOLD", "<size>", 1)
def quicklist_packed_threshold(ctx: Context, args: list[bytes]) -> Reply:
    """Hold list elements of <size> bytes and more in nodes of their own; 0 restores the rule."""
    size = memory_size(args[2])
    if size is None or not set_packed_threshold(size):
        raise CommandError(errors.PACKED_THRESHOLD)
    return OK
