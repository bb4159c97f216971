"""List commands that wait until a list has something: each is its plain form, and waits where that finds
nothing.

What the append-only file and replicas get is always the plain form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core.entry import LIST
from redracer.core.replies import NULL_ARRAY, Reply
from redracer.engine.arguments import blocking_timeout
from redracer.engine.client import NO_BLOCKING
from redracer.engine.flags import BLOCKING, DENYOOM, WRITE
from redracer.engine.flags import LIST as LIST_GROUP
from redracer.engine.grammar import double, key
from redracer.engine.key_specs import ACCESS, DELETE, RW, KeyNum, Keys
from redracer.engine.registry import command
from redracer.types.list.commands import removed
from redracer.types.list.move_commands import (
    MOVE_ENDS,
    MOVE_KEYS,
    MULTIPLE_POP_ARGUMENTS,
    MULTIPLE_POP_COMPLEXITY,
    SOURCE_AND_DESTINATION,
    is_head,
    move,
    multiple_pop,
    pop_from_first,
)
from redracer.types.list.value import pop

if TYPE_CHECKING:
    from redracer.engine.context import Context

TIMEOUT = double("timeout")
TIMEOUT_HISTORY = [("6.0.0", "`timeout` is interpreted as a double instead of an integer.")]


def pop_or_wait(ctx: Context, args: list[bytes], at_head: bool) -> Reply:
    """BLPOP and BRPOP: [key, element] of the first list that exists."""
    timeout = blocking_timeout(ctx, args[-1])
    names = args[1:-1]
    for name in names:
        value = ctx.db.get_object(name, LIST, False)
        if value is not None:
            item = pop(value, at_head)
            removed(ctx, name, value, "lpop" if at_head else "rpop", 1)
            ctx.rewrite_as([[b"LPOP" if at_head else b"RPOP", name]])
            return [name, item]
    return ctx.block(args, names, LIST, timeout, NULL_ARRAY)


@command(
    "BLPOP",
    arity=-3,
    flags=WRITE | BLOCKING,
    keys=Keys(1, RW | ACCESS | DELETE, last=-2),
    group=LIST_GROUP,
    since="2.0.0",
    complexity="O(N) where N is the number of provided keys.",
    args=[key(multiple=True), TIMEOUT],
    history=TIMEOUT_HISTORY,
)
def blpop(ctx: Context, args: list[bytes]) -> Reply:
    """Removes and returns the first element in a list. Blocks until an element is available otherwise.
    Deletes the list if the last element was popped."""
    return pop_or_wait(ctx, args, True)


@command(
    "BRPOP",
    arity=-3,
    flags=WRITE | BLOCKING,
    keys=Keys(1, RW | ACCESS | DELETE, last=-2),
    group=LIST_GROUP,
    since="2.0.0",
    complexity="O(N) where N is the number of provided keys.",
    args=[key(multiple=True), TIMEOUT],
    history=TIMEOUT_HISTORY,
)
def brpop(ctx: Context, args: list[bytes]) -> Reply:
    """Removes and returns the last element in a list. Blocks until an element is available otherwise.
    Deletes the list if the last element was popped."""
    return pop_or_wait(ctx, args, False)


def move_or_wait(
    ctx: Context, args: list[bytes], from_head: bool, to_head: bool, plain: list[bytes]
) -> Reply:
    """BLMOVE and BRPOPLPUSH; `plain` is the form that does not wait."""
    timeout = blocking_timeout(ctx, args[-1])
    item = move(ctx, args[1], args[2], from_head, to_head)
    if item is not None:
        ctx.rewrite_as([plain])
        return item
    if ctx.client.flags & NO_BLOCKING:
        return None  # not what the client gets when its time is over
    return ctx.block(args, [args[1]], LIST, timeout, NULL_ARRAY)


@command(
    "BLMOVE",
    arity=6,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=MOVE_KEYS,
    group=LIST_GROUP,
    since="6.2.0",
    complexity="O(1)",
    args=[*SOURCE_AND_DESTINATION, *MOVE_ENDS, TIMEOUT],
)
def blmove(ctx: Context, args: list[bytes]) -> Reply:
    """Pops an element from a list, pushes it to another list and returns it. Blocks until an element is
    available otherwise. Deletes the list if the last element was moved."""
    return move_or_wait(ctx, args, is_head(args[3]), is_head(args[4]), [b"LMOVE", *args[1:5]])


@command(
    "BRPOPLPUSH",
    arity=4,
    flags=WRITE | DENYOOM | BLOCKING,
    keys=MOVE_KEYS,
    group=LIST_GROUP,
    since="2.2.0",
    complexity="O(1)",
    args=[*SOURCE_AND_DESTINATION, TIMEOUT],
    history=TIMEOUT_HISTORY,
    deprecated_since="6.2.0",
    replaced_by="`BLMOVE` with the `RIGHT` and `LEFT` arguments",
)
def brpoplpush(ctx: Context, args: list[bytes]) -> Reply:
    """Pops an element from a list, pushes it to another list and returns it. Block until an element is
    available otherwise. Deletes the list if the last element was popped."""
    return move_or_wait(ctx, args, False, True, [b"RPOPLPUSH", args[1], args[2]])


@command(
    "BLMPOP",
    arity=-5,
    flags=WRITE | BLOCKING,
    keys=KeyNum(2, RW | ACCESS | DELETE),
    group=LIST_GROUP,
    since="7.0.0",
    complexity=MULTIPLE_POP_COMPLEXITY,
    args=[TIMEOUT, *MULTIPLE_POP_ARGUMENTS],
)
def blmpop(ctx: Context, args: list[bytes]) -> Reply:
    """Pops the first element from one of multiple lists. Blocks until an element is available otherwise.
    Deletes the list if the last element was popped."""
    request = multiple_pop(args, 2)
    timeout = blocking_timeout(ctx, args[1])
    reply = pop_from_first(ctx, request)
    if reply is not None:
        return reply
    return ctx.block(args, request.keys, LIST, timeout, NULL_ARRAY)
