"""The study's figures: the ratchet, its entropy production, errors and calibration against paths, predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GREY = COLOURS[7]
SAID = {
    "network": "network, no fit",
    "matrix_log": "matrix log",
    "em": "EM, errors known",
    "prior": "prior's mean",
    "counted": "counted jumps",
}
HUES = dict(zip(SAID, (*COLOURS[:3], GREY, COLOURS[4]), strict=True))
FITTING = ("network", "matrix_log")
RATE = "entropy production per unit of time"
PAPER = {"V": 1.130, "r": 0.982, "b": 1.044}  # the authors' tutorial, mean of 50 contexts


def of(array, **where):
    """The array at these coordinates; `sel` takes the name `method` for something else."""
    return array.sel(where)


def ratchet(study: Results) -> Figure:
    """True and inferred rates of the ratchet, and its parameters in each context."""
    result: Any = study["forecast/processes"]
    figure, ((true, inferred, parameters),) = panels(1, 3, height=2.9)
    off = np.where(np.eye(6, dtype=bool), np.nan, 1)
    for panel, name, said in ((true, "ratchet_true", "true"), (inferred, "ratchet_rates", "network, mean")):
        image = panel.imshow(result[name].values * off, vmin=0, vmax=3, cmap="viridis", interpolation="nearest")
        panel.set(title=said, xlabel="to state j", ylabel="from state i", xticks=range(6), yticks=range(6))
    figure.colorbar(image, ax=[true, inferred], label="rate (per unit of time)", location="bottom", aspect=30)
    for i, method in enumerate(FITTING):
        values = xr.concat([result[name].sel(estimator=method) for name in PAPER], "parameter")
        place = np.arange(3) + 0.3 * (i - 0.5)
        each = place[:, None] + np.linspace(-0.1, 0.1, values.sizes["context"])
        parameters.plot(each.T, values.T, ".", color=HUES[method], markersize=3, alpha=0.5)
        interval_whiskers(parameters, place, interval(values, "context"), SAID[method], color=HUES[method], fmt="_")
    parameters.plot(range(3), list(PAPER.values()), "x", color="black", label="paper")
    parameters.axhline(1, color="black", linewidth=0.6)
    parameters.axhspan(0.75, 1.25, color=GREY, alpha=0.15, linewidth=0, label="error < 0.25")
    names(parameters, "x", list(PAPER))
    parameters.set(ylabel="inferred (truth: 1)", xlim=(-0.5, 2.5))
    legend(parameters, outside="above", ncols=2)
    return figure


def entropy(study: Results) -> Figure:
    """Entropy production along the drive, with and without its bias; one context's interval; the stationary law."""
    result: Any = study["entropy/processes"]
    control: Any = study["entropy/no_drive"]
    figure, ((left, middle, right),) = panels(1, 3, height=3.1)
    drive = result["drive"].values
    for panel in (left, middle):
        panel.plot(drive, result["exact"], color="black", linewidth=0.9, label="exact")
        panel.set(xlabel="height V of the potential", ylabel=named(result["corrected"], RATE))
    for i, method in enumerate((*FITTING, "counted")):
        place = drive + 0.08 * (i - 1)
        found = interval(of(result["corrected"], method=method), "context")
        interval_whiskers(left, place, found, SAID[method], color=HUES[method])
        raw = of(result["production"], method=method).mean("context")
        left.plot(place, raw, "o", mfc="none", color=HUES[method], markersize=4)
    left.plot([], [], "o", mfc="none", color="black", markersize=4, label="with its bias")
    nothing = interval(of(control["corrected"], method="network"), "context")
    interval_whiskers(left, drive, nothing, "no drive", color=GREY, fmt="s")
    one = result.isel(context=0)
    middle.fill_between(
        drive, one["low"], one["high"], color=HUES["network"], alpha=0.25, linewidth=0, label="95 %, draws of rates"
    )
    said = "network, one context"
    middle.plot(drive, of(one["corrected"], method="network"), "o", color=HUES["network"], markersize=4, label=said)
    state = result["state"].values
    right.plot(state, result["true_law"].isel(drive=-1), "_", color="black", markersize=14, label="exact")
    for i, method in enumerate(FITTING):
        found = interval(result["law"].sel(estimator=method).isel(drive=-1), "context")
        interval_whiskers(right, state + 0.2 * (i - 0.5), found, SAID[method], color=HUES[method])
    right.set(xlabel="state", ylabel=f"stationary probability at V = {drive[-1]:g}", xticks=state)
    legend(left, outside="above", ncols=2)
    for panel in (middle, right):
        legend(panel, outside="above")
    return figure


