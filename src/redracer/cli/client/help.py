"""What COMMAND DOCS says of the commands: `help`, and what completion and hints are made of."""

from __future__ import annotations

import sys

from redracer.cli.client.connection import ConnectionLost
from redracer.cli.client.protocol import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from redracer.cli.client.connection import Connection
    from redracer.cli.client.protocol import Reply
    from redracer.cli.client.session import Session

BOLD, GREY, YELLOW, PLAIN = "\x1b[1m", "\x1b[90m", "\x1b[33m", "\x1b[0m"
GENERAL = """\
{version}
To get help about Redis commands type:
      "help @<group>" to get a list of commands in <group>
      "help <command>" for help on <command>
      "help <tab>" to get a list of possible help topics
      "quit" to exit

To set redis-cli preferences:
      ":set hints" enable online hints
      ":set nohints" disable online hints
Set your preferences in ~/.redisclirc
"""


class Argument:
    """One argument of a command, as its documentation describes it."""

    def __init__(self, fields: dict[str, Any]) -> None:
        flags = fields.get("flags", ())
        self.name: str = fields.get("display_text") or fields["name"]
        self.type: str = fields["type"]
        self.token: str = fields.get("token", "")
        self.optional = "optional" in flags
        self.multiple = "multiple" in flags
        self.multiple_token = "multiple_token" in flags
        self.arguments = [Argument(inner) for inner in fields.get("arguments", ())]

    def synopsis(self) -> str:
        """The argument as it is shown: `[EX seconds|PX milliseconds]`."""
        shown = self.synopsis_once(with_token=True)
        if self.multiple:
            shown += f" [{self.synopsis_once(with_token=self.multiple_token)} ...]"
        return f"[{shown}]" if self.optional else shown

    def synopsis_once(self, with_token: bool) -> str:
        """The argument for one time, as if it had to be there; its token can be left out."""
        between = {"oneof": "|", "block": " "}.get(self.type)
        if between is not None:
            value = between.join(inner.synopsis() for inner in self.arguments)
        else:
            value = "" if self.type == "pure-token" else self.name or '""'
        parts = [self.token] if self.token and with_token else []
        return " ".join([*parts, value] if value else parts)


class Entry:
    """One command, or one subcommand with the command's name before its own."""

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        self.name = name
        self.words = name.split(" ")
        self.summary: str = fields.get("summary", "")
        self.since: str = fields.get("since", "")
        self.group: str = fields.get("group", "")
        self.arguments = [Argument(argument) for argument in fields.get("arguments", ())]
        self.synopsis = " ".join(argument.synopsis() for argument in self.arguments)

    def text(self, with_group: bool) -> str:
        """A paragraph about it, in colours, with the line ends of redis-cli."""
        lines = [
            f"\r\n  {BOLD}{self.name}{PLAIN} {GREY}{self.synopsis}{PLAIN}\r\n",
            f"  {YELLOW}summary:{PLAIN} {self.summary}\r\n",
        ]
        if self.since:
            lines.append(f"  {YELLOW}since:{PLAIN} {self.since}\r\n")
        if with_group:
            lines.append(f"  {YELLOW}group:{PLAIN} {self.group}\r\n")
        return "".join(lines)


class Help:
    """The commands of a server, asked of it once, when they are needed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._entries: list[Entry] | None = None

    @property
    def entries(self) -> list[Entry]:
        """The commands by name; none if the server does not tell, or cannot be asked now."""
        session = self._session
        if self._entries is None and not (
            session.connection is None or session.in_transaction or session.listening
        ):
            self._entries = self._load(session.connection)
        return self._entries or []

    def forget(self) -> None:
        """There is another server now, or another user."""
        self._entries = None

    def _load(self, connection: Connection) -> list[Entry]:
        try:
            reply = connection.request(b"COMMAND", b"DOCS")
        except (ConnectionLost, ProtocolError):
            self._session.close()
            return []
        if reply.is_error or not isinstance(reply.value, list):
            return []
        return sorted(_entries(_plain(reply)), key=lambda entry: entry.name)

    def show(self, topic: list[bytes]) -> None:
        """Prints what is known of a topic: none, a group with an @, or a command."""
        if not topic:
            from redracer.engine.version import REDIS_VERSION

            print(GENERAL.format(version=f"redis-cli {REDIS_VERSION}"), end="")
            return
        if self._session.connection is None:
            self._session.connect(quiet=True)
        words = [word.decode("utf-8", "replace").lower() for word in topic]
        group = words[0][1:] if words[0].startswith("@") else None
        for entry in self.entries:
            if group is not None:
                found = entry.group == group
            else:
                found = [word.lower() for word in entry.words[: len(words)]] == words
            if found:
                sys.stdout.write(entry.text(with_group=group is None))
        sys.stdout.write("\r\n")
        sys.stdout.flush()


def _entries(documentation: dict[str, Any]) -> Iterable[Entry]:
    for name, fields in documentation.items():
        yield Entry(name.upper(), fields)
        for full_name, inner in fields.get("subcommands", {}).items():
            yield Entry(full_name.upper().replace("|", " "), inner)


def _plain(reply: Reply) -> dict[str, Any]:
    """A map, which RESP2 sends as a list, with its texts decoded."""
    found: dict[str, Any] = {}
    for key, value in zip(reply.value[::2], reply.value[1::2], strict=True):
        name = key.value.decode("utf-8", "replace")
        if name in ("arguments", "history", "doc_flags", "flags"):
            found[name] = [
                _plain(item) if isinstance(item.value, list) and name == "arguments" else _text(item)
                for item in value.value
            ]
        elif isinstance(value.value, list):
            found[name] = _plain(value)
        else:
            found[name] = _text(value)
    return found


def _text(reply: Reply) -> str:
    return reply.value.decode("utf-8", "replace") if isinstance(reply.value, bytes) else ""
