#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes bench/RESULTS.md and bench/stall.svg of what bench/run.sh has measured.

    report.py FIGURES REASONS RESULTS SVG

FIGURES has a line for each figure; what is there several times stands for its median.  REASONS is text
that follows the goals: why one is missed, which no program can tell.
"""
import math
import statistics
import sys

import plot


class Figures:
    def __init__(self, lines):
        self.values = {}
        for line in lines:
            place, mib, threads, what, value = line.rstrip("\n").split("\t")
            self.values.setdefault((place, int(mib), int(threads), what), []).append(value)

    def cells(self):
        """(place, MiB, threads) of all that was checkpointed, in the order of the run."""
        return list(dict.fromkeys(k[:3] for k in self.values if k[3] == "stall_us"))

    def text(self, what, place="-", mib=0, threads=0):
        return self.values.get((place, mib, threads, what), [""])[-1]

    def median(self, what, place="-", mib=0, threads=0):
        found = self.values.get((place, mib, threads, what))
        return statistics.median(float(v) for v in found) if found else None

    def plain(self, *cell):
        """The better of the two ways to write a file, and its name."""
        return min((self.median(f"plain_{way}_us", *cell), way) for way in ("cached", "direct"))


def number(value):
    """Three digits, as people read them."""
    if value is None:
        return ""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(max(digits, 0), 2)}f}"


def ms(us):
    return number(None if us is None else us / 1000)


def ratio(a, b):
    return "" if a is None or not b else f"{a / b:.2f}" if a < 10 * b else f"{a / b:.0f}"


def size(mib, threads=1):
    name = f"{mib >> 10} GiB" if mib >= 1024 else f"{mib} MiB"
    return name if threads == 1 else f"{name}, {threads} threads"


def table(*rows):
    """The first row is the head."""
    lines = ["| " + " | ".join(str(c) for c in row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"


# ---- The goals ---------------------------------------------------------------------------------------------


def against(limit, value, unit=""):
    """What was reached of a goal; what was missed stands out."""
    if value is None:
        return ""
    text = f"{number(value)}{unit}"
    return text if value <= limit else f"**{text}** (+{(value / limit - 1) * 100:.0f} %)"


def over_plain(f, cell):
    total = f.median("idle_us", *cell)
    return total / f.plain(*cell)[0] if total else None


def over(a, b):
    return a / b if a and b else None


def size_excess_kib(f, cell):
    """What the file has beyond the process's own pages, 64 KiB, and 4 KiB for each thread."""
    own = f.median("anonymous_kib", *cell)
    return f.median("bytes", *cell) / 1024 - own - 64 - 4 * cell[2] if own else None


def goals(f):
    rows = [("", "stall", "whole checkpoint", "restart --lazy", "executable", "restart", "memory of ckpt"),
            ("goal", "1.3 forks; 3 ms", "1.2 plain writes; 15 ms", "3 static programs", "3 static programs",
             "1.3 readings of the file", "64 MiB")]
    for cell in f.cells():
        place, mib, threads = cell
        nothing = f.median("nothing_us", place)
        stall, whole = f.median("stall_us", *cell), f.median("idle_us", *cell)
        small = mib < 1024
        rows.append((
            f"{size(mib, threads)}, {place}",
            against(3, stall / 1000, " ms") if mib == 1 else "" if small else
            against(1.3, over(stall, f.median("fork_us", *cell))),
            against(15, whole / 1000, " ms") if mib == 1 else "" if small else against(1.2, over_plain(f, cell)),
            against(3, over(f.median("restart-lazy_us", *cell), nothing)),
            against(3, over(f.median("executable_us", *cell), nothing)),
            "" if small else against(1.3, over(f.median("restart_us", *cell), f.median("read_us", *cell))),
            against(64, f.median("kib", *cell) / 1024, " MiB")))
    return table(*rows)


# ---- The tables --------------------------------------------------------------------------------------------


def stalls(f):
    rows = [("", "fork", "stall seen", "stall measured", "ratio to fork", "gcore", "criu", "dmtcp")]
    for cell in f.cells():
        peers = [ms(f.median(f"{p}_seen_us", *cell)) or f.text(p, *cell).partition(":")[0]
                 for p in ("gcore", "criu", "dmtcp")]
        fork, stall = f.median("fork_us", *cell), f.median("stall_us", *cell)
        rows.append((f"{size(*cell[1:])}, {cell[0]}", ms(fork), ms(f.median("seen_us", *cell)),
                     ms(stall), ratio(stall, fork), *peers))
    return table(*rows)


