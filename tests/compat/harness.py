"""Runs one unit of Redis's test suite with a server of our choice in the place of `src/redis-server`.

Each unit gets a directory of its own: links to the suite's files, a `src/` with a wrapper that executes the
server under test, and an empty `tests/tmp`. The source tree is never written to, units can run side by
side, and whatever a unit leaves running is found by its working directory, which lies in there. A unit is a
`runtest` process of its own, so that one which aborts does not stop the rest.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ADJUSTMENTS = Path(__file__).resolve().parent / "adjustments.tcl"
TOOLS = ("redis-cli", "redis-benchmark", "redis-check-aof", "redis-check-rdb")
PORTS_PER_UNIT = 100  # servers that one unit may have listening
HARNESS_PORTS = 32  # below the first of them: the harness's own socket
START_LIMIT = 20  # seconds that check_server gives the server to answer
SERVER_LOG_LIMIT = 1 << 20  # bytes kept of what one server printed
LEFTOVER_ROUNDS = 5  # a killed server may have forked in between

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
STATUS = re.compile(r"\[(ok|err|exception|ignore|skip|ready|testing|TIMEOUT|\d+/\d+ done)\]: ?(.*)", re.S)
MILLISECONDS = re.compile(r" \(\d+ ms\)$")
FAILED_TEST = re.compile(r"(.*?) in tests/[^\n]+\.tcl(?:\n|$)", re.S)


@dataclass
class UnitResult:
    """What one run of one unit showed."""

    passed: list[str] = field(default_factory=list)  # names of tests; a name may occur twice
    failed: dict[str, str] = field(default_factory=dict)  # name of a test: the message
    skipped: list[str] = field(default_factory=list)  # names of tests that the harness was told not to run
    again: list[str] = field(default_factory=list)  # names of failed tests, once for each further time
    outside: list[str] = field(default_factory=list)  # messages of errors that happened outside a test
    ended: str = "incomplete"  # "done", "exception", "timeout", or "incomplete"
    seconds: float = 0.0


class OutputParser:
    """Reads what `runtest` prints, line by line, into a UnitResult.

    A message may span lines; it ends where the next status line begins.
    """

    def __init__(self) -> None:
        self.result = UnitResult()
        self._status = ""
        self._message: list[str] = []
        self._summary = False  # the harness repeats all failures at its end

    def feed(self, line: str) -> None:
        """Takes one line of output, with or without its line end."""
        text = COLOUR.sub("", line.rstrip("\r\n"))
        self._summary = self._summary or text.strip() == "The End"
        if self._summary:
            self.close()
            return
        match = STATUS.match(text)
        if match:
            self.close()
            self._status, self._message = match.group(1), [match.group(2)]
        elif self._status:
            self._message.append(text)

    def close(self) -> None:
        """Ends the message being read: to be called once more after the last line."""
        status, message = self._status, "\n".join(self._message).rstrip()
        self._status, self._message = "", []
        if status == "ok":
            self.result.passed.append(MILLISECONDS.sub("", message.partition("\n")[0]))
        elif status == "err":
            match = FAILED_TEST.match(message)
            if match:
                if match.group(1) in self.result.failed:
                    self.result.again.append(match.group(1))
                self.result.failed[match.group(1)] = message[match.end() :]
            else:
                self.result.outside.append(message)
        elif status == "skip":
            self.result.skipped.append(message)
        elif status == "exception":
            self.result.ended = "exception"
            self.result.outside.append(message)
        elif status == "TIMEOUT":
            self.result.ended = "timeout"
        elif status.endswith(" done") and self.result.ended == "incomplete":
            self.result.ended = "done"


@contextmanager
def private_copy(
    tree: Path, server: list[str], client: list[str] | None, certificates: Path | None = None
) -> Iterator[Path]:
    """A directory in which `./runtest` runs with the command line `server` as `src/redis-server`.

    So does `client` as `src/redis-cli`, which is the real one without it. `certificates`: those of make_certificates.
    """
    root = Path(tempfile.mkdtemp(prefix="redracer-compat-")).resolve()
    try:
        for directory in (root / "src", root / "tests" / "tmp"):
            directory.mkdir(parents=True)
        (root / "runtest").symlink_to(tree.resolve() / "runtest")
        for entry in (tree / "tests").resolve().iterdir():
            if entry.name not in ("tmp", "support"):
                (root / "tests" / entry.name).symlink_to(entry)
        link_support((tree / "tests" / "support").resolve(), root / "tests" / "support")
        if certificates is not None:
            shutil.copytree(certificates, root / "tests" / "tls")  # a copy: a test writes a key into it
        for tool in TOOLS:
            where = shutil.which(tool)
            if where:
                (root / "src" / tool).symlink_to(where)
        write_wrapper(root / "src" / "redis-server", server)
        if client is not None:
            (root / "src" / "redis-cli").unlink(missing_ok=True)
            write_wrapper(root / "src" / "redis-cli", client)
        yield root
    finally:
        kill_leftovers(root)
        shutil.rmtree(root, ignore_errors=True)


def make_certificates(tree: Path, cache: Path) -> Path:
    """The directory, below `cache`, of the certificates that the suite's own program makes; they are made once."""
    made = cache / "tests" / "tls"
    if not (made / "redis.dh").exists():  # the last that it makes
        cache.mkdir(parents=True, exist_ok=True)
        program = (tree / "utils" / "gen-test-certs.sh").resolve()
        subprocess.run(
            ["bash", program], cwd=cache, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    return made


def write_wrapper(path: Path, command: list[str]) -> None:
    """Writes a program that becomes the command line `command`."""
    # exec, since the harness compares the process that it started with the one that the log names.
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    path.chmod(0o755)


def link_support(support: Path, target: Path) -> None:
    """Links the suite's support files; the one with the assertions is followed by our own (adjustments.tcl)."""
    target.mkdir()
    for entry in support.iterdir():
        if entry.name != "test.tcl":
            (target / entry.name).symlink_to(entry)
    (target / "test.tcl").write_text(f"source {{{support / 'test.tcl'}}}\nsource {{{ADJUSTMENTS}}}\n")


def kill_leftovers(root: Path) -> None:
    """Kills every process whose working directory lies in `root`, a private copy; no other."""
    for _ in range(LEFTOVER_ROUNDS):
        found = [pid for pid in _processes_in(root) if pid != os.getpid()]
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if not found:
            return
        time.sleep(0.1)


def _processes_in(root: Path) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            directory = os.readlink(entry / "cwd")
        except OSError:  # ended meanwhile, or another user's
            continue
        if Path(directory.removesuffix(" (deleted)")).is_relative_to(root):
            yield int(entry.name)


def run_unit(
    tree: Path,
    server: list[str],
    unit: str,
    arguments: Sequence[str],
    *,
    timeout: int,
    base_port: int,
    log: Path,
    client: list[str] | None = None,
    certificates: Path | None = None,
) -> UnitResult:
    """Runs `unit` ("unit/type/string") of the suite in `tree` and returns its result.

    `arguments` go to runtest. With `certificates` (of make_certificates) every connection is over TLS. `timeout` is in
    seconds. Ports used: HARNESS_PORTS before `base_port`, and PORTS_PER_UNIT after it. `log` receives the whole output,
    a file beside it what the servers printed.
    """
    command = ["./runtest", "--single", unit, "--clients", "1", "--timeout", str(timeout), "--dont-clean"]
    command += ["--baseport", str(base_port), "--portcount", str(PORTS_PER_UNIT), *arguments]
    command += ["--tls"] if certificates is not None else []
    log.parent.mkdir(parents=True, exist_ok=True)
    parser = OutputParser()
    began = time.monotonic()
    with private_copy(tree, server, client, certificates) as root:
        environment = {**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        overdue = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process, root, timeout, overdue))
        watcher.start()
        output = []
        assert process.stdout is not None
        for line in process.stdout:
            output.append(line)
            parser.feed(line)
        parser.close()
        watcher.join()
        collect_server_logs(root, log.with_suffix(".servers.log"))
        process.stdout.close()
    result = parser.result
    result.seconds = time.monotonic() - began
    if overdue.is_set():
        result.ended = "timeout"
    log.write_text("".join(output).replace(str(root), "."))
    return result


