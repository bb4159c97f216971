"""The interface of core/entry.pyx: value types, and what stands for an expiry."""

STRING: int
LIST: int
SET: int
ZSET: int
HASH: int
STREAM: int
NO_EXPIRY: int
KEEP_EXPIRY: int
