"""Words as people type them and as a client shows them: quotes, escapes, numbers in C's manner.

The rules are those of redis.conf and of redis-cli's prompt: words are separated by blanks; within double quotes there
are C's escapes and \\xHH; within single quotes only \\'; a closing quote ends the word.
"""

from __future__ import annotations

BLANKS = b" \t\n\r\v\f"
ESCAPES = {ord("n"): b"\n", ord("r"): b"\r", ord("t"): b"\t", ord("b"): b"\b", ord("a"): b"\a"}
HEX_DIGITS = b"0123456789abcdefABCDEF"

PLAIN = bytes(byte for byte in range(32, 127) if byte not in b'\\"')  # shown as they are
NAMED = {10: b"\\n", 13: b"\\r", 9: b"\\t", 7: b"\\a", 8: b"\\b", 34: b'\\"', 92: b"\\\\"}
SHOWN = [NAMED.get(byte) or (bytes((byte,)) if byte in PLAIN else b"\\x%02x" % byte) for byte in range(256)]


def quoted(data: bytes) -> bytes:
    """The bytes within double quotes, with escapes for all that is not printable ASCII."""
    if not data.translate(None, PLAIN):
        return b'"' + data + b'"'
    return b'"' + b"".join([SHOWN[byte] for byte in data]) + b'"'


def split(line: bytes) -> list[bytes] | None:
    """The words of a line; None if a quote is not closed, or followed by something else than a blank."""
    words: list[bytes] = []
    at, end = 0, len(line)
    while True:
        while at < end and line[at] in BLANKS:
            at += 1
        if at >= end:
            return words
        found = _word(line, at)
        if found is None:
            return None
        word, at = found
        words.append(word)


def _word(line: bytes, at: int) -> tuple[bytes, int] | None:
    """The word that begins at `at` and where it ends; a quote may also begin in its middle."""
    word = bytearray()
    end = len(line)
    while at < end and line[at] not in b" \n\r\t\0":
        if line[at] in b"\"'":
            found = (
                _in_double_quotes(line, at + 1) if line[at] == ord('"') else _in_single_quotes(line, at + 1)
            )
            if found is None:
                return None
            text, at = found
            if at < end and line[at] not in BLANKS:
                return None
            return bytes(word + text), at
        word.append(line[at])
        at += 1
    return bytes(word), at


def _in_double_quotes(line: bytes, at: int) -> tuple[bytes, int] | None:
    text = bytearray()
    end = len(line)
    while at < end:
        byte = line[at]
        if byte == ord('"'):
            return bytes(text), at + 1
        if byte == ord("\\") and at + 1 < end:
            digits = line[at + 2 : at + 4]
            if line[at + 1] == ord("x") and len(digits) == 2 and all(digit in HEX_DIGITS for digit in digits):
                text.append(int(digits, 16))
                at += 4
                continue
            at += 1
            text += ESCAPES.get(line[at]) or line[at : at + 1]
        else:
            text.append(byte)
        at += 1
    return None


def _in_single_quotes(line: bytes, at: int) -> tuple[bytes, int] | None:
    text = bytearray()
    end = len(line)
    while at < end:
        byte = line[at]
        if byte == ord("'"):
            return bytes(text), at + 1
        if byte == ord("\\") and line[at + 1 : at + 2] == b"'":
            at += 1
            byte = ord("'")
        text.append(byte)
        at += 1
    return None


def unquoted(text: bytes) -> bytes | None:
    """What a single word stands for; None if it is not exactly one."""
    words = split(text)
    return words[0] if words is not None and len(words) == 1 else None


def leading_integer(text: str | bytes) -> int:
    """The number that a text begins with, 0 if it begins with none: C's atoi, which redis-cli reads options with."""
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    text = text.lstrip(" \t\n\r\v\f")
    sign = -1 if text[:1] == "-" else 1
    digits = text[1:] if text[:1] in ("+", "-") else text
    count = 0
    while count < len(digits) and digits[count] in "0123456789":
        count += 1
    return sign * int(digits[:count] or "0")


def leading_float(text: str) -> float:
    """The decimal number that a text begins with, 0 if it begins with none (C's atof, without its rarer notations)."""
    text = text.strip()
    for end in range(len(text), 0, -1):
        try:
            value = float(text[:end])
        except ValueError:
            continue
        return value if value == value else 0.0  # not NaN
    return 0.0
