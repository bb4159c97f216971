"""Waiting for keys, in process: who is served when, what ends a wait, and what waiting costs."""

import time

import pytest

from redracer.core.session import BLOCKED
from redracer.engine.effects import Feed
from tests.unit.commands.served import Served

ATTEMPTS = 10_000  # to see a deadline pass
PAUSE = 0.001  # s between two attempts


class Timer:
    """What call_later gives back, and the call that it stands for."""

    def __init__(self, seconds, callback):
        self.seconds = seconds
        self.callback = callback
        self.cancelled = False

    def cancel(self):
        self.cancelled = True


class World(Served):
    """Clients of an engine whose timers are fired by hand."""

    def __init__(self):
        super().__init__()
        self.timers = []
        self.engine.ports["call_later"] = self.call_later
        self.blocking = self.engine.blocking

    def call_later(self, seconds, callback):
        self.timers.append(Timer(seconds, callback))
        return self.timers[-1]

    def wait(self, name, line):
        """Has a client send a request that blocks it."""
        assert self.run(line, name) == b""
        assert self.client(name).state & BLOCKED

    def got(self, name):
        """What a client has been sent since it was asked last."""
        return self.client(name).out.take()

    def fire(self):
        """Calls the timer that is due, and those that follow from it, until nobody's deadline is left."""
        for _ in range(ATTEMPTS):
            if not self.blocking.timed_count:
                return
            live = [timer for timer in self.timers if not timer.cancelled]
            assert len(live) == 1
            self.timers.clear()
            time.sleep(PAUSE)
            live[0].callback()
        pytest.fail("a deadline does not pass")

    def calls(self, command):
        """What INFO commandstats counts of a command: calls, failed ones."""
        for line in self.text(b"INFO commandstats").splitlines():
            if line.startswith(f"cmdstat_{command}:"):
                fields = dict(field.split("=") for field in line.partition(":")[2].split(","))
                return int(fields["calls"]), int(fields["failed_calls"])
        return 0, 0


@pytest.fixture
def world():
    return World()


def pair(key, value):
    return b"*2\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(key), key, len(value), value)


def bulk(value):
    return b"$%d\r\n%s\r\n" % (len(value), value)


class TestOrder:
    def test_first_come_first_served(self, world):
        for name in ("a", "b", "c"):
            world.wait(name, b"BLPOP k 0")
        world.run(b"RPUSH k 1")
        world.run(b"RPUSH k 2 3 4")
        assert [world.got(name) for name in ("a", "b", "c")] == [pair(b"k", b"%d" % at) for at in (1, 2, 3)]
        assert world.run(b"LRANGE k 0 -1") == b"*1\r\n$1\r\n4\r\n"

    def test_the_order_is_kept_over_other_types(self, world):
        world.wait("set", b"BZPOPMIN k 0")
        world.wait("list", b"BLPOP k 0")
        world.run(b"RPUSH k x")
        assert world.got("list") == pair(b"k", b"x")
        world.run(b"ZADD k 1 m")
        assert world.got("set") == b"*3\r\n$1\r\nk\r\n$1\r\nm\r\n$1\r\n1\r\n"

    def test_every_key_is_waited_for_and_one_serves(self, world):
        world.wait("a", b"BLPOP k1 k2 k1 0")
        world.run(b"RPUSH k2 x")
        assert world.got("a") == pair(b"k2", b"x")
        world.run(b"RPUSH k1 y")
        assert world.got("a") == b""
        assert world.run(b"LLEN k1") == b":1\r\n"

    def test_one_who_cannot_be_served_keeps_its_place(self, world):
        world.wait("a", b"BLMOVE k d LEFT RIGHT 0")
        world.wait("b", b"BLPOP k 0")
        world.run(b"SET k text")
        world.run(b"DEL k")
        world.run(b"RPUSH k 1 2")
        assert world.got("a") == bulk(b"1")
        assert world.got("b") == pair(b"k", b"2")

    def test_another_type_wakes_nobody(self, world):
        world.wait("a", b"BLPOP k 0")
        world.run(b"SADD k member")
        world.run(b"DEL k")
        assert world.got("a") == b""
        world.run(b"LPUSH k x")
        assert world.got("a") == pair(b"k", b"x")

    def test_a_refusal_on_being_called_again_ends_the_wait(self, world):
        world.run(b"SET d text")
        world.wait("a", b"BLMOVE k d LEFT LEFT 0")
        world.wait("b", b"BLPOP k 0")
        world.run(b"RPUSH k x")
        assert world.got("a").startswith(b"-WRONGTYPE")
        assert world.got("b") == pair(b"k", b"x")
        assert world.calls("blmove") == (1, 1)


