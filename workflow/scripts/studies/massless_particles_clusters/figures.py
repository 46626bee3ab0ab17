"""The study's figures: segregation; the potential and the entropy in it; core, outskirts and escapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

TIME = "time (N-body)"
CLASSES = {"heavy": "heavy stars", "light": "light stars", "MLP": "MLPs"}
DENSITIES = {"normal": "-", "dense": "--"}
WINDOW, SUNK, ALIKE = (10, 12), 0.6, (0.9, 1.25)
"""C1: times that are averaged, the bound of the heavy stars' ratio, what the light stars' may be."""
MOVED, FALLEN, APART = 0.45, 0.6, 0.15
"""C2: changes of the product that are allowed; C3: the bound of the smallest core; C5: how far curves may be apart."""


def segregation(study: Results) -> Figure:
    """Half-number radii of the classes, and the ratios that are judged, by density; divergences and Lambda_MSR."""
    found: Any = study["entropy/known"]
    equal: Any = study["entropy/equal_masses"]
    figure, axes = panels(2, 3, sharex=True)
    for column, density in enumerate(DENSITIES):
        one = found.sel(density=density)
        above, below = axes[:, column]
        for i, (name, said) in enumerate(CLASSES.items()):
            curve(above, one["r_half"].sel({"class": name}), said, COLOURS[i])
        above.set(title=f"{density} cluster", ylim=(0, None))
        curve(below, one["heavy_ratio"], "heavy / MLP", COLOURS[0])
        mean = equal["heavy_ratio"].sel(density=density).mean("seed")
        below.plot(equal["time"], mean, color=COLOURS[7], label="the same, equal masses")
        curve(below, one["light_ratio"], "MLP / light", COLOURS[2])
        for name, colour in (("heavy_ratio", COLOURS[0]), ("light_ratio", COLOURS[2])):
            judged(below, sum(WINDOW) / 2, one[name].sel(time=slice(*WINDOW)).mean("time"), colour)
        below.axhspan(*ALIKE, color=COLOURS[2], alpha=0.12, lw=0)
        below.axvspan(*WINDOW, color="k", alpha=0.08, lw=0)
        if density == "dense":
            below.axhline(SUNK, color=COLOURS[0], ls="--", lw=0.8)
        below.set(xlabel=TIME, ylim=(0, 1.8), xticks=np.linspace(0, found["time"].values[-1], 3))
    axes[0, 0].set_ylabel(named(found["r_half"]))
    axes[1, 0].set_ylabel("ratio of radii")
    legend(axes[0, 0], loc="upper left")
    legend(axes[1, 0], loc="lower left")
    measures(axes[0, 2], axes[1, 2], found, equal)
    few_ticks(axes)
    return figure


def measures(divergence, trees, found, equal) -> None:
    """Divergences of the radii and Lambda_MSR of the heaviest stars, of both densities."""
    for density, style in DENSITIES.items():
        one = found.sel(density=density)
        for i, pair in enumerate(found["pair"].values):
            moments(divergence, one["divergence"].sel(pair=pair), f"{pair}, {density}", COLOURS[(2, 0)[i]], style)
        moments(trees, one["lambda_msr"], density, COLOURS[0], style)
        mean = equal["lambda_msr"].sel(density=density).mean("seed")
        trees.plot(equal["moment"], mean, style, color=COLOURS[7], label=f"{density}, equal masses")
    trees.axhline(1, color="k", ls=":", lw=0.8)
    divergence.set(ylabel=named(found["divergence"]), ylim=(0, 1))
    trees.set(ylabel=named(found["lambda_msr"]), xlabel=TIME, ylim=(0, 1.5 * trees.get_ylim()[1]))
    for panel in (divergence, trees):
        legend(panel, loc="upper left")


def few_ticks(axes) -> None:
    """Four at most on linear axes: they take most of the time of drawing."""
    for panel in axes.ravel():
        for which, scale in (("x", panel.get_xscale()), ("y", panel.get_yscale())):
            if scale == "linear" and not isinstance(getattr(panel, f"{which}axis").get_major_locator(), FixedLocator):
                panel.locator_params(axis=which, nbins=4)


def curve(panel, values, label: str, colour: str, style: str = "-") -> None:
    """Mean over seeds against time, with its interval."""
    interval_band(panel, values["time"], interval(values, "seed"), label=label, color=colour, ls=style)


def judged(panel, x: float, values, colour: str) -> None:
    """Mean and interval of a number of each seed, in black rimmed with its colour."""
    look: dict[str, Any] = {"color": "k", "mfc": colour, "fmt": "D", "zorder": 5}
    interval_whiskers(panel, [x], interval(values.expand_dims(at=1), "seed"), **look)


def potential(study: Results) -> Figure:
    """Depth; radius times depth; errors of smooth potentials; entropies in phase space; pairs of a step."""
    found: Any = study["entropy/known"]
    held: Any = study["entropy/static_potential"]
    figure, axes = panels(2, 3, height=2.5)
    depth, product, phase, *errors, cost = axes.ravel()
    end = found["time"].values[-1]
    for i, (density, style) in enumerate(DENSITIES.items()):
        one = found.sel(density=density)
        curve(depth, one["depth"], density, COLOURS[i])
        still = held["depth"].sel(density=density).mean("seed")
        depth.plot(held["time"], still, ":", color=COLOURS[i], label="stars held")
        ratio = one["depth"] * one["r_half"].sel({"class": "MLP"})
        curve(product, ratio / ratio.isel(time=0), density, COLOURS[i])
        judged(product, end * (1.05 + 0.05 * i), 1 + one["product_moved"], COLOURS[i])
        for k, (name, said) in enumerate(CLASSES.items()):
            label = said if density == "normal" else ""
            moments(phase, one["phase_entropy"].sel({"class": name}), label, COLOURS[k], style)
    product.axhspan(1 - MOVED, 1 + MOVED, color="k", alpha=0.08, lw=0)
    depth.set(ylabel="mean depth at MLPs (N-body)", ylim=(0, 2.9))
    product.set(ylabel="radius x depth, over its start", ylim=(0.4, 2.2))
    low, high = phase.get_ylim()
    phase.set(ylabel="entropy in scaled\nphase space (nat)", ylim=(low, high + 0.5 * (high - low)))
    for panel in (depth, product, phase):
        panel.set(xlabel=TIME, xticks=np.linspace(0, end, 3))
        legend(panel, loc="upper left", ncols=2 if panel is depth else 1)
    smooth_orbits(errors, study["forecast/known"])
    pairs_of_a_step(cost, found, study["entropy/kicks_and_mass"])
    few_ticks(axes)
    return figure


def smooth_orbits(errors, forecasts) -> None:
    """Errors in r and in radial velocity of each method, by horizon."""
    for panel, scored, said in zip(errors, ("r", "v_r"), ("r", "radial velocity"), strict=True):
        for k, method in enumerate(forecasts["method"].values):
            for density, style in DENSITIES.items():
                values = forecasts["error"].sel(scored=scored, density=density).isel(method=k)
                look: dict[str, Any] = {"color": COLOURS[k], "fmt": f"o{style}"}
                label = str(method) if density == "normal" else None
                interval_whiskers(panel, values["horizon"], interval(values, "seed"), label=label, **look)
        panel.set(xlabel="horizon (N-body)", ylabel=f"error of {said},\nover chance", ylim=(0, 1.2))
        log_axis(panel, "x", ticks=forecasts["horizon"].values)
        panel.minorticks_off()
    legend(errors[0], loc="upper left")


def pairs_of_a_step(panel, found, massive) -> None:
    """What MLPs add to a step, without mass and with."""
    panel.plot(found["count"], found["pairs"], "o-", color=COLOURS[2], label="without mass")
    panel.plot(massive["count"], massive["pairs"], "s--", color=COLOURS[7], label="with mass")
    panel.set(xlabel="number of MLPs", ylabel="pairs that they\nadd to a step")
    log_axis(panel, "x", ticks=found["count"].values[::2])
    log_axis(panel, "y")
    panel.minorticks_off()
    legend(panel, loc="upper left")


def core_and_escape(study: Results) -> Figure:
    """Core radius and density, outer radius; scaled radii; rates of escape; speeds at the exit."""
    found: Any = study["entropy/known"]
    figure, axes = panels(2, 3, height=2.5)
    core, density_panel, outer, scaled, rates, speeds = axes.ravel()
    shown = {
        "core_radius": (core, "core radius"),
        "core_density": (density_panel, "core density"),
        "r_90": (outer, "radius of 90 % of MLPs"),
    }
    end = found["time"].values[-1]
    for i, density in enumerate(DENSITIES):
        one = found.sel(density=density)
        for name, (panel, said) in shown.items():
            curve(panel, one[name] / one[name].isel(time=0), density, COLOURS[i])
            panel.set(xlabel=TIME, ylabel=f"{said},\nover its start")
        judged(core, end * (1.05 + 0.05 * i), one["core_fall"], COLOURS[i])
        judged(density_panel, end * (1.05 + 0.05 * i), 10 ** one["core_peak"], COLOURS[i])
        moved = found["bin_middle"] + 0.3 * i
        interval_whiskers(rates, moved, interval(one["rate"], "seed"), label=density, color=COLOURS[i])
        rates.axvline(float(one["collapse_together"]), color=COLOURS[i], ls=":", lw=1)
    core.axhline(FALLEN, color="k", ls="--", lw=0.8)
    log_axis(density_panel, "y", ticks=[0.5, 1, 4, 16])
    density_panel.minorticks_off()
    density_panel.set_ylim(0.3, 20)
    interval_whiskers(scaled, found["scaled_time"], interval(found["scaled_difference"], "seed"), color=COLOURS[2])
    scaled.axhspan(-APART, APART, color="k", alpha=0.08, lw=0)
    scaled.set(xlabel="time of the normal cluster\n(N-body)", ylabel="scaled radius of MLPs,\ndense / normal - 1")
    scaled.set(ylim=(-0.5, 0.5), xlim=(0, 1.1 * end))
    rates.set(xlabel=TIME, ylabel="share of MLPs escaping\nin a unit of time", ylim=(-0.002, None))
    legend(outer, loc="upper left")
    exit_speeds(speeds, found, study["entropy/kicks_and_mass"])
    few_ticks(axes)
    return figure


def exit_speeds(panel, found, kicked) -> None:
    """Cumulative shares of the escapers, and where the stars' median lies if that of MLPs is taken as exact."""
    for values, said, colour in (
        (found["star_speed"], "stars", COLOURS[0]),
        (found["mlp_speed"], "MLPs", COLOURS[2]),
        (kicked["star_speed"], "stars, some kicked", COLOURS[7]),
    ):
        left = np.sort(values.values[np.isfinite(values.values)])
        panel.step(left, np.arange(1, left.size + 1) / max(left.size, 1), color=colour, label=said)
    median = float(np.nanmedian(found["mlp_speed"].values)) if np.isfinite(found["mlp_speed"].values).any() else np.nan
    ratio = interval(found["speed_difference"], "two")
    low, high = (median * (1 + float(end)) for end in (ratio.low, ratio.high))
    panel.plot([low, high], [0.5, 0.5], "k|-", ms=6, label="median of stars, judged")
    log_axis(panel, "x", ticks=[0.3, 1, 3, 10])
    panel.minorticks_off()
    panel.set(xlabel="scaled speed at the exit\n(N-body)", ylabel="share of the escapers", ylim=(0, 1.75))
    panel.set_yticks([0, 0.5, 1])
    legend(panel, loc="upper left")


def moments(panel, values, label: str, colour: str, style: str) -> None:
    """Mean over seeds at few moments, with its interval."""
    look: dict[str, Any] = {"color": colour, "fmt": f"o{style}"}
    interval_whiskers(panel, values["moment"], interval(values, "seed"), label=label, **look)
