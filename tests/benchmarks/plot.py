"""Draw what ``mtp.py levels --json FILE`` measured.

python tests/benchmarks/plot.py speed.json docs/images/speed.svg
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

OURS, MOTEP = "#0072b2", "#999999"  # apart for the colour-blind, too


def draw(rows: list[dict[str, float]]) -> Figure:
    """Time against level, logarithmic: one line a cutoff, motep's C engine beside it."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for cutoff, line in zip(sorted({row["cutoff"] for row in rows}), ("-o", "--s"), strict=False):
        here = [row for row in rows if row["cutoff"] == cutoff]
        levels = [row["level"] for row in here]
        label = f"cutoff {cutoff:g} Å"
        ours = [row["us/atom/step"] for row in here]
        axes.semilogy(levels, ours, line, color=OURS, label=f"ensemble, {label}")
        motep = [row["motep"] for row in here]
        axes.semilogy(levels, motep, line, color=MOTEP, label=f"motep (C), {label}")
    axes.set_xlabel("level of the moment tensor potential")
    axes.set_ylabel("µs per atom and step, one core")
    axes.set_xticks(levels)
    axes.grid(which="both", alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measured", type=Path, help="written by mtp.py levels --json")
    parser.add_argument("picture", type=Path, help="SVG, PNG or PDF")
    arguments = parser.parse_args()
    mpl.rcParams["svg.hashsalt"] = "ensemble"  # the same picture from the same numbers
    rows = json.loads(arguments.measured.read_text())["levels"]
    draw(rows).savefig(arguments.picture, metadata={"Date": None})


if __name__ == "__main__":
    main()
