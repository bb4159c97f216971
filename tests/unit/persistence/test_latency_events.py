"""The latency monitor is told what persistence waits for: files that are renamed, looked up and deleted."""

import os
import signal

import pytest

from redracer.engine import latency
from redracer.engine.timing import monotonic_nanoseconds
from redracer.parts import Parts
from tests.unit.commands.served import Served

SLOW = 5_000_000  # ns by which everything takes longer


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(latency, "monotonic_nanoseconds", lambda: monotonic_nanoseconds() + SLOW)
    served = Served(dir=str(tmp_path), save=(), latency_monitor_threshold=5)
    served.parts = Parts(served.engine)
    served.run(b"SET key value")
    yield served
    served.parts.close()


def events(served):
    return {event[0] for event in served.value(b"LATENCY LATEST")}


def test_a_rewrite_renames_and_looks_up(served):
    served.run(b"CONFIG SET appendonly yes")
    served.parts.child.wait()
    assert os.path.exists("appendonlydir/appendonly.aof.1.base.rdb")
    assert {"aof-rename", "aof-fstat"} <= {event.decode() for event in events(served)}
    assert b"looking up a file" in served.run(b"LATENCY DOCTOR")


def test_a_killed_snapshot_leaves_a_file_to_delete(served):
    served.run(b"CONFIG SET rdb-key-save-delay 10000000")
    served.run(b"BGSAVE")
    os.kill(served.parts.child.pid, signal.SIGKILL)
    served.parts.child.wait()
    assert b"rdb-unlink-temp-file" in events(served)
    assert b"unfinished file" in served.run(b"LATENCY DOCTOR")


def test_what_is_quick_is_not_told(served, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(served.engine.config["dir"])
    served.run(b"CONFIG SET latency-monitor-threshold 1000000")
    served.run(b"CONFIG SET appendonly yes")
    served.parts.child.wait()
    assert not events(served)
