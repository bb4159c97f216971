"""A big value whose key expires is freed in slices."""

from tests.unit.commands.served import Served


def test_an_expired_set_is_queued_and_then_freed():
    server = Served()
    server.run([b"SADD", b"s", *(b"member:%d" % number for number in range(1000))])
    server.run(b"SADD small a")
    server.run(b"SET text x")
    engine = server.engine
    for key in (b"s", b"small", b"text"):
        engine.databases[0].set_expiry(key, engine.clock.now + 1)
    engine.clock.set_time(engine.clock.now + 2)
    for key in (b"s", b"small", b"text"):
        assert not engine.databases[0].exists(key)
    assert engine.lazy_free.pending == 1
    assert engine.statistics.expired_keys == 3
    while engine.lazy_free.run(1_000_000):
        pass
    assert engine.lazy_free.freed_objects == 1
