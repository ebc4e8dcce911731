"""A plot with logarithmic axes, as SVG.

SPDX-License-Identifier: Apache-2.0
"""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
COLOURS = ["#6e7781", "#0969da", "#cf222e", "#1a7f37", "#8250df"]


class Axis:
    """From the power of ten below the least value to the one above the most."""

    def __init__(self, values, start, end):
        self.low = math.floor(math.log10(min(values)) + 1e-9)
        self.high = max(self.low + 1, math.ceil(math.log10(max(values)) - 1e-9))
        self.start, self.end = start, end

    def at(self, value):
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def decades(self):
        return [10.0 ** n for n in range(self.low, self.high + 1)]


def text(x, y, words, anchor="middle", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>'
            f"{escape(words)}</text>")


def line(x1, y1, x2, y2, colour, more=""):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}"{more}/>')


def tick(value):
    return f"{value:,.0f}".replace(",", " ") if value >= 1 else f"{value:g}"


def plot(title, x_label, y_label, series):
    """The SVG; series is {label: [(x, y, lowest y, highest y)]}."""
    points = [p for line_ in series.values() for p in line_]
    x_axis = Axis([p[0] for p in points], LEFT, WIDTH - RIGHT)
    y_axis = Axis([v for p in points for v in p[1:]], HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           text(WIDTH / 2, 20, title, more=' font-size="14"')]
    for value in x_axis.decades():
        x = x_axis.at(value)
        out += [line(x, TOP, x, HEIGHT - BOTTOM, "#d0d7de"),
                text(x, HEIGHT - BOTTOM + 16, tick(value))]
    for value in y_axis.decades():
        y = y_axis.at(value)
        out += [line(LEFT, y, WIDTH - RIGHT, y, "#d0d7de"),
                text(LEFT - 6, y + 4, tick(value), "end")]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out += [text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label),
            text(16, middle, y_label, more=f' transform="rotate(-90 16 {middle:.0f})"')]
    for number, (label, line_) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [(x_axis.at(x), y_axis.at(y), y_axis.at(low), y_axis.at(high))
                  for x, y, low, high in sorted(line_)]
        out.append('<polyline fill="none" stroke-width="2" stroke="' + colour +
                   '" points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in places) + '"/>')
        for x, y, low, high in places:
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>',
                    line(x, low, x, high, colour)]
        y = TOP + 14 + 16 * number
        out += [line(LEFT + 10, y - 4, LEFT + 34, y - 4, colour, ' stroke-width="2"'),
                text(LEFT + 40, y, label, "start")]
    return "\n".join(out) + "\n</svg>\n"
