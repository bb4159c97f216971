"""start.sh, before-stop.sh and the probes of the chart, with a server: restoring in each mode of persistence."""

import os
import shutil
import socket
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("helm_python", reason="needs helm-python-sdk, which has wheels for Linux on x86-64 only")
pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")

from tests.deploy.pod import Pod


@pytest.fixture
def pod(tmp_path):
    """Makes pods; what still runs at the end is killed."""
    pods = []

    def make(mode="rdb", **more):
        pods.append(Pod(tmp_path, {"persistenceMode": mode}, **more))
        return pods[-1]

    yield make
    for made in pods:
        if made.process and made.process.poll() is None:
            made.kill()


@pytest.fixture(scope="module")
def backup(tmp_path_factory):
    """A snapshot with one key, `restored`."""
    made = Pod(tmp_path_factory.mktemp("backup"), {})
    client = made.start()
    client.set("restored", "yes")
    made.stop()
    return made.data / "dump.rdb"


def copy_in(backup, target):
    """As `kubectl cp` leaves it: a new file, with the present time."""
    shutil.copyfile(backup, target)


@pytest.mark.parametrize("mode", ["rdb", "aof", "none", pytest.param("both", marks=pytest.mark.long)])
def test_a_backup_is_restored_in_each_mode(pod, backup, mode):
    """By the guide's plain copy to dump.rdb, and by restore.rdb; and it is there after the next restart too."""
    made = pod(mode)
    client = made.start()
    client.set("newer", "than the backup")
    last = client.lastsave().timestamp()
    copy_in(backup, made.data / "dump.rdb")
    os.utime(made.data / "dump.rdb", (last + 2, last + 2))  # the clock of LASTSAVE counts seconds
    made.stop()
    client = made.start()
    assert client.keys() == [b"restored"], made.log.read_text()
    assert not (made.data / "restore.rdb").exists()
    client.set("later", "1")
    made.stop()
    client = made.start()
    kept = [b"restored"] if mode == "none" else [b"later", b"restored"]
    assert sorted(client.keys()) == kept
    copy_in(backup, made.data / "restore.rdb")
    made.kill()
    client = made.start()
    assert client.keys() == [b"restored"]
    if mode != "none":
        assert list(made.data.glob("before-restore-*"))  # nothing is thrown away


def test_a_snapshot_of_the_server_itself_is_not_taken_for_a_backup(pod):
    made = pod()
    client = made.start()
    client.set("a", "1")
    client.save()
    client.set("b", "2")
    made.stop()
    assert sorted(made.start().keys()) == [b"a", b"b"]
    assert not list(made.data.glob("*restore*"))


@pytest.mark.parametrize("damage", ["text", "cut"])
def test_a_backup_that_is_damaged_is_refused_and_the_data_stays(pod, backup, damage):
    made = pod()
    made.start().set("mine", "1")
    whole = backup.read_bytes()
    (made.data / "restore.rdb").write_bytes(b"not a snapshot" if damage == "text" else whole[:-3])
    made.stop()
    assert made.start().keys() == [b"mine"]
    assert list(made.data.glob("restore.rdb.refused-*"))
    assert "no whole snapshot" in made.log.read_text()


def test_an_empty_password_is_no_password(pod):
    made = pod(password="")
    done = made.run("scripts/start.sh")
    assert done.returncode == 1
    assert "is empty" in done.stderr


def test_the_password_is_on_no_command_line_and_in_no_environment(pod):
    made = pod()
    client = made.start()
    assert client.config_get("requirepass") == {"requirepass": made.password}
    process = Path("/proc") / str(made.process.pid)
    secret = made.password.encode()
    for file in ("cmdline", "environ"):
        assert secret not in (process / file).read_bytes()
    assert made.password not in made.log.read_text()


def test_probes(pod):
    made = pod()
    done = made.run("health/readiness.sh")
    assert done.returncode == 1
    assert "no answer" in done.stdout
    client = made.start()
    assert made.run("health/liveness.sh").returncode == 0
    client.execute_command("CONFIG", "SET", "requirepass", "another")
    for script in ("liveness", "readiness"):
        done = made.run(f"health/{script}.sh")
        assert done.returncode == 1
        assert "WRONGPASS" in done.stdout


def test_a_server_that_loads_is_alive_but_not_ready(pod):
    made = pod()
    with socket.create_server(("127.0.0.1", made.port)) as listener:
        Thread(target=always_loading, args=(listener,), daemon=True).start()
        assert made.run("health/liveness.sh").returncode == 0
        done = made.run("health/readiness.sh")
        assert done.returncode == 1
        assert "LOADING" in done.stdout


def always_loading(listener):
    """What a server that loads a large file answers, to two probes of two commands."""
    for _ in range(2):
        connection, _ = listener.accept()
        with connection:
            for _ in range(2):
                connection.recv(4096)
                connection.sendall(b"-LOADING Redis is loading the dataset in memory\r\n")
