"""--bigkeys and --memkeys: the largest key of each type, by elements or by bytes."""

from __future__ import annotations

import sys

from redracer.cli.client.options import complain, fail
from redracer.cli.client.progress import Progress
from redracer.cli.client.protocol import INTEGER, STATUS
from redracer.cli.client.scan import BANNER, MILESTONE, Scan, database_size, percent, pipelined
from redracer.cli.client.session import connected
from redracer.cli.client.words import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.options import Options
    from redracer.cli.client.session import Session

# Type: command that tells a key's size, and what it counts. The order is that in which redis-cli shows them.
COUNTED = {
    b"list": (b"LLEN", b"items"),
    b"hash": (b"HLEN", b"fields"),
    b"string": (b"STRLEN", b"bytes"),
    b"stream": (b"XLEN", b"entries"),
    b"set": (b"SCARD", b"members"),
    b"zset": (b"ZCARD", b"members"),
}


class TypeTotals:
    """What was found of the keys of one type."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.command: bytes | None
        self.command, self.unit = COUNTED.get(name, (None, b"?"))
        self.count = 0
        self.size = 0
        self.largest = 0
        self.largest_key: bytes | None = None  # as it came

    def add(self, key: bytes, size: int) -> bool:
        """Counts a key; whether it is the largest so far."""
        self.count += 1
        self.size += size
        if size <= self.largest:
            return False
        self.largest, self.largest_key = size, key
        return True


class Totals(dict[bytes, TypeTotals]):
    """The types, also those that only modules know; they are added as they are met."""

    def __init__(self) -> None:
        super().__init__((name, TypeTotals(name)) for name in COUNTED)

    def of(self, name: bytes) -> TypeTotals | None:
        """What was found of a type; None for "none", the type of a key that is gone."""
        if name == b"none":
            return None
        if name not in self:
            self[name] = TypeTotals(name)
        return self[name]


def key_types(session: Session, keys: list[bytes]) -> list[bytes]:
    """The types of the keys; "none" of those that are gone."""
    replies = pipelined(session, [[b"TYPE", key] for key in keys])
    for reply in replies:
        if reply.is_error:
            raise fail(b"TYPE returned an error: ", reply.value, b"\n")
        if reply.kind != STATUS:
            raise fail(f"Invalid reply type ({reply.kind}) for TYPE!\n")
    return [reply.value for reply in replies]


def sizes(session: Session, keys: list[bytes], types: list[TypeTotals | None], memory: bool) -> list[int]:
    """The sizes of the keys; 0 of those that are gone or have none."""
    samples = session.options.samples
    sampling = [b"SAMPLES", b"%d" % samples] if samples >= 0 else []
    requests = []
    asked = []
    for at, (key, kind) in enumerate(zip(keys, types, strict=True)):
        if kind is None or (not memory and kind.command is None):
            continue
        asked.append(at)
        requests.append([b"MEMORY", b"USAGE", key, *sampling] if memory else [kind.command or b"", key])
    found = [0] * len(keys)
    for at, request, reply in zip(asked, requests, pipelined(session, requests), strict=True):
        if reply.kind == INTEGER:
            found[at] = int(reply.value)
        else:
            name = b"MEMORY USAGE" if memory else request[0]
            complain(b"Warning:  ", name, b" on '", keys[at], b"' failed (may have changed type)\n")
    return found


def big_keys(options: Options) -> None:
    """--bigkeys: the keys with most elements."""
    _largest(options, memory=False)


def memory_keys(options: Options) -> None:
    """--memkeys: the keys that take most memory."""
    _largest(options, memory=True)


def _largest(options: Options, memory: bool) -> None:
    session = connected(options)
    total = database_size(session)
    way = Scan(session)
    print(BANNER % "biggest", end="", flush=True)
    totals = Totals()
    sampled = length = 0
    share = 0.0
    with Progress("keys", total) as progress:
        for keys in way:
            share = percent(sampled, total)
            types = [totals.of(name) for name in key_types(session, keys)]
            for key, kind, size in zip(keys, types, sizes(session, keys, types, memory), strict=True):
                if kind is None:
                    continue
                length += len(key)
                sampled += 1
                if kind.add(key, size):
                    unit = b"bytes" if memory else kind.unit
                    found = (share, kind.name, quoted(key), size, unit)
                    progress.print(b"[%05.2f%%] Biggest %-6s found so far '%s' with %d %s" % found)
                if sampled % MILESTONE == 0:
                    progress.print(b"[%05.2f%%] Sampled %d keys so far" % (share, sampled))
            progress.update(sampled)
    stopped = f"[{share:05.2f}%] " if way.interruptible.stopped else ""
    print(f"\n-------- summary -------\n\n{stopped}Sampled {sampled} keys in the keyspace!")
    average = length / sampled if length else 0
    print(f"Total key length in bytes is {length} (avg len {average:.2f})\n", flush=True)
    sys.stdout.buffer.write(_summary(totals, sampled, memory))


def _summary(totals: Totals, sampled: int, memory: bool) -> bytes:
    lines = []
    for kind in totals.values():
        if kind.largest_key is not None:
            unit = b"bytes" if memory else kind.unit
            lines.append(
                b"Biggest %6s found '%s' has %d %s"
                % (kind.name, quoted(kind.largest_key), kind.largest, unit)
            )
    lines.append(b"")
    for kind in totals.values():
        unit = b"bytes" if memory else kind.unit
        share = 100 * kind.count / sampled if sampled else 0
        average = kind.size / kind.count if kind.count else 0
        line = b"%d %ss with %d %s (%05.2f%% of keys, avg size %.2f)"
        lines.append(line % (kind.count, kind.name, kind.size, unit, share, average))
    return b"\n".join(lines) + b"\n"
