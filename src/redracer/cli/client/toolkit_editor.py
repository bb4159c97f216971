"""The line editor of prompt_toolkit: completion in a menu, hints behind the line."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completion
from prompt_toolkit.completion import Completer as ToolkitCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import fragment_list_width
from prompt_toolkit.history import History as ToolkitHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput

from redracer.cli.client.completion import Completer
from redracer.cli.client.history import History
from redracer.cli.client.repl import Repl

GREY = "fg:ansibrightblack"


class _Words(ToolkitCompleter):
    def __init__(self, completer: Completer) -> None:
        self.completer = completer

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        word, candidates = self.completer.complete(document.text_before_cursor)
        for candidate in candidates:
            yield Completion(candidate, start_position=-len(word))


class _Hint(Processor):
    """Writes the hint behind the line while the cursor is at its end: what of it fits into the row."""

    def __init__(self, completer: Completer) -> None:
        self.completer = completer
        self.prompt_width = 0  # columns

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        document = transformation_input.document
        fragments = transformation_input.fragments
        room = transformation_input.width - self.prompt_width - fragment_list_width(fragments) - 1
        if document.is_cursor_at_the_end and room > 0 and not get_app().is_done:
            hint = self.completer.hint(document.text)
            fragments = [*fragments, (GREY, hint if len(hint) <= room else hint[: room - 1] + "…")]
        return Transformation(fragments)


class _Lines(ToolkitHistory):
    """Our history for prompt_toolkit, which tells it of each line that is accepted."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self.history = history

    def load_history_strings(self) -> Iterable[str]:
        return reversed(self.history.lines)

    def store_string(self, string: str) -> None:
        self.history.add(string)


class ToolkitEditor:
    """Reads lines with prompt_toolkit."""

    def __init__(self, repl: Repl, history: History) -> None:
        completer = Completer(repl)
        self._hint = _Hint(completer)
        self._session: PromptSession[str] = PromptSession(
            history=_Lines(history),
            completer=_Words(completer),
            complete_while_typing=False,
            complete_in_thread=False,
            input_processors=[self._hint],
            key_bindings=_keys(),
            enable_history_search=True,
        )

    def read(self, prompt: str) -> str:
        """The next line."""
        self._hint.prompt_width = len(prompt)
        return self._session.prompt(prompt)


def _keys() -> KeyBindings:
    """Ctrl-C drops what was typed, and ends an empty line as Ctrl-D does."""
    bindings = KeyBindings()

    @bindings.add("c-c")
    def interrupt(event: KeyPressEvent) -> None:
        if event.app.current_buffer.text:
            event.app.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    return bindings
