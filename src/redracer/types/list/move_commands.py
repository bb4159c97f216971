"""List commands that take several lists: moving elements between two, popping from the first that has any."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redracer.core import errors
from redracer.core.entry import LIST
from redracer.core.errors import CommandError
from redracer.core.numbers import format_integer
from redracer.core.replies import NULL_ARRAY, Reply
from redracer.engine.flags import DENYOOM, WRITE
from redracer.engine.flags import LIST as LIST_GROUP
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.grammar import key, one_of, token
from redracer.engine.key_specs import ACCESS, DELETE, INSERT, RW, Key, KeyNum
from redracer.engine.registry import command
from redracer.types.list.commands import positive, removed
from redracer.types.list.limits import limits_of
from redracer.types.list.value import pop, pop_many, push, push_item

if TYPE_CHECKING:
    from redracer.engine.context import Context

ENDS = {b"left": True, b"right": False}  # whether it is the head
END = (token("LEFT"), token("RIGHT"))
SOURCE_AND_DESTINATION = [key("source"), key("destination", 1)]
MOVE_ENDS = [one_of("wherefrom", *END), one_of("whereto", *END)]
MOVE_KEYS = [Key(1, RW | ACCESS | DELETE), Key(2, RW | INSERT)]


def is_head(text: bytes) -> bool:
    """Whether LEFT or RIGHT names the head; CommandError for another word."""
    end = ENDS.get(text.lower())
    if end is None:
        raise CommandError(errors.SYNTAX)
    return end


def move(ctx: Context, source: bytes, destination: bytes, from_head: bool, to_head: bool) -> bytes | None:
    """Moves an element from one list to another, or within one, and returns it; None if the source does
    not exist.

    Raises CommandError(WRONG_TYPE), before anything has changed.
    """
    database = ctx.db
    value = database.get_object(source, LIST, False)
    if value is None:
        return None
    database.get_object(destination, LIST, False)
    item = pop(value, from_head)
    assert item is not None  # a key never holds an empty list
    if source == destination:
        push_item(value, item, to_head)
    else:
        push(database, destination, [item], 0, to_head, True, limits_of(ctx))
    ctx.changed(destination, "lpush" if to_head else "rpush", 0)
    removed(ctx, source, value, "lpop" if from_head else "rpop", 1)
    return item


@command(
    "LMOVE",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=MOVE_KEYS,
    group=LIST_GROUP,
    since="6.2.0",
    complexity="O(1)",
    args=[*SOURCE_AND_DESTINATION, *MOVE_ENDS],
)
def lmove(ctx: Context, args: list[bytes]) -> Reply:
    """Returns an element after popping it from one list and pushing it to another. Deletes the list if
    the last element was moved."""
    return move(ctx, args[1], args[2], is_head(args[3]), is_head(args[4]))


@command(
    "RPOPLPUSH",
    arity=3,
    flags=WRITE | DENYOOM,
    keys=MOVE_KEYS,
    group=LIST_GROUP,
    since="1.2.0",
    complexity="O(1)",
    args=SOURCE_AND_DESTINATION,
    deprecated_since="6.2.0",
    replaced_by="`LMOVE` with the `RIGHT` and `LEFT` arguments",
)
def rpoplpush(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the last element of a list after removing and pushing it to another list. Deletes the list
    if the last element was popped."""
    return move(ctx, args[1], args[2], False, True)


class MultiplePop(NamedTuple):
    """The arguments of LMPOP and BLMPOP."""

    keys: list[bytes]
    at_head: bool
    most: int


def multiple_pop(args: list[bytes], position: int) -> MultiplePop:
    """Reads `numkeys key ... LEFT|RIGHT [COUNT count]` from `position` on; CommandError for what is wrong."""
    end = position + positive(args[position], errors.NO_KEY_COUNT, 1) + 1
    if end >= len(args):
        raise CommandError(errors.SYNTAX)
    at_head = is_head(args[end])
    count = 1
    if len(args) > end + 1:
        if args[end + 1].lower() != b"count" or len(args) == end + 2:
            raise CommandError(errors.SYNTAX)
        count = positive(args[end + 2], errors.NO_COUNT, 1)
        if len(args) > end + 3:
            raise CommandError(errors.SYNTAX)
    return MultiplePop(args[position + 1 : end], at_head, count)


def pop_from_first(ctx: Context, request: MultiplePop) -> Reply:
    """Pops from the first list that exists: [key, [element, ...]], or None if none does.

    Raises CommandError(WRONG_TYPE).
    """
    for name in request.keys:
        value = ctx.db.get_object(name, LIST, False)
        if value is not None:
            items = pop_many(value, request.most, request.at_head)
            removed(ctx, name, value, "lpop" if request.at_head else "rpop", len(items))
            plain = b"LPOP" if request.at_head else b"RPOP"
            ctx.rewrite_as([[plain, name, format_integer(len(items))]])
            return [name, items]
    return None


MULTIPLE_POP_ARGUMENTS = [
    integer_argument("numkeys"),
    key(multiple=True),
    one_of("where", *END),
    integer_argument("count", token="COUNT", optional=True),
]
MULTIPLE_POP_COMPLEXITY = (
    "O(N+M) where N is the number of provided keys and M is the number of elements returned."
)


@command(
    "LMPOP",
    arity=-4,
    flags=WRITE,
    keys=KeyNum(1, RW | ACCESS | DELETE),
    group=LIST_GROUP,
    since="7.0.0",
    complexity=MULTIPLE_POP_COMPLEXITY,
    args=MULTIPLE_POP_ARGUMENTS,
)
def lmpop(ctx: Context, args: list[bytes]) -> Reply:
    """Returns multiple elements from a list after removing them. Deletes the list if the last element was
    popped."""
    reply = pop_from_first(ctx, multiple_pop(args, 1))
    return NULL_ARRAY if reply is None else reply
