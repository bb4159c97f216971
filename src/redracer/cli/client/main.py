"""The command `redracer cli`, also installed as `redracer-cli`."""

from __future__ import annotations

import os
import sys

from redracer.cli.client.options import Exit, Options, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# The modes: module and function of this package; each gets the options.
MODULES = {
    "latency": ("latency", "latency"),
    "latency-dist": ("latency", "distribution"),
    "intrinsic-latency": ("latency", "intrinsic"),
    "replica": ("transfer", "replica"),
    "rdb": ("transfer", "dump"),
    "pipe": ("pipe", "pipe"),
    "bigkeys": ("key_sizes", "big_keys"),
    "memkeys": ("key_sizes", "memory_keys"),
    "keystats": ("key_stats", "key_stats"),
    "hotkeys": ("scan", "hot_keys"),
    "scan": ("scan", "scan"),
    "stat": ("stat", "stat"),
    "lru-test": ("lru_test", "lru_test"),
}
INTERRUPTED = 130  # the exit code of a shell's child that Ctrl-C ended
BROKEN_PIPE = 141  # the same for who wrote to a pipe that nobody reads


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the client; the exit code of the process."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_streams()
    try:
        return _main(words)
    except Exit as end:
        return end.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still buffered goes nowhere
        return BROKEN_PIPE
    finally:
        _flush()


def _prepare_streams() -> None:
    """Makes the standard streams usable where one is closed, and for words that are no text."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - to the end of the program
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]


def _flush() -> None:
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _main(words: list[str]) -> int:
    terminal = sys.stdout.isatty() or "FAKETTY" in os.environ
    options, command = parse(words, terminal)
    if options.ask_password:
        options.password = _asked_password()
    if options.mode:
        from importlib import import_module

        module, function = MODULES[options.mode]
        getattr(import_module(f"redracer.cli.client.{module}"), function)(options)
        return 0
    if options.eval_file is not None:
        from redracer.cli.client.once import run_script

        return run_script(options, command)
    if not command:
        return _without_command(options)
    from redracer.cli.client.once import run_command

    return run_command(options, command)


def _without_command(options: Options) -> int:
    from redracer.cli.client import prompt

    return prompt.run(options)


def _asked_password() -> str:
    """The password, from the terminal without showing it, or else the first line of the standard input."""
    if not sys.stdin.isatty():
        return os.fsdecode(sys.stdin.buffer.readline().rstrip(b"\n"))
    import getpass

    try:
        return getpass.getpass("Please input password: ")
    except EOFError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
