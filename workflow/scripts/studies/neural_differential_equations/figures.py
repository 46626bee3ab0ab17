"""The study's figures: reversible gradients, orders, mechanisms learned, irregular series and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, band, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

SAID = {"backprop": "backpropagation", "checkpointed": "checkpoints", "midpoint_adjoint": "adjoint equation"}
GREY = COLOURS[7]


def gradients(study: Results) -> Figure:
    """Round trips, errors of gradients, and memory, against the number of steps."""
    result: Any = study["entropy/numerics"]
    figure, ((left, middle, right),) = panels(1, 3, height=2.7)
    for values in result["trip_error"].transpose("field", ...).values:
        left.plot(result["trip_steps"], values, "o", color=COLOURS[0], markersize=3)
    left.set(xlabel="steps", ylabel=named(result["trip_error"], "error after forth and back"))
    steps = result["gradient_steps"]
    for i, route in enumerate(result["route"].values):
        said = SAID.get(route, route)
        errors = result["every_gradient_error"].sel(route=route)
        floor = np.maximum(errors.max("field"), 1e-18)  # backpropagation is what the others are held against
        if route != "backprop":
            middle.plot(steps, floor, "o-", color=COLOURS[i], markersize=3, label=said)
        right.plot(steps, result["memory"].sel(route=route) / 1024, "o-", color=COLOURS[i], markersize=3, label=said)
    worst = result["every_gradient_error"].sel(route="midpoint_adjoint").max("field").values
    middle.plot(steps, worst[-1] * (steps[-1] / steps) ** 2.0, ":", color=GREY, label="slope -2")
    middle.set(xlabel="steps", ylabel="relative error, worst field")
    right.set(xlabel="steps", ylabel="memory held (KiB)")
    for panel in (left, middle):
        panel.axhline(1e-12, color=GREY, linestyle="--", linewidth=0.8, label="bound")
    for panel in (left, middle, right):
        log_axis(panel, "x")
        log_axis(panel, "y")
        legend(panel, outside="above", ncols=2)
    return figure


def orders(study: Results) -> Figure:
    """Errors against steps: of discretisations without noise, and with."""
    result: Any = study["entropy/numerics"]
    control: Any = study["entropy/ablated"]
    figure, ((left, right),) = panels(1, 2, height=3)
    steps, shown = (
        result["steps"].values,
        [("block_error", "euler", "residual block"), ("block_error", "heun", "Heun block")],
    )
    for i, (variable, block, said) in enumerate([*shown, ("ode_error", None, "reversible Heun")]):
        good, bad = (
            source[variable] if block is None else source[variable].sel(block=block) for source in (result, control)
        )
        aside, hue = steps * 1.04 ** (i - 1), COLOURS[i]  # two of them have the same errors, nearly
        interval_whiskers(left, aside, interval(good, "field"), said, color=hue, fmt="o-")
        left.plot(aside, bad.mean("field"), "o--", color=hue, markerfacecolor="none", linewidth=0.8, markersize=4)
    for order, scale in ((1, 0.3), (2, 0.3)):
        left.plot(steps, scale * steps.astype(float) ** -order, ":", color=GREY, label=f"slope -{order}")
    coarse = result["coarse"].values
    for i, (scheme, said) in enumerate((("reversible_heun", "reversible Heun"), ("euler_maruyama", "Euler, Maruyama"))):
        good, bad = (source["strong_error"].sel(scheme=scheme) for source in (result, control))
        interval_whiskers(right, coarse, interval(good, "field"), said, color=COLOURS[i], fmt="o-")
        if scheme == "reversible_heun":  # the control leaves the other as it is
            right.plot(coarse, bad.mean("field"), "o--", color=COLOURS[i], markerfacecolor="none", markersize=4)
    for order, scale in ((1, 0.2), (0.5, 0.2)):
        right.plot(coarse, scale * coarse.astype(float) ** -order, ":", color=GREY, label=f"slope -{order:g}")
    left.set(xlabel="steps", ylabel="error at time 1")
    right.set(xlabel="steps", ylabel="mean absolute error at time 1")
    for panel, ticks in ((left, steps), (right, coarse)):
        log_axis(panel, "x", ticks=ticks)
        log_axis(panel, "y")
        legend(panel, outside="above", ncols=2)
    return figure


def mechanisms(study: Results) -> Figure:
    """The map x -> -x, and predators and prey after the last observed time."""
    result: Any = study["forecast/learned"]
    figure, ((left, middle, right),) = panels(1, 3, height=2.9)
    x = np.linspace(-1, 1, result.sizes["start"])
    left.plot(x, -x, color="black", linewidth=0.8, label="-x")
    for i, arm in enumerate(result["arm"].values):
        for seed, end in enumerate(result["crossing_end"].sel(arm=arm).values):
            left.plot(x, end, color=COLOURS[i], linewidth=0.9, label=arm if seed == 0 else None)
    left.set(xlabel="x", ylabel=named(result["crossing_end"]))
    truth = result["true_later"]
    for species, style in (("prey", "-"), ("predators", "--")):
        middle.plot(result["later"], truth.sel(species=species), style, color="black", linewidth=2, alpha=0.5)
        for i, model in enumerate(result["model"].values):
            values = result["extrapolated"].sel(model=model, species=species).isel(seed=0)
            label = model if species == "prey" else None
            middle.plot(result["later"], values, style, color=COLOURS[i], label=label)
    top = float(truth.max())
    middle.set(xlabel="time", ylabel="abundance (dashed: predators)", ylim=(-0.1 * top, 1.4 * top))
    place = np.arange(result.sizes["model"])
    interval_whiskers(right, place, interval(result["extrapolation"], "seed"), color=COLOURS[0])
    for values in result["extrapolation"].transpose("seed", "model").values:
        right.plot(place, values, ".", color=GREY)
    names(right, "x", result["model"].values)
    right.set(ylabel="log10 of the mean square error", xlim=(-0.5, len(place) - 0.5))
    for panel in (left, middle):
        legend(panel, outside="above", ncols=3)
    return figure


def paths(study: Results) -> Figure:
    """Accuracy against what is dropped, learned paths, and relative entropy step by step."""
    result: Any = study["forecast/learned"]
    learned: Any = study["entropy/learned"]
    figure, ((left, middle, right),) = panels(1, 3, height=2.9)
    drops = result["drop"].values
    for i, world in enumerate(result["world"].values):
        for reader, mark, shift in (("controlled", "o-", -0.005), ("recurrent", "s--", 0.005)):
            found = interval(result["accuracy"].sel(world=world, reader=reader), "seed")
            interval_whiskers(left, drops + shift, found, f"{reader}, {world}", color=COLOURS[i], fmt=mark)
    left.axhline(0.95, color=GREY, linestyle=":", linewidth=0.8)
    left.set(xlabel="share of points dropped", ylabel="accuracy on new series")
    for path in result["sample_path"].isel(seed=0).values:
        middle.plot(path, color=COLOURS[0], linewidth=0.4, alpha=0.6)
    t = np.arange(result.sizes["moment_of_path"])
    mean, spread = result["learned_mean"].mean("seed").values, result["learned_spread"].mean("seed").values
    band(middle, t, mean, mean - spread, mean + spread, label="learned, one s.d.", color=COLOURS[1])
    for side in (-1, 0, 1):
        exact = result["exact_mean"] + side * result["exact_spread"]
        middle.plot(t, exact, "--", color="black", linewidth=0.9, label=None if side else "exact")
    middle.set(xlabel="time", ylabel="X")
    for seed, values in enumerate(learned["relative_entropy"].values):
        right.plot(learned["time"], values, color=COLOURS[seed % 6], linewidth=0.9, label=f"seed {seed}")
    log_axis(right, "y")
    right.set(xlabel="time", ylabel=named(learned["relative_entropy"]))
    for panel in (left, middle, right):
        legend(panel, outside="above", ncols=2)
    return figure
