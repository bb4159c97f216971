"""Key specs: where a command's keys are among its arguments, and what it does to them.

A spec has two halves, as in Redis. Where the search begins: at a fixed index, after a
keyword, or unknown. How keys follow from there: a range, a count given as an argument, or
unknown. A command whose keys no spec can express (SORT ... STORE, or flags that depend on
other arguments) marks its spec incomplete, unknown or of variable flags, and brings a
`KeyFunction` that is then asked instead.

Positions count the command's name as 0. A subcommand's positions count its container as
well (`OBJECT ENCODING key`: the key is at 2).
"""

from __future__ import annotations

from collections.abc import Callable

# What a command does to a key: one of these four ...
RO = 1 << 0  # reads its value
RW = 1 << 1  # changes its value
OW = 1 << 2  # overwrites it, whatever it was
RM = 1 << 3  # removes it
# ... and what happens to the data in it.
ACCESS = 1 << 4  # user data is returned, copied or used
UPDATE = 1 << 5  # data is changed, and may be read through the change
INSERT = 1 << 6  # data is added, none changed
DELETE = 1 << 7  # data is removed explicitly
# Of the spec itself.
NOT_KEY = 1 << 8  # not a key, but routed as one
INCOMPLETE = 1 << 9  # the spec may miss keys
VARIABLE_FLAGS = 1 << 10  # the flags depend on other arguments

KEY_FLAG_NAMES: tuple[tuple[int, bytes], ...] = (
    (RO, b"RO"),
    (RW, b"RW"),
    (OW, b"OW"),
    (RM, b"RM"),
    (ACCESS, b"access"),
    (UPDATE, b"update"),
    (INSERT, b"insert"),
    (DELETE, b"delete"),
    (NOT_KEY, b"not_key"),
    (INCOMPLETE, b"incomplete"),
    (VARIABLE_FLAGS, b"variable_flags"),
)
_ALL_FLAGS = (1 << len(KEY_FLAG_NAMES)) - 1
_ONE_OF = RO | RW | OW | RM

# One key found: its position among the arguments, and the flags above.
KeyReference = tuple[int, int]
# Finds the keys of an argument vector; an empty list when the arguments are malformed.
KeyFunction = Callable[[list[bytes]], list[KeyReference]]


class Index:
    """The search begins at a fixed position, 1 or more."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position

    def locate(self, args: list[bytes]) -> int:
        """The position where keys begin."""
        return self.position


class Keyword:
    """The search begins after a keyword, looked for from `start` on.

    A negative `start` counts from the end of the arguments and looks backwards.
    """

    __slots__ = ("keyword", "start")

    def __init__(self, keyword: bytes, start: int) -> None:
        self.keyword = keyword
        self.start = start

    def locate(self, args: list[bytes]) -> int:
        """The position after the keyword, or 0 if it is not there."""
        count = len(args)
        # The last argument cannot be the keyword, nor, backwards, the first after the name.
        positions = range(self.start, count - 1) if self.start > 0 else range(count + self.start, 1, -1)
        wanted = self.keyword.lower()
        for position in positions:
            if args[position].lower() == wanted:
                return position + 1
        return 0


class Range:
    """Keys from the beginning to `last`, every `step`-th argument.

    `last` is relative to the first key, or, when negative, to the end of the arguments.
    With `last` -1, `limit` 2 or more says that only that fraction of the rest is keys.
    """

    __slots__ = ("last", "limit", "step")

    def __init__(self, last: int, step: int, limit: int) -> None:
        self.last = last
        self.step = step
        self.limit = limit

    def positions(self, args: list[bytes], first: int) -> range | None:
        """The keys' positions, given where they begin; None if the arguments do not hold them."""
        count = len(args)
        if self.last >= 0:
            last = first + self.last
        elif self.limit > 1:
            last = first + (count - first) // self.limit + self.last
        else:
            last = count + self.last
        return _checked(first, last, self.step, count)


class Count:
    """As many keys as the argument at the beginning says; the first is `first` after it."""

    __slots__ = ("first", "step")

    def __init__(self, first: int, step: int) -> None:
        self.first = first
        self.step = step

    def positions(self, args: list[bytes], begin: int) -> range | None:
        """The keys' positions; None if the count is malformed, zero, or says too many."""
        if begin >= len(args):
            return None
        digits = args[begin]
        if not digits.isdigit() or len(digits) > 10 or (len(digits) > 1 and digits[:1] == b"0"):
            return None
        first = begin + self.first
        return _checked(first, first + (int(digits) - 1) * self.step, self.step, len(args))


def _checked(first: int, last: int, step: int, count: int) -> range | None:
    if last >= count or last < first or first >= count:
        return None
    return range(first, last + 1, step)


