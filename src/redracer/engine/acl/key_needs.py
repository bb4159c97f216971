# cython: annotation_typing=False, boundscheck=True, wraparound=True
"""Which permissions a request needs for which of its keys, from the key specs of its command.

Most commands have one run of keys that are all used in one way; for those the answer is a few additions.
"""

from __future__ import annotations

from redracer.engine.key_specs import (
    ACCESS,
    DELETE,
    INCOMPLETE,
    INSERT,
    NOT_KEY,
    UPDATE,
    VARIABLE_FLAGS,
    Index,
    Range,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.engine.registry import Command

# What a key pattern allows.
READ = 1
WRITE = 2
ALL = READ | WRITE

# A key's position in the request, and READ, WRITE, both, or 0 for a use that tells or changes nothing of its value.
KeyNeed = tuple[int, int]

_plans: dict[Command, tuple[int, int, int, int] | None] = {}


def needed_permissions(flags: int) -> int:
    """What a use of a key, told by key flags, asks of a pattern."""
    return (READ if flags & ACCESS else 0) | (WRITE if flags & (INSERT | DELETE | UPDATE) else 0)


def key_needs(command: Command, argv: list[bytes]) -> list[KeyNeed]:
    """The request's keys; none if it is malformed, which the command will say better. O(arguments)."""
    try:
        plan = _plans[command]
    except KeyError:
        plan = _plans[command] = _plan(command)
    if plan is None:
        return [(position, needed_permissions(flags)) for position, flags in command.keys_with_flags(argv)]
    first, last, step, needed = plan
    end = len(argv) + last if last < 0 else last
    if end >= len(argv):
        return []
    if end == first:
        return [(first, needed)]
    return [(position, needed) for position in range(first, end + 1, step)]


def _plan(command: Command) -> tuple[int, int, int, int] | None:
    """(first, last, step, permissions) for a command with one run of keys; None if it takes more to find them."""
    if len(command.key_specs) != 1:
        return None
    (spec,) = command.key_specs
    begin, find = spec.begin, spec.find
    if not isinstance(begin, Index) or not isinstance(find, Range) or find.limit > 1:
        return None
    if spec.flags & (NOT_KEY | INCOMPLETE | VARIABLE_FLAGS):
        return None
    last = begin.position + find.last if find.last >= 0 else find.last
    return begin.position, last, find.step, needed_permissions(spec.flags)
