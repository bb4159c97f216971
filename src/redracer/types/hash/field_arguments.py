"""The arguments that the commands on fields with an expiry share: `FIELDS numfields field ...`, and times."""

from __future__ import annotations

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.engine.arguments import integer
from redracer.engine.grammar import block, string
from redracer.engine.grammar import integer as integer_argument

MAX_TIME = 2**46 - 1  # Unix time in ms that an expiry may be at most: Redis's limit
# option -> (ms in one unit, whether it counts from now)
UNITS = {b"ex": (1000, True), b"px": (1, True), b"exat": (1000, False), b"pxat": (1, False)}

FIELDS = block("fields", integer_argument("numfields"), string("field", multiple=True), token="FIELDS")


def named_fields(
    args: list[bytes], position: int, not_positive: bytes = errors.FIELD_COUNT_NOT_POSITIVE
) -> list[bytes]:
    """The fields after `FIELDS numfields` at `position`, which must be all of the rest.

    Raises CommandError: no FIELDS, no number or none above 0 (`not_positive`), or another number of fields.
    """
    if len(args) <= position or args[position].lower() != b"fields":
        raise CommandError(errors.FIELDS_MISSING)
    fields = args[position + 2 :]
    count = parse_integer(args[position + 1]) if len(args) > position + 1 else None
    if count is None or count < 1:
        raise CommandError(not_positive)
    if count != len(fields):
        raise CommandError(errors.FIELD_COUNT_MISMATCH)
    return fields


def field_expiry_time(text: bytes, unit: int, base: int, command_name: bytes) -> int:
    """The Unix time in ms that is `text` times `unit` ms after `base`.

    Raises CommandError if the text is no integer, negative, or the time later than MAX_TIME.
    """
    time = integer(text)
    if time < 0:
        raise CommandError(errors.NEGATIVE_FIELD_EXPIRY)
    if time > (MAX_TIME if unit == 1 else MAX_TIME // unit) or time * unit > MAX_TIME - base:
        raise CommandError(errors.invalid_expiry(command_name))
    return base + time * unit