class TestChains:
    def test_one_move_feeds_the_next(self, world):
        world.wait("last", b"BLPOP k4 0")
        world.wait("second", b"BLMOVE k2 k3 LEFT RIGHT 0")
        world.wait("third", b"BRPOPLPUSH k3 k4 0")
        world.wait("first", b"BLMOVE k1 k2 LEFT RIGHT 0")
        world.run(b"RPUSH k1 x")
        assert [world.got(name) for name in ("first", "second", "third")] == [bulk(b"x")] * 3
        assert world.got("last") == pair(b"k4", b"x")
        assert world.run(b"EXISTS k1 k2 k3 k4") == b":0\r\n"

    def test_a_circle_ends(self, world):
        world.wait("a", b"BRPOPLPUSH k1 k2 0")
        world.wait("b", b"BRPOPLPUSH k2 k1 0")
        world.run(b"RPUSH k1 x")
        assert world.got("a") == world.got("b") == bulk(b"x")
        assert world.run(b"LRANGE k1 0 -1") == b"*1\r\n$1\r\nx\r\n"

    def test_a_list_that_feeds_itself(self, world):
        world.wait("a", b"BRPOPLPUSH k k 0")
        world.run(b"RPUSH k x")
        assert world.got("a") == bulk(b"x")
        assert world.run(b"LRANGE k 0 -1") == b"*1\r\n$1\r\nx\r\n"

    def test_many_in_a_row(self, world):
        links = 300
        for at in range(links):
            world.wait(f"c{at}", b"BLMOVE k%d k%d LEFT RIGHT 0" % (at, at + 1))
        world.run(b"RPUSH k0 x y")
        assert all(world.got(f"c{at}") == bulk(b"x") for at in range(links))
        assert world.run(b"LRANGE k%d 0 -1" % links) == b"*1\r\n$1\r\nx\r\n"
        assert world.run(b"LRANGE k0 0 -1") == b"*1\r\n$1\r\ny\r\n"

    def test_a_waiter_that_is_killed_meanwhile_is_passed_over(self, world):
        world.wait("a", b"BLPOP k 0")
        world.wait("b", b"BLPOP k 0")
        world.run(b"CLIENT KILL ID %d" % world.client("a").id)
        world.run(b"RPUSH k x")
        assert world.got("b") == pair(b"k", b"x")


