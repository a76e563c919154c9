"""A plot of lines as SVG, readable on light and on dark pages."""

from math import ceil, floor, log10
from pathlib import Path

WIDTH, HEIGHT, LEFT, BELOW, ABOVE, RIGHT = 640, 360, 70, 46, 40, 150
COLOURS = ["#3b82d6", "#d9822b", "#2f9e6e", "#b05fb8", "#c94f4f"]
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-size: 15px; font-weight: 600 }
.grid { stroke: #8884; stroke-width: 1 } .axis { stroke: #888; stroke-width: 1 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""


def short(value: float) -> str:
    power = round(log10(value))
    return f"10^{power}" if abs(power) > 3 else f"{value:g}"


def lines(
    file: Path, title: str, x_name: str, y_name: str, sides: dict[str, list[tuple[float, float]]]
) -> None:
    """Both axes grow by powers of ten. Points that are not above zero are left out."""
    kept = {name: [(x, y) for x, y in points if x > 0 and y > 0] for name, points in sides.items()}
    every = [point for points in kept.values() for point in points]
    if not every:
        return
    low_x, high_x = floor(log10(min(x for x, _ in every))), ceil(log10(max(x for x, _ in every)))
    low_y, high_y = floor(log10(min(y for _, y in every))), ceil(log10(max(y for _, y in every)))
    high_x, high_y = max(high_x, low_x + 1), max(high_y, low_y + 1)
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - BELOW - ABOVE

    def at(x: float, y: float) -> tuple[float, float]:
        right = LEFT + wide * (log10(x) - low_x) / (high_x - low_x)
        down = ABOVE + high * (1 - (log10(y) - low_y) / (high_y - low_y))
        return round(right, 1), round(down, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{title}</title><style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="22">{title}</text>',
        f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 8}" text-anchor="middle">{x_name}</text>',
        f'<text transform="translate(16 {ABOVE + high / 2}) rotate(-90)" text-anchor="middle">{y_name}</text>',
    ]
    for power in range(low_x, high_x + 1):
        x, bottom = at(10.0**power, 10.0**low_y)
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{ABOVE}" y2="{bottom}"/>')
        parts.append(f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{short(10.0**power)}</text>')
    for power in range(low_y, high_y + 1):
        left, y = at(10.0**low_x, 10.0**power)
        parts.append(f'<line class="grid" x1="{left}" x2="{LEFT + wide}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{short(10.0**power)}</text>')
    for number, (name, points) in enumerate(kept.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [at(x, y) for x, y in sorted(points)]
        path = " ".join(f"{x},{y}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in places]
        down = ABOVE + 14 + 20 * number
        parts.append(f'<circle cx="{WIDTH - RIGHT + 14}" cy="{down - 4}" r="5" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 26}" y="{down}">{name}</text>')
    parts.append("</svg>")
    file.write_text("\n".join(parts) + "\n")
