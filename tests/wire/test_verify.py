"""`redracer verify` against servers that are as they should be, and against those that are not."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread
from xml.etree import ElementTree

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from redracer.verify import Category, Phase, Report, Result, Status, Target, verify
from redracer.verify.marker import STRINGS
from tests.wire.certificates import make_authority, make_certificate
from tests.wire.conftest import ServerProcess, free_port

PASSWORD = "s3cret pässword"
REDRACER = str(Path(sys.prefix) / "bin" / "redracer")


def run(server, *options, password=PASSWORD, **variables):
    """The command against a server: the finished process."""
    environment = {name: value for name, value in os.environ.items() if name != "REDISCLI_AUTH"}
    if password is not None:
        environment["REDISCLI_AUTH"] = password
    command = [REDRACER, "verify", "--server", f"127.0.0.1:{server.port}", *options]
    return subprocess.run(command, capture_output=True, text=True, env=environment | variables, timeout=100)


@pytest.fixture(scope="module")
def guarded(start_server):
    return start_server("--requirepass", PASSWORD)


def target(server, password=PASSWORD, **more):
    return Target(f"127.0.0.1:{server.port}", password=password, **more)


def failed(report):
    return {result.name for result in report.failures}


def test_a_server_that_is_as_it_should_be(guarded):
    client = guarded.redis(password=PASSWORD)
    client.set("redracer:verify", "somebody's")
    done = run(guarded)
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    assert PASSWORD not in done.stdout
    for name in ("wrong password refused", "streams", "pub/sub", "expiry", "saved", "nothing left behind"):
        assert f"ok    {name}" in done.stdout
    assert client.keys() == [b"redracer:verify"]


def test_the_password_comes_from_a_file(guarded, tmp_path):
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    assert run(guarded, "--password-file", str(file), password="ignored").returncode == 0
    file.write_text("\nsecond line\n")
    done = run(guarded, "--password-file", str(file))
    assert done.returncode == 2
    assert "is empty" in done.stderr
    done = run(guarded, "--password-file", str(tmp_path / "missing"))
    assert done.returncode == 2
    assert "No such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_and_junit(guarded, tmp_path):
    value = json.loads(run(guarded, "--format", "json").stdout)
    assert value["passed"] is True
    assert value["exit_code"] == 0
    assert value["server"] == "version 8.2.0"
    assert {check["category"] for check in value["checks"]} == set(Category)
    file = tmp_path / "report.xml"
    assert run(guarded, "--format", "junit", "--output", str(file), password="wrong").returncode == 4
    suite = ElementTree.parse(file).getroot()
    assert suite.get("failures") == "1"
    [failure] = suite.iter("failure")
    assert "WRONGPASS" in failure.get("message")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--server", "nowhere"], "neither HOST:PORT"),
        (["--prefix", ""], "must not be empty"),
        (["--restart", "true", "--phase", "before"], "exclude"),
        (["--phase", "during"], "invalid choice"),
        (["--wait", "soon"], "no number of seconds"),
        (["--tls", "--cacert", "/missing"], "No such file"),
    ],
)
def test_wrong_usage(guarded, options, says):
    done = run(guarded, *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_no_connection():
    report = verify(Target(f"127.0.0.1:{free_port()}"))
    assert report.exit_code == 3
    assert failed(report) == {"reachable"}
    assert "Connection refused" in report.results[0].detail


@pytest.mark.parametrize("password", [None, "", "wrong"])
def test_a_password_that_is_missing_or_wrong(guarded, password):
    report = verify(target(guarded, password))
    assert report.exit_code == 4
    assert failed(report) == {"password accepted"}


def test_a_server_that_asks_nobody_for_a_password(server):
    report = verify(target(server, password=PASSWORD))
    assert report.exit_code == 4
    assert failed(report) == {"password accepted", "wrong password refused", "missing password refused"}
    report = verify(target(server, password=None))
    assert report.exit_code == 0
    assert [result.name for result in report.results if result.status is Status.SKIPPED] == [
        "password accepted",
        "wrong password refused",
        "missing password refused",
    ]


def test_a_user_who_may_do_everything_needed_under_the_prefix_alone(guarded):
    admin = guarded.redis(password=PASSWORD)
    admin.execute_command("ACL", "SETUSER", "checker", "on", ">" + PASSWORD, "+@all", "~mine:*", "&mine:*")
    assert verify(target(guarded, user="checker"), prefix="mine:").exit_code == 0
    report = verify(target(guarded, user="checker"), prefix="other:")
    assert report.exit_code == 5
    assert "NOPERM" in report.failures[0].detail
    admin.execute_command("ACL", "SETUSER", "checker", "-pfadd")
    report = verify(target(guarded, user="checker"), prefix="mine:")
    assert report.exit_code == 1
    assert failed(report) == {"hyperloglogs"}
    assert "PFADD" in report.failures[0].detail


def test_phases_around_a_restart(tmp_path):
    before = ServerProcess(tmp_path, "--requirepass", PASSWORD)
    try:
        report = verify(target(before), phase=Phase.AFTER)
        assert report.exit_code == 5
        assert "`--phase before` has not been run" in report.failures[0].detail
        report = verify(target(before), phase=Phase.BEFORE)
        assert report.passed, report.as_text()
        assert before.redis(password=PASSWORD).dbsize() == STRINGS + 6
        assert failed(verify(target(before), phase=Phase.AFTER)) == {"restarted"}
        assert verify(target(before), phase=Phase.BEFORE).passed
    finally:
        before.kill()
    after = ServerProcess(tmp_path, "--requirepass", PASSWORD)
    try:
        client = after.redis(password=PASSWORD)
        report = verify(target(after), phase=Phase.AFTER)
        assert report.passed, report.as_text()
        assert client.keys() == []
    finally:
        after.kill()
    again = ServerProcess(tmp_path, "--requirepass", PASSWORD)
    try:
        assert again.redis(password=PASSWORD).keys() == []  # a crash does not bring the marker set back
    finally:
        again.stop()


def test_data_that_a_restart_loses_or_changes(tmp_path):
    (tmp_path / "empty").mkdir()
    before = ServerProcess(tmp_path)
    assert verify(target(before, None), phase=Phase.BEFORE).passed
    before.kill()
    changed = ServerProcess(tmp_path)
    changed.redis().set("redracer:verify:marker:string:7", "another")
    report = verify(target(changed, None), phase=Phase.AFTER)
    changed.stop()
    assert report.exit_code == 5
    assert failed(report) == {"data after the restart"}
    assert "string:7" in report.failures[0].detail
    lost = ServerProcess(tmp_path / "empty")
    report = verify(target(lost, None), phase=Phase.AFTER)
    lost.stop()
    assert report.exit_code == 5
    assert "no marker set" in report.failures[0].detail


def test_a_restart_of_its_own(tmp_path):
    """The command stops the server and starts another in its place, as an operator's script would."""
    server = ServerProcess(tmp_path, "--requirepass", PASSWORD, "--pidfile", str(tmp_path / "pid"))
    script = tmp_path / "restart.sh"
    script.write_text(
        f"kill -9 {server.process.pid}\n"
        f"{REDRACER} serve --port {server.port} --bind 127.0.0.1 --dir {tmp_path} --save '' "
        f"--requirepass '{PASSWORD}' --daemonize yes --pidfile {tmp_path}/pid2 --logfile {tmp_path}/log2\n"
    )
    server.killed = True
    try:
        done = run(server, "--restart", f"sh {script}")
        assert done.returncode == 0, done.stdout
        assert "the server is another process than before" in done.stdout
        client = redis.Redis(port=server.port, password=PASSWORD)
        assert client.keys() == []
    finally:
        server.process.wait()
        redis.Redis(port=server.port, password=PASSWORD).shutdown(nosave=True)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("echo it is broken >&2; exit 3", "ended with 3: it is broken"),
        ("true", "another process serves: not within"),
    ],
)
def test_a_restart_that_is_none(guarded, command, says):
    report = verify(target(guarded), restart=command, patience=2)
    assert report.exit_code == 5
    assert failed(report) == {"restarted"}
    assert says in report.failures[0].detail
    assert guarded.redis(password=PASSWORD).keys("redracer:verify:*") == []


