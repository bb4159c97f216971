"""`maxmemory-clients`: where connections take more memory together than they may, the biggest are closed.

While a limit is set, the network says which clients it read from or wrote to in a round; these are measured once the
replies have left, and all the others in turn by the tick. So the sum is true when it is compared with the limit, and
costs nothing where there is none. Clients are closed from the biggest down, those of about the same size (within a
power of two) in the order of their arrival, until the rest is under the limit. Replicas, the primary and clients with
CLIENT NO-EVICT are spared; the last count all the same.
https://redis.io/docs/latest/develop/reference/clients/#client-eviction
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.engine import log
from redracer.engine.client import INTERNAL, NO_EVICT, PRIMARY, REPLICA
from redracer.engine.client_memory import total_bytes
from redracer.engine.output_limits import client_class

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine

LEAST_LIMIT = 128 * 1024  # bytes: less would keep everyone out
SMALLEST_BITS, LARGEST_BITS = 15, 33  # sizes below 32 KB count as one size, and so do those above 8 GB
SLICE = 50  # clients measured again at a tick


def limit_of(setting: int, maximum: int) -> int:
    """The limit in bytes, 0 for none. `setting`: `maxmemory-clients` (percent if negative), `maximum`: `maxmemory`."""
    if setting < 0:
        setting = maximum * -setting // 100
    return max(setting, LEAST_LIMIT) if setting else 0


def size_class(size: int) -> int:
    """Sizes within a power of two are the same to eviction."""
    return min(max(size.bit_length(), SMALLEST_BITS), LARGEST_BITS)


class ClientEviction:
    """Closes clients of one engine. `sizes` is what each took when it was last measured, and `total` their sum."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.limit = 0
        self.sizes: dict[int, int] = {}
        self.total = 0
        self._left: list[Client] = []
        for name in ("maxmemory-clients", "maxmemory"):
            engine.config.on_change(name, lambda _value: self.apply_settings())

    def apply_settings(self) -> None:
        """Starts or ends watching as the configuration says."""
        config = self.engine.config
        watched = self.limit > 0
        self.limit = limit_of(config["maxmemory-clients"], config["maxmemory"])
        if self.limit and not watched:
            for client in self.engine.clients.values():
                self.measure(client)
        elif not self.limit:
            self.sizes.clear()
            self.total = 0
        reactor: Any = self.engine.ports.get("reactor")
        if reactor is not None:
            reactor.after_round = self.run if self.limit else None
            reactor.touched = [] if self.limit else None

    def measure(self, client: Client) -> None:
        """Brings what is known of a client up to date. O(1)."""
        if client.id in self.engine.clients and client_class(client) != "replica":
            size = total_bytes(client)
            self.total += size - self.sizes.get(client.id, 0)
            self.sizes[client.id] = size

    def forget(self, client: Client) -> None:
        """The client is gone."""
        self.total -= self.sizes.pop(client.id, 0)

    def run(self) -> None:
        """After the replies of a round have left: measures who took part in it, and closes whom it must."""
        reactor: Any = self.engine.ports.get("reactor")
        touched, reactor.touched = reactor.touched, []
        for client in set(touched):
            self.measure(client)
        if self.total >= self.limit:
            self._close_biggest()

    def tick(self) -> None:
        """Measures some of the clients in turn: what they hold may change without their doing."""
        if not self.limit:
            return
        if not self._left:
            self._left = list(self.engine.clients.values())
        part, self._left = self._left[:SLICE], self._left[SLICE:]
        for client in part:
            self.measure(client)
        if self.total >= self.limit:
            self._close_biggest()

    def _close_biggest(self) -> None:
        spared = NO_EVICT | REPLICA | PRIMARY | INTERNAL
        candidates = [client for client in self.engine.clients.values() if not client.flags & spared]
        candidates.sort(key=lambda client: -size_class(self.sizes.get(client.id, 0)))
        for client in candidates:
            log.notice(f"Evicting client: {self.engine.describe(client)}")
            self.engine.statistics.evicted_clients += 1
            client.close()
            self.forget(client)
            if self.total < self.limit:
                return
        log.warning("Over client maxmemory after evicting all evictable clients")