def totals(f):
    rows = [("", "ckpt", "plain write", "ratio", "ckpt, the process busy", "copy", "gcore", "ckpt's memory, MiB")]
    for cell in f.cells():
        plain, way = f.plain(*cell)
        whole = f.median("idle_us", *cell)
        rows.append((f"{size(*cell[1:])}, {cell[0]}", ms(whole), f"{ms(plain)} ({way})", ratio(whole, plain),
                     ms(f.median("busy_us", *cell)), ms(f.median("copy_us", *cell)),
                     ms(f.median("gcore_us", *cell)), number(f.median("kib", *cell) / 1024)))
    return table(*rows)


def sizes(f):
    rows = [("", "its own pages, KiB", "written, KiB", "beyond the goal, KiB", "gcore, KiB")]
    for cell in f.cells():
        if cell[0] == "disk":
            rows.append((size(*cell[1:]), f"{f.median('anonymous_kib', *cell):.0f}",
                         f"{f.median('bytes', *cell) / 1024:.0f}", f"{size_excess_kib(f, cell):.0f}",
                         f"{f.median('gcore_kib', *cell) or 0:.0f}"))
    return table(*rows)


def restarts(f):
    rows = [("", "--lazy", "ratio to a static program", "copied", "ratio", "reading the file", "copied to reading",
             "executable", "ratio")]
    for cell in f.cells() + [("-", 1, 1000)]:
        nothing = f.median("nothing_us", cell[0] if cell[0] != "-" else "disk")
        lazy, copied, read, executable = (f.median(what, *cell) for what in
                                          ("restart-lazy_us", "restart_us", "read_us", "executable_us"))
        rows.append((f"{size(*cell[1:])}, {cell[0]}".replace(", -", ""), ms(lazy), ratio(lazy, nothing),
                     ms(copied), ratio(copied, nothing), ms(read), ratio(copied, read),
                     ms(executable), ratio(executable, nothing)))
    return table(*rows)


def peers(f):
    said = {(p, f.text(p, *cell)) for cell in f.cells() for p in ("gcore", "criu", "dmtcp") if f.text(p, *cell)}
    return "".join(f"* {name}: {what}.\n" for name, what in sorted(said))


def report(f, reasons):
    true, preloaded = f.median("true_us"), f.median("true_preloaded_us")
    return f"""# Measured

{f.text("system")}, {f.text("cpu")}, {f.text("cpus")} cpus, {f.text("memory_gib")} GiB;
memory is {f.text("filesystem", "memory")}, the disk {f.text("filesystem", "disk")}. Medians of {f.text("count")} after a
warm-up, in milliseconds, all of one run; the load of the machine was {f.text("load_before")} before it and {f.text("load_after")}
after. `make bench` measures and writes this file and the plot; `make bench-report` writes them again.

![stall and restart against size](stall.svg)

## The goals

Times a floor of the same run, or, for a small process, milliseconds: what is bold was missed. A stall is measured
in bare forks of the same process, a whole checkpoint in plain writes of as many bytes, a restart that does not copy in runs of a
static program that does nothing, one that copies in readings of the file by one thread.

{goals(f)}
{reasons}
## How long the process stands still

Seen is the longest pause in the process's own heartbeat; measured is what ckpt says. The fork is a bare
one of the same process, once before each checkpoint.

{stalls(f)}
{peers(f)}
## The whole checkpoint

From the start of ckpt to its end, the file synced and renamed. The plain write is that of as many bytes from
a small buffer, by the better of two ways: through the page cache, and past it. The process is asleep; busy, it
takes one processor for itself.

{totals(f)}
## The size of the file

{sizes(f)}
## Restart, to the first instruction

The program exits at once when it is resumed: the time is that of a whole command, from fork to wait, and the
floor a static program that does nothing ({ms(f.median("nothing_us", "disk"))} ms). With --lazy memory is mapped from the core;
without, it is copied, from a core in the page cache. Reading the file is what one thread that does
nothing else takes, from fork to wait, for as many bytes into new memory.

{restarts(f)}
## libsavefds, before any signal

{f"/bin/true takes {ms(true)} ms, and {ms(preloaded)} ms with libsavefds preloaded." if true else "Not measured."}
"""


def main():
    figures, reasons, results, svg = sys.argv[1:]
    with open(figures, encoding="utf-8") as lines:
        f = Figures(lines)
    with open(reasons, encoding="utf-8") as text:
        with open(results, "w", encoding="utf-8") as out:
            out.write(report(f, text.read()))
    with open(svg, "w", encoding="utf-8") as out:
        out.write(plot.draw(f))


main()
