"""The expiration options that SET, GETEX and their kin share: EX, PX, EXAT, PXAT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.engine.arguments import integer
from redracer.engine.grammar import Arg, one_of, token, unix_time
from redracer.engine.grammar import integer as integer_argument

if TYPE_CHECKING:
    from redracer.engine.context import Context

LONG_MAX = 2**63 - 1
# option -> (ms in one unit, whether it counts from now)
UNITS = {b"ex": (1000, True), b"px": (1, True), b"exat": (1000, False), b"pxat": (1, False)}


def expire_at(ctx: Context, option: bytes, text: bytes, command_name: bytes) -> int:
    """The Unix time in ms that an option (lower case) and its argument mean.

    Raises CommandError if the argument is no integer, not positive, or out of range. O(1).
    """
    unit, relative = UNITS[option]
    time = integer(text)
    base = ctx.now if relative else 0
    if time <= 0 or time > (LONG_MAX - base) // unit:
        raise CommandError(errors.invalid_expiry(command_name))
    return base + time * unit


def expiration_argument(*others: Arg, since: bool = False) -> Arg:
    """The grammar of the options; `since` adds the versions in which SET got each."""

    def version(text: str) -> str:
        return text if since else ""

    return one_of(
        "expiration",
        integer_argument("seconds", token="EX", since=version("2.6.12")),
        integer_argument("milliseconds", token="PX", since=version("2.6.12")),
        unix_time("unix-time-seconds", token="EXAT", since=version("6.2.0")),
        unix_time("unix-time-milliseconds", token="PXAT", since=version("6.2.0")),
        *others,
        optional=True,
    )


PERSIST = token("PERSIST")
KEEPTTL = token("KEEPTTL", since="6.0.0")
