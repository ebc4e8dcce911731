"""A flame graph, as SVG, of what `perf script` prints.

Each bar is a function, as wide as its share of all samples; what it called
stands on it. The lowest bars are the processes, by name. Kernel functions have
another colour. Resting the pointer on a bar shows its name and share.

SPDX-License-Identifier: Apache-2.0
"""
import re
from xml.sax.saxutils import escape, quoteattr

WIDTH, BAR, MARGIN, TOP = 1200, 17, 10, 40
LEAST = 0.0015              # of all: narrower bars are left out
COLOURS = {"process": "#8b949e", "kernel": "#e8b26a", "ours": "#79b8ff", "library": "#a5d6a7"}


class Frame:
    """A function, called in one way; how often it was met."""

    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.count = 0
        self.callees = {}

    def called(self, name, kind):
        if (name, kind) not in self.callees:
            self.callees[name, kind] = Frame(name, kind)
        return self.callees[name, kind]

    def depth(self, least):
        return 1 + max((f.depth(least) for f in self.callees.values()
                        if f.count >= least), default=0)


def kind_of(place):
    if "kernel" in place or place.startswith("[k") or place.endswith(".ko"):
        return "kernel"
    return "ours" if "/postfix/" in place or "/sbin/" in place else "library"


def read(lines):
    """The tree of all samples; at its root everything."""
    root = Frame("all processes", "process")
    process, stack = None, []

    def take():
        nonlocal process
        if process is None:
            return
        frame = root
        frame.count += 1
        for name, kind in [(process, "process"), *reversed(stack)]:
            frame = frame.called(name, kind)
            frame.count += 1
        process = None
        stack.clear()

    for line in lines:
        if not line.strip():
            take()
        elif not line[0].isspace():
            take()
            process = line.split()[0]
        else:
            found = re.match(r"\s+[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)? \((.*)\)\s*$", line)
            if found and found[1] != "[unknown]":
                stack.append((found[1], kind_of(found[2])))
    take()
    return root


def bars(frame, x, level, scale, least, height, out):
    width = frame.count * scale
    y = height - MARGIN - (level + 1) * BAR
    share = f"{frame.name}: {100 * frame.count * scale / (WIDTH - 2 * MARGIN):.1f} %"
    out.append(f"<g><title>{escape(share)}</title>"
               f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR - 1}" '
               f"fill={quoteattr(COLOURS[frame.kind])}/>")
    room = int(width / 6.6)
    if room >= 3:
        name = frame.name if len(frame.name) <= room else frame.name[:room - 1] + "…"
        out.append(f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(name)}</text>')
    out.append("</g>")
    for callee in sorted(frame.callees.values(), key=lambda f: f.name):
        if callee.count >= least:
            bars(callee, x, level + 1, scale, least, height, out)
        x += callee.count * scale


def svg(root, title):
    if root.count == 0:
        raise ValueError("no samples")
    least = max(1, root.count * LEAST)
    height = TOP + root.depth(least) * BAR + MARGIN
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
           f'width="{WIDTH}" height="{height}" font-family="monospace" font-size="11">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           f'<text x="{MARGIN}" y="20" font-size="14">{escape(title)}</text>']
    for n, (kind, colour) in enumerate(COLOURS.items()):
        x = WIDTH - MARGIN - 80 * (len(COLOURS) - n)
        out.append(f'<rect x="{x}" y="10" width="10" height="10" fill="{colour}"/>'
                   f'<text x="{x + 14}" y="19">{kind}</text>')
    bars(root, MARGIN, 0, (WIDTH - 2 * MARGIN) / root.count, least, height, out)
    return "\n".join(out) + "\n</svg>\n"
