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
OBSERVED = {
    "mixing, e10": ("cat, e10", 0),
    "skew, e10": ("Anzai, e10", 1),
    "skew, e01": ("Anzai, e01", 0),
    "skew, e10 and e01": ("Anzai, both", 0.25),
}
"""Name in the figure and limit of each observable."""
WAVES = (1, 2, 3, 5, 10, 20, 50, 100, 1000, 10**4, 10**5, 10**6)
SEEN = 1e-8
"""C1: the largest difference of outputs that is allowed."""
SLOPES, APART = (-0.65, -0.35), 0.02
"""C4a and C5: slopes, and distances from the limit, that are accepted."""
KEPT = 0.05
RESTING = 0.1


def spectra(study: Results) -> Figure:
    """tau over the plane with EDMD's eigenvalues; tau against the dictionary's size; residuals against |lambda|."""
    torus: Any = study["entropy/known"]
    forecasts: Any = study["forecast/known"]
    flow = forecasts.sel(flow="pendulum")
    flow = flow.isel(pair=np.flatnonzero(flow["of"] == 0))
    figure, axes = panels(2, 4, height=2.3)
    size = torus["gridded"].values[-1]
    for panel, (system, said) in zip(axes[0], SAID.items(), strict=False):
        found = torus.sel(system=system, size=size)
        plane(panel, torus["tau"].sel(system=system, gridded=size), found["value"].values, found["residual"].values)
        panel.set_title(said)
    image = plane(axes[0, 3], flow["tau"], flow["value"].values, flow["residual"].values)
    axes[0, 3].set_title("pendulum")
    axes[0, 0].set_ylabel("Im lambda")
    figure.colorbar(image, ax=axes[0], label="tau; residual (dots)", shrink=0.8, pad=0.01)
    for panel, system in zip(axes[1], SAID, strict=False):
        against_size(panel, torus.sel(system=system))
    axes[1, 0].set_ylabel(named(torus["tau_at"]))
    legend(axes[1, 2], title="lambda", loc="upper right", labelspacing=0.2)
    last = axes[1, 3]
    last.axline((0, 1), (1, 0), color="k", lw=0.8)
    for i, (system, said) in enumerate(SAID.items()):
        found = torus.sel(system=system, size=size)
        last.plot(
            np.hypot(*found["value"].values.T),
            found["residual"],
            "osv"[i],
            ms=4,
            color=COLOURS[i],
            label=said.split("'")[0].split()[0],
        )
    last.plot(np.hypot(*flow["value"].values.T), flow["residual"], ".", ms=3, color=COLOURS[3], label="pendulum")
    last.set(xlabel="|lambda| of EDMD", ylabel="residual", xlim=(-0.1, 1.1), ylim=(-0.05, 1.1))
    legend(last, loc="lower left", labelspacing=0.2, handletextpad=0, borderaxespad=0)
    return figure


def plane(panel, tau, value: np.ndarray, residual: np.ndarray):
    """tau over the complex plane, the circle, and eigenvalues (with conjugates), coloured by residual alike."""
    edge = tau["real"].values
    look: dict[str, Any] = {"vmin": 0, "vmax": 1, "cmap": "viridis"}
    image = panel.imshow(tau.values.T, origin="lower", extent=(*edge[[0, -1]], *edge[[0, -1]]), **look)
    turn = np.linspace(0, 2 * np.pi, 200)
    panel.plot(np.cos(turn), np.sin(turn), color="w", lw=1)
    x, y = value.T
    for part in (y, -y):
        panel.scatter(x, part, c=residual, s=12, edgecolors="r", linewidths=0.6, zorder=3, **look)
    panel.set(xlabel="Re lambda", xlim=edge[[0, -1]], ylim=edge[[0, -1]])
    return image


def against_size(panel, at) -> None:
    """tau at chosen points of one map against the size of the dictionary, and the distance to the spectrum."""
    for point, colour in SHOWN.items():
        panel.plot(at["size"], at["tau_at"].sel(point=point), "o-", ms=4, color=COLOURS[colour], label=point)
        panel.axhline(float(at["distance_at"].sel(point=point)), color=COLOURS[colour], ls="--", lw=0.8)
    log_axis(panel, "x", ticks=at["size"].values)
    panel.set(xlabel="size N", ylim=(-0.03, 1), title=f"h = {float(at['ks_entropy']):.2g} nat")


def limits(study: Results) -> Figure:
    """Errors and tau against samples, Wiener means; what is seen of the twins, gains, phases; forecasts with bounds."""
    result: Any = study["entropy/known"]
    forecasts: Any = study["forecast/known"]
    figure, axes = panels(3, 3, height=2.2)
    samples(axes[0, :2], result, study["entropy/exact_nodes"])
    for i, (name, (said, limit)) in enumerate(OBSERVED.items()):
        axes[0, 2].plot(result["steps"], result["wiener_to"].sel(observable=name), color=COLOURS[i], label=said)
        axes[0, 2].axhspan(limit - APART, limit + APART, color=COLOURS[i], alpha=0.2, lw=0)
    log_axis(axes[0, 2], "x", ticks=[1, 10, 100])
    axes[0, 2].set(xlabel="steps T averaged over", ylabel="mean squared\nautocorrelation")
    legend(axes[0, 2], loc="upper right", bbox_to_anchor=(1, 0.93), labelspacing=0.2)
    twins(axes[1], result)
    for panel, flow in zip(axes[2], forecasts["flow"].values, strict=False):
        forecast(panel, forecasts.sel(flow=flow))
        panel.set_title(flow)
    last = axes[2, 2]
    for i, flow in enumerate(forecasts["flow"].values):
        found = forecasts.sel(flow=flow)
        within = found["residual"] < KEPT
        ratio = (found["error"] / found["bound"]).where(within).max("pair")
        last.plot(found["n"][1:], ratio[1:], color=COLOURS[i], label=flow)
    last.axhline(1, color="k", ls="--", lw=0.8)
    log_axis(last, "x", ticks=[1, 10, 50])
    last.set(xlabel="steps n", ylabel="largest error / bound,\npairs that pass", ylim=(0, 1.1))
    legend(last, loc="lower left")
    return figure


