"""INCRBYFLOAT's arithmetic with its refusals; HINCRBYFLOAT has texts of its own for the same failures."""

from __future__ import annotations

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import RESULT_NOT_FINITE, increment_by_float


def incremented(value: bytes | None, increment: bytes) -> bytes:
    """The sum of two decimal texts (None counts as 0), in long double, as Redis writes it.

    Raises CommandError if either is no finite number, or the sum is none.
    """
    result = increment_by_float(value, increment)
    if isinstance(result, bytes):
        return result
    raise CommandError(errors.NAN_OR_INFINITY if result == RESULT_NOT_FINITE else errors.NOT_FLOAT)