def test_a_save_that_fails(tmp_path):
    server = ServerProcess(tmp_path)
    try:
        (tmp_path / "dump.rdb").mkdir()
        report = verify(target(server, None), patience=20)
        assert report.exit_code == 5
        assert "saved" in failed(report)
        assert server.redis().keys() == []
    finally:
        server.kill()


def test_over_tls(start_server, tmp_path):
    make_authority(tmp_path)
    make_certificate(tmp_path, "server")
    port = free_port()
    options = [
        "--tls-port",
        str(port),
        "--tls-auth-clients",
        "no",
        "--tls-ca-cert-file",
        f"{tmp_path}/ca.crt",
    ]
    options += ["--tls-cert-file", f"{tmp_path}/server.crt", "--tls-key-file", f"{tmp_path}/server.key"]
    server = start_server(*options, "--requirepass", PASSWORD)
    address = ["--server", f"127.0.0.1:{port}"]
    done = run(server, *address, "--tls", "--cacert", f"{tmp_path}/ca.crt", "--sni", "localhost")
    assert done.returncode == 0, done.stdout
    done = run(server, *address, "--tls")
    assert done.returncode == 3
    assert "certificate" in done.stdout
    assert run(server, *address, "--tls", "--insecure").returncode == 0
    backup = [REDRACER, "backup", "--from", f"127.0.0.1:{port}", "--to", f"{tmp_path}/backup.rdb", "--tls"]
    environment = os.environ | {"REDISCLI_AUTH": PASSWORD}
    assert subprocess.run(backup, env=environment, capture_output=True).returncode == 1
    subprocess.run([*backup, "--cacert", f"{tmp_path}/ca.crt"], env=environment, check=True)


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server is installed")
def test_a_real_server(tmp_path):
    """It says nothing of redracer that is not so of Redis."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--requirepass", PASSWORD]
    with subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL) as server:
        try:
            client = redis.Redis(port=port, password=PASSWORD, retry=Retry(ConstantBackoff(0.05), 400))
            client.ping()
            report = verify(Target(f"127.0.0.1:{port}", password=PASSWORD))
            assert report.passed, report.as_text()
            assert client.keys() == []
        finally:
            server.terminate()


def test_several_failures_give_the_code_of_the_gravest():
    def report(*categories):
        return Report("x", results=[Result("c", c, Status.FAILED, "bad\x00", 0.1) for c in categories])

    assert report().exit_code == 0
    assert report(Category.CLEANUP).exit_code == 6
    assert report(Category.CLEANUP, Category.DATA).exit_code == 1
    assert report(Category.DATA, Category.PERSISTENCE).exit_code == 5
    assert report(Category.PERSISTENCE, Category.AUTHENTICATION).exit_code == 4
    ElementTree.fromstring(report(Category.DATA).as_junit())


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400\r\n", b"$many\r\n", b"*1\r\n" * 9000, b"", b"+PO"])
def test_something_that_is_no_server(reply):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(reply)

        Thread(target=answer, daemon=True).start()
        report = verify(Target(f"127.0.0.1:{listener.getsockname()[1]}"))
    assert report.exit_code == 3
    assert failed(report) == {"reachable"}


def test_a_unix_socket(start_server, tmp_path):
    start_server("--unixsocket", f"{tmp_path}/socket")
    assert verify(Target(f"{tmp_path}/socket")).passed
    report = verify(Target(f"{tmp_path}/none"))
    assert report.exit_code == 3


def test_a_password_of_any_bytes(start_server, tmp_path):
    password = b"\xff\xfe \xc3\xa4"
    server = start_server()
    server.connect().request("CONFIG", "SET", "requirepass", password)
    (tmp_path / "password").write_bytes(password + b"\n")
    done = run(server, "--password-file", str(tmp_path / "password"))
    assert done.returncode == 0, done.stdout


def test_a_password_is_in_no_representation():
    assert "hidden" not in repr(Target(password="hidden"))
