"""How a store shows itself in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core.memory import used_memory
from redracer.embedded.snapshot import table

if TYPE_CHECKING:
    from redracer.embedded.store import Store

PREFIXES = 20  # most rows
SAMPLE = 10_000  # keys that are looked at


def page(store: Store) -> str:
    """The keys by the part of their names before the first colon, as an HTML table. O(SAMPLE)."""
    if store.unusable:
        return f"<p>redracer.Store: {store.unusable}</p>"
    with store.lock:
        counts = [len(database) for database in store.engine.databases]
        groups: dict[tuple[str, str], int] = {}
        looked_at = 0
        cursor = 0
        while looked_at < SAMPLE:
            cursor, names = store.execute("SCAN", cursor, "COUNT", 1000)
            looked_at += len(names)
            for name in names:
                prefix, colon, _ = name.partition(b":")
                shown = (prefix + colon + b"*" if colon else name).decode("utf-8", "backslashreplace")
                group = (shown, store.execute("TYPE", name).decode())
                groups[group] = groups.get(group, 0) + 1
            if cursor == b"0":
                break
    rows = sorted(groups.items(), key=lambda item: (-item[1], item[0]))
    shown_rows = [(prefix, kind, f"{count:,}") for (prefix, kind), count in rows[:PREFIXES]]
    more = f", of {looked_at:,} keys looked at" if cursor not in (0, b"0") else ""
    databases = sum(1 for count in counts if count)
    title = f"{sum(counts):,} keys in {databases} databases, {used_memory():,} bytes{more}"
    return f"<p><b>redracer.Store</b>: {title}</p>" + table(("keys", "type", "count"), shown_rows)
