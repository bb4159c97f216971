"""Damaged RDB files: each is refused with a clear error, or loaded; none crashes, hangs, or takes much memory.

A short run by default; the long one, of REDRACER_MUTATIONS files, is what AddressSanitizer is to see. Checksums are not
looked at, else nearly every file would be refused for that alone.
"""

import os
import random

import pytest

from redracer.core.memory import used_memory
from redracer.core.rdb_reader import CorruptRdb
from redracer.core.type_spec import type_spec
from redracer.persistence import rdb_load, rdb_save
from redracer.persistence.rdb_scan import Scan
from tests.unit.persistence.test_rdb_files import FORM
from tests.unit.types.test_rdb_mutations import MEMORY_LIMIT, mutated, seeds, use

__all__ = ["seeds"]  # a fixture

MUTATIONS = int(os.environ.get("REDRACER_MUTATIONS", "100000"))  # of the long run
SHORT_RUN = 1500
EXPIRY = b"\xfc" + (4_000_000_000_000).to_bytes(8, "little")
AROUND = [  # what stands before a key
    b"",
    EXPIRY,
    b"\xfd" + (2_000_000_000).to_bytes(4, "little"),
    b"\xf8\x40\x99",
    b"\xf9\x07",
    EXPIRY + b"\xf8\x05",
    b"\xfe\x03\xfb\x02\x01",
    b"\xf4\x01\x02\x03",
    b"\xfa\x03abc\x05defgh",
    b"\xf7\x81ABCDEFGH\x02\x05\x03\x04\x05\x02ab\x00",
]


def file_of(generator, seeds):
    """A file of a few keys with whatever may stand around them."""
    version = generator.choice([1, 3, 6, 9, 10, 11, 12, 12, 12])
    content = b"REDIS%04d" % version
    for number in range(generator.choice([1, 1, 2, 4])):
        value = generator.choice(seeds)
        key = b"k" if number == 0 else b"key%d" % number
        content += generator.choice(AROUND) + value[:1] + bytes([len(key)]) + key + value[1:]
    return content + b"\xff" + bytes(8)


class Source:
    """A stream that gives pieces of one size."""

    def __init__(self, content, size):
        self.content, self.size, self.place = content, size, 0

    def pull(self, most):
        piece = self.content[self.place : self.place + min(self.size, most)]
        self.place += len(piece)
        return piece


def save_again(server, path):
    """What was loaded can be written, and what was written can be read."""
    rdb_save.write_file(path, rdb_save.snapshot(server.engine), FORM)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        for _ in Scan(descriptor, server.engine.config.values).parts():
            pass
    finally:
        os.close(descriptor)


def run(seeds, count, seed, path, served):
    """Loads damaged files; returns how many could be loaded."""
    generator = random.Random(seed)
    engine = served.engine
    whole = 0
    for number in range(count):
        content = mutated(generator, file_of(generator, seeds))
        target = rdb_load.target_of(engine, replace=generator.random() < 0.5)
        target = target._replace(checksum=False, sanitize=generator.random() < 0.7)
        source = Source(content, generator.choice([1, 100, 1 << 20]))
        before = used_memory()
        try:
            rdb_load.finish(rdb_load.load(rdb_load.open_stream(target, -1, source.pull), target))
            whole += 1
        except rdb_load.RdbError as problem:
            assert str(problem)
        assert used_memory() - before < MEMORY_LIMIT
        if number % 20 == 0:
            save_again(served, path)
        database = engine.databases[0]
        if database.exists(b"k"):
            use(served, type_spec(database.type_of(b"k")))
        for database in engine.databases:
            database.clear()
            engine.expiry.fields.forget(database)
    return whole


@pytest.fixture
def served():
    from tests.unit.persistence.test_rdb_files import server

    return server()


def test_damaged_files(seeds, served, tmp_path):
    assert 0 < run(seeds, SHORT_RUN, 1, str(tmp_path / "dump.rdb"), served) < SHORT_RUN


def test_damaged_files_are_looked_through(seeds, served, tmp_path):
    generator = random.Random(2)
    path = tmp_path / "dump.rdb"
    for _ in range(500):
        path.write_bytes(mutated(generator, file_of(generator, seeds)))
        with path.open("rb") as file:
            try:
                for _ in Scan(file.fileno(), served.engine.config.values).parts():
                    pass
            except CorruptRdb as problem:
                assert str(problem)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_damaged_files(seeds, served, tmp_path):
    whole = run(seeds, MUTATIONS, random.randrange(1 << 32), str(tmp_path / "dump.rdb"), served)
    assert 0 < whole < MUTATIONS
