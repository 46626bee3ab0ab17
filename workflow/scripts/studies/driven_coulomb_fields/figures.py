"""The study's figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.integrate.pseudospectral import correlation_function
from pesin.plot.style import COLOURS, interval_whiskers, legend, log_axis, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.driven_coulomb_fields.theory import PREFACTOR, force_amplitude

ANGLES = (0, 45, 90)


def fan(panel, x, y, low: float, high: float, label: str | None = None) -> None:
    """The slopes that a rule accepts, through the middle of the points x, y on logarithmic axes."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    across = x / np.exp(np.log(x).mean())
    middle = np.sign(y[0]) * np.exp(np.log(abs(y)).mean())
    panel.fill_between(x, middle * across**low, middle * across**high, color="k", alpha=0.12, lw=0, label=label)


def structure(study: Results) -> Figure:
    """S_rhorho and S_cc against k at three angles: simulated and closed form."""
    result: Any = study["entropy/electrolyte"]
    vectors = result["vector"].values
    size, angle = np.hypot(*vectors.T), np.degrees(np.arctan2(abs(vectors[:, 1]), abs(vectors[:, 0])))
    figure, axes = panels(2, 3, height=2.3, sharex=True, sharey="row")
    for row, moment in zip(axes, ("rhorho", "cc"), strict=True):
        for panel, towards in zip(row, ANGLES, strict=True):
            near = np.flatnonzero(abs(angle - towards) < 0.1)
            near = near[np.argsort(size[near])]
            for colour, field in zip(COLOURS, result["field"].values, strict=False):
                at = {"moment": moment, "field": field}
                panel.plot(size[near], result["structure"].sel(at)[near], ".", ms=3, color=colour)
                panel.plot(size[near], result["expected"].sel(at)[near], color=colour, lw=1, label=f"{field:g}")
            log_axis(panel, "x", [0.02, 0.05, 0.1, 0.2, 0.5])
        row[0].set_ylabel(named(result["structure"], "S_ρρ" if moment == "rhorho" else "S_cc"))
    for panel, towards in zip(axes[0], ANGLES, strict=True):
        panel.set_title(f"{towards}° from the field" + (", all alike" if towards == 90 else ""))
    for panel in axes[-1]:
        panel.set_xlabel(named(result["vector"], "k"))
        panel.set_xlim(size.min() / 1.2, size.max() * 1.2)
    legend(axes[0, 0], title="Ecal", loc="upper left")
    return figure


def correlations(study: Results) -> Figure:
    """Map of the density correlation, and its decay along and across the field."""
    result: Any = study["entropy/electrolyte"]
    params: Any = study.params("electrolyte")
    length, smoothing = params.simulate.length, params.entropy.smoothing
    figure, ((left, middle, right),) = panels(1, 3, height=2.9)
    vectors, reach = result["vector"].values, length / 16
    axis = np.linspace(-reach, reach, 61)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)  # a line at a time: modes are many at paper scale
    power = result["structure"].sel(moment="cc")
    added = (power.sel(field=2) - power.sel(field=0)).values * np.exp(-(vectors**2).sum(-1) * smoothing**2 / 2)
    shown = np.stack([correlation_function(added, vectors, line, length) for line in places])
    top = max(shown.max(), -shown.min() / 40)
    image = left.imshow(
        shown.T, origin="lower", extent=(-reach, reach, -reach, reach), vmin=-top, vmax=top, cmap="RdBu_r"
    )
    figure.colorbar(
        image, ax=left, label="C_cc (C0² κ²)", aspect=25, location="bottom", ticks=[-top, 0, top], format="%.2g"
    )
    left.set(title="Ecal = 2", xlabel="x, along the field (1 / κ)", ylabel="y (1 / κ)")
    distance = result["distance"].values
    for panel, direction in ((middle, "along"), (right, "across")):
        scaled = result["correlation"].sel(direction=direction) * distance**2
        for colour, field in zip(COLOURS[1:], result["field"].values[1:], strict=False):
            look: dict[str, Any] = {"color": colour, "label": f"Ecal = {field:g}", "markersize": 3}
            interval_whiskers(panel, distance, interval(scaled.sel(field=field), "run"), **look)
            exact = result["expected_correlation"].sel(direction=direction, field=field)
            panel.plot(distance, exact * distance**2, color=colour, lw=1)
        fan(panel, distance, scaled.sel(field=1).mean("run"), -0.3, 0.3, "exponents accepted at Ecal = 1")
        panel.axhline(0, color="k", lw=0.6)
        panel.set(xlabel=f"r, {direction} the field (1 / κ)", ylabel="r² C_cc (C0²)")
    figure.legend(*middle.get_legend_handles_labels(), loc="outside upper center", ncols=5)
    return figure


