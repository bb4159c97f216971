"""Commands on keys of any type."""

import pytest

from .conftest import NOW

NOTHING = b"ERR no such key"


def fill(world, *names, database=0):
    for name in names:
        world.databases[database].set_string(name, b"value of " + name)


class TestExistence:
    def test_exists_counts_every_mention(self, world):
        fill(world, b"a", b"b")
        assert world.run(b"EXISTS a") == 1
        assert world.run(b"EXISTS a nothing b a") == 3

    def test_touch_counts_keys(self, world):
        fill(world, b"a", b"b")
        assert world.run(b"TOUCH a nothing b") == 2

    def test_type(self, world):
        fill(world, b"a")
        assert world.run(b"TYPE a") == "string"
        assert world.run(b"TYPE nothing") == "none"

    @pytest.mark.parametrize("name", [b"DEL", b"UNLINK"])
    def test_delete(self, world, name):
        fill(world, b"a", b"b")
        assert world.run(name + b" a nothing b a") == 2
        assert world.events == [(0, "del", b"a"), (0, "del", b"b")]
        assert len(world.propagated) == 1 and len(world.db) == 0
        assert world.run(name + b" a") == 0
        assert world.events == [] and world.propagated == []

    def test_delete_lazily(self, world):
        world.config["lazyfree-lazy-user-del"] = True
        fill(world, b"a")
        assert world.run(b"DEL a") == 1

    def test_delete_does_not_count_an_expired_key(self, world):
        fill(world, b"a")
        world.run(b"PEXPIRE a 10")
        world.set_time(NOW + 11)
        assert world.run(b"DEL a") == 0


class TestRename:
    def test_moves_value_and_expiry(self, world):
        fill(world, b"a")
        world.run(b"EXPIRE a 100")
        assert world.run(b"RENAME a b") == "OK"
        assert world.events == [(0, "rename_from", b"a"), (0, "rename_to", b"b")]
        assert world.propagated == [[b"RENAME", b"a", b"b"]]
        assert world.run(b"EXISTS a") == 0
        assert world.db.get_string(b"b") == b"value of a"
        assert world.run(b"TTL b") == 100

    def test_counts_as_one_change(self, world):
        fill(world, b"a")
        before = world.effects.dirty
        world.run(b"RENAME a b")
        assert world.effects.dirty == before + 1

    def test_overwrites_and_takes_no_expiry_from_the_target(self, world):
        fill(world, b"a", b"b")
        world.run(b"EXPIRE b 100")
        assert world.run(b"RENAME a b") == "OK"
        assert world.events[2:] == [(0, "overwritten", b"b")]
        assert world.db.get_string(b"b") == b"value of a"
        assert world.run(b"TTL b") == -1

    def test_to_itself(self, world):
        fill(world, b"a")
        assert world.run(b"RENAME a a") == "OK"
        assert world.run(b"RENAMENX a a") == 0
        assert world.events == [] and world.propagated == []

    @pytest.mark.parametrize("line", [b"RENAME x y", b"RENAME x x", b"RENAMENX x y"])
    def test_of_nothing(self, world, line):
        assert world.run(line) == NOTHING

    def test_renamenx(self, world):
        fill(world, b"a", b"b")
        assert world.run(b"RENAMENX a b") == 0
        assert world.db.get_string(b"b") == b"value of b"
        assert world.run(b"RENAMENX a c") == 1
        assert world.db.get_string(b"c") == b"value of a"


class TestCopy:
    def test_copies_value_and_expiry(self, world):
        fill(world, b"a")
        world.run(b"EXPIRE a 100")
        assert world.run(b"COPY a b") == 1
        assert world.events == [(0, "copy_to", b"b")]
        assert world.db.get_string(b"a") == world.db.get_string(b"b") == b"value of a"
        assert world.run(b"TTL b") == world.run(b"TTL a") == 100

    def test_to_another_database(self, world):
        fill(world, b"a")
        assert world.run(b"COPY a a DB 2") == 1
        assert world.events == [(2, "copy_to", b"a")]
        assert world.databases[2].get_string(b"a") == b"value of a"

    def test_does_not_overwrite_unless_told(self, world):
        fill(world, b"a", b"b")
        world.run(b"EXPIRE b 100")
        assert world.run(b"COPY a b") == 0
        assert world.events == [] and world.propagated == []
        assert world.run(b"COPY a b REPLACE") == 1
        assert world.events == [(0, "copy_to", b"b"), (0, "overwritten", b"b")]
        assert world.db.get_string(b"b") == b"value of a"
        assert world.run(b"TTL b") == -1

    def test_of_nothing(self, world):
        fill(world, b"b")
        assert world.run(b"COPY nothing b REPLACE") == 0
        assert world.run(b"EXISTS b") == 1

    @pytest.mark.parametrize(
        ("line", "text"),
        [
            (b"COPY a a", b"ERR source and destination objects are the same"),
            (b"COPY a a DB 0 REPLACE", b"ERR source and destination objects are the same"),
            (b"COPY a b DB x", b"ERR value is not an integer or out of range"),
            (b"COPY a b DB 99999999999", b"ERR value is not an integer or out of range"),
            (b"COPY a b DB 4", b"ERR DB index is out of range"),
            (b"COPY a b DB -1", b"ERR DB index is out of range"),
            (b"COPY a b DB", b"ERR syntax error"),
            (b"COPY a b OVER", b"ERR syntax error"),
        ],
    )
    def test_refusals(self, world, line, text):
        fill(world, b"a")
        assert world.run(line) == text


