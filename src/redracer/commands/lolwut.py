"""LOLWUT's picture: a racer, the snake, on its way across a field; every call draws another one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from random import Random

WIDTH, HEIGHT = 66, 12  # characters, unless others are asked for
LIMITS = (8, 200), (3, 60)
# The body from one cell to the next: by the step that led into a cell and the one that leads out of it.
BENDS = {
    ((1, 0), (1, 0)): "─",
    ((0, 1), (0, 1)): "│",
    ((0, -1), (0, -1)): "│",
    ((1, 0), (0, 1)): "╮",
    ((1, 0), (0, -1)): "╯",
    ((0, 1), (1, 0)): "╰",
    ((0, -1), (1, 0)): "╭",
}
HEAD, TAIL = "●", "╶"


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> str:
    """The snake that belongs to a seed, `height` lines of `width` characters. O(width * height)."""
    from random import Random  # it takes a while to import

    (narrowest, widest), (lowest, highest) = LIMITS
    width = min(max(width, narrowest), widest)
    height = min(max(height, lowest), highest)
    cells = [[" "] * width for _ in range(height)]
    x, y, last = 0, height // 2, (1, 0)
    cells[y][x] = TAIL
    for step in _steps(Random(seed), width, height):
        if x or y != height // 2:
            cells[y][x] = BENDS[last, step]
        x, y, last = x + step[0], y + step[1], step
    cells[y][x] = HEAD
    return "".join("".join(row).rstrip() + "\n" for row in cells)


def _steps(random: Random, width: int, height: int) -> list[tuple[int, int]]:
    """A way from the middle of the left edge to the right edge that never crosses itself."""
    steps = []
    row = height // 2
    for _ in range(1, width):
        steps.append((1, 0))
        target = random.randrange(height) if random.random() < 0.4 else row
        steps += [(0, 1 if target > row else -1)] * abs(target - row)
        row = target
    return steps
