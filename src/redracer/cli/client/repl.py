"""What a line does that somebody typed, or that came from a script on the standard input."""

from __future__ import annotations

import os
import sys

from redracer.cli.client.clock import milliseconds
from redracer.cli.client.formats import STANDARD
from redracer.cli.client.help import Help
from redracer.cli.client.words import BLANKS, leading_integer, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from redracer.cli.client.session import Session

MOST_REPEATS = 2**63 - 1
LONG = 500  # ms after which the time that a command took is told
CLEAR_SCREEN = "\x1b[H\x1b[2J"
SECRET_OPTIONS = (
    b"masterauth",
    b"masteruser",
    b"tls-key-file-pass",
    b"tls-client-key-file-pass",
    b"requirepass",
)


class Repl:
    """Runs lines on a session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.help = Help(session)
        self.hints = True
        self.pager = True

    def run(self, line: bytes) -> bool:
        """Runs one line; False if it asks for the end."""
        words = split(line)
        if words is None:
            print("Invalid argument(s)", flush=True)
            return True
        if not words:
            return True
        name = words[0].lower()
        repeat = _repeat(words)
        if repeat is not None and repeat <= 0:
            print("Invalid redis-cli repeat command option value.", flush=True)
        elif name in (b"quit", b"exit"):
            return False
        elif words[0].startswith(b":"):
            self.prefer(words)
        elif name == b"restart":
            print("Use 'restart' only in Lua debugging mode.", flush=True)
        elif name == b"connect" and len(words) == 3:
            self._connect(words[1], words[2])
        elif name == b"clear" and len(words) == 1:
            print(CLEAR_SCREEN, end="", flush=True)
        elif repeat is not None:
            self._command(words[1:], repeat)
        else:
            self._command(words, 1)
        return True

    def _command(self, words: list[bytes], repeat: int) -> None:
        if words[0].lower() in (b"help", b"?"):
            self.help.show(words[1:])
            return
        began = milliseconds()
        self.session.run(words, repeat)
        if words[0].lower() in (b"auth", b"hello"):
            self.help.forget()  # this user may be told what the one before was not
        elapsed = milliseconds() - began
        if elapsed >= LONG and self.session.options.output == STANDARD:
            print(f"({elapsed / 1000:.2f}s)", flush=True)

    def _connect(self, host: bytes, port: bytes) -> None:
        options = self.session.options
        options.host = os.fsdecode(host)
        options.port = leading_integer(port)
        options.socket = None
        self.help.forget()
        self.session.connect()

    def prefer(self, words: list[bytes], source: str = "") -> None:
        """Changes a preference, which `source`, a file, may ask for."""
        if words[0].lower() != b":set" or len(words) < 2:
            print(f"{source}unknown redis-cli internal command '{os.fsdecode(words[0])}'", flush=True)
        elif words[1].lower() in (b"hints", b"nohints"):
            self.hints = words[1].lower() == b"hints"
        elif words[1].lower() in (b"pager", b"nopager"):
            self.pager = words[1].lower() == b"pager"
        else:
            print(f"{source}unknown redis-cli preference '{os.fsdecode(words[1])}'", flush=True)

    def load_preferences(self) -> None:
        """Takes the preferences of the user's file, if there is one."""
        path = dotfile("REDISCLI_RCFILE", ".redisclirc")
        if path is None:
            return
        try:
            with open(path, "rb") as file:
                lines = file.readlines()
        except OSError:
            return
        for line in lines:
            words = split(line)
            if words:
                self.prefer(words, ".redisclirc: ")


def run_lines(session: Session, lines: Iterable[bytes]) -> None:
    """Runs a script: a command in each line."""
    repl = Repl(session)
    for line in lines:
        if not repl.run(line.removesuffix(b"\n")):
            break
        session.listen()
        sys.stdout.flush()


def dotfile(variable: str, name: str) -> str | None:
    """The path of a file of the user's: what the environment says, or `name` at home; None if there is to be none."""
    path = os.environ.get(variable)
    if path:
        return None if path == os.devnull else path
    home = os.environ.get("HOME")
    return f"{home}/{name}" if home else None


def _repeat(words: list[bytes]) -> int | None:
    """How often to run the command, where that is said before it: 0 where it is said wrongly."""
    if len(words) < 2:
        return None
    digits = words[0].lstrip(BLANKS)
    if digits[:1] in (b"-", b"+"):
        digits = digits[1:]
    if words[0] and not digits.isdigit():
        return None
    number = leading_integer(words[0])
    return number if number <= MOST_REPEATS else 0


def is_secret(line: bytes) -> bool:
    """Whether a line has a password or a user's rights in it: it does not go into the history."""
    words = [word.lower() for word in split(line) or line.split()]
    if len(words) > 1 and words[0].isdigit():
        words = words[1:]
    words += [b"", b"", b""]
    name, second = words[0], words[1]
    if name == b"auth" or (name == b"acl" and second in (b"deluser", b"setuser", b"getuser")):
        return True
    if name == b"config" and second == b"set":
        return any(word in SECRET_OPTIONS for word in words[2::2])
    if name == b"hello":
        return b"auth" in words
    if name == b"migrate":
        options = words[6 : words.index(b"keys") if b"keys" in words else None]
        return b"auth" in options or b"auth2" in options
    if name == b"sentinel":
        return any(
            word in words[2:5] for word in (b"sentinel-pass", b"sentinel-user", b"auth-pass", b"auth-user")
        )
    return False
