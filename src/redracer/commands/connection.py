"""The commands of a connection about itself: who it is, which protocol it speaks, which database it uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import OK, Map, Reply, Status
from redracer.core.session import CLOSE_AFTER_REPLY
from redracer.engine import arguments, grammar
from redracer.engine.acl.access import DEFAULT_USER
from redracer.engine.client import PRIMARY, REPLICA
from redracer.engine.flags import ALLOW_BUSY, CONNECTION, FAST, IMMEDIATE, LOADING, NO_AUTH, NOSCRIPT, STALE
from redracer.engine.gates import GATE_AUTHENTICATION
from redracer.engine.registry import command
from redracer.engine.version import REDIS_VERSION

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.context import Context

BEFORE_AUTHENTICATION = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY
NAME_CHARACTERS = frozenset(range(ord("!"), ord("~") + 1))


def is_plain_word(text: bytes) -> bool:
    """Whether a client's name or attribute has printable characters only, and no spaces."""
    return NAME_CHARACTERS.issuperset(text)


def checked_name(name: bytes) -> bytes:
    """A client's name as given; CommandError if CLIENT LIST could not show it."""
    if not is_plain_word(name):
        raise CommandError(errors.CLIENT_NAME)
    return name


def secrets_of_auth(args: list[bytes]) -> list[int]:
    """Both arguments of AUTH: a user's name is hidden as well."""
    return list(range(1, min(len(args), 3)))


def secrets_of_hello(args: list[bytes]) -> list[int]:
    """The user's name and password after AUTH."""
    return [
        position + offset
        for position in range(2, len(args) - 2)
        if args[position].lower() == b"auth"
        for offset in (1, 2)
    ]


@command(
    "AUTH",
    arity=-2,
    flags=BEFORE_AUTHENTICATION,
    group=CONNECTION,
    since="1.0.0",
    complexity="O(N) where N is the number of passwords defined for the user",
    args=[grammar.string("username", optional=True, since="6.0.0"), grammar.string("password")],
    history=[("6.0.0", "Added ACL style (username and password).")],
    secrets=secrets_of_auth,
)
def auth(ctx: Context, args: list[bytes]) -> Reply:
    """Authenticates the connection."""
    if len(args) > 3:
        raise CommandError(errors.SYNTAX)
    acl = ctx.engine.acl
    if len(args) == 2 and acl.default.no_password:
        raise CommandError(errors.NO_PASSWORD_SET)
    user = args[1] if len(args) == 3 else DEFAULT_USER
    if not acl.authenticate(ctx.client, user, args[-1], args[0]):
        raise CommandError(errors.WRONG_PASSWORD)
    return OK


@command(
    "HELLO",
    arity=-1,
    flags=BEFORE_AUTHENTICATION,
    group=CONNECTION,
    since="6.0.0",
    complexity="O(1)",
    args=[
        grammar.block(
            "arguments",
            grammar.integer("protover"),
            grammar.block(
                "auth",
                grammar.string("username"),
                grammar.string("password"),
                token="AUTH",
                optional=True,
            ),
            grammar.string("clientname", token="SETNAME", optional=True),
            optional=True,
        )
    ],
    history=[
        (
            "6.2.0",
            "`protover` made optional; when called without arguments the command reports the current "
            "connection's context.",
        )
    ],
    secrets=secrets_of_hello,
)
def hello(ctx: Context, args: list[bytes]) -> Reply:
    """Handshakes with the Redis server."""
    version = _protocol(args[1]) if len(args) > 1 else ctx.client.resp
    credentials, name = _hello_options(args)
    if credentials is not None and not ctx.engine.acl.authenticate(ctx.client, *credentials, args[0]):
        raise CommandError(errors.WRONG_PASSWORD)
    if ctx.client.gates & GATE_AUTHENTICATION:
        raise CommandError(errors.HELLO_NO_AUTH)
    if name is not None:
        ctx.client.name = name
    ctx.client.resp = version
    return _greeting(ctx.client)


def _protocol(text: bytes) -> int:
    version = parse_integer(text)
    if version is None:
        raise CommandError(errors.PROTOCOL_NOT_INTEGER)
    if version not in (2, 3):
        raise CommandError(errors.NO_PROTOCOL)
    return version


def _hello_options(args: list[bytes]) -> tuple[tuple[bytes, bytes] | None, bytes | None]:
    """(user and password, name) of HELLO's options; None for those that are missing."""
    credentials = None
    name = None
    position = 2
    while position < len(args):
        option = args[position].lower()
        left = len(args) - 1 - position
        if option == b"auth" and left >= 2:
            credentials = args[position + 1], args[position + 2]
            position += 3
        elif option == b"setname" and left:
            name = checked_name(args[position + 1])
            position += 2
        else:
            raise CommandError(b"ERR Syntax error in HELLO option '%s'" % args[position])
    return credentials, name


def _greeting(client: Client) -> Map:
    fields: list[Reply] = [b"server", b"redis", b"version", REDIS_VERSION.encode()]
    fields += [b"proto", client.resp, b"id", client.id, b"mode", b"standalone"]
    fields += [b"role", b"master", b"modules", []]
    return Map(fields)


@command(
    "QUIT",
    arity=-1,
    flags=BEFORE_AUTHENTICATION | IMMEDIATE,
    group=CONNECTION,
    since="1.0.0",
    complexity="O(1)",
    deprecated_since="7.2.0",
    replaced_by="just closing the connection",
)
def quit_(ctx: Context, args: list[bytes]) -> Reply:
    """Closes the connection."""
    ctx.client.state |= CLOSE_AFTER_REPLY
    return OK


@command(
    "RESET",
    arity=1,
    flags=BEFORE_AUTHENTICATION | IMMEDIATE,
    group=CONNECTION,
    since="6.2.0",
    complexity="O(1)",
)
def reset(ctx: Context, args: list[bytes]) -> Reply:
    """Resets the connection."""
    if ctx.client.flags & (REPLICA | PRIMARY):
        raise CommandError(b"ERR can only reset normal client connections")
    ctx.engine.reset_client(ctx.client)
    return Status(b"RESET")


@command(
    "SELECT",
    arity=2,
    flags=LOADING | STALE | FAST,
    group=CONNECTION,
    since="1.0.0",
    complexity="O(1)",
    args=[grammar.integer("index")],
)
def select(ctx: Context, args: list[bytes]) -> Reply:
    """Changes the selected database."""
    ctx.client.db = arguments.database(ctx, arguments.database_number(args[1]))
    return OK
