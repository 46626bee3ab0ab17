"""The study's figures: computed spectra and what they are worth; samples, time, twins and forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pesin.plot.style import COLOURS, interval_band, legend, log_axis, named, names, note, panels
from pesin.stats.intervals import interval
from pesin.steps.results import Results
from studies.koopman_learning_limits.pair import gain

SAID = {"mixing": "cat map", "skew": "Anzai's product", "steady": "rotation"}
SHOWN = {"0.5": 0, "1": 1, "1.2": 2, "exp(i)": 3}
WAVES = (1, 2, 3, 5, 10, 20, 50, 100, 1000, 10**4, 10**5, 10**6)
PERTURBED = 10**6


def spectra(study: Results) -> Figure:
    """tau over the plane with EDMD's eigenvalues; tau against the dictionary's size; residuals against |lambda|."""
    torus: Any = study["entropy/known"]
    forecasts: Any = study["forecast/known"]
    flow = forecasts.sel(flow="pendulum")
    figure, axes = panels(2, 4, height=2.5)
    size = torus["gridded"].values[-1]
    for panel, (system, said) in zip(axes[0], SAID.items(), strict=False):
        found = torus.sel(system=system, size=size)
        image = plane(panel, torus["tau"].sel(system=system, gridded=size), found["value"], found["residual"])
        panel.set_title(f"{said}, N = {size}")
    edmd = flow["of"] == 0
    image = plane(axes[0, 3], flow["tau"], flow["value"].where(edmd), flow["residual"].where(edmd))
    axes[0, 3].set_title("pendulum")
    axes[0, 0].set_ylabel("Im lambda")
    figure.colorbar(image, ax=axes[0], label="tau, and residual of the dots", shrink=0.8)
    for i, (panel, system) in enumerate(zip(axes[1], SAID, strict=False)):
        at = torus.sel(system=system)
        for point, colour in SHOWN.items():
            panel.plot(at["size"], at["tau_at"].sel(point=point), "o-", color=COLOURS[colour], label=point)
            panel.axhline(float(at["distance_at"].sel(point=point)), color=COLOURS[colour], ls="--", lw=0.8)
        log_axis(panel, "x", ticks=at["size"].values)
        panel.set(xlabel="size N of the dictionary", ylim=(-0.03, 1), title=f"h = {float(at['ks_entropy']):.2g} nat")
        panel.set_ylabel(named(at["tau_at"]) if i == 0 else "")
    legend(axes[1, 0], title="lambda", ncols=2, loc="upper right")
    last = axes[1, 3]
    last.axline((0, 1), (1, 0), color="k", lw=0.8, label="1 - |lambda|")
    for i, (system, said) in enumerate(SAID.items()):
        found = torus.sel(system=system, size=size)
        last.plot(np.hypot(*found["value"].values.T), found["residual"], "osv"[i], ms=4, color=COLOURS[i], label=said)
    modulus = np.hypot(*flow["value"].where(edmd).values.T)
    last.plot(modulus, flow["residual"].where(edmd), ".", ms=3, color=COLOURS[3], label="pendulum")
    last.set(xlabel="|lambda| of EDMD", ylabel="residual", xlim=(-0.05, 1.1), ylim=(-0.05, 1.1))
    legend(last, outside="above", ncols=2)
    return figure


def plane(panel, tau, value, residual):
    """tau over the complex plane, the circle, and eigenvalues coloured by their residual on the same scale."""
    edge = tau["real"].values
    image = panel.pcolormesh(
        edge, tau["imaginary"].values, tau.values.T, vmin=0, vmax=1, cmap="viridis", rasterized=True
    )
    turn = np.linspace(0, 2 * np.pi, 200)
    panel.plot(np.cos(turn), np.sin(turn), color="w", lw=1)
    x, y = value.values.T
    panel.scatter(x, y, c=residual, vmin=0, vmax=1, cmap="viridis", s=16, edgecolors="r", linewidths=0.7, zorder=3)
    panel.set(xlabel="Re lambda", aspect="equal", xlim=edge[[0, -1]], ylim=edge[[0, -1]])
    return image


def limits(study: Results) -> Figure:
    """Errors and tau against samples, Wiener means, outputs on the twins; gains, phases, forecasts with bounds."""
    result: Any = study["entropy/known"]
    figure, axes = panels(2, 4, height=2.5)
    samples(axes[0, :2], result, study["entropy/exact_nodes"])
    for i, (name, limit) in enumerate(zip(result["observable"].values, (0, 1, 0, 0.25), strict=True)):
        axes[0, 2].plot(result["steps"], result["wiener_to"].sel(observable=name), color=COLOURS[i], label=name)
        axes[0, 2].axhline(limit, color=COLOURS[i], ls=":", lw=1)
    log_axis(axes[0, 2], "x")
    axes[0, 2].set(xlabel="steps averaged over", ylabel=named(result["wiener_to"]))
    legend(axes[0, 2], outside="above")
    twins(axes[0, 3], axes[1, 0], axes[1, 1], result)
    forecasts: Any = study["forecast/known"]
    for panel, flow in zip(axes[1, 2:], forecasts["flow"].values, strict=True):
        forecast(panel, forecasts.sel(flow=flow))
        panel.set_title(flow)
    legend(axes[1, 3], loc="lower right")
    return figure


def samples(row, result, exact) -> None:
    """Error of the matrices, and tau at 1, against the number of nodes."""
    nodes = result["samples"].values
    interval_band(row[0], nodes, interval(result["matrix_error"], "seed"), "random nodes", marker="o", ms=4)
    row[0].plot(nodes, exact["matrix_error"].mean("seed"), "s-", ms=4, color=COLOURS[1], label="grid (control)")
    first = float(result["matrix_error"].isel(samples=1).mean())
    row[0].plot(nodes[1:], first * (nodes[1:] / nodes[1]) ** -0.5, "k:", lw=1, label="slope -1/2")
    interval_band(row[1], nodes, interval(result["tau_samples"], "seed"), "random nodes", marker="o", ms=4)
    row[1].axhline(float(result["tau_limit"]), color="k", ls="--", lw=0.8, label="exact")
    log_axis(row[0], "y")
    row[0].set(ylabel=named(result["matrix_error"]))
    row[1].set(ylabel=named(result["tau_samples"]), ylim=(-0.03, 1))
    for panel in row:
        log_axis(panel, "x")
        panel.set_xlabel("nodes M")
        legend(panel, outside="above")


def twins(seen, gains, phase, result) -> None:
    """What four methods see of the perturbation; what waves are multiplied by; the phase of the eigenfunction."""
    seen.plot(np.arange(result.sizes["method"]), result["differs"], "o", label="largest difference")
    seen.axhline(1e-8, color=COLOURS[1], ls="--", lw=1, label="allowed")
    seen.axhline(float(result["apart"]), color="k", ls=":", lw=1, label="maps apart (turns)")
    names(seen, "x", result["method"].values, rotation=45)
    log_axis(seen, "y")
    seen.set(ylabel=named(result["differs"]), xlim=(-0.5, 3.5), ylim=(1e-17, 1e-6))
    legend(seen, outside="above")
    gains.plot(WAVES, [gain(q) for q in WAVES], "o", ms=4)
    for axis in "xy":
        log_axis(gains, axis)
    gains.set(xlabel="wave number q of f", ylabel="amplitude of u over that of f")
    note(gains, "perturbed here", (PERTURBED, gain(PERTURBED)), xytext=(-6, -2), textcoords="offset points", ha="right")
    x = np.linspace(0, 2, 300)
    phase.plot(x, float(result["turns"].sel(twin="perturbed")) * np.cos(2 * np.pi * x), label="perturbed")
    phase.plot(x, 0 * x, label="smooth")
    phase.set(xlabel="x (1e-6)", ylabel="phase u(x) of the eigenfunction (turn)")
    legend(phase, outside="above", ncols=2)


def forecast(panel, found) -> None:
    """Errors and bounds of up to four pairs that pass and move, the best of each method first."""
    value = found["value"].values
    turning = np.hypot(value[:, 0] - 1, value[:, 1]) > 0.1
    kept = np.flatnonzero((found["residual"].values < 0.05) & turning & (value[:, 1] >= 0))
    kept = kept[np.argsort(found["residual"].values[kept])][:4]
    for i, pair in enumerate(kept):
        one = found.isel(pair=pair)
        label = f"{found['method'].values[int(one['of'])]}, {float(one['residual']):.2g}"
        panel.plot(found["n"][1:], one["error"][1:], color=COLOURS[i], label=label if i else label)
        panel.plot(found["n"][1:], one["bound"][1:], "--", color=COLOURS[i])
    edmd = found.where(found["of"] == 0, drop=True)
    typical = edmd["error"].median("pair")
    panel.plot(found["n"][1:], typical[1:], color="k", lw=0.8, label="EDMD unfiltered, median")
    for axis in "xy":
        log_axis(panel, axis)
    panel.set(xlabel="steps n", ylabel="error of K^n g, in norms of g")
    legend(panel, outside="above")
