"""The study's figures: returns against real steps with the bill beside them, and learning along surrogate steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, log_axis, names, panels
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
MARGINS = {"C4": 0.2, "C5": 0.15}
"""Differences that these claims allow."""


def bill(study: Results) -> Figure:
    """Above, a panel for each world; below, four columns of the bill."""
    found: Any = study["forecast/main"]
    figure, axes = panels(2, 12, width=9.6, height=2.9, gridspec_kw={"wspace": 0.1})
    grid = axes[0, 0].get_gridspec()
    for panel in axes.ravel():
        panel.remove()
    above = [figure.add_subplot(grid[0, 0:6])]
    above.append(figure.add_subplot(grid[0, 6:12], sharey=above[0]))
    below = [figure.add_subplot(grid[1, i : i + 3]) for i in (0, 3, 6, 9)]
    said = dict(zip(found["arm"].values, found["named"].values, strict=True))
    for panel, world in zip(above, found["world"].values, strict=True):
        one = found["reached"].sel(world=world)
        curve = interval(found["along"].sel(world=world, agent="sac").isel(budget=0).transpose("step", "seed"), "seed")
        steps = found["step"].values
        begun = steps >= found["budget"].values[-1]
        for end, style in ((curve.centre, "-"), (curve.low, ":"), (curve.high, ":")):
            panel.plot(steps[begun], np.asarray(end)[begun], style, color=LOOK["sac"], linewidth=0.9)
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
    _costs(found, below)
    return figure


def _costs(found: Any, below: list) -> None:
    """Surrogate steps, parameters, seconds, and multiplications against the episodes of use."""
    billed = [str(arm) for arm in found["billed"].values]
    last = found.isel(budget=-1)
    place = np.arange(len(billed))
    for arm, at in zip(billed, place, strict=True):
        below[0].plot(at, max(float(last["surrogate_steps"].sel(billed=arm)), 1), "s", color=LOOK[arm])
        below[1].plot(at, float(last["parameters"].sel(billed=arm)), "s", color=LOOK[arm])
    seconds = found["seconds"]
    for arm in seconds["timed"].values:
        below[2].plot(billed.index(arm), float(seconds.sel(timed=arm)), "s", color=LOOK[arm])
    episodes = np.geomspace(1, 1000, 30)
    for arm in billed:
        one = last.sel(billed=arm)
        below[3].plot(
            episodes, float(one["learning"]) + episodes * float(one["use"]), color=LOOK[arm],
            linewidth=4 if arm == "sac" else 1.4, alpha=0.5 if arm == "sac" else 1,  # two agents pay nearly the same
            linestyle="--" if "plan" in arm or arm == "hyper" else "-",
        )  # fmt: skip
    said = ("surrogate steps (none: 1)", "parameters of model and policy", "core seconds to learn, of one (s)")
    for panel, label in zip(below[:3], said, strict=True):
        if panel is below[2]:
            panel.set_ylim(0, 1.1 * float(seconds.max()))
        else:
            log_axis(panel, "y")
        names(panel, "x", [SHORT[arm] for arm in billed], rotation=40)
        panel.set_ylabel(label)
    log_axis(below[3], "x")
    log_axis(below[3], "y")
    below[3].set(xlabel="episodes of use", ylabel="multiplications in all")


def learning(study: Results) -> Figure:
    """Learning along an agent's own steps in both worlds; costs to the goal; the differences that are judged."""
    found: Any = study["forecast/main"]
    few = found["budget"].values[min(1, found.sizes["budget"] - 1)]
    figure, axes = panels(1, 4, width=10, height=3.4, gridspec_kw={"width_ratios": [1.2, 1.2, 1, 1]})
    left, middle, third, right = axes[0]
    for panel, world in zip((left, middle), found["world"].values, strict=True):
        one = found["along"].sel(world=world, budget=few)
        for arm in ("sac", "sparse", "filtered"):
            whole = interval(one.sel(agent=arm).transpose("step", "seed"), "seed")
            interval_band(panel, found["step"], whole, SHORT[arm].replace("\n", " "), color=LOOK[arm])
        dreamt = found["own"].sel(world=world, budget=few, agent="filtered").mean("seed")
        panel.plot(found["step"], dreamt, "--", color=LOOK["filtered"], linewidth=0.9, label="the same, as it dreams")
        panel.axhline(found.attrs["goal"], color="k", linestyle=":", linewidth=0.8)
        panel.set(xlabel="steps in its own world", title=f"{world}, models of {few} real steps")
    left.set_ylabel("return, random (0) to exact law (1)")
    for arm in found["billed"].values:
        real, spent = (
            found[key].sel(billed=arm).values.ravel() for key in ("real_steps_to_goal", "operations_to_goal")
        )
        said = SHORT[str(arm)].replace("\n", " ")
        third.plot(real, spent, "o", color=LOOK[str(arm)], markersize=4, alpha=0.7, label=said)
    log_axis(third, "x")
    log_axis(third, "y")
    third.set(xlabel="real steps to the goal", ylabel="multiplications to the goal")
    shown = judged(found)
    whole = interval(xr.DataArray(list(shown.values()), dims=("pair", "seed")), "seed")
    interval_whiskers(right, range(len(shown)), whole, color="k")
    for place, margin in enumerate(MARGINS.values()):
        right.plot([place - 0.3, place + 0.3], [margin] * 2, color=COLOURS[1], linewidth=0.9)
        right.plot([place - 0.3, place + 0.3], [-margin] * 2, color=COLOURS[1], linewidth=0.9)
    right.axhline(0, color="0.5", linewidth=0.8)
    names(right, "x", shown)
    right.set_ylabel("difference of returns")
    handles = {h.get_label(): h for panel in (left, third) for h in panel.get_legend_handles_labels()[0]}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=6)
    return figure


def judged(found: Any) -> dict[str, Any]:
    """Differences of C4, C5, C6 and C8 by seed, mean over worlds (and budgets, in the first two)."""
    reached, least = found["reached"], found["budget"].values[0]
    whole, few = reached.mean(["world", "budget"]), reached.sel(budget=least).mean("world")
    area = found["area"].mean(["world", "budget"])
    return {  # sparse model and exact law, twice; sparse model and hypernetwork; hypernetworks after and before
        "C4": (whole.sel(arm="sparse") - whole.sel(arm="exact_agent")).values,
        "C5": (area.sel(agent="sparse") - area.sel(agent="sac")).values,
        "C6": (few.sel(arm="sparse") - few.sel(arm="hyper")).values,
        "C8": (few.sel(arm="hyper_after") - few.sel(arm="hyper")).values,
    }
