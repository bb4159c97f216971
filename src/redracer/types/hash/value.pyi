"""The interface of types/hash/value.pyx. Times are Unix time in ms.

A field whose expiry is at or before `now` counts as missing for the functions that take `now`.
"""

from redracer.core.clock import Clock
from redracer.core.keyspace import Keyspace
from redracer.core.listpack import Listpack
from redracer.core.member_table import FieldTable

class ExpiringListpack(Listpack):
    """Triples of field, value and expiry (0: none), by expiry, those without one last."""

HashValue = Listpack | FieldTable

class HashLimits:
    """One server's thresholds: up to `entries` fields are packed, none and no value over `value` bytes.

    The server is known by its clock.
    """

    clock: Clock
    entries: int
    value: int

    def __init__(self, clock: Clock, entries: int, value: int) -> None: ...

def current_limits(database: Keyspace) -> HashLimits | None:
    """The limits last given to `use_limits`, if they are those of the database's server. O(1)."""

def use_limits(limits: HashLimits) -> None: ...
def encoding_of(value: HashValue) -> bytes:
    """The encoding's name, as OBJECT ENCODING tells it."""

def get_field(value: HashValue, field: bytes, now: int) -> bytes | None: ...
def has_field(value: HashValue, field: bytes, now: int) -> bool: ...
def field_length(value: HashValue, field: bytes, now: int) -> int:
    """The length of the field's value, 0 without the field."""

def count_fields(value: HashValue) -> int:
    """The number of fields, the expired ones that are still there included."""

def fields_of(value: HashValue, now: int) -> list[bytes]: ...
def values_of(value: HashValue, now: int) -> list[bytes]: ...
def items_of(value: HashValue, now: int) -> list[bytes]:
    """Fields and values in turn."""

def draw_fields(value: HashValue, count: int, with_values: bool, distinct: bool) -> list[bytes]:
    """`count` random fields (`distinct`: at most as many as there are, none twice), each with its value if asked
    for. Fields that have expired and are still there may be among them.
    """

def scan_fields(
    value: HashValue, cursor: int, count: int, pattern: bytes | None, with_values: bool, now: int
) -> tuple[int, list[bytes]]:
    """One step of HSCAN: (next cursor, flat list). A packed hash is told in one step."""

def set_fields(
    database: Keyspace,
    key: bytes,
    args: list[bytes],
    start: int,
    limits: HashLimits,
    keep_expiry: bool = False,
) -> int:
    """Sets the fields in `args` from `start` on, each followed by its value, of the hash at `key`, which is
    created if need be. Their expiries go unless `keep_expiry`. Returns how many are new.

    Raises CommandError(WRONG_TYPE), MemoryError. O(pairs) with a table, O(pairs * fields) while packed.
    """

def remove_field(value: HashValue, field: bytes) -> bool:
    """Returns whether the field was there. The caller deletes a hash that becomes empty."""

def next_expiry(value: HashValue) -> int:
    """The earliest expiry of all fields, or -1."""

def expiry_of(value: HashValue, field: bytes) -> int:
    """-1: the field has none; -2: there is no such field."""

def with_expiries(value: HashValue) -> HashValue:
    """The hash in an encoding whose fields can have expiries: itself, or a new value with its content."""

def set_expiry(value: HashValue, field: bytes, expire_at: int) -> bool:
    """Returns whether the field exists. Only for what `with_expiries` returned."""

def persist(value: HashValue, field: bytes) -> bool:
    """Takes the field's expiry away. Returns whether it had one."""

def take_expired(value: HashValue, now: int, limit: int) -> list[bytes]:
    """Removes up to `limit` expired fields, the earliest first, and returns them. O(limit log expiring)."""
