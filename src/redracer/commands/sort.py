"""SORT and SORT_RO: the elements of a list, set or sorted set, ordered by themselves or by what other keys hold.

The options are read first, into a Request. A value that is to be sorted is asked for its elements by its
type's row (core/type_spec.py), and so is a hash for the field that a pattern names, and the list's row makes
the list that STORE asks for: nothing here knows how a type keeps its elements.

Patterns: the first `*` stands for the element; what follows `->` names a field of the hash at that key.

The order of text is that of its bytes, whatever the locale; elements of equal weight are in the order of
their bytes too, so that a numeric order is the same on every server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.entry import HASH, LIST
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_double
from redracer.core.replies import Reply
from redracer.core.type_spec import Elements, type_spec
from redracer.engine.arguments import integer
from redracer.engine.client import INTERNAL
from redracer.engine.flags import (
    ACL_DANGEROUS,
    ACL_LIST,
    ACL_SET,
    ACL_SORTED_SET,
    DENYOOM,
    GENERIC,
    READONLY,
    WRITE,
)
from redracer.engine.grammar import Arg, block, key, one_of, pattern, token
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, OW, RO, UPDATE, Key, KeyReference, UnknownKeys
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.engine.context import Context

MISSING = -1  # what Keyspace.type_of answers for a key that is not there
NO_ELEMENTS = Elements(0, True, lambda start, count, reverse: [])
ARROW = b"->"

PATTERN_KEYS = UnknownKeys(
    RO | ACCESS,
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content "
    "of the key we sort",
)
STORE_KEY = UnknownKeys(
    OW | UPDATE,
    "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the "
    "argument array",
)
OPTIONS: list[Arg] = [
    key(),
    pattern("by-pattern", 1, token="BY", display="pattern", optional=True),
    block("limit", integer_argument("offset"), integer_argument("count"), token="LIMIT", optional=True),
    pattern(
        "get-pattern", 1, token="GET", display="pattern", optional=True, multiple=True, multiple_token=True
    ),
    one_of("order", token("ASC"), token("DESC"), optional=True),
    token("ALPHA", "sorting", optional=True),
]
COMPLEXITY = (
    "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of "
    "returned elements. When the elements are not sorted, complexity is O(N)."
)
CATEGORIES = ACL_SET | ACL_SORTED_SET | ACL_LIST | ACL_DANGEROUS

# How many arguments an option takes, as far as it must be known to find STORE.
OPTION_LENGTHS = {b"limit": 2, b"get": 1, b"by": 1}


class Pattern:
    """Where to look for something that belongs to an element."""

    __slots__ = ("field", "itself", "prefix", "suffix")

    def __init__(self, text: bytes) -> None:
        self.itself = text == b"#"
        self.prefix: bytes | None = (
            None  # None: the pattern has no place for the element, so it finds nothing
        )
        self.suffix = self.field = b""
        star = text.find(b"*")
        if star < 0:
            return
        self.prefix, self.suffix = text[:star], text[star + 1 :]
        before, arrow, field = self.suffix.partition(ARROW)
        if arrow and field:
            self.suffix, self.field = before, field

    def look_up(self, ctx: Context, element: bytes) -> bytes | None:
        """What the pattern finds for an element; None for no key, no field, or another type of value. O(1)."""
        if self.itself:
            return element
        if self.prefix is None:
            return None
        name = self.prefix + element + self.suffix
        try:
            if not self.field:
                return ctx.db.get_string(name)
            value = ctx.db.get_object(name, HASH)
        except CommandError:
            return None
        read = type_spec(HASH).field
        assert read is not None
        return None if value is None else read(value, self.field, ctx.expiry_now)


class Request:
    """The options of one call."""

    def __init__(self, args: list[bytes], may_store: bool) -> None:
        """Raises CommandError for what is no option, or lacks its argument."""
        self.descending = self.alphabetic = False
        self.by: Pattern | None = None
        self.unsorted = False
        self.offset, self.count = 0, -1
        self.gets: list[Pattern] = []
        self.store: bytes | None = None
        position = 2
        while position < len(args):
            position += 1 + self._read_option(args, position, may_store)

    def _read_option(self, args: list[bytes], position: int, may_store: bool) -> int:
        """Reads the option at a position; returns how many arguments it has."""
        option, left = args[position].lower(), len(args) - position - 1
        if option in (b"asc", b"desc"):
            self.descending = option == b"desc"
        elif option == b"alpha":
            self.alphabetic = True
        elif option == b"limit" and left >= 2:
            self.offset, self.count = integer(args[position + 1]), integer(args[position + 2])
            return 2
        elif option == b"store" and left and may_store:
            self.store = args[position + 1]
            return 1
        elif option == b"by" and left:
            self.by = Pattern(args[position + 1])
            if self.by.prefix is None:  # the same for all: they stay as they are
                self.by, self.unsorted = None, True
            return 1
        elif option == b"get" and left:
            self.gets.append(Pattern(args[position + 1]))
            return 1
        else:
            raise CommandError(errors.SYNTAX)
        return 0

    def bounds(self, length: int) -> tuple[int, int]:
        """Where the wanted part of so many elements starts, and how many it has."""
        start = min(max(self.offset, 0), length)
        rest = length - start
        return start, rest if self.count < 0 else min(self.count, rest)


def weight(text: bytes | None) -> float:
    """A number to sort by; what is missing counts as 0. Raises CommandError. O(length).

    It is read as C's strtod does: up to a NUL, after leading space; nothing at all is 0.
    """
    if text is None:
        return 0.0
    value = parse_double(text)
    if value is None:
        text = text.partition(b"\0")[0]
        if not text:
            return 0.0
        value = parse_double(text.lstrip())
    if value is None:
        raise CommandError(errors.WEIGHT_NOT_DOUBLE)
    return value


def in_order(ctx: Context, request: Request, elements: list[bytes]) -> list[bytes]:
    """The elements, sorted as the options say. Raises CommandError. O(n log n)."""
    by, reverse = request.by, request.descending
    contents = elements if by is None else [by.look_up(ctx, element) for element in elements]
    if not request.alphabetic:
        weighted = sorted(zip(map(weight, contents), elements, strict=True), reverse=reverse)
        return [element for _, element in weighted]
    if by is None:
        return sorted(elements, reverse=reverse)
    # What is missing comes first; equal contents leave their elements as they were.
    named = [
        (content is not None, content or b"", element)
        for content, element in zip(contents, elements, strict=True)
    ]
    named.sort(key=lambda entry: entry[:2], reverse=reverse)
    return [element for _, _, element in named]


def chosen(ctx: Context, name: bytes, request: Request) -> list[bytes]:
    """The elements of the value at a key that the options ask for, in order. Raises CommandError."""
    type = ctx.db.type_of(name)
    held = NO_ELEMENTS
    if type != MISSING:
        spec = type_spec(type)
        if spec.elements is None:
            raise CommandError(errors.WRONG_TYPE)
        held = spec.elements(spec.value(ctx.db, name))
    start, count = request.bounds(held.length)
    if request.unsorted and not held.ordered and (request.store is not None or ctx.client.flags & INTERNAL):
        # What is stored must be the same on every replica, and what a script sees the same at every run.
        request.unsorted, request.alphabetic = False, True
    if request.unsorted:
        return held.part(start, count, request.descending) if count else []
    elements = in_order(ctx, request, held.part(0, held.length, False)) if held.length else []
    return elements[start : start + count]


def check_patterns(ctx: Context, request: Request, args: list[bytes]) -> None:
    """Refuses patterns, which may name any key, to a user who may not read every key. Raises CommandError."""
    gets = [pattern for pattern in request.gets if not pattern.itself]
    if (request.by or gets) and not ctx.engine.acl.allows_every_key(ctx.client, args, ACCESS):
        raise CommandError(errors.SORT_BY_DENIED if request.by else errors.SORT_GET_DENIED)


def sorted_reply(ctx: Context, args: list[bytes], may_store: bool) -> Reply:
    """SORT and SORT_RO."""
    request = Request(args, may_store)
    check_patterns(ctx, request, args)
    found: list[bytes | None] = [*chosen(ctx, args[1], request)]
    if request.gets:
        elements = [element for element in found if element is not None]
        found = [pattern.look_up(ctx, element) for element in elements for pattern in request.gets]
    if request.store is None:
        return found
    return store(ctx, request.store, [item or b"" for item in found])


def store(ctx: Context, name: bytes, items: list[bytes]) -> int:
    """Puts a list in place of whatever a key held; without items the key is deleted. The number of items. O(n)."""
    old = ctx.db.take(name)
    if old is not None and not isinstance(old, bytes):  # a string is freed at once, whatever its length
        ctx.engine.lazy_free.add(old)
    if not items:
        if old is not None:
            ctx.changed(name, "del")
        return 0
    make = type_spec(LIST).make
    assert make is not None
    make(ctx.db, name, items, ctx.config.values)
    ctx.changed(name, "sortstore", len(items))
    return len(items)


def keys_of_sort(args: list[bytes]) -> list[KeyReference]:
    """The key that is sorted, and the one that STORE names last."""
    found = [(1, RO | ACCESS)]
    position = 2
    while position < len(args):
        option = args[position].lower()
        if option == b"store" and position + 1 < len(args):
            found[1:] = [(position + 1, OW | UPDATE)]
        position += 1 + OPTION_LENGTHS.get(option, 0)
    return found


@command(
    "SORT",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=(Key(1, RO | ACCESS), PATTERN_KEYS, STORE_KEY),
    find_keys=keys_of_sort,
    group=GENERIC,
    group_acl=False,
    acl=CATEGORIES,
    since="1.0.0",
    complexity=COMPLEXITY,
    args=[*OPTIONS, key("destination", 2, token="STORE", optional=True)],
)
def sort(ctx: Context, args: list[bytes]) -> Reply:
    """Sorts the elements in a list, a set, or a sorted set, optionally storing the result."""
    return sorted_reply(ctx, args, True)


@command(
    "SORT_RO",
    arity=-2,
    flags=READONLY,
    keys=(Key(1, RO | ACCESS), PATTERN_KEYS),
    find_keys=lambda args: [(1, RO | ACCESS)],
    group=GENERIC,
    group_acl=False,
    acl=CATEGORIES,
    since="7.0.0",
    complexity=COMPLEXITY,
    args=OPTIONS,
)
def sort_ro(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the sorted elements of a list, a set, or a sorted set."""
    return sorted_reply(ctx, args, False)
