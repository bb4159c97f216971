"""--lru-test: writes and reads as users of a cache do, of whom most want the same few keys."""

from __future__ import annotations

import random

from redracer.cli.client.clock import milliseconds
from redracer.cli.client.options import complain
from redracer.cli.client.protocol import NIL
from redracer.cli.client.scan import pipelined
from redracer.cli.client.session import connected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.options import Options

CYCLE = 1000  # ms
PIPELINE = 250  # commands
SKEW = 6.2  # four of five accesses go to one of five keys
LETTERS = bytes(range(ord("A"), ord("z")))


def lru_test(options: Options) -> None:
    """Prints a line a second until it is interrupted."""
    session = connected(options)
    while True:
        began = milliseconds()
        hits = misses = 0
        while milliseconds() - began < CYCLE:
            pipelined(session, [[b"SET", _key(options.keys), _value()] for _ in range(PIPELINE)])
            for reply in pipelined(session, [[b"GET", _key(options.keys)] for _ in range(PIPELINE)]):
                if reply.is_error:
                    complain(reply.value, b"\n")
                elif reply.kind == NIL:
                    misses += 1
                else:
                    hits += 1
        total = max(hits + misses, 1)
        share, rest = 100 * hits / total, 100 * misses / total
        print(
            f"{hits + misses} Gets/sec | Hits: {hits} ({share:.2f}%) | Misses: {misses} ({rest:.2f}%)",
            flush=True,
        )


def _key(count: int) -> bytes:
    """A key, by a power law: the inverse of its distribution function at a random point."""
    highest = (count + 1) ** (SKEW + 1)
    number = int((1 + (highest - 1) * random.random()) ** (1 / (SKEW + 1)))
    return b"lru:%d" % (count + 1 - number)


def _value() -> bytes:
    return bytes(random.choices(LETTERS, k=5))
