"""Some seconds of the long run (python -m tests.replication): the data sets stay the same."""

import pytest

from tests.replication.__main__ import MODES, Run
from tests.replication.node import REAL
from tests.wire.conftest import free_port


@pytest.mark.parametrize("mode", ["ours to redis", "redis to ours", "chain of three"])
def test_all_have_the_same_after_cut_links_and_killed_replicas(mode, tmp_path):
    if "redis" in mode and REAL is None:
        pytest.skip("no redis-server is installed")
    run = Run(MODES[mode], iter(free_port, None), tmp_path, f"test {mode}")
    run.run(2.5)
    assert run.counts["comparisons"]
