"""The digest of a data set: equal data gives equal digests, in whatever order and encoding it is held.

Redis's algorithm (DEBUG DIGEST), so that the digests of a real server and of this one can be compared. A
digest is 20 bytes. What has an order is mixed in (`mix`: the digest so far enters the next), what has none
is combined (`combine`, an exclusive or), which any order leaves the same.
"""

from __future__ import annotations

SIZE = 20  # bytes
EMPTY = bytes(SIZE)


def sha1(data: bytes) -> bytes:
    """SHA-1. O(len(data))."""
    from hashlib import sha1  # here, because it loads OpenSSL, which most programs need not wait for

    return sha1(data, usedforsecurity=False).digest()


def combine(digest: bytes, data: bytes) -> bytes:
    """The digest with `data` added as a member of an unordered collection. O(len(data))."""
    return (int.from_bytes(digest) ^ int.from_bytes(sha1(data))).to_bytes(SIZE)


def mix(digest: bytes, data: bytes) -> bytes:
    """The digest with `data` added as the next item of a sequence. O(len(data))."""
    return sha1(combine(digest, data))
