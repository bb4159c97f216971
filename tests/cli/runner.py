"""Runs the client as a process would, without starting Python each time: a process that forks for each run.

Requests and answers are lines of JSON on the descriptor that the first argument names. The child that runs the client
has its own standard input and outputs, environment and exit code; only the imports are the parent's.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import traceback
from typing import Any

from redracer.cli.client import main

TIME_LIMIT = 60  # s of one run


def serve(connection: socket.socket) -> None:
    """Answers until the other side closes."""
    with connection.makefile("rw") as lines:
        for line in lines:
            lines.write(json.dumps(run(json.loads(line))) + "\n")
            lines.flush()


def run(request: dict[str, Any]) -> int:
    """Runs the client in a child; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = in_child(request)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def in_child(request: dict[str, Any]) -> int:
    """Takes on the request's files and environment, and runs the client."""
    signal.alarm(TIME_LIMIT)
    for descriptor, (path, flags) in enumerate(
        (
            (request["stdin"], os.O_RDONLY),
            (request["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (request["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        )
    ):
        os.dup2(os.open(path, flags, 0o600), descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    code = main.main(request["arguments"])
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        serve(channel)
