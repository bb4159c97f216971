"""The count of bytes held: keyspaces come and go, the count follows the data, the table gives memory back."""

from redracer.core.clock import Clock
from redracer.core.keyspace import Keyspace
from redracer.core.memory import used_memory


def test_an_empty_keyspace_costs_little_and_gives_it_back() -> None:
    held = used_memory()
    keyspaces = [Keyspace(index, Clock()) for index in range(16)]
    assert 0 < used_memory() - held <= 16 * 1024
    del keyspaces
    assert used_memory() == held


def test_the_count_follows_the_data() -> None:
    held = used_memory()
    keyspace = Keyspace(0, Clock())
    for number in range(50_000):
        keyspace.set_string(b"key:%012d" % number, b"v" * 64)
    full = used_memory() - held
    assert 50_000 * 96 < full < 50_000 * 120
    for number in range(50_000):
        keyspace.delete(b"key:%012d" % number)
    assert used_memory() - held < 300_000
    keyspace.clear()
    assert used_memory() - held <= 1024
