"""What the rest of the server may ask of a value whatever its type: one row per type.

A type's codec registers its row; who saves, digests or describes values looks the row up by the entry's type
and asks it, in place of a ladder of types. It lives in core, because codecs import nothing above core.

The functions take a value as the keyspace hands it out: the bytes of a string, or the type's own object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from redracer.core.entry import STRING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from redracer.core.keyspace import Keyspace
    from redracer.core.rdb_codec import RdbCodec


class Elements(NamedTuple):
    """What a value that can be sorted holds.

    `part(start, count, reverse)`: `count` elements from `start` on, in the value's own order, from its end if
    `reverse` (where there is an order); they must be there. O(count), and what it costs to get there.
    """

    length: int
    ordered: bool  # whether the value's own order means something
    part: Callable[[int, int, bool], list[bytes]]


class TypeSpec(NamedTuple):
    """One type of value.

    `type` is the entry's (core/entry.pxd), `number` is Redis's own of the type, which digests hold.
    """

    type: int
    name: bytes
    number: int
    value: Callable[[Keyspace, bytes], Any]  # the value of a key; no hit or miss is counted
    encoding: Callable[[Keyspace, bytes], bytes]  # as OBJECT ENCODING tells it
    digest: Callable[[bytes, Any], bytes]  # (digest so far, value) -> digest
    serialized_length: Callable[[Any], int]  # bytes of the value in an RDB file
    rdb: RdbCodec  # writes and reads values in the RDB format
    # (key, value) -> the commands that make the value at a free key, its expiry not counted. O(bytes).
    commands: Callable[[bytes, Any], Iterator[list[bytes]]]
    items: Callable[[Any], int] = len  # how many elements a value has that is no string. O(1).
    # The value as a MemberCollection (member_collection.py), of a type that other types' commands read. O(1).
    collection: Callable[[Any], Any] | None = None
    # The value's elements, of a type that SORT sorts. O(1).
    elements: Callable[[Any], Elements] | None = None
    # Makes a new value of elements at a key that is free, by the thresholds of a configuration. O(elements).
    make: Callable[[Keyspace, bytes, list[bytes], Mapping[str, Any]], None] | None = None
    # (value, field, now in ms) -> what the field holds, of a type that has fields. O(1).
    field: Callable[[Any, bytes, int], bytes | None] | None = None
    # The earliest expiry of the parts of a value (Unix time, ms; -1: none), of a type whose parts expire. O(1).
    next_expiry: Callable[[Any], int] | None = None


_specs: dict[int, TypeSpec] = {}
_specs_by_rdb_type: dict[int, TypeSpec] = {}


def register(spec: TypeSpec) -> None:
    """Makes a type known; ValueError if it is already."""
    if spec.type in _specs:
        raise ValueError(f"the type {spec.name!r} is registered twice")
    _specs[spec.type] = spec
    for rdb_type in spec.rdb.reads:
        _specs_by_rdb_type[rdb_type] = spec


def type_spec(type: int) -> TypeSpec:
    """The row of an entry's type. KeyError if its codec has not been imported. O(1)."""
    return _specs[type]


def type_spec_of_rdb(rdb_type: int) -> TypeSpec | None:
    """The row of the type whose values are written under that number in RDB files; None if there is none. O(1)."""
    return _specs_by_rdb_type.get(rdb_type)


def store(spec: TypeSpec, keyspace: Keyspace, key: bytes, value: Any, expire_at: int) -> None:
    """Has a key hold a value that was read, whatever it held. `expire_at`: Unix time in ms, or NO_EXPIRY."""
    if spec.type == STRING:
        keyspace.set_string(key, value, expire_at)
    else:
        keyspace.set_object(key, spec.type, value, expire_at)
