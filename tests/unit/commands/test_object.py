"""OBJECT: what is known of a value."""

import pytest


@pytest.mark.parametrize(
    ("value", "encoding"),
    [(b"12", b"int"), (b"short", b"embstr"), (b"x" * 44, b"embstr"), (b"x" * 45, b"raw"), (b"", b"embstr")],
)
def test_encoding_of_strings(world, value, encoding):
    world.db.set_string(b"k", value)
    assert world.run(b"OBJECT ENCODING k") == encoding


@pytest.mark.parametrize("word", [b"ENCODING", b"IDLETIME", b"FREQ", b"REFCOUNT"])
def test_of_a_missing_key_is_null(world, word):
    assert world.run([b"OBJECT", word, b"nothing"]) is None


def test_refcount(world):
    world.db.set_string(b"k", b"v")
    assert world.run(b"OBJECT REFCOUNT k") == 1


def test_idle_time_is_for_lru(world):
    world.db.set_string(b"k", b"v")
    world.db.set_idle_seconds(b"k", 30)
    assert world.run(b"OBJECT IDLETIME k") == 30
    assert world.run(b"OBJECT IDLETIME k") == 30
    assert world.run(b"OBJECT FREQ k").startswith(b"ERR An LFU maxmemory policy is not selected, access")


def test_frequency_is_for_lfu(world):
    world.clock.lfu = True
    world.db.set_string(b"k", b"v")
    world.db.set_frequency(b"k", 7)
    assert world.run(b"OBJECT FREQ k") == 7
    assert world.run(b"OBJECT IDLETIME k").startswith(b"ERR An LFU maxmemory policy is selected, idle")


def test_help(world):
    assert [line.text for line in world.run(b"OBJECT HELP")][:2] == [
        b"OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        b"ENCODING <key>",
    ]
