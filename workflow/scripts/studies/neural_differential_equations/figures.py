"""The study's figures: exact numerics, mechanisms learned, irregular series and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, band, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

SAID = {"backprop": "backpropagation", "checkpointed": "checkpoints", "midpoint_adjoint": "adjoint equation"}
GREY = COLOURS[7]
EXACT = {
    "cell_error": ("recurrent cell", 1e-12),
    "trip_error": ("forth and back", 1e-12),
    "gradient_error": ("gradient", 1e-12),
    "sum_error": ("path adds up", 1e-12),
    "implicit_error": ("fixed point", 1e-8),
}
"""Said of exact numbers, and the bounds that the rules hold them to."""


def numerics(study: Results) -> Figure:
    """Gradients and their memory; orders of convergence; exact numbers over their bounds."""
    figure, (above, below) = panels(2, 3, height=3.1)
    result: Any = study["entropy/numerics"]
    control: Any = study["entropy/ablated"]
    gradients(above, result)
    orders(below[:2], result, control)
    exact(below[2], result, control)
    for panel in (*above, *below):
        panel.minorticks_off()
        legend(panel, outside="above")
    return figure


def gradients(places, result) -> None:
    """Round trips, errors of gradients, and memory, against the number of steps."""
    left, middle, right = places
    for values in result["trip_error"].transpose("field", ...).values:
        left.plot(result["trip_steps"], values, "o", color=COLOURS[0], markersize=3)
    left.set(xlabel="steps", ylabel=named(result["trip_error"], "error after forth and back"))
    steps = result["gradient_steps"]
    for i, route in enumerate(result["route"].values):
        said = SAID.get(route, route)
        errors = result["every_gradient_error"].sel(route=route)
        floor = np.maximum(errors.max("field"), 1e-18)
        if route != "backprop":  # what the others are held against
            middle.plot(steps, floor, "o-", color=COLOURS[i], markersize=3)
        right.plot(steps, result["memory"].sel(route=route) / 1024, "o-", color=COLOURS[i], markersize=3, label=said)
    worst = result["every_gradient_error"].sel(route="midpoint_adjoint").max("field").values
    middle.plot(steps, worst[-1] * (steps[-1] / steps) ** 2.0, ":", color=GREY, label="slope -2")
    middle.set(xlabel="steps", ylabel="error of gradient, worst field")
    right.set(xlabel="steps", ylabel="memory held (KiB)")
    for panel in (left, middle):
        panel.axhline(1e-12, color=GREY, linestyle="--", linewidth=0.8, label="bound")
    for panel in (left, middle, right):
        log_axis(panel, "x")
        log_axis(panel, "y")


def orders(places, result, control) -> None:
    """Errors against steps: of discretisations without noise, and with."""
    left, right = places
    steps, coarse = result["steps"].values, result["coarse"].values
    shown = (("euler", "residual block"), ("heun", "Heun block"), (None, "reversible Heun"))
    for i, (block, said) in enumerate(shown):
        pair = [r["ode_error"] if block is None else r["block_error"].sel(block=block) for r in (result, control)]
        aside, hue = steps * 1.04 ** (i - 1), COLOURS[i]  # two of them have the same errors, nearly
        interval_whiskers(left, aside, interval(pair[0], "field"), said, color=hue, fmt="o-")
        left.plot(aside, pair[1].mean("field"), "o--", color=hue, markerfacecolor="none", linewidth=0.8, markersize=4)
    for i, (scheme, said) in enumerate((("reversible_heun", "reversible Heun"), ("euler_maruyama", "Euler, Maruyama"))):
        good, bad = (source["strong_error"].sel(scheme=scheme) for source in (result, control))
        interval_whiskers(right, coarse, interval(good, "field"), said, color=COLOURS[2 + i], fmt="o-")
        if scheme == "reversible_heun":  # the control leaves the other as it is
            right.plot(coarse, bad.mean("field"), "o--", color=COLOURS[2], markerfacecolor="none", markersize=4)
    for panel, at, slopes in ((left, steps, (1, 2)), (right, coarse, (1, 0.5))):
        for order in slopes:
            panel.plot(at, 0.3 * at.astype(float) ** -order, ":", color=GREY, label=f"slope -{order:g}")
        log_axis(panel, "x", ticks=at)
        log_axis(panel, "y")
        panel.set(xlabel="steps")
    left.set(ylabel="error at time 1")
    right.set(ylabel="strong error at time 1")


def exact(panel, result, control) -> None:
    """Largest of each field's exact numbers over the bound that is asked for; open: the control."""
    for place, (variable, (_, bound)) in enumerate(EXACT.items()):
        for source, fill in ((result, COLOURS[0]), (control, "none")):
            rest = [dim for dim in source[variable].dims if dim != "field"]
            values = np.maximum(source[variable].max(rest) / bound, 1e-6)
            said = None if place else "control" if fill == "none" else "each field"
            at = np.full(len(values), place)
            panel.plot(at, values, "o", color=COLOURS[0], markerfacecolor=fill, markersize=4, label=said)
    panel.axhline(1, color=GREY, linestyle="--", linewidth=0.8, label="bound")
    log_axis(panel, "y")
    names(panel, "x", [said for said, _ in EXACT.values()], rotation=30)
    panel.set(ylabel="largest error over its bound")


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
        look = {"color": "black", "linewidth": 2, "alpha": 0.5, "label": "truth" if species == "prey" else None}
        middle.plot(result["later"], truth.sel(species=species), style, **look)
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
        legend(panel, outside="above", ncols=2)
    return figure


