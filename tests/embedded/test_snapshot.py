"""Snapshots of the key space, tables for data frames, and what a notebook shows."""

import pytest

import redracer

FILL = [
    ("SET", "string", "text"),
    ("RPUSH", "list", 1, 2),
    ("SADD", "set", "a", "b"),
    ("HSET", "hash", "f", 1, "g", 2),
    ("ZADD", "sorted", 1, "ann"),
    ("XADD", "stream", "1-1", "event", "login"),
    ("XGROUP", "CREATE", "stream", "group", 0),
    ("SET", "short", "lived", "EX", 1000),
]


@pytest.fixture
def db():
    with redracer.open() as store:
        store.execute_many(FILL)
        yield store


def test_what_changed(db):
    before = db.snapshot()
    assert db.snapshot() == before and not db.diff(before) and len(before) == 7 and "hash" in before
    db.execute("SET", "new", "<b>")
    db.execute("DEL", "list")
    db.execute("APPEND", "string", "!")
    db.execute("PERSIST", "short")
    db.execute("HEXPIRE", "hash", 1000, "FIELDS", 1, "f")
    db.execute("XREADGROUP", "GROUP", "group", "me", "STREAMS", "stream", ">")
    db.execute("SELECT", 3)
    db.set("elsewhere", 1)
    difference = db.diff(before)
    assert difference and db.snapshot() != before
    assert set(difference.added) == {b"new", (3, b"elsewhere")} and set(difference.removed) == {b"list"}
    assert set(difference.changed) == {b"string", b"short", b"hash", b"stream"}
    old, new = difference.changed[b"string"]
    assert (old.value, new.value) == (b"text", b"text!")
    assert "~ string: string b'text' -> string b'text!'" in repr(difference)
    assert "+ elsewhere (database 3): string b'1'" in repr(difference)
    assert "&lt;b&gt;" in difference._repr_html_() and "<td>hash</td>" in before._repr_html_()


def test_the_order_in_a_packed_collection_is_no_difference(db):
    before = db.snapshot()
    db.execute_many([("DEL", "hash", "set"), ("HSET", "hash", "g", 2, "f", 1), ("SADD", "set", "b", "a")])
    assert db.snapshot() == before


def test_going_back(db):
    before = db.snapshot()
    db.execute("FLUSHALL")
    db.execute("SELECT", 5)
    db.set("other", 1)
    db.restore(before)
    assert db.snapshot() == before and not db.diff(before)
    db.execute("SELECT", 0)
    assert db.execute("XINFO", "GROUPS", "stream")[0][b"name"] == b"group"
    assert 0 < db.execute("TTL", "short") <= 1000


def test_looking_is_no_use_of_a_key(db):
    db.execute("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    db.set("counted", 1)
    before = db.execute("OBJECT", "FREQ", "counted")
    for _ in range(50):
        db.snapshot()
    assert db.execute("OBJECT", "FREQ", "counted") == before


def test_a_subscriber_hears_nothing_of_a_snapshot(db):
    session = db.session()
    session.send([b"MONITOR"])
    session.receive()
    db.snapshot()
    assert not session.replies


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(db, library):
    pytest.importorskip(library)
    db.execute_many(("HSET", f"user:{number}", "name", f"n{number}", "age", number) for number in range(2500))
    frame = db.scan_frame("user:*", library=library)
    assert frame.shape == (2500, 5) and set(frame.columns) == {"key", "type", "ttl", "name", "age"}
    assert set(frame["age"]) == {str(number) for number in range(2500)}
    assert db.scan_frame("nothing:*", library=library).shape[0] == 0
    everything = db.scan_frame("[^u]*", library=library)
    assert everything.shape[0] == 7
    assert list(db.scan_frame(type="list", library=library)["value"][0]) == ["1", "2"]


def test_frames_need_a_library_that_is_there(db):
    with pytest.raises(ValueError, match="one of pandas, polars"):
        db.scan_frame(library="numpy")


def test_a_notebook(db):
    db.execute_many(("SET", f"user:{number}", 1) for number in range(12_000))
    page = db._repr_html_()
    assert "<td>user:*</td><td>string</td>" in page and "12,007 keys in 1 databases" in page
    assert "keys looked at" in page
    db.close()
    assert "closed" in db._repr_html_()
