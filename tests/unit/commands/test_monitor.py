"""MONITOR: the lines, what is hidden, what is left out."""

import re

import pytest

from redracer.engine.monitors import quoted
from tests.unit.commands.served import Served


@pytest.fixture
def served():
    served = Served()
    served.client()
    assert served.run(b"MONITOR", "monitor") == b"+OK\r\n"
    return served


def lines(served):
    """The requests that the monitor was shown, without time and source."""
    shown = served.client("monitor").out.take().decode().splitlines()
    for line in shown:
        assert re.match(r"\+\d+\.\d{6} \[\d+ \S+\] ", line)
    return [line.split("] ", 1)[1] for line in shown]


def test_a_line_a_request(served):
    served.run(b"SELECT 3")
    served.run(b"SET k 1")
    assert served.client("monitor").out.take().count(b"[3 127.0.0.1:1]") == 2
    served.run(b"nosuch")
    served.run(b"SET k")
    assert lines(served) == []


def test_administration_is_not_shown(served):
    served.run(b"CONFIG GET port")
    assert lines(served) == []


def test_secrets_are_hidden(served):
    served.run(b"AUTH secret")
    served.run(b"HELLO 3 AUTH default secret")
    assert lines(served) == [
        '"AUTH" "(redacted)"',
        '"HELLO" "3" "AUTH" "(redacted)" "(redacted)"',
    ]


def test_a_transaction_is_shown_as_it_runs(served):
    for line in (b"MULTI", b"SET k 1", b"GET k", b"EXEC"):
        served.run(line)
    assert lines(served) == ['"MULTI"', '"SET" "k" "1"', '"GET" "k"', '"EXEC"']


def test_its_own_requests_after_their_replies(served):
    assert re.fullmatch(rb"\+PONG\r\n\+[^\r]* \"PING\"\r\n", served.run(b"PING", "monitor"))


def test_twice_is_answered_with_nothing(served):
    assert served.run(b"MONITOR", "monitor") == b""


@pytest.mark.parametrize("end", ["RESET", "gone"])
def test_ends(served, end):
    if end == "RESET":
        served.run(b"RESET", "monitor")
    else:
        served.engine.client_gone(served.client("monitor"))
    served.client("monitor").out.take()
    served.run(b"PING")
    assert lines(served) == []
    assert not served.engine.dispatcher.gates


def test_a_transaction_cannot_hold_it(served):
    served.run(b"MULTI")
    served.run(b"MONITOR")
    assert b"-ERR MONITOR isn't allowed for DENY BLOCKING client" in served.run(b"EXEC")


def test_client_list_and_count(served):
    line = served.text(b"CLIENT LIST TYPE NORMAL")
    assert " flags=O " in line
    assert served.info("clients")["connected_clients"] == "2"


def test_quoting():
    assert quoted(b'a"\\\n\r\t\a\b\x00\xff ') == rb'"a\"\\\n\r\t\a\b\x00\xff "'
