"""The pages about commands say what the declarations say."""

import pytest

from tools import command_table
from tools.marked import replaced


def test_the_pages_are_up_to_date():
    stale = [path.name for path, text in command_table.pages().items() if path.read_text() != text]
    assert stale == [], "run `make docs`"


def test_every_command_is_one_of_redis():
    known = {name for names in command_table.redis_commands().values() for name in names}
    ours = {command.name.decode() for command in command_table.declared()}
    internal = {"debug", "pfdebug", "pfselftest", "replconf", "restore-asking"}
    assert ours - known == internal


def test_whole_containers_are_listed_as_one():
    names = ["acl|cat", "acl|list", "client|id", "client|tracking", "save"]
    assert command_table.listed(["acl|cat", "acl|list", "client|tracking", "save"], names) == (
        "`ACL`, `CLIENT TRACKING`, `SAVE`"
    )
    assert command_table.listed(names, names) == "all"
    assert command_table.listed([], names) == ""


def test_a_marked_part_is_replaced():
    text = "a\n<!-- x: written by y -->\nold\n<!-- end of x -->\nb\n"
    new = replaced(text, "x", "new")
    assert new == "a\n<!-- x: written by y -->\n\nnew\n\n<!-- end of x -->\nb\n"
    assert replaced(new, "x", "new") == new
    with pytest.raises(ValueError, match="no part"):
        replaced(text, "z", "new")
