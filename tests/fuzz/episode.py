"""One episode: a fresh server in this process, a few clients, some thousand inputs, then the reckoning.

The server is the real one (app.py) with its reactor and its event loop; only the listening is left out:
each client is one end of a socket pair. Time is real, so a few replies differ between two runs of the
same seed, but what is sent does not.

At the end every client that was not cut off in the middle of a request must still answer, everything that
was sent must have been well-formed, and when all have gone and FLUSHALL is over, nothing may be left:
no client, no waiter, and not a byte of data.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from random import Random

from redracer.app import Server
from redracer.core.memory import used_memory
from redracer.engine.config import Config
from tests.fuzz.replies import Malformed, ReplyStream
from tests.fuzz.requests import RequestMaker, damage, encode, garbage

CLIENTS = 6
POOL = 1000  # requests made for an episode; each is sent a few times, in other states
BULK_LIMIT = 65536  # bytes; small, so that no single request takes long
QUERY_LIMIT = 300_000  # bytes
SCRIPT_MEMORY = 8 << 20  # bytes
UNSENT_LIMIT = 400_000  # bytes that wait for room in a socket
PATIENCE = 5000  # rounds within which clients must come to rest
PASSWORD = "pw"
READ_SIZE = 1 << 16

# Options with small limits, so that every encoding and every conversion is met.
SETTINGS = {
    "hash-max-listpack-entries": 6, "hash-max-listpack-value": 30, "set-max-intset-entries": 5,
    "set-max-listpack-entries": 6, "set-max-listpack-value": 30, "zset-max-listpack-entries": 6,
    "zset-max-listpack-value": 30, "list-max-listpack-size": 5, "list-compress-depth": 1, "stream-node-max-entries": 4,
}  # fmt: skip


class Failure(Exception):
    """The server did something wrong; the text says what."""


class Peer:
    """The other end of one connection."""

    buffer = memoryview(bytearray(READ_SIZE))  # of all: the sanitizer makes large allocations slow

    def __init__(self, connection: socket.socket, address: str) -> None:
        self.socket = connection
        self.address = address
        self.unsent = b""
        self.replies = ReplyStream()
        self.reads = True  # whether it reads what it gets
        self.broken = False  # sent something after which no whole request can follow
        self.half_closed = False
        self.open = True

    def send(self, data: bytes) -> None:
        """Sends what the socket takes and keeps the rest."""
        self.unsent += data
        self.push()

    def push(self) -> None:
        """Sends what could not be sent before."""
        if not self.unsent or not self.open:
            return
        try:
            self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self.unsent = b""  # that it was closed is seen when it is read

    def drain(self) -> bool:
        """Reads all that is there; returns whether there was anything. Raises Malformed."""
        any_data = False
        while self.open:
            try:
                count = self.socket.recv_into(self.buffer)
            except BlockingIOError:
                break
            except ConnectionResetError:
                count = 0
            any_data = True
            if not count:
                self.close()
            else:
                self.replies.feed(self.buffer[:count])
        return any_data

    def close(self) -> None:
        """Closes this end, with whatever is still on the way."""
        self.open = False
        self.socket.close()


class Episode:
    """Runs the inputs of one episode. `index` and `seed` decide what is sent."""

    def __init__(self, seed: int, index: int) -> None:
        self.random = Random(f"{seed}/{index}")
        self.protected = self.random.random() < 0.15
        self.server = Server(self.settings())
        self.engine = self.server.engine
        self.reactor = self.server.reactor
        self.baseline = used_memory()
        self.inputs = 0
        self.replies = 0
        self.ports = 0
        self.peers = [self.connect() for _ in range(CLIENTS)]
        maker = RequestMaker(self.random, self.engine.commands)
        self.pool = [maker.request() for _ in range(POOL)]

    def settings(self) -> Config:
        """A configuration with small limits."""
        config = Config()
        config.values["proto-max-bulk-len"] = BULK_LIMIT
        config.values["client-query-buffer-limit"] = QUERY_LIMIT
        config.values["enable-debug-command"] = "yes"
        config.values["script-memory-limit"] = SCRIPT_MEMORY
        config.values["lazyfree-lazy-user-flush"] = self.random.random() < 0.5
        if self.protected:
            config.values["requirepass"] = PASSWORD.encode()
        if self.random.random() < 0.7:
            config.values.update({name: value for name, value in SETTINGS.items() if name in config.values})
        if self.random.random() < 0.2:
            config.values["maxmemory-policy"] = "allkeys-lfu"
        return config

    def connect(self) -> Peer:
        """A new connection, as the listener would make it."""
        self.ports += 1
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        connection = self.reactor.add_connection(theirs.detach())
        address = f"127.0.0.1:{self.ports}"
        self.server.front.connected(connection, address, "127.0.0.1:6379", False)
        return Peer(ours, address)

    # --- sending

    def run(self, inputs: int) -> None:
        """Sends so many inputs and settles the account. Raises Failure."""
        try:
            while self.inputs < inputs:
                for _ in range(self.random.choice((1, 2, 3, 4))):
                    self.act(self.random.randrange(CLIENTS))
                self.round()
                if self.random.random() < 0.02:
                    self.turn_of_the_loop()
                if self.random.random() < 0.01:
                    self.free_the_blocked()
            self.settle()
        except Malformed as error:
            raise Failure(str(error)) from error
        finally:
            for peer in self.peers:
                peer.close()
            self.server.loop.close()
            self.engine.free()

    def act(self, at: int) -> None:
        """One client does something: mostly, it sends a burst."""
        random = self.random
        peer = self.peers[at]
        if not peer.open:
            self.replies += peer.replies.replies
            self.report_internal_errors(peer)
            peer = self.peers[at] = self.connect()
        chance = random.random()
        if chance < (0.5 if peer.broken else 0.02):
            peer.close()
        elif chance < 0.03 and not peer.unsent and not peer.half_closed:
            peer.half_closed = peer.broken = True
            peer.socket.shutdown(socket.SHUT_WR)
        elif chance < 0.06:
            peer.reads = not peer.reads
        elif not peer.half_closed and len(peer.unsent) < UNSENT_LIMIT:
            self.deliver(peer, self.burst(peer))

    def burst(self, peer: Peer) -> bytes:
        """Some requests, and perhaps something broken behind them."""
        random = self.random
        if peer.broken:  # whatever comes now goes on where it was cut off
            self.inputs += 1
            return random.choice(self.pool)
        count = random.choice((1, 2, 4, 8, 16, 32))
        parts = random.choices(self.pool, k=count)
        self.inputs += count
        chance = random.random()
        if chance < 0.25:
            peer.broken = True
            self.inputs += 1
            parts.append(garbage(random) if chance < 0.06 else damage(random, random.choice(self.pool)))
        return b"".join(parts)

    def deliver(self, peer: Peer, data: bytes) -> None:
        """Sends the bytes in chunks, with rounds of the server between them."""
        random = self.random
        if peer.broken or b"hello" in data.lower():
            peer.replies.resp3 = True
        chance = random.random()
        if chance < 0.6:
            peer.send(data)
            return
        most = 1 + len(data) // 2 if chance < 0.85 else 9
        at = 0
        for _ in range(6 if chance < 0.85 else 30):
            step = random.randrange(1, most + 1)
            peer.send(data[at : at + step])
            self.reactor.poll(0)
            at += step
        peer.send(data[at:])

    def round(self) -> bool:
        """A round of the server, then everyone who reads reads; returns whether anything came."""
        self.reactor.poll(0)
        came = False
        for peer in self.peers:
            if peer.unsent:
                peer.push()
            if peer.reads and peer.drain():
                came = True
        return came

    def turn_of_the_loop(self) -> None:
        """What the event loop does now and then: timers that are due, the tick, background work."""
        loop: asyncio.AbstractEventLoop = self.server.loop
        loop.call_soon(loop.stop)
        loop.run_forever()
        self.engine.tick()
        self.engine.work()

    # --- the reckoning

    def settle(self) -> None:
        """Brings everyone to rest, asks for a sign of life, closes, empties, and counts what is left."""
        self.free_the_blocked()
        self.ask_for_a_sign_of_life()
        for peer in self.peers:
            self.replies += peer.replies.replies
            self.report_internal_errors(peer)
            peer.close()
        self.wait_until(lambda: not self.engine.clients, "clients are left after all connections were closed")
        self.empty()

    def administrator(self, *requests: list[bytes]) -> None:
        """A connection of its own that sends these requests, after AUTH, and closes when they are answered."""
        peer = self.connect()
        self.peers.append(peer)
        everything = [[b"AUTH", PASSWORD.encode()], *requests, [b"ECHO", b"done"]]
        peer.send(b"".join(map(encode, everything)))
        self.wait_until(
            lambda: (
                (peer.replies.unfinished == b"" and peer.replies.last == b"$4\r\ndone\r\n") or not peer.open
            ),
            "an administrator waits",
        )
        self.peers.remove(peer)
        peer.close()
        self.reactor.poll(0)

    def wait_until(self, condition: object, complaint: str) -> None:
        """Runs rounds until the condition holds. Raises Failure if it never does."""
        assert callable(condition)
        for i in range(PATIENCE):
            if condition():
                return
            self.engine.pause.end()  # it would hold an administrator's AUTH, too, and anyone may start one
            self.round()
            if i % 50 == 49:
                self.turn_of_the_loop()
        raise Failure(complaint)

    def free_the_blocked(self) -> None:
        """Ends pauses and waits until nobody is blocked and nothing is on its way."""
        for peer in self.peers:
            peer.reads = True
        for _ in range(PATIENCE):
            self.engine.pause.end()
            while self.round():
                pass
            blocked = [client.id for client in self.engine.clients.values() if client.blocked is not None]
            if not blocked and not any(peer.unsent for peer in self.peers if peer.open):
                return
            self.turn_of_the_loop()
            self.administrator(*([b"CLIENT", b"UNBLOCK", b"%d" % number] for number in blocked))
        raise Failure("clients stay blocked, or the server does not read")

    def ask_for_a_sign_of_life(self) -> None:
        """Every client that can still say something must be answered."""
        self.engine.pause.end()  # one may be in force that holds nobody yet
        waiting = []
        for peer in self.peers:
            if peer.open and not peer.broken:
                peer.send(encode([b"RESET"]) + encode([b"ECHO", b"still there"]))
                waiting.append(peer)
        for _ in range(4):
            while self.round():
                pass
        for peer in self.peers:
            if peer.open and peer.replies.unfinished:
                raise Failure(f"half a reply: {peer.replies.unfinished[:100]!r}")
        for peer in waiting:
            answer = peer.replies.last
            if peer.open and b"still there" not in answer and not answer.startswith(b"-NOAUTH"):
                raise Failure(f"a client is not answered; last reply {answer[:100]!r}; {self.describe(peer)}")

    def describe(self, peer: Peer) -> str:
        """The server's view of a client."""
        for client in self.engine.clients.values():
            if client.address == peer.address:
                reading = client.parser.reading
                return f"{self.engine.describe(client)} state={client.state} gates={client.gates} reading={reading}"
        return "the server does not know it"

    def report_internal_errors(self, peer: Peer) -> None:
        """An exception that escaped a command is a failure."""
        if peer.replies.internal_errors:
            raise Failure(peer.replies.internal_errors[0].decode("latin-1"))

    def empty(self) -> None:
        """After FLUSHALL nothing may be left."""
        self.administrator([b"FLUSHALL", b"SYNC"])
        while self.engine.work():
            pass
        self.turn_of_the_loop()
        for complaint in self.leftovers():
            raise Failure(complaint)

    def leftovers(self) -> Iterator[str]:
        """What is left, in words."""
        left = used_memory() - self.baseline
        engine = self.engine
        if left:
            yield f"{left} bytes of data are left"
        for name, rest in (
            ("clients", engine.clients),
            ("waiters", engine.blocking.waiters),
            ("held", engine.pause.held),
            ("over their soft limit", engine.output_limits.over_soft),
        ):
            if rest:
                yield f"{name} are left: {rest!r}"
        if self.reactor.connection_count:
            yield f"{self.reactor.connection_count} connections are left"
