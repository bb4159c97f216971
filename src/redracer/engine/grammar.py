"""The grammar of a command's arguments, as data.

It is documentation that programs read: COMMAND DOCS, the hints of redis-cli, the usage lines
of HELP subcommands and the command reference derive from it. It does not parse; a handler
reads its arguments itself, because an argument's meaning often depends on another's.

    args=[key(), string("value"), one_of("condition", token("NX"), token("XX"), optional=True)]

Arguments are made by the functions below, named for their types. The keyword arguments that
all of them take:

- `optional`: may be missing; `multiple`: may be repeated; `multiple_token`: with its token.
- `token`: the word that introduces it (`LIMIT`), `since`, `deprecated_since`, `summary`.
- `display`: what a hint shows in place of the name.
"""

from __future__ import annotations

from typing import TypedDict, Unpack

STRING = "string"
INTEGER = "integer"
DOUBLE = "double"
KEY = "key"
PATTERN = "pattern"
UNIX_TIME = "unix-time"
PURE_TOKEN = "pure-token"
ONE_OF = "oneof"
BLOCK = "block"


class Properties(TypedDict, total=False):
    """What every kind of argument may say of itself."""

    token: str
    optional: bool
    multiple: bool
    multiple_token: bool
    since: str
    deprecated_since: str
    summary: str
    display: str


class Arg:
    """One argument, or a group of them (`arguments`, for a choice or a sequence). Immutable by use."""

    __slots__ = (
        "arguments",
        "deprecated_since",
        "display",
        "key_spec_index",
        "multiple",
        "multiple_token",
        "name",
        "optional",
        "since",
        "summary",
        "token",
        "type",
    )

    def __init__(
        self,
        name: str,
        type: str,
        arguments: tuple[Arg, ...] = (),
        key_spec_index: int = -1,
        **properties: Unpack[Properties],
    ) -> None:
        self.name = name
        self.type = type
        self.arguments = arguments
        self.key_spec_index = key_spec_index
        self.token = properties.get("token", "")
        self.optional = properties.get("optional", False)
        self.multiple = properties.get("multiple", False)
        self.multiple_token = properties.get("multiple_token", False)
        self.since = properties.get("since", "")
        self.deprecated_since = properties.get("deprecated_since", "")
        self.summary = properties.get("summary", "")
        self.display = properties.get("display", "")


def string(name: str, **properties: Unpack[Properties]) -> Arg:
    """Any bytes."""
    return Arg(name, STRING, **properties)


def integer(name: str, **properties: Unpack[Properties]) -> Arg:
    """A 64-bit signed integer."""
    return Arg(name, INTEGER, **properties)


def double(name: str, **properties: Unpack[Properties]) -> Arg:
    """A floating-point number."""
    return Arg(name, DOUBLE, **properties)


def key(name: str = "key", key_spec_index: int = 0, **properties: Unpack[Properties]) -> Arg:
    """A key, which the command's key spec number `key_spec_index` finds."""
    return Arg(name, KEY, (), key_spec_index, **properties)


def pattern(name: str = "pattern", key_spec_index: int = -1, **properties: Unpack[Properties]) -> Arg:
    """A glob pattern."""
    return Arg(name, PATTERN, (), key_spec_index, **properties)


def unix_time(name: str, **properties: Unpack[Properties]) -> Arg:
    """A point in time, in seconds or milliseconds since 1970."""
    return Arg(name, UNIX_TIME, **properties)


def token(word: str, name: str = "", **properties: Unpack[Properties]) -> Arg:
    """A fixed word; its name is the word in lower case, unless given."""
    properties["token"] = word
    return Arg(name or word.lower(), PURE_TOKEN, **properties)


def one_of(name: str, *choices: Arg, **properties: Unpack[Properties]) -> Arg:
    """Exactly one of the choices, at least two."""
    if len(choices) < 2:
        raise ValueError(f"{name}: a choice needs two alternatives")
    return Arg(name, ONE_OF, choices, **properties)


def block(name: str, *arguments: Arg, **properties: Unpack[Properties]) -> Arg:
    """A sequence of arguments that belong together, at least two, or one that is repeated."""
    if not arguments:
        raise ValueError(f"{name}: a block needs arguments")
    return Arg(name, BLOCK, arguments, **properties)


def usage(arguments: tuple[Arg, ...]) -> str:
    """One line in the style of HELP: `<key> [NX|XX] [LIMIT <offset> <count>]`."""
    return " ".join(_usage_of(argument) for argument in arguments)


def _usage_of(argument: Arg) -> str:
    if argument.type == PURE_TOKEN:
        text = argument.token
    else:
        body = _body_of(argument)
        text = f"{argument.token} {body}" if argument.token else body
        if argument.multiple:
            again = text if argument.multiple_token else body
            text = f"{text} ..." if argument.optional and again == text else f"{text} [{again} ...]"
    return f"[{text}]" if argument.optional else text


def _body_of(argument: Arg) -> str:
    if argument.type == ONE_OF:
        choices = "|".join(_usage_of(choice) for choice in argument.arguments)
        return choices if argument.optional and not argument.token else f"({choices})"
    if argument.type == BLOCK:
        return usage(argument.arguments)
    return f"<{argument.display or argument.name}>"
