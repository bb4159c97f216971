"""What the rest of the server may ask of a value whatever its type: one row per type.

A type's codec registers its row; who saves, digests or describes values looks the row up by the entry's type
and asks it, in place of a ladder of types. It lives in core, because codecs import nothing above core.

The functions take a value as the keyspace hands it out: the bytes of a string, or the type's own object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from redracer.core.keyspace import Keyspace


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
    # The value as a MemberCollection (member_collection.py), of a type that other types' commands read. O(1).
    collection: Callable[[Any], Any] | None = None


_specs: dict[int, TypeSpec] = {}


def register(spec: TypeSpec) -> None:
    """Makes a type known; ValueError if it is already."""
    if spec.type in _specs:
        raise ValueError(f"the type {spec.name!r} is registered twice")
    _specs[spec.type] = spec


def type_spec(type: int) -> TypeSpec:
    """The row of an entry's type. KeyError if its codec has not been imported. O(1)."""
    return _specs[type]
