"""Values as commands that make them: what the append-only file holds after a rewrite without an RDB preamble.

Each type's codec gives its own (`TypeSpec.commands`). A command has a bounded number of items, so that executing one
stops a server that loads the file for a moment only, and no argument list becomes huge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ITEMS_PER_COMMAND = 64


def in_batches(name: bytes, key: bytes, words: Sequence[bytes], per_item: int = 1) -> Iterator[list[bytes]]:
    """Commands `name key words...` with up to ITEMS_PER_COMMAND items each, an item being `per_item` words."""
    step = ITEMS_PER_COMMAND * per_item
    for start in range(0, len(words), step):
        yield [name, key, *words[start : start + step]]
