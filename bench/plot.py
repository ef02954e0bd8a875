# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws stall and restart time against size, both logarithmic, as SVG."""
import math

LEFT, TOP, WIDTH, HEIGHT = 70, 30, 500, 330
COLORS = ("#1b6ca8", "#7fb2d6", "#2a7d4f", "#d08a1d", "#b03a48", "#7a4fa0", "#777777")

LINES = (
    ("stall_us", "ckpt: stands still"),
    ("fork_us", "bare fork"),
    ("restart-lazy_us", "restart --lazy"),
    ("restart_us", "restart, copied"),
    ("gcore_seen_us", "gcore: stands still"),
    ("criu_seen_us", "criu: stands still"),
    ("dmtcp_seen_us", "dmtcp: stands still"),
)


def label_time(us):
    return f"{us / 1e6:g} s" if us >= 1e6 else f"{us / 1e3:g} ms" if us >= 1e3 else f"{us:g} µs"


def label_size(mib):
    return f"{mib >> 10} GiB" if mib >= 1024 else f"{mib} MiB"


def points(f, what):
    cells = [c for c in f.cells() if c[0] == "disk" and c[2] == 1]
    return [(c[1], f.median(what, *c)) for c in cells if f.median(what, *c)]


def spread(places, least):
    """Labels that would touch each other are moved apart."""
    at = []
    for y in places:
        at.append(max(y, at[-1] + least) if at else y)
    return at


def draw(f):
    lines = [(name, color, points(f, what)) for (what, name), color in zip(LINES, COLORS)]
    lines = [line for line in lines if line[2]]
    sizes = sorted({mib for _, _, p in lines for mib, _ in p})
    times = [us for _, _, p in lines for _, us in p]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    last = max(math.log2(sizes[-1]), 1)

    def x(mib):
        return LEFT + WIDTH * math.log2(mib) / last

    def y(us):
        return TOP + HEIGHT * (high - math.log10(us)) / (high - low)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 170} {TOP + HEIGHT + 60}" '
           'font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>']
    for power in range(low, high + 1):
        out.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y(10 ** power):.1f}" y2="{y(10 ** power):.1f}" '
                   'stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(10 ** power) + 4:.1f}" text-anchor="end">'
                   f'{label_time(10 ** power)}</text>')
    for mib in sizes:
        out.append(f'<line x1="{x(mib):.1f}" x2="{x(mib):.1f}" y1="{TOP}" y2="{TOP + HEIGHT}" stroke="#eee"/>')
        out.append(f'<text x="{x(mib):.1f}" y="{TOP + HEIGHT + 20}" text-anchor="middle">{label_size(mib)}</text>')
    out.append(f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 45}" text-anchor="middle">'
               'resident memory, on disk, one thread</text>')
    lines.sort(key=lambda line: y(line[2][-1][1]))
    for (name, color, p), at in zip(lines, spread([y(line[2][-1][1]) for line in lines], 15)):
        path = " ".join(f"{x(mib):.1f},{y(us):.1f}" for mib, us in p)
        out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        out += [f'<circle cx="{x(mib):.1f}" cy="{y(us):.1f}" r="3" fill="{color}"/>' for mib, us in p]
        out.append(f'<text x="{x(p[-1][0]) + 10:.1f}" y="{at + 4:.1f}" fill="{color}">{name}</text>')
    return "\n".join(out + ["</svg>\n"])
