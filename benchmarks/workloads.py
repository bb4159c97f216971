"""The tests of redis-benchmark's default list, each with the data that it needs.

Each test is run alone, after FLUSHALL and its own preparation, so that its cost is not mixed with another's:
redis-benchmark itself fills a list before LRANGE and leaves POP tests to empty keys.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.wire import encode

LIST_LENGTH = 1000  # items in the list that LRANGE reads
VALUE = b"xxx"  # redis-benchmark's default size


def no_data(keyspace: int, requests: int) -> Iterator[bytes]:
    """Nothing."""
    return iter(())


def string_keys(keyspace: int, requests: int) -> Iterator[bytes]:
    """Every key that SET, GET and MSET may choose."""
    return (encode("SET", b"key:%012d" % number, VALUE) for number in range(keyspace))


def counters(keyspace: int, requests: int) -> Iterator[bytes]:
    """Every key that INCR may choose."""
    return (encode("SET", b"counter:%012d" % number, number) for number in range(keyspace))


def list_to_read(keyspace: int, requests: int) -> Iterator[bytes]:
    """A list that is long enough for every LRANGE."""
    return (encode("RPUSH", "mylist", VALUE) for _ in range(LIST_LENGTH))


def list_to_empty(keyspace: int, requests: int) -> Iterator[bytes]:
    """A list with an item for each request."""
    return (encode("RPUSH", "mylist", VALUE) for _ in range(requests))


def set_to_empty(keyspace: int, requests: int) -> Iterator[bytes]:
    """A set with a member for each request."""
    return (encode("SADD", "myset", b"element:%012d" % number) for number in range(requests))


def sorted_set_to_empty(keyspace: int, requests: int) -> Iterator[bytes]:
    """A sorted set with a member for each request."""
    return (encode("ZADD", "myzset", number, b"element:%012d" % number) for number in range(requests))


@dataclass(frozen=True)
class Workload:
    """One test. `arguments` go to redis-benchmark; a request is worth about `cost` simple commands."""

    name: str
    arguments: tuple[str, ...]
    prepare: Callable[[int, int], Iterator[bytes]] = no_data
    cost: int = 1


def _test(name: str, prepare: Callable[[int, int], Iterator[bytes]] = no_data, cost: int = 1) -> Workload:
    return Workload(name.upper(), ("-t", name), prepare, cost)


WORKLOADS = (
    _test("ping_inline"),
    _test("ping_mbulk"),
    _test("set", string_keys),
    _test("get", string_keys),
    _test("incr", counters),
    _test("lpush"),
    _test("rpush"),
    _test("lpop", list_to_empty),
    _test("rpop", list_to_empty),
    _test("sadd"),
    _test("hset"),
    _test("spop", set_to_empty),
    _test("zadd"),
    _test("zpopmin", sorted_set_to_empty),
    Workload("LRANGE_100", ("LRANGE", "mylist", "0", "99"), list_to_read, 10),
    Workload("LRANGE_300", ("LRANGE", "mylist", "0", "299"), list_to_read, 20),
    Workload("LRANGE_500", ("LRANGE", "mylist", "0", "499"), list_to_read, 30),
    Workload("LRANGE_600", ("LRANGE", "mylist", "0", "599"), list_to_read, 40),
    _test("mset", string_keys, 5),
    Workload("XADD", ("XADD", "mystream", "*", "myfield", "xxx")),
)


def choose(names: str) -> list[Workload]:
    """The workloads with these comma-separated names, all for "". Raises ValueError for an unknown one."""
    if not names:
        return list(WORKLOADS)
    by_name = {workload.name: workload for workload in WORKLOADS} | {"PING": _test("ping_mbulk")}
    wanted = [name.strip().upper() for name in names.split(",")]
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise ValueError(f"no test is called {', '.join(unknown)}; there are {', '.join(by_name)}")
    return [by_name[name] for name in wanted]
