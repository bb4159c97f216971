"""Hints and completion: what may come next, from what the server says of its commands."""

from collections.abc import Iterator

import pytest

from redracer.cli.client.completion import Completer
from redracer.cli.client.options import Options
from redracer.cli.client.repl import Repl
from redracer.cli.client.session import Session
from tests.cli.conftest import Bench


@pytest.fixture
def completer(bench: Bench) -> Iterator[Completer]:
    bench.reset(["SET 'with blank' 1", "SET star*1 1", "SET star2 1"])
    options = Options(terminal=False)
    options.port = bench.server.port
    session = Session(options, interactive=True)
    assert session.connect()
    yield Completer(Repl(session))
    session.close()


class TestHints:
    @pytest.mark.parametrize(
        ("line", "hint"),
        [
            ("", ""),
            ("get", " key"),
            ("GET ", "key"),
            ("get k", ""),
            ("get k more", ""),
            ("nosuch", ""),
            ("3 get", " key"),
            ("object", ""),
            ("object encoding", " key"),
            ("ping", " [message]"),
            ("del", " key [key ...]"),
            ("del a", " [key ...]"),
            ("del a b ", "[key ...]"),
            ("hset h f", " value [field value ...]"),
            ("hset h f v", " [field value ...]"),
            ("zadd z", " [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]"),
            ("zadd z nx", " [GT|LT] [CH] [INCR] score member [score member ...]"),
            ("zadd z ch 1 a", " [score member ...]"),
            ("expire k 10 nx", ""),
            ("xadd s nomkstream * f", " value [field value ...]"),
            ("lpos l x count", " num-matches [RANK rank] [MAXLEN len]"),
            ("lpos l x maxlen 5 ", "[RANK rank] [COUNT num-matches]"),
            ("set k v get", " [NX|XX] [EX seconds|PX milliseconds|EXAT unix-time-seconds|"),
            ("set k v ex", " seconds [NX|XX] [GET]"),
            ("set k v ex 10", " [NX|XX] [GET]"),
            ("set 'quoted key'", " value [NX|XX] [GET] [EX"),
            ("set 'open", ""),
        ],
    )
    def test_what_is_still_to_be_typed(self, completer: Completer, line: str, hint: str) -> None:
        shown = completer.hint(line)
        assert shown.startswith(hint) if "EX" in hint and hint.endswith(("|", "[EX")) else shown == hint

    def test_they_can_be_turned_off(self, completer: Completer) -> None:
        completer.repl.run(b":set nohints")
        assert completer.hint("get") == ""
        completer.repl.run(b":set hints")
        assert completer.hint("get") == " key"

    def test_every_synopsis_can_be_matched_with_nothing(self, completer: Completer) -> None:
        """With no word typed the hint is the synopsis, for every command that there is."""
        assert len(completer.repl.help.entries) > 300
        for entry in completer.repl.help.entries:
            assert completer.hint(f"{entry.name} ") == entry.synopsis, entry.name


class TestCompletion:
    @pytest.mark.parametrize(
        ("line", "found"),
        [
            ("getr", ["getrange"]),
            ("GETR", ["GETRANGE"]),
            ("3 getr", ["getrange"]),
            ("object en", ["encoding"]),
            ("OBJECT EN", ["ENCODING"]),
            ("set s v e", ["ex", "exat"]),
            ("set s v EXA", ["EXAT"]),
            ("zadd z ", ["NX", "XX", "GT", "LT", "CH", "INCR"]),
            ("get utf", ["utf8"]),
            ("get with", ['"with blank"']),
            ("get star*", ["star*1"]),
            ("mget s bina", ["binary"]),
            ("config get max", []),
            ("get nothing", []),
            ("help @ha", ["@hash"]),
            ("help geth", []),
            ("help geta", []),
            ("help object fr", ["freq"]),
            ("cle", ["clear"]),
            ("get 'wi", []),
            ("nosuch x", []),
        ],
    )
    def test_words(self, completer: Completer, line: str, found: list[str]) -> None:
        assert completer.complete(line)[1] == found

    def test_keys_are_not_looked_for_in_a_transaction(self, completer: Completer) -> None:
        session = completer.repl.session
        session.show = lambda *_: None
        assert session.run([b"MULTI"])
        assert completer.complete("get utf")[1] == []
        assert session.run([b"DISCARD"])
        assert completer.complete("get utf")[1] == ["utf8"]

    def test_their_number_is_bounded(self, completer: Completer, bench: Bench) -> None:
        bench.execute("DEBUG", "POPULATE", "3000", "many")
        assert 0 < len(completer.complete("get many")[1]) <= 50

    def test_without_a_server_there_is_nothing(self) -> None:
        options = Options(terminal=False)
        options.port = 1
        completer = Completer(Repl(Session(options, interactive=True)))
        assert completer.hint("get") == ""
        assert completer.complete("ge")[1] == []
