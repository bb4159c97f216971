"""INCRBYFLOAT's arithmetic with its refusals; HINCRBYFLOAT has texts of its own for the same failures."""

from __future__ import annotations

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import INCREMENT_NOT_FINITE, RESULT_NOT_FINITE, increment_by_float


def incremented(value: bytes | None, increment: bytes) -> bytes:
    """The sum of two decimal texts (None counts as 0), in long double, as Redis writes it.

    Raises CommandError if either is no number, or the sum would not be finite.
    """
    result = increment_by_float(value, increment)
    if isinstance(result, bytes):
        return result
    if result in (INCREMENT_NOT_FINITE, RESULT_NOT_FINITE):
        raise CommandError(errors.NAN_OR_INFINITY)
    raise CommandError(errors.NOT_FLOAT)
