"""A few kills of each kind while snapshots are taken; `python -m tests.crash.snapshots` makes hundreds."""

import random

import pytest

from tests.crash.episode import Victim, build_library
from tests.crash.snapshots import MODES, run


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    built = build_library(tmp_path_factory.mktemp("library"))
    if built is None:
        pytest.skip("no gcc is installed to build the library that makes faults")
    return built


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_restart_finds_one_moment(mode, library, tmp_path):
    victim = Victim(tmp_path, library, random.Random(mode.name))
    try:
        run(victim, mode, 0.5)
    finally:
        victim.kill()
