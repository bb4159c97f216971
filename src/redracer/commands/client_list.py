"""CLIENT LIST and CLIENT INFO: a line of fields about each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.commands.client import OTHERS, OWN
from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import Reply, Verbatim
from redracer.core.session import BLOCKED, CLOSE_AFTER_REPLY, CLOSED
from redracer.engine import client as client_flags
from redracer.engine import client_memory
from redracer.engine.acl.access import shown_user
from redracer.engine.flags import CONNECTION
from redracer.engine.grammar import block, integer, one_of, token
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.context import Context

TYPES = {
    b"normal": "normal",
    b"master": "master",
    b"slave": "replica",
    b"replica": "replica",
    b"pubsub": "pubsub",
}
# In the order in which Redis prints them: bits of `flags`, and of `state`.
FLAG_LETTERS: tuple[tuple[int, int, str], ...] = (
    (client_flags.PRIMARY, 0, "M"),
    (client_flags.SUBSCRIBED, 0, "P"),
    (client_flags.MULTI, 0, "x"),
    (0, BLOCKED, "b"),
    (client_flags.TRACKING, 0, "t"),
    (client_flags.BROKEN_REDIRECT, 0, "R"),
    (client_flags.BROADCAST, 0, "B"),
    (client_flags.DIRTY, 0, "d"),
    (0, CLOSE_AFTER_REPLY, "c"),
    (0, CLOSED, "A"),
    (client_flags.UNIX_SOCKET, 0, "U"),
    (client_flags.NO_EVICT, 0, "e"),
    (client_flags.NO_TOUCH, 0, "T"),
)


def type_of(client: Client) -> str:
    """The type by which LIST and KILL select."""
    if client.flags & client_flags.PRIMARY:
        return "master"
    if client.flags & client_flags.REPLICA and not client.flags & client_flags.MONITOR:
        return "replica"
    return "pubsub" if client.flags & client_flags.SUBSCRIBED else "normal"


def parse_type(text: bytes) -> str:
    """The type of a name; CommandError if there is none."""
    name = TYPES.get(text.lower())
    if name is None:
        raise CommandError(b"ERR Unknown client type '%s'" % text)
    return name


def flag_letters(client: Client) -> str:
    """The letters of `flags=`; N for a client about which there is nothing to say."""
    flags = client.flags
    letters = ""
    if flags & client_flags.MONITOR:
        letters = "O"
    elif flags & client_flags.REPLICA:
        letters = "S"
    letters += "".join(letter for flag, state, letter in FLAG_LETTERS if flags & flag or client.state & state)
    return letters or "N"


def describe(client: Client, now: int, argv: list[bytes] | None = None) -> str:
    """The line of one client, without line end. `now`: Unix time in ms; `argv`: the request that it is
    executing, which counts as input not yet done with."""
    input_bytes = client.query_bytes + client.parser.held_bytes
    free = client_memory.input_capacity(client) - input_bytes
    reading = argv or client.parser.reading or []
    pending = len(client.out)
    grown = client_memory.output_bytes(client)
    last_command = client.last_command
    subscriptions = client.subscriptions
    fields = (
        ("id", client.id),
        ("addr", client.address),
        ("laddr", client.local_address),
        ("fd", client.descriptor),
        ("name", client.name.decode()),
        ("age", (now - client.created) // 1000),
        ("idle", (now - client.last_interaction) // 1000),
        ("flags", flag_letters(client)),
        ("db", client.db.index),
        ("sub", len(subscriptions.channels) if subscriptions else 0),
        ("psub", len(subscriptions.patterns) if subscriptions else 0),
        ("ssub", len(subscriptions.shard_channels) if subscriptions else 0),
        ("multi", -1 if client.transaction is None else len(client.transaction.commands)),
        ("watch", len(client.watched or ())),
        ("qbuf", input_bytes + (client_memory.request_bytes(argv) if argv else 0)),
        ("qbuf-free", max(free, 0)),
        ("argv-mem", client_memory.argument_bytes(reading)),
        ("multi-mem", client_memory.transaction_bytes(client)),
        ("rbs", client.out.allocated),
        ("rbp", pending),
        ("obl", 0 if grown else pending),
        ("oll", 1 if grown else 0),
        ("omem", pending if grown else 0),
        ("tot-mem", client_memory.total_bytes(client) + client_memory.argument_bytes(reading)),
        ("events", "rw" if pending and argv is None else "r"),
        ("cmd", "NULL" if last_command is None else last_command.name.decode()),
        ("user", shown_user(client)),
        ("redir", -1 if client.tracking is None else client.tracking.redirect),
        ("resp", client.resp),
        ("lib-name", client.library_name.decode()),
        ("lib-ver", client.library_version.decode()),
        ("io-thread", 0),
        ("tot-net-in", client.received),
        ("tot-net-out", client.sent),
        ("tot-cmds", client.executed),
    )
    return " ".join(f"{name}={value}" for name, value in fields)


def _lines(ctx: Context, clients: list[Client], args: list[bytes]) -> Verbatim:
    lines = [describe(client, ctx.now, args if client is ctx.client else None) + "\n" for client in clients]
    return Verbatim(b"txt", "".join(lines).encode("utf-8", "surrogateescape"))


@command(
    "CLIENT|INFO",
    arity=2,
    flags=OWN,
    group=CONNECTION,
    since="6.2.0",
    complexity="O(1)",
    hints=["nondeterministic_output"],
)
def client_info(ctx: Context, args: list[bytes]) -> Reply:
    """Returns information about the connection."""
    return _lines(ctx, [ctx.client], args)


@command(
    "CLIENT|LIST",
    arity=-2,
    flags=OTHERS,
    group=CONNECTION,
    since="2.4.0",
    complexity="O(N) where N is the number of client connections",
    args=[
        one_of(
            "client-type",
            token("NORMAL"),
            token("MASTER"),
            token("REPLICA"),
            token("PUBSUB"),
            token="TYPE",
            optional=True,
            since="5.0.0",
        ),
        block("id", integer("client-id", multiple=True), token="ID", optional=True, since="6.2.0"),
    ],
    history=[
        ("2.8.12", "Added unique client `id` field."),
        ("5.0.0", "Added optional `TYPE` filter."),
        ("6.0.0", "Added `user` field."),
        ("6.2.0", "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter."),
        ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."),
        ("7.0.3", "Added `ssub` field."),
        ("7.2.0", "Added `lib-name` and `lib-ver` fields."),
        ("7.4.0", "Added `watch` field."),
        ("8.0.0", "Added `io-thread` field."),
    ],
    hints=["nondeterministic_output"],
)
def client_list(ctx: Context, args: list[bytes]) -> Reply:
    """Lists open connections."""
    return _lines(ctx, _selected(ctx, args[2:]), args)


def _selected(ctx: Context, options: list[bytes]) -> list[Client]:
    clients = ctx.engine.clients
    if not options:
        return list(clients.values())
    kind = options[0].lower()
    if kind == b"type" and len(options) == 2:
        wanted = parse_type(options[1])
        return [client for client in clients.values() if type_of(client) == wanted]
    if kind == b"id" and len(options) > 1:
        numbers = [_client_id(text) for text in options[1:]]
        return [clients[number] for number in numbers if number in clients]
    raise CommandError(errors.SYNTAX)


def _client_id(text: bytes) -> int:
    number = parse_integer(text)
    if number is None:
        raise CommandError(b"ERR Invalid client ID")
    return number
