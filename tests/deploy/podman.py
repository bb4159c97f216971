"""The rendered StatefulSet as a pod of podman: what the kubelet makes of it, as far as podman can.

What it keeps: image, command, arguments, environment, user and group, read-only root, capabilities, privileges,
limits of memory and processor, config maps, secrets, empty directories, claims, the script before a stop, probes as
health checks. What podman has no form for is done by hand or not at all: the claim's directory gets the group of
`fsGroup`; there are no services, so the pod has no network but its own loopback; nobody restarts a container.
Whatever else a pod or container has makes `PodmanPod` fail: nothing that the chart sets is ignored.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

Values = dict[str, Any]
# crun refuses hosts with both versions of cgroups; limits above the caller's own are refused to runc.
CONFIGURATION = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
"""
POD_KEYS = {
    "serviceAccountName", "automountServiceAccountToken", "enableServiceLinks", "terminationGracePeriodSeconds",
    "securityContext", "containers", "volumes",
}  # fmt: skip
CONTAINER_KEYS = {
    "name", "image", "imagePullPolicy", "command", "args", "env", "ports", "securityContext", "resources",
    "lifecycle", "startupProbe", "livenessProbe", "readinessProbe", "volumeMounts",
}  # fmt: skip


def cpus(quantity: str | float) -> float:
    """A quantity of processors: `200m` is 0.2."""
    text = str(quantity)
    return float(text[:-1]) * 0.001 if text.endswith("m") else float(text)


def memory(quantity: str) -> str:
    """A quantity of memory as podman's options want it: `256Mi` is 256m."""
    assert quantity.endswith(("Mi", "Gi")), quantity
    return quantity[:-2] + quantity[-2].lower()


