"""`kubectl` and `helm` for the runbook: they name no context, and the pod that they mean is a running server.

What is asked about objects is answered from what the chart renders. What is done to the pod is done to the server of
`Pod`: commands run where its programs are, files are copied to and from its directory, deleting it stops the server as
the kubelet would and starts it again. A call that names a context is one of the playbooks', for `cluster.py`.

The variable LOCAL_POD names the file with what `Pod.describe` tells.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.deploy import cluster

PATIENCE = 200  # s
KINDS = {
    "pods": "Pod",
    "pod": "Pod",
    "svc": "Service",
    "statefulset": "StatefulSet",
    "configmap": "ConfigMap",
}
KINDS["endpoints"] = "Service"
NAME = "redis-master-0"
BACKUPS = "redis-backups"  # the pod of docs/backup.md that mounts the claim


class Local:
    """The pod, as another process sees it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.pod: dict[str, Any] = json.loads(file.read_text())
        self.directory = Path(self.pod["directory"])
        self.data = self.directory / "data"
        self.environment: dict[str, str] = self.pod["environment"]

    def run(self, *command: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self.environment, text=True, timeout=PATIENCE, **more)

    def ask(self, *words: str) -> str:
        script = f". {self.directory}/health/ask.sh; ask {' '.join(words)}"
        return self.run("/bin/sh", "-c", script, stdout=subprocess.PIPE).stdout.strip()

    def restart(self) -> None:
        """The pod is deleted, and the StatefulSet makes it again."""
        done = self.run("/bin/sh", str(self.directory / "scripts/before-stop.sh"))
        assert done.returncode == 0
        os.kill(self.pod["pid"], signal.SIGTERM)
        wait(lambda: gone(self.pod["pid"]), "the server ends")
        with (self.directory / "log").open("ab") as log:
            start = ["/bin/sh", str(self.directory / "scripts/start.sh")]
            process = subprocess.Popen(
                start,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.pod["pid"] = process.pid
        self.file.write_text(json.dumps(self.pod))
        ready = ["/bin/sh", str(self.directory / "health/readiness.sh")]
        wait(lambda: self.run(*ready, capture_output=True).returncode == 0, "the server is ready")


def wait(condition: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not within {PATIENCE} s")
        time.sleep(0.1)


def gone(pid: int) -> bool:
    """Whether the process has ended, even if nobody has asked yet how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def kubectl(local: Local, words: list[str]) -> None:
    verb, *rest = words
    actions = {"get": get, "describe": describe, "logs": logs, "exec": execute, "cp": copy, "delete": delete}
    actions |= {"run": run_pod, "top": top, "create": create_job}
    actions[verb](local, rest)


def found(kind: str, name: str | None, selector: str | None) -> list[str]:
    """The names of objects of a kind, of which there must be some."""
    from tests.deploy.chart import by_name, rendered

    objects = by_name(rendered())
    objects[f"Pod/{NAME}"] = {"metadata": objects["StatefulSet/redis-master"]["spec"]["template"]["metadata"]}
    names = [
        full.split("/")[1]
        for full, item in objects.items()
        if full.split("/")[0] == KINDS[kind]
        and (name is None or full.endswith(f"/{name}"))
        and cluster.matches(item["metadata"]["labels"], selector)
    ]
    return names or sys.exit(f'Error from server (NotFound): {kind} "{name or selector}" not found')


def get(local: Local, words: list[str]) -> None:
    selector, form = cluster.option(words, "-l"), cluster.option(words, "-o")
    if words[0] == "secret":
        assert (words[1], form) == ("urbalurba-secrets", "jsonpath={.data.REDIS_PASSWORD}")
        print(
            base64.b64encode((local.directory / "secrets/redis-password").read_bytes().strip()).decode(),
            end="",
        )
        return
    assert form is None
    kind, *name = words
    for one in found(kind, name[0] if name else None, selector):
        print(one, "1/1", f"127.0.0.1:{local.environment['REDIS_PORT']}")


def describe(local: Local, words: list[str]) -> None:
    selector = cluster.option(words, "-l")
    from tests.deploy.chart import by_name, rendered

    kind, *name = words
    for one in found(kind, name[0] if name else None, selector):
        print(f"Name: {one}")
        for value in by_name(rendered()).get(f"ConfigMap/{one}", {}).get("data", {}).values():
            print(value)


def logs(local: Local, words: list[str]) -> None:
    assert found("pods", None, cluster.option(words, "-l")) and not words
    print((local.directory / "log").read_text())


def execute(local: Local, words: list[str]) -> None:
    if words[0] in ("-it", "-i", "-t"):
        words.pop(0)
    pod, mark, *command = words
    assert pod in (NAME, BACKUPS) and mark == "--"
    path = "/backup" if pod == BACKUPS else "/data"
    command = [word.replace(path, f"{local.directory}{path}") for word in command]
    sys.exit(local.run(*command).returncode)


def create_job(local: Local, words: list[str]) -> None:
    """A job of a CronJob's, run to its end."""
    job, source, name = words
    assert job == "job"
    command, environment = local.pod["jobs"][source.removeprefix("--from=")]
    done = subprocess.run(command, env=environment, text=True, timeout=PATIENCE)
    print(f"job.batch/{name} created")
    sys.exit(done.returncode)


def run_pod(local: Local, words: list[str]) -> None:
    """A pod for one command: a client of the server, or a look-up of a service's name; or one to look at a claim."""
    if words[0] == BACKUPS:
        run_pod_with_backups(words[1:])
        return
    mark = words.index("--")
    options, command = words[1:mark], words[mark + 1 :]
    assert {"--rm", "-it"} <= set(options) <= {"--rm", "-it", "--restart=Never", options[0]}
    assert options[0].startswith("--image=")
    if command[0] == "nslookup":
        service, namespace, *domain = command[1].split(".")
        assert (namespace, domain) == ("default", ["svc", "cluster", "local"])
        print(f"Name: {command[1]}\nAddress: 127.0.0.1 ({found('svc', service, None)[0]})")
        return
    sys.exit(local.run(*command).returncode)


def run_pod_with_backups(words: list[str]) -> None:
    """A pod that only mounts the claim of the backups."""
    from tests.deploy.chart import by_name, rendered

    image, overrides = words
    assert image.startswith("--image=")
    spec = json.loads(overrides.removeprefix("--overrides="))["spec"]
    [container], [volume] = spec["containers"], spec["volumes"]
    claim = volume["persistentVolumeClaim"]["claimName"]
    assert f"PersistentVolumeClaim/{claim}" in by_name(rendered())
    assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": "/backup"}]
    assert container["image"] == image.removeprefix("--image=")
    print(f"pod/{BACKUPS} created")


def copy(local: Local, words: list[str]) -> None:
    source, target = (inside(local, word) for word in words)
    last = int(local.ask("lastsave"))
    if target.parent == local.data:
        wait(lambda: time.time() > last + 1, "the next second")  # a person is never that quick
        target.unlink(missing_ok=True)
    else:  # as the runbook says: when the save is done
        wait(lambda: "rdb_bgsave_in_progress:0" in local.ask("info", "persistence"), "the save ends")
    target.write_bytes(source.read_bytes())


def inside(local: Local, word: str) -> Path:
    pod, colon, path = word.partition(":")
    if not colon:
        return Path(word)
    assert path.startswith({NAME: "/data/", BACKUPS: "/backup/"}[pod])
    return local.directory / path[1:]


def delete(local: Local, words: list[str]) -> None:
    kind, name = words
    assert kind == "pod"
    if name != BACKUPS:
        assert name == NAME
        local.restart()
    print(f'pod "{name}" deleted')


def top(local: Local, words: list[str]) -> None:
    assert words == ["pod", NAME]
    pages = int(Path(f"/proc/{local.pod['pid']}/statm").read_text().split()[1])
    print(f"NAME CPU(cores) MEMORY(bytes)\n{NAME} 1m {pages * os.sysconf('SC_PAGE_SIZE') >> 20}Mi")


def helm(words: list[str]) -> None:
    import yaml
    from helm_python import parse_set_string

    from tests.deploy.chart import merged, notes, rendered

    verb, release, *rest = words
    if verb == "uninstall":
        print(f'release "{release}" uninstalled')
        return
    assert verb == "install"
    values = yaml.safe_load(Path(cluster.option(rest, "-f") or "").read_text())
    while text := cluster.option(rest, "--set"):
        values = merged(values, parse_set_string(text))
    [chart] = rest
    assert (Path(chart) / "Chart.yaml").exists()
    rendered(values, release)
    print(notes(values))


def main() -> int:
    program, words = Path(sys.argv[0]).name, sys.argv[1:]
    if words[0] in ("--context", "--kube-context"):
        return cluster.main()
    if program == "helm":
        helm(words)
    else:
        kubectl(Local(Path(os.environ["LOCAL_POD"])), words)
    return 0
