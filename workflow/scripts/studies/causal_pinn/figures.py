"""The study's figures: curves, weights and what they say of errors, marching, a field."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

HUES = {"plain": COLOURS[1], "causal": COLOURS[0]}
FIXED = {"x": (0, 72**0.5, -(72**0.5)), "y": (0, 72**0.5, -(72**0.5)), "z": (0, 27)}
KINDS = ("plain", "causal", "causal, longer time", "causal, cut short")


def curves(study: Results) -> Figure:
    """Components against time: reference, plain and causal network of the first seed."""
    made: Any = study["forecast/learned"]["states"].isel(seed=0)
    true: Any = study["simulate/learned"]["state"]
    figure, (row,) = panels(1, 3, height=2.6)
    for panel, component in zip(row, true["component"].values, strict=True):
        panel.plot(true["time"], true.sel(component=component), color=COLOURS[7], linewidth=2.5, label="reference")
        for method, style in (("plain", "-"), ("causal", "--")):
            values = made.sel({"method": method, "component": component})
            panel.plot(made["time"], values, style, color=HUES[method], label=method)
        end = float(made["time"].where(np.isfinite(made.isel(method=1, component=0))).max())
        panel.set(xlabel="t", ylabel=component, xlim=(0, end))
        for place in FIXED[str(component)]:
            label = "fixed points" if place == 0 else None
            panel.axhline(place, color="k", linestyle=":", linewidth=0.8, label=label)
        legend(panel, outside="above", ncols=2)
    return figure


def _seeds(panel: Any, made: Any) -> None:
    """Errors of all seeds, their mean with its interval, and what the claims ask for."""
    rows = [
        ("Lorenz\nplain", made["error"].sel({"method": "plain"}), "seed", 0.5),
        ("Lorenz\ncausal", made["error"].sel({"method": "causal"}), "seed", 0.01),
        ("Lorenz\nwindows", made["marched_error"], "seed", 0.01),
        ("KS\nplain", made["regular_error"].sel({"method": "plain"}), "regular_seed", None),
        ("KS\ncausal", made["regular_error"].sel({"method": "causal"}), "regular_seed", 0.05),
    ]
    for i, (said, values, over, level) in enumerate(rows):
        hue = HUES["plain" if "plain" in said else "causal"]
        panel.plot(np.full(values.size, i - 0.15), values.values, "o", color=hue, alpha=0.6, markersize=4)
        found = interval(values.expand_dims(way=1), over)
        if said == "Lorenz\ncausal":  # judged by its logarithm
            logs = interval(made["log_error"].sel({"method": ["causal"]}), over)
            found = found._replace(centre=10**logs.centre, low=10**logs.low, high=10**logs.high)
        found = found._replace(low=np.maximum(found.low, 0.3 * values.min()))  # an axis of logarithms has no 0
        interval_whiskers(panel, [i + 0.15], found, color=hue)
        if level is not None:
            panel.plot([i - 0.4, i + 0.4], [level, level], "k:", linewidth=1)
    names(panel, "x", [row[0].replace("\n", ", ") for row in rows])
    panel.tick_params(axis="x", rotation=60)
    log_axis(panel, "y")
    panel.set_ylabel("relative L2 error")


def weights(study: Results) -> Figure:
    """The front of the weights, their entropy, and what they say of the errors; losses between points; all errors."""
    made: Any = study["forecast/learned"]
    figure, (above, below) = panels(2, 3, height=2.7)
    _front(above, made, study["entropy/learned"])
    _criterion(below[0], made)
    _between(below[1], made)
    _seeds(below[2], made)
    return figure


def _front(axes: Any, made: Any, entropies: Any) -> None:
    """Squared residuals and weights along time at snapshots, and the weights' entropy along the training."""
    left, middle, right = axes
    count, shades = made.sizes["front"], panels_colours(made.sizes["front"])
    for i in range(count):
        label = {0: "first", count - 1: "last"}.get(i)
        left.plot(made["front_time"], np.maximum(made["front_loss"][i], 1e-16), color=shades[i], label=label)
        middle.plot(made["front_time"], made["front_weight"][i], color=shades[i], label=label)
    log_axis(left, "y")
    left.set(xlabel="t", ylabel=named(made["front_loss"]))
    middle.set(xlabel="t", ylabel=named(made["front_weight"]), ylim=(-0.03, 1.05))
    place = np.arange(count)
    for name, hue, said in (("causal", HUES["causal"], "t up to the end"), ("long", COLOURS[2], "longer time")):
        values = entropies[f"{name}_weight_entropy"]
        for seed in values["seed"].values:
            label = said if seed == 0 else None
            right.plot(place, values.sel(seed=seed), ".-", color=hue, linewidth=0.8, label=label)
    right.set(xlabel="snapshot of the training", ylabel="entropy of the weights\nover its largest", ylim=(0, 1.05))
    for panel in (left, middle, right):
        legend(panel, outside="above", ncols=2)


def panels_colours(count: int) -> list[str]:
    """Greens to light, dark first, as hex."""
    share = np.linspace(0.15, 0.8, count)
    return [f"#{int(255 * s * 0.6):02x}{int(90 + 140 * s):02x}{int(120 + 60 * s):02x}" for s in share]


