"""What list commands do besides replying: encodings, events, changes counted, what spreads, what a refusal leaves.

The replies are compared with a real server's in test_against_redis.py.
"""

import pytest

from redracer.core.memory import used_memory
from redracer.core.type_spec import type_spec
from redracer.engine.effects import Feed
from redracer.types.list.quicklist import set_packed_threshold
from tests.unit.commands.served import Served

LIST = 1


class World(Served, Feed):
    """An engine whose events and propagated commands are written down."""

    def __init__(self):
        super().__init__()
        self.events = []
        self.units = []
        self.engine.effects.observe(self)
        self.engine.effects.add_feed(self)

    def key_changed(self, database, key, event):
        self.events.append((event, key))

    def key_event(self, database, key, event):
        self.events.append((event, key))

    def databases_flushed(self, databases):
        pass

    def databases_swapped(self, first, second):
        pass

    def feed(self, commands):
        self.units += [argv for _, argv in commands]

    def after(self, *lines):
        """The events, the propagated commands and the changes of the last line."""
        for line in lines[:-1]:
            self.run(line)
        self.events.clear()
        self.units.clear()
        dirty = self.engine.effects.dirty
        self.run(lines[-1])
        return self.events, self.units, self.engine.effects.dirty - dirty

    def encoding(self, key=b"k"):
        return self.text([b"OBJECT", b"ENCODING", key])

    def items(self, key=b"k"):
        spec = type_spec(LIST)
        value = spec.value(self.engine.databases[0], key)
        return [self.run([b"LINDEX", key, b"%d" % at]).split(b"\r\n")[1] for at in range(len(value))]


@pytest.fixture
def world():
    return World()


class TestEncodings:
    def test_small_lists_are_listpacks(self, world):
        world.run(b"RPUSH k a b c")
        assert world.encoding() == "listpack"

    def test_a_list_grows_by_bytes(self, world):
        world.run([b"RPUSH", b"k", b"x" * 8000])
        assert world.encoding() == "listpack"
        world.run([b"RPUSH", b"k", b"x" * 200])
        assert world.encoding() == "quicklist"

    def test_a_list_grows_by_items(self, world):
        world.run(b"CONFIG SET list-max-listpack-size 3")
        world.run(b"RPUSH k a b c")
        assert world.encoding() == "listpack"
        world.run(b"LPUSH k d")
        assert world.encoding() == "quicklist"
        assert world.items() == [b"d", b"a", b"b", b"c"]

    def test_a_list_of_items_still_has_a_limit_in_bytes(self, world):
        world.run(b"CONFIG SET list-max-listpack-size 100")
        world.run([b"RPUSH", b"k", b"x" * 5000, b"y" * 5000])
        assert world.encoding() == "quicklist"

    def test_a_large_first_item_makes_a_quicklist(self, world):
        world.run([b"RPUSH", b"k", b"x" * 9000])
        assert world.encoding() == "quicklist"

    @pytest.mark.parametrize("command", [b"LPOP k 2", b"RPOP k 2", b"LTRIM k 2 -1", b"LREM k 0 a"])
    def test_a_quicklist_shrinks_below_half_of_the_limit(self, world, command):
        world.run(b"CONFIG SET list-max-listpack-size 4")
        world.run(b"RPUSH k a b a c d")
        world.run(b"LPOP k")
        world.run(b"RPUSH k a")
        world.run(b"LREM k -1 a")
        assert world.encoding() == "quicklist"
        world.run(b"LPUSH k a")
        world.run(command)
        world.run(b"RPOP k")
        assert world.encoding() == "listpack"

    def test_half_of_the_limit_is_small_enough(self, world):
        world.run(b"CONFIG SET list-max-listpack-size 4")
        world.run(b"RPUSH k a b c d e")
        world.run(b"RPOP k 2")
        assert world.encoding() == "quicklist"
        world.run(b"RPOP k")
        assert world.encoding() == "listpack"
        assert world.items() == [b"a", b"b"]

    def test_set_and_insert_grow_and_shrink(self, world):
        world.run(b"RPUSH k a b c")
        world.run([b"LSET", b"k", b"1", b"x" * 9000])
        assert world.encoding() == "quicklist"
        world.run(b"LSET k 1 b")
        assert world.encoding() == "listpack"
        world.run([b"LINSERT", b"k", b"AFTER", b"b", b"x" * 9000])
        assert world.encoding() == "quicklist"
        assert world.items() == [b"a", b"b", b"x" * 9000, b"c"]

    def test_the_limits_are_each_engine_s_own(self, world):
        other = World()
        other.run(b"CONFIG SET list-max-listpack-size 1")
        for each in (world, other, world, other):
            each.run(b"DEL k")
            each.run(b"RPUSH k a b")
        assert (world.encoding(), other.encoding()) == ("listpack", "quicklist")

    def test_a_copy_is_independent(self, world):
        world.run(b"RPUSH small a b")
        world.run([b"RPUSH", b"large", b"a", b"x" * 9000])
        for name in (b"small", b"large"):
            world.run(b"COPY %s k REPLACE" % name)
            assert world.encoding() == world.encoding(name)
            world.run(b"LPOP " + name)
            assert world.run(b"LLEN k") == b":2\r\n"


