"""What an extension imports: see docs/extensions.md."""

from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import BigNumber, Double, Map, Set, Status, Verbatim
from redracer.engine.context import Context
from redracer.engine.extensions import Session, call, every, on_key_event, one_unit
from redracer.engine.flags import DENYOOM, FAST, MODULE, READONLY, WRITE
from redracer.engine.grammar import integer, key, string
from redracer.engine.key_specs import ACCESS, DELETE, INSERT, OW, RM, RO, RW, UPDATE, Key, KeyNum, Keys
from redracer.engine.registry import command

__all__ = [
    "ACCESS",
    "DELETE",
    "DENYOOM",
    "FAST",
    "INSERT",
    "MODULE",
    "OW",
    "READONLY",
    "RM",
    "RO",
    "RW",
    "UPDATE",
    "WRITE",
    "BigNumber",
    "CommandError",
    "Context",
    "Double",
    "Key",
    "KeyNum",
    "Keys",
    "Map",
    "Session",
    "Set",
    "Status",
    "Verbatim",
    "call",
    "command",
    "every",
    "integer",
    "key",
    "on_key_event",
    "one_unit",
    "parse_integer",
    "string",
]
