"""The arguments that SCAN, HSCAN, SSCAN and ZSCAN share: cursor, MATCH, COUNT."""

from __future__ import annotations

from typing import NamedTuple

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.engine.arguments import integer

CURSOR_MAX = 2**64 - 1
CURSOR_DIGITS = 20
DEFAULT_COUNT = 10  # elements that one call looks at, unless told otherwise
COUNT_MAX = 2**40  # more than anything holds


class ScanOptions(NamedTuple):
    """What a call asks for: to look at so many elements, and what is wanted of them.

    `pattern` None is any; `others` are the options that not all commands have.
    """

    elements: int
    pattern: bytes | None
    others: dict[bytes, bytes]


def scan_cursor(text: bytes) -> int:
    """A cursor, 64 bits unsigned; CommandError if it is none."""
    if not text.isdigit() or len(text) > CURSOR_DIGITS or int(text) > CURSOR_MAX:
        raise CommandError(errors.INVALID_CURSOR)
    return int(text)


def scan_options(
    args: list[bytes], start: int, valued: bytes | None = None, plain: bytes | None = None
) -> ScanOptions:
    """The options from `start` on. `valued` is one more option that has a value, `plain` one that has none.

    CommandError for an unknown option, one without its value, or a COUNT that is not positive. O(arguments).
    """
    count, pattern = DEFAULT_COUNT, None
    others: dict[bytes, bytes] = {}
    position = start
    while position < len(args):
        option = args[position].lower()
        has_value = position + 1 < len(args)
        if option == b"count" and has_value:
            count = _count(args[position + 1])
        elif option == b"match" and has_value:
            pattern = None if args[position + 1] == b"*" else args[position + 1]
        elif option == valued and has_value:
            others[option] = args[position + 1]
        elif option == plain:
            others[option] = b""
            position -= 1
        elif option == b"novalues":
            raise CommandError(errors.NOVALUES_WITHOUT_VALUES)
        else:
            raise CommandError(errors.SYNTAX)
        position += 2
    return ScanOptions(count, pattern, others)


def _count(text: bytes) -> int:
    count = integer(text)
    if count < 1:
        raise CommandError(errors.SYNTAX)
    return min(count, COUNT_MAX)
