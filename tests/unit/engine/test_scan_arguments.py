"""The arguments of SCAN and its kin."""

import pytest

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.engine.scan_arguments import scan_cursor, scan_options


@pytest.mark.parametrize("text", [b"0", b"18446744073709551615"])
def test_a_cursor_is_64_bits_without_a_sign(text):
    assert scan_cursor(text) == int(text)


@pytest.mark.parametrize("text", [b"", b"-1", b"x", b" 1", b"18446744073709551616", b"0" * 21])
def test_anything_else_is_no_cursor(text):
    with pytest.raises(CommandError) as refusal:
        scan_cursor(text)
    assert refusal.value.text == errors.INVALID_CURSOR


def test_the_last_of_an_option_counts_and_a_star_is_no_pattern():
    options = scan_options([b"x", b"count", b"5", b"MATCH", b"*", b"COUNT", b"7"], 1)
    assert options == (7, None, {})
    assert scan_options([b"match", b"a*"], 0) == (10, b"a*", {})


def test_options_of_one_command():
    assert scan_options([b"TYPE", b"Hash"], 0, valued=b"type").others == {b"type": b"Hash"}
    options = scan_options([b"NoValues", b"COUNT", b"3"], 0, plain=b"novalues")
    assert options == (3, None, {b"novalues": b""})


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([b"COUNT"], errors.SYNTAX),
        ([b"COUNT", b"0"], errors.SYNTAX),
        ([b"COUNT", b"x"], errors.NOT_INTEGER),
        ([b"MATCH"], errors.SYNTAX),
        ([b"TYPE", b"set"], errors.SYNTAX),
        ([b""], errors.SYNTAX),
        ([b"NOVALUES"], errors.NOVALUES_WITHOUT_VALUES),
    ],
)
def test_refusals(args, text):
    with pytest.raises(CommandError) as refusal:
        scan_options(args, 0)
    assert refusal.value.text == text
