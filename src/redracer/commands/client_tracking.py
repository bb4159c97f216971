"""CLIENT TRACKING and its kin: what a client caches, and who is told when that has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.commands.client import OWN
from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Map, Reply, Set
from redracer.engine import arguments
from redracer.engine.client import BROKEN_REDIRECT
from redracer.engine.flags import CONNECTION
from redracer.engine.grammar import integer, one_of, string, token
from redracer.engine.registry import command
from redracer.engine.tracking import Tracking

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.context import Context


class Options:
    """What CLIENT TRACKING was given."""

    def __init__(self) -> None:
        self.redirect = 0
        self.words: set[bytes] = set()
        self.prefixes: list[bytes] = []

    def has(self, word: bytes) -> bool:
        """Whether a word without an argument was given."""
        return word in self.words


def _options(ctx: Context, args: list[bytes]) -> Options:
    """The options from args[3] on; CommandError for one that makes no sense."""
    options = Options()
    position = 3
    while position < len(args):
        word = args[position].lower()
        more = position + 1 < len(args)
        if word == b"redirect" and more:
            if options.redirect:
                raise CommandError(errors.ONE_REDIRECT)
            options.redirect = arguments.integer(args[position + 1])
            if options.redirect not in ctx.engine.clients:
                raise CommandError(errors.NO_REDIRECT_CLIENT)
            position += 1
        elif word == b"prefix" and more:
            options.prefixes.append(args[position + 1])
            position += 1
        elif word in (b"bcast", b"optin", b"optout", b"noloop"):
            options.words.add(word)
        else:
            raise CommandError(errors.SYNTAX)
        position += 1
    return options


def _check_options(options: Options, before: Tracking | None) -> None:
    """CommandError if the options contradict each other, or the mode that the client is in."""
    broadcast, opt_in, opt_out = (options.has(word) for word in (b"bcast", b"optin", b"optout"))
    if options.prefixes and not broadcast:
        raise CommandError(errors.PREFIX_WITHOUT_BCAST)
    if before is not None and broadcast != (before.prefixes is not None):
        raise CommandError(errors.BCAST_SWITCH)
    if broadcast and (opt_in or opt_out):
        raise CommandError(errors.OPT_WITH_BCAST)
    if opt_in and opt_out:
        raise CommandError(errors.OPTIN_AND_OPTOUT)
    if before is not None and ((opt_in and before.opt_out) or (opt_out and before.opt_in)):
        raise CommandError(errors.OPT_SWITCH)
    if broadcast:
        _check_prefixes(options.prefixes, before.prefixes or set() if before is not None else set())


def _overlap(one: bytes, other: bytes) -> bool:
    return one.startswith(other) or other.startswith(one)


def _check_prefixes(prefixes: list[bytes], existing: set[bytes]) -> None:
    """CommandError if a prefix lies within another one of the same client."""
    for position, prefix in enumerate(prefixes):
        for other in existing:
            if _overlap(prefix, other):
                raise CommandError(errors.overlapping_prefix(prefix, other, b"an existing"))
        for other in prefixes[position + 1 :]:
            if _overlap(prefix, other):
                raise CommandError(errors.overlapping_prefix(prefix, other, b"another provided"))


@command(
    "CLIENT|TRACKING",
    arity=-3,
    flags=OWN,
    group=CONNECTION,
    since="6.0.0",
    complexity="O(1). Some options may introduce additional complexity.",
    args=[
        one_of("status", token("ON"), token("OFF")),
        integer("client-id", token="REDIRECT", optional=True),
        string("prefix", token="PREFIX", optional=True, multiple=True, multiple_token=True),
        token("BCAST", optional=True),
        token("OPTIN", optional=True),
        token("OPTOUT", optional=True),
        token("NOLOOP", optional=True),
    ],
)
def client_tracking(ctx: Context, args: list[bytes]) -> Reply:
    """Controls server-assisted client-side caching for the connection."""
    options = _options(ctx, args)
    client = ctx.client
    switch = args[2].lower()
    if switch == b"on":
        _check_options(options, client.tracking)
        wanted = Tracking(
            client, options.redirect, options.has(b"optin"), options.has(b"optout"), options.has(b"noloop")
        )
        ctx.engine.tracking.enable(client, wanted, options.prefixes if options.has(b"bcast") else None)
    elif switch == b"off":
        ctx.engine.tracking.disable(client)
    else:
        raise CommandError(errors.SYNTAX)
    return OK


@command(
    "CLIENT|CACHING",
    arity=3,
    flags=OWN,
    group=CONNECTION,
    since="6.0.0",
    complexity="O(1)",
    args=[one_of("mode", token("YES"), token("NO"))],
)
def client_caching(ctx: Context, args: list[bytes]) -> Reply:
    """Instructs the server whether to track the keys in the next request."""
    tracking = ctx.client.tracking
    if tracking is None or not (tracking.opt_in or tracking.opt_out):
        raise CommandError(errors.CACHING_WITHOUT_OPT)
    word = args[2].lower()
    if word == b"yes" and not tracking.opt_in:
        raise CommandError(errors.CACHING_YES_WITHOUT_OPTIN)
    if word == b"no" and not tracking.opt_out:
        raise CommandError(errors.CACHING_NO_WITHOUT_OPTOUT)
    if word not in (b"yes", b"no"):
        raise CommandError(errors.SYNTAX)
    tracking.caching = True
    return OK


def redirect_of(client: Client) -> int:
    """The client to which invalidations are redirected: 0 for none, -1 if nothing is tracked."""
    return client.tracking.redirect if client.tracking is not None else -1


@command("CLIENT|GETREDIR", arity=2, flags=OWN, group=CONNECTION, since="6.0.0", complexity="O(1)")
def client_getredir(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the client ID to which the connection's tracking notifications are redirected."""
    return redirect_of(ctx.client)


def _flag_names(client: Client) -> list[Reply]:
    tracking = client.tracking
    if tracking is None:
        return [b"off"]
    opted = tracking.caching
    flags = (
        (True, b"on"),
        (tracking.prefixes is not None, b"bcast"),
        (tracking.opt_in, b"optin"),
        (tracking.opt_in and opted, b"caching-yes"),
        (tracking.opt_out, b"optout"),
        (tracking.opt_out and opted, b"caching-no"),
        (tracking.no_loop, b"noloop"),
        (bool(client.flags & BROKEN_REDIRECT), b"broken_redirect"),
    )
    return [name for held, name in flags if held]


@command("CLIENT|TRACKINGINFO", arity=2, flags=OWN, group=CONNECTION, since="6.2.0", complexity="O(1)")
def client_trackinginfo(ctx: Context, args: list[bytes]) -> Reply:
    """Returns information about server-assisted client-side caching for the connection."""
    tracking = ctx.client.tracking
    prefixes: list[Reply] = sorted(tracking.prefixes or ()) if tracking is not None else []
    return Map(
        [
            *(b"flags", Set(_flag_names(ctx.client))),
            *(b"redirect", redirect_of(ctx.client)),
            *(b"prefixes", prefixes),
        ]
    )
