"""The study's figures: six mechanisms beside what judges them; the buffer's spikes and replayed sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.dynamical_brain_basis.replay import changes

NEAR, CLOSE, APART, EXPONENTS, HELD = 0.02, 0.03, 0.15, (-0.45, -0.55), 0.9
"""What the rules of C1, C8 and C4 allow, in nats, in r, in r, and as exponents; share of cues that counts as held."""
ITEMS = 5
"""The load, or the next larger one, of the run whose spikes are shown."""
THETA = 6
"""Hz, of that run."""
LASTS = {"short": "inhibition 5 ms", "reference": "10 ms", "long": "20 ms"}
THETAS = {"slow": "theta 4 Hz", "reference": "6 Hz", "fast": "8 Hz"}
SAID = {"single": "1 variable", "short": "chain of 4", "chain": "chain of 8", "long": "chain of 12"}
REPLAYS = {"none": "none", "some": "5", "more": "20"}
ALLOWED: dict[str, Any] = {"color": COLOURS[7], "alpha": 0.3, "linewidth": 0}


def mechanisms(study: Results) -> Figure:
    """Above synchrony: information, order parameter, its rise. Below memory: ageing, sparse codes, replay."""
    result: Any = study["entropy/known"]
    ablated: Any = study["entropy/ablated"]
    worlds: Any = study["simulate/known"]
    trained: Any = study["train/known"]
    figure, axes = panels(2, 3, height=2.5)
    information(axes[0, 0], result, ablated)
    synchrony(axes[0, 1], result, ablated)
    rise(axes[0, 2], worlds["oscillators/order_parameter"].isel(start=0))
    ageing(axes[1, 0], worlds["synapse/strength"])
    capacity(axes[1, 1], trained["recall/success"])
    learning(axes[1, 2], trained["agents/length"], round(trained["agents"].sizes["state"] ** 0.5))
    return figure


def information(panel, result, ablated) -> None:
    """Mutual information against the lag."""
    lag, truth = [*result["lag"].values, 360], np.array([*result["information_truth"], result["information_truth"][0]])
    panel.fill_between(lag, truth - NEAR, truth + NEAR, **ALLOWED, label="closed form, allowed")
    found = interval(result["information"], "block")
    interval_whiskers(panel, result["lag"].values, found, "locked phases", color=COLOURS[0], markersize=3)
    found = interval(ablated["information"], "block")
    interval_whiskers(panel, ablated["lag"].values, found, "random phases", color=COLOURS[1], fmt="s")
    panel.plot(result["asked"], result["information_knn"], "x", ms=7, color=COLOURS[2], label="nearest neighbours")
    panel.set(xlabel="lag (degrees)", ylabel=named(result["information"]), xticks=[0, 90, 180, 270, 360], ylim=(0, 1.2))
    legend(panel, loc="upper center", labelspacing=0.2)


def synchrony(panel, result, ablated) -> None:
    """The order parameter of oscillators against their coupling; theory leaves 0 at 1."""
    coupling = np.linspace(1, 3.1, 300)
    theory = np.sqrt(1 - 1 / coupling)
    panel.plot([0.5, *coupling], [0, *theory], color=COLOURS[6], lw=1, label="theory")
    far = coupling >= 1.4
    panel.fill_between(coupling[far], theory[far] - CLOSE, theory[far] + CLOSE, **ALLOWED, label="allowed")
    panel.fill_between([0.5, 1.05], 0, APART, **ALLOWED)
    for start in range(result.sizes["start"]):
        row, said = result["coherence"].isel(start=start), "_" if start else "simulated, each start"
        panel.plot(row["coupling"], row, "o", ms=4, mfc="none", color=COLOURS[0], label=said)
    panel.plot(ablated["coupling"], ablated["coherence"].mean("start"), "s", ms=4, color=COLOURS[1], label="uncoupled")
    panel.set(xlabel="coupling K (rad/s)", ylabel=named(result["coherence"]), ylim=(-0.03, 1.55), yticks=[0, 0.5, 1])
    legend(panel, loc="upper left", labelspacing=0.2)


def rise(panel, order) -> None:
    """The order parameter of one start in time."""
    for i, one in enumerate(order["coupling"].values):
        panel.plot(order["time"], order.sel(coupling=one), color=COLOURS[i], lw=1, label=f"K = {one:g}")
    panel.set(xlabel="time (s)", ylabel=named(order), ylim=(-0.03, 1.55), yticks=[0, 0.5, 1])
    legend(panel, loc="upper right", ncols=2, columnspacing=0.8, handlelength=1)


def ageing(panel, strength) -> None:
    """Strength of a memory against its age."""
    age = strength["time"].values[1:]
    for i, ((level, said), style) in enumerate(zip(SAID.items(), ("-", "-", "-", "--"), strict=True)):
        panel.plot(age, strength.sel(level=level)[1:], style, color=COLOURS[i], label=said)
    old = age[age >= 10]
    wedge = [strength.sel(level="chain", time=10).item() * (old / 10) ** power for power in EXPONENTS]
    panel.fill_between(old, *wedge, **ALLOWED, label="exponents allowed")
    log_axis(panel, "x", ticks=[1, 10, 100, 1000])
    log_axis(panel, "y", ticks=[1, 0.1, 0.01, 0.001])
    panel.set(xlabel="age of the memory", ylabel=named(strength), ylim=(3e-4, 300))
    legend(panel, loc="upper right", labelspacing=0.2)


def capacity(panel, success) -> None:
    """Share of cues completed against the patterns stored, as far as all memories were tried."""
    for i, code in enumerate(success["code"].values):
        level = success.sel(code=code).transpose("memory", "patterns")
        level = level.isel(patterns=np.flatnonzero(level.notnull().all("memory")))
        interval_band(panel, level["patterns"].values, interval(level, "memory"), str(code), color=COLOURS[i])
    panel.axhline(HELD, color=COLOURS[7], ls="--", lw=0.8)
    panel.set(xlabel="patterns stored", ylabel=named(success), ylim=(0, 1.05))
    legend(panel, loc="lower right", title="code")


def learning(panel, length, side: int) -> None:
    """Steps to the goal in each episode; the broken line is the shortest way."""
    episodes = 1 + np.arange(length.sizes["episode"])
    for i, (replay, said) in enumerate(REPLAYS.items()):
        interval_band(panel, episodes, interval(length.sel(replay=replay), "agent"), said, color=COLOURS[i])
    panel.axhline(2 * (side - 1), color=COLOURS[7], ls="--", lw=0.8)
    log_axis(panel, "y", ticks=[10, 30, 100, 300, 1000])
    panel.set(xlabel="episode", ylabel="steps to the goal")
    legend(panel, loc="upper right", title="replays in a step")


def rhythms(study: Results) -> Figure:
    """Spikes of one run; items held against the load; overlaps of one net with its patterns."""
    worlds: Any = study["simulate/known"]
    result: Any = study["entropy/known"]
    ablated: Any = study["entropy/ablated"]
    figure, axes = panels(3, 2, height=2.0)
    for panel in axes[0]:
        panel.remove()
    raster(figure.add_subplot(axes[0, 0].get_gridspec()[0, :]), worlds, result)
    for panel, shown in zip(axes[1], (LASTS, THETAS), strict=True):
        for i, (setting, said) in enumerate(shown.items()):
            found = interval(result["held"].sel(setting=setting), "trial")
            interval_band(panel, result["load"].values, found, said, color=COLOURS[i], marker="o", ms=4)
        if shown is LASTS:
            bare = interval(ablated["held"].sel(setting="reference"), "trial")
            interval_band(panel, result["load"].values, bare, "none", color=COLOURS[6], marker="x", lw=0.8)
        panel.set(xlabel="items loaded", ylabel=named(result["held"]), ylim=(0, 13), xticks=result["load"].values)
        panel.set(yticks=[0, 3, 6, 9, 12])
        legend(panel, outside="above", ncols=4)
    overlap: Any = study["train/known"]["sequence/overlap"].isel(net=0)
    for panel, place in zip(axes[2], (0, -1), strict=True):
        replayed(panel, overlap.isel(context=place, delay=place))
        panel.set_title(f"context {range(1, 3)[place]}, delay {int(overlap['delay'][place])} steps")
    return figure


def raster(panel, worlds, result) -> None:
    """Spikes of the first run of the setting `reference` with a load of ITEMS or more; lines are its theta cycles."""
    load = next((place for place, one in enumerate(result["load"].values) if one >= ITEMS), 0)
    trials = result.sizes["trial"]
    first = list(result["setting"].values).index("reference") * result.sizes["load"] * trials
    mine = worlds["buffer/run"].values == first + load * trials
    time, item = (worlds[f"buffer/{name}"].values[mine] for name in ("spike_time", "spike_item"))
    panel.vlines(np.arange(int(time.max() * THETA) + 2) / THETA, 0.5, item.max() + 1.5, color=COLOURS[7], lw=0.4)
    panel.scatter(time, item + 1, c=np.array(COLOURS)[item % len(COLOURS)], marker="|", s=40, linewidths=1.2)
    panel.set(xlabel="time (s); lines are theta cycles", ylabel="item", yticks=np.unique(item) + 1)


def replayed(panel, overlap) -> None:
    """Overlaps (time, pattern) of one replay, in two turns and a half, with the number of each pattern above it."""
    shown = overlap.transpose("time", "pattern").values
    shown = shown[: int(2.5 * int(overlap["delay"]) * shown.shape[1])]
    order, begins = changes(shown.argmax(-1))
    colours = [COLOURS[pattern % len(COLOURS)] for pattern in range(shown.shape[1])]
    for pattern, colour in enumerate(colours):
        panel.plot(shown[:, pattern], color=colour, lw=1)
    for pattern, begin, end in zip(order, begins, [*begins[1:], len(shown)], strict=True):
        note(panel, str(pattern + 1), ((begin + end) / 2, 1.04), ha="center", color=colours[pattern])
    panel.set(xlabel="time (steps)", ylabel="overlap", ylim=(-0.15, 1.2), xlim=(0, len(shown)), yticks=[0, 0.5, 1])