class TestKeysThatAppear:
    @pytest.mark.parametrize(
        "lines",
        [
            [b"RPUSH other x", b"RENAME other k"],
            [b"RPUSH other x", b"RENAMENX other k"],
            [b"RPUSH other x", b"COPY other k"],
            [b"RPUSH other x", b"LMOVE other k LEFT LEFT"],
            [b"SELECT 3", b"RPUSH k x", b"MOVE k 0"],
            [b"SELECT 3", b"RPUSH k x", b"COPY k k DB 0"],
            [b"SELECT 3", b"RPUSH k x", b"SWAPDB 3 0"],
            [b"SELECT 3", b"RPUSH k x", b"SWAPDB 0 3"],
        ],
    )
    def test_by_whatever_command(self, world, lines):
        world.wait("a", b"BLPOP k 0")
        for line in lines:
            world.run(line)
        assert world.got("a") == pair(b"k", b"x")

    def test_in_its_own_database_only(self, world):
        world.run(b"SELECT 1", "a")
        world.wait("a", b"BLPOP k 0")
        world.run(b"RPUSH k x")
        assert world.got("a") == b""
        world.run(b"MOVE k 1")
        assert world.got("a") == pair(b"k", b"x")

    def test_emptied_databases_wake_nobody_who_waits_for_data(self, world):
        world.run(b"RPUSH other x")
        world.wait("a", b"BLPOP k 0")
        for line in (b"FLUSHDB", b"FLUSHALL", b"SWAPDB 0 1"):
            world.run(line)
            assert world.got("a") == b""
        world.run(b"RPUSH k y")
        assert world.got("a") == pair(b"k", b"y")

    @pytest.mark.parametrize(
        ("line", "refusal"),
        [
            (b"DEL k", b"-NOGROUP"),
            (b"UNLINK k", b"-NOGROUP"),
            (b"FLUSHALL", b"-NOGROUP"),
            (b"FLUSHDB ASYNC", b"-NOGROUP"),
            (b"SWAPDB 0 1", b"-NOGROUP"),
            (b"RENAME k other", b"-NOGROUP"),
            (b"SET k text", b"-WRONGTYPE"),
        ],
    )
    def test_a_group_s_readers_wake_when_their_key_ends(self, world, line, refusal):
        world.run(b"XGROUP CREATE k g $ MKSTREAM")
        world.wait("a", b"XREADGROUP GROUP g me BLOCK 0 STREAMS k >")
        world.wait("b", b"XREAD BLOCK 0 STREAMS k $")
        world.run(line)
        assert world.got("a").startswith(refusal)
        assert world.got("b") == b""

    def test_every_reader_of_a_stream_is_served(self, world):
        names = [f"reader{at}" for at in range(20)]
        for name in names:
            world.wait(
                name, b"XREAD BLOCK 0 STREAMS s 0-0" if name != "reader3" else b"XREAD BLOCK 0 STREAMS s 9-9"
            )
        world.run(b"XADD s 1-1 f v")
        served = [name for name in names if world.got(name)]
        assert served == [name for name in names if name != "reader3"]
        world.run(b"XADD s 10-0 f v")
        assert world.got("reader3")


class TestEnds:
    @pytest.mark.parametrize(
        "line", [b"BLPOP k 0.001", b"BLMOVE k d LEFT LEFT 0.001", b"BLMPOP 0.001 1 k LEFT"]
    )
    @pytest.mark.parametrize(("protocol", "null"), [(b"2", b"*-1\r\n"), (b"3", b"_\r\n")])
    def test_the_time_is_over(self, world, line, protocol, null):
        world.run(b"HELLO " + protocol, "a")
        world.wait("a", line)
        world.fire()
        assert world.got("a") == null
        assert not world.client("a").state & BLOCKED
        assert not world.blocking.waiters
        assert not world.blocking.queues

    def test_the_timer_is_set_for_the_first_deadline(self, world):
        world.wait("a", b"BLPOP k 100")
        world.wait("b", b"BLPOP k 0.5")
        world.wait("c", b"BLPOP k 200")
        assert [round(timer.seconds, 2) for timer in world.timers] == [100, 0.5]
        assert [timer.cancelled for timer in world.timers] == [True, False]

    def test_a_timer_that_comes_early_ends_nothing(self, world):
        world.wait("a", b"BLPOP k 100")
        world.timers.pop().callback()
        assert world.got("a") == b""
        assert len(world.timers) == 1

    def test_in_the_order_of_their_deadlines(self, world):
        world.wait("a", b"BLPOP k 0.004")
        world.wait("b", b"BLPOP k 0.002")
        world.wait("c", b"BLPOP k 0")
        world.fire()
        assert world.got("a") == world.got("b") == b"*-1\r\n"
        assert world.got("c") == b""

    def test_unblocked_as_by_time(self, world):
        world.wait("a", b"BLPOP k 0")
        assert world.run(b"CLIENT UNBLOCK %d" % world.client("a").id) == b":1\r\n"
        assert world.got("a") == b"*-1\r\n"
        assert world.calls("blpop") == (1, 0)

    def test_unblocked_with_an_error(self, world):
        world.wait("a", b"BLPOP k 100")
        assert world.run(b"CLIENT UNBLOCK %d ERROR" % world.client("a").id) == b":1\r\n"
        assert world.got("a") == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"
        assert world.calls("blpop") == (1, 1)
        assert "errorstat_UNBLOCKED:count=1" in world.text(b"INFO errorstats")

    def test_nobody_to_unblock(self, world):
        assert world.run(b"CLIENT UNBLOCK %d" % world.client("a").id) == b":0\r\n"
        assert world.run(b"CLIENT UNBLOCK 999") == b":0\r\n"

    def test_a_client_that_is_gone_takes_nothing(self, world):
        world.wait("a", b"BLPOP k other 0")
        world.client("a").transport.close()
        world.run(b"RPUSH k x")
        assert world.run(b"LLEN k") == b":1\r\n"
        assert not world.blocking.queues

    def test_a_reply_to_be_skipped_is_skipped_when_it_comes(self, world):
        world.run(b"CLIENT REPLY SKIP", "a")
        world.wait("a", b"BLPOP k 0")
        world.run(b"RPUSH k x")
        assert world.got("a") == b""
        assert world.run(b"PING", "a") == b"+PONG\r\n"


