"""Replies on a terminal: in colours, and what does not fit through a pager.

Colours are added to the text that redis-cli shows, so that it stays what it is.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys

from redracer.cli.client.formats import STANDARD
from redracer.cli.client.protocol import ERROR, PUSH, STATUS, STRING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.protocol import Reply
    from redracer.cli.client.repl import Repl
    from redracer.cli.client.session import Session

PLAIN = b"\x1b[0m"
COLOURS = {
    "index": b"\x1b[90m",  # grey
    "text": b"\x1b[32m",  # green
    "type": b"\x1b[36m",  # cyan
    "error": b"\x1b[31m",  # red
    "heading": b"\x1b[1m",  # bold
    "field": b"\x1b[36m",
}
# Parts of a formatted reply: an element's number, a quoted text, the type of a value, an error.
FORMATTED = re.compile(
    rb'(?P<text>"(?:[^"\\\n]|\\.)*")'
    rb"|(?P<index>(?<![^\s])\d+[)~#] | => )"
    rb"|(?P<error>\(error\) [^\n]*)"
    rb"|(?P<type>\((?:integer|double|big number|nil|true|false|empty [a-z]+)\))"
)
# Parts of INFO and its like: headings, and names before a colon.
TEXT = re.compile(rb"(?P<heading>^#[^\r\n]*)|(?P<field>^[\w.-]+(?=:))", re.MULTILINE)


class Presenter:
    """Prints the replies of a session."""

    def __init__(self, session: Session, repl: Repl) -> None:
        self.session = session
        self.repl = repl
        self.on_terminal = sys.stdout.isatty()
        self.in_colours = self.on_terminal and _wants_colours()

    def show(self, reply: Reply, text: bytes) -> None:
        """Prints a reply whose text this is."""
        shown = self.coloured(reply, text) if self.in_colours else text
        if reply.kind != PUSH and not self.session.listening and self._is_long(text):
            _page(shown)
        else:
            _print(shown)

    def coloured(self, reply: Reply, text: bytes) -> bytes:
        """The text with colours."""
        if self.session.options.output != STANDARD:
            return text
        if reply.kind == ERROR:
            return COLOURS["error"] + text.removesuffix(b"\n") + PLAIN + b"\n"
        if reply.kind == STATUS:
            return text
        pattern = FORMATTED
        if reply.kind == STRING and not text.startswith(b'"'):
            pattern = TEXT
        return pattern.sub(_colour, text)

    def _is_long(self, text: bytes) -> bool:
        """Whether it is to be paged: it does not fit on the terminal."""
        if not (self.on_terminal and self.repl.pager):
            return False
        columns, rows = shutil.get_terminal_size()
        if text.count(b"\n") >= rows:
            return True
        return sum(1 + len(line) // columns for line in text.splitlines()) >= rows


def _colour(match: re.Match[bytes]) -> bytes:
    return COLOURS[match.lastgroup or "text"] + match.group() + PLAIN


def _wants_colours() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _print(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def _page(text: bytes) -> None:
    """Shows it in the pager of the environment, or in less."""
    command = shlex.split(os.environ.get("PAGER") or "less -RFX")
    sys.stdout.flush()
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE)
    except OSError:
        _print(text)
        return
    with pager:
        try:
            pager.communicate(text)
        except (BrokenPipeError, KeyboardInterrupt):
            pager.wait()
