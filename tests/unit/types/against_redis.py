"""What the comparisons of a type's commands with a real redis-server share: reading replies, making command lines.

Replies are compared as they are on the wire; where Redis promises no order, with their elements sorted.
"""

import io
import socket

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SETTINGS = {
    "deadline": None,
    # Not shrunk: with two servers that takes minutes, and the assertion names the command that differs.
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
    "suppress_health_check": [
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
}


EXAMPLES_PER_ROUND = 200  # Hypothesis remembers all of a round


def compare_at_length(compare, example, commands):
    """Calls `compare(*parts)` with examples, whose last part is a list of commands, until so many have run."""
    done = 0

    def run(parts):
        nonlocal done
        compare(*parts)
        done += len(parts[-1])

    while done < commands:
        settings(max_examples=EXAMPLES_PER_ROUND, database=None, **SETTINGS)(
            given(st.tuples(*example))(run)
        )()


class Real:
    """A connection to the real server that sees the bytes."""

    def __init__(self, client):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(client.connection_pool.connection_kwargs["path"])
        self.reader = self.socket.makefile("rb")

    def run(self, argv):
        """The reply to a command, read (see `read_reply`)."""
        parts = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in argv)
        self.socket.sendall(b"*%d\r\n%s" % (len(argv), parts))
        return read_reply(self.reader)

    def close(self):
        self.reader.close()
        self.socket.close()


class Ours:
    """The same for an engine in this process."""

    def __init__(self, served):
        self.served = served

    def run(self, argv):
        return read_reply(io.BytesIO(self.served.run(argv)))


def read_reply(reader):
    """A reply as (the byte that says its kind, its text or the list of its parts or None); a map's parts are pairs."""
    line = reader.readline()
    kind, rest = line[:1], line[1:-2]
    if kind == b"_" or (rest == b"-1" and kind in b"*$"):
        return kind, None
    if kind in b"$=":
        return kind, reader.read(int(rest) + 2)[:-2]
    if kind == b"%":
        return kind, [(read_reply(reader), read_reply(reader)) for _ in range(int(rest))]
    if kind in b"*~":
        return kind, [read_reply(reader) for _ in range(int(rest))]
    return kind, rest


def unordered(reply, width=1):
    """The reply with its parts, or its groups of `width` parts, sorted."""
    kind, parts = reply
    if not isinstance(parts, list):
        return reply
    groups = sorted(parts[i : i + width] for i in range(0, len(parts), width))
    return kind, groups


def words(*parts):
    """A command line whose parts are bytes, strategies, or lists of either."""
    strategies = [st.just(part) if isinstance(part, bytes) else part for part in parts]
    return st.tuples(*strategies).map(flattened)


def flattened(parts):
    """The parts, those that are lists by their elements."""
    found = []
    for part in parts:
        found += part if isinstance(part, list) else [part]
    return found
