"""CLIENT KILL: closes the connections that all filters select."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.commands.client import OTHERS
from redracer.commands.client_list import parse_type, type_of
from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import OK, Reply
from redracer.core.session import CLOSE_AFTER_REPLY
from redracer.engine.flags import CONNECTION
from redracer.engine.grammar import integer, one_of, string, token
from redracer.engine.registry import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from redracer.engine.client import Client
    from redracer.engine.context import Context

YES_OR_NO = {b"yes": True, b"no": False}


@command(
    "CLIENT|KILL",
    arity=-3,
    flags=OTHERS,
    group=CONNECTION,
    since="2.4.0",
    complexity="O(N) where N is the number of client connections",
    args=[
        one_of(
            "filter",
            string("old-format", display="ip:port", deprecated_since="2.8.12"),
            one_of(
                "new-format",
                integer("client-id", token="ID", optional=True, since="2.8.12"),
                one_of(
                    "client-type",
                    token("NORMAL"),
                    token("MASTER", since="3.2.0"),
                    token("SLAVE"),
                    token("REPLICA", since="5.0.0"),
                    token("PUBSUB"),
                    token="TYPE",
                    optional=True,
                    since="2.8.12",
                ),
                string("username", token="USER", optional=True),
                string("addr", display="ip:port", token="ADDR", optional=True),
                string("laddr", display="ip:port", token="LADDR", optional=True, since="6.2.0"),
                one_of("skipme", token("YES"), token("NO"), token="SKIPME", optional=True),
                integer("maxage", token="MAXAGE", optional=True, since="7.4.0"),
                multiple=True,
            ),
        )
    ],
    history=[
        ("2.8.12", "Added new filter format."),
        ("2.8.12", "`ID` option."),
        ("3.2.0", "Added `master` type in for `TYPE` option."),
        (
            "5.0.0",
            "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility.",
        ),
        ("6.2.0", "`LADDR` option."),
        ("7.4.0", "`MAXAGE` option."),
    ],
)
def client_kill(ctx: Context, args: list[bytes]) -> Reply:
    """Terminates open connections."""
    if len(args) == 3:  # the old form, in which one may close oneself
        address = args[2].decode("utf-8", "surrogateescape")
        if not _kill(ctx, [lambda client: client.address == address]):
            raise CommandError(errors.NO_SUCH_CLIENT)
        return OK
    return _kill(ctx, _filters(ctx, args[2:]))


def _kill(ctx: Context, filters: list[Callable[[Client], bool]]) -> int:
    """Closes the clients that pass all filters, the caller after its reply; returns how many there were."""
    doomed = [client for client in ctx.engine.clients.values() if all(passes(client) for passes in filters)]
    for client in doomed:
        if client is ctx.client:
            client.state |= CLOSE_AFTER_REPLY
        else:
            client.close()
    return len(doomed)


def _filters(ctx: Context, options: list[bytes]) -> list[Callable[[Client], bool]]:
    """A predicate per option; a later SKIPME takes the place of an earlier one. Raises CommandError."""
    if len(options) % 2:
        raise CommandError(errors.SYNTAX)
    skip_me = True
    by_option: dict[bytes, Callable[[Client], bool]] = {}
    for option, value in zip(options[::2], options[1::2], strict=True):
        name = option.lower()
        if name != b"skipme":
            by_option[name] = _filter(ctx, name, value)
        elif value.lower() in YES_OR_NO:
            skip_me = YES_OR_NO[value.lower()]
        else:
            raise CommandError(errors.SYNTAX)
    me = ctx.client
    return [*by_option.values(), lambda client: not (skip_me and client is me)]


def _filter(ctx: Context, option: bytes, value: bytes) -> Callable[[Client], bool]:
    """The predicate of one option."""
    if option == b"id":
        number = _positive(value, b"ERR client-id should be greater than 0")
        return lambda client: client.id == number
    if option == b"type":
        wanted = parse_type(value)
        return lambda client: type_of(client) == wanted
    if option in (b"addr", b"laddr"):
        address = value.decode("utf-8", "surrogateescape")
        if option == b"addr":
            return lambda client: client.address == address
        return lambda client: client.local_address == address
    if option == b"user":
        user = ctx.engine.acl.users.get(value)
        if user is None:
            raise CommandError(b"ERR No such user '%s'" % value)
        return lambda client: client.user is user
    if option == b"maxage":
        if parse_integer(value) is None:
            raise CommandError(b"ERR maxage is not an integer or out of range")
        age = _positive(value, b"ERR maxage should be greater than 0") * 1000
        return lambda client: ctx.now - client.created >= age
    raise CommandError(errors.SYNTAX)


def _positive(text: bytes, refusal: bytes) -> int:
    number = parse_integer(text)
    if number is None or number < 1:
        raise CommandError(refusal)
    return number
