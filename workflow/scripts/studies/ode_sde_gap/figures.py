"""The study's figures: clouds and their differences, distances against weight, residual and steps, known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

# Squared W2 of the blobs' sample histograms that the authors publish with their code, at w = 0, 0.1, 1, 10.
PUBLISHED = {
    "ode_data": (0.01432, 0.00789, 0.00690, 0.02250),
    "sde_data": (0.00285, 0.00384, 0.00558, 0.02088),
    "ode_sde": (0.01515, 0.00406, 0.00379, 0.00288),
}
PUBLISHED_WEIGHTS = (0, 0.1, 1, 10)
SAID = {"ode_data": "ODE, data", "sde_data": "SDE, data", "ode_sde": "ODE, SDE"}
HUES = dict(zip(SAID, (COLOURS[1], COLOURS[0], COLOURS[2]), strict=True))
LAWS = {"data": "data", "sde": "SDE", "ode": "ODE"}


def clouds(study: Results) -> Figure:
    """Densities of data, SDE and ODE, and the difference of the two samplers, a row for each weight."""
    result: Any = study["forecast/blob"]
    density, weights = result["density"], result["weight"].values
    outside = result["escaped"].mean("seed")
    figure, axes = panels(len(weights), 4, height=1.8, sharex=True, sharey=True)
    apart = density.sel(law="ode") - density.sel(law="sde")
    top, most = float(density.sel(law="data").max()), float(abs(apart).max())
    extent = (*edges(result["x"].values), *edges(result["y"].values))
    look: dict[str, Any] = {"origin": "lower", "extent": extent, "interpolation": "nearest"}
    for row, weight in zip(axes, weights, strict=True):
        for panel, law in zip(row, LAWS, strict=False):
            shares = panel.imshow(
                density.sel(law=law, weight=weight).values.T, vmin=0, vmax=top, cmap="viridis", **look
            )
            if law != "data":
                share = float(outside.sel(sampler=law, weight=weight))
                note(panel, f"{share:.2%} outside", (0.04, 0.92), xycoords="axes fraction", color="white")
        values = apart.sel(weight=weight).values.T
        differences = row[3].imshow(values, vmin=-most, vmax=most, cmap="RdBu_r", **look)
        row[0].set_ylabel(f"w = {weight:g}\ny")
    for panel, said in zip(axes[0], (*LAWS.values(), "ODE - SDE"), strict=True):
        panel.set_title(said)
    for panel in axes[-1]:
        panel.set_xlabel("x")
    bars = {"location": "bottom", "aspect": 25}
    figure.colorbar(shares, ax=axes[:, :3], label=named(density), shrink=0.5, **bars)
    figure.colorbar(differences, ax=axes[:, 3], label="difference", ticks=[-0.01, 0, 0.01], **bars)
    return figure


def edges(centres: np.ndarray) -> tuple[float, float]:
    """Outer edges of evenly spaced bins."""
    half = (centres[1] - centres[0]) / 2
    return centres[0] - half, centres[-1] + half


def distances(study: Results) -> Figure:
    """Squared distances against the weight, gap against residual, gap against the number of steps."""
    result: Any = study["forecast/blob"]
    figure, ((left, middle, right),) = panels(1, 3, height=2.9)
    weights = list(result["weight"].values)
    every = sorted({*weights, *PUBLISHED_WEIGHTS})
    for i, (pair, hue) in enumerate(HUES.items()):
        place = np.array([every.index(w) for w in weights]) + 0.08 * (i - 1)
        found = interval(result["transport"].sel(pair=pair, counting="inside"), "seed")
        interval_whiskers(left, place, found, label=SAID[pair], color=hue, fmt="o-")
        whole = result["transport"].sel(pair=pair, counting="all").mean("seed")
        left.plot(place, whole, "--", color=hue, linewidth=0.8, label="all points" if pair == "ode_sde" else None)
        at = [every.index(w) for w in PUBLISHED_WEIGHTS]
        left.plot(at, PUBLISHED[pair], "x:", color=hue, label="paper" if pair == "ode_sde" else None, linewidth=0.8)
    floor = float(result["floor"].sel(counting="inside").mean())
    for panel in (left, middle, right):
        panel.axhline(floor, color=COLOURS[7], linewidth=0.8, label="floor" if panel is left else None)
        log_axis(panel, "y")
    names(left, "x", [f"{w:g}" for w in every])
    left.set(xlabel="weight w", ylabel=named(result["transport"], "squared W2"))
    gap = result["transport"].sel(pair="ode_sde", counting="inside")
    for i, weight in enumerate(weights):
        pair_of = result["residual"].sel(weight=weight), gap.sel(weight=weight)
        middle.plot(*pair_of, "o", color=COLOURS[i], label=f"w = {weight:g}", zorder=3)
    for seed in result["seed"].values:
        middle.plot(result["residual"].sel(seed=seed), gap.sel(seed=seed), color=COLOURS[7], linewidth=0.7)
    log_axis(middle, "x")
    middle.set(xlabel=named(result["residual"], "mean square residual"), ylabel=named(gap, "squared W2 (ODE, SDE)"))
    exact: Any = study["forecast/exact_score"]["gap_at_steps"].sel(counting="inside")
    for i, weight in enumerate(weights):
        at_steps = result["gap_at_steps"].sel(weight=weight, counting="inside")
        shift = 1.03 ** (i - 1)
        found = interval(at_steps, "seed")
        interval_whiskers(right, at_steps["steps"] * shift, found, f"w = {weight:g}", color=COLOURS[i], fmt="o-")
    found = interval(exact.isel(weight=0), "seed")
    interval_whiskers(right, exact["steps"].values, found, "exact score", color=COLOURS[6], fmt="s--")
    log_axis(right, "x", ticks=exact["steps"].values)
    for panel in (middle, right):
        log_axis(panel, "y", ticks=[0.02, 0.03, 0.05, 0.1, 0.2])
    right.set(xlabel="steps of the samplers", ylabel=named(exact, "squared W2 (ODE, SDE)"))
    for panel in (left, middle, right):
        legend(panel, outside="above", ncols=2)
    return figure


def known(study: Results) -> Figure:
    """The solvable gap against its closed form, where it comes from, and entropies of the generated laws."""
    solvable: Any = study["entropy/solvable"]
    learned: Any = study["entropy/blob"]
    figure, ((left, middle, right),) = panels(1, 3, height=2.9)
    delta = solvable["deviation"].values
    for i, horizon in enumerate(solvable["horizon"].values):
        left.plot(delta, solvable["gap"].sel(horizon=horizon), color=COLOURS[i], label=f"T = {horizon:g}")
        left.plot(delta, solvable["made_gap"].sel(horizon=horizon), ".", color=COLOURS[i])
    left.plot(delta[:4], 0.3 * delta[:4], ":", color=COLOURS[7], label="slope 1")
    left.set(xlabel="delta", ylabel=named(solvable["gap"]))
    for panel in (left, middle):
        log_axis(panel, "x")
        log_axis(panel, "y")
    for name, style in (("ode", "-"), ("sde", "--")):
        for i, horizon in enumerate(solvable["horizon"].values):
            error = solvable["error"].sel(sampler=name, horizon=horizon)
            label = f"{LAWS[name]}, T = {horizon:g}" if i in (0, solvable.sizes["horizon"] - 1) else None
            middle.plot(delta, error, style, color=COLOURS[i], label=label)
    middle.set(xlabel="delta", ylabel=named(solvable["error"]))
    place = np.arange(learned.sizes["weight"])
    for i, (law, said) in enumerate(LAWS.items()):
        found = interval(learned["neighbour_entropy"].sel(law=law), "seed")
        interval_whiskers(right, place + 0.1 * (i - 1), found, f"{said}, k-NN", color=COLOURS[(6, 0, 1)[i]])
    found = interval(learned["flow_entropy"], "seed")
    interval_whiskers(right, place + 0.2, found, "ODE, flow", color=COLOURS[1], fmt="s")
    right.axhline(float(learned["data_entropy"]), color=COLOURS[7], linewidth=0.8, label="data, exact")
    names(right, "x", [f"{w:g}" for w in learned["weight"].values])
    right.set(xlabel="weight w", ylabel=named(learned["neighbour_entropy"], "differential entropy"))
    for panel in (left, middle, right):
        legend(panel, outside="above", ncols=2)
    return figure
