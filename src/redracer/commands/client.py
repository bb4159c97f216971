"""CLIENT: what a connection says of itself and asks for itself, pauses, and the end of waits.

LIST and KILL have modules of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.commands.connection import checked_name, is_plain_word
from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import NO_REPLY, OK, Reply
from redracer.engine import arguments
from redracer.engine.client import (
    NO_EVICT,
    NO_TOUCH,
    REPLY_OFF,
    REPLY_SKIP,
    REPLY_SKIP_NEXT,
)
from redracer.engine.flags import ADMIN, CONNECTION, LOADING, NOSCRIPT, STALE
from redracer.engine.gates import GATE_NO_TOUCH, GATE_REPLY
from redracer.engine.grammar import integer, one_of, string, token
from redracer.engine.registry import command, container

if TYPE_CHECKING:
    from redracer.engine.context import Context

OWN = NOSCRIPT | LOADING | STALE
OTHERS = ADMIN | OWN
ON_OR_OFF = one_of("enabled", token("ON"), token("OFF"))

container(
    "CLIENT",
    group=CONNECTION,
    since="2.4.0",
    summary="A container for client connection commands.",
    help_since="5.0.0",
)


@command("CLIENT|ID", arity=2, flags=OWN, group=CONNECTION, since="5.0.0", complexity="O(1)")
def client_id(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the unique client ID of the connection."""
    return ctx.client.id


@command("CLIENT|GETNAME", arity=2, flags=OWN, group=CONNECTION, since="2.6.9", complexity="O(1)")
def client_getname(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the name of the connection."""
    return ctx.client.name or None


@command(
    "CLIENT|SETNAME",
    arity=3,
    flags=OWN,
    group=CONNECTION,
    since="2.6.9",
    complexity="O(1)",
    args=[string("connection-name")],
    hints=["request_policy:all_nodes", "response_policy:all_succeeded"],
)
def client_setname(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the connection name."""
    ctx.client.name = checked_name(args[2])
    return OK


@command(
    "CLIENT|SETINFO",
    arity=4,
    flags=OWN,
    group=CONNECTION,
    since="7.2.0",
    complexity="O(1)",
    args=[one_of("attr", string("libname", token="LIB-NAME"), string("libver", token="LIB-VER"))],
    hints=["request_policy:all_nodes", "response_policy:all_succeeded"],
)
def client_setinfo(ctx: Context, args: list[bytes]) -> Reply:
    """Sets information specific to the client or connection."""
    attribute = args[2].lower()
    if attribute not in (b"lib-name", b"lib-ver"):
        raise CommandError(b"ERR Unrecognized option '%s'" % args[2])
    if not is_plain_word(args[3]):
        raise CommandError(b"ERR %s cannot contain spaces, newlines or special characters." % args[2])
    if attribute == b"lib-name":
        ctx.client.library_name = args[3]
    else:
        ctx.client.library_version = args[3]
    return OK


def _switch(text: bytes) -> bool:
    """Whether ON was given; CommandError for a word that is neither ON nor OFF."""
    word = text.lower()
    if word not in (b"on", b"off"):
        raise CommandError(errors.SYNTAX)
    return word == b"on"


@command(
    "CLIENT|NO-EVICT",
    arity=3,
    flags=OTHERS,
    group=CONNECTION,
    since="7.0.0",
    complexity="O(1)",
    args=[ON_OR_OFF],
)
def client_no_evict(ctx: Context, args: list[bytes]) -> Reply:
    """Sets the client eviction mode of the connection."""
    client = ctx.client
    client.flags = client.flags | NO_EVICT if _switch(args[2]) else client.flags & ~NO_EVICT
    return OK


@command(
    "CLIENT|NO-TOUCH",
    arity=3,
    flags=OWN,
    group=CONNECTION,
    since="7.2.0",
    complexity="O(1)",
    args=[ON_OR_OFF],
)
def client_no_touch(ctx: Context, args: list[bytes]) -> Reply:
    """Controls whether commands sent by the client affect the LRU/LFU of accessed keys."""
    client = ctx.client
    if _switch(args[2]):
        client.flags |= NO_TOUCH
        client.gates |= GATE_NO_TOUCH
    else:
        client.flags &= ~NO_TOUCH
        client.gates &= ~GATE_NO_TOUCH
    return OK


@command(
    "CLIENT|REPLY",
    arity=3,
    flags=OWN,
    group=CONNECTION,
    since="3.2.0",
    complexity="O(1)",
    args=[one_of("action", token("ON"), token("OFF"), token("SKIP"))],
)
def client_reply(ctx: Context, args: list[bytes]) -> Reply:
    """Instructs the server whether to reply to commands."""
    client = ctx.client
    mode = args[2].lower()
    if mode == b"on":
        client.flags &= ~(REPLY_OFF | REPLY_SKIP | REPLY_SKIP_NEXT)
        return OK
    if mode == b"off":
        client.flags |= REPLY_OFF
    elif mode != b"skip":
        raise CommandError(errors.SYNTAX)
    elif not client.flags & REPLY_OFF:
        client.flags |= REPLY_SKIP_NEXT
    client.gates |= GATE_REPLY
    return NO_REPLY


@command(
    "CLIENT|PAUSE",
    arity=-3,
    flags=OTHERS,
    group=CONNECTION,
    since="2.9.50",
    complexity="O(1)",
    args=[
        integer("timeout"),
        one_of("mode", token("WRITE"), token("ALL"), optional=True, since="6.2.0"),
    ],
    history=[("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option.")],
)
def client_pause(ctx: Context, args: list[bytes]) -> Reply:
    """Suspends commands processing."""
    if len(args) > 4:
        raise CommandError(errors.unknown_subcommand(args[0], args[1]))
    mode = args[3].lower() if len(args) == 4 else b"all"
    if mode not in (b"write", b"all"):
        raise CommandError(b"ERR CLIENT PAUSE mode must be WRITE or ALL")
    milliseconds = arguments.timeout_in_milliseconds(ctx, args[2])
    ctx.engine.pause.start(milliseconds, mode == b"write")
    return OK


@command(
    "CLIENT|UNPAUSE",
    arity=2,
    flags=OTHERS,
    group=CONNECTION,
    since="6.2.0",
    complexity="O(N) Where N is the number of paused clients",
)
def client_unpause(ctx: Context, args: list[bytes]) -> Reply:
    """Resumes processing commands from paused clients."""
    ctx.engine.pause.end()
    return OK


@command(
    "CLIENT|UNBLOCK",
    arity=-3,
    flags=OTHERS,
    group=CONNECTION,
    since="5.0.0",
    complexity="O(log N) where N is the number of client connections",
    args=[
        integer("client-id"),
        one_of("unblock-type", token("TIMEOUT"), token("ERROR"), optional=True),
    ],
)
def client_unblock(ctx: Context, args: list[bytes]) -> Reply:
    """Unblocks a client blocked by a blocking command from a different connection."""
    if len(args) > 4:
        raise CommandError(errors.unknown_subcommand(args[0], args[1]))
    reason = args[3].lower() if len(args) == 4 else b"timeout"
    if reason not in (b"timeout", b"error"):
        raise CommandError(b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    target = ctx.engine.clients.get(arguments.integer(args[2]))
    return int(target is not None and ctx.engine.blocking.unblock(target, reason == b"error"))
