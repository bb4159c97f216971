"""How much memory a client takes: what CLIENT LIST, INFO memory and MEMORY STATS report."""

from __future__ import annotations

from sys import getsizeof
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redracer.engine.client import Client

# A reply buffer up to this size is what Redis has in the client itself; a larger one is its reply list.
SMALL_OUTPUT = 16384  # bytes
WATCHED_KEY_BYTES = 200  # of the table entries and objects around a watched key's name


def argument_bytes(argv: list[bytes]) -> int:
    """The bytes of the arguments of a request, without its framing."""
    return sum(map(len, argv))


def request_bytes(argv: list[bytes]) -> int:
    """The bytes of a request on the wire, as an array of bulk strings."""
    framing = sum(len(str(len(argument))) + 5 for argument in argv)
    return len(str(len(argv))) + 3 + framing + argument_bytes(argv)


def input_capacity(client: Client) -> int:
    """Bytes of memory for unread input."""
    held: int = getattr(client.transport, "held_bytes", client.query_bytes)
    return held + client.parser.held_bytes


def output_bytes(client: Client) -> int:
    """Bytes of memory for pending output, beyond a buffer that every client may have."""
    allocated = client.out.allocated
    return allocated if allocated > SMALL_OUTPUT else 0


def transaction_bytes(client: Client) -> int:
    """Bytes of memory for queued commands and watched keys."""
    queued = 0 if client.transaction is None else client.transaction.memory()
    return queued + sum(len(key) + WATCHED_KEY_BYTES for _, key in client.watched or ())


def total_bytes(client: Client) -> int:
    """Bytes of memory that the client takes in all. Quick: it is asked for every client again and again."""
    transport: Any = client.transport
    kind = type(transport)
    total = _object_bytes.get(kind)
    if total is None:
        objects = (client, client.out, client.parser, transport, client.extra)
        total = _object_bytes[kind] = sum(map(getsizeof, objects))
    total += len(client.name) + len(client.library_name) + len(client.library_version)
    total += input_capacity(client) + client.out.allocated
    if client.transaction is not None or client.watched:
        total += transaction_bytes(client)
    if client.subscriptions is not None:
        total += client.subscriptions.memory()
    if client.tracking is not None:
        total += client.tracking.prefix_bytes
    return total


# By the type of the transport: the bytes of a client's objects without what they hold.
_object_bytes: dict[type, int] = {}
