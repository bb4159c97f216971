"""The interface of types/set/value.pyx."""

from redracer.core.clock import Clock
from redracer.core.intset import Intset
from redracer.core.keyspace import Keyspace
from redracer.core.listpack import Listpack
from redracer.core.member_table import MemberTable

SetValue = Intset | Listpack | MemberTable

class MembersOf:
    """A set of any encoding as a MemberCollection (core/member_collection.py)."""

    def __init__(self, value: SetValue) -> None: ...
    def __len__(self) -> int: ...
    def members(self) -> list[bytes]: ...
    def contains(self, member: bytes) -> bool: ...

class SetLimits:
    """One server's thresholds: up to so many `integers` are an intset; up to `entries` members, none longer than
    `value` bytes, a listpack.

    The server is known by its clock.
    """

    clock: Clock
    integers: int
    entries: int
    value: int

    def __init__(self, clock: Clock, integers: int, entries: int, value: int) -> None: ...

def current_limits(database: Keyspace) -> SetLimits | None:
    """The limits last given to `use_limits`, if they are those of the database's server. O(1)."""

def use_limits(limits: SetLimits) -> None: ...
def encoding_of(value: SetValue) -> bytes:
    """The encoding's name, as OBJECT ENCODING tells it."""

def count_members(value: SetValue) -> int: ...
def has_member(value: SetValue, member: bytes) -> bool: ...
def members_of(value: SetValue) -> list[bytes]: ...
def random_member(value: SetValue) -> bytes:
    """A member drawn with equal chances. The set must not be empty."""

def draw_members(value: SetValue, count: int, distinct: bool) -> list[bytes]:
    """`count` random members (`distinct`: at most as many as there are, none twice)."""

def scan_members(value: SetValue, cursor: int, count: int, pattern: bytes | None) -> tuple[int, list[bytes]]:
    """One step of SSCAN: (next cursor, members). A packed set is told in one step."""

def add_members(database: Keyspace, key: bytes, args: list[bytes], start: int, limits: SetLimits) -> int:
    """Adds the members in `args` from `start` on to the set at `key`, which is created if need be.

    Returns how many are new. Raises CommandError(WRONG_TYPE), MemoryError.
    """

def remove_member(value: SetValue, member: bytes) -> bool:
    """Returns whether it was there. The caller deletes a set that becomes empty."""

def pop_member(value: SetValue) -> bytes:
    """Removes a random member, and returns it. The set must not be empty."""

def pop_members(value: SetValue, count: int, limits: SetLimits) -> tuple[SetValue, list[bytes]]:
    """Removes `count` random members, fewer than there are: (the set as it is then, the members).

    The set is another object where few of many members stay.
    """
