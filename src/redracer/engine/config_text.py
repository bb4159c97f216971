"""The text layer of redis.conf: splitting a line into words, quoting a word, reading numbers.

The rules are those of Redis's sdssplitargs and sdscatrepr, and of C's strtoll where Redis uses it.
CONFIG REWRITE and the command line depend on one being the inverse of the other.
"""

from __future__ import annotations

SPACE = b" \t\n\r\v\f"
# What ends an unquoted word; \v and \f do not, although they are skipped between words.
WORD_END = b" \t\n\r\0"
ESCAPES = {ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("b"): 8, ord("a"): 7}
REPRESENTED = {10: b"\\n", 13: b"\\r", 9: b"\\t", 7: b"\\a", 8: b"\\b", 34: b'\\"', 92: b"\\\\"}
HEX_DIGITS = b"0123456789abcdefABCDEF"
DOUBLE_QUOTE, SINGLE_QUOTE, BACKSLASH = 34, 39, 92
UNITS = {
    b"": 1,
    b"b": 1,
    b"k": 1000,
    b"kb": 1 << 10,
    b"m": 1000**2,
    b"mb": 1 << 20,
    b"g": 1000**3,
    b"gb": 1 << 30,
}


def split_arguments(line: bytes) -> list[bytes] | None:
    """The words of a line, unquoted; None if a quote is not closed or not followed by a space.

    "double quotes" know \\n \\r \\t \\b \\a \\xHH and \\ before any other byte; 'single quotes' only \\'.
    O(len(line)).
    """
    words: list[bytes] = []
    position, end = 0, len(line)
    while True:
        while position < end and line[position] in SPACE:
            position += 1
        if position >= end or line[position] == 0:
            return words
        word = bytearray()
        while position < end and line[position] not in WORD_END:
            byte = line[position]
            position += 1
            if byte in (DOUBLE_QUOTE, SINGLE_QUOTE):
                closed = _quoted_part(line, position, byte, word)
                if closed < 0:
                    return None
                position = closed
                break
            word.append(byte)
        words.append(bytes(word))


def _quoted_part(line: bytes, position: int, quote: int, word: bytearray) -> int:
    """Append the text up to the closing quote to `word`; the position after it, or -1."""
    end = len(line)
    while position < end:
        byte = line[position]
        if byte == quote:
            position += 1
            return position if position == end or line[position] in SPACE or line[position] == 0 else -1
        if byte == BACKSLASH and position + 1 < end:
            following = line[position + 1]
            if quote == DOUBLE_QUOTE:
                digits = line[position + 2 : position + 4]
                if following == ord("x") and len(digits) == 2 and all(d in HEX_DIGITS for d in digits):
                    word.append(int(digits, 16))
                    position += 4
                else:
                    word.append(ESCAPES.get(following, following))
                    position += 2
                continue
            if following == SINGLE_QUOTE:
                word.append(SINGLE_QUOTE)
                position += 2
                continue
        word.append(byte)
        position += 1
    return -1


def quoted(value: bytes) -> bytes:
    """A word in double quotes, which split_arguments reads back as the same bytes."""
    parts = [
        REPRESENTED.get(byte) or (bytes((byte,)) if 32 <= byte < 127 else b"\\x%02x" % byte) for byte in value
    ]
    return b'"' + b"".join(parts) + b'"'


def canonical_integer(word: bytes) -> int | None:
    """A 64-bit integer in its only spelling (no sign +, no leading zeros, no spaces), or None."""
    if not 0 < len(word) <= 20:
        return None
    try:
        value = int(word)
    except ValueError:
        return None
    return value if b"%d" % value == word and -(2**63) <= value < 2**63 else None


def loose_integer(word: bytes, base: int = 10) -> int | None:
    """An integer as C's strtoll reads it: leading spaces, a sign, nothing at all for 0; None for the rest."""
    digits = word.lstrip(SPACE)
    if not digits:
        return 0 if not word else None
    sign = -1 if digits[:1] == b"-" else 1
    if digits[:1] in (b"-", b"+"):
        digits = digits[1:]
    allowed = b"0123456789"[:base]
    if not digits or not all(digit in allowed for digit in digits):
        return None
    return max(min(sign * int(digits, base), 2**63 - 1), -(2**63))


def memory_size(word: bytes) -> int | None:
    """A size in bytes: digits and an optional unit, in any case; None for anything else."""
    digits = word.rstrip(b"bBkKmMgG")
    factor = UNITS.get(word[len(digits) :].lower())
    if factor is None or len(digits) >= 128 or (digits and not digits.isdigit()):
        return None
    return int(digits or b"0") * factor


def decimal(value: float) -> bytes:
    """A number with up to six decimals and no trailing zeros: 99.9, 50."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".").encode()