def force(study: Results) -> Figure:
    """Amplitude of the force against the field, and pressure against distance."""
    result: Any = study["entropy/electrolyte"]
    figure, (row,) = panels(1, 2, height=2.9)
    fields = result["field"].values
    fine = np.linspace(0, fields[-1], 200)
    row[0].plot(fine, force_amplitude(fine), color="k", lw=1, label="closed form, far apart")
    row[0].plot(fields, result["amplitude"], "o", ms=5, label="sum over modes")
    parts = result["force"].isel(plates=-1) * float(result["plates"][-1]) ** 3 / PREFACTOR
    for part in ("x", "y"):
        row[0].plot(fields, parts.sel(part=part), ".--", lw=0.8, label=f"of it by electric fields along {part}")
    row[0].axhline(0, color="k", lw=0.6)
    row[0].set(xlabel="Ecal", ylabel="excess pressure (kT ζ(3) / (8π H³))", ylim=(-0.1, 1.3))
    note(row[0], "repulsive", (0.99, 0.09), xycoords="axes fraction", ha="right")
    note(row[0], "attractive", (0.99, 0.01), xycoords="axes fraction", ha="right")
    legend(row[0], loc="upper left")
    plates = result["plates"].values
    for colour, field in zip(COLOURS[1:], fields[1:], strict=False):
        pushed = result["pressure"].sel(field=field)
        fan(row[1], plates, pushed, -3.15, -2.85, "-3.15 to -2.85" if field == fields[1] else None)
        row[1].plot(plates, pushed, "o", color=colour, ms=3, label=f"Ecal = {field:g}")
        row[1].plot(plates, PREFACTOR * force_amplitude(field) / plates**3, color=colour, lw=1)
    log_axis(row[1], "x", plates)
    log_axis(row[1], "y")
    row[1].set(xlabel="H (1 / κ)", ylabel="excess pressure (kT κ³)")
    legend(row[1], loc="lower left")
    return figure


