"""MULTI, EXEC, DISCARD, WATCH, UNWATCH, in process: what is queued, what fails, what a watcher notices."""

import pytest

from redracer.engine.client import NO_BLOCKING, NO_TOUCH
from redracer.engine.effects import Feed
from tests.unit.commands.served import Served

OK = b"+OK\r\n"
QUEUED = b"+QUEUED\r\n"
NULL_ARRAY = b"*-1\r\n"
NESTED = "ERR MULTI calls can not be nested"
OWN_GATE = 1 << 15  # that nothing else uses
FAILED = "EXECABORT Transaction discarded because of previous errors."


class Recorder(Feed):
    def __init__(self):
        self.units = []

    def feed(self, units):
        self.units.append([(database, b" ".join(argv)) for database, argv in units])


@pytest.fixture
def served():
    return Served()


def queue(served, *lines, name="main"):
    assert served.run(b"MULTI", name) == OK
    for line in lines:
        assert served.run(line, name) == QUEUED


class TestQueue:
    def test_commands_run_at_exec_in_their_order(self, served):
        queue(served, b"SET k 1", b"INCR k", b"GET k")
        assert served.run(b"EXISTS k", "other") == b":0\r\n"
        assert served.run(b"EXEC") == b"*3\r\n+OK\r\n:2\r\n$1\r\n2\r\n"
        assert served.run(b"GET k") == b"$1\r\n2\r\n"

    def test_an_error_stops_nothing(self, served):
        queue(served, b"SET k a", b"INCR k", b"SET j 1")
        assert served.run(b"EXEC") == (
            b"*3\r\n+OK\r\n-ERR value is not an integer or out of range\r\n+OK\r\n"
        )

    def test_an_empty_transaction(self, served):
        queue(served)
        assert served.run(b"EXEC") == b"*0\r\n"

    def test_without_multi(self, served):
        assert served.error(b"EXEC") == "ERR EXEC without MULTI"
        assert served.error(b"DISCARD") == "ERR DISCARD without MULTI"

    def test_nothing_nests(self, served):
        queue(served, b"PING")
        assert served.error(b"MULTI") == NESTED
        assert served.error(b"WATCH k") == "ERR WATCH inside MULTI is not allowed"
        assert served.run(b"EXEC") == b"*1\r\n+PONG\r\n"

    def test_discard_forgets(self, served):
        queue(served, b"SET k 1")
        assert served.run(b"DISCARD") == OK
        assert served.run(b"EXISTS k") == b":0\r\n"

    def test_select_holds_for_the_rest_and_after(self, served):
        queue(served, b"SELECT 3", b"SET k 1")
        assert served.run(b"EXEC") == b"*2\r\n+OK\r\n+OK\r\n"
        assert served.client().db.index == 3
        assert len(served.engine.databases[3]) == 1

    def test_nothing_blocks_inside(self, served):
        queue(served, b"BLPOP l 0", b"XREAD BLOCK 0 STREAMS s $")
        assert served.run(b"EXEC") == b"*2\r\n*-1\r\n*-1\r\n"
        assert served.client().blocked is None
        assert not served.client().flags & NO_BLOCKING

    def test_a_waiting_client_is_served_after_the_whole(self, served):
        served.run(b"BLPOP l 0", "waiter")
        queue(served, b"RPUSH l a", b"DEL l")
        served.run(b"EXEC")
        assert served.client("waiter").out.take() == b""
        queue(served, b"RPUSH l a", b"LPUSH l b")
        served.run(b"EXEC")
        assert served.client("waiter").out.take() == b"*2\r\n$1\r\nl\r\n$1\r\nb\r\n"

    def test_reset_ends_it(self, served):
        served.run(b"WATCH k")
        queue(served, b"SET k 1")
        served.run(b"RESET")
        assert served.error(b"EXEC") == "ERR EXEC without MULTI"
        assert served.engine.watches.key_count == 0

    def test_quit_is_not_queued(self, served):
        queue(served)
        assert served.run(b"QUIT") == OK

    def test_no_touch_holds_inside(self, served):
        served.run(b"CLIENT NO-TOUCH ON")
        queue(served, b"GET k")
        assert served.run(b"EXEC") == b"*1\r\n$-1\r\n"
        assert served.client().flags & NO_TOUCH


