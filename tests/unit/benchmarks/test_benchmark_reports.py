"""The parts of benchmarks/ that need no server: what they read, count and draw."""

import socket
import threading
import xml.etree.ElementTree as ElementTree
from itertools import islice

import pytest

from benchmarks import chart, large, probe, results, stalls, tables, throughput, workloads
from benchmarks.instructions import parse_totals
from benchmarks.memory import FILLINGS
from benchmarks.wire import Connection, ErrorReply, batches, encode

REPORT = """\
====== SET ======
  20000 requests completed in 0.06 seconds

Latency by percentile distribution:
0.000% <= 0.431 milliseconds (cumulative count 32)
50.000% <= 1.679 milliseconds (cumulative count 10000)
98.438% <= 7.007 milliseconds (cumulative count 19696)
99.219% <= 7.151 milliseconds (cumulative count 19856)
99.902% <= 7.255 milliseconds (cumulative count 19984)
100.000% <= 9.271 milliseconds (cumulative count 20000)

Cumulative distribution of latencies:
99.950% <= 1.103 milliseconds (cumulative count 0)

Summary:
  throughput summary: 350877.19 requests per second
"""


def test_a_report_of_redis_benchmark_is_read() -> None:
    assert throughput.parse_report(REPORT) == throughput.Load(350877.19, 1.679, 7.151, 7.255)


def test_a_report_without_figures_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no report"):
        throughput.parse_report("Could not connect")


def test_medians_are_taken_figure_by_figure() -> None:
    samples = [throughput.Sample(rps, 1.0, 2.0, 3.0, 10 - rps, 5.0) for rps in (1.0, 2.0, 9.0)]
    assert throughput.medians(samples)["rps"] == 2.0
    assert throughput.medians(samples)["cpu_us"] == 8.0


def test_callgrind_totals() -> None:
    assert parse_totals("events: Ir\nsummary: 12\nfn=(1)\ntotals: 12\n") == 12
    with pytest.raises(RuntimeError, match="totals"):
        parse_totals("events: Ir\n")


def test_probe_takes_percentiles_in_milliseconds() -> None:
    waits = [number * 1_000_000 for number in range(1, 1001)]
    figures = probe.summarise(waits, [5_000_000])
    assert (figures["pings"], figures["wait_p50"], figures["wait_p999"], figures["wait_max"]) == (
        1000,
        501,
        1000,
        1000,
    )
    assert figures["cpu_max"] == 5


def test_commands_are_arrays_of_bulk_strings() -> None:
    assert encode("SET", b"k", 10) == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n10\r\n"
    assert list(batches([b"a", b"b", b"c"], 2)) == [(2, b"ab"), (1, b"c")]


@pytest.mark.parametrize("title", FILLINGS)
def test_fillings_are_well_formed_and_distinct(title: str) -> None:
    first, second = FILLINGS[title].command(1), FILLINGS[title].command(2)
    words = first.split(b"\r\n")
    assert encode(*words[2:-1:2]) == first
    assert len(words[4]) == 16
    assert first != second


