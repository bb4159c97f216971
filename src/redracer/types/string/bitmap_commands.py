"""The commands that take a string for an array of bits: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP, BITFIELD.

Arguments are read and checked here; bitmap.pyx does the work on the string in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redracer.core import bits, errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import Reply
from redracer.engine.arguments import integer
from redracer.engine.flags import BITMAP, DENYOOM, FAST, READONLY, WRITE
from redracer.engine.grammar import Arg, block, key, one_of, string, token
from redracer.engine.grammar import integer as integer_argument
from redracer.engine.key_specs import ACCESS, OW, RO, RW, UPDATE, VARIABLE_FLAGS, Key, KeyReference, Keys
from redracer.engine.registry import command
from redracer.types.string import bitmap

if TYPE_CHECKING:
    from redracer.engine.context import Context

WHOLE = 2**63 - 1  # an end of range that no string reaches

UNITS = {b"byte": False, b"bit": True}
OPERATIONS = {
    b"and": bits.AND,
    b"or": bits.OR,
    b"xor": bits.XOR,
    b"not": bits.NOT,
    b"diff": bits.DIFF,
    b"diff1": bits.DIFF1,
    b"andor": bits.ANDOR,
    b"one": bits.ONE,
}
# Those that treat their first source and the others differently.
NEED_TWO_SOURCES = (bits.DIFF, bits.DIFF1, bits.ANDOR)
OVERFLOWS = {b"wrap": bits.WRAP, b"sat": bits.SATURATE, b"fail": bits.FAIL}
# BITFIELD's operations, and how many arguments each takes.
FIELD_OPERATIONS = {b"get": (bitmap.GET, 2), b"set": (bitmap.SET, 3), b"incrby": (bitmap.INCREMENT, 3)}

UNIT = one_of("unit", token("BYTE"), token("BIT"), optional=True, since="7.0.0")
UNIT_HISTORY = [("7.0.0", "Added the `BYTE|BIT` option.")]


def bit_offset(ctx: Context, text: bytes, unit: int = 1) -> int:
    """An offset in bits, given in multiples of `unit`; CommandError for one that no string could hold."""
    offset = parse_integer(text)
    if offset is None or offset < 0 or offset * unit >> 3 >= ctx.config["proto-max-bulk-len"]:
        raise CommandError(errors.BIT_OFFSET)
    return offset * unit


def unit_is_bit(word: bytes) -> bool:
    """Whether a range is counted in bits, not in bytes; CommandError for another word."""
    unit = UNITS.get(word.lower())
    if unit is None:
        raise CommandError(errors.SYNTAX)
    return unit


@command(
    "SETBIT",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=Key(1, RW | ACCESS | UPDATE),
    group=BITMAP,
    since="2.2.0",
    complexity="O(1)",
    args=[key(), integer_argument("offset"), integer_argument("value")],
)
def setbit(ctx: Context, args: list[bytes]) -> Reply:
    """Sets or clears the bit at offset of the string value. Creates the key if it doesn't exist."""
    offset = bit_offset(ctx, args[2])
    if args[3] not in (b"0", b"1"):
        raise CommandError(errors.BIT_VALUE)
    answer = bitmap.set_bit(ctx.db, args[1], offset, args[3] == b"1")
    if answer & bitmap.CHANGED:
        ctx.changed(args[1], "setbit")
    return answer & 1


