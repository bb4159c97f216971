"""Latency histograms against the list of what was recorded."""

import bisect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redracer.core.histogram import Histogram

LATENCIES = st.lists(st.one_of(st.integers(0, 2000), st.integers(0, 10**9)), max_size=50)


def filled(latencies: list[int]) -> Histogram:
    histogram = Histogram()
    for latency in latencies:
        histogram.record(latency)
    return histogram


@given(LATENCIES.filter(bool), st.sampled_from([0.0, 1.0, 50.0, 99.0, 99.9, 100.0]))
def test_percentile_is_within_three_percent(latencies: list[int], percent: float) -> None:
    histogram = filled(latencies)
    position = max(1, int(percent / 100 * len(latencies) + 0.5))
    exact = sorted(latencies)[position - 1]
    answered = round(histogram.percentile(percent) * 1000)
    assert exact <= answered <= exact + exact / 32


@given(LATENCIES)
def test_buckets_are_cumulative(latencies: list[int]) -> None:
    histogram = filled(latencies)
    assert histogram.count == len(latencies)
    buckets = histogram.buckets()
    totals = [total for _, total in buckets]
    assert totals == sorted(set(totals))
    assert (totals[-1] if totals else 0) == len(latencies)
    levels = [1024 * 2**power for power in range(21)]
    for upper, total in buckets:
        level = min(levels, key=lambda level: abs(level / 1000 - upper))
        # The power of two itself and up to a 32nd more is counted with it.
        at_least, at_most = (
            bisect.bisect_right(sorted(latencies), bound) for bound in (level, level * 33 / 32)
        )
        assert at_least <= total <= at_most


def test_bucket_labels_are_those_of_redis() -> None:
    histogram = filled([2**power for power in range(10, 30)])
    labels = [upper for upper, _ in histogram.buckets()]
    assert labels[:12] == [1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113]


def test_out_of_range_and_empty() -> None:
    histogram = Histogram()
    assert histogram.percentile(50) == 0.0
    assert histogram.buckets() == []
    histogram.record(-1)
    assert histogram.percentile(100) == 0.0
    histogram.record(2**62)
    assert histogram.percentile(100) >= 10**6
    assert histogram.count == 2


def test_reset() -> None:
    histogram = filled([5, 6])
    histogram.reset()
    assert (histogram.count, histogram.buckets()) == (0, [])
    histogram.record(5)
    assert histogram.percentile(50) == pytest.approx(0.005)
