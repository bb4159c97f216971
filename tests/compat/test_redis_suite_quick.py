"""The quick units of Redis's own suite, against the number of tests that must pass (`expected.json`)."""

import sys

import pytest

from tests.compat import __main__ as runner
from tests.compat import harness, report, source

BASE_PORT = 27900  # below the ports that the kernel hands out, above those of `make compat`
UNIT_TIMEOUT = 120  # seconds

EXPECTED = report.load_counts(runner.EXPECTED)


def prepared() -> None:
    """Skips where the suite cannot be had; fails where it can and our server does not start."""
    missing = source.missing_tools("tclsh")
    if missing or sys.platform != "linux":
        pytest.skip("Redis's test suite needs Linux and tclsh: run tests/compat/install-tools.sh")
    try:
        source.ensure_source(runner.CACHE)
    except source.Unavailable as error:
        pytest.skip(str(error))
    assert harness.check_server(runner.our_server(), BASE_PORT) == ""


@pytest.mark.timeout(900)
def test_as_many_tests_of_redis_pass_as_before() -> None:
    short = [unit for unit in runner.QUICK if unit in EXPECTED]
    if not short:
        pytest.skip("no quick unit is in tests/compat/expected.json yet")
    prepared()
    # Some of Redis's tests measure time: a unit that falls short on a busy machine gets a second run.
    for _ in range(2):
        results = runner.run_units(
            short,
            runner.our_server(),
            source.ensure_source(runner.CACHE),
            timeout=UNIT_TIMEOUT,
            jobs=1,
            base_port=BASE_PORT,
        )
        short = [unit for unit in short if len(results[unit].passed) < EXPECTED[unit]]
        if not short:
            return
    failures = {unit: list(results[unit].failed) + results[unit].outside for unit in short}
    pytest.fail(f"fewer tests of Redis's suite passed than expected.json says; these failed: {failures}")
