"""One look for all figures."""

from __future__ import annotations

from typing import Any, Literal

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

# Okabe and Ito's palette: told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A8A8A")
COLUMN, PAGE = 3.5, 7.2  # inches
SIGNS = {"angstrom": "Å", "mu_B": r"$\mu_\mathrm{B}$", "eV/angstrom": "eV/Å", "W m-2": r"W m$^{-2}$"}
SMALL = 7  # points: legends, notes, names along an axis

STYLE = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 150,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": SMALL,
    "legend.title_fontsize": SMALL,
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


def named(array, name: str | None = None) -> str:
    """What an axis or a colour bar says of a variable of a result: its name and its unit, as the file has them.

    Parameters
    ----------
    array : DataArray
        With `units` and `long_name`.
    name
        A better name than its `long_name`.
    """
    units = array.attrs.get("units", "1")
    said = name or array.attrs.get("long_name") or str(array.name)
    return said if units == "1" else f"{said} ({SIGNS.get(units, units)})"


def interval_whiskers(axes: Axes, x, found, label: str | None = None, **style):
    """Draw what `pesin.stats.intervals.interval` found, one dimension left: points, whiskers; a cross if units failed.

    Parameters
    ----------
    x : array_like, shape (n,)
    found : Centre
        Of arrays of shape (n,).
    """
    points = whiskers(axes, x, found.centre, found.low, found.high, label=label, **style)
    _crosses(axes, x, found, points.get_color())
    return points


def interval_band(axes: Axes, x, found, label: str | None = None, **style):
    """Draw what `pesin.stats.intervals.interval` found as a line in a band; where units failed, a cross and no band."""
    ends = np.array([found.low, found.high], float)
    ends[:, ~np.isfinite(ends).all(0)] = np.nan
    line = band(axes, x, found.centre, ends[0], ends[1], label=label, **style)
    _crosses(axes, x, found, line.get_color())
    return line


def _crosses(axes: Axes, x, found, colour) -> None:
    lost = np.asarray(found.failed) > 0
    if lost.any():
        axes.plot(np.asarray(x)[lost], np.asarray(found.centre)[lost], "x", color=colour, markersize=7, label="_failed")


PLACES: dict[str, dict[str, Any]] = {
    "": {},
    "right": {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)},
    "above": {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "columnspacing": 1, "handletextpad": 0.4},
}


def legend(axes: Axes, outside: Literal["", "right", "above"] = "", **options):
    """The legend clear of the data: where matplotlib finds most room, or outside the panel."""
    return axes.legend(**PLACES[outside] | options)


def log_axis(axes: Axes, which: str, ticks=None) -> None:
    """A logarithmic axis ("x" or "y"); with `ticks` it says these numbers plainly, and nothing elsewhere."""
    axes.set(**{f"{which}scale": "log"})
    axis = getattr(axes, f"{which}axis")
    if ticks is not None:
        axis.set_ticks(list(ticks), minor=False)
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def names(axes: Axes, which: str, labels, at=None, rotation: float = 0) -> None:
    """Write names along an axis ("x" or "y"), small and, if turned, ending at their ticks."""
    said = list(labels)
    turned = {"rotation": rotation, "ha": "right", "rotation_mode": "anchor"} if 0 < rotation < 90 else {}
    turned = {"rotation": 90} if rotation == 90 else turned
    getattr(axes, f"set_{which}ticks")(range(len(said)) if at is None else at, said, fontsize=SMALL, **turned)


def note(axes: Axes, text: str, xy, **options):
    """A small remark inside a panel, at data coordinates unless `xycoords` says otherwise."""
    return axes.annotate(text, xy, fontsize=SMALL, **options)


def name_points(axes: Axes, x, y, labels, size: tuple[float, float], named=None) -> None:
    """Write names beside points, each at the nearest place that no point, no other name and no edge takes.

    Parameters
    ----------
    axes
        With its limits and scales set: the names go by them.
    x, y : array_like, shape (n,)
        In data coordinates.
    labels
        n names.
    size
        About the panel's width and height, in printer's points.
    named
        Places of the points that get a name; all if not given.
    """
    line, letter = 8.0, 4.1
    points = np.column_stack([x, y]).astype(float)
    at = axes.transAxes.inverted().transform(axes.transData.transform(points)) * size
    taken = [(a - 2, b, 4.0) for a, b in at]
    for i in range(len(points)) if named is None else named:
        (a, b), long = at[i], letter * len(str(labels[i]))
        tried = [(side, up * line) for up in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5) for side in (4.0, -long - 4.0)]

        def hits(place, a=a, b=b, long=long):
            left, middle = a + place[0], b + place[1]
            over = sum(left < t + w and t < left + long and abs(middle - m) < line for t, m, w in taken)
            return over + (left < 0) + (left + long > size[0]) + (not 0 < middle < size[1])

        best = min(tried, key=hits)
        taken.append((a + best[0], b + best[1], long))
        note(axes, str(labels[i]), points[i], textcoords="offset points", xytext=best, va="center")


def save(figure: Figure, **paths: str) -> None:
    """Write a figure in formats svg, pdf, png, without dates, so that the same numbers give the same files.

    Parameters
    ----------
    figure
        The figure; closed afterwards.
    **paths
        Format -> file.
    """
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None, "ModDate": None}, "png": {"Software": None}}
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    # The layout is settled once; and where there is no engine at all, `savefig` draws once, not twice.
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)
        for form, path in paths.items():
            figure.savefig(path, dpi=200 if form == "png" else "figure", metadata=undated[form])
    plt.close(figure)
