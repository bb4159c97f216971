"""Writes docs/commands.md and the table of groups in README.md, from the declarations of the commands.

python -m tools.command_table
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from redracer.engine import registry
from redracer.engine.grammar import usage
from redracer.engine.registry import Command
from redracer.parts import load_commands
from tools.marked import replaced

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "commands.md"
README = ROOT / "README.md"
REDIS_COMMANDS = Path(__file__).with_name("redis_commands.txt")
HEAD = """\
# Commands

Written by `make docs` from the declarations of the commands; what a command does is said in
[Redis's own reference](https://redis.io/docs/latest/commands/). Any other name answers `ERR unknown command`.
"""
TITLES = {"sorted-set": "Sorted sets", "pubsub": "Pub/sub", "hyperloglog": "HyperLogLog", "geo": "Geospatial"}
PLURAL = ("bitmap", "hash", "list", "set", "stream", "string")


def title_of(group: str) -> str:
    """A group's name as a heading."""
    if group in PLURAL:
        return group.capitalize() + ("es" if group == "hash" else "s")
    return TITLES.get(group, group.capitalize())


def declared() -> Iterator[Command]:
    """Every command that can be called, subcommands (but HELP) after their container."""
    load_commands()
    for _, command in sorted(registry.default.commands.items()):
        if command.handler is not None:
            yield command
        for word, subcommand in sorted((command.subcommands or {}).items()):
            if word != b"help":
                yield subcommand


def redis_commands() -> dict[str, list[str]]:
    """The names of Redis's commands by group."""
    groups: dict[str, list[str]] = {}
    names: list[str] = []
    for line in REDIS_COMMANDS.read_text().splitlines():
        if line.startswith("["):
            names = groups.setdefault(line.strip("[]"), [])
        elif not line.startswith("#"):
            names += line.split()
    return groups


def shown(name: str) -> str:
    """A command's name as people write it."""
    return name.replace("|", " ").upper()


def reference(commands: Iterable[Command]) -> str:
    """The page of all commands: for each group a table."""
    groups: dict[str, list[Command]] = {}
    for command in commands:
        groups.setdefault(command.documentation.group, []).append(command)
    parts = [HEAD]
    for group in sorted(groups):
        rows = [row(command) for command in groups[group]]
        parts.append(
            f"\n## {title_of(group)}\n\n| command | since | arguments | complexity |\n|---|---|---|---|\n"
            + "".join(rows)
        )
    return "".join(parts)


def row(command: Command) -> str:
    """A command's line in its group's table."""
    documentation = command.documentation
    arguments = usage(documentation.arguments).replace("|", "\\|")
    name = f"`{shown(command.name.decode())}`"
    if documentation.deprecated_since:
        name += f" (deprecated since {documentation.deprecated_since})"
    complexity = documentation.complexity.replace("|", "\\|")
    return f"| {name} | {documentation.since} | {f'`{arguments}`' if arguments else ''} | {complexity} |\n"


def summary(commands: Iterable[Command]) -> str:
    """The README's table: for each group how many commands are there, and which are missing."""
    ours = {command.name.decode() for command in commands}
    lines = ["| | there | of | missing |", "|---|---:|---:|---|"]
    there, total = 0, 0
    for group, names in redis_commands().items():
        missing = [name for name in names if name not in ours]
        there, total = there + len(names) - len(missing), total + len(names)
        lines.append(
            f"| {title_of(group)} | {len(names) - len(missing)} | {len(names)} | {listed(missing, names)} |"
        )
    lines.append(f"| **All** | **{there}** | **{total}** | |")
    return "\n".join(lines)


def listed(missing: list[str], names: list[str]) -> str:
    """The missing commands of a group, whole containers as one."""
    if missing == names:
        return "all" if missing else ""
    words: list[str] = []
    for name in missing:
        container = name.partition("|")[0]
        whole = "|" in name and all(other in missing for other in names if other.startswith(f"{container}|"))
        word = f"`{shown(container if whole else name)}`"
        if word not in words:
            words.append(word)
    return ", ".join(words)


def pages() -> dict[Path, str]:
    """Each file that this program writes, with the text that it should have."""
    commands = list(declared())
    readme = replaced(README.read_text(), "commands", summary(commands))
    return {REFERENCE: reference(commands), README: readme}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
