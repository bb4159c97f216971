"""String commands that read or change a part of a value: APPEND, STRLEN, GETRANGE, SETRANGE, LCS."""

from __future__ import annotations

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.lcs import TooLarge, lcs
from redracer.core.replies import Map, Reply
from redracer.engine.arguments import integer
from redracer.engine.context import Context
from redracer.engine.flags import DENYOOM, FAST, READONLY, STRING, WRITE
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.grammar import key, string, token
from redracer.engine.key_specs import ACCESS, INSERT, RO, RW, UPDATE, Key, Keys
from redracer.engine.registry import command
from redracer.types.string.value import append, get_range, set_range, string_length


def check_length(ctx: Context, length: int) -> None:
    """Refuses a value that would be longer than proto-max-bulk-len."""
    if length > ctx.config["proto-max-bulk-len"]:
        raise CommandError(errors.STRING_TOO_LONG)


@command(
    "APPEND",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | INSERT),
    group=STRING,
    since="2.0.0",
    complexity=(
        "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already "
        "present value is of any size, since the room for a growing string doubles."
    ),
    args=[key(), string("value")],
)
def append_(ctx: Context, args: list[bytes]) -> Reply:
    """Appends a string to the value of a key. Creates the key if it doesn't exist."""
    check_length(ctx, string_length(ctx.db, args[1]) + len(args[2]))
    length = append(ctx.db, args[1], args[2])
    ctx.changed(args[1], "append")
    return length


@command(
    "STRLEN",
    arity=2,
    flags=READONLY | FAST,
    keys=Key(1, RO),
    group=STRING,
    since="2.2.0",
    complexity="O(1)",
    args=[key()],
)
def strlen(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the length of a string value."""
    return string_length(ctx.db, args[1])


@command(
    "SETRANGE",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=Key(1, RW | UPDATE),
    group=STRING,
    since="2.2.0",
    complexity="O(1), not counting the time taken to copy the new string in place; O(M) with M its length.",
    args=[key(), integer_argument("offset"), string("value")],
)
def setrange(ctx: Context, args: list[bytes]) -> Reply:
    """Overwrites a part of a string value with another by an offset. Creates the key if it doesn't exist."""
    offset = integer(args[2])
    if offset < 0:
        raise CommandError(errors.OFFSET_OUT_OF_RANGE)
    if not args[3]:
        return string_length(ctx.db, args[1])
    string_length(ctx.db, args[1])  # the type is refused before the size is
    check_length(ctx, offset + len(args[3]))
    length = set_range(ctx.db, args[1], offset, args[3])
    ctx.changed(args[1], "setrange")
    return length


@command(
    "GETRANGE",
    arity=4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=STRING,
    since="2.4.0",
    complexity="O(N) where N is the length of the returned string.",
    args=[key(), integer_argument("start"), integer_argument("end")],
)
def getrange(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a substring of the string stored at a key."""
    start = integer(args[2])
    end = integer(args[3])
    return get_range(ctx.db, args[1], start, end)


@command(
    "SUBSTR",
    arity=4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=STRING,
    since="1.0.0",
    complexity="O(N) where N is the length of the returned string.",
    args=[key(), integer_argument("start"), integer_argument("end")],
    deprecated_since="2.0.0",
    replaced_by="`GETRANGE`",
)
def substr(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a substring from a string value."""
    return getrange(ctx, args)


@command(
    "LCS",
    arity=-3,
    flags=READONLY,
    keys=Keys(1, RO | ACCESS, last=1),
    group=STRING,
    since="7.0.0",
    complexity="O(N*M) where N and M are the lengths of s1 and s2, respectively",
    args=[
        key("key1"),
        key("key2"),
        token("LEN", optional=True),
        token("IDX", optional=True),
        integer_argument("min-match-len", token="MINMATCHLEN", optional=True),
        token("WITHMATCHLEN", optional=True),
    ],
)
def lcs_(ctx: Context, args: list[bytes]) -> Reply:
    """Finds the longest common substring."""
    try:
        first = ctx.db.get_string(args[1]) or b""
        second = ctx.db.get_string(args[2]) or b""
    except CommandError:
        raise CommandError(errors.LCS_NOT_STRINGS) from None
    wants_length, wants_matches, shortest, with_lengths = _lcs_options(args)
    try:
        length, common, matches = lcs(first, second, ctx.config["proto-max-bulk-len"])
    except TooLarge:
        raise CommandError(errors.LCS_TOO_LARGE) from None
    if wants_matches:
        shown: list[Reply] = []
        for first_start, first_end, second_start, second_end in matches:
            size = first_end - first_start + 1
            if size >= shortest:
                match: list[Reply] = [[first_start, first_end], [second_start, second_end]]
                shown.append([*match, size] if with_lengths else match)
        return Map([b"matches", shown, b"len", length])
    return length if wants_length else common


def _lcs_options(args: list[bytes]) -> tuple[bool, bool, int, bool]:
    wants_length = wants_matches = with_lengths = False
    shortest = 0
    at = 3
    while at < len(args):
        word = args[at].lower()
        if word == b"len":
            wants_length = True
        elif word == b"idx":
            wants_matches = True
        elif word == b"withmatchlen":
            with_lengths = True
        elif word == b"minmatchlen" and at + 1 < len(args):
            at += 1
            shortest = max(integer(args[at]), 0)
        else:
            raise CommandError(errors.SYNTAX)
        at += 1
    if wants_length and wants_matches:
        raise CommandError(errors.LCS_LENGTH_AND_INDEXES)
    return wants_length, wants_matches, shortest, with_lengths
