"""The subcommands of DEBUG by name, and how they are declared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[Any, list[bytes]], Any]


class Subcommand(NamedTuple):
    """`least` and `most` count the arguments after the subcommand's name."""

    handler: Handler
    usage: str
    summary: str
    least: int
    most: int


SUBCOMMANDS: dict[bytes, Subcommand] = {}


def subcommand(
    name: str, usage: str = "", least: int = 0, most: int | None = None
) -> Callable[[Handler], Handler]:
    """Declares the decorated function a subcommand of DEBUG, its docstring the summary in HELP."""

    def declare(handler: Handler) -> Handler:
        summary = " ".join((handler.__doc__ or "").split())
        SUBCOMMANDS[name.lower().encode()] = Subcommand(
            handler, usage, summary, least, least if most is None else most
        )
        return handler

    return declare


def flag_of(text: bytes) -> bool:
    """A switch as C's atoi reads it: whether it starts with a number other than 0."""
    number = re.match(rb"\s*[+-]?\d+", text)
    return number is not None and int(number[0]) != 0
