"""The study's figures: counts and factors, errors against cost, free runs, and environments."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pesin.plot.style import (
    COLOURS,
    band,
    legend,
    log_axis,
    names,
    note,
    panels,
    whiskers,
)
from pesin.stats.intervals import interval
from pesin.steps.results import Results

SAID = {
    "persistence": "persistence",
    "delays": "all delays, linear",
    "havok": "HAVOK, rank",
    "dmd": "DMD of the state",
    "sindy": "SINDy, whole state",
    "structured": "StNN, p =",
    "dense": "dense, widths of p =",
    "equal": "dense, numbers of p =",
}
HUES = dict(
    zip(SAID, (*COLOURS[6:8], COLOURS[4], COLOURS[5], COLOURS[3], COLOURS[0], COLOURS[1], COLOURS[2]), strict=True)
)
MARKS = dict(zip(SAID, "x*^v<osD", strict=True))
SHOWN = ("structured_4", "equal_4", "dense_4", "delays", "sindy", "persistence")
DARK = COLOURS[7]


def said(method: str) -> str:
    """What a legend calls a method."""
    family, _, number = method.partition("_")
    return f"{SAID[family]} {number}".strip()


def look(method: str) -> dict[str, Any]:
    """Colour and marker of a method."""
    family = method.partition("_")[0]
    return {"color": HUES[family], "marker": MARKS[family]}


def counts(study: Results) -> Figure:
    """Parameters and operations against n, errors of the factors, and the spectrum of the Hankel matrices."""
    result: Any = study["entropy/known"]
    figure, ((left, right), (factors, spectrum)) = panels(2, 2, height=2.7)
    for panel, variable in ((left, "parameters"), (right, "operations")):
        for network, family in (("structured", "structured"), ("dense", "dense")):
            for i, blocks in enumerate(result["blocks"].values):
                values = result[variable].sel({"network": network, "blocks": blocks})
                ends = i in (0, len(result["blocks"]) - 1)
                panel.plot(
                    result["size"],
                    values,
                    ".-",
                    color=HUES[family],
                    alpha=1 if ends else 0.35,
                    linewidth=1,
                    label=("StNN" if network == "structured" else "dense, same widths") if i == 0 else None,
                )
                if ends:
                    note(panel, f"p = {blocks}", (result["size"].values[-1] * 1.1, float(values[-1])), va="center")
        log_axis(panel, "x", ticks=result["size"].values)
        log_axis(panel, "y")
        panel.set(xlabel="n, samples in a window", xlim=(3.5, result["size"].values[-1] * 2.6))
        legend(panel, loc="upper left")
    left.set_ylabel("numbers that are learnt")
    right.set_ylabel("multiply-adds of a window")
    names_of = {"known": "Hankel matrix", "unstructured": "random matrix", "untrained": "drawn diagonals"}
    for i, (case, label) in enumerate(names_of.items()):
        other: Any = study[f"entropy/{case}"]
        factors.plot(other["matrix_size"], other["factor_error"], ".-", color=COLOURS[i], label=label)
    factors.axhline(1e-12, color=DARK, linestyle=":", linewidth=0.8)
    note(factors, "C3: below", (result["matrix_size"].values[0], 2e-12), va="bottom")
    log_axis(factors, "x", ticks=result["matrix_size"].values)
    log_axis(factors, "y")
    factors.set(xlabel="n", ylabel="relative error of the\nfactored product")
    legend(factors, outside="above", ncols=3)
    left_out = np.maximum(1 - result["energy"].values, 1e-12)
    modes = np.arange(1, left_out.shape[1] + 1)
    for i, values in enumerate(left_out):
        spectrum.plot(
            modes[:-1], values[:-1], ".-", color=HUES["structured"], alpha=0.5, label="each orbit" if i == 0 else None
        )
    rank = float(result["effective_rank"].mean())
    spectrum.axvline(rank, color=DARK, linestyle="--", linewidth=0.8, label="effective rank")
    log_axis(spectrum, "y")
    spectrum.set(xlabel="modes of the Hankel matrix of x", ylabel="share of the energy left out")
    legend(spectrum, outside="above", ncols=2)
    return figure


def cost(study: Results) -> Figure:
    """Errors of the next sample against parameters and operations, all methods."""
    result: Any = study["forecast/known"]
    figure, (axes,) = panels(1, 2, height=4.2, sharey=True)
    for panel, variable in zip(axes, ("parameters", "operations"), strict=True):
        for family, label in SAID.items():
            own = result.sel({"method": [m for m in result["method"].values if m.partition("_")[0] == family]})
            at = np.maximum(own[variable].values, 0.7)
            values = own["log_error"].transpose("method", "seed").values
            centre = np.exp(values.mean(1))
            for x, each in zip(at, np.exp(values), strict=True):
                panel.scatter(np.full(len(each), x), each, s=6, alpha=0.4, color=HUES[family], linewidths=0)
            panel.plot(at, centre, label=label.removesuffix(" ="), linewidth=0.8, markersize=6, **look(family))
            for method, x, y in zip(own["method"].values, at, centre, strict=True):
                note(panel, method.partition("_")[2], (x, y), xytext=(6, 3), textcoords="offset points")
        log_axis(panel, "x")
        log_axis(panel, "y")
    sindy = float(result["parameters"].sel({"method": "sindy"}))
    axes[0].axvline(sindy, color=DARK, linestyle=":", linewidth=0.8)
    note(axes[0], "C5: fewer", (sindy * 0.9, 2e-7), ha="right")
    said_of = "mean squared error of the next sample of x\n(variances)"
    axes[0].set(xlabel="numbers that are learnt (persistence: none)", ylabel=said_of)
    axes[1].set(xlabel="multiply-adds of a step (persistence: none)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def runs(study: Results) -> Figure:
    """Free runs, their errors along time, and how long they hold."""
    result: Any = study["forecast/known"]
    figure, ((first, second), (errors, times)) = panels(2, 2, height=2.7)
    lead = result["lead"].values
    for seed, panel in ((0, first), (1, second)):
        panel.plot(lead, result["truth"].isel(seed=seed), color=COLOURS[6], linewidth=2.5, alpha=0.4)
        for method in SHOWN[:4]:
            path = result["free"].sel({"method": method}).isel(seed=seed)
            panel.plot(lead, np.where(abs(path) < 3, path, np.nan), color=look(method)["color"], linewidth=1)
        panel.set(xlabel="time (1/λ₁)", ylabel="x (standard deviations)", ylim=(-3, 3), title=f"orbit {seed + 1}")
    for method in SHOWN:
        values = result["error_by_lead"].sel({"method": method}).transpose("seed", "lead").values
        ends = values.mean(0), values.min(0), values.max(0)
        band(errors, lead, *ends, label=said(method), color=look(method)["color"], linewidth=1)
    log_axis(errors, "y")
    errors.set(xlabel="time (1/λ₁)", ylabel="rms error of x\n(standard deviations)")
    handles, labels = errors.get_legend_handles_labels()
    truth = first.lines[0]
    figure.legend([truth, *handles], ["truth", *labels], loc="outside upper center", ncols=4)
    methods = list(result["method"].values)
    for i, method in enumerate(methods):
        values, hue = result["prediction_time"].sel({"method": method}), look(method)["color"]
        times.scatter(values, np.full(values.size, i), s=8, alpha=0.5, color=hue, linewidths=0)
        centre, low, high, _ = interval(values, "seed")
        times.plot([low, high], [i, i], color=hue, linewidth=1)
        times.plot(centre, i, markersize=4, **look(method))
    times.axvline(0.3, color=DARK, linestyle=":", linewidth=0.8)
    note(times, "C7: above", (0.32, -0.5), va="top")
    names(times, "y", [said(m) for m in methods])
    times.set(xlabel="valid prediction time (1/λ₁),\nmedian of starts, each orbit", ylim=(len(methods) - 0.4, -0.6))
    return figure


def portraits(study: Results) -> Figure:
    """Forecasts in the phase plane of some environments, and the ratio of errors in all."""
    result: Any = study["forecast/known"]
    rates: Any = study["simulate/known"]["rate"].values
    swapped: Any = study["forecast/swapped"]
    common, novel = (result.sizes[f"{kind}_environment"] for kind in ("common", "novel"))
    figure, axes = panels(2, 3, height=2.4)
    shown = [0, common - 1, common, common + novel - 1]
    places = [axes[0, 0], axes[0, 1], axes[1, 0], axes[1, 1]]
    for panel, environment in zip(places, shown, strict=True):
        truth = result["orbit_truth"].isel(environment=environment)
        panel.plot(truth[:, 0], truth[:, 1], color=COLOURS[6], linewidth=2.5, alpha=0.35, label="truth")
        for way, label, hue in (("structured", "StNN", HUES["structured"]), ("leads", "LEADS", HUES["dense"])):
            path = result["orbit"].sel(way=way).isel(environment=environment)
            panel.plot(path[:, 0], path[:, 1], ".-", color=hue, linewidth=0.8, markersize=3, label=label)
        beta, delta = rates[environment]
        kind = "β, δ =" if environment < common else "new:"
        panel.set_title(f"{kind} {beta:g}, {delta:g}")
    for panel in axes[1, :2]:
        panel.set_xlabel("prey")
    for panel in axes[:, 0]:
        panel.set_ylabel("predators")
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=3)
    ratios(axes[0, 2], result, swapped, "log_ratio", "common_environment", "environments")
    ratios(axes[1, 2], result, swapped, "novel_log_ratio", "novel_environment", "new environments")
    return figure


def ratios(panel: Axes, result: Any, swapped: Any, variable: str, unit: str, title: str) -> None:
    """Error of the structured network over that of LEADS, each environment, and the mean with its interval."""
    both = xr.concat([result[variable], swapped[variable]], "way")
    for i, values in enumerate(np.exp(both.values)):
        panel.scatter(np.full(len(values), i - 0.15), values, s=8, alpha=0.5, color=HUES["structured"], linewidths=0)
    found = interval(both, unit)
    centre, low, high = (np.exp(end) for end in found[:3])
    whiskers(panel, np.arange(2) + 0.15, centre, low, high, color=COLOURS[6])
    panel.axhline(1.5, color=DARK, linestyle=":", linewidth=0.8)
    note(panel, "C6: below", (0.98, 1.6), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    log_axis(panel, "y")
    names(panel, "x", ["own\nnetwork", "another's"])
    panel.set(title=title, ylabel="error, StNN over LEADS", xlim=(-0.5, 1.5))
