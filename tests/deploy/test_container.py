"""The container tier: the image, built without a registry, and the rendered StatefulSet as a pod of podman.

It needs root and Debian's podman, buildah, debootstrap, runc and catatonit; Debian's base system is kept in
~/.cache/redracer (or $XDG_CACHE_HOME) between two runs. Elsewhere it is skipped, and says why.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("helm_python", reason="needs helm-python-sdk, which has wheels for Linux on x86-64 only")
pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")

from tests.deploy.chart import ROOT, by_name, merged, rendered
from tests.deploy.podman import PodmanPod

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
PROGRAMS = ("podman", "buildah", "debootstrap", "runc", "catatonit")
PASSWORD = 'a "quoted" pass\\word'
IMAGE = "localhost/redracer:test"
VALUES = {"image": {"registry": "localhost", "tag": "test"}}
VERIFY = ("redracer", "verify", "--password-file", "/opt/redracer/secrets/redis-password")


@pytest.fixture(scope="module")
def image():
    """The image, built from this source tree."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: apt-get install {' '.join(PROGRAMS)}")
    if os.geteuid() != 0:
        pytest.skip("needs root: debootstrap, chroot and podman's limits do")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("needs Python 3.11, which Debian 12 has: the compiled modules go into the image")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "redracer" / "image"
    cache.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        ROOT / "deploy/image/build-without-registry.py",
        "--root",
        cache,
        "--tag",
        IMAGE,
    ]
    subprocess.run(command, check=True)
    return IMAGE


@pytest.fixture
def make_pod(image):
    """Makes pods from values of the chart; they are gone at the end."""
    pods = []

    def make(values=None):
        objects = by_name(rendered(merged(VALUES, values or {})))
        pods.append(PodmanPod(objects, "redis-master", {"urbalurba-secrets": {"REDIS_PASSWORD": PASSWORD}}))
        pods[-1].create()
        return pods[-1]

    yield make
    for pod in pods:
        pod.close()


def cli(pod, *words):
    return pod.exec("redis-cli", "--no-auth-warning", "-a", PASSWORD, *words).stdout.strip()


def verify(pod, *options):
    done = pod.exec(*VERIFY, *options, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pod_is_as_the_chart_says(make_pod):
    pod = make_pod()
    assert pod.exec("id", "-u").stdout.strip() == "1001"
    done = pod.exec("sh", "-c", "echo x >/usr/file", check=False)
    assert "Read-only file system" in done.stderr
    limits = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.ReadonlyRootfs}}"
    assert pod.podman("inspect", "--format", limits, pod.running).stdout.split() == [
        str(256 << 20),
        "200000000",
        "true",
    ]
    status = dict(
        line.split(":\t") for line in pod.exec("cat", "/proc/1/status").stdout.splitlines() if ":\t" in line
    )
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert status["Uid"].split() == ["1001"] * 4
    assert PASSWORD not in pod.exec("cat", "/proc/1/cmdline").stdout
    assert pod.exec("redis-cli", "ping", check=False).stdout.strip() == "NOAUTH Authentication required."
    assert cli(pod, "ping") == "PONG"


@pytest.mark.parametrize("mode", ["rdb", "aof", "both", "none"])
def test_data_survives_a_stop_a_kill_and_a_restore(make_pod, tmp_path, mode):
    pod = make_pod({"persistenceMode": mode})
    for end in (pod.delete, pod.kill):
        verify(pod, "--phase", "before")
        end()
        pod.create()
        verify(pod, "--phase", "after")
    assert cli(pod, "dbsize") == "0"
    # The guide's backup and restore, word for word.
    assert cli(pod, "set", "kept", "yes") == "OK"
    before = cli(pod, "lastsave")
    assert cli(pod, "bgsave") == "Background saving started"
    saved = (
        f"until [ $(redis-cli --no-auth-warning -a '{PASSWORD}' lastsave) -gt {before} ]; do sleep 1; done"
    )
    pod.exec("timeout", "60", "sh", "-c", saved)
    pod.copy_out("/data/dump.rdb", tmp_path / "redis-backup.rdb")
    assert cli(pod, "del", "kept") == "1"
    assert cli(pod, "set", "later", "yes") == "OK"
    pod.exec("sleep", "2")  # LASTSAVE counts seconds: the copy must be younger
    pod.copy_in(tmp_path / "redis-backup.rdb", "/data/dump.rdb")
    pod.delete()
    pod.create()
    assert cli(pod, "keys", "*") == "kept"
    verify(pod)


def test_it_starts_and_serves_within_its_requests(make_pod):
    """With 100m and 128Mi as the limit, which are only what it asks for: it starts, serves, saves."""
    pod = make_pod({"master": {"resources": {"limits": {"cpu": "100m", "memory": "128Mi"}}}})
    script = "for n in $(seq 500); do echo SET key:$n $(head -c 1000 /dev/zero | tr '\\0' x); done"
    pod.exec("sh", "-c", f"{script} | redis-cli --no-auth-warning -a '{PASSWORD}' --pipe")
    assert cli(pod, "dbsize") == "500"
    verify(pod, "--wait", "300", "--timeout", "60")
    verify(pod, "--wait", "300", "--timeout", "60", "--phase", "before")
    pod.kill()
    pod.create()
    verify(pod, "--wait", "300", "--timeout", "60", "--phase", "after")


def test_a_password_that_is_missing_stops_the_pod_with_a_reason(image):
    objects = by_name(rendered(VALUES))
    pod = PodmanPod(objects, "redis-master", {"urbalurba-secrets": {"REDIS_PASSWORD": "\n"}})
    try:
        with pytest.raises(AssertionError, match="is empty: put a password into the secret"):
            pod.create()
    finally:
        pod.close()
