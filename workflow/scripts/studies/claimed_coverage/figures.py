"""The figures: claimed against true coverage; calibration against width and cost; what widths know of errors."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.claimed_coverage.forecast import reliable

SPREAD = {
    ("potentials", "SG-MCMC, middle"): "potentials: sampled networks",
    ("potentials", "ensemble, middle"): "potentials: equal networks",
    ("combustor", "spread"): "combustor: equal networks, their means alone",
    ("climate", "day 10"): "climate: a centre's members, day 10",
    ("fracture", "networks"): "cracks: equal networks",
}
LEARNED = {
    ("combustor", "ensemble"): "combustor: ensemble",
    ("combustor", "single"): "combustor: one network",
    ("jumps", "many"): "jump processes: one network",
    ("molecules", "multi"): "molecules: classes of one network",
}
SOURCES = {
    "potentials": "potentials",
    "combustor": "combustor",
    "jumps": "jump processes",
    "climate": "climate",
    "fracture": "cracks",
    "molecules": "molecules",
}
MAIN = {
    "potentials": "SG-MCMC, middle",
    "combustor": "ensemble",
    "jumps": "many",
    "climate": "day 10",
    "fracture": "networks",
    "molecules": "multi",
}
BOUNDS = (0.9, 0.98)
"""Of C2 and C3."""


def coverage(study: Results) -> Figure:
    """Spreads left, learned deviations right."""
    found: Any = study["forecast/main"]
    figure, axes = panels(1, 2, width=8.6, height=4.6, sharey=True)
    kinds = {"the spread of several models": SPREAD, "a deviation or a law that was learned": LEARNED}
    for panel, (title, shown) in zip(axes[0], kinds.items(), strict=True):
        panel.plot([0, 1], [0, 1], color="k", linewidth=0.8)
        for i, ((group, method), label) in enumerate(shown.items()):
            one, colour = found[group].to_dataset().sel({"method": method}), COLOURS[i]
            level = one["level"].values
            interval_band(panel, level, interval(one["coverage"], "unit"), label=label, color=colour)
            panel.plot(level, one["mended"].mean("unit"), "--", color=colour, linewidth=0.9)
        if shown is LEARNED:
            one = found["exact"].to_dataset().sel({"method": "posterior"})
            exact = one["coverage"].mean("unit")
            panel.plot(level, exact, "s", color="k", markersize=3, label="jump processes: exact posterior, mean")
        if shown is SPREAD:
            n = int(found["climate"].to_dataset()["models"].sel({"method": MAIN["climate"]}))
            perfect = reliable(n, level)
            panel.plot(
                level, perfect, "-", color="0.5", linewidth=2, alpha=0.6, label=f"{n} members of one law with the truth"
            )
        for bound in BOUNDS:
            panel.plot([0.92, 0.98], [bound, bound], ":", color="k", linewidth=0.9)
        panel.set(xlim=(0, 1), ylim=(0, 1), title=title, xlabel="claimed coverage")
        panel.legend(loc="upper left")
    axes[0, 0].set_ylabel("true coverage")
    return figure


def prices(study: Results) -> Figure:
    """Three panels."""
    figure, axes = panels(1, 3, width=10, height=3.6)
    against_width(axes[0, 0], study["forecast/main"])
    for panel, variable, bound in ((axes[0, 1], "rank", 0.1), (axes[0, 2], "worth", 0.0)):
        of_widths(panel, study, variable, bound)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, markerscale=1)
    return figure


def against_width(panel, found: Any) -> None:
    """How far coverage is from the claim, by the width of intervals; areas go with the number of models."""
    for i, (group, label) in enumerate(SOURCES.items()):
        one = found[group].to_dataset()
        x, y = one["width"].mean("unit"), one["miscalibration"].mean("unit")
        after = one["after"].mean("unit")
        panel.vlines(x, after, y, color=COLOURS[i], linewidth=0.5, alpha=0.5)
        panel.scatter(x, y, s=8 + 8 * one["models"], color=COLOURS[i], label=label, linewidths=0)
        panel.plot(x, after, "_", color=COLOURS[i], markersize=4)
    log_axis(panel, "x")
    panel.set(xlabel=named(one["width"]), ylabel="true from claimed coverage", ylim=(0, None))


def of_widths(panel, study: Results, variable: str, bound: float) -> None:
    """A score of each source's main method with its interval, and with deviations dealt."""
    found, dealt = study["forecast/main"], study["forecast/dealt"]
    for i, group in enumerate(SOURCES):
        own, other = (
            interval(tree[group].to_dataset()[variable].sel({"method": [MAIN[group]]}), "unit")
            for tree in (found, dealt)
        )
        interval_whiskers(panel, [i - 0.12], own, color=COLOURS[i])
        interval_whiskers(panel, [i + 0.12], other, color=COLOURS[i], fmt="x")
    panel.axhline(0, color="k", linewidth=0.7)
    if bound:
        panel.axhline(bound, color="k", linestyle=":", linewidth=0.9)
    names(panel, "x", SOURCES.values(), rotation=40)
    short = {"worth": "ln of the score over that of one width"}.get(variable)
    panel.set_ylabel(named(found["jumps"].to_dataset()[variable], short))
