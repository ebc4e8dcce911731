"""Results as text, as tables and plots of docs/performance.md.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import shutil
import statistics

import plot


def lines_of(result, figure):
    """(label, median, lowest, highest, times better than the first)"""
    key, _, more_is_better = figure
    lines, base = [], None
    for label, runs in result["runs"].items():
        values = [run[key] for run in runs if run.get(key) is not None]
        if not values:
            lines.append((label, None, None, None, None))
            continue
        median = statistics.median(values)
        base = median if base is None else base
        ratio = 0
        if median > 0 and base > 0:
            ratio = median / base if more_is_better else base / median
        lines.append((label, median, min(values), max(values), ratio))
    return lines


def number(value):
    """Three figures that mean something."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def show(name, result):
    print(f"{name}: {result['title']}")
    for figure in result["figures"]:
        print(f"  {figure[1]}")
        for label, median, low, high, ratio in lines_of(result, figure):
            if median is None:
                print(f"    {label:45} no run counts")
            else:
                print(f"    {label:45} {number(median):>9}  ({number(low)} to "
                      f"{number(high)})  {ratio:6.2f} x", flush=True)


# --- docs/performance.md ------------------------------------------------------

BEGIN, END = "<!-- results: make bench-docs writes what follows -->", "<!-- end of results -->"
CURVES = {
    "clients": ("Relay of 2 KiB, connections kept", "clients at once", "messages/s",
                "per_second"),
    "queue": ("Relay of 2 KiB by 20 clients beside deferred messages",
              "deferred messages in the queue", "ms a message", "ms"),
}


def pretty(label):
    name, _, settings = label.partition(", ")
    return name.capitalize() + (f" ({settings.replace('queue_sync_method=', '')})"
                                if settings else "")


def labels_of(results):
    found = []
    for result in results.values():
        found += [label for label in result["runs"] if label not in found]
    return sorted(found, key=lambda label: (label != "postfix", label == "no mail system"))


def cell(median, low, high):
    if median is None:
        return "no run counts"
    return number(median) + (f" ({number(low)}–{number(high)})" if low != high else "")


def table(results, rows):
    """A line for each figure of each row, a column for each system."""
    labels = [l for l in labels_of(results) if l != "no mail system"]
    base = labels[0]
    head = ["row", "figure"]
    for label in labels:
        head += [pretty(label)] + (["×"] if label != base else [])
    lines = ["| " + " | ".join(head) + " |",
             "|" + "|".join(["---"] * 2 + ["---:"] * (len(head) - 2)) + "|"]
    for row in rows:
        result = results.get(row.name)
        if result is None or result["curve"] or "no mail system" in result["runs"]:
            continue
        for figure in result["figures"]:
            known = {line[0]: line for line in lines_of(result, figure)}
            first = figure is result["figures"][0]
            cells = [result["title"] if first else "", figure[1]]
            for label in labels:
                _, median, low, high, ratio = known.get(label, (None,) * 5)
                there = label in result["runs"]
                cells.append(cell(median, low, high) if there else "")
                if label != base:
                    ok = there and median is not None and base in result["runs"] and ratio
                    cells.append(f"{ratio:.1f}" if ok else "")
            lines.append("| " + " | ".join(cells) + " |")
    for row in rows:
        result = results.get(row.name)
        if result and "no mail system" in result["runs"]:
            for figure in result["figures"]:
                for _, median, low, high, _ in lines_of(result, figure):
                    lines.append(f"\nCeiling, {result['title']}: {cell(median, low, high)} "
                                 f"{figure[1]}.")
    return lines


def curve_points(results, name, key):
    series = {}
    for result in results.values():
        if not result["curve"] or result["curve"][0] != name:
            continue
        for label, runs in result["runs"].items():
            values = [run[key] for run in runs if run.get(key)]
            if values:
                series.setdefault(pretty(label), []).append(
                    (result["curve"][1], statistics.median(values), min(values), max(values)))
    return series


def taken_over(fresh, path):
    """What docs/performance/results.json has, with the rows that were measured
    since in place of the old ones; the file is written anew."""
    results = {}
    if os.path.exists(path):
        with open(path) as file:
            results = json.load(file)
    for name, result in fresh.items():
        if result.get("shortened") or not result["figures"]:
            continue
        keys = {figure[0] for figure in result["figures"]}
        keys |= {CURVES[result["curve"][0]][3]} if result["curve"] else set()
        results[name] = {part: result[part] for part in
                         ("title", "figures", "curve", "date", "machine")}
        results[name]["runs"] = {
            label: [{key: float(f"{run[key]:.5g}") for key in sorted(keys)
                     if run.get(key) is not None} for run in runs]
            for label, runs in result["runs"].items()}
    with open(path, "w") as file:
        json.dump(results, file, indent=1, sort_keys=True)
        file.write("\n")
    return results


def write_docs(fresh, rows, root, flame=""):
    """The part of docs/performance.md between its marks, and its plots."""
    path = os.path.join(root, "docs", "performance.md")
    with open(path) as file:
        before, _, rest = file.read().partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{path} has lost the marks around its results")
    folder = os.path.join(root, "docs", "performance")
    os.makedirs(folder, exist_ok=True)
    results = taken_over(fresh, os.path.join(folder, "results.json"))
    lines = [BEGIN, ""]
    dates = sorted({result["date"] for result in results.values()})
    machines = sorted({result["machine"] for result in results.values()})
    rounds = sorted({len(runs) for result in results.values()
                     for runs in result["runs"].values() if runs})
    lines.append(f"Measured {' and '.join(dates)} on {'; '.join(machines)}. Medians of "
                 f"{' or '.join(map(str, rounds))} runs, lowest and highest in brackets; × is "
                 "how many times better than Postfix.")
    lines += ["", *table(results, rows), ""]
    for name, (title, x_label, y_label, key) in CURVES.items():
        series = curve_points(results, name, key)
        if not series:
            continue
        with open(os.path.join(folder, name + ".svg"), "w") as file:
            file.write(plot.plot(title, x_label, y_label, series))
        lines += [f"![{title}](performance/{name}.svg)", "",
                  "| " + x_label + " | " + " | ".join(series) + " |",
                  "|" + "---:|" * (len(series) + 1)]
        for x in sorted({p[0] for points in series.values() for p in points}):
            cells = [next((cell(*p[1:]) for p in points if p[0] == x), "")
                     for points in series.values()]
            lines.append(f"| {x} | " + " | ".join(cells) + " |")
        lines += ["", f"({y_label})", ""]
    if os.path.exists(flame):
        shutil.copy(flame, os.path.join(folder, "flame.svg"))
    if os.path.exists(os.path.join(folder, "flame.svg")):
        lines += ["![Where the time of a relayed message goes](performance/flame.svg)", ""]
    lines.append(END)
    with open(path, "w") as file:
        file.write(before + "\n".join(lines) + after)
