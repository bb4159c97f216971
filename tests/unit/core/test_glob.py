"""Glob-style matching against a direct recursive reading of the rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redracer.core.glob import match


def signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def model_class(pattern: bytes, byte: int) -> tuple[bool, bytes]:
    """Matches a byte against the class whose `[` is before `pattern`; returns the rest of the pattern too."""
    negated = pattern.startswith(b"^")
    pattern = pattern[negated:]
    found = False
    while pattern and pattern[:1] != b"]":
        if pattern[:1] == b"\\" and len(pattern) >= 2:
            found |= pattern[1] == byte
            pattern = pattern[2:]
        elif len(pattern) >= 3 and pattern[1:2] == b"-":
            low, high = sorted((signed(pattern[0]), signed(pattern[2])))
            found |= low <= signed(byte) <= high
            pattern = pattern[3:]
        else:
            found |= pattern[0] == byte
            pattern = pattern[1:]
    return found != negated, pattern[1:]


def model(pattern: bytes, text: bytes) -> bool:
    if not text:
        return not pattern.lstrip(b"*")
    if not pattern:
        return False
    if pattern[:1] == b"*":
        return any(model(pattern[1:], text[start:]) for start in range(len(text) + 1))
    if pattern[:1] == b"?":
        return model(pattern[1:], text[1:])
    if pattern[:1] == b"[":
        matched, rest = model_class(pattern[1:], text[0])
        return matched and model(rest, text[1:])
    if pattern[:1] == b"\\" and len(pattern) >= 2:
        pattern = pattern[1:]
    return pattern[0] == text[0] and model(pattern[1:], text[1:])


def patterns(alphabet: bytes) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(list(alphabet)), max_size=8).map(bytes)


@settings(max_examples=400)
@given(patterns(b"ab*?[]^-\\\xff\x80"), patterns(b"abb*]-\\\xff\x80"))
def test_agrees_with_the_model(pattern: bytes, text: bytes) -> None:
    # The one difference: stars alone do not match the empty text.
    assert match(pattern, text) == (model(pattern, text) and (text != b"" or pattern == b""))


@given(patterns(b"abAB*?"), patterns(b"abAB"))
def test_ignoring_case_is_matching_lower_case(pattern: bytes, text: bytes) -> None:
    assert match(pattern, text, True) == match(pattern.lower(), text.lower())


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (b"h?llo", b"hallo", True),
        (b"h*llo", b"heeeello", True),
        (b"h[ae]llo", b"hillo", False),
        (b"h[^e]llo", b"hallo", True),
        (b"h[a-b]llo", b"hbllo", True),
        (b"h[b-a]llo", b"hallo", True),
        (b"h\\[x", b"h[x", True),
        (b"h\\*", b"hx", False),
        (b"[abc", b"c", True),
        (b"[", b"a", False),
        (b"[^", b"a", True),
        (b"[a-", b"-", True),
        (b"a\\", b"a\\", True),
        (b"", b"", True),
        (b"*", b"", False),
        (b"a**", b"a", True),
        (b"a\0*", b"a\0b", True),
    ],
)
def test_cases(pattern: bytes, text: bytes, matches: bool) -> None:
    assert match(pattern, text) is matches


def test_case_in_classes() -> None:
    assert match(b"[A-C]", b"b", True)
    assert match(b"[b]", b"B", True)
    assert not match(b"[\\b]", b"B", True)


def test_many_stars_do_not_explode() -> None:
    assert not match(b"a*" * 50 + b"b", b"a" * 2000)
    assert match(b"*a" * 1000, b"a" * 1000)
    assert not match(b"*a" * 1001, b"a" * 1001)
