"""Filling a store from Python values or from an RDB file.

A str, bytes, int or float becomes a string, a list or tuple a list, a set a set, a dict a hash; SortedSet and Stream
say what Python has no type for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from redracer.embedded.calls import StoreError
from redracer.embedded.values import encode
from redracer.persistence import rdb_load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from redracer.embedded.store import Store
    from redracer.engine.engine import Engine


class SortedSet(dict[Any, float]):
    """A sorted set for `load`: scores by member."""


class Stream(list["Mapping[Any, Any]"]):
    """A stream for `load`: the fields of each entry; their IDs are those that XADD gives."""


COLLECTIONS = (dict, list, tuple, set, frozenset)


def commands(data: Mapping[Any, Any]) -> Iterator[list[Any]]:
    """The commands that make the keys of `data`. Raises TypeError for a value that is of no type of Redis,
    ValueError for an empty collection."""
    for key, value in data.items():
        if isinstance(value, COLLECTIONS) and not value:
            raise ValueError(f"{key!r}: there is no empty {type(value).__name__} in a store")
        if isinstance(value, SortedSet):
            yield ["ZADD", key, *(word for member, score in value.items() for word in (score, member))]
        elif isinstance(value, Stream):
            for entry in value:
                yield ["XADD", key, "*", *flat(entry)]
        elif isinstance(value, dict):
            yield ["HSET", key, *flat(value)]
        elif isinstance(value, (list, tuple)):
            yield ["RPUSH", key, *value]
        elif isinstance(value, (set, frozenset)):
            yield ["SADD", key, *value]
        else:
            yield ["SET", key, encode(value)]


def flat(fields: Mapping[Any, Any]) -> list[Any]:
    """Fields and values, one after another."""
    return [word for pair in fields.items() for word in pair]


def load_mapping(store: Store, data: Mapping[Any, Any]) -> None:
    """Sets the keys of `data`. Raises TypeError and ValueError before anything is changed, StoreError for what
    a command refuses."""
    for value in store.execute_many(list(commands(data))):
        if isinstance(value, StoreError):
            raise value


def load_file(engine: Engine, path: str | os.PathLike[str]) -> int:
    """Loads the keys of an RDB file, each in the place of one of that name; the number of keys. Raises OSError,
    RdbError with the keys before the damage loaded."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = rdb_load.target_of(engine, replace=True)
        return rdb_load.finish(rdb_load.load(rdb_load.open_stream(target, descriptor), target)).keys
    finally:
        os.close(descriptor)
