"""The parts of tests/compat that need neither the suite nor a server: parsing and counting."""

from pathlib import Path

import pytest

from tests.compat import report, source
from tests.compat.__main__ import QUICK, WAITING, choose_units
from tests.compat.harness import OutputParser, UnitResult
from tests.compat.waiting import Difference, Feature, Waiting, load_waiting, unknown_commands

OUTPUT = """\
Starting test server at port 21079
[ready]: 4711
Testing unit/some
[ok]: SET and GET an item (0 ms)
[ok]: takes (a while) (12 ms)
[err]: KEYS with pattern in tests/unit/some.tcl
Expected 'a' to equal or match 'b'
second line
[ignore]: large: large memory flag not provided
[err]: LPUSH works in tests/unit/some.tcl
own command 'lpush', with args beginning with: 'x'
ERR unknown command 'lpush', with args beginning with: 'x'
[err]: lost connection
    while executing
[1/1 \x1b[0;33mdone\x1b[0m]: unit/some (3 seconds)

                   The End

*** [err]: KEYS with pattern in tests/unit/some.tcl
"""


def parse(text: str) -> UnitResult:
    parser = OutputParser()
    for line in text.splitlines(keepends=True):
        parser.feed(line)
    parser.close()
    return parser.result


def test_output_is_parsed_into_names_and_messages() -> None:
    result = parse(OUTPUT)
    assert result.passed == ["SET and GET an item", "takes (a while)"]
    assert list(result.failed) == ["KEYS with pattern", "LPUSH works"]
    assert result.failed["KEYS with pattern"] == "Expected 'a' to equal or match 'b'\nsecond line"
    assert result.outside == ["lost connection\n    while executing"]
    assert result.ended == "done"


def test_an_exception_ends_a_unit_and_its_message_spans_lines() -> None:
    result = parse("[ok]: one (0 ms)\n[exception]: Executing test client: ERR no\n    while executing\n")
    assert (result.ended, result.passed) == ("exception", ["one"])
    assert result.outside == ["Executing test client: ERR no\n    while executing"]


def test_a_unit_without_a_done_line_is_incomplete() -> None:
    assert parse("[ok]: one (0 ms)\n").ended == "incomplete"


WAITING_FOR = Waiting(
    (
        Feature("lists", ("unit/type/list*",), {"unit/some": ["KEYS *"]}, frozenset({"lpush"})),
        Feature("tracking", commands=frozenset({"client|tracking"})),
        Feature("files", messages=("*needs a file*",), skip={"unit/some": ["leaves clients"]}),
    ),
    {},
    (
        Difference("It is another answer.", {"unit/some": ["other *"]}),
        Difference("It never ends.", {"unit/some": ["endless"]}, skip=True),
    ),
)


@pytest.mark.parametrize(
    ("unit", "test", "message", "feature"),
    [
        ("unit/type/list-2", "anything", "", "lists"),
        ("unit/some", "KEYS again", "", "lists"),
        ("unit/some", "other", "ERR unknown command 'LPUSH', with args", "lists"),
        ("unit/some", "other", "ERR unknown subcommand 'tracking'. Try CLIENT HELP.", "tracking"),
        (
            "unit/some",
            "other",
            "unknown subcommand or wrong number of arguments for 'Tracking'. Try CLIENT HELP.",
            "tracking",
        ),
        ("unit/some", "other", "CONFIG SET failed: it needs a file\n while executing", "files"),
        ("unit/some", "other", "ERR unknown command 'get', with args", None),
        ("unit/some", "other", "Expected 1 to equal 2", None),
    ],
)
def test_a_failed_test_waits_for_what_names_it(
    unit: str, test: str, message: str, feature: str | None
) -> None:
    assert WAITING_FOR.for_test(unit, test, message) == feature


def test_unknown_commands_are_found_in_order() -> None:
    assert unknown_commands("unknown command 'B'; unknown command 'a'") == ["b", "a"]


