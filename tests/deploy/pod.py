"""The scripts of the chart, run outside of a cluster: the rendered configuration, with a directory of its own."""

import os
import subprocess
import sys
from pathlib import Path

import redis

from tests.deploy.chart import by_name, merged, rendered
from tests.wire.conftest import free_port

BIN = Path(sys.prefix) / "bin"
PATIENCE = 200  # s
REDRACER = {
    "redis-server": BIN / "redracer-server",
    "redracer": BIN / "redracer",
    "redis-cli": BIN / "redracer-cli",
}


class Pod:
    """The pod's one container, without a container: start it, stop it, look into its directory.

    `programs` are the names that its image has; by default those of redracer's.
    """

    def __init__(
        self, directory: Path, values: dict, password: str, programs: dict[str, Path] = REDRACER
    ) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.data.mkdir()
        self.port = free_port()
        self.password = password
        (directory / "secrets").mkdir()
        (directory / "secrets/redis-password").write_text(password + "\n")
        self.log = directory / "log"
        ports = {"containerPorts": {"redis": self.port}, "service": {"ports": {"redis": self.port}}}
        self.objects = objects = by_name(rendered(merged(values, {"master": ports})))
        for name in ("scripts", "health"):
            (directory / name).mkdir()
            for file, text in objects[f"ConfigMap/redis-{name}"]["data"].items():
                (directory / name / file).write_text(text)
        text = objects["ConfigMap/redis-configuration"]["data"]["redis.conf"]
        text = text.replace("dir /data", f"dir {self.data}").replace("/opt/redracer", str(directory))
        (directory / "redis.conf").write_text(text + "\nbind 127.0.0.1\n")
        [container] = objects["StatefulSet/redis-master"]["spec"]["template"]["spec"]["containers"]
        assert container["command"] == ["/bin/sh", "/opt/redracer/scripts/start.sh"]
        (directory / "bin").mkdir()
        for name, target in programs.items():
            (directory / "bin" / name).symlink_to(target)
        self.environment = os.environ | self.variables(container)
        self.environment["PATH"] = f"{directory / 'bin'}:{os.environ['PATH']}"
        self.environment["TMPDIR"] = str(directory)
        self.environment["REDIS_DATA_DIR"] = str(self.data)
        self.environment["REDIS_CONFIGURATION"] = str(directory / "redis.conf")
        self.process: subprocess.Popen | None = None

    def variables(self, container: dict) -> dict[str, str]:
        """A container's environment."""
        return {
            item["name"]: item["value"].replace("/opt/redracer", str(self.directory))
            for item in container["env"]
        }

    def tool(self, name: str) -> subprocess.CompletedProcess:
        """Runs the command of the CronJob or of the pod of `helm test`, as their pods would."""
        command, environment = self.command(name)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)

    def command(self, name: str) -> tuple[list[str], dict[str, str]]:
        """The command of the CronJob or of the pod of `helm test`, and its environment; its claim is `backup`."""
        spec = self.objects[name]["spec"]
        pod = spec["jobTemplate"]["spec"]["template"]["spec"] if name.startswith("CronJob") else spec
        [container] = pod["containers"]
        shell, option, script = container["command"]
        assert (shell, option) == ("/bin/sh", "-ec")
        script = script.replace("/backup", str(self.directory / "backup"))
        environment = self.environment | self.variables(container) | {"REDIS_HOST": "localhost"}
        return [shell, option, script], environment

    def run(self, script: str) -> subprocess.CompletedProcess:
        """A script of the chart, to its end."""
        command = ["/bin/sh", str(self.directory / script)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE)

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=self.password)

    def start(self) -> redis.Redis:
        """Starts it and waits as the startup probe does; a client."""
        with self.log.open("ab") as log:
            command = ["/bin/sh", str(self.directory / "scripts/start.sh")]
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        for _ in range(400):
            if self.run("health/readiness.sh").returncode == 0:
                return self.client()
            assert self.process.poll() is None, self.log.read_text()
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        """As the kubelet does: the script before the stop, then SIGTERM."""
        done = self.run("scripts/before-stop.sh")
        assert done.returncode == 0, done.stderr
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0, self.log.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
