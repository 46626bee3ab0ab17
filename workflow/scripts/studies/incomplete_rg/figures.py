"""The study's figures: flows that end at the centre, observables over the source, free energies, the transition."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, legend, named, note, panels
from pesin.steps.results import Results

SHOWN = {"entanglement": "hemisphere entropy, finite part", "curvature": "Ricci scalar at the centre"}
SHOWN |= {"volume": "volume less that of AdS", "gap": "lowest mode of a massless probe"}
STYLES = {"quadratic": ("o-", 0), "cosh": ("s--", 1), "quartic": ("v:", 2)}
SOURCE = "source a"


def chosen(sources: np.ndarray, most: int = 5) -> np.ndarray:
    """Places of a few sources, spread over all."""
    return np.unique(np.linspace(0, sources.size - 1, min(most, sources.size)).round().astype(int))


def flow(study: Results) -> Figure:
    """Scalar, and C-function of two potentials, from the centre to the boundary."""
    soliton: Any = study["simulate/flow"]["soliton"].to_dataset()
    found: Any = study["entropy/flow"]
    figure, axes = panels(1, 3, height=2.8)
    radius = np.tan(soliton["angle"].values[1:-1])
    quartic = "quartic" if "quartic" in found["potential"].values else found["potential"].values[-1]
    for i, place in enumerate(chosen(soliton["source"].values)):
        look = {"color": COLOURS[i], "label": f"{soliton['source'].values[place]:g}"}
        phi = soliton["phi"].isel(potential=0, tolerance=0, source=place)
        axes[0, 0].plot(radius, phi[1:-1], **look)
        for panel, name in zip(axes[0, 1:], (found["potential"].values[0], quartic), strict=True):
            curve = found["c_function"].sel(potential=name).isel(source=place)
            panel.plot(radius, curve[1:-1], **look)
            panel.set_title(f"{name} potential")
            panel.set_ylabel("C-function, -6 / V")
    axes[0, 0].set_ylabel(named(soliton["phi"], "scalar phi"))
    axes[0, 0].set_title(f"{soliton['potential'].values[0]} potential")
    floor = float(found["c_infrared"].sel(potential=quartic))
    axes[0, 2].axhline(floor, color="k", ls="--", lw=0.8)
    note(axes[0, 2], "infrared fixed point", (0.98, floor), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    low = min(float(found["c_function"].min()), floor) - 0.05
    for panel in axes[0]:
        panel.set(xscale="log", xlabel="radius r (AdS radii)", xlim=(1e-2, 1e2))
    for panel in axes[0, 1:]:
        panel.set_ylim(low, 1.02)
    legend(axes[0, 0], title=SOURCE)
    return figure


def observables(study: Results) -> Figure:
    """Four observables over the source, for each potential, and without backreaction."""
    found, flat = study["entropy/flow"], study["entropy/no_backreaction"]
    figure, axes = panels(2, 2, height=2.3, sharex=True)
    for panel, (name, said) in zip(axes.flat, SHOWN.items(), strict=True):
        for potential in found["potential"].values:
            style, colour = STYLES[potential]
            one = found["value"].sel(potential=potential, observable=name)
            panel.plot(one["source"], one, style, color=COLOURS[colour], ms=3, label=potential)
        still = flat["value"].isel(potential=0).sel(observable=name)
        panel.plot(still["source"], still, color=COLOURS[7], label="no backreaction")
        panel.set_ylabel(said)
        panel.ticklabel_format(axis="y", useOffset=False)
    for panel in axes[1]:
        panel.set_xlabel(SOURCE)
    legend(axes[0, 0])
    return figure


def free_energy(study: Results) -> Figure:
    """Free energy over temperature with its zero, and temperature over horizon radius, of the first potential."""
    found: Any = study["entropy/flow"].isel(potential=0)
    figure, axes = panels(1, 2, height=3)
    tails, curves = axes[0]
    for i, place in enumerate(chosen(found["source"].values)):
        one = found.isel(source=place)
        near = one["radius"].values > 0.15
        look = {"color": COLOURS[i], "label": f"{found['source'].values[place]:g}"}
        tails.plot(one["temperature"][near], one["free_energy"][near], **look)
        tails.plot(one["value"].sel(observable="temperature"), 0, "o", ms=4, color=COLOURS[i])
        curves.plot(one["radius"][near], one["temperature"][near], **look)
        level = [float(one["value"].sel(observable=key)) for key in ("radius", "temperature")]
        curves.plot(*level, "o", ms=4, color=COLOURS[i])
    tails.axhline(0, color="k", lw=0.6)
    tails.set(xlabel="temperature T (1 / sphere radius)", ylabel=named(found["free_energy"], "free energy above soliton"))
    tails.set(xlim=(0.27, 0.38), ylim=(-8, 6))
    curves.set(xlabel="horizon radius (AdS radii)", ylabel="temperature T (1 / sphere radius)", ylim=(0.27, 0.38))
    legend(tails, title=SOURCE)
    return figure


def transition(study: Results) -> Figure:
    """Temperature and radius of the transition over the source, with controls and what emulators say of new sources."""
    found, predicted = study["entropy/flow"], study["forecast/flow"]
    figure, axes = panels(1, 2, height=3)
    others = {"no backreaction": study["entropy/no_backreaction"], "horizon's clock": study["entropy/horizon_clock"]}
    for panel, name in zip(axes[0], ("temperature", "radius"), strict=True):
        for potential in found["potential"].values:
            style, colour = STYLES[potential]
            one = found["value"].sel(potential=potential, observable=name)
            panel.plot(one["source"], one, style, color=COLOURS[colour], ms=3, label=potential)
        for i, (said, result) in enumerate(others.items()):
            one = result["value"].isel(potential=0).sel(observable=name)
            panel.plot(one["source"], one, color=COLOURS[7], ls=("-", "-.")[i], label=said)
        for model, mark in zip(predicted["model"].values, "x+1", strict=True):
            one = predicted[name].sel(model=model).median("seed")
            label = "cubic spline" if model == "spline" else f"emulator, {model}"
            panel.plot(one["held_out"], one, mark, color="k", ms=5, label=label)
        panel.set_xlabel(SOURCE)
    axes[0, 0].set(ylabel="Hawking-Page temperature (1 / sphere radius)", ylim=(0.3178, 0.3245))
    axes[0, 1].set(ylabel="horizon radius at the transition (AdS radii)", ylim=(0.75, 1.02))
    legend(axes[0, 1], loc="lower left")
    return figure
