"""HyperLogLog: PFADD, PFCOUNT, PFMERGE, and what debugs them. A sketch is a string: core/hyperloglog.pyx."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from redracer.core import errors, hyperloglog
from redracer.core.entry import KEEP_EXPIRY
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Reply, Status
from redracer.engine.flags import ADMIN, DENYOOM, FAST, HYPERLOGLOG, MAY_REPLICATE, READONLY, SYSCMD, WRITE
from redracer.engine.grammar import key, string
from redracer.engine.key_specs import ACCESS, INSERT, RO, RW, Key, Keys
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.engine.context import Context

SPARSE_LIMIT = "hll-sparse-max-bytes"
SELF_TEST_ELEMENTS = 10_000_000
Answer = TypeVar("Answer")

NO_EVENT = ""  # a change that keyspace notifications do not tell


def checked(value: bytes | None) -> bytes | None:
    """A key's string, or None without the key; CommandError if it is no sketch."""
    if value is not None and not hyperloglog.is_sketch(value):
        raise CommandError(errors.NO_SKETCH)
    return value


def computed(function: Callable[..., Answer], *args: object) -> Answer:
    """What a function of sketches answers; CommandError if one of them is corrupted."""
    try:
        return function(*args)
    except hyperloglog.CorruptedSketch:
        raise CommandError(errors.CORRUPTED_SKETCH) from None


def sketches(ctx: Context, names: Iterable[bytes]) -> list[bytes]:
    """The sketches of the keys that there are."""
    values = [checked(ctx.db.get_string(name)) for name in names]
    return [value for value in values if value is not None]


def store(ctx: Context, name: bytes, value: bytes) -> None:
    """Replaces a key's sketch, keeping its expiry."""
    ctx.db.set_raw_string(name, value, KEEP_EXPIRY)


@command(
    "PFADD",
    arity=-2,
    flags=WRITE | DENYOOM | FAST,
    keys=Key(1, RW | INSERT),
    group=HYPERLOGLOG,
    since="2.8.9",
    complexity="O(1) to add every element.",
    args=[key(), string("element", optional=True, multiple=True)],
)
def pfadd(ctx: Context, args: list[bytes]) -> Reply:
    """Adds elements to a HyperLogLog key. Creates the key if it doesn't exist."""
    before = checked(ctx.db.peek_string(args[1]))
    value = hyperloglog.EMPTY if before is None else before
    after, changes = computed(hyperloglog.add, value, args[2:], ctx.config[SPARSE_LIMIT])
    changes += before is None
    if changes:
        store(ctx, args[1], after)
        ctx.changed(args[1], "pfadd", changes)
    return int(changes > 0)


@command(
    "PFCOUNT",
    arity=-2,
    flags=READONLY | MAY_REPLICATE,
    keys=Keys(
        1,
        RW | ACCESS,
        notes="RW because it may change the internal representation of the key, and propagate to replicas",
    ),
    group=HYPERLOGLOG,
    since="2.8.9",
    complexity="O(1) with a very small average constant time when called with a single key. O(N) with N "
    "being the number of keys, and much bigger constant times, when called with multiple keys.",
    args=[key(multiple=True)],
)
def pfcount(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the approximated cardinality of the set(s) observed by the HyperLogLog key(s)."""
    values = sketches(ctx, args[1:])
    if not values:
        return 0
    if len(args) > 2:
        return computed(hyperloglog.count, values)
    cardinality = hyperloglog.cached_count(values[0])
    if cardinality is None:
        cardinality = computed(hyperloglog.count, values)
        store(ctx, args[1], hyperloglog.with_cached_count(values[0], cardinality))
        ctx.changed(args[1], NO_EVENT)
    return cardinality


@command(
    "PFMERGE",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=[Key(1, RW | ACCESS | INSERT), Keys(2, RO | ACCESS)],
    group=HYPERLOGLOG,
    since="2.8.9",
    complexity="O(N) to merge N HyperLogLogs, but with high constant times.",
    args=[key("destkey"), key("sourcekey", 1, optional=True, multiple=True)],
)
def pfmerge(ctx: Context, args: list[bytes]) -> Reply:
    """Merges one or more HyperLogLog values into a single key."""
    before = checked(ctx.db.peek_string(args[1]))
    target = hyperloglog.EMPTY if before is None else before
    sources = sketches(ctx, args[2:])
    store(ctx, args[1], computed(hyperloglog.merge, target, sources, ctx.config[SPARSE_LIMIT]))
    ctx.changed(args[1], "pfadd")
    return OK


@command(
    "PFDEBUG",
    arity=3,
    flags=WRITE | DENYOOM | ADMIN,
    keys=Key(2, RW | ACCESS),
    group=HYPERLOGLOG,
    since="2.8.9",
    complexity="N/A",
    args=[string("subcommand"), key()],
    doc_flags=SYSCMD,
)
def pfdebug(ctx: Context, args: list[bytes]) -> Reply:
    """Internal commands for debugging HyperLogLog values."""
    value = checked(ctx.db.peek_string(args[2]))
    if value is None:
        raise CommandError(errors.NO_SPECIFIED_KEY)
    subcommand = args[1].lower()
    if subcommand == b"getreg":
        make_dense(ctx, args[2], value)
        return computed(hyperloglog.registers, value)
    if subcommand == b"decode":
        if hyperloglog.is_dense(value):
            raise CommandError(errors.SKETCH_NOT_SPARSE)
        return computed(hyperloglog.describe, value)
    if subcommand == b"encoding":
        return Status(b"dense" if hyperloglog.is_dense(value) else b"sparse")
    if subcommand == b"todense":
        return int(make_dense(ctx, args[2], value))
    raise CommandError(errors.unknown_pfdebug(args[1]))


def make_dense(ctx: Context, name: bytes, value: bytes) -> bool:
    """Changes a key's sketch to the dense encoding; whether it was sparse."""
    if hyperloglog.is_dense(value):
        return False
    store(ctx, name, computed(hyperloglog.to_dense, value))
    ctx.changed(name, NO_EVENT)
    return True


@command(
    "PFSELFTEST",
    arity=1,
    flags=ADMIN,
    group=HYPERLOGLOG,
    since="2.8.9",
    complexity="N/A",
    doc_flags=SYSCMD,
)
def pfselftest(ctx: Context, args: list[bytes]) -> Reply:
    """An internal command for testing HyperLogLog values."""
    seed = int.from_bytes(os.urandom(8), "little")
    failure = hyperloglog.self_test(seed, ctx.config[SPARSE_LIMIT], SELF_TEST_ELEMENTS)
    if failure is not None:
        raise CommandError(failure)
    return OK