class TestAccounts:
    def test_a_wait_is_one_call(self, world):
        world.wait("a", b"BLPOP k 0")
        assert world.calls("blpop") == (0, 0)
        world.run(b"RPUSH k x")
        assert world.calls("blpop") == (1, 0)
        world.got("a")
        world.wait("a", b"BLPOP k 0.001")
        world.fire()
        assert world.calls("blpop") == (2, 0)

    def test_info_counts_waits_and_keys(self, world):
        world.run(b"XGROUP CREATE s g $ MKSTREAM")
        world.wait("a", b"BLPOP k1 k2 0")
        world.wait("b", b"BLPOP k2 k3 100")
        world.wait("c", b"XREADGROUP GROUP g me BLOCK 0 STREAMS s >")
        info = world.text(b"INFO clients")
        for field in (
            "blocked_clients:3",
            "clients_in_timeout_table:1",
            "total_blocking_keys:4",
            "total_blocking_keys_on_nokey:1",
        ):
            assert field in info.splitlines()

    def test_keys_are_observed_only_while_somebody_waits(self, world):
        assert not world.engine.effects.observed
        world.wait("a", b"BLPOP k 0")
        assert world.engine.effects.observed
        world.run(b"RPUSH k x")
        assert not world.engine.effects.observed

    def test_the_plain_form_is_what_spreads(self, world):
        units = []

        class Recorder(Feed):
            def feed(self, commands):
                units.append([argv for _, argv in commands])

        world.engine.effects.add_feed(Recorder())
        world.wait("a", b"BLPOP k 0")
        world.wait("b", b"BLMOVE k d LEFT RIGHT 0")
        world.wait("c", b"BLMPOP 0 1 d LEFT COUNT 5")
        world.run(b"RPUSH k 1 2")
        assert units == [
            [[b"RPUSH", b"k", b"1", b"2"]],
            [[b"LPOP", b"k"]],
            [[b"LMOVE", b"k", b"d", b"LEFT", b"RIGHT"]],
            [[b"LPOP", b"d", b"1"]],
        ]

    def test_deadlines_of_waits_that_are_over_do_not_pile_up(self, world):
        world.wait("long", b"BLPOP other 1000")
        for _ in range(1000):
            world.wait("a", b"BLPOP k 1000")
            world.run(b"RPUSH k x")
            world.got("a")
        assert world.blocking.timed_count == 1
        assert len(world.blocking.deadlines) < 200

    def test_ten_thousand_are_served_in_order(self, world, monkeypatch):
        count = 10_000
        for at in range(count):
            world.wait(f"c{at}", b"BLPOP k 0")
        called = []
        blpop = world.engine.commands[b"blpop"]
        handler = blpop.handler
        monkeypatch.setattr(blpop, "handler", lambda ctx, args: (called.append(args), handler(ctx, args))[1])
        world.run(b"RPUSH k first")
        assert len(called) == 1  # those behind are not looked at
        world.run([b"RPUSH", b"k", *(b"%d" % at for at in range(1, count))])
        assert world.got("c0") == pair(b"k", b"first")
        assert all(world.got(f"c{at}") == pair(b"k", b"%d" % at) for at in range(1, count))
        assert len(called) == count
