"""Keys as a table, for pandas or polars, whichever is there."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from redracer.embedded.snapshot import READERS

if TYPE_CHECKING:
    from redracer.embedded.store import Store

STEP = 1000  # keys of a SCAN
LIBRARIES = ("pandas", "polars")


def scan(store: Store, pattern: str | bytes, kind: str | None) -> list[dict[str, Any]]:
    """A row for each key that matches: key, type, ttl in seconds or None, and its value; a hash's fields are columns of
    their own. O(keys in the database)."""
    rows: dict[bytes, dict[str, Any]] = {}
    cursor: Any = 0
    options = () if kind is None else ("TYPE", kind)
    while True:
        cursor, names = store.execute("SCAN", cursor, "MATCH", pattern, "COUNT", STEP, *options)
        with store.lock:
            for name in names:
                if name not in rows and (row := _row(store, name)) is not None:
                    rows[name] = row
        if cursor == b"0":
            return list(rows.values())


def _row(store: Store, name: bytes) -> dict[str, Any] | None:
    kind = store.execute("TYPE", name)
    reader = READERS.get(kind)
    if reader is None:  # it is gone
        return None
    value = _readable(store.execute(*(name if word is None else word for word in reader)))
    ttl = store.execute("PTTL", name)
    row: dict[str, Any] = {
        "key": _readable(name), "type": kind.decode(), "ttl": None if ttl < 0 else ttl / 1000
    }  # fmt: skip
    if kind == b"hash":
        return {**row, **{field: text for field, text in value.items() if field not in row}}
    return {**row, "value": value}


def _readable(value: Any) -> Any:
    """Text where it is UTF-8, else bytes."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if isinstance(value, dict):
        return {_readable(key): _readable(item) for key, item in value.items()}
    return value


def frame(rows: list[dict[str, Any]], library: str | None) -> Any:
    """A DataFrame of these rows; columns that a row has not are null. Raises ImportError, ValueError."""
    if library not in (None, *LIBRARIES):
        raise ValueError(f"library is one of {', '.join(LIBRARIES)}, not {library!r}")
    for name in [library] if library else LIBRARIES:
        try:
            module: Any = import_module(str(name))
        except ImportError:
            continue
        columns = dict.fromkeys(column for row in rows for column in row) or ["key", "type", "ttl"]
        if name == "pandas":
            return module.DataFrame(rows, columns=list(columns))
        return module.DataFrame(
            {
                column: module.Series(column, [row.get(column) for row in rows], strict=False)
                for column in columns
            }
        )
    raise ImportError(f"this needs {library or 'pandas or polars'}: pip install {library or 'pandas'}")
