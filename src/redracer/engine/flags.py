"""The vocabulary of command declarations: flags, ACL categories, groups, documentation flags.

Each is an int with one bit per property (a group is its name), so that dispatch tests a
property with one `&`. The tuples of (bit, wire name) hold the order in which COMMAND INFO
and ACL CAT print them; a flag without a wire name is internal and never printed.
"""

from __future__ import annotations

# Command flags.
WRITE = 1 << 0
READONLY = 1 << 1
DENYOOM = 1 << 2
ADMIN = 1 << 3
PUBSUB = 1 << 4
NOSCRIPT = 1 << 5
BLOCKING = 1 << 6
LOADING = 1 << 7
STALE = 1 << 8
SKIP_MONITOR = 1 << 9
SKIP_SLOWLOG = 1 << 10
ASKING = 1 << 11
FAST = 1 << 12
NO_AUTH = 1 << 13
MAY_REPLICATE = 1 << 14
NO_MANDATORY_KEYS = 1 << 15
PROTECTED = 1 << 16
NO_ASYNC_LOADING = 1 << 17
NO_MULTI = 1 << 18
ALLOW_BUSY = 1 << 19
TOUCHES_ARBITRARY_KEYS = 1 << 20
IMMEDIATE = 1 << 21  # runs at once even after MULTI
# Derived from the key specs: first_key, last_key and key_step do not tell every key.
MOVABLEKEYS = 1 << 22

COMMAND_FLAG_NAMES: tuple[tuple[int, bytes], ...] = (
    (WRITE, b"write"),
    (READONLY, b"readonly"),
    (DENYOOM, b"denyoom"),
    (ADMIN, b"admin"),
    (PUBSUB, b"pubsub"),
    (NOSCRIPT, b"noscript"),
    (BLOCKING, b"blocking"),
    (LOADING, b"loading"),
    (STALE, b"stale"),
    (SKIP_MONITOR, b"skip_monitor"),
    (SKIP_SLOWLOG, b"skip_slowlog"),
    (ASKING, b"asking"),
    (FAST, b"fast"),
    (NO_AUTH, b"no_auth"),
    (NO_MANDATORY_KEYS, b"no_mandatory_keys"),
    (NO_ASYNC_LOADING, b"no_async_loading"),
    (NO_MULTI, b"no_multi"),
    (MOVABLEKEYS, b"movablekeys"),
    (ALLOW_BUSY, b"allow_busy"),
)
# What a declaration may carry: everything but what is derived.
DECLARABLE_FLAGS = MOVABLEKEYS - 1

# ACL categories.
ACL_KEYSPACE = 1 << 0
ACL_READ = 1 << 1
ACL_WRITE = 1 << 2
ACL_SET = 1 << 3
ACL_SORTED_SET = 1 << 4
ACL_LIST = 1 << 5
ACL_HASH = 1 << 6
ACL_STRING = 1 << 7
ACL_BITMAP = 1 << 8
ACL_HYPERLOGLOG = 1 << 9
ACL_GEO = 1 << 10
ACL_STREAM = 1 << 11
ACL_PUBSUB = 1 << 12
ACL_ADMIN = 1 << 13
ACL_FAST = 1 << 14
ACL_SLOW = 1 << 15
ACL_BLOCKING = 1 << 16
ACL_DANGEROUS = 1 << 17
ACL_CONNECTION = 1 << 18
ACL_TRANSACTION = 1 << 19
ACL_SCRIPTING = 1 << 20

ACL_CATEGORY_NAMES: tuple[tuple[int, bytes], ...] = (
    (ACL_KEYSPACE, b"keyspace"),
    (ACL_READ, b"read"),
    (ACL_WRITE, b"write"),
    (ACL_SET, b"set"),
    (ACL_SORTED_SET, b"sortedset"),
    (ACL_LIST, b"list"),
    (ACL_HASH, b"hash"),
    (ACL_STRING, b"string"),
    (ACL_BITMAP, b"bitmap"),
    (ACL_HYPERLOGLOG, b"hyperloglog"),
    (ACL_GEO, b"geo"),
    (ACL_STREAM, b"stream"),
    (ACL_PUBSUB, b"pubsub"),
    (ACL_ADMIN, b"admin"),
    (ACL_FAST, b"fast"),
    (ACL_SLOW, b"slow"),
    (ACL_BLOCKING, b"blocking"),
    (ACL_DANGEROUS, b"dangerous"),
    (ACL_CONNECTION, b"connection"),
    (ACL_TRANSACTION, b"transaction"),
    (ACL_SCRIPTING, b"scripting"),
)
ACL_CATEGORIES: dict[bytes, int] = {name: bit for bit, name in ACL_CATEGORY_NAMES}
ALL_ACL_CATEGORIES = (1 << len(ACL_CATEGORY_NAMES)) - 1

# Groups: the chapters of the command reference.
GENERIC = "generic"
STRING = "string"
LIST = "list"
SET = "set"
SORTED_SET = "sorted-set"
HASH = "hash"
PUBSUB_GROUP = "pubsub"
TRANSACTIONS = "transactions"
CONNECTION = "connection"
SERVER = "server"
SCRIPTING = "scripting"
HYPERLOGLOG = "hyperloglog"
CLUSTER = "cluster"
GEO = "geo"
STREAM = "stream"
BITMAP = "bitmap"
MODULE = "module"

# A group's own ACL category; PUBSUB follows from the flag, SERVER and CLUSTER have none.
GROUP_ACL_CATEGORY: dict[str, int] = {
    GENERIC: ACL_KEYSPACE,
    STRING: ACL_STRING,
    LIST: ACL_LIST,
    SET: ACL_SET,
    SORTED_SET: ACL_SORTED_SET,
    HASH: ACL_HASH,
    PUBSUB_GROUP: 0,
    TRANSACTIONS: ACL_TRANSACTION,
    CONNECTION: ACL_CONNECTION,
    SERVER: 0,
    SCRIPTING: ACL_SCRIPTING,
    HYPERLOGLOG: ACL_HYPERLOGLOG,
    CLUSTER: 0,
    GEO: ACL_GEO,
    STREAM: ACL_STREAM,
    BITMAP: ACL_BITMAP,
    MODULE: 0,
}

# Documentation flags.
DEPRECATED = 1 << 0
SYSCMD = 1 << 1

DOC_FLAG_NAMES: tuple[tuple[int, bytes], ...] = ((DEPRECATED, b"deprecated"), (SYSCMD, b"syscmd"))


def names_of(bits: int, names: tuple[tuple[int, bytes], ...]) -> list[bytes]:
    """The wire names of the bits that are set, in the table's order. O(len(names))."""
    return [name for bit, name in names if bits & bit]


def implied_acl_categories(flags: int, categories: int) -> int:
    """The categories that follow from a command's flags, added to the declared ones.

    Redis's rules: a command is either fast or slow; an administrator's command is
    dangerous; scripts that only read are not in @read, because EVAL_RO may do much else.
    """
    if flags & WRITE:
        categories |= ACL_WRITE
    if flags & READONLY and not categories & ACL_SCRIPTING:
        categories |= ACL_READ
    if flags & ADMIN:
        categories |= ACL_ADMIN | ACL_DANGEROUS
    if flags & PUBSUB:
        categories |= ACL_PUBSUB
    if flags & BLOCKING:
        categories |= ACL_BLOCKING
    return categories | (ACL_FAST if flags & FAST else ACL_SLOW)
