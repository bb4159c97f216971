"""Every command of docs/runbook.md is run: in a terminal whose `kubectl` leads to a running server.

A block marked `bash` is run command by command; one marked `redis` is typed into redis-cli, that of the block before
it if it follows at once. Each command must succeed, or is listed here with how it must fail. No block may have
another mark, but `yaml`, which are values that the chart takes.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("helm_python", reason="needs helm-python-sdk, which has wheels for Linux on x86-64 only")
pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")

import yaml

from tests.deploy.chart import ROOT, rendered, validate
from tests.deploy.cluster import State
from tests.deploy.pod import BIN, Pod

pytestmark = pytest.mark.timeout(600)
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLAYBOOKS = {"Deploy", "Remove"}  # sections that run Ansible, for which a minute is needed
PASSWORD = "yourpassword"

# What commands say, by a part of them; a command has to say what the first that fits says.
SAYS = {
    "redis-cli ping": "NOAUTH Authentication required",
    "redis-cli config get requirepass": "NOAUTH Authentication required",
    "yourpassword ping": "^PONG$",
    "auth yourpassword": "^OK$",
    "monitor": r"^OK\n(?s:.*)\"[a-z]+\"",
    "config set": "^OK$",
    "config get maxmemory*": "maxmemory-policy",
    'config get "*"': "maxmemory-policy\n",
    "flush": "^OK$",
    "bgsave": "^Background saving started$",
    "lastsave": r"^\d+$",
    "dbsize": "^1$",
    "info keyspace": "db0:keys=1",
    "get kept": "^yes$",
    "set kept": "^OK$",
    "set user:1000": "^OK$",
    "yourpassword dump": "John",
    "info server": "redis_version:8.2.0",
    "info memory": "used_memory:",
    "info clients": "connected_clients:",
    "grep evicted": "evicted_keys:0",
    "info stats": "total_commands_processed:",
    "redis-cli -a yourpassword info": "# Keyspace",
    "get pods": "^redis-master-0 1/1",
    "get statefulset": "^redis-master 1/1",
    "get svc": "^redis-master ",
    "get endpoints": r"^redis-master .*127\.0\.0\.1",
    "get secret": f"^{PASSWORD}$",
    "describe pod": "redis-master-0",
    "describe configmap": "appendonly no",
    "describe svc": "redis-master",
    "logs": "Ready to accept connections",
    "verify": "nothing left behind(?s:.*)passed",
    "delete pod": "deleted",
    "nslookup": "Address",
    "top pod": r"\dMi",
    "helm install": "redis-master.default.svc.cluster.local:6379",
    "helm uninstall": "uninstalled",
    "06-setup-redis.sh": "Redis is set up on",
    "06-remove-redis.sh": "Redis is removed from",
    "050-remove-redis.yml": "Redis is removed from",
}
# Redis's answers, by the first words of a command.
ANSWERS = {
    "PING": "PONG",
    "GET hello": "world",
    "LRANGE": "item3\nitem2\nitem1",
    "HGET user": "John Doe",
    "SMEMBERS": "member1\nmember2\nmember3",
    "GET cache": '{"name":"John","email":"john@example.com"}',
    "TTL": "1800",
    "BRPOP": 'task_queue\n{"type":"email","recipient":"user@example.com","subject":"Welcome"}',
    "ZRANGE": "user1\n100\nuser2\n150\nuser3\n200",
}


def sections() -> dict[str, list[tuple[str, str]]]:
    """The blocks of each section: their marks and texts."""
    parts = re.split(r"^## (.*)$", RUNBOOK, flags=re.MULTILINE)
    return {name: BLOCK.findall(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def commands(text: str) -> list[str]:
    """The commands of a block for the terminal; one may have several lines."""
    lines = text.replace("\\\n", "\\\0").splitlines()
    return [line.replace("\\\0", "\\\n") for line in lines if line.strip() and not line.startswith("#")]


class Terminal:
    """Where the runbook's reader sits: the repository, `kubectl`, and a pod."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.pod = Pod(directory / "pod", {}, PASSWORD)
        self.write_redis_cli()
        self.pod.start()
        self.file = directory / "pod.json"
        self.describe()
        state = State(directory / "state.json")
        state.secrets["urbalurba-secrets"] = {"REDIS_PASSWORD": "another"}
        state.save()
        programs = directory / "bin"
        programs.mkdir()
        for name in ("kubectl", "helm"):
            (programs / name).write_text(
                f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
                "from tests.deploy.local_cluster import main\nsys.exit(main())\n"
            )
            (programs / name).chmod(0o755)
        self.desk = directory / "desk"
        self.desk.mkdir()
        (self.desk / "deploy").symlink_to(ROOT / "deploy")
        self.environment = os.environ | {
            "PATH": f"{programs}:{BIN}:{os.environ['PATH']}",
            "LOCAL_POD": str(self.file),
            "CLUSTER_STATE": str(directory / "state.json"),
            "ANSIBLE_LOCAL_TEMP": str(directory / "ansible"),
            "ANSIBLE_REMOTE_TEMP": str(directory / "ansible"),
        }

    def write_redis_cli(self) -> None:
        """In a real pod the port is 6379 and the service has an address; and nobody presses Ctrl-C here."""
        client = f"{BIN / 'redracer-cli'} -p {self.pod.port}"
        program = self.pod.directory / "bin/redis-cli"
        program.unlink()
        program.write_text(
            f"""#!/bin/sh
[ "$1 $2" != "-h redis-master.default.svc.cluster.local" ] || shift 2
case "$*" in
*monitor)
    timeout -s INT 300 {client} "$@" >"$0.monitor" 2>&1 &
    until grep -q OK "$0.monitor"; do sleep 0.1; done
    until grep -q dbsize "$0.monitor"; do {client} --no-auth-warning -a {PASSWORD} dbsize >/dev/null; done
    kill -INT $!
    cat "$0.monitor"
    ;;
*) exec {client} "$@" ;;
esac
"""
        )
        program.chmod(0o755)

    def describe(self) -> None:
        values = {"directory": str(self.pod.directory), "environment": self.pod.environment}
        values["jobs"] = {"cronjob/redis-backup": self.pod.command("CronJob/redis-backup")}
        self.file.write_text(json.dumps(values | {"pid": self.pod.process.pid}))

    def close(self) -> None:
        pid = json.loads(self.file.read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        self.pod.process.wait()

    def shell(self, script: str, *options: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        """A script in a shell of its own, and what it printed. `options`: the shell's."""
        return subprocess.run(
            ["bash", *options, "-c", script],
            cwd=self.desk,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            errors="replace",  # DUMP's payload is no text
        )

    def run(self, text: str, typed: str = "") -> None:
        """A block of commands in a shell of its own; what is typed goes to the last of them."""
        words = commands(text)
        script = "".join(f"{{\n{command}\n}} </dev/null\necho @@$?\n" for command in words[:-1])
        script += f"{words[-1]}\necho @@$?\n"
        done = self.shell(script, typed=typed)
        outputs = re.split(r"@@(\d+)\n", done.stdout)
        assert len(outputs) == 2 * len(words) + 1, done.stdout + done.stderr
        for command, output, code in zip(words, outputs[::2], outputs[1::2], strict=False):
            assert code == "0", f"{command}\n{output}\n{done.stderr}"
            said = next((says for part, says in SAYS.items() if part in command), None)
            assert not said or re.search(said, output, re.MULTILINE), f"{command}\n{output}\n{done.stderr}"
            if said is None or "NOAUTH" not in said:
                assert not re.search(r"^(ERR|NOAUTH|WRONG|\(error\))", output, re.MULTILINE), (
                    f"{command}\n{output}"
                )
        if typed:
            compare(typed, outputs[-3])


def compare(typed: str, output: str) -> None:
    """What redis-cli printed, with the answers that are known, in their order."""
    assert not re.search(r"^(ERR|NOAUTH|WRONG)", output, re.MULTILINE), output
    place = 0
    for line in typed.splitlines():
        for start, answer in ANSWERS.items():
            if line.startswith(start):
                place = output.find(answer, place)
                assert place >= 0, f"{line}\n{output}"


@pytest.fixture(scope="module")
def terminal(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runbook")
    (directory / "pod").mkdir()
    made = Terminal(directory)
    yield made
    made.close()


def run_section(terminal: Terminal, blocks: list[tuple[str, str]]) -> None:
    for number, (mark, text) in enumerate(blocks):
        following = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
        if mark == "bash":
            attached = following[0] == "redis" and f"{text}```\n\n```redis\n" in RUNBOOK
            terminal.run(text, typed_lines(following[1]) if attached else "")
        elif mark == "redis":
            alone = f"```\n\n```redis\n{text}" not in RUNBOOK
            if alone:
                terminal.run(
                    "kubectl exec -it redis-master-0 -- redis-cli -a yourpassword", typed_lines(text)
                )
        else:
            assert mark == "yaml", f"what is a block marked {mark!r}?"
            validate(rendered(yaml.safe_load(text)))


def typed_lines(text: str) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip() and not line.startswith("#"))


def test_the_commands_of_the_runbook(terminal):
    """In the order of the page: a backup that one section makes is what another restores."""
    for name, blocks in sections().items():
        if name not in PLAYBOOKS:
            run_section(terminal, blocks)


@pytest.mark.long
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("name", sorted(PLAYBOOKS))
def test_the_playbooks_of_the_runbook(terminal, name):
    pytest.importorskip("ansible", reason="needs ansible-core")
    run_section(terminal, sections()[name])


def test_what_is_expected_of_commands_is_said_of_one():
    """An expectation that fits nothing any more would never fail."""
    every = [block for blocks in sections().values() for block in blocks]
    for part in SAYS:
        assert any(part in command for mark, text in every if mark == "bash" for command in commands(text)), (
            part
        )
    typed = "\n" + "\n".join(text for mark, text in every if mark == "redis")
    for start in ANSWERS:
        assert f"\n{start}" in typed
    assert RUNBOOK.count("```") == 2 * len(every)
