"""INFO keysizes: the sizes of values in powers of two, counted at once or in slices."""

from redracer.engine import key_sizes
from tests.unit.commands.served import Served


def told(world):
    text = world.run(b"INFO keysizes").decode()
    return dict(line.split(":") for line in text.splitlines() if ":" in line)


def test_few_keys_are_counted_when_somebody_asks():
    world = Served()
    for line in (
        *(b"SET a x", b"SET b 12345", b"SETRANGE c 5000 x", b"RPUSH l 1 2 3", b"SADD s 1 2", b"ZADD z 1 a"),
        *(b"HSET h f v g v h v i v", b"XADD x * f v", b"SELECT 2", b"SET other value"),
    ):
        world.run(line)
    assert told(world) == {
        "db0_distrib_strings_sizes": "1=1,4=1,4K=1",
        "db0_distrib_lists_items": "2=1",
        "db0_distrib_sets_items": "2=1",
        "db0_distrib_zsets_items": "1=1",
        "db0_distrib_hashes_items": "4=1",
        "db2_distrib_strings_sizes": "4=1",
    }
    assert b"Keysizes" not in world.run(b"INFO")
    assert b"Keysizes" in world.run(b"INFO all")


def test_many_keys_are_counted_in_slices(monkeypatch):
    monkeypatch.setattr(key_sizes, "FEW_KEYS", 10)
    world = Served()
    for number in range(3000):
        world.run(b"SET key:%d %s" % (number, b"x" * 100))
    assert told(world) == {}
    for _ in range(100):
        world.engine.key_sizes.tick()
    assert told(world) == {"db0_distrib_strings_sizes": "64=3000"}


def test_labels():
    assert [key_sizes.label(size) for size in (0, 512, 1024, 2048, 1 << 20, 1 << 31)] == [
        *("0", "512", "1K", "2K", "1M", "2G")
    ]
