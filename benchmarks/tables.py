"""Shows results as Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.results import Results, Section, geometric_mean, number, ratio
from benchmarks.servers import OURS, THEIRS

HEADLINE = ("SET", "GET", "INCR", "MSET", "PING_MBULK", "PING_INLINE")
LOAD_FIGURES = (("rps", 0), ("p50", 3), ("p99", 3), ("p999", 3))
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
    """The README's part: the headline tests' CPU time, and the memory, with what was measured and where."""
    about = results.get("about", {})
    versions = "; ".join(str(text) for text in about.get("versions", {}).values())
    machine = str(about.get("machine", {}).get("description", ""))
    cpu = {name: row for name, row in results.get("cpu", {}).items() if name.partition(" ")[0] in HEADLINE}
    shown = (
        ("cpu", cpu, "cpu_us"),
        ("memory", results.get("memory", {}), ""),
        ("start", results.get("start", {}), ""),
    )
    parts = [f"**{TITLES[name]}**\n\n{comparison(rows, figure)}" for name, rows, figure in shown if rows]
    chart = "![CPU time per operation](benchmarks/results.svg)"
    return "\n\n".join([chart, *parts, f"Measured: {versions}; {machine}."])


TITLES = {
    "cpu": "CPU microseconds per operation (main thread; 50 connections)",
    "instructions": "User-space instructions per operation (callgrind)",
    "memory": "Resident bytes per key",
    "pauses": "Waiting time of another client, in milliseconds",
    "start": "Start, in milliseconds",
}


def section(name: str, rows: Section) -> str:
    """One section; "" where nothing was measured."""
    if not rows:
        return ""
    if name == "pauses":
        return f"## {TITLES[name]}\n\n{PAUSE_NOTE}\n\n{pauses(rows)}"
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
    """The geometric mean of the ratios: of all rows, and of those that need strings only."""
    ratios = {name: found for name, row in rows.items() if (found := ratio(row, figure)) is not None}
    headline = [value for name, value in ratios.items() if name.partition(" ")[0] in HEADLINE]
    if not headline:
        return "No row was measured on both servers."
    return (
        f"Geometric mean of the ratios: {cell(geometric_mean(list(ratios.values())))}; of PING, SET, GET, "
        f"INCR and MSET alone: {cell(geometric_mean(headline))}, the highest of them {max(headline):.2f}."
    )


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
