"""Keyspace notifications: which events are told, in which channels."""

import io

import pytest

from redracer.engine.notifications import CLASS_OF
from tests.unit.commands.served import Served
from tests.unit.types.against_redis import read_reply


class World(Served):
    """A server with a client that listens to everything."""

    def __init__(self, events):
        super().__init__()
        self.run([b"CONFIG", b"SET", b"notify-keyspace-events", events])
        self.run(b"PSUBSCRIBE *", "listener")

    def told(self, *lines):
        """The (channel, message) pairs that these requests bring."""
        for line in lines:
            self.run(line)
        reader = io.BytesIO(self.client("listener").out.take())
        found = []
        while reader.tell() < len(reader.getvalue()):
            parts = [text for _, text in read_reply(reader)[1]]
            found.append((parts[2].decode(), parts[3].decode()))
        return found


def events(world, *lines):
    """The names of the events that these requests bring, each with its key."""
    return [
        f"{channel.partition(':')[2]} {message}"
        for channel, message in world.told(*lines)
        if channel.startswith("__keyevent")
    ]


def test_both_channels():
    assert World(b"KEA").told(b"SET k 1") == [("__keyspace@0__:k", "set"), ("__keyevent@0__:set", "k")]


def test_one_of_them():
    assert World(b"KA").told(b"SET k 1") == [("__keyspace@0__:k", "set")]
    assert World(b"EA").told(b"SELECT 3", b"SET k 1") == [("__keyevent@3__:set", "k")]


def test_nothing_without_a_channel_or_a_class():
    world = World(b"A$")
    assert world.told(b"SET k 1") == []
    assert not world.engine.effects.observed
    assert World(b"KEl").told(b"SET k 1") == []


def test_switched_off():
    world = World(b"KEA")
    world.run([b"CONFIG", b"SET", b"notify-keyspace-events", b""])
    assert world.told(b"SET k 1") == []
    assert not world.engine.effects.observed


def test_classes():
    world = World(b"Eg$")
    assert events(world, b"SET k 1 EX 100", b"DEL k", b"LPUSH l a") == ["set k", "expire k", "del k"]


def test_expired():
    world = World(b"Ex")
    world.engine.clock.nothing_expires = True
    world.run(b"SET k 1 PXAT 1")
    world.engine.clock.nothing_expires = False
    assert events(world, b"GET k") == ["expired k"]


def test_new_and_missing():
    world = World(b"EnmA")
    assert events(world, b"GET k", b"SET k 1", b"SET k 2", b"LPUSH l a", b"RENAME k j") == [
        "keymiss k",
        "new k",
        "set k",
        "set k",
        "new l",
        "lpush l",
        "new j",
        "rename_from k",
        "rename_to j",
    ]


def test_an_event_that_is_not_redis_s_is_an_extensions():
    world = World(b"Ed")
    world.engine.dispatcher.begin()
    world.engine.notifications.key_event(0, b"k", "limited")
    assert events(world) == ["limited k"]


@pytest.mark.parametrize("name", sorted(CLASS_OF))
def test_every_event_has_one_class(name):
    assert bin(CLASS_OF[name]).count("1") == (1 if name else 0)
