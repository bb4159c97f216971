"""INFO: which sections it prints, and that its figures are those of the engine."""

import re

import pytest

from redracer.core.replies import Verbatim
from redracer.engine.info import Section, human, ratio, safe
from tests.unit.commands.served import Served

USUAL = [
    "Server",
    "Clients",
    "Memory",
    "Persistence",
    "Threads",
    "Stats",
    "Replication",
    "CPU",
    "Modules",
    "Errorstats",
    "Cluster",
    "Keyspace",
]
ALL = [*USUAL[:9], "Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace", "Keysizes"]


@pytest.fixture
def world():
    return Served()


def titles(world, line):
    return re.findall(r"^# (.*)\r$", world.value(line).text.decode(), re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"INFO", USUAL),
        (b"INFO default", USUAL),
        (b"INFO all", ALL),
        (b"INFO EVERYTHING", ALL),
        (b"INFO keyspace Server", ["Server", "Keyspace"]),
        (b"INFO server server", ["Server"]),
        (b"INFO default commandstats", [*USUAL[:9], "Commandstats", *USUAL[9:]]),
        (b"INFO nosuch", []),
        (b"INFO nosuch cpu", ["CPU"]),
        (b"INFO debug", ["Debug"]),
    ],
)
def test_sections_are_chosen_by_name_and_always_in_the_same_order(world, line, expected):
    assert titles(world, line) == expected


def test_the_reply_is_text_with_a_blank_line_between_sections(world):
    reply = world.value(b"INFO cluster modules")
    assert isinstance(reply, Verbatim)
    assert reply.format == b"txt"
    assert reply.text == b"# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n"


def test_unknown_sections_alone_give_an_empty_text(world):
    assert world.value(b"INFO nosuch").text == b""


def test_commands_and_errors_are_counted(world):
    world.value(b"SET k v")
    world.value(b"GET k")
    world.value(b"INCR k")
    world.value(b"GET")
    fields = world.info("commandstats", "errorstats", "stats")
    assert re.fullmatch(
        r"calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0", fields["cmdstat_set"]
    )
    assert fields["cmdstat_get"].startswith("calls=1,") and "rejected_calls=1" in fields["cmdstat_get"]
    assert fields["cmdstat_incr"].endswith("rejected_calls=0,failed_calls=1")
    assert fields["errorstat_ERR"] == "count=2"
    assert fields["total_error_replies"] == "2"
    assert fields["total_commands_processed"] == "3"
    assert (fields["keyspace_hits"], fields["keyspace_misses"]) == ("1", "0")


def test_subcommands_are_counted_under_their_whole_name(world):
    world.value(b"CONFIG GET maxmemory")
    assert world.info("commandstats")["cmdstat_config|get"].startswith("calls=1,")


def test_resetstat_begins_again(world):
    world.value(b"SET k v")
    world.value(b"GET k")
    world.value(b"INCR k")
    world.value(b"CONFIG RESETSTAT")
    fields = world.info("commandstats", "errorstats", "stats", "memory")
    assert not any(name.startswith(("cmdstat_set", "errorstat_")) for name in fields)
    assert (fields["keyspace_hits"], fields["total_error_replies"], fields["lazyfreed_objects"]) == (
        "0",
        "0",
        "0",
    )


def test_latency_percentiles_follow_their_options(world):
    world.value(b"SET k v")
    assert re.fullmatch(
        r"p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}",
        world.info("latencystats")["latency_percentiles_usec_set"],
    )
    world.value([b"CONFIG", b"SET", b"latency-tracking-info-percentiles", b"0 100"])
    assert re.fullmatch(r"p0=.*,p100=.*", world.info("latencystats")["latency_percentiles_usec_set"])
    world.value(b"CONFIG SET latency-tracking no")
    assert world.info("latencystats") == {}


def test_keyspace_lists_the_databases_that_have_keys(world):
    world.value(b"SET a 1")
    world.value(b"SET b 1 EX 100")
    world.value(b"SELECT 3")
    world.value(b"SET c 1")
    assert world.info("keyspace") == {
        "db0": "keys=2,expires=1,avg_ttl=0,subexpiry=0",
        "db3": "keys=1,expires=0,avg_ttl=0,subexpiry=0",
    }


def test_memory_adds_up(world):
    before = world.info("memory")
    world.value([b"SET", b"big", b"x" * 1_000_000])
    after = world.info("memory")
    grown = int(after["used_memory"]) - int(before["used_memory"])
    assert 1_000_000 <= grown < 1_010_000
    assert int(after["used_memory_peak"]) >= int(after["used_memory"])
    dataset, overhead = int(after["used_memory_dataset"]), int(after["used_memory_overhead"])
    assert dataset + overhead == int(after["used_memory"])
    assert dataset >= 1_000_000
    assert int(after["used_memory_rss"]) > 1_000_000
    assert after["used_memory_human"].endswith("M")


def test_clients_are_counted(world):
    other = world.engine.connect(None, "127.0.0.1:50001", "127.0.0.1:6379")
    assert world.info("clients")["connected_clients"] == "2"
    other.blocked = object()
    assert world.info("clients")["blocked_clients"] == "1"
    world.engine.client_gone(other)
    assert world.info("clients")["connected_clients"] == "1"


def test_a_layer_provides_a_field_or_a_section(world):
    info = world.engine.info
    info.provide("pubsub_channels", lambda: 7)
    assert world.info("stats")["pubsub_channels"] == "7"
    info.register(Section("replication", "Replication", lambda engine: [("role", "slave")]))
    assert world.info("replication") == {"role": "slave"}
    assert titles(world, b"INFO") == USUAL
    info.register(Section("search", "Search", lambda engine: [("indexes", 1)], usual=False))
    assert titles(world, b"INFO all") == [*ALL, "Search"]


def test_the_server_section_tells_what_it_is(world):
    fields = world.info("server")
    assert fields["redis_version"] == "8.2.0"
    assert fields["redis_mode"] == "standalone"
    assert re.fullmatch("[0-9a-f]{40}", fields["run_id"])
    assert fields["run_id"] == world.engine.run_id
    assert fields["tcp_port"] == "6379"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1.00K"),
        (1536, "1.50K"),
        (1 << 20, "1.00M"),
        (3 << 30, "3.00G"),
        (1 << 40, "1.00T"),
        (1 << 50, "1.00P"),
        (1 << 60, "1024.00P"),
    ],
)
def test_bytes_for_people(count, expected):
    assert human(count) == expected


def test_a_ratio_of_nothing_is_zero():
    assert (ratio(3, 2), ratio(1, 0)) == ("1.50", "0.00")


def test_names_cannot_break_the_format():
    assert safe(b"a:b#c\r\nd") == "a_b_c__d"
