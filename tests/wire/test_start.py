"""How a server says that it is there, and goes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire.conftest import free_port

PATIENCE = 30  # s
ROOT = Path(__file__).parents[2]


def test_systemd_is_told_when_clients_may_come(tmp_path):
    notices = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(notices))
        channel.settimeout(PATIENCE)
        command = [
            str(Path(sys.prefix) / "bin" / "redracer-server"),
            "--port",
            "0",
            "--supervised",
            "systemd",
        ]
        command += ["--unixsocket", str(tmp_path / "socket"), "--save", "", "--dir", str(tmp_path)]
        command += ["--pidfile", str(tmp_path / "pid"), "--always-show-logo", "yes"]
        environment = os.environ | {"NOTIFY_SOCKET": str(notices)}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
            assert "READY=1" in channel.recv(1000).decode().splitlines()
            assert (tmp_path / "pid").read_text() == f"{process.pid}\n"
            process.terminate()
            output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert f"Listening on {tmp_path / 'socket'}\n" in output.decode()
    assert not (tmp_path / "pid").exists() and not (tmp_path / "socket").exists()


# A server to which a client has connected, and sent requests, as soon as it listens.
EARLY_CLIENT = """
import socket, sys, threading
from redracer.cli import server
from redracer.net.front import Front
from tests.wire.conftest import encoded

def open_and_connect(front):
    listen(front)
    client = socket.create_connection(front.tcp[0].socket.getsockname())
    client.sendall(encoded("GET", "kept") + encoded("SET", "early", "written"))
    threading.Thread(target=read, args=(client,), daemon=True).start()

def read(client):
    lines = list(iter(client.makefile("rb").readline, b"+OK\\r\\n"))
    print(lines, file=sys.stderr, flush=True)
    client.sendall(encoded("SHUTDOWN", "NOSAVE"))

listen, Front.open = Front.open, open_and_connect
sys.exit(server.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("appendonly", ["yes", "no"])
def test_nobody_is_served_before_the_data_is_there(tmp_path, start_server, appendonly):
    """What is a matter of luck elsewhere: the request is there when the server looks for the first time."""
    options = ["--appendonly", appendonly, "--dir", str(tmp_path)]
    first = start_server(*options)
    first.redis().set("kept", "value")
    first.redis().shutdown(save=appendonly == "no")
    first.process.wait(PATIENCE)
    port = str(free_port())
    command = [sys.executable, "-c", EARLY_CLIENT, "--port", port, "--bind", "127.0.0.1", "--save", ""]
    command += [*options, "--metrics-port", str(free_port())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, cwd=ROOT)
    assert r"[b'$5\r\n', b'value\r\n']" in done.stderr, done.stdout + done.stderr
    if appendonly == "yes":
        again = start_server(*options).redis()
        assert again.mget("kept", "early") == [b"value", b"written"]
