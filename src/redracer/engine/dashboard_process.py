"""`dashboard-port`: the dashboard as a process beside the server, which ends with it.

It reads from a pipe that nobody writes to: however the server ends, the pipe does too.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from redracer.engine import log

if TYPE_CHECKING:
    from redracer.engine.config import Config

LOOPBACK = "127.0.0.1"
PATIENCE = 5  # s that it may take to end


def server_address(config: Config) -> str:
    """Where the dashboard reaches the server: its Unix socket, or its port on this machine."""
    return config["unixsocket"] or f"{LOOPBACK}:{config['port']}"


class DashboardProcess:
    """The process, if `dashboard-port` is set; it listens on the loopback interface."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, unless the port is 0. What it has to say comes out where the server's own output does."""
        port: int = self.config["dashboard-port"]
        if not port:
            return
        command = [sys.executable, "-m", "redracer", "dashboard", "--until-input-ends", "--port", str(port)]
        command += ["--server", server_address(self.config)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE)
        log.notice(f"The dashboard is at http://{LOOPBACK}:{port}/")

    def stop(self) -> None:
        """Ends it."""
        if self.process is None:
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
