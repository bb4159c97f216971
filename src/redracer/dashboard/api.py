"""What the panels ask for: each function takes a session and the request's parameters, and answers with plain data.

Everything is done with the commands of the session's user; what they are refused, the page is told.
"""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from math import isfinite
from typing import Any

from redracer.dashboard.resp import ConnectionLost, ServerError, to_bytes, to_text
from redracer.dashboard.sessions import CONSOLE, Session
from redracer.dashboard.values import describe

Parameters = dict[str, str]
Answer = Callable[[Session, Parameters], Awaitable[Any]]

SCANNED = 200  # keys looked at by one call, at most
SECTIONS = ("server", "clients", "memory", "stats", "persistence", "replication", "keyspace")
# Commands after which a connection answers no more requests, or that never end.
NOT_FOR_THE_CONSOLE = {
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "monitor",
    "hello",
    "auth",
    "reset",
    "quit",
    "client",
}


class BadRequest(Exception):
    """The request lacks something, or asks for what there is not; `text` says what."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def required(parameters: Parameters, name: str) -> str:
    """A parameter that must be there. Raises BadRequest."""
    value = parameters.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"'{name}' is missing")
    return value


def integer(parameters: Parameters, name: str) -> int:
    """A parameter that must be an integer. Raises BadRequest."""
    try:
        return int(required(parameters, name))
    except ValueError:
        raise BadRequest(f"'{name}' is not a number") from None


def plain(value: Any) -> Any:
    """A reply as JSON has it; an error as {"error": text}."""
    if isinstance(value, bytes):
        return to_text(value)
    if isinstance(value, ServerError):
        return {"error": value.text}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not isfinite(value):  # JSON has no infinity
        return str(value)
    return value


async def sample(session: Session, parameters: Parameters) -> Any:
    """INFO's fields by name, and how many calls took up to how many microseconds."""
    connection = await session.connection()
    info, histograms = await connection.run_all([("INFO", *SECTIONS), ("LATENCY", "HISTOGRAM")])
    if isinstance(info, ServerError):
        raise info
    lines = (line.partition(":") for line in to_text(info).split("\r\n") if ":" in line)
    return {"info": {name: value for name, _, value in lines}, "latency": _calls_by_duration(histograms)}


def _calls_by_duration(histograms: Any) -> list[list[int]]:
    """Pairs (microseconds, calls that took that long), over all commands, ascending."""
    if isinstance(histograms, ServerError):  # the user may not ask
        return []
    calls: dict[int, int] = {}
    for _, fields in histograms:
        before = 0
        for duration, cumulative in dict(fields).get(b"histogram_usec", []):
            calls[duration] = calls.get(duration, 0) + cumulative - before
            before = cumulative
    return [[duration, calls[duration]] for duration in sorted(calls)]


async def keys(session: Session, parameters: Parameters) -> Any:
    """A part of the key space: names with type, time to live (ms) and, if `memory` is given, bytes."""
    connection = await session.connection()
    words = ["SCAN", parameters.get("cursor") or "0", "COUNT", str(SCANNED)]
    if parameters.get("match"):
        words += ["MATCH", parameters["match"]]
    if parameters.get("type"):
        words += ["TYPE", parameters["type"]]
    following, names = await connection.run(*words)
    questions: list[tuple[Any, ...]] = []
    for name in names:
        questions += [("TYPE", name), ("PTTL", name)]
        questions += [("MEMORY", "USAGE", name, "SAMPLES", 5)] if parameters.get("memory") else []
    replies = await connection.run_all(questions) if questions else []
    width = len(questions) // len(names) if names else 1
    rows = []
    for number, name in enumerate(names):
        kind, ttl, *memory = replies[number * width : (number + 1) * width]
        row: dict[str, Any] = {
            "name": to_text(name),
            "type": to_text(kind) if isinstance(kind, bytes) else "?",
        }
        row["ttl"] = ttl if isinstance(ttl, int) and ttl >= 0 else None
        row["bytes"] = memory[0] if memory and isinstance(memory[0], int) else None
        rows.append(row)
    return {"cursor": to_text(following), "keys": rows}


async def key(session: Session, parameters: Parameters) -> Any:
    """A key's value, or a part of it; see values.py."""
    connection = await session.connection()
    return await describe(connection, required(parameters, "name"), parameters.get("cursor", ""))


async def delete_key(session: Session, parameters: Parameters) -> Any:
    """Deletes a key."""
    connection = await session.connection()
    return {"deleted": await connection.run("UNLINK", to_bytes(required(parameters, "name")))}


