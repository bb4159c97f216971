"""`redracer dashboard`: serves the dashboard until it is interrupted."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence

MISSING = "The dashboard needs Starlette and uvicorn: pip install 'redracer[dashboard]'\n"


def end_with_input() -> None:
    """Ends the process when its standard input ends: the server that started it is gone."""
    sys.stdin.buffer.read()
    os._exit(0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the dashboard; the exit code of the process."""
    parser = argparse.ArgumentParser(
        prog="redracer dashboard", description="Serves a web page that shows and operates a server."
    )
    parser.add_argument("--server", default="127.0.0.1:6379", help="HOST:PORT or socket path (%(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8379, help="port to listen on (%(default)s)")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another name under which the dashboard is reached (not needed on this machine)",
    )
    parser.add_argument("--until-input-ends", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        import uvicorn

        from redracer.dashboard.app import create_app
    except ImportError:
        sys.stderr.write(MISSING)
        return 1
    try:
        app = create_app(options.server, [options.host, *options.allow_host])
    except ValueError as error:
        parser.error(str(error))
    if options.until_input_ends:
        threading.Thread(target=end_with_input, daemon=True).start()
    sys.stdout.write(f"Dashboard of {options.server} at http://{options.host}:{options.port}/\n")
    sys.stdout.flush()
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning", server_header=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
