"""Replies as redis-cli shows them: for people, raw, as CSV and as JSON."""

from __future__ import annotations

from redracer.cli.client.protocol import (
    ARRAY,
    BIG_NUMBER,
    BOOLEAN,
    DOUBLE,
    ERROR,
    INTEGER,
    LISTS,
    MAP,
    NIL,
    PUSH,
    SET,
    STATUS,
    STRING,
    VERBATIM,
)
from redracer.cli.client.words import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.protocol import Reply

STANDARD, RAW, CSV, JSON, QUOTED_JSON = "standard", "raw", "csv", "json", "quoted-json"

EMPTY = {
    ARRAY: b"(empty array)\n",
    MAP: b"(empty hash)\n",
    SET: b"(empty set)\n",
    PUSH: b"(empty push)\n",
}
NUMBERED = {ARRAY: b")", PUSH: b")", MAP: b"#", SET: b"~"}  # what follows an element's number

JSON_NAMED = {10: b"\\n", 12: b"\\f", 13: b"\\r", 9: b"\\t", 8: b"\\b", 34: b'\\"', 92: b"\\\\"}
JSON_SHOWN = [
    JSON_NAMED.get(byte) or (b"\\u%04x" % byte if byte < 32 else bytes((byte,))) for byte in range(256)
]
JSON_PLAIN = bytes(byte for byte in range(32, 256) if byte not in JSON_NAMED)


def text_of(reply: Reply, output: str, between: bytes = b"\n", after: bytes = b"\n") -> bytes:
    """The reply in the format `output`; `between` elements and `after` the whole in raw format."""
    if output == STANDARD:
        return formatted(reply)
    if output == RAW:
        return raw(reply, between) + after
    if output == CSV:
        return csv(reply) + b"\n"
    return json(reply, output == QUOTED_JSON) + b"\n"


def formatted(reply: Reply, prefix: bytes = b"") -> bytes:
    """The reply for people: numbered elements, quoted strings, types in brackets; `prefix` indents further lines."""
    kind, value = reply.kind, reply.value
    if kind == STRING:
        return quoted(value) + b"\n"
    if kind == INTEGER:
        return b"(integer) %s\n" % value
    if kind in (STATUS, VERBATIM):
        return bytes(value) + b"\n"
    if kind == ERROR:
        return b"(error) %s\n" % value
    if kind == NIL:
        return b"(nil)\n"
    if kind == DOUBLE:
        return b"(double) %s\n" % value
    if kind == BOOLEAN:
        return b"(true)\n" if _is_true(value) else b"(false)\n"
    if kind == BIG_NUMBER:
        return b"(big number) %s\n" % value
    if not value:
        return EMPTY[kind]
    return _formatted_elements(kind, value, prefix)


def _formatted_elements(kind: str, elements: list[Reply], prefix: bytes) -> bytes:
    step = 2 if kind == MAP else 1
    width = len(str(len(elements) // step))
    inner = prefix + b" " * (width + 2)
    mark = NUMBERED[kind]
    parts = []
    for at in range(0, len(elements), step):
        # The first line has its indentation from whoever shows the reply that this one is an element of.
        parts.append(b"%s%*d%s " % (prefix if at else b"", width, at // step + 1, mark))
        shown = formatted(elements[at], inner)
        if kind == MAP:
            value = elements[at + 1]
            parts.append(shown[:-1] + b" => ")
            if _takes_lines(value):
                parts.append(b"\n" + inner)
            shown = formatted(value, inner)
        parts.append(shown)
    return b"".join(parts)


def _takes_lines(reply: Reply) -> bool:
    """Whether a reply, formatted, has more than one line."""
    if (reply.kind not in LISTS and reply.kind != MAP) or not reply.value:
        return False
    single = 2 if reply.kind == MAP else 1
    return len(reply.value) > single or _takes_lines(reply.value[single - 1])


def raw(reply: Reply, between: bytes = b"\n") -> bytes:
    """The bare values, `between` them that separator."""
    kind, value = reply.kind, reply.value
    if kind in LISTS:
        return between.join([raw(element, between) for element in value])
    if kind == MAP:
        shown = [raw(element, between) for element in value]
        return between.join([key + b" " + item for key, item in zip(shown[::2], shown[1::2], strict=True)])
    if kind == NIL:
        return b""
    if kind == ERROR:
        return bytes(value) + b"\n"
    if kind == BOOLEAN:
        return b"(true)" if _is_true(value) else b"(false)"
    return bytes(value)


def csv(reply: Reply) -> bytes:
    """Values separated by commas, texts quoted; nested replies are not told apart."""
    kind, value = reply.kind, reply.value
    if kind in LISTS or kind == MAP:
        return b",".join([csv(element) for element in value])
    if kind in (STRING, STATUS, VERBATIM):
        return quoted(value)
    if kind == NIL:
        return b"NULL"
    if kind == ERROR:
        return b"ERROR," + quoted(value)
    if kind == BOOLEAN:
        return b"true" if _is_true(value) else b"false"
    return bytes(value)


def json(reply: Reply, ascii_only: bool) -> bytes:
    """JSON, with bytes above ASCII as they are, or with `ascii_only` as the escapes of a quoted string."""
    kind, value = reply.kind, reply.value
    if kind in LISTS:
        return b"[" + b",".join([json(element, ascii_only) for element in value]) + b"]"
    if kind == MAP:
        members = []
        for at in range(0, len(value), 2):
            key = json(value[at], ascii_only)
            if value[at].kind not in (STRING, STATUS, VERBATIM, ERROR) and key[:1] != b'"':
                key = b'"' + key + b'"'  # a member's name is a string
            members.append(key + b":" + json(value[at + 1], ascii_only))
        return b"{" + b",".join(members) + b"}"
    if kind in (STRING, STATUS, VERBATIM):
        return _json_string(value, ascii_only)
    if kind == NIL:
        return b"null"
    if kind == ERROR:
        return b"error:" + _json_string(value, ascii_only)
    if kind == BOOLEAN:
        return b"true" if _is_true(value) else b"false"
    return bytes(value)


def _json_string(data: bytes, ascii_only: bool) -> bytes:
    if ascii_only:
        return quoted(data).replace(b"\\", b"\\\\")
    if not data.translate(None, JSON_PLAIN):
        return b'"' + data + b'"'
    return b'"' + b"".join([JSON_SHOWN[byte] for byte in data]) + b'"'


def _is_true(value: bytes) -> bool:
    return value in (b"t", b"T")


def invalidation(reply: Reply) -> bytes | None:
    """The line for a pushed message that keys have changed; None for any other."""
    value = reply.value
    if reply.kind != PUSH or len(value) != 2 or value[1].kind != ARRAY:
        return None
    if value[0].kind != STRING or not value[0].value.startswith(b"invalidate"):
        return None
    return b"-> invalidate: " + b", ".join([b"'%s'" % key.value for key in value[1].value]) + b"\n"
