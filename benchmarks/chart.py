"""Draws the ratios (ours divided by Redis's, lower is better) as horizontal bars, in SVG written by hand."""

from html import escape

from benchmarks.results import Results, ratio

WIDTH = 760
LABEL_WIDTH = 300
ROW_HEIGHT = 22
BAR_HEIGHT = 14
TITLE_HEIGHT = 34
MARGIN = 16
LONGEST = 1.5  # a bar for a ratio beyond this is cut
OURS_COLOUR = "#c8102e"
WORSE_COLOUR = "#8a8f98"
TEXT_COLOUR = "#57606a"  # readable on light and dark pages

GROUPS = (
    ("cpu", "cpu_us", "CPU time per operation"),
    ("instructions", "", "Instructions per operation"),
    ("memory", "", "Resident bytes per key"),
)
TESTS = ("PING_MBULK", "SET", "GET", "INCR", "MSET")  # of the first two groups: the chart is for the README


def bars(results: Results) -> list[tuple[str, list[tuple[str, float]]]]:
    """The groups with their labelled ratios; a group without any is left out."""
    groups = []
    for section, figure, title in GROUPS:
        rows = []
        for name, row in results.get(section, {}).items():
            found = ratio(row, figure)
            if found is not None and (section == "memory" or name.partition(" ")[0] in TESTS):
                rows.append((name, found))
        if rows:
            groups.append((title, rows))
    return groups


def draw(results: Results) -> str:
    """The whole picture; the dashed line stands for Redis."""
    parts: list[str] = []
    top = MARGIN
    scale = (WIDTH - LABEL_WIDTH - 4 * MARGIN) / LONGEST
    one = LABEL_WIDTH + scale
    for title, rows in bars(results):
        parts.append(text(MARGIN, top + 18, f"{title} (Redis = 1)", "start", bold=True))
        top += TITLE_HEIGHT
        first = top
        for name, value in rows:
            length = min(value, LONGEST) * scale
            colour = OURS_COLOUR if value <= 1 else WORSE_COLOUR
            middle = top + ROW_HEIGHT / 2
            parts.append(text(LABEL_WIDTH - 8, middle + 4, name, "end"))
            parts.append(
                f'<rect x="{LABEL_WIDTH}" y="{middle - BAR_HEIGHT / 2:.1f}" width="{length:.1f}" '
                f'height="{BAR_HEIGHT}" rx="2" fill="{colour}"/>'
            )
            parts.append(text(LABEL_WIDTH + length + 6, middle + 4, f"{value:.2f}", "start"))
            top += ROW_HEIGHT
        parts.append(
            f'<line x1="{one:.1f}" y1="{first - 4}" x2="{one:.1f}" y2="{top + 2}" '
            f'stroke="{TEXT_COLOUR}" stroke-dasharray="4 3"/>'
        )
        top += MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="redracer against Redis">'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def text(x: float, y: float, content: str, anchor: str, bold: bool = False) -> str:
    """One line of text."""
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{TEXT_COLOUR}"{weight}>{escape(content)}</text>'
