"""The script for a real cluster: it names its context and its namespace in every call, and tells of what fails."""

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(600)
SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "check-cluster.sh"
# A stand-in that says what a healthy cluster would, and fails where the variable FAILS is in its arguments.
STAND_IN = r"""#!/bin/bash
printf '%s\n' "$(basename "$0") $*" >>"$CALLS"
[[ -n ${FAILS:-} && "$*" == *"$FAILS"* ]] && { echo "it is broken" >&2; exit 1; }
case "$*" in
*restartCount*) printf 0 ;;
*targetRef*) printf redis-master-0 ;;
*status.phase*) printf Bound ;;
*expectedPods* | *dbsize) printf 1 ;;
*"id -u" | *"stat -c"*) printf 1001 ;;
*"config get hz") printf 'hz\n20' ;;
*"set kept yes") printf OK ;;
*"get kept") printf yes ;;
esac
"""


@pytest.fixture
def run(tmp_path):
    for name in ("kubectl", "helm"):
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)

    def check(*arguments, fails=""):
        calls = tmp_path / "calls"
        calls.write_text("")
        environment = os.environ | {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "CALLS": str(calls),
            "FAILS": fails,
        }
        done = subprocess.run(
            [SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=300
        )
        return done, calls.read_text().splitlines()

    return check


def test_a_healthy_cluster(run):
    done, calls = run("mine", "--set", "global.imageRegistry=registry.example")
    assert done.returncode == 0, done.stdout
    assert "all is well on mine" in done.stdout
    assert "FAIL" not in done.stdout
    for call in calls:
        assert call.startswith(("kubectl --context mine ", "helm --kube-context mine "))
        assert "namespace" in call
    assert calls[-1].startswith("kubectl --context mine delete namespace redracer-check-")
    assert sum("--set global.imageRegistry=registry.example" in call for call in calls) == 2


@pytest.mark.parametrize("fault", ["upgrade --install", "--phase after", "stat -c", "get kept", "uninstall"])
def test_something_fails(run, fault):
    done, calls = run("mine", fails=fault)
    assert done.returncode == 1
    assert "FAIL" in done.stdout
    assert "checks failed on mine" in done.stdout
    assert "delete namespace" in calls[-1]


def test_no_namespace(run):
    done, calls = run("mine", fails="create namespace")
    assert done.returncode == 1
    assert "cannot prepare" in done.stderr
    assert len(calls) == 2


def test_wrong_usage(run):
    done, calls = run()
    assert done.returncode == 2
    assert "CONTEXT" in done.stderr
    assert calls == []