@command(
    "GETBIT",
    arity=3,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=BITMAP,
    since="2.2.0",
    complexity="O(1)",
    args=[key(), integer_argument("offset")],
)
def getbit(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a bit value by offset."""
    return bitmap.get_bit(ctx.db, args[1], bit_offset(ctx, args[2]))


@command(
    "BITCOUNT",
    arity=-2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=BITMAP,
    since="2.6.0",
    complexity="O(N)",
    args=[key(), block("range", integer_argument("start"), integer_argument("end"), UNIT, optional=True)],
    history=UNIT_HISTORY,
)
def bitcount(ctx: Context, args: list[bytes]) -> Reply:
    """Counts the number of set bits (population counting) in a string."""
    if len(args) == 2:
        return bitmap.count_bits(ctx.db, args[1], 0, WHOLE, False)
    if len(args) not in (4, 5):
        raise CommandError(errors.SYNTAX)
    start, end = integer(args[2]), integer(args[3])
    in_bits = unit_is_bit(args[4]) if len(args) == 5 else False
    return bitmap.count_bits(ctx.db, args[1], start, end, in_bits)


@command(
    "BITPOS",
    arity=-3,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=BITMAP,
    since="2.8.7",
    complexity="O(N)",
    args=[
        key(),
        integer_argument("bit"),
        block(
            "range",
            integer_argument("start"),
            block("end-unit-block", integer_argument("end"), UNIT, optional=True),
            optional=True,
        ),
    ],
    history=UNIT_HISTORY,
)
def bitpos(ctx: Context, args: list[bytes]) -> Reply:
    """Finds the first set (1) or clear (0) bit in a string."""
    bit = integer(args[2])
    if bit not in (0, 1):
        raise CommandError(errors.BIT_ARGUMENT)
    if len(args) > 6:
        raise CommandError(errors.SYNTAX)
    start = integer(args[3]) if len(args) > 3 else 0
    in_bits = unit_is_bit(args[5]) if len(args) == 6 else False
    end_given = len(args) > 4
    end = integer(args[4]) if end_given else WHOLE
    return bitmap.find_bit(ctx.db, args[1], bool(bit), start, end, in_bits, end_given)


@command(
    "BITOP",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=[Key(2, OW | UPDATE), Keys(3, RO | ACCESS)],
    group=BITMAP,
    since="2.6.0",
    complexity="O(N)",
    args=[
        one_of("operation", *(token(name.decode().upper()) for name in OPERATIONS)),
        key("destkey"),
        key("key", 1, multiple=True),
    ],
    history=[("8.2.0", "Added the `DIFF`, `DIFF1`, `ANDOR` and `ONE` operations.")],
)
def bitop(ctx: Context, args: list[bytes]) -> Reply:
    """Performs bitwise operations on multiple strings, and stores the result."""
    operation = OPERATIONS.get(args[1].lower())
    if operation is None:
        raise CommandError(errors.SYNTAX)
    if operation == bits.NOT and len(args) != 4:
        raise CommandError(errors.BITOP_NOT_SOURCES)
    if operation in NEED_TWO_SOURCES and len(args) < 5:
        raise CommandError(errors.bitop_sources(args[1]))
    target = args[2]
    result = bits.bitop(operation, [ctx.db.get_string(source) or b"" for source in args[3:]])
    if result:
        ctx.db.set_raw_string(target, result)
        ctx.changed(target, "set")
    elif ctx.db.delete(target):
        ctx.changed(target, "del")
    return len(result)


class FieldOperation(NamedTuple):
    """One operation of a BITFIELD: what bitmap.run_fields takes."""

    kind: int
    overflow: int
    signed: bool
    width: int
    offset: int
    number: int


def field_type(text: bytes) -> tuple[bool, int]:
    """A field's type as (signed, width in bits): i1 to i64, u1 to u63."""
    signed = text[:1] == b"i"
    width = parse_integer(text[1:])
    if text[:1] not in (b"i", b"u") or width is None or not 1 <= width <= 63 + signed:
        raise CommandError(errors.BITFIELD_TYPE)
    return signed, width


def field_offset(ctx: Context, text: bytes, width: int) -> int:
    """A field's offset in bits; `#3` is that of the fourth field of this width."""
    return bit_offset(ctx, text[1:], width) if text[:1] == b"#" else bit_offset(ctx, text)


def field_operations(ctx: Context, args: list[bytes]) -> list[FieldOperation]:
    """The operations among a BITFIELD's arguments; CommandError for the first that is wrong."""
    operations = []
    overflow = bits.WRAP
    position = 2
    while position < len(args):
        word = args[position].lower()
        left = len(args) - position - 1
        if word == b"overflow" and left:
            if args[position + 1].lower() not in OVERFLOWS:
                raise CommandError(errors.BITFIELD_OVERFLOW)
            overflow = OVERFLOWS[args[position + 1].lower()]
            position += 2
            continue
        kind, taken = FIELD_OPERATIONS.get(word, (0, len(args)))
        if left < taken:
            raise CommandError(errors.SYNTAX)
        signed, width = field_type(args[position + 1])
        offset = field_offset(ctx, args[position + 2], width)
        number = integer(args[position + 3]) if kind != bitmap.GET else 0
        operations.append(FieldOperation(kind, overflow, signed, width, offset, number))
        position += 1 + taken
    return operations


def field_keys(args: list[bytes]) -> list[KeyReference]:
    """BITFIELD's key: one that is only read where every operation is a well-formed GET."""
    position = 2
    while position < len(args):
        word, left = args[position].lower(), len(args) - position - 1
        if word == b"get" and left >= 2:
            position += 3
        elif word == b"overflow" and left:
            position += 2
        else:
            return [(1, RW | ACCESS | UPDATE)]
    return [(1, RO | ACCESS)]


ENCODING = string("encoding")
OFFSET = integer_argument("offset")


def field_operation(name: str, word: str, *more: Arg) -> Arg:
    """The grammar of one of BITFIELD's operations."""
    return block(name, ENCODING, OFFSET, *more, token=word)


FIELD_ARGUMENTS = [
    key(),
    one_of(
        "operation",
        field_operation("get-block", "GET"),
        block(
            "write",
            one_of(
                "overflow-block",
                token("WRAP"),
                token("SAT"),
                token("FAIL"),
                token="OVERFLOW",
                optional=True,
            ),
            one_of(
                "write-operation",
                field_operation("set-block", "SET", integer_argument("value")),
                field_operation("incrby-block", "INCRBY", integer_argument("increment")),
            ),
        ),
        optional=True,
        multiple=True,
    ),
]


@command(
    "BITFIELD",
    arity=-2,
    flags=WRITE | DENYOOM,
    keys=Key(
        1,
        RW | ACCESS | UPDATE | VARIABLE_FLAGS,
        "This command allows both access and modification of the key",
    ),
    find_keys=field_keys,
    group=BITMAP,
    since="3.2.0",
    complexity="O(1) for each subcommand specified",
    args=FIELD_ARGUMENTS,
)
def bitfield(ctx: Context, args: list[bytes]) -> Reply:
    """Performs arbitrary bitfield integer operations on strings."""
    operations = field_operations(ctx, args)
    written = [one.offset + one.width for one in operations if one.kind != bitmap.GET]
    length = (max(written) + 7) // 8 if written else 0
    replies, changes = bitmap.run_fields(ctx.db, args[1], operations, length)
    if changes:
        ctx.changed(args[1], "setbit", changes)
    return replies


@command(
    "BITFIELD_RO",
    arity=-2,
    flags=READONLY | FAST,
    keys=Key(1, RO | ACCESS),
    group=BITMAP,
    since="6.0.0",
    complexity="O(1) for each subcommand specified",
    args=[
        key(),
        block("get-block", ENCODING, OFFSET, token="GET", optional=True, multiple=True, multiple_token=True),
    ],
)
def bitfield_ro(ctx: Context, args: list[bytes]) -> Reply:
    """Performs arbitrary read-only bitfield integer operations on strings."""
    operations = field_operations(ctx, args)
    if any(one.kind != bitmap.GET for one in operations):
        raise CommandError(errors.BITFIELD_READ_ONLY)
    return bitmap.run_fields(ctx.db, args[1], operations, 0)[0]