class TestEffects:
    @pytest.mark.parametrize(
        ("lines", "events", "units", "changes"),
        [
            ([b"RPUSH k a b c"], ["rpush k"], [b"RPUSH k a b c"], 3),
            ([b"LPUSHX k a"], [], [], 0),
            ([b"RPUSH k a", b"LPUSHX k b c"], ["lpush k"], [b"LPUSHX k b c"], 2),
            ([b"RPUSH k a b", b"LPOP k"], ["lpop k"], [b"LPOP k"], 1),
            ([b"RPUSH k a b", b"RPOP k 5"], ["rpop k", "del k"], [b"RPOP k 5"], 2),
            ([b"RPUSH k a", b"RPOP k 0"], [], [], 0),
            ([b"RPUSH k a b", b"LSET k 0 c"], ["lset k"], [b"LSET k 0 c"], 1),
            ([b"RPUSH k a b", b"LSET k 9 c"], [], [], 0),
            ([b"RPUSH k a b", b"LINSERT k BEFORE b c"], ["linsert k"], [b"LINSERT k BEFORE b c"], 1),
            ([b"RPUSH k a b", b"LINSERT k BEFORE z c"], [], [], 0),
            ([b"RPUSH k a b a", b"LREM k 0 a"], ["lrem k"], [b"LREM k 0 a"], 2),
            ([b"RPUSH k a a", b"LREM k 0 a"], ["lrem k", "del k"], [b"LREM k 0 a"], 2),
            ([b"RPUSH k a", b"LREM k 0 z"], [], [], 0),
            ([b"RPUSH k a b c d", b"LTRIM k 1 1"], ["ltrim k"], [b"LTRIM k 1 1"], 3),
            ([b"RPUSH k a b", b"LTRIM k 5 9"], ["ltrim k", "del k"], [b"LTRIM k 5 9"], 2),
            ([b"RPUSH k a b", b"LTRIM k 0 -1"], ["ltrim k"], [], 0),
            ([b"RPUSH k a b", b"LMOVE k d LEFT RIGHT"], ["rpush d", "lpop k"], [b"LMOVE k d LEFT RIGHT"], 1),
            ([b"RPUSH k a", b"RPOPLPUSH k d"], ["lpush d", "rpop k", "del k"], [b"RPOPLPUSH k d"], 1),
            ([b"RPUSH k a b", b"RPOPLPUSH k k"], ["lpush k", "rpop k"], [b"RPOPLPUSH k k"], 1),
            ([b"RPUSH k a b c", b"LMPOP 2 none k RIGHT COUNT 2"], ["rpop k"], [b"RPOP k 2"], 2),
            ([b"RPUSH k a", b"LMPOP 1 k LEFT COUNT 9"], ["lpop k", "del k"], [b"LPOP k 1"], 1),
            ([b"RPUSH k a", b"BLPOP none k 0"], ["lpop k", "del k"], [b"LPOP k"], 1),
            ([b"RPUSH k a b", b"BRPOP k 0"], ["rpop k"], [b"RPOP k"], 1),
            (
                [b"RPUSH k a", b"BLMOVE k d left Right 0"],
                ["rpush d", "lpop k", "del k"],
                [b"LMOVE k d left Right"],
                1,
            ),
            ([b"RPUSH k a", b"BRPOPLPUSH k d 0"], ["lpush d", "rpop k", "del k"], [b"RPOPLPUSH k d"], 1),
            ([b"RPUSH k a b", b"BLMPOP 0 1 k LEFT"], ["lpop k"], [b"LPOP k 1"], 1),
        ],
    )
    def test_events_changes_and_what_spreads(self, world, lines, events, units, changes):
        found = world.after(*lines)
        assert [f"{event} {key.decode()}" for event, key in found[0]] == events
        assert [b" ".join(argv) for argv in found[1]] == units
        assert found[2] == changes

    def test_a_wrong_destination_leaves_the_source(self, world):
        world.run(b"SET d text")
        world.run(b"RPUSH k a")
        for line in (
            b"LMOVE k d LEFT LEFT",
            b"RPOPLPUSH k d",
            b"BLMOVE k d LEFT LEFT 0",
            b"BRPOPLPUSH k d 0",
        ):
            events, units, changes = world.after(line)
            assert world.error(line).startswith("WRONGTYPE")
            assert (events, units, changes) == ([], [], 0)
        assert world.items() == [b"a"]

    def test_moving_within_a_list_that_is_at_its_limit(self, world):
        world.run(b"CONFIG SET list-max-listpack-size 2")
        world.run(b"RPUSH k a b")
        world.run(b"CONFIG SET list-max-listpack-size 1")
        world.run(b"LMOVE k k LEFT RIGHT")
        assert world.items() == [b"b", b"a"]
        world.run(b"LPOP k")
        world.run(b"LMOVE k k LEFT RIGHT")
        assert world.items() == [b"a"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("line", "text"),
        [
            (b"LPOP k 1 2", "ERR wrong number of arguments for 'lpop' command"),
            (b"RPOP k -1", "ERR value is out of range, must be positive"),
            (b"RPOP k x", "ERR value is out of range, must be positive"),
            (b"LSET none 0 a", "ERR no such key"),
            (b"LSET k x a", "ERR value is not an integer or out of range"),
            (b"LSET k 5 a", "ERR index out of range"),
            (b"LSET k -2 a", "ERR index out of range"),
            (
                b"LPOS k a RANK 0",
                "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
                "or use negative to start from the end of the list",
            ),
            (
                b"LPOS k a RANK -9223372036854775808",
                "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
            ),
            (b"LPOS k a COUNT -1", "ERR COUNT can't be negative"),
            (b"LPOS k a MAXLEN -1", "ERR MAXLEN can't be negative"),
            (b"LPOS k a RANK", "ERR syntax error"),
            (
                b"LREM k -9223372036854775808 a",
                "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
            ),
            (b"LMPOP 0 k LEFT", "ERR numkeys should be greater than 0"),
            (b"LMPOP 1 k LEFT COUNT 0", "ERR count should be greater than 0"),
            (b"LMPOP 1 k LEFT COUNT 1 COUNT 1", "ERR syntax error"),
            (b"LMPOP 2 k LEFT", "ERR syntax error"),
            (b"LMPOP 9223372036854775807 k LEFT", "ERR syntax error"),
            (b"BLPOP k x", "ERR timeout is not a float or out of range"),
            (b"BLPOP k -1", "ERR timeout is negative"),
            (b"BLPOP k inf", "ERR timeout is out of range"),
            (b"BLMPOP -1 1 k LEFT", "ERR timeout is negative"),
            (b"BLMPOP -1 0 k LEFT", "ERR numkeys should be greater than 0"),
            (b"BLMOVE k d LEFT UP -1", "ERR syntax error"),
        ],
    )
    def test_words(self, world, line, text):
        world.run(b"RPUSH k a")
        assert world.error(line) == text

    @pytest.mark.parametrize(
        "line",
        [
            b"LPUSH s a", b"RPUSHX s a", b"LPOP s", b"RPOP s 0", b"LLEN s", b"LRANGE s 0 1", b"LINDEX s 0",
            b"LSET s 0 a", b"LINSERT s BEFORE a b", b"LREM s 0 a", b"LTRIM s 0 1", b"LPOS s a", b"LMOVE s k LEFT LEFT",
            b"LMPOP 1 s LEFT", b"BLPOP none s 0", b"BLMPOP 0 1 s LEFT",
        ],
    )  # fmt: skip
    def test_another_type(self, world, line):
        world.run(b"SET s text")
        assert world.error(line).startswith("WRONGTYPE")


