"""MEMORY: exact sizes, the account in full, and the diagnosis."""

import pytest

from redracer.commands import memory_doctor
from redracer.core.replies import OK, Double, Map
from redracer.engine.client_census import Measures
from redracer.engine.memory_report import MemoryReport
from tests.unit.commands.served import Served

MB = 1 << 20


@pytest.fixture
def world():
    return Served()


def test_usage_is_the_size_that_the_keyspace_accounts_for(world):
    world.value([b"SET", b"key", b"x" * 100_000])
    used = world.value(b"MEMORY USAGE key")
    assert used == world.engine.databases[0].memory_of(b"key")
    assert 100_000 < used < 100_300
    assert world.value(b"MEMORY USAGE key SAMPLES 0") == used
    assert world.value(b"MEMORY USAGE key samples 5 SAMPLES 7") == used
    assert world.value(b"MEMORY USAGE nosuchkey") is None


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"MEMORY USAGE key SAMPLES", b"ERR syntax error"),
        (b"MEMORY USAGE key SAMPLES -1", b"ERR syntax error"),
        (b"MEMORY USAGE key FOO 1", b"ERR syntax error"),
        (b"MEMORY USAGE key SAMPLES x", b"ERR value is not an integer or out of range"),
    ],
)
def test_usage_refuses_what_it_does_not_know(world, line, error):
    assert world.value(line) == error


def test_stats_have_the_fields_that_tools_read(world):
    world.value(b"SET k v EX 100")
    reply = world.value(b"MEMORY STATS")
    assert isinstance(reply, Map)
    stats = dict(zip(reply.items[::2], reply.items[1::2], strict=True))
    assert stats[b"keys.count"] == 1
    assert stats[b"total.allocated"] == stats[b"overhead.total"] + stats[b"dataset.bytes"]
    assert stats[b"peak.allocated"] >= stats[b"startup.allocated"] > 0
    assert stats[b"clients.normal"] > 0
    assert isinstance(stats[b"peak.percentage"], Double)
    database = stats[b"db.0"].items
    assert database[::2] == [b"overhead.hashtable.main", b"overhead.hashtable.expires"]
    assert all(size > 0 for size in database[1::2])


def test_purge_and_malloc_stats(world):
    assert world.value(b"MEMORY PURGE") is OK
    assert world.value(b"MEMORY MALLOC-STATS") == b"Stats not supported for the current allocator"


def report(used=100 * MB, peak=100 * MB, resident=140 * MB, clients=0, replicas=0):
    measures = Measures(normal=clients, replicas=replicas)
    return MemoryReport(used, peak, 10 * MB, resident, 30 * MB, measures, [], 1000, {})


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (report(used=12 * MB), [memory_doctor.NOTHING_TO_SAY]),
        (report(), [memory_doctor.HEALTHY]),
        (report(peak=200 * MB), [memory_doctor.INTRODUCTION, memory_doctor.PEAK]),
        (report(resident=180 * MB), [memory_doctor.INTRODUCTION, memory_doctor.FRAGMENTATION]),
        (report(replicas=50 * MB), [memory_doctor.INTRODUCTION, memory_doctor.REPLICAS]),
        (report(clients=30 * MB), [memory_doctor.INTRODUCTION, memory_doctor.CLIENTS]),
        (
            report(peak=200 * MB, resident=220 * MB),
            [memory_doctor.INTRODUCTION, memory_doctor.PEAK, memory_doctor.FRAGMENTATION],
        ),
    ],
)
def test_the_doctor_names_what_is_odd(given, parts):
    assert memory_doctor.diagnosis(given, 100, 2) == "".join(parts)


def test_the_doctor_answers(world):
    # What it is depends on what ran in this process before.
    expected = memory_doctor.diagnosis(world.engine.memory.report(), len(world.engine.clients), 0)
    assert world.value(b"MEMORY DOCTOR").text == expected.encode()


def test_the_census_of_many_clients_goes_on_in_slices(world):
    engine = world.engine
    world.client()
    others = [engine.connect(None, f"127.0.0.1:{port}") for port in range(1200)]
    engine.census.measures()
    assert engine.census.last == Measures()
    for _ in range(engine.config["hz"] + 1):
        engine.census.advance()
    assert engine.census.last.normal > 1200 * 100
    assert engine.census.connected == 1201
    for other in others:
        engine.client_gone(other)
    assert 0 < engine.census.measures().normal < 1200 * 100
