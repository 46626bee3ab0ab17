"""The study's figures: error maps, the reward over the next state, errors by policy, and control inside the model."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.morec.fridge import BOX

SAID = {
    "random": "any candidate",
    "mean": "ensemble mean",
    "filter": "filter",
    "last": "last discriminator",
    "oracle": "best candidate",
    "real": "real task",
}
ALARM = {"score": "low reward", "spread": "disagreement"}
COUNTS = 0.3
"""Rank correlation above which a reward counts as ranking (claim C1)."""


def colour(name: str) -> str:
    """One for each method or arm."""
    return COLOURS[list(SAID).index(name)]


def maps(study: Results) -> Figure:
    """Errors over temperature and power of the mean, the filter and the best candidate; where the data lie."""
    found: Any = study["forecast/fridge"]["maps"].to_dataset()  # type: ignore[union-attr]
    data: Any = study["simulate/fridge"]["data"].to_dataset().isel(seed=0)  # type: ignore[union-attr]
    figure, axes = panels(1, 3, height=2.6, sharey=True)
    error = found["error"]
    t, u = error["temperature"].values, error["power"].values
    for panel, name in zip(axes[0], ("mean", "filter", "oracle"), strict=True):
        image = panel.pcolormesh(t, u, error.sel(choice=name).T, vmin=0, vmax=1, cmap="viridis", rasterized=True)
        panel.plot(data["state"][::5], data["action"][::5], ".", color="w", ms=1, rasterized=True)
        panel.set(xlabel="temperature (degC)", title=SAID[name])
    axes[0, 0].set(ylabel="cooling power")
    figure.colorbar(image, ax=list(axes[0]), label="absolute error (degC)", extend="max")
    return figure


def reward(study: Results) -> Figure:
    """The reward over the next state far from the data; rank correlations by policy."""
    found: Any = study["forecast/fridge"]
    profile, steps = found["maps"].to_dataset(), found["steps"].to_dataset()
    law: Any = study["entropy/fridge"]
    figure, axes = panels(2, 3, height=4.8)
    for panel, place in zip(axes[0], profile["place"].values, strict=False):
        curve = profile["profile"].sel(place=place)
        panel.plot(profile["offset"].values, curve.values.T, color=COLOURS[0], lw=1)
        low, high = np.clip(profile["proposed"].sel(place=place).values[0], *profile["offset"].values[[0, -1]])
        panel.axvspan(low, high, color="0.85", lw=0)
        panel.axvline(0, color="k", ls=":", lw=1)
        panel.set(xlabel="from the true next\nstate (degC)", title=place, xlim=profile["offset"].values[[0, -1]])
    axes[0, 0].set(ylabel=named(profile["profile"]))
    last, at = axes[1, 0], np.arange(steps.sizes["policy"])
    for shift, name, label, shade in (
        (-0.2, "rank_correlation", "reward", 0),
        (0.0, "central", "nearness to mean", 3),
        (0.2, "regression", "nearness to regression", 4),
    ):
        interval_whiskers(last, at + shift, interval(steps[name], over="seed"), label, color=COLOURS[shade])
    last.axhline(COUNTS, color="k", ls="--", lw=1)
    last.axhline(0, color="0.5", lw=0.8)
    names(last, "x", steps["policy"].values, at, rotation=40)
    last.set(ylabel="rank correlation with error")
    legend(last, "above")
    for shift, name, label, shade in ((-0.12, "proposed", "proposed", 1), (0.12, "accepted", "accepted", 2)):
        interval_whiskers(axes[1, 1], at + shift, interval(law[name], over="seed"), label, color=COLOURS[shade])
    names(axes[1, 1], "x", law["policy"].values, at, rotation=40)
    axes[1, 1].set(ylabel=f"entropy of the next state ({law['proposed'].attrs['units']})")
    legend(axes[1, 1], "above")
    warned = interval(steps["alarm"], over="seed")
    interval_whiskers(axes[1, 2], np.arange(steps.sizes["by"]), warned, None, color=COLOURS[0])
    names(axes[1, 2], "x", [ALARM[str(name)] for name in steps["by"].values], np.arange(steps.sizes["by"]))
    axes[1, 2].axhline(0.5, color="0.5", lw=0.8)
    axes[1, 2].set(ylabel="large errors foretold (AUC)", xlim=(-0.7, steps.sizes["by"] - 0.3))
    return figure


def errors(study: Results) -> Figure:
    """Errors by policy, by pair of networks, and by the number of candidates."""
    found: Any = study["forecast/fridge"]
    steps, variants = found["steps"].to_dataset(), found["variants"].to_dataset()["error"]
    figure, axes = panels(1, 3, height=2.8, gridspec_kw={"width_ratios": [1.6, 1.2, 1]})
    left, middle, right = axes[0]
    shown = ("random", "mean", "filter", "oracle")
    at = np.arange(steps.sizes["policy"])
    for i, name in enumerate(shown):
        style = {"color": colour(name)}
        error = steps["error"].sel(choice=name)
        interval_whiskers(left, at + 0.16 * (i - 1.5), interval(error, over="seed"), SAID[name], **style)
    names(left, "x", steps["policy"].values, at, rotation=40)
    left.set(ylabel=f"error of one step ({steps['error'].attrs['units']})", ylim=(0, None))
    legend(left, "above", ncols=2)
    pairs = ["judged", *[str(name).replace(", ", ",\n") for name in variants["variant"].values]]
    every = [steps["error"], *[variants.isel(variant=i) for i in range(variants.sizes["variant"])]]
    for i, name in enumerate((*shown[:3], "last")):
        for j, error in enumerate(every):
            one = interval(error.sel(choice=name).mean("policy").expand_dims("one"), over="seed")
            label = SAID[name] if j == 0 and name not in shown else None
            interval_whiskers(middle, np.array([j + 0.16 * (i - 1.5)]), one, label, color=colour(name))
    names(middle, "x", pairs, np.arange(len(pairs)), rotation=40)
    middle.set(ylabel="mean over policies (degC)", ylim=(0, None))
    legend(middle, "above")
    counted = steps["by_count"].mean("policy")
    for way in counted["way"].values:
        band = interval(counted.sel(way=way), over="seed")
        interval_band(right, counted["count"], band, SAID[str(way)], color=colour(str(way)), marker="o", ms=3)
    log_axis(right, "x", counted["count"].values)
    right.set(xlabel="candidates", ylabel="mean over policies (degC)", ylim=(0, None))
    legend(right, "above")
    return figure


def control(study: Results) -> Figure:
    """Rollouts, regrets of a search inside the model, and agents that learn there."""
    found: Any = study["forecast/fridge"]
    rolled, agents = found["rollouts"].to_dataset(), found["agents"].to_dataset()
    figure, axes = panels(1, 3, height=2.8)
    left, middle, right = axes[0]
    at = np.arange(rolled.sizes["target"])
    for i, name in enumerate(str(method) for method in rolled["choice"].values):
        along = interval(rolled["along"].sel(choice=name), over="seed")
        interval_band(left, rolled["time"], along, SAID[name], color=colour(name))
        regret = rolled["regret"].sel(choice=name).values
        places = at + 0.2 * (i - 1) + np.linspace(-0.07, 0.07, len(regret))[:, None]
        middle.plot(places.ravel(), regret.ravel(), "o", ms=3, color=colour(name), label=SAID[name])
    left.set(
        xlabel="step",
        ylabel=named(rolled["along"]),
        ylim=(0, BOX[1] / 4 if rolled["along"].max() > BOX[1] / 4 else None),
    )
    legend(left, "above")
    names(middle, "x", [f"{target:g}" for target in rolled["target"].values], at)
    middle.set(xlabel="temperature to hold (degC)", ylabel="regret (degC)")
    legend(middle, "above")
    for arm in (str(name) for name in agents["arm"].values):
        band = interval(agents["along"].sel(arm=arm), over="agent")
        interval_band(right, agents["step"], band, SAID[arm], color=colour(arm))
    right.set(xlabel="steps in its own world", ylabel=named(agents["along"]))
    legend(right, "above")
    return figure
