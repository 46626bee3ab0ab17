"""The study's figures: the ring's maps, learned beside exact; estimators beside the truth; the fluid."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

SAID = {"learned": "learned", "score_free": "score-free", "uncertainty": "uncertainty bound"}
FLUID = {"learned": "|v|²", "score_free": "contacts", "divergence": "div v"}


def ring(study: Results) -> Figure:
    """Density, flow and entropy production over (x, g): by networks, and by the Fokker-Planck equation."""
    learned: Any = study["entropy/solvable"]["ring"]
    exact: Any = study["simulate/solvable"]["ring"]
    physics = study.params("solvable").simulate.ring
    v = exact["velocity"]
    made = exact["density"] * (v.sel(part="x") ** 2 / physics.diffusion + v.sel(part="g") ** 2 / physics.turning)
    rows = {
        "learned": (learned["cell_x"], learned["cell_g"], learned["density"], learned["velocity"], learned["map"]),
        "exact": (exact["x"], exact["g"], exact["density"], v, made),
    }
    figure, axes = panels(2, 3, height=2.1, sharex=True, sharey=True)
    limits = [float(np.nanmax(exact["density"])), float(np.nanmax(made))]
    for row, (name, (x, g, density, flow, production)) in zip(axes, rows.items(), strict=True):
        look: dict[str, Any] = {"shading": "nearest", "rasterized": True, "vmin": 0}
        shown = [row[0].pcolormesh(x, g, density.values.T, vmax=limits[0], cmap="viridis", **look)]
        shown.append(row[2].pcolormesh(x, g, production.values.T, vmax=limits[1], cmap="magma", **look))
        seen = density.values > 0.01 * limits[0]
        current = [np.where(seen, flow.sel(part=part).values, np.nan).T for part in ("x", "g")]
        row[1].streamplot(x.values, g.values, *current, density=1.1, color=COLOURS[0], linewidth=0.7, arrowsize=0.7)
        row[0].set_ylabel(f"{name}\npropulsion g")
    for panel, title in zip(axes[0], ("density", "flow", "entropy production"), strict=True):
        panel.set_title(title)
    for panel in axes[-1]:
        panel.set(xlabel="distance x (R)", ylim=(-3.5, 3.5))
    bars: dict[str, Any] = {"location": "bottom", "aspect": 25, "shrink": 0.9}
    figure.colorbar(shown[0], ax=axes[:, 0], label=named(exact["density"], "density"), **bars)
    figure.colorbar(shown[1], ax=axes[:, 2], label=named(learned["map"], "per area"), ticks=[0, 0.005, 0.01], **bars)
    return figure


def estimators(study: Results) -> Figure:
    """Totals of the ring by each estimator, its parts, and errors in traps against the dimension."""
    result: Any = study["entropy/solvable"]
    at_ring, at_trap = result["ring"], result["trap"]
    controls: dict[str, Any] = {name: study[f"entropy/{name}"]["ring"] for name in ("shuffled_activity", "untrained")}
    figure, ((left, middle, right),) = panels(1, 3, height=2.8)
    shown = {said: at_ring["total"].sel(estimator=method) for method, said in SAID.items()}
    shown |= {name.replace("_", " "): c["total"].sel(estimator="learned") for name, c in controls.items()}
    for i, values in enumerate(shown.values()):
        left.plot(i + np.linspace(-0.15, 0.15, len(values)), values, "o", color=COLOURS[i], markersize=3)
        interval_whiskers(left, [i + 0.3], interval(values.expand_dims("place"), "seed"), color=COLOURS[i])
    left.axhline(float(at_ring["total"].sel(estimator="exact")[0]), color=COLOURS[7], linewidth=0.8)
    names(left, "x", list(shown), rotation=45)
    left.set_ylabel(named(at_ring["total"], "total"))
    judged = {"total, exact": (at_ring["total_error"].sel(against="exact"), 0.05)}
    judged["total, score-free"] = at_ring["total_error"].sel(against="score_free"), 0.05
    judged |= {
        said: (at_ring["part_error"].sel(part=part), 0.1) for part, said in (("x", "places"), ("g", "propulsions"))
    }
    judged["trap"] = at_trap["error"].sel(estimator="learned", swimmers=1).rename(set="seed"), 0.03
    for i, (values, allowed) in enumerate(judged.values()):
        middle.plot(i + np.linspace(-0.15, 0.15, values.size), values, "o", color=COLOURS[0], markersize=2)
        found = interval(values.expand_dims("place"), "seed")
        interval_whiskers(middle, [i + 0.3], found, "mean" if i == 0 else None, color=COLOURS[1])
        middle.fill_between([i - 0.4, i + 0.45], -allowed, allowed, color=COLOURS[7], alpha=0.2, linewidth=0)
    names(middle, "x", list(judged), rotation=45)
    middle.set_ylabel("relative error, learned")
    dimensions = 2 * at_trap["swimmers"].values
    for i, (method, said) in enumerate({"learned": "learned", "kernel": "kernel density"}.items()):
        found = interval(at_trap["square"].sel(estimator=method), "set")
        interval_whiskers(right, dimensions * 1.03**i, found, said, color=COLOURS[i], fmt="o-")
    log_axis(right, "x", ticks=dimensions)
    log_axis(right, "y")
    right.set(xlabel="dimensions", ylabel=named(at_trap["square"], "squared relative error"))
    for panel in (middle, right):
        legend(panel, outside="above", ncols=2)
    return figure


def fluid(study: Results) -> Figure:
    """A snapshot coloured by the entropy that each particle makes, and its mean by neighbours, size and packing."""
    result: Any = study["entropy/fluid"]
    others = {name: study[f"entropy/{name}"] for name in ("no_repulsion", "untrained_fluid")}
    physics = study.params("fluid").simulate
    figure, (top, bottom) = panels(2, 3, height=2.9)
    for panel, name in zip(top, ("learned", "score_free"), strict=False):
        discs = snapshot(panel, result, name, physics.packing)
    bar: dict[str, Any] = {"location": "bottom", "aspect": 40, "shrink": 0.8, "extend": "max"}
    figure.colorbar(discs, ax=list(top[:2]), label=named(result["snapshot_production"], "per particle"), **bar)
    for i, (name, said) in enumerate(FLUID.items()):
        style: dict[str, Any] = {"color": COLOURS[i], "fmt": "o-"}
        for panel, variable, along in (
            (top[2], "by_neighbours", "neighbours"),
            (bottom[1], "by_packing", "packing"),
        ):
            values = result[variable].sel(estimator=name)
            at = values[along].values + (0.006 * i if along == "packing" else 0)
            interval_whiskers(panel, at, interval(values, "run"), said, **style)
        shift = interval(1 + result["size_shift"].sel(estimator=name).isel(size=slice(1, None)), "run")
        interval_whiskers(bottom[0], result["size"].values[1:] * 1.04**i, shift, **style)
    bottom[0].plot(result["size"][:1], [1], "o", color="black", markersize=4)
    bottom[0].fill_between(result["size"].values[[0, -1]], 0.95, 1.05, color=COLOURS[7], alpha=0.2, linewidth=0)
    for i, (name, other) in enumerate(others.items()):
        values = other["by_packing"].sel(estimator="learned").mean("run")
        bottom[1].plot(values["packing"], values, ":", color=COLOURS[4 + i], label=name.replace("_", " "))
    errors(bottom[2], result)
    log_axis(bottom[0], "x", ticks=result["size"].values)
    bottom[0].set(xlabel="particles", ylabel="per particle, smallest size = 1")
    for panel, said in ((top[2], "neighbours within 3 R"), (bottom[1], "packing")):
        panel.set(xlabel=said, ylabel=named(result["by_size"], "per particle"), ylim=(0, None))
    top[2].set_xticks(result["neighbours"].values)
    for panel in (top[2], bottom[2]):
        legend(panel, outside="above", ncols=3, columnspacing=0.7, handlelength=1.2)
    bottom[1].legend(handles=bottom[1].lines[-2:], loc="upper left")
    return figure


def snapshot(panel, result, name: str, packing: float) -> EllipseCollection:
    """Draw particles at their size, coloured by the entropy that each makes by one estimator."""
    half = float(np.sqrt(result.sizes["particle"] * np.pi / packing)) / 2
    made = result["snapshot_production"]
    look: dict[str, Any] = {"cmap": "magma", "linewidths": 0.2, "edgecolors": COLOURS[7]}
    discs = EllipseCollection(
        2, 2, 0, units="xy", offsets=result["snapshot"].values, offset_transform=panel.transData, **look
    )
    discs.set_array(made.sel(estimator=name).values)
    discs.set_clim(0, float(np.percentile(made.sel(estimator="score_free"), 98)))
    panel.add_collection(discs)
    panel.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xlabel="x (R)", ylabel="y (R)")
    panel.set_title({"learned": "learned, |v|²", "score_free": "by contacts"}[name])
    return discs


def errors(panel, result) -> None:
    """How far learned and score-free are apart at each packing and size, and what is allowed."""
    labels: list[str] = []
    for i, (along, said) in enumerate({"packing": "packings", "size": "sizes"}.items()):
        found = interval(result[f"{along}_error"], "run")
        at = len(labels) + np.arange(result.sizes[along])
        interval_whiskers(panel, at, found, said, color=COLOURS[i], fmt="os"[i])
        labels += [f"N={n}" if along == "size" else f"{n:g}" for n in result[along].values]
    panel.axhline(0.15, color=COLOURS[7], linewidth=0.8, label="15 %")
    names(panel, "x", labels, rotation=45)
    panel.set(ylabel="|learned / score-free - 1|", ylim=(0, None))
