"""Modes that go through the keys by SCAN: --scan and --hotkeys, and what --bigkeys and --keystats share with them."""

from __future__ import annotations

import sys

from redracer.cli.client.connection import ConnectionLost
from redracer.cli.client.formats import STANDARD
from redracer.cli.client.interrupt import Interruptible
from redracer.cli.client.options import complain, fail
from redracer.cli.client.progress import Progress
from redracer.cli.client.protocol import ARRAY, INTEGER, ProtocolError, encoded
from redracer.cli.client.session import connected
from redracer.cli.client.words import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from redracer.cli.client.options import Options
    from redracer.cli.client.protocol import Reply
    from redracer.cli.client.session import Session

PAUSE_AFTER = 100  # steps
HOTTEST = 16  # keys that --hotkeys tells of
MILESTONE = 1_000_000  # keys between two lines about the progress

BANNER = """
# Scanning the entire keyspace to find %s keys as well as
# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec
# per 100 SCAN commands (not usually needed).

"""


class Scan:
    """One way through all keys, in steps."""

    def __init__(self, session: Session, cursor: int = 0, pause_after: int = PAUSE_AFTER) -> None:
        """`pause_after`: so many steps it makes the pause that -i asks for."""
        self.session = session
        self.cursor = b"%d" % cursor
        self.pause_after = pause_after
        self.interruptible = Interruptible()

    def __iter__(self) -> Iterator[list[bytes]]:
        """The keys of each step; ends where Ctrl-C was pressed."""
        options = self.session.options
        matching = [b"MATCH", options.pattern] if options.pattern is not None else []
        counting = [b"COUNT", b"%d" % options.count]
        steps = 0
        while True:
            reply = ask(self.session, b"SCAN", self.cursor, *matching, *counting)
            if reply.is_error:
                raise fail(b"SCAN error: ", reply.value, b"\n")
            if reply.kind != ARRAY or len(reply.value) != 2:
                raise fail("Non ARRAY response from SCAN!\n")
            self.cursor = reply.value[0].value
            steps += 1
            yield [key.value for key in reply.value[1].value]
            if options.interval and steps % self.pause_after == 0:
                sys.stdout.flush()
                self.interruptible.sleep(options.interval)
            if self.cursor == b"0" or self.interruptible.stopped:
                return


def ask(session: Session, *words: bytes) -> Reply:
    """The reply to one command; ends the program if there is none."""
    return pipelined(session, [list(words)])[0]


def pipelined(session: Session, requests: list[list[bytes]]) -> list[Reply]:
    """The replies to commands that are sent together; ends the program if they do not come."""
    connection = session.connection
    assert connection is not None
    try:
        connection.send(b"".join([encoded(words) for words in requests]))
        return [connection.reply() for _ in requests]
    except (ConnectionLost, ProtocolError):
        raise fail("\nI/O error\n") from None


def database_size(session: Session) -> int:
    """The number of keys; ends the program if the server does not tell it."""
    reply = ask(session, b"DBSIZE")
    if reply.is_error:
        raise fail(b"Couldn't determine DBSIZE: ", reply.value, b"\n")
    if reply.kind != INTEGER:
        raise fail("Non INTEGER response from DBSIZE!\n")
    return int(reply.value)


def percent(part: int, whole: int) -> float:
    """A share in percent; of nothing it is not a number, as in C."""
    return 100 * part / whole if whole else float("nan")


def scan(options: Options) -> None:
    """--scan: the keys, one a line."""
    session = connected(options)
    write = sys.stdout.buffer.write
    for keys in Scan(session, pause_after=1):
        if options.output == STANDARD:
            keys = [quoted(key) for key in keys]
        if keys:
            write(b"\n".join(keys) + b"\n")


def hot_keys(options: Options) -> None:
    """--hotkeys: the keys with the highest access frequency."""
    session = connected(options)
    total = database_size(session)
    way = Scan(session)
    print(BANNER % "hot", end="", flush=True)
    hottest: list[tuple[int, bytes]] = []  # ascending
    sampled = 0
    share = 0.0
    with Progress("keys", total) as progress:
        for keys in way:
            share = percent(sampled, total)
            for key, frequency in zip(keys, _frequencies(session, keys), strict=True):
                sampled += 1
                if sampled % MILESTONE == 0:
                    progress.print(b"[%05.2f%%] Sampled %d keys so far" % (share, sampled))
                if _is_hot(hottest, frequency):
                    name = quoted(key)
                    _insert(hottest, frequency, name)
                    told = b"[%05.2f%%] Hot key '%s' found so far with counter %d" % (share, name, frequency)
                    progress.print(told)
            progress.update(sampled)
    print("\n-------- summary -------\n")
    print(
        f"{f'[{share:05.2f}%] ' if way.interruptible.stopped else ''}Sampled {sampled} keys in the keyspace!"
    )
    sys.stdout.flush()
    for frequency, name in reversed(hottest):
        sys.stdout.buffer.write(b"hot key found with counter: %d\tkeyname: %s\n" % (frequency, name))


def _is_hot(hottest: list[tuple[int, bytes]], frequency: int) -> bool:
    return frequency > (hottest[0][0] if len(hottest) == HOTTEST else 0)


def _insert(hottest: list[tuple[int, bytes]], frequency: int, name: bytes) -> None:
    """Keeps the list ascending; of equals the later is before the earlier, and it is the first that goes."""
    if len(hottest) == HOTTEST:
        del hottest[0]
    at = 0
    while at < len(hottest) and hottest[at][0] < frequency:
        at += 1
    hottest.insert(at, (frequency, name))


def _frequencies(session: Session, keys: list[bytes]) -> list[int]:
    frequencies = []
    replies = pipelined(session, [[b"OBJECT", b"FREQ", key] for key in keys])
    for key, reply in zip(keys, replies, strict=True):
        if reply.is_error:
            raise fail(b"Error: ", reply.value, b"\n")
        if reply.kind == INTEGER:
            frequencies.append(int(reply.value))
        else:
            complain(b"Warning: OBJECT freq on '", quoted(key), b"' failed (may have been deleted)\n")
            frequencies.append(0)
    return frequencies
