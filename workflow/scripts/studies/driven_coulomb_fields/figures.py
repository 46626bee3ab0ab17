"""The study's figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.integrate.pseudospectral import correlation_function
from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, named, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.driven_coulomb_fields.theory import PREFACTOR, force_amplitude

ANGLES = (0, 45, 90)


def structure(study: Results) -> Figure:
    """S_rhorho and S_cc against k at three angles: simulated and closed form."""
    result: Any = study["entropy/electrolyte"]
    vectors = result["vector"].values
    size, angle = np.hypot(*vectors.T), np.degrees(np.arctan2(abs(vectors[:, 1]), abs(vectors[:, 0])))
    figure, axes = panels(2, 3, height=2.3, sharex=True, sharey="row")
    for row, moment in zip(axes, ("rhorho", "cc"), strict=True):
        for panel, towards in zip(row, ANGLES, strict=True):
            near = np.flatnonzero(abs(angle - towards) < 1)
            near = near[np.argsort(size[near])]
            for colour, field in zip(COLOURS, result["field"].values, strict=False):
                at = {"moment": moment, "field": field}
                panel.plot(size[near], result["structure"].sel(at)[near], ".", ms=3, color=colour)
                panel.plot(size[near], result["expected"].sel(at)[near], color=colour, lw=1, label=f"{field:g}")
            log_axis(panel, "x")
            panel.set_title(f"{towards}° from the field")
        row[0].set_ylabel(named(result["structure"], "S_ρρ" if moment == "rhorho" else "S_cc"))
    for panel in axes[-1]:
        panel.set_xlabel(named(result["vector"], "k"))
    legend(axes[0, 0], title="Ecal")
    return figure


def correlations(study: Results) -> Figure:
    """Map of the density correlation, and its decay along and across the field."""
    result: Any = study["entropy/electrolyte"]
    params: Any = study.params("electrolyte")
    length, smoothing = params.simulate.length, params.entropy.smoothing
    figure, ((left, middle, right),) = panels(1, 3, height=2.7)
    vectors, reach = result["vector"].values, length / 16
    axis = np.linspace(-reach, reach, 61)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    power = result["structure"].sel(moment="cc")
    added = (power.sel(field=2) - power.sel(field=0)).values * np.exp(-(vectors**2).sum(-1) * smoothing**2 / 2)
    shown = correlation_function(added, vectors, places, length).reshape(61, 61)
    top = abs(shown).max() / 4
    image = left.imshow(
        shown.T, origin="lower", extent=(-reach, reach, -reach, reach), vmin=-top, vmax=top, cmap="RdBu_r"
    )
    figure.colorbar(image, ax=left, location="bottom", label=named(result["correlation"]), aspect=25)
    left.set(title="Ecal = 2", xlabel="x, along the field", ylabel="y")
    for panel, direction in ((middle, "along"), (right, "across")):
        for colour, field in zip(COLOURS[1:], result["field"].values[1:], strict=False):
            at = {"direction": direction, "field": field}
            found = result["correlation"].sel(at)
            r2 = result["distance"] ** 2
            interval_whiskers(
                panel,
                result["distance"],
                interval(found * r2, "run"),
                color=colour,
                label=f"Ecal = {field:g}",
                markersize=3,
            )
            panel.plot(result["distance"], result["expected_correlation"].sel(at) * r2, color=colour, lw=1)
        panel.axhline(0, color="k", lw=0.6)
        panel.set(title=f"{direction} the field", xlabel="r (1 / kappa)", ylabel="r² C_cc (C0²)")
    legend(middle)
    return figure


def force(study: Results) -> Figure:
    """Amplitude of the force against the field, and pressure against distance."""
    result: Any = study["entropy/electrolyte"]
    figure, (row,) = panels(1, 2, height=2.7)
    fields = result["field"].values
    fine = np.linspace(0, fields[-1], 200)
    row[0].plot(fine, force_amplitude(fine), color="k", lw=1, label="closed form, far apart")
    row[0].plot(fields, result["amplitude"], "o", label="sum over modes")
    parts = result["force"].isel(plates=-1) * float(result["plates"][-1]) ** 3 / PREFACTOR
    for part in ("x", "y"):
        row[0].plot(fields, parts.sel(part=part), ".--", lw=0.8, label=f"electric fields along {part}")
    row[0].axhline(0, color="k", lw=0.6)
    row[0].set(xlabel="Ecal", ylabel="excess pressure (kT ζ(3) / (8π H³))")
    legend(row[0])
    plates = result["plates"].values
    for colour, field in zip(COLOURS[1:], fields[1:], strict=False):
        row[1].plot(plates, result["pressure"].sel(field=field), "o", color=colour, ms=3, label=f"Ecal = {field:g}")
        row[1].plot(plates, PREFACTOR * force_amplitude(field) / plates**3, color=colour, lw=1)
    log_axis(row[1], "x", [20, 50, 100])
    log_axis(row[1], "y")
    row[1].set(xlabel="H (1 / kappa)", ylabel=named(result["pressure"]))
    legend(row[1])
    return figure


def scaling(study: Results) -> Figure:
    """Structure factor over the linear law's, relaxation times, and numbers of cells, with and without the coupling."""
    figure, (row,) = panels(1, 3, height=2.7)
    for colour, (name, said) in zip(COLOURS, (("chemotaxis", "coupled"), ("linear", "linear")), strict=False):
        result: Any = study[f"entropy/{name}"]
        mode = result["mode"].values
        look: dict[str, Any] = {"color": colour, "label": said, "markersize": 3}
        interval_whiskers(row[0], mode, interval(result["share"], "realisation"), **look)
        interval_whiskers(row[1], mode, interval(result["relaxation"], "realisation"), **look)
        interval_whiskers(row[2], result["width"].values, interval(result["number_variance"], "realisation"), **look)
    row[0].plot(mode[:5], 0.1 * mode[:5], color="k", lw=0.8, label="slope 1")
    expected = result["linear_relaxation"].mean("realisation").values
    row[1].plot(mode, expected, color="k", lw=0.8, ls=":", label="linear law, slope -2")
    row[1].plot(mode[:5], expected[0] / 15 / mode[:5], color="k", lw=0.8, label="slope -1")
    for panel in row[:2]:
        log_axis(panel, "x", [1, 2, 5, 10, 20])
        panel.set_xlabel("mode")
    log_axis(row[2], "x", result["width"].values)
    row[2].set_xlabel("width of a window")
    for panel, said in zip(
        row, ("S_u over the linear law's", "relaxation time", "variance of the number / width"), strict=True
    ):
        log_axis(panel, "y")
        panel.set_ylabel(said)
        legend(panel)
    return figure


