"""The study's figures: the ratchet, its entropy production, errors against paths, predictions, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, named, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GREY = COLOURS[7]
SAID = {"network": "network, no fit", "matrix_log": "matrix log", "em": "EM, errors known", "prior": "prior's mean"}
HUES = dict(zip(SAID, (COLOURS[0], COLOURS[1], COLOURS[2], GREY), strict=True)) | {"counted": COLOURS[4]}
PAPER = {"V": 1.130, "r": 0.982, "b": 1.044}  # the authors' tutorial, mean of 50 contexts


def of(array, **where):
    """The array at these coordinates; `sel` takes the name `method` for something else."""
    return array.sel(where)


def ratchet(study: Results) -> Figure:
    """True and inferred rates of the ratchet, and its parameters in each context."""
    result: Any = study["forecast/processes"]
    figure, ((true, inferred, parameters),) = panels(1, 3, height=2.7)
    off = np.where(np.eye(6, dtype=bool), np.nan, 1)
    for panel, name, said in ((true, "ratchet_true", "true"), (inferred, "ratchet_rates", "network, mean of contexts")):
        image = panel.imshow(result[name].values * off, vmin=0, vmax=3, cmap="viridis", interpolation="nearest")
        panel.set(title=said, xlabel="to state j", ylabel="from state i", xticks=range(6), yticks=range(6))
    figure.colorbar(image, ax=[true, inferred], label="rate", location="bottom", aspect=30, shrink=0.6)
    for i, method in enumerate(("network", "matrix_log")):
        values = xr.concat([result[name].sel(estimator=method) for name in PAPER], "parameter")
        place = np.arange(3) + 0.3 * (i - 0.5)
        each = place[:, None] + np.linspace(-0.1, 0.1, values.sizes["context"])
        parameters.plot(each.T, values.T, ".", color=HUES[method], markersize=3, alpha=0.5)
        interval_whiskers(parameters, place, interval(values, "context"), SAID[method], color=HUES[method], fmt="_")
    parameters.plot(range(3), list(PAPER.values()), "x", color="black", label="paper")
    parameters.axhline(1, color="black", linewidth=0.6)
    parameters.axhspan(0.75, 1.25, color=GREY, alpha=0.15, linewidth=0)
    names(parameters, "x", list(PAPER))
    parameters.set(ylabel="inferred (truth: 1)", xlim=(-0.5, 2.5))
    legend(parameters, outside="above")
    return figure


def entropy(study: Results) -> Figure:
    """Entropy production along the drive, with and without its bias; one context's interval; the stationary law."""
    result: Any = study["entropy/processes"]
    control: Any = study["entropy/no_drive"]
    figure, ((left, middle, right),) = panels(1, 3, height=2.9)
    drive = result["drive"].values
    for panel in (left, middle):
        panel.plot(drive, result["exact"], color="black", linewidth=0.9, label="exact")
        panel.set(xlabel="height V of the potential", ylabel="entropy production (nat per time)")
    for i, method in enumerate(("network", "matrix_log", "counted")):
        said = SAID.get(method, "counted jumps")
        found = interval(of(result["corrected"], method=method), "context")
        interval_whiskers(left, drive + 0.05 * (i - 1), found, said, color=HUES[method])
        raw = of(result["production"], method=method).mean("context")
        left.plot(drive + 0.05 * (i - 1), raw, "o", mfc="none", color=HUES[method], markersize=4)
    nothing = interval(of(control["corrected"], method="network"), "context")
    interval_whiskers(left, drive, nothing, "control: no drive", color=GREY, fmt="s")
    one = result.isel(context=0)
    middle.fill_between(drive, one["low"], one["high"], color=COLOURS[0], alpha=0.25, linewidth=0, label="95 %, draws")
    middle.plot(drive, of(one["corrected"], method="network"), "o", color=COLOURS[0], markersize=4, label="one context")
    state = result["state"].values
    right.plot(state, result["true_law"].isel(drive=-1), "_", color="black", markersize=14, label="exact")
    for i, method in enumerate(("network", "matrix_log")):
        found = interval(result["law"].sel(estimator=method).isel(drive=-1), "context")
        interval_whiskers(right, state + 0.2 * (i - 0.5), found, SAID[method], color=HUES[method])
    right.set(xlabel="state", ylabel=f"stationary probability at V = {drive[-1]:g}")
    for panel in (left, middle, right):
        legend(panel, outside="above", ncols=2)
    return figure


