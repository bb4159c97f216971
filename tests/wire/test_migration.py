"""`redracer migrate`: from and to real servers, under load, into a directory, and what it refuses."""

import subprocess
import sys
import threading

import pytest
import redis

from tests.wire.certificates import make_authority, make_certificate
from tests.wire.conftest import free_port
from tests.wire.test_replication import Node, fill, ours, pair, real  # noqa: F401


def migrate(*arguments):
    command = [sys.executable, "-m", "redracer", "migrate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def uri(node, password=""):
    return f"redis://{':' + password + '@' if password else ''}127.0.0.1:{node.port}"


def all_types(node):
    fill(node, 3)
    node.set("expiring", 1, px=1_000_000)
    node.xadd("stream", {"field": "value"})
    node.xgroup_create("stream", "group", 0)
    node.execute_command("SELECT", 5)
    node.set("elsewhere", "value")
    node.execute_command("SELECT", 0)


def test_everything_moves_and_the_target_takes_over(pair):  # noqa: F811
    source, target = pair
    all_types(source)
    source.config_set("requirepass", "secret")
    moved = migrate("--from", uri(source, "secret"), "--to", uri(target), "--verify")
    assert moved.returncode == 0, moved
    assert "0 differ" in moved.stdout and "has taken over" in moved.stdout
    assert target.info("replication")["role"] == "master"
    assert target.config_get("masterauth")["masterauth"] in (None, "")
    source.client.connection_pool.reset()
    source.client = redis.Redis(port=source.port, password="secret")
    assert target.digest() == source.digest()
    source.client.execute_command("CLIENT", "UNPAUSE")


def test_under_load_nothing_acknowledged_is_missing(ours):  # noqa: F811
    source, target = ours(), ours()
    fill(source)
    written, stop = [], threading.Event()

    def write():
        client = redis.Redis(port=source.port, socket_timeout=60)
        number = 0
        while not stop.is_set():
            number += 1
            client.set(f"written:{number}", number)
            written.append(number)

    thread = threading.Thread(target=write)
    thread.start()
    moved = migrate("--from", uri(source), "--to", uri(target), "--verify", "--hold", 30)
    count = len(written)  # what is held is not acknowledged
    assert moved.returncode == 0, moved
    assert sum(target.exists(f"written:{number}") for number in range(1, count + 1)) == count > 0
    stop.set()
    source.execute_command("CLIENT", "UNPAUSE")
    thread.join()


def test_into_a_directory(ours, start_server, tmp_path):  # noqa: F811
    source = ours()
    all_types(source)
    directory = tmp_path / "new"
    moved = migrate("--from", uri(source), "--dir", directory, "--verify")
    assert moved.returncode == 0, moved
    source.execute_command("CLIENT", "UNPAUSE")
    again = migrate("--from", uri(source), "--dir", directory)
    assert again.returncode == 1 and "--replace" in again.stderr
    other = Node(start_server("--dir", str(directory), "--enable-debug-command", "yes").port)
    assert other.digest() == source.digest()


def over_tls(folder, name):
    """Options of a server for TLS, and those of a client."""
    files = [folder / f"{name}.crt", folder / f"{name}.key", folder / "ca.crt"]
    return [
        [word for option in zip(options, map(str, files), strict=True) for word in option]
        for options in (
            ("--tls-cert-file", "--tls-key-file", "--tls-ca-cert-file"),
            ("--cert", "--key", "--cacert"),
        )
    ]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["ours", "real"])
def test_over_tls_to_a_server_and_into_a_directory(request, kind, ours, start_server, tmp_path):  # noqa: F811
    make_authority(tmp_path)
    make_certificate(tmp_path, "server")
    server_options, client_options = over_tls(tmp_path, "server")
    port, target_port = free_port(), free_port()
    source = request.getfixturevalue(kind)("--tls-port", str(port), *server_options)
    target = ours("--tls-port", str(target_port), *server_options)
    plain = ours()
    all_types(source)
    encrypted, directory = f"rediss://127.0.0.1:{port}", tmp_path / "new"
    moved = migrate(
        "--from", encrypted, "--to", f"127.0.0.1:{target_port}", "--tls", "--verify", *client_options
    )
    assert moved.returncode == 0, moved
    assert target.digest() == source.digest()
    assert target.config_get("tls-replication") == {"tls-replication": "no"}
    source.execute_command("CLIENT", "UNPAUSE")
    refused = migrate("--from", encrypted, "--dir", directory, "--cacert", tmp_path / "ca.crt")
    assert refused.returncode == 2 and "--cert" in refused.stderr
    moved = migrate("--from", encrypted, "--dir", directory, "--verify", *client_options)
    assert moved.returncode == 0, moved
    other = Node(start_server("--dir", str(directory), "--enable-debug-command", "yes").port)
    assert other.digest() == source.digest()
    source.execute_command("CLIENT", "UNPAUSE")
    refused = migrate("--from", encrypted, "--to", uri(plain), *client_options)
    assert refused.returncode == 1 and "tls-cert-file" in refused.stderr
    assert plain.info("replication")["role"] == "master"


@pytest.mark.long
def test_the_target_follows_in_the_clear_though_it_is_set_to_tls(ours, tmp_path):  # noqa: F811
    make_authority(tmp_path)
    make_certificate(tmp_path, "server")
    source, target = ours(), ours("--tls-replication", "yes", *over_tls(tmp_path, "server")[0])
    all_types(source)
    moved = migrate("--from", uri(source), "--to", uri(target), "--verify", "--timeout", 20)
    assert moved.returncode == 0, moved
    assert target.config_get("tls-replication") == {"tls-replication": "yes"}


def test_what_it_refuses(ours):  # noqa: F811
    source, target = ours(), ours()
    source.set("key", 1)
    target.set("mine", 1)
    assert migrate("--from", uri(source), "--to", uri(source)).returncode == 1
    refused = migrate("--from", uri(source), "--to", uri(target))
    assert refused.returncode == 1 and "--replace" in refused.stderr and target.get("mine") == b"1"
    assert migrate("--from", "redis://127.0.0.1:1", "--to", uri(target)).returncode == 1
    assert migrate("--from", "http://localhost", "--to", uri(target)).returncode == 2
    assert migrate("--from", uri(source)).returncode == 2


def test_a_difference_is_found(ours):  # noqa: F811
    from redracer.cli.migration.verification import compare
    from redracer.verify.connection import Connection, Target

    source, target = ours(), ours()
    for node in (source, target):
        node.set("same", 1, px=1_000_000)
        node.set("expiring", 1, px=1_000_000)
        node.hset("hash", mapping={"a": 1, "b": 2})
        node.zadd("board", {"a": 1.5, "b": 2})
        node.rpush("list", 1, 2)
        node.xadd("stream", {"field": "value"}, "1-1")
    target.hset("hash", "a", "another")
    target.persist("expiring")
    target.delete("board")
    target.xgroup_create("stream", "group", 0)
    target.set("extra", 1)
    target.set("more", 1)
    with (
        Connection(Target(f"127.0.0.1:{source.port}")) as one,
        Connection(Target(f"127.0.0.1:{target.port}")) as other,
    ):
        found = {difference.key: difference.what for difference in compare(one, other, lambda keys: None)}
    assert found.keys() == {b"hash", b"expiring", b"board", b"stream", b"extra", b"more"}


@pytest.mark.parametrize("word", ["--help"])
def test_it_tells_its_exit_codes(word):
    assert "Exit codes" in migrate(word).stdout
