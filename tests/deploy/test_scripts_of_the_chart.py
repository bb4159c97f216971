"""start.sh, before-stop.sh and the probes of the chart, with a server: restoring in each mode of persistence."""

import os
import shutil
import socket
import time
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("helm_python", reason="needs helm-python-sdk, which has wheels for Linux on x86-64 only")
pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")

from tests.deploy.pod import REDRACER, Pod
from tests.wire.certificates import make_authority, make_certificate

pytestmark = pytest.mark.timeout(600)
PASSWORD = 'p"a\\s $HOME'
REDIS = {name: Path(shutil.which(name) or "") for name in ("redis-server", "redis-cli")}


@pytest.fixture
def pod(tmp_path):
    """Makes pods; what still runs at the end is killed."""
    pods = []

    def make(mode="rdb", password=PASSWORD, programs=REDRACER, **values):
        pods.append(Pod(tmp_path, {"persistenceMode": mode, **values}, password, programs))
        return pods[-1]

    yield make
    for made in pods:
        if made.process and made.process.poll() is None:
            made.kill()


def make_backup(directory, programs):
    """A snapshot with one key, `restored`."""
    made = Pod(directory, {}, PASSWORD, programs)
    client = made.start()
    client.set("restored", "yes")
    made.stop()
    return made.data / "dump.rdb"


@pytest.fixture(scope="module")
def backup(tmp_path_factory):
    return make_backup(tmp_path_factory.mktemp("backup"), REDRACER)


def copy_in(backup, target):
    """As `kubectl cp` leaves it: a new file, with the present time."""
    shutil.copyfile(backup, target)


@pytest.mark.parametrize("mode", ["rdb", "aof", "none", pytest.param("both", marks=pytest.mark.long)])
def test_a_backup_is_restored_in_each_mode(pod, backup, mode):
    """By the guide's plain copy to dump.rdb, and by restore.rdb; and it is there after the next restart too."""
    restore_both_ways(pod(mode), backup, mode)


@pytest.mark.long
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server is installed")
@pytest.mark.parametrize("mode", ["rdb", "aof"])
def test_the_same_with_an_image_of_redis(pod, tmp_path_factory, mode):
    """The chart's scripts need nothing that only redracer's image has."""
    backup = make_backup(tmp_path_factory.mktemp("redis"), REDIS)
    restore_both_ways(pod(mode, programs=REDIS), backup, mode)


def restore_both_ways(made, backup, mode):
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


@pytest.mark.long
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server is installed")
@pytest.mark.parametrize("mode", ["rdb", "aof"])
def test_a_claim_goes_from_redis_to_redracer_and_back(tmp_path, mode):
    """As docs/migration.md says: the same directory, another image; back, in the version that the Redis reads."""
    values = {"persistenceMode": mode, "commonConfiguration": "rdb-version 10"}
    steps = (("first", REDIS, {"persistenceMode": mode}), ("second", REDRACER, values))
    steps += (("third", REDIS, {"persistenceMode": mode}),)
    before = None
    for number, (name, programs, settings) in enumerate(steps):
        (tmp_path / name).mkdir()
        made = Pod(tmp_path / name, settings, PASSWORD, programs)
        if before:
            shutil.copytree(before, made.data, dirs_exist_ok=True)
        client = made.start()
        assert client.dbsize() == 2 * number
        client.set(name, number)
        client.zadd(f"{name}:board", {"a": 1, "b": 2})
        assert sorted(client.keys("*:board"))[0] == b"first:board"
        made.stop()
        before = made.data


def test_a_snapshot_of_the_server_itself_is_not_taken_for_a_backup(pod):
    made = pod()
    client = made.start()
    client.set("a", "1")
    client.save()
    client.set("b", "2")
    made.stop()
    assert sorted(made.start().keys()) == [b"a", b"b"]
    assert not list(made.data.glob("*restore*"))


def test_a_snapshot_from_a_node_whose_clock_was_ahead_is_not_taken_for_a_backup(pod):
    made = pod()
    made.start().set("a", "1")
    made.stop()
    future = time.time() + 3600
    os.utime(made.data / "dump.rdb", (future, future))
    made.start().set("b", "2")
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


TLS = {"tls": {"enabled": True, "existingSecret": "certificates"}}


@pytest.mark.parametrize("values", [{}, TLS], ids=["plain", "tls"])
def test_the_backup_and_the_test_of_the_release(pod, tmp_path, values):
    """The commands of the CronJob and of `helm test`, also where there is no port without TLS."""
    certificates = tmp_path / "certs"
    certificates.mkdir()
    make_authority(certificates)
    make_certificate(certificates, "tls")
    made = pod(backup={"keep": 1}, commonConfiguration="repl-diskless-sync-delay 0", **values)
    made.start()  # the probe has succeeded, also over TLS
    old = tmp_path / "backup" / "backup-20260101T000000Z.rdb"
    for _ in range(2):
        done = made.tool("CronJob/redis-backup")
        assert done.returncode == 0, done.stderr
        assert "0 keys" in done.stdout
        [new] = (tmp_path / "backup").iterdir()
        new.rename(old)
    done = made.tool("Pod/redis-verify")
    assert done.returncode == 0, done.stdout
    assert "pub/sub" in done.stdout
    made.stop()


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
