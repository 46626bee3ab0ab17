"""The study's figures: single steps and horizons, roll-outs and phase space, agreement with MD."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import chi2

from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.trajcast_force_free_md.thermostat import freedom

GREY = COLOURS[7]


def steps(study: Results) -> Figure:
    """Parity, errors of one step, and roll-outs against the horizon."""
    result: Any = study["forecast/crystal"]
    figure, ((parity, error), (curve, scan)) = panels(2, 2, height=2.7)
    for i, unit in enumerate(("displacement", "kick")):
        exact, learnt = result["parity"].sel(unit=unit).values
        size = exact.std()
        said = "displacement" if unit == "displacement" else "velocity"
        parity.plot(exact / size, learnt / size, ".", markersize=2, color=COLOURS[i], label=said, rasterized=True)
    ends = np.array([-4, 4])
    parity.plot(ends, ends, color=GREY, linewidth=0.8)
    parity.set(xlabel="exact, in deviations", ylabel="learnt, in deviations", xlim=ends, ylim=ends)
    place = np.arange(result.sizes["stride"])
    for i, unit in enumerate(("displacement", "kick")):
        left = 1 - result["r2"].sel(unit=unit)
        for seed in left["seed"].values:
            error.plot(place, left.sel(seed=seed), "o-", markersize=3, linewidth=0.8, color=COLOURS[i])
    error.axhline(0.05, color=GREY, linestyle=":", linewidth=0.8)
    log_axis(error, "y")
    names(error, "x", result["stride"].values)
    error.set(xlabel="horizon (MD steps)", ylabel="1 - R2 of one step", xlim=(-0.5, len(place) - 0.5), ylim=(1e-3, 2))
    for seed in result["seed"].values:
        curve.plot(
            result["pairs"],
            10 ** result["log_error"].sel(seed=seed),
            "o-",
            markersize=3,
            linewidth=0.8,
            color=COLOURS[2],
        )
    log_axis(curve, "y")
    log_axis(curve, "x", ticks=list(result["pairs"].values))
    curve.set(xlabel="pairs of frames in training", ylabel="1 - R2, mean of both", ylim=(1e-3, 2))
    horizons(scan, result, place)
    for panel in (parity, scan):
        legend(panel, outside="above", ncols=2)
    return figure


def horizons(panel: Axes, result: Any, place: np.ndarray) -> None:
    """Temperature and spread of roll-outs over what they should be; values beyond the panel lie on its edge."""
    low, high = 0.3, 3.0
    panel.axhspan(0.8, 1.2, color=GREY, alpha=0.15, linewidth=0)
    kinds = (("temperature_ratio", "o", "temperature"), ("spread_ratio", "s", "displacement"))
    for i, (variable, marker, said) in enumerate(kinds):
        for j, seed in enumerate(result["seed"].values):
            values = result[variable].sel(seed=seed).values
            at = place + 0.1 * (j - 1)
            lost = ~np.isfinite(values)
            label = said if j == 0 else None
            panel.plot(at, np.clip(values, low, high), marker, markersize=4, color=COLOURS[i], label=label)
            panel.plot(at[lost], np.full(lost.sum(), high * (0.9 - 0.2 * i)), "x", color=COLOURS[i])
        verlet = result["verlet"].values[:, i]
        label = "Verlet" if i == 0 else None
        panel.plot(place + 0.25, np.clip(verlet, low, high), marker, markersize=4, color=GREY, label=label)
        lost = ~np.isfinite(verlet)
        panel.plot(place[lost] + 0.25, np.full(lost.sum(), high * (0.9 - 0.2 * i)), "x", color=GREY)
    log_axis(panel, "y", ticks=[0.3, 0.5, 1, 2, 3])
    names(panel, "x", result["stride"].values)
    panel.set(
        xlabel="horizon (MD steps)", ylabel="over what it should be", ylim=(0.28, 3.2), xlim=(-0.5, len(place) - 0.5)
    )


def along(panel: Axes, values: np.ndarray, colour: str, label: str | None = None) -> None:
    """Mean and range of (copies, frame)."""
    frame = np.arange(values.shape[-1])
    flat = values.reshape(-1, values.shape[-1])
    panel.fill_between(frame, flat.min(0), flat.max(0), color=colour, alpha=0.2, linewidth=0)
    panel.plot(frame, flat.mean(0), color=colour, linewidth=1, label=label)


def roll_outs(study: Results) -> Figure:
    """Spread in both crystals and the distance from the exact trajectory; volume, entropies and momentum."""
    result: Any = study["forecast/crystal"]
    data: Any = study["simulate/crystal"]
    figure, ((small, large, lost), below) = panels(2, 3, height=2.4)
    pairs = ((small, "spread", "exact_spread", "reference"), (large, "large_spread", "exact_large_spread", "large"))
    for panel, variable, exact, group in pairs:
        along(panel, result[variable].values, COLOURS[0], "networks")
        moved = data[group]["position"].values - data[group]["site"].values
        along(panel, (moved**2).sum(-1).mean(-1), "black", "MD")
        level = float(result[exact])
        panel.axhspan(0.8 * level, 1.2 * level, color=GREY, alpha=0.2, linewidth=0)
        said = "larger crystal (sigma^2)" if group == "large" else "(sigma^2)"
        panel.set(xlabel="big step", ylabel=f"mean squared displacement\n{said}")
        legend(panel, outside="above", ncols=2)
    for i, seed in enumerate(result["seed"].values):
        along(lost, np.maximum(result["apart"].sel(seed=seed).values, 1e-3), COLOURS[i])
    lost.axhline(study.params("crystal").forecast.tolerance, color=GREY, linestyle=":", linewidth=1)
    log_axis(lost, "y", ticks=[0.001, 0.01, 0.1, 1, 10])
    lost.set(xlabel="big step, no thermostat", ylabel="distance from MD\nover the atoms' spread", ylim=(1e-3, 30))
    phase_space(below, study["entropy/crystal"], result, study.params("crystal").simulate.cells ** 3 * 4)
    return figure


def phase_space(axes: Any, result: Any, made: Any, atoms: int) -> None:
    """Volume that the learnt step keeps or not, entropies against MD, momentum with and without the projection."""
    volume, panel, momentum = axes
    seeds = result["seed"].values
    for i, seed in enumerate(seeds):
        values = result["log_volume"].sel(seed=seed).values
        volume.plot(np.full(len(values), i), values, "o", markersize=4, color=COLOURS[i])
        values = np.maximum(made["momentum"].sel(seed=seed).values, 1e-9)
        momentum.plot([0, 1], values, "o", markersize=4, color=COLOURS[i])
    volume.axhline(0, color=GREY, linewidth=0.8)
    names(volume, "x", [f"seed {seed}" for seed in seeds])
    volume.set(ylabel="log of the volume's\nfactor (nat)", xlim=(-0.5, len(seeds) - 0.5))
    floor = float(result["configurational_floor"])
    panel.axhspan(-floor / atoms, floor / atoms, color=GREY, alpha=0.25, linewidth=0)
    first = result["configurational"]
    both = np.stack([(first - result["exact_configurational"]) / atoms, result["two_body"] - result["exact_two_body"]])
    shown = first.copy(data=both[0]).expand_dims(measure=2).copy(data=both)
    interval_whiskers(panel, [0, 1], interval(shown, "seed"), color=COLOURS[0])
    panel.axhline(0, color=GREY, linewidth=0.8)
    names(panel, "x", ["configur.", "two-body"], [0, 1])
    panel.set(ylabel="entropy of an atom\nless that of MD (nat)", xlim=(-0.5, 1.5))
    log_axis(momentum, "y", ticks=[1e-9, 1e-6, 1e-3, 1])
    names(momentum, "x", ["projected", "as it comes"], [0, 1])
    momentum.set(ylabel="momentum of an atom\n(sqrt(m epsilon))", xlim=(-0.5, 1.5), ylim=(5e-10, 2))


def agreement(study: Results) -> Figure:
    """Radial distribution, autocorrelation, density of states, kinetic energies."""
    result: Any = study["forecast/crystal"]
    fixed: Any = study["forecast/berendsen"]
    figure, axes = panels(2, 2, height=2.5)
    kinds = (
        (axes[0, 0], "r", "g", "exact_g", "r (sigma)", "g(r)"),
        (axes[0, 1], "lag", "vacf", "exact_vacf", "lag (LJ time)", "velocity autocorrelation"),
        (axes[1, 0], "omega", "vdos", "exact_vdos", "angular frequency (1/LJ time)", "density of states"),
    )
    for panel, dimension, variable, exact, x, y in kinds:
        panel.plot(result[dimension], result[exact], color="black", linewidth=1.6, label="MD")
        for i, seed in enumerate(result["seed"].values):
            panel.plot(
                result[dimension],
                result[variable].sel(seed=seed),
                "--",
                color=COLOURS[i],
                linewidth=1,
                label=f"seed {seed}",
            )
        panel.set(xlabel=x, ylabel=y)
    axes[1, 0].axvline(float(result["omega"][-1]), color=GREY, linestyle=":", linewidth=1)
    energy = axes[1, 1]
    target = study.params("crystal").simulate.temperature
    degrees = freedom(result.sizes["atom"])
    edges = np.linspace(0.5 * target, 1.6 * target, 31)
    for i, seed in enumerate(result["seed"].values):
        for source, colour in ((fixed, GREY), (result, COLOURS[i])):
            values = source["warmth"].sel(seed=seed).values.ravel()
            values = values[np.isfinite(values)]
            label = "no noise" if source is fixed and i == 0 else None
            energy.hist(values, edges, density=True, histtype="step", color=colour, linewidth=0.9, label=label)
    middle = (edges[1:] + edges[:-1]) / 2
    energy.plot(
        middle,
        chi2(degrees).pdf(middle * degrees / target) * degrees / target,
        color="black",
        linewidth=1.6,
        label="law",
    )
    legend(energy, outside="above", ncols=2)
    energy.set(xlabel="temperature (epsilon)", ylabel="density", xlim=(edges[0], edges[-1]))
    for panel in axes[0]:
        legend(panel, outside="above", ncols=4)
    return figure
