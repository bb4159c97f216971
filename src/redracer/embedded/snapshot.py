"""The key space at one moment: to compare with, and to go back to.

A snapshot has of each key its type, its value as Python values, when it expires, and its payload (DUMP), by which it
is restored. It is taken with the store's lock held: nothing happens meanwhile.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from redracer.embedded.calls import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redracer.embedded.store import Store

SHOWN = 80  # characters of a value
NEVER = -1
# How a value of each type is read.
READERS: dict[bytes, tuple[Any, ...]] = {
    b"string": ("GET", None),
    b"list": ("LRANGE", None, 0, -1),
    b"set": ("SMEMBERS", None),
    b"hash": ("HGETALL", None),
    b"zset": ("ZRANGE", None, 0, -1, "WITHSCORES"),
    b"stream": ("XRANGE", None, "-", "+"),
}


class Key(NamedTuple):
    """A key of a snapshot. `expires`: Unix time in ms, -1 for never; `beside`: what the value does not show, of a hash
    when its fields expire, of a stream its payload, in which its groups are."""

    type: bytes
    value: Any
    expires: int
    beside: Any
    payload: bytes

    def same_as(self, other: Key) -> bool:
        """Whether type, value and expiry are the same, whatever the encoding."""
        return self[:-1] == other[:-1]

    def __repr__(self) -> str:
        text = repr(self.value)
        text = text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
        return f"{self.type.decode()} {text}" + (f" until {self.expires}" if self.expires != NEVER else "")


class Snapshot:
    """The keys of all databases: `keys[database][name]`. Snapshots with the same values are equal."""

    def __init__(self, keys: dict[int, dict[bytes, Key]]) -> None:
        self.keys = keys

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and not difference(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return sum(len(keys) for keys in self.keys.values())

    def __bool__(self) -> bool:
        return True

    def __contains__(self, name: bytes | str) -> bool:
        encoded = name.encode() if isinstance(name, str) else name
        return any(encoded in keys for keys in self.keys.values())

    def __repr__(self) -> str:
        return f"<redracer.Snapshot: {len(self)} keys>"

    def _repr_html_(self) -> str:
        return table(("key", "value"), [(name, repr(key)) for name, key in named(self)])


class Difference:
    """What became of the keys between two snapshots, by name: those that were `added`, `removed`, and `changed`, each
    as (before, after). False if there is none. The name of a key outside of database 0 is a pair (database, name)."""

    def __init__(self) -> None:
        self.added: dict[Any, Key] = {}
        self.removed: dict[Any, Key] = {}
        self.changed: dict[Any, tuple[Key, Key]] = {}

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def lines(self) -> list[str]:
        """A line for each key, beginning with +, - or ~."""
        found = [(name, f"+ {_text(name)}: {key!r}") for name, key in self.added.items()]
        found += [(name, f"- {_text(name)}: {key!r}") for name, key in self.removed.items()]
        found += [
            (name, f"~ {_text(name)}: {before!r} -> {after!r}")
            for name, (before, after) in self.changed.items()
        ]
        return [line for _, line in sorted(found, key=lambda pair: _text(pair[0]))]

    def __repr__(self) -> str:
        return "\n".join(self.lines()) or "no difference"

    def _repr_html_(self) -> str:
        return table(("change",), [(line,) for line in self.lines()])


def take(store: Store) -> Snapshot:
    """The keys of a store as they are now. O(everything in it)."""
    with store.lock:
        store.check()
        engine = store.engine
        found: dict[int, dict[bytes, Key]] = {}
        session = store.session()
        clock = engine.clock
        untouched, clock.no_touch = clock.no_touch, True  # to look is no use of a key
        try:
            for database in engine.databases:
                if len(database):
                    session.client.db = database
                    found[database.index] = dict(_keys(session))
        finally:
            clock.no_touch = untouched
            session.close()
    return Snapshot({index: keys for index, keys in found.items() if keys})


def _keys(session: Any) -> Iterator[tuple[bytes, Key]]:
    def ask(*arguments: Any) -> Any:
        return session.store.ask(session, arguments)

    for name in ask("KEYS", "*"):
        kind = ask("TYPE", name)
        reader = READERS[kind]
        value = ask(*(name if word is None else word for word in reader))
        expires = ask("PEXPIRETIME", name)
        if expires >= NEVER:  # else it ends while we look
            payload = ask("DUMP", name)
            beside = payload if kind == b"stream" else None
            if kind == b"hash":
                ends = ask("HPEXPIRETIME", name, "FIELDS", len(value), *value)
                beside = {field: end for field, end in zip(value, ends, strict=True) if end >= 0}
            yield name, Key(kind, _comparable(kind, value), expires, beside, payload)


def _comparable(kind: bytes, value: Any) -> Any:
    if kind == b"set":
        return set(value)
    if kind == b"zset":
        return dict(value)
    if kind == b"stream":
        return {entry: dict(zip(fields[::2], fields[1::2], strict=True)) for entry, fields in value}
    return value


def difference(before: Snapshot, after: Snapshot) -> Difference:
    """What became of the keys. O(both)."""
    found = Difference()
    for index in before.keys.keys() | after.keys.keys():
        old, new = before.keys.get(index, {}), after.keys.get(index, {})
        for name in old.keys() | new.keys():
            shown = name if index == 0 else (index, name)
            if name not in old:
                found.added[shown] = new[name]
            elif name not in new:
                found.removed[shown] = old[name]
            elif not old[name].same_as(new[name]):
                found.changed[shown] = (old[name], new[name])
    return found


def restore(store: Store, snapshot: Snapshot) -> None:
    """Makes the keys of a store those of a snapshot; one whose time is over is passed over. O(everything in it)."""
    with store.lock:
        store.check()
        session = store.session()
        try:
            store.ask(session, ("FLUSHALL",))
            for index, keys in snapshot.keys.items():
                session.client.db = store.engine.databases[index]
                for name, key in keys.items():
                    ttl = max(key.expires, 0)
                    value = store.ask(session, ("RESTORE", name, ttl, key.payload, "ABSTTL"))
                    if isinstance(value, StoreError):
                        raise value
        finally:
            session.close()


def named(snapshot: Snapshot) -> list[tuple[str, Key]]:
    """The keys with their names as text, in order."""
    pairs = [
        (_text(name if index == 0 else (index, name)), key)
        for index, keys in snapshot.keys.items()
        for name, key in keys.items()
    ]
    return sorted(pairs, key=lambda pair: pair[0])


def _text(name: Any) -> str:
    if isinstance(name, tuple):
        return f"{_text(name[1])} (database {name[0]})"
    return str(name.decode("utf-8", "backslashreplace"))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An HTML table; everything in it is escaped."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