class TestRefusals:
    @pytest.mark.parametrize("wrong", [b"nosuch", b"GET", b"CONFIG nosuch"])
    def test_what_cannot_be_queued_fails_the_whole(self, served, wrong):
        queue(served, b"SET k 1")
        served.error(wrong)
        assert served.run(b"SET j 1") == QUEUED
        assert served.error(b"EXEC") == FAILED
        assert served.run(b"EXISTS k j") == b":0\r\n"

    def test_what_no_transaction_may_do(self, served):
        queue(served)
        assert served.error(b"SAVE") == "ERR Command not allowed inside a transaction"
        assert served.error(b"EXEC") == FAILED

    def test_so_does_a_guard(self, served):
        refused = b"OOM command not allowed"
        served.engine.dispatcher.guard(
            OWN_GATE, lambda client, command, argv: refused if command.name == b"set" else None
        )
        served.engine.dispatcher.gates |= OWN_GATE
        queue(served)
        served.error(b"SET k 1")
        assert served.error(b"EXEC") == FAILED

    def test_exec_itself_refused_ends_the_transaction(self, served):
        queue(served, b"SET k 1")
        assert served.error(b"EXEC now") == (
            "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command"
        )
        assert served.error(b"EXEC") == "ERR EXEC without MULTI"

    def test_a_user_is_asked_about_again(self, served):
        served.run(b"ACL SETUSER alice on nopass ~* +@all", "other")
        served.run(b"AUTH alice x")
        queue(served, b"SET k 1", b"PING")
        served.run(b"ACL SETUSER alice -set", "other")
        reply = served.run(b"EXEC")
        assert reply.startswith(b"*2\r\n-NOPERM ACLs rules changed between")
        assert reply.endswith(b"+PONG\r\n")


class TestWatch:
    def test_another_client_changes_the_key(self, served):
        served.run(b"WATCH k other")
        served.run(b"SET k 1", "other")
        queue(served, b"SET j 1")
        assert served.run(b"EXEC") == NULL_ARRAY
        assert served.run(b"EXISTS j") == b":0\r\n"
        queue(served, b"PING")
        assert served.run(b"EXEC") == b"*1\r\n+PONG\r\n"

    def test_so_does_the_client_itself(self, served):
        served.run(b"WATCH k")
        served.run(b"SET k 1")
        queue(served)
        assert served.run(b"EXEC") == NULL_ARRAY

    def test_keys_are_those_of_a_database(self, served):
        served.run(b"WATCH k")
        served.run(b"SELECT 1", "other")
        served.run(b"SET k 1", "other")
        queue(served)
        assert served.run(b"EXEC") == b"*0\r\n"

    @pytest.mark.parametrize("end", [b"UNWATCH", b"DISCARD", b"EXEC"])
    def test_forgets(self, served, end):
        served.run(b"WATCH k")
        served.run(b"SET k 1", "other")
        if end != b"UNWATCH":
            queue(served)
        served.run(end)
        queue(served)
        assert served.run(b"EXEC") == b"*0\r\n"
        assert not served.engine.effects.observed

    def test_a_failed_transaction_says_so_first(self, served):
        served.run(b"WATCH k")
        served.run(b"SET k 1", "other")
        served.run(b"MULTI")
        served.error(b"nosuch")
        assert served.error(b"EXEC") == FAILED

    def test_a_client_that_leaves_watches_no_more(self, served):
        served.run(b"WATCH a b", "other")
        assert served.info("clients")["total_watched_keys"] == "2"
        assert served.info("clients")["watching_clients"] == "1"
        served.engine.client_gone(served.client("other"))
        assert served.info("clients")["total_watched_keys"] == "0"
        assert served.info("clients")["watching_clients"] == "0"

    @pytest.mark.parametrize("flush", [b"FLUSHDB", b"FLUSHALL ASYNC"])
    def test_a_flush_touches_the_keys_that_are_there(self, served, flush):
        served.run(b"SET k 1")
        served.run(b"WATCH missing")
        served.run(flush, "other")
        queue(served)
        assert served.run(b"EXEC") == b"*0\r\n"
        served.run(b"SET k 1")
        served.run(b"WATCH k")
        served.run(flush, "other")
        queue(served)
        assert served.run(b"EXEC") == NULL_ARRAY

    @pytest.mark.parametrize(
        ("here", "there", "touched"),
        [(True, False, True), (False, True, True), (True, True, True), (False, False, False)],
    )
    def test_swapdb(self, served, here, there, touched):
        for database, present in ((b"0", here), (b"1", there)):
            served.run(b"SELECT " + database, "other")
            if present:
                served.run(b"SET k 1", "other")
        served.run(b"WATCH k")
        served.run(b"SWAPDB 0 1", "other")
        queue(served)
        assert served.run(b"EXEC") == (NULL_ARRAY if touched else b"*0\r\n")


