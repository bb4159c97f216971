"""A web page that has a browser speak to us: POST is no command, and Host: no argument that anybody needs.

Every line of an HTTP request would be taken as an inline command, its body included, so a connection that
begins like one is closed before it comes to that, without a reply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine import log

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine

HTTP_WORDS = (b"post", b"host:")
QUIET = 60_000  # ms after a line in the log in which there is no other


class CrossProtocol:
    """Closes connections that speak HTTP, and tells the log once a minute."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.logged = -QUIET  # Unix time in ms

    def ends(self, client: Client, name: bytes) -> bool:
        """Whether a request's first word is HTTP's; then the client has been closed."""
        if name.lower() not in HTTP_WORDS:
            return False
        now = self.engine.clock.now
        if abs(now - self.logged) > QUIET:
            self.logged = now
            log.warning(
                "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to "
                "Redis. This is likely due to an attacker attempting to use Cross Protocol Scripting to "
                f"compromise your Redis instance. Connection from {client.address} aborted."
            )
        client.close()
        return True
