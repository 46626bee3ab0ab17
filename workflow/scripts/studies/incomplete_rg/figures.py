"""The study's figures: flows that end at the centre, observables over the source, free energies, the transition."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.interpolate import CubicSpline

from pesin.plot.style import COLOURS, legend, log_axis, named, note, panels
from pesin.steps.results import Results

SHOWN = {"entanglement": "hemisphere entropy, finite part", "curvature": "Ricci scalar at the centre"}
SHOWN |= {"volume": "volume less that of AdS", "gap": "lowest mode of a probe"}
STYLES = {"quadratic": ("o-", 0), "cosh": ("s--", 1), "quartic": ("v:", 2)}
SOURCE = "source a"


def chosen(sources: np.ndarray, most: int = 5) -> np.ndarray:
    """Places of a few sources, spread over all."""
    return np.unique(np.linspace(0, sources.size - 1, min(most, sources.size)).round().astype(int))


def flow(study: Results) -> Figure:
    """Scalar of the first potential, and C-function of two, from the centre to the boundary."""
    soliton: Any = study["simulate/flow"]["soliton"].to_dataset()
    found: Any = study["entropy/flow"]
    figure, axes = panels(1, 2, height=3)
    radius = np.tan(soliton["angle"].values[1:-1])
    first = found["potential"].values[0]
    for i, place in enumerate(chosen(soliton["source"].values)):
        look = {"color": COLOURS[i], "label": f"{soliton['source'].values[place]:g}"}
        axes[0, 0].plot(radius, soliton["phi"].isel(potential=0, tolerance=0, source=place)[1:-1], **look)
        for name, style in ((first, "-"), ("quartic", "--")):
            curve = found["c_function"].isel(source=place).sel(potential=found["potential"] == name)
            axes[0, 1].plot(radius, curve.values[:, 1:-1].T, style, color=COLOURS[i])
    axes[0, 0].set(ylabel=named(soliton["phi"], "scalar phi"), title=f"{first} potential")
    axes[0, 1].set(ylabel="C-function, -6 / V", title=f"{first} (solid) and quartic potential (broken)")
    floor = float(found["c_infrared"].max())
    axes[0, 1].axhline(floor, color="k", lw=0.8)
    note(
        axes[0, 1],
        "infrared fixed point of the quartic potential",
        (0.98, floor),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
    )
    for panel in axes[0]:
        log_axis(panel, "x", [0.01, 0.1, 1, 10, 100])
        panel.set(xlabel="radius r (AdS radii)", xlim=(1e-2, 1e2))
    legend(axes[0, 0], title=SOURCE)
    return figure


def observables(study: Results) -> Figure:
    """Four observables over the source, for each potential, and without backreaction."""
    found: Any = study["entropy/flow"]
    flat: Any = study["entropy/no_backreaction"]
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


def transition(study: Results) -> Figure:
    """Free energies, then temperature and radius of the transition over the source, with controls and emulators."""
    found: Any = study["entropy/flow"]
    predicted: Any = study["forecast/flow"]
    figure, axes = panels(1, 3, height=3)
    swallow_tails(axes[0, 0], found.isel(potential=0))
    others: dict[str, Any] = {
        "no backreaction": study["entropy/no_backreaction"],
        "horizon's clock": study["entropy/horizon_clock"],
    }
    for panel, name in zip(axes[0, 1:], ("temperature", "radius"), strict=True):
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
    axes[0, 1].set(ylabel="transition T (1 / sphere radius)", ylim=(0.3178, 0.3245))
    axes[0, 2].set(ylabel="transition radius (AdS radii)", ylim=(0.7, 1.02))
    figure.legend(*axes[0, 2].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def swallow_tails(panel, found: Any) -> None:
    """Free energy over temperature for some sources, and where it is the soliton's."""
    for i, place in enumerate(chosen(found["source"].values, 4)):
        one = found.isel(source=place)
        spline = CubicSpline(one["radius"].values, np.stack([one["temperature"], one["free_energy"]], -1))
        label = f"{found['source'].values[place]:g}"
        panel.plot(*spline(np.linspace(0.15, one["radius"].values[-1], 100)).T, color=COLOURS[i], label=label)
        panel.plot(one["value"].sel(observable="temperature"), 0, "o", ms=4, color=COLOURS[i])
    panel.axhline(0, color="k", lw=0.6)
    panel.set(xlabel="T (1 / sphere radius)", ylabel=named(found["free_energy"]))
    panel.set(xlim=(0.27, 0.38), ylim=(-8, 6), xticks=[0.28, 0.32, 0.36])
    legend(panel, title=SOURCE, loc="lower left")
