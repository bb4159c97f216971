"""Expiry commands: times in, times out, conditions, and what is propagated."""

import pytest

from .conftest import NOW


@pytest.fixture
def key(world):
    world.db.set_string(b"k", b"v")
    return world


class TestSetting:
    @pytest.mark.parametrize(
        ("line", "when"),
        [
            (b"EXPIRE k 100", NOW + 100_000),
            (b"PEXPIRE k 100", NOW + 100),
            (b"EXPIREAT k 1800000000", 1_800_000_000_000),
            (b"PEXPIREAT k 1800000000123", 1_800_000_000_123),
            (b"PEXPIREAT k 9223372036854770000", 9223372036854770000),
        ],
    )
    def test_every_form_is_propagated_as_absolute_ms(self, key, line, when):
        assert key.run(line) == 1
        assert key.db.expiry_of(b"k") == when
        assert key.propagated == [[b"PEXPIREAT", b"k", b"%d" % when]]
        assert key.events == [(0, "expire", b"k")]

    def test_the_options_are_propagated(self, key):
        key.run(b"EXPIRE k 100 nx")
        assert key.propagated == [[b"PEXPIREAT", b"k", b"%d" % (NOW + 100_000), b"nx"]]

    @pytest.mark.parametrize(
        "line", [b"EXPIRE k 0", b"EXPIRE k -1", b"PEXPIREAT k %d" % NOW, b"EXPIREAT k 1"]
    )
    def test_a_time_that_has_passed_deletes(self, key, line):
        assert key.run(line) == 1
        assert not key.db.exists(b"k")
        assert key.propagated == [[b"DEL", b"k"]]
        assert key.events == [(0, "del", b"k")]

    def test_lazily_it_is_propagated_as_unlink(self, key):
        key.config["lazyfree-lazy-expire"] = True
        key.run(b"EXPIRE k -1")
        assert key.propagated == [[b"UNLINK", b"k"]]

    def test_a_missing_key_is_left_alone(self, world):
        assert world.run(b"EXPIRE nothing 10") == 0
        assert world.propagated == [] and world.events == []

    @pytest.mark.parametrize(
        ("line", "name"),
        [
            (b"EXPIRE k 9223372036854776", b"expire"),
            (b"EXPIRE k 9223370399119966", b"expire"),
            (b"EXPIRE k -9223372036854776", b"expire"),
            (b"EXPIREAT k 9223372036854776", b"expireat"),
            (b"PEXPIRE k 9223372036854770000", b"pexpire"),
        ],
    )
    def test_times_that_overflow_are_refused(self, key, line, name):
        assert key.run(line) == b"ERR invalid expire time in '%s' command" % name
        assert key.db.expiry_of(b"k") == -1

    @pytest.mark.parametrize("time", [b"", b"x", b"1.5", b"18446744073709561000"])
    def test_what_is_no_integer_is_refused(self, key, time):
        assert key.run([b"EXPIRE", b"k", time]) == b"ERR value is not an integer or out of range"

    def test_a_very_negative_time_deletes(self, key):
        assert key.run(b"PEXPIREAT k -9223372036854775808") == 1
        assert not key.db.exists(b"k")


class TestConditions:
    @pytest.mark.parametrize(
        ("options", "current", "new", "done"),
        [
            (b"NX", None, 100, 1),
            (b"NX", 100, 200, 0),
            (b"XX", None, 100, 0),
            (b"XX", 100, 200, 1),
            (b"GT", None, 100, 0),
            (b"GT", 100, 200, 1),
            (b"GT", 100, 100, 0),
            (b"GT", 200, 100, 0),
            (b"LT", None, 100, 1),
            (b"LT", 200, 100, 1),
            (b"LT", 100, 100, 0),
            (b"LT", 100, 200, 0),
            (b"XX LT", None, 100, 0),
            (b"xx lt", 200, 100, 1),
            (b"XX GT", 100, 200, 1),
        ],
    )
    def test_allow_or_not(self, key, options, current, new, done):
        if current is not None:
            key.run(b"EXPIRE k %d" % current)
        assert key.run(b"EXPIRE k %d %b" % (new, options)) == done
        expected = new if done else current
        assert key.run(b"TTL k") == (-1 if expected is None else expected)

    def test_a_condition_that_fails_keeps_a_key_from_being_deleted(self, key):
        assert key.run(b"EXPIRE k -1 GT") == 0
        assert key.db.exists(b"k")

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            (b"NX XX", b"ERR NX and XX, GT or LT options at the same time are not compatible"),
            (b"NX GT", b"ERR NX and XX, GT or LT options at the same time are not compatible"),
            (b"LT NX", b"ERR NX and XX, GT or LT options at the same time are not compatible"),
            (b"GT LT", b"ERR GT and LT options at the same time are not compatible"),
            (b"AB", b"ERR Unsupported option AB"),
            (b"NX ab", b"ERR Unsupported option ab"),
        ],
    )
    def test_conflicts(self, key, options, text):
        assert key.run(b"EXPIRE k x " + options) == text


class TestTelling:
    @pytest.mark.parametrize("name", [b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME"])
    def test_without_key_or_expiry(self, key, name):
        assert key.run(name + b" nothing") == -2
        assert key.run(name + b" k") == -1

    @pytest.mark.parametrize(
        ("line", "answer"),
        [
            (b"TTL k", 2),
            (b"PTTL k", 1500),
            (b"EXPIRETIME k", (NOW + 2000) // 1000),
            (b"PEXPIRETIME k", NOW + 1500),
        ],
    )
    def test_rounds_to_the_nearest_second(self, key, line, answer):
        key.run(b"PEXPIRE k 1500")
        assert key.run(line) == answer

    def test_an_expired_key_is_gone(self, key):
        key.run(b"PEXPIRE k 10")
        key.set_time(NOW + 11)
        assert key.run(b"TTL k") == -2


class TestPersist:
    def test_removes_the_expiry(self, key):
        key.run(b"EXPIRE k 10")
        assert key.run(b"PERSIST k") == 1
        assert key.run(b"TTL k") == -1
        key.run(b"EXPIRE k 10")
        key.run(b"PERSIST k")
        assert key.events == [(0, "persist", b"k")]
        assert key.propagated == [[b"PERSIST", b"k"]]

    def test_of_nothing_changes_nothing(self, key):
        assert key.run(b"PERSIST k") == 0
        assert key.run(b"PERSIST nothing") == 0
        assert key.events == [] and key.propagated == []
