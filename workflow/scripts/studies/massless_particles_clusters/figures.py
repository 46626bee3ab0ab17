"""The study's figures: segregation; the potential; core, outskirts and escapes; entropies, trees and costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

TIME = "time (N-body)"
CLASSES = {"heavy": "heavy stars", "light": "light stars", "MLP": "MLPs"}
DENSITIES = {"normal": "-", "dense": "--"}
WINDOW, SUNK, ALIKE = (10, 12), 0.6, (0.9, 1.25)
"""C1: times that are averaged, the bound of the heavy stars' ratio, what the light stars' may be."""
MOVED, FALLEN = 0.45, 0.6
"""C2 and C3: changes of the product that are allowed, and the bound of the smallest core."""


def segregation(study: Results) -> Figure:
    """Half-number radii of the classes, and the ratios that are judged, by density."""
    found: Any = study["entropy/known"]
    equal: Any = study["entropy/equal_masses"]
    figure, axes = panels(2, 2, sharex=True)
    for column, density in enumerate(DENSITIES):
        one = found.sel(density=density)
        above, below = axes[:, column]
        for i, (name, said) in enumerate(CLASSES.items()):
            curve(above, one["r_half"].sel({"class": name}), said, COLOURS[i])
        above.set(title=f"{density} cluster", ylim=(0, None))
        curve(below, one["heavy_ratio"], "heavy / MLP", COLOURS[0])
        curve(below, equal["heavy_ratio"].sel(density=density), "the same, equal masses", COLOURS[7])
        curve(below, one["light_ratio"], "MLP / light", COLOURS[2])
        below.axhspan(*ALIKE, color=COLOURS[2], alpha=0.12, lw=0)
        below.axvspan(*WINDOW, color="k", alpha=0.08, lw=0)
        if density == "dense":
            below.axhline(SUNK, color=COLOURS[0], ls="--", lw=0.8)
        below.set(xlabel=TIME, ylim=(0, 1.8))
    axes[0, 0].set_ylabel(named(found["r_half"]))
    axes[1, 0].set_ylabel("ratio of radii")
    legend(axes[0, 0], loc="upper left")
    legend(axes[1, 0], loc="lower left")
    return figure


def curve(panel, values, label: str, colour: str, style: str = "-") -> None:
    """Mean over seeds against time, with its interval."""
    interval_band(panel, values["time"], interval(values, "seed"), label=label, color=colour, ls=style)


def potential(study: Results) -> Figure:
    """Depth; radius times depth; errors of smooth potentials in r and in the radial velocity."""
    found: Any = study["entropy/known"]
    held: Any = study["entropy/static_potential"]
    forecasts: Any = study["forecast/known"]
    chosen = forecasts["error"]
    figure, axes = panels(1, 4, height=2.5)
    depth, product, *errors = axes[0]
    for i, density in enumerate(DENSITIES):
        one = found.sel(density=density)
        curve(depth, one["depth"], density, COLOURS[i])
        curve(depth, held["depth"].sel(density=density), f"{density}, stars held", COLOURS[i], ":")
        ratio = one["depth"] * one["r_half"].sel({"class": "MLP"})
        product.plot(one["time"], (ratio / ratio.isel(time=0)).transpose("time", "seed"), color=COLOURS[i], lw=0.7)
    product.axhspan(1 - MOVED, 1 + MOVED, color="k", alpha=0.08, lw=0)
    depth.set(xlabel=TIME, ylabel="mean depth at MLPs (N-body)", ylim=(0, 3.4))
    product.set(xlabel=TIME, ylabel="radius x depth, over its start", ylim=(0, 2))
    legend(depth, loc="upper right")
    for panel, scored, said in zip(errors, ("r", "v_r"), ("r", "radial velocity"), strict=True):
        for i, method in enumerate(forecasts["method"].values):
            for density, style in DENSITIES.items():
                values = chosen.sel(scored=scored, density=density).isel(method=i)
                label = method if density == "normal" and scored == "r" else None
                look: dict[str, Any] = {"color": COLOURS[i], "fmt": f"o{style}"}
                interval_whiskers(panel, values["horizon"], interval(values, "seed"), label=label, **look)
        panel.axhline(1, color="k", ls=":", lw=0.8)
        panel.set(xlabel="horizon (N-body)", ylabel=f"error of {said} over chance", ylim=(0, 1.5))
        log_axis(panel, "x", ticks=forecasts["horizon"].values)
    said = {"ncols": 4, "title": "full: normal, broken: dense"}
    figure.legend(*errors[0].get_legend_handles_labels(), loc="outside lower right", **said)
    return figure


def core_and_escape(study: Results) -> Figure:
    """Core radius and density, outer radius; rates of escape; speeds at the exit."""
    found: Any = study["entropy/known"]
    kicked: Any = study["entropy/kicks_and_mass"]
    figure, axes = panels(2, 3, height=2.4)
    core, density_panel, outer, normal, dense, speeds = axes.ravel()
    shown = {
        "core_radius": (core, "core radius"),
        "core_density": (density_panel, "core density"),
        "r_90": (outer, "radius of 90 % of MLPs"),
    }
    for i, density in enumerate(DENSITIES):
        one = found.sel(density=density)
        for name, (panel, said) in shown.items():
            curve(panel, one[name] / one[name].isel(time=0), density, COLOURS[i])
            panel.set(xlabel=TIME, ylabel=f"{said},\nover its start")
        panel = (normal, dense)[i]
        interval_whiskers(panel, found["bin_middle"], interval(one["rate"], "seed"), color=COLOURS[i])
        panel.plot(one["collapse"], 0 * one["collapse"], "|", color="k", ms=12, label="smallest core, each seed")
        panel.set(xlabel=TIME, ylabel="share of MLPs escaping\nin a unit of time", title=density, ylim=(-0.001, None))
    core.axhline(FALLEN, color="k", ls="--", lw=0.8)
    log_axis(density_panel, "y")
    legend(core, loc="best")
    legend(normal, loc="upper right")
    for values, said, colour in (
        (found["star_speed"], "stars", COLOURS[0]),
        (found["mlp_speed"], "MLPs", COLOURS[2]),
        (kicked["star_speed"], "stars, some kicked", COLOURS[7]),
    ):
        left = np.sort(values.values[np.isfinite(values.values)])
        speeds.step(left, np.arange(1, left.size + 1) / max(left.size, 1), color=colour, label=said)
    log_axis(speeds, "x", ticks=[0.3, 1, 3, 10])
    speeds.set(xlabel="speed at the exit, scaled (N-body)", ylabel="share of the escapers", ylim=(0, 1.02))
    legend(speeds, loc="lower right")
    return figure


def measures(study: Results) -> Figure:
    """Divergences, Lambda_MSR, entropies in phase space, pairs of a step."""
    found: Any = study["entropy/known"]
    equal: Any = study["entropy/equal_masses"]
    massive: Any = study["entropy/kicks_and_mass"]
    figure, axes = panels(2, 2)
    divergence, trees, phase, cost = axes.ravel()
    for density, style in DENSITIES.items():
        one = found.sel(density=density)
        for i, pair in enumerate(found["pair"].values):
            moments(divergence, one["divergence"].sel(pair=pair), f"{pair}, {density}", COLOURS[(2, 0)[i]], style)
        moments(trees, one["lambda_msr"], density, COLOURS[0], style)
        moments(trees, equal["lambda_msr"].sel(density=density), f"{density}, equal masses", COLOURS[7], style)
        for i, (name, said) in enumerate(CLASSES.items()):
            moments(phase, one["phase_entropy"].sel({"class": name}), f"{said}, {density}", COLOURS[i], style)
    trees.axhline(1, color="k", ls=":", lw=0.8)
    divergence.set(ylabel=named(found["divergence"]), ylim=(0, 1))
    trees.set(ylabel=named(found["lambda_msr"]))
    phase.set(ylabel=named(found["phase_entropy"]))
    for panel in (divergence, trees, phase):
        panel.set_xlabel(TIME)
        legend(panel, loc="best", ncols=2 if panel is phase else 1)
    cost.plot(found["count"], found["pairs"], "o-", color=COLOURS[2], label="without mass")
    cost.plot(massive["count"], massive["pairs"], "s--", color=COLOURS[7], label="with mass")
    cost.set(xlabel="number of MLPs", ylabel="pairs that they add to a step")
    log_axis(cost, "x", ticks=found["count"].values)
    log_axis(cost, "y")
    legend(cost, loc="upper left")
    return figure


def moments(panel, values, label: str, colour: str, style: str) -> None:
    """Mean over seeds at few moments, with its interval."""
    look: dict[str, Any] = {"color": colour, "fmt": f"o{style}"}
    interval_whiskers(panel, values["moment"], interval(values, "seed"), label=label, **look)