async def set_ttl(session: Session, parameters: Parameters) -> Any:
    """Sets a key's time to live in seconds, or takes it away if `seconds` is empty."""
    connection = await session.connection()
    name = to_bytes(required(parameters, "name"))
    if required(parameters, "seconds"):
        return {"changed": await connection.run("EXPIRE", name, integer(parameters, "seconds"))}
    return {"changed": await connection.run("PERSIST", name)}


async def slow_log(session: Session, parameters: Parameters) -> Any:
    """The slow log's entries, newest first."""
    connection = await session.connection()
    entries = await connection.run("SLOWLOG", "GET", 128)
    fields = ("id", "time", "microseconds", "arguments", "address", "client")
    return [dict(zip(fields, plain(entry), strict=False)) for entry in entries]


async def reset_slow_log(session: Session, parameters: Parameters) -> Any:
    """Empties the slow log."""
    connection = await session.connection()
    return plain(await connection.run("SLOWLOG", "RESET"))


async def clients(session: Session, parameters: Parameters) -> Any:
    """The connected clients, each as the fields of CLIENT LIST."""
    connection = await session.connection()
    lines = to_text(await connection.run("CLIENT", "LIST")).splitlines()
    return [dict(field.partition("=")[::2] for field in line.split(" ")) for line in lines]


async def kill_client(session: Session, parameters: Parameters) -> Any:
    """Closes a client's connection."""
    connection = await session.connection()
    return {"killed": await connection.run("CLIENT", "KILL", "ID", integer(parameters, "id"))}


async def configuration(session: Session, parameters: Parameters) -> Any:
    """Options and their values."""
    connection = await session.connection()
    pairs = await connection.run("CONFIG", "GET", parameters.get("match") or "*")
    return sorted([to_text(name), to_text(value)] for name, value in pairs)


async def configure(session: Session, parameters: Parameters) -> Any:
    """Sets an option."""
    connection = await session.connection()
    name, value = required(parameters, "name"), required(parameters, "value")
    return plain(await connection.run("CONFIG", "SET", name, to_bytes(value)))


async def console(session: Session, parameters: Parameters) -> Any:
    """The reply to a line typed into the console, whose connection keeps its database and transaction."""
    try:
        words = shlex.split(required(parameters, "line"))
    except ValueError as error:
        raise BadRequest(f"unbalanced quotes: {error}") from None
    if not words:
        return {"reply": None}
    if words[0].lower() in NOT_FOR_THE_CONSOLE and (words[0].lower() != "client" or "reply" in words[1:2]):
        raise BadRequest(f"{words[0].upper()} changes the connection itself, which the console needs")
    connection = await session.connection(CONSOLE)
    (reply,) = await connection.run_all([tuple(to_bytes(word) for word in words)])
    return {"reply": plain(reply)}


async def commands(session: Session, parameters: Parameters) -> Any:
    """Names and summaries of the commands, for completion."""
    connection = await session.connection()
    found = []
    for name, fields in await connection.run("COMMAND", "DOCS"):
        documentation = dict(fields)
        entries = [(name, documentation)]
        entries += [(sub, dict(parts)) for sub, parts in documentation.get(b"subcommands", [])]
        for full_name, described in entries:
            words = to_text(full_name).replace("|", " ").upper()
            found.append([words, to_text(described.get(b"summary", b""))])
    return sorted(found)


async def published(session: Session, pattern: str) -> AsyncIterator[list[str]]:
    """(channel, message) of what is published to channels that match; ends with the connection."""
    connection = await session.new_connection()
    try:
        # In RESP3 the confirmation is a push as well.
        connection.writer.write(
            b"*2\r\n$10\r\nPSUBSCRIBE\r\n$%d\r\n%s\r\n" % (len(to_bytes(pattern)), to_bytes(pattern))
        )
        while True:
            push = await connection.next_push()
            if push[:1] == [b"pmessage"]:
                yield [to_text(push[2]), to_text(push[3])]
    except ConnectionLost:
        return
    finally:
        connection.close()


READ: dict[str, Answer] = {
    "sample": sample,
    "keys": keys,
    "key": key,
    "slowlog": slow_log,
    "clients": clients,
    "config": configuration,
    "commands": commands,
}
CHANGE: dict[str, Answer] = {
    "key/delete": delete_key,
    "key/ttl": set_ttl,
    "slowlog/reset": reset_slow_log,
    "clients/kill": kill_client,
    "config/set": configure,
    "console": console,
}
