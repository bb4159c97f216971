"""The longest common subsequence against a real server and against what a subsequence is."""

from functools import lru_cache

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redracer.core.lcs import TooLarge, lcs

LIMIT = 10**6
TEXT = st.text("abcd", max_size=14).map(str.encode)


def model_length(a: bytes, b: bytes) -> int:
    @lru_cache(None)
    def length(i: int, j: int) -> int:
        if not i or not j:
            return 0
        if a[i - 1] == b[j - 1]:
            return length(i - 1, j - 1) + 1
        return max(length(i - 1, j), length(i, j - 1))

    return length(len(a), len(b))


@given(TEXT, TEXT)
def test_ranges_spell_the_subsequence(a: bytes, b: bytes) -> None:
    length, subsequence, ranges = lcs(a, b, LIMIT)
    assert length == len(subsequence) == model_length(a, b)
    assert b"".join(a[first : last + 1] for first, last, _, _ in reversed(ranges)) == subsequence
    assert b"".join(b[first : last + 1] for _, _, first, last in reversed(ranges)) == subsequence
    ends = [(first, second) for first, _, second, _ in ranges]
    assert ends == sorted(ends, reverse=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TEXT, TEXT)
def test_as_the_server(real_server: redis.Redis, a: bytes, b: bytes) -> None:
    real_server.mset({"a": a, "b": b})
    length, subsequence, ranges = lcs(a, b, LIMIT)
    assert real_server.execute_command("LCS", "a", "b") == subsequence
    matches = [[[first_a, last_a], [first_b, last_b]] for first_a, last_a, first_b, last_b in ranges]
    assert real_server.execute_command("LCS", "a", "b", "IDX") == [b"matches", matches, b"len", length]


def test_too_large() -> None:
    assert lcs(b"a" * 9, b"a" * 9, 400)[0] == 9
    with pytest.raises(TooLarge):
        lcs(b"a" * 9, b"a" * 9, 399)
    assert lcs(b"", b"", 4) == (0, b"", [])
