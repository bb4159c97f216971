# cython: annotation_typing=False
"""List commands on the ends of a list, and reading ranges: what queues and stacks use, and hot.

Commands on elements in between are in edit_commands.py, those on several lists in move_commands.py, those
that wait in blocking_commands.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.entry import LIST
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import NULL_ARRAY, Reply
from redracer.engine.arguments import integer
from redracer.engine.context import Context
from redracer.engine.flags import DENYOOM, FAST, READONLY, WRITE
from redracer.engine.flags import LIST as LIST_GROUP
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.grammar import key, string
from redracer.engine.key_specs import ACCESS, DELETE, INSERT, RO, RW, Key
from redracer.engine.registry import command
from redracer.types.list.limits import limits_of
from redracer.types.list.value import length, pop, pop_many, push, range_of, shrink

if TYPE_CHECKING:
    from redracer.types.list.value import ListValue

PUSH_ARGUMENTS = [key(), string("element", multiple=True)]
PUSH_COMPLEXITY = (
    "O(1) for each element added, "
    "so O(N) to add N elements when the command is called with multiple arguments."
)
POP_ARGUMENTS = [key(), integer_argument("count", optional=True, since="6.2.0")]
POP_HISTORY = [("6.2.0", "Added the `count` argument.")]


def pushed(ctx: Context, args: list[bytes], at_head: bool, create: bool) -> Reply:
    """Adds the elements of an argument vector to one end of the list. Returns its new length."""
    total = push(ctx.db, args[1], args, 2, at_head, create, limits_of(ctx))
    if total:
        ctx.changed(args[1], "lpush" if at_head else "rpush", len(args) - 2)
    return total


@command(
    "LPUSH",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | INSERT),
    group=LIST_GROUP,
    since="1.0.0",
    complexity=PUSH_COMPLEXITY,
    args=PUSH_ARGUMENTS,
    history=[("2.4.0", "Accepts multiple `element` arguments.")],
)
def lpush(ctx: Context, args: list[bytes]) -> Reply:
    """Prepends one or more elements to a list. Creates the key if it doesn't exist."""
    return pushed(ctx, args, True, True)


@command(
    "RPUSH",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | INSERT),
    group=LIST_GROUP,
    since="1.0.0",
    complexity=PUSH_COMPLEXITY,
    args=PUSH_ARGUMENTS,
    history=[("2.4.0", "Accepts multiple `element` arguments.")],
)
def rpush(ctx: Context, args: list[bytes]) -> Reply:
    """Appends one or more elements to a list. Creates the key if it doesn't exist."""
    return pushed(ctx, args, False, True)


@command(
    "LPUSHX",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | INSERT),
    group=LIST_GROUP,
    since="2.2.0",
    complexity=PUSH_COMPLEXITY,
    args=PUSH_ARGUMENTS,
    history=[("4.0.0", "Accepts multiple `element` arguments.")],
)
def lpushx(ctx: Context, args: list[bytes]) -> Reply:
    """Prepends one or more elements to a list only when the list exists."""
    return pushed(ctx, args, True, False)


@command(
    "RPUSHX",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | INSERT),
    group=LIST_GROUP,
    since="2.2.0",
    complexity=PUSH_COMPLEXITY,
    args=PUSH_ARGUMENTS,
    history=[("4.0.0", "Accepts multiple `element` arguments.")],
)
def rpushx(ctx: Context, args: list[bytes]) -> Reply:
    """Appends an element to a list only when the list exists."""
    return pushed(ctx, args, False, False)


def removed(ctx: Context, name: bytes, value: ListValue, event: str, count: int) -> None:
    """What follows when `count` elements have left the list at a key: the key goes if nothing is left."""
    ctx.changed(name, event, count)
    if length(value):
        shrink(ctx.db, name, value, limits_of(ctx))
    else:
        ctx.db.delete(name)
        ctx.notify(name, "del")


def popped(ctx: Context, args: list[bytes], at_head: bool) -> Reply:
    """LPOP and RPOP."""
    if len(args) > 3:
        raise CommandError(errors.wrong_arity(args[0].lower()))
    count = -1
    if len(args) == 3:
        count = positive(args[2])
    value = ctx.db.get_object(args[1], LIST, False)
    if value is None:
        return NULL_ARRAY if count >= 0 else None
    if count < 0:
        reply: Reply = pop(value, at_head)
        count = 1
    elif count == 0:
        return []
    else:
        reply = pop_many(value, count, at_head)
        count = len(reply)
    removed(ctx, args[1], value, "lpop" if at_head else "rpop", count)
    return reply


def positive(text: bytes, refusal: bytes = errors.NOT_POSITIVE, least: int = 0) -> int:
    """A number of elements; CommandError(refusal) if it is no integer, or less than `least`."""
    value = parse_integer(text)
    if value is None or value < least:
        raise CommandError(refusal)
    return value


@command(
    "LPOP",
    arity=-2,
    flags=WRITE | FAST,
    keys=Key(1, RW | ACCESS | DELETE),
    group=LIST_GROUP,
    since="1.0.0",
    complexity="O(N) where N is the number of elements returned",
    args=POP_ARGUMENTS,
    history=POP_HISTORY,
)
def lpop(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the first elements in a list after removing it. Deletes the list if the last element was
    popped."""
    return popped(ctx, args, True)


@command(
    "RPOP",
    arity=-2,
    flags=WRITE | FAST,
    keys=Key(1, RW | ACCESS | DELETE),
    group=LIST_GROUP,
    since="1.0.0",
    complexity="O(N) where N is the number of elements returned",
    args=POP_ARGUMENTS,
    history=POP_HISTORY,
)
def rpop(ctx: Context, args: list[bytes]) -> Reply:
    """Returns and removes the last elements of a list. Deletes the list if the last element was popped."""
    return popped(ctx, args, False)


@command(
    "LLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO),
    group=LIST_GROUP,
    since="1.0.0",
    complexity="O(1)",
    args=[key()],
)
def llen(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the length of a list."""
    value = ctx.db.get_object(args[1], LIST)
    return 0 if value is None else length(value)


@command(
    "LRANGE",
    arity=4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=LIST_GROUP,
    since="1.0.0",
    complexity=(
        "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end "
        "(HEAD or TAIL) "
        "for large lists; and N is the number of elements in the specified range."
    ),
    args=[key(), integer_argument("start"), integer_argument("stop")],
)
def lrange(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a range of elements from a list."""
    start, stop = integer(args[2]), integer(args[3])
    value = ctx.db.get_object(args[1], LIST)
    return [] if value is None else range_of(value, start, stop)
