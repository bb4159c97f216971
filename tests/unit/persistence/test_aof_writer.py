"""When the append-only file is written and synced, and what happens where that fails."""

import os
import time
from types import SimpleNamespace

import pytest

from redracer.core.clock import Clock
from redracer.persistence import aof_writer
from redracer.persistence.aof_writer import ALWAYS, EVERY_SECOND, NO, AofWriter
from redracer.persistence.append_buffer import AppendBuffer


class Syncer:
    """Stands for the thread: notes what it is asked for."""

    def __init__(self):
        self.pending = 0
        self.asked = []

    def sync(self, descriptor, position, close=False):
        self.asked.append((position, close))

    def drain(self):
        self.pending = 0


@pytest.fixture
def world(tmp_path):
    world = SimpleNamespace(
        reported=0, path=tmp_path / "f", syncer=Syncer(), child=SimpleNamespace(active=False), slow=[]
    )

    def report():
        world.reported += 1

    world.buffer = AppendBuffer(Clock())
    world.writer = AofWriter(
        world.buffer, world.syncer, world.child, report, lambda event, milliseconds: world.slow.append(event)
    )
    world.descriptor = os.open(world.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    world.writer.open(world.descriptor, 0)
    return world


@pytest.fixture
def synced(monkeypatch):
    """The sizes that files had when they were synced in this thread."""
    sizes = []
    monkeypatch.setattr(
        aof_writer.os, "fdatasync", lambda descriptor: sizes.append(os.fstat(descriptor).st_size)
    )
    return sizes


class TestPolicies:
    def test_always_writes_and_syncs_once_for_all(self, world, synced):
        world.writer.policy = ALWAYS
        for _ in range(3):
            world.buffer.text(b"abc")
        world.writer.before_replies()
        world.writer.before_replies()
        assert world.path.read_bytes() == b"abcabcabc"
        assert synced == [9]
        assert world.writer.synced == world.writer.position == 9

    def test_every_second_leaves_the_sync_to_the_thread(self, world, synced):
        world.writer.policy = EVERY_SECOND
        world.buffer.text(b"abc")
        world.writer.before_replies()
        world.buffer.text(b"def")
        world.writer.before_replies()
        assert world.path.read_bytes() == b"abcdef"
        assert (world.syncer.asked, synced) == ([(3, False)], [])

    def test_no_writes_alone(self, world, synced):
        world.writer.policy = NO
        world.buffer.text(b"abc")
        world.writer.before_replies()
        assert (world.path.read_bytes(), world.syncer.asked, synced) == (b"abc", [], [])

    def test_the_disk_is_spared_while_there_is_a_child(self, world, synced):
        world.writer.policy, world.writer.spare_disk_in_rewrite = ALWAYS, True
        world.child.active = True
        world.buffer.text(b"abc")
        world.writer.before_replies()
        assert (world.path.read_bytes(), synced) == (b"abc", [])
        world.child.active = False
        world.writer.before_replies()
        assert synced == [3]

    def test_a_write_is_put_off_while_a_sync_is_going_on_unless_it_must_not(self, world):
        world.writer.policy = EVERY_SECOND
        world.syncer.pending = 1
        world.buffer.text(b"abc")
        world.writer.before_replies()
        assert world.writer.postponed
        assert world.path.read_bytes() == b""
        world.writer.flush(True)
        assert world.path.read_bytes() == b"abc"
        assert not world.writer.postponed


class TestTakingOver:
    def test_goes_on_in_a_new_file(self, world, tmp_path):
        world.buffer.text(b"old")
        world.writer.before_replies()
        world.writer.take_over(os.open(tmp_path / "g", os.O_WRONLY | os.O_CREAT))
        world.buffer.text(b"new!")
        world.writer.before_replies()
        assert (world.path.read_bytes(), (tmp_path / "g").read_bytes()) == (b"old", b"new!")
        assert (world.writer.end, world.writer.position) == (4, 7)
        assert world.syncer.asked[-1] == (3, True)


class TestFailures:
    def test_what_could_not_be_written_is_written_later(self, world):
        world.writer.policy = NO
        world.buffer.text(b"abc")
        world.writer.descriptor = os.open(world.path, os.O_RDONLY)
        world.writer.before_replies()
        assert (world.writer.write_error, world.reported) == (9, 1)
        world.writer.descriptor = world.descriptor
        world.buffer.text(b"def")
        world.writer.before_replies()
        assert world.path.read_bytes() == b"abcdef"
        assert (world.writer.write_error, world.reported) == (0, 2)


class TestLatency:
    def test_tells_what_a_slow_write_had_to_wait_for(self, world):
        world.writer.policy = NO
        world.writer.delay = 0.002  # s
        for state in ("alone", "child", "sync"):
            world.child.active = state == "child"
            world.syncer.pending = state == "sync"
            world.buffer.text(b"abc")
            world.writer.before_replies()
        assert world.slow[::2] == ["aof-write-alone", "aof-write-active-child", "aof-write-pending-fsync"]
        assert world.slow[1::2] == ["aof-write"] * 3

    def test_tells_of_a_slow_sync(self, world, monkeypatch):
        monkeypatch.setattr(aof_writer.os, "fdatasync", lambda descriptor: time.sleep(0.002))
        world.writer.policy = ALWAYS
        world.buffer.text(b"abc")
        world.writer.before_replies()
        assert world.slow[-1] == "aof-fsync-always"
