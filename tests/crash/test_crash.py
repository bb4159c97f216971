"""A few kills of each kind; `make crash` makes hundreds."""

import random

import pytest

from tests.crash.episode import MODES, Victim, build_library, run


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    built = build_library(tmp_path_factory.mktemp("library"))
    if built is None:
        pytest.skip("no gcc is installed to build the library that makes faults")
    return built


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_restart_finds_what_was_promised(mode, library, tmp_path):
    victim = Victim(tmp_path, library, random.Random(mode.name))
    try:
        run(victim, mode, 0, 0.4)
    finally:
        victim.kill()
