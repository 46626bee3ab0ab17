"""One look for all figures."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A8A8A")
COLUMN, PAGE = 3.5, 7.2  # inches

STYLE = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 150,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=COLOURS),
    "lines.linewidth": 1.4,
    "svg.hashsalt": "pesin",  # same numbers, same file
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}


def panels(rows: int = 1, columns: int = 1, width: float = PAGE, height: float = 2.6, **options):
    """Figure and axes in the project's style.

    Parameters
    ----------
    rows, columns
        Grid of panels.
    width, height
        Whole width, and height of one row, in inches.

    Returns
    -------
    (Figure, ndarray of Axes)
        The axes always as an array of shape (rows, columns).
    """
    mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
    figure, axes = plt.subplots(rows, columns, figsize=(width, height * rows), squeeze=False, **options)
    return figure, axes


def band(axes: Axes, x, centre, low, high, label: str | None = None, **style):
    """Draw a line with its interval as a band. All arrays have shape (n,)."""
    (line,) = axes.plot(x, centre, label=label, **style)
    axes.fill_between(x, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    return line


def whiskers(axes: Axes, x, centre, low, high, label: str | None = None, fmt: str = "o", capsize: float = 2, **style):
    """Draw points with their intervals, even where a bootstrap missed the point. All arrays have shape (n,)."""
    look: dict[str, Any] = {"markersize": 4, "linewidth": 1} | style
    (points,) = axes.plot(x, centre, fmt, label=label, **look)
    ends = np.array([low, high], float)
    ends[:, ~np.isfinite(ends).all(0)] = np.nan  # an unbounded interval can't be drawn
    bars = {"ecolor": points.get_color(), "elinewidth": look["linewidth"], "capsize": capsize}
    axes.errorbar(x, ends.mean(0), yerr=np.ptp(ends, axis=0) / 2, fmt="none", **bars)
    return points


def save(figure: Figure, svg, pdf, png) -> None:
    """Write a figure in three formats, without dates, so that the same numbers give the same files."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    # The layout is settled once; and where there is no engine at all, `savefig` draws once, not twice.
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)
        figure.savefig(svg, metadata={"Date": None})
        figure.savefig(pdf, metadata={"CreationDate": None, "ModDate": None})
        figure.savefig(png, dpi=200, metadata={"Software": None})
    plt.close(figure)