class PodmanPod:
    """The one pod of a StatefulSet. `directory` holds its claim between restarts."""

    def __init__(self, objects: dict[str, Values], stateful: str, secrets: dict[str, dict[str, str]]) -> None:
        """`objects` are by KIND/NAME; `secrets` are those that are in the cluster already: keys and values."""
        self.objects = objects
        self.secrets = secrets
        template = objects[f"StatefulSet/{stateful}"]["spec"]
        self.pod: Values = template["template"]["spec"]
        self.claims = [claim["metadata"]["name"] for claim in template.get("volumeClaimTemplates", ())]
        [self.container] = self.pod["containers"]
        assert self.pod.keys() <= POD_KEYS, self.pod.keys() - POD_KEYS
        assert self.container.keys() <= CONTAINER_KEYS, self.container.keys() - CONTAINER_KEYS
        self.name = f"{stateful}-0"
        self.directory = Path(tempfile.mkdtemp(prefix="redracer-pod-"))
        (self.directory / "containers.conf").write_text(CONFIGURATION)
        self.made_secrets: list[str] = []

    def podman(self, *words: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"CONTAINERS_CONF": str(self.directory / "containers.conf")}
        done = subprocess.run(
            ["podman", *words], env=environment, input=stdin, capture_output=True, text=True, timeout=300
        )
        if check and done.returncode:
            raise AssertionError(f"podman {' '.join(words)}: {done.stderr}{self.log()}")
        return done

    def log(self) -> str:
        """What the container has said."""
        command = ["podman", "logs", f"{self.name}-{self.container['name']}"]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout + done.stderr

    # --- its life

    def create(self) -> None:
        """As when the pod is scheduled: a new container, the same claim."""
        self.podman("pod", "create", "--name", self.name, "--hostname", self.name, "--network", "none")
        self.podman(
            "run", "--detach", "--pod", self.name, *self.options(), self.container["image"], *self.command()
        )
        self.wait_ready()

    def delete(self) -> None:
        """As `kubectl delete pod`: the script before the stop, SIGTERM, and after the time of grace SIGKILL."""
        hook = self.container["lifecycle"]["preStop"]["exec"]["command"]
        self.exec(*hook)
        grace = str(self.pod["terminationGracePeriodSeconds"])
        self.podman("stop", "--time", grace, self.running)
        self.podman("pod", "rm", "--force", self.name)

    def kill(self) -> None:
        """As when the node loses power."""
        self.podman("kill", "--signal", "KILL", self.running)
        self.podman("pod", "rm", "--force", self.name)

    def close(self) -> None:
        """Takes everything away."""
        self.podman("pod", "rm", "--force", "--ignore", self.name, check=False)
        for name in self.made_secrets:
            self.podman("secret", "rm", name, check=False)
        shutil.rmtree(self.directory)

    @property
    def running(self) -> str:
        return f"{self.name}-{self.container['name']}"

    def exec(self, *command: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """As `kubectl exec`."""
        return self.podman("exec", "--interactive", self.running, *command, check=check, stdin=stdin)

    def copy_in(self, source: Path, target: str) -> None:
        """As `kubectl cp`: tar inside the container, which makes a new file with the present time."""
        data = source.read_bytes()
        command = [
            "podman",
            "exec",
            "--interactive",
            self.running,
            "sh",
            "-c",
            'rm -f "$0"; cat >"$0"',
            target,
        ]
        subprocess.run(command, input=data, check=True)

    def copy_out(self, source: str, target: Path) -> None:
        command = ["podman", "exec", self.running, "cat", source]
        target.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)

    def wait_ready(self) -> None:
        """Until the startup probe passes; then the others must pass too, and the image's health check."""
        probe = self.container["startupProbe"]
        for _ in range(probe["failureThreshold"]):
            if self.exec(*probe["exec"]["command"], check=False).returncode == 0:
                break
            state = self.podman("inspect", "--format", "{{.State.Status}}", self.running).stdout.strip()
            assert state == "running", f"{state}: {self.log()}"
            time.sleep(probe["periodSeconds"])
        for name in ("livenessProbe", "readinessProbe"):
            self.exec(*self.container[name]["exec"]["command"])
        self.podman("healthcheck", "run", self.running)

    # --- what podman is told

    def command(self) -> list[str]:
        return [*self.container["command"][1:], *self.container.get("args", ())]

    def options(self) -> list[str]:
        container = self.container
        limits = container["resources"]["limits"]
        options = ["--name", self.running, "--pull", "never", "--entrypoint", container["command"][0]]
        options += ["--memory", memory(limits["memory"]), "--memory-swap", memory(limits["memory"])]
        options += ["--cpus", str(cpus(limits["cpu"]))]
        options += self.security() + self.mounts()
        options += ["--health-cmd", json.dumps(container["readinessProbe"]["exec"]["command"])]
        options += ["--health-interval", "disable"]
        for variable in container["env"]:
            options += ["--env", f"{variable['name']}={variable['value']}"]
        return options

    def security(self) -> list[str]:
        context = dict(self.container["securityContext"])
        options = ["--user", f"{context.pop('runAsUser')}:{context.pop('runAsGroup')}"]
        assert context.pop("runAsNonRoot") is True
        assert context.pop("privileged") is False
        if context.pop("readOnlyRootFilesystem"):
            options += ["--read-only", "--read-only-tmpfs=false"]
        if not context.pop("allowPrivilegeEscalation"):
            options += ["--security-opt", "no-new-privileges"]
        for capability in context.pop("capabilities")["drop"]:
            options += ["--cap-drop", capability]
        assert context.pop("seccompProfile") == {"type": "RuntimeDefault"}  # which podman's own is
        assert not context, f"not carried over: {context}"
        return options

    def mounts(self) -> list[str]:
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        options = []
        for mount in self.container["volumeMounts"]:
            name, path = mount["name"], mount["mountPath"]
            volume = volumes.get(name, {"claim": name} if name in self.claims else {})
            if "claim" in volume or "persistentVolumeClaim" in volume:
                options += ["--volume", f"{self.claim(name)}:{path}"]
            elif "emptyDir" in volume:
                size = volume["emptyDir"].get("sizeLimit", "64Mi")
                options += ["--tmpfs", f"{path}:size={memory(size)},mode=1777"]
            elif "configMap" in volume:
                options += ["--volume", f"{self.config_map(volume['configMap']['name'])}:{path}:ro"]
            elif "secret" in volume:
                options += self.secret(volume["secret"], path)
            else:
                raise AssertionError(f"no volume {name}")
        return options

    def claim(self, name: str) -> Path:
        """The directory of a claim, with the group that the kubelet gives it because of `fsGroup`."""
        path = self.directory / name
        path.mkdir(exist_ok=True)
        os.chown(path, 0, self.pod["securityContext"]["fsGroup"])
        path.chmod(0o2775)
        return path

    def config_map(self, name: str) -> Path:
        path = self.directory / name
        path.mkdir(exist_ok=True)
        for file, text in self.objects[f"ConfigMap/{name}"]["data"].items():
            (path / file).write_text(text)
        return path

    def secret(self, volume: Values, path: str) -> list[str]:
        """Each key as podman's secret, mounted where the volume would have it."""
        options = []
        for item in volume["items"]:
            name = f"{self.name}-{volume['secretName']}-{item['key']}"
            if name not in self.made_secrets:
                value = self.secrets[volume["secretName"]][item["key"]]
                self.podman("secret", "create", name, "-", stdin=value)
                self.made_secrets.append(name)
            group = self.pod["securityContext"]["fsGroup"]
            mode = f"{volume['defaultMode']:04o}"
            options += ["--secret", f"{name},type=mount,target={path}/{item['path']},gid={group},mode={mode}"]
        return options
