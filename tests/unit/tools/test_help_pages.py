"""docs/tools.md has every option of every program; the rest of the text depends on Python's version."""

import re

import pytest

from tools import help_pages


@pytest.mark.parametrize("program", help_pages.programs())
def test_the_page_has_the_help_of_each_program(program):
    text = help_pages.PAGE.read_text()
    section = re.search(rf"^## {program}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, "run `make docs`"
    said = help_pages.help_of(program)
    assert "sage:" in said
    options = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", said))
    assert options <= set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", section[1])), "run `make docs`"
