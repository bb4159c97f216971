"""What the tests of the embedded store share."""

import pytest

from redracer.engine import log


@pytest.fixture(autouse=True)
def log_again():
    """A store silences the log, which is the process's; the tests of other parts look at it."""
    yield
    log.set_level("notice")
