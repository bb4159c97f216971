"""`--check-system` and `--test-memory`: is this machine fit for a store that forks and holds much memory?"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A clock that is read by a system call makes every command slower; it shows as time spent in the kernel.
CLOCK_TEST_SECONDS = 0.05
SYSTEM_TIME_SHARE_MAX = 0.1
MEMORY_TEST_PASSES = 50
BLOCK_BYTES = 1 << 20


def check_system() -> bool:
    """Print one line per check in Redis's format; False if any of them warns."""
    fit = True
    for name, check in CHECKS:
        problem = check()
        fit = fit and not problem
        verdict = "skipped" if problem is None else f"WARNING:\n{problem}" if problem else "OK"
        print(f"[{name}]...{verdict}")
    return fit


def _slow_clock() -> str | None:
    started = os.times()
    until = time.monotonic() + CLOCK_TEST_SECONDS
    while time.monotonic() < until:
        pass
    ended = os.times()
    system = ended.system - started.system
    total = system + ended.user - started.user
    if total and system / total > SYSTEM_TIME_SHARE_MAX:
        return (
            "Slow system clocksource detected. This can result in degraded performance. Consider changing "
            f"the system's clocksource. Current clocksource: {_read(CLOCK_SOURCE) or 'unknown'}"
        )
    return ""


def _xen_clock() -> str | None:
    source = _read(CLOCK_SOURCE)
    if source is None:
        return None
    if source == "xen":
        return "The clocksource 'xen' is slow; use 'tsc' if the machine has it."
    return ""


def _overcommit() -> str | None:
    mode = _read("/proc/sys/vm/overcommit_memory")
    if mode is None:
        return None
    if mode != "1":
        return (
            "Memory overcommit must be enabled! Without it, a background save or replication may fail under "
            "low memory condition. To fix this issue add 'vm.overcommit_memory = 1' to /etc/sysctl.conf and "
            "then reboot or run the command 'sysctl vm.overcommit_memory=1' for this to take effect."
        )
    return ""


def _huge_pages() -> str | None:
    mode = _read("/sys/kernel/mm/transparent_hugepage/enabled")
    if mode is None:
        return None
    if "[always]" in mode:
        return (
            "Transparent Huge Pages are always on, which makes a fork copy much more memory. To fix this "
            "issue run 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled' as root."
        )
    return ""


CLOCK_SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
# A check returns the problem, "" if there is none, None if it cannot tell.
CHECKS: tuple[tuple[str, Callable[[], str | None]], ...] = (
    ("slow-clocksource", _slow_clock),
    ("xen-clocksource", _xen_clock),
    ("overcommit", _overcommit),
    ("THP", _huge_pages),
)


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def memory_test_command(words: Sequence[str]) -> int:
    """`--test-memory <megabytes>`; the exit code."""
    if len(words) != 1 or not words[0].isdigit() or int(words[0]) == 0:
        sys.stderr.write(
            "Please specify the amount of memory to test in megabytes.\n"
            "Example: redracer-server --test-memory 4096\n\n"
        )
        return 1
    if not memory_is_sound(int(words[0]), MEMORY_TEST_PASSES):
        print("\n*** MEMORY ERROR DETECTED ***")
        return 1
    print("\nYour memory passed this test.\nMemory errors can stay hidden: run a longer test if in doubt.")
    return 0


def memory_is_sound(megabytes: int, passes: int) -> bool:
    """Fill memory with patterns and read it back, `passes` times; False at the first difference."""
    blocks = [bytearray(BLOCK_BYTES) for _ in range(megabytes)]
    for number in range(1, passes + 1):
        for pattern in (os.urandom(BLOCK_BYTES), b"\x55" * BLOCK_BYTES, b"\xaa" * BLOCK_BYTES):
            for index, block in enumerate(blocks):
                # Every block starts at another place of the pattern, so that swapped pages show.
                shift = index * 8 % BLOCK_BYTES
                block[:] = pattern[shift:] + pattern[:shift]
            for index, block in enumerate(blocks):
                shift = index * 8 % BLOCK_BYTES
                if block != pattern[shift:] + pattern[:shift]:
                    return False
        print(f"\rPass {number} of {passes}", end="", flush=True)
    return True
