"""Lazy freeing: what is small is freed at once, the rest in steps."""

import pytest

from tests.unit.commands.served import Served


@pytest.fixture
def served():
    return Served()


def members(count):
    return [b"%d" % number + b"x" for number in range(count)]


@pytest.mark.parametrize("line", [b"UNLINK key", b"SUNIONSTORE key none"])
def test_what_is_small_is_freed_at_once(served, line):
    served.run([b"SADD", b"key", *members(60)])
    served.run(line)
    assert (served.engine.lazy_free.pending, served.engine.lazy_free.freed_objects) == (0, 0)
    assert served.run(b"EXISTS key") == b":0\r\n"


def test_what_is_large_is_freed_in_steps(served):
    served.run([b"SADD", b"key", *members(10_000)])
    served.run(b"UNLINK key")
    assert served.engine.lazy_free.pending == 1
    steps = 0
    while served.engine.lazy_free.run(0):
        steps += 1
    assert steps > 10
    assert (served.engine.lazy_free.pending, served.engine.lazy_free.freed_objects) == (0, 1)
