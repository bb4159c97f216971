"""OBJECT: what is known of a key's value besides its content. None of it counts as a use of the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.commands.debug_data import unseen
from redracer.core import errors
from redracer.core.entry import STRING
from redracer.core.errors import CommandError
from redracer.core.replies import Reply
from redracer.core.type_spec import type_spec
from redracer.engine.flags import GENERIC, READONLY
from redracer.engine.grammar import key
from redracer.engine.key_specs import RO, Key
from redracer.engine.registry import command, container

if TYPE_CHECKING:
    from redracer.engine.context import Context

MISSING = -1
NONDETERMINISTIC = ["nondeterministic_output"]

container(
    "OBJECT",
    group=GENERIC,
    since="2.2.3",
    summary="A container for object introspection commands.",
    help_since="6.2.0",
)


@command(
    "OBJECT|ENCODING",
    arity=3,
    flags=READONLY,
    keys=Key(2, RO),
    group=GENERIC,
    since="2.2.3",
    complexity="O(1)",
    args=[key()],
    hints=NONDETERMINISTIC,
)
def object_encoding(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the internal encoding of an object."""
    kind = ctx.db.type_of(args[2])
    if kind in (MISSING, STRING):
        return ctx.db.encoding_of_string(args[2])
    with unseen(ctx.db):
        return type_spec(kind).encoding(ctx.db, args[2])


@command(
    "OBJECT|IDLETIME",
    arity=3,
    flags=READONLY,
    keys=Key(2, RO),
    group=GENERIC,
    since="2.2.3",
    complexity="O(1)",
    args=[key()],
    hints=NONDETERMINISTIC,
)
def object_idletime(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the time since the last access to an object."""
    idle = ctx.db.idle_seconds(args[2])
    if idle < 0:
        return None
    if ctx.db.clock.lfu:
        raise CommandError(errors.IDLE_TIME_NOT_TRACKED)
    return idle


@command(
    "OBJECT|FREQ",
    arity=3,
    flags=READONLY,
    keys=Key(2, RO),
    group=GENERIC,
    since="4.0.0",
    complexity="O(1)",
    args=[key()],
    hints=NONDETERMINISTIC,
)
def object_freq(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the logarithmic access frequency counter of an object."""
    frequency = ctx.db.frequency(args[2])
    if frequency < 0:
        return None
    if not ctx.db.clock.lfu:
        raise CommandError(errors.FREQUENCY_NOT_TRACKED)
    return frequency


@command(
    "OBJECT|REFCOUNT",
    arity=3,
    flags=READONLY,
    keys=Key(2, RO),
    group=GENERIC,
    since="2.2.3",
    complexity="O(1)",
    args=[key()],
    hints=NONDETERMINISTIC,
)
def object_refcount(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the reference count of a value of a key."""
    # Values are never shared between keys: small integers are in the entry itself.
    return None if ctx.db.type_of(args[2]) == MISSING else 1
