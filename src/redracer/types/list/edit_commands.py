"""List commands on elements by index or by value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.entry import LIST
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Reply
from redracer.engine.arguments import LONG_MAX, integer
from redracer.engine.flags import DENYOOM, READONLY, WRITE
from redracer.engine.flags import LIST as LIST_GROUP
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.grammar import key, one_of, string, token
from redracer.engine.key_specs import ACCESS, DELETE, INSERT, RO, RW, UPDATE, Key
from redracer.engine.registry import command
from redracer.types.list.commands import positive, removed
from redracer.types.list.limits import limits_of
from redracer.types.list.value import grown, insert, item_at, length, positions, remove, replace, shrink, trim

if TYPE_CHECKING:
    from redracer.engine.context import Context


def signed(text: bytes) -> int:
    """An integer whose negative is one too; CommandError if it is none."""
    value = integer(text)
    if value < -LONG_MAX:
        raise CommandError(errors.out_of_range(-LONG_MAX, LONG_MAX))
    return value


@command(
    "LINDEX",
    arity=3,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=LIST_GROUP,
    since="1.0.0",
    complexity=(
        "O(N) where N is the number of elements to traverse to get to the element at index. "
        "This makes asking for the first or the last element of the list O(1)."
    ),
    args=[key(), integer_argument("index")],
)
def lindex(ctx: Context, args: list[bytes]) -> Reply:
    """Returns an element from a list by its index."""
    value = ctx.db.get_object(args[1], LIST)
    return None if value is None else item_at(value, integer(args[2]))


@command(
    "LSET",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=Key(1, RW | UPDATE),
    group=LIST_GROUP,
    since="1.0.0",
    complexity=(
        "O(N) where N is the length of the list. Setting either the first or the last element of the "
        "list is O(1)."
    ),
    args=[key(), integer_argument("index"), string("element")],
)
def lset(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the value of an element in a list by its index."""
    value = ctx.db.get_object(args[1], LIST, False)
    if value is None:
        raise CommandError(errors.NO_SUCH_KEY)
    index = integer(args[2])
    value = grown(ctx.db, args[1], value, args, 3, limits_of(ctx))
    if not replace(value, index, args[3]):
        raise CommandError(errors.INDEX_OUT_OF_RANGE)
    ctx.changed(args[1], "lset")
    shrink(ctx.db, args[1], value, limits_of(ctx))
    return OK


@command(
    "LINSERT",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=Key(1, RW | INSERT),
    group=LIST_GROUP,
    since="2.2.0",
    complexity=(
        "O(N) where N is the number of elements to traverse before seeing the value pivot. This means "
        "that inserting "
        "somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on "
        "the right end "
        "(tail) is O(N)."
    ),
    args=[key(), one_of("where", token("BEFORE"), token("AFTER")), string("pivot"), string("element")],
)
def linsert(ctx: Context, args: list[bytes]) -> Reply:
    """Inserts an element before or after another element in a list."""
    where = args[2].lower()
    if where not in (b"before", b"after"):
        raise CommandError(errors.SYNTAX)
    value = ctx.db.get_object(args[1], LIST, False)
    if value is None:
        return 0
    value = grown(ctx.db, args[1], value, args, 4, limits_of(ctx))
    if not insert(value, args[3], args[4], where == b"after"):
        return -1
    ctx.changed(args[1], "linsert")
    return length(value)


@command(
    "LREM",
    arity=4,
    flags=WRITE,
    keys=Key(1, RW | DELETE),
    group=LIST_GROUP,
    since="1.0.0",
    complexity="O(N+M) where N is the length of the list and M is the number of elements removed.",
    args=[key(), integer_argument("count"), string("element")],
)
def lrem(ctx: Context, args: list[bytes]) -> Reply:
    """Removes elements from a list. Deletes the list if the last element was removed."""
    count = signed(args[2])
    value = ctx.db.get_object(args[1], LIST, False)
    if value is None:
        return 0
    gone = remove(value, args[3], abs(count) or LONG_MAX, count < 0)
    if gone:
        removed(ctx, args[1], value, "lrem", gone)
    return gone


@command(
    "LTRIM",
    arity=4,
    flags=WRITE,
    keys=Key(1, RW | DELETE),
    group=LIST_GROUP,
    since="1.0.0",
    complexity="O(N) where N is the number of elements to be removed by the operation.",
    args=[key(), integer_argument("start"), integer_argument("stop")],
)
def ltrim(ctx: Context, args: list[bytes]) -> Reply:
    """Removes elements from both ends a list. Deletes the list if all elements were trimmed."""
    start, stop = integer(args[2]), integer(args[3])
    value = ctx.db.get_object(args[1], LIST, False)
    if value is None:
        return OK
    total = length(value)
    start = max(start + total, 0) if start < 0 else start
    stop = stop + total if stop < 0 else min(stop, total - 1)
    from_head, from_tail = (total, 0) if start > stop else (start, total - 1 - stop)
    trim(value, from_head, from_tail)
    removed(ctx, args[1], value, "ltrim", from_head + from_tail)
    return OK


def lpos_options(args: list[bytes]) -> tuple[int, int, int]:
    """LPOS's rank, count (-1: not given; 0: all) and most comparisons (0: all); CommandError for the
    first that is
    wrong."""
    rank, count, comparisons = 1, -1, 0
    for at in range(3, len(args), 2):
        option = args[at].lower()
        if at + 1 == len(args):
            raise CommandError(errors.SYNTAX)
        if option == b"rank":
            rank = signed(args[at + 1])
            if rank == 0:
                raise CommandError(errors.RANK_ZERO)
        elif option == b"count":
            count = positive(args[at + 1], errors.NEGATIVE_COUNT)
        elif option == b"maxlen":
            comparisons = positive(args[at + 1], errors.NEGATIVE_MAXLEN)
        else:
            raise CommandError(errors.SYNTAX)
    return rank, count, comparisons


@command(
    "LPOS",
    arity=-3,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=LIST_GROUP,
    since="6.0.6",
    complexity=(
        "O(N) where N is the number of elements in the list, for the average case. When searching for "
        "elements near "
        "the head or the tail of the list, or when the MAXLEN option is provided, the command may run in"
        " constant "
        "time."
    ),
    args=[
        key(),
        string("element"),
        integer_argument("rank", token="RANK", optional=True),
        integer_argument("num-matches", token="COUNT", optional=True),
        integer_argument("len", token="MAXLEN", optional=True),
    ],
)
def lpos(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the index of matching elements in a list."""
    rank, count, comparisons = lpos_options(args)
    value = ctx.db.get_object(args[1], LIST)
    found: list[int] = []
    if value is not None:
        wanted = 1 if count < 0 else count or LONG_MAX
        found = positions(value, args[2], abs(rank), wanted, comparisons or LONG_MAX, rank < 0)
    if count >= 0:
        return found
    return found[0] if found else None
