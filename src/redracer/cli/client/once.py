"""Running one command, or one script, and ending."""

from __future__ import annotations

import os
import sys

from redracer.cli.client.options import complain, fail
from redracer.cli.client.session import Session, connected
from redracer.cli.client.words import unquoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from redracer.cli.client.options import Options


def run_command(options: Options, command: Sequence[str]) -> int:
    """Runs a command; the exit code of the process."""
    words = [os.fsencode(word) for word in command]
    if options.quoted_input:
        plain = [unquoted(word) for word in words]
        words = [word for word in plain if word is not None]
        if len(words) < len(plain):
            print("Invalid quoted string")
            return 1
    if options.stdin_last:
        words.append(sys.stdin.buffer.read())
    elif options.stdin_tag is not None:
        tag = os.fsencode(options.stdin_tag)
        if tag not in words:
            complain("Using -X option but stdin tag not match.\n")
            return 1
        words[words.index(tag)] = sys.stdin.buffer.read()
    session = Session(options)
    if words[0].lower() in (b"help", b"?"):
        from redracer.cli.client.help import Help

        Help(session).show(words[1:])
        return 0
    if not session.connect() and session.connection is None:
        return 1
    if not session.run(words, options.repeat):
        return 1
    session.listen()
    return 0


def run_script(options: Options, arguments: Sequence[str]) -> int:
    """Runs the Lua script of a file; the words before a lone comma are its keys."""
    session = connected(options)
    path = options.eval_file or ""
    try:
        with open(path, "rb") as file:
            script = file.read()
    except OSError as error:
        raise fail(f"Can't open file '{path}': {error.strerror}\n") from None
    words = [os.fsencode(argument) for argument in arguments]
    keys = words.index(b",") if b"," in words else len(words)
    if keys < len(words):
        del words[keys]
    return 0 if session.run([b"EVAL", script, b"%d" % keys, *words], options.repeat) else 1
