"""Commands on whole databases."""

import pytest


def fill(world, count, database=0):
    for number in range(count):
        world.databases[database].set_string(b"key:%d" % number, b"v")


def test_dbsize(world):
    fill(world, 3)
    assert world.run(b"DBSIZE") == 3


class TestFlush:
    @pytest.mark.parametrize("mode", [b"", b" SYNC", b" async"])
    def test_flushdb_empties_one(self, world, mode):
        fill(world, 10)
        fill(world, 5, database=1)
        before = world.effects.dirty
        assert world.run(b"FLUSHDB" + mode) == "OK"
        assert [len(database) for database in world.databases] == [0, 5, 0, 0]
        assert world.effects.dirty == before + 10

    @pytest.mark.parametrize("mode", [b"", b" sync", b" ASYNC"])
    def test_flushall_empties_all(self, world, mode):
        fill(world, 10)
        fill(world, 5, database=1)
        assert world.run(b"FLUSHALL" + mode) == "OK"
        assert [len(database) for database in world.databases] == [0, 0, 0, 0]

    @pytest.mark.parametrize(
        ("line", "pending"), [(b"FLUSHDB ASYNC", 1), (b"FLUSHDB SYNC", 0), (b"FLUSHDB", 1)]
    )
    def test_lazily_frees_later(self, world, line, pending):
        world.config["lazyfree-lazy-user-flush"] = True
        fill(world, 2000)
        world.run(line)
        assert world.engine.lazy_free.pending == pending

    def test_of_an_empty_database_is_propagated(self, world):
        world.run(b"FLUSHDB")
        assert world.propagated == [[b"FLUSHDB"]]

    @pytest.mark.parametrize("line", [b"FLUSHDB x", b"FLUSHALL ASYNC SYNC"])
    def test_refusals(self, world, line):
        assert world.run(line) == b"ERR syntax error"


class TestSwapdb:
    def test_swaps(self, world):
        fill(world, 2)
        fill(world, 5, database=1)
        assert world.run(b"SWAPDB 0 1") == "OK"
        assert [len(database) for database in world.databases[:2]] == [5, 2]
        assert world.propagated == [[b"SWAPDB", b"0", b"1"]]

    def test_with_itself_changes_nothing(self, world):
        fill(world, 2)
        assert world.run(b"SWAPDB 0 0") == "OK"
        assert len(world.db) == 2

    @pytest.mark.parametrize(
        ("line", "text"),
        [
            (b"SWAPDB x 1", b"ERR invalid first DB index"),
            (b"SWAPDB 0 x", b"ERR invalid second DB index"),
            (b"SWAPDB 0 99999999999", b"ERR invalid second DB index"),
            (b"SWAPDB 0 4", b"ERR DB index is out of range"),
            (b"SWAPDB -1 0", b"ERR DB index is out of range"),
        ],
    )
    def test_refusals(self, world, line, text):
        assert world.run(line) == text