class TestMemory:
    def test_lists_give_back_what_they_took(self, world):
        world.run(b"PING")
        before = used_memory()
        for items in ([b"a", b"12", b"ccc"], [b"x" * 500] * 100, [b"y" * 20000] * 5):
            world.run([b"RPUSH", b"k", *items])
            size = int(world.run(b"MEMORY USAGE k")[1:-2])
            assert 0 <= size - (used_memory() - before) <= 16  # the slot in the table was there before
            world.run(b"DEL k")
            assert used_memory() == before

    def test_a_long_list_is_freed_behind_the_commands(self, world):
        before = used_memory()
        world.run([b"RPUSH", b"k", *[b"x" * 500] * 20000])
        world.run(b"UNLINK k")
        assert world.engine.lazy_free.pending == 1
        while world.engine.work():
            pass
        assert used_memory() == before


class TestDebug:
    def test_the_threshold_of_plain_nodes(self, world):
        world.engine.config.values["enable-debug-command"] = "yes"
        try:
            assert world.run(b"DEBUG QUICKLIST-PACKED-THRESHOLD 100b") == b"+OK\r\n"
            world.run(b"CONFIG SET list-max-listpack-size 1")
            world.run([b"RPUSH", b"k", b"a", b"x" * 100])
            assert [plain for plain, _ in world.engine.databases[0].get_object(b"k", LIST).listpacks] == [
                False,
                True,
            ]
            for wrong in (b"x", b"4gb"):
                assert world.error(b"DEBUG QUICKLIST-PACKED-THRESHOLD " + wrong).startswith(
                    "ERR argument must be"
                )
        finally:
            set_packed_threshold(0)

    def test_the_digest_and_the_serialized_length(self, world):
        world.engine.config.values["enable-debug-command"] = "yes"
        world.run([b"RPUSH", b"k", b"1", b"2", b"x", b"y" * 500])
        # Both as redis-server 7.0.15 tells them.
        assert world.run(b"DEBUG DIGEST-VALUE k") == b"*1\r\n+ce31b2ee16fcd5157bdc06cd564b52e1ab4691de\r\n"
        assert b" serializedlength:33 " in world.run(b"DEBUG OBJECT k")
