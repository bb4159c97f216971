"""The fixture of a suite that was written for fakeredis; docs/testing.md says which two lines move it to redracer."""

import pytest


@pytest.fixture
def client():
    return pytest.importorskip("fakeredis").FakeRedis(decode_responses=True)
