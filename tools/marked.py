"""Texts with parts that a program writes, between two comment lines:

<!-- NAME: written by HOW -->
<!-- end of NAME -->
"""

import re


def replaced(text: str, name: str, content: str) -> str:
    """The text with `content` as its part `name`. ValueError if there is no such part."""
    pattern = re.compile(
        rf"(<!-- {re.escape(name)}:[^\n]*-->\n).*?(<!-- end of {re.escape(name)} -->\n)", re.DOTALL
    )
    if pattern.search(text) is None:
        raise ValueError(f"no part {name!r} in the text")
    return pattern.sub(lambda match: f"{match[1]}\n{content.strip()}\n\n{match[2]}", text)