def errors(study: Results) -> Figure:
    """Errors of the rates against the number of paths; shares inside the network's intervals; exact posteriors."""
    result: Any = study["forecast/processes"]
    control: Any = study["forecast/shuffled_times"]
    states, paths = result["states"].values, result["paths"].values
    figure, (above, below) = panels(2, len(states), height=2.2, sharey="row")
    for panel, lower, n in zip(above, below, states, strict=True):
        for i, method in enumerate((*FITTING, "em", "prior")):
            found = interval(of(result["rmse"], states=n, method=method), "process", estimate="median")
            interval_whiskers(panel, paths * 1.06 ** (i - 1.5), found, SAID[method], color=HUES[method], fmt="o-")
        lost = interval(of(control["rmse"], states=n, method="network"), "process", estimate="median")
        interval_whiskers(panel, paths, lost, "network, shuffled times", color=COLOURS[3], fmt="s:")
        for level, fmt in zip(result["level"].values, ("o-", "s--"), strict=True):
            found = interval(result["inside"].sel(states=n, level=level), "process")
            interval_whiskers(lower, paths, found, color=HUES["network"], fmt=fmt)
            lower.axhline(level, color=GREY, linewidth=0.8)
        log_axis(panel, "y")
        for each in (panel, lower):
            log_axis(each, "x", ticks=paths)
        panel.set_title(f"{n} states")
        lower.set(xlabel="paths", ylim=(0, 1.02))
    above[0].set_ylabel("rms error of the rates\n(per unit of time)")
    below[0].set_ylabel("share inside\n50 % and 90 %")
    figure.legend(*above[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, fontsize="small")
    return figure


def predictions(study: Results) -> Figure:
    """Hellinger distances from the exact laws, costs of the next label, time scales of the stand-ins, posteriors."""
    result: Any = study["forecast/processes"]
    null: Any = study["forecast/untrained"]
    figure, ((far, cost), (times, posterior)) = panels(2, 2, height=2.6)
    states = result["states"].values
    for i, method in enumerate((*FITTING, "em", "prior")):
        place = states + 0.12 * (i - 1.5)
        found = interval(of(result["hellinger"], reference="exact", method=method), "process")
        interval_whiskers(far, place, found, SAID[method], color=HUES[method])
        counted = of(result["hellinger"], reference="data", method=method).mean("process")
        far.plot(place, counted, "o", mfc="none", color=HUES[method], markersize=4)
        more = result["next_nll"].sel(predicting=method) - result["next_nll"].sel(predicting="exact")
        interval_whiskers(cost, place, interval(more, "process"), color=HUES[method])
    found = interval(of(null["hellinger"], reference="exact", method="network"), "process")
    interval_whiskers(far, states + 0.36, found, "untrained", color=COLOURS[3], fmt="s")
    far.plot([], [], "o", mfc="none", color="black", markersize=4, label="histograms")
    far.set(ylabel="Hellinger distance\nfrom the exact law", ylim=(0, None))
    cost.set(ylabel="next label, cost above\nthe exact model (nat)")
    log_axis(cost, "y")
    for panel in (far, cost):
        panel.set(xlabel="states", xticks=states)
    worlds = [str(name) for name in result["stand_in"].values]
    for i, method in enumerate(FITTING):
        found = interval(result["time_error"].sel(estimator=method), "recording")
        place = np.arange(len(worlds)) + 0.2 * (i - 0.5)
        interval_whiskers(times, place, found, color=HUES[method])
    times.axhspan(0, np.log(1.5), color=GREY, alpha=0.15, linewidth=0)
    note(times, "within a factor of 1.5", (0.03, 0.92 * np.log(1.5)), xycoords=("axes fraction", "data"), va="top")
    times.set(ylabel="error of\nln(relaxation time)", ylim=(0, None), xlim=(-0.5, len(worlds) - 0.5))
    names(times, "x", worlds)
    for moment, said, fmt in ((0, "mean", "o"), (1, "deviation", "^")):
        exact, own = (result["posterior"].isel(source=k, moment=moment).values.ravel() for k in (0, 1))
        posterior.plot(exact, own, fmt, markersize=3.5, color=COLOURS[4 + moment], label=said)
    for axis in "xy":
        log_axis(posterior, axis)
    posterior.axline((0.1, 0.1), (1, 1), color=GREY, linewidth=0.8)
    posterior.set(xlabel="rate by the exact posterior (per unit of time)", ylabel="by the network")
    legend(posterior)
    figure.legend(*far.get_legend_handles_labels(), loc="outside upper center", ncols=6, fontsize="small")
    return figure