def samples(row, result, exact) -> None:
    """Error of the matrices, and tau at 1, against the number of nodes."""
    nodes = result["samples"].values
    interval_band(row[0], nodes, interval(result["matrix_error"], "seed"), "random", marker="o", ms=4)
    row[0].plot(nodes, exact["matrix_error"].mean("seed"), "s-", ms=4, color=COLOURS[1], label="grid")
    first = float(result["matrix_error"].isel(samples=1).mean())
    slopes = [first * (nodes[1:] / nodes[1]) ** slope for slope in SLOPES]
    row[0].fill_between(nodes[1:], *slopes, color=COLOURS[7], alpha=0.5, lw=0, label="accepted")
    interval_band(row[1], nodes, interval(result["tau_samples"], "seed"), "random nodes", marker="o", ms=4)
    row[1].axhline(float(result["tau_limit"]), color="k", ls="--", lw=0.8, label="exact")
    log_axis(row[0], "y", ticks=[1, 1e-4, 1e-8, 1e-12])
    row[0].set(ylabel="relative error\nof G, A and L")
    row[1].set(ylabel=named(result["tau_samples"]), ylim=(-0.03, 1))
    for panel, place in zip(row, ("center right", "lower right"), strict=True):
        log_axis(panel, "x")
        panel.set_xlabel("nodes M")
        legend(panel, loc=place, handlelength=1)


def twins(row, result) -> None:
    """What four methods see of the perturbation; what waves are multiplied by; the phase of the eigenfunction."""
    seen, gains, phase = row
    seen.plot(np.arange(result.sizes["method"]), result["differs"], "o", label="outputs")
    seen.axhline(SEEN, color=COLOURS[1], ls="--", lw=1, label="allowed")
    seen.axhline(float(result["apart"]), color="k", ls=":", lw=1, label="maps (turn)")
    names(seen, "x", result["method"].values, rotation=30)
    log_axis(seen, "y", ticks=[1e-3, 1e-8, 1e-13])
    seen.set(ylabel="largest difference\nof the twins", xlim=(-0.5, 3.5), ylim=(1e-16, 1e-2))
    legend(seen, loc="upper right")
    gains.plot(WAVES, [gain(q) for q in WAVES], "o", ms=4)
    log_axis(gains, "x", ticks=[1, 100, 1e4, 1e6])
    log_axis(gains, "y", ticks=[1, 1e6, 1e12, 1e18])
    gains.set(xlabel="wave number q of f", ylabel="amplitude of u\nover that of f")
    note(gains, "the twins'", (WAVES[-1], gain(WAVES[-1])), xytext=(-6, -3), textcoords="offset points", ha="right")
    x = np.linspace(0, 2, 300)
    phase.plot(x, float(result["turns"].sel(twin="perturbed")) * np.cos(2 * np.pi * x), label="perturbed")
    phase.plot(x, 0 * x, label="smooth")
    phase.set(xlabel="x (1e-6 turn)", ylabel="phase u of the\neigenfunction (turn)")
    legend(phase, outside="above", ncols=2)


def forecast(panel, found) -> None:
    """Errors and bounds of up to four pairs that pass and move, of evenly spread residuals; and of EDMD's."""
    value, residual = found["value"].values, found["residual"].values
    kept = np.flatnonzero((residual < KEPT) & (np.hypot(value[:, 0] - 1, value[:, 1]) > RESTING))
    kept = kept[np.argsort(residual[kept])]
    kept = kept[np.unique(np.linspace(0, len(kept) - 1, 4).astype(int))] if len(kept) else kept
    for i, pair in enumerate(kept):
        one = found.isel(pair=pair)
        panel.plot(found["n"][1:], one["error"][1:], color=COLOURS[i], label="_" if i else "error, pairs that pass")
        panel.plot(found["n"][1:], one["bound"][1:], "--", color=COLOURS[i], label="_" if i else "certified bound")
    typical = found["error"].where(found["of"] == 0).median("pair")
    panel.plot(found["n"][1:], typical[1:], color="k", lw=0.8, label="all of EDMD, median")
    log_axis(panel, "x", ticks=[1, 10, 50])
    log_axis(panel, "y", ticks=[0.01, 0.1, 1])
    low, high = panel.get_ylim()
    panel.set(xlabel="steps n", ylabel="error of K^n g,\nin norms of g", ylim=(low / 10, high))
    legend(panel, loc="lower right", labelspacing=0.2, handlelength=1)
