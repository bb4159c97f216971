"""redis-cli and `redracer cli` print the same bytes and end with the same code, for a table of invocations.

Where redis-cli 8.2 does something else than the 7.0 that Debian has, we do as 8.2 does; those are tested by
themselves (test_client.py) and named in docs/cli.md.
"""

import pytest

from tests.cli.conftest import Bench, invocations, masked

CASES = invocations()


def test_the_table_is_long() -> None:
    assert len(CASES) >= 300


@pytest.mark.parametrize(
    ("text", "group"), CASES, ids=[f"{number}-{text}" for number, (text, _) in enumerate(CASES)]
)
def test_same_output_as_redis_cli(bench: Bench, redis_cli: str, text: str, group: dict) -> None:
    words = bench.words(text, group.get("bare", False))
    stdin = group.get("stdin", "").encode()
    environment = group.get("environment", {})
    bench.reset(group.get("setup", []))
    theirs = bench.redis_cli(words, stdin, environment)
    bench.reset(group.get("setup", []))
    ours = bench.ours(words, stdin, environment)
    mask = group.get("mask", "")
    assert masked(ours, mask) == masked(theirs, mask), f"ours: {ours}\nredis-cli's: {theirs}"
    assert b"Traceback" not in ours.stderr