def paths(study: Results) -> Figure:
    """Irregular series and resampling; the learned process, its laws, correlations and relative entropy."""
    result: Any = study["forecast/learned"]
    figure, (above, below) = panels(2, 3, height=3.1)
    irregular(above[:2], result)
    process((above[2], *below), result, study["entropy/learned"])
    for panel in (*above, *below):
        panel.minorticks_off()  # they take half of the time
        legend(panel, outside="above")
    return figure


def irregular(places, result) -> None:
    """Accuracy against what is dropped, and what dropping does to the logits of dense series."""
    left, right = places
    drops = result["drop"].values
    for i, world in enumerate(result["world"].values):
        for reader, mark, shift in (("controlled", "o-", -0.005), ("recurrent", "s--", 0.005)):
            found = interval(result["accuracy"].sel(world=world, reader=reader), "seed")
            interval_whiskers(left, drops + shift, found, f"{reader}, {world}", color=COLOURS[i], fmt=mark)
    left.axhline(0.95, color=GREY, linestyle=":", linewidth=0.8)
    left.set(xlabel="share of points dropped", ylabel="accuracy on new series", xticks=drops, ylim=(0, 1.05))
    worlds = np.arange(result.sizes["world"])
    for i, reader in enumerate(result["reader"].values):
        change = result["logit_change"].sel(reader=reader)
        found = interval(change, "seed")
        interval_whiskers(right, worlds + 0.2 * i - 0.1, found, reader, color=COLOURS[2 + i])
    right.axhline(0.05, color=GREY, linestyle="--", linewidth=0.8, label="bound")
    log_axis(right, "y")
    names(right, "x", result["world"].values)
    right.set(ylabel="relative change of logits", xlim=(-0.5, len(worlds) - 0.5))


def process(places, result, learned) -> None:
    """Learned paths with the exact mean and spread; distances of laws; correlations; relative entropy of steps."""
    first, law, lagged, last = places
    for path in result["sample_path"].isel(seed=0).values:
        first.plot(path, color=COLOURS[0], linewidth=0.4, alpha=0.6)
    t = np.arange(result.sizes["moment_of_path"])
    mean, spread = result["learned_mean"].mean("seed").values, result["learned_spread"].mean("seed").values
    band(first, t, mean, mean - spread, mean + spread, label="learned, one s.d.", color=COLOURS[1])
    for side in (-1, 0, 1):
        exact_line = result["exact_mean"] + side * result["exact_spread"]
        first.plot(t, exact_line, "--", color="black", linewidth=0.9, label=None if side else "exact")
    first.set(xlabel="time", ylabel="X")
    law.plot(result["at"], result["law_distance"].T, ".", color=COLOURS[0])
    interval_whiskers(law, result["at"], interval(result["law_distance"], "seed"), "all seeds", color=COLOURS[0])
    law.axhline(0.1, color=GREY, linestyle="--", linewidth=0.8, label="bound")
    law.set(xlabel="time", ylabel="KS distance of the marginal", ylim=(0, None))
    lags, exact_values = result["lag"].values, result["exact_correlation"].values
    band(lagged, lags, exact_values, exact_values - 0.1, exact_values + 0.1, label="exact, bounds", color="black")
    interval_whiskers(lagged, lags, interval(result["correlation"], "seed"), "learned", color=COLOURS[0])
    lagged.set(xlabel="lag", ylabel="correlation with the last time", xticks=lags)
    for seed, values in enumerate(learned["relative_entropy"].values):
        said = None if seed else "each seed"
        last.plot(learned["time"], values, color=COLOURS[0], linewidth=0.9, label=said)
    log_axis(last, "y")
    last.set(xlabel="time", ylabel=named(learned["relative_entropy"]))
