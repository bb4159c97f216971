"""What the rules of all parts of a user share: how a rule is refused, and how rules are put together."""

from __future__ import annotations

from redracer.core import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SPACES = frozenset(b" \t\n\r\v\f\0")
OPEN, CLOSE = b"(", b")"


class RuleError(Exception):
    """A rule is refused; `text` says why. `unknown` tells a command or category that does not exist (yet)."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text

    @property
    def unknown(self) -> bool:
        """Whether the rule would be good if there were such a command or category."""
        return self.text is errors.ACL_UNKNOWN_COMMAND


class UnmatchedParenthesis(Exception):
    """A selector is not closed; `start` is the position of the argument that opens it."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.start = start


def has_spaces(text: bytes) -> bool:
    """Whether a name or pattern has what would end it in a file: white space or NUL."""
    return not SPACES.isdisjoint(text)


def merge_selectors(arguments: Sequence[bytes]) -> list[bytes]:
    """The arguments, where a selector that stretches over several of them is one. Raises UnmatchedParenthesis."""
    merged: list[bytes] = []
    open_since = -1
    selector = b""
    for position, argument in enumerate(arguments):
        if argument.startswith(OPEN) and not argument.endswith(CLOSE):
            open_since, selector = position, argument
        elif open_since >= 0:
            selector += b" " + argument
            if argument.endswith(CLOSE):
                merged.append(selector)
                open_since = -1
        else:
            merged.append(argument)
    if open_since >= 0:
        raise UnmatchedParenthesis(open_since)
    return merged
