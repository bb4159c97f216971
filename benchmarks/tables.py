"""Shows results as Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks import embedded
from benchmarks.results import Results, Section, geometric_mean, number, ratio
from benchmarks.servers import OURS, THEIRS

HEADLINE = ("SET", "GET", "INCR", "MSET", "PING_MBULK", "PING_INLINE")
COLLECTIONS_PIPELINE = " P=16"  # the summary shows the tests of collections at this depth only
LOAD_FIGURES = (("rps", 0), ("p50", 3), ("p99", 3), ("p999", 3))
STALL_LIMIT = 5  # ms
STALL_FIGURES = ("cpu_p50", "cpu_p999", "cpu_max")
PAUSE_FIGURES = ("wait_p50", "wait_p999", "wait_max", "cpu_p999", "cpu_max", "own_max")


def page(results: Results) -> str:
    """The whole page `benchmarks/results.md`."""
    about = results.get("about", {})
    versions = ", ".join(str(text) for text in about.get("versions", {}).values())
    machine = str(about.get("machine", {}).get("description", ""))
    parts = [
        "# Benchmarks",
        f"Both servers in the same run, rounds alternating, medians.\n{versions}; {machine}.",
    ]
    parts += [text for text in (section(name, results.get(name, {})) for name in TITLES) if text]
    return "\n\n".join(parts) + "\n"


def summary(results: Results) -> str:
    """The README's part: the CPU time of the headline tests and of collections, and the memory, with what was measured
    and where."""
    about = results.get("about", {})
    versions = "; ".join(str(text) for text in about.get("versions", {}).values())
    machine = str(about.get("machine", {}).get("description", ""))
    cpu = results.get("cpu", {})
    shown = {
        name: row for name, row in cpu.items() if is_headline(name) or name.endswith(COLLECTIONS_PIPELINE)
    }
    parts = ["![CPU time per operation](benchmarks/results.svg)"]
    for name, rows, figure in (
        ("cpu", shown, "cpu_us"),
        ("large", results.get("large", {}), ""),
        ("messages", results.get("messages", {}), ""),
        ("memory", results.get("memory", {}), ""),
        ("snapshots", results.get("snapshots", {}), ""),
        ("log", results.get("log", {}), ""),
        ("replication", results.get("replication", {}), ""),
        ("start", results.get("start", {}), ""),
    ):
        if rows:
            parts.append(f"**{TITLES[name]}**\n\n{comparison(rows, figure)}")
        if name == "cpu" and rows:
            parts.append(means(cpu, figure))
    if results.get("embedded"):
        parts.append(f"**{TITLES['embedded']}**\n\n{embedded.table(results['embedded'])}")
    if results.get("stalls"):
        parts.append(stalls_in_words(results["stalls"]))
    return "\n\n".join([*parts, f"Measured: {versions}; {machine}."])


def is_headline(name: str) -> bool:
    """Whether a row is of the tests that need strings only."""
    return name.partition(" ")[0] in HEADLINE


def stalls_in_words(rows: Section) -> str:
    """The longest stall of ours, and how often Redis was over the limit where it was measured too."""
    ours = {phase: number(row.get(OURS), "cpu_max") or 0.0 for phase, row in rows.items()}
    worst = max(ours, key=lambda phase: ours[phase])
    text = (
        f"While collections grow, convert, or are deleted by UNLINK or expiry ({len(rows)} cases), the longest stall "
        f"is {ours[worst]:.1f} ms of CPU time ({worst})"
    )
    theirs = [found for row in rows.values() if (found := number(row.get(THEIRS), "cpu_max")) is not None]
    if theirs:
        over = sum(1 for found in theirs if found > STALL_LIMIT)
        text += f"; Redis has one of over {STALL_LIMIT} ms in {over} of {len(theirs)}"
    return text + "."


TITLES = {
    "cpu": "CPU microseconds per operation (main thread; 50 connections)",
    "large": "CPU microseconds per operation on a large sorted set (main thread; one connection, pipelines of 16)",
    "messages": "CPU microseconds per script, transaction and PUBLISH (main thread)",
    "instructions": "User-space instructions per operation (callgrind)",
    "memory": "Resident bytes per key or element",
    "pauses": "Waiting time of another client, in milliseconds",
    "stalls": "CPU time that goes by until the next answer, in milliseconds",
    "snapshots": "RDB files",
    "log": "Append-only file, by appendfsync (CPU of all threads)",
    "replication": "Replication, each with a server of its kind",
    "start": "Start, in milliseconds",
    "embedded": "The store inside a Python process: CPU microseconds per call (with the server's, where there is one)",
}


def section(name: str, rows: Section) -> str:
    """One section; "" where nothing was measured."""
    if not rows:
        return ""
    if name == "pauses":
        return f"## {TITLES[name]}\n\n{PAUSE_NOTE}\n\n{pauses(rows)}"
    if name == "embedded":
        return f"## {TITLES[name]}\n\n{embedded.table(rows)}"
    if name == "stalls":
        return f"## {TITLES[name]}\n\n{STALL_NOTE}\n\n{stalls(rows)}"
    figure = "cpu_us" if name == "cpu" else ""
    text = f"## {TITLES[name]}\n\n{comparison(rows, figure)}"
    if name in ("cpu", "instructions"):
        text += "\n\n" + means(rows, figure)
    if name == "cpu":
        text += f"\n\n### Throughput (requests per second) and latency (ms)\n\n{load(rows)}"
    return text


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose columns but the first are aligned to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def cell(value: object, figure: str = "", digits: int = 2) -> str:
    """A figure, or the error text that a server gave in its place, or a dash."""
    found = number(value, figure)
    if found is not None:
        return f"{found:,.{digits}f}"
    return value.partition(",")[0] if isinstance(value, str) else "-"


def comparison(rows: Section, figure: str) -> str:
    """Ours, theirs, and the ratio, row by row."""
    lines = []
    for name, row in rows.items():
        quotient = ratio(row, figure)
        lines.append(
            [name, cell(row.get(OURS), figure), cell(row.get(THEIRS), figure), cell(quotient)],
        )
    return table(["", "redracer", "Redis", "ratio"], lines)


def means(rows: Section, figure: str) -> str:
    """The geometric mean of the ratios: of all rows, of those that need strings only, and of those of collections."""
    ratios = {name: found for name, row in rows.items() if (found := ratio(row, figure)) is not None}
    if not ratios:
        return "No row was measured on both servers."
    headline = [value for name, value in ratios.items() if is_headline(name)]
    collections = [value for name, value in ratios.items() if not is_headline(name)]
    words = [f"Geometric mean of the ratios: {cell(geometric_mean(list(ratios.values())))}"]
    for title, values in (("PING, SET, GET, INCR and MSET", headline), ("collections", collections)):
        if values:
            words.append(
                f"of {title} alone: {cell(geometric_mean(values))}, the highest of them {max(values):.2f}"
            )
    return "; ".join(words) + "."


def load(rows: Section) -> str:
    """Throughput and latency of both servers."""
    header = ["", *(f"{server} {name}" for name, _ in LOAD_FIGURES for server in ("redracer", "Redis"))]
    lines = []
    for name, row in rows.items():
        pairs = [(figure, digits, server) for figure, digits in LOAD_FIGURES for server in (OURS, THEIRS)]
        figures = [cell(row.get(server), figure, digits) for figure, digits, server in pairs]
        lines.append([name, *(text if text[:1].isdigit() else "-" for text in figures)])
    return table(header, lines)


PAUSE_NOTE = (
    "A client of its own sends PING up to five times in a millisecond. *wait* is the time until the answer;\n"
    "*cpu* the CPU time that the server used meanwhile, which other programs on the machine do not change;\n"
    "*own* what the server says was its event loop's longest round; *events* its latency monitor's longest."
)


STALL_NOTE = (
    "A connection sends commands that add 50 elements, or while a value is being freed one PING, and waits for the\n"
    "answer: the CPU time that the server used meanwhile. Grown sizes are in the rows' names."
)


def stalls(rows: Section) -> str:
    """What each server used, a line for each phase."""
    lines = []
    for phase, row in rows.items():
        texts = [cell(row.get(server), figure) for figure in STALL_FIGURES for server in (OURS, THEIRS)]
        lines.append([phase, *texts])
    header = [f"{server} {figure[4:]}" for figure in STALL_FIGURES for server in ("redracer", "Redis")]
    return table(["", *header], lines)


def pauses(rows: Section) -> str:
    """What the probe saw, a line for each phase and server."""
    lines = []
    for phase, row in rows.items():
        for server, figures in row.items():
            events = figures.get("events", {}) if isinstance(figures, Mapping) else {}
            texts = [cell(figures, name) for name in PAUSE_FIGURES]
            shown = ", ".join(f"{event} {longest}" for event, longest in events.items()) or "-"
            lines.append([f"{phase}, {server}", *texts, shown])
    return table(
        ["", "wait p50", "wait p99.9", "wait max", "cpu p99.9", "cpu max", "own max", "events"], lines
    )