def _criterion(left: Any, made: Any) -> None:
    """Errors of all snapshots against the least weight."""
    kind, error = made["checkpoint_kind"].values, made["checkpoint_error"].values
    unsure = np.maximum(-made["checkpoint_log_least"].values, 1e-8)
    for i, said in enumerate(KINDS):
        rows = kind == i
        look: dict[str, Any] = {"color": COLOURS[(1, 0, 2, 4)[i]], "alpha": 0.7, "markersize": 3}
        left.plot(unsure[rows].ravel(), error[rows].ravel(), "o", label=said, **look)
    left.axvline(-np.log(0.85), color="k", linestyle=":", linewidth=0.8)
    left.axhline(0.01, color="k", linestyle=":", linewidth=0.8)
    left.invert_xaxis()
    left.set(xlabel="-ln of the least weight", ylabel=named(made["checkpoint_error"]))
    rho = interval(made["rank_correlation"], "seed")
    text = f"rank correlation {float(rho.centre):.2f}\n[{float(rho.low):.2f}, {float(rho.high):.2f}]"
    note(left, text, (0.04, 0.06), xycoords="axes fraction")
    log_axis(left, "x")
    log_axis(left, "y")
    legend(left, outside="above", ncols=1)


def _between(right: Any, made: Any) -> None:
    """Losses at the training's points and on more of them."""
    for method in ("plain", "causal"):
        at, between = (10 ** made[name].sel({"method": method}) for name in ("log_loss", "log_dense_loss"))
        right.plot(at, between, "o", color=HUES[method], label=method, markersize=4)
    ends = [float(10 ** made["log_loss"].min()), float(10 ** made["log_dense_loss"].max())]
    right.plot(ends, ends, "k:", linewidth=0.8, label="as large")
    right.set(xlabel="squared residual where trained", ylabel="squared residual,\nten times as many points")
    log_axis(right, "x")
    log_axis(right, "y")
    legend(right, outside="above", ncols=2)


def marching(study: Results) -> Figure:
    """Distance from the reference along the windows, and how much the flow stretches in each."""
    made: Any = study["forecast/learned"]
    entropies: Any = study["entropy/learned"]
    figure, ((left, right),) = panels(1, 2, height=2.6)
    at = made["handover"].values
    window = at[0]
    distance = made["marched_distance"].values
    time = np.linspace(0, at[-1], distance.shape[1])
    for seed, row in enumerate(distance):
        left.plot(time[1:], row[1:], color=HUES["causal"], linewidth=0.6, label="each seed" if seed == 0 else None)
        left.plot(at, made["handover_error"][seed], ".", color=COLOURS[1], label="hand-over" if seed == 0 else None)
    for seed, row in enumerate(made["carried_error"].values):
        left.plot(at, row, "k:", linewidth=1, label="the first, carried by tangents" if seed == 0 else None)
    log_axis(left, "y")
    left.set(xlabel="t", ylabel=named(made["marched_distance"]))
    stretch = entropies["stretching_entropy"].values
    right.bar(at - window / 2, stretch, width=0.8 * window, color=COLOURS[5], label="in each window")
    right.axhline(0.9, color="k", linestyle=":", linewidth=1, label="largest Lyapunov exponent")
    right.set(xlabel="t", ylabel="positive rates of stretching,\nsummed (nats per unit of time)")
    gap = interval(made["growth_gap"], "seed")
    factor, low, high = (np.exp(float(one)) for one in (gap.centre, gap.low, gap.high))
    text = f"factor off the tangents:\n{factor:.2f} [{low:.2f}, {high:.2f}]"
    note(left, text, (0.3, 0.06), xycoords="axes fraction")
    for panel in (left, right):
        legend(panel, outside="above", ncols=2)
    return figure


def field(study: Results) -> Figure:
    """Places against time: reference, causal and plain, and what these are off by."""
    made: Any = study["forecast/learned"]
    true: Any = study["simulate/learned"]["regular_u"]
    time, x = true["regular_time"].values, true["regular_x"].values
    figure, axes = panels(2, 3, height=2.2, sharex=True, sharey=True)
    found = {name: made["regular_field"].sel({"method": name}).values for name in ("causal", "plain")}
    most = float(abs(true).max())
    off = max(float(np.nanmax(abs(values - true.values))) for values in found.values())
    look: dict[str, Any] = {"origin": "lower", "extent": (time[0], time[-1], x[0], -x[0]), "aspect": "auto"}
    for panel, (name, values) in zip(axes[0], {"reference": true.values, **found}.items(), strict=True):
        shown = panel.imshow(values.T, vmin=-most, vmax=most, cmap="RdBu_r", **look)
        panel.set_title(name)
    for panel, values in zip(axes[1, 1:], found.values(), strict=True):
        wrong = panel.imshow(abs(values - true.values).T, vmin=0, vmax=off, cmap="viridis", **look)
        panel.set(xlabel="t", xticks=np.linspace(time[0], time[-1], 3))
    axes[1, 0].set_visible(False)
    axes[0, 0].set_ylabel("x")
    axes[1, 1].set_ylabel("x")
    figure.colorbar(shown, ax=axes[0], label="field u")
    figure.colorbar(wrong, ax=axes[1], label="absolute error")
    return figure
