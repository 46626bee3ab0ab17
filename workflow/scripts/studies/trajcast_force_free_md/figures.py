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
KINDS = (("displacement", "displacement"), ("kick", "velocity"))


def steps(study: Results) -> Figure:
    """Parity, errors of one step, and roll-outs against the horizon."""
    result: Any = study["forecast/crystal"]
    figure, ((parity, error, scan),) = panels(1, 3, height=2.9)
    for i, (unit, said) in enumerate(KINDS):
        exact, learnt = result["parity"].sel(unit=unit).values
        size = exact.std()
        parity.plot(exact / size, learnt / size, ".", markersize=2, color=COLOURS[i], label=said, rasterized=True)
    ends = np.array([-4, 4])
    parity.plot(ends, ends, color=GREY, linewidth=0.8)
    parity.set(
        xlabel="exact, in deviations",
        ylabel="learnt, in deviations",
        xlim=ends,
        ylim=ends,
        xticks=[-4, 0, 4],
        yticks=[-4, 0, 4],
    )
    legend(parity, outside="above")
    arms_of(error, result, study.params("crystal").forecast.holds.r2)
    horizons(scan, result, np.arange(result.sizes["stride"]))
    return figure


def arms_of(panel: Axes, result: Any, least: float) -> None:
    """What a step leaves unexplained: at each horizon, then at the main one with fewer pairs; each seed a dot."""
    strides, pairs = result["stride"].values, result["pairs"].values[:-1]
    for i, (unit, said) in enumerate(KINDS):
        left = 1 - np.concatenate(
            [result["r2"].sel(unit=unit).values, result["r2_by_pairs"].sel(unit=unit).values[:-1]]
        )
        at = np.arange(len(left))[:, None] + 0.2 * i + 0.06 * np.arange(left.shape[1])
        panel.plot(at.ravel(), left.ravel(), "o", markersize=3, color=COLOURS[i], label=said)
    linear = 1 - result["linear_r2"].values
    panel.plot(np.arange(len(strides)) - 0.15, linear[:, 1], "_", markersize=8, color=GREY, label="linear map")
    panel.axhline(1 - least, color=GREY, linestyle=":", linewidth=1)
    panel.axvline(len(strides) - 0.35, color=GREY, linewidth=0.6)
    log_axis(panel, "y", ticks=[1e-3, 1e-2, 0.1, 1])
    names(panel, "x", [*strides, *(f"{many} pairs" if many > 1 else "1 pair" for many in pairs)], rotation=30)
    panel.set(xlabel="horizon (MD steps)", ylabel="1 - R2 of one step", ylim=(5e-4, 3))
    legend(panel, outside="above")


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
            panel.plot(at, np.clip(values, low, high), marker, markersize=3.5, color=COLOURS[i], label=label)
            panel.plot(at[lost], np.full(lost.sum(), high * (0.9 - 0.2 * i)), "x", color=COLOURS[i])
        verlet = result["verlet"].values[:, i]
        label = "Verlet" if i == 0 else None
        panel.plot(place + 0.25, np.clip(verlet, low, high), marker, markersize=4, color=GREY, label=label)
        lost = ~np.isfinite(verlet)
        panel.plot(place[lost] + 0.25, np.full(lost.sum(), high * (0.9 - 0.2 * i)), "x", color=GREY)
    legend(panel, outside="above")
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
    figure, ((spread, lost, momentum), below) = panels(2, 3, height=2.4)
    moved = data["reference"]["position"].values - data["reference"]["site"].values
    along(spread, (moved**2).sum(-1).mean(-1) / float(result["exact_spread"]), GREY, "MD")
    along(spread, result["spread"].values / float(result["exact_spread"]), COLOURS[0], "networks")
    along(spread, result["large_spread"].values / float(result["exact_large_spread"]), COLOURS[1], "larger crystal")
    spread.axhspan(0.8, 1.2, color=GREY, alpha=0.25, linewidth=0)
    spread.set(xlabel="big step, with thermostat", ylabel="mean squared displacement\nover that of MD", ylim=(0, 2))
    legend(spread, outside="above")
    for i, seed in enumerate(result["seed"].values):
        gained = float(result["drift"].sel(seed=seed).mean())
        along(lost, np.maximum(result["apart"].sel(seed=seed).values, 1e-3), COLOURS[i], f"{gained:.0e} a step")
    lost.axhline(study.params("crystal").forecast.tolerance, color=GREY, linestyle=":", linewidth=1)
    log_axis(lost, "y", ticks=[0.001, 0.01, 0.1, 1, 10])
    lost.set(xlabel="big step, no thermostat", ylabel="distance from MD\nover the atoms' spread", ylim=(1e-3, 10))
    legend(lost, outside="above")
    by_seed(momentum, [0, 1], np.maximum(result["momentum"].values, 1e-9))
    log_axis(momentum, "y", ticks=[1e-9, 1e-6, 1e-3, 1])
    names(momentum, "x", ["projected", "as it comes"], [0, 1])
    momentum.set(ylabel="momentum of an atom\n(sqrt(m epsilon))", xlim=(-0.5, 1.5), ylim=(5e-10, 2))
    phase_space(below, study["entropy/crystal"], result.sizes["atom"])
    return figure


def by_seed(panel: Axes, at, values: np.ndarray) -> None:
    """Dots of (places, seeds), each seed in its colour."""
    for i, column in enumerate(values.T):
        panel.plot(np.add(at, 0.06 * i), column, "o", markersize=4, color=COLOURS[i])


def phase_space(axes: Any, result: Any, atoms: int) -> None:
    """Volume that the learnt step keeps or not, whether it can be taken back, entropies against MD."""
    volume, back, panel = axes
    for place, variable, said in (
        (volume, "log_volume", "log of the volume's\nfactor (nat)"),
        (back, "irreversibility", "missed by a step there\nand back, over the step"),
    ):
        values = result[variable].values.T
        by_seed(place, np.arange(len(values)), values)
        names(place, "x", np.arange(len(values)))
        place.axhline(0, color=GREY, linewidth=0.8)
        place.set(xlabel="state", ylabel=said, xlim=(-0.5, len(values) - 0.4))
    floor = float(result["configurational_floor"])
    panel.axhspan(-floor / atoms, floor / atoms, color=GREY, alpha=0.25, linewidth=0)
    first = result["configurational"]
    both = np.stack([(first - result["exact_configurational"]) / atoms, result["two_body"] - result["exact_two_body"]])
    shown = first.copy(data=both[0]).expand_dims(measure=2).copy(data=both)
    interval_whiskers(panel, [0, 1], interval(shown, "seed"), color=COLOURS[0])
    panel.axhline(0, color=GREY, linewidth=0.8)
    names(panel, "x", ["configur.", "two-body"], [0, 1])
    panel.set(ylabel="entropy of an atom\nless that of MD (nat)", xlim=(-0.5, 1.5))


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
