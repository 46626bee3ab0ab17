"""The study's figures: returns against real steps with the bill beside them, and learning along surrogate steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

LOOK = {
    "sac": COLOURS[0],
    "sparse": COLOURS[1],
    "filtered": COLOURS[2],
    "sparse_plan": COLOURS[4],
    "hyper": COLOURS[3],
    "hyper_after": COLOURS[5],
}
SHORT = {
    "sac": "SAC",
    "sparse": "sparse,\nSAC",
    "filtered": "filtered,\nSAC",
    "sparse_plan": "sparse,\nplanner",
    "hyper": "hyper,\nplanner",
}
MARGIN = 0.1
"""Of C2, C5 and C8."""


def bill(study: Results) -> Figure:
    """Above, a panel for each world; below, three columns of the bill."""
    found: Any = study["forecast/main"]
    figure, axes = panels(2, 6, width=9.6, height=2.9, gridspec_kw={"wspace": 0.1})
    grid = axes[0, 0].get_gridspec()
    for panel in axes.ravel():
        panel.remove()
    above = [figure.add_subplot(grid[0, 0:3])]
    above.append(figure.add_subplot(grid[0, 3:6], sharey=above[0]))
    below = [figure.add_subplot(grid[1, i : i + 2]) for i in (0, 2, 4)]
    said = dict(zip(found["arm"].values, found["named"].values, strict=True))
    for panel, world in zip(above, found["world"].values, strict=True):
        one = found["reached"].sel(world=world)
        curve = interval(found["along"].sel(world=world, agent="sac").isel(budget=0).transpose("step", "seed"), "seed")
        steps = found["step"].values
        begun = steps >= found["budget"].values[-1]
        for end, style in ((curve.centre, "-"), (curve.low, ":"), (curve.high, ":")):
            panel.plot(steps[begun], end[begun], style, color=LOOK["sac"], linewidth=0.9)
        for place, (arm, colour) in enumerate(LOOK.items()):
            whole = interval(one.sel(arm=arm).transpose("budget", "seed"), "seed")
            at = found["budget"].values * 1.07 ** (place - 2.5)
            interval_whiskers(panel, at, whole, said[arm], fmt="o-", color=colour, markersize=3)
        mean = float(one.sel(arm="exact_agent").mean())
        panel.axhline(mean, color="k", linestyle="--", linewidth=0.8, label=said["exact_agent"])
        for value in (0, 1):
            panel.axhline(value, color="0.5", linewidth=0.8)
        panel.axhline(found.attrs["goal"], color="k", linestyle=":", linewidth=0.8, label="goal")
        log_axis(panel, "x", [value for value in (30, 100, 300, 1000, 3000) if value <= 1.2 * steps[-1]])
        panel.set(xlabel="real steps", title=f"{str(world).replace('_', ' ')} pendulum")
    above[0].set_ylabel("return, random (0) to exact law (1)")
    figure.legend(*above[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    billed = [str(arm) for arm in found["billed"].values]
    last = found.isel(budget=-1)
    place = np.arange(len(billed))
    for arm, at in zip(billed, place, strict=True):
        below[0].plot(at, max(float(last["surrogate_steps"].sel(billed=arm)), 1), "s", color=LOOK[arm])
        below[1].plot(at, float(last["parameters"].sel(billed=arm)), "s", color=LOOK[arm])
    episodes = np.geomspace(1, 1000, 30)
    for arm in billed:
        one = last.sel(billed=arm)
        below[2].plot(
            episodes, float(one["learning"]) + episodes * float(one["use"]), color=LOOK[arm],
            linestyle="--" if "plan" in arm or arm == "hyper" else "-",
        )  # fmt: skip
    for panel, label in ((below[0], "surrogate steps (none: 1)"), (below[1], "parameters of model and policy")):
        log_axis(panel, "y")
        names(panel, "x", [SHORT[arm] for arm in billed], rotation=40)
        panel.set_ylabel(label)
    log_axis(below[2], "x")
    log_axis(below[2], "y")
    below[2].set(xlabel="episodes of use", ylabel="multiplications in all")
    return figure


def learning(study: Results) -> Figure:
    """Left and middle, learning along an agent's own steps; right, steps and operations to the goal."""
    found: Any = study["forecast/main"]
    few = found["budget"].values[min(1, found.sizes["budget"] - 1)]
    figure, axes = panels(1, 3, width=9.6, height=3.2)
    for panel, world in zip(axes[0], found["world"].values, strict=False):
        one = found["along"].sel(world=world, budget=few)
        for arm, label in (("sac", "real task"), ("sparse", "sparse model"), ("filtered", "filtered networks")):
            whole = interval(one.sel(agent=arm).transpose("step", "seed"), "seed")
            interval_band(panel, found["step"], whole, label, color=LOOK[arm])
        dreamt = found["own"].sel(world=world, budget=few, agent="filtered").mean("seed")
        panel.plot(
            found["step"], dreamt, "--", color=LOOK["filtered"], linewidth=0.9, label="the same, in its own world"
        )
        panel.axhline(found.attrs["goal"], color="k", linestyle=":", linewidth=0.8)
        panel.set(xlabel="steps in its own world", title=f"{str(world).replace('_', ' ')}, models of {few} real steps")
    axes[0, 0].set_ylabel("return, random (0) to exact law (1)")
    legend(axes[0, 0], loc="lower right")
    right = axes[0, 2]
    for arm in found["billed"].values:
        real, spent = (
            found[key].sel(billed=arm).values.ravel() for key in ("real_steps_to_goal", "operations_to_goal")
        )
        right.plot(
            real, spent, "o", color=LOOK[str(arm)], markersize=4, alpha=0.7, label=SHORT[str(arm)].replace("\n", " ")
        )
    log_axis(right, "x")
    log_axis(right, "y")
    right.set(xlabel="real steps to the goal", ylabel="multiplications to the goal")
    legend(right, "right")
    return figure