class TestWatchOfExpiredKeys:
    @pytest.fixture
    def served(self):
        served = Served()
        served.engine.clock.nothing_expires = True
        served.run(b"SET k 1 PXAT 1")
        served.engine.clock.nothing_expires = False
        return served

    def test_its_deletion_is_no_change(self, served):
        served.run(b"WATCH k")
        assert served.run(b"GET k", "other") == b"$-1\r\n"
        queue(served)
        assert served.run(b"EXEC") == b"*0\r\n"

    def test_nor_is_a_flush(self, served):
        served.run(b"WATCH k")
        served.run(b"FLUSHALL", "other")
        queue(served)
        assert served.run(b"EXEC") == b"*0\r\n"

    def test_its_return_is_one(self, served):
        served.run(b"WATCH k")
        served.run(b"SET k 2", "other")
        queue(served)
        assert served.run(b"EXEC") == NULL_ARRAY

    def test_a_key_that_expires_later_is_one(self, served):
        served.engine.clock.nothing_expires = True
        served.run(b"WATCH k")
        served.engine.clock.nothing_expires = False
        queue(served)
        assert served.run(b"EXEC") == NULL_ARRAY

    def test_swapped_away_is_no_change(self, served):
        served.run(b"WATCH k")
        served.run(b"SWAPDB 0 1", "other")
        queue(served)
        assert served.run(b"EXEC") == b"*0\r\n"

    def test_swapped_in_for_nothing_is_no_change(self, served):
        served.run(b"SELECT 1")
        served.run(b"WATCH k")
        served.run(b"SWAPDB 0 1", "other")
        queue(served)
        assert served.run(b"EXEC") == b"*0\r\n"


class TestWhatFollows:
    def test_one_unit_for_the_feeds(self, served):
        feed = Recorder()
        served.engine.effects.add_feed(feed)
        queue(served, b"SET k 1", b"GET k", b"SELECT 2", b"SPOP s", b"INCR k")
        served.run(b"EXEC")
        assert feed.units == [[(0, b"SET k 1"), (2, b"INCR k")]]
        queue(served, b"GET k")
        served.run(b"EXEC")
        assert len(feed.units) == 1

    def test_statistics_are_those_of_each_command(self, served):
        queue(served, b"SET k a", b"INCR k", b"GET k")
        served.run(b"EXEC")
        commands = served.info("commandstats")
        assert commands["cmdstat_set"].startswith("calls=1,")
        assert commands["cmdstat_incr"].endswith("failed_calls=1")
        assert commands["cmdstat_exec"].startswith("calls=1,")
        assert served.engine.commands[b"exec"].nanoseconds > sum(
            served.engine.commands[name].nanoseconds for name in (b"set", b"incr", b"get")
        )
        assert served.client().last_command.name != b"get"

    def test_client_list_tells(self, served):
        served.run(b"WATCH a b")
        queue(served, b"SET k 1", b"SET j 1")
        served.run(b"SET a 1", "other")
        line = served.text(b"CLIENT LIST ID 1", "other")
        fields = dict(field.split("=", 1) for field in line.split())
        assert fields["flags"] == "xd"
        assert fields["multi"] == "2"
        assert fields["watch"] == "0"
        assert int(fields["multi-mem"]) > 10
        assert int(fields["tot-mem"]) > int(fields["multi-mem"])
