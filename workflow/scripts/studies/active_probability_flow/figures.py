"""The study's figures: the ring's maps, learned beside exact; estimators beside the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

SAID = {"learned": "learned", "score_free": "score-free", "uncertainty": "uncertainty bound"}


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
    figure.colorbar(shown[1], ax=axes[:, 2], label=named(learned["map"], "per area"), **bars)
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
    for i, part in enumerate(at_ring["part"].values):
        values = at_ring["part_production"].sel(part=part)
        middle.plot(i + np.linspace(-0.15, 0.15, len(values)), values, "o", color=COLOURS[0], markersize=3)
        found = interval(values.expand_dims("place"), "seed")
        interval_whiskers(middle, [i + 0.3], found, "learned" if i == 0 else None, color=COLOURS[0])
        exact = float(at_ring["exact_part"].sel(part=part))
        middle.plot([i - 0.35, i + 0.45], 2 * [exact], color=COLOURS[7], label="exact" if i == 0 else None)
    names(middle, "x", ["places", "propulsions"])
    log_axis(middle, "y")
    middle.set_ylabel(named(at_ring["part_production"], "part"))
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
