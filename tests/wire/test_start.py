"""How a server says that it is there, and goes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

PATIENCE = 30  # s


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
