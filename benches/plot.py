"""Draws how time grows: python3 benches/plot.py TABLE... > docs/performance.svg

A TABLE is what `gialab bench --scale` prints. Of several, the least time counts; the table of exponents goes to stderr.
"""

import math
import sys

UNITS = {"batch": "samples"}
WIDTH, LEFT, TOP, SIDE, HEIGHT = 230, 45, 30, 170, 155
BLUE = "#0063b2"


def read(paths):
    """Least milliseconds by quantity and value."""
    series = {}
    for path in paths:
        quantity = None
        for line in open(path):
            if "ms/eval" in line:
                quantity = series.setdefault(line.split("ms/eval")[0].strip(), {})
            elif quantity is not None and line.strip():
                value, milliseconds = line.split()[:2]
                value, milliseconds = float(value), float(milliseconds)
                quantity[value] = min(milliseconds, quantity.get(value, math.inf))
    return {name: sorted(points.items()) for name, points in series.items()}


def short(value):
    if value >= 1e6:
        return f"{value / 1e6:.3g}M"
    if value >= 1e4:
        return f"{value / 1e3:.3g}k"
    return f"{value:g}"


def panel(left, name, points, low, high):
    """One quantity, both axes logarithmic; dashed is what linear growth would be."""
    def x(value):
        first, last = points[0][0], points[-1][0]
        return left + SIDE * math.log(value / first) / math.log(last / first)

    def y(milliseconds):
        return TOP + HEIGHT * (1 - math.log(milliseconds / low) / math.log(high / low))

    yield f'<rect x="{left}" y="{TOP}" width="{SIDE}" height="{HEIGHT}" fill="none" stroke="#999"/>'
    tick = low
    while tick < high:
        at = y(tick)
        yield f'<line x1="{left}" x2="{left + SIDE}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>'
        yield f'<text x="{left - 5}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>'
        tick *= 10
    (first, begin), (last, _) = points[0], points[-1]
    end = min(last, first * high / begin)
    yield (f'<line x1="{left}" y1="{y(begin):.1f}" x2="{x(end):.1f}" y2="{y(begin * end / first):.1f}" '
           'stroke="#bbb" stroke-dasharray="4 3"/>')
    line = " ".join(f"{x(value):.1f},{y(ms):.1f}" for value, ms in points)
    yield f'<polyline fill="none" stroke="{BLUE}" stroke-width="2" points="{line}"/>'
    for value, ms in points:
        yield f'<circle cx="{x(value):.1f}" cy="{y(ms):.1f}" r="3" fill="{BLUE}"/>'
    below, unit = TOP + HEIGHT + 15, UNITS.get(name)
    yield f'<text x="{left}" y="{below}">{short(first)}</text>'
    yield f'<text x="{left + SIDE}" y="{below}" text-anchor="end">{short(last)}</text>'
    title = f"{name} ({unit})" if unit else name
    yield f'<text x="{left + SIDE / 2}" y="{below + 17}" text-anchor="middle">{title}</text>'


def main():
    series = read(sys.argv[1:])
    times = [ms for points in series.values() for _, ms in points]
    low, high = 10 ** math.floor(math.log10(min(times))), 1.2 * max(times)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH * len(series) + 20}" height="240" '
          'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>')
    print('<text x="8" y="18">ms per evaluation; dashed: linear</text>')
    for at, (name, points) in enumerate(series.items()):
        print("\n".join(panel(LEFT + at * WIDTH, name, points, low, high)))
        (first, begin), (last, end) = points[0], points[-1]
        exponent = math.log(end / begin) / math.log(last / first)
        print(f"{name}: {short(first)} to {short(last)}, {end / begin:.3g} times, {exponent:.2f}", file=sys.stderr)
    print("</svg>")


main()
