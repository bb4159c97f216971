"""--stat: a line of the server's figures each second."""

from __future__ import annotations

import time

from redracer.cli.client.options import fail
from redracer.cli.client.reconnecting import Reconnecting
from redracer.cli.client.session import connected
from redracer.cli.client.words import leading_integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.options import Options

LINES_PER_HEADING = 20
HEADING = (
    "------- data ------ --------------------- load -------------------- - child -\n"
    "keys       mem      clients blocked requests            connections          \n"
)
CHILDREN = {1: "SAVE", 2: "AOF", 3: "SAVE+AOF", 4: "LOAD"}  # by bits: saving, rewriting, loading
UNITS = ((1 << 10, 1, "B"), (1 << 20, 1 << 10, "K"), (1 << 30, 1 << 20, "M"), (1 << 40, 1 << 30, "G"))


def stat(options: Options) -> None:
    """Prints lines until it is interrupted."""
    link = Reconnecting(connected(options))
    before = 0
    count = 0
    while True:
        reply = link.ask(b"INFO")
        if reply.is_error:
            raise fail(b"ERROR: ", reply.value, b"\n")
        info = fields(reply.value)
        if count % LINES_PER_HEADING == 0:
            print(HEADING, end="")
        count += 1
        requests = info.get("total_commands_processed", 0)
        print(_line(info, requests, requests - before if before else 0), flush=True)
        before = requests
        time.sleep(options.interval or 1)


def fields(info: bytes) -> dict[str, int]:
    """The numbers of INFO; of a database the number of its keys."""
    found = {}
    for line in info.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found[name] = leading_integer(value.removeprefix("keys="))
    return found


def _line(info: dict[str, int], requests: int, since: int) -> str:
    keys = sum(info.get(f"db{number}", 0) for number in range(20))
    child = info.get("rdb_bgsave_in_progress", 0) | info.get("aof_rewrite_in_progress", 0) << 1
    child |= info.get("loading", 0) << 2
    return (
        f"{keys:<11d}{human(info.get('used_memory', 0)):<8s} {info.get('connected_clients', 0):<8d}"
        f"{info.get('blocked_clients', 0):<8d}{f'{requests} (+{since})':<19s}"
        f" {info.get('total_connections_received', 0):<12d}{CHILDREN.get(child, '')}"
    )


def human(size: int) -> str:
    """Bytes in the largest unit that fits: 100B, 1.50K."""
    for limit, divisor, unit in UNITS:
        if size < limit:
            return f"{size}B" if divisor == 1 else f"{size / divisor:.2f}{unit}"
    return f"{size / (1 << 40):.2f}T"
