"""Reading arguments that many commands share; each refuses with Redis's words."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_double, parse_integer

if TYPE_CHECKING:
    from redracer.core.keyspace import Keyspace
    from redracer.engine.context import Context

INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1


def integer(text: bytes) -> int:
    """A 64-bit signed integer; CommandError if it is none. O(1)."""
    value = parse_integer(text)
    if value is None:
        raise CommandError(errors.NOT_INTEGER)
    return value


def database_number(text: bytes, refusal: bytes = errors.NOT_INTEGER) -> int:
    """A database's index, not checked to exist; CommandError(refusal) if it is no 32-bit integer."""
    value = parse_integer(text)
    if value is None or not -INT_MAX - 1 <= value <= INT_MAX:
        raise CommandError(refusal)
    return value


def database(ctx: Context, index: int) -> Keyspace:
    """The database of an index; CommandError if there is none. O(1)."""
    databases = ctx.databases
    if not 0 <= index < len(databases):
        raise CommandError(errors.DB_INDEX_OUT_OF_RANGE)
    return databases[index]


def blocking_timeout(ctx: Context, text: bytes) -> int:
    """How long a command may wait, in ms (rounded up; 0: for ever), given in seconds with decimals.

    Raises CommandError for what is no number, negative, or ends beyond the end of time. O(1).
    """
    seconds = parse_double(text)
    if seconds is None:
        raise CommandError(errors.INVALID_TIMEOUT)
    return _until_the_end_of_time(ctx, seconds * 1000)


def timeout_in_milliseconds(ctx: Context, text: bytes) -> int:
    """As blocking_timeout, given in whole ms."""
    milliseconds = parse_integer(text)
    if milliseconds is None:
        raise CommandError(errors.INVALID_MILLISECONDS_TIMEOUT)
    return _until_the_end_of_time(ctx, milliseconds)


def _until_the_end_of_time(ctx: Context, milliseconds: float) -> int:
    if milliseconds > LONG_MAX - ctx.now:
        raise CommandError(errors.TIMEOUT_OUT_OF_RANGE)
    if milliseconds <= -1:
        raise CommandError(errors.NEGATIVE_TIMEOUT)
    return ceil(milliseconds)
