"""Reads redis.conf: the file, standard input and the command line's options, as one text.

They are read in that order and the last one wins, so the command line is appended to the file as if it
were written there; that is also why an error quotes a command line option as a line of a file. Included
files are read where they are named.
"""

from __future__ import annotations

import os
import sys

from redracer.engine import log
from redracer.engine.config import NAMES, Config
from redracer.engine.config_options import DIRECTIVES, RETIRED
from redracer.engine.config_text import quoted, split_arguments
from redracer.engine.config_types import ConfigError, to_bytes, to_text
from redracer.engine.version import REDIS_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

BAD_DIRECTIVE = "Bad directive or wrong number of arguments"
UNBALANCED = "Unbalanced quotes in configuration line"
GLOB_CHARACTERS = "*?["
INCLUDE_DEPTH_MAX = 64


class Line:
    """One directive of the configuration: its number (from 1) in its file, its text, its words."""

    __slots__ = ("number", "text", "words")

    def __init__(self, number: int, text: bytes, words: list[bytes]) -> None:
        self.number = number
        self.text = text
        self.words = words


class ConfigFileError(Exception):
    """The configuration is wrong: `report()` is what the server writes to stderr before it exits with 1."""

    def __init__(self, reason: str, number: int = 0, text: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.number = number
        self.text = text

    def report(self) -> bytes:
        """The error in Redis's format; without line and text if it belongs to no line."""
        parts = [b"\n*** FATAL CONFIG FILE ERROR (Redis %s) ***\n" % REDIS_VERSION.encode()]
        if self.number:
            parts.append(b"Reading the configuration file, at line %d\n" % self.number)
            parts.append(b">>> '%s'\n" % self.text)
        parts.append(to_bytes(self.reason) + b"\n")
        return b"".join(parts)


class ConfigFileMissing(Exception):
    """A configuration file cannot be read; the text is a line for the log."""


def load(config: Config, path: str | None, from_stdin: bool = False, options: bytes = b"") -> None:
    """Read the file at `path` (if any), standard input (if asked), then the lines of `options`.

    Raises ConfigFileError or ConfigFileMissing; `config` then holds what came before the bad line.
    """
    text = read_file(path) if path else b""
    if from_stdin:
        log.notice("Reading config from stdin")
        text += sys.stdin.buffer.read()
    if options:
        text += b"\n" + options
    load_text(config, text)


def load_text(config: Config, text: bytes, depth: int = 0) -> None:
    """Apply every line of a configuration text; raises ConfigFileError at the first bad one."""
    for number, raw in enumerate(text.split(b"\n"), 1):
        stripped = raw.strip(b" \t\r\n")
        if not stripped or stripped.startswith(b"#"):
            continue
        words = split_arguments(stripped)
        if words is None:
            raise ConfigFileError(UNBALANCED, number, stripped)
        if not words:
            continue
        try:
            _apply_line(config, Line(number, stripped, words), depth)
        except ConfigError as error:
            raise ConfigFileError(error.text, number, stripped) from None
    _check_log_file(config["logfile"])


def read_file(path: str) -> bytes:
    """The content of a file, or of all files that a pattern matches, in alphabetical order.

    A pattern may match nothing; a plain path must exist.
    """
    paths = [path]
    if any(character in GLOB_CHARACTERS for character in path):
        from glob import glob

        paths = sorted(glob(path))
    content = []
    for name in paths:
        try:
            with open(name, "rb") as file:
                content.append(file.read())
        except IsADirectoryError:
            continue
        except OSError as error:
            raise ConfigFileMissing(
                f"Fatal error, can't open config file '{name}': {error.strerror}"
            ) from None
    return b"".join(content)


def _apply_line(config: Config, line: Line, depth: int) -> None:
    """Apply one directive; raises ConfigError if it is wrong."""
    name = to_text(line.words[0]).lower()
    values = line.words[1:]
    option = NAMES.get(name)
    if option is not None:
        if option.type.multiple and len(values) == 1 and values[0]:
            # `--shutdown-on-sigint "nosave now"` and `save "900 1"`: one quoted word holds them all.
            values = split_arguments(values[0]) or []
        config.set_at_start(name, values)
    elif name in DIRECTIVES:
        _apply_directive(config, name, line, depth)
    elif name == "sentinel":
        if values:
            raise ConfigError("sentinel directive while not in sentinel mode")
    elif not (name in RETIRED and len(values) == 1):
        raise ConfigError(BAD_DIRECTIVE)


def _apply_directive(config: Config, name: str, line: Line, depth: int) -> None:
    least, most, pending = DIRECTIVES[name]
    if not least <= len(line.words) <= most:
        raise ConfigError(BAD_DIRECTIVE)
    if pending is not None:
        raise ConfigError(pending.refusal(name))
    if name == "include":
        if depth == INCLUDE_DEPTH_MAX:
            raise ConfigError("Configuration files include each other without end")
        load_text(config, read_file(to_text(line.words[1])), depth + 1)
    elif name == "user":
        from redracer.engine.acl.definitions import check_declaration

        check_declaration(line.words, [other.words[1] for other in config.user_lines])
        config.user_lines.append(line)
    else:
        config.rename_lines.append(line)


def _check_log_file(path: str) -> None:
    """A log file that cannot be opened is refused at start: later there would be nowhere to say so."""
    if not path:
        return
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666))
    except OSError as error:
        raise ConfigFileError(f"Can't open the log file: {error.strerror}") from None


def options_from_arguments(arguments: Sequence[bytes]) -> tuple[bytes | None, bool, bytes]:
    """The command line (without the program's name) as (path, whether to read stdin, lines of options).

    `--name value value` becomes the line `name "value" "value"`. A word that starts with `--` right after
    an option's name is its value, except after `--save`, which may stand alone for no save points.
    """
    path = None
    position = 0
    if arguments and arguments[0][:1] != b"-":
        path, position = arguments[0], 1
    first, last = 0, len(arguments) - 1
    from_stdin, has_value = False, True
    text = bytearray()
    while position <= last:
        argument = arguments[position]
        if argument == b"-" and position in (first, last):
            from_stdin = True
        elif has_value and argument.startswith(b"--"):
            text += b"\n" * bool(text) + argument[2:] + b" "
            # "--port 6380" in one word brings its value along.
            has_value = len(split_arguments(argument) or ()) != 1
            if not has_value and argument.lower() == b"--save":
                followed = position < last and arguments[position + 1].startswith(b"--")
                if followed or position == last:
                    text += b'""'
                    has_value = followed
        else:
            text += quoted(argument) + b" "
            has_value = True
        position += 1
    return path, from_stdin, bytes(text)


def absolute_path(path: str) -> str:
    """A path made absolute from the working directory; a leading `../` takes one directory off."""
    path = path.strip(" \r\n\t")
    if path.startswith("/"):
        return path
    directory = os.getcwd()
    while path.startswith("../"):
        path = path[3:]
        directory = os.path.dirname(directory)
    return os.path.join(directory, path)