def errors(study: Results) -> Figure:
    """Errors of the rates against the number of paths, a panel for each number of states."""
    result: Any = study["forecast/processes"]
    control: Any = study["forecast/shuffled_times"]
    states = result["states"].values
    figure, (axes,) = panels(1, len(states), height=2.7, sharey=True)
    paths = result["paths"].values
    for panel, n in zip(axes, states, strict=True):
        for i, method in enumerate(SAID):
            found = interval(of(result["rmse"], states=n, method=method), "process", estimate="median")
            shift = 1.04 ** (i - 1.5)
            interval_whiskers(panel, paths * shift, found, SAID[method], color=HUES[method], fmt="o-")
        lost = interval(of(control["rmse"], states=n, method="network"), "process", estimate="median")
        interval_whiskers(panel, paths, lost, "network, shuffled times", color=COLOURS[3], fmt="s:")
        log_axis(panel, "x", ticks=paths)
        log_axis(panel, "y")
        panel.set(title=f"{n} states", xlabel="paths")
    axes[0].set_ylabel(f"{named(result['rmse'])},\nmedian and 95 %")
    legend(axes[0], outside="above", ncols=5, bbox_to_anchor=(0.0, 1.12))
    return figure


def predictions(study: Results) -> Figure:
    """Hellinger distances from the exact laws, costs of the next label, errors of the stand-ins' time scales."""
    result: Any = study["forecast/processes"]
    null: Any = study["forecast/untrained"]
    figure, ((left, middle, right),) = panels(1, 3, height=2.9)
    states = result["states"].values
    for i, method in enumerate(SAID):
        place = states + 0.12 * (i - 1.5)
        far = interval(of(result["hellinger"], reference="exact", method=method), "process")
        interval_whiskers(left, place, far, SAID[method], color=HUES[method])
        more = result["next_nll"].sel(predicting=method) - result["next_nll"].sel(predicting="exact")
        interval_whiskers(middle, place, interval(more, "process"), SAID[method], color=HUES[method])
    floor = interval(of(null["hellinger"], reference="exact", method="network"), "process")
    interval_whiskers(left, states, floor, "untrained", color=COLOURS[3], fmt="s")
    left.set(xlabel="states", ylabel="Hellinger distance from the exact law", ylim=(0, None))
    middle.set(xlabel="states", ylabel="next label, cost above the exact model (nat)")
    log_axis(middle, "y")
    worlds = [str(name) for name in result["stand_in"].values]
    for i, method in enumerate(("network", "matrix_log")):
        found = interval(result["time_error"].sel(estimator=method), "recording")
        interval_whiskers(right, np.arange(len(worlds)) + 0.15 * (i - 0.5), found, SAID[method], color=HUES[method])
    right.axhline(np.log(1.5), color=GREY, linestyle=":", label="factor 1.5")
    right.set(ylabel="error of ln(relaxation time)", ylim=(0, None))
    names(right, "x", worlds)
    right.margins(x=0.2)
    for panel in (left, middle, right):
        legend(panel, outside="above", ncols=2)
    return figure


def calibration(study: Results) -> Figure:
    """Shares of rates inside their intervals; means and deviations against exact posteriors."""
    result: Any = study["forecast/processes"]
    figure, ((left, middle, right),) = panels(1, 3, height=2.7)
    paths = result["paths"].values
    for i, n in enumerate(result["states"].values):
        for level, style in zip(result["level"].values, ("o-", "s--"), strict=True):
            found = interval(result["inside"].sel(states=n, level=level), "process")
            label = f"{n} states" if level == result["level"].values[0] else None
            interval_whiskers(left, paths * 1.05 ** (i - 2), found, label, color=COLOURS[i], fmt=style)
    for level in result["level"].values:
        left.axhline(level, color=GREY, linewidth=0.8)
    log_axis(left, "x", ticks=paths)
    left.set(xlabel="paths", ylabel="share of the rates inside", ylim=(0, 1.02))
    legend(left, outside="above", ncols=3)
    for panel, moment, said in ((middle, 0, "mean"), (right, 1, "deviation")):
        exact, own = (result["posterior"].isel(source=k, moment=moment).values.ravel() for k in (0, 1))
        panel.plot(exact, own, "o", markersize=3, color=COLOURS[0])
        most = 1.1 * max(exact.max(), own.max())
        panel.plot([0, most], [0, most], color=GREY, linewidth=0.8)
        panel.set(xlabel=f"exact posterior's {said}", ylabel=f"network's {said}", aspect="equal")
    return figure
