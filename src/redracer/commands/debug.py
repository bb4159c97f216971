"""DEBUG: looks inside the server, and what tests need to do to it.

One command, as in Redis: COMMAND, the statistics and the access lists know no subcommands of it. Each
subcommand is a function in the table SUBCOMMANDS, with the number of arguments that it takes;
debug_data.py has those that look at the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.commands import debug_data
from redracer.core import errors, glob
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_double
from redracer.core.replies import (
    OK,
    Attributed,
    BigNumber,
    Double,
    Error,
    Map,
    Push,
    Reply,
    Set,
    Several,
    Status,
    Verbatim,
)
from redracer.engine import faults, log
from redracer.engine.debug_table import SUBCOMMANDS, flag_of, subcommand
from redracer.engine.flags import ADMIN, LOADING, NOSCRIPT, PROTECTED, SERVER, STALE, SYSCMD
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.engine.context import Context

__all__ = ["debug", "debug_data"]

PLACE = "debug.py"  # where DEBUG's own failures say that they happened


@command(
    "DEBUG",
    arity=-2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | PROTECTED,
    group=SERVER,
    since="1.0.0",
    complexity="Depends on subcommand.",
    doc_flags=SYSCMD,
)
def debug(ctx: Context, args: list[bytes]) -> Reply:
    """A container for debugging commands."""
    refusal = ctx.engine.protection_refusal(ctx.client, b"debug")
    if refusal is not None:
        raise CommandError(refusal)
    found = SUBCOMMANDS.get(args[1].lower())
    if found is None or not found.least <= len(args) - 2 <= found.most:
        raise CommandError(errors.unknown_subcommand_or_arity(args[1], args[0]))
    return found.handler(ctx, args)


@subcommand("HELP")
def help_(ctx: Context, args: list[bytes]) -> Reply:
    """Print this help."""
    lines = ["DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    for name, entry in sorted(SUBCOMMANDS.items()):
        if name != b"help":
            lines += [f"{name.decode().upper()} {entry.usage}".rstrip(), f"    {entry.summary}"]
    lines += ["HELP", "    Print this help."]
    return [Status(line.encode()) for line in lines]


# --- the process


@subcommand("SLEEP", "<seconds>", 1)
def sleep(ctx: Context, args: list[bytes]) -> Reply:
    """Stop the server for <seconds>, which may have decimals."""
    faults.stand_still(parse_double(args[2]) or 0.0)
    return OK


@subcommand("SEGFAULT")
def segfault(ctx: Context, args: list[bytes]) -> Reply:
    """Crash the server by a write to memory that is not its own."""
    faults.segmentation_fault()


@subcommand("PANIC")
def panic(ctx: Context, args: list[bytes]) -> Reply:
    """Crash the server as if it had found that it cannot go on."""
    faults.panic(f"DEBUG PANIC called at Unix time {ctx.now // 1000}", PLACE)


@subcommand("ASSERT")
def assert_(ctx: Context, args: list[bytes]) -> Reply:
    """Crash the server by an assertion that fails."""
    faults.failed_assertion("1 == 2", PLACE)


@subcommand("LOG", "<message>", 1)
def log_(ctx: Context, args: list[bytes]) -> Reply:
    """Write <message> to the log."""
    log.warning("DEBUG LOG: " + args[2].decode("utf-8", "surrogateescape"))
    return OK


@subcommand("REPLICATE", "<command> [<arg> ...]", 1, 1 << 20)
def replicate(ctx: Context, args: list[bytes]) -> Reply:
    """Send replicas a command that is not executed here: their data may no longer be the same as ours."""
    ctx.engine.ports["replication"].primary.feed_command(args[2:])
    return OK


@subcommand("PAUSE-CRON", "<0|1>", 1)
def pause_cron(ctx: Context, args: list[bytes]) -> Reply:
    """Stop the periodic work (1), or let it go on (0)."""
    ctx.engine.cron_paused = flag_of(args[2])
    return OK


@subcommand("SET-ACTIVE-EXPIRE", "<0|1>", 1)
def set_active_expire(ctx: Context, args: list[bytes]) -> Reply:
    """Delete expired keys that nobody asks for (1, the default), or only those that are asked for (0)."""
    ctx.engine.expiry.enabled = flag_of(args[2])
    return OK


@subcommand("REPLYBUFFER", "RESIZING <0|1>", 2)
def reply_buffer(ctx: Context, args: list[bytes]) -> Reply:
    """Keep the size of idle clients' reply buffers (0): given back whenever they are empty, they never change it."""
    if args[2].lower() != b"resizing":
        raise CommandError(errors.SYNTAX)
    flag_of(args[3])
    return OK


@subcommand("SET-DISABLE-DENY-SCRIPTS", "<0|1>", 1)
def set_disable_deny_scripts(ctx: Context, args: list[bytes]) -> Reply:
    """Let scripts call even the commands that are denied to them (1), or not (0, the default)."""
    ctx.engine.ports["scripting"].invocation.unrestricted = flag_of(args[2])
    return OK


@subcommand("CONFIG-REWRITE-FORCE-ALL")
def config_rewrite_force_all(ctx: Context, args: list[bytes]) -> Reply:
    """Rewrite the configuration file with every option, those with their default value too."""
    ctx.config.rewrite(force_all=True)
    return OK


# --- the protocol


@subcommand("ERROR", "<text>", 1)
def error(ctx: Context, args: list[bytes]) -> Reply:
    """Reply with an error of this text."""
    return Error(args[2].translate(bytes.maketrans(b"\r\n", b"  ")))


@subcommand("PROTOCOL", "<type>", 1)
def protocol(ctx: Context, args: list[bytes]) -> Reply:
    """Reply with a value of a type: string, integer, double, bignum, null, array, set, map, attrib, push,
    verbatim, true, false."""
    name = args[2].lower()
    if name == b"push":
        return _push(ctx)
    if name not in REPLIES:
        raise CommandError(errors.WRONG_PROTOCOL_TYPE)
    return REPLIES[name]


def _push(ctx: Context) -> Reply:
    """A push and, because it is nobody's reply, a reply after it."""
    if ctx.client.resp < 3:
        raise CommandError(errors.RESP2_NOT_SUPPORTED)
    return Several([Push([b"server-cpu-usage", 42]), b"Some real reply following the push reply"])


REPLIES: dict[bytes, Reply] = {
    b"string": b"Hello World",
    b"integer": 12345,
    b"double": Double(3.141),
    b"bignum": BigNumber(b"1234567999999999999999999999999999999"),
    b"null": None,
    b"array": [0, 1, 2],
    b"set": Set([0, 1, 2]),
    b"map": Map([0, False, 1, True, 2, False]),
    b"attrib": Attributed([b"key-popularity", [b"key:123", 90]], b"Some real reply following the attribute"),
    b"verbatim": Verbatim(b"txt", b"This is a verbatim\nstring"),
    b"true": True,
    b"false": False,
}


@subcommand("STRINGMATCH-LEN", "<pattern> <string>", 2)
def stringmatch_len(ctx: Context, args: list[bytes]) -> Reply:
    """Tell whether the glob-style pattern matches the string (1) or not (0)."""
    return int(glob.match(args[2], args[3], False))