def production(study: Results) -> Figure:
    """Entropy production against the field, what was learnt of the drift, and forecasts by it."""
    result: Any = study["entropy/electrolyte"]
    fitted: Any = study["train/electrolyte"]["fitted"]
    error: Any = study["forecast/electrolyte"]["error"]
    figure, (row,) = panels(1, 3, height=2.7)
    fields = result["field"].values
    total = result["total_production"]
    for place, estimate in enumerate(total["estimate"].values):
        row[0].plot(fields[1:], total.sel(estimate=estimate)[1:], "o^s"[place], ms=5 - place, label=estimate)
    row[0].plot(fields[1:], total[0, -1].item() * (fields[1:] / fields[-1]) ** 2, color="k", lw=0.8, label="Ecal²")
    log_axis(row[0], "x", fields[1:])
    log_axis(row[0], "y")
    row[0].set(xlabel="Ecal", ylabel=named(total, "entropy production"))
    legend(row[0])
    for colour, name in zip(COLOURS, ("v", "D", "kappa2"), strict=False):
        truth = fields if name == "v" else 1.0
        apart = interval(fitted.sel(parameter=name) - truth, "run")
        interval_whiskers(row[1], fields, apart, color=colour, label=name, markersize=3)
    row[1].axhline(0, color="k", lw=0.6)
    row[1].set(xlabel="Ecal", ylabel="fitted minus true")
    legend(row[1])
    for colour, model in zip(COLOURS, error["model"].values, strict=False):
        mean = error.sel(model=model).isel(lead=0).mean("run")
        row[2].plot(fields, mean, "o-", ms=3, lw=0.8, color=colour, label=model)
    row[2].set(xlabel="Ecal", ylabel="error of a forecast, one frame ahead")
    legend(row[2])
    return figure
