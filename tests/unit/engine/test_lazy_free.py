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


@pytest.mark.parametrize("line", [b"SET big value", b"RENAME other big", b"INCRBY x 1"])
@pytest.mark.parametrize("lazy", [True, False])
def test_a_value_that_is_overwritten_is_freed_in_slices_if_so_configured(line, lazy):
    world = Served()
    world.run(b"CONFIG SET lazyfree-lazy-server-del " + (b"yes" if lazy else b"no"))
    world.run([b"SADD", b"big", *(b"member:%d" % number for number in range(5000))])
    world.run(b"SET other value")
    world.run(line)
    assert world.engine.lazy_free.pending == (lazy and not line.startswith(b"INCR"))
    if not line.startswith(b"INCR"):
        assert world.run(b"GET big") == b"$5\r\nvalue\r\n"
    while world.engine.lazy_free.run(1_000_000):
        pass
    assert world.engine.lazy_free.pending == 0
