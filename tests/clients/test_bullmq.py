"""BullMQ under Node: its scripts, job by job (`bullmq/scenarios.mjs`)."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

SCENARIOS = Path(__file__).parent / "bullmq" / "scenarios.mjs"
INSTALLED = Path(__file__).parents[2] / "build" / "bullmq"  # where `make clients` puts BullMQ
PATIENCE = 120  # s

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node"),
    pytest.mark.skipif(
        not (INSTALLED / "node_modules").is_dir(), reason="`make clients` has not installed BullMQ"
    ),
]

EXPECTED = {
    "results": [2 * number for number in range(50)],
    "delayed": {
        "counts": {"delayed": 2, "waiting": 1},
        "order": [["now", True], ["early", True], ["late", True]],
    },
    "repeated": {"schedulers": ["every", "nightly"], "names": ["again"] * 3, "removed": True},
    "flows": 6,
    "retries": {
        "attempts": [0, 1, 2, 0],
        "result": "at last",
        "failure": "as it should",
        "failed": ["as it should"],
    },
    "events": [
        ["added", "one", None],
        ["waiting", "one", None],
        ["active", "one", None],
        ["progress", "one", 50],
        ["completed", "one", None],
    ],
    "priorities": ["first", "a", "b", "c"],
    "rate": True,
    "unique": {"waiting": 2, "drained": 0, "gone": True},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_bullmq(server, name):
    shutil.copy(SCENARIOS, INSTALLED)  # an import looks beside the file
    command = ["node", "--no-warnings", SCENARIOS.name, name, str(server.port)]
    result = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == EXPECTED[name]
