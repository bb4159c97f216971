"""HyperLogLog: the bytes of a real server where one is installed, dense against sparse, corrupted input."""

import random

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from redracer.core import hyperloglog as hll

LIMIT = 3000
STALE = b"HYLL\x01\0\0\0" + b"\0" * 7 + b"\x80"


def elements(seed: int, number: int) -> list[bytes]:
    rng = random.Random(seed)
    return [rng.randbytes(rng.randrange(20)) for _ in range(number)]


@pytest.mark.parametrize(("seed", "limit"), [(1, 3000), (2, 100), (3, 16), (4, 16000)])
def test_same_bytes_as_the_server(real_server: redis.Redis, seed: int, limit: int) -> None:
    real_server.flushall()
    real_server.config_set("hll-sparse-max-bytes", limit)
    value = hll.EMPTY
    real_server.execute_command("PFADD", "a")
    assert real_server.get("a") == value
    for batch in range(60):
        added = elements(seed * 1000 + batch, 1 + batch * batch)
        replied = real_server.execute_command("PFADD", "a", *added)
        value, changed = hll.add(value, added, limit)
        assert real_server.get("a") == value
        assert replied == (changed > 0)
        cardinality = hll.count([value])
        assert real_server.execute_command("PFCOUNT", "a") == cardinality
        if hll.cached_count(value) is None:
            value = hll.with_cached_count(value, cardinality)
        assert real_server.get("a") == value


@pytest.mark.parametrize("sizes", [(3, 5), (1, 700), (700, 2), (20000, 10), (10, 20000), (0, 0)])
def test_merge_as_the_server(real_server: redis.Redis, sizes: tuple[int, int]) -> None:
    real_server.flushall()
    real_server.config_set("hll-sparse-max-bytes", LIMIT)
    values = []
    for index, size in enumerate(sizes):
        added = elements(index, size)
        for start in range(0, max(size, 1), 500):
            real_server.execute_command("PFADD", f"k{index}", *added[start : start + 500])
        values.append(hll.add(hll.EMPTY, added, LIMIT)[0])
    assert real_server.execute_command("PFCOUNT", "k0", "k1") == hll.count(values)
    real_server.execute_command("PFMERGE", "target", "k0", "k1")
    assert real_server.get("target") == hll.merge(hll.EMPTY, values, LIMIT)
    real_server.execute_command("PFMERGE", "k0", "k1")
    assert real_server.get("k0") == hll.merge(values[0], values[1:], LIMIT)


def test_debug_as_the_server(real_server: redis.Redis) -> None:
    real_server.flushall()
    real_server.config_set("hll-sparse-max-bytes", LIMIT)
    added = elements(9, 300)
    real_server.execute_command("PFADD", "a", *added)
    value, _ = hll.add(hll.EMPTY, added, LIMIT)
    assert real_server.execute_command("PFDEBUG", "DECODE", "a") == hll.describe(value)
    assert real_server.execute_command("PFDEBUG", "TODENSE", "a") == 1
    assert real_server.get("a") == hll.to_dense(value)
    assert (
        real_server.execute_command("PFDEBUG", "GETREG", "a")
        == hll.registers(value)
        == hll.registers(hll.to_dense(value))
    )


@given(st.lists(st.binary(max_size=12), max_size=60), st.integers(16, 120))
def test_dense_and_sparse_agree(added: list[bytes], limit: int) -> None:
    value, changed = hll.add(hll.EMPTY, added, limit)
    dense, changed_dense = hll.add(hll.to_dense(hll.EMPTY), added, limit)
    assert changed == changed_dense
    assert hll.is_dense(dense)
    assert hll.registers(value) == hll.registers(dense)
    assert hll.count([value]) == hll.count([dense]) == hll.count([value, dense])
    assert hll.add(value, added, limit) == (value, 0)
    if not hll.is_dense(value):
        assert len(value) <= max(limit, len(hll.EMPTY))
        assert hll.to_dense(value) == dense


def test_estimate_is_close() -> None:
    value = hll.EMPTY
    total = 0
    for size in (1, 9, 90, 900, 9000, 90000):
        value, _ = hll.add(value, [b"%d" % number for number in range(total, total + size)], LIMIT)
        total += size
        assert abs(hll.count([value]) - total) <= max(1, 6 * 1.04 / 128 * total)
    assert hll.count([]) == hll.count([hll.EMPTY]) == 0


def test_cached_count() -> None:
    assert hll.EMPTY == STALE + b"\x7f\xff"
    assert hll.cached_count(hll.EMPTY) is None
    value = hll.with_cached_count(hll.EMPTY, 0x0102)
    assert value == b"HYLL\x01\0\0\0\x02\x01" + b"\0" * 6 + b"\x7f\xff"
    assert hll.cached_count(value) == 0x0102
    with pytest.raises(ValueError):
        hll.with_cached_count(value, -1)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"HYLL",
        b"hyll" + hll.EMPTY[4:],
        b"HYLL\x02" + hll.EMPTY[5:],
        b"HYLL\0" + hll.EMPTY[5:],
        hll.to_dense(hll.EMPTY) + b"x",
    ],
)
def test_no_sketch(value: bytes) -> None:
    assert not hll.is_sketch(value)
    for use in (
        lambda: hll.is_dense(value),
        lambda: hll.add(value, [b"a"], LIMIT),
        lambda: hll.count([value]),
        lambda: hll.cached_count(value),
        lambda: hll.with_cached_count(value, 1),
        lambda: hll.merge(hll.EMPTY, [value], LIMIT),
        lambda: hll.to_dense(value),
        lambda: hll.registers(value),
        lambda: hll.describe(value),
    ):
        with pytest.raises(ValueError):
            use()


@pytest.mark.parametrize(
    "runs",
    [
        b"",
        b"\x7f",
        b"\x7f\xfe",
        b"\x7f\xff\0",
        b"\x7f\xffhello",
        b"\x80" * 16385,
        b"\x7f\xfe\x81",
        b"\x3f" * 257,
    ],
)
def test_corrupted(runs: bytes) -> None:
    value = STALE + runs
    for use in (
        hll.to_dense,
        hll.registers,
        lambda value: hll.count([value]),
        lambda value: hll.merge(value, [], 99),
    ):
        with pytest.raises(hll.CorruptedSketch):
            use(value)


@settings(max_examples=300)
@given(
    st.lists(
        st.one_of(st.integers(0, 255).map(lambda b: bytes([b])), st.sampled_from([b"\x7f\xff", b"\x5f\xff"])),
        max_size=400,
    ),
    st.lists(st.binary(max_size=4), max_size=8),
    st.integers(0, 300),
)
def test_any_runs_are_safe(runs: list[bytes], added: list[bytes], limit: int) -> None:
    value = STALE + b"".join(runs)
    try:
        changed, number = hll.add(value, added, limit)
    except hll.CorruptedSketch:
        return
    assert number <= len(added)
    try:
        before = hll.registers(value)
    except hll.CorruptedSketch:
        return
    after = hll.registers(changed)
    assert all(new >= old for old, new in zip(before, after, strict=True))
    assert 0 <= sum(new > old for old, new in zip(before, after, strict=True)) <= number
