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
AUX = 250
RESIZE_DATABASE = 251
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