class TestMove:
    def test_moves_value_and_expiry(self, world):
        fill(world, b"a")
        world.run(b"EXPIRE a 100")
        before = world.effects.dirty
        assert world.run(b"MOVE a 1") == 1
        assert world.events == [(0, "move_from", b"a"), (1, "move_to", b"a")]
        assert world.effects.dirty == before + 1
        assert len(world.db) == 0
        assert world.databases[1].get_string(b"a") == b"value of a"
        assert world.databases[1].expiry_of(b"a") == NOW + 100_000

    def test_does_not_overwrite(self, world):
        fill(world, b"a")
        fill(world, b"a", database=1)
        assert world.run(b"MOVE a 1") == 0
        assert world.run(b"EXISTS a") == 1

    def test_of_nothing(self, world):
        assert world.run(b"MOVE nothing 1") == 0

    @pytest.mark.parametrize(
        ("line", "text"),
        [
            (b"MOVE a 0", b"ERR source and destination objects are the same"),
            (b"MOVE a 4", b"ERR DB index is out of range"),
            (b"MOVE a x", b"ERR value is not an integer or out of range"),
        ],
    )
    def test_refusals(self, world, line, text):
        fill(world, b"a")
        assert world.run(line) == text


class TestListing:
    def test_keys(self, world):
        fill(world, b"foo_a", b"foo_b", b"bar")
        assert sorted(world.run(b"KEYS foo*")) == [b"foo_a", b"foo_b"]
        assert len(world.run(b"KEYS *")) == 3
        assert world.run(b"KEYS nothing") == []

    def test_randomkey(self, world):
        assert world.run(b"RANDOMKEY") is None
        fill(world, b"a", b"b")
        assert {world.run(b"RANDOMKEY") for _ in range(100)} == {b"a", b"b"}

    def scan_all(self, world, options=b""):
        cursor, found, calls = b"0", [], 0
        while calls == 0 or cursor != b"0":
            cursor, keys = world.run(b"SCAN " + cursor + b" " + options)
            found += keys
            calls += 1
        return found, calls

    def test_scan_finds_every_key(self, world):
        names = {b"key:%d" % number for number in range(500)}
        fill(world, *names)
        found, calls = self.scan_all(world)
        assert set(found) == names and calls > 10
        assert set(self.scan_all(world, b"COUNT 1000")[0]) == names

    def test_scan_filters(self, world):
        fill(world, *(b"key:%d" % number for number in range(100)))
        assert sorted(self.scan_all(world, b"MATCH key:1?")[0]) == [b"key:1%d" % digit for digit in range(10)]
        assert len(set(self.scan_all(world, b"match * TYPE String")[0])) == 100
        assert self.scan_all(world, b"TYPE list")[0] == []
        assert self.scan_all(world, b"TYPE nonsense")[0] == []

    @pytest.mark.parametrize(
        ("line", "text"),
        [
            (b"SCAN x", b"ERR invalid cursor"),
            (b"SCAN -1", b"ERR invalid cursor"),
            (b"SCAN 18446744073709551616", b"ERR invalid cursor"),
            (b"SCAN 0 COUNT 0", b"ERR syntax error"),
            (b"SCAN 0 COUNT x", b"ERR value is not an integer or out of range"),
            (b"SCAN 0 COUNT", b"ERR syntax error"),
            (b"SCAN 0 x y", b"ERR syntax error"),
        ],
    )
    def test_scan_refusals(self, world, line, text):
        assert world.run(line) == text

    def test_scan_takes_the_largest_cursor(self, world):
        fill(world, b"a")
        cursor, _ = world.run(b"SCAN 18446744073709551615")
        assert cursor.isdigit()