class KeySpec:
    """One key spec: where it begins, how keys follow, what is done to them. Immutable by use.

    `begin` and `find` are None where Redis says "unknown". Raises ValueError when the parts
    make no sense.
    """

    __slots__ = ("begin", "find", "flags", "notes")

    def __init__(
        self, begin: Index | Keyword | None, find: Range | Count | None, flags: int, notes: str = ""
    ) -> None:
        self.begin = begin
        self.find = find
        self.flags = flags
        self.notes = notes
        self._check()

    def _check(self) -> None:
        if isinstance(self.begin, Index) and self.begin.position < 1:
            raise ValueError("a key's position is 1 or more")
        if isinstance(self.begin, Keyword) and (not self.begin.keyword or self.begin.start == 0):
            raise ValueError("a keyword and a start other than 0 are needed")
        if self.find is not None and self.find.step < 1:
            raise ValueError("the step between keys is 1 or more")
        if isinstance(self.find, Range) and self.find.limit > 1 and self.find.last != -1:
            raise ValueError("a limit needs last=-1")
        if (self.begin is None) != (self.find is None):
            raise ValueError("both halves are unknown, or neither")
        access = self.flags & _ONE_OF
        if self.flags & ~_ALL_FLAGS:
            raise ValueError("unknown key flags")
        # A NOT_KEY spec only routes, so it may say nothing of what is done.
        if access & (access - 1) or (not access and not self.flags & NOT_KEY):
            raise ValueError("exactly one of RO, RW, OW, RM is needed")

    @property
    def plain_range(self) -> bool:
        """Whether first key, last key and step can say it all."""
        return isinstance(self.begin, Index) and isinstance(self.find, Range)

    def find_keys(self, args: list[bytes]) -> list[KeyReference] | None:
        """The keys that the spec finds; None if it cannot tell (unknown or malformed). O(keys)."""
        if self.begin is None or self.find is None:
            return None
        begin = self.begin.locate(args)
        if begin == 0:
            return []
        positions = self.find.positions(args, begin)
        if positions is None:
            return None
        return [(position, self.flags) for position in positions]


class Channels:
    """The channels that a command sends to or listens to: the first `count` arguments, or all (0).

    `patterns`: they are patterns that select channels.
    """

    __slots__ = ("count", "patterns")

    def __init__(self, count: int = 0, *, patterns: bool = False) -> None:
        self.count = count
        self.patterns = patterns

    def positions(self, argument_count: int) -> range:
        """The channels' positions among so many arguments, the name included."""
        return range(1, min(self.count + 1, argument_count) if self.count else argument_count)


# What declarations use.


def Key(position: int, flags: int, notes: str = "") -> KeySpec:
    """One key at a fixed position."""
    return KeySpec(Index(position), Range(0, 1, 0), flags, notes)


def Keys(
    first: int, flags: int, *, last: int = -1, step: int = 1, limit: int = 0, notes: str = ""
) -> KeySpec:
    """Keys from `first` to `last` (relative to first; negative: from the end of the arguments)."""
    return KeySpec(Index(first), Range(last, step, limit), flags, notes)


def KeyNum(position: int, flags: int, *, first: int = 1, step: int = 1, notes: str = "") -> KeySpec:
    """The argument at `position` counts the keys; they begin `first` arguments after it."""
    return KeySpec(Index(position), Count(first, step), flags, notes)


def KeyKeyword(
    keyword: str,
    start: int,
    flags: int,
    *,
    last: int = 0,
    step: int = 1,
    limit: int = 0,
    notes: str = "",
) -> KeySpec:
    """Keys after a keyword that is looked for from `start` on (negative: backwards from the end)."""
    return KeySpec(Keyword(keyword.encode(), start), Range(last, step, limit), flags, notes)


def UnknownKeys(flags: int, notes: str = "") -> KeySpec:
    """Keys whose names or places the arguments do not tell; needs a key function."""
    return KeySpec(None, None, flags, notes)


def first_last_step(specs: tuple[KeySpec, ...]) -> tuple[int, int, int, bool]:
    """First key, last key and step as COMMAND INFO gives them, and whether they miss keys.

    One range spec is given as it is. Several count only where they are consecutive and of
    step 1; anything else makes the command's keys movable. (0, 0, 0, ...) without any.
    """
    if not specs:
        return 0, 0, 0, False
    if len(specs) == 1 and specs[0].plain_range:
        first, last, step = _absolute(specs[0])
        return first, last, step, bool(specs[0].flags & INCOMPLETE)
    first, last, movable = 0, 0, False
    for spec in specs:
        if spec.plain_range and _absolute(spec)[2] == 1 and last in (0, _absolute(spec)[0] - 1):
            begin, last, _ = _absolute(spec)
            first = first or begin
            movable = movable or bool(spec.flags & INCOMPLETE)
        else:
            movable = True
    return first, last, 1 if first else 0, movable


def _absolute(spec: KeySpec) -> tuple[int, int, int]:
    assert isinstance(spec.begin, Index) and isinstance(spec.find, Range)
    first, last = spec.begin.position, spec.find.last
    return first, first + last if last >= 0 else last, spec.find.step