def test_score_tells_failed_from_waiting_and_unreached() -> None:
    one = report.score("unit/some", parse(OUTPUT), {"unit/some": 7}, WAITING_FOR)
    assert (one.reachable, one.passed, one.failed, one.waiting, one.not_reached) == (7, 2, 0, 2, 3)
    assert one.reasons == "lists 2; not reached: lost connection while executing"


def test_a_difference_is_neither_a_failure_nor_waits() -> None:
    output = (
        "[skip]: endless\n[skip]: leaves clients\n"
        "[err]: other answer in tests/unit/some.tcl\nERR\n[err]: third in tests/x.tcl\nERR\n"
    )
    one = report.score("unit/some", parse(output), {"unit/some": 5}, WAITING_FOR)
    assert (one.passed, one.differs, one.failed, one.waiting, one.not_reached) == (0, 2, 1, 1, 1)
    assert WAITING_FOR.skipped("unit/some") == ["endless", "leaves clients"]
    assert WAITING_FOR.skipped("unit/other") == []


def test_a_name_that_fails_twice_counts_twice() -> None:
    output = "[err]: third in tests/x.tcl\nERR\n[err]: third in tests/x.tcl\nERR\n[1/1 done]: unit/some\n"
    one = report.score("unit/some", parse(output), {"unit/some": 2}, WAITING_FOR)
    assert (one.failed, one.not_reached, one.reasons) == (2, 0, "")


def test_expected_counts_only_go_up() -> None:
    scores = [report.score(unit, parse(OUTPUT), {}, WAITING_FOR) for unit in ("a", "b", "d")]
    raised = report.raise_expected({"a": 1, "b": 5, "c": 9}, scores, {"d": 1})
    assert raised == {"a": 2, "b": 5, "c": 9, "d": 1}
    assert report.shortfalls(raised, scores) == ["b: 2 tests passed, 5 must"]


def test_counts_survive_the_file(tmp_path: Path) -> None:
    report.save_counts(tmp_path / "counts.json", {"b": 2, "a": 1})
    assert report.load_counts(tmp_path / "counts.json") == {"a": 1, "b": 2}
    assert report.load_counts(tmp_path / "none.json") == {}


def test_the_table_has_a_row_for_each_unit() -> None:
    page = report.as_markdown(
        [report.score("unit/some", parse(OUTPUT), {}, WAITING_FOR)], "7.0.15", WAITING_FOR
    )
    assert "| unit/some | 4 | 2 | 0 | 0 | 2 | 0 | lists 2 |" in page
    assert "- It never ends.\n  - unit/some: endless" in page


def test_hand_kept_files_name_units_that_exist() -> None:
    known = choose_units("*", quick=False, tls=True)
    assert set(QUICK) <= set(known)
    for feature in load_waiting(WAITING).features:
        for pattern in feature.units:
            assert choose_units(pattern, quick=False, tls=True), pattern
        assert feature.tests.keys() <= set(known)


DEB822 = """\
Types: deb
# a comment
URIs: http://archive.example/debian
Suites: trixie trixie-updates trixie-backports
Components: main
Signed-By: /usr/share/keyrings/some.gpg

Types: deb
URIs: http://other.example/
Suites: nodistro
Components: main
"""


def test_package_sources_become_source_stanzas_of_the_release_that_holds_the_suite() -> None:
    (stanza,) = source.source_stanzas(DEB822, "trixie")
    assert stanza.splitlines() == [
        "Types: deb-src",
        "Suites: bookworm bookworm-updates",
        "URIs: http://archive.example/debian",
        "Components: main",
        "Signed-By: /usr/share/keyrings/some.gpg",
    ]


def test_one_line_package_sources_are_understood() -> None:
    line = "deb [arch=amd64 signed-by=/k.gpg] http://archive.example/debian bookworm main contrib # note\n"
    (stanza,) = source.source_stanzas(source.deb822_from_lines(line), "bookworm")
    assert "URIs: http://archive.example/debian" in stanza
    assert "Components: main contrib" in stanza
    assert "Signed-By: /k.gpg" in stanza
    assert (
        list(source.source_stanzas(source.deb822_from_lines("deb-src http://a.example/ sid main"), "sid"))
        == []
    )
