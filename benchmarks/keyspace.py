"""Measures the keyspace by itself: memory per key, time per operation, pauses (docs/design/keyspace.md).

    python benchmarks/keyspace.py [memory | time | pause] [keys]

Each figure comes from a child process of its own, so that none sees another's heap.
"""

import gc
import multiprocessing
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from redracer.core.clock import Clock
from redracer.core.keyspace import Keyspace
from redracer.core.memory import used_memory
from redracer.types.string import value as strings

NOW = 1_700_000_000_000
Shape = tuple[Callable[[int], bytes], bytes, int]  # number -> key, value, expiry
SHAPES: dict[str, Shape] = {
    "16-byte key, 64-byte value": (lambda number: b"key:%012d" % number, b"v" * 64, -1),
    "counter": (lambda number: b"counter:%08d" % number, b"12345", -1),
    "16-byte key, 32-byte value, expiry": (lambda number: b"key:%012d" % number, b"v" * 32, NOW + 10**9),
}


def new_keyspace() -> Keyspace:
    clock = Clock()
    clock.set_time(NOW)
    return Keyspace(0, clock)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def memory(keys: int) -> None:
    """Resident and counted bytes per key, for each shape."""
    print(f"| {keys:,} keys | resident bytes per key | counted |\n|---|---|---|")
    for shape in SHAPES:
        in_child(memory_of_shape, shape, keys)


def memory_of_shape(shape: str, keys: int) -> None:
    key_of, value, expiry = SHAPES[shape]
    keyspace = new_keyspace()
    resident, counted = resident_bytes(), used_memory()
    for number in range(keys):
        keyspace.set_string(key_of(number), value, expiry)
    resident, counted = resident_bytes() - resident, used_memory() - counted
    print(f"| {shape} | {resident / keys:.1f} | {counted / keys:.1f} |")


def timings(keys: int) -> None:
    """Nanoseconds of CPU time per call from Python, in random order, less those of an empty call."""
    in_child(timings_of, keys)


def timings_of(keys: int) -> None:
    keyspace = new_keyspace()
    value = b"v" * 64
    names = [b"key:%012d" % number for number in range(keys)]
    counters = [b"cnt:%012d" % number for number in range(keys)]
    random.shuffle(names)
    random.shuffle(counters)
    operations: list[tuple[str, list[bytes], Callable[[bytes], object]]] = [
        ("empty call", names, lambda name: None),
        ("insert", names, lambda name: keyspace.set_string(name, value)),
        ("overwrite", names, lambda name: keyspace.set_string(name, value)),
        ("get", names, lambda name: keyspace.get_string(name)),
        ("get, missing", counters, lambda name: keyspace.get_string(name)),
        ("increment, new", counters, lambda name: strings.increment(keyspace, name, 1)),
        ("increment", counters, lambda name: strings.increment(keyspace, name, 1)),
        ("delete", counters, lambda name: keyspace.delete(name)),
    ]
    print(f"| {keys:,} keys | ns per operation |\n|---|---|")
    base = 0.0
    for title, arguments, operation in operations:
        start = time.process_time_ns()
        for name in arguments:
            operation(name)
        spent = (time.process_time_ns() - start) / keys
        base = base or spent
        print(f"| {title} | {spent - base if title != 'empty call' else spent:.0f} |")


def pause(keys: int) -> None:
    """The longest single call, in CPU microseconds: `keys` keys are inserted, deleted, freed in slices."""
    in_child(pause_of, keys)


def pause_of(keys: int) -> None:
    keyspace = new_keyspace()
    value = b"v" * 64
    print(f"| {keys:,} keys | longest call, microseconds of CPU | 99.999th percentile |\n|---|---|---|")
    clock = time.thread_time_ns

    def report(title: str, calls: int, call: Callable[[int], object]) -> None:
        spent = []
        for number in range(calls):
            start = clock()
            call(number)
            spent.append(clock() - start)
        spent.sort()
        print(f"| {title} | {spent[-1] / 1000:.0f} | {spent[-1 - calls // 100_000] / 1000:.0f} |")

    report("insert", keys, lambda number: keyspace.set_string(b"key:%012d" % number, value))
    report("delete half", keys // 2, lambda number: keyspace.delete(b"key:%012d" % number))
    detached = keyspace.detach()
    report("free the rest, 16 keys a call", keys // 32 + 5000, lambda number: detached.free_some(16))


def in_child(function: Callable[..., None], *arguments: object) -> None:
    process = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join()


def main() -> None:
    gc.disable()
    wanted = sys.argv[1] if len(sys.argv) > 1 else "all"
    keys = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    for name, part in {"memory": memory, "time": timings, "pause": pause}.items():
        if wanted in (name, "all"):
            part(keys)
            print()


if __name__ == "__main__":
    main()
