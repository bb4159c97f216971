"""Access control of one engine: who its connections speak for, and whether their requests may run.

A connection that has proved nothing is held at a gate, and reads only short requests, until AUTH or HELLO has
let it through; without a password on the default user everyone is through from the start. A second gate holds
the connections of users who may not do everything, so that the others cost nothing. Users are changed in
place, so that a change holds for connections that are there already. A client without a user (a primary, the
append-only file) may do everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.session import CLOSE_AFTER_REPLY
from redracer.engine import log
from redracer.engine.acl import definitions
from redracer.engine.acl.definitions import DefinitionError
from redracer.engine.acl.log import AccessLog
from redracer.engine.acl.rules import RuleError, UnmatchedParenthesis, has_spaces, merge_selectors
from redracer.engine.acl.selector import CHANNEL_DENIED, COMMAND_DENIED, KEY_DENIED, Denial
from redracer.engine.acl.user import User, full_user
from redracer.engine.client import AUTHENTICATED, MULTI
from redracer.engine.config_types import to_text
from redracer.engine.flags import NO_AUTH
from redracer.engine.gates import GATE_AUTHENTICATION, GATE_USER
from redracer.engine.registry import default as declared
from redracer.engine.registry import lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

DEFAULT_USER = b"default"
DENIED_REASONS = {COMMAND_DENIED: "command", KEY_DENIED: "key", CHANNEL_DENIED: "channel"}
AUTHENTICATION_FAILED = "auth"
NOBODY = User(b"", False)  # whose password is compared when there is no such user, as the time would tell


def no_subscriptions(client: Client) -> Iterable[tuple[bytes, bool]]:
    """What a client listens to where there is no pub/sub."""
    return ()


class AccessControl:
    """The users, and their effect on the clients. Users are by name; `default` is always among them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        config = engine.config
        self.log = AccessLog(config)
        # All commands by their original names, also those that the configuration renames or takes away.
        self.commands = declared.commands
        self.default = full_user(DEFAULT_USER, self.pubsub_default)
        self.users: dict[bytes, User] = {DEFAULT_USER: self.default}
        # Gives (channel, whether it is a pattern) for all that a client listens to; pub/sub sets it.
        self.subscriptions: Callable[[Client], Iterable[tuple[bytes, bool]]] = no_subscriptions
        self._set_default_password(config["requirepass"])
        config.on_change("requirepass", self._password_changed)
        config.rewriters["user"] = self._lines_of_configuration
        engine.dispatcher.guard(GATE_AUTHENTICATION, self._refuse_stranger)
        engine.dispatcher.guard(GATE_USER, self._refuse_user)

    @property
    def pubsub_default(self) -> bool:
        """Whether new users may use all channels."""
        return bool(self.engine.config["acl-pubsub-default"] == "allchannels")

    # --- who a connection speaks for

    def start(self, client: Client) -> None:
        """Sets the state of a connection that has proved nothing yet."""
        client.user = self.default
        client.flags &= ~AUTHENTICATED
        if self.default.is_open:
            client.flags |= AUTHENTICATED
        self._set_gates(client)

    def trust(self, client: Client) -> None:
        """Lets the client do everything, whatever becomes of the users (a link to the primary)."""
        client.user = None
        client.flags |= AUTHENTICATED
        self._set_gates(client)

    def authenticate(self, client: Client, name: bytes, password: bytes, command_name: bytes) -> bool:
        """Lets the client speak for the user if the password is right; else the access log tells of it.

        `command_name`: as the client gave it (`AUTH`).
        """
        user = self.users.get(name)
        if not (user or NOBODY).accepts(password) or user is None:
            self._log(client, AUTHENTICATION_FAILED, context_of(client), command_name, name)
            return False
        client.user = user
        client.flags |= AUTHENTICATED
        self._set_gates(client)
        return True

    def _set_gates(self, client: Client) -> None:
        stranger = not (client.flags & AUTHENTICATED or self.default.is_open)
        client.gates &= ~(GATE_AUTHENTICATION | GATE_USER)
        if stranger:
            client.gates |= GATE_AUTHENTICATION
        if client.user is not None and not client.user.unrestricted:
            client.gates |= GATE_USER
        client.parser.restricted = stranger
        self.engine.output_limits.apply_to(client)

    def _set_all_gates(self) -> None:
        for client in self.engine.clients.values():
            if client.user is not None:
                self._set_gates(client)

    def _set_default_password(self, password: bytes | None) -> None:
        self.default.apply(b"resetpass", self.commands)
        self.default.apply(b">" + password if password else b"nopass", self.commands)

    def _password_changed(self, password: bytes | None) -> None:
        self._set_default_password(password)
        self._set_all_gates()

    # --- whether a request may run

    def check(self, user: User | None, command: Command, argv: list[bytes]) -> Denial | None:
        """Why the user may not do that, or None; nothing is logged. O(selectors * keys * patterns)."""
        return None if user is None or user.unrestricted else user.check(command, argv)

    def allows_every_key(self, client: Client, argv: list[bytes], flags: int) -> bool:
        """Whether the client may do that to any key (key flags), besides those that its request names."""
        user: User | None = client.user
        if user is None or user.unrestricted:
            return True
        command = lookup(self.engine.commands, argv)
        return command is not None and user.allows_with_every_key(command, argv, flags)

    def denial(self, client: Client, command: Command, argv: list[bytes], context: str) -> Denial | None:
        """`check` for the client's user, and a denial goes into the access log.

        `context`: toplevel, multi (also for what EXEC executes) or lua.
        """
        denial = self.check(client.user, command, argv)
        if denial is not None:
            what = command.name if denial.reason == COMMAND_DENIED else argv[denial.position]
            self._log(client, DENIED_REASONS[denial.reason], context, what, client.user.name)
        return denial

    def _refuse_stranger(self, _client: Client, command: Command, _argv: list[bytes]) -> bytes | None:
        return None if command.flags & NO_AUTH else errors.NO_AUTH

    def _refuse_user(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        denial = self.denial(client, command, argv, context_of(client))
        if denial is None:
            return None
        return b"NOPERM " + explanation(client.user, command, argv, denial, verbose=False)

    def script_refusal(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """The error of a command that a script or function calls for the client, or None; it is logged."""
        denial = self.denial(client, command, argv, "lua")
        if denial is None:
            return None
        return b"ERR ACL failure in script: " + explanation(client.user, command, argv, denial, verbose=False)

    def exec_refusal(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """The error of a queued command that its user may no longer execute, or None; it is logged."""
        denial = self.denial(client, command, argv, "multi")
        return None if denial is None else errors.acl_changed(DENIED_REASONS[denial.reason])

    def _log(self, client: Client, reason: str, context: str, what: bytes, user: bytes) -> None:
        engine = self.engine
        engine.statistics.denials[reason] += 1
        self.log.add(reason, context, what, user, engine.clock.now, engine.describe(client))

    # --- changes of users

    def set_user(self, name: bytes, arguments: Sequence[bytes]) -> None:
        """ACL SETUSER: changes a user, or makes one. Raises CommandError, and then nothing has changed."""
        if has_spaces(name):
            raise CommandError(errors.ACL_USER_NAME)
        try:
            rules = merge_selectors(arguments)
        except UnmatchedParenthesis as error:
            raise CommandError(errors.acl_unmatched_parenthesis(arguments[error.start])) from None
        staged = User(name, self.pubsub_default)
        user = self.users.get(name)
        if user is not None:
            staged.become(user)
        for rule in rules:
            try:
                staged.apply(rule, self.commands)
            except RuleError as error:
                raise CommandError(errors.acl_bad_rule(rule, error.text)) from None
        if user is None:
            self.users[name] = staged
            return
        listeners = self._listeners_out_of_bounds(user, staged)
        user.become(staged)
        self._set_all_gates()
        for client in listeners:
            self._turn_out(client)

    def delete_users(self, names: Iterable[bytes]) -> int:
        """ACL DELUSER: deletes the users and closes their connections; returns how many there were."""
        deleted = [user for user in (self.users.pop(name, None) for name in names) if user is not None]
        for client in list(self.engine.clients.values()):
            if client.user in deleted:
                self._turn_out(client)
        return len(deleted)

    def replace_users(self, users: Iterable[User]) -> None:
        """Puts these users in place of all there are; `default` is as in a new server if it is not among them.

        A connection whose user is not there any more, or that listens to a channel that its user may no longer
        use, is closed.
        """
        new = {user.name: user for user in users}
        default = new.get(DEFAULT_USER) or full_user(DEFAULT_USER, self.pubsub_default)
        doomed = [
            client
            for client in self.engine.clients.values()
            if client.user is not None and not self._survives(client, {**new, DEFAULT_USER: default})
        ]
        self.default.become(default)
        self.users = {**new, DEFAULT_USER: self.default}
        for client in doomed:
            self._turn_out(client)
        for client in self.engine.clients.values():
            if client.user is not None:
                client.user = self.users[client.user.name]
        self._set_all_gates()

    def _survives(self, client: Client, users: dict[bytes, User]) -> bool:
        user = users.get(client.user.name)
        return user is not None and self._may_listen_on(client, client.user, user)

    def _listeners_out_of_bounds(self, old: User, new: User) -> list[Client]:
        """The clients of a user that listen to what it may not any more."""
        return [
            client
            for client in self.engine.clients.values()
            if client.user is old and not self._may_listen_on(client, old, new)
        ]

    def _may_listen_on(self, client: Client, old: User, new: User) -> bool:
        if new.allows_all_channels():
            return True
        if not old.allows_all_channels() and old.channel_patterns() <= new.channel_patterns():
            return True
        return all(
            new.allows_channel(channel, is_pattern) for channel, is_pattern in self.subscriptions(client)
        )

    def _turn_out(self, client: Client) -> None:
        """Closes a client that may not be here any more; the one that is being served, after its reply."""
        client.user = self.default
        client.flags &= ~AUTHENTICATED
        self._set_gates(client)
        if client is self.engine.context.client:
            client.state |= CLOSE_AFTER_REPLY
        else:
            client.close()

    # --- files

    def load_at_start(self) -> None:
        """Reads the users of the configuration or of its ACL file. Raises DefinitionError with the log's line."""
        config = self.engine.config
        if config["aclfile"] and config.user_lines:
            raise DefinitionError(definitions.BOTH_SOURCES)
        if config["aclfile"]:
            try:
                self.load_file()
            except DefinitionError as error:
                raise DefinitionError(f"Aborting Redis startup because of ACL errors: {error.text}") from None
            return
        lines = [line.words for line in config.user_lines]
        try:
            users = definitions.declared_users(lines, self.pubsub_default, self.commands)
        except DefinitionError as error:
            log.warning(error.text)
            raise DefinitionError("Critical error while loading ACLs. Exiting.") from None
        for user in users:
            self.users.setdefault(user.name, user).become(user)

    def load_file(self) -> None:
        """ACL LOAD. Raises DefinitionError, and then nothing has changed."""
        path = self.engine.config["aclfile"]
        self.replace_users(definitions.users_of_file(path, self.pubsub_default, self.commands))

    def save_file(self) -> None:
        """ACL SAVE. Raises OSError, of which the log has told."""
        try:
            definitions.write_file(self.engine.config["aclfile"], self.describe_users())
        except OSError as error:
            log.warning(f"Writing ACL file for ACL SAVE: {error.strerror}")
            raise

    def describe_users(self) -> list[bytes]:
        """`NAME rule ...` for every user, by name."""
        return [name + b" " + user.describe() for name, user in sorted(self.users.items())]

    def _lines_of_configuration(self) -> list[bytes]:
        """What CONFIG REWRITE writes: with an ACL file the users are there."""
        return [] if self.engine.config["aclfile"] else self.describe_users()


def context_of(client: Client) -> str:
    """Where a client's own request stands."""
    return "multi" if client.flags & MULTI else "toplevel"


def explanation(user: User, command: Command, argv: list[bytes], denial: Denial, *, verbose: bool) -> bytes:
    """A denial in words, without a code; `verbose` names the key or channel (for an administrator)."""
    if denial.reason == COMMAND_DENIED:
        return b"User %s has no permissions to run the '%s' command" % (user.name, command.name)
    kind = DENIED_REASONS[denial.reason].encode()
    if verbose:
        return b"User %s has no permissions to access the '%s' %s" % (user.name, argv[denial.position], kind)
    return b"No permissions to access a " + kind


def shown_user(client: Client) -> str:
    """The user's name as CLIENT LIST shows it."""
    return "(superuser)" if client.user is None else to_text(client.user.name)
