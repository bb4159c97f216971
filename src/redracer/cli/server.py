"""The command `redracer-server`: takes what `redis-server` takes, and starts a server with it.

    redracer-server [/path/to/redis.conf] [--option value ...] [-]

Start-up is counted in milliseconds, so this module and what it imports stay free of argparse, re, typing
and asyncio; the server itself is imported when the configuration is known to be good.
"""

from __future__ import annotations

import os
import sys

from redracer.engine import log, process
from redracer.engine.config import Config
from redracer.engine.config_file import (
    ConfigFileError,
    ConfigFileMissing,
    absolute_path,
    load,
    options_from_arguments,
)
from redracer.engine.version import REDIS_VERSION, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = """\
Usage: redracer-server [/path/to/redis.conf] [options] [-]
       redracer-server - (read config from stdin)
       redracer-server -v or --version
       redracer-server -h or --help
       redracer-server --test-memory <megabytes>
       redracer-server --check-system

Examples:
       redracer-server (run the server with default conf)
       echo 'maxmemory 128mb' | redracer-server -
       redracer-server /etc/redis/6379.conf
       redracer-server --port 7777
       redracer-server --port 7777 --maxmemory 1gb --maxmemory-policy allkeys-lru
       redracer-server /etc/redis/6379.conf --loglevel verbose -
       redracer-server /etc/redis/6379.conf --loglevel verbose

Every option of redis.conf is also an option here, with two dashes.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a server until it is shut down; the exit code of the process.

    `arguments`: the command line without the program's name; that of the process by default.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    exit_code = _other_task(words)
    if exit_code is not None:
        return exit_code
    config = Config()
    config.arguments = words
    try:
        _configure(config, words)
        _check_renames(config)
    except ConfigFileError as error:
        sys.stderr.buffer.write(error.report())
        sys.stderr.flush()
        return 1
    except ConfigFileMissing as error:
        log.warning(str(error))
        return 1
    return _start(config)


def _other_task(words: Sequence[str]) -> int | None:
    """Do what is asked for instead of a server and return the exit code; None if a server is asked for."""
    first = words[0] if words else ""
    if first in ("-v", "--version"):
        print(version_line())
        return 0
    if first in ("-h", "--help"):
        sys.stderr.write(USAGE)
        return 1
    if first == "--test-memory":
        from redracer.cli.system_check import memory_test_command

        return memory_test_command(words[1:])
    if first == "--check-system":
        from redracer.cli.system_check import check_system

        return 0 if check_system() else 1
    if "--sentinel" in words:
        sys.stderr.write("redracer has no Sentinel mode: run redis-sentinel beside it.\n")
        return 1
    return None


def version_line() -> str:
    """One line in the shape that tools parse: `Redis server v=8.2.0 ...`."""
    bits = 64 if sys.maxsize > 2**32 else 32
    return (
        f"Redis server v={REDIS_VERSION} sha=00000000:0 malloc=libc bits={bits} "
        f"build={VERSION} redracer={VERSION}"
    )


def _configure(config: Config, words: Sequence[str]) -> None:
    path, from_stdin, options = options_from_arguments([os.fsencode(word) for word in words])
    if path is not None:
        config.file_path = absolute_path(os.fsdecode(path))
        config.arguments[0] = config.file_path
    load(config, config.file_path, from_stdin, options)
    log.configure(config["loglevel"], config["logfile"])
    if config["syslog-enabled"]:
        log.open_system_log(config["syslog-ident"], config["syslog-facility"])
    config.on_change("loglevel", log.set_level)


def _check_renames(config: Config) -> None:
    """Refuse a rename-command line for a command that does not exist, or to a name that does."""
    if not config.rename_lines:
        return
    from redracer.engine import registry
    from redracer.parts import load_commands

    load_commands()
    renames = {}
    for line in config.rename_lines:
        renames[line.words[1]] = line.words[2]
        try:
            registry.default.build_table(renames)
        except registry.RegistrationError as error:
            raise ConfigFileError(str(error), line.number, line.text) from None


def _start(config: Config) -> int:
    if not config.arguments:
        log.warning(
            "Warning: no config file specified, using the default config. In order to specify a config "
            f"file use {sys.argv[0]} /path/to/redis.conf"
        )
    supervised = process.supervisor(config) != "no"
    if config["daemonize"] and not supervised:
        process.daemonize()
    process.create_pid_file(config)
    score = _apply_to_process(config)
    from redracer.app import run

    return run(config, score)


def _apply_to_process(config: Config) -> process.OomScore:
    """Apply the options about this process now, and again when CONFIG SET changes them; returns what sets its score."""
    score = process.OomScore(config)
    score.follow_role(process.PRIMARY)
    for name in ("oom-score-adj", "oom-score-adj-values"):
        config.on_change(name, lambda _: score.apply(score.role))
    process.bind_to_processors(config["server-cpulist"])
    config.on_change("server-cpulist", process.bind_to_processors)
    return score


if __name__ == "__main__":
    sys.exit(main())
