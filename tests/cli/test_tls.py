"""TLS with the client's options, beside redis-cli's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Bench
from tests.wire.certificates import make_authority, make_certificate
from tests.wire.conftest import ServerProcess, free_port


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("certificates")
    make_authority(directory)
    make_authority(directory, "other")
    make_certificate(directory, "server")
    make_certificate(directory, "client")
    return directory


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    port = free_port()
    server = ServerProcess(
        folder,
        *("--tls-port", str(port)),
        *("--tls-cert-file", str(folder / "server.crt")),
        *("--tls-key-file", str(folder / "server.key")),
        *("--tls-ca-cert-file", str(folder / "ca.crt")),
        *("--tls-auth-clients", "optional", "--repl-diskless-sync-delay", "0"),
    )
    yield port
    server.stop()


@pytest.mark.parametrize(
    "options",
    [
        "--tls --cacert {tls}/ca.crt",
        "--tls --cacert {tls}/ca.crt --cert {tls}/client.crt --key {tls}/client.key",
        "--tls --insecure",
        "--tls --insecure --sni localhost",
        "--tls --cacert {tls}/ca.crt -3 --no-raw",
        "-u rediss://127.0.0.1:{port} --cacert {tls}/ca.crt",
        "--tls --cacert {tls}/other.crt",
        "--tls",
        "--tls --cacert {tls}/missing.crt",
        "--tls --cacert {tls}/ca.crt --cert {tls}/missing.crt --key {tls}/client.key",
        "--tls --insecure --tls-ciphers NOTHING",
        "--tls --insecure --tls-ciphers ECDHE-ECDSA-AES256-GCM-SHA384",
    ],
)
def test_same_output_as_redis_cli(
    bench: Bench, redis_cli: str, folder: Path, port: int, options: str
) -> None:
    text = options.replace("{tls}", str(folder)).replace("{port}", str(port))
    words = ["-p", str(port), *text.split(), "ping"]
    theirs = bench.redis_cli(words, b"", {})
    ours = bench.ours(words, b"", {})
    assert (ours.code, ours.stdout) == (theirs.code, theirs.stdout), (ours, theirs)
    assert ours.code == 0 or ours.stderr.startswith(b"Could not negotiate a TLS connection: ")
    assert b"Traceback" not in ours.stderr


def test_no_tls_on_the_other_side(bench: Bench) -> None:
    shown = bench.ours(["-p", str(bench.server.port), "--tls", "--insecure", "ping"], b"", {})
    assert shown.code == 1
    assert shown.stderr.startswith(b"Could not negotiate a TLS connection: ")


def test_everything_that_moves_bytes(bench: Bench, port: int, tmp_path: Path) -> None:
    base = ["-p", str(port), "--tls", "--insecure"]
    lines = b"".join(b"SET key:%d %s\r\n" % (number, b"x" * 2000) for number in range(2000))
    piped = bench.ours([*base, "--pipe"], lines + b"GET key:1\r\n" * 2000, {})
    assert (piped.code, piped.stdout.splitlines()[-1]) == (0, b"errors: 0, replies: 4000")
    assert len(bench.ours([*base, "--scan"], b"", {}).stdout.split()) == 2000
    assert bench.ours([*base, "--rdb", str(tmp_path / "dump.rdb")], b"", {}).code == 0
    assert (tmp_path / "dump.rdb").read_bytes().startswith(b"REDIS")
    script = bench.ours(base, b"get key:1\ndbsize\n", {})
    assert script.stdout == b"x" * 2000 + b"\n2000\n"
