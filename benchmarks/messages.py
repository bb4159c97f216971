"""CPU time of scripts, transactions and messages, in alternating rounds.

A script is called by redis-benchmark's 50 clients. A transaction is MULTI, ten SETs and EXEC; a client writes one or 16
of them at once, and waits for the replies (with one, three quarters of the time are the system's: to send a reply, to
sleep and to be woken). A message is a PUBLISH to 1, 100 or 1,000 subscribers, which read nothing but what the system's
buffers take from them in the end.
"""

import contextlib
import resource
import select
import socket
from collections.abc import Callable, Sequence
from hashlib import sha1
from statistics import median

from benchmarks.servers import Cores, Program, Server, cpu_time, running
from benchmarks.throughput import CLIENTS, run_load
from benchmarks.wire import Connection, encode
from benchmarks.workloads import Workload

ONE_CALL = "return redis.call('incr', KEYS[1])"
FIVE_CALLS = """
local id = redis.call('incr', KEYS[1])
redis.call('hset', KEYS[2], 'id', id, 'state', ARGV[1])
redis.call('zadd', KEYS[3], id, id)
local state = redis.call('hget', KEYS[2], 'state')
redis.call('zrem', KEYS[3], id)
return state
"""
FIVE_CALLS_KEYS = ("counter:{__rand_int__}", "job:{__rand_int__}", "waiting:{__rand_int__}")
SCRIPTS = (
    Workload("EVAL of INCR", ("EVAL", ONE_CALL, "1", "counter:__rand_int__")),
    Workload(
        "EVALSHA of 5 calls",
        ("EVALSHA", sha1(FIVE_CALLS.encode()).hexdigest(), "3", *FIVE_CALLS_KEYS, "waiting"),
    ),
)
CALLS = 100_000  # of a script, in one round
PIPELINES = (1, 16)  # of scripts and transactions
KEYSPACE = 10_000

TRANSACTION = (
    encode("MULTI") + b"".join(encode("SET", f"key:{n}", b"x" * 16) for n in range(10)) + encode("EXEC")
)
TRANSACTION_REPLIES = 12
TRANSACTIONS = 20_000  # in one round

MESSAGE = encode("PUBLISH", "channel", b"x" * 100)
DELIVERIES = 200_000  # messages that subscribers get in one round
MOST_PUBLISHES = 20_000
BATCH = 20  # PUBLISHes before their messages are read

Measurement = Callable[[Server, float, Cores], float]


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


def script(workload: Workload, pipeline: int) -> Measurement:
    """CPU nanoseconds per call of a script."""

    def measured(server: Server, scale: float, cores: Cores) -> float:
        calls = max(int(CALLS * scale), CLIENTS * pipeline)
        with Connection(server.port) as connection:
            connection.call("SCRIPT", "LOAD", FIVE_CALLS)
        run_load(server, workload, pipeline, calls // 10, KEYSPACE, cores.load)
        began = cpu_time(server.pid).main_thread
        run_load(server, workload, pipeline, calls, KEYSPACE, cores.load)
        return (cpu_time(server.pid).main_thread - began) / calls

    return measured


def transactions(pipeline: int) -> Measurement:
    """CPU nanoseconds per transaction, so many of them in a write."""

    def measured(server: Server, scale: float, cores: Cores) -> float:
        writes = max(int(TRANSACTIONS * scale) // pipeline, 1)
        # call_many waits for a reply for each part.
        parts = [TRANSACTION * pipeline, *[b""] * (TRANSACTION_REPLIES * pipeline - 1)]
        with Connection(server.port) as connection:
            connection.call("PING")
            began = cpu_time(server.pid).main_thread
            for _ in range(writes):
                connection.call_many(parts)
            return (cpu_time(server.pid).main_thread - began) / (writes * pipeline)

    return measured


def messages(subscribers: int) -> Measurement:
    """CPU nanoseconds per PUBLISH to so many."""

    def measured(server: Server, scale: float, cores: Cores) -> float:
        rounds = max(min(int(DELIVERIES * scale) // subscribers, MOST_PUBLISHES) // BATCH, 1)
        listening = Subscribers(server.port, subscribers)
        with contextlib.closing(listening), Connection(server.port) as connection:
            connection.call("PING")
            began = cpu_time(server.pid).main_thread
            for _ in range(rounds):
                for _ in range(BATCH):
                    connection.call_many([MESSAGE])
                listening.read()
            return (cpu_time(server.pid).main_thread - began) / (rounds * BATCH)

    return measured


TESTS: dict[str, Measurement] = {
    f"{workload.name} P={pipeline}": script(workload, pipeline)
    for workload in SCRIPTS
    for pipeline in PIPELINES
} | {
    **{f"MULTI of 10 SETs P={pipeline}": transactions(pipeline) for pipeline in PIPELINES},
    "PUBLISH to 1": messages(1),
    "PUBLISH to 100": messages(100),
    "PUBLISH to 1,000": messages(1000),
}


def measure(
    programs: Sequence[Program], *, rounds: int, scale: float, base_port: int, cores: Cores
) -> dict[str, dict[str, object]]:
    """Returns {test: {server: CPU microseconds per operation}}, medians. `scale` multiplies the operations."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found: dict[str, dict[str, object]] = {}
    with (
        running(programs[0], base_port, cores.server) as first,
        running(programs[1], base_port + 1, cores.server) as second,
    ):
        for name, test in TESTS.items():
            samples: dict[str, list[float]] = {first.program.name: [], second.program.name: []}
            for number in range(rounds):
                for server in (first, second) if number % 2 == 0 else (second, first):
                    samples[server.program.name].append(test(server, scale, cores) / 1000)
            found[name] = {server: round(median(times), 3) for server, times in samples.items()}
            print(f"{name}: {found[name]}", flush=True)
    return found
