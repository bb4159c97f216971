"""The dialogue on a terminal: lines from an editor, what they do, and what arrives between them."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty

from redracer.cli.client.connection import ConnectionLost
from redracer.cli.client.history import History
from redracer.cli.client.options import fail
from redracer.cli.client.presenting import Presenter
from redracer.cli.client.protocol import ProtocolError
from redracer.cli.client.repl import Repl, dotfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from redracer.cli.client.session import Session

    class Editor(Protocol):
        """Reads lines and keeps their history; raises EOFError at the end and KeyboardInterrupt at Ctrl-C."""

        def read(self, prompt: str) -> str:
            """The next line."""


WAITING = "Reading messages... (press Ctrl-C to quit or any key to type command)\r"
CLEAR_REST = "\x1b[K"
WAIT = 5  # s until the line about waiting is written anew


def converse(session: Session) -> None:
    """Runs the lines of somebody at a terminal until they want no more."""
    repl = Repl(session)
    repl.load_preferences()
    presenter = Presenter(session, repl)
    session.show = presenter.show
    editor = _editor(repl)
    while True:
        try:
            line = editor.read(session.prompt())
        except (EOFError, KeyboardInterrupt):
            if not session.listening:
                return
            session.connect()  # which ends the subscriptions
            continue
        if not line.strip():
            continue
        try:
            if not repl.run(os.fsencode(line)):
                return
            if session.listening:
                _wait_for_messages(session)
        except KeyboardInterrupt:
            print()
            session.connect()  # the reply to what was interrupted would be taken for that to the next command


def _editor(repl: Repl) -> Editor:
    history = History(dotfile("REDISCLI_HISTFILE", ".rediscli_history"))
    if os.environ.get("TERM") != "dumb" and sys.stdout.isatty():
        try:
            from redracer.cli.client.toolkit_editor import ToolkitEditor
        except ImportError:
            pass
        else:
            return ToolkitEditor(repl, history)
    from redracer.cli.client.plain_editor import PlainEditor

    return PlainEditor(repl, history)


def _wait_for_messages(session: Session) -> None:
    """Prints messages until a key is pressed, which is left for the next line."""
    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    try:
        tty.setcbreak(stdin, termios.TCSANOW)
        while session.listening and session.connection is not None:
            if session.connection.has_pending or _is_ready(session, stdin):
                _print_message(session)
            elif select.select([stdin], [], [], 0)[0]:
                return
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


def _is_ready(session: Session, stdin: int) -> bool:
    """Waits for a message or a key; whether there is a message."""
    assert session.connection is not None
    sys.stdout.write(WAITING)
    sys.stdout.flush()
    incoming = session.connection.fileno()
    ready, _, _ = select.select([incoming, stdin], [], [], WAIT)
    sys.stdout.write(CLEAR_REST)
    sys.stdout.flush()
    return incoming in ready


def _print_message(session: Session) -> None:
    try:
        session.read(pushes_count=True)
    except (ConnectionLost, ProtocolError) as error:
        raise fail(f"Error: {error}\n") from None
