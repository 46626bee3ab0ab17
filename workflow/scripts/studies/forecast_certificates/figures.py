"""The study's figures: single forecasts, ranks and sizes of all certificates, errors against the lead."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, interval_whiskers, legend, log_axis, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results

WORLDS = {"lorenz": "Lorenz", "henon_heiles": "Henon and Heiles"}
SHOWN = {"members": "other members", "shaken": "response to its own error", "own": "its own residual or energy"}
ALL = {"checks": "median at checks"} | SHOWN
RANK, SIZE = 0.2, 0.48
"""Bounds of C1 and C2."""


def called(model: str) -> str:
    return {"nbeats": "N-BEATS", "koopman": "Koopman", "neural_ode": "neural ODE", "hamiltonian": "Hamiltonian"}.get(
        model, model.replace("_", " ")
    )


def believed(study: Results) -> Figure:
    """A panel for each world and model."""
    found: Any = study["forecast/main"]
    models = found["model"].values
    figure, axes = panels(len(found["world"]), len(models), width=1.5 * len(models), height=1.9, sharey=True)
    for row, world in zip(axes, found["world"].values, strict=True):
        for panel, model in zip(row, models, strict=True):
            one = found.sel(world=world, model=model)
            told = [name for name in SHOWN if np.isfinite(one["claimed"].sel(certificate=name)).any()]
            for name in told:
                part = one.sel(certificate=name)
                colour = COLOURS[list(ALL).index(name)]
                claimed = np.maximum(part["claimed"].values, 1e-9)
                panel.plot(claimed, part["true"], ".", markersize=3, color=colour, label=SHOWN[name])
            log_axis(panel, "x")
            log_axis(panel, "y")
            if told:
                panel.axline((0.1, 0.1), (1, 1), color="k", linewidth=0.8)
            else:
                note(panel, "no Hamiltonian", (0.5, 0.5), xycoords="axes fraction", ha="center")
            panel.set_title(called(str(model)))
        row[0].set_ylabel(f"{WORLDS[str(world)]}\ntrue error (std. dev.)")
    for panel in axes[-1]:
        panel.set_xlabel("claimed")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, markerscale=3)
    return figure


def certificates(study: Results) -> Figure:
    """Ranks and sizes with the judged intervals, a row for each world."""
    found: Any = study["forecast/main"]
    other = study["forecast/other_starts"]
    figure, axes = panels(len(found["world"]), 2, width=9, height=2.6, sharex=True)
    at = np.arange(len(found["model"]))
    for row, world in zip(axes, found["world"].values, strict=True):
        for shift, name in enumerate(ALL):
            place, colour = at + 0.18 * (shift - 1.5), COLOURS[shift]
            one = {"world": world, "certificate": name}
            for panel, variable in zip(row, ("rank", "size"), strict=True):
                whole = interval(found[variable].sel(one).transpose("model", "seed"), "seed")
                interval_whiskers(panel, place, whole, label=ALL[name], color=colour, markersize=3)
            shuffled = other["rank"].sel(one).mean("seed")
            row[0].plot(place, shuffled, "x", color=colour, markersize=4)
        row[0].set_ylabel(f"{WORLDS[str(world)]}\nrank correlation")
        row[1].set_ylabel("log10 of claimed / true")
        for value in (0, RANK):
            row[0].axhline(value, color="k", linestyle=":" if value else "-", linewidth=0.7)
        for value in (-SIZE, 0, SIZE):
            row[1].axhline(value, color="k", linestyle=":" if value else "-", linewidth=0.7)
    for panel in axes[-1]:
        names(panel, "x", map(called, found["model"].values), rotation=40)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def errors(study: Results) -> Figure:
    """Median error of each kind of model against the lead."""
    found: Any = study["forecast/main"]
    figure, axes = panels(1, len(found["world"]), width=8, height=3, sharey=True)
    lead = found["lead"].values
    for panel, world in zip(axes[0], found["world"].values, strict=True):
        for i, model in enumerate(found["model"].values):
            error = found["error"].sel(world=world, model=model)
            if np.isfinite(error).any():
                whole = interval(error.transpose("lead", "seed"), "seed")
                interval_band(panel, lead, whole, label=called(str(model)), color=COLOURS[i])
        log_axis(panel, "x")
        log_axis(panel, "y")
        panel.axhline(found.attrs["saturated"], color="k", linestyle="--", linewidth=0.8)
        panel.set(title=WORLDS[str(world)], xlabel="lead (steps)")
    axes[0, 0].set_ylabel(named(found["error"]))
    legend(axes[0, -1], outside="right")
    return figure
