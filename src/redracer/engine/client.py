# cython: annotation_typing=False
"""One client of the engine: what commands may know and change about who called them.

`flags` are what CLIENT LIST shows and commands ask for. `gates` (gates.py) are the reasons for which
dispatch must look twice at this client's next request.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from redracer.core.resp_parse import RequestParser
from redracer.core.session import CLOSE_AFTER_REPLY, Session, Transport

if TYPE_CHECKING:
    from redracer.core.keyspace import Keyspace
    from redracer.engine.pubsub import Subscriptions
    from redracer.engine.registry import Command
    from redracer.engine.tracking import Tracking
    from redracer.engine.transaction import Transaction

# flags
MULTI = 1
SUBSCRIBED = 1 << 1
MONITOR = 1 << 2
REPLICA = 1 << 3
PRIMARY = 1 << 4
NO_EVICT = 1 << 5
NO_TOUCH = 1 << 6
REPLY_OFF = 1 << 7
REPLY_SKIP = 1 << 8
REPLY_SKIP_NEXT = 1 << 9
UNIX_SOCKET = 1 << 10
TRACKING = 1 << 11
INTERNAL = 1 << 12
PROTECTED = 1 << 13
NO_BLOCKING = 1 << 14
AUTHENTICATED = 1 << 15  # it has said who it is, or needed not to when it came
DIRTY = 1 << 16  # a watched key has changed: the next EXEC does nothing
BROADCAST = 1 << 17  # it is told of all keys below its prefixes
BROKEN_REDIRECT = 1 << 18  # the client that should be told of its keys is gone

CLEARED_BY_RESET = NO_EVICT | NO_TOUCH | REPLY_OFF | REPLY_SKIP | REPLY_SKIP_NEXT


class Client(Session):
    """A connected client. `created` is Unix time in ms; `blocked` says what it waits for, or is None."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        id: int
        flags: int
        gates: int
        last_command: Command | None
        user: Any
        name: bytes
        library_name: bytes
        library_version: bytes
        address: str
        local_address: str
        descriptor: int
        created: int
        soft_limit_since: int
        blocked: Any
        transaction: Transaction | None
        watched: set[tuple[int, bytes]] | None
        subscriptions: Subscriptions | None
        tracking: Tracking | None
        extra: dict[str, Any]

    def __init__(self, id: int, db: Keyspace, parser: RequestParser, transport: Transport | None) -> None:
        Session.__init__(self, parser, transport)
        self.id = id
        self.db = db
        self.name = b""
        self.library_name = b""
        self.library_version = b""
        self.address = ""
        self.local_address = ""
        self.descriptor = -1
        self.soft_limit_since = 0
        self.blocked = None
        self.last_command = None
        self.user = None
        self.transaction = None
        self.watched = None
        self.subscriptions = None
        self.tracking = None
        self.extra = {}

    def is_local(self) -> bool:
        """Whether the client is on this machine: by its Unix socket, or by its address."""
        return bool(self.flags & UNIX_SOCKET) or self.address.startswith(("127.", "[::1]", "::1:"))

    def close_after_reply(self) -> None:
        """Executes nothing more of this client, and closes it when its replies have left."""
        self.state |= CLOSE_AFTER_REPLY
        if self.transport is not None:
            self.transport.wake()

    def close(self) -> None:
        """Closes the connection now; replies that have not left are dropped."""
        if self.transport is not None:
            self.transport.close()

    def send(self, encoded: bytes) -> int:
        """Has bytes sent that are encoded already: nothing of a reply (a published message, a line of MONITOR).

        Returns how many bytes are pending now.
        """
        pending = self.out.write_shared(encoded)
        if self.transport is not None:
            self.transport.wake()
        return pending
