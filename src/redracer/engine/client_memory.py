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
    transport: Any = client.transport
    return int(getattr(transport, "held_bytes", client.query_bytes)) + client.parser.held_bytes


def output_bytes(client: Client) -> int:
    """Bytes of memory for pending output, beyond a buffer that every client may have."""
    allocated = client.out.allocated
    return allocated if allocated > SMALL_OUTPUT else 0


def transaction_bytes(client: Client) -> int:
    """Bytes of memory for queued commands and watched keys."""
    queued = 0 if client.transaction is None else client.transaction.memory()
    return queued + sum(len(key) + WATCHED_KEY_BYTES for _, key in client.watched or ())


def total_bytes(client: Client) -> int:
    """Bytes of memory that the client takes in all."""
    objects: tuple[object, ...] = (client, client.out, client.parser, client.transport, client.extra)
    text = len(client.name) + len(client.library_name) + len(client.library_version)
    return (
        sum(map(getsizeof, objects))
        + text
        + input_capacity(client)
        + client.out.allocated
        + transaction_bytes(client)
        + (0 if client.subscriptions is None else client.subscriptions.memory())
    )
