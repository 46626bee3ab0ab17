"""The study's figures: synchrony; the buffer and sequences; three kinds of memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

HELD = 0.9
ITEMS = 5
"""The load, or the next larger one, of the run whose spikes are shown."""
THETA = 6
"""Hz, of that run."""
LASTS = {"short": "5 ms", "reference": "10 ms", "long": "20 ms"}
THETAS = {"slow": "4 Hz", "reference": "6 Hz", "fast": "8 Hz"}
SAID = {"single": "1 variable", "short": "short chain", "chain": "chain", "long": "long chain"}
REPLAYS = {"none": "no replay", "some": "some", "more": "more"}


def synchrony(study: Results) -> Figure:
    """Information against lag; the order parameter against coupling, and in time."""
    result: Any = study["entropy/known"]
    ablated: Any = study["entropy/ablated"]
    worlds: Any = study["simulate/known"]
    figure, ((left, middle, right),) = panels(1, 3)
    lag = np.linspace(0, 360, 200)
    truth = np.interp(lag, [*result["lag"].values, 360], [*result["information_truth"], result["information_truth"][0]])
    left.plot(lag, truth, color=COLOURS[6], lw=1, label="closed form")
    found = interval(result["information"], "block")
    interval_whiskers(left, result["lag"].values, found, "locked phases", color=COLOURS[0])
    found = interval(ablated["information"], "block")
    interval_whiskers(left, ablated["lag"].values, found, "random phases", color=COLOURS[1], fmt="s")
    left.plot(result["asked"], result["information_knn"], "x", ms=7, color=COLOURS[2], label="nearest neighbours")
    left.set(xlabel="lag (degrees)", ylabel=named(result["information"]), xticks=[0, 90, 180, 270, 360], ylim=(0, 1.05))
    legend(left, loc="upper center", labelspacing=0.2)
    coupling = np.linspace(0.5, 3.1, 300)
    width = 1.0  # the critical coupling, where theory leaves 0
    middle.plot(coupling, np.sqrt(np.maximum(1 - width / coupling, 0)), color=COLOURS[6], lw=1, label="theory")
    for start in range(result.sizes["start"]):
        row = result["coherence"].isel(start=start)
        middle.plot(
            row["coupling"],
            row,
            "o",
            ms=4,
            mfc="none",
            color=COLOURS[0],
            label="_" if start else "simulated, each start",
        )
    middle.plot(ablated["coupling"], ablated["coherence"].mean("start"), "s", ms=4, color=COLOURS[1], label="uncoupled")
    middle.axvline(width, color=COLOURS[7], ls="--", lw=0.8)
    middle.set(xlabel="coupling K (rad/s)", ylabel=named(result["coherence"]), ylim=(-0.03, 1.1))
    legend(middle, loc="upper left")
    order = worlds["oscillators/order_parameter"].isel(start=0)
    for i, one in enumerate(order["coupling"].values):
        right.plot(order["time"], order.sel(coupling=one), color=COLOURS[i], lw=1, label=f"K = {one:g}")
    right.set(xlabel="time (s)", ylabel=named(order), ylim=(-0.03, 1.4), yticks=[0, 0.5, 1])
    legend(right, loc="upper right", ncols=2, columnspacing=0.8, handlelength=1)
    return figure


def rhythms(study: Results) -> Figure:
    """Spikes of one run; items held against the load; overlaps of one net with its patterns."""
    worlds: Any = study["simulate/known"]
    result: Any = study["entropy/known"]
    ablated: Any = study["entropy/ablated"]
    figure, axes = panels(3, 2, height=2.0)
    for panel in axes[0]:
        panel.remove()
    raster(figure.add_subplot(axes[0, 0].get_gridspec()[0, :]), worlds, result)
    for panel, title, shown in zip(axes[1], ("inhibition lasts", "theta"), (LASTS, THETAS), strict=True):
        for i, (setting, said) in enumerate(shown.items()):
            found = interval(result["held"].sel(setting=setting), "trial")
            interval_band(panel, result["load"].values, found, said, color=COLOURS[i], marker="o", ms=4)
        if shown is LASTS:
            bare = interval(ablated["held"].sel(setting="reference"), "trial")
            interval_band(panel, result["load"].values, bare, "no inhibition", color=COLOURS[6], marker="x", lw=0.8)
        panel.set(xlabel="items loaded", ylabel=named(result["held"]), ylim=(0, 13), xticks=result["load"].values)
        legend(panel, outside="right", title=title)
    overlap: Any = study["train/known"]["sequence/overlap"].isel(net=0)
    for panel, place in zip(axes[2], (0, -1), strict=True):
        one = overlap.isel(context=place, delay=place)
        for pattern in range(one.sizes["pattern"]):
            colour = COLOURS[pattern % len(COLOURS)]
            panel.plot(one.isel(pattern=pattern), color=colour, lw=1, label=str(pattern + 1))
        context, delay = range(overlap.sizes["context"])[place] + 1, int(one["delay"])
        panel.set_xlim(0, 2.5 * delay * one.sizes["pattern"])
        panel.set(xlabel="time (steps)", ylabel="overlap", title=f"context {context}, delay {delay} steps")
    legend(axes[2, 1], outside="right", title="pattern", labelspacing=0.1)
    return figure


def raster(panel, worlds, result) -> None:
    """Spikes of the first run of the setting `reference` with a load of ITEMS or more; lines are its theta cycles."""
    load = next((place for place, one in enumerate(result["load"].values) if one >= ITEMS), 0)
    trials = result.sizes["trial"]
    first = list(result["setting"].values).index("reference") * result.sizes["load"] * trials
    mine = worlds["buffer/run"].values == first + load * trials
    time, item = (worlds[f"buffer/{name}"].values[mine] for name in ("spike_time", "spike_item"))
    panel.scatter(time, item + 1, c=np.array(COLOURS)[item % len(COLOURS)], marker="|", s=40, linewidths=1.2)
    for cycle in range(int(time.max() * THETA) + 2):
        panel.axvline(cycle / THETA, color=COLOURS[7], lw=0.4, alpha=0.6)
    panel.set(xlabel="time (s); lines are theta cycles", ylabel="item", yticks=np.unique(item) + 1)


def memory(study: Results) -> Figure:
    """Strength of a memory against its age; cues completed against patterns; steps to the goal against episodes."""
    strength: Any = study["simulate/known"]["synapse/strength"]
    trained: Any = study["train/known"]
    figure, ((left, middle, right),) = panels(1, 3)
    age = strength["time"].values[1:]
    for i, (level, said) in enumerate(SAID.items()):
        left.plot(age, strength.sel(level=level)[1:], color=COLOURS[i], label=said)
    left.plot(age, 0.5 / np.sqrt(age), color=COLOURS[6], ls=":", lw=1, label="age to the -1/2")
    log_axis(left, "x", ticks=[1, 10, 100, 1000])
    log_axis(left, "y", ticks=[1, 0.1, 0.01, 0.001])
    left.set(xlabel="age of the memory", ylabel=named(strength), ylim=(3e-4, 200))
    legend(left, loc="upper right", labelspacing=0.2)
    success = trained["recall/success"]
    for i, code in enumerate(success["code"].values):
        level = success.sel(code=code).transpose("memory", "patterns")
        level = level.isel(patterns=np.flatnonzero(level.notnull().all("memory")))  # where all memories were tried
        interval_band(middle, level["patterns"].values, interval(level, "memory"), str(code), color=COLOURS[i])
    middle.axhline(HELD, color=COLOURS[7], ls="--", lw=0.8)
    middle.set(xlabel="patterns stored", ylabel=named(success), ylim=(0, 1.05))
    legend(middle, loc="lower right", title="code")
    length = trained["agents/length"]
    episodes = 1 + np.arange(length.sizes["episode"])
    for i, (replay, said) in enumerate(REPLAYS.items()):
        interval_band(right, episodes, interval(length.sel(replay=replay), "agent"), said, color=COLOURS[i])
    side = round(trained["agents"].sizes["state"] ** 0.5)
    right.axhline(2 * (side - 1), color=COLOURS[7], ls="--", lw=0.8)
    log_axis(right, "y", ticks=[10, 30, 100, 300, 1000])
    right.set(xlabel="episode", ylabel="steps to the goal")
    legend(right, loc="upper right")
    return figure
