"""ACL LOG: what was refused, newest first; the same refusal within a minute is counted, not repeated."""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.engine.config import Config

GROUPED = 60_000  # ms between two refusals that are still counted as one
LOOKED_AT = 10  # entries among which the same refusal is looked for


class LogEntry:
    """One refusal and its repetitions; times are Unix time in ms."""

    __slots__ = ("client_info", "context", "count", "created", "id", "object", "reason", "updated", "user")

    def __init__(self, id: int, reason: str, context: str, object: bytes, user: bytes, now: int) -> None:
        self.id = id
        self.reason = reason  # command, key, channel, auth
        self.context = context  # toplevel, multi, lua
        self.object = object
        self.user = user
        self.count = 0
        self.created = self.updated = now
        self.client_info = ""


class AccessLog:
    """The entries, at most `acllog-max-len`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.entries: deque[LogEntry] = deque()
        self.next_id = 0

    def add(self, reason: str, context: str, object: bytes, user: bytes, now: int, client_info: str) -> None:
        """Notes a refusal. `client_info`: the client as CLIENT LIST shows it."""
        if self.config["acllog-max-len"]:
            entry = self._same(reason, context, object, user, now)
            if entry is None:
                entry = LogEntry(self.next_id, reason, context, object, user, now)
                self.next_id += 1
            else:
                self.entries.remove(entry)
            entry.count += 1
            entry.updated = now
            entry.client_info = client_info
            self.entries.appendleft(entry)
        while len(self.entries) > self.config["acllog-max-len"]:
            self.entries.pop()

    def _same(self, reason: str, context: str, object: bytes, user: bytes, now: int) -> LogEntry | None:
        wanted = (reason, context, object, user)
        for entry, _ in zip(self.entries, range(LOOKED_AT), strict=False):
            found = (entry.reason, entry.context, entry.object, entry.user)
            if found == wanted and abs(now - entry.updated) <= GROUPED:
                return entry
        return None

    def reset(self) -> None:
        """Drops all entries; ids go on."""
        self.entries.clear()
