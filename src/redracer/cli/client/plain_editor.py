"""The line editor where prompt_toolkit is not installed: readline's, with completion but without hints."""

from __future__ import annotations

import sys

try:
    import readline
except ImportError:  # Python was built without it
    readline = None  # type: ignore[assignment]

from redracer.cli.client.completion import Completer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.history import History
    from redracer.cli.client.repl import Repl


class PlainEditor:
    """Reads lines with readline, or with nothing."""

    def __init__(self, repl: Repl, history: History) -> None:
        self._completer = Completer(repl)
        self._history = history
        self._candidates: list[str] = []
        if readline is None:
            return
        readline.set_auto_history(False)
        readline.set_completer_delims(" \t\n")
        readline.set_completer(self._complete)
        readline.parse_and_bind("tab: complete")
        for line in history.lines:
            readline.add_history(line)

    def _complete(self, _word: str, state: int) -> str | None:
        """readline asks for one candidate after another."""
        if state == 0:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            _, self._candidates = self._completer.complete(line)
        return f"{self._candidates[state]} " if state < len(self._candidates) else None

    def read(self, prompt: str) -> str:
        """The next line."""
        sys.stdout.flush()
        try:
            line = input(prompt)
        except KeyboardInterrupt:
            print()
            raise
        if line:
            self._history.add(line)
            if readline is not None:
                readline.add_history(line)
        return line