def answering(reply: bytes, received: int) -> int:
    """The port of a server that reads `received` bytes from one client, sends `reply` and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as client:
            missing = received
            while missing > 0:
                missing -= len(client.recv(missing))
            client.sendall(reply)

    threading.Thread(target=serve, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def test_replies_are_read() -> None:
    port = answering(b"*4\r\n:1\r\n$2\r\nab\r\n$-1\r\n*-1\r\n", len(encode("X")))
    with Connection(port) as connection:
        assert connection.call("X") == [1, b"ab", None, None]


def test_filling_counts_replies_and_stops_at_an_error() -> None:
    commands = [encode("X")] * 3
    size = 3 * len(commands[0])
    with Connection(answering(b"+OK\r\n:-5\r\n:1\r\n", size)) as connection:
        assert connection.fill(commands) == 3
    with (
        Connection(answering(b"+OK\r\n-ERR no\r\n:1\r\n", size)) as connection,
        pytest.raises(ErrorReply, match=r"^ERR no$"),
    ):
        connection.fill(commands)


def test_workloads_are_chosen_by_name() -> None:
    assert [workload.name for workload in workloads.choose("set, GET,ping")] == ["SET", "GET", "PING_MBULK"]
    assert len(workloads.choose("")) == len(workloads.WORKLOADS)
    with pytest.raises(ValueError, match="NONE"):
        workloads.choose("none")


@pytest.mark.parametrize("workload", workloads.WORKLOADS, ids=lambda workload: workload.name)
def test_preparations_write_as_many_elements_as_they_say(workload: workloads.Workload) -> None:
    commands = list(workload.prepare(3, 5))
    assert all(command.startswith(b"*") for command in commands)
    if workload.prepare is not workloads.list_to_read:
        assert len(commands) in (0, 3, 5)


MEASURED: results.Results = {
    "about": {"versions": {"redracer": "one", "redis": "two"}, "machine": {"description": "here"}},
    "cpu": {
        "SET P=1": {"redracer": {"cpu_us": 4.0, "rps": 10}, "redis": {"cpu_us": 8.0, "rps": 5}},
        "GET P=1": {"redracer": {"cpu_us": 16.0}, "redis": {"cpu_us": 8.0}},
        "SADD P=16": {"redracer": {"cpu_us": 1.0}, "redis": {"cpu_us": 4.0}},
        "LPUSH P=1": {"redracer": "ERR unknown command 'LPUSH', with args", "redis": {"cpu_us": 9.0}},
    },
    "memory": {"string key": {"redracer": 90.0, "redis": 100.0}},
    "stalls": {
        "list, UNLINK": {
            "redracer": {"cpu_p50": 0.1, "cpu_p999": 0.2, "cpu_max": 1.5},
            "redis": {"cpu_p50": 0.1, "cpu_p999": 0.2, "cpu_max": 9.0},
        },
    },
    "pauses": {"idle": {"redis": {"wait_max": 2.0, "events": {"expire-cycle": 25}}}},
}


def test_ratios_and_means() -> None:
    assert results.ratio(MEASURED["cpu"]["SET P=1"], "cpu_us") == 0.5
    assert results.ratio(MEASURED["cpu"]["LPUSH P=1"], "cpu_us") is None
    assert results.geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert results.geometric_mean([]) is None


def test_new_rows_replace_old_ones_and_the_rest_stays() -> None:
    merged = results.merged(MEASURED, {"memory": {"counter": {"redis": 1}}, "cpu": {"SET P=1": {"redis": 2}}})
    assert set(merged["memory"]) == {"string key", "counter"}
    assert merged["cpu"]["SET P=1"] == {"redis": 2}
    assert "GET P=1" in merged["cpu"]


def test_the_page_shows_ratios_missing_commands_and_means() -> None:
    page = tables.page(MEASURED)
    assert "| SET P=1 | 4.00 | 8.00 | 0.50 |" in page
    assert "| LPUSH P=1 | ERR unknown command 'LPUSH' | 9.00 | - |" in page
    assert "of PING, SET, GET, INCR and MSET alone: 1.00, the highest of them 2.00" in page
    assert "| list, UNLINK | 0.10 | 0.10 | 0.20 | 0.20 | 1.50 | 9.00 |" in page
    assert "| idle, redis | - | - | 2.00 | - | - | - | expire-cycle 25 |" in page
    assert "callgrind" not in page


def test_the_summary_has_the_headline_tests_of_the_page() -> None:
    summary = tables.summary(MEASURED)
    assert "| SET P=1 | 4.00 | 8.00 | 0.50 |" in summary
    assert "LPUSH" not in summary  # at this depth
    assert "| SADD P=16 | 1.00 | 4.00 | 0.25 |" in summary
    assert "Resident bytes per key" in summary
    assert (
        "the longest stall is 1.5 ms of CPU time (list, UNLINK); Redis has one of over 5 ms in 1 of 1"
        in summary
    )


def test_the_chart_is_well_formed_and_draws_each_ratio() -> None:
    picture = ElementTree.fromstring(chart.draw(MEASURED))
    bars = [element for element in picture if element.tag.endswith("rect")]
    assert len(bars) == 3
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert widths[1] == pytest.approx(widths[0] / 0.5 * chart.LONGEST, rel=0.01)  # the longest bar is cut
    shown = {element.text for element in picture if element.tag.endswith("text")}
    assert {"0.50", "2.00", "0.90"} <= shown


def test_stalls_are_told_in_milliseconds() -> None:
    assert stalls.summarise([1_000_000] * 999 + [7_000_000]) == {
        "cpu_p50": 1.0,
        "cpu_p999": 7.0,
        "cpu_max": 7.0,
    }


@pytest.mark.parametrize("name", stalls.KINDS)
def test_commands_that_make_a_collection_grow_go_on_where_the_one_before_ended(name: str) -> None:
    kind = stalls.KINDS[name]
    first, second = kind.command(0), kind.command(kind.elements)
    for command in (first, second):
        assert encode(*command.split(b"\r\n")[2:-1:2]) == command
    assert not set(first.split(b"\r\n")[6:-1:2]) & set(second.split(b"\r\n")[6:-1:2]) - {b"field"}


@pytest.mark.parametrize("title", large.TESTS)
def test_both_servers_are_sent_the_same_commands_about_a_large_sorted_set(title: str) -> None:
    command, _ = large.TESTS[title]
    once, again = (list(islice(large.made(command, 1, 1000), 10)) for _ in range(2))
    assert once == again
    assert len(set(once)) > 1
