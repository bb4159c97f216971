"""CPU time of transactions and messages: `python -m benchmarks.messages [--rounds N]`, with redis-server beside ours.

A transaction is MULTI, ten SETs and EXEC in one write. A message is a PUBLISH to 1, 100 or 1,000 subscribers, which
read nothing but what the system's buffers take from them in the end. Rounds of both servers alternate; what is
printed are medians of CPU microseconds per transaction or PUBLISH, and the ratio of ours to Redis's.
"""

import argparse
import contextlib
import resource
import select
import socket
from collections.abc import Callable
from statistics import median

from benchmarks.servers import Cores, Program, Server, choose_cores, cpu_time, default_programs, running
from benchmarks.wire import Connection, encode

TRANSACTION = (
    encode("MULTI") + b"".join(encode("SET", f"key:{n}", b"x" * 16) for n in range(10)) + encode("EXEC")
)
TRANSACTION_REPLIES = 12
MESSAGE = encode("PUBLISH", "channel", b"x" * 100)
DELIVERIES = 200_000  # messages that subscribers get in one round
TRANSACTIONS = 20_000  # in one round
BATCH = 20  # PUBLISHes before their messages are read


def cpu_seconds(server: Server) -> float:
    """CPU time of the server so far."""
    return cpu_time(server.pid).main_thread / 1e9


class Subscribers:
    """Connections that listen to the channel, and read whatever comes."""

    def __init__(self, port: int, count: int) -> None:
        self.sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        self.poll = select.epoll()
        self.by_descriptor = {connection.fileno(): connection for connection in self.sockets}
        for connection in self.sockets:
            connection.sendall(encode("SUBSCRIBE", "channel"))
            connection.recv(4096)
            self.poll.register(connection, select.EPOLLIN)

    def read(self) -> None:
        """Reads what is there."""
        for descriptor, _ in self.poll.poll(0):
            self.by_descriptor[descriptor].recv(1 << 20)

    def close(self) -> None:
        """Closes all."""
        self.poll.close()
        for connection in self.sockets:
            connection.close()


def transactions(server: Server, _subscribers: int) -> float:
    """CPU microseconds per transaction."""
    with Connection(server.port) as connection:
        connection.call("PING")
        began = cpu_seconds(server)
        for _ in range(TRANSACTIONS):
            connection.call_many([TRANSACTION, *[b""] * (TRANSACTION_REPLIES - 1)])
        return (cpu_seconds(server) - began) / TRANSACTIONS * 1e6


def messages(server: Server, count: int) -> float:
    """CPU microseconds per PUBLISH to `count` subscribers."""
    publishes = max(DELIVERIES // max(count, 10), BATCH)
    listening = Subscribers(server.port, count)
    with contextlib.closing(listening), Connection(server.port) as connection:
        connection.call("PING")
        began = cpu_seconds(server)
        for _ in range(publishes // BATCH):
            for _ in range(BATCH):
                connection.call_many([MESSAGE])
            listening.read()
        return (cpu_seconds(server) - began) / (publishes // BATCH * BATCH) * 1e6


TESTS: dict[str, tuple[Callable[[Server, int], float], int]] = {
    "MULTI of 10 SETs": (transactions, 0),
    "PUBLISH to 1": (messages, 1),
    "PUBLISH to 100": (messages, 100),
    "PUBLISH to 1,000": (messages, 1000),
}


def measure(programs: list[Program], rounds: int, port: int, cores: Cores) -> None:
    """Prints a line a test."""
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(running(program, port + at, cores.server))
            for at, program in enumerate(programs)
        ]
        for name, (test, argument) in TESTS.items():
            samples: list[list[float]] = [[] for _ in servers]
            for _ in range(rounds):
                for server, taken in zip(servers, samples, strict=True):
                    taken.append(test(server, argument))
            figures = [median(taken) for taken in samples]
            shown = ", ".join(
                f"{program.name} {figure:.2f} us" for program, figure in zip(programs, figures, strict=True)
            )
            print(f"{name}: {shown}, ratio {figures[0] / figures[-1]:.2f}", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--port", type=int, default=7700)
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    measure(default_programs(), arguments.rounds, arguments.port, choose_cores())


if __name__ == "__main__":
    main()
