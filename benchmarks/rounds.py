"""Rounds: servers are measured by turns, so that what else the machine does meets all of them, and medians count."""

from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.servers import Program

Row = dict[str, object]


def medians_of_rounds(
    programs: Sequence[Program], rounds: int, one: Callable[[int, Program], dict[str, float]]
) -> dict[str, Row]:
    """Returns {figure: {server: median}}, and prints them. `one(place, program)` measures the figures of one round."""
    samples: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for place, program in enumerate(programs):
            for figure, value in one(place, program).items():
                samples.setdefault(figure, {}).setdefault(program.name, []).append(value)
    found: dict[str, Row] = {
        figure: {name: round(median(values), 3) for name, values in row.items()}
        for figure, row in samples.items()
    }
    for figure, row in found.items():
        print(f"{figure}: {row}", flush=True)
    return found