def collect_server_logs(root: Path, target: Path) -> None:
    """Joins what the servers of a private copy printed, the last part of each, in the file `target`."""
    with target.open("wb") as joined:
        for path in sorted((root / "tests" / "tmp").glob("server*/std*")):
            joined.write(f"==== {path.relative_to(root)}\n".encode())
            joined.write(path.read_bytes()[-SERVER_LOG_LIMIT:])


def _watch(process: subprocess.Popen[str], root: Path, timeout: int, overdue: threading.Event) -> None:
    """Waits for the harness to end, then ends what holds its output open: a server that it lost, say."""
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        overdue.set()
    kill_leftovers(root)


def check_server(server: list[str], port: int) -> str:
    """Starts the command line `server` once on `port`: "" where it answers PING, else what it printed.

    Done before the suite, in which each unit would wait for minutes for a server that cannot start.
    """
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "output")
        with output.open("w") as stream:
            command = [*server, "--port", str(port), "--dir", directory, "--save", ""]
            try:
                process = subprocess.Popen(command, cwd=directory, stdout=stream, stderr=subprocess.STDOUT)
            except OSError as error:
                return str(error)
        try:
            deadline = time.monotonic() + START_LIMIT
            while process.poll() is None and time.monotonic() < deadline:
                if _answers(port):
                    return ""
                time.sleep(0.05)
        finally:
            process.kill()
            process.wait()
        return output.read_text(errors="replace")[-2000:] or "it answers no PING and prints nothing"


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"
    except OSError:
        return False
