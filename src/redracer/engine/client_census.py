"""The clients counted: how many there are of each kind, and how much memory they take together.

Counting heads is quick enough to be done whenever somebody asks. Measuring memory is not with thousands of
clients, so the tick measures SLICE of them at a time, and who asks gets the last full count; with up to SLICE
clients that is always the state of the moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redracer.engine.client import INTERNAL, PRIMARY, REPLICA
from redracer.engine.client_memory import input_capacity, total_bytes

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine

LEAST = 5  # clients measured at a tick
SLICE = 200  # clients measured at a time, in well under a millisecond


class Measures(NamedTuple):
    """Sums and maxima over all clients, in bytes."""

    normal: int = 0  # memory of all but replicas
    replicas: int = 0
    largest_input: int = 0
    largest_output: int = 0


class ClientCensus:
    """Counts one engine's clients."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.last = Measures()
        self._counting = Measures()
        self._left: list[Client] = []

    def count(self, flags: int) -> int:
        """How many clients have any of these flags. O(clients)."""
        return sum(1 for client in self.engine.clients.values() if client.flags & flags)

    @property
    def connected(self) -> int:
        """Clients that are not replicas, the primary or the server itself. O(clients)."""
        return len(self.engine.clients) - self.count(REPLICA | PRIMARY | INTERNAL)

    @property
    def blocked(self) -> int:
        """Clients that wait for something. O(clients)."""
        return sum(1 for client in self.engine.clients.values() if client.blocked is not None)

    def measures(self) -> Measures:
        """The memory of now, or with more than SLICE clients that of the last full count. O(SLICE)."""
        if len(self.engine.clients) <= SLICE:
            self._left = list(self.engine.clients.values())
            self._counting = Measures()
            self._measure(SLICE)
        return self.last

    def advance(self) -> None:
        """Measures a few more clients of many, each about once a second; called by the tick."""
        if len(self.engine.clients) <= SLICE:
            return  # few enough to be measured when someone asks
        if not self._left:
            self._left = list(self.engine.clients.values())
        self._measure(min(SLICE, max(LEAST, len(self.engine.clients) // self.engine.config["hz"])))

    def _measure(self, size: int) -> None:
        """Measures `size` more clients; the last of them make the count whole."""
        part, self._left = self._left[:size], self._left[size:]
        normal, replicas, largest_input, largest_output = self._counting
        for client in part:
            if client.flags & REPLICA:
                replicas += total_bytes(client)
            else:
                normal += total_bytes(client)
            largest_input = max(largest_input, input_capacity(client))
            largest_output = max(largest_output, client.out.allocated)
        self._counting = Measures(normal, replicas, largest_input, largest_output)
        if not self._left:
            self.last = self._counting
            self._counting = Measures()