def scaling(study: Results) -> Figure:
    """Structure factor over the linear law's, relaxation times, and numbers of cells, with and without the coupling."""
    figure, (row,) = panels(1, 3, height=2.9)
    shown = ("share", "relaxation", "number_variance")
    for colour, (name, said) in zip(COLOURS, (("chemotaxis", "coupled"), ("linear", "linear")), strict=False):
        result: Any = study[f"entropy/{name}"]
        for panel, variable, along in zip(row, shown, ("mode", "mode", "width"), strict=True):
            found = interval(result[variable], "realisation")
            interval_whiskers(panel, result[along].values, found, color=colour, label=said, markersize=3)
    result = study["entropy/chemotaxis"]
    mode, width = result["mode"].values, result["width"].values
    mean = {name: result[name].mean("realisation").values for name in (*shown, "linear_relaxation")}
    fan(row[0], mode[:5], mean["share"][:5], 0.85, 1.1, "slopes that are accepted")
    fan(row[1], mode[:5], mean["relaxation"][:5], -1.5, -0.8)
    fan(row[1], mode[:5], mean["relaxation"][:5], -1.2, -0.8)
    fan(row[2], width, mean["number_variance"], -1.1, -0.4)
    row[1].plot(mode, mean["linear_relaxation"], color="k", lw=0.8, ls=":", label="linear law")
    params: Any = study.params("chemotaxis").simulate
    row[1].axhline(params.time / 6, color="k", lw=0.6, ls="--", label="times not seen beyond")
    row[2].plot(width, 1 - width / params.length, color="k", lw=0.8, ls=":")
    for panel in row[:2]:
        log_axis(panel, "x", [1, 2, 5, 10, 20])
        panel.set_xlabel("mode")
    log_axis(row[2], "x", width)
    row[2].set_xlabel(named(result["width"]))
    for panel, said in zip(
        row,
        ("S_u / linear law's", named(result["relaxation"], "relaxation time"), "variance of number / width"),
        strict=True,
    ):
        log_axis(panel, "y")
        panel.set_ylabel(said)
    log_axis(row[2], "y", [0.1, 0.2, 0.5, 1])
    lines, labels = (a + b for a, b in zip(*(p.get_legend_handles_labels() for p in row[:2]), strict=True))
    handles = dict(zip(labels, lines, strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=5)
    return figure


def production(study: Results) -> Figure:
    """Entropy production and entropy of the driven fields; what is learnt of both equations, and forecasts by it."""
    result: Any = study["entropy/electrolyte"]
    figure, (top, bottom) = panels(2, 3, height=2.5)
    fields = result["field"].values
    total = result["total_production"]
    for place, estimate in enumerate(total["estimate"].values):
        top[0].plot(fields[1:], total.sel(estimate=estimate)[1:], "o^s"[place], ms=7 - 2 * place, label=estimate)
    top[0].plot(fields[1:], total[0, -1].item() * (fields[1:] / fields[-1]) ** 2, color="k", lw=0.8, label="Ecal²")
    log_axis(top[0], "x", fields[1:])
    log_axis(top[0], "y")
    top[0].set(xlabel="Ecal", ylabel="entropy production\n(nat D κ⁴)")
    legend(top[0])
    top[1].plot(fields, result["entropy_change"], "o-", ms=3, lw=0.8)
    top[1].axhline(0, color="k", lw=0.6)
    top[1].set(xlabel="Ecal", ylabel="differential entropy\nabove equilibrium (nat κ²)")
    _learnt(study, top[2], bottom[0])
    _forecasts(study, bottom[1], bottom[2])
    return figure


def _learnt(study: Results, drift, equation) -> None:
    """What is learnt from snapshots: the electrolyte's drift, and the terms of Burgers' equation."""
    fitted: Any = study["train/electrolyte"]["fitted"]
    fields = fitted["field"].values
    for place, (colour, name) in enumerate(zip(COLOURS, fitted["parameter"].values, strict=False)):
        apart = interval(fitted.sel(parameter=name) - (fields if name == "v" else 1.0), "run")
        said = {"kappa2": "κ²"}.get(name, name)
        interval_whiskers(drift, fields + 0.08 * (place - 1), apart, color=colour, label=said, markersize=3)
    drift.axhline(0, color="k", lw=0.6)
    drift.set(xlabel="Ecal", ylabel="fitted minus true")
    legend(drift, "above", ncols=3)
    params: Any = study.params("chemotaxis").simulate
    found: Any = study["train/chemotaxis"]["coefficient"]
    terms = found["term"].values
    interval_whiskers(equation, np.arange(len(terms)), interval(found, "realisation"), label="learnt")
    equation.plot(np.arange(len(terms)), [params.nu, -params.coupling, 0, 0], "_", ms=16, color="k", label="true")
    names(equation, "x", terms)
    equation.set(xlabel="term of the equation", ylabel="coefficient", xlim=(-0.6, len(terms) - 0.4))
    legend(equation)


def _forecasts(study: Results, modes, ensembles) -> None:
    """Errors of forecasts: modes of the electrolyte that the fit hasn't seen, ensembles of the signal's gradient."""
    error: Any = study["forecast/electrolyte"]["error"]
    for place, model in enumerate(error["model"].values):
        for lead, line in zip(error["lead"].values, ("-", ":"), strict=False):
            mean = error.sel(model=model, lead=lead).mean("run")
            look: dict[str, Any] = {"ms": 7 - 2 * place, "lw": 0.8, "ls": line, "color": COLOURS[place]}
            modes.plot(error["field"], mean, "o", label=model if line == "-" else None, **look)
    said = " and ".join(f"{lead:g}" for lead in error["lead"].values[:2])
    modes.set(xlabel="Ecal", ylabel=f"error / field's size,\n{said} (dotted) ahead")
    legend(modes, "above", ncols=2)
    score: Any = study["forecast/chemotaxis"]["crps"]
    places = np.arange(score.sizes["model"])
    interval_whiskers(ensembles, places, interval(score, "realisation"))
    names(ensembles, "x", score["model"].values, rotation=30)
    ensembles.set(ylabel="CRPS of u,\none unit of time ahead", ylim=(0, None))
