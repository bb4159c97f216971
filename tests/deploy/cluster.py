"""A stand-in for a cluster: `kubectl` and `helm` as one program, which keeps its state in a file.

It knows what the scripts and playbooks of deploy/ use, and refuses everything else. The objects are those that the
chart really renders. Each call is written down with its arguments; a call that names no context, or another
than one that there is, fails as it would fail where no context is current.

The file is named by the variable CLUSTER_STATE; `State` is what it holds.
"""

import base64
import fcntl
import json
import os
import sys
from pathlib import Path

KINDS = {
    "pods": "Pod",
    "pod": "Pod",
    "pvc": "PersistentVolumeClaim",
    "statefulsets": "StatefulSet",
    "services": "Service",
    "configmaps": "ConfigMap",
    "cronjobs": "CronJob",
    "networkpolicies": "NetworkPolicy",
    "poddisruptionbudgets": "PodDisruptionBudget",
    "serviceaccounts": "ServiceAccount",
}
REDIS = {"app.kubernetes.io/name": "redis", "app.kubernetes.io/instance": "redis"}


class Refused(Exception):
    """The command fails; the text goes to standard error."""


class State:
    """The cluster. `faults` are what goes wrong: see where each is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.contexts = ["rancher-desktop", "multipass-microk8s", "azure-aks"]
        self.namespaces = ["default"]
        self.secrets: dict[str, dict[str, str]] = {}
        self.objects: dict[str, dict[str, str]] = {}  # KIND/NAME: labels
        self.releases: dict[str, dict[str, str]] = {}
        self.marker = False  # the verification's keys, between its two phases
        self.faults: list[str] = []
        self.calls: list[list[str]] = []
        if path.exists():
            self.__dict__.update(json.loads(path.read_text()))

    def save(self) -> None:
        values = {name: value for name, value in self.__dict__.items() if name != "path"}
        self.path.write_text(json.dumps(values))

    def called(self, *words: str) -> list[list[str]]:
        """The calls that contain these words in this order."""
        return [call for call in self.calls if contains(call, words)]


def contains(call: list[str], words: tuple[str, ...]) -> bool:
    rest = iter(call)
    return all(word in rest for word in words)


def option(words: list[str], *names: str) -> str | None:
    """Takes an option and its value out of the words."""
    for name in names:
        if name in words:
            place = words.index(name)
            del words[place]
            return words.pop(place)
    return None


def matches(labels: dict[str, str], selector: str | None) -> bool:
    wanted = dict(part.split("=", 1) for part in selector.split(",")) if selector else {}
    return wanted.items() <= labels.items()


def kubectl(state: State, words: list[str]) -> str:
    context, namespace = option(words, "--context"), option(words, "--namespace")
    if context is None:
        raise Refused("error: current-context is not set")
    verb, *rest = words
    if verb == "config":
        return get_context(state, rest)
    if context not in state.contexts:
        raise Refused(f'error: context "{context}" does not exist')
    if "unreachable" in state.faults:
        raise Refused("The connection to the server was refused - did you specify the right host or port?")
    if namespace not in state.namespaces:
        raise Refused(f'Error from server (NotFound): namespaces "{namespace}" not found')
    actions = {
        "get": get,
        "rollout": rollout,
        "describe": describe,
        "logs": logs,
        "exec": execute,
        "delete": delete,
    }
    return actions[verb](state, rest)


def get_context(state: State, words: list[str]) -> str:
    verb, name, output, form = words
    assert (verb, output, form) == ("get-contexts", "--output", "name")
    if name not in state.contexts:
        raise Refused(f"error: context {name} not found")
    return name


def get(state: State, words: list[str]) -> str:
    selector, form = option(words, "--selector"), option(words, "--output")
    if words[0] == "namespace":
        return f"namespace/{words[1]}"
    if words[0] == "secret":
        return get_secret(state, words, form or "")
    kinds = {KINDS[name] for name in words[0].split(",")}
    found = [
        name
        for name, labels in state.objects.items()
        if name.split("/")[0] in kinds and matches(labels, selector)
    ]
    if form == "name":
        return "\n".join(f"{name.split('/')[0].lower()}/{name.split('/')[1]}" for name in found)
    return "\n".join(name.split("/")[1] + "   0/1   Pending" for name in found)


def get_secret(state: State, words: list[str], form: str) -> str:
    name = words[1]
    if name not in state.secrets:
        if "--ignore-not-found" in words:
            return ""
        raise Refused(f'Error from server (NotFound): secrets "{name}" not found')
    if form == "name":
        return f"secret/{name}"
    key = form.removeprefix("jsonpath={.data.").removesuffix("}")
    return base64.b64encode(state.secrets[name].get(key, "").encode()).decode()


def rollout(state: State, words: list[str]) -> str:
    assert words[0] == "status"
    assert f"StatefulSet/{words[1].removeprefix('statefulset/')}" in state.objects
    if "never ready" in state.faults:
        raise Refused("error: timed out waiting for the condition")
    return "partitioned roll out complete: 1 new pods have been updated..."


def describe(state: State, words: list[str]) -> str:
    return f"Name: {words[1]}\nEvents:\n  Warning  Failed  Error: ErrImagePull"


def logs(state: State, words: list[str]) -> str:
    return f"logs of {words[0]}"


def execute(state: State, words: list[str]) -> str:
    """`redracer verify` in the pod: its options must be such that it takes."""
    from redracer.cli.verify import parser_of_options

    pod, container, name, mark, program, command, *options = words
    assert (container, name, mark, program, command) == ("--container", "redis", "--", "redracer", "verify")
    assert f"Pod/{pod}" in state.objects
    phase = parser_of_options().parse_args(options).phase
    if "no redracer" in state.faults:
        raise SystemExit(126)
    if "refuses password" in state.faults or ("loses data" in state.faults and phase == "after"):
        print("FAIL  something")
        raise SystemExit(5 if phase == "after" else 4)
    if phase == "after":
        assert state.marker, "nothing was verified before the restart"
    state.marker = phase == "before"
    return "ok    everything"


def delete(state: State, words: list[str]) -> str:
    kind, name = KINDS[words[0]], words[1]
    if kind == "Pod":  # the StatefulSet makes it again
        assert f"Pod/{name}" in state.objects
        return f'pod "{name}" deleted'
    if "claim stays" in state.faults:
        return ""
    if state.objects.pop(f"{kind}/{name}", None) is None:
        assert "--ignore-not-found" in words
        return ""
    return f'persistentvolumeclaim "{name}" deleted'


def helm(state: State, words: list[str]) -> str:
    context, namespace = option(words, "--kube-context"), option(words, "--namespace")
    if context not in state.contexts or namespace not in state.namespaces:
        raise Refused("Error: kubernetes cluster unreachable")
    verb, *rest = words
    return {"list": list_releases, "show": show, "upgrade": upgrade, "uninstall": uninstall}[verb](
        state, rest
    )


def list_releases(state: State, words: list[str]) -> str:
    assert words == ["--all", "--filter", "^redis$", "--output", "json"]
    return json.dumps([{"name": name, **more} for name, more in state.releases.items() if name == "redis"])


def show(state: State, words: list[str]) -> str:
    assert words[0] == "chart"
    return (Path(words[1]) / "Chart.yaml").read_text()


def upgrade(state: State, words: list[str]) -> str:
    """Renders the chart and keeps the names of its objects, with those that controllers make of them."""
    import yaml
    from helm_python import parse_set_string

    from tests.deploy.chart import by_name, merged, rendered

    assert words.pop(0) == "--install"
    release, chart = words.pop(0), Path(words.pop(0))
    assert option(words, "--version") == yaml.safe_load((chart / "Chart.yaml").read_text())["version"]
    values = yaml.safe_load(Path(option(words, "--values") or "").read_text())
    while text := option(words, "--set"):
        values = merged(values, parse_set_string(text))
    assert words == []
    for name, item in by_name(rendered(values, release)).items():
        if "helm.sh/hook" in item["metadata"].get("annotations", {}):
            continue
        state.objects[name] = item["metadata"]["labels"]
        if item["kind"] == "StatefulSet":
            stateful = item["metadata"]["name"]
            labels = item["spec"]["template"]["metadata"]["labels"]
            state.objects[f"Pod/{stateful}-0"] = labels
            state.objects[f"PersistentVolumeClaim/redis-data-{stateful}-0"] = labels
    state.releases[release] = {"chart": f"{chart.name}-0.1.0", "status": "deployed"}
    return f'Release "{release}" has been upgraded.'


def uninstall(state: State, words: list[str]) -> str:
    release = words[0]
    del state.releases[release]
    stays = {"PersistentVolumeClaim"} | ({"Pod"} if "pod stays" in state.faults else set())
    state.objects = {
        name: labels
        for name, labels in state.objects.items()
        if labels.get("app.kubernetes.io/instance") != release or name.split("/")[0] in stays
    }
    if "secret goes" in state.faults:
        state.secrets.clear()
    return f'release "{release}" uninstalled'


def main() -> int:
    program, words = Path(sys.argv[0]).name, sys.argv[1:]
    path = Path(os.environ["CLUSTER_STATE"])
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = State(path)
        state.calls.append([program, *words])
        try:
            print({"kubectl": kubectl, "helm": helm}[program](state, list(words)))
        except Refused as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            state.save()
    return 0
