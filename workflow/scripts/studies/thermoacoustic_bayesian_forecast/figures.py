"""The study's figures: forecasts, onsets and a failed sensor; what the sensors are worth, what the deviations are."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, band, interval_band, interval_whiskers, legend, log_axis, names, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

GREY = COLOURS[7]
THRESHOLD = 0.3
METHODS = {
    "persistence": "persistence",
    "linear": "least squares",
    "all": "all sensors",
    "no_oh": "no OH*",
    "no_pressure": "no chamber pressure",
    "no_injector": "no injector",
    "dynamic_pressure": "dynamic pressure",
    "no_dynamic_pressure": "no dynamic pressure",
    "commands": "commands alone",
}
SENSORS = {"dynamic_pressure": "dynamic pressure", "oh": "OH*", "pressure": "chamber pressure", "injector": "injector"}
GROUPS = SENSORS | {"past commands": "past commands", "future commands": "future commands"}
COLOUR = dict(zip(GROUPS, COLOURS, strict=False))


def forecasts(study: Results) -> Figure:
    """Two unseen runs, a failing sensor; the ROC, AUC of all scores, lead times."""
    result: Any = study["forecast/bkd"]
    figure, (above, below) = panels(2, 3, height=2.4)
    shown = result["shown"].to_dataset()
    for panel, run in zip(above, range(shown.sizes["shown_run"]), strict=False):
        one = shown.isel(shown_run=run)
        time, mean, two = one["window"].values, one["mean"].values, 2 * one["deviation"].values
        panel.fill_between(
            time, 0, 0.8, where=one["amplitude"].values >= THRESHOLD, color=GREY, alpha=0.25, linewidth=0,
            transform=panel.get_xaxis_transform(),
        )  # fmt: skip
        panel.plot(time, one["amplitude"], color="black", linewidth=0.9, label="amplitude")
        band(
            panel, time, mean, mean - two, mean + two, label="forecast, ± 2 deviations", color=COLOURS[1], linewidth=0.9
        )
        panel.axhline(THRESHOLD, color=GREY, linestyle=":", linewidth=0.8)
        panel.set(xlabel="time (s)", ylabel="amplitude" if run == 0 else "", xlim=(time[0], time[-1]), ylim=(-0.3, 1.3))
    legend(above[0], loc="upper left")
    failing(above[2], study["entropy/bkd"])
    onset = result["onset"].to_dataset()
    hits = interval(onset["hits"], "seed")
    interval_band(below[0], onset["false_share"].values, hits, color=COLOURS[0])
    below[0].plot([0, 1], [0, 1], ":", color=GREY, linewidth=0.8)
    below[0].set(
        xlabel="share of false alarms",
        ylabel="share of onsets found",
        xlim=(-0.02, 1.02),
        ylim=(0, 1.03),
        xticks=[0, 0.5, 1],
    )
    scores = onset["score"].values
    interval_whiskers(below[1], np.arange(len(scores)), interval(onset["auc"], "seed"), color=COLOURS[0])
    below[1].axhspan(0.95, 1.0, color=COLOURS[2], alpha=0.15, linewidth=0)
    names(below[1], "x", scores, rotation=35)
    below[1].set_ylabel("area under the curve")
    leads(below[2], onset)
    return figure


def failing(panel: Axes, result: Any) -> None:
    """Both deviations in a run whose sensor fails in the middle."""
    for name, said, colour in (
        ("aleatoric_deviation", "aleatoric", COLOURS[2]),
        ("epistemic_deviation", "epistemic", COLOURS[3]),
    ):
        panel.plot(result["present"], result[name], color=colour, linewidth=0.9, label=said)
    panel.axvline(float(result["fails_at"]), color="black", linestyle=":", linewidth=0.8)
    panel.set(xlabel="time (s)", ylabel="deviation of the forecast")
    log_axis(panel, "y", [0.001, 0.01, 0.1, 1])
    legend(panel, loc="upper left")


def leads(panel: Axes, onset: Any) -> None:
    """Each run's lead time and the median of all, for the network's alarm and those of its rivals."""
    for place, score in enumerate(("network", "amplitude", "commands")):
        values = onset["lead"].sel(alarm=score).values
        wide = np.linspace(-0.25, 0.25, max(values.size, 2))[: values.size]
        panel.plot(place + wide, np.sort(values), "o", color=COLOURS[5], markersize=2.5)
        if values.size > 2:
            found: Any = interval(values, estimate="median")
            ends = [[found.centre - found.low], [found.high - found.centre]]
            panel.errorbar([place], [found.centre], ends, fmt="s", color="black", markersize=4, capsize=2)
    panel.axhspan(0.5, 1.05, color=COLOURS[2], alpha=0.15, linewidth=0)
    names(panel, "x", ["network", "amplitude", "commands"], rotation=35)
    panel.set(ylabel="lead time (s)", ylim=(-0.03, 1.05))


def sensors(study: Results) -> Figure:
    """Errors by set, attributions, both measures of a sensor; reliability, transform, ensembles by number of runs."""
    result: Any = study["forecast/bkd"]
    calibration: Any = study["entropy/bkd"]
    figure, (above, below) = panels(2, 3, height=2.7)
    errors = result["errors"]["rmse"]
    chosen = [name for name in METHODS if name in errors["method"].values]
    interval_whiskers(
        above[0], np.arange(len(chosen)), interval(errors.sel({"method": chosen}), "seed"), color=COLOURS[0]
    )
    names(above[0], "x", [METHODS[name] for name in chosen], rotation=40)
    least = 0.75 * float(errors.sel({"method": "persistence"}).mean())
    above[0].axhspan(0, least, color=COLOURS[2], alpha=0.15, linewidth=0)
    above[0].set_ylabel("RMS error, 0.5 s ahead")
    above[0].set_ylim(bottom=0)
    attributions(above[1], result["sensors"])
    worth(above[2], result["sensors"])
    level = calibration["level"].values
    interval_whiskers(below[0], level, interval(calibration["reliability"], "seed"), color=COLOURS[0], markersize=3)
    below[0].plot([0, 1], [0, 1], ":", color=GREY, linewidth=0.8)
    below[0].fill_between([0.9, 1.0], 0.9, 0.98, color=COLOURS[2], alpha=0.3, linewidth=0)
    below[0].set(xlabel="nominal level", ylabel="coverage", xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.5, 1])
    share = calibration["pit_share"].transpose("bin", "seed")
    middles = (np.arange(share.sizes["bin"]) + 0.5) / share.sizes["bin"]
    interval_whiskers(below[1], middles, interval(share, "seed"), color=COLOURS[0], markersize=3)
    below[1].axhline(1 / share.sizes["bin"], color=GREY, linestyle=":", linewidth=0.8)
    below[1].set(xlabel="transform of the truth", ylabel="share of test windows", xlim=(0, 1), xticks=[0, 0.5, 1])
    below[1].set_ylim(bottom=0)
    sizes = result["sizes"].to_dataset()
    for who, said, colour in (("ensemble", "ensemble", COLOURS[0]), ("single", "one network", COLOURS[1])):
        found = interval(sizes["nll"].sel(who=who), "seed")
        interval_whiskers(below[2], sizes["runs"].values, found, label=said, color=colour, fmt="o-")
    below[2].set(xlabel="training runs", ylabel="negative log likelihood (nat)")
    below[2].set_xticks(sizes["runs"].values)
    below[2].margins(y=0.3)
    legend(below[2])
    return figure


def attributions(panel: Axes, found: Any) -> None:
    """Mean absolute attribution of each input, coloured by group."""
    values = found["attribution"].mean("seed").values
    group = found["group"].values
    for name in GROUPS:
        at = np.flatnonzero(group == name)
        panel.bar(at, values[at], width=0.9, color=COLOUR[name], label=GROUPS[name])
    panel.set(xticks=[], xlabel="inputs", ylabel="mean |attribution| of an input")
    panel.margins(y=0.3)
    legend(panel, loc="upper right")


def worth(panel: Axes, found: Any) -> None:
    """Each campaign's rise of the error without a sensor against its attribution."""
    for name in SENSORS:
        x, y = (found[part].sel(sensor=name).values for part in ("importance", "rise"))
        panel.plot(x, y, "o", color=COLOUR[name], markersize=4)
    panel.axhline(0, color=GREY, linestyle=":", linewidth=0.8)
    panel.locator_params(axis="x", nbins=4)
    panel.set(xlabel="mean |attribution|", ylabel="rise of the error without it")
