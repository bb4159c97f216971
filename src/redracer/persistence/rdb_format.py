"""What is in an RDB file beside keys and values: header, and opcodes in place of a type.

    REDIS | version (4 digits) | AUX, FUNCTION... | SELECTDB, RESIZEDB, key... | ... | EOF | CRC64 (8)

https://rdb.fnordig.de/file_format.html; the opcodes of keys (expiry, last use) are in rdb_file_reader.pyx.
"""

from __future__ import annotations

MAGIC = b"REDIS"
HEADER_SIZE = 9  # bytes
CHECKSUM_SIZE = 8
CHECKSUM_VERSION = 5  # the first with a checksum at the end
NO_CHECKSUM = 0

SLOT_INFO = 244
FUNCTION = 245
FUNCTION_PRE_GA = 246  # of the release candidates of 7.0
MODULE_AUX = 247
IDLE = 248
FREQUENCY = 249
AUX = 250
RESIZE_DATABASE = 251
EXPIRY_MS = 252
EXPIRY_S = 253
SELECT_DATABASE = 254
END = 255

HASH_WITH_EXPIRIES = 24  # a type of values: any that hashes have, to find their row

# What the data of a module is made of.
MODULE_END = 0
MODULE_SIGNED = 1
MODULE_UNSIGNED = 2
MODULE_FLOAT = 3
MODULE_DOUBLE = 4
MODULE_STRING = 5

MODULE_TYPE = 7  # of values
OLD_MODULE_TYPE = 6
# What redis-check-rdb calls the types of values, by number.
TYPE_NAMES = (
    "string",
    "list-linked",
    "set-hashtable",
    "zset-v1",
    "hash-hashtable",
    "zset-v2",
    "module-pre-release",
    "module-value",
    "",
    "hash-zipmap",
    "list-ziplist",
    "set-intset",
    "zset-ziplist",
    "hash-ziplist",
    "quicklist",
    "stream",
    "hash-listpack",
    "zset-listpack",
    "quicklist-v2",
    "stream-v2",
    "set-listpack",
    "stream-v3",
    "hash-hashtable-md-pre-release",
    "hash-listpack-md-pre-release",
    "hash-hashtable-md",
    "hash-listpack-md",
)


def type_name(number: int) -> str:
    """What redis-check-rdb calls a type of values."""
    return TYPE_NAMES[number] if number < len(TYPE_NAMES) else "unknown"
