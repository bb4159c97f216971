"""CPU time per operation on a sorted set of a million members, in alternating rounds.

redis-benchmark cannot ask for a range that begins anywhere and is short, so the load is a connection of our own, which
sends PIPELINE commands at a time. Both servers stay filled the whole time.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from statistics import median

from benchmarks.servers import Cores, Program, Server, cpu_time, running
from benchmarks.wire import Connection, encode

MEMBERS = 1_000_000
OPERATIONS = 100_000  # a round
PIPELINE = 16  # commands that are sent before their replies are awaited
READ = 10  # members of a range
KEY = "zset:large"


def member(number: int) -> bytes:
    return b"member:%09d" % number


def filling(size: int) -> Iterator[bytes]:
    """Every member, in no order of scores."""
    return (encode("ZADD", KEY, number * 7919 % size, member(number)) for number in range(size))


def change_score(random: Random, size: int) -> bytes:
    """Gives a member another score."""
    return encode("ZADD", KEY, random.randrange(size), member(random.randrange(size)))


def by_rank(random: Random, size: int) -> bytes:
    """Reads a few members from a rank on."""
    start = random.randrange(size - READ)
    return encode("ZRANGE", KEY, start, start + READ - 1)


def by_score(random: Random, size: int) -> bytes:
    """Reads a few members from a score on; the scores that were changed leave enough behind any of the lower half."""
    return encode("ZRANGE", KEY, random.randrange(size // 2), "+inf", "BYSCORE", "LIMIT", 0, READ)


# title: the command of a random number, and the lines of a reply
TESTS: dict[str, tuple[Callable[[Random, int], bytes], int]] = {
    "ZADD": (change_score, 1),
    f"ZRANGE of {READ} by rank": (by_rank, 1 + 2 * READ),
    f"ZRANGE of {READ} by score": (by_score, 1 + 2 * READ),
}


def measure(
    programs: Sequence[Program], *, rounds: int, scale: float, base_port: int, cores: Cores
) -> dict[str, dict[str, object]]:
    """Returns {test: {server: CPU microseconds per operation}}, medians. `scale` multiplies the members."""
    size = int(MEMBERS * scale)
    found: dict[str, dict[str, object]] = {}
    with (
        running(programs[0], base_port, cores.server) as first,
        running(programs[1], base_port + 1, cores.server) as second,
    ):
        for server in (first, second):
            with Connection(server.port) as connection:
                connection.fill(filling(size))
        for title, (command, lines) in TESTS.items():
            name = f"{title}, {size:,} members"
            samples: dict[str, list[float]] = {first.program.name: [], second.program.name: []}
            for number in range(rounds):
                for server in (first, second) if number % 2 == 0 else (second, first):
                    commands = made(command, number, size)
                    samples[server.program.name].append(cost(server, commands, lines))
            found[name] = {server: round(median(times), 3) for server, times in samples.items()}
            print(f"{name}: {found[name]}", flush=True)
    return found


def made(command: Callable[[Random, int], bytes], seed: int, size: int) -> Iterator[bytes]:
    """The same commands for both servers."""
    random = Random(seed)
    return (command(random, size) for _ in range(OPERATIONS))


def cost(server: Server, commands: Iterator[bytes], lines: int) -> float:
    """CPU microseconds of the main thread per command."""
    with Connection(server.port) as connection:
        before = cpu_time(server.pid).main_thread
        sent = connection.fill(commands, PIPELINE, lines)
        return (cpu_time(server.pid).main_thread - before) / sent / 1000
